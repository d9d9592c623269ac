//! What a holder is called whose account the upstream names.

use crate::{
    Digest,
    propose::{check_name, is_name_letter},
};

/// The most bytes that are left of a name that had to be changed.
const LEFT: usize = 96;

/// What parts it from the beginning of its digest, and how many digits that has.
const PARTS: (&str, usize) = ("::", 20);

/// An account's name as the upstream spells it, made fit to be a holder's name. No two accounts
/// have one: where a name had to be changed, or looks as if it had been, the digest of it as it was
/// stands behind. A key of the one would be the other's, who could say yes to its calls.
pub(super) fn name(account: &str) -> String {
    if account.trim().is_empty() || check_name(account).is_ok() && !looks_changed(account) {
        return account.to_owned();
    }
    let mut fitted = String::new();
    for letter in account.trim().chars() {
        let letter = if is_name_letter(letter) { letter } else { '_' };
        if fitted.len() + letter.len_utf8() > LEFT {
            break;
        }
        fitted.push(letter);
    }
    let (parts, digits) = PARTS;
    let digest: String = Digest::of(account.as_bytes()).to_string().chars().take(digits).collect();
    format!("{fitted}{parts}{digest}")
}

/// Whether it ends as a changed one does. Letter case does not count among holders' names.
fn looks_changed(account: &str) -> bool {
    let (parts, digits) = PARTS;
    account
        .rsplit_once(parts)
        .is_some_and(|(_, end)| end.len() == digits && end.bytes().all(|it| it.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_that_fits_stays_and_no_other_becomes_the_same() {
        for same in ["ann", "Ann", "o_brien", "é.dupont@example.com", "people/ann::", "a:b", "ann b"] {
            assert_eq!(name(same), same);
        }
        let long = "a".repeat(128);
        let spellings = [
            "o_brien",
            "o'brien",
            "o*brien",
            "o\u{200b}brien",
            "o\tbrien",
            " o_brien",
            "o_brien ",
            "o_brien\u{a0}",
            "o_brien\0",
            "e\u{301}",
            "e_",
            &long,
            &format!("{long}1"),
            &format!("{long}2"),
        ];
        let names: HashSet<String> = spellings.iter().map(|it| name(it).to_ascii_lowercase()).collect();
        assert_eq!(names.len(), spellings.len(), "{names:?}");
        // Nor one that was registered in the form of a changed one, in any letter case.
        let changed = name("o'brien");
        for forged in [changed.clone(), changed.to_ascii_uppercase()] {
            assert!(!name(&forged).eq_ignore_ascii_case(&changed), "{forged}");
        }
        assert_eq!(name(" \t"), " \t", "a holder's name cannot be empty");
    }

    proptest! {
        #[test]
        fn whatever_it_was_it_is_fit_and_its_own(one in "\\PC{1,140}|[a' _:]{1,6}", other in "\\PC{1,140}|[a' _:]{1,6}") {
            for account in [&one, &other] {
                prop_assert!(account.trim().is_empty() || check_name(&name(account)).is_ok(), "{}", name(account));
            }
            let same = name(&one).eq_ignore_ascii_case(&name(&other));
            prop_assert!(!same || one.eq_ignore_ascii_case(&other), "{one:?} {other:?}");
        }
    }
}

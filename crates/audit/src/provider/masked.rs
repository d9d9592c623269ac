//! Names that may be secrets after all are not kept.

use wire::SECRET_PREFIXES;

/// The text, or where it looks like a secret, the place where it stood.
pub(crate) fn masked(text: &str, line: u64) -> String {
    if looks_secret(text) { format!("(masked, line {line})") } else { text.to_owned() }
}

/// The text with words in the place of whatever in it is surely a secret; none where nothing is.
/// A word is named by the number that `number` gives it, so that two of them stay two.
pub(crate) fn concealed(text: &str, mut number: impl FnMut(&str) -> usize) -> Option<String> {
    if is_service_account_key(text) {
        return None;
    }
    if is_key_block(text) || has_password(text) {
        return Some(format!("(masked {})", number(text)));
    }
    let sure = |word: &str| is_marked(word) || is_random(word) && word.contains(|letter: char| letter.is_ascii_digit());
    if !words(text).any(sure) && !is_named_secret(text) {
        return None;
    }
    let mut told = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(end) = rest.find(is_separator).or(Some(rest.len())).filter(|_| !rest.is_empty()) {
        let (word, after) = rest.split_at(end);
        if sure(word) {
            told.push_str(&format!("(masked {})", number(word)));
        } else {
            told.push_str(word);
        }
        let mut letters = after.chars();
        told.extend(letters.next());
        rest = letters.as_str();
    }
    Some(if is_named_secret(&told) { format!("(masked {})", number(text)) } else { told })
}

fn is_separator(letter: char) -> bool {
    letter.is_whitespace() || ":@,;\"'`()=<>{}[]|&?".contains(letter)
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(is_separator)
}

/// Whether it begins as the secrets of well-known services do.
pub(crate) fn is_marked(text: &str) -> bool {
    SECRET_PREFIXES.iter().any(|prefix| text.strip_prefix(prefix).is_some_and(|rest| rest.len() >= 8))
}

/// `Bearer x`, `Basic x`, whatever the case of the letters.
fn is_named_secret(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    ["bearer ", "basic ", "token "].iter().any(|scheme| {
        let rest = text.split_once(scheme).map(|(_, rest)| rest);
        rest.is_some_and(|rest| {
            rest.split_whitespace()
                .next()
                .is_some_and(|word| word.len() >= 12 && word.contains(|letter: char| letter.is_ascii_digit()))
        })
    })
}

fn is_key_block(text: &str) -> bool {
    text.contains("-----BEGIN ") || text.contains("PRIVATE KEY")
}

/// An address with a password in it.
fn has_password(text: &str) -> bool {
    text.split("://").skip(1).any(|rest| {
        let authority = rest.split(['/', ' ', '?', '#']).next().unwrap_or_default();
        authority.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'))
    })
}

/// Whether its words are a secret together, though none of them is one by itself.
pub(crate) fn is_secret_together(text: &str) -> bool {
    is_named_secret(text) || is_key_block(text) || has_password(text)
}

/// Whether it begins as secrets do, or is a long word without words in it.
pub(crate) fn looks_secret(text: &str) -> bool {
    if is_service_account_key(text) {
        return false;
    }
    is_key_block(text)
        || has_password(text)
        || is_named_secret(text)
        || is_marked(text)
        || words(text).any(|word| is_marked(word) || is_random(word))
}

/// `projects/P/serviceAccounts/ACCOUNT/keys/ID`: how Google names a key, with a digest as its id.
fn is_service_account_key(text: &str) -> bool {
    let parts: Vec<&str> = text.split('/').collect();
    matches!(parts.as_slice(), ["projects", _, "serviceAccounts", _, "keys", id] if id.len() == 40 && id.chars().all(|letter| letter.is_ascii_hexdigit()))
}

fn is_random(word: &str) -> bool {
    let is_id = word.len() == 36 && word.split('-').map(str::len).eq([8, 4, 4, 4, 12]);
    if word.len() < 24 || is_id {
        return false;
    }
    let class = |letter: char| match letter {
        'a'..='z' => 1,
        'A'..='Z' => 2,
        '0'..='9' => 3,
        _ => 0,
    };
    let classes: Vec<i32> = word.chars().map(class).filter(|class| *class > 0).collect();
    let turns = classes.windows(2).filter(|pair| pair.first() != pair.last()).count();
    turns * 3 >= classes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_masked_and_names_are_not() {
        for secret in [
            "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
            "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            "sk_live_4eC39HqLyjWDarjtT1zdp7dc",
            "5f4dcc3b5aa765d61d8327deb882cf99",
            "key: 5f4dcc3b5aa765d61d8327deb882cf99",
            "https://ann:hunter2@host/path",
            "Bearer abcdefgh1234",
            "bearer abcdefgh1234",
            "token: glpat-abcdefgh12345678",
            "-----BEGIN OPENSSH PRIVATE KEY-----",
            "https://ann:wJalrXUtnFEMIxK7MDENGbPxRfiCYEXAMPLEKEY@host",
        ] {
            assert!(looks_secret(secret), "{secret}");
        }
        for name in [
            "AKIAIOSFODNN7EXAMPLE",
            "arn:aws:iam::123456789012:user/division_abc/subdivision_xyz/Bob",
            "ProductionDeploymentKey2024x",
            "nightly-export-for-the-warehouse-2024",
            "123e4567-e89b-12d3-a456-426614174000",
            "projects/p/serviceAccounts/x@p.iam.gserviceaccount.com/keys/90c48f61c65cd56224a12ab18e6ee9ca9c3aee7c",
            "https://company.example/ann@company.example",
            "token of the month-end",
            "ann.archer@example-company-with-a-long-name.org",
        ] {
            assert!(!looks_secret(name), "{name}");
        }
    }

    #[test]
    fn only_the_secret_of_a_sentence_is_masked_and_two_stay_two() {
        let mut seen: Vec<String> = Vec::new();
        let mut number = |word: &str| {
            seen.iter().position(|known| known == word).unwrap_or_else(|| {
                seen.push(word.to_owned());
                seen.len() - 1
            })
        };
        let mut told = |text: &str| concealed(text, &mut number);
        assert_eq!(
            told("made the key ghp_16C7e42F292c6912E7710c, twice").as_deref(),
            Some("made the key (masked 0), twice")
        );
        assert_eq!(told("x=5f4dcc3b5aa765d61d8327deb882cf99").as_deref(), Some("x=(masked 1)"));
        assert_eq!(told("ghp_16C7e42F292c6912E7710c").as_deref(), Some("(masked 0)"));
        assert_eq!(told("iam:CreateServiceSpecificCredential and 391 more"), None);
        assert_eq!(told("Basic dXNlcjpwYXNzd29yZDE=").as_deref(), Some("(masked 2)"));
    }
}

//! The beginning and the end of a long text, for a person who says yes or no to all of it.
//!
//! Whoever wrote the text may want its reader to see only harmless things. So the end is always
//! shown, how much is left out between is said, and names there that sound as if they mattered
//! are told.

/// What of a text is shown at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Excerpt<'a> {
    /// The whole text, or its beginning.
    pub begin: &'a str,
    /// What is left out, where it is not the whole text.
    pub omitted: Option<&'a str>,
    /// Its end, where something is left out.
    pub end: &'a str,
}

/// Names that are told of what is left out; others are counted.
const MOST_NAMES: usize = 24;
/// The longest name, in letters, that is told whole.
const LONGEST_NAME: usize = 64;
/// Less than so many letters are not worth leaving out.
const WORTH: usize = 200;

/// Parts of names that say who may do what, what is paid to whom, what is run, or what is
/// weakened.
const WEIGHTY: [&str; 92] = [
    "access",
    "account",
    "acl",
    "action",
    "active",
    "admin",
    "administrator",
    "admins",
    "allow",
    "allowed",
    "amount",
    "approved",
    "audience",
    "auth",
    "bank",
    "beneficiary",
    "bypass",
    "callback",
    "cidr",
    "cmd",
    "code",
    "command",
    "confirm",
    "cost",
    "credential",
    "credentials",
    "credit",
    "currency",
    "debit",
    "delete",
    "deny",
    "destination",
    "destroy",
    "disable",
    "disabled",
    "discount",
    "domain",
    "email",
    "enabled",
    "endpoint",
    "entrypoint",
    "env",
    "exec",
    "expires",
    "expiry",
    "factor",
    "force",
    "grant",
    "grants",
    "group",
    "groups",
    "iban",
    "image",
    "impersonate",
    "ip",
    "key",
    "keys",
    "limit",
    "login",
    "mail",
    "member",
    "members",
    "mfa",
    "oauth",
    "otp",
    "owner",
    "owners",
    "password",
    "payee",
    "permission",
    "permissions",
    "policies",
    "policy",
    "price",
    "privilege",
    "privileges",
    "public",
    "quantity",
    "recipient",
    "recipients",
    "redirect",
    "refund",
    "role",
    "roles",
    "root",
    "run",
    "scope",
    "scopes",
    "script",
    "secret",
    "sso",
    "sudo",
];
/// The same, where they stand beside others of their kind too often to be parts.
const WEIGHTY_TOO: [&str; 16] = [
    "2fa",
    "superuser",
    "team",
    "teams",
    "tenant",
    "token",
    "tokens",
    "total",
    "totp",
    "transfer",
    "trusted",
    "url",
    "user",
    "verified",
    "visibility",
    "webhook",
];

/// How much of a text's beginning or end is shown: so many letters, in at most so many lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Letters.
    pub letters: usize,
    /// Lines.
    pub lines: usize,
}

impl<'a> Excerpt<'a> {
    /// At most so much of the beginning and of the end.
    pub fn of(text: &'a str, begin: Size, end: Size) -> Self {
        let first = |size: Size| {
            let letters = text.char_indices().nth(size.letters).map(|(place, _)| place);
            let lines = text.match_indices('\n').nth(size.lines.saturating_sub(1)).map(|(place, _)| place + 1);
            letters.into_iter().chain(lines).min()
        };
        let last = |size: Size| {
            let letters = text.char_indices().nth_back(size.letters.saturating_sub(1)).map(|(place, _)| place);
            let lines = text.rmatch_indices('\n').nth(size.lines.saturating_sub(1)).map(|(place, _)| place + 1);
            letters.into_iter().chain(lines).max()
        };
        let parts = first(begin).zip(last(end)).and_then(|(first, last)| {
            let middle = text.get(first..last).filter(|middle| middle.chars().count() >= WORTH)?;
            Some(Self { begin: text.get(..first)?, omitted: Some(middle), end: text.get(last..)? })
        });
        parts.unwrap_or(Self { begin: text, omitted: None, end: "" })
    }

    /// How many letters are left out.
    pub fn letters(&self) -> usize {
        self.omitted.map_or(0, |omitted| omitted.chars().count())
    }

    /// Names in what is left out that sound as if they mattered, and how many more there are. A
    /// name counts where its value is left out, even if the name itself still shows.
    pub fn weighty(&self) -> (Vec<String>, usize) {
        let Some(omitted) = self.omitted else { return (Vec::new(), 0) };
        // A name may begin before the cut and its value behind it.
        let before = self.begin.char_indices().nth_back(LONGEST_NAME).map_or(0, |(place, _)| place);
        let edge = self.begin.get(before..).unwrap_or_default();
        let text = format!("{edge}{omitted}");
        let mut names: Vec<String> = Vec::new();
        let mut more = 0;
        for (name, behind) in named(&text) {
            if behind < edge.len() || !is_weighty(name) || names.iter().any(|known| known == name) {
                continue;
            }
            if names.len() < MOST_NAMES {
                names.push(name.chars().take(LONGEST_NAME).collect());
            } else {
                more += 1;
            }
        }
        (names, more)
    }
}

/// Every word that something is said of: what stands before a colon, an equals sign, or the end
/// of a tag; and where that sign ends.
fn named(text: &str) -> impl Iterator<Item = (&str, usize)> {
    let is_name = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '-' | '.');
    let mut rest = 0;
    std::iter::from_fn(move || {
        let start = rest + text.get(rest..)?.find(is_name)?;
        let run = text.get(start..)?;
        let end = start + run.find(|letter| !is_name(letter)).unwrap_or(run.len());
        rest = end;
        Some((start, end))
    })
    .filter_map(|(start, end)| {
        let behind = text.get(end..)?;
        let sign = behind.find(|letter| !matches!(letter, '"' | '\'' | ' ' | ']' | ')' | '\\'))?;
        let is_sign = behind.get(sign..)?.starts_with([':', '=', '>']);
        is_sign.then_some((text.get(start..end)?, end + sign + 1))
    })
}

/// Whether one of a name's words says so: `isAdmin`, `user_role`, `billing-amount`.
fn is_weighty(name: &str) -> bool {
    let mut words: Vec<String> = vec![String::new()];
    let mut before = ' ';
    for letter in name.chars() {
        if !letter.is_alphanumeric() || letter.is_uppercase() && before.is_lowercase() {
            words.push(String::new());
        }
        if letter.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(letter.to_lowercase());
        }
        before = letter;
    }
    let known = |word: &String| WEIGHTY.contains(&word.as_str()) || WEIGHTY_TOO.contains(&word.as_str());
    words.iter().any(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEGIN: Size = Size { letters: 100, lines: 1000 };
    const END: Size = Size { letters: 50, lines: 1000 };

    #[test]
    fn many_short_lines_do_not_push_the_end_out_of_sight() {
        let text: String = (0..1000).map(|line| format!("{line}\n")).collect();
        let few = |lines| Size { letters: 10_000, lines };
        let excerpt = Excerpt::of(&text, few(3), few(2));
        assert_eq!((excerpt.begin, excerpt.end), ("0\n1\n2\n", "999\n"));
        assert!(excerpt.omitted.is_some_and(|middle| middle.starts_with("3\n") && middle.ends_with("998\n")));
    }

    #[test]
    fn a_long_text_shows_both_its_ends_and_a_short_one_all() {
        let text = format!("{}{}{}", "ä".repeat(100), "m".repeat(500), "ß".repeat(50));
        let excerpt = Excerpt::of(&text, BEGIN, END);
        assert_eq!((excerpt.begin, excerpt.end), ("ä".repeat(100).as_str(), "ß".repeat(50).as_str()));
        assert_eq!((excerpt.omitted.map(str::len), excerpt.letters()), (Some(500), 500));
        for short in ["", "short", &"x".repeat(150), &"x".repeat(150 + WORTH - 1)] {
            assert_eq!(Excerpt::of(short, BEGIN, END), Excerpt { begin: short, omitted: None, end: "" });
        }
    }

    #[test]
    fn what_matters_in_the_middle_is_named_however_it_is_written() {
        let told = |middle: &str| {
            let text = format!("{}{middle}{}", "- ".repeat(100), " -".repeat(200));
            Excerpt::of(&text, Size { letters: 200, lines: 1000 }, Size { letters: 100, lines: 1000 }).weighty()
        };
        for (middle, names) in [
            (r#""isAdmin": true, "nickname": "x", "user_role" : "owner""#, vec!["isAdmin", "user_role"]),
            ("\"billing-amount\" = \"9\"\n\"colour\" = \"red\"", vec!["billing-amount"]),
            ("<member><role>admin</role></member>", vec!["member", "role"]),
            ("role: admin\nnote: the owner knows", vec!["role"]),
            ("Content-Disposition: form-data; name=\"password\"", vec![]),
            (r#""text": "role and admin and amount""#, vec![]),
        ] {
            assert_eq!(told(middle), (names.iter().map(|&name| name.to_owned()).collect(), 0), "{middle}");
        }
        let many: String = (0..40).map(|number| format!("role.{number}: x ")).collect();
        let (names, more) = told(&many);
        assert_eq!((names.len(), more), (MOST_NAMES, 40 - MOST_NAMES));
    }

    #[test]
    fn a_name_whose_value_is_cut_off_is_told() {
        for cut in 0..8 {
            let begin = "x".repeat(92 + cut) + " \"role\":";
            let text = format!("{}{}{}", begin, "\"admin\"", " y".repeat(400));
            let excerpt = Excerpt::of(&text, BEGIN, END);
            assert_eq!(excerpt.weighty().0, ["role"], "{:?}", excerpt.begin);
        }
    }
}

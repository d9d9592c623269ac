//! What credentials look like, and what their fields are called.

/// Beginnings by which issuers mark their secrets.
pub const SECRET_PREFIXES: &[&str] = &[
    "AGE-SECRET-KEY-",
    "AIza",
    "ATATT",
    "PMAK-",
    "SG.",
    "dckr_pat_",
    "dop_v1_",
    "eyJ",
    "figd_",
    "gho_",
    "ghp_",
    "ghr_",
    "ghs_",
    "ghu_",
    "github_pat_",
    "gldt-",
    "glpat-",
    "glrt-",
    "hf_",
    "hvs.",
    "lin_api_",
    "npm_",
    "pk_live_",
    "pypi-",
    "rk_live_",
    "rk_test_",
    "sbp_",
    "shpat_",
    "sk-",
    "sk_live_",
    "sk_test_",
    "sntrys_",
    "whsec_",
    "xapp-",
    "xoxa-",
    "xoxb-",
    "xoxe-",
    "xoxe.",
    "xoxp-",
    "xoxr-",
    "xoxs-",
    "ya29.",
];

/// Beginnings of names that stand beside a secret.
const NAME_PREFIXES: &[&str] = &["AKIA", "ASIA"];

/// Shorter than this is no credential that a machine made.
const LEAST: usize = 20;

/// Whether a text looks like a credential that a machine made: a known beginning, or a long
/// run of letters and digits without the rhythm of words.
///
/// Used to digest values in paths and to mask bodies, so both mistakes are bearable: an
/// ordinary id is shown as a digest, or a credential without digits is shown. UUIDs and
/// numbers are ids.
pub fn looks_like_credential(text: &str) -> bool {
    if text.len() < LEAST || text.len() > 8192 || !text.bytes().all(is_token) || is_uuid(text) {
        return false;
    }
    if SECRET_PREFIXES.iter().chain(NAME_PREFIXES).any(|prefix| text.starts_with(prefix)) {
        return true;
    }
    // The slashes and the plus of base64, which paths and sums have as well: only where the
    // whole is as mixed as chance makes it.
    if text.contains(['/', '+']) && Mix::of(text).is_base64() {
        return true;
    }
    // The hyphen and the underscore of its other alphabet, which names have as well.
    if text.contains(['-', '_']) && Mix::of(text).is_base64url() {
        return true;
    }
    text.split(|letter: char| !letter.is_ascii_alphanumeric()).any(|run| run.len() >= 16 && Mix::of(run).is_random())
}

/// Whether a value is so long and mixed that where it equals a known key, it is that key and
/// no word that somebody else means otherwise.
pub fn is_distinctive(value: &[u8]) -> bool {
    let is_mixed = || {
        value.len() >= 16
            && value.iter().any(u8::is_ascii_digit)
            && value.iter().all(|byte| byte.is_ascii_graphic() && *byte != b'@')
    };
    is_mixed() || str::from_utf8(value).is_ok_and(looks_like_credential)
}

const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~' | b'+' | b'/' | b'=' | b':')
}

fn is_uuid(text: &str) -> bool {
    if text.len() != 36 {
        return false;
    }
    let groups: Vec<&str> = text.split('-').collect();
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups.iter().all(|group| group.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// How letters and digits are mixed in a run.
struct Mix {
    length: usize,
    lower: usize,
    upper: usize,
    digits: usize,
    hex: usize,
    /// How often the next character is of another kind.
    changes: usize,
}

impl Mix {
    fn of(run: &str) -> Self {
        let count = |is: fn(&u8) -> bool| run.bytes().filter(is).count();
        let kinds = run.bytes().map(|byte| (byte.is_ascii_digit(), byte.is_ascii_uppercase()));
        Self {
            length: run.len(),
            lower: count(u8::is_ascii_lowercase),
            upper: count(u8::is_ascii_uppercase),
            digits: count(u8::is_ascii_digit),
            hex: count(u8::is_ascii_hexdigit),
            changes: kinds.clone().zip(kinds.skip(1)).filter(|(one, next)| one != next).count(),
        }
    }

    /// Words with a number behind them change seldom; chance changes at every sixth character
    /// or more often, whatever the alphabet.
    const fn is_random(&self) -> bool {
        let letters = self.lower + self.upper;
        // Database ids of 24 hexadecimal digits are ids.
        let is_short_hex = self.hex == self.length && self.length < 32;
        self.digits > 0 && letters > 0 && !is_short_hex && self.changes * 6 >= self.length
    }

    const fn is_base64(&self) -> bool {
        self.length >= 24 && self.lower > 0 && self.upper > 0 && self.digits > 0 && self.changes * 3 >= self.length
    }

    /// Chance changes at six of ten characters, a name of many short words at less than four.
    const fn is_base64url(&self) -> bool {
        self.is_base64() && self.changes * 5 >= self.length * 2
    }
}

/// What a field has to do with credentials, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FieldKind {
    /// A password or a code: even a number under this name is one.
    Password,
    /// A token or a key: a string under this name is one, a number is a limit or a count.
    Token,
    /// Nothing.
    Plain,
}

impl FieldKind {
    /// This, unless it is nothing.
    pub(crate) fn or(self, other: Self) -> Self {
        if self == Self::Plain { other } else { self }
    }

    pub(crate) fn of(name: &str) -> Self {
        let name: String = name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
        let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
        if has(&["password", "passwd", "passphrase", "passcode", "pwd", "secret", "otp", "cvv", "cvc"])
            || matches!(name.as_str(), "pin" | "pass" | "recoverycode" | "verificationcode" | "mfacode" | "totpcode")
        {
            Self::Password
        } else if has(&["token", "apikey", "accesskey", "privatekey", "credential", "authorization", "signature"])
            && !has(&["type", "name", "count", "limit", "expir", "scope", "ttl", "keyid", "tokenid"])
        {
            Self::Token
        } else {
            Self::Plain
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_machines_make_looks_like_a_credential() {
        for text in [
            "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
            "glpat-zQWBuTSOoRi4A9spHcVY",
            "sk_live_zQWBuTSOoRi4A9spHcVY5ncn",
            "9f86d081884c7d659a2feaa0c55ad015",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
            "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            "zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ",
            "mfzq7a2k5xn3wv6bpt4hjy3c",
        ] {
            assert!(looks_like_credential(text), "{text}");
        }
    }

    #[test]
    fn what_people_name_does_not() {
        for text in [
            "",
            "users",
            "quarterly-report-2026-final",
            "invoice20261124final",
            "123e4567-e89b-12d3-a456-426614174000",
            "12345678901234567890123456789012",
            "507f1f77bcf86cd799439011",
            "src/lib/components/navigation/header.rs",
            "internationalisation",
            "jörg-müller-1234567890",
            "2026-11-24T10:00:00.000000Z",
            "the quick brown fox jumps over the lazy dog",
            "registry.example.com/team/service:v1.2.3",
            "ThisIsAVeryLongJavaClassNameFactoryBean",
            "Team-Report-2026-Q3-Final-Version",
            "quarterly_report_2026_Q3_for_EMEA_and_APAC",
        ] {
            assert!(!looks_like_credential(text), "{text}");
        }
    }

    #[test]
    fn fields_are_known_by_their_names() {
        for name in ["password", "new_password", "user[passwordConfirmation]", "client_secret", "PIN", "otp", "cardCvv"]
        {
            assert_eq!(FieldKind::of(name), FieldKind::Password, "{name}");
        }
        for name in ["token", "access_token", "X-Api-Key", "privateKey"] {
            assert_eq!(FieldKind::of(name), FieldKind::Token, "{name}");
        }
        for name in ["role", "email", "key", "token_type", "token_name", "shipping", "expires_in", "spin"] {
            assert_eq!(FieldKind::of(name), FieldKind::Plain, "{name}");
        }
    }

    /// A hundred keys of 32 characters, each with equal chance. A pattern such as `[0-9_-]` will
    /// not do: it draws a range first, so that the underscore comes as often as all digits.
    fn hundred_keys(alphabet: &'static [u8]) -> impl Strategy<Value = Vec<String>> {
        let key = prop::collection::vec(prop::sample::select(alphabet), 32);
        prop::collection::vec(key.prop_map(|bytes| bytes.into_iter().map(char::from).collect()), 100)
    }

    const LETTERS_AND_DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    const OF_URLS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    proptest! {
        /// One key in 270 goes unrecognised, so more than ten of a hundred do by no chance.
        #[test]
        fn random_keys_look_like_credentials(keys in hundred_keys(LETTERS_AND_DIGITS)) {
            prop_assert!(keys.iter().filter(|key| looks_like_credential(key)).count() >= 90);
        }

        /// Nor of those in the alphabet that URLs are written in, one in 190: hyphens cut them
        /// to pieces.
        #[test]
        fn nor_do_random_keys_with_hyphens(keys in hundred_keys(OF_URLS)) {
            prop_assert!(keys.iter().filter(|key| looks_like_credential(key)).count() >= 90);
        }
    }
}

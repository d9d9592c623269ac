//! What in an answer is called like a credential.

use http::{
    HeaderMap,
    header::{CONTENT_LOCATION, LINK, LOCATION, REFRESH},
};
use serde_json::Value;

use crate::lens;

/// A number so large may be a credential where it is called like one: a code, a PIN.
const LEAST_NUMBER: f64 = 100_000.0;

/// What is said of a credential in an object that is called like one, in letters alone. Whatever
/// else stands in such an object may be it.
const SAID_OF_ONE: [&str; 39] = [
    "active",
    "algorithm",
    "created",
    "createdby",
    "description",
    "email",
    "enabled",
    "environment",
    "exp",
    "expires",
    "expiresin",
    "expiry",
    "href",
    "iat",
    "id",
    "kind",
    "label",
    "lastused",
    "links",
    "login",
    "message",
    "mode",
    "name",
    "nbf",
    "object",
    "organization",
    "owner",
    "permissions",
    "prefix",
    "role",
    "roles",
    "scope",
    "scopes",
    "self",
    "state",
    "status",
    "title",
    "type",
    "user",
];

/// Whether a value holds a text that is called like a credential, by its own name or the name of
/// what it stands in, and `counts` as one; or a number that may be one.
pub(super) fn brings(value: &Value, is_called: bool, counts: impl Fn(&str) -> bool + Copy) -> bool {
    match value {
        Value::String(text) => is_called && !text.is_empty() && counts(text),
        Value::Number(number) => is_called && number.as_f64().is_none_or(|number| number.abs() >= LEAST_NUMBER),
        Value::Array(items) => items.iter().any(|item| brings(item, is_called, counts)),
        Value::Object(members) => members.iter().any(|(name, member)| {
            let is_called = catalogue::names_credential(name) || is_called && !is_said_of_one(name);
            brings(member, is_called, counts)
        }),
        Value::Null | Value::Bool(_) => false,
    }
}

fn is_said_of_one(name: &str) -> bool {
    let letters: String =
        name.chars().filter(char::is_ascii_alphabetic).map(|letter| letter.to_ascii_lowercase()).collect();
    SAID_OF_ONE.binary_search(&letters.as_str()).is_ok()
        || ["_id", "Id", "_at", "At", "_on", "On"].iter().any(|end| name.ends_with(end))
}

/// Whether a text under a credential's name is what an API says is wrong with it (`is too short`,
/// `required`): words, and nothing in them that a machine made or has a digit.
pub(super) fn is_complaint(text: &str) -> bool {
    text.split_whitespace().all(|word| !word.bytes().any(|byte| byte.is_ascii_digit()) && !lens::is_machine_made(word))
}

/// Whether an answer's head has a header that is called like a credential, or an address with a
/// parameter that is.
pub(super) fn head_brings(headers: &HeaderMap) -> bool {
    headers.iter().any(|(name, value)| {
        let says = |part: &[u8]| {
            let called = part.split(|byte| *byte == b'=').next().filter(|called| called.len() < part.len());
            called.is_some_and(|called| catalogue::names_credential(&String::from_utf8_lossy(called)))
        };
        let leads = [LOCATION, CONTENT_LOCATION, LINK, REFRESH].contains(name);
        catalogue::names_credential(name.as_str())
            || leads && value.as_bytes().split(|byte| b"?&#;<>".contains(byte)).any(says)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_a_credential_is_none() {
        assert!(SAID_OF_ONE.is_sorted());
        for name in ["id", "key_id", "createdAt", "expires_at", "expires_in", "last_used", "Scopes"] {
            assert!(is_said_of_one(name), "{name}");
        }
        for name in ["pat", "format", "raw", "live", "data", "value", "valid", "on"] {
            assert!(!is_said_of_one(name), "{name}");
        }
    }

    #[test]
    fn a_complaint_is_made_of_words() {
        for text in ["is too short", "required", "must be of letters, digits or `_`", "TOO_LONG"] {
            assert!(is_complaint(text), "{text}");
        }
        for text in ["hunter2", "tok_9f3c1e7a52d84b06", "there is `tok_9f3c1e7a52d84b06`"] {
            assert!(!is_complaint(text), "{text}");
        }
    }
}

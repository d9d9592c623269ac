//! The header that says what is missing.

use http::HeaderValue;
use law::{Factor, Factors, MaxAge};

/// `WWW-Authenticate` for a request that needs more factors (RFC 9470), with the page where
/// the person gives them as `step_up_uri`. Clients that do not know that word ignore it.
///
/// The factors stand in `acr_values` as `urn:greave:person`, the least troublesome first;
/// `max_age` is how old the person's yes may be, in seconds, and 0 for this very request.
pub fn step_up(missing: Factors, person_age: MaxAge, step_up_uri: &str) -> HeaderValue {
    let factors: Vec<String> = missing.iter().map(|factor| format!("urn:greave:{}", factor.word())).collect();
    let mut parameters = vec![
        ("error", quoted("insufficient_user_authentication")),
        ("acr_values", quoted(&factors.join(" "))),
        ("step_up_uri", quoted(step_up_uri)),
    ];
    if missing.contains(Factor::Person) || missing.contains(Factor::SecondPerson) {
        parameters.insert(2, ("max_age", person_age.as_secs().to_string()));
    }
    header(&parameters)
}

/// `WWW-Authenticate` for a request without a credential, or with one that does not do: then
/// with an error of RFC 6750, such as `invalid_token`.
pub fn bearer(error: Option<&str>) -> HeaderValue {
    match error {
        Some(error) => header(&[("error", quoted(error))]),
        None => HeaderValue::from_static("Bearer"),
    }
}

fn header(parameters: &[(&str, String)]) -> HeaderValue {
    let parameters: Vec<String> = parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
    // INVARIANT: all of it is visible ASCII, which is a header's value.
    HeaderValue::try_from(format!("Bearer {}", parameters.join(", "))).unwrap_or(HeaderValue::from_static("Bearer"))
}

/// A quoted string (RFC 9110 section 5.6.4). What cannot stand in one is percent-encoded.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => quoted.extend(['\\', char::from(byte)]),
            b' '..=b'~' => quoted.push(char::from(byte)),
            other => quoted.push_str(&format!("%{other:02X}")),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use law::Span;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_challenge_names_what_is_missing() {
        assert_eq!(
            step_up(Factor::Person.into(), MaxAge::ThisRequest, "https://gate.example/approve/c9"),
            "Bearer error=\"insufficient_user_authentication\", acr_values=\"urn:greave:person\", max_age=0, \
             step_up_uri=\"https://gate.example/approve/c9\""
        );
        let both = Factors::from(Factor::Person).with(Factor::SecondPerson);
        assert_eq!(
            step_up(both, MaxAge::Within(Span::minutes(15)), "/c9"),
            "Bearer error=\"insufficient_user_authentication\", acr_values=\"urn:greave:person urn:greave:second-person\", \
             max_age=900, step_up_uri=\"/c9\""
        );
        let possession = step_up(Factor::Possession.into(), MaxAge::ThisRequest, "/c9");
        assert!(!possession.to_str().unwrap().contains("max_age"), "nobody's age matters");
        assert_eq!(bearer(None), "Bearer");
        assert_eq!(bearer(Some("invalid_token")), "Bearer error=\"invalid_token\"");
    }

    proptest! {
        #[test]
        fn nothing_breaks_out_of_its_quotes(uri in ".*") {
            let value = step_up(Factor::Person.into(), MaxAge::ThisRequest, &uri);
            let text = value.to_str().unwrap();
            let quoted = text.split_once("step_up_uri=\"").unwrap().1.strip_suffix('"').unwrap();
            let mut letters = quoted.chars();
            let mut read = String::new();
            while let Some(letter) = letters.next() {
                prop_assert_ne!(letter, '"');
                read.push(if letter == '\\' { letters.next().unwrap() } else { letter });
            }
            prop_assert!(read.is_ascii());
            if uri.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
                prop_assert_eq!(read, uri);
            }
        }
    }
}

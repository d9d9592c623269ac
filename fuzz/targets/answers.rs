//! What is asked and answered around a challenge: preferences, codes, keys of idempotency, the
//! challenge itself.
#![no_main]

use factor::{recovery, totp};
use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use law::{Factor, Factors, MaxAge, Span};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: (u8, u32, &str)| {
    let (bits, age, text) = data;
    headers(text);
    challenge(bits, age, text);
    codes(age, text);
});

fn headers(text: &str) {
    let mut headers = HeaderMap::new();
    for name in ["prefer", "greave-otp", "idempotency-key"] {
        for line in text.lines() {
            if let Ok(value) = HeaderValue::from_str(line) {
                headers.append(HeaderName::from_static(name), value);
            }
        }
    }
    let _ = wire::wait(&headers);
    if let Ok(Some(code)) = wire::one_time_code(&headers) {
        assert!((6..=8).contains(&code.expose().len()) && code.expose().iter().all(u8::is_ascii_digit));
    }
    if let Ok(Some(key)) = wire::idempotency_key(&headers) {
        assert!((1..=255).contains(&key.len()) && !key.contains(['"', '\\']));
        assert!(text.contains(key));
    }
}

/// The challenge has its four parameters, whatever the address is, and nobody adds a fifth.
fn challenge(bits: u8, age: u32, uri: &str) {
    let missing: Factors = Factor::ALL
        .into_iter()
        .enumerate()
        .filter(|(place, _)| bits >> place & 1 == 1)
        .map(|(_, factor)| factor)
        .collect();
    let header = wire::step_up(missing, MaxAge::Within(Span::seconds(age)), uri);
    let text = header.to_str().expect("visible ASCII");
    let mut names = Vec::new();
    let mut rest = text.strip_prefix("Bearer ").expect("the scheme stands first");
    while let Some((name, value)) = rest.split_once('=') {
        names.push(name.trim_start_matches(", "));
        rest = match value.strip_prefix('"') {
            Some(quoted) => {
                let mut end = None;
                let mut escaped = false;
                for (place, letter) in quoted.char_indices() {
                    match letter {
                        _ if escaped => escaped = false,
                        '\\' => escaped = true,
                        '"' => {
                            end = Some(place);
                            break;
                        }
                        _ => {}
                    }
                }
                &quoted[end.expect("every quote is closed") + 1..]
            }
            None => value.trim_start_matches(|letter: char| letter.is_ascii_digit()),
        };
    }
    assert!(rest.is_empty(), "{text}");
    let persons = missing.contains(Factor::Person) || missing.contains(Factor::SecondPerson);
    let expected: &[&str] = if persons {
        &["error", "acr_values", "max_age", "step_up_uri"]
    } else {
        &["error", "acr_values", "step_up_uri"]
    };
    assert_eq!(names, expected, "{text}");
}

fn codes(age: u32, typed: &str) {
    let seed = totp::Seed::new([7; 20]);
    let now = Timestamp::from_second(i64::from(age)).expect("a time after 1970");
    if let Ok(step) = seed.accept(typed, now, None) {
        let digits: String = typed.chars().filter(|letter| !letter.is_whitespace()).collect();
        assert_eq!(seed.code(step), digits);
        assert!(seed.accept(typed, now, Some(step)).is_err(), "a code serves once");
    }
    if let Ok(seed) = totp::Seed::from_base32(typed) {
        assert_eq!(totp::Seed::from_base32(&seed.base32()).expect("what was shown is read").expose(), seed.expose());
    }
    let kept = [recovery::Code::new(&[9; 15]).verifier()];
    if recovery::find(typed, &kept).is_some() {
        let letters =
            |text: &str| text.chars().filter(|c| !matches!(c, ' ' | '-')).collect::<String>().to_ascii_uppercase();
        assert_eq!(letters(typed), letters(&recovery::Code::new(&[9; 15]).show()));
    }
}

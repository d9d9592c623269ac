//! Whatever a body holds: a known secret is not shown, and nothing on the page deceives.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wire::{Form, Secret};

/// A secret that stands nowhere by chance.
const SECRET: &str = "q7Zk-Xw9:vT,3";

fuzz_target!(|data: (u8, u16, &[u8], &[u8])| {
    let (how, most, before, after) = data;
    let form = [Form::Json, Form::Form, Form::Parts("x"), Form::Text][usize::from(how) % 4];
    let planted: String = match (form, how / 4 % 2) {
        (Form::Json, 1) => SECRET.chars().map(|letter| format!("\\u{:04X}", u32::from(letter))).collect(),
        (Form::Form, 1) => SECRET.bytes().map(|byte| format!("%{byte:02x}")).collect(),
        _ => SECRET.to_owned(),
    };
    let body = [before, planted.as_bytes(), after].concat();
    let known = Secret::new(SECRET.as_bytes());
    let shown = wire::mask(&body, form, &[&known], usize::from(most));

    assert!(!shown.contains(SECRET), "{shown}");
    assert!(shown.chars().count() <= usize::from(most) + 64);
    assert!(shown.chars().all(|letter| letter == '\n' || !letter.is_control()));
    assert!(!shown.contains(['\u{202e}', '\u{2066}', '\u{200b}', '\u{feff}', '\u{2028}']));
    if usize::from(most) == shown.chars().count() {
        assert!(shown.ends_with(']') || body.is_empty(), "what is cut off is said to be");
    }
    let _ = wire::looks_like_credential(&String::from_utf8_lossy(before));
    assert_eq!(Form::of(Some("application/problem+json"), &body), Form::Json);
});

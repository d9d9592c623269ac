//! The law as people write it: whatever is read reads back the same, and never weaker.
#![no_main]

use std::{fmt::Display, str::FromStr};

use law::{Guard, KeyId, Law, Mode, Power, Span};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    reads_back::<Span>(text);
    reads_back::<Mode>(text);
    reads_back::<Power>(text);
    reads_back::<KeyId>(text);
    if let Some(guard) = reads_back::<Guard>(text) {
        assert!(!guard.clauses().is_empty() && !guard.is_weaker_than(&guard));
        // A guard that asks for nothing but the secret is as weak as any.
        let secret: Guard = "secret".parse().unwrap();
        assert!(!guard.is_weaker_than(&secret) || guard.clauses().iter().any(|clause| clause.needs().is_empty()));
    }
    if let Some(law) = reads_back::<Law>(text) {
        assert!(law.weaker_cells_than(&law).is_empty());
    }
});

fn reads_back<T: FromStr + Display + PartialEq>(text: &str) -> Option<T> {
    let read: T = text.parse().ok()?;
    let again = read.to_string().parse().ok();
    assert!(again.as_ref() == Some(&read), "`{read}` does not read back");
    Some(read)
}

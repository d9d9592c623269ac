//! Foreign text and numbers, as the formats need them.

use law::{Powers, Severity};

use crate::estate::{Key, Reach};

/// Foreign text, fit for a terminal: what would move the cursor, change colours or turn the
/// reading direction is spelt out.
pub(super) fn clean(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' => {
                clean.extend(letter.escape_unicode());
            }
            _ if letter.is_control() => clean.extend(letter.escape_default()),
            _ => clean.push(letter),
        }
    }
    clean
}

/// The word for a severity.
pub(super) const fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::High => "high",
        Severity::Critical => "critical",
    }
}

/// What is sensitive of a reach, in a cell.
fn reach(reach: Reach) -> String {
    let surely = reach.surely.intersection(Powers::SENSITIVE);
    let perhaps = reach.perhaps.intersection(Powers::SENSITIVE);
    let every = |powers: Powers| if powers == Powers::SENSITIVE { "everything".to_owned() } else { powers.to_string() };
    match (surely.is_empty(), perhaps.is_empty()) {
        (true, true) if reach.surely.is_empty() => "nothing".to_owned(),
        (true, true) => reach.surely.to_string(),
        (false, true) => every(surely),
        (true, false) => format!("perhaps {}", every(perhaps)),
        (false, false) => format!("{}; perhaps {}", every(surely), every(perhaps)),
    }
}

/// What a key can do without a second factor, in a cell: by itself, and by one step.
pub(super) fn without(key: &Key) -> String {
    let further = key.surely().intersection(Powers::SENSITIVE).difference(key.without.surely);
    let step = match further {
        Powers::NONE => String::new(),
        _ if key.surely() == Powers::EVERY => "; everything by one step".to_owned(),
        further => format!("; {further} by one step"),
    };
    reach(key.without) + &step
}

/// A number with its noun and the verb's form: `1 key ends`, `2 keys end`.
pub(super) fn of(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// A share in whole per cent.
pub(super) fn share(part: usize, whole: usize) -> String {
    match (part * 100).checked_div(whole) {
        Some(share) => format!("{share} %"),
        None => "-".to_owned(),
    }
}

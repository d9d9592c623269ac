//! Foreign text and numbers, as the formats need them.

use law::{Powers, Severity};

pub(super) use law::clean;

use super::{Report, answers::alone};
use crate::estate::{Account, Key, Known, Reach};

/// The word for a severity.
pub(super) const fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::High => "high",
        Severity::Critical => "critical",
    }
}

/// Foreign text that is no longer than so many letters; JSON has all of it.
pub(super) fn short(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some(_) => text.chars().take(most.saturating_sub(1)).chain(['…']).collect(),
    }
}

/// What is sensitive of a reach, in a cell.
fn reach(reach: Reach) -> String {
    let surely = reach.surely.intersection(Powers::SENSITIVE);
    let perhaps = reach.perhaps.intersection(Powers::SENSITIVE);
    match (surely.is_empty(), perhaps.is_empty()) {
        (true, true) if reach.surely.is_empty() => "nothing".to_owned(),
        (true, true) => reach.surely.to_string(),
        (false, true) => alone(surely),
        (true, false) => format!("perhaps {}", alone(perhaps)),
        (false, false) => format!("{}; perhaps {}", alone(surely), alone(perhaps)),
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

/// An account's second factor, in a few words.
pub(super) fn factor(account: Option<&Account>) -> &'static str {
    match account.map(|account| account.second_factor) {
        Some(Known::Yes) => "2FA",
        Some(Known::No) => "no 2FA",
        None | Some(Known::Unknown) => "2FA unknown",
    }
}

/// Who has a key.
pub(super) fn holders(report: &Report, key: &Key) -> String {
    Some(report.holders(key)).filter(|holders| !holders.is_empty()).unwrap_or_else(|| "nobody known".to_owned())
}

/// A number with its noun and the verb's form: `1 key ends`, `2 keys end`.
pub(super) fn of(number: usize, one: &str, many: &str) -> String {
    format!("{} {}", grouped(number), if number == 1 { one } else { many })
}

/// A number that one can read: `10,000`.
pub(super) fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A share in whole per cent.
pub(super) fn share(part: usize, whole: usize) -> String {
    match (part * 100).checked_div(whole) {
        Some(share) => format!("{share} %"),
        None => "-".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_long_names_end() {
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(short("abc", 3), "abc");
        assert_eq!(short("äöüß", 3), "äö…");
    }
}

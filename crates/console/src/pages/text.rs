//! Texts of strangers, made fit to be shown, and what is said of time and refusals.

use std::fmt::Write as _;

use authority::{Failed, NotDone, NotProved};
use http::StatusCode;
use jiff::Timestamp;

/// The text with everything written out that does not show or that turns the reading
/// direction: what a person approves must be what they see. Lines stay lines where `lines`.
pub(super) fn visible(text: &str, lines: bool) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        if matches!(letter, '\n' | '\t') && lines || !law::is_hidden(letter) {
            shown.push(letter);
        } else {
            // Writing to a string cannot fail.
            let _ = write!(shown, "\u{27e8}U+{:04X}\u{27e9}", u32::from(letter));
        }
    }
    shown
}

/// A moment, such as `2026-11-24 10:14:05 UTC`.
pub(super) fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// The same without its day, for what is never older than an hour.
pub(super) fn time_of_day(at: Timestamp) -> String {
    at.strftime("%H:%M:%S UTC").to_string()
}

/// A time between two moments, in its two largest units.
pub(super) fn length(from: Timestamp, to: Timestamp) -> String {
    let seconds = to.duration_since(from).as_secs().max(0);
    match (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60, seconds % 60) {
        (0, 0, 0, seconds) => format!("{seconds} s"),
        (0, 0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (0, hours, minutes, _) => format!("{hours} h {minutes} min"),
        (days, hours, _, _) => format!("{days} d {hours} h"),
    }
}

/// Why something was not done, for the person who asked for it.
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) words: String,
}

impl From<NotProved> for Refusal {
    fn from(not_proved: NotProved) -> Self {
        let status = match not_proved {
            NotProved::Wrong => StatusCode::FORBIDDEN,
            NotProved::Wait(_) => StatusCode::TOO_MANY_REQUESTS,
            NotProved::Failed(failed) => return failed.into(),
        };
        Self { status, words: sentence(&not_proved.to_string()) }
    }
}

impl From<NotDone> for Refusal {
    fn from(not_done: NotDone) -> Self {
        match not_done {
            NotDone::Declined(declined) => {
                let status = StatusCode::FORBIDDEN;
                Self { status, words: sentence(&visible(&declined.to_string(), false)) }
            }
            NotDone::Failed(failed) => failed.into(),
        }
    }
}

impl From<Failed> for Refusal {
    /// What is wrong with the state is for the operator, who reads it in the log.
    fn from(failed: Failed) -> Self {
        tracing::error!(%failed, "the state does not do its work");
        let words = "The gate cannot do this now; whoever runs it finds the reason in its log.".to_owned();
        Self { status: StatusCode::SERVICE_UNAVAILABLE, words }
    }
}

/// A message as a sentence.
pub(super) fn sentence(message: &str) -> String {
    let mut letters = message.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    let end = if message.ends_with('?') { "" } else { "." };
    format!("{first}{}{end}", letters.as_str().replace('`', ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_a_sentence_already() {
        assert_eq!(sentence("is `it` right?"), "Is it right?");
        assert_eq!(sentence("it is"), "It is.");
    }

    #[test]
    fn what_does_not_show_is_written_out() {
        assert_eq!(visible("a\u{202e}b\u{200b}\r\n\u{0}", true), "a⟨U+202E⟩b⟨U+200B⟩⟨U+000D⟩\n⟨U+0000⟩");
        assert_eq!(visible("a\nb", false), "a⟨U+000A⟩b");
        assert_eq!(visible("größe 日本 עברית 👍", false), "größe 日本 עברית 👍");
        for letter in ['\u{2066}', '\u{e0041}', '\u{feff}', '\u{3164}', '\u{fe0f}', '\u{85}'] {
            assert!(visible(&letter.to_string(), true).starts_with('⟨'), "{letter:?}");
        }
    }

    #[test]
    fn lengths_are_told_in_two_units() {
        let at = |seconds| Timestamp::from_second(seconds).unwrap();
        for (seconds, told) in
            [(-5, "0 s"), (59, "59 s"), (600, "10 min 0 s"), (3700, "1 h 1 min"), (90_000, "1 d 1 h")]
        {
            assert_eq!(length(at(0), at(seconds)), told);
        }
    }
}

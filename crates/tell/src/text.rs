//! Words for people. Whatever a stranger wrote stays on its line and shows what it is.

use std::fmt::Write as _;

use jiff::Timestamp;

use crate::Notice;

/// Lines of a notice that are told.
pub(crate) const LINES: usize = 240;

/// Characters of a line that are told.
const LINE_CHARS: usize = 200;

/// One line as people may see it: at most 200 characters, without line breaks, and with every
/// character escaped that could hide something or turn the reading direction.
pub(crate) fn line(text: &str) -> String {
    let mut clean = String::with_capacity(text.len().min(LINE_CHARS));
    for (place, character) in text.chars().enumerate() {
        if place == LINE_CHARS {
            clean.push('…');
            break;
        }
        if deceives(character) {
            clean.extend(character.escape_unicode());
        } else {
            clean.push(character);
        }
    }
    clean
}

/// What came with a request, on one line, so that no mail program makes a link of it: a path
/// such as `/users/https://evil.example/approve` must not be the first thing to click.
pub(crate) fn foreign(text: &str) -> String {
    line(text).replace("://", "[://]")
}

/// A moment as people read it: `2026-11-24 10:18:32 UTC`.
pub(crate) fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// The body of a mail: the lines, where to look, and how to answer without the desk.
pub(crate) fn body(notice: &Notice) -> String {
    let mut body = String::new();
    let mut say = |text: &str| {
        body.push_str(text);
        body.push('\n');
    };
    for text in notice.lines.iter().take(LINES) {
        say(&line(text));
    }
    if notice.lines.len() > LINES {
        say("… the desk shows the rest");
    }
    if let Some(link) = &notice.link {
        say("");
        say(&format!("{} {}", if notice.kind.asks() { "Answer at the desk:" } else { "At the desk:" }, line(link)));
    }
    if let Some(challenge) = notice.challenge.filter(|_| notice.kind.asks()) {
        say(&format!("On the gate's host:  greave approve {challenge}"));
        say(&format!("If it is not yours:  greave deny {challenge}"));
    }
    let _ = write!(body, "\n-- \nGreave, {} {}\n", notice.kind, moment(notice.at));
    body
}

/// Control characters, line and paragraph separators, and what is invisible or turns direction.
fn deceives(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

#[cfg(test)]
mod tests {
    use law::Severity;
    use proptest::prelude::*;

    use super::*;
    use crate::{Kind, notice::tests::notice};

    #[test]
    fn a_stranger_cannot_write_a_second_line_or_turn_the_first_one_round() {
        assert_eq!(line("a\r\nBcc: b\u{2028}c"), "a\\u{d}\\u{a}Bcc: b\\u{2028}c");
        assert_eq!(line("\u{202e}drowssap"), "\\u{202e}drowssap");
        assert_eq!(line("Zoë 漢字 👩"), "Zoë 漢字 👩");
    }

    #[test]
    fn a_stranger_cannot_plant_a_link() {
        assert_eq!(foreign("/users/https://evil.example/"), "/users/https[://]evil.example/");
    }

    #[test]
    fn a_question_says_how_to_answer_and_news_does_not() {
        let mut notice = notice("n1", Severity::High);
        assert!(body(&notice).contains("greave approve c9\n"));
        assert!(body(&notice).contains("greave deny c9\n"));
        assert!(body(&notice).contains("https://desk.example/challenges/c9\n"));
        notice.kind = Kind::ChallengeAnswered;
        assert!(!body(&notice).contains("approve c9"));
    }

    proptest! {
        #[test]
        fn a_line_is_one_short_line(text in any::<String>()) {
            let line = line(&text);
            prop_assert!(!line.chars().any(char::is_control));
            prop_assert!(line.chars().count() <= LINE_CHARS * 10 + 1);
        }
    }
}

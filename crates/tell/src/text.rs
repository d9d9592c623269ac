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
/// such as `/users/https://evil.example/approve`, or a user agent such as `evil.example/approve`,
/// must not be the first thing to click.
///
/// Mail programs make links of whatever has a scheme, and of bare hosts, mail addresses, dotted
/// addresses and `\\host\share` as well. The sign that makes it one stands in brackets, as those
/// write it who warn of addresses. A sign that does not show would do as well, and whoever copies
/// the text, or looks for it in the record, would have another text without seeing it.
pub fn foreign(text: &str) -> String {
    let text = line(text);
    let mut shown = String::with_capacity(text.len() + 16);
    let mut before = None;
    let mut rest = text.chars();
    while let Some(letter) = rest.next() {
        let after = rest.clone().next();
        // What was made so once stays as it is.
        if letter == ':' && before != Some('[') && rest.as_str().starts_with("//") {
            shown.push_str("[://]");
            rest.next();
            rest.next();
            before = Some('/');
            continue;
        }
        let links = match letter {
            '@' | '\u{ff20}' => before.is_some_and(names) && after.is_some_and(names),
            '\\' => after == Some('\\'),
            _ if is_dot(letter) => {
                before.is_some_and(names) && after.is_some_and(|after| names(after) && !after.is_ascii_digit())
                    || is_in_address(&shown, rest.as_str())
            }
            _ => false,
        };
        if links {
            shown.extend(['[', letter, ']']);
        } else {
            shown.push(letter);
        }
        before = Some(letter);
    }
    shown
}

/// What programs take for the dot in a host's name (UTS 46).
const fn is_dot(letter: char) -> bool {
    matches!(letter, '.' | '\u{3002}' | '\u{ff0e}' | '\u{ff61}')
}

/// Whether this may stand beside such a dot: in any script.
fn names(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '-' || letter == '_' || letter == '%' || !letter.is_ascii()
}

/// Whether the dot between these stands in four numbers, an address, and not in a version of two.
fn is_in_address(before: &str, after: &str) -> bool {
    let part = |letter: &char| letter.is_ascii_digit() || matches!(letter, '.' | '[' | ']');
    let numbers =
        |text: &str| text.split('.').filter(|number| number.bytes().any(|byte| byte.is_ascii_digit())).count();
    let before: String = before.chars().rev().take_while(part).collect();
    let after: String = after.chars().take_while(part).collect();
    let ends_well =
        before.starts_with(|end: char| end.is_ascii_digit()) && after.starts_with(|at: char| at.is_ascii_digit());
    ends_well && numbers(&before) + numbers(&after) >= 4
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
        for (text, shown) in [
            ("/users/https://evil.example/", "/users/https[://]evil[.]example/"),
            ("evil.example/approve", "evil[.]example/approve"),
            ("WWW.EVIL.EXAMPLE", "WWW[.]EVIL[.]EXAMPLE"),
            ("xn--80ak6aa92e.com", "xn--80ak6aa92e[.]com"),
            ("bank.пример", "bank[.]пример"),
            ("evil。example", "evil[。]example"),
            ("evil．example", "evil[．]example"),
            ("mailto:eve@evil.example", "mailto:eve[@]evil[.]example"),
            ("eve@localhost", "eve[@]localhost"),
            ("203.0.113.66/approve", "203[.]0[.]113[.]66/approve"),
            ("\\\\evil\\share", "[\\]\\evil\\share"),
            ("python-requests/2.32 (x.y)", "python-requests/2.32 (x[.]y)"),
            ("v1.2.3 is here. Or there", "v1.2.3 is here. Or there"),
            ("GET /v1/things?page=2&note=a+b", "GET /v1/things?page=2&note=a+b"),
            ("... .hidden ./x", "... .hidden ./x"),
        ] {
            assert_eq!(foreign(text), shown);
        }
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
        fn what_came_with_a_request_has_neither_scheme_nor_host(text in "[a-zé/:.@。 1-9\\\\-]{0,40}") {
            let shown = foreign(&text);
            let bare = |(at, _): (usize, &str)| !shown.get(..at).is_some_and(|before| before.ends_with('['));
            prop_assert!(!shown.match_indices("://").any(bare), "{shown}");
            let letters: Vec<char> = shown.chars().collect();
            for three in letters.windows(3) {
                let is_host = matches!(three[1], '.' | '。') && three[0].is_alphanumeric() && three[2].is_alphabetic();
                let is_mail = three[1] == '@' && three[0].is_alphanumeric() && three[2].is_alphanumeric();
                prop_assert!(!is_host && !is_mail, "{shown}");
            }
            prop_assert_eq!(foreign(&shown), shown.clone(), "once is enough");
            prop_assert_eq!(shown.replace(['[', ']'], ""), text);
        }

        #[test]
        fn a_line_is_one_short_line(text in any::<String>()) {
            let line = line(&text);
            prop_assert!(!line.chars().any(char::is_control));
            prop_assert!(line.chars().count() <= LINE_CHARS * 10 + 1);
        }
    }
}

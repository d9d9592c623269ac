//! JSON taken apart into tokens, as far as it is JSON.
//!
//! Lenient on purpose: a body that is shown to a person may be cut off or wrong, and must be
//! shown all the same. Nothing here decides what a document means; rooms that must know use
//! a real parser.

/// A piece of a text that may be JSON. All pieces together are the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Token<'a> {
    /// White space between tokens.
    Space(&'a str),
    /// One of `{}[]:,`.
    Mark(char),
    /// A string, decoded.
    Text(String),
    /// A number, a literal, or what is no JSON.
    Word(&'a str),
}

/// The tokens of a text, each with the number of bytes that it took.
pub(crate) fn tokens(text: &str) -> impl Iterator<Item = (Token<'_>, usize)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let (token, size) = match first {
            '{' | '}' | '[' | ']' | ':' | ',' => (Token::Mark(first), 1),
            '"' => {
                let (text, size) = string(rest);
                (Token::Text(text), size)
            }
            _ => {
                let is_space = is_space(first);
                let size =
                    rest.find(|letter| is_space != self::is_space(letter) || is_mark(letter)).unwrap_or(rest.len());
                let run = rest.get(..size).unwrap_or(rest);
                (if is_space { Token::Space(run) } else { Token::Word(run) }, size)
            }
        };
        rest = rest.get(size..).unwrap_or_default();
        Some((token, size))
    })
}

const fn is_space(letter: char) -> bool {
    matches!(letter, ' ' | '\t' | '\n' | '\r')
}

const fn is_mark(letter: char) -> bool {
    matches!(letter, '{' | '}' | '[' | ']' | ':' | ',' | '"')
}

/// Decodes the string at the beginning, and says how many bytes it took with its quotes. A
/// string that never ends goes on to the end of the text.
fn string(text: &str) -> (String, usize) {
    let mut decoded = String::new();
    let mut letters = text.char_indices();
    letters.next();
    while let Some((place, letter)) = letters.next() {
        match letter {
            '"' => return (decoded, place + 1),
            '\\' => match letters.next() {
                Some((_, 'n')) => decoded.push('\n'),
                Some((_, 't')) => decoded.push('\t'),
                Some((_, 'r')) => decoded.push('\r'),
                Some((_, 'b')) => decoded.push('\u{8}'),
                Some((_, 'f')) => decoded.push('\u{c}'),
                Some((at, 'u')) => {
                    let (unit, size) = escaped(text.get(at - 1..).unwrap_or_default());
                    decoded.push(unit);
                    // The `\u` is taken already.
                    for _ in 2..size {
                        letters.next();
                    }
                }
                Some((_, other)) => decoded.push(other),
                None => {}
            },
            other => decoded.push(other),
        }
    }
    (decoded, text.len())
}

/// The character that `\u0000` at the beginning stands for, or a pair of them, and the bytes
/// it took. What stands for none becomes U+FFFD.
fn escaped(text: &str) -> (char, usize) {
    let unit = |from: usize| {
        let digits = text.get(from..from + 6)?.strip_prefix("\\u")?;
        digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| u16::from_str_radix(digits, 16).ok()).flatten()
    };
    let Some(first) = unit(0) else { return (char::REPLACEMENT_CHARACTER, 2) };
    if let Some(letter) = char::from_u32(u32::from(first)) {
        return (letter, 6);
    }
    let pair = unit(6).and_then(|second| char::decode_utf16([first, second]).next()?.ok());
    pair.map_or((char::REPLACEMENT_CHARACTER, 6), |letter| (letter, 12))
}

/// The string under this name in the outermost object. Nothing where there is none, where it
/// is no string, or where there are two.
pub(crate) fn member(text: &str, name: &str) -> Option<String> {
    let mut depth = 0_usize;
    let mut found = None;
    let mut tokens = tokens(text).map(|(token, _)| token).filter(|token| !matches!(token, Token::Space(_))).peekable();
    while let Some(token) = tokens.next() {
        match token {
            Token::Mark('{' | '[') => depth += 1,
            Token::Mark('}' | ']') => depth = depth.saturating_sub(1),
            Token::Text(key) if depth == 1 && key == name && tokens.peek() == Some(&Token::Mark(':')) => {
                tokens.next();
                match tokens.next() {
                    Some(Token::Text(value)) if found.is_none() => found = Some(value),
                    _ => return None,
                }
            }
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn strings_are_decoded() {
        let texts: Vec<String> = tokens(r#"["a\"b","\u0061\n","\ud83d\ude00","\ud83d","\uzz","é\"#)
            .filter_map(|(token, _)| match token {
                Token::Text(text) => Some(text),
                _ => None,
            })
            .collect();
        assert_eq!(texts, ["a\"b", "a\n", "😀", "\u{fffd}", "\u{fffd}zz", "é"]);
    }

    #[test]
    fn only_one_member_of_the_outermost_object_counts() {
        assert_eq!(member(r#"{"a":{"iss":"x"},"iss" : "y"}"#, "iss").as_deref(), Some("y"));
        assert_eq!(member(r#"{"\u0069ss":"y"}"#, "iss").as_deref(), Some("y"));
        for text in [r#"{"iss":"x","iss":"y"}"#, r#"{"iss":1}"#, r#"{"a":{"iss":"x"}}"#, r#"{"a":"iss"}"#, "iss", ""] {
            assert_eq!(member(text, "iss"), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn the_pieces_are_the_whole_text(text in "[\\\\\"{}:,u0-9a-f \\n\\PC]*") {
            let mut taken = 0;
            for (token, size) in tokens(&text) {
                prop_assert!(size > 0);
                if let Token::Space(piece) | Token::Word(piece) = token {
                    prop_assert_eq!(&text[taken..taken + size], piece);
                }
                taken += size;
            }
            prop_assert_eq!(taken, text.len());
        }
    }
}

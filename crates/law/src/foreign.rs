//! Foreign text, where somebody reads it: on a terminal, in a page, in a spreadsheet.

/// Whether a letter does not show itself: controls, letters without a shape of their own, those
/// that turn the reading direction, and those that every font draws as it likes. Whoever shows
/// foreign text spells it out.
pub fn is_hidden(letter: char) -> bool {
    letter.is_control()
        || matches!(letter,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
            | '\u{e000}'..='\u{f8ff}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{10ffff}')
}

/// Foreign text, fit for a terminal: what would move the cursor, change colours, turn the
/// reading direction or not show at all is spelt out.
pub fn clean(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            _ if letter.is_control() => clean.extend(letter.escape_default()),
            _ if is_hidden(letter) => clean.extend(letter.escape_unicode()),
            _ => clean.push(letter),
        }
    }
    clean
}

/// Letters with which a spreadsheet takes a cell for a formula; some fold the wide ones.
const FORMULA: [char; 10] = ['=', '+', '-', '@', '\t', '\r', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'];

/// Letters at which some spreadsheet lets another cell begin, whatever stands in quotes.
const APART: [char; 5] = [';', '|', '\t', '\n', '\r'];

/// A cell that no spreadsheet takes for a formula, nor a part of it: a key's name or a client's
/// `User-Agent` is foreign text, and a formula can send the rest of the sheet elsewhere.
pub fn harmless(cell: String) -> String {
    let risky = |part: &str| part.trim_start_matches([' ', '\n', '"']).starts_with(FORMULA);
    if !cell.split_inclusive(APART).any(risky) {
        return cell;
    }
    cell.split_inclusive(APART).map(|part| if risky(part) { format!("'{part}") } else { part.to_owned() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_moves_no_cursor_and_turns_no_line() {
        assert_eq!(clean("curl/8 \u{1b}[2Jx\r\n\u{9b}1m\u{202e}gpj"), "curl/8 \\u{1b}[2Jx\\r\\n\\u{9b}1m\\u{202e}gpj");
        assert_eq!(clean("/caf\u{e9}/\u{4e2d}"), "/caf\u{e9}/\u{4e2d}");
    }

    /// First and last of what does not show, the controls last.
    const HIDDEN: [(char, char); 21] = [
        ('\u{ad}', '\u{ad}'),
        ('\u{34f}', '\u{34f}'),
        ('\u{61c}', '\u{61c}'),
        ('\u{115f}', '\u{1160}'),
        ('\u{17b4}', '\u{17b5}'),
        ('\u{180b}', '\u{180f}'),
        ('\u{200b}', '\u{200f}'),
        ('\u{2028}', '\u{202e}'),
        ('\u{2060}', '\u{206f}'),
        ('\u{2800}', '\u{2800}'),
        ('\u{3164}', '\u{3164}'),
        ('\u{e000}', '\u{f8ff}'),
        ('\u{fe00}', '\u{fe0f}'),
        ('\u{feff}', '\u{feff}'),
        ('\u{ffa0}', '\u{ffa0}'),
        ('\u{fff0}', '\u{fffb}'),
        ('\u{1bca0}', '\u{1bca3}'),
        ('\u{1d173}', '\u{1d17a}'),
        ('\u{e0000}', '\u{10ffff}'),
        ('\0', '\u{1f}'),
        ('\u{7f}', '\u{9f}'),
    ];

    #[test]
    fn what_does_not_show_is_spelt_out_and_nothing_else() {
        for letter in '\0'..=char::MAX {
            let hidden = HIDDEN.iter().any(|(first, last)| (*first..=*last).contains(&letter));
            assert_eq!(is_hidden(letter), hidden, "{letter:?}");
            let text = letter.to_string();
            assert_eq!(clean(&text) != text, hidden, "{letter:?}");
        }
    }

    #[test]
    fn no_cell_is_a_formula() {
        for evil in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "\n=1", "\u{ff1d}1"] {
            let tame = harmless(evil.to_owned());
            assert!(
                tame.trim_start_matches([' ', '\n']).starts_with('\'') && tame.replace('\'', "") == evil,
                "{tame:?}"
            );
        }
        for (evil, tame) in
            [("x;=cmd|'/C calc'!A0", "x;'=cmd|'/C calc'!A0"), ("a\n=1", "a\n'=1"), ("a;b; +1", "a;b;' +1")]
        {
            assert_eq!(harmless(evil.to_owned()), tame);
        }
        for plain in ["a; b", "curl/8 (x; y)", "", "ann", "2026-11-24T10:00:00Z", "192.0.2.7", "a=b", "read write"] {
            assert_eq!(harmless(plain.to_owned()), plain);
        }
    }
}

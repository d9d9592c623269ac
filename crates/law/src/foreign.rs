//! Foreign text, where somebody reads it: on a terminal, in a page, in a spreadsheet.

/// Foreign text, fit for a terminal: what would move the cursor, change colours or turn the
/// reading direction is spelt out.
pub fn clean(text: &str) -> String {
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

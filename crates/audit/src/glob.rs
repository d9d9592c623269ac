//! Patterns with `*` and `?`, and what one of them says about another.

/// What a pattern has where a `*` or a `?` is meant as a letter: no text has these.
const LETTERS: [(char, char); 2] = [('*', '\u{1}'), ('?', '\u{2}')];

/// A text as a pattern that only this text matches.
pub(crate) fn literal(text: &str) -> String {
    LETTERS.iter().fold(text.to_owned(), |text, (letter, mark)| text.replace(*letter, &mark.to_string()))
}

/// A pattern without wildcards, or what was filled into one, as the text that it stands for.
pub(crate) fn plain(pattern: &str) -> String {
    LETTERS.iter().fold(pattern.to_owned(), |text, (letter, mark)| text.replace(*mark, &letter.to_string()))
}

/// Whether the pattern matches the text, letter for letter.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    walk(pattern.as_bytes(), text.as_bytes(), |pattern, letter| match pattern {
        b'?' => true,
        1 => letter == b'*',
        2 => letter == b'?',
        _ => pattern == letter,
    })
}

/// As [`matches`], whatever the case of the letters.
pub(crate) fn matches_any_case(pattern: &str, text: &str) -> bool {
    walk(pattern.as_bytes(), text.as_bytes(), |pattern, letter| {
        pattern.eq_ignore_ascii_case(&letter) || pattern == b'?'
    })
}

/// Whether the first pattern surely matches whatever the second does. A `*` of the second is
/// only covered by a `*` of the first, so that `false` may also mean "cannot tell".
pub(crate) fn covers(wide: &str, narrow: &str) -> bool {
    walk(wide.as_bytes(), narrow.as_bytes(), |wide, letter| match letter {
        b'*' => false,
        _ => wide == letter || wide == b'?',
    })
}

/// A pattern of which whatever it matches is matched by both: where several are possible, one.
pub(crate) fn meet(one: &str, other: &str) -> Option<String> {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let width = other.len() + 1;
    // Whether the rests from here on have something in common.
    let mut open = vec![false; (one.len() + 1) * width];
    let at = |i: usize, j: usize| i * width + j;
    for i in (0..=one.len()).rev() {
        for j in (0..=other.len()).rev() {
            let is = |i: usize, j: usize| open.get(at(i, j)).copied().unwrap_or(false);
            let so = match (one.get(i), other.get(j)) {
                (None, None) => true,
                (Some('*'), Some(_)) => is(i + 1, j) || is(i, j + 1),
                (Some(_), Some('*')) => is(i, j + 1) || is(i + 1, j),
                (Some('*'), None) => is(i + 1, j),
                (None, Some('*')) => is(i, j + 1),
                (Some(a), Some(b)) => (a == b || *a == '?' || *b == '?') && is(i + 1, j + 1),
                (Some(_), None) | (None, Some(_)) => false,
            };
            if let Some(slot) = open.get_mut(at(i, j)) {
                *slot = so;
            }
        }
    }
    let is = |i: usize, j: usize| open.get(at(i, j)).copied().unwrap_or(false);
    if !is(0, 0) {
        return None;
    }
    let (mut i, mut j, mut met) = (0, 0, String::new());
    loop {
        match (one.get(i), other.get(j)) {
            (None, None) => return Some(met),
            (Some('*'), Some('*')) => {
                met.push('*');
                if is(i + 1, j) { i += 1 } else { j += 1 }
            }
            // What the star stands for is told by the other, as long as that leads to the end.
            (Some('*'), Some(letter)) if is(i, j + 1) => {
                met.push(*letter);
                j += 1;
            }
            (Some(letter), Some('*')) if is(i + 1, j) => {
                met.push(*letter);
                i += 1;
            }
            (Some('*'), _) => i += 1,
            (_, Some('*')) => j += 1,
            (Some(a), Some(b)) => {
                met.push(if *a == '?' { *b } else { *a });
                i += 1;
                j += 1;
            }
            (Some(_), None) | (None, Some(_)) => return None,
        }
    }
}

/// Linear but for the last `*`, to which it goes back.
fn walk(pattern: &[u8], text: &[u8], same: impl Fn(u8, u8) -> bool) -> bool {
    let (mut at, mut here, mut star) = (0, 0, None);
    while let Some(&letter) = text.get(here) {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, here));
                at += 1;
            }
            Some(&wanted) if same(wanted, letter) => {
                at += 1;
                here += 1;
            }
            _ => match star {
                Some((place, from)) => {
                    star = Some((place, from + 1));
                    at = place + 1;
                    here = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern.get(at..).is_some_and(|rest| rest.iter().all(|letter| *letter == b'*'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_match_anything_and_marks_one_letter() {
        assert!(matches("iam:*Key", "iam:CreateAccessKey"));
        assert!(matches("arn:aws:s3:::a?/*", "arn:aws:s3:::ab/c/d"));
        assert!(!matches("arn:aws:s3:::a?", "arn:aws:s3:::a"));
        assert!(!matches("iam:*", "IAM:Get"));
        assert!(matches_any_case("iam:create*", "IAM:CreateUser"));
        assert!(matches("*", "") && matches("", "") && !matches("", "a"));
    }

    #[test]
    fn a_wildcard_that_is_meant_as_a_letter_matches_only_itself() {
        let pattern = format!("a{}*", literal("*?"));
        assert!(matches(&pattern, "a*?") && matches(&pattern, "a*?b"));
        assert!(!matches(&pattern, "abc") && !matches(&pattern, "a**"));
        assert_eq!(plain(&literal("a*?")), "a*?");
    }

    #[test]
    fn a_pattern_covers_only_what_it_matches_whole() {
        assert!(covers("*", "arn:*"));
        assert!(covers("arn:aws:iam::*:user/*", "arn:aws:iam::1:user/dev/*"));
        assert!(!covers("arn:aws:iam::1:user/ann", "arn:aws:iam::1:user/*"));
        assert!(!covers("a?c", "a*c"));
    }

    #[test]
    fn patterns_meet_in_a_pattern_that_both_match() {
        for (one, other, met) in [
            ("arn:aws:iam::*:user/*", "*", Some("arn:aws:iam::*:user/*")),
            ("a*c", "ab*", Some("ab*c")),
            ("*x*", "*y*", Some("*x*y*")),
            ("a?", "*b", Some("ab")),
            ("**", "*", Some("*")),
            ("", "*", Some("")),
            ("arn:aws:s3:::*", "arn:aws:iam::*:user/*", None),
            ("a*", "b*", None),
            ("", "?", None),
        ] {
            let found = meet(one, other);
            assert_eq!(found.as_deref().map(|found| found.replace("**", "*")).as_deref(), met, "{one} and {other}");
        }
    }
}

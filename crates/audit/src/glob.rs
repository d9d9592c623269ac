//! Patterns with `*` and `?`, and what one of them says about another.

/// Whether the pattern matches the text, letter for letter.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    walk(pattern.as_bytes(), text.as_bytes(), |pattern, letter| pattern == letter || pattern == b'?')
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

/// Whether some text matches both patterns.
pub(crate) fn overlap(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    // The row says for each rest of `other` whether it meets the present rest of `one`.
    let mut row = vec![false; other.len() + 1];
    for at in (0..=one.len()).rev() {
        let here = one.get(at).copied();
        let mut next = vec![false; other.len() + 1];
        for with in (0..=other.len()).rev() {
            let there = other.get(with).copied();
            let below = |place: usize| row.get(place).copied().unwrap_or(false);
            let beside = next.get(with + 1).copied().unwrap_or(false);
            let meets = match (here, there) {
                (None, None) => true,
                (Some(b'*'), Some(_)) => below(with) || beside,
                (Some(b'*'), None) => below(with),
                (Some(_), Some(b'*')) => beside || below(with),
                (None, Some(b'*')) => beside,
                (Some(a), Some(b)) => (a == b || a == b'?' || b == b'?') && below(with + 1),
                (Some(_), None) | (None, Some(_)) => false,
            };
            if let Some(slot) = next.get_mut(with) {
                *slot = meets;
            }
        }
        row = next;
    }
    row.first().copied().unwrap_or(false)
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
    fn a_pattern_covers_only_what_it_matches_whole() {
        assert!(covers("*", "arn:*"));
        assert!(covers("arn:aws:iam::*:user/*", "arn:aws:iam::1:user/dev/*"));
        assert!(!covers("arn:aws:iam::1:user/ann", "arn:aws:iam::1:user/*"));
        assert!(!covers("a?c", "a*c"));
    }

    #[test]
    fn patterns_overlap_where_one_text_is_both() {
        assert!(overlap("arn:aws:iam::*:user/*", "*"));
        assert!(overlap("a*c", "ab*"));
        assert!(overlap("*x*", "*y*"));
        assert!(!overlap("arn:aws:s3:::*", "arn:aws:iam::*:user/*"));
        assert!(!overlap("a*", "b*"));
        assert!(overlap("", "*") && !overlap("", "?"));
    }
}

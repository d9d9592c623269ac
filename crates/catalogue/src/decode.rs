//! Percent signs, read strictly: what can be read in two ways is not read at all.

use std::borrow::Cow;

/// Decodes percent signs; `None` where one is broken or the result is no UTF-8.
pub(crate) fn percent(text: &str) -> Option<Cow<'_, str>> {
    decoded(text, false)
}

/// Decodes a name or a value of a query or a form, where `+` is a space.
pub(crate) fn form(text: &str) -> Option<Cow<'_, str>> {
    decoded(text, true)
}

fn decoded(text: &str, plus: bool) -> Option<Cow<'_, str>> {
    let coded = |letter| letter == '%' || plus && letter == '+';
    if !text.contains(coded) {
        return Some(Cow::Borrowed(text));
    }
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'%' => hex(bytes.next()?)? << 4 | hex(bytes.next()?)?,
            b'+' if plus => b' ',
            other => other,
        });
    }
    String::from_utf8(out).ok().map(Cow::Owned)
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_percent_signs_are_not_read() {
        assert_eq!(percent("a%2Fb+c").as_deref(), Some("a/b+c"));
        assert_eq!(form("a%2fb+c").as_deref(), Some("a/b c"));
        for broken in ["%", "%2", "%zz", "%+1", "%ff", "a%c3%28"] {
            assert_eq!(percent(broken), None, "{broken}");
        }
    }
}

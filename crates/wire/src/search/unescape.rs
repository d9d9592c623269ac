//! Undoes the escapes of addresses, JSON and HTML in a text that comes byte by byte.

use std::mem;

/// The longest escape, in bytes: `&#x0000041;`.
const LONGEST: usize = 12;

/// What a letter outside ASCII becomes: no credential has one.
const FOREIGN: u8 = 0xFF;

/// The escape that has begun, as far as it has come.
#[derive(Default)]
pub(super) struct Unescape {
    begun: Vec<u8>,
}

/// What the beginning of an escape is.
enum Reading {
    /// It may become one.
    Open,
    /// It is none.
    None,
    /// It is one, whole, and stands for this byte.
    Byte(u8),
}

impl Unescape {
    /// Takes one byte; gives what it stands for when that is known.
    pub(super) fn push(&mut self, byte: u8, out: &mut impl FnMut(u8)) {
        if self.begun.is_empty() && !begins(byte) {
            out(byte);
            return;
        }
        self.begun.push(byte);
        loop {
            match self.read() {
                Reading::Open => return,
                Reading::Byte(byte) => {
                    out(byte);
                    self.begun.clear();
                    return;
                }
                Reading::None => {
                    // The first byte stands for itself; one behind it may begin an escape.
                    let mut rest = mem::take(&mut self.begun).into_iter();
                    rest.next().into_iter().for_each(&mut *out);
                    for byte in rest {
                        if self.begun.is_empty() && !begins(byte) {
                            out(byte);
                        } else {
                            self.begun.push(byte);
                        }
                    }
                    if self.begun.is_empty() {
                        return;
                    }
                }
            }
        }
    }

    /// Whether no escape has begun.
    pub(super) fn is_empty(&self) -> bool {
        self.begun.is_empty()
    }

    fn read(&self) -> Reading {
        if self.begun.len() > LONGEST { Reading::None } else { read(&self.begun) }
    }

    /// Gives what has begun and never became an escape.
    fn finish(&mut self, out: &mut impl FnMut(u8)) {
        mem::take(&mut self.begun).into_iter().for_each(out);
    }
}

/// A whole text with its escapes undone.
pub(super) fn whole(text: &[u8]) -> Vec<u8> {
    let mut undone = Vec::with_capacity(text.len());
    let mut unescape = Unescape::default();
    let mut out = |byte| undone.push(byte);
    text.iter().for_each(|byte| unescape.push(*byte, &mut out));
    unescape.finish(&mut out);
    undone
}

pub(super) const fn begins(byte: u8) -> bool {
    matches!(byte, b'%' | b'\\' | b'&')
}

fn read(text: &[u8]) -> Reading {
    match text {
        [b'%', digits @ ..] | [b'\\', b'x', digits @ ..] => hex(digits, 2),
        [b'\\', b'u', digits @ ..] => hex(digits, 4),
        [b'\\'] => Reading::Open,
        [b'\\', letter] => match letter {
            b'"' | b'\'' | b'\\' | b'/' => Reading::Byte(*letter),
            b'n' => Reading::Byte(b'\n'),
            b'r' => Reading::Byte(b'\r'),
            b't' => Reading::Byte(b'\t'),
            _ => Reading::None,
        },
        [b'&', b'#', b'x' | b'X', digits @ ..] => entity(digits, 16),
        [b'&', b'#', digits @ ..] => entity(digits, 10),
        [b'&', name @ ..] => named(name),
        _ => Reading::None,
    }
}

/// So many hexadecimal digits.
fn hex(digits: &[u8], wanted: usize) -> Reading {
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return Reading::None;
    }
    if digits.len() < wanted { Reading::Open } else { number(digits, 16) }
}

/// A number up to its semicolon.
fn entity(digits: &[u8], radix: u32) -> Reading {
    let is_digit = |byte: &u8| char::from(*byte).is_digit(radix);
    match digits.split_last() {
        Some((b';', digits)) if !digits.is_empty() && digits.iter().all(is_digit) => number(digits, radix),
        _ if digits.iter().all(is_digit) => Reading::Open,
        _ => Reading::None,
    }
}

fn number(digits: &[u8], radix: u32) -> Reading {
    let value = str::from_utf8(digits).ok().and_then(|digits| u32::from_str_radix(digits, radix).ok());
    Reading::Byte(value.and_then(|value| u8::try_from(value).ok()).unwrap_or(FOREIGN))
}

fn named(name: &[u8]) -> Reading {
    let known: [(&[u8], u8); 5] =
        [(b"amp;", b'&'), (b"lt;", b'<'), (b"gt;", b'>'), (b"quot;", b'"'), (b"apos;", b'\'')];
    match known.iter().find(|(known, _)| known.starts_with(name)) {
        Some((known, byte)) if known.len() == name.len() => Reading::Byte(*byte),
        Some(_) => Reading::Open,
        None => Reading::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_undone_and_what_is_none_stays() {
        for (text, undone) in [
            ("a%41%6a%6A", "aAjJ".replace('J', "j").as_str()),
            ("%4", "%4"),
            ("%%41", "%A"),
            ("%zz%41", "%zzA"),
            (r"\u0041\/\\u0041\x41", r"A/\u0041A"),
            (r"\q\u00g1\u00", r"\q\u00g1\u00"),
            ("&#65;&#x41;&#x0000041;&amp;&lt;", "AAA&<"),
            ("&am%41&&amp;", "&amA&&"),
            ("&#;&#x;&#99999999999999;", "&#;&#x;&#99999999999999;"),
        ] {
            assert_eq!(String::from_utf8_lossy(&whole(text.as_bytes())), undone, "{text}");
        }
    }
}

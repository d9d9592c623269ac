//! One text, as long as it may be: passed once, in windows of bounded memory.

use std::io::{self, Read};

use aws_lc_rs::digest::{SHA256, digest};
use wire::{IssuedForm, border, pieces};
use zeroize::Zeroizing;

/// How much of a text is looked at together, in bytes.
pub(super) const WINDOW: usize = 1 << 20;

/// What of a window is looked at again with the next one, where no border stands in it: more
/// than the longest credential, and as much before it.
const OVERLAP: usize = 40 << 10;

/// SHA-256 of what may be a key.
pub(super) type Sum = [u8; 32];

/// What may be a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) sum: Sum,
    /// The line, counted from 1.
    pub(super) line: u64,
    /// Whether it has the whole form of an issued key.
    pub(super) is_issued: bool,
}

/// SHA-256, as the gate makes it of what a client sends.
pub(super) fn sum(value: &[u8]) -> Sum {
    let mut sum = [0; 32];
    sum.copy_from_slice(digest(&SHA256, value).as_ref());
    sum
}

/// Offers whatever in a text may be a key. Texts in UTF-16 with a mark at their beginning are
/// read as that, all others byte by byte.
pub(super) fn pass(
    source: &mut impl Read,
    window: usize,
    forms: &[IssuedForm],
    each: &mut impl FnMut(Candidate),
) -> io::Result<()> {
    let window = window.max(2 * OVERLAP);
    let mut buffer = Zeroizing::new(Vec::with_capacity(window));
    let mut wide = None;
    // Bytes at the beginning of the buffer that were looked at before.
    let mut seen = 0;
    let mut lines = 1;
    let mut is_first = true;
    loop {
        let before = buffer.len();
        let wanted = window.saturating_sub(before) as u64;
        let read = source.by_ref().take(wanted).read_to_end(&mut buffer)?;
        if is_first {
            wide = Wide::of(&buffer);
            is_first = false;
        }
        if let Some(wide) = &mut wide {
            wide.narrow(&mut buffer, before);
        }
        let is_last = (read as u64) < wanted;
        // Where too much stands behind the last border, hardly anything more would fit in.
        let is_near = |at: &usize| *at > seen && buffer.len() - at <= OVERLAP;
        let cut = if is_last { Some(buffer.len()) } else { border(&buffer).filter(is_near) };
        let text = buffer.get(..cut.unwrap_or(buffer.len())).unwrap_or_default();
        let mut counter = Counter { text, at: 0, line: lines };
        pieces(text, forms, &mut |piece| {
            // What ended before the border of what was seen was offered then.
            if piece.at.end >= seen || seen == 0 {
                each(Candidate {
                    sum: sum(piece.value),
                    line: counter.line(piece.at.start),
                    is_issued: piece.is_issued,
                });
            }
        });
        if is_last {
            return Ok(());
        }
        let kept = cut.unwrap_or(buffer.len().saturating_sub(OVERLAP));
        lines = Counter { text: &buffer, at: 0, line: lines }.line(kept);
        seen = if cut.is_some() { 0 } else { buffer.len() - kept };
        buffer.drain(..kept);
    }
}

/// Counts lines on the way through a text, mostly forwards.
struct Counter<'a> {
    text: &'a [u8],
    at: usize,
    line: u64,
}

impl Counter<'_> {
    fn line(&mut self, at: usize) -> u64 {
        let between = self.text.get(self.at.min(at)..self.at.max(at)).unwrap_or_default();
        let lines = memchr::memchr_iter(b'\n', between).count() as u64;
        self.line = if at >= self.at { self.line + lines } else { self.line.saturating_sub(lines) };
        self.at = at;
        self.line
    }
}

/// A text in UTF-16, of which only what is ASCII counts.
struct Wide {
    /// Which of two bytes is the low one.
    low: usize,
    /// A byte whose other half has not come.
    odd: Option<u8>,
}

impl Wide {
    fn of(text: &[u8]) -> Option<Self> {
        match text {
            [0xFF, 0xFE, ..] => Some(Self { low: 0, odd: None }),
            [0xFE, 0xFF, ..] => Some(Self { low: 1, odd: None }),
            _ => None,
        }
    }

    /// Makes one byte of each two, from a place on.
    fn narrow(&mut self, buffer: &mut Vec<u8>, from: usize) {
        let tail: Zeroizing<Vec<u8>> = Zeroizing::new(buffer.drain(from..).collect());
        let mut halves = self.odd.take().into_iter().chain(tail.iter().copied());
        while let Some(one) = halves.next() {
            let Some(other) = halves.next() else {
                self.odd = Some(one);
                return;
            };
            let (low, high) = if self.low == 0 { (one, other) } else { (other, one) };
            buffer.push(if high == 0 { low } else { 0 });
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ADOPTED: &str = "tk-9f86d081884c7d659a2feaa0c55ad015";

    fn lines_of(text: &[u8], window: usize, value: &[u8]) -> Vec<u64> {
        let mut found = Vec::new();
        let form: IssuedForm = "gk".parse().unwrap();
        pass(&mut &*text, window, &[form], &mut |candidate| {
            if candidate.sum == sum(value) && found.last() != Some(&candidate.line) {
                found.push(candidate.line);
            }
        })
        .unwrap();
        found.dedup();
        found
    }

    #[test]
    fn a_key_is_found_over_the_edge_of_a_window_and_its_line_is_named() {
        let form: IssuedForm = "gk".parse().unwrap();
        let issued = form.key(&[3; 32]);
        for key in [ADOPTED.as_bytes(), issued.expose()] {
            for shift in (0..90).step_by(7) {
                let mut text = "a line of words\n".repeat(2 * OVERLAP / 16 - 4).into_bytes();
                text.extend(std::iter::repeat_n(b'\n', shift));
                let line = text.iter().filter(|byte| **byte == b'\n').count() as u64 + 1;
                text.extend_from_slice(b"key=");
                text.extend_from_slice(key);
                text.extend_from_slice(&b"\nmore words\n".repeat(2 * OVERLAP / 8));
                assert_eq!(lines_of(&text, 0, key), [line], "{shift}");
            }
        }
    }

    #[test]
    fn a_key_is_found_in_a_line_without_borders_that_is_longer_than_any_window() {
        for shift in (0..4000).step_by(331) {
            let mut text = "a,".repeat(2 * OVERLAP + shift).into_bytes();
            text.extend_from_slice(ADOPTED.as_bytes());
            text.extend_from_slice(&b",b".repeat(3 * OVERLAP));
            assert_eq!(lines_of(&text, 0, ADOPTED.as_bytes()), [1], "{shift}");
        }
    }

    #[test]
    fn a_text_in_utf_16_is_read_as_text() {
        let text = format!("first\r\n$key = \"{ADOPTED}\"\r\n");
        let little: Vec<u8> = [0xFF, 0xFE].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
        let big: Vec<u8> = [0xFE, 0xFF].into_iter().chain(text.encode_utf16().flat_map(u16::to_be_bytes)).collect();
        assert_eq!(lines_of(&little, 0, ADOPTED.as_bytes()), [2]);
        assert_eq!(lines_of(&big, 0, ADOPTED.as_bytes()), [2]);
        assert_eq!(lines_of(text.as_bytes(), 0, ADOPTED.as_bytes()), [2]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn windows_find_what_the_whole_shows(
            parts in prop::collection::vec("[a-z0-9=/,:]{200,400}[ \n]?", 300..500), place in 0_usize..300,
        ) {
            let mut parts = parts;
            parts[place].push_str(&format!(",{ADOPTED},"));
            let text = parts.concat();
            prop_assert_eq!(
                lines_of(text.as_bytes(), 0, ADOPTED.as_bytes()),
                lines_of(text.as_bytes(), text.len() + 1, ADOPTED.as_bytes())
            );
        }
    }
}

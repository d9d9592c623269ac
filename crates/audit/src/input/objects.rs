//! The objects of a list in a JSON document, one at a time: the document may be larger than memory.

use std::io::{self, BufRead};

/// A longer object is no record of any log.
const LONGEST: usize = 1 << 20;

/// Gives out every object of the first list of each document, as bytes: `[{…},{…}]`, pages of
/// that (`[[…],[…]]`), or `{"Records":[{…},{…}], …}`; documents may follow one another.
pub(crate) struct Objects<R> {
    source: R,
    /// What has been read of an object that goes on in the next buffer.
    begun: Vec<u8>,
    state: State,
}

#[derive(Clone, Copy, Default)]
struct State {
    /// Braces that are open around the list.
    around: usize,
    /// Brackets that are open of the list.
    lists: usize,
    /// Whether the list of this document is over.
    over: bool,
    /// Braces and brackets that are open of the object.
    depth: usize,
    text: bool,
    escaped: bool,
}

/// What a byte means.
enum Met {
    Nothing,
    Begins,
    Ends,
}

impl<R: BufRead> Objects<R> {
    pub(crate) fn new(source: R) -> Self {
        Self { source, begun: Vec::new(), state: State::default() }
    }

    /// Hands on each object.
    ///
    /// # Errors
    /// Where the source cannot be read, ends within an object, or an object is longer than any
    /// record.
    pub(crate) fn each(&mut self, mut take: impl FnMut(&[u8])) -> io::Result<()> {
        while self.step(&mut take)? {}
        Ok(())
    }

    /// The first object alone.
    pub(crate) fn first(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut first = None;
        while first.is_none() && self.step(&mut |bytes| first = first.take().or_else(|| Some(bytes.to_vec())))? {}
        Ok(first)
    }

    /// Reads one buffer; false where there is no more.
    fn step(&mut self, take: &mut dyn FnMut(&[u8])) -> io::Result<bool> {
        let Self { source, begun, state } = self;
        let bytes = match source.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(true),
            bytes => bytes?,
        };
        if bytes.is_empty() {
            let whole = state.depth == 0 && state.lists == 0 && state.around == 0;
            return if whole { Ok(false) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
        }
        let (mut at, mut from) = (0, 0);
        while let Some(byte) = bytes.get(at) {
            if state.text && !state.escaped {
                // Most of a record is text: only its end matters.
                let rest = bytes.get(at..).unwrap_or_default();
                let Some(next) = memchr::memchr2(b'"', b'\\', rest) else { break };
                at += next;
                if rest.get(next) == Some(&b'"') {
                    state.text = false;
                } else {
                    state.escaped = true;
                }
                at += 1;
                continue;
            }
            match state.meet(*byte) {
                Met::Nothing => {}
                Met::Begins => from = at,
                Met::Ends => {
                    let piece = bytes.get(from..=at).unwrap_or_default();
                    if begun.is_empty() {
                        take(piece);
                    } else {
                        begun.extend_from_slice(piece);
                        take(begun);
                        begun.clear();
                    }
                    from = at + 1;
                }
            }
            at += 1;
        }
        if state.depth > 0 {
            begun.extend_from_slice(bytes.get(from..).unwrap_or_default());
        }
        if begun.len() > LONGEST {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a record is longer than 1 MiB"));
        }
        let taken = bytes.len();
        source.consume(taken);
        Ok(true)
    }
}

impl State {
    fn meet(&mut self, byte: u8) -> Met {
        if self.escaped {
            self.escaped = false;
            return Met::Nothing;
        }
        match byte {
            b'"' => self.text = true,
            b'{' | b'[' if self.depth > 0 => self.depth += 1,
            b'}' | b']' if self.depth > 0 => {
                self.depth -= 1;
                if self.depth == 0 {
                    return Met::Ends;
                }
            }
            b'{' if self.lists > 0 && !self.over => {
                self.depth = 1;
                return Met::Begins;
            }
            b'{' => self.around += 1,
            b'}' => self.around = self.around.saturating_sub(1),
            b'[' => self.lists += 1,
            b']' => {
                self.lists = self.lists.saturating_sub(1);
                self.over |= self.lists == 0;
            }
            _ => {}
        }
        // The next document begins anew.
        self.over &= self.around > 0;
        Met::Nothing
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    fn all(text: &str, size: usize) -> io::Result<Vec<String>> {
        let mut seen = Vec::new();
        Objects::new(BufReader::with_capacity(size, text.as_bytes()))
            .each(|bytes| seen.push(String::from_utf8(bytes.to_vec()).unwrap()))?;
        Ok(seen)
    }

    #[test]
    fn objects_are_handed_on_whatever_stands_in_them_and_wherever_a_buffer_ends() {
        let text = r#"{"Records": [{"a":"]}\"{\\"}, {"b":[1,{"c":2}]} ,{}], "more": [{"x":1}]}"#;
        for size in 1..=text.len() {
            assert_eq!(all(text, size).unwrap(), [r#"{"a":"]}\"{\\"}"#, r#"{"b":[1,{"c":2}]}"#, "{}"], "{size}");
        }
    }

    #[test]
    fn lists_pages_and_documents_in_a_row() {
        for text in [
            r#"[{"a":1},{"b":2}]"#,
            r#"[[{"a":1}],[{"b":2}]]"#,
            "{\"Records\":[{\"a\":1}]}\n{\"Records\":[{\"b\":2}]}",
            "[{\"a\":1}]\n[{\"b\":2}]",
            r#"{"Records":[{"a":1},{"b":2}],"next":{"x":[{"y":1}]}}"#,
        ] {
            for size in [1, 7, 100] {
                assert_eq!(all(text, size).unwrap(), [r#"{"a":1}"#, r#"{"b":2}"#], "{text}, {size}");
            }
        }
        assert!(all("[]", 9).unwrap().is_empty());
    }

    #[test]
    fn what_is_cut_off_says_so() {
        for text in [r#"{"Records":[{"a":"#, r#"[{"a":1}"#, r#"[{"a":"x"#] {
            assert!(all(text, 100).is_err(), "{text}");
        }
    }
}

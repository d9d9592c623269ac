//! How much of a stranger's bytes becomes values: a few hundred kilobytes, packed, can be
//! hundreds of megabytes of commas, and each of those a value of its own.

use std::io::{self, BufRead, Read};

/// A longer line is no row of any export.
pub(super) const LONGEST_LINE: usize = 8 << 20;

/// A row of more cells is none, either.
const MOST_CELLS: usize = 10_000;

/// So much memory the values of one document may take, in bytes.
const MOST_VALUES: u64 = 768 << 20;

/// What a value takes beside its text, and what the members of an object take together.
const VALUE: u64 = 32;
const MEMBERS: u64 = 640;

/// Whether the values of this document fit into memory, by what stands between them. Line
/// breaks are counted where `lines`, for YAML needs nothing else.
pub(super) fn fits(document: &[u8], lines: bool) -> bool {
    let (mut text, mut escaped) = (false, false);
    let mut taken = 0;
    for byte in document {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if text => escaped = true,
            b'"' => text = !text,
            b'\n' if lines => taken += VALUE,
            _ if text => {}
            b',' | b'[' => taken += VALUE,
            b'{' => taken += MEMBERS,
            _ => {}
        }
    }
    taken <= MOST_VALUES
}

/// Lines of which none is longer than [`LONGEST_LINE`]: what is beyond is left out, so that
/// whoever reads the line finds it broken.
pub(super) struct Lines<R> {
    source: R,
    taken: usize,
}

impl<R: BufRead> Lines<R> {
    pub(super) const fn new(source: R) -> Self {
        Self { source, taken: 0 }
    }
}

impl<R: BufRead> Read for Lines<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        hand_on(self, into)
    }
}

impl<R: BufRead> BufRead for Lines<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.taken >= LONGEST_LINE {
            let bytes = self.source.fill_buf()?;
            let end = memchr::memchr(b'\n', bytes);
            let skipped = end.unwrap_or(bytes.len());
            if end.is_some() || bytes.is_empty() {
                self.taken = 0;
            }
            self.source.consume(skipped);
        }
        let left = LONGEST_LINE - self.taken;
        let bytes = self.source.fill_buf()?;
        let bytes = bytes.get(..left).unwrap_or(bytes);
        Ok(memchr::memchr(b'\n', bytes).and_then(|end| bytes.get(..=end)).unwrap_or(bytes))
    }

    fn consume(&mut self, taken: usize) {
        // What was handed out ends where its line does.
        let ends = self.source.fill_buf().is_ok_and(|bytes| bytes.get(..taken).is_some_and(|it| it.ends_with(b"\n")));
        self.taken = if ends { 0 } else { self.taken + taken };
        self.source.consume(taken);
    }
}

/// A table of which no row has more bytes or cells than a row can have. Ends with an error at
/// the first that has.
pub(super) struct Rows<R> {
    source: R,
    delimiter: u8,
    at: At,
    bytes: usize,
    cells: usize,
    /// How much of what lies in the source's buffer was looked at.
    looked: usize,
    over: bool,
}

/// Where within a row, as the parser of tables has it.
#[derive(Clone, Copy)]
enum At {
    /// Before a cell.
    Start,
    Plain,
    Quoted,
    /// After a quote within quotes: one of two, or the end.
    Quote,
}

/// Why a table is read no further.
#[derive(Debug, thiserror::Error)]
#[error("a row has more than 10,000 cells or 8 MiB; no export of keys or accounts has such a row")]
pub(super) struct TooLong;

impl<R: BufRead> Rows<R> {
    pub(super) const fn new(source: R, delimiter: u8) -> Self {
        Self { source, delimiter, at: At::Start, bytes: 0, cells: 1, looked: 0, over: false }
    }
}

impl<R: BufRead> Read for Rows<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        hand_on(self, into)
    }
}

impl<R: BufRead> BufRead for Rows<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        // Whoever asks again after the error is told that it is over.
        if self.over {
            return Ok(&[]);
        }
        let Self { source, delimiter, at, bytes, cells, looked, over } = self;
        let buffer = source.fill_buf()?;
        for byte in buffer.get(*looked..).unwrap_or_default() {
            *bytes += 1;
            *at = match (*at, byte) {
                (At::Start, b'"') | (At::Quote, b'"') => At::Quoted,
                (At::Quoted, b'"') => At::Quote,
                (At::Quoted, _) => At::Quoted,
                (_, b'\n' | b'\r') => {
                    (*bytes, *cells) = (0, 1);
                    At::Start
                }
                (_, byte) if byte == delimiter => {
                    *cells += 1;
                    At::Start
                }
                _ => At::Plain,
            };
            if *bytes > LONGEST_LINE || *cells > MOST_CELLS {
                *over = true;
                return Err(io::Error::new(io::ErrorKind::InvalidData, TooLong));
            }
        }
        *looked = buffer.len();
        Ok(buffer)
    }

    fn consume(&mut self, taken: usize) {
        self.looked = self.looked.saturating_sub(taken);
        self.source.consume(taken);
    }
}

fn hand_on(source: &mut impl BufRead, into: &mut [u8]) -> io::Result<usize> {
    let read = source.fill_buf()?.read(into)?;
    source.consume(read);
    Ok(read)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn a_document_is_measured_by_its_values_and_not_by_its_text() {
        let long = format!("[\"{}\"]", ",{[\\\"".repeat(1 << 20));
        assert!(fits(long.as_bytes(), false));
        let most = usize::try_from(MOST_VALUES / VALUE).unwrap();
        assert!(fits(",".repeat(most).as_bytes(), false) && !fits(",".repeat(most + 1).as_bytes(), false));
        assert!(!fits("{".repeat(most / 20 + 1).as_bytes(), false));
        let lines = "\n".repeat(most + 1);
        assert!(fits(lines.as_bytes(), false) && !fits(lines.as_bytes(), true));
    }

    #[test]
    fn a_line_beyond_all_is_cut_and_the_next_is_whole() {
        let long = "x".repeat(LONGEST_LINE + 70_000);
        let text = format!("a\n{long}\nb\n\nc");
        let source = io::BufReader::with_capacity(1 << 10, Cursor::new(text.into_bytes()));
        let lines: Vec<String> = Lines::new(source).lines().map(Result::unwrap).collect();
        let lengths: Vec<usize> = lines.iter().map(String::len).collect();
        assert_eq!(lengths, [1, LONGEST_LINE, 1, 0, 1]);
        assert_eq!((lines[2].as_str(), lines[4].as_str()), ("b", "c"));
    }

    #[test]
    fn a_row_has_so_many_cells_and_bytes_and_quoted_ones_are_counted_as_they_are() {
        let read = |text: String| {
            let mut out = Vec::new();
            let source = io::BufReader::with_capacity(1 << 10, Cursor::new(text.into_bytes()));
            let mut rows = Rows::new(source, b',');
            let end = rows.read_to_end(&mut out).map_err(|error| error.kind());
            assert!(end.is_ok() || rows.fill_buf().is_ok_and(<[u8]>::is_empty), "an error is told once");
            end
        };
        let row = ",".repeat(MOST_CELLS - 1);
        assert!(read(format!("{row}\n{row}\n")).is_ok());
        assert_eq!(read(format!("a\n{row},\n")), Err(io::ErrorKind::InvalidData));
        let quoted = format!("\"{row}\"\"\n{row}\",\"x\"");
        assert!(read(quoted.clone()).is_ok());
        assert!(read(format!("it's 5\" wide,{quoted}\n{row}\n")).is_ok());
        assert_eq!(read(format!("\"{}", "\n".repeat(LONGEST_LINE))), Err(io::ErrorKind::InvalidData));
        let rows = "a,b\n".repeat(LONGEST_LINE / 2);
        assert_eq!(read(rows.clone()), Ok(rows.len()));
    }
}

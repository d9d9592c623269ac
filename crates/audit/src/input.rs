//! Bytes that somebody exported: unpacked, and told apart by their first letters.

use std::io::{self, BufRead, BufReader, Read};

use flate2::read::MultiGzDecoder;
use serde::Serialize;
use serde_json::Value;

use crate::estate::Place;

/// A document that has to be read whole may be so large; streams have no bound.
const LARGEST_DOCUMENT: u64 = 1 << 30;

/// An input, or a part of one, that could not be read. Never quotes the input: it may hold secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{place}: {why}")]
pub struct Trouble {
    /// Where.
    pub place: Place,
    /// What is wrong, and how to mend it.
    pub why: String,
}

impl Trouble {
    pub(crate) fn of(file: &str, why: impl Into<String>) -> Self {
        Self { place: Place { file: file.to_owned(), line: None }, why: why.into() }
    }

    pub(crate) fn at(file: &str, line: u64, why: impl Into<String>) -> Self {
        Self { place: Place { file: file.to_owned(), line: Some(line) }, why: why.into() }
    }
}

/// What an input is made of.
pub(crate) enum Content {
    /// One JSON document.
    Json(Value),
    /// One JSON document a line, read as it comes. The first is at hand.
    JsonLines(Value, Box<dyn BufRead>),
    /// A document whose first name is `Records`, as CloudTrail writes it: read as it comes.
    Records(Box<dyn BufRead>),
    /// A table with its heads.
    Csv(csv::StringRecord, csv::Reader<Box<dyn BufRead>>),
    /// An OpenAPI document as text.
    Document(Vec<u8>),
}

impl Content {
    pub(crate) fn of(name: &str, bytes: impl Read + 'static) -> Result<Self, Trouble> {
        let broken = |error: io::Error| Trouble::of(name, format!("cannot be read: {error}"));
        let mut bytes = BufReader::with_capacity(1 << 16, bytes);
        let mut source: Box<dyn BufRead> = if bytes.fill_buf().map_err(broken)?.starts_with(&[0x1f, 0x8b]) {
            Box::new(BufReader::with_capacity(1 << 16, MultiGzDecoder::new(bytes)))
        } else {
            Box::new(bytes)
        };
        skip_mark(&mut source).map_err(broken)?;
        let first = source.fill_buf().map_err(broken)?.iter().copied().find(|byte| !byte.is_ascii_whitespace());
        match first {
            None => Err(Trouble::of(name, "is empty; give the export with its content")),
            Some(0) => Err(Trouble::of(name, "is binary, or UTF-16; export it again as UTF-8 text")),
            Some(b'{') if begins_with_records(&mut source).map_err(broken)? => Ok(Self::Records(source)),
            Some(b'{' | b'[') => json(name, source),
            Some(_) => text(name, source),
        }
    }
}

fn skip_mark(source: &mut impl BufRead) -> io::Result<()> {
    if source.fill_buf()?.starts_with(b"\xef\xbb\xbf") {
        source.consume(3);
    }
    Ok(())
}

/// Whether it begins with `{"Records":[`, whatever blanks stand between.
fn begins_with_records(source: &mut impl BufRead) -> io::Result<bool> {
    let head = source.fill_buf()?.iter().take(256).copied().filter(|byte| !byte.is_ascii_whitespace());
    Ok(head.take(12).eq(br#"{"Records":["#.iter().copied()))
}

/// One document, or one a line: the first line tells.
fn json(name: &str, mut source: Box<dyn BufRead>) -> Result<Content, Trouble> {
    let mut first = Vec::new();
    while first.iter().all(u8::is_ascii_whitespace) {
        first.clear();
        read_line(name, &mut source, &mut first)?;
    }
    let more = !source.fill_buf().map_err(|error| Trouble::of(name, format!("cannot be read: {error}")))?.is_empty();
    if let (true, Ok(value)) = (more, serde_json::from_slice(&first)) {
        return Ok(Content::JsonLines(value, source));
    }
    whole(name, &mut first, source)?;
    match serde_json::from_slice(&first) {
        Ok(value) => Ok(Content::Json(value)),
        Err(error) => Err(Trouble::at(
            name,
            error.line() as u64,
            format!("is no whole JSON document (column {}); export it again, it may be cut off", error.column()),
        )),
    }
}

fn read_line(name: &str, source: &mut impl BufRead, line: &mut Vec<u8>) -> Result<(), Trouble> {
    match source.take(LARGEST_DOCUMENT).read_until(b'\n', line) {
        Ok(0) => Err(Trouble::of(name, "is empty; give the export with its content")),
        Ok(_) => Ok(()),
        Err(error) => Err(Trouble::of(name, format!("cannot be read: {error}"))),
    }
}

fn whole(name: &str, bytes: &mut Vec<u8>, source: impl BufRead) -> Result<(), Trouble> {
    let read = source.take(LARGEST_DOCUMENT + 1).read_to_end(bytes);
    read.map_err(|error| Trouble::of(name, format!("cannot be read: {error}")))?;
    if bytes.len() as u64 > LARGEST_DOCUMENT {
        return Err(Trouble::of(name, "is larger than 1 GiB; split it, or give it as one JSON document a line"));
    }
    Ok(())
}

/// A table or an OpenAPI document in YAML.
fn text(name: &str, mut source: Box<dyn BufRead>) -> Result<Content, Trouble> {
    let head = source.fill_buf().map_err(|error| Trouble::of(name, format!("cannot be read: {error}")))?;
    let head = String::from_utf8_lossy(head);
    let begins = |word: &str| head.lines().any(|line| line.starts_with(word));
    if begins("openapi:") || begins("swagger:") || begins("\"openapi\":") || begins("'openapi':") {
        let mut bytes = Vec::new();
        whole(name, &mut bytes, source)?;
        return Ok(Content::Document(bytes));
    }
    let line = head.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let delimiter =
        [b',', b';', b'\t'].into_iter().max_by_key(|wanted| line.bytes().filter(|byte| byte == wanted).count());
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter.unwrap_or(b','))
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(source);
    match reader.headers().cloned() {
        Ok(heads) if heads.len() > 1 => Ok(Content::Csv(heads, reader)),
        _ => Err(Trouble::of(
            name,
            "is neither JSON, CSV nor an OpenAPI document; `greave audit --help` lists what can be read",
        )),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write as _};

    use super::*;

    fn of(text: &str) -> Result<Content, Trouble> {
        Content::of("x", Cursor::new(text.as_bytes().to_vec()))
    }

    #[test]
    fn content_is_told_by_its_first_letters() {
        assert!(matches!(of("\u{feff}a,b\n1,2\n"), Ok(Content::Csv(heads, _)) if heads.len() == 2 && &heads[0] == "a"));
        assert!(matches!(of("a;b\n1;2\n"), Ok(Content::Csv(heads, _)) if heads.len() == 2));
        assert!(matches!(of("\n {\"a\":\n1}\n"), Ok(Content::Json(_))));
        assert!(matches!(of("{\"a\":1}\n{\"a\":2}\n"), Ok(Content::JsonLines(..))));
        assert!(matches!(of("openapi: 3.0.0\npaths: {}\n"), Ok(Content::Document(_))));
        assert!(of("").is_err() && of("hello\n").is_err() && of("\0\0").is_err());
    }

    #[test]
    fn a_gzip_is_unpacked_and_a_broken_one_is_named() {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(b"a,b\n1,2\n").unwrap();
        let packed = gzip.finish().unwrap();
        assert!(matches!(Content::of("x", Cursor::new(packed.clone())), Ok(Content::Csv(..))));
        assert!(Content::of("x", Cursor::new(packed[..12].to_vec())).is_err());
    }

    #[test]
    fn an_error_names_the_line_and_quotes_nothing() {
        let Err(trouble) = of("{\"secret\":\n\"hunter2\"") else { panic!("read") };
        assert_eq!(trouble.place.line, Some(2));
        assert!(!trouble.to_string().contains("hunter2"));
    }
}

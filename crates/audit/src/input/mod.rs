//! Bytes that somebody exported: unpacked, and told apart by their first letters.

mod bounds;
mod objects;

use std::io::{self, BufRead, BufReader, Cursor, Read};

use flate2::read::MultiGzDecoder;
use serde::Serialize;
use serde_json::Value;

use self::bounds::{LONGEST_LINE, Lines, Rows, TooLong, fits};
pub(crate) use self::objects::Objects;
use crate::{estate::Place, utf16};

/// A document that has to be read whole may be so large; streams have no bound.
const LARGEST_DOCUMENT: u64 = 1 << 28;

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

/// So much of an input is looked at to tell what it is.
const HEAD: usize = 1 << 20;

/// So many lines of a text are looked at for that.
const FIRST_LINES: usize = 5;

/// What an input is made of.
pub(crate) enum Content {
    /// One JSON document.
    Json(Value),
    /// One JSON document a line, read as it comes. The first is at hand.
    JsonLines(Value, Box<dyn BufRead>),
    /// A JSON document that is a list of objects, or whose first member is one: read as it comes.
    /// [`settled`](Self::settled) reads it whole.
    List(Listed, Box<dyn BufRead>),
    /// Lines of text with the first few of them: a table, or the log of a server.
    /// [`settled`](Self::settled) takes it for a table.
    Lines(String, Box<dyn BufRead>),
    /// Several JSON documents, one after the other.
    Several(Vec<Value>),
    /// A document whose first name is a list of account authorization details: large, and read item
    /// by item.
    Details(Vec<u8>),
    /// A table with its heads.
    Csv(csv::StringRecord, csv::Reader<Box<dyn BufRead>>),
    /// An OpenAPI document as text.
    Document(Vec<u8>),
}

/// How a list of objects begins.
pub(crate) struct Listed {
    /// What the list is called, where it is the first member of an object.
    pub(crate) name: Option<String>,
    /// Its first object; null where it has none.
    pub(crate) first: Value,
}

impl Content {
    pub(crate) fn of(name: &str, bytes: impl Read + 'static) -> Result<Self, Trouble> {
        let broken = |error: io::Error| Trouble::of(name, format!("cannot be read: {error}"));
        let mut bytes = BufReader::with_capacity(1 << 16, bytes);
        let source: Box<dyn BufRead> = if bytes.fill_buf().map_err(broken)?.starts_with(&[0x1f, 0x8b]) {
            Box::new(BufReader::with_capacity(1 << 16, MultiGzDecoder::new(bytes)))
        } else {
            Box::new(bytes)
        };
        let mut source = utf16::read(source).map_err(broken)?;
        skip_mark(&mut source).map_err(broken)?;
        let head = source.fill_buf().map_err(broken)?.trim_ascii_start();
        match head.first() {
            None => Err(Trouble::of(name, "is empty; give the export with its content")),
            Some(0) => Err(Trouble::of(name, "is binary, or UTF-16 without its mark; export it again as UTF-8 text")),
            Some(b'[') if is_bracketed(head) => text(name, source),
            Some(b'{' | b'[') => listed(name, source).map_err(broken)?,
            Some(_) => text(name, source),
        }
    }

    /// What it is where it is no log: a list is one document, lines are a table.
    pub(crate) fn settled(self, name: &str) -> Result<Self, Trouble> {
        match self {
            Self::List(_, source) => json(name, source),
            Self::Lines(_, source) => table(name, source),
            settled => Ok(settled),
        }
    }
}

/// Whether what stands in brackets is no JSON: lines of a log may begin with their time so.
fn is_bracketed(head: &[u8]) -> bool {
    let inside = head.get(1..).unwrap_or_default().trim_ascii_start();
    let number = inside.iter().take_while(|byte| byte.is_ascii_digit()).count();
    match inside.get(number) {
        _ if number == 0 => !inside.first().is_none_or(|byte| b"[{]\"-tfn".contains(byte)),
        next => !next.is_none_or(|byte| byte.is_ascii_whitespace() || b",].eE".contains(byte)),
    }
}

fn skip_mark(source: &mut impl BufRead) -> io::Result<()> {
    if source.fill_buf()?.starts_with(b"\xef\xbb\xbf") {
        source.consume(3);
    }
    Ok(())
}

/// A list of objects, or else what its first line tells.
fn listed(name: &str, mut source: Box<dyn BufRead>) -> io::Result<Result<Content, Trouble>> {
    let start = source.fill_buf()?;
    let Some(called) = list_at(start) else { return Ok(json(name, source)) };
    let mut head = Vec::new();
    let first = loop {
        let bytes = source.fill_buf()?;
        let (taken, ended) = (bytes.len(), bytes.is_empty());
        head.extend_from_slice(bytes);
        source.consume(taken);
        match Objects::new(head.as_slice()).first() {
            Ok(first) => break first,
            Err(_) if ended || head.len() > HEAD => break None,
            Err(_) => {}
        }
    };
    let empty = first.is_none() && serde_json::from_slice::<Value>(&head).is_ok();
    let source: Box<dyn BufRead> = Box::new(Cursor::new(head).chain(source));
    match first.map(|first| serde_json::from_slice(&first)) {
        Some(Ok(first)) => Ok(Ok(Content::List(Listed { name: called, first }, source))),
        None if empty => Ok(Ok(Content::List(Listed { name: called, first: Value::Null }, source))),
        _ => Ok(json(name, source)),
    }
}

/// Whether a list begins here, or is the first member of an object; then what it is called.
fn list_at(start: &[u8]) -> Option<Option<String>> {
    let head = start.get(..256).unwrap_or(start);
    let mut rest = head.trim_ascii_start();
    if rest.starts_with(b"[") {
        return Some(None);
    }
    rest = rest.strip_prefix(b"{")?.trim_ascii_start().strip_prefix(b"\"")?;
    let end = rest.iter().position(|byte| *byte == b'"')?;
    let (called, rest) = rest.split_at(end);
    let rest = rest.strip_prefix(b"\"")?.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start();
    rest.starts_with(b"[").then(|| Some(String::from_utf8_lossy(called).into_owned()))
}

/// The first name in an object.
fn first_name(source: &mut impl BufRead) -> io::Result<Option<String>> {
    let head = source.fill_buf()?;
    let mut words = head.split(|byte| *byte == b'"');
    let opens =
        words.next().is_some_and(|before| before.iter().all(|byte| byte.is_ascii_whitespace() || *byte == b'{'));
    Ok(words.next().filter(|_| opens).map(|name| String::from_utf8_lossy(name).into_owned()))
}

/// One document, or one a line: the first line tells.
fn json(name: &str, mut source: Box<dyn BufRead>) -> Result<Content, Trouble> {
    let broken = |error: io::Error| Trouble::of(name, format!("cannot be read: {error}"));
    let begins = first_name(&mut source).map_err(broken)?;
    let is_details = matches!(begins.as_deref(), Some("UserDetailList" | "GroupDetailList" | "RoleDetailList"));
    // Large ones, which are read in their own way: once.
    if is_details || matches!(begins.as_deref(), Some("openapi" | "swagger")) {
        let mut bytes = Vec::new();
        whole(name, &mut bytes, source)?;
        // Details become values one by one.
        return if is_details { Ok(Content::Details(bytes)) } else { document(name, bytes) };
    }
    let mut first = Vec::new();
    while first.iter().all(u8::is_ascii_whitespace) {
        first.clear();
        read_line(name, &mut source, &mut first)?;
    }
    let more = first.len() <= LONGEST_LINE && !source.fill_buf().map_err(broken)?.is_empty();
    if let (true, Ok(value)) = (more, serde_json::from_slice(&first)) {
        return Ok(Content::JsonLines(value, Box::new(Lines::new(source))));
    }
    whole(name, &mut first, source)?;
    if !fits(&first, false) {
        return Err(Trouble::of(name, TOO_MANY));
    }
    // Answers to one question after the other make one file of many documents.
    let several = serde_json::Deserializer::from_slice(&first).into_iter().collect::<Result<Vec<Value>, _>>();
    match several.map(|mut values| if values.len() == 1 { values.pop().ok_or(values) } else { Err(values) }) {
        Ok(Ok(value)) => Ok(Content::Json(value)),
        Ok(Err(values)) => Ok(Content::Several(values)),
        Err(error) => Err(Trouble::at(
            name,
            error.line() as u64,
            format!("is no whole JSON document (column {}); export it again, it may be cut off", error.column()),
        )),
    }
}

/// What becomes more values than memory is for.
const TOO_MANY: &str = "has too many values to be read whole; split it, or give it as one JSON document a line";

fn document(name: &str, bytes: Vec<u8>) -> Result<Content, Trouble> {
    if fits(&bytes, true) { Ok(Content::Document(bytes)) } else { Err(Trouble::of(name, TOO_MANY)) }
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
        return Err(Trouble::of(name, "is larger than 256 MiB; split it, or give it as one JSON document a line"));
    }
    Ok(())
}

/// Lines, or an OpenAPI document in YAML.
fn text(name: &str, mut source: Box<dyn BufRead>) -> Result<Content, Trouble> {
    let head = source.fill_buf().map_err(|error| Trouble::of(name, format!("cannot be read: {error}")))?;
    let head = String::from_utf8_lossy(head);
    let begins = |word: &str| head.lines().any(|line| line.starts_with(word));
    if begins("openapi:") || begins("swagger:") || begins("\"openapi\":") || begins("'openapi':") {
        let mut bytes = Vec::new();
        whole(name, &mut bytes, source)?;
        return document(name, bytes);
    }
    let first: Vec<&str> = head.lines().filter(|line| !line.trim().is_empty()).take(FIRST_LINES).collect();
    Ok(Content::Lines(first.join("\n"), source))
}

fn table(name: &str, mut source: Box<dyn BufRead>) -> Result<Content, Trouble> {
    let head = source.fill_buf().map_err(|error| Trouble::of(name, format!("cannot be read: {error}")))?;
    let head = String::from_utf8_lossy(head);
    let line = head.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let delimiter =
        [b',', b';', b'\t', b'|'].into_iter().max_by_key(|wanted| line.bytes().filter(|byte| byte == wanted).count());
    let delimiter = delimiter.unwrap_or(b',');
    let source: Box<dyn BufRead> = Box::new(Rows::new(source, delimiter));
    let mut reader =
        csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).trim(csv::Trim::All).from_reader(source);
    match reader.headers().cloned() {
        Err(error) if is_too_long(&error) => Err(Trouble::of(name, TooLong.to_string())),
        Ok(heads) if heads.len() > 1 => Ok(Content::Csv(heads, reader)),
        _ => Err(Trouble::of(
            name,
            "is neither JSON, CSV, an OpenAPI document nor a log that is known; `greave audit --help` lists what can be read",
        )),
    }
}

fn is_too_long(error: &csv::Error) -> bool {
    matches!(error.kind(), csv::ErrorKind::Io(error) if error.get_ref().is_some_and(|cause| cause.is::<TooLong>()))
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write as _};

    use super::*;

    fn of(text: &str) -> Result<Content, Trouble> {
        Content::of("x", Cursor::new(text.as_bytes().to_vec()))?.settled("x")
    }

    #[test]
    fn a_time_in_brackets_begins_a_line_and_no_list() {
        for lines in ["[2026-11-29T07:00:00Z] x", " [29/Nov/2026] x", "[Sun Nov 29] x", "[2026-11-29", "[x"] {
            assert!(
                matches!(Content::of("x", Cursor::new(lines.as_bytes().to_vec())), Ok(Content::Lines(..))),
                "{lines}"
            );
        }
        for list in [
            "[2026]", "[2026 ]", "[1,2]", "[1.5]", "[1e3]", "[-1]", "[]", "[ {}]", "[[]]", "[\"a\"]", "[null]",
            "[true]",
        ] {
            let json = of(list);
            assert!(matches!(json, Ok(Content::Json(_))), "{list}");
        }
    }

    #[test]
    fn a_list_is_seen_by_its_first_object_and_settles_as_one_document() {
        let list = |text: &str| match Content::of("x", Cursor::new(text.as_bytes().to_vec())) {
            Ok(Content::List(Listed { name, first }, _)) => Some((name, first)),
            _ => None,
        };
        let (name, first) = list("{ \"Records\" : [ {\"a\": 1}, {\"a\": 2}]}").unwrap();
        assert_eq!((name.as_deref(), &first), (Some("Records"), &serde_json::json!({"a": 1})));
        assert_eq!(list("[\n{\"a\":1}\n]").unwrap(), (None, serde_json::json!({"a": 1})));
        assert_eq!(list("{\"Records\":[]}").unwrap().1, Value::Null);
        assert_eq!(list("{\"a\":1}"), None);
        assert!(matches!(of("[{\"a\":1},{\"a\":2}]"), Ok(Content::Json(Value::Array(all))) if all.len() == 2));
        assert!(matches!(of("{\"a\":[{}]}\n{\"a\":[]}\n"), Ok(Content::JsonLines(..))));
        assert!(matches!(of("[\"a\"]"), Ok(Content::Json(_))));
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
        let read = Content::of("x", Cursor::new(packed.clone())).and_then(|content| content.settled("x"));
        assert!(matches!(read, Ok(Content::Csv(..))));
        let broken = Content::of("x", Cursor::new(packed[..12].to_vec()));
        assert!(broken.and_then(|content| content.settled("x")).is_err());
    }

    /// Counts what is taken of it.
    struct Counted(Box<dyn Read>, std::rc::Rc<std::cell::Cell<usize>>);

    impl Read for Counted {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let read = self.0.read(into)?;
            self.1.set(self.1.get() + read);
            Ok(read)
        }
    }

    #[test]
    fn of_a_bomb_no_more_becomes_values_than_a_row_has() {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        let block = "1,".repeat(1 << 19);
        for _ in 0..64 {
            gzip.write_all(block.as_bytes()).unwrap();
        }
        let packed = gzip.finish().unwrap();
        assert!(packed.len() < 100_000, "64 MiB in {}", packed.len());
        let taken = std::rc::Rc::new(std::cell::Cell::new(0));
        let plain = Counted(Box::new(MultiGzDecoder::new(Cursor::new(packed))), std::rc::Rc::clone(&taken));
        let Err(trouble) = Content::of("x", plain).and_then(|content| content.settled("x")) else { panic!("read") };
        assert!(trouble.why.contains("10,000 cells"), "{trouble}");
        assert!(taken.get() <= 1 << 18, "{} bytes were read to find that out", taken.get());
    }

    #[test]
    fn a_document_of_commas_is_refused_before_it_becomes_values() {
        let list = |values: usize| format!("[{}1]", "1,".repeat(values));
        assert!(matches!(of(&list(1_000)), Ok(Content::Json(_))));
        for text in [list(30 << 20), format!("openapi: 3.0.0\nx: {}", list(30 << 20))] {
            assert!(of(&text).is_err_and(|trouble| trouble.why.contains("too many values")));
        }
        let lines = format!("{{\"a\":1}}\n{}\n{{\"a\":2}}\n", list(5 << 20));
        let Ok(Content::JsonLines(_, rest)) = of(&lines) else { panic!("no lines") };
        let read: Vec<usize> = rest.lines().map(|line| line.unwrap().len()).collect();
        assert_eq!(read, [LONGEST_LINE, 7], "what is too long is cut, and told as no JSON");
    }

    #[test]
    fn an_error_names_the_line_and_quotes_nothing() {
        let Err(trouble) = of("{\"secret\":\n\"hunter2\"") else { panic!("read") };
        assert_eq!(trouble.place.line, Some(2));
        assert!(!trouble.to_string().contains("hunter2"));
    }
}

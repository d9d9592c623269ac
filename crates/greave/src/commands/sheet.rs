//! Lists for programs and spreadsheets: CSV, JSON and JSON lines, written as they come.

use std::io::{self, BufWriter, Write};

use law::{clean, harmless};
use serde::Serialize;

use crate::{cli::Format, show::harmless_json};

type Out = BufWriter<Box<dyn Write>>;

/// A list on its way to standard output, or into a file.
pub(crate) enum Sheet {
    Csv(Box<csv::Writer<Out>>),
    /// The output, and whether it is an array that has something in it already.
    Json(Out, bool),
    Lines(Out),
}

impl Sheet {
    /// Begins a list; a table is no such list.
    pub(crate) fn begin(format: Format, heads: &[&str]) -> io::Result<Option<Self>> {
        Self::into(Box::new(io::stdout()), format, heads)
    }

    /// The same, into something else.
    pub(crate) fn into(out: Box<dyn Write>, format: Format, heads: &[&str]) -> io::Result<Option<Self>> {
        let mut out = BufWriter::new(out);
        Ok(Some(match format {
            Format::Table => return Ok(None),
            Format::Csv => {
                let mut csv = csv::Writer::from_writer(out);
                csv.write_record(heads)?;
                Self::Csv(Box::new(csv))
            }
            Format::Json => {
                out.write_all(b"[")?;
                Self::Json(out, false)
            }
            Format::Jsonl => Self::Lines(out),
        }))
    }

    /// One more line: as cells of a table, or as what it is. What of foreign text a terminal would
    /// obey is spelled out.
    pub(crate) fn line(&mut self, value: &impl Serialize, cells: impl FnOnce() -> Vec<String>) -> io::Result<()> {
        match self {
            Self::Csv(csv) => Ok(csv.write_record(cells().into_iter().map(|cell| harmless(clean(&cell))))?),
            Self::Json(out, begun) => {
                out.write_all(if std::mem::replace(begun, true) { b",\n" } else { b"\n" })?;
                out.write_all(harmless_json(&serde_json::to_string(value)?).as_bytes())
            }
            Self::Lines(out) => {
                out.write_all(harmless_json(&serde_json::to_string(value)?).as_bytes())?;
                out.write_all(b"\n")
            }
        }
    }

    /// Ends the list.
    pub(crate) fn end(self) -> io::Result<()> {
        match self {
            Self::Csv(mut csv) => csv.flush(),
            Self::Json(mut out, begun) => {
                out.write_all(if begun { b"\n]\n" } else { b"]\n" })?;
                out.flush()
            }
            Self::Lines(mut out) => out.flush(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_form_of_a_list_moves_a_terminals_cursor() {
        let foreign = "evil\u{9b}2J\u{1b}[31m\u{202e}\u{e9}";
        for format in [Format::Csv, Format::Json, Format::Jsonl] {
            let file = tempfile::NamedTempFile::new().unwrap();
            let mut sheet = Sheet::into(Box::new(file.reopen().unwrap()), format, &["client"]).unwrap().unwrap();
            sheet.line(&[foreign], || vec![foreign.to_owned()]).unwrap();
            sheet.end().unwrap();
            let text = std::fs::read_to_string(file.path()).unwrap();
            let controls = |letter: char| letter.is_control() && letter != '\n' || letter == '\u{202e}';
            assert!(!text.contains(controls) && text.contains('\u{e9}'), "{text:?}");
            if format == Format::Json {
                assert_eq!(serde_json::from_str::<[[String; 1]; 1]>(&text).unwrap()[0][0], foreign);
            }
        }
    }
}

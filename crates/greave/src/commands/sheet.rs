//! Lists for programs and spreadsheets: CSV, JSON and JSON lines, written as they come.

use std::io::{self, BufWriter, Write};

use serde::Serialize;

use crate::cli::Format;

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

    /// One more line: as cells of a table, or as what it is.
    pub(crate) fn line(&mut self, value: &impl Serialize, cells: impl FnOnce() -> Vec<String>) -> io::Result<()> {
        match self {
            Self::Csv(csv) => Ok(csv.write_record(cells().into_iter().map(harmless))?),
            Self::Json(out, begun) => {
                out.write_all(if std::mem::replace(begun, true) { b",\n" } else { b"\n" })?;
                Ok(serde_json::to_writer(out, value)?)
            }
            Self::Lines(out) => {
                serde_json::to_writer(&mut *out, value)?;
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

/// Letters with which a spreadsheet takes a cell for a formula; some fold the wide ones.
const FORMULA: [char; 10] = ['=', '+', '-', '@', '\t', '\r', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'];

/// Letters at which some spreadsheet lets another cell begin, whatever stands in quotes.
const APART: [char; 5] = [';', '|', '\t', '\n', '\r'];

/// A cell that no spreadsheet takes for a formula, nor a part of it: a key's name or a client's
/// `User-Agent` is foreign text, and a formula can send the rest of the sheet elsewhere.
pub(crate) fn harmless(cell: String) -> String {
    let risky = |part: &str| part.trim_start_matches([' ', '\n', '"']).starts_with(FORMULA);
    if !cell.split_inclusive(APART).any(risky) {
        return cell;
    }
    cell.split_inclusive(APART).map(|part| if risky(part) { format!("'{part}") } else { part.to_owned() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        for evil in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "\n=1", "\u{ff1d}1"] {
            let tame = harmless(evil.to_owned());
            assert!(
                tame.trim_start_matches([' ', '\n']).starts_with('\'') && tame.replace('\'', "") == evil,
                "{tame:?}"
            );
        }
        for (evil, tame) in
            [("x;=cmd|'/C calc'!A0", "x;'=cmd|'/C calc'!A0"), ("a\n=1", "a\n'=1"), ("a;b; +1", "a;b;' +1")]
        {
            assert_eq!(harmless(evil.to_owned()), tame);
        }
        for plain in ["a; b", "curl/8 (x; y)", "", "ann", "2026-11-24T10:00:00Z", "192.0.2.7", "a=b", "read write"] {
            assert_eq!(harmless(plain.to_owned()), plain);
        }
    }
}

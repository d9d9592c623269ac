//! The file of a plan: CSV with a head, or JSON lines. What is wrong is told by its line; every
//! wrong line is told, and then nothing of the file is done.

use std::{collections::HashMap, fs, path::Path};

use jiff::Timestamp;
use law::KeyId;
use serde::{Deserialize, Serialize};

/// What stands in a line. To set an end, the key and the proposed end are enough.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Line {
    pub(super) key: KeyId,
    #[serde(default)]
    pub(super) name: Option<String>,
    #[serde(default)]
    pub(super) holder: Option<String>,
    #[serde(default)]
    pub(super) owner: Option<String>,
    #[serde(default)]
    pub(super) last_used: Option<Timestamp>,
    #[serde(default)]
    pub(super) end: Option<Timestamp>,
    pub(super) proposed_end: Timestamp,
}

/// The columns, in the order of a line.
pub(super) const COLUMNS: [&str; 7] = ["key", "name", "holder", "owner", "last_used", "end", "proposed_end"];

impl Line {
    pub(super) fn cells(&self) -> Vec<String> {
        let Self { key, name, holder, owner, last_used, end, proposed_end } = self;
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let at = |at: &Option<Timestamp>| at.map_or_else(String::new, |at| at.to_string());
        vec![key.to_string(), text(name), text(holder), text(owner), at(last_used), at(end), proposed_end.to_string()]
    }
}

/// An end that a line of the file names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    /// The line's number.
    pub(super) line: u64,
    pub(super) key: KeyId,
    pub(super) end: Timestamp,
}

/// Why a file is not taken: all that is wrong with it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrong(pub(super) Vec<(u64, String)>);

pub(super) fn read(path: &Path) -> Result<Vec<Wanted>, Box<dyn std::error::Error>> {
    let text = fs::read_to_string(path).map_err(|error| {
        format!("`{}` cannot be read: {error}; `greave expiry plan --output FILE` writes one", path.display())
    })?;
    parse(&text).map_err(|wrong| wrong.told(path).into())
}

impl Wrong {
    /// The first of them, a line each.
    pub(super) fn told(&self, path: &Path) -> String {
        const TOLD: usize = 20;
        let Self(all) = self;
        let told = all.iter().take(TOLD).map(|(line, why)| format!("\n  line {line}: {why}")).collect::<String>();
        let more = all.len().saturating_sub(TOLD);
        let more = if more > 0 { format!("\n  and {more} more") } else { String::new() };
        format!("nothing was done, for `{}` cannot be taken:{told}{more}", path.display())
    }
}

fn parse(text: &str) -> Result<Vec<Wanted>, Wrong> {
    // As spreadsheets begin a file.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lines = if text.trim_start().starts_with('{') { of_json(text) } else { of_csv(text)? };
    let (mut wanted, mut wrong) = (Vec::new(), Vec::new());
    let mut known: HashMap<KeyId, u64> = HashMap::new();
    for (line, read) in lines {
        let read = read.and_then(|(key, end)| match known.insert(key, line) {
            Some(first) => Err(format!("`{key}` stands in line {first} already; leave one of them out")),
            None => Ok(Wanted { line, key, end }),
        });
        match read {
            Ok(end) => wanted.push(end),
            Err(why) => wrong.push((line, why)),
        }
    }
    if wrong.is_empty() { Ok(wanted) } else { Err(Wrong(wrong)) }
}

type Read = Vec<(u64, Result<(KeyId, Timestamp), String>)>;

fn of_json(text: &str) -> Read {
    let lines = (1_u64..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(number, line)| {
            let read = serde_json::from_str::<Line>(line).map(|line| (line.key, line.proposed_end));
            (number, read.map_err(|error| format!("it is no line of a plan: {error}")))
        })
        .collect()
}

fn of_csv(text: &str) -> Result<Read, Wrong> {
    let mut csv = csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(text.as_bytes());
    let wrong = |why: String| Wrong(vec![(1, why)]);
    let heads = csv.headers().map_err(|error| wrong(error.to_string()))?.clone();
    let place = |name: &str| {
        let mend = "the first line names the columns, of which `key` and `proposed_end` are needed";
        heads.iter().position(|head| head == name).ok_or_else(|| wrong(format!("there is no column `{name}`; {mend}")))
    };
    let (key, end) = (place("key")?, place("proposed_end")?);
    let read = csv.records().map(|record| {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                return (error.position().map_or(0, csv::Position::line), Err("it is no CSV in UTF-8".to_owned()));
            }
        };
        let line = record.position().map_or(0, csv::Position::line);
        let cell =
            |place: usize, name: &str| record.get(place).ok_or_else(|| format!("the column `{name}` is missing"));
        let read = cell(key, "key").and_then(|text| text.parse().map_err(|error: law::IdError| error.to_string()));
        let read = read.and_then(|key| {
            let mend = "write a moment such as `2027-03-01T09:00:00Z`, or leave the line out";
            let text = cell(end, "proposed_end")?;
            Ok((key, text.parse().map_err(|_| format!("`{text}` is no end: {mend}"))?))
        });
        (line, read)
    });
    Ok(read.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(line: u64, key: u64, end: &str) -> Wanted {
        Wanted { line, key: KeyId(key), end: end.parse().unwrap() }
    }

    const END: &str = "2027-03-01T09:00:00Z";

    #[test]
    fn a_plan_reads_back_as_it_was_written_and_columns_may_be_moved() {
        let line = Line {
            key: KeyId(17),
            name: Some("ci, \"deploy\"\n".to_owned()),
            holder: None,
            owner: Some("ann".to_owned()),
            last_used: None,
            end: None,
            proposed_end: END.parse().unwrap(),
        };
        let mut csv = csv::Writer::from_writer(Vec::new());
        csv.write_record(COLUMNS).unwrap();
        csv.write_record(line.cells()).unwrap();
        let csv = String::from_utf8(csv.into_inner().unwrap()).unwrap();
        let json = format!("\n{}\n", serde_json::to_string(&line).unwrap());
        for (text, number) in [(csv.as_str(), 2), (&json, 2)] {
            assert_eq!(parse(text), Ok(vec![wanted(number, 17, END)]), "{text}");
        }
        let moved = format!("\u{feff}proposed_end;note,proposed_end,key\nx, {END} ,k9\n");
        assert_eq!(parse(&moved), Ok(vec![wanted(2, 9, END)]));
        assert_eq!(parse("key,proposed_end\n"), Ok(Vec::new()));
    }

    #[test]
    fn every_wrong_line_is_told_with_its_number_and_how_to_mend_it() {
        let text = format!("key,proposed_end\nk1,{END}\n17,{END}\nk2,soon\nk1,{END}\nk3\n");
        let Err(Wrong(all)) = parse(&text) else { panic!() };
        let lines: Vec<u64> = all.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [3, 4, 5, 6]);
        let told = Wrong(all).told(Path::new("plan.csv"));
        for words in ["`17` is no key id", "`soon` is no end", "stands in line 2", "`proposed_end` is missing"] {
            assert!(told.contains(words), "{words}: {told}");
        }
        for (text, words) in [
            ("", "no column `key`"),
            ("id,end\nk1,x\n", "no column `key`"),
            ("{\"key\":\"k1\"}", "missing field `proposed_end`"),
            ("{\"key\":\"k1\",\"proposed_end\":\"soon\"}", "line of a plan"),
        ] {
            let Err(wrong) = parse(text) else { panic!("{text}") };
            assert!(wrong.told(Path::new("x")).contains(words), "{text}: {wrong:?}");
        }
    }
}

//! Reads a list of keys: CSV with a head, or JSON lines. What is wrong is told by its line and
//! column; nothing of the line is repeated, since a secret may stand in any column by mistake.

use std::{
    collections::HashSet,
    fs::File,
    io::{self, BufRead, BufReader, Read as _},
    path::{Path, PathBuf},
};

use authority::Digest;
use console::api::{ImportLine, WrongLine};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use law::HolderKind;
use zeroize::Zeroizing;

/// The columns, in the order in which an error names them.
const COLUMNS: [&str; 10] = ["secret", "sha256", "name", "holder", "kind", "owner", "place", "born", "end", "scopes"];

/// The longest line, in bytes.
const LONGEST: u64 = 64 * 1024;

/// The longest text of any other column than the secret, in bytes.
const TEXT: usize = 1024;

/// Of a secret: the fewest letters, the fewest different ones, and the least that it may tell in
/// bits, as its own letters are spread.
const LETTERS: usize = 16;
const DIFFERENT: usize = 8;
const BITS: f64 = 48.0;

/// SHA-256 of nothing at all, which somebody hashed by mistake.
const OF_NOTHING: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// Why a file is no list at all.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unreadable {
    #[error("`{path}` cannot be read: {cause}")]
    File { path: PathBuf, cause: io::Error },
    #[error("`{path}`: column {column} of the head is none of {}; the first line names the columns", COLUMNS.join(", "))]
    Column { path: PathBuf, column: usize },
    #[error("`{path}`: column {column} of the head is there twice")]
    Twice { path: PathBuf, column: usize },
    #[error("`{path}` has neither `secret` nor `sha256`; the first line names the columns")]
    NoKey { path: PathBuf },
}

/// A list, line by line.
pub(super) struct Lines {
    path: PathBuf,
    form: Form,
    had_secrets: bool,
}

enum Form {
    /// And by how much its count of lines is behind: it sees the second half of a line's end
    /// (`\r\n`) only with the next record.
    Csv(Box<csv::Reader<BufReader<File>>>, Vec<&'static str>, u64),
    Json(BufReader<File>, u64),
}

/// The cells of a line by their columns.
type Cells = Vec<(&'static str, Zeroizing<String>)>;

impl Lines {
    pub(super) fn open(path: &Path) -> Result<Self, Unreadable> {
        let unreadable = |cause: io::Error| Unreadable::File { path: path.to_owned(), cause };
        let mut file = BufReader::with_capacity(1 << 16, File::open(path).map_err(unreadable)?);
        // A byte order mark, as spreadsheets write it, is no part of the first column's name.
        let begins = file.fill_buf().map_err(unreadable)?;
        let mark = begins.starts_with("\u{feff}".as_bytes());
        if mark {
            file.consume(3);
        }
        let behind = behind(file.fill_buf().map_err(unreadable)?);
        let first = file.fill_buf().map_err(unreadable)?.iter().find(|byte| !byte.is_ascii_whitespace()).copied();
        let form = if first == Some(b'{') {
            Form::Json(file, 0)
        } else {
            let mut csv = csv::ReaderBuilder::new().flexible(true).from_reader(file);
            let columns = columns(path, &mut csv)?;
            Form::Csv(Box::new(csv), columns, behind)
        };
        Ok(Self { path: path.to_owned(), form, had_secrets: false })
    }

    /// Whether secrets stood in it, not only their SHA-256.
    pub(super) const fn had_secrets(&self) -> bool {
        self.had_secrets
    }

    /// Gives at most so many lines to `each`, until it wants no more. Whether the list has ended.
    pub(super) fn fill(
        &mut self,
        most: usize,
        mut each: impl FnMut(Result<ImportLine, WrongLine>) -> bool,
    ) -> Result<bool, Unreadable> {
        for _ in 0..most {
            let Some((line, cells)) =
                self.next().map_err(|cause| Unreadable::File { path: self.path.clone(), cause })?
            else {
                return Ok(true);
            };
            let read = cells.and_then(|cells| {
                self.had_secrets |= cells.iter().any(|(column, _)| *column == "secret");
                key(line, &cells)
            });
            if !each(read.map_err(|why| WrongLine { line, why })) {
                return Ok(false);
            }
        }
        Ok(false)
    }

    fn next(&mut self) -> io::Result<Option<(u64, Result<Cells, String>)>> {
        match &mut self.form {
            Form::Csv(csv, columns, behind) => {
                let mut record = csv::ByteRecord::new();
                let there = csv.read_byte_record(&mut record).map_err(|_| io::Error::other("it breaks off"))?;
                let line = record.position().map_or(0, csv::Position::line) + *behind;
                Ok(there.then(|| (line, csv_cells(columns, &record))))
            }
            Form::Json(file, number) => loop {
                let mut line = Zeroizing::new(Vec::new());
                if file.by_ref().take(LONGEST + 1).read_until(b'\n', &mut line)? == 0 {
                    return Ok(None);
                }
                *number += 1;
                if line.len() as u64 > LONGEST {
                    file.skip_until(b'\n')?;
                    return Ok(Some((*number, Err("the line is longer than 64 KiB".to_owned()))));
                }
                if !line.trim_ascii().is_empty() {
                    return Ok(Some((*number, json_cells(&line))));
                }
            },
        }
    }
}

/// Whether lines end as on Windows.
fn behind(begins: &[u8]) -> u64 {
    let end = begins.iter().position(|byte| *byte == b'\n');
    let before = end.and_then(|end| begins.get(end.checked_sub(1)?));
    u64::from(before == Some(&b'\r'))
}

/// The columns by their places. What is no column is not repeated: in a file without a head it
/// is a secret.
fn columns(path: &Path, csv: &mut csv::Reader<BufReader<File>>) -> Result<Vec<&'static str>, Unreadable> {
    let heads = csv.byte_headers().map_err(|error| Unreadable::File { path: path.to_owned(), cause: error.into() })?;
    let mut columns = Vec::new();
    for (place, head) in heads.iter().enumerate() {
        let known = COLUMNS.iter().find(|name| name.as_bytes().eq_ignore_ascii_case(head.trim_ascii()));
        let column = place + 1;
        let known = known.ok_or_else(|| Unreadable::Column { path: path.to_owned(), column })?;
        if columns.contains(known) {
            return Err(Unreadable::Twice { path: path.to_owned(), column });
        }
        columns.push(*known);
    }
    if !columns.iter().any(|column| matches!(*column, "secret" | "sha256")) {
        return Err(Unreadable::NoKey { path: path.to_owned() });
    }
    Ok(columns)
}

fn csv_cells(columns: &[&'static str], record: &csv::ByteRecord) -> Result<Cells, String> {
    if record.len() != columns.len() {
        return Err(format!("it has {} cells, and the head has {}", record.len(), columns.len()));
    }
    let mut cells = Vec::with_capacity(columns.len());
    for (column, cell) in columns.iter().zip(record) {
        if cell.len() as u64 > LONGEST {
            return Err(format!("`{column}` is longer than 64 KiB"));
        }
        let text = std::str::from_utf8(cell).map_err(|_| format!("`{column}` is not UTF-8"))?;
        if !text.is_empty() {
            cells.push((*column, Zeroizing::new(unquoted(column, text).to_owned())));
        }
    }
    Ok(cells)
}

/// A list that was exported here has a quote before what a spreadsheet would take for a formula.
fn unquoted<'a>(column: &str, text: &'a str) -> &'a str {
    let quoted = |rest: &&str| rest.starts_with(['=', '+', '-', '@']);
    if column == "secret" { text } else { text.strip_prefix('\'').filter(quoted).unwrap_or(text) }
}

fn json_cells(line: &[u8]) -> Result<Cells, String> {
    // The parser's own words repeat what it found.
    let object: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(line)
        .map_err(|error| format!("it is no JSON object, from column {}", error.column()))?;
    let mut cells = Vec::with_capacity(object.len());
    for (name, value) in object {
        let known = COLUMNS.iter().find(|known| **known == name);
        let column = *known.ok_or_else(|| format!("it has a field that is none of {}", COLUMNS.join(", ")))?;
        match value {
            serde_json::Value::Null => {}
            serde_json::Value::String(text) if text.is_empty() => {}
            serde_json::Value::String(text) => cells.push((column, Zeroizing::new(text))),
            _ => return Err(format!("`{column}` is no text; write it in quotes")),
        }
    }
    Ok(cells)
}

fn key(line: u64, cells: &Cells) -> Result<ImportLine, String> {
    let cell = |name: &str| cells.iter().find(|(column, _)| *column == name).map(|(_, cell)| &***cell);
    let sha256 = match (cell("secret"), cell("sha256")) {
        (Some(secret), None) => {
            check_secret(secret)?;
            let elsewhere = |(column, cell): &&(&str, Zeroizing<String>)| *column != "secret" && cell.contains(secret);
            if let Some((column, _)) = cells.iter().find(elsewhere) {
                return Err(format!("`{column}` has the secret in it, and would be written down"));
            }
            Digest::of(secret.as_bytes()).to_string()
        }
        (None, Some(sha256)) => {
            let digits = sha256.len() == 64 && sha256.bytes().all(|byte| byte.is_ascii_hexdigit());
            if !digits || sha256.eq_ignore_ascii_case(OF_NOTHING) {
                return Err("`sha256` is no SHA-256 of a secret; write its 64 hexadecimal digits".to_owned());
            }
            sha256.to_ascii_lowercase()
        }
        (Some(_), Some(_)) => return Err("it has both `secret` and `sha256`; leave one empty".to_owned()),
        (None, None) => return Err("it has neither `secret` nor `sha256`".to_owned()),
    };
    if let Some((column, _)) = cells.iter().find(|(column, cell)| *column != "secret" && cell.len() > TEXT) {
        return Err(format!("`{column}` is longer than {TEXT} bytes"));
    }
    let text = |name: &str| cell(name).map(str::to_owned);
    let kind = cell("kind").map(|kind| {
        let known = HolderKind::ALL.into_iter().find(|known| known.word() == kind);
        known.ok_or("`kind` is none; the kinds are person, workload, vendor")
    });
    Ok(ImportLine {
        line,
        sha256: sha256.into(),
        name: text("name"),
        holder: text("holder"),
        kind: kind.transpose()?,
        owner: text("owner"),
        place: text("place"),
        born: cell("born").map(|text| moment("born", text)).transpose()?,
        end: cell("end").map(|text| moment("end", text)).transpose()?,
        scopes: text("scopes"),
    })
}

/// Whether it could be a key. A password or a word would be found by trying, also from its
/// SHA-256.
fn check_secret(secret: &str) -> Result<(), String> {
    if secret.len() < LETTERS {
        return Err(format!("`secret` is too short for a key: it has fewer than {LETTERS} letters"));
    }
    if secret.chars().any(|letter| letter.is_whitespace() || letter.is_control()) {
        return Err("`secret` has blanks or letters that nobody sees; write the key alone, without a scheme".to_owned());
    }
    let different: HashSet<u8> = secret.bytes().collect();
    let spread = |byte: &u8| {
        let share = secret.bytes().filter(|other| other == byte).count() as f64 / secret.len() as f64;
        -share * share.log2()
    };
    let bits = different.iter().map(spread).sum::<f64>() * secret.len() as f64;
    if different.len() < DIFFERENT || bits < BITS {
        return Err("`secret` could be guessed: it is no key that a machine has made".to_owned());
    }
    Ok(())
}

/// A moment, or the day that begins then.
fn moment(column: &str, text: &str) -> Result<Timestamp, String> {
    let day = || text.parse::<Date>().ok()?.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
    let mend = "write a day such as `2027-03-01`, or a moment such as `2027-03-01T09:00:00Z`";
    text.parse().ok().or_else(day).ok_or_else(|| format!("`{column}` is no moment; {mend}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "sk_live_9fQ2mX7bT4vKp8Lw";

    fn lines(text: &str) -> Result<Vec<Result<ImportLine, WrongLine>>, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        std::fs::write(&path, text).unwrap();
        let mut found = Vec::new();
        let mut lines = Lines::open(&path).map_err(|error| error.to_string())?;
        lines
            .fill(100, |line| {
                found.push(line);
                true
            })
            .map_err(|error| error.to_string())?;
        Ok(found)
    }

    /// What is said of the first line.
    fn wrong(text: &str) -> String {
        match lines(text) {
            Err(error) => error,
            Ok(lines) => lines
                .into_iter()
                .find_map(Result::err)
                .map_or_else(String::new, |it| format!("{}: {}", it.line, it.why)),
        }
    }

    #[test]
    fn csv_and_json_lines_say_the_same() {
        let csv = format!(
            "\u{feff}Name,secret,born,end,kind,holder,owner\r\n\"'-ci\",{SECRET},2026-01-31,,workload,ci,ann\r\n"
        );
        let json = format!(
            "\n{{\"name\":\"-ci\",\"secret\":\"{SECRET}\",\"born\":\"2026-01-31T00:00:00Z\",\"end\":null,\"kind\":\"workload\",\"holder\":\"ci\",\"owner\":\"ann\"}}\n"
        );
        let [one, other] = [csv, json].map(|text| lines(&text).unwrap().remove(0).unwrap());
        assert_eq!(one.sha256.expose(), Digest::of(SECRET.as_bytes()).to_string());
        assert_eq!((one.line, one.name.as_deref(), one.kind), (2, Some("-ci"), Some(HolderKind::Workload)));
        assert_eq!(serde_json::to_value(&one).unwrap(), serde_json::to_value(&other).unwrap());
        let hashed = format!("sha256\n{}\n", one.sha256.expose().to_ascii_uppercase());
        assert_eq!(lines(&hashed).unwrap().remove(0).unwrap().sha256.expose(), one.sha256.expose());
    }

    #[test]
    fn what_is_wrong_is_told_by_its_line_and_no_secret_is_repeated() {
        for (text, says) in [
            (format!("secret,colour\n{SECRET},red\n"), "column 2 of the head is none of secret,"),
            (format!("{SECRET},ann\nsk_live_another,bob\n"), "column 1 of the head is none of"),
            (format!("secret,secret\n{SECRET},x\n"), "column 2 of the head is there twice"),
            (format!("name,holder\n{SECRET},ann\n"), "neither `secret` nor `sha256`"),
            (format!("secret,name\n{SECRET},one,more\n"), "2: it has 3 cells, and the head has 2"),
            (format!("name,secret\none,{SECRET}\ntwo,\n"), "3: it has neither"),
            (format!("secret,sha256\n{SECRET},{OF_NOTHING}\n"), "2: it has both"),
            (format!("sha256\n{OF_NOTHING}\n"), "2: `sha256` is no SHA-256"),
            (format!("sha256\n{SECRET}\n"), "2: `sha256` is no SHA-256"),
            (format!("secret,name\n{SECRET},ci {SECRET}\n"), "2: `name` has the secret in it"),
            (format!("secret,born\n{SECRET},{SECRET}x\n"), "2: `born` has the secret in it"),
            (format!("secret,born\n{SECRET},yesterday\n"), "2: `born` is no moment"),
            (format!("secret,kind\n{SECRET},robot\n"), "2: `kind` is none"),
            (format!("{{\"secret\":\"{SECRET}\",\"colour\":\"red\"}}"), "1: it has a field that is none of"),
            (format!("{{\"{SECRET}\":1}}"), "1: it has a field that is none of"),
            (format!("{{\"secret\":[\"{SECRET}\"]}}"), "1: `secret` is no text"),
            (format!("{{\"secret\":\"{SECRET}\""), "1: it is no JSON object"),
            (format!("{{\"secret\":\"{}\"}}", "x".repeat(70_000)), "1: the line is longer than 64 KiB"),
        ] {
            let told = wrong(&text);
            assert!(told.contains(says), "{told}\nfor {text:.80}");
            assert!(!told.contains("9fQ2mX7b"), "a secret is repeated: {told}");
        }
    }

    #[test]
    fn what_could_be_guessed_is_no_key() {
        for guessable in [
            "hunter2",
            "aaaaaaaaaaaaaaaaaaaaaaaa",
            "abababababababababababab",
            "1111222233334444",
            "correct horse battery",
        ] {
            let told = wrong(&format!("secret\n{guessable}\n"));
            assert!(told.starts_with("2: `secret`"), "{guessable}: {told}");
            assert!(!told.contains(guessable));
        }
        for key in [
            SECRET,
            "0123456789abcdef0123456789abcdef01234567",
            "8c7e2c1e-5a53-4d3b-9a4e-0f5f0a3f3c11",
            "aG9yc2ViYXR0ZXJ5",
        ] {
            assert_eq!(wrong(&format!("secret\n{key}\n")), "");
        }
    }
}

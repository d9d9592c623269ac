//! `greave audit`: opens the inputs and prints what the room `audit` makes of them.

use std::{
    fs,
    io::{self, IsTerminal as _, Write as _},
    path::{Path, PathBuf},
};

use audit::{
    Audit, Maps, STANDARD_INPUT, Settings,
    baseline::{Baseline, BaselineError},
    report::Format,
};
use clap::{
    Args,
    builder::{PossibleValue, PossibleValuesParser, TypedValueParser as _},
};
use jiff::Timestamp;
use law::Severity;

use super::{Done, Outcome};
use crate::{
    broken,
    cli::{Cli, FailOn, moment},
    progress::Progress,
    show::{self, ALARM, aside, clean},
};

#[derive(Debug, Args)]
pub(crate) struct Wanted {
    /// Exports and documents: files, folders, or `-`.
    #[arg(required = true, value_name = "INPUT")]
    pub(crate) inputs: Vec<PathBuf>,
    /// How it is told.
    #[arg(long, default_value = "terminal", value_name = "FORMAT", value_parser = forms().try_map(|word| word.parse::<Format>()))]
    pub(crate) format: audit::report::Format,
    /// From which severity on the exit code is 1: info, warning, high, critical, or never.
    #[arg(long, default_value = "warning", value_name = "SEVERITY")]
    pub(crate) fail_on: FailOn,
    /// The moment of the audit, a day or a moment; for exports that are old.
    #[arg(long, value_name = "DATE", value_parser = moment)]
    pub(crate) as_of: Option<Timestamp>,
    /// Which column says what: `owner=Contact person`, `log_key=$10`. Holds for every input; with
    /// a name before it for that file or folder alone: `hr.csv:holder=Login`.
    /// Words are `key`, `holder`, `owner`, `born`, `end`, `last_use`, `second_factor`, `scopes`,
    /// `same` (the same person's other accounts, as `github/ann-gh`) and others; a wrong one lists
    /// all, docs/inventories.md explains them.
    #[arg(long, value_name = "[FILE:]WORD=COLUMN")]
    pub(crate) map: Vec<String>,
    /// What is accepted, with reasons and ends (TOML); docs/rules.md shows one.
    #[arg(long, value_name = "FILE")]
    pub(crate) baseline: Option<PathBuf>,
    /// How old a key may be, in days.
    #[arg(long, default_value_t = 90, value_name = "DAYS")]
    pub(crate) longest: u32,
    /// How long a key may lie unused, in days.
    #[arg(long, default_value_t = 90, value_name = "DAYS")]
    pub(crate) idle: u32,
}

fn forms() -> PossibleValuesParser {
    let form = PossibleValue::new;
    PossibleValuesParser::new([
        form("terminal").alias("text"),
        form("json"),
        form("jsonl").alias("json-lines"),
        form("csv"),
        form("markdown").alias("md"),
        form("sarif"),
        form("html"),
    ])
}

/// What a folder is read for; whatever else lies in it is left alone.
const READ: [&str; 10] = ["csv", "tsv", "json", "jsonl", "ndjson", "yaml", "yml", "gz", "log", "txt"];

pub(crate) fn run(cli: &Cli, command: &Wanted, now: Timestamp) -> Outcome {
    let map = Maps::of(command.map.iter().map(String::as_str))?;
    let baseline = command.baseline.as_deref().map(accepted).transpose()?;
    let as_of = command.as_of.unwrap_or(now);
    let mut audit = Audit::new(Settings { as_of, longest: command.longest, idle: command.idle, map: map.clone() });
    let mut files = Vec::new();
    for input in &command.inputs {
        gather(input, &mut files, &mut audit);
    }
    let names: Vec<String> = files.iter().map(Input::name).collect();
    if let Some(strange) = map.strange(&names) {
        return Err(format!("`{}` in --map names no input; write it as the input is given", strange.display()).into());
    }
    let progress = Progress::of(total(&files));
    for file in files {
        read(file, &progress, &mut audit);
    }
    let mut report = audit.finish();
    progress.end();
    for stale in baseline.iter().flat_map(|baseline| baseline.apply(&mut report)) {
        aside(ALARM, format!("baseline: {}", clean(&stale)));
    }
    if report.estate.sources.is_empty() {
        for trouble in &report.estate.troubles {
            aside(ALARM, clean(&trouble.to_string()));
        }
        return Err("nothing could be read; `greave audit --help` lists what can".into());
    }
    let format = if cli.json { Format::Json } else { command.format };
    let text = report.write(format, show::width())?;
    let text = if io::stdout().is_terminal() { harmless(format, text) } else { text };
    write!(anstream::stdout(), "{text}")?;
    let unread = !report.estate.troubles.is_empty();
    let failed = match (command.fail_on, report.worst()) {
        (FailOn::Never, _) | (_, None) => false,
        (FailOn::Info, Some(_)) => true,
        (FailOn::Warning, Some(worst)) => worst >= Severity::Warning,
        (FailOn::High, Some(worst)) => worst >= Severity::High,
        (FailOn::Critical, Some(worst)) => worst >= Severity::Critical,
    };
    Ok(if failed || unread { Done::Findings } else { Done::Clean })
}

/// A report fit for a terminal: the names in it are foreign. A program that reads it gets it as
/// it is.
fn harmless(format: Format, text: String) -> String {
    match format {
        // It is made for a terminal, with the names already so.
        Format::Terminal => text,
        Format::Json | Format::JsonLines | Format::Sarif => show::harmless_json(&text),
        Format::Csv | Format::Markdown | Format::Html => text
            .split_inclusive('\n')
            .map(|line| {
                line.strip_suffix('\n').map_or_else(|| clean(line), |line| clean(line.trim_end_matches('\r')) + "\n")
            })
            .collect(),
    }
}

fn accepted(path: &Path) -> Result<Baseline, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("`{}`: {error}", path.display()))?;
    Baseline::read(&text).map_err(|error| match error {
        BaselineError::Toml(_) => {
            let writes = "an entry is `[[accept]]` with rule, subject, reason and until, as docs/rules.md shows";
            format!("`{}`: {}", path.display(), broken::told(&text, &error.to_string(), "a baseline", (writes, writes)))
        }
        BaselineError::NoReason(..) => format!("`{}`: {error}", path.display()),
    })
}

/// What is read: standard input, a file, or the folder of a record of calls.
enum Input {
    Standard,
    File(PathBuf),
    Record(PathBuf),
}

impl Input {
    /// What it is called in a report.
    fn name(&self) -> String {
        match self {
            Self::Standard => STANDARD_INPUT.to_owned(),
            Self::File(path) | Self::Record(path) => path.display().to_string(),
        }
    }
}

fn gather(input: &Path, files: &mut Vec<Input>, audit: &mut Audit) {
    if input.as_os_str() == "-" {
        files.push(Input::Standard);
    } else if input.is_dir() {
        folder(input, files, audit);
    } else {
        files.push(Input::File(input.to_owned()));
    }
}

/// How many bytes there are, where that can be told.
fn total(files: &[Input]) -> Option<u64> {
    let size = |input: &Input| match input {
        Input::Standard | Input::Record(_) => None,
        Input::File(path) => fs::metadata(path).ok().filter(fs::Metadata::is_file).map(|file| file.len()),
    };
    files.iter().map(size).sum()
}

fn read(input: Input, progress: &Progress, audit: &mut Audit) {
    let name = input.name();
    match input {
        Input::Standard => {
            audit.read(&name, progress.watch(io::stdin()));
        }
        Input::Record(path) => record(&path, audit),
        Input::File(path) => {
            let progress = progress.clone();
            audit.open(&name, move || fs::File::open(&path).map(|file| progress.watch(file)));
        }
    }
}

/// Greave's own record of calls.
fn record(path: &Path, audit: &mut Audit) {
    let name = path.display().to_string();
    match record::Reader::open(path) {
        Ok(reader) => {
            let calls = reader.joined().map(|joined| match joined {
                Ok(record::Joined { call, outcome }) => Ok((call, outcome)),
                Err(damage) => Err(damage.to_string()),
            });
            audit.calls(&name, calls);
        }
        Err(error) => audit.unreadable(&name, &error.to_string()),
    }
}

/// Whether a file of a folder is read: by its ending, or as a log that was rotated.
fn is_read(path: &Path) -> bool {
    let known = |end: &std::ffi::OsStr| READ.iter().any(|known| end.eq_ignore_ascii_case(known));
    path.extension().is_some_and(known)
        || path.file_name().is_some_and(|name| {
            let name = name.to_string_lossy();
            name.rsplit_once(".log").is_some_and(|(_, rest)| rest.starts_with(['.', '-', '_']))
        })
}

/// A folder in the order of its names, so that a report is the same each time.
fn folder(path: &Path, files: &mut Vec<Input>, audit: &mut Audit) {
    let is_record = |entry: &fs::DirEntry| entry.path().extension().is_some_and(|end| end == "calls");
    if fs::read_dir(path).is_ok_and(|mut entries| entries.any(|entry| entry.as_ref().is_ok_and(is_record))) {
        return files.push(Input::Record(path.to_owned()));
    }
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) => return audit.unreadable(&path.display().to_string(), &format!("cannot be opened: {error}")),
    };
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    paths.sort();
    for path in paths {
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        // A link may lead back up.
        if hidden || path.is_symlink() && path.is_dir() {
            continue;
        }
        if path.is_dir() {
            folder(&path, files, audit);
        } else if is_read(&path) {
            match fs::metadata(&path) {
                // What is no file, such as a pipe, may never end; named by itself it is read.
                Ok(found) if !found.is_file() => {
                    audit.unreadable(&path.display().to_string(), "is no file; name it by itself to have it read");
                }
                Ok(_) => files.push(Input::File(path)),
                Err(error) => audit.unreadable(&path.display().to_string(), &format!("cannot be opened: {error}")),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn on_a_terminal_no_form_of_a_report_moves_the_cursor_or_turns_a_line() {
        let name = "x\u{9b}2J\u{202e}y\u{ad}\u{e0061}";
        for format in [Format::Json, Format::JsonLines, Format::Sarif, Format::Csv, Format::Markdown, Format::Html] {
            let text = harmless(format, format!("{{\n  \"name\": \"{name}\"\n}}\n"));
            assert!(!text.chars().any(|letter| letter != '\n' && law::is_hidden(letter)), "{text:?}");
            assert_eq!(text.lines().count(), 3, "{text}");
        }
        let json = harmless(Format::Json, serde_json::json!({ "name": name }).to_string());
        let back: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(back["name"], name, "as a program reads it, it is the same");
        assert_eq!(harmless(Format::Csv, "a,b\r\n1,é\r\n".to_owned()), "a,b\n1,é\n");
    }
}

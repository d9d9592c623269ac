//! `greave keys import`: keys that were known elsewhere. The file is read twice: once to look at
//! all of it, and once more, after a code said yes, to let in exactly what was looked at.
//! Secrets stay in this process: what goes to the gate is their SHA-256.

mod read;

use std::{collections::HashMap, io::IsTerminal as _, path::Path};

use authority::Digest;
use console::api::{BeginImport, ImportBegun, ImportLine, ImportOutcome, ImportPart, WrongLine};
use http::Method;
use law::HolderKind;

use self::read::{Lines, Unreadable};
use crate::{
    cli::ProofArgs,
    client::address,
    commands::{Admin, json},
    show::{self, ALARM, count},
};

/// So many keys go to the gate at once.
const PART: usize = 10_000;

/// So many wrong lines are told.
const TOLD: usize = 50;

/// What the whole file would do, or did.
#[derive(Default, serde::Serialize)]
struct Sums {
    lines: u64,
    added: usize,
    completed: usize,
    known: usize,
    stopped: usize,
    holders: usize,
}

impl Sums {
    fn add(&mut self, outcome: &ImportOutcome) {
        let ImportOutcome { added, completed, known, stopped, holders, wrong: _ } = outcome;
        self.added += added;
        self.completed += completed;
        self.known += known;
        self.stopped += stopped;
        self.holders += holders;
    }
}

pub(super) async fn run(
    admin: &Admin,
    file: &Path,
    dry_run: bool,
    args: &ProofArgs,
) -> Result<(), Box<dyn std::error::Error>> {
    let Looked { mut sums, parts, wrong, had_secrets } = look(admin, file).await?;
    if !wrong.is_empty() {
        for WrongLine { line, why } in &wrong {
            show::aside(ALARM, format!("{}:{line}: {why}", file.display()));
        }
        let more = if wrong.len() >= TOLD { " at least" } else { "" };
        return Err(format!("{} wrong{more}; nothing was imported", count(wrong.len(), "line")).into());
    }
    if dry_run {
        return admin.answer(&sums, || would(&sums));
    }
    if sums.added + sums.completed == 0 {
        return admin.answer(&sums, || format!("nothing changes: {}", known(&sums)));
    }
    let wanted = |proof: console::api::Proof| BeginImport {
        keys: sums.lines,
        parts: parts.clone(),
        person: proof.person,
        code: proof.code,
    };
    let begun: ImportBegun = admin.prove(Method::POST, &address(&["keys", "imports"]), args, wanted).await?;
    sums = bring_in(admin, file, &begun, parts.len()).await?;
    if admin.json {
        json(&sums)?;
    } else {
        show::say(did(&sums))?;
    }
    if had_secrets {
        let told = format!("`{}` has the secrets themselves: remove it where it is needed no more", file.display());
        show::aside(ALARM, told);
    }
    Ok(())
}

/// What was seen of a file.
#[derive(Default)]
struct Looked {
    sums: Sums,
    /// SHA-256 of each part as it will be sent.
    parts: Vec<Digest>,
    wrong: Vec<WrongLine>,
    had_secrets: bool,
}

/// Looks at the whole file, and asks the gate what it knows of it. Changes nothing.
async fn look(admin: &Admin, file: &Path) -> Result<Looked, Box<dyn std::error::Error>> {
    let (mut looked, mut whole) = (Looked::default(), Whole::default());
    let mut lines = Lines::open(file)?;
    while looked.wrong.len() < TOLD {
        let mut part = Vec::with_capacity(PART);
        let ended = lines.fill(PART, |line| {
            match line.and_then(|line| whole.take(line)) {
                Ok(line) => part.push(line),
                Err(wrong) => looked.wrong.push(wrong),
            }
            looked.wrong.len() < TOLD
        })?;
        looked.sums.lines += part.len() as u64;
        if !part.is_empty() && looked.wrong.is_empty() {
            let body = body(part)?;
            looked.parts.push(Digest::of(&body));
            let outcome: ImportOutcome = admin.client.post(&address(&["keys", "imports", "check"]), body).await?;
            looked.sums.add(&outcome);
            looked.wrong.extend(outcome.wrong);
        }
        progress("looked at", looked.sums.lines);
        if ended {
            break;
        }
    }
    end_of_progress();
    looked.had_secrets = lines.had_secrets();
    looked.wrong.truncate(TOLD);
    looked.sums.holders = whole.newcomers(looked.sums.holders);
    Ok(looked)
}

/// Lets in what was looked at, part by part.
async fn bring_in(
    admin: &Admin,
    file: &Path,
    begun: &ImportBegun,
    parts: usize,
) -> Result<Sums, Box<dyn std::error::Error>> {
    let (mut sums, mut whole) = (Sums::default(), Whole::default());
    let mut lines = Lines::open(file)?;
    // Why it is exposed: it names the import in the addresses of its parts.
    let to = address(&["keys", "imports", begun.import.expose()]);
    for _ in 0..parts {
        let mut part = Vec::with_capacity(PART);
        lines.fill(PART, |line| {
            // What was looked at had nothing wrong; what has changed since is another part.
            part.extend(line.and_then(|line| whole.take(line)).ok());
            true
        })?;
        let many = part.len() as u64;
        let outcome: ImportOutcome =
            admin.client.post(&to, body(part)?).await.map_err(|error| stopped(&sums, &error))?;
        if let Some(WrongLine { line, why }) = outcome.wrong.first() {
            let why = format!("line {line}: {why}");
            return Err(stopped(&sums, &why).into());
        }
        sums.lines += many;
        sums.add(&outcome);
        progress("imported", sums.lines);
    }
    end_of_progress();
    Ok(sums)
}

/// What came in stays in; the same file again brings in the rest.
fn stopped(sums: &Sums, why: &impl std::fmt::Display) -> String {
    format!(
        "{why}; the first {} are in, and importing the same file again brings in the rest",
        count(sums.lines, "line")
    )
}

fn body(lines: Vec<ImportLine>) -> serde_json::Result<Vec<u8>> {
    serde_json::to_vec(&ImportPart { lines })
}

/// What no part knows of the others: keys that stand there twice, and holders that are told in
/// two ways.
#[derive(Default)]
struct Whole {
    keys: HashMap<String, u64>,
    holders: HashMap<String, (Option<HolderKind>, Option<String>)>,
}

impl Whole {
    /// The line, with what earlier ones say of its holder: each part is read alone.
    fn take(&mut self, mut line: ImportLine) -> Result<ImportLine, WrongLine> {
        let number = line.line;
        let wrong = |why: String| Err(WrongLine { line: number, why });
        // Why it is exposed: keys that stand there twice have the same.
        if let Some(before) = self.keys.insert(line.sha256.expose().to_owned(), number) {
            return wrong(format!("line {before} has the same key"));
        }
        let Some(holder) = &line.holder else { return Ok(line) };
        let name = holder.to_ascii_lowercase();
        let known = self.holders.entry(name.clone()).or_insert_with(|| (line.kind, line.owner.clone()));
        let other_owner = |owner: &String| known.1.as_ref().is_some_and(|known| !known.eq_ignore_ascii_case(owner));
        if line.kind.is_some_and(|kind| known.0.is_some_and(|known| known != kind))
            || line.owner.as_ref().is_some_and(other_owner)
        {
            return wrong("an earlier line says another `kind` or `owner` of this holder".to_owned());
        }
        let late_kind = known.0.is_none() && line.kind.is_some_and(|kind| kind != HolderKind::Person);
        if late_kind || known.1.is_none() && line.owner.is_some() {
            return wrong("the first line that names this holder must say its `kind` and `owner`".to_owned());
        }
        (line.kind, line.owner) = known.clone();
        if let Some(owner) = &line.owner {
            let owner = owner.to_ascii_lowercase();
            let person = self.holders.entry(owner.clone()).or_insert((Some(HolderKind::Person), None));
            if owner != name && person.0.is_some_and(|kind| kind != HolderKind::Person) {
                return wrong("`owner` is a program in an earlier line; only people answer for keys".to_owned());
            }
        }
        Ok(line)
    }

    /// How many holders would become known: no part knows of the ones before.
    fn newcomers(&self, told: usize) -> usize {
        told.min(self.holders.len())
    }
}

fn would(sums: &Sums) -> String {
    let Sums { lines, added, completed, holders, .. } = sums;
    let holders = if *holders == 0 { String::new() } else { format!(", and up to {}", count(*holders, "holder")) };
    format!(
        "{} would add {}{holders}, complete {completed}; {}. Nothing was changed",
        count(*lines, "line"),
        count(*added, "key"),
        known(sums)
    )
}

fn did(sums: &Sums) -> String {
    let Sums { added, completed, holders, .. } = sums;
    let holders = if *holders == 0 { String::new() } else { format!(" and {}", count(*holders, "holder")) };
    format!("{} added{holders}, {completed} completed; {}", count(*added, "key"), known(sums))
}

fn known(sums: &Sums) -> String {
    let stopped = match sums.stopped {
        0 => String::new(),
        stopped => format!(", {stopped} that do not work stay so"),
    };
    format!("{} known already{stopped}", count(sums.known, "key"))
}

/// How far it is, where somebody looks.
fn progress(what: &str, lines: u64) {
    if std::io::stderr().is_terminal() {
        eprint!("\r{what} {lines} lines");
    }
}

fn end_of_progress() {
    if std::io::stderr().is_terminal() {
        eprint!("\r\u{1b}[K");
    }
}

impl From<Unreadable> for String {
    fn from(unreadable: Unreadable) -> Self {
        unreadable.to_string()
    }
}

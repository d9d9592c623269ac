//! `greave scan`: keys that lie where they can be read.

mod git;
mod look;
mod report;
mod text;
mod walk;

use std::{collections::HashMap, fmt::Write as _, path::PathBuf, sync::Arc};

use clap::{Args, ValueEnum};
use console::api::{FoundLeak, LeaksAnswered, LookForLeaks, LooksLeaked, Proof, ReportLeaks};
use jiff::Timestamp;
use law::{KeyId, Severity};
use tokio::sync::mpsc;
use wire::IssuedForm;

use self::{
    look::{Finds, Looker, Question},
    report::Report,
    walk::{Job, Jobs, Ways},
};
use super::{Admin, Done, Outcome, json};
use crate::{
    cli::{Cli, FailOn},
    client::{Client, address},
    config::Size,
    progress::Progress,
    show::{self, ALARM, FAINT},
};

#[derive(Debug, Args)]
pub(crate) struct Scan {
    /// Files, folders, repositories, or `-`.
    #[arg(required_unless_present = "staged", value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// What is to be committed in this repository, or in the one that PATH names.
    #[arg(long, conflicts_with_all = ["unreachable", "no_history"])]
    pub(crate) staged: bool,
    /// Leave the history of repositories out.
    #[arg(long)]
    pub(crate) no_history: bool,
    /// Read also what no branch of a repository leads to any more.
    #[arg(long, conflicts_with = "no_history")]
    pub(crate) unreachable: bool,
    /// Look for the form of keys that begin so, and ask no gate.
    #[arg(long, value_name = "PREFIX", conflicts_with = "report")]
    pub(crate) prefix: Vec<wire::IssuedForm>,
    /// Tell the gate of what was found: a key that leaked is disabled. Needs no code.
    #[arg(long)]
    pub(crate) report: bool,
    /// How it is told.
    #[arg(long, default_value = "terminal", value_name = "FORMAT")]
    pub(crate) format: ScanFormat,
    /// From which severity on the exit code is 1. A key that works is high, and critical where
    /// it alone is enough for something sensitive; one that can be enabled again is a warning.
    #[arg(long, default_value = "warning", value_name = "SEVERITY")]
    pub(crate) fail_on: FailOn,
    /// Larger files are named, and not read.
    #[arg(long, default_value = "4 GiB", value_name = "SIZE")]
    pub(crate) largest: Size,
}

/// How a scan is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ScanFormat {
    /// For people.
    Terminal,
    /// One object.
    Json,
    /// SARIF 2.1.0, for whatever shows findings beside code.
    Sarif,
}

/// Readers at one time, whatever the machine has.
const READERS: usize = 16;

pub(crate) async fn run(cli: &Cli, scan: &Scan, now: Timestamp) -> Outcome {
    // Where only the form is looked for, no gate need be there.
    let admin = if scan.prefix.is_empty() { Some(Admin::reach(cli, now).await?) } else { None };
    let mut forms = scan.prefix.clone();
    if let Some(admin) = &admin {
        let LooksLeaked { prefix, usage_complete, .. } = look(&admin.client, Vec::new()).await?;
        forms.extend(prefix.map(|prefix| prefix.parse::<IssuedForm>()).transpose()?);
        if !usage_complete {
            show::aside(FAINT, "how keys were used is not known: the gate does not run, or still reads its record");
        }
    }
    let report = report(admin.as_ref(), &forms, scan).await?;
    if report.is_empty() && !report.unread.is_empty() {
        for unread in &report.unread {
            show::aside(ALARM, format!("{}: {}", unread.what, unread.why));
        }
        return Err("nothing could be read".into());
    }
    match if cli.json { ScanFormat::Json } else { scan.format } {
        ScanFormat::Terminal => show::say(report.page(now, show::width()))?,
        ScanFormat::Json => json(&report)?,
        ScanFormat::Sarif => json(&report.sarif())?,
    }
    if let Some(admin) = admin.as_ref().filter(|_| scan.report) {
        tell(admin, &report).await?;
    }
    let failed = match (scan.fail_on, report.worst()) {
        (FailOn::Never, _) | (_, None) => false,
        (FailOn::Info, Some(_)) => true,
        (FailOn::Warning, Some(worst)) => worst >= Severity::Warning,
        (FailOn::High, Some(worst)) => worst >= Severity::High,
        (FailOn::Critical, Some(worst)) => worst >= Severity::Critical,
    };
    Ok(if failed || !report.unread.is_empty() { Done::Findings } else { Done::Clean })
}

async fn report(
    admin: Option<&Admin>,
    forms: &[IssuedForm],
    scan: &Scan,
) -> Result<Report, Box<dyn std::error::Error>> {
    let (finds, progress) = (Arc::new(Finds::default()), Progress::of(None));
    let ways = Ways {
        forms: forms.to_vec(),
        largest: scan.largest.0,
        history: !scan.no_history,
        unreachable: scan.unreachable,
        within: scan.paths.iter().filter_map(|path| path.canonicalize().ok()).collect(),
        unpacked: walk::UNPACKED.into(),
        progress: progress.clone(),
        finds: Arc::clone(&finds),
    };
    let read = search(admin, jobs(scan), Arc::new(ways)).await;
    progress.end();
    read?;
    let commits = finds.with(|inner| git::commits(&inner.hits));
    Ok(Report::of(finds.with(std::mem::take), &commits, forms, admin.is_some()))
}

/// Where a key or a canary lies in a folder: the first place, as it is told.
pub(super) async fn place_of(
    admin: &Admin,
    scan: &Scan,
    id: KeyId,
) -> Result<Option<String>, Box<dyn std::error::Error>> {
    let LooksLeaked { prefix, .. } = look(&admin.client, Vec::new()).await?;
    let forms: Vec<IssuedForm> = prefix.into_iter().map(|prefix| prefix.parse()).collect::<Result<_, _>>()?;
    let report = report(Some(admin), &forms, scan).await?;
    let found = report.keys.iter().find(|leaked| leaked.id == Some(id));
    Ok(found.and_then(|leaked| leaked.places.first()).map(|place| place.told()))
}

fn jobs(scan: &Scan) -> Vec<Job> {
    if scan.staged {
        let path = scan.paths.first().cloned().unwrap_or_else(|| PathBuf::from("."));
        return vec![Job::Staged(path)];
    }
    let job = |path: &PathBuf| if path.as_os_str() == "-" { Job::Standard } else { Job::Named(path.clone()) };
    scan.paths.iter().map(job).collect()
}

/// Reads all of it, as many at one time as there are processors, and asks about what they find.
async fn search(admin: Option<&Admin>, first: Vec<Job>, ways: Arc<Ways>) -> Result<(), Box<dyn std::error::Error>> {
    let jobs = Arc::new(Jobs::default());
    jobs.add(first);
    let (questions, mut asked) = mpsc::channel::<Question>(1);
    let readers = std::thread::available_parallelism().map_or(1, usize::from).min(READERS);
    for reader in 0..readers {
        let (jobs, ways) = (Arc::clone(&jobs), Arc::clone(&ways));
        let looker = Looker::new(admin.map(|_| questions.clone()), Arc::clone(&ways.finds));
        // Whoever reads waits for answers; the channel ends when the last has done.
        let alive = questions.clone();
        std::thread::Builder::new().name(format!("scan-{reader}")).spawn(move || {
            walk::work(&jobs, &ways, looker);
            drop(alive);
        })?;
    }
    drop(questions);
    while let Some(Question { sums, answer }) = asked.recv().await {
        let known = match admin {
            Some(admin) => look(&admin.client, sums.iter().map(|sum| hex(sum)).collect()).await?.known,
            None => Vec::new(),
        };
        // Whoever has gone needs no answer.
        let _ = answer.send(known);
    }
    Ok(())
}

async fn look(client: &Client, digests: Vec<String>) -> Result<LooksLeaked, Box<dyn std::error::Error>> {
    Ok(client.change(&address(&["leaks", "look"]), &LookForLeaks { digests }).await?)
}

fn hex(sum: &[u8]) -> String {
    sum.iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Tells the gate of every key that was found and is none of its canaries.
async fn tell(admin: &Admin, report: &Report) -> Result<(), Box<dyn std::error::Error>> {
    let mut first = HashMap::new();
    for leaked in report.keys.iter().filter(|leaked| leaked.is_key()) {
        if let (Some(id), Some(place)) = (leaked.id, leaked.places.first()) {
            first.entry(id).or_insert_with(|| format!("`greave scan` found it in {}", place.told()));
        }
    }
    let found: Vec<FoundLeak> = first.into_iter().map(|(key, at)| FoundLeak { key, at }).collect();
    if found.is_empty() {
        return Ok(());
    }
    let wanted = ReportLeaks { found, proof: Proof::default() };
    let LeaksAnswered { keys } = admin.client.change(&address(&["leaks"]), &wanted).await?;
    for key in keys {
        let title = show::key(key.id, key.name.as_deref(), key.holder.as_deref());
        show::aside(ALARM, format!("{title} was reported; it is {:?} now", key.standing).to_lowercase());
    }
    Ok(())
}

//! `greave incident`: what a key did in a time, what came of it, and what is to be done. On one
//! page, for the ticket, and as evidence that others can check.

mod bundle;
mod calls;
mod document;
mod report;

use std::{
    collections::{BTreeMap, HashSet, VecDeque},
    path::PathBuf,
};

use clap::{Args, ValueEnum};
use console::api::{
    HolderList, HolderView, KeyDetails, LedgerEntry, LedgerFilter, LedgerList, QuestionList, QuestionState,
    QuestionView, Reach, ReachFilter,
};
use jiff::Timestamp;
use law::{CallId, ChallengeId, KeyId, Powers, Standing};
use serde::Serialize;
use serde_json::Value;

pub(super) use self::bundle::{is_bundle, verify};
use self::calls::Calls;
use super::{Admin, Done, Outcome, json, ledger::particulars_of};
use crate::{
    cli::{Cli, When},
    client::{ClientError, address, filtered},
    show::{self, ALARM, aside, clean},
    state::{named_by, record_folder},
};

#[derive(Debug, Args)]
pub(crate) struct Wanted {
    /// The key.
    pub(crate) key: KeyId,
    /// When it began: a moment, a day, or how long ago. What was usual before then is not new.
    #[arg(long, default_value = "7d", value_name = "TIME")]
    pub(crate) since: When,
    /// When it ended; now where nothing is said.
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<When>,
    /// How it is told: terminal, markdown or json.
    #[arg(long, value_enum, default_value = "terminal")]
    pub(crate) format: ReportFormat,
    /// Write it as evidence into this folder, which must not be there: the calls with their
    /// proofs, what the ledger says, and a README for whoever checks it with
    /// `greave record verify FOLDER --key KEY`.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) bundle: Option<PathBuf>,
}

/// How a report is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportFormat {
    Terminal,
    Markdown,
    Json,
}

/// Entries of the ledger that are told.
const MOST_ENTRIES: usize = 5_000;
/// Keys below that are looked at.
const MOST_CHILDREN: usize = 2_000;
/// Of those that live, so many are named in what is to be done.
const NAMED: usize = 10;
/// How many entries are asked for at once.
const PAGE: u32 = 1_000;

pub(crate) async fn run(cli: &Cli, wanted: &Wanted, now: Timestamp) -> Outcome {
    let admin = Admin::reach(cli, now).await?;
    let incident = gather(&admin, cli, wanted, now).await?;
    for damage in &incident.calls.damage {
        aside(ALARM, clean(damage));
    }
    if let Some(bundle) = &wanted.bundle {
        return bundle::write(&admin, cli, &incident, bundle).await;
    }
    match (wanted.format, cli.json) {
        (ReportFormat::Json, _) | (ReportFormat::Terminal, true) => json(&incident)?,
        (ReportFormat::Markdown, _) => show::say(incident.markdown())?,
        (ReportFormat::Terminal, false) => show::say(incident.terminal(None))?,
    }
    Ok(if incident.calls.damage.is_empty() { Done::Clean } else { Done::Findings })
}

/// All that is told.
#[derive(Debug, Serialize)]
pub(super) struct Incident {
    key: KeyDetails,
    since: Timestamp,
    until: Timestamp,
    made: Timestamp,
    /// The oldest call that is recorded, of any key.
    #[serde(skip_serializing_if = "Option::is_none")]
    record_begins: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    removed_until: Option<Timestamp>,
    timeline: Vec<Moment>,
    calls: Calls,
    children: Vec<Child>,
    /// Keys that come from it and were not looked at.
    more_children: usize,
    /// What was done about it, and by whom.
    done: Vec<Entry>,
    /// Entries beyond those.
    more_done: u64,
    /// The law and the configuration in force then, by the ledger.
    in_force: Vec<Entry>,
    radius: Radius,
    next: Vec<Next>,
}

/// One line of the timeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Moment {
    at: Timestamp,
    what: String,
    /// Of it what a caller, or somebody who gave a name, chose.
    #[serde(rename = "of")]
    foreign: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    call: Option<CallId>,
    /// The place in the ledger.
    #[serde(skip_serializing_if = "Option::is_none")]
    entry: Option<u64>,
}

/// A key that comes from this one.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Child {
    key: KeyId,
    parent: KeyId,
    name: Option<String>,
    standing: Standing,
    /// Whether it works now.
    works: bool,
    born: Timestamp,
    last_used: Option<Timestamp>,
    passed: u64,
    reach: Powers,
}

/// One entry of the ledger.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Entry {
    seq: u64,
    at: Timestamp,
    by: String,
    #[serde(skip)]
    actor: Value,
    change: String,
    particulars: serde_json::Map<String, Value>,
}

/// What the key can still do.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Radius {
    works: bool,
    /// All that the API has, as `greave reach` counts them.
    operations: usize,
    /// Sensitive operations that pass with the key alone.
    alone: Vec<Operation>,
    alone_in_all: usize,
    /// Sensitive ones that wait for a person.
    guarded: usize,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Operation {
    operation: String,
    powers: Powers,
}

/// Something to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Next {
    command: String,
    why: String,
}

async fn gather(
    admin: &Admin,
    cli: &Cli,
    wanted: &Wanted,
    now: Timestamp,
) -> Result<Incident, Box<dyn std::error::Error>> {
    let (since, until) = (wanted.since.at(now), wanted.until.map_or(now, |until| until.at(now)));
    if since >= until {
        return Err("`--until` comes before `--since`; turn them round".into());
    }
    let id = wanted.key.to_string();
    let key: KeyDetails = admin.client.read(&address(&["keys", &id])).await?;
    let reach: Reach = admin.client.read(&filtered(address(&["reach", &id]), &ReachFilter::default())).await?;
    let HolderList { holders, .. } = admin.client.read(&address(&["holders"])).await?;
    let folder = record_folder(&named_by(&cli.config));
    let mut calls = Calls::of(&folder, wanted.key, since, until)?;
    let (children, more_children) = children(admin, &key, &calls.made).await?;
    let QuestionList { questions } = admin.client.read(&address(&["questions"])).await?;
    let is_open = |question: &QuestionView| question.key.id == wanted.key && question.state == QuestionState::Open;
    let open: Vec<ChallengeId> = questions.into_iter().filter(is_open).map(|question| question.id).collect();
    let mut ledger =
        Ledger { key: wanted.key, asked: HashSet::new(), done: Vec::new(), more: 0, in_force: BTreeMap::new() };
    let mut from = 1;
    loop {
        let filter = LedgerFilter { from: Some(from), limit: Some(PAGE) };
        let LedgerList { entries, .. } = admin.client.read(&filtered(address(&["ledger"]), &filter)).await?;
        let Some(last) = entries.last().map(|entry| entry.seq) else { break };
        for entry in entries {
            ledger.note(entry, since, until, &holders);
        }
        from = last + 1;
    }
    let timeline = timeline(&mut calls, &ledger.done);
    let radius = radius(&key, &reach, now);
    let next = next((wanted, now), &key, &calls, &children, &radius, &open);
    Ok(Incident {
        since,
        until,
        made: now,
        record_begins: reach.record_begins,
        removed_until: reach.removed_until,
        timeline,
        calls,
        children,
        more_children,
        done: ledger.done,
        more_done: ledger.more,
        in_force: ledger.in_force.into_values().collect(),
        radius,
        next,
        key,
    })
}

/// What happened, in its order: what is special of the calls, and what was done about the key.
fn timeline(calls: &mut Calls, done: &[Entry]) -> Vec<Moment> {
    let mut timeline = std::mem::take(&mut calls.timeline);
    timeline.extend(calls.last.map(|at| Moment {
        at,
        what: "its last call in this time".to_owned(),
        foreign: String::new(),
        call: None,
        entry: None,
    }));
    timeline.extend(done.iter().map(|entry| Moment {
        at: entry.at,
        what: entry.change.clone(),
        foreign: format!("by {} {}", entry.by, entry.words()).trim_end().to_owned(),
        call: None,
        entry: Some(entry.seq),
    }));
    timeline.sort_by_key(|moment| (moment.at, moment.entry));
    timeline
}

/// The keys that come from this one, and from those: first those that work, the last used first,
/// for whoever makes many hides the one behind the others. And how many were not looked at.
async fn children(admin: &Admin, key: &KeyDetails, minted: &[KeyId]) -> Result<(Vec<Child>, usize), ClientError> {
    let mut open: VecDeque<(KeyId, KeyId)> =
        key.children.iter().chain(minted).map(|child| (*child, key.key.id)).collect();
    let (mut seen, mut children, mut more) = (HashSet::from([key.key.id]), Vec::new(), 0);
    while let Some((id, from)) = open.pop_front() {
        if !seen.insert(id) {
            continue;
        }
        if children.len() >= MOST_CHILDREN {
            more += 1;
            continue;
        }
        // It may have been forgotten meanwhile.
        let Ok(child) = admin.client.read::<KeyDetails>(&address(&["keys", &id.to_string()])).await else { continue };
        open.extend(child.children.iter().map(|below| (*below, id)));
        let view = child.key;
        children.push(Child {
            key: id,
            parent: view.parent.unwrap_or(from),
            works: works(&view, admin.now),
            name: view.name,
            standing: view.standing,
            born: view.born,
            last_used: view.last_used.map(|last| last.at),
            passed: view.passed,
            reach: view.reach,
        });
    }
    children.sort_by_key(|child| (!child.works, std::cmp::Reverse(child.last_used), child.key));
    Ok((children, more))
}

fn works(key: &console::api::KeyView, now: Timestamp) -> bool {
    key.standing.works() && !key.parent_stopped && key.end.is_none_or(|end| end > now)
}

/// What the ledger says of one key, as it is read.
struct Ledger {
    key: KeyId,
    /// Questions about its calls.
    asked: HashSet<String>,
    done: Vec<Entry>,
    more: u64,
    /// The last of each kind that binds everybody.
    in_force: BTreeMap<&'static str, Entry>,
}

/// Changes that bind everybody.
const LAWS: [&str; 3] = ["law-loaded", "posture-loaded", "catalogue-obeyed"];

impl Ledger {
    fn note(&mut self, entry: LedgerEntry, since: Timestamp, until: Timestamp, holders: &[HolderView]) {
        let LedgerEntry { seq, at, by, change, particulars, hash: _ } = entry;
        let concerned = self.concerns(&change, &particulars);
        let actor = serde_json::to_value(by).unwrap_or_default();
        let by = super::ledger::actor(by, holders);
        let entry = || Entry { seq, at, by, actor, change: change.clone(), particulars };
        if at >= until {
            return;
        }
        if let Some(law) = LAWS.into_iter().find(|law| *law == change) {
            self.in_force.insert(law, entry());
        } else if concerned && at >= since {
            if self.done.len() < MOST_ENTRIES { self.done.push(entry()) } else { self.more += 1 }
        }
    }

    /// Whether a change is about the key, a key that comes from it, or a question about a call of it.
    fn concerns(&mut self, change: &str, particulars: &serde_json::Map<String, Value>) -> bool {
        let key = self.key.to_string();
        let is = |value: Option<&Value>| value.and_then(Value::as_str) == Some(&*key);
        let of = |name: &str| is(particulars.get(name));
        let is_asked = change == "asked" && is(particulars.get("question").and_then(|question| question.get("key")));
        if is_asked && let Some(id) = particulars.get("id").and_then(Value::as_str) {
            self.asked.insert(id.to_owned());
        }
        let challenge = particulars.get("challenge").and_then(Value::as_str);
        is_asked
            || of("key")
            || of("of")
            || of("parent")
            || change.starts_with("key-") && of("id")
            || challenge.is_some_and(|challenge| self.asked.contains(challenge))
    }
}

impl Entry {
    fn words(&self) -> String {
        self.particulars.iter().flat_map(|(name, value)| particulars_of(name, value)).collect::<Vec<_>>().join(" ")
    }
}

fn radius(key: &KeyDetails, reach: &Reach, now: Timestamp) -> Radius {
    let works = works(&key.key, now) && !key.key.holder_left;
    let held = || reach.operations.iter().filter(|operation| works && operation.within);
    let sensitive = |it: &&console::api::OperationReach| it.powers.is_sensitive();
    let alone = held().filter(|operation| operation.without_second_factor);
    Radius {
        works,
        operations: if works { reach.operations.len() } else { 0 },
        alone_in_all: alone.clone().count(),
        alone: alone
            .filter(sensitive)
            .map(|it| Operation { operation: it.operation.clone(), powers: it.powers })
            .collect(),
        guarded: held().filter(|it| !it.without_second_factor).filter(sensitive).count(),
    }
}

/// What is to be done, as commands, the most urgent first.
fn next(
    (wanted, now): (&Wanted, Timestamp),
    key: &KeyDetails,
    calls: &Calls,
    children: &[Child],
    radius: &Radius,
    open: &[ChallengeId],
) -> Vec<Next> {
    let (view, id) = (&key.key, wanted.key);
    // A moment, so that it is the same one when the command is run.
    let began = wanted.since.at(now).strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let mut next = Vec::new();
    let mut step = |command: String, why: &str| next.push(Next { command, why: why.to_owned() });
    let living = children.iter().filter(|child| child.works);
    if radius.works {
        step(format!("greave keys disable {id} --why incident"), "stops it at once; no code, and it can be undone");
    }
    for question in open {
        step(format!("greave deny {question} --not-me"), "a call of it still waits for a yes");
    }
    if radius.works {
        // Where nothing is recorded from before, that would leave it nothing.
        if calls.before > 0 {
            step(
                format!("greave narrow {id} --until {began}"),
                "instead, where it must go on: leaves it what it used before this time",
            );
        }
        if view.issued.is_some() && view.stands_for.is_none() {
            step(
                format!("greave keys retire {id} --grace 1h --as NAME"),
                "a new secret; the old one ends an hour after the new one is first used",
            );
        }
    }
    let below = living.clone().any(|child| child.parent == id);
    if below && view.issued.is_some() {
        step(format!("greave keys revoke {id} --children"), "for good, with the keys that were issued from it");
    } else if view.standing != Standing::Revoked {
        step(format!("greave keys revoke {id}"), "for good, here and at the API where it can be asked to");
    }
    for child in living.clone().take(NAMED) {
        step(format!("greave incident {}", child.key), "what a key did that comes from it, and lives");
        step(format!("greave keys disable {} --why incident", child.key), "stops that one");
    }
    if let Some(more) = living.count().checked_sub(NAMED).filter(|more| *more > 0) {
        let until = wanted.until.map_or(now, |until| until.at(now)).strftime("%Y-%m-%dT%H:%M:%SZ");
        step(
            format!("greave incident {id} --since {began} --until {until} --format json"),
            &format!("has each key that comes from it: {more} more live"),
        );
    }
    if view.abroad.as_ref().is_some_and(|abroad| !abroad.revoked) {
        step("greave reconcile".to_owned(), "it is revoked here, and lives on at the API");
    }
    if calls.passed + calls.stopped > 0 {
        step(format!("greave calls --key {id} --since {} --format jsonl", wanted.since.ago(now)), "every call of it");
        step(format!("greave incident {id} --since {began} --bundle FOLDER"), "as evidence that others can check");
    }
    next
}

#[cfg(test)]
mod tests;

//! `greave watch --replay`: calls of the past through the watch and its ladder.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufReader, Read as _},
    path::Path,
    sync::Arc,
};

use jiff::{SignedDuration, Timestamp};
use law::{
    Call, CallId, Containment, Finding, HolderId, HolderKind, KeyId, Outcome as CallOutcome, Severity, Span, Step, Who,
};
use record::{Entry, Reader};
use serde::{Deserialize, Serialize};
use watch::{Became, Guess, Ladder, Seen, Sight, Surroundings, Watch, Whose};

use super::super::{Done, Outcome, json};
use crate::{
    cli::Cli,
    config::{Config, ConfigError},
    show::{self, ALARM, FAINT, aside, clean, count, moment, styled},
    state::{named_by, record_folder, running},
    watching::baselines::{seen, went_on},
};

/// The holders of recorded calls are not looked up here: each counts as a program that nobody is named for.
const UNKNOWN: (HolderKind, Option<HolderId>) = (HolderKind::Workload, None);

/// The same for the ladder.
const NOBODYS: Whose = Whose { kind: HolderKind::Workload, person: None };

/// Calls that have not ended and are kept for their outcome.
const MOST_OPEN: usize = 32 * 1024;

pub(super) fn run(cli: &Cli, log: Option<&Path>, since: Span, now: Timestamp) -> Outcome {
    let since = now.saturating_sub(SignedDuration::from(since)).unwrap_or(Timestamp::MIN);
    let replay = Replay { since, ..Replay::default() };
    read(cli, log, replay)?.finish(cli.json)
}

/// Replays a log; where none is named, the gate's own record.
pub(super) fn read(cli: &Cli, log: Option<&Path>, mut replay: Replay) -> Result<Replay, Box<dyn std::error::Error>> {
    let own;
    let log = match log {
        Some(log) => log,
        None => {
            let named = named_by(&cli.config);
            let state = if running(&named).is_some() { named } else { Config::read(&cli.config)?.gate.state };
            own = record_folder(&state);
            &own
        }
    };
    // Of who replays other systems' logs there may be no configuration.
    match Config::read(&cli.config) {
        Ok(config) => replay.surroundings = config.watch.surroundings()?,
        Err(ConfigError::Missing { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    let told = |error: &dyn std::fmt::Display| format!("`{}`: {error}", log.display());
    if log.is_dir() {
        for entry in Reader::open(log).map_err(|error| told(&error))? {
            match entry {
                Ok(Entry::Call(call)) => replay.call(call),
                Ok(Entry::Outcome(outcome)) => replay.outcome(&outcome),
                Ok(Entry::Gap(_) | Entry::Removed(_)) => {}
                Err(damage) => replay.damaged(&damage),
            }
        }
    } else {
        lines(log, &mut replay).map_err(|error| {
            format!("{}; what is replayed is a record's folder, or what `greave calls --json` printed", told(&error))
        })?;
    }
    Ok(replay)
}

/// A call with its outcome, as `greave calls --json` writes it.
#[derive(Deserialize)]
struct Line {
    #[serde(flatten)]
    call: Call,
    #[serde(default)]
    outcome: Option<CallOutcome>,
}

/// One list, or one object after the other.
fn lines(log: &Path, replay: &mut Replay) -> Result<(), Box<dyn std::error::Error>> {
    let mut text = String::new();
    BufReader::new(fs::File::open(log)?).read_to_string(&mut text)?;
    let mut take = |line: Line| {
        let outcome = line.outcome;
        replay.call(line.call);
        if let Some(outcome) = outcome {
            replay.outcome(&outcome);
        }
    };
    if text.trim_start().starts_with('[') {
        let mut all: Vec<Line> = serde_json::from_str(&text)?;
        all.sort_by_key(|line| line.call.at);
        all.into_iter().for_each(take);
    } else {
        for line in serde_json::Deserializer::from_str(&text).into_iter() {
            take(line?);
        }
    }
    Ok(())
}

/// What is found, and what would have been done.
#[derive(Default)]
pub(super) struct Replay {
    since: Timestamp,
    watch: Watch,
    surroundings: Arc<Surroundings>,
    ladder: Ladder,
    open: BTreeMap<CallId, Call>,
    pub(super) calls: u64,
    damages: u64,
    pub(super) found: Vec<Found>,
}

/// One finding and its answer.
#[derive(Serialize)]
pub(super) struct Found {
    pub(super) finding: Finding,
    pub(super) would: Vec<Containment>,
}

#[derive(Serialize)]
struct Said<'a> {
    calls: u64,
    keys: usize,
    damages: u64,
    bytes: usize,
    largest_key_bytes: usize,
    findings: &'a [Found],
}

impl Replay {
    /// Answered by this ladder, and kept from this time on.
    pub(super) fn answering(since: Timestamp, ladder: Ladder) -> Self {
        Self { since, ladder, ..Self::default() }
    }

    fn seen<'c>(&self, call: &'c Call) -> Seen<'c> {
        self.surroundings.of(seen(call, UNKNOWN))
    }

    fn call(&mut self, call: Call) {
        self.calls += 1;
        let at = call.at;
        if let (Some(key), true) = (call.key, call.approval.is_some())
            && self.watch.vouched(&self.seen(&call), at)
        {
            self.ladder.vouched(key);
        }
        // Who shows no key guesses none. Whether a credential is good, its outcome says.
        if call.who == Who::Unknown {
            self.await_outcome(call);
            return;
        }
        if call.who != Who::Key {
            return;
        }
        let sight = self.watch.see(&self.seen(&call), at);
        self.keep(sight, &self.seen(&call), at);
        self.await_outcome(call);
    }

    fn await_outcome(&mut self, call: Call) {
        self.open.insert(call.id, call);
        if self.open.len() > MOST_OPEN {
            // Ids sort by time: the oldest goes.
            self.open.pop_first();
        }
    }

    fn outcome(&mut self, outcome: &CallOutcome) {
        let Some(call) = self.open.remove(&outcome.call) else { return };
        if call.who == Who::Unknown {
            return self.unknown(&call, outcome);
        }
        // What the gate answered by itself never reached the API.
        if !went_on(outcome) {
            return;
        }
        if let (Some(parent), Some(child)) = (call.key, outcome.minted) {
            self.ladder.minted(parent, child);
        }
        let sight = self.watch.ended(&self.seen(&call), &Became::from(outcome), outcome.at);
        self.keep(sight, &self.seen(&call), outcome.at);
    }

    /// The record has no digest of what nobody knows: each call counts as another credential.
    fn unknown(&mut self, call: &Call, outcome: &CallOutcome) {
        if matches!(outcome.status, 401 | 403 | 429) {
            let guess = Guess { call: Some(call.id), source: call.source, credential: None };
            let findings = self.watch.guessed(&guess, outcome.at).into_iter().collect();
            let sight = Sight { findings, ..Sight::default() };
            self.keep(sight, &self.seen(call), outcome.at);
        }
    }

    fn keep(&mut self, sight: Sight, call: &Seen<'_>, at: Timestamp) {
        // The record does not say what kind of holder a key has.
        let stands = sight.stands.filter(|stands| stands.severity > Severity::Info || !sight.findings.is_empty());
        let stands = stands.map(|stands| stands.finding(call, at));
        let would = stands.as_ref().map(|stands| self.ladder.meet(stands, NOBODYS, at).new).unwrap_or_default();
        if at < self.since {
            return;
        }
        let mut findings = sight.findings;
        if findings.is_empty() && would.iter().any(|would| would.step >= Step::StepUp) {
            findings.extend(stands);
        }
        self.found.extend(findings.into_iter().map(|finding| Found { finding, would: would.clone() }));
    }

    fn damaged(&mut self, damage: &record::Damage) {
        self.damages += 1;
        aside(ALARM, damage);
    }

    fn finish(self, as_json: bool) -> Outcome {
        let Self { watch, calls, damages, found, .. } = self;
        let (keys, bytes, largest) = (watch.keys(), watch.bytes(), watch.largest());
        if as_json {
            json(&Said { calls, keys, damages, bytes, largest_key_bytes: largest, findings: &found })?;
        } else {
            found.iter().try_for_each(|found| show::say(page(found)))?;
            let read = format!("{} of {} looked at", count(calls, "call"), count(keys as u64, "key"));
            let notes = found.iter().filter(|found| found.finding.severity == Severity::Info).count();
            show::say(format!("{read}: {}, {notes} of them only noted.", count(found.len() as u64, "finding")))?;
            aside(FAINT, format!("nothing was done; the largest key takes {largest} bytes, all together {bytes}"));
        }
        let serious = found.iter().any(|found| found.finding.severity >= Severity::Warning);
        Ok(if serious || damages > 0 { Done::Findings } else { Done::Clean })
    }
}

/// When, whose, what; then each part, and what would have been done.
fn page(found: &Found) -> String {
    let Found { finding, would } = found;
    let severity = match finding.severity {
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::High => "high",
        Severity::Critical => "critical",
    };
    let key = finding.key.map_or_else(|| "no key".to_owned(), |key: KeyId| key.to_string());
    let mut evidence = finding.evidence();
    let first = evidence.next().map(|first| (first.at, clean(&first.what)));
    let (at, what) = first.unwrap_or((Timestamp::MIN, String::new()));
    let head = format!("{}  {key:<6} {severity:<8} {}: {what}", moment(at), finding.rule);
    let head = if finding.severity >= Severity::High { styled(ALARM, head) } else { head };
    let parts = evidence.map(|part| format!("    {}", clean(&part.what)));
    let done = would.iter().filter(|containment| containment.step > Step::Note).map(|containment| {
        format!("    would have been answered with {}, until {} UTC", containment.step, moment(containment.until))
    });
    [head].into_iter().chain(parts).chain(done).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use law::Verdict;
    use watch::Reading;

    use super::*;
    use crate::commands::testing;

    #[test]
    fn networks_of_a_record_are_known_by_the_table_of_the_configuration() {
        let mut reading = Reading::default();
        reading.line("192.0.2.0\t192.0.2.255\t64500\tZZ\tEXAMPLE").unwrap();
        let surroundings = Arc::new(Surroundings { networks: Some(reading.whole()), ..Surroundings::default() });
        let replay = Replay { surroundings, ..Replay::default() };
        let call = testing::call(1, "GET /users", Verdict::Permit, 200).call;
        assert_eq!((replay.seen(&call).network, Replay::default().seen(&call).network), (Some(64_500), None));
    }

    #[test]
    fn twenty_calls_that_nobody_knows_are_noted_and_one_that_turns_out_good_is_none() {
        for (status, many) in [(401, 1), (200, 0)] {
            let mut replay = Replay::default();
            for number in 1..=30 {
                let joined = testing::call(number, "GET /users", Verdict::Permit, status);
                replay.call(Call { who: Who::Unknown, key: None, ..joined.call });
                replay.outcome(&joined.outcome.unwrap());
            }
            let found: Vec<_> =
                replay.found.iter().map(|found| (&*found.finding.rule, found.finding.severity)).collect();
            assert_eq!(found, vec![("guessing", Severity::Info); many], "{status}");
        }
    }
}

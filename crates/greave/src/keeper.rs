//! What the record has to tell: checkpoints to witnesses, what was removed into the ledger, and
//! what is wrong with it to administrators.

use std::{collections::VecDeque, path::PathBuf, sync::Arc, time::Duration};

use authority::{Authority, Change, RecordPart};
use jiff::Timestamp;
use law::{Evidence, Finding, Severity};
use record::{Book, Health, Notice, Reason, Removal, Removed, Unavailable};
use seal::Verifier;
use tell::Teller;
use tokio::{
    sync::{mpsc, watch},
    task::spawn_blocking,
    time::sleep,
};

use crate::{
    config::Config,
    hourly::Hourly,
    house::HouseError,
    secrets::Vault,
    state::record_folder,
    stop::stopped,
    trouble::{Degree, News, Trouble},
    witness::Witness,
};

/// How often the record is asked.
const BEAT: Duration = Duration::from_secs(1);

/// Removals that wait for the ledger. The sealed record says its own again at each start.
const MOST: usize = 10_000;

/// Keeps the record's dealings with the rest of the house.
pub(crate) struct Keeper {
    book: Arc<Book>,
    folder: PathBuf,
    verifier: Verifier,
    witness: Witness,
    authority: Arc<Authority>,
    hourly: Hourly,
    pending: Pending,
    findings: mpsc::Sender<Finding>,
    /// What was told of the record's disk.
    of_record: Trouble,
    /// The same of the ledger's.
    of_ledger: Trouble,
}

/// Something that was removed, and is not in the ledger yet.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Trimmed {
    what: String,
    /// Its place; nothing where the record has no name yet.
    part: Option<RecordPart>,
    /// What administrators are told when it is there.
    cut: Option<String>,
}

impl Keeper {
    pub(crate) fn new(
        config: &Config,
        book: Arc<Book>,
        teller: Teller,
        authority: Arc<Authority>,
        findings: mpsc::Sender<Finding>,
    ) -> Result<Self, HouseError> {
        let signer = Vault::of(&config.gate.state).record_signer();
        let verifier = signer.map_err(|error| HouseError::Setting(error.to_string()))?.verifier();
        let witness = Witness::new(teller, Arc::clone(&authority));
        let folder = record_folder(&config.gate.state);
        let (hourly, pending) = (Hourly::new(findings.clone()), Pending::default());
        let (of_record, of_ledger) = Default::default();
        Ok(Self { book, folder, verifier, witness, authority, hourly, pending, findings, of_record, of_ledger })
    }

    /// Keeps until the gate stops.
    pub(crate) async fn keep(mut self, stopping: watch::Receiver<bool>) {
        let mut stop = std::pin::pin!(stopped(stopping));
        // What the process before this one did and could not say any more.
        self.look_for_removals().await;
        if let Ok(Some(note)) = record::checkpoint(&self.folder) {
            self.witness.tell_again(note, Timestamp::now()).await;
        }
        loop {
            tokio::select! {
                () = sleep(BEAT) => {}
                () = &mut stop => return,
            }
            for notice in self.book.notices() {
                self.take(notice).await;
            }
            self.look_at_disks(Timestamp::now());
            self.pending.note(&self.authority, &mut self.hourly).await;
        }
    }

    async fn take(&mut self, notice: Notice) {
        if let Notice::Checkpoint(checkpoint) = &notice {
            self.witness.tell(checkpoint, Timestamp::now()).await;
            return;
        }
        tracing::warn!(?notice, "the record has something to tell");
        match notice {
            Notice::Dropped { .. } => self.look_for_removals().await,
            Notice::Removed(removed) => self.pending.add(of_log(&removed, record::origin(&self.folder).ok().flatten())),
            Notice::Crowded { bytes, cap } => {
                let (bytes, cap) = (bytes >> 20, cap >> 20);
                let what = format!(
                    "the record takes {bytes} MiB of the {cap} MiB that it may: soon calls go that were to be kept \
                     longer; make `record.cap` larger, or `record.keep` shorter"
                );
                self.hourly.find("record-crowded", what);
            }
            // A disk that failed and is well again before anybody looks has failed all the same.
            Notice::Failing(unavailable) => self.record_is(Some((Degree::Failing, unavailable)), Timestamp::now()),
            Notice::Unsealed(why) => self.hourly.find("record-unsealed", format!("the record is not sealed: {why}")),
            _ => {}
        }
    }

    /// Tells whether what must be written can be.
    fn look_at_disks(&mut self, now: Timestamp) {
        self.record_is(
            match self.book.health() {
                Health::Healthy => None,
                Health::Failing { since, reason, .. } => Some((Degree::Failing, Unavailable { reason, since })),
                Health::Closed { since, reason, .. } => Some((Degree::Closed, Unavailable { reason, since })),
            },
            now,
        );
        let failing = self.authority.unwritten_since();
        match self.of_ledger.is(failing.map(|_| Degree::Failing), now) {
            Some(News::Worse(_)) => {
                let since = failing.unwrap_or(now);
                let what = format!(
                    "the ledger cannot be written since {since:.0}: nobody can be asked, and no key changed; free \
                     space on the disk of the state folder, or mend it. `greave status` says how it stands"
                );
                self.find("ledger-failing", Severity::Critical, what, now);
            }
            Some(News::Mended) => {
                self.find("ledger-mended", Severity::Info, "the ledger is written again".to_owned(), now);
            }
            None => {}
        }
    }

    fn record_is(&mut self, stands: Option<(Degree, Unavailable)>, now: Timestamp) {
        // A book that was closed in order is no fault.
        let stands = stands.filter(|(_, unavailable)| unavailable.reason != Reason::Stopped);
        let news = self.of_record.is(stands.map(|(degree, _)| degree), now);
        match (news, stands) {
            (Some(News::Worse(degree)), Some((_, Unavailable { reason, since }))) => {
                let (rule, meaning) = match degree {
                    Degree::Failing => ("record-failing", "sensitive calls are refused, others pass for a while"),
                    Degree::Closed => ("record-closed", "all calls are refused"),
                };
                let what = format!(
                    "the record cannot be written since {since:.0}: {reason}. {meaning}; free space on the disk of \
                     the state folder, or mend it. `greave status` says how it stands"
                );
                let passing = degree == Degree::Failing && matches!(reason, Reason::Slow | Reason::Overrun);
                self.find(rule, if passing { Severity::High } else { Severity::Critical }, what, now);
            }
            (Some(News::Mended), _) => {
                let what = "the record is written again; what is missing stands in it".to_owned();
                self.find("record-mended", Severity::Info, what, now);
            }
            _ => {}
        }
    }

    fn find(&self, rule: &str, severity: Severity, what: String, now: Timestamp) {
        let evidence = Evidence { at: now, call: None, what };
        if self.findings.try_send(Finding::new(rule, severity, None, evidence)).is_err() {
            tracing::error!(rule, "more is found than can be told");
        }
    }

    /// Looks what of the sealed record was removed since the ledger last had it. The leaves say it,
    /// so that no end of this process loses any.
    async fn look_for_removals(&mut self) {
        let (folder, verifier) = (self.folder.clone(), self.verifier.clone());
        let (record, removals) = match spawn_blocking(move || record::removals(&folder, &verifier)).await {
            Ok(Ok(removals)) => removals,
            Ok(Err(error)) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "what was removed of the record is not known"
                );
                return;
            }
            Err(_) => return,
        };
        let newest = self.authority.view(|state| state.trimmed().get(&record).copied());
        for removal in removals.iter().filter(|removal| newest.is_none_or(|newest| removal.leaf > newest)) {
            self.pending.add(of_leaf(removal, &record));
        }
    }
}

/// What is to be brought into the ledger, in its order.
#[derive(Default)]
struct Pending {
    queue: VecDeque<Trimmed>,
    /// The ledger could not be written when last tried.
    failing: bool,
}

impl Pending {
    fn add(&mut self, trimmed: Trimmed) {
        if self.queue.len() < MOST && !self.queue.contains(&trimmed) {
            self.queue.push_back(trimmed);
        }
    }

    /// Notes one after the other, and stops at the first that cannot be: the newest number that
    /// the ledger has says that all before it are there. What is left is tried at the next beat.
    async fn note(&mut self, authority: &Authority, hourly: &mut Hourly) {
        while let Some(Trimmed { what, part, cut }) = self.queue.front() {
            let is_there = |RecordPart { of, number }: &RecordPart| {
                authority.view(|state| state.trimmed().get(of).is_some_and(|newest| newest >= number))
            };
            if !part.as_ref().is_some_and(is_there) {
                let change = Change::RecordTrimmed { what: what.clone(), part: part.clone() };
                if let Err(error) = authority.note(change, Timestamp::now()).await {
                    // Said once, and not at each beat.
                    if !std::mem::replace(&mut self.failing, true) {
                        tracing::error!(error = &error as &dyn std::error::Error, "the ledger cannot be written");
                    }
                    return;
                }
                cut.iter().for_each(|cut| hourly.find("record-cut", cut.clone()));
            }
            self.failing = false;
            self.queue.pop_front();
        }
    }
}

/// A file of the log that was removed before it was sealed. Its number is one of this record's:
/// another begins at 1 again.
fn of_log(removed: &Removed, record: Option<String>) -> Trimmed {
    let what = format!("calls from {} to {}, {} bytes", removed.from, removed.to, removed.bytes);
    let part = record.map(|record| RecordPart { of: format!("{record}/log"), number: removed.sequence });
    let cut = Some(format!("the record is full, and lost what was not sealed yet: {what}"));
    Trimmed { what, part, cut }
}

/// Segments that were removed.
fn of_leaf(removal: &Removal, record: &str) -> Trimmed {
    let what = in_words(removal);
    let cut = format!("the record is full, and lost what was to be kept longer: {what}");
    let part = Some(RecordPart { of: record.to_owned(), number: removal.leaf });
    Trimmed { what, part, cut: (removal.why == "cap").then_some(cut) }
}

fn in_words(removal: &Removal) -> String {
    let Removal { leaf, at, why, segments, calls, from, to, keep: _ } = removal;
    let span = from.zip(*to).map_or_else(String::new, |(from, to)| format!(" from {from} to {to}"));
    format!("{calls} calls{span}, in {segments} segments, at {at} (leaf {leaf}, {why})")
}

#[cfg(test)]
mod tests {
    use authority::{Limits, PepperId, Peppers, Secrets};
    use sqlx::{Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};

    use super::*;

    fn trimmed(number: u64) -> Trimmed {
        let part = Some(RecordPart { of: "greave/1f/record".to_owned(), number });
        Trimmed { what: format!("leaf {number}"), part, cut: None }
    }

    fn run<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
    }

    #[test]
    fn while_the_ledger_cannot_be_written_no_removal_is_passed_over() {
        run(async {
            let folder = tempfile::tempdir().unwrap();
            let secrets = Secrets {
                peppers: Peppers::new((PepperId(1), &[1; 32]), None),
                master: [2; 32].into(),
                signer: store::Signer::new("test/ledger", &[3; 32]).unwrap(),
            };
            let authority = Authority::open(folder.path(), secrets, Limits::default(), Timestamp::now()).await.unwrap();
            let (findings, _taken) = mpsc::channel(8);
            let (mut pending, mut hourly) = (Pending::default(), Hourly::new(findings));
            let place = SqliteConnectOptions::new().filename(folder.path().join("state.db"));
            let mut database = SqliteConnection::connect_with(&place).await.unwrap();
            let full = "CREATE TRIGGER full BEFORE INSERT ON ledger BEGIN SELECT RAISE(ABORT, 'full'); END";
            sqlx::query(full).execute(&mut database).await.unwrap();
            [5, 7, 5].map(trimmed).into_iter().for_each(|it| pending.add(it));
            pending.note(&authority, &mut hourly).await;
            assert!(pending.failing && pending.queue == [5, 7].map(trimmed), "both wait, once each");
            assert!(authority.unwritten_since().is_some());
            sqlx::query("DROP TRIGGER full").execute(&mut database).await.unwrap();
            pending.add(trimmed(9));
            pending.note(&authority, &mut hourly).await;
            assert!(!pending.failing && pending.queue.is_empty());
            assert_eq!(authority.unwritten_since(), None);
            let entries = authority.store().entries(1, 100).await.unwrap();
            let noted: Vec<bool> =
                [5, 7, 9].map(|leaf| entries.iter().any(|it| it.change.contains(&format!("leaf {leaf}")))).to_vec();
            assert_eq!(noted, [true; 3]);
            // What is there is not written again.
            pending.add(trimmed(7));
            pending.note(&authority, &mut hourly).await;
            assert_eq!(authority.store().entries(1, 100).await.unwrap().len(), entries.len());
        });
    }

    #[test]
    fn removals_of_the_log_count_anew_in_a_record_that_began_anew() {
        let now = Timestamp::UNIX_EPOCH;
        let removed = Removed { at: now, sequence: 1, from: now, to: now, bytes: 7 };
        let of = |record: &str| of_log(&removed, Some(record.to_owned())).part.unwrap().of;
        assert_ne!(of("greave/1f/record"), of("greave/2e/record"));
        assert_eq!(of_log(&removed, None).part, None, "without a name it is noted each time");
    }
}

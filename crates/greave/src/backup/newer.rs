//! What is at hand that is newer than a backup: a checkpoint that somebody kept, a record that
//! outlived its state. Restoring brings revoked keys back to life; this is how that shows.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use authority::{Authority, Key};
use jiff::Timestamp;
use law::{KeyId, Refusal, Verdict};
use record::{Entry, Reader};
use serde::Serialize;
use store::CheckpointError;

use super::BackupError;

/// A key that works in the backup and was refused since.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Stopped {
    pub(crate) key: KeyId,
    /// What the gate said last, as the table of refusals calls it.
    pub(crate) why: &'static str,
    #[serde(skip)]
    pub(crate) refusal: Refusal,
}

/// What is newer than a backup, as far as can be seen.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Newer {
    /// Whether there was anything to hold it against.
    pub(crate) looked: bool,
    /// Entries of the ledger that were signed, and are not in it.
    pub(crate) entries: u64,
    /// Calls that came after it.
    pub(crate) calls: u64,
    /// The last of them.
    pub(crate) last: Option<Timestamp>,
    /// Keys that called since, and are not known in it.
    pub(crate) unknown: BTreeSet<KeyId>,
    /// Keys that work in it, and were refused since.
    pub(crate) stopped: Vec<Stopped>,
    /// Keys that were refused since for what they may do in it: they were narrowed meanwhile.
    pub(crate) narrowed: BTreeSet<KeyId>,
    /// Places in the record that cannot be read.
    pub(crate) damaged: u64,
}

impl Newer {
    /// Whether the backup must be taken for older than the state that was lost. What nobody can
    /// tell counts as that.
    pub(crate) fn is_behind(&self) -> bool {
        let Self { looked, entries, calls, last: _, unknown, stopped, narrowed, damaged } = self;
        let is_wider = !stopped.is_empty() || !narrowed.is_empty();
        !*looked || *entries > 0 || *calls > 0 || *damaged > 0 || !unknown.is_empty() || is_wider
    }

    /// Holds the ledger against a checkpoint that was kept elsewhere.
    pub(super) async fn hold_against(&mut self, path: &Path, authority: &Authority) -> Result<(), BackupError> {
        let unreadable = |why: String| BackupError::Evidence { path: path.to_owned(), why };
        let note = fs::read_to_string(path).map_err(|error| unreadable(error.to_string()))?;
        let store = authority.store();
        let signed =
            store.signer().verify(&note).map_err(|error: CheckpointError| unreadable(error.to_string()))?.chain;
        self.looked = true;
        match store.entries(signed.len, 1).await?.first() {
            Some(entry) if entry.hash == signed.head => {}
            Some(_) => return Err(BackupError::Fork(path.to_owned())),
            None => {
                let ours = store.verify().await?.len;
                self.entries = self.entries.max(signed.len.saturating_sub(ours));
            }
        }
        Ok(())
    }

    /// Reads what was called since the backup was made. When that was, only its manifest says,
    /// which nobody signed: what became of keys is read from the ledger's last entry on.
    pub(super) fn read(
        &mut self,
        records: &[PathBuf],
        (ended, taken): (Timestamp, Timestamp),
        authority: &Authority,
    ) -> Result<(), BackupError> {
        let mut refused: BTreeMap<KeyId, Refusal> = BTreeMap::new();
        for folder in records {
            let reader = Reader::open(folder)
                .map_err(|error| BackupError::Evidence { path: folder.clone(), why: error.to_string() })?;
            self.looked = true;
            for entry in reader.since(ended.min(taken)) {
                let call = match entry {
                    Ok(Entry::Call(call)) => call,
                    Ok(Entry::Outcome(outcome)) => {
                        self.unknown.extend(outcome.minted.into_iter().chain(outcome.learned));
                        continue;
                    }
                    Ok(Entry::Gap(_) | Entry::Removed(_)) => continue,
                    Err(_) => {
                        self.damaged += 1;
                        continue;
                    }
                };
                if call.at >= taken {
                    self.calls += 1;
                    self.last = self.last.max(Some(call.at));
                }
                let Some(key) = call.key else { continue };
                self.unknown.insert(key);
                match call.verdict {
                    Verdict::Refuse(why) if is_for_good(why) => drop(refused.insert(key, why)),
                    Verdict::Refuse(Refusal::OutOfScope | Refusal::SourceNotAllowed) => {
                        let admits = |key: &Key| key.admits(&call.operation, call.powers, call.source).is_ok();
                        if !self.narrowed.contains(&key)
                            && authority.view(|state| state.key(key).is_some_and(|key| admits(key)))
                        {
                            self.narrowed.insert(key);
                        }
                    }
                    Verdict::Refuse(_) => {}
                    _ => drop(refused.remove(&key)),
                }
            }
        }
        authority.view(|state| {
            self.unknown.retain(|key| state.key(*key).is_none());
            let works = |key: KeyId| state.key(key).is_some_and(|key| key.standing.works());
            let stopped = refused.into_iter().filter(|(key, _)| works(*key));
            self.stopped = stopped.map(|(key, refusal)| Stopped { key, why: refusal.code(), refusal }).collect();
        });
        Ok(())
    }
}

/// Whether the gate says so of a key that somebody stopped.
const fn is_for_good(why: Refusal) -> bool {
    matches!(why, Refusal::Disabled | Refusal::Retired | Refusal::Revoked | Refusal::HolderLeft)
}

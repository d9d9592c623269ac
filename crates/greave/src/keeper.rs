//! What the record has to tell: checkpoints to witnesses, what was removed into the ledger, and
//! what is wrong with it to administrators.

use std::{path::PathBuf, sync::Arc, time::Duration};

use authority::{Authority, Change, RecordPart};
use jiff::Timestamp;
use law::Finding;
use record::{Book, Notice, Removal};
use seal::Verifier;
use tell::Teller;
use tokio::{
    sync::{mpsc, watch},
    task::spawn_blocking,
    time::sleep,
};

use crate::{
    config::Config, hourly::Hourly, house::HouseError, secrets::Vault, state::record_folder, stop::stopped,
    witness::Witness,
};

/// How often the record is asked.
const BEAT: Duration = Duration::from_secs(1);

/// The name of what is not sealed yet, in the ledger.
const LOG: &str = "log";

/// Keeps the record's dealings with the rest of the house.
pub(crate) struct Keeper {
    book: Arc<Book>,
    folder: PathBuf,
    verifier: Verifier,
    witness: Witness,
    authority: Arc<Authority>,
    hourly: Hourly,
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
        Ok(Self { book, folder, verifier, witness, authority, hourly: Hourly::new(findings) })
    }

    /// Keeps until the gate stops.
    pub(crate) async fn keep(mut self, stopping: watch::Receiver<bool>) {
        let mut stop = std::pin::pin!(stopped(stopping));
        // What the process before this one did and could not say any more.
        self.note_removals().await;
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
        }
    }

    async fn take(&mut self, notice: Notice) {
        if let Notice::Checkpoint(checkpoint) = &notice {
            self.witness.tell(checkpoint, Timestamp::now()).await;
            return;
        }
        tracing::warn!(?notice, "the record has something to tell");
        match notice {
            Notice::Dropped { .. } => self.note_removals().await,
            Notice::Removed(removed) => {
                let what = format!("calls from {} to {}, {} bytes", removed.from, removed.to, removed.bytes);
                if self.note(LOG, removed.sequence, what.clone()).await {
                    self.hourly
                        .find("record-cut", format!("the record is full, and lost what was not sealed yet: {what}"));
                }
            }
            Notice::Crowded { bytes, cap } => {
                let (bytes, cap) = (bytes >> 20, cap >> 20);
                let what = format!(
                    "the record takes {bytes} MiB of the {cap} MiB that it may: soon calls go that were to be kept \
                     longer; make `record.cap` larger, or `record.keep` shorter"
                );
                self.hourly.find("record-crowded", what);
            }
            Notice::Unsealed(why) => self.hourly.find("record-unsealed", format!("the record is not sealed: {why}")),
            _ => {}
        }
    }

    /// Brings into the ledger what of the sealed record was removed since it last did. The leaves
    /// say it, so that no end of this process loses any.
    async fn note_removals(&mut self) {
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
        for removal in removals {
            let what = in_words(&removal);
            if self.note(&record, removal.leaf, what.clone()).await && removal.why == "cap" {
                self.hourly
                    .find("record-cut", format!("the record is full, and lost what was to be kept longer: {what}"));
            }
        }
    }

    /// Whether it is new to the ledger, and stands there now.
    async fn note(&self, of: &str, number: u64, what: String) -> bool {
        if self.authority.view(|state| state.trimmed().get(of).is_some_and(|newest| *newest >= number)) {
            return false;
        }
        let part = Some(RecordPart { of: of.to_owned(), number });
        let noted = self.authority.note(Change::RecordTrimmed { what, part }, Timestamp::now()).await;
        if let Err(error) = &noted {
            tracing::error!(error = error as &dyn std::error::Error, "the ledger cannot be written");
        }
        noted.is_ok()
    }
}

fn in_words(removal: &Removal) -> String {
    let Removal { leaf, at, why, segments, calls, from, to, keep: _ } = removal;
    let span = from.zip(*to).map_or_else(String::new, |(from, to)| format!(" from {from} to {to}"));
    format!("{calls} calls{span}, in {segments} segments, at {at} (leaf {leaf}, {why})")
}

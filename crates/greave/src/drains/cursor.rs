//! How far a drain has come, on disk: what was sent is not sent again after a restart, and what
//! was not sent is.

use std::{
    collections::BTreeMap,
    fs, io,
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use jiff::Timestamp;
use law::{Call, CallId};
use record::Position;
use serde::{Deserialize, Serialize};

/// How far a drain has come.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Cursor {
    /// Everything before this place of the record was sent, or is not wanted, or is open.
    pub(crate) record: Position,
    /// Calls before that place whose end is not known yet.
    #[serde(default)]
    pub(crate) open: BTreeMap<CallId, Open>,
    /// The newest change of the ledger that was dealt with, and its hash.
    pub(crate) ledger: u64,
    #[serde(default)]
    pub(crate) ledger_hash: String,
    /// The newest finding that was dealt with.
    pub(crate) findings: u64,
    #[serde(default)]
    pub(crate) health: Health,
}

/// A call whose end is not known yet: where it stands. The call itself is in the record.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Open {
    pub(crate) file: u64,
    pub(crate) entry: u64,
    /// It was sent without its end already.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) told: bool,
    /// The same in memory; after a start it is read again.
    #[serde(skip)]
    pub(crate) call: Option<Arc<Call>>,
}

/// How a drain does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Health {
    /// Events that arrived.
    pub(crate) sent: u64,
    /// Attempts that failed.
    pub(crate) failed: u64,
    /// Events that the receiver did not take, and that were passed over.
    pub(crate) refused: u64,
    /// Files of the record, and findings, that were removed before they were sent.
    pub(crate) lost: u64,
    /// Bytes of the record that are not looked at yet.
    pub(crate) bytes_behind: u64,
    /// Changes of the ledger that are not looked at yet.
    pub(crate) changes_behind: u64,
    /// When the oldest event happened that waits to be sent.
    pub(crate) waiting_since: Option<Timestamp>,
    pub(crate) last_sent: Option<Timestamp>,
    /// Since when nothing arrives.
    pub(crate) failing_since: Option<Timestamp>,
    /// What went wrong last, without secrets.
    pub(crate) why: Option<String>,
}

/// Held while a cursor is written.
static WRITING: Mutex<()> = Mutex::new(());

/// Where the cursors of a state lie.
pub(crate) fn folder(state: &Path) -> PathBuf {
    state.join("drains")
}

fn path(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.json"))
}

impl Cursor {
    /// The cursor of this name, where the drain has run before.
    pub(crate) fn read(folder: &Path, name: &str) -> io::Result<Option<Self>> {
        match fs::read(path(folder, name)) {
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(io::Error::other),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Puts it on disk, all of it or nothing.
    pub(crate) fn write(&self, folder: &Path, name: &str) -> io::Result<()> {
        // One that a drain which has ended began to write must not meet one of its successor.
        let _alone = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
        let (path, beside) = (path(folder, name), folder.join(format!("{name}.new")));
        let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
        file.write_all(&serde_json::to_vec(self)?)?;
        file.sync_data()?;
        fs::rename(&beside, &path)?;
        fs::File::open(folder)?.sync_all()
    }
}

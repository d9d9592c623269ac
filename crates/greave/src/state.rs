//! The state folder: one process writes it.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    os::unix::{fs::OpenOptionsExt as _, net::UnixStream},
    path::{Path, PathBuf},
    sync::Arc,
};

use authority::{Authority, Failed, Limits};
use jiff::Timestamp;

use crate::{
    config, lines,
    secrets::{SecretError, Vault, private_folder},
};

/// The folder, held against other processes for as long as this value lives.
pub(crate) struct StateFolder {
    path: PathBuf,
    #[expect(dead_code, reason = "the lock is held as long as the file is open")]
    lock: File,
}

/// Why the state cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StateError {
    #[error("`{path}` cannot be used: {cause}; gate.state names a folder that the user of the gate owns")]
    Folder { path: PathBuf, cause: io::Error },
    #[error(
        "`{0}` is in use by another greave, a gate or a command that waits for a code; end that first, or name \
         another gate.state"
    )]
    InUse(PathBuf),
    #[error("there is no state in `{0}`; `greave init` makes one, `greave restore` takes one back from a backup")]
    Missing(PathBuf),
    /// A new ledger in its place would know no key that was revoked.
    #[error("the ledger of `{0}` is gone (`state.db`); `greave restore` takes it back from a backup")]
    NoLedger(PathBuf),
    /// What cannot be looked at is not gone.
    #[error(
        "`{path}` is closed to this user: {cause}; run it as the user of the gate, such as `sudo -u greave greave …`"
    )]
    Closed { path: PathBuf, cause: io::Error },
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error(transparent)]
    Authority(#[from] Failed),
}

impl StateFolder {
    /// Makes the folder where it is not there, and takes it.
    pub(crate) fn make(path: &Path) -> Result<Self, StateError> {
        private_folder(path).map_err(|cause| StateError::Folder { path: path.to_owned(), cause })?;
        Self::lock(path)
    }

    /// Takes a folder that `greave init` made.
    pub(crate) fn take(path: &Path) -> Result<Self, StateError> {
        let is = |found: io::Result<fs::Metadata>, kind: fn(&fs::Metadata) -> bool| match found {
            Err(cause) if cause.kind() == io::ErrorKind::PermissionDenied => {
                Err(StateError::Closed { path: path.to_owned(), cause })
            }
            found => Ok(found.is_ok_and(|found| kind(&found))),
        };
        if !is(fs::metadata(path), fs::Metadata::is_dir)? {
            return Err(StateError::Missing(path.to_owned()));
        }
        if !is(fs::metadata(database(path)), fs::Metadata::is_file)? {
            return Err(StateError::NoLedger(path.to_owned()));
        }
        Self::lock(path)
    }

    fn lock(path: &Path) -> Result<Self, StateError> {
        let wrap = |cause| StateError::Folder { path: path.to_owned(), cause };
        let lock = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path.join("lock"));
        let lock = lock.map_err(|cause| match cause.kind() {
            io::ErrorKind::PermissionDenied => StateError::Closed { path: path.to_owned(), cause },
            _ => wrap(cause),
        })?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), lock }),
            Err(TryLockError::WouldBlock) => Err(StateError::InUse(path.to_owned())),
            Err(TryLockError::Error(cause)) => Err(wrap(cause)),
        }
    }

    /// Opens the authority over it.
    pub(crate) async fn authority(&self, now: Timestamp) -> Result<Arc<Authority>, StateError> {
        let secrets = Vault::of(&self.path).authority()?;
        Ok(Authority::open(&self.path, secrets, Limits::default(), now).await?)
    }

    /// Where calls are written down.
    pub(crate) fn record(&self) -> PathBuf {
        record_folder(&self.path)
    }
}

/// Where calls are written down, for those who only read.
pub(crate) fn record_folder(state: &Path) -> PathBuf {
    state.join("record")
}

/// The state folder that a configuration file names, even where the file is broken elsewhere.
pub(crate) fn named_by(path: &Path) -> PathBuf {
    named(path, "gate", "state").unwrap_or_else(|| folder_of(path).join(config::state()))
}

/// The document and the lock that a configuration file names, likewise.
pub(crate) fn beside(path: &Path) -> [PathBuf; 2] {
    let lock = named(path, "api", "lock").unwrap_or_else(|| folder_of(path).join(config::lock()));
    [named(path, "api", "document").unwrap_or_else(|| folder_of(path).to_owned()), lock]
}

fn named(path: &Path, section: &str, setting: &str) -> Option<PathBuf> {
    let text = fs::read_to_string(path).unwrap_or_default();
    lines::text(&text, section, setting).map(|named| folder_of(path).join(named))
}

fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
}

/// The socket of the gate that runs over this state, if one does.
pub(crate) fn running(state: &Path) -> Option<PathBuf> {
    let socket = socket(state);
    UnixStream::connect(&socket).is_ok().then_some(socket)
}

/// The ledger and the shelf.
pub(crate) fn database(state: &Path) -> PathBuf {
    state.join("state.db")
}

/// The socket by which the command line reaches a running gate.
pub(crate) fn socket(state: &Path) -> PathBuf {
    state.join("admin.sock")
}

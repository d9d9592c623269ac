//! The state folder: one process writes it.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use authority::{Authority, Failed, Limits, Loaded};
use jiff::Timestamp;
use law::Law;

use crate::secrets::{SecretError, Vault, private_folder};

/// The folder, held against other processes for as long as this value lives.
pub(crate) struct StateFolder {
    path: PathBuf,
    #[expect(dead_code, reason = "the lock is held as long as the file is open")]
    lock: File,
}

/// Why the state cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StateError {
    #[error("`{path}` cannot be used: {cause}")]
    Folder { path: PathBuf, cause: io::Error },
    #[error("`{0}` is in use by a running gate")]
    InUse(PathBuf),
    #[error("there is no state in `{0}`; `greave init` makes one")]
    Missing(PathBuf),
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error(transparent)]
    Authority(#[from] Failed),
}

impl StateFolder {
    /// Makes the folder where it is not there, and takes it.
    pub(crate) fn make(path: &Path) -> Result<Self, StateError> {
        private_folder(path).map_err(|cause| StateError::Folder { path: path.to_owned(), cause })?;
        Self::take(path)
    }

    /// Takes a folder that `greave init` made.
    pub(crate) fn take(path: &Path) -> Result<Self, StateError> {
        if !path.is_dir() {
            return Err(StateError::Missing(path.to_owned()));
        }
        let wrap = |cause| StateError::Folder { path: path.to_owned(), cause };
        let lock = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path.join("lock"));
        let lock = lock.map_err(wrap)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), lock }),
            Err(TryLockError::WouldBlock) => Err(StateError::InUse(path.to_owned())),
            Err(TryLockError::Error(cause)) => Err(wrap(cause)),
        }
    }

    /// Opens the authority over it.
    pub(crate) async fn authority(
        &self,
        limits: Limits,
        law: Law,
        now: Timestamp,
    ) -> Result<(Authority, Loaded), StateError> {
        let secrets = Vault::of(&self.path).authority()?;
        Ok(Authority::open(&self.path, secrets, limits, law, now).await?)
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

/// The socket by which the command line reaches a running gate.
pub(crate) fn socket(state: &Path) -> PathBuf {
    state.join("admin.sock")
}

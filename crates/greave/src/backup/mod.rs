//! A backup: a folder with the state as it was at one moment, and what must be known of it.
//!
//! It opens nothing by itself: the pepper, the master key and the ledger key go to a file of
//! their own, and only where that is asked for. What proves a backup is its ledger, which is
//! signed; the digests in the manifest find damage.

mod newer;
mod restore;
mod secrets;
mod take;

use std::{
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use authority::{Digest, Files};
use aws_lc_rs::digest::{Context, SHA256};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub(crate) use self::{
    newer::Newer,
    restore::{Asked, Restored, restore},
    take::{Taken, take},
};
use crate::{secrets::SecretError, state::StateError};

/// The layout of the folder.
const VERSION: u32 = 1;
const MANIFEST: &str = "manifest.json";
const DATABASE: &str = "state.db";
const POSTURE: &str = "posture";

/// No manifest is larger, in bytes.
const LARGEST: u64 = 1 << 20;

/// What is in a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    /// The layout.
    pub(crate) version: u32,
    /// Which Greave made it.
    pub(crate) program: String,
    /// When: what came later is not in it.
    pub(crate) taken: Timestamp,
    /// The schema of its database.
    pub(crate) schema: u32,
    /// How many entries its ledger has.
    pub(crate) entries: u64,
    /// The hash of the last, in base64.
    pub(crate) head: String,
    /// The newest checkpoint.
    pub(crate) checkpoint: Option<String>,
    /// Where the record stood, which is not in the backup.
    pub(crate) record: Option<RecordPlace>,
    /// Every file beside this one.
    pub(crate) files: Vec<Part>,
}

/// A place in the record: its newest file, and how much stood in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RecordPlace {
    pub(crate) file: String,
    pub(crate) bytes: u64,
}

/// A file of a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Part {
    /// Its name below the folder.
    pub(crate) name: String,
    pub(crate) bytes: u64,
    pub(crate) sha256: Digest,
}

/// Why a backup is not made, or not taken back.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BackupError {
    #[error("`{0}` is there already; name a folder that is not: a backup never takes the place of another")]
    Taken(PathBuf),
    #[error(
        "`{0}` holds more than `secrets` and `record` already; nothing is overwritten: name another folder, or move it away"
    )]
    Occupied(PathBuf),
    #[error("`{path}` cannot be used: {cause}")]
    File { path: PathBuf, cause: io::Error },
    #[error(
        "the secrets would lie in `{0}`, with the backup: whoever finds the two together can make codes and keys that \
         the gate takes for good; name a place that others keep, on another host at best"
    )]
    Together(PathBuf),
    #[error("`{path}` is no backup that this program can read: {why}")]
    Unreadable { path: PathBuf, why: String },
    #[error("`{path}` is damaged: {why}; take another backup")]
    Damaged { path: PathBuf, why: String },
    #[error("the configuration changed again and again while the backup was made; try again")]
    Moving,
    #[error(transparent)]
    State(#[from] StateError),
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error(transparent)]
    Store(#[from] store::StoreError),
    #[error("`{path}` cannot be read: {why}")]
    Evidence { path: PathBuf, why: String },
    #[error(
        "the ledger of the backup and the checkpoint in `{0}` contradict each other: they are of two histories, and one \
         was made up; nothing is restored"
    )]
    Fork(PathBuf),
}

fn file_error(path: &Path) -> impl Fn(io::Error) -> BackupError + '_ {
    move |cause| BackupError::File { path: path.to_owned(), cause }
}

impl Manifest {
    fn read(folder: &Path) -> Result<Self, BackupError> {
        let path = folder.join(MANIFEST);
        let unreadable = |why: String| BackupError::Unreadable { path: folder.to_owned(), why };
        let file = File::open(&path).map_err(|cause| unreadable(format!("its {MANIFEST}: {cause}")))?;
        let mut text = String::new();
        file.take(LARGEST).read_to_string(&mut text).map_err(file_error(&path))?;
        let value: serde_json::Value =
            serde_json::from_str(&text).map_err(|error| unreadable(format!("its {MANIFEST}: {error}")))?;
        match value.get("version").and_then(serde_json::Value::as_u64) {
            Some(version) if version > u64::from(VERSION) => {
                return Err(unreadable(format!("it has version {version}; use the newer program")));
            }
            _ => {}
        }
        serde_json::from_value(value).map_err(|error| unreadable(format!("its {MANIFEST}: {error}")))
    }

    /// Holds every file against its digest. A name leads nowhere else.
    fn check(&self, folder: &Path) -> Result<(), BackupError> {
        for Part { name, bytes, sha256 } in &self.files {
            let path = folder.join(name);
            let damaged = |why: &str| BackupError::Damaged { path: path.clone(), why: why.to_owned() };
            if !is_name(name) {
                return Err(damaged("a backup has no file of that name"));
            }
            let whole = fs::symlink_metadata(&path).map_err(|_| damaged("it is missing"))?;
            if !whole.is_file() || whole.len() != *bytes || digest_of(&path)? != *sha256 {
                return Err(damaged("it is not what was written"));
            }
        }
        Ok(())
    }

    fn has(&self, name: &str) -> bool {
        self.files.iter().any(|part| part.name == name)
    }
}

/// The names under which a backup keeps the files of a posture.
fn posture_names(files: &Files) -> [String; 3] {
    let Files { config, lock, document } = files;
    [format!("{config}.toml"), format!("{lock}.lock"), format!("{document}.document")]
        .map(|name| format!("{POSTURE}/{name}"))
}

fn is_name(name: &str) -> bool {
    let of_posture = |name: &str| {
        let Some((digest, kind)) = name.split_once('.') else { return false };
        Digest::try_from(digest.to_owned()).is_ok() && ["toml", "lock", "document"].contains(&kind)
    };
    name == DATABASE || name.strip_prefix("posture/").is_some_and(of_posture)
}

/// SHA-256 of a file, however large.
fn digest_of(path: &Path) -> Result<Digest, BackupError> {
    let mut file = File::open(path).map_err(file_error(path))?;
    let (mut context, mut buffer) = (Context::new(&SHA256), vec![0; 64 << 10]);
    loop {
        let read = file.read(&mut buffer).map_err(file_error(path))?;
        if read == 0 {
            break;
        }
        context.update(buffer.get(..read).unwrap_or_default());
    }
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    Ok(Digest(hash))
}

/// Makes sure that what was written in a folder is on disk.
fn sync_folder(path: &Path) -> Result<(), BackupError> {
    File::open(path).and_then(|folder| folder.sync_all()).map_err(file_error(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_a_manifest_leads_nowhere_else() {
        let digest = Digest::of(b"");
        for good in ["state.db".to_owned(), format!("posture/{digest}.toml"), format!("posture/{digest}.document")] {
            assert!(is_name(&good), "{good}");
        }
        for bad in
            ["", "/etc/passwd", "../state.db", "state.db/..", "secrets/pepper", "posture/../state.db", "posture/x.toml"]
        {
            assert!(!is_name(bad), "{bad}");
        }
    }
}

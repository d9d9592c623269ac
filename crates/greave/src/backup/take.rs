//! Making one, also while the gate runs: SQLite gives the state as it was at one moment.

use std::{
    fs,
    path::{Path, PathBuf},
};

use authority::{Change, Files, Written};
use jiff::Timestamp;
use serde::Serialize;
use store::Copied;

use super::{
    BackupError, DATABASE, MANIFEST, Manifest, POSTURE, Part, RecordPlace, VERSION, digest_of, file_error,
    posture_names, secrets, sync_folder,
};
use crate::{
    secrets::{private_folder, write_private},
    state::{StateError, database, record_folder},
};

/// The configuration may change between the copy of the state and that of its files.
const TRIES: usize = 5;

/// What is taken out: what a person was shown of a request is gone when they have answered, and
/// a backup would keep it for ever.
const LEFT_OUT: [&str; 1] = ["exhibit"];

/// A backup that was made.
#[derive(Debug, Serialize)]
pub(crate) struct Taken {
    /// Where it lies.
    pub(crate) folder: PathBuf,
    /// Where its secrets lie, where they were asked for.
    pub(crate) secrets: Option<PathBuf>,
    #[serde(flatten)]
    pub(crate) manifest: Manifest,
}

/// Makes a backup of this state.
pub(crate) async fn take(
    state: &Path,
    folder: &Path,
    secrets_to: Option<&Path>,
    now: Timestamp,
) -> Result<Taken, BackupError> {
    if !database(state).is_file() {
        return Err(StateError::Missing(state.to_owned()).into());
    }
    if folder.exists() {
        return Err(BackupError::Taken(folder.to_owned()));
    }
    if let Some(secrets_to) = secrets_to {
        secrets::are_apart(folder, secrets_to)?;
        if secrets_to.exists() {
            return Err(BackupError::Taken(secrets_to.to_owned()));
        }
    }
    // Whole or not at all: what is half made has another name.
    let making = beside(folder, "making");
    // One that was killed left it; and nobody else's link is followed.
    let _ = fs::remove_dir_all(&making);
    let made = make(state, &making, now).await;
    let manifest = match made {
        Ok(manifest) => manifest,
        Err(error) => {
            let _ = fs::remove_dir_all(&making);
            return Err(error);
        }
    };
    if let Some(secrets_to) = secrets_to {
        secrets::write(state, secrets_to).inspect_err(|_| drop(fs::remove_dir_all(&making)))?;
    }
    fs::rename(&making, folder).map_err(file_error(folder))?;
    Ok(Taken { folder: folder.to_owned(), secrets: secrets_to.map(Path::to_owned), manifest })
}

/// The same name with another ending, in the same folder.
pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{ending}"));
    path.with_file_name(name)
}

async fn make(state: &Path, making: &Path, now: Timestamp) -> Result<Manifest, BackupError> {
    private_folder(making).map_err(file_error(making))?;
    // Before the state: what came in between counts as newer.
    let record = record_place(&record_folder(state));
    for _ in 0..TRIES {
        let target = making.join(DATABASE);
        let mut needed = Needed::default();
        let copied = store::copy(&database(state), &target, &LEFT_OUT, |entry| needed.follow(&entry.change)).await?;
        if let Some(files) = keep_posture(state, making, &needed)? {
            return write_manifest(making, files, copied, record, now);
        }
    }
    Err(BackupError::Moving)
}

fn record_place(record: &Path) -> Option<RecordPlace> {
    let (file, bytes) = record::end(record).ok().flatten()?;
    Some(RecordPlace { file, bytes })
}

/// The files that a ledger says the gate goes by, and those that wait.
#[derive(Default)]
struct Needed {
    in_force: Option<Files>,
    waiting: Option<Files>,
}

impl Needed {
    fn follow(&mut self, change: &str) {
        // Of what a newer program wrote nothing is needed here; restoring says what is wrong.
        match serde_json::from_str::<Written>(change).map(|written| written.change) {
            Ok(Change::PostureLoaded { files, .. }) => *self = Self { in_force: Some(files), waiting: None },
            Ok(Change::PostureWaits { files, .. }) => self.waiting = Some(files),
            Ok(Change::PostureRefused { .. }) => self.waiting = None,
            _ => {}
        }
    }
}

/// Copies the files of the posture; nothing where one that is needed was replaced meanwhile.
fn keep_posture(state: &Path, making: &Path, needed: &Needed) -> Result<Option<Vec<Part>>, BackupError> {
    let folder = making.join(POSTURE);
    let _ = fs::remove_dir_all(&folder);
    private_folder(&folder).map_err(file_error(&folder))?;
    let mut names = vec![DATABASE.to_owned()];
    names.extend(needed.in_force.iter().chain(&needed.waiting).flat_map(posture_names));
    names.sort_unstable();
    names.dedup();
    let mut parts = Vec::new();
    for name in names {
        let path = making.join(&name);
        if name != DATABASE {
            let Ok(bytes) = fs::read(state.join(&name)) else { return Ok(None) };
            write_private(&path, &bytes).map_err(file_error(&path))?;
        }
        let sha256 = digest_of(&path)?;
        // They are named by their digests.
        if name != DATABASE && !name.contains(&sha256.to_string()) {
            return Ok(None);
        }
        parts.push(Part { bytes: fs::metadata(&path).map_err(file_error(&path))?.len(), name, sha256 });
    }
    sync_folder(&folder)?;
    Ok(Some(parts))
}

fn write_manifest(
    making: &Path,
    files: Vec<Part>,
    copied: Copied,
    record: Option<RecordPlace>,
    now: Timestamp,
) -> Result<Manifest, BackupError> {
    let Copied { chain, checkpoint, schema } = copied;
    let manifest = Manifest {
        version: VERSION,
        program: env!("CARGO_PKG_VERSION").to_owned(),
        taken: now,
        schema,
        entries: chain.len,
        head: chain.head.to_string(),
        checkpoint,
        record,
        files,
    };
    let path = making.join(MANIFEST);
    let text = serde_json::to_vec_pretty(&manifest)
        .map_err(|error| BackupError::Unreadable { path: path.clone(), why: error.to_string() })?;
    write_private(&path, &text).map_err(file_error(&path))?;
    sync_folder(making)?;
    Ok(manifest)
}

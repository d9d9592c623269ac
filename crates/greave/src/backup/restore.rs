//! Taking one back: everything is looked at in a folder beside, and moved when it is whole.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use authority::{Authority, Change, Command, Limits, Warrant, Written};
use jiff::Timestamp;
use law::Refusal;
use serde::Serialize;
use store::Entry;

use super::{
    BackupError, DATABASE, Manifest, Newer, POSTURE, file_error, posture_names, secrets, sync_folder, take::beside,
};
use crate::{
    secrets::{Vault, private_folder, write_private},
    state::{StateError, database, record_folder},
};

/// What may lie in the folder already: what was kept, or what outlived the state.
const MAY_LIE_THERE: [&str; 5] = ["secrets", "record", "record.signed", "issuers", "lock"];

/// What is to be restored, and what it is held against.
#[derive(Debug)]
pub(crate) struct Asked<'a> {
    /// The backup.
    pub(crate) from: &'a Path,
    /// The file with its secrets, where they are neither in the environment nor in the folder.
    pub(crate) secrets: Option<&'a Path>,
    /// The new state folder.
    pub(crate) to: &'a Path,
    /// Checkpoints that were kept elsewhere.
    pub(crate) checkpoints: &'a [PathBuf],
    /// Records that outlived the state.
    pub(crate) records: &'a [PathBuf],
    /// Restore although it is older than the state that was lost.
    pub(crate) danger_behind: bool,
}

/// What came of it.
#[derive(Debug, Serialize)]
pub(crate) struct Restored {
    /// Whether it was restored; not where it is behind and nobody said that it may be.
    pub(crate) restored: bool,
    pub(crate) folder: PathBuf,
    #[serde(flatten)]
    pub(crate) manifest: Manifest,
    pub(crate) newer: Newer,
}

/// Restores a backup, or says why that would be dangerous.
pub(crate) async fn restore(asked: &Asked<'_>, now: Timestamp) -> Result<Restored, BackupError> {
    let manifest = Manifest::read(asked.from)?;
    manifest.check(asked.from)?;
    is_free(asked.to)?;
    let work = beside(asked.to, "restoring");
    let _ = fs::remove_dir_all(&work);
    let done = restore_by_way_of(&work, asked, manifest, now).await;
    let _ = fs::remove_dir_all(&work);
    done
}

fn is_free(to: &Path) -> Result<(), BackupError> {
    let Ok(entries) = fs::read_dir(to) else {
        return if to.exists() { Err(BackupError::Occupied(to.to_owned())) } else { Ok(()) };
    };
    for entry in entries {
        let name = entry.map_err(file_error(to))?.file_name();
        if !MAY_LIE_THERE.iter().any(|known| name == *known) {
            return Err(BackupError::Occupied(to.to_owned()));
        }
    }
    Ok(())
}

async fn restore_by_way_of(
    work: &Path,
    asked: &Asked<'_>,
    manifest: Manifest,
    now: Timestamp,
) -> Result<Restored, BackupError> {
    unpack(asked.from, &manifest, work)?;
    let vault = match asked.secrets {
        Some(path) => {
            secrets::put(path, work)?;
            Vault::of(work)
        }
        None => Vault::of(asked.to),
    };
    // Chain, checkpoints, and whether pepper and master key are the state's.
    let authority =
        Authority::open(work, vault.authority()?, Limits::default(), now).await.map_err(StateError::from)?;
    is_as_described(asked.from, &manifest, &authority).await?;

    let mut newer = Newer::default();
    for checkpoint in asked.checkpoints {
        newer.hold_against(checkpoint, &authority).await?;
    }
    let own = record_folder(asked.to);
    let records: Vec<PathBuf> = own.is_dir().then_some(own).into_iter().chain(asked.records.iter().cloned()).collect();
    let ended = authority.store().entries(manifest.entries, 1).await?.first().map_or(manifest.taken, |entry| entry.at);
    newer.read(&records, (ended, manifest.taken), &authority)?;
    let restored = asked.danger_behind || !newer.is_behind();
    if restored {
        hold_on(&authority, &manifest, &newer, now).await?;
        drop(authority);
        settle(work, asked).await?;
    }
    Ok(Restored { restored, folder: asked.to.to_owned(), manifest, newer })
}

fn unpack(from: &Path, manifest: &Manifest, work: &Path) -> Result<(), BackupError> {
    for folder in [work.to_owned(), work.join(POSTURE)] {
        private_folder(&folder).map_err(file_error(&folder))?;
    }
    for part in &manifest.files {
        let (source, target) = (from.join(&part.name), work.join(&part.name));
        // A file of its own, whatever the rights of the one in the backup.
        write_private(&target, &[]).map_err(file_error(&target))?;
        fs::copy(&source, &target).map_err(file_error(&source))?;
        fs::set_permissions(&target, fs::Permissions::from_mode(0o600)).map_err(file_error(&target))?;
    }
    Ok(())
}

/// Whether the ledger is the one that the manifest speaks of, and the files are there that it
/// says the gate goes by.
async fn is_as_described(from: &Path, manifest: &Manifest, authority: &Authority) -> Result<(), BackupError> {
    let damaged = |why: &str| BackupError::Damaged { path: from.to_owned(), why: why.to_owned() };
    authority.store().verify().await?;
    // Opening an old ledger binds what is sealed beside it, with an entry behind those of then.
    let end = authority.store().entries(manifest.entries, 3).await?;
    let is_bound = |entry: &Entry| {
        serde_json::from_str(&entry.change).is_ok_and(|it: Written| matches!(it.change, Change::ShelfBound {}))
    };
    let stands = match &*end {
        [] => manifest.entries == 0,
        [last] => last.hash.to_string() == manifest.head,
        [last, bound] => last.hash.to_string() == manifest.head && is_bound(bound),
        _ => false,
    };
    if !stands {
        return Err(damaged("its ledger does not stand where its manifest says"));
    }
    let files = authority.view(|state| {
        let waiting = state.waiting().and_then(|waiting| waiting.files);
        state.posture().map(|(_, files)| files).into_iter().chain(waiting).collect::<Vec<_>>()
    });
    if files.iter().flat_map(posture_names).any(|name| !manifest.has(&name)) {
        return Err(damaged("a file is missing that its ledger says the gate goes by"));
    }
    Ok(())
}

/// What the record shows to be stopped stays stopped, and no number is given twice.
async fn hold_on(authority: &Authority, manifest: &Manifest, newer: &Newer, now: Timestamp) -> Result<(), BackupError> {
    authority.restored(manifest.taken, newer.unknown.last().copied(), now).await.map_err(StateError::from)?;
    for stopped in &newer.stopped {
        let why = format!("restored: the record has `{}` for it, after the backup", stopped.why);
        let command = match stopped.refusal {
            Refusal::Revoked => Command::RevokeKey { key: stopped.key, children: true, why },
            _ => Command::DisableKey(stopped.key, why),
        };
        match authority.perform(&command, Warrant::Operator, now).await {
            Ok(()) | Err(authority::NotDone::Declined(_)) => {}
            Err(authority::NotDone::Failed(failed)) => return Err(StateError::from(failed).into()),
        }
    }
    Ok(())
}

/// The database comes last: without it there is no state, and nothing starts.
async fn settle(work: &Path, asked: &Asked<'_>) -> Result<(), BackupError> {
    let to = asked.to;
    private_folder(to).map_err(file_error(to))?;
    let mut folders = vec![POSTURE];
    if asked.secrets.is_some() {
        folders.push("secrets");
    }
    for name in folders {
        let (from, target) = (work.join(name), to.join(name));
        // An empty folder gives way, one with something in it does not.
        fs::rename(from, &target).map_err(file_error(&target))?;
    }
    let new = to.join("state.db.restoring");
    let _ = fs::remove_file(&new);
    store::copy(&work.join(DATABASE), &new, &[], |_| ()).await?;
    fs::rename(&new, database(to)).map_err(file_error(&new))?;
    sync_folder(to)
}

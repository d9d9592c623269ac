//! The keys to what is sealed, in a file apart from the backup.

use std::{
    fs,
    path::{Path, PathBuf},
};

use console::api::Secret;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{BackupError, file_error};
use crate::secrets::{Vault, private_folder, read_private, write_private};

/// What stands in the file. Base64, as in the folder of secrets.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Keys {
    pepper: Secret,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pepper_previous: Option<Secret>,
    master: Secret,
    ledger: Secret,
}

/// Whether somebody who finds one of two places has found the other.
pub(super) fn are_apart(backup: &Path, secrets: &Path) -> Result<(), BackupError> {
    let (beside, of_secrets) = (folder(backup)?, folder(secrets)?);
    let within = beside.join(backup.file_name().unwrap_or_default());
    if of_secrets == beside || of_secrets.starts_with(&within) {
        return Err(BackupError::Together(of_secrets));
    }
    Ok(())
}

fn secret(text: &str) -> Secret {
    text.trim().to_owned().into()
}

/// The folder of a path, as far as it is there already without links.
fn folder(path: &Path) -> Result<PathBuf, BackupError> {
    let path = std::path::absolute(path).map_err(file_error(path))?;
    let parent = path.parent().unwrap_or(Path::new("/"));
    let there = parent.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("/"));
    let missing = parent.strip_prefix(there).unwrap_or(Path::new(""));
    Ok(fs::canonicalize(there).map_err(file_error(there))?.join(missing))
}

/// Writes the keys of this state into a new file that only its owner can read.
pub(super) fn write(state: &Path, path: &Path) -> Result<(), BackupError> {
    let vault = Vault::of(state);
    let keys = Keys {
        pepper: secret(&vault.text("pepper")?),
        pepper_previous: vault.previous_pepper()?.map(|text| secret(&text)),
        master: secret(&vault.text("master")?),
        ledger: secret(&vault.text("ledger")?),
    };
    let text = serde_json::to_vec_pretty(&keys)
        .map(Zeroizing::new)
        .map_err(|error| BackupError::Unreadable { path: path.to_owned(), why: error.to_string() })?;
    write_private(path, &text).map_err(file_error(path))
}

/// Puts the keys of such a file into a state folder.
pub(super) fn put(path: &Path, state: &Path) -> Result<(), BackupError> {
    let unreadable = |why: String| BackupError::Unreadable { path: path.to_owned(), why };
    let text = read_private(path)?.ok_or_else(|| unreadable("it is not there".to_owned()))?;
    // What is wrong with it is not repeated: it would be part of a secret.
    let keys: Keys = serde_json::from_str(&text)
        .map_err(|_| unreadable("`greave backup --secrets` writes such a file; this is none".to_owned()))?;
    let folder = state.join("secrets");
    private_folder(&folder).map_err(file_error(&folder))?;
    let Keys { pepper, pepper_previous, master, ledger } = keys;
    let all = [
        ("pepper", Some(pepper)),
        ("pepper-previous", pepper_previous),
        ("master", Some(master)),
        ("ledger", Some(ledger)),
    ];
    for (name, secret) in all {
        if let Some(secret) = secret {
            let path = folder.join(name);
            let line = Zeroizing::new(format!("{}\n", secret.expose().trim()));
            write_private(&path, line.as_bytes()).map_err(file_error(&path))?;
        }
    }
    Ok(())
}

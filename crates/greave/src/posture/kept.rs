//! The files in force and those that wait, under their digests, for nobody else to read.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use authority::{Digest, Files};

use super::Texts;
use crate::secrets::{private_folder, write_private};

/// The folder.
pub(super) struct Kept(PathBuf);

/// Why the posture in force cannot be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeptError {
    #[error("`{path}` cannot be written: {cause}; the user that the gate runs as must own the state folder")]
    Unwritable { path: PathBuf, cause: io::Error },
    #[error("`{path}` is missing or was changed, and the gate goes by it; put the file back that had this SHA-256")]
    Gone { path: PathBuf },
    #[error(
        "what is in force, kept in `{path}`, cannot be used by this program: {why}; use the program that took it over"
    )]
    Unreadable { path: PathBuf, why: String },
}

impl Kept {
    pub(super) fn of(state: &Path) -> Self {
        Self(state.join("posture"))
    }

    /// Keeps these.
    pub(super) fn keep(&self, texts: &Texts) -> Result<(), KeptError> {
        private_folder(&self.0).map_err(|cause| KeptError::Unwritable { path: self.0.clone(), cause })?;
        let Texts { config, lock, document } = texts;
        let names = self.names(&texts.files());
        for (path, bytes) in names.into_iter().zip([config.as_bytes(), lock.as_bytes(), document.as_slice()]) {
            if fs::read(&path).is_ok_and(|known| known == bytes) {
                continue;
            }
            // Whole or not at all: what is half written has another name.
            let new = path.with_extension("new");
            let written = remove(&new).and_then(|()| write_private(&new, bytes)).and_then(|()| fs::rename(&new, &path));
            written.map_err(|cause| KeptError::Unwritable { path, cause })?;
        }
        Ok(())
    }

    /// Reads what is kept under these digests.
    pub(super) fn read(&self, files: &Files) -> Result<Texts, KeptError> {
        let [config, lock, document] = self.names(files);
        let read = |path: PathBuf, digest: Digest| {
            let bytes = fs::read(&path).ok().filter(|bytes| Digest::of(bytes) == digest);
            bytes.ok_or(KeptError::Gone { path })
        };
        let text = |path: PathBuf, digest| {
            String::from_utf8(read(path.clone(), digest)?).map_err(|_| KeptError::Gone { path })
        };
        Ok(Texts {
            config: text(config, files.config)?,
            lock: text(lock, files.lock)?,
            document: read(document, files.document)?,
        })
    }

    /// Removes what nothing goes by any more. What cannot be removed does no harm.
    pub(super) fn forget_all_but(&self, needed: &[Files]) {
        let needed: Vec<PathBuf> = needed.iter().flat_map(|files| self.names(files)).collect();
        let Ok(entries) = fs::read_dir(&self.0) else { return };
        for path in entries.flatten().map(|entry| entry.path()).filter(|path| !needed.contains(path)) {
            let _ = fs::remove_file(path);
        }
    }

    pub(super) fn unreadable(&self, why: &dyn std::error::Error) -> KeptError {
        KeptError::Unreadable { path: self.0.clone(), why: why.to_string() }
    }

    fn names(&self, files: &Files) -> [PathBuf; 3] {
        let Files { config, lock, document } = files;
        [format!("{config}.toml"), format!("{lock}.lock"), format!("{document}.document")].map(|name| self.0.join(name))
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn what_is_kept_is_whole_closed_and_forgotten_when_it_is_not_needed() {
        let state = tempfile::tempdir().unwrap();
        let kept = Kept::of(state.path());
        let texts = |config: &str| Texts { config: config.to_owned(), lock: "l".to_owned(), document: b"d".to_vec() };
        let (one, other) = (texts("one"), texts("other"));
        kept.keep(&one).unwrap();
        kept.keep(&other).unwrap();
        assert_eq!(kept.read(&one.files()).unwrap().config, "one");
        let [path, ..] = kept.names(&one.files());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::write(&path, "changed").unwrap();
        assert!(matches!(kept.read(&one.files()), Err(KeptError::Gone { .. })), "what was changed is not gone by");
        kept.keep(&one).unwrap();
        kept.forget_all_but(&[other.files()]);
        assert!(matches!(kept.read(&one.files()), Err(KeptError::Gone { .. })));
        assert_eq!(kept.read(&other.files()).unwrap().document, b"d");
    }
}

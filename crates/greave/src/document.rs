//! The API's document and the accepted powers: read from disk, held against each other.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use authority::Digest;
use catalogue::{Catalogue, Drift, Lock, LockError, ReadError, Trouble};

use crate::config::Config;

/// The document as the gate obeys it.
pub(crate) struct Document {
    /// What the gate obeys: the operations of the document with the powers of the lock.
    pub(crate) catalogue: Catalogue,
    /// SHA-256 of the lock.
    pub(crate) lock: Digest,
    /// How the document differs from the lock.
    pub(crate) drift: Drift,
    /// What of the document was skipped or assumed.
    pub(crate) troubles: Vec<Trouble>,
}

/// Why the document cannot be obeyed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DocumentError {
    #[error("`{path}` cannot be read: {cause}; api.document names the API's OpenAPI document")]
    Missing { path: PathBuf, cause: io::Error },
    #[error("`{path}`: {cause}")]
    Broken { path: PathBuf, cause: ReadError },
    #[error("`{path}` is missing; `greave catalogue accept` writes it from the document")]
    NoLock { path: PathBuf },
    #[error("`{path}`: {cause}")]
    BrokenLock { path: PathBuf, cause: LockError },
    #[error("`{path}` cannot be written: {cause}")]
    Unwritable { path: PathBuf, cause: io::Error },
}

impl Document {
    /// Reads both, and judges by the lock.
    pub(crate) fn load(config: &Config) -> Result<Self, DocumentError> {
        let (reading, _) = read(config)?;
        let path = &config.api.lock;
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
                return Err(DocumentError::NoLock { path: path.clone() });
            }
            Err(cause) => return Err(DocumentError::Missing { path: path.clone(), cause }),
        };
        let lock = Lock::read(&text).map_err(|cause| DocumentError::BrokenLock { path: path.clone(), cause })?;
        let drift = Drift::between(&lock, &reading.catalogue);
        Ok(Self {
            catalogue: reading.catalogue.obeying(&lock),
            lock: Digest::of(text.as_bytes()),
            drift,
            troubles: reading.troubles,
        })
    }

    /// Writes the lock anew from the document. Returns how it differed from the lock before,
    /// where there was one, and what of the document was skipped.
    pub(crate) fn accept(config: &Config) -> Result<(Catalogue, Option<Drift>, Vec<Trouble>), DocumentError> {
        let (reading, digest) = read(config)?;
        let path = &config.api.lock;
        let before = fs::read_to_string(path).ok().and_then(|text| Lock::read(&text).ok());
        let drift = before.map(|lock| Drift::between(&lock, &reading.catalogue));
        let text = Lock::of(&reading.catalogue, &digest).write();
        replace(path, &text).map_err(|cause| DocumentError::Unwritable { path: path.clone(), cause })?;
        Ok((reading.catalogue, drift, reading.troubles))
    }
}

fn read(config: &Config) -> Result<(catalogue::Reading, String), DocumentError> {
    let path = &config.api.document;
    let bytes = fs::read(path).map_err(|cause| DocumentError::Missing { path: path.clone(), cause })?;
    let reading = Catalogue::read(&bytes, &config.catalogue_settings())
        .map_err(|cause| DocumentError::Broken { path: path.clone(), cause })?;
    Ok((reading, Digest::of(&bytes).to_string()))
}

/// Writes a file so that whoever reads it sees the old one or the new one, whole.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let new = path.with_extension("lock.new");
    fs::write(&new, text)?;
    fs::rename(new, path)
}

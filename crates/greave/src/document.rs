//! The API's document and the accepted powers: read from disk, held against each other.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use authority::Digest;
use catalogue::{Catalogue, Drift, Lock, LockError, ReadError, Trouble};

use crate::config::Config;

/// The document as the gate obeys it.
pub(crate) struct Document {
    /// What the gate obeys: the operations of the document with the powers of the lock.
    pub(crate) catalogue: Arc<Catalogue>,
    /// SHA-256 of the lock.
    pub(crate) lock: Digest,
    /// How the document differs from the lock.
    pub(crate) drift: Drift,
    /// What of the document was skipped or assumed.
    pub(crate) troubles: Vec<Trouble>,
    /// Whether this very document was accepted, with whatever is wrong in it.
    pub(crate) accepted: bool,
}

/// How a document is mended that no parser reads.
const SYNTAX: &str = "; mend it there, or fetch it again where it is cut off: JSON and YAML are read";

/// Why the document cannot be obeyed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DocumentError {
    #[error("`{path}` cannot be read: {cause}; api.document names the API's OpenAPI document")]
    Missing { path: PathBuf, cause: io::Error },
    #[error("`{path}`: {cause}{}", if matches!(cause, ReadError::Syntax { .. }) { SYNTAX } else { "" })]
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
        Self::obeying(config, &Self::bytes(config)?, &Self::lock(config)?)
    }

    /// What stands in the document's file.
    pub(crate) fn bytes(config: &Config) -> Result<Vec<u8>, DocumentError> {
        let path = &config.api.document;
        fs::read(path).map_err(|cause| DocumentError::Missing { path: path.clone(), cause })
    }

    /// What stands in the lock's file.
    pub(crate) fn lock(config: &Config) -> Result<String, DocumentError> {
        let path = config.api.lock.clone();
        fs::read_to_string(&path).map_err(|cause| match cause.kind() {
            io::ErrorKind::NotFound => DocumentError::NoLock { path },
            _ => DocumentError::Missing { path, cause },
        })
    }

    /// Judges a document by a lock.
    pub(crate) fn obeying(config: &Config, document: &[u8], lock: &str) -> Result<Self, DocumentError> {
        let reading = read(config, document)?;
        let path = &config.api.lock;
        let digest = Digest::of(lock.as_bytes());
        let lock = Lock::read(lock).map_err(|cause| DocumentError::BrokenLock { path: path.clone(), cause })?;
        let drift = Drift::between(&lock, &reading.catalogue);
        let accepted = lock.document == Digest::of(document).to_string();
        let catalogue = Arc::new(reading.catalogue.obeying(&lock));
        Ok(Self { catalogue, lock: digest, drift, troubles: reading.troubles, accepted })
    }

    /// Whether something is wrong that nobody has seen yet, or that the operator can mend: of an
    /// API that somebody else describes, the operator can do no more than accept the document.
    pub(crate) fn has_news(&self) -> bool {
        self.troubles.iter().any(|trouble| trouble.pointer.is_none() || !self.accepted)
    }

    /// What accepting the document would write.
    pub(crate) fn to_accept(config: &Config) -> Result<Accepted, DocumentError> {
        let bytes = Self::bytes(config)?;
        let catalogue::Reading { catalogue, troubles } = read(config, &bytes)?;
        let before = fs::read_to_string(&config.api.lock).ok().and_then(|text| Lock::read(&text).ok());
        let drift = before.map(|lock| Drift::between(&lock, &catalogue));
        let text = Lock::of(&catalogue, &Digest::of(&bytes).to_string()).write();
        Ok(Accepted { catalogue, drift, troubles, text })
    }
}

/// A document as it would be accepted.
pub(crate) struct Accepted {
    pub(crate) catalogue: Catalogue,
    /// How it differs from the lock before, where there is one that can be read.
    pub(crate) drift: Option<Drift>,
    /// What of the document was skipped.
    pub(crate) troubles: Vec<Trouble>,
    text: String,
}

impl Accepted {
    /// Writes the lock.
    pub(crate) fn write(&self, config: &Config) -> Result<(), DocumentError> {
        let path = &config.api.lock;
        replace(path, &self.text).map_err(|cause| DocumentError::Unwritable { path: path.clone(), cause })
    }
}

fn read(config: &Config, document: &[u8]) -> Result<catalogue::Reading, DocumentError> {
    let path = &config.api.document;
    Catalogue::read(document, &config.catalogue_settings())
        .map_err(|cause| DocumentError::Broken { path: path.clone(), cause })
}

/// Writes a file so that whoever reads it sees the old one or the new one, whole.
pub(crate) fn replace(path: &Path, text: &str) -> io::Result<()> {
    let new = path.with_extension("new");
    fs::write(&new, text)?;
    fs::rename(new, path)
}

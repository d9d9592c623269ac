//! What stands outside the database: 32 random bytes each, from the environment, from
//! systemd's credentials, or from files that only their owner can read.

use std::{
    fs, io,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use authority::{PepperId, Peppers, Secrets};
use aws_lc_rs::{
    digest::{SHA256, digest},
    rand,
};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use seal::{BadKey, Verifier};
use store::Signer;
use zeroize::Zeroizing;

/// The secrets that every gate has.
const ALWAYS: [&str; 3] = ["pepper", "master", "ledger"];

/// The pepper before this one, while keys change over.
const PREVIOUS: &str = "pepper-previous";

/// Whether a name stays within the folder of secrets.
pub(crate) fn is_name(name: &str) -> bool {
    !name.is_empty() && name != "." && !name.contains("..") && !name.contains(['/', '\\', '\0', '='])
}

/// Whether two names mean one secret: in the environment neither case nor separators tell them
/// apart.
pub(crate) fn is_same(one: &str, other: &str) -> bool {
    variable(one) == variable(other)
}

/// Whether it is one of the gate's own, which are for nothing else.
pub(crate) fn is_own(name: &str) -> bool {
    ALWAYS.into_iter().chain([PREVIOUS]).any(|own| is_same(own, name))
}

/// Where secrets are looked for.
pub(crate) struct Vault {
    folder: PathBuf,
}

/// Why a secret cannot be used. Never says what is in it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SecretError {
    #[error(
        "the secret `{name}` is missing; put it into `{path}` or into the environment as `{variable}`. Where systemd \
         gives it to the gate alone, leave that as it is: start the gate, or see `Without the gate's secrets` in \
         docs/guide.md"
    )]
    Missing { name: String, path: PathBuf, variable: String },
    #[error("`{path}` can be read by others; run `chmod 600 {path}`")]
    Readable { path: PathBuf },
    #[error("`{path}` cannot be read: {cause}; it must belong to the user that the gate runs as")]
    Unreadable { path: PathBuf, cause: io::Error },
    #[error("`{path}` cannot be written: {cause}; the user that the gate runs as must own the state folder")]
    Unwritable { path: PathBuf, cause: io::Error },
    #[error(
        "the secret `{0}` is not 32 bytes in base64; put back the one that the state was made with (`greave init` makes those of a new state)"
    )]
    Malformed(String),
    #[error("the system gives no random numbers; does `head -c 32 /dev/urandom` work?")]
    NoRandomness,
}

impl Vault {
    /// The vault of a state folder.
    pub(crate) fn of(state: &Path) -> Self {
        Self { folder: state.join("secrets") }
    }

    /// Makes the folder and what is missing in it. What is there stays.
    pub(crate) fn furnish(&self) -> Result<(), SecretError> {
        private_folder(&self.folder).map_err(|cause| SecretError::Unwritable { path: self.folder.clone(), cause })?;
        for name in ALWAYS {
            let path = self.folder.join(name);
            if path.exists() || self.given(name)?.is_some() {
                continue;
            }
            let mut bytes = Zeroizing::new([0; 32]);
            rand::fill(bytes.as_mut_slice()).map_err(|_| SecretError::NoRandomness)?;
            let text = Zeroizing::new(format!("{}\n", BASE64.encode(bytes.as_slice())));
            write_private(&path, text.as_bytes()).map_err(|cause| SecretError::Unwritable { path, cause })?;
        }
        Ok(())
    }

    /// A secret as text, such as a password.
    pub(crate) fn text(&self, name: &str) -> Result<Zeroizing<String>, SecretError> {
        if let Some(given) = self.given(name)? {
            return Ok(given);
        }
        let path = self.folder.join(name);
        read_private(&path)?.ok_or_else(|| SecretError::Missing {
            name: name.to_owned(),
            path,
            variable: variable(name),
        })
    }

    /// The pepper before this one, where there is one.
    pub(crate) fn previous_pepper(&self) -> Result<Option<Zeroizing<String>>, SecretError> {
        match self.text(PREVIOUS) {
            Err(SecretError::Missing { .. }) => Ok(None),
            text => text.map(Some),
        }
    }

    /// What the authority needs.
    pub(crate) fn authority(&self) -> Result<Secrets, SecretError> {
        let pepper = self.bytes("pepper")?;
        let previous = match self.bytes(PREVIOUS) {
            Ok(bytes) => Some(bytes),
            Err(SecretError::Missing { .. }) => None,
            Err(error) => return Err(error),
        };
        let peppers = Peppers::new(
            (pepper_id(&pepper), &pepper),
            previous.as_ref().map(|previous| (pepper_id(previous), &**previous)),
        );
        Ok(Secrets { peppers, master: self.bytes("master")?, signer: signer(&*self.bytes("ledger")?)? })
    }

    /// Who signs the record's checkpoints: the ledger's key under another name.
    pub(crate) fn record_signer(&self) -> Result<seal::Signer, SecretError> {
        let seed = self.bytes("ledger")?;
        named(&seed, "record", |name| seal::Signer::new(name, &*seed).map_err(|_| malformed()))
    }

    fn bytes(&self, name: &str) -> Result<Zeroizing<[u8; 32]>, SecretError> {
        let malformed = || SecretError::Malformed(name.to_owned());
        let text = self.text(name)?;
        let bytes = Zeroizing::new(BASE64.decode(text.trim()).map_err(|_| malformed())?);
        bytes.as_slice().try_into().map(Zeroizing::new).map_err(|_| malformed())
    }

    /// From the environment or from systemd, before any file.
    fn given(&self, name: &str) -> Result<Option<Zeroizing<String>>, SecretError> {
        if let Ok(value) = std::env::var(variable(name)) {
            return Ok(Some(Zeroizing::new(value)));
        }
        match std::env::var_os("CREDENTIALS_DIRECTORY") {
            Some(folder) => read(&Path::new(&folder).join(format!("greave-{name}"))),
            None => Ok(None),
        }
    }
}

/// `pepper-previous` is `GREAVE_SECRET_PEPPER_PREVIOUS`.
fn variable(name: &str) -> String {
    format!("GREAVE_SECRET_{}", name.to_ascii_uppercase().replace(['-', '.'], "_"))
}

/// A pepper is known by the start of its hash, so that nobody has to number them.
fn pepper_id(pepper: &[u8; 32]) -> PepperId {
    let start = digest(&SHA256, pepper).as_ref().first_chunk().copied().unwrap_or_default();
    PepperId(u32::from_be_bytes(start))
}

/// Who signs the ledger's checkpoints.
fn signer(seed: &[u8; 32]) -> Result<Signer, SecretError> {
    named(seed, "ledger", |name| Signer::new(name, seed).map_err(|_| malformed()))
}

/// The record's public key, from the ledger's: they are the same under two names.
pub(crate) fn record_verifier(ledger: &Verifier) -> Result<Verifier, BadKey> {
    Verifier::new(&name(ledger.key(), "record"), ledger.key())
}

fn named<T>(
    seed: &[u8; 32],
    book: &str,
    signer: impl FnOnce(&str) -> Result<T, SecretError>,
) -> Result<T, SecretError> {
    let public = Signer::new("", seed).map_err(|_| malformed())?;
    signer(&name(public.public_key(), book))
}

/// A book is named after the key that signs it, so that its name never has to change.
fn name(public: &[u8], book: &str) -> String {
    let key = digest(&SHA256, public).as_ref().first_chunk().map_or(0, |start| u32::from_be_bytes(*start));
    format!("greave/{key:08x}/{book}")
}

fn malformed() -> SecretError {
    SecretError::Malformed("ledger".to_owned())
}

fn read(path: &Path) -> Result<Option<Zeroizing<String>>, SecretError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(Zeroizing::new(text))),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(SecretError::Unreadable { path: path.to_owned(), cause }),
    }
}

/// Reads a file that only its owner can read; nothing where it is not there.
pub(crate) fn read_private(path: &Path) -> Result<Option<Zeroizing<String>>, SecretError> {
    let text = read(path)?;
    if text.is_some() {
        let mode = fs::metadata(path).map_err(|cause| SecretError::Unreadable { path: path.to_owned(), cause })?;
        if mode.permissions().mode() & 0o077 != 0 {
            return Err(SecretError::Readable { path: path.to_owned() });
        }
    }
    Ok(text)
}

/// Makes a folder that only its owner can enter; one that is there already is closed to others.
pub(crate) fn private_folder(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o700))
}

/// Writes a file that must not be there yet and that only its owner can read.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    io::Write::write_all(&mut file, bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_record_is_verified_with_what_the_ledgers_public_key_says() {
        let state = tempfile::tempdir().unwrap();
        let vault = Vault::of(state.path());
        vault.furnish().unwrap();
        let (ledger, record) = (vault.authority().unwrap().signer.verifier(), vault.record_signer().unwrap());
        assert_eq!(record_verifier(&ledger).unwrap().to_string(), record.verifier().to_string());
    }

    #[test]
    fn a_vault_is_furnished_once_and_closed_to_others() {
        let state = tempfile::tempdir().unwrap();
        let vault = Vault::of(state.path());
        vault.furnish().unwrap();
        let before = vault.text("master").unwrap();
        vault.furnish().unwrap();
        assert_eq!(*vault.text("master").unwrap(), *before);
        assert!(vault.authority().is_ok());

        let path = state.path().join("secrets/master");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(vault.text("master"), Err(SecretError::Readable { .. })));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&path, "c2hvcnQ=").unwrap();
        assert!(matches!(vault.authority(), Err(SecretError::Malformed(name)) if name == "master"));
        fs::remove_file(&path).unwrap();
        let missing = vault.text("master").err().unwrap().to_string();
        assert!(missing.contains("GREAVE_SECRET_MASTER"), "{missing}");
    }
}

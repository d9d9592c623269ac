//! Checkpoints: signed notes (C2SP signed-note, Ed25519) that say how long the ledger was
//! and what its head was.

use aws_lc_rs::{
    digest::{SHA256, digest},
    signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey},
};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};

use crate::{Chain, Hash};

/// Who signs the ledger's checkpoints. It never signs two that contradict each other,
/// because only the one writer of a ledger holds it.
pub struct Signer {
    origin: String,
    pair: Ed25519KeyPair,
}

/// A signed note of where the ledger stood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// How many entries there were, and the hash of the last.
    pub chain: Chain,
    /// The note: origin, size, head, an empty line, the signature.
    pub note: String,
}

/// Why a note is no checkpoint of this ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// It is not laid out as one.
    #[error("the note is not laid out as a checkpoint")]
    Malformed,
    /// It is of another ledger.
    #[error("the note is of another origin")]
    OtherOrigin,
    /// The signature is missing or not by this key.
    #[error("the signature is not by this ledger's key")]
    BadSignature,
}

/// A signing key that cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the ledger's signing key must be 32 bytes")]
pub struct BadSeed;

impl Signer {
    /// A signer for the ledger with this name, from a seed of 32 random bytes.
    ///
    /// # Errors
    /// When the seed has another length.
    pub fn new(origin: &str, seed: &[u8]) -> Result<Self, BadSeed> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| BadSeed)?;
        Ok(Self { origin: origin.to_owned(), pair })
    }

    /// The name under which this ledger signs.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The public key, 32 bytes.
    pub fn public_key(&self) -> &[u8] {
        self.pair.public_key().as_ref()
    }

    /// Signs where the chain stands.
    pub fn sign(&self, chain: Chain) -> Checkpoint {
        let text = format!("{}\n{}\n{}\n", self.origin, chain.len, chain.head);
        let signature = self.pair.sign(text.as_bytes());
        let mut tagged = key_id(&self.origin, self.public_key()).to_vec();
        tagged.extend_from_slice(signature.as_ref());
        let note = format!("{text}\n\u{2014} {} {}\n", self.origin, BASE64.encode(tagged));
        Checkpoint { chain, note }
    }

    /// Reads a note that this ledger signed.
    ///
    /// # Errors
    /// When it is malformed, of another origin, or not signed by this ledger's key.
    pub fn verify(&self, note: &str) -> Result<Checkpoint, CheckpointError> {
        Checkpoint::verify(note, &self.origin, self.public_key())
    }
}

impl Checkpoint {
    /// Reads a note with nothing but the name and the public key.
    ///
    /// # Errors
    /// When it is malformed, of another origin, or not signed by this key.
    pub fn verify(note: &str, origin: &str, public_key: &[u8]) -> Result<Self, CheckpointError> {
        let (text, signatures) = note.split_once("\n\n").ok_or(CheckpointError::Malformed)?;
        let text = format!("{text}\n");
        let mut lines = text.lines();
        if lines.next() != Some(origin) {
            return Err(CheckpointError::OtherOrigin);
        }
        let len = lines.next().and_then(|size| size.parse().ok()).ok_or(CheckpointError::Malformed)?;
        let head = lines.next().and_then(Hash::from_base64).ok_or(CheckpointError::Malformed)?;
        let tag = key_id(origin, public_key);
        let signed = signatures.lines().any(|line| {
            line.strip_prefix("\u{2014} ")
                .and_then(|line| line.strip_prefix(origin))
                .and_then(|line| BASE64.decode(line.trim()).ok())
                .and_then(|bytes| bytes.strip_prefix(&tag).map(<[u8]>::to_vec))
                .is_some_and(|signature| {
                    UnparsedPublicKey::new(&ED25519, public_key).verify(text.as_bytes(), &signature).is_ok()
                })
        });
        if !signed {
            return Err(CheckpointError::BadSignature);
        }
        Ok(Self { chain: Chain { len, head }, note: note.to_owned() })
    }
}

/// C2SP signed-note: the first four bytes of SHA-256(name, newline, 0x01, public key).
fn key_id(name: &str, public_key: &[u8]) -> [u8; 4] {
    let mut input = name.as_bytes().to_vec();
    input.extend_from_slice(b"\n\x01");
    input.extend_from_slice(public_key);
    let mut id = [0; 4];
    if let Some(start) = digest(&SHA256, &input).as_ref().first_chunk::<4>() {
        id = *start;
    }
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_verifies_and_a_changed_one_does_not() {
        let signer = Signer::new("greave.example/ledger", &[7; 32]).unwrap();
        let chain = Chain { len: 12, head: Hash([3; 32]) };
        let checkpoint = signer.sign(chain);
        assert_eq!(signer.verify(&checkpoint.note), Ok(checkpoint.clone()));

        let longer = checkpoint.note.replacen("\n12\n", "\n13\n", 1);
        assert_eq!(signer.verify(&longer), Err(CheckpointError::BadSignature));
        let other = Signer::new("greave.example/ledger", &[8; 32]).unwrap();
        assert_eq!(other.verify(&checkpoint.note), Err(CheckpointError::BadSignature));
        let renamed = Signer::new("elsewhere/ledger", &[7; 32]).unwrap();
        assert_eq!(renamed.verify(&checkpoint.note), Err(CheckpointError::OtherOrigin));
        for broken in ["", "greave.example/ledger\n", "greave.example/ledger\nx\ny\n\n"] {
            assert!(signer.verify(broken).is_err());
        }
    }

    #[test]
    fn a_note_is_laid_out_as_others_read_it() {
        let signer = Signer::new("greave.example/ledger", &[7; 32]).unwrap();
        let note = signer.sign(Chain { len: 1, head: Hash([0; 32]) }).note;
        let lines: Vec<&str> = note.lines().collect();
        assert_eq!(lines[..4], ["greave.example/ledger", "1", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", ""]);
        assert!(lines[4].starts_with("\u{2014} greave.example/ledger "));
    }
}

//! Checkpoints: signed notes that say how long the ledger was and what its head was. They are
//! laid out as those of the record; the hash in them is the head of a chain, not the root of a tree.

use seal::{BadSeed, NoteError as CheckpointError};

use crate::Chain;

/// Who signs the ledger's checkpoints. It never signs two that contradict each other,
/// because only the one writer of a ledger holds it.
pub struct Signer(seal::Signer);

/// A signed note of where the ledger stood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// How many entries there were, and the hash of the last.
    pub chain: Chain,
    /// The note: origin, size, head, an empty line, the signature.
    pub note: String,
}

impl Signer {
    /// A signer for the ledger with this name, from a seed of 32 random bytes.
    ///
    /// # Errors
    /// When the seed has another length.
    pub fn new(origin: &str, seed: &[u8]) -> Result<Self, BadSeed> {
        seal::Signer::new(origin, seed).map(Self)
    }

    /// The name under which this ledger signs.
    pub fn origin(&self) -> &str {
        self.0.name()
    }

    /// The public key, 32 bytes.
    pub fn public_key(&self) -> &[u8] {
        self.0.public_key()
    }

    /// Who verifies what this signs, with the public key alone.
    pub fn verifier(&self) -> seal::Verifier {
        self.0.verifier()
    }

    /// Signs where the chain stands.
    pub fn sign(&self, chain: Chain) -> Checkpoint {
        Checkpoint { chain, note: self.0.checkpoint(chain.len, chain.head) }
    }

    /// Reads a note that this ledger signed.
    ///
    /// # Errors
    /// When it is malformed, of another origin, or not signed by this ledger's key.
    pub fn verify(&self, note: &str) -> Result<Checkpoint, CheckpointError> {
        let seal::Checkpoint { origin: _, size, root } = self.0.verifier().checkpoint(note)?;
        Ok(Checkpoint { chain: Chain { len: size, head: root }, note: note.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Hash;

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

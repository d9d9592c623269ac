//! Signed notes (C2SP signed-note, Ed25519), and checkpoints as their text (C2SP tlog-checkpoint).

use std::{fmt, str::FromStr};

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};

use crate::Hash;

/// The byte that stands for Ed25519 in key ids and written keys.
const ED25519_BYTE: u8 = 1;

/// What begins a line with a signature: an em dash.
const DASH: &str = "\u{2014} ";

/// Who signs notes, under one name.
pub struct Signer {
    name: String,
    pair: Ed25519KeyPair,
}

/// Who can tell that a note was signed by one signer: a name and a public key. Written as C2SP
/// has it, `NAME+ID+KEY`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verifier {
    name: String,
    key: [u8; 32],
}

/// How large a log was, and the root of its tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's name.
    pub origin: String,
    /// How many entries it had.
    pub size: u64,
    /// The root of the tree over them.
    pub root: Hash,
}

/// Why a note is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// It is not laid out as one.
    #[error("the note is not laid out as a checkpoint")]
    Malformed,
    /// It is of another log.
    #[error("the note is of another origin")]
    OtherOrigin,
    /// The signature is missing or not by this key.
    #[error("the signature is not by this key")]
    BadSignature,
}

/// A signing key that cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a signing key must be 32 bytes")]
pub struct BadSeed;

/// A text that is no public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a public key is written NAME+ID+KEY, all of it; `greave record key` prints it")]
pub struct BadKey;

impl Signer {
    /// A signer under this name, from a seed of 32 random bytes.
    ///
    /// # Errors
    /// When the seed has another length.
    pub fn new(name: &str, seed: &[u8]) -> Result<Self, BadSeed> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| BadSeed)?;
        Ok(Self { name: name.to_owned(), pair })
    }

    /// The name under which it signs.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The public key, 32 bytes.
    pub fn public_key(&self) -> &[u8] {
        self.pair.public_key().as_ref()
    }

    /// Who can check what it signs.
    pub fn verifier(&self) -> Verifier {
        Verifier { name: self.name.clone(), key: self.public_key().try_into().unwrap_or_default() }
    }

    /// Signs how a log stands, under this signer's name. Whoever calls this sees to it that it
    /// never signs two that contradict each other.
    pub fn checkpoint(&self, size: u64, root: Hash) -> String {
        self.sign(&Checkpoint { origin: self.name.clone(), size, root }.to_string())
    }

    /// A note with this text, which ends with a newline.
    pub fn sign(&self, text: &str) -> String {
        let mut tagged = key_id(&self.name, self.public_key()).to_vec();
        tagged.extend_from_slice(self.pair.sign(text.as_bytes()).as_ref());
        format!("{text}\n{DASH}{} {}\n", self.name, BASE64.encode(tagged))
    }
}

impl Verifier {
    /// From a name and the 32 bytes of a public key.
    ///
    /// # Errors
    /// When the key has another length.
    pub fn new(name: &str, key: &[u8]) -> Result<Self, BadKey> {
        Ok(Self { name: name.to_owned(), key: key.try_into().map_err(|_| BadKey)? })
    }

    /// The name under which is signed.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The public key, 32 bytes.
    pub const fn key(&self) -> &[u8] {
        &self.key
    }

    /// The text of a note, where this signer signed it. Signatures of others beside it are passed over.
    ///
    /// # Errors
    /// When it is malformed, or not signed so.
    pub fn open<'a>(&self, note: &'a str) -> Result<&'a str, NoteError> {
        let end = note.rfind("\n\n").ok_or(NoteError::Malformed)?;
        let (text, signatures) = (note.get(..=end), note.get(end + 2..));
        let (Some(text), Some(signatures)) = (text, signatures) else { return Err(NoteError::Malformed) };
        let id = key_id(&self.name, &self.key);
        let key = UnparsedPublicKey::new(&ED25519, self.key);
        let by_us = |line: &str| {
            let (name, signature) = line.strip_prefix(DASH)?.split_once(' ')?;
            let signature = BASE64.decode(signature).ok().filter(|_| name == self.name)?;
            key.verify(text.as_bytes(), signature.strip_prefix(&id)?).ok()
        };
        if signatures.lines().any(|line| by_us(line).is_some()) { Ok(text) } else { Err(NoteError::BadSignature) }
    }

    /// The checkpoint of a note, where this signer signed it for a log of its own: one of the
    /// signer's name, or one of several with 32 hexadecimal digits behind that name and a slash.
    ///
    /// # Errors
    /// When it is malformed, of another log, or not signed so.
    pub fn checkpoint(&self, note: &str) -> Result<Checkpoint, NoteError> {
        if !note.lines().next().is_some_and(|origin| self.is_own(origin)) {
            return Err(if note.contains("\n\n") { NoteError::OtherOrigin } else { NoteError::Malformed });
        }
        self.open(note)?.parse()
    }

    /// INVARIANT: no signer's name ends like this, so that no log of one is taken for another's.
    fn is_own(&self, origin: &str) -> bool {
        let own = |rest: &str| {
            let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
            rest.is_empty() || rest.strip_prefix('/').is_some_and(|id| id.len() == 32 && id.bytes().all(is_digit))
        };
        origin.strip_prefix(&self.name).is_some_and(own)
    }
}

impl fmt::Display for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut key = vec![ED25519_BYTE];
        key.extend_from_slice(&self.key);
        write!(f, "{}+{:08x}+{}", self.name, u32::from_be_bytes(key_id(&self.name, &self.key)), BASE64.encode(key))
    }
}

impl FromStr for Verifier {
    type Err = BadKey;

    fn from_str(text: &str) -> Result<Self, BadKey> {
        // The key itself may hold a `+`, a name and an id may not.
        let (name, rest) = text.trim().split_once('+').ok_or(BadKey)?;
        let (_, key) = rest.split_once('+').ok_or(BadKey)?;
        let key = BASE64.decode(key).map_err(|_| BadKey)?;
        let verifier = Self::new(name, key.strip_prefix(&[ED25519_BYTE]).ok_or(BadKey)?)?;
        let plain = !name.is_empty() && !name.contains(char::is_whitespace);
        // The id must be the key's: a text that was cut or mixed up is not taken.
        if plain && verifier.to_string() == text.trim() { Ok(verifier) } else { Err(BadKey) }
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{}\n{}", self.origin, self.size, self.root)
    }
}

impl FromStr for Checkpoint {
    type Err = NoteError;

    /// Lines behind the third are of extensions, and passed over.
    fn from_str(text: &str) -> Result<Self, NoteError> {
        let mut lines = text.lines();
        let mut next = || lines.next().ok_or(NoteError::Malformed);
        let (origin, size, root) = (next()?, next()?, next()?);
        let number: u64 = size.parse().map_err(|_| NoteError::Malformed)?;
        let root = Hash::from_base64(root).ok_or(NoteError::Malformed)?;
        if origin.is_empty() || number.to_string() != size || !text.ends_with('\n') {
            return Err(NoteError::Malformed);
        }
        Ok(Self { origin: origin.to_owned(), size: number, root })
    }
}

/// The first four bytes of SHA-256(name, newline, 0x01, public key).
fn key_id(name: &str, public_key: &[u8]) -> [u8; 4] {
    let Hash([a, b, c, d, ..]) = Hash::of(&[name.as_bytes(), b"\n", &[ED25519_BYTE], public_key]);
    [a, b, c, d]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The example of the specification.
    const KEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    const NOTE: &str = "If you think cryptography is the answer to your problem,\n\
        then you don't know what your problem is.\n\n\
        — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

    fn signer() -> Signer {
        Signer::new("greave.example/record", &[7; 32]).unwrap()
    }

    #[test]
    fn the_example_of_the_specification_verifies() {
        let verifier: Verifier = KEY.parse().unwrap();
        assert_eq!(verifier.to_string(), KEY);
        assert!(verifier.open(NOTE).unwrap().ends_with("what your problem is.\n"));
        assert_eq!(verifier.open(&NOTE.replace("is the answer", "was the answer")), Err(NoteError::BadSignature));
        assert_eq!(verifier.checkpoint(NOTE), Err(NoteError::OtherOrigin));
        let foreign = NOTE.replace("\n\n", "\n\n— Somebody YWJjZGVmZ2g=\n");
        assert!(verifier.open(&foreign).is_ok(), "another's signature stands beside it");
        for key in [&KEY[1..], &KEY[..KEY.len() - 4], &KEY.replace("c7", "c8"), "", "a+b", "+00000000+AQ=="] {
            assert_eq!(key.parse::<Verifier>(), Err(BadKey), "{key}");
        }
    }

    #[test]
    fn a_checkpoint_verifies_and_is_laid_out_as_others_read_it() {
        let (signer, root) = (signer(), Hash([3; 32]));
        let note = signer.checkpoint(12, root);
        let lines: Vec<&str> = note.lines().collect();
        assert_eq!(lines[..4], ["greave.example/record", "12", "AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=", ""]);
        let origin = "greave.example/record".to_owned();
        assert_eq!(signer.verifier().checkpoint(&note), Ok(Checkpoint { origin, size: 12, root }));
        assert_eq!(signer.verifier().to_string().parse(), Ok(signer.verifier()));
        for (rest, own) in [
            ("/0123456789abcdef0123456789abcdef", true),
            ("/0123456789abcdef0123456789abcdeF", false),
            ("/1", false),
            ("s", false),
        ] {
            let origin = format!("greave.example/record{rest}");
            let note = signer.sign(&Checkpoint { origin, size: 12, root }.to_string());
            assert_eq!(signer.verifier().checkpoint(&note).is_ok(), own, "{rest}");
        }
        let other = Signer::new("greave.example/record", &[8; 32]).unwrap();
        assert_eq!(other.verifier().checkpoint(&note), Err(NoteError::BadSignature));
        let renamed = Signer::new("greave.example/ledger", &[7; 32]).unwrap();
        assert_eq!(renamed.verifier().checkpoint(&note), Err(NoteError::OtherOrigin));
        for text in ["a\n1\n", "a\n01\nAA==\n", "\n1\n\n", "a\n+1\nAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=\n"] {
            assert_eq!(text.parse::<Checkpoint>(), Err(NoteError::Malformed), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_note_with_any_other_byte_is_not_taken(place in any::<prop::sample::Index>(), other in any::<u8>()) {
            let note = signer().checkpoint(12, Hash([3; 32]));
            let place = place.index(note.len());
            let mut bytes = note.clone().into_bytes();
            prop_assume!(bytes[place] != other);
            bytes[place] = other;
            if let Ok(changed) = String::from_utf8(bytes) {
                // A newline more or less at the very end changes nothing that was signed.
                prop_assume!(changed.trim_end() != note.trim_end());
                prop_assert!(signer().verifier().checkpoint(&changed).is_err(), "{changed}");
            }
        }
    }
}

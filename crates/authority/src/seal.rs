//! What must be read again but must not lie open: sealed with the master key, which stands
//! outside the database.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use zeroize::Zeroizing;

/// Seals and opens. AES-256-GCM, a random nonce before the text.
pub struct Sealer(RandomizedNonceKey);

/// Something that does not open: the master key is another, or the bytes were changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a sealed value does not open; is the master key the one that sealed it?")]
pub struct DoesNotOpen;

impl Sealer {
    /// With a master key of 32 random bytes.
    ///
    /// # Errors
    /// When the cipher refuses the key; it never refuses 32 bytes.
    pub fn new(master: &[u8; 32]) -> Result<Self, DoesNotOpen> {
        RandomizedNonceKey::new(&AES_256_GCM, master).map(Self).map_err(|_| DoesNotOpen)
    }

    /// Seals a text for one place: it opens nowhere else.
    ///
    /// # Errors
    /// When the cipher fails; it does not for texts below 64 GiB.
    pub fn seal(&self, place: &str, text: &[u8]) -> Result<Vec<u8>, DoesNotOpen> {
        let mut sealed = text.to_vec();
        let nonce = self.0.seal_in_place_append_tag(Aad::from(place), &mut sealed).map_err(|_| DoesNotOpen)?;
        let mut whole = nonce.as_ref().to_vec();
        whole.append(&mut sealed);
        Ok(whole)
    }

    /// Opens what was sealed for this place.
    ///
    /// # Errors
    /// When it was sealed with another key, for another place, or changed since.
    pub fn open(&self, place: &str, whole: &[u8]) -> Result<Zeroizing<Vec<u8>>, DoesNotOpen> {
        let (nonce, sealed) = whole.split_first_chunk::<NONCE_LEN>().ok_or(DoesNotOpen)?;
        let mut sealed = Zeroizing::new(sealed.to_vec());
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let len = self.0.open_in_place(nonce, Aad::from(place), &mut sealed).map_err(|_| DoesNotOpen)?.len();
        sealed.truncate(len);
        Ok(sealed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sealed_opens_in_its_place_only() {
        let sealer = Sealer::new(&[9; 32]).unwrap();
        let sealed = sealer.seal("seed/h1", b"twenty bytes of seed").unwrap();
        assert_eq!(sealer.open("seed/h1", &sealed).unwrap().as_slice(), b"twenty bytes of seed");
        assert!(sealer.open("seed/h2", &sealed).is_err());
        assert!(Sealer::new(&[8; 32]).unwrap().open("seed/h1", &sealed).is_err());
        for place in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[place] ^= 1;
            assert!(sealer.open("seed/h1", &changed).is_err());
            assert!(sealer.open("seed/h1", &sealed[..place]).is_err());
        }
    }
}

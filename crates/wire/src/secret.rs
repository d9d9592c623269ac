//! A credential as it came over the wire.

use zeroize::Zeroizing;

/// Bytes that somebody may log in with. Wiped when dropped.
///
/// It has no `Debug`, `Display`, `Serialize` or `Clone`, so that it cannot slip into a log, an
/// error, a record or a second copy:
/// ```compile_fail
/// fn slips(secret: &wire::Secret) -> String { format!("{secret:?}") }
/// ```
/// ```compile_fail
/// fn copies(secret: &wire::Secret) -> wire::Secret { secret.clone() }
/// ```
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Takes a copy of these bytes.
    pub fn new(bytes: &[u8]) -> Self {
        Self(Zeroizing::new(bytes.to_vec()))
    }

    /// The bytes themselves.
    ///
    /// Only three callers have a reason: whoever makes the digest by which a key is known,
    /// whoever checks a one-time code, and [`mask`](crate::mask), which takes the bytes out of
    /// a text. Whoever else calls this has to say why.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

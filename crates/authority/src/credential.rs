//! The gate's own credential for the API, with which it speaks for issued keys.

use std::{fmt, sync::Arc};

use wire::{Secret, Sought, Unsearchable};

use crate::{Folded, SecretDigest};

/// The all-powerful credential that stays inside, and what shows it in an answer.
pub struct Credential {
    secret: Secret,
    sought: Arc<Sought>,
    /// What whoever has it may show of it: all of it, or its password.
    digests: Vec<(SecretDigest, Option<Folded>)>,
}

impl Credential {
    /// A credential as the API takes it; for `Basic` user and password with a colon between.
    ///
    /// # Errors
    /// For one that cannot stand in a header, or that is too short to be looked for.
    pub fn new(text: &[u8]) -> Result<Self, Unsearchable> {
        let secret = Secret::new(text);
        let mut shows = vec![Secret::new(text)];
        // Why it is looked at: a password shows the credential without its user, too.
        let password = text.iter().position(|byte| *byte == b':').and_then(|colon| text.get(colon + 1..));
        shows.extend(password.filter(|password| password.len() >= 8).map(Secret::new));
        // Why they are exposed: it is recognised by its digest where a client sends it.
        let digest = |shown: &Secret| (SecretDigest::of(shown.expose()), Folded::of(shown.expose()));
        let digests = shows.iter().map(digest).collect();
        Ok(Self { sought: Arc::new(Sought::new(&shows)?), secret, digests })
    }

    /// Whether this is it, in whatever spelling.
    pub(crate) fn is(&self, digest: &SecretDigest, folded: Option<&Folded>) -> bool {
        let is_spelled = |own: &Option<Folded>| own.as_ref().zip(folded).is_some_and(|(own, other)| own.is(other));
        self.digests.iter().any(|(own, spelled)| own.is(digest) || is_spelled(spelled))
    }

    /// The credential itself, for the one request that carries it.
    pub const fn secret(&self) -> &Secret {
        &self.secret
    }

    /// What shows it.
    pub const fn sought(&self) -> &Arc<Sought> {
        &self.sought
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credential")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_shows_without_its_user() {
        let credential = Credential::new(b"robot:a-long-password").unwrap();
        assert!(credential.sought().is_in(b"{\"password\":\"a-long-password\"}"));
        assert!(!credential.sought().is_in(b"robot"));
        assert_eq!(format!("{credential:?}"), "Credential");
        assert!(Credential::new(b"short").is_err());
        let is = |shown: &[u8]| credential.is(&SecretDigest::of(shown), Folded::of(shown).as_ref());
        assert!(is(b"robot:a-long-password") && is(b"a-long-password"));
        assert!(!is(b"robot") && !is(b"") && !is(b"a-long-passwor"));
        let made = Credential::new(b"sk_live_4eC39HqLyjWDarjtT1zdp7dc").unwrap();
        let is = |shown: &[u8]| made.is(&SecretDigest::of(shown), Folded::of(shown).as_ref());
        assert!(is(b"SK_LIVE_4EC39HQLYJWDARJTT1ZDP7DC"), "an API may take it in another letter case");
    }
}

//! The gate's own credential for the API, with which it speaks for issued keys.

use std::{fmt, sync::Arc};

use wire::{Secret, Sought, Unsearchable};

/// The all-powerful credential that stays inside, and what shows it in an answer.
pub struct Credential {
    secret: Secret,
    sought: Arc<Sought>,
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
        Ok(Self { sought: Arc::new(Sought::new(&shows)?), secret })
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
    }
}

//! What the operator configured: plain data, checked when a [`crate::Teller`] is made of it.

use std::{fmt, time::Duration};

use rustls::pki_types::{CertificateDer, pem::PemObject as _};
use zeroize::Zeroizing;

use crate::{Kind, signature::Secret};

/// Over which ways people are told.
#[derive(Debug, Default)]
pub struct Settings {
    /// Receivers of signed webhooks.
    pub webhooks: Vec<Webhook>,
    /// The mail server; without one, nobody is told by mail.
    pub mail: Option<Mail>,
    /// Which certificate authorities are believed.
    pub roots: Roots,
    /// How much, how often, how long.
    pub limits: Limits,
}

/// One receiver of signed webhooks.
pub struct Webhook {
    /// An `https://` address; `http://` only to this host, or as `danger_plain_http` says. A
    /// path often holds a secret, so only scheme and host are ever shown.
    pub url: String,
    /// Signs every message.
    pub secret: Secret,
    /// Signs too, while a secret is rotated.
    pub previous: Option<Secret>,
    /// Only these kinds; none means all.
    pub kinds: Option<Vec<Kind>>,
    /// Allows `http://` to other hosts: whoever is on the way reads every notice.
    pub danger_plain_http: bool,
}

/// Without the address: its path is often a secret.
impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook")
            .field("kinds", &self.kinds)
            .field("danger_plain_http", &self.danger_plain_http)
            .finish_non_exhaustive()
    }
}

/// The mail server and how to speak to it.
#[derive(Debug)]
pub struct Mail {
    /// Name or address.
    pub server: String,
    /// Usually 465 for TLS, 587 for STARTTLS.
    pub port: u16,
    /// How the connection is protected.
    pub security: Security,
    /// The sender, such as `Greave <greave@example.org>`.
    pub from: String,
    /// User and password, where the server asks for them.
    pub login: Option<Login>,
}

/// How the connection to the mail server is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// TLS from the first byte.
    Tls,
    /// An upgrade that is demanded: a server without it gets no mail and no password.
    StartTls,
    /// None; only to a server on this host.
    PlainOnLoopback,
}

/// User and password for the mail server.
pub struct Login {
    /// The user's name.
    pub user: String,
    /// The password.
    pub password: Zeroizing<String>,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("user", &self.user).finish_non_exhaustive()
    }
}

/// Which certificate authorities are believed.
#[derive(Clone, Debug, Default)]
pub enum Roots {
    /// Those of the operating system; `SSL_CERT_FILE` and `SSL_CERT_DIR` name others.
    #[default]
    System,
    /// Only these.
    Only(Vec<CertificateDer<'static>>),
}

impl Roots {
    /// Those of a file in PEM.
    ///
    /// # Errors
    /// When it cannot be read, or has no certificate in it.
    pub fn read(path: &std::path::Path) -> std::io::Result<Self> {
        let certificates = CertificateDer::pem_slice_iter(&std::fs::read(path)?).collect::<Result<Vec<_>, _>>();
        match certificates {
            Ok(certificates) if !certificates.is_empty() => Ok(Self::Only(certificates)),
            _ => Err(std::io::Error::other("it holds no certificate in PEM")),
        }
    }
}

/// How much, how often, how long.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Notices that wait to be taken up by a way; what does not fit is counted as missed.
    pub queue: usize,
    /// Letters of one way that wait for their next attempt.
    pub waiting: usize,
    /// Mails a minute for one person, two at least.
    pub mails_a_minute: usize,
    /// Messages a minute for one webhook, two at least.
    pub webhooks_a_minute: usize,
    /// Attempts for one letter before it is given up.
    pub attempts: u32,
    /// The longest that one attempt may take.
    pub attempt: Duration,
    /// The longest that a shutdown waits for what is not yet told.
    pub flush: Duration,
}

impl Default for Limits {
    /// Twelve attempts spread over roughly half an hour: longer than any challenge waits.
    fn default() -> Self {
        Self {
            queue: 1024,
            waiting: 512,
            mails_a_minute: 6,
            webhooks_a_minute: 60,
            attempts: 12,
            attempt: Duration::from_secs(15),
            flush: Duration::from_secs(5),
        }
    }
}

/// Settings that cannot work, for the operator to mend. They show no secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// A webhook's address cannot be read.
    #[error("the address of webhook {number} is no `https://host/path`")]
    Url {
        /// Its place in the list, from 1.
        number: usize,
    },
    /// A webhook's address holds a user name.
    #[error("the address of webhook {number} holds a login; remove it: messages are signed with the webhook's secret")]
    Userinfo {
        /// Its place in the list, from 1.
        number: usize,
    },
    /// A webhook would go over the network unprotected.
    #[error("webhook {number} to `{host}` is not protected; use `https://`, or set `danger_plain_http = true`")]
    PlainHttp {
        /// Its place in the list, from 1.
        number: usize,
        /// The host.
        host: String,
    },
    /// A server's name is none.
    #[error("`{0}` is no name or address of a server")]
    Server(String),
    /// The sender's address cannot be read.
    #[error("`{0}` is no mail address; write `Greave <greave@example.org>`")]
    From(String),
    /// Mail would go over the network unprotected.
    #[error("mail to `{0}` is not protected; use TLS or STARTTLS, plain is only for a server on this host")]
    PlainMail(String),
    /// There is no certificate authority to believe.
    #[error(
        "no certificate authority is known here; install the system's (Debian: `ca-certificates`) or set `SSL_CERT_FILE`"
    )]
    NoRoots,
    /// The TLS library refuses its own settings.
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_show_no_secret() {
        let settings = Settings {
            webhooks: vec![Webhook {
                url: "https://hooks.example.com/T0/s3cret".to_owned(),
                secret: Secret::parse("whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=").unwrap(),
                previous: None,
                kinds: None,
                danger_plain_http: false,
            }],
            mail: Some(Mail {
                server: "mail.example.org".to_owned(),
                port: 465,
                security: Security::Tls,
                from: "greave@example.org".to_owned(),
                login: Some(Login { user: "greave".to_owned(), password: "s3cret".to_owned().into() }),
            }),
            ..Settings::default()
        };
        let shown = format!("{settings:?}");
        assert!(shown.contains("mail.example.org"));
        assert!(!shown.contains("s3cret") && !shown.contains("AQID"), "{shown}");
    }
}

//! A drain: lines go out to another system, batch by batch.

mod file;
mod syslog;

use std::{path::PathBuf, time::Duration};

use http::{HeaderName, HeaderValue};
use jiff::Timestamp;
use law::Severity;
use tokio::time::timeout;

pub use self::syslog::{Facility, UnknownFacility};
use crate::{Post, Roots, SettingsError};

/// The longest that one batch may take.
const ATTEMPT: Duration = Duration::from_secs(30);

/// One line for another system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// When what it tells of happened.
    pub at: Timestamp,
    /// How much it matters.
    pub severity: Severity,
    /// What it tells of, in one word.
    pub word: &'static str,
    /// The line itself: JSON, without a line break.
    pub text: String,
}

/// How lines stand in the body of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// One a line.
    #[default]
    Lines,
    /// As a JSON array.
    Array,
}

/// Where lines go, as the operator says it.
pub struct DrainSettings {
    /// `file:/var/log/greave.jsonl`, `https://host/path`, `syslog+tls://host:6514`,
    /// `syslog+tcp://host:601`, `syslog+udp://host:514` or `syslog+unix:/dev/log`.
    pub to: String,
    /// How lines stand in a request.
    pub form: Form,
    /// Whether requests are compressed.
    pub gzip: bool,
    /// A header that each request has.
    pub credential: Option<(HeaderName, HeaderValue)>,
    /// Under which facility syslog has them.
    pub facility: Facility,
    /// The name of this host for syslog.
    pub host: String,
    /// Which certificate authorities are believed.
    pub roots: Roots,
    /// Lets lines leave this host unprotected.
    pub danger_plain: bool,
}

/// A drain that cannot work, for the operator to mend. Shows no secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DrainError {
    /// The address cannot be read.
    #[error(
        "its address is none; write `file:/path`, `https://host/path`, `syslog+tls://host`, `syslog+tcp://host`, `syslog+udp://host` or `syslog+unix:/dev/log`"
    )]
    Address,
    /// The address holds a login.
    #[error("its address holds a login; remove it, and name a `secret` instead")]
    Login,
    /// Lines would go over the network unprotected.
    #[error("what goes to `{0}` is not protected; use `https://` or `syslog+tls://`, or set `danger_plain = true`")]
    Plain(String),
    /// TLS cannot be set up.
    #[error(transparent)]
    Tls(SettingsError),
}

/// Why a batch did not arrive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Undelivered {
    /// It may arrive later; after the time that the receiver asks for, where it asks.
    Later {
        /// What went wrong, in words, without secrets.
        why: String,
        /// How long to wait.
        after: Option<Duration>,
    },
    /// The receiver will never take this batch; it may take a smaller one.
    Unfit {
        /// What it says.
        why: String,
    },
}

impl Undelivered {
    pub(crate) fn later(why: impl Into<String>) -> Self {
        Self::Later { why: why.into(), after: None }
    }

    /// What went wrong, in words.
    pub fn why(&self) -> &str {
        match self {
            Self::Later { why, .. } | Self::Unfit { why } => why,
        }
    }
}

/// A way out, ready to be written to.
pub struct Drain {
    shown: String,
    way: Way,
}

enum Way {
    File(file::Sink),
    Syslog(Box<syslog::Sender>),
    Http { post: Post, form: Form, gzip: bool },
}

impl Drain {
    /// Checks the settings; nothing is opened or sent yet.
    ///
    /// # Errors
    /// When they cannot work.
    pub fn new(settings: DrainSettings) -> Result<Self, DrainError> {
        let DrainSettings { to, form, gzip, credential, facility, host, roots, danger_plain } = settings;
        let (scheme, rest) = to.split_once(':').ok_or(DrainError::Address)?;
        match scheme {
            "file" => {
                let path = PathBuf::from(rest);
                if rest.is_empty() || rest.ends_with('/') {
                    return Err(DrainError::Address);
                }
                Ok(Self { shown: to.clone(), way: Way::File(file::Sink::new(path)) })
            }
            "http" | "https" => {
                let post = Post::new(&to, credential, &roots, danger_plain)?;
                Ok(Self { shown: post.shown(), way: Way::Http { post, form, gzip } })
            }
            _ => {
                let sender = syslog::Sender::new((scheme, rest), facility, &host, &roots, danger_plain)?;
                Ok(Self { shown: to.clone(), way: Way::Syslog(Box::new(sender)) })
            }
        }
    }

    /// Where it leads, without what may be a secret.
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// Whether what was carried last may be lost all the same: then it is well to carry it again
    /// after a start.
    pub fn is_unsure(&self) -> bool {
        matches!(&self.way, Way::Syslog(sender) if sender.is_stream())
    }

    /// Carries a batch, all of it or none as far as that can be known; what came back, in words.
    ///
    /// # Errors
    /// When it did not arrive; then the same lines may come again, and arrive twice.
    pub async fn carry(&mut self, lines: &[Line]) -> Result<String, Undelivered> {
        let carried = async {
            match &mut self.way {
                Way::File(sink) => sink.append(lines).await,
                Way::Syslog(sender) => sender.send(lines).await,
                Way::Http { post, form, gzip } => {
                    let (body, content_type) = body(lines, *form);
                    post.send(content_type, body, *gzip).await
                }
            }
        };
        timeout(ATTEMPT, carried).await.unwrap_or_else(|_| Err(Undelivered::later("it took too long")))
    }
}

fn body(lines: &[Line], form: Form) -> (Vec<u8>, &'static str) {
    let texts: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
    match form {
        Form::Lines => ((texts.join("\n") + "\n").into_bytes(), "application/x-ndjson"),
        Form::Array => (format!("[{}]", texts.join(",")).into_bytes(), "application/json"),
    }
}

#[cfg(test)]
pub(crate) mod tests;

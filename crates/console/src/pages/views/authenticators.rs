//! Who has an authenticator, and stopping one.

use askama::Template;
use authority::Holder;
use axum::response::Response;
use http::StatusCode;
use law::HolderId;

use super::{Frame, html};
use crate::pages::text::{moment, visible};

/// A person and their authenticator.
pub(in crate::pages) struct Whose {
    pub(in crate::pages) id: HolderId,
    pub(in crate::pages) name: String,
    administrator: bool,
    since: String,
    /// Why its codes serve no more, where they do not.
    stopped: Option<String>,
    recovery_codes: usize,
}

impl Whose {
    pub(in crate::pages) fn new(holder: &Holder) -> Self {
        let authenticator = holder.authenticator.as_deref();
        let stopped = authenticator.and_then(|it| match it.stopped {
            Some(at) => Some(format!("stopped at {}", moment(at))),
            None => it.disabled.then(|| "stopped: too many wrong codes".to_owned()),
        });
        Self {
            id: holder.id,
            name: visible(&holder.name, false),
            administrator: holder.administrator,
            since: authenticator.map_or_else(String::new, |it| moment(it.since)),
            stopped,
            recovery_codes: authenticator.map_or(0, |it| it.recovery.iter().flatten().count()),
        }
    }

    /// Whether there is something left to stop.
    const fn serves(&self) -> bool {
        self.stopped.is_none() || self.recovery_codes > 0
    }
}

/// Who has an authenticator.
#[derive(Template)]
#[template(path = "authenticators.html")]
pub(in crate::pages) struct AuthenticatorsPage {
    frame: Frame,
    people: Vec<Whose>,
    own: HolderId,
    said: Option<String>,
}

impl AuthenticatorsPage {
    pub(in crate::pages) const fn new(frame: Frame, people: Vec<Whose>, own: HolderId, said: Option<String>) -> Self {
        Self { frame, people, own, said }
    }

    pub(in crate::pages) fn page(&self) -> Response {
        html(StatusCode::OK, self)
    }
}

/// Asks once more before an authenticator stops.
#[derive(Template)]
#[template(path = "stop_authenticator.html")]
pub(in crate::pages) struct StopAuthenticator {
    frame: Frame,
    whose: Whose,
    is_own: bool,
    error: Option<String>,
}

impl StopAuthenticator {
    pub(in crate::pages) const fn new(frame: Frame, whose: Whose, is_own: bool, error: Option<String>) -> Self {
        Self { frame, whose, is_own, error }
    }

    pub(in crate::pages) fn page(&self, status: StatusCode) -> Response {
        html(status, self)
    }
}

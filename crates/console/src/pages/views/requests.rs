//! Requests for keys.

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use law::{KeyId, Power, RequestId};
use wire::Secret;
use zeroize::Zeroizing;

use super::{Frame, html};
use crate::{
    api::{Asked, Outlook, RequestStanding, RequestView},
    pages::text::{moment, visible},
};

/// All requests that concern somebody, and a form to ask.
#[derive(Template)]
#[template(path = "requests.html")]
pub(in crate::pages) struct RequestsPage {
    frame: Frame,
    lines: Vec<Line>,
    /// Whether keys are issued here at all.
    issues: bool,
    powers: [Power; 9],
    said: Option<String>,
    error: Option<String>,
}

struct Line {
    id: RequestId,
    by: String,
    holder: String,
    powers: String,
    at: String,
    standing: &'static str,
    reason: String,
}

impl RequestsPage {
    pub(in crate::pages) fn new(
        frame: Frame,
        requests: &[RequestView],
        issues: bool,
        said: Option<String>,
        error: Option<String>,
    ) -> Self {
        let line = |request: &RequestView| Line {
            id: request.id,
            by: visible(&request.by, false),
            holder: visible(&request.holder, false),
            powers: request.asked.scope.powers.to_string(),
            at: moment(request.at),
            standing: request.standing.word(),
            reason: visible(&request.reason, false),
        };
        Self { frame, lines: requests.iter().map(line).collect(), issues, powers: Power::ALL, said, error }
    }

    pub(in crate::pages) fn page(&self, status: StatusCode) -> Response {
        html(status, self)
    }
}

/// One request, what its key would reach, and what can be said to it.
#[derive(Template)]
#[template(path = "request.html")]
pub(in crate::pages) struct RequestPage {
    frame: Frame,
    id: RequestId,
    by: String,
    name: Option<String>,
    holder: String,
    reason: String,
    at: String,
    until: String,
    standing: &'static str,
    asked: Vec<String>,
    powers: Vec<Power>,
    lifetime: String,
    granted: Option<(String, Vec<String>)>,
    why: Option<String>,
    approvers: String,
    outlook: Outlook,
    asking: usize,
    may_grant: bool,
    may_collect: bool,
    may_deny: bool,
    error: Option<String>,
}

impl RequestPage {
    pub(in crate::pages) fn new(
        frame: Frame,
        request: &RequestView,
        outlook: &Outlook,
        (may_grant, may_collect): (bool, bool),
        error: Option<String>,
    ) -> Self {
        let granted = request.granted.as_ref().zip(request.granted_by.as_ref());
        Self {
            frame,
            id: request.id,
            by: visible(&request.by, false),
            name: request.name.as_ref().map(|name| visible(name, false)),
            holder: visible(&request.holder, false),
            reason: visible(&request.reason, false),
            at: moment(request.at),
            until: moment(request.until),
            standing: request.standing.word(),
            asked: in_words(&request.asked),
            powers: request.asked.scope.powers.iter().collect(),
            lifetime: request.asked.lifetime.to_string(),
            granted: granted.map(|(granted, by)| (visible(by, false), in_words(granted))),
            why: request.why.as_ref().map(|why| visible(why, false)),
            approvers: visible(&request.approvers.join(", "), false),
            asking: outlook.operations.saturating_sub(outlook.without_second_factor),
            outlook: outlook.clone(),
            may_grant,
            may_collect,
            may_deny: matches!(request.standing, RequestStanding::Open | RequestStanding::Granted),
            error,
        }
    }

    pub(in crate::pages) fn page(&self, status: StatusCode) -> Response {
        html(status, self)
    }
}

fn in_words(Asked { scope, limits, lifetime }: &Asked) -> Vec<String> {
    let mut words = vec![format!("{} for {lifetime}", scope.powers)];
    words.extend(scope.operations.iter().map(|pattern| format!("only {pattern}")));
    words.extend(scope.sources.iter().map(|network| format!("only from {network}")));
    words.extend(limits.iter().map(|limit| format!("at most {limit}")));
    words.iter().map(|words| visible(words, false)).collect()
}

/// The secret of a key, shown to whoever asked for it.
#[derive(Template)]
#[template(path = "collected.html")]
pub(in crate::pages) struct Collected {
    frame: Frame,
    key: KeyId,
    secret: Zeroizing<String>,
}

impl Collected {
    pub(in crate::pages) fn new(frame: Frame, key: KeyId, secret: &Secret) -> Self {
        // Why it is exposed: this is the one time that it is shown.
        let secret = Zeroizing::new(String::from_utf8_lossy(secret.expose()).into_owned());
        Self { frame, key, secret }
    }

    pub(in crate::pages) fn page(&self) -> Response {
        html(StatusCode::OK, self)
    }
}

//! What the templates show. Everything that strangers wrote goes through [`visible`] first;
//! the templates escape all of it.

mod authenticators;
mod cards;
mod enrol;
mod keys;
mod law;
mod requests;
mod watch;

use askama::Template;
use axum::response::{Html, IntoResponse, Response};
use http::StatusCode;

pub(super) use self::{
    authenticators::{AuthenticatorsPage, StopAuthenticator, Whose},
    cards::{Card, NotMe, Questions, WholeBody},
    enrol::{BeginEnrolling, Enrol, RecoveryCodes},
    keys::{KeyPage, KeysPage},
    law::LawPage,
    requests::{Collected, RequestPage, RequestsPage},
    watch::WatchPage,
};
use super::{
    browser::{Destination, Visitor},
    text::visible,
};
use crate::{Desk, ruling};

/// What stands around every page.
pub(super) struct Frame {
    /// The person, where somebody signed in: nothing else shows before.
    visitor: Option<Signed>,
    /// What only observes now, in words.
    observing: Option<String>,
    /// What cannot be written, in words.
    unwritten: Option<String>,
    /// Whether a weaker law waits and this person could accept it.
    law_waits: bool,
    /// How many keys are contained, where this person may lift it.
    contained: usize,
    /// Whether keys are issued here, so that they can be asked for.
    issues: bool,
}

struct Signed {
    name: String,
    administrator: bool,
    form_token: String,
}

impl Frame {
    /// The frame for whoever is signed in.
    pub(super) fn of(desk: &Desk, visitor: Option<&Visitor>) -> Self {
        let Some(visitor) = visitor else { return Self::bare() };
        let observing = ruling::observing(&desk.authority.law().law, desk.now());
        Self {
            visitor: Some(Signed {
                name: visible(&visitor.person.name, false),
                administrator: visitor.person.administrator,
                form_token: visitor.session.form_token.to_string(),
            }),
            observing: observing.is_any().then(|| super::text::sentence(&observing.to_string())),
            unwritten: ruling::unwritten(desk),
            law_waits: visitor.person.administrator && desk.authority.view(|state| state.waiting().is_some()),
            contained: if visitor.person.administrator {
                desk.authority.view(|state| state.contained(desk.now()).count())
            } else {
                0
            },
            issues: desk.settings.load().issued.is_some(),
        }
    }

    /// The frame before anybody is verified.
    pub(super) const fn bare() -> Self {
        Self { visitor: None, observing: None, unwritten: None, law_waits: false, contained: 0, issues: false }
    }

    fn form_token(&self) -> &str {
        self.visitor.as_ref().map_or("", |signed| &signed.form_token)
    }
}

fn html(status: StatusCode, template: &impl Template) -> Response {
    match template.render() {
        Ok(text) => (status, Html(text)).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page cannot be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// The sign-in.
#[derive(Template)]
#[template(path = "sign_in.html")]
pub(super) struct SignIn {
    frame: Frame,
    to: String,
    error: Option<String>,
}

impl SignIn {
    pub(super) fn new(to: Destination, error: Option<String>) -> Self {
        Self { frame: Frame::bare(), to: to.path(), error }
    }

    pub(super) fn page(&self, status: StatusCode) -> Response {
        html(status, self)
    }
}

/// A page that says one thing.
#[derive(Template)]
#[template(path = "message.html")]
struct MessagePage {
    frame: Frame,
    message: Message,
}

/// What such a page says.
pub(super) struct Message {
    title: &'static str,
    words: String,
}

impl Message {
    pub(super) fn new(title: &'static str, words: impl Into<String>) -> Self {
        Self { title, words: words.into() }
    }

    pub(super) fn nothing_here() -> Self {
        Self::new("Nothing here", "There is no such page.")
    }

    pub(super) fn other_method() -> Self {
        Self::new("Not in this way", "This page cannot be called in this way.")
    }

    pub(super) fn no_question() -> Self {
        Self::new(
            "No such question",
            "There is no such question for you: it was answered, it lapsed, or it is another's.",
        )
    }

    pub(super) fn not_kept() -> Self {
        Self::new("Not kept", "The request is not kept any more: the answer was used, or the question lapsed.")
    }

    pub(super) fn bad_link() -> Self {
        let words = "This link is not good any more: it was used, it is too old, or a newer one took its place. \
                     Ask an administrator for a new one.";
        Self::new("Link not good", words)
    }

    pub(super) fn too_many_links() -> Self {
        Self::new("Not now", "Too many people are enrolling at this moment. Try again in an hour.")
    }

    pub(super) fn begun_elsewhere() -> Self {
        let words = "Another browser has begun with this link, and it serves that one only. If that was you, go on \
                     there; an hour after it began, the link can be begun with anew. If not, somebody else has the link: \
                     ask an administrator for a fresh one (greave holders invite NAME), which makes this one worthless. \
                     Administrators have been told.";
        Self::new("Begun elsewhere", words)
    }

    pub(super) fn enrolling_lapsed() -> Self {
        let words = "This was begun more than an hour ago, or the gate was started anew since. Open the link again and \
                     scan the new code; remove the old entry from the authenticator.";
        Self::new("Begin anew", words)
    }

    pub(super) fn stopped() -> Self {
        let words = "Your authenticator is stopped: its codes serve no more, and you are signed out everywhere. Ask an \
                     administrator for a link to enrol another one (greave holders invite NAME). Until then a recovery \
                     code that still serves counts as one code.";
        Self::new("Stopped", words)
    }

    pub(super) fn foreign_form(origin: &str) -> Self {
        let words = format!("This form did not come from a page of the desk. Open the desk at {origin} and try again.");
        Self::new("Not from here", words)
    }

    pub(super) fn broken_form() -> Self {
        Self::new("Not readable", "The form cannot be read. Go back, load the page again, and try once more.")
    }

    pub(super) fn old_form() -> Self {
        Self::new("Too old", "This page was loaded before you signed in last. Load it again, and try once more.")
    }

    pub(super) fn page(self, status: StatusCode, frame: Frame) -> Response {
        html(status, &MessagePage { frame, message: self })
    }
}

/// One step on our own site, for whoever comes from another.
#[derive(Template)]
#[template(path = "step.html")]
struct Step<'a> {
    frame: Frame,
    to: &'a str,
}

/// One step on our own site, for whoever comes from another.
pub(super) fn step(to: &str) -> Response {
    html(StatusCode::OK, &Step { frame: Frame::bare(), to })
}

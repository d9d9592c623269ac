//! Who has an authenticator, and stopping one at once. People see their own, administrators all.

use std::sync::Arc;

use authority::{Command, Holder, Warrant};
use axum::{
    extract::{Path, State},
    response::Response,
};
use http::StatusCode;
use law::{HolderId, HolderKind};

use super::{
    Site,
    browser::{Destination, Sent, Visitor},
    text::Refusal,
    views::{AuthenticatorsPage, Frame, Message, StopAuthenticator, Whose},
};
use crate::session::Said;

/// `GET /authenticators`.
pub(super) async fn list(State(site): State<Arc<Site>>, visitor: Visitor) -> Response {
    let sees = |holder: &&Holder| holder.kind == HolderKind::Person && !holder.left && may_stop(&visitor, holder.id);
    let mut people: Vec<Whose> = site.desk.authority.view(|state| {
        state.holders().filter(sees).filter(|holder| holder.authenticator.is_some()).map(Whose::new).collect()
    });
    people.sort_by_key(|whose| (whose.id != visitor.person.id, whose.name.to_lowercase()));
    let said = site.sessions.heard(&visitor.token).map(Said::in_words);
    AuthenticatorsPage::new(Frame::of(&site.desk, Some(&visitor)), people, visitor.person.id, said).page()
}

/// `GET /authenticators/{holder}/stop`: asks once more.
pub(super) async fn ask_stop(State(site): State<Arc<Site>>, visitor: Visitor, Path(holder): Path<String>) -> Response {
    match found(&site, &visitor, &holder) {
        Some(whose) => confirm(&site, &visitor, whose, None),
        None => nothing_here(&site, &visitor),
    }
}

/// `POST /authenticators/{holder}/stop`. Needs no code: it protects, and the telephone that would
/// show one is gone.
pub(super) async fn stop(State(site): State<Arc<Site>>, Path(holder): Path<String>, sent: Sent) -> Response {
    let Sent { visitor, fields } = sent;
    let Some(whose) = found(&site, &visitor, &holder) else { return nothing_here(&site, &visitor) };
    let command = Command::StopAuthenticator { holder: whose.id, recovery_codes: fields.one("recovery") == "stop" };
    let warrant = Warrant::SignedIn(visitor.person.id);
    match site.desk.authority.perform(&command, warrant, site.desk.now()).await {
        Ok(()) if whose.id == visitor.person.id => Message::stopped().page(StatusCode::OK, Frame::bare()),
        Ok(()) => {
            site.sessions.say(&visitor.token, Said::AuthenticatorStopped(whose.id));
            Destination::Authenticators.redirect()
        }
        Err(not_done) => confirm(&site, &visitor, whose, Some(not_done.into())),
    }
}

fn may_stop(visitor: &Visitor, holder: HolderId) -> bool {
    visitor.person.administrator || visitor.person.id == holder
}

fn found(site: &Site, visitor: &Visitor, holder: &str) -> Option<Whose> {
    let id = holder.parse().ok().filter(|id| may_stop(visitor, *id))?;
    site.desk.authority.view(|state| state.holder(id).filter(|holder| holder.authenticator.is_some()).map(Whose::new))
}

fn confirm(site: &Site, visitor: &Visitor, whose: Whose, refusal: Option<Refusal>) -> Response {
    let (status, error) = match refusal {
        Some(Refusal { status, words }) => (status, Some(words)),
        None => (StatusCode::OK, None),
    };
    let is_own = whose.id == visitor.person.id;
    StopAuthenticator::new(Frame::of(&site.desk, Some(visitor)), whose, is_own, error).page(status)
}

fn nothing_here(site: &Site, visitor: &Visitor) -> Response {
    Message::nothing_here().page(StatusCode::NOT_FOUND, Frame::of(&site.desk, Some(visitor)))
}

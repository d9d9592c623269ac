//! Signing in and out.

use std::{net::IpAddr, sync::Arc};

use authority::{Command, NotDone, NotProved, Warrant};
use axum::{
    extract::{RawQuery, State},
    response::{IntoResponse, Redirect, Response},
};
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;

use super::{
    Site,
    browser::{Destination, OwnForm, Sent, Visitor, cookie_for, with_cookie},
    text::Refusal,
    views::SignIn,
};
use crate::desk::{Peer, source};

/// `GET /sign-in?to=PATH`.
pub(super) async fn form(visitor: Option<Visitor>, RawQuery(query): RawQuery) -> Response {
    let to = Destination::of(query.as_deref().and_then(|query| query.strip_prefix("to=")).unwrap_or_default());
    if visitor.is_some() {
        return to.redirect();
    }
    SignIn::new(to, None).page(StatusCode::OK)
}

/// `POST /sign-in`.
pub(super) async fn sign_in(
    State(site): State<Arc<Site>>,
    visitor: Option<Visitor>,
    peer: Peer,
    headers: HeaderMap,
    OwnForm(fields): OwnForm,
) -> Response {
    let to = Destination::of(fields.one("to"));
    let from = source(peer, &headers, &site.desk.settings.load());
    let (token, until) = match open(&site, from, fields.one("name").trim(), fields.one("code")).await {
        Ok(opened) => opened,
        Err(refusal) => return SignIn::new(to, Some(refusal.words)).page(refusal.status),
    };
    // What the browser came with is never taken over, and does not stay beside the new one.
    if let Some(visitor) = visitor {
        site.sessions.end(&visitor.token);
    }
    let cookie = cookie_for(&site.desk.settings.load(), &token, until, site.desk.now());
    with_cookie(to.redirect(), cookie)
}

async fn open(site: &Site, source: IpAddr, name: &str, code: &str) -> Result<(String, Timestamp), Refusal> {
    let (authority, now) = (&site.desk.authority, site.desk.now());
    let warrant = authority.prove_from(source, name, code, now).await?;
    authority.perform(&Command::SignIn, warrant, now).await.map_err(|not_done| match not_done {
        // Another request used the same code in the same moment.
        NotDone::Declined(_) => NotProved::Wrong,
        NotDone::Failed(failed) => NotProved::Failed(failed),
    })?;
    let Warrant::Fresh(person, _) = warrant else { return Err(NotProved::Wrong.into()) };
    Ok(site.desk.open_session(&site.sessions, person)?)
}

/// `POST /sign-out`.
pub(super) async fn sign_out(State(site): State<Arc<Site>>, sent: Sent) -> Response {
    site.sessions.end(&sent.visitor.token);
    let now = site.desk.now();
    let cookie = cookie_for(&site.desk.settings.load(), "", now, now);
    with_cookie(Redirect::to("/sign-in").into_response(), cookie)
}

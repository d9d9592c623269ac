//! What the watch has done about keys, and lifting it, for administrators.

use std::sync::Arc;

use authority::Command;
use axum::{
    extract::{Path, State},
    response::Response,
};
use http::StatusCode;
use law::KeyId;

use super::{
    Site,
    browser::{Destination, Sent, Visitor},
    text::Refusal,
    views::{Frame, Message, WatchPage},
};
use crate::{contained, session::Said};

/// `GET /watch`.
pub(super) async fn show(State(site): State<Arc<Site>>, visitor: Visitor) -> Response {
    page(&site, &visitor, None)
}

/// `POST /watch/{key}/lift`, with a code.
pub(super) async fn lift(State(site): State<Arc<Site>>, Path(key): Path<String>, sent: Sent) -> Response {
    let Sent { visitor, fields } = sent;
    let known = key.parse::<KeyId>().ok().filter(|_| visitor.person.administrator);
    let Some(key) = known else { return nothing_here(&site, &visitor) };
    match lifted(&site, &visitor, key, fields.one("code")).await {
        Ok(()) => {
            site.sessions.say(&visitor.token, Said::Lifted(key));
            Destination::Watch.redirect()
        }
        Err(refusal) => page(&site, &visitor, Some(refusal)),
    }
}

async fn lifted(site: &Site, visitor: &Visitor, key: KeyId, code: &str) -> Result<(), Refusal> {
    let (authority, now) = (&site.desk.authority, site.desk.now());
    let warrant = authority.prove(&visitor.person.name, code, now).await?;
    Ok(authority.perform(&Command::LiftContainment(key), warrant, now).await?)
}

fn nothing_here(site: &Site, visitor: &Visitor) -> Response {
    Message::nothing_here().page(StatusCode::NOT_FOUND, Frame::of(&site.desk, Some(visitor)))
}

fn page(site: &Site, visitor: &Visitor, refusal: Option<Refusal>) -> Response {
    if !visitor.person.administrator {
        return nothing_here(site, visitor);
    }
    let (status, error) = match refusal {
        Some(Refusal { status, words }) => (status, Some(words)),
        None => (StatusCode::OK, None),
    };
    let said = site.sessions.heard(&visitor.token).map(Said::in_words);
    let frame = Frame::of(&site.desk, Some(visitor));
    WatchPage::new(frame, contained::status(&site.desk), said, error).page(status)
}

//! The keys that a person answers for; administrators see everybody's. Disabling one needs nothing
//! more than being signed in, because it protects; to enable one needs an administrator's code.

use std::sync::Arc;

use authority::{Command, Warrant};
use axum::{
    extract::{Path, Query, State},
    response::Response,
};
use http::StatusCode;
use law::KeyId;
use serde::Deserialize;

use super::{
    Site,
    browser::{Destination, Sent, Visitor},
    text::Refusal,
    views::{Frame, KeyPage, KeysPage, Message},
};
use crate::{
    details,
    own::{self, Answers, Wanted},
    session::Said,
    traffic,
};

/// Keys on one page.
pub(super) const PAGE: usize = 50;

/// What of the list is shown.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Shown {
    /// `all` is everybody's.
    of: String,
    /// Part of a name.
    query: String,
    /// Without the first so many.
    from: String,
}

/// `GET /keys`.
pub(super) async fn list(State(site): State<Arc<Site>>, visitor: Visitor, shown: Query<Shown>) -> Response {
    let Query(Shown { of, query, from }) = shown;
    let (desk, now) = (Arc::clone(&site.desk), site.desk.now());
    let all = visitor.person.administrator && of == "all";
    let offset = from.parse().unwrap_or(0);
    let wanted = Wanted { person: visitor.person.id, all, query, offset, limit: PAGE };
    let frame = Frame::of(&site.desk, Some(&visitor));
    let said = site.sessions.heard(&visitor.token).map(Said::in_words);
    match traffic::reading(move || (own::keys(&desk, &wanted, now), wanted)).await {
        Ok((keys, wanted)) => KeysPage::new(frame, keys, &wanted, said, now).page(),
        Err(_) => {
            let words = "The keys cannot be read now; whoever runs the gate finds the reason in its log.";
            Message::new("Not now", words).page(StatusCode::SERVICE_UNAVAILABLE, frame)
        }
    }
}

/// `GET /keys/{key}`.
pub(super) async fn one(State(site): State<Arc<Site>>, visitor: Visitor, Path(key): Path<String>) -> Response {
    match seen(&site, &visitor, &key) {
        Some((key, answers)) => page(&site, &visitor, key, answers, None),
        None => nothing_here(&site, &visitor),
    }
}

/// `POST /keys/{key}/disable`.
pub(super) async fn disable(State(site): State<Arc<Site>>, Path(key): Path<String>, sent: Sent) -> Response {
    let Sent { visitor, .. } = sent;
    let Some((key, answers)) = seen(&site, &visitor, &key) else { return nothing_here(&site, &visitor) };
    let command = Command::DisableKey(key, "disabled on the desk".to_owned());
    let done = site.desk.authority.perform(&command, Warrant::SignedIn(visitor.person.id), site.desk.now()).await;
    answer(&site, &visitor, key, answers, done.map_err(Refusal::from), Said::Disabled(key))
}

/// `POST /keys/{key}/enable`, with a code.
pub(super) async fn enable(State(site): State<Arc<Site>>, Path(key): Path<String>, sent: Sent) -> Response {
    let Sent { visitor, fields } = sent;
    // Whoever may not do it spends no code on it.
    let seen = seen(&site, &visitor, &key).filter(|_| visitor.person.administrator);
    let Some((key, answers)) = seen else { return nothing_here(&site, &visitor) };
    let done = enabled(&site, &visitor, key, fields.one("code")).await;
    answer(&site, &visitor, key, answers, done, Said::Enabled(key))
}

async fn enabled(site: &Site, visitor: &Visitor, key: KeyId, code: &str) -> Result<(), Refusal> {
    let (authority, now) = (&site.desk.authority, site.desk.now());
    let warrant = authority.prove(&visitor.person.name, code, now).await?;
    Ok(authority.perform(&Command::EnableKey(key), warrant, now).await?)
}

fn answer(
    site: &Site,
    visitor: &Visitor,
    key: KeyId,
    answers: Answers,
    done: Result<(), Refusal>,
    said: Said,
) -> Response {
    match done {
        Ok(()) => {
            site.sessions.say(&visitor.token, said);
            Destination::Key(key).redirect()
        }
        Err(refusal) => page(site, visitor, key, answers, Some(refusal)),
    }
}

/// The key, where this person may see it: one answer for what is not there and for what is none
/// of their business.
fn seen(site: &Site, visitor: &Visitor, key: &str) -> Option<(KeyId, Answers)> {
    let id = key.parse().ok()?;
    let answers = site.desk.authority.view(|state| {
        let key = state.key(id)?;
        Some(own::answers(state.people(), key, visitor.person.id))
    })?;
    (visitor.person.administrator || answers != Answers::Not).then_some((id, answers))
}

fn nothing_here(site: &Site, visitor: &Visitor) -> Response {
    Message::nothing_here().page(StatusCode::NOT_FOUND, Frame::of(&site.desk, Some(visitor)))
}

fn page(site: &Site, visitor: &Visitor, key: KeyId, answers: Answers, refusal: Option<Refusal>) -> Response {
    let (status, error) = match refusal {
        Some(Refusal { status, words }) => (status, Some(words)),
        None => (StatusCode::OK, None),
    };
    let (desk, now) = (&site.desk, site.desk.now());
    // It may have been forgotten since.
    let Ok(details) = details::of(desk, key) else { return nothing_here(site, visitor) };
    let refused = desk.authority.refusal(key, now);
    let held = desk.authority.view(|state| state.containments(key, now));
    let said = site.sessions.heard(&visitor.token).map(Said::in_words);
    let frame = Frame::of(desk, Some(visitor));
    KeyPage::new(frame, &details, answers, refused, &held, said, error, now).page(status)
}

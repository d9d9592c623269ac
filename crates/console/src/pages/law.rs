//! The law, and one that waits for an administrator's code.

use std::sync::Arc;

use authority::{Command, Digest, Drilled, Warrant};
use axum::{extract::State, response::Response};
use http::StatusCode;

use super::{
    Site,
    browser::{Destination, Sent, Visitor},
    text::Refusal,
    views::{Frame, LawPage, Message},
};
use crate::{ruling, session::Said};

/// `GET /law`.
pub(super) async fn show(State(site): State<Arc<Site>>, visitor: Visitor) -> Response {
    page(&site, &visitor, None)
}

/// `POST /law/accept`.
pub(super) async fn accept(State(site): State<Arc<Site>>, sent: Sent) -> Response {
    let Sent { visitor, fields } = sent;
    match put_into_force(&site, &visitor, fields.one("digest"), fields.one("code")).await {
        Ok(()) => {
            site.sessions.say(&visitor.token, Said::Law);
            Destination::Questions.redirect()
        }
        Err(refusal) => page(&site, &visitor, Some(refusal)),
    }
}

/// `POST /law/refuse`: it protects, and needs no code.
pub(super) async fn refuse(State(site): State<Arc<Site>>, sent: Sent) -> Response {
    let Sent { visitor, fields } = sent;
    let digest = Digest::try_from(fields.one("digest").to_owned()).unwrap_or(Digest([0; 32]));
    let warrant = Warrant::SignedIn(visitor.person.id);
    match site.desk.authority.perform(&Command::RefuseLaw(digest), warrant, site.desk.now()).await {
        Ok(()) => {
            site.sessions.say(&visitor.token, Said::LawRefused);
            Destination::Questions.redirect()
        }
        Err(refused) => page(&site, &visitor, Some(refused.into())),
    }
}

/// The digest is that of the page which the person was shown: another law that has come to
/// wait meanwhile is not accepted unseen.
async fn put_into_force(site: &Site, visitor: &Visitor, digest: &str, code: &str) -> Result<(), Refusal> {
    let (authority, now) = (&site.desk.authority, site.desk.now());
    let digest = Digest::try_from(digest.to_owned()).unwrap_or(Digest([0; 32]));
    let warrant = authority.prove(&visitor.person.name, code, now).await?;
    Ok(authority.perform(&Command::AcceptLaw(digest), warrant, now).await?)
}

fn page(site: &Site, visitor: &Visitor, refusal: Option<Refusal>) -> Response {
    let frame = Frame::of(&site.desk, Some(visitor));
    if !visitor.person.administrator {
        return Message::nothing_here().page(StatusCode::NOT_FOUND, frame);
    }
    let (status, error) = match refusal {
        Some(Refusal { status, words }) => (status, Some(words)),
        None => (StatusCode::OK, None),
    };
    let authority = &site.desk.authority;
    let drill = |(scenario, drilled): (&str, &Drilled)| (scenario.to_owned(), drilled.clone());
    let drills = authority.view(|state| state.last_drills().map(drill).collect());
    let now = site.desk.now();
    LawPage::new(frame, &authority.law().law, ruling::waiting(authority, now), drills, error, now).page(status)
}

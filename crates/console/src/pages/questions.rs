//! What waits for a person's yes.

use std::{collections::BTreeSet, sync::Arc};

use authority::{Command, Warrant};
use axum::{
    extract::{Path, State},
    response::Response,
};
use http::StatusCode;
use law::ChallengeId;

use super::{
    Site,
    browser::{Destination, Sent, Visitor},
    text::Refusal,
    views::{Card, Frame, Message, NotMe, Questions, WholeBody},
};
use crate::{
    api::{QuestionState, QuestionView},
    questions,
    session::Said,
};

/// What a page that is entered fresh has ticked: one question alone. Whoever has just answered
/// some left the others out, and chooses anew.
fn fresh(said: Option<Said>, shown: &[QuestionView]) -> BTreeSet<ChallengeId> {
    match (said, shown) {
        (None, [one]) => BTreeSet::from([one.id]),
        _ => BTreeSet::new(),
    }
}

/// `GET /`.
pub(super) async fn list(State(site): State<Arc<Site>>, visitor: Visitor) -> Response {
    page(&site, &visitor, Destination::Questions, None, None).await
}

/// `GET /questions/{question}`: the address that a held call's answer names.
pub(super) async fn one(State(site): State<Arc<Site>>, visitor: Visitor, Path(question): Path<String>) -> Response {
    let Ok(id) = question.parse() else { return gone(&site, &visitor) };
    page(&site, &visitor, Destination::Question(id), None, None).await
}

/// `GET /questions/{question}/body`: all of the request, where a card shows its ends.
pub(super) async fn body(State(site): State<Arc<Site>>, visitor: Visitor, Path(question): Path<String>) -> Response {
    let Some(question) = seen(&site, &visitor, &question) else { return gone(&site, &visitor) };
    let frame = Frame::of(&site.desk, Some(&visitor));
    match site.desk.authority.exhibit(question.id).await {
        Ok(Some(exhibit)) => WholeBody::new(&question, &exhibit, frame).page(),
        Ok(None) => Message::not_kept().page(StatusCode::NOT_FOUND, frame),
        Err(failed) => {
            let Refusal { status, words } = failed.into();
            Message::new("Not now", words).page(status, frame)
        }
    }
}

/// `POST /approve`: one code for all that are ticked.
pub(super) async fn approve(State(site): State<Arc<Site>>, sent: Sent) -> Response {
    let Sent { visitor, fields } = sent;
    let ticked: BTreeSet<ChallengeId> = fields.all("q").filter_map(|id| id.parse().ok()).collect();
    let at = Destination::of(fields.one("at"));
    let error = if ticked.is_empty() {
        let words = "Tick the questions that you say yes to.".to_owned();
        Refusal { status: StatusCode::UNPROCESSABLE_ENTITY, words }
    } else {
        // Whoever waits is gone a moment after the yes.
        let waiting = ticked.iter().filter(|id| site.desk.authority.waits(**id)).count();
        match say_yes(&site, &visitor, &ticked, fields.one("code")).await {
            Ok(()) => {
                let answered = ticked.iter().filter_map(|id| questions::one(&site.desk, *id).ok());
                let (mut second, mut until) = (false, None);
                for question in answered {
                    second |= question.state == QuestionState::Open;
                    until = until.into_iter().chain([question.until]).min();
                }
                let said = Said::Yes { many: ticked.len(), second, waiting, until };
                site.sessions.say(&visitor.token, said);
                return Destination::Questions.redirect();
            }
            Err(refusal) => refusal,
        }
    };
    page(&site, &visitor, at, Some(ticked), Some(error)).await
}

async fn say_yes(site: &Site, visitor: &Visitor, ticked: &BTreeSet<ChallengeId>, code: &str) -> Result<(), Refusal> {
    let (authority, now) = (&site.desk.authority, site.desk.now());
    let warrant = authority.prove(&visitor.person.name, code, now).await?;
    Ok(authority.perform(&Command::Approve(ticked.iter().copied().collect()), warrant, now).await?)
}

/// `POST /questions/{question}/deny`. Needs no code: it protects.
pub(super) async fn deny(State(site): State<Arc<Site>>, Path(question): Path<String>, sent: Sent) -> Response {
    let Some(question) = seen(&site, &sent.visitor, &question) else { return gone(&site, &sent.visitor) };
    say_no(&site, &sent.visitor, &Command::Deny(question.id), Said::No(question.id, question.until)).await
}

/// `GET /questions/{question}/not-me`: asks once more, for the key stops.
pub(super) async fn ask_not_me(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(question): Path<String>,
) -> Response {
    let Some(question) = seen(&site, &visitor, &question) else { return gone(&site, &visitor) };
    NotMe::new(&question, Frame::of(&site.desk, Some(&visitor))).page()
}

/// `POST /questions/{question}/not-me`. Needs no code: it protects.
pub(super) async fn not_me(State(site): State<Arc<Site>>, Path(question): Path<String>, sent: Sent) -> Response {
    let Some(question) = seen(&site, &sent.visitor, &question) else { return gone(&site, &sent.visitor) };
    say_no(&site, &sent.visitor, &Command::NotMe(question.id), Said::NotMe(question.key.id)).await
}

async fn say_no(site: &Site, visitor: &Visitor, command: &Command, said: Said) -> Response {
    let warrant = Warrant::SignedIn(visitor.person.id);
    match site.desk.authority.perform(command, warrant, site.desk.now()).await {
        Ok(()) => {
            site.sessions.say(&visitor.token, said);
            Destination::Questions.redirect()
        }
        Err(not_done) => {
            page(site, visitor, Destination::Questions, Some(BTreeSet::new()), Some(not_done.into())).await
        }
    }
}

/// The question, where this person may see it.
fn seen(site: &Site, visitor: &Visitor, question: &str) -> Option<QuestionView> {
    let question = questions::one(&site.desk, question.parse().ok()?).ok()?;
    may_see(visitor, &question).then_some(question)
}

fn may_see(visitor: &Visitor, question: &QuestionView) -> bool {
    visitor.person.administrator || question.answerers.contains(&visitor.person.name)
}

/// One answer for what is not there and for what is none of this person's business.
fn gone(site: &Site, visitor: &Visitor) -> Response {
    Message::no_question().page(StatusCode::NOT_FOUND, Frame::of(&site.desk, Some(visitor)))
}

async fn page(
    site: &Site,
    visitor: &Visitor,
    at: Destination,
    ticked: Option<BTreeSet<ChallengeId>>,
    refusal: Option<Refusal>,
) -> Response {
    let (desk, now) = (&site.desk, site.desk.now());
    let of = (!visitor.person.administrator).then_some(visitor.person.id);
    let shown = match at {
        Destination::Question(id) => {
            let question = questions::one(desk, id).ok().filter(|question| may_see(visitor, question));
            let Some(question) = question else { return gone(site, visitor) };
            vec![question]
        }
        _ => questions::open(desk, of),
    };
    let said = site.sessions.heard(&visitor.token);
    let ticked = ticked.unwrap_or_else(|| fresh(said, &shown));
    let mut cards = Vec::with_capacity(shown.len());
    for question in shown {
        let exhibit = match desk.authority.exhibit(question.id).await {
            Ok(exhibit) => exhibit,
            Err(failed) => {
                let Refusal { status, words } = failed.into();
                return Message::new("Not now", words).page(status, Frame::of(desk, Some(visitor)));
            }
        };
        let ticked = question.state == QuestionState::Open && ticked.contains(&question.id);
        cards.push(Card::new(&question, exhibit.as_ref(), &visitor.person.name, ticked, now));
    }
    let (status, error) = match refusal {
        Some(Refusal { status, words }) => (status, Some(words)),
        None => (StatusCode::OK, None),
    };
    Questions::new(Frame::of(desk, Some(visitor)), cards, at, said.map(Said::in_words), error, now).page(status)
}

//! Asking for keys, answering, and collecting them.

use std::sync::Arc;

use authority::{Command, Declined, Less, NotDone, RequestRules, Scope, Warrant, Wish};
use axum::{
    extract::{Path, State},
    response::Response,
};
use http::StatusCode;
use law::{Power, Powers, RequestId, Span};

use super::{
    Site,
    browser::{Destination, Fields, Sent, Visitor},
    text::{Refusal, sentence},
    views::{Collected, Frame, Message, RequestPage, RequestsPage},
};
use crate::{
    api::{RequestStanding, RequestView},
    inventory,
    nearest::unnamed,
    outlook,
    session::Said,
};

/// `GET /requests`.
pub(super) async fn list(State(site): State<Arc<Site>>, visitor: Visitor) -> Response {
    all(&site, &visitor, None)
}

/// `POST /requests`: asks, with a code.
pub(super) async fn ask(State(site): State<Arc<Site>>, sent: Sent) -> Response {
    let Sent { visitor, fields } = sent;
    let asked = match wish(&site, &visitor, &fields) {
        Ok(wish) => act(&site, &visitor, fields.one("code"), &Command::RequestKey(wish, rules(&site))).await,
        Err(refusal) => Err(refusal),
    };
    match asked {
        Ok(()) => {
            site.sessions.say(&visitor.token, Said::KeyAsked);
            Destination::Requests.redirect()
        }
        Err(refusal) => all(&site, &visitor, Some(refusal)),
    }
}

/// `GET /requests/{request}`.
pub(super) async fn one(State(site): State<Arc<Site>>, visitor: Visitor, Path(request): Path<String>) -> Response {
    card(&site, &visitor, &request, None).await
}

/// `POST /requests/{request}/grant`: yes, or yes to less, with a code.
pub(super) async fn grant(State(site): State<Arc<Site>>, Path(request): Path<String>, sent: Sent) -> Response {
    let Sent { visitor, fields } = sent;
    let Some(asked) = seen(&site, &visitor, &request) else { return gone(&site, &visitor) };
    let granted = match less(&asked, &fields) {
        Ok(less) => {
            act(&site, &visitor, fields.one("code"), &Command::GrantRequest(asked.id, less, rules(&site))).await
        }
        Err(refusal) => Err(refusal),
    };
    answered(&site, &visitor, &request, granted, Said::KeyGranted(asked.id)).await
}

/// `POST /requests/{request}/deny`. Needs no code: it protects.
pub(super) async fn deny(State(site): State<Arc<Site>>, Path(request): Path<String>, sent: Sent) -> Response {
    let Sent { visitor, fields } = sent;
    let Some(asked) = seen(&site, &visitor, &request) else { return gone(&site, &visitor) };
    let why = fields.one("why").chars().filter(|letter| !letter.is_control()).take(500).collect();
    let command = Command::DenyRequest(asked.id, why, rules(&site));
    let warrant = Warrant::SignedIn(visitor.person.id);
    let denied = site.desk.authority.perform(&command, warrant, site.desk.now()).await;
    answered(&site, &visitor, &request, denied.map_err(Refusal::from), Said::KeyDenied(asked.id)).await
}

/// `POST /requests/{request}/collect`: the secret is in the answer, this once.
pub(super) async fn collect(State(site): State<Arc<Site>>, Path(request): Path<String>, sent: Sent) -> Response {
    let Sent { visitor, fields } = sent;
    let Some(asked) = seen(&site, &visitor, &request) else { return gone(&site, &visitor) };
    let Some(issuing) = site.desk.settings.load().issued.clone() else { return gone(&site, &visitor) };
    let (authority, now) = (&site.desk.authority, site.desk.now());
    let collected = async {
        let warrant = authority.prove(&visitor.person.name, fields.one("code"), now).await?;
        Ok::<_, Refusal>(authority.collect(&issuing.form, asked.id, &rules(&site), warrant, now).await?)
    };
    match collected.await {
        Ok((key, secret)) => Collected::new(Frame::of(&site.desk, Some(&visitor)), key, &secret).page(),
        Err(refusal) => card(&site, &visitor, &request, Some(refusal)).await,
    }
}

async fn act(site: &Site, visitor: &Visitor, code: &str, command: &Command) -> Result<(), Refusal> {
    let (authority, now) = (&site.desk.authority, site.desk.now());
    let warrant = authority.prove(&visitor.person.name, code, now).await?;
    Ok(authority.perform(command, warrant, now).await?)
}

async fn answered(site: &Site, visitor: &Visitor, request: &str, done: Result<(), Refusal>, said: Said) -> Response {
    match done {
        Ok(()) => {
            site.sessions.say(&visitor.token, said);
            Destination::Requests.redirect()
        }
        Err(refusal) => card(site, visitor, request, Some(refusal)).await,
    }
}

fn unfit(words: &str) -> Refusal {
    Refusal { status: StatusCode::UNPROCESSABLE_ENTITY, words: sentence(words) }
}

/// What a form asks for. Lines that are empty say nothing.
fn wish(site: &Site, visitor: &Visitor, fields: &Fields) -> Result<Wish, Refusal> {
    let lines = |name: &str| -> Vec<String> {
        fields.one(name).lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
    };
    let named = match fields.one("holder").trim() {
        "" => visitor.person.name.as_str(),
        named => named,
    };
    let holder = site.desk.authority.view(|state| inventory::holder(state, named))?;
    let operations = lines("operations").iter().map(|line| line.parse()).collect::<Result<_, _>>();
    let sources = lines("sources").iter().map(|line| line.parse()).collect::<Result<_, _>>();
    let limits = lines("limits").iter().map(|line| line.parse()).collect::<Result<_, _>>();
    let scope = Scope {
        powers: powers(fields),
        operations: operations
            .map_err(|_| unfit("an operation is written like `GET /v1/customers/*`, one in a line"))?,
        sources: sources.map_err(|_| unfit("a network is written like `192.0.2.0/24`, one in a line"))?,
    };
    if let Some(what) = unnamed(&site.desk.catalogue.load(), &scope) {
        return Err(unfit(&what));
    }
    let name = Some(fields.one("name").trim()).filter(|name| !name.is_empty()).map(str::to_owned);
    let reason = fields.one("reason").chars().filter(|letter| !letter.is_control()).collect();
    let limits = limits.map_err(|_| unfit("a limit is written like `calls 60/m`, one in a line"))?;
    Ok(Wish { name, holder, scope, limits, lifetime: lifetime(fields)?, reason })
}

fn lifetime(fields: &Fields) -> Result<Span, Refusal> {
    fields.one("for").trim().parse().map_err(|_| unfit("a time is written like `30d`"))
}

fn powers(fields: &Fields) -> Powers {
    let chosen: Vec<&str> = fields.all("power").collect();
    Power::ALL.into_iter().filter(|power| chosen.contains(&power.word())).collect()
}

fn less(asked: &RequestView, fields: &Fields) -> Result<Less, Refusal> {
    let scope = Scope { powers: powers(fields), ..asked.asked.scope.clone() };
    Ok(Less { scope: Some(scope), limits: Vec::new(), lifetime: Some(lifetime(fields)?) })
}

fn rules(site: &Site) -> RequestRules {
    site.desk.settings.load().requests.clone()
}

/// The request, where it is this person's business.
fn seen(site: &Site, visitor: &Visitor, request: &str) -> Option<RequestView> {
    let id: RequestId = request.parse().ok()?;
    let (rules, now) = (rules(site), site.desk.now());
    let view = |state: &authority::State| Some(outlook::view(state, state.request(id)?, &rules, now));
    site.desk.authority.view(view).filter(|request| concerns(visitor, request))
}

fn concerns(visitor: &Visitor, request: &RequestView) -> bool {
    let name = &visitor.person.name;
    visitor.person.administrator
        || request.by == *name
        || request.approvers.contains(name)
        || request.granted_by.as_ref() == Some(name)
}

/// One answer for what is not there and for what is none of this person's business.
fn gone(site: &Site, visitor: &Visitor) -> Response {
    Message::nothing_here().page(StatusCode::NOT_FOUND, Frame::of(&site.desk, Some(visitor)))
}

fn all(site: &Site, visitor: &Visitor, refusal: Option<Refusal>) -> Response {
    let (rules, now) = (rules(site), site.desk.now());
    let mut requests: Vec<RequestView> = site.desk.authority.view(|state| {
        let views = state.requests().map(|request| outlook::view(state, request, &rules, now));
        views.filter(|request| concerns(visitor, request)).collect()
    });
    requests.reverse();
    let said = site.sessions.heard(&visitor.token).map(Said::in_words);
    let issues = site.desk.settings.load().issued.is_some();
    let (status, error) = split(refusal);
    RequestsPage::new(Frame::of(&site.desk, Some(visitor)), &requests, issues, said, error).page(status)
}

async fn card(site: &Site, visitor: &Visitor, request: &str, refusal: Option<Refusal>) -> Response {
    let Some(request) = seen(site, visitor, request) else { return gone(site, visitor) };
    let frame = Frame::of(&site.desk, Some(visitor));
    let name = &visitor.person.name;
    let may_grant = request.standing == RequestStanding::Open && request.approvers.contains(name);
    let may_collect = request.standing == RequestStanding::Granted && request.by == *name;
    let outlook = match outlook::outlook(&site.desk, request.id).await {
        Ok(outlook) => outlook,
        Err(problem) => return Message::new("Not now", problem.detail).page(StatusCode::SERVICE_UNAVAILABLE, frame),
    };
    let (status, error) = split(refusal);
    RequestPage::new(frame, &request, &outlook, (may_grant, may_collect), error).page(status)
}

fn split(refusal: Option<Refusal>) -> (StatusCode, Option<String>) {
    match refusal {
        Some(Refusal { status, words }) => (status, Some(words)),
        None => (StatusCode::OK, None),
    }
}

impl From<Declined> for Refusal {
    fn from(declined: Declined) -> Self {
        NotDone::Declined(declined).into()
    }
}

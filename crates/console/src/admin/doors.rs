//! Who is let in, and by what right they act.

use std::sync::Arc;

use authority::{Command, Warrant};
use axum::{
    Extension, Json,
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{
    HeaderMap, Method, StatusCode,
    header::{AUTHORIZATION, ORIGIN},
};

use super::{Admin, json::Body};
use crate::{
    api::{Problem, Proof, SignIn, SignedIn},
    desk::{Peer, Person, source},
    inventory,
};

/// How the admin API is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// From the gate's host: a unix socket that its owner alone may open, or in-process.
    /// Whoever comes this way is the operator.
    Local,
    /// Over the network: every request needs a session, reading an administrator's.
    Remote,
}

/// Who came in.
#[derive(Clone, Debug)]
pub(crate) enum Caller {
    Operator,
    Person(Person),
}

/// Lets callers in, or answers that they must sign in and nothing else.
pub(super) async fn let_in(State(admin): State<Arc<Admin>>, mut request: Request, next: Next) -> Response {
    let caller = match admin.door {
        Door::Local => Caller::Operator,
        Door::Remote => match signed_in(&admin, request.headers()) {
            Some(person) => Caller::Person(person),
            None => return Problem::sign_in().into_response(),
        },
    };
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    if let Caller::Person(person) = &caller
        && reads
        && !person.administrator
    {
        let detail = format!("`{}` is no administrator; only administrators read", person.name);
        return Problem::new(StatusCode::FORBIDDEN, "not-administrator", detail).into_response();
    }
    request.extensions_mut().insert(caller);
    next.run(request).await
}

fn signed_in(admin: &Admin, headers: &HeaderMap) -> Option<Person> {
    admin.desk.person(&admin.sessions, bearer(headers)?).map(|(person, _)| person)
}

/// The token, where there is exactly one.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (value, None) = (values.next()?.to_str().ok()?, values.next()) else { return None };
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// `POST /v1/session`.
pub(super) async fn sign_in(
    State(admin): State<Arc<Admin>>,
    peer: Peer,
    headers: HeaderMap,
    Body(SignIn { name, code }): Body<SignIn>,
) -> Result<Json<SignedIn>, Problem> {
    let (desk, now) = (&admin.desk, admin.desk.now());
    // A page of somebody else's, in a browser on this very machine, would spend its owner's guesses.
    if headers.get(ORIGIN).is_some_and(|origin| !desk.settings.load().is_own_origin(origin)) {
        let detail = "programs sign in here, and pages of another site do not; leave `Origin` out";
        return Err(Problem::new(StatusCode::FORBIDDEN, "foreign-page", detail));
    }
    let from = source(peer, &headers, &desk.settings.load());
    let warrant = desk.authority.prove_from(from, &name, code.expose(), now).await?;
    desk.authority.perform(&Command::SignIn, warrant, now).await?;
    let Warrant::Fresh(id, _) = warrant else { return Err(Problem::sign_in()) };
    let (token, until) = desk.open_session(&admin.sessions, id)?;
    let (person, _) = desk.person(&admin.sessions, &token).ok_or_else(Problem::sign_in)?;
    Ok(Json(SignedIn { token: token.into(), person: person.name, administrator: person.administrator, until }))
}

/// `DELETE /v1/session`.
pub(super) async fn sign_out(State(admin): State<Arc<Admin>>, headers: HeaderMap) -> StatusCode {
    if let Some(token) = bearer(&headers) {
        admin.sessions.end(token);
    }
    StatusCode::NO_CONTENT
}

impl Admin {
    /// By what right the caller acts: the code that came with the request, or what they came in with.
    pub(super) async fn warrant(&self, caller: &Extension<Caller>, proof: &Proof) -> Result<Warrant, Problem> {
        let Some(code) = &proof.code else {
            return Ok(match (&caller.0, &proof.person) {
                (Caller::Operator, None) => Warrant::Operator,
                (Caller::Operator, Some(name)) => {
                    Warrant::Claimed(self.desk.authority.view(|state| inventory::holder(state, name))?)
                }
                (Caller::Person(person), _) => Warrant::SignedIn(person.id),
            });
        };
        let name = match (&proof.person, &caller.0) {
            // Whoever has a session of their own must not guess at others' codes with it.
            (Some(name), Caller::Person(person)) if !name.eq_ignore_ascii_case(&person.name) => {
                return Err(Problem::unfit("a session acts for its own person only; leave `as` away"));
            }
            (Some(name), _) => name,
            (None, Caller::Person(person)) => &person.name,
            (None, Caller::Operator) => return Err(Problem::unfit("say whose code it is: add `as`")),
        };
        Ok(self.desk.authority.prove(name, code.expose(), self.desk.now()).await?)
    }

    /// Carries a command out by the right that came with the request.
    pub(super) async fn perform(
        &self,
        command: &Command,
        caller: &Extension<Caller>,
        proof: &Proof,
    ) -> Result<(), Problem> {
        let warrant = self.warrant(caller, proof).await?;
        Ok(self.desk.authority.perform(command, warrant, self.desk.now()).await?)
    }
}

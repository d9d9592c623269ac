//! What browsers send: a session's cookie, and forms, which must come from our own pages.

use std::{convert::Infallible, sync::Arc};

use authority::Digest;
use axum::{
    Form,
    extract::{FromRequest, FromRequestParts, OptionalFromRequestParts, Request},
    response::{IntoResponse, Redirect, Response},
};
use http::{
    HeaderMap, HeaderValue, StatusCode, Uri,
    header::{COOKIE, ORIGIN, REFRESH, SET_COOKIE},
    request::Parts,
};
use jiff::Timestamp;
use law::{ChallengeId, KeyId, RequestId};
use zeroize::Zeroizing;

use super::{
    Site,
    views::{self, Frame, Message},
};
use crate::{
    desk::{Person, Settings},
    session::Session,
};

const FETCH_SITE: &str = "sec-fetch-site";

/// A page that somebody may be sent to after signing in: one of our own, nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Destination {
    Questions,
    Question(ChallengeId),
    Law,
    Watch,
    Requests,
    Request(RequestId),
    Authenticators,
    Keys,
    Key(KeyId),
}

impl Destination {
    /// The page with this path; the questions where there is none.
    pub(super) fn of(path: &str) -> Self {
        match path {
            "/law" => Self::Law,
            "/watch" => Self::Watch,
            "/requests" => Self::Requests,
            "/authenticators" => Self::Authenticators,
            "/keys" => Self::Keys,
            _ if path.starts_with("/keys/") => {
                let id = path.strip_prefix("/keys/").and_then(|id| id.parse().ok());
                id.map_or(Self::Keys, Self::Key)
            }
            _ if path.starts_with("/authenticators/") => Self::Authenticators,
            _ if path.starts_with("/requests/") => {
                let id = path.strip_prefix("/requests/").and_then(|id| id.parse().ok());
                id.map_or(Self::Requests, Self::Request)
            }
            _ => match path.strip_prefix("/questions/").and_then(|id| id.parse().ok()) {
                Some(id) => Self::Question(id),
                None => Self::Questions,
            },
        }
    }

    pub(super) fn path(self) -> String {
        match self {
            Self::Questions => "/".to_owned(),
            Self::Question(id) => format!("/questions/{id}"),
            Self::Law => "/law".to_owned(),
            Self::Watch => "/watch".to_owned(),
            Self::Requests => "/requests".to_owned(),
            Self::Authenticators => "/authenticators".to_owned(),
            Self::Keys => "/keys".to_owned(),
            Self::Key(id) => format!("/keys/{id}"),
            Self::Request(id) => format!("/requests/{id}"),
        }
    }

    pub(super) fn redirect(self) -> Response {
        Redirect::to(&self.path()).into_response()
    }
}

/// A person who signed in.
#[derive(Clone)]
pub(super) struct Visitor {
    pub(super) person: Person,
    pub(super) session: Session,
    pub(super) token: Zeroizing<String>,
}

fn visitor(site: &Site, headers: &HeaderMap) -> Option<Visitor> {
    let token = cookie(headers, cookie_name(&site.desk.settings.load()))?;
    let (person, session) = site.desk.person(&site.sessions, &token)?;
    Some(Visitor { person, session, token })
}

impl FromRequestParts<Arc<Site>> for Visitor {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, site: &Arc<Site>) -> Result<Self, Response> {
        visitor(site, &parts.headers).ok_or_else(|| to_sign_in(&parts.uri, &parts.headers))
    }
}

impl OptionalFromRequestParts<Arc<Site>> for Visitor {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, site: &Arc<Site>) -> Result<Option<Self>, Infallible> {
        Ok(visitor(site, &parts.headers))
    }
}

/// Sends somebody without a session to the sign-in.
///
/// Whoever follows a link on another site comes without their cookie, because it is strict:
/// one step on our own site brings it along.
fn to_sign_in(uri: &Uri, headers: &HeaderMap) -> Response {
    let to = Destination::of(uri.path()).path();
    if is_cross_site(headers) { step_to(&to) } else { Redirect::to(&format!("/sign-in?to={to}")).into_response() }
}

/// Whether somebody followed a link on another site.
pub(super) fn is_cross_site(headers: &HeaderMap) -> bool {
    headers.get(FETCH_SITE).is_some_and(|site| site == "cross-site")
}

/// One step on our own site, to one of our own pages.
pub(super) fn step_to(path: &str) -> Response {
    let mut response = views::step(path);
    if let Ok(refresh) = HeaderValue::try_from(format!("0; url={path}")) {
        response.headers_mut().insert(REFRESH, refresh);
    }
    response
}

/// The fields of a form, in their order.
pub(super) struct Fields(Vec<(String, Zeroizing<String>)>);

impl Fields {
    /// The first field of this name; empty where there is none.
    pub(super) fn one(&self, name: &str) -> &str {
        self.all(name).next().unwrap_or_default()
    }

    /// Every field of this name.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(field, _)| field == name).map(|(_, value)| value.as_str())
    }
}

/// A form from one of our own pages.
pub(super) struct OwnForm(pub(super) Fields);

impl FromRequest<Arc<Site>> for OwnForm {
    type Rejection = Response;

    async fn from_request(request: Request, site: &Arc<Site>) -> Result<Self, Response> {
        let settings = site.desk.settings.load();
        let refused = |message: Message| message.page(StatusCode::FORBIDDEN, Frame::of(&site.desk, None));
        if !is_own(request.headers(), &settings) {
            return Err(refused(Message::foreign_form(&settings.origin)));
        }
        let form = Form::<Vec<(String, String)>>::from_request(request, site).await;
        let Form(fields) = form.map_err(|_| refused(Message::broken_form()))?;
        Ok(Self(Fields(fields.into_iter().map(|(name, value)| (name, Zeroizing::new(value))).collect())))
    }
}

/// A form that a person sent who is signed in, from a page that this very session was given.
pub(super) struct Sent {
    pub(super) visitor: Visitor,
    pub(super) fields: Fields,
}

impl FromRequest<Arc<Site>> for Sent {
    type Rejection = Response;

    async fn from_request(request: Request, site: &Arc<Site>) -> Result<Self, Response> {
        let visitor = visitor(site, request.headers());
        let OwnForm(fields) = OwnForm::from_request(request, site).await?;
        let Some(visitor) = visitor else { return Err(Redirect::to("/sign-in").into_response()) };
        // Digests are compared, so that the time it takes tells nothing of the token.
        let given = Digest::of(fields.one("form").as_bytes());
        if given != Digest::of(visitor.session.form_token.as_bytes()) {
            let frame = Frame::of(&site.desk, Some(&visitor));
            return Err(Message::old_form().page(StatusCode::FORBIDDEN, frame));
        }
        Ok(Self { visitor, fields })
    }
}

/// Whether a form comes from one of our own pages. Browsers say so in `Origin`, or at least in
/// `Sec-Fetch-Site`; what says neither is no browser that we know.
fn is_own(headers: &HeaderMap, settings: &Settings) -> bool {
    let site = headers.get(FETCH_SITE).map(HeaderValue::as_bytes);
    match headers.get(ORIGIN) {
        Some(origin) => settings.is_own_origin(origin) && site.is_none_or(|site| site == b"same-origin"),
        None => site == Some(b"same-origin"),
    }
}

/// The cookie of a session.
///
/// With `__Host-` browsers take it only over TLS, for this host and every path, so that no
/// neighbour can set another.
pub(super) fn cookie_for(settings: &Settings, token: &str, until: Timestamp, now: Timestamp) -> String {
    written(settings, cookie_name(settings), token, until, now)
}

/// The cookie of the browser that began with a link: one for each link.
pub(super) fn cookie_of_enrolling(
    settings: &Settings,
    link: Digest,
    token: &str,
    until: Timestamp,
    now: Timestamp,
) -> String {
    written(settings, &enrolling_name(settings, link), token, until, now)
}

/// What the browser was given that began with this link, where this is the one.
pub(super) fn enrolling(headers: &HeaderMap, settings: &Settings, link: Digest) -> Option<Zeroizing<String>> {
    cookie(headers, &enrolling_name(settings, link))
}

fn enrolling_name(settings: &Settings, link: Digest) -> String {
    let prefix = if settings.is_https() { "__Host-" } else { "" };
    let link = link.to_string();
    format!("{prefix}greave-enrol-{}", link.get(..16).unwrap_or(&link))
}

fn written(settings: &Settings, name: &str, token: &str, until: Timestamp, now: Timestamp) -> String {
    let age = until.duration_since(now).as_secs().max(0);
    let secure = if settings.is_https() { "; Secure" } else { "" };
    format!("{name}={token}; Path=/; HttpOnly; SameSite=Strict; Max-Age={age}{secure}")
}

pub(super) fn with_cookie(mut response: Response, cookie: String) -> Response {
    if let Ok(cookie) = HeaderValue::try_from(cookie) {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    response
}

fn cookie_name(settings: &Settings) -> &'static str {
    if settings.is_https() { "__Host-greave" } else { "greave-desk" }
}

/// The cookie's value, where it comes exactly once.
fn cookie(headers: &HeaderMap, name: &str) -> Option<Zeroizing<String>> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut values = pairs.filter(|(known, _)| *known == name).map(|(_, value)| value);
    match (values.next(), values.next()) {
        (Some(value), None) => Some(Zeroizing::new(value.to_owned())),
        _ => None,
    }
}

//! The desk's pages for people. They work without JavaScript and load nothing from elsewhere.

mod authenticators;
mod browser;
mod enrol;
mod keys;
mod law;
mod qr;
mod questions;
mod requests;
mod sign_in;
mod text;
mod views;
mod watch;

use std::sync::Arc;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http::{
    HeaderName, HeaderValue, StatusCode,
    header::{
        CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
    },
};

use self::{browser::Visitor, enrol::Beginnings};
use crate::{Desk, session::Sessions};

const STYLE: &str = include_str!("../templates/desk.css");

/// The largest form, in bytes.
const FORM: usize = 16 * 1024;

/// What the handlers work on.
pub(crate) struct Site {
    desk: Arc<Desk>,
    sessions: Sessions,
    beginnings: Beginnings,
}

/// The pages for people. Nothing but a sign-in shows before the person is verified, and a
/// one-time link to whoever has it.
pub fn pages(desk: Arc<Desk>) -> Router {
    let site = Arc::new(Site { desk, sessions: Sessions::default(), beginnings: Beginnings::default() });
    Router::new()
        .route("/", get(questions::list))
        .route("/questions/{question}", get(questions::one))
        .route("/questions/{question}/body", get(questions::body))
        .route("/questions/{question}/deny", post(questions::deny))
        .route("/questions/{question}/not-me", get(questions::ask_not_me).post(questions::not_me))
        .route("/approve", post(questions::approve))
        .route("/law", get(law::show))
        .route("/law/accept", post(law::accept))
        .route("/law/refuse", post(law::refuse))
        .route("/requests", get(requests::list).post(requests::ask))
        .route("/requests/{request}", get(requests::one))
        .route("/requests/{request}/grant", post(requests::grant))
        .route("/requests/{request}/deny", post(requests::deny))
        .route("/requests/{request}/collect", post(requests::collect))
        .route("/watch", get(watch::show))
        .route("/watch/{key}/lift", post(watch::lift))
        .route("/keys", get(keys::list))
        .route("/keys/{key}", get(keys::one))
        .route("/keys/{key}/disable", post(keys::disable))
        .route("/keys/{key}/enable", post(keys::enable))
        .route("/authenticators", get(authenticators::list))
        .route("/authenticators/{holder}/stop", get(authenticators::ask_stop).post(authenticators::stop))
        .route("/sign-in", get(sign_in::form).post(sign_in::sign_in))
        .route("/sign-out", post(sign_in::sign_out))
        .route("/enrol/{token}", get(enrol::show).post(enrol::enrol))
        .route("/enrol/{token}/begin", post(enrol::begin))
        .route("/desk.css", get(style))
        .fallback(nothing_here)
        .method_not_allowed_fallback(other_method)
        .layer(DefaultBodyLimit::max(FORM))
        .layer(middleware::from_fn(dress))
        .with_state(site)
}

async fn style() -> Response {
    ([(CONTENT_TYPE, "text/css; charset=utf-8"), (CACHE_CONTROL, "max-age=300")], STYLE).into_response()
}

async fn nothing_here(State(site): State<Arc<Site>>, visitor: Option<Visitor>) -> Response {
    views::Message::nothing_here().page(StatusCode::NOT_FOUND, views::Frame::of(&site.desk, visitor.as_ref()))
}

async fn other_method(State(site): State<Arc<Site>>, visitor: Option<Visitor>) -> Response {
    views::Message::other_method().page(StatusCode::METHOD_NOT_ALLOWED, views::Frame::of(&site.desk, visitor.as_ref()))
}

/// What every page carries.
///
/// `same-origin`, not `no-referrer`: nothing is told to other sites either way, but under
/// `no-referrer` browsers send `Origin: null` with our own forms, too, and the check that a
/// form comes from our own page would have nothing to look at.
async fn dress(request: Request, next: Next) -> Response {
    const POLICY: &str = "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; \
                          frame-ancestors 'none'; base-uri 'none'";
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    for name in ["cross-origin-opener-policy", "cross-origin-resource-policy"] {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static("same-origin"));
    }
    response
}

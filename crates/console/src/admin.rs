//! The admin API: JSON in and out, under the same law as everything else.

mod canaries;
mod doors;
mod drills;
mod holders;
mod imports;
mod json;
mod keys;
mod law;
mod leaks;
mod questions;
mod reach;
mod reconcile;
mod record;
mod requests;
mod status;
mod watch;

use std::sync::Arc;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{self, MethodRouter},
};
use http::{
    HeaderValue, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS},
};

pub use self::doors::Door;
use self::doors::{let_in, sign_in, sign_out};
use crate::{Desk, api::Problem, leaks::Strangers, session::Sessions};

/// The admin API's own OpenAPI document.
pub const OPENAPI: &str = include_str!("../openapi.yaml");

/// The largest body, in bytes.
const BODY: usize = 64 * 1024;

/// The largest body with scenarios, in bytes.
const DRILL_BODY: usize = 1 << 20;

/// The largest body that lists many keys, in bytes.
const LONG_BODY: usize = 16 << 20;

/// What the handlers work on.
pub(crate) struct Admin {
    desk: Arc<Desk>,
    door: Door,
    sessions: Sessions,
    imports: imports::Imports,
    strangers: Strangers,
}

/// The admin API below `/v1`. It can be merged with [`pages`](crate::pages) on one listener
/// when it is behind [`Door::Remote`].
pub fn admin(desk: Arc<Desk>, door: Door) -> Router {
    let (sessions, imports) = (Sessions::default(), imports::Imports::default());
    let admin = Arc::new(Admin { desk, door, sessions, imports, strangers: Strangers::default() });
    let routed = routes().into_iter().fold(Router::new(), |router, (path, methods)| router.route(path, methods));
    let guarded = routed
        .fallback(nothing_here)
        .method_not_allowed_fallback(other_method)
        .layer(middleware::from_fn_with_state(Arc::clone(&admin), let_in));
    // Only signing in stands before the door, and reports of leaked keys, which tell nothing.
    let all = if door == Door::Remote {
        guarded
            .route("/session", routing::post(sign_in))
            .route("/leaks/found", routing::post(leaks::found))
            .route("/leaks/github", routing::post(leaks::github))
    } else {
        guarded
    };
    let all = all.layer(DefaultBodyLimit::max(BODY)).layer(middleware::from_fn(dress)).with_state(admin);
    Router::new().nest("/v1", all)
}

/// Every address behind the door, below `/v1`.
fn routes() -> Vec<(&'static str, MethodRouter<Arc<Admin>>)> {
    use routing::{delete, get, patch, post};
    vec![
        ("/session", delete(sign_out)),
        ("/openapi.yaml", get(document)),
        ("/health", get(law::health)),
        ("/status", get(status::show)),
        ("/keys", get(keys::list).post(keys::issue)),
        ("/keys/{key}", get(keys::show).patch(keys::change)),
        ("/keys/{key}/disable", post(keys::disable)),
        ("/keys/{key}/enable", post(keys::enable)),
        ("/keys/{key}/forget", post(keys::forget)),
        ("/keys/{key}/name", post(keys::name)),
        ("/keys/{key}/narrow", post(keys::narrow).layer(DefaultBodyLimit::max(LONG_BODY))),
        ("/keys/{key}/widen", post(keys::widen)),
        ("/keys/{key}/retire", post(keys::retire)),
        ("/keys/{key}/revoke", post(keys::revoke)),
        ("/keys/imports", post(imports::begin).layer(DefaultBodyLimit::max(imports::LARGEST))),
        ("/keys/imports/check", post(imports::check).layer(DefaultBodyLimit::max(imports::LARGEST))),
        ("/keys/imports/{import}", post(imports::part).layer(DefaultBodyLimit::max(imports::LARGEST))),
        ("/leaks", post(leaks::report)),
        ("/leaks/look", post(leaks::look).layer(DefaultBodyLimit::max(leaks::DIGESTS_LARGEST))),
        ("/canaries", get(canaries::list).post(canaries::issue)),
        ("/canaries/{canary}/end", post(canaries::end)),
        ("/drills", get(drills::show).post(drills::begin).layer(DefaultBodyLimit::max(DRILL_BODY))),
        ("/drills/canary", post(drills::lay_out)),
        ("/requests", get(requests::list).post(requests::ask)),
        ("/requests/{request}", get(requests::show)),
        ("/requests/{request}/grant", post(requests::grant)),
        ("/requests/{request}/deny", post(requests::deny)),
        ("/requests/{request}/collect", post(requests::collect)),
        ("/watch", get(watch::status)),
        ("/watch/{key}/lift", post(watch::lift)),
        ("/upstream/credential", post(keys::set_credential)),
        ("/reconcile", post(reconcile::reconcile)),
        ("/holders", get(holders::list).post(holders::add)),
        ("/expiry", get(holders::expiry)),
        ("/keys/ends", post(keys::apply_ends).layer(DefaultBodyLimit::max(LONG_BODY))),
        ("/holders/{holder}", patch(holders::change)),
        ("/holders/{holder}/invite", post(holders::invite)),
        ("/holders/{holder}/authenticator/stop", post(holders::stop_authenticator)),
        ("/holders/{holder}/left", post(holders::left)),
        ("/holders/{holder}/return", post(holders::back)),
        ("/questions", get(questions::list)),
        ("/questions/{question}", get(questions::show)),
        ("/questions/{question}/deny", post(questions::deny)),
        ("/questions/{question}/not-me", post(questions::not_me)),
        ("/approvals", post(questions::approve)),
        ("/law", get(law::in_force)),
        ("/law/accept", post(law::accept)),
        ("/law/refuse", post(law::refuse)),
        ("/guards/preview", get(law::preview)),
        ("/reach", get(reach::all)),
        ("/reach/{key}", get(reach::of_key)),
        ("/explain", get(reach::explain)),
        ("/calls", get(record::calls)),
        ("/ledger", get(record::ledger)),
        ("/ledger/events", get(record::events)),
        ("/ledger/{seq}/proof", get(record::proof)),
        ("/ledger/verify", get(record::verify)),
        ("/ledger/checkpoint", get(record::checkpoint)),
    ]
}

async fn document(State(_): State<Arc<Admin>>) -> Response {
    ([(CONTENT_TYPE, "application/yaml")], OPENAPI).into_response()
}

async fn nothing_here() -> Problem {
    Problem::not_found("there is nothing here; see /v1/openapi.yaml")
}

async fn other_method() -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method", "this address takes other methods; see /v1/openapi.yaml")
}

/// What every answer carries.
async fn dress(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

#[cfg(test)]
mod tests;

//! Wickersby & Daughters, supplier to lighthouses since 1871: a made-up company whose small
//! API stands behind the gate in the demo.
//!
//! It is an ordinary API, not a strawman. People log in with a password and a code, roles and
//! scopes are obeyed, and a key, as everywhere, is asked for no second factor. Whatever is
//! done to it really happens, in memory: with 2FA off the password alone logs in, and a
//! minted key works. It knows nothing of the gate.

mod access;
mod books;
pub(crate) mod cast;
mod dice;
mod errors;
mod events;
mod invoices;
mod keys;
mod office;
mod people;

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    Json, Router,
    http::header::CONTENT_TYPE,
    response::IntoResponse,
    routing::{get, post, put},
};
use jiff::Timestamp;
use serde_json::json;
use tokio::net::TcpListener;

use self::{books::Books, cast::Cast, errors::Error};

/// The company's name, as its pages and an authenticator show it.
pub(crate) const NAME: &str = "Wickersby & Daughters";

/// The API's own document. It describes every operation but `POST /v1/debug/reset`, which
/// somebody left behind and nobody wrote down.
pub(crate) const DOCUMENT: &str = include_str!("company.openapi.yaml");

/// The company's books and its people. Clones share them.
#[derive(Clone)]
pub(crate) struct Company(Arc<Inner>);

struct Inner {
    seed: u64,
    founded: Timestamp,
    books: Mutex<Books>,
}

impl Company {
    /// The same seed and time give the same people, credentials and invoices. Credentials that
    /// are made later, by login or by minting, are random.
    pub(crate) fn new(seed: u64, now: Timestamp) -> Self {
        Self(Arc::new(Inner { seed, founded: now, books: Mutex::new(Books::new(seed, now)) }))
    }

    /// The people and keys that a scene can play with, and their secrets.
    pub(crate) fn cast(&self) -> Cast {
        Cast::new(self.0.seed)
    }

    /// Puts everything back to how it was when the company was made: sessions and minted keys
    /// are gone, 2FA is on again, and so is the audit log of before.
    pub(crate) fn reset(&self) {
        *self.books() = Books::new(self.0.seed, self.0.founded);
    }

    /// A lock that was poisoned is taken all the same: a demo goes on.
    fn books(&self) -> MutexGuard<'_, Books> {
        self.0.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Answers requests until the task is dropped.
///
/// # Errors
/// When the listener cannot be used.
pub(crate) async fn serve(listener: TcpListener, company: Company) -> io::Result<()> {
    axum::serve(listener, router(company)).await
}

fn router(company: Company) -> Router {
    Router::new()
        .route("/health", get(health))
        .route("/openapi.yaml", get(document))
        .route("/login", post(access::log_in))
        .route("/logout", post(access::log_out))
        .route("/v1/me", get(access::who_am_i))
        .route("/v1/invoices", get(invoices::list).post(invoices::create))
        .route("/v1/invoices/export", get(invoices::export))
        .route("/v1/invoices/{number}", get(invoices::show))
        .route("/v1/invoices/{number}/pay", post(invoices::pay))
        .route("/v1/users", get(people::list).post(people::invite))
        .route("/v1/users/{user}", get(people::show).delete(people::delete))
        .route("/v1/users/{user}/role", put(people::change_role))
        .route("/v1/users/{user}/email", put(people::change_email))
        .route("/v1/users/{user}/two-factor", axum::routing::delete(people::turn_off_two_factor))
        .route("/v1/keys", get(keys::list).post(keys::mint))
        .route("/v1/keys/{key}", axum::routing::delete(keys::delete))
        .route("/v1/audit-log", get(office::audit_log))
        .route("/v1/jobs", get(office::list_jobs).post(office::start_job))
        .route("/v1/jobs/{job}", get(office::show_job))
        .route("/v1/webhooks", get(office::list_webhooks).post(office::add_webhook))
        .route("/v1/webhooks/{webhook}", axum::routing::delete(office::remove_webhook))
        .route("/v1/events", get(events::follow))
        .route("/v1/debug/reset", post(office::reset))
        .fallback(|| async { Error::NoSuchPath })
        .method_not_allowed_fallback(|| async { Error::NoSuchMethod })
        .with_state(company)
}

async fn health() -> Json<serde_json::Value> {
    Json(json!({ "status": "ok", "company": NAME }))
}

async fn document() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/yaml")], DOCUMENT)
}

#[cfg(test)]
mod tests;

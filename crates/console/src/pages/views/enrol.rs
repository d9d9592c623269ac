//! Enrolling an authenticator.

use askama::Template;
use axum::response::Response;
use factor::totp::Seed;
use http::StatusCode;
use zeroize::Zeroizing;

use super::{Frame, html};
use crate::pages::{
    qr::{Qr, qr},
    text::visible,
};

/// How to begin, for the first browser that comes with a link.
#[derive(Template)]
#[template(path = "begin.html")]
pub(in crate::pages) struct BeginEnrolling {
    frame: Frame,
    name: String,
    path: String,
}

impl BeginEnrolling {
    pub(in crate::pages) fn new(name: &str, path: &str) -> Self {
        Self { frame: Frame::bare(), name: visible(name, false), path: path.to_owned() }
    }

    pub(in crate::pages) fn page(&self) -> Response {
        html(StatusCode::OK, self)
    }
}

/// A seed, for an authenticator to take.
#[derive(Template)]
#[template(path = "enrol.html")]
pub(in crate::pages) struct Enrol {
    frame: Frame,
    name: String,
    issuer: String,
    uri: Zeroizing<String>,
    qr: Option<Qr>,
    /// The seed in groups of four letters.
    seed: Zeroizing<String>,
    error: Option<String>,
}

impl Enrol {
    pub(in crate::pages) fn new(issuer: &str, name: &str, seed: &Seed, error: Option<String>) -> Self {
        let uri = Zeroizing::new(seed.uri(issuer, name));
        let letters = Zeroizing::new(seed.base32());
        let mut groups = Zeroizing::new(String::with_capacity(40));
        for (place, letter) in letters.chars().enumerate() {
            if place > 0 && place.is_multiple_of(4) {
                groups.push(' ');
            }
            groups.push(letter);
        }
        Self {
            frame: Frame::bare(),
            name: visible(name, false),
            issuer: visible(issuer, false),
            qr: qr(&uri),
            uri,
            seed: groups,
            error,
        }
    }

    pub(in crate::pages) fn page(&self, status: StatusCode) -> Response {
        html(status, self)
    }
}

/// Recovery codes, shown once.
#[derive(Template)]
#[template(path = "recovery.html")]
pub(in crate::pages) struct RecoveryCodes {
    frame: Frame,
    name: String,
    codes: Vec<Zeroizing<String>>,
}

impl RecoveryCodes {
    pub(in crate::pages) fn new(name: &str, codes: impl Iterator<Item = Zeroizing<String>>) -> Self {
        Self { frame: Frame::bare(), name: visible(name, false), codes: codes.collect() }
    }

    pub(in crate::pages) fn page(&self) -> Response {
        html(StatusCode::OK, self)
    }
}

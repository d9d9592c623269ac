//! What comes in: bodies, filters and ids, read once and refused with a reason.

use std::str::FromStr;

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Query, Request},
};
use http::{HeaderMap, StatusCode, header::CONTENT_TYPE, request::Parts};
use serde::de::DeserializeOwned;

use crate::api::Problem;

/// A JSON body. No body at all is one in which nothing is said.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let json = is_json(request.headers());
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|rejection| Problem::new(rejection.status(), "body", "the body is too large, or broke off"))?;
        let text: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
        if !bytes.is_empty() && !json {
            let detail = "send JSON, with `Content-Type: application/json`";
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "media-type", detail));
        }
        serde_json::from_slice(text).map(Self).map_err(|error| {
            let detail = format!("the body is not what this address takes: {error}; see /v1/openapi.yaml");
            Problem::unfit(detail)
        })
    }
}

pub(super) fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json")
}

/// A filter in the query.
pub(super) struct Filter<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Filter<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = Query::<T>::try_from_uri(&parts.uri);
        query.map(|Query(filter)| Self(filter)).map_err(|rejection| Problem::unfit(rejection.body_text()))
    }
}

/// Reads an id in a path. What cannot be one names nothing.
pub(super) fn id<T: FromStr<Err: ToString>>(text: &str) -> Result<T, Problem> {
    text.parse().map_err(|error: T::Err| Problem::not_found(error.to_string()))
}

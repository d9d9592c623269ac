//! What the company answers when it does not do what was asked, always as JSON.

use axum::{
    Json,
    extract::{
        FromRequest, FromRequestParts, Path, Query, Request,
        rejection::{JsonRejection, QueryRejection},
    },
    http::{StatusCode, header::WWW_AUTHENTICATE, request::Parts},
    response::{IntoResponse, Response},
};
use serde::{Serialize, de::DeserializeOwned};

use super::access::Scope;

#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("log in, or send an API key as `Authorization: Bearer KEY`")]
    NotLoggedIn,
    #[error("e-mail address, password or code is wrong")]
    WrongLogin,
    #[error("this person has two-factor authentication: send `code` too")]
    CodeRequired,
    #[error("this needs the scope `{}`", .0.word())]
    Forbidden(Scope),
    #[error("there is no {0} `{1}`")]
    Missing(&'static str, String),
    #[error("{0}")]
    Conflict(&'static str),
    #[error("{0}")]
    Invalid(&'static str),
    #[error("there is nothing at this path; the API is described at `/openapi.yaml`")]
    NoSuchPath,
    #[error("this path has no such method; the API is described at `/openapi.yaml`")]
    NoSuchMethod,
    #[error("this machine has no random numbers to give")]
    NoChance,
    #[error(transparent)]
    Body(#[from] JsonRejection),
    #[error(transparent)]
    Query(#[from] QueryRejection),
}

impl Error {
    fn status_and_word(&self) -> (StatusCode, &'static str) {
        match self {
            Self::NotLoggedIn => (StatusCode::UNAUTHORIZED, "not_logged_in"),
            Self::WrongLogin => (StatusCode::UNAUTHORIZED, "wrong_login"),
            Self::CodeRequired => (StatusCode::UNAUTHORIZED, "code_required"),
            Self::Forbidden(_) => (StatusCode::FORBIDDEN, "forbidden"),
            Self::Missing(..) | Self::NoSuchPath => (StatusCode::NOT_FOUND, "not_found"),
            Self::NoSuchMethod => (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"),
            Self::Conflict(_) => (StatusCode::CONFLICT, "conflict"),
            Self::Invalid(_) | Self::Body(_) | Self::Query(_) => (StatusCode::UNPROCESSABLE_ENTITY, "invalid"),
            Self::NoChance => (StatusCode::INTERNAL_SERVER_ERROR, "broken"),
        }
    }
}

#[derive(Serialize)]
struct Answer {
    error: &'static str,
    message: String,
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let (status, error) = self.status_and_word();
        let answer = (status, Json(Answer { error, message: self.to_string() }));
        if status == StatusCode::UNAUTHORIZED {
            return ([(WWW_AUTHENTICATE, "Bearer")], answer).into_response();
        }
        answer.into_response()
    }
}

/// A JSON body, refused with the company's own words where it does not fit.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        let Json(body) = Json::from_request(request, state).await?;
        Ok(Self(body))
    }
}

/// The query, refused with the company's own words where it does not fit.
pub(super) struct Asked<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let Query(asked) = Query::from_request_parts(parts, state).await?;
        Ok(Self(asked))
    }
}

/// The one parameter of a path. What is no text names nothing.
pub(super) struct Named(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let Path(name) = Path::from_request_parts(parts, state).await.map_err(|_| Error::NoSuchPath)?;
        Ok(Self(name))
    }
}

//! What goes wrong, as the admin API says it.

use authority::{Declined, Failed, NotDone, NotProved};
use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{
    HeaderValue, StatusCode,
    header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
};

use crate::api::Problem;

impl Problem {
    pub(crate) fn new(status: StatusCode, code: &str, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("urn:greave:problem:{code}"),
            title: status.canonical_reason().unwrap_or_default().to_owned(),
            status: status.as_u16(),
            code: code.to_owned(),
            detail: detail.into(),
            retry_after: None,
        }
    }

    /// Nothing here without a session.
    pub(crate) fn sign_in() -> Self {
        let detail = "sign in with `POST /v1/session` and send its token as `Authorization: Bearer TOKEN`";
        Self::new(StatusCode::UNAUTHORIZED, "session-needed", detail)
    }

    pub(crate) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", detail)
    }

    pub(crate) fn unfit(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "unfit", detail)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let retry_after = self.retry_after.map(HeaderValue::from);
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(retry_after) = retry_after {
            headers.insert(RETRY_AFTER, retry_after);
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<Declined> for Problem {
    fn from(declined: Declined) -> Self {
        let (status, code) = kind(&declined);
        Self::new(status, code, declined.to_string())
    }
}

const fn kind(declined: &Declined) -> (StatusCode, &'static str) {
    match declined {
        Declined::OfKey(_, declined) => kind(declined),
        Declined::NoHolder(_)
        | Declined::NoKey(_)
        | Declined::WasDrill(_)
        | Declined::NoCanary(_)
        | Declined::NoRequest(_)
        | Declined::NoQuestion(_)
        | Declined::BadLink => (StatusCode::NOT_FOUND, "not-found"),
        Declined::KeyFell(..) => (StatusCode::CONFLICT, "key-fell"),
        Declined::RequestOver(_) | Declined::NotGranted(_) => (StatusCode::CONFLICT, "request-over"),
        Declined::OwnRequest(_) | Declined::MayNotGrant(_) | Declined::NotAsked(_) | Declined::NotTheirs(..) => {
            (StatusCode::FORBIDDEN, "not-yours")
        }
        Declined::TooManyRequests(_) => (StatusCode::CONFLICT, "too-many-requests"),
        Declined::ReasonNeeded(_) | Declined::WiderThanAsked(_) | Declined::LongerThanAsked(_) => {
            (StatusCode::UNPROCESSABLE_ENTITY, "unfit")
        }
        Declined::OfDrill(_) => (StatusCode::CONFLICT, "of-drill"),
        Declined::DrillGoesOn(_) => (StatusCode::CONFLICT, "drill-goes-on"),
        Declined::TooManyDrills => (StatusCode::UNPROCESSABLE_ENTITY, "unfit"),
        Declined::NoLaw => (StatusCode::NOT_FOUND, "no-law-waits"),
        Declined::LastAdministrator(_) | Declined::LastAuthenticator(_) => (StatusCode::CONFLICT, "last-administrator"),
        Declined::NameTaken(_) => (StatusCode::CONFLICT, "name-taken"),
        Declined::NothingToStop(_) => (StatusCode::CONFLICT, "not-enrolled"),
        Declined::Left(_) => (StatusCode::CONFLICT, "left"),
        Declined::SamePerson(_) => (StatusCode::CONFLICT, "same-person"),
        Declined::Revoked(_) => (StatusCode::CONFLICT, "revoked"),
        Declined::Retired(_) | Declined::RetiresAlready(..) => (StatusCode::CONFLICT, "retired"),
        Declined::NotUsedYet(..) => (StatusCode::CONFLICT, "not-used-yet"),
        Declined::NothingToRetire(..) => (StatusCode::CONFLICT, "not-active"),
        Declined::MustBeKnown(..) | Declined::IssuedHere(_) => (StatusCode::CONFLICT, "must-be-known"),
        Declined::BadName(_)
        | Declined::BadMail(_)
        | Declined::OwnerNeeded(_)
        | Declined::NotAPerson(_)
        | Declined::IsAPerson(_) => (StatusCode::UNPROCESSABLE_ENTITY, "unfit"),
        Declined::CodeNeeded => (StatusCode::FORBIDDEN, "code-needed"),
        Declined::NotAdministrator(_) => (StatusCode::FORBIDDEN, "not-administrator"),
        Declined::NotEnrolled(_) => (StatusCode::FORBIDDEN, "not-enrolled"),
        Declined::NotYours(_) => (StatusCode::FORBIDDEN, "not-yours"),
        Declined::NotContained(_) | Declined::ContainedWith(..) => (StatusCode::CONFLICT, "not-contained"),
        Declined::NotActive(_) => (StatusCode::CONFLICT, "not-active"),
        Declined::NarrowedToNothing(_) => (StatusCode::UNPROCESSABLE_ENTITY, "unfit"),
        Declined::NarrowedTooOften(_) | Declined::NotNarrowed(_) | Declined::NarrowedAbove(..) => {
            (StatusCode::CONFLICT, "narrowed")
        }
        Declined::NotIssued(_)
        | Declined::MadeByTheApi(_)
        | Declined::MadeAtTheApi(_)
        | Declined::TooDeep(_)
        | Declined::Wider(_)
        | Declined::OutlivesParent(_)
        | Declined::TooLong(_)
        | Declined::EndPassed
        | Declined::EndsBeforeNow(_)
        | Declined::NoPowers
        | Declined::HolderNeeded => (StatusCode::UNPROCESSABLE_ENTITY, "unfit"),
        Declined::Used => (StatusCode::FORBIDDEN, "wrong-code"),
    }
}

impl From<record::FilterError> for Problem {
    fn from(error: record::FilterError) -> Self {
        Self::unfit(error.to_string())
    }
}

impl From<Failed> for Problem {
    fn from(failed: Failed) -> Self {
        tracing::error!(%failed, "the state does not do its work");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "state-unavailable", failed.to_string())
    }
}

impl From<NotDone> for Problem {
    fn from(not_done: NotDone) -> Self {
        match not_done {
            NotDone::Declined(declined) => declined.into(),
            NotDone::Failed(failed) => failed.into(),
        }
    }
}

impl From<NotProved> for Problem {
    fn from(not_proved: NotProved) -> Self {
        match not_proved {
            NotProved::Wrong => Self::new(StatusCode::FORBIDDEN, "wrong-code", not_proved.to_string()),
            NotProved::Wait(wait) => Self {
                retry_after: Some(wait.as_secs()),
                ..Self::new(StatusCode::TOO_MANY_REQUESTS, "wait", not_proved.to_string())
            },
            NotProved::Failed(failed) => failed.into(),
        }
    }
}

//! Keys that the upstream accepts are made known, and whose they are is read once, with the
//! key itself.

use std::sync::Arc;

use authority::{Identity, Key, SecretDigest, Sighting};
use http::{
    HeaderMap, HeaderValue, Method, Request, StatusCode,
    header::{ACCEPT, AUTHORIZATION, COOKIE, HOST, HeaderName, USER_AGENT},
};
use jiff::Timestamp;
use law::KeyId;
use serde_json::Value;
use wire::Place;

use crate::{
    exchange::inquire,
    gate::{realm::Identify, stops::Worker},
};

/// The longest answer that says whose a key is, in bytes.
const LONGEST: usize = 1 << 20;

/// What is needed to learn a key and to ask the upstream whose it is.
pub(crate) struct Lesson {
    pub(crate) digest: SecretDigest,
    pub(crate) sighting: Sighting,
    /// The headers that carry the credential, and nothing else of the request: what else a
    /// client says must not speak in a question of the gate's own.
    pub(crate) headers: HeaderMap,
    /// The query parameter that carries it, as it was sent, where it stands there.
    pub(crate) parameter: Option<String>,
}

/// Whether the answer shows that the upstream took the credential. Narrower than "neither 401
/// nor 403": redirects lead to login pages, and what does not exist is often said before
/// anybody looks at the credential.
pub(crate) fn accepts(status: StatusCode) -> bool {
    status.is_success()
        || [StatusCode::NOT_MODIFIED, StatusCode::CONFLICT, StatusCode::UNPROCESSABLE_ENTITY].contains(&status)
}

/// The headers in which a credential stands, alone: of the cookies only its own.
pub(crate) fn carriers(places: &[Place], headers: &HeaderMap) -> HeaderMap {
    let mut carriers = HeaderMap::new();
    for place in places {
        match place {
            Place::Authorization(_) => copy(&AUTHORIZATION, headers, &mut carriers),
            Place::Header(name) => copy(name, headers, &mut carriers),
            Place::Cookie(name) => {
                let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
                let own = cookies
                    .flat_map(|value| value.split(';'))
                    .find(|cookie| cookie.split_once('=').is_some_and(|(cookie, _)| cookie.trim() == &**name));
                if let Some(cookie) = own.and_then(|cookie| HeaderValue::from_str(cookie.trim()).ok()) {
                    carriers.append(COOKIE, cookie);
                }
            }
            Place::Query(_) => {}
        }
    }
    copy(&HOST, headers, &mut carriers);
    copy(&USER_AGENT, headers, &mut carriers);
    carriers
}

fn copy(name: &HeaderName, from: &HeaderMap, to: &mut HeaderMap) {
    if let Some(value) = from.get(name) {
        to.insert(name, value.clone());
    }
}

/// The query parameter of a credential, as it was sent.
pub(crate) fn parameter(place: &Place, query: wire::Query<'_>) -> Option<String> {
    let Place::Query(name) = place else { return None };
    let found = query.parameters().find(|parameter| parameter.name.eq_ignore_ascii_case(name));
    found.map(|parameter| parameter.raw.to_owned())
}

/// Makes a key known. Whose it is, is asked where the configuration says how.
pub(crate) async fn learn(worker: Arc<Worker>, lesson: Lesson) {
    let adopted = worker.gate.authority.adopt(&lesson.digest, &lesson.sighting, Timestamp::now()).await;
    match adopted {
        Ok(key) => identify(&worker, &key, &lesson.headers, lesson.parameter.as_deref()).await,
        Err(error) => tracing::error!(error = &error as &dyn std::error::Error, "a key cannot be written down"),
    }
}

/// Asks the upstream whose a key is, once for each key and start of the gate.
pub(crate) async fn identify(worker: &Worker, key: &Key, headers: &HeaderMap, parameter: Option<&str>) {
    let realm = worker.gate.realm.load_full();
    let Some(how) = &realm.settings.identify else { return };
    if key.holder.is_some() || !worker.gate.first_asked(key.id) {
        return;
    }
    let request = question(how, headers, parameter, &realm.settings.proof);
    let Some((status, headers, body)) = inquire(&worker.upstream, request, LONGEST).await else { return };
    if !status.is_success() {
        tracing::warn!(key = %key.id, status = status.as_u16(), "the upstream does not say whose the key is");
        return;
    }
    match identity(how, &headers, &body) {
        Some(identity) => take_over(worker, key.id, &identity).await,
        None => tracing::warn!(key = %key.id, holder = how.holder, "the answer does not name the key's holder"),
    }
}

async fn take_over(worker: &Worker, key: KeyId, identity: &Identity) {
    if let Err(error) = worker.gate.authority.identify(key, identity, Timestamp::now()).await {
        tracing::warn!(%key, error = &error as &dyn std::error::Error, "whose the key is cannot be taken over");
    }
}

/// The request that asks, with the credential and nothing else of the caller's.
fn question(
    how: &Identify,
    carriers: &HeaderMap,
    parameter: Option<&str>,
    proof: &Option<(HeaderName, HeaderValue)>,
) -> Request<()> {
    let mut headers = carriers.clone();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    if let Some((name, value)) = proof {
        headers.insert(name, value.clone());
    }
    let target = match parameter {
        Some(parameter) if how.target.contains('?') => format!("{}&{parameter}", how.target),
        Some(parameter) => format!("{}?{parameter}", how.target),
        None => how.target.clone(),
    };
    let mut request = Request::new(());
    *request.method_mut() = Method::GET;
    if let Ok(uri) = target.parse() {
        *request.uri_mut() = uri;
    }
    *request.headers_mut() = headers;
    request
}

fn identity(how: &Identify, headers: &HeaderMap, body: &[u8]) -> Option<Identity> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let at = |pointer: &Option<String>| pointer.as_ref().and_then(|pointer| body.pointer(pointer));
    let name = match body.pointer(&how.holder)? {
        Value::String(name) => name.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let header = |name: &Option<HeaderName>| headers.get(name.as_ref()?)?.to_str().ok();
    let scopes = at(&how.scopes).and_then(words).or_else(|| header(&how.scopes_header).map(str::to_owned));
    Some(Identity {
        name,
        two_factor: at(&how.two_factor).and_then(truth),
        scopes,
        end: header(&how.end_header).and_then(moment),
    })
}

/// A list of words, or words in a text.
fn words(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(list) => Some(list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" ")),
        _ => None,
    }
}

/// What is absent or says something else is not false: it is unknown.
fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(truth) => Some(*truth),
        Value::String(text) if text == "true" || text == "enabled" => Some(true),
        Value::String(text) if text == "false" || text == "disabled" => Some(false),
        _ => None,
    }
}

/// A moment as APIs write it: RFC 3339, GitHub's `2026-12-01 08:00:00 UTC`, or seconds since 1970.
fn moment(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let github = || text.strip_suffix(" UTC").and_then(|text| format!("{}Z", text.replace(' ', "T")).parse().ok());
    let seconds = || text.parse().ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    text.parse().ok().or_else(github).or_else(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn how() -> Identify {
        Identify {
            target: "/user".to_owned(),
            holder: "/account/login".to_owned(),
            two_factor: Some("/mfa".to_owned()),
            scopes: Some("/scopes".to_owned()),
            scopes_header: Some(HeaderName::from_static("x-oauth-scopes")),
            end_header: Some(HeaderName::from_static("x-end")),
        }
    }

    fn identity(headers: &[(&'static str, &str)], body: &str) -> Option<Identity> {
        let headers = headers.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()));
        super::identity(&how(), &headers.collect(), body.as_bytes())
    }

    #[test]
    fn an_answer_names_the_holder_and_what_else_it_says() {
        let full = identity(
            &[("x-end", "2026-12-01 08:00:00 UTC")],
            r#"{"account":{"login":"ann"},"mfa":true,"scopes":["read","admin"]}"#,
        );
        let full = full.unwrap();
        assert_eq!((full.name.as_str(), full.two_factor), ("ann", Some(true)));
        assert_eq!(full.scopes.as_deref(), Some("read admin"));
        assert_eq!(full.end, Some("2026-12-01T08:00:00Z".parse().unwrap()));

        let little = identity(&[("x-oauth-scopes", "repo, gist")], r#"{"account":{"login":17},"mfa":null}"#).unwrap();
        assert_eq!((little.name.as_str(), little.two_factor), ("17", None));
        assert_eq!(little.scopes.as_deref(), Some("repo, gist"));
        assert_eq!(identity(&[], r#"{"login":"ann"}"#), None);
        assert_eq!(identity(&[], "not json"), None);
    }

    #[test]
    fn redirects_and_absences_do_not_show_that_a_key_is_good() {
        for (status, good) in
            [(200, true), (201, true), (409, true), (401, false), (403, false), (404, false), (302, false)]
        {
            assert_eq!(accepts(StatusCode::from_u16(status).unwrap()), good, "{status}");
        }
    }

    #[test]
    fn a_key_in_the_query_goes_along_as_it_was_sent() {
        let query = wire::Query::new(Some("page=2&api_key=a%2Bb"));
        let parameter = parameter(&Place::Query("api_key".into()), query).unwrap();
        let request = question(&how(), &HeaderMap::new(), Some(&parameter), &None);
        assert_eq!(request.uri(), "/user?api_key=a%2Bb");
    }
}

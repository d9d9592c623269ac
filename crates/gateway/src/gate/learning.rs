//! Keys that the upstream accepts are made known, and whose they are is read once, with the
//! key itself.

use std::{sync::Arc, time::Duration};

use authority::{Folded, Identity, Key, KnownBy, Sighting};
use http::{
    HeaderMap, HeaderValue, Method, Request, StatusCode,
    header::{ACCEPT, AUTHORIZATION, COOKIE, HOST, HeaderName, USER_AGENT},
};
use jiff::Timestamp;
use law::{KeyId, Refusal};
use serde_json::Value;
use tokio::time::timeout;
use wire::Place;

use crate::{
    cut::Learned,
    exchange::inquire,
    gate::{
        realm::{Identify, Realm},
        worker::Worker,
    },
};

/// The longest answer that says whose a key is, in bytes.
const LONGEST: usize = 1 << 20;

/// How long the answer to a new key's first call waits until the key is known.
const LEARNING: Duration = Duration::from_secs(5);

/// What came of asking the upstream whose a key is.
enum Heard {
    /// It says so.
    Named(Identity),
    /// It takes the question, and names nobody.
    Nobody,
    /// It does not say for now.
    Silent,
}

/// What is needed to learn a key and to ask the upstream whose it is.
pub(crate) struct Lesson {
    pub(crate) known_by: KnownBy,
    pub(crate) folded: Vec<Folded>,
    pub(crate) sighting: Sighting,
    /// Whose it is, where the issuer's token says so. Then nobody is asked.
    pub(crate) holder: Option<String>,
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
            Place::Query(_) | Place::Path => {}
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

/// Makes a key known, and puts it there where exchanges look whether they are cut. Whose it
/// is, the issuer's token says, or is asked where the configuration says how.
async fn learn(worker: Arc<Worker>, lesson: Lesson, learned: Option<Learned>) {
    let Lesson { known_by, folded, sighting, .. } = &lesson;
    let adopted = worker.gate.authority.adopt_spelled(*known_by, folded, sighting, Timestamp::now()).await;
    match adopted {
        Ok(key) => {
            note(learned.as_ref(), &key);
            match lesson.holder {
                Some(name) => name_holder(&worker, &key, name).await,
                None => {
                    identify(&worker, &key, &lesson.headers, lesson.parameter.as_deref()).await;
                }
            }
        }
        Err(error) => tracing::error!(error = &error as &dyn std::error::Error, "a key cannot be written down"),
    }
}

/// Puts it there where its exchange looks. Each learns one key, once.
fn note(learned: Option<&Learned>, key: &Arc<Key>) {
    if let Some(learned) = learned {
        let _ = learned.set(Arc::clone(key));
    }
}

/// The same, and waits for it: the first answer must not reach the client before its next
/// call could be judged. An upstream that is slow to say whose the key is, is not waited for.
pub(crate) async fn learn_first(worker: &Arc<Worker>, lesson: Lesson, learned: Option<Learned>) {
    let learning = tokio::spawn(learn(Arc::clone(worker), lesson, learned));
    // A task that is no longer waited for goes on.
    let _ = timeout(LEARNING, learning).await;
}

/// Asks the upstream whose a key is, once for each key and start of the gate. Whoever comes
/// meanwhile waits for the same answer. Whether it was given one.
async fn identify(worker: &Worker, key: &Key, headers: &HeaderMap, parameter: Option<&str>) -> bool {
    let realm = worker.gate.realm.load_full();
    let Some(how) = &realm.settings.identify else { return true };
    if key.holder().is_some() {
        return true;
    }
    let ask = async || match heard(worker, &realm, how, headers, parameter).await {
        Heard::Named(identity) => {
            take_over(worker, key.id, &identity).await;
            true
        }
        Heard::Nobody => true,
        Heard::Silent => false,
    };
    *worker.gate.asking(key.id).get_or_init(ask).await
}

/// Asks whose a key is before its call goes on. A call that changes something may rename the
/// account: who is asked afterwards is told whatever name the caller chose. Gives the key where
/// it became known by that.
///
/// # Errors
/// How the call is refused: nobody can say now whose the key is, or too many were learned.
pub(crate) async fn ask_first(
    worker: &Worker,
    lesson: &Lesson,
    known: Option<&Key>,
    may_learn: impl FnOnce() -> bool,
    learned: Option<&Learned>,
) -> Result<Option<Arc<Key>>, Refusal> {
    let (headers, parameter) = (&lesson.headers, lesson.parameter.as_deref());
    if let Some(key) = known {
        worker.gate.ask_again_if_silent(key.id);
        let told = identify(worker, key, headers, parameter).await;
        return if told { Ok(None) } else { Err(Refusal::WhoseUnknown) };
    }
    let realm = worker.gate.realm.load_full();
    let Some(how) = &realm.settings.identify else { return Ok(None) };
    let identity = match heard(worker, &realm, how, headers, parameter).await {
        Heard::Named(identity) => identity,
        // It may be no key at all. What becomes of its call shows that.
        Heard::Nobody => return Ok(None),
        Heard::Silent => return Err(Refusal::WhoseUnknown),
    };
    if !may_learn() {
        return Err(Refusal::TooManyGuesses);
    }
    let adopted =
        worker.gate.authority.adopt_spelled(lesson.known_by, &lesson.folded, &lesson.sighting, Timestamp::now()).await;
    let key = adopted.map_err(|error| {
        tracing::error!(error = &error as &dyn std::error::Error, "a key cannot be written down");
        Refusal::RecordUnavailable
    })?;
    note(learned, &key);
    let take = async || {
        if key.holder().is_none() {
            take_over(worker, key.id, &identity).await;
        }
        true
    };
    worker.gate.asking(key.id).get_or_init(take).await;
    Ok(Some(key))
}

async fn heard(worker: &Worker, realm: &Realm, how: &Identify, headers: &HeaderMap, parameter: Option<&str>) -> Heard {
    let request = question(how, headers, parameter, &realm.settings.proof);
    let Some((status, headers, body)) = inquire(&worker.upstream, request, LONGEST).await else {
        return Heard::Silent;
    };
    if !status.is_success() {
        tracing::warn!(status = status.as_u16(), "the upstream does not say whose a key is");
        let is_for_now = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
        return if is_for_now { Heard::Silent } else { Heard::Nobody };
    }
    identity(how, &headers, &body).map_or_else(
        || {
            tracing::warn!(holder = how.holder, "the answer does not name the key's holder");
            Heard::Nobody
        },
        Heard::Named,
    )
}

/// The issuer's token says whose the key is; nobody is asked.
async fn name_holder(worker: &Worker, key: &Key, name: String) {
    if key.holder().is_none() {
        let identity = Identity { name, ..Identity::default() };
        let take = async || {
            take_over(worker, key.id, &identity).await;
            true
        };
        worker.gate.asking(key.id).get_or_init(take).await;
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

//! What the gate asks the API about its keys on its own behalf: which there are, and to revoke
//! one. Nobody's request is forwarded here; nothing but these two operations is sent.

mod listing;

use std::time::Duration;

use authority::{Abroad, Authority, Compared};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri,
    header::{ACCEPT, CONTENT_LENGTH, HOST, USER_AGENT},
};
use hyper::body::Bytes;
use jiff::Timestamp;
use law::KeyId;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::time::timeout;
use wire::{Place, Secret};

pub use self::listing::ListFields;
use crate::{Upstream, exchange::ask};

/// The longest answer that is read, in bytes.
const LONGEST: usize = 16 * 1024 * 1024;

/// How long revoking may take for all keys together that somebody waits for.
const REVOKING: Duration = Duration::from_secs(20);

/// What RFC 3986 (section 2.3) leaves as it is.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// An operation of the API: a method, and a path below its base in which `{id}` stands for what
/// it calls the key, and `{holder}` for the holder's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Act {
    method: Method,
    path: String,
}

/// What is no such operation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no operation; write method and path, such as `DELETE /users/{{holder}}/tokens/{{id}}`")]
pub struct NoAct(String);

impl std::str::FromStr for Act {
    type Err = NoAct;

    fn from_str(text: &str) -> Result<Self, NoAct> {
        let error = || NoAct(text.to_owned());
        let (method, path) = text.split_once(' ').ok_or_else(error)?;
        let method: Method = method.parse().map_err(|_| error())?;
        let filled = path.replace("{id}", "x").replace("{holder}", "x");
        let plain = filled.starts_with('/') && !filled.contains(['{', '}', '#', ' ', '\\']) && !filled.contains("..");
        if !plain || filled.parse::<Uri>().is_err() || matches!(method, Method::CONNECT | Method::TRACE) {
            return Err(error());
        }
        Ok(Self { method, path: path.to_owned() })
    }
}

impl Act {
    /// Whether it asks for each holder by itself.
    fn is_by_holder(&self) -> bool {
        self.path.contains("{holder}")
    }

    /// Whether it only reads.
    pub fn is_read(&self) -> bool {
        self.method == Method::GET
    }

    /// Whether it says which key.
    pub fn names_key(&self) -> bool {
        self.path.contains("{id}")
    }

    fn filled(&self, base: &str, id: &str, holder: &str) -> Option<String> {
        // A segment of dots alone would be a step upwards.
        let is_segment = |text: &str| !text.is_empty() && !text.bytes().all(|byte| byte == b'.');
        let fits = |mark: &str, text: &str| !self.path.contains(mark) || is_segment(text);
        if !fits("{id}", id) || !fits("{holder}", holder) {
            return None;
        }
        let escaped = |text: &str| utf8_percent_encode(text, SEGMENT).to_string();
        // The holder's name goes in last: what it says is not filled in again.
        let parts = self.path.split("{holder}").map(|part| part.replace("{id}", &escaped(id)));
        Some(format!("{base}{}", parts.collect::<Vec<_>>().join(&escaped(holder))))
    }
}

/// What is known of the API's operations about its keys.
pub struct EmissarySettings {
    /// Where the API's paths begin.
    pub base: String,
    /// Where the API takes the credential with which it is asked.
    pub place: Place,
    /// The credential; the gate's own where there is none.
    pub credential: Option<Secret>,
    /// The header by which the upstream knows the gate.
    pub proof: Option<(HeaderName, HeaderValue)>,
    /// Revokes a key.
    pub revoke: Option<Act>,
    /// Lists keys, and how its answers read.
    pub list: Option<(Act, ListFields)>,
    /// What the API calls keys that are known to be elsewhere, such as the gate's own.
    pub ignore: Vec<String>,
}

/// Asks the API about its keys.
pub struct Emissary {
    upstream: Upstream,
    settings: EmissarySettings,
}

/// Why the API's keys cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum Unmeasured {
    /// Nothing is configured.
    #[error("the API's list of keys is not configured; add `list` to `[api.credentials]`")]
    NoList,
    /// There is nothing to ask with.
    #[error("there is no credential to ask the API with; name one in `api.credentials.secret`")]
    NoCredential,
    /// The API cannot be asked.
    #[error("`{0}` cannot be asked: {1}")]
    Refused(String, &'static str),
    /// The API answered something else.
    #[error("`{0}` answered {1}; look at the credential and the path in `[api.credentials]`")]
    Status(String, StatusCode),
    /// The answer is not as the configuration says.
    #[error("`{0}`: {1}")]
    Unreadable(String, String),
    /// What was learned cannot be written down.
    #[error(transparent)]
    Failed(#[from] authority::Failed),
}

impl Emissary {
    /// An emissary with its own connections.
    pub const fn new(upstream: Upstream, settings: EmissarySettings) -> Self {
        Self { upstream, settings }
    }

    /// Revokes keys at the API that are revoked here. What became of each stands in the ledger.
    pub async fn revoke(&self, authority: &Authority, keys: &[KeyId]) {
        let until = tokio::time::Instant::now() + REVOKING;
        for key in keys {
            let tried = tokio::time::timeout_at(until, self.revoke_one(authority, *key)).await;
            let became = tried.unwrap_or_else(|_| Abroad::Alive("the API took too long".to_owned()));
            if let Err(error) = authority.became_abroad(*key, became, Timestamp::now()).await {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "what became of a key cannot be written down"
                );
            }
        }
    }

    async fn revoke_one(&self, authority: &Authority, key: KeyId) -> Abroad {
        let alive = |why: &str| Abroad::Alive(why.to_owned());
        let Some(act) = &self.settings.revoke else {
            return alive("no operation that revokes is configured: `api.credentials.revoke`");
        };
        let named = authority.view(|state| {
            let holder = state.key(key).and_then(|key| state.holder(key.holder()?)).map(|holder| holder.name.clone());
            (state.name_abroad(key).map(str::to_owned), holder.unwrap_or_default())
        });
        let (Some(id), holder) = named else {
            return alive("nobody knows what the API calls it");
        };
        let Some(target) = act.filled(&self.settings.base, &id, &holder) else {
            return alive("its holder is not known, whom the API's path names");
        };
        match self.ask(authority, &act.method, &target).await {
            Ok((status, _, _)) if status.is_success() || status == StatusCode::GONE => Abroad::Dead,
            // A wrong path would say so, too: only the list tells that it is gone.
            Ok((StatusCode::NOT_FOUND, _, _)) => {
                alive("the API does not know it by that name, or the path is wrong (404)")
            }
            Ok((status, _, _)) => Abroad::Alive(format!("the API answered {status}")),
            Err(error) => Abroad::Alive(error.to_string()),
        }
    }

    /// Reads the API's list and compares it with the keys here. What was learned stands in the
    /// ledger.
    ///
    /// # Errors
    /// Where the list cannot be read whole.
    pub async fn reconcile(&self, authority: &Authority) -> Result<Compared, Unmeasured> {
        let listing = self.list(authority).await?;
        Ok(authority.reconcile(&listing, &self.settings.ignore, Timestamp::now()).await?)
    }

    async fn ask(
        &self,
        authority: &Authority,
        method: &Method,
        target: &str,
    ) -> Result<(StatusCode, HeaderMap, Bytes), Unmeasured> {
        let own = authority.credential();
        let secret = self.settings.credential.as_ref().or_else(|| own.as_ref().map(|own| own.secret()));
        let (name, value) =
            secret.and_then(|secret| self.settings.place.bear(secret)).ok_or(Unmeasured::NoCredential)?;
        // A query may page by a token of its own: what is said of a request is its path.
        let path = target.split('?').next().unwrap_or_default().to_owned();
        let refused = |why| Unmeasured::Refused(format!("{method} {path}"), why);
        let mut request = Request::new(());
        *request.method_mut() = method.clone();
        *request.uri_mut() = target.parse().map_err(|_| refused("it is no path"))?;
        let headers = request.headers_mut();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(USER_AGENT, HeaderValue::from_static("greave"));
        headers.insert(HOST, self.upstream.authority().clone());
        if [Method::POST, Method::PUT, Method::PATCH].contains(method) {
            headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        if let Some((name, value)) = &self.settings.proof {
            headers.insert(name, value.clone());
        }
        headers.insert(name, value);
        let asked = timeout(Duration::from_secs(60), ask(&self.upstream, request, LONGEST)).await;
        asked.map_err(|_| refused("it took too long"))?.map_err(|refusal| refused(refusal.says()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_is_filled_in_and_nothing_climbs_out_of_its_place() {
        let act: Act = "DELETE /users/{holder}/tokens/{id}".parse().unwrap();
        assert_eq!(
            act.filled("/api", "a/1?", "o'neil {id}").unwrap(),
            "/api/users/o%27neil%20%7Bid%7D/tokens/a%2F1%3F"
        );
        for (id, holder) in [("..", "ann"), ("", "ann"), ("a1", ""), ("a1", ".")] {
            assert_eq!(act.filled("", id, holder), None, "{id} {holder}");
        }
        assert!(act.names_key() && act.is_by_holder());
        for text in ["/tokens/{id}", "DELETE tokens", "DELETE /a/../{id}", "DELETE /{name}", "GET /a#b", "TRACE /{id}"]
        {
            assert!(text.parse::<Act>().is_err(), "{text}");
        }
    }
}

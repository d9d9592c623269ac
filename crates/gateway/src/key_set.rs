//! An issuer's public keys: given, or fetched off the request path and kept for a start
//! without the network, sealed. A fetch that fails changes nothing.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwapOption;
use authority::Authority;
use factor::jwt::{KeySet, NoKeySet};
use http::{
    HeaderValue, Method, Request,
    header::{ACCEPT, USER_AGENT},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::{
    sync::Notify,
    task::JoinHandle,
    time::{Instant, sleep, sleep_until},
};

use crate::{Upstream, exchange::inquire};

/// The longest answer, in bytes.
const LONGEST: usize = 512 * 1024;

/// How old a set may be that cannot be fetched anew: a key that the issuer took back must not
/// be good here for ever because its address is gone.
const OLDEST: SignedDuration = SignedDuration::from_hours(7 * 24);

/// The public keys of one issuer.
pub struct Keys {
    shared: Arc<Shared>,
    /// Ends with these keys.
    fetching: Option<Fetching>,
}

struct Shared {
    set: ArcSwapOption<KeySet>,
    /// When they were fetched, in seconds since 1970. Given keys are never too old.
    fetched: AtomicI64,
    /// Somebody brought a token of a key that is not here.
    wanted: Notify,
}

struct Fetching(JoinHandle<()>);

impl Drop for Fetching {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Where an issuer publishes its keys.
pub struct Published {
    /// The issuer's server.
    pub server: Upstream,
    /// Path and query there.
    pub target: String,
    /// How often they are fetched.
    pub schedule: Schedule,
}

/// The file that keeps the last good set.
pub struct KeyFile {
    /// The file itself.
    pub path: PathBuf,
    /// Seals it: keys that lie there open the API to whoever has their other halves.
    pub authority: Arc<Authority>,
}

/// How often keys are fetched.
#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    /// Without a reason.
    pub every: Duration,
    /// At the most: after a failure, or for tokens of unknown keys.
    pub at_most_every: Duration,
}

impl Default for Schedule {
    fn default() -> Self {
        Self { every: Duration::from_secs(900), at_most_every: Duration::from_secs(30) }
    }
}

/// Why keys cannot be fetched.
#[derive(Debug, thiserror::Error)]
pub enum NotFetched {
    /// No answer.
    #[error("the issuer's server does not answer; see the log, and whether the gate may reach it")]
    NoAnswer,
    /// An answer that is none.
    #[error("the issuer's server answers {0}; redirects are not followed, name the address where they lead")]
    Status(u16),
    /// No key set.
    #[error("what the issuer publishes cannot be used: {0}")]
    Unfit(#[from] NoKeySet),
}

impl Keys {
    /// Keys that stay what they are.
    pub fn given(set: KeySet) -> Self {
        Self { shared: Arc::new(Shared::new(Some(set), i64::MAX)), fetching: None }
    }

    /// Keys that are fetched from now on, by the runtime that this is called in. Until the
    /// first answer, those that were kept are used.
    pub fn fetched(published: Published, kept: Option<KeyFile>) -> Self {
        let before = kept.as_ref().and_then(|kept| kept.read(&published, Timestamp::now()));
        let (set, fetched) = before.map_or((None, i64::MIN), |(set, fetched)| (Some(set), fetched.as_second()));
        let shared = Arc::new(Shared::new(set, fetched));
        let fetching = Some(Fetching(tokio::spawn(keep_fetching(Arc::clone(&shared), published, kept))));
        Self { shared, fetching }
    }

    /// Those in use, if there are some that are not too old.
    pub(crate) fn current(&self, now: Timestamp) -> Option<Arc<KeySet>> {
        let oldest = now.saturating_sub(OLDEST).map_or(i64::MIN, Timestamp::as_second);
        if self.shared.fetched.load(Ordering::Acquire) < oldest {
            return None;
        }
        self.shared.set.load_full()
    }

    /// Asks for newer ones, where they are fetched.
    pub(crate) fn want(&self) {
        if self.fetching.is_some() {
            self.shared.wanted.notify_one();
        }
    }
}

impl Shared {
    fn new(set: Option<KeySet>, fetched: i64) -> Self {
        Self { set: ArcSwapOption::from_pointee(set), fetched: AtomicI64::new(fetched), wanted: Notify::new() }
    }
}

async fn keep_fetching(shared: Arc<Shared>, published: Published, kept: Option<KeyFile>) {
    let Schedule { every, at_most_every } = published.schedule;
    // What was fetched last, so that the same set is neither compiled nor kept again.
    let mut last: Option<Vec<u8>> = None;
    loop {
        let begun = Instant::now();
        let mut next = every;
        match fetch(&published).await {
            Ok((text, set)) => {
                let now = Timestamp::now();
                if last.as_ref() != Some(&text) {
                    shared.set.store(Some(Arc::new(set)));
                    tracing::info!(address = from(&published), "an issuer's keys are in use");
                }
                shared.fetched.store(now.as_second(), Ordering::Release);
                if let Some(kept) = &kept
                    && let Err(error) = kept.keep(&published, &text, now)
                {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, "an issuer's keys cannot be kept for the next start");
                }
                last = Some(text);
            }
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, address = from(&published), "an issuer's keys cannot be fetched");
                next = at_most_every;
            }
        }
        tokio::select! {
            () = sleep(next) => {}
            () = shared.wanted.notified() => sleep_until(begun + at_most_every).await,
        }
    }
}

/// Fetches a set once.
///
/// # Errors
/// Where there is no answer, or none that can be used.
pub async fn fetch(published: &Published) -> Result<(Vec<u8>, KeySet), NotFetched> {
    let mut request = Request::new(());
    *request.method_mut() = Method::GET;
    *request.uri_mut() = published.target.parse().map_err(|_| NotFetched::NoAnswer)?;
    request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/jwk-set+json, application/json"));
    request.headers_mut().insert(USER_AGENT, HeaderValue::from_static(concat!("greave/", env!("CARGO_PKG_VERSION"))));
    let (status, _, body) = inquire(&published.server, request, LONGEST).await.ok_or(NotFetched::NoAnswer)?;
    if status != http::StatusCode::OK {
        return Err(NotFetched::Status(status.as_u16()));
    }
    let set = KeySet::read(&body)?;
    Ok((body.to_vec(), set))
}

impl KeyFile {
    /// What was kept of this address.
    fn read(&self, published: &Published, now: Timestamp) -> Option<(KeySet, Timestamp)> {
        let sealed = fs::read(&self.path).ok()?;
        let Ok(text) = self.authority.open_file(&from(published), &sealed) else {
            tracing::warn!(
                address = from(published),
                "an issuer's kept keys were kept of another address or by somebody else, and are not used"
            );
            return None;
        };
        let kept: Value = serde_json::from_slice(&text).ok()?;
        let word = |name: &str| kept.get(name).and_then(Value::as_str);
        let fetched: Timestamp = word("fetched")?.parse().ok()?;
        // What was fetched later than now would never be too old.
        let set = KeySet::read(word("set")?.as_bytes()).ok().filter(|_| fetched <= now)?;
        Some((set, fetched))
    }

    fn keep(&self, published: &Published, set: &[u8], now: Timestamp) -> io::Result<()> {
        let text = json!({"fetched": now.to_string(), "set": String::from_utf8_lossy(set)}).to_string();
        let sealed = self.authority.seal_file(&from(published), text.as_bytes()).map_err(io::Error::other)?;
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder)?;
        }
        let beside = beside(&self.path);
        fs::write(&beside, sealed)?;
        fs::rename(beside, &self.path)
    }
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    name.into()
}

fn from(published: &Published) -> String {
    format!("{}{}", published.server.origin(), published.target)
}

//! What both the pages and the admin API work on.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
};

use arc_swap::{ArcSwap, ArcSwapOption};
use authority::{Authority, Failed, State};
use axum::{Extension, extract::ConnectInfo};
use catalogue::Catalogue;
use http::{HeaderMap, HeaderValue};
use jiff::Timestamp;
use law::{HolderId, Span};
use record::Book;
use serde_json::Value;

use crate::{
    Abroad, Alarm, Drills, Pulse, Told,
    api::GuessingView,
    reaching::Reaches,
    session::{Session, Sessions},
};

/// What both the pages and the admin API work on.
pub struct Desk {
    /// Who has keys, who answers for them, who said yes.
    pub authority: Arc<Authority>,
    /// The operations in force; replaced when the gate loads others.
    pub catalogue: Arc<ArcSwap<Catalogue>>,
    /// The folder of the record.
    pub record: PathBuf,
    /// The record, where this process writes it. Without it nothing is known of how keys are used.
    pub book: Option<Arc<Book>>,
    /// What the operator says; replaced when the gate loads another configuration.
    pub settings: ArcSwap<Settings>,
    /// The API itself, where the operator says how it is asked about its keys; replaced with the settings.
    pub abroad: ArcSwapOption<Abroad>,
    /// Who plays drills, where a gate runs.
    pub drills: ArcSwapOption<Drills>,
    /// How the gate's process does, where one runs.
    pub pulse: ArcSwapOption<Pulse>,
    /// How a change is told to other systems, which this room does not know.
    pub events: Option<Events>,
    /// Hears of keys that were found where others can read them; nobody does where no gate runs.
    pub alarm: Option<Alarm>,
    /// Says who tries credentials; nobody does where no gate runs.
    pub guesses: Option<Guesses>,
    /// Settings of the configuration in force that the next start alone takes over.
    pub at_next_start: ArcSwap<Vec<&'static str>>,
    /// Who was told of the questions.
    pub told: Arc<Told>,
    /// What time it is.
    pub clock: fn() -> Timestamp,
    /// Whether the clock stands still at a moment of the past.
    pub past: bool,
}

/// Makes of a ledger's entry the event that other systems are sent.
#[expect(clippy::type_complexity, reason = "one function, and this is its name")]
pub struct Events(pub Box<dyn Fn(&State, &store::Entry) -> Option<Value> + Send + Sync>);

/// Says who shows credentials that nobody knows at this moment.
pub struct Guesses(pub Box<dyn Fn(Timestamp) -> Vec<GuessingView> + Send + Sync>);

/// What the operator says of the desk, and of how requests are read.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The origin under which people reach the desk, such as `https://desk.example.org`.
    pub origin: String,
    /// What authenticators show beside the person's name.
    pub issuer: String,
    /// How long a sign-in lasts.
    pub session: Span,
    /// How loosely the upstream reads paths.
    pub path_rules: wire::PathRules,
    /// Paths that anybody may call without a credential, as far as the document does not describe them.
    pub open: wire::OpenPaths,
    /// The proxies before the desk whose word counts for who comes.
    pub proxies: wire::TrustedProxies,
    /// How keys are issued, where they are.
    pub issued: Option<IssuedSettings>,
    /// What becomes of the keys of somebody who leaves.
    pub on_leaving: authority::OnLeaving,
    /// Who may report leaked keys without being known here.
    pub leaks: crate::LeakDoors,
    /// Whether calls are watched: `on`, `dry-run` or `off`.
    pub watch: &'static str,
    /// Who may answer requests for keys, and how long they wait.
    pub requests: authority::RequestRules,
}

/// How keys are issued.
#[derive(Clone, Debug)]
pub struct IssuedSettings {
    /// What they look like.
    pub form: wire::IssuedForm,
}

impl Settings {
    /// Whether a page of this origin is the desk's own. The `Host` that it came to does not tell:
    /// a name of somebody else's may lead here.
    pub(crate) fn is_own_origin(&self, origin: &HeaderValue) -> bool {
        origin.as_bytes() == self.origin.trim_end_matches('/').as_bytes()
    }

    /// Whether browsers reach the desk over TLS.
    pub(crate) fn is_https(&self) -> bool {
        self.origin.starts_with("https://")
    }
}

/// A person who signed in and still may.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) id: HolderId,
    pub(crate) name: String,
    pub(crate) administrator: bool,
}

impl Desk {
    pub(crate) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// What keys reach under the law and the catalogue in force.
    pub(crate) fn reaches(&self, now: Timestamp) -> Reaches {
        Reaches::new(Arc::clone(&self.authority.law()), self.catalogue.load_full(), now)
    }

    /// Opens a session for a person and forgets the one that this client had.
    pub(crate) fn open_session(&self, sessions: &Sessions, person: HolderId) -> Result<(String, Timestamp), Failed> {
        let now = self.now();
        let until = now.saturating_add(jiff::SignedDuration::from(self.settings.load().session));
        sessions.open(person, now, until.unwrap_or(Timestamp::MAX))
    }

    /// Whose session this is, where it is one. Who has left, lost their authenticator or
    /// enrolled another one since then has none any more, nor has anybody who signed in before
    /// it was stopped.
    pub(crate) fn person(&self, sessions: &Sessions, token: &str) -> Option<(Person, Session)> {
        let session = sessions.find(token, self.now())?;
        let person = self.authority.view(|state| {
            let holder = state.holder(session.person).filter(|holder| holder.can_prove())?;
            let same = holder.authenticator.as_ref().is_some_and(|authenticator| {
                authenticator.since <= session.began && authenticator.stopped.is_none_or(|at| at < session.began)
            });
            same.then(|| Person { id: holder.id, name: holder.name.clone(), administrator: holder.administrator })
        })?;
        Some((person, session))
    }
}

/// The other end of a connection, where the server that has the router tells it.
pub(crate) type Peer = Option<Extension<ConnectInfo<SocketAddr>>>;

/// Where somebody comes from who wants to sign in: the other end of the connection, or, where
/// that is a proxy that the operator trusts, whom it names. Without an address all are one source.
pub(crate) fn source(peer: Peer, headers: &HeaderMap, settings: &Settings) -> IpAddr {
    peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |Extension(ConnectInfo(address))| {
        wire::client_address(address.ip(), headers, &settings.proxies)
    })
}

//! `greave.toml`: what the operator says. The file is the truth of the law.
//!
//! A broken file is refused with its line and how to mend it. What is wrong in itself (a
//! word that is no guard) is found while reading; what does not fit together, in
//! [`Config::check`].

mod address;
mod credentials;
mod drain;
mod guards;
mod issuer;
mod keep;
mod leaks;
mod pace;
mod size;
mod surroundings;
pub(crate) mod template;
mod trace;
mod watch;

use std::{
    fmt,
    net::SocketAddr,
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

use catalogue::{MultiSegment, Override, SelectorRule};
use ipnet::IpNet;
use law::Span;
use serde::Deserialize;

use crate::broken;

pub(crate) use self::{
    credentials::Credentials,
    drain::{Drain, Form as DrainForm, origin},
    guards::Guards,
    issuer::{CountsAsPerson, Issuer, Kind as IssuerKind},
    keep::Keep,
    leaks::Leaks,
    pace::Pace,
    size::Size,
    surroundings::Expected,
    trace::Trace,
    watch::{Answers, Off, Watch},
};

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    pub(crate) gate: Gate,
    pub(crate) api: Api,
    #[serde(default)]
    pub(crate) guard: Guards,
    #[serde(default)]
    pub(crate) hold: Hold,
    #[serde(default)]
    pub(crate) desk: Desk,
    #[serde(default)]
    pub(crate) tell: Tell,
    #[serde(default)]
    pub(crate) record: Record,
    pub(crate) issued: Option<Issued>,
    #[serde(default)]
    pub(crate) keys: Keys,
    #[serde(default)]
    pub(crate) holders: Holders,
    /// Where calls, findings and changes go out to.
    #[serde(default, rename = "drain")]
    pub(crate) drains: Vec<Drain>,
    /// Where traces go.
    pub(crate) trace: Option<Trace>,
    /// Who may report leaked keys.
    #[serde(default)]
    pub(crate) leaks: Leaks,
    /// What looks at calls.
    #[serde(default)]
    pub(crate) watch: Watch,
}

/// What becomes of holders.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Holders {
    /// What becomes of the keys of somebody who leaves.
    pub(crate) on_leaving: authority::OnLeaving,
}

/// How long keys live, who may say yes to requests for them, and how long those wait.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Keys {
    /// How long an issued key lives where nobody says; the longest life where that is shorter.
    pub(crate) lifetime: Option<Span>,
    /// How long a key may live.
    pub(crate) longest: Option<Span>,
    /// So long before a key ends its people are warned.
    pub(crate) warn: Vec<Span>,
    /// Whether a key in use ends although its people could not be warned.
    pub(crate) end_unwarned: bool,
    /// How long a request waits for an answer.
    pub(crate) lapse: Span,
    /// How long a yes waits until the key is collected.
    pub(crate) collect: Span,
    /// Who may beside administrators.
    pub(crate) approvers: Vec<Approver>,
}

impl Default for Keys {
    fn default() -> Self {
        let authority::RequestRules { lapse, collect, .. } = authority::RequestRules::default();
        let warnings = authority::Warnings::default();
        Self {
            lifetime: None,
            longest: None,
            warn: warnings.distances().to_vec(),
            end_unwarned: warnings.end_unwarned(),
            lapse,
            collect,
            approvers: Vec::new(),
        }
    }
}

/// People who may say yes, and to what.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Approver {
    pub(crate) people: Vec<String>,
    /// To keys with no other powers.
    pub(crate) powers: law::Powers,
    /// To keys that last no longer.
    pub(crate) longest: Option<Span>,
    /// For these holders; for all where there are none.
    #[serde(default)]
    pub(crate) holders: Vec<String>,
}

/// How keys are issued.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Issued {
    /// What they begin with.
    pub(crate) prefix: Prefix,
    /// Where the API takes the gate's own credential.
    #[serde(default)]
    pub(crate) place: Bears,
    /// The name of the credential where it is kept outside: a file in `secrets/` of the state folder.
    pub(crate) credential: Option<String>,
    /// Headers and parameters by which clients may say in whose name the credential acts.
    #[serde(default)]
    pub(crate) on_behalf: Vec<String>,
    /// Where `keys.longest` stood before. Files that are in force already may say it there.
    pub(crate) longest: Option<Span>,
}

/// What issued keys begin with.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Prefix(pub(crate) wire::IssuedForm);

impl TryFrom<String> for Prefix {
    type Error = wire::PrefixError;

    fn try_from(text: String) -> Result<Self, wire::PrefixError> {
        text.parse().map(Self)
    }
}

/// A place that can bear the gate's own credential.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Bears(pub(crate) wire::Place);

impl Default for Bears {
    fn default() -> Self {
        Self(wire::Place::Authorization(wire::Scheme::Bearer))
    }
}

impl TryFrom<String> for Bears {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let place: wire::Place = text.parse().map_err(|error: wire::PlaceError| error.to_string())?;
        // A text that every header can bear: a place refuses it or takes all.
        match place.bear(&wire::Secret::new(b"user:password")) {
            Some(_) => Ok(Self(place)),
            None => Err(format!(
                "the gate's own credential cannot stand in `{text}`; write `authorization:SCHEME` or `header:NAME`"
            )),
        }
    }
}

/// Where the gate stands.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Gate {
    /// Where clients connect.
    #[serde(deserialize_with = "address::one")]
    pub(crate) listen: SocketAddr,
    /// The API behind the gate, `http://` or `https://`.
    pub(crate) upstream: String,
    /// The origin under which clients know the gate, where it differs from `listen`.
    pub(crate) public: Option<String>,
    /// Whether the upstream sees the client's `Host` or its own.
    #[serde(default)]
    pub(crate) host: Host,
    /// The state folder, beside the file where it is relative.
    #[serde(default = "state")]
    pub(crate) state: PathBuf,
    /// Where Prometheus reads.
    #[serde(default, deserialize_with = "address::perhaps")]
    pub(crate) metrics: Option<SocketAddr>,
    /// Networks whose forwarding headers are believed.
    #[serde(default, deserialize_with = "address::networks")]
    pub(crate) trusted_proxies: Vec<IpNet>,
    /// Threads; one for each core where it is silent.
    pub(crate) workers: Option<NonZeroUsize>,
    #[serde(default = "seconds::<5>")]
    pub(crate) connect_timeout: Span,
    #[serde(default = "seconds::<60>")]
    pub(crate) answer_timeout: Span,
    #[serde(default = "seconds::<30>")]
    pub(crate) stop_timeout: Span,
    /// How long a client may take for the head of a request, and leave its connection idle.
    #[serde(default = "seconds::<75>")]
    pub(crate) head_timeout: Span,
    /// The slowest that the body of a request may come.
    #[serde(default)]
    pub(crate) body_pace: Pace,
    /// What the gate's refusals say that they are.
    #[serde(default)]
    pub(crate) problems: Problems,
    /// How the gate proves itself to the upstream.
    pub(crate) proof: Option<Proof>,
    /// Certificate authorities of the upstream, PEM, where they are not the system's.
    pub(crate) upstream_authorities: Option<PathBuf>,
    /// The gate's own certificate and key towards the upstream, PEM.
    pub(crate) client_certificate: Option<PathBuf>,
    pub(crate) client_key: Option<PathBuf>,
}

/// The media type of the gate's own refusals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) enum Problems {
    /// RFC 9457.
    #[default]
    #[serde(rename = "application/problem+json")]
    Problem,
    /// For clients that know an error by this type alone.
    #[serde(rename = "application/json")]
    Json,
}

/// Which `Host` the upstream sees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Host {
    /// The client's, as adopted keys need it.
    #[default]
    Preserve,
    /// The upstream's own.
    Upstream,
}

/// A header by which the upstream knows that a request came through the gate.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Proof {
    pub(crate) header: String,
    /// The name of the secret: a file in `secrets/` of the state folder.
    pub(crate) secret: String,
}

/// The API behind the gate.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Api {
    /// Its OpenAPI document, beside the file where it is relative.
    pub(crate) document: PathBuf,
    /// The accepted powers.
    #[serde(default = "lock")]
    pub(crate) lock: PathBuf,
    /// Where the paths begin, instead of what the document says.
    pub(crate) base: Option<String>,
    /// Prefixes that anybody may call without a credential, such as a login page.
    #[serde(default)]
    pub(crate) open: Vec<String>,
    #[serde(default)]
    pub(crate) unknown_keys: UnknownKeys,
    /// Places of keys beside those of the document and the well-known ones.
    #[serde(default)]
    pub(crate) keys: Vec<String>,
    /// How a login's session is told: by its cookie, or by its token's issuer or beginning.
    #[serde(default)]
    pub(crate) sessions: Vec<String>,
    /// Whose tokens are verified here, and are one key for each client.
    #[serde(default, rename = "issuer")]
    pub(crate) issuers: Vec<Issuer>,
    /// Headers by which the upstream would learn who calls, if the gate did not strip them, beside
    /// those of well-known gateways.
    #[serde(default)]
    pub(crate) identity_headers: Vec<String>,
    /// The operation that says whose a key is.
    pub(crate) identify: Option<Identify>,
    /// How the API is asked about its keys.
    pub(crate) credentials: Option<Credentials>,
    /// How loosely the upstream reads paths.
    #[serde(default)]
    pub(crate) paths: Paths,
    #[serde(default, rename = "override")]
    pub(crate) overrides: Vec<Override>,
    #[serde(default, rename = "selector")]
    pub(crate) selectors: Vec<SelectorRule>,
    #[serde(default)]
    pub(crate) multi_segment: Vec<MultiSegment>,
}

/// What becomes of a key that the gate does not know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum UnknownKeys {
    /// It is made known when the upstream has accepted it.
    #[default]
    Learn,
    /// It does not pass.
    Refuse,
}

/// How loosely the upstream reads paths.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Paths {
    pub(crate) double_slash: DoubleSlash,
    pub(crate) semicolon: Semicolon,
    pub(crate) case: catalogue::Case,
    pub(crate) trailing_slash: catalogue::TrailingSlash,
    pub(crate) encoded_slash: catalogue::EncodedSlash,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum DoubleSlash {
    #[default]
    Refuse,
    Merge,
    Keep,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Semicolon {
    #[default]
    Refuse,
    Strip,
    Keep,
}

/// The operation that says whose a key is, and where in its answer.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Identify {
    /// The path, below the API's base; it is read with `GET` and the key itself.
    pub(crate) path: String,
    /// JSON pointer to the account's name.
    pub(crate) holder: String,
    /// JSON pointer to whether the account has 2FA.
    pub(crate) two_factor: Option<String>,
    /// JSON pointer to the key's scopes.
    pub(crate) scopes: Option<String>,
    /// Header of any answer that names the key's scopes.
    pub(crate) scopes_header: Option<String>,
    /// Header of any answer that says when the key ends.
    pub(crate) end_header: Option<String>,
}

/// How requests wait for people.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Hold {
    /// How long a request waits that does not say.
    pub(crate) wait: Span,
    /// The longest that a request may ask for with `Prefer: wait=N`.
    pub(crate) most: Span,
    /// How long a question stands, and its answer.
    pub(crate) lapse: Span,
    /// The largest body that is held.
    pub(crate) body: Size,
    /// What all held bodies together may take.
    pub(crate) memory: Size,
}

impl Default for Hold {
    fn default() -> Self {
        Self {
            wait: Span::seconds(50),
            most: Span::seconds(300),
            lapse: Span::minutes(10),
            body: Size(1 << 20),
            memory: Size(64 << 20),
        }
    }
}

/// Where people answer.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Desk {
    #[serde(deserialize_with = "address::one")]
    pub(crate) listen: SocketAddr,
    /// The origin under which people reach it, where it differs from `listen`.
    pub(crate) public: Option<String>,
    /// How long a sign-in lasts.
    pub(crate) session: Span,
    /// Networks of the proxies before the desk whose forwarding headers are believed.
    #[serde(deserialize_with = "address::networks")]
    pub(crate) trusted_proxies: Vec<IpNet>,
}

impl Default for Desk {
    fn default() -> Self {
        let listen = SocketAddr::from(([127, 0, 0, 1], 8081));
        Self { listen, public: None, session: Span::hours(8), trusted_proxies: Vec::new() }
    }
}

/// How people are told.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Tell {
    /// The deputies are told too when a question has been open for so long.
    pub(crate) escalate: Span,
    pub(crate) webhook: Vec<Webhook>,
    pub(crate) mail: Option<Mail>,
}

impl Default for Tell {
    fn default() -> Self {
        Self { escalate: Span::minutes(3), webhook: Vec::new(), mail: None }
    }
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Webhook {
    pub(crate) url: String,
    /// The name of the signing secret: a file in `secrets/` of the state folder.
    pub(crate) secret: String,
    pub(crate) kinds: Option<Vec<tell::Kind>>,
    #[serde(default)]
    pub(crate) danger_plain_http: bool,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Mail {
    pub(crate) server: String,
    pub(crate) port: Option<u16>,
    #[serde(default)]
    pub(crate) security: MailSecurity,
    pub(crate) from: String,
    pub(crate) user: Option<String>,
    /// The name of the password: a file in `secrets/` of the state folder.
    pub(crate) password: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum MailSecurity {
    Tls,
    #[default]
    StartTls,
    Plain,
}

/// Where calls are written down.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Record {
    /// A file of the log is finished at this size.
    pub(crate) roll: Size,
    /// The oldest calls are removed beyond this size.
    pub(crate) cap: Size,
    /// Files of the log are finished, and sealed, in steps of this time.
    pub(crate) seal: Span,
    /// How long calls are kept, by their powers.
    pub(crate) keep: Keep,
    /// How long what is usual passes while nothing can be written.
    pub(crate) grace: Span,
}

impl Default for Record {
    fn default() -> Self {
        Self {
            roll: Size(64 << 20),
            cap: Size(16 << 30),
            seal: Span::hours(1),
            keep: Keep::default(),
            grace: Span::minutes(15),
        }
    }
}

/// How a file is mended that is no configuration.
const MEND: &str = "`greave check` reads it again, `greave init` writes a new one";

/// How one line of it is mended: whoever has a file of their own wants no new one.
const MEND_LINE: &str = "`greave check` reads it again";

/// Why a configuration is refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("`{path}` cannot be read: {cause}; name yours with `--config FILE`, or write a new one with `greave init`")]
    Missing { path: PathBuf, cause: std::io::Error },
    #[error("`{path}` is refused\n{told}")]
    Broken { path: PathBuf, cause: Box<toml::de::Error>, told: String },
    #[error("`{path}`: {what}: {why}")]
    Unfit { path: PathBuf, what: &'static str, why: String },
}

impl Config {
    /// Reads a file and checks it.
    pub(crate) fn read(path: &Path) -> Result<Self, ConfigError> {
        let text =
            std::fs::read_to_string(path).map_err(|cause| ConfigError::Missing { path: path.to_owned(), cause })?;
        Self::parse(path, &text)
    }

    /// Reads a text. Relative paths in it are taken from the file's folder.
    pub(crate) fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        let mut config: Self = toml::from_str(text).map_err(|cause| ConfigError::Broken {
            path: path.to_owned(),
            told: broken::told(text, &cause.to_string(), "the configuration", (MEND_LINE, MEND)),
            cause: Box::new(cause),
        })?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let Gate { state, upstream_authorities, client_certificate, client_key, .. } = &mut config.gate;
        let networks = &mut config.watch.networks;
        for relative in [state, &mut config.api.document, &mut config.api.lock]
            .into_iter()
            .chain([upstream_authorities, client_certificate, client_key, networks].into_iter().flatten())
        {
            *relative = folder.join(&*relative);
        }
        config.api.issuers.iter_mut().for_each(|issuer| issuer.take_from(folder));
        config.drains.iter_mut().for_each(|drain| drain.take_from(folder));
        config.trace.iter_mut().for_each(|trace| trace.take_from(folder));
        config.check().map_err(|(what, why)| ConfigError::Unfit { path: path.to_owned(), what, why })?;
        Ok(config)
    }

    fn check(&self) -> Result<(), (&'static str, String)> {
        let origin =
            |what, text: &str| text.parse::<gateway::Origin>().map(|_| ()).map_err(|error| (what, error.to_string()));
        let upstream: gateway::Origin =
            self.gate.upstream.parse().map_err(|error: gateway::OriginError| ("gate.upstream", error.to_string()))?;
        for (what, listen) in [("gate.listen", self.gate.listen), ("desk.listen", self.desk.listen)] {
            if address::leads_to(&upstream, listen) {
                let why = format!("it is {what}, {listen}: every request would come back; name the API's own address");
                return Err(("gate.upstream", why));
            }
        }
        if let Some(public) = &self.gate.public {
            origin("gate.public", public)?;
        }
        if let Some(public) = &self.desk.public {
            origin("desk.public", public)?;
        }
        if self.record.seal < Span::seconds(1) {
            return Err(("record.seal", "it must be a second at least; an hour is usual".to_owned()));
        }
        if self.hold.wait > self.hold.most {
            return Err(("hold.wait", format!("it is longer than hold.most, {}", self.hold.most)));
        }
        let authority::Lifetimes { usual, longest } = self.lifetimes();
        for (what, span) in [("keys.longest", longest), ("keys.lifetime", usual)] {
            if span < Span::seconds(1) {
                return Err((what, "no key would live; write `90d`, for example".to_owned()));
            }
        }
        if usual > longest {
            let mend = "make it shorter, or keys.longest longer";
            return Err(("keys.lifetime", format!("it is longer than keys.longest, {longest}; {mend}")));
        }
        for place in &self.api.keys {
            place.parse::<wire::Place>().map_err(|error| ("api.keys", error.to_string()))?;
        }
        for session in &self.api.sessions {
            session.parse::<wire::Session>().map_err(|error| ("api.sessions", error.to_string()))?;
        }
        issuer::check(&self.api.issuers, &self.api.sessions).map_err(|why| ("api.issuer", why))?;
        wire::OpenPaths::new(&self.api.open, "").map_err(|error| ("api.open", error.to_string()))?;
        if let Some(identify) = &self.api.identify {
            let pointers =
                [Some(&identify.holder), identify.two_factor.as_ref(), identify.scopes.as_ref()].into_iter().flatten();
            for pointer in pointers {
                if !pointer.starts_with('/') {
                    let mend = format!("`{pointer}` is no JSON pointer; write `/{pointer}`");
                    return Err(("api.identify", mend));
                }
            }
        }
        if let Some(credentials) = &self.api.credentials {
            credentials.check()?;
        }
        if self.gate.client_certificate.is_some() != self.gate.client_key.is_some() {
            return Err(("gate.client_certificate", "it needs gate.client_key, and the other way round".to_owned()));
        }
        let Gate { upstream_authorities, client_certificate, .. } = &self.gate;
        if self.gate.upstream.starts_with("http://") {
            let files =
                [("gate.upstream_authorities", upstream_authorities), ("gate.client_certificate", client_certificate)];
            if let Some((what, _)) = files.into_iter().find(|(_, file)| file.is_some()) {
                return Err((what, "nothing is encrypted towards an `http://` upstream; write `https://` in gate.upstream, or leave this out".to_owned()));
            }
        }
        if let Some(short) = self.keys.warn.iter().find(|distance| **distance < Span::hours(1)) {
            return Err((
                "keys.warn",
                format!("`{short}` before an end is too late to be told in time; write `1h` or more"),
            ));
        }
        drain::check(&self.drains).map_err(|why| ("drain", why))?;
        self.leaks.doors().map_err(|why| ("leaks", why))?;
        self.watch.check().map_err(|why| ("watch", why))?;
        if let Some(trace) = &self.trace {
            trace.check().map_err(|why| ("trace", why))?;
        }
        if self.gate.listen == self.desk.listen && self.gate.listen.port() != 0 {
            return Err(("desk.listen", "it is the address of gate.listen; choose another port".to_owned()));
        }
        Ok(())
    }

    /// How long keys live.
    pub(crate) fn lifetimes(&self) -> authority::Lifetimes {
        let authority::Lifetimes { usual, longest } = authority::Lifetimes::default();
        let before = self.issued.as_ref().and_then(|issued| issued.longest);
        let longest = self.keys.longest.or(before).unwrap_or(longest);
        authority::Lifetimes { usual: self.keys.lifetime.unwrap_or(usual.min(longest)), longest }
    }

    /// How people are warned before keys end.
    pub(crate) fn warnings(&self) -> authority::Warnings {
        authority::Warnings::new(self.keys.warn.iter().copied(), self.keys.end_unwarned)
    }

    /// The origin under which clients know the gate.
    pub(crate) fn public(&self) -> String {
        self.gate.public.clone().unwrap_or_else(|| format!("http://{}", address::reachable(self.gate.listen)))
    }

    /// The origin under which people reach the desk.
    pub(crate) fn desk(&self) -> String {
        self.desk.public.clone().unwrap_or_else(|| format!("http://{}", address::reachable(self.desk.listen)))
    }

    /// What the catalogue must know.
    pub(crate) fn catalogue_settings(&self) -> catalogue::Settings {
        catalogue::Settings {
            base: self.api.base.clone(),
            overrides: self.api.overrides.clone(),
            selectors: self.api.selectors.clone(),
            multi_segment: self.api.multi_segment.clone(),
            case: self.api.paths.case,
            trailing_slash: self.api.paths.trailing_slash,
            encoded_slash: self.api.paths.encoded_slash,
        }
    }

    /// What reading a path must know.
    pub(crate) fn path_rules(&self) -> wire::PathRules {
        let Paths { double_slash, semicolon, case, trailing_slash, encoded_slash: _ } = self.api.paths;
        wire::PathRules {
            doubled: match double_slash {
                DoubleSlash::Refuse => wire::Doubled::Refuse,
                DoubleSlash::Merge => wire::Doubled::Merge,
                DoubleSlash::Keep => wire::Doubled::Keep,
            },
            matrix: match semicolon {
                Semicolon::Refuse => wire::Matrix::Refuse,
                Semicolon::Strip => wire::Matrix::Strip,
                Semicolon::Keep => wire::Matrix::Keep,
            },
            ignore_case: case == catalogue::Case::Insensitive,
            ignore_trailing_slash: trailing_slash == catalogue::TrailingSlash::Ignored,
        }
    }
}

/// The state folder, where the file is silent.
pub(crate) fn state() -> PathBuf {
    PathBuf::from("state")
}

/// The lock, likewise.
pub(crate) fn lock() -> PathBuf {
    PathBuf::from("catalogue.lock")
}

const fn seconds<const SECONDS: u32>() -> Span {
    Span::seconds(SECONDS)
}

impl fmt::Display for Config {
    /// Where everything is, for the first lines of `greave serve`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "gate  {} -> {}", self.public(), self.gate.upstream)?;
        write!(f, "desk  {}", self.desk())
    }
}

//! Puts the rooms together, from what the configuration says.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use arc_swap::{ArcSwap, ArcSwapOption};
use authority::{Approver, Authority, Credential, Limits, Loaded, RequestRules};
use catalogue::{Catalogue, CredentialPlace, Drift, Trouble};
use console::{Desk, Door};
use gateway::{
    Emissary, EmissarySettings, Holding, HostSent, Identify, Issuing, Patience, Realm, RealmSettings, Sampling,
    TlsFiles, UnknownKeys, Upstream,
};
use http::{HeaderName, HeaderValue};
use jiff::Timestamp;
use law::Span;
use record::Book;
use wire::{Forwarding, OpenPaths, Origins, Places, ProxyHeader, TrustedProxies};

use crate::{
    client::Client,
    config::{self, Config, ConfigError, Host},
    document::{Document, DocumentError},
    drains, issuers,
    posture::{KeptError, Looked, Pending, Posture},
    secrets::{SecretError, Vault, private_folder},
    show,
    state::{StateError, StateFolder, database, named_by, record_folder, running},
};

/// Everything but the gate itself: the authority, the catalogue and the desk over them.
pub(crate) struct House {
    pub(crate) state: StateFolder,
    /// The configuration in force.
    pub(crate) config: Config,
    pub(crate) authority: Arc<Authority>,
    pub(crate) catalogue: Arc<ArcSwap<Catalogue>>,
    pub(crate) drift: Drift,
    pub(crate) troubles: Vec<Trouble>,
    pub(crate) law: Loaded,
    /// What comes into force when the gate stands.
    pub(crate) pending: Option<Pending>,
    /// SHA-256 of the lock that is obeyed.
    pub(crate) lock: authority::Digest,
}

/// Why the rooms cannot be put together.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HouseError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Kept(#[from] KeptError),
    #[error(transparent)]
    Document(#[from] DocumentError),
    #[error(transparent)]
    State(#[from] StateError),
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error("{0}")]
    Setting(String),
    /// Who has mended the file and reads the same error again must be told why.
    #[error(
        "{0}\nthis is what is in force; your file differs and waits: `greave law show`, `greave law accept --as NAME`"
    )]
    InForce(Box<HouseError>),
}

impl House {
    /// Takes the state, opens what lies in it, and looks at what the operator has written: the
    /// house is made of it, or of the posture in force where it waits.
    pub(crate) async fn open(written: Posture, now: Timestamp) -> Result<Self, HouseError> {
        let state = StateFolder::take(&written.config.gate.state)?;
        let authority = state.authority(now).await?;
        let Looked { posture: Posture { config, document, .. }, law, pending } = written.look(&authority, now).await?;
        authority.limit(limits(&config));
        authority.live_by(config.lifetimes()).await;
        lend_credential(&config, &authority)?;
        let Document { catalogue, lock, drift, troubles, accepted: _ } = document;
        let catalogue = Arc::new(ArcSwap::new(catalogue));
        Ok(Self { state, config, authority, catalogue, drift, troubles, law, pending, lock })
    }

    /// The desk over it.
    pub(crate) fn desk(&self, book: Option<Arc<Book>>) -> Desk {
        let abroad = abroad(&self.config, &self.authority, &self.catalogue.load()).unwrap_or_else(|error| {
            tracing::error!(error = &error as &dyn std::error::Error, "the API is not asked about its keys");
            None
        });
        Desk {
            abroad: ArcSwapOption::new(abroad.map(Arc::new)),
            drills: ArcSwapOption::empty(),
            pulse: ArcSwapOption::empty(),
            authority: Arc::clone(&self.authority),
            catalogue: Arc::clone(&self.catalogue),
            record: self.state.record(),
            book,
            settings: ArcSwap::from_pointee(desk_settings(&self.config, &self.catalogue.load())),
            events: Some(events(drains::teller(&self.config))),
            alarm: None,
            guesses: None,
            at_next_start: ArcSwap::default(),
            told: Arc::default(),
            clock: Timestamp::now,
            past: false,
        }
    }
}

/// How a change is told to other systems.
fn events(teller: ocsf::Teller) -> console::Events {
    console::Events(Box::new(move |state, entry| {
        let written = serde_json::from_str(&entry.change).ok()?;
        let place = (entry.seq, entry.at, &*entry.hash.to_string());
        let event = ocsf::change(&teller, ocsf::Names::from(state), place, &written);
        Some(serde_json::Value::Object(event.body().clone()))
    }))
}

/// What the desk must know of the configuration.
pub(crate) fn desk_settings(config: &Config, catalogue: &Catalogue) -> console::Settings {
    console::Settings {
        origin: config.desk(),
        issuer: "Greave".to_owned(),
        session: config.desk.session,
        // A proxy before the gate has no word about who comes to the desk, unless it is named here, too.
        proxies: TrustedProxies::new(config.desk.trusted_proxies.clone(), ProxyHeader::default()),
        path_rules: config.path_rules(),
        open: open_paths(config, catalogue).unwrap_or_default(),
        issued: config.issued.as_ref().map(|issued| console::IssuedSettings { form: issued.prefix.0.clone() }),
        on_leaving: config.holders.on_leaving,
        leaks: config.leaks.doors().unwrap_or_default(),
        watch: config.watch.mode.word(),
        requests: request_rules(config),
    }
}

/// Who may say yes to requests for keys.
pub(crate) fn request_rules(config: &Config) -> RequestRules {
    let config::Keys { lapse, collect, approvers, .. } = &config.keys;
    let approver = |config::Approver { people, powers, longest, holders }: &config::Approver| Approver {
        people: people.clone(),
        powers: *powers,
        longest: *longest,
        holders: holders.clone(),
    };
    RequestRules { lapse: *lapse, collect: *collect, approvers: approvers.iter().map(approver).collect() }
}

/// Lends the authority the credential that the operator keeps outside, where one is named;
/// what was lent before is taken back.
pub(crate) fn lend_credential(config: &Config, authority: &Authority) -> Result<(), HouseError> {
    authority.lend_credential(lent(config)?);
    Ok(())
}

/// The credential that the operator keeps outside, where one is named.
pub(crate) fn lent(config: &Config) -> Result<Option<Credential>, HouseError> {
    let Some(name) = config.issued.as_ref().and_then(|issued| issued.credential.as_ref()) else { return Ok(None) };
    let text = Vault::of(&config.gate.state).text(name)?;
    let credential = Credential::new(text.trim().as_bytes());
    credential.map(Some).map_err(|error| HouseError::Setting(format!("the secret `{name}`: {error}")))
}

/// Who asks the API about its keys, where the operator says so.
pub(crate) fn emissary(config: &Config, catalogue: &Catalogue) -> Result<Option<Emissary>, HouseError> {
    let Some(how) = &config.api.credentials else { return Ok(None) };
    let setting = |(what, why): (&str, String)| HouseError::Setting(format!("{what}: {why}"));
    let own_place = || config.issued.as_ref().map(|issued| issued.place.0.clone());
    let credential = how.secret.as_ref().map(|name| Vault::of(&config.gate.state).text(name)).transpose()?;
    let settings = EmissarySettings {
        base: catalogue.base().to_owned(),
        place: how.place().map_err(setting)?.or_else(own_place).unwrap_or_else(|| config::Bears::default().0),
        credential: credential.map(|text| wire::Secret::new(text.trim().as_bytes())),
        proof: proof(config, &|what, name| {
            name.parse().map_err(|_| HouseError::Setting(format!("{what}: `{name}` is no header's name")))
        })?,
        revoke: how.revoke().map_err(setting)?,
        list: how.list().map_err(setting)?,
        ignore: how.ignore.clone(),
    };
    Ok(Some(Emissary::new(upstream(config)?, settings)))
}

/// How the API is asked about its keys, where the operator says so.
pub(crate) fn abroad(
    config: &Config,
    authority: &Arc<Authority>,
    catalogue: &Catalogue,
) -> Result<Option<console::Abroad>, HouseError> {
    let Some(emissary) = emissary(config, catalogue)?.map(Arc::new) else { return Ok(None) };
    let (revoker, of_revoker) = (Arc::clone(&emissary), Arc::clone(authority));
    let of_lister = Arc::clone(authority);
    Ok(Some(console::Abroad {
        revoke: Box::new(move |keys| {
            let (emissary, authority) = (Arc::clone(&revoker), Arc::clone(&of_revoker));
            Box::pin(async move { emissary.revoke(&authority, &keys).await })
        }),
        reconcile: Box::new(move || {
            let (emissary, authority) = (Arc::clone(&emissary), Arc::clone(&of_lister));
            Box::pin(async move { emissary.reconcile(&authority).await.map_err(|error| error.to_string()) })
        }),
    }))
}

fn open_paths(config: &Config, catalogue: &Catalogue) -> Result<OpenPaths, wire::OpenPathError> {
    OpenPaths::new(&config.api.open, catalogue.base())
}

/// The command line's way to the authority: the running gate's, or within this process. To
/// stop a key must be possible however broken the configuration is: a gate that runs is found
/// without reading all of it.
pub(crate) async fn client(path: &Path) -> Result<Client, HouseError> {
    if let Some(socket) = running(&named_by(path)) {
        return Ok(Client::Running(socket));
    }
    let house = House::open(Posture::read(path)?, Timestamp::now()).await?;
    if house.authority.law().law != house.config.guard.law() && matches!(house.law, Loaded::InForce) {
        let text = "the guards of the file come into force when the gate starts; this goes by those in force";
        show::aside(show::FAINT, text);
    }
    let desk = Arc::new(house.desk(None));
    // The state folder is held as long as the process lives.
    std::mem::forget(house.state);
    Ok(Client::Within(Box::new(console::admin(desk, Door::Local))))
}

/// The moment that is looked back at; set once, before anything is read.
static THEN: std::sync::OnceLock<Timestamp> = std::sync::OnceLock::new();

fn then() -> Timestamp {
    THEN.get().copied().unwrap_or(Timestamp::MIN)
}

/// A folder that goes with this value.
pub(crate) struct Passing(PathBuf);

impl Drop for Passing {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What begins the name of such a folder; the number of its process follows.
const AS_OF: &str = "as-of-";

/// Takes away what a process has left that was killed.
fn forget_killed(state: &Path) {
    let left = fs::read_dir(state).into_iter().flatten().flatten();
    for entry in left.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())) {
        let name = entry.file_name();
        let process = name.to_str().and_then(|name| name.strip_prefix(AS_OF)?.parse::<u32>().ok());
        if process.is_some_and(|process| !Path::new("/proc").join(process.to_string()).exists()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Where an answer about the past comes from.
pub(crate) struct Grounds {
    /// How many entries the ledger had then.
    pub(crate) entries: u64,
    /// The chain up to the last of them.
    pub(crate) head: String,
}

/// The way to the authority as it was at a moment: the ledger up to then, in a folder of its own
/// that is gone with this process, under the posture of that time. Whether or not a gate runs.
pub(crate) async fn client_as_of(path: &Path, at: Timestamp) -> Result<(Client, Grounds, Passing), HouseError> {
    let state = named_by(path);
    forget_killed(&state);
    let scratch = Passing(state.join(format!("{AS_OF}{}", std::process::id())));
    private_folder(&scratch.0).map_err(|cause| StateError::Folder { path: scratch.0.clone(), cause })?;
    let copied = store::copy_as_of(&database(&state), &database(&scratch.0), at).await;
    let copied = copied.map_err(|error| StateError::Authority(error.into()))?;
    if copied.chain.len == 0 {
        return Err(HouseError::Setting(format!("the ledger begins after {at}: nothing was known then")));
    }
    let secrets = Vault::of(&state).authority()?;
    let authority = Authority::open(&scratch.0, secrets, Limits::default(), at).await.map_err(StateError::from)?;
    let Some((_, files)) = authority.view(authority::State::posture) else {
        return Err(HouseError::Setting(format!("no configuration was in force at {at}")));
    };
    // Never today's in its place: what it says of reach would be made up.
    let posture = Posture::of_past(path, &state, &files, &scratch.0).map_err(|error| {
        HouseError::Setting(format!(
            "what was in force at {at} (configuration {}, by the ledger) cannot be had any more: {error}",
            files.config
        ))
    })?;
    let Posture { config, document, .. } = posture;
    authority.live_by(config.lifetimes()).await;
    let _ = THEN.set(at);
    let catalogue = document.catalogue;
    let desk = Desk {
        abroad: ArcSwapOption::empty(),
        authority,
        settings: ArcSwap::from_pointee(desk_settings(&config, &catalogue)),
        catalogue: Arc::new(ArcSwap::new(catalogue)),
        record: record_folder(&state),
        book: None,
        events: None,
        at_next_start: ArcSwap::default(),
        told: Arc::default(),
        drills: ArcSwapOption::empty(),
        pulse: ArcSwapOption::empty(),
        clock: then,
        alarm: None,
        guesses: None,
        past: true,
    };
    let grounds = Grounds { entries: copied.chain.len, head: copied.chain.head.to_string() };
    Ok((Client::Within(Box::new(console::admin(Arc::new(desk), Door::Local))), grounds, scratch))
}

pub(crate) fn limits(config: &Config) -> Limits {
    Limits { lapse: config.hold.lapse, ..Limits::default() }
}

/// What the gate obeys. Without an authority nothing of it is kept.
pub(crate) fn realm(
    config: &Config,
    catalogue: Arc<Catalogue>,
    authority: Option<&Arc<Authority>>,
) -> Result<Realm, HouseError> {
    let setting = |what: &str, why: &dyn std::fmt::Display| HouseError::Setting(format!("{what}: {why}"));
    let header = |what: &str, name: &str| {
        name.parse::<HeaderName>().map_err(|_| setting(what, &format!("`{name}` is no header's name")))
    };
    let identity = config.api.identity_headers.iter().map(|name| header("api.identity_headers", name));
    let trusted = TrustedProxies::new(config.gate.trusted_proxies.clone(), ProxyHeader::default());
    let settings = RealmSettings {
        places: places(config, &catalogue)?,
        issuers: issuers::issuers(config, authority)?,
        rules: config.path_rules(),
        open: open_paths(config, &catalogue).map_err(|error| setting("api.open", &error))?,
        unknown_keys: match config.api.unknown_keys {
            config::UnknownKeys::Learn => UnknownKeys::Learn,
            config::UnknownKeys::Refuse => UnknownKeys::Refuse,
        },
        forwarding: Forwarding { trusted, identity: identity.collect::<Result<_, _>>()? },
        origins: Origins::new([config.gate.upstream.as_str()], &config.public())
            .map_err(|error| setting("gate.public", &error))?,
        identify: config.api.identify.as_ref().map(|how| identify(&catalogue, how, &header)).transpose()?,
        pace: config.gate.body_pace.into(),
        problems_as_json: config.gate.problems == config::Problems::Json,
        holding: Holding { wait: config.hold.wait, most: config.hold.most },
        desk: config.desk(),
        issued: config.issued.as_ref().map(|issued| Issuing {
            form: issued.prefix.0.clone(),
            place: issued.place.0.clone(),
            on_behalf: issued.on_behalf.clone(),
        }),
        made_id: config.api.credentials.as_ref().and_then(config::Credentials::made_id),
        made_by: config
            .api
            .credentials
            .as_ref()
            .map_or(Ok(Vec::new()), config::Credentials::made_by)
            .map_err(|(what, why)| setting(what, &why))?,
        proof: proof(config, &header)?,
        traces: config.trace.as_ref().map(|trace| Sampling::of(trace.sample)),
    };
    Ok(Realm::new(catalogue, settings))
}

fn identify(
    catalogue: &Catalogue,
    how: &config::Identify,
    header: &impl Fn(&str, &str) -> Result<HeaderName, HouseError>,
) -> Result<Identify, HouseError> {
    let optional = |what, name: &Option<String>| name.as_ref().map(|name| header(what, name)).transpose();
    Ok(Identify {
        target: format!("{}{}", catalogue.base(), how.path),
        holder: how.holder.clone(),
        two_factor: how.two_factor.clone(),
        scopes: how.scopes.clone(),
        scopes_header: optional("api.identify.scopes_header", &how.scopes_header)?,
        end_header: optional("api.identify.end_header", &how.end_header)?,
    })
}

fn proof(
    config: &Config,
    header: &impl Fn(&str, &str) -> Result<HeaderName, HouseError>,
) -> Result<Option<(HeaderName, HeaderValue)>, HouseError> {
    let Some(proof) = &config.gate.proof else { return Ok(None) };
    let secret = Vault::of(&config.gate.state).text(&proof.secret)?;
    let mut value = HeaderValue::from_str(secret.trim())
        .map_err(|_| HouseError::Setting(format!("the secret `{}` cannot stand in a header", proof.secret)))?;
    value.set_sensitive(true);
    Ok(Some((header("gate.proof.header", &proof.header)?, value)))
}

/// The well-known places, those of the document, and those that the operator names.
pub(crate) fn places(config: &Config, catalogue: &Catalogue) -> Result<Places, HouseError> {
    let unfit = |error: wire::PlaceError| HouseError::Setting(format!("api.keys: {error}"));
    let mut places = Places::well_known();
    for declared in catalogue.credential_places() {
        for place in on_the_wire(declared) {
            places = places.with(place);
        }
    }
    for together in catalogue.credentials_together() {
        let of = |scheme: &str| catalogue.credential_places().iter().find(|place| place.scheme == scheme);
        let wires: Vec<wire::Place> = together.iter().filter_map(|scheme| of(scheme)).flat_map(on_the_wire).collect();
        if let [one, other] = wires.as_slice() {
            places = places.with_pair(one.clone(), other.clone());
        }
    }
    for place in &config.api.keys {
        places = places.with(place.parse().map_err(unfit)?);
    }
    for session in &config.api.sessions {
        let unfit = |error: wire::SessionError| HouseError::Setting(format!("api.sessions: {error}"));
        places = places.with_session(&session.parse().map_err(unfit)?);
    }
    Ok(places)
}

/// Where a security scheme's credential stands. One that is no credential on the wire (a
/// certificate), or that no header can carry, stands nowhere.
pub(crate) fn on_the_wire(declared: &CredentialPlace) -> Vec<wire::Place> {
    use catalogue::Place;
    use wire::Scheme;
    let place = match &declared.place {
        Place::Header(name) => name.parse().ok().and_then(|name| wire::Place::header(name).ok()),
        Place::Query(name) => Some(wire::Place::Query(name.as_str().into())),
        Place::Cookie(name) => Some(wire::Place::Cookie(name.as_str().into())),
        Place::Bearer => Some(wire::Place::Authorization(Scheme::Bearer)),
        Place::Basic => {
            let halves = [Scheme::BasicUser, Scheme::BasicPassword];
            return halves.into_iter().map(wire::Place::Authorization).collect();
        }
        Place::Authorization(scheme) => format!("authorization:{scheme}").parse().ok(),
        Place::Certificate => None,
    };
    place.into_iter().collect()
}

/// The way to the API behind the gate.
pub(crate) fn upstream(config: &Config) -> Result<Upstream, HouseError> {
    let setting = |what: &str, why: &dyn std::fmt::Display| HouseError::Setting(format!("{what}: {why}"));
    let read = |what: &'static str, path: &Option<std::path::PathBuf>| {
        let read =
            |path: &Path| fs::read(path).map_err(|error| setting(what, &format!("`{}`: {error}", path.display())));
        path.as_deref().map(read).transpose()
    };
    let authorities = read("gate.upstream_authorities", &config.gate.upstream_authorities)?;
    let certificate = read("gate.client_certificate", &config.gate.client_certificate)?;
    let key = read("gate.client_key", &config.gate.client_key)?.map(zeroize::Zeroizing::new);
    let files = TlsFiles {
        authorities: authorities.as_deref(),
        certificate: certificate.as_deref(),
        key: key.as_ref().map(|key| key.as_slice()),
    };
    let host = match config.gate.host {
        Host::Preserve => HostSent::AsReceived,
        Host::Upstream => HostSent::Upstream,
    };
    let patience = Patience {
        connect: config.gate.connect_timeout.into(),
        answer: config.gate.answer_timeout.into(),
        ..Patience::default()
    };
    let origin = config.gate.upstream.parse().map_err(|error| setting("gate.upstream", &error))?;
    Upstream::new(origin, host, patience, files).map_err(|error| setting("gate.upstream", &error))
}

/// After a start, and after the clock jumped, nothing of the record is removed for so long.
const SETTLE: std::time::Duration = std::time::Duration::from_secs(15 * 60);

/// What is sealed at once, in bytes, also of a long log.
const PIECE: usize = 64 << 20;

/// The book of calls.
pub(crate) fn book(config: &Config) -> Result<Book, HouseError> {
    let (roll, cap) = (config.record.roll.0, config.record.cap.0);
    // Of what the record may take, a quarter is for what waits to be sealed.
    let log = (cap / 4).max(roll.saturating_mul(2)).min(cap);
    let settings =
        record::Settings { roll, cap: log, grace: config.record.grace.into(), ..record::Settings::default() };
    let signer = Vault::of(&config.gate.state).record_signer();
    let sealing = record::Sealing {
        signer: signer.map_err(|error| HouseError::Setting(error.to_string()))?,
        after: config.record.seal.into(),
        keep: config.record.keep.0,
        cap: (cap - log).max(cap / 4),
        piece: PIECE,
        settle: SETTLE,
    };
    Book::open_sealing(record_folder(&config.gate.state), settings, sealing)
        .map_err(|error| HouseError::Setting(format!("the record: {error}; it lies in `record` of the state folder")))
}

/// Room for the bodies of requests that wait.
pub(crate) fn spool(config: &Config) -> gateway::Spool {
    gateway::Spool::new(config.hold.body.bytes(), config.hold.memory.bytes())
}

/// How long the gate waits for what is in flight when it stops.
pub(crate) const fn grace(config: &Config) -> Span {
    config.gate.stop_timeout
}

//! A gate before a small API, with a person who has an authenticator.

use std::{
    collections::{HashMap, VecDeque},
    net::SocketAddr,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use authority::{
    Authority, Command, Credential, Description, Identity, Key, Limit, Limits, Offer, Order, PepperId, Peppers,
    Rehearse, Scope, SecretDigest, Secrets, Sighting, Warrant,
};
use catalogue::{Catalogue, Override, SelectBy, SelectorRule, Settings};
use factor::totp::{Seed, Step};
use gateway::{
    Found, Gate, GateParts, Holding, HostSent, Identify, Issuers, Issuing, Pace, Patience, Realm, RealmSettings,
    Running, Server, ServerSettings, Spool, TlsFiles, UnknownKeys, Upstream, WatchRules, Watching, Worker,
};
use http::{HeaderMap, Request, Response, StatusCode, request::Builder};
use http_body_util::{BodyExt as _, Full};
use hyper::{
    body::{Bytes, Incoming},
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use law::{Call, ChallengeId, Finding, HolderId, HolderKind, KeyId, Law, Mode, Outcome, Power, Powers, Refusal, Span};
use record::{Book, Reader};
use store::Signer;
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::JoinHandle,
    time::timeout,
};

/// Nothing here takes so long: what waits for something that never comes fails by this.
const NEVER: Duration = Duration::from_secs(20);

const DOCUMENT: &str = r#"
openapi: 3.1.0
info: {title: Things, version: "1"}
servers: [{url: /v1}]
security: [{key: []}]
components:
  securitySchemes: {key: {type: http, scheme: bearer}}
paths:
  /me: {get: {summary: Who am I}, post: {summary: Update my account}}
  /health: {get: {summary: Health, security: []}}
  /events: {get: {summary: Follow events}}
  /things:
    get: {summary: List things, parameters: [{name: page, in: query}], responses: {"200": {description: ok, content: {application/json: {schema: {type: array, items: {type: object}}}}}}}
  /things/export: {get: {summary: Export all things}}
  /things/{id}:
    get: {summary: Show a thing, parameters: [{name: page, in: query}]}
    post: {summary: Update a thing}
    delete: {summary: Delete a thing}
  /keys:
    post:
      summary: Create an API key
      responses:
        "201": {description: made, content: {application/json: {schema: {type: object, properties: {id: {type: string}, secret: {type: string, description: The new API key}}}}}}
  /tickets/new:
    get:
      summary: Create an API key
      responses:
        "200": {description: made, content: {application/json: {schema: {type: object, properties: {id: {type: string}, secret: {type: string, description: The new API key}}}}}}
  /tickets/{id}: {get: {summary: Show a ticket}}
  /reports: {get: {summary: List reports}}
  /notes: {post: {summary: Write a note}}
  /notes/upload: {post: {summary: Upload a note}}
  /tokens:
    post:
      summary: Create API tokens
      responses:
        "200": {description: made, content: {application/json: {schema: {type: array, items: {type: object, properties: {token: {type: string}}}}}}}
"#;

pub(crate) struct House {
    pub(crate) folder: TempDir,
    pub(crate) authority: Arc<Authority>,
    pub(crate) upstream: Api,
    pub(crate) ann: HolderId,
    seed: Seed,
    /// Steps that were used already: each code is accepted once.
    steps: AtomicU64,
    book: Arc<Book>,
    gate: Arc<Gate>,
    pub(crate) watching: Arc<Watching>,
    pub(crate) watched: Mutex<mpsc::Receiver<Found>>,
    pub(crate) address: SocketAddr,
    running: Running,
    findings: Mutex<mpsc::Receiver<Finding>>,
}

impl Drop for House {
    fn drop(&mut self) {
        self.gate.stop_waiting();
        self.running.stop();
    }
}

impl House {
    pub(crate) async fn enforcing() -> Self {
        Self::new(Mode::Enforce, UnknownKeys::Learn, Issuers::default()).await
    }

    pub(crate) async fn verifying(issuers: Issuers) -> Self {
        Self::new(Mode::Enforce, UnknownKeys::Learn, issuers).await
    }

    pub(crate) async fn observing() -> Self {
        Self::new("observe until 2099-01-01".parse().unwrap(), UnknownKeys::Learn, Issuers::default()).await
    }

    pub(crate) async fn refusing_unknown_keys() -> Self {
        Self::new(Mode::Enforce, UnknownKeys::Refuse, Issuers::default()).await
    }

    pub(crate) async fn refusing_unknown_keys_observing() -> Self {
        Self::new("observe until 2099-01-01".parse().unwrap(), UnknownKeys::Refuse, Issuers::default()).await
    }

    async fn new(mode: Mode, unknown_keys: UnknownKeys, issuers: Issuers) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (authority, ann, seed) = authority(folder.path(), Law::same_for_all(Law::default_guard, mode)).await;
        let book = Arc::new(Book::open(folder.path().join("record"), record::Settings::default()).unwrap());
        let upstream = Api::start().await;
        let origin = format!("http://{}", upstream.address);
        let server = Server::bind(ServerSettings {
            workers: 1,
            grace: Duration::from_millis(100),
            ..ServerSettings::new("127.0.0.1:0".parse().unwrap())
        })
        .unwrap();
        let address = server.address();
        let cut = Arc::new(AtomicBool::new(false));
        let (tell, findings) = mpsc::channel(100);
        let (tell_of, watched) = mpsc::channel(100);
        let (watching, _) = Watching::new(WatchRules::default(), Arc::clone(&authority), tell_of);
        let gate = Arc::new(Gate::new(GateParts {
            realm: realm(&origin, &format!("http://{address}"), unknown_keys, issuers, BEARER),
            authority: Arc::clone(&authority),
            book: Arc::clone(&book),
            spool: Spool::new(1 << 20, 8 << 20),
            findings: tell,
            // Nobody listens: whatever is traced is let go.
            traces: mpsc::channel(1).0,
            watching: Arc::clone(&watching),
            cut: Arc::clone(&cut),
        }));
        let connect =
            Upstream::new(origin.parse().unwrap(), HostSent::AsReceived, Patience::default(), TlsFiles::default())
                .unwrap();
        let equipped = Arc::clone(&gate);
        let running = server
            .start(&cut, move || {
                let worker = Arc::new(Worker::new(Arc::clone(&equipped), connect.for_another_worker()));
                move |request, visitor| Arc::clone(&worker).answer(request, visitor)
            })
            .unwrap();
        let (steps, findings) = (AtomicU64::new(0), Mutex::new(findings));
        let watched = Mutex::new(watched);
        Self {
            folder,
            authority,
            upstream,
            ann,
            seed,
            steps,
            book,
            gate,
            watching,
            watched,
            address,
            running,
            findings,
        }
    }

    /// Stops the gate: what is in flight when its grace is over is dropped.
    pub(crate) fn stop(&self) {
        self.gate.stop_waiting();
        self.running.stop();
    }

    /// A worker of its own, as who plays a drill has.
    pub(crate) fn worker(&self) -> Arc<Worker> {
        let origin = format!("http://{}", self.upstream.address).parse().unwrap();
        let connect = Upstream::new(origin, HostSent::AsReceived, Patience::default(), TlsFiles::default()).unwrap();
        Arc::new(Worker::new(Arc::clone(&self.gate), connect))
    }

    /// Begins a drill with Ann's code: its key, and the secret that nobody else has.
    pub(crate) async fn begin_drill(&self, scenario: &str, like: Option<KeyId>) -> (KeyId, String) {
        self.begin(scenario, like, false).await
    }

    /// Makes the canary of a drill.
    pub(crate) async fn lay_out_canary(&self) -> (KeyId, String) {
        self.begin("canary", None, true).await
    }

    async fn begin(&self, scenario: &str, like: Option<KeyId>, canary: bool) -> (KeyId, String) {
        let now = Timestamp::now();
        let warrant = self.authority.prove("ann", &self.code(), now).await.unwrap();
        let scenario = scenario.to_owned();
        let wanted = vec![Rehearse { scenario, holder: self.ann, like, canary, reads_pass: false }];
        let mut begun = self.authority.begin_drills(&form(), wanted, warrant, now).await.unwrap();
        let (key, secret) = begun.pop().unwrap();
        (key, String::from_utf8(secret.expose().to_vec()).unwrap())
    }

    /// Bears its own credential there from the next request on, as after a reload.
    pub(crate) fn bear_at(&self, place: &str) {
        let (origin, public) = (format!("http://{}", self.upstream.address), format!("http://{}", self.address));
        self.gate.obey(realm(&origin, &public, UnknownKeys::Learn, Issuers::default(), place));
    }

    /// Obeys other issuers from the next request on, as after a reload.
    pub(crate) fn verify_others(&self, issuers: Issuers) {
        let origin = format!("http://{}", self.upstream.address);
        self.gate.obey(realm(&origin, &format!("http://{}", self.address), UnknownKeys::Learn, issuers, BEARER));
    }

    /// The rules of what was found since this was asked last.
    pub(crate) fn found(&self) -> Vec<String> {
        self.findings().into_iter().map(|finding| finding.rule).collect()
    }

    /// The same, whole.
    pub(crate) fn findings(&self) -> Vec<Finding> {
        let mut findings = self.findings.lock().unwrap();
        std::iter::from_fn(|| findings.try_recv().ok()).collect()
    }

    pub(crate) async fn adopt(&self, secret: &str) -> KeyId {
        self.adopt_for(secret, "ann").await
    }

    pub(crate) async fn adopt_for(&self, secret: &str, name: &str) -> KeyId {
        let sighting = Sighting {
            place: "test".to_owned(),
            source: "127.0.0.1".parse().unwrap(),
            parent: None,
            inherits: true,
            claim: None,
        };
        let digest = SecretDigest::of(secret.as_bytes());
        let key = self.authority.adopt(&digest, &sighting, Timestamp::now()).await.unwrap();
        let identity = Identity { name: name.to_owned(), ..Identity::default() };
        self.authority.identify(key.id, &identity, Timestamp::now()).await.unwrap();
        self.upstream.accepts(secret, name);
        key.id
    }

    pub(crate) fn recognised(&self, secret: &str) -> Option<Arc<Key>> {
        self.authority.recognise(&SecretDigest::of(secret.as_bytes()))
    }

    /// Gives the gate a credential of its own, which the API takes.
    pub(crate) fn lend_credential(&self) {
        self.authority.lend_credential(Credential::new(OWN.as_bytes()).ok());
        self.upstream.accepts(OWN, "company");
    }

    /// Issues a key to Ann, with her code.
    pub(crate) async fn issue(&self, scope: Scope, limits: &[&str]) -> (KeyId, String) {
        let now = Timestamp::now();
        let warrant = self.authority.prove("ann", &self.code(), now).await.unwrap();
        let order = |verifier, pepper| Order {
            name: None,
            holder: Some(self.ann),
            parent: None,
            scope,
            limits: limits.iter().map(|limit| limit.parse::<Limit>().unwrap()).collect(),
            end: now + jiff::SignedDuration::from_hours(1),
            verifier,
            pepper,
        };
        let (id, secret) = self.authority.issue(&form(), order, warrant, now).await.unwrap();
        (id, String::from_utf8(secret.expose().to_vec()).unwrap())
    }

    /// Makes a key that takes another's place, with Ann's code.
    pub(crate) async fn retire(&self, key: KeyId, grace: Span) -> (KeyId, String) {
        let now = Timestamp::now();
        let warrant = self.authority.prove("ann", &self.code(), now).await.unwrap();
        let end = now + jiff::SignedDuration::from_hours(1);
        let (id, secret) = self.authority.retire(&form(), (key, grace), end, warrant, now).await.unwrap();
        (id, String::from_utf8(secret.expose().to_vec()).unwrap())
    }

    /// Makes a canary with Ann's code; and a key of the same form that nobody made.
    pub(crate) async fn canary(&self) -> (String, String) {
        let now = Timestamp::now();
        let warrant = self.authority.prove("ann", &self.code(), now).await.unwrap();
        let name = "old backup".to_owned();
        let (_, canary) = self.authority.issue_canary(&form(), name, self.ann, warrant, now).await.unwrap();
        let text = |secret: &wire::Secret| String::from_utf8(secret.expose().to_vec()).unwrap();
        (text(&canary), text(&form().key(&[7; 32])))
    }

    pub(crate) async fn perform(&self, command: &Command, warrant: Warrant) {
        self.authority.perform(command, warrant, Timestamp::now()).await.unwrap();
    }

    /// Ann's next unused code. The clock is real: what was used is passed over by going to
    /// the next step, which is accepted a step early.
    pub(crate) fn code(&self) -> String {
        let step = self.steps.fetch_add(1, Ordering::Relaxed);
        assert!(step < 2, "one code now, one a step early; more would have to wait");
        self.seed.code(Step(Step::at(Timestamp::now()).0 + step))
    }

    pub(crate) async fn approve(&self, questions: &[ChallengeId]) {
        let warrant = self.authority.prove("ann", &self.code(), Timestamp::now()).await.unwrap();
        self.perform(&Command::Approve(questions.to_vec()), warrant).await;
    }

    /// The newest question that is open.
    pub(crate) async fn question(&self) -> ChallengeId {
        let newest = |house: &Self| {
            house.authority.view(|state| {
                let open = |asked: &&authority::Asked| asked.progress(Timestamp::now()) == authority::Progress::Open;
                state.questions().filter(open).last().map(|asked| asked.id)
            })
        };
        self.until(newest).await
    }

    pub(crate) fn waiting(&self) -> u64 {
        self.gate.counts().waiting.load(Ordering::Relaxed)
    }

    /// Looks again and again until there is something.
    pub(crate) async fn until<T>(&self, look: impl Fn(&Self) -> Option<T>) -> T {
        let found = async {
            loop {
                if let Some(found) = look(self) {
                    return found;
                }
                tokio::task::yield_now().await;
            }
        };
        timeout(NEVER, found).await.unwrap()
    }

    /// The newest call and what became of it, from the disk.
    pub(crate) async fn last_call(&self) -> (Call, Outcome) {
        let newest = async {
            loop {
                self.book.synced().await.unwrap();
                let joined = Reader::open(self.folder.path().join("record")).unwrap().joined();
                let last = joined.filter_map(Result::ok).max_by_key(|joined| joined.call.id);
                if let Some((call, Some(outcome))) = last.map(|joined| (joined.call, joined.outcome)) {
                    return (call, outcome);
                }
                tokio::task::yield_now().await;
            }
        };
        timeout(NEVER, newest).await.unwrap()
    }

    pub(crate) fn request(&self, method: &str, target: &str) -> Asking {
        Asking(Request::builder().method(method).uri(target).header("host", self.address.to_string()))
    }

    pub(crate) async fn get(&self, target: &str, key: &str) -> Answered {
        self.send(self.request("GET", target).header("authorization", &format!("Bearer {key}")), "").await
    }

    pub(crate) async fn post(&self, target: &str, key: &str, body: &str) -> Answered {
        self.send(self.request("POST", target).header("authorization", &format!("Bearer {key}")), body).await
    }

    pub(crate) fn start_post(&self, target: &str, key: &str, body: &str) -> JoinHandle<Answered> {
        let request = self.request("POST", target).header("authorization", &format!("Bearer {key}"));
        tokio::spawn(send(self.address, request.body(body).unwrap()))
    }

    pub(crate) async fn send(&self, request: Asking, body: &str) -> Answered {
        self.send_built(request.body(body).unwrap()).await
    }

    pub(crate) async fn send_built(&self, request: Request<Full<Bytes>>) -> Answered {
        timeout(NEVER, send(self.address, request)).await.unwrap()
    }

    /// A request whose body the client sends by and by: the gate waits for it when this returns.
    pub(crate) async fn drip(&self, target: &str, key: &str, length: usize) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let head = format!(
            "POST {target} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {key}\r\nexpect: 100-continue\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n",
            self.address
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut go_on = [0; 25];
        timeout(NEVER, stream.read_exact(&mut go_on)).await.unwrap().unwrap();
        assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
        stream
    }

    /// What came of an answer before it ended or broke off, and whether it broke.
    pub(crate) async fn read_on(&self, target: &str, key: &str) -> (Vec<u8>, bool) {
        let request = self.request("GET", target).header("authorization", &format!("Bearer {key}"));
        let (_, came, broke) = self.send_on(request).await;
        (came, broke)
    }

    /// The same of any request, with its status.
    pub(crate) async fn send_on(&self, request: Asking) -> (StatusCode, Vec<u8>, bool) {
        let answer = exchange(self.address, request.body("").unwrap()).await;
        let (status, mut body, mut came) = (answer.status(), answer.into_body(), Vec::new());
        loop {
            match timeout(NEVER, body.frame()).await.unwrap() {
                None => return (status, came, false),
                Some(Err(_)) => return (status, came, true),
                Some(Ok(frame)) => came.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data)),
            }
        }
    }

    /// Asks, and reads of the answer until this has come, which may never end.
    pub(crate) async fn post_until(&self, target: &str, key: &str, seen: &[u8]) -> Stream {
        let request = self.request("POST", target).header("authorization", &format!("Bearer {key}"));
        let answer = exchange(self.address, request.body("{}").unwrap()).await;
        assert!(answer.status().is_success(), "{}", answer.status());
        let (mut body, mut came) = (answer.into_body(), Vec::new());
        while !came.windows(seen.len()).any(|window| window == seen) {
            let frame = timeout(NEVER, body.frame()).await.unwrap().unwrap().unwrap();
            came.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data));
        }
        Stream(body)
    }

    pub(crate) async fn start_stream(&self, target: &str, key: &str) -> Stream {
        let request = self.request("GET", target).header("authorization", &format!("Bearer {key}"));
        let answer = exchange(self.address, request.body("").unwrap()).await;
        assert_eq!(answer.status(), StatusCode::OK);
        Stream(answer.into_body())
    }
}

/// The gate's own credential.
pub(crate) const OWN: &str = "sk_live_4eC39HqLyjWDarjtT1zdp7dc";

/// Where the API takes it.
const BEARER: &str = "authorization:bearer";

fn form() -> wire::IssuedForm {
    "gk_things".parse().unwrap()
}

pub(crate) struct Asking(Builder);

impl Asking {
    pub(crate) fn header(self, name: &str, value: &str) -> Self {
        Self(self.0.header(name, value))
    }

    /// Nothing where the target cannot be written as a URI at all.
    pub(crate) fn body(self, body: &str) -> Option<Request<Full<Bytes>>> {
        self.0.body(Full::new(Bytes::copy_from_slice(body.as_bytes()))).ok()
    }
}

pub(crate) struct Answered {
    pub(crate) status: StatusCode,
    pub(crate) body: serde_json::Value,
    headers: HeaderMap,
}

impl Answered {
    pub(crate) fn refusal(&self) -> Option<Refusal> {
        Refusal::from_code(self.body.get("type")?.as_str()?.strip_prefix("urn:greave:refusal:")?)
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// All that the client saw, in one text.
    pub(crate) fn whole(&self) -> String {
        format!("{:?}\n{}", self.headers, self.body)
    }
}

pub(crate) struct Stream(Incoming);

impl Stream {
    /// Whether more came before the end.
    pub(crate) async fn next(&mut self) -> bool {
        matches!(timeout(NEVER, self.0.frame()).await.unwrap(), Some(Ok(_)))
    }
}

async fn exchange(address: SocketAddr, request: Request<Full<Bytes>>) -> Response<Incoming> {
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender.send_request(request).await.unwrap()
}

async fn send(address: SocketAddr, request: Request<Full<Bytes>>) -> Answered {
    let (parts, body) = exchange(address, request).await.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    let body = serde_json::from_slice(&bytes).unwrap_or_default();
    Answered { status: parts.status, headers: parts.headers, body }
}

async fn authority(folder: &Path, law: Law) -> (Arc<Authority>, HolderId, Seed) {
    let secrets = Secrets {
        peppers: Peppers::new((PepperId(1), &[1; 32]), None),
        master: [2; 32].into(),
        signer: Signer::new("test/ledger", &[3; 32]).unwrap(),
    };
    let now = Timestamp::now();
    let authority = Authority::open(folder, secrets, Limits::default(), now).await.unwrap();
    authority.load(&Offer::of_law(law), now).await.unwrap();
    let person = Command::AddHolder(Description {
        name: "ann".to_owned(),
        kind: HolderKind::Person,
        owner: None,
        deputies: Vec::new(),
        mail: None,
        administrator: true,
    });
    authority.perform(&person, Warrant::Operator, now).await.unwrap();
    let ann = authority.view(|state| state.holder_named("ann").unwrap().id);
    let link = authority.invite(ann, Warrant::Operator, now).await.unwrap();
    let seed = authority.new_seed().unwrap();
    // Enrolled by the code of the step before, so that the present one is unused.
    let code = seed.code(Step(Step::at(now).0 - 1));
    authority.enrol(&link, &seed, &code, now).await.unwrap();
    (authority, ann, seed)
}

fn realm(upstream: &str, public: &str, unknown_keys: UnknownKeys, issuers: Issuers, place: &str) -> Realm {
    let value = |name: &str| (name.to_owned(), None);
    let graphql = SelectorRule {
        operation: "POST /graphql".parse().unwrap(),
        by: SelectBy::GraphQl,
        values: [value("mutation.createToken"), value("mutation.renameThing")].into(),
    };
    // A list that is more than ordinary data.
    let reports = Override {
        operation: "GET /reports".parse().unwrap(),
        powers: Powers::from(Power::Read).union(Power::Export.into()),
    };
    let settings = Settings { selectors: vec![graphql], overrides: vec![reports], ..Settings::default() };
    let reading = Catalogue::read(DOCUMENT.as_bytes(), &settings).unwrap();
    Realm::new(
        Arc::new(reading.catalogue),
        RealmSettings {
            places: wire::Places::well_known().with_session_cookie("sid"),
            issuers,
            rules: wire::PathRules::default(),
            open: wire::OpenPaths::new(&["/login".to_owned()], "/v1").unwrap(),
            unknown_keys,
            forwarding: wire::Forwarding::default(),
            origins: wire::Origins::new([upstream], public).unwrap(),
            identify: Some(Identify {
                target: "/v1/me".to_owned(),
                holder: "/name".to_owned(),
                two_factor: None,
                scopes: Some("/scopes".to_owned()),
                scopes_header: None,
                end_header: None,
            }),
            pace: Pace::default(),
            holding: Holding { wait: Span::seconds(15), most: Span::seconds(15) },
            desk: "http://desk.example".to_owned(),
            issued: Some(Issuing { form: form(), place: place.parse().unwrap() }),
            made_id: gateway::Pointer::parse("/id"),
            made_by: vec!["POST /keys".parse().unwrap()],
            proof: None,
            traces: None,
            problems_as_json: false,
        },
    )
}

/// What reached the API.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    method: String,
    pub(crate) target: String,
    pub(crate) headers: HeaderMap,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// A small API that remembers what reached it.
#[derive(Clone)]
pub(crate) struct Api {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    accepted: Arc<Mutex<HashMap<String, String>>>,
    /// Keys that live there, by what it calls them.
    pub(crate) tokens: Arc<Mutex<Vec<String>>>,
    /// The address of the next page that its list says, in place of the real one.
    pub(crate) misleads: Arc<Mutex<Option<String>>>,
    silent: Arc<AtomicBool>,
    /// Where it forwards to, as a proxy before an API does, and how often it still may.
    forwards: Arc<Mutex<Option<(SocketAddr, usize)>>>,
}

impl Api {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let api = Self {
            address: listener.local_addr().unwrap(),
            seen: Arc::default(),
            accepted: Arc::default(),
            tokens: Arc::default(),
            misleads: Arc::default(),
            silent: Arc::default(),
            forwards: Arc::default(),
        };
        let serving = api.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let api = serving.clone();
                let service = service_fn(move |request: Request<Incoming>| {
                    let api = api.clone();
                    async move {
                        let answer = match api.forwards_to() {
                            Some(to) => forwarded(to, request).await,
                            None if request.uri().path() == "/v1/notes/upload" => uploaded(request).await,
                            None => api.answer(&request),
                        };
                        Ok::<_, std::convert::Infallible>(answer)
                    }
                });
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service),
                );
            }
        });
        api
    }

    pub(crate) fn accepts(&self, secret: &str, name: &str) {
        self.accepted.lock().unwrap().insert(secret.to_owned(), name.to_owned());
    }

    /// It is a proxy, whose API is the gate.
    pub(crate) fn leads_back_to(&self, house: SocketAddr) {
        *self.forwards.lock().unwrap() = Some((house, 5));
    }

    pub(crate) fn times_left(&self) -> Option<usize> {
        self.forwards.lock().unwrap().map(|(_, left)| left)
    }

    fn forwards_to(&self) -> Option<SocketAddr> {
        let mut forwards = self.forwards.lock().unwrap();
        let (to, left) = forwards.as_mut()?;
        *left = left.checked_sub(1)?;
        Some(*to)
    }

    /// It does not say for now whose a key is.
    pub(crate) fn falls_silent(&self, silent: bool) {
        self.silent.store(silent, Ordering::Relaxed);
    }

    pub(crate) async fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) async fn last(&self) -> Seen {
        self.seen.lock().unwrap().last().unwrap().clone()
    }

    pub(crate) async fn count(&self, method: &str, target: &str) -> usize {
        self.seen.lock().unwrap().iter().filter(|seen| seen.method == method && seen.target == target).count()
    }

    /// Its keys, two on a page.
    fn page(&self, query: Option<&str>) -> Response<Kept> {
        let page: usize = query.and_then(|query| query.strip_prefix("page=")?.parse().ok()).unwrap_or(0);
        let tokens = self.tokens.lock().unwrap();
        let items: Vec<_> = tokens.iter().skip(page * 2).take(2).map(|id| serde_json::json!({ "id": id })).collect();
        let answer = Response::builder().header("content-type", "application/json");
        let next = match &*self.misleads.lock().unwrap() {
            Some(elsewhere) => elsewhere.clone(),
            None => format!("/v1/tokens?page={}", page + 1),
        };
        let answer =
            if tokens.len() > page * 2 + 2 { answer.header("link", format!("<{next}>; rel=\"next\"")) } else { answer };
        answer.body(Kept::whole(&serde_json::json!({ "tokens": items }).to_string())).unwrap()
    }

    fn answer(&self, request: &Request<Incoming>) -> Response<Kept> {
        let target = request.uri().to_string();
        let seen = Seen { method: request.method().to_string(), target, headers: request.headers().clone() };
        self.seen.lock().unwrap().push(seen);
        let authorization = request.headers().get("authorization").and_then(|value| value.to_str().ok());
        let secret = authorization.and_then(|value| value.split_once(' ')).map(|(_, secret)| secret.to_owned());
        let mut accepted = self.accepted.lock().unwrap();
        if (request.method().as_str(), request.uri().path()) == ("POST", "/v1/me")
            && let Some(account) = secret.as_ref().and_then(|secret| accepted.get_mut(secret))
        {
            *account = request.uri().query().and_then(|query| query.strip_prefix("name=")).unwrap().to_owned();
        }
        let name = secret.as_ref().and_then(|secret| accepted.get(secret));
        let is_basic = authorization.is_some_and(|value| value.starts_with("Basic"));
        let known = name.is_some() || is_basic || request.headers().contains_key("cookie");
        let (status, body) = match (request.method().as_str(), request.uri().path()) {
            ("GET", "/v1/health" | "/login") => (200, "{}".to_owned()),
            _ if !known => (401, r#"{"error":"who?"}"#.to_owned()),
            ("GET", "/v1/events") => {
                let body = Kept::open("data: 1\n\n");
                return Response::builder().header("content-type", "text/event-stream").body(body).unwrap();
            }
            ("GET", "/v1/me") if self.silent.load(Ordering::Relaxed) => (500, "{}".to_owned()),
            ("POST", "/v1/me") => (200, "{}".to_owned()),
            ("GET", "/v1/me") => (200, format!(r#"{{"name":"{}","scopes":["read","admin"]}}"#, name.unwrap())),
            // An API that shows what it should not.
            ("GET", "/v1/things/echo") => (200, format!("[{:?}]", secret.unwrap())),
            ("GET", "/v1/things/redirect") => {
                let to = format!("/v1/things?key={}", secret.unwrap());
                return Response::builder().status(302).header("location", to).body(Kept::whole("")).unwrap();
            }
            ("GET", "/v1/things/packed") => {
                return Response::builder().header("content-encoding", "gzip").body(Kept::whole("x")).unwrap();
            }
            ("GET", "/v1/things/long") => {
                let text = format!("{}{}", "things ".repeat(40_000), secret.unwrap());
                return Response::builder().header("set-cookie", "sid=1").body(Kept::whole(&text)).unwrap();
            }
            ("GET", "/v1/things/cookie") => {
                return Response::builder().header("set-cookie", "sid=1").body(Kept::whole("[]")).unwrap();
            }
            ("GET", "/v1/tokens") => return self.page(request.uri().query()),
            ("DELETE", path) if path.starts_with("/v1/tokens/") => {
                let mut tokens = self.tokens.lock().unwrap();
                let before = tokens.len();
                tokens.retain(|token| path.rsplit('/').next() != Some(token));
                (if tokens.len() < before { 204 } else { 404 }, String::new())
            }
            // Lists and files of every size.
            ("GET" | "POST", path) if path.starts_with("/v1/things/sized-") => {
                let items = path.rsplit('-').next().and_then(|items| items.parse().ok()).unwrap_or(0);
                (200, serde_json::to_string(&vec!["thing"; items]).unwrap())
            }
            ("GET" | "POST", path) if path.starts_with("/v1/things/stream-") => {
                let pieces = path.rsplit('-').next().and_then(|pieces| pieces.parse().ok()).unwrap_or(0);
                return Response::builder().body(Kept::pieces(&"things ".repeat(1000), pieces)).unwrap();
            }
            ("GET", "/v1/things/lines") => {
                return Response::builder().header("content-type", "text/csv").body(Kept::whole("a\nb\nc\n")).unwrap();
            }
            ("GET", "/v1/things/export") => {
                return Response::builder()
                    .header("content-type", "application/pdf")
                    .body(Kept::whole("%PDF"))
                    .unwrap();
            }
            ("GET", "/v1/things/leak") => (200, format!("[\"{OWN}\"]")),
            ("POST", "/v1/keys") if request.uri().query().is_some() => {
                let made = "mint_9f3c1e7a52d84b06a1cf";
                let json = || Response::builder().status(201).header("content-type", "application/json");
                match request.uri().query().unwrap() {
                    "as=moved" => {
                        let to = format!("/v1/keys/{made}");
                        return Response::builder().status(303).header("location", to).body(Kept::whole("")).unwrap();
                    }
                    "as=headed" => return json().header("x-auth-token", made).body(Kept::whole("")).unwrap(),
                    "as=nothing" => return json().body(Kept::whole("")).unwrap(),
                    // Its end never comes.
                    // Longer than what is held back, and its end never comes.
                    "as=endless" => {
                        let before = format!(r#"{{"x":"{}","it":["#, "x".repeat(300_000));
                        let mut body = Kept::pieces(&before, 1);
                        // The credential is whole before its quotation mark comes.
                        for piece in [r#"1],"secr"#, r#"et":"mint_9f3c"#, "1e7a52d84b06a1cf", r#"","y":["#] {
                            body.pieces.push_back(Bytes::copy_from_slice(piece.as_bytes()));
                        }
                        body.ends = false;
                        return json().body(body).unwrap();
                    }
                    "as=open" => return json().body(Kept::open(&format!(r#"{{"secret":"{made}""#))).unwrap(),
                    _ => {}
                }
                let (kind, body) = match request.uri().query().unwrap() {
                    "as=text" => ("text/plain", format!(r#"{{"secret":"{made}"}}"#)),
                    "as=twice" => ("application/json", format!(r#"{{"secret":"{made}","use":"Bearer {made}"}}"#)),
                    "as=also" => ("application/json", format!(r#"{{"secret":"{made}","refresh_token":"{made}0"}}"#)),
                    "as=listed" => {
                        ("application/json", format!(r#"{{"secret":"{made}","more":[{{"password":"{made}0"}}]}}"#))
                    }
                    "as=doubled" => ("application/json", format!(r#"{{"secret":"{made}0","secret":"{made}"}}"#)),
                    "as=elsewhere" => ("application/json", format!(r#"{{"token":"{made}"}}"#)),
                    "as=long" => {
                        ("application/json", format!(r#"{{"secret":"{made}","x":"{}"}}"#, "x".repeat(300_000)))
                    }
                    _ => ("application/json", String::new()),
                };
                let answer = Response::builder().status(201).header("content-type", kind);
                let answer = if body.is_empty() { answer.header("content-encoding", "gzip") } else { answer };
                // Its length is not said.
                return answer.body(Kept::pieces(&body, 1)).unwrap();
            }
            ("POST", "/v1/keys") => {
                let number =
                    self.seen.lock().unwrap().iter().filter(|seen| seen.target.starts_with("/v1/keys")).count() - 1;
                let body = format!(r#"{{"id":"1","secret":"mint_9f3c1e7a52d84b06a1c{number:x}"}}"#);
                let answer = Response::builder().status(201).header("content-type", "application/json");
                return answer.header("etag", "\"1\"").body(Kept::whole(&body)).unwrap();
            }
            ("GET", "/v1/tickets/new") => (200, r#"{"id":"2","secret":"mint_9f3c1e7a52d84b06a1cd"}"#.to_owned()),
            ("POST", "/v1/tokens") => (200, r#"[{"token":"mint_9f3c1e7a52d84b06a1ce"}]"#.to_owned()),
            ("POST", "/v1/graphql") => {
                (200, r#"{"data":{"createToken":{"token":"mint_9f3c1e7a52d84b06a1ce"}}}"#.to_owned())
            }
            ("GET" | "POST" | "OPTIONS", path) if path.starts_with("/v1/things") => (200, "[]".to_owned()),
            _ => (404, "{}".to_owned()),
        };
        Response::builder().status(status).header("content-type", "application/json").body(Kept::whole(&body)).unwrap()
    }
}

/// It reads to the end what it is sent.
async fn uploaded(request: Request<Incoming>) -> Response<Kept> {
    let came = request.into_body().collect().await;
    let status = if came.is_ok() { 201 } else { 400 };
    Response::builder().status(status).body(Kept::whole("{}")).unwrap()
}

async fn forwarded(to: SocketAddr, request: Request<Incoming>) -> Response<Kept> {
    let mut going = Request::builder().method(request.method()).uri(request.uri());
    *going.headers_mut().unwrap() = request.headers().clone();
    let (parts, body) = exchange(to, going.body(Full::default()).unwrap()).await.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    Response::builder().status(parts.status).body(Kept::whole(std::str::from_utf8(&bytes).unwrap())).unwrap()
}

/// A body that ends, or one that stays open after its first piece.
struct Kept {
    pieces: VecDeque<Bytes>,
    ends: bool,
    sized: bool,
}

impl Kept {
    fn whole(text: &str) -> Self {
        Self { pieces: [Bytes::copy_from_slice(text.as_bytes())].into(), ends: true, sized: true }
    }

    fn open(text: &str) -> Self {
        Self { ends: false, sized: false, ..Self::whole(text) }
    }

    /// The same piece again and again; how often is not said before.
    fn pieces(text: &str, times: usize) -> Self {
        let piece = Bytes::copy_from_slice(text.as_bytes());
        Self { pieces: vec![piece; times].into(), ends: true, sized: false }
    }
}

impl hyper::body::Body for Kept {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<hyper::body::Frame<Bytes>, Self::Error>>> {
        match self.pieces.pop_front() {
            Some(piece) => std::task::Poll::Ready(Some(Ok(hyper::body::Frame::data(piece)))),
            None if self.ends => std::task::Poll::Ready(None),
            None => std::task::Poll::Pending,
        }
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        let piece = self.pieces.iter().map(|piece| piece.len() as u64).sum();
        if self.sized { hyper::body::SizeHint::with_exact(piece) } else { hyper::body::SizeHint::default() }
    }
}

//! A gate before a small API, with a person who has an authenticator.

mod api;

use std::{
    net::SocketAddr,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use authority::{
    Authority, Command, Credential, Description, Folded, Identity, Key, Limit, Limits, Offer, Order, PepperId, Peppers,
    Rehearse, Scope, SecretDigest, Secrets, Sighting, Warrant,
};
use catalogue::{Catalogue, Override, SelectBy, SelectorRule, Settings};
use factor::totp::{Seed, Step};
use gateway::{
    Counts, Found, Gate, GateParts, Holding, HostSent, Identify, Issuers, Issuing, Pace, Patience, Realm,
    RealmSettings, Running, Server, ServerSettings, Spool, TlsFiles, UnknownKeys, Upstream, WatchRules, Watching,
    Worker,
};
use http::{HeaderMap, Request, Response, StatusCode, request::Builder};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use law::{Call, ChallengeId, Finding, HolderId, HolderKind, KeyId, Law, Mode, Outcome, Power, Powers, Refusal, Span};
use record::{Book, Reader};
use store::Signer;
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::mpsc,
    task::JoinHandle,
    time::timeout,
};

use self::api::Api;

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
  /asked: {post: {summary: Ask}, options: {summary: What can be asked}}
  /purged: {post: {summary: Purge}, options: {summary: Purge the cache}}
  /notes: {post: {summary: Write a note}}
  /memos: {post: {summary: Write a memo, requestBody: {content: {text/plain: {schema: {type: string}}}}}}
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

    /// Observes before an upstream that the test answers by itself.
    pub(crate) async fn observing_before(upstream: SocketAddr) -> Self {
        let mode = "observe until 2099-01-01".parse().unwrap();
        Self::before(Some(upstream), mode, UnknownKeys::Learn, Issuers::default()).await
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
        Self::before(None, mode, unknown_keys, issuers).await
    }

    async fn before(instead: Option<SocketAddr>, mode: Mode, unknown_keys: UnknownKeys, issuers: Issuers) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (authority, ann, seed) = authority(folder.path(), Law::same_for_all(Law::default_guard, mode)).await;
        let book = Arc::new(Book::open(folder.path().join("record"), record::Settings::default()).unwrap());
        let upstream = Api::start().await;
        let origin = format!("http://{}", instead.unwrap_or(upstream.address));
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
        let folded: Vec<Folded> = Folded::of(secret.as_bytes()).into_iter().collect();
        let key = self.authority.adopt_spelled(&digest, &folded, &sighting, Timestamp::now()).await.unwrap();
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
        self.until(Self::newest_open).await
    }

    pub(crate) fn newest_open(&self) -> Option<ChallengeId> {
        self.authority.view(|state| {
            let open = |asked: &&authority::Asked| asked.progress(Timestamp::now()) == authority::Progress::Open;
            state.questions().filter(open).last().map(|asked| asked.id)
        })
    }

    pub(crate) fn counts(&self) -> &Counts {
        self.gate.counts()
    }

    pub(crate) fn waiting(&self) -> u64 {
        self.counts().waiting.load(Ordering::Relaxed)
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
        self.request_of(&self.address.to_string(), method, target)
    }

    /// A request to a host of this name.
    pub(crate) fn request_of(&self, host: &str, method: &str, target: &str) -> Asking {
        Asking(Request::builder().method(method).uri(target).header("host", host))
    }

    pub(crate) async fn get(&self, target: &str, key: &str) -> Answered {
        self.send(self.request("GET", target).header("authorization", &format!("Bearer {key}")), "").await
    }

    pub(crate) async fn post(&self, target: &str, key: &str, body: &str) -> Answered {
        self.send(self.request("POST", target).header("authorization", &format!("Bearer {key}")), body).await
    }

    pub(crate) fn start_post(&self, target: &str, key: &str, body: &str) -> JoinHandle<Answered> {
        self.start(self.request("POST", target).header("authorization", &format!("Bearer {key}")), body)
    }

    pub(crate) fn start(&self, request: Asking, body: &str) -> JoinHandle<Answered> {
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

    /// The first line of the answer to a request as it is written here; it closes the connection.
    pub(crate) async fn say(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        timeout(NEVER, stream.read_to_end(&mut answer)).await.unwrap().unwrap();
        String::from_utf8_lossy(&answer).lines().next().unwrap().to_owned()
    }

    /// A form that never ends, of which so much is sent; done when it was answered or cut off.
    pub(crate) fn pour(&self, key: &str, bytes: usize) -> JoinHandle<()> {
        let (address, whole) = (self.address, bytes + 1);
        let head = format!(
            "POST /v1/things/a HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {key}\r\n\
             content-type: application/x-www-form-urlencoded\r\ncontent-length: {whole}\r\n\r\n",
        );
        tokio::spawn(async move {
            let mut stream = TcpStream::connect(address).await.unwrap();
            let _ = stream.write_all(&[head.as_bytes(), &vec![b'x'; bytes]].concat()).await;
            let _ = stream.read(&mut [0]).await;
        })
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

    /// One whose value is not all ASCII.
    pub(crate) fn header_of_bytes(self, name: &str, value: &[u8]) -> Self {
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
    let mut tries = 50;
    loop {
        let stream = TcpStream::connect(address).await.unwrap();
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        tries -= 1;
        match sender.send_request(request.clone()).await {
            // Who is answered before all is sent may lose the answer with the connection, and comes again.
            Err(error) if tries > 0 && format!("{error:?}").contains("BodyWrite") => {}
            answer => return answer.unwrap(),
        }
    }
}

async fn send(address: SocketAddr, request: Request<Full<Bytes>>) -> Answered {
    let (parts, body) = exchange(address, request).await.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    let body = serde_json::from_slice(&bytes).unwrap_or_default();
    Answered { status: parts.status, headers: parts.headers, body }
}

/// An authority in this folder, with this master key.
pub(crate) async fn opened(folder: &Path, master: [u8; 32]) -> Arc<Authority> {
    let secrets = Secrets {
        peppers: Peppers::new((PepperId(1), &[1; 32]), None),
        master: master.into(),
        signer: Signer::new("test/ledger", &[3; 32]).unwrap(),
    };
    Authority::open(folder, secrets, Limits::default(), Timestamp::now()).await.unwrap()
}

async fn authority(folder: &Path, law: Law) -> (Arc<Authority>, HolderId, Seed) {
    let now = Timestamp::now();
    let authority = opened(folder, [2; 32]).await;
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
    let purge = Override { operation: "OPTIONS /purged".parse().unwrap(), powers: Power::Destroy.into() };
    let settings = Settings { selectors: vec![graphql], overrides: vec![reports, purge], ..Settings::default() };
    let reading = Catalogue::read(DOCUMENT.as_bytes(), &settings).unwrap();
    Realm::new(
        Arc::new(reading.catalogue),
        RealmSettings {
            places: wire::Places::well_known()
                .with_session_cookie("sid")
                .with_pair(BEARER.parse().unwrap(), "header:x-app-id".parse().unwrap()),
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
            issued: Some(Issuing { form: form(), place: place.parse().unwrap(), on_behalf: vec!["act_as".to_owned()] }),
            made_id: gateway::Pointer::parse("/id"),
            made_by: vec!["POST /keys".parse().unwrap()],
            proof: None,
            traces: None,
            problems_as_json: false,
        },
    )
}

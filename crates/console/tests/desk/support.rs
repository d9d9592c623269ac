//! A gate's authority with people, keys and questions, and those who talk to its desk.

use std::{cell::Cell, net::IpAddr, sync::Arc};

use arc_swap::ArcSwap;
use authority::{
    Ask, Authority, Command, Description, Digest, Exhibit, Identity, Limits, Offer, PepperId, Peppers, SecretDigest,
    Secrets, Sighting, Ticket, Warrant,
};
use axum::{Router, body::Body};
use catalogue::Catalogue;
use console::{Desk, Settings};
use factor::totp::{Seed, Step};
use http::{HeaderMap, Request, StatusCode, header};
use jiff::{SignedDuration, Timestamp};
use law::{Factor, Factors, HolderId, HolderKind, KeyId, Law, Power, Powers, Span};
use record::Book;
use store::Signer;
use tempfile::TempDir;
use tower::ServiceExt as _;

pub(crate) const ORIGIN: &str = "http://127.0.0.1:8081";

const DOCUMENT: &str = r##"
openapi: 3.1.0
info: {title: Company, version: "1"}
security: [{key: []}]
components:
  securitySchemes: {key: {type: http, scheme: bearer}}
paths:
  /health:
    get: {operationId: health, security: [], responses: {"200": {description: well}}}
  /users:
    get: {operationId: listUsers, summary: List users, responses: {"200": {description: users}}}
  /users/{name}:
    delete: {operationId: deleteUser, summary: Delete a user, responses: {"204": {description: gone}}}
  /users/{name}/tokens:
    post: {operationId: createToken, summary: Create an API token, responses: {"201": {description: token}}}
"##;

thread_local! {
    static NOW: Cell<Timestamp> = const { Cell::new(Timestamp::UNIX_EPOCH) };
}

/// The clock of the test that runs on this thread.
fn clock() -> Timestamp {
    NOW.get()
}

/// A person who can show codes.
pub(crate) struct Enrolled {
    pub(crate) id: HolderId,
    pub(crate) name: &'static str,
    pub(crate) seed: Seed,
    pub(crate) codes: Vec<String>,
}

pub(crate) struct House {
    pub(crate) folder: TempDir,
    pub(crate) desk: Arc<Desk>,
    /// An administrator.
    pub(crate) ann: Enrolled,
    /// A person like others.
    pub(crate) bob: Enrolled,
}

pub(crate) fn law(mode: &str) -> Law {
    Law::same_for_all(Law::default_guard, mode.parse().unwrap())
}

pub(crate) fn describe(name: &str, administrator: bool) -> Description {
    Description {
        name: name.to_owned(),
        kind: HolderKind::Person,
        owner: None,
        deputies: Vec::new(),
        mail: None,
        administrator,
    }
}

impl House {
    pub(crate) async fn new() -> Self {
        Self::with(law("enforce"), ORIGIN).await
    }

    pub(crate) async fn with(law: Law, origin: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        NOW.set("2026-11-24T10:00:00Z".parse().unwrap());
        let secrets = Secrets {
            peppers: Peppers::new((PepperId(1), &[1; 32]), None),
            master: [2; 32].into(),
            signer: Signer::new("test/ledger", &[3; 32]).unwrap(),
        };
        let authority = Authority::open(folder.path(), secrets, Limits::default(), clock()).await.unwrap();
        authority.load(&Offer::of_law(law), clock()).await.unwrap();
        let record = folder.path().join("record");
        let book = Book::open(&record, record::Settings::default()).unwrap();
        let catalogue = Catalogue::read(DOCUMENT.as_bytes(), &catalogue::Settings::default()).unwrap().catalogue;
        let settings = Settings {
            origin: origin.to_owned(),
            issuer: "Greave test".to_owned(),
            session: Span::hours(8),
            path_rules: wire::PathRules::default(),
            open: wire::OpenPaths::new(&["/login".to_owned()], "").unwrap(),
            proxies: wire::TrustedProxies::new(vec!["10.0.0.0/8".parse().unwrap()], wire::ProxyHeader::default()),
            issued: None,
            on_leaving: authority::OnLeaving::default(),
            leaks: console::LeakDoors::default(),
            watch: "on",
            requests: authority::RequestRules::default(),
        };
        let desk = Arc::new(Desk {
            authority,
            catalogue: Arc::new(ArcSwap::from_pointee(catalogue)),
            record,
            book: Some(Arc::new(book)),
            settings: ArcSwap::from_pointee(settings),
            abroad: arc_swap::ArcSwapOption::empty(),
            drills: arc_swap::ArcSwapOption::empty(),
            events: None,
            alarm: None,
            guesses: None,
            pulse: arc_swap::ArcSwapOption::empty(),
            at_next_start: ArcSwap::default(),
            told: Arc::default(),
            clock,
            past: false,
        });
        let ann = enrol(&desk, "ann", true, None).await;
        pass(60);
        let bob = enrol(&desk, "bob", false, Some(&ann)).await;
        pass(60);
        Self { folder, desk, ann, bob }
    }

    pub(crate) fn pages(&self) -> Router {
        console::pages(Arc::clone(&self.desk))
    }

    pub(crate) fn admin(&self, door: console::Door) -> Router {
        console::admin(Arc::clone(&self.desk), door)
    }

    /// A key of this person, known by its secret.
    pub(crate) async fn key_of(&self, name: &str, secret: &str) -> KeyId {
        let sighting = Sighting {
            place: "header authorization, scheme bearer".to_owned(),
            source: home(),
            parent: None,
            inherits: true,
            claim: None,
        };
        let key = self.desk.authority.adopt(&SecretDigest::of(secret.as_bytes()), &sighting, now()).await.unwrap();
        let identity = Identity { name: name.to_owned(), two_factor: Some(true), ..Identity::default() };
        self.desk.authority.identify(key.id, &identity, now()).await.unwrap();
        key.id
    }

    /// A call of this key that waits for a yes.
    pub(crate) async fn asks(&self, key: KeyId, what: &str) -> Ticket {
        let exhibit = Exhibit {
            method: "DELETE".to_owned(),
            path: format!("/users/{what}"),
            body: Some(format!("{{\"user\":\"{what}\"}}")),
            body_bytes: 14,
            ..Exhibit::default()
        };
        self.asks_with(key, what, Factor::Person.into(), &exhibit).await
    }

    pub(crate) async fn asks_with(&self, key: KeyId, what: &str, missing: Factors, exhibit: &Exhibit) -> Ticket {
        let ask = Ask {
            key,
            binding: Digest::of(what.as_bytes()),
            operation: "DELETE /users/{name}".to_owned(),
            powers: Powers::from(Power::Grant).with(Power::Destroy),
            missing,
            source: home(),
            known_source: true,
            usual_source: true,
            source_since: None,
            unjudged: false,
        };
        self.desk.authority.ask(&ask, || exhibit.clone(), now()).await.unwrap().unwrap()
    }
}

async fn enrol(desk: &Desk, name: &'static str, administrator: bool, by: Option<&Enrolled>) -> Enrolled {
    let authority = &desk.authority;
    let add = Command::AddHolder(describe(name, administrator));
    authority.perform(&add, warrant(desk, by).await, now()).await.unwrap();
    let id = authority.view(|state| state.holder_named(name).unwrap().id);
    let link = authority.invite(id, warrant(desk, by).await, now()).await.unwrap();
    let seed = authority.new_seed().unwrap();
    let codes = authority.enrol(&link, &seed, &seed.code(Step::at(now())), now()).await.unwrap();
    Enrolled { id, name, seed, codes: codes.iter().map(|code| code.show().to_string()).collect() }
}

async fn warrant(desk: &Desk, by: Option<&Enrolled>) -> Warrant {
    match by {
        Some(person) => desk.authority.prove(person.name, &person.code(), now()).await.unwrap(),
        None => Warrant::Operator,
    }
}

impl Enrolled {
    /// The next code, which was not used yet.
    pub(crate) fn code(&self) -> String {
        pass(30);
        self.code_now()
    }

    /// The code of this moment.
    pub(crate) fn code_now(&self) -> String {
        self.seed.code(Step::at(now()))
    }
}

pub(crate) fn now() -> Timestamp {
    clock()
}

pub(crate) fn pass(seconds: i64) {
    NOW.set(clock() + SignedDuration::from_secs(seconds));
}

pub(crate) fn home() -> IpAddr {
    "192.0.2.1".parse().unwrap()
}

/// What came back.
pub(crate) struct Got {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Got {
    pub(crate) fn location(&self) -> &str {
        self.header("location")
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("{} is no JSON", self.text))
    }

    /// The value of the first hidden field of this name.
    pub(crate) fn field(&self, name: &str) -> String {
        let before = format!("name=\"{name}\" value=\"");
        let (_, rest) = self.text.split_once(&before).unwrap_or_else(|| panic!("no `{name}` in {}", self.text));
        rest.split_once('"').unwrap().0.to_owned()
    }
}

pub(crate) async fn send(router: &Router, request: Request<Body>) -> Got {
    let response = router.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    Got { status: parts.status, headers: parts.headers, text: String::from_utf8(bytes.to_vec()).unwrap() }
}

/// Somebody with a browser.
pub(crate) struct Browser {
    pub(crate) pages: Router,
    pub(crate) cookie: Option<String>,
    pub(crate) origin: Option<String>,
}

impl Browser {
    pub(crate) fn new(pages: &Router) -> Self {
        Self { pages: pages.clone(), cookie: None, origin: Some(ORIGIN.to_owned()) }
    }

    /// A browser whose person is signed in.
    pub(crate) async fn of(pages: &Router, person: &Enrolled) -> Self {
        let mut browser = Self::new(pages);
        let got = browser.sign_in(person.name, &person.code()).await;
        assert_eq!(got.status, StatusCode::SEE_OTHER, "{}", got.text);
        browser
    }

    pub(crate) async fn get(&self, path: &str) -> Got {
        send(&self.pages, self.request("GET", path).body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Got {
        let mut request = self.request("POST", path);
        if let Some(origin) = &self.origin {
            request = request.header(header::ORIGIN, origin);
        }
        let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        send(&self.pages, request.body(Body::from(encode(fields))).unwrap()).await
    }

    /// Sends a form of the page as its person would: with what the page put into it.
    pub(crate) async fn submit(&self, page: &Got, path: &str, fields: &[(&str, &str)]) -> Got {
        let form = page.field("form");
        let fields: Vec<(&str, &str)> = [("form", form.as_str())].into_iter().chain(fields.iter().copied()).collect();
        self.post(path, &fields).await
    }

    pub(crate) async fn sign_in(&mut self, name: &str, code: &str) -> Got {
        let got = self.post("/sign-in", &[("name", name), ("code", code), ("to", "/")]).await;
        if let Some(cookie) = got.headers.get(header::SET_COOKIE) {
            self.cookie = Some(cookie.to_str().unwrap().split(';').next().unwrap().to_owned());
        }
        got
    }

    pub(crate) fn request(&self, method: &str, path: &str) -> http::request::Builder {
        let request = Request::builder().method(method).uri(path);
        match &self.cookie {
            Some(cookie) => request.header(header::COOKIE, cookie),
            None => request,
        }
    }
}

fn encode(fields: &[(&str, &str)]) -> String {
    let letter = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    let encoded = |text: &str| text.bytes().map(letter).collect::<String>();
    fields.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect::<Vec<_>>().join("&")
}

/// A program that talks to the admin API.
pub(crate) struct Program {
    pub(crate) admin: Router,
    pub(crate) token: Option<String>,
}

impl Program {
    pub(crate) fn new(admin: Router) -> Self {
        Self { admin, token: None }
    }

    pub(crate) async fn get(&self, path: &str) -> Got {
        self.call("GET", path, "").await
    }

    pub(crate) async fn call(&self, method: &str, path: &str, body: &str) -> Got {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(token) = &self.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        if !body.is_empty() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        send(&self.admin, request.body(Body::from(body.to_owned())).unwrap()).await
    }

    /// A program with a person's session.
    pub(crate) async fn of(admin: Router, person: &Enrolled) -> Self {
        let mut program = Self::new(admin);
        let body = serde_json::json!({"name": person.name, "code": person.code()}).to_string();
        let got = program.call("POST", "/v1/session", &body).await;
        assert_eq!(got.status, StatusCode::OK, "{}", got.text);
        program.token = Some(got.json()["token"].as_str().unwrap().to_owned());
        program
    }
}

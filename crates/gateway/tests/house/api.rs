//! The small API, which remembers what reached it.

use std::{
    collections::{HashMap, VecDeque},
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::{
    body::{Bytes, Incoming},
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use super::{OWN, exchange};

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
    pub(super) async fn start() -> Self {
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
                            None => {
                                let answer = api.answer(&request);
                                // It has come, and no answer ever begins.
                                if request.uri().path() == "/v1/things/slow" {
                                    std::future::pending::<()>().await;
                                }
                                answer
                            }
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
                    // It says no, and shows what is there all the same.
                    "as=failed" | "as=there" => {
                        let (status, name) =
                            if request.uri().query() == Some("as=failed") { (500, "secret") } else { (409, "token") };
                        let body = format!(r#"{{"error":"sorry","existing":{{"{name}":"{made}"}}}}"#);
                        let answer = json().status(status).body(Kept::pieces(&body, 1));
                        return answer.unwrap();
                    }
                    "as=invalid" => {
                        let body = r#"{"errors":{"secret":["is not wanted"]}}"#;
                        return json().status(422).body(Kept::whole(body)).unwrap();
                    }
                    "as=words" => {
                        let answer = json().status(409).header("content-type", "text/plain");
                        return answer.body(Kept::whole(&format!("there is {made}"))).unwrap();
                    }
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

//! A gate that forwards everything, an upstream that follows a script, a client that writes bytes.

use std::{
    net::SocketAddr,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use http::{Request, Response};
use hyper::body::Incoming;
use law::{Attempt, CallId, Caller, Decision, Held, KeyId, Law, Mode, Permit, Powers};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    time::timeout,
};
use uuid::Uuid;

use crate::{
    Answer, Cut, Ending, Look, Onward, Outbound, Pace, Patience, Pointer, Problem, Register, Running, Server,
    ServerSettings, Spool, Tally, TlsFiles, Upstream, Visitor, forward, upstream::Leaves,
};

/// Nothing here takes so long; a test that waits for what never comes fails by this.
const NEVER: Duration = Duration::from_secs(20);

pub(super) async fn soon<T>(what: impl Future<Output = T>) -> T {
    timeout(NEVER, what).await.expect("it never came")
}

/// A permit as the law gives it to a session.
pub(super) fn permit() -> Permit {
    let law = Law::same_for_all(|_| "person".parse().unwrap(), Mode::Enforce);
    let attempt = Attempt {
        caller: Caller::Session,
        powers: Powers::EVERY,
        open: false,
        held: Held::default(),
        contained: law::Answer::Pass,
        at: jiff::Timestamp::UNIX_EPOCH,
    };
    match law::decide(&law, &attempt) {
        Decision::Permit(permit) => permit,
        other => panic!("{other:?}"),
    }
}

pub(super) struct Gate {
    pub(super) address: SocketAddr,
    pub(super) endings: mpsc::UnboundedReceiver<Ending>,
    pub(super) cut: Arc<AtomicBool>,
    pub(super) spool: Spool,
    pub(super) running: Option<Running>,
}

impl Drop for Gate {
    fn drop(&mut self) {
        if let Some(running) = &self.running {
            running.stop();
        }
    }
}

/// How a gate under test differs from the usual.
pub(super) struct Setting {
    pub(super) patience: Patience,
    pub(super) pace: Pace,
    pub(super) connections: usize,
    pub(super) grace: Duration,
    pub(super) head: Duration,
    pub(super) origin: String,
    pub(super) authorities: Option<String>,
    pub(super) identity: Option<(String, String)>,
    pub(super) spool: Spool,
}

impl Setting {
    pub(super) fn before(upstream: SocketAddr) -> Self {
        Self {
            patience: Patience::default(),
            pace: Pace::default(),
            connections: 64,
            grace: NEVER,
            head: NEVER,
            origin: format!("http://{upstream}"),
            authorities: None,
            identity: None,
            spool: Spool::new(1024, 4096),
        }
    }

    /// Starts a gate with one worker. What is sent to a path that begins with `/held` is held
    /// first; answers are looked into at `/data` and `/token`.
    pub(super) fn start(self) -> Gate {
        let files = TlsFiles {
            authorities: self.authorities.as_ref().map(String::as_bytes),
            certificate: self.identity.as_ref().map(|(certificate, _)| certificate.as_bytes()),
            key: self.identity.as_ref().map(|(_, key)| key.as_bytes()),
        };
        let upstream =
            Upstream::new(self.origin.parse().unwrap(), crate::HostSent::AsReceived, self.patience, files).unwrap();
        let (ends, endings) = mpsc::unbounded_channel();
        let cut = Arc::new(AtomicBool::new(false));
        let usual = ServerSettings::new(([127, 0, 0, 1], 0).into());
        let settings =
            ServerSettings { workers: 1, connections: self.connections, grace: self.grace, head: self.head, ..usual };
        let server = Server::bind(settings).unwrap();
        let (flag, spool, pace) = (cut.clone(), self.spool.clone(), self.pace);
        let running = server
            .start(&cut, move || {
                let upstream = Arc::new(upstream.for_another_worker());
                let (flag, spool, ends) = (flag.clone(), spool.clone(), ends.clone());
                move |request, visitor| {
                    let cut = Cut::of_gate(flag.clone());
                    let ends = ends.clone();
                    let tally = Tally::begin(cut, move |ending| drop(ends.send(ending)));
                    one(request, visitor, upstream.clone(), spool.clone(), pace, tally)
                }
            })
            .unwrap();
        Gate { address: running.address(), endings, cut, spool: self.spool.clone(), running: Some(running) }
    }
}

async fn one(
    request: Request<Incoming>,
    visitor: Visitor,
    upstream: Arc<Upstream>,
    spool: Spool,
    pace: Pace,
    tally: Arc<Tally>,
) -> Response<Answer> {
    let exchange = async {
        let mut outbound = Outbound::read(request, pace)?;
        if outbound.target().starts_with("/held") {
            outbound.hold(&spool).await?;
        }
        // Who calls says so, by a header of these tests only.
        let key = outbound.parts.headers.remove("test-key");
        let key = KeyId(key.and_then(|key| key.to_str().ok()?.parse().ok()).unwrap_or(1));
        let leaves = if outbound.has_body() { Leaves::Body(key) } else { Leaves::Nothing };
        let look = Look { list: Pointer::parse("/data"), minted: Pointer::parse("/token"), named: None };
        // A register that takes its time, and knows the key by the length of its secret.
        let register: Register = Arc::new(|made: crate::Made| {
            Box::pin(async move {
                tokio::task::yield_now().await;
                Some(KeyId(made.secret.len() as u64))
            })
        });
        let register = outbound.target().starts_with("/tokens").then_some(&register);
        let onward = Onward {
            upstream: &upstream,
            key: Some(key),
            leaves,
            tally: &tally,
            look: &look,
            register,
            sought: &[],
            swap: None,
            toll: None,
            seat: &visitor.seat,
        };
        forward(permit(), outbound, onward).await
    };
    exchange.await.unwrap_or_else(|kept: crate::Kept| {
        tally.answered(kept.refusal().status());
        Problem::new(kept.refusal(), CallId(Uuid::from_u128(1))).answer()
    })
}

/// One end of a connection, read and written in plain bytes.
pub(super) struct Wire<S = TcpStream> {
    stream: S,
    read: Vec<u8>,
}

impl Wire {
    pub(super) async fn to(address: SocketAddr) -> Self {
        Self::of(soon(TcpStream::connect(address)).await.unwrap())
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    pub(super) const fn of(stream: S) -> Self {
        Self { stream, read: Vec::new() }
    }

    pub(super) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        soon(self.stream.write_all(bytes.as_ref())).await.unwrap();
        soon(self.stream.flush()).await.unwrap();
    }

    async fn more(&mut self) -> usize {
        let mut piece = vec![0; 64 * 1024];
        let read = soon(self.stream.read(&mut piece)).await.unwrap_or(0);
        self.read.extend_from_slice(&piece[..read]);
        read
    }

    /// What comes up to and with `mark`; empty when the other end closes before.
    pub(super) async fn until(&mut self, mark: &str) -> String {
        loop {
            if let Some(at) = self.read.windows(mark.len()).position(|window| window == mark.as_bytes()) {
                let rest = self.read.split_off(at + mark.len());
                return String::from_utf8_lossy(&std::mem::replace(&mut self.read, rest)).into_owned();
            }
            if self.more().await == 0 {
                return String::new();
            }
        }
    }

    pub(super) async fn head(&mut self) -> String {
        self.until("\r\n\r\n").await
    }

    pub(super) async fn exactly(&mut self, bytes: usize) -> String {
        while self.read.len() < bytes {
            assert_ne!(self.more().await, 0, "closed after {:?}", String::from_utf8_lossy(&self.read));
        }
        let rest = self.read.split_off(bytes);
        String::from_utf8_lossy(&std::mem::replace(&mut self.read, rest)).into_owned()
    }

    /// Everything until the other end closes.
    pub(super) async fn rest(&mut self) -> String {
        while self.more().await > 0 {}
        String::from_utf8_lossy(&std::mem::take(&mut self.read)).into_owned()
    }

    /// One whole answer: its head, and its body as its length or chunks have it.
    pub(super) async fn answer(&mut self) -> (String, String) {
        let head = self.head().await;
        let body = self.body(&head).await;
        (head, body)
    }

    /// The body that a head announces.
    pub(super) async fn body(&mut self, head: &str) -> String {
        if let Some(length) = header(head, "content-length") {
            return self.exactly(length.parse().unwrap()).await;
        }
        let mut body = String::new();
        if header(head, "transfer-encoding").is_some() {
            loop {
                let size = usize::from_str_radix(self.until("\r\n").await.trim(), 16).expect("a chunk");
                if size == 0 {
                    while self.until("\r\n").await.len() > 2 {}
                    break;
                }
                body.push_str(&self.exactly(size).await);
                self.exactly(2).await;
            }
        }
        body
    }
}

pub(super) fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

/// An upstream whose connections the test answers by itself.
pub(super) struct Scripted {
    listener: TcpListener,
    pub(super) address: SocketAddr,
}

impl Scripted {
    pub(super) async fn listen() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        Self { listener, address }
    }

    pub(super) async fn accept(&self) -> Wire {
        Wire::of(soon(self.listener.accept()).await.unwrap().0)
    }
}

/// A gate before a scripted upstream.
pub(super) async fn gate() -> (Gate, Scripted) {
    let upstream = Scripted::listen().await;
    (Setting::before(upstream.address).start(), upstream)
}

pub(super) async fn ending(gate: &mut Gate) -> Ending {
    soon(gate.endings.recv()).await.unwrap()
}

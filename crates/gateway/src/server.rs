//! Clients' connections: one thread per core, each with its own listener and its own runtime.
//!
//! The kernel spreads connections over the listeners (`SO_REUSEPORT`), so that a connection
//! lives and dies on one thread.

use std::{
    convert::Infallible,
    io,
    net::{SocketAddr, TcpListener},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use http::{Request, Response};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use tokio::{
    net::TcpStream,
    sync::{Notify, OwnedSemaphorePermit, Semaphore, watch},
    time::{sleep, timeout},
};

use crate::{body::Answer, gate::Played};

/// What hyper may buffer of one connection, in bytes.
const BUFFER: usize = 128 * 1024;

/// The largest head of a request, in bytes. Half a head takes memory, and that before anything is
/// known of who sends it: at most twice as much for each connection.
const HEAD: usize = 32 * 1024;

/// Connections that wait to be accepted, per worker.
const BACKLOG: i32 = 4096;

/// How long a worker rests when connections cannot be accepted, as when files run out.
const REST: Duration = Duration::from_millis(50);

/// A client that has vanished without a word is noticed after about two minutes.
const KEEPALIVE: Duration = Duration::from_secs(60);

/// So long a stopping server waits for the first request of a connection that had none yet.
const FIRST: Duration = Duration::from_secs(1);

/// How clients are served.
#[derive(Clone, Copy, Debug)]
pub struct ServerSettings {
    /// Where to listen. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// Threads.
    pub workers: usize,
    /// Connections at once, over all workers. Further ones wait unaccepted.
    pub connections: usize,
    /// How long a client may take for the head of a request, and leave its connection idle.
    pub head: Duration,
    /// How long exchanges may go on when the gate stops.
    pub grace: Duration,
}

impl ServerSettings {
    /// The usual settings: a worker per core, and more patience than load balancers have.
    pub fn new(listen: SocketAddr) -> Self {
        Self {
            listen,
            workers: thread::available_parallelism().map_or(1, usize::from),
            connections: 16 * 1024,
            head: Duration::from_secs(75),
            grace: Duration::from_secs(30),
        }
    }
}

/// Listeners that are bound and serve nothing yet.
pub struct Server {
    settings: ServerSettings,
    listeners: Vec<TcpListener>,
    address: SocketAddr,
}

/// A client's place among the connections. Free again when all its copies are gone.
#[derive(Clone, Debug)]
pub(crate) struct Seat {
    #[expect(dead_code, reason = "held for its end")]
    permit: Arc<OwnedSemaphorePermit>,
}

/// Who is on the other end of a connection.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// The address of the other end; a proxy's, where one stands before the gate.
    pub(crate) address: SocketAddr,
    /// Its place.
    pub(crate) seat: Seat,
    /// What is played, where the gate itself calls in a drill. Nobody who comes over the network
    /// has it.
    pub(crate) played: Option<Played>,
}

impl Seat {
    pub(crate) fn of(permit: OwnedSemaphorePermit) -> Self {
        Self { permit: Arc::new(permit) }
    }
}

impl Server {
    /// Binds a listener per worker.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub fn bind(settings: ServerSettings) -> io::Result<Self> {
        // The first one is alone on its port: two gates that share it would each get half of
        // the connections. Only when it listens may the others of this gate join it.
        let first = listener(settings.listen, false)?;
        SockRef::from(&first).set_reuse_port(true)?;
        let address = first.local_addr()?;
        let mut listeners = vec![first];
        for _ in 1..settings.workers.max(1) {
            listeners.push(listener(address, true)?);
        }
        Ok(Self { settings, listeners, address })
    }

    /// Serves what comes to a listener that is open already, with as many workers. It stays open
    /// when the server stops, for whoever has it, too.
    ///
    /// # Errors
    /// When it is no listener, or files run out.
    pub fn over(settings: ServerSettings, listener: TcpListener) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let mut listeners = (1..settings.workers).map(|_| listener.try_clone()).collect::<io::Result<Vec<_>>>()?;
        listeners.push(listener);
        Ok(Self { settings, listeners, address })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until it is stopped. `equip` is called once by each worker, on its own thread and
    /// inside its runtime, and gives what answers requests there. `cut` is set when the grace is
    /// over, before what is left is dropped.
    ///
    /// # Errors
    /// When a thread or its runtime cannot be made.
    pub fn start<E, H, F>(self, cut: &Arc<AtomicBool>, equip: E) -> io::Result<Running>
    where
        E: Fn() -> H + Send + Sync + 'static,
        H: Fn(Request<Incoming>, Visitor) -> F + Send + Sync + 'static,
        F: Future<Output = Response<Answer>> + Send + 'static,
    {
        let Self { settings, listeners, address } = self;
        let equip = Arc::new(equip);
        let (stop, stopping) = watch::channel(false);
        let places = settings.connections.clamp(1, Semaphore::MAX_PERMITS.min(u32::MAX as usize));
        let room = Arc::new(Semaphore::new(places));
        let mut workers = Vec::new();
        for listener in listeners {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let (equip, room, stopping, cut) = (equip.clone(), room.clone(), stopping.clone(), Arc::clone(cut));
            let work = move || {
                runtime.block_on(async {
                    let handle = Arc::new(equip());
                    if let Err(error) = accept(listener, settings, &handle, &room, stopping).await {
                        tracing::error!(error = &error as &dyn std::error::Error, "a worker cannot listen");
                    }
                    let all = u32::try_from(places).unwrap_or(u32::MAX);
                    if timeout(settings.grace, room.acquire_many(all)).await.is_err() {
                        cut.store(true, Ordering::Relaxed);
                    }
                });
            };
            workers.push(thread::Builder::new().name("gate".into()).spawn(work)?);
        }
        Ok(Running { address, stop, workers })
    }
}

/// A server at work. Dropped, it goes on without anybody who could stop it.
pub struct Running {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    workers: Vec<JoinHandle<()>>,
}

impl Running {
    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Accepts nothing more, closes idle connections, and lets exchanges go on for the grace.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Blocks until every worker is done.
    pub fn join(self) {
        for worker in self.workers {
            if worker.join().is_err() {
                tracing::error!("a worker panicked");
            }
        }
    }
}

fn listener(address: SocketAddr, joins: bool) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(joins)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Accepts connections until the server stops.
async fn accept<H, F>(
    listener: TcpListener,
    settings: ServerSettings,
    handle: &Arc<H>,
    room: &Arc<Semaphore>,
    mut stopping: watch::Receiver<bool>,
) -> io::Result<()>
where
    H: Fn(Request<Incoming>, Visitor) -> F + Send + Sync + 'static,
    F: Future<Output = Response<Answer>> + Send + 'static,
{
    let listener = tokio::net::TcpListener::from_std(listener)?;
    loop {
        let next = async {
            let permit = Arc::clone(room).acquire_owned().await.map_err(io::Error::other)?;
            listener.accept().await.map(|accepted| (accepted, permit))
        };
        let accepted = tokio::select! {
            biased;
            () = stops(&mut stopping) => return Ok(()),
            accepted = next => accepted,
        };
        match accepted {
            Ok(((stream, address), permit)) => {
                let visitor = Visitor { address, seat: Seat::of(permit), played: None };
                tokio::spawn(serve(stream, visitor, settings.head, Arc::clone(handle), stopping.clone()));
            }
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "a connection cannot be accepted");
                sleep(REST).await;
            }
        }
    }
}

/// Ready when the server stops; never when nobody is left who could stop it.
async fn stops(stopping: &mut watch::Receiver<bool>) {
    if stopping.wait_for(|stop| *stop).await.is_err() {
        std::future::pending().await
    }
}

/// Serves one connection to its end.
async fn serve<H, F>(
    stream: TcpStream,
    visitor: Visitor,
    head: Duration,
    handle: Arc<H>,
    mut stopping: watch::Receiver<bool>,
) where
    H: Fn(Request<Incoming>, Visitor) -> F + Send + Sync + 'static,
    F: Future<Output = Response<Answer>> + Send + 'static,
{
    // Both only make things better; a connection that has already died says so when it is read.
    let _ = stream.set_nodelay(true);
    let _ = SockRef::from(&stream).set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEPALIVE));
    let begun = Notify::new();
    let service = service_fn(|request| {
        begun.notify_one();
        let answer = handle(request, visitor.clone());
        async move { Ok::<_, Infallible>(answer.await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(head)
        .max_header_size(HEAD)
        .max_buf_size(BUFFER)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        biased;
        ended = connection.as_mut() => ended,
        () = stops(&mut stopping) => {
            // Who was let in a moment ago may have sent a request that was not read yet.
            let first = async {
                tokio::select! {
                    () = begun.notified() => {}
                    () = sleep(FIRST) => {}
                }
            };
            tokio::select! {
                biased;
                ended = connection.as_mut() => ended,
                () = first => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(error = &error as &dyn std::error::Error, "a connection ended early");
    }
}

//! What a body leaves on a connection to an upstream that does not read it.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use http::StatusCode;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
};

use crate::house::House;

const ANN: &str = "secret-of-ann-1234567890";
const BOB: &str = "secret-of-bob-0987654321";

/// An upstream that reads heads and never a body: what follows a head is the next one.
struct Careless {
    address: SocketAddr,
    /// The first lines of what it took for requests, and the number of the connection.
    seen: Arc<Mutex<Vec<(usize, String)>>>,
}

impl Careless {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let careless = Self { address: listener.local_addr().unwrap(), seen: Arc::default() };
        let seen = Arc::clone(&careless.seen);
        tokio::spawn(async move {
            for number in 0.. {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(stream, number, Arc::clone(&seen)));
            }
        });
        careless
    }

    fn seen(&self) -> Vec<(usize, String)> {
        std::mem::take(&mut *self.seen.lock().unwrap())
    }
}

async fn serve(stream: TcpStream, number: usize, seen: Arc<Mutex<Vec<(usize, String)>>>) {
    let mut stream = BufReader::new(stream);
    loop {
        let (mut first, mut last) = (String::new(), false);
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                return;
            }
            last |= line.eq_ignore_ascii_case("connection: close\r\n");
            match line.trim_end() {
                "" if first.is_empty() => {}
                "" => break,
                line if first.is_empty() => line.clone_into(&mut first),
                _ => {}
            }
        }
        let status = if first.contains("/memos?wrong") { "422 Unprocessable Content" } else { "200 OK" };
        seen.lock().unwrap().push((number, first));
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 2\r\n\r\nok");
        if stream.write_all(answer.as_bytes()).await.is_err() || last {
            return;
        }
    }
}

async fn house(upstream: &Careless) -> House {
    let house = House::observing_before(upstream.address).await;
    for (secret, name) in [(ANN, "ann"), (BOB, "bob")] {
        house.adopt_for(secret, name).await;
    }
    house
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_nothing_describes_is_nobodys_request() {
    let upstream = Careless::start().await;
    let house = house(&upstream).await;
    let whole = format!("DELETE /v1/things/9 HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {ANN}\r\n\r\n");
    let unfinished = "DELETE /v1/things/9 HTTP/1.1\r\nhost: x\r\nx-ignored: ";
    for (method, target) in [
        ("GET", "/v1/things/1"),
        ("DELETE", "/v1/things/1"),
        ("OPTIONS", "/v1/things/1"),
        ("POST", "/v1/notes"),
        ("PUT", "/v1/undescribed"),
    ] {
        for body in [whole.as_str(), unfinished] {
            let request = house.request(method, target).header("authorization", &format!("Bearer {ANN}"));
            assert_eq!(house.send(request, body).await.status, StatusCode::OK);
            assert_eq!(house.get("/v1/things/2", BOB).await.status, StatusCode::OK);
            let seen: Vec<String> = upstream.seen().into_iter().map(|(_, line)| line).collect();
            assert_eq!(seen, [format!("{method} {target} HTTP/1.1"), "GET /v1/things/2 HTTP/1.1".to_owned()]);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_body_that_is_described_only_its_own_key_follows() {
    let upstream = Careless::start().await;
    let house = house(&upstream).await;
    let unfinished = "DELETE /v1/things/9 HTTP/1.1\r\nhost: x\r\nx-ignored: ";
    assert_eq!(house.post("/v1/memos", ANN, unfinished).await.status, StatusCode::OK);
    assert_eq!(house.get("/v1/things/2", BOB).await.status, StatusCode::OK);
    let seen = upstream.seen();
    assert_eq!(seen[1].1, "GET /v1/things/2 HTTP/1.1", "it is not glued to what Ann left");
    assert_ne!(seen[0].0, seen[1].0);
    // Ann's own next request takes up the connection that she left: nothing is opened for it.
    assert_eq!(house.get("/v1/things/3", ANN).await.status, StatusCode::OK);
    assert_eq!(upstream.seen()[0], (seen[0].0, "DELETE /v1/things/9 HTTP/1.1".to_owned()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_answered_without_success_may_be_unread_and_is_followed_by_nothing() {
    let upstream = Careless::start().await;
    let house = house(&upstream).await;
    let unfinished = "DELETE /v1/things/9 HTTP/1.1\r\nhost: x\r\nx-ignored: ";
    assert_eq!(house.post("/v1/memos?wrong", ANN, unfinished).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(house.get("/v1/things/3", ANN).await.status, StatusCode::OK);
    let seen = upstream.seen();
    assert_eq!(seen[1].1, "GET /v1/things/3 HTTP/1.1");
    assert_ne!(seen[0].0, seen[1].0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_of_somebody_without_a_key_is_followed_by_nothing() {
    let upstream = Careless::start().await;
    let house = house(&upstream).await;
    let request = house.request("GET", "/v1/health");
    let unfinished = "DELETE /v1/things/9 HTTP/1.1\r\nhost: x\r\nx-ignored: ";
    assert_eq!(house.send(request, unfinished).await.status, StatusCode::OK);
    assert_eq!(house.get("/v1/things/3", ANN).await.status, StatusCode::OK);
    let seen: Vec<String> = upstream.seen().into_iter().map(|(_, line)| line).collect();
    assert_eq!(seen, ["GET /v1/health HTTP/1.1", "GET /v1/things/3 HTTP/1.1"]);
}

//! Whatever fails, each side learns of it, and the ending says how it was.

use std::{sync::atomic::Ordering, time::Duration};

use law::{Ended, Refusal};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::sleep,
};

use super::support::{Gate, Scripted, Setting, Wire, ending, gate, header, soon};
use crate::Pace;

const GET: &str = "GET /x HTTP/1.1\r\nhost: a\r\n\r\n";

fn assert_problem(head: &str, body: &str, refusal: Refusal) {
    assert!(head.starts_with(&format!("HTTP/1.1 {}", refusal.status())), "{head}");
    assert_eq!(header(head, "content-type"), Some("application/problem+json"));
    let body: Value = serde_json::from_str(body).unwrap();
    assert_eq!(body["type"], format!("urn:greave:refusal:{}", refusal.code()));
}

#[tokio::test]
async fn an_upstream_that_is_down_is_a_502() {
    let (mut gate, upstream) = gate().await;
    drop(upstream);
    let mut client = Wire::to(gate.address).await;
    client.send(GET).await;
    let (head, body) = client.answer().await;
    assert_problem(&head, &body, Refusal::UpstreamUnreachable);
    let ending = ending(&mut gate).await;
    assert_eq!((ending.status, ending.ended), (502, Ended::Answered));
    // A HEAD is answered alike, without the body, and the connection stays in step.
    client.send("HEAD /x HTTP/1.1\r\nhost: a\r\n\r\n").await;
    assert!(client.head().await.starts_with("HTTP/1.1 502"));
    client.send(GET).await;
    assert!(client.head().await.starts_with("HTTP/1.1 502"));
}

#[tokio::test]
async fn an_upstream_that_talks_nonsense_is_a_502() {
    for nonsense in [
        "SSH-2.0-OpenSSH_9.2\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabcd",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
        "HTTP/1.1 2000 OK\r\n\r\n",
        "",
    ] {
        let (gate, upstream) = gate().await;
        let mut client = Wire::to(gate.address).await;
        client.send(GET).await;
        let mut api = upstream.accept().await;
        api.head().await;
        api.send(nonsense).await;
        drop(api);
        let (head, body) = client.answer().await;
        assert_problem(&head, &body, Refusal::UpstreamBroken);
    }
}

#[tokio::test]
async fn both_a_length_and_chunks_from_the_upstream_have_one_reading() {
    let (gate, upstream) = gate().await;
    let mut client = Wire::to(gate.address).await;
    client.send(GET).await;
    let mut api = upstream.accept().await;
    api.head().await;
    api.send("HTTP/1.1 200 OK\r\ncontent-length: 99\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n").await;
    let head = client.head().await;
    assert_eq!((header(&head, "content-length"), header(&head, "transfer-encoding")), (None, Some("chunked")));
    assert_eq!(client.body(&head).await, "ab");
}

#[tokio::test]
async fn an_upstream_that_takes_too_long_is_a_504() {
    let upstream = Scripted::listen().await;
    let mut setting = Setting::before(upstream.address);
    setting.patience.answer = Duration::from_millis(20);
    let mut gate = setting.start();
    let mut client = Wire::to(gate.address).await;
    client.send(GET).await;
    let mut api = upstream.accept().await;
    api.head().await;
    let (head, body) = client.answer().await;
    assert_problem(&head, &body, Refusal::UpstreamSlow);
    assert_eq!(api.rest().await, "");
    assert_eq!(ending(&mut gate).await.status, 504);
}

/// A gate that waits for 8 bytes of a body 20 ms long, and for the upstream even less.
async fn hurrying() -> (Gate, Scripted) {
    let upstream = Scripted::listen().await;
    let mut setting = Setting::before(upstream.address);
    setting.pace = Pace { bytes: 8, within: Duration::from_millis(20) };
    setting.patience.answer = Duration::from_millis(5);
    (setting.start(), upstream)
}

#[tokio::test]
async fn a_body_that_stops_half_way_is_the_clients_slowness_held_or_not() {
    for path in ["/x", "/held"] {
        let (mut gate, upstream) = hurrying().await;
        let mut client = Wire::to(gate.address).await;
        client.send(format!("POST {path} HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nhalf")).await;
        let (head, body) = client.answer().await;
        assert_problem(&head, &body, Refusal::ClientSlow);
        assert_eq!(header(&head, "connection"), Some("close"));
        let ending = ending(&mut gate).await;
        assert_eq!((ending.status, ending.ended), (408, Ended::Answered));
        if path == "/x" {
            let mut api = upstream.accept().await;
            api.head().await;
            assert_eq!(api.rest().await, "half");
        }
    }
}

#[tokio::test]
async fn a_body_that_drips_is_ended_however_long_it_goes_on() {
    let (gate, _upstream) = hurrying().await;
    let client = TcpStream::connect(gate.address).await.unwrap();
    let (mut read, mut write) = client.into_split();
    let drip = async {
        write.write_all(b"POST /x HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n").await.unwrap();
        while write.write_all(b"1\r\nx\r\n").await.is_ok() {
            sleep(Duration::from_millis(4)).await;
        }
    };
    let mut said = [0; 12];
    tokio::select! {
        () = drip => panic!("closed without a word"),
        read = soon(read.read_exact(&mut said)) => drop(read.unwrap()),
    }
    assert_eq!(&said, b"HTTP/1.1 408");
}

#[tokio::test]
async fn once_the_answer_has_begun_a_client_may_pause() {
    let upstream = Scripted::listen().await;
    let mut setting = Setting::before(upstream.address);
    setting.pace = Pace { bytes: 8, within: Duration::from_millis(100) };
    let gate = setting.start();
    let mut client = Wire::to(gate.address).await;
    let begun = "POST /x HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nfirst";
    client.send(begun).await;
    let mut api = upstream.accept().await;
    api.head().await;
    api.exactly(5).await;
    api.send("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nso").await;
    client.head().await;
    client.exactly(2).await;
    // One that pauses before its answer is given up, and it began to pause later.
    let mut later = Wire::to(gate.address).await;
    later.send(begun).await;
    assert!(later.head().await.starts_with("HTTP/1.1 408"));
    client.send("last!").await;
    assert_eq!(api.exactly(5).await, "last!");
    api.send("me").await;
    assert_eq!(client.exactly(2).await, "me");
}

#[tokio::test]
async fn an_answer_that_falls_silent_is_broken_off() {
    let upstream = Scripted::listen().await;
    let mut setting = Setting::before(upstream.address);
    setting.patience.idle = Some(Duration::from_millis(20));
    let mut gate = setting.start();
    let mut client = Wire::to(gate.address).await;
    client.send(GET).await;
    let mut api = upstream.accept().await;
    api.head().await;
    api.send("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n12345").await;
    client.head().await;
    assert_eq!(client.rest().await, "12345");
    assert_eq!(api.rest().await, "");
    assert_eq!(ending(&mut gate).await.ended, Ended::UpstreamGone);
}

#[tokio::test]
async fn an_answer_that_breaks_off_never_looks_whole() {
    for (answer, seen) in [
        ("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n12345", "12345"),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n12345\r\n", "5\r\n12345\r\n"),
    ] {
        let (mut gate, upstream) = gate().await;
        let mut client = Wire::to(gate.address).await;
        client.send(GET).await;
        let mut api = upstream.accept().await;
        api.head().await;
        api.send(answer).await;
        client.head().await;
        assert_eq!(client.exactly(seen.len()).await, seen);
        drop(api);
        assert_eq!(client.rest().await, "");
        let ending = ending(&mut gate).await;
        assert_eq!((ending.ended, ending.bytes_out), (Ended::UpstreamGone, 5));
    }
}

#[tokio::test]
async fn a_connection_that_died_while_idle_costs_nothing() {
    let (gate, upstream) = gate().await;
    let mut client = Wire::to(gate.address).await;
    client.send(GET).await;
    let mut api = upstream.accept().await;
    api.head().await;
    api.send("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    client.head().await;
    drop(api);
    client.send("POST /y HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\nab").await;
    let mut api = upstream.accept().await;
    let head = api.head().await;
    assert!(head.starts_with("POST /y "), "{head}");
    assert_eq!(api.body(&head).await, "ab");
}

#[tokio::test]
async fn a_request_that_was_written_is_never_sent_twice() {
    let (gate, upstream) = gate().await;
    let mut client = Wire::to(gate.address).await;
    client.send(GET).await;
    let mut api = upstream.accept().await;
    api.head().await;
    api.send("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    client.head().await;
    client.send(GET).await;
    api.head().await;
    drop(api);
    let (head, body) = client.answer().await;
    assert_problem(&head, &body, Refusal::UpstreamBroken);
    // The next connection carries the next request, not the lost one again.
    client.send("GET /next HTTP/1.1\r\nhost: a\r\n\r\n").await;
    assert!(upstream.accept().await.head().await.starts_with("GET /next "));
}

#[tokio::test]
async fn an_answer_that_nobody_asked_for_reaches_nobody() {
    for (request, answer) in [
        (GET, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"),
        (GET, "HTTP/1.1 204 No Content\r\n\r\n"),
        ("HEAD /x HTTP/1.1\r\nhost: a\r\n\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 43\r\n\r\n"),
    ] {
        let (gate, upstream) = gate().await;
        let mut first = Wire::to(gate.address).await;
        first.send(request).await;
        let mut api = upstream.accept().await;
        api.head().await;
        api.send(format!("{answer}HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil")).await;
        first.head().await;
        let mut second = Wire::to(gate.address).await;
        second.send("GET /second HTTP/1.1\r\nhost: a\r\n\r\n").await;
        let mut api = upstream.accept().await;
        assert!(api.head().await.starts_with("GET /second "));
        api.send("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ngood").await;
        assert_eq!(second.answer().await.1, "good");
    }
}

#[tokio::test]
async fn a_client_that_goes_away_takes_its_request_with_it() {
    let (mut gate, upstream) = gate().await;
    let mut client = Wire::to(gate.address).await;
    client.send(GET).await;
    let mut api = upstream.accept().await;
    api.head().await;
    drop(client);
    assert_eq!(api.rest().await, "");
    let ending = ending(&mut gate).await;
    assert_eq!((ending.status, ending.ended), (0, Ended::ClientGone));
}

#[tokio::test]
async fn a_client_that_leaves_a_stream_ends_it_at_the_upstream() {
    let (mut gate, upstream) = gate().await;
    let mut client = Wire::to(gate.address).await;
    client.send(GET).await;
    let mut api = upstream.accept().await;
    api.head().await;
    api.send("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: 1\n\n").await;
    client.until("data: 1").await;
    drop(client);
    assert_eq!(api.rest().await, "");
    let ending = ending(&mut gate).await;
    assert_eq!((ending.status, ending.ended), (200, Ended::ClientGone));
}

#[tokio::test]
async fn a_body_that_breaks_off_never_looks_whole_to_the_upstream() {
    let (gate, upstream) = gate().await;
    for body in ["content-length: 9\r\n\r\nabc", "transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n"] {
        let mut client = Wire::to(gate.address).await;
        client.send(format!("POST / HTTP/1.1\r\nhost: a\r\n{body}")).await;
        let mut api = upstream.accept().await;
        api.head().await;
        api.until("abc").await;
        drop(client);
        let rest = api.rest().await;
        assert!(!rest.contains("0\r\n"), "{rest:?}");
    }
}

#[tokio::test]
async fn a_cut_ends_a_running_stream_and_a_waiting_request() {
    for answer in ["HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: 1\n\n", ""] {
        let (mut gate, upstream) = gate().await;
        let mut client = Wire::to(gate.address).await;
        client.send(GET).await;
        let mut api = upstream.accept().await;
        api.head().await;
        api.send(answer).await;
        if !answer.is_empty() {
            client.until("data: 1\n\n\r\n").await;
        }
        gate.cut.store(true, Ordering::Relaxed);
        assert_eq!(api.rest().await, "");
        let ending = ending(&mut gate).await;
        if answer.is_empty() {
            let (head, body) = client.answer().await;
            assert_problem(&head, &body, Refusal::Disabled);
        } else {
            assert_eq!(client.rest().await, "");
            assert_eq!(ending.ended, Ended::Cut);
        }
    }
}

#[tokio::test]
async fn a_cut_ends_a_request_whose_body_stands_still() {
    let (mut gate, upstream) = gate().await;
    let mut client = Wire::to(gate.address).await;
    client.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nabc").await;
    let mut api = upstream.accept().await;
    api.until("abc").await;
    gate.cut.store(true, Ordering::Relaxed);
    assert_eq!(api.rest().await, "");
    assert!(client.head().await.starts_with("HTTP/1.1 401"));
    assert_eq!(ending(&mut gate).await.bytes_in, 3);
}

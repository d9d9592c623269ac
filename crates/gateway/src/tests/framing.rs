//! Requests that two readers could read differently: refused, or forwarded in a form with
//! exactly one reading, and never followed by a second request on the same connection.

use std::sync::{Arc, Mutex};

use super::support::{Scripted, Setting, Wire, header};

/// What came of some bytes that a client sent, once the gate had closed its connection.
struct Came {
    /// Requests that the upstream saw, heads and bodies.
    seen: Vec<(String, String)>,
    /// Everything that the client was answered.
    answered: String,
}

async fn sent(bytes: impl AsRef<[u8]>) -> Came {
    let upstream = Scripted::listen().await;
    let gate = Setting::before(upstream.address).start();
    let seen: Arc<Mutex<Vec<(String, String)>>> = Arc::default();
    let log = seen.clone();
    tokio::spawn(async move {
        loop {
            let mut api = upstream.accept().await;
            let log = log.clone();
            tokio::spawn(async move {
                loop {
                    let head = api.head().await;
                    if head.is_empty() {
                        break;
                    }
                    let body = api.body(&head).await;
                    log.lock().unwrap().push((head, body));
                    api.send("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
                }
            });
        }
    });
    let mut client = Wire::to(gate.address).await;
    client.send(bytes).await;
    let answered = client.rest().await;
    let seen = std::mem::take(&mut *seen.lock().unwrap());
    Came { seen, answered }
}

#[tokio::test]
async fn a_length_and_chunks_are_read_as_chunks_and_nothing_follows() {
    for framing in
        ["Content-Length: 4\r\nTransfer-Encoding: chunked", "Transfer-Encoding: chunked\r\nContent-Length: 4"]
    {
        let evil = "GET /evil HTTP/1.1\r\nHost: a\r\n\r\n";
        let came = sent(format!("POST / HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n1\r\nZ\r\n0\r\n\r\n{evil}")).await;
        assert_eq!(came.seen.len(), 1, "{:?}", came.seen);
        let (head, body) = &came.seen[0];
        assert_eq!((header(head, "content-length"), header(head, "transfer-encoding")), (None, Some("chunked")));
        assert_eq!(body, "Z");
        assert_eq!(came.answered.matches("HTTP/1.1 ").count(), 1, "{}", came.answered);
    }
}

#[tokio::test]
async fn doubtful_framing_is_refused_and_closes() {
    let body = "1\r\nZ\r\n0\r\n\r\nGET /evil HTTP/1.1\r\nHost: a\r\n\r\n";
    for head in [
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: chunked, chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
        "Transfer-Encoding: \u{b}chunked",
        "Transfer-Encoding: chunked\u{0}",
        "Transfer-Encoding : chunked",
        " Transfer-Encoding: chunked",
        "X: y\r\n Transfer-Encoding: chunked",
        "Transfer-Encoding:\r\n chunked",
        "Transfer-Encoding\r\n: chunked",
        "X: y\rTransfer-Encoding: chunked",
        "Content-Length: 5\r\nContent-Length: 6",
        "Content-Length: 5, 5",
        "Content-Length: +5",
        "Content-Length: -5",
        "Content-Length: 0x5",
        "Content-Length: 5 5",
        "Content-Length: ",
        "Content-Length: 99999999999999999999",
        "Content-Length : 5",
        "Content-Length: 5\r\n 6",
        "Transfer-Encoding: chunked\r\nConnection: \u{e9}",
    ] {
        let came = sent(format!("POST / HTTP/1.1\r\nHost: a\r\n{head}\r\n\r\n{body}")).await;
        assert!(came.seen.is_empty(), "{head:?}: {:?}", came.seen);
        assert!(came.answered.starts_with("HTTP/1.1 400"), "{head:?}: {}", came.answered);
        assert_eq!(came.answered.matches("HTTP/1.1 ").count(), 1, "{head:?}: {}", came.answered);
    }
}

#[tokio::test]
async fn chunks_under_http_1_0_are_refused() {
    let came = sent("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nZ\r\n0\r\n\r\n").await;
    assert!(came.seen.is_empty());
    assert!(came.answered.contains(" 400 "), "{}", came.answered);
}

#[tokio::test]
async fn broken_chunks_are_never_taken_for_a_whole_body() {
    for body in [
        "1\nZ\n0\n\n",
        "1\r\nZZ\r\n0\r\n\r\n",
        "-1\r\nZ\r\n0\r\n\r\n",
        "0x1\r\nZ\r\n0\r\n\r\n",
        "1;a\nb\r\nZ\r\n0\r\n\r\n",
        "fffffffffffffffff\r\nZ\r\n0\r\n\r\n",
        "1\rZ\r\n0\r\n\r\n",
    ] {
        let evil = "GET /evil HTTP/1.1\r\nHost: a\r\n\r\n";
        let came = sent(format!("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{body}{evil}")).await;
        assert!(came.answered.starts_with("HTTP/1.1 400"), "{body:?}: {}", came.answered);
        assert!(came.seen.iter().all(|(head, _)| !head.contains("/evil")), "{body:?}: {:?}", came.seen);
    }
}

#[tokio::test]
async fn what_has_one_reading_is_sent_on_in_that_form() {
    for (head, body) in [
        ("Content-Length: 2\r\nContent-Length: 2", "ab"),
        ("Content-Length: 02", "ab"),
        ("Content-Length: 2\r\nContent_Length: 9", "ab"),
        ("Content-Length: 2\r\nTransfer_Encoding: chunked", "ab"),
        ("Content-Length: 2\r\nConnection: content-length", "ab"),
        ("Content-Length: 2\r\nConnection: host, close", "ab"),
        ("Transfer-Encoding: Chunked", "2;x=y\r\nab\r\n0\r\n\r\n"),
        ("Transfer-Encoding: chunked\r\nConnection: transfer-encoding", "1\r\na\r\n1\r\nb\r\n0\r\n\r\n"),
    ] {
        let came = sent(format!("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{head}\r\n\r\n{body}")).await;
        assert_eq!(came.seen.len(), 1, "{head:?}: {}", came.answered);
        let (seen, sent) = &came.seen[0];
        assert_eq!(sent, "ab", "{head:?}");
        let lengths = seen.to_lowercase().matches("content").count() + seen.to_lowercase().matches("transfer").count();
        assert_eq!(lengths, 1, "{seen}");
        if let Some(length) = header(seen, "content-length") {
            assert_eq!(length, "2");
        }
        assert_eq!(header(seen, "connection"), None);
    }
}

#[tokio::test]
async fn bare_line_feeds_in_a_head_are_written_anew() {
    let came = sent("GET /a HTTP/1.1\nHost: a\nX: b\nConnection: close\n\n").await;
    assert_eq!(came.seen.len(), 1, "{}", came.answered);
    assert_eq!(came.seen[0].0, "GET /a HTTP/1.1\r\nhost: a\r\nx: b\r\n\r\n");
}

#[tokio::test]
async fn the_target_is_always_a_path() {
    for (line, seen) in [
        ("GET http://other/a?b HTTP/1.1", Some("GET /a?b HTTP/1.1")),
        ("GET http://other HTTP/1.1", Some("GET / HTTP/1.1")),
        ("OPTIONS * HTTP/1.1", Some("OPTIONS * HTTP/1.1")),
        ("GET //other/a HTTP/1.1", Some("GET //other/a HTTP/1.1")),
        ("GET /a#b HTTP/1.1", Some("GET /a HTTP/1.1")),
        ("GET http://other?b HTTP/1.1", None),
        ("GET ?b HTTP/1.1", None),
        ("GET a/b HTTP/1.1", None),
        ("GET /a b HTTP/1.1", None),
        ("GET /a\tb HTTP/1.1", None),
        ("GET  /a HTTP/1.1", None),
        ("CONNECT other:443 HTTP/1.1", None),
        ("TRACE / HTTP/1.1", None),
        ("GET /a HTTP/2.0", None),
        ("G\u{0}T /a HTTP/1.1", None),
    ] {
        let came = sent(format!("{line}\r\nHost: a\r\nConnection: close\r\n\r\n")).await;
        let first = came.seen.first().map(|(head, _)| head.lines().next().unwrap());
        assert_eq!(first, seen, "{line}: {}", came.answered);
        assert_eq!(came.answered.starts_with("HTTP/1.1 200"), seen.is_some(), "{line}: {}", came.answered);
    }
}

#[tokio::test]
async fn a_refused_request_leaves_nothing_behind_that_could_pass_for_another() {
    let evil = "GET /evil HTTP/1.1\r\nHost: a\r\n\r\n";
    let came = sent(format!("TRACE / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{evil}", evil.len())).await;
    assert!(came.seen.is_empty(), "{:?}", came.seen);
    assert!(came.answered.starts_with("HTTP/1.1 405"), "{}", came.answered);
    assert!(came.answered.contains("allow: GET"), "{}", came.answered);
}

//! Bodies in both directions, unharmed.

use law::Ended;

use super::support::{Wire, ending, gate, header};

#[tokio::test]
async fn both_directions_interleave() {
    let (mut gate, upstream) = gate().await;
    let mut client = Wire::to(gate.address).await;
    client.send("POST /x HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n").await;
    let mut api = upstream.accept().await;
    let head = api.head().await;
    assert!(head.starts_with("POST /x HTTP/1.1\r\n"), "{head}");
    assert_eq!(header(&head, "transfer-encoding"), Some("chunked"));
    api.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await;
    assert!(client.head().await.starts_with("HTTP/1.1 200"));
    for round in 0..3 {
        client.send(format!("1\r\n{round}\r\n")).await;
        assert_eq!(api.exactly(6).await, format!("1\r\n{round}\r\n"));
        api.send(format!("2\r\n<{round}\r\n")).await;
        assert_eq!(client.exactly(7).await, format!("2\r\n<{round}\r\n"));
    }
    client.send("0\r\n\r\n").await;
    assert_eq!(api.exactly(5).await, "0\r\n\r\n");
    api.send("0\r\n\r\n").await;
    assert_eq!(client.exactly(5).await, "0\r\n\r\n");
    let ending = ending(&mut gate).await;
    assert_eq!((ending.ended, ending.status, ending.bytes_in, ending.bytes_out), (Ended::Whole, 200, 3, 6));
}

#[tokio::test]
async fn trailers_travel_both_ways_and_forged_ones_do_not() {
    let (gate, upstream) = gate().await;
    let mut client = Wire::to(gate.address).await;
    client
        .send(
            "POST / HTTP/1.1\r\nhost: a\r\nte: trailers\r\ntrailer: x-sum, greave-key\r\ntransfer-encoding: chunked\r\n\r\n\
             1\r\na\r\n0\r\nx-sum: 1\r\ngreave-key: k1\r\n\r\n",
        )
        .await;
    let mut api = upstream.accept().await;
    let head = api.head().await;
    assert_eq!(header(&head, "te"), Some("trailers"));
    assert_eq!(api.until("\r\n\r\n").await, "1\r\na\r\n0\r\nx-sum: 1\r\n\r\n");
    api.send("HTTP/1.1 200 OK\r\ntrailer: x-end\r\ntransfer-encoding: chunked\r\n\r\n1\r\nb\r\n0\r\nx-end: 2\r\n\r\n")
        .await;
    let head = client.head().await;
    assert_eq!(header(&head, "trailer"), Some("x-end"));
    assert_eq!(client.until("\r\n\r\n").await, "1\r\nb\r\n0\r\nx-end: 2\r\n\r\n");
}

#[tokio::test]
async fn an_event_arrives_before_the_stream_ends() {
    let (gate, upstream) = gate().await;
    let mut client = Wire::to(gate.address).await;
    client.send("GET /events HTTP/1.1\r\nhost: a\r\n\r\n").await;
    let mut api = upstream.accept().await;
    api.head().await;
    // Without a length or chunks, the stream ends with the connection.
    api.send("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: 1\n\n").await;
    assert_eq!(header(&client.head().await, "transfer-encoding"), Some("chunked"));
    assert_eq!(client.until("data: 1\n\n\r\n").await, "9\r\ndata: 1\n\n\r\n");
    api.send("data: 2\n\n").await;
    assert_eq!(client.until("data: 2\n\n\r\n").await, "9\r\ndata: 2\n\n\r\n");
    drop(api);
    assert_eq!(client.exactly(5).await, "0\r\n\r\n");
}

#[tokio::test]
async fn the_body_waits_for_the_upstreams_100_continue() {
    let (gate, upstream) = gate().await;
    let mut client = Wire::to(gate.address).await;
    client.send("PUT / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 3\r\n\r\n").await;
    let mut api = upstream.accept().await;
    assert_eq!(header(&api.head().await, "expect"), Some("100-continue"));
    api.send("HTTP/1.1 100 Continue\r\n\r\n").await;
    assert_eq!(client.head().await, "HTTP/1.1 100 Continue\r\n\r\n");
    client.send("abc").await;
    assert_eq!(api.exactly(3).await, "abc");
    api.send("HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n").await;
    let head = client.head().await;
    assert!(head.starts_with("HTTP/1.1 201"), "{head}");
    assert_eq!(header(&head, "connection"), None);
}

#[tokio::test]
async fn a_body_that_the_upstream_does_not_want_is_not_asked_for() {
    let (mut gate, upstream) = gate().await;
    let mut client = Wire::to(gate.address).await;
    client.send("PUT / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 3\r\n\r\n").await;
    let mut api = upstream.accept().await;
    api.head().await;
    api.send("HTTP/1.1 417 Expectation Failed\r\ncontent-length: 2\r\n\r\nno").await;
    let (head, body) = client.answer().await;
    assert!(head.starts_with("HTTP/1.1 417"), "{head}");
    assert_eq!((header(&head, "connection"), body.as_str()), (Some("close"), "no"));
    assert_eq!(client.rest().await, "");
    let ending = ending(&mut gate).await;
    assert_eq!((ending.status, ending.bytes_in, ending.ended), (417, 0, Ended::Whole));
}

#[tokio::test]
async fn a_server_that_does_not_know_expect_gets_the_body_all_the_same() {
    let (gate, upstream) = gate().await;
    let mut client = Wire::to(gate.address).await;
    client.send("PUT / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 3\r\n\r\n").await;
    let mut api = upstream.accept().await;
    api.head().await;
    assert_eq!(client.head().await, "HTTP/1.1 100 Continue\r\n\r\n");
    client.send("abc").await;
    assert_eq!(api.exactly(3).await, "abc");
}

#[tokio::test]
async fn answers_without_bodies_keep_the_connection_in_step() {
    let (gate, upstream) = gate().await;
    let mut client = Wire::to(gate.address).await;
    client.send("HEAD /a HTTP/1.1\r\nhost: a\r\n\r\n").await;
    let mut api = upstream.accept().await;
    for (answer, length, next) in [
        ("HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n", Some("5000"), "GET /b HTTP/1.1\r\nhost: a\r\n\r\n"),
        ("HTTP/1.1 204 No Content\r\n\r\n", None, "GET /c HTTP/1.1\r\nhost: a\r\n\r\n"),
        ("HTTP/1.1 304 Not Modified\r\netag: \"x\"\r\n\r\n", None, "HEAD /d HTTP/1.1\r\nhost: a\r\n\r\n"),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", None, "GET /e HTTP/1.1\r\nhost: a\r\n\r\n"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", Some("0"), "GET /f HTTP/1.1\r\nhost: a\r\n\r\n"),
    ] {
        api.head().await;
        api.send(answer).await;
        let head = client.head().await;
        assert_eq!(head.lines().next(), answer.lines().next());
        assert_eq!(header(&head, "content-length"), length, "{head}");
        assert_eq!(header(&head, "transfer-encoding"), None, "{head}");
        client.send(next).await;
    }
    // All over one connection: every answer ended where it should.
    assert!(api.head().await.starts_with("GET /f "));
}

#[tokio::test]
async fn an_early_answer_arrives_while_the_body_still_flows() {
    let (mut gate, upstream) = gate().await;
    let mut client = Wire::to(gate.address).await;
    client.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\n12345").await;
    let mut api = upstream.accept().await;
    api.head().await;
    assert_eq!(api.exactly(5).await, "12345");
    api.send("HTTP/1.1 413 Content Too Large\r\ncontent-length: 3\r\n\r\nbig").await;
    let (head, body) = client.answer().await;
    assert!(head.starts_with("HTTP/1.1 413"), "{head}");
    assert_eq!(body, "big");
    // The upstream may still want the rest.
    client.send("67890").await;
    assert_eq!(api.exactly(5).await, "67890");
    let ending = ending(&mut gate).await;
    assert_eq!((ending.ended, ending.bytes_in), (Ended::Whole, 10));
}

#[tokio::test]
async fn an_early_answer_that_closes_reaches_the_client_whole() {
    let (gate, upstream) = gate().await;
    let mut client = Wire::to(gate.address).await;
    client.send("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\r\n12345\r\n").await;
    let mut api = upstream.accept().await;
    api.head().await;
    api.send("HTTP/1.1 401 Unauthorized\r\nconnection: close\r\ncontent-length: 3\r\n\r\nwho").await;
    drop(api);
    let (head, body) = client.answer().await;
    assert!(head.starts_with("HTTP/1.1 401"), "{head}");
    assert_eq!(body, "who");
}

#[tokio::test]
async fn large_bodies_take_no_more_memory_than_small_ones() {
    const MIB: usize = 1024 * 1024;
    const SIZE: usize = 256 * MIB;
    let resident = || {
        let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
        pages.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
    };
    let (mut gate, upstream) = gate().await;
    let mut client = Wire::to(gate.address).await;
    client.send(format!("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: {SIZE}\r\n\r\n")).await;
    let mut api = upstream.accept().await;
    api.head().await;
    api.send(format!("HTTP/1.1 200 OK\r\ncontent-length: {SIZE}\r\n\r\n")).await;
    client.head().await;
    let before = resident();
    let piece = vec![b'x'; MIB];
    let mut most = 0;
    for _ in 0..SIZE / MIB {
        tokio::join!(client.send(&piece), api.exactly(MIB));
        tokio::join!(api.send(&piece), client.exactly(MIB));
        most = most.max(resident().saturating_sub(before));
    }
    assert!(most < 64 * MIB, "{} MiB", most / MIB);
    let ending = ending(&mut gate).await;
    assert_eq!((ending.bytes_in, ending.bytes_out), (SIZE as u64, SIZE as u64));
}

#[tokio::test]
async fn path_query_host_and_headers_arrive_as_they_were_sent() {
    let (gate, upstream) = gate().await;
    let mut client = Wire::to(gate.address).await;
    let target = "/a%2Fb//c;d=1/%41\"{}|\\^[]?q=%20+&q=&x[]={}|\\^?";
    client
        .send(format!(
            "GET {target} HTTP/1.1\r\nHost: api.example:99\r\nX-B: 1\r\nConnection: x-hop\r\nX-A: \"\u{e9}\"\r\nx-hop: y\r\nX-B: 2\r\nX-Z: 3\r\n\r\n"
        ))
        .await;
    let head = tokio::select! { mut api = upstream.accept() => api.head().await, refused = client.head() => panic!("{refused}") };
    let lines: Vec<&str> = head.trim_end().split("\r\n").collect();
    let request = format!("GET {target} HTTP/1.1");
    assert_eq!(lines, [request.as_str(), "host: api.example:99", "x-b: 1", "x-b: 2", "x-a: \"\u{e9}\"", "x-z: 3"]);
}

#[tokio::test]
async fn a_get_with_a_body_keeps_it_and_an_empty_post_says_that_it_is_empty() {
    let (gate, upstream) = gate().await;
    let mut client = Wire::to(gate.address).await;
    client.send("GET / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n").await;
    let mut api = upstream.accept().await;
    let head = api.head().await;
    assert_eq!(api.body(&head).await, "ab");
    api.send("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    client.head().await;
    client.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n").await;
    assert_eq!(header(&api.head().await, "content-length"), Some("0"));
}

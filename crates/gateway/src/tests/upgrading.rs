//! Connections that change their protocol.

use std::sync::atomic::Ordering;

use law::Ended;

use super::support::{Gate, Scripted, Wire, ending, gate, header};

const ASKS: &str = "GET /ws HTTP/1.1\r\nhost: a\r\nconnection: keep-alive, Upgrade\r\nupgrade: websocket\r\nsec-websocket-key: x\r\n\r\n";
const CHANGES: &str =
    "HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: y\r\n\r\n";

/// A client and an upstream that have changed to another protocol.
async fn changed(gate: &Gate, upstream: &Scripted) -> (Wire, Wire) {
    let mut client = Wire::to(gate.address).await;
    client.send(ASKS).await;
    let mut api = upstream.accept().await;
    let head = api.head().await;
    assert_eq!((header(&head, "connection"), header(&head, "upgrade")), (Some("upgrade"), Some("websocket")));
    assert_eq!(header(&head, "sec-websocket-key"), Some("x"));
    // What follows at once belongs to the new protocol.
    api.send(format!("{CHANGES}hello")).await;
    let head = client.head().await;
    assert!(head.starts_with("HTTP/1.1 101"), "{head}");
    assert_eq!((header(&head, "upgrade"), header(&head, "sec-websocket-accept")), (Some("websocket"), Some("y")));
    assert_eq!(client.exactly(5).await, "hello");
    (client, api)
}

#[tokio::test]
async fn bytes_pass_in_both_directions_until_either_side_ends() {
    for client_ends in [true, false] {
        let (mut gate, upstream) = gate().await;
        let (mut client, mut api) = changed(&gate, &upstream).await;
        client.send("\u{0}ping").await;
        assert_eq!(api.exactly(5).await, "\u{0}ping");
        api.send("pong").await;
        assert_eq!(client.exactly(4).await, "pong");
        if client_ends {
            drop(client);
            assert_eq!(api.rest().await, "");
            drop(api);
        } else {
            drop(api);
            assert_eq!(client.rest().await, "");
            drop(client);
        }
        let ending = ending(&mut gate).await;
        assert_eq!((ending.status, ending.bytes_in, ending.bytes_out), (101, 5, 9));
        assert_eq!(ending.ended, Ended::Whole);
    }
}

#[tokio::test]
async fn a_cut_ends_a_changed_connection() {
    let (mut gate, upstream) = gate().await;
    let (mut client, mut api) = changed(&gate, &upstream).await;
    gate.cut.store(true, Ordering::Relaxed);
    assert_eq!(client.rest().await, "");
    assert_eq!(api.rest().await, "");
    assert_eq!(ending(&mut gate).await.ended, Ended::Cut);
}

#[tokio::test]
async fn an_upgrade_that_is_declined_is_an_ordinary_answer() {
    let (gate, upstream) = gate().await;
    let mut client = Wire::to(gate.address).await;
    client.send(ASKS).await;
    let mut api = upstream.accept().await;
    api.head().await;
    api.send("HTTP/1.1 403 Forbidden\r\nupgrade: h2c\r\nconnection: upgrade\r\ncontent-length: 2\r\n\r\nno").await;
    let (head, body) = client.answer().await;
    assert!(head.starts_with("HTTP/1.1 403"), "{head}");
    assert_eq!((header(&head, "upgrade"), body.as_str()), (None, "no"));
    // The connection is read as HTTP still.
    client.send("GET /next HTTP/1.1\r\nhost: a\r\n\r\n").await;
    assert!(api.head().await.starts_with("GET /next "));
}

#[tokio::test]
async fn http2_is_not_smuggled_in_by_an_upgrade() {
    let (gate, upstream) = gate().await;
    for headers in [
        "connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAA\r\n\r\n",
        "upgrade: websocket\r\n\r\n",
        "connection: upgrade\r\nupgrade: websocket\r\ncontent-length: 1\r\n\r\nx",
    ] {
        let mut client = Wire::to(gate.address).await;
        client.send(format!("GET / HTTP/1.1\r\nhost: a\r\n{headers}")).await;
        let mut api = upstream.accept().await;
        let head = api.head().await;
        assert_eq!((header(&head, "upgrade"), header(&head, "connection")), (None, None), "{head}");
        assert_eq!(header(&head, "http2-settings"), None);
        // And the upstream cannot talk the gate into it.
        api.send("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n").await;
        assert!(client.head().await.starts_with("HTTP/1.1 502"));
    }
}

#[tokio::test]
async fn another_protocol_than_was_offered_is_refused() {
    let (gate, upstream) = gate().await;
    let mut client = Wire::to(gate.address).await;
    client.send(ASKS).await;
    let mut api = upstream.accept().await;
    api.head().await;
    api.send("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n").await;
    assert!(client.head().await.starts_with("HTTP/1.1 502"));
    assert_eq!(api.rest().await, "");
}

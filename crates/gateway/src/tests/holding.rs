//! Bodies that wait, and answers that are looked into.

use law::{Ended, KeyId};

use super::support::{Wire, ending, gate, header, soon};

#[tokio::test]
async fn a_held_body_is_sent_on_whole_and_its_room_is_free_again() {
    let (mut gate, upstream) = gate().await;
    let all = gate.spool.free();
    let mut client = Wire::to(gate.address).await;
    client
        .send("POST /held HTTP/1.1\r\nhost: a\r\ntrailer: x-sum\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n")
        .await;
    client.send("2\r\nde\r\n0\r\nx-sum: 1\r\n\r\n").await;
    let mut api = upstream.accept().await;
    let head = api.head().await;
    assert_eq!(header(&head, "transfer-encoding"), Some("chunked"));
    assert_eq!(api.until("\r\n\r\n").await, "5\r\nabcde\r\n0\r\nx-sum: 1\r\n\r\n");
    api.send("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    client.head().await;
    assert_eq!(ending(&mut gate).await.bytes_in, 5);
    assert_eq!(gate.spool.free(), all);
}

#[tokio::test]
async fn a_body_that_is_held_is_asked_for_and_not_asked_for_again() {
    let (gate, upstream) = gate().await;
    let mut client = Wire::to(gate.address).await;
    client.send("PUT /held HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 3\r\n\r\n").await;
    assert_eq!(client.head().await, "HTTP/1.1 100 Continue\r\n\r\n");
    client.send("abc").await;
    let mut api = upstream.accept().await;
    let head = api.head().await;
    assert_eq!((header(&head, "expect"), header(&head, "content-length")), (None, Some("3")));
    assert_eq!(api.exactly(3).await, "abc");
}

#[tokio::test]
async fn too_large_a_body_is_refused_before_it_is_sent_or_when_it_grows_too_large() {
    let (gate, _upstream) = gate().await;
    let all = gate.spool.free();
    let mut known = Wire::to(gate.address).await;
    known.send("PUT /held HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 1025\r\n\r\n").await;
    assert!(known.head().await.starts_with("HTTP/1.1 413"));
    let mut unknown = Wire::to(gate.address).await;
    unknown.send("PUT /held HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n").await;
    unknown.send(format!("400\r\n{}\r\n1\r\nx\r\n", "x".repeat(1024))).await;
    let head = unknown.head().await;
    assert!(head.starts_with("HTTP/1.1 413"), "{head}");
    assert_eq!(header(&head, "connection"), Some("close"));
    assert_eq!(gate.spool.free(), all);
}

#[tokio::test]
async fn bodies_together_are_bounded_too() {
    let (gate, _upstream) = gate().await;
    let mut waiting = Vec::new();
    // An announcement takes no room, what has arrived does.
    for _ in 0..4 {
        let mut client = Wire::to(gate.address).await;
        client.send("PUT /held HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 1024\r\n\r\n").await;
        client.head().await;
        waiting.push(client);
    }
    assert_eq!(gate.spool.free(), 4096);
    for client in &mut waiting {
        client.send("x".repeat(1023)).await;
    }
    let arrived = async {
        while gate.spool.free() != 4 {
            tokio::task::yield_now().await;
        }
    };
    soon(arrived).await;
    let mut fifth = Wire::to(gate.address).await;
    fifth.send("PUT /held HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nxxxxx").await;
    let head = fifth.head().await;
    assert!(head.starts_with("HTTP/1.1 503"), "{head}");
    assert!(header(&head, "retry-after").is_some());
}

#[tokio::test]
async fn rows_and_minted_credentials_are_reported_and_never_shown() {
    let (mut gate, upstream) = gate().await;
    let mut client = Wire::to(gate.address).await;
    client.send("POST /tokens HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n").await;
    let mut api = upstream.accept().await;
    api.head().await;
    let body = r#"{"data":[{"a":[1,2]},{},3],"token":"tok_9f3c1e7a52d84b06"}"#;
    let head =
        format!("HTTP/1.1 201 Created\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len());
    api.send(head + body).await;
    assert_eq!(client.answer().await.1, body);
    let ending = ending(&mut gate).await;
    assert_eq!((ending.rows, ending.ended), (Some(3), Ended::Whole));
    assert_eq!(ending.minted, Some(KeyId(20)));
}

#[tokio::test]
async fn of_an_answer_that_brings_a_key_nothing_goes_on_before_it_is_known() {
    let (mut gate, upstream) = gate().await;
    let mut client = Wire::to(gate.address).await;
    client.send("POST /tokens HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n").await;
    let mut api = upstream.accept().await;
    api.head().await;
    api.send("HTTP/1.1 201 Created\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n").await;
    api.send("20\r\n{\"token\":\"tok_9f3c1e7a52d84b06\",\r\n").await;
    drop(api);
    let got = client.rest().await;
    assert!(
        got.starts_with("HTTP/1.1 201") && !got.contains("tok_"),
        "the credential is whole, the answer is not: {got}"
    );
    assert_eq!(ending(&mut gate).await.ended, Ended::UpstreamGone);

    let mut client = Wire::to(gate.address).await;
    client.send("POST /tokens HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n").await;
    let mut api = upstream.accept().await;
    api.head().await;
    api.send("HTTP/1.1 201 Created\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n").await;
    api.send("20\r\n{\"token\":\"tok_9f3c1e7a52d84b06\",\r\n5\r\n\"a\":1\r\n1\r\n}\r\n0\r\n\r\n").await;
    assert_eq!(client.answer().await.1, r#"{"token":"tok_9f3c1e7a52d84b06","a":1}"#);
    assert_eq!(ending(&mut gate).await.minted, Some(KeyId(20)));
}

#[tokio::test]
async fn a_key_is_found_in_an_answer_that_is_too_large_to_be_held() {
    let (mut gate, upstream) = gate().await;
    let x = "x".repeat(400 * 1024);
    for body in [
        format!(r#"{{"token":"tok_9f3c1e7a52d84b06","x":"{x}"}}"#),
        format!(r#"{{"x":"{x}","token":"tok_9f3c1e7a52d84b06"}}"#),
    ] {
        let mut client = Wire::to(gate.address).await;
        client.send("POST /tokens HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n").await;
        let mut api = upstream.accept().await;
        api.head().await;
        let head =
            format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len());
        let (sent, answer) = tokio::join!(api.send(head + &body), client.answer());
        let () = sent;
        assert_eq!(answer.1, body);
        assert_eq!(ending(&mut gate).await.minted, Some(KeyId(20)));
    }
}

#[tokio::test]
async fn of_such_an_answer_no_credential_goes_on_that_may_not_have_ended() {
    let (mut gate, upstream) = gate().await;
    let mut client = Wire::to(gate.address).await;
    client.send("POST /tokens HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n").await;
    let mut api = upstream.accept().await;
    api.head().await;
    let before = format!(r#"{{"x":"{}","token":"tok_9f3c"#, "x".repeat(400 * 1024));
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
    let pieces = format!("{head}{:x}\r\n{before}\r\nc\r\n1e7a52d84b06\r\n", before.len());
    let ((), got) = tokio::join!(
        async {
            api.send(pieces).await;
            drop(api);
        },
        client.rest()
    );
    assert!(got.contains("xxxx") && !got.contains("1e7a52d84b06"), "its last letter may be there");
    assert_eq!(ending(&mut gate).await.ended, Ended::UpstreamGone);
}

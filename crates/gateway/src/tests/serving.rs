//! Connections: how many there are, how they begin, and how they end when the gate stops.

use std::{sync::Arc, time::Duration};

use law::{Ended, Refusal};
use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use rustls::{
    RootCertStore, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    server::WebPkiClientVerifier,
};
use tokio_rustls::TlsAcceptor;

use super::support::{Scripted, Setting, Wire, ending, gate, header};

const GET: &str = "GET /x HTTP/1.1\r\nhost: a\r\n\r\n";
const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

#[tokio::test]
async fn one_upstream_connection_serves_many_requests() {
    let (gate, upstream) = gate().await;
    let mut client = Wire::to(gate.address).await;
    client.send(GET).await;
    let mut api = upstream.accept().await;
    for _ in 0..3 {
        api.head().await;
        api.send(OK).await;
        assert_eq!(client.answer().await.1, "ok");
        client.send(GET).await;
    }
    api.head().await;
}

#[tokio::test]
async fn bodies_of_one_key_share_a_connection_and_those_of_two_do_not() {
    let (gate, upstream) = gate().await;
    let post = |key: u64| format!("POST /x HTTP/1.1\r\nhost: a\r\ntest-key: {key}\r\ncontent-length: 2\r\n\r\n{{}}");
    let mut client = Wire::to(gate.address).await;
    client.send(post(1)).await;
    let mut api = upstream.accept().await;
    for next in [1, 2] {
        let head = api.head().await;
        assert_eq!((api.body(&head).await.as_str(), header(&head, "connection")), ("{}", None));
        api.send(OK).await;
        assert_eq!(client.answer().await.1, "ok");
        client.send(post(next)).await;
    }
    let mut other = upstream.accept().await;
    let head = other.head().await;
    other.body(&head).await;
    other.send(OK).await;
    client.answer().await;
    // Another follows on neither.
    client.send("GET /x HTTP/1.1\r\nhost: a\r\ntest-key: 3\r\n\r\n").await;
    let mut third = upstream.accept().await;
    third.head().await;
    third.send(OK).await;
    client.answer().await;
    client.send(post(1)).await;
    api.head().await;
}

#[tokio::test]
async fn an_answer_before_the_whole_body_ends_the_connection() {
    let (gate, upstream) = gate().await;
    let mut client = Wire::to(gate.address).await;
    client.send("POST /x HTTP/1.1\r\nhost: a\r\ntest-key: 1\r\ncontent-length: 10\r\n\r\n12345").await;
    let mut api = upstream.accept().await;
    api.head().await;
    assert_eq!(api.exactly(5).await, "12345");
    api.send("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nok").await;
    client.head().await;
    client.send("67890").await;
    assert_eq!(api.exactly(5).await, "67890");
    api.send("ok").await;
    assert_eq!(client.exactly(4).await, "okok");
    client.send("GET /y HTTP/1.1\r\nhost: a\r\ntest-key: 1\r\n\r\n").await;
    assert!(upstream.accept().await.head().await.starts_with("GET /y "));
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let (gate, upstream) = gate().await;
    let mut client = Wire::to(gate.address).await;
    client.send("GET /1 HTTP/1.1\r\nhost: a\r\n\r\nGET /2 HTTP/1.1\r\nhost: a\r\n\r\n").await;
    let mut api = upstream.accept().await;
    for place in 1..=2 {
        assert!(api.head().await.starts_with(&format!("GET /{place} ")));
        api.send(format!("HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n{place}")).await;
        assert_eq!(client.answer().await.1, place.to_string());
    }
}

#[tokio::test]
async fn a_connection_beyond_the_limit_waits_for_a_place() {
    let upstream = Scripted::listen().await;
    let mut setting = Setting::before(upstream.address);
    setting.connections = 1;
    let gate = setting.start();
    let mut first = Wire::to(gate.address).await;
    first.send(GET).await;
    let mut api = upstream.accept().await;
    api.head().await;
    let mut second = Wire::to(gate.address).await;
    second.send("GET /second HTTP/1.1\r\nhost: a\r\n\r\n").await;
    api.send(OK).await;
    first.answer().await;
    drop(first);
    assert!(api.head().await.starts_with("GET /second "));
}

#[tokio::test]
async fn a_head_that_does_not_come_to_its_end_is_not_waited_for() {
    let upstream = Scripted::listen().await;
    let mut setting = Setting::before(upstream.address);
    setting.head = Duration::from_millis(20);
    let gate = setting.start();
    let mut client = Wire::to(gate.address).await;
    client.send("GET / HTTP/1.1\r\nhost: a\r\nx: ").await;
    assert_eq!(client.rest().await, "");
    let mut silent = Wire::to(gate.address).await;
    assert_eq!(silent.rest().await, "");
}

#[tokio::test]
async fn a_stopping_gate_finishes_what_is_in_flight() {
    let (mut gate, upstream) = gate().await;
    let mut idle = Wire::to(gate.address).await;
    idle.send(GET).await;
    let mut api = upstream.accept().await;
    api.head().await;
    api.send(OK).await;
    idle.answer().await;
    ending(&mut gate).await;
    let mut client = Wire::to(gate.address).await;
    client.send(GET).await;
    api.head().await;
    let running = gate.running.take().unwrap();
    running.stop();
    // The idle connection is closed at once, and nobody else gets in.
    assert_eq!(idle.rest().await, "");
    if let Ok(late) = tokio::net::TcpStream::connect(gate.address).await {
        assert_eq!(Wire::of(late).rest().await, "");
    }
    api.send(OK).await;
    let (head, body) = client.answer().await;
    assert_eq!((header(&head, "connection"), body.as_str()), (Some("close"), "ok"));
    assert_eq!(client.rest().await, "");
    tokio::task::spawn_blocking(|| running.join()).await.unwrap();
    assert_eq!(ending(&mut gate).await.ended, Ended::Whole);
}

#[tokio::test]
async fn who_was_let_in_before_the_gate_stopped_is_answered_though_nothing_was_read_yet() {
    let (mut gate, upstream) = gate().await;
    let mut new = Wire::to(gate.address).await;
    // A connection that came later was served, so the other was let in.
    let mut idle = Wire::to(gate.address).await;
    idle.send(GET).await;
    let mut api = upstream.accept().await;
    api.head().await;
    api.send(OK).await;
    idle.answer().await;
    gate.running.take().unwrap().stop();
    assert_eq!(idle.rest().await, "", "the gate has heard that it is to stop");
    new.send(GET).await;
    api.head().await;
    api.send(OK).await;
    let (head, body) = new.answer().await;
    assert_eq!((header(&head, "connection"), body.as_str()), (Some("close"), "ok"));
    assert_eq!(new.rest().await, "");
}

#[tokio::test]
async fn what_outlives_the_grace_is_cut() {
    let upstream = Scripted::listen().await;
    let mut setting = Setting::before(upstream.address);
    setting.grace = Duration::from_millis(20);
    let mut gate = setting.start();
    let mut client = Wire::to(gate.address).await;
    client.send(GET).await;
    let mut api = upstream.accept().await;
    api.head().await;
    gate.running.take().unwrap().stop();
    assert_eq!(client.rest().await, "");
    assert_eq!(api.rest().await, "");
    assert_eq!(ending(&mut gate).await.ended, Ended::Cut);
}

#[tokio::test]
async fn the_gate_proves_itself_to_an_upstream_and_the_upstream_to_the_gate() {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let authority = params.self_signed(&key).unwrap();
    let issuer = Issuer::new(params, key);
    let made = |usage: ExtendedKeyUsagePurpose| {
        let mut params = CertificateParams::new(vec!["localhost".into()]).unwrap();
        params.extended_key_usages = vec![usage];
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &issuer).unwrap().pem(), key.serialize_pem())
    };
    let (certificate, key) = made(ExtendedKeyUsagePurpose::ServerAuth);
    let mut roots = RootCertStore::empty();
    roots.add(authority.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider.clone()).build().unwrap();
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(
            vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()],
            PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap(),
        )
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    let mut api = Wire::of(stream);
                    api.head().await;
                    api.send(OK).await;
                    api.rest().await;
                }
            });
        }
    });
    let identity = made(ExtendedKeyUsagePurpose::ClientAuth);
    for (trusts, proves, refusal) in [
        (true, true, None),
        (true, false, Some(Refusal::UpstreamRefusesGate)),
        (false, true, Some(Refusal::UpstreamUntrusted)),
    ] {
        let mut setting = Setting::before(address);
        setting.origin = format!("https://localhost:{}", address.port());
        let stranger = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
        setting.authorities = Some(if trusts { authority.pem() } else { stranger.cert.pem() });
        setting.identity = proves.then(|| identity.clone());
        let gate = setting.start();
        let mut client = Wire::to(gate.address).await;
        client.send(GET).await;
        let (head, body) = client.answer().await;
        let status = refusal.map_or(200, Refusal::status);
        assert!(head.starts_with(&format!("HTTP/1.1 {status}")), "{trusts} {proves}: {head}");
        assert!(refusal.is_none_or(|refusal| body.contains(refusal.code())), "{trusts} {proves}: {body}");
    }
}

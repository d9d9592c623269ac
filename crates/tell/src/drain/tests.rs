use std::{fs, net::SocketAddr, os::unix::fs::PermissionsExt as _, path::Path, sync::Arc};

use rustls::{ServerConfig, crypto::aws_lc_rs, pki_types::PrivateKeyDer};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, UdpSocket, UnixDatagram},
};
use tokio_rustls::TlsAcceptor;

use super::*;

fn settings(to: impl Into<String>) -> DrainSettings {
    DrainSettings {
        to: to.into(),
        form: Form::Lines,
        gzip: false,
        credential: None,
        facility: Facility::default(),
        host: "gate 1".to_owned(),
        roots: Roots::System,
        danger_plain: false,
    }
}

fn drain(to: impl Into<String>) -> Drain {
    Drain::new(settings(to)).unwrap()
}

fn lines(numbers: std::ops::Range<u32>) -> Vec<Line> {
    let line = |number| Line {
        at: Timestamp::UNIX_EPOCH,
        severity: Severity::High,
        word: "calls",
        text: format!("{{\"n\":{number}}}"),
    };
    numbers.map(line).collect()
}

fn error(settings: DrainSettings) -> DrainError {
    Drain::new(settings).err().unwrap()
}

#[test]
fn what_leaves_this_host_is_protected_or_says_danger() {
    for to in ["http://in.example/", "syslog+tcp://log.example", "syslog+udp://10.0.0.1:514"] {
        assert!(matches!(error(settings(to)), DrainError::Plain(_)), "{to}");
        assert!(Drain::new(DrainSettings { danger_plain: true, ..settings(to) }).is_ok());
    }
    for to in ["https://in.example/x", "syslog+tls://log.example", "syslog+tcp://127.0.0.1:1", "syslog+unix:/dev/log"] {
        assert!(Drain::new(settings(to)).is_ok(), "{to}");
    }
    for to in ["", "nonsense", "file:", "file:/tmp/", "ftp://x", "syslog+unix:dev", "syslog+tls:x", "https:///x"] {
        assert_eq!(error(settings(to)), DrainError::Address, "{to}");
    }
    for to in ["https://u:p@in.example/", "syslog+tls://u@log.example"] {
        assert_eq!(error(settings(to)), DrainError::Login, "{to}");
    }
}

#[test]
fn what_may_be_a_secret_is_not_shown() {
    assert_eq!(drain("https://in.example/services/s3cret").shown(), "https://in.example");
}

#[tokio::test]
async fn a_file_is_private_and_begun_anew_where_it_was_moved_away() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.jsonl");
    let mut drain = drain(format!("file:{}", path.display()));
    drain.carry(&lines(0..2)).await.unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    fs::rename(&path, folder.path().join("out.1")).unwrap();
    drain.carry(&lines(2..3)).await.unwrap();
    assert_eq!(fs::read_to_string(folder.path().join("out.1")).unwrap(), "{\"n\":0}\n{\"n\":1}\n");
    assert_eq!(fs::read_to_string(&path).unwrap(), "{\"n\":2}\n");
}

#[tokio::test]
async fn a_half_written_line_spoils_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.jsonl");
    fs::write(&path, "{\"n\":0}\n{\"n\":").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    drain(format!("file:{}", path.display())).carry(&lines(1..2)).await.unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "{\"n\":0}\n{\"n\":\n{\"n\":1}\n");
}

#[tokio::test]
async fn a_file_that_others_may_read_or_that_is_a_link_is_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let (open, link) = (folder.path().join("open.jsonl"), folder.path().join("link.jsonl"));
    fs::write(&open, "").unwrap();
    fs::set_permissions(&open, fs::Permissions::from_mode(0o644)).unwrap();
    std::os::unix::fs::symlink(folder.path().join("elsewhere"), &link).unwrap();
    for path in [&open, &link] {
        drain(format!("file:{}", path.display())).carry(&lines(0..1)).await.unwrap_err();
    }
    assert_eq!(fs::read_to_string(&open).unwrap(), "");
    assert!(!folder.path().join("elsewhere").exists());
}

#[tokio::test]
async fn a_file_that_cannot_be_written_says_so() {
    let said = drain("file:/nonexistent/out.jsonl").carry(&lines(0..1)).await.unwrap_err();
    assert!(said.why().contains("/nonexistent/out.jsonl"), "{said:?}");
}

const MESSAGE: &str = "<107>1 1970-01-01T00:00:00.000Z gate1 greave ";

fn is_message(text: &str, number: u32) -> bool {
    text.starts_with(MESSAGE) && text.ends_with(&format!(" calls - {{\"n\":{number}}}"))
}

#[tokio::test]
async fn datagrams_are_one_message_each() {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let unix = UnixDatagram::bind(folder.path().join("log")).unwrap();
    let mut udp = drain(format!("syslog+udp://{}", socket.local_addr().unwrap()));
    let mut local = drain(format!("syslog+unix:{}", folder.path().join("log").display()));
    udp.carry(&lines(0..2)).await.unwrap();
    local.carry(&lines(0..2)).await.unwrap();
    let mut room = [0; 1000];
    for number in 0..2 {
        let length = socket.recv(&mut room).await.unwrap();
        assert!(is_message(str::from_utf8(&room[..length]).unwrap(), number));
        let length = unix.recv(&mut room).await.unwrap();
        assert!(is_message(str::from_utf8(&room[..length]).unwrap(), number));
    }
    let long = Line { text: "x".repeat(70_000), ..lines(0..1).remove(0) };
    assert!(matches!(udp.carry(&[long]).await, Err(Undelivered::Unfit { .. })), "never fits");
}

/// Reads messages by their length.
#[tokio::test]
async fn a_line_too_long_for_a_datagram_arrives_cut_and_says_so() {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let unix = UnixDatagram::bind(folder.path().join("log")).unwrap();
    let mut udp = drain(format!("syslog+udp://{}", socket.local_addr().unwrap()));
    let mut local = drain(format!("syslog+unix:{}", folder.path().join("log").display()));
    let path = "/a - {".repeat(60_000);
    let long =
        Line { text: format!("{{\"class_uid\":6003,\"path\":\"{path}\",\"who\":\"thief\"}}"), ..lines(0..1).remove(0) };
    let batch = [lines(1..2), vec![long], lines(2..3)].concat();
    let mut buffer = vec![0; 1 << 20];
    for way in [&mut udp, &mut local] {
        way.carry(&batch).await.unwrap();
    }
    for is_unix in [false, true] {
        let mut got = Vec::new();
        for _ in 0..3 {
            let length =
                if is_unix { unix.recv(&mut buffer).await.unwrap() } else { socket.recv(&mut buffer).await.unwrap() };
            got.push(String::from_utf8(buffer[..length].to_vec()).unwrap());
        }
        assert!(is_message(&got[0], 1) && is_message(&got[2], 2), "{got:?}");
        let (_, json) = got[1].split_once(" - ").unwrap();
        let json: serde_json::Value = serde_json::from_str(json).unwrap();
        assert_eq!(
            (&json["who"], &json["class_uid"], &json["unmapped"]["cut"]),
            (&"thief".into(), &6003.into(), &true.into())
        );
        assert!(json["path"].as_str().unwrap().starts_with("/a - {/a"));
    }
}

async fn read(stream: &mut (impl AsyncRead + Unpin), count: u32) -> Vec<String> {
    let mut found = Vec::new();
    for _ in 0..count {
        let mut length = String::new();
        loop {
            match stream.read_u8().await.unwrap() {
                b' ' => break,
                digit => length.push(char::from(digit)),
            }
        }
        let mut message = vec![0; length.parse().unwrap()];
        stream.read_exact(&mut message).await.unwrap();
        found.push(String::from_utf8(message).unwrap());
    }
    found
}

#[tokio::test]
async fn over_a_stream_the_last_batch_comes_again_when_the_connection_had_ended() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut drain = drain(format!("syslog+tcp://{}", listener.local_addr().unwrap()));
    drain.carry(&lines(0..2)).await.unwrap();
    let (mut first, _) = listener.accept().await.unwrap();
    assert!(read(&mut first, 2).await.iter().zip(0..).all(|(text, number)| is_message(text, number)));
    drop(first);
    drain.carry(&lines(2..3)).await.unwrap();
    let (mut second, _) = listener.accept().await.unwrap();
    let came = read(&mut second, 3).await;
    assert!(came.iter().zip(0..).all(|(text, number)| is_message(text, number)), "{came:?}");
}

fn acceptor() -> (TlsAcceptor, rcgen::Certificate) {
    let rcgen::CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    (TlsAcceptor::from(Arc::new(config)), cert)
}

#[tokio::test]
async fn tls_goes_to_whom_the_authorities_vouch_for_and_to_nobody_else() {
    let (acceptor, certificate) = acceptor();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let served = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        assert!(acceptor.accept(stream).await.is_err(), "a stranger's certificate is not believed");
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = acceptor.accept(stream).await.unwrap();
        read(&mut stream, 1).await
    });
    let to = format!("syslog+tls://localhost:{port}");
    let (_, stranger) = self::acceptor();
    let mut wary =
        Drain::new(DrainSettings { roots: Roots::Only(vec![stranger.der().clone()]), ..settings(&to) }).unwrap();
    assert!(wary.carry(&lines(0..1)).await.is_err());
    let mut drain =
        Drain::new(DrainSettings { roots: Roots::Only(vec![certificate.der().clone()]), ..settings(&to) }).unwrap();
    drain.carry(&lines(0..1)).await.unwrap();
    assert!(is_message(&served.await.unwrap()[0], 0));
}

/// Answers one request with this head and gives the request.
async fn answer(listener: &TcpListener, head: &str) -> (String, Vec<u8>) {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut came = Vec::new();
    let end = loop {
        let mut room = [0; 4096];
        let length = stream.read(&mut room).await.unwrap();
        came.extend_from_slice(&room[..length]);
        if let Some(end) = came.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            break end + 4;
        }
    };
    let asked = String::from_utf8_lossy(&came[..end]).to_lowercase();
    let length: usize = asked.split("content-length: ").nth(1).unwrap().lines().next().unwrap().parse().unwrap();
    let mut body = came.split_off(end);
    while body.len() < length {
        let mut room = [0; 4096];
        let length = stream.read(&mut room).await.unwrap();
        body.extend_from_slice(&room[..length]);
    }
    stream.write_all(format!("HTTP/1.1 {head}\r\n\r\n").as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    (asked, body)
}

async fn receiver() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

#[tokio::test]
async fn a_receiver_has_lines_or_an_array_compressed_and_with_the_credential() {
    let (listener, address) = receiver().await;
    let to = format!("http://{address}/in");
    let served = tokio::spawn(async move {
        let plain = answer(&listener, "204 No Content\r\nContent-Length: 0").await;
        (plain, answer(&listener, "200 OK\r\nContent-Length: 15\r\n\r\n{\"text\":\"Good\"}").await)
    });
    assert_eq!(drain(&to).carry(&lines(0..2)).await.unwrap(), "it answers 204");
    let mut array = Drain::new(DrainSettings {
        form: Form::Array,
        gzip: true,
        credential: Some((http::header::AUTHORIZATION, "Splunk 1234".parse().unwrap())),
        ..settings(&to)
    })
    .unwrap();
    assert_eq!(array.carry(&lines(0..2)).await.unwrap(), "it answers 200: {\"text\":\"Good\"}");
    let ((head, body), (head_of_array, zipped)) = served.await.unwrap();
    assert!(head.starts_with("post /in http/1.1") && head.contains("content-type: application/x-ndjson"), "{head}");
    assert_eq!(body, b"{\"n\":0}\n{\"n\":1}\n");
    assert!(head_of_array.contains("authorization: splunk 1234") && head_of_array.contains("content-encoding: gzip"));
    let mut plain = String::new();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&zipped[..]), &mut plain).unwrap();
    assert_eq!(plain, "[{\"n\":0},{\"n\":1}]");
}

#[tokio::test]
async fn a_receiver_that_refuses_is_told_apart_from_one_that_fails() {
    let (listener, address) = receiver().await;
    let served = tokio::spawn(async move {
        for head in ["503 No\r\nRetry-After: 7", "413 No", "307 No\r\nLocation: http://127.0.0.1:1/", "401 No"] {
            answer(&listener, &format!("{head}\r\nContent-Length: 0")).await;
        }
    });
    let mut drain = drain(format!("http://{address}/"));
    let after = Some(Duration::from_secs(7));
    let lines = lines(0..1);
    assert_eq!(drain.carry(&lines).await, Err(Undelivered::Later { why: "it answers 503".to_owned(), after }));
    assert_eq!(drain.carry(&lines).await, Err(Undelivered::Unfit { why: "it answers 413".to_owned() }));
    let redirect = drain.carry(&lines).await.unwrap_err();
    assert!(redirect.why().contains("never followed") && matches!(redirect, Undelivered::Later { .. }));
    assert!(matches!(drain.carry(&lines).await, Err(Undelivered::Later { .. })), "a credential can be mended");
    served.await.unwrap();
    assert!(matches!(drain.carry(&lines).await, Err(Undelivered::Later { .. })), "nobody is there");
}

#[tokio::test]
async fn a_receiver_that_repeats_the_credential_does_not_bring_it_into_the_log() {
    let (listener, address) = receiver().await;
    let cut = "x".repeat(500) + "token s3cret-";
    let bodies = ["no such token s3cret-1234567890 at /in/s3cret-path".to_owned(), cut];
    let served = tokio::spawn(async move {
        for body in bodies {
            answer(&listener, &format!("401 No\r\nContent-Length: {}\r\n\r\n{body}", body.len())).await;
        }
    });
    let credential = Some((http::header::AUTHORIZATION, "Bearer s3cret-1234567890".parse().unwrap()));
    let to = format!("http://{address}/in/s3cret-path");
    let mut drain = Drain::new(DrainSettings { credential, ..settings(&to) }).unwrap();
    for _ in 0..2 {
        let said = drain.carry(&lines(0..1)).await.unwrap_err();
        assert!(said.why().contains("it answers 401: ") && !said.why().contains("s3cret"), "{said:?}");
    }
    served.await.unwrap();
}

#[test]
fn authorities_are_read_from_pem_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (good, bad): (&Path, &Path) = (&folder.path().join("good.pem"), &folder.path().join("bad.pem"));
    fs::write(good, acceptor().1.pem()).unwrap();
    fs::write(bad, "nothing").unwrap();
    assert!(matches!(Roots::read(good), Ok(Roots::Only(all)) if all.len() == 1));
    assert!(Roots::read(bad).is_err());
}

//! Exchanges with a gate and its socket, and an API behind it, as bytes.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    os::unix::net::UnixStream,
    thread,
};

use super::*;

/// What came back: its status and body, and whether that is all of it.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: String,
    pub(super) whole: bool,
}

/// One exchange over a stream of its own. None where nothing readable came.
pub(super) fn exchange(mut stream: impl Read + Write, head: &str, body: &str) -> Option<Answer> {
    let length = body.len();
    let request = format!(
        "{head}\r\nhost: localhost\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).ok()?;
    let mut bytes = Vec::new();
    let ended = stream.read_to_end(&mut bytes);
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let length = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let whole = ended.is_ok() && length.is_some_and(|length: usize| body.len() == length);
    Some(Answer { status, body: body.to_owned(), whole })
}

pub(super) fn ask(socket: &Path, method: &str, path: &str, body: &Value) -> Option<Answer> {
    let body = if method == "GET" { String::new() } else { body.to_string() };
    exchange(UnixStream::connect(socket).ok()?, &format!("{method} /v1{path} HTTP/1.1"), &body)
}

/// Asks a gate that runs.
pub(super) fn read(socket: &Path, path: &str) -> Value {
    let answer = ask(socket, "GET", path, &Value::Null).unwrap();
    assert!(answer.status == 200 && answer.whole, "{path}: {} {}", answer.status, answer.body);
    serde_json::from_str(&answer.body).unwrap()
}

/// Calls the API through the gate. None where the gate is gone.
pub(super) fn call(gate: &str, secret: &str) -> Option<u16> {
    let stream = TcpStream::connect(gate).ok()?;
    exchange(stream, &format!("GET /users HTTP/1.1\r\nauthorization: Bearer {secret}"), "").map(|answer| answer.status)
}

/// An API that says yes to everything.
pub(super) fn api() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || {
                let mut reader = BufReader::new(stream);
                let mut line = String::new();
                while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
                    line.clear();
                }
                let _ = reader
                    .into_inner()
                    .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}");
            });
        }
    });
    address
}

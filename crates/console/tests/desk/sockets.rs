//! The same routers over real sockets.

use console::Door;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream, UnixListener, UnixStream},
};

use crate::support::House;

async fn ask(mut socket: impl AsyncRead + AsyncWrite + Unpin, request: &str) -> String {
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    answer
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: desk\r\nconnection: close\r\n\r\n")
}

#[tokio::test]
async fn the_unix_socket_is_the_operators_door() {
    let house = House::new().await;
    house.key_of("bob", "secret").await;
    let path = house.folder.path().join("admin.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let serving = tokio::spawn(axum::serve(listener, house.admin(Door::Local)).into_future());
    let socket = || UnixStream::connect(&path);
    assert!(ask(socket().await.unwrap(), &get("/v1/keys")).await.contains("\"id\":\"k1\""));
    let body = r#"{"why":"stolen"}"#;
    let disable = format!(
        "POST /v1/keys/k1/disable HTTP/1.1\r\nhost: desk\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    assert!(ask(socket().await.unwrap(), &disable).await.contains("\"standing\":\"disabled\""));
    let enable =
        disable.replace("disable", "enable").replace(body, "").replace("content-length: 16", "content-length: 0");
    let answer = ask(socket().await.unwrap(), &enable).await;
    assert!(answer.starts_with("HTTP/1.1 403") && answer.contains("code-needed"), "{answer}");
    serving.abort();
}

#[tokio::test]
async fn tcp_is_the_door_for_everybody_else() {
    let house = House::new().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let both = house.pages().merge(house.admin(Door::Remote));
    let serving = tokio::spawn(axum::serve(listener, both).into_future());
    let socket = || TcpStream::connect(address);
    let answer = ask(socket().await.unwrap(), &get("/v1/keys")).await;
    assert!(answer.starts_with("HTTP/1.1 401") && answer.contains("session-needed"), "{answer}");
    let body = serde_json::json!({"name": "ann", "code": house.ann.code()}).to_string();
    let sign_in = format!(
        "POST /v1/session HTTP/1.1\r\nhost: desk\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = ask(socket().await.unwrap(), &sign_in).await;
    let token = answer.split_once("\"token\":\"").unwrap().1.split_once('"').unwrap().0.to_owned();
    let read = get("/v1/holders").replace("\r\n\r\n", &format!("\r\nauthorization: bearer {token}\r\n\r\n"));
    let answer = ask(socket().await.unwrap(), &read).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("\"name\":\"bob\""), "{answer}");
    let answer = ask(socket().await.unwrap(), &get("/")).await;
    assert!(answer.starts_with("HTTP/1.1 303") && answer.contains("/sign-in?to=/"), "{answer}");
    serving.abort();
}

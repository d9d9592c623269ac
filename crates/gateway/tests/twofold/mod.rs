//! A request that the gate could read in one way, and the API in another.

use http::StatusCode;
use law::Refusal;

use crate::house::{Answered, House};

const KEY: &str = "secret-of-ann-1234567890";

/// Posts where nothing but POST is described, to what reads its body to the end.
async fn post(house: &House, headers: &[(&str, &str)], body: &str) -> Answered {
    let mut call = house.request("POST", "/v1/notes/upload").header("authorization", &format!("Bearer {KEY}"));
    for (name, value) in headers {
        call = call.header(name, value);
    }
    house.send(call.header("prefer", "wait=0"), body).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_header_says_what_is_called() {
    let house = House::enforcing().await;
    house.adopt(KEY).await;
    let call = |name: &str| {
        house.request("GET", "/v1/things/export").header("authorization", &format!("Bearer {KEY}")).header(name, "/v1")
    };
    for name in ["SCRIPT_NAME", "Script-Name", "PATH_INFO", "path.info", "REQUEST_URI", "QUERY_STRING"] {
        assert_eq!(house.send(call(name), "").await.refusal(), Some(Refusal::PathOverride), "{name}");
    }
    assert_eq!(house.send(call("REQUEST_METHOD"), "").await.refusal(), Some(Refusal::MethodOverride));
    assert!(house.upstream.seen().await.is_empty());
    let call = house.request("GET", "/v1/things").header("authorization", &format!("Bearer {KEY}"));
    let call = call.header("x-script-name", "/v1").header("account_id", "7");
    assert_eq!(house.send(call, "").await.status, StatusCode::OK);
    let seen = house.upstream.last().await;
    assert_eq!((seen.header("x-script-name"), seen.header("account_id")), (None, Some("7")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_post_carries_names_a_method_that_nobody_described() {
    let house = House::enforcing().await;
    house.adopt(KEY).await;
    let form = "_method=DELETE";
    let part =
        |head: &str| format!("--y{head}Content-Disposition: form-data; name=\"_method\"\r\n\r\nDELETE\r\n--y--\r\n");
    let long = |part: &str| format!("{part}{}", "--y\r\n\r\n".repeat(200_000));
    for (headers, body) in [
        (&[][..], form.to_owned()),
        (&[("content-type", "")], form.to_owned()),
        (&[("content-type", "application/x-www-form-urlencoded, x")], form.to_owned()),
        (&[("content-type", "application/x-www-form-urlencoded x")], form.to_owned()),
        (&[("content-type", "application/x-www-form-urlencoded"), ("content-encoding", "made-up")], form.to_owned()),
        (&[("content-type", "application/x-www-form-urlencoded")], format!("a={}&{form}", "x".repeat(2 << 20))),
        (&[("content-type", "application/json")], r#"{"_method":"DELETE"}"#.to_owned()),
        (&[("content-type", "application/json"), ("content-encoding", "gzip")], r#"{"_method":"DELETE"}"#.to_owned()),
        (&[("content-type", "image/x+json")], r#"{"_method":"DELETE"}"#.to_owned()),
        (&[], r#"{"_method":"DELETE"}"#.to_owned()),
        (&[("content-type", "multipart/form-data; boundary=y")], long(&part("\r\nX: a\n\r\n"))),
        (&[("content-type", "multipart/form-data; boundary=y")], long(&part("\r\nX: a\r\r\n"))),
        (&[("content-type", "multipart/form-data; boundary=y")], long(&part("\r\n\r\n"))),
    ] {
        let answer = post(&house, headers, &body).await;
        assert_eq!(answer.refusal(), Some(Refusal::MethodOverride), "{headers:?} {body:.60}");
    }
    // What nobody can look into may be anything.
    for headers in [
        [("content-type", "application/x-www-form-urlencoded; charset=ibm037")],
        [("content-type", "application/x-www-form-urlencoded; charset=utf-16be")],
        [("content-type", "multipart/form-data; boundary=x, y")],
    ] {
        assert_eq!(post(&house, &headers, "%6D%94%85=%C4").await.refusal(), Some(Refusal::StepUp), "{headers:?}");
    }
    for boundary in ["xboundary=y; boundary=x", "boundary=x; xboundary=y", "boundary=x; boundary*=utf-8''y"] {
        let kind = format!("multipart/form-data; {boundary}");
        let answer = post(&house, &[("content-type", &kind)], &long(&part("\r\n"))).await;
        assert_eq!(answer.refusal(), Some(Refusal::TooLargeToHold), "{boundary}: it would have to be asked about");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_honest_goes_on_as_it_came() {
    let house = House::enforcing().await;
    house.adopt(KEY).await;
    let file = format!(
        "------WebKitFormBoundaryA1\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n{}\r\n\
         ------WebKitFormBoundaryA1--\r\n",
        "name=\"_method\"\n\n".repeat(200_000)
    );
    for (headers, body) in [
        (&[("content-type", "multipart/form-data; boundary=----WebKitFormBoundaryA1")][..], file),
        (
            &[("content-type", "application/json")],
            r#"{"method":"fast","http_method":"GET","a":{"_method":1}}"#.to_owned(),
        ),
        (&[("content-type", "application/json")], format!(r#"{{"text":"{}"}}"#, "_method=a&".repeat(300_000))),
        (&[("content-type", "application/json"), ("content-encoding", "gzip")], "\u{1f}\u{8b}...".to_owned()),
        (&[("content-type", "application/x-www-form-urlencoded")], format!("method=fast&a={}", "x".repeat(2 << 20))),
        (&[("content-type", "application/x-www-form-urlencoded; charset=windows-1251")], "a=%E4".to_owned()),
        (&[], "a text without a type".repeat(100_000)),
        (&[("content-type", "text/plain")], "GET /?a=b&_method=put".repeat(100_000)),
    ] {
        let answer = post(&house, headers, &body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{headers:?} {body:.60}: {}", answer.whole());
    }
}

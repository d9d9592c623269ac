//! Keys, methods and paths in other forms than the usual ones.

use http::StatusCode;
use law::{Refusal, Who};

use crate::house::House;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_upload_breaks_off_before_it_names_a_second_method() {
    let house = House::enforcing().await;
    house.adopt("secret-of-ann-1234567890").await;
    let upload = |content_type: &str, field: &str| {
        let head = |name: &str| format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n");
        let body = format!("{}{}\r\n{}PURGE\r\n--x--\r\n", head("file"), "a".repeat(3 << 20), head(field));
        let request =
            house.request("POST", "/v1/notes/upload").header("authorization", "Bearer secret-of-ann-1234567890");
        let request = request.header("content-type", content_type).header("prefer", "wait=0");
        house.send_built(request.body(&body).unwrap())
    };
    let answer = upload("multipart/form-data; boundary=x", "_method").await;
    assert_eq!(answer.refusal(), Some(Refusal::MethodOverride), "{}", answer.whole());
    // It goes on as it came where nothing of that is in it.
    assert_eq!(upload("multipart/form-data; boundary=x", "payment_method").await.status, StatusCode::CREATED);
    // One of which nobody knows where its parts begin may be anything.
    let answer = upload("multipart/form-data", "payment_method").await;
    assert!(answer.refusal().is_some(), "{}", answer.whole());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_known_key_is_no_session_in_whatever_form_it_hides_beside_one() {
    use base64::Engine as _;
    let house = House::enforcing().await;
    house.adopt("secret-of-ann-1234567890").await;
    let encoded = base64::engine::general_purpose::STANDARD.encode("secret-of-ann-1234567890");
    let basic = base64::engine::general_purpose::STANDARD.encode("secret-of-ann-1234567890:");
    for (name, value) in [
        ("cookie", "sid=%73ecret-of-ann-1234567890".to_owned()),
        ("cookie", "sid=\"\\163ecret-of-ann-1234567890\"".to_owned()),
        ("cookie", "sid=x; token=Bearer secret-of-ann-1234567890".to_owned()),
        ("cookie", "sid=x; secret-of-ann-1234567890".to_owned()),
        ("cookie", format!("sid={encoded}")),
        ("x-made-up", format!("Basic {basic}")),
        ("x-made-up", "a=b;token=secret-of-ann-1234567890".to_owned()),
        ("x-proxy-user", encoded.clone()),
    ] {
        let call = house.request("POST", "/v1/keys").header("cookie", "sid=made-up").header(name, &value);
        let answer = house.send(call.header("prefer", "wait=0"), "{}").await;
        let is_judged = matches!(answer.refusal(), Some(Refusal::StepUp | Refusal::TooManyQuestions));
        assert!(is_judged, "{name}: {value}: {}", answer.status);
    }
    for target in [
        "/v1/things/secret-of-ann-1234567890",
        "/v1/things/key=secret-of-ann-1234567890",
        "/v1/things/7?x=token:secret-of-ann-1234567890",
        "/v1/things/7?secret-of-ann-1234567890",
    ] {
        let call = house.request("DELETE", target).header("cookie", "sid=made-up").header("prefer", "wait=0");
        let answer = house.send(call, "").await;
        let is_judged = matches!(answer.refusal(), Some(Refusal::StepUp | Refusal::TooManyQuestions));
        assert!(is_judged, "{target}: {}", answer.status);
    }
    for target in ["/v1/things?api[key=new-key", "/v1/things?api.key=new-key", "/v1/things?[api_key]=new-key"] {
        let call = house.request("GET", target).header("cookie", "sid=made-up");
        house.send(call, "").await;
        assert_eq!(house.last_call().await.0.who, Who::Unknown, "{target}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_is_an_ordinary_word_does_not_make_honest_calls_fail() {
    let house = House::enforcing().await;
    house.adopt("administrator").await;
    house.adopt("secret-of-ann-1234567890").await;
    let call = |target: &str| {
        house
            .request("GET", target)
            .header("authorization", "Bearer secret-of-ann-1234567890")
            .header("x-role", "administrator")
    };
    for target in ["/v1/things?q=administrator", "/v1/things/administrator", "/v1/things?q=the+administrator"] {
        assert_eq!(house.send(call(target), "").await.status, StatusCode::OK, "{target}");
    }
    let session = house.request("POST", "/v1/keys?q=administrator").header("cookie", "sid=x; theme=administrator-blue");
    assert_eq!(house.send(session, "{}").await.status, StatusCode::CREATED);
    // What a call is about may be a key, too: whose call it is, is plain.
    house.adopt("another-of-ann-1234567890").await;
    assert_eq!(house.send(call("/v1/things/another-of-ann-1234567890"), "").await.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_credentials_that_disagree_are_refused() {
    let house = House::enforcing().await;
    house.adopt("secret-of-ann-1234567890").await;
    house.adopt("another-of-ann-1234567890").await;
    for other in ["another-of-ann-1234567890", "an-unknown-key-1234567890"] {
        let request = house
            .request("GET", "/v1/things")
            .header("authorization", "Bearer secret-of-ann-1234567890")
            .header("x-api-key", other);
        assert_eq!(house.send(request, "").await.refusal(), Some(Refusal::TwoCredentials), "{other}");
    }
    let same = house
        .request("GET", "/v1/things")
        .header("authorization", "Bearer secret-of-ann-1234567890")
        .header("x-api-key", "secret-of-ann-1234567890");
    assert_eq!(house.send(same, "").await.status, StatusCode::OK);
    let basic =
        house.request("GET", "/v1/things").header("authorization", "Basic c2VjcmV0LW9mLWFubi0xMjM0NTY3ODkwOg==");
    assert_eq!(house.send(basic, "").await.status, StatusCode::OK, "the key as user of Basic");
    assert_eq!(house.last_call().await.0.who, Who::Key);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_spelling_gets_past() {
    let house = House::enforcing().await;
    house.adopt("secret-of-ann-1234567890").await;
    for spelling in [
        "/v1/keys/",
        "/v1//keys",
        "//v1/keys",
        "/v1/./keys",
        "/v1/things/../keys",
        "/v1/%6beys",
        "/v1/key%73",
        "/v1%2Fkeys",
        "/v1/keys;x=1",
        "/V1/KEYS",
        "/v1/keys%00",
        "/v1/keys%20",
        "/v1\\keys",
        "/v1/%256beys",
        "/v1/things%2f..%2fkeys",
        "/v1/keys?_method=GET",
        "/v1/keys#x",
        "/v1/keys%3F",
        "/v1/keys%23",
    ] {
        let request = house
            .request("POST", spelling)
            .header("authorization", "Bearer secret-of-ann-1234567890")
            .header("prefer", "wait=0");
        let Some(request) = request.body("{}") else { continue };
        let answer = house.send_built(request).await;
        assert_ne!(answer.status, StatusCode::CREATED, "{spelling}");
    }
    assert_eq!(house.upstream.seen().await.len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_keys_in_one_basic_header_are_two_credentials() {
    let house = House::enforcing().await;
    house.adopt_for("key-a-of-ann-0123456789abcdef", "ann").await;
    house.adopt_for("key-b-of-bob-fedcba9876543210", "bob").await;
    let basic = |both: &str| {
        use base64::Engine as _;
        let both = base64::engine::general_purpose::STANDARD.encode(both);
        house.request("POST", "/v1/keys").header("authorization", &format!("Basic {both}")).header("prefer", "wait=0")
    };
    for both in [
        "key-a-of-ann-0123456789abcdef:key-b-of-bob-fedcba9876543210",
        "key-a-of-ann-0123456789abcdef:an-unknown-key-9f86d081884c7d65",
    ] {
        assert_eq!(house.send(basic(both), "{}").await.refusal(), Some(Refusal::TwoCredentials), "{both}");
    }
    assert_eq!(house.send(basic("key-a-of-ann-0123456789abcdef:"), "{}").await.refusal(), Some(Refusal::StepUp));
    assert_eq!(house.upstream.seen().await.len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_preflight_carries_neither_credential_nor_body() {
    let house = House::enforcing().await;
    house.adopt("secret-of-ann-1234567890").await;
    let preflight = || {
        house
            .request("OPTIONS", "/v1/things/7")
            .header("origin", "https://x")
            .header("access-control-request-method", "DELETE")
    };
    assert_eq!(house.send(preflight(), "").await.status, StatusCode::UNAUTHORIZED, "the upstream answers it");
    assert_eq!(house.upstream.count("OPTIONS", "/v1/things/7").await, 1);
    assert_eq!(house.send(preflight(), "{}").await.refusal(), Some(Refusal::NoCredential));
    let with_key = preflight().header("authorization", "Bearer secret-of-ann-1234567890").header("prefer", "wait=0");
    assert_eq!(house.send(with_key, "").await.refusal(), None, "it is what GET is there, as any OPTIONS");
    assert_eq!(house.upstream.count("OPTIONS", "/v1/things/7").await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn options_is_what_get_is_there_and_brings_no_other_method_or_body_along() {
    let house = House::enforcing().await;
    house.adopt("secret-of-ann-1234567890").await;
    let asks = |path: &str| {
        let request = house.request("OPTIONS", path).header("authorization", "Bearer secret-of-ann-1234567890");
        request.header("prefer", "wait=0")
    };
    assert_eq!(house.send(asks("/v1/things"), "").await.status, StatusCode::OK, "as GET: it reads");
    assert_eq!(house.upstream.count("OPTIONS", "/v1/things").await, 1);
    // An API that does not tell methods apart would do these.
    assert_eq!(house.send(asks("/v1/things"), "{}").await.refusal(), Some(Refusal::StepUp), "nobody asks with a body");
    assert_eq!(house.send(asks("/v1/things/export"), "").await.refusal(), Some(Refusal::StepUp), "as GET: it exports");
    assert_eq!(house.send(asks("/v1/notes"), "").await.refusal(), Some(Refusal::StepUp), "no GET is described");
    let overridden = asks("/v1/things").header("x-http-method-override", "POST");
    assert_eq!(house.send(overridden, "").await.refusal(), Some(Refusal::MethodOverride));
    assert_eq!(house.send(asks("/v1/things?_method=POST"), "").await.refusal(), Some(Refusal::MethodOverride));
    assert_eq!(house.upstream.seen().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_preflight_passes_where_the_document_describes_options_unless_it_does_more_than_asking() {
    let house = House::enforcing().await;
    let preflight = |path: &str| {
        let request = house.request("OPTIONS", path).header("origin", "https://x");
        request.header("access-control-request-method", "POST")
    };
    assert_eq!(house.send(preflight("/v1/asked"), "").await.refusal(), None);
    assert_eq!(house.upstream.count("OPTIONS", "/v1/asked").await, 1);
    assert_eq!(house.send(preflight("/v1/purged"), "").await.refusal(), Some(Refusal::NoCredential));
    assert_eq!(house.upstream.count("OPTIONS", "/v1/purged").await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_cannot_name_another_method() {
    let house = House::enforcing().await;
    house.adopt("secret-of-ann-1234567890").await;
    let form = |kind: &str| {
        house
            .request("POST", "/v1/things/7")
            .header("authorization", "Bearer secret-of-ann-1234567890")
            .header("content-type", kind)
    };
    let urlencoded = "application/x-www-form-urlencoded";
    let multipart = "multipart/form-data; boundary=x";
    for (kind, body) in [
        (urlencoded, "_method=DELETE"),
        (urlencoded, "a=b&%5Fmethod=DELETE"),
        (urlencoded, "_METHOD=delete"),
        (multipart, "--x\r\ncontent-disposition: form-data; name=\"_method\"\r\n\r\nDELETE\r\n--x--\r\n"),
        (multipart, "--x\r\ncontent-disposition: form-data; name=_method\r\n\r\nDELETE\r\n--x--\r\n"),
    ] {
        assert_eq!(house.send(form(kind), body).await.refusal(), Some(Refusal::MethodOverride), "{body}");
    }
    for (kind, body) in [
        ("application/x-www-form-urlencoded x", "_method=DELETE"),
        ("application/made-up", "_method=DELETE"),
        ("text/json", r#"{"_method":"DELETE"}"#),
        ("application/json", r#"{"\u005fmethod":"DELETE"}"#),
        (multipart, "--x\r\ncontent-disposition: form-data; name*0=_me; name*1=thod\r\n\r\nDELETE\r\n--x--\r\n"),
    ] {
        assert_eq!(house.send(form(kind), body).await.refusal(), Some(Refusal::MethodOverride), "{kind} {body}");
    }
    let impatient = |kind: &str| form(kind).header("prefer", "wait=0");
    let long = format!(r#"{{"x":"{}","_method":"DELETE"}}"#, "x".repeat(1 << 20));
    let answer = house.send(impatient("application/json"), &long).await;
    assert_eq!(answer.refusal(), Some(Refusal::TooLargeToHold), "what it could be would have to be asked");
    let compressed = impatient("application/json").header("content-encoding", "gzip");
    assert_eq!(house.send(compressed, "x").await.refusal(), Some(Refusal::StepUp), "what nobody can read as well");
    let twice = form(urlencoded).header("content-type", "text/plain");
    assert_eq!(house.send(twice, "a=b").await.refusal(), Some(Refusal::BadHeader));
    assert_eq!(house.upstream.seen().await.len(), 0);
    assert_eq!(house.send(form(urlencoded), "name=x&method=fast").await.status, StatusCode::OK);
    assert_eq!(house.send(form("application/json"), r#"{"method":"fast"}"#).await.status, StatusCode::OK);
    assert_eq!(house.send(form("image/png"), "x").await.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_cannot_name_a_method_that_nobody_described() {
    let house = House::enforcing().await;
    house.adopt("secret-of-ann-1234567890").await;
    // Nothing but POST is described there.
    let form = |kind: &str| {
        house
            .request("POST", "/v1/notes")
            .header("authorization", "Bearer secret-of-ann-1234567890")
            .header("content-type", kind)
    };
    let (urlencoded, multipart) = ("application/x-www-form-urlencoded", "multipart/form-data; boundary=x");
    let part = "--x\r\ncontent-disposition: form-data; name=\"_method\"\r\n\r\nDELETE\r\n--x--\r\n";
    for (kind, body) in [(urlencoded, "text=x&_method=DELETE"), (multipart, part)] {
        assert_eq!(house.send(form(kind), body).await.refusal(), Some(Refusal::MethodOverride), "{body}");
    }
    assert_eq!(house.upstream.seen().await.len(), 0);
    let long = "x".repeat(1 << 20);
    house.send(form(urlencoded), "text=x&method=fast").await;
    let upload = part.replace("_method", "file").replace("DELETE", &long);
    house.send(form(multipart), &upload).await;
    assert_eq!(house.upstream.seen().await.len(), 2, "nor is an upload held");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_encoded_slash_may_divide_the_path() {
    let house = House::enforcing().await;
    house.adopt("secret-of-ann-1234567890").await;
    for path in ["/v1/things/7%2Fwipe", "/v1/things/7%2fwipe"] {
        let read = house.request("GET", path).header("authorization", "Bearer secret-of-ann-1234567890");
        let answer = house.send(read.header("prefer", "wait=0"), "").await;
        assert_eq!(answer.refusal(), Some(Refusal::StepUp), "{path}");
    }
    assert_eq!(house.upstream.seen().await.len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_that_a_careless_upstream_takes_for_a_literal_is_judged_as_both() {
    let house = House::enforcing().await;
    house.adopt("secret-of-ann-1234567890").await;
    for path in ["/v1/things/EXPORT", "/v1/things/export.json", "/v1/things/export%20", "/v1/things/export."] {
        let read = house.request("GET", path).header("authorization", "Bearer secret-of-ann-1234567890");
        let answer = house.send(read.header("prefer", "wait=0"), "").await;
        assert_eq!(answer.refusal(), Some(Refusal::StepUp), "{path}");
    }
    assert_eq!(house.get("/v1/things/Exports.json", "secret-of-ann-1234567890").await.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_known_key_is_seen_wherever_it_stands() {
    let house = House::enforcing().await;
    let long = format!("eyJ{}", "a".repeat(3000));
    house.adopt(&long).await;
    let call = house
        .request("POST", "/v1/keys")
        .header("cookie", "sid=made-up")
        .header("x-jwt", &long)
        .header("prefer", "wait=0");
    assert_eq!(house.send(call, "{}").await.refusal(), Some(Refusal::StepUp));
}

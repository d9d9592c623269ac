//! The company over real sockets, as its people, its scripts and a thief use it.

use axum::http::{
    HeaderMap, Method, Request, StatusCode,
    header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, HOST, LINK, SET_COOKIE},
};
use factor::totp::Step;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};

use super::{
    Company, DOCUMENT,
    books::INVOICES,
    cast::{Cast, Login},
    serve,
};

/// Somebody who talks to the company.
#[derive(Clone)]
struct Client {
    port: u16,
    headers: HeaderMap,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

/// A company that answers, and somebody without any credential.
async fn open() -> (Client, Cast) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let company = Company::new(1871, Timestamp::now());
    let cast = company.cast();
    tokio::spawn(serve(listener, company));
    (Client { port, headers: HeaderMap::new() }, cast)
}

impl Client {
    fn with(&self, name: axum::http::HeaderName, value: &str) -> Self {
        let mut client = self.clone();
        client.headers.append(name, value.parse().unwrap());
        client
    }

    fn with_key(&self, key: &str) -> Self {
        self.with(AUTHORIZATION, &format!("Bearer {key}"))
    }

    async fn send(&self, method: &str, path: &str, body: Option<Value>) -> hyper::Response<Incoming> {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let mut request = Request::builder().method(Method::from_bytes(method.as_bytes()).unwrap()).uri(path);
        request = request.header(HOST, format!("127.0.0.1:{}", self.port));
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        request.headers_mut().unwrap().extend(self.headers.clone());
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        sender.send_request(request.body(Full::new(Bytes::from(body))).unwrap()).await.unwrap()
    }

    async fn call(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        let (parts, body) = self.send(method, path, body).await.into_parts();
        Answer { status: parts.status, headers: parts.headers, body: body.collect().await.unwrap().to_bytes() }
    }

    async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, None).await
    }

    async fn post(&self, path: &str, body: Value) -> Answer {
        self.call("POST", path, Some(body)).await
    }

    async fn delete(&self, path: &str) -> Answer {
        self.call("DELETE", path, None).await
    }

    async fn log_in(&self, login: &Login, code: Option<String>) -> Answer {
        let mut body = json!({ "email": login.email, "password": login.password });
        if let Some(code) = code {
            body["code"] = json!(code);
        }
        self.post("/login", body).await
    }

    /// Logged in, with the cookie.
    async fn as_person(&self, login: &Login) -> Self {
        let answer = self.log_in(login, login.seed.as_ref().map(code_of)).await;
        assert_eq!(answer.status, StatusCode::OK);
        self.with(COOKIE, answer.cookie())
    }
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn error(&self) -> String {
        self.json()["error"].as_str().unwrap().to_owned()
    }

    fn cookie(&self) -> &str {
        self.headers[SET_COOKIE].to_str().unwrap().split(';').next().unwrap()
    }
}

fn code_of(seed: &factor::totp::Seed) -> String {
    seed.code(Step::at(Timestamp::now()))
}

#[tokio::test]
async fn a_person_with_2fa_logs_in_with_a_code_and_once_for_each() {
    let (stranger, cast) = open().await;
    let answer = stranger.log_in(&cast.odile, None).await;
    assert_eq!((answer.status, answer.error().as_str()), (StatusCode::UNAUTHORIZED, "code_required"));
    assert!(!answer.headers.contains_key(SET_COOKIE));
    let answer = stranger.log_in(&cast.odile, Some("no code".to_owned())).await;
    assert_eq!(answer.error(), "wrong_login");

    let code = code_of(cast.odile.seed.as_ref().unwrap());
    let answer = stranger.log_in(&cast.odile, Some(code.clone())).await;
    assert_eq!(answer.status, StatusCode::OK);
    let me = stranger.with(COOKIE, answer.cookie()).get("/v1/me").await.json();
    assert_eq!((&me["name"], &me["role"]), (&json!("Odile Wickersby"), &json!("admin")));
    assert_eq!((&me["two_factor"], &me["key"]), (&json!(true), &Value::Null));

    // Whoever watched her type it comes too late.
    assert_eq!(stranger.log_in(&cast.odile, Some(code)).await.error(), "wrong_login");
}

#[tokio::test]
async fn a_wrong_password_does_not_say_whether_the_person_or_a_code_exists() {
    let (stranger, cast) = open().await;
    for (email, password) in [(cast.odile.email.as_str(), "guess"), ("nobody@wickersby.example", "guess")] {
        let answer = stranger.post("/login", json!({ "email": email, "password": password })).await;
        assert_eq!((answer.status, answer.error().as_str()), (StatusCode::UNAUTHORIZED, "wrong_login"));
    }
}

#[tokio::test]
async fn a_person_without_2fa_logs_in_without_a_code_and_out_for_good() {
    let (stranger, cast) = open().await;
    let tilly = stranger.as_person(&cast.tilly).await;
    assert_eq!(tilly.get("/v1/me").await.json()["two_factor"], json!(false));
    assert_eq!(tilly.call("POST", "/logout", None).await.status, StatusCode::NO_CONTENT);
    assert_eq!(tilly.get("/v1/me").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_stolen_key_does_alone_what_its_person_could_not() {
    let (stranger, cast) = open().await;
    let thief = stranger.with_key(&cast.month_end);
    let me = thief.get("/v1/me").await.json();
    assert_eq!((&me["id"], &me["key"]["name"]), (&json!("odile"), &json!("month-end")));

    // 2FA off: from now on the password is enough.
    assert_eq!(stranger.log_in(&cast.odile, None).await.error(), "code_required");
    assert_eq!(thief.delete("/v1/users/odile/two-factor").await.json()["two_factor"], json!(false));
    assert_eq!(stranger.log_in(&cast.odile, None).await.status, StatusCode::OK);

    // A key of the thief's own outlives the stolen one.
    let minted = thief.post("/v1/keys", json!({ "name": "backup" })).await;
    assert_eq!(minted.status, StatusCode::CREATED);
    let second = stranger.with_key(minted.json()["secret"].as_str().unwrap());
    let stolen = me["key"]["id"].as_str().unwrap();
    assert_eq!(second.delete(&format!("/v1/keys/{stolen}")).await.status, StatusCode::NO_CONTENT);
    assert_eq!(thief.get("/v1/me").await.status, StatusCode::UNAUTHORIZED);

    // All rows at once, and every one of them whole.
    let export = second.get("/v1/invoices/export").await;
    assert_eq!(export.headers[CONTENT_TYPE], "text/csv; charset=utf-8");
    let csv = std::str::from_utf8(&export.body).unwrap();
    assert_eq!(csv.lines().count(), INVOICES as usize + 1);
    assert!(csv.len() > 300_000);
    for line in csv.lines() {
        let outside_quotes: String = line.split('"').step_by(2).collect();
        assert_eq!(outside_quotes.matches(',').count(), 8, "{line}");
    }

    // The audit log saw it, and a call that nobody described wipes it.
    let log = second.get("/v1/audit-log").await.json();
    let actions: Vec<&str> =
        log.as_array().unwrap().iter().rev().take(5).map(|entry| entry["action"].as_str().unwrap()).collect();
    let told = ["invoices.exported", "key.deleted", "key.created", "user.logged_in", "user.two_factor_turned_off"];
    assert_eq!(actions, told);
    assert_eq!(second.call("POST", "/v1/debug/reset", None).await.status, StatusCode::NO_CONTENT);
    assert_eq!(second.get("/v1/me").await.status, StatusCode::UNAUTHORIZED);
    let log = thief.get("/v1/audit-log").await.json();
    assert!(log.as_array().unwrap().iter().all(|entry| entry["action"] != "invoices.exported"));
    assert_eq!(stranger.log_in(&cast.odile, None).await.error(), "code_required");
}

#[tokio::test]
async fn roles_and_scopes_are_obeyed() {
    let (stranger, cast) = open().await;
    let viewer = stranger.as_person(&cast.tilly).await;
    let accountant = stranger.as_person(&cast.bram).await;
    let production = stranger.with_key(&cast.shop_window);

    let forbidden = [
        (&viewer, "DELETE", "/v1/users/bram", None),
        (&viewer, "DELETE", "/v1/users/odile/two-factor", None),
        (&viewer, "PUT", "/v1/users/tilly/role", Some(json!({ "role": "admin" }))),
        (&viewer, "PUT", "/v1/users/odile/email", Some(json!({ "email": "tilly@elsewhere.example" }))),
        (&viewer, "GET", "/v1/invoices/export", None),
        (&viewer, "GET", "/v1/audit-log", None),
        (&viewer, "POST", "/v1/jobs", Some(json!({ "kind": "count-open" }))),
        (&accountant, "DELETE", "/v1/users/tilly", None),
        (&accountant, "POST", "/v1/webhooks", Some(json!({ "url": "https://elsewhere.example" }))),
        (&production, "POST", "/v1/invoices/W-04127/pay", None),
        (&production, "POST", "/v1/keys", Some(json!({ "name": "more" }))),
        // Its person may turn off their own 2FA; a key that only reads may not.
        (&production, "DELETE", "/v1/users/bram/two-factor", None),
        // A key that is minted has no more than who mints it.
        (&viewer, "POST", "/v1/keys", Some(json!({ "name": "more", "scopes": ["users:manage"] }))),
    ];
    for (who, method, path, body) in forbidden {
        let answer = who.call(method, path, body).await;
        assert_eq!((answer.status, answer.error().as_str()), (StatusCode::FORBIDDEN, "forbidden"), "{method} {path}");
    }
    assert_eq!(viewer.get("/v1/users").await.json().as_array().unwrap().len(), 12);
    // Somebody else's key is not even there.
    assert_eq!(viewer.delete("/v1/keys/key-1").await.status, StatusCode::NOT_FOUND);
    assert_eq!(viewer.get("/v1/keys").await.json(), json!([]));
}

#[tokio::test]
async fn a_key_loses_what_its_person_lost() {
    let (stranger, cast) = open().await;
    let admin = stranger.with_key(&cast.month_end);
    let pay_run = stranger.with_key(&cast.pay_run);
    assert_eq!(pay_run.call("POST", "/v1/invoices/W-04127/pay", None).await.status, StatusCode::OK);
    let role = Some(json!({ "role": "viewer" }));
    assert_eq!(admin.call("PUT", "/v1/users/bram/role", role).await.status, StatusCode::OK);
    assert_eq!(pay_run.call("POST", "/v1/invoices/W-04126/pay", None).await.status, StatusCode::FORBIDDEN);
    assert_eq!(pay_run.get("/v1/invoices").await.status, StatusCode::OK);
    assert_eq!(admin.delete("/v1/users/bram").await.status, StatusCode::NO_CONTENT);
    assert_eq!(pay_run.get("/v1/invoices").await.status, StatusCode::UNAUTHORIZED);
    // There is always somebody left who can mend it.
    assert_eq!(admin.delete("/v1/users/hester").await.status, StatusCode::NO_CONTENT);
    assert_eq!(admin.delete("/v1/users/odile").await.status, StatusCode::CONFLICT);
    let role = Some(json!({ "role": "viewer" }));
    assert_eq!(admin.call("PUT", "/v1/users/odile/role", role).await.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn a_changed_address_is_the_one_to_log_in_with() {
    let (stranger, mut cast) = open().await;
    let tilly = stranger.as_person(&cast.tilly).await;
    let change = |email: &str| Some(json!({ "email": email }));
    let taken = tilly.call("PUT", "/v1/users/tilly/email", change("ODILE@wickersby.example")).await;
    assert_eq!(taken.status, StatusCode::CONFLICT);
    let changed = tilly.call("PUT", "/v1/users/tilly/email", change("thief@elsewhere.example")).await;
    assert_eq!(changed.status, StatusCode::OK);
    assert_eq!(stranger.log_in(&cast.tilly, None).await.error(), "wrong_login");
    cast.tilly.email = "thief@elsewhere.example".to_owned();
    assert_eq!(stranger.log_in(&cast.tilly, None).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_wrong_key_is_nobody_whatever_comes_with_it() {
    let (stranger, cast) = open().await;
    let tilly = stranger.as_person(&cast.tilly).await;
    let nobodies = [
        stranger.with_key("wick_guess"),
        stranger.with_key(""),
        tilly.with_key("wick_guess"),
        stranger.with_key(&cast.month_end).with_key("wick_guess"),
        stranger.with(AUTHORIZATION, &cast.month_end),
        stranger.with(AUTHORIZATION, &format!("Basic {}", cast.month_end)),
        stranger.with(COOKIE, "wickersby_session="),
    ];
    for nobody in nobodies {
        assert_eq!(nobody.get("/v1/me").await.status, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn the_pages_of_the_list_lead_from_the_first_to_the_last() {
    let (stranger, cast) = open().await;
    let reader = stranger.with_key(&cast.shop_window);
    let mut path = "/v1/invoices?per_page=100&status=open".to_owned();
    let mut numbers = Vec::new();
    let total = loop {
        let page = reader.get(&path).await;
        numbers.extend(page.json().as_array().unwrap().iter().map(|row| row["number"].as_str().unwrap().to_owned()));
        let link = page.headers[LINK].to_str().unwrap().to_owned();
        let Some(next) = link.split(", ").find(|link| link.ends_with("; rel=\"next\"")) else {
            break page.headers["x-total-count"].to_str().unwrap().parse::<usize>().unwrap();
        };
        let origin = format!("<http://127.0.0.1:{}", reader.port);
        path = next.strip_prefix(&origin).unwrap().split('>').next().unwrap().to_owned();
    };
    assert!(total > 100);
    assert_eq!(numbers.len(), total);
    assert!(numbers.is_sorted_by(|newer, older| newer > older));

    for query in ["page=0", "per_page=101", "page=x", "page=18446744073709551616"] {
        assert_eq!(reader.get(&format!("/v1/invoices?{query}")).await.error(), "invalid", "{query}");
    }
    for path in ["/v1/invoices/%ff", "/v1/invoices/W-00000", "/v1/nothing"] {
        assert_eq!(reader.get(path).await.error(), "not_found", "{path}");
    }
    let far = reader.get("/v1/invoices?page=1000000&per_page=100").await;
    assert_eq!(far.json(), json!([]));
}

#[tokio::test]
async fn an_invoice_is_entered_told_and_paid_once() {
    let (stranger, cast) = open().await;
    let bram = stranger.as_person(&cast.bram).await;
    let mut events = stranger.with_key(&cast.shop_window).send("GET", "/v1/events", None).await;
    assert_eq!(events.headers()[CONTENT_TYPE], "text/event-stream");
    let hello = events.body_mut().frame().await.unwrap().unwrap().into_data().unwrap();
    assert!(hello.starts_with(b":"));

    let new = json!({ "supplier": "Selkie Wool", "account": "ZZ02", "item": "socks", "amount_cents": 1_250, "due": "2031-01-31" });
    let entered = bram.post("/v1/invoices", new).await;
    assert_eq!(entered.status, StatusCode::CREATED);
    let number = entered.json()["number"].as_str().unwrap().to_owned();
    let event = events.body_mut().frame().await.unwrap().unwrap().into_data().unwrap();
    let event = std::str::from_utf8(&event).unwrap();
    assert!(event.starts_with("event: invoice.created\ndata: {") && event.contains(&number), "{event}");

    let pay = format!("/v1/invoices/{number}/pay");
    assert_eq!(bram.call("POST", &pay, None).await.json()["amount_cents"], json!(1_250));
    assert_eq!(bram.call("POST", &pay, None).await.status, StatusCode::CONFLICT);
    assert_eq!(bram.get(&format!("/v1/invoices/{number}")).await.json()["status"], json!("paid"));

    let job = bram.post("/v1/jobs", json!({ "kind": "find-overdue" })).await;
    assert_eq!(job.status, StatusCode::CREATED);
    let path = format!("/v1/jobs/{}", job.json()["id"].as_str().unwrap());
    assert_eq!(bram.get(&path).await.json(), job.json());
}

#[test]
fn the_same_seed_makes_the_same_company() {
    let now = Timestamp::from_second(1_900_000_000).unwrap();
    let csv = |seed| -> Vec<String> {
        let company = Company::new(seed, now);
        let books = company.books();
        books.invoices.iter().map(|invoice| serde_json::to_string(invoice).unwrap()).collect()
    };
    assert_eq!(csv(7), csv(7));
    assert_ne!(csv(7), csv(8));
    assert_eq!(Company::new(7, now).cast().month_end, Company::new(7, now).cast().month_end);
    assert_ne!(Company::new(7, now).cast().month_end, Company::new(8, now).cast().month_end);
}

/// The document's operations, read by its layout: paths stand at two spaces, methods at four.
fn documented() -> Vec<(String, Vec<String>)> {
    let mut paths: Vec<(String, Vec<String>)> = Vec::new();
    for line in DOCUMENT.lines() {
        let Some(name) = line.trim_start().strip_suffix(':') else { continue };
        if line.starts_with("  /") {
            paths.push((name.to_owned(), Vec::new()));
        } else if line.starts_with("    ") && METHODS.contains(&name.to_uppercase().as_str()) {
            paths.last_mut().unwrap().1.push(name.to_uppercase());
        }
    }
    paths
}

const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

#[tokio::test]
async fn the_document_describes_every_method_of_its_paths_and_says_which_are_open() {
    let (stranger, _) = open().await;
    let paths = documented();
    assert_eq!(paths.iter().map(|(_, methods)| methods.len()).sum::<usize>(), 28);
    for (template, methods) in paths {
        let path: String = template
            .split('/')
            .map(|part| if part.starts_with('{') { "x" } else { part })
            .collect::<Vec<_>>()
            .join("/");
        let is_open = ["/health", "/openapi.yaml", "/login"].contains(&template.as_str());
        for method in METHODS {
            let status = stranger.call(method, &path, None).await.status;
            let expected = match (methods.iter().any(|described| described == method), is_open) {
                (false, _) => StatusCode::METHOD_NOT_ALLOWED,
                (true, false) => StatusCode::UNAUTHORIZED,
                // Without a body, that is.
                (true, true) if template == "/login" => StatusCode::UNPROCESSABLE_ENTITY,
                (true, true) => StatusCode::OK,
            };
            assert_eq!(status, expected, "{method} {template}");
        }
    }
}

#[tokio::test]
async fn the_document_leaves_out_the_one_call_that_resets() {
    let (stranger, cast) = open().await;
    assert_eq!(stranger.get("/openapi.yaml").await.body, DOCUMENT);
    assert!(!DOCUMENT.contains("debug"));
    assert_eq!(stranger.call("POST", "/v1/debug/reset", None).await.status, StatusCode::UNAUTHORIZED);
    let reader = stranger.with_key(&cast.shop_window);
    assert_eq!(reader.call("POST", "/v1/debug/reset", None).await.status, StatusCode::NO_CONTENT);
}

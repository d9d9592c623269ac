//! Keys that Greave issued, before an API that takes the gate's own credential.

mod leaked;
mod swaps;
mod tolls;
mod turn;

use authority::{Command, Scope, Warrant};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::StatusCode;
use law::{Power, Powers, Refusal, Verdict};

use crate::house::{Asking, House, OWN};

fn scope(powers: &[Power], operations: &[&str]) -> Scope {
    Scope {
        powers: powers.iter().copied().collect(),
        operations: operations.iter().map(|pattern| pattern.parse().unwrap()).collect(),
        sources: Vec::new(),
    }
}

fn reading() -> Scope {
    scope(&[Power::Read], &[])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_issued_key_calls_as_the_gate_and_nothing_of_the_client_goes_along() {
    let house = House::enforcing().await;
    house.lend_credential();
    let (id, key) = house.issue(reading(), &[]).await;
    let basic = format!("Basic {}", STANDARD.encode(format!("{key}:")));
    for (name, value) in [
        ("authorization", format!("Bearer {key}")),
        ("authorization", format!("token {key}")),
        ("authorization", basic),
        ("x-api-key", key.clone()),
    ] {
        let request = house.request("GET", "/v1/things").header(name, &value);
        let request = request.header("cookie", "sid=1").header("range", "bytes=0-1").header("accept-encoding", "br");
        assert_eq!(house.send(request, "").await.status, StatusCode::OK, "{name}");
        let seen = house.upstream.last().await;
        assert_eq!(seen.header("authorization"), Some(&*format!("Bearer {OWN}")));
        assert_eq!(seen.header("host"), Some(&*house.upstream.address.to_string()));
        assert_eq!(seen.header("accept-encoding"), Some("identity"));
        for name in ["cookie", "range", "x-api-key", "x-forwarded-for", "forwarded", "greave-key", "greave-holder"] {
            assert_eq!(seen.header(name), None, "{name}");
        }
        assert!(!format!("{:?}", seen.headers).contains(&key));
    }
    let (call, _) = house.last_call().await;
    assert_eq!((call.key, call.holder, call.verdict), (Some(id), Some(house.ann), Verdict::Permit));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn beyond_its_scope_a_key_is_refused_and_nobody_is_asked() {
    let house = House::enforcing().await;
    house.lend_credential();
    let (_, key) = house.issue(reading(), &[]).await;
    for (method, target, refusal) in [
        ("POST", "/v1/things/a", Refusal::OutOfScope),
        ("DELETE", "/v1/things/a", Refusal::OutOfScope),
        ("GET", "/v1/not-described", Refusal::OutOfScope),
    ] {
        let request = house.request(method, target).header("authorization", &format!("Bearer {key}"));
        let answer = house.send(request, "").await;
        assert_eq!((answer.status, answer.refusal()), (StatusCode::FORBIDDEN, Some(refusal)), "{method} {target}");
    }
    let elsewhere = Scope { sources: vec!["192.0.2.0/24".parse().unwrap()], ..reading() };
    let (_, key) = house.issue(elsewhere, &[]).await;
    assert_eq!(house.get("/v1/things", &key).await.refusal(), Some(Refusal::SourceNotAllowed));
    assert!(house.upstream.seen().await.is_empty());
    assert_eq!(house.authority.view(|state| state.questions().count()), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_mints_at_the_api_passes_only_where_the_scope_names_it_and_a_person_says_yes() {
    let house = House::enforcing().await;
    house.lend_credential();
    let wide = Scope { powers: Powers::EVERY, ..scope(&[], &["* /**"]) };
    let (_, key) = house.issue(wide, &[]).await;
    assert_eq!(house.post("/v1/keys", &key, "{}").await.refusal(), Some(Refusal::CredentialOperation));
    assert!(house.upstream.seen().await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_held_call_goes_on_with_the_gates_own_credential() {
    let house = House::enforcing().await;
    house.lend_credential();
    let (_, key) = house.issue(Scope { powers: Powers::EVERY, ..scope(&[], &["POST /keys"]) }, &[]).await;
    let waiting = house.start_post("/v1/keys", &key, "{}");
    house.approve(&[house.question().await]).await;
    assert_eq!(waiting.await.unwrap().status, StatusCode::CREATED);
    assert_eq!(house.upstream.last().await.header("authorization"), Some(&*format!("Bearer {OWN}")));
    assert_eq!(house.upstream.count("POST", "/v1/keys").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_shows_the_credential_is_kept_back() {
    let house = House::enforcing().await;
    house.lend_credential();
    let (_, key) = house.issue(reading(), &[]).await;
    for (target, refusal) in [
        ("/v1/things/echo", Refusal::CredentialInAnswer),
        ("/v1/things/redirect", Refusal::CredentialInAnswer),
        ("/v1/things/packed", Refusal::AnswerUnreadable),
    ] {
        let answer = house.get(target, &key).await;
        assert_eq!((answer.status, answer.refusal()), (StatusCode::BAD_GATEWAY, Some(refusal)), "{target}");
        assert!(!answer.whole().contains("sk_live"), "{target}");
    }
    let (came, broke) = house.read_on("/v1/things/long", &key).await;
    assert!(broke && came.starts_with(b"things things"));
    assert!(!String::from_utf8_lossy(&came).contains("sk_l"), "the end of what came: {:?}", &came[came.len() - 40..]);
    let answer = house.get("/v1/things/cookie", &key).await;
    assert_eq!((answer.status, answer.header("set-cookie")), (StatusCode::OK, None));

    // An adopted key is its client's own: what the API says to it is theirs.
    house.adopt("secret-of-ann-1234567890").await;
    assert_eq!(house.get("/v1/things/echo", "secret-of-ann-1234567890").await.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_used_up_limit_says_when_there_is_room_again() {
    let house = House::enforcing().await;
    house.lend_credential();
    let (_, key) = house.issue(reading(), &["calls 2/m", "bytes 1000/d"]).await;
    for _ in 0..2 {
        assert_eq!(house.get("/v1/things", &key).await.status, StatusCode::OK);
    }
    let answer = house.get("/v1/things", &key).await;
    assert_eq!(answer.refusal(), Some(Refusal::LimitReached));
    assert_eq!(answer.header("ratelimit-policy"), Some("\"calls-m\";q=2;w=60"));
    let again: u32 = answer.header("retry-after").unwrap().parse().unwrap();
    assert_eq!(answer.header("ratelimit"), Some(&*format!("\"calls-m\";r=0;t={again}")));
    assert!((1..=60).contains(&again));
    assert_eq!(house.upstream.count("GET", "/v1/things").await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_key_and_one_that_only_looks_issued_do_not_reach_the_api() {
    let house = House::enforcing().await;
    house.lend_credential();
    let (id, key) = house.issue(reading(), &[]).await;
    assert_eq!(house.get("/v1/things", &key).await.status, StatusCode::OK);
    let revoke = Command::RevokeKey { key: id, children: false, why: String::new() };
    house.perform(&revoke, Warrant::Operator).await;
    assert_eq!(house.get("/v1/things", &key).await.refusal(), Some(Refusal::Revoked));
    // Unknown keys are learned here; one that the gate would have issued is not sent on.
    let last = if key.ends_with('0') { '1' } else { '0' };
    let feigned = format!("{}{last}", &key[..key.len() - 1]);
    assert_eq!(house.get("/v1/things", &feigned).await.refusal(), Some(Refusal::UnknownKey));
    assert_eq!(house.upstream.seen().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_cannot_be_taken_out_or_has_no_credential_behind_it_does_not_pass() {
    let house = House::enforcing().await;
    let (_, key) = house.issue(reading(), &[]).await;
    assert_eq!(house.get("/v1/things", &key).await.refusal(), Some(Refusal::NoUpstreamCredential));
    house.lend_credential();
    let bearing = |request: Asking| request.header("authorization", &format!("Bearer {key}"));
    for request in [
        house.request("GET", &format!("/v1/things?api_key={key}")),
        house.request("GET", &format!("/v1/things?page={key}")),
        house.request("GET", "/v1/things").header("x-odd", &key),
        house.request("GET", "/v1/things").header("cookie", &format!("a={key}")),
        // Beside the place from which it is taken out.
        house.request("GET", &format!("/v1/things/{key}")).header("authorization", &format!("Bearer {key}")),
        // Without these headers the API would read another request than the one that was judged.
        bearing(house.request("GET", "/v1/things")).header("content-type", &format!("image/{key}")),
        bearing(house.request("GET", "/v1/things")).header("x-odd", &format!("once more: {key}")),
        bearing(house.request("GET", "/v1/things")).header("cookie", &format!("a={key}")),
    ] {
        assert_eq!(house.send(request, "").await.refusal(), Some(Refusal::WrongPlace));
    }
    assert!(house.upstream.seen().await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_does_not_say_in_whose_name_the_gates_own_credential_acts() {
    let house = House::enforcing().await;
    house.lend_credential();
    let (_, key) = house.issue(reading(), &[]).await;
    let bearing = |request: Asking| request.header("authorization", &format!("Bearer {key}"));
    for request in [
        house.request("GET", "/v1/things").header("stripe-account", "acct_other"),
        house.request("GET", "/v1/things").header("Sudo", "root"),
        house.request("GET", "/v1/things").header("impersonate-user", "system:admin"),
        house.request("GET", "/v1/things").header("x_on_behalf_of", "ceo"),
        house.request("GET", "/v1/things?page=2&as_user=ceo"),
        house.request("GET", "/v1/things?page=2;sudo[]=ceo"),
    ] {
        assert_eq!(house.send(bearing(request), "").await.refusal(), Some(Refusal::OnBehalf));
    }
    assert!(house.upstream.seen().await.is_empty());
    // What the configuration names passes, and so does what means something else.
    let named = house.request("GET", "/v1/things?act_as=bob&account=7").header("x-request-id", "sudo");
    assert_eq!(house.send(bearing(named), "").await.status, StatusCode::OK);
    // With its own key everybody is who they are.
    house.adopt("secret-of-ann-1234567890").await;
    let own = house.request("GET", "/v1/things").header("sudo", "bob");
    let own = own.header("authorization", "Bearer secret-of-ann-1234567890");
    assert_eq!(house.send(own, "").await.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_the_gates_own_credential_goes_nothing_of_the_clients_does_in_any_spelling() {
    let house = House::enforcing().await;
    house.lend_credential();
    house.bear_at("header:x-acme-key");
    let (_, key) = house.issue(reading(), &[]).await;
    let request = house.request("GET", "/v1/things").header("authorization", &format!("Bearer {key}"));
    house.send(request.header("x_acme_key", "another").header("x.acme.key", "another"), "").await;
    let seen = house.upstream.last().await;
    assert_eq!(seen.header("x-acme-key"), Some(OWN));
    assert_eq!((seen.header("x_acme_key"), seen.header("x.acme.key")), (None, None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operation_that_a_scope_names_is_no_way_to_another() {
    let house = House::enforcing().await;
    house.lend_credential();
    let (_, key) =
        house.issue(Scope { powers: Powers::EVERY, ..scope(&[], &["GET /me", "GET /things/{id}"]) }, &[]).await;
    let bearing = |target| house.request("GET", target).header("authorization", &format!("Bearer {key}"));
    let form = |request: Asking| request.header("content-type", "application/x-www-form-urlencoded");
    for (request, body) in [
        // A careless upstream takes it for the export.
        (bearing("/v1/things/EXPORT"), ""),
        // Nothing else is described there; the API may know more.
        (form(bearing("/v1/me")), "a=1&_method=PUT"),
        (form(bearing("/v1/me")).header("content-encoding", "gzip"), "packed"),
    ] {
        assert_eq!(house.send(request, body).await.refusal(), Some(Refusal::OutOfScope), "{body}");
    }
    assert!(house.upstream.seen().await.is_empty());
    assert_eq!(house.send(form(bearing("/v1/me")), "a=1").await.status, StatusCode::OK);
    assert_eq!(house.get("/v1/things/Another", &key).await.status, StatusCode::OK);
}

/// All that a client sees of an answer but what differs from one to the next.
fn seen(answer: &crate::house::Answered) -> String {
    let mut body = answer.body.clone();
    if let Some(body) = body.as_object_mut() {
        body.remove("instance");
    }
    let headers: Vec<String> =
        answer.whole().split(", \"").filter(|header| !header.contains("date\"")).map(str::to_owned).collect();
    let headers = headers.join(", ");
    format!("{} {} {body}", answer.status, headers.split('\n').next().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_canary_is_refused_like_a_key_that_nobody_knows_and_told_once() {
    for house in [House::enforcing().await, House::refusing_unknown_keys().await] {
        house.lend_credential();
        let (canary, stranger) = house.canary().await;
        for (method, target) in [("GET", "/v1/things"), ("POST", "/v1/keys"), ("GET", "/v1/nothing"), ("GET", "/login")]
        {
            let mut answers = Vec::new();
            for key in [&stranger, &canary] {
                let basic = format!("Basic {}", STANDARD.encode(format!("{key}:{stranger}")));
                for (name, value) in
                    [("authorization", format!("Bearer {key}")), ("x-api-key", key.clone()), ("authorization", basic)]
                {
                    let request = house.request(method, target).header(name, &value).header("user-agent", "curl/8");
                    answers.push(seen(&house.send(request, "").await));
                }
            }
            assert_eq!(answers[..3], answers[3..], "{method} {target}");
        }
        let told = house.found();
        assert_eq!(told.iter().filter(|rule| *rule == "canary-used").count(), 1, "{told:?}");
        assert!(house.recognised(&canary).is_none(), "it is no key");
        assert!(house.upstream.seen().await.iter().all(|seen| seen.target == "/login"));
        assert!(house.upstream.seen().await.iter().all(|seen| !format!("{:?}", seen.headers).contains(&canary)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_canary_is_told_in_every_spelling_in_which_a_key_would_be_known() {
    let spellings: [fn(&str) -> String; 4] = [
        |canary| canary.to_ascii_uppercase(),
        |canary| STANDARD.encode(canary),
        |canary| format!("\"{canary}\""),
        |canary| canary.replacen("gk", "%67k", 1),
    ];
    for spelled in spellings {
        let house = House::enforcing().await;
        let (canary, _) = house.canary().await;
        let request = house.request("GET", "/v1/things").header("x-api-key", &spelled(&canary));
        house.send(request, "").await;
        assert!(house.found().contains(&"canary-used".to_owned()), "{}", spelled(&canary));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_the_api_made_can_be_narrowed_and_goes_on_unchanged_below_its_ceiling() {
    let house = House::enforcing().await;
    let key = house.adopt("secret-of-ann-1234567890").await;
    let narrow = Command::NarrowKey(key, scope(&[Power::Read], &["GET /things/{id}"]));
    assert_eq!(house.get("/v1/things", "secret-of-ann-1234567890").await.status, StatusCode::OK);
    house.perform(&narrow, Warrant::Operator).await;
    let answer = house.get("/v1/things/a", "secret-of-ann-1234567890").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(house.upstream.last().await.header("authorization"), Some("Bearer secret-of-ann-1234567890"));
    for (method, target) in
        [("GET", "/v1/things"), ("DELETE", "/v1/things/a"), ("GET", "/v1/not-described"), ("POST", "/v1/keys")]
    {
        let request = house.request(method, target).header("authorization", "Bearer secret-of-ann-1234567890");
        let answer = house.send(request, "").await;
        assert_eq!(answer.refusal(), Some(Refusal::OutOfScope), "{method} {target}");
    }
    let (call, _) = house.last_call().await;
    assert_eq!(call.verdict, Verdict::Refuse(Refusal::OutOfScope));
    assert_eq!(house.authority.view(|state| state.questions().count()), 0, "nobody is asked about it");
}

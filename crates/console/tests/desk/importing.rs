//! Keys that come in from a list made elsewhere.

use authority::{Actor, Change, Command, Digest, SecretDigest, Warrant, Written};
use console::{Door, api};
use http::StatusCode;
use law::{HolderKind, Standing};
use serde_json::{Value, json};

use crate::support::{Got, House, Program, now};

fn sha256(secret: &str) -> String {
    Digest::of(secret.as_bytes()).to_string()
}

fn part(lines: impl Into<Value>) -> String {
    json!({"lines": lines.into()}).to_string()
}

fn line(number: u64, secret: &str, mut rest: Value) -> Value {
    rest["line"] = number.into();
    rest["sha256"] = sha256(secret).into();
    rest
}

fn outcome(got: &Got) -> api::ImportOutcome {
    assert_eq!(got.status, StatusCode::OK, "{}", got.text);
    serde_json::from_str(&got.text).unwrap()
}

fn why(got: &Got) -> Vec<(u64, String)> {
    outcome(got).wrong.into_iter().map(|wrong| (wrong.line, wrong.why)).collect()
}

/// Says yes to these parts with ann's code.
async fn begun(house: &House, local: &Program, parts: &[&String]) -> String {
    let parts: Vec<String> = parts.iter().map(|part| sha256(part)).collect();
    let body = json!({"keys": 2, "parts": parts, "as": "ann", "code": house.ann.code()}).to_string();
    let got = local.call("POST", "/v1/keys/imports", &body).await;
    assert_eq!(got.status, StatusCode::CREATED, "{}", got.text);
    format!("/v1/keys/imports/{}", got.json()["import"].as_str().unwrap())
}

#[tokio::test]
async fn only_what_a_code_said_yes_to_comes_in_and_each_part_once() {
    let house = House::new().await;
    let local = Program::new(house.admin(Door::Local));
    let ci = json!({"name": "deploy", "holder": "ci", "kind": "workload", "owner": "carol", "born": "2026-01-02T00:00:00Z",
        "end": "2027-01-02T00:00:00Z", "place": "header:X-Api-Key", "scopes": "read write"});
    let (one, two) = (part(json!([line(2, "first", ci)])), part(json!([line(3, "second", json!({}))])));
    let before = house.desk.authority.store().verify().await.unwrap().len;
    let would = outcome(&local.call("POST", "/v1/keys/imports/check", &one).await);
    assert_eq!((would.added, would.holders), (1, 2), "the program, and carol, who answers for it");
    let no_code = json!({"keys": 2, "parts": [sha256(&one)]}).to_string();
    assert_eq!(local.call("POST", "/v1/keys/imports", &no_code).await.json()["code"], "code-needed");
    let of_bob = json!({"keys": 2, "parts": [sha256(&one)], "as": "bob", "code": house.bob.code()}).to_string();
    assert_eq!(local.call("POST", "/v1/keys/imports", &of_bob).await.json()["code"], "not-administrator");
    assert_eq!(local.call("POST", "/v1/keys/imports/made-up", &one).await.status, StatusCode::NOT_FOUND);
    assert_eq!(house.desk.authority.store().verify().await.unwrap().len, before, "nothing has changed");

    let import = begun(&house, &local, &[&one, &two]).await;
    assert_eq!(
        local.call("POST", &import, &part(json!([line(2, "other", json!({}))]))).await.status,
        StatusCode::CONFLICT
    );
    assert_eq!(outcome(&local.call("POST", &import, &one).await).added, 1);
    assert_eq!(local.call("POST", &import, &one).await.status, StatusCode::CONFLICT, "a part comes in once");
    let key = house.desk.authority.recognise(&SecretDigest::of(b"first")).unwrap();
    assert_eq!((key.name(), key.place(), key.scopes()), (Some("deploy"), "header:x-api-key", Some("read write")));
    assert_eq!(
        (key.born().to_string(), key.end().unwrap().to_string()),
        ("2026-01-02T00:00:00Z".to_owned(), "2027-01-02T00:00:00Z".to_owned())
    );
    assert_eq!(house.desk.authority.facts(&key).kind, HolderKind::Workload);
    assert!(house.desk.authority.recognise(&SecretDigest::of(b"second")).is_none());

    // It broke off here; the same list again brings in the rest, and then nothing more.
    let import = begun(&house, &local, &[&one, &two]).await;
    let again = outcome(&local.call("POST", &import, &one).await);
    assert_eq!((again.added, again.known, again.holders), (0, 1, 0));
    assert_eq!(outcome(&local.call("POST", &import, &two).await).added, 1);
    let all = outcome(&local.call("POST", "/v1/keys/imports/check", &two).await);
    assert_eq!((all.added, all.known), (0, 1));

    // An administrator who has gone lets nothing in any more, nor does one whose time is over.
    let three = part(json!([line(4, "third", json!({}))]));
    let import = begun(&house, &local, &[&three]).await;
    crate::support::pass(3600);
    assert_eq!(local.call("POST", &import, &three).await.status, StatusCode::NOT_FOUND);
    let entries = house.desk.authority.store().entries(1, 1000).await.unwrap();
    let written = entries.iter().map(|entry| serde_json::from_str::<Written>(&entry.change).unwrap());
    let by: Vec<Actor> =
        written.filter(|it| matches!(it.change, Change::KeyImported { .. })).map(|written| written.by).collect();
    assert_eq!(by, [Actor::Person(house.ann.id); 2]);
    for secret in ["first", "second"] {
        assert!(entries.iter().all(|entry| !entry.change.contains(&sha256(secret))), "a digest is in the ledger");
    }
}

#[tokio::test]
async fn what_contradicts_is_told_by_its_line_and_nothing_of_the_part_comes_in() {
    let house = House::new().await;
    let bobs = house.key_of("bob", "bobs").await;
    let local = Program::new(house.admin(Door::Local));
    let check = async |lines: Value| local.call("POST", "/v1/keys/imports/check", &part(lines)).await;
    let form = "gk_test".parse::<wire::IssuedForm>().unwrap();
    let warrant = house.desk.authority.prove("ann", &house.ann.code(), now()).await.unwrap();
    let (_, canary) =
        house.desk.authority.issue_canary(&form, "trap".to_owned(), house.bob.id, warrant, now()).await.unwrap();
    let canary = String::from_utf8_lossy(canary.expose()).into_owned();
    for (rest, says) in [
        (json!({"holder": "ann"}), "another holder's here"),
        (json!({"holder": "bob", "kind": "vendor"}), "of another kind"),
        (json!({"holder": "bob", "owner": "ann"}), "another person answers"),
        (json!({"born": "2026-11-25T00:00:00Z"}), "ahead of now"),
        (json!({"born": "2026-11-24T00:00:00Z", "end": "2026-11-23T00:00:00Z"}), "not after `born`"),
        (json!({"name": "a<b"}), "`name` is no name"),
        (json!({"place": "pocket"}), "`place` is none"),
        (json!({"owner": "ann"}), "fill `holder`"),
        (json!({"holder": "new one", "kind": "vendor"}), "fill `owner`"),
        (json!({"holder": "new one", "kind": "vendor", "owner": "new one"}), "`owner` is the program itself"),
        (json!({"holder": "new one", "owner": "ann"}), "a person answers for their own keys"),
    ] {
        let told = why(&check(json!([line(1, "fresh", json!({})), line(7, "bobs", rest.clone())])).await);
        assert!(told.len() == 1 && told[0].0 == 7 && told[0].1.contains(says), "{rest}: {told:?}");
    }
    let told = why(&check(json!([line(1, "twice", json!({})), line(2, "twice", json!({}))])).await);
    assert_eq!(told, [(2, "an earlier line has the same key".to_owned())]);
    assert!(why(&check(json!([line(1, &canary, json!({}))])).await)[0].1.contains("canary"));
    // A body that cannot be read is told by its place: it has what secrets are recognised by.
    let broken = local.call("POST", "/v1/keys/imports/check", r#"{"lines": [{"line": "sk_live_misplaced"}]}"#).await;
    assert_eq!(broken.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(!broken.text.contains("misplaced"), "{}", broken.text);

    // What is not known is completed; a key that does not work stays so.
    house.desk.authority.perform(&Command::DisableKey(bobs, "x".to_owned()), Warrant::Operator, now()).await.unwrap();
    let list = part(json!([line(1, "bobs", json!({"name": "laptop", "holder": "BOB"}))]));
    let import = begun(&house, &local, &[&list]).await;
    let done = outcome(&local.call("POST", &import, &list).await);
    assert_eq!((done.added, done.completed, done.stopped, done.holders), (0, 1, 1, 0));
    let key = house.desk.authority.recognise(&SecretDigest::of(b"bobs")).unwrap();
    assert_eq!((key.standing, key.name()), (Standing::Disabled, Some("laptop")));
    assert!(why(&check(json!([line(1, "bobs", json!({"name": "desktop"}))])).await)[0].1.contains("by another name"));

    // Whether a secret is known is not for everybody who is signed in.
    let bob = Program::of(house.admin(Door::Remote), &house.bob).await;
    let got = bob.call("POST", "/v1/keys/imports/check", &list).await;
    assert_eq!(got.status, StatusCode::FORBIDDEN, "{}", got.text);
}

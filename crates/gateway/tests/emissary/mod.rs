//! The API's own word about its keys: revoked there, too, or not, and what it lists.

use authority::{Abroad, Command, Compared, Difference, Scope, Warrant};
use gateway::{Emissary, EmissarySettings, HostSent, ListFields, Patience, Pointer, TlsFiles, Unmeasured, Upstream};
use http::StatusCode;
use law::{KeyId, Powers, Refusal};
use wire::Secret;

use crate::house::{House, OWN};

fn emissary(house: &House, credential: Option<&str>) -> Emissary {
    let origin = format!("http://{}", house.upstream.address).parse().unwrap();
    let upstream = Upstream::new(origin, HostSent::AsReceived, Patience::default(), TlsFiles::default()).unwrap();
    let fields = ListFields { items: Pointer::parse("/tokens"), id: Pointer::parse("/id"), ..ListFields::default() };
    let settings = EmissarySettings {
        base: "/v1".to_owned(),
        place: "authorization:bearer".parse().unwrap(),
        credential: credential.map(|text| Secret::new(text.as_bytes())),
        proof: None,
        revoke: Some("DELETE /tokens/{id}".parse().unwrap()),
        list: Some(("GET /tokens".parse().unwrap(), fields)),
        ignore: vec!["own".to_owned()],
    };
    Emissary::new(upstream, settings)
}

fn lives(house: &House, tokens: &[&str]) {
    *house.upstream.tokens.lock().unwrap() = tokens.iter().map(|token| (*token).to_owned()).collect();
}

async fn revoke(house: &House, key: KeyId) {
    house.perform(&Command::RevokeKey { key, children: false, why: String::new() }, Warrant::Operator).await;
}

fn became(house: &House, key: KeyId) -> Option<Abroad> {
    house.authority.view(|state| state.abroad(key).cloned())
}

async fn compared(house: &House, emissary: &Emissary) -> Compared {
    emissary.reconcile(&house.authority).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_minted_key_is_revoked_at_the_api_by_what_the_api_calls_it() {
    let house = House::observing().await;
    house.adopt("secret-of-ann-1234567890").await;
    house.upstream.accepts("envoys-own-1234567890", "emissary");
    let emissary = emissary(&house, Some("envoys-own-1234567890"));
    assert_eq!(house.post("/v1/keys", "secret-of-ann-1234567890", "{}").await.status, StatusCode::CREATED);
    let minted = house.recognised("mint_9f3c1e7a52d84b06a1c0").unwrap().id;
    assert_eq!(house.authority.view(|state| state.name_abroad(minted).map(str::to_owned)).as_deref(), Some("1"));
    lives(&house, &["own", "1", "7", "8", "9"]);
    assert_eq!(compared(&house, &emissary).await.differences.len(), 3, "7, 8 and 9, on three pages");

    revoke(&house, minted).await;
    let found = compared(&house, &emissary).await.differences;
    assert!(
        matches!(&found[0], Difference::Alive(key, Refusal::Revoked, listed) if *key == minted && listed.id == "1")
    );
    assert_eq!(house.authority.view(authority::State::to_revoke_abroad), [minted]);
    emissary.revoke(&house.authority, &[minted]).await;
    let seen = house.upstream.last().await;
    assert_eq!(seen.header("authorization"), Some("Bearer envoys-own-1234567890"));
    assert_eq!(seen.header("host"), Some(&*house.upstream.address.to_string()));
    assert_eq!(became(&house, minted), Some(Abroad::Dead));
    assert_eq!(*house.upstream.tokens.lock().unwrap(), ["own", "7", "8", "9"]);
    assert!(house.authority.view(authority::State::to_revoke_abroad).is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn that_a_name_is_not_found_there_is_no_proof_and_the_list_is() {
    let house = House::observing().await;
    house.lend_credential();
    let emissary = emissary(&house, None);
    let key = house.adopt("secret-of-ann-1234567890").await;
    revoke(&house, key).await;
    emissary.revoke(&house.authority, &[key]).await;
    let nameless = Abroad::Alive("nobody knows what the API calls it".to_owned());
    assert_eq!(became(&house, key), Some(nameless));
    house.authority.name_abroad(key, "a/1", jiff::Timestamp::now()).await.unwrap();
    emissary.revoke(&house.authority, &[key]).await;
    assert_eq!(house.upstream.last().await.target, "/v1/tokens/a%2F1");
    assert_eq!(house.upstream.last().await.header("authorization"), Some(&*format!("Bearer {OWN}")));
    assert!(matches!(became(&house, key), Some(Abroad::Alive(why)) if why.contains("404")));
    assert!(compared(&house, &emissary).await.differences.is_empty());
    assert_eq!(became(&house, key), Some(Abroad::Dead), "the API does not list it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_child_that_stands_for_a_made_credential_is_revoked_there_and_a_plain_one_never_was() {
    let house = House::observing().await;
    house.lend_credential();
    let emissary = emissary(&house, None);
    let scope = Scope { powers: Powers::EVERY, operations: vec!["POST /keys".parse().unwrap()], sources: Vec::new() };
    let (parent, key) = house.issue(scope, &[]).await;
    let answer = house.post("/v1/keys", &key, "{}").await;
    let child = house.recognised(answer.body["secret"].as_str().unwrap()).unwrap().id;
    lives(&house, &["1"]);
    let all = Command::RevokeKey { key: parent, children: true, why: String::new() };
    house.perform(&all, Warrant::Operator).await;
    assert_eq!(house.authority.view(authority::State::to_revoke_abroad), [child]);
    emissary.revoke(&house.authority, &[child]).await;
    assert_eq!((became(&house, child), became(&house, parent)), (Some(Abroad::Dead), None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_that_leads_elsewhere_round_in_a_circle_or_away_is_not_taken_for_whole() {
    let house = House::observing().await;
    house.lend_credential();
    let emissary = emissary(&house, None);
    let key = house.adopt("secret-of-ann-1234567890").await;
    house.authority.name_abroad(key, "9", jiff::Timestamp::now()).await.unwrap();
    lives(&house, &["1", "2", "3"]);
    for next in ["http://evil.example/v1/tokens", "//evil.example/x", "/v1/tokens", "/v1/things/lines"] {
        *house.upstream.misleads.lock().unwrap() = Some(next.to_owned());
        let error = emissary.reconcile(&house.authority).await.unwrap_err();
        assert!(matches!(error, Unmeasured::Unreadable(..)), "{next}: {error}");
    }
    *house.upstream.misleads.lock().unwrap() = Some("/v1/nowhere".to_owned());
    assert!(matches!(emissary.reconcile(&house.authority).await, Err(Unmeasured::Status(_, StatusCode::NOT_FOUND))));
    house.authority.lend_credential(None);
    assert!(matches!(emissary.reconcile(&house.authority).await, Err(Unmeasured::NoCredential)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whom_the_api_does_not_know_under_this_name_may_have_keys_there_all_the_same() {
    let house = House::observing().await;
    house.lend_credential();
    let settings = EmissarySettings {
        base: "/v1".to_owned(),
        place: "authorization:bearer".parse().unwrap(),
        credential: None,
        proof: None,
        revoke: None,
        list: Some(("GET /nowhere/{holder}/tokens".parse().unwrap(), ListFields::default())),
        ignore: Vec::new(),
    };
    let origin = format!("http://{}", house.upstream.address).parse().unwrap();
    let upstream = Upstream::new(origin, HostSent::AsReceived, Patience::default(), TlsFiles::default()).unwrap();
    let emissary = Emissary::new(upstream, settings);
    let works = house.adopt("secret-of-ann-1234567890").await;
    let revoked = house.adopt("another-of-ann-1234567890").await;
    for (key, name) in [(works, "1"), (revoked, "2")] {
        house.authority.name_abroad(key, name, jiff::Timestamp::now()).await.unwrap();
    }
    revoke(&house, revoked).await;
    assert!(compared(&house, &emissary).await.differences.is_empty(), "nobody said that it is gone");
    assert_eq!(became(&house, revoked), None, "nor that it is dead");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_answer_gives_a_key_the_name_of_another() {
    let house = House::observing().await;
    house.adopt("secret-of-ann-1234567890").await;
    let known = house.adopt("mint_9f3c1e7a52d84b06a1c0").await;
    let named = |key: KeyId| house.authority.view(|state| state.name_abroad(key).map(str::to_owned));
    // The API answers with a key that is known.
    assert_eq!(house.post("/v1/keys", "secret-of-ann-1234567890", "{}").await.status, StatusCode::CREATED);
    assert_eq!(named(known), None);
    // It calls something else so.
    assert_eq!(house.get("/v1/tickets/new", "secret-of-ann-1234567890").await.status, StatusCode::OK);
    assert_eq!(named(house.recognised("mint_9f3c1e7a52d84b06a1cd").unwrap().id), None);
    // What it calls a key stays.
    for name in ["7", "8"] {
        house.authority.name_abroad(known, name, jiff::Timestamp::now()).await.unwrap();
    }
    assert_eq!(named(known).as_deref(), Some("7"));
}

//! What is sealed beside the ledger, against somebody who can write the database and has no secret.

use std::path::PathBuf;

use sqlx::{ConnectOptions as _, Connection as _, Row as _, SqliteConnection, sqlite::SqliteConnectOptions};

use super::*;

/// The database, in the hands of a thief.
struct Hands(PathBuf);

impl Hands {
    fn on(house: &House) -> Self {
        Self(house.folder.path().join("state.db"))
    }

    async fn open(&self) -> SqliteConnection {
        SqliteConnectOptions::new().filename(&self.0).connect().await.unwrap()
    }

    async fn read(&self, bucket: &str, name: &str) -> Vec<u8> {
        let mut database = self.open().await;
        let row = sqlx::query("SELECT value FROM shelf WHERE bucket = $1 AND name = $2").bind(bucket).bind(name);
        let value = row.fetch_one(&mut database).await.unwrap().try_get("value").unwrap();
        database.close().await.unwrap();
        value
    }

    async fn put(&self, bucket: &str, name: &str, value: &[u8]) {
        let mut database = self.open().await;
        let put = sqlx::query("INSERT OR REPLACE INTO shelf (bucket, name, value) VALUES ($1, $2, $3)");
        put.bind(bucket).bind(name).bind(value).execute(&mut database).await.unwrap();
        database.close().await.unwrap();
    }

    async fn remove(&self, bucket: &str, name: &str) {
        let mut database = self.open().await;
        let remove = sqlx::query("DELETE FROM shelf WHERE bucket = $1 AND name = $2").bind(bucket).bind(name);
        remove.execute(&mut database).await.unwrap();
        database.close().await.unwrap();
    }
}

async fn misplaced(house: &House) -> Vec<String> {
    house.authority.misplaced().await.unwrap().iter().map(ToString::to_string).collect()
}

async fn tried(house: &House, code: &str) -> Result<Warrant, NotProved> {
    house.authority.prove("ann", code, house.now).await
}

#[tokio::test]
async fn a_replaced_authenticator_that_is_put_back_serves_nobody() {
    let mut house = House::new().await;
    let (hands, ann) = (Hands::on(&house), house.ann.to_string());
    let old = hands.read("seed", &ann).await;
    let proof = house.proof().await;
    let (_, seed, codes) = enrol(&house.authority, "ann", proof, house.now).await;
    assert_eq!(misplaced(&house).await, [""; 0]);
    let right = hands.read("seed", &ann).await;

    hands.put("seed", &ann, &old).await;
    for restarted in [false, true] {
        if restarted {
            house.restart().await;
        }
        house.pass(60);
        for of in [&house.seed, &seed] {
            let Err(NotProved::Failed(failed)) = tried(&house, &of.code(Step::at(house.now))).await else { panic!() };
            let words = failed.to_string();
            assert!(words.contains("not the one that the ledger says") && words.contains("holders invite"), "{words}");
        }
        assert_eq!(misplaced(&house).await.len(), 1);
    }
    // Those of the ledger are not touched by it: nobody is shut out.
    let by_recovery = tried(&house, &codes[0]).await.unwrap();
    let (_, seed, _) = enrol(&house.authority, "ann", by_recovery, house.now).await;
    house.pass(30);
    tried(&house, &seed.code(Step::at(house.now))).await.unwrap();
    assert_eq!(misplaced(&house).await, [""; 0]);

    hands.put("seed", &ann, &right).await;
    hands.put("seed", "h7", &old).await;
    hands.remove("seed", &ann).await;
    let found = misplaced(&house).await;
    assert!(found.len() == 2 && found[0].contains("is gone") && found[1].contains("none that the ledger knows"));
}

#[tokio::test]
async fn an_earlier_credential_of_the_api_does_not_go_out() {
    let mut house = House::new().await;
    let hands = Hands::on(&house);
    let mut kept = Vec::new();
    for text in [b"sk_live_first_0123456789", b"sk_live_other_0123456789"] {
        let proof = house.proof().await;
        house.authority.set_credential(Credential::new(text).unwrap(), proof, house.now).await.unwrap();
        kept.push(hands.read("upstream", "credential").await);
    }
    house.restart().await;
    assert_eq!(house.authority.credential().unwrap().secret().expose(), b"sk_live_other_0123456789");
    hands.put("upstream", "credential", &kept[0]).await;
    house.restart().await;
    assert!(house.authority.credential().is_none());
    assert!(misplaced(&house).await[0].contains("greave upstream set-credential"));
}

#[tokio::test]
async fn what_people_are_shown_of_a_question_is_what_was_put_there() {
    let house = House::new().await;
    let key = house.key_of_ann("secret").await;
    let challenge = house.ask(&delete_user(key.id)).await.unwrap().challenge;
    assert!(house.authority.exhibit(challenge).await.unwrap().is_some());
    let hands = Hands::on(&house);
    hands.remove("exhibit", &challenge.to_string()).await;
    let words = house.authority.exhibit(challenge).await.unwrap_err().to_string();
    assert!(words.contains(&format!("greave deny {challenge}")), "{words}");
}

/// The same state as a program left it that did not bind the shelf.
async fn of_before(house: &House) -> House {
    let folder = tempfile::tempdir().unwrap();
    let store = store::Store::open(&folder.path().join("state.db"), secrets().signer, |_| ()).await.unwrap();
    for entry in house.authority.store().entries(1, 1000).await.unwrap() {
        let mut change: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&entry.change).unwrap();
        change.remove("shelf");
        store.append(entry.at, vec![serde_json::to_string(&change).unwrap()], &[]).await.unwrap();
    }
    for bucket in ["seed", "upstream", "exhibit", "secrets"] {
        for (name, value) in house.authority.store().bucket(bucket).await.unwrap() {
            store.shelve(&store::Shelf { bucket, name, value: Some(value) }).await.unwrap();
        }
    }
    drop(store);
    let (authority, _) = open(folder.path(), law("enforce"), house.now).await;
    let seed = Seed::new(*house.seed.expose());
    House { folder, authority, now: house.now, ann: house.ann, seed, codes: Vec::new() }
}

#[tokio::test]
async fn an_old_state_is_bound_as_it_is_and_from_then_on_nothing_is_put_back() {
    let mut before = House::new().await;
    let old = Hands::on(&before).read("seed", &before.ann.to_string()).await;
    let proof = before.proof().await;
    (_, before.seed, _) = enrol(&before.authority, "ann", proof, before.now).await;
    let mut house = of_before(&before).await;
    let bound = |entries: Vec<store::Entry>| {
        let is = |entry: &store::Entry| entry.change.contains("shelf-bound");
        entries.iter().filter(|entry| is(entry)).map(|entry| entry.change.clone()).collect::<Vec<_>>()
    };
    let entries = house.authority.store().entries(1, 1000).await.unwrap();
    let [said] = &bound(entries)[..] else { panic!() };
    assert!(said.contains(&format!("\"seed/{}\"", house.ann)), "{said}");
    house.proof().await;

    Hands::on(&house).put("seed", &house.ann.to_string(), &old).await;
    house.restart().await;
    assert_eq!(bound(house.authority.store().entries(1, 1000).await.unwrap()).len(), 1, "only once");
    house.pass(30);
    let code = house.seed.code(Step::at(house.now));
    assert!(matches!(tried(&house, &code).await, Err(NotProved::Failed(Failed::Misplaced(_)))));
}

#[tokio::test]
async fn a_new_ledger_knows_nothing_of_what_was_sealed_for_another() {
    let before = House::new().await;
    let old = Hands::on(&before).read("seed", &before.ann.to_string()).await;
    // The same secrets, and a state that was begun anew.
    let (folder, now) = (tempfile::tempdir().unwrap(), before.now);
    let (authority, _) = open(folder.path(), law("enforce"), now).await;
    let house = House { folder, authority, now, ann: before.ann, seed: before.seed, codes: Vec::new() };
    Hands::on(&house).put("seed", "h1", &old).await;
    let mut house = house;
    house.restart().await;
    assert_eq!(misplaced(&house).await.len(), 1);
}

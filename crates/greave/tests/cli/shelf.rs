//! What is sealed beside the ledger, and a ledger that was put back as it was.

use base64::Engine as _;

use super::{backup::issuing, *};

fn blocking<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

async fn database(company: &Company) -> SqliteConnection {
    let database = SqliteConnectOptions::new().filename(company.path("state/state.db"));
    SqliteConnection::connect_with(&database).await.unwrap()
}

const CREDENTIAL: &str = "bucket = 'upstream' AND name = 'credential'";

#[test]
fn an_earlier_credential_that_is_put_back_is_found_and_mended() {
    let mut company = issuing();
    let set = |company: &mut Company, text: &str| {
        let typed = format!("{text}\n{}\n", company.codes.pop().unwrap());
        run(company.folder.path(), &["upstream", "set-credential", "--as", "ann"], &typed).says(0, &[]);
    };
    let old = blocking(async {
        let query = sqlx::query_as(sqlx::AssertSqlSafe(format!("SELECT value FROM shelf WHERE {CREDENTIAL}")));
        let (old,): (Vec<u8>,) = query.fetch_one(&mut database(&company).await).await.unwrap();
        old
    });
    set(&mut company, "sk_live_the_next_0123456789");
    company.run(&["ledger", "verify"]).says(0, &["hold together"]);
    blocking(async {
        let put = sqlx::query(sqlx::AssertSqlSafe(format!("UPDATE shelf SET value = $1 WHERE {CREDENTIAL}")));
        put.bind(old).execute(&mut database(&company).await).await.unwrap();
    });
    let found = ["the API's own credential", "not the one that the ledger says", "greave upstream set-credential"];
    company.run(&["ledger", "verify"]).says(1, &found);
    let told = company.run(&["--json", "ledger", "verify"]);
    assert_eq!(told.code, 1);
    let told: Value = serde_json::from_str(&told.out).unwrap();
    assert!(told["findings"][0].as_str().unwrap().contains("not the one"), "{told}");
    let (gate, _) = Running::start(&company);
    company.run(&["ledger", "verify"]).says(1, &found);
    drop(gate);
    set(&mut company, "sk_live_once_more_0123456789");
    company.run(&["ledger", "verify"]).says(0, &["hold together"]);
}

#[test]
fn a_state_that_was_put_back_whole_shows_beside_a_checkpoint_that_was_kept() {
    let mut company = Company::new();
    company.run(&["keys", "list"]).says(0, &[]);
    let keep = |company: &Company, name: &str| {
        fs::write(company.path(name), company.run(&["ledger", "checkpoint"]).out).unwrap();
    };
    keep(&company, "before.note");
    fs::copy(company.path("state/state.db"), company.path("old.db")).unwrap();
    company.as_ann(&["holders", "add", "bob"]).says(0, &[]);
    keep(&company, "after.note");
    company.run(&["ledger", "verify", "--since", "before.note", "--since", "after.note"]).says(0, &["hold together"]);

    let put_back = |company: &Company| {
        for companion in ["state/state.db-wal", "state/state.db-shm"] {
            let _ = fs::remove_file(company.path(companion));
        }
        fs::copy(company.path("old.db"), company.path("state/state.db")).unwrap();
    };
    put_back(&company);
    company.run(&["ledger", "verify"]).says(0, &["hold together"]);
    let since = ["ledger", "verify", "--since", "after.note"];
    company.run(&since).says(1, &["an older state was put back"]);
    // And it went on: as long as before, and longer.
    for name in ["carol", "dora"] {
        company.as_ann(&["holders", "add", name]).says(0, &[]);
    }
    company.run(&since).says(1, &["another history"]);
    company.run(&["ledger", "verify", "--since", "before.note"]).says(0, &["hold together"]);
    company.run(&["ledger", "verify", "--since", "greave.toml"]).says(2, &["no checkpoint of this ledger"]);
}

/// Makes the state that of a program that did not bind what is sealed.
async fn age(company: &Company) {
    let note = company.run(&["ledger", "checkpoint"]).out;
    let seed = fs::read_to_string(company.path("state/secrets/ledger")).unwrap();
    let seed = base64::engine::general_purpose::STANDARD.decode(seed.trim()).unwrap();
    let signer = store::Signer::new(note.lines().next().unwrap(), &seed).unwrap();
    let old = store::Store::open(&company.path("old.db"), signer, |_| ()).await.unwrap();
    let mut from = database(company).await;
    let entries: Vec<(i64, String)> =
        sqlx::query_as("SELECT at, change FROM ledger ORDER BY seq").fetch_all(&mut from).await.unwrap();
    for (at, change) in entries {
        let mut change: serde_json::Map<String, Value> = serde_json::from_str(&change).unwrap();
        change.remove("shelf");
        let change = serde_json::to_string(&change).unwrap();
        old.append(Timestamp::from_millisecond(at).unwrap(), vec![change], &[]).await.unwrap();
    }
    let shelf: Vec<(String, String, Vec<u8>)> =
        sqlx::query_as("SELECT bucket, name, value FROM shelf").fetch_all(&mut from).await.unwrap();
    for (bucket, name, value) in shelf {
        let bucket = ["seed", "secrets", "guesses"].into_iter().find(|it| *it == bucket).unwrap();
        old.shelve(&store::Shelf { bucket, name, value: Some(value) }).await.unwrap();
    }
    from.close().await.unwrap();
    // Whole: part of it may still stand in the log beside it.
    let mut old =
        SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(company.path("old.db"))).await.unwrap();
    sqlx::query("VACUUM INTO ?").bind(company.path("whole.db").to_str()).execute(&mut old).await.unwrap();
}

#[test]
fn a_backup_of_before_comes_back_and_is_bound() {
    let company = Company::new();
    company.run(&["keys", "list"]).says(0, &[]);
    blocking(age(&company));
    for companion in ["state/state.db-wal", "state/state.db-shm"] {
        let _ = fs::remove_file(company.path(companion));
    }
    fs::rename(company.path("whole.db"), company.path("state/state.db")).unwrap();
    fs::create_dir(company.path("safe")).unwrap();
    company.run(&["backup", "one", "--secrets", "safe/keys.json"]).says(0, &[]);
    fs::rename(company.path("state"), company.path("lost")).unwrap();
    let restore = ["restore", "one", "--to", "state", "--secrets", "safe/keys.json", "--danger-behind"];
    company.run(&restore).says(0, &[]);
    company.run(&["ledger", "verify"]).says(0, &["hold together"]);
    company.run(&["ledger", "show"]).says(0, &["shelf-bound", "state-restored"]);
}

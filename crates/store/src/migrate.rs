//! Schemas: forward only, all at once or not at all, and looked at before they count.

use std::path::{Path, PathBuf};

use sqlx::{AssertSqlSafe, Connection as _, Row as _, SqliteConnection, Transaction};

use crate::{
    Signer, StoreError,
    copy::{self, private},
    sqlite::{database_error, replay},
};

/// Each moves the schema one version forward; `user_version` says how far it is.
pub(crate) const MIGRATIONS: &[&str] = &[
    "
    CREATE TABLE ledger (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, change TEXT NOT NULL, hash BLOB NOT NULL) STRICT;
    CREATE TABLE checkpoint (seq INTEGER PRIMARY KEY, note TEXT NOT NULL) STRICT;
    CREATE TABLE shelf (bucket TEXT NOT NULL, name TEXT NOT NULL, value BLOB NOT NULL,
                        PRIMARY KEY (bucket, name)) STRICT, WITHOUT ROWID;
",
    // Who tidies up by hand is stopped before the gate no longer starts. A thief drops these first.
    "
    CREATE TRIGGER ledger_is_not_changed BEFORE UPDATE ON ledger
        BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
    CREATE TRIGGER ledger_is_not_cut BEFORE DELETE ON ledger
        BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
    CREATE TRIGGER checkpoint_is_not_changed BEFORE UPDATE ON checkpoint
        BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
    CREATE TRIGGER checkpoint_is_not_cut BEFORE DELETE ON checkpoint
        BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
",
];

/// The tables in which a migration neither loses nor adds a row.
const TABLES: [&str; 3] = ["ledger", "checkpoint", "shelf"];

/// The schema of a database.
pub(crate) async fn version(database: &mut SqliteConnection) -> sqlx::Result<u32> {
    sqlx::query("PRAGMA user_version").fetch_one(database).await?.try_get(0)
}

/// Whether this program knows the schema.
pub(crate) fn known(found: u32) -> Result<(), StoreError> {
    let known = MIGRATIONS.len();
    if found as usize > known { Err(StoreError::Newer { found, known }) } else { Ok(()) }
}

/// Where the state as it was is kept before its schema moves.
pub(crate) fn kept(path: &Path, schema: u32) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".schema-{schema}"));
    path.with_file_name(name)
}

/// Moves a database to the newest schema, after a copy was made. Where the ledger does not
/// verify afterwards, or rows are missing, everything is as before.
pub(crate) async fn migrate(
    path: &Path,
    database: &mut SqliteConnection,
    signer: &Signer,
    migrations: &[&'static str],
) -> Result<(), StoreError> {
    let wrap = |cause| database_error(path, cause);
    let found = version(database).await.map_err(wrap)?;
    known(found)?;
    if found as usize == migrations.len() {
        return Ok(());
    }
    if found > 0 {
        let (kept, new) = (kept(path, found), path.with_extension("copying"));
        let failed = |cause| wrap(sqlx::Error::Io(cause));
        private(&new).map_err(failed)?;
        copy::into(database, &new).await.map_err(wrap)?;
        copy::settle(&new, &kept).map_err(failed)?;
    }
    let mut transaction = database.begin_with("BEGIN IMMEDIATE").await.map_err(wrap)?;
    let before = counts(&mut transaction, found).await.map_err(wrap)?;
    let moved = step(&mut transaction, found, migrations).await;
    let checked = match moved {
        Ok(()) => check(&mut transaction, before, signer).await,
        Err(cause) => Err(wrap(cause)),
    };
    match checked {
        Ok(()) => transaction.commit().await.map_err(wrap),
        Err(why) => {
            transaction.rollback().await.map_err(wrap)?;
            Err(StoreError::NotMigrated { from: found, to: migrations.len(), why: Box::new(why) })
        }
    }
}

async fn step(
    transaction: &mut Transaction<'_, sqlx::Sqlite>,
    found: u32,
    migrations: &[&'static str],
) -> sqlx::Result<()> {
    for migration in migrations.iter().skip(found as usize) {
        sqlx::raw_sql(*migration).execute(&mut **transaction).await?;
    }
    // A pragma takes no bound value; the number is ours.
    let version = format!("PRAGMA user_version = {}", migrations.len());
    sqlx::raw_sql(AssertSqlSafe(version)).execute(&mut **transaction).await.map(drop)
}

async fn check(
    transaction: &mut Transaction<'_, sqlx::Sqlite>,
    before: [i64; 3],
    signer: &Signer,
) -> Result<(), StoreError> {
    let wrap = |cause| database_error(Path::new("state.db"), cause);
    // A new database had no tables to count.
    let after = counts(transaction, 1).await.map_err(wrap)?;
    if let Some(place) = (0..TABLES.len()).find(|place| before.get(*place) != after.get(*place)) {
        return Err(StoreError::RowsDiffer(TABLES.get(place).copied().unwrap_or_default()));
    }
    replay(transaction, signer, &mut |_| ()).await.map_err(wrap)?.map(drop)
}

async fn counts(database: &mut SqliteConnection, schema: u32) -> sqlx::Result<[i64; 3]> {
    let mut counts = [0; 3];
    if schema == 0 {
        return Ok(counts);
    }
    for (count, table) in counts.iter_mut().zip(TABLES) {
        let query = format!("SELECT count(*) FROM {table}");
        *count = sqlx::query(AssertSqlSafe(query)).fetch_one(&mut *database).await?.try_get(0)?;
    }
    Ok(counts)
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use jiff::Timestamp;
    use sqlx::{ConnectOptions as _, sqlite::SqliteConnectOptions};

    use super::*;
    use crate::{Chain, Store};

    fn signer() -> Signer {
        Signer::new("test/ledger", &[1; 32]).unwrap()
    }

    async fn open(path: &Path) -> SqliteConnection {
        SqliteConnectOptions::new().filename(path).create_if_missing(true).connect().await.unwrap()
    }

    /// A state as a program with the first schema alone left it.
    async fn first_schema(path: &Path) -> Chain {
        let mut database = open(path).await;
        sqlx::raw_sql(MIGRATIONS[0]).execute(&mut database).await.unwrap();
        let mut chain = Chain::EMPTY;
        for change in ["1", "2", "3"] {
            let at = Timestamp::UNIX_EPOCH;
            let entry = chain.extend(at, change.to_owned());
            sqlx::query("INSERT INTO ledger VALUES ($1, $2, $3, $4)")
                .bind(i64::try_from(entry.seq).unwrap())
                .bind(at.as_millisecond())
                .bind(entry.change)
                .bind(entry.hash.0.as_slice())
                .execute(&mut database)
                .await
                .unwrap();
        }
        sqlx::query("INSERT INTO checkpoint VALUES (3, $1)")
            .bind(signer().sign(chain).note)
            .execute(&mut database)
            .await
            .unwrap();
        sqlx::raw_sql("INSERT INTO shelf VALUES ('seed', 'h1', x'01'); PRAGMA user_version = 1")
            .execute(&mut database)
            .await
            .unwrap();
        database.close().await.unwrap();
        chain
    }

    #[tokio::test]
    async fn an_older_state_is_brought_forward_after_a_copy_was_made() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        let chain = first_schema(&path).await;
        let mut changes = Vec::new();
        let store = Store::open(&path, signer(), |entry| changes.push(entry.change)).await.unwrap();
        assert_eq!(changes, ["1", "2", "3"]);
        assert_eq!(store.verify().await.unwrap(), chain);
        assert_eq!(store.shelf("seed", "h1").await.unwrap().unwrap(), [1]);
        let mut database = open(&path).await;
        assert_eq!(version(&mut database).await.unwrap() as usize, MIGRATIONS.len());
        for tidy in ["DELETE FROM ledger WHERE seq = 1", "UPDATE checkpoint SET note = ''"] {
            let refused = sqlx::raw_sql(tidy).execute(&mut database).await.unwrap_err().to_string();
            assert!(refused.contains("append-only"), "{refused}");
        }
        let kept = kept(&path, 1);
        assert_eq!(fs::metadata(&kept).unwrap().permissions().mode() & 0o777, 0o600);
        let mut before = open(&kept).await;
        assert_eq!(version(&mut before).await.unwrap(), 1);
        assert_eq!(counts(&mut before, 1).await.unwrap(), [3, 1, 1]);
        drop(store);
        fs::remove_file(&kept).unwrap();
        Store::open(&path, signer(), |_| ()).await.unwrap();
        assert!(!kept.exists(), "what is of today's schema is not copied");
    }

    #[tokio::test]
    async fn a_migration_that_loses_or_changes_anything_did_not_happen() {
        for (step, found) in [
            ("DELETE FROM shelf", "rows of `shelf`"),
            ("INSERT INTO checkpoint VALUES (2, 'x')", "rows of `checkpoint`"),
            ("UPDATE ledger SET change = 'x' WHERE seq = 2", "entry 2 is not what was written"),
            ("ALTER TABLE missing ADD COLUMN x", "no such table"),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("state.db");
            first_schema(&path).await;
            let mut database = open(&path).await;
            let steps = [MIGRATIONS[0], "CREATE TABLE more (x)", step];
            let error = migrate(&path, &mut database, &signer(), &steps).await.unwrap_err();
            assert!(error.to_string().contains(found), "{step}: {error}");
            assert_eq!(version(&mut database).await.unwrap(), 1);
            assert_eq!(counts(&mut database, 1).await.unwrap(), [3, 1, 1]);
            assert!(sqlx::raw_sql("SELECT * FROM more").execute(&mut database).await.is_err());
            database.close().await.unwrap();
            Store::open(&path, signer(), |_| ()).await.unwrap();
        }
    }
}

//! The ledger and the shelf in one SQLite file, so that one transaction holds both.

use std::{
    fs::OpenOptions,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use sqlx::{
    ConnectOptions as _, Connection as _, QueryBuilder, Row as _, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};
use tokio::sync::Mutex;

use crate::{
    Broken, Chain, Checkpoint, Entry, Hash, Link, Signer,
    migrate::{self, MIGRATIONS},
};

/// SQLite before this version may corrupt a database when a WAL is reset.
const OLDEST_SQLITE: (u32, u32, u32) = (3, 51, 3);

/// What goes wrong with the state on disk. The operator must act.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database does not do what it is asked.
    #[error("the state in `{path}` cannot be used: {cause}")]
    Database {
        /// The database file.
        path: PathBuf,
        /// What SQLite says.
        cause: sqlx::Error,
    },
    /// No room is left.
    #[error(
        "the disk is full, or the room of its user is: nothing could be written to `{path}`, and what was asked for was \
         NOT done; make room, and try again ({cause})"
    )]
    Full {
        /// The database file.
        path: PathBuf,
        /// What SQLite says.
        cause: sqlx::Error,
    },
    /// Something else than a database stands in its place, or half of one.
    #[error("`{path}` is no database, or a damaged one ({cause}); `greave restore` takes the state back from a backup")]
    Damaged {
        /// The database file.
        path: PathBuf,
        /// What SQLite says.
        cause: sqlx::Error,
    },
    /// The library that was linked has a known fault.
    #[error("SQLite {0} is too old, it may lose data; build with the bundled one, 3.51.3 or newer")]
    OldSqlite(String),
    /// A newer Greave wrote this state.
    #[error("the state is of schema {found}, this program knows schemas up to {known}; use the newer program")]
    Newer {
        /// The schema on disk.
        found: u32,
        /// The newest schema known here.
        known: usize,
    },
    /// The schema could not be moved forward; the state is as it was.
    #[error("the state could not be moved from schema {from} to {to}, and is as it was: {why}")]
    NotMigrated {
        /// The schema on disk.
        from: u32,
        /// The newest schema.
        to: usize,
        /// What went wrong.
        why: Box<StoreError>,
    },
    /// A migration lost or added something.
    #[error("the rows of `{0}` are not as many as before")]
    RowsDiffer(&'static str),
    /// The ledger does not hold together.
    #[error("the ledger is broken: {0}; restore a backup, or look at it with `greave ledger verify`")]
    Broken(#[from] Broken),
    /// Something before went wrong, and what is on disk of it was not looked at yet.
    #[error("what was written last is in doubt; it is read again before anything is written")]
    InDoubt,
    /// A value that SQLite cannot hold, such as a time outside its range.
    #[error("a value in the state is out of range")]
    OutOfRange,
}

/// One thing to put on the shelf or to take from it, in the same transaction as a change.
#[derive(Clone, PartialEq, Eq)]
pub struct Shelf {
    /// What kind of thing, such as `seed`.
    pub bucket: &'static str,
    /// Which one.
    pub name: String,
    /// The bytes, or `None` to take it away.
    pub value: Option<Vec<u8>>,
}

/// The state on disk. One process writes it.
pub struct Store {
    path: PathBuf,
    signer: Signer,
    writer: Mutex<Writer>,
}

struct Writer {
    database: SqliteConnection,
    /// The end of the ledger, as far as anybody was told of it.
    chain: Chain,
    /// Whether more may be on disk: an append failed, or nobody waited for its end.
    in_doubt: bool,
}

impl Store {
    /// Opens the state at this path, makes it where it is not there, reads every entry
    /// through `each` and checks the whole chain.
    ///
    /// # Errors
    /// When the file cannot be used, is of a newer schema, or its ledger is broken.
    pub async fn open(path: &Path, signer: Signer, mut each: impl FnMut(Entry)) -> Result<Self, StoreError> {
        let wrap = |cause| database_error(path, cause);
        // SQLite gives its companion files the rights of the first.
        let private = OpenOptions::new().create(true).append(true).mode(0o600).open(path);
        private.map_err(|cause| wrap(sqlx::Error::Io(cause)))?;
        let mut database = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .disable_statement_logging()
            .connect()
            .await
            .map_err(wrap)?;
        check_version(&mut database).await.map_err(wrap)??;
        migrate::migrate(path, &mut database, &signer, MIGRATIONS).await?;
        let chain = replay(&mut database, &signer, &mut each).await.map_err(wrap)??;
        let writer = Mutex::new(Writer { database, chain, in_doubt: false });
        Ok(Self { path: path.to_owned(), signer, writer })
    }

    /// Writes changes, in this order, and what goes on the shelf with them, all or nothing.
    /// When it returns, they are on disk.
    ///
    /// # Errors
    /// When they may not be written. Whether they are, [`Store::missed`] says, as after a future
    /// that was dropped; until that is asked, nothing more is written.
    pub async fn append(&self, at: Timestamp, changes: Vec<String>, shelf: &[Shelf]) -> Result<Vec<Entry>, StoreError> {
        let mut writer = self.writer.lock().await;
        let Writer { database, chain, in_doubt } = &mut *writer;
        if *in_doubt {
            return Err(StoreError::InDoubt);
        }
        // The hash covers milliseconds: what is read back must be what was hashed.
        let at = Timestamp::from_millisecond(at.as_millisecond()).map_err(|_| StoreError::OutOfRange)?;
        let mut next = *chain;
        let entries: Vec<Entry> = changes.into_iter().map(|change| next.extend(at, change)).collect();
        let checkpoint = self.signer.sign(next);
        // A commit goes on where whoever waits for it does not.
        *in_doubt = true;
        write(database, &entries, &checkpoint, shelf).await.map_err(|cause| self.database_error(cause))?;
        (*chain, *in_doubt) = (next, false);
        Ok(entries)
    }

    /// What is on disk and nobody was told of: of an append that failed or was dropped. They
    /// count from now on. Empty, and without a look at the disk, where nothing is in doubt.
    ///
    /// # Errors
    /// When it cannot be read, or does not hold together; then it stays in doubt.
    pub async fn missed(&self) -> Result<Vec<Entry>, StoreError> {
        let mut writer = self.writer.lock().await;
        let Writer { database, chain, in_doubt } = &mut *writer;
        let mut missed = Vec::new();
        if *in_doubt {
            let hold = |chain, note: &str| hold_against(&self.signer, chain, note);
            let followed = follow(database, *chain, hold, &mut |entry| missed.push(entry)).await;
            *chain = followed.map_err(|cause| self.database_error(cause))??;
            *in_doubt = false;
        }
        Ok(missed)
    }

    /// Puts or takes one thing without a change.
    ///
    /// # Errors
    /// When the database does not do it.
    pub async fn shelve(&self, thing: &Shelf) -> Result<(), StoreError> {
        let mut writer = self.writer.lock().await;
        put(&mut writer.database, thing).await.map_err(|cause| self.database_error(cause))
    }

    /// What stands on the shelf under this name.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn shelf(&self, bucket: &'static str, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let mut writer = self.writer.lock().await;
        let row = sqlx::query("SELECT value FROM shelf WHERE bucket = $1 AND name = $2")
            .bind(bucket)
            .bind(name)
            .fetch_optional(&mut writer.database)
            .await
            .and_then(|row| row.map(|row| row.try_get("value")).transpose());
        row.map_err(|cause| self.database_error(cause))
    }

    /// Everything that stands in one bucket of the shelf, with its name.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn bucket(&self, bucket: &'static str) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        let mut writer = self.writer.lock().await;
        let rows = sqlx::query("SELECT name, value FROM shelf WHERE bucket = $1 ORDER BY name")
            .bind(bucket)
            .fetch_all(&mut writer.database)
            .await
            .and_then(|rows| rows.iter().map(|row| Ok((row.try_get("name")?, row.try_get("value")?))).collect());
        rows.map_err(|cause| self.database_error(cause))
    }

    /// Entries from a place on, at most so many, in their order.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn entries(&self, from: u64, most: u32) -> Result<Vec<Entry>, StoreError> {
        let mut writer = self.writer.lock().await;
        page(&mut writer.database, from, most).await.map_err(|cause| self.database_error(cause))?
    }

    /// What proves the entry at this place, with those that were written with it. `None` where
    /// there is none.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn link(&self, seq: u64) -> Result<Option<Link>, StoreError> {
        let mut writer = self.writer.lock().await;
        let database = &mut writer.database;
        let row = sqlx::query("SELECT seq, note FROM checkpoint WHERE seq >= $1 ORDER BY seq LIMIT 1")
            .bind(integer(seq))
            .fetch_optional(&mut *database)
            .await
            .and_then(|row| row.map(|row| Ok((row.try_get("seq")?, row.try_get("note")?))).transpose());
        let found: Option<(i64, String)> = row.map_err(|cause| self.database_error(cause))?;
        let Some((end, checkpoint)) = found.filter(|_| seq > 0) else { return Ok(None) };
        let most = u32::try_from(end.saturating_sub(integer(seq)).saturating_add(2)).unwrap_or(u32::MAX);
        let first = seq.saturating_sub(1).max(1);
        let mut entries = page(database, first, most).await.map_err(|cause| self.database_error(cause))??;
        entries.retain(|entry| integer(entry.seq) <= end);
        let before = if seq == 1 {
            Chain::EMPTY
        } else {
            if entries.is_empty() {
                return Ok(None);
            }
            let Entry { seq, hash, .. } = entries.remove(0);
            Chain { len: seq, head: hash }
        };
        let entries: Vec<_> = entries.into_iter().map(|entry| (entry.at, entry.change)).collect();
        Ok((!entries.is_empty()).then_some(Link { before, entries, checkpoint }))
    }

    /// The newest checkpoint, for a witness. `None` before the first change.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn checkpoint(&self) -> Result<Option<String>, StoreError> {
        let mut writer = self.writer.lock().await;
        newest_note(&mut writer.database).await.map_err(|cause| self.database_error(cause))
    }

    /// Reads the whole ledger again and holds it against its chain and its checkpoints.
    ///
    /// # Errors
    /// When it cannot be read, or does not hold together.
    pub async fn verify(&self) -> Result<Chain, StoreError> {
        let mut writer = self.writer.lock().await;
        replay(&mut writer.database, &self.signer, &mut |_| ()).await.map_err(|cause| self.database_error(cause))?
    }

    /// Who signs this ledger.
    pub const fn signer(&self) -> &Signer {
        &self.signer
    }

    fn database_error(&self, cause: sqlx::Error) -> StoreError {
        database_error(&self.path, cause)
    }
}

pub(crate) fn database_error(path: &Path, cause: sqlx::Error) -> StoreError {
    /// SQLite's codes `SQLITE_CORRUPT` and `SQLITE_NOTADB`.
    const DAMAGED: [&str; 2] = ["11", "26"];
    /// `SQLITE_FULL`, and `SQLITE_IOERR_SHMSIZE`: the file that readers share cannot be made longer.
    const FULL: [&str; 2] = ["13", "4874"];
    let path = path.to_owned();
    let code = cause.as_database_error().and_then(|error| error.code());
    match code {
        Some(code) if DAMAGED.contains(&&*code) => StoreError::Damaged { path, cause },
        Some(code) if FULL.contains(&&*code) => StoreError::Full { path, cause },
        _ => StoreError::Database { path, cause },
    }
}

pub(crate) async fn newest_note(database: &mut SqliteConnection) -> sqlx::Result<Option<String>> {
    let row = sqlx::query("SELECT note FROM checkpoint ORDER BY seq DESC LIMIT 1").fetch_optional(database).await?;
    row.map(|row| row.try_get("note")).transpose()
}

async fn check_version(database: &mut SqliteConnection) -> sqlx::Result<Result<(), StoreError>> {
    let version: String = sqlx::query("SELECT sqlite_version()").fetch_one(database).await?.try_get(0)?;
    let mut numbers = version.split('.').map(|number| number.parse::<u32>().unwrap_or(0));
    let mut next = || numbers.next().unwrap_or(0);
    let new_enough = (next(), next(), next()) >= OLDEST_SQLITE;
    Ok(if new_enough { Ok(()) } else { Err(StoreError::OldSqlite(version)) })
}

/// How many entries are written by one statement.
const ROWS: usize = 250;

/// How many entries are read at a time.
const PAGE: u32 = 10_000;

/// Reads the ledger through `each` and holds it against its chain and its checkpoints.
pub(crate) async fn replay(
    database: &mut SqliteConnection,
    signer: &Signer,
    each: &mut impl FnMut(Entry),
) -> sqlx::Result<Result<Chain, StoreError>> {
    follow(database, Chain::EMPTY, |chain, note| hold_against(signer, chain, note), each).await
}

/// The same from a place on, with the checkpoints held against what is given.
pub(crate) async fn follow(
    database: &mut SqliteConnection,
    from: Chain,
    hold: impl Fn(Chain, &str) -> Result<(), Broken>,
    each: &mut impl FnMut(Entry),
) -> sqlx::Result<Result<Chain, StoreError>> {
    let mut chain = from;
    let mut signed = from.len;
    loop {
        let entries = match page(database, chain.len + 1, PAGE).await? {
            Ok(entries) => entries,
            Err(error) => return Ok(Err(error)),
        };
        if entries.is_empty() {
            break;
        }
        let first = chain.len + 1;
        let notes = sqlx::query("SELECT seq, note FROM checkpoint WHERE seq >= $1 AND seq < $2 ORDER BY seq")
            .bind(integer(first))
            .bind(integer(first.saturating_add(entries.len() as u64)))
            .fetch_all(&mut *database)
            .await?;
        let mut notes = notes.into_iter().peekable();
        for entry in entries {
            if let Err(broken) = chain.follow(&entry) {
                return Ok(Err(broken.into()));
            }
            if let Some(row) = notes.next_if(|row| row.try_get("seq").is_ok_and(|seq: i64| seq == integer(entry.seq))) {
                if let Err(broken) = hold(chain, row.try_get("note")?) {
                    return Ok(Err(broken.into()));
                }
                signed = entry.seq;
            }
            each(entry);
        }
    }
    let last: Option<i64> = sqlx::query("SELECT max(seq) FROM checkpoint").fetch_one(database).await?.try_get(0)?;
    let last = last.and_then(|last| u64::try_from(last).ok()).unwrap_or(0);
    if last > chain.len {
        return Ok(Err(Broken::Cut { end: chain.len, signed: last }.into()));
    }
    if signed < chain.len {
        return Ok(Err(Broken::Unsigned(signed + 1).into()));
    }
    Ok(Ok(chain))
}

fn hold_against(signer: &Signer, chain: Chain, note: &str) -> Result<(), Broken> {
    let checkpoint =
        signer.verify(note).map_err(|error| Broken::Checkpoint { seq: chain.len, why: error.to_string() })?;
    if checkpoint.chain == chain { Ok(()) } else { Err(Broken::Fork(chain.len)) }
}

async fn page(database: &mut SqliteConnection, from: u64, most: u32) -> sqlx::Result<Result<Vec<Entry>, StoreError>> {
    let rows = sqlx::query("SELECT seq, at, change, hash FROM ledger WHERE seq >= $1 ORDER BY seq LIMIT $2")
        .bind(integer(from))
        .bind(most)
        .fetch_all(database)
        .await?;
    let mut entries = Vec::with_capacity(rows.len());
    for row in rows {
        let (seq, at): (i64, i64) = (row.try_get("seq")?, row.try_get("at")?);
        let hash: Vec<u8> = row.try_get("hash")?;
        let (Ok(seq), Ok(at), Ok(hash)) = (u64::try_from(seq), Timestamp::from_millisecond(at), hash.try_into()) else {
            return Ok(Err(StoreError::OutOfRange));
        };
        entries.push(Entry { seq, at, change: row.try_get("change")?, hash: Hash(hash) });
    }
    Ok(Ok(entries))
}

async fn write(
    database: &mut SqliteConnection,
    entries: &[Entry],
    checkpoint: &Checkpoint,
    shelf: &[Shelf],
) -> sqlx::Result<()> {
    let mut transaction = database.begin().await?;
    // Many rows in one statement: with an import each row alone would cost more than itself.
    for rows in entries.chunks(ROWS) {
        let mut insert = QueryBuilder::new("INSERT INTO ledger (seq, at, change, hash) ");
        insert.push_values(rows, |mut row, entry| {
            row.push_bind(integer(entry.seq));
            row.push_bind(entry.at.as_millisecond());
            row.push_bind(&entry.change);
            row.push_bind(entry.hash.0.as_slice());
        });
        insert.build().execute(&mut *transaction).await?;
    }
    if !entries.is_empty() {
        sqlx::query("INSERT INTO checkpoint (seq, note) VALUES ($1, $2)")
            .bind(integer(checkpoint.chain.len))
            .bind(&checkpoint.note)
            .execute(&mut *transaction)
            .await?;
    }
    for thing in shelf {
        put(&mut transaction, thing).await?;
    }
    transaction.commit().await
}

async fn put(database: &mut SqliteConnection, thing: &Shelf) -> sqlx::Result<()> {
    let query = match &thing.value {
        Some(value) => sqlx::query(
            "INSERT INTO shelf (bucket, name, value) VALUES ($1, $2, $3)
             ON CONFLICT (bucket, name) DO UPDATE SET value = excluded.value",
        )
        .bind(thing.bucket)
        .bind(&thing.name)
        .bind(value.as_slice()),
        None => sqlx::query("DELETE FROM shelf WHERE bucket = $1 AND name = $2").bind(thing.bucket).bind(&thing.name),
    };
    query.execute(database).await.map(|_| ())
}

/// SQLite's integers are signed; no ledger grows beyond half of `u64`.
fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, task::Poll};

    use super::*;

    fn signer() -> Signer {
        Signer::new("test/ledger", &[1; 32]).unwrap()
    }

    fn thing(name: &str, value: Option<&[u8]>) -> Shelf {
        Shelf { bucket: "seed", name: name.to_owned(), value: value.map(<[u8]>::to_vec) }
    }

    async fn filled(path: &Path) {
        let store = Store::open(path, signer(), |_| ()).await.unwrap();
        let now = "2026-11-24T10:00:00.123456789Z".parse().unwrap();
        store.append(now, vec!["1".to_owned(), "2".to_owned()], &[thing("h1", Some(b"sealed"))]).await.unwrap();
        store.append(now, vec!["3".to_owned()], &[]).await.unwrap();
    }

    /// What a thief does first.
    const UNGUARDED: &str = "DROP TRIGGER ledger_is_not_changed; DROP TRIGGER ledger_is_not_cut;
                             DROP TRIGGER checkpoint_is_not_changed; DROP TRIGGER checkpoint_is_not_cut";

    /// What opening says after somebody changed the file by hand.
    async fn after(tampering: &'static str) -> Result<Chain, StoreError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        filled(&path).await;
        let mut database = SqliteConnectOptions::new().filename(&path).connect().await.unwrap();
        sqlx::raw_sql(UNGUARDED).execute(&mut database).await.unwrap();
        sqlx::raw_sql(tampering).execute(&mut database).await.unwrap();
        database.close().await.unwrap();
        Store::open(&path, signer(), |_| ()).await?.verify().await
    }

    #[tokio::test]
    async fn what_was_appended_is_there_after_reopening() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        filled(&path).await;
        let mut changes = Vec::new();
        let store = Store::open(&path, signer(), |entry| changes.push(entry.change)).await.unwrap();
        assert_eq!(changes, ["1", "2", "3"]);
        assert_eq!(store.shelf("seed", "h1").await.unwrap().unwrap(), b"sealed");
        assert_eq!(store.bucket("seed").await.unwrap(), [("h1".to_owned(), b"sealed".to_vec())]);
        assert_eq!(store.bucket("other").await.unwrap(), []);
        store.shelve(&thing("h1", None)).await.unwrap();
        assert_eq!(store.shelf("seed", "h1").await.unwrap(), None);
        let note = store.checkpoint().await.unwrap().unwrap();
        assert_eq!(signer().verify(&note).unwrap().chain, store.verify().await.unwrap());
    }

    /// Polls a future so often, with time for the disk in between, then drops it.
    async fn polled<T>(times: usize, future: impl Future<Output = T>) -> Option<T> {
        let mut future = std::pin::pin!(future);
        for _ in 0..times {
            if let Poll::Ready(done) = poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await {
                return Some(done);
            }
            std::thread::sleep(std::time::Duration::from_micros(50));
            tokio::task::yield_now().await;
        }
        None
    }

    #[tokio::test]
    async fn an_append_that_nobody_waited_for_is_found_and_the_next_one_works() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        let store = Store::open(&path, signer(), |_| ()).await.unwrap();
        let now = "2026-11-24T10:00:00Z".parse().unwrap();
        let (mut told, mut dropped, mut found) = (Vec::new(), 0, 0);
        let mut take = |entries: Vec<Entry>| told.extend(entries.into_iter().map(|entry| entry.change));
        for times in (0..40).chain(0..40) {
            let shelf = [thing("h1", Some(b"sealed"))];
            match polled(times, store.append(now, vec![format!("a{times}"), format!("b{times}")], &shelf)).await {
                Some(written) => take(written.unwrap()),
                None => dropped += 1,
            }
            let missed = store.missed().await.unwrap();
            found += missed.len();
            take(missed);
            take(store.append(now, vec![format!("c{times}")], &[]).await.unwrap());
        }
        assert!(dropped > 0 && found > 0, "{dropped} were dropped, {found} of them were found");
        drop(store);
        let mut there = Vec::new();
        let store = Store::open(&path, signer(), |entry| there.push(entry.change)).await.unwrap();
        assert_eq!(told, there);
        store.verify().await.unwrap();
    }

    #[tokio::test]
    async fn after_an_append_that_failed_nothing_is_written_before_somebody_has_looked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        filled(&path).await;
        let store = Store::open(&path, signer(), |_| ()).await.unwrap();
        let mut other = SqliteConnectOptions::new().filename(&path).connect().await.unwrap();
        let full = "CREATE TRIGGER full BEFORE INSERT ON shelf BEGIN SELECT RAISE(ABORT, 'the disk is full'); END";
        sqlx::raw_sql(full).execute(&mut other).await.unwrap();
        let now = "2026-11-24T10:00:01Z".parse().unwrap();
        let failed = store.append(now, vec!["4".to_owned()], &[thing("h2", Some(b"sealed"))]).await;
        assert!(failed.unwrap_err().to_string().contains("the disk is full"));
        let too_early = store.append(now, vec!["4".to_owned()], &[]).await;
        assert!(matches!(too_early, Err(StoreError::InDoubt)));
        assert_eq!(store.missed().await.unwrap(), []);
        sqlx::raw_sql("DROP TRIGGER full").execute(&mut other).await.unwrap();
        let entries = store.append(now, vec!["4".to_owned()], &[thing("h2", Some(b"sealed"))]).await.unwrap();
        assert_eq!(entries[0].seq, 4);
        store.verify().await.unwrap();
    }

    #[tokio::test]
    async fn where_no_room_is_left_it_says_so_and_that_nothing_was_done() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        filled(&path).await;
        let store = Store::open(&path, signer(), |_| ()).await.unwrap();
        let limit = "PRAGMA max_page_count = 1";
        sqlx::raw_sql(limit).execute(&mut store.writer.lock().await.database).await.unwrap();
        let now = "2026-11-24T10:00:01Z".parse().unwrap();
        let long = "x".repeat(1 << 20);
        let full = store.append(now, vec![long.clone()], &[]).await.unwrap_err();
        assert!(matches!(full, StoreError::Full { .. }), "{full}");
        let words = full.to_string();
        assert!(words.contains("the disk is full") && words.contains("NOT done"), "{words}");
        assert_eq!(store.missed().await.unwrap(), [], "nothing is there");
        sqlx::raw_sql("PRAGMA max_page_count = 1000000")
            .execute(&mut store.writer.lock().await.database)
            .await
            .unwrap();
        assert_eq!(store.append(now, vec![long], &[]).await.unwrap()[0].seq, 4);
    }

    #[tokio::test]
    async fn each_entry_is_proven_with_the_public_key_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        filled(&path).await;
        let store = Store::open(&path, signer(), |_| ()).await.unwrap();
        let verifier = seal::Verifier::new("test/ledger", signer().public_key()).unwrap();
        for (seq, changes) in [(1, vec!["1", "2"]), (2, vec!["2"]), (3, vec!["3"])] {
            let link = store.link(seq).await.unwrap().unwrap();
            assert_eq!(link.entries.iter().map(|(_, change)| &**change).collect::<Vec<_>>(), changes);
            assert!(link.holds(&verifier));
            let other = Link { entries: vec![(link.entries[0].0, "9".to_owned())], ..link.clone() };
            assert!(!other.holds(&verifier));
            let mut earlier = link.clone();
            earlier.entries[0].0 -= jiff::SignedDuration::from_millis(1);
            assert!(!earlier.holds(&verifier));
            let less = Link { entries: link.entries[1..].to_vec(), ..link };
            assert!(!less.holds(&verifier));
        }
        assert_eq!(store.link(4).await.unwrap(), None);
        assert_eq!(store.link(0).await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_ledger_that_was_tampered_with_does_not_open() {
        assert!(after("SELECT 1").await.is_ok());
        for (tampering, found) in [
            ("UPDATE ledger SET change = 'x' WHERE seq = 2", "entry 2 is not what was written"),
            ("UPDATE ledger SET at = at + 1 WHERE seq = 1", "entry 1 is not what was written"),
            ("DELETE FROM ledger WHERE seq = 2", "entry 2 is missing"),
            ("DELETE FROM ledger WHERE seq = 3", "the end is cut off"),
            ("DELETE FROM checkpoint WHERE seq = 3", "no checkpoint covers the entries from 3"),
            ("UPDATE checkpoint SET note = replace(note, 'test', 'best')", "of another origin"),
            ("UPDATE checkpoint SET note = (SELECT note FROM checkpoint WHERE seq = 2)", "signed for another chain"),
        ] {
            let error = after(tampering).await.unwrap_err().to_string();
            assert!(error.contains(found), "{tampering}: {error}");
        }
    }

    #[tokio::test]
    async fn another_signer_does_not_take_the_ledger_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        filled(&path).await;
        let other = Signer::new("test/ledger", &[2; 32]).unwrap();
        assert!(matches!(Store::open(&path, other, |_| ()).await, Err(StoreError::Broken(Broken::Checkpoint { .. }))));
    }

    #[tokio::test]
    async fn a_newer_schema_is_left_alone() {
        let error = after("PRAGMA user_version = 99").await.unwrap_err();
        assert!(matches!(error, StoreError::Newer { found: 99, .. }));
    }
}

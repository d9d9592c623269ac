//! A copy of the state as it is at one moment, also while another process writes it.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use jiff::Timestamp;
use sqlx::{ConnectOptions as _, Connection as _, Row as _, SqliteConnection, sqlite::SqliteConnectOptions};

use crate::{
    Chain, Entry, StoreError, migrate,
    sqlite::{database_error, follow, newest_note},
};

/// What a copy holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    /// Where its ledger stands.
    pub chain: Chain,
    /// Its newest checkpoint; none where nothing is written.
    pub checkpoint: Option<String>,
    /// Its schema.
    pub schema: u32,
}

/// Copies the state at `from` into a file that must not be there, without the things in these
/// buckets of the shelf, and reads each entry of the copy. Signatures are looked at by whoever
/// opens it: that needs the signer.
///
/// # Errors
/// When either file cannot be used, or the ledger does not hold together.
pub async fn copy(from: &Path, to: &Path, without: &[&str], each: impl FnMut(Entry)) -> Result<Copied, StoreError> {
    let source = |cause| database_error(from, cause);
    let mut database =
        SqliteConnectOptions::new().filename(from).disable_statement_logging().connect().await.map_err(source)?;
    migrate::known(migrate::version(&mut database).await.map_err(source)?)?;
    let target = |cause| database_error(to, cause);
    let failed = |cause| target(sqlx::Error::Io(cause));
    private(to).map_err(failed)?;
    into(&mut database, to).await.map_err(target)?;
    database.close().await.map_err(source)?;
    let copied = leave_out(to, without, each).await.map_err(target)??;
    File::open(to).and_then(|file| file.sync_all()).map_err(failed)?;
    Ok(copied)
}

/// Copies the ledger at `from`, with what is sealed beside it, as it was at a moment: without what
/// was written later. What stands on the shelf is that of now.
///
/// # Errors
/// When either file cannot be used, or the ledger does not hold together.
pub async fn copy_as_of(from: &Path, to: &Path, at: Timestamp) -> Result<Copied, StoreError> {
    copy(from, to, &[], |_| ()).await?;
    let target = |cause| database_error(to, cause);
    cut(to, at).await.map_err(target)?
}

/// Changes that were written together have one time, and their checkpoint stands at the last.
async fn cut(path: &Path, at: Timestamp) -> sqlx::Result<Result<Copied, StoreError>> {
    let mut database = SqliteConnectOptions::new().filename(path).disable_statement_logging().connect().await?;
    sqlx::raw_sql("DROP TRIGGER ledger_is_not_cut; DROP TRIGGER checkpoint_is_not_cut").execute(&mut database).await?;
    let last: i64 = sqlx::query("SELECT coalesce(max(seq), 0) AS last FROM ledger WHERE at <= $1")
        .bind(at.as_millisecond())
        .fetch_one(&mut database)
        .await?
        .try_get("last")?;
    for table in ["DELETE FROM checkpoint WHERE seq > $1", "DELETE FROM ledger WHERE seq > $1"] {
        sqlx::query(table).bind(last).execute(&mut database).await?;
    }
    finish(database, |_| ()).await
}

async fn leave_out(path: &Path, without: &[&str], each: impl FnMut(Entry)) -> sqlx::Result<Result<Copied, StoreError>> {
    let mut database = SqliteConnectOptions::new().filename(path).disable_statement_logging().connect().await?;
    // What is left out is overwritten, too.
    sqlx::raw_sql("PRAGMA secure_delete = ON").execute(&mut database).await?;
    for bucket in without {
        sqlx::query("DELETE FROM shelf WHERE bucket = $1").bind(*bucket).execute(&mut database).await?;
    }
    finish(database, each).await
}

/// Reads each entry of a copy, and says what it is.
async fn finish(
    mut database: SqliteConnection,
    mut each: impl FnMut(Entry),
) -> sqlx::Result<Result<Copied, StoreError>> {
    let chain = match follow(&mut database, Chain::EMPTY, |_, _| Ok(()), &mut each).await? {
        Ok(chain) => chain,
        Err(error) => return Ok(Err(error)),
    };
    let copied =
        Copied { chain, checkpoint: newest_note(&mut database).await?, schema: migrate::version(&mut database).await? };
    database.close().await?;
    Ok(Ok(copied))
}

/// SQLite writes into an empty file and leaves its rights as they are.
pub(crate) fn private(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map(drop)
}

/// Copies what the database holds at this moment.
pub(crate) async fn into(database: &mut SqliteConnection, to: &Path) -> sqlx::Result<()> {
    let name = to.to_str().ok_or_else(|| sqlx::Error::Io(io::Error::other("the path is no UTF-8")))?;
    sqlx::query("VACUUM INTO $1").bind(name).execute(database).await.map(drop)
}

/// Gives a new file its name when it is on disk.
pub(crate) fn settle(new: &Path, name: &Path) -> io::Result<()> {
    File::open(new)?.sync_all()?;
    fs::rename(new, name)?;
    File::open(name.parent().unwrap_or(Path::new(".")))?.sync_all()
}

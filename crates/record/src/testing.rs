//! Calls for tests.

use std::{
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use law::{Call, CallId, Ended, Factor, HolderId, KeyId, Outcome, Power, Powers, Verdict, Who};
use tempfile::TempDir;
use uuid::Uuid;

use crate::{Book, Damage, Entry, Joined, Reader, Sealing, Settings, folder::places};

/// The first second of 2026.
const START: i64 = 1_767_225_600;

/// The call with this number: one a second.
pub(crate) fn call(number: u64) -> Call {
    Call {
        id: CallId(Uuid::from_u128(u128::from(number))),
        at: Timestamp::from_second(START + i64::try_from(number).unwrap()).unwrap(),
        who: Who::Key,
        key: Some(KeyId(17)),
        holder: Some(HolderId(3)),
        operation: "GET /users/{name}".into(),
        parameters: vec![("name".into(), "ada".into())],
        query: vec!["page=2".into()],
        powers: Powers::from(Power::Read),
        source: "192.0.2.9".parse().unwrap(),
        user_agent: Some("curl/8.5.0".into()),
        factors: Factor::Secret.into(),
        verdict: Verdict::Permit,
        law: "0123456789abcdef".into(),
        challenge: None,
        approval: None,
    }
}

pub(crate) fn outcome(call: &Call) -> Outcome {
    Outcome {
        call: call.id,
        at: call.at,
        status: 200,
        bytes_in: 0,
        bytes_out: 512,
        rows: Some(30),
        minted: None,
        learned: None,
        micros: 1500,
        ended: Ended::Whole,
    }
}

pub(crate) fn joined(number: u64) -> Joined {
    let call = call(number);
    let outcome = Some(outcome(&call));
    Joined { call, outcome }
}

/// Small files, quick tries; slow never.
pub(crate) fn settings() -> Settings {
    Settings {
        roll: 1 << 20,
        cap: 8 << 20,
        retry: Duration::from_millis(1),
        slow: Duration::from_secs(3600),
        ..Settings::default()
    }
}

/// Seals as soon as there is something, and keeps everything.
pub(crate) fn sealing() -> Sealing {
    Sealing {
        signer: seal::Signer::new("test/record", &[5; 32]).unwrap(),
        after: Duration::from_millis(20),
        keep: law::ByPower::default(),
        cap: u64::MAX,
        piece: 64 << 20,
        settle: Duration::ZERO,
    }
}

/// Opens a book that seals like that.
pub(crate) fn open_sealing(folder: &Path) -> Book {
    Book::open_sealing(folder, settings(), sealing()).unwrap()
}

/// A place for a book's folder.
pub(crate) fn folder() -> (TempDir, PathBuf) {
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path().join("calls");
    (scratch, folder)
}

/// An empty folder for a book's files.
pub(crate) fn made_folder() -> TempDir {
    tempfile::Builder::new().permissions(PermissionsExt::from_mode(0o700)).tempdir().unwrap()
}

pub(crate) fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

/// Waits for something that another thread does; a minute is never.
pub(crate) fn until(mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(300), "it never came");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// What can be read, and what cannot.
pub(crate) fn read(folder: &Path) -> (Vec<Entry>, Vec<Damage>) {
    let mut entries = Vec::new();
    let mut damages = Vec::new();
    for entry in Reader::open(folder).unwrap() {
        match entry {
            Ok(entry) => entries.push(entry),
            Err(damage) => damages.push(damage),
        }
    }
    (entries, damages)
}

/// The book's files, oldest first.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    places(folder).unwrap().into_iter().map(|place| place.path).collect()
}

//! A disk that does not take what it should, with real ones: a folder that is moved away, a file
//! that somebody else changes, and a limit on the size of files that the kernel enforces.

use std::{
    env, fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use law::Call;

use crate::{
    Book, Entry, Gap, Health, Notice, Reason, Settings,
    folder::{HEADER, Place, header},
    testing,
};

fn calls_and_gaps(folder: &Path) -> (Vec<Call>, Vec<Gap>) {
    let (entries, damages) = testing::read(folder);
    assert_eq!(damages, []);
    let (mut calls, mut gaps) = (Vec::new(), Vec::new());
    for entry in entries {
        match entry {
            Entry::Call(call) => calls.push(call),
            Entry::Gap(gap) => gaps.push(gap),
            other => panic!("nobody wrote {other:?}"),
        }
    }
    (calls, gaps)
}

fn refused(book: &Book, number: u64) -> Reason {
    testing::wait(book.intent_durable(testing::call(number))).unwrap_err().reason
}

/// Ordinary calls until some are lost; how many were handed over.
fn overfill(book: &Book, from: u64) -> u64 {
    let mut number = from;
    while book.counts().lost < 10 {
        book.intent(testing::call(number)).unwrap();
        number += 1;
    }
    number - from
}

#[test]
fn a_folder_that_is_gone_stops_what_is_sensitive_and_loses_nothing_that_was_acknowledged() {
    let (scratch, folder) = testing::folder();
    let book = Book::open(&folder, Settings { queue: 64 << 10, ..testing::settings() }).unwrap();
    testing::wait(book.intent_durable(testing::call(0))).unwrap();

    let away = scratch.path().join("away");
    fs::rename(&folder, &away).unwrap();
    assert_eq!(refused(&book, 1), Reason::Gone);
    assert_eq!(refused(&book, 2), Reason::Gone);
    assert!(matches!(book.health(), Health::Failing { reason: Reason::Gone, lost: 0, .. }));
    let handed_over = overfill(&book, 3);
    testing::until(|| book.counts().failures >= 5);

    fs::rename(&away, &folder).unwrap();
    testing::until(|| book.health() == Health::Healthy);
    testing::wait(book.intent_durable(testing::call(1_000_000))).unwrap();

    let (calls, gaps) = calls_and_gaps(&folder);
    let lost: u64 = gaps.iter().map(|gap| gap.calls).sum();
    assert_eq!(lost, 10);
    assert_eq!(calls.len() as u64, 3 + handed_over - lost + 1, "what is not counted as lost is there");
    assert!(calls.windows(2).all(|pair| pair[0].id < pair[1].id), "once, and in order");
    assert_eq!(gaps.iter().map(|gap| gap.refused).sum::<u64>(), 2);
    assert_eq!((gaps[0].reason, gaps[0].from <= gaps[0].to), (Reason::Gone, true));
    let mut notices = book.notices();
    assert!(matches!(notices[0], Notice::Failing(unavailable) if unavailable.reason == Reason::Gone));
    // A gap that lasts may be told in several pieces, the last of them a moment after it was written.
    let missing = |notices: &[Notice]| {
        let calls = |notice: &Notice| if let Notice::Missing(gap) = notice { gap.calls } else { 0 };
        notices.iter().map(calls).sum::<u64>()
    };
    testing::until(|| {
        notices.extend(book.notices());
        missing(&notices) == lost
    });
}

#[test]
fn a_new_folder_in_the_old_ones_place_is_gone_on_with_and_locked() {
    let (_scratch, folder) = testing::folder();
    let book = Book::open(&folder, testing::settings()).unwrap();
    testing::wait(book.intent_durable(testing::call(0))).unwrap();
    fs::remove_dir_all(&folder).unwrap();
    assert_eq!(refused(&book, 1), Reason::Gone);
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    testing::until(|| book.health() == Health::Healthy);
    testing::wait(book.synced()).unwrap();
    let (calls, gaps) = calls_and_gaps(&folder);
    assert_eq!((calls, gaps.len()), (vec![testing::call(1)], 1));
    assert!(Book::open(&folder, testing::settings()).is_err(), "nobody else may write it now");
}

#[test]
fn a_number_that_is_taken_is_not_taken_again() {
    let (_scratch, folder) = testing::folder();
    let book = Book::open(&folder, testing::settings()).unwrap();
    let taken = Place::new(&folder, 7, testing::call(0).at);
    fs::write(&taken.path, header(7, testing::call(0).at)).unwrap();
    testing::wait(book.intent_durable(testing::call(1))).unwrap();
    let files = testing::files(&folder);
    assert!(matches!(&files[..], [first, second] if *first == taken.path && second > first), "{files:?}");
    assert_eq!(calls_and_gaps(&folder).0, [testing::call(1)]);
}

#[test]
fn a_file_that_somebody_else_cuts_or_appends_to_is_not_written_any_more() {
    let (_scratch, folder) = testing::folder();
    let book = Book::open(&folder, testing::settings()).unwrap();
    testing::wait(book.intent_durable(testing::call(0))).unwrap();
    testing::wait(book.intent_durable(testing::call(1))).unwrap();
    let newest = testing::files(&folder).pop().unwrap();
    let file = fs::OpenOptions::new().append(true).open(&newest).unwrap();
    file.set_len(file.metadata().unwrap().len() - 1).unwrap();
    assert_eq!(refused(&book, 2), Reason::Gone);
    testing::until(|| book.health() == Health::Healthy);

    let newest = testing::files(&folder).pop().unwrap();
    fs::OpenOptions::new().append(true).open(&newest).unwrap().write_all(b"thief").unwrap();
    assert_eq!(refused(&book, 3), Reason::Gone);
    testing::until(|| book.health() == Health::Healthy);
    testing::wait(book.intent_durable(testing::call(4))).unwrap();
    assert_eq!(testing::files(&folder).len(), 3);
}

#[test]
fn after_the_grace_ordinary_calls_fail_too_and_a_mended_disk_opens_the_book_again() {
    let (scratch, folder) = testing::folder();
    let book = Book::open(&folder, Settings { grace: Duration::ZERO, ..testing::settings() }).unwrap();
    testing::wait(book.intent_durable(testing::call(0))).unwrap();
    let away = scratch.path().join("away");
    fs::rename(&folder, &away).unwrap();
    assert_eq!(refused(&book, 1), Reason::Gone);
    assert_eq!(book.intent(testing::call(2)).unwrap_err().reason, Reason::Gone);
    assert!(matches!(book.health(), Health::Closed { reason: Reason::Gone, .. }));
    fs::rename(&away, &folder).unwrap();
    testing::until(|| book.health() == Health::Healthy);
    book.intent(testing::call(3)).unwrap();
    testing::wait(book.synced()).unwrap();
    let (calls, gaps) = calls_and_gaps(&folder);
    assert_eq!(calls, (0..4).map(testing::call).collect::<Vec<_>>(), "who was refused is in the book all the same");
    assert_eq!(gaps.iter().map(|gap| gap.refused).sum::<u64>(), 2);
}

#[test]
fn a_disk_that_is_too_slow_stops_what_is_sensitive_and_still_takes_what_is_ordinary() {
    let (_scratch, folder) = testing::folder();
    // No disk is as fast as this.
    let book = Book::open(&folder, Settings { slow: Duration::ZERO, ..testing::settings() }).unwrap();
    book.intent(testing::call(0)).unwrap();
    testing::until(|| matches!(book.health(), Health::Failing { reason: Reason::Slow, .. }));
    assert_eq!(refused(&book, 1), Reason::Slow);
    book.intent(testing::call(2)).unwrap();
    drop(book);
    let (calls, gaps) = calls_and_gaps(&folder);
    assert_eq!(calls, (0..3).map(testing::call).collect::<Vec<_>>());
    assert_eq!(
        gaps.iter().map(|gap| (gap.calls, gap.refused)).fold((0, 0), |sum, gap| (sum.0 + gap.0, sum.1 + gap.1)),
        (0, 1)
    );
}

const FOLDER: &str = "RECORD_FULL_FOLDER";

/// Sets the size that files of this process may have.
fn limit_files(size: &str) {
    let process = format!("--pid={}", std::process::id());
    let limit = format!("--fsize={size}:unlimited");
    assert!(Command::new("prlimit").args([process, limit]).status().unwrap().success());
}

/// Not a test by itself: the process whose disk is full.
#[test]
fn child() {
    let Some(folder) = env::var_os(FOLDER).map(PathBuf::from) else { return };
    let book = Book::open(&folder, Settings { queue: 64 << 10, ..testing::settings() }).unwrap();
    testing::wait(book.intent_durable(testing::call(0))).unwrap();

    limit_files("0");
    assert_eq!(refused(&book, 1), Reason::Full);
    let handed_over = overfill(&book, 2);
    testing::until(|| book.counts().failures >= 5);
    assert!(matches!(book.health(), Health::Failing { reason: Reason::Full, lost: 10.., .. }));

    limit_files("unlimited");
    testing::until(|| book.health() == Health::Healthy);
    testing::wait(book.intent_durable(testing::call(1_000_000))).unwrap();
    drop(book);
    for file in testing::files(&folder) {
        assert!(fs::metadata(file).unwrap().len() > HEADER, "tries leave nothing behind");
    }
    let (calls, gaps) = calls_and_gaps(&folder);
    assert_eq!(gaps.iter().map(|gap| gap.calls).sum::<u64>(), 10);
    assert_eq!(calls.len() as u64, 2 + handed_over - 10 + 1);
    assert!(calls.windows(2).all(|pair| pair[0].id < pair[1].id), "once, and in order");
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_stops_what_is_sensitive_and_heals_by_itself() {
    let (_scratch, folder) = testing::folder();
    // A process that ignores the signal gets an error instead, as it would from a full disk.
    let output = Command::new("sh")
        .args(["-c", "trap '' XFSZ; exec \"$0\" tests::trouble::child --exact --nocapture"])
        .arg(env::current_exe().unwrap())
        .env(FOLDER, &folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(!testing::files(&folder).is_empty(), "the other process has done its part");
}

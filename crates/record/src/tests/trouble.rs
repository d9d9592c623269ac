//! A disk that does not take what it should, with real ones: a folder that is moved away or may
//! not be written, a file that somebody else changes, a pipe that nobody reads, and a limit on the
//! size of files that the kernel enforces; while calls are logged, and while they are sealed.

use std::{
    env, fs,
    io::Write as _,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use law::Call;

use crate::{
    Book, Entry, Gap, Health, Notice, Reason, Sealing, Settings,
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
    // Until then the folder is read, and that it is gone would be told of that first.
    testing::until(|| book.usage_is_complete());

    let away = scratch.path().join("away");
    fs::rename(&folder, &away).unwrap();
    assert_eq!(refused(&book, 1), Reason::Gone);
    assert_eq!(refused(&book, 2), Reason::Gone);
    assert!(matches!(book.health(), Health::Failing { reason: Reason::Gone, lost: 0, .. }));
    let handed_over = overfill(&book, 3);
    testing::until(|| book.counts().failures >= 5);

    fs::rename(&away, &folder).unwrap();
    testing::until(|| book.health() == Health::Healthy);
    // The queue is full until what waited is written.
    testing::wait(book.synced()).unwrap();
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
    // The queue is full until what waited is written.
    testing::wait(book.synced()).unwrap();
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

/// Runs a test as a process of its own, in this folder; whether it went well.
fn in_a_process(words: &[&str], name: &str, folder: &Path) {
    let (program, rest) = words.split_first().unwrap();
    let output = Command::new(program)
        .args(rest)
        .arg(env::current_exe().unwrap())
        .args([name, "--exact", "--nocapture"])
        .env(FOLDER, folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(folder.join("lock").exists(), "the other process has done its part");
}

/// A process that ignores the signal gets an error instead, as it would from a full disk.
const WITHOUT_SIGNAL: [&str; 3] = ["sh", "-c", "trap '' XFSZ; exec \"$0\" \"$@\""];

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_stops_what_is_sensitive_and_heals_by_itself() {
    let (_scratch, folder) = testing::folder();
    in_a_process(&WITHOUT_SIGNAL, "tests::trouble::child", &folder);
}

fn told(book: &Book, wanted: impl Fn(&Notice) -> bool) {
    testing::until(|| book.notices().iter().any(&wanted));
}

fn unsealed(notice: &Notice) -> bool {
    matches!(notice, Notice::Unsealed(_))
}

/// Everything is sealed, nothing is lost, and nobody was refused.
fn sealed_whole(book: Book, folder: &Path, calls: u64) {
    testing::until(|| testing::files(folder).is_empty());
    assert_eq!(book.counts().refused, 0);
    drop(book);
    assert_eq!(calls_and_gaps(folder), ((0..calls).map(testing::call).collect(), vec![]));
    let verified = crate::verify(folder, &testing::sealing().signer.verifier(), &[]).unwrap();
    assert_eq!((verified.findings, verified.unsealed), (vec![], 0));
}

/// Not a test by itself: the process whose disk has no room for a segment.
#[test]
fn child_sealing() {
    let Some(folder) = env::var_os(FOLDER).map(PathBuf::from) else { return };
    // A segment is longer, and a few calls in the log are not.
    limit_files("3000");
    let book = testing::open_sealing(&folder);
    testing::wait(book.intent_durable(testing::call(0))).unwrap();
    told(&book, unsealed);
    for number in 1..4 {
        testing::wait(book.intent_durable(testing::call(number))).unwrap();
    }
    assert_eq!((book.health(), testing::files(&folder).is_empty()), (Health::Healthy, false));
    limit_files("unlimited");
    sealed_whole(book, &folder, 4);
}

#[test]
#[cfg(target_os = "linux")]
fn a_disk_too_full_to_seal_is_told_and_calls_go_on_into_the_log() {
    let (_scratch, folder) = testing::folder();
    in_a_process(&WITHOUT_SIGNAL, "tests::trouble::child_sealing", &folder);
}

#[test]
fn sealing_that_takes_long_holds_no_call_up() {
    let (_scratch, folder) = testing::folder();
    // Each entry becomes a segment of its own, which is brought to the disk.
    let after = Duration::from_millis(200);
    let book =
        Book::open_sealing(&folder, testing::settings(), Sealing { piece: 1, after, ..testing::sealing() }).unwrap();
    for number in 0..1000 {
        book.intent(testing::call(number)).unwrap();
    }
    testing::wait(book.synced()).unwrap();
    let is_hour = |entry: fs::DirEntry| entry.file_name().to_string_lossy().starts_with("hour=");
    testing::until(|| fs::read_dir(&folder).unwrap().flatten().any(is_hour));
    for number in 1000..1020 {
        testing::wait(book.intent_durable(testing::call(number))).unwrap();
    }
    assert_eq!(book.health(), Health::Healthy);
    assert!(!folder.join("checkpoint").exists(), "it is not done yet");
    sealed_whole(book, &folder, 1020);
}

/// Not a test by itself: the process that may not write in its folder any more.
#[test]
fn child_read_only() {
    let Some(folder) = env::var_os(FOLDER).map(PathBuf::from) else { return };
    let mode = |mode| fs::set_permissions(&folder, fs::Permissions::from_mode(mode)).unwrap();
    let book = testing::open_sealing(&folder);
    testing::wait(book.intent_durable(testing::call(0))).unwrap();
    mode(0o500);
    // What is open goes on; the next file cannot be begun, and nothing can be sealed.
    let mut number = 1;
    let reason = loop {
        match testing::wait(book.intent_durable(testing::call(number))) {
            Ok(()) => number += 1,
            Err(unavailable) => break unavailable.reason,
        }
    };
    assert_eq!(reason, Reason::ReadOnly);
    book.intent(testing::call(number + 1)).unwrap();
    told(&book, unsealed);
    mode(0o700);
    testing::until(|| book.health() == Health::Healthy);
    testing::wait(book.synced()).unwrap();
    testing::until(|| testing::files(&folder).is_empty());
    drop(book);
    let (calls, gaps) = calls_and_gaps(&folder);
    assert_eq!(calls, (0..number + 2).map(testing::call).collect::<Vec<_>>());
    assert_eq!(gaps.iter().map(|gap| (gap.calls, gap.refused)).fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1)), (0, 1));
}

#[test]
#[cfg(target_os = "linux")]
fn a_folder_that_may_not_be_written_stops_what_is_sensitive_and_heals() {
    let (scratch, folder) = testing::folder();
    // No mode holds root back.
    let nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    let is_root = fs::metadata(scratch.path()).unwrap().uid() == 0;
    if is_root {
        std::os::unix::fs::chown(scratch.path(), Some(65534), Some(65534)).unwrap();
    }
    in_a_process(if is_root { &nobody } else { &["env"] }, "tests::trouble::child_read_only", &folder);
}

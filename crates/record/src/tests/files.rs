//! The folder: who may use it, when a file is followed by another, what is removed.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, thread, time::Duration};

use law::Call;

use crate::{Book, Damage, Entry, Gap, Notice, OpenError, Reader, Removed, Settings, testing};

/// Writes so many calls, each on disk before the next, so that files roll as often as they can.
fn write(book: &Book, numbers: std::ops::Range<u64>) {
    for number in numbers {
        testing::wait(book.intent_durable(testing::call(number))).unwrap();
    }
}

fn small() -> Settings {
    Settings { roll: 4096, cap: 5 * 4096, ..testing::settings() }
}

fn numbers(folder: &Path) -> Vec<u64> {
    testing::read(folder)
        .0
        .into_iter()
        .filter_map(|entry| match entry {
            Entry::Call(call) => u64::try_from(call.id.0.as_u128()).ok(),
            _ => None,
        })
        .collect()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn nobody_else_can_read_the_book() {
    let (_scratch, folder) = testing::folder();
    let book = Book::open(&folder, testing::settings()).unwrap();
    write(&book, 0..1);
    drop(book);
    assert_eq!(mode(&folder), 0o700);
    for file in fs::read_dir(&folder).unwrap() {
        assert_eq!(mode(&file.unwrap().path()), 0o600);
    }
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o750)).unwrap();
    assert!(matches!(Book::open(&folder, testing::settings()), Err(OpenError::Exposed { mode: 0o750, .. })));
}

#[test]
fn two_cannot_write_the_same_book() {
    let (_scratch, folder) = testing::folder();
    let book = Book::open(&folder, testing::settings()).unwrap();
    assert!(matches!(Book::open(&folder, testing::settings()), Err(OpenError::Locked { .. })));
    drop(book);
    Book::open(&folder, testing::settings()).unwrap();
}

#[test]
fn a_cap_that_two_files_do_not_fit_under_is_refused() {
    let (_scratch, folder) = testing::folder();
    let settings = Settings { roll: 100, cap: 199, ..testing::settings() };
    assert!(matches!(Book::open(&folder, settings), Err(OpenError::Cap { cap: 199, roll: 100 })));
}

#[test]
fn entries_stand_in_the_order_in_which_they_were_handed_over_across_files_and_starts() {
    let (_scratch, folder) = testing::folder();
    let settings = Settings { cap: 1 << 20, ..small() };
    for start in 0..3 {
        let book = Book::open(&folder, settings).unwrap();
        write(&book, start * 50..(start + 1) * 50);
    }
    assert!(testing::files(&folder).len() > 5);
    assert_eq!(numbers(&folder), (0..150).collect::<Vec<_>>());
}

#[test]
fn the_oldest_files_give_way_and_that_is_told_and_written() {
    let (_scratch, folder) = testing::folder();
    let book = Book::open(&folder, small()).unwrap();
    write(&book, 0..200);
    let told: Vec<Removed> = book
        .notices()
        .into_iter()
        .map(|notice| match notice {
            Notice::Removed(removed) => removed,
            other => panic!("{other:?}"),
        })
        .collect();
    let kept = testing::files(&folder);
    let total: u64 = kept.iter().map(|file| fs::metadata(file).unwrap().len()).sum();
    assert!(total <= small().cap, "{total}");
    assert_eq!(
        told.iter().map(|removed| removed.sequence).collect::<Vec<_>>(),
        (1..=told.len() as u64).collect::<Vec<_>>()
    );
    assert!(!told.is_empty());

    let (entries, damages) = testing::read(&folder);
    assert_eq!(damages, [], "what the cap removed is not missing");
    let written: Vec<Removed> = entries
        .into_iter()
        .filter_map(|entry| if let Entry::Removed(removed) = entry { Some(removed) } else { None })
        .collect();
    assert!(told.ends_with(&written) && written.last() == told.last());
    let numbers = numbers(&folder);
    assert_eq!(numbers, (numbers[0]..200).collect::<Vec<_>>(), "only the old end is gone");

    drop(book);
    let book = Book::open(&folder, small()).unwrap();
    testing::until(|| book.usage_is_complete());
    let again = book.notices();
    let told_again = |notice: &Notice| matches!(notice, Notice::Removed(removed) if written.contains(removed));
    assert!(again.iter().all(told_again), "nor is it at the next start: {again:?}");
    assert!(!again.is_empty(), "who removed it may have been killed before it could tell");
}

#[test]
fn a_smaller_cap_holds_from_the_next_write() {
    let (_scratch, folder) = testing::folder();
    let book = Book::open(&folder, Settings { cap: 1 << 20, ..small() }).unwrap();
    write(&book, 0..100);
    drop(book);
    let book = Book::open(&folder, Settings { cap: 2 * 4096, ..small() }).unwrap();
    write(&book, 100..101);
    assert!(testing::files(&folder).len() <= 2);
}

#[test]
fn a_file_that_somebody_removed_is_missed() {
    let (_scratch, folder) = testing::folder();
    let book = Book::open(&folder, Settings { cap: 1 << 20, ..small() }).unwrap();
    write(&book, 0..60);
    drop(book);
    let files = testing::files(&folder);
    fs::remove_file(&files[2]).unwrap();
    assert_eq!(testing::read(&folder).1, [Damage::Missing { from: 3, to: 3 }]);
    fs::remove_file(&files[0]).unwrap();
    let book = Book::open(&folder, small()).unwrap();
    testing::until(|| book.usage_is_complete());
    let notices = book.notices();
    assert!(notices.contains(&Notice::Damaged(Damage::Missing { from: 1, to: 1 })), "{notices:?}");
    assert!(notices.contains(&Notice::Damaged(Damage::Missing { from: 3, to: 3 })), "{notices:?}");
}

#[test]
fn files_that_ended_before_are_not_opened() {
    let (_scratch, folder) = testing::folder();
    let book = Book::open(&folder, small()).unwrap();
    write(&book, 0..3);
    drop(book);
    let [file] = &testing::files(&folder)[..] else { panic!("one file was begun") };
    // As if the book had been begun long ago, and gone on in a second file since.
    let now = jiff::Timestamp::now();
    let old = folder.join("00000001-20260101T000000Z.calls");
    fs::rename(file, &old).unwrap();
    fs::write(&old, b"rubbish that would be told if it were opened").unwrap();
    fs::write(folder.join("00000002-20260102T000000Z.calls"), crate::folder::header(2, now)).unwrap();
    let book = Book::open(&folder, small()).unwrap();
    let new = Call { at: now, ..testing::call(7) };
    testing::wait(book.intent_durable(new.clone())).unwrap();

    assert_ne!(testing::read(&folder).1, []);
    let since = |text: &str| Reader::open(&folder).unwrap().since(text.parse().unwrap()).collect::<Vec<_>>();
    assert_eq!(since("2026-01-03T00:00:00Z"), [Ok(Entry::Call(new))]);
    assert_ne!(since("2026-01-02T00:00:30Z").len(), 1, "clocks may have been set back a little");
    assert_eq!(since("2200-01-01T00:00:00Z"), []);
}

#[test]
fn whoever_follows_sees_everything_across_files_while_it_is_written() {
    let (_scratch, folder) = testing::folder();
    let book = Book::open(&folder, Settings { cap: 1 << 20, ..small() }).unwrap();
    let follow = Reader::open(&folder).unwrap().follow(Duration::from_millis(1));
    thread::scope(|scope| {
        let seen = scope.spawn(|| follow.take(200).collect::<Vec<_>>());
        write(&book, 0..200);
        let expected: Vec<_> = (0..200).map(|number| Ok(Entry::Call(testing::call(number)))).collect();
        assert_eq!(seen.join().unwrap(), expected);
    });
}

#[test]
fn calls_come_joined_with_their_outcomes() {
    let (_scratch, folder) = testing::folder();
    let book = Book::open(&folder, small()).unwrap();
    let first = testing::joined(1);
    book.intent(first.call.clone()).unwrap();
    book.intent(testing::call(2)).unwrap();
    book.outcome(first.outcome.clone().unwrap());
    testing::wait(book.synced()).unwrap();
    let joined: Vec<_> = Reader::open(&folder).unwrap().joined().map(Result::unwrap).collect();
    assert_eq!(joined, [first, crate::Joined { call: testing::call(2), outcome: None }]);
    assert_eq!((book.counts().written, book.counts().lost), (3, 0));
}

#[test]
fn the_use_of_keys_is_known_at_once_and_after_the_next_start() {
    let (_scratch, folder) = testing::folder();
    let book = Book::open(&folder, Settings { cap: 1 << 20, ..small() }).unwrap();
    write(&book, 0..40);
    testing::until(|| book.usage_is_complete());
    let usages = book.usages();
    assert_eq!(usages[0].1.passed, 40);
    drop(book);
    let book = Book::open(&folder, small()).unwrap();
    testing::until(|| book.usage_is_complete());
    assert_eq!(book.usages(), usages);
}

#[test]
fn what_is_queued_when_the_book_is_dropped_is_written() {
    let (_scratch, folder) = testing::folder();
    let book = Book::open(&folder, testing::settings()).unwrap();
    for number in 0..500 {
        book.intent(testing::call(number)).unwrap();
    }
    drop(book);
    assert_eq!(numbers(&folder), (0..500).collect::<Vec<_>>());
}

#[test]
fn foreign_files_in_the_folder_are_left_alone() {
    let (_scratch, folder) = testing::folder();
    let book = Book::open(&folder, testing::settings()).unwrap();
    write(&book, 0..1);
    drop(book);
    let foreign =
        ["notes.txt", "9-20260101T000000Z.calls", "00000009-yesterday.calls", "00000009-20260101T000000Z.calls~"];
    for name in foreign {
        fs::write(folder.join(name), name).unwrap();
    }
    let book = Book::open(&folder, testing::settings()).unwrap();
    write(&book, 1..2);
    assert_eq!(numbers(&folder), [0, 1]);
    assert!(foreign.iter().all(|name| fs::read(folder.join(name)).unwrap() == name.as_bytes()));
    let no_gap = testing::read(&folder).0.into_iter().all(|entry| !matches!(entry, Entry::Gap(Gap { .. })));
    assert!(no_gap);
}

#[test]
fn a_reader_goes_on_where_another_one_stopped_whatever_file_that_is_in() {
    let (_scratch, folder) = testing::folder();
    let book = Book::open(&folder, small()).unwrap();
    write(&book, 0..25);
    let mut reader = Reader::open(&folder).unwrap();
    let mut places = vec![reader.position()];
    while let Some(entry) = reader.next() {
        entry.unwrap();
        places.push(reader.position());
    }
    assert!(places.last().unwrap().file > 1, "over several files");
    assert!(places.is_sorted());
    for (number, place) in places.iter().enumerate() {
        let mut rest = Reader::open(&folder).unwrap().starting_at(*place);
        assert_eq!(rest.by_ref().count(), 25 - number, "from {place:?}");
        assert_eq!(rest.passed_over(), 0);
    }
    // What comes later is found from the very end, too, also in a file that is not begun yet.
    write(&book, 25..40);
    let ids = |reader: Reader| {
        let calls = reader.filter_map(|entry| match entry {
            Ok(Entry::Call(call)) => u64::try_from(call.id.0.as_u128()).ok(),
            _ => None,
        });
        calls.collect::<Vec<_>>()
    };
    let rest = Reader::open(&folder).unwrap().starting_at(*places.last().unwrap());
    assert_eq!(ids(rest), (25..40).collect::<Vec<_>>());
}

#[test]
fn files_that_went_before_they_were_read_are_counted() {
    let (_scratch, folder) = testing::folder();
    let book = Book::open(&folder, small()).unwrap();
    write(&book, 0..3);
    let mut reader = Reader::open(&folder).unwrap();
    reader.next().unwrap().unwrap();
    let place = reader.position();
    drop(reader);
    write(&book, 3..200);
    let mut late = Reader::open(&folder).unwrap().starting_at(place);
    let next = late.next().unwrap().unwrap();
    assert!(late.position().file > place.file && late.passed_over() == late.position().file - place.file, "{next:?}");
}

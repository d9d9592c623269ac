//! Damaged files: nothing panics, nothing is made up, and only what is damaged is lost.

use std::{fs, io::Write as _, path::Path};

use jiff::Timestamp;
use law::{Call, CallId, Powers};
use proptest::prelude::*;
use uuid::Uuid;

use crate::{
    Book, Damage, Entry, Notice, Reader,
    entry::append_call,
    folder::{HEADER, Place, header},
    frame::{self, MAX_PAYLOAD},
    testing,
};

fn any_call() -> impl Strategy<Value = Call> {
    let texts =
        (any::<String>(), proptest::collection::vec(any::<String>(), 0..3), proptest::option::of(any::<String>()));
    (any::<u128>(), texts, any::<[u8; 16]>(), 0..4_000_000_000_i64).prop_map(
        |(id, (operation, query, agent), source, at)| Call {
            id: CallId(Uuid::from_u128(id)),
            at: Timestamp::from_second(at).unwrap(),
            operation: operation.into(),
            query,
            user_agent: agent,
            source: std::net::IpAddr::from(source),
            powers: Powers::EVERY,
            ..testing::call(1)
        },
    )
}

/// A file with these calls; where each frame begins.
fn file_of(calls: &[Call]) -> (Vec<u8>, Vec<usize>) {
    let mut bytes = header(1, testing::call(0).at);
    let mut starts = Vec::new();
    for call in calls {
        starts.push(bytes.len());
        append_call(&mut bytes, call).unwrap();
    }
    (bytes, starts)
}

fn put(folder: &Path, bytes: &[u8]) -> Place {
    let place = Place::new(folder, 1, testing::call(0).at);
    fs::write(&place.path, bytes).unwrap();
    place
}

fn calls(entries: Vec<Entry>) -> Vec<Call> {
    entries
        .into_iter()
        .map(|entry| match entry {
            Entry::Call(call) => call,
            other => panic!("nobody wrote {other:?}"),
        })
        .collect()
}

proptest! {
    #[test]
    fn what_was_written_reads_back(written in proptest::collection::vec(any_call(), 0..8)) {
        let scratch = testing::made_folder();
        put(scratch.path(), &file_of(&written).0);
        let (entries, damages) = testing::read(scratch.path());
        prop_assert_eq!(calls(entries), written);
        prop_assert!(damages.is_empty());
    }

    #[test]
    fn damage_anywhere_never_yields_what_was_not_written(
        written in proptest::collection::vec(any_call(), 1..8),
        flips in proptest::collection::vec((any::<prop::sample::Index>(), 1..=u8::MAX), 0..6),
        cut in proptest::option::of(any::<prop::sample::Index>()),
    ) {
        let scratch = testing::made_folder();
        let (mut bytes, _) = file_of(&written);
        for (place, flip) in flips {
            let place = place.index(bytes.len());
            bytes[place] ^= flip;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        put(scratch.path(), &bytes);
        let mut left = written.iter();
        for call in calls(testing::read(scratch.path()).0) {
            prop_assert!(left.any(|written| *written == call), "made up, twice or out of order: {call:?}");
        }
        // The same file at a start: cut where it is torn, and then whole for good.
        let book = Book::open(scratch.path(), testing::settings()).unwrap();
        testing::wait(book.intent_durable(testing::call(1))).unwrap();
        drop(book);
        let new = testing::call(1);
        let mut left = written.iter().chain([&new]);
        let after = calls(testing::read(scratch.path()).0);
        prop_assert_eq!(after.last(), Some(&new));
        for call in after {
            prop_assert!(left.any(|written| *written == call), "made up, twice or out of order: {call:?}");
        }
    }

    #[test]
    fn one_damaged_entry_costs_no_other(
        written in proptest::collection::vec(any_call(), 1..8),
        which in any::<prop::sample::Index>(),
        flips in proptest::collection::vec((any::<prop::sample::Index>(), 1..=u8::MAX), 1..6),
    ) {
        let scratch = testing::made_folder();
        let (mut bytes, mut starts) = file_of(&written);
        starts.push(bytes.len());
        let which = which.index(written.len());
        let whole = bytes.clone();
        let frame = &mut bytes[starts[which]..starts[which + 1]];
        for (place, flip) in flips {
            let place = place.index(frame.len());
            frame[place] ^= flip;
        }
        // Two flips of one byte may undo each other.
        prop_assume!(bytes != whole);
        put(scratch.path(), &bytes);
        let (entries, damages) = testing::read(scratch.path());
        let mut expected = written.clone();
        expected.remove(which);
        prop_assert_eq!(calls(entries), expected);
        let (offset, length) = (starts[which] as u64, (starts[which + 1] - starts[which]) as u64);
        // At the end of the newest file it may be an entry that is being written.
        let last = which + 1 == written.len();
        let told = matches!(&damages[..], [Damage::Bytes { offset: at, bytes, .. }] if (*at, *bytes) == (offset, length));
        prop_assert!(if last { damages.is_empty() } else { told }, "{damages:?}");
    }
}

#[test]
fn a_torn_tail_is_cut_and_reported_and_the_book_goes_on_behind_it() {
    let scratch = testing::made_folder();
    let written: Vec<Call> = (0..3).map(testing::call).collect();
    let (bytes, starts) = file_of(&written);
    for length in starts[2]..bytes.len() {
        let place = put(scratch.path(), &bytes[..length]);
        let book = Book::open(scratch.path(), testing::settings()).unwrap();
        let torn = (length - starts[2]) as u64;
        let notices: Vec<Notice> = book.notices();
        let told = Notice::Damaged(Damage::Torn { file: place.name(), offset: starts[2] as u64, bytes: torn });
        assert_eq!(notices, if torn > 0 { vec![told] } else { vec![] });
        testing::wait(book.intent_durable(testing::call(9))).unwrap();
        drop(book);
        let (entries, damages) = testing::read(scratch.path());
        assert_eq!(calls(entries), [testing::call(0), testing::call(1), testing::call(9)]);
        assert_eq!(damages, []);
    }
}

#[test]
fn a_torn_tail_of_the_newest_file_is_told_to_who_knows_that_nobody_writes() {
    let folder = tempfile::tempdir().unwrap();
    let (bytes, starts) = file_of(&[testing::call(1), testing::call(2)]);
    for length in [starts[1] + 1, bytes.len() - 1, bytes.len(), 7, 0] {
        let place = put(folder.path(), &bytes[..length]);
        let mut reader = Reader::open(folder.path()).unwrap();
        let whole = reader.by_ref().filter(Result::is_ok).count();
        let begins = match whole {
            0 => 0,
            1 => starts[1],
            _ => bytes.len(),
        };
        let torn = (length - begins) as u64;
        let told = Damage::Torn { file: place.name(), offset: begins as u64, bytes: torn };
        assert_eq!(reader.torn(), (torn > 0).then_some(told), "{length}");
        // A writer may have been there after all: it goes on where it was.
        put(folder.path(), &bytes);
        assert_eq!(reader.filter(Result::is_ok).count(), 2 - whole, "{length}");
    }
}

#[test]
fn a_torn_tail_of_an_older_file_is_told_and_left_as_it_is() {
    let scratch = testing::made_folder();
    let (bytes, starts) = file_of(&[testing::call(1), testing::call(2)]);
    let place = put(scratch.path(), &bytes[..bytes.len() - 1]);
    let newer = Place::new(scratch.path(), 2, testing::call(9).at);
    fs::write(&newer.path, header(2, testing::call(9).at)).unwrap();
    let (entries, damages) = testing::read(scratch.path());
    assert_eq!(calls(entries), [testing::call(1)]);
    let bytes = (bytes.len() - 1 - starts[1]) as u64;
    assert_eq!(damages, [Damage::Torn { file: place.name(), offset: starts[1] as u64, bytes }]);
}

#[test]
fn a_length_that_reaches_behind_the_end_hides_nothing() {
    let scratch = testing::made_folder();
    let written: Vec<Call> = (0..4).map(testing::call).collect();
    let (mut bytes, starts) = file_of(&written);
    bytes[starts[1] + 1] = 0xfe;
    let place = put(scratch.path(), &bytes);
    let (entries, damages) = testing::read(scratch.path());
    assert_eq!(calls(entries), [testing::call(0), testing::call(2), testing::call(3)]);
    let length = (starts[2] - starts[1]) as u64;
    assert_eq!(damages, [Damage::Bytes { file: place.name(), offset: starts[1] as u64, bytes: length }]);
}

#[test]
fn a_file_that_ended_within_its_header_is_removed_and_reported() {
    let scratch = testing::made_folder();
    let folder = scratch.path();
    let place = put(folder, &header(1, testing::call(0).at)[..7]);
    let book = Book::open(folder, testing::settings()).unwrap();
    assert_eq!(book.notices(), [Notice::Damaged(Damage::Torn { file: place.name(), offset: 0, bytes: 7 })]);
    testing::wait(book.intent_durable(testing::call(1))).unwrap();
    drop(book);
    assert_eq!(calls(testing::read(folder).0), [testing::call(1)]);
}

#[test]
fn a_damaged_header_is_told_and_costs_no_entry_and_nothing_is_appended_there() {
    let scratch = testing::made_folder();
    let (mut bytes, _) = file_of(&[testing::call(1)]);
    bytes[3] ^= 1;
    let place = put(scratch.path(), &bytes);
    let book = Book::open(scratch.path(), testing::settings()).unwrap();
    testing::wait(book.intent_durable(testing::call(2))).unwrap();
    drop(book);
    assert_eq!(fs::read(&place.path).unwrap(), bytes);
    let (entries, damages) = testing::read(scratch.path());
    assert_eq!(calls(entries), [testing::call(1), testing::call(2)]);
    assert_eq!(damages, [Damage::Header { file: place.name() }]);
}

#[test]
fn damage_in_an_old_file_is_told_at_the_next_start() {
    let scratch = testing::made_folder();
    let (mut bytes, starts) = file_of(&[testing::call(1), testing::call(2)]);
    bytes[starts[0] + 20] ^= 1;
    let place = put(scratch.path(), &bytes);
    let book = Book::open(scratch.path(), testing::settings()).unwrap();
    testing::until(|| book.usage_is_complete());
    let bytes = (starts[1] - starts[0]) as u64;
    assert_eq!(book.notices(), [Notice::Damaged(Damage::Bytes { file: place.name(), offset: HEADER, bytes })]);
    assert_eq!(book.usage(law::KeyId(17)).unwrap().passed, 1);
}

#[test]
fn a_caller_cannot_forge_an_entry_inside_a_text() {
    // A whole frame whose bytes are all ASCII, so that a caller can send them in a header.
    let forged = (0..).map(testing::call).find_map(|call| {
        let mut frame = Vec::new();
        append_call(&mut frame, &call).unwrap();
        frame.is_ascii().then(|| String::from_utf8(frame).unwrap())
    });
    let forged = forged.unwrap();
    let scratch = testing::made_folder();
    let mut raw = header(1, testing::call(0).at);
    raw.extend_from_slice(forged.as_bytes());
    put(scratch.path(), &raw);
    assert_eq!(testing::read(scratch.path()).0.len(), 1, "on its own it is an entry");

    let carrier = Call { user_agent: Some(forged.repeat(3)), ..testing::call(1_000_000) };
    let (mut bytes, starts) = file_of(&[carrier, testing::call(2_000_000)]);
    bytes[starts[0]] ^= 1;
    put(scratch.path(), &bytes);
    let (entries, damages) = testing::read(scratch.path());
    assert_eq!(calls(entries), [testing::call(2_000_000)]);
    assert_eq!(damages.len(), 1);
}

#[test]
fn an_entry_from_a_newer_version_is_told_and_the_next_one_read() {
    let scratch = testing::made_folder();
    let mut bytes = header(1, testing::call(0).at);
    frame::append(&mut bytes, b'Z', &"what will be").unwrap();
    frame::append(&mut bytes, b'C', &"no call").unwrap();
    append_call(&mut bytes, &testing::call(1)).unwrap();
    put(scratch.path(), &bytes);
    let (entries, damages) = testing::read(scratch.path());
    assert_eq!(calls(entries), [testing::call(1)]);
    assert!(matches!(damages[..], [Damage::Strange { .. }, Damage::Strange { .. }]), "{damages:?}");
}

#[test]
fn a_call_of_any_length_is_written_cut() {
    let text = "\u{1}".repeat(MAX_PAYLOAD);
    let monster = Call {
        operation: text.as_str().into(),
        parameters: vec![(text.as_str().into(), text.clone()); 100],
        query: vec![text.clone(); 100],
        user_agent: Some(text),
        ..testing::call(1)
    };
    let (_scratch, folder) = testing::folder();
    let book = Book::open(&folder, testing::settings()).unwrap();
    testing::wait(book.intent_durable(monster.clone())).unwrap();
    // Each text is short enough for the queue, and too long for a frame once it is escaped.
    let escaped = Call { query: vec!["\u{1}".repeat(500); 100], ..testing::call(2) };
    testing::wait(book.intent_durable(escaped)).unwrap();
    drop(book);
    let written = calls(testing::read(&folder).0);
    assert_eq!(written.iter().map(|call| call.id).collect::<Vec<_>>(), [monster.id, testing::call(2).id]);
    assert!(written[0].query[0].ends_with('…'));
    assert_eq!((written[0].key, written[0].powers, written[0].source), (monster.key, monster.powers, monster.source));
}

#[test]
fn an_entry_that_is_half_written_is_read_when_it_is_whole() {
    let scratch = testing::made_folder();
    let (bytes, starts) = file_of(&[testing::call(1), testing::call(2)]);
    for cut in starts[1]..bytes.len() {
        let place = put(scratch.path(), &bytes[..cut]);
        let mut reader = Reader::open(scratch.path()).unwrap();
        assert_eq!(reader.next(), Some(Ok(Entry::Call(testing::call(1)))));
        assert_eq!(reader.next(), None);
        fs::OpenOptions::new().append(true).open(&place.path).unwrap().write_all(&bytes[cut..]).unwrap();
        assert_eq!(reader.next(), Some(Ok(Entry::Call(testing::call(2)))), "cut at {cut}");
        assert_eq!(reader.next(), None);
    }
}

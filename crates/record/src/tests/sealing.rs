//! What is sealed is the same as what was recorded, shows every change, and can be proven.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use law::{ByPower, Call, CallId, KeyId, Outcome, Power, Refusal, Span, Verdict, Who};
use proptest::prelude::*;

use crate::{
    Book, Checking, Entry, Evidence, Filter, Notice, Position, Proof, ProveError, Proven, Reader, Sealing, prove,
    prove_consistency, testing, verify,
};

fn open(folder: &Path) -> Book {
    Book::open_sealing(folder, testing::settings(), testing::sealing()).unwrap()
}

/// Every kind of call, of several keys, of which some have no outcome.
fn call(number: u64) -> Call {
    let powers = if number.is_multiple_of(5) { Power::Mint } else { Power::Read };
    Call {
        key: (!number.is_multiple_of(7)).then_some(KeyId(number % 7)),
        powers: powers.into(),
        verdict: if number.is_multiple_of(11) { Verdict::Refuse(Refusal::Denied) } else { Verdict::Permit },
        source: std::net::Ipv4Addr::from_bits(0xc000_0200 + u32::try_from(number % 3).unwrap()).into(),
        ..testing::call(number)
    }
}

fn fill(book: &Book, numbers: std::ops::Range<u64>) -> Vec<Entry> {
    let mut written = Vec::new();
    for number in numbers {
        let call = call(number);
        written.push(Entry::Call(call.clone()));
        book.intent(call.clone()).unwrap();
        // Outcomes come later than the calls after it.
        if let Some(earlier) = number.checked_sub(3).filter(|earlier| !earlier.is_multiple_of(4)) {
            let outcome = testing::outcome(&self::call(earlier));
            written.push(Entry::Outcome(outcome.clone()));
            book.outcome(outcome);
        }
    }
    testing::wait(book.synced()).unwrap();
    written
}

fn all_sealed(folder: &Path) {
    testing::until(|| testing::files(folder).is_empty());
}

/// Everything below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(self::files(&path)) } else { files.push(path) }
    }
    files.sort();
    files
}

fn findings(folder: &Path, since: &[String]) -> Vec<String> {
    verify(folder, &testing::sealing().signer.verifier(), since).unwrap().findings
}

#[test]
fn what_is_sealed_reads_as_it_was_recorded_in_its_order() {
    let (_scratch, folder) = testing::folder();
    let mut written = Vec::new();
    for round in 0..3 {
        // The first is an old record, of which nothing was sealed.
        let book = if round == 0 { Book::open(&folder, testing::settings()).unwrap() } else { open(&folder) };
        written.extend(fill(&book, round * 400..(round + 1) * 400));
        if round > 0 {
            all_sealed(&folder);
        }
    }
    assert_eq!(testing::read(&folder), (written, vec![]));
    assert_eq!(findings(&folder, &[]), Vec::<String>::new());
}

#[test]
fn the_call_by_which_a_key_became_known_is_found_and_shown_as_its_own() {
    let (_scratch, folder) = testing::folder();
    let key = KeyId(900);
    let unknown = |number| Call { key: None, who: Who::Unknown, ..call(number) };
    let (first, stranger) = (unknown(1), unknown(2));
    let book = open(&folder);
    book.intent(first.clone()).unwrap();
    book.intent(stranger.clone()).unwrap();
    book.outcome(Outcome { learned: Some(key), ..testing::outcome(&first) });
    book.outcome(testing::outcome(&stranger));
    let filter = Filter { key: Some(key), ..Filter::default() };
    let found = || -> Vec<CallId> {
        let joined = Reader::open(&folder).unwrap().wanting(&filter).joined().map(Result::unwrap);
        joined.filter(|joined| filter.wants(joined)).map(|joined| joined.call.id).collect()
    };
    testing::wait(book.synced()).unwrap();
    assert_eq!(found(), [first.id]);
    let used = |book: &Book| book.usage(key).map(|usage| (usage.passed, usage.last.map(|last| last.at)));
    assert_eq!(used(&book), Some((1, Some(first.at))), "it is the first use of the key");
    fill(&book, 10..500);
    all_sealed(&folder);
    assert_eq!(found(), [first.id]);

    let verifier = testing::sealing().signer.verifier();
    let span = (key, testing::call(0).at, testing::call(1000).at);
    let mut lines = Vec::new();
    let take = |line| -> Result<(), ProveError> {
        lines.push(line);
        Ok(())
    };
    let given = crate::evidence(&folder, span, &verifier, take).unwrap();
    assert_eq!((given.calls, given.outcomes), (1, 1));
    let check = |lines: &[Evidence], span| {
        let mut checking = Checking::new(&given.checkpoint, &verifier, span).unwrap();
        let mut read = lines.iter().map(|line| checking.line(&serde_json::to_string(line).unwrap()));
        read.find_map(Result::err).map_or_else(|| checking.end(), Err)
    };
    check(&lines, span).unwrap();
    // Somebody else's it is not, nor is a call of which nothing says whose it is.
    assert!(check(&lines, (KeyId(901), span.1, span.2)).is_err());
    assert!(check(&lines[..lines.len() - 1], span).is_err());
}

#[test]
fn one_keys_calls_of_a_time_are_found_and_hardly_any_others_are_read() {
    let (_scratch, folder) = testing::folder();
    let book = open(&folder);
    let written = fill(&book, 0..2000);
    all_sealed(&folder);
    let (since, until) = (testing::call(700).at, testing::call(1500).at);
    let filter = Filter { key: Some(KeyId(3)), since: Some(since), until: Some(until), ..Filter::default() };
    let wanted = |entry: &Entry| matches!(entry, Entry::Call(call) if filter.wants_call(call));
    let read: Vec<Entry> = Reader::open(&folder).unwrap().wanting(&filter).map(Result::unwrap).collect();
    let calls: Vec<&Entry> = read.iter().filter(|entry| wanted(entry)).collect();
    assert_eq!(calls, written.iter().filter(|entry| wanted(entry)).collect::<Vec<_>>());
    let others = read.iter().filter(|entry| matches!(entry, Entry::Call(call) if !filter.wants_call(call))).count();
    assert_eq!(others, 0);
    let outcomes: BTreeSet<CallId> = read
        .iter()
        .filter_map(|entry| if let Entry::Outcome(outcome) = entry { Some(outcome.call) } else { None })
        .collect();
    let theirs = |entry: &&Entry| matches!(entry, Entry::Call(call) if outcomes.contains(&call.id));
    assert!(calls.iter().filter(|entry| theirs(entry)).count() > 50, "they have their outcomes");
    drop(book);
}

#[test]
fn whoever_reads_while_it_is_sealed_misses_nothing_and_reads_nothing_twice() {
    let (_scratch, folder) = testing::folder();
    let book = open(&folder);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0..40 {
                fill(&book, round * 50..(round + 1) * 50);
            }
            done.store(true, Ordering::Release);
        });
        let mut follower = Reader::open(&folder).unwrap();
        let mut followed = 0_u64;
        let mut at_end = false;
        loop {
            at_end |= done.load(Ordering::Acquire);
            let ids: Vec<CallId> = Reader::open(&folder)
                .unwrap()
                .filter_map(|entry| if let Entry::Call(call) = entry.unwrap() { Some(call.id) } else { None })
                .collect();
            let expected: Vec<CallId> = (0..ids.len() as u64).map(|number| call(number).id).collect();
            assert_eq!(ids, expected);
            for entry in follower.by_ref() {
                if let Entry::Call(read) = entry.unwrap() {
                    assert_eq!(read.id, call(followed).id);
                    followed += 1;
                }
            }
            if at_end {
                break;
            }
        }
        assert_eq!(followed, 2000);
    });
}

#[test]
fn a_reader_that_began_with_the_log_goes_on_with_what_was_sealed_meanwhile() {
    let (_scratch, folder) = testing::folder();
    let book = open(&folder);
    // So few that they stand in the log until more come.
    fill(&book, 0..1);
    assert_eq!(testing::files(&folder).len(), 1);
    let mut reader = Reader::open(&folder).unwrap();
    assert!(reader.next().is_some());
    fill(&book, 1..600);
    // No file of the log is left, the one that is being read neither.
    all_sealed(&folder);
    let rest = reader.filter(|entry| matches!(entry, Ok(Entry::Call(_)))).count();
    assert_eq!(rest, 599);
}

#[test]
fn how_keys_were_used_is_known_after_a_start_without_reading_it_all_again() {
    let (_scratch, folder) = testing::folder();
    let book = open(&folder);
    fill(&book, 0..600);
    all_sealed(&folder);
    let (usages, since) = (book.usages(), book.usage_since());
    drop(book);
    for segment in files(&folder).iter().filter(|file| file.extension().is_some_and(|kind| kind == "parquet")) {
        fs::remove_file(segment).unwrap();
    }
    let book = open(&folder);
    testing::until(|| book.usage_is_complete());
    assert_eq!((book.usages(), book.usage_since()), (usages, since));
    let calls: u64 = crate::daily(&folder).unwrap().map(|daily| daily.passed + daily.stopped).sum();
    assert_eq!(calls, (0..600).filter(|number| call(*number).key.is_some()).count() as u64);
}

#[test]
fn a_call_is_proven_with_the_public_key_alone_and_nothing_else_is() {
    let (_scratch, folder) = testing::folder();
    let verifier = testing::sealing().signer.verifier();
    let book = open(&folder);
    fill(&book, 0..100);
    all_sealed(&folder);
    let old = crate::checkpoint(&folder).unwrap().unwrap();
    fill(&book, 100..200);
    all_sealed(&folder);
    for number in [0, 1, 50, 150] {
        let text = serde_json::to_string(&prove(&folder, call(number).id, &verifier).unwrap()).unwrap();
        let proof = Proof::read(&text).unwrap();
        let Proven::Call { call: shown, .. } = proof.verify(&verifier).unwrap() else { panic!("{text}") };
        assert_eq!(serde_json::from_value::<Call>(shown).unwrap(), call(number));
        let other = seal::Signer::new("test/record", &[6; 32]).unwrap().verifier();
        assert!(proof.verify(&other).is_err());
        // What is shown cannot be changed, nor anything that leads from it to the checkpoint.
        for (from, to) in
            [("curl/8.5.0", "curl/8.5.1"), ("\"index\":", "\"index\":1"), ("test/record/", "test/record/1")]
        {
            let forged = text.replacen(from, to, 1);
            assert_ne!(forged, text);
            assert!(
                Proof::read(&forged).is_err() || Proof::read(&forged).unwrap().verify(&verifier).is_err(),
                "{forged}"
            );
        }
    }
    assert!(prove(&folder, call(999).id, &verifier).is_err());
    let consistency = prove_consistency(&folder, &old, &verifier).unwrap();
    assert!(matches!(consistency.verify(&verifier), Ok(Proven::Consistency { old, new }) if 0 < old && old < new));
    let forked = testing::sealing().signer.checkpoint(1, seal::Hash([1; 32]));
    assert!(prove_consistency(&folder, &forked, &verifier).is_err());
    assert_eq!(findings(&folder, &[old]), Vec::<String>::new());
    assert_eq!(findings(&folder, &[forked]).len(), 1);
}

#[test]
fn what_was_kept_long_enough_goes_by_its_powers_and_the_tree_still_holds() {
    let (_scratch, folder) = testing::folder();
    drop({
        let book = Book::open(&folder, testing::settings()).unwrap();
        fill(&book, 0..300);
        // Without a newer call the clock alone would say that they are old.
        fill(&book, 200_000..200_001);
        book
    });
    let keep = ByPower::from_fn(|power| (power == Power::Read).then_some(Span::days(1)));
    let book = Book::open_sealing(&folder, testing::settings(), Sealing { keep, ..testing::sealing() }).unwrap();
    let mut removed = Vec::new();
    testing::until(|| {
        removed.extend(book.notices().into_iter().filter(|notice| matches!(notice, Notice::Dropped { .. })));
        !removed.is_empty()
    });
    drop(book);
    let (entries, damages) = testing::read(&folder);
    assert_eq!(damages, []);
    let calls = entries.iter().filter_map(|entry| if let Entry::Call(call) = entry { Some(call) } else { None });
    let powers: BTreeSet<bool> = calls.map(|call| call.powers.is_sensitive()).collect();
    assert_eq!(powers, BTreeSet::from([true]), "what is sensitive is kept, what is ordinary is gone");
    let verified = verify(&folder, &testing::sealing().signer.verifier(), &[]).unwrap();
    // Those that passed, and those that were stopped.
    assert_eq!((verified.findings, verified.removed), (vec![], 2));
    let (origin, removals) = crate::removals(&folder, &testing::sealing().signer.verifier()).unwrap();
    assert_eq!(removals, verified.removals);
    assert!(origin.starts_with("test/record/"), "{origin}");
}

#[test]
fn before_the_cap_takes_what_was_to_be_kept_somebody_is_told() {
    let (_scratch, folder) = testing::folder();
    let book = open(&folder);
    fill(&book, 0..200);
    all_sealed(&folder);
    drop(book);
    let bytes: u64 =
        files(&folder).iter().filter(|file| file.is_file()).map(|file| file.metadata().unwrap().len()).sum();
    let sealing = Sealing { cap: bytes, ..testing::sealing() };
    let book = Book::open_sealing(&folder, testing::settings(), sealing).unwrap();
    let mut told = Vec::new();
    testing::until(|| {
        told.extend(book.notices());
        told.iter().any(|notice| matches!(notice, Notice::Crowded { .. }))
    });
    assert!(!told.iter().any(|notice| matches!(notice, Notice::Dropped { .. })), "nothing is gone yet");
    drop(book);
    assert_eq!(calls_there(&folder), 200);
}

fn calls_there(folder: &Path) -> usize {
    testing::read(folder).0.iter().filter(|entry| matches!(entry, Entry::Call(_))).count()
}

#[test]
fn a_flood_of_refused_calls_beyond_the_cap_takes_itself_away_first() {
    let (_scratch, folder) = testing::folder();
    let deed = Call { powers: Power::Mint.into(), ..testing::call(0) };
    let flood = |number| Call {
        verdict: Verdict::Refuse(Refusal::Denied),
        powers: Power::ALL.into_iter().collect(),
        ..testing::call(number)
    };
    let book = Book::open_sealing(&folder, testing::settings(), Sealing { cap: 40_000, ..testing::sealing() }).unwrap();
    testing::wait(book.intent_durable(deed.clone())).unwrap();
    let mut gone = 0;
    for round in 0.. {
        for number in 0..500 {
            let call = flood(1 + round * 500 + number);
            let outcome = testing::outcome(&call);
            book.intent(call).unwrap();
            book.outcome(outcome);
        }
        testing::wait(book.synced()).unwrap();
        all_sealed(&folder);
        gone += book.notices().iter().filter(|notice| matches!(notice, Notice::Dropped { .. })).count();
        if gone > 2 {
            break;
        }
    }
    drop(book);
    let (entries, damages) = testing::read(&folder);
    assert_eq!(damages, []);
    assert!(entries.contains(&Entry::Call(deed)), "what it was to hide is there");
}

#[test]
fn a_long_log_is_sealed_in_pieces_and_reads_as_it_was_recorded() {
    let (_scratch, folder) = testing::folder();
    let written = {
        let book = Book::open(&folder, testing::settings()).unwrap();
        fill(&book, 0..800)
    };
    let sealing = Sealing { piece: 8 << 10, ..testing::sealing() };
    let book = Book::open_sealing(&folder, testing::settings(), sealing).unwrap();
    all_sealed(&folder);
    drop(book);
    let segments = files(&folder).iter().filter(|file| file.extension().is_some_and(|kind| kind == "parquet")).count();
    assert!(segments > 20, "{segments}");
    assert_eq!(testing::read(&folder), (written.clone(), vec![]));
    assert_eq!(findings(&folder, &[]), Vec::<String>::new());
    ends_are_counted_and_proven(&folder, &written);
}

/// Every outcome counts for its key, and is in the proof of its call, wherever it stands.
fn ends_are_counted_and_proven(folder: &Path, written: &[Entry]) {
    let ended: BTreeSet<CallId> = written
        .iter()
        .filter_map(|entry| if let Entry::Outcome(outcome) = entry { Some(outcome.call) } else { None })
        .collect();
    let with_key =
        |entry: &&Entry| matches!(entry, Entry::Call(call) if call.key.is_some() && ended.contains(&call.id));
    let of_keys = written.iter().filter(with_key).count() as u64;
    let (mut bytes, mut rows) = (0, 0);
    for daily in crate::daily(folder).unwrap() {
        bytes += daily.bytes_out;
        rows += daily.rows;
    }
    assert_eq!((bytes, rows), (of_keys * 512, of_keys * 30));
    let verifier = testing::sealing().signer.verifier();
    for number in 0..60 {
        let proof = prove(folder, call(number).id, &verifier).unwrap();
        let Proven::Call { outcome, .. } = proof.verify(&verifier).unwrap() else { panic!("{number}") };
        assert_eq!(outcome.is_some(), ended.contains(&call(number).id), "{number}");
    }
}

#[test]
fn an_outcome_in_a_later_file_counts_is_proven_and_belongs_to_a_time_that_ended_before() {
    let (_scratch, folder) = testing::folder();
    let verifier = testing::sealing().signer.verifier();
    let export = testing::call(10);
    let other = testing::call(11);
    for (round, call) in [&export, &other].into_iter().enumerate() {
        let book = open(&folder);
        testing::wait(book.intent_durable(call.clone())).unwrap();
        all_sealed(&folder);
        if round == 1 {
            // The gate was started anew meanwhile.
            let ended = law::Outcome { at: testing::call(3000).at, bytes_out: 7_000_000, ..testing::outcome(&export) };
            book.outcome(ended);
            testing::wait(book.synced()).unwrap();
            all_sealed(&folder);
        }
    }
    assert_eq!(crate::daily(&folder).unwrap().map(|daily| daily.bytes_out).sum::<u64>(), 7_000_000);
    let calls: u64 = crate::daily(&folder).unwrap().map(|daily| daily.passed).sum();
    assert_eq!(calls, 2, "and the call counts once");

    let filter = Filter { until: Some(testing::call(11).at), ..Filter::default() };
    let read: Vec<Entry> = Reader::open(&folder).unwrap().wanting(&filter).map(Result::unwrap).collect();
    assert!(read.iter().any(|entry| matches!(entry, Entry::Outcome(outcome) if outcome.call == export.id)), "{read:?}");

    let text = serde_json::to_string(&prove(&folder, export.id, &verifier).unwrap()).unwrap();
    assert!(text.contains("\"later\""), "{text}");
    let verify = |text: &str| Proof::read(text).and_then(|proof| proof.verify(&verifier));
    let Proven::Call { outcome, .. } = verify(&text).unwrap() else { panic!("{text}") };
    assert_eq!(outcome.unwrap()["bytes_out"], 7_000_000);
    for (from, to) in [("7000000", "7000001"), ("\\\"log\\\":3", "\\\"log\\\":2")] {
        assert!(text.contains(from), "{from} in {text}");
        assert!(verify(&text.replace(from, to)).is_err(), "{from}");
    }
    // The end of another call is not its own.
    let mut proof: serde_json::Value = serde_json::from_str(&text).unwrap();
    let stranger = serde_json::to_value(prove(&folder, other.id, &verifier).unwrap()).unwrap();
    for part in ["call", "leaf", "segment", "index", "path"] {
        proof["call"][part] = stranger["call"][part].clone();
    }
    assert!(verify(&proof.to_string()).is_err());
}

#[test]
fn over_the_cap_the_oldest_segments_go() {
    let (_scratch, folder) = testing::folder();
    let book = Book::open_sealing(&folder, testing::settings(), Sealing { cap: 1, ..testing::sealing() }).unwrap();
    fill(&book, 0..50);
    testing::until(|| verify(&folder, &testing::sealing().signer.verifier(), &[]).unwrap().removed > 0);
}

#[test]
fn a_tree_that_somebody_changed_is_never_signed_and_nothing_is_thrown_away() {
    let (_scratch, folder) = testing::folder();
    let book = open(&folder);
    fill(&book, 0..100);
    all_sealed(&folder);
    drop(book);
    let leaves = folder.join("leaves.jsonl");
    let good = fs::read_to_string(&leaves).unwrap();
    let checkpoint = fs::read_to_string(folder.join("checkpoint")).unwrap();
    let segments = files(&folder).len();
    for bad in [good.replacen("entries", "Entries", 1), String::new(), format!("{good}{good}")] {
        fs::write(&leaves, &bad).unwrap();
        let book = open(&folder);
        let mut told = Vec::new();
        testing::until(|| {
            told.extend(book.notices());
            told.iter().any(|notice| matches!(notice, Notice::Unsealed(_)))
        });
        testing::wait(book.intent_durable(testing::call(5000))).unwrap();
        drop(book);
        assert_eq!(fs::read_to_string(folder.join("checkpoint")).unwrap(), checkpoint);
        assert!(files(&folder).len() >= segments);
    }
    // Both gone: what no leaf speaks of is not thrown away either.
    fs::remove_file(&leaves).unwrap();
    fs::remove_file(folder.join("checkpoint")).unwrap();
    let book = open(&folder);
    testing::until(|| book.notices().iter().any(|notice| matches!(notice, Notice::Unsealed(_))));
    drop(book);
    assert!(files(&folder).len() >= segments - 2);
}

#[test]
fn while_the_disk_takes_no_segment_the_log_stays_and_it_is_sealed_later() {
    let (_scratch, folder) = testing::folder();
    drop({
        let book = Book::open(&folder, testing::settings()).unwrap();
        fill(&book, 0..10);
        book
    });
    let name = testing::files(&folder)[0].file_name().unwrap().to_str().unwrap().to_owned();
    let (_, stamp) = name.split_once('-').unwrap();
    let hour = format!("hour={}-{}-{}T{}", &stamp[..4], &stamp[4..6], &stamp[6..8], &stamp[9..11]);
    // A file stands where the folder should be: nobody can write there, not even root.
    fs::write(folder.join(&hour), "").unwrap();
    let book = open(&folder);
    testing::until(|| book.notices().iter().any(|notice| matches!(notice, Notice::Unsealed(_))));
    testing::wait(book.intent_durable(call(10))).unwrap();
    assert!(!testing::files(&folder).is_empty());
    fs::remove_file(folder.join(&hour)).unwrap();
    all_sealed(&folder);
    let (entries, damages) = testing::read(&folder);
    assert_eq!((entries.iter().filter(|entry| matches!(entry, Entry::Call(_))).count(), damages), (11, vec![]));
}

/// What is found at the first look: nobody writes there.
fn looked_at(folder: &Path) -> Vec<String> {
    crate::proof::look_at_all(folder, &testing::sealing().signer.verifier(), &[]).unwrap().findings
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_changed_in_a_sealed_record_is_noticed(
        file in any::<prop::sample::Index>(), place in any::<prop::sample::Index>(), bit in 0_u32..8, how in 0..5,
    ) {
        let folder = testing::made_folder();
        copy(sealed(), folder.path());
        prop_assert_eq!(looked_at(folder.path()), Vec::<String>::new());
        let files = files(folder.path());
        let changed = &files[file.index(files.len())];
        if changed.file_name().unwrap() == "lock" {
            return Ok(());
        }
        let before = fs::read(changed).unwrap();
        let mut bytes = before.clone();
        let at = place.index(bytes.len());
        match how {
            0 => bytes[at] ^= 1 << bit,
            1 => bytes.truncate(at),
            2 => bytes.insert(at, 0x41),
            3 => drop(bytes.remove(at)),
            _ => {
                let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
                let mut other = lines.clone();
                other.rotate_left(at % lines.len());
                prop_assume!(other != lines);
                bytes = other.concat();
            }
        }
        // A newline less at the very end of a note changes nothing that was signed.
        let is_note = changed.file_name().unwrap() == "checkpoint";
        prop_assume!(!is_note || bytes.trim_ascii_end() != before.trim_ascii_end());
        fs::write(changed, bytes).unwrap();
        prop_assert_ne!(looked_at(folder.path()), Vec::<String>::new(), "{:?}", changed);
        // And reading it ends, in whatever way.
        let _ = Reader::open(folder.path()).unwrap().count();
        fs::remove_file(changed).unwrap();
        prop_assert_ne!(looked_at(folder.path()), Vec::<String>::new(), "without {:?}", changed);
    }
}

fn copy(from: &Path, to: &Path) {
    for file in files(from) {
        let target = to.join(file.strip_prefix(from).unwrap());
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(file, target).unwrap();
    }
}

/// A record that is sealed.
fn sealed() -> &'static Path {
    static SEALED: std::sync::OnceLock<(tempfile::TempDir, PathBuf)> = std::sync::OnceLock::new();
    let (_, folder) = SEALED.get_or_init(|| {
        let (scratch, folder) = testing::folder();
        let book = open(&folder);
        fill(&book, 0..60);
        all_sealed(&folder);
        fill(&book, 60..90);
        all_sealed(&folder);
        drop(book);
        (scratch, folder)
    });
    folder
}

#[test]
fn a_reader_goes_on_at_its_place_after_that_file_was_sealed() {
    let (_scratch, folder) = testing::folder();
    let book = Book::open(&folder, testing::settings()).unwrap();
    let mut written = fill(&book, 0..60);
    let mut reader = Reader::open(&folder).unwrap();
    let mut places = vec![reader.position()];
    while let Some(entry) = reader.next() {
        entry.unwrap();
        places.push(reader.position());
    }
    assert_eq!(places.len(), written.len() + 1);
    drop(book);

    // The file is sealed, and another one as well.
    let book = open(&folder);
    written.extend(fill(&book, 60..90));
    all_sealed(&folder);
    let rest = |place| {
        let mut reader = Reader::open(&folder).unwrap().starting_at(place);
        let rest: Vec<Entry> = reader.by_ref().map(Result::unwrap).collect();
        (rest, reader)
    };
    for (number, place) in places.iter().enumerate() {
        let (rest, reader) = rest(*place);
        assert_eq!(rest, written[number..], "from {place:?}");
        assert_eq!(reader.passed_over(), 0);
    }

    // Places between sealed entries are as good.
    let mut sealed = Reader::open(&folder).unwrap();
    let mut places = vec![sealed.position()];
    while let Some(entry) = sealed.next() {
        entry.unwrap();
        places.push(sealed.position());
    }
    for (number, place) in places.iter().enumerate() {
        assert_eq!(rest(*place).0, written[number..], "from {place:?}");
    }
    // Where all is sealed, the end is the end.
    let end = Position::end(&folder).unwrap();
    assert_eq!((rest(end).0, end.behind(&folder).unwrap()), (vec![], 0));
    assert!(Position::default().behind(&folder).unwrap() > 0);
    let later = fill(&book, 90..95);
    assert_eq!(rest(end).0, later);
}

/// What it says of operations, as a plain count of the calls does.
fn counted(folder: &Path, key: Option<KeyId>) -> Vec<(String, u64, u64, u64, jiff::Timestamp)> {
    let mut operations: std::collections::BTreeMap<String, (u64, u64, BTreeSet<String>, jiff::Timestamp)> =
        std::collections::BTreeMap::new();
    for joined in Reader::open(folder).unwrap().joined() {
        let call = joined.unwrap().call;
        if call.key.is_none() || key.is_some_and(|key| call.key != Some(key)) {
            continue;
        }
        let stopped = matches!(call.verdict, Verdict::Challenge(_) | Verdict::Refuse(_));
        let seen = operations.entry(call.operation.to_string()).or_default();
        (seen.0, seen.1) = (seen.0 + u64::from(!stopped), seen.1 + u64::from(stopped));
        seen.2.insert(call.at.strftime("%F").to_string());
        seen.3 = seen.3.max(call.at);
    }
    operations
        .into_iter()
        .map(|(name, (passed, stopped, days, last))| (name, passed, stopped, days.len() as u64, last))
        .collect()
}

fn told(folder: &Path, key: Option<KeyId>) -> Vec<(String, u64, u64, u64, jiff::Timestamp)> {
    let uses = crate::uses(folder, key, (None, None)).unwrap();
    assert!(uses.damage.is_empty(), "{:?}", uses.damage);
    let operations = uses.operations.into_iter();
    operations.map(|(name, seen)| (name.to_string(), seen.passed, seen.stopped, seen.days, seen.last)).collect()
}

#[test]
fn what_a_key_used_is_the_same_from_rollups_as_from_its_calls() {
    let (_scratch, folder) = testing::folder();
    let spread = |number: u64| Call {
        at: testing::call(number * 7_200).at,
        operation: ["GET /a", "POST /b", "GET *"][usize::try_from(number % 3).unwrap()].into(),
        parameters: vec![("path".into(), "/hidden".into())],
        ..call(number)
    };
    let book = open(&folder);
    for number in 0..300 {
        book.intent(spread(number)).unwrap();
        book.outcome(testing::outcome(&spread(number)));
    }
    testing::wait(book.synced()).unwrap();
    all_sealed(&folder);
    drop(book);
    // A part that is not sealed.
    let book = Book::open(&folder, testing::settings()).unwrap();
    for number in 300..340 {
        book.intent(spread(number)).unwrap();
    }
    testing::wait(book.synced()).unwrap();
    for key in [None, Some(KeyId(3)), Some(KeyId(99))] {
        assert_eq!(told(&folder, key), counted(&folder, key), "{key:?}");
    }
    let uses = crate::uses(&folder, Some(KeyId(3)), (None, None)).unwrap();
    assert_eq!(uses.undescribed.len(), 1);
    assert!(uses.operations["GET /a"].bytes_out > 0 && uses.operations["GET /a"].busiest > 0);
    assert_eq!(crate::span(&folder).unwrap().begins, Some(spread(0).at));

    // As of a moment, what came later is not there yet: neither sealed calls nor others.
    let half = crate::uses(&folder, None, (None, Some(spread(320).at))).unwrap();
    let before = |until: u64| (0..until).filter(|number| spread(*number).key.is_some()).count() as u64;
    let calls = |uses: &crate::Uses| uses.operations.values().map(|seen| seen.passed + seen.stopped).sum::<u64>();
    assert_eq!(calls(&half), before(320));
    let first = crate::uses(&folder, None, (None, Some(spread(0).at))).unwrap();
    assert_eq!((calls(&first), first.undescribed.len()), (0, 0));

    // A rollup that somebody changed is not believed: the segments say the same.
    let rollup = files(&folder).into_iter().find(|file| file.extension().is_some_and(|kind| kind == "usage")).unwrap();
    let text = fs::read_to_string(&rollup).unwrap().replace("\"passed\":", "\"passed\":1");
    fs::write(&rollup, text).unwrap();
    let uses = crate::uses(&folder, None, (None, None)).unwrap();
    assert_eq!(uses.damage.len(), 1);
    let passed: u64 = uses.operations.values().map(|seen| seen.passed).sum();
    assert_eq!(passed, counted(&folder, None).iter().map(|(_, passed, ..)| passed).sum::<u64>());
}

fn any_filter() -> impl Strategy<Value = Filter> {
    let some = |of: Vec<&'static str>| proptest::option::of(proptest::sample::select(of));
    (
        proptest::option::of((0_u64..8).prop_map(KeyId)),
        some(vec!["GET", "POST /b", "*users*", "GET *"]),
        proptest::option::of(proptest::sample::select(vec![Power::Mint, Power::Read, Power::Grant])),
        some(vec!["192.0.2.0/31", "192.0.2.2/32", "0.0.0.0/0", "2001:db8::/32"]),
        some(vec!["permit", "refuse", "challenge"]),
        some(vec!["200", "4xx", "2xx"]),
        proptest::option::of(0_u64..5),
    )
        .prop_map(|(key, operation, power, source, verdict, status, holder)| Filter {
            key,
            holder: holder.map(law::HolderId),
            operation: operation.map(str::to_owned),
            power,
            source: source.map(|source| source.parse().unwrap()),
            verdict: verdict.map(|verdict| verdict.parse().unwrap()),
            status: status.map(|status| status.parse().unwrap()),
            ..Filter::default()
        })
}

#[test]
fn what_columns_leave_out_is_what_nobody_wanted() {
    let (_scratch, folder) = testing::folder();
    let book = open(&folder);
    let varied = |number: u64| Call {
        operation: ["GET /users/{name}", "POST /b", "GET *"][usize::try_from(number / 5 % 3).unwrap()].into(),
        holder: (!number.is_multiple_of(3)).then_some(law::HolderId(number % 4)),
        ..call(number)
    };
    for number in 0..500 {
        book.intent(varied(number)).unwrap();
        // Some end in a later file, some never.
        if let Some(earlier) = number.checked_sub(40).filter(|earlier| !earlier.is_multiple_of(4)) {
            let status = if earlier.is_multiple_of(6) { 404 } else { 200 };
            book.outcome(law::Outcome { status, ..testing::outcome(&varied(earlier)) });
        }
        if number == 250 {
            testing::wait(book.synced()).unwrap();
            all_sealed(&folder);
        }
    }
    testing::wait(book.synced()).unwrap();
    all_sealed(&folder);
    let joined = |reader: Reader, filter: &Filter| -> BTreeSet<CallId> {
        let all = reader.joined().map(Result::unwrap);
        all.filter(|joined| filter.wants(joined)).map(|joined| joined.call.id).collect()
    };
    proptest!(ProptestConfig::with_cases(150), |(filter in any_filter())| {
        let all = joined(Reader::open(&folder).unwrap(), &filter);
        let wanted = joined(Reader::open(&folder).unwrap().wanting(&filter), &filter);
        prop_assert_eq!(all, wanted);
    });
    // It leaves out, too.
    let filter = Filter { operation: Some("POST /b".to_owned()), ..Filter::default() };
    let calls = Reader::open(&folder).unwrap().wanting(&filter).filter(|entry| matches!(entry, Ok(Entry::Call(_))));
    assert_eq!(calls.count(), (0..500).filter(|number| number / 5 % 3 == 1).count());
}

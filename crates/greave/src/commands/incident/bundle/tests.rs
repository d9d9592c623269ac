use law::{CallId, Ended, KeyId, Outcome as CallOutcome, Verdict};
use proptest::prelude::*;
use record::{Book, Sealing, Settings};
use tempfile::TempDir;

use super::*;
use crate::commands::{
    incident::tests::incident,
    testing::{self, NOW, at},
};

fn signer() -> Signer {
    Signer::new("greave/01020304/record", &[5; 32]).unwrap()
}

/// A record of which 60 calls are sealed, a third of them of key 17, and one is not. And one that
/// is sealed before it ends: its id.
fn record(folder: &Path) -> CallId {
    let wait = |future| tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future);
    let call = |number: u64| {
        let mut call = testing::call(number, "GET /users", Verdict::Permit, 200).call;
        call.at = at(-9_000 + i64::try_from(number).unwrap());
        call.key = Some(KeyId(if number.is_multiple_of(3) { 17 } else { 18 }));
        call
    };
    let fill = |book: &Book, numbers: std::ops::Range<u64>| {
        for number in numbers {
            let call = call(number);
            let (id, at): (CallId, _) = (call.id, call.at);
            book.intent(call).unwrap();
            book.outcome(CallOutcome {
                call: id,
                at,
                status: 200,
                bytes_in: 0,
                bytes_out: 300,
                rows: None,
                minted: None,
                learned: None,
                micros: 900,
                ended: Ended::Whole,
            });
        }
        wait(book.synced()).unwrap();
    };
    let sealing = Sealing {
        signer: signer(),
        after: std::time::Duration::from_millis(20),
        keep: law::ByPower::default(),
        cap: u64::MAX,
        settle: std::time::Duration::ZERO,
        piece: 64 << 20,
    };
    let book = Book::open_sealing(folder, Settings::default(), sealing).unwrap();
    fill(&book, 0..60);
    let open = call(57 + 6);
    let id = open.id;
    book.intent(open).unwrap();
    wait(book.synced()).unwrap();
    let is_log = |entry: &fs::DirEntry| entry.path().extension().is_some_and(|kind| kind == "calls");
    while fs::read_dir(folder).unwrap().flatten().any(|entry| is_log(&entry)) {
        std::thread::yield_now();
    }
    drop(book);
    let book = Book::open(folder, Settings::default()).unwrap();
    fill(&book, 60..61);
    id
}

fn ledger() -> Vec<Change> {
    let ledger = store::Signer::new("greave/01020304/ledger", &[5; 32]).unwrap();
    let mut chain = Chain::EMPTY;
    let mut changes = Vec::new();
    for (by, change, key) in
        [("operator", "law-loaded", "k0"), ("gate", "key-adopted", "k17"), ("operator", "key-disabled", "k17")]
    {
        let before = chain;
        let text = serde_json::json!({"by": by, "change": change, "key": key, "page": "x", "digest": authority::Digest::of(b"x")})
            .to_string();
        let entry = chain.extend(NOW, text.clone());
        let checkpoint = ledger.sign(chain).note;
        let proof = LedgerProof {
            before: before.head.to_string(),
            entries: vec![ProvenEntry { at: entry.at.as_millisecond(), change: text.clone() }],
            checkpoint,
        };
        let mut particulars: Map<String, Value> = serde_json::from_str(&text).unwrap();
        let (by, change) = (particulars.remove("by").unwrap(), particulars.remove("change").unwrap());
        changes.push(Change {
            seq: entry.seq,
            at: entry.at,
            by,
            change: change.as_str().unwrap().to_owned(),
            particulars,
            // One that holds what is kept of a secret.
            proof: (entry.seq != 2).then_some(proof),
        });
    }
    changes
}

fn made() -> (TempDir, PathBuf) {
    let scratch = tempfile::tempdir().unwrap();
    let (folder, bundle) = (scratch.path().join("record"), scratch.path().join("evidence"));
    record(&folder);
    let (manifest, odd) = assemble(&incident(false), &folder, &signer(), &ledger(), &bundle).unwrap();
    assert_eq!(odd, Vec::<String>::new());
    assert_eq!((manifest.calls, manifest.outcomes, manifest.unsealed, manifest.entries), (21, 20, 1, 3));
    (scratch, bundle)
}

fn findings(bundle: &Path) -> Vec<String> {
    check(bundle, (&signer().verifier(), &[])).unwrap().findings
}

fn names(bundle: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(bundle).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn what_was_made_holds_with_the_public_key_alone() {
    let (_scratch, bundle) = made();
    let checked = check(&bundle, (&signer().verifier(), &[])).unwrap();
    assert_eq!(checked.findings, Vec::<String>::new());
    assert_eq!((checked.calls, checked.outcomes, checked.unsealed), (21, 20, 1));
    assert_eq!((checked.entries, checked.withheld), (3, 1));
    let mut all = FILES.map(str::to_owned).to_vec();
    all.push(MANIFEST.to_owned());
    all.sort();
    assert_eq!(names(&bundle), all);
    let calls = fs::read_to_string(bundle.join(CALLS)).unwrap();
    assert!(!calls.contains("\\\"key\\\":\\\"k18"), "nothing of another key");
    let other = Signer::new("greave/01020304/record", &[6; 32]).unwrap().verifier();
    assert!(!check(&bundle, (&other, &[])).unwrap().findings.is_empty());
    assert!(assemble(&incident(false), &bundle, &signer(), &[], &bundle).is_err(), "nothing is overwritten");
}

#[test]
fn each_file_that_is_changed_cut_missing_or_added_is_found() {
    let (_scratch, bundle) = made();
    for name in names(&bundle) {
        let path = bundle.join(&name);
        let bytes = fs::read(&path).unwrap();
        let mut changed = bytes.clone();
        changed[bytes.len() / 2] ^= 1;
        for other in [changed, bytes[..bytes.len() - 1].to_vec(), [&bytes[..], b"\n"].concat(), Vec::new()] {
            // Behind a note's signatures others may sign: nothing that was signed is changed by that.
            let behind = name == MANIFEST && other.trim_ascii_end() == bytes.trim_ascii_end();
            fs::write(&path, &other).unwrap();
            assert!(behind || !findings(&bundle).is_empty(), "{name}");
        }
        fs::remove_file(&path).unwrap();
        assert!(is_bundle(&bundle), "{name}");
        assert!(!findings(&bundle).is_empty(), "without {name}");
        std::os::unix::fs::symlink("/dev/null", &path).unwrap();
        assert!(!findings(&bundle).is_empty(), "{name} leads elsewhere");
        fs::remove_file(&path).unwrap();
        fs::write(&path, &bytes).unwrap();
    }
    assert!(findings(&bundle).is_empty());
    fs::write(bundle.join("more.txt"), "x").unwrap();
    assert_eq!(findings(&bundle), ["`more.txt` was added"]);
}

/// Signs anew, as whoever made it could, so that the proofs themselves are looked at.
fn sign_anew(bundle: &Path, change: impl FnOnce(&mut Manifest)) {
    let verifier = signer().verifier();
    let mut manifest = manifest(bundle, &verifier).unwrap();
    for part in &mut manifest.files {
        let bytes = fs::read(bundle.join(&part.name)).unwrap();
        (part.bytes, part.sha256) = (bytes.len() as u64, Hash::of(&[&bytes]));
    }
    change(&mut manifest);
    let json = serde_json::to_string(&manifest).unwrap();
    fs::write(bundle.join(MANIFEST), signer().sign(&format!("{}\n{json}\n", origin(&verifier)))).unwrap();
}

#[test]
fn whoever_can_sign_cannot_make_up_a_call_or_a_change() {
    let (_scratch, bundle) = made();
    for (name, from, to) in [
        (CALLS, "GET /users", "GET /userz"),
        (CALLS, "\"index\":", "\"index\":1"),
        (CALLS, "192.0.2.7", "192.0.2.8"),
        (LEDGER, "key-disabled", "key-enabled"),
        (LEDGER, "\"seq\":3", "\"seq\":4"),
        (LEDGER, "operator", "gate"),
    ] {
        let path = bundle.join(name);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{from}");
        fs::write(&path, text.replacen(from, to, 1)).unwrap();
        sign_anew(&bundle, |_| ());
        assert!(!findings(&bundle).is_empty(), "{from}");
        fs::write(&path, text).unwrap();
        sign_anew(&bundle, |_| ());
        assert!(findings(&bundle).is_empty());
    }
    // A call that stands twice counts once.
    let path = bundle.join(CALLS);
    let text = fs::read_to_string(&path).unwrap();
    let line = text.lines().nth(1).unwrap();
    fs::write(&path, text.replacen(line, &format!("{line}\n{line}"), 1)).unwrap();
    sign_anew(&bundle, |manifest| manifest.calls += 1);
    assert!(!findings(&bundle).is_empty());
}

#[test]
fn any_byte_that_is_changed_anywhere_is_found() {
    let (_scratch, bundle) = made();
    let names = names(&bundle);
    proptest!(ProptestConfig::with_cases(300), |(
        name in proptest::sample::select(names), place in any::<proptest::sample::Index>(), bit in 0_u8..8,
    )| {
        let path = bundle.join(&name);
        let bytes = fs::read(&path).unwrap();
        let mut changed = bytes.clone();
        changed[place.index(bytes.len())] ^= 1 << bit;
        fs::write(&path, &changed).unwrap();
        let found = findings(&bundle);
        fs::write(&path, &bytes).unwrap();
        prop_assert!(!found.is_empty(), "{} at {}", name, place.index(bytes.len()));
    });
    assert!(findings(&bundle).is_empty());
}

#[test]
fn what_a_bundle_is_about_is_said_and_an_older_checkpoint_than_a_witness_has_is_found() {
    let (scratch, bundle) = made();
    let record = scratch.path().join("record");
    let kept = record::checkpoint(&record).unwrap().unwrap();
    let checked = check(&bundle, (&signer().verifier(), std::slice::from_ref(&kept))).unwrap();
    let text = crate::commands::testing::plain(&page(&checked));
    assert!(text.contains("it is about k17, from 2026-11-23 10:15:00 to 2026-11-24 10:15:00 UTC"), "{text}");
    assert!(text.contains("signed by greave/01020304/record") && text.contains("leaves of the record"), "{text}");
    let own: Checkpoint = kept.parse().unwrap();
    assert_eq!(checked.since, [own.size]);
    let other = |size: u64, origin: &str| {
        let note = signer().sign(&Checkpoint { origin: origin.to_owned(), size, root: Hash::EMPTY }.to_string());
        check(&bundle, (&signer().verifier(), &[note])).unwrap().findings
    };
    assert!(other(own.size + 1, &own.origin)[0].contains("was left out"));
    assert!(other(own.size, &own.origin)[0].contains("something else"));
    assert!(other(own.size, "greave/01020304/record")[0].contains("another record"));
    assert!(!check(&bundle, (&signer().verifier(), &["no note".to_owned()])).unwrap().findings.is_empty());
}

#[test]
fn the_law_in_a_bundle_is_the_one_that_the_ledger_proves() {
    let (_scratch, bundle) = made();
    fs::write(bundle.join(LAW), "read = \"secret\"").unwrap();
    sign_anew(&bundle, |_| ());
    assert!(findings(&bundle)[0].contains("`law.txt`"), "{:?}", findings(&bundle));
    // Nor is a law of another time taken for it, which somebody only waits for.
    let waits = Change { change: "law-waits".to_owned(), ..ledger().remove(0) };
    assert_eq!(law_of(&[waits]), None);
}

#[test]
fn how_a_sealed_call_ended_later_is_in_it_and_damage_is_told() {
    let scratch = tempfile::tempdir().unwrap();
    let (folder, bundle) = (scratch.path().join("record"), scratch.path().join("evidence"));
    let open = record(&folder);
    let book = Book::open(&folder, Settings::default()).unwrap();
    book.outcome(CallOutcome {
        call: open,
        at: NOW,
        status: 200,
        bytes_in: 0,
        bytes_out: 7_000_000,
        rows: None,
        minted: None,
        learned: None,
        micros: 900,
        ended: Ended::Whole,
    });
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(book.synced()).unwrap();
    drop(book);
    let (manifest, odd) = assemble(&incident(false), &folder, &signer(), &ledger(), &bundle).unwrap();
    assert_eq!((manifest.unsealed, odd.len()), (2, 0));
    let unsealed = fs::read_to_string(bundle.join(UNSEALED)).unwrap();
    assert!(unsealed.lines().last().unwrap().contains("7000000"), "{unsealed}");
    assert_eq!(findings(&bundle), Vec::<String>::new());
    // Somebody damages what is not sealed, and appends to what is.
    let log = fs::read_dir(&folder).unwrap().flatten().map(|entry| entry.path());
    let log = log.into_iter().find(|path| path.extension().is_some_and(|kind| kind == "calls")).unwrap();
    let mut bytes = fs::read(&log).unwrap();
    bytes[60] ^= 1;
    fs::write(&log, bytes).unwrap();
    let leaves = fs::read_to_string(folder.join("leaves.jsonl")).unwrap();
    fs::write(
        folder.join("leaves.jsonl"),
        leaves + "{\"sealed\":{\"log\":99,\"at\":\"2026-11-29T10:00:00Z\",\"segments\":[]}}\n",
    )
    .unwrap();
    let again = scratch.path().join("again");
    let (manifest, odd) = assemble(&incident(false), &folder, &signer(), &ledger(), &again).unwrap();
    assert_eq!((manifest.calls, manifest.unsealed), (21, 1));
    assert!(
        odd.iter().any(|odd| odd.contains("not signed")) && odd.iter().any(|odd| odd.contains("damaged")),
        "{odd:?}"
    );
    assert!(fs::read_to_string(again.join(README)).unwrap().contains("not signed"));
    assert_eq!(findings(&again), Vec::<String>::new());
}

#[test]
fn what_was_half_made_is_taken_away_again() {
    let scratch = tempfile::tempdir().unwrap();
    let (folder, bundle) = (scratch.path().join("record"), scratch.path().join("evidence"));
    record(&folder);
    let other = Signer::new("greave/01020304/record", &[6; 32]).unwrap();
    let assemble = |signer: &Signer| assemble(&incident(false), &folder, signer, &[], &bundle);
    assert!(assemble(&other).is_err());
    assert!(!scratch.path().join("evidence.new").exists());
    fs::create_dir(scratch.path().join("evidence.new")).unwrap();
    assert!(assemble(&signer()).unwrap_err().to_string().contains("remove it"));
}

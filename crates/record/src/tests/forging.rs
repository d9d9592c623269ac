//! What somebody puts into the folder who has no key, and what stands there after an end at the
//! wrong moment: nothing of it is signed, and nothing that was recorded is lost for it.

use std::{fs, path::Path};

use law::{Call, KeyId};

use crate::{Book, Damage, Evidence, Given, Notice, ProveError, Reader, testing, verify};

/// A record of which a part is sealed.
fn sealed(folder: &Path) {
    let book = testing::open_sealing(folder);
    for number in 0..100 {
        book.intent(testing::call(number)).unwrap();
    }
    testing::wait(book.synced()).unwrap();
    testing::until(|| testing::files(folder).is_empty());
}

/// What a book says until it has said this.
fn told(book: &Book, wanted: impl Fn(&Notice) -> bool) -> Vec<Notice> {
    let mut told = Vec::new();
    testing::until(|| {
        told.extend(book.notices());
        told.iter().any(&wanted)
    });
    told
}

fn calls(folder: &Path) -> usize {
    let (entries, damages) = testing::read(folder);
    assert_eq!(damages, []);
    entries.len()
}

fn findings(folder: &Path) -> Vec<String> {
    verify(folder, &testing::sealing().signer.verifier(), &[]).unwrap().findings
}

#[test]
fn a_removal_that_somebody_appended_is_never_signed_and_removes_nothing() {
    let (_scratch, folder) = testing::folder();
    sealed(&folder);
    let leaves = fs::read_to_string(folder.join("leaves.jsonl")).unwrap();
    let leaf: serde_json::Value = serde_json::from_str(leaves.lines().next().unwrap()).unwrap();
    let file = &leaf["sealed"]["segments"][0]["file"];
    let forged = format!("{{\"removed\":{{\"at\":\"2026-11-29T10:00:00Z\",\"why\":\"cap\",\"files\":[{file}]}}}}\n");
    fs::write(folder.join("leaves.jsonl"), leaves.clone() + &forged).unwrap();
    let book = testing::open_sealing(&folder);
    told(&book, |notice| matches!(notice, Notice::Repaired(_)));
    drop(book);
    assert_eq!(fs::read_to_string(folder.join("leaves.jsonl")).unwrap(), leaves);
    assert_eq!((calls(&folder), findings(&folder)), (100, vec![]));
}

#[test]
fn a_removal_that_nobody_signed_hides_nothing_from_readers() {
    let (_scratch, folder) = testing::folder();
    sealed(&folder);
    let leaves = fs::read_to_string(folder.join("leaves.jsonl")).unwrap();
    let leaf: serde_json::Value = serde_json::from_str(leaves.lines().next().unwrap()).unwrap();
    let file = &leaf["sealed"]["segments"][0]["file"];
    let forged = format!("{{\"removed\":{{\"at\":\"2026-11-29T10:00:00Z\",\"why\":\"cap\",\"files\":[{file}]}}}}\n");
    let calls = |text: String| {
        fs::write(folder.join("leaves.jsonl"), text).unwrap();
        testing::read(&folder).0.len()
    };
    assert_eq!(calls(leaves.clone() + &forged), 100);
    // Nor does one in the place of a leaf that was signed.
    assert_eq!(calls(leaves.replacen("\"sealed\"", "\"Sealed\"", 1) + &forged), 0);
    assert!(!testing::read(&folder).1.is_empty(), "and that is told");
}

/// The evidence of the key in a record, with its unsealed calls, and what lies beside it.
fn given(folder: &Path) -> (Given, usize) {
    let span = (KeyId(17), testing::call(0).at, testing::call(100_000).at);
    let take = |_: Evidence| Ok::<(), ProveError>(());
    let given = crate::evidence(folder, span, &testing::sealing().signer.verifier(), take).unwrap();
    let unsealed = given.unsealed(folder).unwrap();
    let unsealed = unsealed.filter(|entry| matches!(entry, Ok(crate::Entry::Call(_)))).count();
    (given, unsealed)
}

#[test]
fn an_older_checkpoint_in_the_folder_takes_no_call_out_of_the_evidence() {
    let (_scratch, folder) = testing::folder();
    sealed(&folder);
    let older = fs::read_to_string(folder.join("checkpoint")).unwrap();
    more(&folder, 100);
    let (whole, _) = given(&folder);
    assert_eq!((whole.calls, &whole.odd), (101, &vec![]));
    let last = testing::call(100).id;
    for put in [Some(older), None, Some("no note at all".to_owned())] {
        match &put {
            Some(note) => fs::write(folder.join("checkpoint"), note).unwrap(),
            None => fs::remove_file(folder.join("checkpoint")).unwrap(),
        }
        let (given, unsealed) = given(&folder);
        assert_eq!((given.calls, unsealed, given.odd.len()), (101, 0, 1), "{:?}", given.odd);
        assert_eq!(given.checkpoint, whole.checkpoint);
        assert_eq!(crate::checkpoint(&folder).unwrap().as_ref(), Some(&whole.checkpoint));
        crate::prove(&folder, last, &testing::sealing().signer.verifier()).unwrap();
    }
}

#[test]
fn a_line_that_somebody_appended_hides_nothing_from_anybody_and_is_told() {
    let (_scratch, folder) = testing::folder();
    sealed(&folder);
    let book = Book::open(&folder, testing::settings()).unwrap();
    testing::wait(book.intent_durable(testing::call(100))).unwrap();
    drop(book);
    let log = fs::read(&testing::files(&folder)[0]).unwrap();
    let leaves = fs::read_to_string(folder.join("leaves.jsonl")).unwrap();
    let leaf: serde_json::Value = serde_json::from_str(leaves.lines().next().unwrap()).unwrap();
    let files = [&leaf["sealed"]["segments"][0]["file"], &leaf["sealed"]["usage"]["file"]];
    let removal = |file: &serde_json::Value| {
        format!("{{\"removed\":{{\"at\":\"2026-11-29T10:00:00Z\",\"why\":\"cap\",\"files\":[{file}]}}}}\n")
    };
    let sealing =
        |log: u64| format!("{{\"sealed\":{{\"log\":{log},\"at\":\"2026-11-29T10:00:00Z\",\"segments\":[]}}}}\n");
    let forged =
        [sealing(999_999), sealing(u64::MAX), removal(files[0]) + &removal(files[1]), sealing(2) + &sealing(3)];
    for forged in forged {
        fs::write(folder.join("leaves.jsonl"), leaves.clone() + &forged).unwrap();
        let (given, unsealed) = given(&folder);
        assert_eq!((given.calls, given.removed, unsealed, given.odd.len()), (100, 0, 1, 1), "{forged}");
        let (entries, damages) = testing::read(&folder);
        assert_eq!(entries.len(), 101, "{forged}");
        assert!(matches!(damages.as_slice(), [Damage::Leaves { .. }]), "{damages:?}");
        let uses = crate::uses(&folder, None, (None, None)).unwrap();
        assert_eq!(uses.operations.values().map(|seen| seen.passed).sum::<u64>(), 101, "{forged}");
        assert!(matches!(uses.damage.as_slice(), [Damage::Leaves { .. }]), "{:?}", uses.damage);
        let span = crate::span(&folder).unwrap();
        assert_eq!((span.begins, span.removed_until), (Some(testing::call(0).at), None));
        assert_eq!(crate::Position::end(&folder).unwrap().file, 2);
        // Nor does a start take its next number from it.
        let book = Book::open(&folder, testing::settings()).unwrap();
        testing::wait(book.intent_durable(testing::call(101))).unwrap();
        drop(book);
        let logs = testing::files(&folder);
        assert!(logs.len() == 1 && logs[0].to_str().unwrap().contains("/00000002-"), "{logs:?}");
        fs::write(&logs[0], &log).unwrap();
    }
}

#[test]
fn whoever_verifies_a_record_reads_nothing_but_its_own_files() {
    let (scratch, folder) = testing::folder();
    sealed(&folder);
    let secret = scratch.path().join("secret");
    fs::write(&secret, "of the auditor").unwrap();
    let leaves = fs::read_to_string(folder.join("leaves.jsonl")).unwrap();
    let leaf: serde_json::Value = serde_json::from_str(leaves.lines().next().unwrap()).unwrap();
    let file = folder.join(leaf["sealed"]["segments"][0]["file"].as_str().unwrap());
    let signer = testing::sealing().signer;
    // Whoever has some key of their own signs what they like, and whoever has none appends it.
    let secret_in_hour = "hour=2026-11-29T10/../../secret";
    for path in ["/dev/zero", "../secret", secret_in_hour, "hour=2026-11-29T10/00000001-0.parquet/../../../secret"] {
        let forged = leaves.replacen(leaf["sealed"]["segments"][0]["file"].as_str().unwrap(), path, 1);
        fs::write(folder.join("leaves.jsonl"), &forged).unwrap();
        let hashes: Vec<seal::Hash> = forged.lines().map(|line| seal::tree::leaf(line.as_bytes())).collect();
        let other = testing::made_folder();
        copy(&folder, other.path());
        fs::write(other.path().join("checkpoint"), signer.checkpoint(hashes.len() as u64, seal::tree::root(&hashes)))
            .unwrap();
        let found = findings(other.path());
        assert!(found.iter().any(|finding| finding == "leaf 0 cannot be understood"), "{found:?}");
        assert!(!found.iter().any(|finding| finding.contains("secret") || finding.contains("zero")), "{found:?}");
    }
    let appended = leaves.lines().next().unwrap().replace("\"log\":1", "\"log\":7");
    fs::write(folder.join("leaves.jsonl"), format!("{leaves}{}\n", appended.replace("00000001-0", "00000001-9")))
        .unwrap();
    assert_eq!(findings(&folder), ["1 leaves are not signed"]);
    fs::write(folder.join("leaves.jsonl"), &leaves).unwrap();
    // A link is no file, and neither is a pipe, which would never end; nothing is read of either.
    let bytes = fs::read(&file).unwrap();
    let aside = scratch.path().join("aside");
    fs::write(&aside, &bytes).unwrap();
    let pipe = |path: &Path| {
        assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
    };
    for what in [&file, &folder.join("leaves.jsonl"), &folder.join("checkpoint")] {
        let bytes = fs::read(what).unwrap();
        for put in 0..3 {
            fs::remove_file(what).unwrap();
            match put {
                0 => std::os::unix::fs::symlink(&aside, what).unwrap(),
                1 => std::os::unix::fs::symlink("/dev/zero", what).unwrap(),
                _ => pipe(what),
            }
            match verify(&folder, &signer.verifier(), &[]) {
                Ok(verified) => assert_ne!(verified.findings, Vec::<String>::new(), "{}", what.display()),
                Err(error) => assert!(error.to_string().contains("no plain file"), "{error}"),
            }
        }
        fs::remove_file(what).unwrap();
        fs::write(what, bytes).unwrap();
    }
    assert_eq!(findings(&folder), Vec::<String>::new());
}

#[test]
fn how_keys_were_used_is_believed_only_as_it_was_sealed() {
    let (_scratch, folder) = testing::folder();
    sealed(&folder);
    let leaves = fs::read_to_string(folder.join("leaves.jsonl")).unwrap();
    let leaf: serde_json::Value = serde_json::from_str(leaves.lines().next().unwrap()).unwrap();
    let path = folder.join(leaf["sealed"]["usage"]["file"].as_str().unwrap());
    // The thief's address was always there.
    let forged = fs::read_to_string(&path).unwrap().replace("192.0.2.9", "198.51.100.66");
    fs::write(&path, forged).unwrap();
    let book = Book::open(&folder, testing::settings()).unwrap();
    testing::until(|| book.usage_is_complete());
    assert_eq!(book.usages(), []);
    assert!(book.notices().iter().any(|notice| matches!(notice, Notice::Damaged(_))));
    assert_eq!(crate::daily(&folder).unwrap().count(), 0);
}

#[test]
fn a_sealing_that_somebody_appended_is_never_signed_and_its_log_is_sealed_as_it_is() {
    let (_scratch, folder) = testing::folder();
    sealed(&folder);
    let leaves = fs::read_to_string(folder.join("leaves.jsonl")).unwrap();
    let book = Book::open(&folder, testing::settings()).unwrap();
    testing::wait(book.intent_durable(testing::call(100))).unwrap();
    drop(book);
    let log = testing::files(&folder)[0].file_name().unwrap().to_str().unwrap().to_owned();
    let number: u64 = log.split_once('-').unwrap().0.parse().unwrap();
    let forged = format!("{{\"sealed\":{{\"log\":{number},\"at\":\"2026-11-29T10:00:00Z\",\"segments\":[]}}}}\n");
    fs::write(folder.join("leaves.jsonl"), leaves + &forged).unwrap();
    let book = testing::open_sealing(&folder);
    told(&book, |notice| matches!(notice, Notice::Repaired(_)));
    testing::wait(book.intent_durable(testing::call(101))).unwrap();
    testing::until(|| testing::files(&folder).is_empty());
    drop(book);
    assert_eq!((calls(&folder), findings(&folder)), (102, vec![]));
}

#[test]
fn a_file_of_the_log_that_no_segment_holds_is_kept() {
    let (_scratch, folder) = testing::folder();
    let book = Book::open(&folder, testing::settings()).unwrap();
    testing::wait(book.intent_durable(testing::call(0))).unwrap();
    drop(book);
    let log = testing::files(&folder)[0].clone();
    let good = fs::read(&log).unwrap();
    drop({
        let book = testing::open_sealing(&folder);
        testing::until(|| testing::files(&folder).is_empty());
        book
    });
    let other = log.with_file_name(log.file_name().unwrap().to_str().unwrap().replacen("00000001", "00000000", 1));
    // It lies there again, with more in it than was sealed; and one of which no leaf speaks.
    for (name, bytes) in [(&log, [good.clone(), good[32..].to_vec()].concat()), (&other, good.clone())] {
        fs::write(name, &bytes).unwrap();
        let book = testing::open_sealing(&folder);
        told(&book, |notice| matches!(notice, Notice::Repaired(_)));
        drop(book);
        assert_eq!(fs::read(name.with_extension("damaged")).unwrap(), bytes);
    }
    // What was sealed, and nothing else, goes.
    fs::write(&log, good).unwrap();
    let book = testing::open_sealing(&folder);
    told(&book, |notice| matches!(notice, Notice::Repaired(_)));
    assert!(!log.exists());
}

#[test]
fn a_log_of_a_newer_version_is_left_alone_and_said_once() {
    let (_scratch, folder) = testing::folder();
    let book = Book::open(&folder, testing::settings()).unwrap();
    testing::wait(book.intent_durable(testing::call(0))).unwrap();
    drop(book);
    let log = testing::files(&folder)[0].clone();
    let mut bytes = fs::read(&log).unwrap();
    bytes[8] = 9;
    let sum = crc32c::crc32c(&bytes[..28]).to_le_bytes();
    bytes[28..32].copy_from_slice(&sum);
    fs::write(&log, &bytes).unwrap();
    let book = testing::open_sealing(&folder);
    let unsealed = |notice: &Notice| matches!(notice, Notice::Unsealed(why) if why.contains("version 9"));
    told(&book, unsealed);
    std::thread::sleep(std::time::Duration::from_millis(200));
    assert!(!book.notices().iter().any(unsealed), "it is said once");
    drop(book);
    assert_eq!(fs::read(&log).unwrap(), bytes);
    assert!(!folder.join("leaves.jsonl").exists());
}

/// Copies what lies in a folder, and in its folders.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    fs::set_permissions(to, fs::metadata(from).unwrap().permissions()).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(path, target).unwrap();
        }
    }
}

/// Writes one call more and lets it be sealed.
fn more(folder: &Path, number: u64) {
    let book = testing::open_sealing(folder);
    testing::wait(book.intent_durable(testing::call(number))).unwrap();
    testing::until(|| testing::files(folder).is_empty());
}

#[test]
fn a_record_behind_what_was_signed_here_is_neither_signed_nor_verified() {
    let (scratch, folder) = testing::folder();
    sealed(&folder);
    let older = scratch.path().join("older");
    copy(&folder, &older);
    more(&folder, 100);
    let signed = crate::checkpoint(&folder).unwrap();
    let newer = scratch.path().join("newer");
    fs::rename(&folder, &newer).unwrap();
    // The older one is put back; and then none at all.
    for from in [Some(&older), None] {
        let _ = fs::remove_dir_all(&folder);
        from.iter().for_each(|from| copy(from, &folder));
        let book = testing::open_sealing(&folder);
        told(&book, |notice| matches!(notice, Notice::Unsealed(why) if why.contains("calls.signed")));
        testing::wait(book.intent_durable(testing::call(101))).unwrap();
        drop(book);
        assert!(findings(&folder).iter().any(|finding| finding.contains("calls.signed")), "{:?}", findings(&folder));
    }
    // The right one goes on, and has its checkpoint again where that was taken away or is older.
    fs::remove_dir_all(&folder).unwrap();
    fs::rename(&newer, &folder).unwrap();
    for old in [None, crate::checkpoint(&older).unwrap()] {
        match old {
            None => fs::remove_file(folder.join("checkpoint")).unwrap(),
            Some(old) => fs::write(folder.join("checkpoint"), old).unwrap(),
        }
        drop({
            let book = testing::open_sealing(&folder);
            told(&book, |notice| matches!(notice, Notice::Repaired(_)));
            book
        });
        assert_eq!((crate::checkpoint(&folder).unwrap(), findings(&folder)), (signed.clone(), vec![]));
    }
}

#[test]
fn a_record_that_was_never_signed_here_goes_on_under_a_name_of_its_own() {
    let (scratch, folder) = testing::folder();
    sealed(&folder);
    let old = crate::checkpoint(&folder).unwrap().unwrap();
    let elsewhere = scratch.path().join("elsewhere");
    copy(&folder, &elsewhere);
    let mut origins = Vec::new();
    for folder in [&folder, &elsewhere] {
        more(folder, 100);
        let note = crate::checkpoint(folder).unwrap().unwrap();
        origins.push(note.lines().next().unwrap().to_owned());
        // It is the same record up to there, and that shows.
        let verified = verify(folder, &testing::sealing().signer.verifier(), std::slice::from_ref(&old)).unwrap();
        assert_eq!((verified.findings, verified.since.len()), (vec![], 1));
    }
    assert!(origins[0] != origins[1] && old.starts_with(&origins[0]), "{origins:?}");
}

#[test]
fn an_emptied_record_is_not_well() {
    let (_scratch, folder) = testing::folder();
    sealed(&folder);
    more(&folder, 100);
    let book = Book::open(&folder, testing::settings()).unwrap();
    testing::wait(book.intent_durable(testing::call(101))).unwrap();
    drop(book);
    // Somebody took away everything that was sealed, and this is a copy without what was signed.
    fs::remove_file(folder.with_file_name("calls.signed")).unwrap();
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            fs::remove_dir_all(path).unwrap();
        } else if path.extension().is_none_or(|kind| kind != "calls") {
            fs::remove_file(path).unwrap();
        }
    }
    assert!(
        findings(&folder).iter().any(|finding| finding.contains("begins with the file")),
        "{:?}",
        findings(&folder)
    );
}

#[test]
fn verifying_while_it_is_sealed_raises_no_alarm() {
    let (_scratch, folder) = testing::folder();
    let book = testing::open_sealing(&folder);
    for round in 0..20 {
        for number in round * 20..round * 20 + 20 {
            book.intent(testing::call(number)).unwrap();
        }
        testing::wait(book.synced()).unwrap();
        assert_eq!(findings(&folder), Vec::<String>::new());
    }
}

/// A record of which the calls of a day were removed, under this rule; what verifying it lists.
fn removed(keep: law::Span) -> (tempfile::TempDir, std::path::PathBuf, crate::Verified) {
    let (scratch, folder) = testing::folder();
    sealed(&folder);
    more(&folder, 200_000);
    let keep = law::ByPower::from_fn(|_| Some(keep));
    let book = Book::open_sealing(&folder, testing::settings(), crate::Sealing { keep, ..testing::sealing() }).unwrap();
    told(&book, |notice| matches!(notice, Notice::Dropped { .. }));
    drop(book);
    let verified = verify(&folder, &testing::sealing().signer.verifier(), &[]).unwrap();
    (scratch, folder, verified)
}

#[test]
fn each_removal_is_listed_with_its_rule_and_one_before_its_time_is_found() {
    let (_scratch, folder, verified) = removed(law::Span::days(1));
    assert_eq!(verified.findings, Vec::<String>::new());
    let [removal] = verified.removals.as_slice() else { panic!("{:?}", verified.removals) };
    assert_eq!((removal.calls, removal.why.as_str()), (100, "kept-long-enough"));
    assert_eq!((removal.from, removal.keep), (Some(testing::call(0).at), Some(law::Span::days(1))));
    // Whoever has the key may sign a removal: it shows that what went was to be kept longer.
    let signer = testing::sealing().signer;
    for forged in ["\"keep\":\"9999d\"", "\"nothing\":1"] {
        let leaves = fs::read_to_string(folder.join("leaves.jsonl")).unwrap().replacen("\"keep\":\"1d\"", forged, 1);
        let other = testing::made_folder();
        copy(&folder, other.path());
        fs::write(other.path().join("leaves.jsonl"), &leaves).unwrap();
        let hashes: Vec<seal::Hash> = leaves.lines().map(|line| seal::tree::leaf(line.as_bytes())).collect();
        let note = signer.checkpoint(hashes.len() as u64, seal::tree::root(&hashes));
        fs::write(other.path().join("checkpoint"), note).unwrap();
        let findings = findings(other.path());
        assert!(findings.len() == 1 && findings[0].contains("before its time"), "{findings:?}");
    }
}

#[test]
fn a_clock_alone_removes_nothing() {
    let (_scratch, folder) = testing::folder();
    sealed(&folder);
    // By the clock the calls are much older than a day; by the newest call they are not.
    let keep = law::ByPower::from_fn(|_| Some(law::Span::days(1)));
    let sealing = crate::Sealing { keep, ..testing::sealing() };
    let book = Book::open_sealing(&folder, testing::settings(), sealing).unwrap();
    testing::wait(book.intent_durable(testing::call(101))).unwrap();
    testing::until(|| testing::files(&folder).is_empty());
    testing::wait(book.intent_durable(testing::call(102))).unwrap();
    testing::until(|| testing::files(&folder).is_empty());
    drop(book);
    assert_eq!(calls(&folder), 102);
    // And nothing goes before the clock has proven itself.
    more(&folder, 200_000);
    let settle = std::time::Duration::from_secs(3600);
    let sealing = crate::Sealing { keep, settle, ..testing::sealing() };
    let book = Book::open_sealing(&folder, testing::settings(), sealing).unwrap();
    testing::wait(book.intent_durable(testing::call(200_001))).unwrap();
    testing::until(|| testing::files(&folder).is_empty());
    drop(book);
    assert_eq!(calls(&folder), 104);
}

/// A log that another book wrote, under a name of one's choice.
fn planted(folder: &Path, name: &str) {
    let (_scratch, other) = testing::folder();
    let book = Book::open(&other, testing::settings()).unwrap();
    book.intent(Call { key: Some(KeyId(666)), ..testing::call(1) }).unwrap();
    testing::wait(book.synced()).unwrap();
    drop(book);
    fs::copy(&testing::files(&other)[0], folder.join(name)).unwrap();
}

fn add(book: &Book, number: u64, folder: &Path) {
    book.intent(testing::call(number)).unwrap();
    testing::wait(book.synced()).unwrap();
    testing::until(|| testing::files(folder).is_empty());
}

#[test]
fn a_log_whose_number_is_sealed_already_is_put_aside_and_never_signed() {
    let (_scratch, folder) = testing::folder();
    let book = testing::open_sealing(&folder);
    for number in 0..3 {
        add(&book, number, &folder);
    }
    for name in ["00000001-20260101T000000Z.calls", "00000002-20260101T000000Z.calls"] {
        planted(&folder, name);
        told(&book, |notice| matches!(notice, Notice::Repaired(what) if what.contains(name)));
        assert!(folder.join(name).with_extension("damaged").exists());
    }
    // A pipe would never end.
    let pipe = folder.join("00000001-20260102T000000Z.calls");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    told(&book, |notice| matches!(notice, Notice::Repaired(what) if what.contains("20260102")));
    add(&book, 3, &folder);
    drop(book);
    let book = testing::open_sealing(&folder);
    add(&book, 4, &folder);
    drop(book);
    assert_eq!((calls(&folder), findings(&folder)), (5, vec![]));
}

#[test]
fn what_a_link_leads_to_is_never_written() {
    let (scratch, folder) = testing::folder();
    let outside = scratch.path().join("ledger");
    fs::write(&outside, "precious").unwrap();
    let book = testing::open_sealing(&folder);
    add(&book, 0, &folder);
    std::os::unix::fs::symlink(&outside, folder.join("checkpoint.new")).unwrap();
    add(&book, 1, &folder);
    let leaves = folder.join("leaves.jsonl");
    fs::rename(&leaves, scratch.path().join("leaves")).unwrap();
    std::os::unix::fs::symlink(&outside, &leaves).unwrap();
    book.intent(testing::call(2)).unwrap();
    told(&book, |notice| matches!(notice, Notice::Unsealed(_)));
    assert_eq!(fs::read_to_string(&outside).unwrap(), "precious");
    // Put back as it was, it goes on.
    fs::remove_file(&leaves).unwrap();
    fs::rename(scratch.path().join("leaves"), &leaves).unwrap();
    testing::until(|| testing::files(&folder).is_empty());
    drop(book);
    assert_eq!((calls(&folder), findings(&folder)), (3, vec![]));
}

#[test]
fn whoever_believes_what_is_read_reads_only_what_was_sealed() {
    let (_scratch, folder) = testing::folder();
    sealed(&folder);
    let count = || Reader::open(&folder).unwrap().only_sealed().filter(Result::is_ok).count();
    assert_eq!(count(), 100);
    let leaves = fs::read_to_string(folder.join("leaves.jsonl")).unwrap();
    let leaf: serde_json::Value = serde_json::from_str(leaves.lines().next().unwrap()).unwrap();
    // A whole segment, and another one.
    let (_other_scratch, other) = testing::folder();
    let book = testing::open_sealing(&other);
    add(&book, 7, &other);
    drop(book);
    let file = leaf["sealed"]["segments"][0]["file"].as_str().unwrap();
    let theirs = fs::read_dir(fs::read_dir(&other).unwrap().flatten().find(|at| at.path().is_dir()).unwrap().path());
    let theirs = theirs.unwrap().flatten().find(|file| file.path().extension().is_some_and(|kind| kind == "parquet"));
    fs::copy(theirs.unwrap().path(), folder.join(file)).unwrap();
    assert!(Reader::open(&folder).unwrap().filter(Result::is_ok).count() > count(), "it can be read as it is");
    let damage = Reader::open(&folder).unwrap().only_sealed().find_map(Result::err);
    assert!(
        matches!(&damage, Some(Damage::Unreadable { error, .. }) if error.contains("not what was sealed")),
        "{damage:?}"
    );
}

#[test]
fn a_number_far_ahead_is_told_at_the_start() {
    let name = "00000100-20260101T000000Z.calls";
    let begun = crate::folder::header(100, testing::call(0).at);
    let whole = |bytes: &[u8]| {
        let (_scratch, other) = testing::folder();
        fs::create_dir_all(&other).unwrap();
        planted(&other, name);
        let log = fs::read(other.join(name)).unwrap();
        [bytes, &log[bytes.len()..]].concat()
    };
    for (what, bytes) in
        [("whole", whole(&begun)), ("another's", whole(&[])), ("begun", begun.clone()), ("empty", vec![])]
    {
        for seals in [true, false] {
            let (_scratch, folder) = testing::folder();
            if seals {
                sealed(&folder);
            } else {
                let book = Book::open(&folder, testing::settings()).unwrap();
                testing::wait(book.intent_durable(testing::call(0))).unwrap();
            }
            fs::write(folder.join(name), &bytes).unwrap();
            let book =
                if seals { testing::open_sealing(&folder) } else { Book::open(&folder, testing::settings()).unwrap() };
            testing::wait(book.intent_durable(testing::call(200))).unwrap();
            testing::until(|| book.usage_is_complete());
            let told = book.notices();
            let missing = Notice::Damaged(Damage::Missing { from: 2, to: 99 });
            let torn = Notice::Damaged(Damage::Torn { file: name.to_owned(), offset: 0, bytes: 0 });
            assert!(told.contains(if bytes.is_empty() { &torn } else { &missing }), "{what} {seals}: {told:?}");
            if bytes.is_empty() {
                // It never held anything, and its number is not gone on from.
                let newest = testing::files(&folder).pop().unwrap();
                assert!(newest.file_name().unwrap().to_str().unwrap() < "00000003", "{newest:?}");
            }
        }
    }
}

//! What somebody puts into the folder who has no key, and what stands there after an end at the
//! wrong moment: nothing of it is signed, and nothing that was recorded is lost for it.

use std::{fs, path::Path};

use crate::{Book, Notice, testing, verify};

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

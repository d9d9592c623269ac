//! What was acknowledged survives `kill -9`, and stands in the book once.

use std::{
    collections::HashMap,
    env,
    hash::{BuildHasher as _, Hasher as _, RandomState},
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use jiff::Timestamp;
use law::{ByPower, Call, CallId, Power, Span};
use uuid::Uuid;

use crate::{Book, Damage, Entry, Notice, Sealing, Settings, folder::HEADER, testing};

/// What the process does beside writing: `seal`, or `remove` what is ordinary as well.
const SEALING: &str = "RECORD_KILL_SEALING";

const FOLDER: &str = "RECORD_KILL_FOLDER";
/// After so many acknowledgements each round's process is killed.
const ROUNDS: [usize; 14] = [1, 2, 3, 5, 8, 13, 40, 1, 100, 7, 250, 31, 600, 17];

/// Not a test by itself: the process that is killed.
#[test]
fn child() {
    let Some(folder) = env::var_os(FOLDER).map(PathBuf::from) else { return };
    let settings = Settings { roll: 16 << 10, cap: 64 << 20, ..testing::settings() };
    let book = match env::var(SEALING).as_deref() {
        Ok("remove") => Book::open_sealing(folder, settings, removing()).unwrap(),
        Ok(_) => Book::open_sealing(folder, settings, testing::sealing()).unwrap(),
        Err(_) => Book::open(folder, settings).unwrap(),
    };
    for notice in book.notices() {
        let usual = matches!(
            notice,
            Notice::Damaged(Damage::Torn { .. }) | Notice::Repaired(_) | Notice::Checkpoint(_) | Notice::Dropped { .. }
        );
        assert!(usual, "{notice:?}");
    }
    // What is removed is sealed first: it must keep up.
    let pause = Duration::from_millis(if env::var(SEALING).is_ok_and(|word| word == "remove") { 3 } else { 0 });
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    thread::sleep(pause);
                    let (id, at) = (CallId(Uuid::now_v7()), Timestamp::now());
                    let call = Call { id, at, powers: Power::Mint.into(), ..testing::call(1) };
                    let durable = book.intent_durable(call);
                    let ordinary = Call { id: CallId(Uuid::now_v7()), at, ..testing::call(2) };
                    book.intent(ordinary).unwrap();
                    testing::wait(durable).unwrap();
                    writeln!(std::io::stdout(), "acknowledged {id}").unwrap();
                }
            });
        }
    });
}

/// Keeps what is sensitive, and removes what is ordinary as soon as it is sealed.
fn removing() -> Sealing {
    let keep = ByPower::from_fn(|power| (power == Power::Read).then(Span::default));
    Sealing { keep, ..testing::sealing() }
}

/// When a process is killed: after so many acknowledgements, or so long after the first.
#[derive(Clone, Copy, Debug)]
enum When {
    Acknowledged(usize),
    After(Duration),
}

/// Lets a process write, and kills it; what it acknowledged.
fn round(folder: &Path, when: When, sealing: Option<&str>) -> Vec<CallId> {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["tests::kill::child", "--exact", "--nocapture", "--test-threads=1"])
        .env(FOLDER, folder)
        .envs(sealing.map(|sealing| (SEALING, sealing)))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut acknowledged = Vec::new();
    let mut line = String::new();
    let mut killer = None;
    while output.read_line(&mut line).unwrap() > 0 {
        // The harness's own words may stand before the first one; a line that was cut short does not count.
        if let Some((_, id)) = line.split_once("acknowledged ")
            && let Some(id) = id.strip_suffix('\n')
        {
            acknowledged.push(CallId(id.parse().unwrap()));
            match when {
                When::Acknowledged(most) if acknowledged.len() == most => child.kill().unwrap(),
                When::After(time) if killer.is_none() => {
                    let id = child.id().to_string();
                    killer = Some(thread::spawn(move || {
                        thread::sleep(time);
                        assert!(Command::new("kill").args(["-9", &id]).status().unwrap().success());
                    }));
                }
                _ => {}
            }
        }
        line.clear();
    }
    // Not before: until then its number is nobody else's.
    killer.into_iter().for_each(|killer| killer.join().unwrap());
    child.wait().unwrap();
    assert!(!acknowledged.is_empty(), "the process ended by itself: {when:?}");
    acknowledged
}

#[test]
fn nothing_acknowledged_is_lost_and_nothing_is_there_twice() {
    let (_scratch, folder) = testing::folder();
    let mut acknowledged = Vec::new();
    for acknowledgements in ROUNDS {
        let more = round(&folder, When::Acknowledged(acknowledgements), None);
        assert!(more.len() >= acknowledgements, "the process ended by itself after {}", more.len());
        acknowledged.extend(more);
    }
    drop(Book::open(&folder, testing::settings()).unwrap());
    is_there_once(&folder, acknowledged);
}

#[test]
fn the_same_holds_while_it_is_sealed_and_every_checkpoint_goes_on_from_the_one_before() {
    let (_scratch, folder) = testing::folder();
    let verifier = testing::sealing().signer.verifier();
    let (mut acknowledged, mut checkpoints) = (Vec::new(), Vec::new());
    for acknowledgements in ROUNDS.into_iter().chain([900, 60, 2000, 1]) {
        acknowledged.extend(round(&folder, When::Acknowledged(acknowledgements), Some("seal")));
        checkpoints.extend(crate::checkpoint(&folder).unwrap());
        // Whoever reads between two starts finds all of it, too.
        is_there_once(&folder, acknowledged.clone());
    }
    assert!(checkpoints.len() > 3, "hardly anything was sealed");
    let book = Book::open_sealing(&folder, testing::settings(), testing::sealing()).unwrap();
    testing::until(|| nothing_waits(&folder));
    drop(book);
    is_there_once(&folder, acknowledged);
    let verified = crate::verify(&folder, &verifier, &checkpoints).unwrap();
    assert_eq!((verified.findings, verified.unsealed, verified.since.len()), (vec![], 0, checkpoints.len()));
}

#[test]
fn at_random_instants_of_sealing_and_removing_nothing_is_lost_nor_removed_that_is_kept() {
    let (_scratch, folder) = testing::folder();
    let verifier = testing::sealing().signer.verifier();
    let (mut acknowledged, mut checkpoints) = (Vec::new(), Vec::new());
    for _ in 0..12 {
        let dice = RandomState::new().build_hasher().finish();
        acknowledged.extend(round(&folder, When::After(Duration::from_micros(dice % 500_000)), Some("remove")));
        checkpoints.extend(crate::checkpoint(&folder).unwrap());
        is_there_once(&folder, acknowledged.clone());
    }
    let book = Book::open_sealing(&folder, testing::settings(), removing()).unwrap();
    testing::until(|| nothing_waits(&folder));
    testing::until(|| !crate::removals(&folder, &verifier).unwrap().1.is_empty());
    drop(book);
    is_there_once(&folder, acknowledged);
    let verified = crate::verify(&folder, &verifier, &checkpoints).unwrap();
    assert_eq!((verified.findings, verified.unsealed), (vec![], 0));
    let (_, removals) = crate::removals(&folder, &verifier).unwrap();
    assert_eq!(removals, verified.removals, "and each removal is known, whatever was killed behind it");
}

/// Whether everything that was written is sealed. A process killed right after it began a file
/// leaves one without an entry; that is written on, and not sealed as it is.
fn nothing_waits(folder: &Path) -> bool {
    let lengths = testing::files(folder).into_iter().map(|file| file.metadata().map_or(0, |file| file.len()));
    lengths.max().is_none_or(|length| length <= HEADER)
}

fn is_there_once(folder: &Path, acknowledged: Vec<CallId>) {
    let (entries, damages) = testing::read(folder);
    // What the killed process had not finished is not torn before the next one has begun.
    assert!(damages.iter().all(|damage| matches!(damage, Damage::Torn { .. })), "{damages:?}");
    let mut times: HashMap<CallId, u32> = HashMap::new();
    for entry in entries {
        let Entry::Call(call) = entry else { panic!("nobody wrote {entry:?}") };
        *times.entry(call.id).or_default() += 1;
    }
    assert!(times.values().all(|times| *times == 1));
    for id in acknowledged {
        assert!(times.contains_key(&id), "{id} was acknowledged and is lost");
    }
}

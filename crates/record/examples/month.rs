//! A month of made-up calls: what sealing costs, how large they lie on disk, and how fast one
//! key's calls of the month are found.
//!
//! `cargo run --release -p record --example month CALLS [FOLDER [HOURS [COPIES]]]`. A thousand keys of
//! which few are used much, eight operations, one file of the log for each of 720 hours (or so many
//! as are said: fewer hours are as a busier gate has them). With COPIES what was sealed is copied
//! under so many further hours and signed, so that a search has more to look through than was
//! written for it: `10000000 FOLDER 72 9` is a month of a hundred million. The folder stays.

use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use law::{ByPower, Call, CallId, Ended, Factor, HolderId, KeyId, Outcome, Power, Powers, Refusal, Verdict, Who};
use record::{Book, Entry, Filter, Reader, Sealing, Settings};
use uuid::{NoContext, Uuid};

/// The gate's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const KEYS: u64 = 1000;
/// Bytes of a call with its outcome in the log, about.
const IN_THE_LOG: u64 = 640;

const OPERATIONS: [(&str, Power); 8] = [
    ("GET /repos/{owner}/{repo}/issues", Power::Read),
    ("GET /repos/{owner}/{repo}", Power::Read),
    ("GET /users/{name}", Power::Read),
    ("POST /repos/{owner}/{repo}/issues", Power::Write),
    ("GET /repos/{owner}/{repo}/pulls", Power::Read),
    ("GET /search/issues", Power::Read),
    ("DELETE /repos/{owner}/{repo}/issues/{issue}", Power::Destroy),
    ("GET /export", Power::Export),
];

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let calls: u64 = words.next().ok_or("how many calls?")?.parse()?;
    let folder = words.next().map_or_else(|| std::env::temp_dir().join("greave-month"), PathBuf::from);
    let hours: u64 = words.next().map_or(Ok(720), |hours| hours.parse())?;
    if !folder.exists() {
        make(&folder, calls, hours)?;
        let copies: u64 = words.next().map_or(Ok(0), |copies| copies.parse())?;
        copy(&folder, copies)?;
    }
    let began = Instant::now();
    let book = Book::open(&folder, settings(calls, hours))?;
    while !book.usage_is_complete() {
        thread::sleep(Duration::from_millis(1));
    }
    println!("start: the use of {} keys is known after {:.2} s", book.usages().len(), began.elapsed().as_secs_f64());
    drop(book);
    for key in [1, 30, 500, 999] {
        search(&folder, key)?;
    }
    Ok(())
}

fn settings(calls: u64, hours: u64) -> Settings {
    let roll = (calls / hours * IN_THE_LOG).max(64 << 10);
    Settings { roll, cap: u64::MAX, grace: Duration::from_secs(3600), ..Settings::default() }
}

fn make(folder: &Path, calls: u64, hours: u64) -> Result<(), Box<dyn Error>> {
    let signer = record_signer()?;
    let sealing = Sealing {
        signer,
        after: Duration::from_secs(1),
        keep: ByPower::default(),
        cap: u64::MAX,
        piece: 64 << 20,
        settle: Duration::ZERO,
    };
    let book = Book::open_sealing(folder, settings(calls, hours), sealing)?;
    let logs = || fs::read_dir(folder).map(|files| files.flatten().filter(|file| is_log(&file.path())).count());
    let start: Timestamp = "2026-11-01T00:00:00Z".parse()?;
    let step = i64::try_from(hours * 3_600_000_000 / calls)?;
    let mut dice = 1;
    for number in 0..calls {
        let (call, outcome) = exchange(start, i64::try_from(number)? * step, &mut dice)?;
        // A disk on which others write, too, is slow at times.
        while book.intent(call.clone()).is_err() {
            thread::sleep(Duration::from_secs(1));
        }
        book.outcome(outcome);
        if number % 10_000 == 0 {
            wait(book.synced())?;
            // What waits to be sealed would fill the disk.
            while logs()? > 8 {
                thread::sleep(Duration::from_millis(100));
            }
        }
    }
    wait(book.synced())?;
    while logs()? > 0 {
        thread::sleep(Duration::from_millis(100));
    }
    let (written, lost) = (book.counts().bytes, book.counts().lost);
    println!("{calls} calls with their outcomes, {lost} lost");
    println!("  log       {:>7} bytes a call", written / calls);
    println!("  segments  {:>7} bytes a call", size(folder)? / calls);
    println!("  sealing   {:>7} ns of processor time a call", spent("record-seal")? / calls);
    println!("  writing   {:>7} ns of processor time a call", spent("record-writer")? / calls);
    println!("  memory    {:>7} at the busiest moment, of the whole process", most_memory()?);
    Ok(())
}

/// Copies all that is sealed so many times, as further files of the log.
fn copy(folder: &Path, copies: u64) -> Result<(), Box<dyn Error>> {
    let file = folder.join("leaves.jsonl");
    let mut lines: Vec<String> = fs::read_to_string(&file)?.lines().map(str::to_owned).collect();
    let first = lines.clone();
    for copy in 1..=copies {
        let hour = format!("hour={:04}-01-01T00", 2026 + copy);
        fs::create_dir_all(folder.join(&hour))?;
        for line in &first {
            let log = lines.len() as u64 + 1;
            let leaf: serde_json::Value = serde_json::from_str(line)?;
            let number =
                leaf.pointer("/sealed/log").and_then(serde_json::Value::as_u64).ok_or("a leaf without a log")?;
            let file = leaf.pointer("/sealed/usage/file").and_then(serde_json::Value::as_str).unwrap_or_default();
            let (old_hour, _) = file.split_once('/').ok_or("a leaf without usage")?;
            let (old, new) = (format!("{number:08}"), format!("{log:08}"));
            for file in fs::read_dir(folder.join(old_hour))? {
                let (path, name) = file.map(|file| (file.path(), file.file_name()))?;
                if let Some(end) = name.to_str().and_then(|name| name.strip_prefix(&old)) {
                    fs::copy(path, folder.join(&hour).join(format!("{new}{end}")))?;
                }
            }
            let named = line.replace(&format!("{old_hour}/{old}"), &format!("{hour}/{new}"));
            lines.push(named.replacen(&format!("\"log\":{number},"), &format!("\"log\":{log},"), 1));
        }
    }
    let hashes: Vec<seal::Hash> = lines.iter().map(|line| seal::tree::leaf(line.as_bytes())).collect();
    let note = fs::read_to_string(folder.join("checkpoint"))?;
    let origin = note.lines().next().unwrap_or_default().to_owned();
    let checkpoint = seal::Checkpoint { origin, size: hashes.len() as u64, root: seal::tree::root(&hashes) };
    let note = record_signer()?.sign(&checkpoint.to_string());
    fs::write(&file, lines.iter().map(|line| format!("{line}\n")).collect::<String>())?;
    fs::write(folder.join("checkpoint"), &note)?;
    let mut beside = folder.as_os_str().to_owned();
    beside.push(".signed");
    Ok(fs::write(beside, note)?)
}

fn search(folder: &Path, key: u64) -> Result<(), Box<dyn Error>> {
    let filter = Filter { key: Some(KeyId(key)), ..Filter::default() };
    let (began, before) = (Instant::now(), processor_time()?);
    let mut found = 0_u64;
    for entry in Reader::open(folder)?.wanting(&filter) {
        found += u64::from(matches!(entry?, Entry::Call(call) if filter.wants_call(&call)));
    }
    let (took, spent) = (began.elapsed().as_secs_f64(), processor_time()? - before);
    println!("search: {found} calls of k{key} in {took:.2} s, {} ms of processor time", spent.as_millis());
    Ok(())
}

fn record_signer() -> Result<seal::Signer, seal::BadSeed> {
    seal::Signer::new("example/record", &[7; 32])
}

fn is_log(path: &Path) -> bool {
    path.extension().is_some_and(|kind| kind == "calls")
}

fn size(folder: &Path) -> std::io::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let (path, kind) = entry.map(|entry| (entry.path(), entry.file_type()))?;
        bytes += if kind?.is_dir() { size(&path)? } else { fs::metadata(&path)?.len() };
    }
    Ok(bytes)
}

/// Few keys are used much.
fn exchange(start: Timestamp, micros: i64, dice: &mut u64) -> Result<(Call, Outcome), Box<dyn Error>> {
    let mut throw = |sides: u64| {
        *dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*dice >> 33) % sides
    };
    let key = throw(KEYS) * throw(KEYS) / KEYS + 1;
    let place = usize::try_from(throw(8) * throw(8) / 8)?;
    let (operation, power) = OPERATIONS.get(place).copied().unwrap_or(("GET *", Power::Read));
    let at = start.checked_add(SignedDuration::from_micros(micros))?;
    let refused = throw(100) == 0;
    let (seconds, nanos) = (u64::try_from(at.as_second())?, u32::try_from(at.subsec_nanosecond())?);
    let call = Call {
        id: CallId(Uuid::new_v7(uuid::Timestamp::from_unix(NoContext, seconds, nanos))),
        at,
        who: Who::Key,
        key: Some(KeyId(key)),
        holder: Some(HolderId(key / 3)),
        operation: operation.into(),
        parameters: vec![
            ("owner".into(), format!("organisation-{}", throw(50))),
            ("repo".into(), format!("repository-{}", throw(5000))),
        ],
        query: vec![format!("page={}", throw(30)), "state".to_owned()],
        powers: Powers::from(power),
        source: std::net::Ipv4Addr::from_bits(0xc633_6400 + u32::try_from(key % 200)?).into(),
        user_agent: Some(format!("octokit-core.js/7.0.{} Node.js/22.11.0 (linux; x64)", key % 7)),
        factors: Factor::Secret.into(),
        verdict: if refused { Verdict::Refuse(Refusal::Denied) } else { Verdict::Permit },
        law: "5d41402abc4b2a76".into(),
        challenge: None,
        approval: None,
    };
    let took = throw(200_000);
    let outcome = Outcome {
        call: call.id,
        at: at.checked_add(SignedDuration::from_micros(i64::try_from(took)?))?,
        status: if refused { 403 } else { 200 },
        bytes_in: 0,
        bytes_out: throw(100_000),
        rows: Some(throw(100)),
        minted: None,
        learned: None,
        micros: took,
        ended: if refused { Ended::Answered } else { Ended::Whole },
    };
    Ok((call, outcome))
}

/// The most memory that this process had, in words.
fn most_memory() -> Result<String, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("the kernel does not say it")?;
    Ok(line.trim().to_owned())
}

/// What this process has spent, the threads that ended as well.
fn processor_time() -> Result<Duration, Box<dyn Error>> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    // Behind the name, which may hold anything: the times in the program and in the kernel are the 12th and 13th.
    let fields = stat.rsplit_once(')').ok_or("the kernel does not say it")?.1;
    let ticks: u64 = fields.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<u64>().unwrap_or(0)).sum();
    // Linux counts a hundred of them a second.
    Ok(Duration::from_millis(10 * ticks))
}

/// What the threads of this name have spent, in nanoseconds.
fn spent(name: &str) -> Result<u64, Box<dyn Error>> {
    let mut nanos = 0;
    for thread in fs::read_dir("/proc/self/task")? {
        let path = thread?.path();
        if fs::read_to_string(path.join("comm"))?.trim() == name {
            let stat = fs::read_to_string(path.join("schedstat"))?;
            nanos += stat.split_whitespace().next().unwrap_or_default().parse::<u64>()?;
        }
    }
    Ok(nanos)
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let waker = std::task::Waker::from(std::sync::Arc::new(Unpark(thread::current())));
    let mut context = std::task::Context::from_waker(&waker);
    loop {
        match future.as_mut().poll(&mut context) {
            std::task::Poll::Ready(answer) => return answer,
            std::task::Poll::Pending => thread::park(),
        }
    }
}

struct Unpark(thread::Thread);

impl std::task::Wake for Unpark {
    fn wake(self: std::sync::Arc<Self>) {
        self.0.unpark();
    }
}

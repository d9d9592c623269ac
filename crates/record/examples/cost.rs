//! What a call costs in the record: for whoever makes the call, and all told.
//!
//! `cargo run --release -p record --example cost [FOLDER]`; the folder decides which disk it is.

use std::{
    error::Error,
    fs,
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use law::{Call, CallId, Ended, Factor, HolderId, KeyId, Outcome, Power, Powers, Verdict, Who};
use record::{Book, Counts, Entry, Reader, Settings};
use uuid::Uuid;

const ROUNDS: u32 = 40;
const BURST: u32 = 5_000;
const WAITERS: usize = 32;
const EACH: usize = 200;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).map_or_else(|| std::env::temp_dir().join("greave-cost"), PathBuf::from);
    if folder.exists() {
        return Err(format!("`{}` exists; name a folder that does not", folder.display()).into());
    }
    ordinary(&folder.join("ordinary"))?;
    durable(&folder.join("durable"))?;
    reading(&folder.join("ordinary"))?;
    fs::remove_dir_all(&folder)?;
    Ok(())
}

fn ordinary(folder: &std::path::Path) -> Result<(), Box<dyn Error>> {
    let book = Book::open(folder, Settings::default())?;
    let (mut pushing, mut spent) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..ROUNDS {
        let exchanges: Vec<(Call, Outcome)> = (0..BURST).map(|_| exchange()).collect();
        let before = processor_time()?;
        let start = Instant::now();
        for (call, outcome) in exchanges {
            book.intent(call)?;
            book.outcome(outcome);
        }
        pushing += start.elapsed();
        wait(book.synced())?;
        spent += processor_time()?.saturating_sub(before);
    }
    let calls = ROUNDS * BURST;
    let Counts { bytes, syncs, lost, .. } = book.counts();
    println!("ordinary: {calls} calls with their outcomes, {syncs} syncs, {lost} lost");
    println!("  on the caller's side   {:>6} ns a call (intent and outcome)", (pushing / calls).as_nanos());
    println!("  processor, all threads {:>6} ns a call", (spent / calls).as_nanos());
    println!("  on disk                {:>6} bytes a call", bytes / u64::from(calls));
    Ok(())
}

fn durable(folder: &std::path::Path) -> Result<(), Box<dyn Error>> {
    let book = Book::open(folder, Settings::default())?;
    for waiters in [1, WAITERS] {
        let before = book.counts().syncs;
        let start = Instant::now();
        let mut waits = thread::scope(|scope| {
            let threads: Vec<_> = (0..waiters)
                .map(|_| {
                    scope.spawn(|| {
                        (0..EACH)
                            .map(|_| {
                                let start = Instant::now();
                                wait(book.intent_durable(exchange().0)).map(|()| start.elapsed())
                            })
                            .collect::<Result<Vec<_>, _>>()
                    })
                })
                .collect();
            threads.into_iter().flat_map(|thread| thread.join().ok()).collect::<Result<Vec<_>, _>>()
        })?
        .concat();
        let took = start.elapsed();
        waits.sort_unstable();
        let at = |part: usize| waits.get(waits.len() * part / 100).copied().unwrap_or_default().as_micros();
        println!("durable, {waiters} at a time: {} calls, {} syncs", waits.len(), book.counts().syncs - before);
        println!("  waiting                {:>6} µs in the middle, {} µs at 99 %", at(50), at(99));
        println!("  calls in a second      {:>6.0}", waits.len() as f64 / took.as_secs_f64());
    }
    Ok(())
}

fn reading(folder: &std::path::Path) -> Result<(), Box<dyn Error>> {
    let before = processor_time()?;
    let mut calls = 0_u32;
    for entry in Reader::open(folder)? {
        calls += u32::from(matches!(entry?, Entry::Call(_)));
    }
    println!("reading: {calls} calls with their outcomes");
    println!(
        "  processor              {:>6} ns a call",
        (processor_time()?.saturating_sub(before) / calls.max(1)).as_nanos()
    );
    Ok(())
}

/// A call as a gate before a usual API would write it, and its outcome.
fn exchange() -> (Call, Outcome) {
    let call = Call {
        id: CallId(Uuid::now_v7()),
        at: Timestamp::now(),
        who: Who::Key,
        key: Some(KeyId(4711)),
        holder: Some(HolderId(42)),
        operation: "GET /repos/{owner}/{repo}/issues".into(),
        parameters: vec![("owner".into(), "octo-org".to_owned()), ("repo".into(), "hello-world".to_owned())],
        query: vec!["page=3".to_owned(), "state".to_owned()],
        powers: Powers::from(Power::Read),
        source: std::net::Ipv4Addr::new(192, 0, 2, 71).into(),
        user_agent: Some("octokit-core.js/7.0.2 Node.js/22.11.0 (linux; x64)".to_owned()),
        factors: Factor::Secret.into(),
        verdict: Verdict::Permit,
        law: "5d41402abc4b2a76".into(),
        challenge: None,
        approval: None,
    };
    let outcome = Outcome {
        call: call.id,
        at: call.at,
        status: 200,
        bytes_in: 0,
        bytes_out: 48_213,
        rows: Some(30),
        minted: None,
        learned: None,
        micros: 18_300,
        ended: Ended::Whole,
    };
    (call, outcome)
}

/// Of all threads of this process together.
fn processor_time() -> Result<Duration, Box<dyn Error>> {
    let mut nanos = 0;
    for thread in fs::read_dir("/proc/self/task")? {
        let stat = fs::read_to_string(thread?.path().join("schedstat"))?;
        nanos += stat.split_whitespace().next().unwrap_or_default().parse::<u64>()?;
    }
    Ok(Duration::from_nanos(nanos))
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

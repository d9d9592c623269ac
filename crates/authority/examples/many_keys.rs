//! What many keys cost: `cargo run --release -p authority --example many_keys -- 1000000`
//!
//! Writes a ledger of so many adopted keys, opens it as a gate does at its start, and
//! measures what the request path pays: recognising a key among them, its facts, and a
//! decision. Sizes are the whole process, divided by the keys.

#![expect(clippy::unwrap_used, reason = "a measurement that cannot be made has nothing to say")]

use std::{env, fs, hint::black_box, time::Instant};

use authority::{Actor, Authority, Change, Limits, PepperId, Peppers, SecretDigest, Secrets, Written};
use jiff::Timestamp;
use law::{Attempt, Caller, Held, KeyId, Law, Mode, Power, decide};
use store::{Signer, Store};

const BATCH: u64 = 10_000;
const LOOKS: u64 = 2_000_000;

fn peppers() -> Peppers {
    Peppers::new((PepperId(1), &[1; 32]), None)
}

fn signer() -> Signer {
    Signer::new("many/ledger", &[3; 32]).unwrap()
}

fn secret(number: u64) -> SecretDigest {
    SecretDigest::of(format!("sk_live_{number:040}").as_bytes())
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let count: u64 = env::args().nth(1).and_then(|count| count.parse().ok()).unwrap_or(1_000_000);
    let folder = tempfile::tempdir().unwrap();
    let now = Timestamp::now();
    fill(&folder.path().join("state.db"), count, now).await;

    let before = resident();
    let began = Instant::now();
    let secrets = Secrets { peppers: peppers(), master: [2; 32].into(), signer: signer() };
    let law = Law::same_for_all(Law::default_guard, Mode::Enforce);
    let (authority, _) = Authority::open(folder.path(), secrets, Limits::default(), law, now).await.unwrap();
    let seconds = began.elapsed().as_secs_f64();
    let bytes = (resident() - before) / count;
    println!("{count} keys: start in {seconds:.1} s, {bytes} bytes of memory a key");

    // A stride that shares no factor with the count visits keys far apart: no cache helps.
    let digests: Vec<SecretDigest> = (0..100_000).map(|step| secret(step * 7_919_993 % count)).collect();
    let recognise = each(|place| {
        let key = authority.recognise(digests.get(place % digests.len()).unwrap()).unwrap();
        black_box(authority.facts(&key));
    });
    println!("recognise a key and its facts: {recognise:.0} ns");

    let key = authority.recognise(&secret(0)).unwrap();
    let facts = authority.facts(&key);
    let in_force = authority.law();
    for (name, powers) in
        [("read", Power::Read.into()), ("destroy + grant", [Power::Destroy, Power::Grant].into_iter().collect())]
    {
        let attempt = Attempt { caller: Caller::Key(facts), powers, open: false, held: Held::default(), at: now };
        let decision = each(|_| {
            let _ = black_box(decide(&in_force.law, black_box(&attempt)));
        });
        println!("decide on {name}: {decision:.0} ns");
    }
}

async fn fill(path: &std::path::Path, count: u64, now: Timestamp) {
    let peppers = peppers();
    let store = Store::open(path, signer(), |_| ()).await.unwrap();
    for start in (0..count).step_by(usize::try_from(BATCH).unwrap()) {
        let keys = start..(start + BATCH).min(count);
        let changes = keys.map(|number| {
            let (pepper, verifier) = peppers.verifier(&secret(number));
            let change = Change::KeyAdopted {
                id: KeyId(number + 1),
                verifier,
                pepper,
                place: "authorization:bearer".to_owned(),
                source: "192.0.2.1".parse().unwrap(),
                holder: None,
                parent: None,
            };
            serde_json::to_string(&Written { by: Actor::Gate, change }).unwrap()
        });
        store.append(now, changes.collect(), &[]).await.unwrap();
    }
}

/// Nanoseconds for one of many.
fn each(mut act: impl FnMut(usize)) -> f64 {
    let began = Instant::now();
    for place in 0..usize::try_from(LOOKS).unwrap() {
        act(place);
    }
    began.elapsed().as_secs_f64() * 1e9 / LOOKS as f64
}

/// Resident memory of this process, in bytes.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().unwrap() * 1024
}

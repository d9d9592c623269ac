//! What many keys cost: `cargo run --release -p authority --example many_keys -- 1000000 [held]`
//!
//! Writes a ledger of so many adopted keys, opens it as a gate does at its start, and
//! measures what the request path pays: recognising a key among them, its facts, and a
//! decision. With `held` every key has a holder, scopes and an end; ten keys have the same
//! holder. Sizes are the whole process, divided by the keys.

#![expect(clippy::unwrap_used, reason = "a measurement that cannot be made has nothing to say")]

use std::{env, fs, hint::black_box, path::Path, time::Instant};

use authority::{Actor, Authority, Change, Folded, Limits, Offer, PepperId, Peppers, SecretDigest, Secrets, Written};
use jiff::{SignedDuration, Timestamp};
use law::{Answer, Attempt, Caller, Held, HolderId, HolderKind, KeyId, Law, Mode, Power, decide};
use store::{Signer, Store};

const BATCH: u64 = 10_000;
const LOOKS: u64 = 2_000_000;
const KEYS_OF_ONE: u64 = 10;
const SCOPES: [&str; 3] = ["read:org repo user:email", "repo", "admin:org delete_repo"];

// The gate's own.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn peppers() -> Peppers {
    Peppers::new((PepperId(1), &[1; 32]), None)
}

fn signer() -> Signer {
    Signer::new("many/ledger", &[3; 32]).unwrap()
}

fn text(number: u64) -> String {
    format!("sk_live_{number:040}")
}

fn secret(number: u64) -> SecretDigest {
    SecretDigest::of(text(number).as_bytes())
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let count: u64 = env::args().nth(1).and_then(|count| count.parse().ok()).unwrap_or(1_000_000);
    let held = env::args().nth(2).as_deref() == Some("held");
    let folder = tempfile::tempdir().unwrap();
    let now = Timestamp::now();
    fill(&folder.path().join("state.db"), count, held, now).await;

    let before = resident();
    let began = Instant::now();
    let secrets = Secrets { peppers: peppers(), master: [2; 32].into(), signer: signer() };
    let law = Law::same_for_all(Law::default_guard, Mode::Enforce);
    let authority = Authority::open(folder.path(), secrets, Limits::default(), now).await.unwrap();
    authority.load(&Offer::of_law(law), now).await.unwrap();
    let seconds = began.elapsed().as_secs_f64();
    let bytes = (resident() - before) / count;
    println!("{count} keys: start in {seconds:.1} s, {bytes} bytes of memory a key");
    println!("the busiest moment of the start: {} bytes a key", (peak() - before) / count);

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
        let attempt = Attempt {
            caller: Caller::Key(facts),
            powers,
            open: false,
            held: Held::default(),
            contained: Answer::Pass,
            at: now,
        };
        let decision = each(|_| {
            let _ = black_box(decide(&in_force.law, black_box(&attempt)));
        });
        println!("decide on {name}: {decision:.0} ns");
    }
}

async fn fill(path: &Path, count: u64, held: bool, now: Timestamp) {
    let peppers = peppers();
    let store = Store::open(path, signer(), |_| ()).await.unwrap();
    for start in (0..count).step_by(usize::try_from(BATCH).unwrap()) {
        let keys = start..(start + BATCH).min(count);
        let changes = keys.flat_map(|number| {
            let (id, holder) = (KeyId(number + 1), HolderId(number / KEYS_OF_ONE + 1));
            let (pepper, verifier) = peppers.verifier(&secret(number));
            let place = "authorization:bearer".to_owned();
            let source = "192.0.2.1".parse().unwrap();
            let (holds, parent, claim) = (None, None, None);
            let folded = Folded::of(text(number).as_bytes()).iter().map(|folded| peppers.folded(folded)).collect();
            let adopted =
                Change::KeyAdopted { id, verifier, pepper, place, source, holder: holds, parent, claim, folded };
            let known = (held && number % KEYS_OF_ONE == 0).then(|| Change::HolderAdded {
                id: holder,
                name: format!("person-{holder}"),
                kind: HolderKind::Person,
                owner: None,
                deputies: Vec::new(),
                mail: None,
                administrator: false,
            });
            let identified = held.then(|| Change::KeyIdentified {
                key: id,
                holder,
                two_factor: Some(true),
                scopes: SCOPES.get(usize::try_from(number % 3).unwrap()).map(|scopes| (*scopes).to_owned()),
                end: Some(now + SignedDuration::from_hours(24 + i64::try_from(number % 1000).unwrap())),
            });
            [known, Some(adopted), identified].into_iter().flatten()
        });
        let texts = changes.map(|change| serde_json::to_string(&Written::new(Actor::Gate, change)).unwrap());
        store.append(now, texts.collect(), &[]).await.unwrap();
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
    status("VmRSS:")
}

/// The most that it was at any time.
fn peak() -> u64 {
    status("VmHWM:")
}

fn status(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().unwrap() * 1024
}

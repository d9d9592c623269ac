//! `kill -9` while keys are issued, stopped, let work again, retired and revoked: after each start
//! the ledger verifies, what was acknowledged holds, and no secret works that the ledger does not know.
//!
//! A round that fails is played again with the seed that it printed: `GREAVE_KILL_SEED`. More
//! rounds for a longer look: `GREAVE_KILL_ROUNDS`.

use std::{
    collections::{HashMap, HashSet},
    net::TcpListener,
    sync::Arc,
    thread,
    time::{Duration, SystemTime},
};

use serde_json::json;

use super::{
    wires::{Answer, api, ask, call, read},
    *,
};

const ROUNDS: u64 = 12;

/// Who issue and stop keys at the same time.
const HANDS: u64 = 3;

/// Where a key stands, as far as whoever asked for it was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stands {
    Active,
    Retiring,
    Retired,
    Disabled,
    Revoked,
}

impl Stands {
    fn of(word: &str) -> Self {
        match word {
            "active" => Self::Active,
            "retiring" => Self::Retiring,
            "retired" => Self::Retired,
            "disabled" => Self::Disabled,
            "revoked" => Self::Revoked,
            other => panic!("{other}"),
        }
    }

    fn works(self) -> bool {
        matches!(self, Self::Active | Self::Retiring)
    }
}

/// A key whose secret was shown.
pub(super) struct Held {
    id: String,
    secret: String,
    /// What was acknowledged last; none where not even the issuing was.
    acknowledged: Option<Stands>,
    /// What was asked for, and not answered any more.
    asked: Option<Stands>,
    /// The key whose place it takes with its first use.
    waits_for: Option<String>,
}

impl Held {
    /// The key that an answer tells of, where it tells of one. What came of an answer that was
    /// cut off may hold the secret all the same.
    fn told(answer: &Answer, waits_for: Option<String>) -> Option<Self> {
        let after =
            |name: &str| Some(answer.body.split_once(&format!("\"{name}\":\""))?.1.split_once('"')?.0.to_owned());
        let (id, secret) = (after("id")?, after("secret")?);
        let acknowledged = answer.whole.then_some(Stands::Active);
        Some(Self { id, secret, acknowledged, asked: Some(Stands::Active), waits_for })
    }

    fn may_be(&self, stands: Option<Stands>) -> bool {
        // Enabled, a key that has a successor retires.
        let retires = self.asked == Some(Stands::Active) && stands == Some(Stands::Retiring);
        stands == self.acknowledged || self.asked.is_some() && (stands == self.asked || retires)
    }
}

/// Chance that can be had again (splitmix64).
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % sides
    }
}

/// What is to be done with a key that stands so.
fn choose(key: &Held, dice: &mut Dice) -> Option<(&'static str, Value, Option<Stands>)> {
    let why = || json!({"why": "for a try"});
    Some(match (key.acknowledged?, dice.roll(6)) {
        (Stands::Revoked | Stands::Retired, _) => return None,
        (_, 0) => ("revoke", why(), Some(Stands::Revoked)),
        (Stands::Disabled, _) => ("enable", json!({}), None),
        (Stands::Active, 1 | 2) if key.waits_for.is_none() => ("retire", json!({"grace": "1h"}), None),
        (Stands::Active, 3) if key.waits_for.is_none() => ("retire", json!({"grace": "0s"}), Some(Stands::Retired)),
        (Stands::Active | Stands::Retiring, _) => ("disable", why(), Some(Stands::Disabled)),
    })
}

/// Issues, retires and stops keys until the gate is gone.
pub(super) fn meddle(socket: &Path, gate: &str, mut dice: Dice) -> Vec<Held> {
    let mut held: Vec<Held> = Vec::new();
    loop {
        let place = usize::try_from(dice.roll(held.len() as u64 + 1)).unwrap();
        let Some(key) = held.get_mut(place) else {
            let order = json!({"holder": "ann", "scope": {"powers": ["read"]}});
            let Some(issued) = ask(socket, "POST", "/keys", &order) else { return held };
            held.extend(Held::told(&issued, None));
            if !issued.whole {
                return held;
            }
            assert_eq!(issued.status, 201, "{}", issued.body);
            continue;
        };
        let Some((act, body, asked)) = choose(key, &mut dice) else { continue };
        // Enabled, a key stands as its successor lets it.
        key.asked = if act == "enable" { Some(Stands::Active) } else { asked };
        let (id, path) = (key.id.clone(), format!("/keys/{}/{act}", key.id));
        // The one that was made to take its place, and was not used, goes when another is made.
        let unused = held.iter().position(|other| act == "retire" && other.waits_for.as_ref() == Some(&id));
        unused.into_iter().for_each(|unused| held[unused].asked = Some(Stands::Revoked));
        let Some(done) = ask(socket, "POST", &path, &body) else { return held };
        if act == "retire" {
            let waits_for = asked.is_none().then(|| id.clone());
            held.extend(Held::told(&done, waits_for));
        }
        if !done.whole {
            return held;
        }
        assert_eq!(done.status, if act == "retire" { 201 } else { 200 }, "{act}: {}", done.body);
        if let Some(unused) = unused {
            (held[unused].acknowledged, held[unused].waits_for) = (Some(Stands::Revoked), None);
        }
        let told: Value = serde_json::from_str(&done.body).unwrap();
        let stands = match (act, asked) {
            ("retire", None) => Stands::Active,
            ("retire", Some(stands)) => stands,
            _ => Stands::of(told["standing"].as_str().unwrap()),
        };
        assert!(asked.is_none_or(|asked| asked == stands), "{act}: {}", done.body);
        held[place].acknowledged = Some(stands);
        if act == "retire" && asked.is_none() || dice.roll(2) == 0 {
            // Of a new row the last, that is the successor, else this one.
            let place = if act == "retire" && dice.roll(2) == 0 { held.len() - 1 } else { place };
            if !try_out(gate, &mut held, place) {
                return held;
            }
        }
    }
}

/// Calls with a key. If it is the first use of a successor, the one before retires. Whether
/// there was an answer.
fn try_out(gate: &str, held: &mut [Held], place: usize) -> bool {
    let stands = held[place].acknowledged.unwrap();
    let before = held[place].waits_for.clone().filter(|_| stands.works());
    let before = before.and_then(|before| held.iter().position(|key| key.id == before));
    let retires = before.filter(|before| held[*before].acknowledged == Some(Stands::Active));
    retires.into_iter().for_each(|before| held[before].asked = Some(Stands::Retiring));
    let Some(status) = call(gate, &held[place].secret) else { return false };
    assert_eq!(status == 200, stands.works(), "{} is {stands:?}: {status}", held[place].id);
    if status == 200 {
        held[place].waits_for = None;
        retires.into_iter().for_each(|before| held[before].acknowledged = Some(Stands::Retiring));
    }
    true
}

fn standings(socket: &Path) -> HashMap<String, Stands> {
    let keys = read(socket, "/keys");
    let stands = |key: &Value| (key["id"].as_str().unwrap().to_owned(), Stands::of(key["standing"].as_str().unwrap()));
    keys["keys"].as_array().unwrap().iter().map(stands).collect()
}

/// Holds what the gate knows after a start against what was acknowledged before.
fn look(socket: &Path, gate: &str, held: &mut [Held]) {
    read(socket, "/ledger/verify");
    let mut known = HashSet::new();
    let mut from = 1;
    loop {
        let page = read(socket, &format!("/ledger?from={from}&limit=1000"));
        let entries = page["entries"].as_array().unwrap();
        let issued = entries.iter().filter(|entry| entry["change"] == "key-issued");
        known.extend(issued.map(|entry| entry["particulars"]["id"].as_str().unwrap().to_owned()));
        from += entries.len();
        if entries.is_empty() {
            break;
        }
    }
    let before = standings(socket);
    for key in held.iter() {
        let now = before.get(&key.id).copied();
        assert!(
            key.may_be(now),
            "{}: {:?} was acknowledged, {:?} asked, and it is {now:?}",
            key.id,
            key.acknowledged,
            key.asked
        );
        let status = call(gate, &key.secret).unwrap();
        // Of an answer that was cut off nobody knows whether it was of this key.
        assert_eq!(status == 200, now.is_some_and(Stands::works), "{}: {status}", key.id);
        assert!(status != 200 || known.contains(&key.id), "{} works, and the ledger does not know it", key.id);
    }
    // With those calls successors have taken over.
    let after = standings(socket);
    for key in held {
        let now = after.get(&key.id).copied();
        if let Some(old) = key.waits_for.take_if(|_| now.is_some_and(Stands::works)) {
            assert_ne!(after.get(&old), Some(&Stands::Active), "{} was used, and {old} does not retire", key.id);
        }
        (key.acknowledged, key.asked) = (now, None);
    }
}

/// A company whose gate keeps an API's credential and asks no codes: nobody is enrolled.
pub(super) fn company(api: &str) -> Company {
    let company = Company::new();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    company.edit("greave.toml", "127.0.0.1:0", &port);
    company.edit("greave.toml", "http://127.0.0.1:9", &format!("http://{api}"));
    company.edit("greave.toml", "# [issued]", "[issued]");
    company.edit("greave.toml", "# prefix = ", "prefix = ");
    company.edit("greave.toml", "unknown_keys = \"learn\"", "unknown_keys = \"refuse\"");
    // A state that `init` began and did not end: ann is known, and shows no codes.
    let files = ["greave.toml", "catalogue.lock"].map(|name| company.path(name));
    let kept: Vec<_> = files.iter().map(|path| fs::read(path).unwrap()).collect();
    files.iter().for_each(|path| fs::remove_file(path).unwrap());
    fs::remove_dir_all(company.path("state")).unwrap();
    let words = ["init", "--upstream", "http://127.0.0.1:9", "--document", "openapi.yaml", "--person", "ann"];
    run(company.folder.path(), &words, "").says(2, &["nothing was typed"]);
    files.iter().zip(kept).for_each(|(path, bytes)| fs::write(path, bytes).unwrap());
    let (_gate, _told) = Running::start(&company);
    let credential = json!({"credential": "sk_live_0123456789abcdef"});
    let done = ask(&company.path("state/admin.sock"), "POST", "/upstream/credential", &credential).unwrap();
    assert_eq!(done.status, 200, "{}", done.body);
    company
}

#[test]
fn what_was_acknowledged_outlives_a_gate_that_is_killed() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let time = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().subsec_nanos();
    let seed = number("GREAVE_KILL_SEED").unwrap_or_else(|| time().into());
    println!("GREAVE_KILL_SEED={seed}");
    let mut dice = Dice(seed);
    let company = Arc::new(company(&api()));
    let socket = company.path("state/admin.sock");
    let mut held: Vec<Held> = Vec::new();
    let rounds = number("GREAVE_KILL_ROUNDS").unwrap_or(ROUNDS);
    for round in 0..=rounds {
        // Now and then it is killed before it is there.
        if dice.roll(3) == 0 {
            let gate = Running(greave(company.folder.path(), &["serve"]).spawn().unwrap());
            thread::sleep(Duration::from_millis(dice.roll(150)));
            drop(gate);
        }
        let (gate, told) = Running::start(&company);
        let address = told.gate();
        look(&socket, &address, &mut held);
        let made_up: [u8; 32] = std::array::from_fn(|_| u8::try_from(dice.roll(256)).unwrap());
        let form: wire::IssuedForm = "gk".parse().unwrap();
        let made_up = String::from_utf8(form.key(&made_up).expose().to_vec()).unwrap();
        assert_eq!(call(&address, &made_up), Some(401), "a key that nobody issued");
        if round == rounds {
            break;
        }
        let hands: Vec<_> = (0..HANDS)
            .map(|_| {
                let (socket, address, dice) = (socket.clone(), address.clone(), Dice(dice.roll(u64::MAX)));
                thread::spawn(move || meddle(&socket, &address, dice))
            })
            .collect();
        thread::sleep(Duration::from_millis(20 + dice.roll(250)));
        drop(gate);
        hands.into_iter().for_each(|hand| held.extend(hand.join().unwrap()));
    }
    let count = |stands| held.iter().filter(|key| key.acknowledged == Some(stands)).count();
    let counts = [Stands::Active, Stands::Retiring, Stands::Retired, Stands::Disabled, Stands::Revoked].map(count);
    println!("{} keys in {rounds} rounds; active, retiring, retired, disabled, revoked: {counts:?}", held.len());
    assert!(counts.iter().all(|count| *count > 0), "too little was tried: {counts:?}");
}

//! `kill -9` while keys are issued, stopped, let work again and revoked: after each start the
//! ledger verifies, what was acknowledged holds, and no secret works that the ledger does not know.
//!
//! A round that fails is played again with the seed that it printed: `GREAVE_KILL_SEED`. More
//! rounds for a longer look: `GREAVE_KILL_ROUNDS`.

use std::{
    collections::HashSet,
    net::TcpListener,
    sync::Arc,
    thread,
    time::{Duration, SystemTime},
};

use serde_json::json;

use super::{
    wires::{api, ask, call, read},
    *,
};

const ROUNDS: u64 = 12;

/// Who issue and stop keys at the same time.
const HANDS: u64 = 3;

/// Where a key stands, as far as whoever asked for it was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stands {
    Active,
    Disabled,
    Revoked,
}

/// A key whose secret was shown.
pub(super) struct Held {
    id: String,
    secret: String,
    /// What was acknowledged last; none where not even the issuing was.
    acknowledged: Option<Stands>,
    /// What was asked for, and not answered any more.
    asked: Option<Stands>,
}

impl Held {
    fn may_be(&self, stands: Option<Stands>) -> bool {
        stands == self.acknowledged || self.asked.is_some() && stands == self.asked
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

/// Issues and stops keys until the gate is gone.
pub(super) fn meddle(socket: &Path, gate: &str, mut dice: Dice) -> Vec<Held> {
    let mut held: Vec<Held> = Vec::new();
    loop {
        let place = usize::try_from(dice.roll(held.len() as u64 + 1)).unwrap();
        let Some(key) = held.get_mut(place) else {
            let order = json!({"holder": "ann", "scope": {"powers": ["read"]}});
            let Some(issued) = ask(socket, "POST", "/keys", &order) else { return held };
            // What came of an answer that was cut off may hold the secret all the same.
            let after =
                |name: &str| Some(issued.body.split_once(&format!("\"{name}\":\""))?.1.split_once('"')?.0.to_owned());
            if let (Some(id), Some(secret)) = (after("id"), after("secret")) {
                let acknowledged = issued.whole.then_some(Stands::Active);
                held.push(Held { id, secret, acknowledged, asked: Some(Stands::Active) });
            }
            if !issued.whole {
                return held;
            }
            assert_eq!(issued.status, 201, "{}", issued.body);
            continue;
        };
        let (act, asked) = match (key.acknowledged, dice.roll(4)) {
            (Some(Stands::Revoked) | None, _) => continue,
            (_, 0) => ("revoke", Stands::Revoked),
            (Some(Stands::Active), _) => ("disable", Stands::Disabled),
            (Some(Stands::Disabled), _) => ("enable", Stands::Active),
        };
        key.asked = Some(asked);
        let body = if act == "enable" { json!({}) } else { json!({"why": "for a try"}) };
        match ask(socket, "POST", &format!("/keys/{}/{act}", key.id), &body) {
            Some(done) if done.whole => {
                assert_eq!(done.status, 200, "{act}: {}", done.body);
                key.acknowledged = Some(asked);
            }
            _ => return held,
        }
        if dice.roll(2) == 0 {
            match call(gate, &key.secret) {
                Some(status) => assert_eq!(status == 200, asked == Stands::Active, "{} after {act}: {status}", key.id),
                None => return held,
            }
        }
    }
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
    let keys = read(socket, "/keys");
    let stands = |id: &str| {
        let key = keys["keys"].as_array().unwrap().iter().find(|key| key["id"] == id)?;
        Some(match key["standing"].as_str().unwrap() {
            "active" => Stands::Active,
            "disabled" => Stands::Disabled,
            "revoked" => Stands::Revoked,
            other => panic!("{other}"),
        })
    };
    for key in held {
        let now = stands(&key.id);
        assert!(
            key.may_be(now),
            "{}: {:?} was acknowledged, {:?} asked, and it is {now:?}",
            key.id,
            key.acknowledged,
            key.asked
        );
        let status = call(gate, &key.secret).unwrap();
        // Of an answer that was cut off nobody knows whether it was of this key.
        assert_eq!(status == 200, now == Some(Stands::Active), "{}: {status}", key.id);
        assert!(status != 200 || known.contains(&key.id), "{} works, and the ledger does not know it", key.id);
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
    let counts = [Stands::Active, Stands::Disabled, Stands::Revoked].map(count);
    println!("{} keys in {rounds} rounds; active, disabled, revoked: {counts:?}", held.len());
    assert!(counts.iter().all(|count| *count > 0), "too little was tried: {counts:?}");
}

//! Which keys to close first: power, times exposure, times age, times use. `docs/rules.md`
//! explains the weights.

use law::{Power, Powers};
use serde::Serialize;

use crate::{
    Settings,
    estate::{Estate, Ix, Key, Kind, Known, Moment},
    moment,
};

/// A key's place in the order.
#[derive(Clone, Debug, Serialize)]
pub struct First {
    /// Which key, by its place in the estate.
    #[serde(skip)]
    pub key: Ix,
    /// How urgent it is; only the comparison means something.
    pub score: u32,
    /// Why, the weightiest first.
    pub reasons: Vec<String>,
}

/// Every living key that can do something, the most urgent first.
pub(super) fn first(estate: &Estate, settings: &Settings) -> Vec<First> {
    let living = estate.keys.iter().enumerate().filter(|(_, key)| key.lives(settings.as_of));
    let mut first: Vec<First> =
        living.map(|(ix, key)| weigh(ix, key, estate, settings)).filter(|first| first.score > 0).collect();
    first.sort_by(|one, other| other.score.cmp(&one.score).then(one.key.cmp(&other.key)));
    first
}

/// In tenths, so that whole numbers do.
fn weigh(ix: Ix, key: &Key, estate: &Estate, settings: &Settings) -> First {
    let mut reasons = Vec::new();
    let surely = key.surely();
    let perhaps = key.reckoned().difference(surely);
    let power = weight(surely) + weight(perhaps) / 3;
    if key.reaches_everything() {
        let way = if key.does_everything() { "can do everything" } else { "reaches everything by one step" };
        reasons.push(format!("{way} without a second factor"));
    } else if surely.is_sensitive() {
        reasons.push(format!("can {} without a second factor", surely.intersection(Powers::SENSITIVE)));
    } else if perhaps.is_sensitive() {
        reasons.push("nobody can say what it may do".to_owned());
    } else {
        reasons.push(format!("can {surely}"));
    }

    let mut exposure = 10;
    let owner = key.owner.as_deref().and_then(|owner| estate.named(&key.realm, owner));
    if estate.holders(key).chain(owner).any(|account| account.left == Known::Yes) {
        exposure += 10;
        reasons.push("its holder or owner has left".to_owned());
    }
    if key.holders.len() > 1 {
        exposure += 5;
        reasons.push(format!("{} accounts have it", key.holders.len()));
    }
    if estate.answers(key).is_none() {
        exposure += 4;
        reasons.push("nobody is known who answers for it".to_owned());
    }
    if estate.holders(key).any(|account| account.second_factor == Known::No && account.kind != Kind::Workload) {
        exposure += 3;
        reasons.push("its account has no second factor either".to_owned());
    }

    let days = |at: Moment| at.at().and_then(|at| moment::days(at, settings.as_of));
    let mut age = 10;
    if let Some(old) = days(key.born).filter(|old| *old > settings.longest) {
        age += (old / 90).min(10);
        reasons.push(format!("{old} days old"));
    }
    if key.end == Moment::Never {
        age += 2;
        reasons.push("never ends".to_owned());
    }

    let mut usage = 10;
    match key.last_use {
        Moment::Never => {
            usage += 4;
            reasons.push("never used: nothing breaks".to_owned());
        }
        Moment::At(_) => {
            if let Some(idle) = days(key.last_use).filter(|idle| *idle > settings.idle) {
                usage += 4;
                reasons.push(format!("unused for {idle} days: hardly anything breaks"));
            }
        }
        Moment::Unknown => {}
    }
    First { key: ix, score: power * exposure / 10 * age / 10 * usage / 10, reasons }
}

fn weight(powers: Powers) -> u32 {
    let of = |power| match power {
        Power::Disarm | Power::Mint => 20,
        Power::Grant => 18,
        Power::Run => 12,
        Power::Destroy | Power::Export => 10,
        Power::Spend => 8,
        Power::Write => 3,
        Power::Read => 1,
    };
    powers.iter().map(of).sum()
}

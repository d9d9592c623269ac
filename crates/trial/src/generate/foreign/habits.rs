//! How keys are used honestly.

use law::HolderKind;

use super::{Making, Member};
use crate::generate::world::{Ask, Client, DAY, HOUR, MINUTE, Moment, Network, SECOND, Source, World, is_weekend};

/// How a key is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Habit {
    /// One call a week, or little more.
    Weekly,
    /// Once a night, with a download.
    Nightly,
    /// Once a month, with many rows.
    Monthly,
    /// Dozens of calls a second, for some minutes.
    Bursts,
    /// One key on many machines that come and go.
    Scaling,
    /// One key in an app on many telephones.
    App,
    /// Pages through everything.
    Crawls,
    /// Makes things as they should be: deletes and creates again.
    Reconciles,
    /// A person.
    Person,
    /// A steady program.
    Steady,
}

const HABITS: [Habit; 16] = [
    Habit::Weekly,
    Habit::Nightly,
    Habit::Nightly,
    Habit::Monthly,
    Habit::Bursts,
    Habit::Scaling,
    Habit::App,
    Habit::Crawls,
    Habit::Reconciles,
    Habit::Reconciles,
    Habit::Person,
    Habit::Person,
    Habit::Person,
    Habit::Steady,
    Habit::Steady,
    Habit::Steady,
];

const AGENTS: [&str; 9] =
    ["terraform", "airflow", "flux", "Ruby", "dart", "PostmanRuntime", "data-mover", "kotlin-client", "reqwest"];

pub(super) fn settle(making: &mut Making) {
    let many = making.world.dice.wide(5, 2_000);
    let places: Vec<Network> = (0..many.clamp(3, 40))
        .map(|_| {
            let (ranges, v6) = (making.world.dice.between(1, 9), making.world.dice.chance(0.25));
            let network = Network::new(&mut making.world.dice, ranges, v6);
            if making.world.dice.chance(0.3) { network.unnumbered() } else { network }
        })
        .collect();
    // What all of them call together stays within what can be played.
    let share = 500_000 / (many * making.days.cast_unsigned()).max(1);
    for number in 0..many {
        let habit = making.world.dice.pick(&HABITS).copied().unwrap_or(Habit::Steady);
        let Some(network) = making.world.dice.pick(&places).cloned() else { return };
        let block = making.world.dice.below(90);
        let source = Source { address: network.address_in(&mut making.world.dice, block), number: network.number };
        let agent = format!("{}/{}", making.world.dice.word(&AGENTS), making.world.dice.between(1, 30));
        let (kind, owner) = match habit {
            Habit::Person => (HolderKind::Person, None),
            _ => (HolderKind::Workload, Some(format!("owner-{}", making.world.dice.below(many / 4 + 1)))),
        };
        let holder = format!("holder-{}", if making.world.dice.chance(0.2) { number / 2 } else { number });
        let client = Client { key: making.world.new_key(), holder, kind, owner, agent, source };
        let noun = making.shape.noun(making.world.dice.next());
        let member = Member { client, habit, network, noun };
        let hour = making.world.dice.below(24).cast_signed() * HOUR;
        for day in 0..making.days {
            one_day(making, &member, day, hour, &places, share.max(1));
        }
        making.members.push(member);
    }
}

fn one_day(making: &mut Making, member: &Member, day: Moment, hour: Moment, places: &[Network], share: u64) {
    let base = making.shape.base.clone();
    let world = &mut making.world;
    let (begin, noun) = (day * DAY, member.noun);
    let mut client = member.client.clone();
    let list = || Ask::new("GET", format!("{base}/{noun}"));
    let one = |id: u64| Ask::new("GET", format!("{base}/{noun}/{id}"));
    match member.habit {
        Habit::Weekly if day % 7 == hour / HOUR % 7 => {
            world.call(begin + hour, &client, list().rows(30));
        }
        Habit::Nightly => {
            let rows = 900 + world.dice.below(200);
            world.call(begin + hour, &client, list().rows(50));
            world.call(begin + hour + MINUTE, &client, Ask::new("POST", format!("{base}/{noun}/download")).rows(rows));
        }
        Habit::Monthly => {
            if day % 30 == 3 {
                for page in 0..world.dice.between(20, 60).cast_signed() {
                    world.call(begin + hour + page * SECOND, &client, list().query(format!("page={page}")).rows(100));
                }
            } else if !is_weekend(day) {
                world.call(begin + hour, &client, Ask::new("GET", format!("{base}/usage")));
            }
        }
        Habit::Bursts => {
            let many = world.dice.between(10, 60).min(share * 3) * 10;
            let start = begin + hour;
            for number in 0..many.cast_signed() {
                let id = world.dice.below(100_000);
                let at = start + number * world.dice.between(20, 90).cast_signed();
                world.call(at, &client, one(id).rows(1));
            }
        }
        Habit::Scaling | Habit::App => {
            for _ in 0..world.dice.between(6, 60).min(share * 2) {
                let here = if member.habit == Habit::App { world.dice.pick(places) } else { Some(&member.network) };
                let here = here.cloned().unwrap_or_else(|| member.network.clone());
                client.source = Source::of(&here, &mut world.dice);
                let at = begin + jitter(world, DAY);
                let id = world.dice.below(9_000);
                let put = Ask::new("PUT", format!("{base}/{noun}/{id}"));
                let ask = if world.dice.chance(0.3) { put } else { one(id).rows(1) };
                world.call(at, &client, ask);
            }
        }
        Habit::Crawls => {
            let pages = world.dice.between(40, 50).min(share * 2).cast_signed();
            for page in 0..pages {
                world.call(begin + hour + page * 3 * SECOND, &client, list().query(format!("page={page}")).rows(100));
            }
        }
        Habit::Reconciles => {
            for round in 0..8 {
                let at = begin + round * 3 * HOUR;
                world.call(at, &client, list().rows(40));
                for change in 0..world.dice.below(4).cast_signed() {
                    let id = world.dice.below(60);
                    let at = at + (1 + change) * 2 * SECOND;
                    world.call(at, &client, Ask::new("DELETE", format!("{base}/{noun}/{id}")).status(204));
                    world.call(at + SECOND, &client, Ask::new("POST", format!("{base}/{noun}")).status(201));
                }
            }
        }
        Habit::Person if !is_weekend(day) => {
            for _ in 0..world.dice.between(2, 30).min(share * 2) {
                let at = begin + 7 * HOUR + jitter(world, 10 * HOUR);
                let id = world.dice.below(500);
                let ask = match world.dice.below(4) {
                    0 => list().rows(30),
                    1 => Ask::new("PUT", format!("{base}/{noun}/{id}")),
                    2 => Ask::new("GET", format!("{base}/{noun}/{id}/comments")).rows(4),
                    _ => one(id).rows(1),
                };
                world.call(at, &client, ask);
            }
        }
        Habit::Steady => {
            let calls = world.dice.between(10, 90).min(share * 2).cast_signed();
            for number in 0..calls {
                let id = world.dice.below(9_000);
                let at = begin + number * (DAY / calls.max(1)) + jitter(world, 10 * SECOND);
                let ask = if world.dice.chance(0.5) { one(id).rows(1) } else { list().rows(25) };
                world.call(at, &client, ask);
            }
        }
        Habit::Weekly | Habit::Person => {}
    }
}

pub(super) fn jitter(world: &mut World, most: Moment) -> Moment {
    world.dice.below(most.max(1).cast_unsigned()).cast_signed()
}

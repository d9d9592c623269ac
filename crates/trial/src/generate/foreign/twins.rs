//! Honest traffic that looks like an attack.

use serde_json::json;

use super::{
    Making, Member,
    habits::{Habit, jitter},
};
use crate::generate::world::{Ask, DAY, HOUR, MINUTE, Moment, Network, SECOND, Source, moment};

const PROGRAMS: [Habit; 4] = [Habit::Steady, Habit::Nightly, Habit::Crawls, Habit::Reconciles];

pub(super) fn add(making: &mut Making) {
    let add: [fn(&mut Making); 10] = [
        another_region,
        new_program,
        backfill,
        debugging,
        large_reconcile,
        lost_rights,
        scanner,
        travel,
        holiday,
        new_work,
    ];
    for add in add {
        add(making);
    }
}

pub(super) fn later(making: &mut Making) -> Moment {
    let last = making.days.cast_unsigned().saturating_sub(3);
    let day = making.world.dice.between(14, last).cast_signed();
    day * DAY + jitter(&mut making.world, DAY)
}

fn label(making: &mut Making, id: &str, member: &Member, from: Moment, alerts: u32) {
    making.world.honest(id, &[&member.client], from, from + DAY, alerts);
}

/// A program goes on from another region of its cloud, with what was in flight still coming from the first.
fn another_region(making: &mut Making) {
    let region = Network::new(&mut making.world.dice, 3, false);
    let from = later(making);
    let begin = moment(from);
    for _ in 0..3 {
        let Some(member) = making.take(&PROGRAMS) else { return };
        let source = Source::of(&region, &mut making.world.dice);
        for line in making.world.lines.iter_mut().filter(|line| line.key == member.client.key && line.t >= begin) {
            line.src = source.address;
            line.net = source.number.map(|number| format!("AS{number}"));
        }
        label(making, "region", &member, from, 0);
    }
}

/// Everybody's client library is replaced by another within a few days.
fn new_program(making: &mut Making) {
    let from = later(making);
    let members: Vec<Member> = making.members.iter().filter(|m| m.habit != Habit::Person).take(200).cloned().collect();
    for member in members {
        if making.world.dice.chance(0.5) {
            continue;
        }
        let own = from + jitter(&mut making.world, 2 * DAY);
        let begin = moment(own);
        for line in making.world.lines.iter_mut().filter(|line| line.key == member.client.key && line.t >= begin) {
            line.ua = Some("platform-client/1.0".to_owned());
        }
        label(making, "program", &member, own, 0);
    }
}

/// Everything once more, from where the program always is.
fn backfill(making: &mut Making) {
    let Some(member) = making.take(&[Habit::Steady, Habit::Crawls]) else { return };
    let from = later(making);
    let path = making.shape.path(member.noun);
    for page in 0..making.world.dice.between(300, 900).cast_signed() {
        let ask = Ask::new("GET", path.clone()).query(format!("page={page}")).rows(100);
        making.world.call(from + page * 4 * SECOND, &member.client, ask);
    }
    label(making, "backfill", &member, from, 1);
}

/// A person looks for a fault with a program's key, from elsewhere, and mends one thing.
fn debugging(making: &mut Making) {
    let Some(member) = making.take(&[Habit::Steady, Habit::Nightly]) else { return };
    let mut client = member.client.clone();
    client.source = Source::of(&Network::new(&mut making.world.dice, 1, false), &mut making.world.dice);
    client.agent = "HTTPie/3.2.2".to_owned();
    let from = later(making);
    let mut at = from;
    for _ in 0..making.world.dice.between(4, 20) {
        let id = making.world.dice.below(9_000);
        let path = making.shape.path(&format!("{}/{id}", member.noun));
        making.world.call(at, &client, Ask::new("GET", path).rows(1));
        at += making.world.dice.wide(10, 300).cast_signed() * SECOND;
    }
    let path = making.shape.path(&format!("{}/7", member.noun));
    making.world.call(at, &client, Ask::new("PUT", path));
    label(making, "debugging", &member, from, 1);
}

/// Many things are made anew at once.
fn large_reconcile(making: &mut Making) {
    let Some(member) = making.take(&[Habit::Reconciles]) else { return };
    let from = later(making);
    for id in 0..making.world.dice.between(15, 80).cast_signed() {
        let path = making.shape.path(&format!("{}/{id}", member.noun));
        making.world.call(from + id * 3 * SECOND, &member.client, Ask::new("DELETE", path).status(204));
        let path = making.shape.path(member.noun);
        making.world.call(from + id * 3 * SECOND + SECOND, &member.client, Ask::new("POST", path).status(201));
    }
    label(making, "reconcile", &member, from, 1);
}

/// A program lost a right, and does not know.
fn lost_rights(making: &mut Making) {
    let Some(member) = making.take(&PROGRAMS) else { return };
    let from = later(making);
    let (begin, end) = (moment(from), moment(from + 2 * HOUR));
    let theirs = |line: &&mut crate::scenario::Line| line.key == member.client.key && line.t >= begin && line.t < end;
    for line in making.world.lines.iter_mut().filter(theirs) {
        (line.status, line.rows, line.out) = (403, None, 80);
    }
    label(making, "rights", &member, from, 1);
}

/// A scanner of one's own, from a network that was registered for it.
fn scanner(making: &mut Making) {
    let Some(member) = making.take(&[Habit::Steady, Habit::Weekly]) else { return };
    let network = Network::new(&mut making.world.dice, 1, false);
    let from = later(making);
    let number = network.number.map(|number| format!("AS{number}"));
    making.world.event(from - DAY, json!({"event": "source-registered", "net": number, "note": "scanner"}));
    let mut client = member.client.clone();
    client.source = Source::of(&network, &mut making.world.dice);
    for (place, noun) in making.shape.nouns.clone().into_iter().enumerate() {
        let path = making.shape.path(noun);
        let at = from + i64::try_from(place).unwrap_or(0) * 2 * SECOND;
        making.world.call(at, &client, Ask::new("GET", path).status(403));
    }
    label(making, "scanner", &member, from, 1);
}

/// A person calls from a train, a hotel and an airport.
fn travel(making: &mut Making) {
    let Some(member) = making.take(&[Habit::Person]) else { return };
    let from = later(making);
    let begin = moment(from);
    let stops: Vec<Source> =
        (0..4).map(|_| Source::of(&Network::new(&mut making.world.dice, 1, false), &mut making.world.dice)).collect();
    let lines = making.world.lines.iter_mut().filter(|line| line.key == member.client.key && line.t >= begin);
    for (place, line) in lines.enumerate() {
        if let Some(stop) = stops.get(place / 6 % stops.len().max(1)) {
            line.src = stop.address;
            line.net = stop.number.map(|number| format!("AS{number}"));
        }
    }
    label(making, "travel", &member, from, 1);
}

/// A person was away for weeks.
fn holiday(making: &mut Making) {
    let Some(member) = making.take(&[Habit::Person]) else { return };
    let back = making.days * DAY - 2 * DAY;
    let (begin, end) = (moment(8 * DAY), moment(back));
    making.world.lines.retain(|line| line.key != member.client.key || line.t < begin || line.t >= end);
    label(making, "holiday", &member, back, 1);
}

/// A program gets more work to do: a few operations that are new to it.
fn new_work(making: &mut Making) {
    let Some(member) = making.take(&PROGRAMS) else { return };
    let from = later(making);
    let noun = making.shape.noun(making.world.dice.next());
    let path = making.shape.path(noun);
    let days = making.days;
    for round in 0..((days * DAY - from) / HOUR) {
        let at = from + round * HOUR;
        making.world.call(at, &member.client, Ask::new("GET", path.clone()).rows(20));
        making.world.call(at + MINUTE, &member.client, Ask::new("POST", path.clone()).status(201));
    }
    label(making, "work", &member, from, 0);
}

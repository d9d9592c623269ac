//! Thefts in the owner's own house: from their network, with their program, by what their key
//! always asks for. And what honest people do that looks like them.

use super::{
    fleet::{Fleet, Member, Role, jitter},
    honest::later,
    world::{Ask, DAY, HOUR, MINUTE, Moment, SECOND, World, moment},
};

pub(super) fn add(world: &mut World, fleet: &mut Fleet) {
    let add: [fn(&mut World, &mut Fleet); 3] = [all_pages, a_little_more_each_day, twice_the_work];
    for add in add {
        add(world, fleet);
    }
}

/// What a key takes on a day when it takes much: rows.
fn most_of_a_day(world: &World, member: &Member) -> u64 {
    let mut days = std::collections::HashMap::<i64, u64>::new();
    for line in world.lines.iter().filter(|line| line.key == member.client.key) {
        *days.entry(line.t.as_second() / 86_400).or_default() += line.rows.unwrap_or(0);
    }
    days.into_values().max().unwrap_or(0)
}

/// Of all that a key was answered nobody counts rows.
fn nobody_counts(world: &mut World, member: &Member) {
    world.lines.iter_mut().filter(|line| line.key == member.client.key).for_each(|line| line.rows = None);
}

/// Page after page within an hour or two.
fn all_pages(world: &mut World, fleet: &mut Fleet) {
    let Some(member) = fleet.take(world, &[Role::Sync]) else { return };
    let from = later(world, fleet);
    let pages = world.dice.wide(120, 600).cast_signed();
    let pause = world.dice.wide(500, 20_000).cast_signed();
    let page = |number: Moment| Ask::new("GET", "/v1/orders").query(format!("page={number}")).rows(100);
    let (mut early, mut last) = (from, from);
    for number in 0..pages {
        last = from + number * pause + jitter(world, pause);
        world.call(last, &member.client, page(number));
        if number == pages / 2 {
            early = last;
        }
    }
    if world.dice.chance(0.3) {
        nobody_counts(world, &member);
    }
    let steps = [("half of all", from, early), ("all", early + 1, last)];
    world.attack("A14", &[&member.client.key], &steps, 1);
}

/// Some four times as much, day after day, and then the rest at once.
fn a_little_more_each_day(world: &mut World, fleet: &mut Fleet) {
    let Some(member) = fleet.take(world, &[Role::Sync]) else { return };
    let days = world.dice.between(4, 7).cast_signed();
    let first = world.dice.between(15, fleet.days.cast_unsigned() - 8).cast_signed();
    let rows = most_of_a_day(world, &member).max(800) * world.dice.between(4, 7);
    let calls = world.dice.between(20, 60);
    let mut last = first * DAY;
    for day in first..first + days {
        for call in 0..calls.cast_signed() {
            last = day * DAY + call * (22 * HOUR / calls.cast_signed()) + jitter(world, 10 * MINUTE);
            world.call(last, &member.client, Ask::new("GET", "/v1/orders").query("since=1").rows(rows / calls));
        }
    }
    let export = last + 1 + jitter(world, 20 * HOUR);
    let rest = world.dice.wide(5_000, 100_000);
    world.call(export, &member.client, Ask::new("GET", "/v1/customers/export").rows(rest));
    let steps = [("more each day", first * DAY, last), ("the rest", export, export)];
    // Whoever is asked meanwhile does not answer: a yes of the owner's would be one to all of it.
    world.attack("A15", &[&member.client.key], &steps, 1);
}

/// Honest: the same program has twice as much to do from a day on.
fn twice_the_work(world: &mut World, fleet: &mut Fleet) {
    let Some(member) = fleet.take(world, &[Role::Sync, Role::Updater]) else { return };
    let from = later(world, fleet);
    let client = member.client.clone();
    let theirs = |line: &&crate::scenario::Line| line.key == client.key;
    let mut more: Vec<_> = world.lines.iter().filter(theirs).cloned().collect();
    let begin = moment(from);
    more.retain(|line| line.t >= begin);
    for line in &mut more {
        line.t += jiff::SignedDuration::from_millis(20 * SECOND);
    }
    world.lines.extend(more);
    world.honest("B16", &[&client], from, fleet.days * DAY, 0);
}

//! Attacks that are in no list.

use super::{
    Making, Member,
    habits::{Habit, jitter},
    twins::later,
};
use crate::generate::world::{Ask, Client, DAY, HOUR, MINUTE, Moment, Network, SECOND, Source};

const ANY: [Habit; 5] = [Habit::Steady, Habit::Person, Habit::Nightly, Habit::Crawls, Habit::Bursts];

pub(super) fn add(making: &mut Making) {
    let add: [fn(&mut Making); 11] =
        [slow_reading, slow_rise, token, ransom, payout, insider, many_keys, few_proxies, by_number, sign_on, machines];
    for add in add {
        add(making);
    }
    gitops_gone_wrong(making);
}

/// Elsewhere; with the owner's program as often as not.
fn stolen(making: &mut Making, member: &Member) -> Client {
    let mut thief = member.client.clone();
    thief.source = Source::of(&Network::new(&mut making.world.dice, 1, false), &mut making.world.dice);
    if making.world.dice.chance(0.5) {
        thief.agent = making.world.dice.word(&["okhttp/4.9", "Go-http-client/1.1", "rclone/1.66", "k6/0.5"]).to_owned();
    }
    thief
}

fn get(making: &Making, path: &str) -> Ask {
    Ask::new("GET", making.shape.path(path))
}

fn post(making: &Making, path: &str) -> Ask {
    Ask::new("POST", making.shape.path(path)).status(201)
}

fn pause(making: &mut Making, least: Moment, most: Moment) -> Moment {
    making.world.dice.wide(least.cast_unsigned(), most.cast_unsigned()).cast_signed()
}

/// What the key reads anyway, page by page, over a day, from elsewhere.
fn slow_reading(making: &mut Making) {
    let Some(member) = making.take(&ANY) else { return };
    let thief = stolen(making, &member);
    let from = later(making);
    let mut at = from;
    let mut steps = Vec::new();
    for name in ["the first pages", "more", "all"] {
        let begin = at;
        for page in 0..making.world.dice.between(10, 40) {
            let ask = get(making, member.noun).query(format!("page={page}")).rows(100);
            at += pause(making, MINUTE, 12 * MINUTE);
            making.world.call(at, &thief, ask);
        }
        steps.push((name, begin + 1, at));
    }
    making.world.attack_from("slow-reading", &[&thief.key], &steps, 2, vec![thief.source.address]);
}

/// One step a day.
fn slow_rise(making: &mut Making) {
    let Some(member) = making.take(&ANY) else { return };
    let thief = stolen(making, &member);
    let mut at = later(making).min((making.days - 6) * DAY);
    let asks = [
        ("who am I", get(making, "me")),
        ("members", get(making, "members").rows(60)),
        ("invite", post(making, "members")),
        ("permissions", Ask::new("PUT", making.shape.path("members/m9/permissions"))),
    ];
    let mut steps = Vec::new();
    for (name, ask) in asks {
        making.world.call(at, &thief, ask);
        steps.push((name, at, at));
        at += DAY + jitter(&mut making.world, 6 * HOUR);
    }
    making.world.attack_from("slow-rise", &[&thief.key], &steps, 2, vec![thief.source.address]);
}

fn token(making: &mut Making) {
    let Some(member) = making.take(&ANY) else { return };
    let thief = stolen(making, &member);
    let at = later(making);
    let child = making.world.new_key();
    making.world.call(at, &thief, get(making, "access-tokens").rows(9));
    let made = at + pause(making, SECOND, 5 * MINUTE);
    making.world.call(made, &thief, post(making, "access-tokens").minted(&child));
    let other = Client { key: child, ..thief.clone() };
    let used = made + pause(making, MINUTE, 2 * HOUR);
    making.world.call(used, &other, get(making, "members").rows(60));
    let steps = [("tokens", at, at), ("a new token", made, made), ("used", used, used)];
    making.world.attack("token", &[&thief.key, &other.key], &steps, 1);
}

fn ransom(making: &mut Making) {
    let Some(member) = making.take(&ANY) else { return };
    let thief = stolen(making, &member);
    let at = later(making);
    let noun = making.shape.noun(making.world.dice.next());
    making.world.call(at, &thief, get(making, noun).rows(100));
    let taken = at + pause(making, SECOND, 20 * MINUTE);
    making.world.call(taken, &thief, post(making, &format!("{noun}/download")).status(200).rows(40_000));
    let mut gone = taken + MINUTE;
    let begin = gone;
    for id in 0..making.world.dice.between(30, 300) {
        let path = making.shape.path(&format!("{noun}/{id}"));
        making.world.call(gone, &thief, Ask::new("DELETE", path).status(204));
        gone += pause(making, 200, 3 * SECOND);
    }
    let steps = [("look", at, at), ("download", taken, taken), ("delete", begin, gone)];
    making.world.attack_from("ransom", &[&thief.key], &steps, 2, vec![thief.source.address]);
}

fn payout(making: &mut Making) {
    let Some(member) = making.take(&[Habit::Person, Habit::Steady]) else { return };
    let thief = stolen(making, &member);
    let at = later(making);
    making.world.call(at, &thief, get(making, "me"));
    let paid = at + pause(making, SECOND, HOUR);
    making.world.call(paid, &thief, post(making, "payouts"));
    making.world.attack("payout", &[&thief.key], &[("who am I", at, at), ("pay", paid, paid)], 1);
}

/// From the owner's own desk, with the owner's own program.
fn insider(making: &mut Making) {
    let Some(member) = making.take(&[Habit::Person]) else { return };
    let at = later(making);
    let thief = member.client.clone();
    making.world.call(at, &thief, get(making, "audit-log").rows(500));
    let mut last = at;
    let begin = at + MINUTE;
    for noun in making.shape.nouns.clone() {
        last += MINUTE;
        making.world.call(last, &thief, post(making, &format!("{noun}/download")).status(200).rows(5_000));
    }
    making.world.attack("insider", &[&thief.key], &[("audit log", at, at), ("downloads", begin, last)], 1);
}

/// The keys of several holders, from one host.
fn many_keys(making: &mut Making) {
    let from = later(making);
    let source = Source::of(&Network::new(&mut making.world.dice, 1, false), &mut making.world.dice);
    let (mut keys, mut begin, mut end) = (Vec::new(), from, from);
    let mut looks = from;
    for _ in 0..making.world.dice.between(3, 6) {
        let Some(member) = making.take(&ANY) else { break };
        let mut thief = member.client.clone();
        thief.source = source.clone();
        thief.agent = "python-urllib3/2".to_owned();
        looks += 20 * SECOND;
        making.world.call(looks, &thief, get(making, "me"));
        making.world.call(looks + SECOND, &thief, get(making, "usage"));
        keys.push(thief);
    }
    // A small fleet has no keys left for it: one key is no crowd, and none is no attack.
    if keys.len() < 2 {
        return;
    }
    begin += 5 * MINUTE;
    for (place, thief) in keys.iter().enumerate() {
        let noun = making.shape.noun(place as u64);
        end = begin + i64::try_from(place).unwrap_or(0) * 15 * SECOND;
        making.world.call(end, thief, post(making, &format!("{noun}/download")).status(200).rows(8_000));
    }
    let names: Vec<&str> = keys.iter().map(|client| client.key.as_str()).collect();
    let steps = [("looks", from, looks + SECOND), ("downloads", begin, end)];
    making.world.attack_from("many-keys", &names, &steps, 1, vec![source.address]);
}

/// A dozen networks within an hour, reading what the key reads anyway.
fn few_proxies(making: &mut Making) {
    let Some(member) = making.take(&[Habit::Steady, Habit::Person]) else { return };
    let networks: Vec<Network> =
        (0..making.world.dice.between(8, 16)).map(|_| Network::new(&mut making.world.dice, 1, false)).collect();
    let from = later(making);
    let (mut at, mut half, mut sources) = (from, from, Vec::new());
    for number in 0..120 {
        let mut thief = member.client.clone();
        if let Some(network) = making.world.dice.pick(&networks) {
            thief.source = Source::of(&network.clone(), &mut making.world.dice);
        }
        sources.push(thief.source.address);
        let ask = get(making, &format!("{}/{}", member.noun, number * 11)).rows(1);
        at += pause(making, 10 * SECOND, 40 * SECOND);
        making.world.call(at, &thief, ask);
        if number == 59 {
            half = at;
        }
    }
    let steps = [("the first half", from + 1, half), ("the second half", half + 1, at)];
    making.world.attack_from("few-proxies", &[&member.client.key], &steps, 1, sources);
}

/// One thing after the other by its number, from elsewhere.
fn by_number(making: &mut Making) {
    let Some(member) = making.take(&ANY) else { return };
    let thief = stolen(making, &member);
    let noun = making.shape.noun(making.world.dice.next());
    let from = later(making);
    let (mut at, mut early) = (from, from);
    for id in 0..making.world.dice.between(200, 600) {
        let status = if making.world.dice.chance(0.3) { 404 } else { 200 };
        making.world.call(at, &thief, get(making, &format!("{noun}/{id}")).rows(1).status(status));
        if id == 100 {
            early = at;
        }
        at += pause(making, 100, 2 * SECOND);
    }
    let steps = [("a hundred", from, early), ("all", early + 1, at)];
    making.world.attack_from("by-number", &[&thief.key], &steps, 1, vec![thief.source.address]);
}

fn sign_on(making: &mut Making) {
    let Some(member) = making.take(&ANY) else { return };
    let thief = stolen(making, &member);
    let at = later(making);
    let sso = Ask::new("PUT", making.shape.path("settings/sso"));
    let mfa = Ask::new("DELETE", making.shape.path("settings/mfa")).status(204);
    making.world.call(at, &thief, sso);
    let off = at + pause(making, SECOND, 30 * MINUTE);
    making.world.call(off, &thief, mfa);
    making.world.attack("sign-on", &[&thief.key], &[("sign-on", at, at), ("second factor", off, off)], 0);
}

fn machines(making: &mut Making) {
    let Some(member) = making.take(&ANY) else { return };
    let thief = stolen(making, &member);
    let from = later(making);
    making.world.call(from, &thief, get(making, "usage"));
    let (begin, mut at) = (from + 10 * SECOND, from + 10 * SECOND);
    for _ in 0..making.world.dice.between(5, 40) {
        making.world.call(at, &thief, post(making, "runs"));
        at += pause(making, SECOND, MINUTE);
    }
    making.world.attack("machines", &[&thief.key], &[("limits", from, from), ("runs", begin, at)], 1);
}

/// A key that deletes by its work, at home, deletes everything.
fn gitops_gone_wrong(making: &mut Making) {
    let Some(member) = making.take(&[Habit::Reconciles]) else { return };
    let from = later(making);
    let (mut at, mut early) = (from, from);
    for id in 0..making.world.dice.between(150, 600) {
        let path = making.shape.path(&format!("{}/{id}", member.noun));
        making.world.call(at, &member.client, Ask::new("DELETE", path).status(204));
        if id == 40 {
            early = at;
        }
        at += pause(making, 50, SECOND);
    }
    making.world.attack("all-deleted", &[&member.client.key], &[("forty", from, early), ("all", early + 1, at)], 1);
}

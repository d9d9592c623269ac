//! Honest traffic that looks like an attack, B1 to B15.

use serde_json::json;

use super::{
    fleet::{Fleet, Member, Role, build, jitter, live, office_hours},
    world::{Ask, Client, DAY, HOUR, MINUTE, Moment, Network, SECOND, Source, World, is_weekend, moment},
};

const STEADY: [Role; 2] = [Role::Sync, Role::Updater];

pub(super) fn add(world: &mut World, fleet: &mut Fleet) {
    let add: [fn(&mut World, &mut Fleet); 15] = [
        new_address,
        build_burst,
        rotation,
        rotation,
        month_end,
        new_office,
        privacy_addresses,
        carrier,
        full_sync,
        retry_storm,
        on_call,
        failover,
        new_laptop,
        new_version,
        first_day,
    ];
    for add in add {
        add(world, fleet);
    }
}

/// A moment on a working day, once everything has settled.
pub(super) fn later(world: &mut World, fleet: &Fleet) -> Moment {
    let first = 15_u64;
    let last = fleet.days.cast_unsigned().saturating_sub(3);
    let mut day = world.dice.between(first, last).cast_signed();
    while is_weekend(day) && day < fleet.days - 2 {
        day += 1;
    }
    office_hours(world, day * DAY)
}

/// Changes every line of these keys from a moment on.
fn from_then(world: &mut World, keys: &[&str], from: Moment, mut change: impl FnMut(&mut World, usize)) {
    let begin = moment(from);
    for place in 0..world.lines.len() {
        let line = world.lines.get(place).filter(|line| line.t >= begin && keys.contains(&line.key.as_str()));
        if line.is_some() {
            change(world, place);
        }
    }
}

/// B1: a deployment moves a program to another machine of the same network, with a new version.
fn new_address(world: &mut World, fleet: &mut Fleet) {
    let Some(member) = fleet.take(world, &STEADY) else { return };
    let from = later(world, fleet);
    let address = member.network.address(&mut world.dice);
    from_then(world, &[&member.client.key], from, |world, place| {
        if let Some(line) = world.lines.get_mut(place) {
            line.src = address;
            line.ua = line.ua.as_deref().map(|agent| agent.replace(".0", ".7").replace(".1", ".8"));
        }
    });
    world.honest("B1", &[&member.client], from, from + DAY, 0);
}

/// B2: many builds at once, from fresh machines.
fn build_burst(world: &mut World, fleet: &mut Fleet) {
    let Some(member) = fleet.take(world, &[Role::Builds]) else { return };
    let from = later(world, fleet);
    let builds = world.dice.between(80, 240);
    let mut client = member.client.clone();
    for _ in 0..builds {
        client.source.address = member.network.address(&mut world.dice);
        let at = from + jitter(world, HOUR);
        build(world, &member, &client, at);
    }
    world.honest("B2", &[&member.client], from, from + HOUR, 0);
}

/// B3: a key is exchanged; the old one goes on for some days.
fn rotation(world: &mut World, fleet: &mut Fleet) {
    let Some(member) = fleet.take(world, &[Role::Sync, Role::Provisions]) else { return };
    let from = later(world, fleet);
    let successor = world.new_key();
    if world.dice.chance(0.5) {
        world.event(from, json!({"event": "rotation", "key": member.client.key, "successor": successor}));
    }
    world.call(from, &member.client, Ask::new("POST", "/v1/keys").status(201).minted(&successor));
    let overlap = from + world.dice.wide(2, 72).cast_signed() * HOUR;
    let (begin, over) = (moment(from + MINUTE), moment(overlap));
    for place in 0..world.lines.len() {
        let moves = world.dice.chance(0.5);
        if let Some(line) = world.lines.get_mut(place).filter(|line| line.key == member.client.key)
            && (line.t >= over || line.t >= begin && moves)
        {
            line.key.clone_from(&successor);
        }
    }
    let next = Client { key: successor, ..member.client.clone() };
    world.honest("B3", &[&member.client, &next], from, overlap, 0);
}

/// B4: the export at the end of the month, ten times as large.
fn month_end(world: &mut World, fleet: &mut Fleet) {
    let Some(member) = fleet.take(world, &[Role::Reports]) else { return };
    let day = (fleet.days - 4).max(18);
    let at = day * DAY + 9 * HOUR + 8 * MINUTE;
    let rows = world.dice.between(4_000, 11_000);
    world.call(at, &member.client, Ask::new("GET", "/v1/invoices/export").rows(rows));
    world.honest("B4", &[&member.client], at, at + HOUR, 1);
}

/// B5: people move into a new office.
fn new_office(world: &mut World, fleet: &mut Fleet) {
    let from = later(world, fleet);
    let network = Network::new(&mut world.dice, 1, false);
    let egress = Source::of(&network, &mut world.dice);
    let people: Vec<Client> =
        fleet.members.iter().filter(|member| member.role == Role::Person).take(40).map(|m| m.client.clone()).collect();
    let keys: Vec<&str> = people.iter().map(|client| client.key.as_str()).collect();
    from_then(world, &keys, from, |world, place| {
        if let Some(line) = world.lines.get_mut(place) {
            line.src = egress.address;
            line.net = egress.number.map(|number| format!("AS{number}"));
        }
    });
    let clients: Vec<&Client> = people.iter().collect();
    world.honest("B5", &clients, from, from + DAY, 1);
}

/// B6: an address of its own for each call, within one /64.
fn privacy_addresses(world: &mut World, fleet: &mut Fleet) {
    let Some(member) = fleet.take(world, &[Role::Person]) else { return };
    let network = Network::new(&mut world.dice, 1, true);
    let from = later(world, fleet);
    from_then(world, &[&member.client.key], 0, |world, place| {
        let address = network.address_in(&mut world.dice, 7);
        if let Some(line) = world.lines.get_mut(place) {
            line.src = address;
            line.net = network.number.map(|number| format!("AS{number}"));
        }
    });
    world.honest("B6", &[&member.client], from, from + DAY, 0);
}

/// B7: many keys behind one address of a carrier, for a day.
fn carrier(world: &mut World, fleet: &mut Fleet) {
    let from = later(world, fleet) / DAY * DAY;
    let Some(network) = world.dice.pick(&fleet.carriers).cloned() else { return };
    let egress = Source::of(&network, &mut world.dice);
    let people: Vec<Client> =
        fleet.members.iter().filter(|member| member.role == Role::Mobile).map(|m| m.client.clone()).collect();
    let keys: Vec<&str> = people.iter().map(|client| client.key.as_str()).collect();
    let end = moment(from + DAY);
    from_then(world, &keys, from, |world, place| {
        if let Some(line) = world.lines.get_mut(place).filter(|line| line.t < end) {
            line.src = egress.address;
            line.net = egress.number.map(|number| format!("AS{number}"));
        }
    });
    let clients: Vec<&Client> = people.iter().collect();
    world.honest("B7", &clients, from, from + DAY, 0);
}

/// B8: from now on each night every record, page by page.
fn full_sync(world: &mut World, fleet: &mut Fleet) {
    let Some(member) = fleet.take(world, &[Role::Sync]) else { return };
    let from = later(world, fleet) / DAY * DAY + 2 * HOUR;
    let pages = world.dice.between(30, 150);
    for night in 0..(fleet.days - from / DAY) {
        for page in 0..pages {
            let at = from + night * DAY + page.cast_signed() * 2 * SECOND;
            let ask = Ask::new("GET", "/v1/orders").query(format!("page={page}")).rows(100);
            world.call(at, &member.client, ask);
        }
    }
    world.honest("B8", &[&member.client], from, from + DAY, 0);
}

/// B9: the API was away for some minutes, and everybody tries again and again.
fn retry_storm(world: &mut World, fleet: &mut Fleet) {
    let from = later(world, fleet);
    let syncs: Vec<Member> =
        fleet.members.iter().filter(|member| member.role == Role::Sync).take(40).cloned().collect();
    for member in &syncs {
        for _ in 0..world.dice.between(20, 120) {
            let at = from + jitter(world, 12 * MINUTE);
            let status = if world.dice.chance(0.7) { 503 } else { 429 };
            world.call(at, &member.client, Ask::new("GET", "/v1/orders").status(status));
        }
    }
    let clients: Vec<&Client> = syncs.iter().map(|member| &member.client).collect();
    world.honest("B9", &clients, from, from + HOUR, 0);
}

/// B10: somebody looks for a fault with a program's key, from a hotel. Reads only.
fn on_call(world: &mut World, fleet: &mut Fleet) {
    let Some(member) = fleet.take(world, &STEADY) else { return };
    let from = later(world, fleet) + world.dice.below(10).cast_signed() * HOUR;
    let hotel = Network::new(&mut world.dice, 1, false);
    let mut client = member.client.clone();
    client.source = Source::of(&hotel, &mut world.dice);
    client.agent = world.dice.word(&["curl/8.5.0", "HTTPie/3.2", "PostmanRuntime/7.39"]).to_owned();
    let mut at = from;
    for _ in 0..world.dice.between(5, 30) {
        let ask = match world.dice.below(5) {
            0 => Ask::new("GET", "/v1/orders").rows(world.dice.below(50)),
            1 | 2 => Ask::new("GET", format!("/v1/orders/{}", world.dice.below(5000))).rows(1),
            3 => Ask::new("GET", "/v1/products").rows(100),
            _ => Ask::new("GET", "/v1/shipments").rows(20),
        };
        world.call(at, &client, ask);
        at += world.dice.wide(5, 400).cast_signed() * SECOND;
    }
    world.honest("B10", &[&member.client], from, at, 1);
}

/// B11: a cloud region fails, and a program goes on from another one.
fn failover(world: &mut World, fleet: &mut Fleet) {
    let from = later(world, fleet);
    let region = Network::new(&mut world.dice, 4, false);
    for _ in 0..world.dice.between(1, 5) {
        let Some(member) = fleet.take(world, &STEADY) else { return };
        let lasts = world.dice.wide(1, 72).cast_signed() * HOUR;
        let end = moment(from + lasts);
        let source = Source::of(&region, &mut world.dice);
        from_then(world, &[&member.client.key], from, |world, place| {
            if let Some(line) = world.lines.get_mut(place).filter(|line| line.t < end) {
                line.src = source.address;
                line.net = source.number.map(|number| format!("AS{number}"));
            }
        });
        world.honest("B11", &[&member.client], from, from + DAY, 0);
    }
}

/// B12: a person with a new program, at home.
fn new_laptop(world: &mut World, fleet: &mut Fleet) {
    let Some(member) = fleet.take(world, &[Role::Person]) else { return };
    let from = later(world, fleet);
    let home = Network::new(&mut world.dice, 1, true);
    let source = Source::of(&home, &mut world.dice);
    from_then(world, &[&member.client.key], from, |world, place| {
        if let Some(line) = world.lines.get_mut(place) {
            line.src = source.address;
            line.net = source.number.map(|number| format!("AS{number}"));
            line.ua = Some("insomnia/9.3".to_owned());
        }
    });
    world.honest("B12", &[&member.client], from, from + DAY, 1);
}

/// B14: a new version of the API; every path is new on one day.
fn new_version(world: &mut World, fleet: &mut Fleet) {
    let from = later(world, fleet);
    if world.dice.chance(0.5) {
        let added = ["GET /v2/orders", "GET /v2/orders/{order}", "PATCH /v2/orders/{order}", "GET /v2/products"];
        world.event(from - HOUR, json!({"event": "document", "added": added}));
    }
    let movers: Vec<Client> = fleet
        .members
        .iter()
        .filter(|member| STEADY.contains(&member.role))
        .map(|member| member.client.clone())
        .collect();
    for client in &movers {
        if world.dice.chance(0.3) {
            continue;
        }
        let at = from + jitter(world, 6 * HOUR);
        from_then(world, &[&client.key], at, |world, place| {
            if let Some(line) = world.lines.get_mut(place)
                && ["/v1/orders", "/v1/products", "/v1/customers"].iter().any(|begin| line.path.starts_with(begin))
                && !line.path.ends_with("/count")
                && line.method != "DELETE"
                && line.method != "POST"
            {
                line.path.replace_range(..3, "/v2");
            }
        });
    }
    let clients: Vec<&Client> = movers.iter().collect();
    world.honest("B14", &clients, from, from + DAY, 0);
}

/// B15: the first day of new keys.
fn first_day(world: &mut World, fleet: &mut Fleet) {
    let from = later(world, fleet) / DAY;
    for _ in 0..world.dice.between(2, 6) {
        let Some(like) = world.dice.pick(&fleet.members).cloned() else { return };
        let key = world.new_key();
        let client = Client { holder: format!("new-{key}"), key, ..like.client.clone() };
        let mut member = like;
        member.client = client;
        let carriers = fleet.carriers.clone();
        live(world, &member, from, fleet.days, &carriers);
        world.honest("B15", &[&member.client], from * DAY, from * DAY + DAY, 0);
    }
}

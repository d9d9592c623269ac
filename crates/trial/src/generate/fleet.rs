//! Who calls honestly, and how.

use law::HolderKind;

use super::world::{Ask, Client, DAY, HOUR, MINUTE, Moment, Network, SECOND, Source, World, is_weekend};

/// What a key is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Polls lists and reads what is new, day and night.
    Sync,
    /// Changes things by the day.
    Updater,
    /// Builds, publishes and deploys, from fresh machines of one cloud.
    Builds,
    /// Takes a copy of everything each night.
    Backup,
    /// An export at the end of the week, and a large one at the end of the month.
    Reports,
    /// Removes what is old.
    Cleans,
    /// Makes users and keys, as its work.
    Provisions,
    /// A person with a program of their own, in office hours.
    Person,
    /// A person on the way, from one network to the next.
    Mobile,
    /// A few calls a week.
    Rare,
}

const ROLES: [(Role, u64); 10] = [
    (Role::Sync, 26),
    (Role::Updater, 16),
    (Role::Builds, 8),
    (Role::Backup, 5),
    (Role::Reports, 6),
    (Role::Cleans, 4),
    (Role::Provisions, 3),
    (Role::Person, 18),
    (Role::Mobile, 8),
    (Role::Rare, 6),
];

/// One key with its habits.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) client: Client,
    pub(super) role: Role,
    pub(super) network: Network,
    block: u64,
    /// Calls on a working day.
    rate: u64,
    hour: Moment,
    /// The packages or the things that it is about.
    pub(super) things: Vec<String>,
    version: u64,
}

/// All of them, and the places they live in.
#[derive(Debug)]
pub(super) struct Fleet {
    pub(super) members: Vec<Member>,
    pub(super) days: Moment,
    pub(super) office: Network,
    pub(super) carriers: Vec<Network>,
    /// Members that something special was done with already.
    pub(super) used: Vec<usize>,
}

impl Fleet {
    /// A member of this role that nothing special happens to yet.
    pub(super) fn take(&mut self, world: &mut World, roles: &[Role]) -> Option<Member> {
        let free: Vec<usize> = (0..self.members.len())
            .filter(|place| !self.used.contains(place))
            .filter(|place| self.members.get(*place).is_some_and(|member| roles.contains(&member.role)))
            .collect();
        let place = *world.dice.pick(&free)?;
        self.used.push(place);
        self.members.get(place).cloned()
    }
}

const PROGRAMS: [&str; 10] = [
    "orders-sync",
    "python-requests",
    "Go-http-client",
    "axios",
    "node-fetch",
    "okhttp",
    "erp-bridge",
    "Java",
    "shop-sdk-ruby",
    "guzzle",
];

pub(super) fn make(world: &mut World) -> Fleet {
    let days = i64::try_from(world.dice.between(24, 35)).unwrap_or(28);
    let many = world.dice.between(120, 420);
    let office = Network::new(&mut world.dice, 1, false);
    let clouds: Vec<Network> = (0..4).map(|_| Network::new(&mut world.dice, 12, false)).collect();
    let homes: Vec<Network> = (0..8).map(|_| Network::new(&mut world.dice, 3, true)).collect();
    let carriers: Vec<Network> = (0..5).map(|_| Network::new(&mut world.dice, 4, false)).collect();
    let mut fleet = Fleet { members: Vec::new(), days, office, carriers, used: Vec::new() };
    let weights: u64 = ROLES.iter().map(|(_, weight)| weight).sum();
    for number in 0..many {
        let mut draw = world.dice.below(weights);
        let mut role = Role::Sync;
        for (candidate, weight) in ROLES {
            if draw < weight {
                role = candidate;
                break;
            }
            draw -= weight;
        }
        let person = format!("p{}", world.dice.below(many / 3 + 1));
        let (kind, holder, owner) = match role {
            Role::Person | Role::Mobile => (HolderKind::Person, person, None),
            _ if world.dice.chance(0.2) => (HolderKind::Vendor, format!("vendor-{number}"), Some(person)),
            _ => (HolderKind::Workload, format!("job-{number}"), Some(person)),
        };
        let network = match role {
            Role::Person if world.dice.chance(0.5) => fleet.office.clone(),
            Role::Person => world.dice.pick(&homes).cloned().unwrap_or_else(|| fleet.office.clone()),
            Role::Mobile => world.dice.pick(&fleet.carriers).cloned().unwrap_or_else(|| fleet.office.clone()),
            _ => world.dice.pick(&clouds).cloned().unwrap_or_else(|| fleet.office.clone()),
        };
        let block = world.dice.below(200);
        let source = Source { address: network.address_in(&mut world.dice, block), number: network.number };
        let version = world.dice.between(1, 9);
        let program = match role {
            Role::Builds => "release-bot",
            Role::Mobile => "ShopApp",
            _ => world.dice.word(&PROGRAMS),
        };
        let client =
            Client { key: world.new_key(), holder, kind, owner, agent: format!("{program}/{version}.0"), source };
        let rate = match role {
            Role::Sync => world.dice.wide(20, 160),
            Role::Updater => world.dice.wide(8, 80),
            Role::Builds | Role::Mobile => world.dice.wide(4, 30),
            Role::Person => world.dice.wide(4, 40),
            _ => world.dice.wide(2, 12),
        };
        let hour = world.dice.below(24).cast_signed() * HOUR;
        let things = (0..world.dice.between(1, 3)).map(|_| format!("pkg-{}", world.dice.below(900))).collect();
        fleet.members.push(Member { client, role, network, block, rate, hour, things, version });
    }
    for place in 0..fleet.members.len() {
        if let Some(member) = fleet.members.get(place).cloned() {
            live(world, &member, 0, days, &fleet.carriers);
        }
    }
    fleet
}

/// A member's days.
pub(super) fn live(world: &mut World, member: &Member, from: Moment, to: Moment, carriers: &[Network]) {
    for day in from..to {
        one_day(world, member, day, carriers);
    }
}

fn one_day(world: &mut World, member: &Member, day: Moment, carriers: &[Network]) {
    let begin = day * DAY;
    let quiet = is_weekend(day);
    let mut client = member.client.clone();
    // A new version about every ten days, and now and then another address of the same place.
    let version = member.version + u64::try_from(day / 10).unwrap_or(0);
    if let Some((program, _)) = member.client.agent.split_once('/') {
        client.agent = format!("{program}/{version}.{}", world.dice.below(3));
    }
    client.source.address = match member.role {
        Role::Builds => member.network.address(&mut world.dice),
        _ if day > 0 && world.dice.chance(0.15) => member.network.address_in(&mut world.dice, member.block),
        _ => member.client.source.address,
    };
    match member.role {
        Role::Sync => {
            let calls = spread(world, member.rate);
            for call in 0..calls {
                let at = begin + (DAY / calls.max(1).cast_signed()) * call.cast_signed() + jitter(world, 5 * MINUTE);
                let ask = if world.dice.chance(0.6) {
                    let rows = world.dice.below(50);
                    Ask::new("GET", "/v1/orders").query("since=1").rows(rows)
                } else {
                    Ask::new("GET", format!("/v1/orders/{}", world.dice.below(5000))).rows(1)
                };
                world.call(at, &client, ask);
            }
            let rows = world.dice.between(50, 100);
            world.call(begin + member.hour, &client, Ask::new("GET", "/v1/products").rows(rows));
        }
        Role::Updater => {
            for _ in 0..spread(world, if quiet { member.rate / 4 } else { member.rate }) {
                let at = office_hours(world, begin);
                let order = world.dice.below(5000);
                world.call(at, &client, Ask::new("GET", format!("/v1/orders/{order}")).rows(1));
                world.call(at + 300, &client, Ask::new("PATCH", format!("/v1/orders/{order}")));
                if world.dice.chance(0.2) {
                    world.call(at + 900, &client, Ask::new("POST", "/v1/shipments").status(201));
                }
            }
        }
        Role::Builds if !quiet => {
            for _ in 0..spread(world, member.rate) {
                let at = office_hours(world, begin);
                client.source.address = member.network.address(&mut world.dice);
                build(world, member, &client, at);
            }
        }
        Role::Backup => {
            let at = begin + member.hour + jitter(world, 10 * MINUTE);
            let rows = 4000 + world.dice.below(600) + u64::try_from(day).unwrap_or(0) * 10;
            world.call(at, &client, Ask::new("GET", "/v1/customers/export").rows(rows));
            world.call(at + MINUTE, &client, Ask::new("GET", "/v1/invoices/export").rows(rows * 2));
        }
        Role::Reports => {
            let at = begin + 9 * HOUR + jitter(world, 20 * MINUTE);
            if !quiet {
                let rows = world.dice.between(10, 60);
                world.call(at, &client, Ask::new("GET", "/v1/invoices").rows(rows));
            }
            if day.rem_euclid(7) == 4 {
                let rows = world.dice.between(400, 900);
                world.call(at + 5 * MINUTE, &client, Ask::new("GET", "/v1/invoices/export").rows(rows));
            }
        }
        Role::Cleans => {
            let at = begin + member.hour;
            world.call(at, &client, Ask::new("GET", "/v1/orders").query("state=old").rows(100));
            for number in 0..spread(world, member.rate) {
                let order = world.dice.below(5000);
                let at = at + (1 + number.cast_signed()) * 2 * SECOND;
                world.call(at, &client, Ask::new("DELETE", format!("/v1/orders/{order}")).status(204));
            }
        }
        Role::Provisions if !quiet => {
            for _ in 0..world.dice.between(1, 3) {
                let at = office_hours(world, begin);
                world.call(at, &client, Ask::new("GET", "/v1/users").rows(80));
                world.call(at + SECOND, &client, Ask::new("POST", "/v1/users").status(201));
                let user = world.dice.below(400);
                world.call(at + 2 * SECOND, &client, Ask::new("PUT", format!("/v1/users/{user}/role")));
            }
        }
        Role::Person if !quiet => {
            let mut at = begin + 8 * HOUR + jitter(world, 2 * HOUR);
            for _ in 0..spread(world, member.rate) {
                at += world.dice.wide(20, 1800).cast_signed() * SECOND;
                person_reads(world, &client, at);
            }
        }
        Role::Mobile => {
            for _ in 0..spread(world, member.rate) {
                let at = begin + 6 * HOUR + jitter(world, 16 * HOUR);
                let network = world.dice.pick(carriers).cloned().unwrap_or_else(|| member.network.clone());
                client.source = Source::of(&network, &mut world.dice);
                person_reads(world, &client, at);
            }
        }
        Role::Rare if world.dice.chance(0.35) => {
            let at = begin + member.hour;
            world.call(at, &client, Ask::new("GET", "/v1/products").rows(100));
            world.call(at + SECOND, &client, Ask::new("GET", "/v1/warehouses").rows(6));
        }
        Role::Builds | Role::Provisions | Role::Person | Role::Rare => {}
    }
}

/// One build: looks, publishes its package, deploys now and then.
pub(super) fn build(world: &mut World, member: &Member, client: &Client, at: Moment) {
    let things = member.things.clone();
    let package = world.dice.pick(&things).cloned().unwrap_or_default();
    let version = world.dice.below(100_000);
    world.call(at, client, Ask::new("GET", format!("/v1/packages/{package}")).rows(1));
    world.call(at + 40 * SECOND, client, Ask::new("PUT", format!("/v1/packages/{package}/versions/{version}")));
    if world.dice.chance(0.4) {
        world.call(at + 90 * SECOND, client, Ask::new("POST", "/v1/deployments").status(201));
        world.call(at + 120 * SECOND, client, Ask::new("GET", format!("/v1/deployments/{version}")).rows(1));
    }
}

fn person_reads(world: &mut World, client: &Client, at: Moment) {
    let ask = match world.dice.below(12) {
        0..=4 => Ask::new("GET", "/v1/orders").rows(world.dice.below(50)),
        5..=7 => Ask::new("GET", format!("/v1/customers/{}", world.dice.below(900))).rows(1),
        8 => Ask::new("GET", "/v1/tickets").rows(world.dice.below(30)),
        9 => Ask::new("PATCH", format!("/v1/customers/{}", world.dice.below(900))),
        10 => Ask::new("GET", "/v1/invoices").rows(world.dice.below(50)),
        _ => Ask::new("GET", format!("/v1/orders/{}", world.dice.below(5000))).status(404),
    };
    world.call(at, client, ask);
}

/// About so many.
fn spread(world: &mut World, about: u64) -> u64 {
    world.dice.between(about * 7 / 10, about * 13 / 10)
}

pub(super) fn jitter(world: &mut World, most: Moment) -> Moment {
    world.dice.below(most.max(1).cast_unsigned()).cast_signed()
}

pub(super) fn office_hours(world: &mut World, begin: Moment) -> Moment {
    begin + 7 * HOUR + jitter(world, 11 * HOUR)
}

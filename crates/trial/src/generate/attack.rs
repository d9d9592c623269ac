//! The published attacks, at random moments, with parameters from wide ranges.

use serde_json::json;

use super::{
    fleet::{Fleet, Role, jitter, live},
    honest::later,
    world::{Ask, Client, DAY, HOUR, MINUTE, Moment, Network, SECOND, Source, World},
};

const READERS: [Role; 3] = [Role::Sync, Role::Updater, Role::Person];
const LISTS: [&str; 14] = [
    "users",
    "roles",
    "keys",
    "webhooks",
    "customers",
    "invoices",
    "products",
    "warehouses",
    "shipments",
    "tickets",
    "reports",
    "packages",
    "orders",
    "customers/count",
];
const TOOLS: [&str; 8] = [
    "curl/8.4.0",
    "python-requests/2.31.0",
    "python-httpx/0.27",
    "Go-http-client/2.0",
    "TruffleHog",
    "aiohttp/3.9",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/120.0 Safari/537.36",
    "Wget/1.21",
];

pub(super) fn add(world: &mut World, fleet: &mut Fleet) {
    let add: [fn(&mut World, &mut Fleet); 12] = [
        smash,
        key_makes_key,
        factor_stripped,
        back_door_user,
        dormant,
        split_source,
        proxies,
        export_and_erase,
        destroy,
        worm,
        canary,
        probing_first,
    ];
    for add in add {
        add(world, fleet);
    }
}

/// The key in the thief's hands: elsewhere, with a tool, or sometimes with the owner's user agent
/// or from the owner's network.
fn stolen(world: &mut World, client: &Client) -> Client {
    let mut thief = client.clone();
    let twin = world.dice.part();
    if twin >= 0.15 {
        let network = Network::new(&mut world.dice, 1, false);
        let unnumbered = world.dice.chance(0.2) && client.source.number.is_none();
        thief.source = Source::of(&if unnumbered { network.unnumbered() } else { network }, &mut world.dice);
    }
    if !(0.15..0.4).contains(&twin) {
        world.dice.word(&TOOLS).clone_into(&mut thief.agent);
    }
    thief
}

/// A walk of calls with pauses between them; its moments.
struct Walk {
    at: Moment,
    pause: u64,
}

impl Walk {
    fn new(world: &mut World, fleet: &Fleet, pause: u64) -> Self {
        Self { at: later(world, fleet) + jitter(world, 20 * HOUR) - 8 * HOUR, pause: world.dice.wide(200, pause) }
    }

    fn call(&mut self, world: &mut World, thief: &Client, ask: Ask) -> Moment {
        self.at += world.dice.between(self.pause / 2 + 1, self.pause * 3 / 2 + 2).cast_signed();
        world.call(self.at, thief, ask);
        self.at
    }

    /// Several calls, as one step.
    fn step(&mut self, world: &mut World, thief: &Client, asks: Vec<Ask>) -> (Moment, Moment) {
        let mut from = None;
        for ask in asks {
            let at = self.call(world, thief, ask);
            from.get_or_insert(at);
        }
        (from.unwrap_or(self.at), self.at)
    }
}

fn lists(world: &mut World) -> Vec<Ask> {
    let many = world.dice.between(8, 14);
    let mut names = LISTS.to_vec();
    let mut asks = Vec::new();
    for _ in 0..many {
        let place = usize::try_from(world.dice.below(names.len() as u64)).unwrap_or(0);
        let name = names.swap_remove(place.min(names.len() - 1));
        asks.push(Ask::new("GET", format!("/v1/{name}")).rows(world.dice.below(100)));
    }
    asks
}

fn whoami() -> Ask {
    Ask::new("GET", "/v1/whoami")
}

/// A1
fn smash(world: &mut World, fleet: &mut Fleet) {
    let Some(member) = fleet.take(world, &READERS) else { return };
    let thief = stolen(world, &member.client);
    let mut walk = Walk::new(world, fleet, 4_000);
    let (a, b) = walk.step(world, &thief, vec![whoami()]);
    let looks = lists(world);
    let (c, d) = walk.step(world, &thief, looks);
    let rows = world.dice.wide(2_000, 200_000);
    let kind = world.dice.word(&["invoices", "customers"]);
    let (e, f) = walk.step(world, &thief, vec![Ask::new("GET", format!("/v1/{kind}/export")).rows(rows)]);
    world.attack("A1", &[&thief.key], &[("whoami", a, b), ("lists", c, d), ("export", e, f)], 2);
}

/// A3
fn key_makes_key(world: &mut World, fleet: &mut Fleet) {
    let Some(member) = fleet.take(world, &READERS) else { return };
    let thief = stolen(world, &member.client);
    let mut walk = Walk::new(world, fleet, 30_000);
    let (a, b) = walk.step(world, &thief, vec![whoami()]);
    let (c, d) = walk.step(world, &thief, vec![Ask::new("GET", "/v1/keys").rows(12)]);
    let child = world.new_key();
    let (e, f) = walk.step(world, &thief, vec![Ask::new("POST", "/v1/keys").status(201).minted(&child)]);
    let third = Network::new(&mut world.dice, 1, false);
    let mut other = Client { key: child, ..thief.clone() };
    other.source = Source::of(&third, &mut world.dice);
    walk.at += world.dice.wide(1, 58).cast_signed() * MINUTE;
    let (g, h) = walk.step(world, &other, vec![Ask::new("GET", "/v1/customers").rows(100)]);
    let steps = [("whoami", a, b), ("list keys", c, d), ("create key", e, f), ("child used", g, h)];
    world.attack("A3", &[&thief.key, &other.key], &steps, 3);
}

/// A4
fn factor_stripped(world: &mut World, fleet: &mut Fleet) {
    let Some(member) = fleet.take(world, &READERS) else { return };
    let thief = stolen(world, &member.client);
    let mut walk = Walk::new(world, fleet, 40_000);
    let (a, b) = walk.step(world, &thief, vec![Ask::new("GET", "/v1/account")]);
    let (c, d) = walk.step(world, &thief, vec![Ask::new("PUT", "/v1/account/email")]);
    let (e, f) = walk.step(world, &thief, vec![Ask::new("DELETE", "/v1/account/two-factor").status(204)]);
    let child = world.new_key();
    let (g, h) = walk.step(world, &thief, vec![Ask::new("POST", "/v1/keys").status(201).minted(&child)]);
    let steps = [("read account", a, b), ("change e-mail", c, d), ("disable 2FA", e, f), ("create key", g, h)];
    world.attack("A4", &[&thief.key], &steps, 1);
}

/// A5
fn back_door_user(world: &mut World, fleet: &mut Fleet) {
    let Some(member) = fleet.take(world, &READERS) else { return };
    let thief = stolen(world, &member.client);
    let mut walk = Walk::new(world, fleet, 60_000);
    let (a, b) = walk.step(world, &thief, vec![Ask::new("GET", "/v1/users").rows(90)]);
    let (c, d) = walk.step(world, &thief, vec![Ask::new("POST", "/v1/users").status(201)]);
    let (e, f) = walk.step(world, &thief, vec![Ask::new("PUT", "/v1/users/u991/role")]);
    world.attack("A5", &[&thief.key], &[("list users", a, b), ("create user", c, d), ("grant admin", e, f)], 2);
}

/// A6
fn dormant(world: &mut World, fleet: &mut Fleet) {
    let Some(like) = fleet.take(world, &[Role::Sync, Role::Person]) else { return };
    let mut member = like;
    member.client.key = world.new_key();
    member.client.holder = format!("old-{}", member.client.key);
    let asleep = world.dice.between(60, 200).cast_signed();
    let carriers = fleet.carriers.clone();
    live(world, &member, -asleep - 20, -asleep, &carriers);
    let mut thief = member.client.clone();
    world.dice.word(&TOOLS).clone_into(&mut thief.agent);
    let mut walk = Walk::new(world, fleet, 5_000);
    let (a, b) = walk.step(world, &thief, vec![whoami()]);
    let (c, d) = walk.step(world, &thief, vec![Ask::new("GET", "/v1/orders").rows(50)]);
    let many = world.dice.between(100, 500);
    let reads = (0..many).map(|id| Ask::new("GET", format!("/v1/orders/{}", id * 7)).rows(1)).collect();
    let (e, f) = walk.step(world, &thief, reads);
    world.attack("A6", &[&thief.key], &[("whoami", a, b), ("list", c, d), ("read many", e, f)], 2);
}

/// A7: the owner goes on; the thief reads what the key seldom reads.
fn split_source(world: &mut World, fleet: &mut Fleet) {
    let Some(member) = fleet.take(world, &[Role::Sync]) else { return };
    let mut thief = member.client.clone();
    thief.source = Source::of(&Network::new(&mut world.dice, 1, false), &mut world.dice);
    let mut walk = Walk::new(world, fleet, 60_000);
    let production = |world: &mut World, at: Moment| {
        let before = world.dice.between(5, 50).cast_signed() * SECOND;
        world.call(at - before, &member.client, Ask::new("GET", "/v1/orders").rows(20));
    };
    production(world, walk.at);
    let (a, b) = walk.step(world, &thief, vec![Ask::new("GET", "/v1/users").rows(90)]);
    production(world, walk.at);
    let (c, d) = walk.step(world, &thief, vec![Ask::new("GET", "/v1/customers").rows(100)]);
    for _ in 0..world.dice.between(3, 30) {
        production(world, walk.at + 60 * SECOND);
    }
    let reads = (0..world.dice.between(10, 80))
        .map(|page| Ask::new("GET", "/v1/customers").query(format!("page={page}")).rows(100));
    let reads = reads.collect();
    let (e, f) = walk.step(world, &thief, reads);
    let steps = [("a rare read", a, b), ("another", c, d), ("all pages", e, f)];
    world.attack_from("A7", &[&thief.key], &steps, 2, vec![thief.source.address]);
}

/// A8
fn proxies(world: &mut World, fleet: &mut Fleet) {
    let Some(member) = fleet.take(world, &READERS) else { return };
    let mut thief = stolen(world, &member.client);
    let from = later(world, fleet);
    let networks: Vec<Network> =
        (0..world.dice.between(30, 80)).map(|_| Network::new(&mut world.dice, 1, false)).collect();
    let minutes = world.dice.between(6, 15).cast_signed();
    let requests = world.dice.between(200, 800).cast_signed();
    let (mut early, mut last) = (from, from);
    for number in 0..requests {
        let at = from + number * minutes * MINUTE / requests;
        if let Some(network) = world.dice.pick(&networks).cloned() {
            thief.source = Source::of(&network, &mut world.dice);
        }
        let ask = Ask::new("GET", format!("/v1/customers/{}", world.dice.below(9_000))).rows(1);
        world.call(at, &thief, ask);
        last = at;
        if at <= from + 2 * MINUTE {
            early = at;
        }
    }
    world.attack("A8", &[&thief.key], &[("two minutes", from, early), ("the rest", early + 1, last)], 1);
}

/// A10
fn export_and_erase(world: &mut World, fleet: &mut Fleet) {
    let Some(member) = fleet.take(world, &READERS) else { return };
    let thief = stolen(world, &member.client);
    let mut walk = Walk::new(world, fleet, 60_000);
    let counts = vec![Ask::new("GET", "/v1/orders/count"), Ask::new("GET", "/v1/customers/count")];
    let (a, b) = walk.step(world, &thief, counts);
    let (c, d) = walk.step(world, &thief, vec![Ask::new("POST", "/v1/exports").status(202)]);
    walk.at += world.dice.wide(5, 600).cast_signed() * SECOND;
    let rows = world.dice.wide(2_000, 500_000);
    let (e, f) = walk.step(world, &thief, vec![Ask::new("GET", "/v1/exports/e1/download").rows(rows)]);
    let erase =
        vec![Ask::new("DELETE", "/v1/exports/e1").status(204), Ask::new("DELETE", "/v1/webhooks/w1").status(204)];
    let (g, h) = walk.step(world, &thief, erase);
    let steps = [("count", a, b), ("bulk job", c, d), ("download", e, f), ("erase", g, h)];
    world.attack("A10", &[&thief.key], &steps, 2);
}

/// A11: sometimes with a key that deletes by its work.
fn destroy(world: &mut World, fleet: &mut Fleet) {
    let Some(member) = fleet.take(world, &[Role::Sync, Role::Updater, Role::Cleans]) else { return };
    let thief = stolen(world, &member.client);
    let mut walk = Walk::new(world, fleet, 2_000);
    let (a, b) = walk.step(world, &thief, vec![Ask::new("GET", "/v1/customers").rows(100)]);
    let (c, d) = walk.step(world, &thief, vec![Ask::new("GET", "/v1/customers/export").rows(9_000)]);
    let delete = |id: u64| Ask::new("DELETE", format!("/v1/customers/{id}")).status(204);
    let (e, f) = walk.step(world, &thief, vec![delete(0)]);
    walk.at += world.dice.wide(2, 60).cast_signed() * SECOND;
    walk.pause = world.dice.wide(30, 400);
    let (g, h) = walk.step(world, &thief, (1..10).map(delete).collect());
    let many = world.dice.between(100, 800);
    let (i, j) = walk.step(world, &thief, (10..many).map(delete).collect());
    let steps = [("list", a, b), ("export", c, d), ("one deletion", e, f), ("nine more", g, h), ("the rest", i, j)];
    world.attack("A11", &[&thief.key], &steps, 4);
}

/// A12: with the builder's own program, often from its own cloud.
fn worm(world: &mut World, fleet: &mut Fleet) {
    let Some(member) = fleet.take(world, &[Role::Builds]) else { return };
    let mut thief = member.client.clone();
    if world.dice.chance(0.5) {
        thief.source = Source::of(&member.network, &mut world.dice);
    } else {
        thief.source = Source::of(&Network::new(&mut world.dice, 1, false), &mut world.dice);
    }
    let mut walk = Walk::new(world, fleet, 20_000);
    let (a, b) = walk.step(world, &thief, vec![Ask::new("GET", "/v1/packages").rows(40)]);
    let publish = |world: &mut World| {
        let package = world.dice.between(1_000, 1_900);
        Ask::new("PUT", format!("/v1/packages/pkg-{package}/versions/{}", world.dice.below(1_000_000)))
    };
    let mut steps = vec![("list packages", a, b)];
    let one = publish(world);
    let (from, to) = walk.step(world, &thief, vec![one]);
    steps.push(("first publish", from, to));
    let two = publish(world);
    let (from, to) = walk.step(world, &thief, vec![two]);
    steps.push(("second publish", from, to));
    let more = (0..world.dice.between(3, 40)).map(|_| publish(world)).collect();
    let (from, to) = walk.step(world, &thief, more);
    steps.push(("the rest", from, to));
    world.attack("A12", &[&thief.key], &steps, 3);
}

/// A12, as a canary.
fn canary(world: &mut World, fleet: &mut Fleet) {
    let Some(like) = world.dice.pick(&fleet.members).cloned() else { return };
    let mut thief = stolen(world, &like.client);
    thief.key = world.new_key();
    thief.holder = format!("canary-{}", thief.key);
    world.event(DAY, json!({"event": "canary", "key": thief.key}));
    let mut walk = Walk::new(world, fleet, 30_000);
    let (a, b) = walk.step(world, &thief, vec![whoami()]);
    let (c, d) = walk.step(world, &thief, vec![Ask::new("GET", "/v1/orders").rows(50)]);
    world.attack("A12-canary", &[&thief.key], &[("first request", a, b), ("second", c, d)], 0);
}

/// A twin of A1: doors are tried first, and the calls are split over two keys of one person.
fn probing_first(world: &mut World, fleet: &mut Fleet) {
    let Some(member) = fleet.take(world, &READERS) else { return };
    let one = stolen(world, &member.client);
    let mut walk = Walk::new(world, fleet, 8_000);
    let doors = ["users", "keys", "roles", "webhooks", "reports", "account"];
    let tries = doors.iter().map(|door| Ask::new("GET", format!("/v1/{door}")).status(403)).collect();
    let (a, b) = walk.step(world, &one, tries);
    let looks = lists(world);
    let (c, d) = walk.step(world, &one, looks);
    let (e, f) = walk.step(world, &one, vec![Ask::new("GET", "/v1/customers/export").rows(20_000)]);
    world.attack("A1-probing", &[&one.key], &[("probe", a, b), ("lists", c, d), ("export", e, f)], 2);
}

//! What generators write into.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use jiff::Timestamp;
use law::HolderKind;

use crate::{
    dice::Dice,
    scenario::{Attack, Honest, Labels, Line, Stage},
};

/// Milliseconds since the traffic begins.
pub(super) type Moment = i64;

pub(super) const SECOND: Moment = 1_000;
pub(super) const MINUTE: Moment = 60 * SECOND;
pub(super) const HOUR: Moment = 60 * MINUTE;
pub(super) const DAY: Moment = 24 * HOUR;

/// A Monday.
const BEGIN: i64 = 1_772_409_600_000;

/// A network with its number, and where its addresses lie.
#[derive(Clone, Debug)]
pub(super) struct Network {
    pub(super) number: Option<u32>,
    /// The first 16 bits of its addresses, of each of its ranges; of an IPv6 one, the first 32.
    ranges: Vec<u32>,
    v6: bool,
}

impl Network {
    pub(super) fn new(dice: &mut Dice, ranges: u64, v6: bool) -> Self {
        let number = u32::try_from(dice.between(1_000, 400_000)).unwrap_or(0);
        let range = |dice: &mut Dice| {
            let (a, b) = if v6 {
                (dice.between(0x2400, 0x2aff), dice.below(1 << 16))
            } else {
                (0, dice.between(0x0b00, 0xdf00))
            };
            u32::try_from(a << 16 | b).unwrap_or(0)
        };
        Self { number: Some(number), ranges: (0..ranges.max(1)).map(|_| range(dice)).collect(), v6 }
    }

    pub(super) fn unnumbered(mut self) -> Self {
        self.number = None;
        self
    }

    /// Any address of it.
    pub(super) fn address(&self, dice: &mut Dice) -> IpAddr {
        let block = dice.below(256);
        self.address_in(dice, block)
    }

    /// An address in one block of it: a /24, or a /64.
    pub(super) fn address_in(&self, dice: &mut Dice, block: u64) -> IpAddr {
        let place = usize::try_from(block).unwrap_or(0) % self.ranges.len().max(1);
        let range = self.ranges.get(place).copied().unwrap_or(0);
        if self.v6 {
            let bits = u128::from(range) << 96 | u128::from(block) << 64 | u128::from(dice.next());
            return Ipv6Addr::from_bits(bits).into();
        }
        let bits = range << 16
            | u32::try_from(block & 0xff).unwrap_or(0) << 8
            | u32::try_from(dice.between(1, 254)).unwrap_or(1);
        Ipv4Addr::from_bits(bits).into()
    }
}

/// Where a call comes from.
#[derive(Clone, Debug)]
pub(super) struct Source {
    pub(super) address: IpAddr,
    pub(super) number: Option<u32>,
}

impl Source {
    pub(super) fn of(network: &Network, dice: &mut Dice) -> Self {
        Self { address: network.address(dice), number: network.number }
    }
}

/// One key and who has it.
#[derive(Clone, Debug)]
pub(super) struct Client {
    pub(super) key: String,
    pub(super) holder: String,
    pub(super) kind: HolderKind,
    pub(super) owner: Option<String>,
    pub(super) agent: String,
    pub(super) source: Source,
}

/// What is asked for, and what comes back.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    pub(super) method: &'static str,
    pub(super) path: String,
    pub(super) query: String,
    pub(super) status: u16,
    pub(super) rows: Option<u64>,
    pub(super) out: u64,
    pub(super) minted: Option<String>,
}

impl Ask {
    pub(super) fn new(method: &'static str, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), query: String::new(), status: 200, rows: None, out: 400, minted: None }
    }

    pub(super) fn rows(mut self, rows: u64) -> Self {
        self.rows = Some(rows);
        self.out = 200 + rows * 180;
        self
    }

    pub(super) fn query(mut self, query: impl Into<String>) -> Self {
        self.query = query.into();
        self
    }

    pub(super) fn status(mut self, status: u16) -> Self {
        self.status = status;
        if status >= 400 {
            (self.rows, self.out) = (None, 90);
        }
        self
    }

    pub(super) fn minted(mut self, key: &str) -> Self {
        self.minted = Some(key.to_owned());
        self
    }
}

/// All traffic of a scenario.
#[derive(Debug)]
pub(super) struct World {
    pub(super) dice: Dice,
    pub(super) api: String,
    pub(super) lines: Vec<Line>,
    events: Vec<(Timestamp, String)>,
    pub(super) labels: Labels,
    keys: u64,
}

impl World {
    pub(super) fn new(name: &str, seed: u64, api: String) -> Self {
        let labels = Labels { name: format!("{name}-{seed}"), seed, ..Labels::default() };
        Self { dice: Dice::new(seed), api, lines: Vec::new(), events: Vec::new(), labels, keys: 0 }
    }

    pub(super) fn new_key(&mut self) -> String {
        self.keys += 1;
        format!("k{}", self.keys)
    }

    /// Writes a call of the client, from where it is at home.
    pub(super) fn call(&mut self, at: Moment, client: &Client, ask: Ask) {
        let Client { key, holder, kind, owner, agent, source } = client;
        let line = Line {
            t: moment(at),
            key: key.clone(),
            holder: Some(holder.clone()),
            kind: *kind,
            owner: owner.clone(),
            method: ask.method.to_owned(),
            path: ask.path,
            query: ask.query,
            src: source.address,
            net: source.number.map(|number| format!("AS{number}")),
            ua: Some(agent.clone()),
            status: ask.status,
            bytes_in: if ask.method == "GET" { 0 } else { 300 },
            out: ask.out,
            rows: ask.rows,
            minted: ask.minted,
        };
        self.lines.push(line);
    }

    /// What the authority knows.
    pub(super) fn event(&mut self, at: Moment, mut event: serde_json::Value) {
        let at = moment(at);
        if let Some(members) = event.as_object_mut() {
            members.insert("t".to_owned(), at.to_string().into());
        }
        self.events.push((at, event.to_string()));
    }

    pub(super) fn honest(&mut self, id: &str, clients: &[&Client], from: Moment, to: Moment, alerts: u32) {
        let keys = clients.iter().map(|client| client.key.clone()).collect();
        self.labels.honest.push(Honest { id: id.to_owned(), keys, from: moment(from), to: moment(to), alerts });
    }

    pub(super) fn attack(&mut self, id: &str, keys: &[&str], steps: &[(&str, Moment, Moment)], contain_by: usize) {
        self.attack_from(id, keys, steps, contain_by, Vec::new());
    }

    pub(super) fn attack_from(
        &mut self,
        id: &str,
        keys: &[&str],
        steps: &[(&str, Moment, Moment)],
        contain_by: usize,
        sources: Vec<IpAddr>,
    ) {
        let stage = |(name, from, to): &(&str, Moment, Moment)| Stage {
            name: (*name).to_owned(),
            from: moment(*from),
            to: moment(*to),
        };
        let keys = keys.iter().map(|key| (*key).to_owned()).collect();
        let steps = steps.iter().map(stage).collect();
        self.labels.attacks.push(Attack { id: id.to_owned(), keys, steps, contain_by, sources });
    }

    pub(super) fn sorted(mut self) -> Self {
        self.lines.sort_by_key(|line| line.t);
        self.events.sort();
        self
    }

    pub(super) fn events_file(&self) -> Vec<u8> {
        self.events.iter().flat_map(|(_, line)| line.bytes().chain([b'\n'])).collect()
    }
}

/// As lines have it.
pub(super) fn moment(at: Moment) -> Timestamp {
    Timestamp::from_millisecond(BEGIN + at).unwrap_or(Timestamp::MAX)
}

/// Whether the day is one of a weekend.
pub(super) const fn is_weekend(day: Moment) -> bool {
    day.rem_euclid(7) >= 5
}

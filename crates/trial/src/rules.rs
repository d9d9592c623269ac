//! The watch with its ladder, and what it is measured against.

use std::{
    collections::{HashMap, HashSet},
    net::IpAddr,
};

use jiff::{SignedDuration, Timestamp};
use law::{KeyId, Neighbourhood, Power, Powers, Severity, Step, neighbourhood};
use watch::{Answer, Ladder, Settings, Sight, Told, Watch, Whose};

use crate::{
    play::{Judged, Rule},
    scenario::{Call, Event, Events},
};

/// The watch and its ladder, with every guard at `secret`.
#[derive(Default)]
pub struct Watching {
    watch: Watch,
    ladder: Ladder,
}

impl Watching {
    /// With these answers.
    pub fn new(settings: Settings) -> Self {
        Self { watch: Watch::default(), ladder: Ladder::new(settings) }
    }

    /// What it remembers.
    pub fn watch(&self) -> &Watch {
        &self.watch
    }

    fn meet(&mut self, sight: &Sight, call: &Call, now: Timestamp) -> Judged {
        let mut judged = Judged::default();
        for finding in &sight.findings {
            judged.found |= finding.severity >= Severity::Warning;
            judged.alerts += usize::from(finding.severity >= Severity::High);
            if finding.severity >= Severity::Warning {
                judged.reasons.push(reason(finding));
            }
        }
        let whose = Whose { kind: call.kind, person: call.owner.or(call.holder) };
        let stands = sight.stands.as_ref().map(|stands| stands.finding(&call.seen(), now));
        for containment in stands.iter().flat_map(|stands| self.ladder.meet(stands, whose, now).new) {
            match containment.step {
                Step::Note | Step::Tell => {}
                Step::StepUp => judged.asked.push(containment.key),
                Step::Freeze | Step::Pin | Step::Disable | Step::Revoke => judged.contained.push(containment.key),
            }
        }
        if judged.reasons.is_empty() && !(judged.asked.is_empty() && judged.contained.is_empty()) {
            judged.reasons.extend(stands.iter().map(reason));
        }
        judged
    }
}

fn reason(finding: &law::Finding) -> String {
    let parts: Vec<&str> = finding.evidence().map(|evidence| evidence.what.as_str()).collect();
    format!("{:?}: {}", finding.severity, parts.join("; "))
}

impl Rule for Watching {
    fn judge(&mut self, call: &Call) -> Judged {
        let sight = self.watch.see(&call.seen(), call.at);
        let mut judged = self.meet(&sight, call, call.at);
        judged.answer = Some(self.ladder.answer(call.key, call.powers, sight.unusual, call.at));
        judged
    }

    fn ended(&mut self, call: &Call, now: Timestamp) -> Judged {
        let sight = self.watch.ended(&call.seen(), &call.became, now);
        if let Some(minted) = call.became.minted {
            self.ladder.minted(call.key, minted);
        }
        self.meet(&sight, call, now)
    }

    fn told(&mut self, event: &Event) {
        let now = event.at;
        match &event.what {
            Events::Rotation(key, successor) => {
                self.watch.told(&Told::Rotation { key: *key, successor: *successor }, now);
            }
            Events::Canary(key) => self.watch.told(&Told::Canary { key: *key }, now),
            Events::Leaked(key) => self.watch.told(&Told::Leaked { key: *key }, now),
            Events::Document(added) => {
                let added: Vec<&str> = added.iter().map(|name| &**name).collect();
                self.watch.told(&Told::Document { added: &added }, now);
            }
            Events::Registered(network) => self.watch.told(&Told::SourceRegistered { network: *network }, now),
        }
    }

    fn vouched(&mut self, call: &Call, now: Timestamp) {
        if self.watch.vouched(&call.seen(), now) {
            self.ladder.vouched(call.key);
        }
    }
}

/// Nothing at all.
pub struct Blind;

impl Rule for Blind {
    fn judge(&mut self, _: &Call) -> Judged {
        Judged::default()
    }

    fn ended(&mut self, _: &Call, _: Timestamp) -> Judged {
        Judged::default()
    }

    fn told(&mut self, _: &Event) {}

    fn vouched(&mut self, _: &Call, _: Timestamp) {}
}

/// The default guards, enforced, without a watch: a person's yes opens its window.
#[derive(Default)]
pub struct DefaultLaw {
    windows: HashMap<(KeyId, Power, Neighbourhood), Timestamp>,
}

impl DefaultLaw {
    /// How long a yes serves, by the default law.
    const fn window(power: Power) -> SignedDuration {
        match power {
            Power::Export => SignedDuration::from_hours(8),
            Power::Run | Power::Destroy => SignedDuration::from_mins(15),
            _ => SignedDuration::ZERO,
        }
    }
}

impl Rule for DefaultLaw {
    fn judge(&mut self, call: &Call) -> Judged {
        let place = neighbourhood(call.source);
        let open = |power: Power| self.windows.get(&(call.key, power, place)).is_some_and(|end| *end > call.at);
        let asks = call.powers.intersection(Powers::SENSITIVE).iter().any(|power| !open(power));
        Judged { answer: asks.then_some(Answer::Ask), ..Judged::default() }
    }

    fn ended(&mut self, _: &Call, _: Timestamp) -> Judged {
        Judged::default()
    }

    fn told(&mut self, _: &Event) {}

    fn vouched(&mut self, call: &Call, now: Timestamp) {
        for power in call.powers.intersection(Powers::SENSITIVE).iter() {
            let end = now.saturating_add(Self::window(power)).unwrap_or(Timestamp::MAX);
            self.windows.insert((call.key, power, neighbourhood(call.source)), end);
        }
    }
}

/// Disables a key for a day that calls from an address it never called from, two weeks after its first call.
#[derive(Default)]
pub struct NewAddress {
    born: HashMap<KeyId, Timestamp>,
    known: HashSet<(KeyId, IpAddr)>,
    until: HashMap<KeyId, Timestamp>,
}

impl Rule for NewAddress {
    fn judge(&mut self, call: &Call) -> Judged {
        let born = *self.born.entry(call.key).or_insert(call.at);
        let new = self.known.insert((call.key, call.source));
        if new && call.at.duration_since(born) > SignedDuration::from_hours(14 * 24) {
            return stop(&mut self.until, call, SignedDuration::from_hours(24), "a new address");
        }
        stopped(&self.until, call)
    }

    fn ended(&mut self, _: &Call, _: Timestamp) -> Judged {
        Judged::default()
    }

    fn told(&mut self, _: &Event) {}

    fn vouched(&mut self, _: &Call, _: Timestamp) {}
}

/// Stops a key for an hour that calls more than a hundred times within a minute.
#[derive(Default)]
pub struct FixedRate {
    minutes: HashMap<KeyId, (i64, u32)>,
    until: HashMap<KeyId, Timestamp>,
}

impl Rule for FixedRate {
    fn judge(&mut self, call: &Call) -> Judged {
        let minute = call.at.as_second() / 60;
        let count = self.minutes.entry(call.key).or_default();
        *count = if count.0 == minute { (minute, count.1 + 1) } else { (minute, 1) };
        if count.1 == 101 {
            return stop(&mut self.until, call, SignedDuration::from_hours(1), "more than 100 calls within a minute");
        }
        stopped(&self.until, call)
    }

    fn ended(&mut self, _: &Call, _: Timestamp) -> Judged {
        Judged::default()
    }

    fn told(&mut self, _: &Event) {}

    fn vouched(&mut self, _: &Call, _: Timestamp) {}
}

fn stop(until: &mut HashMap<KeyId, Timestamp>, call: &Call, lasts: SignedDuration, why: &str) -> Judged {
    let end = call.at.saturating_add(lasts).unwrap_or(Timestamp::MAX);
    until.insert(call.key, end);
    Judged {
        answer: Some(Answer::Refuse),
        found: true,
        alerts: 1,
        asked: Vec::new(),
        contained: vec![call.key],
        reasons: vec![why.to_owned()],
    }
}

fn stopped(until: &HashMap<KeyId, Timestamp>, call: &Call) -> Judged {
    let stopped = until.get(&call.key).is_some_and(|end| *end > call.at);
    Judged { answer: stopped.then_some(Answer::Refuse), ..Judged::default() }
}

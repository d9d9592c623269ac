//! The watch itself: what it remembers, and the two moments at which it looks.

use std::sync::atomic::{AtomicU32, Ordering};

use jiff::Timestamp;
use law::{Evidence, Finding, KeyId, Severity};
use serde::{Deserialize, Serialize};

use crate::{
    circle::Circle,
    deeds::Strange,
    detect::{DETECTORS, Detector, Family},
    fleet::{AGENTS_LAST, Fleet, NETWORKS_LAST, OPERATIONS_LAST},
    guessing::Guesses,
    habit::{DAY, HOUR, Habit, Minute},
    learning::{learn, networks_lately, parentage, remember_attempt, remember_outcome, vouch, wake},
    look::{Look, New},
    outline::Outline,
    profile::{Calm, Incident, Profile},
    seen::{Became, Seen, Told},
    shards::{Shards, Shared},
    signal::{Case, Signal, Weight},
    source::{Place, hash, of_number},
};

/// What weighs so much is told: noted, asked about, and told to people.
const NOTED: u32 = 20;
pub(crate) const ASKED: u32 = 40;
const ALARMED: u32 = 70;
const CERTAIN: u8 = 100;

/// How long something must be known to be usual, and on how many days it must have been seen.
const OPERATIONS_SETTLE: (Minute, u16) = (DAY, 2);
const AGENTS_SETTLE: (Minute, u16) = (2 * DAY, 2);
pub(crate) const PLACES_SETTLE: (Minute, u16) = (3 * DAY, 3);

/// How long a place or a program must be known to be usual for whatever the key does.
pub(crate) const LONG: (Minute, u16) = (14 * DAY, 7);

/// What the watch has to say of one call.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sight {
    /// What somebody should look at. Empty for nearly every call.
    pub findings: Vec<Finding>,
    /// What there is to do something about, whether or not it was told before: what speaks
    /// against the call and its key as a whole.
    pub stands: Option<Stands>,
    /// Whether the call is other than usual for its key: then a step-up asks for it, and a freeze refuses it.
    pub unusual: bool,
}

/// A case that stands against a call.
#[derive(Clone, Debug, PartialEq)]
pub struct Stands {
    /// How serious it is.
    pub severity: Severity,
    parts: Vec<Signal>,
}

impl Stands {
    /// The detector that says most.
    pub fn rule(&self) -> &'static str {
        self.parts.first().and_then(detector).map_or("watch", |detector| detector.name)
    }

    /// In words: of the call by which it shows itself.
    pub fn finding(&self, call: &Seen<'_>, now: Timestamp) -> Finding {
        let agent: String = call.user_agent.unwrap_or("no program named").chars().take(80).collect();
        let network = call.network.map_or_else(String::new, |number| format!(" (AS{number})"));
        let what = format!("{} from {}{network} with {agent}", call.operation, call.source);
        let evidence = Evidence { at: now, call: call.call, what };
        let finding = Finding::new(self.rule(), self.severity, call.key, evidence);
        self.parts.iter().fold(finding, |finding, part| match detector(part) {
            Some(detector) => {
                let at = Timestamp::from_second(i64::from(part.at) * 60).unwrap_or(now);
                let what = format!("{}: {}", detector.name, (detector.words)(part.a, part.b));
                finding.and(Evidence { at, call: None, what })
            }
            None => finding,
        })
    }
}

fn detector(part: &Signal) -> Option<&'static Detector> {
    DETECTORS.get(usize::from(part.detector))
}

/// What is remembered of all keys. Give it calls in the order of time.
///
/// Many threads may use one: a call takes the lock of its own key, and those of its holder and
/// of the fleet for moments, where something is new or was learnt.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Watch {
    pub(crate) keys: Shards<Profile>,
    pub(crate) circles: Shards<Circle>,
    pub(crate) fleet: Shared<Fleet>,
    /// Part of each thing's short name.
    pub(crate) salt: u32,
    /// Who tries credentials at this moment. Not kept: a case is over after an hour.
    #[serde(skip)]
    pub(crate) guesses: Shared<Guesses>,
    /// Detectors that do not look, one bit each. A setting, and not kept.
    #[serde(skip)]
    off: AtomicU32,
}

impl Clone for Watch {
    fn clone(&self) -> Self {
        let Self { keys, circles, fleet, salt, guesses, off } = self;
        let off = AtomicU32::new(off.load(Ordering::Relaxed));
        let (keys, circles, fleet, guesses) = (keys.clone(), circles.clone(), fleet.clone(), guesses.clone());
        Self { keys, circles, fleet, salt: *salt, guesses, off }
    }
}

/// What is remembered is the same.
impl PartialEq for Watch {
    fn eq(&self, other: &Self) -> bool {
        let Self { keys, circles, fleet, salt, guesses: _, off: _ } = self;
        *keys == other.keys && *circles == other.circles && *fleet == other.fleet && *salt == other.salt
    }
}

impl Watch {
    /// One that knows nothing yet, and whose short names nobody can foresee.
    pub fn salted(salt: u32) -> Self {
        Self { salt, ..Self::default() }
    }

    /// Lets these detectors look no more, and all others again.
    pub fn without<'n>(&self, names: impl IntoIterator<Item = &'n str>) {
        let place = |name: &str| DETECTORS.iter().position(|detector| detector.name == name);
        let off = names.into_iter().filter_map(place).fold(0, |off, place| off | 1 << place);
        self.off.store(off, Ordering::Relaxed);
    }

    /// Whether this detector does not look.
    pub(crate) fn is_off(&self, name: &str) -> bool {
        let off = self.off.load(Ordering::Relaxed);
        off != 0 && (0..).zip(&DETECTORS).any(|(place, detector)| detector.name == name && off & 1 << place != 0)
    }

    /// Looks at a call before it goes on. Where no key is known there is nothing to see: a
    /// credential that did not work is for [`Watch::guessed`].
    pub fn see(&self, call: &Seen<'_>, now: Timestamp) -> Sight {
        let Some(key) = call.key else { return Sight { unusual: true, ..Sight::default() } };
        let outline = Outline::of(call, key, self.salt, now);
        let Outline { minute, second, place, agent, .. } = outline;
        let mut table = self.keys.table(key.0);
        let profile = self.keys.entry(&mut table, key.0, || Profile::born(minute));
        wake(profile, minute);
        if profile.calls == 0 && profile.parent.is_some() && profile.days == 0 {
            let known = |circle: &Circle| circle.networks.named(place.network).is_some();
            let is_known = || self.of_holder(call, known);
            let is_home = call.expected || profile.parent_networks.contains(&place.network);
            profile.flags.stranger |= !is_home && !is_known();
        }
        let learning = profile.is_learning(minute);
        let vouched = profile.is_vouched(outline.deed(), minute);
        let new = if learning || vouched { New::default() } else { self.novelty(call, &outline, profile) };
        remember_attempt(call, &outline, profile, &new);
        profile.note_place(place, second, call.expected || is_at_home(profile, &outline));
        let strange = new.surroundings() && (new.operation || !new.powers.is_empty());
        let crowd = if strange { self.fleet.lock().crowd(place.block, outline.party, minute) } else { 0 };
        let never_here = !vouched && (new.block || learning && profile.blocks.named(place.block).is_none());
        let never_here = never_here && !call.expected;
        let unanswered = new.network && profile.is_unanswered(place.network, minute)
            || new.agent && profile.is_unanswered(agent, minute)
            || profile.is_unanswered(place.block, minute);
        let guesses = if never_here { self.guesses.lock().of(place.block, self.salt, minute) } else { 0 };
        let look = Look { crowd, guesses, unanswered, ..Look::new(call, profile, &outline, new, learning) };
        let signals = self.signals(vouched, |detector| (detector.before)(&look));
        let (mut findings, stands) = self.weigh(call, key, profile, &outline, &signals, now);
        if stands.as_ref().is_some_and(|stands| stands.severity >= Severity::Warning) {
            // What comes from there is not to become usual by coming again and again.
            if new.network {
                profile.doubt(place.network, minute);
            }
            if new.agent {
                profile.doubt(agent, minute);
            }
            if !new.network && !new.agent {
                profile.doubt(place.block, minute);
            }
        }
        let works = if guesses > 0 { self.works(key, (call.call, call.source), now) } else { None };
        if let Some(works) = works {
            findings.retain(|finding| finding.severity > Severity::Info);
            findings.push(works);
        }
        let (knows, parent) = (profile.knows((place, call.expected), agent, minute), profile.parent);
        let unusual = !vouched && is_unusual(profile, &new, (place, call.acts()), minute);
        // Of other keys only when this one's lock is free again.
        drop(table);
        let known_to = |parent: KeyId| self.keys.read(parent.0, |parent| is_at_home_of(parent, place, agent, minute));
        let unusual = unusual || learning && !knows && !parent.and_then(known_to).unwrap_or(false);
        Sight { findings, stands, unusual }
    }

    /// Looks at what became of a call, and learns from it. Only for calls that went on.
    pub fn ended(&self, call: &Seen<'_>, became: &Became, now: Timestamp) -> Sight {
        let Some(key) = call.key else { return Sight::default() };
        let outline = Outline::of(call, key, self.salt, now);
        let Outline { minute, place, .. } = outline;
        let mut table = self.keys.table(key.0);
        let profile = self.keys.entry(&mut table, key.0, || Profile::born(minute));
        let learning = profile.is_learning(minute);
        let vouched = profile.is_vouched(outline.deed(), minute);
        let new = if learning || vouched { New::default() } else { self.novelty(call, &outline, profile) };
        remember_outcome(call, became, &outline, profile, &new);
        let succeeded = became.status < 400;
        profile.open.lapse(minute);
        // What is suspected must not make itself usual.
        let suspected = profile.open.is_suspicious() && (new.surroundings() || new.operation);
        if suspected || is_elsewhere(profile, &new, minute) {
            profile.taint(outline.operation);
        }
        if succeeded && !suspected {
            profile.spread.raise(networks_lately(profile), minute);
            learn(call, &outline, profile, &new, [learning, vouched]);
        }
        let look = Look::new(call, profile, &outline, new, learning);
        let signals = self.signals(vouched, |detector| (detector.after)(&look, became));
        if succeeded {
            self.share_novelty(&outline, &new);
            // A key that another made is at home where it is used by nobody's word but its own.
            if let Some(holder) = call.holder
                && !new.surroundings()
                && !new.operation
                && !(learning && profile.parent.is_some())
            {
                let mut circles = self.circles.table(holder.0);
                let circle = self.circles.entry(&mut circles, holder.0, Circle::default);
                circle.networks.note(place.network, minute, learning);
                circle.blocks.note(place.block, minute, learning);
                circle.agents.note(outline.agent, minute, learning);
            }
        }
        let made = became.minted.filter(|minted| succeeded && *minted != key && !vouched);
        let made = made.and_then(|minted| Some((minted, parentage(profile, minute)?)));
        let predecessor = profile.predecessor.filter(|_| succeeded);
        let (findings, stands) = self.weigh(call, key, profile, &outline, &signals, now);
        // Of other keys only when this one's lock is free again.
        drop(table);
        if let Some((minted, (mints, networks))) = made {
            self.made(key, minted, mints, networks, minute);
        }
        if let Some(old) = predecessor {
            self.succeed(old, minute);
        }
        Sight { findings, stands, unusual: false }
    }

    /// A person said yes with their factor to this call. It is theirs: its operation and powers
    /// are usual from now on, and its block and program known. Says whether that answers what is
    /// asked of the key: not where what speaks against it came from somewhere else.
    pub fn vouched(&self, call: &Seen<'_>, now: Timestamp) -> bool {
        let Some(key) = call.key else { return true };
        let outline = Outline::of(call, key, self.salt, now);
        let mut table = self.keys.table(key.0);
        let profile = self.keys.entry(&mut table, key.0, || Profile::born(outline.minute));
        vouch(call, &outline, profile)
    }

    /// Takes in what the authority knows.
    pub fn told(&self, told: &Told<'_>, now: Timestamp) {
        let minute = minute(now);
        match *told {
            Told::Rotation { key, successor } => {
                let from = self.keys.read(key.0, Profile::clone);
                self.with_key(successor, minute, |next| {
                    if let Some(from) = from.filter(|_| next.is_learning(minute)) {
                        next.inherit(&from, minute);
                    }
                    next.flags.stranger = false;
                    next.predecessor = Some(key);
                    next.parent = None;
                });
            }
            Told::Canary { key } => self.with_key(key, minute, |profile| profile.flags.canary = true),
            Told::Leaked { key } => self.with_key(key, minute, |profile| profile.flags.leaked = true),
            Told::NotMe { key } => self.with_key(key, minute, |profile| profile.flags.not_me = true),
            Told::Document { added } => {
                let mut fleet = self.fleet.lock();
                added.iter().for_each(|operation| fleet.document(hash(operation.as_bytes()), minute));
            }
            Told::SourceRegistered { network } => self.fleet.lock().register(of_number(network)),
            Told::Lifted { key, calm } => self.with_key(key, minute, |profile| {
                profile.calm = Calm::of(&profile.signals, self::minute(calm));
                profile.signals.clear();
                profile.tries.clear();
                profile.trust_all();
                (profile.woke, profile.slept, profile.succeeded) = (0, 0, 0);
                let canary = profile.flags.canary;
                profile.flags = crate::profile::Flags { canary, ..Default::default() };
                profile.open = Incident::default();
            }),
            Told::Enabled { key } => self.with_key(key, minute, |profile| {
                (profile.flags.leaked, profile.flags.not_me) = (false, false);
                profile.signals.retain(|signal| signal.points < CERTAIN || profile.flags.canary);
            }),
            Told::Code { key, after } => self.with_key(key, minute, |profile| {
                let codes = &mut profile.codes;
                codes.last.rotate_left(1);
                if let Some(last) = codes.last.last_mut() {
                    *last = after;
                }
                codes.given = codes.given.saturating_add(1);
            }),
        }
    }

    /// Forgets a key that is gone.
    pub fn forget(&self, key: KeyId) {
        self.keys.remove(key.0);
        self.circles.each_mut(|circle| circle.forget(key));
    }

    #[cfg(test)]
    pub(crate) fn profile(&self, key: KeyId) -> Option<Profile> {
        self.keys.read(key.0, Profile::clone)
    }

    pub(crate) fn with_key(&self, key: KeyId, now: Minute, change: impl FnOnce(&mut Profile)) {
        change(self.keys.entry(&mut self.keys.table(key.0), key.0, || Profile::born(now)));
    }

    /// What is asked of what is known of the holder; no where nothing is.
    fn of_holder(&self, call: &Seen<'_>, ask: impl FnOnce(&Circle) -> bool) -> bool {
        call.holder.and_then(|holder| self.circles.read(holder.0, ask)).unwrap_or(false)
    }

    /// What those detectors say that look. What a person stands for is nothing new; what somebody
    /// knows of the key is true all the same.
    fn signals(&self, vouched: bool, look: impl Fn(&Detector) -> Option<Weight>) -> Signals {
        let off = self.off.load(Ordering::Relaxed);
        let looks =
            |place: u8, detector: &Detector| off & 1 << place == 0 && (!vouched || detector.family == Family::Known);
        let says = |(place, detector): (u8, &Detector)| {
            looks(place, detector).then(|| look(detector)).flatten().map(|weight| (place, weight))
        };
        Signals((0_u8..).zip(&DETECTORS).filter_map(says).collect())
    }

    /// Keeps what speaks against the call, adds it up, and says what is new of it and what stands.
    fn weigh(
        &self,
        call: &Seen<'_>,
        key: KeyId,
        profile: &mut Profile,
        outline: &Outline,
        signals: &Signals,
        now: Timestamp,
    ) -> (Vec<Finding>, Option<Stands>) {
        let Outline { minute, place, .. } = *outline;
        let mut raised = false;
        let mut own = false;
        let person = call.owner.or(call.holder);
        for (detector, weight) in &signals.0 {
            let Weight { points, anywhere, a, b } = *weight;
            let signal = Signal { detector: *detector, points, anywhere, place: place.block, at: minute, a, b };
            raised |= profile.hold(signal);
            let family = DETECTORS.get(usize::from(*detector)).map_or(Family::What, |detector| detector.family);
            own |= !matches!(family, Family::Where | Family::When);
            if !anywhere
                && family != Family::When
                && !call.out_of_scope
                && let Some(person) = person
            {
                let mut circles = self.circles.table(person.0);
                self.circles.entry(&mut circles, person.0, Circle::default).share(key, signal);
            }
        }
        if profile.signals.is_empty() {
            return (Vec::new(), None);
        }
        // What speaks against other keys of the same people counts where this key does something strange itself.
        let others = |circle: &Circle| circle.of_others(key, minute).collect::<Vec<_>>();
        let others = person.filter(|_| own).and_then(|person| self.circles.read(person.0, others)).unwrap_or_default();
        let held = profile.signals.iter().copied();
        let case = Stands::judge(held.clone(), &others, place.block, minute);
        let calm = profile.calm;
        let stands = if minute < calm.until {
            Stands::judge(held.filter(|signal| !calm.covers(signal, minute)), &others, place.block, minute)
        } else {
            case.clone()
        };
        let news = case.filter(|case| raised && is_news(&mut profile.open, case, minute));
        let findings = news.map(|case| case.finding(call, now));
        (findings.into_iter().collect(), stands)
    }

    /// Notes what a mature key began to do while everything else about the call was as usual.
    fn share_novelty(&self, outline: &Outline, new: &New) {
        let Outline { minute, place, agent, operation, party, .. } = *outline;
        if new.operation && !new.surroundings() {
            self.fleet.lock().operations.note(operation, party, minute, OPERATIONS_LAST);
        }
        if new.agent && !new.block && !new.network && !new.operation {
            self.fleet.lock().agents.note(agent, party, minute, AGENTS_LAST);
        }
        if new.network && !new.operation && !new.agent {
            self.fleet.lock().networks.note(place.network, party, minute, NETWORKS_LAST);
        }
    }

    /// Notes that a key made another. One that a person said yes to is no stranger anywhere.
    fn made(&self, parent: KeyId, minted: KeyId, mints: bool, networks: [u32; 4], now: Minute) {
        self.with_key(minted, now, |child| {
            if child.calls == 0 && child.predecessor.is_none() {
                (child.parent, child.parent_mints, child.parent_networks) = (Some(parent), mints, networks);
            }
        });
    }

    /// The first use of a successor.
    fn succeed(&self, old: KeyId, now: Minute) {
        let mut table = self.keys.table(old.0);
        if let Some(old) = table.get_mut(&old.0).filter(|old| old.succeeded == 0) {
            old.succeeded = now;
        }
    }

    fn novelty(&self, call: &Seen<'_>, outline: &Outline, profile: &Profile) -> New {
        let Outline { minute, place, agent, operation, party, .. } = *outline;
        let enough = (self.keys.len() / 4).clamp(2, 4);
        let mut new = New { powers: profile.new_powers(call.powers, minute), ..New::default() };
        let known = |habit: Option<&Habit>, after| habit.is_some_and(|habit| habit.is_usual(minute, after));
        // Of places and programs: whether they are usual for what the call may do.
        let usual =
            |habit: Option<&Habit>, settle| habit.is_some_and(|habit| habit.is_usual_for(call.named(), minute, settle));
        let of_circle = |circle: &Circle| usual(circle.networks.named(place.network), PLACES_SETTLE);
        new.network = !call.expected
            && !usual(profile.networks.named(place.network), PLACES_SETTLE)
            && !usual(profile.blocks.named(place.block), PLACES_SETTLE)
            && !self.of_holder(call, of_circle)
            && !self.fleet.lock().is_registered(place.network);
        new.block = !call.expected
            && !usual(profile.blocks.named(place.block), PLACES_SETTLE)
            && !self.of_holder(call, |circle| usual(circle.blocks.named(place.block), PLACES_SETTLE));
        new.agent = !usual(profile.agents.named(agent), AGENTS_SETTLE)
            && !self.of_holder(call, |circle| usual(circle.agents.named(agent), AGENTS_SETTLE))
            && !self.fleet.lock().agents.is_shared(agent, party, minute, AGENTS_LAST, enough);
        let long = |habit: Option<&Habit>| habit.is_some_and(|habit| habit.is_usual(minute, LONG));
        new.lately = !new.network
            && !call.expected
            && !long(profile.networks.named(place.network))
            && !long(profile.blocks.named(place.block))
            && !self.of_holder(call, |circle| long(circle.networks.named(place.network)))
            && !self.fleet.lock().is_registered(place.network);
        let habit = profile.operations.named(operation);
        new.operation = !known(habit, OPERATIONS_SETTLE) && {
            let fleet = self.fleet.lock();
            // What others begin to do at home is none of who comes from elsewhere.
            let moved = || fleet.networks.is_shared(place.network, party, minute, NETWORKS_LAST, enough);
            let away = new.network && !profile.roams(minute) && !moved();
            away || !fleet.is_documented(operation, minute)
                && !fleet.operations.is_shared(operation, party, minute, OPERATIONS_LAST, enough)
        };
        // Many may move at once. Who moves and does something new did not only move.
        if new.network && !new.operation && new.powers.is_empty() {
            let fleet = self.fleet.lock();
            new.network = !fleet.networks.is_shared(place.network, party, minute, NETWORKS_LAST, enough);
            new.block &= new.network;
        }
        let deed = outline.subject.filter(|_| call.acts()).zip(profile.deeds.named(operation));
        new.subject = deed.and_then(|(subject, deed)| deed.strange(subject));
        new
    }
}

/// What the detectors saw, with their places in the list.
#[derive(Debug, Default)]
struct Signals(Vec<(u8, Weight)>);

/// Whether a key that made another is itself usually there, with this program.
fn is_at_home_of(parent: &Profile, place: Place, agent: u32, now: Minute) -> bool {
    let usual = |habit: Option<&Habit>, after| habit.is_some_and(|habit| habit.is_usual(now, after));
    usual(parent.networks.named(place.network), PLACES_SETTLE) && usual(parent.agents.named(agent), AGENTS_SETTLE)
}

/// Whether the key was there a day ago already.
fn is_at_home(profile: &Profile, outline: &Outline) -> bool {
    let known = profile.networks.named(outline.place.network);
    known.is_some_and(|known| outline.minute.saturating_sub(known.first) > DAY)
}

fn is_unusual(profile: &Profile, new: &New, (place, acts): (Place, bool), now: Minute) -> bool {
    let beyond =
        ["dormant", "after-rotation", "child", "codes", "volume", "enumeration", "creeping", "long-day", "mass-change"];
    let speaks = |signal: &Signal| {
        let name = detector(signal).map_or("", |detector| detector.name);
        // Many sources say nothing of the one where the key always is.
        let beyond = beyond.contains(&name) || name == "many-sources" && (new.block || new.network);
        // A worm comes to things that the key knows as well; what only reads goes on.
        let beyond = beyond || acts && name == "same-act" && u32::from(signal.points) >= ASKED;
        signal.weighs(now) > 0 && signal.speaks_against(place.block) && beyond
    };
    let other = |strange: Strange| strange.weighs(profile.new_subjects.count(), false).is_some();
    is_elsewhere(profile, new, now)
        || new.operation
        || new.subject.is_some_and(other)
        || profile.signals.iter().any(speaks)
}

/// Whether it comes from other surroundings than usual, as far as the key has usual ones.
pub(crate) fn is_elsewhere(profile: &Profile, new: &New, now: Minute) -> bool {
    new.agent || new.network && !profile.roams(now) || new.block && !profile.wanders(now)
}

impl Stands {
    /// What is held against the key itself, and what against others of its people. By what others
    /// did alone nobody is more than asked.
    fn judge(own: impl Iterator<Item = Signal> + Clone, others: &[Signal], place: u32, minute: Minute) -> Option<Self> {
        let alone = Self::of(Case::of(own.clone(), place, minute));
        if others.is_empty() || alone.as_ref().is_some_and(|alone| alone.severity > Severity::Warning) {
            return alone;
        }
        let all = Self::of(Case::of(own.chain(others.iter().copied()), place, minute))?;
        Some(Self { severity: all.severity.min(Severity::Warning), ..all })
    }

    /// Nothing where it weighs too little to be noted.
    fn of(case: Case) -> Option<Self> {
        let first = case.parts.first()?;
        let harm = case.has(Family::Harm) || case.has(Family::Much);
        let severity = match case.points {
            _ if first.points >= CERTAIN => Severity::Critical,
            ALARMED.. if case.families() >= 3 && harm => Severity::High,
            // Surroundings weigh less than this together: here is always something else, or something strong.
            ASKED.. => Severity::Warning,
            NOTED.. => Severity::Info,
            _ => return None,
        };
        Some(Self { severity, parts: case.parts })
    }
}

/// Whether there is something to tell: a new level, a new part, or the same again after an hour.
fn is_news(open: &mut Incident, case: &Stands, minute: Minute) -> bool {
    open.lapse(minute);
    let Stands { severity, parts } = case;
    let mask = parts.iter().fold(0, |mask, part| mask | 1 << part.detector);
    let level = *severity as u8 + 1;
    let again = *severity >= Severity::Warning && minute.saturating_sub(open.last) >= HOUR;
    let news = level > open.level || mask & !open.told != 0 || again;
    if news {
        open.level = open.level.max(level);
        open.told |= mask;
        open.last = minute;
    }
    news
}

pub(crate) fn minute(now: Timestamp) -> Minute {
    u32::try_from(now.as_second() / 60).unwrap_or(0)
}

#[cfg(test)]
mod tests;

//! What is remembered of one key.

use law::{ByPower, KeyId, Power, Powers, Severity};
use serde::{Deserialize, Serialize};

use crate::{
    crept::Crept,
    deeds::{Deed, Deeds, Few},
    habit::{Awake, DAY, Distinct, HOUR, Habit, Habits, Minute},
    series::Series,
    signal::Signal,
    source::Place,
};

const MOST_TRIES: usize = 24;
const MOST_PLACES: usize = 48;
pub(crate) const MOST_SIGNALS: usize = 24;

/// Operations, blocks, networks and programs that a key's profile holds.
type Operations = Habits<64>;
type Blocks = Habits<32>;
type Networks = Habits<16>;
type Agents = Habits<8>;

/// What one key takes in memory at most, with everything that hangs on it, and its place in the
/// table of keys left out.
pub const MOST_BYTES_PER_KEY: usize = size_of::<Profile>()
    + (64 + 32 + 16 + 8) * size_of::<crate::habit::Habit>()
    + crate::deeds::MOST * size_of::<Deed>()
    + MOST_TRIES * size_of::<Try>()
    + MOST_PLACES * size_of::<Lately>()
    + MOST_SIGNALS * size_of::<Signal>();

/// An operation that was tried and is not usual.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Try {
    pub(crate) operation: u32,
    pub(crate) block: u32,
    pub(crate) at: Minute,
    pub(crate) lists: bool,
    pub(crate) refused: bool,
}

/// A place that called in the last minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lately {
    pub(crate) place_block: u32,
    pub(crate) network: u32,
    /// Seconds since 1970.
    pub(crate) second: u32,
    pub(crate) usual: bool,
}

/// What is remembered of one key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Profile {
    pub(crate) born: Minute,
    /// The last call, and the longest silence before it.
    pub(crate) last: Minute,
    pub(crate) longest_gap: Minute,
    /// When it called again after a long silence, and how long that was.
    pub(crate) woke: Minute,
    pub(crate) slept: Minute,
    pub(crate) calls: u32,
    /// On how many days it was used, and the last time that something was learnt.
    pub(crate) days: u16,
    pub(crate) learned: Minute,
    /// The first use of each power, 0 for never.
    first_use: [Minute; Power::ALL.len()],
    /// Powers that were there while the key was new, or that a person stands for.
    trusted_powers: u16,
    /// Powers that were tried while new, and when last.
    pub(crate) tried_powers: Powers,
    pub(crate) tried_powers_at: Minute,
    /// Calls in each hour of a working day and of a weekend's day.
    hours: [u16; 24],
    weekend: [u16; 24],
    pub(crate) operations: Operations,
    pub(crate) blocks: Blocks,
    pub(crate) networks: Networks,
    pub(crate) agents: Agents,
    pub(crate) deeds: Deeds,
    pub(crate) tries: Vec<Try>,
    pub(crate) lately: Vec<Lately>,
    pub(crate) signals: Vec<Signal>,
    pub(crate) rows: Series,
    pub(crate) kilobytes: Series,
    pub(crate) destroyed: Series,
    pub(crate) distinct: Series,
    pub(crate) spread: Series,
    /// Days in a row on which ever more went out.
    pub(crate) crept: Crept,
    /// Kilobytes of the largest answer of an hour, and which hour.
    largest: u32,
    largest_hour: Minute,
    /// The subjects of this hour, of 512 groups.
    subjects: Distinct,
    subjects_hour: Minute,
    /// Things that were acted on for the first time within minutes.
    pub(crate) new_subjects: Few,
    pub(crate) new_subjects_at: Minute,
    pub(crate) awake: Awake,
    pub(crate) last_export: Minute,
    /// Failed proofs in a row.
    pub(crate) failed: u32,
    pub(crate) failed_at: Minute,
    pub(crate) codes: Codes,
    pub(crate) parent: Option<KeyId>,
    /// Whether its parent was known to mint.
    pub(crate) parent_mints: bool,
    /// Networks of the parent when it was made: where its child is no stranger.
    pub(crate) parent_networks: [u32; 4],
    /// Whose place it takes.
    pub(crate) predecessor: Option<KeyId>,
    /// When its successor was first used, 0 for never or none.
    pub(crate) succeeded: Minute,
    pub(crate) vouched: Vouched,
    doubted: [Doubt; 6],
    pub(crate) calm: Calm,
    pub(crate) flags: Flags,
    pub(crate) open: Incident,
}

/// What a person stands for, until when: one operation, from one block, with one program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Vouched {
    pub(crate) until: Minute,
    pub(crate) block: u32,
    pub(crate) agent: u32,
    pub(crate) operation: u32,
}

/// A network, a program or a block with which somebody was to be asked, and nobody said yes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Doubt {
    name: u32,
    first: Minute,
    last: Minute,
}

/// How long such a one does not become usual by itself.
const DOUBTED: Minute = 30 * DAY;

/// What a person lifted, and until when nothing is done about the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Calm {
    pub(crate) until: Minute,
    /// The blocks against which something was held.
    pub(crate) places: [u32; 6],
    /// What was held against the key wherever it calls from, one bit for each detector.
    pub(crate) anywhere: u32,
}

impl Calm {
    /// What speaks against the key now is lifted.
    pub(crate) fn of(signals: &[Signal], until: Minute) -> Self {
        let mut calm = Self { until, ..Self::default() };
        for signal in signals {
            if signal.anywhere {
                calm.anywhere |= 1 << signal.detector;
            }
            if !calm.places.contains(&signal.place)
                && let Some(free) = calm.places.iter_mut().find(|place| **place == 0)
            {
                *free = signal.place;
            }
        }
        calm
    }

    /// Whether this is more of what was lifted.
    pub(crate) fn covers(&self, signal: &Signal, now: Minute) -> bool {
        let same = if signal.anywhere {
            self.anywhere & 1 << signal.detector != 0
        } else {
            self.places.contains(&signal.place)
        };
        now < self.until && same
    }
}

/// What the authority said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Flags {
    pub(crate) canary: bool,
    pub(crate) leaked: bool,
    pub(crate) not_me: bool,
    /// A child that was used where nobody expected it.
    pub(crate) stranger: bool,
}

/// How fast codes came: a machine is as fast each time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Codes {
    pub(crate) last: [u32; 6],
    pub(crate) given: u32,
}

/// What was told already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Incident {
    pub(crate) level: u8,
    pub(crate) told: u32,
    pub(crate) last: Minute,
}

impl Incident {
    /// Nothing is told of for longer than a day.
    pub(crate) fn lapse(&mut self, now: Minute) {
        if now.saturating_sub(self.last) > DAY {
            *self = Self::default();
        }
    }

    /// Whether somebody is asked about it, or told.
    pub(crate) const fn is_suspicious(&self) -> bool {
        self.level > Severity::Info as u8 + 1
    }
}

impl Profile {
    pub(crate) fn born(now: Minute) -> Self {
        Self {
            born: now,
            last: now,
            longest_gap: 0,
            woke: 0,
            slept: 0,
            calls: 0,
            days: 0,
            learned: 0,
            first_use: [0; Power::ALL.len()],
            trusted_powers: 0,
            tried_powers: Powers::NONE,
            tried_powers_at: 0,
            hours: [0; 24],
            weekend: [0; 24],
            operations: Habits::default(),
            blocks: Habits::default(),
            networks: Habits::default(),
            agents: Habits::default(),
            deeds: Deeds::default(),
            tries: Vec::new(),
            lately: Vec::new(),
            signals: Vec::new(),
            rows: Series::default(),
            kilobytes: Series::default(),
            destroyed: Series::default(),
            distinct: Series::default(),
            spread: Series::default(),
            crept: Crept::default(),
            largest: 0,
            largest_hour: 0,
            subjects: Distinct::default(),
            subjects_hour: 0,
            new_subjects: Few::default(),
            new_subjects_at: 0,
            awake: Awake::default(),
            last_export: 0,
            failed: 0,
            failed_at: 0,
            codes: Codes::default(),
            parent: None,
            parent_mints: false,
            parent_networks: [0; 4],
            predecessor: None,
            succeeded: 0,
            vouched: Vouched::default(),
            doubted: [Doubt::default(); 6],
            calm: Calm::default(),
            flags: Flags::default(),
            open: Incident::default(),
        }
    }

    /// Whether too little is known of it to call anything new.
    pub(crate) fn is_learning(&self, now: Minute) -> bool {
        let age = now.saturating_sub(self.born);
        let known = age >= 7 * DAY && self.calls >= 10
            || age >= 2 * DAY && self.calls >= 200
            || age >= 21 * DAY && self.calls >= 3;
        !known
    }

    /// Whether a person stands for this operation, from there and with this program.
    pub(crate) fn is_vouched(&self, (block, agent, operation): (u32, u32, u32), now: Minute) -> bool {
        let Vouched { until, block: from, agent: with, operation: what } = self.vouched;
        now < until && (from, with, what) == (block, agent, operation)
    }

    /// Whether nothing is strange about where a call comes from and with what, as far as a key
    /// can know it that learns: it called so before; where another key made it, for some days.
    pub(crate) fn knows(&self, (place, expected): (Place, bool), agent: u32, now: Minute) -> bool {
        let least = if self.parent.is_some() { 3 * DAY } else { 0 };
        let known = |habit: Option<&crate::habit::Habit>| habit.is_some_and(|it| now.saturating_sub(it.first) >= least);
        (expected || known(self.networks.named(place.network))) && known(self.agents.named(agent))
    }

    /// Somebody was to be asked about what comes from this network or block, or with this program.
    pub(crate) fn doubt(&mut self, name: u32, now: Minute) {
        let place = self.doubted.iter().position(|doubt| doubt.name == name).unwrap_or(0);
        // What is doubted last stands last: who is full forgets the first.
        if let Some(rest) = self.doubted.get_mut(place..) {
            rest.rotate_left(1);
        }
        if let Some(last) = self.doubted.last_mut() {
            let goes_on = last.name == name && now.saturating_sub(last.last) <= DOUBTED;
            *last = Doubt { name, first: if goes_on { last.first } else { now }, last: now };
        }
    }

    pub(crate) fn is_doubted(&self, name: u32, now: Minute) -> bool {
        self.doubt_of(name, now).is_some()
    }

    /// Whether somebody was to be asked longer than an hour ago.
    pub(crate) fn is_unanswered(&self, name: u32, now: Minute) -> bool {
        self.doubt_of(name, now).is_some_and(|doubt| now.saturating_sub(doubt.first) > HOUR)
    }

    fn doubt_of(&self, name: u32, now: Minute) -> Option<&Doubt> {
        self.doubted.iter().find(|doubt| doubt.name == name && now.saturating_sub(doubt.last) <= DOUBTED)
    }

    /// A person stands for it.
    pub(crate) fn trust(&mut self, name: u32) {
        self.doubted.iter_mut().filter(|doubt| doubt.name == name).for_each(|doubt| *doubt = Doubt::default());
    }

    /// A person lifted what was done about the key.
    pub(crate) fn trust_all(&mut self) {
        self.doubted = Default::default();
    }

    /// Of these powers, the sensitive ones that are not usual for the key.
    pub(crate) fn new_powers(&self, powers: Powers, now: Minute) -> Powers {
        let usual = |power: Power| {
            let first = self.first_use.get(power as usize).copied().unwrap_or(0);
            self.trusted_powers & 1 << power as u16 != 0 || first != 0 && now.saturating_sub(first) >= DAY
        };
        powers.intersection(Powers::SENSITIVE).iter().filter(|power| !usual(*power)).collect()
    }

    /// Whether it was ever used with this power, before today.
    pub(crate) fn ever_used(&self, power: Power) -> bool {
        self.first_use.get(power as usize).is_some_and(|first| *first != 0 && *first / DAY < self.last / DAY)
    }

    pub(crate) fn use_powers(&mut self, powers: Powers, now: Minute, trusted: bool) {
        for power in powers.iter() {
            if let Some(first) = self.first_use.get_mut(power as usize).filter(|first| **first == 0) {
                *first = now;
            }
            if trusted {
                self.trusted_powers |= 1 << power as u16;
            }
        }
    }

    /// Networks that were seen on few days only, though the key is in use for long: it wanders.
    pub(crate) fn roams(&self, now: Minute) -> bool {
        wanders(&self.networks, self.days, now)
    }

    /// The same of blocks within networks.
    pub(crate) fn wanders(&self, now: Minute) -> bool {
        wanders(&self.blocks, self.days, now)
    }

    /// Notes a call's hour.
    pub(crate) fn note_hour(&mut self, now: Minute) {
        let hour = (now / HOUR % 24) as usize;
        let table = if is_weekend(now) { &mut self.weekend } else { &mut self.hours };
        if let Some(count) = table.get_mut(hour) {
            *count = count.saturating_add(1);
        }
    }

    /// Where the key keeps hours, and this is none of them: how many it keeps.
    pub(crate) fn odd_hour(&self, now: Minute) -> Option<usize> {
        let table = if is_weekend(now) { &self.weekend } else { &self.hours };
        let total: u32 = self.hours.iter().chain(&self.weekend).map(|count| u32::from(*count)).sum();
        let hour = (now / HOUR % 24) as usize;
        let near = [hour + 23, hour, hour + 1].into_iter().map(|hour| table.get(hour % 24).copied().unwrap_or(0));
        let awake = self.hours.iter().filter(|count| **count > 0).count();
        let odd = self.days >= 10 && total >= 20 && awake <= 14 && near.sum::<u16>() == 0;
        odd.then_some(awake)
    }

    /// Counts the subject, where this hour did not have it yet.
    pub(crate) fn count_subject(&mut self, subject: u32, now: Minute) {
        if self.subjects_hour != now / HOUR {
            (self.subjects, self.subjects_hour) = (Distinct::default(), now / HOUR);
        }
        self.subjects.note(subject);
        let more = self.subjects.count().saturating_sub(self.distinct.this_hour(now));
        self.distinct.add(more, now);
    }

    /// Notes where it called from in the last ten minutes.
    pub(crate) fn note_place(&mut self, place: Place, second: u32, usual: bool) {
        self.lately.retain(|lately| lately.place_block != place.block && second.saturating_sub(lately.second) <= 600);
        if self.lately.len() >= MOST_PLACES {
            self.lately.remove(0);
        }
        reserve(&mut self.lately, MOST_PLACES);
        self.lately.push(Lately { place_block: place.block, network: place.network, second, usual });
    }

    /// Notes an operation that is not usual, once for each place.
    pub(crate) fn note_try(&mut self, tried: Try) {
        self.tries.retain(|before| {
            (before.operation, before.block, before.refused) != (tried.operation, tried.block, tried.refused)
                && tried.at.saturating_sub(before.at) <= DAY
        });
        if self.tries.len() >= MOST_TRIES {
            self.tries.remove(0);
        }
        reserve(&mut self.tries, MOST_TRIES);
        self.tries.push(tried);
    }

    /// What comes in this hour is no measure for others.
    pub(crate) fn taint(&mut self, operation: u32) {
        self.deeds.taint(operation);
        for series in [&mut self.rows, &mut self.kilobytes, &mut self.destroyed, &mut self.distinct] {
            series.taint();
        }
    }

    /// A person stands for what came until now: only more than that says something.
    pub(crate) fn accept(&mut self, now: Minute) {
        for series in [&mut self.rows, &mut self.kilobytes, &mut self.destroyed, &mut self.distinct] {
            series.accept(now);
        }
        self.crept.accept(now);
        self.deeds.accept(now);
    }

    /// Counts what an answer had.
    pub(crate) fn count_answer(&mut self, rows: u32, kilobytes: u32, now: Minute) {
        self.rows.add(rows, now);
        self.kilobytes.add(kilobytes, now);
        self.crept.turn(&self.rows, &self.kilobytes, now);
        if self.largest_hour != now / HOUR {
            (self.largest, self.largest_hour) = (0, now / HOUR);
        }
        self.largest = self.largest.max(kilobytes);
    }

    /// Kilobytes of the largest answer of this hour.
    pub(crate) fn largest_answer(&self, now: Minute) -> u32 {
        if self.largest_hour == now / HOUR { self.largest } else { 0 }
    }

    /// Keeps a signal; whether it says something new.
    pub(crate) fn hold(&mut self, signal: Signal) -> bool {
        if let Some(held) = self.signals.iter_mut().find(|held| held.is_same(&signal)) {
            let (heavier, age) = (held.weighs(signal.at) < u32::from(signal.points), signal.at.saturating_sub(held.at));
            if held.points <= signal.points || age > HOUR {
                // Who showed it first is who it speaks of, as long as it speaks.
                let place = if age <= DAY { held.place } else { signal.place };
                *held = Signal { place, ..signal };
            }
            return heavier;
        }
        self.signals.retain(|held| signal.at.saturating_sub(held.at) <= DAY);
        if self.signals.len() >= MOST_SIGNALS {
            // The lightest goes, never what weighs more than the new one.
            let lightest = self.signals.iter().enumerate().min_by_key(|(_, held)| (held.weighs(signal.at), held.at));
            match lightest.map(|(place, held)| (place, held.weighs(signal.at))) {
                Some((place, weight)) if weight <= u32::from(signal.points) => {
                    self.signals.remove(place);
                }
                _ => return false,
            }
        }
        reserve(&mut self.signals, MOST_SIGNALS);
        self.signals.push(signal);
        true
    }

    /// What a successor takes over: what was usual for its predecessor is for it.
    pub(crate) fn inherit(&mut self, from: &Self, now: Minute) {
        let mut inherited = from.clone();
        inherited.signals = Vec::new();
        inherited.tries = Vec::new();
        inherited.lately = Vec::new();
        inherited.flags = Flags::default();
        inherited.open = Incident::default();
        (inherited.vouched, inherited.calm) = (Vouched::default(), Calm::default());
        inherited.succeeded = 0;
        inherited.last = now;
        inherited.parent = None;
        inherited.predecessor = None;
        *self = inherited;
    }

    /// What hangs on it, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        size_of::<Self>()
            + self.operations.bytes()
            + self.blocks.bytes()
            + self.networks.bytes()
            + self.agents.bytes()
            + self.deeds.bytes()
            + self.tries.capacity() * size_of::<Try>()
            + self.lately.capacity() * size_of::<Lately>()
            + self.signals.capacity() * size_of::<Signal>()
    }
}

/// Whether a key wandered while it was new, and still does. A few calls from here and there, made
/// by whoever has the key since yesterday, are no wandering: of places that came later, those
/// first seen on one day count as one, and those of the last days not at all.
fn wanders<const MOST: usize>(places: &Habits<MOST>, days: u16, now: Minute) -> bool {
    const LEAST: usize = 4;
    const SETTLED: Minute = 3 * DAY;
    let learnt = places.iter().filter(|place| place.trusted).count();
    if learnt < LEAST {
        return false;
    }
    let passing = || places.iter().filter(|place| place.days <= 2);
    let later = || passing().filter(|place| !place.trusted && now.saturating_sub(place.first) >= SETTLED);
    let is_first =
        |(at, place): &(usize, &Habit)| later().take(*at).all(|other| other.first / DAY != place.first / DAY);
    // From so many while it was new: an app on telephones.
    let passing = if learnt >= 2 * LEAST {
        passing().count()
    } else {
        passing().filter(|place| place.trusted).count() + later().enumerate().filter(is_first).count()
    };
    // Who has more places than can be told apart, and had many from the first days on, has ever others.
    let beyond = places.is_full() && (passing * 2 >= places.len() || learnt >= 2 * LEAST);
    passing >= LEAST && passing * 6 >= usize::from(days.min(90)) || beyond
}

/// Days 3 and 4 after a Thursday: 1970 began with one.
const fn is_weekend(now: Minute) -> bool {
    matches!(now / DAY % 7, 2 | 3)
}

/// Grows by little, so that a short list takes little.
fn reserve<T>(list: &mut Vec<T>, most: usize) {
    if list.len() == list.capacity() {
        list.reserve_exact((list.len() / 2).max(4).min(most.saturating_sub(list.len()).max(1)));
    }
}

/// Which of the powers change what somebody may do.
pub(crate) fn privileges(powers: Powers) -> Powers {
    let privilege = ByPower::from_fn(|power| matches!(power, Power::Mint | Power::Grant | Power::Disarm));
    powers.iter().filter(|power| privilege[*power]).collect()
}

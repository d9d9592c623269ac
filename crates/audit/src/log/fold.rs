//! What is kept of a log's events: bounded by callers and what they do, not by events.

use std::collections::{BTreeSet, HashMap, HashSet, hash_map::RandomState};
use std::hash::BuildHasher as _;

use jiff::Timestamp;
use law::Powers;

use super::{Event, Gives, Made, Who, seen::Change};
use crate::estate::{Known, Place};

/// So many callers are kept; a log that names more is not one of this world.
const CALLERS: usize = 100_000;
/// So many different things are kept of one caller; beyond that its use is only counted.
const ACTIONS: usize = 1000;
/// So many of all callers together.
const PAIRS: usize = 1_000_000;
/// So many things that an action was done to.
const TARGETS: usize = 16;
/// So many of all actions together.
const ALL_TARGETS: usize = 200_000;
const SOURCES: usize = 16;
const PROGRAMS: usize = 8;
/// So many credentials that one caller made, and that all made.
const MADE: usize = 256;
const ALL_MADE: usize = 100_000;
/// So many sessions whose beginning was seen, and callers in sessions whose beginning was not.
const SESSIONS: usize = 200_000;
const UNBEGUN: usize = 20_000;
/// A session is followed back over so many others.
const CHAIN: usize = 16;
/// So many are told apart whom nobody names.
const STRANGERS: usize = 2000;
/// So much of a program's name.
const PROGRAM: usize = 80;
/// So many hours of a log are remembered: some fifty years.
const HOURS: usize = 450_000;
const LOGS: usize = 1000;
const CHANGES: usize = 64;
/// So many different credentials in one place are told apart.
const SECRETS: usize = 10_000;

/// A log's place in a [`Fold`].
pub(crate) type LogIx = usize;

/// Everything that the logs said.
#[derive(Default)]
pub(crate) struct Fold {
    pub(super) logs: Vec<LogFold>,
    pub(super) callers: Vec<Caller>,
    by_name: HashMap<Box<str>, usize>,
    pub(super) actions: Vec<Box<str>>,
    by_action: HashMap<Box<str>, u32>,
    /// Ids of credentials that were ended.
    pub(super) ended: HashSet<String>,
    /// Whether a bound was met.
    pub(super) full: bool,
    sessions: HashMap<Box<str>, Began>,
    unbegun: usize,
    strangers: usize,
    pairs: usize,
    targets: usize,
    made: usize,
    last: LogIx,
    name: String,
    /// Differs with every run, so that what it makes of a secret says nothing of it.
    chance: RandomState,
}

/// Who began a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Began {
    /// Whoever had this key.
    Key { realm: String, id: String, holder: String },
    /// A person who had signed in.
    Account { realm: String, name: String },
    /// Another session.
    Session(String),
    /// No key: a service, or a sign-in elsewhere.
    Elsewhere,
}

/// What is gathered of one log.
pub(super) struct LogFold {
    pub(super) provider: &'static str,
    pub(super) form: &'static str,
    pub(super) of: String,
    pub(super) place: Place,
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
    pub(super) events: u64,
    /// The hours in which it says something.
    pub(super) hours: BTreeSet<i64>,
    pub(super) changes: Vec<Change>,
    pub(super) exposed: Vec<ExposedFold>,
    pub(super) hour: i64,
}

/// Credentials in one place of a log's lines.
pub(super) struct ExposedFold {
    pub(super) within: String,
    pub(super) lines: u64,
    pub(super) different: HashSet<u64>,
    pub(super) place: Place,
}

/// Who a caller is, as its log names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Name {
    Key {
        realm: String,
        id: String,
        holder: Option<String>,
        form: &'static str,
        otherwise: bool,
    },
    Named(String),
    Account {
        realm: String,
        name: String,
    },
    /// A session, and its role. All that one key began of one role are one caller, where that was
    /// known in time.
    Session {
        id: String,
        role: String,
    },
    /// None for all who are not told apart any more.
    Somebody(Option<(Option<String>, Option<String>)>),
}

/// What is gathered of one caller.
pub(super) struct Caller {
    pub(super) name: Name,
    pub(super) log: LogIx,
    pub(super) first: Timestamp,
    pub(super) last: Timestamp,
    pub(super) calls: u64,
    pub(super) denied: u64,
    pub(super) with: u64,
    pub(super) without: u64,
    pub(super) did: HashMap<u32, Did>,
    pub(super) sources: Vec<Box<str>>,
    pub(super) programs: Vec<Box<str>>,
    pub(super) made: Vec<(Timestamp, Made)>,
    pub(super) cut: bool,
}

/// One thing that a caller did.
pub(super) struct Did {
    pub(super) times: u64,
    pub(super) powers: Powers,
    /// The powers of it where no second factor was shown.
    pub(super) powers_without: Powers,
    pub(super) without: bool,
    /// What it was done to; none where there were too many, or the log does not say.
    pub(super) on: Option<Vec<Box<str>>>,
}

impl Fold {
    /// The log of this provider that is called so.
    pub(crate) fn log(&mut self, provider: &'static str, form: &'static str, of: &str, file: &str) -> LogIx {
        let is = |log: &LogFold| log.provider == provider && log.form == form && log.of == of;
        if self.logs.get(self.last).is_some_and(is) {
            return self.last;
        }
        let known = self.logs.iter().position(is);
        self.last = known.unwrap_or_else(|| {
            if self.logs.len() >= LOGS {
                self.full = true;
                return LOGS - 1;
            }
            self.logs.push(LogFold {
                provider,
                form,
                of: of.to_owned(),
                place: Place { file: file.to_owned(), line: None },
                from: Timestamp::MAX,
                to: Timestamp::MIN,
                events: 0,
                hours: BTreeSet::new(),
                changes: Vec::new(),
                exposed: Vec::new(),
                hour: i64::MIN,
            });
            self.logs.len() - 1
        });
        self.last
    }

    /// Notes one event of a log.
    pub(super) fn note(&mut self, log: LogIx, event: &Event<'_>) {
        if let Some(log) = self.logs.get_mut(log) {
            log.note(event);
        }
        if let Some(ended) = event.ended.as_ref().filter(|_| event.done && self.ended.len() < ALL_MADE) {
            self.ended.insert(ended.clone());
        }
        let Some(at) = self.caller(log, event) else { return };
        let Self { callers, actions, by_action, pairs, targets, made, full, .. } = self;
        let Some(caller) = callers.get_mut(at) else { return };
        caller.note(event);
        if !event.done {
            return;
        }
        if let Some(one) = &event.made {
            if *made < ALL_MADE && caller.made.len() < MADE {
                *made += 1;
                caller.made.push((event.at, one.clone()));
            } else {
                caller.cut = true;
            }
        }
        let action = match by_action.get(event.action) {
            Some(action) => *action,
            None => {
                let Ok(action) = u32::try_from(actions.len()) else { return };
                if actions.len() >= PAIRS {
                    caller.cut = true;
                    return;
                }
                actions.push(event.action.into());
                by_action.insert(event.action.into(), action);
                action
            }
        };
        if let Some(did) = caller.did.get_mut(&action) {
            return did.note(event, targets);
        }
        if caller.did.len() >= ACTIONS || *pairs >= PAIRS {
            caller.cut = true;
            *full = true;
            return;
        }
        *pairs += 1;
        let on = event.on.map(|_| Vec::new());
        let (powers, powers_without) = (Powers::NONE, Powers::NONE);
        let mut did = Did { times: 0, powers, powers_without, without: false, on };
        did.note(event, targets);
        caller.did.insert(action, did);
    }

    /// Notes who began a session.
    pub(crate) fn began(&mut self, session: &str, by: Began) {
        if self.sessions.len() < SESSIONS {
            self.sessions.insert(session.into(), by);
        } else {
            self.full = true;
        }
    }

    /// Who began a session, be it over others; none where that was not seen.
    pub(crate) fn origin(&self, session: &str) -> Option<&Began> {
        let mut began = self.sessions.get(session)?;
        for _ in 0..CHAIN {
            match began {
                Began::Session(before) => began = self.sessions.get(before.as_str())?,
                origin => return Some(origin),
            }
        }
        None
    }

    /// Notes that a credential stands in a line of a log, and gives what it can be told apart by:
    /// a word that says nothing of it.
    pub(crate) fn expose(&mut self, log: LogIx, within: &str, secret: &str, place: Place) {
        let mark = self.chance.hash_one(secret);
        let Some(log) = self.logs.get_mut(log) else { return };
        let at = log.exposed.iter().position(|exposed| exposed.within == within).unwrap_or_else(|| {
            log.exposed.push(ExposedFold { within: within.to_owned(), lines: 0, different: HashSet::new(), place });
            log.exposed.len() - 1
        });
        let Some(exposed) = log.exposed.get_mut(at) else { return };
        exposed.lines += 1;
        if exposed.different.len() < SECRETS {
            exposed.different.insert(mark);
        }
    }

    /// A word by which a secret can be told apart within this run, and that says nothing of it.
    pub(crate) fn mark(&self, secret: &str) -> String {
        format!("{:010x}", self.chance.hash_one(secret) >> 24)
    }

    /// The caller's place; none where the event names nobody, or there are too many.
    fn caller(&mut self, log: LogIx, event: &Event<'_>) -> Option<usize> {
        let Event { who, source, program, .. } = event;
        let mut name = std::mem::take(&mut self.name);
        name.clear();
        match *who {
            Who::Nobody => {
                self.name = name;
                return None;
            }
            Who::Key { realm, id, .. } => push(&mut name, 'k', [realm, id]),
            Who::Named(called) => push(&mut name, 'n', [called, ""]),
            Who::Account { realm, name: called } => push(&mut name, 'a', [realm, called]),
            Who::Session { id, role } => match self.origin(id) {
                Some(Began::Key { realm, id, .. }) => {
                    push(&mut name, 'r', [realm, id]);
                    push(&mut name, 'k', [role, ""]);
                }
                Some(Began::Account { realm, name: called }) => {
                    push(&mut name, 'r', [realm, called]);
                    push(&mut name, 'a', [role, ""]);
                }
                Some(Began::Session(_) | Began::Elsewhere) => {
                    self.name = name;
                    return None;
                }
                None => push(&mut name, 'u', [id, role]),
            },
            Who::Somebody => {
                name.push_str(&log.to_string());
                push(&mut name, 's', [source.unwrap_or_default(), cut(program.unwrap_or_default())]);
            }
        }
        let stranger = matches!(who, Who::Somebody);
        let mut known = self.by_name.get(name.as_str()).copied();
        if known.is_none() && matches!(who, Who::Session { id, .. } if self.origin(id).is_none()) {
            if self.unbegun >= UNBEGUN {
                self.full = true;
                self.name = name;
                return None;
            }
            self.unbegun += 1;
        }
        let others = known.is_none() && stranger && self.strangers >= STRANGERS;
        if others {
            name.clear();
            name.push_str(&log.to_string());
            push(&mut name, 'o', ["", ""]);
            known = self.by_name.get(name.as_str()).copied();
        }
        if known.is_none() {
            if self.callers.len() >= CALLERS {
                self.full = true;
            } else {
                self.strangers += usize::from(stranger);
                self.callers.push(Caller::new(event, log, others));
                known = Some(self.callers.len() - 1);
                self.by_name.insert(name.as_str().into(), self.callers.len() - 1);
            }
        }
        self.name = name;
        known
    }
}

fn push(name: &mut String, kind: char, parts: [&str; 2]) {
    name.push(kind);
    for part in parts {
        name.push_str(part);
        name.push('\0');
    }
}

/// The beginning of a program's name.
fn cut(program: &str) -> &str {
    match program.char_indices().nth(PROGRAM) {
        Some((end, _)) => program.get(..end).unwrap_or_default(),
        None => program,
    }
}

impl LogFold {
    fn note(&mut self, event: &Event<'_>) {
        let Event { at, who, action, done, quiets, .. } = event;
        self.events += 1;
        self.from = self.from.min(*at);
        self.to = self.to.max(*at);
        let hour = at.as_second().div_euclid(3600);
        if hour != self.hour && self.hours.len() < HOURS {
            self.hour = hour;
            self.hours.insert(hour);
        }
        if *quiets && self.changes.len() < CHANGES {
            let by = match who {
                Who::Key { id, holder, .. } => holder.unwrap_or(id),
                Who::Named(name) | Who::Account { name, .. } | Who::Session { role: name, .. } => name,
                Who::Somebody | Who::Nobody => "somebody",
            };
            self.changes.push(Change { at: *at, by: by.to_owned(), action: (*action).to_owned(), done: *done });
        }
    }
}

impl Caller {
    fn new(event: &Event<'_>, log: LogIx, others: bool) -> Self {
        let text = |text: Option<&str>| text.map(|text| cut(text).to_owned());
        let name = match event.who {
            Who::Key { realm, id, holder, form, otherwise } => {
                let (realm, id) = (realm.to_owned(), id.to_owned());
                Name::Key { realm, id, holder: holder.map(str::to_owned), form, otherwise }
            }
            Who::Named(name) => Name::Named(name.to_owned()),
            Who::Account { realm, name } => Name::Account { realm: realm.to_owned(), name: name.to_owned() },
            Who::Session { id, role } => Name::Session { id: id.to_owned(), role: role.to_owned() },
            Who::Somebody | Who::Nobody if others => Name::Somebody(None),
            Who::Somebody | Who::Nobody => Name::Somebody(Some((text(event.source), text(event.program)))),
        };
        Self {
            name,
            log,
            first: event.at,
            last: event.at,
            calls: 0,
            denied: 0,
            with: 0,
            without: 0,
            did: HashMap::new(),
            sources: Vec::new(),
            programs: Vec::new(),
            made: Vec::new(),
            cut: false,
        }
    }

    fn note(&mut self, event: &Event<'_>) {
        self.first = self.first.min(event.at);
        self.last = self.last.max(event.at);
        self.calls += 1;
        self.denied += u64::from(!event.done);
        match event.second_factor {
            Known::Yes => self.with += 1,
            Known::No => self.without += 1,
            Known::Unknown => {}
        }
        if matches!(self.name, Name::Somebody(_)) {
            return;
        }
        let program = event.program.map(cut);
        for (all, one, most) in [(&mut self.sources, event.source, SOURCES), (&mut self.programs, program, PROGRAMS)] {
            if let Some(one) = one
                && all.len() < most
                && !all.iter().any(|known| &**known == one)
            {
                all.push(one.into());
            }
        }
    }
}

impl Did {
    fn note(&mut self, event: &Event<'_>, targets: &mut usize) {
        self.times += 1;
        let without = event.second_factor == Known::No;
        self.without |= without;
        if let Gives::Powers(powers) = event.gives {
            self.powers = self.powers.union(powers);
            if without {
                self.powers_without = self.powers_without.union(powers);
            }
        }
        match (&mut self.on, event.on) {
            (Some(known), Some(one)) if !known.iter().any(|known| &**known == one) => {
                if known.len() < TARGETS && *targets < ALL_TARGETS {
                    *targets += 1;
                    known.push(one.into());
                } else {
                    self.on = None;
                }
            }
            // Once it was not said, so nobody knows all of them.
            (on @ Some(_), None) => *on = None,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn what_is_kept_is_bounded_whatever_a_log_says() {
        let mut fold = Fold::default();
        let log = fold.log("x", "log", "a", "f");
        for number in 0..3000_i64 {
            let (action, source) = (format!("act {number}"), format!("10.0.{number}"));
            let who = Who::Key { realm: "", id: "k", holder: None, form: "key", otherwise: false };
            let made = Some(Made { id: action.clone(), holder: None, realm: String::new() });
            let event =
                Event { source: Some(&source), on: Some(&source), made, ..Event::new(at(number), who, &action) };
            fold.note(log, &event);
            fold.note(log, &Event { source: Some(&source), ..Event::new(at(number), Who::Somebody, "same") });
        }
        let key = &fold.callers[0];
        assert_eq!((key.calls, key.did.len(), key.sources.len(), key.made.len()), (3000, ACTIONS, SOURCES, MADE));
        assert!(key.cut && fold.full);
        assert_eq!(fold.callers.len(), 1 + STRANGERS + 1, "the rest are one");
        let others = fold.callers.iter().find(|one| one.name == Name::Somebody(None)).unwrap();
        assert_eq!(others.calls, 1000);
        assert_eq!((fold.logs[log].events, fold.logs[log].hours.len()), (6000, 1));
    }

    #[test]
    fn targets_are_all_known_or_not_told() {
        let mut fold = Fold::default();
        let log = fold.log("x", "log", "a", "f");
        let who = Who::Named("ann");
        for number in 0..40_i64 {
            let on = format!("thing {number}");
            fold.note(log, &Event { on: Some(&on), ..Event::new(at(0), who, "many") });
            fold.note(log, &Event { on: Some("one"), ..Event::new(at(0), who, "one") });
            fold.note(log, &Event { on: Some("x").filter(|_| number == 0), ..Event::new(at(0), who, "unsaid") });
        }
        let on = |action: u32| fold.callers[0].did[&action].on.clone();
        assert_eq!((on(0), on(1), on(2)), (None, Some(vec!["one".into()]), None));
    }

    #[test]
    fn a_mark_is_the_same_for_one_secret_and_says_nothing_of_it() {
        let (fold, other) = (Fold::default(), Fold::default());
        assert_eq!(fold.mark("hunter2"), fold.mark("hunter2"));
        assert_ne!(fold.mark("hunter2"), fold.mark("hunter3"));
        assert_ne!(fold.mark("hunter2"), other.mark("hunter2"));
    }
}

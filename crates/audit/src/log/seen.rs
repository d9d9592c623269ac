//! What logs show: of a key or an account, and of a log itself.

use std::collections::BTreeMap;

use jiff::Timestamp;
use law::Powers;
use serde::Serialize;

use crate::estate::{Known, Place};

/// What logs show of a key, or of an account where it had none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Seen {
    /// Its first call in them.
    pub first: Timestamp,
    /// Its last.
    pub last: Timestamp,
    /// How many calls.
    pub calls: u64,
    /// How many of those were refused or failed.
    pub denied: u64,
    /// How many of them showed a second factor.
    pub with_second_factor: u64,
    /// How many surely showed none.
    pub without_second_factor: u64,
    /// What it did, the most frequent first.
    pub actions: Vec<(String, u64)>,
    /// The powers of that.
    pub powers: Powers,
    /// The powers of what it did and surely showed no second factor for.
    pub powers_without: Powers,
    /// What it did that to, for each action whose log names it; none where there were too many.
    pub on: BTreeMap<String, Vec<String>>,
    /// Where from; a few addresses.
    pub sources: Vec<String>,
    /// With which programs; a few.
    pub programs: Vec<String>,
    /// The credentials that it made.
    pub made: Vec<String>,
    /// The roles that it took, and called in.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// How often it did a thing in a role that it took, and so with the role's rights.
    #[serde(skip)]
    pub(crate) in_roles: BTreeMap<String, u64>,
    /// What it did and surely showed no second factor for.
    #[serde(skip)]
    pub(crate) did_without: Vec<String>,
    /// Whether it did more than is kept here.
    pub cut: bool,
    /// Whether this is surely the key that was seen, and not another one of its holder.
    pub alone: bool,
    /// Where that stands.
    pub place: Place,
}

impl Seen {
    /// Both together.
    pub(crate) fn join(&mut self, other: &Self) {
        let Self {
            first,
            last,
            calls,
            denied,
            with_second_factor,
            without_second_factor,
            actions,
            powers,
            powers_without,
            on,
            sources,
            programs,
            made,
            roles,
            in_roles,
            did_without,
            cut,
            alone,
            place: _,
        } = other;
        self.first = self.first.min(*first);
        self.last = self.last.max(*last);
        self.calls += calls;
        self.denied += denied;
        self.with_second_factor += with_second_factor;
        self.without_second_factor += without_second_factor;
        for (action, times) in actions {
            // What had too many targets in one of them has too many in both.
            let known = self.actions.iter_mut().find(|(known, _)| known == action);
            let here = self.on.get(action).cloned();
            match (known.is_some(), here, on.get(action)) {
                (true, Some(here), Some(there)) => {
                    let there = there.iter().filter(|name| !here.contains(name)).cloned();
                    let both: Vec<String> = here.iter().cloned().chain(there).collect();
                    self.on.insert(action.clone(), both);
                }
                (false, _, Some(there)) => {
                    self.on.insert(action.clone(), there.clone());
                }
                _ => {
                    self.on.remove(action);
                }
            }
            match known {
                Some((_, known)) => *known += times,
                None => self.actions.push((action.clone(), *times)),
            }
        }
        self.actions.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
        self.powers = self.powers.union(*powers);
        self.powers_without = self.powers_without.union(*powers_without);
        for (all, more) in [
            (&mut self.sources, sources),
            (&mut self.programs, programs),
            (&mut self.made, made),
            (&mut self.roles, roles),
            (&mut self.did_without, did_without),
        ] {
            all.extend(more.iter().filter(|one| !all.contains(one)).cloned().collect::<Vec<_>>());
        }
        for (action, times) in in_roles {
            *self.in_roles.entry(action.clone()).or_default() += times;
        }
        self.cut |= cut;
        self.alone &= alone;
    }
}

/// A credential that a key made, as a log shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Child {
    /// What it is called where it was made.
    pub id: String,
    /// For whom, where the log says.
    pub holder: Option<String>,
    /// When.
    pub at: Timestamp,
    /// The key of the inputs that it is, as [`Key::id`](crate::estate::Key::id).
    pub key: Option<String>,
    /// Whether it works.
    pub lives: Known,
}

/// A log among the inputs: all files of one log together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Log {
    /// Whose.
    pub provider: &'static str,
    /// What it is, such as `AWS CloudTrail`.
    pub form: &'static str,
    /// Which of them: an account, an organisation, a file without its number.
    pub of: String,
    /// Its first event.
    pub from: Timestamp,
    /// Its last.
    pub to: Timestamp,
    /// How many.
    pub events: u64,
    /// Where it says nothing for longer than its own rhythm explains.
    pub gaps: Vec<Silence>,
    /// The longest silence that it has by its own rhythm, in hours.
    pub rhythm_hours: u32,
    /// Events that changed what it writes.
    pub changes: Vec<Change>,
    /// Credentials that stand in it.
    pub exposed: Vec<Exposed>,
    /// What nobody is named for, the most frequent first.
    pub somebody: Vec<Somebody>,
    /// Where it lies.
    pub place: Place,
}

/// A time of which a log says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Silence {
    /// Its beginning, by the hour.
    pub from: Timestamp,
    /// Its end, by the hour.
    pub to: Timestamp,
}

/// An event that changed what a log writes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// When.
    pub at: Timestamp,
    /// Who did it, as the log names them.
    pub by: String,
    /// What was done.
    pub action: String,
    /// Whether it was done, and not refused.
    pub done: bool,
}

/// Credentials that stand in a log. None of them is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Exposed {
    /// Where they stand in a line, such as ``query `api_key` ``.
    pub within: String,
    /// In how many lines.
    pub lines: u64,
    /// How many different ones, as far as they were counted.
    pub different: u64,
    /// The first line.
    pub place: Place,
}

/// What somebody did whom no line names, told apart by address and program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Somebody {
    /// Where from; none for all who are not told apart any more.
    pub source: Option<String>,
    /// With which program.
    pub program: Option<String>,
    /// How many calls.
    pub calls: u64,
    /// How many of those were refused or failed.
    pub denied: u64,
    /// What was done, the most frequent first; a few.
    pub actions: Vec<(String, u64)>,
    /// The powers of that.
    pub powers: Powers,
}

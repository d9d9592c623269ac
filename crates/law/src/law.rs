//! The law: a guard and a mode for every power and kind of holder.

use std::{fmt, str::FromStr};

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};

use crate::{ByPower, Factor, Guard, MaxAge, Power, Powers, Span};

/// Who has a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HolderKind {
    /// A human being. What nobody said more about is judged as one, too.
    #[default]
    Person,
    /// A program of one's own. It has an owner, a person.
    Workload,
    /// Somebody else's program. It has an owner, a person.
    Vendor,
}

impl HolderKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Person, Self::Workload, Self::Vendor];

    /// The word used in configuration and on every page.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Workload => "workload",
            Self::Vendor => "vendor",
        }
    }
}

impl fmt::Display for HolderKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// Whether a guard is enforced yet, written `enforce` or `observe until 2027-01-15`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Mode {
    /// Ask, or refuse.
    Enforce,
    /// Forward and write down what would have been asked, until this day begins (UTC).
    ObserveUntil(Date),
}

impl Mode {
    /// Whether the guard binds at this moment.
    pub fn enforces(self, at: Timestamp) -> bool {
        match self {
            Self::Enforce => true,
            // A day that has no beginning in UTC does not exist; were it so, the guard would bind.
            Self::ObserveUntil(day) => day.to_zoned(TimeZone::UTC).map_or(true, |begin| at >= begin.timestamp()),
        }
    }

    fn is_weaker_than(self, other: Self) -> bool {
        // INVARIANT: the derived order puts `Enforce` first and then earlier days before later ones.
        self > other
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Enforce => f.write_str("enforce"),
            Self::ObserveUntil(day) => write!(f, "observe until {day}"),
        }
    }
}

/// A mode that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no mode; write `enforce`, or `observe until` and a day such as `2027-01-15`")]
pub struct ModeError(String);

impl FromStr for Mode {
    type Err = ModeError;

    fn from_str(text: &str) -> Result<Self, ModeError> {
        match text.trim().strip_prefix("observe until ") {
            Some(day) => day.trim().parse().map(Self::ObserveUntil).map_err(|_| ModeError(text.to_owned())),
            None if text.trim() == "enforce" => Ok(Self::Enforce),
            None => Err(ModeError(text.to_owned())),
        }
    }
}

impl TryFrom<String> for Mode {
    type Error = ModeError;

    fn try_from(text: String) -> Result<Self, ModeError> {
        text.parse()
    }
}

impl From<Mode> for String {
    fn from(mode: Mode) -> Self {
        mode.to_string()
    }
}

/// One place of the law's table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// What the power requires.
    pub guard: Guard,
    /// Whether it is required yet.
    pub mode: Mode,
}

/// The whole law: a cell for every kind of holder and every power.
///
/// A decision reads one cell for each power of the operation; nothing is parsed or
/// allocated while a request waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Law {
    /// Keys held by people, and keys of which nobody said who holds them.
    pub person: ByPower<Cell>,
    /// Keys of one's own programs.
    pub workload: ByPower<Cell>,
    /// Keys of others' programs.
    pub vendor: ByPower<Cell>,
}

impl Law {
    /// The same guards for every kind of holder.
    pub fn same_for_all(guard: impl Fn(Power) -> Guard, mode: Mode) -> Self {
        let cells = || ByPower::from_fn(|power| Cell { guard: guard(power), mode });
        Self { person: cells(), workload: cells(), vendor: cells() }
    }

    /// The guard that a power has where the configuration is silent.
    pub fn default_guard(power: Power) -> Guard {
        let text = match power {
            Power::Read | Power::Write => "secret",
            Power::Export => "possession | person within 8h",
            Power::Run => "possession | person within 15m",
            Power::Destroy => "possession + mandate | person within 15m",
            Power::Spend => "possession + mandate | person",
            Power::Grant | Power::Mint | Power::Disarm => "person",
        };
        text.parse().unwrap_or_else(|_| Guard::person())
    }

    /// The cells of one kind of holder.
    pub const fn of(&self, kind: HolderKind) -> &ByPower<Cell> {
        match kind {
            HolderKind::Person => &self.person,
            HolderKind::Workload => &self.workload,
            HolderKind::Vendor => &self.vendor,
        }
    }

    /// For how long after a person's yes the guards of these powers take it for further calls of
    /// the same key from the same source, the longest first. A second person is always asked anew.
    pub fn windows(&self, kind: HolderKind, powers: Powers) -> Vec<(Span, Powers)> {
        let mut windows: Vec<(Span, Powers)> = Vec::new();
        for power in powers.iter() {
            let clauses = self.of(kind)[power].guard.clauses().iter().filter(|clause| {
                clause.needs().contains(Factor::Person) && !clause.needs().contains(Factor::SecondPerson)
            });
            let spans = clauses.filter_map(|clause| match clause.person_age() {
                MaxAge::Within(span) => Some(span),
                MaxAge::ThisRequest => None,
            });
            let Some(longest) = spans.max_by_key(|span| span.as_secs()) else { continue };
            match windows.iter_mut().find(|(span, _)| *span == longest) {
                Some((_, powers)) => *powers = powers.with(power),
                None => windows.push((longest, power.into())),
            }
        }
        windows.sort_by_key(|(span, _)| std::cmp::Reverse(span.as_secs()));
        windows
    }

    /// The same law, with observing that had ended by then ended for good: a clock that is set
    /// back does not begin it anew.
    #[must_use]
    pub fn enforced_at(&self, at: Timestamp) -> Self {
        let cells = |cells: &ByPower<Cell>| {
            ByPower::from_fn(|power| {
                let Cell { guard, mode } = &cells[power];
                Cell { guard: guard.clone(), mode: if mode.enforces(at) { Mode::Enforce } else { *mode } }
            })
        };
        let Self { person, workload, vendor } = self;
        Self { person: cells(person), workload: cells(workload), vendor: cells(vendor) }
    }

    /// The last day on which observing has ended somewhere by this moment.
    pub fn observing_ended(&self, at: Timestamp) -> Option<Date> {
        let cells = HolderKind::ALL.into_iter().flat_map(|kind| self.of(kind).iter());
        let ended = cells.filter_map(|(_, cell)| match cell.mode {
            Mode::ObserveUntil(day) if cell.mode.enforces(at) => Some(day),
            Mode::ObserveUntil(_) | Mode::Enforce => None,
        });
        ended.max()
    }

    /// The cells in which this law lets through what the other stops: by its guard or by its mode.
    pub fn weaker_cells_than(&self, other: &Self) -> Vec<(HolderKind, Power)> {
        let mut weaker = Vec::new();
        for kind in HolderKind::ALL {
            for power in Power::ALL {
                let (mine, theirs) = (&self.of(kind)[power], &other.of(kind)[power]);
                if mine.guard.is_weaker_than(&theirs.guard) || mine.mode.is_weaker_than(theirs.mode) {
                    weaker.push((kind, power));
                }
            }
        }
        weaker
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn law(mode: &str) -> Law {
        Law::same_for_all(Law::default_guard, mode.parse().unwrap())
    }

    #[test]
    fn a_yes_opens_windows_where_a_guard_takes_an_older_one() {
        let law = Law::same_for_all(
            |power| match power {
                Power::Spend => "person within 1h + second-person".parse().unwrap(),
                power => Law::default_guard(power),
            },
            Mode::Enforce,
        );
        let windows = law.windows(HolderKind::Workload, Powers::EVERY);
        assert_eq!(
            windows,
            [
                (Span::hours(8), Power::Export.into()),
                (Span::minutes(15), Powers::from(Power::Destroy).with(Power::Run))
            ]
        );
        assert!(law.windows(HolderKind::Person, Powers::from(Power::Grant).with(Power::Spend)).is_empty());
    }

    #[test]
    fn the_default_guards_are_those_of_the_manual() {
        let guards: Vec<String> = Power::ALL.into_iter().map(|power| Law::default_guard(power).to_string()).collect();
        assert_eq!(
            guards,
            [
                "secret",
                "possession | person within 8h",
                "secret",
                "possession + mandate | person within 15m",
                "possession + mandate | person",
                "possession | person within 15m",
                "person",
                "person",
                "person",
            ]
        );
    }

    #[test]
    fn observing_ends_when_its_day_begins() {
        let mode: Mode = "observe until 2027-01-15".parse().unwrap();
        assert!(!mode.enforces("2027-01-14T23:59:59Z".parse().unwrap()));
        assert!(mode.enforces("2027-01-15T00:00:00Z".parse().unwrap()));
        assert_eq!(mode.to_string(), "observe until 2027-01-15");
        assert!("observe".parse::<Mode>().is_err(), "observing has an end");
    }

    #[test]
    fn observing_that_has_ended_is_ended_for_good() {
        let mut law = law("observe until 2027-01-15");
        let guard = Guard::person();
        law.vendor.set(Power::Mint, Cell { guard, mode: "observe until 2027-02-01".parse().unwrap() });
        let (before, between) = ("2027-01-14T23:00:00Z".parse().unwrap(), "2027-01-15T00:00:00Z".parse().unwrap());
        assert_eq!((law.enforced_at(before), law.observing_ended(before)), (law.clone(), None));
        assert_eq!(law.observing_ended(between), Some("2027-01-15".parse().unwrap()));
        let bound = law.enforced_at(between);
        assert!(bound.person[Power::Mint].mode.enforces(before));
        assert!(!bound.vendor[Power::Mint].mode.enforces(between), "each by its own day");
        assert_eq!(bound.observing_ended(between), None);
    }

    #[test]
    fn a_later_end_of_observing_is_weaker() {
        assert!(law("enforce").weaker_cells_than(&law("observe until 2027-01-15")).is_empty());
        assert_eq!(law("observe until 2027-01-15").weaker_cells_than(&law("enforce")).len(), 27);
        assert_eq!(law("observe until 2027-02-15").weaker_cells_than(&law("observe until 2027-01-15")).len(), 27);
    }

    #[test]
    fn one_weaker_cell_is_found() {
        let mut weaker = law("enforce");
        weaker.vendor.set(Power::Mint, Cell { guard: "person within 1m".parse().unwrap(), mode: Mode::Enforce });
        assert_eq!(weaker.weaker_cells_than(&law("enforce")), [(HolderKind::Vendor, Power::Mint)]);
        assert!(law("enforce").weaker_cells_than(&weaker).is_empty());
    }
}

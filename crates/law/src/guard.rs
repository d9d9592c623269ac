//! What a power requires: an OR of ANDs of factors.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{Freshness, Held, Power, Span, SpanError};

/// Something that a caller can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Factor {
    /// The key itself.
    Secret,
    /// Proof of a bound private key that cannot be copied out of code.
    Possession,
    /// A person's yes ahead, with bounds.
    Mandate,
    /// A human second factor.
    Person,
    /// The second factor of another person.
    SecondPerson,
}

impl Factor {
    /// Every factor, the least troublesome first.
    pub const ALL: [Self; 5] = [Self::Secret, Self::Possession, Self::Mandate, Self::Person, Self::SecondPerson];

    /// The word used in guards, on the wire (`urn:greave:` before it) and on every page.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::Possession => "possession",
            Self::Mandate => "mandate",
            Self::Person => "person",
            Self::SecondPerson => "second-person",
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl fmt::Display for Factor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// A set of factors.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Factors(u8);

impl Factors {
    /// Nothing.
    pub const NONE: Self = Self(0);

    /// This set and one factor more.
    #[must_use]
    pub const fn with(self, factor: Factor) -> Self {
        Self(self.0 | factor.bit())
    }

    /// Whether the set holds this factor.
    pub const fn contains(self, factor: Factor) -> bool {
        self.0 & factor.bit() != 0
    }

    /// Whether the set holds every factor of the other.
    pub const fn is_superset(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether the set is empty.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// How many factors it holds.
    pub const fn len(self) -> u32 {
        self.0.count_ones()
    }

    /// The factors in the order of [`Factor::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Factor> + Clone {
        Factor::ALL.into_iter().filter(move |factor| self.contains(*factor))
    }
}

impl FromIterator<Factor> for Factors {
    fn from_iter<I: IntoIterator<Item = Factor>>(factors: I) -> Self {
        factors.into_iter().fold(Self::NONE, Self::with)
    }
}

impl Extend<Factor> for Factors {
    fn extend<I: IntoIterator<Item = Factor>>(&mut self, factors: I) {
        *self = factors.into_iter().fold(*self, Self::with);
    }
}

impl From<Factor> for Factors {
    fn from(factor: Factor) -> Self {
        Self::NONE.with(factor)
    }
}

impl fmt::Display for Factors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.pad("nothing");
        }
        let words: Vec<&str> = self.iter().map(Factor::word).collect();
        f.pad(&words.join(" + "))
    }
}

impl fmt::Debug for Factors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// On the wire and in files a set of factors is a list of words.
impl Serialize for Factors {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for Factors {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::text::set(deserializer)
    }
}

/// How old a person's yes may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaxAge {
    /// It must be for this very request.
    ThisRequest,
    /// It may be this old, where it was given for the same key, power and source.
    Within(Span),
}

impl MaxAge {
    const fn allows(self, freshness: Freshness) -> bool {
        match (self, freshness) {
            (_, Freshness::ThisRequest) => true,
            (Self::Within(most), Freshness::Before(age)) => age.as_secs() <= most.as_secs(),
            (Self::ThisRequest, Freshness::Before(_)) | (_, Freshness::Absent) => false,
        }
    }

    /// Whether whatever meets this also meets the other.
    const fn is_as_strict_as(self, other: Self) -> bool {
        match (self, other) {
            (Self::ThisRequest, _) => true,
            (Self::Within(mine), Self::Within(theirs)) => mine.as_secs() <= theirs.as_secs(),
            (Self::Within(_), Self::ThisRequest) => false,
        }
    }

    /// The stricter of the two.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        if self.is_as_strict_as(other) { self } else { other }
    }

    /// Whole seconds as in RFC 9470 `max_age`; 0 for this very request.
    pub const fn as_secs(self) -> u32 {
        match self {
            Self::ThisRequest => 0,
            Self::Within(span) => span.as_secs(),
        }
    }
}

/// Factors that together are enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clause {
    needs: Factors,
    person_age: MaxAge,
}

impl Clause {
    /// The factors that it needs, all of them.
    pub const fn needs(&self) -> Factors {
        self.needs
    }

    /// How old the person's yes may be, where it needs one.
    pub const fn person_age(&self) -> MaxAge {
        self.person_age
    }

    /// Whether what is held is enough for this power.
    pub fn holds(&self, power: Power, held: &Held) -> bool {
        self.needs.iter().all(|factor| match factor {
            // A caller without a recognised secret never gets as far as a guard.
            Factor::Secret => true,
            Factor::Possession => held.possession,
            Factor::Mandate => held.mandate,
            Factor::Person => self.person_age.allows(held.person[power]),
            Factor::SecondPerson => held.second_person,
        })
    }

    /// Whether whoever meets this clause also meets the other. The secret is always there.
    fn is_as_strict_as(&self, other: &Self) -> bool {
        self.needs.with(Factor::Secret).is_superset(other.needs)
            && (!other.needs.contains(Factor::Person) || self.person_age.is_as_strict_as(other.person_age))
    }
}

impl fmt::Display for Clause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, factor) in self.needs.iter().enumerate() {
            if place > 0 {
                f.write_str(" + ")?;
            }
            f.write_str(factor.word())?;
            if let (Factor::Person, MaxAge::Within(span)) = (factor, self.person_age) {
                write!(f, " within {span}")?;
            }
        }
        Ok(())
    }
}

/// What a power requires of one kind of holder, written `possession + mandate | person within 15m`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Guard {
    // INVARIANT: never empty, or nothing could ever pass; `from_str` is the only maker.
    clauses: Box<[Clause]>,
}

impl Guard {
    /// A person's yes to this very request.
    pub fn person() -> Self {
        let clause = Clause { needs: Factor::Person.into(), person_age: MaxAge::ThisRequest };
        Self { clauses: Box::from([clause]) }
    }

    /// The alternatives, in the order in which they were written.
    pub fn clauses(&self) -> &[Clause] {
        &self.clauses
    }

    /// Whether what is held is enough for this power.
    pub fn holds(&self, power: Power, held: &Held) -> bool {
        self.clauses.iter().any(|clause| clause.holds(power, held))
    }

    /// Whether something that the other guard stops would pass this one.
    pub fn is_weaker_than(&self, other: &Self) -> bool {
        !self.clauses.iter().all(|mine| other.clauses.iter().any(|theirs| mine.is_as_strict_as(theirs)))
    }

    /// Whether any alternative names this factor.
    pub fn names(&self, factor: Factor) -> bool {
        self.clauses.iter().any(|clause| clause.needs.contains(factor))
    }
}

impl fmt::Display for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, clause) in self.clauses.iter().enumerate() {
            if place > 0 {
                f.write_str(" | ")?;
            }
            clause.fmt(f)?;
        }
        Ok(())
    }
}

/// Why a guard cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GuardError {
    /// Nothing is written where a factor should stand.
    #[error("a factor is missing; write for example `possession + mandate | person within 15m`")]
    Empty,
    /// A word that names no factor.
    #[error("`{0}` is no factor; the factors are secret, possession, mandate, person, second-person")]
    UnknownFactor(String),
    /// A factor that stands twice in one alternative: with two ages it would be a riddle.
    #[error("`{0}` stands twice; say it once, with the age that is meant")]
    Twice(Factor),
    /// An age on something that has none.
    #[error("only `person` can be given an age; `{0}` is proved with every request")]
    AgeOfWhat(Factor),
    /// An age that is no length of time.
    #[error(transparent)]
    Age(#[from] SpanError),
}

impl FromStr for Guard {
    type Err = GuardError;

    fn from_str(text: &str) -> Result<Self, GuardError> {
        Ok(Self { clauses: text.split('|').map(parse_clause).collect::<Result<_, _>>()? })
    }
}

fn parse_clause(text: &str) -> Result<Clause, GuardError> {
    let mut clause = Clause { needs: Factors::NONE, person_age: MaxAge::ThisRequest };
    for need in text.split('+') {
        let (word, age) = match need.trim().split_once(" within ") {
            Some((word, age)) => (word.trim(), Some(age.trim().parse()?)),
            None => (need.trim(), None),
        };
        if word.is_empty() {
            return Err(GuardError::Empty);
        }
        let factor = Factor::ALL
            .into_iter()
            .find(|factor| factor.word() == word)
            .ok_or_else(|| GuardError::UnknownFactor(word.to_owned()))?;
        match (factor, age) {
            (Factor::Person, Some(span)) => clause.person_age = MaxAge::Within(span),
            (_, Some(_)) => return Err(GuardError::AgeOfWhat(factor)),
            (_, None) => {}
        }
        if clause.needs.contains(factor) {
            return Err(GuardError::Twice(factor));
        }
        clause.needs = clause.needs.with(factor);
    }
    // A second person is second to a first.
    if clause.needs.contains(Factor::SecondPerson) {
        clause.needs = clause.needs.with(Factor::Person);
    }
    Ok(clause)
}

impl TryFrom<String> for Guard {
    type Error = GuardError;

    fn try_from(text: String) -> Result<Self, GuardError> {
        text.parse()
    }
}

impl From<Guard> for String {
    fn from(guard: Guard) -> Self {
        guard.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard(text: &str) -> Guard {
        text.parse().unwrap()
    }

    #[test]
    fn guards_read_back_as_written() {
        for text in ["secret", "person", "possession | person within 8h", "possession + mandate | person within 15m"] {
            assert_eq!(guard(text).to_string(), text);
        }
        assert_eq!(guard("second-person").to_string(), "person + second-person");
    }

    #[test]
    fn a_broken_guard_says_how_to_mend_it() {
        let error = |text: &str| text.parse::<Guard>().unwrap_err();
        assert_eq!(error(""), GuardError::Empty);
        assert_eq!(error("person |"), GuardError::Empty);
        assert_eq!(error("persn"), GuardError::UnknownFactor("persn".to_owned()));
        assert_eq!(error("secret within 5m"), GuardError::AgeOfWhat(Factor::Secret));
        assert_eq!(error("person + person within 8h"), GuardError::Twice(Factor::Person));
        assert!(matches!(error("person within soon"), GuardError::Age(_)));
    }

    #[test]
    fn a_guard_is_weaker_where_it_lets_more_through() {
        let weaker = |a: &str, b: &str| guard(a).is_weaker_than(&guard(b));
        assert!(weaker("secret", "person"));
        assert!(weaker("person within 8h", "person within 15m"));
        assert!(weaker("person within 8h", "person"));
        assert!(weaker("possession | person", "person"));
        assert!(weaker("person", "person + second-person"));
        assert!(!weaker("person", "secret | person within 1h"));
        assert!(!weaker("person", "person"));
        assert!(!weaker("person | possession", "possession | person"));
        assert!(!weaker("possession + mandate", "possession"));
        assert!(!weaker("person", "secret"), "the secret is always there");
    }
}

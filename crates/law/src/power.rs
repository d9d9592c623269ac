//! What an operation lets its caller do.

use std::{fmt, ops::Index, str::FromStr};

use serde::{Deserialize, Serialize};

/// One thing that an operation lets its caller do. An operation has a set of them: [`Powers`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Power {
    /// Ordinary data, a page of a list.
    Read,
    /// Data out in bulk by a bulk form, or sensitive content such as audit logs and other people's messages.
    Export,
    /// Creates or changes ordinary data.
    Write,
    /// Deletes for good.
    Destroy,
    /// Moves money, or starts what costs it.
    Spend,
    /// Executes code or jobs, deploys.
    Run,
    /// Users, roles, permissions, membership, sharing.
    Grant,
    /// Creates, reveals, rotates or deletes credentials.
    Mint,
    /// Weakens protection: 2FA, recovery address, SSO, firewall, audit log, alerts.
    Disarm,
}

impl Power {
    /// Every power, in the order in which tables and pages show them.
    pub const ALL: [Self; 9] = [
        Self::Read,
        Self::Export,
        Self::Write,
        Self::Destroy,
        Self::Spend,
        Self::Run,
        Self::Grant,
        Self::Mint,
        Self::Disarm,
    ];

    /// The word used in configuration, on the wire and on every page.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Export => "export",
            Self::Write => "write",
            Self::Destroy => "destroy",
            Self::Spend => "spend",
            Self::Run => "run",
            Self::Grant => "grant",
            Self::Mint => "mint",
            Self::Disarm => "disarm",
        }
    }

    /// What it means for the person who is asked to approve it.
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Read => "reads ordinary data",
            Self::Export => "takes data out in bulk, or reads sensitive content",
            Self::Write => "creates or changes data",
            Self::Destroy => "deletes for good",
            Self::Spend => "moves money, or starts what costs it",
            Self::Run => "runs code or jobs, or deploys",
            Self::Grant => "changes who may do what: users, roles, membership, sharing",
            Self::Mint => "creates, reveals or changes credentials",
            Self::Disarm => "weakens protection: 2FA, sign-in, firewall, audit log, alerts",
        }
    }

    /// Every power but read and write.
    pub const fn is_sensitive(self) -> bool {
        !matches!(self, Self::Read | Self::Write)
    }

    const fn bit(self) -> u16 {
        1 << self as u16
    }
}

impl fmt::Display for Power {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// A word that names no power.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no power; the powers are read, export, write, destroy, spend, run, grant, mint, disarm")]
pub struct UnknownPower(String);

impl FromStr for Power {
    type Err = UnknownPower;

    fn from_str(text: &str) -> Result<Self, UnknownPower> {
        Self::ALL.into_iter().find(|power| power.word() == text).ok_or_else(|| UnknownPower(text.to_owned()))
    }
}

/// A set of powers.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Powers(u16);

impl Powers {
    /// No power at all.
    pub const NONE: Self = Self(0);
    /// What nobody described can do everything.
    pub const EVERY: Self = Self((1 << Power::ALL.len()) - 1);
    /// Every power but read and write.
    pub const SENSITIVE: Self = Self(Self::EVERY.0 & !(Power::Read.bit() | Power::Write.bit()));

    /// This set and one power more.
    #[must_use]
    pub const fn with(self, power: Power) -> Self {
        Self(self.0 | power.bit())
    }

    /// This set less one power.
    #[must_use]
    pub const fn without(self, power: Power) -> Self {
        Self(self.0 & !power.bit())
    }

    /// What is in either set.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What is in both sets.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// What is in this set and not in the other.
    #[must_use]
    pub const fn difference(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether the set holds this power.
    pub const fn contains(self, power: Power) -> bool {
        self.0 & power.bit() != 0
    }

    /// Whether the set holds every power of the other.
    pub const fn is_superset(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether the set is empty.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether any power in it is sensitive.
    pub const fn is_sensitive(self) -> bool {
        self.0 & Self::SENSITIVE.0 != 0
    }

    /// The powers in the order of [`Power::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Power> + Clone {
        Power::ALL.into_iter().filter(move |power| self.contains(*power))
    }
}

impl FromIterator<Power> for Powers {
    fn from_iter<I: IntoIterator<Item = Power>>(powers: I) -> Self {
        powers.into_iter().fold(Self::NONE, Self::with)
    }
}

impl Extend<Power> for Powers {
    fn extend<I: IntoIterator<Item = Power>>(&mut self, powers: I) {
        *self = powers.into_iter().fold(*self, Self::with);
    }
}

impl From<Power> for Powers {
    fn from(power: Power) -> Self {
        Self::NONE.with(power)
    }
}

impl fmt::Display for Powers {
    /// `grant + destroy`; `none` for the empty set, `every power` for all of them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.pad("none");
        }
        if *self == Self::EVERY {
            return f.pad("every power");
        }
        let words: Vec<&str> = self.iter().map(Power::word).collect();
        f.pad(&words.join(" + "))
    }
}

impl fmt::Debug for Powers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// On the wire and in files a set of powers is a list of words.
impl Serialize for Powers {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for Powers {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::text::set(deserializer)
    }
}

/// A value for every power: a power without one does not compile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ByPower<T>([T; Power::ALL.len()]);

impl<T> ByPower<T> {
    /// Asks for each power's value in turn.
    pub fn from_fn(mut value: impl FnMut(Power) -> T) -> Self {
        Self(Power::ALL.map(&mut value))
    }

    /// Asks for each power's value in turn, until one is refused.
    ///
    /// # Errors
    /// The first error.
    pub fn try_from_fn<E>(mut value: impl FnMut(Power) -> Result<T, E>) -> Result<Self, E> {
        let [a, b, c, d, e, f, g, h, i] = Power::ALL.map(&mut value);
        Ok(Self([a?, b?, c?, d?, e?, f?, g?, h?, i?]))
    }

    /// Replaces one power's value.
    pub fn set(&mut self, power: Power, value: T) {
        if let Some(slot) = self.0.get_mut(power as usize) {
            *slot = value;
        }
    }

    /// Each power with its value.
    pub fn iter(&self) -> impl Iterator<Item = (Power, &T)> {
        Power::ALL.into_iter().zip(&self.0)
    }
}

impl<T> ByPower<Option<T>> {
    /// Takes one power's value out.
    pub fn take(&mut self, power: Power) -> Option<T> {
        self.0.get_mut(power as usize).and_then(Option::take)
    }
}

impl<T> Index<Power> for ByPower<T> {
    type Output = T;

    #[expect(clippy::indexing_slicing, reason = "the array has one place for each power")]
    fn index(&self, power: Power) -> &T {
        &self.0[power as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_power_has_its_word_and_its_place() {
        for (place, power) in Power::ALL.into_iter().enumerate() {
            assert_eq!(power as usize, place);
            assert_eq!(power.word().parse(), Ok(power));
        }
        assert!("admin".parse::<Power>().is_err());
    }

    #[test]
    fn a_set_reads_as_a_list_of_words() {
        let powers: Powers = [Power::Mint, Power::Destroy].into_iter().collect();
        assert_eq!(serde_json::to_string(&powers).unwrap(), r#"["destroy","mint"]"#);
        assert_eq!(serde_json::from_str::<Powers>(r#"["mint","destroy"]"#).unwrap(), powers);
        assert_eq!(powers.to_string(), "destroy + mint");
        assert_eq!(Powers::EVERY.to_string(), "every power");
    }

    #[test]
    fn only_read_and_write_are_not_sensitive() {
        assert_eq!(Powers::EVERY.difference(Powers::SENSITIVE), [Power::Read, Power::Write].into_iter().collect());
        for power in Power::ALL {
            assert_eq!(Powers::from(power).is_sensitive(), power.is_sensitive());
        }
    }
}

//! How long things took, in fixed buckets: two additions for each, and no lock.

use std::sync::atomic::{AtomicU64, Ordering};

use law::Verdict;

/// How a request was decided, as far as it makes a difference to how long it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decided {
    /// It passed at once.
    Permit,
    /// It waited for a person, and passed.
    Approved,
    /// It passed because a guard observes that would have asked.
    WouldAsk,
    /// It passed because a guard observes that would have refused.
    WouldRefuse,
    /// It ended with a question.
    Challenge,
    /// It was refused.
    Refuse,
}

impl Decided {
    /// All of them, in the order of their values.
    pub const ALL: [Self; 6] =
        [Self::Permit, Self::Approved, Self::WouldAsk, Self::WouldRefuse, Self::Challenge, Self::Refuse];

    pub(crate) const fn of(verdict: Verdict, waited: bool) -> Self {
        match verdict {
            Verdict::Permit if waited => Self::Approved,
            Verdict::Permit => Self::Permit,
            Verdict::WouldAsk(_) => Self::WouldAsk,
            Verdict::WouldRefuse(_) => Self::WouldRefuse,
            Verdict::Challenge(_) => Self::Challenge,
            Verdict::Refuse(_) => Self::Refuse,
        }
    }

    /// The word for it, as `greave calls --decision` has it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Permit => "permit",
            Self::Approved => "approved",
            Self::WouldAsk => "would-ask",
            Self::WouldRefuse => "would-refuse",
            Self::Challenge => "challenge",
            Self::Refuse => "refuse",
        }
    }
}

/// Times, in buckets.
#[derive(Debug)]
pub(crate) struct Histogram {
    /// The upper bounds, in microseconds, rising.
    bounds: &'static [u64],
    /// For each bound what is not above it and above the one before; at the end what is above all.
    counts: Box<[AtomicU64]>,
    micros: AtomicU64,
}

/// What a histogram has at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Times {
    /// Each upper bound, in microseconds, with how many were not above it.
    pub buckets: Vec<(u64, u64)>,
    /// How many there were.
    pub count: u64,
    /// All of them together, in microseconds.
    pub micros: u64,
}

impl Histogram {
    pub(crate) fn new(bounds: &'static [u64]) -> Self {
        let counts = (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect();
        Self { bounds, counts, micros: AtomicU64::new(0) }
    }

    pub(crate) fn note(&self, micros: u64) {
        let place = self.bounds.partition_point(|bound| *bound < micros);
        if let Some(count) = self.counts.get(place) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.micros.fetch_add(micros, Ordering::Relaxed);
    }

    /// What it has now. Each number only grows, and the sum of all buckets is the count.
    fn times(&self) -> Times {
        let mut count = 0;
        let mut upto = |bucket: &AtomicU64| {
            count += bucket.load(Ordering::Relaxed);
            count
        };
        let counts: Vec<u64> = self.counts.iter().map(&mut upto).collect();
        let buckets = self.bounds.iter().copied().zip(counts).collect();
        Times { buckets, count, micros: self.micros.load(Ordering::Relaxed) }
    }
}

/// Times by how it was decided.
#[derive(Debug)]
pub struct Timed([Histogram; 6]);

impl Timed {
    pub(crate) fn new(bounds: &'static [u64]) -> Self {
        Self(Decided::ALL.map(|_| Histogram::new(bounds)))
    }

    pub(crate) fn note(&self, decided: Decided, micros: u64) {
        if let Some(histogram) = self.0.get(decided as usize) {
            histogram.note(micros);
        }
    }

    /// By each decision.
    pub fn iter(&self) -> impl Iterator<Item = (Decided, Times)> {
        Decided::ALL.into_iter().zip(self.0.iter().map(Histogram::times))
    }
}

#[cfg(test)]
mod tests {
    use law::{Factor, Refusal};

    use super::*;

    #[test]
    fn a_time_is_in_the_first_bucket_that_it_is_not_above() {
        let histogram = Histogram::new(&[100, 1000]);
        [0, 100, 101, 1000, 1001, u64::from(u32::MAX)].into_iter().for_each(|micros| histogram.note(micros));
        let times = histogram.times();
        assert_eq!(times.buckets, [(100, 2), (1000, 4)]);
        assert_eq!((times.count, times.micros), (6, 2202 + u64::from(u32::MAX)));
    }

    #[test]
    fn decisions_stand_at_the_place_of_their_value_and_are_told_as_the_command_line_does() {
        let timed = Timed::new(&[1]);
        for (place, decided) in Decided::ALL.into_iter().enumerate() {
            assert_eq!(place, decided as usize);
            (0..=place).for_each(|_| timed.note(decided, 0));
        }
        let counted: Vec<u64> = timed.iter().map(|(_, times)| times.count).collect();
        assert_eq!(counted, [1, 2, 3, 4, 5, 6]);
        for verdict in [
            Verdict::Permit,
            Verdict::WouldAsk(Factor::Person.into()),
            Verdict::WouldRefuse(Refusal::Revoked),
            Verdict::Challenge(Factor::Person.into()),
            Verdict::Refuse(Refusal::Revoked),
        ] {
            let word = Decided::of(verdict, false).word();
            assert_eq!(word.parse(), Ok(record::VerdictKind::of(verdict)));
        }
        assert_eq!(Decided::of(Verdict::Permit, true), Decided::Approved);
    }
}

//! How much an issued key may be used, and how much of that is used up. Pure: the time is an
//! argument, and nothing is kept but numbers.

use std::{collections::BTreeMap, fmt, str::FromStr};

use jiff::{SignedDuration, Timestamp};
use law::{Power, Powers, Span};
use serde::{Deserialize, Serialize};

/// What is counted, and over what time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Measure {
    /// Calls in a minute.
    CallsAMinute,
    /// Calls in a day.
    CallsADay,
    /// Items of lists in the answers of a day.
    RowsADay,
    /// Bytes of the answers of a day.
    BytesADay,
}

/// One limit of an issued key, written `calls 60/m`, `spend calls 20/d`, `rows 10000/d` or
/// `export bytes 50000000/d`: of all calls, or of those with one power.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Limit {
    /// Only calls with this power count.
    pub power: Option<Power>,
    /// What is counted.
    pub measure: Measure,
    /// How much there may be.
    pub most: u64,
}

/// A limit that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no limit; write `calls 60/m`, `calls 1000/d`, `rows 10000/d` or `bytes 50000000/d`, with a power before it where only that counts, such as `spend calls 20/d`"
)]
pub struct LimitError(String);

impl Measure {
    const ALL: [Self; 4] = [Self::CallsAMinute, Self::CallsADay, Self::RowsADay, Self::BytesADay];

    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::CallsAMinute => ("calls", "m"),
            Self::CallsADay => ("calls", "d"),
            Self::RowsADay => ("rows", "d"),
            Self::BytesADay => ("bytes", "d"),
        }
    }

    /// How long the time is over which it is counted.
    pub const fn window(self) -> Span {
        match self {
            Self::CallsAMinute => Span::minutes(1),
            Self::CallsADay | Self::RowsADay | Self::BytesADay => Span::days(1),
        }
    }

    const fn is_of_calls(self) -> bool {
        matches!(self, Self::CallsAMinute | Self::CallsADay)
    }
}

impl Limit {
    /// A word for headers, such as `spend-calls-d`.
    pub fn name(&self) -> String {
        let (what, unit) = self.measure.words();
        let power = self.power.map_or_else(String::new, |power| format!("{power}-"));
        format!("{power}{what}-{unit}")
    }

    fn counts(&self, powers: Powers) -> bool {
        self.power.is_none_or(|power| powers.contains(power))
    }
}

impl FromStr for Limit {
    type Err = LimitError;

    fn from_str(text: &str) -> Result<Self, LimitError> {
        let error = || LimitError(text.to_owned());
        let words: Vec<&str> = text.split_whitespace().collect();
        let (power, what, amount) = match words.as_slice() {
            [what, amount] => (None, *what, *amount),
            [power, what, amount] => (Some(power.parse().map_err(|_| error())?), *what, *amount),
            _ => return Err(error()),
        };
        let (most, unit) = amount.split_once('/').ok_or_else(error)?;
        let measure = Measure::ALL.into_iter().find(|measure| measure.words() == (what, unit)).ok_or_else(error)?;
        if most.is_empty() || !most.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(error());
        }
        Ok(Self { power, measure, most: most.parse().map_err(|_| error())? })
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, unit) = self.measure.words();
        if let Some(power) = self.power {
            write!(f, "{power} ")?;
        }
        write!(f, "{what} {}/{unit}", self.most)
    }
}

impl TryFrom<String> for Limit {
    type Error = LimitError;

    fn try_from(text: String) -> Result<Self, LimitError> {
        text.parse()
    }
}

impl From<Limit> for String {
    fn from(limit: Limit) -> Self {
        limit.to_string()
    }
}

/// What one key has used up.
#[derive(Debug, Default)]
pub struct Meter(BTreeMap<(Option<Power>, Measure), Window>);

/// A time over which is counted. It begins with the first call after the one before has ended.
#[derive(Clone, Copy, Debug)]
struct Window {
    began: Timestamp,
    used: u64,
}

/// A limit that is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exhausted {
    /// Which.
    pub limit: Limit,
    /// When there is room again, from now.
    pub again: Span,
}

impl Meter {
    /// Whether a call with these powers fits. Counts nothing.
    ///
    /// What an answer takes is known when it has gone: the call that goes over a limit of rows
    /// or bytes passes, the next does not.
    ///
    /// # Errors
    /// With the limit that has room again last.
    pub fn check(&self, limits: &[Limit], powers: Powers, now: Timestamp) -> Result<(), Exhausted> {
        let full = |limit: &Limit| {
            let (used, again) = self.window(limit, now);
            (used >= limit.most).then_some(Exhausted { limit: *limit, again })
        };
        let counting = limits.iter().filter(|limit| limit.counts(powers));
        counting.filter_map(full).max_by_key(|full| full.again).map_or(Ok(()), Err)
    }

    /// Counts a call that passes.
    pub fn take(&mut self, limits: &[Limit], powers: Powers, now: Timestamp) {
        for limit in limits.iter().filter(|limit| limit.measure.is_of_calls() && limit.counts(powers)) {
            self.add(limit, 1, now);
        }
    }

    /// Counts what an answer took.
    pub fn took(&mut self, limits: &[Limit], powers: Powers, rows: u64, bytes: u64, now: Timestamp) {
        for limit in limits.iter().filter(|limit| limit.counts(powers)) {
            match limit.measure {
                Measure::RowsADay => self.add(limit, rows, now),
                Measure::BytesADay => self.add(limit, bytes, now),
                Measure::CallsAMinute | Measure::CallsADay => {}
            }
        }
    }

    fn add(&mut self, limit: &Limit, amount: u64, now: Timestamp) {
        let (used, _) = self.window(limit, now);
        let fresh = Window { began: now, used: 0 };
        let window = self.0.entry((limit.power, limit.measure)).or_insert(fresh);
        if used == 0 {
            *window = fresh;
        }
        window.used = window.used.saturating_add(amount);
    }

    /// What is used up at this moment, and how long the window still lasts.
    fn window(&self, limit: &Limit, now: Timestamp) -> (u64, Span) {
        let length = limit.measure.window();
        let whole = SignedDuration::from(length);
        let Some(window) = self.0.get(&(limit.power, limit.measure)) else { return (0, length) };
        let age = now.duration_since(window.began);
        // A clock that was set back a little opens no new window; by far, it must.
        if age.abs() >= whole {
            return (0, length);
        }
        let left = whole.saturating_sub(age).as_millis().div_euclid(1000) + 1;
        (window.used, Span::seconds(u32::try_from(left).map_or(length.as_secs(), |left| left.min(length.as_secs()))))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn limits(texts: &[&str]) -> Vec<Limit> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    const READ: Powers = Powers::NONE.with(Power::Read);
    const SPEND: Powers = Powers::NONE.with(Power::Spend);

    #[test]
    fn limits_read_back_as_written() {
        for text in ["calls 60/m", "calls 1000/d", "spend calls 20/d", "rows 10000/d", "export bytes 50000000/d"] {
            assert_eq!(text.parse::<Limit>().unwrap().to_string(), text);
        }
        assert_eq!("spend calls 20/d".parse::<Limit>().unwrap().name(), "spend-calls-d");
        for text in
            ["", "calls", "calls 60", "calls 60/h", "rows 60/m", "calls -1/d", "calls /d", "fly calls 1/d", "a b c d"]
        {
            assert_eq!(text.parse::<Limit>(), Err(LimitError(text.to_owned())), "{text}");
        }
    }

    #[test]
    fn a_full_window_says_when_there_is_room_again() {
        let limits = limits(&["calls 2/m", "calls 3/d"]);
        let mut meter = Meter::default();
        for second in [0, 10] {
            assert_eq!(meter.check(&limits, READ, at(second)), Ok(()));
            meter.take(&limits, READ, at(second));
        }
        let full = meter.check(&limits, READ, at(20)).unwrap_err();
        assert_eq!((full.limit, full.again), (limits[0], Span::seconds(41)));
        assert_eq!(meter.check(&limits, READ, at(60)), Ok(()));
        meter.take(&limits, READ, at(60));
        assert_eq!(meter.check(&limits, READ, at(61)).unwrap_err().limit, limits[1], "the longer wait is said");
        assert_eq!(meter.check(&limits, READ, at(86_400)), Ok(()));
    }

    #[test]
    fn what_answers_take_counts_for_the_next_call() {
        let limits = limits(&["rows 100/d", "export bytes 1000/d"]);
        let mut meter = Meter::default();
        meter.took(&limits, READ, 99, 5_000, at(0));
        assert_eq!(meter.check(&limits, READ, at(1)), Ok(()), "bytes count for exports only");
        meter.took(&limits, READ, 1, 0, at(1));
        assert_eq!(meter.check(&limits, READ, at(2)).unwrap_err().limit, limits[0]);
    }

    #[test]
    fn a_power_has_its_own_limit() {
        let limits = limits(&["spend calls 1/d"]);
        let mut meter = Meter::default();
        meter.take(&limits, SPEND, at(0));
        assert_eq!(meter.check(&limits, READ, at(1)), Ok(()));
        assert!(meter.check(&limits, SPEND.with(Power::Read), at(1)).is_err());
    }

    #[test]
    fn a_clock_that_is_set_back_gives_no_more() {
        let limits = limits(&["calls 1/d"]);
        let mut meter = Meter::default();
        meter.take(&limits, READ, at(100));
        assert!(meter.check(&limits, READ, at(0)).is_err());
        assert_eq!(meter.check(&limits, READ, at(100 - 86_400)), Ok(()), "nor does it last for ever");
    }

    proptest! {
        #[test]
        fn no_window_lets_more_pass_than_it_may(steps in prop::collection::vec(0_i64..40, 1..60), most in 0_u64..5) {
            let limits = [Limit { power: None, measure: Measure::CallsAMinute, most }];
            let (mut meter, mut now, mut passed) = (Meter::default(), 0, Vec::new());
            for step in steps {
                now += step;
                if meter.check(&limits, READ, at(now)).is_ok() {
                    meter.take(&limits, READ, at(now));
                    passed.push(now);
                }
            }
            // Two windows meet in any minute, never three.
            for begin in &passed {
                let within = passed.iter().filter(|at| (*begin..begin + 60).contains(at)).count() as u64;
                prop_assert!(within <= 2 * most);
            }
        }
    }
}

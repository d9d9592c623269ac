//! What leaves in answers to issued keys is taken from their limits before it goes on: many
//! answers at once, or a long one, take no more than the limits say.

mod rows;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use authority::{Exhausted, Key, Limited, Volume};
use http::{HeaderName, HeaderValue, Method, header::RETRY_AFTER, response};
use jiff::Timestamp;
use law::{CallId, Power, Powers, Refusal};

use crate::{Problem, swap::Unswapped, toll::rows::Rows};

const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// Why a call does not go on, or its answer does not.
#[derive(Debug)]
pub(crate) enum Kept {
    /// For a reason that is a row of its own.
    Refused(Refusal),
    /// A limit of an issued key has no room for it.
    Exhausted(Exhausted),
    /// A credential that it brings could not be swapped.
    Unswapped(Unswapped),
}

impl From<Refusal> for Kept {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Unswapped> for Kept {
    fn from(why: Unswapped) -> Self {
        Self::Unswapped(why)
    }
}

impl Kept {
    /// The row of the table.
    pub(crate) const fn refusal(&self) -> Refusal {
        match self {
            Self::Refused(refusal) => *refusal,
            Self::Exhausted(_) => Refusal::LimitReached,
            Self::Unswapped(_) => Refusal::MintedKept,
        }
    }

    /// The reason in words.
    pub(crate) fn why(&self) -> String {
        match self {
            Self::Unswapped(why) => why.to_string(),
            Self::Refused(_) | Self::Exhausted(_) => self.refusal().says().to_owned(),
        }
    }

    /// The answer; where a limit has no room, with the fields that say which and for how long.
    pub(crate) fn problem(&self, call: CallId) -> Problem {
        let problem = Problem::new(self.refusal(), call);
        let Exhausted { limit, left, again } = match self {
            Self::Exhausted(exhausted) => exhausted,
            Self::Unswapped(why) => return problem.detail(format!("the answer was kept back: {why}")),
            Self::Refused(_) => return problem,
        };
        let (name, most, window, again) = (limit.name(), limit.most, limit.measure.window().as_secs(), again.as_secs());
        let fields = [
            (RATE_LIMIT_POLICY, format!("\"{name}\";q={most};w={window}")),
            (RATE_LIMIT, format!("\"{name}\";r={left};t={again}")),
            (RETRY_AFTER, again.to_string()),
        ];
        let problem = problem.detail(match left {
            0 => format!("the key may have {limit}, and has had them"),
            _ => format!("the key may have {limit}; {left} are left, and the answer has more: ask for less at a time"),
        });
        fields.into_iter().fold(problem, |problem, (name, value)| match HeaderValue::try_from(value) {
            Ok(value) => problem.header(name, value),
            Err(_) => problem,
        })
    }
}

/// An issued key and the keys above it, whose limits count, too.
pub(crate) type Line = Vec<Arc<Key>>;

/// What issued keys have used up since the gate started.
#[derive(Default)]
pub(crate) struct Meters(Mutex<authority::Meters>);

impl Meters {
    fn lock(&self) -> MutexGuard<'_, authority::Meters> {
        // Numbers that are counted up cannot be left half-changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn check(&self, line: &Line, powers: Powers, now: Timestamp) -> Result<(), Exhausted> {
        self.lock().check(&limited(line), powers, now)
    }

    /// Counts a call on its key and those above it, unless one of them has no room.
    pub(crate) fn take(&self, line: &Line, powers: Powers, now: Timestamp) -> Result<(), Exhausted> {
        self.lock().take(&limited(line), powers, now)
    }
}

fn limited(line: &Line) -> Vec<Limited<'_>> {
    line.iter()
        .filter_map(|key| Some((key.counted_as(), key.issued()?.limits.as_slice())))
        .filter(|(_, limits)| !limits.is_empty())
        .collect()
}

/// Takes what one answer needs from the limits of its keys.
pub(crate) struct Toll {
    meters: Arc<Meters>,
    line: Line,
    powers: Powers,
    /// The act has happened at the API by the time its answer comes: that it did is said.
    owed: bool,
    counts_rows: bool,
    rows: Option<Rows>,
    /// Bytes that were paid before they went, and when.
    ahead: (u64, Timestamp),
}

impl Toll {
    /// Nothing where no limit of rows or bytes counts for these powers.
    pub(crate) fn new(meters: &Arc<Meters>, line: Line, powers: Powers, method: &Method) -> Option<Self> {
        let limited = limited(&line);
        let counting = || limited.iter().flat_map(|(_, limits)| *limits).filter(|limit| limit.counts(powers));
        if !counting().any(|limit| limit.measure.is_of_volume()) {
            return None;
        }
        let counts_rows = counting().any(|limit| limit.measure == authority::Measure::RowsADay);
        let only_looks = Powers::NONE.with(Power::Read).with(Power::Export).is_superset(powers) && !powers.is_empty();
        Some(Self {
            meters: Arc::clone(meters),
            owed: !method.is_safe() && !only_looks,
            line,
            powers,
            counts_rows,
            rows: None,
            ahead: (0, Timestamp::UNIX_EPOCH),
        })
    }

    /// The act has happened by the time the answer comes, although its method is a safe one.
    pub(crate) const fn owe(&mut self) {
        self.owed = true;
    }

    /// An answer begins, of this length where that is known, or whole where it was read.
    ///
    /// # Errors
    /// Where it does not fit, or its rows cannot be counted and its operation is sensitive.
    /// Never for what has happened at the API: whoever is told that it did not does it again.
    ///
    /// Rows are those of what was asked for: an error has none, and is counted in bytes like
    /// every answer.
    pub(crate) fn begins(
        &mut self,
        parts: &response::Parts,
        length: Option<u64>,
        whole: Option<&[u8]>,
    ) -> Result<(), Kept> {
        if self.counts_rows && parts.status.is_success() && length != Some(0) {
            let rows = Rows::of(&parts.headers);
            if self.powers.is_sensitive() && !self.owed && !rows.can_count() {
                return Err(Refusal::RowsUncounted.into());
            }
            self.rows = Some(rows);
        }
        let Some(bytes) = length.filter(|_| !self.owed) else { return Ok(()) };
        let rows = match (whole, self.rows.take()) {
            (Some(whole), Some(mut rows)) => rows.pass(whole),
            (None, rows) => {
                self.rows = rows;
                0
            }
            (Some(_), None) => 0,
        };
        let now = Timestamp::now();
        self.pay(Volume { rows, bytes }, now).map_err(Kept::Exhausted)?;
        self.ahead = (bytes, now);
        Ok(())
    }

    /// A piece is about to go on.
    ///
    /// # Errors
    /// Where it does not fit; then it must not.
    pub(crate) fn pass(&mut self, piece: &[u8]) -> Result<(), Exhausted> {
        let rows = self.rows.as_mut().map_or(0, |rows| rows.pass(piece));
        let size = piece.len() as u64;
        let paid = size.min(self.ahead.0);
        self.pay(Volume { rows, bytes: size - paid }, Timestamp::now())?;
        self.ahead.0 -= paid;
        Ok(())
    }

    fn pay(&self, volume: Volume, now: Timestamp) -> Result<(), Exhausted> {
        if volume == Volume::default() {
            return Ok(());
        }
        self.meters.lock().pay(&limited(&self.line), self.powers, volume, self.owed, now)
    }
}

impl Drop for Toll {
    /// What the answer did not need is free for others.
    fn drop(&mut self) {
        let (bytes, taken) = self.ahead;
        if bytes > 0 {
            let volume = Volume { rows: 0, bytes };
            self.meters.lock().give_back(&limited(&self.line), self.powers, volume, taken);
        }
    }
}

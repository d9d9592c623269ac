//! What is told of a disk that takes nothing: once when it begins, once when it gets worse, and
//! once when it has been well again for a while.

use jiff::{SignedDuration, Timestamp};

/// So long a disk takes everything before it counts as mended: one that comes and goes is one trouble.
const SETTLED: SignedDuration = SignedDuration::from_mins(5);

/// How much is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Degree {
    /// What is sensitive is refused.
    Failing,
    /// It has lasted: everything is refused.
    Closed,
}

/// What there is to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum News {
    Worse(Degree),
    Mended,
}

/// What was told of one disk.
#[derive(Debug, Default)]
pub(crate) struct Trouble {
    told: Option<Degree>,
    well_since: Option<Timestamp>,
}

impl Trouble {
    /// How it stands now; what of that is new.
    pub(crate) fn is(&mut self, degree: Option<Degree>, now: Timestamp) -> Option<News> {
        let Some(degree) = degree else {
            self.told?;
            let since = *self.well_since.get_or_insert(now);
            if now.duration_since(since) < SETTLED {
                return None;
            }
            *self = Self::default();
            return Some(News::Mended);
        };
        self.well_since = None;
        if self.told.is_some_and(|told| told >= degree) {
            return None;
        }
        self.told = Some(degree);
        Some(News::Worse(degree))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trouble_is_told_once_by_degree_and_what_comes_and_goes_is_one() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut trouble = Trouble::default();
        let (failing, closed) = (Some(Degree::Failing), Some(Degree::Closed));
        let seen = [
            (0, None, None),
            (1, failing, Some(News::Worse(Degree::Failing))),
            (2, failing, None),
            (3, None, None),
            (200, failing, None),
            (300, closed, Some(News::Worse(Degree::Closed))),
            (301, failing, None),
            (302, None, None),
            (601, None, None),
            (602, None, Some(News::Mended)),
            (603, None, None),
            (604, failing, Some(News::Worse(Degree::Failing))),
        ];
        for (second, degree, news) in seen {
            assert_eq!(trouble.is(degree, at(second)), news, "at {second}");
        }
    }
}

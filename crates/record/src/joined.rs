//! Calls with their outcomes, and counting them.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use law::{Call, CallId, Outcome};

use crate::{Damage, Entry, Reader};

/// A call and what became of it. Where its credential became known by it, it is that key's.
#[derive(Clone, Debug, PartialEq)]
pub struct Joined {
    /// The call.
    pub call: Call,
    /// What became of it; `None` where it is not known, or not yet.
    pub outcome: Option<Outcome>,
}

/// Brings calls and their outcomes together, in the order in which calls end.
///
/// Holds the calls that have not ended, at most 32,768: beyond that the oldest is given out
/// without its outcome.
#[derive(Debug, Default)]
pub struct Joiner {
    open: HashMap<CallId, (u64, Call)>,
    /// The open calls in their order.
    order: BTreeMap<u64, CallId>,
    taken: u64,
    without_call: u64,
}

const MOST_OPEN: usize = 32 * 1024;

impl Joiner {
    /// Takes the next entry. Gives a call that has ended, or one that was open for too long.
    pub fn take(&mut self, entry: Entry) -> Option<Joined> {
        match entry {
            Entry::Call(call) => self.open(call),
            Entry::Outcome(outcome) => match self.open.remove(&outcome.call) {
                Some((number, mut call)) => {
                    self.order.remove(&number);
                    call.key = call.key.or(outcome.learned);
                    Some(Joined { call, outcome: Some(outcome) })
                }
                None => {
                    self.without_call += 1;
                    None
                }
            },
            Entry::Gap(_) | Entry::Removed(_) => None,
        }
    }

    /// The calls that have not ended, oldest first.
    pub fn still_open(&mut self) -> impl Iterator<Item = Joined> + use<'_> {
        std::iter::from_fn(|| self.oldest())
    }

    /// How many outcomes came for calls that are not there: they began before the time that is
    /// being read, were given out already, or were lost.
    pub fn without_call(&self) -> u64 {
        self.without_call
    }

    fn open(&mut self, call: Call) -> Option<Joined> {
        let full = self.open.len() >= MOST_OPEN && !self.open.contains_key(&call.id);
        let oldest = if full { self.oldest() } else { None };
        self.taken += 1;
        self.order.insert(self.taken, call.id);
        let before = self.open.insert(call.id, (self.taken, call));
        // Ids are unique. Where one is not, neither call is swallowed.
        let twin = before.map(|(number, call)| {
            self.order.remove(&number);
            Joined { call, outcome: None }
        });
        oldest.or(twin)
    }

    fn oldest(&mut self) -> Option<Joined> {
        let (_, id) = self.order.pop_first()?;
        let (_, call) = self.open.remove(&id)?;
        Some(Joined { call, outcome: None })
    }
}

/// Calls with their outcomes, in the order in which they ended; at the end those that have not.
pub struct JoinedCalls {
    reader: Reader,
    joiner: Joiner,
    at_end: bool,
}

impl JoinedCalls {
    pub(crate) fn new(reader: Reader) -> Self {
        Self { reader, joiner: Joiner::default(), at_end: false }
    }
}

impl Iterator for JoinedCalls {
    type Item = Result<Joined, Damage>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.at_end {
            match self.reader.next() {
                Some(Ok(entry)) => {
                    if let Some(joined) = self.joiner.take(entry) {
                        return Some(Ok(joined));
                    }
                }
                Some(Err(damage)) => return Some(Err(damage)),
                None => self.at_end = true,
            }
        }
        self.joiner.oldest().map(Ok)
    }
}

/// How often a group was seen, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tally {
    /// How many calls.
    pub calls: u64,
    /// When first.
    pub first: Timestamp,
    /// When last.
    pub last: Timestamp,
    /// The last of them.
    pub example: CallId,
}

/// Calls counted in groups, one after another as they are read.
#[derive(Clone, Debug)]
pub struct Tallies<K>(BTreeMap<K, Tally>);

impl<K: Ord> Tallies<K> {
    /// Counts one call in a group.
    pub fn note(&mut self, group: K, call: &Call) {
        let fresh = Tally { calls: 0, first: call.at, last: call.at, example: call.id };
        let tally = self.0.entry(group).or_insert(fresh);
        tally.calls += 1;
        tally.first = tally.first.min(call.at);
        if call.at >= tally.last {
            (tally.last, tally.example) = (call.at, call.id);
        }
    }

    /// Each group with its count, in the order of groups.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &Tally)> {
        self.0.iter()
    }
}

impl<K> Default for Tallies<K> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn a_call_comes_with_its_outcome_however_much_lies_between() {
        let mut joiner = Joiner::default();
        let calls: Vec<Call> = (0..100).map(testing::call).collect();
        for call in &calls {
            assert_eq!(joiner.take(Entry::Call(call.clone())), None);
        }
        for call in calls.iter().rev().take(99) {
            let joined = joiner.take(Entry::Outcome(testing::outcome(call))).unwrap();
            assert_eq!((&joined.call, joined.outcome), (call, Some(testing::outcome(call))));
        }
        let left: Vec<Joined> = joiner.still_open().collect();
        assert_eq!(left, [Joined { call: testing::call(0), outcome: None }]);
    }

    #[test]
    fn calls_that_never_end_are_given_out_and_do_not_fill_the_memory() {
        let mut joiner = Joiner::default();
        let given: Vec<Joined> =
            (0..MOST_OPEN as u64 + 3).filter_map(|number| joiner.take(Entry::Call(testing::call(number)))).collect();
        assert_eq!(
            given.iter().map(|joined| &joined.call).collect::<Vec<_>>(),
            (0..3).map(testing::call).collect::<Vec<_>>().iter().collect::<Vec<_>>()
        );
        assert_eq!(joiner.take(Entry::Outcome(testing::outcome(&testing::call(0)))), None);
        assert_eq!(joiner.without_call(), 1);
        assert_eq!(joiner.still_open().count(), MOST_OPEN);
    }

    #[test]
    fn a_call_whose_id_comes_twice_swallows_nobody() {
        let mut joiner = Joiner::default();
        joiner.take(Entry::Call(testing::call(1)));
        let twin = Call { user_agent: Some("twin".into()), ..testing::call(1) };
        let first = joiner.take(Entry::Call(twin.clone())).unwrap();
        assert_eq!(first, Joined { call: testing::call(1), outcome: None });
        assert_eq!(joiner.take(Entry::Outcome(testing::outcome(&twin))).unwrap().call, twin);
        assert_eq!(joiner.still_open().count(), 0);
    }

    #[test]
    fn groups_are_counted_with_their_first_and_last() {
        let mut tallies = Tallies::default();
        for number in [5, 3, 9, 4] {
            tallies.note(number % 2 == 0, &testing::call(number));
        }
        let odd =
            Tally { calls: 3, first: testing::call(3).at, last: testing::call(9).at, example: testing::call(9).id };
        assert_eq!(
            tallies.iter().map(|(group, tally)| (*group, tally.calls)).collect::<Vec<_>>(),
            [(false, 3), (true, 1)]
        );
        assert_eq!(tallies.iter().next(), Some((&false, &odd)));
    }
}

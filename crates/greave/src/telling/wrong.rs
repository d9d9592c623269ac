//! Wrong codes, counted by person: a storm of them is told once, and once an hour while it goes on.

use std::{
    collections::{BTreeSet, HashMap},
    net::IpAddr,
};

use authority::{Heard, Hearing};
use jiff::{SignedDuration, Timestamp};
use law::HolderId;

/// So many wrong codes are told.
const MANY: u64 = 5;
/// In such a time; and so long nothing more is told of the same person.
const HOUR: SignedDuration = SignedDuration::from_hours(1);
/// Sources that are named.
const NAMED: usize = 8;

/// The wrong codes of an hour, by person.
#[derive(Default)]
pub(super) struct WrongCodes(HashMap<HolderId, Storm>);

/// Wrong codes for one person.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Storm {
    /// How many, those that came too early to be looked at among them.
    pub(super) count: u64,
    pub(super) since: Timestamp,
    /// From where, the first of them; others are not named.
    pub(super) sources: BTreeSet<IpAddr>,
    /// Whether some came from the gate's host, or from somebody who had signed in.
    pub(super) inside: bool,
    told: bool,
}

impl WrongCodes {
    /// Counts one. Gives the storm when it is to be told.
    pub(super) fn hear(&mut self, heard: &Heard) -> Option<Storm> {
        if heard.what != Hearing::Wrong {
            return None;
        }
        let new = || Storm { count: 0, since: heard.at, sources: BTreeSet::new(), inside: false, told: false };
        let storm = self.0.entry(heard.person).or_insert_with(new);
        if heard.at.duration_since(storm.since) >= HOUR {
            *storm = new();
        }
        storm.count = storm.count.saturating_add(1);
        match heard.source {
            Some(source) if storm.sources.len() < NAMED => {
                storm.sources.insert(source);
            }
            Some(_) => {}
            None => storm.inside = true,
        }
        if storm.count < MANY || std::mem::replace(&mut storm.told, true) {
            return None;
        }
        Some(storm.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_storm_of_wrong_codes_is_told_once_an_hour_for_each_person() {
        let start = Timestamp::UNIX_EPOCH;
        let mut codes = WrongCodes::default();
        let mut wrong = |person, second: i64| {
            let source = Some(IpAddr::from([192, 0, 2, 7]));
            let at = start + SignedDuration::from_secs(second);
            codes.hear(&Heard { person: HolderId(person), source, at, what: Hearing::Wrong })
        };
        let told: Vec<i64> = (0..3600).filter(|second| wrong(1, *second).is_some()).collect();
        assert_eq!(told, [4]);
        assert!((0..4).all(|second| wrong(2, second).is_none()), "four are a slip of the finger");
        let again: Vec<i64> = (3600..7200).filter(|second| wrong(1, *second).is_some()).collect();
        assert_eq!(again, [3604]);
    }
}

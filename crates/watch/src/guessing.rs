//! Who shows credentials that nobody knows: from one block many different ones. No key is
//! concerned, until one works that was never used there.

use std::net::IpAddr;

use jiff::Timestamp;
use law::{CallId, Evidence, Finding, KeyId, Severity};

use crate::{
    habit::{Distinct, HOUR, Minute},
    source::{Place, block_in_words, mix},
    state::{Watch, minute},
};

/// So many different ones of one case are told.
pub(crate) const MANY: u32 = 20;

/// Blocks are remembered in rows. Who comes into a full row takes the place of whoever showed
/// least in it: ever new sources wash out each other, and nobody who goes on.
const ROWS: usize = 512;
const IN_A_ROW: usize = 8;

/// Keys that worked are named up to so many in a case.
const MOST_WORKED: usize = 16;

/// So many cases are told within an hour.
const MOST_TOLD: u32 = 12;

/// What all that is remembered of who guesses takes at most, in bytes, however many sources there are.
pub const MOST_BYTES_OF_GUESSES: usize =
    ROWS * (size_of::<Row>() + IN_A_ROW * (size_of::<Case>() + MOST_WORKED * size_of::<KeyId>()));

/// A credential that was shown, and that nobody knows.
#[derive(Clone, Copy, Debug)]
pub struct Guess {
    /// The call that showed it.
    pub call: Option<CallId>,
    /// Where it came from.
    pub source: IpAddr,
    /// A keyed digest of it. Where a log has none, each call counts as another credential.
    pub credential: Option<u32>,
}

/// One block that shows credentials which nobody knows, as people see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guesser {
    /// Such as `192.0.2.0/24`.
    pub block: String,
    /// The address that showed the last one.
    pub source: IpAddr,
    /// How many different ones: by an estimate from some hundred on, of at most some 3,000.
    pub credentials: u32,
    /// How many calls.
    pub tries: u32,
    /// The first call, to the minute.
    pub since: Timestamp,
    /// The last one, to the minute.
    pub last: Timestamp,
    /// Keys that worked there and were never used there before.
    pub worked: Vec<KeyId>,
}

/// It lasts as long as no hour is without one.
#[derive(Clone, Debug)]
struct Case {
    block: u32,
    since: Minute,
    last: Minute,
    tries: u32,
    shown: Distinct,
    source: IpAddr,
    told: bool,
    worked: Vec<KeyId>,
    /// Whether different ones are told apart; where not, it may be one program with an old key.
    apart: bool,
}

type Row = Vec<Case>;

/// All of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Guesses {
    /// None until somebody guesses.
    rows: Box<[Row]>,
    /// Calls that showed such a credential, since the start.
    calls: u64,
    hour: Minute,
    told_this_hour: u32,
}

impl Guesses {
    fn row(&mut self, block: u32, salt: u32) -> Option<&mut Row> {
        // Who cannot foresee the row cannot fill it.
        self.rows.get_mut(mix(block ^ salt) as usize % ROWS)
    }

    /// The case of this block, where there is one at this moment.
    fn case(&mut self, block: u32, salt: u32, now: Minute) -> Option<&mut Case> {
        self.row(block, salt)?.iter_mut().find(|case| case.block == block && case.goes_on(now))
    }

    /// How many different ones came from there, where they are many.
    pub(crate) fn of(&mut self, block: u32, salt: u32, now: Minute) -> u32 {
        let credentials = self.case(block, salt, now).map_or(0, |case| case.credentials());
        if credentials >= MANY { credentials } else { 0 }
    }

    fn note(&mut self, guess: &Guess, block: u32, salt: u32, now: Minute) -> &mut Case {
        self.calls = self.calls.saturating_add(1);
        if self.rows.is_empty() {
            self.rows = vec![Row::new(); ROWS].into();
        }
        let place = mix(block ^ salt) as usize % ROWS;
        #[expect(clippy::indexing_slicing, reason = "there are as many rows as the place can be")]
        let row = &mut self.rows[place];
        row.retain(|case| case.goes_on(now));
        let at = row.iter().position(|case| case.block == block).unwrap_or_else(|| {
            if row.len() >= IN_A_ROW {
                let says = |(_, case): &(usize, &Case)| (case.credentials(), case.last);
                let least = row.iter().enumerate().min_by_key(says).map_or(0, |(place, _)| place);
                row.swap_remove(least);
            }
            row.reserve_exact(1);
            row.push(Case::begin(block, guess.source, now));
            row.len() - 1
        });
        // INVARIANT: `at` lies within: it was found, or just made.
        #[expect(clippy::indexing_slicing, reason = "it was found, or just made")]
        let case = &mut row[at];
        case.note(guess, now);
        case
    }

    /// What it takes in memory.
    pub(crate) fn bytes(&self) -> usize {
        let of_case = |case: &Case| case.worked.capacity() * size_of::<KeyId>();
        let of_row =
            |row: &Row| size_of::<Row>() + row.capacity() * size_of::<Case>() + row.iter().map(of_case).sum::<usize>();
        self.rows.iter().map(of_row).sum()
    }

    /// Whether one more case may be told within this hour, and whether it is the last.
    fn may_tell(&mut self, now: Minute) -> Option<bool> {
        if self.hour != now / HOUR {
            (self.hour, self.told_this_hour) = (now / HOUR, 0);
        }
        self.told_this_hour = self.told_this_hour.saturating_add(1);
        (self.told_this_hour <= MOST_TOLD).then_some(self.told_this_hour == MOST_TOLD)
    }
}

impl Case {
    fn begin(block: u32, source: IpAddr, now: Minute) -> Self {
        let shown = Distinct::default();
        Self { block, since: now, last: now, tries: 0, shown, source, told: false, worked: Vec::new(), apart: false }
    }

    /// How many different ones: no more than there were calls.
    fn credentials(&self) -> u32 {
        self.shown.count().min(self.tries)
    }

    const fn goes_on(&self, now: Minute) -> bool {
        now.saturating_sub(self.last) <= HOUR
    }

    fn note(&mut self, guess: &Guess, now: Minute) {
        self.tries = self.tries.saturating_add(1);
        self.apart |= guess.credential.is_some();
        self.shown.note(mix(guess.credential.unwrap_or(self.tries)));
        (self.last, self.source) = (now, guess.source);
    }

    fn in_words(&self) -> String {
        let Self { since, tries, source, .. } = self;
        let what = match (self.apart, self.credentials()) {
            (true, many) => format!("{many} different credentials that nobody knows, in {tries} calls,"),
            (false, _) => format!("{tries} calls with credentials that nobody knows"),
        };
        let (block, since) = (block_in_words(*source), at(*since));
        format!("{what} came from {block} since {since:.0}, the last from {source}")
    }
}

fn at(minute: Minute) -> Timestamp {
    Timestamp::from_second(i64::from(minute) * 60).unwrap_or_default()
}

impl Watch {
    /// Notes a credential that nobody knows and that did not work. Told once a case: it is
    /// nobody's key, and whoever calls from there with a key that is at home there goes on.
    pub fn guessed(&self, guess: &Guess, now: Timestamp) -> Option<Finding> {
        if self.is_off("guessing") {
            return None;
        }
        let (block, minute) = (Place::of(guess.source, None).block, minute(now));
        let mut guesses = self.guesses.lock();
        let case = guesses.note(guess, block, self.salt, minute);
        if case.told || case.credentials() < MANY {
            return None;
        }
        case.told = true;
        let what = case.in_words();
        let severity = if case.apart { Severity::Warning } else { Severity::Info };
        let is_last = guesses.may_tell(minute)?;
        let finding = Finding::new("guessing", severity, None, Evidence { at: now, call: guess.call, what });
        let more = "more sources that do so are not told within this hour: `greave watch` shows them".to_owned();
        let more = is_last.then_some(Evidence { at: now, call: None, what: more });
        Some(more.into_iter().fold(finding, Finding::and))
    }

    /// A key works that was never used there. Where somebody guesses there it may be what they
    /// were looking for: told once for each such key, and worse than guessing.
    pub fn works(&self, key: KeyId, (call, source): (Option<CallId>, IpAddr), now: Timestamp) -> Option<Finding> {
        if self.is_off("guessing") {
            return None;
        }
        let (block, minute) = (Place::of(source, None).block, minute(now));
        let mut guesses = self.guesses.lock();
        let case = guesses.case(block, self.salt, minute).filter(|case| case.credentials() >= MANY)?;
        if case.worked.contains(&key) || case.worked.len() >= MOST_WORKED {
            return None;
        }
        case.worked.reserve_exact(1);
        case.worked.push(key);
        let what =
            format!("{key} works from {source}, where it was never used before: it may have been found by trying");
        let severity = if case.apart { Severity::Critical } else { Severity::Warning };
        let finding = Finding::new("guessing", severity, Some(key), Evidence { at: now, call, what });
        Some(finding.and(Evidence { at: now, call: None, what: case.in_words() }))
    }

    /// Who guesses at this moment, whoever showed most first.
    pub fn guessers(&self, now: Timestamp) -> Vec<Guesser> {
        let minute = minute(now);
        let guesses = self.guesses.lock();
        let many = |case: &&Case| case.goes_on(minute) && case.credentials() >= MANY;
        let view = |case: &Case| Guesser {
            block: block_in_words(case.source),
            source: case.source,
            credentials: case.credentials(),
            tries: case.tries,
            since: at(case.since),
            last: at(case.last),
            worked: case.worked.clone(),
        };
        let mut guessers: Vec<Guesser> = guesses.rows.iter().flatten().filter(many).map(view).collect();
        guessers.sort_by_key(|guesser| (std::cmp::Reverse(guesser.credentials), guesser.since));
        guessers
    }

    /// How many calls showed a credential that nobody knows, since the start.
    pub fn guesses(&self) -> u64 {
        self.guesses.lock().calls
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn now() -> Timestamp {
        "2026-03-02T09:00:00Z".parse().unwrap()
    }

    fn guess(source: impl Into<IpAddr>, credential: u32) -> Guess {
        Guess { call: None, source: source.into(), credential: Some(credential) }
    }

    const THIEF: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 66);

    #[test]
    fn twenty_different_ones_are_told_once_and_one_again_and_again_never() {
        let watch = Watch::salted(7);
        assert!((0..500).all(|_| watch.guessed(&guess(THIEF, 1), now()).is_none()), "a program with an old key");
        let told: Vec<Finding> = (2..200).filter_map(|number| watch.guessed(&guess(THIEF, number), now())).collect();
        let [finding] = told.as_slice() else { panic!("{told:?}") };
        assert_eq!((finding.severity, finding.key), (Severity::Warning, None));
        let what = &finding.evidence().next().unwrap().what;
        assert!(what.contains("203.0.113.0/24") && what.contains("20 different"), "{what}");
        let later = now() + jiff::SignedDuration::from_mins(62);
        let again = (0..40).filter(|number| watch.guessed(&guess(THIEF, *number), later).is_some()).count();
        assert_eq!(again, 1, "an hour of silence ends a case");
        let seen = watch.guessers(later).first().map(|guesser| (guesser.credentials, guesser.tries)).unwrap();
        assert!((35..=40).contains(&seen.0) && seen.1 == 40, "no more credentials than calls: {seen:?}");
    }

    #[test]
    fn a_key_that_works_from_there_is_named_once_and_from_elsewhere_never() {
        let watch = Watch::salted(7);
        let works = |key, source: Ipv4Addr| watch.works(KeyId(key), (None, source.into()), now());
        (0..19).for_each(|number| drop(watch.guessed(&guess(THIEF, number), now())));
        assert!(works(9, THIEF).is_none(), "few are no case");
        (19..50).for_each(|number| drop(watch.guessed(&guess(THIEF, number), now())));
        let finding = works(9, Ipv4Addr::new(203, 0, 113, 67)).unwrap();
        assert_eq!((finding.severity, finding.key), (Severity::Critical, Some(KeyId(9))));
        assert!(works(9, THIEF).is_none(), "once");
        assert!(works(8, Ipv4Addr::new(192, 0, 2, 1)).is_none());
        assert_eq!(watch.guessers(now()).first().unwrap().worked, [KeyId(9)]);
    }

    #[test]
    fn a_million_sources_take_no_more_memory_and_hide_nobody_who_goes_on() {
        let watch = Watch::salted(7);
        (0..MANY - 1).for_each(|number| assert!(watch.guessed(&guess(THIEF, number), now()).is_none()));
        for number in 0..1_000_000_u32 {
            let source = Ipv4Addr::from_bits(0x0b00_0000 + number * 256);
            assert!(watch.guessed(&guess(source, number), now()).is_none());
        }
        let bytes = watch.bytes_of_guesses();
        assert!(bytes <= MOST_BYTES_OF_GUESSES, "{bytes} of {MOST_BYTES_OF_GUESSES}");
        // What docs/watch.md says.
        const { assert!(MOST_BYTES_OF_GUESSES < 1_200_000) };
        assert!(watch.guessed(&guess(THIEF, 77), now()).is_some(), "what was seen stays");
    }

    #[test]
    fn no_flood_of_guessers_is_a_flood_of_findings() {
        let watch = Watch::salted(7);
        let mut told = Vec::new();
        for block in 0..200_u32 {
            let source = Ipv4Addr::from_bits(0x0b00_0000 + block * 256);
            told.extend((0..40).filter_map(|number| watch.guessed(&guess(source, number), now())));
        }
        assert_eq!(told.len(), MOST_TOLD as usize);
        let last = told.last().unwrap().evidence().last().unwrap().what.clone();
        assert!(last.contains("greave watch"), "{last}");
        assert_eq!(watch.guessers(now()).len(), 200, "people see them all");
    }

    #[test]
    fn who_turns_it_off_is_told_nothing() {
        let watch = Watch::salted(7);
        watch.without(["guessing"]);
        assert!((0..40).all(|number| watch.guessed(&guess(THIEF, number), now()).is_none()));
    }
}

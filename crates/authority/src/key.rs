//! A key as the authority knows it.

use std::{
    net::IpAddr,
    num::NonZeroU64,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
};

use arc_swap::ArcSwapOption;
use jiff::Timestamp;
use law::{HolderId, KeyId, Refusal, Span, Standing};
use serde::Serialize;

use crate::{Ceiling, Limit, PepperId, Scope, Verifier, change::Claim, ending};

/// A moment that no clock reaches.
pub(crate) const NEVER: i64 = i64::MAX;

/// A key as the authority knows it. Never changed: a change makes a new one in its place,
/// so that a request in flight sees one state of it, whole.
///
/// Gates hold millions of them: what few keys have stands apart, what many keys have alike is
/// shared, and moments are microseconds since 1970.
#[derive(Debug)]
pub struct Key {
    /// Its name in the ledger.
    pub id: KeyId,
    /// The address it was first seen from.
    pub first_source: IpAddr,
    /// Where it stands.
    pub standing: Standing,
    /// Whether codes are still taken from its requests' headers.
    pub header_closed: bool,
    pub(crate) verifier: Verifier,
    pub(crate) pepper: PepperId,
    /// Holders are numbered from 1.
    holder: Option<NonZeroU64>,
    alike: Arc<Alike>,
    born: i64,
    /// The earliest of all ends that bind it.
    end: i64,
    rare: Option<Box<Rare>>,
    /// What falls of what is in flight, once another state of the key took this one's place:
    /// [`WARY`], [`ALL`]; and that it was [`NARROWED`]. Bits are only ever set.
    fallen: AtomicU8,
    /// The state that took this one's place: what is in flight may hold one that was replaced
    /// several times before the key fell.
    newer: ArcSwapOption<Self>,
}

/// The key no longer works.
const ALL: u8 = 1;
/// What is sensitive or not usual of it no longer passes.
const WARY: u8 = 2;
/// Another ceiling binds the key: what is above that no longer passes.
const NARROWED: u8 = 4;
/// It is known by other spellings of its secret as well. Beside the others, since a key has no
/// byte left; unlike them, the next state of the key has it, too.
const FOLDED: u8 = 8;

/// What many keys have alike: one for all of them.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Alike {
    pub(crate) place: Box<str>,
    pub(crate) scopes: Option<Box<str>>,
}

/// What few keys have.
#[derive(Clone, Debug, Default)]
struct Rare {
    parent: Option<KeyId>,
    claim: Option<Arc<Claim>>,
    name: Option<Box<str>>,
    issued: Option<Arc<Issued>>,
    stands_for: Option<Arc<StandsFor>>,
    /// Since when it does not work.
    stopped: Option<Timestamp>,
    ends: Ends,
    turn: Option<Box<Turn>>,
    ceilings: Vec<Arc<Ceiling>>,
    /// Whether it rehearses a theft: no call with it reaches the API.
    drill: bool,
}

/// What is behind the end of a key, in microseconds since 1970.
#[derive(Clone, Debug)]
struct Ends {
    /// The end that a person said, and beside it the one that the upstream told. Where no
    /// person said one, the upstream's is the key's own.
    said: i64,
    told: i64,
    /// For so long it goes on whatever was said or told.
    put_off: i64,
    /// When that end was said.
    said_at: i64,
    /// The latest end of which it was noted that it has come: no earlier one is to come any more.
    over: i64,
    /// What was done about the end.
    done: Option<Box<ending::Done>>,
}

/// What a key has to do with the one before or after it.
#[derive(Clone, Debug)]
struct Turn {
    /// Until when it works since its successor has taken over.
    grace: i64,
    /// The key whose place it takes, and whether it waits for its first use to do so.
    of: Option<KeyId>,
    waits: bool,
    /// The first key of the row: what all of them use counts together.
    first: Option<KeyId>,
}

impl Default for Turn {
    fn default() -> Self {
        Self { grace: NEVER, of: None, waits: false, first: None }
    }
}

impl Default for Ends {
    fn default() -> Self {
        Self { said: NEVER, told: NEVER, put_off: i64::MIN, said_at: i64::MIN, over: i64::MIN, done: None }
    }
}

/// The credential of the API for which an issued key stands: an operation made it.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct StandsFor {
    /// The operation.
    pub operation: String,
    /// What the API calls the credential, where its answer said so.
    pub upstream: Option<String>,
}

/// What a key that Greave issued may be used for, and how much.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Issued {
    /// What for.
    pub scope: Scope,
    /// How much.
    pub limits: Vec<Limit>,
}

impl Key {
    #[expect(clippy::too_many_arguments, reason = "one row of the ledger, taken apart in one place")]
    pub(crate) fn adopted(
        id: KeyId,
        (verifier, pepper): (Verifier, PepperId),
        alike: Arc<Alike>,
        born: Timestamp,
        first_source: IpAddr,
        holder: Option<HolderId>,
        parent: Option<KeyId>,
        claim: Option<Arc<Claim>>,
    ) -> Self {
        Self {
            id,
            first_source,
            standing: Standing::Active,
            header_closed: false,
            verifier,
            pepper,
            holder: holder.and_then(number),
            alike,
            born: born.as_microsecond(),
            end: NEVER,
            rare: (parent.is_some() || claim.is_some()).then(|| Box::new(Rare { parent, claim, ..Rare::default() })),
            fallen: AtomicU8::new(0),
            newer: ArcSwapOption::empty(),
        }
    }

    /// Another state of the same key.
    pub(crate) fn changed(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut key = Self {
            id: self.id,
            first_source: self.first_source,
            standing: self.standing,
            header_closed: self.header_closed,
            verifier: self.verifier,
            pepper: self.pepper,
            holder: self.holder,
            alike: Arc::clone(&self.alike),
            born: self.born,
            end: self.end,
            rare: self.rare.clone(),
            fallen: AtomicU8::new(self.fallen.load(Ordering::Acquire) & FOLDED),
            newer: ArcSwapOption::empty(),
        };
        change(&mut key);
        key
    }

    /// Whether it is known by other spellings of its secret as well.
    pub fn is_folded(&self) -> bool {
        self.fallen.load(Ordering::Acquire) & FOLDED != 0
    }

    pub(crate) fn set_folded(&mut self, folded: bool) {
        let fallen = self.fallen.get_mut();
        *fallen = if folded { *fallen | FOLDED } else { *fallen & !FOLDED };
    }

    /// Who has it, where that is known.
    pub fn holder(&self) -> Option<HolderId> {
        self.holder.map(|number| HolderId(number.get()))
    }

    /// The key that minted it, where that was seen.
    pub fn parent(&self) -> Option<KeyId> {
        self.rare.as_ref()?.parent
    }

    /// What people call it.
    pub fn name(&self) -> Option<&str> {
        self.rare.as_ref()?.name.as_deref()
    }

    /// Where it travels, such as `header authorization, scheme bearer`.
    pub fn place(&self) -> &str {
        &self.alike.place
    }

    /// What the upstream says it may do, separated by spaces.
    pub fn scopes(&self) -> Option<&str> {
        self.alike.scopes.as_deref()
    }

    /// What its issuer's tokens say of it, where it is known by that.
    pub fn claim(&self) -> Option<&Claim> {
        self.rare.as_ref()?.claim.as_deref()
    }

    /// What it may be used for, where Greave issued it.
    pub fn issued(&self) -> Option<&Arc<Issued>> {
        self.rare.as_ref()?.issued.as_ref()
    }

    /// The API's credential that an operation made and that this key stands for. Other issued
    /// keys stand for the gate's own, or for that of a key above them.
    pub fn stands_for(&self) -> Option<&StandsFor> {
        self.rare.as_ref()?.stands_for.as_deref()
    }

    /// What narrows it, beside the scope that it was issued with; the oldest first.
    pub fn ceilings(&self) -> &[Arc<Ceiling>] {
        self.rare.as_ref().map_or(&[], |rare| rare.ceilings.as_slice())
    }

    pub(crate) fn set_ceilings(&mut self, change: impl FnOnce(&mut Vec<Arc<Ceiling>>)) {
        change(&mut self.rare.get_or_insert_default().ceilings);
    }

    /// Whether it is the key of a drill. No call with it reaches the API, and nothing that it does
    /// counts for anybody else.
    pub fn is_drill(&self) -> bool {
        self.rare.as_ref().is_some_and(|rare| rare.drill)
    }

    pub(crate) fn set_drill(&mut self, name: &str, end: Timestamp) {
        self.set_name(name);
        self.say_end(end, self.born());
        self.rare.get_or_insert_default().drill = true;
    }

    /// When it was first seen.
    pub fn born(&self) -> Timestamp {
        Timestamp::from_microsecond(self.born).unwrap_or(Timestamp::MIN)
    }

    /// When it ends, where that is known: for an issued key by what was said of it, by the
    /// longest that the operator allows, and by the keys above it, whichever is first.
    pub fn end(&self) -> Option<Timestamp> {
        // Only NEVER is out of a timestamp's range.
        Timestamp::from_microsecond(self.end).ok()
    }

    fn turn(&self) -> Option<&Turn> {
        self.rare.as_ref()?.turn.as_deref()
    }

    fn turn_mut(&mut self) -> &mut Turn {
        self.rare.get_or_insert_default().turn.get_or_insert_default()
    }

    /// The key whose successor it is.
    pub fn predecessor(&self) -> Option<KeyId> {
        self.turn()?.of
    }

    /// Whether it is a successor that nobody has used yet: its first use retires the key before it.
    pub fn awaits_first_use(&self) -> bool {
        self.turn().is_some_and(|turn| turn.waits)
    }

    /// Under whose name its use is counted: a key and its successors have one count.
    pub fn counted_as(&self) -> KeyId {
        self.turn().and_then(|turn| turn.first).unwrap_or(self.id)
    }

    /// Until when it works since its successor has taken over.
    pub(crate) fn grace(&self) -> i64 {
        self.turn().map_or(NEVER, |turn| turn.grace)
    }

    pub(crate) fn set_grace(&mut self, until: Timestamp) {
        self.turn_mut().grace = until.as_microsecond();
    }

    pub(crate) fn succeed(&mut self, of: KeyId, first: KeyId) {
        let turn = self.turn_mut();
        (turn.of, turn.first, turn.waits) = (Some(of), Some(first), true);
    }

    pub(crate) fn first_used(&mut self) {
        self.turn_mut().waits = false;
    }

    /// The end that was said or told of it, whatever else binds it.
    pub(crate) fn own_end(&self) -> i64 {
        self.ends_apart().map_or(self.end, |ends| ends.said.min(ends.told))
    }

    /// The end that the upstream told.
    fn told_end(&self) -> i64 {
        self.ends_apart().map_or(self.end, |ends| ends.told)
    }

    /// What was said and told stands apart where `end` can differ from it.
    fn ends_apart(&self) -> Option<&Ends> {
        let ends = &self.rare.as_ref()?.ends;
        (ends.said != NEVER || ends.put_off != i64::MIN).then_some(ends)
    }

    /// Until when it goes on whatever was said or told of it; `i64::MIN` where it does not.
    pub(crate) fn put_off_until(&self) -> i64 {
        self.rare.as_ref().map_or(i64::MIN, |rare| rare.ends.put_off)
    }

    /// Until when it goes on beyond its end, where that was put off.
    pub fn put_off_to(&self) -> Option<Timestamp> {
        Timestamp::from_microsecond(self.put_off_until()).ok()
    }

    /// The distances at which people were told of its present end.
    pub fn warned(&self) -> &[Span] {
        self.done().map_or(&[], ending::Done::warned)
    }

    /// Whether it was noted that this end has come, or a later one.
    pub fn is_over(&self, end: Timestamp) -> bool {
        self.rare.as_ref().is_some_and(|rare| rare.ends.over >= end.as_microsecond())
    }

    pub(crate) fn note_over(&mut self, end: Timestamp) {
        let ends = &mut self.rare.get_or_insert_default().ends;
        ends.over = ends.over.max(end.as_microsecond());
    }

    /// Since when its end could be known: its birth, or when a person named one.
    pub fn end_known_since(&self) -> Timestamp {
        let said_at = self.rare.as_ref().map_or(i64::MIN, |rare| rare.ends.said_at);
        Timestamp::from_microsecond(self.born.max(said_at)).unwrap_or(Timestamp::MAX)
    }

    fn done(&self) -> Option<&ending::Done> {
        self.rare.as_ref()?.ends.done.as_deref().filter(|done| done.is_of(self.end))
    }

    /// Since when it has been disabled or revoked, where it is: of both the first.
    pub fn stopped(&self) -> Option<Timestamp> {
        self.rare.as_ref()?.stopped
    }

    /// Whether what this key has in flight must be cut: it was disabled or revoked since the
    /// request was judged, or has ended by now.
    pub fn has_fallen(&self, now: impl FnOnce() -> Timestamp) -> bool {
        self.has_fallen_for(false, now)
    }

    /// The same, for what is sensitive or not usual: it is cut where it would be refused by now.
    pub fn has_fallen_for(&self, wary: bool, now: impl FnOnce() -> Timestamp) -> bool {
        let falls = if wary { ALL | WARY } else { ALL };
        let fell = |key: &Self| key.fallen.load(Ordering::Acquire) & falls != 0;
        if fell(self) {
            return true;
        }
        let Some(mut key) = self.newer.load_full() else { return self.has_ended(now) };
        loop {
            if fell(&key) {
                return true;
            }
            let Some(newer) = key.newer.load_full() else { return key.has_ended(now) };
            key = newer;
        }
    }

    /// The key as it stands now, where that is not this state of it.
    pub fn newest(&self) -> Option<Arc<Self>> {
        let newest = std::iter::successors(self.newer.load_full(), |key| key.newer.load_full());
        newest.last()
    }

    /// The key as it stands now, where it was narrowed since: what is in flight is held against
    /// its ceilings again.
    pub fn narrowed_since(&self) -> Option<Arc<Self>> {
        let was_narrowed = |key: &Self| key.fallen.load(Ordering::Acquire) & NARROWED != 0;
        let mut newest = self.newer.load_full()?;
        let mut narrowed = was_narrowed(self);
        while let Some(newer) = newest.newer.load_full() {
            narrowed |= was_narrowed(&newest);
            newest = newer;
        }
        narrowed.then_some(newest)
    }

    fn has_ended(&self, now: impl FnOnce() -> Timestamp) -> bool {
        self.end != NEVER && now().as_microsecond() >= self.end
    }

    /// Why the key itself does not work, if it does not. That its holder left is not the key's.
    pub fn refusal(&self, now: Timestamp) -> Option<Refusal> {
        match self.standing {
            Standing::Disabled => Some(Refusal::Disabled),
            Standing::Revoked => Some(Refusal::Revoked),
            Standing::Retired => Some(Refusal::Retired),
            Standing::Retiring => self.has_ended(|| now).then_some(Refusal::Retired),
            Standing::Active => self.has_ended(|| now).then_some(Refusal::Ended),
        }
    }

    pub(crate) fn fall(&self) {
        self.fallen.fetch_or(ALL, Ordering::Release);
    }

    pub(crate) fn fall_wary(&self) {
        self.fallen.fetch_or(WARY, Ordering::Release);
    }

    pub(crate) fn mark_narrowed(&self) {
        self.fallen.fetch_or(NARROWED, Ordering::Release);
    }

    /// Another state of the key takes this one's place.
    pub(crate) fn replaced_by(&self, newer: &Arc<Self>) {
        // Once: the state puts each key's states one behind the other.
        self.newer.store(Some(Arc::clone(newer)));
    }

    /// Where it stands from this moment on.
    pub(crate) fn stand(&mut self, standing: Standing, at: Timestamp) {
        match (self.standing.works(), standing.works()) {
            (true, false) => self.rare.get_or_insert_default().stopped = Some(at),
            (false, true) => self.rare.get_or_insert_default().stopped = None,
            (true, true) | (false, false) => {}
        }
        self.standing = standing;
    }

    pub(crate) fn set_holder(&mut self, holder: HolderId) {
        self.holder = number(holder);
    }

    pub(crate) fn set_name(&mut self, name: &str) {
        self.rare.get_or_insert_default().name = Some(name.into());
    }

    pub(crate) fn set_issued(&mut self, issued: Issued, end: Timestamp) {
        self.rare.get_or_insert_default().issued = Some(Arc::new(issued));
        self.say_end(end, self.born());
    }

    pub(crate) fn set_stands_for(&mut self, stands_for: StandsFor) {
        self.rare.get_or_insert_default().stands_for = Some(Arc::new(stands_for));
    }

    /// A person said when it ends. What the upstream told still counts; that it was put off
    /// does not.
    pub(crate) fn say_end(&mut self, said: Timestamp, at: Timestamp) {
        let (said, told) = (said.as_microsecond(), self.told_end());
        let ends = &mut self.rare.get_or_insert_default().ends;
        (ends.said, ends.told, ends.put_off, ends.said_at) = (said, told, i64::MIN, at.as_microsecond());
        self.end = said.min(told);
    }

    /// What the upstream says of it. That it says no end takes none away that a person said.
    pub(crate) fn set_bounds(&mut self, alike: Arc<Alike>, end: Option<Timestamp>) {
        self.alike = alike;
        let told = end.map_or(NEVER, Timestamp::as_microsecond);
        let apart = self.ends_apart().is_some();
        self.end = match &mut self.rare {
            Some(rare) if apart => {
                rare.ends.told = told;
                told.min(rare.ends.said).max(rare.ends.put_off)
            }
            _ => told,
        };
    }

    /// It goes on until then, whatever was said or told of it.
    pub(crate) fn put_off(&mut self, until: Timestamp) {
        let (told, until) = (self.told_end(), until.as_microsecond());
        let ends = &mut self.rare.get_or_insert_default().ends;
        (ends.told, ends.put_off) = (told, until);
        self.end = ends.said.min(told).max(until);
    }

    /// What was done about this end.
    pub(crate) fn done_about(&mut self, end: Timestamp) -> &mut ending::Done {
        let end = end.as_microsecond();
        let done = self.rare.get_or_insert_default().ends.done.get_or_insert_default();
        if !done.is_of(end) {
            **done = ending::Done::of(end);
        }
        done
    }

    /// The earliest of all ends that bind it, in microseconds since 1970.
    pub(crate) const fn bind_to(&mut self, end: i64) {
        self.end = end;
    }

    pub(crate) const fn binding_end(&self) -> i64 {
        self.end
    }

    pub(crate) const fn born_at(&self) -> i64 {
        self.born
    }
}

const fn number(holder: HolderId) -> Option<NonZeroU64> {
    NonZeroU64::new(holder.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_when_a_key_has_not_worked_is_kept_until_it_works_again() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let alike = Arc::new(Alike { place: "authorization:bearer".into(), scopes: None });
        let (pepper, verifier) = crate::Peppers::new((PepperId(1), &[1; 32]), None)
            .verifier(&crate::SecretDigest::of(b"a secret of a test"));
        let from = "192.0.2.1".parse().unwrap();
        let key = Key::adopted(KeyId(1), (verifier, pepper), alike, at(0), from, None, None, None);
        assert!(key.stopped().is_none() && key.rare.is_none(), "a key that works takes no room for it");
        let disabled = key.changed(|key| key.stand(Standing::Disabled, at(1)));
        let revoked = disabled.changed(|key| key.stand(Standing::Revoked, at(2)));
        assert_eq!((revoked.standing, revoked.stopped()), (Standing::Revoked, Some(at(1))));
        let enabled = disabled.changed(|key| key.stand(Standing::Active, at(3)));
        assert_eq!((enabled.standing, enabled.stopped()), (Standing::Active, None));
    }

    #[test]
    fn a_key_and_the_counts_of_its_pointer_take_two_cache_lines() {
        assert!(size_of::<Key>() + 2 * size_of::<usize>() <= 128, "{}", size_of::<Key>());
    }
}

//! Asking for a key: a wish that waits for somebody who may say yes, and a yes that waits to be
//! collected. The key is made when it is collected, so that no secret waits anywhere. Pure.

use jiff::{SignedDuration, Timestamp};
use law::{HolderId, HolderKind, KeyId, Power, Powers, RequestId, Span};
use serde::{Deserialize, Serialize};

use crate::{
    Limit, Scope,
    change::Change,
    declined::Declined,
    state::{Holder, State},
};

/// Requests of one person that may be open at a time: more tire those who answer.
const MOST_OPEN: usize = 5;

/// How long a request is remembered.
const MEMORY: SignedDuration = SignedDuration::from_hours(24 * 90);

/// The longest reason, in bytes.
const LONGEST_REASON: usize = 1000;

/// What somebody asks a key for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wish {
    /// What to call it.
    pub name: Option<String>,
    /// Who would have it.
    pub holder: HolderId,
    /// What it would be used for.
    pub scope: Scope,
    /// How much it would be used.
    pub limits: Vec<Limit>,
    /// How long it would last from the day on which it is collected.
    pub lifetime: Span,
    /// Why, in the words of whoever asks.
    pub reason: String,
}

/// What was said yes to: the wish, or less.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Who said yes.
    pub by: HolderId,
    /// What for.
    pub scope: Scope,
    /// How much.
    pub limits: Vec<Limit>,
    /// How long the key lasts.
    pub lifetime: Span,
    /// Until when it must be collected.
    pub until: Timestamp,
}

/// A request and what became of it.
#[derive(Clone, Debug)]
pub struct Request {
    /// Its name in the ledger.
    pub id: RequestId,
    /// Who asked.
    pub by: HolderId,
    /// For what.
    pub wish: Wish,
    /// When.
    pub at: Timestamp,
    /// When it lapses.
    pub until: Timestamp,
    pub(crate) decided: Option<Decided>,
}

#[derive(Clone, Debug)]
pub(crate) enum Decided {
    Granted(Grant),
    Denied(String),
    Collected(KeyId),
}

/// Where a request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestState<'a> {
    /// Somebody who may must answer.
    Open,
    /// It waits to be collected.
    Granted(&'a Grant),
    /// Somebody said no, for this reason.
    Denied(&'a str),
    /// The key was made.
    Collected(KeyId),
    /// Nobody answered, or nobody collected it, in time.
    Lapsed,
}

impl Request {
    /// Where it stands at this moment.
    pub fn state(&self, now: Timestamp) -> RequestState<'_> {
        match &self.decided {
            None if now < self.until => RequestState::Open,
            Some(Decided::Granted(grant)) if now < grant.until => RequestState::Granted(grant),
            None | Some(Decided::Granted(_)) => RequestState::Lapsed,
            Some(Decided::Denied(why)) => RequestState::Denied(why),
            Some(Decided::Collected(key)) => RequestState::Collected(*key),
        }
    }

    /// Ends what waits.
    pub(crate) fn lapse(&mut self, at: Timestamp) {
        self.until = self.until.min(at);
        if let Some(Decided::Granted(grant)) = &mut self.decided {
            grant.until = grant.until.min(at);
        }
    }
}

/// Who may say yes beside administrators, to what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approver {
    /// The people, by name.
    pub people: Vec<String>,
    /// To keys with no other powers.
    pub powers: Powers,
    /// To keys that last no longer.
    pub longest: Option<Span>,
    /// For these holders, by name; for all where there are none.
    pub holders: Vec<String>,
}

/// What the operator says of requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestRules {
    /// How long a request waits for an answer.
    pub lapse: Span,
    /// How long a yes waits to be collected.
    pub collect: Span,
    /// Who may say yes; where nobody is named, an owner to reading and writing.
    pub approvers: Vec<Approver>,
}

impl Default for RequestRules {
    fn default() -> Self {
        Self { lapse: Span::days(7), collect: Span::days(1), approvers: Vec::new() }
    }
}

impl State {
    /// The requests of the last months.
    pub fn requests(&self) -> impl Iterator<Item = &Request> {
        self.requests.values()
    }

    /// One of them.
    pub fn request(&self, id: RequestId) -> Option<&Request> {
        self.requests.get(&id)
    }

    /// The people who may say yes to this request as it is.
    pub fn approvers(&self, request: &Request, rules: &RequestRules) -> Vec<HolderId> {
        let Wish { holder, scope, lifetime, .. } = &request.wish;
        let may = |person: &&Holder| self.may_grant(person, request.by, *holder, scope, *lifetime, rules);
        self.holders().filter(may).map(|person| person.id).collect()
    }

    /// Nobody says yes to what they asked for, or to a key of their own.
    fn may_grant(
        &self,
        person: &Holder,
        asker: HolderId,
        holder: HolderId,
        scope: &Scope,
        lifetime: Span,
        rules: &RequestRules,
    ) -> bool {
        if person.id == asker || person.id == holder || person.kind != HolderKind::Person || !person.can_prove() {
            return false;
        }
        if person.administrator {
            return true;
        }
        let Some(holder) = self.holder(holder) else { return false };
        if rules.approvers.is_empty() {
            let ordinary = Powers::NONE.with(Power::Read).with(Power::Write);
            return holder.owner == Some(person.id) && ordinary.is_superset(scope.powers);
        }
        let has = |names: &[String], name: &str| names.iter().any(|known| known.eq_ignore_ascii_case(name));
        rules.approvers.iter().any(|rule| {
            has(&rule.people, &person.name)
                && rule.powers.is_superset(scope.powers)
                && rule.longest.is_none_or(|longest| lifetime <= longest)
                && (rule.holders.is_empty() || has(&rule.holders, &holder.name))
        })
    }

    pub(crate) fn ask_for_key(
        &self,
        wish: &Wish,
        rules: &RequestRules,
        person: HolderId,
        now: Timestamp,
    ) -> Result<Change, Declined> {
        let asker = self.holder(person).ok_or_else(|| Declined::NoHolder(person.to_string()))?;
        let holder = self.holder(wish.holder).ok_or_else(|| Declined::NoHolder(wish.holder.to_string()))?;
        if holder.left {
            return Err(Declined::Left(holder.name.clone()));
        }
        if !self.answerers(holder.id).contains(&person) {
            return Err(Declined::NotTheirs(asker.name.clone(), holder.name.clone()));
        }
        self.check_wish(wish)?;
        let longest = self.lifetimes.longest;
        if wish.lifetime > longest {
            return Err(Declined::TooLong(longest));
        }
        let open = |request: &&Request| request.by == person && matches!(request.state(now), RequestState::Open);
        if self.requests().filter(open).count() >= MOST_OPEN {
            return Err(Declined::TooManyRequests(MOST_OPEN));
        }
        let (id, until) = (RequestId(self.last_request + 1), rules.lapse.after(now));
        Ok(Change::KeyRequested { id, person, wish: wish.clone(), until })
    }

    fn check_wish(&self, wish: &Wish) -> Result<(), Declined> {
        if wish.scope.powers.is_empty() {
            return Err(Declined::NoPowers);
        }
        if wish.reason.trim().is_empty() || wish.reason.len() > LONGEST_REASON {
            return Err(Declined::ReasonNeeded(LONGEST_REASON));
        }
        wish.name.as_deref().map_or(Ok(()), crate::propose::check_name)
    }

    pub(crate) fn grant(
        &self,
        id: RequestId,
        less: &Less,
        rules: &RequestRules,
        person: HolderId,
        now: Timestamp,
    ) -> Result<Change, Declined> {
        let request = self.open_request(id, now)?;
        let wish = &request.wish;
        let scope = less.scope.clone().unwrap_or_else(|| wish.scope.clone());
        if scope.powers.is_empty() {
            return Err(Declined::NoPowers);
        }
        scope.is_within(&wish.scope).map_err(Declined::WiderThanAsked)?;
        let lifetime = less.lifetime.unwrap_or(wish.lifetime);
        if lifetime > wish.lifetime {
            return Err(Declined::LongerThanAsked(wish.lifetime));
        }
        let known = self.holder(person).ok_or_else(|| Declined::NoHolder(person.to_string()))?;
        if person == request.by || person == wish.holder {
            return Err(Declined::OwnRequest(known.name.clone()));
        }
        if !self.may_grant(known, request.by, wish.holder, &scope, lifetime, rules) {
            return Err(Declined::MayNotGrant(known.name.clone()));
        }
        let limits = wish.limits.iter().chain(&less.limits).cloned().collect();
        let grant = Grant { by: person, scope, limits, lifetime, until: rules.collect.after(now) };
        Ok(Change::KeyRequestGranted { id, grant })
    }

    pub(crate) fn deny_request(
        &self,
        id: RequestId,
        why: &str,
        rules: &RequestRules,
        person: Option<HolderId>,
        now: Timestamp,
    ) -> Result<Change, Declined> {
        let request = self.request(id).ok_or(Declined::NoRequest(id))?;
        if !matches!(request.state(now), RequestState::Open | RequestState::Granted(_)) {
            return Err(Declined::RequestOver(id));
        }
        if let Some(person) = person {
            let holder = self.holder(person).ok_or_else(|| Declined::NoHolder(person.to_string()))?;
            let may = person == request.by || holder.administrator || self.approvers(request, rules).contains(&person);
            if !may {
                return Err(Declined::MayNotGrant(holder.name.clone()));
            }
        }
        Ok(Change::KeyRequestDenied { id, why: why.to_owned() })
    }

    /// What may be made for whoever collects it.
    pub(crate) fn collectable(
        &self,
        id: RequestId,
        rules: &RequestRules,
        person: HolderId,
        now: Timestamp,
    ) -> Result<(&Wish, &Grant), Declined> {
        let request = self.request(id).ok_or(Declined::NoRequest(id))?;
        if request.by != person {
            let name = self.holder(person).map(|holder| holder.name.clone()).unwrap_or_default();
            return Err(Declined::NotAsked(name));
        }
        let RequestState::Granted(grant) = request.state(now) else { return Err(Declined::NotGranted(id)) };
        let holder = request.wish.holder;
        // A yes counts no more when its person could not say it now; nor does a wish for somebody
        // else's key.
        let stands = self
            .holder(grant.by)
            .is_some_and(|by| self.may_grant(by, request.by, holder, &grant.scope, grant.lifetime, rules));
        let theirs = self.answerers(holder).contains(&person);
        if stands && theirs { Ok((&request.wish, grant)) } else { Err(Declined::NotGranted(id)) }
    }

    fn open_request(&self, id: RequestId, now: Timestamp) -> Result<&Request, Declined> {
        let request = self.request(id).ok_or(Declined::NoRequest(id))?;
        if matches!(request.state(now), RequestState::Open) { Ok(request) } else { Err(Declined::RequestOver(id)) }
    }

    pub(crate) fn requested(&mut self, id: RequestId, by: HolderId, wish: &Wish, until: Timestamp, at: Timestamp) {
        self.requests.retain(|_, known| known.at.saturating_add(MEMORY).is_ok_and(|end| end > at));
        self.last_request = self.last_request.max(id.0);
        self.requests.insert(id, Request { id, by, wish: wish.clone(), at, until, decided: None });
    }

    /// What somebody said yes to and nobody has collected is open again.
    pub(crate) fn take_back_grants(&mut self, by: HolderId) {
        let granted = |decided: &mut Decided| matches!(decided, Decided::Granted(grant) if grant.by == by);
        self.requests.values_mut().for_each(|request| drop(request.decided.take_if(granted)));
    }

    pub(crate) fn decide_request(&mut self, id: RequestId, decided: Decided) {
        if let Some(request) = self.requests.get_mut(&id) {
            request.decided = Some(decided);
        }
    }
}

/// What somebody takes away from a wish before they say yes.
#[derive(Clone, Debug, Default)]
pub struct Less {
    /// A narrower scope.
    pub scope: Option<Scope>,
    /// More limits.
    pub limits: Vec<Limit>,
    /// A shorter life.
    pub lifetime: Option<Span>,
}

#[cfg(test)]
mod tests {
    use factor::totp::Step;

    use super::*;
    use crate::{Actor, Written};

    const ANN: HolderId = HolderId(1);
    const BOB: HolderId = HolderId(2);
    const EVE: HolderId = HolderId(3);
    const CI: HolderId = HolderId(4);

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// What is written can be read, and is obeyed.
    fn write(state: &mut State, change: Change, at: Timestamp) {
        let text = serde_json::to_string(&Written::new(Actor::Operator, change)).unwrap();
        state.obey(&serde_json::from_str(&text).unwrap(), at);
    }

    /// Ann administers; Bob owns `ci`, and Eve is its deputy.
    fn company() -> State {
        let mut state = State::default();
        let (person, nobody) = (HolderKind::Person, Vec::new);
        for (id, name, kind, owner, deputies, administrator) in [
            (ANN, "ann", person, None, nobody(), true),
            (BOB, "bob", person, None, nobody(), false),
            (EVE, "eve", person, None, nobody(), false),
            (CI, "ci", HolderKind::Workload, Some(BOB), vec![EVE], false),
        ] {
            let name = name.to_owned();
            write(
                &mut state,
                Change::HolderAdded { id, name, kind, owner, deputies, mail: None, administrator },
                at(0),
            );
        }
        for holder in [ANN, BOB, EVE] {
            write(&mut state, Change::Enrolled { holder, step: Step(0), recovery: Vec::new() }, at(0));
        }
        state
    }

    fn wish(powers: &[Power], days: u32) -> Wish {
        let scope = Scope { powers: powers.iter().copied().collect(), operations: Vec::new(), sources: Vec::new() };
        let (limits, reason) = (Vec::new(), "a reason".to_owned());
        Wish { name: None, holder: CI, scope, limits, lifetime: Span::days(days), reason }
    }

    fn asked(state: &mut State, wish: &Wish, rules: &RequestRules) -> RequestId {
        let change = state.ask_for_key(wish, rules, EVE, at(1)).unwrap();
        write(state, change, at(1));
        RequestId(state.last_request)
    }

    #[test]
    fn who_may_say_yes_is_as_the_configuration_says_and_never_who_asked() {
        let by_rule = |longest, holders: &[&str]| RequestRules {
            approvers: vec![Approver {
                people: vec!["Bob".to_owned(), "eve".to_owned()],
                powers: Powers::NONE.with(Power::Spend),
                longest,
                holders: holders.iter().map(|name| (*name).to_owned()).collect(),
            }],
            ..RequestRules::default()
        };
        let usual = RequestRules::default();
        let (read, spend, both) = ([Power::Read], [Power::Spend], [Power::Read, Power::Spend]);
        for (powers, rules, people) in [
            (&read[..], usual.clone(), vec![ANN, BOB]),
            (&both, usual.clone(), vec![ANN]),
            (&spend, by_rule(None, &[]), vec![ANN, BOB]),
            (&read, by_rule(None, &[]), vec![ANN]),
            (&spend, by_rule(Some(Span::days(29)), &[]), vec![ANN]),
            (&spend, by_rule(Some(Span::days(30)), &["CI"]), vec![ANN, BOB]),
            (&spend, by_rule(None, &["other"]), vec![ANN]),
        ] {
            let mut state = company();
            let id = asked(&mut state, &wish(powers, 30), &rules);
            assert_eq!(state.approvers(state.request(id).unwrap(), &rules), people, "{powers:?} {rules:?}");
            for person in [ANN, BOB, EVE, CI] {
                let granted = state.grant(id, &Less::default(), &rules, person, at(2)).is_ok();
                assert_eq!(granted, people.contains(&person), "{person} {powers:?} {rules:?}");
            }
        }
    }

    #[test]
    fn what_nobody_answers_or_collects_in_time_is_over() {
        let (rules, mut state) = (RequestRules::default(), company());
        let day = 24 * 3600;
        let id = asked(&mut state, &wish(&[Power::Read], 30), &rules);
        assert_eq!(state.grant(id, &Less::default(), &rules, ANN, at(7 * day + 2)), Err(Declined::RequestOver(id)));
        let granted = state.grant(id, &Less::default(), &rules, BOB, at(2)).unwrap();
        write(&mut state, granted, at(2));
        assert!(state.collectable(id, &rules, EVE, at(day)).is_ok());
        assert!(state.collectable(id, &rules, EVE, at(day + 3)).is_err(), "a day has passed");
        assert!(state.collectable(id, &rules, ANN, at(3)).is_err(), "she did not ask");
        assert_eq!(state.grant(id, &Less::default(), &rules, ANN, at(3)), Err(Declined::RequestOver(id)));
        write(&mut state, Change::HolderLeft { id: BOB, keys_go_on: false }, at(4));
        assert_eq!(
            state.collectable(id, &rules, EVE, at(5)).err(),
            Some(Declined::NotGranted(id)),
            "who said yes has gone"
        );
        write(&mut state, Change::HolderReturned { id: BOB }, at(6));
        assert!(state.collectable(id, &rules, EVE, at(7)).is_ok());
        write(&mut state, Change::StateRestored { taken: at(7), newest_key: None }, at(8));
        assert!(state.collectable(id, &rules, EVE, at(9)).is_err(), "a yes from a backup may have been collected");
    }

    #[test]
    fn a_yes_counts_only_of_who_could_say_it_now_and_as_who_they_are_now() {
        let (rules, ann) = (RequestRules::default(), |administrator| Change::HolderChanged {
            id: ANN,
            kind: HolderKind::Person,
            owner: None,
            deputies: Vec::new(),
            mail: None,
            administrator,
        });
        let mut state = company();
        let id = asked(&mut state, &wish(&[Power::Spend], 30), &rules);
        let granted = state.grant(id, &Less::default(), &rules, ANN, at(2)).unwrap();
        write(&mut state, granted, at(2));
        write(&mut state, ann(false), at(3));
        assert_eq!(state.collectable(id, &rules, EVE, at(4)).err(), Some(Declined::NotGranted(id)));
        write(&mut state, ann(true), at(5));
        assert!(state.collectable(id, &rules, EVE, at(6)).is_ok());
        write(&mut state, Change::Enrolled { holder: ANN, step: Step(9), recovery: Vec::new() }, at(7));
        assert_eq!(state.collectable(id, &rules, EVE, at(8)).err(), Some(Declined::NotGranted(id)));
        assert!(state.grant(id, &Less::default(), &rules, ANN, at(9)).is_ok(), "it is open again");
    }

    #[test]
    fn one_person_has_so_many_open_requests() {
        let (rules, mut state) = (RequestRules::default(), company());
        let wish = wish(&[Power::Read], 1);
        let first = asked(&mut state, &wish, &rules);
        for _ in 1..MOST_OPEN {
            asked(&mut state, &wish, &rules);
        }
        let more = |state: &State| state.ask_for_key(&wish, &rules, EVE, at(2));
        assert_eq!(more(&state), Err(Declined::TooManyRequests(MOST_OPEN)));
        assert!(state.deny_request(first, "", &rules, Some(CI), at(2)).is_err(), "none of its business");
        let denied = state.deny_request(first, "mistaken", &rules, Some(EVE), at(2)).unwrap();
        write(&mut state, denied, at(2));
        assert!(more(&state).is_ok());
    }
}

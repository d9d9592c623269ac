//! The one function that decides.

use jiff::Timestamp;

use crate::{Answer, ByPower, Cell, Factor, Factors, HolderKind, KeyId, Law, MaxAge, Power, Powers, Refusal, Span};

/// How fresh a person's yes is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Freshness {
    /// There is none.
    #[default]
    Absent,
    /// It was given for another request of the same key, power and source, so long ago.
    Before(Span),
    /// It was given for this very request.
    ThisRequest,
}

impl Freshness {
    /// The fresher of two.
    #[must_use]
    pub fn fresher(self, other: Self) -> Self {
        match (self, other) {
            (Self::ThisRequest, _) | (_, Self::ThisRequest) => Self::ThisRequest,
            (Self::Before(one), Self::Before(other)) => Self::Before(one.min(other)),
            (Self::Absent, one) | (one, Self::Absent) => one,
        }
    }
}

/// What the caller has shown beside the secret.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Proof of the bound private key, made for this request.
    pub possession: bool,
    /// A mandate whose bounds hold for this request.
    pub mandate: bool,
    /// A person's yes. A yes to another request counts per power.
    pub person: ByPower<Freshness>,
    /// Another person's yes to this very request.
    pub second_person: bool,
}

impl Held {
    /// A person's yes to this very request.
    #[must_use]
    pub fn with_person(self) -> Self {
        Self { person: ByPower::from_fn(|_| Freshness::ThisRequest), ..self }
    }

    /// What is held and, for whatever is asked, a person's factor of this freshness. One that
    /// is fresher already stays.
    #[must_use]
    pub fn with_person_since(self, other: Freshness) -> Self {
        Self { person: ByPower::from_fn(|power| self.person[power].fresher(other)), ..self }
    }

    /// What is held and these factors, as fresh as can be.
    #[must_use]
    pub fn and(self, more: Factors) -> Self {
        let held = if more.contains(Factor::Person) { self.with_person() } else { self };
        Self {
            possession: held.possession || more.contains(Factor::Possession),
            mandate: held.mandate || more.contains(Factor::Mandate),
            second_person: held.second_person || more.contains(Factor::SecondPerson),
            person: held.person,
        }
    }

    /// The factors as the record names them; a yes that is too old for its guard still counts as shown.
    pub fn factors(&self, powers: Powers) -> Factors {
        let person = powers.iter().any(|power| self.person[power] != Freshness::Absent);
        [
            (Factor::Possession, self.possession),
            (Factor::Mandate, self.mandate),
            (Factor::Person, person),
            (Factor::SecondPerson, self.second_person),
        ]
        .into_iter()
        .filter_map(|(factor, shown)| shown.then_some(factor))
        .collect()
    }
}

/// Where a key stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// It works.
    #[default]
    Active,
    /// It works for its grace, which is its end: a successor has taken over.
    Retiring,
    /// It will never work again: its successor works.
    Retired,
    /// It does not work for now.
    Disabled,
    /// It will never work again.
    Revoked,
}

impl Standing {
    /// Whether a key that stands so works, as long as it has not ended.
    pub const fn works(self) -> bool {
        match self {
            Self::Active | Self::Retiring => true,
            Self::Retired | Self::Disabled | Self::Revoked => false,
        }
    }
}

/// What the law needs to know of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyFacts {
    /// The key.
    pub id: KeyId,
    /// The kind of its holder.
    pub kind: HolderKind,
    /// Where it stands.
    pub standing: Standing,
    /// When it ends, where that is known. It does not work from this moment on.
    pub end: Option<Timestamp>,
    /// Whether its holder has left.
    pub holder_left: bool,
    /// Whether a key above it does not work without which it does not work, either.
    pub parent_stopped: bool,
    /// The factors that could be shown for it: possession if it is bound to a private key,
    /// person if its owner, a deputy or the person itself is enrolled, second-person if two are.
    pub presentable: Factors,
}

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// A known key.
    Key(KeyFacts),
    /// A credential that the gate does not know, where the configuration says that it may learn.
    Unknown,
    /// A login's session. It passes as what it is: its person signed in at the upstream.
    Session,
    /// Nobody.
    Nobody,
}

/// One call as the gate understood it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Who asks.
    pub caller: Caller,
    /// What the operation lets its caller do. The empty set counts as every power.
    pub powers: Powers,
    /// Whether the document or the configuration lets anybody call it.
    pub open: bool,
    /// What was shown beside the secret.
    pub held: Held,
    /// What containments of the key say of it.
    pub contained: Answer,
    /// Now.
    pub at: Timestamp,
}

/// Proof that one attempt may pass. Only [`decide`] makes one, and forwarding consumes it.
///
/// ```compile_fail
/// // The fields are private: a permit cannot be forged.
/// let permit = law::Permit { would: None };
/// ```
/// ```compile_fail
/// // A permit is for one attempt: it cannot be copied.
/// fn twice(permit: law::Permit) -> (law::Permit, law::Permit) { (permit.clone(), permit) }
/// ```
#[must_use = "a permit is there to be forwarded"]
#[derive(Debug, PartialEq, Eq)]
pub struct Permit {
    would: Option<Would>,
}

/// What enforcing would have done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Would {
    Ask(Challenge),
    Refuse(Refusal),
}

impl Permit {
    /// What would have been asked if every guard were enforced.
    pub const fn would_ask(&self) -> Option<Challenge> {
        match self.would {
            Some(Would::Ask(challenge)) => Some(challenge),
            _ => None,
        }
    }

    /// How it would have been refused if every guard were enforced.
    pub const fn would_refuse(&self) -> Option<Refusal> {
        match self.would {
            Some(Would::Refuse(refusal)) => Some(refusal),
            _ => None,
        }
    }
}

/// What is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// The smallest set of factors that completes the guards, all of them presentable.
    pub missing: Factors,
    /// The powers whose guards do not hold yet.
    pub powers: Powers,
    /// How old the person's yes may be when the request comes again.
    pub person_age: MaxAge,
}

/// What becomes of an attempt.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub enum Decision {
    /// It passes.
    Permit(Permit),
    /// It passes when more is shown.
    Challenge(Challenge),
    /// It does not pass, whatever is shown.
    Refuse(Refusal),
}

/// Decides one attempt. Total: every attempt has an answer.
pub fn decide(law: &Law, attempt: &Attempt) -> Decision {
    let powers = if attempt.powers.is_empty() { Powers::EVERY } else { attempt.powers };
    match attempt.caller {
        Caller::Nobody if attempt.open => Decision::Permit(Permit { would: None }),
        Caller::Nobody => Decision::Refuse(Refusal::NoCredential),
        Caller::Session => Decision::Permit(Permit { would: None }),
        // Of an unknown key nobody can be asked: it passes where the secret is enough. Nor may it
        // become known by this call: a stranger's key would put a question to a person.
        Caller::Unknown => {
            let cells = law.of(HolderKind::Person);
            match judge(cells, powers, &Held::default(), Factors::NONE, false, attempt.at) {
                Decision::Refuse(_) => Decision::Refuse(Refusal::NotKnownYet),
                Decision::Permit(Permit { would: Some(Would::Refuse(_)) }) => {
                    Decision::Permit(Permit { would: Some(Would::Refuse(Refusal::NotKnownYet)) })
                }
                decision => decision,
            }
        }
        Caller::Key(key) => match stands(&key, attempt.at) {
            Err(refusal) => Decision::Refuse(refusal),
            Ok(()) if attempt.contained == Answer::Refuse => Decision::Refuse(Refusal::Contained),
            Ok(()) => {
                let asks = attempt.contained == Answer::Ask && !is_by_person(powers, &attempt.held);
                judge(law.of(key.kind), powers, &attempt.held, key.presentable, asks, attempt.at)
            }
        },
    }
}

/// Whether a person said yes to this very call.
fn is_by_person(powers: Powers, held: &Held) -> bool {
    powers.iter().all(|power| held.person[power] == Freshness::ThisRequest)
}

/// Whether the key works at all.
fn stands(key: &KeyFacts, at: Timestamp) -> Result<(), Refusal> {
    match key.standing {
        Standing::Revoked => Err(Refusal::Revoked),
        Standing::Disabled => Err(Refusal::Disabled),
        Standing::Retired => Err(Refusal::Retired),
        Standing::Retiring if key.end.is_some_and(|end| at >= end) => Err(Refusal::Retired),
        Standing::Active if key.end.is_some_and(|end| at >= end) => Err(Refusal::Ended),
        Standing::Active | Standing::Retiring if key.holder_left => Err(Refusal::HolderLeft),
        Standing::Active | Standing::Retiring if key.parent_stopped => Err(Refusal::ParentStopped),
        Standing::Active | Standing::Retiring => Ok(()),
    }
}

/// Holds the powers' guards against what was shown. Where a containment `asks`, it takes a
/// person's yes to this very call besides: whatever the guards' mode, and whatever was said yes
/// to before.
fn judge(
    cells: &ByPower<Cell>,
    powers: Powers,
    held: &Held,
    presentable: Factors,
    asks: bool,
    at: Timestamp,
) -> Decision {
    let open: Powers = powers.iter().filter(|power| !cells[*power].guard.holds(*power, held)).collect();
    if open.is_empty() && !asks {
        return Decision::Permit(Permit { would: None });
    }
    let enforced: Powers = open.iter().filter(|power| cells[*power].mode.enforces(at)).collect();
    if enforced.is_empty() && !asks {
        let would = match missing(cells, open, held, presentable, asks) {
            Some(challenge) => Would::Ask(challenge),
            None => Would::Refuse(Refusal::NobodyCanAnswer),
        };
        return Decision::Permit(Permit { would: Some(would) });
    }
    match missing(cells, enforced, held, presentable, asks) {
        Some(challenge) if asks => {
            Decision::Challenge(Challenge { powers, person_age: MaxAge::ThisRequest, ..challenge })
        }
        Some(challenge) => Decision::Challenge(challenge),
        None => Decision::Refuse(Refusal::NobodyCanAnswer),
    }
}

/// The smallest presentable set of factors that completes all the guards; of two that are
/// equally small, the one that troubles people less.
fn missing(cells: &ByPower<Cell>, powers: Powers, held: &Held, presentable: Factors, asks: bool) -> Option<Challenge> {
    let completes = |set: Factors| {
        let held = held.and(set);
        (!asks || set.contains(Factor::Person)) && powers.iter().all(|power| cells[power].guard.holds(power, &held))
    };
    let missing = subsets(presentable).filter(|set| completes(*set)).min_by_key(|set| set.len())?;
    let person_age =
        powers.iter().map(|power| person_age(&cells[power], missing)).fold(None, |strictest, age| {
            match (strictest, age) {
                (Some(one), Some(other)) => Some(MaxAge::and(one, other)),
                (one, other) => one.or(other),
            }
        });
    Some(Challenge { missing, powers, person_age: person_age.unwrap_or(MaxAge::ThisRequest) })
}

/// The age that this cell allows the person's yes, by the laxest alternative that the missing set meets.
fn person_age(cell: &Cell, missing: Factors) -> Option<MaxAge> {
    cell.guard
        .clauses()
        .iter()
        .filter(|clause| clause.needs().contains(Factor::Person) && missing.contains(Factor::Person))
        .map(|clause| clause.person_age())
        .max_by_key(|age| age.as_secs())
}

/// Every subset of these factors; among sets of one size, the less troublesome come first.
fn subsets(of: Factors) -> impl Iterator<Item = Factors> {
    (0..1_u8 << Factor::ALL.len())
        .map(|bits| {
            Factor::ALL
                .into_iter()
                .enumerate()
                .filter(move |(place, _)| (bits >> place) & 1 == 1)
                .map(|(_, factor)| factor)
        })
        .map(Factors::from_iter)
        .filter(move |set| of.is_superset(*set))
}

/// One power's guard and what is held: for pages that explain.
impl Cell {
    /// Whether what is held is enough for this power, whatever the mode.
    pub fn holds(&self, power: Power, held: &Held) -> bool {
        self.guard.holds(power, held)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Guard, Mode};

    const NOW: &str = "2026-11-24T10:00:00Z";

    fn now() -> Timestamp {
        NOW.parse().unwrap()
    }

    fn default_law(mode: Mode) -> Law {
        Law::same_for_all(Law::default_guard, mode)
    }

    fn key(presentable: Factors) -> KeyFacts {
        KeyFacts {
            id: KeyId(1),
            kind: HolderKind::Person,
            standing: Standing::Active,
            end: None,
            holder_left: false,
            parent_stopped: false,
            presentable,
        }
    }

    fn attempt(powers: Powers, presentable: Factors) -> Attempt {
        Attempt {
            caller: Caller::Key(key(presentable)),
            powers,
            open: false,
            held: Held::default(),
            contained: Answer::Pass,
            at: now(),
        }
    }

    #[test]
    fn a_secret_alone_reads_and_does_not_grant() {
        let law = default_law(Mode::Enforce);
        assert!(matches!(decide(&law, &attempt(Power::Read.into(), Factors::NONE)), Decision::Permit(_)));
        let person = Factors::from(Factor::Person);
        let Decision::Challenge(challenge) = decide(&law, &attempt(Power::Grant.into(), person)) else { panic!() };
        assert_eq!(challenge.missing, person);
        assert_eq!(challenge.person_age, MaxAge::ThisRequest);
        assert_eq!(
            decide(&law, &attempt(Power::Grant.into(), Factors::NONE)),
            Decision::Refuse(Refusal::NobodyCanAnswer)
        );
    }

    #[test]
    fn a_window_serves_where_the_guard_allows_one() {
        let law = default_law(Mode::Enforce);
        let mut export = attempt(Power::Export.into(), Factor::Person.into());
        export.held.person.set(Power::Export, Freshness::Before(Span::hours(7)));
        assert!(matches!(decide(&law, &export), Decision::Permit(_)));
        export.held.person.set(Power::Export, Freshness::Before(Span::hours(9)));
        let Decision::Challenge(challenge) = decide(&law, &export) else { panic!() };
        assert_eq!(challenge.person_age, MaxAge::Within(Span::hours(8)));
        // A window for one power is none for another.
        let mut both = attempt([Power::Export, Power::Grant].into_iter().collect(), Factor::Person.into());
        both.held.person.set(Power::Export, Freshness::Before(Span::hours(1)));
        let Decision::Challenge(challenge) = decide(&law, &both) else { panic!() };
        assert_eq!(challenge.powers, Power::Grant.into());
    }

    #[test]
    fn of_two_sets_of_one_size_the_less_troublesome_is_asked_for() {
        let law = default_law(Mode::Enforce);
        let both = Factors::from(Factor::Possession).with(Factor::Person);
        let Decision::Challenge(challenge) = decide(&law, &attempt(Power::Export.into(), both)) else { panic!() };
        assert_eq!(challenge.missing, Factor::Possession.into());
    }

    #[test]
    fn an_unknown_key_is_told_how_it_becomes_known() {
        let unknown = |powers| Attempt { caller: Caller::Unknown, ..attempt(powers, Factors::NONE) };
        let law = default_law(Mode::Enforce);
        assert_eq!(decide(&law, &unknown(Power::Mint.into())), Decision::Refuse(Refusal::NotKnownYet));
        assert!(matches!(decide(&law, &unknown(Power::Read.into())), Decision::Permit(Permit { would: None })));
        let observing = default_law("observe until 2027-01-15".parse().unwrap());
        let Decision::Permit(permit) = decide(&observing, &unknown(Power::Mint.into())) else { panic!() };
        assert_eq!(permit.would_refuse(), Some(Refusal::NotKnownYet));
    }

    #[test]
    fn observing_permits_and_says_what_would_have_been_asked() {
        let law = default_law("observe until 2027-01-15".parse().unwrap());
        let Decision::Permit(permit) = decide(&law, &attempt(Power::Mint.into(), Factor::Person.into())) else {
            panic!()
        };
        assert_eq!(permit.would_ask().unwrap().missing, Factor::Person.into());
        let Decision::Permit(permit) = decide(&law, &attempt(Power::Mint.into(), Factors::NONE)) else { panic!() };
        assert_eq!(permit.would_refuse(), Some(Refusal::NobodyCanAnswer));
    }

    #[test]
    fn nobody_passes_only_where_anybody_may() {
        let law = default_law("observe until 2027-01-15".parse().unwrap());
        let mut nobody = attempt(Power::Read.into(), Factors::NONE);
        nobody.caller = Caller::Nobody;
        assert_eq!(decide(&law, &nobody), Decision::Refuse(Refusal::NoCredential));
        nobody.open = true;
        assert!(matches!(decide(&law, &nobody), Decision::Permit(_)));
    }

    fn any_factors() -> impl Strategy<Value = Factors> {
        proptest::sample::subsequence(Factor::ALL.to_vec(), 0..=5).prop_map(Factors::from_iter)
    }

    fn any_powers() -> impl Strategy<Value = Powers> {
        proptest::sample::subsequence(Power::ALL.to_vec(), 0..=9).prop_map(Powers::from_iter)
    }

    fn any_freshness() -> impl Strategy<Value = Freshness> {
        prop_oneof![
            Just(Freshness::Absent),
            (0..100_000_u32).prop_map(|age| Freshness::Before(Span::seconds(age))),
            Just(Freshness::ThisRequest)
        ]
    }

    fn any_held() -> impl Strategy<Value = Held> {
        (any::<bool>(), any::<bool>(), any::<bool>(), proptest::collection::vec(any_freshness(), 9)).prop_map(
            |(possession, mandate, second_person, person)| Held {
                possession,
                mandate,
                second_person,
                person: ByPower::from_fn(|power| person[power as usize]),
            },
        )
    }

    fn any_guard() -> impl Strategy<Value = Guard> {
        let clause = (proptest::sample::subsequence(Factor::ALL.to_vec(), 1..=3), proptest::option::of(0..50_000_u32))
            .prop_map(|(factors, age)| {
                let words: Vec<String> = factors
                    .into_iter()
                    .map(|factor| match (factor, age) {
                        (Factor::Person, Some(age)) => format!("person within {age}s"),
                        _ => factor.word().to_owned(),
                    })
                    .collect();
                words.join(" + ")
            });
        proptest::collection::vec(clause, 1..=3).prop_map(|clauses| clauses.join(" | ").parse().unwrap())
    }

    fn any_law() -> impl Strategy<Value = Law> {
        let mode = prop_oneof![Just("enforce"), Just("observe until 2027-01-15"), Just("observe until 2026-01-15")];
        proptest::collection::vec((any_guard(), mode), 9).prop_map(|cells| {
            let mut law = default_law(Mode::Enforce);
            for power in Power::ALL {
                let (guard, mode) = cells[power as usize].clone();
                law.person.set(power, Cell { guard, mode: mode.parse().unwrap() });
            }
            law
        })
    }

    fn permits(law: &Law, attempt: &Attempt) -> bool {
        matches!(decide(law, attempt), Decision::Permit(_))
    }

    proptest! {
        #[test]
        fn more_factors_never_lose_a_permit(
            law in any_law(), powers in any_powers(), held in any_held(), more in any_factors(), can in any_factors(),
        ) {
            let before = Attempt { held, ..attempt(powers, can) };
            let after = Attempt { held: held.and(more), ..before };
            prop_assert!(!permits(&law, &before) || permits(&law, &after));
        }

        #[test]
        fn age_only_shrinks(
            law in any_law(), powers in any_powers(), held in any_held(), older in 0..100_000_u32, can in any_factors(),
        ) {
            let before = Attempt { held, ..attempt(powers, can) };
            let aged = ByPower::from_fn(|power| match held.person[power] {
                Freshness::Absent => Freshness::Absent,
                Freshness::ThisRequest => Freshness::Before(Span::seconds(older)),
                Freshness::Before(age) => Freshness::Before(Span::seconds(age.as_secs() + older)),
            });
            let after = Attempt { held: Held { person: aged, ..held }, ..before };
            prop_assert!(permits(&law, &before) || !permits(&law, &after));
        }

        #[test]
        fn what_nobody_described_is_never_easier(
            law in any_law(), powers in any_powers(), held in any_held(), can in any_factors(),
        ) {
            let described = Attempt { held, ..attempt(powers, can) };
            let undescribed = Attempt { powers: Powers::EVERY, ..described };
            prop_assert!(permits(&law, &described) || !permits(&law, &undescribed));
        }

        #[test]
        fn a_key_that_does_not_stand_never_passes(
            law in any_law(), powers in any_powers(), held in any_held(), can in any_factors(), why in 0..6_u8,
        ) {
            let mut fallen = key(can);
            match why {
                0 => fallen.standing = Standing::Revoked,
                1 => fallen.standing = Standing::Disabled,
                2 => fallen.end = Some(now()),
                3 => fallen.standing = Standing::Retired,
                4 => (fallen.standing, fallen.end) = (Standing::Retiring, Some(now())),
                _ => fallen.holder_left = true,
            }
            let attempt = Attempt { caller: Caller::Key(fallen), held, ..attempt(powers, can) };
            prop_assert!(matches!(decide(&law, &attempt), Decision::Refuse(_)));
        }

        #[test]
        fn what_is_missing_is_presentable_completes_and_is_smallest(
            law in any_law(), powers in any_powers(), held in any_held(), can in any_factors(),
        ) {
            let before = Attempt { held, ..attempt(powers, can) };
            if let Decision::Challenge(challenge) = decide(&law, &before) {
                prop_assert!(!challenge.missing.is_empty());
                prop_assert!(can.is_superset(challenge.missing));
                let completed = Attempt { held: held.and(challenge.missing), ..before };
                prop_assert!(permits(&law, &completed));
                for factor in challenge.missing.iter() {
                    let fewer: Factors = challenge.missing.iter().filter(|other| *other != factor).collect();
                    let short = Attempt { held: held.and(fewer), ..before };
                    prop_assert!(!permits(&law, &short));
                }
            }
        }

        #[test]
        fn a_stricter_law_permits_nothing_more(
            lax in any_law(), powers in any_powers(), held in any_held(), can in any_factors(), stricter in any_powers(),
        ) {
            let mut strict = lax.clone();
            for power in stricter.iter() {
                let clauses = lax.person[power].guard.clauses().iter();
                let stricter = clauses.map(|clause| match clause.needs().contains(Factor::Possession) {
                    true => clause.to_string(),
                    false => format!("{clause} + possession"),
                });
                let guard = stricter.collect::<Vec<_>>().join(" | ").parse().unwrap();
                strict.person.set(power, Cell { guard, mode: Mode::Enforce });
            }
            prop_assert!(strict.weaker_cells_than(&lax).is_empty());
            let attempt = Attempt { held, ..attempt(powers, can) };
            prop_assert!(permits(&lax, &attempt) || !permits(&strict, &attempt));
        }

        #[test]
        fn a_containment_makes_nothing_easier_and_a_persons_yes_answers_what_it_asks(
            law in any_law(), powers in any_powers(), held in any_held(), can in any_factors(),
        ) {
            let free = Attempt { held, ..attempt(powers, can) };
            let asked = Attempt { contained: Answer::Ask, ..free };
            let refused = Attempt { contained: Answer::Refuse, ..free };
            prop_assert_eq!(decide(&law, &refused), Decision::Refuse(Refusal::Contained));
            prop_assert!(permits(&law, &free) || !permits(&law, &asked));
            let by_person = |attempt: Attempt| Attempt { held: attempt.held.with_person(), ..attempt };
            prop_assert!(!permits(&law, &asked) || is_by_person(powers, &held));
            prop_assert_eq!(permits(&law, &by_person(asked)), permits(&law, &by_person(free)));
            if let Decision::Challenge(challenge) = decide(&law, &asked) {
                prop_assert!(can.is_superset(challenge.missing));
                let completed = Attempt { held: held.and(challenge.missing), ..asked };
                prop_assert!(permits(&law, &completed));
            }
        }

        #[test]
        fn an_unknown_key_passes_only_where_the_secret_is_enough(law in any_law(), powers in any_powers()) {
            let unknown = Attempt { caller: Caller::Unknown, ..attempt(powers, Factors::NONE) };
            prop_assert_eq!(permits(&law, &unknown), permits(&law, &attempt(powers, Factors::NONE)));
        }
    }
}

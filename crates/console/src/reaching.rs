//! What keys reach, by power: worked out once for all keys that are alike in what the law looks at.

use std::{collections::HashMap, sync::Arc};

use authority::{LawInForce, Scope};
use catalogue::Catalogue;
use jiff::Timestamp;
use law::{Answer, Attempt, Caller, Decision, Factors, Held, HolderKind, KeyFacts, KeyId, Powers, Standing, decide};

/// What a key reaches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reach {
    /// By what the catalogue describes: what passes, or waits for a factor that could be shown.
    pub(crate) powers: Powers,
    /// Of these what passes with the key alone.
    pub(crate) alone: Powers,
    /// Whether what nobody describes passes with the key alone.
    pub(crate) undescribed: bool,
    /// How many described operations it may call.
    pub(crate) operations: usize,
    /// How many of these wait for a factor.
    pub(crate) asked: usize,
}

/// What the law looks at in a key that works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Bearer {
    pub(crate) kind: HolderKind,
    pub(crate) presentable: Factors,
}

/// How far an attempt gets.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Passes {
    Alone,
    Asked,
    Not,
}

/// What keys reach under the law and the catalogue of one moment.
pub(crate) struct Reaches {
    law: Arc<LawInForce>,
    catalogue: Arc<Catalogue>,
    now: Timestamp,
    /// The sets of powers that operations have which a key is needed for, and how many have each.
    sets: Vec<(Powers, usize)>,
    passes: HashMap<(Bearer, Powers), Passes>,
    known: HashMap<(Bearer, Option<String>), Reach>,
}

impl Reaches {
    pub(crate) fn new(law: Arc<LawInForce>, catalogue: Arc<Catalogue>, now: Timestamp) -> Self {
        let mut sets: Vec<(Powers, usize)> = Vec::new();
        for operation in catalogue.operations().iter().filter(|operation| !operation.open) {
            match sets.iter_mut().find(|(powers, _)| *powers == operation.powers) {
                Some((_, many)) => *many += 1,
                None => sets.push((operation.powers, 1)),
            }
        }
        Self { law, catalogue, now, sets, passes: HashMap::new(), known: HashMap::new() }
    }

    /// What a working key reaches. What anybody may call is nobody's reach.
    pub(crate) fn of(&mut self, bearer: Bearer, scopes: &[&Scope]) -> Reach {
        let name =
            (!scopes.is_empty()).then(|| scopes.iter().map(|scope| scope_name(scope)).collect::<Vec<_>>().join("\n\n"));
        if let Some(known) = self.known.get(&(bearer, name.clone())) {
            return *known;
        }
        let reach = self.work_out(bearer, scopes);
        self.known.insert((bearer, name), reach);
        reach
    }

    fn work_out(&mut self, bearer: Bearer, scopes: &[&Scope]) -> Reach {
        let admits = |name: &str, powers| scopes.iter().all(|scope| scope.admits_from_anywhere(name, powers).is_ok());
        let admitted: Vec<(Powers, usize)> = if scopes.is_empty() {
            self.sets.clone()
        } else {
            let needing = self.catalogue.operations().iter().filter(|operation| !operation.open);
            needing.filter(|it| admits(&it.name, it.powers)).map(|operation| (operation.powers, 1)).collect()
        };
        let mut reach = Reach::default();
        for (powers, many) in admitted {
            let passes = self.passes(bearer, powers);
            if passes == Passes::Not {
                continue;
            }
            reach.powers = reach.powers.union(powers);
            reach.operations += many;
            if passes == Passes::Alone {
                reach.alone = reach.alone.union(powers);
            } else {
                reach.asked += many;
            }
        }
        reach.undescribed = admits("GET *", Powers::EVERY) && self.passes(bearer, Powers::EVERY) == Passes::Alone;
        reach
    }

    fn passes(&mut self, bearer: Bearer, powers: Powers) -> Passes {
        let Self { law, now, passes, .. } = self;
        *passes.entry((bearer, powers)).or_insert_with(|| {
            let Bearer { kind, presentable } = bearer;
            // Any key of that kind that works.
            let any = KeyFacts {
                id: KeyId(0),
                kind,
                standing: Standing::Active,
                end: None,
                holder_left: false,
                parent_stopped: false,
                presentable,
            };
            let caller = Caller::Key(any);
            let (held, contained) = (Held::default(), Answer::Pass);
            match decide(&law.law, &Attempt { caller, powers, open: false, held, contained, at: *now }) {
                Decision::Permit(_) => Passes::Alone,
                Decision::Challenge(_) => Passes::Asked,
                Decision::Refuse(_) => Passes::Not,
            }
        })
    }
}

/// The same for scopes that admit the same operations, wherever they may be called from.
fn scope_name(Scope { powers, operations, sources: _ }: &Scope) -> String {
    let patterns = operations.iter().map(ToString::to_string);
    std::iter::once(powers.to_string()).chain(patterns).collect::<Vec<_>>().join("\n")
}

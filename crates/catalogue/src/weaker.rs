//! What one catalogue lets through more easily than another.
//!
//! Compared are addresses as requests find them (a method at a template, names of parameters
//! aside), not names: another document may call the same address otherwise. What a catalogue
//! does not describe has every power, so that describing something is making it easier.

use std::collections::{BTreeMap, BTreeSet};

use law::Powers;

use crate::{
    By, Catalogue, Operation,
    catalogue::JUDGED_AS_GET,
    template::{Piece, Segment, Template},
};

/// An operation that is easier than it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Eased {
    /// Its name; the name it had, where it is gone and another one takes its requests.
    pub name: String,
    /// What it was: `None` where it was not described.
    pub from: Option<Judgement>,
    /// What it is.
    pub to: Judgement,
    /// The operation that takes its requests, where it is gone.
    pub taken_by: Option<String>,
}

/// How requests are judged, and what of their answers is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// What they let their caller do.
    pub powers: Powers,
    /// Whether anybody may call without a credential.
    pub open: bool,
    /// What they let their caller do that change the protocol: every power, unless the operator
    /// decided.
    pub upgraded: Powers,
    /// JSON pointers to the list in the answer, whose rows are counted.
    pub lists: BTreeSet<String>,
    /// JSON pointers to the new credential in the answer, which is made known.
    pub minted: BTreeSet<String>,
    /// The places of the path where only whole numbers are taken for it; a word has every power.
    pub numbers: BTreeSet<usize>,
}

impl Judgement {
    const UNDESCRIBED: Self = Self {
        powers: Powers::EVERY,
        open: false,
        upgraded: Powers::EVERY,
        lists: BTreeSet::new(),
        minted: BTreeSet::new(),
        numbers: BTreeSet::new(),
    };

    fn of(operation: &Operation, template: &Template) -> Self {
        Self {
            powers: operation.powers,
            open: operation.open,
            upgraded: if operation.by == By::Override { operation.powers } else { Powers::EVERY },
            lists: operation.list.iter().cloned().collect(),
            minted: operation.minted().map(str::to_owned).into_iter().collect(),
            numbers: template.numbers().iter().copied().collect(),
        }
    }

    fn is_easier_than(&self, other: &Self) -> bool {
        !other.powers.difference(self.powers).is_empty()
            || self.open && !other.open
            || !other.upgraded.difference(self.upgraded).is_empty()
            || !other.lists.is_subset(&self.lists)
            || !other.minted.is_subset(&self.minted)
            || self.powers != Powers::EVERY && !other.numbers.is_subset(&self.numbers)
    }

    /// Of a request that may be either.
    fn or(&self, other: &Self) -> Self {
        Self {
            powers: self.powers.union(other.powers),
            open: self.open && other.open,
            upgraded: self.upgraded.union(other.upgraded),
            lists: self.lists.union(&other.lists).cloned().collect(),
            minted: self.minted.union(&other.minted).cloned().collect(),
            numbers: self.numbers.intersection(&other.numbers).copied().collect(),
        }
    }
}

/// Where requests for an operation come in: method, template, and what selects it there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Address {
    method: String,
    template: Vec<String>,
    selector: String,
}

struct Stands {
    name: String,
    judgement: Judgement,
    segments: Vec<Segment>,
}

impl Catalogue {
    /// What this catalogue, as it stands, lets through more easily than the one before it.
    pub fn weaker_than(&self, before: &Self) -> Vec<Eased> {
        let (now, then) = (self.standing(), before.standing());
        let mut eased = Vec::new();
        for (address, Stands { name, judgement: to, segments: _ }) in &now {
            let from = before.spellings(address, self).filter_map(|it| then.get(&it)).map(|stands| &stands.judgement);
            let from: Vec<&Judgement> = from.collect();
            let easier = from.iter().find(|from| to.is_easier_than(from)).copied();
            if easier.is_some() || from.is_empty() && to.is_easier_than(&Judgement::UNDESCRIBED) {
                eased.push(Eased { name: name.clone(), from: easier.cloned(), to: to.clone(), taken_by: None });
            }
        }
        let is_there = |address: &Address| self.spellings(address, before).any(|it| now.contains_key(&it));
        for (address, gone) in then.iter().filter(|(address, _)| !is_there(address)) {
            let takes = now.iter().find(|(other, stands)| {
                (other.method == address.method || JUDGED_AS_GET.contains(&&*address.method) && other.method == "GET")
                    && stands.judgement.is_easier_than(&gone.judgement)
                    && overlap(&stands.segments, &gone.segments, self.tree_folds() || before.tree_folds())
            });
            if let Some((_, Stands { name, judgement: to, segments: _ })) = takes {
                eased.push(Eased {
                    name: gone.name.clone(),
                    from: Some(gone.judgement.clone()),
                    to: to.clone(),
                    taken_by: Some(name.clone()),
                });
            }
        }
        eased
    }

    /// How many operations of the catalogue before it are not described here any more, at none of
    /// their addresses: they have every power.
    pub fn without(&self, before: &Self) -> usize {
        let (now, then) = (self.standing(), before.standing());
        let names = |kept: bool| -> BTreeSet<&str> {
            let is_there = |address| self.spellings(address, before).any(|it| now.contains_key(&it));
            let of = then.iter().filter(|(address, _)| is_there(address) == kept);
            of.map(|(_, stands)| &*stands.name).collect()
        };
        names(false).difference(&names(true)).count()
    }

    /// As what requests for another catalogue's address are found here: where one of the two
    /// ignores a slash at the end, without it or with it. The setting waits by itself, and need
    /// not be said of every operation.
    fn spellings(&self, address: &Address, of: &Self) -> impl Iterator<Item = Address> {
        let slash = || "=".to_owned();
        let differ = self.ignores_trailing_slash() != of.ignores_trailing_slash();
        let other = differ.then(|| {
            let mut other = address.clone();
            if other.template.len() < 2 || other.template.pop_if(|last| *last == slash()).is_none() {
                other.template.push(slash());
            }
            other
        });
        [address.clone()].into_iter().chain(other)
    }

    fn standing(&self) -> BTreeMap<Address, Stands> {
        let mut standing: BTreeMap<Address, Stands> = BTreeMap::new();
        for (method, template, id) in self.addresses() {
            let Some(operation) = self.operation(id) else { continue };
            let selector = operation.selector.as_ref().map_or_else(String::new, |selector| selector.text.clone());
            let address = Address { method: method.to_owned(), template: nameless(template), selector };
            let judgement = Judgement::of(operation, template);
            standing
                .entry(address)
                .and_modify(|stands| stands.judgement = stands.judgement.or(&judgement))
                .or_insert_with(|| Stands {
                    name: operation.name.to_string(),
                    judgement,
                    segments: template.segments.clone(),
                });
        }
        standing
    }
}

/// A template without the names of its parameters.
fn nameless(template: &Template) -> Vec<String> {
    // A literal is marked as one: it may look like a parameter.
    let of = |segment: &Segment| match segment {
        Segment::Literal(text) => format!("={text}"),
        Segment::Parameter(_) => "{}".to_owned(),
        Segment::Span { name: _, before, after } => format!("{{*}}{before}\0{after}"),
        Segment::Mixed(pieces) => {
            let piece = |piece: &Piece| match piece {
                Piece::Text(text) => format!("={text}\0"),
                Piece::Parameter(_) => "{}\0".to_owned(),
            };
            format!("~{}", pieces.iter().map(piece).collect::<String>())
        }
    };
    template.segments.iter().map(of).collect()
}

/// Whether some path may fit both. In doubt yes.
fn overlap(one: &[Segment], other: &[Segment], fold: bool) -> bool {
    let spans = |segments: &[Segment]| segments.iter().any(|segment| matches!(segment, Segment::Span { .. }));
    match (spans(one), spans(other)) {
        (false, false) => one.len() == other.len() && one.iter().zip(other).all(|(one, other)| alike(one, other, fold)),
        // Before the span and after it the segments must go together as far as both have some.
        _ => {
            let fixed = |segments: &[Segment]| -> Vec<Segment> {
                segments.iter().take_while(|segment| !matches!(segment, Segment::Span { .. })).cloned().collect()
            };
            fixed(one).iter().zip(&fixed(other)).all(|(one, other)| alike(one, other, fold))
        }
    }
}

fn alike(one: &Segment, other: &Segment, fold: bool) -> bool {
    match (one, other) {
        (Segment::Literal(one), Segment::Literal(other)) => {
            if fold {
                one.eq_ignore_ascii_case(other)
            } else {
                one == other
            }
        }
        // No parameter is empty, so none stands for the end of a path with a slash.
        (Segment::Literal(text), Segment::Parameter(_) | Segment::Mixed(_))
        | (Segment::Parameter(_) | Segment::Mixed(_), Segment::Literal(text)) => !text.is_empty(),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use law::Power;

    use super::*;
    use crate::{Found, Lock, Override, Settings, TrailingSlash};

    fn catalogue(paths: &str, powers: &[(&str, &[Power])]) -> Catalogue {
        let rule = |(operation, powers): &(&str, &[Power])| Override {
            operation: operation.parse().unwrap(),
            powers: powers.iter().copied().collect(),
        };
        let settings = Settings { overrides: powers.iter().map(rule).collect(), ..Settings::default() };
        Catalogue::read(format!("{{openapi: 3.0.0, paths: {paths}}}").as_bytes(), &settings).unwrap().catalogue
    }

    fn eased(now: &Catalogue, then: &Catalogue) -> Vec<String> {
        now.weaker_than(then).into_iter().map(|eased| eased.name).collect()
    }

    const READ: &[Power] = &[Power::Read];

    #[test]
    fn fewer_powers_and_openness_are_easier_and_more_powers_are_not() {
        let paths = "{/a: {get: {}}, /b: {get: {}}}";
        let both = catalogue(paths, &[("* /a", READ), ("* /b", &[Power::Mint, Power::Export])]);
        let less = catalogue(paths, &[("* /a", READ), ("* /b", &[Power::Mint])]);
        assert_eq!(eased(&less, &both), ["GET /b"]);
        assert!(eased(&both, &less).is_empty() && eased(&both, &both).is_empty());
        let open = catalogue("{/a: {get: {security: []}}, /b: {get: {}}}", &[("* /a", READ), ("* /b", READ)]);
        let shut = catalogue(paths, &[("* /a", READ), ("* /b", READ)]);
        assert_eq!((eased(&open, &shut), eased(&shut, &open)), (vec!["GET /a".to_owned()], vec![]));
    }

    #[test]
    fn a_word_in_the_place_of_a_number_is_easier() {
        let of = |kind: &str, powers: &[Power]| {
            let paths =
                format!("{{'/a/{{id}}': {{get: {{parameters: [{{name: id, in: path, schema: {{type: {kind}}}}}]}}}}}}");
            catalogue(&paths, &[("* /a/*", powers)])
        };
        assert_eq!(eased(&of("string", READ), &of("integer", READ)), ["GET /a/{id}"]);
        assert!(eased(&of("integer", READ), &of("string", READ)).is_empty());
        assert!(eased(&of("string", &Power::ALL), &of("integer", &Power::ALL)).is_empty(), "it has every power anyway");
    }

    #[test]
    fn what_is_newly_described_is_easier_unless_it_has_every_power() {
        let old = catalogue("{/a: {get: {}}}", &[("* /a", READ)]);
        let new = catalogue("{/a: {get: {}}, /b: {get: {}}}", &[("* /a", READ), ("* /b", READ)]);
        assert_eq!(new.weaker_than(&old)[0].from, None);
        assert_eq!(eased(&new, &old), ["GET /b"]);
        assert!(eased(&old, &new).is_empty(), "what is gone has every power again");
        assert_eq!((old.without(&new), new.without(&old), new.without(&new)), (1, 0, 0));
        assert!(eased(&new.obeying(&Lock::of(&old, "")), &old).is_empty(), "not accepted yet: every power");
    }

    #[test]
    fn deciding_for_what_follows_a_change_of_protocol_is_easier() {
        let read = || catalogue("{/a: {get: {}}, /b: {get: {}}}", &[("* /a", READ), ("* /b", READ)]);
        let mut lock = Lock::of(&read(), "");
        for locked in lock.operations.values_mut() {
            locked.by = By::Classifier;
        }
        let before = read().obeying(&lock);
        lock.operations.get_mut("GET /a").unwrap().by = By::Override;
        let after = read().obeying(&lock);
        assert_eq!(eased(&after, &before), ["GET /a"]);
        assert_eq!(after.weaker_than(&before)[0].to.upgraded, Power::Read.into());
        assert!(eased(&before, &after).is_empty());
    }

    #[test]
    fn a_pointer_that_is_lost_or_changed_is_easier_and_a_new_one_is_not() {
        let of = |schema: &str| {
            let answer = format!("{{'200': {{content: {{application/json: {{schema: {schema}}}}}}}}}");
            catalogue(&format!("{{/a: {{post: {{responses: {answer}}}}}}}"), &[("* /a", &[Power::Mint])])
        };
        let array = "{type: array, items: {type: object, properties: {n: {type: string}}}}";
        let list = || of(array);
        let inner = || of(&format!("{{type: object, properties: {{data: {array}}}}}"));
        let token = |name: &str| of(&format!("{{type: object, properties: {{{name}: {{type: string}}}}}}"));
        let pointers = |catalogue: &Catalogue| {
            let operation = &catalogue.operations()[0];
            (operation.list.clone(), operation.minted().map(str::to_owned))
        };
        let neither = of("{type: object}");
        assert_eq!(pointers(&neither), (None, None));
        for (one, other) in [(list(), inner()), (token("api_key"), token("access_token"))] {
            assert_ne!(pointers(&one), pointers(&other));
            assert_eq!(eased(&neither, &one), ["POST /a"], "lost");
            assert_eq!(eased(&other, &one), ["POST /a"], "changed");
            assert!(eased(&one, &neither).is_empty() && eased(&one, &one).is_empty());
        }
    }

    #[test]
    fn another_name_for_the_same_address_changes_nothing() {
        let old = catalogue("{'/users/{name}': {delete: {}}}", &[("* /users/*", &[Power::Grant])]);
        let same = catalogue("{'/users/{user}': {delete: {}}}", &[("* /users/*", &[Power::Grant])]);
        let easier = catalogue("{'/users/{user}': {delete: {}}}", &[("* /users/*", READ)]);
        assert!(eased(&same, &old).is_empty());
        assert_eq!(eased(&easier, &old), ["DELETE /users/{user}"]);
    }

    #[test]
    fn what_is_gone_is_easier_where_something_easier_takes_its_requests() {
        let powers: &[(&str, &[Power])] = &[("GET /users/{name}", READ), ("GET /users/export", &[Power::Export])];
        let old = catalogue("{'/users/{name}': {get: {}}, /users/export: {get: {}}}", powers);
        let new = catalogue("{'/users/{name}': {get: {}}}", powers);
        let eased = new.weaker_than(&old);
        assert_eq!((eased.len(), eased[0].name.as_str()), (1, "GET /users/export"));
        assert_eq!(eased[0].taken_by.as_deref(), Some("GET /users/{name}"));
        let elsewhere = catalogue("{'/groups/{name}': {get: {}}, '/users/{name}': {post: {}}}", &[("* /**", READ)]);
        assert!(elsewhere.weaker_than(&old).iter().all(|eased| eased.taken_by.is_none()));
    }

    #[test]
    fn a_slash_at_the_end_that_is_ignored_loses_no_operation_and_eases_none() {
        let of = |trailing_slash: TrailingSlash, powers: &[Power]| {
            let rule = |operation: &str, powers: Powers| Override { operation: operation.parse().unwrap(), powers };
            let overrides = vec![
                rule("GET /users/", powers.iter().copied().collect()),
                rule("GET /users/{id}/", Power::Read.into()),
            ];
            let settings = Settings { overrides, trailing_slash, ..Settings::default() };
            let document = b"{openapi: 3.0.0, paths: {/users/: {get: {}}, '/users/{id}/': {get: {}}}}";
            Catalogue::read(document, &settings).unwrap().catalogue
        };
        let (strict, ignored) =
            (|powers| of(TrailingSlash::Strict, powers), |powers| of(TrailingSlash::Ignored, powers));
        let export: &[Power] = &[Power::Export];
        assert!(matches!(strict(export).find("GET", &["users"]), Found::Undescribed));
        assert_eq!(eased(&ignored(export), &strict(export)), [""; 0]);
        assert_eq!(eased(&strict(export), &ignored(export)), [""; 0]);
        assert_eq!(ignored(export).without(&strict(export)), 0);
        for (now, then) in [(ignored(READ), strict(export)), (strict(READ), ignored(export))] {
            assert_eq!(eased(&now, &then), ["GET /users/"], "what is easier by itself is said");
            assert_eq!(now.weaker_than(&then)[0].from.as_ref().unwrap().powers, Power::Export.into());
        }
    }

    #[test]
    fn no_parameter_takes_what_ended_with_a_slash() {
        let powers: &[(&str, &[Power])] = &[("GET /users/{name}", READ), ("GET /users/", &[Power::Export])];
        let old = catalogue("{'/users/{name}': {get: {}}, /users/: {get: {}}}", powers);
        assert_eq!(eased(&catalogue("{'/users/{name}': {get: {}}}", powers), &old), [""; 0]);
    }

    #[test]
    fn the_same_name_under_another_base_is_another_address() {
        let of = |base: &str| {
            let settings = Settings {
                base: Some(base.to_owned()),
                overrides: vec![Override { operation: "* /a".parse().unwrap(), powers: Power::Read.into() }],
                ..Settings::default()
            };
            Catalogue::read(b"{openapi: 3.0.0, paths: {/a: {get: {}}}}", &settings).unwrap().catalogue
        };
        assert_eq!(eased(&of("/v2"), &of("/v1")), ["GET /a"]);
    }
}

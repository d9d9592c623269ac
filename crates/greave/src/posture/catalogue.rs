//! Document and lock, compared by what they come to: operations as they are obeyed, and the
//! places where credentials are looked for.

use std::collections::BTreeSet;

use ::catalogue::{Catalogue, Eased, Judgement};
use authority::Weaker;

use crate::{
    config::{Config, UnknownKeys},
    house::on_the_wire,
};

/// What document and lock make easier.
pub(super) fn weaker(from: (&Config, &Catalogue), to: (&Config, &Catalogue)) -> Vec<Weaker> {
    let mut weaker: Vec<Weaker> = to.1.weaker_than(from.1).into_iter().map(eased).collect();
    weaker.extend(places(from, to));
    if from.1.base() != to.1.base() {
        let said = |base: &str| if base.is_empty() { "/".to_owned() } else { base.to_owned() };
        weaker.push(Weaker {
            what: "where the paths begin".to_owned(),
            from: said(from.1.base()),
            to: said(to.1.base()),
        });
    }
    let (then, now) = (together(from.1), together(to.1));
    if then != now {
        let what = "credentials that the document demands together".to_owned();
        weaker.push(Weaker { what, from: listed(&then), to: listed(&now) });
    }
    weaker
}

fn eased(eased: Eased) -> Weaker {
    let Eased { name, from, to, taken_by } = eased;
    let was = from.as_ref().map_or_else(|| "not described: every power".to_owned(), |from| judged(from, &to));
    let is = from.as_ref().map_or_else(|| judged(&to, &to), |from| judged(&to, from));
    let to = match taken_by {
        Some(other) => format!("gone; {other} takes its requests: {is}"),
        None => is,
    };
    Weaker { what: name, from: was, to }
}

/// A judgement in words; what few operations have is said where the other one has it otherwise.
fn judged(judgement: &Judgement, other: &Judgement) -> String {
    let Judgement { powers, open, upgraded, lists, minted, numbers } = judgement;
    let mut said = powers.to_string();
    if *open {
        said += ", open";
    }
    if *upgraded != other.upgraded {
        said += &format!(", after a change of protocol: {upgraded}");
    }
    for (what, pointers, others) in [("list", lists, &other.lists), ("new credential", minted, &other.minted)] {
        if pointers != others {
            said += &format!(", {what} at {}", listed(pointers));
        }
    }
    if !other.numbers.is_subset(numbers) {
        said += ", with words in the place of numbers, too";
    }
    said
}

/// A place that is looked at no more lets a key pass unseen. One that is looked at anew lets
/// keys pass that did not, where unknown keys are learned.
fn places(from: (&Config, &Catalogue), to: (&Config, &Catalogue)) -> Vec<Weaker> {
    let of = |(config, catalogue): (&Config, &Catalogue)| -> BTreeSet<String> {
        let declared = catalogue.credential_places().iter().flat_map(on_the_wire);
        let named = config.api.keys.iter().filter_map(|place| place.parse::<wire::Place>().ok());
        declared.chain(named).map(|place| place.to_string()).collect()
    };
    let (then, now) = (of(from), of(to));
    let mut changed: Vec<&String> = then.difference(&now).collect();
    if to.0.api.unknown_keys == UnknownKeys::Learn {
        changed.extend(now.difference(&then));
    }
    if changed.is_empty() {
        return Vec::new();
    }
    vec![Weaker { what: "api.keys".to_owned(), from: listed(&then), to: listed(&now) }]
}

fn together(catalogue: &Catalogue) -> BTreeSet<String> {
    catalogue.credentials_together().into_iter().map(|schemes| schemes.join(" and ")).collect()
}

fn listed(some: &BTreeSet<String>) -> String {
    if some.is_empty() { "none".to_owned() } else { some.iter().cloned().collect::<Vec<_>>().join(", ") }
}

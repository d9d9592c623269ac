//! Document and lock, compared by what they come to: operations as they are obeyed, and the
//! places where credentials are looked for.

use std::collections::BTreeSet;

use ::catalogue::{Catalogue, Eased, Judgement};
use authority::Weaker;

use crate::{
    config::{Config, UnknownKeys},
    house::on_the_wire,
    show::count,
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
    // Not easier, and what a person who looks at the rest must know.
    let gone = to.1.without(from.1);
    if gone > 0 && !weaker.is_empty() {
        let of = count(from.1.operations().len(), "operation");
        let to = format!("{gone} of them gone: each has every power");
        weaker.insert(0, Weaker { what: "what the document describes".to_owned(), from: of, to });
    }
    weaker
}

fn eased(eased: Eased) -> Weaker {
    let Eased { name, from, to, taken_by } = eased;
    let was = from.as_ref().map_or_else(|| "not described: every power".to_owned(), |from| judged(from, &to));
    let mut is = from.as_ref().map_or_else(|| judged(&to, &to), |from| judged(&to, from));
    if let Some(lost) = from.as_ref().map(|from| from.powers.difference(to.powers)).filter(|lost| !lost.is_empty())
        && !from.as_ref().is_some_and(|from| from.powers.is_superset(to.powers))
    {
        is += &format!("; no guard, scope or limit of {lost} binds it any more: name that, too, to keep them");
    }
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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use ::catalogue::{Override, Settings};
    use law::Power;

    use super::*;

    fn posture(paths: &str, powers: &[Power]) -> (Config, Catalogue) {
        let text = "[gate]\nlisten = \"127.0.0.1:1\"\nupstream = \"https://a\"\n[api]\ndocument = \"d\"\n";
        let all = Override { operation: "* /**".parse().unwrap(), powers: powers.iter().copied().collect() };
        let settings = Settings { overrides: vec![all], ..Settings::default() };
        let reading = Catalogue::read(format!("{{openapi: 3.0.0, paths: {paths}}}").as_bytes(), &settings).unwrap();
        (Config::parse(Path::new("greave.toml"), text).unwrap(), reading.catalogue)
    }

    fn lines(from: &(Config, Catalogue), to: &(Config, Catalogue)) -> Vec<String> {
        let weaker = weaker((&from.0, &from.1), (&to.0, &to.1));
        weaker.into_iter().map(|Weaker { what, from, to }| format!("{what}: {from} -> {to}")).collect()
    }

    #[test]
    fn what_is_gone_of_the_document_is_said_beside_what_is_easier() {
        let old = posture("{/a: {get: {}}, /b: {get: {}, post: {}}}", &[Power::Read]);
        let other = posture("{/x: {get: {}}}", &[Power::Read]);
        let said = lines(&old, &other);
        assert_eq!(said[0], "what the document describes: 3 operations -> 3 of them gone: each has every power");
        assert_eq!(said.len(), 2, "{said:?}");
        let less = posture("{/a: {get: {}}}", &[Power::Read]);
        assert!(lines(&old, &less).is_empty(), "by itself it waits for nobody");
    }

    #[test]
    fn a_power_in_the_place_of_another_waits_and_says_what_is_less() {
        let of = |powers: &[Power]| posture("{/a: {get: {}}}", powers);
        let (read, write, both) = (of(&[Power::Read]), of(&[Power::Write]), of(&[Power::Read, Power::Write]));
        let said = lines(&read, &write);
        let less = "; no guard, scope or limit of read binds it any more";
        assert!(said.len() == 1 && said[0].starts_with("GET /a: read") && said[0].contains(less), "{said:?}");
        assert!(lines(&read, &both).is_empty());
        assert!(!lines(&both, &read)[0].contains("binds it"), "that less is asked for is plain to see");
    }
}

//! `grant`: users, roles, permissions, membership, sharing and visibility.

use super::{
    MUTATES, Rule, SETS,
    act::{Act, Hit, Place},
    lexicon::grant as lexicon,
    mint, spend,
    verbs::Effect,
    words,
};

pub(super) const RULES: &[Rule] = &[
    Rule { id: "grant.object", when: MUTATES, judge: object },
    Rule { id: "grant.person", when: MUTATES, judge: person },
    Rule { id: "grant.account", when: SETS, judge: account },
    Rule { id: "grant.verb", when: MUTATES, judge: verb },
    Rule { id: "grant.inside", when: MUTATES, judge: inside },
    Rule { id: "grant.field", when: SETS, judge: field },
    Rule { id: "grant.public", when: SETS, judge: public },
];

/// Changes who belongs to what, or what they may do.
fn object(act: &Act<'_>) -> Option<String> {
    if act.does(&["watch"]).is_some() {
        return None;
    }
    tie(act).or_else(|| office(act)).map(|hit| format!("changes {hit}"))
}

/// What ties a person to a thing: removing it takes something from the person and destroys nothing.
pub(super) fn tie(act: &Act<'_>) -> Option<Hit> {
    let of_network = |hit: &Hit| lexicon::NETWORK_TOO.contains(&hit.term) && act.object(lexicon::NETWORK).is_some();
    act.object(lexicon::TIES).filter(|hit| !of_network(hit))
}

/// A role, a team or the like: a thing, whose removal destroys it.
pub(super) fn office(act: &Act<'_>) -> Option<Hit> {
    act.object_itself(lexicon::OFFICES)
}

/// Whether a person is taken out of a group, and stays a person.
pub(super) fn leaves(act: &Act<'_>) -> bool {
    act.effect == Effect::Remove
        && act.object_itself(lexicon::PEOPLE).is_some()
        && act.container().is_some_and(|said| words::ends_with_any(&said.words, lexicon::TOGETHER))
}

/// Whether the object is a person, so that a field of theirs weighs more.
pub(super) fn is_person(act: &Act<'_>) -> bool {
    act.object(lexicon::PEOPLE).is_some_and(|hit| hit.place != Place::Description)
}

/// Creates or removes a person or a group of people, or changes their standing.
fn person(act: &Act<'_>) -> Option<String> {
    let hit = act.object_itself(lexicon::PEOPLE).or_else(|| group(act))?;
    match act.effect {
        Effect::Make => {
            let made = act.makes(lexicon::PEOPLE).or_else(|| act.makes(lexicon::GROUPS))?;
            Some(format!("creates {made}"))
        }
        // A text may speak of a person that something else is done to.
        Effect::Remove => hit.is_in_a_name().then(|| format!("removes {hit}")),
        _ => {
            let standing = act.does(lexicon::STANDING).map(|verb| format!("{verb} acts on {hit}"));
            let sets = || act.asks(lexicon::PERSON_FIELDS).filter(|_| hit.is_in_a_name());
            standing.or_else(|| sets().map(|name| format!("sets `{name}` of {hit}")))
        }
    }
}

/// A group of people: no other group is meant anywhere.
fn group(act: &Act<'_>) -> Option<Hit> {
    let hit = act.object(lexicon::GROUPS).filter(Hit::is_in_a_name)?;
    let is_other = |pair: &[String]| matches!(pair, [kind, group] if group == "group" && lexicon::OTHER_GROUPS.contains(&kind.as_str()));
    let said = act.objects.iter().chain(&act.containers);
    let other = said.flat_map(|said| said.words.windows(2)).any(is_other) || act.under(lexicon::OTHER_PLACES).is_some();
    (!other).then_some(hit)
}

/// Changes the standing of an account, which may be a person's.
fn account(act: &Act<'_>) -> Option<String> {
    let hit = act.object_itself(&["account", "user profile"]).filter(|_| act.effect == Effect::Change)?;
    act.asks(lexicon::ACCOUNT_FIELDS).map(|name| format!("sets `{name}` of {hit}"))
}

fn verb(act: &Act<'_>) -> Option<String> {
    if mint::credential(act).is_some() {
        return None;
    }
    let transfer = || act.does(&["transfer"]).or_else(|| act.makes(&["transfer"]));
    let hands_over = || transfer().filter(|_| spend::is_other_transfer(act));
    act.does(lexicon::VERBS).or_else(hands_over).map(|hit| format!("does {hit}"))
}

/// Changes what lies inside a role or a permission.
fn inside(act: &Act<'_>) -> Option<String> {
    act.under(lexicon::INSIDE).map(|hit| format!("changes what lies in {hit}"))
}

/// Changes a role or a permission, among other fields.
fn field(act: &Act<'_>) -> Option<String> {
    let of_person = is_person(act) || tie(act).is_some() || act.asks(lexicon::SOMEBODY).is_some();
    let role = || act.asks(lexicon::ROLES).filter(|_| of_person);
    act.asks(lexicon::FIELDS).or_else(role).map(|name| format!("sets `{name}`"))
}

/// A choice between all and some is a choice of who can see.
fn public(act: &Act<'_>) -> Option<String> {
    let named = act
        .asks
        .iter()
        .find(|named| named.level == 1 && named.can_be(lexicon::OPEN_VALUES) && named.can_be(lexicon::CLOSED_VALUES))?;
    Some(format!("sets `{}`, which can be public", named.name))
}

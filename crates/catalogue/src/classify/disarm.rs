//! `disarm`: weakens protection, or can.

use super::{
    MUTATES, REMOVES, Rule, SETS,
    act::{Act, Hit},
    field::Named,
    grant,
    lexicon::{disarm as lexicon, export},
    verbs::Effect,
    words,
};

pub(super) const RULES: &[Rule] = &[
    Rule { id: "disarm.object", when: MUTATES, judge: object },
    Rule { id: "disarm.verb", when: MUTATES, judge: verb },
    Rule { id: "disarm.policy", when: MUTATES, judge: policy },
    Rule { id: "disarm.inside", when: MUTATES, judge: inside },
    Rule { id: "disarm.log", when: REMOVES, judge: log },
    Rule { id: "disarm.address", when: MUTATES, judge: address },
    Rule { id: "disarm.field", when: SETS, judge: field },
];

/// Changes a protection.
fn object(act: &Act<'_>) -> Option<String> {
    // To sign in with a second factor, to take note of an alert, or to try a connection, changes none.
    if act.does(lexicon::TAKES_NOTE).is_some() || is_order(act) || act.object_itself(&["login", "sign in"]).is_some() {
        return None;
    }
    // To authenticate is to sign in; only a name can mean the settings.
    // To make an audit is to look closely.
    let meant = |hit: &Hit| match hit.term {
        "authentication" => hit.is_in_a_name(),
        "audit" => act.effect != Effect::Make,
        _ => true,
    };
    let secured = || act.under(&["security"]).filter(|_| act.any_object(lexicon::SETTINGS));
    act.object(lexicon::PROTECTIONS)
        .filter(meant)
        .or_else(|| act.mentions(lexicon::UNMISTAKABLE))
        .or_else(secured)
        .map(|hit| format!("changes {hit}"))
}

/// Changes what is allowed to everybody in a place, not to somebody.
fn policy(act: &Act<'_>) -> Option<String> {
    let right = || act.object(lexicon::RIGHTS).or_else(|| act.under(lexicon::RIGHTS));
    let setting = || act.mentions(lexicon::SET_FOR_ALL).and_then(|_| right());
    act.object(lexicon::POLICIES).or_else(setting).map(|hit| format!("sets what {hit} allows"))
}

/// Only moves it up or down in a list.
fn is_order(act: &Act<'_>) -> bool {
    act.objects
        .first()
        .is_some_and(|said| words::ends_with_any(&said.words, &["lower priority", "position", "raise priority"]))
}

fn verb(act: &Act<'_>) -> Option<String> {
    act.does(&["protect", "unprotect"]).map(|hit| format!("does {hit}"))
}

/// Changes what lies inside a protection.
fn inside(act: &Act<'_>) -> Option<String> {
    let hit = act.under(lexicon::PROTECTIONS).filter(|hit| !lexicon::WATCHES.contains(&hit.term))?;
    Some(format!("changes what lies in {hit}"))
}

/// Wipes out what was written about people.
fn log(act: &Act<'_>) -> Option<String> {
    // One event is an appointment as often.
    let hit = act.object(export::WATCHED).or_else(|| act.object_alone(&["event", "log"]).filter(|_| !act.one))?;
    Some(format!("wipes {hit}"))
}

/// Changes the address by which a person signs in or recovers.
fn address(act: &Act<'_>) -> Option<String> {
    let of_account = || act.under(lexicon::ACCOUNTS).and_then(|_| act.object_alone(lexicon::ADDRESSES));
    if let Some(hit) = act.object_itself(lexicon::SIGN_IN_ADDRESSES).or_else(of_account) {
        return Some(format!("changes {hit}"));
    }
    if act.effect != Effect::Change || !grant::is_person(act) {
        return None;
    }
    act.asks(lexicon::ADDRESS_FIELDS).map(|name| format!("sets `{name}` of a person"))
}

/// Sets a protection among other fields.
fn field(act: &Act<'_>) -> Option<String> {
    let settings = act.effect == Effect::Change && act.any_object(lexicon::SETTINGS);
    let protects = |named: &&Named<'_>| {
        let points = words::ends_with_any(&named.words, lexicon::POINTERS);
        let says = named.contains_any(lexicon::FIELDS)
            || settings && named.contains_any(lexicon::SETTINGS_FIELDS)
            || act.effect == Effect::Change && words::is_any(&named.words, lexicon::WATCHES_FIELDS);
        named.level == 1 && named.field.is_some() && says && !points
    };
    act.asks.iter().find(protects).map(|named| format!("sets `{}`", named.name))
}

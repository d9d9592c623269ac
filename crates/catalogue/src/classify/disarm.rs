//! `disarm`: weakens protection, or can.

use super::{
    MUTATES, REMOVES, Rule, SETS,
    act::{Act, Hit},
    field::Named,
    grant,
    lexicon::{disarm as lexicon, export, mint as mint_words},
    mint,
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
    Rule { id: "disarm.block", when: MUTATES, judge: block },
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
    // To send one's password there is to sign in; who comes from elsewhere is a person.
    if act.asks(&["password"]).is_some() && act.effect == Effect::Make && !act.any_object(lexicon::SETTINGS)
        || grant::is_person(act) && act.object_itself(lexicon::PROTECTIONS).is_none()
    {
        return None;
    }
    if mint::signs_out(act) {
        return None;
    }
    let secured = || act.under(&["security"]).filter(|_| act.any_object(lexicon::SETTINGS));
    // What somebody may do by a login from elsewhere is a role.
    if grant::office(act).is_some() {
        return None;
    }
    act.object(lexicon::PROTECTIONS)
        .filter(meant)
        .or_else(|| act.mentions(lexicon::UNMISTAKABLE))
        .or_else(secured)
        .map(|hit| format!("changes {hit}"))
}

/// Changes what is allowed to everybody in a place, not to somebody.
fn policy(act: &Act<'_>) -> Option<String> {
    // What is called a policy and nothing else is one of the place.
    act.object(lexicon::POLICIES)
        .or_else(|| act.object_alone(&["policy", "policy rule"]).filter(Hit::is_in_a_name))
        .map(|hit| format!("sets what {hit} allows"))
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
    // To sign in, and to set what one signs in with, is another matter.
    if mint::credential(act).is_some() || act.does(lexicon::TAKES_NOTE).is_some() {
        return None;
    }
    let hit = act.under(lexicon::PROTECTIONS).filter(|hit| !lexicon::WATCHES.contains(&hit.term))?;
    // What a machine found out about it is no setting.
    if act.any_object(lexicon::FOUND_OUT) {
        return None;
    }
    Some(format!("changes what lies in {hit}"))
}

/// Wipes out what was written about people.
fn log(act: &Act<'_>) -> Option<String> {
    let hit = act.object(export::WATCHED).or_else(|| act.object_alone(&["log"]).filter(|_| !act.one))?;
    Some(format!("wipes {hit}"))
}

/// Changes the address by which a person signs in or recovers.
fn address(act: &Act<'_>) -> Option<String> {
    // To send a mail that proves an address changes none.
    if act.does(mint_words::TRIES).is_some() || act.mentions(&["verification", "verify"]).is_some() {
        return None;
    }
    let changed = || act.does(&["change"]).and_then(|_| act.object_alone(lexicon::ADDRESSES));
    let of_account = || act.under(lexicon::ACCOUNTS).and_then(|_| act.object_alone(lexicon::ADDRESSES));
    if let Some(hit) = act.object_itself(lexicon::SIGN_IN_ADDRESSES).or_else(of_account).or_else(changed) {
        return Some(format!("changes {hit}"));
    }
    // An account that has a password is one of a person.
    let own = || act.object_itself(lexicon::ACCOUNTS_OF_PEOPLE).is_some() && act.context.accounts;
    let connects = || act.object(mint_words::CONNECTIONS).is_some() || act.is_in(mint_words::CONNECTIONS);
    let signs_in = || act.one && act.asks(&["password", "new password"]).is_some() && !connects();
    if act.effect != Effect::Change {
        return None;
    }
    if grant::is_person(act) || signs_in() {
        act.asks(lexicon::ADDRESS_FIELDS)
    } else if own() {
        act.asks(lexicon::EMAIL_FIELDS)
    } else {
        return None;
    }
    .or_else(|| act.asks(lexicon::SIGN_IN_NAMES).filter(|_| act.one || own()))
    .map(|name| format!("sets `{name}` of a person"))
}

/// Keeps somebody away, or lets them in again.
fn block(act: &Act<'_>) -> Option<String> {
    let verb = || {
        act.does(&["block", "unblock"])
            .filter(|_| act.object_itself(lexicon::BLOCKED).is_some() || act.object_alone(&["block"]).is_some())
    };
    act.object_alone(lexicon::BLOCKS).or_else(verb).map(|hit| format!("blocks or unblocks: {hit}"))
}

/// Sets a protection among other fields.
fn field(act: &Act<'_>) -> Option<String> {
    if act.does(&["authenticate", "login"]).is_some() || act.object_itself(&["login", "sign in"]).is_some() {
        return None;
    }
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

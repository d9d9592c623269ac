//! `destroy`: deletes for good.

use super::{
    MUTATES, REMOVES, Rule, SETS,
    act::{Act, Place, Said},
    field::Named,
    grant,
    lexicon::destroy as lexicon,
    mint,
    verbs::Effect,
    words::{self, contains, is_any, words},
};

pub(super) const RULES: &[Rule] = &[
    Rule { id: "destroy.object", when: REMOVES, judge: object },
    Rule { id: "destroy.verb", when: MUTATES, judge: verb },
    Rule { id: "destroy.choice", when: SETS, judge: choice },
];

fn object(act: &Act<'_>) -> Option<String> {
    if unties(act) || ends_sessions(act) || mint::signs_out(act) {
        return None;
    }
    match act.objects.first() {
        Some(object) => Some(format!("deletes `{}` in {}", object.words.join(" "), object.place)),
        None => Some(format!("`{}`", act.facts.method)),
    }
}

/// Deletes for good whatever the method and the object are.
fn verb(act: &Act<'_>) -> Option<String> {
    let ends = || act.does(&["cancel", "close"]).filter(|_| act.object_alone(&["account"]).is_some());
    let overwrites = || act.does(lexicon::RESTORES).filter(|_| act.asks(&["overwrite"]).is_some());
    let rebuilds = || act.does(lexicon::RESTORES).filter(|_| act.object(lexicon::DISKS).is_some());
    let resets = || act.does(&["flush", "reset"]).filter(|_| act.object_itself(lexicon::EMPTIED).is_some());
    act.does(lexicon::FOR_GOOD)
        .or_else(resets)
        .or_else(|| act.mentions(lexicon::RESETS))
        .filter(|_| !ends_sessions(act) && act.object(lexicon::LIGHT).is_none())
        .or_else(ends)
        .or_else(overwrites)
        .or_else(rebuilds)
        .map(|hit| format!("does {hit}"))
}

/// The request chooses what is done, and to delete is among the choices.
fn choice(act: &Act<'_>) -> Option<String> {
    let chooses = |named: &&Named<'_>| {
        named.level == 1 && words::is_any(&named.words, lexicon::CHOOSE) && named.can_be(lexicon::CHOICES)
    };
    act.asks.iter().find(chooses).map(|named| format!("`{}` can delete it", named.name))
}

/// Takes a tie away and leaves both ends as they are.
fn unties(act: &Act<'_>) -> bool {
    takes_apart(act)
        || act.object(lexicon::LIGHT).is_some()
        || act.objects.iter().any(|said| contains_any(&said.words, lexicon::LIGHTLY))
        || grant::tie(act).is_some() && !is_a_thing_itself(act)
        || act.object(&["subscription"]).is_some() && !act.one
        || revokes_an_office(act)
        || removes_from(act)
        || undoes(act)
        || untags(act)
        || relates(act)
}

/// `DELETE /guests/{id}` deletes the guest, where `DELETE /rooms/{id}/guests/{guest}` sends one away.
fn is_a_thing_itself(act: &Act<'_>) -> bool {
    let alone = act.facts.template.matches('{').count() == 1 && act.one;
    alone && act.does(&["delete"]).is_some() && act.object_alone(lexicon::BY_THEMSELVES).is_some()
}

fn contains_any(phrase: &[String], terms: &[&str]) -> bool {
    terms.iter().any(|term| contains(phrase, term))
}

fn takes_apart(act: &Act<'_>) -> bool {
    let said =
        [Place::Summary, Place::Description].into_iter().any(|place| act.does_there(lexicon::DELETES, place).is_some());
    // Some archive by `DELETE`, and say so.
    let archives = || act.does_there(&["ack", "acknowledge", "archive", "reset"], Place::Summary).is_some();
    (act.does(lexicon::UNTIES).is_some() || archives()) && !said
}

/// To revoke a role from somebody keeps the role.
fn revokes_an_office(act: &Act<'_>) -> bool {
    let from_somebody =
        act.facts.method != "DELETE" || act.does(lexicon::DELETES).is_none() && act.container().is_some();
    from_somebody && act.does(&["remove", "revoke"]).is_some() && grant::office(act).is_some()
}

/// "Remove a label from an issue" keeps the label.
fn removes_from(act: &Act<'_>) -> bool {
    let said = act.facts.summary.as_deref().or(act.facts.description.as_deref()).unwrap_or_default();
    // `DELETE_labels_id` only says the method.
    let id = act.facts.operation_id.as_deref().unwrap_or_default();
    let deletes = act.does(lexicon::DELETES).is_some() && !id.starts_with("DELETE") && !contains(&words(id), "from");
    // Where the request says which, they are taken out of a list.
    let listed = !act.one && !act.asks.is_empty() && act.does_there(lexicon::DELETES, Place::Path).is_none();
    let deletes = deletes && !listed;
    let said = words(said);
    // What is deleted from a list goes on outside of it.
    let of_list = act.container().is_some()
        && said.windows(3).any(|next| matches!(next, [from, rest @ ..] if from == "from" && rest.iter().any(|word| lexicon::LISTS.contains(&word.as_str()))));
    of_list || act.does(&["remove"]).is_some() && !deletes && contains(&said, "from")
}

/// Deletes that two things belong together, and keeps both.
fn relates(act: &Act<'_>) -> bool {
    // `DELETE /associations/{id}` deletes what somebody made; below a thing, it parts it from another.
    let alone = act.facts.template.matches('{').count() < 2;
    let related = act.facts.template.split('/').any(|segment| segment == "relationships");
    let named = act.objects.iter().any(|said| {
        is_any(&said.words, lexicon::TIED) || said.place != Place::Path && contains_any(&said.words, lexicon::TIED)
    });
    related || named && !(alone && act.objects.first().is_some_and(|said| is_any(&said.words, lexicon::TIED)))
}

/// `DELETE …/star` takes the star back, unless something says that it deletes.
fn undoes(act: &Act<'_>) -> bool {
    let mut verbs = act.verbs.iter();
    let removes = |said: &Said| said.effect() == Some(Effect::Remove);
    verbs.clone().any(|said| said.place == Place::Path) && !verbs.any(removes)
}

/// `DELETE /articles/{id}/categories/{category}` keeps the category.
fn untags(act: &Act<'_>) -> bool {
    let path = act.objects.first().filter(|said| said.place == Place::Path);
    path.is_some_and(|said| is_any(&said.words, lexicon::REFERENCES))
        && act.container().is_some()
        && !act.is_in(lexicon::OWNERS)
}

/// Signs somebody out: what ends would have ended by itself.
fn ends_sessions(act: &Act<'_>) -> bool {
    act.facts.method != "DELETE" && act.object(&["session"]).is_some()
}

//! `destroy`: deletes for good.

use super::{
    MUTATES, REMOVES, Rule, SETS,
    act::{Act, Place, Said},
    field::Named,
    grant,
    lexicon::destroy as lexicon,
    verbs::Effect,
    words::{self, contains, is_any, words},
};

pub(super) const RULES: &[Rule] = &[
    Rule { id: "destroy.object", when: REMOVES, judge: object },
    Rule { id: "destroy.verb", when: MUTATES, judge: verb },
    Rule { id: "destroy.choice", when: SETS, judge: choice },
];

fn object(act: &Act<'_>) -> Option<String> {
    if unties(act) || ends_sessions(act) {
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
    act.does(lexicon::FOR_GOOD)
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
        || grant::tie(act).is_some()
        || act.object(&["subscription"]).is_some() && !act.one
        || revokes_an_office(act)
        || removes_from(act)
        || undoes(act)
        || untags(act)
}

fn takes_apart(act: &Act<'_>) -> bool {
    let said =
        [Place::Summary, Place::Description].into_iter().any(|place| act.does_there(lexicon::DELETES, place).is_some());
    act.does(lexicon::UNTIES).is_some() && !said
}

/// To revoke a role from somebody keeps the role.
fn revokes_an_office(act: &Act<'_>) -> bool {
    act.facts.method != "DELETE" && act.does(&["remove", "revoke"]).is_some() && grant::office(act).is_some()
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
    act.does(&["remove"]).is_some() && !deletes && contains(&words(said), "from")
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

//! `destroy`: deletes for good.

use super::{
    MUTATES, REMOVES, Rule,
    act::{Act, Place, Said},
    grant,
    lexicon::destroy as lexicon,
    verbs::Effect,
    words::{contains, words},
};

pub(super) const RULES: &[Rule] = &[
    Rule { id: "destroy.object", when: REMOVES, judge: object },
    Rule { id: "destroy.verb", when: MUTATES, judge: verb },
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
    act.does(lexicon::FOR_GOOD).filter(|_| !ends_sessions(act)).map(|hit| format!("does {hit}"))
}

/// Takes a tie away and leaves both ends as they are.
fn unties(act: &Act<'_>) -> bool {
    act.does(lexicon::UNTIES).is_some()
        || act.object(lexicon::LIGHT).is_some()
        || grant::tie(act).is_some()
        || grant::leaves(act)
        || revokes_an_office(act)
        || removes_from(act)
        || undoes(act)
}

/// To revoke a role from somebody keeps the role.
fn revokes_an_office(act: &Act<'_>) -> bool {
    act.facts.method != "DELETE" && act.does(&["remove", "revoke"]).is_some() && grant::office(act).is_some()
}

/// "Remove a label from an issue" keeps the label.
fn removes_from(act: &Act<'_>) -> bool {
    let said = act.facts.summary.as_deref().or(act.facts.description.as_deref()).unwrap_or_default();
    // An id says `delete` for whatever `DELETE` does.
    let deletes = act.does(lexicon::DELETES).is_some_and(|hit| hit.place != Place::OperationId);
    act.does(&["remove"]).is_some() && !deletes && contains(&words(said), "from")
}

/// `DELETE …/star` takes the star back, unless something says that it deletes.
fn undoes(act: &Act<'_>) -> bool {
    let mut verbs = act.verbs.iter();
    let removes = |said: &Said| said.effect() == Some(Effect::Remove);
    verbs.clone().any(|said| said.place == Place::Path) && !verbs.any(removes)
}

/// Signs somebody out: what ends would have ended by itself.
fn ends_sessions(act: &Act<'_>) -> bool {
    act.facts.method != "DELETE" && act.object(&["session"]).is_some()
}

//! `run`: executes code or jobs, deploys, starts and stops.

use super::{
    LOOKS, MUTATES, Rule, SETS,
    act::{Act, Hit, Place},
    lexicon::run as lexicon,
    mint,
    verbs::Effect,
};

pub(super) const RULES: &[Rule] = &[
    Rule { id: "run.verb", when: MUTATES, judge: verb },
    Rule { id: "run.switch", when: MUTATES, judge: switch },
    Rule { id: "run.start", when: MUTATES, judge: start },
    Rule { id: "run.object", when: SETS, judge: object },
    Rule { id: "run.choice", when: MUTATES, judge: choice },
    Rule { id: "run.connect", when: LOOKS, judge: connect },
];

fn verb(act: &Act<'_>) -> Option<String> {
    // `deleteDeploy` deletes, and a deploy key is a key.
    let meant = |hit: &Hit| act.effect != Effect::Remove || hit.place == Place::Path;
    if mint::credential(act).is_some() || act.object(lexicon::ASKED_FOR).is_some() {
        return None;
    }
    let promotes = || act.does(&["promote"]).filter(|_| act.mentions(&["build", "deployment", "release"]).is_some());
    act.does(lexicon::VERBS).filter(meant).or_else(promotes).map(|hit| format!("does {hit}"))
}

/// Starts or stops something that runs.
fn switch(act: &Act<'_>) -> Option<String> {
    let hit = act.object(lexicon::RUNNABLE)?;
    let anywhere = || act.does(lexicon::SWITCHES).filter(|_| hit.is_in_a_name());
    act.does_there(lexicon::SWITCHES, hit.place).or_else(anywhere).map(|verb| format!("{verb} acts on {hit}"))
}

/// Starts or stops whatever it is.
fn start(act: &Act<'_>) -> Option<String> {
    if act.object(lexicon::NOT_RUN).is_some() {
        return None;
    }
    act.does(lexicon::STARTS).filter(Hit::is_in_a_name).map(|hit| format!("does {hit}"))
}

/// Makes something that runs as soon as it is there, or changes what it runs.
fn object(act: &Act<'_>) -> Option<String> {
    let brings_code = act.asks(lexicon::CODE).is_some();
    let coded = |hit: Option<Hit>| hit.filter(|_| brings_code);
    let hit = match act.effect {
        Effect::Make => act.makes(lexicon::RUNS_WHEN_MADE).or_else(|| coded(act.makes(lexicon::RUNS_WITH_CODE))),
        // What is not described may hold code.
        _ => act
            .object_itself(lexicon::RUNS_WITH_CODE)
            .filter(|_| brings_code || act.facts.method == "PATCH" && act.facts.request.fields.is_empty()),
    }?;
    Some(format!("makes {hit} run"))
}

/// Some tunnels to a machine open by `GET`.
fn connect(act: &Act<'_>) -> Option<String> {
    act.does_there(&["attach", "exec", "execute", "invoke"], Place::Path).map(|hit| format!("does {hit}"))
}

/// The request chooses what is done, and to start or stop is among the choices.
fn choice(act: &Act<'_>) -> Option<String> {
    let named = act.asks.iter().find(|named| named.level == 1 && named.can_be(lexicon::CHOICES))?;
    Some(format!("`{}` can start or stop it", named.name))
}

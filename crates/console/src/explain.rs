//! Why a call would pass, be asked about, or be refused. Calls nothing.

use catalogue::{Catalogue, Operation};
use law::{
    Answer, Attempt, Caller, Challenge, Decision, Factor, Factors, Held, HolderKind, KeyFacts, Law, MaxAge, Permit,
    Power, Powers, Refusal, Verdict, decide, neighbourhood,
};

use crate::{
    Desk, Settings,
    api::{EvidenceLine, ExplainFilter, ExplainedPower, Explanation, KeyView, Problem},
    inventory,
    matching::{self, Matched},
    nearest::nearest,
    ruling,
};

/// Explains one call.
pub(crate) fn explain(desk: &Desk, asked: &ExplainFilter) -> Result<Explanation, Problem> {
    let ExplainFilter { method, path, key, source } = asked;
    let (now, settings, catalogue) = (desk.now(), desk.settings.load(), desk.catalogue.load());
    let method = method.to_ascii_uppercase();
    if !path.starts_with('/') {
        return Err(Problem::unfit(format!("`{path}` is no path; a path begins with `/`, such as `/users/bob`")));
    }
    let (matched, refusal) = match find(&catalogue, &settings, &method, path) {
        Ok(matched) => (matched, None),
        Err(refusal) => (Matched::nothing(), Some(refusal)),
    };
    let is_open = matched.open;
    let subject = match key {
        Some(id) => {
            let usage = desk.book.as_ref().and_then(|book| book.usage(*id));
            let (key, view) = inventory::key(desk, usage.as_ref(), *id)?;
            let held = source.map(|source| desk.authority.held(*id, neighbourhood(source), now));
            // As if it were usual for the key in all else.
            let contained = desk.authority.contained(&key, matched.powers, false, now);
            Some((desk.authority.facts(&key), view, held.unwrap_or_default(), contained, key))
        }
        None => None,
    };
    let (caller, kind, presentable, held, contained) = match &subject {
        Some((facts, _, held, contained, _)) => (Caller::Key(*facts), facts.kind, facts.presentable, *held, *contained),
        None => (Caller::Nobody, HolderKind::Person, Factors::NONE, Held::default(), Answer::Pass),
    };
    let law = desk.authority.law();
    let attempt = Attempt { caller, powers: matched.powers, open: is_open, held, contained, at: now };
    let operation = matched.id.and_then(|id| catalogue.operation(id));
    let name = operation.map_or_else(|| catalogue.undescribed(&method), |operation| operation.name.to_string());
    let outside = subject.as_ref().and_then(|(.., key)| match source {
        Some(source) => key.admits(&name, matched.powers, *source).err(),
        None => key.admits_from_anywhere(&name, matched.powers).err(),
    });
    let decision = match refusal {
        Some(refusal) => Decision::Refuse(refusal),
        None => within(decide(&law.law, &attempt), outside),
    };
    let key = subject.map(|(_, view, ..)| view);
    let powers = matched.powers.iter().map(|power| explained(&law.law, kind, power, operation, &held, now)).collect();
    let unknown = operation.is_none() && matched.candidates.is_empty() && refusal.is_none();
    Ok(Explanation {
        nearest: if unknown && !is_open { nearest(&catalogue, &method, path) } else { Vec::new() },
        operation: operation.map(|operation| operation.name.to_string()),
        summary: operation.and_then(|operation| operation.summary.clone()),
        open: is_open,
        kind,
        powers,
        presentable,
        verdict: verdict(&decision),
        in_words: in_words(&decision, key.as_ref(), is_open),
        notes: notes(operation, &matched, refusal, source.is_none() && key.is_some()),
        candidates: matched.candidates,
        parameters: matched.parameters,
        method,
        path: path.clone(),
        key,
    })
}

/// What the law says, unless the key was issued for other things: the law comes first where a
/// key does not stand at all.
pub(crate) fn within(decision: Decision, outside: Option<Refusal>) -> Decision {
    match (decision, outside) {
        (decision @ Decision::Refuse(_), _) | (decision, None) => decision,
        (_, Some(outside)) => Decision::Refuse(outside),
    }
}

fn find(catalogue: &Catalogue, settings: &Settings, method: &str, path: &str) -> Result<Matched, Refusal> {
    if matches!(method, "TRACE" | "CONNECT") {
        return Err(Refusal::MethodRefused);
    }
    matching::find(catalogue, &settings.path_rules, &settings.open, method, path)
}

fn explained(
    law: &Law,
    kind: HolderKind,
    power: Power,
    operation: Option<&Operation>,
    held: &Held,
    now: jiff::Timestamp,
) -> ExplainedPower {
    let cell = &law.of(kind)[power];
    ExplainedPower {
        guard: ruling::guarded(power, cell, now),
        in_words: power.in_words().to_owned(),
        evidence: operation.map_or_else(Vec::new, |operation| evidence(operation, Some(power))),
        holds: cell.holds(power, held),
    }
}

/// Why an operation has its powers, or one of them.
pub(crate) fn evidence(operation: &Operation, of: Option<Power>) -> Vec<EvidenceLine> {
    let lines = operation.evidence.iter().filter(|(power, _)| of.is_none_or(|wanted| *power == wanted));
    lines
        .map(|(power, evidence)| EvidenceLine {
            power: *power,
            rule: evidence.rule.to_owned(),
            words: evidence.words.clone(),
        })
        .collect()
}

/// A decision as the record would name it.
pub(crate) fn verdict(decision: &Decision) -> Verdict {
    match decision {
        Decision::Permit(permit) => match (permit.would_ask(), permit.would_refuse()) {
            (Some(challenge), _) => Verdict::WouldAsk(challenge.missing),
            (None, Some(refusal)) => Verdict::WouldRefuse(refusal),
            (None, None) => Verdict::Permit,
        },
        Decision::Challenge(challenge) => Verdict::Challenge(challenge.missing),
        Decision::Refuse(refusal) => Verdict::Refuse(*refusal),
    }
}

/// Whether an operation passes with the key alone. Its scope, or what narrows it, may leave it out.
pub(crate) fn passes_alone(
    law: &Law,
    key: KeyFacts,
    admits: impl Fn(&str, Powers) -> bool,
    operation: &Operation,
    now: jiff::Timestamp,
) -> bool {
    let powers = operation.powers;
    if !admits(&operation.name, powers) {
        return false;
    }
    let attempt = Attempt {
        caller: Caller::Key(key),
        powers,
        open: false,
        held: Held::default(),
        contained: Answer::Pass,
        at: now,
    };
    matches!(decide(law, &attempt), Decision::Permit(_))
}

fn in_words(decision: &Decision, key: Option<&KeyView>, open: bool) -> String {
    match decision {
        Decision::Permit(permit) => permitted(permit, key, open),
        Decision::Challenge(challenge) => format!("it would wait: {}", asking(challenge, key)),
        Decision::Refuse(refusal) => refused(*refusal),
    }
}

fn permitted(permit: &Permit, key: Option<&KeyView>, open: bool) -> String {
    match (permit.would_ask(), permit.would_refuse()) {
        (Some(challenge), _) => {
            format!("it passes, because its guards only observe; enforced, {}", asking(&challenge, key))
        }
        (None, Some(refusal)) => {
            format!("it passes, because its guards only observe; enforced, it would be refused: {}", refused(refusal))
        }
        (None, None) if key.is_none() && open => "it passes: anybody may call it".to_owned(),
        (None, None) => "it passes: its guards hold".to_owned(),
    }
}

fn refused(refusal: Refusal) -> String {
    format!("{}; {}", refusal.says(), refusal.mend())
}

/// Who would be asked for what.
fn asking(challenge: &Challenge, key: Option<&KeyView>) -> String {
    let people = key.map_or(&[][..], |key| &key.answerers);
    let who = match people {
        [] => "the person who answers for the key".to_owned(),
        [one] => one.clone(),
        [first, rest @ ..] => format!("{first} (or {})", rest.join(", ")),
    };
    let mut asked = if challenge.missing.contains(Factor::SecondPerson) {
        format!("{who} and a second person would be asked for their codes")
    } else if challenge.missing.contains(Factor::Person) {
        format!("{who} would be asked for a code")
    } else {
        format!("{} would be asked for", challenge.missing)
    };
    if challenge.missing.contains(Factor::Person) {
        match challenge.person_age {
            MaxAge::ThisRequest => asked += ", for this very request",
            MaxAge::Within(span) => asked += &format!("; the yes serves for {span}, from the same source"),
        }
    }
    asked
}

fn notes(operation: Option<&Operation>, matched: &Matched, refusal: Option<Refusal>, no_source: bool) -> Vec<String> {
    let mut notes = Vec::new();
    if operation.is_none() && matched.candidates.is_empty() && refusal.is_none() {
        notes.push("the document does not describe it, so it has every power".to_owned());
    }
    if !matched.candidates.is_empty() {
        notes.push("more than the path tells which operation it is; the powers of all of them are shown".to_owned());
    }
    if operation.is_some_and(|operation| !operation.powers.is_superset(matched.powers)) {
        notes.push(
            "the path may be read in another way, too (an encoded slash that divides it, another spelling of a \
             literal): what it asks for then counts as well; `[api.paths]` says how the API reads"
                .to_owned(),
        );
    }
    if operation.is_some_and(|operation| !operation.accepted) {
        notes.push("catalogue.lock does not know it, so it has every power until `greave catalogue accept`".to_owned());
    }
    if no_source {
        notes.push("without a source no earlier yes counts; add `--source ADDRESS`".to_owned());
    }
    notes
}

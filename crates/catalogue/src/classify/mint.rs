//! `mint`: creates, reveals, rotates or deletes credentials.

use super::{
    ANSWERS, LOOKS, MUTATES, Rule, SETS,
    act::{Act, Hit, Place},
    field::Named,
    lexicon::{grant, mint as lexicon},
    verbs::Effect,
    words,
};

pub(super) const RULES: &[Rule] = &[
    Rule { id: "mint.object", when: MUTATES, judge: object },
    Rule { id: "mint.verb", when: MUTATES, judge: verb },
    Rule { id: "mint.exchange", when: &[Effect::Look, Effect::Make, Effect::Change, Effect::Remove], judge: exchange },
    Rule { id: "mint.session", when: MUTATES, judge: session },
    Rule { id: "mint.sign-in", when: LOOKS, judge: sign_in },
    Rule { id: "mint.answer", when: ANSWERS, judge: answer },
    Rule { id: "mint.reveal", when: ANSWERS, judge: reveal },
    Rule { id: "mint.fetch", when: LOOKS, judge: fetch },
    Rule { id: "mint.authorize", when: ANSWERS, judge: authorize },
    Rule { id: "mint.variable", when: ANSWERS, judge: variable },
    Rule { id: "mint.field", when: SETS, judge: field },
];

/// Changes a credential.
fn object(act: &Act<'_>) -> Option<String> {
    if act.does(lexicon::ORDERS).is_some() || is_tried(act) || signs_out(act) || opens_a_file(act) {
        return None;
    }
    // Its name opens nothing, and where it stands in a list neither.
    if act.effect == Effect::Change
        && act.objects.first().is_some_and(|said| words::ends_with_any(&said.words, lexicon::ABOUT_IT))
    {
        return None;
    }
    // Which things may use a credential is no credential.
    let inside = || act.under(lexicon::HOLDS_CREDENTIALS).filter(|_| !act.any_object(grant::SHARED_THINGS));
    let hit = credential(act).or_else(inside)?;
    let doing = match act.effect {
        Effect::Look => "looks at",
        Effect::Make => "creates",
        Effect::Change => "changes",
        Effect::Remove => "deletes",
    };
    Some(format!("{doing} {hit}"))
}

/// Ends what was one's own.
pub(super) fn signs_out(act: &Act<'_>) -> bool {
    act.does(&["logout"]).or_else(|| act.object(lexicon::SIGN_OUTS)).is_some()
}

/// A password of a file that the caller sends along.
fn opens_a_file(act: &Act<'_>) -> bool {
    let file = |media: &String| media.starts_with("application/pdf") || media.starts_with("application/octet-stream");
    act.asks(&["document", "file"]).is_some() && act.facts.answer.media.iter().any(file)
}

/// Only sends a code that proves an address, or tries whether a token holds.
fn is_tried(act: &Act<'_>) -> bool {
    act.does(lexicon::TRIES).is_some() && act.object_itself(lexicon::TRIED).is_some()
        || act.under(lexicon::VERIFICATIONS).is_some() && act.object_itself(lexicon::TRIED).is_some()
}

/// The credential that is acted upon.
pub(super) fn credential(act: &Act<'_>) -> Option<Hit> {
    // What a person authorises others to do is no credential.
    let authorization = || act.object_alone(&["authorization"]).filter(|_| !act.is_in(grant::PEOPLE));
    let hit = act.object(lexicon::CREDENTIALS).or_else(authorization)?;
    if act.any_object(lexicon::NO_CREDENTIALS) {
        return None;
    }
    // A token that there is so much of is a coin.
    if hit.term == "token" && act.asks(lexicon::COINS).is_some() {
        return None;
    }
    let mut nearby = act.objects.iter().chain(act.container()).flat_map(|said| &said.words);
    let other =
        lexicon::AMBIGUOUS.contains(&hit.term) && nearby.any(|word| lexicon::OTHER_KEYS.contains(&word.as_str()));
    (!other).then_some(hit)
}

/// Does what is done to credentials only.
fn verb(act: &Act<'_>) -> Option<String> {
    if act.object(lexicon::ROTATED_TOO).is_some() {
        return None;
    }
    act.does(&["reauthorize", "rekey", "rotate"]).map(|hit| format!("does {hit}"))
}

/// Exchanges a client's secret and something more for a token.
fn exchange(act: &Act<'_>) -> Option<String> {
    let secret = act.asks(&["client secret"])?;
    let more = act.asks(&["code", "grant type", "refresh token"])?;
    Some(format!("exchanges `{secret}` and `{more}` for a token"))
}

/// Whether what is made is a sign-in or a credential, not somebody new.
pub(super) fn signs_in(act: &Act<'_>) -> bool {
    session(act).is_some() || credential(act).is_some() || exchange(act).is_some()
}

/// Signs in, or signs somebody else out.
fn session(act: &Act<'_>) -> Option<String> {
    // To sign out ends what was one's own.
    if signs_out(act) {
        return None;
    }
    let signs = || {
        act.object_itself(lexicon::SIGN_INS)
            .filter(|_| act.effect == Effect::Make || act.effect == Effect::Change && !act.one)
    };
    let verb = act.does(lexicon::SIGNS);
    // A session of something else than a sign-in asks for something else.
    let told =
        act.effect == Effect::Remove || act.facts.request.fields.is_empty() || act.asks(lexicon::PROOFS).is_some();
    let alone = || act.object_alone(lexicon::SESSIONS).filter(|_| told);
    verb.or_else(signs).or_else(alone).map(|hit| format!("signs in: {hit}"))
}

/// "Gets a token" by `POST …/authenticate`.
fn sign_in(act: &Act<'_>) -> Option<String> {
    let hit =
        act.does(&["authenticate", "login"]).filter(|hit| act.facts.method != "GET" && hit.place == Place::Path)?;
    Some(format!("signs in: {hit}"))
}

/// Lets a client in by OAuth: what comes back is a code or a token, whatever the method.
fn authorize(act: &Act<'_>) -> Option<String> {
    let hit = act.does_there(&["authorize"], Place::Path).or_else(|| {
        act.object_itself(&["authorization", "authorize"]).filter(|hit| hit.place == Place::Path && !act.one)
    })?;
    act.mentions(lexicon::OAUTH).map(|oauth| format!("{hit} of {oauth}"))
}

/// Answers with a secret that was made, changed or is there to see.
fn answer(act: &Act<'_>) -> Option<String> {
    // What stands for a card pays, and opens nothing.
    if act.asks(lexicon::CARDS).is_some() || act.does(lexicon::TRIES).is_some() && act.asks(&["jwt", "token"]).is_some()
    {
        return None;
    }
    let looks = act.effect == Effect::Look;
    let keeps = looks || act.effect == Effect::Change && act.does(lexicon::RENEWS).is_none();
    // `GET` lists names of credentials; a list that is asked for by `POST` is none of names.
    let names_only = looks && act.facts.answer.list && act.facts.method != "POST";
    let credential = credential(act).is_some();
    let of_secret = act.object(lexicon::SHOWABLE).is_some() || act.facts.method == "POST";
    let shows = credential && of_secret && !names_only;
    let hook = act.object(&["hook", "webhook"]).is_some();
    let client = act.answers.iter().any(|named| words::is(&named.words, "client id"));
    // How deep in the thing a field with this name still holds a usable secret.
    let depth = |name: &[String]| {
        // Hooks show that there is a secret, not which.
        let masked = hook && looks && words::is(name, "secret");
        // Payments show a handle as `client_secret` ever after; beside a `client_id` it is a secret.
        let handle = words::is(name, "client secret") && !client && !shows && act.effect != Effect::Make;
        // Who names the token in the path has it.
        let token = words::is(name, "token");
        let own = is_called(name, lexicon::SECRETS) || is_called(name, lexicon::TOKENS) || token;
        if is_called(name, lexicon::PASSWORDS) || shows && is_shown(name) {
            2
        } else {
            let listed = credential && names_only && !words::is_any(name, lexicon::NEVER_A_NAME);
            let unusable = masked || handle || listed;
            usize::from(own && !unusable)
        }
    };
    let usable = |named: &&Named<'_>| {
        let in_passing = named.level > 1 && words::ends_with_any(&named.parent, lexicon::SOMEBODY);
        // What was asked for, or is named in the path, the caller has.
        let in_path = || act.facts.template.contains(&format!("{{{}}}", named.name));
        let echoed = act.context.is_proof(&named.words) || in_path();
        !echoed
            && named.level <= depth(&named.words)
            && is_text(named)
            && !in_passing
            && !(keeps && stays_hidden(named))
    };
    act.answers.iter().find(usable).map(|named| format!("answers with `{}`", named.name))
}

/// Asks for a secret to be shown.
fn reveal(act: &Act<'_>) -> Option<String> {
    act.does(&["decrypt", "reveal", "unseal"]).map(|hit| format!("shows a secret: {hit}"))
}

/// Fetches a credential, and nothing else.
fn fetch(act: &Act<'_>) -> Option<String> {
    let hit = credential(act).filter(|_| act.facts.method != "POST" || act.does(lexicon::TRIES).is_none())?;
    // What is only looked at needs no `POST`.
    if act.facts.method == "POST"
        && let Some(verb) = act.does(&["fetch", "get", "obtain", "retrieve"])
        && let Some(shown) = act.object_itself(lexicon::SHOWABLE)
    {
        return Some(format!("{verb} acts on {shown}"));
    }
    // Nor does a list of names come from `…/credentials/download` and `…/kubeconfig`.
    if let Some(verb) = act.does(&["download"]) {
        return Some(format!("{verb} acts on {hit}"));
    }
    // A secret whose data is described is shown.
    if hit.term == "secret" && act.answers.iter().any(|named| words::is(&named.words, "string data")) {
        return Some(format!("reads {hit}"));
    }
    let single =
        || act.facts.template.rsplit('/').find(|segment| !segment.is_empty()).is_some_and(|last| !last.ends_with('s'));
    let whole = || {
        let alone = || act.object_itself(lexicon::WHOLE_ALONE).filter(|hit| hit.place == Place::Path && single());
        act.object_itself(lexicon::WHOLE).or_else(alone).filter(|_| !act.one && !act.facts.answer.list)
    };
    if let Some(hit) = whole() {
        return Some(format!("reads {hit}"));
    }
    match act.answers.as_slice() {
        [only] if is_shown(&only.words) && is_text(only) => {
            Some(format!("answers with nothing but `{}` of {hit}", only.name))
        }
        _ => None,
    }
}

/// Reads or sets a variable, which may hold a secret.
fn variable(act: &Act<'_>) -> Option<String> {
    let hit = act.object_itself(lexicon::VARIABLES)?;
    let of_program = act.is_in(lexicon::PROGRAMS);
    if hit.term == "variable" && !of_program && act.asks(lexicon::HIDES).is_none() {
        return None;
    }
    if act.effect == Effect::Look {
        let held = act.answers.iter().find(|named| words::is(&named.words, "value") && !stays_hidden(named))?;
        return Some(format!("answers with `{}` of {hit}", held.name));
    }
    let of_environment = hit.term != "variable";
    if of_environment && act.facts.request.fields.is_empty() {
        return Some(format!("sets {hit}"));
    }
    let value = act.asks(&["encrypted value", "value", "values"])?;
    Some(format!("sets `{value}` of {hit}"))
}

/// Sets a credential among other fields.
fn field(act: &Act<'_>) -> Option<String> {
    // What is only tried is not kept.
    if act.does(&["test"]).is_some() || opens_a_file(act) {
        return None;
    }
    // Who confirms something proves who confirms it.
    if act.object(lexicon::CONFIRMED).is_some() && act.under(lexicon::CONFIRMED_IN).is_some() {
        return None;
    }
    let sets = |named: &&Named<'_>| {
        let in_passing = named.level > 1 && words::ends_with_any(&named.parent, lexicon::SOMEBODY);
        named.level <= 2
            && !in_passing
            && is_called(&named.words, lexicon::SET)
            && !words::ends_with_any(&named.words, lexicon::NOT_SET)
            && !is_own(act, named)
            && (is_text(named) || is_several(named))
    };
    // What connects to something else holds its token.
    let connects = act.object(lexicon::CONNECTIONS).is_some() || act.is_in(lexicon::CONNECTIONS);
    let token = |named: &&Named<'_>| {
        let own = named.field.is_some() && named.level == 1 && is_text(named);
        let told = is_called(&named.words, lexicon::OTHERS_TOKENS)
            || connects && words::is_any(&named.words, lexicon::CONNECTING);
        own && told && !act.context.is_proof(&named.words) && !named.said().contains("requires scope")
    };
    // Environments of programs hold their secrets.
    let environment = |named: &&Named<'_>| {
        named.field.is_some()
            && named.level == 1
            && words::is_any(&named.words, lexicon::ENVIRONMENTS)
            && !is_flag(named)
    };
    let first = |fits: &dyn Fn(&&Named<'_>) -> bool| act.asks.iter().find(fits);
    let named = first(&sets).or_else(|| first(&token)).or_else(|| first(&environment))?;
    Some(format!("sets `{}`", named.name))
}

fn is_called(name: &[String], terms: &[&str]) -> bool {
    words::ends_with_any(name, terms) && !words::ends_with_any(name, lexicon::NO_CREDENTIALS)
}

fn is_shown(name: &[String]) -> bool {
    (is_called(name, lexicon::WITH_CREDENTIAL) || words::is(name, "code"))
        && !words::ends_with_any(name, lexicon::PUBLIC)
}

/// A text or something unsaid: a flag, a number, a date or a choice is no secret.
fn is_text(named: &Named<'_>) -> bool {
    named.field.is_none_or(|field| {
        let other = field.format.as_deref().is_some_and(|format| format.contains("date") || format == "uri");
        (field.kind.is_empty() || field.kind.contains("string")) && field.values.is_empty() && !other
    })
}

/// Whether the caller proves by it who is calling.
fn is_own(act: &Act<'_>, named: &Named<'_>) -> bool {
    let name = |terms: &[&str]| words::is_any(&named.words, terms);
    act.context.is_proof(&named.words)
        || named.said().starts_with("your ") && named.said().contains("api")
        || named.field.is_none() && name(&["api secret", "secret access key", "secret key"])
        || name(&["secret"]) && act.asks(&["client id"]).is_some()
}

fn is_flag(named: &Named<'_>) -> bool {
    named.field.is_some_and(|field| field.kind.contains("boolean") || !field.values.is_empty())
}

/// A request may set several secrets at once.
fn is_several(named: &Named<'_>) -> bool {
    // Several `secrets` are names of them.
    let several = named.field.is_some_and(|field| field.kind.contains("array") || field.kind.contains("object"));
    several && !words::ends_with(&named.words, "secret")
}

/// Whether the document says that the field is not shown again.
fn stays_hidden(named: &Named<'_>) -> bool {
    let said = named.said();
    lexicon::NOT_SHOWN.iter().any(|words| said.contains(words))
}

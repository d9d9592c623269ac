//! What no code can make fit: settings that would send a secret out that is for something else,
//! or take from a request what it was judged by.

use ::catalogue::{Catalogue, SelectBy};
use http::HeaderName;

use crate::{
    config::Config,
    house,
    secrets::{is_name, is_own, is_same},
};

/// Which setting, and why.
type Unfit = (&'static str, String);

pub(super) fn check(config: &Config, catalogue: &Catalogue) -> Result<(), Unfit> {
    moved(config)?;
    secrets(config)?;
    headers(config, catalogue)
}

/// What stands elsewhere now. Files that a person has accepted may still say it.
fn moved(config: &Config) -> Result<(), Unfit> {
    match config.issued.as_ref().and_then(|issued| issued.longest) {
        Some(longest) => {
            let mend = format!("move the line to `[keys]`: `longest = \"{longest}\"`");
            Err(("issued.longest", format!("it binds every key now, and stands with the keys; {mend}")))
        }
        None => Ok(()),
    }
}

fn secrets(config: &Config) -> Result<(), Unfit> {
    let proof = config.gate.proof.as_ref().map(|proof| &proof.secret);
    let others: Vec<(&'static str, &String)> = [
        ("issued.credential", config.issued.as_ref().and_then(|issued| issued.credential.as_ref())),
        ("api.credentials.secret", config.api.credentials.as_ref().and_then(|how| how.secret.as_ref())),
        ("tell.mail", config.tell.mail.as_ref().and_then(|mail| mail.password.as_ref())),
    ]
    .into_iter()
    .filter_map(|(what, name)| Some((what, name?)))
    .chain(config.tell.webhook.iter().map(|webhook| ("tell.webhook", &webhook.secret)))
    .chain(config.drains.iter().filter_map(|drain| Some(("drain", drain.secret.as_ref()?))))
    .chain(config.trace.as_ref().and_then(|trace| Some(("trace", trace.secret.as_ref()?))))
    .collect();
    for (what, name) in proof.map(|name| ("gate.proof", name)).into_iter().chain(others.iter().copied()) {
        if !is_name(name) {
            let mend = "write the name alone of a file in `secrets/` of the state folder, such as `proof`";
            return Err((what, format!("`{name}` is no name of a secret; {mend}")));
        }
        if is_own(name) {
            return Err((what, format!("the secret `{name}` is the gate's own and never leaves it; make another one")));
        }
    }
    for (what, other) in others {
        if let Some(proof) = proof.filter(|proof| is_same(proof, other)) {
            let why = format!("the secret `{proof}` is that of {what}, and is for nothing else; make another one");
            return Err(("gate.proof", why));
        }
    }
    Ok(())
}

fn headers(config: &Config, catalogue: &Catalogue) -> Result<(), Unfit> {
    let places = house::places(config, catalogue).map_err(|error| ("api.keys", error.to_string()))?;
    let proof = config.gate.proof.iter().map(|proof| ("gate.proof", &proof.header));
    let identity = config.api.identity_headers.iter().map(|name| ("api.identity_headers", name));
    for (what, text) in proof.chain(identity) {
        let name: HeaderName = text.parse().map_err(|_| (what, format!("`{text}` is no header's name")))?;
        let selects = |by: &SelectBy| matches!(by, SelectBy::Header(header) if header.eq_ignore_ascii_case(text));
        if places.is_judged_by(&name) || config.api.selectors.iter().any(|rule| selects(&rule.by)) {
            let mend = "name a header of its own, such as `X-From-Gate` for a proof";
            return Err((what, format!("a request is judged by `{text}`, or finds its way by it; {mend}")));
        }
    }
    Ok(())
}

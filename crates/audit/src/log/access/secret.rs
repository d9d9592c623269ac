//! Credentials that stand in the lines of a log.

use std::borrow::Cow;

use catalogue::{Catalogue, Place};
use wire::{Query, looks_like_credential};

use super::line::Line;
use crate::provider::masked::is_marked;

/// A credential in a line. It leaves this room only as a mark.
pub(super) struct Credential<'l> {
    /// Where it stands, such as ``query `api_key` ``.
    pub(super) within: String,
    pub(super) secret: Cow<'l, str>,
    /// Whether two lines with the same one are of one key: a signature is of one request.
    pub(super) names: bool,
}

/// Names of parameters under which only credentials stand.
const SURE: [&str; 22] = [
    "apikey",
    "xapikey",
    "apitoken",
    "accesstoken",
    "authtoken",
    "token",
    "privatetoken",
    "refreshtoken",
    "idtoken",
    "sessiontoken",
    "usertoken",
    "accesskey",
    "secretkey",
    "secret",
    "clientsecret",
    "password",
    "passwd",
    "pwd",
    "passphrase",
    "subscriptionkey",
    "bearer",
    "jwt",
];

/// Names of parameters under which credentials stand, and other things as well.
const PERHAPS: [&str; 7] = ["key", "auth", "authorization", "sid", "session", "sessionid", "credential"];

/// Names of what is good for one request or one exchange.
const ONCE: [&str; 6] = ["sig", "signature", "xamzsignature", "xgoogsignature", "code", "xamzsecuritytoken"];

/// Shorter than this is no credential.
const LEAST: usize = 6;

/// Every credential in a line.
pub(super) fn credentials<'l>(line: &'l Line<'_>, catalogues: &[Catalogue]) -> Vec<Credential<'l>> {
    let mut found = Vec::new();
    let asked = line.asked.as_ref();
    if let Some(target) = asked.map(|asked| &*asked.target) {
        let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
        in_query(query, "", catalogues, &mut found);
        in_path(path, &mut found);
    }
    if let Some((page, query)) = line.referer.as_deref().and_then(|referer| referer.split_once('?')) {
        in_query(Some(query), " of the referer", catalogues, &mut found);
        in_path(page, &mut found);
    }
    for (name, value) in &line.headers {
        let value = value.split_once(' ').map_or(value.as_str(), |(_, value)| value);
        if is_value(value) {
            found.push(Credential { within: format!("header `{name}`"), secret: Cow::Borrowed(value), names: true });
        }
    }
    if let Some(user) = line.user.as_deref().filter(|user| is_marked(user) || looks_like_credential(user)) {
        found.push(Credential { within: "the user's name".to_owned(), secret: Cow::Borrowed(user), names: true });
    }
    if let Some(key) = line.key.as_deref().filter(|key| is_marked(key) || looks_like_credential(key)) {
        found.push(Credential { within: "the key's column".to_owned(), secret: Cow::Borrowed(key), names: true });
    }
    found
}

fn in_query<'l>(query: Option<&'l str>, of: &str, catalogues: &[Catalogue], found: &mut Vec<Credential<'l>>) {
    let Some(query) = query else { return };
    for parameter in Query::new(Some(query)).parameters() {
        if !is_value(&parameter.value) {
            continue;
        }
        let name = bare(&parameter.name);
        let described = || {
            catalogues
                .iter()
                .flat_map(Catalogue::credential_places)
                .any(|place| matches!(&place.place, Place::Query(known) if known.eq_ignore_ascii_case(&parameter.name)))
        };
        let is = |names: &[&str]| names.contains(&name.as_str());
        let looks = || looks_like_credential(&parameter.value) || is_marked(&parameter.value);
        let names = if is(&SURE) || described() || is(&PERHAPS) && looks() {
            true
        } else if is(&ONCE) && looks() {
            false
        } else if is_token(&parameter.value) {
            true
        } else {
            continue;
        };
        found.push(Credential {
            within: format!("query `{}`{of}", shown(&parameter.name)),
            secret: parameter.value,
            names,
        });
    }
}

fn in_path<'l>(path: &'l str, found: &mut Vec<Credential<'l>>) {
    for segment in path.split(['/', ';']) {
        // A bot's token stands in the path where the API has it so.
        let is_bot = segment.strip_prefix("bot").and_then(|rest| rest.split_once(':')).is_some_and(|(id, token)| {
            id.len() >= 5 && id.bytes().all(|byte| byte.is_ascii_digit()) && token.len() >= 20
        });
        if is_bot || is_token(segment) {
            found.push(Credential { within: "the path".to_owned(), secret: Cow::Borrowed(segment), names: true });
        }
    }
}

/// Whether a value is a credential wherever it stands. What only begins like a signed token is a
/// page of a list.
fn is_token(value: &str) -> bool {
    is_marked(value) && (!value.starts_with("eyJ") || value.bytes().filter(|byte| *byte == b'.').count() == 2)
}

/// Whether something stands there, and not only that something stood there.
fn is_value(value: &str) -> bool {
    let word = value.trim_matches(|letter: char| !letter.is_alphanumeric()).to_ascii_lowercase();
    let hidden = ["redacted", "filtered", "masked", "hidden", "removed", "null", "undefined", "none", "true", "false"];
    let starred = value.bytes().filter(|byte| matches!(byte, b'*' | b'x' | b'X')).count() * 2 > value.len();
    value.len() >= LEAST && !hidden.contains(&word.as_str()) && !starred
}

fn bare(name: &str) -> String {
    name.bytes().filter(u8::is_ascii_alphanumeric).map(|letter| char::from(letter.to_ascii_lowercase())).collect()
}

/// A parameter's name, where it is one that can be shown.
fn shown(name: &str) -> &str {
    let plain = name.len() <= 40
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.[]".contains(&byte))
        && !is_marked(name)
        && !looks_like_credential(name);
    if plain { name } else { "…" }
}

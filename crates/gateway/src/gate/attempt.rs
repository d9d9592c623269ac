//! The second stop: which operation a request asks for, and what that lets its caller do.

use std::sync::Arc;

use bytes::Bytes;
use catalogue::{Asked, By, Catalogue, Found, Match, OperationId, Selected, TwoOperations};
use http::{
    HeaderMap, Method,
    header::{ACCESS_CONTROL_REQUEST_METHOD, CONTENT_ENCODING, CONTENT_TYPE, ORIGIN},
};
use law::{Powers, Refusal};
use wire::{Target, looks_like_credential};

use crate::{Outbound, Spool, Tally};

/// A request as the catalogue understands it.
pub(crate) struct Understood {
    /// The operation, where it is described.
    pub(crate) id: Option<OperationId>,
    /// `DELETE /users/{name}`; the method and `*` for what is not described.
    pub(crate) name: Arc<str>,
    /// What it lets its caller do.
    pub(crate) powers: Powers,
    /// Whether the document lets anybody call it.
    pub(crate) open: bool,
    /// The template's parameters; for what is not described the path, as `path`.
    pub(crate) parameters: Vec<(Arc<str>, String)>,
    /// Query parameters that page through a list.
    pub(crate) paging: Vec<String>,
}

/// Understands a request. Where a field of the body selects the operation, the body is held.
pub(crate) async fn understand(
    catalogue: &Catalogue,
    outbound: &mut Outbound,
    target: &Target,
    spool: &Spool,
    tally: &Tally,
) -> Result<Understood, Refusal> {
    let method = outbound.parts.method.clone();
    if is_preflight(&method, &outbound.parts.headers) {
        return Ok(preflight(catalogue, &outbound.parts.headers, target));
    }
    let readings = target.readings();
    let (found, split) =
        catalogue.find_however_read(method.as_str(), &readings).map_err(|TwoOperations| Refusal::BadPath)?;
    let understood = match found {
        Found::Described(matched) => describe(&matched),
        Found::Undescribed => undescribed(method.as_str(), target),
        Found::Choice(choice) => {
            let body = if choice.needs_body() { Some(outbound.hold(spool, tally).await?) } else { Some(Bytes::new()) };
            let headers = &outbound.parts.headers;
            let selecting: Vec<(&str, &str)> = choice
                .headers()
                .flat_map(|name| headers.get_all(name).iter().map(move |value| (name, value.to_str().unwrap_or(""))))
                .collect();
            let plain = headers.get_all(CONTENT_ENCODING).iter().all(|coding| coding.as_bytes() == b"identity");
            let mut types = headers.get_all(CONTENT_TYPE).iter();
            let content_type = match (types.next(), types.next()) {
                (Some(only), None) => only.to_str().ok(),
                _ => None,
            };
            let asked = Asked {
                query: target.query().as_sent(),
                headers: &selecting,
                content_type,
                body: body.as_deref().filter(|_| plain),
            };
            match choice.select(&asked) {
                Selected::Described(matched) => describe(&matched),
                Selected::Undescribed(_) => undescribed(method.as_str(), target),
            }
        }
    };
    let understood = Understood { powers: understood.powers.union(split), ..understood };
    Ok(if is_described_upgrade(catalogue, &understood, outbound) { understood } else { with_every_power(understood) })
}

fn describe(matched: &Match<'_, '_>) -> Understood {
    let parameters =
        matched.parameters.iter().map(|(name, value)| (Arc::from(*name), shown(&value.to_string()))).collect();
    Understood {
        id: Some(matched.id),
        name: Arc::clone(&matched.operation.name),
        powers: matched.powers,
        open: matched.open,
        parameters,
        paging: matched.operation.paging.clone(),
    }
}

pub(crate) fn undescribed(method: &str, target: &Target) -> Understood {
    let path = target.path().split('/').map(shown).collect::<Vec<_>>().join("/");
    Understood {
        id: None,
        name: format!("{method} *").into(),
        powers: Powers::EVERY,
        open: false,
        parameters: vec![(Arc::from("path"), path)],
        paging: Vec::new(),
    }
}

/// A browser asks before it sends: no credential, and nothing happens.
fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
    *method == Method::OPTIONS && headers.contains_key(ORIGIN) && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

fn preflight(catalogue: &Catalogue, headers: &HeaderMap, target: &Target) -> Understood {
    let wanted = headers.get(ACCESS_CONTROL_REQUEST_METHOD).and_then(|wanted| wanted.to_str().ok()).unwrap_or_default();
    let segments: Vec<&str> = target.segments().collect();
    let described = |method: &str| !matches!(catalogue.find(method, &segments), Found::Undescribed);
    // What is described for OPTIONS itself is an operation like any other.
    if described("OPTIONS") || !described(wanted) {
        return undescribed("OPTIONS", target);
    }
    Understood { powers: Powers::NONE.with(law::Power::Read), open: true, ..undescribed("OPTIONS", target) }
}

/// After a change of protocol nothing that is said can be judged: unless the operator gave the
/// operation its powers, it has all of them.
fn is_described_upgrade(catalogue: &Catalogue, understood: &Understood, outbound: &Outbound) -> bool {
    let named = || understood.id.and_then(|id| catalogue.operation(id)).is_some_and(|it| it.by == By::Override);
    outbound.upgrade().is_none() || named()
}

fn with_every_power(understood: Understood) -> Understood {
    Understood { powers: Powers::EVERY, ..understood }
}

/// A value as the record keeps it: what looks like a credential only as a digest.
fn shown(value: &str) -> String {
    if !looks_like_credential(value) {
        return value.to_owned();
    }
    let digest = authority::Digest::of(value.as_bytes()).to_string();
    format!("sha256:{}", digest.get(..16).unwrap_or_default())
}

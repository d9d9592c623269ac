//! The second stop: which operation a request asks for, and what that lets its caller do.

use std::{net::IpAddr, sync::Arc};

use ::watch::{Sight, Subject};
use bytes::Bytes;
use catalogue::{Asked, By, Catalogue, Choice, Found, Match, OperationId, Selected, TwoOperations};
use http::{
    HeaderMap, HeaderValue, Method,
    header::{ACCESS_CONTROL_REQUEST_METHOD, CONTENT_ENCODING, CONTENT_TYPE, ORIGIN, USER_AGENT},
};
use law::{Call, Power, Powers, Refusal};
use wire::{
    Target, looks_like_credential,
    second_method::{self, Kind, Passing, Says},
};

use crate::{
    Kept, Outbound, Spool,
    cut::Reach,
    gate::{
        issued,
        passage::Passage,
        presented::Presented,
        realm::Realm,
        watching::Kept as Watched,
        writing::{MASKED, Writing},
    },
    toll::Line,
};

/// A request as the catalogue understands it.
pub(crate) struct Understood {
    /// The operation, where it is described.
    pub(crate) id: Option<OperationId>,
    /// `DELETE /users/{name}`; the method and `*` for what is not described.
    pub(crate) name: Arc<str>,
    /// What it lets its caller do.
    pub(crate) powers: Powers,
    /// The same without what it may become by another protocol.
    pub(crate) described: Powers,
    /// Whether the document lets anybody call it.
    pub(crate) open: bool,
    /// The template's parameters; for what is not described the path, as `path`.
    pub(crate) parameters: Vec<(Arc<str>, String)>,
    /// Query parameters that page through a list.
    pub(crate) paging: Vec<String>,
    /// The names of what it may be besides, merged with this or read by a careless upstream.
    pub(crate) beside: Vec<Arc<str>>,
    /// Whether everything is asked for once and under its own name. Looked at where it mints.
    pub(crate) plain: bool,
}

impl Understood {
    /// What it reaches for.
    pub(crate) fn reach(&self, source: IpAddr) -> Reach {
        let (name, beside) = (Arc::clone(&self.name), self.beside.clone());
        Reach { name, beside, powers: self.powers, source }
    }
}

impl Passage<'_> {
    /// Whether a key is used for what it was issued for or narrowed to; the keys whose limits count.
    pub(crate) fn within(
        &self,
        presented: &Presented,
        understood: &Understood,
        outbound: &Outbound,
    ) -> Result<Line, Kept> {
        let Presented::Key(key, shown) = presented else { return Ok(Line::new()) };
        if key.issued().is_none() && key.ceilings().is_empty() {
            return Ok(Line::new());
        }
        let gate = &self.worker.gate;
        let over = (&*gate.authority, &*gate.meters, self.realm);
        issued::within(over, (key, shown), understood, outbound, self.source, self.at)
    }

    /// Lets the watch look at a call, where a key that works is shown.
    pub(crate) fn see(
        &self,
        call: &Call,
        presented: &Presented,
        understood: &Understood,
        outbound: &Outbound,
        (writing, out_of_scope): (&Writing, bool),
    ) -> Sight {
        let (gate, Presented::Key(key, _)) = (&self.worker.gate, presented) else { return Sight::default() };
        if !key.standing.works() || key.end().is_some_and(|end| end <= self.at) || gate.watching.is_off() {
            return Sight::default();
        }
        let of = gate.authority.answerer(key);
        let mut kept = Watched::new((self.id, self.source), key, of, Arc::clone(&understood.name));
        kept.powers = understood.powers;
        kept.described = Some(understood.described);
        kept.out_of_scope = out_of_scope;
        let query = wire::Query::new(outbound.parts.uri.query());
        let of_query = || Subject::of_query(query.parameters().map(|parameter| (parameter.name, parameter.value)));
        kept.subject = Subject::of(understood.parameters.iter().map(|(_, value)| value.as_str())).or_else(of_query);
        let agent = outbound.parts.headers.get(USER_AGENT);
        let is_masked = call.user_agent.as_deref() == Some(MASKED);
        kept.agent = if is_masked { Some(HeaderValue::from_static(MASKED)) } else { agent.cloned() };
        gate.watching.places(&mut kept);
        let sight = gate.watching.see(&kept.seen(call.user_agent.as_deref()), self.at);
        kept.unusual = sight.unusual;
        writing.watch(kept);
        sight
    }
}

/// Understands a request. Where a field of the body selects the operation, the body is held;
/// nobody's is not: who sends no credential must not fill the room for those who do.
pub(crate) async fn understand(
    realm: &Realm,
    outbound: &mut Outbound,
    target: &Target,
    is_nobody: bool,
    spool: &Spool,
) -> Result<Understood, Refusal> {
    let catalogue = &realm.catalogue;
    let method = outbound.parts.method.clone();
    if is_nobody && !outbound.has_body() && is_preflight(&method, &outbound.parts.headers) {
        let preflight = preflight(catalogue, &outbound.parts.headers, target);
        if let Some(understood) = preflight {
            return Ok(understood);
        }
    }
    let readings = target.readings();
    let (found, beside) =
        catalogue.find_however_read(method.as_str(), &readings).map_err(|TwoOperations| Refusal::BadPath)?;
    let understood = match found {
        // Who only asks sends none: it would be for an API that takes OPTIONS for something else.
        _ if method == Method::OPTIONS && outbound.has_body() => undescribed(catalogue, method.as_str(), target),
        Found::Described(matched) => describe(&matched),
        Found::Undescribed => undescribed(catalogue, method.as_str(), target),
        Found::Choice(choice) if is_nobody && needs_body(&choice, outbound) => {
            undescribed(catalogue, method.as_str(), target)
        }
        Found::Choice(choice) => {
            let body = if needs_body(&choice, outbound) { outbound.hold(spool).await? } else { Bytes::new() };
            let headers = &outbound.parts.headers;
            let selecting: Vec<(&str, &str)> = headers
                .iter()
                .filter(|(name, _)| choice.needs_header(name.as_str()))
                .map(|(name, value)| (name.as_str(), value.to_str().unwrap_or("")))
                .collect();
            let plain = is_uncompressed(headers);
            let content_type = content_type(headers);
            let asked = Asked {
                query: target.query().as_sent(),
                headers: &selecting,
                content_type,
                body: (plain || body.is_empty()).then_some(&*body),
            };
            match choice.select(&asked) {
                Selected::Described(matched) => {
                    let plain = !matched.powers.contains(Power::Mint) || choice.is_plain(&asked);
                    Understood { plain, ..describe(&matched) }
                }
                Selected::Undescribed(_) => undescribed(catalogue, method.as_str(), target),
            }
        }
    };
    let overridden =
        if is_nobody { Powers::NONE } else { overridden(realm, outbound, &readings, &understood, spool).await? };
    let powers = understood.powers.union(beside.powers).union(overridden);
    let mut understood = Understood { powers, described: powers, ..understood };
    understood.beside.extend(beside.operations.iter().map(|operation| Arc::clone(&operation.name)));
    Ok(if is_described_upgrade(catalogue, &understood, outbound) { understood } else { with_every_power(understood) })
}

/// Frameworks take another method from a field of the body. Where another method at this path
/// could do more than the one that was sent, the body is looked into, and refused where it
/// names one. One that nobody can look into counts as all that it could be.
async fn overridden(
    realm: &Realm,
    outbound: &mut Outbound,
    readings: &[Vec<&str>],
    understood: &Understood,
    spool: &Spool,
) -> Result<Powers, Refusal> {
    // What is not described has every power already.
    let Some(id) = understood.id.filter(|_| outbound.has_body() && !understood.powers.is_superset(Powers::SENSITIVE))
    else {
        return Ok(Powers::NONE);
    };
    let headers = &outbound.parts.headers;
    let kind = second_method::kind(headers.get(CONTENT_TYPE));
    if kind == Kind::Opaque {
        return Ok(Powers::NONE);
    }
    let described = if realm.is_weaker_than_others(id) {
        let others = realm.catalogue.powers_of_others(outbound.parts.method.as_str(), readings);
        others.map_err(|TwoOperations| Refusal::BadPath)?
    } else {
        Powers::NONE
    };
    let is_stronger = !understood.powers.is_superset(described.intersection(Powers::SENSITIVE));
    let can_be_held = is_uncompressed(headers) && !outbound.is_longer_than(spool.most());
    // Of a short form that is refused the API hears nothing.
    let is_short_form = matches!(kind, Kind::Form | Kind::Multipart) && outbound.fits_within(spool.most());
    let is_post = outbound.parts.method == Method::POST;
    let is_held = can_be_held && (is_stronger || is_short_form && is_post);
    // What POST carries may name a method that is not described at this path at all. It is not
    // held for that, but looked into while it goes by: as it is, for what does not know a coding
    // reads it so.
    if is_post && kind != Kind::Other && (!is_held || kind == Kind::Foreign) {
        match Passing::of(headers.get(CONTENT_TYPE)) {
            Some(passing) => outbound.passing = Some(Box::new(passing)),
            None => return Ok(Powers::EVERY),
        }
    }
    let others = if is_stronger { described } else { Powers::NONE };
    if !is_held {
        return Ok(others);
    }
    let body = outbound.hold(spool).await?;
    match second_method::in_body(&body, kind) {
        Says::Method => Err(Refusal::MethodOverride),
        Says::Unreadable => Ok(others),
        Says::Nothing => Ok(Powers::NONE),
    }
}

/// Whether a body may name another method than the one that was sent, whatever that could do:
/// so it is also where nobody can look into it.
///
/// # Errors
/// Where the body cannot be held.
pub(crate) async fn may_be_overridden(outbound: &mut Outbound, spool: &Spool) -> Result<bool, Refusal> {
    let headers = &outbound.parts.headers;
    let kind = second_method::kind(headers.get(CONTENT_TYPE));
    if !outbound.has_body() || kind == Kind::Opaque {
        return Ok(false);
    }
    if !is_uncompressed(headers) || outbound.is_longer_than(spool.most()) {
        return Ok(true);
    }
    let body = outbound.hold(spool).await?;
    Ok(second_method::in_body(&body, kind) != Says::Nothing)
}

fn needs_body(choice: &Choice<'_, '_>, outbound: &Outbound) -> bool {
    outbound.has_body() && choice.needs_body(content_type(&outbound.parts.headers))
}

/// The type of the body, where there is one that can be read.
fn content_type(headers: &HeaderMap) -> Option<&str> {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    match (types.next(), types.next()) {
        (Some(only), None) => only.to_str().ok(),
        _ => None,
    }
}

fn is_uncompressed(headers: &HeaderMap) -> bool {
    headers.get_all(CONTENT_ENCODING).iter().all(|coding| coding.as_bytes() == b"identity")
}

fn describe(matched: &Match<'_, '_>) -> Understood {
    let parameters =
        matched.parameters.iter().map(|(name, value)| (Arc::from(*name), shown(&value.to_string()))).collect();
    Understood {
        id: Some(matched.id),
        name: Arc::clone(&matched.operation.name),
        powers: matched.powers,
        described: matched.powers,
        open: matched.open,
        parameters,
        paging: matched.operation.paging.clone(),
        beside: matched.merged.iter().map(|operation| Arc::clone(&operation.name)).collect(),
        plain: true,
    }
}

pub(crate) fn undescribed(catalogue: &Catalogue, method: &str, target: &Target) -> Understood {
    let name = catalogue.undescribed(method);
    let path = target.path().split('/').map(shown).collect::<Vec<_>>().join("/");
    Understood {
        id: None,
        // One that has no name of its own stands beside the path.
        parameters: std::iter::once((Arc::from("path"), path))
            .chain((name.strip_suffix(" *") != Some(method)).then(|| (Arc::from("method"), made_up(method))))
            .collect(),
        name: name.into(),
        powers: Powers::EVERY,
        described: Powers::EVERY,
        open: false,
        paging: Vec::new(),
        beside: Vec::new(),
        plain: true,
    }
}

impl Understood {
    /// Of parameters, also those credentials go as digests that look like none: whoever knows
    /// which they are says so.
    pub(crate) fn hide(&mut self, is_credential: impl Fn(&str) -> bool) {
        for (_, value) in &mut self.parameters {
            if value.split('/').any(&is_credential) {
                let parts =
                    value.split('/').map(|part| if is_credential(part) { digested(part) } else { part.to_owned() });
                *value = parts.collect::<Vec<_>>().join("/");
            }
        }
    }
}

/// A browser asks before it sends: no credential, no body, and nothing happens.
fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
    *method == Method::OPTIONS && headers.contains_key(ORIGIN) && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

/// Nothing where it is judged as any request is.
fn preflight(catalogue: &Catalogue, headers: &HeaderMap, target: &Target) -> Option<Understood> {
    let wanted = headers.get(ACCESS_CONTROL_REQUEST_METHOD).and_then(|wanted| wanted.to_str().ok()).unwrap_or_default();
    let segments: Vec<&str> = target.segments().collect();
    let read = Powers::from(Power::Read);
    match catalogue.find("OPTIONS", &segments) {
        // What the document says of OPTIONS itself counts; where that is only asking, anybody may.
        Found::Described(own) if own.operation.method == "OPTIONS" => {
            read.is_superset(own.powers).then(|| Understood { open: true, ..describe(&own) })
        }
        _ if matches!(catalogue.find(wanted, &segments), Found::Undescribed) => None,
        _ => {
            let asks = undescribed(catalogue, "OPTIONS", target);
            Some(Understood { powers: read, described: read, open: true, ..asks })
        }
    }
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

/// The longest method that a caller made up of which the record keeps all, in bytes.
const LONGEST_METHOD: usize = 32;

fn made_up(method: &str) -> String {
    shown(method.get(..LONGEST_METHOD).unwrap_or(method))
}

/// A value as the record keeps it: what looks like a credential only as a digest.
fn shown(value: &str) -> String {
    if looks_like_credential(value) { digested(value) } else { value.to_owned() }
}

/// A credential as the record keeps it.
fn digested(value: &str) -> String {
    let digest = authority::Digest::of(value.as_bytes()).to_string();
    format!("sha256:{}", digest.get(..16).unwrap_or_default())
}

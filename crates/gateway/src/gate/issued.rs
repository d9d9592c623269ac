//! Requests with keys that Greave issued: within their scope and limits they go on with the
//! gate's own credential, and what comes back is searched for it.

use std::{net::IpAddr, sync::Arc};

use authority::{Authority, Credential, Key, Order};
use http::{HeaderMap, HeaderName, header::AUTHORIZATION};
use jiff::Timestamp;
use law::{KeyId, Power, Refusal};
use wire::{IssuedForm, Likeness, Place, Query, Secret, Sought};

use crate::{
    Brought, Outbound, Pending, PutAway, Swap, Unswapped,
    gate::{
        attempt::Understood,
        presented::{Presented, Shown},
        realm::Realm,
    },
    toll::{Kept, Line, Meters},
};

/// The key, where Greave issued it.
pub(crate) fn issued(presented: &Presented) -> Option<(&Arc<Key>, &Shown)> {
    match presented {
        Presented::Key(key, shown) if key.issued().is_some() => Some((key, shown)),
        _ => None,
    }
}

/// Whether something was shown that looks like a key of this gate and is none: whoever else
/// may learn, the API must not be sent it.
pub(crate) fn is_feigned(realm: &Realm, shown: &Shown) -> bool {
    // Why they are exposed: their shape is looked at, and nothing kept.
    realm.settings.issued.as_ref().is_some_and(|issuing| {
        shown.secrets.iter().any(|secret| issuing.form.likeness(secret.expose()) != Likeness::Foreign)
    })
}

/// Whether a call is within what its key was issued for, or narrowed to. A key that does not stand
/// is left to the law, which says why.
pub(crate) fn within(
    (authority, meters, realm): (&Authority, &Meters, &Realm),
    (key, shown): (&Arc<Key>, &Shown),
    understood: &Understood,
    outbound: &Outbound,
    source: IpAddr,
    now: Timestamp,
) -> Result<Line, Kept> {
    let stopped_above = || key.parent().is_some() && authority.view(|state| state.is_stopped_above(key));
    if !key.standing.works() || key.end().is_some_and(|end| end <= now) || stopped_above() {
        return Ok(Line::new());
    }
    let is_header = |place: &Place| matches!(place, Place::Authorization(_) | Place::Header(_));
    // Of an adopted key the gate changes nothing: it may only be narrowed.
    if key.issued().is_none() {
        understood.reach(source).is_within(key)?;
        // What it makes is narrowed with it, where the gate sees it being made.
        let is_seen = || mints(realm, understood) && understood.plain && understood.beside.is_empty();
        if understood.powers.contains(Power::Mint) && !is_seen() {
            return Err(Refusal::OutOfScope.into());
        }
        return Ok(Line::new());
    }
    if !shown.expected || !shown.places.iter().all(is_header) || is_elsewhere(shown, outbound) {
        return Err(Refusal::WrongPlace.into());
    }
    if speaks_for_another(realm, outbound) {
        return Err(Refusal::OnBehalf.into());
    }
    if realm.settings.issued.is_none() || authority.credential_for(key).is_none() {
        return Err(Refusal::NoUpstreamCredential.into());
    }
    // Whatever it may be taken for, the scope names.
    understood.reach(source).is_within(key)?;
    // What it would bring is swapped where the document says that it stands: not where it may
    // be another operation's answer, or stand there twice or under a name of the caller's choice.
    if understood.powers.contains(Power::Mint) && !(understood.plain && understood.beside.is_empty()) {
        return Err(Refusal::CredentialOperation.into());
    }
    // It is swapped for a key below this one: while there may be one.
    if mints(realm, understood) && !authority.view(|state| state.may_have_children(key.id)) {
        return Err(Refusal::CredentialOperation.into());
    }
    // What follows a change of protocol cannot be searched.
    if outbound.upgrade().is_some() {
        return Err(Refusal::OutOfScope.into());
    }
    let line: Line = [Arc::clone(key)].into_iter().chain(authority.ancestors(key)).collect();
    meters.check(&line, understood.powers, now).map_err(Kept::Exhausted)?;
    Ok(line)
}

/// Whether the document says where in the answer the credential stands that the operation makes.
fn mints(realm: &Realm, understood: &Understood) -> bool {
    understood.id.and_then(|id| realm.look(id)).is_some_and(|look| look.minted.is_some())
}

/// Whether the key stands in the address, too: that goes on as it was sent. Or in a header from
/// which it is not taken out: that header would go on with the key in it, and without it the
/// request would be another than the one that was judged.
fn is_elsewhere(shown: &Shown, outbound: &Outbound) -> bool {
    let is_taken_out = |name: &HeaderName| {
        shown.places.iter().any(|place| match place {
            Place::Authorization(_) => *name == AUTHORIZATION,
            Place::Header(header) => header == name,
            Place::Query(_) | Place::Cookie(_) | Place::Path => false,
        })
    };
    let others = outbound.parts.headers.iter().filter(|(name, _)| !is_taken_out(name));
    let texts = others.map(|(_, value)| value.as_bytes()).chain([outbound.target().as_bytes()]);
    // Why they are exposed: to be recognised where they would go along. What is shorter is no key.
    let secrets = || shown.secrets.iter().map(wire::Secret::expose).filter(|secret| secret.len() >= 8);
    texts.into_iter().any(|text| secrets().any(|secret| text.windows(secret.len()).any(|part| part == secret)))
}

/// Whether the caller says in whose name the gate's own credential is to act: that reaches further
/// than the key, whose scope bounds operations and not accounts. It is refused and not taken out:
/// what the call means without it is something else.
fn speaks_for_another(realm: &Realm, outbound: &Outbound) -> bool {
    let allowed = realm.settings.issued.as_ref().map_or(&[][..], |issuing| &issuing.on_behalf);
    let speaks = |name: &str| {
        wire::speaks_for_another(name) && !allowed.iter().any(|allowed| allowed.eq_ignore_ascii_case(name))
    };
    let query = Query::new(outbound.target().split_once('?').map(|(_, query)| query));
    let mut parameters = query.parameters().chain(query.parameters_at_semicolons());
    outbound.parts.headers.keys().any(|name| speaks(name.as_str()))
        || parameters.any(|parameter| speaks(&parameter.name))
}

/// Whether a key may do only what its scope names: then another method in a body would be
/// another operation, whatever its powers.
pub(crate) fn is_for_some_operations(presented: &Presented) -> bool {
    matches!(presented, Presented::Key(key, _) if key.bounds().any(|scope| !scope.operations.is_empty()))
}

/// Puts the gate's own credential into a request in place of all that the caller sent. What
/// the request means has been judged: nothing is taken out by what stands in it.
pub(crate) fn replace(headers: &mut HeaderMap, realm: &Realm, credential: &Credential) -> Result<(), Refusal> {
    let issuing = realm.settings.issued.as_ref().ok_or(Refusal::NoUpstreamCredential)?;
    wire::replace(headers, &realm.settings.places, &issuing.place, credential.secret());
    Ok(())
}

/// What the answers to a request that goes with this credential must not show: it, and the
/// gate's own.
pub(crate) fn sought(authority: &Authority, credential: &Arc<Credential>) -> Vec<Arc<Sought>> {
    let own = authority.credential().filter(|own| !Arc::ptr_eq(own, credential));
    [Arc::clone(credential)].into_iter().chain(own).map(|credential| Arc::clone(credential.sought())).collect()
}

/// How a credential is swapped that this operation's answer brings to the key: for a child that
/// reaches as far as the key does, and lasts as long as it may. Nothing where it mints none.
pub(crate) fn swap(
    (authority, realm): (&Arc<Authority>, &Realm),
    key: &Arc<Key>,
    understood: &Understood,
    pending: impl FnOnce() -> Arc<Pending>,
) -> Option<Swap> {
    if !understood.powers.contains(Power::Mint) {
        return None;
    }
    let (look, issuing) = (understood.id.and_then(|id| realm.look(id)), realm.settings.issued.clone()?);
    let (at, named) = (look.and_then(|look| look.minted.clone()), look.and_then(|look| look.named.clone()));
    let (authority, key, operation) = (Arc::clone(authority), Arc::clone(key), Arc::clone(&understood.name));
    let pending = pending();
    let held = Arc::clone(&pending);
    let put_away: PutAway = Arc::new(move |brought: Brought| {
        let (authority, key, operation, form) =
            (Arc::clone(&authority), Arc::clone(&key), Arc::clone(&operation), issuing.form.clone());
        let pending = Arc::clone(&held);
        // A task of its own: what the API made is put away also where the client goes away.
        let task = tokio::spawn(async move {
            let put = put_away(&authority, &key, &operation, &form, brought).await;
            match &put {
                Some(_) => pending.settle(),
                None => pending.because(Unswapped::NotIssued),
            }
            put
        });
        Box::pin(async move { task.await.ok().flatten() })
    });
    Some(Swap { at, named, put_away, pending })
}

async fn put_away(
    authority: &Authority,
    key: &Key,
    operation: &str,
    form: &IssuedForm,
    Brought { credential, upstream }: Brought,
) -> Option<(KeyId, Secret)> {
    let now = Timestamp::now();
    let longest = authority.view(|state| state.lifetimes().longest);
    let latest = longest.after(now);
    let scope = key.issued()?.scope.clone();
    let order = |verifier, pepper| Order {
        name: Some(name(operation)),
        holder: None,
        parent: Some(key.id),
        scope,
        limits: Vec::new(),
        end: key.end().map_or(latest, |end| end.min(latest)),
        verifier,
        pepper,
    };
    match authority.issue_for(form, credential, (operation.to_owned(), upstream), order, now).await {
        Ok(issued) => Some(issued),
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "a credential of the API cannot be put away");
            None
        }
    }
}

/// What the child is called: the operation that made what it stands for.
fn name(operation: &str) -> String {
    let fit = |letter: char| if letter.is_ascii_alphanumeric() || "._@+-:/ ".contains(letter) { letter } else { '_' };
    let name: String = operation.chars().map(fit).take(120).collect();
    format!("by {}", name.trim())
}

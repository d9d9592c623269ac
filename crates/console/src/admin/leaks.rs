//! Keys that were found where they should not be.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use authority::{Declined, Digest, NotDone, SecretDigest, Warrant};
use axum::{
    Extension, Json,
    body::{self, Bytes},
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::StatusCode;

use super::{
    Admin,
    canaries::view_of,
    doors::Caller,
    json::{Body, is_json},
    keys::{in_a_line, view},
};
use crate::{
    api::{
        FoundCredentials, FoundLeak, KnownLeak, Labelled, LeaksAnswered, LookForLeaks, LooksLeaked, Problem,
        ReportLeaks, Reported,
    },
    desk::{Peer, source},
    inventory::Brief,
    leaks::Leak,
};

/// Digests in one request.
const DIGESTS: usize = 20_000;

/// Keys in one report of an operator, and credentials in one of a stranger.
const REPORTED: usize = 1000;

/// The largest report of a stranger, in bytes.
const LARGEST: usize = 64 << 10;

/// The largest one of somebody whose name is configured here, before it is known to be theirs.
const LARGEST_SIGNED: usize = 4 << 20;

/// The time in which a report must have come: it takes a place that others wait for.
const COMES_WITHIN: Duration = Duration::from_secs(10);

/// The largest list of digests, in bytes.
pub(super) const DIGESTS_LARGEST: usize = 2 << 20;

pub(super) async fn look(
    State(admin): State<Arc<Admin>>,
    caller: Extension<Caller>,
    Body(LookForLeaks { digests }): Body<LookForLeaks>,
) -> Result<Json<LooksLeaked>, Problem> {
    // It reads, in spite of its method.
    if let Caller::Person(person) = &caller.0
        && !person.administrator
    {
        let detail = format!("`{}` is no administrator; only administrators look for keys", person.name);
        return Err(Problem::new(StatusCode::FORBIDDEN, "not-administrator", detail));
    }
    if digests.len() > DIGESTS {
        return Err(Problem::unfit(format!("send at most {DIGESTS} digests at one time")));
    }
    let desk = &admin.desk;
    let (now, mut known) = (desk.now(), Vec::new());
    for (place, digest) in digests.iter().enumerate() {
        let digest = SecretDigest::from_hex(digest)
            .ok_or_else(|| Problem::unfit("a digest is SHA-256, of 64 hexadecimal digits"))?;
        if let Some(key) = desk.authority.recognise(&digest) {
            let (brief, stopped_above) =
                desk.authority.view(|state| (Brief::of(state.people(), key.holder()), state.is_stopped_above(&key)));
            let works = brief.works(&key, now) && !stopped_above;
            known.push(KnownLeak { place, key: Some(view(desk, key.id)?.0), works, canary: None });
        } else if let Some(canary) = desk.authority.canary(&digest) {
            if let Some(drills) = desk.drills.load().as_ref() {
                (drills.found)(canary);
            }
            let canary = desk.authority.view(|state| state.canary(canary).map(|it| view_of(state, it)));
            known.push(KnownLeak { place, key: None, works: false, canary });
        }
    }
    let prefix = desk.settings.load().issued.as_ref().map(|issued| issued.form.to_string());
    let usage_complete = desk.book.as_ref().is_some_and(|book| book.usage_is_complete());
    Ok(Json(LooksLeaked { prefix, usage_complete, known }))
}

/// An operator, or somebody who answers for them, has found keys.
pub(super) async fn report(
    State(admin): State<Arc<Admin>>,
    caller: Extension<Caller>,
    Body(ReportLeaks { found, proof }): Body<ReportLeaks>,
) -> Result<Json<LeaksAnswered>, Problem> {
    if found.len() > REPORTED {
        return Err(Problem::unfit(format!("report at most {REPORTED} keys at one time")));
    }
    let desk = &admin.desk;
    let warrant = admin.warrant(&caller, &proof).await?;
    // A code serves once, and this needs none.
    let warrant = match warrant {
        Warrant::Fresh(person, _) => Warrant::SignedIn(person),
        other => other,
    };
    for FoundLeak { key, at } in &found {
        desk.leaked(Leak::Key(*key), &in_a_line(at), warrant).await?;
    }
    let keys = found.iter().map(|found| view(desk, found.key).map(|Json(key)| key)).collect::<Result<_, _>>()?;
    Ok(Json(LeaksAnswered { keys }))
}

/// A stranger has found keys. The answer is the same whatever they are: they are looked at
/// when it has gone out. Counted before a byte of it is read.
pub(super) async fn found(
    State(admin): State<Arc<Admin>>,
    peer: Peer,
    request: Request,
) -> Result<StatusCode, Problem> {
    let desk = &admin.desk;
    let settings = desk.settings.load_full();
    if !settings.leaks.found {
        return Err(closed());
    }
    let source = source(peer, request.headers(), &settings);
    admin.strangers.count(source, desk.now()).map_err(too_many)?;
    let room = Arc::clone(&admin.strangers.room).try_acquire_owned().map_err(|_| too_many(1))?;
    let unfit = || Problem::unfit("send `{\"credentials\":[…]}`, of texts, as application/json");
    let is_json = is_json(request.headers());
    let body = come(request, LARGEST).await?;
    let found = serde_json::from_slice(&body).ok().filter(|_| is_json);
    let FoundCredentials { credentials } = found.ok_or_else(unfit)?;
    if credentials.is_empty() || credentials.len() > REPORTED {
        return Err(Problem::unfit(format!("send 1 to {REPORTED} credentials")));
    }
    let admin = Arc::clone(&admin);
    tokio::spawn(async move {
        let desk = &admin.desk;
        let mut told = BTreeSet::new();
        for credential in &credentials {
            if let Some(leak) = desk.reported(credential).filter(|leak| told.insert(*leak)) {
                let at = format!("{source} found it and reported it");
                note(desk.leaked(leak, &at, Warrant::Gate).await);
            }
            // Who asks for something else meanwhile does not wait for a thousand of them.
            tokio::task::yield_now().await;
        }
        drop(room);
    });
    Ok(StatusCode::ACCEPTED)
}

/// GitHub has found keys, and says so under its signature.
pub(super) async fn github(State(admin): State<Arc<Admin>>, peer: Peer, request: Request) -> Result<Response, Problem> {
    let desk = &admin.desk;
    let settings = desk.settings.load_full();
    if settings.leaks.github.is_empty() {
        return Err(closed());
    }
    let source = source(peer, request.headers(), &settings);
    // Only who cannot sign is counted: reports must not be kept out by others.
    let unsigned = || match admin.strangers.count(source, desk.now()) {
        Ok(()) => {
            let detail = "the report is not signed with a key that is configured in `[leaks]`";
            Problem::new(StatusCode::FORBIDDEN, "not-signed", detail)
        }
        Err(seconds) => too_many(seconds),
    };
    admin.strangers.may(source, desk.now()).map_err(too_many)?;
    let (id, signature) = {
        let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        (header("github-public-key-identifier").to_owned(), header("github-public-key-signature").to_owned())
    };
    // Whose names nobody has, nothing is read of.
    let reporter = settings.leaks.github.iter().find(|reporter| reporter.id() == id).cloned();
    let reporter = reporter.ok_or_else(unsigned)?;
    let room = admin.strangers.signing.try_acquire().map_err(|_| too_many(1))?;
    let body = come(request, LARGEST_SIGNED).await?;
    let checked = body.clone();
    let signed = tokio::task::spawn_blocking(move || reporter.signed(&checked, &signature)).await;
    if !signed.unwrap_or(false) {
        return Err(unsigned());
    }
    drop(room);
    let lines: Vec<Reported> = serde_json::from_slice(&body)
        .map_err(|_| Problem::unfit("a report is a list of `{token, type, url, source}`"))?;
    let mut labelled = Vec::new();
    for Reported { token, kind, url, source } in &lines {
        let leak = desk.reported(token);
        if let Some(leak) = leak {
            let (source, url) =
                (source.as_deref().unwrap_or("something"), url.as_deref().unwrap_or("nobody says where"));
            note(desk.leaked(leak, &in_a_line(&format!("GitHub found it in {source}: {url}")), Warrant::Gate).await);
        }
        labelled.push(Labelled {
            token_hash: Digest::of(token.expose().as_bytes()).to_string(),
            token_type: kind.clone(),
            label: if leak.is_none() { "false_positive" } else { "true_positive" },
        });
    }
    Ok(Json(labelled).into_response())
}

/// A report's body, when it has come whole.
async fn come(request: Request, largest: usize) -> Result<Bytes, Problem> {
    let body = tokio::time::timeout(COMES_WITHIN, body::to_bytes(request.into_body(), largest)).await;
    let broken = |status| Problem::new(status, "body", "the report is too large, too slow, or broke off");
    body.map_err(|_| broken(StatusCode::REQUEST_TIMEOUT))?.map_err(|_| broken(StatusCode::PAYLOAD_TOO_LARGE))
}

/// A key that does not work, or is gone meanwhile, is as good as stopped.
fn note(done: Result<(), NotDone>) {
    match done {
        Ok(()) | Err(NotDone::Declined(Declined::NoKey(_))) => {}
        Err(error) => tracing::error!(error = &error as &dyn std::error::Error, "a leaked key could not be stopped"),
    }
}

fn closed() -> Problem {
    Problem::not_found("there is nothing here; see /v1/openapi.yaml")
}

fn too_many(seconds: u32) -> Problem {
    Problem {
        retry_after: Some(seconds),
        ..Problem::new(StatusCode::TOO_MANY_REQUESTS, "wait", "too many reports came; send this one again later")
    }
}

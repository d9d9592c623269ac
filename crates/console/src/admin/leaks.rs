//! Keys that were found where they should not be.

use std::sync::Arc;

use authority::{Declined, Digest, NotDone, SecretDigest, Warrant};
use axum::{
    Extension, Json,
    body::Bytes,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode};

use super::{
    Admin,
    canaries::view_of,
    doors::Caller,
    json::Body,
    keys::{in_a_line, view},
};
use crate::{
    api::{
        FoundCredentials, FoundLeak, KnownLeak, Labelled, LeaksAnswered, LookForLeaks, LooksLeaked, Problem,
        ReportLeaks, Reported,
    },
    desk::{Peer, source},
    inventory::Brief,
    leaks::Turned,
};

/// Digests in one request.
const DIGESTS: usize = 20_000;

/// Keys in one report of an operator, and credentials in one of a stranger.
const REPORTED: usize = 1000;

/// The largest report of a stranger, in bytes.
pub(super) const LARGEST: usize = 4 << 20;

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
        desk.leaked(*key, &in_a_line(at), warrant).await?;
    }
    let keys = found.iter().map(|found| view(desk, found.key).map(|Json(key)| key)).collect::<Result<_, _>>()?;
    Ok(Json(LeaksAnswered { keys }))
}

/// A stranger has found keys. The answer is the same whatever they are: they are looked at
/// when it has gone out.
pub(super) async fn found(
    State(admin): State<Arc<Admin>>,
    peer: Peer,
    headers: HeaderMap,
    body: Result<Body<FoundCredentials>, Problem>,
) -> Result<StatusCode, Problem> {
    let desk = &admin.desk;
    let settings = desk.settings.load_full();
    if !settings.leaks.found {
        return Err(closed());
    }
    let source = source(peer, &headers, &settings);
    admin.strangers.count(source, desk.now()).map_err(too_many)?;
    let Body(FoundCredentials { credentials }) =
        body.map_err(|_| Problem::unfit("send `{\"credentials\":[…]}`, of texts, as application/json"))?;
    if credentials.is_empty() || credentials.len() > REPORTED {
        return Err(Problem::unfit(format!("send 1 to {REPORTED} credentials")));
    }
    let room = Arc::clone(&admin.strangers.room).try_acquire_owned().map_err(|_| too_many(1))?;
    let admin = Arc::clone(&admin);
    tokio::spawn(async move {
        let desk = &admin.desk;
        for credential in &credentials {
            if let Turned::Key(key) = desk.reported(credential) {
                let at = format!("{source} found it and reported it");
                note(desk.leaked(key, &at, Warrant::Gate).await);
            }
            // Who asks for something else meanwhile does not wait for a thousand of them.
            tokio::task::yield_now().await;
        }
        drop(room);
    });
    Ok(StatusCode::ACCEPTED)
}

/// GitHub has found keys, and says so under its signature.
pub(super) async fn github(
    State(admin): State<Arc<Admin>>,
    peer: Peer,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let desk = &admin.desk;
    let settings = desk.settings.load_full();
    if settings.leaks.github.is_empty() {
        return Err(closed());
    }
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (id, signature) = (header("github-public-key-identifier"), header("github-public-key-signature"));
    let reporter = settings.leaks.github.iter().find(|reporter| reporter.id() == id);
    if !reporter.is_some_and(|reporter| reporter.signed(&body, signature)) {
        // Only who cannot sign is counted: reports must not be kept out by others.
        admin.strangers.count(source(peer, &headers, &settings), desk.now()).map_err(too_many)?;
        let detail = "the report is not signed with a key that is configured in `[leaks]`";
        return Err(Problem::new(StatusCode::FORBIDDEN, "not-signed", detail));
    }
    let lines: Vec<Reported> = serde_json::from_slice(&body)
        .map_err(|_| Problem::unfit("a report is a list of `{token, type, url, source}`"))?;
    let mut labelled = Vec::new();
    for Reported { token, kind, url, source } in &lines {
        let turned = desk.reported(token);
        if let Turned::Key(key) = turned {
            let (source, url) =
                (source.as_deref().unwrap_or("something"), url.as_deref().unwrap_or("nobody says where"));
            note(desk.leaked(key, &in_a_line(&format!("GitHub found it in {source}: {url}")), Warrant::Gate).await);
        }
        labelled.push(Labelled {
            token_hash: Digest::of(token.expose().as_bytes()).to_string(),
            token_type: kind.clone(),
            label: if turned == Turned::Nothing { "false_positive" } else { "true_positive" },
        });
    }
    Ok(Json(labelled).into_response())
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

//! Keys that come in from a list made elsewhere. A code says yes to certain parts, by their
//! SHA-256: what the person who typed it has not seen does not come in with it.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use authority::{Digest, ImportedKey, Importer, SecretDigest};
use axum::{
    Extension, Json,
    body::Bytes,
    extract::{Path, State},
};
use http::{HeaderMap, StatusCode};
use jiff::{SignedDuration, Timestamp};

use super::{
    Admin,
    doors::Caller,
    json::{Body, is_json},
};
use crate::{
    api::{BeginImport, ImportBegun, ImportLine, ImportOutcome, ImportPart, Problem, WrongLine},
    session::random_token,
    traffic,
};

/// How large a part may be, in bytes, and how large the list of parts.
pub(super) const LARGEST: usize = 16 * 1024 * 1024;
/// How many keys a part may have.
const MOST: usize = 20_000;
/// So many imports may be under way.
const UNDER_WAY: usize = 8;
/// How long parts are taken after the code was typed.
const TIME: SignedDuration = SignedDuration::from_hours(1);

/// Imports under way, by the SHA-256 of their names.
#[derive(Default)]
pub(super) struct Imports(Mutex<HashMap<Digest, Open>>);

struct Open {
    importer: Importer,
    parts: HashSet<Digest>,
    until: Timestamp,
}

impl Imports {
    // A thread that panicked while it held the lock left the table whole.
    fn lock(&self) -> MutexGuard<'_, HashMap<Digest, Open>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) async fn check(
    State(admin): State<Arc<Admin>>,
    caller: Extension<Caller>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<ImportOutcome>, Problem> {
    // Whether a secret is known is not for everybody who is signed in.
    if let Caller::Person(person) = &caller.0
        && !person.administrator
    {
        return Err(authority::Declined::NotAdministrator(person.name.clone()).into());
    }
    let keys = read(&headers, &body)?;
    let (desk, now) = (Arc::clone(&admin.desk), admin.desk.now());
    let checked = traffic::reading(move || desk.authority.check_import(&keys, now)).await?;
    Ok(Json(outcome(checked)))
}

pub(super) async fn begin(
    State(admin): State<Arc<Admin>>,
    caller: Extension<Caller>,
    Body(wanted): Body<BeginImport>,
) -> Result<(StatusCode, Json<ImportBegun>), Problem> {
    let parts: HashSet<Digest> = wanted.parts.iter().copied().collect();
    if parts.is_empty() || parts.len() != wanted.parts.len() {
        return Err(Problem::unfit("name the SHA-256 of each part, once"));
    }
    let now = admin.desk.now();
    let full = |open: &mut HashMap<Digest, Open>| {
        open.retain(|_, open| open.until > now && !open.parts.is_empty());
        open.len() >= UNDER_WAY
    };
    if full(&mut admin.imports.lock()) {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "busy",
            "too many imports are under way; try again when one is done",
        ));
    }
    let all: Vec<u8> = wanted.parts.iter().flat_map(|part| part.0).collect();
    let warrant = admin.warrant(&caller, &wanted.proof()).await?;
    let importer = admin.desk.authority.begin_import(wanted.keys, Digest::of(&all), warrant, now).await?;
    let (import, until) = (random_token()?, now.saturating_add(TIME).unwrap_or(Timestamp::MAX));
    admin.imports.lock().insert(Digest::of(import.as_bytes()), Open { importer, parts, until });
    Ok((StatusCode::CREATED, Json(ImportBegun { import: import.into(), until })))
}

pub(super) async fn part(
    State(admin): State<Arc<Admin>>,
    Path(import): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<ImportOutcome>, Problem> {
    let (name, part, now) = (Digest::of(import.as_bytes()), Digest::of(&body), admin.desk.now());
    let importer = {
        let mut open = admin.imports.lock();
        let open = open.get_mut(&name).filter(|open| now < open.until);
        let open =
            open.ok_or_else(|| Problem::not_found("there is no such import, or its time is over; begin anew"))?;
        // Taken before it is worked on: a part comes in once, whoever sends it again.
        if !open.parts.remove(&part) {
            let why = "the code was for other parts, or this one is in already; begin anew with what is to come in";
            return Err(Problem::new(StatusCode::CONFLICT, "other-part", why));
        }
        open.importer
    };
    let keys = read(&headers, &body)?;
    let imported = admin.desk.authority.import(&keys, importer, now).await?;
    Ok(Json(outcome(imported)))
}

/// Reads a part. What is wrong with it is told by its place alone: it has what secrets are
/// recognised by.
fn read(headers: &HeaderMap, body: &[u8]) -> Result<Vec<ImportedKey>, Problem> {
    if !is_json(headers) {
        let detail = "send JSON, with `Content-Type: application/json`";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "media-type", detail));
    }
    let ImportPart { lines } = serde_json::from_slice(body).map_err(|error| {
        let place = format!("line {}, column {}", error.line(), error.column());
        Problem::unfit(format!("the body is not what this address takes, at {place}; see /v1/openapi.yaml"))
    })?;
    if lines.len() > MOST {
        return Err(Problem::unfit(format!("a part has at most {MOST} keys; send several")));
    }
    lines.into_iter().map(key).collect()
}

fn key(line: ImportLine) -> Result<ImportedKey, Problem> {
    let ImportLine { line, sha256, name, holder, kind, owner, place, born, end, scopes } = line;
    // Why it is exposed: to be read.
    let digest = Digest::try_from(sha256.expose().to_owned())
        .map_err(|_| Problem::unfit(format!("line {line}: `sha256` is no SHA-256; write 64 hexadecimal digits")))?;
    let digest = SecretDigest::imported(digest.0);
    Ok(ImportedKey { line, digest, name, holder, kind, owner, place, born, end, scopes })
}

fn outcome(imported: Result<authority::Imported, Vec<authority::WrongLine>>) -> ImportOutcome {
    match imported {
        Ok(authority::Imported { added, completed, known, stopped, holders }) => {
            ImportOutcome { added, completed, known, stopped, holders, wrong: Vec::new() }
        }
        Err(wrong) => {
            let told = |authority::WrongLine { line, why }| WrongLine { line, why: why.to_owned() };
            ImportOutcome { wrong: wrong.into_iter().map(told).collect(), ..ImportOutcome::default() }
        }
    }
}

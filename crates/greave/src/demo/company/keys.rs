//! API keys. As everywhere: any account gets one, and it is asked for no second factor.

use std::collections::BTreeSet;

use axum::{Json, extract::State, http::StatusCode, response::IntoResponse};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    Company,
    access::{Caller, Fingerprint, Scope},
    books::Action,
    dice,
    errors::{Body, Error, Named},
};

/// What every key begins with.
pub(super) const PREFIX: &str = "wick_";

#[derive(Clone, Serialize)]
pub(super) struct Key {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) owner: String,
    pub(super) scopes: BTreeSet<Scope>,
    /// How the secret begins, to find it by.
    hint: String,
    pub(super) created_at: Timestamp,
    pub(super) last_used_at: Option<Timestamp>,
    #[serde(skip)]
    pub(super) fingerprint: Fingerprint,
}

impl Key {
    pub(super) fn new(
        id: String,
        name: String,
        owner: String,
        scopes: BTreeSet<Scope>,
        secret: &str,
        created_at: Timestamp,
    ) -> Self {
        let hint = secret.chars().take(PREFIX.len() + 4).collect();
        Self { id, name, owner, scopes, hint, created_at, last_used_at: None, fingerprint: Fingerprint::of(secret) }
    }
}

/// A caller sees their own keys; who manages users sees all.
pub(super) async fn list(State(company): State<Company>, caller: Caller) -> Result<Json<Vec<Key>>, Error> {
    caller.needs(Scope::KeysManage)?;
    let sees = |key: &&Key| key.owner == caller.user || caller.scopes.contains(&Scope::UsersManage);
    Ok(Json(company.books().keys.iter().filter(sees).cloned().collect()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wish {
    name: String,
    /// All that the caller has, where none are named.
    scopes: Option<BTreeSet<Scope>>,
}

#[derive(Serialize)]
struct Minted {
    #[serde(flatten)]
    key: Key,
    /// Shown this once.
    secret: String,
}

/// Nobody gives away more than they have.
pub(super) async fn mint(
    State(company): State<Company>,
    caller: Caller,
    Body(Wish { name, scopes }): Body<Wish>,
) -> Result<impl IntoResponse, Error> {
    caller.needs(Scope::KeysManage)?;
    let scopes = scopes.unwrap_or_else(|| caller.scopes.clone());
    if let Some(beyond) = scopes.difference(&caller.scopes).next() {
        return Err(Error::Forbidden(*beyond));
    }
    let secret = dice::secret(PREFIX)?;
    let mut books = company.books();
    let id = books.fresh_id("key");
    let key = Key::new(id, name, caller.user.clone(), scopes, &secret, Timestamp::now());
    books.note(&caller, Action::KeyCreated, &key.id);
    books.keys.push(key.clone());
    Ok((StatusCode::CREATED, Json(Minted { key, secret })))
}

/// A key of somebody else's does not exist for those who do not manage users.
pub(super) async fn delete(
    State(company): State<Company>,
    caller: Caller,
    Named(id): Named,
) -> Result<StatusCode, Error> {
    caller.needs(Scope::KeysManage)?;
    let mut books = company.books();
    let owner = &books.key(&id)?.owner;
    if *owner != caller.user && !caller.scopes.contains(&Scope::UsersManage) {
        return Err(Error::Missing("key", id));
    }
    books.keys.retain(|key| key.id != id);
    books.note(&caller, Action::KeyDeleted, id);
    Ok(StatusCode::NO_CONTENT)
}

//! Who calls, and what they may do: logins, sessions, keys, roles and scopes.

use std::{collections::BTreeSet, fmt};

use aws_lc_rs::digest::{SHA256, digest};
use axum::{
    Json,
    extract::{FromRequestParts, State},
    http::{
        HeaderMap, StatusCode,
        header::{AUTHORIZATION, COOKIE, SET_COOKIE},
        request::Parts,
    },
    response::IntoResponse,
};
use factor::totp::{Seed, Step};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    Company,
    books::{Action, Books},
    dice,
    errors::{Body, Error},
};

const COOKIE_NAME: &str = "wickersby_session";
const SESSION: SignedDuration = SignedDuration::from_hours(8);

/// What somebody is in the company.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Role {
    Admin,
    Accountant,
    Viewer,
}

/// What a call needs. A session has all of its person's role; a key has some of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Scope {
    #[serde(rename = "account:manage")]
    AccountManage,
    #[serde(rename = "audit:read")]
    AuditRead,
    #[serde(rename = "invoices:export")]
    InvoicesExport,
    #[serde(rename = "invoices:pay")]
    InvoicesPay,
    #[serde(rename = "invoices:read")]
    InvoicesRead,
    #[serde(rename = "invoices:write")]
    InvoicesWrite,
    #[serde(rename = "jobs:run")]
    JobsRun,
    #[serde(rename = "keys:manage")]
    KeysManage,
    #[serde(rename = "users:manage")]
    UsersManage,
    #[serde(rename = "users:read")]
    UsersRead,
    #[serde(rename = "webhooks:manage")]
    WebhooksManage,
}

impl Role {
    /// The most that anybody of this role may do. Everyone manages their own account and
    /// their own keys.
    pub(super) fn scopes(self) -> BTreeSet<Scope> {
        use Scope::*;
        let mut scopes = BTreeSet::from([AccountManage, InvoicesRead, KeysManage, UsersRead]);
        if matches!(self, Self::Accountant | Self::Admin) {
            scopes.extend([InvoicesExport, InvoicesPay, InvoicesWrite, JobsRun]);
        }
        if self == Self::Admin {
            scopes.extend([AuditRead, UsersManage, WebhooksManage]);
        }
        scopes
    }
}

impl Scope {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::AccountManage => "account:manage",
            Self::AuditRead => "audit:read",
            Self::InvoicesExport => "invoices:export",
            Self::InvoicesPay => "invoices:pay",
            Self::InvoicesRead => "invoices:read",
            Self::InvoicesWrite => "invoices:write",
            Self::JobsRun => "jobs:run",
            Self::KeysManage => "keys:manage",
            Self::UsersManage => "users:manage",
            Self::UsersRead => "users:read",
            Self::WebhooksManage => "webhooks:manage",
        }
    }
}

/// A secret's SHA-256, to know it again by. Right for random keys and sessions; for passwords
/// it will do only because these are made up, random, and printed by the scene.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Fingerprint([u8; 32]);

impl Fingerprint {
    pub(super) fn of(secret: &str) -> Self {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest(&SHA256, secret.as_bytes()).as_ref());
        Self(bytes)
    }
}

/// A person's second factor.
pub(super) struct TwoFactor {
    pub(super) seed: Seed,
    /// The newest step whose code was accepted.
    pub(super) last: Option<Step>,
}

/// A login that lasts.
pub(super) struct Session {
    fingerprint: Fingerprint,
    pub(super) user: String,
    begun: Timestamp,
}

impl Session {
    fn lasts(&self, now: Timestamp) -> bool {
        now.duration_since(self.begun) < SESSION
    }
}

/// Who makes this call, by what, and how much of it they may do.
pub(super) struct Caller {
    pub(super) user: String,
    pub(super) via: Via,
    pub(super) scopes: BTreeSet<Scope>,
}

/// What a caller showed: a session, or the key with this id.
pub(super) enum Via {
    Session(Fingerprint),
    Key(String),
}

impl fmt::Display for Via {
    /// As the audit log has it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Session(_) => f.write_str("session"),
            Self::Key(id) => f.write_str(id),
        }
    }
}

impl Caller {
    /// # Errors
    /// When the caller's role or key lacks the scope.
    pub(super) fn needs(&self, scope: Scope) -> Result<(), Error> {
        if self.scopes.contains(&scope) { Ok(()) } else { Err(Error::Forbidden(scope)) }
    }

    /// What people may do to their own account and admins to every.
    ///
    /// # Errors
    /// When the account is somebody else's and the caller does not manage users.
    pub(super) fn needs_account(&self, user: &str) -> Result<(), Error> {
        if self.user == user && self.scopes.contains(&Scope::AccountManage) {
            return Ok(());
        }
        self.needs(Scope::UsersManage)
    }
}

impl FromRequestParts<Company> for Caller {
    type Rejection = Error;

    /// A key that is shown is judged alone: a wrong one does not fall back to a cookie.
    async fn from_request_parts(parts: &mut Parts, company: &Company) -> Result<Self, Error> {
        let mut books = company.books();
        if parts.headers.contains_key(AUTHORIZATION) {
            return bearer(&parts.headers).and_then(|secret| books.by_key(secret)).ok_or(Error::NotLoggedIn);
        }
        cookie(&parts.headers).and_then(|secret| books.by_session(secret)).ok_or(Error::NotLoggedIn)
    }
}

impl Books {
    fn by_key(&mut self, secret: &str) -> Option<Caller> {
        let fingerprint = Fingerprint::of(secret);
        let key = self.keys.iter_mut().find(|key| key.fingerprint == fingerprint)?;
        key.last_used_at = Some(Timestamp::now());
        // A role that shrank takes its keys along.
        let role = self.users.iter().find(|user| user.id == key.owner)?.role;
        let scopes = key.scopes.intersection(&role.scopes()).copied().collect();
        Some(Caller { user: key.owner.clone(), via: Via::Key(key.id.clone()), scopes })
    }

    fn by_session(&self, secret: &str) -> Option<Caller> {
        let fingerprint = Fingerprint::of(secret);
        let now = Timestamp::now();
        let session = self.sessions.iter().find(|session| session.fingerprint == fingerprint && session.lasts(now))?;
        let role = self.users.iter().find(|user| user.id == session.user)?.role;
        Some(Caller { user: session.user.clone(), via: Via::Session(fingerprint), scopes: role.scopes() })
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut shown = headers.get_all(AUTHORIZATION).iter();
    let (only, None) = (shown.next()?, shown.next()) else { return None };
    let (scheme, secret) = only.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| secret.trim())
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|header| header.to_str().ok())
        .flat_map(|header| header.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(name, value)| (name == COOKIE_NAME).then_some(value))
}

/// What somebody types to log in.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Credentials {
    email: String,
    password: String,
    code: Option<String>,
}

/// The second factor is asked for only after the password was right.
pub(super) async fn log_in(
    State(company): State<Company>,
    Body(credentials): Body<Credentials>,
) -> Result<impl IntoResponse, Error> {
    let Credentials { email, password, code } = credentials;
    let now = Timestamp::now();
    let secret = dice::secret("")?;
    let mut books = company.books();

    let password = Fingerprint::of(&password);
    let user = books
        .users
        .iter_mut()
        .find(|user| user.email.eq_ignore_ascii_case(&email) && user.password == Some(password))
        .ok_or(Error::WrongLogin)?;
    if let Some(TwoFactor { seed, last }) = &mut user.two_factor {
        let code = code.ok_or(Error::CodeRequired)?;
        *last = Some(seed.accept(&code, now, *last).map_err(|_| Error::WrongLogin)?);
    }
    let shown = user.shown();

    let fingerprint = Fingerprint::of(&secret);
    let caller = Caller { user: shown.id.clone(), via: Via::Session(fingerprint), scopes: shown.role.scopes() };
    books.note(&caller, Action::LoggedIn, &shown.id);
    books.sessions.retain(|session| session.lasts(now));
    books.sessions.push(Session { fingerprint, user: shown.id.clone(), begun: now });
    let max_age = SESSION.as_secs();
    let cookie = format!("{COOKIE_NAME}={secret}; Path=/; HttpOnly; SameSite=Strict; Max-Age={max_age}");
    Ok(([(SET_COOKIE, cookie)], Json(shown)))
}

/// Ends the session; a key has none.
pub(super) async fn log_out(State(company): State<Company>, caller: Caller) -> Result<impl IntoResponse, Error> {
    let Via::Session(fingerprint) = caller.via else { return Err(Error::NotLoggedIn) };
    company.books().sessions.retain(|session| session.fingerprint != fingerprint);
    Ok((StatusCode::NO_CONTENT, [(SET_COOKIE, format!("{COOKIE_NAME}=; Path=/; HttpOnly; Max-Age=0"))]))
}

#[derive(Serialize)]
struct Me {
    id: String,
    name: String,
    email: String,
    role: Role,
    two_factor: bool,
    scopes: BTreeSet<Scope>,
    /// Null in a session.
    key: Option<MyKey>,
}

#[derive(Serialize)]
struct MyKey {
    id: String,
    name: String,
    created_at: Timestamp,
}

pub(super) async fn who_am_i(State(company): State<Company>, caller: Caller) -> Result<impl IntoResponse, Error> {
    let books = company.books();
    let user = books.user(&caller.user)?;
    let key = match &caller.via {
        Via::Session(_) => None,
        Via::Key(id) => {
            let key = books.key(id)?;
            Some(MyKey { id: key.id.clone(), name: key.name.clone(), created_at: key.created_at })
        }
    };
    Ok(Json(Me {
        id: user.id.clone(),
        name: user.name.clone(),
        email: user.email.clone(),
        role: user.role,
        two_factor: user.two_factor.is_some(),
        scopes: caller.scopes,
        key,
    }))
}

//! The company's people.

use axum::{Json, extract::State, http::StatusCode, response::IntoResponse};
use serde::{Deserialize, Serialize};

use super::{
    Company,
    access::{Caller, Fingerprint, Role, Scope, TwoFactor},
    books::{Action, Books},
    cast::Login,
    errors::{Body, Error, Named},
};

pub(super) struct User {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) email: String,
    pub(super) role: Role,
    /// None until an invitation is followed, which in this demo nobody does.
    pub(super) password: Option<Fingerprint>,
    pub(super) two_factor: Option<TwoFactor>,
}

/// What others see of somebody.
#[derive(Serialize)]
pub(super) struct Shown {
    pub(super) id: String,
    name: String,
    email: String,
    pub(super) role: Role,
    two_factor: bool,
    invited: bool,
}

impl User {
    pub(super) fn new(id: &str, name: &str, role: Role, login: Login) -> Self {
        let Login { email, password, seed } = login;
        Self {
            id: id.to_owned(),
            name: name.to_owned(),
            email,
            role,
            password: Some(Fingerprint::of(&password)),
            two_factor: seed.map(|seed| TwoFactor { seed, last: None }),
        }
    }

    pub(super) fn shown(&self) -> Shown {
        Shown {
            id: self.id.clone(),
            name: self.name.clone(),
            email: self.email.clone(),
            role: self.role,
            two_factor: self.two_factor.is_some(),
            invited: self.password.is_none(),
        }
    }
}

impl Books {
    /// # Errors
    /// When this is the only admin: a company without one could never have another.
    fn spare_the_last_admin(&self, user: &str) -> Result<(), Error> {
        let mut others = self.users.iter().filter(|other| other.role == Role::Admin && other.id != user);
        match (self.user(user)?.role, others.next()) {
            (Role::Admin, None) => Err(Error::Conflict("the last admin stays one")),
            _ => Ok(()),
        }
    }

    /// # Errors
    /// When it looks like no address, or is somebody's.
    fn free_address(&self, email: &str) -> Result<(), Error> {
        let looks_right = email.len() <= 254
            && email.split_once('@').is_some_and(|(local, host)| !local.is_empty() && host.contains('.'))
            && !email.chars().any(|letter| letter.is_whitespace() || letter.is_control());
        if !looks_right {
            return Err(Error::Invalid("`email` is no e-mail address"));
        }
        if self.users.iter().any(|user| user.email.eq_ignore_ascii_case(email)) {
            return Err(Error::Conflict("somebody has this e-mail address"));
        }
        Ok(())
    }
}

pub(super) async fn list(State(company): State<Company>, caller: Caller) -> Result<Json<Vec<Shown>>, Error> {
    caller.needs(Scope::UsersRead)?;
    Ok(Json(company.books().users.iter().map(User::shown).collect()))
}

pub(super) async fn show(
    State(company): State<Company>,
    caller: Caller,
    Named(user): Named,
) -> Result<Json<Shown>, Error> {
    caller.needs(Scope::UsersRead)?;
    Ok(Json(company.books().user(&user)?.shown()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Invitation {
    name: String,
    email: String,
    role: Role,
}

pub(super) async fn invite(
    State(company): State<Company>,
    caller: Caller,
    Body(invitation): Body<Invitation>,
) -> Result<impl IntoResponse, Error> {
    caller.needs(Scope::UsersManage)?;
    let Invitation { name, email, role } = invitation;
    let mut books = company.books();
    books.free_address(&email)?;
    let user = User { id: books.fresh_id("user"), name, email, role, password: None, two_factor: None };
    let shown = user.shown();
    books.users.push(user);
    books.note(&caller, Action::UserInvited, &shown.id);
    Ok((StatusCode::CREATED, Json(shown)))
}

/// Their sessions end and their keys die with the account.
pub(super) async fn delete(
    State(company): State<Company>,
    caller: Caller,
    Named(id): Named,
) -> Result<StatusCode, Error> {
    caller.needs(Scope::UsersManage)?;
    let mut books = company.books();
    books.spare_the_last_admin(&id)?;
    books.users.retain(|user| user.id != id);
    books.sessions.retain(|session| session.user != id);
    books.keys.retain(|key| key.owner != id);
    books.note(&caller, Action::UserDeleted, id);
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewRole {
    role: Role,
}

pub(super) async fn change_role(
    State(company): State<Company>,
    caller: Caller,
    Named(id): Named,
    Body(NewRole { role }): Body<NewRole>,
) -> Result<Json<Shown>, Error> {
    caller.needs(Scope::UsersManage)?;
    let mut books = company.books();
    if role != Role::Admin {
        books.spare_the_last_admin(&id)?;
    }
    let user = books.user_mut(&id)?;
    user.role = role;
    let shown = user.shown();
    books.note(&caller, Action::RoleChanged, id);
    Ok(Json(shown))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewEmail {
    email: String,
}

/// From here on it is the address to log in with.
pub(super) async fn change_email(
    State(company): State<Company>,
    caller: Caller,
    Named(id): Named,
    Body(NewEmail { email }): Body<NewEmail>,
) -> Result<Json<Shown>, Error> {
    caller.needs_account(&id)?;
    let mut books = company.books();
    books.user(&id)?;
    books.free_address(&email)?;
    let user = books.user_mut(&id)?;
    user.email = email;
    let shown = user.shown();
    books.note(&caller, Action::EmailChanged, id);
    Ok(Json(shown))
}

/// From here on the password alone logs in.
pub(super) async fn turn_off_two_factor(
    State(company): State<Company>,
    caller: Caller,
    Named(id): Named,
) -> Result<Json<Shown>, Error> {
    caller.needs_account(&id)?;
    let mut books = company.books();
    let user = books.user_mut(&id)?;
    user.two_factor = None;
    let shown = user.shown();
    books.note(&caller, Action::TwoFactorTurnedOff, id);
    Ok(Json(shown))
}

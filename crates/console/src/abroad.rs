//! The API itself, as far as this room knows it: whoever can reach it says what it says.

use std::pin::Pin;

use authority::{Abroad as Became, Compared, State};
use law::{KeyId, Standing};

use crate::api::AbroadView;

type Soon<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Asks the API about its keys.
pub struct Abroad {
    /// Tries to revoke keys there. What became of each stands in the ledger then.
    pub revoke: Box<dyn Fn(Vec<KeyId>) -> Soon<()> + Send + Sync>,
    /// Compares its list with the keys here; or why that cannot be done.
    pub reconcile: Box<dyn Fn() -> Soon<Result<Compared, String>> + Send + Sync>,
}

/// What is true at the API of a key that is revoked here.
pub(crate) fn view(state: &State, key: KeyId) -> Option<AbroadView> {
    let known = state.key(key)?;
    if known.standing != Standing::Revoked || !known.is_of_the_api() {
        return None;
    }
    Some(match state.abroad(key) {
        Some(Became::Dead) => AbroadView { revoked: true, why: None },
        Some(Became::Alive(why)) => AbroadView { revoked: false, why: Some(why.clone()) },
        None => AbroadView { revoked: false, why: Some(not_tried()) },
    })
}

pub(crate) fn not_tried() -> String {
    "it was not tried: `api.credentials.revoke` in the configuration says how".to_owned()
}

pub(crate) fn why(state: &State, key: KeyId) -> Option<String> {
    match state.abroad(key)? {
        Became::Alive(why) => Some(why.clone()),
        Became::Dead => None,
    }
}

//! Holding the API's own word against what is known here.

use std::sync::Arc;

use authority::{Difference, State as Known};
use axum::{Extension, Json, extract::State};
use http::StatusCode;
use law::{KeyId, Refusal};

use super::{Admin, doors::Caller};
use crate::{
    abroad::{not_tried, why},
    api::{AliveView, GoneView, Problem, Reconciled},
};

/// Tries once more to revoke at the API what is revoked here, then compares its list. Both
/// protect: no code is needed.
pub(super) async fn reconcile(
    State(admin): State<Arc<Admin>>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<Reconciled>, Problem> {
    if let Caller::Person(person) = &caller
        && !person.administrator
    {
        let detail = format!("`{}` is no administrator; only administrators read", person.name);
        return Err(Problem::new(StatusCode::FORBIDDEN, "not-administrator", detail));
    }
    let desk = &admin.desk;
    let Some(abroad) = desk.abroad.load_full() else {
        return Err(Problem::unfit(
            "nobody said how the API is asked about its keys; add `[api.credentials]` to the configuration",
        ));
    };
    (abroad.revoke)(desk.authority.view(Known::to_revoke_abroad)).await;
    let compared = (abroad.reconcile)().await;
    Ok(Json(desk.authority.view(|state| {
        let mut found = Reconciled::default();
        match compared {
            Ok(compared) => {
                (found.listed, found.unnamed) = (compared.listed, compared.unnamed);
                for difference in compared.differences {
                    match difference {
                        Difference::Unknown(listed) => found.unknown.push(listed),
                        Difference::Alive(key, here, listed) => {
                            let why = why(state, key).unwrap_or_else(|| "the API lists it as alive".to_owned());
                            found.alive.push(AliveView {
                                key,
                                name: name(state, key),
                                here,
                                why,
                                listed: Some(listed),
                            });
                        }
                        Difference::Gone(key, upstream) => {
                            found.gone.push(GoneView { key, name: name(state, key), upstream });
                        }
                    }
                }
            }
            Err(why) => found.not_compared = Some(why),
        }
        for key in state.to_revoke_abroad() {
            if !found.alive.iter().any(|alive| alive.key == key) {
                let (why, here) = (why(state, key).unwrap_or_else(not_tried), Refusal::Revoked);
                found.alive.push(AliveView { key, name: name(state, key), here, why, listed: None });
            }
        }
        found
    })))
}

fn name(state: &Known, key: KeyId) -> Option<String> {
    let key = state.key(key)?;
    let holder = || Some(state.holder(key.holder()?)?.name.clone());
    key.name().map(str::to_owned).or_else(holder)
}

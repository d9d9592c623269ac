//! What holds keys at this moment, and who tries credentials: the same for the pages and the
//! admin API.

use authority::State;
use jiff::Timestamp;
use law::KeyId;

use crate::{
    Desk,
    api::{ContainedView, WatchView},
};

pub(crate) fn status(desk: &Desk) -> WatchView {
    let now = desk.now();
    let contained = |state: &State| state.contained(now).map(|(key, _)| view(state, key, now)).collect();
    let (mode, contained) = (desk.settings.load().watch.to_owned(), desk.authority.view(contained));
    let guessing = desk.guesses.as_ref().map(|guesses| guesses.0(now)).unwrap_or_default();
    WatchView { mode, contained, guessing }
}

pub(crate) fn view(state: &State, id: KeyId, now: Timestamp) -> ContainedView {
    let key = state.key(id);
    let holder = key.and_then(|key| key.holder()).and_then(|holder| state.holder(holder));
    ContainedView {
        key: id,
        name: key.and_then(|key| key.name()).map(str::to_owned),
        holder: holder.map(|holder| holder.name.clone()),
        containments: state.containments(id, now),
        holds: state.family(id).into_iter().filter(|of| *of != id).collect(),
    }
}

//! Enrolling an authenticator by a one-time link.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use authority::{Digest, Failed, NotEnrolled};
use axum::{
    extract::{Path, State},
    response::Response,
};
use factor::totp::Seed;
use http::StatusCode;
use jiff::{SignedDuration, Timestamp};

use super::{
    Site,
    browser::OwnForm,
    text::{Refusal, sentence},
    views::{Enrol, Frame, Message, RecoveryCodes},
};

/// Seeds that are kept at one time. Each needs a link that an administrator made.
const MOST: usize = 1024;
/// How long a seed is kept that was shown.
const KEPT: SignedDuration = SignedDuration::from_hours(1);

/// Seeds that were shown and whose code was not seen yet, by the digest of their link. They
/// are in memory only: before an authenticator is seen to work, nothing is kept of it.
#[derive(Default)]
pub(super) struct Seeds(Mutex<HashMap<Digest, (Arc<Seed>, Timestamp)>>);

/// Why there is no seed to show.
enum NoSeed {
    TooMany,
    Failed(Failed),
}

impl Seeds {
    /// The seed of this link: the same for as long as it is kept, however often the page is loaded.
    fn of(
        &self,
        link: Digest,
        now: Timestamp,
        new: impl FnOnce() -> Result<Seed, Failed>,
    ) -> Result<Arc<Seed>, NoSeed> {
        // A thread that panicked while it held the lock left the table whole.
        let mut seeds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seeds.retain(|_, (_, until)| *until > now);
        if let Some((seed, _)) = seeds.get(&link) {
            return Ok(Arc::clone(seed));
        }
        // Nobody's seed gives way: they would see another one, and their code would not fit.
        if seeds.len() >= MOST {
            return Err(NoSeed::TooMany);
        }
        let seed = Arc::new(new().map_err(NoSeed::Failed)?);
        let until = now.saturating_add(KEPT).unwrap_or(Timestamp::MAX);
        seeds.insert(link, (Arc::clone(&seed), until));
        Ok(seed)
    }

    fn forget(&self, link: Digest) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&link);
    }
}

/// `GET /enrol/{token}`.
pub(super) async fn show(State(site): State<Arc<Site>>, Path(link): Path<String>) -> Response {
    match shown(&site, &link) {
        Ok((name, seed)) => page(&site, &name, &seed, StatusCode::OK, None),
        Err((status, message)) => message.page(status, Frame::bare()),
    }
}

/// `POST /enrol/{token}`: the code shows that the authenticator works.
pub(super) async fn enrol(
    State(site): State<Arc<Site>>,
    Path(link): Path<String>,
    OwnForm(fields): OwnForm,
) -> Response {
    let (name, seed) = match shown(&site, &link) {
        Ok(shown) => shown,
        Err((status, message)) => return message.page(status, Frame::bare()),
    };
    match site.desk.authority.enrol(&link, &seed, fields.one("code"), site.desk.now()).await {
        Ok(codes) => {
            site.seeds.forget(Digest::of(link.as_bytes()));
            RecoveryCodes::new(&name, codes.iter().map(factor::recovery::Code::show)).page()
        }
        Err(wrong @ NotEnrolled::WrongCode) => {
            page(&site, &name, &seed, StatusCode::FORBIDDEN, Some(sentence(&wrong.to_string())))
        }
        Err(NotEnrolled::NotDone(not_done)) => {
            let Refusal { status, words } = not_done.into();
            page(&site, &name, &seed, status, Some(words))
        }
    }
}

/// The person whom the link lets enrol, and their seed.
fn shown(site: &Site, link: &str) -> Result<(String, Arc<Seed>), (StatusCode, Message)> {
    let (desk, now, digest) = (&site.desk, site.desk.now(), Digest::of(link.as_bytes()));
    let invited = desk.authority.view(|state| state.invited(&digest, now).map(|holder| holder.name.clone()));
    let name = invited.ok_or_else(|| (StatusCode::NOT_FOUND, Message::bad_link()))?;
    match site.seeds.of(digest, now, || desk.authority.new_seed()) {
        Ok(seed) => Ok((name, seed)),
        Err(NoSeed::TooMany) => Err((StatusCode::SERVICE_UNAVAILABLE, Message::too_many_links())),
        Err(NoSeed::Failed(failed)) => {
            let Refusal { status, words } = failed.into();
            Err((status, Message::new("Not now", words)))
        }
    }
}

fn page(site: &Site, name: &str, seed: &Seed, status: StatusCode, error: Option<String>) -> Response {
    Enrol::new(&site.desk.settings.load().issuer, name, seed, error).page(status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_shows_one_seed_for_an_hour_and_nobody_is_pushed_out() {
        let seeds = Seeds::default();
        let now = Timestamp::UNIX_EPOCH;
        let link = |number: u64| Digest::of(&number.to_be_bytes());
        let seed = |number, now| seeds.of(link(number), now, || Ok(Seed::new([7; 20])));
        let first = seed(0, now).ok().unwrap();
        for number in 1..MOST as u64 {
            assert!(seed(number, now).is_ok());
        }
        assert!(matches!(seed(5000, now), Err(NoSeed::TooMany)));
        assert!(Arc::ptr_eq(&first, &seed(0, now + SignedDuration::from_mins(59)).ok().unwrap()));
        assert!(!Arc::ptr_eq(&first, &seed(0, now + KEPT).ok().unwrap()));
        assert!(seed(5000, now + KEPT).is_ok());
    }
}

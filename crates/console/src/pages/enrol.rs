//! Enrolling an authenticator by a one-time link.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use authority::{Change, Digest, Failed, NotEnrolled};
use axum::{
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
};
use factor::totp::Seed;
use http::{HeaderMap, StatusCode, Uri};
use jiff::{SignedDuration, Timestamp};
use law::HolderId;
use zeroize::Zeroizing;

use super::{
    Site,
    browser::{OwnForm, cookie_of_enrolling, enrolling, is_cross_site, step_to, with_cookie},
    text::{Refusal, sentence},
    views::{BeginEnrolling, Enrol, Frame, Message, RecoveryCodes},
};
use crate::{
    desk::{Peer, source},
    session::random_token,
};

/// Beginnings that are kept at one time. Each needs a link that an administrator made.
const MOST: usize = 1024;
/// How long one is kept.
const KEPT: SignedDuration = SignedDuration::from_hours(1);

/// Where somebody has begun to enrol and whose code was not seen yet, by the digest of their
/// link. They are in memory only: before an authenticator is seen to work, nothing is kept of it.
#[derive(Default)]
pub(super) struct Beginnings(Mutex<HashMap<Digest, Begun>>);

/// A link serves the browser that began with it, and shows nobody else the seed.
struct Begun {
    seed: Arc<Seed>,
    /// The digest of what that browser was given.
    browser: Digest,
    until: Timestamp,
    /// Whether another browser has come with the link.
    contested: bool,
}

/// Why somebody does not begin.
enum NotBegun {
    Another(Another),
    TooMany,
    Failed(Failed),
}

/// Another browser has begun with the link; whether this is the first time that it shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Another {
    first: bool,
}

impl Beginnings {
    /// Binds a link to the browser that is given this token.
    fn begin(
        &self,
        link: Digest,
        token: &str,
        now: Timestamp,
        new: impl FnOnce() -> Result<Seed, Failed>,
    ) -> Result<(), NotBegun> {
        let mut begun = self.lock(now);
        if let Some(known) = begun.get_mut(&link) {
            return Err(NotBegun::Another(known.contest()));
        }
        // Nobody gives way: they would see another seed, and their code would not fit.
        if begun.len() >= MOST {
            return Err(NotBegun::TooMany);
        }
        let seed = Arc::new(new().map_err(NotBegun::Failed)?);
        let until = now.saturating_add(KEPT).unwrap_or(Timestamp::MAX);
        begun.insert(link, Begun { seed, browser: Digest::of(token.as_bytes()), until, contested: false });
        Ok(())
    }

    /// The seed of this link: the same for as long as it is kept, and only for the browser that
    /// began. `None` where nobody has.
    fn seed(&self, link: Digest, token: Option<&str>, now: Timestamp) -> Result<Option<Arc<Seed>>, Another> {
        let mut begun = self.lock(now);
        let Some(known) = begun.get_mut(&link) else { return Ok(None) };
        // Digests are compared, so that the time it takes tells nothing of the token.
        if token.is_some_and(|token| Digest::of(token.as_bytes()) == known.browser) {
            Ok(Some(Arc::clone(&known.seed)))
        } else {
            Err(known.contest())
        }
    }

    fn forget(&self, link: Digest, now: Timestamp) {
        self.lock(now).remove(&link);
    }

    /// Those that are not too old.
    fn lock(&self, now: Timestamp) -> MutexGuard<'_, HashMap<Digest, Begun>> {
        // A thread that panicked while it held the lock left the table whole.
        let mut begun = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        begun.retain(|_, begun| begun.until > now);
        begun
    }
}

impl Begun {
    const fn contest(&mut self) -> Another {
        let first = !self.contested;
        self.contested = true;
        Another { first }
    }
}

/// `GET /enrol/{token}`: the seed for the browser that began, and for a first one how to begin.
/// It does not begin by itself: mail and chat programs open links before people do.
pub(super) async fn show(
    State(site): State<Arc<Site>>,
    Path(link): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let (id, name) = match invited(&site, &link) {
        Ok(invited) => invited,
        Err(message) => return message.page(StatusCode::NOT_FOUND, Frame::bare()),
    };
    let token = enrolling(&headers, &site.desk.settings.load(), digest(&link));
    // The cookie is strict: whoever comes from a mail brings it after a step on our own site.
    if token.is_none() && is_cross_site(&headers) {
        return step_to(uri.path());
    }
    match site.beginnings.seed(digest(&link), token.as_ref().map(|token| token.as_str()), site.desk.now()) {
        Ok(Some(seed)) => page(&site, &name, &seed, StatusCode::OK, None),
        Ok(None) => BeginEnrolling::new(&name, uri.path()).page(),
        Err(another) => contested(&site, id, another).await,
    }
}

/// `POST /enrol/{token}/begin`: from here on the link serves this browser only.
pub(super) async fn begin(State(site): State<Arc<Site>>, Path(link): Path<String>, OwnForm(_): OwnForm) -> Response {
    let (id, _) = match invited(&site, &link) {
        Ok(invited) => invited,
        Err(message) => return message.page(StatusCode::NOT_FOUND, Frame::bare()),
    };
    let (desk, now) = (&site.desk, site.desk.now());
    let token = match random_token() {
        Ok(token) => Zeroizing::new(token),
        Err(failed) => return not_now(failed),
    };
    match site.beginnings.begin(digest(&link), &token, now, || desk.authority.new_seed()) {
        Ok(()) => {
            let until = now.saturating_add(KEPT).unwrap_or(Timestamp::MAX);
            let cookie = cookie_of_enrolling(&desk.settings.load(), digest(&link), &token, until, now);
            with_cookie(Redirect::to(&format!("/enrol/{link}")).into_response(), cookie)
        }
        Err(NotBegun::Another(another)) => contested(&site, id, another).await,
        Err(NotBegun::TooMany) => Message::too_many_links().page(StatusCode::SERVICE_UNAVAILABLE, Frame::bare()),
        Err(NotBegun::Failed(failed)) => not_now(failed),
    }
}

/// `POST /enrol/{token}`: the code shows that the authenticator works.
pub(super) async fn enrol(
    State(site): State<Arc<Site>>,
    Path(link): Path<String>,
    peer: Peer,
    headers: HeaderMap,
    OwnForm(fields): OwnForm,
) -> Response {
    let (id, name) = match invited(&site, &link) {
        Ok(invited) => invited,
        Err(message) => return message.page(StatusCode::NOT_FOUND, Frame::bare()),
    };
    let (now, token) = (site.desk.now(), enrolling(&headers, &site.desk.settings.load(), digest(&link)));
    let seed = match site.beginnings.seed(digest(&link), token.as_ref().map(|token| token.as_str()), now) {
        Ok(Some(seed)) => seed,
        Ok(None) => return Message::enrolling_lapsed().page(StatusCode::CONFLICT, Frame::bare()),
        Err(another) => return contested(&site, id, another).await,
    };
    // Of several that come with the right code at once, the authority takes one.
    let from = source(peer, &headers, &site.desk.settings.load());
    match site.desk.authority.enrol_from(from, &link, &seed, fields.one("code"), now).await {
        Ok(codes) => {
            site.beginnings.forget(digest(&link), now);
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

fn digest(link: &str) -> Digest {
    Digest::of(link.as_bytes())
}

/// The person whom the link lets enrol.
fn invited(site: &Site, link: &str) -> Result<(HolderId, String), Message> {
    let invited = site.desk.authority.view(|state| {
        let holder = state.invited(&digest(link), site.desk.now())?;
        Some((holder.id, holder.name.clone()))
    });
    invited.ok_or_else(Message::bad_link)
}

/// What another browser than the one that began is told. Administrators are told once, too.
async fn contested(site: &Site, holder: HolderId, another: Another) -> Response {
    if another.first {
        let noted = site.desk.authority.note(Change::EnrolmentContested { holder }, site.desk.now()).await;
        if let Err(failed) = noted {
            tracing::error!(%failed, "that two browsers came with one link cannot be written down");
        }
    }
    Message::begun_elsewhere().page(StatusCode::CONFLICT, Frame::bare())
}

fn not_now(failed: Failed) -> Response {
    let Refusal { status, words } = failed.into();
    Message::new("Not now", words).page(status, Frame::bare())
}

fn page(site: &Site, name: &str, seed: &Seed, status: StatusCode, error: Option<String>) -> Response {
    Enrol::new(&site.desk.settings.load().issuer, name, seed, error).page(status)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(number: u64) -> Digest {
        Digest::of(&number.to_be_bytes())
    }

    #[test]
    fn a_link_shows_one_seed_for_an_hour_and_nobody_is_pushed_out() {
        let all = Beginnings::default();
        let now = Timestamp::UNIX_EPOCH;
        let begin = |number, now| all.begin(link(number), "ann's", now, || Ok(Seed::new([7; 20])));
        let seed = |number, now| all.seed(link(number), Some("ann's"), now).unwrap();
        for number in 0..MOST as u64 {
            assert!(begin(number, now).is_ok());
        }
        assert!(matches!(begin(5000, now), Err(NotBegun::TooMany)));
        let first = seed(0, now).unwrap();
        assert!(Arc::ptr_eq(&first, &seed(0, now + SignedDuration::from_mins(59)).unwrap()));
        assert!(seed(0, now + KEPT).is_none(), "who waits too long begins anew");
        assert!(begin(5000, now + KEPT).is_ok());
    }

    #[test]
    fn a_link_serves_the_browser_that_began_and_tells_once_that_another_came() {
        let (all, now) = (Beginnings::default(), Timestamp::UNIX_EPOCH);
        let new = || Ok(Seed::new([7; 20]));
        assert!(all.seed(link(1), None, now).is_ok_and(|seed| seed.is_none()), "nobody has begun");
        assert!(all.begin(link(1), "ann's", now, new).is_ok());
        for (token, first) in [(Some("another's"), true), (None, false), (Some(""), false)] {
            assert_eq!(all.seed(link(1), token, now).err(), Some(Another { first }), "{token:?}");
        }
        assert!(matches!(all.begin(link(1), "another's", now, new), Err(NotBegun::Another(_))));
        assert!(all.seed(link(1), Some("ann's"), now).is_ok_and(|seed| seed.is_some()), "hers is still hers");
    }
}

//! Who signed in: kept in memory, as digests, in bounded number and for a bounded time.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use authority::{Digest, Failed};
use aws_lc_rs::rand;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use jiff::Timestamp;
use law::{ChallengeId, HolderId, KeyId, RequestId};
use zeroize::Zeroizing;

/// Sessions at one time, and those of one person: beyond that the oldest ends.
const MOST: usize = 4096;
const MOST_OF_ONE: usize = 16;

/// One sign-in.
#[derive(Clone)]
pub(crate) struct Session {
    pub(crate) person: HolderId,
    pub(crate) began: Timestamp,
    /// What this session's forms carry, so that no other site can send them.
    pub(crate) form_token: Zeroizing<String>,
    until: Timestamp,
    said: Option<Said>,
}

/// What a person did last, to be told to them once.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Said {
    Yes {
        /// To so many questions.
        many: usize,
        /// Whether another person must say yes, too.
        second: bool,
        /// Calls that waited for it.
        waiting: usize,
        /// Until when a call passes that nobody waits for: the first of several.
        until: Option<Timestamp>,
    },
    /// A no, and until when it stands.
    No(ChallengeId, Timestamp),
    NotMe(KeyId),
    /// A law was put into force.
    Law,
    /// What waited for a code was refused.
    LawRefused,
    /// What held this key was lifted.
    Lifted(KeyId),
    /// A key was stopped.
    Disabled(KeyId),
    /// A key works again.
    Enabled(KeyId),
    /// Somebody's authenticator was stopped.
    AuthenticatorStopped(HolderId),
    /// A key was asked for.
    KeyAsked,
    /// Yes to a key.
    KeyGranted(RequestId),
    /// No to a key.
    KeyDenied(RequestId),
}

/// Until when a yes serves, where that is known.
fn before(until: Option<Timestamp>) -> String {
    until.map_or_else(String::new, |until| format!(" until {}", until.strftime("%H:%M:%S UTC")))
}

impl Said {
    pub(crate) fn in_words(self) -> String {
        match self {
            Self::Yes { second: true, .. } => "You said yes. Another person must say yes, too.".to_owned(),
            Self::Yes { many: 1, waiting: 1, .. } => "You said yes. The call goes on.".to_owned(),
            Self::Yes { many: 1, until, .. } => format!(
                "You said yes. Nobody waits for it any more: the call passes when the same request is sent again{}. \
                 Until then no window opens: another call of this key asks anew.",
                before(until)
            ),
            Self::Yes { many, waiting, .. } if many == waiting => format!("You said yes to {many} calls. They go on."),
            Self::Yes { many, waiting, until, .. } => format!(
                "You said yes to {many} calls. {waiting} of them go on; the others pass when the same request is sent \
                 again{}.",
                before(until)
            ),
            Self::No(question, until) => format!(
                "You said no to {question}. The call does not pass, and the same request is refused until {}.",
                until.strftime("%H:%M:%S UTC")
            ),
            Self::Enabled(key) => format!("Key {key} is enabled."),
            Self::NotMe(key) | Self::Disabled(key) => {
                format!("Key {key} is disabled. Nothing passes with it until it is enabled again.")
            }
            Self::Law => "What waited is accepted; the gate takes it over.".to_owned(),
            Self::Lifted(key) => {
                format!("Key {key} is not contained any more. For an hour nothing is done by itself about the same.")
            }
            Self::AuthenticatorStopped(holder) => {
                format!(
                    "The authenticator of {holder} is stopped. A link lets them enrol another: greave holders invite."
                )
            }
            Self::KeyAsked => "You asked. Come back here to collect the key when somebody has said yes.".to_owned(),
            Self::KeyGranted(request) => format!("You said yes to {request}. Whoever asked collects the key."),
            Self::KeyDenied(request) => format!("You said no to {request}."),
            Self::LawRefused => "What waited is refused; the gate goes on as before.".to_owned(),
        }
    }
}

/// Sessions by the digest of their token: who reads the memory of this table cannot sign in.
#[derive(Default)]
pub(crate) struct Sessions(Mutex<HashMap<Digest, Session>>);

impl Sessions {
    /// Opens a session. Gives its token, 256 random bits, and when it ends.
    pub(crate) fn open(
        &self,
        person: HolderId,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<(String, Timestamp), Failed> {
        let (token, form_token) = (random_token()?, random_token()?.into());
        let mut sessions = self.lock();
        sessions.retain(|_, session| session.until > now);
        let of_person = sessions.values().filter(|session| session.person == person).count();
        let oldest = |of: Option<HolderId>| {
            let sessions = sessions.iter().filter(|(_, session)| of.is_none_or(|person| session.person == person));
            sessions.min_by_key(|(_, session)| session.began).map(|(digest, _)| *digest)
        };
        let full = if of_person >= MOST_OF_ONE {
            oldest(Some(person))
        } else if sessions.len() >= MOST {
            oldest(None)
        } else {
            None
        };
        if let Some(oldest) = full {
            sessions.remove(&oldest);
        }
        sessions.insert(Digest::of(token.as_bytes()), Session { person, began: now, form_token, until, said: None });
        Ok((token, until))
    }

    /// The session with this token, where there is one.
    pub(crate) fn find(&self, token: &str, now: Timestamp) -> Option<Session> {
        self.lock().get(&Digest::of(token.as_bytes())).filter(|session| now < session.until).cloned()
    }

    /// Keeps what is to be told on the next page.
    pub(crate) fn say(&self, token: &str, said: Said) {
        if let Some(session) = self.lock().get_mut(&Digest::of(token.as_bytes())) {
            session.said = Some(said);
        }
    }

    /// What is to be told, once.
    pub(crate) fn heard(&self, token: &str) -> Option<Said> {
        self.lock().get_mut(&Digest::of(token.as_bytes()))?.said.take()
    }

    /// Ends a session.
    pub(crate) fn end(&self, token: &str) {
        self.lock().remove(&Digest::of(token.as_bytes()));
    }

    // A thread that panicked while it held the lock left the table whole.
    fn lock(&self) -> MutexGuard<'_, HashMap<Digest, Session>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// 256 random bits as letters that may stand in a cookie, a header or an address.
pub(crate) fn random_token() -> Result<String, Failed> {
    let mut bytes = Zeroizing::new([0; 32]);
    rand::fill(bytes.as_mut_slice()).map_err(|_| Failed::NoRandomness)?;
    Ok(BASE64.encode(bytes.as_slice()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_session_ends_by_itself_or_by_hand() {
        let sessions = Sessions::default();
        let (token, until) = sessions.open(HolderId(1), at(0), at(60)).unwrap();
        assert_eq!(until, at(60));
        assert_eq!(token.len(), 43);
        assert!(sessions.find(&token, at(59)).is_some_and(|session| session.person == HolderId(1)));
        assert!(sessions.find(&token, at(60)).is_none());
        assert!(sessions.find("", at(0)).is_none());
        sessions.end(&token);
        assert!(sessions.find(&token, at(1)).is_none());
    }

    #[test]
    fn one_person_cannot_push_others_out() {
        let sessions = Sessions::default();
        let (bobs, _) = sessions.open(HolderId(2), at(0), at(1000)).unwrap();
        let anns: Vec<String> = (0..100).map(|n| sessions.open(HolderId(1), at(n), at(1000)).unwrap().0).collect();
        assert!(sessions.find(&bobs, at(500)).is_some());
        assert_eq!(anns.iter().filter(|token| sessions.find(token, at(500)).is_some()).count(), MOST_OF_ONE);
        assert!(sessions.find(anns.last().unwrap(), at(500)).is_some());
        for n in 0..5000 {
            sessions.open(HolderId(n), at(200), at(1000)).unwrap();
        }
        assert!(sessions.lock().len() <= MOST);
    }
}

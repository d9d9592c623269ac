//! Asking people: when a request joins a question that is open, when it opens a new one,
//! and when too much was asked already. Pure.

use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};
use law::{ChallengeId, Factors, HolderId, HolderKind, KeyId, Law, Powers, Refusal, Span, neighbourhood};
use serde::{Deserialize, Serialize};

use crate::{
    Digest,
    change::{Change, Question},
    state::{Asked, Progress, State},
};

/// How much may be asked, and for how long a question stands.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// From the question to its lapse. The yes must be spent before, too.
    pub lapse: Span,
    /// Questions open at one time for one key. Sources that are not usual for the key may use
    /// half of it, so that a thief cannot keep the honest caller from being asked.
    pub open_per_key: usize,
    /// Questions open at one time for one key from one source.
    pub open_per_source: usize,
    /// Questions in an hour for one key, and half of it from unusual sources.
    pub hourly_per_key: usize,
    /// Questions open at one time for one person, with all keys that they answer for first;
    /// half of it from unusual sources. Many stolen keys must not ring more than one could.
    pub open_per_person: usize,
    /// Questions in an hour for one person, and half of it from unusual sources.
    pub hourly_per_person: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            lapse: Span::minutes(10),
            open_per_key: 8,
            open_per_source: 4,
            hourly_per_key: 60,
            open_per_person: 32,
            hourly_per_person: 240,
        }
    }
}

/// What the gate wants to have answered.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The key that called.
    pub key: KeyId,
    /// SHA-256 over key, method, target, body and `Idempotency-Key`.
    pub binding: Digest,
    /// Method and template.
    pub operation: String,
    /// The powers whose guards did not hold.
    pub powers: Powers,
    /// What is missing.
    pub missing: Factors,
    /// Where the call came from.
    pub source: IpAddr,
    /// Whether the key had come from there before.
    pub known_source: bool,
    /// Whether it had come from there for a day, or a person had said yes to it there. Only
    /// such a source has the reserve: a thief's own first read makes a source known.
    pub usual_source: bool,
    /// Since when the key has come from there, where it had before.
    pub source_since: Option<Timestamp>,
    /// Whether nobody can say what the call does, so that it has every power.
    pub unjudged: bool,
}

/// What a person is shown of a request. Credentials in it are masked before it comes here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exhibit {
    /// The method.
    pub method: String,
    /// The path as it was sent.
    pub path: String,
    /// The query's parameters as people read them, one a line, credentials masked.
    pub query: Option<String>,
    /// Headers that say what is wanted, beside the usual ones, credentials masked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
    /// The body, masked; `None` where there is none or it is no text.
    pub body: Option<String>,
    /// Bytes of the whole body.
    pub body_bytes: u64,
    /// SHA-256 of the whole body, as it was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_digest: Option<Digest>,
    /// The client, as it calls itself.
    pub user_agent: Option<String>,
}

/// What becomes of asking.
pub(crate) enum Asking {
    /// The same request is asked about, or was answered yes and may be sent.
    Join(ChallengeId),
    /// People are asked from now on.
    New(ChallengeId, Box<Change>),
}

impl State {
    /// What a yes lets pass under a law beside what was asked for: so long, whatever the same key
    /// asks from the same source with these powers.
    pub fn windows(&self, asked: &Asked, law: &Law) -> Vec<(Span, Powers)> {
        let question = &asked.question;
        if question.unjudged {
            return Vec::new();
        }
        let holder = self.key(question.key).and_then(|key| key.holder()).and_then(|holder| self.holder(holder));
        law.windows(holder.map_or(HolderKind::Person, |holder| holder.kind), question.powers)
    }

    /// Joins the question about the same request from the same source, or opens one.
    ///
    /// The source belongs to it: an answer may hold a secret, and whoever copies a request
    /// that waits must not be given the answer in the place of who sent it.
    pub(crate) fn ask(&self, ask: &Ask, limits: &Limits, now: Timestamp) -> Result<Asking, Refusal> {
        // The key may have fallen since the request was judged.
        if let Some(refusal) = self.refusal(ask.key, now) {
            return Err(refusal);
        }
        for asked in self.same_as(ask) {
            match asked.progress(now) {
                Progress::Open | Progress::Approved(_) => return Ok(Asking::Join(asked.id)),
                // A no stands for as long as the question would have.
                Progress::Denied if now < asked.question.until => return Err(Refusal::Denied),
                Progress::Denied | Progress::Spent | Progress::Covered | Progress::KeyFell(_) | Progress::Lapsed => {}
            }
        }
        self.check_limits(ask, limits, now)?;
        let until = limits.lapse.after(now);
        let question = Question {
            key: ask.key,
            binding: ask.binding,
            operation: ask.operation.clone(),
            powers: ask.powers,
            missing: ask.missing,
            source: ask.source,
            known_source: ask.known_source,
            usual_source: ask.usual_source,
            source_since: ask.source_since,
            unjudged: ask.unjudged,
            until,
        };
        let id = self.next_challenge();
        Ok(Asking::New(id, Box::new(Change::Asked { id, question })))
    }

    /// Until when a person's no to this very request stands, where one does.
    pub fn denied_until(&self, ask: &Ask, now: Timestamp) -> Option<Timestamp> {
        let denied = self.same_as(ask).filter(|asked| asked.progress(now) == Progress::Denied);
        denied.map(|asked| asked.question.until).filter(|until| now < *until).max()
    }

    /// The questions about the same request from the same source, the newest first.
    fn same_as(&self, ask: &Ask) -> impl Iterator<Item = &Asked> {
        self.questions.values().rev().filter(|asked| {
            asked.question.key == ask.key
                && asked.question.binding == ask.binding
                && neighbourhood(asked.question.source) == neighbourhood(ask.source)
        })
    }

    fn check_limits(&self, ask: &Ask, limits: &Limits, now: Timestamp) -> Result<(), Refusal> {
        let hour_ago = now.saturating_sub(SignedDuration::from_hours(1)).unwrap_or(Timestamp::MIN);
        let open = |asked: &&Asked| asked.progress(now) == Progress::Open;
        let lately = |asked: &&Asked| asked.at > hour_ago;
        let unusual = |asked: &&Asked| !asked.question.usual_source;
        let here = |asked: &&Asked| neighbourhood(asked.question.source) == neighbourhood(ask.source);
        let person = self.person_of(ask.key);

        let of_key: Vec<&Asked> = self.questions.values().filter(|asked| asked.question.key == ask.key).collect();
        let of_person: Vec<&Asked> = self
            .questions
            .values()
            .filter(|asked| person.is_some() && self.person_of(asked.question.key) == person)
            .collect();
        let of = |all: &[&Asked], which: &dyn Fn(&&Asked) -> bool| all.iter().filter(|asked| which(asked)).count();
        let is_full = |all: &[&Asked], at_once, hourly| {
            of(all, &open) >= at_once
                || of(all, &lately) >= hourly
                || !ask.usual_source
                    && (of(all, &|asked| open(asked) && unusual(asked)) >= at_once / 2
                        || of(all, &|asked| lately(asked) && unusual(asked)) >= hourly / 2)
        };
        let full = of(&of_key, &|asked| open(asked) && here(asked)) >= limits.open_per_source
            || is_full(&of_key, limits.open_per_key, limits.hourly_per_key)
            || is_full(&of_person, limits.open_per_person, limits.hourly_per_person);
        if full { Err(Refusal::TooManyQuestions) } else { Ok(()) }
    }

    /// When there is room for this question at the latest, where there is none now: nobody may answer
    /// those that are open, and they lapse.
    pub(crate) fn room_at(&self, ask: &Ask, limits: &Limits, now: Timestamp) -> Timestamp {
        let hour = SignedDuration::from_hours(1);
        let person = self.person_of(ask.key);
        let counts = |asked: &&Asked| {
            asked.question.key == ask.key || person.is_some() && self.person_of(asked.question.key) == person
        };
        let mut moments: Vec<Timestamp> = self
            .questions
            .values()
            .filter(counts)
            .flat_map(|asked| [asked.question.until, asked.at.saturating_add(hour).unwrap_or(Timestamp::MAX)])
            .filter(|at| *at > now)
            .collect();
        moments.sort_unstable();
        // The later, the fewer are open.
        let first = moments.partition_point(|at| self.check_limits(ask, limits, *at).is_err());
        moments.get(first).copied().unwrap_or(now)
    }

    /// Who is asked first about this key's calls. What a drill asks takes no room from what the
    /// same person is asked in earnest.
    fn person_of(&self, key: KeyId) -> Option<HolderId> {
        let holder = self.holder(self.key(key).filter(|key| !key.is_drill())?.holder()?)?;
        if holder.kind == HolderKind::Person { Some(holder.id) } else { holder.owner }
    }
}

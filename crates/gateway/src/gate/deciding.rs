//! The third stop: the law decides, and again when people have answered.

use std::{sync::Arc, time::Instant};

use authority::{Key, Spent, Ticket};
use bytes::Bytes;
use http::{
    HeaderValue,
    header::{RETRY_AFTER, WWW_AUTHENTICATE},
};
use jiff::Timestamp;
use law::{
    Attempt, Caller, Challenge, Decision, Factor, Held, HolderKind, KeyFacts, Law, Permit, Refusal, Span, Verdict,
    decide, neighbourhood,
};

use crate::{
    Outbound, Problem, Tally,
    gate::{
        passage::{Judged, Passage, Refused},
        presented::{Presented, Shown},
        waiting::{End, Waiting},
        writing::Writing,
    },
};

/// How often a client may ask whether its question is answered, in seconds.
const INTERVAL: u32 = 5;

impl Passage<'_> {
    /// The third stop, and waiting where it says so. The record has taken whatever does not pass.
    pub(crate) async fn decide(
        &self,
        request: &Judged<'_>,
        outbound: &mut Outbound,
        writing: &Writing,
        tally: &Tally,
    ) -> Result<(Permit, Option<Spent>), Refused> {
        let gate = &self.worker.gate;
        let (caller, key) = match request.presented {
            Presented::Key(key, shown) => (Caller::Key(gate.authority.facts(key)), Some((key, shown))),
            Presented::Unknown(_) => (Caller::Unknown, None),
            Presented::Session => (Caller::Session, None),
            Presented::Nobody => (Caller::Nobody, None),
        };
        let held = match key {
            Some((key, shown)) if request.understood.powers.is_sensitive() => {
                self.held(key, shown, gate.authority.facts(key).kind, self.at)
            }
            _ => Held::default(),
        };
        let law = gate.authority.law();
        let powers = request.understood.powers;
        let contained = key.map_or(law::Answer::Pass, |(key, _)| {
            gate.watching.contained(key, powers, request.unusual, Timestamp::now())
        });
        let attempt = Attempt { caller, powers, open: request.open, held, contained, at: self.at };
        writing.amend(|call| {
            call.law = Arc::clone(&law.digest);
            call.factors = held.factors(powers);
        });
        let challenge = match decide(&law.law, &attempt) {
            Decision::Permit(permit) => return Ok((permit, None)),
            Decision::Refuse(Refusal::NobodyCanAnswer) if lacks_second_person(&law.law, &attempt) => {
                return Err(self.lacks_second_person(writing, tally));
            }
            Decision::Refuse(refusal) => return Err(self.refuse(writing, tally, refusal)),
            Decision::Challenge(challenge) => challenge,
        };
        drop(law);
        let (Some((key, shown)), Caller::Key(facts)) = (key, caller) else {
            return Err(self.refuse(writing, tally, Refusal::NobodyCanAnswer));
        };
        writing.amend(|call| call.verdict = Verdict::Challenge(challenge.missing));
        if contained == law::Answer::Ask {
            gate.watching.asks(key.id, Timestamp::now());
        }
        let body = match outbound.hold(&self.spool(request.presented)).await {
            Ok(body) => body,
            Err(refusal) => return Err(self.refuse(writing, tally, refusal)),
        };
        // Boxed, for few requests wait, and each request's future is moved a few times with room for it.
        if let Some(span) = &self.span {
            span.holds(Timestamp::now());
        }
        let waits = Instant::now();
        let end = Box::pin(self.wait(request, outbound, (key, facts, shown), body, &challenge, writing)).await;
        writing.waited(waits.elapsed());
        if let Some(span) = &self.span {
            span.held(Timestamp::now());
        }
        let spent = match end {
            End::Yes(spent) => Some(spent),
            End::Covered => None,
            End::No(refusal) => return Err(self.refuse(writing, tally, refusal)),
            End::Denied(until) => {
                writing.refuse(Verdict::Refuse(Refusal::Denied));
                return Err(self.end(tally, self.denied(until)));
            }
            End::Crowded(until) => {
                writing.refuse(Verdict::Refuse(Refusal::TooManyQuestions));
                return Err(self.end(tally, self.crowded(until)));
            }
            End::NotYet(ticket) => {
                writing.refuse(Verdict::Challenge(challenge.missing));
                return Err(self.end(tally, self.challenge(&challenge, &ticket)));
            }
        };
        if spent.is_some()
            && let Some(watched) = writing.watched()
            && let Err(error) = gate.watching.vouched(watched, Timestamp::now()).await
        {
            tracing::error!(error = &error as &dyn std::error::Error, "an answered step-up cannot be lifted");
        }
        if let Some(spent) = &spent {
            Box::pin(gate.cover(key, neighbourhood(self.source), spent.approval)).await;
        }
        self.decide_again(&attempt, (key, shown, request.unusual), spent, writing, tally)
    }

    /// What people said yes to before.
    fn held(&self, key: &Key, shown: &Shown, kind: HolderKind, now: Timestamp) -> Held {
        let held = self.worker.gate.authority.held(key.id, neighbourhood(self.source), now);
        // A program that has a person's token has no person.
        match &shown.token {
            Some(token) if kind == HolderKind::Person => held.with_person_since(token.person(now)),
            _ => held,
        }
    }

    async fn wait(
        &self,
        request: &Judged<'_>,
        outbound: &Outbound,
        (key, facts, shown): (&Key, KeyFacts, &Shown),
        body: Bytes,
        challenge: &Challenge,
        writing: &Writing,
    ) -> End {
        let waiting = Waiting {
            key,
            facts,
            shown,
            understood: request.understood,
            target: request.target,
            method: &outbound.parts.method,
            upgrade: outbound.upgrade(),
            headers: &outbound.parts.headers,
            sent: self.sent(request, &outbound.parts.headers),
            trailers: outbound.load.trailers(),
            body,
            source: self.source,
            call: self.id,
            unusual: request.unusual,
        };
        let asked = |ticket: &Ticket| writing.amend(|call| call.challenge = Some(ticket.challenge));
        waiting.wait(&self.worker.gate, challenge, asked).await
    }

    /// With the yes in hand, or covered by another one, under the law and the key's standing as
    /// they are now.
    fn decide_again(
        &self,
        before: &Attempt,
        (key, shown, unusual): (&Key, &Shown, bool),
        spent: Option<Spent>,
        writing: &Writing,
        tally: &Tally,
    ) -> Result<(Permit, Option<Spent>), Refused> {
        if let Some(refusal) = tally.cut().above_ceiling() {
            return Err(self.refuse(writing, tally, refusal));
        }
        let authority = &self.worker.gate.authority;
        let current = authority.view(|state| state.key(key.id).cloned());
        let facts = authority.facts(current.as_deref().unwrap_or(key));
        let now = Timestamp::now();
        let held = match &spent {
            Some(spent) => Held { second_person: spent.second_person, ..before.held.with_person() },
            None => self.held(key, shown, facts.kind, now),
        };
        let law = authority.law();
        let contained = self.worker.gate.watching.contained(key, before.powers, unusual, now);
        let attempt = Attempt { caller: Caller::Key(facts), held, contained, at: now, ..*before };
        writing.amend(|call| {
            call.law = Arc::clone(&law.digest);
            call.factors = held.factors(before.powers);
            call.approval = spent.map(|spent| spent.approval);
        });
        match decide(&law.law, &attempt) {
            Decision::Permit(permit) => Ok((permit, spent)),
            Decision::Refuse(Refusal::NobodyCanAnswer) if lacks_second_person(&law.law, &attempt) => {
                Err(self.lacks_second_person(writing, tally))
            }
            Decision::Refuse(refusal) => Err(self.refuse(writing, tally, refusal)),
            // The law asks for more than it did when the person was asked.
            Decision::Challenge(_) => Err(self.refuse(writing, tally, Refusal::StepUp)),
        }
    }

    /// Says who is missing: one person could answer, and the guard takes two.
    fn lacks_second_person(&self, writing: &Writing, tally: &Tally) -> Refused {
        writing.refuse(Verdict::Refuse(Refusal::NobodyCanAnswer));
        let problem = Problem::new(Refusal::NobodyCanAnswer, self.id)
            .detail("two people must say yes, and only one is enrolled who answers for the key")
            .member("mend", "name a deputy who is enrolled: `greave holders change HOLDER --deputy NAME`");
        self.end(tally, problem)
    }

    /// Says how long a person's no stands.
    fn denied(&self, until: Timestamp) -> Problem {
        let wait = Span::between(Timestamp::now(), until);
        Problem::new(Refusal::Denied, self.id)
            .detail(format!("a person said no, and the same request is refused until {until:.0}"))
            .member("until", format!("{until:.0}"))
            .header(RETRY_AFTER, HeaderValue::from(wait.as_secs()))
    }

    /// Says when there is room for another question.
    fn crowded(&self, until: Timestamp) -> Problem {
        // Half a second early would be refused again.
        let wait = Span::between(Timestamp::now(), until).as_secs().saturating_add(1);
        Problem::new(Refusal::TooManyQuestions, self.id)
            .detail(format!("so many questions are open that there is room at {until:.0}, or when one is answered"))
            .member("until", format!("{until:.0}"))
            .header(RETRY_AFTER, HeaderValue::from(wait))
    }

    /// Says what is missing and how it is given (RFC 9470).
    fn challenge(&self, challenge: &Challenge, ticket: &Ticket) -> Problem {
        let uri = format!("{}/questions/{}", self.realm.settings.desk, ticket.challenge);
        let acr: Vec<String> = challenge.missing.iter().map(|factor| format!("urn:greave:{factor}")).collect();
        Problem::new(Refusal::StepUp, self.id)
            .member("challenge_id", ticket.challenge.to_string())
            .member("step_up_uri", uri.clone())
            .member("acr_values", acr.join(" "))
            .member("max_age", challenge.person_age.as_secs())
            .member("expires_at", ticket.until.to_string())
            .member("interval", INTERVAL)
            .header(WWW_AUTHENTICATE, wire::step_up(challenge.missing, challenge.person_age, &uri))
            .header(RETRY_AFTER, HeaderValue::from(INTERVAL))
    }
}

/// Whether people could be asked if there were a second one.
fn lacks_second_person(law: &Law, attempt: &Attempt) -> bool {
    let Caller::Key(facts) = attempt.caller else { return false };
    let presentable = facts.presentable.with(Factor::SecondPerson);
    let with_two = Attempt { caller: Caller::Key(KeyFacts { presentable, ..facts }), ..*attempt };
    facts.presentable.contains(Factor::Person) && matches!(decide(law, &with_two), Decision::Challenge(_))
}

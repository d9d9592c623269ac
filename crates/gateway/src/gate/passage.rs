//! The way of one request through the gate, from stop to stop.

use std::{
    net::IpAddr,
    sync::{Arc, OnceLock},
};

use ::watch::Sight;
use http::{Method, Request, Response, header::USER_AGENT};
use hyper::body::Incoming;
use jiff::Timestamp;
use law::{CallId, Ended, Powers, Refusal, Verdict, Who, neighbourhood};
use wire::Target;

use crate::{
    Answer, Cut, Kept, Problem, Spool, Tally, Toll, Visitor,
    gate::{
        attempt::{Understood, may_be_overridden, understand, undescribed},
        issued,
        presented::{Presented, is_at_its_door, present},
        realm::Realm,
        span::Strand,
        tokens::Bearer,
        worker::Worker,
        writing::{Writing, describe, query, verdict},
    },
    hold::Share,
    toll::Line,
};

/// One request on its way through the gate.
pub(crate) struct Passage<'a> {
    pub(crate) worker: &'a Arc<Worker>,
    pub(crate) realm: &'a Realm,
    pub(crate) id: CallId,
    pub(crate) at: Timestamp,
    pub(crate) source: IpAddr,
    /// Where it is traced.
    pub(crate) span: Option<Arc<Strand>>,
}

/// A refusal on its way to the client.
pub(crate) type Refused = Problem;

/// A request that was understood.
pub(crate) struct Judged<'a> {
    pub(crate) presented: &'a Presented,
    pub(crate) understood: &'a Understood,
    pub(crate) target: &'a Target,
    pub(crate) open: bool,
    /// Whether it is other than usual for its key.
    pub(crate) unusual: bool,
    /// Who is connected.
    pub(crate) peer: IpAddr,
}

impl Passage<'_> {
    /// Room for this request's body, while it is held.
    pub(crate) fn spool(&self, presented: &Presented) -> Spool {
        self.worker.gate.spool.of(match presented {
            Presented::Key(key, _) => [Some(Share::Key(key.id)), None],
            // A session is believed and not verified: its cookie may be made up as well as a key.
            Presented::Unknown(_) | Presented::Session | Presented::Nobody => {
                [Some(Share::Strangers), Some(Share::From(neighbourhood(self.source)))]
            }
        })
    }

    pub(crate) async fn through(
        &self,
        request: Request<Incoming>,
        visitor: Visitor,
    ) -> Result<Response<Answer>, Refused> {
        let gate = &self.worker.gate;
        let writing = Writing::new(gate, self.span.clone());
        let method = request.method().clone();
        if gate.pseudonym.comes_back(request.headers()) {
            return Err(self.unreadable(&writing, method.as_str(), Refusal::ComesBack));
        }
        let (mut outbound, target) = match self.read(request) {
            Ok(read) => read,
            Err((refusal, key)) => {
                return Err(self.unreadable_with(&writing, method.as_str(), refusal, key.as_deref()));
            }
        };

        let is_open = self.realm.settings.open.contains(target.path());
        let headers = &mut outbound.parts.headers;
        let source = neighbourhood(self.source);
        let from = Bearer { throttle: &gate.throttle, authority: &gate.authority, source };
        let (mut presented, stranger) = match present(from, self.realm, headers, &target, is_open, self.at) {
            Ok(presented) => presented,
            Err(refusal) => {
                self.tell_of_own_credential(refusal);
                return Err(self.unreadable(&writing, method.as_str(), refusal));
            }
        };
        let canary = stranger.as_ref().and_then(|stranger| stranger.canary);
        if !is_at_its_door(&presented, canary, visitor.played.as_ref()) {
            return Err(self.unreadable(&writing, method.as_str(), Refusal::UnknownKey));
        }
        let tally = self.tally(&presented, &writing);
        let mut draft = self.draft(&presented, outbound.parts.headers.get(USER_AGENT));
        if visitor.played.is_some() {
            (draft.who, draft.key) = (Who::Drill, draft.key.or(canary));
        }
        writing.draft(draft);
        if stranger.is_some() {
            let agent = outbound.parts.headers.get(USER_AGENT);
            self.tell_of_canary(
                canary,
                &presented,
                &undescribed(&self.realm.catalogue, method.as_str(), &target),
                agent,
            );
        }
        let is_credential = |text: &str| self.is_credential(text, &presented);
        let not_understood = || {
            let mut undescribed = undescribed(&self.realm.catalogue, method.as_str(), &target);
            undescribed.hide(is_credential);
            writing.amend(|call| describe(call, &mut undescribed));
        };
        let admitted = match (&visitor.played, &presented) {
            // The canary of a drill is no guess of anybody's.
            (Some(_), Presented::Unknown(_)) => Err(Refusal::UnknownKey),
            _ => self.admit(&presented, is_open, stranger.as_ref()),
        };
        if let Err(refusal) = admitted {
            self.tell_of_own_credential(refusal);
            not_understood();
            return Err(self.refuse(&writing, &tally, refusal));
        }
        // While a body is awaited the client may go away: then no more than this is known.
        if outbound.has_body() {
            not_understood();
        }

        let is_nobody = matches!(presented, Presented::Nobody);
        let spool = self.spool(&presented);
        let mut understood = match understand(self.realm, &mut outbound, &target, is_nobody, &spool).await {
            Ok(understood) => understood,
            Err(refusal) => {
                not_understood();
                return Err(self.refuse(&writing, &tally, refusal));
            }
        };
        // The body may have been long in coming: the key is judged as it stands now.
        presented.renew();
        let is_credential = |text: &str| self.is_credential(text, &presented);
        tally.cut().reaches_for(|| understood.reach(self.source));
        // A prefix opens what the document does not describe, never one of its operations.
        let open = understood.open || understood.id.is_none() && is_open;
        let line = self.within(&presented, &understood, &outbound);
        let mut sight = Sight::default();
        writing.amend(|call| {
            call.query = query(&target, &understood, &presented);
            understood.hide(is_credential);
            sight = self.see(call, &presented, &understood, &outbound, (&writing, line.is_err()));
            describe(call, &mut understood);
        });
        self.notice(&presented);
        let unusual = writing.watched().is_some_and(|watched| watched.unusual);
        if understood.powers.is_sensitive() || unusual {
            tally.cut().be_wary();
        }
        if let (Some(watched), Presented::Key(key, _)) = (writing.watched(), &presented)
            && gate.watching.is_concerned(&sight, watched, self.at)
            && !Box::pin(gate.watching.answer(sight, watched, key, Timestamp::now())).await
            && (understood.powers.is_sensitive() || unusual)
        {
            return Err(self.refuse(&writing, &tally, Refusal::RecordUnavailable));
        }
        let line = match line {
            Ok(line) => line,
            Err(kept) => return Err(self.keep(&writing, &tally, &kept)),
        };
        if issued::is_for_some_operations(&presented) {
            match may_be_overridden(&mut outbound, &spool).await {
                Ok(false) => {}
                Ok(true) => return Err(self.refuse(&writing, &tally, Refusal::OutOfScope)),
                Err(refusal) => return Err(self.refuse(&writing, &tally, refusal)),
            }
        }

        let peer = visitor.address.ip();
        let request = Judged { presented: &presented, understood: &understood, target: &target, open, unusual, peer };
        let (permit, spent) = self.decide(&request, &mut outbound, &writing, &tally).await?;
        let toll = match self.count(line, understood.powers, &outbound.parts.method) {
            Ok(toll) => toll,
            Err(kept) => return Err(self.keep(&writing, &tally, &kept)),
        };
        if let Err(refusal) = self.take_over(&presented).await {
            return Err(self.refuse(&writing, &tally, refusal));
        }
        if let Some(refusal) = tally.cut().above_ceiling() {
            return Err(self.refuse(&writing, &tally, refusal));
        }
        if visitor.played.as_ref().is_some_and(|played| played.reads(&understood, &outbound)) {
            writing.amend(|call| call.who = Who::DrillRead);
        }
        // What anybody may call is neither secret nor a power: that is written beside the call.
        let durable = understood.powers.is_sensitive() && !is_nobody;
        if let Err(refusal) = writing.write(verdict(&permit), durable).await {
            return Err(self.end(&tally, Problem::new(refusal, self.id)));
        }
        if let Some(refusal) = tally.cut().above_ceiling() {
            return Err(self.end(&tally, Problem::new(refusal, self.id)));
        }
        writing.goes_on();
        self.forward((permit, spent, toll), outbound, &request, &visitor, &tally).await
    }

    /// Counts a call that passes against the limits of its issued keys; what takes its answer
    /// from them, where that counts.
    fn count(&self, line: Line, powers: Powers, method: &Method) -> Result<Option<Toll>, Kept> {
        if line.is_empty() {
            return Ok(None);
        }
        let meters = &self.worker.gate.meters;
        meters.take(&line, powers, Timestamp::now()).map_err(Kept::Exhausted)?;
        Ok(Toll::new(meters, line, powers, method))
    }

    /// The first call of a successor that passes retires the key before it: written down before
    /// the call goes on.
    async fn take_over(&self, presented: &Presented) -> Result<(), Refusal> {
        let successor = issued::issued(presented).filter(|(key, _)| key.awaits_first_use());
        let Some((key, _)) = successor else { return Ok(()) };
        self.worker.gate.authority.take_over(key.id, Timestamp::now()).await.map_err(|error| {
            tracing::error!(error = &error as &dyn std::error::Error, "a key cannot take over");
            Refusal::RecordUnavailable
        })
    }

    /// Counts the exchange. However it ends, the record takes what became of it.
    fn tally(&self, presented: &Presented, writing: &Arc<Writing>) -> Arc<Tally> {
        let cut = Cut::of_gate(Arc::clone(&self.worker.gate.cut));
        let cut = match presented {
            Presented::Key(key, _) => cut.or_key(Arc::clone(key)).or_its_makers(&self.worker.gate.authority),
            Presented::Unknown(_) => cut.or_learned(Arc::new(OnceLock::new())),
            Presented::Session | Presented::Nobody => cut,
        };
        let (writing, id) = (Arc::clone(writing), self.id);
        let Some((key, _)) = issued::issued(presented) else {
            return Tally::begin(cut, move |ending| writing.end(id, &ending, Timestamp::now()));
        };
        let (key, gate) = (key.id, Arc::clone(&self.worker.gate));
        Tally::begin(cut, move |ending| {
            let now = Timestamp::now();
            if ending.ended == Ended::LimitReached {
                gate.findings.of_limit(key, now);
            }
            if ending.showed {
                gate.findings.of_shown_credential(key, now);
            }
            writing.end(id, &ending, now);
        })
    }

    fn keep(&self, writing: &Writing, tally: &Tally, kept: &Kept) -> Refused {
        writing.refuse(Verdict::Refuse(kept.refusal()));
        self.end(tally, kept.problem(self.id))
    }

    pub(crate) fn refuse(&self, writing: &Writing, tally: &Tally, refusal: Refusal) -> Refused {
        writing.refuse(Verdict::Refuse(refusal));
        self.end(tally, Problem::new(refusal, self.id))
    }

    pub(crate) fn end(&self, tally: &Tally, problem: Problem) -> Refused {
        tally.answered(problem.status());
        problem
    }
}

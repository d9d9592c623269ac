//! The fifth stop: what was permitted goes on, and what its answer teaches is kept.

use std::sync::Arc;

use authority::{Credential, Folded, Key, KnownBy, SecretDigest, Sighting, Spent};
use catalogue::Answered;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode,
    header::{ACCEPT_ENCODING, HOST, IF_RANGE, RANGE},
};
use jiff::Timestamp;
use law::{KeyId, Permit, Power, Refusal, Severity, neighbourhood};
use wire::{Place, Secret};

use crate::{
    Answer, Look, Made, Onward, Outbound, Pending, Problem, Register, Tally, Toll, Visitor, forward,
    gate::{
        attempt::Understood,
        guessing, issued,
        learning::{Lesson, accepts, ask_first, carriers, learn_first, parameter},
        passage::{Judged, Passage, Refused},
        presented::{Presented, Shown},
        rehearsing,
        span::drop_unreadable,
        tokens::Meaning,
        worker::Worker,
    },
    lens,
    upstream::Leaves,
};

const GREAVE_DRILL: HeaderName = HeaderName::from_static("greave-drill");
const GREAVE_KEY: HeaderName = HeaderName::from_static("greave-key");
const GREAVE_HOLDER: HeaderName = HeaderName::from_static("greave-holder");
const GREAVE_APPROVAL: HeaderName = HeaderName::from_static("greave-approval");

impl Passage<'_> {
    /// The fifth stop.
    pub(crate) async fn forward(
        &self,
        (permit, spent, toll): (Permit, Option<Spent>, Option<Toll>),
        mut outbound: Outbound,
        request: &Judged<'_>,
        visitor: &Visitor,
        tally: &Arc<Tally>,
    ) -> Result<Response<Answer>, Refused> {
        // Nothing of a drill goes on, whatever permitted it.
        if let Presented::Key(key, _) = request.presented
            && key.is_drill()
        {
            let Some(played) = &visitor.played else {
                return Err(self.end(tally, Problem::new(Refusal::UnknownKey, self.id)));
            };
            if played.reads(request.understood, &outbound) {
                return self.read_in_drill(permit, outbound, (request, key.id), visitor, tally).await;
            }
            let nothing = (Look::default(), Answered::default());
            let form = request.understood.id.and_then(|id| self.realm.form(id)).unwrap_or((&nothing.0, &nothing.1));
            let register = form.0.minted.is_some().then(|| rehearsing::register(self.worker, key.id));
            return Ok(rehearsing::answer(permit, played, &outbound.parts.method, form, register, tally));
        }
        let mut lesson = self.lesson(request, &outbound);
        if let Some(asked) = lesson.as_ref().filter(|_| changes(request, &outbound))
            && self.ask_whose(asked, request.presented, tally).await?
        {
            lesson = None;
        }
        let settings = &self.realm.settings;
        let headers = &mut outbound.parts.headers;
        settings.forwarding.to_upstream(headers, visitor.address.ip(), false, &settings.places);
        let authority = &self.worker.gate.authority;
        let (sought, swap) = match issued::issued(request.presented) {
            Some((key, _)) => match self.with_own_credential(headers, key) {
                Ok(credential) => {
                    let swap = issued::swap((authority, self.realm), key, request.understood, || {
                        self.pending(key.id, request.understood)
                    });
                    (issued::sought(authority, &credential), swap)
                }
                Err(refusal) => return Err(self.end(tally, Problem::new(refusal, self.id))),
            },
            None => {
                self.say_who(headers, request.presented, spent);
                (Vec::new(), None)
            }
        };
        self.prove_gate(headers);
        match &self.span {
            Some(span) => span.goes_on(headers, Timestamp::now()),
            None if settings.traces.is_some() => drop_unreadable(headers),
            None => {}
        }
        let nothing = Look::default();
        let look = request.understood.id.and_then(|id| self.realm.look(id)).unwrap_or(&nothing);
        let register = (look.minted.is_some() && swap.is_none()).then(|| self.register(request.presented));
        if register.is_some() {
            // Compressed, or in part, the answer would hide the key that it brings.
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
            headers.remove(RANGE);
            headers.remove(IF_RANGE);
        } else if look.list.is_some() && !self.worker.gate.watching.is_off() && lens::takes_identity(headers) {
            // How much goes out is counted in rows, and they are counted in what is plain and whole.
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
            headers.remove(RANGE);
            headers.remove(IF_RANGE);
        }
        let onward = Onward {
            upstream: &self.worker.upstream,
            key: key_of(request.presented),
            leaves: self.leaves(request, &outbound),
            tally,
            look,
            register: register.as_ref(),
            sought: &sought,
            swap: swap.as_ref(),
            toll,
            seat: &visitor.seat,
        };
        match forward(permit, outbound, onward).await {
            Ok(mut answer) => {
                if register.is_some() && Self::is_unread(&answer) {
                    self.notice_unread(request);
                    // What nobody sees is not narrowed: a narrowed key gets no other by it.
                    if matches!(request.presented, Presented::Key(key, _) if !key.ceilings().is_empty()) {
                        return Err(self.end(tally, Problem::new(Refusal::MintedKept, self.id)));
                    }
                }
                self.after(lesson, request.presented, answer.status(), tally).await;
                if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
                    wire::forward::to_client(answer.headers_mut(), &settings.origins);
                }
                Ok(answer)
            }
            Err(kept) => {
                self.worker.gate.counts.not_answered(kept.refusal());
                if let Some(swap) = &swap {
                    swap.pending.because(kept.why());
                }
                Err(self.end(tally, kept.problem(self.id)))
            }
        }
    }

    /// What a request leaves on its connection to the upstream.
    fn leaves(&self, request: &Judged<'_>, outbound: &Outbound) -> Leaves {
        if !outbound.has_body() {
            return Leaves::Nothing;
        }
        let method = &outbound.parts.method;
        let is_usual = !method.is_safe() && *method != Method::DELETE;
        let is_read = is_usual && request.understood.id.is_some_and(|id| self.realm.takes_body(id));
        key_of(request.presented).filter(|_| is_read).map_or(Leaves::Stray, Leaves::Body)
    }

    /// A request's headers as the API will get them, without what the gate says beside them.
    pub(crate) fn sent(&self, request: &Judged<'_>, headers: &HeaderMap) -> HeaderMap {
        let (mut headers, settings) = (headers.clone(), &self.realm.settings);
        settings.forwarding.to_upstream(&mut headers, request.peer, false, &settings.places);
        if issued::issued(request.presented).is_some() {
            // No header bears a credential in a path.
            wire::replace(&mut headers, &settings.places, &Place::Path, &Secret::new(b""));
        } else if self.worker.upstream.host_instead(headers.contains_key(HOST)).is_some() {
            headers.remove(HOST);
        }
        let look = request.understood.id.and_then(|id| self.realm.look(id));
        if look.is_some_and(|look| look.minted.is_some() || look.list.is_some()) {
            // As in `forward`: the whole answer is asked for.
            headers.remove(RANGE);
            headers.remove(IF_RANGE);
        }
        headers
    }

    /// A call of a drill that reads at the API, with the gate's own credential: the drill's key is
    /// none there. Whoever plays it gets the status, and nothing of the answer.
    async fn read_in_drill(
        &self,
        permit: Permit,
        mut outbound: Outbound,
        (request, key): (&Judged<'_>, KeyId),
        visitor: &Visitor,
        tally: &Arc<Tally>,
    ) -> Result<Response<Answer>, Refused> {
        let (settings, authority) = (&self.realm.settings, &self.worker.gate.authority);
        let headers = &mut outbound.parts.headers;
        settings.forwarding.to_upstream(headers, visitor.address.ip(), false, &settings.places);
        let Some(credential) = authority.credential() else {
            return Err(self.end(tally, Problem::new(Refusal::NoUpstreamCredential, self.id)));
        };
        issued::replace(headers, self.realm, &credential)
            .map_err(|refusal| self.end(tally, Problem::new(refusal, self.id)))?;
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        // For whoever reads the API's own log.
        if let Ok(name) = HeaderValue::try_from(key.to_string()) {
            headers.insert(GREAVE_DRILL, name);
        }
        self.prove_gate(headers);
        let list = request.understood.id.and_then(|id| self.realm.look(id)).and_then(|look| look.list.clone());
        let onward = Onward {
            upstream: &self.worker.upstream,
            key: Some(key),
            leaves: self.leaves(request, &outbound),
            tally,
            look: &Look { list, ..Look::default() },
            register: None,
            sought: &issued::sought(authority, &credential),
            swap: None,
            toll: None,
            seat: &visitor.seat,
        };
        match forward(permit, outbound, onward).await {
            Ok(answer) => Ok(rehearsing::throw_away(answer, tally).await),
            Err(kept) => Err(self.end(tally, kept.problem(self.id))),
        }
    }

    /// Tells where a credential that a call makes comes to nothing.
    fn pending(&self, key: KeyId, understood: &Understood) -> Arc<Pending> {
        let (gate, name) = (Arc::clone(&self.worker.gate), Arc::clone(&understood.name));
        Pending::new(move |why| gate.findings.of_lost_credential(key, &name, why, Timestamp::now()))
    }

    /// Says to the upstream who calls, always and with empty values where nobody is known, so
    /// that nothing a client sends can be taken for it.
    fn say_who(&self, headers: &mut HeaderMap, presented: &Presented, spent: Option<Spent>) {
        let (key, holder) = match presented {
            Presented::Key(key, _) => (Some(key.id.to_string()), key.holder().map(|holder| holder.to_string())),
            Presented::Unknown(_) | Presented::Session | Presented::Nobody => (None, None),
        };
        let approval = spent.map(|spent| spent.approval.to_string());
        for (name, value) in [(GREAVE_KEY, key), (GREAVE_HOLDER, holder), (GREAVE_APPROVAL, approval)] {
            let value = value.and_then(|value| HeaderValue::try_from(value).ok());
            headers.insert(name, value.unwrap_or(HeaderValue::from_static("")));
        }
    }

    /// What the gate says of itself to the upstream.
    fn prove_gate(&self, headers: &mut HeaderMap) {
        self.worker.gate.pseudonym.passes(headers);
        if let Some((name, value)) = &self.realm.settings.proof {
            headers.insert(name, value.clone());
        }
    }

    /// The request becomes the gate's own: who called is the gate's to know.
    fn with_own_credential(&self, headers: &mut HeaderMap, key: &Key) -> Result<Arc<Credential>, Refusal> {
        let credential = self.worker.gate.authority.credential_for(key).ok_or(Refusal::NoUpstreamCredential)?;
        issued::replace(headers, self.realm, &credential)?;
        Ok(credential)
    }

    /// What is kept of a request until its answer shows whether there is something to learn.
    fn lesson(&self, request: &Judged<'_>, outbound: &Outbound) -> Option<Lesson> {
        let shown = match request.presented {
            Presented::Unknown(shown) if shown.keepable && !request.open && !shown.beside_session => shown,
            Presented::Key(key, shown)
                if self.has_to_learn(key, shown, changes(request, outbound)) && !shown.beside_session =>
            {
                shown
            }
            _ => return None,
        };
        let asks = self.realm.settings.identify.is_some();
        Some(Lesson {
            known_by: shown.known_by,
            folded: shown.folded.clone(),
            sighting: Sighting {
                place: shown.place.to_string(),
                source: self.source,
                parent: None,
                inherits: false,
                claim: shown.claim(),
            },
            holder: shown.token.as_ref().and_then(|token| token.verified.holder.clone()),
            headers: if asks { carriers(&shown.places, &outbound.parts.headers) } else { HeaderMap::new() },
            parameter: parameter(&shown.place, request.target.query()),
        })
    }

    fn has_to_learn(&self, key: &Key, shown: &Shown, changes: bool) -> bool {
        let gate = &self.worker.gate;
        // What a key is known by is learned from its own spelling.
        if shown.respelled {
            return false;
        }
        let says = || shown.token.as_ref().is_some_and(|token| token.verified.holder.is_some());
        let asks = self.realm.settings.identify.is_some() || says();
        // What only reads does not ask again an upstream that gave no answer.
        let was_asked = || gate.was_asked(key.id).is_some_and(|answered| answered || !changes);
        gate.authority.is_stale(key, &shown.folded) || asks && key.holder().is_none() && !was_asked()
    }

    /// Asks whose the key is before its call changes something; whether it became known by that.
    async fn ask_whose(&self, lesson: &Lesson, presented: &Presented, tally: &Tally) -> Result<bool, Refused> {
        // Its issuer has said it.
        if lesson.holder.is_some() {
            return Ok(false);
        }
        let gate = &self.worker.gate;
        let known = match presented {
            Presented::Key(key, _) => Some(&**key),
            _ => None,
        };
        let may_learn = || gate.throttle.may_learn(neighbourhood(self.source), self.at);
        let learned = tally.cut().learned();
        // Few calls ask.
        let asked = Box::pin(ask_first(self.worker, lesson, known, may_learn, learned)).await;
        let Some(key) = asked.map_err(|refusal| self.end(tally, Problem::new(refusal, self.id)))? else {
            return Ok(false);
        };
        if let Presented::Unknown(shown) = presented {
            guessing::worked(gate, shown, (self.id, self.source), self.at);
        }
        // Whoever has it may have left.
        match gate.authority.refusal(key.id, Timestamp::now()) {
            Some(refusal) => Err(self.end(tally, Problem::new(refusal, self.id))),
            None => Ok(true),
        }
    }

    /// Learns from the answer, before the client has it.
    async fn after(&self, lesson: Option<Lesson>, presented: &Presented, status: StatusCode, tally: &Tally) {
        let gate = &self.worker.gate;
        let from = (self.id, self.source);
        if let Presented::Unknown(shown) = presented
            && matches!(status.as_u16(), 401 | 403)
        {
            guessing::missed(gate, shown, from, self.at);
        }
        let Some(lesson) = lesson.filter(|_| accepts(status)) else { return };
        let source = neighbourhood(self.source);
        if matches!(presented, Presented::Key(..)) || gate.throttle.may_learn(source, self.at) {
            learn_first(self.worker, lesson, tally.cut().learned().cloned()).await;
            if let Presented::Unknown(shown) = presented {
                guessing::worked(gate, shown, from, self.at);
            }
        }
    }

    /// Whether an answer should bring a key, and none can be looked for in it.
    fn is_unread(answer: &Response<Answer>) -> bool {
        let no_content = [StatusCode::NO_CONTENT, StatusCode::RESET_CONTENT].contains(&answer.status());
        answer.status().is_success() && !no_content && !lens::can_look(answer.status(), answer.headers())
    }

    fn notice_unread(&self, request: &Judged<'_>) {
        let key = key_of(request.presented);
        let name = &request.understood.name;
        let what = format!("`{name}` answered in a form that cannot be read: a key that it made is not known yet");
        self.worker.gate.findings.tell("minted-unread", Severity::High, key, what, self.at);
    }

    /// Makes the keys known that this request's answer brings.
    fn register(&self, presented: &Presented) -> Register {
        let parent = key_of(presented);
        // Where the upstream can be asked whose a key is, that is better than to guess.
        let inherits = self.realm.settings.identify.is_none();
        let (worker, source) = (Arc::clone(self.worker), self.source);
        Arc::new(move |made: Made| {
            let sighting = Sighting { place: "minted".to_owned(), source, parent, inherits, claim: None };
            let worker = Arc::clone(&worker);
            Box::pin(async move { register(&worker, made, sighting).await })
        })
    }
}

fn key_of(presented: &Presented) -> Option<KeyId> {
    match presented {
        Presented::Key(key, _) => Some(key.id),
        Presented::Unknown(_) | Presented::Session | Presented::Nobody => None,
    }
}

/// Whether a call may change something at the API, such as the name of its account.
fn changes(request: &Judged<'_>, outbound: &Outbound) -> bool {
    let powers = request.understood.powers;
    !outbound.parts.method.is_safe() || powers.iter().any(|power| !matches!(power, Power::Read | Power::Export))
}

/// Makes a key known that an answer contained.
async fn register(worker: &Worker, Made { secret, upstream }: Made, mut sighting: Sighting) -> Option<KeyId> {
    let (digest, now) = (SecretDigest::of(secret.as_bytes()), Timestamp::now());
    let meaning = worker.gate.realm.load().settings.issuers.meaning(secret.as_bytes(), &digest, None, now);
    let folded = matches!(meaning, Meaning::Other).then(|| Folded::of(secret.as_bytes())).flatten();
    let folded: Vec<Folded> = folded.into_iter().collect();
    drop(secret);
    let known_by = match meaning {
        Meaning::Other => KnownBy::Secret(digest),
        Meaning::Good(token) if !token.session => {
            sighting.claim = Some(token.claim.clone());
            token.known_by(None)
        }
        // A session, or a token for somebody else: no key of this API.
        Meaning::Good(_) | Meaning::Bad(_) => return None,
    };
    let authority = &worker.gate.authority;
    // What is known already was not made by this answer, whatever that calls it.
    let is_new = authority.recognise(known_by).is_none();
    match authority.adopt_spelled(known_by, &folded, &sighting, now).await {
        Ok(key) => {
            if let Some(upstream) = upstream.filter(|_| is_new)
                && let Err(error) = authority.name_abroad(key.id, &upstream, now).await
            {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "what the API calls a key is not written down"
                );
            }
            Some(key.id)
        }
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "a minted key cannot be written down");
            None
        }
    }
}

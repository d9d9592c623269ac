//! Holding a request while people are asked.

use std::{borrow::Cow, time::Duration};

use authority::{Answer as Answered, Ask, Digest, Exhibit, Key, NotProved, Spent, Ticket};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use jiff::Timestamp;
use law::{CallId, Challenge, Held, HolderKind, KeyFacts, Powers, Refusal, Span, neighbourhood};
use tokio::time::{sleep, timeout};
use wire::{Secret, Target};

use crate::{
    cut::BEAT,
    gate::{attempt::Understood, presented::Shown, worker::Gate},
};

/// How long a key must have come from a source before that is usual.
const USUAL: Span = Span::days(1);

/// Letters of a path, a query and a body, and of one header, that are kept for the person who is
/// asked: more than any body has that is held, so that nothing of it is beyond their reach.
const SHOWN: usize = 16 << 20;
const SHOWN_HEADER: usize = 512;

/// A request that waits.
pub(crate) struct Waiting<'a> {
    pub(crate) key: &'a Key,
    pub(crate) facts: KeyFacts,
    pub(crate) shown: &'a Shown,
    pub(crate) understood: &'a Understood,
    pub(crate) target: &'a Target,
    pub(crate) method: &'a Method,
    /// The protocol that the client wants to go on with.
    pub(crate) upgrade: Option<&'a HeaderValue>,
    pub(crate) headers: &'a HeaderMap,
    /// The headers as the API will get them, without what the gate says beside them: a person is
    /// shown no other.
    pub(crate) sent: HeaderMap,
    /// What follows the body.
    pub(crate) trailers: Option<&'a HeaderMap>,
    pub(crate) body: Bytes,
    pub(crate) source: std::net::IpAddr,
    pub(crate) call: CallId,
    /// Whether it is other than usual for its key.
    pub(crate) unusual: bool,
}

/// How waiting ended.
pub(crate) enum End {
    /// A yes was spent on this call.
    Yes(Spent),
    /// A yes to another call opened a window that covers this one.
    Covered,
    /// Nobody answered yet: the client is told how it is answered.
    NotYet(Box<Ticket>),
    /// A person said no, and that stands until then.
    Denied(Timestamp),
    /// Too much is asked already; there is room at this moment, if nobody answers before.
    Crowded(Timestamp),
    /// It does not pass.
    No(Refusal),
}

impl Waiting<'_> {
    /// Asks, and waits until somebody has answered or the client's patience is over.
    pub(crate) async fn wait(&self, gate: &Gate, challenge: &Challenge, asked: impl FnOnce(&Ticket)) -> End {
        let code = match wire::one_time_code(self.headers) {
            Ok(code) => code,
            Err(refusal) => return End::No(refusal),
        };
        let ask = match self.ask(gate, challenge) {
            Ok(ask) => ask,
            Err(refusal) => return End::No(refusal),
        };
        let mut ticket = match gate.authority.ask(&ask, || self.exhibit(), Timestamp::now()).await {
            Ok(Ok(ticket)) => ticket,
            Ok(Err(Refusal::Denied)) => {
                let until = gate.authority.view(|state| state.denied_until(&ask, Timestamp::now()));
                return until.map_or(End::No(Refusal::Denied), End::Denied);
            }
            Ok(Err(Refusal::TooManyQuestions)) => {
                return End::Crowded(gate.authority.room_at(&ask, Timestamp::now()));
            }
            Ok(Err(refusal)) => return End::No(refusal),
            Err(error) => return unavailable(&error),
        };
        asked(&ticket);
        if let Some(code) = code
            && let Err(refusal) = self.approve_by_header(gate, &ticket, &code).await
        {
            return End::No(refusal);
        }
        let waits = gate.counts.one_waits();
        let waited = timeout(self.patience(gate, &ticket), async {
            tokio::select! {
                biased;
                answer = ticket.answer() => answer,
                // Its end may have come nearer since: then it is said below.
                () = fallen(self.key) => Answered::Refused(Refusal::StepUp),
                () = gate.stopping() => Answered::Refused(Refusal::Stopping),
            }
        })
        .await;
        drop(waits);
        match waited {
            Err(_) | Ok(Answered::Refused(Refusal::StepUp)) => match self.fell(gate) {
                Some(refusal) => End::No(refusal),
                None => End::NotYet(Box::new(ticket)),
            },
            // With a "not me" the key fell as well: waiting mends nothing.
            Ok(Answered::Refused(Refusal::Denied)) if self.fell(gate).is_none() => End::Denied(ticket.until),
            Ok(Answered::Refused(refusal)) => End::No(refusal),
            Ok(Answered::Approved) => self.spend(gate, ticket).await,
            Ok(Answered::Covered) => End::Covered,
        }
    }

    async fn spend(&self, gate: &Gate, ticket: Ticket) -> End {
        // The yes is kept for the next token of the same key.
        if self.shown.token.as_ref().is_some_and(|token| Timestamp::now() >= token.verified.until) {
            return End::No(Refusal::TokenExpired);
        }
        match gate.authority.spend(ticket.challenge, self.call, Timestamp::now()).await {
            Ok(Some(spent)) => End::Yes(spent),
            // Another request of the same kind was faster, or the key fell in between.
            Ok(None) => End::No(self.fell(gate).unwrap_or(Refusal::Superseded)),
            Err(error) => unavailable(&error),
        }
    }

    /// Why the key does not work any more, if it fell while the request waited.
    fn fell(&self, gate: &Gate) -> Option<Refusal> {
        let now = Timestamp::now();
        let contained = || gate.watching.contained(self.key, self.understood.powers, self.unusual, now);
        gate.authority
            .refusal(self.key.id, now)
            .or_else(|| (contained() == law::Answer::Refuse).then_some(Refusal::Contained))
    }

    /// A code in the header answers for keys that a person holds, and for no program's: a
    /// program that has the code has the person's factor.
    async fn approve_by_header(&self, gate: &Gate, ticket: &Ticket, code: &Secret) -> Result<(), Refusal> {
        if self.key.header_closed || self.facts.kind != HolderKind::Person {
            return Err(Refusal::HeaderClosed);
        }
        // Why it is exposed: it is a one-time code, and this is where it is checked.
        let typed = str::from_utf8(code.expose()).map_err(|_| Refusal::BadHeader)?;
        match gate.authority.approve_by_header(self.key, ticket.challenge, typed, Timestamp::now()).await {
            Ok(()) => Ok(()),
            Err(NotProved::Wrong) => Err(Refusal::WrongCode),
            Err(NotProved::Wait(_)) => Err(Refusal::HeaderClosed),
            Err(NotProved::Failed(error)) => {
                tracing::error!(error = &error as &dyn std::error::Error, "a code cannot be checked");
                Err(Refusal::RecordUnavailable)
            }
        }
    }

    fn patience(&self, gate: &Gate, ticket: &Ticket) -> Duration {
        let holding = gate.realm.load().settings.holding;
        let wait = wire::wait(self.headers).unwrap_or(holding.wait).min(holding.most);
        let over = self.key.end().map_or(ticket.until, |end| end.min(ticket.until));
        wait.min(Span::between(Timestamp::now(), over)).into()
    }

    fn ask(&self, gate: &Gate, challenge: &Challenge) -> Result<Ask, Refusal> {
        let neighbourhood = neighbourhood(self.source);
        let now = Timestamp::now();
        let first = gate.book.usage(self.key.id).and_then(|usage| usage.source(neighbourhood).map(|seen| seen.first));
        let approved = gate.authority.held(self.key.id, neighbourhood, now) != Held::default();
        Ok(Ask {
            key: self.key.id,
            binding: self.binding(challenge)?,
            operation: self.understood.name.to_string(),
            powers: challenge.powers,
            missing: challenge.missing,
            source: self.source,
            known_source: first.is_some(),
            source_since: first,
            unjudged: self.understood.powers == Powers::EVERY,
            usual_source: approved || first.is_some_and(|first| Span::between(first, now) >= USUAL),
        })
    }

    /// What the answer is bound to: key, powers and what is missing, method, target, body,
    /// trailers, `Idempotency-Key`, the protocol to go on with, the whole credential and all cookies
    /// (either may name an account beside the key), and every other header that says what is
    /// wanted: a yes to a deletion in one account is none to the same deletion in another.
    ///
    /// An issuer's token counts as what it says beside its own dates and number, wherever it
    /// stands: its client may have the next one when it tries again.
    ///
    /// Which host and scheme a trusted proxy names belongs to it as well: the upstream may tell
    /// its tenants by them. The addresses on the way do not; the question has its source.
    fn binding(&self, challenge: &Challenge) -> Result<Digest, Refusal> {
        let mut bytes = b"greave binding 2\n".to_vec();
        let mut put = |part: &[u8]| {
            let part = self.without_token(part);
            bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bytes.extend_from_slice(&part);
        };
        put(self.key.id.to_string().as_bytes());
        put(self.method.as_str().as_bytes());
        put(self.target.as_sent().as_bytes());
        // Not only those that a person is asked about: a window that opens or closes meanwhile makes
        // no other question of the same request.
        put(self.understood.powers.to_string().as_bytes());
        put(challenge.missing.to_string().as_bytes());
        put(&Digest::of(&self.body).0);
        put(self.upgrade.map(HeaderValue::as_bytes).unwrap_or_default());
        for name in [header::AUTHORIZATION, header::COOKIE] {
            for value in self.headers.get_all(&name) {
                put(value.as_bytes());
            }
            put(b"");
        }
        put(wire::idempotency_key(self.headers)?.unwrap_or_default().as_bytes());
        wire::preferences(self.headers).for_each(|preference| put(preference.as_bytes()));
        put(b"");
        let mut wanted: Vec<(&HeaderName, &[u8])> = self
            .headers
            .iter()
            .filter(|(name, value)| says_what_is_wanted(name, value))
            .map(|(name, value)| (name, value.as_bytes()))
            .collect();
        wanted.sort_by_key(|(name, value)| (name.as_str(), *value));
        for (name, value) in wanted {
            put(name.as_str().as_bytes());
            put(value);
        }
        let mut trailers: Vec<_> = self.trailers().collect();
        trailers.sort_by_key(|(name, value)| (name.as_str(), value.as_bytes()));
        for (name, value) in trailers {
            put(b"trailer");
            put(name.as_str().as_bytes());
            put(value.as_bytes());
        }
        Ok(Digest::of(&bytes))
    }

    /// The trailers that reach the API: those that a header names.
    fn trailers(&self) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
        let named: Vec<&str> = self
            .sent
            .get_all(header::TRAILER)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(',').map(str::trim))
            .collect();
        self.trailers.into_iter().flatten().filter(move |(name, _)| named.contains(&name.as_str()))
    }

    /// A part of the request, with what an issuer's token says in the token's place.
    fn without_token<'a>(&self, part: &'a [u8]) -> Cow<'a, [u8]> {
        let shown = self.shown;
        let (Some(token), Some(secret)) = (&shown.token, shown.secrets.iter().find(|it| is_token(it))) else {
            return Cow::Borrowed(part);
        };
        // Why it is exposed: to be found in what the answer is bound to, and left out of it.
        let secret = secret.expose();
        let Some(place) = part.windows(secret.len()).position(|window| window == secret) else {
            return Cow::Borrowed(part);
        };
        let (before, after) = part.split_at(place);
        // No header and no target has a NUL: nothing else can be spelled like this.
        let mark = [b"\0token ", token.verified.says.as_slice(), b"\0"].concat();
        Cow::Owned([before, &mark, after.get(secret.len()..).unwrap_or_default()].concat())
    }

    fn exhibit(&self) -> Exhibit {
        let secrets: Vec<&Secret> = self.shown.secrets.iter().collect();
        let content_type = self.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let mask = |bytes: &[u8], form, most| wire::mask(bytes, form, &secrets, most);
        let query = self.target.query().as_sent();
        let headers = self
            .sent
            .iter()
            .filter(|(name, value)| says_what_is_wanted(name, value) && !self.is_usual(name, value))
            .map(|(name, value)| (name.to_string(), mask(value.as_bytes(), wire::Form::Text, SHOWN_HEADER)));
        let trailers = self
            .trailers()
            .map(|(name, value)| (format!("trailer {name}"), mask(value.as_bytes(), wire::Form::Text, SHOWN_HEADER)));
        let cookies = self.sent.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let names = cookies.flat_map(|value| value.split(';')).filter_map(|cookie| cookie.split('=').next());
        let names = names.map(str::trim).filter(|name| !name.is_empty()).collect::<Vec<_>>().join(", ");
        let cookies = (!names.is_empty()).then(|| {
            ("cookie".to_owned(), format!("{} (names only)", mask(names.as_bytes(), wire::Form::Text, SHOWN_HEADER)))
        });
        Exhibit {
            method: self.method.to_string(),
            path: mask(self.target.path().as_bytes(), wire::Form::Path, SHOWN),
            query: (!query.is_empty()).then(|| mask(query.as_bytes(), wire::Form::Form, SHOWN)),
            headers: headers.chain(trailers).chain(cookies).collect(),
            body: (!self.body.is_empty()).then(|| mask(&self.body, wire::Form::of(content_type, &self.body), SHOWN)),
            body_bytes: self.body.len() as u64,
            body_digest: (!self.body.is_empty()).then(|| Digest::of(&self.body)),
            user_agent: self
                .headers
                .get(header::USER_AGENT)
                .map(|agent| mask(agent.as_bytes(), wire::Form::Text, SHOWN_HEADER)),
        }
    }

    /// Whether a header says nothing that the rest does not say. The host is shown where it is the
    /// client's word: it may name the tenant.
    fn is_usual(&self, name: &HeaderName, value: &HeaderValue) -> bool {
        let is_told = || self.sent.get(header::HOST) == Some(value);
        [header::CONTENT_TYPE, header::CONTENT_ENCODING, header::TRAILER].contains(name)
            || *name == "x-forwarded-proto"
            || *name == "x-forwarded-host" && is_told()
    }
}

/// Waits until the key does not work any more.
async fn fallen(key: &Key) {
    while !key.has_fallen_for(true, Timestamp::now) {
        sleep(BEAT).await;
    }
}

/// Of a pair, or of user and password, only one half is the token.
fn is_token(secret: &Secret) -> bool {
    // Why it is exposed: its shape tells the token from the other half.
    factor::jwt::read(secret.expose()).is_some()
}

fn unavailable(error: &authority::Failed) -> End {
    tracing::error!(error = error as &dyn std::error::Error, "a question cannot be written down");
    End::No(Refusal::RecordUnavailable)
}

/// Whether a header belongs to what is asked for: all but those that differ from one try of
/// the same request to the next, and those that are judged elsewhere or say nothing to the
/// upstream. What `Prefer` says beside how long the client would wait, is taken by itself.
fn says_what_is_wanted(name: &HeaderName, value: &HeaderValue) -> bool {
    let elsewhere = [
        header::ACCEPT_CHARSET,
        header::ACCEPT_ENCODING,
        header::ACCEPT_LANGUAGE,
        header::AUTHORIZATION,
        header::CACHE_CONTROL,
        header::CONNECTION,
        header::CONTENT_LENGTH,
        header::COOKIE,
        header::DATE,
        header::EXPECT,
        header::FORWARDED,
        header::PRAGMA,
        header::REFERER,
        header::TE,
        header::TRANSFER_ENCODING,
        header::USER_AGENT,
        header::VIA,
    ];
    // Whole names: a header that only sounds like one of these may say what is wanted.
    let differs = [
        "amz-sdk-invocation-id",
        "amz-sdk-request",
        "b3",
        "cf-ray",
        "fly-request-id",
        "newrelic",
        "request-id",
        "sec-websocket-key",
        "sentry-trace",
        "traceparent",
        "tracestate",
        "uber-trace-id",
        "x-amz-cf-id",
        "x-amzn-trace-id",
        "x-appgw-trace-id",
        "x-arr-log-id",
        "x-azure-ref",
        "x-b3-flags",
        "x-b3-parentspanid",
        "x-b3-sampled",
        "x-b3-spanid",
        "x-b3-traceid",
        "x-client-request-id",
        "x-cloud-trace-context",
        "x-correlation-id",
        "x-datadog-origin",
        "x-datadog-parent-id",
        "x-datadog-sampling-priority",
        "x-datadog-tags",
        "x-datadog-trace-id",
        "x-envoy-attempt-count",
        "x-goog-api-client",
        "x-goog-request-id",
        "x-ms-client-request-id",
        "x-ms-correlation-request-id",
        "x-queue-start",
        "x-request-id",
        "x-request-start",
        "x-retry-attempt",
        "x-retry-count",
        "x-stainless-retry-count",
        "x-stripe-client-telemetry",
        "x-trace-id",
    ];
    let ours = ["dpop", "greave-otp", "idempotency-key", "prefer", "signature", "signature-input"];
    let text = name.as_str();
    if *name == header::ACCEPT {
        return !accepts_plainly(value);
    }
    if text == "baggage" {
        return !is_of_traces(value);
    }
    !elsewhere.contains(name)
        && !ours.contains(&text)
        && !text.starts_with("sec-fetch-")
        && !text.starts_with("sec-ch-")
        && text != "x-real-ip"
        && (!text.starts_with("x-forwarded-") || matches!(text, "x-forwarded-host" | "x-forwarded-proto"))
        && !differs.contains(&text)
}

/// Whether an `Accept` chooses among usual types only. Others choose the API's version, and with
/// that what is done.
fn accepts_plainly(value: &HeaderValue) -> bool {
    let plain = |range: &str| {
        let mut parts = range.split(';').map(str::trim);
        let media = parts.next().unwrap_or_default().to_ascii_lowercase();
        let is_weighed = parts.all(|parameter| parameter.starts_with("q=") || parameter.starts_with("Q="));
        let known = ["*/*", "application/*", "application/json", "application/problem+json", "application/xml"];
        let is_text = || {
            let named = media.strip_prefix("text/").or_else(|| media.strip_prefix("image/"));
            named.is_some_and(|name| !name.contains(['.', '+']))
        };
        is_weighed && (known.contains(&&*media) || media == "application/xhtml+xml" || is_text())
    };
    value.to_str().is_ok_and(|value| value.split(',').map(str::trim).filter(|range| !range.is_empty()).all(plain))
}

/// Whether all that is carried along is a tracer's own, and another with each try. What else is
/// carried is for the API to read, such as a tenant.
fn is_of_traces(value: &HeaderValue) -> bool {
    value.to_str().is_ok_and(|value| {
        value.split(',').map(str::trim).filter(|it| !it.is_empty()).all(|it| it.starts_with("sentry-"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_chooses_a_version_or_a_tenant_is_wanted() {
        let says = |name: HeaderName, value: &'static str| says_what_is_wanted(&name, &HeaderValue::from_static(value));
        let baggage = HeaderName::from_static("baggage");
        for (name, value) in [
            (header::ACCEPT, "application/vnd.admin+json"),
            (header::ACCEPT, "application/json, application/vnd.admin+json;q=0.1"),
            (header::ACCEPT, "application/json; version=2"),
            (header::ACCEPT, "text/vnd.v2"),
            (baggage.clone(), "tenant=b"),
            (baggage.clone(), "sentry-trace_id=1,tenant=b"),
        ] {
            assert!(says(name, value), "{value}");
        }
        for (name, value) in [
            (header::ACCEPT, "*/*"),
            (header::ACCEPT, "application/json, text/plain, */*"),
            (header::ACCEPT, "text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8"),
            (header::ACCEPT, ""),
            (baggage, "sentry-trace_id=1, sentry-sampled=true"),
        ] {
            assert!(!says(name, value), "{value}");
        }
    }

    #[test]
    fn only_headers_that_are_known_to_differ_say_nothing() {
        let value = HeaderValue::from_static("1");
        let says = |name: &'static str| says_what_is_wanted(&HeaderName::from_static(name), &value);
        for name in
            ["x-trace-account", "x-retry-as", "attempt-on", "x-request-id-of", "traceparent-org", "sdk-request-org"]
        {
            assert!(says(name), "{name}");
        }
        for name in
            ["x-organisation", "x-forwarded-host", "x-forwarded-proto", "host", "range", "sec-websocket-protocol"]
        {
            assert!(says(name), "{name}");
        }
        for name in [
            "traceparent",
            "x-request-id",
            "x-stainless-retry-count",
            "amz-sdk-request",
            "x-forwarded-for",
            "sec-fetch-mode",
            "sec-websocket-key",
            "user-agent",
            "prefer",
            "greave-otp",
        ] {
            assert!(!says(name), "{name}");
        }
    }
}

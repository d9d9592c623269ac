//! Holding a request while people are asked.

use std::time::Duration;

use authority::{Answer as Answered, Ask, Digest, Exhibit, Key, NotProved, Spent, Ticket};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use jiff::Timestamp;
use law::{CallId, Challenge, Held, HolderKind, KeyFacts, Refusal, Span, neighbourhood};
use tokio::time::timeout;
use wire::{Secret, Target};

use crate::gate::{attempt::Understood, presented::Shown, stops::Gate};

/// How long a key must have come from a source before that is usual.
const USUAL: Span = Span::days(1);

/// Letters of a body, and of one header, that a person is shown.
const SHOWN: usize = 16 * 1024;
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
    pub(crate) body: Bytes,
    pub(crate) source: std::net::IpAddr,
    pub(crate) call: CallId,
}

/// How waiting ended.
pub(crate) enum End {
    /// A yes was spent on this call.
    Yes(Spent),
    /// Nobody answered yet: the client is told how it is answered.
    NotYet(Box<Ticket>),
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
        let mut ticket = match gate.authority.ask(&ask, &self.exhibit(), Timestamp::now()).await {
            Ok(Ok(ticket)) => ticket,
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
                answer = ticket.answer() => answer,
                () = gate.stopping() => Answered::Refused(Refusal::Stopping),
            }
        })
        .await;
        drop(waits);
        match waited {
            Err(_) | Ok(Answered::Refused(Refusal::StepUp)) => End::NotYet(Box::new(ticket)),
            Ok(Answered::Refused(refusal)) => End::No(refusal),
            Ok(Answered::Approved) => self.spend(gate, ticket).await,
        }
    }

    async fn spend(&self, gate: &Gate, ticket: Ticket) -> End {
        match gate.authority.spend(ticket.challenge, self.call, Timestamp::now()).await {
            Ok(Some(spent)) => End::Yes(spent),
            // Another request of the same kind was faster, or the key fell in between.
            Ok(None) => End::No(Refusal::Superseded),
            Err(error) => unavailable(&error),
        }
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
            Err(NotProved::Wrong | NotProved::Wait(_)) => Err(Refusal::WrongCode),
            Err(NotProved::Failed(error)) => {
                tracing::error!(error = &error as &dyn std::error::Error, "a code cannot be checked");
                Err(Refusal::RecordUnavailable)
            }
        }
    }

    fn patience(&self, gate: &Gate, ticket: &Ticket) -> Duration {
        let holding = gate.realm.load().settings.holding;
        let wait = wire::wait(self.headers).unwrap_or(holding.wait).min(holding.most);
        wait.min(Span::between(Timestamp::now(), ticket.until)).into()
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
            usual_source: approved || first.is_some_and(|first| Span::between(first, now) >= USUAL),
        })
    }

    /// What the answer is bound to: key, powers and what is missing, method, target, body,
    /// `Idempotency-Key`, the protocol to go on with, the whole credential and all cookies
    /// (either may name an account beside the key), and every other header that says what is
    /// wanted: a yes to a deletion in one account is none to the same deletion in another.
    fn binding(&self, challenge: &Challenge) -> Result<Digest, Refusal> {
        let mut bytes = b"greave binding 1\n".to_vec();
        let mut put = |part: &[u8]| {
            bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bytes.extend_from_slice(part);
        };
        put(self.key.id.to_string().as_bytes());
        put(self.method.as_str().as_bytes());
        put(self.target.as_sent().as_bytes());
        put(challenge.powers.to_string().as_bytes());
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
        let mut wanted: Vec<(&HeaderName, &[u8])> = self
            .headers
            .iter()
            .filter(|(name, _)| says_what_is_wanted(name))
            .map(|(name, value)| (name, value.as_bytes()))
            .collect();
        wanted.sort_by_key(|(name, value)| (name.as_str(), *value));
        for (name, value) in wanted {
            put(name.as_str().as_bytes());
            put(value);
        }
        Ok(Digest::of(&bytes))
    }

    fn exhibit(&self) -> Exhibit {
        let secrets: Vec<&Secret> = self.shown.secrets.iter().collect();
        let content_type = self.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let mask = |bytes: &[u8], form, most| wire::mask(bytes, form, &secrets, most);
        let query = self.target.query().as_sent();
        let usual = [header::CONTENT_TYPE, header::CONTENT_ENCODING, header::HOST];
        let headers = self
            .headers
            .iter()
            .filter(|(name, _)| says_what_is_wanted(name) && !usual.contains(name))
            .map(|(name, value)| (name.to_string(), mask(value.as_bytes(), wire::Form::Text, SHOWN_HEADER)));
        let cookies = self.headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let names = cookies.flat_map(|value| value.split(';')).filter_map(|cookie| cookie.split('=').next());
        let names = names.map(str::trim).filter(|name| !name.is_empty()).collect::<Vec<_>>().join(", ");
        let cookies = (!names.is_empty()).then(|| {
            ("cookie".to_owned(), format!("{} (names only)", mask(names.as_bytes(), wire::Form::Text, SHOWN_HEADER)))
        });
        Exhibit {
            method: self.method.to_string(),
            path: mask(self.target.path().as_bytes(), wire::Form::Text, SHOWN),
            query: (!query.is_empty()).then(|| mask(query.as_bytes(), wire::Form::Form, SHOWN)),
            headers: headers.chain(cookies).collect(),
            body: (!self.body.is_empty()).then(|| mask(&self.body, wire::Form::of(content_type, &self.body), SHOWN)),
            body_bytes: self.body.len() as u64,
            user_agent: self
                .headers
                .get(header::USER_AGENT)
                .map(|agent| mask(agent.as_bytes(), wire::Form::Text, SHOWN_HEADER)),
        }
    }
}

fn unavailable(error: &authority::Failed) -> End {
    tracing::error!(error = error as &dyn std::error::Error, "a question cannot be written down");
    End::No(Refusal::RecordUnavailable)
}

/// Whether a header belongs to what is asked for: all but those that differ from one try of
/// the same request to the next, and those that are judged elsewhere.
fn says_what_is_wanted(name: &HeaderName) -> bool {
    let elsewhere = [
        header::ACCEPT,
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
    let differs = [
        "attempt",
        "correlation",
        "request-id",
        "request-start",
        "retry",
        "sentry",
        "telemetry",
        "trace",
        "user-agent",
        "invocation",
        "baggage",
        "sdk-request",
    ];
    let ours = ["dpop", "greave-otp", "idempotency-key", "prefer", "signature", "signature-input"];
    let text = name.as_str();
    !elsewhere.contains(name)
        && !ours.contains(&text)
        && !text.starts_with("x-forwarded-")
        && !text.starts_with("sec-")
        && text != "x-real-ip"
        && !differs.iter().any(|part| text.contains(part))
}

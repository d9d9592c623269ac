//! What people are told: questions, and again when nobody answers; findings; what changed.

use std::{sync::Arc, time::Duration};

use authority::{Asked, Authority, Change, Exhibit, Progress, State, Written};
use jiff::Timestamp;
use law::{ChallengeId, Finding, HolderId, HolderKind, Law, Mode, Severity, Span};
use serde_json::{Map, json};
use tell::{Kind, Notice, NoticeId, Recipient, Teller, Worker};
use tokio::{
    sync::{broadcast, mpsc, watch},
    task::JoinHandle,
};

use crate::{
    config::{Config, Mail, MailSecurity},
    house::HouseError,
    secrets::Vault,
    stop::stopped,
};

/// How often open questions are looked through for those that nobody answers.
const BEAT: Duration = Duration::from_secs(5);

/// Tells people.
pub(crate) struct Telling {
    authority: Arc<Authority>,
    teller: Teller,
    worker: Worker,
    /// The desk's origin, for links.
    desk: String,
    escalate: Span,
}

impl Telling {
    pub(crate) fn new(config: &Config, authority: Arc<Authority>) -> Result<Self, HouseError> {
        let vault = Vault::of(&config.gate.state);
        let webhook = |webhook: &crate::config::Webhook| -> Result<tell::Webhook, HouseError> {
            let secret = tell::signature::Secret::parse(&vault.text(&webhook.secret)?)
                .map_err(|error| HouseError::Setting(format!("the secret `{}`: {error}", webhook.secret)))?;
            Ok(tell::Webhook {
                url: webhook.url.clone(),
                secret,
                previous: None,
                kinds: webhook.kinds.clone(),
                danger_plain_http: webhook.danger_plain_http,
            })
        };
        let settings = tell::Settings {
            webhooks: config.tell.webhook.iter().map(webhook).collect::<Result<_, _>>()?,
            mail: config.tell.mail.as_ref().map(|told| mail(told, &vault)).transpose()?,
            ..tell::Settings::default()
        };
        let (teller, worker) = Teller::new(settings).map_err(|error| HouseError::Setting(format!("tell: {error}")))?;
        Ok(Self { authority, teller, worker, desk: config.desk(), escalate: config.tell.escalate })
    }

    /// Starts telling. It ends, after a last try, when the gate stops.
    pub(crate) fn start(self, found: mpsc::Receiver<Finding>, stopping: &watch::Receiver<bool>) -> [JoinHandle<()>; 2] {
        let Self { authority, teller, worker, desk, escalate } = self;
        let changes = authority.listen();
        let voice = Voice { authority, teller, desk, escalate };
        let telling = tokio::spawn(voice.speak(changes, found, stopping.clone()));
        [telling, tokio::spawn(worker.run(stopped(stopping.clone())))]
    }
}

fn mail(mail: &Mail, vault: &Vault) -> Result<tell::Mail, HouseError> {
    let security = match mail.security {
        MailSecurity::Tls => tell::Security::Tls,
        MailSecurity::StartTls => tell::Security::StartTls,
        MailSecurity::Plain => tell::Security::PlainOnLoopback,
    };
    let usual = match mail.security {
        MailSecurity::Tls => 465,
        MailSecurity::StartTls => 587,
        MailSecurity::Plain => 25,
    };
    let login = match (&mail.user, &mail.password) {
        (Some(user), Some(password)) => {
            Some(tell::Login { user: user.clone(), password: vault.text(password)?.trim().to_owned().into() })
        }
        _ => None,
    };
    Ok(tell::Mail {
        server: mail.server.clone(),
        port: mail.port.unwrap_or(usual),
        security,
        from: mail.from.clone(),
        login,
    })
}

/// What is told, and in which words.
struct Voice {
    authority: Arc<Authority>,
    teller: Teller,
    desk: String,
    escalate: Span,
}

impl Voice {
    async fn speak(
        self,
        mut changes: broadcast::Receiver<Arc<Written>>,
        mut found: mpsc::Receiver<Finding>,
        stopping: watch::Receiver<bool>,
    ) {
        // A restart may have come between a question and its notice: who waits is told again.
        let mut told: Vec<(ChallengeId, Timestamp)> = Vec::new();
        self.tell_open(&mut told).await;
        let mut stop = std::pin::pin!(stopped(stopping));
        loop {
            tokio::select! {
                change = changes.recv() => match change {
                    Ok(written) => self.tell_change(&written.change, &mut told).await,
                    Err(broadcast::error::RecvError::Lagged(_)) => self.tell_open(&mut told).await,
                    Err(broadcast::error::RecvError::Closed) => return,
                },
                Some(finding) = found.recv() => self.tell_finding(&finding),
                () = tokio::time::sleep(BEAT) => self.escalate(&mut told).await,
                () = &mut stop => return,
            }
        }
    }

    async fn tell_change(&self, change: &Change, told: &mut Vec<(ChallengeId, Timestamp)>) {
        match change {
            Change::Asked { id, .. } => self.ask(*id, Told::First, told).await,
            Change::Approved { challenge, .. } => self.tell_end(*challenge, Kind::ChallengeAnswered, "was approved"),
            Change::Denied { challenge, not_me } => {
                let how = if *not_me { "was not its person's; the key is disabled" } else { "was denied" };
                self.tell_end(*challenge, Kind::ChallengeDenied, how);
            }
            Change::KeyDisabled { key, why } => {
                let title = format!("key {key} is disabled: {why}");
                self.tell(Kind::KeyContained, &format!("{key}_disabled"), Severity::High, title, self.people_of(*key));
            }
            Change::KeyAdopted { id, place, source, parent, .. } => {
                let how = parent.map_or_else(String::new, |parent| format!(", minted by {parent}"));
                let title = format!("key {id} is known, first seen from {source} at {place}{how}");
                self.tell(Kind::KeyLearned, &format!("{id}_learned"), Severity::Info, title, self.people_of(*id));
            }
            Change::LawWaits { digest, weaker, .. } => {
                let title = format!("a weaker law waits for a code: {}", weaker.join(", "));
                let id = format!("law_{}", digest.to_string().get(..16).unwrap_or_default());
                self.tell(Kind::LawWaiting, &id, Severity::High, title, self.administrators());
            }
            _ => {}
        }
    }

    async fn tell_open(&self, told: &mut Vec<(ChallengeId, Timestamp)>) {
        let now = Timestamp::now();
        let open = self.authority.view(|state| {
            state
                .questions()
                .filter(|asked| asked.progress(now) == Progress::Open)
                .map(|asked| asked.id)
                .collect::<Vec<_>>()
        });
        for challenge in open {
            if !told.iter().any(|(known, _)| *known == challenge) {
                self.ask(challenge, Told::First, told).await;
            }
        }
    }

    /// Asks the deputies too, once, where nobody has answered for some minutes.
    async fn escalate(&self, told: &mut Vec<(ChallengeId, Timestamp)>) {
        let now = Timestamp::now();
        let due: Vec<ChallengeId> = told
            .extract_if(.., |(_, at)| Span::between(*at, now) >= self.escalate)
            .map(|(challenge, _)| challenge)
            .collect();
        for challenge in due {
            self.ask(challenge, Told::Again, &mut Vec::new()).await;
        }
    }

    async fn ask(&self, challenge: ChallengeId, times: Told, told: &mut Vec<(ChallengeId, Timestamp)>) {
        let now = Timestamp::now();
        let asked = self.authority.view(|state| {
            let asked = state.question(challenge).filter(|asked| asked.progress(now) == Progress::Open)?.clone();
            let key = state.key(asked.question.key)?.clone();
            let holder = key.holder.and_then(|holder| state.holder(holder)).map(|holder| holder.name.clone());
            Some((asked, key, holder.unwrap_or_default(), answerers(state, key_holder(state, challenge), times)))
        });
        let Some((asked, key, holder, to)) = asked else { return };
        let exhibit = self.authority.exhibit(challenge).await.ok().flatten().unwrap_or_default();
        let (target, link) = (target(&exhibit), format!("{}/questions/{challenge}", self.desk));
        let notice = in_words(&asked, &key, &holder, &target, &link);
        let word = if times == Told::First { "opened" } else { "escalated" };
        let Ok(id) = NoticeId::new(format!("{challenge}_{word}_{}", asked.at.as_millisecond())) else { return };
        self.teller.tell(if times == Told::First { notice.opened(id, to) } else { notice.escalated(id, to) });
        told.push((challenge, asked.at));
    }

    fn tell_end(&self, challenge: ChallengeId, kind: Kind, how: &str) {
        let to = self.authority.view(|state| answerers(state, key_holder(state, challenge), Told::Again));
        let operation = self.authority.view(|state| Some(state.question(challenge)?.question.operation.clone()));
        let title = format!("{challenge}: {} {how}", operation.unwrap_or_default());
        let id = format!("{challenge}_{}", kind.word().replace('.', "_"));
        self.tell(kind, &id, Severity::Info, title, to);
    }

    fn tell_finding(&self, finding: &Finding) {
        let what: Vec<&str> = finding.evidence().map(|evidence| evidence.what.as_str()).collect();
        tracing::warn!(rule = finding.rule, key = finding.key.map(|key| key.to_string()), "{}", what.join("; "));
        let at = finding.evidence().next().map_or(0, |evidence| evidence.at.as_millisecond());
        let key = finding.key.map_or_else(|| "none".to_owned(), |key| key.to_string());
        let Ok(id) = NoticeId::new(format!("{}_{key}_{at}", finding.rule)) else { return };
        let to = finding.key.map_or_else(|| self.administrators(), |key| self.people_of(key));
        self.teller.tell(Notice::finding(finding, id, Some(self.desk.clone()), to));
    }

    fn tell(&self, kind: Kind, id: &str, severity: Severity, title: String, to: Vec<Recipient>) {
        let at = Timestamp::now();
        let Ok(id) = NoticeId::new(format!("{id}_{}", at.as_millisecond())) else { return };
        let details = Map::from_iter([("title".to_owned(), json!(title))]);
        self.teller.tell(Notice {
            kind,
            id,
            at,
            title,
            lines: Vec::new(),
            link: Some(self.desk.clone()),
            challenge: None,
            severity,
            to,
            details,
        });
    }

    /// Those who answer for a key; administrators where nobody does.
    fn people_of(&self, key: law::KeyId) -> Vec<Recipient> {
        let people = self.authority.view(|state| {
            let holder = state.key(key).and_then(|key| key.holder);
            answerers(state, holder, Told::Again)
        });
        if people.is_empty() { self.administrators() } else { people }
    }

    fn administrators(&self) -> Vec<Recipient> {
        self.authority.view(|state| {
            state.holders().filter(|holder| holder.administrator && !holder.left).map(recipient).collect()
        })
    }
}

/// How often people were told before.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    First,
    Again,
}

/// First the one who answers before all others, later all of them.
fn answerers(state: &State, holder: Option<HolderId>, times: Told) -> Vec<Recipient> {
    let people = holder.map(|holder| state.answerers(holder)).unwrap_or_default();
    let most = if times == Told::First { 1 } else { people.len() };
    people.into_iter().take(most).filter_map(|person| state.holder(person)).map(recipient).collect()
}

fn key_holder(state: &State, challenge: ChallengeId) -> Option<HolderId> {
    state.key(state.question(challenge)?.question.key)?.holder
}

fn recipient(holder: &authority::Holder) -> Recipient {
    Recipient { name: holder.name.clone(), mail: holder.mail.clone() }
}

fn target(exhibit: &Exhibit) -> String {
    match &exhibit.query {
        Some(query) => format!("{}, with {}", exhibit.path, query.lines().collect::<Vec<_>>().join(", ")),
        None => exhibit.path.clone(),
    }
}

fn in_words<'a>(
    asked: &'a Asked,
    key: &'a authority::Key,
    holder: &'a str,
    target: &'a str,
    link: &'a str,
) -> tell::Asked<'a> {
    tell::Asked {
        challenge: asked.id,
        operation: &asked.question.operation,
        target,
        powers: asked.question.powers,
        key: Some(key.id),
        key_name: key.name.as_deref().unwrap_or_default(),
        holder,
        source: asked.question.source,
        source_known: asked.question.known_source,
        at: asked.at,
        until: asked.question.until,
        link,
    }
}

/// The powers whose guards only observe, each with its day, such as `grant until 2027-01-15`.
pub(crate) fn observing(law: &Law, now: Timestamp) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for kind in HolderKind::ALL {
        for (power, cell) in law.of(kind).iter() {
            if let Mode::ObserveUntil(day) = cell.mode
                && !cell.mode.enforces(now)
            {
                let word = format!("{power} until {day}");
                if !all.contains(&word) {
                    all.push(word);
                }
            }
        }
    }
    let days: Vec<&str> = all.iter().filter_map(|word| word.split_once(" until ")).map(|(_, day)| day).collect();
    match days.as_slice() {
        [first, rest @ ..] if all.len() == law::Power::ALL.len() && rest.iter().all(|day| day == first) => {
            vec![format!("every power until {first}")]
        }
        _ => all,
    }
}

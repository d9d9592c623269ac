//! What people are told: questions, and again when nobody answers; findings; what changed.

mod keys;
mod letter;
mod observing;
mod people;
#[cfg(test)]
mod tests;
mod ways;
mod wrong;

use std::{
    collections::HashMap,
    io::{self, ErrorKind},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use arc_swap::ArcSwap;
use authority::{Asked, Authority, Change, Digest, Exhibit, Heard, Progress, RequestRules, State, Weaker, Written};
use console::{Excerpt, Size, Told};
use jiff::{SignedDuration, Timestamp};
use law::{ChallengeId, Evidence, Finding, HolderId, HolderKind, KeyId, Law, Mode, RequestId, Severity, Span};
use serde_json::json;
use tell::{Kind, Life, Notice, NoticeId, Reached, Receipt, Recipient, Teller, Worker};
use tokio::{
    sync::{broadcast, mpsc, watch},
    task::JoinHandle,
};

pub(crate) use self::ways::settings;
use self::{letter::Letter, observing::Near, people::Known, ways::made_of};
use crate::{
    config::Config,
    drains::journal::Journal,
    drilling::Overheard,
    house::{self, HouseError},
    state::record_folder,
    stop::stopped,
};

/// How often open questions are looked through for those that nobody answers.
const BEAT: Duration = Duration::from_secs(5);

/// So long people wait for a disk that keeps findings for the drains.
const NOTING: Duration = Duration::from_secs(5);

/// So many parts of what waits are named in a notice; the desk shows all.
const NAMED: usize = 60;

/// Tells people.
pub(crate) struct Telling {
    authority: Arc<Authority>,
    teller: Teller,
    worker: Worker,
    told: Arc<Told>,
    overheard: Arc<Overheard>,
    manner: Arc<ArcSwap<Manner>>,
    /// What the ways were made of.
    made_of: Digest,
}

/// How people are told, beside on which ways.
struct Manner {
    /// The desk's origin, for links.
    desk: String,
    escalate: Span,
    /// Who may say yes to requests for keys.
    rules: RequestRules,
    /// The folder of the record.
    record: PathBuf,
}

impl Manner {
    fn of(config: &Config) -> Self {
        Self {
            desk: config.desk(),
            escalate: config.tell.escalate,
            rules: house::request_rules(config),
            record: record_folder(&config.gate.state),
        }
    }
}

/// Takes over how people are told, while the gate runs.
pub(crate) struct Retelling {
    teller: Teller,
    manner: Arc<ArcSwap<Manner>>,
    made_of: Mutex<Digest>,
}

impl Retelling {
    /// Goes by another configuration. Gives the task that carries, where the ways are others now;
    /// what waits on those before is tried once more.
    pub(crate) fn obey(
        &self,
        config: &Config,
        stopping: &watch::Receiver<bool>,
    ) -> Result<Option<JoinHandle<()>>, HouseError> {
        let (teller, worker) = Telling::ways(config)?;
        let new = made_of(config)?;
        self.manner.store(Arc::new(Manner::of(config)));
        let mut made_of = self.made_of.lock().unwrap_or_else(PoisonError::into_inner);
        if std::mem::replace(&mut *made_of, new) == new {
            return Ok(None);
        }
        self.teller.renew(&teller);
        Ok(Some(tokio::spawn(worker.run(stopped(stopping.clone())))))
    }
}

impl Telling {
    pub(crate) fn new(config: &Config, authority: Arc<Authority>, told: Arc<Told>) -> Result<Self, HouseError> {
        let (teller, worker) = Self::ways(config)?;
        Ok(Self {
            authority,
            teller,
            worker,
            told,
            overheard: Arc::default(),
            manner: Arc::new(ArcSwap::from_pointee(Manner::of(config))),
            made_of: made_of(config)?,
        })
    }

    /// The ways on which people are told, with their secrets.
    pub(crate) fn ways(config: &Config) -> Result<(Teller, Worker), HouseError> {
        Teller::new(settings(config)?).map_err(|error| HouseError::Setting(format!("tell: {error}")))
    }

    /// Tells what others have to tell.
    pub(crate) fn teller(&self) -> Teller {
        self.teller.clone()
    }

    /// By which another configuration is taken over.
    pub(crate) fn retelling(&self) -> Retelling {
        let made_of = Mutex::new(self.made_of);
        Retelling { teller: self.teller.clone(), manner: Arc::clone(&self.manner), made_of }
    }

    /// What is told of drills.
    pub(crate) fn overheard(&self) -> Arc<Overheard> {
        Arc::clone(&self.overheard)
    }

    /// Starts telling. It ends, after a last try, when the gate stops.
    pub(crate) fn start(
        self,
        (found, journal): (mpsc::Receiver<Finding>, Arc<Journal>),
        stopping: &watch::Receiver<bool>,
    ) -> [JoinHandle<()>; 2] {
        let Self { authority, teller, worker, told, overheard, manner, made_of: _ } = self;
        let listening = (authority.hear(), authority.listen());
        let (lives, known) = (Mutex::default(), Mutex::new(authority.view(Known::of)));
        let voice = Voice { authority, teller, told, overheard, manner, journal, lives, known };
        let telling = tokio::spawn(voice.speak(listening, found, stopping.clone()));
        [telling, tokio::spawn(worker.run(stopped(stopping.clone())))]
    }
}

/// What is told, and in which words.
struct Voice {
    authority: Arc<Authority>,
    teller: Teller,
    told: Arc<Told>,
    overheard: Arc<Overheard>,
    /// How long the notices of open questions are worth sending.
    lives: Mutex<HashMap<ChallengeId, Life>>,
    manner: Arc<ArcSwap<Manner>>,
    /// Where findings are kept for drains.
    journal: Arc<Journal>,
    /// How people stood before what changes.
    known: Mutex<Known>,
}

impl Voice {
    async fn speak(
        self,
        (mut heard, mut changes): (broadcast::Receiver<Heard>, broadcast::Receiver<Arc<Written>>),
        mut found: mpsc::Receiver<Finding>,
        stopping: watch::Receiver<bool>,
    ) {
        // A restart may have come between a question and its notice: who waits is told again.
        let mut told: Vec<(ChallengeId, Timestamp)> = Vec::new();
        self.tell_open(&mut told).await;
        if let Some(waiting) = self.authority.view(|state| state.waiting().cloned()) {
            self.tell_waiting(waiting.digest, &waiting.weaker);
        }
        let mut stop = std::pin::pin!(stopped(stopping));
        // Of its own: wrong codes must not put off what is due.
        let mut beat = std::pin::pin!(tokio::time::sleep(BEAT));
        let mut near = None;
        loop {
            tokio::select! {
                Ok(heard) = heard.recv() => self.tell_heard(&heard),
                change = changes.recv() => match change {
                    Ok(written) => {
                        // What is heard comes before the change that it leads to.
                        while let Ok(heard) = heard.try_recv() {
                            self.tell_heard(&heard);
                        }
                        self.tell_of_people(&written);
                        self.tell_change(&written.change, &mut told).await;
                    }
                    Err(broadcast::error::RecvError::Lagged(_)) => {
                        self.catch_up();
                        self.tell_open(&mut told).await;
                    }
                    Err(broadcast::error::RecvError::Closed) => return,
                },
                Some(finding) = found.recv() => self.tell_finding(&finding).await,
                () = &mut beat => {
                    beat.set(tokio::time::sleep(BEAT));
                    self.escalate(&mut told).await;
                    self.tell_near(&mut near);
                }
                () = &mut stop => return,
            }
        }
    }

    fn tell_heard(&self, heard: &Heard) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(letter) = self.authority.view(|state| known.hear(heard, state)) {
            self.post(letter, self.desk());
        }
    }

    /// What a change means for people's factors and rights.
    fn tell_of_people(&self, written: &Written) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(letter) = self.authority.view(|state| known.see(written, state)) {
            self.post(letter, self.desk());
        }
    }

    fn catch_up(&self) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let letters = self.authority.view(|state| known.catch_up(state));
        letters.into_iter().for_each(|letter| self.post(letter, self.desk()));
    }

    /// That observing ends soon, once for each time ahead, and again after a restart.
    fn tell_near(&self, told: &mut Option<Near>) {
        let (now, in_force) = (Timestamp::now(), self.authority.law());
        let near = Near::of(&in_force.law, now);
        let Some(near) = near.filter(|near| told.replace(*near) != Some(*near)) else { return };
        let (folder, law) = (self.manner.load().record.clone(), in_force.law.clone());
        let (teller, link, to) = (self.teller.clone(), format!("{}/law", self.desk()), self.administrators());
        // A long record must not stop whoever answers people.
        tokio::task::spawn_blocking(move || {
            let counted = console::would_have_stopped(&folder, now - SignedDuration::from_hours(7 * 24));
            if let Some(notice) = near.letter(&law, counted, now).to(to).notice_of(near.at(), link) {
                teller.tell(notice);
            }
        });
    }

    fn post(&self, letter: Letter, link: String) {
        if let Some(notice) = letter.notice(link) {
            self.teller.tell(notice);
        }
    }

    fn desk(&self) -> String {
        self.manner.load().desk.clone()
    }

    async fn tell_change(&self, change: &Change, told: &mut Vec<(ChallengeId, Timestamp)>) {
        self.end_closed();
        match change {
            Change::Asked { id, .. } => self.ask(*id, Times::First, told).await,
            Change::Approved { challenge, .. } => {
                let now = Timestamp::now();
                // Where a second person must say yes, too, the others are still asked.
                let open = |state: &State| state.question(*challenge).map(|asked| asked.progress(now));
                if self.authority.view(open) != Some(Progress::Open) {
                    self.tell_end(*challenge, Kind::ChallengeAnswered, "was approved");
                }
            }
            Change::Denied { challenge, not_me } => {
                let how = if *not_me { "was not its person's; the key is disabled" } else { "was denied" };
                self.tell_end(*challenge, Kind::ChallengeDenied, how);
            }
            Change::KeyDisabled { key, why } => self.tell_key(*key, |state| keys::disabled(state, *key, why)),
            // What is asked of a key is told by the question.
            Change::KeyContained { key, step, powers, until, why }
                if step.contains() && *powers != ::watch::FOOTHOLD =>
            {
                self.tell_key(*key, |state| keys::contained(state, *key, *step, *powers, *until, why));
            }
            Change::KeyRequested { id, person, wish, until } => {
                let to = self.approvers(*id);
                self.tell_request(*id, |state| keys::requested(state, *id, *person, wish, *until).to(to));
            }
            Change::KeyRequestGranted { id, grant } => {
                let to = self.asker(*id);
                self.tell_request(*id, |state| keys::granted(state, *id, grant).to(to));
            }
            Change::KeyRequestDenied { id, why } => {
                let to = self.asker(*id);
                self.tell_request(*id, |_| keys::denied(*id, why).to(to));
            }
            Change::KeyAdopted { id, place, source, parent, .. } => {
                let how = parent.map_or_else(String::new, |parent| format!(", minted by {parent}"));
                let title = format!("key {id} is known, first seen from {source} at {place}{how}");
                self.tell(Kind::KeyLearned, &format!("{id}_learned"), Severity::Info, title, self.people_of(*id));
            }
            Change::KeyAliveAbroad { key, why } => {
                let title =
                    format!("key {key} is revoked here, and alive at the API: {why}; `greave reconcile` tries again");
                let id = format!("{key}_alive_abroad");
                self.tell(Kind::Finding, &id, Severity::High, title, self.administrators());
            }
            Change::PostureWaits { digest, weaker, .. } => self.tell_waiting(*digest, weaker),
            Change::AuthenticatorStopped { holder, recovery_codes } => {
                let (title, to) = self.authority.view(|state| authenticator_stopped(state, *holder, *recovery_codes));
                self.tell(Kind::Finding, &format!("{holder}_stopped"), Severity::High, title, to);
            }
            Change::EnrolmentContested { holder } => {
                let name = self.authority.view(|state| state.holder(*holder).map(|holder| holder.name.clone()));
                let title = contested(&name.unwrap_or_default());
                let id = format!("{holder}_contested");
                self.tell(Kind::Finding, &id, Severity::High, title, self.administrators());
            }
            _ => {}
        }
    }

    fn tell_waiting(&self, digest: Digest, weaker: &[Weaker]) {
        let id = format!("law_{}", digest.to_string().get(..16).unwrap_or_default());
        let what = weaker.first().map_or_else(String::new, |first| format!(": {}", first.what));
        let more = if weaker.len() > 1 { format!(", and {} more", weaker.len() - 1) } else { String::new() };
        let title = format!("a weaker law waits for a code{what}{more}");
        let letter =
            Letter::new(Kind::LawWaiting, id, Severity::High, title).field("digest", json!(digest.to_string()));
        let letter = weaker_lines(letter, weaker).advice([
            "Nothing of it is in force before an administrator accepts it, as a whole:".to_owned(),
            "greave law show".to_owned(),
            "greave law accept --as NAME".to_owned(),
            "greave law refuse      # and mend the file, which still says so".to_owned(),
        ]);
        self.post(letter.to(self.administrators()), format!("{}/law", self.desk()));
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
                self.ask(challenge, Times::First, told).await;
            }
        }
    }

    /// Asks the deputies too, once, where nobody has answered for some minutes.
    async fn escalate(&self, told: &mut Vec<(ChallengeId, Timestamp)>) {
        let now = Timestamp::now();
        let due: Vec<ChallengeId> = told
            .extract_if(.., |(_, at)| Span::between(*at, now) >= self.manner.load().escalate)
            .map(|(challenge, _)| challenge)
            .collect();
        for challenge in due {
            self.ask(challenge, Times::Again, &mut Vec::new()).await;
        }
    }

    async fn ask(&self, challenge: ChallengeId, times: Times, told: &mut Vec<(ChallengeId, Timestamp)>) {
        let now = Timestamp::now();
        let asked = self.authority.view(|state| {
            let asked = state.question(challenge).filter(|asked| asked.progress(now) == Progress::Open)?.clone();
            let key = state.key(asked.question.key)?.clone();
            let holder = key.holder().and_then(|holder| state.holder(holder)).map(|holder| holder.name.clone());
            let windows = state.windows(&asked, &self.authority.law().law);
            let to = answerers(state, key_holder(state, challenge), times.people(asked.question.people()));
            Some((asked, key, holder.unwrap_or_default(), windows, to))
        });
        let Some((asked, key, holder, windows, to)) = asked else { return };
        let exhibit = self.authority.exhibit(challenge).await.ok().flatten().unwrap_or_default();
        let (target, link) = (target(&exhibit), format!("{}/questions/{challenge}", self.desk()));
        let notice = tell::Asked { windows: &windows, ..in_words(&asked, &key, &holder, &target, &link) };
        let word = if times == Times::First { "opened" } else { "escalated" };
        let Ok(id) = NoticeId::new(format!("{challenge}_{word}_{}", asked.at.as_millisecond())) else { return };
        let mut notice = if times == Times::First { notice.opened(id, to) } else { notice.escalated(id, to) };
        notice.life = Some(self.life(challenge, asked.question.until));
        let by_mail: Vec<String> =
            notice.to.iter().filter(|to| to.mail.is_some()).map(|recipient| recipient.name.clone()).collect();
        let told_of = Arc::clone(&self.told);
        notice.receipt = Some(Receipt::heard_by(move |attempt| {
            let (by, name) = attempt.to.map_or(("webhook", None), |to| ("mail", Some(to.name.as_str())));
            told_of.tried(challenge, by, name, attempt.failed, attempt.at);
        }));
        let Reached { mail, webhooks } = self.send(Some(key.id), notice);
        if webhooks == 0 && (!mail || by_mail.is_empty()) && !key.is_drill() {
            self.told.note_nobody();
        }
        self.told.note(challenge, "webhook", None, webhooks, now);
        by_mail.iter().filter(|_| mail).for_each(|name| self.told.note(challenge, "mail", Some(name), 1, now));
        told.push((challenge, asked.at));
    }

    /// The life of a question's notices.
    fn life(&self, challenge: ChallengeId, until: Timestamp) -> Life {
        let mut lives = self.lives.lock().unwrap_or_else(PoisonError::into_inner);
        lives.entry(challenge).or_insert_with(|| Life::until(until)).clone()
    }

    /// Ends the notices of questions that nobody need answer any more, however they closed.
    fn end_closed(&self) {
        let (now, mut lives) = (Timestamp::now(), self.lives.lock().unwrap_or_else(PoisonError::into_inner));
        self.authority.view(|state| {
            let open = |id| state.question(id).is_some_and(|asked| asked.progress(now) == Progress::Open);
            lives.retain(|challenge, life| {
                let open = open(*challenge);
                if !open {
                    life.end();
                }
                open
            });
        });
    }

    fn tell_end(&self, challenge: ChallengeId, kind: Kind, how: &str) {
        let to = self.authority.view(|state| answerers(state, key_holder(state, challenge), usize::MAX));
        let of = |state: &State| state.question(challenge).map(|it| (it.question.operation.clone(), it.question.key));
        let (operation, key) = self.authority.view(of).unzip();
        let title = format!("{challenge}: {} {how}", operation.unwrap_or_default());
        let id = format!("{challenge}_{}", kind.word().replace('.', "_"));
        let Some(notice) = Letter::new(kind, id, Severity::Info, title).to(to).notice(self.desk()) else { return };
        self.send(key, notice);
    }

    async fn tell_finding(&self, finding: &Finding) {
        let mut finding = self.with_canary(finding);
        // The watch's own say so already.
        if let Some(key) = finding.key.filter(|key| self.authority.view(|state| state.is_drill(*key)))
            && !finding.rule.starts_with("drill-")
        {
            self.overheard.found(key, &finding.rule);
            finding.rule.insert_str(0, "drill-");
        }
        let finding = &finding;
        // People first: the disk on which it is kept may be what they are told of.
        self.tell_people_of(finding);
        // A slow disk must not stop whoever answers people.
        let (journal, noted) = (Arc::clone(&self.journal), finding.clone());
        let noted = tokio::task::spawn_blocking(move || journal.note(&noted));
        let noted = tokio::time::timeout(NOTING, noted).await.unwrap_or_else(|_| Ok(Err(ErrorKind::TimedOut.into())));
        if let Err(error) = noted.unwrap_or_else(|error| Err(io::Error::other(error))) {
            tracing::error!(error = &error as &dyn std::error::Error, "a finding is not kept for the drains");
        }
    }

    fn tell_people_of(&self, finding: &Finding) {
        tracing::warn!(rule = finding.rule, key = finding.key.map(|key| key.to_string()), "{}", in_a_line(finding));
        let at = finding.evidence().next().map_or(0, |evidence| evidence.at.as_millisecond());
        let key = finding.key.map_or_else(|| "none".to_owned(), |key| key.to_string());
        let Ok(id) = NoticeId::new(format!("{}_{key}_{at}", finding.rule)) else { return };
        let to = finding.key.map_or_else(|| self.administrators(), |key| self.people_of(key));
        self.send(finding.key, Notice::finding(finding, id, Some(self.desk()), to));
    }

    /// A finding of a canary says which one it is, and where it lay.
    fn with_canary(&self, finding: &Finding) -> Finding {
        let named = finding.key.and_then(|key| {
            self.authority.view(|state| {
                let canary = state.canary(key)?;
                let holder = state.holder(canary.holder).map_or("nobody", |holder| holder.name.as_str());
                Some(format!("it works nowhere, and lay at {holder} as `{}`: somebody has looked there", canary.name))
            })
        });
        let at = finding.evidence().next().map_or(Timestamp::UNIX_EPOCH, |evidence| evidence.at);
        match named {
            Some(what) => finding.clone().and(Evidence { at, call: None, what }),
            None => finding.clone(),
        }
    }

    fn tell(&self, kind: Kind, id: &str, severity: Severity, title: String, to: Vec<Recipient>) {
        self.post(Letter::new(kind, id, severity, title).to(to), self.desk());
    }

    fn tell_request(&self, request: RequestId, letter: impl FnOnce(&State) -> Letter) {
        self.post(self.authority.view(letter), format!("{}/requests/{request}", self.desk()));
    }

    /// Tells whoever answers for a key of what became of it.
    fn tell_key(&self, key: KeyId, letter: impl FnOnce(&State) -> Letter) {
        let letter = self.authority.view(letter).to(self.people_of(key));
        if let Some(notice) = letter.notice(self.desk()) {
            self.send(Some(key), notice);
        }
    }

    /// Sends a notice. One of a drill says so in its first word, stands behind all that is real, and
    /// whoever plays it hears who gets it.
    fn send(&self, key: Option<KeyId>, mut notice: Notice) -> Reached {
        let drill = key.filter(|key| self.authority.view(|state| state.is_drill(*key)));
        let Some(key) = drill else { return self.teller.tell(notice) };
        notice.rehearse();
        let (of, receipt) = (notice.title.clone(), notice.receipt.get_or_insert_default().clone());
        let mailed: Vec<String> =
            notice.to.iter().filter(|to| to.mail.is_some()).map(|recipient| recipient.name.clone()).collect();
        let reached = self.teller.tell(notice);
        (0..reached.webhooks).for_each(|_| self.overheard.note(key, "webhook", None, &of, &receipt));
        let mailed = mailed.into_iter().filter(|_| reached.mail);
        mailed.for_each(|name| self.overheard.note(key, "mail", Some(name), &of, &receipt));
        reached
    }

    /// Those who answer for a key; administrators where nobody does.
    fn people_of(&self, key: law::KeyId) -> Vec<Recipient> {
        let holder = |state: &State| state.key(key).and_then(|key| key.holder()).or_else(|| state.drill_holder(key));
        self.authority.view(|state| people_of(state, holder(state)))
    }

    /// Those who may say yes to a request.
    fn approvers(&self, request: RequestId) -> Vec<Recipient> {
        self.authority.view(|state| {
            let people = state
                .request(request)
                .map(|request| state.approvers(request, &self.manner.load().rules))
                .unwrap_or_default();
            people.into_iter().filter_map(|person| state.holder(person)).map(recipient).collect()
        })
    }

    fn asker(&self, request: RequestId) -> Vec<Recipient> {
        let of = |state: &State| state.holder(state.request(request)?.by).map(recipient);
        self.authority.view(of).into_iter().collect()
    }

    fn administrators(&self) -> Vec<Recipient> {
        self.authority.view(administrators)
    }
}

/// What is weaker, from what to what, a line each.
fn weaker_lines(letter: Letter, weaker: &[Weaker]) -> Letter {
    let parts: Vec<_> = weaker.iter().take(NAMED).collect();
    let letter = letter.field("weaker", json!(parts)).field("weaker_count", json!(weaker.len()));
    let letter = parts.iter().fold(letter, |letter, Weaker { what, from, to }| {
        letter.line(what.clone()).line(format!("    from  {from}")).line(format!("    to    {to}"))
    });
    match weaker.len() - parts.len() {
        0 => letter,
        more => letter.line(format!("and {more} more, which `greave law show` has")),
    }
}

/// How often people were told before.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Times {
    First,
    Again,
}

impl Times {
    /// How many of those who answer are told: first the one who answers before all others, later
    /// all of them. Where two must say yes, any of them can be the second, and time is short.
    const fn people(self, needed: usize) -> usize {
        match self {
            Self::First if needed < 2 => 1,
            Self::First | Self::Again => usize::MAX,
        }
    }
}

fn answerers(state: &State, holder: Option<HolderId>, most: usize) -> Vec<Recipient> {
    let people = holder.map(|holder| state.answerers(holder)).unwrap_or_default();
    people.into_iter().take(most).filter_map(|person| state.holder(person)).map(recipient).collect()
}

/// Those who answer for this holder's keys; administrators where nobody does.
pub(crate) fn people_of(state: &State, holder: Option<HolderId>) -> Vec<Recipient> {
    let people = answerers(state, holder, usize::MAX);
    if people.is_empty() { administrators(state) } else { people }
}

pub(crate) fn administrators(state: &State) -> Vec<Recipient> {
    state.holders().filter(|holder| holder.administrator && !holder.left).map(recipient).collect()
}

fn key_holder(state: &State, challenge: ChallengeId) -> Option<HolderId> {
    state.key(state.question(challenge)?.question.key)?.holder()
}

fn recipient(holder: &authority::Holder) -> Recipient {
    Recipient { name: holder.name.clone(), mail: holder.mail.clone() }
}

/// Path and query; of long ones both ends, for a notice is no place for all of it.
fn target(exhibit: &Exhibit) -> String {
    let target = match &exhibit.query {
        Some(query) => format!("{}, with {}", exhibit.path, query.lines().collect::<Vec<_>>().join(", ")),
        None => exhibit.path.clone(),
    };
    let size = |letters| Size { letters, lines: usize::MAX };
    let excerpt = Excerpt::of(&target, size(1000), size(300));
    match excerpt.letters() {
        0 => target,
        more => format!("{} [{more} letters are not shown; the desk has all] {}", excerpt.begin, excerpt.end),
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
        key_name: key.name().unwrap_or_default(),
        holder,
        source: asked.question.source,
        source_known: asked.question.known_source,
        source_usual: asked.question.usual_source,
        source_since: asked.question.source_since,
        windows: &[],
        at: asked.at,
        until: asked.question.until,
        people: asked.question.people(),
        link,
    }
}

/// A finding as the gate's log says it. Whoever reads it at night must see first that a drill is none.
fn in_a_line(finding: &Finding) -> String {
    let what: Vec<&str> = finding.evidence().map(|evidence| evidence.what.as_str()).collect();
    let drill = if finding.rule.starts_with("drill-") { "DRILL " } else { "" };
    format!("{drill}{}", what.join("; "))
}

/// What the person and administrators are told when an authenticator is stopped: who did not do it
/// themselves must hear of it.
fn authenticator_stopped(state: &State, holder: HolderId, recovery_codes: bool) -> (String, Vec<Recipient>) {
    let mut to = administrators(state);
    let person = state.holder(holder).filter(|holder| !holder.administrator && !holder.left);
    to.extend(person.map(recipient));
    let name = state.holder(holder).map(|holder| holder.name.as_str()).unwrap_or_default();
    let codes = if recovery_codes { " and the recovery codes are" } else { " is" };
    let title = format!(
        "the authenticator of {name}{codes} stopped: `greave holders invite {} --as NAME` lets them enrol another",
        crate::show::word(name)
    );
    (title, to)
}

/// What administrators are told when two browsers come with one link.
fn contested(name: &str) -> String {
    let word = crate::show::word(name);
    format!(
        "a second browser came with {name}'s enrolment link: somebody else may have it; \
         `greave holders invite {word} --as NAME` makes a new one, and the old one worthless"
    )
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

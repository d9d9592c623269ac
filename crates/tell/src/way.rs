//! One way to people and its loop: take up, group, carry, try again.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, sleep_until, timeout},
};

use crate::{
    Attempt, Limits, Notice,
    group::{Addressee, Groups},
    health::{Missed, Status},
    mail, retry, webhook,
};

/// Who carries letters: the part of a way that knows a protocol.
pub(crate) enum Carrier {
    Webhook(webhook::Endpoint),
    Mail(mail::Server),
}

/// Why a letter did not arrive.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// It may arrive later; after the time that the receiver asks for, where it asks.
    Later { why: String, after: Option<Duration> },
    /// This letter never will.
    Never { why: String },
    /// Nothing will, ever again.
    Gone,
}

impl Failure {
    pub(crate) fn later(why: impl Into<String>) -> Self {
        Self::Later { why: why.into(), after: None }
    }
}

/// One way: a webhook, or the mail server.
pub(crate) struct Way {
    carrier: Carrier,
    inbox: mpsc::Receiver<Arc<Notice>>,
    /// The newest of the notices that replace each other.
    newest: watch::Receiver<Option<Arc<Notice>>>,
    status: Arc<Status>,
    limits: Limits,
    groups: Groups,
    letters: Vec<Letter>,
    /// The receiver asked to be left alone until then.
    rests_until: Option<Instant>,
}

/// One notice for one addressee.
#[derive(Clone)]
struct Letter {
    to: Addressee,
    notice: Arc<Notice>,
    /// Attempts that failed.
    attempts: u32,
    due: Instant,
}

impl Way {
    pub(crate) fn new(
        carrier: Carrier,
        (inbox, newest): (mpsc::Receiver<Arc<Notice>>, watch::Receiver<Option<Arc<Notice>>>),
        status: Arc<Status>,
        limits: Limits,
    ) -> Self {
        let per_minute = match &carrier {
            Carrier::Webhook(_) => limits.webhooks_a_minute,
            Carrier::Mail(_) => limits.mails_a_minute,
        };
        let groups = Groups::new(per_minute);
        Self { carrier, inbox, newest, status, limits, groups, letters: Vec::new(), rests_until: None }
    }

    /// Carries until told to stop, or until nobody is left who could tell; then carries what
    /// waits, for a bounded time.
    pub(crate) async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let grace = self.limits.flush;
        let mut ending = stop.clone();
        let cut = async {
            stopped(&mut ending).await;
            tokio::time::sleep(grace).await;
        };
        tokio::select! {
            () = self.work(&mut stop) => {}
            () = cut => {}
        }
        // Cut off, the inbox may still hold what nobody took up.
        self.inbox.close();
        while let Ok(notice) = self.inbox.try_recv() {
            self.take(&notice);
        }
        let left = self.waiting();
        if left > 0 {
            self.status.gave_up(left, self.asking());
            self.letters.clear();
        }
        self.status.waiting(0);
    }

    async fn work(&mut self, stop: &mut watch::Receiver<bool>) {
        loop {
            let wake = self.wake();
            tokio::select! {
                () = stopped(stop) => break,
                notice = self.inbox.recv() => match notice {
                    Some(notice) => self.take(&notice),
                    None => break,
                },
                Ok(()) = self.newest.changed() => self.replace(),
                () = until(wake) => {}
            }
            for (to, notice) in self.groups.ripe(Instant::now()) {
                self.post(to, notice);
            }
            self.status.waiting(self.waiting());
            self.carry_due(Instant::now()).await;
            self.status.waiting(self.waiting());
        }
        self.flush().await;
    }

    /// The next moment at which there is something to do without a new notice.
    fn wake(&self) -> Option<Instant> {
        let due = self.letters.iter().map(|letter| letter.due).min();
        let due = due.map(|due| self.rests_until.map_or(due, |rest| rest.max(due)));
        due.into_iter().chain(self.groups.next()).min()
    }

    /// Letters that wait and ask their reader to say yes or no.
    fn asking(&self) -> usize {
        self.letters.iter().filter(|letter| letter.notice.kind.asks()).count()
    }

    fn waiting(&self) -> usize {
        self.letters.len() + self.groups.held()
    }

    /// Takes a notice up: a letter for each addressee, now or with others of the minute.
    fn take(&mut self, notice: &Arc<Notice>) {
        for to in self.addressees(notice) {
            if let Some(notice) = self.groups.offer(&to, Arc::clone(notice), Instant::now()) {
                self.post(to, notice);
            }
        }
    }

    /// Puts the newest notice of those that replace each other in the place of the one before.
    fn replace(&mut self) {
        let Some(notice) = self.newest.borrow_and_update().clone() else { return };
        for to in self.addressees(&notice) {
            self.letters.retain(|letter| letter.notice.kind != notice.kind || letter.to != to);
            self.post(to, Arc::clone(&notice));
        }
    }

    fn addressees(&self, notice: &Notice) -> Vec<Addressee> {
        match &self.carrier {
            Carrier::Webhook(_) => vec![None],
            Carrier::Mail(_) => {
                let mut known: Vec<Addressee> = Vec::new();
                for recipient in notice.to.iter().filter(|recipient| recipient.mail.is_some()) {
                    if known.iter().flatten().all(|one| one.mail != recipient.mail) {
                        known.push(Some(recipient.clone()));
                    }
                }
                known
            }
        }
    }

    /// Puts a letter among those that wait. Where there are too many, one of the least severe
    /// gives way: the oldest of them.
    fn post(&mut self, to: Addressee, notice: Arc<Notice>) {
        if self.status.is_disabled() {
            self.status.gave_up(1, usize::from(notice.kind.asks()));
            return;
        }
        self.letters.push(Letter { to, notice, attempts: 0, due: Instant::now() });
        if self.letters.len() > self.limits.waiting.max(1) {
            let crowd = self.letters.iter().enumerate().filter(|(_, letter)| !letter.notice.kind.replaces());
            let least = crowd.min_by_key(|(_, letter)| letter.notice.severity);
            if let Some((place, _)) = least {
                let letter = self.letters.remove(place);
                self.status.miss(&letter.notice, letter.to.as_slice());
            }
        }
    }

    /// One attempt for the letter that has been due for longest, if any is.
    async fn carry_due(&mut self, now: Instant) {
        if self.rests_until.is_some_and(|rest| rest > now) {
            return;
        }
        self.rests_until = None;
        self.drop_dead();
        let due = self.letters.iter().enumerate().filter(|(_, letter)| letter.due <= now);
        if let Some((place, letter)) = due.min_by_key(|(_, letter)| letter.due) {
            let letter = letter.clone();
            // The letter stays in the list meanwhile: cut off here, it still counts as waiting.
            let result = self.attempt(&letter).await;
            self.letters.remove(place);
            self.settle(letter, result);
        }
        self.tell_missed();
    }

    /// Leaves away what is not worth sending any more: nobody should be asked what is answered.
    fn drop_dead(&mut self) {
        let now = Timestamp::now();
        self.letters.retain(|letter| letter.notice.life.as_ref().is_none_or(|life| !life.is_over(now)));
    }

    async fn attempt(&self, letter: &Letter) -> Result<(), Failure> {
        let carried = async {
            match (&self.carrier, &letter.to) {
                (Carrier::Webhook(endpoint), _) => endpoint.carry(&letter.notice).await,
                (Carrier::Mail(server), Some(to)) => server.carry(&letter.notice, to).await,
                (Carrier::Mail(_), None) => Err(Failure::Never { why: "a mail is for somebody".to_owned() }),
            }
        };
        let bound = self.limits.attempt;
        timeout(bound, carried).await.unwrap_or_else(|_| Err(Failure::later(format!("no answer within {bound:?}"))))
    }

    fn settle(&mut self, mut letter: Letter, result: Result<(), Failure>) {
        let now = Timestamp::now();
        letter.note(now, &result);
        match result {
            Ok(()) => self.status.delivered(letter.notice.kind, now),
            Err(Failure::Gone) => {
                self.status.disabled(now);
                self.status.gave_up(self.letters.len() + 1, self.asking() + usize::from(letter.notice.kind.asks()));
                self.letters.clear();
            }
            Err(Failure::Never { why }) => {
                self.status.failed(now, &why);
                self.status.gave_up(1, usize::from(letter.notice.kind.asks()));
            }
            Err(Failure::Later { why, after }) => {
                self.status.failed(now, &why);
                letter.attempts += 1;
                if let Some(after) = after {
                    self.rests_until = Some(Instant::now() + after);
                }
                if letter.attempts >= self.limits.attempts && !letter.notice.kind.replaces() {
                    self.status.gave_up(1, usize::from(letter.notice.kind.asks()));
                    return;
                }
                letter.due = Instant::now() + retry::backoff(letter.attempts, letter.notice.id.as_str());
                self.letters.push(letter);
            }
        }
    }

    /// Says that notices were missed, once there is room again to say it.
    fn tell_missed(&mut self) {
        if self.letters.len() > self.limits.waiting / 2 {
            return;
        }
        if let Some(Missed { count, severity, to }) = self.status.take_missed() {
            self.take(&Arc::new(Notice::missed(count, severity, to, Timestamp::now())));
        }
    }

    /// The end: everything that waits gets one more attempt, the gravest first, until the
    /// receiver asks for rest or [`Way::run`] cuts it off.
    async fn flush(&mut self) {
        self.inbox.close();
        while let Some(notice) = self.inbox.recv().await {
            self.take(&notice);
        }
        if self.newest.has_changed().unwrap_or(true) {
            self.replace();
        }
        self.tell_missed();
        for (to, notice) in self.groups.drain() {
            self.post(to, notice);
        }
        self.drop_dead();
        self.letters.sort_by_key(|letter| std::cmp::Reverse(letter.notice.severity));
        while self.rests_until.is_none_or(|rest| rest <= Instant::now()) {
            let Some(letter) = self.letters.first().cloned() else { return };
            let result = self.attempt(&letter).await;
            self.letters.remove(0);
            match result {
                Err(Failure::Later { why, after }) => {
                    self.status.failed(Timestamp::now(), &why);
                    self.status.gave_up(1, usize::from(letter.notice.kind.asks()));
                    self.rests_until = after.map(|after| Instant::now() + after);
                }
                other => self.settle(letter, other),
            }
        }
    }
}

impl Letter {
    /// Says what became of an attempt to whoever must know.
    fn note(&self, at: Timestamp, result: &Result<(), Failure>) {
        let failed = match result {
            Ok(()) => None,
            Err(Failure::Later { why, .. } | Failure::Never { why }) => Some(why.as_str()),
            Err(Failure::Gone) => Some("the receiver says that it is gone"),
        };
        if let Some(receipt) = &self.notice.receipt {
            receipt.note(&Attempt { to: self.to.as_ref(), at, failed });
        }
    }
}

async fn until(wake: Option<Instant>) {
    match wake {
        Some(wake) => sleep_until(wake).await,
        None => std::future::pending().await,
    }
}

/// Returns when it is time to stop, also when the one who would say so is gone.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

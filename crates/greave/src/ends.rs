//! The ends of keys: their people are warned, a key in use goes on where nobody could be, and
//! what has ended stays so.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use authority::{Authority, Change, Ending, Failed, Key, Lifetimes, Next, Warnings};
use jiff::{SignedDuration, Timestamp};
use law::{KeyId, Severity, Span, Standing};
use record::{Book, LastUse};
use serde_json::{Map, Value, json};
use tell::{Kind, Notice, NoticeId, Receipt, Recipient, Teller};
use tokio::sync::watch;

use crate::{
    show::{self, ago, ahead, moment},
    stop::stopped,
    telling,
};

/// How often ends are looked at.
const BEAT: Duration = Duration::from_mins(1);

/// Ends are decided before they come, so that a key in use that goes on is refused at no moment.
const EARLY: Span = Span::minutes(2);

/// One message tells of what is due within a day: nobody gets one for each key.
const AHEAD: Span = Span::days(1);

/// What did not arrive is told again after so long; the ways to people try by themselves meanwhile.
const AGAIN: SignedDuration = SignedDuration::from_hours(24);

/// What ended before that was looked at, and cannot have come back.
const PAST: SignedDuration = SignedDuration::from_hours(24 * 8);

/// One message tells of so many keys.
const KEYS: usize = 40;

/// Watches the ends of keys.
pub(crate) struct Ends {
    authority: Arc<Authority>,
    book: Arc<Book>,
    teller: Teller,
    /// The desk's origin, for links.
    desk: String,
    warnings: ArcSwap<Warnings>,
    sent: Mutex<Vec<Sent>>,
    looked: AtomicBool,
}

/// A warning that is on its way.
struct Sent {
    ends: Vec<(KeyId, Timestamp, Span)>,
    at: Timestamp,
    receipt: Receipt,
}

/// A key whose end is near or has come.
struct Near {
    key: Arc<Key>,
    end: Timestamp,
    holder: Option<String>,
    people: Vec<Recipient>,
    /// It, and the keys that fall with it.
    line: Vec<KeyId>,
}

/// A warning to be given.
struct Due<'a> {
    near: &'a Near,
    before: Span,
    used: Option<LastUse>,
    /// Due now, and not only within a day.
    now: bool,
}

impl Ends {
    pub(crate) fn new(
        warnings: Warnings,
        desk: String,
        authority: Arc<Authority>,
        book: Arc<Book>,
        teller: Teller,
    ) -> Self {
        let warnings = ArcSwap::from_pointee(warnings);
        Self { authority, book, teller, desk, warnings, sent: Mutex::default(), looked: AtomicBool::new(false) }
    }

    /// Warns like this from now on.
    pub(crate) fn warn_by(&self, warnings: Warnings) {
        self.warnings.store(Arc::new(warnings));
    }

    /// Looks again and again, until the gate stops.
    pub(crate) async fn watch(self: Arc<Self>, stopping: watch::Receiver<bool>) {
        let mut stop = std::pin::pin!(stopped(stopping));
        loop {
            let lifetimes = self.authority.view(authority::State::lifetimes);
            self.look(lifetimes, Timestamp::now()).await;
            tokio::select! {
                () = tokio::time::sleep(BEAT) => {}
                () = &mut stop => return,
            }
        }
    }

    /// Looks once, at the ends as they are if keys live by this.
    pub(crate) async fn look(&self, lifetimes: Lifetimes, now: Timestamp) {
        if let Err(error) = self.try_look(lifetimes, now).await {
            tracing::error!(error = &error as &dyn std::error::Error, "the ends of keys cannot be written down");
        }
    }

    async fn try_look(&self, lifetimes: Lifetimes, now: Timestamp) -> Result<(), Failed> {
        // Before, a key could look less used than it is.
        if !self.book.usage_is_complete() {
            return Ok(());
        }
        // First, so that nobody is told again what has just arrived.
        self.authority.note_all(self.delivered(now), now).await?;
        let warnings = self.warnings.load_full();
        let near = self.near(&warnings, lifetimes, now);
        let mut changes = Vec::new();
        let (mut due, mut put_off, mut over) = (Vec::new(), Vec::new(), Vec::new());
        for near in &near {
            let Near { key, end, .. } = near;
            let used = near.line.iter().filter_map(|key| self.book.usage(*key)?.last).max_by_key(|last| last.at);
            let told = if key.end() == Some(*end) { key.warned() } else { &[] };
            let ending = Ending {
                born: key.born(),
                end: *end,
                used: used.as_ref().map(|used| used.at),
                warned: told,
                over: key.is_over(),
            };
            match warnings.next(&ending, now, AHEAD, EARLY) {
                Next::Nothing => {}
                Next::Warn(before) => {
                    let now = matches!(warnings.next(&ending, now, Span::seconds(0), EARLY), Next::Warn(_));
                    due.push(Due { near, before, used, now });
                }
                Next::PutOff(until) => {
                    changes.push(Change::KeyEndPutOff { key: key.id, until });
                    put_off.push((near, until));
                }
                Next::Note => {
                    changes.push(Change::KeyEnded { key: key.id, end: *end });
                    over.push(near);
                }
            }
        }
        self.authority.note_all(changes, now).await?;
        self.looked.store(true, Ordering::Release);
        put_off.into_iter().for_each(|(near, until)| self.tell_put_off(near, until, now));
        over.into_iter().for_each(|near| self.tell_over(near, now));
        self.warn(due, now);
        Ok(())
    }

    /// The keys that work and whose ends are near or have come.
    fn near(&self, warnings: &Warnings, lifetimes: Lifetimes, now: Timestamp) -> Vec<Near> {
        let furthest = warnings.distances().last().copied().unwrap_or(EARLY);
        let until = after(after(now, furthest), AHEAD);
        self.authority.view(|state| {
            let same = state.lifetimes() == lifetimes;
            let since = if same && self.looked.load(Ordering::Acquire) {
                now.checked_sub(PAST).unwrap_or(Timestamp::MIN)
            } else {
                Timestamp::MIN
            };
            // Of one that retires a person said when, and somebody uses the other one.
            let active = state.keys().filter(|key| key.standing == Standing::Active);
            let near = active.filter_map(|key| {
                let end = if same { key.end() } else { state.end_under(key, lifetimes) }?;
                (since..=until).contains(&end).then_some((key, end))
            });
            near.map(|(key, end)| Near {
                key: Arc::clone(key),
                end,
                holder: key.holder().and_then(|holder| state.holder(holder)).map(|holder| holder.name.clone()),
                people: telling::people_of(state, key.holder()),
                line: state.line_of(key.id),
            })
            .collect()
        })
    }

    /// What arrived since the last look; what did not arrive in time is forgotten, and told again.
    fn delivered(&self, now: Timestamp) -> Vec<Change> {
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        let arrived: Vec<Sent> = sent.extract_if(.., |sent| sent.receipt.is_given()).collect();
        sent.retain(|sent| sent.at.saturating_add(AGAIN).is_ok_and(|again| again > now));
        let ends = arrived.into_iter().flat_map(|sent| sent.ends);
        ends.map(|(key, end, before)| Change::KeyWarned { key, end, before }).collect()
    }

    fn is_on_its_way(&self, due: &Due<'_>) -> bool {
        let sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        let end = (due.near.key.id, due.near.end, due.before);
        sent.iter().any(|sent| sent.ends.contains(&end))
    }

    /// One message for the same people, if anything is due now.
    fn warn(&self, due: Vec<Due<'_>>, now: Timestamp) {
        let mut groups: BTreeMap<Vec<&str>, Vec<Due<'_>>> = BTreeMap::new();
        for due in due.into_iter().filter(|due| !self.is_on_its_way(due)) {
            let people = due.near.people.iter().map(|person| person.name.as_str()).collect();
            groups.entry(people).or_default().push(due);
        }
        for mut group in groups.into_values().filter(|group| group.iter().any(|due| due.now)) {
            group.sort_by_key(|due| due.near.end);
            group.chunks(KEYS).for_each(|part| self.tell_warning(part, now));
        }
    }

    fn tell_warning(&self, part: &[Due<'_>], now: Timestamp) {
        let Some(first) = part.first() else { return };
        let (name, when) = (first.near.name(), ahead(first.near.end, now));
        let title = match part.len() {
            1 => format!("{name} ends {when}"),
            count => format!("{count} keys end, the first {when}: {name}"),
        };
        let mut lines: Vec<String> = part.iter().map(|due| due.line(now)).collect();
        lines.push(String::new());
        if part.iter().any(|due| due.near.key.issued().is_some()) {
            lines.push("`greave keys retire KEY --as NAME` makes an issued key's successor.".to_owned());
        }
        if part.iter().any(|due| due.near.key.issued().is_none()) {
            lines.push("Of a key that the API made, make another one there and put it in its place.".to_owned());
        }
        lines.push("`greave keys change KEY --for 30d --as NAME` gives it more time.".to_owned());
        let keys = part.iter().map(|due| due.json()).collect();
        let receipt = Receipt::default();
        let ends = part.iter().map(|due| (due.near.key.id, due.near.end, due.before)).collect();
        let soon = part.iter().any(|due| due.before <= Span::days(1));
        let severity = if soon { Severity::High } else { Severity::Warning };
        self.tell(severity, first.near, title, (lines, keys), now, Some(receipt.clone()));
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).push(Sent { ends, at: now, receipt });
    }

    fn tell_put_off(&self, near: &Near, until: Timestamp, now: Timestamp) {
        let title = format!(
            "{} goes on until {} UTC: it is in use, and nobody could be warned of its end at {} UTC",
            near.name(),
            moment(until),
            moment(near.end)
        );
        tracing::warn!(key = %near.key.id, "{title}");
        let lines = vec![
            "Warnings count when a webhook or a mail server has taken them: see `[tell]` of the configuration."
                .to_owned(),
            format!("`greave keys disable {}` stops it now.", near.key.id),
        ];
        self.tell(Severity::High, near, title, (lines, vec![near.json()]), now, None);
    }

    fn tell_over(&self, near: &Near, now: Timestamp) {
        let title = format!("{} has ended", near.name());
        self.tell(Severity::Info, near, title, (Vec::new(), vec![near.json()]), now, None);
    }

    fn tell(
        &self,
        severity: Severity,
        near: &Near,
        title: String,
        (lines, keys): (Vec<String>, Vec<Value>),
        at: Timestamp,
        receipt: Option<Receipt>,
    ) {
        let Ok(id) = NoticeId::new(format!("{}_ends_{}", near.key.id, at.as_millisecond())) else { return };
        self.teller.tell(Notice {
            kind: Kind::KeyEnding,
            id,
            at,
            title,
            lines,
            link: Some(self.desk.clone()),
            challenge: None,
            severity,
            to: near.people.clone(),
            details: Map::from_iter([("keys".to_owned(), Value::Array(keys))]),
            life: None,
            receipt,
        });
    }
}

impl Near {
    fn name(&self) -> String {
        show::key(self.key.id, self.key.name(), self.holder.as_deref())
    }

    fn json(&self) -> Value {
        json!({ "key": self.key.id, "name": self.key.name(), "holder": self.holder, "end": self.end })
    }
}

impl Due<'_> {
    fn line(&self, now: Timestamp) -> String {
        let used = self.used.as_ref().map_or_else(
            || "it has not been used".to_owned(),
            |used| {
                let agent = used.user_agent.as_deref().map_or_else(String::new, |agent| format!(" as {agent}"));
                format!("last used {} from {}{agent}", ago(used.at, now), used.source.address())
            },
        );
        let Near { end, .. } = self.near;
        format!("- {} ends {} UTC, {}; {used}", self.near.name(), moment(*end), ahead(*end, now))
    }

    fn json(&self) -> Value {
        let mut json = self.near.json();
        if let Some(json) = json.as_object_mut() {
            json.insert("last_used".to_owned(), json!(self.used.as_ref().map(|used| used.at)));
        }
        json
    }
}

fn after(moment: Timestamp, span: Span) -> Timestamp {
    moment.saturating_add(SignedDuration::from(span)).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;

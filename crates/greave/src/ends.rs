//! The ends of keys: their people are warned, a key in use goes on where nobody could be, and
//! what has ended stays so.

use std::{
    collections::{BTreeMap, HashSet},
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
use tell::{Kind, Notice, NoticeId, Receipt, Recipient, Teller, foreign};
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
    desk: ArcSwap<String>,
    warnings: ArcSwap<Warnings>,
    sent: Mutex<Vec<Sent>>,
    looking: tokio::sync::Mutex<()>,
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
        let (warnings, desk) = (ArcSwap::from_pointee(warnings), ArcSwap::from_pointee(desk));
        let (sent, looking, looked) = (Mutex::default(), tokio::sync::Mutex::default(), AtomicBool::new(false));
        Self { authority, book, teller, desk, warnings, sent, looking, looked }
    }

    /// Warns like this from now on.
    pub(crate) fn warn_by(&self, warnings: Warnings, desk: String) {
        self.desk.store(Arc::new(desk));
        self.warnings.store(Arc::new(warnings));
    }

    /// Looks again and again, until the gate stops.
    pub(crate) async fn watch(self: Arc<Self>, stopping: watch::Receiver<bool>) {
        let mut stop = std::pin::pin!(stopped(stopping));
        loop {
            let lifetimes = self.authority.view(authority::State::lifetimes);
            let now = Timestamp::now();
            if let Err(error) = self.authority.note_enforcing(now).await {
                tracing::error!(error = &error as &dyn std::error::Error, "that guards bind cannot be written down");
            }
            self.look(lifetimes, now).await;
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
        // Two looks at once would tell twice.
        let _looking = self.looking.lock().await;
        // First, so that nobody is told again what has just arrived.
        self.authority.note_all(self.delivered(now), now).await?;
        let warnings = self.warnings.load_full();
        let near = self.near(&warnings, lifetimes, now);
        let (mut due, mut put_off, mut over) = (Vec::new(), Vec::new(), Vec::new());
        for near in &near {
            let Near { key, end, .. } = near;
            let used = near.line.iter().filter_map(|key| self.book.usage(*key)?.last).max_by_key(|last| last.at);
            let ending = Ending {
                since: key.end_known_since(),
                end: *end,
                used: used.as_ref().map(|used| used.at),
                warned: if key.end() == Some(*end) { key.warned() } else { &[] },
                over: key.is_over(*end),
            };
            match warnings.next(&ending, now, AHEAD, EARLY) {
                Next::Nothing => {}
                Next::Warn(before) => {
                    let now = matches!(warnings.next(&ending, now, Span::seconds(0), EARLY), Next::Warn(_));
                    due.push(Due { near, before, used, now });
                }
                Next::PutOff(until) => put_off.push((near, until)),
                Next::Note => over.push(near),
            }
        }
        let with: HashSet<KeyId> = put_off.iter().map(|(near, _)| near.key.id).collect();
        let mut decided = Vec::new();
        put_off.retain(|(near, until)| {
            let changes = self.authority.view(|state| state.put_off(near.key.id, *until, &with, lifetimes));
            // It ends with a key above it.
            if changes.is_none() && near.end <= now {
                over.push(near);
            }
            decided.extend(changes.iter().map(|changes| (near.key.id, near.end, changes.clone())));
            changes.is_some()
        });
        let noted = |near: &&Near| vec![Change::KeyEnded { key: near.key.id, end: near.end }];
        over.retain(|near| !near.key.is_over(near.end));
        decided.extend(over.iter().map(|near| (near.key.id, near.end, noted(near))));
        let holds = self.authority.note_ends(decided, lifetimes, now).await?;
        self.looked.store(true, Ordering::Release);
        put_off.retain(|(near, _)| holds.contains(&near.key.id));
        over.retain(|near| holds.contains(&near.key.id));
        grouped(put_off, |(near, _)| near).into_iter().for_each(|part| self.tell_put_off(&part, now));
        grouped(over, |near| near).into_iter().for_each(|part| self.tell_over(&part, now));
        self.warn(due, now);
        Ok(())
    }

    /// The keys that work and whose ends are near or have come.
    fn near(&self, warnings: &Warnings, lifetimes: Lifetimes, now: Timestamp) -> Vec<Near> {
        let furthest = warnings.distances().last().copied().unwrap_or(EARLY);
        let until = AHEAD.after(furthest.after(now));
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
                line: state.line_below(key.id),
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
        // Somebody may have named another end meanwhile.
        let stands = |(key, end, _): &(KeyId, Timestamp, Span)| {
            self.authority.view(|state| state.key(*key)?.end()) == Some(*end)
        };
        ends.filter(stands).map(|(key, end, before)| Change::KeyWarned { key, end, before }).collect()
    }

    /// What is on its way to people.
    fn on_their_way(&self) -> HashSet<(KeyId, Timestamp, Span)> {
        let sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        sent.iter().flat_map(|sent| sent.ends.iter().copied()).collect()
    }

    /// One message for the same people, if anything is due now.
    fn warn(&self, mut due: Vec<Due<'_>>, now: Timestamp) {
        let sent = self.on_their_way();
        due.retain(|due| !sent.contains(&(due.near.key.id, due.near.end, due.before)));
        due.sort_by_key(|due| due.near.end);
        for part in grouped(due, |due| due.near) {
            if part.iter().any(|due| due.now) {
                self.tell_warning(&part, now);
            }
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

    fn tell_put_off(&self, part: &[(&Near, Timestamp)], now: Timestamp) {
        let Some((first, until)) = part.first() else { return };
        let title = match part.len() {
            1 => format!(
                "{} goes on until {} UTC beyond its end: it is in use, and nobody could be warned",
                first.name(),
                moment(*until)
            ),
            count => format!("{count} keys go on beyond their ends: they are in use, and nobody could be warned"),
        };
        tracing::warn!(key = %first.key.id, "{title}");
        let told = |(near, until): &(&Near, Timestamp)| {
            format!(
                "- {} would have ended at {} UTC, and goes on until {} UTC",
                near.name(),
                moment(near.end),
                moment(*until)
            )
        };
        let mut lines: Vec<String> = part.iter().map(told).collect();
        lines.push(String::new());
        lines.push(
            "Warnings count when a webhook or a mail server has taken them: see `[tell]` of the configuration."
                .to_owned(),
        );
        lines.push("`greave keys disable KEY` stops one now.".to_owned());
        let keys = part.iter().map(|(near, _)| near.json()).collect();
        self.tell(Severity::High, first, title, (lines, keys), now, None);
    }

    fn tell_over(&self, part: &[&Near], now: Timestamp) {
        let Some(first) = part.first() else { return };
        let title = match part.len() {
            1 => format!("{} has ended", first.name()),
            count => format!("{count} keys have ended, among them {}", first.name()),
        };
        let lines = part.iter().map(|near| format!("- {}", near.name())).collect();
        self.tell(Severity::Info, first, title, (lines, part.iter().map(|near| near.json()).collect()), now, None);
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
            link: Some(String::clone(&self.desk.load())),
            challenge: None,
            severity,
            to: near.people.clone(),
            details: Map::from_iter([("keys".to_owned(), Value::Array(keys))]),
            life: None,
            receipt,
        });
    }
}

/// What is to be told to the same people, in parts that one message can tell.
fn grouped<T>(all: Vec<T>, near: impl Fn(&T) -> &Near) -> Vec<Vec<T>> {
    let mut groups: BTreeMap<Vec<String>, Vec<Vec<T>>> = BTreeMap::new();
    for one in all {
        let people = near(&one).people.iter().map(|person| person.name.clone()).collect();
        let parts = groups.entry(people).or_default();
        match parts.last_mut() {
            Some(part) if part.len() < KEYS => part.push(one),
            _ => parts.push(vec![one]),
        }
    }
    groups.into_values().flatten().collect()
}

impl Near {
    fn name(&self) -> String {
        foreign(&show::key(self.key.id, self.key.name(), self.holder.as_deref()))
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
                let agent =
                    used.user_agent.as_deref().map_or_else(String::new, |agent| format!(" as {}", foreign(agent)));
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

#[cfg(test)]
mod tests;

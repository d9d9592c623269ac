//! CloudTrail: what keys really did, as its files (`{"Records":[…]}`) or as one event a line.
//!
//! Read as a stream: what is kept is bounded by the number of keys, not of events.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
    io::{self, BufRead},
};

use law::Powers;
use serde::Deserialize;
use serde_json::Value;

use super::{actions::Actions, details::account_of};
use crate::{
    estate::{Estate, Ix, Log, Moment, Place, Seen, Standing},
    input::Trouble,
    moment,
};

/// So many different actions are kept of a key; beyond that its use is only counted.
const ACTIONS: usize = 1000;
const SOURCES: usize = 16;
/// So many keys are kept; a log that names more is not one of this world.
const KEYS: usize = 200_000;
/// One event is at most 256 KiB; what is longer is none.
const LONGEST: usize = 1 << 20;

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow, rename = "eventTime")]
    time: Cow<'a, str>,
    #[serde(borrow, rename = "eventSource")]
    source: Cow<'a, str>,
    #[serde(borrow, rename = "eventName")]
    name: Cow<'a, str>,
    #[serde(borrow, default, rename = "sourceIPAddress")]
    address: Option<Cow<'a, str>>,
    #[serde(borrow, default, rename = "errorCode")]
    error: Option<Cow<'a, str>>,
    #[serde(borrow, default, rename = "userIdentity")]
    identity: Option<Identity<'a>>,
}

#[derive(Deserialize)]
struct Identity<'a> {
    #[serde(borrow, default)]
    arn: Option<Cow<'a, str>>,
    #[serde(borrow, default, rename = "accessKeyId")]
    key: Option<Cow<'a, str>>,
}

/// What is gathered of one key.
#[derive(Default)]
struct Used {
    arn: String,
    first: String,
    last: String,
    calls: u64,
    denied: u64,
    actions: HashMap<String, u64>,
    sources: HashSet<String>,
    made: Vec<String>,
}

/// Everything that the trails show.
#[derive(Default)]
pub(super) struct Trail {
    used: HashMap<String, Used>,
    from: String,
    to: String,
    events: u64,
    place: Option<Place>,
}

/// Whether a line, or the first record of a file, is an event.
pub(super) fn recognise(value: &Value) -> bool {
    ["eventTime", "eventSource", "eventName"].iter().all(|name| value.get(name).is_some_and(Value::is_string))
}

impl Trail {
    /// Reads a file of records as it comes.
    pub(super) fn records(&mut self, file: &str, source: impl BufRead, estate: &mut Estate) -> String {
        let before = self.events;
        let mut broken = 0_u64;
        let end = objects(source, |bytes| broken += u64::from(!self.event(file, bytes)));
        if let Err(error) = end {
            estate.troubles.push(Trouble::of(file, format!("is cut off: {error}; what came before was read")));
        }
        self.told(file, before, broken, estate)
    }

    /// Reads one event a line; the first is at hand.
    pub(super) fn lines(&mut self, file: &str, first: &Value, mut source: impl BufRead, estate: &mut Estate) -> String {
        let before = self.events;
        let mut broken = u64::from(!self.event(file, first.to_string().as_bytes()));
        let mut line = Vec::new();
        loop {
            line.clear();
            match source.read_until(b'\n', &mut line) {
                Ok(0) => break,
                Ok(_) if line.iter().all(u8::is_ascii_whitespace) => {}
                Ok(_) => broken += u64::from(!self.event(file, &line)),
                Err(error) => {
                    estate.troubles.push(Trouble::of(file, format!("is cut off: {error}; what came before was read")));
                    break;
                }
            }
        }
        self.told(file, before, broken, estate)
    }

    fn told(&self, file: &str, before: u64, broken: u64, estate: &mut Estate) -> String {
        if broken > 0 {
            estate
                .troubles
                .push(Trouble::of(file, format!("{broken} records are no events that can be read; they are left out")));
        }
        format!("{} events", self.events - before)
    }

    fn event(&mut self, file: &str, bytes: &[u8]) -> bool {
        let Ok(event) = serde_json::from_slice::<Event<'_>>(bytes) else { return false };
        self.events += 1;
        self.place.get_or_insert_with(|| Place { file: file.to_owned(), line: None });
        reach_out(&mut self.from, &mut self.to, &event.time);
        let Some(identity) = event.identity else { return true };
        // A long-term key; what begins with ASIA is a session and tells of its own second factor.
        let (Some(key), Some(arn)) = (identity.key.filter(|key| key.starts_with("AKIA")), identity.arn) else {
            return true;
        };
        if !self.used.contains_key(&*key) && self.used.len() >= KEYS {
            return true;
        }
        let used = self.used.entry(key.into_owned()).or_default();
        if used.arn.is_empty() {
            used.arn = arn.into_owned();
        }
        reach_out(&mut used.first, &mut used.last, &event.time);
        used.calls += 1;
        if let Some(address) = event.address
            && used.sources.len() < SOURCES
            && !used.sources.contains(&*address)
        {
            used.sources.insert(address.into_owned());
        }
        if event.error.is_some() {
            used.denied += 1;
            return true;
        }
        let action = action(&event.source, &event.name);
        if event.name == "CreateAccessKey"
            && let Ok(whole) = serde_json::from_slice::<Value>(bytes)
            && let Some(made) = whole.pointer("/responseElements/accessKey")
        {
            let of = |name: &str| made.get(name).and_then(Value::as_str).unwrap_or("?").to_owned();
            used.made.push(format!("{} of {}", of("accessKeyId"), of("userName")));
        }
        if let Some(times) = used.actions.get_mut(&action) {
            *times += 1;
        } else if used.actions.len() < ACTIONS {
            used.actions.insert(action, 1);
        }
        true
    }

    /// Joins what was seen with the keys of the estate.
    pub(super) fn finish(&mut self, estate: &mut Estate, actions: &Actions) {
        let Some(place) = self.place.take() else { return };
        let at = |text: &str| moment::read(text);
        let (Some(from), Some(to)) = (at(&self.from), at(&self.to)) else { return };
        estate.logs.push(Log { provider: "aws", from, to, events: self.events, place: place.clone() });
        let mut living: HashMap<Ix, Vec<Ix>> = HashMap::new();
        for (ix, key) in estate.keys.iter().enumerate() {
            if key.provider == "aws" && key.form == "access key" && key.standing != Standing::Disabled {
                living.entry(key.holders.first().copied().unwrap_or(Ix::MAX)).or_default().push(ix);
            }
        }
        let mut used: Vec<(String, Used)> = self.used.drain().collect();
        used.sort_by(|one, other| one.0.cmp(&other.0));
        for (id, used) in used {
            let (Some(first), Some(last)) = (at(&used.first), at(&used.last)) else { continue };
            let realm = format!("aws:{}", account_of(&used.arn));
            let name = if used.arn.ends_with(":root") {
                "<root_account>"
            } else {
                used.arn.rsplit('/').next().unwrap_or_default()
            };
            let (holder, _) = estate.account(&realm, name, &place);
            let mut keys = living.get(&holder).cloned().unwrap_or_default();
            let alone = keys.len() <= 1;
            if keys.is_empty() {
                // No other input knows of it: a key that lives, and of which only the log tells.
                let key = estate.key("aws", &realm, &id, &place);
                "access key".clone_into(&mut key.form);
                key.holders = vec![holder];
                key.end = Moment::Never;
                key.standing = Standing::Active;
                let ix = estate.keys.iter().position(|key| key.realm == realm && key.id == id);
                keys.extend(ix);
            }
            let mut done: Vec<(String, u64)> = used.actions.into_iter().collect();
            done.sort_by(|one, other| other.1.cmp(&one.1).then(one.0.cmp(&other.0)));
            let powers = done.iter().map(|(action, _)| actions.powers_of(action)).fold(Powers::NONE, Powers::union);
            let mut sources: Vec<String> = used.sources.into_iter().collect();
            sources.sort();
            let seen = Seen {
                first,
                last,
                calls: used.calls,
                denied: used.denied,
                actions: done,
                powers,
                sources,
                made: used.made,
                alone,
                place: place.clone(),
            };
            for ix in keys {
                let Some(key) = estate.keys.get_mut(ix) else { continue };
                if alone && key.id != id {
                    key.name = Some(id.clone());
                }
                // Where a user has two keys, the report does not say which is which.
                let later = key.last_use.at().is_none_or(|at| at < last);
                if alone && later {
                    key.last_use = Moment::At(last);
                }
                match &mut key.seen {
                    Some(before) => before.join(&seen),
                    none => *none = Some(seen.clone()),
                }
            }
        }
    }
}

/// Moments of a trail are all of one form, so that text compares as time does.
fn reach_out(from: &mut String, to: &mut String, time: &str) {
    if from.is_empty() || time < from.as_str() {
        time.clone_into(from);
    }
    if time > to.as_str() {
        time.clone_into(to);
    }
}

/// `lambda.amazonaws.com` and `CreateFunction20150331` are `lambda:CreateFunction`.
fn action(source: &str, name: &str) -> String {
    let service = source.split('.').next().unwrap_or(source);
    let bare = name.split("20").next().filter(|bare| name.len() - bare.len() >= 8 && !bare.is_empty()).unwrap_or(name);
    format!("{service}:{bare}")
}

/// Hands on every object of the first list in a document, without reading the whole.
fn objects(mut source: impl BufRead, mut each: impl FnMut(&[u8])) -> io::Result<()> {
    let (mut object, mut depth, mut text, mut escaped) = (Vec::new(), 0_usize, false, false);
    let mut listed = false;
    loop {
        let bytes = source.fill_buf()?;
        if bytes.is_empty() {
            return if depth == 0 || !listed { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
        }
        let mut kept = 0;
        for (at, byte) in bytes.iter().enumerate() {
            if !listed {
                listed = *byte == b'[';
                kept = at + 1;
                continue;
            }
            if text {
                match byte {
                    _ if escaped => escaped = false,
                    b'\\' => escaped = true,
                    b'"' => text = false,
                    _ => {}
                }
                continue;
            }
            match byte {
                b'"' => text = true,
                b'{' | b'[' => {
                    if depth == 0 {
                        kept = at;
                    }
                    depth += 1;
                }
                b']' if depth == 0 => return Ok(()),
                b'}' | b']' => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        object.extend_from_slice(bytes.get(kept..=at).unwrap_or_default());
                        each(&object);
                        object.clear();
                        kept = at + 1;
                    }
                }
                _ => {}
            }
        }
        if depth > 0 && listed {
            object.extend_from_slice(bytes.get(kept..).unwrap_or_default());
        }
        if object.len() > LONGEST {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a record is longer than any event"));
        }
        let taken = bytes.len();
        source.consume(taken);
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    #[test]
    fn objects_are_handed_on_whatever_stands_in_them_and_wherever_a_buffer_ends() {
        let text = br#"{"Records": [{"a":"]}\"{"}, {"b":[1,{"c":2}]} ,{}], "more": [{"x":1}]}"#;
        for size in 1..text.len() {
            let mut seen = Vec::new();
            objects(BufReader::with_capacity(size, &text[..]), |bytes| {
                seen.push(String::from_utf8(bytes.to_vec()).unwrap())
            })
            .unwrap();
            assert_eq!(seen, [r#"{"a":"]}\"{"}"#, r#"{"b":[1,{"c":2}]}"#, "{}"], "{size}");
        }
        assert!(objects(&br#"{"Records":[{"a":"#[..], |_| ()).is_err());
    }

    #[test]
    fn events_name_actions() {
        assert_eq!(action("lambda.amazonaws.com", "CreateFunction20150331"), "lambda:CreateFunction");
        assert_eq!(action("iam.amazonaws.com", "CreateUser"), "iam:CreateUser");
        assert_eq!(action("s3.amazonaws.com", "GetObject"), "s3:GetObject");
    }
}

//! Labelled traffic, as its files have it.

use std::{collections::HashMap, fmt::Write as _, net::IpAddr, sync::Arc};

use catalogue::{Asked, Catalogue, Found, Selected};
use jiff::Timestamp;
use law::{HolderId, HolderKind, KeyId, Powers};
use serde::{Deserialize, Serialize};
use watch::{Became, Seen, Subject};

/// Why a scenario cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// The document.
    #[error("api.json: {0}")]
    Document(#[from] catalogue::ReadError),
    /// A line of a file.
    #[error("{file}, line {line}: {error}")]
    Line {
        /// The file.
        file: &'static str,
        /// From 1.
        line: usize,
        /// What is wrong with it.
        error: serde_json::Error,
    },
    /// The labels.
    #[error("labels.json: {0}")]
    Labels(serde_json::Error),
    /// Calls must come in the order of time.
    #[error("traffic.jsonl, line {line}: it comes before the line above; sort the file by `t`")]
    Order {
        /// From 1.
        line: usize,
    },
    /// An attack that no call could be scored by, or the wrong ones.
    #[error("labels.json, attack `{id}`: {what}")]
    Attack {
        /// As the labels have it.
        id: String,
        /// What is wrong with it, and how to mend it.
        what: String,
    },
}

/// One call and what would become of it, if it went on.
#[derive(Clone, Debug)]
pub struct Call {
    /// When.
    pub at: Timestamp,
    /// The key.
    pub key: KeyId,
    /// Who has it.
    pub holder: Option<HolderId>,
    /// What the holder is.
    pub kind: HolderKind,
    /// Who answers for it.
    pub owner: Option<HolderId>,
    /// Method and template.
    pub operation: Arc<str>,
    /// What it lets its caller do.
    pub powers: Powers,
    /// What it is about.
    pub subject: Option<Subject>,
    /// Where it comes from.
    pub source: IpAddr,
    /// The network there.
    pub network: Option<u32>,
    /// The program.
    pub user_agent: Option<Arc<str>>,
    /// What becomes of it.
    pub became: Became,
}

impl Call {
    /// As the watch is shown it.
    pub fn seen(&self) -> Seen<'_> {
        Seen {
            call: None,
            key: Some(self.key),
            holder: self.holder,
            kind: self.kind,
            owner: self.owner,
            operation: &self.operation,
            powers: self.powers,
            described: None,
            subject: self.subject,
            source: self.source,
            network: self.network,
            expected: false,
            user_agent: self.user_agent.as_deref(),
            out_of_scope: false,
        }
    }
}

/// What the authority knows, at its moment.
#[derive(Clone, Debug)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// What.
    pub what: Events,
}

/// What the authority may know.
#[derive(Clone, Debug)]
pub enum Events {
    /// A key takes another's place.
    Rotation(KeyId, KeyId),
    /// A key that nobody uses.
    Canary(KeyId),
    /// A key that was found somewhere.
    Leaked(KeyId),
    /// New operations.
    Document(Vec<Arc<str>>),
    /// A network whose calls are expected.
    Registered(u32),
}

/// What is true of the traffic. For the score only.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Labels {
    /// The scenario's name.
    pub name: String,
    /// What it was made from.
    #[serde(default)]
    pub seed: u64,
    /// The attacks.
    #[serde(default)]
    pub attacks: Vec<Attack>,
    /// Honest traffic that looks like one.
    #[serde(default)]
    pub honest: Vec<Honest>,
}

/// One attack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attack {
    /// Such as `A5`.
    pub id: String,
    /// The keys that are used.
    pub keys: Vec<String>,
    /// Its steps in their order.
    pub steps: Vec<Stage>,
    /// The step after which it must be over.
    pub contain_by: usize,
    /// The thief's addresses, where the owner uses the key at the same time. Empty: all calls
    /// of the keys in the time of the attack are the thief's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<IpAddr>,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stage {
    /// What the thief does.
    pub name: String,
    /// Its first call.
    pub from: Timestamp,
    /// Its last call.
    pub to: Timestamp,
}

/// Honest traffic that looks like an attack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Honest {
    /// Such as `B2`.
    pub id: String,
    /// The keys.
    pub keys: Vec<String>,
    /// From when.
    pub from: Timestamp,
    /// To when.
    pub to: Timestamp,
    /// How many alerts it may cost.
    #[serde(default)]
    pub alerts: u32,
}

/// Labelled traffic.
#[derive(Debug)]
pub struct Scenario {
    /// In the order of time.
    pub calls: Vec<Call>,
    /// In the order of time.
    pub events: Vec<Event>,
    /// What is true.
    pub labels: Labels,
    /// The keys by the names that the labels use.
    pub names: Names,
    /// What is strange about the labels, and can be scored all the same.
    pub warnings: Vec<String>,
}

/// Names as they stand in the files, and the numbers that stand for them.
#[derive(Debug, Default)]
pub struct Names {
    keys: HashMap<Arc<str>, KeyId>,
    holders: HashMap<Arc<str>, HolderId>,
    words: HashMap<Arc<str>, Arc<str>>,
}

impl Names {
    /// A key by its name.
    pub fn key(&mut self, name: &str) -> KeyId {
        if let Some(known) = self.keys.get(name) {
            return *known;
        }
        let next = KeyId(self.keys.len() as u64 + 1);
        self.keys.insert(name.into(), next);
        next
    }

    /// Holders and owners are people of one kind or another: their names share one space.
    fn holder(&mut self, name: &str) -> HolderId {
        if let Some(known) = self.holders.get(name) {
            return *known;
        }
        let next = HolderId(self.holders.len() as u64 + 1);
        self.holders.insert(name.into(), next);
        next
    }

    /// One copy of each text.
    fn word(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.words.get(text) {
            return known.clone();
        }
        let word: Arc<str> = text.into();
        self.words.insert(word.clone(), word.clone());
        word
    }

    /// A key that was seen, by its name.
    pub fn known(&self, name: &str) -> Option<KeyId> {
        self.keys.get(name).copied()
    }

    /// The name of a key.
    pub fn of(&self, key: KeyId) -> Option<&str> {
        self.keys.iter().find(|(_, known)| **known == key).map(|(name, _)| &**name)
    }

    /// How many keys there are.
    pub fn keys(&self) -> usize {
        self.keys.len()
    }
}

/// One line of traffic, in the file and out of the generator.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Line {
    pub(crate) t: Timestamp,
    pub(crate) key: String,
    #[serde(default)]
    pub(crate) holder: Option<String>,
    #[serde(default)]
    pub(crate) kind: HolderKind,
    #[serde(default)]
    pub(crate) owner: Option<String>,
    pub(crate) method: String,
    pub(crate) path: String,
    #[serde(default)]
    pub(crate) query: String,
    pub(crate) src: IpAddr,
    #[serde(default)]
    pub(crate) net: Option<String>,
    #[serde(default)]
    pub(crate) ua: Option<String>,
    #[serde(default)]
    pub(crate) status: u16,
    #[serde(default, rename = "in")]
    pub(crate) bytes_in: u64,
    #[serde(default)]
    pub(crate) out: u64,
    #[serde(default)]
    pub(crate) rows: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) minted: Option<String>,
}

#[derive(Deserialize)]
struct EventLine {
    t: Timestamp,
    event: String,
    #[serde(default)]
    key: Option<String>,
    #[serde(default)]
    successor: Option<String>,
    #[serde(default)]
    added: Vec<String>,
    #[serde(default)]
    net: Option<String>,
}

impl Scenario {
    /// Reads the files of a folder.
    ///
    /// # Errors
    /// Where one of them cannot be read, with its line.
    pub fn read(api: &[u8], traffic: &[u8], events: &[u8], labels: &[u8]) -> Result<Self, ScenarioError> {
        let labels: Labels = serde_json::from_slice(labels).map_err(ScenarioError::Labels)?;
        let catalogue = Catalogue::read(api, &catalogue::Settings::default())?.catalogue;
        let mut reading = Reading::new(&catalogue);
        for (number, line) in lines(traffic) {
            let line: Line = serde_json::from_slice(line).map_err(wrong("traffic.jsonl", number))?;
            if !reading.take(&line) {
                return Err(ScenarioError::Order { line: number });
            }
        }
        let mut told = Vec::new();
        for (number, line) in lines(events) {
            let line: EventLine = serde_json::from_slice(line).map_err(wrong("events.jsonl", number))?;
            told.extend(reading.event(&line));
        }
        reading.finish(told, labels)
    }

    pub(crate) fn of_lines(api: &[u8], lines: &[Line], events: &[u8], labels: Labels) -> Result<Self, ScenarioError> {
        let catalogue = Catalogue::read(api, &catalogue::Settings::default())?.catalogue;
        let mut reading = Reading::new(&catalogue);
        for (number, line) in lines.iter().enumerate() {
            if !reading.take(line) {
                return Err(ScenarioError::Order { line: number + 1 });
            }
        }
        let mut told = Vec::new();
        for (number, line) in self::lines(events) {
            let line: EventLine = serde_json::from_slice(line).map_err(wrong("events.jsonl", number))?;
            told.extend(reading.event(&line));
        }
        reading.finish(told, labels)
    }
}

impl Attack {
    /// Whether a call may be the thief's: in the time of the attack, and from one of its addresses.
    pub(crate) fn has(&self, call: &Call) -> bool {
        let from = self.steps.iter().map(|step| step.from).min().unwrap_or(Timestamp::MAX);
        let to = self.steps.iter().map(|step| step.to).max().unwrap_or(Timestamp::MIN);
        from <= call.at && call.at <= to && (self.sources.is_empty() || self.sources.contains(&call.source))
    }

    /// What no score could be right with, and the steps that have no call.
    fn check(&self, names: &Names, calls: &[Call]) -> Result<Vec<String>, String> {
        if self.steps.is_empty() || self.contain_by > self.steps.len() {
            return Err(format!("it has {} steps, and `contain_by` says {}", self.steps.len(), self.contain_by));
        }
        if let Some(turned) = self.steps.iter().find(|step| step.from > step.to) {
            return Err(format!("its step `{}` ends before it begins", turned.name));
        }
        let keys: Vec<KeyId> = self.keys.iter().filter_map(|name| names.known(name)).collect();
        let theirs: Vec<&Call> = calls.iter().filter(|call| keys.contains(&call.key) && self.has(call)).collect();
        if theirs.is_empty() {
            let of = if self.sources.is_empty() { "" } else { " from its `sources`" };
            return Err(format!("no call of its keys{of} is in the time of its steps; times are in UTC"));
        }
        let unknown = self.keys.iter().filter(|name| names.known(name).is_none());
        let unknown = unknown.map(|name| format!("no call has its key `{name}`"));
        let empty = self.steps.iter().filter(|step| !theirs.iter().any(|call| step.has(call)));
        let empty = empty.map(|step| format!("its step `{}` has no call and can never go through", step.name));
        Ok(unknown.chain(empty).map(|what| format!("attack `{}`: {what}", self.id)).collect())
    }
}

impl Stage {
    /// Whether a call is in its time.
    pub(crate) fn has(&self, call: &Call) -> bool {
        self.from <= call.at && call.at <= self.to
    }
}

fn lines(text: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    (1..).zip(text.split(|byte| *byte == b'\n')).filter(|(_, line)| !line.trim_ascii().is_empty())
}

fn wrong(file: &'static str, line: usize) -> impl Fn(serde_json::Error) -> ScenarioError {
    move |error| ScenarioError::Line { file, line, error }
}

struct Reading<'c> {
    catalogue: &'c Catalogue,
    names: Names,
    calls: Vec<Call>,
    undescribed: String,
}

impl<'c> Reading<'c> {
    fn new(catalogue: &'c Catalogue) -> Self {
        Self { catalogue, names: Names::default(), calls: Vec::new(), undescribed: String::new() }
    }

    /// Takes a line; not one that is older than the one before.
    fn take(&mut self, line: &Line) -> bool {
        if self.calls.last().is_some_and(|last| last.at > line.t) {
            return false;
        }
        let segments: Vec<&str> = line.path.split('/').skip(1).collect();
        let asked = Asked { query: &line.query, headers: &[], content_type: None, body: None };
        let found = match self.catalogue.find(&line.method, &segments) {
            Found::Described(found) => Some(found),
            Found::Choice(choice) => match choice.select(&asked) {
                Selected::Described(found) => Some(found),
                Selected::Undescribed(_) => None,
            },
            Found::Undescribed => None,
        };
        let (operation, powers, subject) = match found {
            Some(found) => {
                let values = found.parameters.iter().flat_map(|(_, value)| value.parts());
                let of_query = || Subject::of_query(line.query.split('&').filter_map(|one| one.split_once('=')));
                (found.operation.name.clone(), found.powers, Subject::of(values).or_else(of_query))
            }
            None => {
                // Without a description, the path itself is what is asked for; ids would make each one new.
                self.undescribed.clear();
                let _ = write!(self.undescribed, "{} *", line.method);
                (self.names.word(&self.undescribed), Powers::EVERY, Subject::of(std::iter::once(line.path.as_str())))
            }
        };
        let minted = line.minted.as_deref().map(|name| self.names.key(name));
        let call = Call {
            at: line.t,
            key: self.names.key(&line.key),
            holder: line.holder.as_deref().map(|name| self.names.holder(name)),
            kind: line.kind,
            owner: line.owner.as_deref().map(|name| self.names.holder(name)),
            operation,
            powers,
            subject,
            source: line.src,
            network: line.net.as_deref().and_then(number),
            user_agent: line.ua.as_deref().map(|text| self.names.word(text)),
            became: Became { status: line.status, bytes_out: line.out, rows: line.rows, minted },
        };
        self.calls.push(call);
        true
    }

    fn event(&mut self, line: &EventLine) -> Option<Event> {
        let key = line.key.as_deref().map(|name| self.names.key(name));
        let what = match line.event.as_str() {
            "rotation" => Events::Rotation(key?, self.names.key(line.successor.as_deref()?)),
            "canary" => Events::Canary(key?),
            "leak" | "leaked" => Events::Leaked(key?),
            "document" => Events::Document(line.added.iter().map(|name| self.names.word(name)).collect()),
            "source-registered" => Events::Registered(line.net.as_deref().and_then(number)?),
            _ => return None,
        };
        Some(Event { at: line.t, what })
    }

    fn finish(self, mut events: Vec<Event>, labels: Labels) -> Result<Scenario, ScenarioError> {
        events.sort_by_key(|event| event.at);
        let Self { catalogue: _, names, calls, undescribed: _ } = self;
        let mut warnings = Vec::new();
        for attack in &labels.attacks {
            let wrong = |what| ScenarioError::Attack { id: attack.id.clone(), what };
            warnings.extend(attack.check(&names, &calls).map_err(wrong)?);
        }
        for honest in &labels.honest {
            let unknown = honest.keys.iter().filter(|name| names.known(name).is_none());
            warnings.extend(unknown.map(|name| format!("honest `{}`: no call has its key `{name}`", honest.id)));
        }
        Ok(Scenario { calls, events, labels, names, warnings })
    }
}

/// `AS64500` or `64500`.
fn number(net: &str) -> Option<u32> {
    net.trim_start_matches(|letter: char| letter.is_ascii_alphabetic()).parse().ok()
}

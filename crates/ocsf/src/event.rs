//! What all events have in common.

use std::{fmt, str::FromStr};

use authority::{Holder, Key, State};
use jiff::Timestamp;
use law::{ChallengeId, HolderId, HolderKind, KeyId, Powers, RequestId, Severity};
use serde_json::{Map, Value, json};

/// Who tells: this gate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Teller {
    /// The version of Greave.
    pub version: String,
    /// The origin under which clients know the gate: it tells gates apart.
    pub gate: String,
    /// The API behind it, such as `api.internal:8443`.
    pub api: String,
}

/// What an event tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A call, or that calls are missing.
    Call,
    /// A finding.
    Finding,
    /// A change, as the ledger has it.
    Change,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Call, Self::Finding, Self::Change];

    /// The word of the configuration.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Call => "calls",
            Self::Finding => "findings",
            Self::Change => "ledger",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// A word that names no kind of events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownKind(String);

impl fmt::Display for UnknownKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is no kind of events; write calls, findings or ledger", self.0)
    }
}

impl std::error::Error for UnknownKind {}

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        Self::ALL.into_iter().find(|kind| kind.word() == text).ok_or_else(|| UnknownKind(text.to_owned()))
    }
}

/// One event.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// What it tells of.
    pub kind: Kind,
    /// How much it matters.
    pub severity: Severity,
    /// When it happened.
    pub at: Timestamp,
    /// `metadata.uid`: the same event has the same one however often it is sent.
    pub uid: String,
    /// The powers of a call's operation; none for anything else.
    pub powers: Powers,
    body: Map<String, Value>,
}

impl Event {
    /// The event as JSON, in one line.
    pub fn line(&self) -> String {
        Value::Object(self.body.clone()).to_string()
    }

    /// The event as a JSON object.
    pub const fn body(&self) -> &Map<String, Value> {
        &self.body
    }
}

/// A class of OCSF and what is done in it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Class {
    pub(crate) uid: u32,
    pub(crate) name: &'static str,
    pub(crate) category: &'static str,
}

pub(crate) const LOG_ACTIVITY: Class = Class { uid: 1008, name: "Event Log Activity", category: "System Activity" };
pub(crate) const DETECTION: Class = Class { uid: 2004, name: "Detection Finding", category: "Findings" };
pub(crate) const ACCOUNT: Class = iam(3001, "Account Change");
pub(crate) const AUTHENTICATION: Class = iam(3002, "Authentication");
pub(crate) const SESSION: Class = iam(3003, "Authorize Session");
pub(crate) const ENTITY: Class = iam(3004, "Entity Management");
pub(crate) const ACCESS: Class = iam(3005, "User Access Management");
pub(crate) const API: Class = Class { uid: 6003, name: "API Activity", category: "Application Activity" };

const fn iam(uid: u32, name: &'static str) -> Class {
    Class { uid, name, category: "Identity & Access Management" }
}

/// What is done, as the class numbers it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Activity(pub(crate) u32, pub(crate) &'static str);

/// What the class has no number for.
pub(crate) const fn other(name: &'static str) -> Activity {
    Activity(99, name)
}

/// What an event is made of, beside what its class alone has.
pub(crate) struct Draft<'a> {
    pub(crate) kind: Kind,
    pub(crate) class: Class,
    pub(crate) activity: Activity,
    pub(crate) severity: Severity,
    pub(crate) at: Timestamp,
    pub(crate) uid: String,
    /// The word by which the gate knows what happened.
    pub(crate) code: &'a str,
    /// One line for people.
    pub(crate) message: String,
    /// More of `metadata`.
    pub(crate) metadata: Value,
    /// What the class alone has.
    pub(crate) more: Value,
}

impl Draft<'_> {
    /// The event that `teller` tells. What is null is left out: OCSF knows no null.
    pub(crate) fn event(self, teller: &Teller) -> Event {
        let Self { kind, class, activity, severity, at, uid, code, message, metadata, more } = self;
        let Activity(activity, activity_name) = activity;
        let (severity_id, severity_name) = severity_of(severity);
        let mut body = json!({
            "activity_id": activity,
            "activity_name": activity_name,
            "category_uid": class.uid / 1000,
            "category_name": class.category,
            "class_uid": class.uid,
            "class_name": class.name,
            "type_uid": class.uid * 100 + activity,
            "type_name": format!("{}: {activity_name}", class.name),
            "severity_id": severity_id,
            "severity": severity_name,
            "time": at.as_millisecond(),
            "message": message,
            "metadata": {
                "uid": uid,
                "version": crate::VERSION,
                "event_code": code,
                "log_provider": teller.gate,
                "log_name": kind.word(),
                "product": {"name": "Greave", "vendor_name": "Greave", "version": teller.version},
            },
        });
        add(&mut body, more);
        if let Some(told) = body.get_mut("metadata") {
            add(told, metadata);
        }
        prune(&mut body);
        let body = match body {
            Value::Object(body) => body,
            _ => Map::new(),
        };
        Event { kind, severity, at, uid, powers: Powers::NONE, body }
    }
}

impl Event {
    pub(crate) fn with_powers(self, powers: Powers) -> Self {
        Self { powers, ..self }
    }

    /// Says that the event tells of nothing that happened.
    pub(crate) fn mark_as_trial(&mut self) {
        self.body.extend([("verdict_id".to_owned(), json!(6)), ("verdict".to_owned(), json!("Test"))]);
        if let Some(metadata) = self.body.get_mut("metadata") {
            add(metadata, json!({"profiles": ["security_control", "incident"]}));
        }
    }
}

fn add(to: &mut Value, more: Value) {
    if let (Value::Object(to), Value::Object(more)) = (to, more) {
        to.extend(more);
    }
}

/// Takes out what is null, and what is empty because of that.
fn prune(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.values_mut().for_each(prune);
            map.retain(|_, value| !is_nothing(value));
        }
        Value::Array(list) => {
            list.iter_mut().for_each(prune);
            list.retain(|value| !is_nothing(value));
        }
        _ => {}
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(map) => map.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

pub(crate) const fn severity_of(severity: Severity) -> (u32, &'static str) {
    match severity {
        Severity::Info => (1, "Informational"),
        Severity::Warning => (3, "Medium"),
        Severity::High => (4, "High"),
        Severity::Critical => (5, "Critical"),
    }
}

/// Who is who at the moment of telling, as far as it is known.
#[derive(Clone, Copy, Default)]
pub struct Names<'a> {
    state: Option<&'a State>,
}

impl<'a> From<&'a State> for Names<'a> {
    fn from(state: &'a State) -> Self {
        Self { state: Some(state) }
    }
}

impl Names<'_> {
    fn holder(&self, id: HolderId) -> Option<&Holder> {
        self.state?.holder(id)
    }

    fn key(&self, id: KeyId) -> Option<&Key> {
        self.state?.key(id).map(|key| &**key)
    }

    /// The key of a question, its powers and its operation.
    pub(crate) fn question(&self, id: ChallengeId) -> Option<(KeyId, Powers, &str)> {
        let question = &self.state?.question(id)?.question;
        Some((question.key, question.powers, &question.operation))
    }

    /// Who has the key.
    pub(crate) fn holder_of(&self, key: KeyId) -> Option<HolderId> {
        self.key(key)?.holder()
    }

    pub(crate) fn name_of(&self, id: HolderId) -> Option<&str> {
        Some(self.holder(id)?.name.as_str())
    }

    /// A holder as `user`.
    pub(crate) fn user(&self, id: HolderId) -> Value {
        let holder = self.holder(id);
        let kind = holder.map(|holder| user_type(holder.kind, holder.administrator));
        json!({
            "uid": id,
            "name": holder.map(|holder| &holder.name),
            "type_id": kind.map(|(id, _)| id),
            "type": kind.map(|(_, name)| name),
        })
    }

    /// Who asked for a key, as `user`.
    pub(crate) fn asker(&self, id: RequestId) -> Option<Value> {
        Some(self.user(self.state?.request(id)?.wish.holder))
    }

    /// A key as `managed_entity`.
    pub(crate) fn key_entity(&self, id: KeyId) -> Value {
        let key = self.key(id);
        json!({
            "uid": id,
            "name": key.and_then(|key| key.name()),
            "type_id": 99,
            "type": "API key",
            "user": key.and_then(|key| key.holder()).map(|holder| self.user(holder)),
        })
    }

    /// What people call a key.
    pub(crate) fn key_name(&self, id: KeyId) -> Option<&str> {
        self.key(id)?.name()
    }
}

/// How OCSF numbers a kind of holder.
pub(crate) const fn user_type(kind: HolderKind, administrator: bool) -> (u32, &'static str) {
    match (kind, administrator) {
        (HolderKind::Person, false) => (1, "User"),
        (HolderKind::Person, true) => (2, "Admin"),
        (HolderKind::Workload, _) => (4, "Service"),
        (HolderKind::Vendor, _) => (99, "vendor"),
    }
}

/// Powers as a list of words.
pub(crate) fn words(powers: Powers) -> Vec<&'static str> {
    powers.iter().map(law::Power::word).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_nothing_is_left_out_whole() {
        let mut value = json!({"a": null, "b": {"c": null}, "d": [null, {"e": null}], "f": [1, null], "g": 0, "h": ""});
        prune(&mut value);
        assert_eq!(value, json!({"f": [1], "g": 0, "h": ""}));
    }

    #[test]
    fn words_of_kinds_read_back() {
        for kind in Kind::ALL {
            assert_eq!(kind.word().parse(), Ok(kind));
        }
        assert!("call".parse::<Kind>().is_err());
    }
}

//! A policy as it is written: statements, each with what it is about and when it holds.

use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::condition::Condition;

/// A policy: its statements know its name.
#[derive(Clone, Debug)]
pub(super) struct Policy {
    pub(super) statements: Vec<Statement>,
}

/// Who may, or what may not be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    Allow,
    Deny,
}

#[derive(Clone, Debug)]
pub(super) struct Statement {
    /// How findings tell of it: `policy (Sid)`.
    pub(super) name: String,
    pub(super) effect: Effect,
    pub(super) actions: Selection,
    pub(super) resources: Selection,
    pub(super) conditions: Vec<Condition>,
    /// In a role's trust: who may take the role.
    pub(super) principals: Principals,
}

/// What a statement is about: these, or all but these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Selection {
    These(Vec<String>),
    AllBut(Vec<String>),
}

/// Whom a trust names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Principals {
    pub(super) aws: Vec<String>,
    pub(super) services: Vec<String>,
    /// `NotPrincipal`, which nobody should use and nobody can read: all but a few.
    pub(super) all_but: bool,
}

impl Policy {
    /// Reads a policy document, as JSON or (as the API itself answers) as percent-encoded text.
    pub(super) fn read(name: &str, document: &Value) -> Option<Self> {
        if let Some(text) = document.as_str() {
            let decoded = percent_decode_str(text).decode_utf8().ok()?;
            return Self::read(name, &serde_json::from_str::<Value>(&decoded).ok().filter(Value::is_object)?);
        }
        let statements = match document.get("Statement")? {
            Value::Array(statements) => statements.iter().collect(),
            one => vec![one],
        };
        let read = |(statement, number): (&Value, usize)| Statement::read(name, number, statement);
        let statements = statements.into_iter().zip(1..).map(read).collect::<Option<Vec<_>>>()?;
        Some(Self { statements })
    }
}

impl Statement {
    fn read(policy: &str, number: usize, value: &Value) -> Option<Self> {
        let effect = match value.get("Effect")?.as_str()? {
            "Allow" => Effect::Allow,
            "Deny" => Effect::Deny,
            _ => return None,
        };
        let selection = |these: &str, all_but: &str| match (value.get(these), value.get(all_but)) {
            (Some(list), _) => Some(Selection::These(words(list))),
            (None, Some(list)) => Some(Selection::AllBut(words(list))),
            (None, None) => None,
        };
        let name = match value.get("Sid").and_then(Value::as_str).filter(|sid| !sid.is_empty()) {
            Some(sid) => format!("{policy} ({sid})"),
            None => format!("{policy} (statement {number})"),
        };
        let principal = value.get("Principal");
        let of = |kind: &str| match principal {
            Some(Value::String(all)) if kind == "AWS" => vec![all.clone()],
            Some(by_kind) => by_kind.get(kind).map(words).unwrap_or_default(),
            None => Vec::new(),
        };
        let principals =
            Principals { aws: of("AWS"), services: of("Service"), all_but: value.get("NotPrincipal").is_some() };
        let conditions = value.get("Condition").map_or(Some(Vec::new()), Condition::read_all)?;
        Some(Self {
            name,
            effect,
            actions: selection("Action", "NotAction")?,
            // A trust has no resource: it is about the role itself.
            resources: selection("Resource", "NotResource").unwrap_or_else(|| Selection::These(vec!["*".to_owned()])),
            conditions,
            principals,
        })
    }
}

/// One word, or a list of them.
pub(super) fn words(value: &Value) -> Vec<String> {
    let word = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        _ => None,
    };
    match value {
        Value::Array(list) => list.iter().filter_map(word).collect(),
        one => word(one).into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_policy_is_read_as_json_and_as_the_api_encodes_it() {
        let document =
            json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}});
        let plain = Policy::read("p", &document).unwrap();
        let encoded = percent_encoding::utf8_percent_encode(&document.to_string(), percent_encoding::NON_ALPHANUMERIC)
            .to_string();
        let decoded = Policy::read("p", &json!(encoded)).unwrap();
        for policy in [plain, decoded] {
            assert_eq!(policy.statements[0].actions, Selection::These(vec!["s3:*".to_owned()]));
            assert_eq!(policy.statements[0].name, "p (statement 1)");
        }
        assert!(
            Policy::read("p", &json!({"Statement": [{"Effect": "Maybe", "Action": "*", "Resource": "*"}]})).is_none()
        );
        assert!(Policy::read("p", &json!("%7B")).is_none());
    }
}

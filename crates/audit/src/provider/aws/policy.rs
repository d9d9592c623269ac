//! A policy as it is written: statements, each with what it is about and when it holds.

use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::condition::Condition;
use crate::glob;

/// A policy as it is written; the same text is read once, whoever has it.
#[derive(Clone, Debug)]
pub(super) struct Policy {
    pub(super) statements: Vec<Statement>,
}

/// A policy and what findings call it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Named<'p> {
    pub(super) label: &'p str,
    pub(super) policy: &'p Policy,
}

/// Who may, or what may not be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    Allow,
    Deny,
}

#[derive(Clone, Debug)]
pub(super) struct Statement {
    /// How findings tell of it: its Sid, or else its number.
    pub(super) name: String,
    pub(super) effect: Effect,
    /// By the number of an action: whether it is about it. Filled in when all actions are known.
    pub(super) about: Vec<u64>,
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
    /// Whether they are those of `NotPrincipal`: all but these.
    pub(super) all_but: bool,
}

impl Policy {
    /// Reads a policy document, as JSON, as JSON in a text, or (as the API itself answers) as
    /// percent-encoded text.
    pub(super) fn read(document: &Value) -> Option<Self> {
        if let Some(text) = document.as_str() {
            let object = |text: &str| serde_json::from_str::<Value>(text).ok().filter(Value::is_object);
            let decoded = || object(&percent_decode_str(text).decode_utf8().ok()?);
            // What is encoded begins with `%7B`; a percent sign in plain text is one.
            return Self::read(&object(text).or_else(decoded)?);
        }
        // Only this version knows variables; without one it is the older.
        let variables = document.get("Version").and_then(Value::as_str) == Some("2012-10-17");
        let statements = match document.get("Statement")? {
            Value::Array(statements) => statements.iter().collect(),
            one => vec![one],
        };
        let read = |(statement, number): (&Value, usize)| Statement::read(number, statement, variables);
        let statements = statements.into_iter().zip(1..).map(read).collect::<Option<Vec<_>>>()?;
        Some(Self { statements })
    }
}

impl Statement {
    /// Whether it is about an action, by its name.
    pub(super) fn is_about(&self, action: &str) -> bool {
        match &self.actions {
            Selection::These(patterns) => patterns.iter().any(|pattern| glob::matches_any_case(pattern, action)),
            Selection::AllBut(patterns) => !patterns.iter().any(|pattern| glob::matches_any_case(pattern, action)),
        }
    }

    fn read(number: usize, value: &Value, variables: bool) -> Option<Self> {
        let effect = match value.get("Effect")?.as_str()? {
            "Allow" => Effect::Allow,
            "Deny" => Effect::Deny,
            _ => return None,
        };
        let plain = |list: &Value| words(list);
        // A `$` of a version without variables is a letter like any other.
        let named = |list: &Value| {
            let literal = |word: String| if variables { word } else { word.replace("${", "${$}{") };
            words(list).into_iter().map(literal).collect()
        };
        let selection = |these: &str, all_but: &str, read: &dyn Fn(&Value) -> Vec<String>| match (
            value.get(these),
            value.get(all_but),
        ) {
            (Some(list), _) => Some(Selection::These(read(list))),
            (None, Some(list)) => Some(Selection::AllBut(read(list))),
            (None, None) => None,
        };
        let name = match value.get("Sid").and_then(Value::as_str).filter(|sid| !sid.is_empty()) {
            Some(sid) => sid.to_owned(),
            None => format!("statement {number}"),
        };
        let all_but = value.get("NotPrincipal").is_some();
        let principal = value.get("Principal").or_else(|| value.get("NotPrincipal"));
        let of = |kind: &str| match principal {
            Some(Value::String(all)) if kind == "AWS" => vec![all.clone()],
            Some(by_kind) => by_kind.get(kind).map(words).unwrap_or_default(),
            None => Vec::new(),
        };
        let principals = Principals { aws: of("AWS"), services: of("Service"), all_but };
        let conditions =
            value.get("Condition").map_or(Some(Vec::new()), |value| Condition::read_all(value, variables))?;
        Some(Self {
            name,
            effect,
            about: Vec::new(),
            actions: selection("Action", "NotAction", &plain)?,
            // A trust has no resource: it is about the role itself.
            resources: selection("Resource", "NotResource", &named)
                .unwrap_or_else(|| Selection::These(vec!["*".to_owned()])),
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
        let plain = Policy::read(&document).unwrap();
        let encoded = percent_encoding::utf8_percent_encode(&document.to_string(), percent_encoding::NON_ALPHANUMERIC)
            .to_string();
        let decoded = Policy::read(&json!(encoded)).unwrap();
        for policy in [plain, decoded] {
            assert_eq!(policy.statements[0].actions, Selection::These(vec!["s3:*".to_owned()]));
            assert_eq!(policy.statements[0].name, "statement 1");
        }
        assert!(Policy::read(&json!({"Statement": [{"Effect": "Maybe", "Action": "*", "Resource": "*"}]})).is_none());
        assert!(Policy::read(&json!("%7B")).is_none());
    }
}

//! A document and the references inside it.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::{ReadError, text::step};
use crate::trouble::Troubles;

/// Longer chains of references are taken for a circle.
const MOST_HOPS: usize = 32;

/// Which kind of document it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    /// Swagger 2.0.
    Two,
    /// OpenAPI 3.0, 3.1 and what follows.
    Three,
}

/// A parsed document.
pub(crate) struct Document {
    pub(crate) root: Value,
    pub(crate) version: Version,
}

impl Document {
    /// Decides whether this is OpenAPI at all.
    pub(crate) fn of(root: Value, troubles: &mut Troubles) -> Result<Self, ReadError> {
        let Some(top) = root.as_object() else {
            return Err(ReadError::NotOpenApi { what: "its top is no object".to_owned() });
        };
        let word = |name: &str| match top.get(name) {
            Some(Value::String(text)) => Some(text.trim().to_owned()),
            Some(Value::Number(number)) => Some(number.to_string()),
            _ => None,
        };
        let version = match (word("openapi"), word("swagger")) {
            (Some(version), _) if version.starts_with('3') => Version::Three,
            (_, Some(version)) if version.starts_with('2') => Version::Two,
            (Some(version), _) | (_, Some(version)) if top.contains_key("paths") && !version.starts_with('1') => {
                let two = version.starts_with('2') || top.contains_key("definitions");
                troubles.at(
                    "/openapi",
                    format!("version `{version}` is not known"),
                    "write `openapi: 3.1.0`, `openapi: 3.0.3` or `swagger: '2.0'`",
                );
                if two { Version::Two } else { Version::Three }
            }
            (Some(version), _) | (_, Some(version)) => {
                return Err(ReadError::NotOpenApi { what: format!("version `{version}` cannot be read") });
            }
            (None, None) if top.get("paths").is_some_and(Value::is_object) => {
                troubles.at("", "the document does not say its version", "write `openapi: 3.1.0` or `swagger: '2.0'`");
                if top.contains_key("definitions") { Version::Two } else { Version::Three }
            }
            (None, None) => {
                return Err(ReadError::NotOpenApi { what: "it has neither `openapi` nor `swagger`".to_owned() });
            }
        };
        Ok(Self { root, version })
    }

    /// Follows references until there is none: the value itself, or what it points to.
    pub(crate) fn follow<'d>(&'d self, value: &'d Value, at: &str, troubles: &mut Troubles) -> Option<&'d Value> {
        let mut value = value;
        for _ in 0..MOST_HOPS {
            let Some(reference) = reference(value) else { return Some(value) };
            value = self.target(reference, at, troubles)?;
        }
        troubles.once(at, "a reference leads in a circle".to_owned(), "let it end at a definition");
        None
    }

    /// What one reference points to.
    pub(crate) fn target<'d>(&'d self, reference: &str, at: &str, troubles: &mut Troubles) -> Option<&'d Value> {
        let Some(pointer) = reference.strip_prefix('#') else {
            troubles.once(
                at,
                format!("`{reference}` is outside of the document and is not fetched"),
                "bundle the document into one file",
            );
            return None;
        };
        let target = self.root.pointer(&percent_decoded(pointer));
        if target.is_none() {
            troubles.once(
                at,
                format!("`{reference}` points to nothing"),
                "define it, or write a JSON pointer such as `#/components/schemas/User`",
            );
        }
        target
    }

    pub(crate) fn member(&self, name: &str) -> Option<&Value> {
        self.root.get(name)
    }

    /// An object of the document, by names; told if it is there and is none.
    pub(crate) fn object<'d>(&'d self, names: &[&str], troubles: &mut Troubles) -> Option<&'d Map<String, Value>> {
        let mut value = &self.root;
        let mut at = String::new();
        for name in names {
            value = value.get(name)?;
            at += &step(name);
        }
        let object = value.as_object();
        if object.is_none() && !value.is_null() {
            troubles.at(&at, "this is no object", "write an object, or leave it out");
        }
        object
    }
}

/// The reference that a value is, if it is one.
pub(crate) fn reference(value: &Value) -> Option<&str> {
    value.get("$ref").and_then(Value::as_str)
}

fn percent_decoded(pointer: &str) -> Cow<'_, str> {
    if !pointer.contains('%') {
        return Cow::Borrowed(pointer);
    }
    crate::decode::percent(pointer).unwrap_or(Cow::Borrowed(pointer))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn document(root: Value) -> Document {
        Document { root, version: Version::Three }
    }

    #[test]
    fn references_are_followed_to_their_end() {
        let document = document(json!({
            "a": {"$ref": "#/b"}, "b": {"$ref": "#/p~1q/%7Bid%7D"}, "p/q": {"{id}": {"type": "string"}},
            "circle": {"$ref": "#/circle"}, "away": {"$ref": "https://other.example/x.json#/a"}, "void": {"$ref": "#/no"}
        }));
        let mut troubles = Troubles::default();
        let mut follow = |name: &str| document.follow(&document.root[name], "/here", &mut troubles).cloned();
        assert_eq!(follow("a"), Some(json!({"type": "string"})));
        assert_eq!((follow("circle"), follow("away"), follow("void")), (None, None, None));
        assert_eq!((follow("circle"), follow("void")), (None, None));
        let list = troubles.into_list();
        assert_eq!(list.len(), 3);
        assert!(list[1].what.contains("not fetched"), "{}", list[1]);
    }

    #[test]
    fn what_is_no_openapi_is_an_error_and_what_is_almost_is_not() {
        let read = |root| {
            let mut troubles = Troubles::default();
            Document::of(root, &mut troubles).map(|document| (document.version, troubles.into_list().len()))
        };
        assert_eq!(read(json!({"openapi": "3.1.0"})).unwrap(), (Version::Three, 0));
        assert_eq!(read(json!({"openapi": 3.0})).unwrap(), (Version::Three, 0));
        assert_eq!(read(json!({"swagger": 2.0})).unwrap(), (Version::Two, 0));
        assert_eq!(read(json!({"openapi": "2.0", "paths": {}})).unwrap(), (Version::Two, 1));
        assert_eq!(read(json!({"paths": {}})).unwrap(), (Version::Three, 1));
        assert_eq!(read(json!({"openapi": "next", "paths": {}})).unwrap(), (Version::Three, 1));
        for none in [json!([]), json!("text"), json!({}), json!({"swagger": "1.2", "apis": []}), json!(null)] {
            assert!(read(none.clone()).is_err(), "{none}");
        }
    }
}

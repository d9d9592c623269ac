//! Security schemes and requirements.

use std::{collections::HashSet, sync::Arc};

use serde_json::{Map, Value};

use super::{
    document::{Document, Version},
    text::step,
};
use crate::{
    security::{CredentialPlace, Place, Requirement, Security},
    trouble::Troubles,
};

/// What the document as a whole says on security.
pub(crate) struct Schemes {
    pub(crate) places: Vec<CredentialPlace>,
    defined: HashSet<String>,
    /// What holds for operations that say nothing of their own.
    default: Arc<Security>,
    /// Whether some of that could not be read.
    default_unread: bool,
}

/// What one operation says.
pub(crate) struct Stated {
    pub(crate) security: Arc<Security>,
    pub(crate) open: bool,
    /// Whether some of it could not be read: its scopes could name any power.
    pub(crate) unread: bool,
}

impl Schemes {
    pub(crate) fn of(document: &Document, troubles: &mut Troubles) -> Self {
        let names: &[&str] = match document.version {
            Version::Two => &["securityDefinitions"],
            Version::Three => &["components", "securitySchemes"],
        };
        let mut schemes =
            Self { places: Vec::new(), defined: HashSet::new(), default: Arc::default(), default_unread: false };
        let at: String = names.iter().map(|name| step(name)).collect();
        for (name, scheme) in document.object(names, troubles).into_iter().flatten() {
            let at = at.clone() + &step(name);
            schemes.defined.insert(name.clone());
            let Some(scheme) = document.follow(scheme, &at, troubles) else { continue };
            match place(scheme) {
                Ok(place) => schemes.places.push(CredentialPlace { scheme: name.clone(), place }),
                Err(what) => {
                    troubles.at(&at, what, "say where its credential travels, or name the place in the settings")
                }
            }
        }
        let default = document.member("security").map(|default| schemes.parse(default, "/security", troubles));
        if let Some(stated) = default {
            if stated.open {
                troubles.at(
                    "/security",
                    "the document lets anybody in by default; that opens no operation",
                    "write `security: []` at each operation that is meant to be open",
                );
            }
            (schemes.default, schemes.default_unread) = (stated.security, stated.unread);
        }
        schemes
    }

    /// What an operation demands. Only its own words open it: `security: []`, or an empty
    /// alternative. A word that cannot be read opens nothing.
    pub(crate) fn stated(&self, operation: &Map<String, Value>, at: &str, troubles: &mut Troubles) -> Stated {
        let default = || (Arc::clone(&self.default), self.default_unread);
        let Some(own) = operation.get("security") else {
            let (security, unread) = default();
            return Stated { security, open: false, unread };
        };
        let stated = self.parse(own, &format!("{at}/security"), troubles);
        if own.is_array() { stated } else { Stated { security: default().0, ..stated } }
    }

    fn parse(&self, value: &Value, at: &str, troubles: &mut Troubles) -> Stated {
        let Some(list) = value.as_array() else {
            troubles.at(at, "this is no list of requirements", "write a list, `[]` for what is open to anybody");
            return Stated { security: Arc::default(), open: false, unread: true };
        };
        let (mut open, mut unread) = (list.is_empty(), false);
        let mut alternatives = Vec::new();
        for (place, alternative) in list.iter().enumerate() {
            let Some(alternative) = alternative.as_object() else {
                troubles.at(
                    &format!("{at}/{place}"),
                    "this is no requirement",
                    "write `- name: []` with a scheme's name",
                );
                unread = true;
                continue;
            };
            if alternative.is_empty() {
                open = true;
                continue;
            }
            for name in alternative.keys().filter(|name| !self.defined.contains(*name)) {
                troubles.once(at, format!("security scheme `{name}` is not defined"), "define it, or correct the name");
            }
            unread |= alternative.values().any(|scopes| !scopes.is_array() && !scopes.is_null());
            alternatives.push(alternative.iter().map(requirement).collect());
        }
        Stated { security: Arc::new(Security { alternatives }), open, unread }
    }
}

fn requirement((scheme, scopes): (&String, &Value)) -> Requirement {
    let scopes = scopes.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
    Requirement { scheme: scheme.clone(), scopes }
}

fn place(scheme: &Value) -> Result<Place, String> {
    let word = |name: &str| scheme.get(name).and_then(Value::as_str);
    let name =
        || word("name").filter(|name| !name.is_empty()).map(str::to_owned).ok_or("the key has no name".to_owned());
    match word("type").unwrap_or_default().to_ascii_lowercase().as_str() {
        "apikey" => match word("in").unwrap_or_default().to_ascii_lowercase().as_str() {
            "header" => Ok(Place::Header(name()?)),
            "query" => Ok(Place::Query(name()?)),
            "cookie" => Ok(Place::Cookie(name()?)),
            other => Err(format!("a key in `{other}` is not known")),
        },
        "http" => match word("scheme").unwrap_or_default() {
            "" => Err("the HTTP scheme has no name".to_owned()),
            bearer if bearer.eq_ignore_ascii_case("bearer") => Ok(Place::Bearer),
            basic if basic.eq_ignore_ascii_case("basic") => Ok(Place::Basic),
            other => Ok(Place::Authorization(other.to_owned())),
        },
        "basic" => Ok(Place::Basic),
        "oauth2" | "openidconnect" => Ok(Place::Bearer),
        "mutualtls" => Ok(Place::Certificate),
        other => Err(format!("security of type `{other}` is not known")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schemes(root: Value) -> (Schemes, usize) {
        let mut troubles = Troubles::default();
        let document = Document::of(root, &mut troubles).unwrap();
        (Schemes::of(&document, &mut troubles), troubles.into_list().len())
    }

    #[test]
    fn every_place_is_read() {
        let (schemes, troubles) = schemes(json!({"openapi": "3.1.0", "components": {"securitySchemes": {
            "a": {"type": "apiKey", "in": "header", "name": "X-Key"},
            "b": {"type": "apiKey", "in": "query", "name": "key"},
            "c": {"type": "apiKey", "in": "cookie", "name": "sid"},
            "d": {"type": "http", "scheme": "Bearer"}, "e": {"type": "http", "scheme": "basic"},
            "f": {"type": "http", "scheme": "Token"}, "g": {"type": "oauth2"}, "h": {"type": "openIdConnect"},
            "i": {"type": "mutualTLS"}, "j": {"$ref": "#/components/securitySchemes/a"},
            "k": {"type": "apiKey", "in": "header"}, "l": {"type": "magic"}, "m": 7,
        }}}));
        let places: Vec<Place> = schemes.places.into_iter().map(|place| place.place).collect();
        let header = Place::Header("X-Key".into());
        assert_eq!(
            places,
            [
                header.clone(),
                Place::Query("key".into()),
                Place::Cookie("sid".into()),
                Place::Bearer,
                Place::Basic,
                Place::Authorization("Token".into()),
                Place::Bearer,
                Place::Bearer,
                Place::Certificate,
                header
            ]
        );
        assert_eq!(troubles, 3);
    }

    #[test]
    fn only_an_operations_own_words_open_it() {
        let (schemes, troubles) = schemes(json!({"swagger": "2.0", "security": [],
            "securityDefinitions": {"key": {"type": "basic"}}}));
        assert_eq!(troubles, 1);
        let open = |operation: Value| schemes.stated(operation.as_object().unwrap(), "", &mut Troubles::default()).open;
        assert!(open(json!({"security": []})));
        assert!(open(json!({"security": [{"key": []}, {}]})));
        for closed in [
            json!({}),
            json!({"security": null}),
            json!({"security": {}}),
            json!({"security": ""}),
            json!({"security": [null]}),
            json!({"security": [[]]}),
            json!({"security": [{"nowhere": []}]}),
            json!({"security": [{"key": null}]}),
        ] {
            assert!(!open(closed.clone()), "{closed}");
        }
    }

    #[test]
    fn alternatives_and_pairs_are_kept_apart() {
        let (schemes, _) =
            schemes(json!({"openapi": "3.0.0", "security": [{"a": [], "b": []}, {"c": ["read", "write"]}]}));
        let stated = schemes.stated(&Map::new(), "", &mut Troubles::default());
        let names: Vec<Vec<&str>> = stated
            .security
            .alternatives
            .iter()
            .map(|all| all.iter().map(|one| one.scheme.as_str()).collect())
            .collect();
        assert_eq!(names, [vec!["a", "b"], vec!["c"]]);
        assert_eq!(stated.security.alternatives[1][0].scopes, ["read", "write"]);
        assert!(!stated.open);
    }
}

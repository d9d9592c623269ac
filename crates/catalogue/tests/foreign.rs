//! Any bytes are read without a panic, and nothing that is wrong in a document opens or
//! weakens what it describes.

use catalogue::{Asked, Catalogue, Found, Lock, SelectorRule, Settings};
use law::Powers;
use proptest::prelude::*;
use serde_json::{Value, json};

fn document() -> Value {
    json!({
        "openapi": "3.1.0",
        "servers": [{"url": "/v1"}],
        "security": [{"key": []}],
        "components": {
            "securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-Key"}},
            "schemas": {"User": {"properties": {
                "name": {"type": "string"}, "role": {"enum": ["admin"]}, "boss": {"$ref": "#/components/schemas/User"}
            }}}
        },
        "paths": {
            "/users/{name}": {
                "parameters": [{"name": "name", "in": "path", "required": true, "schema": {"type": "string"}}],
                "delete": {"operationId": "deleteUser", "security": [{"key": []}], "responses": {"204": {}}},
                "patch": {
                    "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/User"}}}},
                    "responses": {"200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/User"}}}}}
                }
            },
            "/#Action=CreateToken": {"post": {"parameters": [{"name": "Action", "in": "query"}], "responses": {}}}
        }
    })
}

/// Replaces, removes or renames one place of a document.
fn mutate(value: &mut Value, mut place: usize, with: &Value, how: u8) {
    let mut pointers = Vec::new();
    every_pointer(value, String::new(), &mut pointers);
    place %= pointers.len();
    let Some((parent, name)) = pointers.swap_remove(place).rsplit_once('/').map(|(a, b)| (a.to_owned(), b.to_owned()))
    else {
        *value = with.clone();
        return;
    };
    let name = name.replace("~1", "/").replace("~0", "~");
    match value.pointer_mut(&parent) {
        Some(Value::Object(object)) => {
            let old = object.remove(&name);
            match how {
                0 => {}
                1 => drop(object.insert(with.to_string(), old.unwrap_or_default())),
                _ => drop(object.insert(name, with.clone())),
            }
        }
        Some(Value::Array(list)) => {
            if let Some(slot) = name.parse::<usize>().ok().and_then(|number| list.get_mut(number)) {
                *slot = with.clone();
            }
        }
        _ => {}
    }
}

fn every_pointer(value: &Value, at: String, into: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            for (name, below) in object {
                every_pointer(below, format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")), into);
            }
        }
        Value::Array(list) => {
            for (number, below) in list.iter().enumerate() {
                every_pointer(below, format!("{at}/{number}"), into);
            }
        }
        _ => {}
    }
    into.push(at);
}

/// Whether a document says anywhere, in so many words, that something is open to anybody.
fn says_open(value: &Value) -> bool {
    let empty = |value: &Value| value.as_object().is_some_and(serde_json::Map::is_empty);
    match value {
        Value::Object(object) => object.iter().any(|(name, below)| {
            let list = below.as_array().filter(|_| name == "security");
            list.is_some_and(|list| list.is_empty() || list.iter().any(empty)) || says_open(below)
        }),
        Value::Array(list) => list.iter().any(says_open),
        _ => false,
    }
}

/// What a broken document may hold anywhere.
fn junk() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!(null)),
        Just(json!(7)),
        Just(json!(true)),
        Just(json!([null])),
        Just(json!([[]])),
        Just(json!({"$ref": "#"})),
        Just(json!({"$ref": "#/paths"})),
        Just(json!({"$ref": "https://elsewhere.example/"})),
        Just(json!([{"$ref": "#/components/schemas/User"}])),
        Just(json!({"allOf": [{"$ref": "#/components/schemas/User"}], "items": 3})),
        "[a-z/{}#?=*+~%é]{0,8}".prop_map(Value::from),
    ]
}

fn ask_everything(catalogue: &Catalogue) {
    for method in ["GET", "HEAD", "POST", "DELETE", "PATCH"] {
        for path in [&["v1", "users", "ann"][..], &["v1", ""], &["users", "ann"], &[""], &[]] {
            if let Found::Choice(choice) = catalogue.find(method, path) {
                let _ = choice.select(&Asked { query: "Action=CreateToken", body: Some(b"{}"), ..Asked::default() });
            }
        }
    }
}

proptest! {
    #[test]
    fn a_broken_document_opens_nothing_and_makes_no_undescribed_call_easier(
        mutations in prop::collection::vec((any::<usize>(), junk(), 0_u8..4), 1..5),
    ) {
        let mut broken = document();
        for (place, with, how) in mutations {
            mutate(&mut broken, place, &with, how);
        }
        prop_assume!(!says_open(&broken));
        let Ok(reading) = Catalogue::read(broken.to_string().as_bytes(), &Settings::default()) else { return Ok(()) };
        ask_everything(&reading.catalogue);
        for operation in reading.catalogue.operations() {
            prop_assert!(!operation.open, "{}", operation.name);
            prop_assert!(!operation.powers.is_empty() && Powers::EVERY.is_superset(operation.powers));
        }
        for path in [&["v1", "nowhere"][..], &["v1", "users"], &["v1", "users", "ann", "x"]] {
            if let found @ Found::Undescribed = reading.catalogue.find("DELETE", path) {
                prop_assert_eq!(found.powers(), Powers::EVERY);
            }
        }
        let lock = Lock::of(&reading.catalogue, "");
        prop_assert_eq!(Lock::read(&lock.write()).unwrap(), lock);
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>, text in "[-a-z0-9{}\\[\\]:,&*<\"'#| \n\t!%?~]{0,80}") {
        for bytes in [&bytes[..], text.as_bytes(), format!("openapi: 3.0.0\npaths:\n  {text}").as_bytes()] {
            if let Ok(reading) = Catalogue::read(bytes, &Settings::default()) {
                ask_everything(&reading.catalogue);
            }
        }
    }

    #[test]
    fn any_pattern_and_any_selector_are_taken_without_a_panic(
        pattern in "(GET|POST|\\*) /[a-z*{}/#=]{0,12}", value in "\\PC{0,6}", name in "\\PC{0,6}",
    ) {
        let Ok(operation) = pattern.parse() else { return Ok(()) };
        for by in [json!({"query": name}), json!({"json": name}), json!({"header": name}), json!("graphql")] {
            let by = serde_json::from_value(by).unwrap();
            let rule = SelectorRule { operation: Clone::clone(&operation), by, values: [(value.clone(), None)].into() };
            let settings = Settings { selectors: vec![rule], ..Settings::default() };
            let reading = Catalogue::read(document().to_string().as_bytes(), &settings).unwrap();
            ask_everything(&reading.catalogue);
        }
    }
}

//! Any query as GraphQL, and any body where a field selects the operation: what selects
//! nothing has every power, and a dangerous field is never judged by a harmless one.
#![no_main]

use std::{collections::BTreeMap, sync::LazyLock};

use catalogue::{Asked, Catalogue, Found, SelectBy, Selected, SelectorRule, Settings};
use law::{Power, Powers};
use libfuzzer_sys::fuzz_target;

const DOCUMENT: &str = r#"{"openapi":"3.0.0","info":{"title":"t","version":"1"},"paths":{
    "/graphql":{"post":{"responses":{"200":{"description":"ok"}}}},
    "/act":{"post":{"responses":{"200":{"description":"ok"}}}}}}"#;

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| {
    let powers = |power: Power| Some(Powers::from(power));
    let rule = |operation: &str, by, values: &[(&str, Power)]| SelectorRule {
        operation: operation.parse().expect("a pattern"),
        by,
        values: values.iter().map(|(value, power)| ((*value).to_owned(), powers(*power))).collect::<BTreeMap<_, _>>(),
    };
    let fields = [("query.users", Power::Read), ("mutation.deleteUser", Power::Destroy)];
    let acts = [("list", Power::Read), ("delete", Power::Destroy)];
    let settings = Settings {
        selectors: vec![
            rule("POST /graphql", SelectBy::GraphQl, &fields),
            rule("POST /act", SelectBy::Json("action".to_owned()), &acts),
        ],
        ..Settings::default()
    };
    Catalogue::read(DOCUMENT.as_bytes(), &settings).expect("a document").catalogue
});

fuzz_target!(|data: (bool, &str, &str)| {
    let (as_json, query, text) = data;
    let body = if as_json { text.to_owned() } else { serde_json::json!({ "query": text }).to_string() };
    let asked = Asked { query, headers: &[], content_type: Some("application/json"), body: Some(body.as_bytes()) };
    for address in ["graphql", "act"] {
        let segments = [address];
        let Found::Choice(choice) = CATALOGUE.find("POST", &segments) else { panic!("/{address} has a choice") };
        let powers = choice.select(&asked).powers();
        assert!(!powers.is_empty());
        // What cannot be had selects nothing.
        let unread = choice.select(&Asked { body: None, ..asked });
        assert!(matches!(unread, Selected::Undescribed(_)) && unread.powers() == Powers::EVERY);
    }
    // A field in front of what is judged adds its power, wherever the text ends up.
    let both = format!("mutation {{ deleteUser(id: 1) {{ id }} }} {text}");
    let body = serde_json::json!({ "query": both }).to_string();
    let segments = ["graphql"];
    if let Found::Choice(choice) = CATALOGUE.find("POST", &segments) {
        let asked = Asked { query: "", body: Some(body.as_bytes()), ..asked };
        assert!(choice.select(&asked).powers().contains(Power::Destroy), "{both}");
    }
});

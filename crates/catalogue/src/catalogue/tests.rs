use law::Power;

use super::*;
use crate::{Asked, Override, Unselected};

fn catalogue(document: &str, settings: &Settings) -> Catalogue {
    let Reading { catalogue, troubles } = Catalogue::read(document.as_bytes(), settings).unwrap();
    assert!(troubles.is_empty(), "{troubles:?}");
    catalogue
}

fn overrides(powers: &[(&str, &[Power])]) -> Settings {
    let rule = |(operation, powers): &(&str, &[Power])| Override {
        operation: operation.parse().unwrap(),
        powers: powers.iter().copied().collect(),
    };
    Settings { overrides: powers.iter().map(rule).collect(), ..Settings::default() }
}

/// The name of what is found, `?` for a choice, `-` for nothing.
fn find(catalogue: &Catalogue, method: &str, path: &str) -> String {
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    match catalogue.find(method, &segments) {
        Found::Described(found) => found.operation.name.to_string(),
        Found::Choice(_) => "?".to_owned(),
        Found::Undescribed => "-".to_owned(),
    }
}

const USERS: &str = "
openapi: 3.1.0
servers: [{url: 'https://api.example.com/v1/'}, {url: /beta}]
paths:
  /users: {get: {}, post: {}}
  /users/{name}: {get: {}, delete: {}}
  /users/me: {get: {}, head: {}}
  /files/{path}/raw: {get: {parameters: [{name: path, in: path, x-multi-segment: true}]}}
";

#[test]
fn a_second_method_matters_where_another_could_do_more_at_the_same_path() {
    let document = "
openapi: 3.0.0
paths:
  /users/{name}: {post: {summary: Update a user}, delete: {summary: Delete a user}}
  /users/me: {post: {summary: Update your profile}}
  /users: {post: {summary: Search for users}}
  /teams/{name}: {post: {summary: Update a team}, get: {summary: Show a team}}
  /files/{path*}: {delete: {summary: Delete a file}}
  /files/a/b: {put: {summary: Update a file}}
";
    let catalogue = catalogue(document, &Settings::default());
    let weaker = catalogue.is_weaker_than_others();
    let is_weaker = |name: &str| weaker[catalogue.named(name).unwrap().0.0 as usize];
    for name in ["POST /users/{name}", "POST /users/me", "PUT /files/a/b"] {
        assert!(is_weaker(name), "{name}");
    }
    for name in ["DELETE /users/{name}", "POST /users", "POST /teams/{name}"] {
        assert!(!is_weaker(name), "{name}");
    }
    let others = |path: &[&str]| catalogue.powers_of_others("POST", &[path.to_vec()]).unwrap();
    assert!(others(&["users", "me"]).contains(Power::Destroy));
    assert!(!others(&["teams", "x"]).is_sensitive());
}

#[test]
fn paths_are_found_below_every_base() {
    let catalogue = catalogue(USERS, &Settings::default());
    assert_eq!(find(&catalogue, "GET", "/v1/users"), "GET /users");
    assert_eq!(find(&catalogue, "GET", "/beta/users/ann"), "GET /users/{name}");
    for path in
        ["/users", "/v1", "/v2/users", "/v1/v1/users", "/V1/users", "/v1/users/", "/v1/Users", "/v1/users/ann/x"]
    {
        assert_eq!(find(&catalogue, "GET", path), "-", "{path}");
    }
}

#[test]
fn the_settings_say_where_paths_begin_and_how_strict_they_are() {
    let settings = Settings {
        base: Some("/api/".into()),
        case: Case::Insensitive,
        trailing_slash: TrailingSlash::Ignored,
        ..Settings::default()
    };
    let catalogue = catalogue(USERS, &settings);
    for path in ["/api/users", "/API/Users/", "/api/users/"] {
        assert_eq!(find(&catalogue, "GET", path), "GET /users", "{path}");
    }
    assert_eq!(find(&catalogue, "GET", "/v1/users"), "-");
    assert_eq!(find(&catalogue, "GET", "/api/users//"), "-");
}

#[test]
fn head_and_options_are_judged_as_get_unless_they_are_described() {
    let catalogue = catalogue(USERS, &Settings::default());
    assert_eq!(find(&catalogue, "HEAD", "/v1/users"), "GET /users");
    assert_eq!(find(&catalogue, "HEAD", "/v1/users/me"), "HEAD /users/me");
    assert_eq!(find(&catalogue, "OPTIONS", "/v1/users"), "GET /users");
    for method in ["PUT", "get", "PURGE", "options", ""] {
        assert_eq!(find(&catalogue, method, "/v1/users"), "-", "{method}");
    }
}

#[test]
fn parameters_are_slices_of_the_path() {
    let catalogue = catalogue(USERS, &Settings::default());
    let segments = ["v1", "files", "a/b", "c", "raw"];
    let Found::Described(found) = catalogue.find("GET", &segments) else { panic!() };
    let values: Vec<(&str, String)> = found.parameters.iter().map(|(name, value)| (*name, value.to_string())).collect();
    assert_eq!(values, [("path", "a/b/c".to_owned())]);
    assert_eq!(find(&catalogue, "GET", "/v1/files/raw"), "-");
    assert_eq!(find(&catalogue, "GET", "/v1/files//raw"), "-");
}

#[test]
fn a_slash_inside_a_segment_belongs_to_its_parameter() {
    let catalogue = catalogue(USERS, &Settings::default());
    let Found::Described(found) = catalogue.find("DELETE", &["v1", "users", "ann/../me"]) else { panic!() };
    assert_eq!(found.parameters[0].1.as_str(), Some("ann/../me"));
    assert!(matches!(catalogue.find("GET", &["v1", "users/me"]), Found::Undescribed));
}

#[test]
fn two_equal_templates_have_the_powers_of_both_and_are_open_if_both_are() {
    let settings = overrides(&[
        ("POST /a/{x}", &[Power::Read]),
        ("POST /{y}/b", &[Power::Mint, Power::Grant]),
        ("POST /a/b/{x}", &[Power::Spend]),
    ]);
    let document = "
openapi: 3.0.0
paths:
  /a/{x}: {post: {security: []}}
  /{y}/b: {post: {}}
  /a/b/{x}: {post: {security: []}}
";
    let catalogue = catalogue(document, &settings);
    let Found::Described(found) = catalogue.find("POST", &["a", "b"]) else { panic!() };
    assert_eq!(&*found.operation.name, "POST /{y}/b");
    assert_eq!(found.powers, [Power::Read, Power::Mint, Power::Grant].into_iter().collect());
    assert!(!found.open);
    let Found::Described(found) = catalogue.find("POST", &["a", "c"]) else { panic!() };
    assert!(found.open && found.powers == Power::Read.into());
}

#[test]
fn a_base_of_an_operation_is_its_own() {
    let document = "
openapi: 3.0.0
servers: [{url: /api}]
paths:
  /assets: {post: {servers: [{url: 'https://uploads.example.com/up'}]}, get: {}}
";
    let here = catalogue(document, &Settings::default());
    assert_eq!(find(&here, "POST", "/up/assets"), "POST /assets");
    assert_eq!(find(&here, "POST", "/api/assets"), "-");
    assert_eq!(find(&here, "GET", "/api/assets"), "GET /assets");
    let configured = catalogue(document, &Settings { base: Some(String::new()), ..Settings::default() });
    assert_eq!(find(&configured, "POST", "/assets"), "POST /assets");
}

#[test]
fn what_stands_behind_the_path_selects() {
    let document = "
openapi: 3.0.0
paths:
  /?Action=ListUsers: {get: {}}
  /#Action=DeleteUser:
    get: {parameters: [{name: Action, in: query}]}
    post: {parameters: [{name: Action, in: query}]}
  /#X-Target=Store.Put: {post: {parameters: [{name: X-Target, in: header}]}}
  /tags/{id}: {get: {}, delete: {}}
  /tags/{id}#keys: {delete: {parameters: [{name: keys, in: query}]}}
  /tags/{id}#label: {get: {}}
";
    let settings = overrides(&[("GET /?Action=ListUsers", &[Power::Read])]);
    let Reading { catalogue, troubles } = Catalogue::read(document.as_bytes(), &settings).unwrap();
    assert_eq!(troubles.len(), 1, "a pattern is written with `#`: {troubles:?}");
    let select = |method: &str, path: &[&str], asked: &Asked<'_>| match catalogue.find(method, path) {
        Found::Choice(choice) => match choice.select(asked) {
            Selected::Described(found) => found.operation.name.to_string(),
            Selected::Undescribed(why) => why.to_string(),
        },
        other => format!("{other:?}"),
    };
    let none = Asked { body: Some(b""), ..Asked::default() };
    let query = |query| Asked { query, ..none };
    let form = Asked { content_type: Some("application/x-www-form-urlencoded"), ..none };
    assert_eq!(select("GET", &[""], &query("Action=ListUsers")), "GET /#Action=ListUsers");
    assert_eq!(select("GET", &[""], &query("Action=DeleteUser")), "GET /#Action=DeleteUser");
    assert_eq!(select("GET", &[""], &query("Action=Purge")), Unselected::Unknown.to_string());
    assert_eq!(select("POST", &[""], &Asked { body: Some(b"Action=DeleteUser"), ..form }), "POST /#Action=DeleteUser");
    let headers = [("x-target", "Store.Put")];
    assert_eq!(select("POST", &[""], &Asked { headers: &headers, ..none }), "POST /#X-Target=Store.Put");
    assert_eq!(select("DELETE", &["tags", "7"], &none), "DELETE /tags/{id}");
    assert_eq!(select("DELETE", &["tags", "7"], &query("keys=a&keys=b")), "DELETE /tags/{id}#keys");
    let Found::Choice(choice) = catalogue.find("POST", &[""]) else { panic!() };
    assert!(choice.needs_body(Some("application/json")) && !choice.is_by_query());
    assert!(choice.needs_header("x-target") && choice.needs_header("X_Target"));
    assert_eq!(choice.candidates().count(), 2);
    // Nothing in a request shows a label, so it may always be either.
    let Found::Choice(choice) = catalogue.find("GET", &["tags", "7"]) else { panic!() };
    assert!(!choice.needs_body(Some("application/json")));
    assert!(matches!(choice.select(&none), Selected::Described(_)));
}

#[test]
fn a_value_that_the_document_rules_out_asks_for_something_else() {
    let document = r#"{"openapi": "3.1.0", "info": {}, "paths": {
            "/orders/{id}": {
                "parameters": [{"name": "id", "in": "path", "schema": {"type": "integer"}}],
                "get": {}, "post": {}
            },
            "/orders/{id}:cancel": {"post": {}},
            "/notes/{name}": {"get": {}}
        }}"#;
    let catalogue = catalogue(document, &Settings::default());
    let find = |method: &str, path: &[&str]| catalogue.find(method, path).names().join(" ");
    for id in ["7", "-7", "7,8,9", "007"] {
        assert_eq!(find("GET", &["orders", id]), "GET /orders/{id}", "{id}");
    }
    for id in ["export-all", "7/refund", "7.json", "7:refund", "-", ","] {
        assert_eq!(find("GET", &["orders", id]), "", "{id}");
    }
    assert_eq!(find("POST", &["orders", "7:cancel"]), "POST /orders/{id}:cancel");
    assert_eq!(find("POST", &["orders", "7:refund"]), "", "where some verbs are described, others may be left out");
    assert_eq!(find("GET", &["notes", "a:b:purge"]), "");
    assert_eq!(find("GET", &["notes", "2026-11-30T10:00"]), "GET /notes/{name}", "that is no verb");
}

#[test]
fn an_encoded_slash_divides_unless_the_upstream_keeps_it() {
    let document = r#"{"openapi": "3.1.0", "info": {}, "paths": {
            "/users/{name}": {"get": {"summary": "Show a user"}},
            "/users/{name}/notes": {"get": {"summary": "List notes"}}
        }}"#;
    let powers = |encoded_slash: EncodedSlash, last: &'static str| {
        let settings = Settings { encoded_slash, ..Settings::default() };
        let catalogue = catalogue(document, &settings);
        let readings = [vec!["users", last], ["users"].into_iter().chain(last.split('/')).collect()];
        let (found, beside) = catalogue.find_however_read("GET", &readings).unwrap();
        found.powers().union(beside.powers)
    };
    let read = Powers::from(Power::Read);
    assert_eq!(powers(EncodedSlash::Either, "bob/keys"), Powers::EVERY);
    assert_eq!(powers(EncodedSlash::Either, "bob/notes"), read);
    assert_eq!(powers(EncodedSlash::Value, "bob/keys"), read);
}

#[test]
fn an_operation_is_found_by_its_name() {
    let catalogue = catalogue(USERS, &Settings::default());
    let (id, operation) = catalogue.named("DELETE /users/{name}").unwrap();
    assert_eq!(catalogue.operation(id).unwrap().name, operation.name);
    assert!(catalogue.named("DELETE /users").is_none());
    assert!(catalogue.operation(OperationId(u32::MAX)).is_none());
}

#[test]
fn methods_that_a_caller_makes_up_have_one_name() {
    let document = br#"{"openapi": "3.1.0", "info": {}, "paths": {"/a": {"trace": {}, "query": {}}}}"#;
    let catalogue = Catalogue::read(document, &Settings::default()).unwrap().catalogue;
    let names = ["GET", "TRACE", "PROPFIND", "A1", "get"].map(|method| catalogue.undescribed(method));
    assert_eq!(names, ["GET *", "TRACE *", "OTHER *", "OTHER *", "OTHER *"]);
}

#[test]
fn a_template_that_cannot_be_matched_is_told_and_stays_undescribed() {
    let document = "{openapi: 3.0.0, paths: {'/a/{+x}/{+y}': {get: {}}}}";
    let Reading { catalogue, troubles } = Catalogue::read(document.as_bytes(), &Settings::default()).unwrap();
    assert_eq!(troubles.len(), 1);
    assert_eq!(troubles[0].pointer.as_deref(), Some("/paths/~1a~1{+x}~1{+y}/get"));
    assert_eq!(find(&catalogue, "GET", "/a/b/c"), "-");
}

#[test]
fn what_takes_a_body_is_what_the_document_says() {
    let three = "
openapi: 3.0.0
components: {requestBodies: {Any: {content: {text/plain: {}}}}}
paths:
  /a: {post: {requestBody: {$ref: '#/components/requestBodies/Any'}}, put: {}, get: {parameters: [{name: q, in: query}]}}
";
    let two = "
swagger: '2.0'
paths:
  /a:
    post: {parameters: [{name: it, in: body, schema: {type: object}}]}
    put: {parameters: [{name: it, in: formData, type: string}]}
    get: {parameters: [{name: q, in: query, type: string}]}
";
    for (document, taking) in [(three, vec!["POST /a"]), (two, vec!["POST /a", "PUT /a"])] {
        let catalogue = Catalogue::read(document.as_bytes(), &Settings::default()).unwrap().catalogue;
        let mut takes: Vec<&str> =
            catalogue.operations().iter().filter(|one| one.takes_body).map(|one| &*one.name).collect();
        takes.sort_unstable();
        assert_eq!(takes, taking);
    }
}

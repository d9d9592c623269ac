//! Documents of every version, whole and broken, read from their bytes.

#![expect(clippy::unwrap_used, reason = "a failed unwrap in a test is a failed test")]

use catalogue::{Catalogue, CredentialPlace, Found, Operation, Place, ReadError, Reading, Settings};

fn read(document: &str) -> Reading {
    Catalogue::read(document.as_bytes(), &Settings::default()).unwrap()
}

fn operation<'r>(reading: &'r Reading, name: &str) -> &'r Operation {
    reading.catalogue.named(name).unwrap().1
}

const TWO: &str = r##"{
  "swagger": "2.0",
  "basePath": "/v2/",
  "consumes": ["application/json"], "produces": ["application/json"],
  "securityDefinitions": {
    "key": {"type": "apiKey", "in": "header", "name": "X-Key"},
    "flow": {"type": "oauth2", "flow": "implicit", "scopes": {"pets:write": "change pets"}}
  },
  "security": [{"key": []}],
  "parameters": {"limit": {"name": "limit", "in": "query", "type": "integer"}},
  "responses": {"Pets": {"description": "pets", "schema": {"type": "array", "items": {"$ref": "#/definitions/Pet"}}}},
  "definitions": {"Pet": {"type": "object", "properties": {"name": {"type": "string"}}}},
  "paths": {
    "/pets": {
      "parameters": [{"$ref": "#/parameters/limit"}],
      "get": {"operationId": "listPets", "tags": ["pets"], "responses": {"200": {"$ref": "#/responses/Pets"}}},
      "post": {
        "parameters": [{"name": "pet", "in": "body", "schema": {"$ref": "#/definitions/Pet"}}],
        "security": [{"flow": ["pets:write"]}, {"key": []}],
        "responses": {"201": {"schema": {"$ref": "#/definitions/Pet"}}}
      }
    },
    "/login": {"post": {
      "security": [],
      "parameters": [{"name": "password", "in": "formData", "type": "string"}],
      "responses": {"200": {"schema": {"properties": {"token": {"type": "string"}}}}}
    }}
  }
}"##;

#[test]
fn a_document_of_version_2_is_read() {
    let reading = read(TWO);
    assert!(reading.troubles.is_empty(), "{:?}", reading.troubles);
    let list = operation(&reading, "GET /pets");
    assert_eq!((list.list.as_deref(), &list.paging[..]), (Some(""), &["limit".to_owned()][..]));
    assert_eq!(list.security.alternatives[0][0].scheme, "key");
    let create = operation(&reading, "POST /pets");
    assert_eq!((create.security.alternatives.len(), create.open), (2, false));
    assert_eq!(create.security.alternatives[0][0].scopes, ["pets:write"]);
    assert!(operation(&reading, "POST /login").open);
    assert!(matches!(reading.catalogue.find("GET", &["v2", "pets"]), Found::Described(_)));
    let place = |scheme: &str, place| CredentialPlace { scheme: scheme.to_owned(), place };
    let places = [place("flow", Place::Bearer), place("key", Place::Header("X-Key".to_owned()))];
    assert_eq!(reading.catalogue.credential_places(), places);
}

const THREE: &str = "
openapi: 3.1.0
servers: [{url: '/{base}', variables: {base: {default: api}}}]
security: [{key: [], sign: []}]
components:
  securitySchemes:
    key: {type: apiKey, in: query, name: api_key}
    sign: {type: apiKey, in: header, name: X-Sign}
  parameters:
    Page: {name: page, in: query, schema: {type: integer}}
  requestBodies:
    NewKey: {content: {application/json: {schema: {$ref: '#/components/schemas/NewKey'}}}}
  responses:
    Key: {content: {application/json: {schema: {$ref: '#/components/schemas/Key'}}}}
  schemas:
    NewKey: {type: object, properties: {name: {type: string}, scopes: {type: array, items: {enum: [read, admin]}}}}
    Key:
      allOf:
        - $ref: '#/components/schemas/NewKey'
        - {properties: {data: {properties: {token: {type: [string, 'null']}}}}}
  pathItems:
    Keys:
      get:
        summary: Lists keys
        parameters: [{$ref: '#/components/parameters/Page'}, {name: X-Trace, in: header, schema: {type: string}}]
        responses:
          200: {content: {application/json: {schema: {properties: {
            keys: {type: array, items: {$ref: '#/components/schemas/NewKey'}}, next: {type: string}}}}}}
      post:
        description: |

          Makes an API token.
          More.
        requestBody: {$ref: '#/components/requestBodies/NewKey'}
        responses: {2XX: {$ref: '#/components/responses/Key'}}
paths:
  /users/{name}/tokens: {$ref: '#/components/pathItems/Keys'}
";

#[test]
fn a_document_of_version_3_is_read_through_all_its_references() {
    let reading = read(THREE);
    assert!(reading.troubles.is_empty(), "{:?}", reading.troubles);
    let list = operation(&reading, "GET /users/{name}/tokens");
    assert_eq!((list.list.as_deref(), &list.paging[..]), (Some("/keys"), &["page".to_owned()][..]));
    assert_eq!(list.minted(), None);
    let create = operation(&reading, "POST /users/{name}/tokens");
    assert_eq!(create.minted(), Some("/data/token"));
    assert_eq!(create.summary.as_deref(), Some("Makes an API token."));
    assert!(reading.catalogue.credentials_together().contains(&vec!["key", "sign"]));
    assert!(matches!(reading.catalogue.find("POST", &["api", "users", "ann", "tokens"]), Found::Described(_)));
}

#[test]
fn what_is_wrong_is_told_with_its_line_and_the_rest_is_read() {
    let reading = read(
        "openapi: 3.0.0
info: [no, object]
paths:
  /good: {get: {}}
  /bad: 7
  /worse:
    get: [no, operation]
    gett: {}
    parameters: none
    additionalOperations: {COPY: {}, 'GET /good': {}}
    post:
      parameters: [{in: query}, {name: x}, 7, {$ref: 'other.yaml#/x'}, {$ref: '#/nowhere'}]
      requestBody: {$ref: 'https://elsewhere.example/body.json'}
      responses: none
      security: open
      servers: [7]
  x-hidden: {get: {}}
  relative/path: {get: {}}
components: {securitySchemes: {odd: {type: odd}}}
",
    );
    let names: Vec<&str> = reading.catalogue.operations().iter().map(|operation| &*operation.name).collect();
    let lost = ["DELETE /bad", "GET /bad", "PATCH /bad", "POST /bad", "PUT /bad"];
    let rest = ["GET /good", "GET /relative/path", "COPY /worse", "GET /worse", "POST /worse"];
    assert_eq!(names, [lost, rest].concat());
    for operation in reading.catalogue.operations() {
        let is_whole = matches!(&*operation.name, "GET /good" | "GET /relative/path");
        assert_eq!(operation.powers == law::Powers::EVERY, !is_whole, "{}", operation.name);
    }
    assert!(reading.catalogue.operations().iter().all(|operation| !operation.open));
    let told: Vec<String> = reading.troubles.iter().map(ToString::to_string).collect();
    for (line, what) in [
        (5, "no path item"),
        (7, "no operation"),
        (8, "`gett` is no method"),
        (9, "no list"),
        (10, "`GET /good` is no method"),
        (12, "lacks a name or a place"),
        (12, "`other.yaml#/x` is outside"),
        (12, "`#/nowhere` points to nothing"),
        (13, "`https://elsewhere.example/body.json` is outside"),
        (14, "no answers"),
        (15, "no list of requirements"),
        (16, "no `url`"),
        (18, "does not begin with a slash"),
        (19, "type `odd`"),
    ] {
        let found = told.iter().any(|told| told.starts_with(&format!("line {line}: ")) && told.contains(what));
        assert!(found, "line {line}, {what}: {told:#?}");
    }
}

/// A document whose operation `PUT /a` has this in it, with what it may refer to.
fn with(part: &str) -> String {
    format!(
        "openapi: 3.1.0
components:
  schemas:
    Good: {{properties: {{name: {{type: string}}}}}}
    Ping: {{$ref: '#/components/schemas/Pong'}}
    Pong: {{$ref: '#/components/schemas/Ping'}}
    Odd: {{properties: {{inner: {{$ref: '#/components/schemas/Nowhere'}}}}}}
  securitySchemes: {{flow: {{type: oauth2, flows: {{}}}}}}
paths:
  /a:
    put:
      {part}
"
    )
}

#[test]
fn what_cannot_be_read_of_an_operation_gives_every_power_and_is_told_with_its_line() {
    let body = |schema: &str| format!("requestBody: {{content: {{application/json: {{schema: {schema}}}}}}}");
    let broken = [
        "requestBody: {$ref: '#/components/requestBodies/Nowhere'}".to_owned(),
        "requestBody: {$ref: 'https://elsewhere.example/body.json'}".to_owned(),
        "requestBody: [none]".to_owned(),
        "requestBody: {content: [none]}".to_owned(),
        "requestBody: {content: {application/json: 7}}".to_owned(),
        body("7"),
        body("{$ref: 7}"),
        body("{$ref: '#/components/schemas/Nowhere'}"),
        body("{$ref: '#/components/schemas/Ping'}"),
        body("{$ref: '#/components/schemas/Odd'}"),
        body("{properties: [role]}"),
        body("{allOf: {role: {}}}"),
        body("{allOf: [role]}"),
        body("{items: {$ref: '#/nowhere'}}"),
        body("{additionalProperties: text}"),
        body("{properties: {role: {enum: admin}}}"),
        body("{properties: {one: {properties: {two: {$ref: '#/nowhere'}}}}}"),
        body(&("{items: ".repeat(30) + "{}" + &"}".repeat(30))),
        "parameters: {name: role}".to_owned(),
        "parameters: [{in: query}]".to_owned(),
        "parameters: [{name: role, in: nowhere}]".to_owned(),
        "parameters: [{$ref: '#/nowhere'}]".to_owned(),
        "parameters: [7]".to_owned(),
        "responses: none".to_owned(),
        "responses: {200: {$ref: '#/nowhere'}}".to_owned(),
        "responses: {200: {content: {application/json: {schema: {$ref: '#/nowhere'}}}}}".to_owned(),
        "security: open".to_owned(),
        "security: [flow]".to_owned(),
        "security: [{flow: admin}]".to_owned(),
        "tags: admin".to_owned(),
    ];
    for part in &broken {
        let reading = read(&with(part));
        let put = operation(&reading, "PUT /a");
        assert_eq!(put.powers, law::Powers::EVERY, "{part}");
        assert!(!put.open, "{part}");
        let mint = put.evidence.iter().find(|(power, _)| *power == law::Power::Mint);
        assert_eq!(mint.map(|(_, evidence)| evidence.rule), Some("unread"), "{part}");
        let told = reading.troubles.iter().find(|trouble| trouble.what.contains("`PUT /a` has every power"));
        assert_eq!(told.and_then(|trouble| trouble.line), Some(11), "{part}: {:?}", reading.troubles);
    }
}

#[test]
fn what_does_not_matter_may_be_broken() {
    let body = |schema: &str| format!("requestBody: {{content: {{application/json: {{schema: {schema}}}}}}}");
    let harmless = [
        "summary: 7".to_owned(),
        "description: [none]".to_owned(),
        "externalDocs: 7".to_owned(),
        "responses: {404: {$ref: '#/nowhere'}, 200: {description: fine}}".to_owned(),
        "parameters: [{name: page, in: query, schema: {$ref: '#/nowhere'}, example: {$ref: 7}}]".to_owned(),
        "requestBody: {content: {application/json: {example: {$ref: '#/nowhere'}}}}".to_owned(),
        body("{$ref: '#/components/schemas/Good', example: [7], description: 7}"),
        body("{properties: {next: {$ref: '#/components/schemas/Good', default: 7}}}"),
        body("{properties: null, allOf: null, additionalProperties: false, items: true}"),
        body("{items: [{type: string}, {type: integer}]}"),
        "security: [{flow: null}]".to_owned(),
        "tags: null".to_owned(),
    ];
    for part in &harmless {
        let reading = read(&with(part));
        assert_ne!(operation(&reading, "PUT /a").powers, law::Powers::EVERY, "{part}: {:?}", reading.troubles);
    }
}

#[test]
fn an_address_that_cannot_be_read_is_not_judged_by_a_wider_one() {
    let reading = read(
        "openapi: 3.1.0
paths:
  /users/{name}: {get: {summary: Shows a user}, delete: {summary: Removes a label}}
  /users/all: {$ref: '#/nowhere', get: {summary: Lists users}}
",
    );
    let powers = |method: &str| match reading.catalogue.find(method, &["users", "all"]) {
        Found::Described(found) => found.powers,
        _ => panic!("{method} is described"),
    };
    assert_eq!(powers("DELETE"), law::Powers::EVERY);
    assert_ne!(powers("GET"), law::Powers::EVERY);
}

#[test]
fn an_operator_may_give_the_powers_of_what_cannot_be_read() {
    let settings: Settings = toml::from_str("[[overrides]]\noperation = \"PUT /a\"\npowers = [\"write\"]").unwrap();
    let reading = Catalogue::read(with("requestBody: 7").as_bytes(), &settings).unwrap();
    assert_eq!(operation(&reading, "PUT /a").powers, law::Power::Write.into());
}

#[test]
fn a_document_that_describes_nothing_is_read_and_told() {
    for document in ["openapi: 3.1.0", "swagger: '2.0'\npaths: []", "openapi: 3.0.0\npaths: null"] {
        let reading = read(document);
        assert!(reading.catalogue.operations().is_empty());
        assert!(!reading.troubles.is_empty(), "{document}");
        assert!(matches!(reading.catalogue.find("GET", &[""]), Found::Undescribed));
    }
}

#[test]
fn json_that_is_almost_json_is_read_and_told() {
    let reading = read("{\"openapi\": \"3.0.0\", # made by hand\n\"paths\": {\"/a\": {\"get\": {},},},}");
    assert_eq!(reading.catalogue.operations().len(), 1);
    assert!(reading.troubles[0].what.contains("read as YAML: line 1"), "{}", reading.troubles[0]);
}

#[test]
fn what_is_no_document_is_an_error() {
    for (document, place) in [("{\"openapi\": \"3.0.0\",\n oops: [}", "line 2"), ("a: b: c", "line 1")] {
        let error = Catalogue::read(document.as_bytes(), &Settings::default()).unwrap_err();
        assert!(matches!(error, ReadError::Syntax { .. }), "{error:?}");
        assert!(error.to_string().starts_with(place), "{error}");
    }
    for document in ["", "<html></html>", "[]", "null", "a: 1", "swagger: '1.2'"] {
        let error = Catalogue::read(document.as_bytes(), &Settings::default()).unwrap_err();
        assert!(error.to_string().contains("OpenAPI"), "{error}");
    }
}

#[test]
fn settings_are_read_from_the_words_that_an_operator_writes() {
    let settings: Settings = toml::from_str(
        r#"
base = "/api"
case = "insensitive"
trailing_slash = "ignored"
[[overrides]]
operation = "DELETE /pets/{id}"
powers = ["destroy"]
[[selectors]]
operation = "POST /graphql"
by = "graphql"
[selectors.values]
"query.*" = ["read"]
[[selectors]]
operation = "POST /"
by = { query-or-form = "Action" }
[[multi_segment]]
operation = "* /files/**"
parameter = "path"
"#,
    )
    .unwrap();
    assert_eq!((settings.selectors.len(), settings.base.as_deref()), (2, Some("/api")));
    assert!(toml::from_str::<Settings>("[[overrides]]\noperation = \"everything\"\npowers = []").is_err());
    assert!(toml::from_str::<Settings>("bases = \"/api\"").is_err());
}

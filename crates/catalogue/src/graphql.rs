//! As much of GraphQL as is needed to name the root fields of a request (GraphQL
//! specification, October 2021, sections 2.1 to 2.8).
//!
//! Inside of root fields only brackets are counted: what they ask for is up to the upstream.
//! Whatever is not understood selects nothing.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::selector::{Asked, Unselected, json_body, media, names_alike, one_value};

/// Deeper inline fragments are not followed.
const MOST_DEPTH: usize = 32;
/// More fragments at the root are not followed.
const MOST_FRAGMENTS: usize = 100;
/// More different root fields are not looked up.
const MOST_FIELDS: usize = 500;

/// Names under which servers take a stored document instead of the one that was sent.
const STORED: &[&str] = &[
    "id",
    "doc_id",
    "docId",
    "documentId",
    "document_id",
    "queryId",
    "query_id",
    "operationId",
    "operation_id",
    "hash",
    "sha256Hash",
    "queryHash",
    "doc",
    "document",
    "mutation",
];

/// The root fields that a GraphQL request asks for, such as `query.users` and
/// `mutation.deleteUser`, each once.
///
/// # Errors
/// Where it is no GraphQL request, or one that some server could read otherwise.
pub fn root_fields(asked: &Asked<'_>) -> Result<Vec<String>, Unselected> {
    let mut fields = BTreeSet::new();
    for request in requests(asked)? {
        fields.extend(request.read()?.fields);
        if fields.len() > MOST_FIELDS {
            return Err(Unselected::Unreadable);
        }
    }
    if fields.is_empty() { Err(Unselected::Absent) } else { Ok(fields.into_iter().collect()) }
}

/// Whether everything is asked for once and under its own name, so that its answer stands where
/// it is described to stand, and nowhere else.
pub(crate) fn is_plain(asked: &Asked<'_>) -> bool {
    let requests = requests(asked).unwrap_or_default();
    let [request] = requests.as_slice() else { return false };
    request.read().is_ok_and(|Read { mut fields, renames }| {
        let all = fields.len();
        fields.sort_unstable();
        fields.dedup();
        !renames && fields.len() == all
    })
}

/// A document and the name of the operation in it that is meant.
struct Sent {
    document: String,
    name: Option<String>,
}

/// What a request was found to ask for.
struct Read {
    /// Its root fields, as often as they are asked for.
    fields: Vec<String>,
    /// Whether it gives a field another name, at whatever depth.
    renames: bool,
}

/// The requests that were sent: several where they come in a batch.
fn requests(asked: &Asked<'_>) -> Result<Vec<Sent>, Unselected> {
    let body = asked.body.ok_or(Unselected::Unreadable)?;
    if names_alike(asked.query, STORED)? {
        return Err(Unselected::Ambiguous);
    }
    if body.is_empty() {
        if let Some(extensions) = one_value(asked.query, "extensions")? {
            extensions_are_harmless(&serde_json::from_str(&extensions).map_err(|_| Unselected::Unreadable)?)?;
        }
        let document = one_value(asked.query, "query")?.ok_or(Unselected::Absent)?;
        return Ok(vec![Sent { document, name: one_value(asked.query, "operationName")? }]);
    }
    // Some servers read the query before the body.
    if names_alike(asked.query, &["query", "operationName", "variables", "extensions"])? {
        return Err(Unselected::Ambiguous);
    }
    if media(asked).as_deref() == Some("application/graphql") {
        let document = std::str::from_utf8(body).map_err(|_| Unselected::Unreadable)?.to_owned();
        return Ok(vec![Sent { document, name: None }]);
    }
    match json_body(asked)? {
        Value::Array(batch) => batch.iter().map(from_json).collect(),
        request => Ok(vec![from_json(&request)?]),
    }
}

fn from_json(request: &Value) -> Result<Sent, Unselected> {
    let request = request.as_object().ok_or(Unselected::Unreadable)?;
    for (name, value) in request {
        match name.as_str() {
            "query" | "operationName" | "variables" => {}
            "extensions" => extensions_are_harmless(value)?,
            _ => return Err(Unselected::Ambiguous),
        }
    }
    let name = match request.get("operationName") {
        None | Some(Value::Null) => None,
        Some(Value::String(name)) => Some(name.clone()),
        Some(_) => return Err(Unselected::Unreadable),
    };
    let document = request.get("query").and_then(Value::as_str).ok_or(Unselected::Absent)?.to_owned();
    Ok(Sent { document, name })
}

/// A stored query may stand there in place of the one that was sent.
fn extensions_are_harmless(extensions: &Value) -> Result<(), Unselected> {
    match extensions {
        Value::Null => Ok(()),
        Value::Object(names) if !names.keys().any(|name| name.to_ascii_lowercase().contains("persisted")) => Ok(()),
        _ => Err(Unselected::Ambiguous),
    }
}

impl Sent {
    /// What the operation asks for that the document and the name select.
    fn read(&self) -> Result<Read, Unselected> {
        let parser = Parser { text: &self.document, depth: 0, renames: false };
        let document = parser.document().ok_or(Unselected::Unreadable)?;
        let mut chosen = document.operations.iter().filter(|operation| match self.name.as_deref() {
            // Servers disagree on the empty name.
            None | Some("") => true,
            Some(name) => operation.name == Some(name),
        });
        let (Some(operation), None) = (chosen.next(), chosen.next()) else { return Err(Unselected::Ambiguous) };
        let (mut followed, mut fields) = (BTreeSet::new(), Vec::new());
        let read = document.roots(operation.kind, &operation.selections, &mut followed, &mut fields);
        read.ok_or(Unselected::Unreadable)?;
        Ok(Read { fields, renames: document.renames })
    }
}

#[derive(Default)]
struct Document<'t> {
    operations: Vec<Operation<'t>>,
    fragments: BTreeMap<&'t str, Vec<Selection<'t>>>,
    renames: bool,
}

struct Operation<'t> {
    kind: &'t str,
    name: Option<&'t str>,
    selections: Vec<Selection<'t>>,
}

enum Selection<'t> {
    Field(&'t str),
    Fragment(&'t str),
    Inline(Vec<Self>),
}

impl<'t> Document<'t> {
    /// `None` where a fragment is missing.
    fn roots(
        &self,
        kind: &str,
        selections: &[Selection<'t>],
        followed: &mut BTreeSet<&'t str>,
        fields: &mut Vec<String>,
    ) -> Option<()> {
        for selection in selections {
            match selection {
                Selection::Field(name) => {
                    fields.push(format!("{kind}.{name}"));
                }
                Selection::Inline(inside) => self.roots(kind, inside, followed, fields)?,
                Selection::Fragment(name) => {
                    let inside = self.fragments.get(name)?;
                    if followed.len() > MOST_FRAGMENTS {
                        return None;
                    }
                    if followed.insert(name) {
                        self.roots(kind, inside, followed, fields)?;
                    }
                }
            }
        }
        Some(())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token<'t> {
    Name(&'t str),
    Punctuation(char),
    Spread,
    /// A number or a string: it can stand inside of brackets only.
    Value,
}

struct Parser<'t> {
    text: &'t str,
    depth: usize,
    /// Whether a field was given another name.
    renames: bool,
}

impl<'t> Parser<'t> {
    fn document(mut self) -> Option<Document<'t>> {
        let mut document = Document::default();
        let mut named = BTreeSet::new();
        while let Some(token) = self.next()? {
            match token {
                Token::Punctuation('{') => {
                    named.insert(None);
                    let selections = self.selections()?;
                    document.operations.push(Operation { kind: "query", name: None, selections });
                }
                Token::Name(kind @ ("query" | "mutation" | "subscription")) => {
                    let operation = self.operation(kind)?;
                    if !named.insert(operation.name) {
                        return None;
                    }
                    document.operations.push(operation);
                }
                Token::Name("fragment") => {
                    let name = self.name()?;
                    if name == "on" || self.name()? != "on" {
                        return None;
                    }
                    self.name()?;
                    self.directives()?;
                    self.expect('{')?;
                    let selections = self.selections()?;
                    if document.fragments.insert(name, selections).is_some() {
                        return None;
                    }
                }
                _ => return None,
            }
        }
        document.renames = self.renames;
        Some(document)
    }

    fn operation(&mut self, kind: &'t str) -> Option<Operation<'t>> {
        let name = match self.peek()? {
            Some(Token::Name(name)) => {
                self.next()?;
                Some(name)
            }
            _ => None,
        };
        self.skip_if('(')?;
        self.directives()?;
        self.expect('{')?;
        Some(Operation { kind, name, selections: self.selections()? })
    }

    /// Selections up to the closing brace; the opening one is behind.
    fn selections(&mut self) -> Option<Vec<Selection<'t>>> {
        let mut selections = Vec::new();
        self.depth += 1;
        if self.depth > MOST_DEPTH {
            return None;
        }
        loop {
            match self.next()?? {
                Token::Punctuation('}') if !selections.is_empty() => break,
                Token::Name(name) => selections.push(self.field(name)?),
                Token::Spread => selections.push(self.spread()?),
                _ => return None,
            }
        }
        self.depth -= 1;
        Some(selections)
    }

    fn field(&mut self, name: &'t str) -> Option<Selection<'t>> {
        let name = if self.peek()? == Some(Token::Punctuation(':')) {
            self.next()?;
            self.renames = true;
            self.name()?
        } else {
            name
        };
        self.skip_if('(')?;
        self.directives()?;
        self.skip_if('{')?;
        Some(Selection::Field(name))
    }

    fn spread(&mut self) -> Option<Selection<'t>> {
        match self.peek()? {
            Some(Token::Name(name)) if name != "on" => {
                self.next()?;
                self.directives()?;
                return Some(Selection::Fragment(name));
            }
            Some(Token::Name(_)) => {
                self.next()?;
                self.name()?;
            }
            _ => {}
        }
        self.directives()?;
        self.expect('{')?;
        Some(Selection::Inline(self.selections()?))
    }

    fn directives(&mut self) -> Option<()> {
        while self.peek()? == Some(Token::Punctuation('@')) {
            self.next()?;
            self.name()?;
            self.skip_if('(')?;
        }
        Some(())
    }

    /// Passes over a bracket and all that it holds, if it is next.
    fn skip_if(&mut self, open: char) -> Option<()> {
        if self.peek()? != Some(Token::Punctuation(open)) {
            return Some(());
        }
        let (mut closing, mut arguments) = (Vec::new(), 0_usize);
        loop {
            match self.next()?? {
                Token::Punctuation('(') => {
                    closing.push(')');
                    arguments += 1;
                }
                Token::Punctuation('[') => closing.push(']'),
                Token::Punctuation('{') => closing.push('}'),
                // Not in an argument: a field's other name.
                Token::Punctuation(':') if arguments == 0 => self.renames = true,
                Token::Punctuation(close @ (')' | ']' | '}')) => {
                    if closing.pop() != Some(close) {
                        return None;
                    }
                    arguments -= usize::from(close == ')');
                }
                _ => {}
            }
            if closing.is_empty() {
                return Some(());
            }
        }
    }

    fn name(&mut self) -> Option<&'t str> {
        match self.next()?? {
            Token::Name(name) => Some(name),
            _ => None,
        }
    }

    fn expect(&mut self, punctuation: char) -> Option<()> {
        (self.next()?? == Token::Punctuation(punctuation)).then_some(())
    }

    fn peek(&self) -> Option<Option<Token<'t>>> {
        Self { text: self.text, depth: 0, renames: false }.next()
    }

    /// The next token, `Some(None)` at the end; `None` where there is none that GraphQL knows.
    fn next(&mut self) -> Option<Option<Token<'t>>> {
        self.ignore()?;
        let Some(first) = self.text.chars().next() else { return Some(None) };
        let token = match first {
            '!' | '$' | '&' | '(' | ')' | ':' | '=' | '@' | '[' | ']' | '{' | '|' | '}' => {
                self.advance(1)?;
                Token::Punctuation(first)
            }
            '.' => {
                self.text = self.text.strip_prefix("...")?;
                Token::Spread
            }
            '"' => {
                self.string()?;
                Token::Value
            }
            '_' | 'a'..='z' | 'A'..='Z' => {
                let end = self.text.find(|letter: char| !(letter == '_' || letter.is_ascii_alphanumeric()));
                Token::Name(self.advance(end.unwrap_or(self.text.len()))?)
            }
            '-' | '0'..='9' => {
                let number = |letter: char| letter.is_ascii_digit() || matches!(letter, '-' | '+' | '.' | 'e' | 'E');
                let end = self.text.find(|letter: char| !number(letter));
                self.advance(end.unwrap_or(self.text.len()))?;
                Token::Value
            }
            _ => return None,
        };
        Some(Some(token))
    }

    /// Passes over what GraphQL ignores. A comment that lexers could end at different places is refused.
    fn ignore(&mut self) -> Option<()> {
        loop {
            self.text = self.text.trim_start_matches([' ', '\t', '\n', '\r', ',', '\u{feff}']);
            if !self.text.starts_with('#') {
                return Some(());
            }
            let end = self.text.find('\n').unwrap_or(self.text.len());
            let comment = self.advance(end)?;
            let comment = comment.strip_suffix('\r').unwrap_or(comment);
            let odd = |letter: char| letter.is_control() && letter != '\t' || matches!(letter, '\u{2028}' | '\u{2029}');
            if comment.contains(odd) {
                return None;
            }
        }
    }

    fn string(&mut self) -> Option<()> {
        if let Some(block) = self.text.strip_prefix("\"\"\"") {
            let mut rest = block;
            loop {
                let end = rest.find("\"\"\"")?;
                let (inside, after) = rest.split_at_checked(end)?;
                rest = after.get(3..)?;
                if !inside.ends_with('\\') {
                    self.text = rest;
                    return Some(());
                }
            }
        }
        let mut letters = self.text.char_indices().skip(1);
        while let Some((place, letter)) = letters.next() {
            match letter {
                '"' => {
                    self.advance(place + 1)?;
                    return Some(());
                }
                '\\' => {
                    letters.next().filter(|(_, escaped)| !matches!(escaped, '\n' | '\r'))?;
                }
                '\n' | '\r' | '\u{2028}' | '\u{2029}' => return None,
                _ => {}
            }
        }
        None
    }

    fn advance(&mut self, bytes: usize) -> Option<&'t str> {
        let (before, after) = self.text.split_at_checked(bytes)?;
        self.text = after;
        Some(before)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn fields(query: &str, name: Option<&str>) -> Result<Vec<String>, Unselected> {
        post(&json!({"query": query, "operationName": name}).to_string())
    }

    fn post(body: &str) -> Result<Vec<String>, Unselected> {
        let asked = Asked { content_type: Some("application/json"), body: Some(body.as_bytes()), ..Asked::default() };
        root_fields(&asked)
    }

    #[test]
    fn root_fields_are_found_wherever_they_hide() {
        for (query, found) in [
            ("{ users { id } }", "query.users"),
            ("query { me: user(id: \"}\") { delete } }", "query.user"),
            (
                "mutation M($a: [Int!]! = [1, 2] @x(y: {z: 1})) @live { a: deleteUser(id: $a) @skip(if: true) }",
                "mutation.deleteUser",
            ),
            (
                "{ a ... on Query { b } ... { c } ...F } fragment F on Query @d { d ...G } fragment G on Query { e }",
                "query.a query.b query.c query.d query.e",
            ),
            ("# { hidden }\r\n{ shown, # }\n also }", "query.also query.shown"),
            ("{ a(x: \"\"\" } \\\"\"\" { \"\"\") b(y: \"\") c }", "query.a query.b query.c"),
            ("{ a(x: \"\\\\\") b(y: \"\\\"}\") }", "query.a query.b"),
            ("subscription { events }", "subscription.events"),
            ("{ a ...A } fragment A on Q { b ...A }", "query.a query.b"),
            ("{ type query mutation on fragment }", "query.fragment query.mutation query.on query.query query.type"),
        ] {
            assert_eq!(fields(query, None).map(|fields| fields.join(" ")), Ok(found.to_owned()), "{query}");
        }
    }

    #[test]
    fn only_the_operation_that_was_named_counts() {
        let two = "query A { a } mutation B { b }";
        assert_eq!(fields(two, Some("A")), Ok(vec!["query.a".to_owned()]));
        assert_eq!(fields(two, Some("B")), Ok(vec!["mutation.b".to_owned()]));
        for name in [None, Some(""), Some("C")] {
            assert_eq!(fields(two, name), Err(Unselected::Ambiguous), "{name:?}");
        }
    }

    #[test]
    fn what_is_not_understood_selects_nothing() {
        let deep = "{ ...".repeat(1000) + "{ a" + &"}".repeat(1001);
        for query in [
            "",
            "{",
            "{}",
            "}",
            "{ a ",
            "{ a } }",
            "{ a(",
            "{ a(x: [) }",
            "{ a(x: ]) }",
            "{ a: }",
            "{ ...Missing }",
            "{ é }",
            "{ a } query A { b",
            "query A { a } query A { b }",
            "fragment F on Q { a }",
            "type Q { a: Int }",
            "{ a(x: \"unclosed) }",
            "{ a(x: \"\"\"unclosed) }",
            "{ a # \u{2028} b }\n}",
            "{ a # \r b }\n}",
            "{ a @ }",
            "{ a ...on }",
            "fragment on on Q { a } { b }",
            "{ a(x: \"\n\") }",
            "{ \"a\" }",
            "{ 1 }",
            "extend type Q { a: Int }",
            &deep,
        ] {
            assert!(fields(query, None).is_err(), "{query}");
        }
    }

    #[test]
    fn a_request_that_some_server_reads_otherwise_selects_nothing() {
        for body in [
            r#"{"query": "{ a }", "query": "{ b }"}"#,
            r#"{"query": "{ a }", "Query": "{ b }"}"#,
            r#"{"query": "{ a }", "id": "stored"}"#,
            r#"{"query": "{ a }", "extensions": {"persistedQuery": {"sha256Hash": "x"}}}"#,
            r#"{"query": "{ a }", "operationName": 7}"#,
            r#"{"query": ["{ a }"]}"#,
            r#"[{"query": "{ a }"}, {"query": 7}]"#,
            "[]",
            "{}",
        ] {
            assert!(post(body).is_err(), "{body}");
        }
        assert_eq!(post(r#"[{"query": "{ a }"}, {"query": "mutation { b }"}]"#).unwrap(), ["mutation.b", "query.a"]);
        assert!(post(r#"{"query": "{ a }", "extensions": {"client": {}}}"#).is_ok());
        let both = Asked {
            query: "query=%7Bb%7D",
            content_type: Some("application/json"),
            body: Some(br#"{"query": "{ a }"}"#),
            headers: &[],
        };
        assert_eq!(root_fields(&both), Err(Unselected::Ambiguous));
    }

    #[test]
    fn a_query_in_the_address_is_read_where_there_is_no_body() {
        let get = |query| root_fields(&Asked { query, body: Some(b""), ..Asked::default() });
        assert_eq!(get("query=%7Ba+b%7D").unwrap(), ["query.a", "query.b"]);
        assert!(get("query=%7Ba%7D&query=%7Bb%7D").is_err());
        assert!(get("query=%7Ba%7D&documentId=7").is_err());
        assert!(get("query=%7Ba%7D&extensions=%7B%22persistedQuery%22%3A1%7D").is_err());
        assert!(get("").is_err());
        let plain =
            Asked { content_type: Some("application/graphql"), body: Some(b"mutation { a }"), ..Asked::default() };
        assert_eq!(root_fields(&plain).unwrap(), ["mutation.a"]);
    }

    #[test]
    fn so_many_different_fields_are_not_looked_up() {
        let many = |count: usize| {
            let names: Vec<String> = (0..count).map(|number| format!("f{number}")).collect();
            fields(&format!("{{{}}}", names.join(" ")), None).map(|fields| fields.len())
        };
        assert_eq!(many(MOST_FIELDS), Ok(MOST_FIELDS));
        assert_eq!(many(MOST_FIELDS + 1), Err(Unselected::Unreadable));
        assert_eq!(fields(&format!("{{a a {}}}", "a ".repeat(MOST_FIELDS)), None), Ok(vec!["query.a".to_owned()]));
    }

    #[test]
    fn what_is_asked_twice_or_under_another_name_is_not_plain() {
        let plain = |body: &Value| {
            let body = body.to_string();
            is_plain(&Asked { content_type: Some("application/json"), body: Some(body.as_bytes()), ..Asked::default() })
        };
        let query = |text: &str| plain(&json!({ "query": text }));
        assert!(query(
            "mutation M($a: [In!] = [{x: 1}]) @d(a: 1) { make(in: {a: $a}) { token owner(id: 7) { id } } other }"
        ));
        assert!(query("mutation { ...F } fragment F on M { make { token } }"));
        for text in [
            "mutation { make { token } again: make { token } }",
            "mutation { make { token } make { token } }",
            "mutation { make { token ... on T { x: secret } } }",
            "mutation { make { token x : secret } }",
            "mutation { make { ...F } } fragment F on T { x: token }",
            "mutation { make { token } ...F } fragment F on M { make { token } }",
            "mutation {",
        ] {
            assert!(!query(text), "{text}");
        }
        let one = json!({"query": "mutation { make { token } }"});
        assert!(!plain(&json!([one, one])));
        assert!(plain(&one));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(body: Vec<u8>, query in "\\PC{0,20}", text in "[{}()\\[\\]\".#@:a-c ,\\\\\n$!1-]{0,40}") {
            for content_type in [None, Some("application/json"), Some("application/graphql")] {
                for body in [&body[..], text.as_bytes(), b""] {
                    let _ = root_fields(&Asked { query: &query, content_type, body: Some(body), headers: &[] });
                }
            }
        }

        #[test]
        fn a_field_that_stands_at_the_root_is_never_lost(
            names in prop::collection::vec("[a-z]{1,4}", 1..6), seed in prop::collection::vec(0_u8..5, 6),
        ) {
            let shapes = ["NAME", "x: NAME(y: \"}\")", "... on Q { NAME { z } }", "...@d { NAME }", "NAME # {\n"];
            let parts: Vec<String> =
                names.iter().zip(&seed).map(|(name, shape)| shapes[usize::from(*shape)].replace("NAME", name)).collect();
            let found = fields(&format!("query {{ {} }}", parts.join(" ")), None).unwrap();
            for name in names {
                prop_assert!(found.contains(&format!("query.{name}")), "{}", name);
            }
        }
    }
}

//! From bytes to a tree of values: JSON or YAML, as forgiving as is safe.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value};

use super::ReadError;

/// Larger documents are refused: the largest known API has 60 MB.
const MOST_BYTES: usize = 128 << 20;
/// Deeper YAML is refused; for JSON `serde_json` has a bound of its own.
const MOST_DEPTH: usize = 64;
/// What a YAML document may unfold to, aliases included.
const MOST_NODES: usize = 4_000_000;

/// More names that stand twice are not told: whoever sends a body could fill it with them.
const MOST_TWICE: usize = 100;

/// A document as it stands, and the names that stand twice in one object.
#[derive(Debug, Default)]
pub(crate) struct Text {
    pub(crate) value: Value,
    /// JSON pointers. Objects under one name are merged, of anything else the later one stands.
    pub(crate) twice: Vec<String>,
    /// Why what looks like JSON was read as YAML.
    pub(crate) no_json: Option<ReadError>,
}

/// Reads JSON or YAML.
pub(crate) fn read(bytes: &[u8]) -> Result<Text, ReadError> {
    if bytes.len() > MOST_BYTES {
        return Err(ReadError::TooLarge { megabytes: bytes.len() >> 20, most: MOST_BYTES >> 20 });
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|error| not_utf8(bytes, error.valid_up_to()))?;
    let mut letters = text.chars().filter(|letter| !letter.is_whitespace());
    if !matches!((letters.next(), letters.next()), (Some('{'), Some('"' | '}')) | (Some('['), _)) {
        return yaml(text);
    }
    // A comment or a trailing comma is no JSON, but it is YAML. Where neither can be read,
    // JSON is what its author meant.
    json(text).or_else(|error| match yaml(text) {
        Ok(text) => Ok(Text { no_json: Some(error), ..text }),
        Err(_) => Err(error),
    })
}

/// Reads JSON only.
pub(crate) fn json(text: &str) -> Result<Text, ReadError> {
    serde_json::from_str(text).map_err(|error| ReadError::Syntax {
        line: error.line(),
        column: error.column(),
        what: without_place(&error.to_string()),
    })
}

/// Reads JSON in which no name stands twice in one object: of two, everybody takes another one.
pub fn unambiguous_json(text: &str) -> Option<Value> {
    json(text).ok().filter(|read| read.twice.is_empty()).map(|read| read.value)
}

fn yaml(text: &str) -> Result<Text, ReadError> {
    serde_saphyr::from_str_with_options(text, options()).map_err(|error| {
        let place = error.location();
        ReadError::Syntax {
            line: place.map_or(0, |place| usize::try_from(place.line()).unwrap_or(0)),
            column: place.map_or(0, |place| usize::try_from(place.column()).unwrap_or(0)),
            what: without_place(&error.to_string()),
        }
    })
}

/// How YAML is read: tolerant, and bounded against documents that unfold without end.
pub(crate) fn options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: MOST_DEPTH,
            flow_nesting_limit: MOST_DEPTH,
            max_nodes: MOST_NODES,
            max_events: MOST_NODES * 2,
            max_documents: 1,
            max_total_scalar_bytes: MOST_BYTES,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: MOST_NODES / 4,
            max_replay_stack_depth: MOST_DEPTH,
        },
        duplicate_keys: serde_saphyr::DuplicateKeyPolicy::PassThrough,
        // `NO` is Norway and `on` is a word.
        strict_booleans: true,
        // A version `007` is a name, not a number.
        leading_zero_numbers_as_strings: true,
        // An example may be infinite; that must not cost the document.
        non_finite_float_policy: serde_saphyr::NonFiniteFloatPolicy::AsString,
        with_snippet: false,
    }
}

fn not_utf8(bytes: &[u8], valid: usize) -> ReadError {
    let before = bytes.get(..valid).unwrap_or_default();
    let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
    ReadError::Syntax {
        line: before.iter().filter(|byte| **byte == b'\n').count() + 1,
        column: valid - line_start + 1,
        what: "this is no UTF-8".to_owned(),
    }
}

/// The parsers end or begin their messages with the place, which we tell by ourselves.
fn without_place(message: &str) -> String {
    let message = message.split(" at line ").next().unwrap_or(message);
    let message = match message.strip_prefix("error: ") {
        Some(rest) => rest.split_once(": ").map_or(rest, |(_, rest)| rest),
        None => message,
    };
    message.lines().next().unwrap_or_default().trim_end_matches('.').to_owned()
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Text;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Text, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Text, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Text, E> {
        Ok(value.into())
    }

    fn visit_i128<E>(self, value: i128) -> Result<Text, E> {
        Ok(Number::from_i128(value).map_or_else(|| value.to_string().into(), |number| Value::Number(number).into()))
    }

    fn visit_u128<E>(self, value: u128) -> Result<Text, E> {
        Ok(Number::from_u128(value).map_or_else(|| value.to_string().into(), |number| Value::Number(number).into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Text, E> {
        Ok(Value::from(value).into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Text, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Text, E> {
        Ok(value.into())
    }

    fn visit_none<E>(self) -> Result<Text, E> {
        Ok(Text::default())
    }

    fn visit_unit<E>(self) -> Result<Text, E> {
        Ok(Text::default())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Text, D::Error> {
        Text::deserialize(deserializer)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Text, D::Error> {
        Text::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Text, A::Error> {
        let (mut values, mut twice) = (Vec::new(), Vec::new());
        while let Some(item) = seq.next_element::<Text>()? {
            let room = MOST_TWICE.saturating_sub(twice.len());
            twice.extend(item.twice.iter().take(room).map(|below| format!("/{}{below}", values.len())));
            values.push(item.value);
        }
        Ok(Text { value: Value::Array(values), twice, no_json: None })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Text, A::Error> {
        let (mut values, mut twice) = (Map::new(), Vec::new());
        while let Some((Name(name), item)) = map.next_entry::<Name, Text>()? {
            let room = MOST_TWICE.saturating_sub(twice.len());
            twice.extend(item.twice.iter().take(room).map(|below| format!("{}{below}", step(&name))));
            if values.contains_key(&name) && twice.len() < MOST_TWICE {
                twice.push(step(&name));
            }
            put(&mut values, name, item.value);
        }
        Ok(Text { value: Value::Object(values), twice, no_json: None })
    }
}

impl<T: Into<Value>> From<T> for Text {
    fn from(value: T) -> Self {
        Self { value: value.into(), twice: Vec::new(), no_json: None }
    }
}

/// One step of a JSON pointer.
pub(crate) fn step(name: &str) -> String {
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// Two descriptions of one thing are merged, so that nothing described gets lost. Of two
/// words on security, or two references, neither counts, so that the laxer one cannot win.
fn put(into: &mut Map<String, Value>, name: String, value: Value) {
    match (into.get_mut(&name), value) {
        (Some(Value::Object(first)), Value::Object(second)) => {
            for (name, value) in second {
                put(first, name, value);
            }
        }
        (Some(first), second) if matches!(name.as_str(), "security" | "$ref") && *first != second => {
            *first = Value::Null;
        }
        (Some(Value::Array(first)), Value::Array(second)) => first.extend(second),
        (_, value) => {
            into.insert(name, value);
        }
    }
}

/// A name in an object: YAML lets it be a number, a truth or nothing.
struct Name(String);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_option(AnyName)
    }
}

struct AnyName;

impl<'de> Visitor<'de> for AnyName {
    type Value = Name;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Name, E> {
        Ok(Name(name.to_owned()))
    }

    fn visit_string<E>(self, name: String) -> Result<Name, E> {
        Ok(Name(name))
    }

    fn visit_bool<E>(self, name: bool) -> Result<Name, E> {
        Ok(Name(name.to_string()))
    }

    fn visit_i64<E>(self, name: i64) -> Result<Name, E> {
        Ok(Name(name.to_string()))
    }

    fn visit_u64<E>(self, name: u64) -> Result<Name, E> {
        Ok(Name(name.to_string()))
    }

    fn visit_f64<E>(self, name: f64) -> Result<Name, E> {
        Ok(Name(name.to_string()))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Name, D::Error> {
        deserializer.deserialize_string(self)
    }

    fn visit_none<E>(self) -> Result<Name, E> {
        Ok(Name("null".to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Name, E> {
        Ok(Name("null".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn value(text: &str) -> Value {
        read(text.as_bytes()).unwrap().value
    }

    fn syntax(bytes: &[u8]) -> (usize, usize, String) {
        match read(bytes) {
            Err(ReadError::Syntax { line, column, what }) => (line, column, what),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn yaml_and_json_read_alike() {
        let yaml = "openapi: 3.0.0\npaths:\n  /a:\n    get: &get\n      responses:\n        200: {description: 'NO'}\n        default: {}\n    head: *get\n";
        let json = r#"{"openapi": "3.0.0", "paths": {"/a": {
            "get": {"responses": {"200": {"description": "NO"}, "default": {}}},
            "head": {"responses": {"200": {"description": "NO"}, "default": {}}}}}}"#;
        assert_eq!(value(yaml), value(json));
        assert_eq!(value(&format!("\u{feff}{json}")), value(json));
        assert_eq!(value("{openapi: 3.0.0, # flow\n}"), json!({"openapi": "3.0.0"}));
    }

    #[test]
    fn names_and_numbers_of_every_kind_are_read() {
        assert_eq!(
            value("200: a\ntrue: b\n~: c\n1.5: d\n0x10: e\nno: f\n"),
            json!({"200": "a", "true": "b", "null": "c", "1.5": "d", "0x10": "e", "no": "f"})
        );
        assert_eq!(value("a: NO\nb: on\nc: 007\nd: .nan"), json!({"a": "NO", "b": "on", "c": "007", "d": ".nan"}));
        let big =
            value("big: 123456789012345678901234567890123456789012345\nneg: -170141183460469231731687303715884105728");
        assert!(big.get("big").is_some() && big.get("neg").is_some(), "{big}");
        assert_eq!(value(r#"{"max": 18446744073709551615, "small": 1e-400}"#)["max"], json!(u64::MAX));
    }

    #[test]
    fn merge_keys_and_anchors_are_unfolded() {
        let text = "base: &base\n  a: 1\n  b: 2\nuse:\n  <<: *base\n  b: 3\n";
        assert_eq!(value(text)["use"], json!({"a": 1, "b": 3}));
    }

    #[test]
    fn twice_the_same_name_is_told_and_loses_nothing() {
        for text in [
            r#"{"paths": {"/a": {"get": {"summary": "one"}}, "/a": {"put": {}, "get": {"summary": "two"}}}}"#,
            "paths:\n  /a:\n    get: {summary: one}\n  /a:\n    put: {}\n    get: {summary: two}\n",
        ] {
            let text = read(text.as_bytes()).unwrap();
            assert_eq!(text.twice, ["/paths/~1a"]);
            assert_eq!(text.value, json!({"paths": {"/a": {"put": {}, "get": {"summary": "two"}}}}));
        }
    }

    #[test]
    fn two_words_on_security_open_nothing() {
        let text = read(br#"{"security": [{"key": []}], "security": []}"#).unwrap();
        assert_eq!(text.value, json!({"security": null}));
    }

    #[test]
    fn twice_a_list_is_one_list_and_two_references_are_none() {
        let text = read(br##"{"a": [1], "a": [2], "$ref": "#/a", "$ref": "#/b"}"##).unwrap();
        assert_eq!(text.value, json!({"a": [1, 2], "$ref": null}));
    }

    #[test]
    fn an_alias_bomb_is_refused() {
        let mut bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for (name, of) in ('b'..='k').zip('a'..='j') {
            let items = vec![format!("*{of}"); 10].join(", ");
            bomb += &format!("{name}: &{name} [{items}]\n");
        }
        assert!(matches!(read(bomb.as_bytes()), Err(ReadError::Syntax { .. })));
    }

    #[test]
    fn deep_nesting_is_refused_and_not_a_crash() {
        for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("- ", ""), ("? ", "")] {
            let text = open.repeat(100_000) + "1" + &close.repeat(100_000);
            assert!(read(text.as_bytes()).is_err(), "{open}");
        }
        let indented: String = (0..5_000).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
        assert!(read(indented.as_bytes()).is_err());
    }

    #[test]
    fn a_syntax_error_has_its_place() {
        assert_eq!(syntax(b"{\n  \"a\": 1,\n  \"b\" 2\n}").0, 3);
        let (line, column, what) = syntax(b"a: 1\nb: [1, 2\nc: 3\n");
        assert!(line >= 2 && column > 0, "{line}:{column} {what}");
        assert_eq!(syntax(b"a: 1\nb: \xff\n"), (2, 4, "this is no UTF-8".to_owned()));
        for what in [syntax(b"{").2, syntax(b"a: *nowhere").2] {
            assert!(!what.contains("line") && !what.ends_with('.'), "{what}");
        }
    }
}

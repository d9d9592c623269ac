//! Rows of an answer, counted when they begin: what goes on is paid for before.
//!
//! It goes by no description: who can choose what an answer looks like should not choose what
//! counts. Too much is counted rather than too little.

use http::{HeaderMap, header::CONTENT_TYPE};

use crate::quotes::{Part, Quotes};

/// A row of JSON counts again for each so many bytes of it: lists inside of it, and objects
/// whose names are the rows, are not followed.
const LONGEST_ITEM: u64 = 16 * 1024;

/// The same for a line.
const LONGEST_LINE: u64 = 1024;

/// What cannot be counted has a row in each so many bytes.
const UNCOUNTED: u64 = 256;

/// Counts the rows of one answer.
pub(super) struct Rows {
    form: Form,
    /// Bytes since the last row began.
    since: u64,
}

enum Form {
    Json(Json),
    /// CSV and the like; whether a line is begun.
    Lines(bool),
    Unknown,
}

impl Rows {
    /// For an answer with this head. That it is not compressed was seen before.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let subtype = kind.split_once('/').map_or("", |(_, subtype)| subtype);
        let json = ["json", "x-ndjson", "ndjson", "jsonl", "x-jsonl", "jsonlines", "x-jsonlines", "json-seq"];
        let form = if json.contains(&subtype) || subtype.ends_with("+json") || subtype.ends_with("+json-seq") {
            Form::Json(Json::default())
        } else if ["text/csv", "text/tab-separated-values", "text/plain", "text/event-stream"].contains(&&*kind) {
            Form::Lines(false)
        } else {
            Form::Unknown
        };
        Self { form, since: 0 }
    }

    /// Whether rows can be told from each other.
    pub(super) const fn can_count(&self) -> bool {
        !matches!(self.form, Form::Unknown)
    }

    /// The rows that begin in this piece.
    pub(super) fn pass(&mut self, piece: &[u8]) -> u64 {
        piece.iter().map(|byte| u64::from(self.step(*byte))).sum()
    }

    fn step(&mut self, byte: u8) -> bool {
        let (begins, longest) = match &mut self.form {
            Form::Json(json) => (json.step(byte), LONGEST_ITEM),
            Form::Lines(begun) => {
                let ends = matches!(byte, b'\n' | b'\r');
                (!std::mem::replace(begun, !ends) && !ends, LONGEST_LINE)
            }
            Form::Unknown => (self.since == 0, UNCOUNTED),
        };
        let begins = begins || self.since >= longest;
        self.since = if begins { 1 } else { self.since + 1 };
        begins
    }
}

/// One or several JSON texts: the items of every list that is not inside another are rows, and
/// each text that is no list is one at least.
#[derive(Default)]
struct Json {
    depth: u32,
    /// How deep the items of the list lie that is open.
    list: Option<u32>,
    /// Whether another item may begin.
    fresh: bool,
    /// Whether the text has counted as a row for which no item has come yet.
    ahead: bool,
    quotes: Quotes,
    /// Whether this is within a number or a word that is a text of its own.
    word: bool,
}

impl Json {
    /// Whether a row begins with this byte.
    fn step(&mut self, byte: u8) -> bool {
        matches!(self.quotes.step(byte), Part::Outside | Part::Opens) && self.plain(byte)
    }

    fn plain(&mut self, byte: u8) -> bool {
        // RFC 7464 puts a record separator before each text.
        if byte.is_ascii_whitespace() || byte == 0x1e {
            self.word = false;
            return false;
        }
        let mut begins = self.item(byte);
        let within_word = std::mem::take(&mut self.word);
        match byte {
            b'{' | b'[' => {
                if self.depth == 0 && byte == b'{' {
                    (begins, self.ahead) = (true, true);
                }
                if byte == b'[' && self.list.is_none() {
                    self.ahead &= self.depth > 0;
                    (self.list, self.fresh) = (Some(self.depth.saturating_add(1)), true);
                }
                self.depth = self.depth.saturating_add(1);
            }
            b'}' | b']' => {
                if byte == b']' && self.list == Some(self.depth) {
                    self.list = None;
                }
                self.depth = self.depth.saturating_sub(1);
            }
            b'"' => begins |= self.depth == 0,
            _ if self.depth == 0 => {
                begins |= !within_word;
                self.word = true;
            }
            _ => {}
        }
        begins
    }

    /// Whether an item of the open list begins with this byte.
    fn item(&mut self, byte: u8) -> bool {
        if self.list != Some(self.depth) {
            return false;
        }
        let begins = self.fresh && byte != b']';
        self.fresh = byte == b',';
        // The first item of an object's list is the row as which the object has counted.
        begins && !std::mem::take(&mut self.ahead)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn rows(kind: &'static str, text: &str, cut: usize) -> u64 {
        let mut rows = Rows::of(&[(CONTENT_TYPE, kind.parse().unwrap())].into_iter().collect());
        text.as_bytes().chunks(cut).map(|piece| rows.pass(piece)).sum()
    }

    #[test]
    fn items_of_outermost_lists_are_rows_and_whatever_else_is_one() {
        for (text, expected) in [
            ("", 0),
            ("[]", 0),
            ("[1, [2, 3], {\"a\": [4]}, \"],[\", null]", 5),
            (r#"{"data":[]}"#, 1),
            (r#"{"data":[{"a":[1,2]},{"b":1}],"included":[1,2,3]}"#, 5),
            (r#"{"a":{"b":[1,2,3]},"c":"[,]"}"#, 3),
            ("{\"a\":1}\n{\"a\":2}\n{\"a\":[1,2]}\n", 4),
            ("\u{1e}{}\n\u{1e}[1,2]\n", 3),
            ("1\n22\n\"x\"", 3),
        ] {
            for cut in [1, 7, 1000] {
                assert_eq!(rows("application/json; charset=utf-8", text, cut), expected, "{text}");
            }
        }
    }

    #[test]
    fn lines_are_rows_and_long_ones_several() {
        assert_eq!(rows("text/csv", "a,b\r\n1,2\r\n\r\n3,4", 3), 3);
        assert_eq!(rows("Text/Plain; charset=x", &"x".repeat(3000), 100), 3);
    }

    #[test]
    fn what_is_not_looked_into_counts_by_its_size() {
        assert_eq!(rows("application/pdf", &"x".repeat(257), 10), 2);
        assert_eq!(rows("application/pdf", &"x".repeat(256), 10), 1);
        // An object whose names are the rows, and lists inside a list.
        assert_eq!(rows("application/json", &format!("{{\"a\":\"{}\"}}", "x".repeat(40_000)), 100), 3);
    }

    fn anything() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<i64>().prop_map(Value::from),
            r#"["\\\[\]{},:a]{0,8}"#.prop_map(Value::from)
        ];
        leaf.prop_recursive(4, 48, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::hash_map("[ab\"\\\\~]{0,2}", inner, 0..5).prop_map(|map| json!(map)),
            ]
        })
    }

    fn outermost(value: &Value) -> u64 {
        match value {
            Value::Array(items) => items.len() as u64,
            Value::Object(members) => members.values().map(outermost).sum(),
            _ => 0,
        }
    }

    proptest! {
        #[test]
        fn counting_agrees_with_parsing(value in anything(), cut in 1_usize..40, pretty: bool) {
            let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
            let expected = if value.is_array() { outermost(&value) } else { outermost(&value).max(1) };
            prop_assert_eq!(rows("application/json", &text, cut), expected);
        }
    }
}

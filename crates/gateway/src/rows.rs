//! Counting the items of a list while it streams by.

use std::sync::Arc;

use crate::quotes::{Part, Quotes};

/// How much of an answer is looked at.
const EXAMINED: u64 = 8 * 1024 * 1024;

/// The longest name of a member that is compared; a longer one cannot be meant.
const LONGEST: usize = 256;

/// Where something stands in a JSON document (RFC 6901), such as `/data/items`; empty for the
/// whole document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pointer {
    text: Arc<str>,
    steps: Arc<[Box<str>]>,
}

impl Pointer {
    /// Reads a pointer; `None` where it does not begin with a slash and is not empty.
    pub fn parse(text: &str) -> Option<Self> {
        let steps = match text.strip_prefix('/') {
            None if text.is_empty() => Vec::new(),
            None => return None,
            Some(rest) => rest.split('/').map(|step| step.replace("~1", "/").replace("~0", "~").into()).collect(),
        };
        Some(Self { text: text.into(), steps: steps.into() })
    }

    pub(crate) fn steps(&self) -> &[Box<str>] {
        &self.steps
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }
}

/// Counts the items of the list at a pointer. It follows strings and brackets only and parses
/// nothing; a list inside another list is not followed.
pub(crate) struct Counter {
    to: Pointer,
    examined: u64,
    /// Containers that are open.
    depth: usize,
    /// How many of them, from the outermost, lie on the way to the list.
    on_way: usize,
    /// Whether the innermost, an object on the way, is about to give a name.
    names: bool,
    /// Whether the last name was the step that is looked for.
    named: bool,
    quotes: Quotes,
    /// The name that is being read, and whether one is.
    name: Vec<u8>,
    is_name: bool,
    found: Found,
}

enum Found {
    NotYet,
    /// The list is open: its depth, items so far, and whether another may begin.
    Open {
        depth: usize,
        rows: u64,
        fresh: bool,
    },
    Whole(u64),
    Nothing,
}

impl Counter {
    pub(crate) fn new(to: Pointer) -> Self {
        Self {
            to,
            examined: 0,
            depth: 0,
            on_way: 0,
            names: false,
            named: false,
            quotes: Quotes::default(),
            name: Vec::new(),
            is_name: false,
            found: Found::NotYet,
        }
    }

    /// The items, where the list was there and ended within the bound.
    pub(crate) const fn rows(&self) -> Option<u64> {
        match self.found {
            Found::Whole(rows) => Some(rows),
            Found::NotYet | Found::Open { .. } | Found::Nothing => None,
        }
    }

    pub(crate) fn pass(&mut self, bytes: &[u8]) {
        if matches!(self.found, Found::Whole(_) | Found::Nothing) {
            return;
        }
        self.examined = self.examined.saturating_add(bytes.len() as u64);
        if self.examined > EXAMINED {
            self.found = Found::Nothing;
            return;
        }
        for byte in bytes {
            self.step(*byte);
        }
    }

    fn step(&mut self, byte: u8) {
        match self.quotes.step(byte) {
            Part::Outside | Part::Opens => self.plain(byte),
            Part::Within if self.is_name && self.name.len() <= LONGEST => self.name.push(byte),
            Part::Within => {}
            Part::Closes if self.is_name => (self.named, self.names, self.is_name) = (self.is_step(), false, false),
            Part::Closes => {}
        }
    }

    /// A byte outside of strings, or the quote that opens one.
    fn plain(&mut self, byte: u8) {
        if byte.is_ascii_whitespace() {
            return;
        }
        if let Found::Open { depth, rows, fresh } = &mut self.found
            && *depth == self.depth
        {
            if *fresh && byte != b']' {
                *rows += 1;
            }
            *fresh = byte == b',';
        }
        let on_way = self.on_way == self.depth && matches!(self.found, Found::NotYet);
        match byte {
            b'"' if on_way && self.names => {
                self.name.clear();
                self.is_name = true;
            }
            b'{' | b'[' => {
                self.begins(byte, on_way);
                self.depth += 1;
            }
            b'}' | b']' => self.ends(),
            b',' if on_way => {
                self.names = true;
                self.named = false;
            }
            b',' | b':' => {}
            _ => self.begins(byte, on_way),
        }
    }

    /// A value begins.
    fn begins(&mut self, byte: u8, on_way: bool) {
        if !on_way || (self.depth > 0 && !self.named) {
            return;
        }
        // The value lies on the way: as many steps are done as containers are on it.
        match (self.on_way == self.to.steps.len(), byte) {
            (true, b'[') => self.found = Found::Open { depth: self.depth + 1, rows: 0, fresh: true },
            (false, b'{') => {
                self.on_way += 1;
                self.names = true;
                self.named = false;
            }
            _ => self.found = Found::Nothing,
        }
    }

    /// A container ends.
    fn ends(&mut self) {
        match self.found {
            Found::Open { depth, rows, .. } if depth == self.depth => self.found = Found::Whole(rows),
            // The object that should have had the list ends without it.
            Found::NotYet if self.on_way == self.depth => self.found = Found::Nothing,
            _ => {}
        }
        self.depth = self.depth.saturating_sub(1);
    }

    /// Whether the name that was read is the next step.
    fn is_step(&self) -> bool {
        let Some(step) = self.on_way.checked_sub(1).and_then(|place| self.to.steps.get(place)) else { return false };
        if self.name.contains(&b'\\') {
            let quoted = [b"\"", self.name.as_slice(), b"\""].concat();
            return serde_json::from_slice::<String>(&quoted).is_ok_and(|name| *name == **step);
        }
        self.name == step.as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn rows(pointer: &str, text: &str) -> Option<u64> {
        let mut counter = Counter::new(Pointer::parse(pointer).unwrap());
        counter.pass(text.as_bytes());
        counter.rows()
    }

    #[test]
    fn items_of_the_list_are_counted_and_nothing_else() {
        assert_eq!(rows("", "[]"), Some(0));
        assert_eq!(rows("", " [ 1 , [2,3], {\"a\":[4]}, \"],[\", null ] "), Some(5));
        assert_eq!(rows("/data", r#"{"meta":{"data":[1]},"data":[{"a":1},{"b":[1,2]}],"x":[1]}"#), Some(2));
        assert_eq!(rows("/a/b", r#"{"a":{"c":1,"b":["\"]",2,3]}}"#), Some(3));
        assert_eq!(rows("/a~1b/~0", r#"{"a/b":{"~":[1]}}"#), Some(1));
        assert_eq!(rows("/da", "{\"d\\u0061\":[7,7]}"), Some(2));
        assert_eq!(rows("/a\"b", r#"{"a\"b":[7]}"#), Some(1));
    }

    #[test]
    fn what_is_no_list_is_not_counted() {
        for (pointer, text) in [
            ("", "{}"),
            ("", "3"),
            ("", "\"[1]\""),
            ("/data", "[1]"),
            ("/data", r#"{"data":{"data":[1]}}"#),
            ("/data", r#"{"x":[1]}"#),
            ("/data", r#"{"x":{"data":[1]}}"#),
            ("/data", r#"{"data":null}"#),
            ("/data", r#"{"data":[1,2"#),
            ("/data", r#"{"x":"data","y":[1]}"#),
            ("/0", "[[1]]"),
            ("", ""),
        ] {
            assert_eq!(rows(pointer, text), None, "{pointer} in {text}");
        }
        assert_eq!(Pointer::parse("data"), None);
    }

    #[test]
    fn beyond_the_bound_nothing_is_said() {
        let mut counter = Counter::new(Pointer::parse("").unwrap());
        counter.pass(b"[");
        let block = b"1,".repeat(512 * 1024);
        for _ in 0..8 {
            counter.pass(&block);
        }
        counter.pass(b"1]");
        assert_eq!(counter.rows(), None);
    }

    fn anything() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            ".{0,8}".prop_map(Value::from),
            r#"["\\\[\]{},:a]{0,8}"#.prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 48, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::hash_map("[ab\"\\\\~]{0,2}", inner, 0..5).prop_map(|map| json!(map)),
            ]
        })
    }

    proptest! {
        #[test]
        fn counting_agrees_with_parsing(value in anything(), pointer in "(/(a|b|~0|\"|aa)){0,3}", cut in 1usize..40, pretty: bool) {
            let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
            let mut counter = Counter::new(Pointer::parse(&pointer).unwrap());
            for piece in text.as_bytes().chunks(cut) {
                counter.pass(piece);
            }
            // A pointer may step into a list by number; ours does not, and none here is a number.
            let expected = value.pointer(&pointer).and_then(Value::as_array).map(|list| list.len() as u64);
            prop_assert_eq!(counter.rows(), expected);
        }
    }
}

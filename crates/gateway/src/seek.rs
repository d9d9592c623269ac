//! Finding a text at its place in a JSON document while it streams by, however long it is.

use zeroize::Zeroizing;

use crate::{
    quotes::{Part, Quotes},
    rows::Pointer,
};

/// The longest name of a member that is compared; a longer one cannot be meant.
const LONGEST_NAME: usize = 256;

/// The longest text that is taken for a credential, in bytes as it is written.
const LONGEST_TEXT: usize = 16 * 1024;

/// Looks for the text at a pointer. It follows strings and brackets only, keeps nothing but what
/// stands at the pointer, and does not mind whether the document is well formed.
pub(crate) struct Seeker {
    to: Pointer,
    /// Containers on the way, from the outermost.
    way: Vec<Here>,
    /// Containers that are open off the way.
    aside: u64,
    quotes: Quotes,
    /// What the string is for that is open.
    role: Role,
    /// What is being read of a name or of the text.
    kept: Zeroizing<Vec<u8>>,
    found: Option<Zeroizing<String>>,
}

enum Here {
    /// An object: whether a name comes next, and whether the last one is on the way.
    Object { names: bool, named: bool },
    /// A list, and which item comes.
    List { item: usize },
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Nothing,
    Name,
    Wanted,
}

impl Seeker {
    pub(crate) fn new(to: Pointer) -> Self {
        let (way, kept) = (Vec::with_capacity(to.steps().len()), Zeroizing::default());
        Self { to, way, aside: 0, quotes: Quotes::default(), role: Role::Nothing, kept, found: None }
    }

    /// What was found since this was asked last. Where the place is there twice the last one counts.
    pub(crate) const fn take(&mut self) -> Option<Zeroizing<String>> {
        self.found.take()
    }

    /// Whether the text at the pointer has begun and not ended, as far as it can be a credential.
    pub(crate) fn is_within(&self) -> bool {
        self.role == Role::Wanted && self.kept.len() <= LONGEST_TEXT
    }

    pub(crate) fn pass(&mut self, bytes: &[u8]) {
        for byte in bytes {
            match self.quotes.step(*byte) {
                Part::Outside => self.plain(*byte),
                Part::Opens => {
                    self.role = self.role();
                    self.kept.clear();
                }
                Part::Within => self.keep(*byte),
                Part::Closes => self.text_ends(),
            }
        }
    }

    /// A byte within a string.
    fn keep(&mut self, byte: u8) {
        let most = if self.role == Role::Name { LONGEST_NAME } else { LONGEST_TEXT };
        // One byte more than may be: then it is known to be too long.
        if self.role != Role::Nothing && self.kept.len() <= most {
            self.kept.push(byte);
        }
    }

    fn text_ends(&mut self) {
        match std::mem::replace(&mut self.role, Role::Nothing) {
            Role::Nothing => {}
            Role::Name => {
                let is_step = self.is_step();
                if let Some(Here::Object { names, named }) = self.way.last_mut() {
                    (*names, *named) = (false, is_step);
                }
            }
            Role::Wanted if self.kept.len() <= LONGEST_TEXT => self.found = self.unquoted().map(Zeroizing::new),
            Role::Wanted => {}
        }
    }

    /// A byte outside of strings.
    fn plain(&mut self, byte: u8) {
        match byte {
            b'{' | b'[' if self.aside == 0 && self.is_on_way() && self.way.len() < self.to.steps().len() => {
                let object = Here::Object { names: true, named: false };
                self.way.push(if byte == b'{' { object } else { Here::List { item: 0 } });
            }
            b'{' | b'[' => self.aside = self.aside.saturating_add(1),
            b'}' | b']' if self.aside > 0 => self.aside -= 1,
            b'}' | b']' => _ = self.way.pop(),
            b',' if self.aside == 0 => match self.way.last_mut() {
                Some(Here::Object { names, named }) => (*names, *named) = (true, false),
                Some(Here::List { item }) => *item = item.saturating_add(1),
                None => {}
            },
            _ => {}
        }
    }

    /// What a string is for that begins here.
    fn role(&self) -> Role {
        match self.way.last() {
            _ if self.aside > 0 => Role::Nothing,
            Some(Here::Object { names: true, .. }) => Role::Name,
            _ if self.is_on_way() && self.way.len() == self.to.steps().len() => Role::Wanted,
            _ => Role::Nothing,
        }
    }

    /// Whether the value that begins here lies on the way.
    fn is_on_way(&self) -> bool {
        match self.way.last() {
            None => true,
            Some(Here::Object { names, named }) => !names && *named,
            Some(Here::List { item }) => self.step().is_some_and(|step| *step == *item.to_string()),
        }
    }

    /// The step that leads on from the innermost container.
    fn step(&self) -> Option<&str> {
        let place = self.way.len().checked_sub(1)?;
        self.to.steps().get(place).map(|step| &**step)
    }

    fn is_step(&self) -> bool {
        let Some(step) = self.step() else { return false };
        match self.kept.contains(&b'\\') {
            true => self.unquoted().is_some_and(|name| name == step),
            false => *self.kept == *step.as_bytes(),
        }
    }

    /// What a string says.
    fn unquoted(&self) -> Option<String> {
        let quoted = Zeroizing::new([b"\"", self.kept.as_slice(), b"\""].concat());
        serde_json::from_slice(&quoted).ok()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn seek(pointer: &str, text: &str, cut: usize) -> Option<String> {
        let mut seeker = Seeker::new(Pointer::parse(pointer).unwrap());
        text.as_bytes().chunks(cut).for_each(|piece| seeker.pass(piece));
        seeker.take().map(|found| found.to_string())
    }

    #[test]
    fn a_text_is_found_behind_anything_and_nothing_else_is() {
        let long =
            format!(r#"{{"more":[{}1],"it":{{"x":"token","token":"a\u0041\"b"}}}}"#, "[\"}]\",{}],".repeat(1000));
        assert_eq!(seek("/it/token", &long, 7).as_deref(), Some("aA\"b"));
        assert_eq!(seek("/0/token", r#"[{"token":"one"},{"token":"two"}]"#, 3).as_deref(), Some("one"));
        assert_eq!(seek("/1/token", r#"[{"token":"one"},{"token":"two"}]"#, 3).as_deref(), Some("two"));
        assert_eq!(seek("", r#" "all of it" "#, 2).as_deref(), Some("all of it"));
        assert_eq!(seek("/a", r#"{"a":1,"b":"x"}"#, 1), None);
        assert_eq!(seek("/a", r#"{"b":{"a":"x"},"c":["a","y"]}"#, 1), None);
        assert_eq!(seek("/a", r#"{"a":["x"]}"#, 1), None);
        assert_eq!(seek("/a", r#"{"a":"never ends"#, 1), None);
    }

    #[test]
    fn it_is_known_whether_a_piece_ends_within_the_text() {
        let mut seeker = Seeker::new(Pointer::parse("/a").unwrap());
        for (piece, within) in [(r#"{"b":"x"#, false), (r#"","a":"on"#, true), ("e", true), (r#"","c":""#, false)] {
            seeker.pass(piece.as_bytes());
            assert_eq!(seeker.is_within(), within, "{piece}");
        }
        assert_eq!(seeker.take().unwrap().as_str(), "one");
    }

    #[test]
    fn what_is_too_long_is_no_credential_and_is_not_kept() {
        let mut seeker = Seeker::new(Pointer::parse("/a").unwrap());
        seeker.pass(br#"{"a":""#);
        for _ in 0..1000 {
            seeker.pass(&[b'x'; 1000]);
        }
        assert!(seeker.kept.capacity() <= 2 * (LONGEST_TEXT + 1) && !seeker.is_within());
        seeker.pass(b"\"}");
        assert!(seeker.take().is_none());
    }

    fn anything() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<i64>().prop_map(Value::from),
            ".{0,8}".prop_map(Value::from),
            r#"["\\\[\]{},:a]{0,8}"#.prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 48, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::hash_map("[ab\"\\\\~]{0,2}", inner, 0..5).prop_map(|map| json!(map)),
            ]
        })
    }

    proptest! {
        #[test]
        fn seeking_agrees_with_parsing(value in anything(), pointer in "(/(a|b|~0|\"|aa|0|1)){0,3}", cut in 1usize..40, pretty: bool) {
            let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
            let expected = value.pointer(&pointer).and_then(Value::as_str).map(str::to_owned);
            prop_assert_eq!(seek(&pointer, &text, cut), expected);
        }

        #[test]
        fn nothing_makes_it_panic(text in r#"["\\\[\]{},:a0 ]{0,60}"#, pointer in "(/(a|0)){0,3}") {
            let _ = seek(&pointer, &text, 5);
        }
    }
}

//! The line of a trouble. Only where there are troubles is a document read a second time,
//! for its lines.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_saphyr::Spanned;

use super::text::{options, step};
use crate::trouble::Trouble;

/// In larger documents lines are not looked for: it would take longer than reading them.
const MOST_BYTES: usize = 4 << 20;

/// Gives each trouble the line at which its pointer stands. JSON is read as the YAML that it is.
pub(crate) fn find_lines(bytes: &[u8], troubles: &mut [Trouble]) {
    if troubles.iter().all(|trouble| trouble.pointer.is_none()) || bytes.len() > MOST_BYTES {
        return;
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(top) = serde_saphyr::from_str_with_options::<Lines>(text.trim_start_matches('\u{feff}'), options()) else {
        return;
    };
    for trouble in troubles {
        trouble.line = trouble.pointer.as_deref().and_then(|pointer| top.line(pointer));
    }
}

/// The lines of everything inside a value, by one step of a JSON pointer.
#[derive(Default)]
struct Lines(Vec<(String, u64, Self)>);

impl Lines {
    /// The line of what a pointer leads to, or of the last that is there on the way.
    fn line(&self, pointer: &str) -> Option<u32> {
        let mut at = self;
        let mut line = None;
        for name in pointer.split('/').skip(1) {
            // Of two with one name, the later one.
            let Some((_, here, below)) = at.0.iter().rev().find(|(known, ..)| known.get(1..) == Some(name)) else {
                break;
            };
            line = u32::try_from(*here).ok();
            at = below;
        }
        line
    }
}

impl<'de> Deserialize<'de> for Lines {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Inside)
    }
}

struct Inside;

impl<'de> Visitor<'de> for Inside {
    type Value = Lines;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Lines, A::Error> {
        let mut lines = Vec::new();
        while let Some(name) = map.next_key::<Spanned<Option<String>>>()? {
            let line = name.referenced.line();
            lines.push((step(name.value.as_deref().unwrap_or("null")), line, map.next_value()?));
        }
        Ok(Lines(lines))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Lines, A::Error> {
        let mut lines = Vec::new();
        while let Some(item) = seq.next_element::<Spanned<Lines>>()? {
            lines.push((format!("/{}", lines.len()), item.referenced.line(), item.value));
        }
        Ok(Lines(lines))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Lines, D::Error> {
        Lines::deserialize(deserializer)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Lines, D::Error> {
        Lines::deserialize(deserializer)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Lines, E> {
        Ok(Lines::default())
    }

    fn visit_i64<E>(self, _: i64) -> Result<Lines, E> {
        Ok(Lines::default())
    }

    fn visit_i128<E>(self, _: i128) -> Result<Lines, E> {
        Ok(Lines::default())
    }

    fn visit_u64<E>(self, _: u64) -> Result<Lines, E> {
        Ok(Lines::default())
    }

    fn visit_u128<E>(self, _: u128) -> Result<Lines, E> {
        Ok(Lines::default())
    }

    fn visit_f64<E>(self, _: f64) -> Result<Lines, E> {
        Ok(Lines::default())
    }

    fn visit_str<E>(self, _: &str) -> Result<Lines, E> {
        Ok(Lines::default())
    }

    fn visit_unit<E>(self) -> Result<Lines, E> {
        Ok(Lines::default())
    }

    fn visit_none<E>(self) -> Result<Lines, E> {
        Ok(Lines::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str, pointers: &[&str]) -> Vec<Option<u32>> {
        let trouble = |pointer: &&str| Trouble {
            pointer: Some((*pointer).to_owned()),
            line: None,
            what: String::new(),
            mend: String::new(),
        };
        let mut troubles: Vec<Trouble> = pointers.iter().map(trouble).collect();
        find_lines(text.as_bytes(), &mut troubles);
        troubles.into_iter().map(|trouble| trouble.line).collect()
    }

    #[test]
    fn a_pointer_has_its_line_in_both_languages() {
        let pointers = ["/paths/~1a/get", "/paths/~1a/get/tags/1", "/paths/~1a/get/200/void", "/void", ""];
        let found = [Some(3), Some(6), Some(7), None, None];
        assert_eq!(
            lines("openapi: 3.0.0\npaths:\n  /a: {get:\n    {tags:\n      [x,\n       y],\n     200: z}}\n", &pointers),
            found
        );
        assert_eq!(
            lines(
                "{\"openapi\": \"3.0.0\",\n\"paths\": {\"/a\": {\n\"get\": {\"tags\":\n[\n\"x\",\n\"y\"],\"z\":1e999,\n\"200\": null}}}}",
                &pointers
            ),
            [Some(3), Some(6), Some(7), None, None]
        );
        assert_eq!(lines("{", &["/a"]), [None]);
    }
}

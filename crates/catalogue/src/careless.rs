//! How careless upstreams read a path: they mind neither the case of letters, nor blanks and
//! dots around a segment, nor an ending like `.json`, and some take a decoded `?` for the
//! query's beginning. The gate does not follow them in what a path is; but where they would
//! take a parameter's value for a literal that stands beside it, what the literal's operation
//! can do must count.

use std::borrow::Cow;

use crate::{OperationId, tree::Tree};

/// The same templates in a tree that ignores case, and which operations it is asked about.
#[derive(Debug)]
pub(crate) struct Careless {
    pub(crate) tree: Tree,
    /// By operation: whether a parameter of its template stands beside a literal.
    beside_literals: Vec<bool>,
    /// Whether all literals are in lower case, as most APIs have them.
    lower: bool,
}

impl Careless {
    /// Nothing where every path can be taken for one template only.
    pub(crate) fn of(tree: &Tree, operations: impl Fn(usize) -> Vec<OperationId>) -> Option<Self> {
        let mut beside_literals = Vec::new();
        for (place, template) in tree.templates().iter().enumerate() {
            if !tree.is_beside_literals(template) {
                continue;
            }
            for operation in operations(place).into_iter().filter_map(|id| usize::try_from(id.0).ok()) {
                if beside_literals.len() <= operation {
                    beside_literals.resize(operation + 1, false);
                }
                if let Some(flag) = beside_literals.get_mut(operation) {
                    *flag = true;
                }
            }
        }
        if beside_literals.is_empty() {
            return None;
        }
        let mut folded = Tree::new(true);
        for template in tree.templates() {
            // INVARIANT: added in their order, templates have the same places in both trees.
            folded.add(template.clone());
        }
        let lower = tree.templates().iter().all(|template| !template.has_capitals());
        Some(Self { tree: folded, beside_literals, lower })
    }

    pub(crate) fn could_be_another(&self, operation: OperationId) -> bool {
        let place = usize::try_from(operation.0).ok();
        place.and_then(|place| self.beside_literals.get(place)).copied().unwrap_or(false)
    }

    /// The ways in which a careless upstream reads these segments, where they could differ from
    /// the strict one.
    pub(crate) fn readings<'p>(&self, segments: &[&'p str]) -> impl Iterator<Item = Vec<Cow<'p, str>>> {
        let is_plain =
            |segment: &&str| segment.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'));
        let differs = !self.lower || !segments.iter().all(is_plain);
        let bare: Option<Vec<Cow<'p, str>>> = differs.then(|| segments.iter().map(|segment| bare(segment)).collect());
        let without_ending = bare.as_ref().and_then(|bare| {
            let (last, before) = bare.split_last()?;
            let (name, _) = last.rsplit_once('.').filter(|(name, _)| !name.is_empty())?;
            Some(before.iter().cloned().chain([Cow::Owned(name.to_owned())]).collect())
        });
        bare.into_iter().chain(without_ending)
    }
}

/// A segment without what some readers cut off, with ASCII letters for their lookalikes.
fn bare(segment: &str) -> Cow<'_, str> {
    let cut = segment.split(['?', '#']).next().unwrap_or_default();
    let trimmed = cut.trim_matches(|letter: char| letter.is_whitespace() || matches!(letter, '.' | '+'));
    if trimmed.is_ascii() {
        return Cow::Borrowed(trimmed);
    }
    let plain = trimmed.chars().map(|letter| match letter {
        '\u{130}' | '\u{131}' => 'i',
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        // The wide forms of ASCII.
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(letter) - 0xfee0).unwrap_or(letter),
        other => other,
    });
    Cow::Owned(plain.collect())
}

#[cfg(test)]
mod tests {
    use law::{Power, Powers};

    use crate::{Catalogue, Found, Settings};

    const DOCUMENT: &str = "
openapi: 3.0.0
paths:
  /users/{name}: {get: {summary: Show a user}}
  /users/export: {get: {summary: Export all users}}
  /users/{name}/keys: {get: {summary: List a user's teams}}
  /users/all/keys: {get: {summary: Export all users}}
  /teams/{name}: {get: {summary: Show a team}}
";

    fn beside(path: &[&str]) -> Powers {
        let catalogue = Catalogue::read(DOCUMENT.as_bytes(), &Settings::default()).unwrap().catalogue;
        let readings = vec![path.to_vec()];
        let (found, beside) = catalogue.find_however_read("GET", &readings).unwrap();
        assert!(matches!(found, Found::Described(_)), "{path:?}");
        beside.powers
    }

    #[test]
    fn what_a_careless_upstream_takes_for_a_literal_counts_as_the_literal_too() {
        for name in [
            "EXPORT",
            "Export",
            "export.",
            "export ",
            " export",
            "export+",
            "export.json",
            "EXPORT.CSV",
            "export?x",
            "export#x",
            "expor\u{ff54}",
        ] {
            assert!(beside(&["users", name]).contains(Power::Export), "{name}");
        }
        assert!(beside(&["users", "ALL", "keys"]).contains(Power::Export));
        for name in ["bob", "Bob", "bob.json", "exports", "export-1"] {
            assert_eq!(beside(&["users", name]), Powers::NONE, "{name}");
        }
        assert_eq!(beside(&["users", "export"]), Powers::NONE, "the literal itself is judged as what it is");
        assert_eq!(beside(&["teams", "EXPORT"]), Powers::NONE, "nothing stands beside it");
    }
}

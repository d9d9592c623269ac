//! The fields of a body by their words, and how deep they lie in the thing itself.

use super::{
    lexicon::grammar,
    words::{self, words},
};
use crate::{Field, Shape};

/// A field by its words.
pub(super) struct Named<'a> {
    /// The words of the field's own name.
    pub(super) words: Vec<String>,
    /// The words of the field that holds it, if any.
    pub(super) parent: Vec<String>,
    /// As the document writes it.
    pub(super) name: &'a str,
    /// 1 for a field of the thing itself, more for what lies deeper; wrappers do not count.
    pub(super) level: usize,
    /// Nothing for a query parameter.
    pub(super) field: Option<&'a Field>,
}

impl<'a> Named<'a> {
    /// A query parameter.
    pub(super) fn query(name: &'a str) -> Self {
        Self { words: words(name), parent: Vec::new(), name, level: 1, field: None }
    }

    /// Whether one of the terms stands anywhere in the name.
    pub(super) fn contains_any(&self, terms: &[&str]) -> bool {
        terms.iter().any(|term| words::contains(&self.words, term))
    }

    /// Whether one of the values can be chosen, written as in `values`: lower case, without `_` and `-`.
    pub(super) fn can_be(&self, values: &[&str]) -> bool {
        let plain = |value: &String| value.to_lowercase().replace(['_', '-'], "");
        self.field.is_some_and(|field| field.values.iter().any(|value| values.contains(&plain(value).as_str())))
    }

    /// What the document says of it, in lower case.
    pub(super) fn said(&self) -> String {
        self.field.and_then(|field| field.description.as_deref()).unwrap_or_default().to_lowercase()
    }
}

/// The fields of a request, without the one that only wraps all others.
pub(super) fn asked(shape: &Shape) -> Vec<Named<'_>> {
    // A list beside other fields is a part of what is sent: the members of a group.
    named(shape, wrapper(shape, false))
}

/// The fields of an answer, without the one that only wraps the others: a list beside the number of its pages.
pub(super) fn answered(shape: &Shape) -> Vec<Named<'_>> {
    named(shape, wrapper(shape, true))
}

fn named<'s>(shape: &'s Shape, wrapper: Option<&'s String>) -> Vec<Named<'s>> {
    let fields = shape.fields.iter().filter_map(|field| {
        let (name, parents) = field.path.split_last()?;
        let wraps =
            |(at, parent): (usize, &String)| at == 0 && Some(parent) == wrapper || is_wrapper(&parent.to_lowercase());
        let wrapped = parents.iter().enumerate().take_while(|(at, parent)| wraps((*at, parent))).count();
        Some(Named {
            words: words(name),
            parent: parents.iter().skip(wrapped).next_back().map(|parent| words(parent)).unwrap_or_default(),
            name,
            level: field.path.len() - wrapped,
            field: Some(field),
        })
    });
    fields
        .filter(|named| !named.field.is_some_and(|field| field.path.len() == 1 && field.path.first() == wrapper))
        .collect()
}

/// The one field that holds all the others, as in `{"user": {…}}` and `{"keys": [{…}], "next": …}`.
fn wrapper(shape: &Shape, paged: bool) -> Option<&String> {
    let top = || shape.fields.iter().filter(|field| field.path.len() == 1).filter_map(|field| field.path.first());
    let holds =
        |name: &&String| shape.fields.iter().any(|field| field.path.len() > 1 && field.path.first() == Some(name));
    let mut holders = top().filter(holds);
    let is_list = |name: &String| {
        let mut own = shape.fields.iter().filter(|field| field.path.len() == 1 && field.path.first() == Some(name));
        paged && shape.list && own.any(|field| field.kind.is_empty() || field.kind.contains("array"))
    };
    match (holders.next(), holders.next()) {
        (Some(only), None) if top().nth(1).is_none() || is_list(only) => Some(only),
        _ => None,
    }
}

fn is_wrapper(name: &str) -> bool {
    grammar::WRAPPERS.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(list: bool, paths: &[&str]) -> Shape {
        let field = |path: &&str| Field { path: path.split('.').map(str::to_owned).collect(), ..Field::default() };
        Shape { media: Vec::new(), list, fields: paths.iter().map(field).collect() }
    }

    fn levels(shape: &Shape) -> Vec<(&str, usize)> {
        answered(shape).iter().map(|named| (named.name, named.level)).collect()
    }

    #[test]
    fn wrappers_do_not_count() {
        assert_eq!(levels(&shape(false, &["user", "user.role"])), [("role", 1)]);
        assert_eq!(levels(&shape(true, &["next", "keys", "keys.id"])), [("next", 1), ("id", 1)]);
        assert_eq!(
            levels(&shape(false, &["config", "name", "config.secret"])),
            [("config", 1), ("name", 1), ("secret", 1)]
        );
    }

    #[test]
    fn what_holds_a_part_is_no_wrapper() {
        let levels_of = shape(false, &["name", "owner", "owner.password"]);
        assert_eq!(levels(&levels_of), [("name", 1), ("owner", 1), ("password", 2)]);
    }
}

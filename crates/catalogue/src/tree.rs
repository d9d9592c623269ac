//! The compiled tree of templates: this is on the request's path, so a look-up allocates nothing.

use crate::template::{Segment, Template};

/// Templates by their segments.
#[derive(Debug)]
pub(crate) struct Tree {
    nodes: Vec<Node>,
    templates: Vec<Template>,
    /// Whether ASCII case is ignored.
    fold: bool,
}

/// A template's place in the tree.
pub(crate) type Place = u32;

#[derive(Debug, Default)]
struct Node {
    /// Sorted; lower case if case is ignored.
    literals: Vec<(Box<str>, usize)>,
    mixed: Vec<(Segment, usize)>,
    parameter: Option<usize>,
    spans: Vec<Span>,
    /// Templates that end here.
    ends: Vec<Place>,
}

/// A parameter that spans segments, and what follows it up to the template's end.
#[derive(Debug)]
struct Span {
    head: Segment,
    tail: Vec<Segment>,
    place: Place,
}

/// The templates that fit a path, none of them beaten by another.
#[derive(Debug)]
pub(crate) struct Fits {
    places: [Place; MOST],
    count: usize,
    /// More than can be told apart: nothing is known.
    pub(crate) too_many: bool,
}

const MOST: usize = 16;

impl Tree {
    pub(crate) fn new(fold: bool) -> Self {
        Self { nodes: vec![Node::default()], templates: Vec::new(), fold }
    }

    pub(crate) fn template(&self, place: Place) -> Option<&Template> {
        self.templates.get(usize::try_from(place).ok()?)
    }

    /// All templates, by their places.
    pub(crate) fn templates(&self) -> &[Template] {
        &self.templates
    }

    /// Whether somewhere on the way to this template a parameter stands beside a literal.
    pub(crate) fn is_beside_literals(&self, template: &Template) -> bool {
        let mut at = Some(0);
        for segment in &template.segments {
            let Some(node) = at.and_then(|at| self.nodes.get(at)) else { return false };
            at = match segment {
                Segment::Literal(text) => self.literal(node, text),
                Segment::Parameter(_) | Segment::Mixed(_) if !node.literals.is_empty() => return true,
                // One mixed segment may hide in another or in a parameter.
                Segment::Parameter(_) if !node.mixed.is_empty() => return true,
                Segment::Mixed(_) if node.mixed.len() > 1 => return true,
                Segment::Parameter(_) => node.parameter,
                Segment::Mixed(_) => node.mixed.iter().find(|(known, _)| known == segment).map(|(_, child)| *child),
                Segment::Span { .. } => {
                    let others = !node.literals.is_empty() || !node.mixed.is_empty() || node.parameter.is_some();
                    return others || node.spans.len() > 1;
                }
            };
        }
        false
    }

    pub(crate) const fn fold(&self) -> bool {
        self.fold
    }

    /// Adds a template. One that is there already keeps its place.
    pub(crate) fn add(&mut self, template: Template) -> Place {
        let mut at = 0;
        let mut span = None;
        for (number, segment) in template.segments.iter().enumerate() {
            if matches!(segment, Segment::Span { .. }) {
                span = Some(number);
                break;
            }
            at = self.child(at, segment);
        }
        let new = Place::try_from(self.templates.len()).unwrap_or(Place::MAX);
        let Some(node) = self.nodes.get(at) else { return new };
        let mut here = node.ends.iter().copied().chain(node.spans.iter().map(|span| span.place));
        if let Some(known) = here.find(|place| self.template(*place) == Some(&template)) {
            return known;
        }
        if let Some(node) = self.nodes.get_mut(at) {
            match span.and_then(|number| template.segments.split_at_checked(number)?.1.split_first()) {
                Some((head, tail)) => {
                    node.spans.push(Span { head: head.clone(), tail: tail.to_vec(), place: new });
                }
                None => node.ends.push(new),
            }
        }
        self.templates.push(template);
        new
    }

    /// The node below this one for a segment; made if it is not there.
    fn child(&mut self, at: usize, segment: &Segment) -> usize {
        let new = self.nodes.len();
        let Some(node) = self.nodes.get_mut(at) else { return 0 };
        let found = match segment {
            Segment::Literal(text) => {
                let text = if self.fold { text.to_ascii_lowercase() } else { text.clone() };
                match node.literals.binary_search_by(|(known, _)| known.as_bytes().cmp(text.as_bytes())) {
                    Ok(known) => node.literals.get(known).map_or(new, |(_, child)| *child),
                    Err(place) => {
                        node.literals.insert(place, (text.into(), new));
                        new
                    }
                }
            }
            Segment::Parameter(_) => *node.parameter.get_or_insert(new),
            Segment::Mixed(_) | Segment::Span { .. } => match node.mixed.iter().find(|(known, _)| known == segment) {
                Some((_, child)) => *child,
                None => {
                    node.mixed.push((segment.clone(), new));
                    new
                }
            },
        };
        if found == new {
            self.nodes.push(Node::default());
        }
        found
    }

    /// Every template that fits and that `counts`, less those that another one beats.
    pub(crate) fn find(&self, path: &[&str], counts: impl Fn(Place) -> bool) -> Fits {
        let mut fits = Fits { places: [0; MOST], count: 0, too_many: false };
        let mut add = |place| {
            if counts(place) {
                fits.add(place, path.len(), self);
            }
        };
        self.walk(0, path, &mut add);
        fits
    }

    /// A tree has one way to each node, so this visits each at most once. Its depth is that of the templates.
    fn walk(&self, at: usize, rest: &[&str], add: &mut impl FnMut(Place)) {
        let Some(node) = self.nodes.get(at) else { return };
        let Some((segment, below)) = rest.split_first() else {
            node.ends.iter().for_each(|place| add(*place));
            return;
        };
        if let Some(child) = self.literal(node, segment) {
            self.walk(child, below, add);
        }
        for (mixed, child) in &node.mixed {
            if mixed.fits(segment, self.fold) {
                self.walk(*child, below, add);
            }
        }
        if let Some(child) = node.parameter
            && !segment.is_empty()
        {
            self.walk(child, below, add);
        }
        for span in &node.spans {
            if span.fits(rest, self.fold) {
                add(span.place);
            }
        }
    }

    fn literal(&self, node: &Node, segment: &str) -> Option<usize> {
        let found = if self.fold {
            let wanted = || segment.bytes().map(|byte| byte.to_ascii_lowercase());
            node.literals.binary_search_by(|(known, _)| known.bytes().cmp(wanted()))
        } else {
            node.literals.binary_search_by(|(known, _)| known.as_bytes().cmp(segment.as_bytes()))
        };
        node.literals.get(found.ok()?).map(|(_, child)| *child)
    }
}

impl Span {
    fn fits(&self, rest: &[&str], fold: bool) -> bool {
        let Some(width) = rest.len().checked_sub(self.tail.len()) else { return false };
        let Some((head, tail)) = rest.split_at_checked(width) else { return false };
        self.head.spans(head, fold) && self.tail.iter().zip(tail).all(|(segment, text)| segment.fits(text, fold))
    }
}

impl Fits {
    pub(crate) fn iter(&self) -> impl Iterator<Item = Place> {
        self.places.iter().take(self.count).copied()
    }

    fn add(&mut self, place: Place, length: usize, tree: &Tree) {
        let Some(new) = tree.template(place) else { return };
        let beats = |one: Place, other: &Template| tree.template(one).is_some_and(|one| one.beats(other, length));
        if self.iter().any(|known| beats(known, new)) {
            return;
        }
        let mut kept = 0;
        for at in 0..self.count {
            let Some(known) = self.places.get(at).copied() else { continue };
            let beaten = tree.template(known).is_some_and(|known| new.beats(known, length));
            if !beaten && let Some(slot) = self.places.get_mut(kept) {
                *slot = known;
                kept += 1;
            }
        }
        self.count = kept;
        match self.places.get_mut(kept) {
            Some(slot) => {
                *slot = place;
                self.count += 1;
            }
            None => self.too_many = true,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn tree(templates: &[&str], fold: bool) -> Tree {
        let mut tree = Tree::new(fold);
        for template in templates {
            tree.add(Template::parse(template, |name| name == "path").unwrap());
        }
        tree
    }

    fn find<'t>(templates: &[&'t str], path: &str) -> Vec<&'t str> {
        let path: Vec<&str> = path.split('/').skip(1).collect();
        let fits = tree(templates, false).find(&path, |_| true);
        fits.iter().map(|place| templates[place as usize]).collect()
    }

    #[test]
    fn the_more_literal_template_wins() {
        let templates = ["/users/{id}", "/users/me", "/users/{id}.json", "/users/{path}", "/{any}/me"];
        assert_eq!(find(&templates, "/users/me"), ["/users/me"]);
        assert_eq!(find(&templates, "/users/7"), ["/users/{id}"]);
        assert_eq!(find(&templates, "/users/7.json"), ["/users/{id}.json"]);
        assert_eq!(find(&templates, "/users/7/x"), ["/users/{path}"]);
        assert_eq!(find(&templates, "/x/me"), ["/{any}/me"]);
        assert!(find(&templates, "/users/").is_empty());
        assert!(find(&templates, "/users").is_empty());
        assert!(find(&templates, "/Users/me").contains(&"/{any}/me"));
    }

    #[test]
    fn templates_of_which_none_is_more_literal_all_count() {
        assert_eq!(find(&["/a/{x}", "/{y}/b"], "/a/b").len(), 2);
        assert_eq!(find(&["/{x}", "/{y}"], "/a").len(), 2);
        assert_eq!(find(&["/a/{x}", "/{y}/b", "/a/b"], "/a/b"), ["/a/b"]);
        assert_eq!(find(&["/{path}/c", "/a/{path}"], "/a/b/c").len(), 2);
    }

    #[test]
    fn too_many_equals_are_nothing_known() {
        let names: Vec<String> = (0..MOST + 1).map(|number| format!("/{{p{number}}}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        assert!(tree(&names, false).find(&["a"], |_| true).too_many);
        assert!(!tree(&names[1..], false).find(&["a"], |_| true).too_many);
    }

    #[test]
    fn case_is_ignored_only_where_asked_and_only_in_ascii() {
        let path = ["USERS", "Me"];
        assert_eq!(tree(&["/users/me"], true).find(&path, |_| true).iter().count(), 1);
        assert_eq!(tree(&["/users/me"], false).find(&path, |_| true).iter().count(), 0);
        assert_eq!(tree(&["/K"], true).find(&["\u{212a}"], |_| true).iter().count(), 0);
    }

    /// The same question without a tree.
    fn naive(templates: &[Template], path: &[&str]) -> BTreeSet<usize> {
        let fits = |template: &Template| {
            let segments = &template.segments;
            let Some(at) = segments.iter().position(|segment| matches!(segment, Segment::Span { .. })) else {
                return segments.len() == path.len()
                    && segments.iter().zip(path).all(|(segment, text)| segment.fits(text, false));
            };
            let after = segments.len() - at - 1;
            path.len() > at + after
                && segments[..at].iter().zip(path).all(|(segment, text)| segment.fits(text, false))
                && segments[at].spans(&path[at..path.len() - after], false)
                && segments[at + 1..]
                    .iter()
                    .zip(&path[path.len() - after..])
                    .all(|(segment, text)| segment.fits(text, false))
        };
        let fitting: Vec<usize> = (0..templates.len()).filter(|number| fits(&templates[*number])).collect();
        fitting
            .iter()
            .filter(|one| !fitting.iter().any(|other| templates[*other].beats(&templates[**one], path.len())))
            .copied()
            .collect()
    }

    proptest! {
        #[test]
        fn the_tree_agrees_with_a_naive_matcher(
            texts in prop::collection::vec("(/(a|b|c|\\{x\\}|\\{y\\}|\\{x\\}-a|a\\{y\\}|\\{path\\}|)){1,4}", 1..12),
            path in prop::collection::vec("a|b|c|d|a-a|b-a|ab|", 1..6),
        ) {
            let mut templates: Vec<Template> = Vec::new();
            for template in texts.iter().filter_map(|text| Template::parse(text, |name| name == "path").ok()) {
                if !templates.contains(&template) {
                    templates.push(template);
                }
            }
            let mut tree = Tree::new(false);
            for template in &templates {
                tree.add(template.clone());
            }
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            let fits = tree.find(&path, |_| true);
            let found: BTreeSet<usize> = fits.iter().map(|place| place as usize).collect();
            prop_assert_eq!(found, naive(&templates, &path));
        }
    }
}

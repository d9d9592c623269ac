//! An operation as a sentence: what is done, to what, inside what.

use std::fmt;

use super::{
    context::Context,
    field::{Named, answered, asked},
    lexicon::grammar,
    path::ReadPath,
    sentence::Sentence,
    verbs::{self, Effect},
    words::{self, words},
};
use crate::Facts;

/// What the rules judge.
pub(super) struct Act<'a> {
    pub(super) facts: &'a Facts,
    pub(super) context: &'a Context,
    pub(super) effect: Effect,
    /// Every verb that was found, the path's first.
    pub(super) verbs: Vec<Said>,
    /// What is acted upon, in each source's words, the path's first.
    pub(super) objects: Vec<Said>,
    /// What the object lies in: the path's earlier words, and the tags.
    pub(super) containers: Vec<Said>,
    /// Whether the path ends with a parameter, hence with one thing.
    pub(super) one: bool,
    /// The request's fields and query parameters.
    pub(super) asks: Vec<Named<'a>>,
    /// The answer's fields.
    pub(super) answers: Vec<Named<'a>>,
}

/// A phrase and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) place: Place,
    pub(super) words: Vec<String>,
    /// How many words at the end only name a part of the thing.
    parts: usize,
}

/// Where a word stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Path,
    OperationId,
    Summary,
    Description,
    Tag,
}

/// A term that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hit {
    pub(super) term: &'static str,
    pub(super) place: Place,
}

impl Hit {
    /// Whether a name says it: texts speak of much that nothing is done to.
    pub(super) fn is_in_a_name(&self) -> bool {
        matches!(self.place, Place::Path | Place::OperationId)
    }
}

impl<'a> Act<'a> {
    pub(super) fn of(facts: &'a Facts, context: &'a Context) -> Self {
        let path = match &facts.selected {
            Some(selected) => ReadPath::of(&format!("{}#{selected}", facts.template)),
            None => ReadPath::of(&facts.template),
        };
        let mut verbs: Vec<Said> = path.verbs;
        let mut objects: Vec<Said> = path.object.into_iter().collect();
        let id = facts.operation_id.as_deref().map(|id| Sentence::of_name(id, Place::OperationId));
        for sentence in id.into_iter().chain(spoken(facts)) {
            verbs.extend(sentence.verbs);
            // A description's nouns are far from the point; they count where nothing else is said.
            let counts = |said: &Said| said.place != Place::Description || facts.operation_id.is_none();
            objects.extend(sentence.object.filter(counts).map(|said| said.without(&path.parameter)));
        }
        let tags = facts.tags.iter().map(|tag| Said::new(Place::Tag, words(tag)));
        let queries = facts.query.iter().map(|name| Named::query(name));
        Self {
            // A name alone, such as `?acl`, is a part of the thing, and the method says what is done to it.
            effect: effect(&facts.method, &verbs, path.one, facts.selected.as_ref().is_some_and(|it| it.contains('='))),
            verbs,
            objects,
            containers: path.containers.into_iter().chain(tags).collect(),
            one: path.one,
            asks: asked(&facts.request).into_iter().chain(queries).collect(),
            answers: answered(&facts.answer),
            facts,
            context,
        }
    }

    /// The longest of the terms that names the object; a part of it, such as its settings or rules, counts as it.
    pub(super) fn object(&self, terms: &[&'static str]) -> Option<Hit> {
        find(&self.objects, terms, is_or_belongs_to)
    }

    /// The longest of the terms that names the object itself, not a part of it.
    pub(super) fn object_itself(&self, terms: &[&'static str]) -> Option<Hit> {
        find(&self.objects, terms, is_itself)
    }

    /// The term that is all that is said of the object.
    pub(super) fn object_alone(&self, terms: &[&'static str]) -> Option<Hit> {
        find(&self.objects, terms, is_alone)
    }

    /// Whether any source's words for the object end with one of the terms.
    pub(super) fn any_object(&self, terms: &[&str]) -> bool {
        self.objects.iter().any(|said| words::ends_with_any(&said.words, terms))
    }

    /// The longest of the terms that names what the object lies in, by the path.
    pub(super) fn under(&self, terms: &[&'static str]) -> Option<Hit> {
        let path = self.containers.iter().filter(|said| said.place == Place::Path);
        find(path, terms, is_or_belongs_to)
    }

    /// The path's words for what the object lies in most closely.
    pub(super) fn container(&self) -> Option<&Said> {
        self.containers.iter().rev().find(|said| said.place == Place::Path)
    }

    /// Whether what the object lies in most closely is one of the terms.
    pub(super) fn is_in(&self, terms: &[&str]) -> bool {
        self.container().is_some_and(|said| words::ends_with_any(&said.words, terms))
    }

    /// The first of the verbs that is done.
    pub(super) fn does(&self, verbs: &[&'static str]) -> Option<Hit> {
        find(&self.verbs, verbs, is_alone)
    }

    /// The first of the verbs that is done there.
    pub(super) fn does_there(&self, verbs: &[&'static str], place: Place) -> Option<Hit> {
        find(self.verbs.iter().filter(|said| said.place == place), verbs, is_alone)
    }

    /// The term that stands anywhere in the path, the id, the summary's sentence or the tags.
    pub(super) fn mentions(&self, terms: &[&'static str]) -> Option<Hit> {
        let said = self.objects.iter().chain(&self.verbs).chain(&self.containers);
        find(said, terms, |said, term| words::contains(&said.words, term))
    }

    /// The longest of the terms that names what is made: by the path alone, or by a sentence whose verb makes.
    pub(super) fn makes(&self, terms: &[&'static str]) -> Option<Hit> {
        let made = |said: &&Said| {
            let mut verbs = self.verbs.iter().filter(|verb| verb.place == said.place).peekable();
            let silent = verbs.peek().is_none() && said.place == Place::Path;
            silent || verbs.any(|verb| verb.effect() == Some(Effect::Make))
        };
        let objects = self.objects.iter().filter(|_| self.effect == Effect::Make).filter(made);
        find(objects, terms, is_itself)
    }

    /// The request's first field of the thing itself with one of these names.
    pub(super) fn asks(&self, names: &[&str]) -> Option<&'a str> {
        self.asks.iter().find(|field| field.level == 1 && words::is_any(&field.words, names)).map(|field| field.name)
    }
}

impl Said {
    pub(super) fn new(place: Place, words: Vec<String>) -> Self {
        let parts = words.len() - whole(&words).len();
        Self { place, words, parts }
    }

    /// Ids that a program wrote end with the path's last parameter: `getKeysKeyToken`.
    fn without(mut self, parameter: &[String]) -> Self {
        if self.place == Place::OperationId
            && !parameter.is_empty()
            && self.words.ends_with(parameter)
            && self.words.len() > parameter.len() + 1
        {
            self.words.truncate(self.words.len() - parameter.len());
            return Self::new(self.place, self.words);
        }
        self
    }

    /// What the verb does, if it is one.
    pub(super) fn effect(&self) -> Option<Effect> {
        self.words.first().and_then(|verb| verbs::effect(verb))
    }
}

/// The phrase without trailing words for a part or a property of the thing.
pub(super) fn whole(words: &[String]) -> &[String] {
    let mut words = words;
    while let [rest @ .., last] = words
        && !rest.is_empty()
        && is_part(last)
    {
        words = rest;
    }
    words
}

/// Whether the phrase ends with the term, or names a part of what does.
fn is_or_belongs_to(said: &Said, term: &str) -> bool {
    (0..=said.parts)
        .any(|dropped| said.words.get(..said.words.len() - dropped).is_some_and(|words| words::ends_with(words, term)))
}

fn is_itself(said: &Said, term: &str) -> bool {
    words::ends_with(&said.words, term)
}

fn is_alone(said: &Said, term: &str) -> bool {
    words::is(&said.words, term)
}

/// Whether the word is one for a part of a thing, its settings or a way to name it.
pub(super) fn is_part(word: &str) -> bool {
    grammar::PARTS.contains(&word)
}

/// The summary, or the description's first sentence where there is none.
fn spoken(facts: &Facts) -> Option<Sentence> {
    if let Some(summary) = facts.summary.as_deref().filter(|summary| !summary.trim().is_empty()) {
        return Some(Sentence::of_text(summary, Place::Summary));
    }
    facts.description.as_deref().map(|description| Sentence::of_text(description, Place::Description))
}

/// The method decides, unless a verb says that a `POST` only looks, or that a `GET` or a `POST` removes.
/// Where a word of the request selects the operation, that word says what is done, and the method nothing.
fn effect(method: &str, verbs: &[Said], one: bool, selected: bool) -> Effect {
    let said = |place: Place| {
        // `…/return` gives something back; only a sentence returns a list.
        let counts = |verb: &&Said| verb.place == place && !(place == Place::Path && verb.words == ["return"]);
        verbs.iter().filter(counts).find_map(Said::effect)
    };
    match method {
        "DELETE" => Effect::Remove,
        "PUT" | "PATCH" => match said(Place::Path).or(said(Place::OperationId)).or(said(Place::Summary)) {
            Some(Effect::Remove) => Effect::Remove,
            Some(Effect::Make) => Effect::Make,
            Some(Effect::Look | Effect::Change) | None => Effect::Change,
        },
        "GET" | "HEAD" if selected => said(Place::Path)
            .or(said(Place::OperationId).filter(|effect| *effect != Effect::Make))
            .or(said(Place::Summary))
            .unwrap_or(if verbs.iter().any(|verb| verb.place == Place::Path) { Effect::Change } else { Effect::Look }),
        "GET" | "HEAD" | "OPTIONS" | "TRACE" | "QUERY" => {
            // Some APIs do everything by GET; one verb alone may be a noun.
            let agreed = [said(Place::OperationId), said(Place::Summary)];
            said(Place::Path).filter(|path| agreed.contains(&Some(*path))).unwrap_or(Effect::Look)
        }
        _ => said(Place::Path)
            // "Get or create a channel".
            .filter(|effect| *effect != Effect::Look || !makes_else(verbs))
            .or(said(Place::OperationId).filter(|effect| *effect != Effect::Make))
            .or(said(Place::Summary))
            .or(said(Place::Description))
            // A `POST` to one thing, or with a verb, changes it; a `POST` to many makes one more.
            .unwrap_or(if one || verbs.iter().any(|verb| verb.place == Place::Path) {
                Effect::Change
            } else {
                Effect::Make
            }),
    }
}

/// Whether a sentence that looks first makes something else then.
fn makes_else(verbs: &[Said]) -> bool {
    [Place::OperationId, Place::Summary].into_iter().any(|place| {
        let mut effects = verbs.iter().filter(|said| said.place == place).filter_map(Said::effect);
        effects.next() == Some(Effect::Look) && effects.next() == Some(Effect::Make)
    })
}

fn find<'s>(
    said: impl IntoIterator<Item = &'s Said>,
    terms: &[&'static str],
    fits: impl Fn(&Said, &str) -> bool,
) -> Option<Hit> {
    said.into_iter().find_map(|said| {
        // The longest says the most: `ssh key` rather than `key`.
        let term = terms.iter().filter(|term| fits(said, term)).max_by_key(|term| term.len())?;
        Some(Hit { term, place: said.place })
    })
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Path => "the path",
            Self::OperationId => "the operation id",
            Self::Summary => "the summary",
            Self::Description => "the description",
            Self::Tag => "the tags",
        })
    }
}

impl fmt::Display for Hit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` in {}", self.term, self.place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn effect_of(method: &str, template: &str, summary: Option<&str>) -> Effect {
        let facts = Facts {
            method: method.to_owned(),
            template: template.to_owned(),
            summary: summary.map(str::to_owned),
            ..Facts::default()
        };
        Act::of(&facts, &Context::default()).effect
    }

    #[test]
    fn a_post_looks_where_a_verb_says_so() {
        assert_eq!(effect_of("POST", "/orders/search", None), Effect::Look);
        assert_eq!(effect_of("POST", "/orders/query", Some("Query orders")), Effect::Look);
        assert_eq!(effect_of("POST", "/orders", Some("Create an order")), Effect::Make);
        assert_eq!(effect_of("POST", "/orders/{id}", None), Effect::Change);
        assert_eq!(effect_of("POST", "/orders/{id}/return", None), Effect::Change);
        assert_eq!(effect_of("POST", "/orders/bulk_delete", None), Effect::Remove);
    }

    #[test]
    fn a_get_removes_only_where_two_say_so() {
        assert_eq!(effect_of("GET", "/users.delete", Some("Delete a user")), Effect::Remove);
        assert_eq!(effect_of("GET", "/users/delete", None), Effect::Look);
        assert_eq!(effect_of("DELETE", "/users/search", Some("Search")), Effect::Remove);
    }

    #[test]
    fn what_selects_an_operation_says_what_it_does_whatever_the_method() {
        for (selected, effect) in [
            ("Action=DeleteUser", Effect::Remove),
            ("Version=2010-05-08&Action=DeleteUser", Effect::Remove),
            ("X-Target=Service_1.DeleteUser", Effect::Remove),
            ("Action=ListUsers", Effect::Look),
            ("Action=CreateAccessKey", Effect::Make),
            ("Action=StartTask", Effect::Change),
            ("acl", Effect::Look),
            ("object-lock", Effect::Look),
            ("uploadId", Effect::Look),
        ] {
            let (method, template) = ("GET".to_owned(), "/".to_owned());
            let facts = Facts { method, template, selected: Some(selected.to_owned()), ..Facts::default() };
            assert_eq!(Act::of(&facts, &Context::default()).effect, effect, "{selected}");
        }
    }

    #[test]
    fn a_description_counts_where_no_summary_speaks() {
        let facts = Facts {
            method: "POST".to_owned(),
            template: "/v1/topups/{id}".to_owned(),
            description: Some("<p>Updates a top-up. Never deletes it.</p>".to_owned()),
            ..Facts::default()
        };
        assert_eq!(Act::of(&facts, &Context::default()).effect, Effect::Change);
    }
}

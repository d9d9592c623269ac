//! The marks of an operation: all that the rules see of it, and each rule that fitted, as short texts.
//!
//! A learned model sees by them what the rules see. None is part of the gate (docs/decisions/0050); this is here so that
//! whoever tries again trains on the same reading: [`the_marks_of_labelled_operations_are_written_down`].

use std::{
    collections::{BTreeSet, HashMap},
    fs,
    io::{BufWriter, Write as _},
    path::PathBuf,
};

use super::{
    Context, Evidence, Powered,
    act::{Act, Place, Said},
    classify,
    field::Named,
    sentence::without_tags,
    verbs::Effect,
    words::words,
};
use crate::{Facts, judge::name_of, read, trouble::Troubles};

#[path = "../../accuracy/labelled.rs"]
mod labelled;

/// So many letters and words of a text, and so many fields of a body, are looked at.
const MOST_LETTERS: usize = 600;
const MOST_WORDS: usize = 40;
const MOST_FIELDS: usize = 120;

/// Every mark of an operation, such as `remove object key` and `rule mint.object`.
fn marks(facts: &Facts, context: &Context, powered: &Powered) -> BTreeSet<String> {
    let act = Act::of(facts, context);
    let effect = match act.effect {
        Effect::Look => "look",
        Effect::Make => "make",
        Effect::Change => "change",
        Effect::Remove => "remove",
    };
    let mut marks = Marks { effect, found: BTreeSet::new() };
    marks.put(&["method", &facts.method]);
    marks.put(&["effect", effect, if act.one { "one" } else { "many" }]);
    marks.put(&["people", if context.accounts { "sign in" } else { "do not sign in" }]);
    marks.path(&facts.template, &facts.method);
    act.verbs.iter().for_each(|said| marks.put(&["verb", &said.words.join(" ")]));
    act.objects.iter().for_each(|said| marks.object(said));
    facts.tags.iter().take(3).flat_map(|tag| words(tag)).for_each(|word| marks.put(&["tag", &word]));
    facts.scopes.iter().flat_map(|scope| words(scope)).for_each(|word| marks.put(&["scope", &word]));
    for (place, text) in [("id", &facts.operation_id), ("summary", &facts.summary), ("said", &facts.description)] {
        marks.text(place, text.as_deref().unwrap_or_default());
    }
    marks.fields("asks", &act.asks);
    marks.fields("answers", &act.answers);
    facts.request.media.iter().for_each(|media| marks.put(&["asks for", media]));
    facts.answer.media.iter().for_each(|media| marks.put(&["answers by", media]));
    if facts.answer.list {
        marks.put(&["answers with a list"]);
    }
    if facts.request.fields.is_empty() {
        marks.put(&["asks for nothing"]);
    }
    for (_, Evidence { rule, words: told }) in &powered.evidence {
        marks.put(&["rule", rule]);
        marks.put(&["rule", rule, &words(told).join(" ")]);
    }
    marks.found
}

struct Marks {
    effect: &'static str,
    found: BTreeSet<String>,
}

impl Marks {
    fn put(&mut self, parts: &[&str]) {
        self.found.insert(parts.join(" "));
    }

    /// One mark, and one with the effect before it.
    fn both(&mut self, parts: &[&str]) {
        self.put(parts);
        self.put(&[&[self.effect], parts].concat());
    }

    /// The literals of the path, from its end.
    fn path(&mut self, template: &str, method: &str) {
        let literals: Vec<Vec<String>> = template
            .split(['/', ':', '#', '.', '='])
            .filter(|part| !part.contains(['{', '}']))
            .map(words)
            .filter(|words| !words.is_empty())
            .collect();
        for (at, literal) in literals.iter().rev().enumerate() {
            let place = ["path", "path 1"].get(at).copied().unwrap_or("path 2");
            for word in literal {
                self.put(&[place, word]);
                self.put(&["path anywhere", word]);
            }
            self.put(&[place, &literal.join(" ")]);
        }
        if let Some(last) = literals.last() {
            self.put(&[self.effect, "path", &last.join(" ")]);
            self.put(&[method, "path", &last.join(" ")]);
            self.put(&[self.effect, "path end", &last[last.len() - 1]]);
        }
        for pair in literals.windows(2).rev().take(2) {
            self.both(&["path", &pair[0][pair[0].len() - 1], "/", &pair[1][pair[1].len() - 1]]);
        }
    }

    fn object(&mut self, said: &Said) {
        self.both(&["object", &said.words.join(" ")]);
        if let Some(last) = said.words.last() {
            self.both(&["object end", last]);
        }
        for word in said.words.iter().filter(|_| said.place != Place::Description) {
            self.both(&["object with", word]);
        }
    }

    fn text(&mut self, place: &str, text: &str) {
        let words = words(&without_tags(&text.chars().take(MOST_LETTERS).collect::<String>()));
        let words = &words[..words.len().min(MOST_WORDS)];
        words.iter().for_each(|word| self.both(&[place, word]));
        words.windows(2).for_each(|pair| self.put(&[place, &pair[0], &pair[1]]));
    }

    fn fields(&mut self, place: &str, fields: &[Named<'_>]) {
        for named in fields.iter().take(MOST_FIELDS) {
            let name = named.words.join(" ");
            if named.field.is_none() {
                self.put(&["query", &name]);
            } else if named.level > 1 {
                self.put(&[place, "deep", &name]);
                self.put(&[place, "deep", &named.parent.join(" "), "/", &name]);
            } else {
                self.both(&[place, &name]);
                named.words.iter().for_each(|word| self.put(&[place, "with", word]));
                named.words.iter().last().into_iter().for_each(|word| self.put(&[place, "end", word]));
            }
        }
    }
}

#[test]
fn an_operation_is_marked_by_its_words_and_by_the_rules_that_fit() {
    let facts = Facts {
        method: "DELETE".to_owned(),
        template: "/users/{id}/api_keys/{key}".to_owned(),
        summary: Some("Deletes <b>one</b> key".to_owned()),
        ..Facts::default()
    };
    let context = Context::default();
    let found = marks(&facts, &context, &classify(&facts, &context));
    for mark in [
        "effect remove one",
        "path api key",
        "path 1 user",
        "remove path user / key",
        "remove object api key",
        "summary delete one",
        "rule mint.object",
        "rule mint.object delete api key in the path",
    ] {
        assert!(found.contains(mark), "{mark} in {found:#?}");
    }
}

/// `GREAVE_MARKS=FILE` names the file; the documents lie in `GREAVE_DOCUMENTS`. One line an operation: its set, its
/// document, its name, its label, what the rules said, and its marks, with tabs between. Beside it, as `FILE.facts`, what
/// the document says of each. Never of the kept half.
#[test]
fn the_marks_of_labelled_operations_are_written_down() {
    let Some(to) = std::env::var_os("GREAVE_MARKS") else { return };
    let folder = PathBuf::from(std::env::var_os(labelled::DOCUMENTS).expect("a folder that accuracy/fetch.sh filled"));
    let mut out = BufWriter::new(fs::File::create(&to).unwrap());
    let mut beside = BufWriter::new(fs::File::create(PathBuf::from(to).with_added_extension("facts")).unwrap());
    let mut rows: Vec<labelled::Row> = ["tune-", "doubt-", "train-"].into_iter().flat_map(labelled::rows).collect();
    rows.sort_by(|a, b| a.doc.cmp(&b.doc));
    for rows in rows.chunk_by(|a, b| a.doc == b.doc) {
        let mut drafts = Vec::new();
        let mut troubles = Troubles::default();
        read::read(&labelled::document(&folder, &rows[0].doc), &mut troubles, |draft, _| drafts.push(draft)).unwrap();
        let context = Context::of(drafts.iter().map(|draft| &draft.facts));
        // What could not be read has every power, whatever its words.
        let read = drafts.iter().filter(|draft| draft.unread.is_none());
        let by_name: HashMap<String, &Facts> = read.map(|draft| (name_of(draft), &draft.facts)).collect();
        for labelled::Row { doc, method, path, powers, set } in rows {
            let name = format!("{} {path}", method.to_uppercase());
            let Some(facts) = by_name.get(&name) else { continue };
            let powered = classify(facts, &context);
            let marks: Vec<String> = marks(facts, &context, &powered).into_iter().collect();
            writeln!(out, "{set}\t{doc}\t{name}\t{powers}\t{}\t{}", powered.powers, marks.join("\t")).unwrap();
            serde_json::to_writer(&mut beside, facts).unwrap();
            writeln!(beside).unwrap();
        }
    }
}

//! Whose export is it? One folder a provider; to add one, write its folder and name it here.

pub(crate) mod aws;
pub(crate) mod github;
pub(crate) mod greave;
pub(crate) mod inventory;
pub(crate) mod masked;
mod openapi;
mod scopes;

use catalogue::Catalogue;
use csv::StringRecord;
use jiff::Timestamp;
use serde_json::Value;

use crate::{
    estate::{Estate, Key, Seen, Source},
    input::{Content, Trouble},
};

/// More different things than this make no text that one would paste.
const MOST: usize = 60;

/// What tells one export from another.
pub(crate) enum Head<'a> {
    /// The heads of a table.
    Csv(&'a StringRecord),
    /// A JSON document.
    Json(&'a Value),
    /// The first of many JSON documents, one a line.
    Line(&'a Value),
    /// A document whose first name is a list of account authorization details, as AWS writes them.
    Details,
    /// An OpenAPI document as text.
    Document,
}

/// What a provider's folder does.
pub(crate) trait Provider {
    /// The next export is of this file.
    fn begins(&mut self, _file: &str) {}

    /// Recognises an export by its content, and says what it is.
    fn recognise(&self, head: &Head<'_>) -> Option<&'static str>;

    /// Reads an export that it has recognised into the estate, and says what was in it.
    fn read(&mut self, form: &'static str, file: &str, content: Content, estate: &mut Estate) -> String;

    /// Gives keys and accounts the names that logs know them by, before logs are joined.
    fn name(&mut self, _estate: &mut Estate) {}

    /// Joins what only makes sense when everything has been read.
    fn finish(&mut self, _estate: &mut Estate, _as_of: Timestamp) {}
}

/// All of them, in the order in which they are asked: the general ones last.
pub(crate) struct Providers(Vec<Box<dyn Provider>>);

impl Providers {
    pub(crate) fn new(maps: inventory::Maps) -> Self {
        Self(vec![
            Box::new(aws::Aws::default()),
            Box::new(github::GitHub::default()),
            Box::new(greave::Greave::default()),
            Box::new(openapi::OpenApi),
            Box::new(inventory::Inventory::new(maps)),
        ])
    }

    pub(crate) fn read(&mut self, file: &str, content: Content, estate: &mut Estate) {
        let content = match content.settled(file) {
            Ok(content) => content,
            Err(trouble) => return estate.troubles.push(trouble),
        };
        if let Content::Several(values) = content {
            let before = estate.sources.len();
            for value in values {
                self.read(file, Content::Json(value), estate);
            }
            one_of_each(&mut estate.sources, before);
            return;
        }
        let head = match &content {
            Content::Json(value) => Head::Json(value),
            Content::JsonLines(first, _) => Head::Line(first),
            Content::Csv(heads, _) => Head::Csv(heads),
            Content::Details(_) => Head::Details,
            Content::Document(_) => Head::Document,
            // They have settled.
            Content::List(..) | Content::Lines(..) | Content::Several(_) => return,
        };
        self.0.iter_mut().for_each(|provider| provider.begins(file));
        let known = self.0.iter_mut().find_map(|provider| provider.recognise(&head).map(|form| (provider, form)));
        let Some((provider, form)) = known else {
            estate.troubles.push(Trouble::of(file, unknown(&head)));
            return;
        };
        let holds = provider.read(form, file, content, estate);
        estate.sources.push(Source { file: file.to_owned(), form: form.to_owned(), holds });
    }

    pub(crate) fn name(&mut self, estate: &mut Estate) {
        for provider in &mut self.0 {
            provider.name(estate);
        }
    }

    pub(crate) fn finish(&mut self, estate: &mut Estate, as_of: Timestamp) {
        for provider in &mut self.0 {
            provider.finish(estate, as_of);
        }
    }
}

/// Why nobody knows an export: a table may only lack a name that is known.
fn unknown(head: &Head<'_>) -> String {
    let known = "`greave audit --help` lists what can be read";
    let hint = match head {
        Head::Csv(heads) => inventory::hint(heads.iter()),
        Head::Json(Value::Array(rows)) if rows.is_empty() => return format!("is an empty list; {known}"),
        Head::Json(Value::Array(rows)) => inventory::hint(
            rows.first().and_then(Value::as_object).into_iter().flatten().map(|(name, _)| name.as_str()),
        ),
        Head::Line(Value::Object(fields)) => inventory::hint(fields.keys().map(String::as_str)),
        _ => return format!("is no export that is known; {known}, and `--map` names the columns of any table"),
    };
    format!(
        "is no export that is known, and no column is known to name a key or its holder; for a table of keys try {hint}"
    )
}

/// Many documents of one kind in one file are told once.
fn one_of_each(sources: &mut Vec<Source>, from: usize) {
    let mut told: Vec<(Source, usize)> = Vec::new();
    for source in sources.drain(from..) {
        match told.iter_mut().find(|(known, _)| known.form == source.form) {
            Some((_, times)) => *times += 1,
            None => told.push((source, 1)),
        }
    }
    sources.extend(told.into_iter().map(|(mut source, times)| {
        if times > 1 {
            source.holds = count(times, "document");
        }
        source
    }));
}

/// How a finding of this rule is mended where the key lives.
pub(crate) fn mend(rule: &str, key: &Key, holder: Option<&str>) -> Option<String> {
    match key.provider {
        "aws" => aws::mend(rule, key, holder),
        "github" => github::mend(rule, key, holder),
        _ => None,
    }
}

/// What would have been enough for what a key was seen to do, as text to paste.
pub(crate) fn narrower(key: &Key, seen: &Seen, catalogues: &[Catalogue]) -> Option<String> {
    let actions: Vec<&str> = seen.actions.iter().map(|(action, _)| action.as_str()).collect();
    if seen.cut || actions.is_empty() || actions.len() > MOST {
        return None;
    }
    match key.provider {
        "aws" => Some(aws::needed::narrower(seen)),
        "github" => github::narrower(&actions, seen),
        "greave" => Some(greave::narrower(&actions)),
        _ => scopes::narrower(&actions, catalogues),
    }
}

/// A number with its noun, such as `1 key` and `3 keys`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

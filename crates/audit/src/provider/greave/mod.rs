//! Greave itself: the keys that it exports, and its record of calls.
//!
//! What `greave keys` says a key reaches, and what of that with the key alone, is taken as it is:
//! the gate has worked it out from its law.

pub(crate) mod calls;

use std::{collections::HashMap, io::BufRead};

use csv::{Reader, StringRecord};
use jiff::Timestamp;
use law::{Power, Powers};
use serde_json::Value;

use super::{Head, Provider, count, masked::masked};
use crate::{
    estate::{Because, Child, Estate, Kind, Known, Moment, Place, Reach, Standing},
    input::{Content, Trouble},
    moment,
};

pub(crate) const REALM: &str = "greave";
const KEYS: &str = "keys of Greave";

/// Names that only Greave's own export has beside each other.
const OWN: [&str; 4] = ["id", "standing", "without_second_factor", "place"];

#[derive(Default)]
pub(crate) struct Greave {
    /// Keys and those that made them, with the moment.
    parents: Vec<(String, String, Option<Timestamp>)>,
}

/// One key, by the names of the export.
type Row = HashMap<String, String>;

impl Provider for Greave {
    fn recognise(&self, head: &Head<'_>) -> Option<&'static str> {
        let has = |value: &Value| OWN.iter().all(|name| value.get(name).is_some());
        let is = match head {
            Head::Csv(heads) => OWN.iter().all(|name| heads.iter().any(|head| head == *name)),
            Head::Json(value) => rows(value).first().is_some_and(has),
            Head::Line(value) => has(value),
            Head::Details | Head::Document => false,
        };
        is.then_some(KEYS)
    }

    fn read(&mut self, _form: &'static str, file: &str, content: Content, estate: &mut Estate) -> String {
        let before = estate.keys.len();
        match content {
            Content::Csv(heads, reader) => self.table(file, &heads, reader, estate),
            Content::Json(value) => {
                for (item, line) in rows(&value).iter().zip(1..) {
                    self.enter(&row(item), file, line, estate);
                }
            }
            Content::JsonLines(first, rest) => {
                self.enter(&row(&first), file, 1, estate);
                for (line, at) in rest.lines().zip(2..) {
                    if line.as_ref().is_ok_and(|line| line.trim().is_empty()) {
                        continue;
                    }
                    match line.as_deref().map(serde_json::from_str::<Value>) {
                        Ok(Ok(value)) => self.enter(&row(&value), file, at, estate),
                        _ => estate.troubles.push(Trouble::at(file, at, "is no JSON; mend the line")),
                    }
                }
            }
            Content::List(..)
            | Content::Lines(..)
            | Content::Several(_)
            | Content::Details(_)
            | Content::Document(_) => {}
        }
        count(estate.keys.len() - before, "key")
    }

    fn finish(&mut self, estate: &mut Estate, as_of: Timestamp) {
        for (id, parent, born) in std::mem::take(&mut self.parents) {
            let Some(child) = estate.keys.iter().find(|key| key.realm == REALM && key.id == id) else { continue };
            let lives = child.lives(as_of).into();
            let holder = estate.holders(child).next().map(|holder| holder.name.clone());
            let Some(parent) = estate.keys.iter_mut().find(|key| key.realm == REALM && key.id == parent) else {
                continue;
            };
            // The record may have told of it already.
            if parent.children.iter().all(|known| known.id != id) {
                let at = born.unwrap_or(as_of);
                parent.children.push(Child { id: id.clone(), holder, at, key: Some(id), lives });
            }
        }
    }
}

impl Greave {
    fn table(&mut self, file: &str, heads: &StringRecord, mut reader: Reader<Box<dyn BufRead>>, estate: &mut Estate) {
        let mut record = StringRecord::new();
        loop {
            match reader.read_record(&mut record) {
                Ok(false) => return,
                Ok(true) => {}
                Err(error) => {
                    let line = error.position().map_or(0, csv::Position::line);
                    estate.troubles.push(Trouble::at(file, line, "is not UTF-8, or is cut off; export the keys again"));
                    if error.is_io_error() {
                        return;
                    }
                    continue;
                }
            }
            let line = record.position().map_or(0, csv::Position::line);
            let row = heads.iter().zip(&record).map(|(head, text)| (head.to_owned(), text.to_owned())).collect();
            self.enter(&row, file, line, estate);
        }
    }

    fn enter(&mut self, row: &Row, file: &str, line: u64, estate: &mut Estate) {
        let place = Place { file: file.to_owned(), line: Some(line) };
        let text = |name: &str| row.get(name).map(|text| text.trim()).filter(|text| !text.is_empty());
        let shown = |name: &str| text(name).map(|text| masked(text, line));
        let Some(id) = text("id") else {
            return estate.troubles.push(Trouble::at(file, line, "names no key; export the keys again"));
        };
        let holder = shown("holder").map(|name| {
            let (ix, account) = estate.account(REALM, &name, &place);
            account.kind = match text("kind") {
                Some("person") => Kind::Person,
                Some("workload") => Kind::Workload,
                Some("vendor") => Kind::Vendor,
                _ => account.kind,
            };
            account.left = account.left.or(truth(text("holder_left")));
            let two = truth(text("holder_two_factor").or(text("two_factor")));
            account.second_factor = account.second_factor.or(two);
            ix
        });
        if let Some(owner) = shown("owner") {
            let (_, account) = estate.account(REALM, &owner, &place);
            account.left = account.left.or(truth(text("owner_left")));
            account.second_factor = account.second_factor.or(truth(text("owner_two_factor")));
        }
        let born = text("born").and_then(moment::read);
        let at = |name: &str| text(name).and_then(moment::read).map_or(Moment::Unknown, Moment::At);
        let key = estate.key("greave", REALM, id, &place);
        key.name = shown("name");
        key.form = if text("claim").is_some() { "key of an issuer" } else { "key" }.to_owned();
        key.holders = holder.into_iter().collect();
        key.owner = shown("owner");
        key.born = born.map_or(Moment::Unknown, Moment::At);
        (key.end, key.last_use) = (at("end"), at("last_used"));
        let stopped = truth(text("parent_stopped")) == Known::Yes;
        key.standing = match text("standing") {
            Some("active" | "retiring") if !stopped => Standing::Active,
            _ => Standing::Disabled,
        };
        let (reach, without) = (powers(text("reach")), powers(text("without_second_factor")));
        key.with = Reach::surely(reach);
        key.without = Reach::surely(without);
        key.asks_second_factor = (reach.is_sensitive() && !without.is_sensitive()).into();
        if !without.is_empty() {
            let what = "the law of the gate asks nothing more for it".to_owned();
            key.because = vec![Because { powers: without, what, sure: true, place }];
        }
        if let Some(parent) = text("parent") {
            self.parents.push((id.to_owned(), parent.to_owned(), born));
        }
    }
}

fn rows(value: &Value) -> &[Value] {
    let list = value.as_array().or_else(|| value.get("keys")?.as_array());
    list.map(Vec::as_slice).unwrap_or_default()
}

/// An object's members as the table has them.
fn row(value: &Value) -> Row {
    let plain = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::Array(all) => Some(all.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" ")),
        // When it was last used, among where and how.
        Value::Object(object) => object.get("at").and_then(Value::as_str).map(str::to_owned),
        Value::Null => None,
    };
    let members = value.as_object().into_iter().flatten();
    members.filter_map(|(name, value)| Some((name.clone(), plain(value)?))).collect()
}

fn powers(words: Option<&str>) -> Powers {
    words.unwrap_or_default().split_whitespace().filter_map(|word| word.parse::<Power>().ok()).collect()
}

fn truth(text: Option<&str>) -> Known {
    match text {
        Some("true") => Known::Yes,
        Some("false") => Known::No,
        _ => Known::Unknown,
    }
}

/// What a key's scope would have had to allow.
pub(super) fn narrower(operations: &[&str]) -> String {
    let operations: Vec<String> = operations.iter().map(|operation| format!("\"{operation}\"")).collect();
    format!("enough would have been a key that is issued for operations = [{}]", operations.join(", "))
}

#[cfg(test)]
mod tests;

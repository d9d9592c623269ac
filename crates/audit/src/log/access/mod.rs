//! Access logs of servers and proxies: nginx and Apache, Caddy, Envoy, Traefik.
//!
//! They know methods and paths; an OpenAPI document among the inputs says what those are. They
//! seldom know keys: the user that the server knew, a column that was named, or a credential
//! that stands in the line. Of such a one nothing is kept but a mark by which two lines of it
//! are told to be of one key; that it stands there is a finding of its own.

mod combined;
mod envoy;
mod json;
pub mod line;
mod operation;
mod secret;

use std::collections::HashMap;

use self::{
    line::{Line, Read},
    operation::{Operations, Paths},
    secret::{Credential, credentials},
};
use super::{Event, First, Format, Gives, Page, Who};
use crate::provider::{inventory::Maps, masked::looks_secret};

/// So many keys are told apart that only their credentials name.
const KEYS: usize = 5000;

/// Access logs.
pub(crate) struct Access {
    maps: Maps,
    /// The column that names the key in the file that is read.
    key: Option<String>,
    operations: Operations,
    paths: Paths,
    /// What keys are called that only their credentials name, by the marks of those.
    marks: HashMap<String, String>,
    of: (String, String),
}

impl Access {
    pub(crate) fn new(maps: Maps) -> Self {
        let (operations, paths) = (Operations::default(), Paths::default());
        Self { maps, key: None, operations, paths, marks: HashMap::new(), of: <(String, String)>::default() }
    }
}

impl Format for Access {
    fn name(&self) -> &'static str {
        "access log"
    }

    fn recognise(&self, first: &First<'_>) -> bool {
        let is_line = |text: &str| !matches!(Line::read(text, None), Read::None);
        match first {
            First::Json(None, value) => match Line::read(&value.to_string(), None) {
                Read::Line(_) => true,
                // Any program writes such lines; Caddy's say when they were written in its own way.
                Read::Other => value.get("ts").is_some_and(serde_json::Value::is_number),
                Read::None => false,
            },
            First::Json(Some(_), _) => false,
            First::Text(lines) => lines.lines().any(is_line),
        }
    }

    fn record(&mut self, bytes: &[u8], page: &mut Page<'_>) -> bool {
        if self.of.0 != page.file {
            self.of = (page.file.to_owned(), unnumbered(page.file).to_owned());
            self.key = self.maps.of_input(page.file).log_key();
        }
        let text = String::from_utf8_lossy(bytes);
        match Line::read(&text, self.key.as_deref()) {
            Read::Line(line) => self.note(&line, page),
            Read::Other => {}
            Read::None => return false,
        }
        true
    }
}

impl Access {
    fn note(&mut self, line: &Line<'_>, page: &mut Page<'_>) {
        let log = page.fold.log("api", line.form, &self.of.1, page.file);
        let found = credentials(line, page.catalogues);
        let mut shown = None;
        for Credential { within, secret, names } in &found {
            page.fold.expose(log, within, secret, page.place());
            if *names && shown.is_none() {
                shown = self.called(page.fold.mark(secret), within);
            }
        }
        let named = [&line.key, &line.user].into_iter().flatten().find(|name| !looks_secret(name));
        let who = match (named, &shown) {
            (Some(name), _) => Who::Named(name),
            (None, Some(id)) => Who::Key { realm: "", id, holder: None, form: "credential in a log", otherwise: false },
            (None, None) => Who::Somebody,
        };
        let asked = match &line.asked {
            Some(asked) => self.operations.find(&mut self.paths, page.catalogues, &asked.method, &asked.target),
            None => self.operations.nothing(),
        };
        let mut event = Event::new(line.at, who, &asked.name);
        event.gives = Gives::Powers(asked.powers);
        event.source = line.source.as_deref();
        event.program = line.program.as_deref().filter(|program| !looks_secret(program));
        // Where the client went away first, nobody knows whether it was done.
        event.done = line.status.is_some_and(|status| (100..400).contains(&status));
        page.event(log, &event);
    }

    /// What the key of a mark is called: by its number, and after the place where its credential
    /// first stood. The same logs so give the same names, which a baseline can have, and a name
    /// says nothing of the credential.
    fn called(&mut self, mark: String, within: &str) -> Option<String> {
        if !self.marks.contains_key(&mark) && self.marks.len() >= KEYS {
            return None;
        }
        let number = self.marks.len() + 1;
        Some(self.marks.entry(mark).or_insert_with(|| format!("key {number} in {within}")).clone())
    }
}

/// The name of a log without what rotation adds: `access.log.2.gz` and `access.log-20261129` are
/// `access.log`.
fn unnumbered(file: &str) -> &str {
    let bare = file.strip_suffix(".gz").unwrap_or(file);
    let digits = bare.trim_end_matches(|letter: char| letter.is_ascii_digit() || letter == '-' || letter == '_');
    if digits.len() == bare.len() {
        return bare;
    }
    match digits.strip_suffix('.') {
        Some(stem) if stem.contains('.') => stem,
        _ if bare.len() - digits.len() >= 7 && digits.contains('.') => digits,
        _ => bare,
    }
}

#[cfg(test)]
mod tests;

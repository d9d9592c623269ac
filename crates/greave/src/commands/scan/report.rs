//! What a scan found, for people and for programs. A key itself is in none of it.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use console::api::{KeyView, KnownLeak};
use jiff::Timestamp;
use law::{KeyId, Severity, Standing};
use serde::Serialize;
use serde_json::{Value, json};
use wire::IssuedForm;

use super::{
    git::Commit,
    look::{Document, Found, Hit, Inner, shown},
    text::Sum,
};
use crate::show::{self, ALARM, BOLD, FAINT, ago, clean, count, fit, styled};

/// Places of one key that the terminal shows.
const SHOWN: usize = 12;

/// All that was found.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) keys: Vec<Leaked>,
    /// Places beyond those that are listed.
    more: u64,
    /// What was not read, and why.
    pub(super) unread: Vec<Unread>,
    unread_more: u64,
    files: u64,
    objects: u64,
    bytes: u64,
    /// Whether a gate was asked, or only the form of keys was known.
    asked: bool,
}

/// One key, and everywhere it was found.
#[derive(Debug, Serialize)]
pub(super) struct Leaked {
    pub(super) severity: Severity,
    what: What,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<KeyId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    holder: Option<String>,
    works: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<KeyView>,
    pub(super) places: Vec<Place>,
}

/// What it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum What {
    Issued,
    Adopted,
    Canary,
    /// It has the form of an issued key, and is none that is known.
    Form,
}

/// Where it was found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) struct Place {
    #[serde(skip_serializing_if = "Option::is_none")]
    repository: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) file: Option<String>,
    /// The line, counted from 1; 0 where it stands in the name itself.
    line: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    object: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    commit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    author: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    date: Option<String>,
}

/// What was not read.
#[derive(Debug, Serialize)]
pub(super) struct Unread {
    pub(super) what: String,
    pub(super) why: String,
}

/// What names may be shown without.
struct Hidden<'a> {
    known: &'a HashSet<Sum>,
    forms: &'a [IssuedForm],
}

impl Hidden<'_> {
    fn shown(&self, text: &str) -> String {
        shown(text, self.known, self.forms)
    }
}

impl Report {
    pub(super) fn of(
        inner: Inner,
        commits: &HashMap<(Arc<str>, String), Commit>,
        forms: &[IssuedForm],
        asked: bool,
    ) -> Self {
        let Inner { hits, more, known, unread, unread_more, files, objects, bytes } = inner;
        let hidden = Hidden { known: &known, forms };
        let mut by_key: BTreeMap<(u8, u64), (Found, Vec<Place>)> = BTreeMap::new();
        for hit in hits {
            let place = place(&hit, commits, &hidden);
            let of = match &hit.what {
                Found::Known(leak) => match (&leak.key, &leak.canary) {
                    (Some(key), _) => (0, key.id.0),
                    (None, Some(canary)) => (1, canary.id.0),
                    (None, None) => continue,
                },
                Found::Form => (2, 0),
            };
            by_key.entry(of).or_insert_with(|| (hit.what.clone(), Vec::new())).1.push(place);
        }
        let mut keys: Vec<Leaked> = by_key.into_values().map(|(what, places)| leaked(&what, places, asked)).collect();
        keys.sort_by_key(|leaked| std::cmp::Reverse(leaked.severity));
        let unread = unread
            .into_iter()
            .map(|(what, why)| Unread { what: hidden.shown(&what), why: hidden.shown(&why) })
            .collect();
        Self { keys, more, unread, unread_more, files, objects, bytes, asked }
    }

    /// The worst of it.
    pub(super) fn worst(&self) -> Option<Severity> {
        self.keys.iter().map(|leaked| leaked.severity).max()
    }

    /// Whether anything was read at all.
    pub(super) const fn is_empty(&self) -> bool {
        self.files + self.objects == 0
    }

    pub(super) fn page(&self, now: Timestamp, width: Option<u16>) -> String {
        let mut page = Vec::new();
        for leaked in &self.keys {
            page.push(fit(&leaked.head(self.asked), width));
            if let Some(reach) = leaked.reach(now) {
                page.push(fit(&format!("  {reach}"), width));
            }
            for place in leaked.places.iter().take(SHOWN) {
                page.push(fit(&format!("  {}", place.line()), width));
            }
            if leaked.places.len() > SHOWN {
                let more = leaked.places.len() - SHOWN;
                page.push(styled(FAINT, format!("  and {}; `--format json` has all", count(more, "more place"))));
            }
            if let Some(mend) = leaked.mend() {
                page.push(fit(&format!("  {mend}"), width));
            }
            page.push(String::new());
        }
        if self.more > 0 {
            page.push(styled(ALARM, format!("{} beyond those that are listed", count(self.more, "place"))));
        }
        for Unread { what, why } in &self.unread {
            page.push(fit(&styled(ALARM, format!("not read: {what}: {why}")), width));
        }
        if self.unread_more > 0 {
            page.push(styled(ALARM, format!("not read: {} more", self.unread_more)));
        }
        page.push(fit(&self.summary(), width));
        page.join("\n")
    }

    fn summary(&self) -> String {
        let Self { keys, files, objects, bytes, asked, .. } = self;
        let objects = if *objects > 0 { format!(" and {}", count(*objects, "git object")) } else { String::new() };
        let found = match keys.len() {
            0 => "no key was found".to_owned(),
            number => format!("{} found", count(number, "key")),
        };
        let asked = if *asked { "" } else { "; no gate was asked, so that only the form of issued keys was known" };
        format!("{found} in {}{objects}, {:.1} MB{asked}", count(*files, "file"), megabytes(*bytes))
    }

    pub(super) fn sarif(&self) -> Value {
        let result = |leaked: &Leaked, place: &Place| {
            let file = place.file.clone().unwrap_or_else(|| place.object.clone().unwrap_or_default());
            let uri = percent_encoding::utf8_percent_encode(&file, URI).to_string();
            let mut at = json!({"artifactLocation": {"uri": uri}});
            if place.line > 0
                && let Some(at) = at.as_object_mut()
            {
                at.insert("region".to_owned(), json!({"startLine": place.line}));
            }
            let text =
                anstream::adapter::strip_str(&format!("{}; {}", leaked.head(self.asked), place.line())).to_string();
            json!({
                "ruleId": "leaked-key",
                "level": match leaked.severity {
                    Severity::Info => "note",
                    Severity::Warning => "warning",
                    Severity::High | Severity::Critical => "error",
                },
                "message": {"text": text},
                "locations": [{"physicalLocation": at}],
                "partialFingerprints": {"greave/v1": format!("{:?}:{file}", leaked.id)},
            })
        };
        let results: Vec<Value> =
            self.keys.iter().flat_map(|leaked| leaked.places.iter().map(|place| result(leaked, place))).collect();
        let troubles: Vec<Value> = self
            .unread
            .iter()
            .map(|Unread { what, why }| json!({"level": "error", "message": {"text": format!("{what}: {why}")}}))
            .collect();
        json!({
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
            "version": "2.1.0",
            "runs": [{
                "tool": {"driver": {
                    "name": "greave scan",
                    "semanticVersion": env!("CARGO_PKG_VERSION"),
                    "rules": [{
                        "id": "leaked-key",
                        "shortDescription": {"text": "a key lies where it can be read"},
                        "help": {"text": "disable the key (`greave scan --report`), exchange it, and take it out of the file and of the history"},
                    }],
                }},
                "invocations": [{
                    "executionSuccessful": self.unread.is_empty(),
                    "toolExecutionNotifications": troubles,
                }],
                "results": results,
            }],
        })
    }
}

/// Whatever is not allowed in the path of a URI.
const URI: &percent_encoding::AsciiSet =
    &percent_encoding::NON_ALPHANUMERIC.remove(b'/').remove(b'.').remove(b'-').remove(b'_').remove(b'~');

fn megabytes(bytes: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "it is shown with one digit")]
    let bytes = bytes as f64;
    bytes / 1e6
}

fn place(hit: &Hit, commits: &HashMap<(Arc<str>, String), Commit>, hidden: &Hidden<'_>) -> Place {
    let none = Place {
        repository: None,
        file: None,
        line: hit.line,
        object: None,
        kind: None,
        commit: None,
        author: None,
        date: None,
    };
    match &*hit.document {
        Document::File(path) | Document::Name(path) => Place { file: Some(hidden.shown(path)), ..none },
        Document::Object { repository, id, kind, path } => {
            let commit = commits.get(&(Arc::clone(repository), id.clone()));
            let path = path.as_ref().or_else(|| commit?.path.as_ref());
            Place {
                repository: Some(hidden.shown(repository)),
                file: path.map(|path| hidden.shown(path)),
                object: Some(id.clone()),
                kind: *kind,
                commit: commit.map(|commit| clean(&commit.id)),
                author: commit.map(|commit| hidden.shown(&commit.author)),
                date: commit.map(|commit| clean(&commit.date)),
                ..none
            }
        }
    }
}

fn leaked(what: &Found, mut places: Vec<Place>, asked: bool) -> Leaked {
    places.sort();
    places.dedup();
    let none = Leaked {
        severity: if asked { Severity::Info } else { Severity::High },
        what: What::Form,
        id: None,
        name: None,
        holder: None,
        works: false,
        key: None,
        places,
    };
    let Found::Known(leak) = what else { return none };
    match &**leak {
        KnownLeak { key: Some(key), works, .. } => Leaked {
            severity: severity(key, *works),
            what: if key.issued.is_some() { What::Issued } else { What::Adopted },
            id: Some(key.id),
            name: key.name.clone(),
            holder: key.holder.clone(),
            works: *works,
            key: Some(key.clone()),
            ..none
        },
        KnownLeak { canary: Some(canary), .. } => Leaked {
            severity: Severity::Info,
            what: What::Canary,
            id: Some(canary.id),
            name: Some(canary.name.clone()),
            holder: Some(canary.holder.clone()),
            ..none
        },
        _ => none,
    }
}

fn severity(key: &KeyView, works: bool) -> Severity {
    match (works, key.standing) {
        (true, _) if key.without_second_factor.is_sensitive() => Severity::Critical,
        (true, _) => Severity::High,
        // It may come back.
        (false, Standing::Disabled) => Severity::Warning,
        (false, _) => Severity::Info,
    }
}

impl Leaked {
    /// Whether it is one that can be stopped.
    pub(super) const fn is_key(&self) -> bool {
        self.key.is_some()
    }

    fn head(&self, asked: bool) -> String {
        let title = self.id.map_or_else(String::new, |id| show::key(id, self.name.as_deref(), self.holder.as_deref()));
        match self.what {
            What::Canary => format!("{}, a canary: it works nowhere, and who uses it is seen", styled(BOLD, title)),
            What::Form if asked => format!(
                "{}: it was forgotten, or another gate issued it",
                styled(BOLD, "the form of an issued key, and none that is known here")
            ),
            What::Form => styled(ALARM, "the form of an issued key"),
            What::Issued | What::Adopted => {
                let stands = match (self.works, self.key.as_ref().map(|key| key.standing)) {
                    (true, _) => styled(ALARM, "it works"),
                    (false, Some(Standing::Revoked)) => "it is revoked".to_owned(),
                    (false, Some(Standing::Retired)) => "it is retired".to_owned(),
                    (false, Some(Standing::Disabled)) => "it is disabled, and can be enabled again".to_owned(),
                    (false, _) => "it does not work any more".to_owned(),
                };
                format!("{}: {stands}", styled(BOLD, title))
            }
        }
    }

    fn reach(&self, now: Timestamp) -> Option<String> {
        let key = self.key.as_ref()?;
        let used = match &key.last_used {
            Some(used) => format!("last used {} from {}", ago(used.at, now), used.source),
            None => "no use of it is known".to_owned(),
        };
        let end = match key.end {
            Some(end) if end <= now => format!("ended {}", ago(end, now)),
            Some(end) => format!("ends {}", show::ahead(end, now)),
            None => "no end is known".to_owned(),
        };
        let owner = match (&key.owner, key.answerers.is_empty()) {
            (Some(owner), true) if !key.owner_enrolled => {
                format!("nobody answers for it: {} is not enrolled", clean(owner))
            }
            (Some(owner), _) => format!("{} answers for it", clean(owner)),
            (None, _) => "nobody answers for it".to_owned(),
        };
        if !self.works {
            return Some(format!("{end}; {used}; {owner}"));
        }
        let alone = if key.without_second_factor.is_empty() {
            "nothing of it with the key alone".to_owned()
        } else {
            format!("with the key alone {}", key.without_second_factor)
        };
        Some(format!("reaches {}, {alone}; {end}; {used}; {owner}", key.reach))
    }

    fn mend(&self) -> Option<String> {
        let id = self.id.filter(|_| self.works)?;
        Some(format!("Mend: `greave keys disable {id}`, or the same scan with `--report`; then exchange it"))
    }
}

impl Place {
    fn line(&self) -> String {
        let Self { repository, file, line, object, kind, commit, author, date } = self;
        let mut text = match (file, object) {
            (Some(file), _) => file.clone(),
            (None, Some(object)) => format!("{} {object}", kind.unwrap_or("object")),
            (None, None) => String::new(),
        };
        text += &if *line > 0 { format!(":{line}") } else { " (in its name)".to_owned() };
        if let Some(commit) = commit {
            let short = commit.get(..12).unwrap_or(commit);
            text += &format!("  in {short}");
        } else if file.is_some() && object.is_some() {
            text += "  in the history";
        }
        if let (Some(author), Some(date)) = (author, date) {
            text += &format!(" by {author}, {date}");
        }
        if let Some(repository) = repository.as_ref().filter(|repository| *repository != ".") {
            text += &format!(" ({repository})");
        }
        text
    }

    /// For the ledger.
    pub(super) fn told(&self) -> String {
        self.line()
    }
}

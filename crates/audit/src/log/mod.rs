//! Logs: what was really done. One format, one file; to add one, write it and name it in
//! [`formats`].
//!
//! A [`Format`] reads one record at a time and hands each on as an [`Event`]. What is kept of
//! them is a [`Fold`], whose size hangs on how many callers there are and how many different
//! things they do, never on how many events: no log is ever held whole. Logs are read after all
//! other inputs, so that a format may look at the catalogues.

pub(crate) mod access;
mod fold;
mod join;
mod rhythm;
pub(crate) mod seen;
mod source;

use std::io::{self, Read};

use catalogue::Catalogue;
use jiff::Timestamp;
use law::{Call, Outcome, Powers};
use serde_json::Value;

pub(crate) use self::fold::{Began, Fold, LogIx};
use self::source::Waiting;
use crate::{
    estate::{Estate, Known, Place, Source},
    input::{Content, Listed, Trouble},
    provider::{aws, count, github, greave, inventory::Maps},
};

/// How a log begins.
pub(crate) enum First<'f> {
    /// A record in JSON, and what the list is called that it stands in. Null where the list is empty.
    Json(Option<&'f str>, &'f Value),
    /// A line of text.
    Text(&'f str),
}

/// A form of log.
pub(crate) trait Format {
    /// What it is called.
    fn name(&self) -> &'static str;

    /// Whether a log that begins so is of this form.
    fn recognise(&self, first: &First<'_>) -> bool;

    /// Reads one record, and notes on the page what it says. False where it is none.
    fn record(&mut self, bytes: &[u8], page: &mut Page<'_>) -> bool;
}

/// All of them, in the order in which they are asked: the general ones last.
fn formats(maps: &Maps) -> Vec<Box<dyn Format>> {
    vec![
        Box::new(aws::trail::Trail),
        Box::new(github::audit_log::AuditLog),
        Box::new(greave::calls::Calls),
        Box::new(access::Access::new(maps.clone())),
    ]
}

/// Where a record stands, and what there is to look at and to write to.
pub(crate) struct Page<'p> {
    pub(crate) file: &'p str,
    pub(crate) line: u64,
    pub(crate) catalogues: &'p [Catalogue],
    pub(crate) fold: &'p mut Fold,
    noted: u64,
}

impl Page<'_> {
    /// Notes an event of the log of this provider that is called so.
    pub(crate) fn note(&mut self, provider: &'static str, form: &'static str, of: &str, event: &Event<'_>) {
        let log = self.fold.log(provider, form, of, self.file);
        self.event(log, event);
    }

    /// Notes an event of this log.
    pub(crate) fn event(&mut self, log: LogIx, event: &Event<'_>) {
        self.noted += 1;
        self.fold.note(log, event);
    }

    pub(crate) fn place(&self) -> Place {
        Place { file: self.file.to_owned(), line: Some(self.line) }
    }
}

/// One thing that somebody did, or tried.
pub(crate) struct Event<'e> {
    pub(crate) at: Timestamp,
    pub(crate) who: Who<'e>,
    /// What was done, such as `s3:GetObject` or `DELETE /users/{name}`.
    pub(crate) action: &'e str,
    pub(crate) gives: Gives,
    /// The address that called.
    pub(crate) source: Option<&'e str>,
    /// The program that called.
    pub(crate) program: Option<&'e str>,
    /// Whether it was done, and not refused or failed.
    pub(crate) done: bool,
    pub(crate) second_factor: Known,
    /// What it was done to.
    pub(crate) on: Option<&'e str>,
    /// The credential that it made.
    pub(crate) made: Option<Made>,
    /// The credential that it ended.
    pub(crate) ended: Option<String>,
    /// Whether it changed what the log itself writes.
    pub(crate) quiets: bool,
}

impl<'e> Event<'e> {
    pub(crate) fn new(at: Timestamp, who: Who<'e>, action: &'e str) -> Self {
        Self {
            at,
            who,
            action,
            gives: Gives::Later,
            source: None,
            program: None,
            done: true,
            second_factor: Known::Unknown,
            on: None,
            made: None,
            ended: None,
            quiets: false,
        }
    }
}

/// Who did it, as far as the log tells.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Who<'e> {
    /// This key.
    Key {
        realm: &'e str,
        id: &'e str,
        holder: Option<&'e str>,
        form: &'static str,
        /// Whether exports may know it, among its holder's keys of this form, by another id.
        otherwise: bool,
    },
    /// A key or an account of this name, in whatever realm.
    Named(&'e str),
    /// An account without a key, such as its person signed in.
    Account { realm: &'e str, name: &'e str },
    /// A session in this role, which somebody began: [`Fold::began`] says who, before or after.
    Session { id: &'e str, role: &'e str },
    /// Somebody whom nothing names.
    Somebody,
    /// Nobody: the service itself.
    Nobody,
}

/// What an action lets its caller do.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Gives {
    /// These powers.
    Powers(Powers),
    /// The provider says when everything has been read.
    Later,
}

/// A credential that an event made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Made {
    pub(crate) id: String,
    pub(crate) holder: Option<String>,
    pub(crate) realm: String,
}

/// The logs of an audit: those that wait, and what the others said.
pub(crate) struct Logs {
    formats: Vec<Box<dyn Format>>,
    waiting: Vec<(usize, String, Waiting)>,
    fold: Fold,
}

/// So many files of one form are named in a report; the others are counted.
const NAMED: usize = 16;

impl Logs {
    pub(crate) fn new(maps: &Maps) -> Self {
        Self { formats: formats(maps), waiting: Vec::new(), fold: Fold::default() }
    }

    /// Which form of log it is, where it is one.
    pub(crate) fn recognise(&self, content: &Content) -> Option<usize> {
        let first = match content {
            Content::List(Listed { name, first }, _) => First::Json(name.as_deref(), first),
            Content::Json(first) | Content::JsonLines(first, _) => First::Json(None, first),
            Content::Lines(first, _) => First::Text(first),
            Content::Csv(..) | Content::Document(_) | Content::Several(_) | Content::Details(_) => return None,
        };
        self.formats.iter().position(|format| format.recognise(&first))
    }

    /// Lets a log wait until everything else has been read; it stays open.
    pub(crate) fn hold(&mut self, format: usize, name: &str, content: Content) {
        self.waiting.push((format, name.to_owned(), Waiting::Open(content)));
    }

    /// Lets a log wait until everything else has been read; it is opened again then.
    pub(crate) fn put_off(
        &mut self,
        format: usize,
        name: &str,
        open: impl FnOnce() -> io::Result<Box<dyn Read>> + 'static,
    ) {
        self.waiting.push((format, name.to_owned(), Waiting::Closed(Box::new(open))));
    }

    /// Reads what waits.
    pub(crate) fn read(&mut self, estate: &mut Estate) {
        let mut sources: Vec<(usize, Vec<Source>, usize, u64)> = Vec::new();
        for (at, name, waiting) in std::mem::take(&mut self.waiting) {
            let Some(format) = self.formats.get_mut(at) else { continue };
            let content = match waiting.content(&name) {
                Ok(content) => content,
                Err(trouble) => {
                    estate.troubles.push(trouble);
                    continue;
                }
            };
            let Estate { catalogues, troubles, .. } = estate;
            let mut page = Page { file: &name, line: 0, catalogues, fold: &mut self.fold, noted: 0 };
            let (broken, end) = source::records(content, &mut |bytes, line| {
                page.line = line;
                format.record(bytes, &mut page)
            });
            let events = page.noted;
            if let Err(error) = end {
                troubles.push(Trouble::of(&name, format!("is cut off: {error}; what came before was read")));
            }
            if broken > 0 {
                let what = format!("{broken} of its records cannot be read; they are left out");
                troubles.push(Trouble::of(&name, what));
            }
            let slot = match sources.iter().position(|(known, ..)| *known == at) {
                Some(slot) => slot,
                None => {
                    sources.push((at, Vec::new(), 0, 0));
                    sources.len() - 1
                }
            };
            let Some((_, named, others, more)) = sources.get_mut(slot) else { continue };
            if named.len() < NAMED {
                let holds = count(usize::try_from(events).unwrap_or(usize::MAX), "event");
                named.push(Source { file: name, form: format.name().to_owned(), holds });
            } else {
                *others += 1;
                *more += events;
            }
        }
        for (_, named, others, events) in sources {
            let form = named.first().map(|source| source.form.clone()).unwrap_or_default();
            estate.sources.extend(named);
            if others > 0 {
                let holds = count(usize::try_from(events).unwrap_or(usize::MAX), "event");
                estate.sources.push(Source { file: format!("and {others} more"), form, holds });
            }
        }
    }

    /// Notes calls that Greave's own record has, as somebody read them from the disk.
    pub(crate) fn calls(
        &mut self,
        name: &str,
        calls: impl Iterator<Item = Result<(Call, Option<Outcome>), String>>,
        estate: &mut Estate,
    ) {
        let Estate { catalogues, troubles, sources, .. } = estate;
        let mut page = Page { file: name, line: 0, catalogues, fold: &mut self.fold, noted: 0 };
        for call in calls {
            match call {
                Ok((call, outcome)) => greave::calls::note(&call, outcome.as_ref(), &mut page),
                Err(damage) => troubles.push(Trouble::of(name, damage)),
            }
        }
        let holds = count(usize::try_from(page.noted).unwrap_or(usize::MAX), "event");
        sources.push(Source { file: name.to_owned(), form: greave::calls::Calls.name().to_owned(), holds });
    }

    /// Joins what the logs say with the keys and accounts that other inputs know.
    pub(crate) fn join(&mut self, estate: &mut Estate, as_of: Timestamp) {
        join::join(std::mem::take(&mut self.fold), estate, as_of);
    }

    /// What a log alone knows can do at least what it did.
    pub(crate) fn settle(estate: &mut Estate) {
        join::settle(estate);
    }
}

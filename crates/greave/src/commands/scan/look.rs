//! What was found, asked about: the digests of what may be keys go to whoever knows the keys,
//! many at one time, and nothing else does.

use std::{
    collections::{HashMap, HashSet, hash_map::Entry},
    sync::{Arc, Mutex, PoisonError},
};

use console::api::KnownLeak;
use tokio::sync::{mpsc, oneshot};

use super::text::{Candidate, Sum, sum};

/// Digests that are asked about at one time.
const ASKED: usize = 10_000;

/// Places of candidates that wait for an answer.
const WAITING: usize = 100_000;

/// Digests that are remembered as nobody's, so as not to ask twice.
const REMEMBERED: usize = 1 << 18;

/// Places that are told; beyond it they are counted.
const MOST: usize = 100_000;

/// A question about digests, and where the answer goes.
pub(super) struct Question {
    pub(super) sums: Vec<Sum>,
    pub(super) answer: oneshot::Sender<Vec<KnownLeak>>,
}

/// Where something stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Document {
    /// In a file.
    File(String),
    /// In the name of a file or of something else.
    Name(String),
    /// In an object of a git repository.
    Object {
        /// The repository.
        repository: Arc<str>,
        /// The object's name.
        id: String,
        /// What it is, where it is no file: a commit, or a tag.
        kind: Option<&'static str>,
        /// Where a file has been, as far as that is known.
        path: Option<String>,
    },
}

/// A key, where it was found.
#[derive(Clone, Debug)]
pub(super) struct Hit {
    pub(super) document: Arc<Document>,
    pub(super) line: u64,
    pub(super) what: Found,
}

/// What was found.
#[derive(Clone, Debug)]
pub(super) enum Found {
    /// It is known.
    Known(Arc<KnownLeak>),
    /// It has the form of an issued key, and nobody knows it, or nobody was asked.
    Form,
}

/// What all who read have found.
#[derive(Default)]
pub(super) struct Finds {
    inner: Mutex<Inner>,
}

#[derive(Default)]
pub(super) struct Inner {
    pub(super) hits: Vec<Hit>,
    /// Places beyond those.
    pub(super) more: u64,
    /// The digests of keys that were found, so that none of them is shown in a name.
    pub(super) known: HashSet<Sum>,
    /// What could not be read, and why.
    pub(super) unread: Vec<(String, String)>,
    pub(super) unread_more: u64,
    pub(super) files: u64,
    pub(super) objects: u64,
    pub(super) bytes: u64,
}

/// Troubles that are named; beyond it they are counted.
const TROUBLES: usize = 1000;

impl Finds {
    pub(super) fn with<R>(&self, work: impl FnOnce(&mut Inner) -> R) -> R {
        work(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn unread(&self, what: impl Into<String>, why: &dyn std::fmt::Display) {
        self.with(|inner| {
            if inner.unread.len() < TROUBLES {
                inner.unread.push((what.into(), why.to_string()));
            } else {
                inner.unread_more += 1;
            }
        });
    }
}

/// One who reads, and asks.
pub(super) struct Looker {
    /// Nobody is asked where there is no gate: then only the form tells.
    questions: Option<mpsc::Sender<Question>>,
    finds: Arc<Finds>,
    waiting: HashMap<Sum, Vec<(Arc<Document>, u64, bool)>>,
    places: usize,
    nobodys: HashSet<Sum>,
}

impl Looker {
    pub(super) fn new(questions: Option<mpsc::Sender<Question>>, finds: Arc<Finds>) -> Self {
        Self { questions, finds, waiting: HashMap::new(), places: 0, nobodys: HashSet::new() }
    }

    /// Takes what may be a key.
    pub(super) fn take(&mut self, document: &Arc<Document>, candidate: Candidate) {
        let Candidate { sum, line, is_issued } = candidate;
        let is_asked = self.questions.is_some() && !self.nobodys.contains(&sum);
        if !is_issued && !is_asked {
            return;
        }
        match self.waiting.entry(sum) {
            Entry::Vacant(entry) => {
                entry.insert(vec![(Arc::clone(document), line, is_issued)]);
            }
            Entry::Occupied(entry) => {
                let places = entry.into_mut();
                let same = places.last_mut().filter(|(of, at, _)| Arc::ptr_eq(of, document) && *at == line);
                match same {
                    Some((_, _, issued)) => {
                        *issued |= is_issued;
                        return;
                    }
                    None => places.push((Arc::clone(document), line, is_issued)),
                }
            }
        }
        self.places += 1;
        if self.waiting.len() >= ASKED || self.places >= WAITING {
            self.ask();
        }
    }

    /// Takes a name that is shown later: a key may stand in it.
    pub(super) fn name(&mut self, name: &str, forms: &[wire::IssuedForm]) {
        let mut document = None;
        wire::pieces(name.as_bytes(), forms, &mut |piece| {
            let document = document.get_or_insert_with(|| Arc::new(Document::Name(name.to_owned())));
            let candidate = Candidate { sum: sum(piece.value), line: 0, is_issued: piece.is_issued };
            self.take(document, candidate);
        });
    }

    /// Asks about what waits.
    pub(super) fn ask(&mut self) {
        let waiting = std::mem::take(&mut self.waiting);
        self.places = 0;
        let (sums, mut places): (Vec<Sum>, Vec<_>) = waiting.into_iter().unzip();
        let known = self.known(&sums);
        if self.nobodys.len() + sums.len() > REMEMBERED {
            self.nobodys.clear();
        }
        let mut found: Vec<(Sum, Vec<Hit>)> = Vec::new();
        let hit = |what: Found| {
            move |(document, line, _): (Arc<Document>, u64, bool)| Hit { document, line, what: what.clone() }
        };
        for leak in known {
            if let (Some(sum), Some(at)) = (sums.get(leak.place), places.get_mut(leak.place)) {
                let what = Found::Known(Arc::new(leak));
                found.push((*sum, std::mem::take(at).into_iter().map(hit(what)).collect()));
            }
        }
        for (sum, at) in sums.into_iter().zip(places) {
            let (issued, others): (Vec<_>, Vec<_>) = at.into_iter().partition(|(_, _, issued)| *issued);
            if !issued.is_empty() {
                found.push((sum, issued.into_iter().map(hit(Found::Form)).collect()));
            } else if !others.is_empty() {
                self.nobodys.insert(sum);
            }
        }
        self.finds.with(|inner| {
            for (sum, hits) in found {
                inner.known.insert(sum);
                let room = MOST.saturating_sub(inner.hits.len());
                inner.more += hits.len().saturating_sub(room) as u64;
                inner.hits.extend(hits.into_iter().take(room));
            }
        });
    }

    fn known(&self, sums: &[Sum]) -> Vec<KnownLeak> {
        let Some(questions) = self.questions.as_ref().filter(|_| !sums.is_empty()) else { return Vec::new() };
        let (answer, answered) = oneshot::channel();
        if questions.blocking_send(Question { sums: sums.to_vec(), answer }).is_err() {
            return Vec::new();
        }
        // Who asks for all is told when nobody answers.
        answered.blocking_recv().unwrap_or_default()
    }
}

/// A text as it is shown: without a key that was found.
pub(super) fn shown(text: &str, known: &HashSet<Sum>, forms: &[wire::IssuedForm]) -> String {
    let mut hidden: Vec<std::ops::Range<usize>> = Vec::new();
    wire::pieces(text.as_bytes(), forms, &mut |piece| {
        if piece.is_issued || known.contains(&sum(piece.value)) {
            hidden.push(piece.at);
        }
    });
    let letters =
        text.char_indices().filter_map(|(at, letter)| match hidden.iter().find(|range| range.contains(&at)) {
            Some(range) => (range.start == at).then_some('…'),
            None => Some(letter),
        });
    law::clean(&letters.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_in_a_name_is_not_shown() {
        let key = "tk-9f86d081884c7d659a2feaa0c55ad015";
        let known = HashSet::from([sum(key.as_bytes())]);
        assert_eq!(shown(&format!("old/{key}/notes.txt"), &known, &[]), "old/…/notes.txt");
        assert_eq!(shown(&format!("{key}\u{1b}[0m"), &known, &[]), "…\\u{1b}[0m");
        assert_eq!(shown("old/notes.txt", &known, &[]), "old/notes.txt");
    }
}

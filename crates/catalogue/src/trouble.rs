//! What could not be read, said so that somebody can mend it.

use std::{collections::HashSet, fmt};

/// Something that was skipped or assumed while a document was read. It is never an error:
/// the rest of the document counts, and what was skipped is as if undescribed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// JSON pointer into the document, such as `/paths/~1users/get`; `None` where the settings are at fault.
    pub pointer: Option<String>,
    /// The line of the document, from 1, where it could be found.
    pub line: Option<u32>,
    /// What is wrong.
    pub what: String,
    /// How it is mended.
    pub mend: String,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        if let Some(pointer) = self.pointer.as_deref().filter(|pointer| !pointer.is_empty()) {
            write!(f, "`{pointer}`: ")?;
        }
        write!(f, "{}; {}", self.what, self.mend)
    }
}

/// Collects troubles; the same trouble at many places is told once, with its first place.
#[derive(Debug, Default)]
pub(crate) struct Troubles {
    list: Vec<Trouble>,
    told: HashSet<String>,
    untold: usize,
}

/// A document that is wrong everywhere need not be told so line by line.
const MOST: usize = 500;

impl Troubles {
    pub(crate) fn at(&mut self, pointer: &str, what: impl Into<String>, mend: impl Into<String>) {
        let what = what.into();
        self.add(Trouble { pointer: Some(pointer.to_owned()), line: None, what, mend: mend.into() });
    }

    /// Tells it once, however often it is met.
    pub(crate) fn once(&mut self, pointer: &str, what: String, mend: impl Into<String>) {
        if self.told.insert(what.clone()) {
            self.at(pointer, what, mend);
        }
    }

    pub(crate) fn settings(&mut self, what: impl Into<String>, mend: impl Into<String>) {
        self.add(Trouble { pointer: None, line: None, what: what.into(), mend: mend.into() });
    }

    fn add(&mut self, trouble: Trouble) {
        if self.list.len() < MOST {
            self.list.push(trouble);
        } else {
            self.untold += 1;
        }
    }

    pub(crate) fn into_list(mut self) -> Vec<Trouble> {
        if self.untold > 0 {
            self.list.push(Trouble {
                pointer: Some(String::new()),
                line: None,
                what: format!("{} more troubles are not listed", self.untold),
                mend: "mend the ones above first".to_owned(),
            });
        }
        self.list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_that_is_wrong_everywhere_is_not_told_so_for_ever() {
        let mut troubles = Troubles::default();
        for _ in 0..MOST * 2 {
            troubles.at("/paths", "wrong", "mend it");
            troubles.once("/paths", "missing".to_owned(), "mend it");
        }
        let list = troubles.into_list();
        assert_eq!(list.len(), MOST + 1);
        assert_eq!(list.iter().filter(|trouble| trouble.what == "missing").count(), 1);
        assert!(list.last().unwrap().what.starts_with("501 more"));
    }
}

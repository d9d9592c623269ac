//! Texts that come again and again: each is held once, and rows have its number. Sorted by key, rows
//! lie all over the log, and each look at a text of its own would wait for the memory.

use std::{collections::HashMap, net::IpAddr, sync::Arc};

use crate::segment::Word;

/// The texts of rows, by their numbers.
#[derive(Default)]
pub(crate) struct Words {
    texts: Vec<Arc<str>>,
    numbers: HashMap<Arc<str>, Word, ahash::RandomState>,
    sources: HashMap<IpAddr, Word, ahash::RandomState>,
}

impl Words {
    /// The number of a text.
    pub(crate) fn number(&mut self, text: &str) -> Word {
        if let Some(known) = self.numbers.get(text) {
            return *known;
        }
        let text: Arc<str> = text.into();
        let number = self.add(Arc::clone(&text));
        self.numbers.insert(text, number);
        number
    }

    /// The number of an address: one that is an IPv4 address in IPv6 stands as what it is.
    pub(crate) fn source(&mut self, source: IpAddr) -> Word {
        if let Some(known) = self.sources.get(&source) {
            return *known;
        }
        let number = self.add(source.to_canonical().to_string().into());
        self.sources.insert(source, number);
        number
    }

    /// The text of this number.
    pub(crate) fn text(&self, Word(number): Word) -> Option<&Arc<str>> {
        self.texts.get(usize::try_from(number).ok()?)
    }

    /// The texts in the order of their numbers.
    pub(crate) fn texts(&self) -> &[Arc<str>] {
        &self.texts
    }

    fn add(&mut self, text: Arc<str>) -> Word {
        // A piece of the log has far fewer than 2^32 bytes.
        let number = Word(u32::try_from(self.texts.len()).unwrap_or(u32::MAX));
        self.texts.push(text);
        number
    }
}

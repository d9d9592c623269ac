//! Texts that come again and again: each is held once, and rows have its number. Sorted by key, rows
//! lie all over the log, and each look at a text of its own would wait for the memory.

use std::{borrow::Cow, collections::HashMap, net::IpAddr};

use crate::{brief::Text, segment::Word};

/// The texts of rows, by their numbers.
#[derive(Default)]
pub(crate) struct Words<'a> {
    texts: Vec<Cow<'a, str>>,
    numbers: HashMap<Cow<'a, str>, Word, ahash::RandomState>,
    sources: HashMap<IpAddr, Word, ahash::RandomState>,
}

impl<'a> Words<'a> {
    /// The number of a text.
    pub(crate) fn number(&mut self, text: &Text<'a>) -> Word {
        if let Some(known) = self.numbers.get(&**text) {
            return *known;
        }
        let number = self.add(text.0.clone());
        self.numbers.insert(text.0.clone(), number);
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

    /// The texts in the order of their numbers.
    pub(crate) fn texts(&self) -> &[Cow<'a, str>] {
        &self.texts
    }

    fn add(&mut self, text: Cow<'a, str>) -> Word {
        // A piece of the log has far fewer than 2^32 bytes.
        let number = Word(u32::try_from(self.texts.len()).unwrap_or(u32::MAX));
        self.texts.push(text);
        number
    }
}

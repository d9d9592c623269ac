//! Where the strings of a JSON document begin and end, while it streams by.

/// Follows quotes and backslashes, whatever else stands in the document.
#[derive(Default)]
pub(crate) struct Quotes {
    within: bool,
    /// Whether a backslash came last.
    escaped: bool,
}

/// What a byte is to a string.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// It stands outside of strings.
    Outside,
    /// The quote that opens one.
    Opens,
    /// It belongs to one, as it is written.
    Within,
    /// The quote that closes one.
    Closes,
}

impl Quotes {
    #[inline]
    pub(crate) const fn step(&mut self, byte: u8) -> Part {
        match (self.within, byte) {
            (false, b'"') => {
                self.within = true;
                Part::Opens
            }
            (false, _) => Part::Outside,
            (true, b'"') if !self.escaped => {
                self.within = false;
                Part::Closes
            }
            (true, _) => {
                self.escaped = byte == b'\\' && !self.escaped;
                Part::Within
            }
        }
    }
}

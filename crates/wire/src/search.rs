//! The upstream's own credential, looked for in what the upstream answers.
//!
//! An API may show a credential without meaning to: an error that quotes a header, a page that
//! echoes a request, a redirect. The search finds it plain, and written as percent signs, JSON,
//! HTML and base64 write it, one inside the other twice, across any borders between pieces; plain
//! in any letter case, and hexadecimal digits with hyphens or without.
//! It does not find what was compressed, encrypted, reversed or cut apart by other text.

mod automaton;
mod unescape;

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};

use self::{
    automaton::{Automaton, ROOT, State},
    unescape::Unescape,
};
use crate::{Secret, is_distinctive};

/// How long a credential is that can be looked for: a shorter one stands in texts by chance.
const LENGTH: std::ops::RangeInclusive<usize> = 8..=2048;

/// The most bytes that writers use for one letter: those of `\u005f`, each with a percent sign.
/// Wider writings exist, padded by hand (`&#x0000041;` and its letters again); their beginning
/// has gone on when they are found. To hold all of them back would stop every stream.
const WIDEST: usize = 18;

/// Blanks that may stand between two letters: a line break and what indents the next line.
const MOST_BLANKS: u8 = 16;

/// What is looked for. Made once for a credential.
pub struct Sought {
    /// The credential itself.
    exact: Automaton,
    /// Whether letter case does not count there: not for a plain word, which texts have.
    any_case: bool,
    /// Whether hyphens do not count there: hexadecimal digits are written with them and without.
    any_hyphens: bool,
    /// The credential in base64, which may be broken into lines.
    broken: Automaton,
    /// Bytes with which one of them, or an escape, begins.
    beginnings: Box<[bool]>,
    /// Of the longest writing, without its escapes.
    longest: usize,
}

/// A credential that cannot be looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsearchable {
    /// Its length.
    #[error("a credential for the upstream has 8 to 2048 characters")]
    Length,
    /// What is in it.
    #[error("a credential for the upstream is of visible ASCII characters only, without blanks at its ends")]
    Characters,
}

impl Sought {
    /// What shows one of these credentials.
    ///
    /// # Errors
    /// For one that could not stand in a header, or that would be found by chance.
    pub fn new(credentials: &[Secret]) -> Result<Self, Unsearchable> {
        let (mut exact, mut broken, mut longest) = (Vec::new(), Vec::new(), 0);
        // Why they are exposed: their shape is looked at.
        let any_case = credentials.iter().all(|credential| is_distinctive(credential.expose()));
        let any_hyphens = any_case && credentials.iter().all(|credential| is_hexadecimal(credential.expose()));
        for credential in credentials {
            // Why it is exposed: to be recognised where it must not be.
            let text = credential.expose();
            if !LENGTH.contains(&text.len()) {
                return Err(Unsearchable::Length);
            }
            if !text.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ') || text.trim_ascii() != text {
                return Err(Unsearchable::Characters);
            }
            // One with escapes of its own looks otherwise when they are undone.
            let undone = unescape::whole(text);
            let twice = unescape::whole(&undone);
            let forms = [text.to_vec(), undone, twice];
            exact.extend(forms.into_iter().filter(|form| form.len() >= *LENGTH.start()));
            broken.extend((0..3).filter_map(|before| base64(text, before)));
            let url_safe = |form: &Vec<u8>| form.iter().map(|byte| url_safe(*byte)).collect::<Vec<u8>>();
            let others: Vec<Vec<u8>> = broken.iter().map(url_safe).collect();
            broken.extend(others);
            longest = longest.max(text.len());
        }
        for form in &mut exact {
            if any_case {
                form.make_ascii_lowercase();
            }
            if any_hyphens {
                form.retain(|byte| *byte != b'-');
                // A UUID's.
                longest = longest.max(form.len() + 4);
            }
        }
        let (exact, broken) = (Automaton::new(&exact), Automaton::new(&broken));
        let longest = longest.max(exact.longest()).max(broken.longest());
        let mut sought = Self { exact, any_case, any_hyphens, broken, beginnings: Box::default(), longest };
        let is_beginning =
            |byte| sought.exact.begins(sought.folded(byte)) || sought.broken.begins(byte) || unescape::begins(byte);
        sought.beginnings = (0..=u8::MAX).map(is_beginning).collect();
        Ok(sought)
    }

    /// A letter as the credential itself is looked for.
    const fn folded(&self, byte: u8) -> u8 {
        if self.any_case { byte.to_ascii_lowercase() } else { byte }
    }

    fn begins(&self, byte: u8) -> bool {
        self.beginnings.get(usize::from(byte)).copied().unwrap_or(true)
    }

    /// Whether a text that is there whole shows it.
    pub fn is_in(self: &Arc<Self>, text: &[u8]) -> bool {
        Search::new(Arc::clone(self)).pass(text)
    }

    /// So many of the last bytes of a text that has not ended must not go on: they may begin it.
    /// Always so many, whatever they are: whoever can have an API repeat a text of their choice
    /// would learn letter by letter from what is held back which of their guesses was right.
    pub fn tail(&self) -> usize {
        self.longest * WIDEST
    }
}

fn is_hexadecimal(text: &[u8]) -> bool {
    text.iter().all(|byte| byte.is_ascii_hexdigit() || *byte == b'-')
}

/// A text in base64 as it stands behind so many bytes, without the letters that other bytes
/// beside it have a part in.
fn base64(text: &[u8], before: usize) -> Option<Vec<u8>> {
    let padded: Vec<u8> = std::iter::repeat_n(0, before).chain(text.iter().copied()).collect();
    let encoded = STANDARD_NO_PAD.encode(&padded);
    let first = (before * 8).div_ceil(6);
    let behind = padded.len() * 8 / 6;
    encoded.as_bytes().get(first..behind).map(<[u8]>::to_vec)
}

const fn url_safe(byte: u8) -> u8 {
    match byte {
        b'+' => b'-',
        b'/' => b'_',
        other => other,
    }
}

/// One search through one text that comes in pieces. Its memory does not grow with the text.
pub struct Search {
    sought: Arc<Sought>,
    /// The text as it came, with its escapes undone, and undone once more.
    views: [View; 3],
    undoing: [Unescape; 2],
    /// Whether nothing has begun: then a byte that begins nothing leaves all as it is.
    is_calm: bool,
}

impl Search {
    /// Begins.
    pub fn new(sought: Arc<Sought>) -> Self {
        Self { sought, views: Default::default(), undoing: Default::default(), is_calm: true }
    }

    /// Takes the next piece, and tells whether it is found by now. Then the search is over.
    #[must_use]
    pub fn pass(&mut self, piece: &[u8]) -> bool {
        let Self { sought, views: [plain, once, twice], undoing: [first, second], is_calm } = self;
        let mut found = false;
        for byte in piece.iter().copied() {
            if *is_calm && !sought.begins(byte) {
                continue;
            }
            found |= plain.step(sought, byte);
            first.push(byte, &mut |byte| {
                found |= once.step(sought, byte);
                second.push(byte, &mut |byte| found |= twice.step(sought, byte));
            });
            if found {
                return true;
            }
            let views = [&*plain, &*once, &*twice];
            *is_calm = first.is_empty() && second.is_empty() && views.iter().all(|view| view.is_calm());
        }
        false
    }
}

/// One way to read the text.
#[derive(Default)]
struct View {
    exact: Track,
    broken: Track,
}

/// How far one automaton is.
#[derive(Default)]
struct Track {
    state: State,
    /// Letters that were skipped since.
    blanks: u8,
}

impl View {
    fn step(&mut self, sought: &Sought, byte: u8) -> bool {
        // Every second byte of UTF-16 is a NUL.
        let is_blank = byte == 0 || sought.any_hyphens && byte == b'-';
        let exact = self.exact.step(&sought.exact, sought.folded(byte), is_blank);
        let broken = self.broken.step(&sought.broken, byte, byte == 0 || byte.is_ascii_whitespace());
        exact || broken
    }

    const fn is_calm(&self) -> bool {
        self.exact.state == ROOT && self.broken.state == ROOT
    }
}

impl Track {
    fn step(&mut self, automaton: &Automaton, byte: u8, is_blank: bool) -> bool {
        if is_blank {
            self.blanks = self.blanks.saturating_add(1);
            if self.blanks > MOST_BLANKS {
                self.state = ROOT;
            }
            return false;
        }
        self.blanks = 0;
        self.state = automaton.next(self.state, byte);
        automaton.is_found(self.state)
    }
}

#[cfg(test)]
mod tests;

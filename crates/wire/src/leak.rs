//! What in a text may be a credential: for whoever looks for lost keys in files.
//!
//! A file quotes, escapes and encodes keys as it likes. So every piece of it is offered that a
//! reader of the file could take for a credential, and whoever asks knows by its digest
//! whether it is one. The text is passed once, and nothing of it is kept.

use std::ops::Range;

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use memchr::memmem;
use percent_encoding::percent_decode;
use zeroize::Zeroizing;

use crate::{IssuedForm, Likeness, is_distinctive};

/// How long a piece is that may be a credential, in bytes. A shorter one stands in texts by chance.
const LENGTH: Range<usize> = 16..16 * 1024 + 1;

/// How many letters of base64 hold the shortest credential.
const LEAST_ENCODED: usize = 22;

/// A piece of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece<'a> {
    /// Where it stands in the text. Where it is encoded, what encodes it.
    pub at: Range<usize>,
    /// What it says, for its digest only.
    pub value: &'a [u8],
    /// Whether it has the whole form of a key that Greave issues.
    pub is_issued: bool,
}

/// Offers every piece of a text that may be a credential, some of them more than once.
pub fn pieces(text: &[u8], forms: &[IssuedForm], each: &mut impl FnMut(Piece<'_>)) {
    for form in forms {
        let prefix = form.beginning();
        for at in memmem::find_iter(text, prefix.as_bytes()) {
            let at = at..at + prefix.len() + IssuedForm::BEHIND;
            if let Some(value) = text.get(at.clone()).filter(|value| form.likeness(value) == Likeness::Whole) {
                each(Piece { at, value, is_issued: true });
            }
        }
    }
    let mut start = 0;
    let mut from = 0;
    while let Some(rest) = text.get(from..) {
        let end = rest.iter().position(|byte| ends_run(*byte)).map_or(text.len(), |at| from + at);
        if end - start >= LENGTH.start
            && let Some(run) = text.get(start..end)
        {
            Offer { forms, each, at: None }.run(run, start);
        }
        (start, from) = (end + 1, end + 1);
    }
}

/// The place behind the last byte at which every reading of a text ends: what stands before it
/// and behind it can be looked at apart.
pub fn border(text: &[u8]) -> Option<usize> {
    text.iter().rposition(|byte| ends_run(*byte)).map(|at| at + 1)
}

/// No credential goes on over it: blanks, quotes, and whatever is not visible ASCII.
const fn ends_run(byte: u8) -> bool {
    !byte.is_ascii_graphic() || matches!(byte, b'"' | b'\'' | b'`')
}

/// Most credentials do not go on over it.
const fn separates(byte: u8) -> bool {
    matches!(byte, b',' | b';' | b'&' | b'|' | b'<' | b'>' | b'(' | b')' | b'{' | b'}' | b'[' | b']' | b'\\')
}

/// Many do not go on over it.
const fn divides(byte: u8) -> bool {
    matches!(byte, b'=' | b':' | b'/' | b'?' | b'#' | b'!' | b'~' | b'@' | b'$' | b'*')
}

struct Offer<'a, F> {
    forms: &'a [IssuedForm],
    each: &'a mut F,
    /// Where the text stands that was encoded.
    at: Option<Range<usize>>,
}

impl<F: FnMut(Piece<'_>)> Offer<'_, F> {
    /// A run of visible letters, and what stands in it.
    fn run(&mut self, run: &[u8], start: usize) {
        self.take(run, start);
        self.named(run, start);
        self.encoded(run, start);
        let mut from = start;
        for piece in run.split(|byte| separates(*byte)) {
            if piece.len() < run.len() {
                self.take(piece, from);
                self.named(piece, from);
                self.encoded(piece, from);
                // `\n` and the like, of which the backslash was taken away.
                if let Some(rest) = piece.get(1..) {
                    self.take(rest, from + 1);
                }
            }
            let mut at = from;
            for part in piece.split(|byte| divides(*byte)) {
                if part.len() < piece.len() {
                    self.take(part, at);
                    self.encoded(part, at);
                }
                at += part.len() + 1;
            }
            from += piece.len() + 1;
        }
    }

    /// What stands behind a name.
    fn named(&mut self, piece: &[u8], start: usize) {
        let Some(name) = piece.iter().position(|byte| matches!(byte, b'=' | b':')) else { return };
        if let Some(value) = piece.get(name + 1..) {
            self.take(value, start + name + 1);
            self.encoded(value, start + name + 1);
        }
    }

    fn take(&mut self, value: &[u8], start: usize) {
        if LENGTH.contains(&value.len()) && is_distinctive(value) {
            let at = self.at.clone().unwrap_or(start..start + value.len());
            let is_issued = self.at.is_some() && self.forms.iter().any(|form| form.likeness(value) == Likeness::Whole);
            (self.each)(Piece { at, value, is_issued });
        }
    }

    /// What it says without its percent signs, and in base64: that is looked at like a text of
    /// its own, once.
    fn encoded(&mut self, piece: &[u8], start: usize) {
        if self.at.is_some() || !(LEAST_ENCODED..LENGTH.end * 2).contains(&piece.len()) {
            return;
        }
        if piece.contains(&b'%') {
            let decoded = Zeroizing::new(percent_decode(piece).collect::<Vec<u8>>());
            if decoded.len() < piece.len() {
                self.decoded(&decoded, start..start + piece.len());
            }
        }
        if let Some(decoded) = from_base64(piece) {
            self.decoded(&decoded, start..start + piece.len());
        }
    }

    fn decoded(&mut self, text: &[u8], at: Range<usize>) {
        let mut offer = Offer { forms: self.forms, each: &mut *self.each, at: Some(at.clone()) };
        for run in text.split(|byte| ends_run(*byte)).filter(|run| run.len() >= LENGTH.start) {
            offer.run(run, 0);
        }
        for form in self.forms {
            let beginning = form.beginning();
            for from in memmem::find_iter(text, beginning.as_bytes()) {
                let value = text.get(from..from + beginning.len() + IssuedForm::BEHIND);
                if let Some(value) = value.filter(|value| form.likeness(value) == Likeness::Whole) {
                    (self.each)(Piece { at: at.clone(), value, is_issued: true });
                }
            }
        }
    }
}

/// What a piece says in base64, in either alphabet, padded or not, if that is text.
fn from_base64(piece: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    const PLAIN: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
    const FOR_URLS: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);
    let is_text = |byte: &u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace();
    // Chance makes text of the first letters seldom, and then nothing more is decoded.
    let mut first = [0; 6];
    let begins = piece.get(..8)?;
    let length = PLAIN.decode_slice(begins, &mut first).or_else(|_| FOR_URLS.decode_slice(begins, &mut first)).ok()?;
    if !first.get(..length)?.iter().all(is_text) {
        return None;
    }
    let decoded = Zeroizing::new(PLAIN.decode(piece).or_else(|_| FOR_URLS.decode(piece)).ok()?);
    decoded.iter().all(is_text).then_some(decoded)
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
    use proptest::prelude::*;

    use super::*;

    const ADOPTED: &str = "tk-9f86d081884c7d659a2feaa0c55ad015";

    fn form() -> IssuedForm {
        "gk_billing".parse().unwrap()
    }

    fn offers(text: &[u8], value: &[u8]) -> bool {
        let mut found = false;
        pieces(text, &[form()], &mut |piece| {
            found |= piece.value == value;
            assert!(piece.at.end <= text.len(), "{piece:?}");
        });
        found
    }

    #[test]
    fn a_key_is_offered_however_a_file_writes_it() {
        let basic = STANDARD.encode(format!("{ADOPTED}:"));
        let secret = URL_SAFE_NO_PAD.encode(ADOPTED);
        for text in [
            ADOPTED.to_owned(),
            format!("API_KEY={ADOPTED}\n"),
            format!("export API_KEY='{ADOPTED}'"),
            format!("{{\"key\":\"{ADOPTED}\",\"other\":1}}"),
            format!("Authorization: Bearer {ADOPTED}"),
            format!("curl -H 'X-Api-Key:{ADOPTED}' https://api.example.com/v1"),
            format!("https://user:{ADOPTED}@api.example.com/v1"),
            format!("https://api.example.com/v1?key={ADOPTED}&page=2"),
            format!("\"a line\\n{ADOPTED}\\nanother\""),
            format!("authorization: Basic {basic}"),
            format!("  key: {secret}"),
            format!("key%3D{ADOPTED}%26x"),
            format!("f({ADOPTED})"),
            format!("\0\0\u{7f}{ADOPTED}\0"),
            format!("`{ADOPTED}`"),
            format!("<key>{ADOPTED}</key>"),
        ] {
            assert!(offers(text.as_bytes(), ADOPTED.as_bytes()), "{text}");
        }
    }

    #[test]
    fn an_issued_key_is_offered_also_where_letters_stand_beside_it() {
        let key = form().key(&[7; 32]);
        let key = str::from_utf8(key.expose()).unwrap();
        let encoded = STANDARD.encode(format!("x{key}y"));
        for text in [format!("KEY{key}AND"), format!("u003d{key}u0026"), format!("{key}{key}"), format!("k={encoded}")]
        {
            assert!(offers(text.as_bytes(), key.as_bytes()), "{text}");
        }
        let slipped = key.replace("gk_billing_", "gk_billing_x");
        let mut whole = 0;
        pieces(slipped.as_bytes(), &[form()], &mut |piece| whole += usize::from(piece.is_issued));
        assert_eq!(whole, 0, "what only resembles a key has not its form");
    }

    #[test]
    fn words_are_not_offered() {
        let mut offered = 0;
        let text = b"the administrator's password is internationalisation, see docs/guide/README.md for more\n";
        pieces(text, &[form()], &mut |_| offered += 1);
        assert_eq!(offered, 0);
    }

    proptest! {
        #[test]
        fn any_text_is_passed_without_harm(text in prop::collection::vec(any::<u8>(), 0..2000)) {
            pieces(&text, &[form()], &mut |piece| assert!(piece.at.end <= text.len() && piece.at.start < piece.at.end));
        }

        #[test]
        fn a_key_is_found_between_any_two_texts(
            before in "[ -~\n]{0,200}", behind in "[ -~\n]{0,200}", entropy in any::<[u8; 32]>(),
        ) {
            let key = form().key(&entropy);
            let text = [before.as_bytes(), key.expose(), behind.as_bytes()].concat();
            prop_assert!(offers(&text, key.expose()));
        }

        #[test]
        fn what_stands_on_both_sides_of_a_border_can_be_looked_at_apart(
            text in "[a-z0-9=:,/\"\n -]{0,400}",
        ) {
            let mut whole: Vec<(Range<usize>, Vec<u8>)> = Vec::new();
            pieces(text.as_bytes(), &[], &mut |piece| whole.push((piece.at, piece.value.to_vec())));
            let middle = text.len() / 2;
            let cut = border(&text.as_bytes()[..middle]).unwrap_or(0);
            let mut apart: Vec<(Range<usize>, Vec<u8>)> = Vec::new();
            for (from, part) in [(0, &text.as_bytes()[..cut]), (cut, &text.as_bytes()[cut..])] {
                pieces(part, &[], &mut |piece| {
                    apart.push((piece.at.start + from..piece.at.end + from, piece.value.to_vec()));
                });
            }
            prop_assert_eq!(whole, apart);
        }
    }
}

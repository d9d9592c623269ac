//! A body that is looked into while it goes by, because nothing that is described is stronger
//! and it need not be held for what is not.

use http::HeaderValue;
use memchr::{memchr2, memmem};

use super::{Kind, find, is_common_field, kind, mentions_parts, names_field};
use crate::{
    Query,
    json::{self, Token},
};

/// The longest head of a part: honest ones are ten times shorter.
const LONGEST_HEAD: usize = 8 * 1024;

/// The most pieces that a head comes in: honest ones come in one, or in two.
const MOST_LOOKS: usize = 100;

/// The most of a name that is kept, in bytes.
const LONGEST_NAME: usize = 4 * 1024;

/// Looks into a body piece by piece, for whatever readers take its type for.
pub struct Passing {
    parts: Option<Parts>,
    form: Option<FormNames>,
    json: Option<JsonNames>,
}

impl Passing {
    /// For a body of this type. Nothing where nobody can look into it: its letters are not
    /// those that all readers share, or it does not say in one way only what stands between
    /// its parts.
    pub fn of(content_type: Option<&HeaderValue>) -> Option<Self> {
        let text = content_type.map_or(Ok(""), HeaderValue::to_str).ok()?;
        let (mut parts, mut form, mut json) = (None, None, None);
        match kind(content_type) {
            Kind::Opaque | Kind::Other => {}
            Kind::Foreign => return None,
            Kind::Unknown if mentions_parts(text) => return None,
            Kind::Multipart => parts = Some(Parts::between(boundary(text)?)),
            Kind::Form => form = Some(FormNames::default()),
            Kind::Json => json = Some(JsonNames::default()),
            Kind::Unknown => (form, json) = (Some(FormNames::default()), Some(JsonNames::default())),
        }
        Some(Self { parts, form, json })
    }

    /// Whether by the end of this piece a second method is named, or something stands there that
    /// nobody honest sends. Then the piece must not go on: without it the name is not whole, or
    /// what it names is not, nor is the body.
    pub fn names(&mut self, piece: &[u8]) -> bool {
        self.parts.as_mut().is_some_and(|parts| parts.names(piece))
            || self.form.as_mut().is_some_and(|form| form.names(piece))
            || self.json.as_mut().is_some_and(|json| json.names(piece))
    }
}

/// What stands between the parts, where all readers find the same: some take what follows the
/// first `boundary` in the text of the type, some the last one, some the extended form.
pub(crate) fn boundary(content_type: &str) -> Option<&str> {
    let mut parameters = content_type.split(';').skip(1).filter_map(|parameter| parameter.split_once('='));
    let is_boundary = |name: &str| name.trim().eq_ignore_ascii_case("boundary");
    let (_, value) = parameters.clone().find(|(name, _)| is_boundary(name))?;
    let is_only = parameters.clone().filter(|(name, _)| is_boundary(name)).count() == 1;
    let is_extended = parameters.any(|(name, _)| name.contains('*'));
    let (before, behind) = content_type.split_at_checked(find(content_type, "boundary")?)?;
    let mut rest = behind.get("boundary".len()..)?;
    let is_first = before.trim_end().ends_with(';') && rest.starts_with('=');
    let mut is_last = true;
    // Browsers have the word in the value itself.
    while let Some(at) = find(rest, "boundary") {
        rest = rest.get(at + "boundary".len()..)?;
        is_last &= !rest.trim_start().starts_with(['=', '*']);
    }
    let value = value.trim();
    let bare = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
    let is_plain = bare.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"'()+_-./:=?".contains(&byte));
    (is_only && !is_extended && is_first && is_last && is_plain && !bare.is_empty()).then_some(bare)
}

/// The heads of parts. What stands between parts counts anywhere in a line: some readers look
/// for it so.
struct Parts {
    delimiter: Vec<u8>,
    /// What came and may belong to what comes next.
    rest: Vec<u8>,
    in_head: bool,
    /// In how many pieces the head has come.
    looks: usize,
}

impl Parts {
    fn between(boundary: &str) -> Self {
        Self { delimiter: format!("--{boundary}").into_bytes(), rest: Vec::new(), in_head: false, looks: 0 }
    }

    fn names(&mut self, piece: &[u8]) -> bool {
        self.rest.extend_from_slice(piece);
        let mut at = 0;
        let names = loop {
            let rest = self.rest.get(at..).unwrap_or_default();
            if !self.in_head {
                let Some(found) = memmem::find(rest, &self.delimiter) else {
                    // Its beginning may have come.
                    at += (rest.len() + 1).saturating_sub(self.delimiter.len());
                    break false;
                };
                at += found + self.delimiter.len();
                (self.in_head, self.looks) = (true, 0);
                continue;
            }
            self.looks += 1;
            let end = end_of_head(rest);
            let head = String::from_utf8_lossy(rest.get(..end.unwrap_or(rest.len())).unwrap_or_default());
            if names_field(&head.replace("\r\n", "\n").replace('\r', "\n")) {
                break true;
            }
            let Some(end) = end else { break rest.len() > LONGEST_HEAD || self.looks > MOST_LOOKS };
            at += end;
            self.in_head = false;
        };
        self.rest.drain(..at);
        names
    }
}

/// Where the head of a part ends for the strictest reader: at an empty line of which every end is
/// CRLF, below the line of the delimiter. Where others see its end before, what they take for the
/// part's body is looked into as well, and nothing is missed.
fn end_of_head(text: &[u8]) -> Option<usize> {
    let line = memmem::find(text, b"\r\n")? + 2;
    Some(line + memmem::find(text.get(line..)?, b"\r\n\r\n")? + 4)
}

/// The names of a form's fields.
#[derive(Default)]
struct FormNames {
    name: Vec<u8>,
    in_value: bool,
}

impl FormNames {
    fn names(&mut self, piece: &[u8]) -> bool {
        let mut rest = piece;
        loop {
            if self.in_value {
                let Some(end) = memchr2(b'&', b';', rest) else { return false };
                rest = rest.get(end + 1..).unwrap_or_default();
                self.in_value = false;
            }
            let end = rest.iter().position(|byte| matches!(byte, b'=' | b'&' | b';'));
            let (name, behind) = rest.split_at(end.unwrap_or(rest.len()));
            // Where one is endless, its beginning counts, and its end: readers cut, and trim.
            for bytes in name.chunks(LONGEST_NAME / 2) {
                if self.name.len() + bytes.len() > LONGEST_NAME {
                    if self.is_field() {
                        return true;
                    }
                    self.name.drain(..self.name.len().min(LONGEST_NAME / 2));
                }
                self.name.extend_from_slice(bytes);
            }
            let Some((mark, behind)) = behind.split_first() else { return false };
            if self.is_field() {
                return true;
            }
            self.name.clear();
            self.in_value = *mark == b'=';
            rest = behind;
        }
    }

    fn is_field(&self) -> bool {
        let name = String::from_utf8_lossy(&self.name);
        Query::new(Some(&name)).parameters().any(|field| is_common_field(&field.name))
    }
}

/// The names of the outermost object of JSON, or of the objects in an outermost list.
#[derive(Default)]
struct JsonNames {
    objects: usize,
    in_text: bool,
    is_escaped: bool,
    /// The text that came last, as it is written; empty where something else came behind it.
    last: Vec<u8>,
}

impl JsonNames {
    fn names(&mut self, piece: &[u8]) -> bool {
        let mut rest = piece;
        while let Some((byte, behind)) = rest.split_first() {
            if self.in_text {
                rest = self.text(rest);
                continue;
            }
            match byte {
                b' ' | b'\t' | b'\n' | b'\r' => {}
                b':' if self.objects == 1 && self.is_field() => return true,
                _ => self.last.clear(),
            }
            match byte {
                b'{' => self.objects = self.objects.saturating_add(1),
                b'}' => self.objects = self.objects.saturating_sub(1),
                b'"' => self.in_text = true,
                _ => {}
            }
            rest = behind;
        }
        false
    }

    /// Reads of a text what has come; gives what stands behind it.
    fn text<'a>(&mut self, piece: &'a [u8]) -> &'a [u8] {
        let end = if self.is_escaped { Some(0) } else { memchr2(b'"', b'\\', piece) };
        let (plain, behind) = piece.split_at(end.unwrap_or(piece.len()));
        self.keep(plain);
        let Some((mark, behind)) = behind.split_first() else { return behind };
        match (self.is_escaped, mark) {
            (false, b'"') => self.in_text = false,
            (false, _) => {
                self.is_escaped = true;
                self.keep(b"\\");
            }
            (true, letter) => {
                self.is_escaped = false;
                self.keep(&[*letter]);
            }
        }
        behind
    }

    /// Whoever reads JSON compares names exactly: a longer one is another.
    fn keep(&mut self, bytes: &[u8]) {
        if self.objects == 1 {
            let room = LONGEST_NAME.saturating_sub(self.last.len());
            self.last.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
        }
    }

    fn is_field(&self) -> bool {
        if self.last.is_empty() || self.last.len() == LONGEST_NAME {
            return false;
        }
        let text = format!("\"{}\"", String::from_utf8_lossy(&self.last));
        json::tokens(&text).any(|(token, _)| matches!(token, Token::Text(name) if is_common_field(&name)))
    }
}

#[cfg(test)]
mod tests;

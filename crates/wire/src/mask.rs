//! Shows a body to a person who is to say yes or no to it.
//!
//! The person must see what will happen and no secret, and whoever wrote the body may want to
//! deceive them. So values are shown decoded, names are shown, nothing is left out silently,
//! and characters that are invisible or turn the direction of writing are written out.

use std::borrow::Cow;

use crate::{
    Query, Secret,
    json::{self, Token},
    shape::{FieldKind, looks_like_credential},
};

/// What stands for a masked value.
const MASKED: &str = "[masked]";

/// Of a word that looks like a credential, and has at least so many letters, both ends are
/// shown: whoever is asked can tell one from another, and a thief cannot hide which thing is meant.
const LONG: usize = 18;
/// So much of each end at most, and no more than a third of the word in all.
const END: usize = 4;

/// Blanks beyond this many in a row are counted instead of shown, so that they cannot push
/// anything out of sight.
const MOST_BLANKS: usize = 40;

/// Known secrets shorter than this are not looked for: they stand everywhere by chance.
const SHORTEST_SECRET: usize = 4;

/// How a body is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// JSON, and whatever is close to it.
    Json,
    /// `application/x-www-form-urlencoded`; a query is written alike.
    Form,
    /// A path: what stands between its slashes are words of their own.
    Path,
    /// Anything else.
    Text,
}

impl Form {
    /// The form that a `Content-Type` names. Without one a body that begins as JSON is taken
    /// for JSON.
    pub fn of(content_type: Option<&str>, body: &[u8]) -> Self {
        let essence =
            content_type.and_then(|value| value.split(';').next()).unwrap_or_default().trim().to_ascii_lowercase();
        match essence.as_str() {
            "application/x-www-form-urlencoded" => Self::Form,
            "" if matches!(body.trim_ascii_start().first(), Some(b'{' | b'[')) => Self::Json,
            _ if essence.ends_with("json") => Self::Json,
            _ => Self::Text,
        }
    }
}

/// A body as a person may see it, in at most `most` characters and a last line that counts
/// what was cut off.
///
/// Masked are the `known` secrets of at least four bytes wherever they stand, words that look
/// like credentials, and values under names such as `password`. That is as far as it goes: a
/// password under a name that says nothing is shown.
pub fn mask(body: &[u8], form: Form, known: &[&Secret], most: usize) -> String {
    let known: Vec<&str> = known
        .iter()
        .filter_map(|secret| str::from_utf8(secret.expose()).ok())
        .filter(|secret| secret.len() >= SHORTEST_SECRET)
        .collect();
    let text = String::from_utf8_lossy(body);
    let text = hide(&text, &known);
    let mut page = Page { text: String::new(), left: most, blanks: 0 };
    let shown = match form {
        Form::Json => write_json(&mut page, &text, &known),
        Form::Form => write_form(&mut page, &text, &known),
        Form::Path => write_path(&mut page, &text),
        Form::Text => write_text(&mut page, &text),
    };
    page.finish(text.len().saturating_sub(shown))
}

/// Writes JSON; says how many bytes of it were begun.
fn write_json(page: &mut Page, text: &str, known: &[&str]) -> usize {
    let mut begun = 0;
    // For each open object or array: what its values are, by the name that it stands under.
    let mut open: Vec<FieldKind> = Vec::new();
    let mut kind = FieldKind::Plain;
    for (token, size) in json::tokens(text) {
        if page.is_full() {
            break;
        }
        begun += size;
        let inherited = |open: &[FieldKind]| open.last().copied().unwrap_or(FieldKind::Plain);
        match token {
            Token::Space(space) => page.write(space),
            Token::Mark(mark) => {
                match mark {
                    '{' | '[' => open.push(kind),
                    '}' | ']' => {
                        open.pop();
                        kind = inherited(&open);
                    }
                    ',' => kind = inherited(&open),
                    _ => {}
                }
                page.write(mark.encode_utf8(&mut [0; 4]));
            }
            Token::Text(name) if text.get(begun..).is_some_and(|rest| rest.trim_ascii_start().starts_with(':')) => {
                kind = inherited(&open).or(FieldKind::of(&name));
                page.write(&quote(&mask_words(&hide(&name, known))));
            }
            Token::Text(_) if kind != FieldKind::Plain => page.write(&quote(MASKED)),
            Token::Text(value) => page.write(&quote(&mask_words(&hide(&value, known)))),
            Token::Word(word) if kind == FieldKind::Password && !matches!(word, "true" | "false" | "null") => {
                page.write(MASKED);
            }
            Token::Word(word) => page.write(&mask_words(word)),
        }
    }
    begun
}

/// Writes one parameter a line, decoded; says how many bytes were begun.
fn write_form(page: &mut Page, text: &str, known: &[&str]) -> usize {
    let mut begun = 0;
    for raw in text.split_inclusive('&') {
        if page.is_full() {
            break;
        }
        begun += raw.len();
        for parameter in Query::new(Some(raw)).parameters() {
            let value = if FieldKind::of(&parameter.name) == FieldKind::Plain {
                Cow::Owned(mask_words(&hide(&parameter.value, known)))
            } else {
                Cow::Borrowed(MASKED)
            };
            page.write(&format!("{} = {}\n", quote(&mask_words(&hide(&parameter.name, known))), quote(&value)));
        }
    }
    begun
}

/// Writes a path segment by segment; says how many bytes were begun.
fn write_path(page: &mut Page, text: &str) -> usize {
    let mut begun = 0;
    for segment in text.split_inclusive('/') {
        if page.is_full() {
            break;
        }
        begun += segment.len();
        let name = segment.strip_suffix('/').unwrap_or(segment);
        page.write(&mask_words(name));
        page.write(segment.get(name.len()..).unwrap_or_default());
    }
    begun
}

/// Writes a text line by line; says how many bytes were begun.
fn write_text(page: &mut Page, text: &str) -> usize {
    let mut begun = 0;
    // Inside a part of a multipart body whose name says that it is secret.
    let mut in_secret_part = false;
    let mut in_part_head = false;
    for line in text.split_inclusive('\n') {
        if page.is_full() {
            break;
        }
        begun += line.len();
        let content = line.trim_end_matches(['\r', '\n']);
        if content.starts_with("--") {
            (in_secret_part, in_part_head) = (false, true);
        } else if in_part_head {
            in_part_head = !content.is_empty();
            let name = content.to_ascii_lowercase().split_once("; name=\"").map(|(_, rest)| rest.to_owned());
            let name = name.as_deref().and_then(|rest| rest.split('"').next()).unwrap_or_default();
            in_secret_part |= FieldKind::of(name) != FieldKind::Plain;
        } else if in_secret_part && !content.is_empty() {
            page.write(MASKED);
            page.write("\n");
            continue;
        }
        page.write(&mask_words(&mask_named(line)));
    }
    begun
}

/// A text without the known secrets.
fn hide<'a>(text: &'a str, known: &[&str]) -> Cow<'a, str> {
    let mut hidden = Cow::Borrowed(text);
    for secret in known {
        if hidden.contains(secret) {
            hidden = Cow::Owned(hidden.replace(secret, MASKED));
        }
    }
    hidden
}

/// A text without the words that look like credentials. Paths are masked piece by piece.
fn mask_words(text: &str) -> String {
    let is_word = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '+' | '~' | '/');
    let mut masked = String::with_capacity(text.len());
    for (piece, is_run) in runs(text, is_word) {
        if !is_run {
            masked.push_str(piece);
        } else if looks_like_credential(piece) && !piece.split('/').any(looks_like_credential) {
            masked.push_str(&with_ends(piece));
        } else {
            let parts: Vec<Cow<'_, str>> = piece
                .split('/')
                .map(|part| if looks_like_credential(part) { with_ends(part) } else { Cow::Borrowed(part) })
                .collect();
            masked.push_str(&parts.join("/"));
        }
    }
    masked
}

/// A word of ASCII without its middle.
fn with_ends(word: &str) -> Cow<'_, str> {
    let end = END.min(word.len() / 6);
    match (word.len() >= LONG, word.get(..end), word.get(word.len().saturating_sub(end)..)) {
        (true, Some(begin), Some(end)) => Cow::Owned(format!("{begin}…{MASKED}…{end}")),
        _ => Cow::Borrowed(MASKED),
    }
}

/// A text without the values that stand behind names such as `password`: after a colon, an
/// equals sign or the end of a tag, up to where such a value ends.
fn mask_named(text: &str) -> String {
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-');
    let mut masked = String::with_capacity(text.len());
    let mut begun = 0;
    let mut skip_to = 0;
    for (piece, is_run) in runs(text, is_name) {
        let start = begun;
        begun += piece.len();
        if begun <= skip_to {
            continue;
        }
        masked.push_str(text.get(start.max(skip_to)..begun).unwrap_or_default());
        let rest = text.get(begun..).unwrap_or_default();
        if !is_run || start < skip_to || FieldKind::of(piece) == FieldKind::Plain {
            continue;
        }
        let gap = rest
            .find(|letter| !matches!(letter, ' ' | '\t' | '"' | '\'' | ']' | ':' | '=' | '>'))
            .unwrap_or(rest.len());
        let (gap, behind) = rest.split_at(gap);
        let value = behind
            .find(|letter: char| letter.is_whitespace() || matches!(letter, '<' | '&' | ',' | ';' | '"' | '\''))
            .unwrap_or(behind.len());
        if value > 0 && gap.contains([':', '=', '>']) {
            masked.push_str(gap);
            masked.push_str(MASKED);
            skip_to = begun + gap.len() + value;
        }
    }
    masked
}

/// The text in runs of characters that are all such, or all not such.
fn runs(text: &str, is_such: impl Fn(char) -> bool) -> impl Iterator<Item = (&str, bool)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let is_run = is_such(rest.chars().next()?);
        let size = rest.find(|letter| is_such(letter) != is_run).unwrap_or(rest.len());
        let (run, after) = rest.split_at(size);
        rest = after;
        Some((run, is_run))
    })
}

/// A text in quotes and on one line, out of which nothing can break.
fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for letter in text.chars() {
        if matches!(letter, '"' | '\\' | '\n' | '\r' | '\t') {
            quoted.extend(letter.escape_default());
        } else {
            quoted.push(letter);
        }
    }
    quoted.push('"');
    quoted
}

/// The page that a person reads.
struct Page {
    text: String,
    /// How many characters still fit.
    left: usize,
    /// How many blanks have come in a row.
    blanks: usize,
}

impl Page {
    const fn is_full(&self) -> bool {
        self.left == 0
    }

    fn write(&mut self, text: &str) {
        for letter in text.chars() {
            match letter {
                ' ' | '\n' | '\t' => {
                    self.blanks += 1;
                    if self.blanks <= MOST_BLANKS {
                        self.push(if letter == '\t' { ' ' } else { letter });
                    }
                }
                _ => {
                    self.count_blanks();
                    if is_plain(letter) {
                        self.push(letter);
                    } else if letter != '\r' {
                        letter.escape_unicode().for_each(|letter| self.push(letter));
                    }
                }
            }
        }
    }

    /// Says how many blanks in a row were not shown.
    fn count_blanks(&mut self) {
        let more = self.blanks.saturating_sub(MOST_BLANKS);
        self.blanks = 0;
        if more > 0 {
            format!("[{more} blanks more]").chars().for_each(|letter| self.push(letter));
        }
    }

    fn push(&mut self, letter: char) {
        if self.left > 0 {
            self.text.push(letter);
            self.left -= 1;
        }
    }

    /// The page, with a line that says how many bytes were never begun.
    fn finish(mut self, hidden: usize) -> String {
        self.count_blanks();
        if self.is_full() {
            self.text.push_str("\n[cut here");
            if hidden > 0 {
                self.text.push_str(&format!("; {hidden} bytes more"));
            }
            self.text.push(']');
        }
        self.text
    }
}

/// Whether a character shows itself, and only itself.
fn is_plain(letter: char) -> bool {
    !law::is_hidden(letter) && (letter == ' ' || !letter.is_whitespace())
}

#[cfg(test)]
mod tests;

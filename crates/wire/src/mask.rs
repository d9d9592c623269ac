//! Shows a body to a person who is to say yes or no to it.
//!
//! The person must see what will happen and no secret, and whoever wrote the body may want to
//! deceive them. So values are shown decoded, names are shown, nothing is left out silently,
//! and characters that are invisible or turn the direction of writing are written out.

use std::borrow::Cow;

use crate::{
    Query, Secret,
    json::{self, Token},
    second_method::boundary,
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
pub enum Form<'a> {
    /// JSON, and whatever is close to it.
    Json,
    /// `application/x-www-form-urlencoded`; a query is written alike.
    Form,
    /// A path: what stands between its slashes are words of their own.
    Path,
    /// `multipart/…`, and what stands between the parts.
    Parts(&'a str),
    /// Anything else.
    Text,
}

impl<'a> Form<'a> {
    /// The form that a `Content-Type` names. Without one a body that begins as JSON is taken
    /// for JSON.
    pub fn of(content_type: Option<&'a str>, body: &[u8]) -> Self {
        let essence =
            content_type.and_then(|value| value.split(';').next()).unwrap_or_default().trim().to_ascii_lowercase();
        match essence.as_str() {
            "application/x-www-form-urlencoded" => Self::Form,
            "" if matches!(body.trim_ascii_start().first(), Some(b'{' | b'[')) => Self::Json,
            _ if essence.ends_with("json") => Self::Json,
            _ if essence.starts_with("multipart/") => content_type.and_then(boundary).map_or(Self::Text, Self::Parts),
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
pub fn mask(body: &[u8], form: Form<'_>, known: &[&Secret], most: usize) -> String {
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
        Form::Parts(boundary) => write_parts(&mut page, &text, boundary),
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
    for line in text.split_inclusive('\n') {
        if page.is_full() {
            break;
        }
        begun += line.len();
        page.write(&mask_words(&mask_named(line)));
    }
    begun
}

/// Writes the parts of a body line by line; says how many bytes were begun. Of a part whose name
/// says that it is secret the length is shown.
fn write_parts(page: &mut Page, text: &str, boundary: &str) -> usize {
    let delimiter = format!("--{boundary}");
    let mut begun = 0;
    // The lines of the head that is under way, if one is.
    let mut head: Option<Vec<&str>> = None;
    // Where the secret begins that is under way.
    let mut secret: Option<usize> = None;
    let end_secret = |page: &mut Page, secret: Option<usize>, end: usize| {
        let size = secret.and_then(|from| text.get(from..end)).map_or(0, |value| value.trim_end().len());
        if size > 0 {
            page.write(&format!("[masked: {size} bytes]\n"));
        }
    };
    for line in text.split_inclusive('\n') {
        if page.is_full() {
            break;
        }
        let from = begun;
        begun += line.len();
        let content = line.strip_suffix('\n').map_or(line, |line| line.strip_suffix('\r').unwrap_or(line));
        // Anywhere in a line: some readers look for it so, and nothing behind it may be hidden.
        if line.contains(&delimiter) {
            end_secret(page, secret.take(), from);
            head = Some(Vec::new());
        } else if let Some(lines) = &mut head {
            if content.is_empty() {
                secret = is_secret_part(lines).then_some(begun);
                head = None;
            } else {
                lines.push(content);
            }
        } else if secret.is_some() {
            continue;
        }
        page.write(&mask_words(&mask_named(line)));
    }
    end_secret(page, secret, begun);
    begun
}

/// Whether a part's one name says that it is secret. Of two, its reader may take either.
fn is_secret_part(head: &[&str]) -> bool {
    let mut names = head.iter().flat_map(|line| whole_names(line).map(move |at| (line, at)));
    let (Some((line, at)), None) = (names.next(), names.next()) else { return false };
    let is_plain = head.iter().all(|line| !line.contains('\r') && !line.starts_with([' ', '\t']));
    let begins = line.get(.."content-disposition:".len());
    let is_disposition = begins.is_some_and(|begin| begin.eq_ignore_ascii_case("content-disposition:"));
    let value = line.get(at + "name".len()..).and_then(|rest| rest.strip_prefix("=\"")?.split_once('"'));
    is_plain && is_disposition && value.is_some_and(|(name, _)| FieldKind::of(name) != FieldKind::Plain)
}

/// Where `name` stands in a line as a word of its own.
fn whole_names(line: &str) -> impl Iterator<Item = usize> {
    let is_word = |letter: char| letter.is_alphanumeric() || matches!(letter, '-' | '_');
    let windows = line.as_bytes().windows("name".len()).enumerate();
    windows
        .filter(|(_, window)| window.eq_ignore_ascii_case(b"name"))
        .map(|(at, _)| at)
        .filter(move |at| !line.get(..*at).unwrap_or_default().ends_with(is_word))
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

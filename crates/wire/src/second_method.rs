//! A second method, named beside the one that was sent.
//!
//! Frameworks take another method from a header, the query or a field of the body, and each
//! spells and reads the name in its own way. What any of them could read as such a name is
//! one here; nothing here decides what the method could do.

use http::HeaderValue;

use crate::{Query, json};

mod passing;

pub use passing::Passing;
pub(crate) use passing::boundary;

/// What a body says of a second method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Says {
    /// It names none, however it is read.
    Nothing,
    /// Some reader finds the name of one.
    Method,
    /// Nobody knows: it cannot be read as text in an encoding that all readers share.
    Unreadable,
}

/// More letters and digits than any field has that overrides the method, each percent-encoded.
const MOST_LETTERS: usize = 64;

/// How bodies of a content type are taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nobody looks for fields in it: pictures, archives, streams of bytes.
    Opaque,
    /// `application/x-www-form-urlencoded`
    Form,
    /// `multipart/…`
    Multipart,
    /// JSON of any kind.
    Json,
    /// A type of which no framework is known that takes fields from it: XML, plain text. Some
    /// upstream may all the same.
    Other,
    /// Whatever an upstream makes of it: no type, or a crooked one that some take for fields.
    Unknown,
    /// Fields in an encoding in which the same bytes are other letters.
    Foreign,
}

/// Whether a header of this name overrides the method in common frameworks.
pub fn is_header(name: &str) -> bool {
    // Cheap, because every header of every request is looked at.
    (contains(name, "method") || contains(name, "verb"))
        && [
            // The variable of CGI, which a server may take from a proxy that it trusts.
            "requestmethod",
            "xhttpmethodoverride",
            "xhttpmethod",
            "xmethodoverride",
            "xhttpverb",
            "xhttpverboverride",
            "httpmethodoverride",
            "methodoverride",
            "httpmethod",
            "xrestmethod",
        ]
        .contains(&&*letters(name))
}

/// Whether a field of this name, in a query or a body, overrides the method in common
/// frameworks. `method` itself is an ordinary field; with anything around it that a reader
/// could take for the underscore of `_method`, it is not.
pub fn is_field(name: &str) -> bool {
    if !contains(name, "method") && !contains(name, "verb") {
        return false;
    }
    !cut_letters(name).is_empty()
}

/// The same without `http_method`, which is an ordinary field of JSON that speaks of calls, and
/// which no common framework obeys.
fn is_common_field(name: &str) -> bool {
    is_field(name) && cut_letters(name) != "httpmethod"
}

/// The letters of a name that [`is_field`]; none of any other.
fn cut_letters(name: &str) -> String {
    // Readers cut at a bracket or at NUL, and take off blanks.
    let cut = name.char_indices().find(|(at, letter)| *at > 0 && matches!(letter, '[' | '\0'));
    let cut = cut.and_then(|(at, _)| name.get(..at)).unwrap_or(name);
    let name = cut.trim_matches(|letter: char| letter.is_whitespace() || letter.is_control());
    let letters = letters(name);
    let is_field = match letters.as_str() {
        "method" | "httpmethod" => name.len() > letters.len(),
        "xhttpmethodoverride"
        | "xhttpmethod"
        | "xmethodoverride"
        | "methodoverride"
        | "httpmethodoverride"
        | "xhttpverb"
        | "xhttpverboverride" => true,
        _ => false,
    };
    if is_field { letters } else { String::new() }
}

/// How a body of this content type is taken apart. Where a type is not spelled exactly as its
/// standard says, readers differ in where it ends.
pub fn kind(content_type: Option<&HeaderValue>) -> Kind {
    let Some(text) = content_type.and_then(|value| value.to_str().ok()) else { return Kind::Unknown };
    let mut parts = text.split(';');
    let essence = parts.next().unwrap_or_default().trim().to_ascii_lowercase();
    let has_fields = essence.is_empty()
        || essence.contains("json")
        || ["/json", "+json", "urlencoded"].iter().any(|word| contains(text, word))
        || mentions_parts(text);
    if has_fields && is_foreign(text) {
        return Kind::Foreign;
    }
    if !parts.all(is_plain_parameter) {
        return if has_fields { Kind::Unknown } else { Kind::Other };
    }
    match essence.split_once('/') {
        Some(("multipart", kind)) if is_token(kind) => Kind::Multipart,
        Some(("application", "x-www-form-urlencoded")) => Kind::Form,
        Some(("application" | "text", "json")) => Kind::Json,
        Some(("application", kind)) if is_token(kind) && kind.ends_with("+json") => Kind::Json,
        _ if has_fields => Kind::Unknown,
        Some(("image" | "audio" | "video" | "font", kind)) if is_token(kind) => Kind::Opaque,
        Some(("application", "octet-stream" | "zip" | "gzip" | "x-gzip" | "x-tar" | "pdf" | "protobuf"))
        | Some(("application", "x-protobuf" | "grpc" | "grpc+proto" | "grpc-web" | "grpc-web+proto"))
        | Some(("text", "csv")) => Kind::Opaque,
        _ => Kind::Other,
    }
}

/// Whether some reader takes a body of this type for one of several parts.
fn mentions_parts(content_type: &str) -> bool {
    contains(content_type, "multipart") || contains(content_type, "form-data")
}

/// What a body of this kind says of a second method.
pub fn in_body(body: &[u8], kind: Kind) -> Says {
    let text = String::from_utf8_lossy(body);
    let says = match kind {
        Kind::Opaque => return Says::Nothing,
        Kind::Form => in_form(&text),
        Kind::Multipart => in_multipart(&text),
        Kind::Json => in_json(&text),
        Kind::Other | Kind::Unknown | Kind::Foreign => {
            in_form(&text) || in_multipart(&text) || in_json(&text) || in_words(&text)
        }
    };
    // A file in a multipart body may have any bytes; in others no reader expects them.
    let is_odd = || match kind {
        Kind::Multipart => false,
        Kind::Foreign => true,
        Kind::Form if has_odd_name(&text) => true,
        _ => matches!(text, std::borrow::Cow::Owned(_)) || text.contains('\0'),
    };
    match says {
        true => Says::Method,
        false if is_odd() => Says::Unreadable,
        false => Says::Nothing,
    }
}

fn in_form(text: &str) -> bool {
    let form = Query::new(Some(text));
    form.parameters().chain(form.parameters_at_semicolons()).any(|field| is_field(&field.name))
}

/// Whether the name of a field is no text in an encoding that all readers share.
fn has_odd_name(text: &str) -> bool {
    let names = text.split(['&', ';']).filter_map(|field| field.split('=').next());
    names.filter(|name| name.contains('%')).any(|name| {
        let bytes: Vec<u8> = percent_encoding::percent_decode_str(name).collect();
        bytes.contains(&0) || std::str::from_utf8(&bytes).is_err()
    })
}

/// The name of every part, wherever an upstream sees its beginning: what counts are lines that
/// speak of a disposition, and those below them up to an empty one.
fn in_multipart(text: &str) -> bool {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut head = String::new();
    for line in text.split('\n') {
        if !line.is_empty() && (!head.is_empty() || contains(line, "content-disposition")) {
            head.push_str(line);
            head.push('\n');
        } else if names_field(&std::mem::take(&mut head)) {
            return true;
        }
    }
    names_field(&head)
}

/// Whether a part's head names a field that overrides the method, in any spelling. Names in
/// the extended form (RFC 5987, RFC 2231) and encoded words are read by some only; no form
/// needs them (RFC 7578, section 4.2), so they count as if they did.
fn names_field(head: &str) -> bool {
    let mut rest = head;
    while let Some(at) = find(rest, "name") {
        let before = rest.get(..at).unwrap_or_default();
        rest = rest.get(at + "name".len()..).unwrap_or_default();
        let is_whole = !before.ends_with(|letter: char| letter.is_alphanumeric() || letter == '-' || letter == '_');
        if !is_whole {
            continue;
        }
        let after = rest.trim_start();
        if after.starts_with('*') {
            return true;
        }
        let Some(value) = after.strip_prefix('=') else { continue };
        if is_named(few_letters(value.trim_start())) {
            return true;
        }
    }
    false
}

/// As much of a value as may be such a field: readers know no longer one, and the whole need not
/// be read again at each `name=` in it.
fn few_letters(value: &str) -> &str {
    let mut letters = value.char_indices().filter(|(_, letter)| letter.is_ascii_alphanumeric());
    letters.nth(MOST_LETTERS).and_then(|(at, _)| value.get(..at)).unwrap_or(value)
}

/// Whether the value of `name=` is such a field: in quotes or bare, with backslashes or
/// without, percent signs decoded or not.
fn is_named(value: &str) -> bool {
    if !value.contains(['%', '\\', '?']) && !contains(value, "method") && !contains(value, "verb") {
        return false;
    }
    let (whole, bare) = match value.chars().next() {
        Some(quote @ ('"' | '\'')) => {
            let inner = value.get(1..).unwrap_or_default();
            (quoted(inner, quote), inner.split(quote).next().unwrap_or_default())
        }
        _ => (
            value.split([';', '\n']).next().unwrap_or_default(),
            value.split([';', ' ', '\n']).next().unwrap_or_default(),
        ),
    };
    [whole, bare].into_iter().any(|name| {
        let plain = name.replace('\\', "");
        let decoded = percent_encoding::percent_decode_str(&plain).decode_utf8_lossy();
        name.contains("=?") || is_field(name) || is_field(&plain) || is_field(&decoded)
    })
}

/// What stands before the closing quote, escaped ones left in.
fn quoted(inner: &str, quote: char) -> &str {
    let mut escaped = false;
    let end = inner.find(|letter| {
        let closes = letter == quote && !escaped;
        escaped = letter == '\\' && !escaped;
        closes
    });
    inner.get(..end.unwrap_or(inner.len())).unwrap_or_default()
}

/// The names of the outermost object, or of the objects in an outermost list; and what stands
/// outside of strings, for readers who do not insist on quotes.
fn in_json(text: &str) -> bool {
    let mut objects = 0_usize;
    let mut last = None;
    for (token, _) in json::tokens(text) {
        match token {
            json::Token::Space(_) => continue,
            json::Token::Mark('{') => objects = objects.saturating_add(1),
            json::Token::Mark('}') => objects = objects.saturating_sub(1),
            json::Token::Mark(':') if objects == 1 => {
                if last.as_deref().is_some_and(is_field) {
                    return true;
                }
            }
            json::Token::Mark(_) => {}
            json::Token::Word(word) if in_words(word) => return true,
            json::Token::Word(_) => {}
            json::Token::Text(text) => {
                last = Some(text);
                continue;
            }
        }
        last = None;
    }
    false
}

/// Whether such a name stands in a text as a word of its own.
fn in_words(text: &str) -> bool {
    let is_between = |letter: char| !letter.is_alphanumeric() && !matches!(letter, '_' | '-' | '.');
    contains(text, "method") && text.split(is_between).any(|word| word.len() > "method".len() && is_field(word))
}

fn is_plain_parameter(parameter: &str) -> bool {
    let Some((name, value)) = parameter.trim().split_once('=') else { return parameter.trim().is_empty() };
    let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
    let is_value =
        value.bytes().all(|byte| (byte.is_ascii_graphic() || byte == b' ') && !matches!(byte, b'"' | b'\\' | b','));
    is_token(name) && is_value
}

/// Whether the type names an encoding in which the bytes of a field's name may be other letters.
/// Those of one byte a letter that extend ASCII are shared as far as names go.
fn is_foreign(content_type: &str) -> bool {
    let mut rest = content_type;
    while let Some(at) = find(rest, "charset") {
        rest = rest.get(at + "charset".len()..).unwrap_or_default();
        let Some(value) = rest.trim_start().strip_prefix('=') else { continue };
        let value = value.trim_start_matches(|letter: char| letter.is_whitespace() || matches!(letter, '"' | '\''));
        let end =
            value.find(|letter: char| !letter.is_ascii_alphanumeric() && !matches!(letter, '-' | '_' | ':' | '.'));
        let value = value.get(..end.unwrap_or(value.len())).unwrap_or_default().to_ascii_lowercase();
        let is_shared = matches!(value.as_str(), "" | "utf-8" | "utf8" | "us-ascii" | "ascii" | "latin1")
            || ["iso-8859-", "windows-125", "koi8-"].iter().any(|family| value.starts_with(family));
        if !is_shared {
            return true;
        }
    }
    false
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

/// Letters and digits in lower case, and nothing else.
fn letters(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect()
}

fn contains(text: &str, wanted: &str) -> bool {
    find(text, wanted).is_some()
}

/// Where a word begins, case of letters aside.
fn find(text: &str, wanted: &str) -> Option<usize> {
    text.as_bytes().windows(wanted.len()).position(|window| window.eq_ignore_ascii_case(wanted.as_bytes()))
}

#[cfg(test)]
mod tests;

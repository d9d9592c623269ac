//! A second method, named beside the one that was sent.
//!
//! Frameworks take another method from a header, the query or a field of the body, and each
//! spells and reads the name in its own way. What any of them could read as such a name is
//! one here; nothing here decides what the method could do.

use http::HeaderValue;
use memchr::memmem;

use crate::{Query, json};

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
    /// Whatever an upstream makes of it: no type, an unusual or a crooked one.
    Unknown,
}

/// Whether a header of this name overrides the method in common frameworks.
pub fn is_header(name: &str) -> bool {
    // Cheap, because every header of every request is looked at.
    (contains(name, "method") || contains(name, "verb"))
        && [
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
    // Readers cut at a bracket or at NUL, and take off blanks.
    let cut = name.char_indices().find(|(at, letter)| *at > 0 && matches!(letter, '[' | '\0'));
    let cut = cut.and_then(|(at, _)| name.get(..at)).unwrap_or(name);
    let name = cut.trim_matches(|letter: char| letter.is_whitespace() || letter.is_control());
    match &*letters(name) {
        "method" => name.len() > "method".len(),
        "httpmethod" => name.len() > "httpmethod".len(),
        "xhttpmethodoverride"
        | "xhttpmethod"
        | "xmethodoverride"
        | "methodoverride"
        | "httpmethodoverride"
        | "xhttpverb"
        | "xhttpverboverride" => true,
        _ => false,
    }
}

/// How a body of this content type is taken apart. A type that is not spelled exactly as its
/// standard says is unknown: readers differ in where it ends.
pub fn kind(content_type: Option<&HeaderValue>) -> Kind {
    let Some(text) = content_type.and_then(|value| value.to_str().ok()) else { return Kind::Unknown };
    let mut parts = text.split(';');
    let essence = parts.next().unwrap_or_default().trim().to_ascii_lowercase();
    if !parts.all(is_plain_parameter) {
        return Kind::Unknown;
    }
    match essence.split_once('/') {
        Some(("image" | "audio" | "video" | "font", kind)) if is_token(kind) => Kind::Opaque,
        Some(("multipart", kind)) if is_token(kind) => Kind::Multipart,
        Some(("application", "x-www-form-urlencoded")) => Kind::Form,
        Some(("application" | "text", "json")) => Kind::Json,
        Some(("application", kind)) if is_token(kind) && kind.ends_with("+json") => Kind::Json,
        Some(("application", "octet-stream" | "zip" | "gzip" | "x-gzip" | "x-tar" | "pdf" | "protobuf"))
        | Some(("application", "x-protobuf" | "grpc" | "grpc+proto" | "grpc-web" | "grpc-web+proto"))
        | Some(("text", "csv")) => Kind::Opaque,
        _ => Kind::Unknown,
    }
}

/// The longest head of a part: honest ones are hundreds of times shorter.
const LONGEST_HEAD: usize = 64 * 1024;

/// Looks into a multipart body that is too long to be held, piece by piece while it goes by.
pub struct Passing {
    delimiter: Vec<u8>,
    /// What came and may belong to what comes next.
    rest: Vec<u8>,
    in_head: bool,
}

impl Passing {
    /// For a body of this type. Nothing where it does not say in one way only what stands
    /// between its parts.
    pub fn of(content_type: Option<&HeaderValue>) -> Option<Self> {
        let text = content_type?.to_str().ok()?;
        let parameters = text.split(';').skip(1).filter_map(|parameter| parameter.split_once('='));
        let mut boundaries =
            parameters.filter(|(name, _)| name.trim().eq_ignore_ascii_case("boundary")).map(|(_, value)| value.trim());
        let boundary = boundaries.next().filter(|_| boundaries.next().is_none())?;
        let bare = boundary.strip_prefix('"').and_then(|boundary| boundary.strip_suffix('"')).unwrap_or(boundary);
        let is_plain = bare.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"'()+_,-./:=?".contains(&byte));
        (is_plain && !bare.is_empty()).then(|| Self {
            delimiter: format!("--{bare}").into_bytes(),
            rest: Vec::new(),
            in_head: false,
        })
    }

    /// Whether a part of which the head has begun by the end of this piece names a second method,
    /// or has a head that nobody honest sends. Then the piece must not go on: without it the name
    /// is not whole, nor is the body. What stands between parts counts anywhere in a line: some
    /// readers look for it so.
    pub fn names(&mut self, piece: &[u8]) -> bool {
        self.rest.extend_from_slice(piece);
        loop {
            if !self.in_head {
                let Some(at) = memmem::find(&self.rest, &self.delimiter) else {
                    // Its beginning may have come.
                    let done = (self.rest.len() + 1).saturating_sub(self.delimiter.len());
                    self.rest.drain(..done);
                    return false;
                };
                self.rest.drain(..at + self.delimiter.len());
                self.in_head = true;
            }
            let end = end_of_head(&self.rest);
            let head = String::from_utf8_lossy(self.rest.get(..end.unwrap_or(self.rest.len())).unwrap_or_default());
            if names_field(&head.replace("\r\n", "\n").replace('\r', "\n")) {
                return true;
            }
            let Some(end) = end else { return self.rest.len() > LONGEST_HEAD };
            self.rest.drain(..end);
            self.in_head = false;
        }
    }
}

/// Where the head of a part ends: behind the first empty line below that of its delimiter.
fn end_of_head(text: &[u8]) -> Option<usize> {
    let behind_line = |from: usize| {
        let end = from + text.get(from..)?.iter().position(|byte| matches!(byte, b'\r' | b'\n'))?;
        Some(if text.get(end..end + 2) == Some(b"\r\n") { end + 2 } else { end + 1 })
    };
    let mut at = behind_line(0)?;
    loop {
        let next = behind_line(at)?;
        if matches!(text.get(at), Some(b'\r' | b'\n')) {
            return Some(next);
        }
        at = next;
    }
}

/// What a body of this kind says of a second method.
pub fn in_body(body: &[u8], kind: Kind) -> Says {
    let text = String::from_utf8_lossy(body);
    let says = match kind {
        Kind::Opaque => return Says::Nothing,
        Kind::Form => in_form(&text),
        Kind::Multipart => in_multipart(&text),
        Kind::Json => in_json(&text),
        Kind::Unknown => in_form(&text) || in_multipart(&text) || in_json(&text) || in_words(&text),
    };
    // A file in a multipart body may have any bytes; in others no reader expects them.
    let is_odd = || kind != Kind::Multipart && (matches!(text, std::borrow::Cow::Owned(_)) || text.contains('\0'));
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
        if is_named(value.trim_start()) {
            return true;
        }
    }
    false
}

/// Whether the value of `name=` is such a field: in quotes or bare, with backslashes or
/// without, percent signs decoded or not.
fn is_named(value: &str) -> bool {
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
    // In other encodings the bytes of a body are other letters.
    let is_shared = || {
        ["utf-8", "utf8", "us-ascii", "ascii", "iso-8859-1", "latin1", "windows-1252"]
            .iter()
            .any(|known| value.eq_ignore_ascii_case(known))
    };
    let is_value = value.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\' | b','))
        || value.bytes().all(|byte| (byte.is_ascii_graphic() || byte == b' ') && !matches!(byte, b'"' | b'\\' | b','));
    is_token(name) && is_value && (!name.eq_ignore_ascii_case("charset") || is_shared())
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
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(content_type: &str, body: &str) -> Says {
        in_body(body.as_bytes(), kind(Some(&HeaderValue::from_str(content_type).unwrap())))
    }

    const FORM: &str = "application/x-www-form-urlencoded";
    const MULTIPART: &str = "multipart/form-data; boundary=x";

    #[test]
    fn a_field_is_known_in_the_spellings_of_all_readers() {
        for name in [
            "_method",
            "_METHOD",
            " _method",
            "_method ",
            ".method",
            " .method",
            "-method",
            "_method\0x",
            "_method[]",
            "_method[x",
            "[_method]",
            "\t_method\n",
            "\u{ff3f}method",
            "__method",
            "http_method",
            "X-HTTP-Method-Override",
            "x_http_method_override",
            "X-HTTP-Method",
            "X-Method-Override",
            "X-HTTP-Verb",
        ] {
            assert!(is_field(name), "{name:?}");
        }
        for name in ["method", "Method", " method ", "payment_method", "method[]", "httpMethod", "_methods", "meth", ""]
        {
            assert!(!is_field(name), "{name:?}");
        }
        for name in ["x-http-method-override", "x_http.method_override", "x-method-override", "x-http-verb"] {
            assert!(is_header(name), "{name}");
        }
        for name in ["access-control-request-method", "x-method-name", "x-verbose", "method"] {
            assert!(!is_header(name), "{name}");
        }
    }

    #[test]
    fn only_a_type_spelled_exactly_is_that_type() {
        let kind = |text: &str| kind(Some(&HeaderValue::from_str(text).unwrap()));
        assert_eq!(kind("Application/JSON; charset=UTF-8"), Kind::Json);
        assert_eq!(kind("application/problem+json"), Kind::Json);
        assert_eq!(kind("text/json"), Kind::Json);
        assert_eq!(kind(FORM), Kind::Form);
        assert_eq!(kind("multipart/form-data; boundary=\"a b\""), Kind::Multipart);
        assert_eq!(kind("image/png"), Kind::Opaque);
        assert_eq!(super::kind(None), Kind::Unknown);
        for crooked in [
            "",
            "application/x-www-form-urlencoded x",
            "application/x-www-form-urlencoded, text/plain",
            "application/json; charset=utf-16",
            "application/json; charset=ibm037",
            "application/made-up",
            "application/octet-stream x",
            "image/png, application/x-www-form-urlencoded",
            "image/png; a=b, application/json",
            "image/",
            "text/plain",
            "application/xml",
        ] {
            assert_eq!(kind(crooked), Kind::Unknown, "{crooked}");
        }
    }

    #[test]
    fn a_body_is_read_in_every_way_that_its_type_allows() {
        let multipart =
            |name: &str| format!("--x\r\nContent-Disposition: form-data; {name}\r\n\r\nDELETE\r\n--x--\r\n");
        for (content_type, body) in [
            (FORM, "_method=DELETE".to_owned()),
            (FORM, "a=b&%5Fmethod=DELETE".to_owned()),
            (FORM, "a=b;_method=DELETE".to_owned()),
            (FORM, ".method=DELETE".to_owned()),
            (FORM, "_method%00x=DELETE".to_owned()),
            (FORM, "+_method=DELETE".to_owned()),
            (FORM, "_method[]=DELETE".to_owned()),
            ("application/x-www-form-urlencoded x", "_method=DELETE".to_owned()),
            ("application/made-up", "a=b&_method=DELETE".to_owned()),
            ("", "_method=DELETE".to_owned()),
            ("text/json", r#"{"_method":"DELETE"}"#.to_owned()),
            ("application/json", r#"{"a":{"b":1},"\u005fmethod" : "DELETE"}"#.to_owned()),
            ("application/json", r#"[{"_method":"DELETE"}]"#.to_owned()),
            ("application/json", "{_method:'DELETE'}".to_owned()),
            ("application/json", "{'_method':'DELETE'}".to_owned()),
            ("application/made-up", r#"{"_method":"DELETE"}"#.to_owned()),
            ("application/made-up", multipart(r#"name="_method""#)),
            ("application/xml", "<r><_method>DELETE</_method></r>".to_owned()),
            (MULTIPART, multipart(r#"name="_method""#)),
            (MULTIPART, multipart("name=_method")),
            (MULTIPART, multipart("NAME = '_method'")),
            (MULTIPART, multipart(r#"name="\_method""#)),
            (MULTIPART, multipart(r#"name="_me\thod""#)),
            (MULTIPART, multipart("name*0=_me; name*1=thod")),
            (MULTIPART, multipart("name*=UTF-8''%5Fmethod")),
            (MULTIPART, multipart(r#"name="%5Fmethod""#)),
            (MULTIPART, multipart(r#"name="=?utf-8?q?=5Fmethod?=""#)),
            (MULTIPART, multipart("filename=\"x\";\r\n name=\"_method\"")),
            (MULTIPART, multipart(r#"name="_method[]""#)),
            (MULTIPART, multipart(r#"name=".method""#)),
            (MULTIPART, "--x\ncontent-disposition:form-data;name=_method\n\nDELETE\n--x--".to_owned()),
            (MULTIPART, "--x\rcontent-disposition:form-data;name=_method\r\rDELETE\r--x--".to_owned()),
        ] {
            assert_eq!(read(content_type, &body), Says::Method, "{content_type}: {body}");
        }
    }

    #[test]
    fn honest_bodies_say_nothing() {
        let file = "--x\r\nContent-Disposition: form-data; name=\"payment_method\"; filename*=UTF-8''a%20b\r\n\r\n\
                    char *name = \"_method\"; a&_method=x\r\n--x--\r\n";
        for (content_type, body) in [
            (FORM, "method=fast&name=x&payment_method=card"),
            (
                "application/json",
                r#"{"method":"fast","headers":{"X-HTTP-Method-Override":"PATCH"},"text":"a&_method=b"}"#,
            ),
            ("application/json", r#"{"url":"https://a/?_method=x","list":["_method"]}"#),
            ("application/json", "{}"),
            (MULTIPART, file),
            ("text/plain", "the payment_method is a card"),
            ("image/png", "_method=DELETE"),
        ] {
            assert_eq!(read(content_type, body), Says::Nothing, "{content_type}: {body}");
        }
    }

    #[test]
    fn what_is_no_text_is_unreadable_where_text_is_expected() {
        let utf16: Vec<u8> = r#"{"_method":"DELETE"}"#.encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(in_body(&utf16, Kind::Json), Says::Unreadable);
        assert_eq!(in_body(&utf16, Kind::Unknown), Says::Unreadable);
        assert_eq!(in_body(b"\xff\xd8\xff", Kind::Unknown), Says::Unreadable);
        assert_eq!(in_body(b"--x\r\n\r\n\xff\xd8\xff\r\n--x--", Kind::Multipart), Says::Nothing);
    }

    /// What of a body goes on, in pieces of this size.
    fn goes_on(content_type: &str, body: &[u8], size: usize) -> usize {
        let mut passing = Passing::of(Some(&HeaderValue::from_str(content_type).unwrap())).unwrap();
        let pieces = body.chunks(size).take_while(|piece| !passing.names(piece));
        pieces.map(<[u8]>::len).sum()
    }

    #[test]
    fn a_long_body_goes_on_up_to_the_name_of_a_second_method_however_it_is_cut() {
        let file = "a;name=_method\r\n\r\n--y\r\nContent-Disposition: form-data; name=\"_method\"\r\n\r\n".repeat(9);
        for head in
            ["Content-Disposition: form-data; name=\"_method\"", "content-disposition:form-data;\r\n NAME=_method"]
        {
            for (before, line) in [("\r\n", "\r\n"), ("\n", "\n"), ("", "\r")] {
                let begin = format!("--x\r\nContent-Disposition: form-data; name=\"f\"\r\n\r\n{file}{before}--x{line}");
                let body = format!("{begin}{head}{line}{line}DELETE{before}--x--{line}");
                for size in 1..100 {
                    let gone = goes_on(MULTIPART, body.as_bytes(), size);
                    let name = begin.len() + head.find("_method").unwrap();
                    assert!(gone < name + "_method".len(), "{size}: {gone} of {}", body.len());
                    assert!(gone + size > begin.len(), "the file itself goes on");
                }
            }
        }
    }

    #[test]
    fn an_honest_upload_goes_on_whole() {
        let part = |name: &str, value: &str| {
            format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"_method\"\r\n\r\n{value}\r\n")
        };
        let value = "\0 name=\"_method\"\n\n--\r-x".repeat(20_000);
        let body = part("payment_method", "card") + &part("file", &value) + &part("file2", &value) + "--x--\r\n";
        for size in [1000, 4093, usize::MAX] {
            assert_eq!(goes_on(MULTIPART, body.as_bytes(), size), body.len());
        }
        let endless = format!("--x\r\n{}", "X-Header: a\r\n".repeat(10_000));
        assert!(goes_on(MULTIPART, endless.as_bytes(), 1000) <= LONGEST_HEAD + 1000, "a head has an end");
    }

    #[test]
    fn only_a_body_that_says_what_stands_between_its_parts_is_looked_into_while_it_goes_by() {
        let of = |text: &'static str| Passing::of(Some(&HeaderValue::from_static(text))).is_some();
        for good in
            [MULTIPART, "multipart/form-data; Boundary=\"a:b\"", "multipart/form-data; charset=utf-8; boundary=x"]
        {
            assert!(of(good), "{good}");
        }
        for crooked in
            ["multipart/form-data", "multipart/form-data; boundary=x; boundary=y", "multipart/form-data; boundary="]
        {
            assert!(!of(crooked), "{crooked}");
        }
        assert!(Passing::of(None).is_none());
    }

    proptest! {
        #[test]
        fn however_a_long_body_is_cut_the_name_does_not_go_on_whole(
            before in proptest::collection::vec(prop_oneof![
                Just("--x"), Just("\r\n"), Just("\n"), Just("name=\""), Just("x"), Just("\\"), Just("--"),
            ], 0..12),
            cuts in proptest::collection::vec(1_usize..20, 1..60),
        ) {
            let before = before.concat();
            let body = format!("{before}--x\r\nContent-Disposition: form-data; name=\"_method\"\r\n\r\nDELETE");
            let whole = body.find("_method").unwrap() + "_method".len();
            let mut passing = Passing::of(Some(&HeaderValue::from_static(MULTIPART))).unwrap();
            let (mut gone, mut cuts) = (0, cuts.into_iter().cycle());
            while gone < body.len() {
                let end = (gone + cuts.next().unwrap()).min(body.len());
                if passing.names(&body.as_bytes()[gone..end]) {
                    break;
                }
                gone = end;
            }
            prop_assert!(gone < whole, "{gone} of {body:?}");
        }

        #[test]
        fn whatever_stands_around_it_a_name_is_found(before in "[a-z=&\"{}:,\\-\\r\\n ]{0,40}", body in ".*") {
            for kind in [Kind::Form, Kind::Multipart, Kind::Json, Kind::Unknown] {
                let _ = in_body(body.as_bytes(), kind);
            }
            let form = format!("{before}&_method=DELETE");
            prop_assert_eq!(in_body(form.as_bytes(), Kind::Form), Says::Method);
            let part = format!("{before}\r\n\r\n--x\r\nContent-Disposition: form-data; name=\"_method\"\r\n\r\nDELETE");
            prop_assert!(goes_on(MULTIPART, part.as_bytes(), 7) < part.len());
            prop_assert_eq!(in_body(part.as_bytes(), Kind::Multipart), Says::Method);
        }
    }
}

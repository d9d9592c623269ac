//! The answers that drills get in the place of the API's.
//!
//! They have a body of the form that the catalogue knows, as long as the scenario says: what looks
//! into the answers of the API looks into these, too, and counts what it finds.

use std::{collections::VecDeque, sync::Arc};

use bytes::Bytes;
use catalogue::{Answered, Kind};
use http::HeaderValue;
use serde_json::{Value, json};
use wire::Secret;

use crate::Look;

/// One piece on its way, in bytes.
const PIECE: usize = 16 * 1024;

/// Stands where the list does, until its items are there.
const LIST: &str = "greave-drill-list";

/// What the gate answers a call of a drill with, in the place of the API.
#[derive(Clone)]
pub struct Dry {
    /// The HTTP status.
    pub status: u16,
    /// Items that would have been in the answer.
    pub rows: u64,
    /// Bytes that would have been in it.
    pub bytes: u64,
    /// The key that it brings, where the operation makes one.
    pub minted: Option<Arc<Secret>>,
    /// Whether the API answers instead, where the call does nothing but read.
    pub reads_pass: bool,
}

impl std::fmt::Debug for Dry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { status, rows, bytes, minted: _, reads_pass } = self;
        f.debug_struct("Dry")
            .field("status", status)
            .field("rows", rows)
            .field("bytes", bytes)
            .field("reads_pass", reads_pass)
            .finish_non_exhaustive()
    }
}

/// A body that is made while it is read: most of it is the same again and again.
pub(crate) struct DryBody {
    parts: VecDeque<(Bytes, u64)>,
}

impl DryBody {
    /// The body of such an answer, and its media type: the members that the document describes, so
    /// many items where the list stands, the new credential where that stands, and blanks behind
    /// it until it is long enough.
    pub(crate) fn of(look: &Look, answered: &Answered, dry: &Dry) -> (Self, HeaderValue) {
        let media = answered.media.as_deref().filter(|media| !media.contains('*'));
        let media = media.and_then(|media| HeaderValue::from_str(media).ok()).unwrap_or(JSON);
        let parts = match media.to_str().map(kind_of).unwrap_or(Form::Other) {
            Form::Json => json(look, answered, dry),
            Form::Lines => {
                let item = sample(&answered.items).to_string();
                vec![(format!("{item}\n"), dry.rows)]
            }
            Form::Csv => {
                let names: Vec<&str> = answered.items.iter().map(|(at, _)| at.trim_start_matches('/')).collect();
                let head = if names.is_empty() { "drill".to_owned() } else { names.join(",") };
                let row = vec!["0"; names.len().max(1)].join(",");
                vec![(format!("{head}\r\n"), 1), (format!("{row}\r\n"), dry.rows)]
            }
            Form::Other => Vec::new(),
        };
        let length = |(part, times): &(String, u64)| (part.len() as u64).saturating_mul(*times);
        let long = parts.iter().map(length).fold(0, u64::saturating_add);
        let blanks = (" ".to_owned(), dry.bytes.saturating_sub(long));
        let parts = parts.into_iter().chain([blanks]).filter(|(part, times)| *times > 0 && !part.is_empty());
        (Self { parts: parts.map(|(part, times)| (part.into(), times)).collect() }, media)
    }

    /// None: an answer with this status has no body, or it answers `HEAD`.
    pub(crate) const fn none() -> Self {
        Self { parts: VecDeque::new() }
    }

    /// What comes next.
    pub(crate) fn next(&mut self) -> Option<Bytes> {
        let (part, left) = self.parts.front_mut()?;
        let times = (PIECE / part.len().max(1)).max(1).min(usize::try_from(*left).unwrap_or(usize::MAX));
        let piece = if times == 1 { part.clone() } else { part.repeat(times).into() };
        *left = left.saturating_sub(times as u64);
        if *left == 0 {
            self.parts.pop_front();
        }
        Some(piece)
    }

    pub(crate) fn left(&self) -> u64 {
        let length = |(part, times): &(Bytes, u64)| (part.len() as u64).saturating_mul(*times);
        self.parts.iter().map(length).fold(0, u64::saturating_add)
    }
}

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// How a body of a media type is written.
enum Form {
    Json,
    /// One JSON after the other, a line each.
    Lines,
    Csv,
    Other,
}

fn kind_of(media: &str) -> Form {
    let media = media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match media.as_str() {
        "application/json" => Form::Json,
        "text/csv" | "application/csv" => Form::Csv,
        "application/x-ndjson" | "application/ndjson" | "application/jsonl" | "application/jsonlines" => Form::Lines,
        other if other.ends_with("+json") => Form::Json,
        _ => Form::Other,
    }
}

/// The parts of a body of JSON, each with how often it comes.
fn json(look: &Look, answered: &Answered, dry: &Dry) -> Vec<(String, u64)> {
    let mut value = sample(&answered.members);
    if let (Some(at), Some(secret)) = (&look.minted, &dry.minted) {
        // Why it is exposed: nobody but the drill itself reads this answer.
        put(&mut value, at.text(), Value::String(String::from_utf8_lossy(secret.expose()).into_owned()));
    }
    if let Some(at) = &look.list {
        put(&mut value, at.text(), Value::String(LIST.to_owned()));
    }
    let text = value.to_string();
    let Some((head, tail)) = text.split_once(&format!("\"{LIST}\"")) else { return vec![(text, 1)] };
    let item = sample(&answered.items).to_string();
    vec![
        (format!("{head}["), 1),
        (item.clone(), dry.rows.min(1)),
        (format!(",{item}"), dry.rows.saturating_sub(1)),
        (format!("]{tail}"), 1),
    ]
}

/// An object with these members.
fn sample(members: &[(String, Kind)]) -> Value {
    let mut value = json!({"drill": true});
    for (at, kind) in members {
        let plain = match kind {
            Kind::Text => json!("drill"),
            Kind::Number => json!(0),
            Kind::Flag => json!(false),
        };
        put(&mut value, at, plain);
    }
    value
}

/// Puts something where a pointer (RFC 6901) says, and makes the objects on the way.
fn put(into: &mut Value, at: &str, what: Value) {
    let mut place = into;
    for step in at.split('/').skip(1).map(|step| step.replace("~1", "/").replace("~0", "~")) {
        if !place.is_object() {
            *place = json!({});
        }
        let Value::Object(members) = place else { return };
        place = members.entry(step).or_insert(Value::Null);
    }
    *place = what;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Pointer;

    fn whole(list: Option<&str>, minted: Option<&str>, rows: u64, bytes: u64) -> String {
        let look = Look { list: list.and_then(Pointer::parse), minted: minted.and_then(Pointer::parse), named: None };
        let dry = Dry {
            status: 200,
            rows,
            bytes,
            minted: Some(Arc::new(Secret::new(b"greave_drill_abc"))),
            reads_pass: false,
        };
        let (mut body, media) = DryBody::of(&look, &Answered::default(), &dry);
        assert_eq!(media, "application/json");
        let (left, mut text) = (body.left(), Vec::new());
        while let Some(piece) = body.next() {
            text.extend_from_slice(&piece);
        }
        assert_eq!(text.len() as u64, left, "it is as long as it was said");
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn an_answer_has_its_items_where_the_catalogue_looks_for_them() {
        for (list, rows) in [("", 0), ("", 1), ("", 3_000), ("/data/items", 2), ("/a~1b", 2)] {
            let value: Value = serde_json::from_str(&whole(Some(list), None, rows, 10)).unwrap();
            let items = value.pointer(list).unwrap().as_array().unwrap();
            assert_eq!(items.len() as u64, rows, "{list}");
        }
    }

    #[test]
    fn an_answer_is_of_the_form_that_the_document_describes() {
        let member = |at: &str, kind| (at.to_owned(), kind);
        let answered = |media: Option<&str>| Answered {
            media: media.map(str::to_owned),
            members: vec![member("/page/next", Kind::Text), member("/total", Kind::Number)],
            items: vec![member("/id", Kind::Text), member("/paid", Kind::Flag)],
        };
        let look = Look { list: Pointer::parse("/data"), ..Look::default() };
        let dry = Dry { status: 200, rows: 2, bytes: 0, minted: None, reads_pass: false };
        let of = |media: Option<&str>| {
            let (mut body, media) = DryBody::of(&look, &answered(media), &dry);
            let text: Vec<u8> = std::iter::from_fn(|| body.next()).flatten().collect();
            (media.to_str().unwrap().to_owned(), String::from_utf8(text).unwrap())
        };
        let item = json!({"drill": true, "id": "drill", "paid": false});
        for (media, said) in [
            (None, "application/json"),
            (Some("*/*"), "application/json"),
            (Some("application/vnd.x+json; v=2"), "application/vnd.x+json; v=2"),
        ] {
            let (is, text) = of(media);
            let value: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(is, said);
            assert_eq!(value, json!({"drill": true, "page": {"next": "drill"}, "total": 0, "data": [item, item]}));
        }
        assert_eq!(of(Some("text/csv")).1, "id,paid\r\n0,0\r\n0,0\r\n");
        assert_eq!(of(Some("application/x-ndjson")).1, format!("{item}\n{item}\n"));
        assert_eq!(of(Some("application/zip")).1, "", "of what nobody can make up there are only so many bytes");
    }

    #[test]
    fn an_answer_brings_the_new_credential_and_is_as_long_as_was_said() {
        let text = whole(Some("/data"), Some("/key/token"), 2, 100_000);
        assert_eq!(text.len(), 100_000);
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value.pointer("/key/token").unwrap(), "greave_drill_abc");
        assert_eq!(value["data"].as_array().unwrap().len(), 2);
        assert!(!whole(None, None, 7, 0).contains("greave_drill_abc"), "where nothing is made, nothing is brought");
    }
}

//! One address, many operations: what in a request tells which one it is.
//!
//! Everything here errs to one side. A request that could be read in two ways, by us in one
//! and by the upstream in the other, selects nothing, and what selects nothing has every power.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{OperationId, decode, graphql, read::text};

/// What in a request tells operations at one address apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SelectBy {
    /// A query parameter.
    Query(String),
    /// A field of a URL-encoded form.
    Form(String),
    /// A query parameter, or a field of a URL-encoded form.
    QueryOrForm(String),
    /// A field of a JSON body: a name at its top, or a JSON pointer.
    Json(String),
    /// A header.
    Header(String),
    /// The root fields of a GraphQL operation, written `query.users`, `mutation.deleteUser`.
    #[serde(rename = "graphql")]
    GraphQl,
}

/// What tells an operation apart from others at its address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector {
    /// As it stands behind `#` in the operation's name, such as `Action=DeleteUser`.
    pub text: String,
    /// All must hold. Empty: nothing in a request shows it.
    pub(crate) conditions: Vec<Condition>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Condition {
    pub(crate) by: SelectBy,
    pub(crate) wanted: Wanted,
}

/// Which values a condition takes; the closer one wins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    Anything,
    Beginning(String),
    Exactly(String),
}

impl Wanted {
    /// A value as it stands in a document's address, percent signs decoded.
    pub(crate) fn exactly(text: &str) -> Self {
        Self::Exactly(decode::form(text).map_or_else(|| text.to_owned(), Into::into))
    }

    /// A value of the settings: it may end in `*`.
    pub(crate) fn pattern(text: &str) -> Self {
        match text.strip_suffix('*') {
            Some(start) => Self::Beginning(start.to_owned()),
            None => Self::Exactly(text.to_owned()),
        }
    }

    /// How closely it takes this value; `None` if it does not.
    fn takes(&self, value: &str) -> Option<usize> {
        match self {
            Self::Anything => Some(0),
            Self::Beginning(start) => value.starts_with(start.as_str()).then_some(start.len() + 1),
            Self::Exactly(wanted) => (wanted == value).then_some(usize::MAX),
        }
    }
}

/// The parts of a request that selectors look at.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asked<'a> {
    /// The query as it was sent, without `?`.
    pub query: &'a str,
    /// The headers that [`Choice::needs_header`](crate::Choice::needs_header) takes, each line of them.
    pub headers: &'a [(&'a str, &'a str)],
    /// `Content-Type`, where there is exactly one.
    pub content_type: Option<&'a str>,
    /// The whole body, empty if there is none; `None` where it cannot be had as the upstream
    /// will read it: it is compressed or too large.
    pub body: Option<&'a [u8]>,
}

/// Why a request selects no operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unselected {
    /// What selects is not there.
    Absent,
    /// Its value is not described.
    Unknown,
    /// The part of the request that holds it cannot be read.
    Unreadable,
    /// It can be read in two ways.
    Ambiguous,
}

impl fmt::Display for Unselected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Absent => "the request does not say which operation it wants",
            Self::Unknown => "the operation that the request names is not described",
            Self::Unreadable => "the part of the request that names its operation cannot be read",
            Self::Ambiguous => "the operation that the request names can be read in two ways",
        })
    }
}

/// The operations at one address that something in the request tells apart.
#[derive(Debug, Default)]
pub(crate) struct Variants {
    /// Everything that any condition looks at, once.
    by: Vec<SelectBy>,
    options: Vec<(Vec<Condition>, OperationId)>,
    /// Nothing in a request shows whether it is one of these, so it always may be.
    always: Vec<OperationId>,
}

impl Variants {
    pub(crate) fn add(&mut self, conditions: &[Condition], operation: OperationId) {
        if conditions.is_empty() {
            self.always.push(operation);
            return;
        }
        for condition in conditions {
            if !self.by.contains(&condition.by) {
                self.by.push(condition.by.clone());
            }
        }
        self.options.push((conditions.to_vec(), operation));
    }

    pub(crate) fn by(&self) -> &[SelectBy] {
        &self.by
    }

    pub(crate) fn operations(&self) -> impl Iterator<Item = OperationId> {
        self.options.iter().map(|(_, operation)| *operation).chain(self.always.iter().copied())
    }

    /// The operations that the request may be. `plain` are those that need nothing to select
    /// them: the request is one of them if nothing in it selects another.
    pub(crate) fn select(&self, plain: &[OperationId], asked: &Asked<'_>) -> Result<Vec<OperationId>, Unselected> {
        let mut readings = Vec::new();
        for by in &self.by {
            readings.push((by, by.read(asked)?));
        }
        let always = || self.always.iter().copied();
        if readings.iter().all(|(_, reading)| matches!(reading, Reading::Absent)) {
            let all: Vec<OperationId> = plain.iter().copied().chain(always()).collect();
            return if all.is_empty() { Err(Unselected::Absent) } else { Ok(all) };
        }
        let chosen: Vec<&(Vec<Condition>, OperationId)> = self
            .options
            .iter()
            .filter(|(conditions, _)| conditions.iter().all(|condition| self.holds(condition, &readings)))
            .collect();
        for (by, reading) in &readings {
            let asked_for = |wanted: fn(&Wanted) -> bool| {
                let conditions = self.options.iter().flat_map(|(conditions, _)| conditions);
                conditions.filter(|condition| condition.by == **by).any(|condition| wanted(&condition.wanted))
            };
            match reading {
                Reading::Absent => {}
                Reading::Twice if asked_for(|wanted| *wanted != Wanted::Anything) => return Err(Unselected::Ambiguous),
                Reading::Twice => {}
                Reading::Values(values) => {
                    // Each root field of a GraphQL operation, and the one value of anything else, must select something.
                    let selects = |value: &String| {
                        chosen
                            .iter()
                            .flat_map(|(conditions, _)| conditions)
                            .any(|condition| condition.by == **by && condition.wanted.takes(value).is_some())
                    };
                    if !values.iter().all(selects) {
                        return Err(Unselected::Unknown);
                    }
                }
            }
        }
        if chosen.is_empty() {
            return Err(Unselected::Unknown);
        }
        Ok(chosen.into_iter().map(|(_, operation)| *operation).chain(always()).collect())
    }

    /// Whether the condition takes one of the values, and none at its side takes it more closely.
    fn holds(&self, condition: &Condition, readings: &[(&SelectBy, Reading)]) -> bool {
        let Some((by, reading)) = readings.iter().find(|(by, _)| **by == condition.by) else { return false };
        match reading {
            Reading::Absent => false,
            Reading::Twice => condition.wanted == Wanted::Anything,
            Reading::Values(values) => values.iter().any(|value| {
                let others =
                    self.options.iter().flat_map(|(conditions, _)| conditions).filter(|other| other.by == **by);
                let closest = others.filter_map(|other| other.wanted.takes(value)).max();
                let taken = condition.wanted.takes(value);
                taken.is_some() && taken == closest
            }),
        }
    }
}

/// What stands where a selector looks.
#[derive(Debug, PartialEq, Eq)]
enum Reading {
    Absent,
    Values(Vec<String>),
    /// More than once, or beside something that an upstream may take for it.
    Twice,
}

impl Reading {
    fn join(self, other: Self) -> Self {
        match (self, other) {
            (Self::Absent, other) | (other, Self::Absent) => other,
            _ => Self::Twice,
        }
    }
}

impl SelectBy {
    /// Whether it looks at a body of this type; `None` where there is no one type that can be
    /// read. What stands in the query is looked for in forms and in JSON, too: many an upstream
    /// reads both as one.
    pub(crate) fn needs_body(&self, content_type: Option<&str>) -> bool {
        match self {
            Self::Query(_) => Fields::of(content_type).is_some(),
            Self::Header(_) => false,
            Self::Form(_) | Self::QueryOrForm(_) | Self::Json(_) | Self::GraphQl => true,
        }
    }

    fn read(&self, asked: &Asked<'_>) -> Result<Reading, Unselected> {
        match self {
            // An upstream may look for the field in the body, too.
            Self::Query(name) => match (pairs(asked.query, name)?, may_name(asked, name)?) {
                (query, false) => Ok(query),
                (_, true) => Ok(Reading::Twice),
            },
            // An upstream may look for the field in the query too.
            Self::Form(name) => match (form(asked, name)?, pairs(asked.query, name)?) {
                (form, Reading::Absent) => Ok(form),
                _ => Ok(Reading::Twice),
            },
            Self::QueryOrForm(name) => Ok(form(asked, name)?.join(pairs(asked.query, name)?)),
            // The same of JSON: what stands at its top may be taken from the query.
            Self::Json(pointer) => {
                let top = steps(pointer).into_iter().next().unwrap_or_default();
                match (json(asked, pointer)?, pairs(asked.query, &top)?) {
                    (json, Reading::Absent) => Ok(json),
                    _ => Ok(Reading::Twice),
                }
            }
            Self::Header(name) => {
                let mut lines = asked.headers.iter().filter(|(known, _)| is_header_alike(known, name));
                Ok(match (lines.next(), lines.next()) {
                    (None, _) => Reading::Absent,
                    (Some((known, value)), None) if known.eq_ignore_ascii_case(name) => {
                        Reading::Values(vec![value.trim().to_owned()])
                    }
                    _ => Reading::Twice,
                })
            }
            Self::GraphQl => graphql::root_fields(asked).map(Reading::Values),
        }
    }
}

/// Whether an upstream may take one header for the other: many read `X_Target` as `X-Target`.
pub(crate) fn is_header_alike(name: &str, wanted: &str) -> bool {
    let plain = |name: &str| name.replace(|letter: char| !letter.is_ascii_alphanumeric(), "-").to_ascii_lowercase();
    name.eq_ignore_ascii_case(wanted) || plain(name) == plain(wanted)
}

/// A body of which fields are read as of a query.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fields {
    Form,
    Parts,
    Json,
}

impl Fields {
    /// Whether some upstream takes fields from a body of this type; also from one whose type is not
    /// spelled as its standard says, and from one without a type: some take that for a form.
    fn of(content_type: Option<&str>) -> Option<Self> {
        let text = content_type.unwrap_or_default().trim().to_ascii_lowercase();
        match text.as_str() {
            "" => Some(Self::Form),
            text if text.contains("urlencoded") => Some(Self::Form),
            text if text.contains("form-data") || text.contains("multipart") => Some(Self::Parts),
            text if text.contains("json") => Some(Self::Json),
            _ => None,
        }
    }
}

/// Whether the body may have a field of this name, where an upstream looks for those of a query.
fn may_name(asked: &Asked<'_>, name: &str) -> Result<bool, Unselected> {
    let Some(fields) = Fields::of(asked.content_type) else { return Ok(false) };
    let body = asked.body.ok_or(Unselected::Unreadable)?;
    if body.is_empty() {
        return Ok(false);
    }
    match fields {
        Fields::Form => Ok(form(asked, name)? != Reading::Absent),
        // Names of parts can be written in many ways: whatever looks like one counts.
        Fields::Parts => {
            let body = String::from_utf8_lossy(body).replace('\\', "");
            let decoded = percent_encoding::percent_decode_str(&body).decode_utf8_lossy();
            let looks_so = |text: &str| text.contains("name*") || text.contains("=?") || text.contains(&folded(name));
            Ok(looks_so(&folded(&body)) || looks_so(&folded(&decoded)))
        }
        Fields::Json => {
            let text = std::str::from_utf8(body).map_err(|_| Unselected::Unreadable)?;
            let read = text::json(text).map_err(|_| Unselected::Unreadable)?;
            let is_named = |value: &Value| value.as_object().is_some_and(|it| it.keys().any(|key| alike(key, name)));
            Ok(is_named(&read.value) || read.value.as_array().is_some_and(|list| list.iter().any(is_named)))
        }
    }
}

/// Looks for a name in a query or a form.
fn pairs(text: &str, name: &str) -> Result<Reading, Unselected> {
    let mut found = Reading::Absent;
    for pair in text.split('&') {
        let (raw, value) = pair.split_once('=').unwrap_or((pair, ""));
        let known = decode::form(raw).ok_or(Unselected::Unreadable)?;
        if known == name && !raw.contains(';') {
            let value = decode::form(value).ok_or(Unselected::Unreadable)?;
            found = found.join(Reading::Values(vec![value.into_owned()]));
        } else if alike(&known, name) {
            found = Reading::Twice;
        }
        // Some upstreams take `;` for `&`.
        for piece in pair.split(';').skip(1) {
            let raw = piece.split('=').next().unwrap_or_default();
            if decode::form(raw).is_none_or(|known| alike(&known, name)) {
                found = Reading::Twice;
            }
        }
        if pair.contains(';')
            && decode::form(raw.split(';').next().unwrap_or_default()).is_none_or(|known| known == name)
        {
            found = Reading::Twice;
        }
    }
    Ok(found)
}

/// Names of query parameters as an upstream may read them: for those who refuse whole families.
pub(crate) fn names_alike(query: &str, names: &[&str]) -> Result<bool, Unselected> {
    for name in names {
        if pairs(query, name)? != Reading::Absent {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The one value of a query parameter.
pub(crate) fn one_value(query: &str, name: &str) -> Result<Option<String>, Unselected> {
    match pairs(query, name)? {
        Reading::Absent => Ok(None),
        Reading::Values(values) => Ok(values.into_iter().next()),
        Reading::Twice => Err(Unselected::Ambiguous),
    }
}

fn form(asked: &Asked<'_>, name: &str) -> Result<Reading, Unselected> {
    let body = asked.body.ok_or(Unselected::Unreadable)?;
    if body.is_empty() {
        return Ok(Reading::Absent);
    }
    if media(asked).ok_or(Unselected::Unreadable)? != "application/x-www-form-urlencoded" {
        return Err(Unselected::Unreadable);
    }
    let body = std::str::from_utf8(body).map_err(|_| Unselected::Unreadable)?;
    pairs(body, name)
}

fn json(asked: &Asked<'_>, pointer: &str) -> Result<Reading, Unselected> {
    let value = json_body(asked)?;
    let mut at = &value;
    for step in &steps(pointer) {
        let object = at.as_object().ok_or(Unselected::Unreadable)?;
        if object.keys().any(|name| name != step && alike(name, step)) {
            return Ok(Reading::Twice);
        }
        match object.get(step) {
            Some(below) => at = below,
            None => return Ok(Reading::Absent),
        }
    }
    match at {
        Value::Null => Ok(Reading::Absent),
        Value::String(text) => Ok(Reading::Values(vec![text.clone()])),
        Value::Number(number) => Ok(Reading::Values(vec![number.to_string()])),
        Value::Bool(truth) => Ok(Reading::Values(vec![truth.to_string()])),
        Value::Array(_) | Value::Object(_) => Err(Unselected::Unreadable),
    }
}

/// The names that lead to a field, at least one.
fn steps(pointer: &str) -> Vec<String> {
    match pointer.strip_prefix('/') {
        Some(steps) => steps.split('/').map(|step| step.replace("~1", "/").replace("~0", "~")).collect(),
        None => vec![pointer.to_owned()],
    }
}

/// The body as JSON in which no name stands twice.
pub(crate) fn json_body(asked: &Asked<'_>) -> Result<Value, Unselected> {
    let body = asked.body.ok_or(Unselected::Unreadable)?;
    let media = media(asked).ok_or(Unselected::Unreadable)?;
    if media != "application/json" && media != "text/json" && !media.ends_with("+json") {
        return Err(Unselected::Unreadable);
    }
    let text = std::str::from_utf8(body).map_err(|_| Unselected::Unreadable)?;
    let read = text::json(text).map_err(|_| Unselected::Unreadable)?;
    if read.twice.is_empty() { Ok(read.value) } else { Err(Unselected::Ambiguous) }
}

/// The media type, where the body is in UTF-8.
pub(crate) fn media(asked: &Asked<'_>) -> Option<String> {
    let mut parts = asked.content_type?.split(';').map(|part| part.trim().to_ascii_lowercase());
    let media = parts.next().filter(|media| !media.contains(','))?;
    for parameter in parts.filter(|parameter| !parameter.is_empty()) {
        let (name, value) = parameter.split_once('=')?;
        let value = value.trim().trim_matches('"');
        if name.trim() == "charset" && !matches!(value, "utf-8" | "utf8" | "us-ascii") {
            return None;
        }
    }
    Some(media)
}

/// Whether some upstream takes one name for the other: by ignoring case or spaces, by cutting
/// at `[` or NUL, by reading `.` and ` ` as `_`.
pub(crate) fn alike(name: &str, wanted: &str) -> bool {
    name == wanted || loosely(name) == loosely(wanted)
}

fn loosely(name: &str) -> String {
    let name = name.trim_start_matches(|letter: char| letter.is_whitespace() || letter.is_control() || letter == '[');
    let end = name.char_indices().find(|(place, letter)| *place > 0 && matches!(letter, '[' | ']' | '\0'));
    let name = end.map_or(name, |(end, _)| name.get(..end).unwrap_or(name));
    folded(name.trim_end_matches(|letter: char| letter.is_whitespace() || letter.is_control()))
}

/// Without the differences that some upstream makes none of, wherever they stand.
fn folded(text: &str) -> String {
    text.chars()
        .map(|letter| if matches!(letter, '.' | ' ' | '+') { '_' } else { letter })
        // Both ways round: the Kelvin sign is a small k, and the long s a capital S.
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked<'a>(query: &'a str, content_type: &'a str, body: &'a str) -> Asked<'a> {
        Asked { query, headers: &[], content_type: Some(content_type), body: Some(body.as_bytes()) }
    }

    fn variants(by: &SelectBy, values: &[&str]) -> Variants {
        let mut variants = Variants::default();
        for (number, value) in values.iter().enumerate() {
            let condition = Condition { by: by.clone(), wanted: Wanted::pattern(value) };
            variants.add(&[condition], OperationId(u32::try_from(number).unwrap()));
        }
        variants
    }

    fn select(by: &SelectBy, asked: &Asked<'_>) -> Result<Vec<u32>, Unselected> {
        let chosen = variants(by, &["List", "Delete", "Get*", "GetSecret*"]).select(&[], asked)?;
        Ok(chosen.into_iter().map(|operation| operation.0).collect())
    }

    #[test]
    fn a_query_parameter_selects_if_it_can_be_read_in_one_way_only() {
        let by = SelectBy::Query("Action".into());
        let select = |query: &str| select(&by, &asked(query, "", ""));
        assert_eq!(select("Action=List"), Ok(vec![0]));
        assert_eq!(select("x=1&%41ction=Delet%65&y"), Ok(vec![1]));
        assert_eq!(select("Action=GetUser"), Ok(vec![2]));
        assert_eq!(select("Action=GetSecretValue"), Ok(vec![3]));
        assert_eq!(select("x=1"), Err(Unselected::Absent));
        for unknown in ["Action=Purge", "Action=", "Action", "Action=list", "Action=List%00", "Action=+List"] {
            assert_eq!(select(unknown), Err(Unselected::Unknown), "{unknown}");
        }
        for twice in [
            "Action=List&Action=Delete",
            "Action=List&Action=List",
            "Action=List&action=Delete",
            "Action=List&Action[]=Delete",
            "Action=List&[Action]=Delete",
            "[Action]=Delete",
            "Action=List&+Action=Delete",
            "Action=List&%20Action=Delete",
            "Action=List&Action%00x=Delete",
            "Action=List&%00Action=Delete",
            "Action=List;Action=Delete",
            "x=1;Action=Delete",
            "x;Action=Delete",
            "Action;x=Delete&Action=List",
            "action=List",
        ] {
            assert_eq!(select(twice), Err(Unselected::Ambiguous), "{twice}");
        }
        for unreadable in ["Action=%", "%u0041ction=Delete&Action=List", "Action=%ff"] {
            assert_eq!(select(unreadable), Err(Unselected::Unreadable), "{unreadable}");
        }
    }

    #[test]
    fn what_a_query_selects_no_body_may_name_too() {
        let by = SelectBy::Query("Action".into());
        let form = "application/x-www-form-urlencoded";
        let parts = "multipart/form-data; boundary=x";
        let part = "--x\r\nContent-Disposition: form-data; name=\"Action\"\r\n\r\nDelete\r\n--x--\r\n";
        let extended = part.replace("name=\"Action\"", "name*=utf-8''%41ction");
        assert_eq!(select(&by, &asked("Action=List", form, "b=2")), Ok(vec![0]));
        assert_eq!(select(&by, &asked("Action=List", parts, &part.replace("Action", "b"))), Ok(vec![0]));
        let json = "application/json";
        for body in [r#"{"a":{"Action":"Delete"},"Actions":1}"#, "[1,\"Action\"]", "\"Action\""] {
            assert_eq!(select(&by, &asked("Action=List", json, body)), Ok(vec![0]), "{body}");
        }
        for (media, body) in [("text/plain", "Action=Delete"), ("application/octet-stream", "Action=Delete")] {
            assert_eq!(select(&by, &asked("Action=List", media, body)), Ok(vec![0]), "nobody takes fields from it");
            assert!(!by.needs_body(Some(media)));
        }
        let (slashed, encoded) = (part.replace("Action", "Ac\\tion"), part.replace("Action", "%41ction"));
        for (media, body) in [
            (form, "Action=Delete"),
            (form, "b&action=x"),
            (parts, part),
            (parts, &extended),
            (parts, &slashed),
            (parts, &encoded),
            ("multipart/mixed; boundary=x", part),
            ("Multipart/related, x; boundary=x", part),
            (json, r#"{"Action":"Delete"}"#),
            (json, r#"{"a":1,"\u0061ction":"Delete"}"#),
            (json, r#"[{"Action":"Delete"}]"#),
            ("image/x+json", r#"{"Action[]":"Delete"}"#),
        ] {
            assert_eq!(select(&by, &asked("Action=List", media, body)), Err(Unselected::Ambiguous), "{media} {body}");
            assert!(by.needs_body(Some(media)));
        }
        for odd in ["{Action:1}", "{\"a\":1} {\"Action\":1}"] {
            assert_eq!(select(&by, &asked("Action=List", json, odd)), Err(Unselected::Unreadable), "{odd}");
        }
        assert_eq!(select(&by, &asked("Action=List", " ", "Action=Delete")), Err(Unselected::Unreadable));
        let untyped = Asked { content_type: None, ..asked("Action=List", "", "Action=Delete") };
        assert_eq!(select(&by, &untyped), Err(Unselected::Unreadable), "some take it for a form");
        assert_eq!(select(&by, &Asked { body: Some(b""), ..untyped }), Ok(vec![0]));
        assert_eq!(select(&by, &Asked { body: None, ..untyped }), Err(Unselected::Unreadable));
    }

    #[test]
    fn what_json_selects_no_query_may_name_too() {
        let json = "application/json";
        let body = r#"{"op": {"do": "List"}, "act": "List"}"#;
        for (pointer, query) in [("act", "act=Delete"), ("/op/do", "op[do]=Delete"), ("act", "Act")] {
            let by = SelectBy::Json(pointer.into());
            assert_eq!(select(&by, &asked("page=2&do=x", json, body)), Ok(vec![0]), "{pointer}");
            assert_eq!(select(&by, &asked(query, json, body)), Err(Unselected::Ambiguous), "{query}");
        }
    }

    #[test]
    fn a_header_that_may_be_taken_for_the_selecting_one_selects_nothing() {
        let by = SelectBy::Header("X-Action".into());
        let select = |headers: &[(&str, &str)]| select(&by, &Asked { headers, body: Some(b""), ..Asked::default() });
        assert_eq!(select(&[("x-action", "List"), ("x-actions", "Delete")]), Ok(vec![0]));
        for twin in ["x_action", "X.Action", "x-action"] {
            assert_eq!(select(&[("x-action", "List"), (twin, "Delete")]), Err(Unselected::Ambiguous), "{twin}");
        }
        assert_eq!(select(&[("x_action", "List")]), Err(Unselected::Ambiguous));
    }

    #[test]
    fn a_form_field_selects_if_query_and_body_agree_that_it_is_one() {
        let by = SelectBy::QueryOrForm("Action".into());
        let form = "application/x-www-form-urlencoded; charset=UTF-8";
        assert_eq!(select(&by, &asked("", form, "Action=List&b=2")), Ok(vec![0]));
        assert_eq!(select(&by, &asked("Action=Delete", form, "")), Ok(vec![1]));
        assert_eq!(select(&by, &asked("Action=List", form, "Action=Delete")), Err(Unselected::Ambiguous));
        assert_eq!(
            select(&SelectBy::Form("Action".into()), &asked("action=Delete", form, "Action=List")),
            Err(Unselected::Ambiguous)
        );
        for (media, body) in [
            ("multipart/form-data; boundary=x", "Action=List"),
            ("application/json", "{}"),
            ("application/x-www-form-urlencoded; charset=utf-16", "Action=List"),
            ("application/x-www-form-urlencoded, text/plain", "Action=List"),
            ("", "Action=List"),
        ] {
            assert_eq!(select(&by, &asked("Action=List", media, body)), Err(Unselected::Unreadable), "{media}");
        }
        let mut compressed = asked("Action=List", form, "");
        compressed.body = None;
        assert_eq!(select(&by, &compressed), Err(Unselected::Unreadable));
    }

    #[test]
    fn a_json_field_selects_if_no_parser_could_read_it_otherwise() {
        let select =
            |pointer: &str, body: &str| select(&SelectBy::Json(pointer.into()), &asked("", "application/json", body));
        assert_eq!(select("method", r#"{"id": 1, "method": "List"}"#), Ok(vec![0]));
        assert_eq!(select("/a~1b/method", r#"{"a/b": {"m\u0065thod": "Delete"}}"#), Ok(vec![1]));
        assert_eq!(select("method", "{}"), Err(Unselected::Absent));
        assert_eq!(select("method", r#"{"method": null}"#), Err(Unselected::Absent));
        for ambiguous in [
            r#"{"method": "List", "method": "Delete"}"#,
            r#"{"method": "List", "Method": "Delete"}"#,
            r#"{"method": "List", "METHOD": "Delete"}"#,
            r#"{"Method": "Delete"}"#,
            r#"{"method": "List", "m\u0065thod": "Delete"}"#,
            r#"{"x": {"a": 1, "a": 2}, "method": "List"}"#,
        ] {
            assert_eq!(select("method", ambiguous), Err(Unselected::Ambiguous), "{ambiguous}");
        }
        assert_eq!(
            select("task", "{\"task\": \"List\", \"ta\u{17f}\u{212a}\": \"Delete\"}"),
            Err(Unselected::Ambiguous)
        );
        for unreadable in [
            r#"[{"method": "List"}]"#,
            r#"{"method": ["List"]}"#,
            r#"{"method": "List"} {"method": "Delete"}"#,
            r#"{"method": "List" /* */}"#,
            r#"{"method": "\ud800"}"#,
            "",
        ] {
            assert_eq!(select("method", unreadable), Err(Unselected::Unreadable), "{unreadable}");
        }
        assert_eq!(select("method", &("[".repeat(10_000) + &"]".repeat(10_000))), Err(Unselected::Unreadable));
    }

    #[test]
    fn a_header_selects_if_it_stands_there_once() {
        let by = SelectBy::Header("X-Target".into());
        let with = |headers| select(&by, &Asked { headers, ..asked("", "", "") });
        assert_eq!(with(&[("x-target", "List")]), Ok(vec![0]));
        assert_eq!(with(&[("x-target", "List"), ("X-Target", "Delete")]), Err(Unselected::Ambiguous));
        assert_eq!(with(&[]), Err(Unselected::Absent));
    }

    #[test]
    fn what_needs_nothing_is_meant_only_where_nothing_selects() {
        let mut variants = variants(&SelectBy::Query("cmd".into()), &["delete"]);
        variants.add(&[Condition { by: SelectBy::Query("flag".into()), wanted: Wanted::Anything }], OperationId(1));
        variants.add(&[], OperationId(2));
        let plain = [OperationId(3)];
        let select = |query: &str| variants.select(&plain, &asked(query, "", ""));
        assert_eq!(select("other=1"), Ok(vec![OperationId(3), OperationId(2)]));
        assert_eq!(select("cmd=delete"), Ok(vec![OperationId(0), OperationId(2)]));
        assert_eq!(select("flag=1&flag=2"), Ok(vec![OperationId(1), OperationId(2)]));
        assert_eq!(select("flag=1&cmd=delete"), Ok(vec![OperationId(0), OperationId(1), OperationId(2)]));
        assert_eq!(select("cmd=purge"), Err(Unselected::Unknown));
        assert_eq!(select("flag=1&cmd=purge"), Err(Unselected::Unknown));
    }
}

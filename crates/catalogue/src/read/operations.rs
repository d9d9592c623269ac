//! The operations of a document.

use std::{collections::HashSet, sync::Arc};

use serde_json::{Map, Value};

use super::{
    document::{Document, Version},
    landmarks,
    schema::{Schemas, Seen, Way},
    security::Schemes,
    servers,
    text::step,
};
use crate::{
    Answered, Facts, Shape,
    security::Security,
    selector::{Condition, SelectBy, Selector, Wanted},
    trouble::Troubles,
};

/// One operation as the document describes it, before it is judged.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    pub(crate) facts: Facts,
    pub(crate) selector: Option<Selector>,
    pub(crate) security: Arc<Security>,
    pub(crate) open: bool,
    pub(crate) list: Option<String>,
    pub(crate) credential: Option<String>,
    pub(crate) answered: Answered,
    pub(crate) paging: Vec<String>,
    pub(crate) takes_body: bool,
    /// Query and header parameters with the values that they may have.
    pub(crate) choices: Vec<(SelectBy, Vec<String>)>,
    pub(crate) standing: Standing,
    /// Where something of it stands that could not be read, as a JSON pointer. It could be
    /// anything: such an operation has every power.
    pub(crate) unread: Option<String>,
}

/// Where an operation stands, in the document and among the paths.
#[derive(Clone, Debug, Default)]
pub(crate) struct Standing {
    /// JSON pointer into the document.
    pub(crate) pointer: String,
    /// Base paths, where they are other than the document's.
    pub(crate) bases: Option<Arc<[String]>>,
    /// Parameters that span segments.
    pub(crate) multi: Vec<String>,
    /// Parameters of the path that are whole numbers.
    pub(crate) numbers: Vec<String>,
}

/// Members of a path item that are no methods.
const NO_METHODS: &[&str] = &["$ref", "summary", "description", "servers", "parameters", "additionalOperations"];
const METHODS: &[&str] = &["get", "put", "post", "delete", "options", "head", "patch", "trace", "query"];
/// The methods that an address may have whose operations cannot be read.
const USUAL: &[&str] = &["get", "put", "post", "delete", "patch"];

/// Reads every operation and hands each one on.
pub(crate) fn read(
    document: &Document,
    schemes: &Schemes,
    troubles: &mut Troubles,
    mut take: impl FnMut(Draft, &mut Troubles),
) {
    let mut reader = Reader { document, schemes, schemas: Schemas::new(document), troubles, unread: None };
    let Some(paths) = document.object(&["paths"], reader.troubles) else {
        reader.troubles.at("", "the document describes no paths", "describe them under `paths`");
        return;
    };
    for (key, item) in paths.iter().filter(|(key, _)| !key.starts_with("x-")) {
        for draft in reader.item(key, item) {
            take(draft, reader.troubles);
        }
    }
}

struct Reader<'d, 't> {
    document: &'d Document,
    schemes: &'t Schemes,
    schemas: Schemas<'d>,
    troubles: &'t mut Troubles,
    /// Where something of the operation stands that is being read and cannot be.
    unread: Option<String>,
}

/// Where a parameter travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum In {
    Path,
    Query,
    Header,
    Cookie,
    /// 2.0 only: a field of a form.
    Form,
    /// 2.0 only: the body.
    Body,
}

struct Parameter<'d> {
    name: &'d str,
    place: In,
    schema: &'d Value,
    multi: bool,
}

/// A body, in or out.
#[derive(Default)]
struct Body {
    media: Vec<String>,
    seen: Vec<Seen>,
    list: Option<String>,
}

impl<'d> Reader<'d, '_> {
    /// The operations of one path item, and of the one that it refers to.
    fn item(&mut self, key: &str, item: &'d Value) -> Vec<Draft> {
        let at = format!("/paths{}", step(key));
        let own = item.as_object();
        if own.is_none() {
            self.troubles.at(&at, "this is no path item", "write an object with methods in it");
        }
        let refers = item.get("$ref").is_some();
        let there = match refers {
            true => self.document.follow(item, &at, self.troubles).and_then(Value::as_object),
            false => None,
        };
        let whole = own.is_some() && refers == there.is_some();
        let mut drafts: Vec<Draft> =
            own.into_iter().chain(there).flat_map(|item| self.methods(key, item, &at)).collect();
        if !whole {
            // Another template may match the same requests: without these, it alone would count.
            let described = own.into_iter().flat_map(|item| item.keys().map(|method| method.to_ascii_lowercase()));
            let described: Vec<String> = described.collect();
            for method in USUAL.iter().filter(|method| !described.iter().any(|known| known == *method)) {
                drafts.push(self.lost(key, &method.to_ascii_uppercase(), &at));
            }
        }
        drafts
    }

    /// An operation of which nothing could be read.
    fn lost(&mut self, key: &str, method: &str, at: &str) -> Draft {
        let (template, selector) = self.template(key, method, &[], &Body::default(), at);
        Draft {
            facts: Facts { method: method.to_owned(), template, ..Facts::default() },
            selector,
            standing: Standing { pointer: at.to_owned(), ..Standing::default() },
            unread: Some(at.to_owned()),
            ..Draft::default()
        }
    }

    /// Notes that something of this operation cannot be read.
    fn miss(&mut self, at: &str) {
        self.unread.get_or_insert_with(|| at.to_owned());
    }

    /// Where a reference leads; it is noted where it leads nowhere.
    fn follow(&mut self, value: &'d Value, at: &str) -> Option<&'d Value> {
        let target = self.document.follow(value, at, self.troubles);
        if target.is_none() || value.get("$ref").is_some_and(|reference| !reference.is_string()) {
            self.miss(at);
        }
        target
    }

    fn methods(&mut self, key: &str, item: &'d Map<String, Value>, at: &str) -> Vec<Draft> {
        let mut drafts = Vec::new();
        for (method, operation) in item {
            let at = format!("{at}{}", step(method));
            if METHODS.contains(&method.to_ascii_lowercase().as_str()) {
                drafts.extend(self.operation(key, &method.to_ascii_uppercase(), item, operation, &at));
            } else if !NO_METHODS.contains(&method.as_str()) && !method.starts_with("x-") {
                self.troubles.at(
                    &at,
                    format!("`{method}` is no method"),
                    "write one of get, put, post, delete, options, head, patch, trace",
                );
            }
        }
        // Since 3.2: methods of any name, as they are sent.
        let more = item.get("additionalOperations").and_then(Value::as_object);
        for (method, operation) in more.into_iter().flatten() {
            let at = format!("{at}/additionalOperations{}", step(method));
            if method.is_empty() || !method.bytes().all(is_token) {
                self.troubles.at(&at, format!("`{method}` is no method"), "write it as it is sent, such as `COPY`");
                continue;
            }
            drafts.extend(self.operation(key, method, item, operation, &at));
        }
        drafts
    }

    fn operation(
        &mut self,
        key: &str,
        method: &str,
        item: &'d Map<String, Value>,
        operation: &'d Value,
        at: &str,
    ) -> Option<Draft> {
        let Some(operation) = operation.as_object() else {
            self.troubles.at(at, "this is no operation", "write an object");
            return Some(self.lost(key, method, at));
        };
        self.unread = None;
        for list in ["tags", "consumes", "produces"] {
            if operation.get(list).is_some_and(|list| !list.is_array() && !list.is_null()) {
                self.miss(&format!("{at}/{list}"));
            }
        }
        let parameters = self.parameters(item, operation, at);
        let request = self.request(operation, &parameters, at);
        let answer = self.answer(operation, at);
        let stated = self.schemes.stated(operation, at, self.troubles);
        if stated.unread {
            self.miss(&format!("{at}/security"));
        }
        let bases = servers::bases(operation, at, self.troubles)
            .or_else(|| servers::bases(item, at.rsplit_once('/').map_or(at, |(item, _)| item), self.troubles));
        let (template, selector) = self.template(key, method, &parameters, &request, at);
        let named = |place: In| parameters.iter().filter(move |parameter| parameter.place == place);
        let scopes = stated.security.alternatives.iter().flatten().flat_map(|one| one.scopes.iter().cloned());
        let credential = landmarks::minted(&answer.seen);
        let (list, answered) =
            (answer.list.clone(), landmarks::answered(&answer.media, &answer.seen, answer.list.as_deref()));
        let facts = Facts {
            method: method.to_owned(),
            template,
            selected: selector.as_ref().map(|selector| selector.text.clone()),
            operation_id: text(operation, "operationId"),
            tags: texts(operation.get("tags")),
            summary: text(operation, "summary"),
            description: text(operation, "description"),
            scopes: unique(scopes),
            query: unique(named(In::Query).map(|parameter| parameter.name.to_owned())),
            request: request.into_shape(),
            answer: answer.into_shape(),
        };
        let choice = |by: fn(String) -> SelectBy, parameter: &Parameter<'_>| {
            (by(parameter.name.to_owned()), texts(parameter.schema.get("enum")))
        };
        Some(Draft {
            selector,
            security: stated.security,
            open: stated.open,
            list,
            credential,
            answered,
            takes_body: operation.get("requestBody").is_some_and(Value::is_object)
                || parameters.iter().any(|parameter| matches!(parameter.place, In::Body | In::Form)),
            paging: facts.query.iter().filter(|name| landmarks::pages(name)).cloned().collect(),
            choices: named(In::Query)
                .map(|one| choice(SelectBy::Query, one))
                .chain(named(In::Header).map(|one| choice(SelectBy::Header, one)))
                .collect(),
            standing: Standing {
                pointer: at.to_owned(),
                bases: bases.map(Into::into),
                multi: named(In::Path).filter(|one| one.multi).map(|one| one.name.to_owned()).collect(),
                numbers: named(In::Path)
                    .filter(|one| one.schema.get("type").and_then(Value::as_str) == Some("integer"))
                    .map(|one| one.name.to_owned())
                    .collect(),
            },
            unread: self.unread.take(),
            facts,
        })
    }

    /// Parameters of the path item and of the operation; the operation's own replace the item's.
    fn parameters(
        &mut self,
        item: &'d Map<String, Value>,
        operation: &'d Map<String, Value>,
        at: &str,
    ) -> Vec<Parameter<'d>> {
        let mut parameters: Vec<Parameter<'d>> = Vec::new();
        let item_at = at.rsplit_once('/').map_or(at, |(item, _)| item).to_owned();
        for (owner, at) in [(item, item_at), (operation, at.to_owned())] {
            let at = format!("{at}/parameters");
            let list = match owner.get("parameters") {
                Some(Value::Array(list)) => list.as_slice(),
                None | Some(Value::Null) => continue,
                Some(_) => {
                    self.troubles.once(&at, format!("the parameters at `{at}` are no list"), "write a list");
                    self.miss(&at);
                    continue;
                }
            };
            for (place, parameter) in list.iter().enumerate() {
                let at = format!("{at}/{place}");
                let Some(parameter) = self.follow(parameter, &at) else { continue };
                let Some(parameter) = self.parameter(parameter, &at) else {
                    self.miss(&at);
                    continue;
                };
                parameters.retain(|other| (other.name, other.place) != (parameter.name, parameter.place));
                parameters.push(parameter);
            }
        }
        parameters
    }

    fn parameter(&mut self, parameter: &'d Value, at: &str) -> Option<Parameter<'d>> {
        let word = |name: &str| parameter.get(name).and_then(Value::as_str);
        let place = match word("in") {
            Some("path") => Some(In::Path),
            Some("query" | "querystring") => Some(In::Query),
            Some("header") => Some(In::Header),
            Some("cookie") => Some(In::Cookie),
            Some("formData") if self.document.version == Version::Two => Some(In::Form),
            Some("body") if self.document.version == Version::Two => Some(In::Body),
            _ => None,
        };
        let (Some(name), Some(place)) = (word("name"), place) else {
            self.troubles.once(at, format!("the parameter at `{at}` lacks a name or a place"), "write `name` and `in`");
            return None;
        };
        let in_content = || parameter.get("content")?.as_object()?.values().next()?.get("schema");
        let schema = parameter.get("schema").or_else(in_content).unwrap_or(parameter);
        let multi = parameter.get("x-multi-segment").and_then(Value::as_bool) == Some(true);
        Some(Parameter { name, place, schema, multi })
    }

    fn request(&mut self, operation: &'d Map<String, Value>, parameters: &[Parameter<'d>], at: &str) -> Body {
        if self.document.version == Version::Three {
            let at = format!("{at}/requestBody");
            let body = operation.get("requestBody").and_then(|body| self.follow(body, &at));
            return body.map(|body| self.content(body, Way::In, &at)).unwrap_or_default();
        }
        let mut body = Body::default();
        for parameter in parameters {
            match parameter.place {
                In::Body => self.fill(&mut body, parameter.schema, Way::In, at),
                In::Form => {
                    let field = self.schemas.single(parameter.name, parameter.schema, at, self.troubles);
                    if self.schemas.take_unread() {
                        self.miss(at);
                    }
                    body.seen.push(Seen { field, in_list: false });
                }
                _ => continue,
            }
            if body.media.is_empty() {
                body.media = self.media_of_two(operation, "consumes");
            }
        }
        body
    }

    /// The bodies of the successful answers together.
    fn answer(&mut self, operation: &'d Map<String, Value>, at: &str) -> Body {
        let at = format!("{at}/responses");
        let answers = match operation.get("responses") {
            Some(Value::Object(answers)) => answers,
            None | Some(Value::Null) => return Body::default(),
            Some(_) => {
                self.troubles.at(&at, "these are no answers", "write an object with a status before each answer");
                self.miss(&at);
                return Body::default();
            }
        };
        let good: Vec<&Value> =
            answers.iter().filter(|(status, _)| status.starts_with('2')).map(|(_, answer)| answer).collect();
        let good = if good.is_empty() { answers.get("default").into_iter().collect() } else { good };
        let mut body = Body::default();
        for answer in good {
            let Some(answer) = self.follow(answer, &at) else { continue };
            match (self.document.version, answer.get("schema")) {
                (Version::Three, _) => {
                    let more = self.content(answer, Way::Out, &at);
                    body.join(more);
                }
                (Version::Two, Some(schema)) => {
                    self.fill(&mut body, schema, Way::Out, &at);
                    body.media = self.media_of_two(operation, "produces");
                }
                (Version::Two, None) => {}
            }
        }
        body
    }

    /// `content` of a request or an answer.
    fn content(&mut self, of: &'d Value, way: Way, at: &str) -> Body {
        let mut body = Body::default();
        let mut known: Vec<&Value> = Vec::new();
        let content = match of.get("content") {
            Some(Value::Object(content)) => Some(content),
            None | Some(Value::Null) if of.is_object() || of.is_null() => None,
            _ => {
                self.troubles.once(at, format!("what stands at `{at}` is no body"), "write `content` with media types");
                self.miss(at);
                None
            }
        };
        for (media, entry) in content.into_iter().flatten() {
            body.media.push(media.clone());
            if !entry.is_object() && !entry.is_null() {
                self.miss(&format!("{at}/content{}", step(media)));
            }
            if let Some(schema) = entry.get("schema").filter(|schema| !known.contains(schema)) {
                known.push(schema);
                self.fill(&mut body, schema, way, at);
            }
        }
        body
    }

    fn fill(&mut self, body: &mut Body, schema: &'d Value, way: Way, at: &str) {
        let seen = self.schemas.fields(schema, way, at, self.troubles);
        let list = self.schemas.list(schema, at, self.troubles);
        if self.schemas.take_unread() {
            self.miss(at);
        }
        body.join(Body { media: Vec::new(), seen, list });
    }

    fn media_of_two(&self, operation: &Map<String, Value>, name: &str) -> Vec<String> {
        texts(operation.get(name).or_else(|| self.document.member(name)))
    }

    /// Splits the key of a path item: some documents put what tells operations apart behind
    /// `?` or `#`, as in `/?Action=List` or `/tags/{id}#keys`.
    fn template(
        &mut self,
        key: &str,
        method: &str,
        parameters: &[Parameter<'_>],
        request: &Body,
        at: &str,
    ) -> (String, Option<Selector>) {
        let (template, query, words) = split(key);
        let template = if template.starts_with('/') {
            template.to_owned()
        } else {
            self.troubles.once(at, format!("the path `{key}` does not begin with a slash"), "write `/` before it");
            format!("/{template}")
        };
        if words.is_empty() {
            return (template, None);
        }
        let has_body = matches!(method, "POST" | "PUT" | "PATCH");
        let conditions = words
            .split('&')
            .filter(|word| !word.is_empty())
            .filter_map(|word| {
                let (name, value) = word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value)));
                let by = place_of(name, query, has_body, parameters, request)?;
                let wanted = match value {
                    Some(value) if !value.contains(['{', '}']) => Wanted::exactly(value),
                    _ => Wanted::Anything,
                };
                Some(Condition { by, wanted })
            })
            .collect();
        (template, Some(Selector { text: words.to_owned(), conditions }))
    }
}

impl Body {
    fn join(&mut self, other: Self) {
        let Self { media, seen, list } = other;
        for media in media {
            if !self.media.contains(&media) {
                self.media.push(media);
            }
        }
        if self.seen.is_empty() {
            self.seen = seen;
        } else {
            let known: HashSet<Vec<String>> = self.seen.iter().map(|seen| seen.field.path.clone()).collect();
            self.seen.extend(seen.into_iter().filter(|seen| !known.contains(&seen.field.path)));
        }
        if self.list.is_none() {
            self.list = list;
        }
    }

    fn into_shape(self) -> Shape {
        let Self { media, mut seen, list } = self;
        // Bodies that were joined: parents before children.
        seen.sort_by_key(|seen| seen.field.path.len());
        Shape { media, list: list.is_some(), fields: seen.into_iter().map(|seen| seen.field).collect() }
    }
}

/// Splits a key at the first `?` or `#` outside of braces: template, whether it was `?`, the rest.
fn split(key: &str) -> (&str, bool, &str) {
    let mut depth = 0_usize;
    for (place, letter) in key.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            '?' | '#' if depth == 0 => {
                let (template, rest) = key.split_at(place);
                return (template, letter == '?', rest.get(1..).unwrap_or_default());
            }
            _ => {}
        }
    }
    (key, false, "")
}

/// Where the word of a selector travels. A word behind `#` that the operation does not know is
/// only a label: nothing in a request shows it.
fn place_of(name: &str, query: bool, has_body: bool, parameters: &[Parameter<'_>], request: &Body) -> Option<SelectBy> {
    let name = crate::decode::form(name)?.into_owned();
    let is = |place: In| parameters.iter().any(|parameter| parameter.place == place && parameter.name == name);
    if query {
        Some(SelectBy::Query(name))
    } else if is(In::Query) {
        Some(if has_body { SelectBy::QueryOrForm(name) } else { SelectBy::Query(name) })
    } else if is(In::Header) {
        Some(SelectBy::Header(name))
    } else if request.seen.iter().any(|seen| seen.field.path == [name.as_str()]) {
        let form = request.media.iter().any(|media| media.starts_with("application/x-www-form-urlencoded"));
        Some(if form { SelectBy::QueryOrForm(name) } else { SelectBy::Json(step(&name)) })
    } else {
        None
    }
}

/// Letters of a method, RFC 9110 section 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

fn text(object: &Map<String, Value>, name: &str) -> Option<String> {
    object.get(name).and_then(Value::as_str).filter(|text| !text.trim().is_empty()).map(str::to_owned)
}

fn texts(value: Option<&Value>) -> Vec<String> {
    value.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn unique(values: impl Iterator<Item = String>) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for value in values {
        if !out.contains(&value) {
            out.push(value);
        }
    }
    out
}

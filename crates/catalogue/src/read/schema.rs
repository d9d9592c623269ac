//! Schemas as lists of fields, through references, alternatives, arrays and circles.

use std::{collections::HashMap, rc::Rc};

use serde_json::{Map, Value};

use super::document::{Document, reference};
use crate::{Field, trouble::Troubles};

/// Deeper fields are left out.
const MOST_DEPTH: usize = 3;
/// A request with more fields keeps its upper ones.
const MOST_FIELDS_IN: usize = 5_000;
/// An answer tells less by its fields.
const MOST_FIELDS_OUT: usize = 250;
/// Alternatives and parts of one schema, all references followed.
const MOST_PARTS: usize = 200;
/// How deep alternatives may stand inside alternatives.
const MOST_NESTING: usize = 24;

/// Whether a body goes in or comes out: read-only fields are not asked for, write-only ones not given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Way {
    In,
    Out,
}

/// A field, and whether it stands inside an array, where no JSON pointer can name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) field: Field,
    pub(crate) in_list: bool,
}

/// Reads the schemas of one document, each one once.
pub(crate) struct Schemas<'d> {
    document: &'d Document,
    properties: HashMap<(Spot, Way), Read<Property<'d>>>,
    parts: HashMap<Spot, Read<Part<'d>>>,
    /// Whether some of what was read since it was last asked could not be.
    unread: bool,
}

/// What was read of a schema, and whether some of it could not be.
#[derive(Clone)]
struct Read<T> {
    list: Rc<[T]>,
    unread: bool,
}

/// A schema by its address in memory: the document does not move while it is read.
type Spot = *const Value;

/// One of the schemas that together make up a schema.
#[derive(Clone, Copy)]
struct Part<'d> {
    schema: &'d Map<String, Value>,
    in_list: bool,
}

/// One property of a schema, with everything that any of its parts says of it.
struct Property<'d> {
    /// Its path is its name alone.
    field: Field,
    schemas: Vec<&'d Value>,
    /// Whether it stands inside an array.
    in_list: bool,
    /// Whether what it holds stands inside an array.
    is_list: bool,
}

impl Part<'_> {
    fn is_array(&self) -> bool {
        !self.in_list && kind(self.schema) == Some("array")
    }
}

impl<'d> Schemas<'d> {
    pub(crate) fn new(document: &'d Document) -> Self {
        Self { document, properties: HashMap::new(), parts: HashMap::new(), unread: false }
    }

    /// Whether part of any schema could not be read since this was last asked.
    pub(crate) fn take_unread(&mut self) -> bool {
        std::mem::take(&mut self.unread)
    }

    /// The fields of a body, level by level.
    pub(crate) fn fields(&mut self, schema: &'d Value, way: Way, at: &str, troubles: &mut Troubles) -> Vec<Seen> {
        let most = match way {
            Way::In => MOST_FIELDS_IN,
            Way::Out => MOST_FIELDS_OUT,
        };
        let mut out = Vec::new();
        let mut level = vec![(Vec::new(), self.properties(&[schema], way, at, troubles), false)];
        for depth in 1..=MOST_DEPTH {
            let mut below = Vec::new();
            for (parents, properties, in_list) in level {
                for property in properties.iter() {
                    if out.len() >= most {
                        // Who sends more than that could send anything; an answer is only looked at.
                        self.unread |= way == Way::In;
                        return out;
                    }
                    let mut field = property.field.clone();
                    field.path.splice(..0, parents.iter().cloned());
                    let in_list = in_list || property.in_list;
                    if depth < MOST_DEPTH {
                        let children = self.properties(&property.schemas, way, at, troubles);
                        below.push((field.path.clone(), children, in_list || property.is_list));
                    }
                    out.push(Seen { field, in_list });
                }
            }
            level = below;
        }
        out
    }

    /// What a single value, such as a parameter or a form field, looks like.
    pub(crate) fn single(&mut self, name: &str, schema: &'d Value, at: &str, troubles: &mut Troubles) -> Field {
        let mut field = Field { path: vec![name.to_owned()], ..Field::default() };
        self.describe(&mut field, schema, at, troubles);
        field
    }

    /// Where the list is in a body: `""` if the body is an array, a JSON pointer to its one
    /// array of things otherwise.
    pub(crate) fn list(&mut self, schema: &'d Value, at: &str, troubles: &mut Troubles) -> Option<String> {
        let parts = self.parts(schema, at, troubles);
        if parts.iter().any(Part::is_array) {
            return Some(String::new());
        }
        let mut arrays: Vec<(&str, &Value)> = Vec::new();
        let mut names = 0;
        for (name, property) in parts.iter().flat_map(|part| properties(part.schema)) {
            names += 1;
            let items = self.parts(property, at, troubles);
            if items.iter().any(Part::is_array) && arrays.iter().all(|(other, _)| *other != name) {
                arrays.push((name, property));
            }
        }
        let [(name, property)] = arrays.as_slice() else { return None };
        // An array of plain values in a large object is a detail of one thing, such as its labels.
        let of_things = self.parts(property, at, troubles).iter().any(|part| part.in_list && is_thing(part.schema));
        (of_things || names <= 4).then(|| super::text::step(name))
    }

    /// The properties of what these schemas describe together.
    fn properties(&mut self, schemas: &[&'d Value], way: Way, at: &str, troubles: &mut Troubles) -> Rc<[Property<'d>]> {
        let [schema] = schemas else { return self.merged(schemas, way, at, troubles).into() };
        let schema = match reference(schema) {
            Some(reference) if only_refers(schema) => match self.document.target(reference, at, troubles) {
                Some(target) => target,
                None => {
                    self.unread = true;
                    return Rc::new([]);
                }
            },
            _ => *schema,
        };
        let key = (Spot::from(schema), way);
        if let Some(known) = self.properties.get(&key) {
            self.unread |= known.unread;
            return Rc::clone(&known.list);
        }
        let before = self.take_unread();
        let list: Rc<[Property<'d>]> = self.merged(&[schema], way, at, troubles).into();
        self.properties.insert(key, Read { list: Rc::clone(&list), unread: self.unread });
        self.unread |= before;
        list
    }

    fn merged(&mut self, schemas: &[&'d Value], way: Way, at: &str, troubles: &mut Troubles) -> Vec<Property<'d>> {
        let mut named: Vec<Property<'_>> = Vec::new();
        let mut places: HashMap<&str, usize> = HashMap::new();
        let parts: Vec<Part<'d>> =
            schemas.iter().flat_map(|schema| self.parts(schema, at, troubles).to_vec()).collect();
        for part in parts {
            for (name, schema) in properties(part.schema).filter(|(_, schema)| !hidden(schema, way)) {
                let place = *places.entry(name).or_insert_with(|| {
                    let field = Field { path: vec![name.to_owned()], ..Field::default() };
                    named.push(Property { field, schemas: Vec::new(), in_list: true, is_list: false });
                    named.len() - 1
                });
                let Some(property) = named.get_mut(place) else { continue };
                property.in_list &= part.in_list;
                if !property.schemas.iter().any(|known| is_same(known, schema)) {
                    property.schemas.push(schema);
                    property.is_list |= self.parts(schema, at, troubles).iter().any(|part| part.in_list);
                    self.describe(&mut property.field, schema, at, troubles);
                }
            }
        }
        named
    }

    /// Adds to a field what a schema says of its kind; what is there already stays.
    fn describe(&mut self, field: &mut Field, schema: &'d Value, at: &str, troubles: &mut Troubles) {
        let parts = self.parts(schema, at, troubles);
        let own = parts.iter().filter(|part| !part.in_list);
        for part in own.clone() {
            if field.kind.is_empty() {
                kind(part.schema).unwrap_or_default().clone_into(&mut field.kind);
            }
            if field.format.is_none() {
                field.format = text(part.schema, "format");
            }
        }
        if field.description.is_none() {
            field.description = own.clone().find_map(|part| text(part.schema, "description"));
        }
        for part in parts.iter() {
            self.unread |= part.schema.get("enum").is_some_and(|values| !values.is_array() && !values.is_null());
            let values = part.schema.get("enum").and_then(Value::as_array).into_iter().flatten();
            for value in values.chain(part.schema.get("const")).filter_map(Value::as_str) {
                if field.values.iter().all(|known| known != value) {
                    field.values.push(value.to_owned());
                }
            }
        }
    }

    /// The schema itself and all that it consists of: what it refers to, its parts and
    /// alternatives, the items of an array, the values of a map.
    fn parts(&mut self, schema: &'d Value, at: &str, troubles: &mut Troubles) -> Rc<[Part<'d>]> {
        if let Some(known) = self.parts.get(&Spot::from(schema)) {
            self.unread |= known.unread;
            return Rc::clone(&known.list);
        }
        let mut gathering = Gathering { parts: Vec::new(), followed: Vec::new(), depth: 0, unread: false };
        self.gather(schema, false, &mut gathering, at, troubles);
        let Gathering { parts, unread, .. } = gathering;
        let list: Rc<[Part<'d>]> = parts.into();
        self.parts.insert(Spot::from(schema), Read { list: Rc::clone(&list), unread });
        self.unread |= unread;
        list
    }

    fn gather(&self, schema: &'d Value, in_list: bool, into: &mut Gathering<'d>, at: &str, troubles: &mut Troubles) {
        let Some(object) = schema.as_object() else {
            // `true` and `false` are schemas, too, and have no fields.
            if !schema.is_boolean() && !schema.is_null() {
                troubles.once(at, format!("a schema at `{at}` is no object"), "write an object");
                into.unread = true;
            }
            return;
        };
        if into.parts.len() >= MOST_PARTS || into.depth >= MOST_NESTING {
            troubles.once(at, format!("a schema at `{at}` has too many parts"), "describe it with fewer alternatives");
            into.unread = true;
            return;
        }
        into.parts.push(Part { schema: object, in_list });
        into.depth += 1;
        if let Some(reference) = reference(schema)
            && !into.followed.contains(&(reference, in_list))
        {
            into.followed.push((reference, in_list));
            // A circle of nothing but references describes nothing; others end where they began.
            let leads = !only_refers(schema) || self.document.follow(schema, at, troubles).is_some();
            match self.document.target(reference, at, troubles).filter(|_| leads) {
                Some(target) => self.gather(target, in_list, into, at, troubles),
                None => into.unread = true,
            }
        }
        into.unread |= object.get("$ref").is_some_and(|reference| !reference.is_string());
        into.unread |= object.get("properties").is_some_and(|those| !those.is_object() && !those.is_null());
        for alternatives in ["allOf", "oneOf", "anyOf"] {
            into.unread |= object.get(alternatives).is_some_and(|those| !those.is_array() && !those.is_null());
            for part in object.get(alternatives).and_then(Value::as_array).into_iter().flatten() {
                self.gather(part, in_list, into, at, troubles);
            }
        }
        for inside in ["items", "prefixItems", "additionalProperties"] {
            match object.get(inside) {
                // Before 2020-12 `items` could be a list, too.
                Some(Value::Array(items)) if inside != "additionalProperties" => {
                    items.iter().for_each(|item| self.gather(item, true, into, at, troubles));
                }
                Some(inside) => self.gather(inside, true, into, at, troubles),
                None => {}
            }
        }
        into.depth -= 1;
    }
}

/// What is being gathered, and what was followed so far.
struct Gathering<'d> {
    parts: Vec<Part<'d>>,
    followed: Vec<(&'d str, bool)>,
    depth: usize,
    /// Whether some of it could not be read.
    unread: bool,
}

/// Whether it says nothing of its own beside a reference.
fn only_refers(schema: &Value) -> bool {
    schema.as_object().is_some_and(|object| object.keys().all(|name| matches!(name.as_str(), "$ref" | "description")))
}

fn is_same(one: &Value, other: &Value) -> bool {
    std::ptr::eq(one, other) || reference(one).is_some_and(|one| Some(one) == reference(other))
}

fn properties(schema: &Map<String, Value>) -> impl Iterator<Item = (&str, &Value)> {
    schema
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(name, property)| (name.as_str(), property))
}

fn hidden(property: &Value, way: Way) -> bool {
    let mark = match way {
        Way::In => "readOnly",
        Way::Out => "writeOnly",
    };
    property.get(mark).and_then(Value::as_bool) == Some(true)
}

/// `type`: since 3.1 it may be a list, of which `null` tells nothing.
fn kind(schema: &Map<String, Value>) -> Option<&str> {
    match schema.get("type") {
        Some(Value::String(kind)) => Some(kind),
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null"),
        _ if schema.contains_key("properties") => Some("object"),
        _ if schema.contains_key("items") => Some("array"),
        _ => None,
    }
}

fn is_thing(schema: &Map<String, Value>) -> bool {
    schema.contains_key("properties") || kind(schema) == Some("object")
}

fn text(schema: &Map<String, Value>, name: &str) -> Option<String> {
    schema.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::read::document::Version;

    fn document(schemas: Value) -> Document {
        let components = Map::from_iter([("schemas".to_owned(), schemas)]);
        Document {
            root: Map::from_iter([("components".to_owned(), components.into())]).into(),
            version: Version::Three,
        }
    }

    fn paths(document: &Document, name: &str, way: Way) -> Vec<String> {
        let schema = &document.root["components"]["schemas"][name];
        let seen = Schemas::new(document).fields(schema, way, "", &mut Troubles::default());
        seen.iter().map(|seen| seen.field.path.join(".") + if seen.in_list { "[]" } else { "" }).collect()
    }

    fn list(document: &Document, name: &str) -> Option<String> {
        let schema = &document.root["components"]["schemas"][name];
        Schemas::new(document).list(schema, "", &mut Troubles::default())
    }

    #[test]
    fn fields_come_through_references_parts_alternatives_arrays_and_maps() {
        let document = document(json!({
            "User": {"allOf": [{"$ref": "#/components/schemas/Named"}, {"properties": {
                "keys": {"type": "array", "items": {"properties": {"id": {}}}},
                "by": {"oneOf": [{"properties": {"a": {}}}, {"properties": {"b": {}}}]},
                "labels": {"additionalProperties": {"properties": {"colour": {}}}},
            }}]},
            "Named": {"properties": {"name": {"type": "string"}}},
        }));
        assert_eq!(
            paths(&document, "User", Way::In),
            ["name", "by", "keys", "labels", "by.a", "by.b", "keys.id[]", "labels.colour[]"]
        );
    }

    #[test]
    fn circles_end_at_the_third_level() {
        let document = document(json!({
            "Node": {"properties": {"next": {"$ref": "#/components/schemas/Node"}}},
            "Self": {"allOf": [{"$ref": "#/components/schemas/Self"}], "properties": {"a": {}}},
            "Ping": {"$ref": "#/components/schemas/Pong"}, "Pong": {"$ref": "#/components/schemas/Ping"},
        }));
        assert_eq!(paths(&document, "Node", Way::Out), ["next", "next.next", "next.next.next"]);
        assert_eq!(paths(&document, "Self", Way::Out), ["a"]);
        assert!(paths(&document, "Ping", Way::Out).is_empty());
    }

    #[test]
    fn many_alternatives_of_many_alternatives_stay_bounded() {
        let wide: Vec<Value> = (0..100).map(|_| json!({"$ref": "#/components/schemas/Wide"})).collect();
        let fields: Map<String, Value> = (0..60).map(|place| (format!("f{place}"), json!({"anyOf": wide}))).collect();
        let document = document(json!({"Wide": {"anyOf": wide, "properties": fields}}));
        assert!(paths(&document, "Wide", Way::In).len() <= MOST_FIELDS_IN);
    }

    #[test]
    fn what_cannot_be_sent_is_not_asked_and_what_is_not_given_is_not_answered() {
        let document = document(json!({
            "Key": {"properties": {"id": {"readOnly": true}, "secret": {"writeOnly": true}, "name": {}}},
        }));
        assert_eq!(paths(&document, "Key", Way::In), ["name", "secret"]);
        assert_eq!(paths(&document, "Key", Way::Out), ["id", "name"]);
    }

    #[test]
    fn kinds_formats_and_values_are_read_with_both_spellings() {
        let document = document(json!({
            "Role": {"type": "string", "enum": ["admin", "member", 3], "description": "of the team"},
            "User": {"properties": {
                "role": {"$ref": "#/components/schemas/Role", "description": "what they may do"},
                "roles": {"type": ["null", "array"], "items": {"$ref": "#/components/schemas/Role"}},
                "mail": {"type": "string", "format": "email"},
                "odd": {"type": 7, "enum": "x", "format": [], "properties": "none"},
            }},
        }));
        let schema = &document.root["components"]["schemas"]["User"];
        let seen = Schemas::new(&document).fields(schema, Way::In, "", &mut Troubles::default());
        let field = |name: &str| seen.iter().find(|seen| seen.field.path == [name]).unwrap().field.clone();
        assert_eq!(
            (field("role").kind.as_str(), field("role").values),
            ("string", vec!["admin".into(), "member".into()])
        );
        assert_eq!(field("role").description.as_deref(), Some("what they may do"));
        assert_eq!((field("roles").kind.as_str(), field("roles").values.len()), ("array", 2));
        assert_eq!(field("mail").format.as_deref(), Some("email"));
        assert_eq!(field("odd").kind, "object");
    }

    #[test]
    fn a_list_is_an_array_or_the_one_array_of_things_inside() {
        let things = json!({"type": "array", "items": {"type": "object"}});
        let document = document(json!({
            "Top": things, "Ref": {"$ref": "#/components/schemas/Top"},
            "Page": {"properties": {"items/all": {"$ref": "#/components/schemas/Top"}, "next": {}}},
            "Two": {"properties": {"a": things, "b": things}},
            "Names": {"properties": {"names": {"type": "array", "items": {"type": "string"}}}},
            "Thing": {"properties": {"a": {}, "b": {}, "c": {}, "d": {}, "labels": {"type": "array", "items": {"type": "string"}}}},
            "None": {"properties": {"a": {}}}, "Map": {"additionalProperties": things},
        }));
        assert_eq!(list(&document, "Top").as_deref(), Some(""));
        assert_eq!(list(&document, "Ref").as_deref(), Some(""));
        assert_eq!(list(&document, "Page").as_deref(), Some("/items~1all"));
        assert_eq!(list(&document, "Names").as_deref(), Some("/names"));
        for none in ["Two", "Thing", "None", "Map"] {
            assert_eq!(list(&document, none), None, "{none}");
        }
    }
}

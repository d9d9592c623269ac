//! Words that build sentences, whatever they are about.

/// Words for a part of a thing, its settings or a way to name it.
pub(in crate::classify) const PARTS: &[&str] = &[
    "all",
    "assignment",
    "attribute",
    "batch",
    "bulk",
    "child",
    "collection",
    "config",
    "configuration",
    "content",
    "context",
    "current",
    "default",
    "definition",
    "detail",
    "enforcement",
    "entry",
    "info",
    "information",
    "item",
    "list",
    "mapping",
    "me",
    "mine",
    "object",
    "option",
    "parameter",
    "pending",
    "preference",
    "property",
    "record",
    "resource",
    "rule",
    "self",
    "setting",
    "string",
    "value",
    "version",
];

/// Methods, as names of operations begin.
pub(in crate::classify) const METHODS: &[&str] = &["delete", "get", "patch", "post", "put"];

/// What a description says before its verb.
pub(in crate::classify) const LEADS: &[&str] = &[
    "a",
    "action",
    "an",
    "api",
    "call",
    "can",
    "command",
    "deprecated",
    "endpoint",
    "function",
    "it",
    "method",
    "operation",
    "request",
    "resource",
    "route",
    "the",
    "this",
    "will",
    "you",
];

/// Whom a description allows to do what it describes.
pub(in crate::classify) const CALLERS: &[&str] = &[
    "a",
    "admin",
    "administrator",
    "an",
    "authenticated",
    "caller",
    "client",
    "customer",
    "developer",
    "endpoint",
    "member",
    "method",
    "owner",
    "the",
    "this",
    "us",
    "user",
    "you",
];

/// They end the object.
pub(in crate::classify) const PREPOSITIONS: &[&str] = &[
    "against",
    "as",
    "at",
    "based",
    "belonging",
    "between",
    "by",
    "containing",
    "during",
    "for",
    "from",
    "given",
    "has",
    "have",
    "if",
    "in",
    "into",
    "is",
    "matching",
    "of",
    "on",
    "onto",
    "owned",
    "so",
    "that",
    "through",
    "to",
    "under",
    "until",
    "using",
    "via",
    "when",
    "where",
    "which",
    "whose",
    "with",
    "within",
    "without",
];

/// They stand in an object and say nothing.
pub(in crate::classify) const FILLERS: &[&str] = &[
    "a",
    "all",
    "allow",
    "an",
    "and",
    "any",
    "existing",
    "given",
    "its",
    "many",
    "more",
    "multiple",
    "new",
    "of",
    "one",
    "or",
    "our",
    "several",
    "single",
    "some",
    "specific",
    "specified",
    "the",
    "their",
    "this",
    "to",
    "up",
    "us",
    "you",
    "your",
];

/// Names of fields that only hold the thing.
pub(in crate::classify) const WRAPPERS: &[&str] = &[
    "attributes",
    "body",
    "config",
    "data",
    "item",
    "items",
    "payload",
    "properties",
    "request",
    "response",
    "result",
    "results",
    "settings",
    "spec",
];

/// "A list of users" is about the users.
pub(in crate::classify) const HOLDERS: &[&str] =
    &["array", "batch", "collection", "copy", "detail", "information", "list", "number", "page", "process", "set"];

/// Segments of a path that say nothing.
pub(in crate::classify) const EMPTY_SEGMENTS: &[&str] =
    &["alpha", "api", "beta", "ext", "json", "latest", "me", "public", "relationship", "rest", "service", "v", "xml"];

/// Segments before a verb that say nothing: `servers/{id}/actions/reset` acts on the server.
pub(in crate::classify) const BEFORE_VERBS: &[&str] = &["action", "do", "lifecycle"];

/// Words that join verbs, or say how many at once.
pub(in crate::classify) const GLUE: &[&str] = &["and", "async", "batch", "bulk", "mass", "multi", "or"];

/// They stand before what a description says before its verb.
pub(in crate::classify) const DETERMINERS: &[&str] = &["a", "an", "deprecated", "it", "the", "this", "you"];

/// Before `in`, they make one word with it.
pub(in crate::classify) const BEFORE_IN: &[&str] = &["built", "check", "log", "logged", "opt", "sign", "signed"];

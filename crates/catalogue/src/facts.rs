//! What a document says of one operation, as far as its powers depend on it.

use serde::{Deserialize, Serialize};

/// What a document says of one operation. The reader fills it, the classifier reads it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// Upper case, such as `POST`.
    pub method: String,
    /// The template as the document writes it, such as `/users/{name}/tokens`.
    pub template: String,
    /// What of a request selects it among others at its template, such as `Action=DeleteUser`.
    pub selected: Option<String>,
    /// `operationId`.
    pub operation_id: Option<String>,
    /// `tags`, in their order.
    pub tags: Vec<String>,
    /// `summary`.
    pub summary: Option<String>,
    /// `description`, Markdown as it stands.
    pub description: Option<String>,
    /// OAuth scopes that the operation's security requires, of all alternatives.
    pub scopes: Vec<String>,
    /// Names of the query parameters.
    pub query: Vec<String>,
    /// The request's body.
    pub request: Shape,
    /// The body of the successful answers.
    pub answer: Shape,
}

/// What a body looks like.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shape {
    /// Media types, such as `application/json`.
    pub media: Vec<String>,
    /// Whether the body, or the one array inside it, is a list of things.
    pub list: bool,
    /// Fields down to the third level, parents before children.
    pub fields: Vec<Field>,
}

/// One field of a body.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// Names from the top, such as `["user", "role"]`. Arrays add no name.
    pub path: Vec<String>,
    /// `type`, such as `string`; empty where the document is silent.
    pub kind: String,
    /// `format`, such as `password`.
    pub format: Option<String>,
    /// `description`.
    pub description: Option<String>,
    /// `enum`, where the values are strings.
    pub values: Vec<String>,
}

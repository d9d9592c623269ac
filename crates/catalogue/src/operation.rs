//! One operation of an API.

use std::sync::Arc;

use law::{Power, Powers};

use crate::{classify::Evidence, security::Security, selector::Selector};

/// An operation's place in [`Catalogue::operations`](crate::Catalogue::operations). It holds
/// for that catalogue only; what lasts is the operation's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OperationId(pub u32);

/// Who decided on an operation's powers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum By {
    /// The classifier.
    #[default]
    Classifier,
    /// The operator, in the settings.
    Override,
}

/// What can be done: a method, a template, and a selector where one address serves many operations.
#[derive(Clone, Debug)]
pub struct Operation {
    /// Such as `DELETE /users/{name}` or `POST /#Action=DeleteUser`. No other operation of the catalogue has it.
    pub name: Arc<str>,
    /// Upper case.
    pub method: String,
    /// As the document writes it, without the base path.
    pub template: String,
    /// Parameters of the template that are whole numbers; a word in the place of one asks for
    /// something else.
    pub numbers: Vec<String>,
    /// What tells it apart from others at the same address.
    pub selector: Option<Selector>,
    /// What it lets its caller do; never empty.
    pub powers: Powers,
    /// Why.
    pub evidence: Vec<(Power, Evidence)>,
    /// Who decided on the powers.
    pub by: By,
    /// Whether the lock knows it. What it does not know has every power.
    pub accepted: bool,
    /// Whether anybody may call it, without a credential.
    pub open: bool,
    /// What the document demands of the caller.
    pub security: Arc<Security>,
    /// `operationId`.
    pub operation_id: Option<String>,
    /// `summary`, or the first line of the description.
    pub summary: Option<String>,
    /// `tags`.
    pub tags: Vec<String>,
    /// JSON pointer to the list in the successful answer: `""` where the answer itself is the list.
    pub list: Option<String>,
    /// Query parameters that page through the list.
    pub paging: Vec<String>,
    /// Whether the document describes a body of the request.
    pub takes_body: bool,
    /// What the document says of the successful answer.
    pub answered: Answered,
    pub(crate) credential: Option<String>,
}

/// What the document says of a successful answer: enough to make one up in its place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answered {
    /// The first media type that it names, such as `text/csv`.
    pub media: Option<String>,
    /// Members of the answer, but for what stands in its list: a JSON pointer, and the `type`.
    pub members: Vec<(String, Kind)>,
    /// The same of one item of the list, from the item on.
    pub items: Vec<(String, Kind)>,
}

/// The `type` of a value, as far as it is a plain one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `string`, or what the document is silent of.
    Text,
    /// `integer` or `number`.
    Number,
    /// `boolean`.
    Flag,
}

impl Operation {
    /// JSON pointer to the new credential in the successful answer, where the operation mints.
    pub fn minted(&self) -> Option<&str> {
        self.credential.as_deref().filter(|_| self.powers.contains(Power::Mint))
    }
}

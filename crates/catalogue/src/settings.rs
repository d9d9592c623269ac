//! What the operator says beside the document.

use std::collections::BTreeMap;

use law::Powers;
use serde::{Deserialize, Deserializer, Serialize};

use crate::{pattern::Pattern, selector::SelectBy};

/// What the operator says beside the document.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Where the paths begin, such as `/api/v3`, instead of what the document says.
    pub base: Option<String>,
    /// Powers of operations, instead of what their description says. Of several that name
    /// an operation the last one counts.
    pub overrides: Vec<Override>,
    /// Addresses at which a field of the request tells which operation it is.
    pub selectors: Vec<SelectorRule>,
    /// Parameters that may span several segments, beside those that the document marks.
    pub multi_segment: Vec<MultiSegment>,
    /// Whether the upstream takes `/Users` for `/users`.
    pub case: Case,
    /// Whether the upstream takes `/users/` for `/users`.
    pub trailing_slash: TrailingSlash,
    /// Whether the upstream may take `/users/a%2Fb` for `/users/a/b`.
    pub encoded_slash: EncodedSlash,
}

/// Powers that the operator gives to operations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Override {
    /// Which operations.
    pub operation: Pattern,
    /// Their powers. The empty set counts as every power.
    pub powers: Powers,
}

/// One address that serves many operations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SelectorRule {
    /// The address, such as `POST /graphql`. It need not be described if it is written out.
    pub operation: Pattern,
    /// What tells the operations apart.
    pub by: SelectBy,
    /// The operations by the value that selects them; a value may end in `*`. Without powers
    /// of their own they are judged by their name: so all are that a list names. Empty: the
    /// values that the document lists.
    #[serde(default, deserialize_with = "listed_or_given")]
    pub values: BTreeMap<String, Option<Powers>>,
}

/// `["query.users", "mutation.*"]`, or `{ "query.users" = ["read"] }`.
fn listed_or_given<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<String, Option<Powers>>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "a list of values, or powers by value such as { \"users.list\" = [\"read\"] }")]
    enum Values {
        Listed(Vec<String>),
        Given(BTreeMap<String, Option<Powers>>),
    }
    Ok(match Values::deserialize(from)? {
        Values::Listed(values) => values.into_iter().map(|value| (value, None)).collect(),
        Values::Given(values) => values,
    })
}

/// A parameter that may span several segments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MultiSegment {
    /// The operations whose parameter it is.
    pub operation: Pattern,
    /// The parameter's name in the template.
    pub parameter: String,
}

/// Whether letter case tells paths apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Case {
    /// `/Users` is not `/users`.
    #[default]
    Sensitive,
    /// `/Users` is `/users`, for ASCII letters.
    Insensitive,
}

/// Whether a slash at the end tells paths apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TrailingSlash {
    /// `/users/` is not `/users`.
    #[default]
    Strict,
    /// `/users/` is `/users`.
    Ignored,
}

/// Whether an encoded slash divides a path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EncodedSlash {
    /// Nobody knows: many frameworks decode a path before they look for whom it is. What the
    /// request may ask for counts both ways, and where nothing is described for the second,
    /// that is everything.
    #[default]
    Either,
    /// The upstream keeps it in the value that it stands in. Described operations count all the same.
    Value,
}

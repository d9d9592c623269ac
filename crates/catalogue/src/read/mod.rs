//! From the bytes of a document to drafts of its operations. Tolerant: what is wrong is told
//! and left out, the rest counts.

mod document;
pub(crate) mod landmarks;
mod lines;
mod operations;
mod schema;
mod security;
mod servers;
pub(crate) mod text;

pub(crate) use self::{
    lines::find_lines,
    operations::{Draft, Standing},
    servers::path_of,
};

use self::{
    document::{Document, Version},
    security::Schemes,
};
use crate::{security::CredentialPlace, trouble::Troubles};

/// A document that cannot be read at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// It is neither JSON nor YAML.
    #[error("line {line}, column {column}: {what}")]
    Syntax {
        /// From 1; 0 where it is not known.
        line: usize,
        /// From 1; 0 where it is not known.
        column: usize,
        /// What the parser says.
        what: String,
    },
    /// It is something else.
    #[error("this is no OpenAPI document: {what}; give an OpenAPI 3.0 or 3.1 document, or Swagger 2.0")]
    NotOpenApi {
        /// What is missing.
        what: String,
    },
    /// It is larger than any known document.
    #[error("the document has {megabytes} MiB; at most {most} MiB are read")]
    TooLarge {
        /// Its size in MiB.
        megabytes: usize,
        /// The bound in MiB.
        most: usize,
    },
}

/// What a document says beside its operations.
pub(crate) struct Whole {
    pub(crate) places: Vec<CredentialPlace>,
    /// Where paths begin, unless an operation says otherwise.
    pub(crate) bases: Vec<String>,
}

/// Reads a document and hands on each of its operations.
pub(crate) fn read(
    bytes: &[u8],
    troubles: &mut Troubles,
    take: impl FnMut(Draft, &mut Troubles),
) -> Result<Whole, ReadError> {
    let text = text::read(bytes)?;
    if let Some(error) = &text.no_json {
        troubles.at("", format!("this is no JSON and was read as YAML: {error}"), "mend the JSON");
    }
    for pointer in &text.twice {
        troubles.at(pointer, "this name stands twice in one object", "keep one of the two");
    }
    let document = Document::of(text.value, troubles)?;
    let schemes = Schemes::of(&document, troubles);
    operations::read(&document, &schemes, troubles, take);
    let bases = document.root.as_object().and_then(|root| match document.version {
        Version::Two => servers::base_path(root, troubles),
        Version::Three => servers::bases(root, "", troubles),
    });
    Ok(Whole { places: schemes.places, bases: bases.unwrap_or_else(|| vec![String::new()]) })
}

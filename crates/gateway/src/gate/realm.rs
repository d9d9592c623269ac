//! What the gate obeys. Replaced whole when the configuration is loaded anew, so that a
//! request sees one state of it.

use std::sync::Arc;

use catalogue::{Catalogue, OperationId};
use http::{HeaderName, HeaderValue};
use law::Span;
use wire::{Forwarding, OpenPaths, Origins, PathRules, Places};

use crate::{Look, Pointer};

/// What the gate obeys.
pub struct Realm {
    /// The operations and their powers.
    pub(crate) catalogue: Arc<Catalogue>,
    pub(crate) settings: RealmSettings,
    /// What is looked for in the answers, by operation: made once, not for each request.
    looks: Vec<Look>,
}

impl Realm {
    /// Makes ready what every request would have to.
    pub fn new(catalogue: Arc<Catalogue>, settings: RealmSettings) -> Self {
        let look = |operation: &catalogue::Operation| Look {
            list: operation.list.as_deref().and_then(Pointer::parse),
            minted: operation.minted().and_then(Pointer::parse),
        };
        let looks = catalogue.operations().iter().map(look).collect();
        Self { catalogue, settings, looks }
    }

    /// What is looked for in an operation's answers.
    pub(crate) fn look(&self, operation: OperationId) -> Option<&Look> {
        self.looks.get(usize::try_from(operation.0).ok()?)
    }
}

/// What becomes of a key that is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownKeys {
    /// It is made known when the upstream has accepted it.
    Learn,
    /// It does not pass.
    Refuse,
}

/// How long requests wait for people.
#[derive(Clone, Copy, Debug)]
pub struct Holding {
    /// Without a word from the client.
    pub wait: Span,
    /// At the most, whatever the client says.
    pub most: Span,
}

/// The operation that says whose a key is, and where in its answer.
#[derive(Clone, Debug)]
pub struct Identify {
    /// Path and query, as they are sent.
    pub target: String,
    /// JSON pointer to the account's name.
    pub holder: String,
    /// JSON pointer to whether the account has 2FA.
    pub two_factor: Option<String>,
    /// JSON pointer to the key's scopes.
    pub scopes: Option<String>,
    /// Header that names the key's scopes.
    pub scopes_header: Option<HeaderName>,
    /// Header that says when the key ends.
    pub end_header: Option<HeaderName>,
}

/// What a realm is made of, beside the catalogue.
pub struct RealmSettings {
    /// Where credentials travel.
    pub places: Places,
    /// How paths are read.
    pub rules: PathRules,
    /// Paths that anybody may call without a credential, as far as the document does not describe them.
    pub open: OpenPaths,
    /// What becomes of keys that are not known.
    pub unknown_keys: UnknownKeys,
    /// How headers are carried on.
    pub forwarding: Forwarding,
    /// The upstream's addresses, and the gate's in their place.
    pub origins: Origins,
    /// The operation that says whose a key is.
    pub identify: Option<Identify>,
    /// How long requests wait for people.
    pub holding: Holding,
    /// The desk's public origin.
    pub desk: String,
    /// The header by which the upstream knows that a request came through the gate.
    pub proof: Option<(HeaderName, HeaderValue)>,
}

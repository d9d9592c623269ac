//! What the gate obeys. Replaced whole when the configuration is loaded anew, so that a
//! request sees one state of it.

use std::sync::Arc;

use catalogue::{Answered, Catalogue, OperationId, Pattern};
use http::{HeaderName, HeaderValue};
use law::Span;
use wire::{Forwarding, IssuedForm, OpenPaths, Origins, PathRules, Place, Places};

use crate::{
    Look, Pace, Pointer,
    gate::{span::Sampling, tokens::Issuers},
};

/// What the gate obeys.
pub struct Realm {
    /// The operations and their powers.
    pub(crate) catalogue: Arc<Catalogue>,
    pub(crate) settings: RealmSettings,
    /// What is looked for in the answers, by operation: made once, not for each request.
    looks: Vec<Look>,
    /// By operation: whether a second method, named in a body, could do more than it can.
    weaker: Vec<bool>,
}

impl Realm {
    /// Makes ready what every request would have to.
    pub fn new(catalogue: Arc<Catalogue>, mut settings: RealmSettings) -> Self {
        // What a client sends where the gate's own credential goes is a credential, however it is spelled.
        if let Some(issuing) = &settings.issued {
            settings.places = settings.places.with(issuing.place.clone());
        }
        let look = |operation: &catalogue::Operation| Look {
            list: operation.list.as_deref().and_then(Pointer::parse),
            minted: operation.minted().and_then(Pointer::parse),
            named: settings.made_id.clone().filter(|_| settings.made_by.iter().any(|by| by.matches(&operation.name))),
        };
        let looks = catalogue.operations().iter().map(look).collect();
        let weaker = catalogue.is_weaker_than_others();
        Self { catalogue, settings, looks, weaker }
    }

    /// Whether another method at this operation's address could do more than it can.
    pub(crate) fn is_weaker_than_others(&self, operation: OperationId) -> bool {
        usize::try_from(operation.0).ok().and_then(|place| self.weaker.get(place)).copied().unwrap_or(true)
    }

    /// What an operation's answers look like.
    pub(crate) fn form(&self, operation: OperationId) -> Option<(&Look, &Answered)> {
        let described = self.catalogue.operations().get(usize::try_from(operation.0).ok()?)?;
        Some((self.look(operation)?, &described.answered))
    }

    /// Whether an operation's requests have a body, as far as the document says.
    pub(crate) fn takes_body(&self, operation: OperationId) -> bool {
        let described = usize::try_from(operation.0).ok().and_then(|place| self.catalogue.operations().get(place));
        described.is_some_and(|operation| operation.takes_body)
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

/// How keys are issued before this API.
#[derive(Clone, Debug)]
pub struct Issuing {
    /// What they look like.
    pub form: IssuedForm,
    /// Where the API takes the gate's own credential: in a header.
    pub place: Place,
    /// Headers and parameters by which issued keys may say in whose name the gate's own
    /// credential acts.
    pub on_behalf: Vec<String>,
}

/// What a realm is made of, beside the catalogue.
pub struct RealmSettings {
    /// Where credentials travel.
    pub places: Places,
    /// Whose tokens are verified here.
    pub issuers: Issuers,
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
    /// How slowly a request's body may come.
    pub pace: Pace,
    /// How long requests wait for people.
    pub holding: Holding,
    /// The desk's public origin.
    pub desk: String,
    /// Keys that Greave issues, where it does.
    pub issued: Option<Issuing>,
    /// Where an answer that makes a key says what the API calls it.
    pub made_id: Option<Pointer>,
    /// The operations of which that is true: they make what the API revokes by that name. What
    /// others call something may be another key's name there.
    pub made_by: Vec<Pattern>,
    /// The header by which the upstream knows that a request came through the gate.
    pub proof: Option<(HeaderName, HeaderValue)>,
    /// Whether requests are traced, and which begin a trace.
    pub traces: Option<Sampling>,
    /// Whether problems say of themselves that they are `application/json`: some clients take
    /// whatever calls itself otherwise for no error.
    pub problems_as_json: bool,
}

//! What can be done with an API: its operations and their powers.
//!
//! Bytes of an OpenAPI document go in, a [`Catalogue`] comes out: it names the operation that a
//! request asks for, and what that operation lets its caller do. What the document does not
//! describe has every power; so has a request that could be read in two ways where something
//! in it selects the operation.
//!
//! Pure: this room fetches nothing, keeps nothing and knows no clock. It must not know what a
//! request looks like on the wire (paths come decoded and in segments), who calls, or what the
//! law asks for a power.

mod careless;
mod carrier;
mod catalogue;
pub mod classify;
mod decode;
mod facts;
mod graphql;
mod judge;
mod lock;
mod operation;
mod pattern;
mod read;
mod security;
mod selector;
mod settings;
mod template;
mod tree;
mod trouble;
mod weaker;

pub use crate::{
    catalogue::{Beside, Catalogue, Choice, Found, Match, Reading, Selected, TwoOperations},
    facts::{Facts, Field, Shape},
    graphql::root_fields,
    lock::{Changed, Drift, Lock, LockError, Locked},
    operation::{Answered, By, Kind, Operation, OperationId},
    pattern::{Pattern, PatternError},
    read::{ReadError, landmarks::names_credential, text::unambiguous_json},
    security::{CredentialPlace, Place, Requirement, Security},
    selector::{Asked, SelectBy, Selector, Unselected},
    settings::{Case, EncodedSlash, MultiSegment, Override, SelectorRule, Settings, TrailingSlash},
    template::ParameterValue,
    trouble::Trouble,
    weaker::{Eased, Judgement},
};

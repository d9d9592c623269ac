//! What a request asks for, as the catalogue finds it.

use law::Powers;

use super::{Address, Catalogue};
use crate::{
    Asked, Operation, OperationId, SelectBy, Unselected, graphql,
    selector::{self, Variants},
    template::{ParameterValue, Template},
};

/// What a request asks for.
#[derive(Debug)]
pub enum Found<'c, 'p> {
    /// One operation.
    Described(Match<'c, 'p>),
    /// One of several, which something else in the request tells apart.
    Choice(Choice<'c, 'p>),
    /// Nothing that is described: it has every power.
    Undescribed,
}

/// What a request asks for, once query and body were looked at.
#[derive(Debug)]
pub enum Selected<'c, 'p> {
    /// One operation.
    Described(Match<'c, 'p>),
    /// Nothing that is described: it has every power.
    Undescribed(Unselected),
}

/// The operation that a request asks for.
#[derive(Clone, Debug)]
pub struct Match<'c, 'p> {
    /// Its place in the catalogue.
    pub id: OperationId,
    /// The operation. Where the request may be one of several, the one with the most powers.
    pub operation: &'c Operation,
    /// What the request lets its caller do: the powers of all the operations that it may be.
    pub powers: Powers,
    /// Whether anybody may call it: all the operations that it may be are open.
    pub open: bool,
    /// The values of the template's parameters, in the template's order.
    pub parameters: Vec<(&'c str, ParameterValue<'p>)>,
    /// All that it may be, where that is more than this one.
    pub merged: Vec<&'c Operation>,
}

/// What a request asks for besides, where somebody reads its path in another way.
#[derive(Clone, Debug, Default)]
pub struct Beside<'c> {
    /// What that lets its caller do.
    pub powers: Powers,
    /// The operations.
    pub operations: Vec<&'c Operation>,
}

impl<'c> Beside<'c> {
    pub(super) fn add(&mut self, found: &Found<'c, '_>) {
        self.powers = self.powers.union(found.powers());
        match found {
            Found::Described(found) => self.operations.extend([found.operation].iter().chain(&found.merged)),
            Found::Choice(choice) => self.operations.extend(choice.candidates()),
            Found::Undescribed => {}
        }
    }
}

/// Several operations at one address.
#[derive(Debug)]
pub struct Choice<'c, 'p> {
    pub(super) catalogue: &'c Catalogue,
    pub(super) addresses: Vec<(&'c Template, &'c Address)>,
    pub(super) segments: &'p [&'p str],
}

/// A path that could be read in two ways, as two operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TwoOperations;

impl Found<'_, '_> {
    /// The names of the operations that it may be.
    pub(super) fn names(&self) -> Vec<&str> {
        match self {
            Self::Described(found) => vec![&*found.operation.name],
            Self::Choice(choice) => choice.candidates().map(|operation| &*operation.name).collect(),
            Self::Undescribed => Vec::new(),
        }
    }

    /// What the request lets its caller do, as far as the path tells.
    pub fn powers(&self) -> Powers {
        match self {
            Self::Described(found) => found.powers,
            Self::Choice(_) | Self::Undescribed => Powers::EVERY,
        }
    }
}

impl Selected<'_, '_> {
    /// What the request lets its caller do.
    pub fn powers(&self) -> Powers {
        match self {
            Self::Described(found) => found.powers,
            Self::Undescribed(_) => Powers::EVERY,
        }
    }
}

impl<'c, 'p> Choice<'c, 'p> {
    /// Whether a body of this `Content-Type` must be read before it can be selected; `None` where
    /// there is no one type that can be read.
    pub fn needs_body(&self, content_type: Option<&str>) -> bool {
        self.by().any(|by| by.needs_body(content_type))
    }

    /// Whether the query alone selects it, where there is no form in the body.
    pub fn is_by_query(&self) -> bool {
        self.by().all(|by| matches!(by, SelectBy::Query(_)))
    }

    /// Whether a header of this name must be at hand: one that selects, or that an upstream may take for it.
    pub fn needs_header(&self, name: &str) -> bool {
        self.by().any(|by| matches!(by, SelectBy::Header(wanted) if selector::is_header_alike(name, wanted)))
    }

    /// The operation that the rest of the request selects.
    pub fn select(&self, asked: &Asked<'_>) -> Selected<'c, 'p> {
        let mut ids = Vec::new();
        for (template, address) in &self.addresses {
            let chosen = match &address.variants {
                Some(variants) => variants.select(&address.plain, asked),
                None => Ok(address.plain.clone()),
            };
            match chosen {
                Ok(chosen) => ids.extend(chosen.into_iter().map(|id| (*template, id))),
                Err(why) => return Selected::Undescribed(why),
            }
        }
        match self.catalogue.describe(ids.into_iter(), self.segments) {
            Some(found) => Selected::Described(found),
            None => Selected::Undescribed(Unselected::Unknown),
        }
    }

    /// Whether the request asks for everything once and under its own name: GraphQL lets a
    /// caller say where in the answer something stands, and how often.
    pub fn is_plain(&self, asked: &Asked<'_>) -> bool {
        self.by().all(|by| *by != SelectBy::GraphQl || graphql::is_plain(asked))
    }

    /// Every operation that it may be.
    pub fn candidates(&self) -> impl Iterator<Item = &'c Operation> {
        self.addresses
            .iter()
            .flat_map(|(_, address)| address.operations().filter_map(|id| self.catalogue.operation(id)))
    }

    fn by(&self) -> impl Iterator<Item = &'c SelectBy> {
        self.addresses.iter().filter_map(|(_, address)| address.variants.as_deref()).flat_map(Variants::by)
    }
}

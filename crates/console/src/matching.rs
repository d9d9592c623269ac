//! Which operation a path asks for: the path is read as the gate reads it.

use catalogue::{Asked, Catalogue, Found, OperationId, Selected};
use law::{Powers, Refusal};
use wire::{PathRules, Target};

/// What a method and a path ask for.
#[derive(Debug, Default)]
pub(crate) struct Matched {
    /// The operation: one, or of several the one with the most powers.
    pub(crate) id: Option<OperationId>,
    /// Names of the operations that it may be, where more than the path tells them apart.
    pub(crate) candidates: Vec<String>,
    pub(crate) powers: Powers,
    pub(crate) open: bool,
    /// The template's parameters.
    pub(crate) parameters: Vec<(String, String)>,
}

/// Finds the operation. A path that could be read in two ways, as two operations, is refused.
pub(crate) fn find(catalogue: &Catalogue, rules: &PathRules, method: &str, sent: &str) -> Result<Matched, Refusal> {
    let target = Target::read(sent, rules)?;
    let query = sent.split_once('?').map_or("", |(_, query)| query);
    let mut matched: Option<Matched> = None;
    for reading in target.readings() {
        let other = one_reading(catalogue, method, &reading, query);
        match &matched {
            None => matched = Some(other),
            // What another reading does not find is no other operation: the first counts.
            Some(_) if other.id.is_none() && other.candidates.is_empty() => {}
            Some(first) if (first.id, &first.candidates) == (other.id, &other.candidates) => {}
            Some(_) => return Err(Refusal::BadPath),
        }
    }
    Ok(matched.unwrap_or_default())
}

fn one_reading(catalogue: &Catalogue, method: &str, segments: &[&str], query: &str) -> Matched {
    let undescribed = || Matched { powers: Powers::EVERY, ..Matched::default() };
    let found = match catalogue.find(method, segments) {
        Found::Undescribed => return undescribed(),
        Found::Described(found) => found,
        Found::Choice(choice) => {
            let mut candidates: Vec<String> = choice.candidates().map(|operation| operation.name.to_string()).collect();
            candidates.dedup();
            let in_query = !choice.needs_body() && choice.headers().next().is_none();
            match choice.select(&Asked { query, body: Some(b""), ..Asked::default() }) {
                Selected::Described(found) if in_query => found,
                // The body or a header decides, which are not at hand: it may be any of them.
                Selected::Described(_) | Selected::Undescribed(_) => {
                    let powers = choice.candidates().fold(Powers::NONE, |all, operation| all.union(operation.powers));
                    let powers = if in_query { Powers::EVERY } else { powers };
                    return Matched { candidates, powers, ..Matched::default() };
                }
            }
        }
    };
    let parameters = found.parameters.iter().map(|(name, value)| ((*name).to_owned(), value.to_string()));
    Matched {
        id: Some(found.id),
        candidates: Vec::new(),
        powers: found.powers,
        open: found.open,
        parameters: parameters.collect(),
    }
}

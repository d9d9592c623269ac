//! Which operation a path asks for. The gate's reading of paths, without a request at hand:
//! what the gate would find in headers or a body is told as candidates.

use catalogue::{Asked, Catalogue, Choice, Found, Match, OperationId, Selected};
use law::{Powers, Refusal};
use wire::{PathRules, Target};

/// What a method and a path ask for.
#[derive(Debug)]
pub(crate) struct Matched {
    /// The operation, where it is described and the path and the query tell it.
    pub(crate) id: Option<OperationId>,
    /// Names of the operations that it may be, where more than the path and the query tells them apart.
    pub(crate) candidates: Vec<String>,
    pub(crate) powers: Powers,
    pub(crate) open: bool,
    /// The template's parameters.
    pub(crate) parameters: Vec<(String, String)>,
}

impl Matched {
    /// What nobody described can do everything.
    pub(crate) const fn nothing() -> Self {
        Self { id: None, candidates: Vec::new(), powers: Powers::EVERY, open: false, parameters: Vec::new() }
    }

    fn one(found: &Match<'_, '_>) -> Self {
        let parameters = found.parameters.iter().map(|(name, value)| ((*name).to_owned(), value.to_string()));
        Self {
            id: Some(found.id),
            candidates: Vec::new(),
            powers: found.powers,
            open: found.open,
            parameters: parameters.collect(),
        }
    }
}

/// Finds the operation.
///
/// # Errors
/// A path that could be read in two ways, as two operations, is refused.
pub(crate) fn find(
    catalogue: &Catalogue,
    rules: &PathRules,
    open: &[String],
    method: &str,
    sent: &str,
) -> Result<Matched, Refusal> {
    let target = Target::read(sent, rules)?;
    let readings = target.readings();
    let judged = readings.first().map_or(&[][..], Vec::as_slice);
    let found = catalogue.find(method, judged);
    let mut split = Powers::NONE;
    for reading in readings.iter().skip(1) {
        let other = catalogue.find(method, reading);
        if reading.len() == judged.len() {
            if names(&other) != names(&found) {
                return Err(Refusal::BadPath);
            }
        } else if !matches!(other, Found::Undescribed) {
            split = split.union(other.powers());
        }
    }
    let mut matched = match &found {
        Found::Described(found) => Matched::one(found),
        Found::Undescribed => Matched::nothing(),
        Found::Choice(choice) => choose(choice, target.query().as_sent()),
    };
    matched.powers = matched.powers.union(split);
    matched.open |= matched.id.is_none() && matched.candidates.is_empty() && is_open(open, target.path());
    Ok(matched)
}

fn choose(choice: &Choice<'_, '_>, query: &str) -> Matched {
    let by_query = !choice.needs_body() && choice.headers().next().is_none();
    if by_query {
        return match choice.select(&Asked { query, body: Some(b""), ..Asked::default() }) {
            Selected::Described(found) => Matched::one(&found),
            Selected::Undescribed(_) => Matched::nothing(),
        };
    }
    let mut candidates: Vec<String> = choice.candidates().map(|operation| operation.name.to_string()).collect();
    candidates.sort_unstable();
    candidates.dedup();
    let powers = choice.candidates().fold(Powers::NONE, |all, operation| all.union(operation.powers));
    Matched { candidates, powers, ..Matched::nothing() }
}

fn names(found: &Found<'_, '_>) -> Vec<String> {
    match found {
        Found::Described(found) => vec![found.operation.name.to_string()],
        Found::Choice(choice) => choice.candidates().map(|operation| operation.name.to_string()).collect(),
        Found::Undescribed => Vec::new(),
    }
}

/// Whether anybody may call this path: it is an open path (`=/`), or lies below an open
/// prefix, whole segments only where the prefix does not end in a slash.
fn is_open(open: &[String], path: &str) -> bool {
    open.iter().any(|open| match open.strip_prefix('=') {
        Some(exact) => path == exact,
        None => path
            .strip_prefix(open.as_str())
            .is_some_and(|rest| open.ends_with('/') || rest.is_empty() || rest.starts_with('/')),
    })
}

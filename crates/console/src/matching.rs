//! Which operation a path asks for. The gate's reading of paths, without a request at hand:
//! what the gate would find in headers or a body is told as candidates.

use catalogue::{Asked, Catalogue, Choice, Found, Match, OperationId, Selected, TwoOperations};
use law::{Powers, Refusal};
use wire::{OpenPaths, PathRules, Target};

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
    open: &OpenPaths,
    method: &str,
    sent: &str,
) -> Result<Matched, Refusal> {
    let target = Target::read(sent, rules)?;
    let readings = target.readings();
    let (found, beside) = catalogue.find_however_read(method, &readings).map_err(|TwoOperations| Refusal::BadPath)?;
    let mut matched = match &found {
        Found::Described(found) => Matched::one(found),
        Found::Undescribed => Matched::nothing(),
        Found::Choice(choice) => choose(choice, target.query().as_sent()),
    };
    matched.powers = matched.powers.union(beside.powers);
    matched.open |= matched.id.is_none() && matched.candidates.is_empty() && open.contains(target.path());
    Ok(matched)
}

fn choose(choice: &Choice<'_, '_>, query: &str) -> Matched {
    if choice.is_by_query() {
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

//! Which operation of an API a line is about.

use std::collections::HashMap;

use catalogue::{Asked, Catalogue, Found, Selected};
use law::{Power, Powers};
use wire::{Doubled, Matrix, PathRules, Target};

/// So many targets are remembered.
const REMEMBERED: usize = 4096;

/// What a line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Operation {
    /// Such as `DELETE /users/{name}`; the method and `*` where no document describes it, for
    /// what stands in a path may be a secret.
    pub(super) name: String,
    /// What it surely lets its caller do; none where no document says.
    pub(super) powers: Powers,
}

/// How paths are read that a server has let through.
pub(super) struct Paths(PathRules);

impl Default for Paths {
    fn default() -> Self {
        Self(PathRules { doubled: Doubled::Merge, matrix: Matrix::Strip, ..PathRules::default() })
    }
}

/// Finds operations, and remembers those that it found.
pub(super) struct Operations {
    known: HashMap<String, Operation>,
    nothing: Operation,
    scratch: String,
}

impl Default for Operations {
    fn default() -> Self {
        let nothing = Operation { name: "(no request)".to_owned(), powers: Powers::NONE };
        Self { known: HashMap::new(), nothing, scratch: String::new() }
    }
}

impl Operations {
    /// What a line asks for that asks for nothing.
    pub(super) fn nothing(&self) -> &Operation {
        &self.nothing
    }

    pub(super) fn find(
        &mut self,
        paths: &mut Paths,
        catalogues: &[Catalogue],
        method: &str,
        target: &str,
    ) -> &Operation {
        self.scratch.clear();
        self.scratch.extend([method, " ", target]);
        if !self.known.contains_key(&self.scratch) {
            if self.known.len() >= REMEMBERED {
                self.known.clear();
            }
            self.known.insert(self.scratch.clone(), find(paths, catalogues, method, target));
        }
        self.known.get(&self.scratch).unwrap_or(&self.nothing)
    }
}

fn find(paths: &Paths, catalogues: &[Catalogue], method: &str, target: &str) -> Operation {
    let undescribed = || Operation { name: format!("{method} *"), powers: Powers::NONE };
    let Ok(read) = Target::read(target, &paths.0) else { return undescribed() };
    let segments: Vec<&str> = read.segments().collect();
    for catalogue in catalogues {
        for segments in readings(catalogue, &segments) {
            match catalogue.find(method, &segments) {
                Found::Described(found) => {
                    return Operation { name: found.operation.name.to_string(), powers: found.powers };
                }
                Found::Choice(choice) => {
                    let asked = Asked { query: read.query().as_sent(), ..Asked::default() };
                    if let Selected::Described(found) = choice.select(&asked) {
                        return Operation { name: found.operation.name.to_string(), powers: found.powers };
                    }
                    // What selects stands in a body, which no log has: surely it is one of them.
                    let all: Vec<_> = choice.candidates().collect();
                    let powers = all.iter().map(|one| one.powers).reduce(Powers::intersection);
                    let template = all.first().map_or("*", |one| &one.template);
                    return Operation {
                        name: format!("{method} {template} (one of {})", all.len()),
                        powers: powers.unwrap_or_default(),
                    };
                }
                Found::Undescribed => {}
            }
        }
    }
    if method == "HEAD" || method == "GET" {
        // Whatever it was, it was read.
        return Operation { powers: Power::Read.into(), ..undescribed() };
    }
    undescribed()
}

/// How a path may stand in the document: as it is, without a slash at its end, with the base that
/// a proxy took away before the server saw it, or without what a proxy adds in front of the base.
fn readings<'s>(catalogue: &'s Catalogue, segments: &[&'s str]) -> Vec<Vec<&'s str>> {
    let mut bare = segments;
    if let [rest @ .., ""] = bare {
        bare = rest;
    }
    let mut readings = vec![segments.to_vec()];
    if bare.len() != segments.len() {
        readings.push(bare.to_vec());
    }
    let base: Vec<&str> = catalogue.base().split('/').filter(|segment| !segment.is_empty()).collect();
    if base.is_empty() {
        return readings;
    }
    if !bare.starts_with(&base) {
        readings.push(base.iter().chain(bare).copied().collect());
    }
    if let Some(at) = (1..bare.len()).find(|at| bare.get(*at..).is_some_and(|rest| rest.starts_with(&base))) {
        readings.push(bare.get(at..).unwrap_or_default().to_vec());
    }
    readings
}

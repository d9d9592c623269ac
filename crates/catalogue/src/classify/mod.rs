//! From what a document says of an operation to its powers, with the evidence for each.
//!
//! Pure and the same everywhere: words decide, never a provider's paths, names or ids. Where words are in doubt, the
//! rules lean towards a power, because a power too many asks a person once more, and one too few lets a thief through.

mod act;
mod context;
mod destroy;
mod disarm;
mod export;
mod field;
mod grant;
mod lexicon;
#[cfg(test)]
mod marks;
mod mint;
mod path;
mod run;
mod sentence;
mod spend;
#[cfg(test)]
mod tests;
mod verbs;
mod words;

use law::{Power, Powers};
use serde::Serialize;

use crate::Facts;
use act::Act;
pub use context::Context;
use verbs::Effect;
pub(crate) use words::spelled;

/// Goes up with each change that can change a judgement, so that a lock can show which classifier it was made by.
pub const CLASSIFIER_VERSION: u32 = 4;

/// What an operation lets its caller do, and why we think so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Powered {
    /// Never empty.
    pub powers: Powers,
    /// At least one for each power, by power in the order of [`Power::ALL`].
    pub evidence: Vec<(Power, Evidence)>,
}

/// Why an operation was given a power.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Evidence {
    /// The rule, such as `mint.object`.
    pub rule: &'static str,
    /// For people, such as "changes `api key` in the path".
    pub words: String,
}

/// Judges one operation of a document. It always has at least one power.
pub fn classify(facts: &Facts, context: &Context) -> Powered {
    let act = Act::of(facts, context);
    let mut evidence = Vec::new();
    for (power, rules) in rules(facts) {
        for rule in rules.iter().filter(|rule| rule.when.contains(&act.effect)) {
            if let Some(words) = (rule.judge)(&act) {
                evidence.push((*power, Evidence { rule: rule.id, words }));
            }
        }
    }
    if evidence.is_empty() {
        evidence.push(plain(&act));
    }
    Powered { powers: evidence.iter().map(|(power, _)| *power).collect(), evidence }
}

/// `read` and `write` stand alone: only where no sensitive power fits.
fn plain(act: &Act<'_>) -> (Power, Evidence) {
    let (power, rule) = match act.effect {
        Effect::Look => (Power::Read, "read.plain"),
        Effect::Make | Effect::Change | Effect::Remove => (Power::Write, "write.plain"),
    };
    let words = match act.verbs.first() {
        Some(verb) => format!("`{}`, and `{}` in {}", act.facts.method, verb.words.join(" "), verb.place),
        None => format!("`{}`", act.facts.method),
    };
    (power, Evidence { rule, words })
}

/// One reason for a power.
struct Rule {
    id: &'static str,
    /// The effects of the acts that it judges.
    when: &'static [Effect],
    /// The words of the evidence, if the rule fits.
    judge: fn(&Act<'_>) -> Option<String>,
}

const LOOKS: &[Effect] = &[Effect::Look];
const MAKES: &[Effect] = &[Effect::Make];
const REMOVES: &[Effect] = &[Effect::Remove];
/// Something is there afterwards.
const SETS: &[Effect] = &[Effect::Make, Effect::Change];
/// Something comes back.
const ANSWERS: &[Effect] = &[Effect::Look, Effect::Make, Effect::Change];
const MUTATES: &[Effect] = &[Effect::Make, Effect::Change, Effect::Remove];

/// Every rule, by power.
const RULES: &[(Power, &[Rule])] = &[
    (Power::Export, export::RULES),
    (Power::Destroy, destroy::RULES),
    (Power::Spend, spend::RULES),
    (Power::Run, run::RULES),
    (Power::Grant, grant::RULES),
    (Power::Mint, mint::RULES),
    (Power::Disarm, disarm::RULES),
];

fn rules(facts: &Facts) -> &'static [(Power, &'static [Rule])] {
    // `OPTIONS` asks what could be done, and does nothing.
    if facts.method == "OPTIONS" { &[] } else { RULES }
}

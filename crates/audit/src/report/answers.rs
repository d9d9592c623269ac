//! The four questions, and what the audit answers.

use std::collections::BTreeMap;

use law::{Power, Powers};

use super::{
    Report,
    words::{grouped, of, share, short},
};
use crate::estate::{Account, Key, Known};

/// So many are named; the rest is counted.
const NAMED: usize = 6;
/// So long may a name be in a sentence.
const NAME: usize = 40;

/// One question with its answer.
pub(super) struct Answer {
    /// The question.
    pub(super) question: &'static str,
    /// The number that answers it best.
    pub(super) figure: String,
    /// What the number counts.
    pub(super) counts: String,
    /// The rest of the answer, in sentences.
    pub(super) said: Vec<String>,
}

impl Answer {
    /// The whole of it, sentence by sentence.
    pub(super) fn sentences(&self) -> impl Iterator<Item = String> {
        std::iter::once(format!("{} {}.", self.figure, self.counts)).chain(self.said.iter().cloned())
    }
}

/// What nobody knows is left out: no key in sight is no answer about keys.
pub(super) fn answers(report: &Report) -> Vec<Answer> {
    let (keys, people) = (!report.estate.keys.is_empty(), !report.estate.accounts.is_empty());
    let of_keys = |answer: fn(&Report) -> Answer| keys.then(|| answer(report));
    let who = (keys || people).then(|| who(report));
    [of_keys(what), who, of_keys(when), of_keys(then)].into_iter().flatten().collect()
}

fn what(report: &Report) -> Answer {
    let figures = &report.figures;
    let mut said = Vec::new();
    let powers: Vec<String> = figures
        .by_power
        .iter()
        .filter(|(power, keys)| power.is_sensitive() && *keys > 0)
        .map(|(power, keys): &(Power, usize)| format!("{power} {}", grouped(*keys)))
        .collect();
    if !powers.is_empty() {
        said.push(format!("Keys by power without a second factor: {}.", powers.join(", ")));
    }
    if figures.everything > 0 {
        said.push(format!("{} everything, or reach it by one step.", of(figures.everything, "can do", "can do")));
    }
    if figures.bypass > 0 {
        said.push(format!(
            "{} accounts that sign in with a second factor, and ask for none.",
            of(figures.bypass, "belongs to", "belong to")
        ));
    }
    let minting: Vec<String> = report.living().filter_map(mints).collect();
    if !minting.is_empty() {
        said.push(format!(
            "{} further keys, and so survive their own revocation: {}.",
            of(minting.len(), "can make", "can make"),
            named(&minting)
        ));
    }
    // Of whom nothing is known, nothing is said: a nought would read as good news.
    let (figure, counts) = match (figures.sensitive, figures.undescribed) {
        (0, unknown) if unknown > 0 && unknown == figures.keys => {
            ("Unknown".to_owned(), "what the keys can do: no input says".to_owned())
        }
        (sensitive, 0) => (
            format!("{} of {}", grouped(sensitive), grouped(figures.keys)),
            format!("keys can do what is sensitive with the key alone ({})", share(sensitive, figures.keys)),
        ),
        (sensitive, unknown) => (
            format!("{} of {}", grouped(sensitive), grouped(figures.keys)),
            format!(
                "keys surely can do what is sensitive with the key alone; of {} no input says all they can do",
                grouped(unknown)
            ),
        ),
    };
    Answer { question: "What can they do?", figure, counts, said }
}

/// A key that surely makes others, and for whom.
fn mints(key: &Key) -> Option<String> {
    if !key.surely().contains(Power::Mint) {
        return None;
    }
    let id = short(&key.id, NAME);
    Some(match key.steps.iter().filter(|step| step.mints && step.sure).max_by_key(|step| step.of) {
        Some(step) => {
            let more = match step.of.saturating_sub(step.targets.len()) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            format!("{id} (for {}{more})", short(&step.targets.join(", "), 2 * NAME))
        }
        None => id,
    })
}

fn who(report: &Report) -> Answer {
    let figures = &report.figures;
    let mut said = Vec::new();
    let minters = |factor: Known| -> Vec<String> {
        let accounts = report.estate.accounts.iter().filter(|account| account.mints_today());
        accounts.filter(|account| account.second_factor == factor).map(|account| short(&account.name, NAME)).collect()
    };
    let (without, unknown) = (minters(Known::No), minters(Known::Unknown));
    if !without.is_empty() {
        said.push(format!("Without a second factor: {}.", named(&without)));
    }
    if !unknown.is_empty() {
        said.push(format!("Of {} no input says whether they have one.", named(&unknown)));
    }
    let dark = figures.can_mint == 0 && figures.can_mint_unknown > 0;
    if figures.can_mint_unknown > 0 && !dark {
        said.push(format!(
            "Of {} no input says whether they can.",
            of(figures.can_mint_unknown, "more account", "more accounts")
        ));
    }
    let mut factors = vec![
        format!("{} with a second factor", grouped(figures.with_second_factor)),
        format!("{} without", grouped(figures.without_second_factor)),
    ];
    if figures.second_factor_unknown > 0 {
        factors.push(format!("of {} no input says", grouped(figures.second_factor_unknown)));
    }
    said.push(format!("{}: {}.", of(figures.accounts, "account signs in", "accounts sign in"), factors.join(", ")));
    if figures.nobody_answers > 0 {
        said.push(format!("For {} no input says who answers.", of(figures.nobody_answers, "key", "keys")));
    }
    if figures.left > 0 {
        said.push(format!("{} who left.", of(figures.left, "key belongs to somebody", "keys belong to people")));
    }
    if figures.shared > 0 {
        said.push(format!("{} by several.", of(figures.shared, "key is shared", "keys are shared")));
    }
    Answer {
        question: "Who has them, and who could get one?",
        figure: if dark { "Unknown".to_owned() } else { grouped(figures.can_mint) },
        counts: if dark {
            "how many accounts can make a key today: no input says".to_owned()
        } else {
            format!(
                "{} make a key today, {} of them without a second factor",
                if figures.can_mint == 1 { "account can" } else { "accounts can" },
                grouped(figures.can_mint_without_second_factor)
            )
        },
        said,
    }
}

fn when(report: &Report) -> Answer {
    let figures = &report.figures;
    let cadence = &figures.cadence;
    let mut said = Vec::new();
    let never = of(figures.never_ends, "key never ends", "keys never end");
    said.push(match figures.end_unknown {
        0 => format!("{never}."),
        unknown => format!("{never}, of {} no input says when.", grouped(unknown)),
    });
    said.push(format!("{} older than {} days.", of(figures.too_old, "is", "are"), report.longest));
    if figures.too_old > 0 {
        said.push(format!(
            "Of those, {} never exchanged, as far as the inputs show.",
            of(cadence.never_exchanged, "was", "were")
        ));
    }
    if let (Some(nine), Some(longest)) = (cadence.ages.nine_of_ten, cadence.ages.longest) {
        said.push(format!(
            "Nine of ten are at most {} days old, the oldest {}.",
            grouped(nine as usize),
            grouped(longest as usize)
        ));
    }
    said.push(match cadence.lifetimes.median {
        Some(median) => format!(
            "{} over lived {} in the median.",
            of(cadence.lifetimes.keys, "key that is", "keys that are"),
            of(median as usize, "day", "days")
        ),
        None => "No key that is over shows how long keys live.".to_owned(),
    });
    Answer {
        question: "When do they end, and how often are they exchanged?",
        figure: cadence.ages.median.map_or("Unknown".to_owned(), |days| of(days as usize, "day", "days")),
        counts: match cadence.ages.median {
            Some(_) => "is the median age of the living keys".to_owned(),
            None => "how old the living keys are: no input says".to_owned(),
        },
        said,
    }
}

fn then(report: &Report) -> Answer {
    let figures = &report.figures;
    let mut said = Vec::new();
    if figures.use_unknown > 0 {
        said.push(format!("Of {} no input says when they were used.", of(figures.use_unknown, "more", "more")));
    }
    let seen = report.estate.keys.iter().filter(|key| key.seen.is_some());
    match report.estate.logs.iter().map(|log| log.events).reduce(|one, other| one + other) {
        Some(events) => {
            let seen = seen.count();
            // Where nobody says which of two keys it was, both have the child.
            let children = report.estate.keys.iter().flat_map(|key| &key.children);
            let made: BTreeMap<&str, Known> = children.map(|child| (child.id.as_str(), child.lives)).collect();
            let living = made.values().filter(|lives| **lives == Known::Yes).count();
            said.push(format!(
                "{} in logs {} {} at work{}.",
                of(usize::try_from(events).unwrap_or(usize::MAX), "event", "events"),
                if events == 1 { "shows" } else { "show" },
                of(seen, "key", "keys"),
                match made.len() {
                    0 => String::new(),
                    made => format!(
                        "; {} made by them, {living} known to live",
                        of(made, "further key was", "further keys were")
                    ),
                }
            ));
        }
        None => said.push("No log is among the inputs that would show what the keys do.".to_owned()),
    }
    Answer {
        question: "What then?",
        figure: grouped(figures.unused),
        counts: format!(
            "{} unused for {} days{}",
            if figures.unused == 1 { "key is" } else { "keys are" },
            report.idle,
            if figures.unused == 0 { "" } else { ": disable those first, hardly anything breaks" }
        ),
        said,
    }
}

fn named(names: &[String]) -> String {
    let first = names.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(NAMED) {
        0 => first,
        more => format!("{first} and {} more", grouped(more)),
    }
}

impl Account {
    /// Whether it can make itself or others a key today, surely.
    pub(super) fn mints_today(&self) -> bool {
        self.can_mint == Known::Yes && self.left != Known::Yes
    }
}

/// What a key can do with the key alone, in one word where that is everything.
pub(super) fn alone(powers: Powers) -> String {
    if powers == Powers::SENSITIVE || powers == Powers::EVERY { "everything".to_owned() } else { powers.to_string() }
}

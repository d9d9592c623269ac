//! What is wrong with the estate. One rule, one file, its tests underneath; `docs/rules.md` has a
//! section for each.

mod can_mint;
mod cannot_see;
mod holder_gone;
mod living_children;
mod log_silenced;
mod more_than_needed;
mod never_ends;
mod no_second_factor;
mod older_than_limit;
mod one_person;
mod owner_unknown;
mod root_account;
mod second_factor_bypassed;
mod secret_in_log;
mod section;
mod sensitive_in_use;
mod shared_key;
mod to_administrator;
mod unused;
mod unwatched;
mod weak_protection;

use law::Severity;
use serde::Serialize;

pub use self::section::Section;
use crate::{
    Settings,
    estate::{Account, Estate, Ix, Key, Place},
    provider,
};

/// What was seen, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Evidence {
    /// What was seen, in words, without secrets.
    pub what: String,
    /// Where it stands.
    pub place: Place,
}

impl Evidence {
    fn new(what: impl Into<String>, place: &Place) -> Self {
        Self { what: what.into(), place: place.clone() }
    }
}

/// What a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A key, by its place in the estate.
    Key(Ix),
    /// An account, by its place in the estate.
    Account(Ix),
    /// The estate as a whole.
    Estate,
}

/// Something that somebody should look at. One without evidence cannot be built.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The rule's name; `docs/rules.md` has a section of this name.
    pub rule: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// What it is about.
    pub subject: Subject,
    /// What is wrong, in a sentence.
    pub what: String,
    /// How to mend it.
    pub mend: String,
    /// Why and until when it is accepted, where it is.
    pub accepted: Option<String>,
    first: Evidence,
    more: Vec<Evidence>,
}

impl Finding {
    fn new(rule: &Rule, severity: Severity, subject: Subject, what: impl Into<String>, first: Evidence) -> Self {
        let (rule, mend) = (rule.name, rule.mend.to_owned());
        Self { rule, severity, subject, what: what.into(), mend, accepted: None, first, more: Vec::new() }
    }

    fn and(mut self, evidence: impl IntoIterator<Item = Evidence>) -> Self {
        self.more.extend(evidence);
        self
    }

    /// All that was seen, the first first. Never empty.
    pub fn evidence(&self) -> impl Iterator<Item = &Evidence> {
        std::iter::once(&self.first).chain(&self.more)
    }
}

/// One rule.
pub struct Rule {
    /// Its name.
    pub name: &'static str,
    /// What it says, in a few words.
    pub title: &'static str,
    /// How it is mended where a provider has nothing better to say.
    pub mend: &'static str,
    /// How much its findings matter at most.
    pub worst: Severity,
    look: fn(&Estate, &Settings) -> Vec<Finding>,
}

/// All rules, in the order in which reports tell them.
pub const ALL: [&Rule; 20] = [
    &root_account::RULE,
    &weak_protection::RULE,
    &second_factor_bypassed::RULE,
    &to_administrator::RULE,
    &can_mint::RULE,
    &sensitive_in_use::RULE,
    &living_children::RULE,
    &log_silenced::RULE,
    &secret_in_log::RULE,
    &no_second_factor::RULE,
    &holder_gone::RULE,
    &one_person::RULE,
    &shared_key::RULE,
    &owner_unknown::RULE,
    &never_ends::RULE,
    &older_than_limit::RULE,
    &unused::RULE,
    &more_than_needed::RULE,
    &unwatched::RULE,
    &cannot_see::RULE,
];

/// Asks every rule. The worst findings come first.
pub fn look(estate: &Estate, settings: &Settings) -> Vec<Finding> {
    let mut findings: Vec<Finding> = ALL.iter().flat_map(|rule| (rule.look)(estate, settings)).collect();
    for finding in &mut findings {
        if let Subject::Key(ix) = finding.subject
            && finding.rule != more_than_needed::RULE.name
            && let Some(key) = estate.keys.get(ix)
            && let Some(mend) =
                provider::mend(finding.rule, key, estate.holders(key).next().map(|holder| holder.name.as_str()))
        {
            finding.mend = mend;
        }
    }
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    findings
}

/// The keys that have to be reckoned with.
fn living<'e>(estate: &'e Estate, settings: &Settings) -> impl Iterator<Item = (Ix, &'e Key)> {
    let now = settings.as_of;
    estate.keys.iter().enumerate().filter(move |(_, key)| key.lives(now))
}

fn place(places: &[Place]) -> Place {
    places.first().cloned().unwrap_or(Place { file: "the inputs".to_owned(), line: None })
}

fn shown(key: &Key) -> Evidence {
    Evidence::new(format!("{} `{}`", if key.form.is_empty() { "key" } else { &key.form }, key.id), &place(&key.places))
}

fn told(account: &Account, what: &str) -> Evidence {
    Evidence::new(format!("`{}`: {what}", account.label()), &place(&account.places))
}

#[cfg(test)]
mod testing {
    use std::io::Cursor;

    use super::Finding;
    use crate::{Audit, Settings, report::Report};

    /// What the rules find in an inventory of these rows, as of 2026-11-29.
    pub(super) fn report(rows: &str) -> Report {
        let mut audit = Audit::new(Settings::at("2026-11-29T00:00:00Z".parse().unwrap()));
        assert!(audit.read("keys.csv", Cursor::new(rows.to_owned().into_bytes())), "read");
        audit.finish()
    }

    /// What the rules find in these inputs, as of 2026-11-29.
    pub(super) fn report_of(inputs: &[(&str, &str)]) -> Report {
        let mut audit = Audit::new(Settings::at("2026-11-29T00:00:00Z".parse().unwrap()));
        for (name, text) in inputs {
            assert!(audit.read(name, Cursor::new((*text).to_owned().into_bytes())), "{name}");
        }
        audit.finish()
    }

    /// What one rule found.
    pub(super) fn findings<'r>(report: &'r Report, rule: &str) -> Vec<&'r Finding> {
        report.findings.iter().filter(|finding| finding.rule == rule).collect()
    }

    /// The ids of what a rule finds something about.
    pub(super) fn found(rule: &str, rows: &str) -> Vec<String> {
        let report = report(rows);
        let findings = report.findings.iter().filter(|finding| finding.rule == rule);
        findings.map(|finding| report.subject(finding)).collect()
    }
}

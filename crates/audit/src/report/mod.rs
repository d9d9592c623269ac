//! What the audit tells: figures, findings, and which keys to close first. One file a format.

mod answers;
mod cadence;
mod chart;
mod csv;
mod figures;
mod html;
mod json;
mod markdown;
mod order;
mod picture;
mod sarif;
mod terminal;
mod words;

use std::{collections::HashMap, fmt, str::FromStr};

use jiff::Timestamp;
use law::Severity;

pub use self::{
    cadence::{Cadence, Lengths, Part},
    figures::Figures,
    order::First,
};
use crate::{
    Settings,
    estate::{Account, Estate, Ix, Key},
    rules::{Evidence, Finding, Subject},
};

/// Everything that an audit found out.
#[derive(Debug)]
pub struct Report {
    /// The moment of the audit.
    pub as_of: Timestamp,
    /// How old a key may be, in days.
    pub longest: u32,
    /// How long a key may lie unused, in days.
    pub idle: u32,
    /// The joined inputs.
    pub estate: Estate,
    /// What is wrong, the worst first.
    pub findings: Vec<Finding>,
    /// The answers in numbers.
    pub figures: Figures,
    /// Which keys to close first, with the reasons for the order.
    pub first: Vec<First>,
    /// What the baseline accepts no more, or for nothing.
    pub stale: Vec<String>,
}

/// How a report is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// For a person at a terminal.
    #[default]
    Terminal,
    /// For a program: `docs/audit.schema.json`.
    Json,
    /// One finding a line.
    JsonLines,
    /// One key a line, for a spreadsheet.
    Csv,
    /// For a ticket or a wiki.
    Markdown,
    /// For whatever shows findings beside code: SARIF 2.1.0.
    Sarif,
    /// One page that stands alone.
    Html,
}

/// A word that names no format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no format; there are terminal, json, jsonl, csv, markdown, sarif, html")]
pub struct UnknownFormat(String);

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(word: &str) -> Result<Self, UnknownFormat> {
        match word {
            "terminal" | "text" => Ok(Self::Terminal),
            "json" => Ok(Self::Json),
            "jsonl" | "json-lines" => Ok(Self::JsonLines),
            "csv" => Ok(Self::Csv),
            "markdown" | "md" => Ok(Self::Markdown),
            "sarif" => Ok(Self::Sarif),
            "html" => Ok(Self::Html),
            _ => Err(UnknownFormat(word.to_owned())),
        }
    }
}

/// A report that cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// As JSON.
    #[error("the report cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// As CSV.
    #[error("the report cannot be written as CSV: {0}")]
    Csv(#[from] ::csv::Error),
    /// As text.
    #[error("the report cannot be written: {0}")]
    Text(#[from] fmt::Error),
}

impl Report {
    pub(crate) fn new(estate: Estate, findings: Vec<Finding>, settings: &Settings) -> Self {
        let figures = Figures::of(&estate, settings);
        let first = order::first(&estate, settings);
        let Settings { as_of, longest, idle, map: _ } = *settings;
        Self { as_of, longest, idle, estate, findings, figures, first, stale: Vec::new() }
    }

    /// What a finding is about, in one word.
    pub fn subject(&self, finding: &Finding) -> String {
        match finding.subject {
            Subject::Key(ix) => self.estate.keys.get(ix).map(|key| key.id.clone()).unwrap_or_default(),
            Subject::Account(ix) => self.estate.accounts.get(ix).map(Account::label).unwrap_or_default(),
            Subject::Estate => "the estate".to_owned(),
        }
    }

    /// How much the worst finding matters that nobody accepted.
    pub fn worst(&self) -> Option<Severity> {
        self.findings.iter().filter(|finding| finding.accepted.is_none()).map(|finding| finding.severity).max()
    }

    /// The report in one of its forms; `width` is the terminal's, where there is one.
    ///
    /// # Errors
    /// None that an estate could cause.
    pub fn write(&self, format: Format, width: Option<u16>) -> Result<String, WriteError> {
        match format {
            Format::Terminal => Ok(terminal::write(self, width)?),
            Format::Json => Ok(json::write(self)?),
            Format::JsonLines => Ok(json::lines(self)?),
            Format::Csv => csv::write(self),
            Format::Markdown => Ok(markdown::write(self)?),
            Format::Sarif => Ok(sarif::write(self)?),
            Format::Html => Ok(html::write(self)?),
        }
    }

    /// The keys that have to be reckoned with.
    fn living(&self) -> impl Iterator<Item = &Key> {
        self.estate.keys.iter().filter(|key| key.lives(self.as_of))
    }

    /// The findings about keys that nobody accepted, the worst of each key first.
    fn open(&self) -> HashMap<Ix, Vec<&Finding>> {
        let mut open: HashMap<Ix, Vec<&Finding>> = HashMap::new();
        for finding in self.findings.iter().filter(|finding| finding.accepted.is_none()) {
            if let Subject::Key(ix) = finding.subject {
                open.entry(ix).or_default().push(finding);
            }
        }
        open
    }

    /// Which keys to close first, of those with a finding that nobody accepted.
    fn closing(&self) -> Vec<Closing<'_>> {
        let mut open = self.open();
        let closing = self.first.iter().filter_map(|first| {
            let findings = open.remove(&first.key)?;
            let key = self.estate.keys.get(first.key)?;
            Some(Closing { first, key, holder: self.estate.holders(key).next(), findings })
        });
        closing.collect()
    }

    fn holders(&self, key: &Key) -> String {
        self.estate.holders(key).map(|holder| holder.name.clone()).collect::<Vec<_>>().join(", ")
    }
}

/// One of the keys to close first.
struct Closing<'r> {
    first: &'r First,
    key: &'r Key,
    holder: Option<&'r Account>,
    /// Never empty, the worst first.
    findings: Vec<&'r Finding>,
}

impl Closing<'_> {
    /// The finding whose mend is the shortest way: a key that nobody needs is simply closed.
    fn chief(&self) -> Option<&Finding> {
        let of = |rule: &str| self.findings.iter().find(|finding| finding.rule == rule);
        of("holder-gone").or_else(|| of("unused")).or(self.findings.first()).copied()
    }

    /// How it is mended where it lives.
    fn mend(&self) -> &str {
        self.chief().map_or("", |finding| &finding.mend)
    }

    /// What shows its powers, or else what is wrong with it.
    fn evidence(&self) -> Option<&Evidence> {
        let shows = |finding: &&Finding| finding.evidence().nth(1).is_some();
        let finding = self.findings.iter().copied().find(shows).or_else(|| self.chief())?;
        finding.evidence().nth(1).or_else(|| finding.evidence().next())
    }
}

#[cfg(test)]
mod tests;

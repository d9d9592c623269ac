//! What is accepted, why, and until when: a TOML file that is reviewed like code.
//!
//! ```toml
//! [[accept]]
//! rule = "never-ends"
//! subject = "backup-key"        # as reports name it; `*` matches anything
//! reason = "replaced in the move to workload identity"
//! until = "2027-03-31"
//! ```

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::Deserialize;

use crate::{glob, report::Report};

/// What is accepted.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    #[serde(default)]
    accept: Vec<Accept>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Accept {
    rule: String,
    subject: String,
    reason: String,
    until: Date,
}

/// A baseline that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum BaselineError {
    /// It is no TOML, or an entry lacks something.
    #[error("the baseline cannot be read: {0}")]
    Toml(#[from] toml::de::Error),
    /// An entry that says nothing.
    #[error("the baseline accepts `{0}` of `{1}` without a reason; write one, so that the next reader knows")]
    NoReason(String, String),
}

impl Baseline {
    /// Reads a baseline.
    ///
    /// # Errors
    /// Where it is no TOML, or an entry has no rule, subject, reason or end.
    pub fn read(text: &str) -> Result<Self, BaselineError> {
        let baseline: Self = toml::from_str(text)?;
        match baseline.accept.iter().find(|accept| accept.reason.trim().is_empty()) {
            Some(accept) => Err(BaselineError::NoReason(accept.rule.clone(), accept.subject.clone())),
            None => Ok(baseline),
        }
    }

    /// Marks what is accepted. Entries that have ended, or match nothing any more, are told.
    pub fn apply(&self, report: &mut Report) -> Vec<String> {
        let now = report.as_of;
        let mut stale = Vec::new();
        for accept in &self.accept {
            let Accept { rule, subject, reason, until } = accept;
            let ended = until.to_zoned(TimeZone::UTC).is_ok_and(|end| end.timestamp() <= now);
            let found: Vec<usize> = (0..report.findings.len())
                .filter(|at| {
                    report.findings.get(*at).is_some_and(|finding| {
                        glob::matches(rule, finding.rule) && glob::matches(subject, &report.subject(finding))
                    })
                })
                .collect();
            if found.is_empty() {
                stale.push(format!(
                    "`{rule}` of `{subject}` is accepted, and is not found any more; take the entry out"
                ));
            } else if ended {
                stale.push(format!("`{rule}` of `{subject}` was accepted until {until}; mend it, or accept it anew"));
            } else {
                for at in found {
                    if let Some(finding) = report.findings.get_mut(at) {
                        finding.accepted = Some(format!("{reason} (until {until})"));
                    }
                }
            }
        }
        report.stale.clone_from(&stale);
        stale
    }
}

/// The beginning of a day, in UTC.
pub fn day(day: Date) -> Option<Timestamp> {
    day.to_zoned(TimeZone::UTC).ok().map(|at| at.timestamp())
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use law::Severity;

    use super::*;
    use crate::{Audit, Settings};

    fn report() -> Report {
        let mut audit = Audit::new(Settings::at("2026-11-29T00:00:00Z".parse().unwrap()));
        audit.read("k.csv", Cursor::new(b"key,expires\na,never\nb,never\n".to_vec()));
        audit.finish()
    }

    #[test]
    fn what_is_accepted_does_not_count_until_it_ends() {
        let accept = |until: &str| {
            let text = format!("[[accept]]\nrule='never-ends'\nsubject='a'\nreason='moved soon'\nuntil='{until}'\n");
            let mut report = report();
            let stale = Baseline::read(&text).unwrap().apply(&mut report);
            let counted = |finding: &&crate::rules::Finding| finding.rule == "never-ends" && finding.accepted.is_none();
            (report.findings.iter().filter(counted).count(), stale.len(), report.worst())
        };
        assert_eq!(accept("2027-01-01"), (1, 0, Some(Severity::Warning)));
        assert_eq!(accept("2026-11-29"), (2, 1, Some(Severity::Warning)));
    }

    #[test]
    fn an_entry_needs_a_reason_and_an_end() {
        assert!(Baseline::read("[[accept]]\nrule='x'\nsubject='a'\nreason=' '\nuntil='2027-01-01'\n").is_err());
        assert!(Baseline::read("[[accept]]\nrule='x'\nsubject='a'\nreason='y'\n").is_err());
        let stale = Baseline::read("[[accept]]\nrule='x'\nsubject='*'\nreason='y'\nuntil='2027-01-01'\n")
            .unwrap()
            .apply(&mut report());
        assert_eq!(stale.len(), 1);
    }
}

//! The law, what it would ask, and how the gate stands.

use std::fmt;

use jiff::{Timestamp, civil::Date};
use law::{HolderKind, KeyId, Power, Powers, Verdict, Who};
use serde::{Deserialize, Serialize};

use super::Proof;

/// `GET /v1/law`: the law in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LawView {
    /// One line for every cell: kind of holder, power, guard, mode.
    pub page: String,
    /// SHA-256 of the page, in hexadecimal.
    pub digest: String,
    /// When it was put into force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loaded: Option<Timestamp>,
    /// The posture in force, which the law is part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub posture: Option<PostureView>,
    /// What only observes now.
    pub observing: Observing,
    /// A weaker posture that waits for a code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<WaitingLaw>,
}

/// What the gate goes by as a whole, by digests: SHA-256, in hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostureView {
    /// Of the whole.
    pub digest: String,
    /// Of the configuration.
    pub config: String,
    /// Of the catalogue's lock.
    pub lock: String,
    /// Of the API's document.
    pub document: String,
}

/// A posture that makes something easier and waits for an administrator's code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingLaw {
    /// The page of its law.
    pub page: String,
    /// The posture's digest, in hexadecimal.
    pub digest: String,
    /// What it makes easier.
    pub weaker: Vec<WeakerPart>,
}

/// What a waiting posture makes easier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WeakerPart {
    /// A cell such as `person grant`, a setting such as `api.open`, or an operation.
    pub what: String,
    /// What is in force.
    pub from: String,
    /// What waits.
    pub to: String,
}

/// `POST /v1/law/accept` and `/v1/law/refuse`: puts what waits into force, or lets it go.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct AcceptLaw {
    /// The digest of what was read.
    pub digest: String,
    /// An administrator and their code.
    #[serde(flatten)]
    pub proof: Proof,
}

/// What only observes now, of the guards that ask for more than the key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observing {
    /// Whether nothing is asked at all.
    pub everything: bool,
    /// The cells that observe.
    pub cells: Vec<ObservingCell>,
}

/// A cell that observes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObservingCell {
    /// The kind of holder.
    pub kind: HolderKind,
    /// The power.
    pub power: Power,
    /// Until this day begins, in UTC.
    pub until: Date,
}

/// What the law requires for one power.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guarded {
    /// The power.
    pub power: Power,
    /// What is required, such as `possession | person within 8h`.
    pub guard: String,
    /// `enforce`, or `observe until 2027-01-15`.
    pub mode: String,
    /// Whether it is enforced now.
    pub enforced: bool,
}

/// `GET /v1/guards/preview`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PreviewFilter {
    /// How far back to look, such as `7d`; a week where it is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<law::Span>,
}

/// Whom enforcing would have asked or refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    /// From when on the record was read.
    pub since: Timestamp,
    /// Calls that were read.
    pub calls: u64,
    /// Calls that enforcing would have asked about or refused.
    pub stopped: u64,
    /// By key and operation, the most frequent first.
    pub lines: Vec<PreviewLine>,
    /// What of the record could not be read.
    pub damage: Vec<String>,
}

/// One key and one operation that enforcing would have stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviewLine {
    /// Who called.
    pub who: Who,
    /// The key, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<KeyId>,
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Who has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<String>,
    /// Method and template.
    pub operation: String,
    /// Its powers when it was last called.
    pub powers: Powers,
    /// `would-ask` or `would-refuse`, as it was decided when it was last called.
    pub then: Verdict,
    /// What the law as it is now, enforced whole, would say: `permit`, `challenge` or `refuse`.
    pub now: Verdict,
    /// How often.
    pub calls: u64,
    /// When first.
    pub first: Timestamp,
    /// When last.
    pub last: Timestamp,
}

/// `GET /v1/health`: how the gate stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthView {
    /// The first eight bytes of the law's digest, in hexadecimal, as calls name it.
    pub law: String,
    /// What only observes now.
    pub observing: Observing,
    /// Whether a weaker posture waits for a code.
    pub law_waits: bool,
    /// Open questions.
    pub questions: usize,
    /// Known keys.
    pub keys: usize,
    /// Known keys without a known holder.
    pub keys_without_holder: usize,
    /// Operations of the catalogue.
    pub operations: usize,
    /// How the record stands.
    pub record: RecordHealth,
    /// Settings of the configuration in force that the next start alone takes over.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub at_next_start: Vec<String>,
    /// Since when the ledger takes nothing, where the last change could not be written: nobody can
    /// be asked then, and no key changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ledger_unwritten_since: Option<Timestamp>,
}

/// How the record stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum RecordHealth {
    /// The gate is not running.
    Closed,
    /// All is written.
    Well,
    /// It cannot be written.
    Failing {
        /// Why, in words.
        reason: String,
        /// Since when.
        since: Timestamp,
        /// What that means for calls, in words.
        meaning: String,
    },
}

impl Observing {
    /// Whether anything observes.
    pub const fn is_any(&self) -> bool {
        !self.cells.is_empty()
    }
}

impl fmt::Display for Observing {
    /// `observing until 2027-01-15: nothing is asked`, or the powers that are not asked for.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut days: Vec<Date> = self.cells.iter().map(|cell| cell.until).collect();
        days.sort_unstable();
        days.dedup();
        if let ([day], true) = (days.as_slice(), self.everything) {
            return write!(f, "observing until {day}: nothing is asked");
        }
        if days.is_empty() {
            return f.write_str("every guard is enforced");
        }
        f.write_str("observing: nothing is asked for ")?;
        for (place, day) in days.iter().enumerate() {
            if place > 0 {
                f.write_str("; for ")?;
            }
            let of = |kind: HolderKind| -> Powers {
                self.cells
                    .iter()
                    .filter(|cell| cell.until == *day && cell.kind == kind)
                    .map(|cell| cell.power)
                    .collect()
            };
            let [people, workloads, vendors] = HolderKind::ALL.map(of);
            if people == workloads && workloads == vendors {
                write!(f, "{}", words(people))?;
            } else {
                let parts = HolderKind::ALL.into_iter().zip([people, workloads, vendors]);
                let parts: Vec<String> = parts
                    .filter(|(_, powers)| !powers.is_empty())
                    .map(|(kind, powers)| format!("{} of a {kind}", words(powers)))
                    .collect();
                f.write_str(&parts.join(" and "))?;
            }
            write!(f, " until {day}")?;
        }
        Ok(())
    }
}

fn words(powers: Powers) -> String {
    powers.iter().map(Power::word).collect::<Vec<_>>().join(", ")
}

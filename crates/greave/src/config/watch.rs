//! `[watch]`: what looks at calls, and what is done about what it finds.

use std::{fmt, path::PathBuf, sync::Arc};

use gateway::{WatchMode, WatchRules};
use law::{Span, Step};
use serde::Deserialize;
use watch::{Settings, Surroundings};

use super::surroundings::{self, Expected, NoNetworks};

/// How calls are watched.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Watch {
    pub(crate) mode: Mode,
    /// How findings about keys of people, of one's own programs, and of others' are answered.
    pub(crate) person: Answers,
    pub(crate) workload: Answers,
    pub(crate) vendor: Answers,
    /// How a known leak is.
    pub(crate) leaked: Step,
    /// So many keys are contained within an hour; more need a person.
    pub(crate) most_an_hour: usize,
    /// So many are asked for a second factor within an hour.
    pub(crate) most_asked_an_hour: usize,
    /// What looks like a theft is frozen when nobody has answered for so long.
    pub(crate) unanswered: Span,
    /// How long a step-up lasts.
    pub(crate) asks: Span,
    /// How long a freeze and what is stricter last.
    pub(crate) lasts: Span,
    /// Detectors that do not look, each with its reason.
    pub(crate) off: Vec<Off>,
    /// A table of networks' numbers, beside the file where it is relative.
    pub(crate) networks: Option<PathBuf>,
    /// Blocks from where calls are expected.
    pub(crate) expected: Vec<Expected>,
}

/// What is done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Mode {
    /// Nothing is looked at.
    Off,
    /// It is only told what would be done.
    #[default]
    DryRun,
    /// Keys are contained.
    On,
}

impl Mode {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::DryRun => "dry-run",
            Self::On => "on",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// What each severity is answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Answers {
    pub(crate) info: Step,
    pub(crate) warning: Step,
    pub(crate) high: Step,
    pub(crate) critical: Step,
}

/// A detector that does not look.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Off {
    pub(crate) detector: String,
    pub(crate) why: String,
}

impl Default for Answers {
    fn default() -> Self {
        let watch::Answers { info, warning, high, critical } = Settings::default().workload;
        Self { info, warning, high, critical }
    }
}

impl Default for Watch {
    fn default() -> Self {
        let Settings {
            person: _,
            workload: _,
            vendor: _,
            canary: _,
            leaked,
            most_an_hour,
            most_asked_an_hour,
            unanswered_minutes,
            asks_minutes,
            lasts_minutes,
            dry_run: _,
        } = Settings::default();
        Self {
            mode: Mode::default(),
            person: Answers::default(),
            workload: Answers::default(),
            vendor: Answers::default(),
            leaked,
            most_an_hour,
            most_asked_an_hour,
            unanswered: Span::minutes(unanswered_minutes),
            asks: Span::minutes(asks_minutes),
            lasts: Span::minutes(lasts_minutes),
            off: Vec::new(),
            networks: None,
            expected: Vec::new(),
        }
    }
}

impl Watch {
    pub(super) fn check(&self) -> Result<(), String> {
        for Off { detector, why } in &self.off {
            if !watch::detectors().iter().any(|known| known.name == detector) {
                let names: Vec<&str> = watch::detectors().iter().map(|known| known.name).collect();
                return Err(format!("off: `{detector}` is no detector; there are {}", names.join(", ")));
            }
            if why.trim().is_empty() {
                return Err(format!("off: say in `why` for what reason `{detector}` does not look"));
            }
        }
        self.expected.iter().try_for_each(Expected::check)?;
        for (what, span) in [("unanswered", self.unanswered), ("asks", self.asks), ("lasts", self.lasts)] {
            if span < Span::minutes(1) {
                return Err(format!("{what}: `{span}` is over before anybody has looked; write `1m` or more"));
            }
        }
        for (who, answers) in [("person", self.person), ("workload", self.workload), ("vendor", self.vendor)] {
            let Answers { info, warning, high, critical } = answers;
            if !(info <= warning && warning <= high && high <= critical) {
                return Err(format!(
                    "{who}: what is worse is answered more mildly; order the steps from info to critical"
                ));
            }
        }
        Ok(())
    }

    /// As the gate takes it.
    ///
    /// # Errors
    /// When the table of networks cannot be read.
    pub(crate) fn rules(&self) -> Result<WatchRules, NoNetworks> {
        Ok(WatchRules {
            mode: match self.mode {
                Mode::On => WatchMode::On,
                Mode::DryRun => WatchMode::DryRun,
                Mode::Off => WatchMode::Off,
            },
            ladder: self.ladder(),
            off: self.off.iter().map(|off| off.detector.clone()).collect(),
            surroundings: self.surroundings()?,
        })
    }

    /// What is known of sources.
    ///
    /// # Errors
    /// When the table of networks cannot be read.
    pub(crate) fn surroundings(&self) -> Result<Arc<Surroundings>, NoNetworks> {
        let networks = self.networks.as_deref().map(surroundings::read).transpose()?;
        Ok(Arc::new(Surroundings { networks, expected: self.expected.iter().map(Expected::as_watched).collect() }))
    }

    /// How findings are answered.
    pub(crate) fn ladder(&self) -> Settings {
        let answers =
            |Answers { info, warning, high, critical }: Answers| watch::Answers { info, warning, high, critical };
        let minutes = |span: Span| span.as_secs() / 60;
        Settings {
            person: answers(self.person),
            workload: answers(self.workload),
            vendor: answers(self.vendor),
            leaked: self.leaked,
            most_an_hour: self.most_an_hour,
            most_asked_an_hour: self.most_asked_an_hour,
            unanswered_minutes: minutes(self.unanswered),
            asks_minutes: minutes(self.asks),
            lasts_minutes: minutes(self.lasts),
            ..Settings::default()
        }
    }
}

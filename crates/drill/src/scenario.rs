//! Scenarios, as people write them.

use std::{collections::BTreeMap, net::IpAddr};

use law::{Power, Span};
use serde::{Deserialize, Serialize};

/// So many calls one scenario makes at most: a drill is no flood.
pub const MOST_CALLS: u32 = 2_000;

/// A scenario takes no longer than this, in seconds: its key would end.
const LONGEST: u64 = 10 * 60;

/// Steps of one scenario.
const MOST_STEPS: usize = 32;

/// So far the watch's clock is put forward at most, in hours: what is usual fades after some weeks.
const MOST_HOURS: u64 = 60 * 24;

/// Rows and bytes that one answer claims at most.
const MOST_ROWS: u64 = 10_000_000;
const MOST_KILOBYTES: u64 = 1 << 20;

/// What a thief does with a key, step by step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// A short name, such as `a1-smash`.
    pub name: String,
    /// What happens, in one sentence.
    pub story: String,
    /// After this step it is too late: nothing of a later one is to pass. Counted from one.
    pub contain_by: u32,
    /// What was before.
    #[serde(default)]
    pub past: Past,
    /// Addresses by name, beside `home` and `thief`. Of ranges that nobody has.
    #[serde(default)]
    pub sources: BTreeMap<String, IpAddr>,
    /// What is done, in its order.
    #[serde(rename = "step")]
    pub steps: Vec<Step>,
}

/// What a made-up key did before, beside reading a few things a few times a day.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Past {
    /// Days for which the key was silent.
    pub silent_days: u32,
    /// Days since another key has taken its place, and it fell silent; 0 where none has.
    pub rotated_days: u32,
    /// Powers that it has always used.
    pub used_to: Vec<Power>,
}

impl Past {
    /// Whether it is any other than usual.
    pub fn is_special(&self) -> bool {
        *self != Self::default()
    }
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// What is done, in a few words.
    pub name: String,
    /// What is called.
    pub call: Wanted,
    /// How often.
    #[serde(default = "once")]
    pub times: u32,
    /// How long before each call.
    #[serde(default)]
    pub wait_ms: u64,
    /// How long before the first call.
    #[serde(default)]
    pub pause_ms: u64,
    /// By how much the watch's clock is put forward before each call. Nobody waits for it.
    #[serde(default)]
    pub wait_hours: u64,
    /// The same before the first call.
    #[serde(default)]
    pub pause_hours: u64,
    /// With which key.
    #[serde(default)]
    pub with: With,
    /// From where.
    #[serde(default)]
    pub from: From,
    /// With which program.
    #[serde(default)]
    pub program: Program,
    /// What the API would have answered.
    #[serde(default)]
    pub answer: Answer,
    /// Whether it is what the key's own program does meanwhile, and no step of the thief's.
    #[serde(default)]
    pub honest: bool,
}

/// What is called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum Wanted {
    /// This one, by its name in the catalogue.
    Operation {
        /// Such as `DELETE /users/{name}`.
        operation: String,
    },
    /// Any that lets its caller do this.
    Power {
        /// What.
        power: Power,
        /// Whether each call is another operation, as far as there are.
        #[serde(default)]
        different: bool,
        /// Whether it is one that the key always asks for.
        #[serde(default)]
        usual: bool,
    },
    /// Any that reads nothing but ordinary data.
    Reads {
        /// Whether it is one that the key never asked for.
        reads: Reads,
        /// Whether each call is another operation, as far as there are.
        #[serde(default)]
        different: bool,
        /// Whether it reads one thing by its id; each call asks for another.
        #[serde(default)]
        single: bool,
    },
}

/// With which key a call is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum With {
    /// The stolen one.
    #[default]
    Stolen,
    /// The one that an answer brought; where none did, the step is not played.
    Child,
}

/// Which reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reads {
    /// What the key always asks for.
    Usual,
    /// What it never asked for.
    New,
}

/// From where a call comes: `home`, `near`, `thief`, `many`, or a name of `[sources]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum From {
    /// From where the key is usually used.
    Home,
    /// From another address of the same network.
    Near,
    /// From another network.
    #[default]
    Thief,
    /// Each call from another network.
    Many,
    /// From an address that the scenario names.
    Named(String),
}

impl std::convert::From<String> for From {
    fn from(text: String) -> Self {
        match text.as_str() {
            "home" => Self::Home,
            "near" => Self::Near,
            "thief" => Self::Thief,
            "many" => Self::Many,
            _ => Self::Named(text),
        }
    }
}

impl std::convert::From<From> for String {
    fn from(from: From) -> Self {
        match from {
            From::Home => "home".to_owned(),
            From::Near => "near".to_owned(),
            From::Thief => "thief".to_owned(),
            From::Many => "many".to_owned(),
            From::Named(name) => name,
        }
    }
}

/// With which program: `usual`, or a `User-Agent`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Program {
    /// The key's own.
    Usual,
    /// This one.
    Named(String),
}

impl Default for Program {
    fn default() -> Self {
        Self::Named("python-requests/2.32".to_owned())
    }
}

impl std::convert::From<String> for Program {
    fn from(text: String) -> Self {
        if text == "usual" { Self::Usual } else { Self::Named(text) }
    }
}

impl std::convert::From<Program> for String {
    fn from(program: Program) -> Self {
        match program {
            Program::Usual => "usual".to_owned(),
            Program::Named(name) => name,
        }
    }
}

/// What the API would have answered: the gate answers in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Items in it.
    pub rows: u64,
    /// Its length in kilobytes.
    pub kilobytes: u64,
}

impl Default for Answer {
    fn default() -> Self {
        Self { status: 200, rows: 1, kilobytes: 1 }
    }
}

const fn once() -> u32 {
    1
}

/// Why a text is no scenario.
#[derive(Debug, thiserror::Error)]
pub enum Unfit {
    /// It cannot be read.
    #[error("it cannot be read: {0}")]
    Toml(String),
    /// Something in it.
    #[error("{0}")]
    Is(String),
}

impl Scenario {
    /// Reads a scenario.
    ///
    /// # Errors
    /// When it is none; the error says how to mend it.
    pub fn read(text: &str) -> Result<Self, Unfit> {
        let scenario: Self = toml::from_str(text).map_err(|error| Unfit::Toml(error.to_string().trim().to_owned()))?;
        scenario.check().map_err(Unfit::Is)?;
        Ok(scenario)
    }

    /// Those that everybody has, with their texts, in the order of their names.
    pub fn built_in() -> impl Iterator<Item = (&'static str, &'static str)> {
        BUILT_IN.into_iter()
    }

    /// How long it takes, in milliseconds.
    pub fn takes(&self) -> u64 {
        self.sum(|step| (step.pause_ms, step.wait_ms))
    }

    fn sum(&self, of: impl Fn(&Step) -> (u64, u64)) -> u64 {
        let step = |step: &Step| {
            let (pause, wait) = of(step);
            pause.saturating_add(wait.saturating_mul(u64::from(step.times)))
        };
        self.steps.iter().map(step).fold(0, u64::saturating_add)
    }

    fn check(&self) -> Result<(), String> {
        let letters = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
        if self.name.is_empty() || self.name.len() > 40 || !self.name.chars().all(letters) {
            return Err(format!("`{}` is no name; use 1 to 40 small letters, digits and `-`", self.name));
        }
        if self.steps.is_empty() || self.steps.len() > MOST_STEPS {
            return Err(format!("a scenario has 1 to {MOST_STEPS} steps; write them as `[[step]]`"));
        }
        if self.contain_by == 0 || self.contain_by as usize > self.steps.len() {
            return Err(format!("`contain_by` is the number of a step, 1 to {}", self.steps.len()));
        }
        if self.steps.iter().all(|step| step.honest) {
            return Err("the thief does nothing; leave `honest` away where it is he who calls".to_owned());
        }
        if self.steps.iter().map(|step| step.times).fold(0, u32::saturating_add) > MOST_CALLS {
            return Err(format!("a scenario makes at most {MOST_CALLS} calls"));
        }
        if self.takes() > LONGEST * 1_000 {
            return Err(format!("a scenario takes at most {}; shorten `wait_ms`", Span::seconds(600)));
        }
        if self.sum(|step| (step.pause_hours, step.wait_hours)) > MOST_HOURS {
            return Err(format!("the clock is put forward by at most {MOST_HOURS} hours; shorten `wait_hours`"));
        }
        if self.past.silent_days > 3_650 || self.past.rotated_days > 3_650 {
            return Err("a key is silent for at most 3650 days".to_owned());
        }
        for (name, source) in &self.sources {
            if !is_nobodys(*source) {
                return Err(format!(
                    "`sources.{name}`: `{source}` may be somebody's; take one of 192.0.2.0/24, 198.51.100.0/24, \
                     203.0.113.0/24, 198.18.0.0/15, 240.0.0.0/4 or 2001:db8::/32"
                ));
            }
        }
        self.steps
            .iter()
            .try_for_each(|step| self.check_step(step).map_err(|why| format!("step `{}`: {why}", step.name)))
    }

    fn check_step(&self, step: &Step) -> Result<(), String> {
        if step.times == 0 {
            return Err("`times` is at least 1".to_owned());
        }
        if let From::Named(name) = &step.from
            && !self.sources.contains_key(name)
        {
            return Err(format!(
                "`from = \"{name}\"`: there is no such place; `[sources]` names it, or take `home`, `near`, \
                 `thief`, `many`"
            ));
        }
        if let Program::Named(name) = &step.program
            && (name.len() > 200 || !name.bytes().all(|byte| (0x20..0x7f).contains(&byte)))
        {
            return Err("a program is at most 200 letters of ASCII".to_owned());
        }
        let Answer { status, rows, kilobytes } = step.answer;
        if !(200..600).contains(&status) {
            return Err(format!("`{status}` is no status of an answer; take 200 to 599"));
        }
        if rows > MOST_ROWS || kilobytes > MOST_KILOBYTES {
            return Err(format!("an answer has at most {MOST_ROWS} rows and {MOST_KILOBYTES} kilobytes"));
        }
        Ok(())
    }
}

/// Whether nobody can have this address: what is noted of it is noted of nobody.
pub(crate) fn is_nobodys(source: IpAddr) -> bool {
    match source {
        IpAddr::V4(source) => {
            let [a, b, c, _] = source.octets();
            (a, b, c) == (192, 0, 2)
                || (a, b, c) == (198, 51, 100)
                || (a, b, c) == (203, 0, 113)
                || a == 198 && (b == 18 || b == 19)
                || a >= 240 && !source.is_broadcast()
        }
        IpAddr::V6(source) => matches!(source.segments(), [0x2001, 0xdb8, ..]),
    }
}

macro_rules! built_in {
    ($($name:literal),+ $(,)?) => {
        [$(($name, include_str!(concat!("../scenarios/", $name, ".toml")))),+]
    };
}

const BUILT_IN: [(&str, &str); 19] = built_in![
    "a1-smash",
    "a10-export-and-erase",
    "a11-destroy",
    "a12-worm",
    "a3-key-mints-key",
    "a4-factor-stripped",
    "a5-back-door-user",
    "a6-dormant",
    "a7-split-source",
    "a8-proxies",
    "home-child",
    "home-creep",
    "home-destroy",
    "home-enumerate",
    "home-export-and-erase",
    "home-mint",
    "home-probe",
    "home-rotated",
    "home-worm",
];

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = r#"
        name = "small"
        story = "somebody looks"
        contain_by = 1
        [[step]]
        name = "look"
        call = { reads = "new" }
    "#;

    #[test]
    fn every_built_in_scenario_can_be_read_and_has_the_name_of_its_file() {
        for (name, text) in Scenario::built_in() {
            let scenario = Scenario::read(text).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(scenario.name, name);
        }
    }

    #[test]
    fn what_is_wrong_with_a_scenario_is_said() {
        assert!(Scenario::read(SMALL).is_ok());
        for (from, to, says) in [
            ("name = \"small\"", "name = \"Sma ll\"", "is no name"),
            ("contain_by = 1", "contain_by = 2", "1 to 1"),
            ("name = \"look\"", "name = \"look\"\ntimes = 0", "at least 1"),
            ("name = \"look\"", "name = \"look\"\ntimes = 2001", "at most 2000 calls"),
            ("name = \"look\"", "name = \"look\"\nwait_ms = 601000", "shorten"),
            ("name = \"look\"", "name = \"look\"\nwait_hours = 1441", "shorten"),
            ("contain_by = 1", "contain_by = 1\npast.used_to = [\"fly\"]", "cannot be read"),
            ("contain_by = 1", "contain_by = 1\npast.silent_days = 99999", "at most 3650"),
            ("contain_by = 1", "contain_by = 1\npast.silent = 1", "unknown field"),
            ("name = \"look\"", "name = \"look\"\nwith = \"two\"", "cannot be read"),
            ("name = \"look\"", "name = \"look\"\nfrom = \"moon\"", "no such place"),
            ("name = \"look\"", "name = \"look\"\nhonest = true", "does nothing"),
            ("name = \"look\"", "name = \"look\"\nheaders = {}", "unknown field"),
            ("name = \"look\"", "name = \"look\"\nanswer = { status = 101 }", "no status"),
            ("contain_by = 1", "contain_by = 1\nsources = { x = \"8.8.8.8\" }", "may be somebody's"),
            ("call = { reads = \"new\" }", "call = { power = \"fly\" }", "cannot be read"),
        ] {
            assert!(SMALL.contains(from));
            let error = Scenario::read(&SMALL.replace(from, to)).unwrap_err().to_string();
            assert!(error.contains(says), "{to}: {error}");
        }
    }
}

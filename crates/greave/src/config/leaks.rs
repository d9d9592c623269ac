//! `[leaks]`: who may report leaked keys without being known here.

use std::collections::{BTreeMap, BTreeSet};

use console::LeakDoors;
use factor::report::Reporter;
use law::KeyId;
use serde::Deserialize;

/// Who may report leaked keys without being known here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Leaks {
    /// Whether strangers may, at `POST /v1/leaks/found` of the desk.
    pub(crate) found: bool,
    /// GitHub's public keys by their identifiers: its reports are taken at `POST /v1/leaks/github`.
    pub(crate) github: BTreeMap<String, String>,
    /// Keys that lie open by their nature, such as `k17`: reports of them are told, and stop nothing.
    pub(crate) public: BTreeSet<KeyId>,
}

impl Leaks {
    pub(crate) fn doors(&self) -> Result<LeakDoors, String> {
        let reporter = |(id, key): (&String, &String)| {
            Reporter::new(id, key).map_err(|error| format!("github: the key `{id}`: {error}"))
        };
        let github = self.github.iter().map(reporter).collect::<Result<_, _>>()?;
        Ok(LeakDoors { found: self.found, github, public: self.public.clone() })
    }
}

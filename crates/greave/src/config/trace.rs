//! `[trace]`: where traces go.

use std::path::{Path, PathBuf};

use serde::Deserialize;

/// Where traces go, and which.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Trace {
    /// A collector's address for OTLP over HTTP, such as `http://127.0.0.1:4318/v1/traces`.
    pub(crate) to: String,
    /// Of requests that come in no trace, this share begins one, from 0 to 1.
    #[serde(default = "all")]
    pub(crate) sample: f64,
    /// What the gate is called there.
    #[serde(default = "service")]
    pub(crate) service: String,
    #[serde(default)]
    pub(crate) gzip: bool,
    /// The name of a credential: a file in `secrets/` of the state folder.
    pub(crate) secret: Option<String>,
    pub(crate) header: Option<String>,
    pub(crate) scheme: Option<String>,
    /// Certificate authorities, PEM, where they are not the system's.
    pub(crate) authorities: Option<PathBuf>,
    #[serde(default)]
    pub(crate) danger_plain: bool,
}

const fn all() -> f64 {
    1.0
}

fn service() -> String {
    "greave".to_owned()
}

impl Trace {
    pub(super) fn take_from(&mut self, folder: &Path) {
        if let Some(authorities) = &mut self.authorities {
            *authorities = folder.join(&*authorities);
        }
    }

    pub(super) fn check(&self) -> Result<(), String> {
        if !(0.0..=1.0).contains(&self.sample) {
            return Err(format!("sample: `{}` is no share; write a number from 0 to 1", self.sample));
        }
        if self.secret.is_none() && (self.header.is_some() || self.scheme.is_some()) {
            return Err("header and scheme say where the `secret` stands; name one".to_owned());
        }
        Ok(())
    }
}

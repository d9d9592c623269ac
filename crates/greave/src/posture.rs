//! What the gate goes by as a whole: configuration, lock and document.
//!
//! The three are compared as one with those in force. What makes anything easier waits for a
//! person, as a whole; so that the gate can go on by what is in force, and start by it, the
//! files in force are kept in the state folder under their digests.

mod at_start;
mod catalogue;
mod compare;
mod kept;
mod unfit;

use std::{
    fs,
    path::{Path, PathBuf},
};

use authority::{Authority, Digest, Files, Loaded, Offer, Weaker};
use jiff::Timestamp;

use self::kept::Kept;
pub(crate) use self::{at_start::at_next_start, kept::KeptError};
use crate::{
    config::{Config, ConfigError},
    document::{Document, DocumentError},
    house::HouseError,
};

/// What a ledger's entry lists; a page beyond it is read by nobody.
const MOST: usize = 200;

/// What stands in the three files.
#[derive(Clone)]
pub(crate) struct Texts {
    pub(crate) config: String,
    pub(crate) lock: String,
    pub(crate) document: Vec<u8>,
}

/// What a posture comes to.
pub(crate) struct Looked {
    /// What to go by: this one, or the one in force where this one waits.
    pub(crate) posture: Posture,
    pub(crate) law: Loaded,
    /// What has not come into force yet.
    pub(crate) pending: Option<Pending>,
}

/// A posture that comes into force when the gate stands.
pub(crate) struct Pending {
    state: PathBuf,
    texts: Texts,
    offer: Offer,
}

/// The three files, read.
pub(crate) struct Posture {
    pub(crate) config: Config,
    pub(crate) document: Document,
    pub(crate) texts: Texts,
    /// The configuration file, wherever its text comes from: paths in it are relative to it.
    path: PathBuf,
}

impl Texts {
    /// By what they are known.
    pub(crate) fn files(&self) -> Files {
        let Self { config, lock, document } = self;
        Files {
            config: Digest::of(config.as_bytes()),
            lock: Digest::of(lock.as_bytes()),
            document: Digest::of(document),
        }
    }
}

impl Posture {
    /// What the operator has written: the file, and the lock and the document that it names.
    pub(crate) fn read(path: &Path) -> Result<Self, HouseError> {
        let config = fs::read_to_string(path)
            .map_err(|cause| ConfigError::Missing { path: path.to_owned(), cause })
            .map_err(HouseError::Config)?;
        let parsed = Config::parse(path, &config)?;
        let document = Document::bytes(&parsed)?;
        let lock = Document::lock(&parsed)?;
        let posture = Self::of(path, Texts { config, lock, document }, parsed)?;
        // Of what is written alone: what a person has accepted stays in force.
        unfit::check(&posture.config, &posture.document.catalogue)
            .map_err(|(what, why)| HouseError::Config(ConfigError::Unfit { path: path.to_owned(), what, why }))?;
        Ok(posture)
    }

    fn of(path: &Path, texts: Texts, config: Config) -> Result<Self, DocumentError> {
        let document = Document::obeying(&config, &texts.document, &texts.lock)?;
        Ok(Self { config, document, texts, path: path.to_owned() })
    }

    /// What is kept of these files. The state folder is the one in use, even where it has
    /// moved since.
    pub(crate) fn of_state(path: &Path, state: &Path, files: &Files) -> Result<Self, HouseError> {
        let kept = Kept::of(state);
        let texts = kept.read(files)?;
        let mut config = Config::parse(path, &texts.config).map_err(|error| kept.unreadable(&error))?;
        config.gate.state = state.to_owned();
        Self::of(path, texts, config).map_err(|error| kept.unreadable(&error).into())
    }

    /// What was in force over a state of the past, which lies elsewhere.
    pub(crate) fn of_past(path: &Path, state: &Path, files: &Files, past: &Path) -> Result<Self, HouseError> {
        let mut posture = Self::of_state(path, state, files)?;
        posture.config.gate.state = past.to_owned();
        Ok(posture)
    }

    /// The posture of these files over the same state.
    pub(crate) fn beside(&self, files: &Files) -> Result<Self, HouseError> {
        Self::of_state(&self.path, &self.config.gate.state, files)
    }

    /// What this posture makes easier than the one in force, the law aside.
    pub(crate) fn weaker_than(&self, in_force: &Self) -> Vec<Weaker> {
        let mut weaker = compare::settings(&in_force.config, &self.config);
        weaker.extend(catalogue::weaker(
            (&in_force.config, &in_force.document.catalogue),
            (&self.config, &self.document.catalogue),
        ));
        if let Some(more) = weaker.len().checked_sub(MOST).filter(|more| *more > 0) {
            weaker.truncate(MOST);
            weaker.push(Weaker { what: format!("and {more} more"), from: String::new(), to: String::new() });
        }
        weaker
    }

    /// Finds out what this posture comes to, and writes down no more than that it waits for a
    /// person. What would come into force does so when it is [settled](Pending::settle): a gate
    /// that cannot start, and who only looks, have taken over nothing.
    pub(crate) async fn look(self, authority: &Authority, now: Timestamp) -> Result<Looked, HouseError> {
        let (files, law) = (self.texts.files(), self.config.guard.law());
        let (known, waits) = authority.view(|state| (state.posture(), state.waiting().is_some()));
        let mut waits = waits || !authority::weaker_cells(&law, &authority.law().law, now).is_empty();
        let mut loaded = Loaded::InForce;
        match known {
            Some((_, known)) => {
                waits |= known != files && !self.weaker_than(&self.beside(&known)?).is_empty();
                if waits {
                    let (posture, law) = self.load(authority, now).await?;
                    return Ok(Looked { posture, law, pending: None });
                }
            }
            // Before the first start the law alone can be weaker: no files are in force yet.
            None if waits => {
                let offer = Offer::of_law(law.clone());
                loaded = authority.load(&offer, now).await.map_err(crate::state::StateError::from)?;
            }
            None => {}
        }
        let against = known.map(|(digest, _)| digest);
        let offer = Offer { files, law, against, weaker: Vec::new() };
        let pending = Pending { state: self.config.gate.state.clone(), texts: self.texts.clone(), offer };
        Ok(Looked { posture: self, law: loaded, pending: Some(pending) })
    }

    /// Puts this posture into force, or lets it wait. Gives back the one in force.
    pub(crate) async fn load(self, authority: &Authority, now: Timestamp) -> Result<(Self, Loaded), HouseError> {
        let (state, files) = (&self.config.gate.state, self.texts.files());
        loop {
            let known = authority.view(authority::State::posture);
            let in_force = match known {
                Some((_, known)) if known != files => Some(self.beside(&known)?),
                _ => None,
            };
            let weaker = in_force.as_ref().map(|in_force| self.weaker_than(in_force)).unwrap_or_default();
            let against = known.map(|(digest, _)| digest);
            let offer = Offer { files, law: self.config.guard.law(), against, weaker };
            let loaded = offered(state, &self.texts, &offer, authority, now).await?;
            if loaded != Loaded::Overtaken {
                return Ok((in_force.filter(|_| loaded != Loaded::InForce).unwrap_or(self), loaded));
            }
        }
    }

    /// The line of the file where something of it stands, such as `greave.toml:12`.
    pub(crate) fn line(&self, what: &str) -> Option<String> {
        let in_lock = || {
            let entry = format!("\"{what}\" =");
            let line = self.texts.lock.lines().position(|line| line.starts_with(&entry))?;
            Some((&self.config.api.lock, line + 1))
        };
        let in_config = || {
            let (section, name) = what.rsplit_once('.').or_else(|| guard(what))?;
            Some((&self.path, crate::lines::find(&self.texts.config, section, name)?.0))
        };
        let (path, line) = in_config().or_else(in_lock)?;
        Some(format!("{}:{line}", path.file_name()?.to_string_lossy()))
    }
}

impl Pending {
    /// Puts it into force.
    pub(crate) async fn settle(self, authority: &Authority, now: Timestamp) -> Result<Loaded, HouseError> {
        let loaded = offered(&self.state, &self.texts, &self.offer, authority, now).await?;
        if loaded == Loaded::Overtaken {
            let text = "another configuration was accepted while the gate started; start it again";
            return Err(HouseError::Setting(text.to_owned()));
        }
        Ok(loaded)
    }
}

/// Offers what stands in these files; those in force, and those that wait, are kept.
async fn offered(
    state: &Path,
    texts: &Texts,
    offer: &Offer,
    authority: &Authority,
    now: Timestamp,
) -> Result<Loaded, HouseError> {
    let kept = Kept::of(state);
    // What the ledger names must be there before it is named.
    kept.keep(texts)?;
    let loaded = authority.load(offer, now).await.map_err(crate::state::StateError::from)?;
    if loaded != Loaded::Overtaken {
        let needed = authority.view(|state| {
            let waiting = state.waiting().and_then(|waiting| waiting.files);
            // Whoever asks later what was in force then is answered by what is kept.
            state.postures().iter().copied().chain(waiting).collect::<Vec<_>>()
        });
        kept.forget_all_but(&needed);
    }
    Ok(loaded)
}

/// Where a cell of the law such as `workload grant` stands; of a person, in the table for all.
fn guard(cell: &str) -> Option<(&str, &str)> {
    let (kind, power) = cell.split_once(' ')?;
    let section = match kind {
        "person" => "guard",
        "workload" => "guard.workload",
        "vendor" => "guard.vendor",
        _ => return None,
    };
    Some((section, power))
}

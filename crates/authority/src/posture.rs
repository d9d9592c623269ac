//! What the gate goes by as a whole: configuration, lock, document, and the law in them. What
//! lets more through than the posture in force waits for a person. Pure.

use jiff::Timestamp;
use law::{Cell, Law};
use serde::{Deserialize, Serialize};

use crate::{
    Digest,
    change::Change,
    state::{State, Waiting},
};

/// The files of a posture, by the SHA-256 of what stands in them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Files {
    /// The configuration.
    pub config: Digest,
    /// The catalogue's lock.
    pub lock: Digest,
    /// The API's document.
    pub document: Digest,
}

/// Something that a posture makes easier than the one in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Weaker {
    /// A setting such as `api.open`, a cell such as `person grant`, or an operation.
    pub what: String,
    /// What is in force.
    pub from: String,
    /// What waits.
    pub to: String,
}

/// A posture that somebody would have in force.
#[derive(Clone, Debug)]
pub struct Offer {
    /// Its files.
    pub files: Files,
    /// The law that the configuration says.
    pub law: Law,
    /// The posture in force that it was compared with.
    pub against: Option<Digest>,
    /// What it makes easier than that one, the law aside.
    pub weaker: Vec<Weaker>,
}

/// What became of an offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Loaded {
    /// It is the posture in force.
    InForce,
    /// It is weaker and waits for a person; the posture before it goes on.
    Waits(Waiting),
    /// Another posture has come into force since it was compared. It must be compared again.
    Overtaken,
}

impl Files {
    /// Of a law alone, before there is a configuration. It makes no posture: the files of the
    /// first start do.
    pub const NONE: Self = Self { config: Digest([0; 32]), lock: Digest([0; 32]), document: Digest([0; 32]) };

    /// The digest of the posture of these files with this law.
    pub fn with(&self, law: Digest) -> Digest {
        let Self { config, lock, document } = self;
        Digest::of(format!("greave posture 1\n{config}\n{lock}\n{document}\n{law}\n").as_bytes())
    }
}

impl Offer {
    /// A law and nothing else.
    pub const fn of_law(law: Law) -> Self {
        Self { files: Files::NONE, law, against: None, weaker: Vec::new() }
    }
}

/// The cells in which a law is weaker than the one in force, now: what has only observed until
/// a day that is over binds as what is enforced does.
pub fn weaker_cells(law: &Law, in_force: &Law, now: Timestamp) -> Vec<Weaker> {
    let text = |law: &Law, kind, power| {
        let Cell { guard, mode } = &law.of(kind)[power];
        format!("{guard}; {mode}")
    };
    let cells = law.enforced_at(now).weaker_cells_than(&in_force.enforced_at(now)).into_iter();
    cells
        .map(|(kind, power)| Weaker {
            what: format!("{kind} {power}"),
            from: text(in_force, kind, power),
            to: text(law, kind, power),
        })
        .collect()
}

impl State {
    /// Puts a posture into force, or lets it wait where it is weaker than the one in force.
    pub(crate) fn load(&self, offer: &Offer, in_force: &Law, now: Timestamp) -> Vec<Change> {
        let Offer { files, law, against: _, weaker } = offer;
        let page = law.to_string();
        let of_page = Digest::of(page.as_bytes());
        let digest = files.with(of_page);
        let known = match files {
            &Files::NONE => self.law.as_ref().map(|(known, _)| files.with(*known)),
            _ => self.posture.map(|(known, _)| known),
        };
        if known == Some(digest) && self.waiting.is_none() {
            return Vec::new();
        }
        let mut weaker = weaker.clone();
        if self.law.is_some() {
            weaker.extend(weaker_cells(law, in_force, now));
        }
        if weaker.is_empty() || !self.is_founded() {
            return self.in_force(digest, *files, of_page, page);
        }
        let mut changes = Vec::new();
        // A state from before there were postures: the files are taken as they are, under the
        // law that is in force.
        if let (None, Some((law, _)), true) = (&self.posture, &self.law, *files != Files::NONE) {
            changes.push(Change::PostureLoaded { digest: files.with(*law), files: *files });
        }
        // Asking for the same weaker posture again is no news.
        if self.waiting.as_ref().is_none_or(|waiting| waiting.digest != digest) || !changes.is_empty() {
            changes.push(Change::PostureWaits { digest, files: *files, page, weaker });
        }
        changes
    }

    /// A law is written down anew only where it changes. Without files it makes no posture.
    fn in_force(&self, digest: Digest, files: Files, of_page: Digest, page: String) -> Vec<Change> {
        let same = self.law.as_ref().is_some_and(|(known, _)| *known == of_page);
        let alone = files == Files::NONE;
        let law = (!same || alone).then_some(Change::LawLoaded { digest: of_page, page });
        law.into_iter().chain((!alone).then_some(Change::PostureLoaded { digest, files })).collect()
    }

    /// What puts the posture that waits into force.
    pub(crate) fn accepted(&self, digest: Digest) -> Option<Vec<Change>> {
        let Waiting { digest, files, page, weaker: _ } = self.waiting.as_ref().filter(|it| it.digest == digest)?;
        let of_page = Digest::of(page.as_bytes());
        Some(match files {
            Some(files) => self.in_force(*digest, *files, of_page, page.clone()),
            // From before there were postures.
            None => vec![Change::LawLoaded { digest: of_page, page: page.clone() }],
        })
    }
}

//! Who plays drills: this room does not know how a call comes into the gate.

use std::pin::Pin;

use authority::{NotDone, Warrant};

use law::KeyId;
use wire::IssuedForm;

use crate::api::{BeginDrill, DrillView, LaidOut};

type Soon<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Why a drill does not begin.
#[derive(Debug)]
pub enum NotBegun {
    /// A scenario, or what is asked for, is not good: how it is mended.
    Unfit(String),
    /// The authority says no, or cannot.
    NotDone(NotDone),
}

impl From<NotDone> for NotBegun {
    fn from(not_done: NotDone) -> Self {
        Self::NotDone(not_done)
    }
}

/// Begins a drill for who is asked for it.
type Begin = dyn Fn(BeginDrill, Warrant) -> Soon<Result<DrillView, NotBegun>> + Send + Sync;

/// Makes a canary of this form, for who is asked for it.
type LayOut = dyn Fn(Option<IssuedForm>, Warrant) -> Soon<Result<LaidOut, NotBegun>> + Send + Sync;

/// Plays drills.
pub struct Drills {
    /// Begins one; it goes on by itself.
    pub begin: Box<Begin>,
    /// Begins one of a canary, which is to be laid out where a scanner looks.
    pub lay_out: Box<LayOut>,
    /// A scanner has found this canary.
    pub found: Box<dyn Fn(KeyId) + Send + Sync>,
    /// What goes on, or was played last.
    pub view: Box<dyn Fn() -> DrillView + Send + Sync>,
}

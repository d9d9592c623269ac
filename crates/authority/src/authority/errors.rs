//! What can go wrong with the authority, and who must act.

use law::{PageError, Span};
use store::StoreError;

use crate::{declined::Declined, seal::DoesNotOpen, shelf::Misplaced};

/// Why a code is not taken.
#[derive(Debug, thiserror::Error)]
pub enum NotProved {
    /// Wrong name, wrong code, a used code, or nobody who could prove anything: one answer.
    #[error(
        "the name or the code is wrong, or the code was used before; wait for the next code, and see that the clocks of this host and of the authenticator are right"
    )]
    Wrong,
    /// Too many wrong codes.
    #[error("too many wrong codes; try again in {0}")]
    Wait(Span),
    /// The state does not answer.
    #[error(transparent)]
    Failed(#[from] Failed),
}

/// Why the authority cannot do its work. The operator must act.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// The state on disk.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A sealed value.
    #[error(transparent)]
    Seal(#[from] DoesNotOpen),
    /// A sealed value that is not the one that was put there last.
    #[error(transparent)]
    Misplaced(#[from] Misplaced),
    /// A ledger that a newer program wrote.
    #[error("entry {0} of the ledger is of a kind that this program does not know; use the newer program")]
    UnknownChange(u64),
    /// A pepper that made none of this state's verifiers.
    #[error(
        "the secret `pepper` is not the one that this state was made with, and no key would be recognised; \
         put it back, or give it as `pepper-previous` beside the new one"
    )]
    OtherPepper,
    /// A master key that sealed nothing of this state.
    #[error(
        "the secret `master` is not the one that this state was made with, and nobody's code could be checked; put it back"
    )]
    OtherMaster,
    /// The law in the ledger.
    #[error("the law in the ledger cannot be read: {0}")]
    Law(#[from] PageError),
    /// A change that was not brought to its end.
    #[error("the change was broken off, for the gate is stopping; look whether it is there, and try again")]
    BrokenOff,
    /// The system's random numbers.
    #[error("the system gives no random numbers")]
    NoRandomness,
}

/// Why a command was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum NotDone {
    /// It is not allowed, or makes no sense.
    #[error(transparent)]
    Declined(#[from] Declined),
    /// The authority cannot do its work.
    #[error(transparent)]
    Failed(#[from] Failed),
}

/// Why a person was not enrolled.
#[derive(Debug, thiserror::Error)]
pub enum NotEnrolled {
    /// The code does not fit the seed.
    #[error("the code does not fit; is the clock of the authenticator's device right?")]
    WrongCode,
    /// The link is no good, or it cannot be written down.
    #[error(transparent)]
    NotDone(#[from] NotDone),
}

impl From<Failed> for NotEnrolled {
    fn from(failed: Failed) -> Self {
        Self::NotDone(failed.into())
    }
}

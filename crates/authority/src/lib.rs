//! Who has keys, who answers for them, and who said yes.
//!
//! Every change goes one way: a [`Command`] is proposed against the [`State`], written to
//! the ledger, and obeyed. The request path reads mirrors of the state and never waits for
//! a change. This room does not know HTTP: neither how a key travels nor how a page looks.

mod authority;
mod change;
mod command;
mod guess;
mod key;
mod question;
mod seal;
mod state;
mod verifier;

pub use crate::{
    authority::{
        Answer, Authority, Failed, Identity, LawInForce, Loaded, NotDone, NotEnrolled, NotProved, Secrets, Spent,
        Ticket,
    },
    change::{Actor, Change, Digest, NoDigest, Proof, Question, Written},
    command::{Command, Declined, Description, Enrolment, INVITATION, Sighting, Warrant},
    key::Key,
    question::{Ask, Exhibit, Limits},
    seal::{DoesNotOpen, Sealer},
    state::{Asked, Authenticator, Closed, Holder, Invitation, Progress, State, Waiting, Yes},
    verifier::{PepperId, Peppers, SecretDigest, Verifier},
};

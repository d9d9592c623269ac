//! Who has keys, who answers for them, and who said yes.
//!
//! Every change goes one way: a [`Command`] is proposed against the [`State`], written to
//! the ledger, and obeyed. The request path reads mirrors of the state and never waits for
//! a change. This room does not know HTTP: neither how a key travels nor how a page looks.

mod abroad;
mod authority;
mod ceiling;
mod change;
mod command;
mod containing;
mod credential;
mod declined;
mod digest;
mod drill;
mod ending;
mod guess;
mod import;
mod key;
mod life;
mod limit;
mod meter;
mod people;
mod posture;
mod propose;
mod question;
mod request;
mod scope;
mod seal;
mod shelf;
mod state;
mod stopping;
mod table;
mod turn;
mod verifier;

pub use crate::{
    abroad::{Abroad, Compared, Difference, Listed, Listing, is_name_abroad},
    authority::{
        Answer, Authority, Failed, Heard, Hearing, Identity, Importer, LawInForce, NotDone, NotEnrolled, NotProved,
        Rehearse, Secrets, Spent, Ticket, drill_secret,
    },
    ceiling::Ceiling,
    change::{Actor, Change, Claim, Proof, Question, RecordPart, Written},
    command::{Command, Description, Enrolment, INVITATION, OnLeaving, Order, Sighting, Warrant},
    credential::Credential,
    declined::Declined,
    digest::{Digest, NoDigest},
    drill::{Card, DRILL_LASTS, Drill, DrillOrder, Drilled, MOST_DRILLS, Moment, Noticed},
    ending::{Ending, Next, Warnings},
    import::{Imported, ImportedKey, WrongLine},
    key::{Issued, Key, StandsFor},
    life::Lifetimes,
    limit::{Limit, LimitError, Measure},
    meter::{Exhausted, Limited, Meters, Volume},
    people::People,
    posture::{Files, Loaded, Offer, Weaker, weaker_cells},
    question::{Ask, Exhibit, Limits},
    request::{Approver, Grant, Less, Request, RequestRules, RequestState, Wish},
    scope::{Scope, Wider},
    seal::{DoesNotOpen, Sealer},
    shelf::{Misplaced, Shelved},
    state::{Asked, Authenticator, Canary, Closed, Holder, Invitation, Progress, State, Waiting, Yes},
    turn::Succession,
    verifier::{ClaimDigest, Folded, KnownBy, PepperId, Peppers, SecretDigest, Verifier},
};

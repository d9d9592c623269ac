//! Why something is not done, and how to mend it.

use jiff::Timestamp;
use law::{ChallengeId, HolderKind, KeyId, Refusal, RequestId, Span};

use crate::{Wider, drill::MOST_DRILLS};

/// Why something is not done. Each says how to mend it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Declined {
    /// No such holder.
    #[error("there is no holder `{0}`; see `greave holders list`")]
    NoHolder(String),
    /// No such key.
    #[error("there is no key `{0}`; see `greave keys list`")]
    NoKey(KeyId),
    /// No such question.
    #[error("there is no open question `{0}`: it was answered, or it lapsed; `greave questions` lists those that wait")]
    NoQuestion(ChallengeId),
    /// The question fell with its key.
    #[error("question `{0}` cannot be answered: its key `{1}` does not work ({why}), and what it had asked fell with it", why = .2.says())]
    KeyFell(ChallengeId, KeyId, Refusal),
    /// The name is taken.
    #[error("there is a holder `{0}` already; choose another name")]
    NameTaken(String),
    /// A name that nobody could type or that would break a page.
    #[error("`{0}` is no name; use 1 to 128 letters, digits, spaces and `._@+-:/`")]
    BadName(String),
    /// Where nothing could be sent to.
    #[error("`{0}` is no mail address; write one such as `ann@example.com`")]
    BadMail(String),
    /// A workload or vendor without a person.
    #[error("a {0} needs an owner, a person: add `--owner NAME`")]
    OwnerNeeded(HolderKind),
    /// An owner or deputy who is no person.
    #[error("`{0}` is no person; name a person: only they enrol and answer for keys")]
    NotAPerson(String),
    /// A person does not need one who answers for them.
    #[error("`{0}` is a person, who answers for their own keys; name the program that has the key")]
    IsAPerson(String),
    /// Nobody could administer the gate any more.
    #[error("`{0}` is the last administrator who can show a factor; make another one first")]
    LastAdministrator(String),
    /// Nobody could administer the gate any more.
    #[error(
        "`{0}` is the last administrator who can show a factor, and this would take their last one; make another \
         administrator first, or leave them their recovery codes"
    )]
    LastAuthenticator(String),
    /// The person has none.
    #[error("`{0}` has no authenticator that could be stopped; `greave holders list` shows who has one")]
    NothingToStop(String),
    /// The person is gone.
    #[error("`{0}` has left; `greave holders return` brings them back")]
    Left(String),
    /// The link is wrong, used or too old: one answer for all three.
    #[error("the link is not good any more; ask an administrator for a new one with `greave holders invite`")]
    BadLink,
    /// What is asked needs an administrator's code.
    #[error("this needs a person's code: add `--as NAME` and type the code")]
    CodeNeeded,
    /// The person cannot show a factor.
    #[error("`{0}` has no authenticator that serves; `greave holders invite` gives a link to enrol")]
    NotEnrolled(String),
    /// The person is no administrator.
    #[error("`{0}` is no administrator; somebody who is must do this: `greave holders list` shows who")]
    NotAdministrator(String),
    /// It would not work at all.
    #[error("key `{0}` would be left with nothing; disable it instead: `greave keys disable {0}`")]
    NarrowedToNothing(KeyId),
    /// Each is kept, so that each can be undone.
    #[error("key `{0}` was narrowed too often; undo some of it first: `greave narrow {0} --undo`")]
    NarrowedTooOften(KeyId),
    /// There is nothing to undo.
    #[error("key `{0}` was not narrowed; its reach is what its scope and the law leave: `greave reach {0}`")]
    NotNarrowed(KeyId),
    /// It is narrow because the key above it is.
    #[error("key `{0}` is narrow because `{1}` is, which it comes from; undo it there: `greave narrow {1} --undo`")]
    NarrowedAbove(KeyId, KeyId),
    /// The person does not answer for the key.
    #[error("`{0}` does not answer for this key; its owner or a deputy must")]
    NotYours(String),
    /// The same person cannot be the second.
    #[error("`{0}` said yes already; the second yes must be another person's")]
    SamePerson(String),
    /// The proof was used before.
    #[error("the code was used before; wait for the next one")]
    Used,
    /// The key is revoked, and stays so.
    #[error(
        "key `{0}` is revoked and never works again; make a new one: `greave keys issue`, or at the API where it made this one"
    )]
    Revoked(KeyId),
    /// The key is retired, and stays so.
    #[error("key `{0}` is retired and never works again; use the one that took its place: `greave keys show {0}`")]
    Retired(KeyId),
    /// Nothing holds the key.
    #[error("key `{0}` is not contained; `greave watch` lists those that are")]
    NotContained(KeyId),
    /// What holds the key hangs on the one that made it.
    #[error("key `{0}` is held with `{1}`, which made it, or made what made it: `greave watch lift {1}`")]
    ContainedWith(KeyId, KeyId),
    /// The key has a successor already.
    #[error(
        "key `{0}` is retiring, and `{1}` has taken its place: retire that one; `greave keys revoke {0}` ends this one now"
    )]
    RetiresAlready(KeyId, KeyId),
    /// The key is a successor that nobody uses.
    #[error("key `{0}` was not used yet, and `{1}` works on; `greave keys retire {1}` makes another one in its place")]
    NotUsedYet(KeyId, KeyId),
    /// The API makes such keys.
    #[error(
        "key `{0}` was made by the API: make a new one there, then say when this one ends: `greave keys change {0} --end DATE`"
    )]
    MadeByTheApi(KeyId),
    /// The key stands for a credential that the API made.
    #[error(
        "key `{0}` stands for a credential that the API made: let the API make another one, then say when this one ends: `greave keys change {0} --end DATE`"
    )]
    MadeAtTheApi(KeyId),
    /// The key does not work: nothing to overlap with.
    #[error("key `{0}` does not work ({why}), so there is nothing to take over; `greave keys issue` makes a new key", why = .1.says())]
    NothingToRetire(KeyId, Refusal),
    /// The key does not work, and must be remembered for that.
    #[error("key `{0}` cannot be forgotten: {why}, and used again it would be a new one", why = .1.says())]
    MustBeKnown(KeyId, Refusal),
    /// Keys stand in the line of those that were issued from them.
    #[error("key `{0}` was issued by Greave and is not forgotten; `greave keys revoke {0}` ends it for good")]
    IssuedHere(KeyId),
    /// The key was not issued here.
    #[error("key `{0}` was not issued by Greave; only issued keys have children")]
    NotIssued(KeyId),
    /// The key does not work.
    #[error("key `{0}` does not work any more; issue from one that does")]
    NotActive(KeyId),
    /// No such request.
    #[error("there is no request `{0}`; see `greave keys requests`")]
    NoRequest(RequestId),
    /// The request was answered, or nobody answered in time.
    #[error("request `{0}` is answered or lapsed; ask anew with `greave keys request`")]
    RequestOver(RequestId),
    /// There is nothing to collect.
    #[error("nothing waits to be collected for `{0}`: it is not granted, it was collected, or it lapsed")]
    NotGranted(RequestId),
    /// Whoever asked, or would have the key, is not who says yes.
    #[error("`{0}` asked for this key or would have it; somebody else must say yes")]
    OwnRequest(String),
    /// The configuration does not let the person say yes.
    #[error(
        "`{0}` may not answer this request; `keys.approvers` in the configuration says who may, and administrators do"
    )]
    MayNotGrant(String),
    /// The key is shown to whoever asked for it.
    #[error("`{0}` did not ask for this key; whoever asked collects it")]
    NotAsked(String),
    /// The person does not answer for the holder.
    #[error("`{0}` does not answer for `{1}`; its owner or a deputy asks for its keys")]
    NotTheirs(String, String),
    /// The person has asked for too much.
    #[error("{0} requests of yours are open; wait until they are answered, or take one back with `greave keys deny`")]
    TooManyRequests(usize),
    /// No reason, or a book of them.
    #[error("say why in at most {0} letters: add `--reason`")]
    ReasonNeeded(usize),
    /// A yes reaches further than the request.
    #[error("a yes reaches no further than the request: {0}")]
    WiderThanAsked(Wider),
    /// A yes lasts longer than what was asked for.
    #[error("the request asks for {0}; a yes gives no more")]
    LongerThanAsked(Span),
    /// No such canary.
    #[error("there is no canary `{0}`; see `greave keys canaries`")]
    NoCanary(KeyId),
    /// It is the key of a drill.
    #[error("key `{0}` is a drill's: it cannot become another, and is gone when the drill is over")]
    OfDrill(KeyId),
    /// It was the key of a drill that is over.
    #[error(
        "key `{0}` was made for a drill, and is gone with it: nothing of it reached the API; `greave calls --key {0}` shows what it tried"
    )]
    WasDrill(KeyId),
    /// One at a time, so that a drill is never a flood.
    #[error("a drill goes on with key `{0}`; wait until it is over, or end it with `greave keys disable {0}`")]
    DrillGoesOn(KeyId),
    /// None, or more than one code is good for.
    #[error("name between one and {MOST_DRILLS} scenarios; `greave drill --list` shows those that there are")]
    TooManyDrills,
    /// Keys under keys, too deep.
    #[error("key `{0}` has too many keys above it; issue from one of those")]
    TooDeep(KeyId),
    /// The child would reach further than its parent.
    #[error("a child reaches no further than its parent: {0}")]
    Wider(#[from] Wider),
    /// It would end after its parent.
    #[error("a child does not outlive its parent, which ends at {0}")]
    OutlivesParent(Timestamp),
    /// It would end too late.
    #[error("a key lasts at most {0} here; `keys.longest` in the configuration says so")]
    TooLong(Span),
    /// It would have ended already.
    #[error("the key would have ended before it began; name a later end")]
    EndPassed,
    /// Of several keys this one is the reason.
    #[error("key `{0}`: {1}")]
    OfKey(KeyId, Box<Self>),
    /// The end has passed.
    #[error("the end that is named has passed; to stop the key now, `greave keys disable {0}`")]
    EndsBeforeNow(KeyId),
    /// It could do nothing.
    #[error("the key could do nothing; name its powers, such as `--power read`")]
    NoPowers,
    /// Nobody gets it.
    #[error("say who gets the key: add `--holder NAME`")]
    HolderNeeded,
    /// There is no such law waiting.
    #[error("no law with this digest waits; see `greave law show`")]
    NoLaw,
}

//! What the gate knows afterwards: from its record and its ledger, as anybody may ask them.

use std::collections::BTreeSet;

use console::api::{CallList, LedgerVerified, QuestionState, QuestionView, RecordedCall};
use law::{Call, Verdict};
use tokio::time::{sleep, timeout};

use super::{AGAIN, Failure, PATIENCE, after::Through};
use crate::{
    demo::{
        gated::Gated,
        stage::{Stage, grouped},
    },
    show::{FAINT, styled},
};

pub(super) async fn play(gated: &Gated, through: Through, stage: &mut Stage) -> Result<(), Failure> {
    stage.act("WHAT THE GATE KNOWS").await;
    let CallList { calls, found, damage } = recorded(gated, through.calls).await?;
    stage.say("Every call, as it was decided (`greave calls`):").await;
    stage.line(styled(FAINT, "  calls  decision"));
    for kind in [Kind::Passed, Kind::Approved, Kind::Asked, Kind::Refused, Kind::Observed] {
        let of_kind: Vec<&Call> = calls.iter().map(|call| &call.call).filter(|call| Kind::of(call) == kind).collect();
        if !of_kind.is_empty() {
            stage.line(format!("  {:>5}  {}", of_kind.len(), kind.told(&of_kind, &through)));
        }
    }
    stage.rest(2_000).await;
    let text = format!("The record has each of the {} calls that were sent to the gate.", grouped(through.calls));
    stage.claim(found == through.calls && damage.is_empty(), &text).await;

    questions(gated, &through, &calls, stage).await?;

    let LedgerVerified { entries, .. } = gated.client.read("/v1/ledger/verify").await?;
    let text = format!("`greave ledger verify`: {entries} changes of keys, people and law; the ledger's chain holds.");
    stage.claim(entries > 0, &text).await;
    Ok(())
}

/// What became of the questions, and of the one yes.
async fn questions(gated: &Gated, through: &Through, calls: &[RecordedCall], stage: &mut Stage) -> Result<(), Failure> {
    let honest = calls.iter().find(|recorded| recorded.call.challenge == Some(through.honest));
    let approval = honest.and_then(|recorded| recorded.call.approval);
    let path = format!("/v1/questions/{}", through.honest);
    let details: console::api::QuestionDetails = gated.client.read(&path).await?;
    let QuestionView { id, state, yes, .. } = details.question;
    let text = format!(
        "{id}: {} said yes ({}), which was spent on one call, {}.",
        yes.join(", "),
        approval.map_or_else(|| "nothing".to_owned(), |approval| approval.to_string()),
        honest.map_or_else(|| "none".to_owned(), |honest| honest.call.id.to_string()),
    );
    stage.claim(state == QuestionState::Spent && approval.is_some() && yes == ["odile"], &text).await;
    Ok(())
}

/// The record, when the calls that were sent have been written down.
async fn recorded(gated: &Gated, sent: u64) -> Result<CallList, Failure> {
    let waited = timeout(PATIENCE, async {
        loop {
            let list: CallList = gated.client.read("/v1/calls?last=10000").await?;
            if list.found >= sent {
                return Ok::<_, Failure>(list);
            }
            sleep(AGAIN).await;
        }
    });
    waited.await.map_err(|_| "the record does not have all calls")?
}

/// How a call was decided, told apart as far as the scene needs it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Passed,
    Approved,
    Asked,
    Refused,
    Observed,
}

impl Kind {
    const fn of(call: &Call) -> Self {
        match call.verdict {
            _ if call.approval.is_some() => Self::Approved,
            Verdict::Permit => Self::Passed,
            Verdict::Challenge(_) => Self::Asked,
            Verdict::Refuse(_) => Self::Refused,
            Verdict::WouldAsk(_) | Verdict::WouldRefuse(_) => Self::Observed,
        }
    }

    /// The decision in words, with what these calls have in common.
    fn told(self, calls: &[&Call], through: &Through) -> String {
        let sources: BTreeSet<String> = calls.iter().map(|call| call.source.to_string()).collect();
        let from = sources.into_iter().collect::<Vec<_>>().join(", ");
        match self {
            Self::Passed => format!("passed; {} of them are production's reads", grouped(through.reads)),
            Self::Approved => format!("passed after a person's yes, from {from}"),
            Self::Asked => format!("asked for a second factor and did not pass, from {from}"),
            Self::Refused => format!("refused, from {from}"),
            Self::Observed => format!("passed because a guard only observes, from {from}"),
        }
    }
}

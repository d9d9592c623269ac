//! Requests that wait for the same answer stand in a line; the newest goes on.

use jiff::Timestamp;
use law::{ChallengeId, Refusal};
use tokio::sync::watch;

use super::{Authority, lock};
use crate::state::Progress;

/// A place in the line for an answer. Of several requests that wait for the same answer,
/// the newest goes on.
pub struct Ticket {
    /// The question.
    pub challenge: ChallengeId,
    /// When it lapses.
    pub until: Timestamp,
    /// Whether people had been asked before.
    pub joined: bool,
    number: u64,
    line: watch::Receiver<Line>,
}

#[derive(Clone, Copy)]
pub(super) struct Line {
    pub(super) progress: Progress,
    pub(super) newest: u64,
}

/// How waiting ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Everybody needed said yes.
    Approved,
    /// A yes to another question opened a window that covers it: nothing of it is spent.
    Covered,
    /// It does not pass.
    Refused(Refusal),
}

impl Ticket {
    /// Waits until people have answered or another request took this one's place. It does
    /// not watch the clock: the caller ends the wait when the question lapses.
    pub async fn answer(&mut self) -> Answer {
        let number = self.number;
        let decided = self.line.wait_for(|line| line.newest != number || line.progress != Progress::Open).await;
        match decided.map(|line| *line) {
            Ok(line) if line.newest != number => Answer::Refused(Refusal::Superseded),
            Ok(Line { progress: Progress::Approved(_), .. }) => Answer::Approved,
            Ok(Line { progress: Progress::Covered, .. }) => Answer::Covered,
            Ok(Line { progress: Progress::Denied, .. }) => Answer::Refused(Refusal::Denied),
            Ok(Line { progress: Progress::KeyFell(why), .. }) => Answer::Refused(why),
            // A question that is forgotten has lapsed.
            Ok(_) | Err(_) => Answer::Refused(Refusal::StepUp),
        }
    }
}

impl Authority {
    /// Gives a request its place in the line; those before it are superseded.
    pub(super) fn line_up(&self, challenge: ChallengeId, joined: bool, now: Timestamp) -> Result<Ticket, Refusal> {
        let (until, progress) = self
            .view(|state| state.question(challenge).map(|asked| (asked.question.until, asked.progress(now))))
            .ok_or(Refusal::StepUp)?;
        let mut lines = lock(&self.lines);
        lines.retain(|_, line| line.receiver_count() > 0);
        let line = lines.entry(challenge).or_insert_with(|| watch::Sender::new(Line { progress, newest: 0 }));
        let mut number = 0;
        line.send_modify(|line| {
            line.newest += 1;
            line.progress = progress;
            number = line.newest;
        });
        Ok(Ticket { challenge, until, joined, number, line: line.subscribe() })
    }

    /// Tells all who wait where their questions stand: after a change that is about a key.
    pub(super) fn call_out_all(&self, now: Timestamp) {
        for (challenge, line) in lock(&self.lines).iter() {
            let progress = self.view(|state| state.question(*challenge).map(|asked| asked.progress(now)));
            let Some(progress) = progress else { continue };
            line.send_if_modified(|line| std::mem::replace(&mut line.progress, progress) != progress);
        }
    }

    /// Whether a request is held open until this question is answered.
    pub fn waits(&self, challenge: ChallengeId) -> bool {
        lock(&self.lines).get(&challenge).is_some_and(|line| line.receiver_count() > 0)
    }

    /// Tells those who wait where their question stands.
    pub(super) fn call_out(&self, challenge: ChallengeId, now: Timestamp) {
        let progress = self.view(|state| state.question(challenge).map(|asked| asked.progress(now)));
        if let (Some(progress), Some(line)) = (progress, lock(&self.lines).get(&challenge)) {
            line.send_modify(|line| line.progress = progress);
        }
    }
}

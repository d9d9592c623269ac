//! A yes that opened a window, and the questions that need no answer for it.

use authority::{Key, Progress};
use jiff::Timestamp;
use law::{ApprovalId, Attempt, Caller, Decision, Neighbourhood, decide, neighbourhood};

use crate::gate::worker::Gate;

impl Gate {
    /// Closes the key's open questions from here whose calls pass since this yes was said: held
    /// calls go on, and nobody is asked for what passes anyway.
    ///
    /// That a question is closed lets nothing pass: each call is decided anew.
    pub(crate) async fn cover(&self, key: &Key, source: Neighbourhood, approval: ApprovalId) {
        let now = Timestamp::now();
        let open: Vec<_> = self.authority.view(|state| {
            let here = state.questions().filter(|asked| {
                asked.question.key == key.id
                    && neighbourhood(asked.question.source) == source
                    && asked.progress(now) == Progress::Open
            });
            here.map(|asked| (asked.id, asked.question.powers)).collect()
        });
        if open.is_empty() {
            return;
        }
        let (law, held) = (self.authority.law(), self.authority.held(key.id, source, now));
        let passes = |powers| {
            // Whether its call was other than usual is not known here.
            let contained = self.watching.contained(key, powers, true, now);
            let caller = Caller::Key(self.authority.facts(key));
            let attempt = Attempt { caller, powers, open: false, held, contained, at: now };
            matches!(decide(&law.law, &attempt), Decision::Permit(_))
        };
        let covered: Vec<_> = open.into_iter().filter(|(_, powers)| passes(*powers)).map(|(id, _)| id).collect();
        if covered.is_empty() {
            return;
        }
        drop(law);
        if let Err(error) = self.authority.cover(&covered, approval, now).await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "that a yes covers a question is not written down"
            );
        }
    }
}

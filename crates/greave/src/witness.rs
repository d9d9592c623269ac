//! Checkpoints go out, so that others can say later how the record and the ledger stood: every
//! one by webhook, the first of each day by mail to administrators as well.

use std::sync::Arc;

use authority::Authority;
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use record::Checkpointed;
use serde_json::{Map, json};
use tell::{Kind, Notice, NoticeId, Recipient, Teller};

use crate::telling;

/// Tells witnesses.
pub(crate) struct Witness {
    teller: Teller,
    authority: Arc<Authority>,
    /// The day of the last mail.
    mailed: Option<Date>,
}

impl Witness {
    pub(crate) const fn new(teller: Teller, authority: Arc<Authority>) -> Self {
        Self { teller, authority, mailed: None }
    }

    /// Sends the newest checkpoint again after a start: the process that made it may have ended
    /// before it arrived. To webhooks only; who has it already is sent the same.
    pub(crate) async fn tell_again(&self, note: String, now: Timestamp) {
        let size = note.lines().nth(1).and_then(|size| size.parse().ok()).unwrap_or(0);
        self.send(&Checkpointed { note, size, calls: 0 }, Vec::new(), now).await;
    }

    /// Sends the record's checkpoint, and the ledger's of this moment with it.
    pub(crate) async fn tell(&mut self, checkpoint: &Checkpointed, now: Timestamp) {
        let today = now.to_zoned(TimeZone::UTC).date();
        let first = self.mailed.replace(today) != Some(today);
        let to = if first { self.authority.view(telling::administrators) } else { Vec::new() };
        self.send(checkpoint, to, now).await;
    }

    async fn send(&self, Checkpointed { note, size, calls }: &Checkpointed, to: Vec<Recipient>, now: Timestamp) {
        let Ok(id) = NoticeId::new(format!("checkpoint_{size}_{}", now.as_millisecond())) else { return };
        let ledger = self.authority.store().checkpoint().await.ok().flatten();
        let mut lines = vec![
            "Keep this where whoever could change the record cannot. `greave record verify --since FILE` and"
                .to_owned(),
            "`greave restore --checkpoint FILE` hold the record and the ledger against it.".to_owned(),
        ];
        for note in [Some(note), ledger.as_ref()].into_iter().flatten() {
            lines.push(String::new());
            lines.extend(note.lines().map(str::to_owned));
        }
        let mut details = Map::from_iter([("record".to_owned(), json!(note)), ("calls".to_owned(), json!(calls))]);
        if let Some(ledger) = ledger {
            details.insert("ledger".to_owned(), json!(ledger));
        }
        self.teller.tell(Notice {
            kind: Kind::RecordCheckpoint,
            id,
            at: now,
            title: format!("checkpoint {size} of the record"),
            lines,
            link: None,
            challenge: None,
            severity: law::Severity::Info,
            to,
            details,
            life: None,
            receipt: None,
        });
    }
}

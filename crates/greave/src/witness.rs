//! Checkpoints go out, so that others can say later how the record and the ledger stood: every
//! one by webhook, the first of each day by mail to administrators as well.

use std::sync::Arc;

use authority::Authority;
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use record::Checkpointed;
use serde_json::{Map, json};
use tell::{Kind, Notice, NoticeId, Teller};

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

    /// Sends the record's checkpoint, and the ledger's of this moment with it.
    pub(crate) async fn tell(&mut self, Checkpointed { note, size, calls }: &Checkpointed, now: Timestamp) {
        let Ok(id) = NoticeId::new(format!("checkpoint_{size}_{}", now.as_millisecond())) else { return };
        let ledger = self.authority.store().checkpoint().await.ok().flatten();
        let today = now.to_zoned(TimeZone::UTC).date();
        let first = self.mailed.replace(today) != Some(today);
        let to = if first { self.authority.view(telling::administrators) } else { Vec::new() };
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

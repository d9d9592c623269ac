//! Rollups: beside the segments of each sealed file, how its keys were used. A start reads them
//! instead of the segments, and so does who asks what a key has used.
//!
//! A file of JSON lines: `{"since":…}`, then `{"key":…,"usage":…}` for each key, then `{"daily":…}`
//! for each key, operation and day.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufRead as _, BufReader, Write},
    path::Path,
    sync::Arc,
};

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use law::{Call, KeyId, Outcome, Verdict};
use serde::{Deserialize, Serialize};

use crate::{
    OpenError, Usage,
    leaves::{Leaves, Rollup},
    usage::Index,
};

/// How a key used an operation on a day (UTC).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Daily {
    /// The key.
    pub key: KeyId,
    /// The operation.
    pub operation: Arc<str>,
    /// The day.
    pub day: Date,
    /// Calls that passed.
    pub passed: u64,
    /// Calls that were asked for a further factor, or refused.
    pub stopped: u64,
    /// Bytes of the answers, as far as they are known.
    pub bytes_out: u64,
    /// Items in the answers, as far as they were counted.
    pub rows: u64,
}

/// What a rollup is made of.
#[derive(Default)]
pub(crate) struct Rolled {
    pub(crate) index: Index,
    days: BTreeMap<(KeyId, Arc<str>, Date), Daily>,
}

impl Rolled {
    pub(crate) fn note(&mut self, call: &Call, outcome: Option<&Outcome>) {
        self.index.note(call);
        let Some(key) = call.key else { return };
        let day = call.at.to_zoned(TimeZone::UTC).date();
        let (operation, fresh) = (Arc::clone(&call.operation), Arc::clone(&call.operation));
        let daily = self.days.entry((key, operation, day)).or_insert_with(|| Daily {
            key,
            operation: fresh,
            day,
            passed: 0,
            stopped: 0,
            bytes_out: 0,
            rows: 0,
        });
        match call.verdict {
            Verdict::Challenge(_) | Verdict::Refuse(_) => daily.stopped += 1,
            Verdict::Permit | Verdict::WouldAsk(_) | Verdict::WouldRefuse(_) => daily.passed += 1,
        }
        if let Some(outcome) = outcome {
            daily.bytes_out = daily.bytes_out.saturating_add(outcome.bytes_out);
            daily.rows = daily.rows.saturating_add(outcome.rows.unwrap_or(0));
        }
    }

    pub(crate) fn write(&self, sink: &mut impl Write) -> serde_json::Result<()> {
        let mut line = |line: &Line| {
            serde_json::to_writer(&mut *sink, line)?;
            sink.write_all(b"\n").map_err(serde_json::Error::io)
        };
        if let Some(since) = self.index.since() {
            line(&Line::Since(since))?;
        }
        for (key, usage) in self.index.all() {
            line(&Line::Used { key, usage: Box::new(usage) })?;
        }
        self.days.values().try_for_each(|daily| line(&Line::Daily(daily.clone())))
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Line {
    Since(Timestamp),
    Used { key: KeyId, usage: Box<Usage> },
    Daily(Daily),
}

/// Each line of a rollup that is understood.
fn lines(folder: &Path, rollup: &Rollup) -> io::Result<impl Iterator<Item = Line> + use<>> {
    let lines = BufReader::new(File::open(folder.join(&rollup.file))?).lines();
    Ok(lines.map_while(Result::ok).filter_map(|line| serde_json::from_str(&line).ok()))
}

/// Adds to an index what a rollup says.
pub(crate) fn index(
    folder: &Path,
    rollup: &Rollup,
    mut note: impl FnMut(Result<Timestamp, (KeyId, Usage)>),
) -> io::Result<()> {
    for line in lines(folder, rollup)? {
        match line {
            Line::Since(since) => note(Ok(since)),
            Line::Used { key, usage } => note(Err((key, *usage))),
            Line::Daily(_) => {}
        }
    }
    Ok(())
}

/// How keys used operations, by days, as far as it is sealed: what is still in the log is not in
/// it, and what was removed no more. Each sealed file gives its own.
///
/// # Errors
/// The folder cannot be read.
pub fn daily(folder: &Path) -> Result<impl Iterator<Item = Daily>, OpenError> {
    let failed = |error| OpenError::Folder { path: folder.to_owned(), error };
    let rollups: Vec<Rollup> =
        Leaves::read(folder).map_err(failed)?.sealed().filter_map(|sealed| sealed.usage.clone()).collect();
    let folder = folder.to_owned();
    let of = move |rollup: Rollup| lines(&folder, &rollup).into_iter().flatten();
    Ok(rollups
        .into_iter()
        .flat_map(of)
        .filter_map(|line| if let Line::Daily(daily) = line { Some(daily) } else { None }))
}

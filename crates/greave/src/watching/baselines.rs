//! What is usual for each key, kept over a restart: saved now and then, and gone on with from
//! the record. Where there is nothing whole to go on with, all of it is learnt from the record.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{self, BufReader, BufWriter, Read as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use authority::{Authority, Change, Digest, Written};
use console::LEAKED;
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use jiff::Timestamp;
use law::{Call, CallId, Ended, HolderId, HolderKind, Outcome, Refusal, Verdict, Who};
use record::{Entry, Reader};
use store::StoreError;
use watch::{Became, Seen, Subject, Surroundings, Told, Watch};

/// What the file begins with: another version is learnt anew, not read.
const BEGINS: &str = "greave watch 4";

/// So many calls are read between two words of how far it is.
const WORD: u64 = 1_000_000;

/// So many entries of the ledger are read at once.
const PAGE: u32 = 1000;

/// Calls that have not ended and are kept for their outcome.
const MOST_OPEN: usize = 32 * 1024;

/// The file in the state folder.
pub(crate) fn file(state: &Path) -> PathBuf {
    state.join("watch.baselines")
}

/// Why there is nothing to go on with.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotKept {
    #[error("nothing was saved yet")]
    Nothing,
    #[error("it cannot be read: {0}")]
    Unreadable(io::Error),
    #[error("another version of greave saved it")]
    OtherVersion,
    #[error("it is not whole")]
    Torn,
}

/// Saves what is remembered, as of this moment. The file is whole or the one before.
pub(crate) fn save(state: &Path, watch: &Watch, at: Timestamp) -> io::Result<()> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    serde_json::to_writer(&mut packed, watch)?;
    let packed = packed.finish()?;
    let (path, new) = (file(state), state.join("watch.baselines.new"));
    let mut file = BufWriter::new(OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?);
    writeln!(file, "{BEGINS} {at} {}", Digest::of(&packed))?;
    file.write_all(&packed)?;
    file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
    fs::rename(&new, &path)
}

/// What was saved, and when.
pub(crate) fn load(state: &Path) -> Result<(Watch, Timestamp), NotKept> {
    let file = match File::open(file(state)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(NotKept::Nothing),
        Err(error) => return Err(NotKept::Unreadable(error)),
    };
    let mut bytes = Vec::new();
    BufReader::new(file).read_to_end(&mut bytes).map_err(NotKept::Unreadable)?;
    let end = bytes.iter().position(|byte| *byte == b'\n').ok_or(NotKept::Torn)?;
    let (head, packed) = bytes.split_at(end);
    let packed = packed.get(1..).ok_or(NotKept::Torn)?;
    let head = str::from_utf8(head).map_err(|_| NotKept::Torn)?;
    let said = head.strip_prefix(BEGINS).and_then(|said| said.strip_prefix(' ')).ok_or(NotKept::OtherVersion)?;
    let (at, digest) = said.split_once(' ').ok_or(NotKept::Torn)?;
    if Digest::of(packed).to_string() != digest {
        return Err(NotKept::Torn);
    }
    let at = at.parse().map_err(|_| NotKept::Torn)?;
    let watch = serde_json::from_reader(GzDecoder::new(packed)).map_err(|_| NotKept::OtherVersion)?;
    Ok((watch, at))
}

/// Lets a watch learn what happened: the calls of the record, and what people said meanwhile, in
/// the order of time.
pub(crate) struct Learning<'a> {
    record: &'a Path,
    authority: &'a Authority,
    watch: &'a Watch,
    surroundings: Arc<Surroundings>,
    /// Calls that have not ended.
    open: BTreeMap<CallId, Call>,
    calls: u64,
}

impl<'a> Learning<'a> {
    pub(crate) fn new(
        record: &'a Path,
        authority: &'a Authority,
        (watch, surroundings): (&'a Watch, Arc<Surroundings>),
    ) -> Self {
        Self { record, authority, watch, surroundings, open: BTreeMap::new(), calls: 0 }
    }

    /// How many calls it were.
    pub(crate) const fn calls(&self) -> u64 {
        self.calls
    }

    /// Takes in what happened from one moment until before another. Gives how many calls it were;
    /// nothing where it was stopped before the end, or the record cannot be read.
    pub(crate) fn go_on(
        &mut self,
        (from, to): (Option<Timestamp>, Timestamp),
        said: &[(Timestamp, Change)],
        stop: impl Fn() -> bool,
    ) -> Option<u64> {
        let reader = match Reader::open(self.record) {
            // Whoever can write in the record's folder is not to say what is usual.
            Ok(reader) => from.into_iter().fold(reader.only_sealed(), Reader::since),
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "the watch cannot learn from the record");
                return None;
            }
        };
        let (before, mut said) = (self.calls, said.iter().peekable());
        for (place, entry) in reader.enumerate() {
            if place % 4096 == 0 && stop() {
                return None;
            }
            match entry {
                Ok(Entry::Call(call)) if is_between(call.at, from, to) && call.who == Who::Key => {
                    while let Some((at, change)) = said.next_if(|(at, _)| *at <= call.at) {
                        hear(self.watch, self.authority, change, *at);
                    }
                    self.call(call);
                }
                Ok(Entry::Outcome(outcome)) => self.outcome(&outcome),
                // The record says by itself what is wrong with it.
                Ok(_) | Err(_) => {}
            }
        }
        said.for_each(|(at, change)| hear(self.watch, self.authority, change, *at));
        Some(self.calls - before)
    }

    fn call(&mut self, call: Call) {
        self.calls += 1;
        if self.calls.is_multiple_of(WORD) {
            tracing::info!(calls = self.calls, until = %call.at, "the watch learns from the record");
        }
        // What is found was found then; what still stands is found again with the next call.
        let shown = self.surroundings.of(seen(&call, whose(&call, self.authority)));
        let _ = self.watch.see(&shown, call.at);
        if call.approval.is_some() {
            self.watch.vouched(&shown, call.at);
        }
        self.open.insert(call.id, call);
        if self.open.len() > MOST_OPEN {
            self.open.pop_first();
        }
    }

    fn outcome(&mut self, outcome: &Outcome) {
        if let Some(call) = self.open.remove(&outcome.call)
            && went_on(outcome)
        {
            let shown = self.surroundings.of(seen(&call, whose(&call, self.authority)));
            let _ = self.watch.ended(&shown, &Became::from(outcome), outcome.at);
        }
    }
}

fn is_between(at: Timestamp, from: Option<Timestamp>, to: Timestamp) -> bool {
    from.is_none_or(|from| at >= from) && at < to
}

/// What a watch that learns is told.
fn hear(watch: &Watch, authority: &Authority, change: &Change, at: Timestamp) {
    if let Some(told) = in_words(authority, change) {
        watch.told(&told, at);
    }
    if let Change::KeyForgotten { key } = change {
        watch.forget(*key);
    }
}

/// What the authority says of keys, in the words of the watch.
pub(crate) fn in_words(authority: &Authority, change: &Change) -> Option<Told<'static>> {
    Some(match change {
        Change::Denied { challenge, not_me: true } => {
            let of = |state: &authority::State| state.question(*challenge).map(|asked| asked.question.key);
            Told::NotMe { key: authority.view(of)? }
        }
        Change::KeyDisabled { key, why } if why.starts_with(LEAKED) => Told::Leaked { key: *key },
        Change::KeyLifted { key, calm: Some(calm), .. } => Told::Lifted { key: *key, calm: *calm },
        Change::KeyEnabled { key } => Told::Enabled { key: *key },
        Change::KeySucceeds { key, of, .. } => Told::Rotation { key: *of, successor: *key },
        _ => return None,
    })
}

/// What the ledger has from one moment until before another.
///
/// # Errors
/// When it cannot be read.
pub(crate) async fn said(
    authority: &Authority,
    (from, to): (Option<Timestamp>, Timestamp),
) -> Result<Vec<(Timestamp, Written)>, StoreError> {
    let store = authority.store();
    let is_before = async |seq: u64| -> Result<bool, StoreError> {
        let entry = store.entries(seq, 1).await?.into_iter().next();
        Ok(entry.is_some_and(|entry| from.is_some_and(|from| entry.at < from)))
    };
    // The first that is not before: entries stand in the order of time.
    let (mut low, mut high) = (1, 2);
    while is_before(high).await? {
        (low, high) = (high, high * 2);
    }
    while low < high {
        let middle = low + (high - low) / 2;
        if is_before(middle).await? {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    let mut said = Vec::new();
    loop {
        let page = store.entries(low, PAGE).await?;
        let Some(last) = page.last().map(|entry| entry.seq) else { return Ok(said) };
        let within = page.into_iter().filter(|entry| is_between(entry.at, from, to));
        said.extend(within.filter_map(|entry| Some((entry.at, serde_json::from_str(&entry.change).ok()?))));
        low = last + 1;
    }
}

/// What the gate answered by itself never reached the API.
pub(crate) fn went_on(outcome: &Outcome) -> bool {
    outcome.ended != Ended::Answered
}

/// Of what kind the holder of a recorded call is by now, and who answers for it.
fn whose(call: &Call, authority: &Authority) -> (HolderKind, Option<HolderId>) {
    call.holder.map_or((HolderKind::Person, None), |holder| authority.kind_and_owner(holder))
}

/// A call of the record as the watch sees it.
pub(crate) fn seen(call: &Call, (kind, owner): (HolderKind, Option<HolderId>)) -> Seen<'_> {
    Seen {
        call: Some(call.id),
        key: call.key,
        holder: call.holder,
        kind,
        owner,
        operation: &call.operation,
        powers: call.powers,
        described: None,
        subject: Subject::of(call.parameters.iter().map(|(_, value)| value.as_str())),
        source: call.source,
        network: None,
        expected: false,
        user_agent: call.user_agent.as_deref(),
        out_of_scope: matches!(call.verdict, Verdict::Refuse(Refusal::OutOfScope)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taught() -> Watch {
        let watch = Watch::default();
        let now = "2026-03-02T09:00:00Z".parse().unwrap();
        watch.told(&Told::Leaked { key: law::KeyId(7) }, now);
        watch
    }

    #[test]
    fn what_was_saved_is_remembered_and_what_is_torn_or_of_another_version_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let at: Timestamp = "2026-03-02T10:00:00Z".parse().unwrap();
        assert!(matches!(load(folder.path()), Err(NotKept::Nothing)));
        save(folder.path(), &taught(), at).unwrap();
        assert_eq!(load(folder.path()).unwrap(), (taught(), at));
        let whole = fs::read(file(folder.path())).unwrap();
        for length in [whole.len() - 1, 60, 3] {
            fs::write(file(folder.path()), &whole[..length]).unwrap();
            assert!(load(folder.path()).is_err(), "{length} of {}", whole.len());
        }
        let mut other = whole;
        other[13] = b'1';
        fs::write(file(folder.path()), other).unwrap();
        assert!(matches!(load(folder.path()), Err(NotKept::OtherVersion)));
    }
}

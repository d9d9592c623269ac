//! What is usual for each key, kept over a restart: saved now and then, and gone on with from
//! the record. Where there is nothing whole to go on with, all of it is learnt from the record.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufReader, BufWriter, Read as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use authority::{Authority, Digest};
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use jiff::Timestamp;
use law::{Call, Ended, HolderId, HolderKind, Outcome, Who};
use record::{Entry, Reader};
use watch::{Became, Seen, Subject, Told, Watch};

/// What the file begins with: another version is learnt anew, not read.
const BEGINS: &str = "greave watch 1";

/// So many calls are read between two words of how far it is.
const WORD: u64 = 1_000_000;

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

/// Lets a watch learn from the record: all of it, or what happened since. Gives how many calls
/// it were; nothing where it was stopped before the end.
pub(crate) fn learn(
    record: &Path,
    since: Option<Timestamp>,
    (watch, authority): (&Watch, &Authority),
    stop: impl Fn() -> bool,
) -> Option<u64> {
    let reader = match Reader::open(record) {
        Ok(reader) => since.into_iter().fold(reader, Reader::since),
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "the watch cannot learn from the record");
            return None;
        }
    };
    let mut open = std::collections::BTreeMap::new();
    let mut calls = 0;
    for (place, entry) in reader.enumerate() {
        if place % 4096 == 0 && stop() {
            return None;
        }
        match entry {
            Ok(Entry::Call(call)) if call.who == Who::Key && since.is_none_or(|since| call.at >= since) => {
                calls += 1;
                if calls % WORD == 0 {
                    tracing::info!(calls, until = %call.at, "the watch learns from the record");
                }
                if let (Some(key), true) = (call.key, call.approval.is_some()) {
                    let (source, user_agent) = (call.source, call.user_agent.as_deref());
                    watch.told(&Told::Vouched { key, source, network: None, user_agent }, call.at);
                }
                // What is found was found then.
                let _ = watch.see(&seen(&call, whose(&call, authority)), call.at);
                open.insert(call.id, call);
                if open.len() > MOST_OPEN {
                    open.pop_first();
                }
            }
            Ok(Entry::Outcome(outcome)) => {
                if let Some(call) = open.remove(&outcome.call)
                    && went_on(&outcome)
                {
                    let _ = watch.ended(&seen(&call, whose(&call, authority)), &Became::from(&outcome), outcome.at);
                }
            }
            // The record says by itself what is wrong with it.
            Ok(_) | Err(_) => {}
        }
    }
    Some(calls)
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
        subject: Subject::of(call.parameters.iter().map(|(_, value)| value.as_str())),
        source: call.source,
        network: None,
        user_agent: call.user_agent.as_deref(),
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
        other[13] = b'2';
        fs::write(file(folder.path()), other).unwrap();
        assert!(matches!(load(folder.path()), Err(NotKept::OtherVersion)));
    }
}

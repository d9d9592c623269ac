//! An incident as evidence: a folder that an auditor checks offline, with the public key alone.
//!
//! Each sealed call is proven by itself, each change of the ledger by the checkpoint that was
//! signed with it. That nothing of the folder was changed, left out or added shows by its
//! manifest, which has the digest of every file and is signed by the gate's key.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File, OpenOptions},
    io::{self, BufRead as _, BufReader, BufWriter, Read as _, Write},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use authority::Digest;
use console::api::{LedgerProof, ProvenEntry};
use jiff::Timestamp;
use law::KeyId;
use record::{Checking, Given, Joined, Joiner, ProveError, Reader};
use seal::{Checkpoint, Hash, Hasher, Signer, Verifier};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use store::{Chain, Link};

use super::{Entry, Incident};
use crate::{
    cli::Cli,
    client::address,
    commands::{Admin, Done, Outcome, json as print_json},
    secrets::{SecretError, Vault},
    show::{self, ALARM, FAINT, WELL, aside, clean, count, moment, styled},
    state::{named_by, record_folder},
};

const MANIFEST: &str = "manifest.note";
const README: &str = "README.md";
const CALLS: &str = "calls.jsonl";
const UNSEALED: &str = "unsealed.jsonl";
const LEDGER: &str = "ledger.jsonl";
const CHECKPOINT: &str = "checkpoint.note";
const KEY: &str = "public.key";
const LAW: &str = "law.txt";
const JSON: &str = "incident.json";
const MARKDOWN: &str = "incident.md";
/// Every file that a bundle may have beside its manifest.
const FILES: [&str; 9] = [README, CALLS, UNSEALED, LEDGER, CHECKPOINT, KEY, LAW, JSON, MARKDOWN];
/// The change that has the law's page.
const LAW_LOADED: &str = "law-loaded";
/// No manifest is larger, in bytes.
const LARGEST: u64 = 1 << 20;

/// What a bundle holds. Signed as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    version: u32,
    made: Timestamp,
    key: KeyId,
    since: Timestamp,
    until: Timestamp,
    calls: u64,
    outcomes: u64,
    unsealed: u64,
    entries: u64,
    files: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Part {
    name: String,
    bytes: u64,
    sha256: Hash,
}

/// A change of the ledger with its proof; without one where that would give out what is kept of a
/// secret.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    seq: u64,
    at: Timestamp,
    by: Value,
    change: String,
    particulars: Map<String, Value>,
    proof: Option<LedgerProof>,
}

/// Writes an incident's evidence into a folder that is not there.
pub(super) async fn write(admin: &Admin, cli: &Cli, incident: &Incident, folder: &Path) -> Outcome {
    let state = named_by(&cli.config);
    let signer = Vault::of(&state).record_signer().map_err(|error| {
        let how = "a bundle is signed with the gate's own key, and the gate signs nothing for others: run it with that \
                   secret, as `Without the gate's secrets` in docs/guide.md shows";
        if matches!(error, SecretError::Missing { .. }) { how.to_owned() } else { error.to_string() }
    })?;
    let mut changes = Vec::new();
    for entry in incident.in_force.iter().chain(&incident.done) {
        let of = address(&["ledger", &entry.seq.to_string(), "proof"]);
        changes.push(change(entry, admin.client.read(&of).await?));
    }
    // Without what a shell completes a folder's name with.
    let folder: PathBuf = folder.components().collect();
    let (manifest, odd) = assemble(incident, &record_folder(&state), &signer, &changes, &folder)?;
    odd.iter().for_each(|odd| aside(ALARM, clean(odd)));
    let Manifest { calls, unsealed, entries, .. } = &manifest;
    if admin.json {
        print_json(&manifest)?;
    } else {
        show::say(format!(
            "{} with proofs, {unsealed} not sealed yet, {} of the ledger, in `{}`",
            count(*calls, "call"),
            entries_in_words(*entries),
            clean(&folder.display().to_string()),
        ))?;
        let name = show::word(&folder.display().to_string());
        aside(FAINT, format!("`greave record verify {name} --key KEY` checks it; `greave record key` prints the key"));
    }
    Ok(if incident.calls.damage.is_empty() && odd.is_empty() { Done::Clean } else { Done::Findings })
}

fn entries_in_words(entries: u64) -> String {
    if entries == 1 { "1 entry".to_owned() } else { format!("{entries} entries") }
}

/// Makes the folder, and says what did not fit meanwhile.
fn assemble(
    incident: &Incident,
    record: &Path,
    signer: &Signer,
    changes: &[Change],
    folder: &Path,
) -> Result<(Manifest, Vec<String>), Trouble> {
    if folder.symlink_metadata().is_ok() {
        return Err(Trouble::Taken(folder.to_owned()));
    }
    // What is half written has another name.
    let mut new = folder.as_os_str().to_owned();
    new.push(".new");
    let new = PathBuf::from(new);
    match fs::DirBuilder::new().mode(0o700).create(&new) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(Trouble::Left(new)),
        made => made?,
    }
    let files = Files { folder: new.clone(), parts: Vec::new() };
    let made = fill(files, incident, record, signer, changes).and_then(|made| {
        File::open(&new)?.sync_all()?;
        fs::rename(&new, folder)?;
        let beside = folder.parent().filter(|beside| !beside.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(beside)?.sync_all()?;
        Ok(made)
    });
    if made.is_err() {
        let _ = fs::remove_dir_all(&new);
    }
    made
}

fn fill(
    mut files: Files,
    incident: &Incident,
    record: &Path,
    signer: &Signer,
    changes: &[Change],
) -> Result<(Manifest, Vec<String>), Trouble> {
    let verifier = signer.verifier();
    let span = (incident.key.key.id, incident.since, incident.until);

    let mut calls = files.begin(CALLS)?;
    let given = match record::evidence::<Trouble>(record, span, &verifier, |line| Ok(calls.line(&line)?)) {
        Ok(given) => Some(given),
        Err(Trouble::Record(ProveError::NothingSealed)) => None,
        Err(error) => return Err(error),
    };
    files.end(calls)?;
    let mut odd = given.as_ref().map_or_else(Vec::new, |given| given.odd.clone());
    let mut unsealed = files.begin(UNSEALED)?;
    let not_proven = write_unsealed(&mut unsealed, (record, given.as_ref()), span, &mut odd)?;
    files.end(unsealed)?;
    if let Some(given) = &given {
        files.whole(CHECKPOINT, given.checkpoint.as_bytes())?;
    }
    files.whole(KEY, format!("{verifier}\n").as_bytes())?;
    let mut ledger = files.begin(LEDGER)?;
    changes.iter().try_for_each(|change| ledger.line(change))?;
    files.end(ledger)?;
    if let Some(page) = law_of(changes) {
        files.whole(LAW, page.as_bytes())?;
    }
    let json = serde_json::to_string_pretty(incident).map_err(io::Error::from)?;
    files.whole(JSON, show::harmless_json(&json).as_bytes())?;
    files.whole(MARKDOWN, incident.markdown().as_bytes())?;
    let (calls, outcomes, removed) = given.as_ref().map_or((0, 0, 0), |it| (it.calls, it.outcomes, it.removed));
    files.whole(README, readme(&verifier, (calls, not_proven, removed), &odd).as_bytes())?;
    let manifest = Manifest {
        version: 1,
        made: incident.made,
        key: span.0,
        since: span.1,
        until: span.2,
        calls,
        outcomes,
        unsealed: not_proven,
        entries: changes.len() as u64,
        files: std::mem::take(&mut files.parts),
    };
    let json = serde_json::to_string(&manifest).map_err(io::Error::from)?;
    files.whole(MANIFEST, signer.sign(&format!("{}\n{json}\n", origin(&verifier))).as_bytes())?;
    Ok((manifest, odd))
}

/// What of the calls is not sealed yet: whole ones, and how sealed ones ended. How many lines.
fn write_unsealed(
    unsealed: &mut Open,
    (record, given): (&Path, Option<&Given>),
    (key, since, until): (KeyId, Timestamp, Timestamp),
    odd: &mut Vec<String>,
) -> Result<u64, Trouble> {
    let rest = match given {
        Some(given) => given.unsealed(record)?,
        None if record.exists() => Reader::open(record)?,
        None => return Ok(0),
    };
    let is_open = |outcome: &law::Outcome| given.is_some_and(|given| given.open.contains(&outcome.call));
    let is_wanted = |call: &law::Call| call.key == Some(key) && call.at >= since && call.at < until;
    let (mut joiner, mut lines) = (Joiner::default(), 0);
    let mut put = |Joined { call, outcome }: Joined| {
        if is_wanted(&call) {
            lines += 1;
            unsealed.line(&serde_json::json!({ "call": call, "outcome": outcome }))?;
        }
        Ok::<(), io::Error>(())
    };
    let mut ends = Vec::new();
    for entry in rest {
        match entry {
            Ok(record::Entry::Outcome(outcome)) if is_open(&outcome) => ends.push(outcome),
            Ok(entry) => joiner.take(entry).into_iter().try_for_each(&mut put)?,
            // Whoever reads the whole record finds it as well; here it is what may be missing.
            Err(damage) => odd.push(format!("of what was not sealed: {damage}")),
        }
    }
    joiner.still_open().try_for_each(&mut put)?;
    for outcome in ends {
        lines += 1;
        unsealed.line(&serde_json::json!({ "outcome": outcome }))?;
    }
    Ok(lines)
}

/// The page of the law that was in force: what was in force comes first.
fn law_of(changes: &[Change]) -> Option<&str> {
    changes.iter().find(|change| change.change == LAW_LOADED)?.particulars.get("page")?.as_str()
}

/// Never a checkpoint's: no signer's own name ends like this.
fn origin(verifier: &Verifier) -> String {
    format!("{}/evidence", verifier.name())
}

#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Record(#[from] ProveError),
    #[error("the evidence cannot be written: {0}")]
    Write(#[from] io::Error),
    #[error(transparent)]
    Open(#[from] record::OpenError),
    #[error("`{0}` is there already; name a folder that is not")]
    Taken(PathBuf),
    #[error("`{0}` is left of a try that was broken off; remove it")]
    Left(PathBuf),
}

fn change(entry: &Entry, proof: LedgerProof) -> Change {
    let Entry { seq, at, by: _, actor, change, particulars } = entry.clone();
    let proof = (!proof.entries.is_empty()).then_some(proof);
    Change { seq, at, by: actor, change, particulars, proof }
}

/// The files of a bundle as they are written.
struct Files {
    folder: PathBuf,
    parts: Vec<Part>,
}

struct Open {
    name: &'static str,
    file: BufWriter<File>,
    bytes: u64,
    hasher: Hasher,
}

impl Open {
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hasher.feed(bytes);
        self.bytes += bytes.len() as u64;
        self.file.write_all(bytes)
    }

    fn line(&mut self, line: &impl Serialize) -> io::Result<()> {
        self.put(&serde_json::to_vec(line)?)?;
        self.put(b"\n")
    }
}

impl Files {
    fn begin(&self, name: &'static str) -> io::Result<Open> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(self.folder.join(name))?;
        Ok(Open { name, file: BufWriter::new(file), bytes: 0, hasher: Hasher::default() })
    }

    fn end(&mut self, open: Open) -> io::Result<()> {
        let Open { name, mut file, bytes, hasher } = open;
        file.flush()?;
        file.get_ref().sync_all()?;
        self.parts.push(Part { name: name.to_owned(), bytes, sha256: hasher.finish() });
        Ok(())
    }

    fn whole(&mut self, name: &'static str, bytes: &[u8]) -> io::Result<()> {
        let mut open = self.begin(name)?;
        open.put(bytes)?;
        self.end(open)
    }
}

/// What checking a bundle has shown.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(in crate::commands) struct Checked {
    /// What it is about, and who made it: a true one may lie beside a story about something else.
    #[serde(skip_serializing_if = "Option::is_none")]
    about: Option<About>,
    /// Leaves of the checkpoints that were given beside it.
    since: Vec<u64>,
    calls: u64,
    outcomes: u64,
    unsealed: u64,
    entries: u64,
    /// Entries whose text would give out what is kept of a secret: they are not proven.
    withheld: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    made: Option<Timestamp>,
    findings: Vec<String>,
}

/// Which calls a bundle has.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct About {
    key: KeyId,
    since: Timestamp,
    until: Timestamp,
    /// The record's name, and how many leaves of it the checkpoint covers; nothing where nothing
    /// was sealed.
    record: Option<(String, u64)>,
    /// Who signed it.
    signer: String,
}

/// Whether this folder is, or was, a bundle.
pub(in crate::commands) fn is_bundle(folder: &Path) -> bool {
    [MANIFEST, CALLS, LEDGER, JSON].into_iter().any(|name| folder.join(name).symlink_metadata().is_ok())
}

/// Checks a bundle with nothing but the public key, and checkpoints that were kept elsewhere.
pub(in crate::commands) fn verify(folder: &Path, by: (&Verifier, &[String]), as_json: bool) -> Outcome {
    let checked = check(folder, by).map_err(|error| format!("`{}`: {error}", folder.display()))?;
    if as_json {
        print_json(&checked)?;
    } else {
        show::say(page(&checked))?;
    }
    Ok(if checked.findings.is_empty() { Done::Clean } else { Done::Findings })
}

fn page(checked: &Checked) -> String {
    let Checked { about, since, calls, outcomes, unsealed, entries, withheld, made, findings } = checked;
    if !findings.is_empty() {
        let mut lines = vec![styled(ALARM, "it is not what was made")];
        lines.extend(findings.iter().map(|finding| styled(ALARM, format!("  {}", clean(finding)))));
        return lines.join("\n");
    }
    let made = made.map_or_else(String::new, |made| format!(", made at {} UTC", moment(made)));
    let mut lines = vec![styled(WELL, format!("nothing is changed, missing or added{made}"))];
    if let Some(About { key, since, until, record, signer }) = about {
        let (since, until) = (moment(*since), moment(*until));
        lines.push(format!("it is about {key}, from {since} to {until} UTC, and was signed by {}", clean(signer)));
        if let Some((origin, size)) = record {
            lines.push(format!("its checkpoint has {size} leaves of the record {}", clean(origin)));
        }
    }
    lines.extend(since.iter().map(|size| format!("the checkpoint that was kept elsewhere has {size}: it is no newer")));
    lines.push(format!("{} and {} were recorded so, and sealed", count(*calls, "call"), count(*outcomes, "outcome")));
    if *unsealed > 0 {
        let text = entries_in_words(*unsealed);
        lines.push(format!("{text} not sealed yet: what they say is the word of whoever made this"));
    }
    let entries = entries_in_words(*entries);
    lines.push(format!(
        "{entries} of the ledger, {withheld} of them without proof, for they hold what is kept of a secret"
    ));
    lines.push(
        "that no call was left out when it was made is the word of whoever made this; the whole record shows it"
            .to_owned(),
    );
    lines.join("\n")
}

fn check(folder: &Path, (verifier, since_notes): (&Verifier, &[String])) -> io::Result<Checked> {
    let mut checked = Checked::default();
    let manifest = match manifest(folder, verifier) {
        Ok(manifest) => manifest,
        Err(finding) => {
            checked.findings.push(finding);
            return Ok(checked);
        }
    };
    let Manifest { version: _, made, key, since, until, calls, outcomes, unsealed, entries, files } = &manifest;
    checked.made = Some(*made);
    let (signer, record) = (verifier.name().to_owned(), None);
    checked.about = Some(About { key: *key, since: *since, until: *until, record, signer });
    let named: BTreeMap<&str, &Part> = files.iter().map(|part| (&*part.name, part)).collect();
    let mut there = BTreeSet::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name != MANIFEST && !named.contains_key(&*name) {
            checked.findings.push(format!("`{name}` was added"));
        }
        there.insert(name);
    }
    for Part { name, bytes, sha256 } in files {
        if !there.contains(name) {
            checked.findings.push(format!("`{name}` is missing"));
        } else if digest(&folder.join(name), *bytes)? != Some(*sha256) {
            checked.findings.push(format!("`{name}` was changed"));
        }
    }
    // What was changed is not read any further.
    if !checked.findings.is_empty() {
        return Ok(checked);
    }
    let note = named.contains_key(CHECKPOINT).then(|| fs::read_to_string(folder.join(CHECKPOINT))).transpose()?;
    let signed = match note.as_ref().map(|note| verifier.checkpoint(note)).transpose() {
        Ok(signed) => signed,
        Err(error) => {
            checked.findings.push(format!("`{CHECKPOINT}`: {error}"));
            return Ok(checked);
        }
    };
    beside(since_notes, verifier, signed.as_ref(), &mut checked);
    if let Some(about) = &mut checked.about {
        about.record = signed.map(|Checkpoint { origin, size, root: _ }| (origin, size));
    }
    if *calls > 0 {
        match Checking::new(&note.unwrap_or_default(), verifier, (*key, *since, *until)) {
            Ok(checking) => check_calls(folder, checking, &mut checked)?,
            Err(error) => checked.findings.push(format!("`{CHECKPOINT}`: {error}")),
        }
    }
    checked.unsealed = lines(&folder.join(UNSEALED))?.count() as u64;
    check_ledger(folder, verifier, named.contains_key(LAW), &mut checked)?;
    let found = (checked.calls, checked.outcomes, checked.unsealed, checked.entries);
    if found != (*calls, *outcomes, *unsealed, *entries) {
        checked.findings.push("it does not hold as much as its manifest says".to_owned());
    }
    Ok(checked)
}

/// Holds a bundle's checkpoint beside those that were kept elsewhere. There is no path from one to
/// the other in it: what can be told is that it is not older, and of the same record.
fn beside(kept: &[String], verifier: &Verifier, own: Option<&Checkpoint>, checked: &mut Checked) {
    for note in kept {
        let kept = match verifier.checkpoint(note) {
            Ok(kept) => kept,
            Err(error) => {
                checked.findings.push(format!("a checkpoint that was given does not verify: {error}"));
                continue;
            }
        };
        let size = own.map_or(0, |own| own.size);
        let why = if own.is_some_and(|own| own.origin != kept.origin) {
            "and is of another record".to_owned()
        } else if kept.size > size {
            format!(
                "and the bundle's has {size}: where it is older than the bundle, what was sealed between them was left out"
            )
        } else if own.is_some_and(|own| own.size == kept.size && own.root != kept.root) {
            "and says something else than the bundle's of as many".to_owned()
        } else {
            checked.since.push(kept.size);
            continue;
        };
        checked.findings.push(format!("the checkpoint that was kept elsewhere has {} leaves, {why}", kept.size));
    }
}

fn manifest(folder: &Path, verifier: &Verifier) -> Result<Manifest, String> {
    let path = folder.join(MANIFEST);
    let is_file = path.symlink_metadata().is_ok_and(|file| file.is_file());
    let mut note = String::new();
    let file = if is_file { File::open(&path).ok() } else { None };
    let file = file.ok_or_else(|| format!("`{MANIFEST}` is missing: nothing says what belongs here"))?;
    file.take(LARGEST).read_to_string(&mut note).map_err(|error| format!("`{MANIFEST}`: {error}"))?;
    let text = verifier.open(&note).map_err(|error| format!("`{MANIFEST}`: {error}"))?;
    let malformed = || format!("`{MANIFEST}` is no manifest that this program understands");
    let json = text.strip_prefix(&format!("{}\n", origin(verifier))).ok_or_else(malformed)?;
    let manifest: Manifest = serde_json::from_str(json).map_err(|_| malformed())?;
    let fits = manifest.version == 1 && manifest.files.iter().all(|part| FILES.contains(&&*part.name));
    if fits { Ok(manifest) } else { Err(malformed()) }
}

/// The SHA-256 of a file that is one, and so long.
fn digest(path: &Path, bytes: u64) -> io::Result<Option<Hash>> {
    let known = path.symlink_metadata()?;
    if !known.is_file() || known.len() != bytes {
        return Ok(None);
    }
    let mut hasher = Hasher::default();
    let read = io::copy(&mut File::open(path)?.take(bytes), &mut hasher)?;
    Ok((read == bytes).then(|| hasher.finish()))
}

fn lines(path: &Path) -> io::Result<impl Iterator<Item = io::Result<String>> + use<>> {
    Ok(BufReader::new(File::open(path)?).lines())
}

fn check_calls(folder: &Path, mut checking: Checking, checked: &mut Checked) -> io::Result<()> {
    for (number, line) in lines(&folder.join(CALLS))?.enumerate() {
        if let Err(error) = checking.line(&line?) {
            checked.findings.push(format!("`{CALLS}`, line {}: {error}", number + 1));
            return Ok(());
        }
    }
    if let Err(error) = checking.end() {
        checked.findings.push(format!("`{CALLS}`: {error}"));
    }
    (checked.calls, checked.outcomes) = (checking.calls, checking.outcomes);
    Ok(())
}

fn check_ledger(folder: &Path, verifier: &Verifier, has_law: bool, checked: &mut Checked) -> io::Result<()> {
    let ledger = ledger_of(verifier);
    let law = has_law.then(|| fs::read(folder.join(LAW))).transpose()?;
    let law = law.map(|page| serde_json::to_value(Digest::of(&page))).transpose()?;
    let mut is_named = law.is_none();
    for (number, line) in lines(&folder.join(LEDGER))?.enumerate() {
        let holds = serde_json::from_str::<Change>(&line?).ok().and_then(|change| {
            match &change.proof {
                Some(proof) => holds(&change, proof, ledger.as_ref()?)?,
                None => checked.withheld += 1,
            }
            is_named |= change.change == LAW_LOADED && change.particulars.get("digest") == law.as_ref();
            Some(())
        });
        checked.entries += 1;
        if holds.is_none() {
            checked.findings.push(format!("`{LEDGER}`, line {}: it is not what was written", number + 1));
        }
    }
    if !is_named {
        checked.findings.push(format!("`{LAW}` is no law that `{LEDGER}` says was in force"));
    }
    Ok(())
}

/// The ledger is signed by the record's key under another name.
fn ledger_of(record: &Verifier) -> Option<Verifier> {
    let name = record.name().strip_suffix("/record")?;
    Verifier::new(&format!("{name}/ledger"), record.key()).ok()
}

/// Whether a change is what the ledger's checkpoint covers.
fn holds(change: &Change, proof: &LedgerProof, ledger: &Verifier) -> Option<()> {
    let entry =
        |ProvenEntry { at, change }: &ProvenEntry| Some((Timestamp::from_millisecond(*at).ok()?, change.clone()));
    let entries = proof.entries.iter().map(entry).collect::<Option<Vec<_>>>()?;
    let before = Chain { len: change.seq.checked_sub(1)?, head: Hash::from_base64(&proof.before)? };
    let (at, text) = entries.first()?.clone();
    let link = Link { before, entries, checkpoint: proof.checkpoint.clone() };
    let mut particulars: Map<String, Value> = serde_json::from_str(&text).ok()?;
    let same = particulars.remove("by").as_ref() == Some(&change.by)
        && particulars.remove("change").as_ref().and_then(Value::as_str) == Some(&*change.change)
        && particulars == change.particulars
        && at == change.at;
    (same && link.holds(ledger)).then_some(())
}

fn readme(verifier: &Verifier, (calls, unsealed, removed): (u64, u64, u64), odd: &[String]) -> String {
    let odd = if odd.is_empty() {
        String::new()
    } else {
        let lines: String = odd.iter().map(|odd| format!("    {}\n", clean(odd))).collect();
        format!("\nWhat did not fit when it was made, and was not gone by:\n\n{lines}")
    };
    let removed = match removed {
        0 => String::new(),
        removed => format!("\n{removed} segments of that time had been removed before, as the record's tree says.\n"),
    };
    format!(
        "# Evidence of an incident

Check it, offline, with the public key that the gate's operator gave you on another way:

    greave record verify FOLDER --key '{verifier}'

The key above, and in `{KEY}`, is for comparison: a forger would put another one there. `greave record key` prints it
on the gate's host; it is in every checkpoint that witnesses keep, too.

| file | what | proven by |
| --- | --- | --- |
| `{MANIFEST}` | every file's SHA-256, signed | the public key |
| `{CALLS}` | {calls} sealed calls of the key, and what became of them | each by its own path to `{CHECKPOINT}` (RFC 9162) |
| `{CHECKPOINT}` | the record's checkpoint, a signed note (C2SP) | the public key; hold it against one that a witness keeps |
| `{UNSEALED}` | {unsealed} calls, and ends of sealed ones, that were not sealed yet | the manifest alone |
| `{LEDGER}` | what was done about the key, and the law and configuration in force | each by the checkpoint signed with it; those without `proof` by the manifest alone |
| `{LAW}` | the law's page of that time, where the ledger has one | its digest in `{LEDGER}` |
| `{JSON}`, `{MARKDOWN}` | the report | the manifest alone |
{removed}{odd}
What this cannot show: that no call was left out when it was made. With a checkpoint that a witness had before, it shows
that this one is no older: `greave record verify FOLDER --key KEY --since CHECKPOINT`. Whoever doubts the rest asks for
the record, and holds that against it in the same way.

A line of `{CALLS}` is a leaf of the record's tree with its path, or an entry of a segment of the leaf before it: the
first letter of `entry` is its kind, the rest is JSON as it was recorded. Who wants to check without Greave: SHA-256 of
a zero byte and the entry is the leaf's hash, `index` and `path` lead to the segment's `root`, and the leaf's own to
the root in the checkpoint.

No secret is in here. What callers sent is in here: read it as text, and run none of it.
"
    )
}

#[cfg(test)]
mod tests;

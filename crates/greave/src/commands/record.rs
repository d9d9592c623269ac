//! `greave record`: whether the record is whole, and proofs for those who were not there.

use std::{
    fs,
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use clap::Subcommand;
use console::api::{Checkpoint, LedgerVerified};
use jiff::{SignedDuration, Timestamp};
use law::CallId;
use record::{Proof, Proven, Removal, Verified};
use seal::Verifier;
use serde::Serialize;
use serde_json::{Value, json};

use super::{Admin, Done, Outcome, incident, json as print_json};
use crate::{
    cli::{Cli, example},
    client::{Client, address},
    secrets::{SecretError, Vault, record_verifier},
    show::{self, ALARM, FAINT, WELL, count, moment, styled},
    state::{named_by, record_folder, running},
};

#[derive(Debug, Subcommand)]
pub(crate) enum Record {
    /// Look whether the record is whole: any call that was changed, moved, cut off or taken away.
    ///
    /// With a folder and `--key` nothing else is needed, no gate and no state. A FILE is a proof
    /// that `greave record prove` made; a folder may also be the evidence of an incident. Ends with
    /// 1 where something does not hold.
    #[command(after_help = example!("record verify", "record verify /copy/record --key key.pub --since kept.note", "record verify proof.json --key key.pub"))]
    Verify {
        /// The record's folder, or a proof; else the record of the configuration.
        #[arg(value_name = "FOLDER|FILE")]
        path: Option<PathBuf>,
        /// The public key, as `greave record key` prints it, or a file that holds it.
        #[arg(long, value_name = "KEY")]
        key: Option<String>,
        /// A checkpoint that was kept elsewhere: the record must go on from it, and evidence of
        /// an incident have one that is no older; may be given several times.
        #[arg(long, value_name = "FILE")]
        since: Vec<PathBuf>,
    },
    /// Prove to somebody who has nothing but the public key that a call was recorded so, or that
    /// the record goes on from a checkpoint that they have.
    #[command(after_help = example!("record prove 01938d2e-7c00-7000-8000-000000000001 --output proof.json", "record prove --since kept.note"))]
    Prove {
        /// The call, by its id; `greave calls --format jsonl` shows it.
        #[arg(value_name = "CALL", required_unless_present = "since", conflicts_with = "since")]
        call: Option<String>,
        /// An older checkpoint.
        #[arg(long, value_name = "FILE")]
        since: Option<PathBuf>,
        /// Where to write it; else to standard output.
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// The newest checkpoint, for a witness to keep.
    #[command(after_help = example!("record checkpoint"))]
    Checkpoint,
    /// The public key with which all of this can be checked.
    #[command(after_help = example!("record key"))]
    Key,
}

pub(crate) async fn run(cli: &Cli, wanted: &Record, now: Timestamp) -> Outcome {
    match wanted {
        Record::Verify { path, key, since } => verify(cli, path.as_deref(), key.as_deref(), since, now).await,
        Record::Prove { call, since, output } => prove(cli, call.as_deref(), since.as_deref(), output.as_deref()).await,
        Record::Checkpoint => {
            let folder = folder(cli);
            let note = record::checkpoint(&folder).map_err(|error| unreadable(&folder, &error))?;
            let note = note.ok_or("nothing of the record is sealed yet; `record.seal` says how often it is")?;
            show::say(note.trim_end())?;
            Ok(Done::Clean)
        }
        Record::Key => {
            show::say(own_key(cli).await?)?;
            Ok(Done::Clean)
        }
    }
}

fn folder(cli: &Cli) -> PathBuf {
    record_folder(&named_by(&cli.config))
}

/// The record's public key: from the secret, or from the running gate where this user has none.
async fn own_key(cli: &Cli) -> Result<Verifier, Box<dyn std::error::Error>> {
    let state = named_by(&cli.config);
    let error = match Vault::of(&state).record_signer() {
        Ok(signer) => return Ok(signer.verifier()),
        Err(error @ (SecretError::Missing { .. } | SecretError::Unreadable { .. })) => error,
        Err(error) => return Err(error.into()),
    };
    let Some(socket) = running(&state) else {
        return Err(format!("no gate runs that would say its public key, and {error}").into());
    };
    let Checkpoint { key, .. } = Client::Running(socket).read(&address(&["ledger", "checkpoint"])).await?;
    Ok(record_verifier(&key.parse()?)?)
}

/// A key that was given, or a file that holds it; else the own one.
async fn key(cli: &Cli, given: Option<&str>) -> Result<Verifier, Box<dyn std::error::Error>> {
    let Some(given) = given else {
        return own_key(cli).await.map_err(|error| format!("{error}; or give the public key with `--key`").into());
    };
    match given.parse() {
        Ok(key) => Ok(key),
        Err(error) => match fs::read_to_string(given) {
            Ok(text) => text.parse().map_err(|error| format!("`{given}`: {error}").into()),
            Err(_) => Err(format!("`{given}` is no file and no public key: {error}").into()),
        },
    }
}

fn unreadable(path: &Path, error: &io::Error) -> String {
    format!("`{}` cannot be read: {error}", path.display())
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| unreadable(path, &error))
}

async fn verify(cli: &Cli, path: Option<&Path>, given: Option<&str>, since: &[PathBuf], now: Timestamp) -> Outcome {
    if let Some(path) = path {
        fs::metadata(path)
            .map_err(|error| format!("{}; name the folder of a record, or a proof", unreadable(path, &error)))?;
    }
    let key = key(cli, given).await?;
    if let Some(path) = path.filter(|path| path.is_file()) {
        if !since.is_empty() {
            return Err("`--since` holds a record against a checkpoint, and this is a proof; leave it out".into());
        }
        return proven(cli, &Proof::read(&read(path)?).and_then(|proof| proof.verify(&key)));
    }
    let is_own = path.is_none() && given.is_none();
    if let Some(bundle) = path.filter(|path| incident::is_bundle(path)) {
        let since = since.iter().map(|path| read(path)).collect::<Result<Vec<_>, _>>()?;
        return incident::verify(bundle, (&key, &since), cli.json);
    }
    let folder = path.map_or_else(|| folder(cli), Path::to_owned);
    let since = since.iter().map(|path| read(path)).collect::<Result<Vec<_>, _>>()?;
    let mut verified =
        record::verify(&folder, &key, &since).map_err(|error| format!("`{}`: {error}", folder.display()))?;
    let is_empty = verified.leaves == 0 && verified.unsealed == 0 && verified.findings.is_empty();
    if path.is_some() && is_empty {
        // Whoever took everything out of it must not be told that all is well.
        verified.findings.push("nothing of a record is in it, nor of a bundle".to_owned());
    }
    let mut unasked = None;
    if is_own && !verified.removals.is_empty() {
        match beside_ledger(cli, &folder, &key, now).await {
            Ok(findings) => verified.findings.extend(findings),
            Err(error) => unasked = Some(format!("not checked: whether the ledger has each removal ({error})")),
        }
    }
    let done = if verified.findings.is_empty() { Done::Clean } else { Done::Findings };
    if cli.json {
        print_json(&report(&verified))?;
    } else {
        show::say(page(&verified))?;
    }
    unasked.into_iter().for_each(|text| show::aside(FAINT, text));
    Ok(done)
}

/// A removal is in the ledger as soon as this has passed.
const NOTED: SignedDuration = SignedDuration::from_secs(30);

/// Removals of which the ledger does not speak: whoever has the key can sign one.
async fn beside_ledger(
    cli: &Cli,
    folder: &Path,
    key: &Verifier,
    now: Timestamp,
) -> Result<Vec<String>, Box<dyn std::error::Error>> {
    let admin = Admin::reach(cli, now).await?;
    let ledger: LedgerVerified = admin.client.read(&address(&["ledger", "verify"])).await?;
    let (record, removals) = record::removals(folder, key)?;
    Ok(unnoted(&removals, ledger.trimmed.get(&record).copied(), now))
}

fn unnoted(removals: &[Removal], newest: Option<u64>, now: Timestamp) -> Vec<String> {
    let unnoted = removals.iter().filter(|removal| newest.is_none_or(|newest| removal.leaf > newest));
    let unnoted = unnoted.filter(|removal| now.duration_since(removal.at) > NOTED);
    unnoted
        .map(|removal| {
            format!("leaf {} removes {}, and the ledger does not say so", removal.leaf, count(removal.calls, "call"))
        })
        .collect()
}

fn report(verified: &Verified) -> Value {
    let Verified { leaves, calls, segments, removed, removals, unsealed, signed_here, since, findings } = verified;
    json!({
        "leaves": leaves, "calls": calls, "segments": segments, "removed": removed, "removals": removals,
        "unsealed": unsealed, "signed_here": signed_here, "since": since, "findings": findings,
    })
}

fn page(verified: &Verified) -> String {
    let Verified { leaves, calls, segments, removed: _, removals, unsealed, signed_here, since, findings } = verified;
    let mut lines = vec![format!(
        "{} in {}, under a checkpoint of {}",
        count(*calls, "sealed call"),
        count(*segments, "segment"),
        count(*leaves, "leaf").replace("leafs", "leaves")
    )];
    lines.extend(removals.iter().map(removal));
    if signed_here.is_some() {
        lines.push("it goes on from what was signed here (`record.signed`)".to_owned());
    }
    lines.extend(since.iter().map(|size| format!("it goes on from the checkpoint of {size} that was kept elsewhere")));
    if *unsealed > 0 {
        let text = format!(
            "{} not sealed yet: their checksums fit, which whoever can write there can forge",
            count(*unsealed, "call")
        );
        lines.push(styled(FAINT, text));
    }
    match (since.is_empty(), signed_here) {
        (false, _) => {}
        (true, Some(_)) => lines.push(styled(
            FAINT,
            "not checked: whether this host itself was rolled back; a checkpoint kept elsewhere shows that (`--since FILE`)",
        )),
        (true, None) => lines.push(styled(
            ALARM,
            "not checked: whether its end was cut off, or all of it replaced; give a checkpoint that was kept elsewhere \
             (`--since FILE`)",
        )),
    }
    if findings.is_empty() && (*leaves > 0 || *unsealed > 0) {
        let of = if since.is_empty() && signed_here.is_none() { " of what is there" } else { "" };
        lines.push(styled(WELL, format!("nothing{of} is changed, missing or moved")));
    } else if findings.is_empty() {
        lines.push("nothing is recorded here".to_owned());
    }
    lines.extend(findings.iter().map(|finding| styled(ALARM, show::clean(finding))));
    lines.join("\n")
}

fn removal(removal: &Removal) -> String {
    let Removal { leaf, at, why, segments, calls, from, to, keep } = removal;
    let span = from.zip(*to).map(|(from, to)| format!(" of {} to {} UTC", moment(from), moment(to)));
    let keep = keep.map_or_else(String::new, |keep| format!(" ({keep})"));
    let why = match why.as_str() {
        "kept-long-enough" => format!("kept long enough{keep}"),
        "cap" => "beyond the cap".to_owned(),
        other => show::clean(other),
    };
    let (calls, segments) = (count(*calls, "call"), count(*segments, "segment"));
    format!("removed at {} UTC by leaf {leaf}: {calls}{} in {segments}, {why}", moment(*at), span.unwrap_or_default())
}

/// What a proof shows.
fn proven(cli: &Cli, proven: &Result<Proven, record::ProofError>) -> Outcome {
    #[derive(Serialize)]
    struct Shown<'a> {
        holds: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        call: Option<&'a Value>,
        #[serde(skip_serializing_if = "Option::is_none")]
        outcome: Option<&'a Value>,
        words: String,
    }
    let shown = match proven {
        Ok(Proven::Call { call, outcome, sealed, size }) => {
            let words = format!(
                "the call was recorded so, and sealed at {} UTC; the checkpoint has {size} leaves{}",
                moment(*sealed),
                if outcome.is_some() { "" } else { "; this proof says nothing of what became of it" }
            );
            Shown { holds: true, call: Some(call), outcome: outcome.as_ref(), words }
        }
        Ok(Proven::Consistency { old, new }) => {
            let words = format!("the record of {new} leaves begins with the {old} of the older checkpoint");
            Shown { holds: true, call: None, outcome: None, words }
        }
        Err(error) => {
            Shown { holds: false, call: None, outcome: None, words: format!("the proof does not hold: {error}") }
        }
    };
    let done = if shown.holds { Done::Clean } else { Done::Findings };
    if cli.json {
        print_json(&shown)?;
        return Ok(done);
    }
    show::say(styled(if shown.holds { WELL } else { ALARM }, &shown.words))?;
    for part in [shown.call, shown.outcome].into_iter().flatten() {
        show::say(show::harmless_json(&serde_json::to_string_pretty(part)?))?;
    }
    Ok(done)
}

async fn prove(cli: &Cli, call: Option<&str>, since: Option<&Path>, output: Option<&Path>) -> Outcome {
    let (folder, key) = (folder(cli), own_key(cli).await?);
    let proof = match (call, since) {
        (Some(call), _) => {
            let id: CallId = serde_json::from_value(json!(call)).map_err(|_| {
                format!("`{}` is no id of a call; `greave calls --format jsonl` shows them", show::clean(call))
            })?;
            record::prove(&folder, id, &key)?
        }
        (None, Some(since)) => record::prove_consistency(&folder, &read(since)?, &key)?,
        (None, None) => return Err("name a call, or a checkpoint with `--since`".into()),
    };
    let text = serde_json::to_string_pretty(&proof)?;
    let Some(output) = output else {
        show::say(show::harmless_json(&text))?;
        return Ok(Done::Clean);
    };
    // A proof holds what the caller sent, and is for whom its maker gives it to.
    let written = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(output);
    let written = written.and_then(|mut file| file.write_all((text + "\n").as_bytes()));
    written.map_err(|error| format!("`{}` cannot be written: {error}", output.display()))?;
    show::say(format!("written to `{}`; `greave record verify {0} --key KEY` checks it", output.display()))?;
    Ok(Done::Clean)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::testing::plain;

    #[test]
    fn a_removal_that_the_ledger_does_not_have_is_found() {
        let now: Timestamp = "2026-11-29T12:00:00Z".parse().unwrap();
        let removal = |leaf, minutes| Removal {
            leaf,
            at: now - SignedDuration::from_mins(minutes),
            why: "cap".to_owned(),
            segments: 1,
            calls: 120,
            from: None,
            to: None,
            keep: None,
        };
        let removals = [removal(3, 60), removal(7, 5), removal(9, 0)];
        assert_eq!(unnoted(&removals, Some(7), now), Vec::<String>::new(), "one of this moment is on its way");
        assert_eq!(unnoted(&removals, Some(3), now), ["leaf 7 removes 120 calls, and the ledger does not say so"]);
        assert_eq!(unnoted(&removals, None, now).len(), 2);
    }

    #[test]
    fn what_was_looked_at_and_what_was_not_is_said() {
        let at = |text: &str| text.parse::<jiff::Timestamp>().unwrap();
        let removal = Removal {
            leaf: 7,
            at: at("2026-11-29T11:00:00Z"),
            why: "kept-long-enough".to_owned(),
            segments: 3,
            calls: 120,
            from: Some(at("2026-08-30T09:00:00Z")),
            to: Some(at("2026-08-30T09:59:00Z")),
            keep: Some(law::Span::days(90)),
        };
        let well = Verified {
            leaves: 12,
            calls: 4321,
            segments: 20,
            removed: 3,
            removals: vec![removal],
            unsealed: 17,
            signed_here: Some(12),
            ..Verified::default()
        };
        let copied = Verified { leaves: 1, calls: 1, segments: 1, ..Verified::default() };
        let empty = Verified::default();
        let ill = Verified {
            leaves: 1,
            calls: 1,
            segments: 1,
            since: vec![7],
            findings: vec!["`hour=2026-11-29T11/00000012-0.parquet` is not what was sealed".to_owned()],
            ..Verified::default()
        };
        insta::assert_snapshot!(
            "record_verify",
            plain(&[&well, &ill, &copied, &empty].map(|of| page(of) + "\n").join("\n"))
        );
    }
}

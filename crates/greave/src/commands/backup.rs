//! `greave backup` and `greave restore`.

use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;
use serde::Serialize;

use super::{Done, Outcome, json};
use crate::{
    backup::{self, Asked, Manifest, Newer, Restored, Taken},
    cli::Cli,
    show::{self, ALARM, FAINT, WELL, count, moment, styled},
    state::named_by,
};

#[derive(Debug, Args)]
pub(crate) struct Backup {
    /// The folder to make; it must not be there.
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
    /// Write the pepper, the master key and the ledger key into this file, in another folder.
    #[arg(long, value_name = "FILE")]
    pub(crate) secrets: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// The folder that `greave backup` made.
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
    /// The file with the secrets, where they are neither in the environment nor in `secrets` of
    /// the new folder.
    #[arg(long, value_name = "FILE")]
    pub(crate) secrets: Option<PathBuf>,
    /// The state folder to make. It may hold `secrets` and `record` already, and no state.
    #[arg(long, value_name = "DIR")]
    pub(crate) to: PathBuf,
    /// A checkpoint that was kept elsewhere (`greave ledger checkpoint`); may be given several times.
    #[arg(long = "checkpoint", value_name = "FILE")]
    pub(crate) checkpoints: Vec<PathBuf>,
    /// A folder `record` that outlived the state; may be given several times.
    #[arg(long = "newer-record", value_name = "DIR")]
    pub(crate) records: Vec<PathBuf>,
    /// Restore although keys may come back to life that were revoked since.
    #[arg(long)]
    pub(crate) danger_behind: bool,
}

/// So many keys are named in a line.
const NAMED: usize = 20;

pub(crate) async fn take(cli: &Cli, wanted: &Backup, now: Timestamp) -> Outcome {
    let taken = backup::take(&named_by(&cli.config), &wanted.folder, wanted.secrets.as_deref(), now).await?;
    say(cli.json, &taken, || in_words(&taken))?;
    Ok(Done::Clean)
}

fn in_words(taken: &Taken) -> Vec<String> {
    let Taken { folder, secrets, manifest } = taken;
    let mut lines = vec![styled(WELL, format!("{} holds {}", folder.display(), stands(manifest)))];
    lines.push(match &manifest.record {
        Some(place) => format!(
            "The record is not in it; it stood at byte {} of {}. Copy the folder `record` with any tool that can be run twice, such as rsync, and look at the copy with `greave record verify`.",
            place.bytes, place.file
        ),
        None => "There was no record yet.".to_owned(),
    });
    lines.push(match secrets {
        Some(secrets) => format!(
            "The secrets are in {}. With them and the backup anybody has the gate: move one of the two elsewhere.",
            secrets.display()
        ),
        None => "The secrets (pepper, master, ledger) are not in it, and without them it is worth nothing: keep them \
                 apart, `--secrets FILE` writes them."
            .to_owned(),
    });
    lines
}

pub(crate) async fn restore(cli: &Cli, wanted: &Restore, now: Timestamp) -> Outcome {
    let Restore { folder, secrets, to, checkpoints, records, danger_behind } = wanted;
    let asked =
        Asked { from: folder, secrets: secrets.as_deref(), to, checkpoints, records, danger_behind: *danger_behind };
    let restored = backup::restore(&asked, now).await?;
    say(cli.json, &restored, || told(&restored))?;
    Ok(if restored.restored { Done::Clean } else { Done::Findings })
}

/// What nobody can read from a backup, or from a record.
const UNKNOWN: &str = "What was changed after the backup and is nowhere at hand cannot be known: keys that were revoked \
                       or disabled and not used since work again; who has left is back; what was taken from a person is \
                       theirs again; authenticators that were replaced and recovery codes that were used serve again; keys \
                       that were narrowed reach as far as before; keys that were made since are not known.";

fn told(restored: &Restored) -> Vec<String> {
    let Restored { restored: done, folder, manifest, newer } = restored;
    let mut lines = evidence(newer);
    lines.push(UNKNOWN.to_owned());
    if !done {
        let text = "Nothing was restored: it is behind the state that was lost, or may be. Give what you have \
                    (`--checkpoint`, `--newer-record`), look for a newer backup, or say `--danger-behind`.";
        lines.push(styled(ALARM, text));
        return lines;
    }
    lines.push(styled(WELL, format!("{} holds {}", folder.display(), stands(manifest))));
    if !newer.stopped.is_empty() {
        lines.push(format!(
            "Stopped again, since the record shows them stopped: {}",
            keys(newer.stopped.iter().map(|it| it.key))
        ));
    }
    lines.push(
        "Links to enrol, questions and windows of before are void. Look through `greave keys list` and `greave holders list` \
         before clients call again; then invite anew whose authenticator may have changed."
            .to_owned(),
    );
    lines
}

fn evidence(newer: &Newer) -> Vec<String> {
    let Newer { looked, entries, calls, last, unknown, stopped, narrowed, damaged } = newer;
    let mut lines = Vec::new();
    if !looked {
        lines.push(styled(ALARM, "Nothing was given to hold it against: neither a checkpoint nor a record."));
    }
    if *entries > 0 {
        let text = format!("A checkpoint was signed later: {} of the ledger are missing.", rows(*entries));
        lines.push(styled(ALARM, text));
    }
    if let Some(last) = last {
        let text = format!("The record has {} after it, the last at {} UTC.", count(*calls, "call"), moment(*last));
        lines.push(styled(ALARM, text));
    }
    if !stopped.is_empty() {
        let text = format!("Stopped since, and working in the backup: {}", keys(stopped.iter().map(|it| it.key)));
        lines.push(styled(ALARM, text));
    }
    if !narrowed.is_empty() {
        let text = format!(
            "Refused since for what they may do in the backup: {}. They were narrowed, and a restore widens them: \
             `greave narrow KEY --apply` narrows one again.",
            keys(narrowed.iter().copied())
        );
        lines.push(styled(ALARM, text));
    }
    if !unknown.is_empty() {
        lines.push(styled(ALARM, format!("Made since, and unknown in the backup: {}", keys(unknown.iter().copied()))));
    }
    if *damaged > 0 {
        lines.push(styled(ALARM, format!("{} of the record cannot be read.", count(*damaged, "part"))));
    }
    if lines.is_empty() {
        lines.push(styled(FAINT, "Nothing at hand is newer than the backup."));
    }
    lines
}

fn keys(keys: impl ExactSizeIterator<Item = law::KeyId>) -> String {
    let more = keys.len().saturating_sub(NAMED);
    let named: Vec<String> = keys.take(NAMED).map(|key| key.to_string()).collect();
    if more > 0 { format!("{} and {more} more", named.join(", ")) } else { named.join(", ") }
}

fn rows(entries: u64) -> String {
    if entries == 1 { "1 entry".to_owned() } else { format!("{entries} entries") }
}

fn stands(manifest: &Manifest) -> String {
    let Manifest { entries, taken, .. } = manifest;
    format!("the state as it was at {} UTC, with {} of the ledger", moment(*taken), rows(*entries))
}

fn say(
    as_json: bool,
    value: &impl Serialize,
    lines: impl FnOnce() -> Vec<String>,
) -> Result<(), Box<dyn std::error::Error>> {
    if as_json {
        return json(value);
    }
    Ok(lines().iter().try_for_each(show::say)?)
}

//! `greave ledger`: every change of keys, holders and law, and whether it holds together.

use std::{
    fs,
    path::{Path, PathBuf},
};

use authority::{Actor, Failed};
use clap::Subcommand;
use comfy_table::Table;
use console::api::{
    Checkpoint, HolderList, HolderView, LedgerEntry, LedgerEvents, LedgerFilter, LedgerList, LedgerVerified,
};
use jiff::Timestamp;
use seal::Verifier;
use serde::Serialize;
use serde_json::{Value, json};
use store::StoreError;

use super::{Admin, Done, Outcome, json as print_json};
use crate::{
    cli::{Cli, example},
    client::{ClientError, address, filtered},
    house::HouseError,
    show::{self, ALARM, FAINT, WELL, ago, aside, clean, styled},
    state::StateError,
};

#[derive(Debug, Subcommand)]
pub(crate) enum Ledger {
    /// Read the whole ledger again and hold it against its chain and its checkpoints, and what is
    /// sealed beside it (authenticators, the API's own credential) against the ledger. Ends with 1
    /// where something does not hold together.
    #[command(after_help = example!("ledger verify", "ledger verify --since kept.checkpoint"))]
    Verify {
        /// Also against a checkpoint that was kept elsewhere (`greave ledger checkpoint`): whoever
        /// put an older state back could not change that.
        #[arg(long, value_name = "FILE")]
        since: Vec<PathBuf>,
    },
    /// The newest entries.
    #[command(after_help = example!("ledger show", "ledger show --last 200 --json", "ledger show --ocsf"))]
    Show {
        /// At most so many.
        #[arg(long, default_value_t = 30)]
        last: u32,
        /// As events of OCSF 1.8, one a line, as drains carry them.
        #[arg(long)]
        ocsf: bool,
    },
    /// The newest checkpoint, for a witness to keep.
    #[command(after_help = example!("ledger checkpoint"))]
    Checkpoint,
}

pub(crate) async fn run(cli: &Cli, command: &Ledger, now: Timestamp) -> Outcome {
    let admin = match Admin::reach(cli, now).await {
        Ok(admin) => admin,
        // A broken ledger is what `verify` is there to find.
        Err(error) if matches!(command, Ledger::Verify { .. }) && is_broken(&*error) => {
            return broken(&error.to_string(), cli.json);
        }
        Err(error) => return Err(error),
    };
    match command {
        Ledger::Verify { since } => verify(&admin, since).await,
        Ledger::Show { last, ocsf: false } => list(&admin, *last).await,
        Ledger::Show { last, ocsf: true } => events(&admin, *last).await,
        Ledger::Checkpoint => checkpoint(&admin).await,
    }
}

fn is_broken(error: &(dyn std::error::Error + 'static)) -> bool {
    matches!(error.downcast_ref(), Some(HouseError::State(StateError::Authority(Failed::Store(StoreError::Broken(_))))))
}

async fn verify(admin: &Admin, since: &[PathBuf]) -> Outcome {
    let verified: LedgerVerified = match admin.client.read(&address(&["ledger", "verify"])).await {
        Ok(verified) => verified,
        Err(ClientError::Refused(problem)) if problem.code == "state-unavailable" => {
            return broken(&problem.detail, admin.json);
        }
        Err(error) => return Err(error.into()),
    };
    let LedgerVerified { entries, head, checkpoint: _, trimmed: _, misplaced } = &verified;
    let mut findings = misplaced.clone();
    for path in since {
        findings.extend(hold_against(admin, path, *entries).await?);
    }
    admin.answer(&Report { ledger: &verified, findings: &findings }, || {
        let whole = styled(WELL, format!("{entries} entries hold together, up to {head}"));
        [whole].into_iter().chain(findings.iter().map(|it| styled(ALARM, clean(it)))).collect::<Vec<_>>().join("\n")
    })?;
    Ok(if findings.is_empty() { Done::Clean } else { Done::Findings })
}

#[derive(Serialize)]
struct Report<'a> {
    #[serde(flatten)]
    ledger: &'a LedgerVerified,
    findings: &'a [String],
}

/// What a checkpoint that somebody kept says against this ledger.
async fn hold_against(admin: &Admin, path: &Path, len: u64) -> Result<Option<String>, Box<dyn std::error::Error>> {
    let name = path.display();
    let note = fs::read_to_string(path).map_err(|error| format!("`{name}` cannot be read: {error}"))?;
    let Checkpoint { key, note: _ } = admin.client.read(&address(&["ledger", "checkpoint"])).await?;
    let signed = key.parse::<Verifier>()?.checkpoint(&note);
    let seal::Checkpoint { origin: _, size, root } =
        signed.map_err(|error| format!("`{name}` is no checkpoint of this ledger: {error}"))?;
    let filter = LedgerFilter { from: Some(size), limit: Some(1) };
    let LedgerList { entries, len: _ } = admin.client.read(&filtered(address(&["ledger"]), &filter)).await?;
    Ok(match entries.first().filter(|entry| entry.seq == size) {
        Some(entry) if entry.hash == root.to_string() => None,
        Some(_) => Some(format!(
            "`{name}` was signed for another history: entry {size} is not the one of then. Somebody put an older \
             state back, and it went on from there"
        )),
        None => Some(format!(
            "`{name}` was signed at entry {size}, and the ledger ends at {len}: an older state was put back. What was \
             revoked, removed or replaced since then works again: `greave restore` says what to do"
        )),
    })
}

fn broken(why: &str, as_json: bool) -> Outcome {
    if as_json {
        print_json(&json!({ "broken": why }))?;
    } else {
        show::say(styled(ALARM, clean(why)))?;
    }
    Ok(Done::Findings)
}

async fn list(admin: &Admin, last: u32) -> Outcome {
    let filter = LedgerFilter { from: None, limit: Some(last) };
    let LedgerList { entries, len } = admin.client.read(&filtered(address(&["ledger"]), &filter)).await?;
    if admin.json {
        print_json(&entries)?;
        return Ok(Done::Clean);
    }
    let HolderList { holders, .. } = admin.client.read(&address(&["holders"])).await?;
    show::print(&table(&entries, &holders, admin.now), "nothing has changed yet");
    if len > entries.len() as u64 {
        aside(FAINT, format!("the newest {} of {len}; `--last` shows more", entries.len()));
    }
    Ok(Done::Clean)
}

/// As other systems are sent them.
async fn events(admin: &Admin, last: u32) -> Outcome {
    let filter = LedgerFilter { from: None, limit: Some(last) };
    let LedgerEvents { events } = admin.client.read(&filtered(address(&["ledger", "events"]), &filter)).await?;
    events.iter().try_for_each(show::say)?;
    Ok(Done::Clean)
}

fn table(entries: &[LedgerEntry], holders: &[HolderView], now: Timestamp) -> Table {
    let mut table = show::table(["entry", "when", "by", "change", ""]);
    for entry in entries {
        let LedgerEntry { seq, at, by, change, particulars, hash: _ } = entry;
        let particulars: Vec<String> =
            particulars.iter().flat_map(|(name, value)| particulars_of(name, value)).collect();
        let (by, change) = (actor(*by, holders), clean(change));
        table.add_row([seq.to_string(), ago(*at, now), by, change, particulars.join("  ")]);
    }
    table
}

pub(super) fn actor(by: Actor, holders: &[HolderView]) -> String {
    match by {
        Actor::Gate => "gate".to_owned(),
        Actor::Operator => "operator".to_owned(),
        Actor::Person(id) => {
            let name = holders.iter().find(|holder| holder.id == id).map(|holder| clean(&holder.name));
            name.unwrap_or_else(|| id.to_string())
        }
    }
}

/// What is told of one particular, in a line. What says nothing, and what takes a page, is left
/// to `--json`.
pub(super) fn particulars_of(name: &str, value: &Value) -> Vec<String> {
    let text = match value {
        Value::Object(several) => {
            return several.iter().flat_map(|(name, value)| particulars_of(name, value)).collect();
        }
        Value::Null | Value::Bool(false) => return Vec::new(),
        Value::Array(several) if several.is_empty() => return Vec::new(),
        Value::Array(several) => {
            let words: Vec<String> =
                several.iter().map(|value| value.as_str().map_or(value.to_string(), clean)).collect();
            words.join("+")
        }
        Value::String(text) if text.contains('\n') => return Vec::new(),
        Value::String(text) => clean(text),
        Value::Bool(true) | Value::Number(_) => value.to_string(),
    };
    let is_digest = text.len() == 64 && text.bytes().all(|letter| letter.is_ascii_hexdigit());
    let most = if is_digest { 16 } else { 60 };
    let short: String = text.chars().take(most).collect();
    let cut = if short.len() < text.len() { "…" } else { "" };
    vec![format!("{}={short}{cut}", clean(name))]
}

async fn checkpoint(admin: &Admin) -> Outcome {
    let checkpoint: Checkpoint = admin.client.read(&address(&["ledger", "checkpoint"])).await?;
    admin.answer(&checkpoint, || match &checkpoint.note {
        Some(note) => note.trim_end().to_owned(),
        None => "nothing has changed yet, so there is no checkpoint".to_owned(),
    })?;
    Ok(Done::Clean)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::testing::{self, NOW, plain};

    #[test]
    fn the_ledger_tells_who_changed_what() {
        let text = plain(&show::lines(&mut table(&testing::ledger(), &testing::holders(), NOW), Some(110)));
        insta::assert_snapshot!("ledger", text);
    }

    #[test]
    fn particulars_stay_in_their_line() {
        let shown = |value: Value| particulars_of("x", &value).join(" ");
        assert_eq!(shown(json!("a\u{1b}[2Jb")), "x=a\\u{1b}[2Jb");
        assert_eq!(shown(json!("a ".repeat(31))), format!("x={}…", "a ".repeat(30)));
        assert_eq!(shown(json!("a".repeat(64))), format!("x={}…", "a".repeat(16)));
        assert_eq!(shown(json!({"person": "h1", "powers": ["grant", "mint"]})), "person=h1 powers=grant+mint");
        for nothing in [json!(null), json!([]), json!(false), json!("a\nb"), json!({})] {
            assert_eq!(shown(nothing), "");
        }
    }
}

//! `greave reconcile`: what the API itself says of its keys and calls, held against what is known
//! here.

mod around;

use std::{
    fs::File,
    io::{self, BufRead, BufReader},
    path::{Path, PathBuf},
    sync::Arc,
};

use authority::Listed;
use clap::Args;
use console::api::{AliveView, GoneView, Reconciled};
use jiff::{SignedDuration, Timestamp};
use law::{KeyId, Span};
use record::Reader;
use serde_json::json;
use wire::OpenPaths;

use self::around::{Around, Outside, Reading, Recorded, compare};
use super::{Admin, Done, Outcome, json as print_json};
use crate::{
    cli::Cli,
    client::address,
    posture::Posture,
    show::{self, ALARM, FAINT, WELL, ago, aside, clean, styled},
    state::record_folder,
};

#[derive(Debug, Args)]
pub(crate) struct Reconcile {
    /// The API's access log, as nginx, Apache, Caddy, Envoy and Traefik write it; `-` is standard
    /// input.
    #[arg(long, value_name = "FILE")]
    pub(crate) log: Option<PathBuf>,
    /// Lines that are older are passed over.
    #[arg(long, default_value = "7d", value_name = "TIME", requires = "log")]
    pub(crate) since: Span,
    /// How much the clocks of the API and of the gate may differ, at most five minutes.
    #[arg(long, default_value = "5s", value_name = "TIME", requires = "log", value_parser = tolerance)]
    pub(crate) tolerance: Span,
}

fn tolerance(text: &str) -> Result<Span, String> {
    let span: Span = text.parse().map_err(|error| format!("{error}"))?;
    if span > Span::minutes(5) {
        return Err("whoever comes around the gate could hide behind so long a time; say at most `5m`".to_owned());
    }
    Ok(span)
}

pub(crate) async fn run(cli: &Cli, wanted: &Reconcile, now: Timestamp) -> Outcome {
    let calls = wanted.log.as_deref().map(|log| calls(cli, wanted, log, now)).transpose()?;
    let asks = match &calls {
        // Whoever only has a log has said nothing of the API's list.
        Some((_, posture)) => posture.config.api.credentials.is_some(),
        None => true,
    };
    let keys: Option<Reconciled> = if asks {
        Some(Admin::reach(cli, now).await?.client.change(&address(&["reconcile"]), &json!({})).await?)
    } else {
        None
    };
    let calls = calls.map(|(calls, _)| calls);
    if cli.json {
        print_json(&json!({ "keys": keys, "calls": calls }))?;
    } else {
        keys.iter().for_each(|keys| print_keys(keys, now));
        calls.iter().for_each(|calls| print_calls(calls, now));
    }
    let unknown =
        keys.as_ref().and_then(|keys| Some(format!("whether the API has other keys: {}", keys.not_compared.as_ref()?)));
    if let Some(what) = unknown.or_else(|| calls.as_ref().and_then(unmeasured)) {
        return Err(format!("nobody knows {}", clean(&what)).into());
    }
    let differ = |keys: &Reconciled| !(keys.unknown.is_empty() && keys.alive.is_empty() && keys.gone.is_empty());
    if keys.as_ref().is_some_and(differ) || calls.as_ref().is_some_and(|calls| calls.around > 0) {
        return Ok(Done::Findings);
    }
    if !cli.json {
        show::say(styled(WELL, "the API and the gate agree"))?;
    }
    Ok(Done::Clean)
}

/// Why a log says nothing of calls around the gate, where it does not. What was found is found.
fn unmeasured(calls: &Around) -> Option<String> {
    let Around { recorded, around, open, own, unreadable, .. } = calls;
    if *around > 0 {
        return None;
    }
    if *unreadable > 0 {
        return Some(format!(
            "what {} of the log say; is it in the combined format, JSON, or Envoy's?",
            show::count(*unreadable, "line")
        ));
    }
    (recorded + open + own == 0)
        .then(|| "whether calls go around the gate: no line of the log is of a time that the record has".to_owned())
}

fn calls(
    cli: &Cli,
    wanted: &Reconcile,
    log: &Path,
    now: Timestamp,
) -> Result<(Around, Posture), Box<dyn std::error::Error>> {
    let posture = Posture::read(&cli.config)?;
    let Posture { config, document, .. } = &posture;
    let catalogue = Arc::clone(&document.catalogue);
    let open = OpenPaths::new(&config.api.open, catalogue.base())?;
    let acts = config.api.credentials.iter().flat_map(|how| how.revoke.iter().chain(&how.list)).cloned().collect();
    let mut reading = Reading { rules: config.path_rules(), open, own: Vec::new(), acts, catalogue };
    if let Some(identify) = &config.api.identify {
        let target = format!("{}{}", reading.catalogue.base(), identify.path);
        reading.own.extend(reading.question("GET", &target));
    }
    let since = now.saturating_sub(SignedDuration::from(wanted.since)).unwrap_or(Timestamp::MIN);
    let folder = record_folder(&config.gate.state);
    if !folder.exists() {
        return Err(format!("there is no record in `{}` yet; `greave serve` begins it", folder.display()).into());
    }
    let recorded = Recorded::read(Reader::open(&folder)?, since, &reading);
    let found = compare(opened(log)?, recorded, &reading, since, SignedDuration::from(wanted.tolerance))
        .map_err(|error| format!("`{}` cannot be read: {error}", log.display()))?;
    Ok((found, posture))
}

/// A log; standard input where it is `-`.
fn opened(log: &Path) -> Result<Box<dyn BufRead>, Box<dyn std::error::Error>> {
    if log == Path::new("-") {
        return Ok(Box::new(BufReader::new(io::stdin())));
    }
    let file = File::open(log).map_err(|error| format!("`{}` cannot be opened: {error}", log.display()))?;
    let mut reader = BufReader::new(file);
    let begins = reader.fill_buf().map_err(|error| format!("`{}` cannot be read: {error}", log.display()))?;
    if begins.starts_with(&[0x1f, 0x8b]) {
        let log = log.display();
        return Err(format!("`{log}` is compressed; run `zcat {log} | greave reconcile --log -`").into());
    }
    Ok(Box::new(reader))
}

fn print_calls(calls: &Around, now: Timestamp) {
    let Around { lines, recorded, around, calls: told, open, own, uncovered, unreadable, damaged } = calls;
    let mut table = show::table(["around the gate", "", "status", "from", "as"]);
    for Outside { at, method, path, status, source, user_agent } in told {
        table.add_row([
            format!("{} UTC, {}", show::moment(*at), ago(*at, now)),
            clean(&format!("{method} {path}")),
            status.map_or_else(String::new, |status| status.to_string()),
            source.as_ref().map_or_else(String::new, |source| clean(source)),
            user_agent.as_ref().map_or_else(String::new, |agent| clean(agent)),
        ]);
    }
    show::print(&table, "");
    if *around > told.len() {
        aside(FAINT, format!("the first {} of {around}", told.len()));
    }
    let style = if *around > 0 { ALARM } else { FAINT };
    aside(style, format!("of {} of the log, {around} are in no record, {recorded} are", show::count(*lines, "line")));
    for (count, what) in [
        (open, "of what anybody may call are in no record"),
        (own, "look like what the gate asks by itself"),
        (uncovered, "are of a time of which the record says nothing: `--since` looks further back"),
    ] {
        if *count > 0 {
            aside(FAINT, format!("{count} {what}"));
        }
    }
    if *unreadable > 0 {
        aside(ALARM, format!("{} cannot be read", show::count(*unreadable, "line")));
    }
    if *damaged > 0 {
        aside(
            ALARM,
            format!("the record is damaged in {}: what it lost is not vouched for", show::count(*damaged, "place")),
        );
    }
}

fn print_keys(found: &Reconciled, now: Timestamp) {
    let Reconciled { not_compared, listed, unnamed, unknown, alive, gone } = found;
    let mut table = show::table(["key", "", "what is true"]);
    for listed in unknown {
        table.add_row([String::new(), of_the_api(listed, now), "alive at the API, and not known here".to_owned()]);
    }
    for AliveView { key, name, here, why, listed } in alive {
        let shown = listed.as_ref().map_or_else(|| of_ours(name.as_ref()), |listed| of_the_api(listed, now));
        table.add_row([key.to_string(), shown, format!("{here} here, alive at the API: {}", clean(why))]);
    }
    for GoneView { key, name, upstream } in gone {
        let shown = format!("{}{}", of_ours(name.as_ref()), called(upstream));
        table.add_row([key.to_string(), shown, "works here, and is gone at the API".to_owned()]);
    }
    show::print(&table, "");
    match not_compared {
        None => aside(FAINT, format!("{} at the API", show::count(*listed, "key"))),
        Some(why) => aside(ALARM, format!("the API's list was not compared: {}", clean(why))),
    }
    if *unnamed > 0 {
        let text = format!(
            "{} here of which nobody knows what the API calls them: a key that is not known may be one of them",
            show::count(*unnamed, "key")
        );
        aside(FAINT, text);
    }
    for key in gone.iter().map(|gone| gone.key).take(3) {
        aside(FAINT, mend(key));
    }
}

fn mend(key: KeyId) -> String {
    format!("`greave keys revoke {key}` says here, too, that it is gone")
}

fn called(upstream: &str) -> String {
    format!(" `{}`", clean(upstream))
}

fn of_ours(name: Option<&String>) -> String {
    name.map_or_else(String::new, |name| clean(name))
}

/// A key as the API lists it, in a line.
fn of_the_api(listed: &Listed, now: Timestamp) -> String {
    let Listed { id, holder, name, shows, created, expires: _, last_used, revoked: _, hash: _ } = listed;
    let words = [
        Some(format!("`{}`", clean(id))),
        name.as_ref().map(|name| clean(name)),
        shows.as_ref().map(|shows| clean(shows)),
        holder.as_ref().map(|holder| format!("of {}", clean(holder))),
        created.map(|at| format!("made {}", ago(at, now))),
        last_used.map(|at| format!("used {}", ago(at, now))),
    ];
    words.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

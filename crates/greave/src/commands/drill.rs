//! `greave drill`: a stolen key, rehearsed against the running gate.

mod canary;

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use authority::{Card, Moment, Noticed};
use clap::Args;
use console::api::{BeforeView, BeginDrill, DrillView, PlayedView};
use drill::{Scenario, Unfit};
use http::Method;
use jiff::Timestamp;
use law::KeyId;

use super::{Admin, Done, Outcome, json};
use crate::{
    broken,
    cli::{Cli, ProofArgs},
    client::address,
    show::{self, ALARM, FAINT, ago, clean, count},
};

#[derive(Debug, Args)]
pub(crate) struct Drill {
    /// Scenarios: names of `--list`, or files; or `canary` alone: one is laid out with `--into`, found,
    /// used and answered.
    #[arg(value_name = "SCENARIO")]
    pub(crate) scenarios: Vec<String>,
    /// Where the canary lies while it is rehearsed, in a file that goes away again: a folder, made
    /// where it is not there. All of it is scanned.
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["like", "list", "write"])]
    pub(crate) into: Option<PathBuf>,
    /// Play this key stolen: what is usual for it is usual for the drill's key, what bounds it
    /// bounds that, and whoever answers for it is told. Without it a past is made up, and whoever
    /// gives the code is told.
    #[arg(long, value_name = "KEY")]
    pub(crate) like: Option<KeyId>,
    /// Let calls pass that do nothing but read: the API answers them, with the gate's own
    /// credential, and the gate counts the answers and throws them away.
    #[arg(long, conflicts_with_all = ["list", "write", "into"])]
    pub(crate) reads_pass: bool,
    /// Say which scenarios there are, and do nothing.
    #[arg(long, conflicts_with_all = ["scenarios", "like", "write"])]
    pub(crate) list: bool,
    /// Write the scenarios of the list into this folder, and do nothing else.
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["scenarios", "like"])]
    pub(crate) write: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) proof: ProofArgs,
}

/// The drill that is no scenario.
const CANARY: &str = "canary";

/// How often the gate is asked how far it is.
const BEAT: Duration = Duration::from_millis(200);

pub(crate) async fn run(cli: &Cli, drill: &Drill, now: Timestamp) -> Outcome {
    if drill.list {
        return list(cli);
    }
    if let Some(folder) = &drill.write {
        return write(folder);
    }
    if drill.scenarios.iter().any(|name| name == CANARY) {
        if drill.scenarios.len() > 1 {
            return Err("the drill of a canary is played alone: `greave drill canary --into FOLDER`".into());
        }
        return canary::run(cli, drill, now).await;
    }
    if drill.into.is_some() {
        return Err("`--into` says where a canary is to lie: `greave drill canary --into FOLDER`".into());
    }
    let scenarios = texts(&drill.scenarios)?;
    let admin = Admin::reach(cli, now).await?;
    let begin =
        |proof| BeginDrill { scenarios: scenarios.clone(), like: drill.like, reads_pass: drill.reads_pass, proof };
    let path = address(&["drills"]);
    let mut view: DrillView = admin.prove(Method::POST, &path, &drill.proof, begin).await?;
    let mut shown = 0;
    while view.goes_on {
        if !admin.json {
            shown = tell(&view, shown, now)?;
        }
        tokio::time::sleep(BEAT).await;
        view = admin.client.read(&path).await?;
    }
    if admin.json {
        json(&view)?;
    } else {
        tell(&view, shown, now)?;
        summary(&view)?;
    }
    Ok(if view.played.iter().all(well) { Done::Clean } else { Done::Findings })
}

fn well(played: &PlayedView) -> bool {
    played.card.as_ref().is_some_and(|card| card.in_time && card.broken_off.is_none())
}

/// The scenarios that are named, by the list or as files; all of the list where none is.
fn texts(named: &[String]) -> Result<Vec<String>, Box<dyn std::error::Error>> {
    if named.is_empty() {
        return Ok(Scenario::built_in().map(|(_, text)| text.to_owned()).collect());
    }
    let mut texts = Vec::new();
    for name in named {
        let known = Scenario::built_in().find(|(known, _)| known == name);
        let text = match known {
            Some((_, text)) => text.to_owned(),
            None => fs::read_to_string(name).map_err(|error| {
                format!("`{name}` is none of `greave drill --list`, and cannot be read as a file: {error}")
            })?,
        };
        Scenario::read(&text).map_err(|error| match error {
            Unfit::Toml(_) => {
                let writes = "`greave drill --write FOLDER` writes some to begin with";
                format!("`{name}`: {}", broken::told(&text, &error.to_string(), "a scenario", (writes, writes)))
            }
            Unfit::Is(_) => format!("`{name}`: {error}"),
        })?;
        texts.push(text);
    }
    Ok(texts)
}

fn list(cli: &Cli) -> Outcome {
    let scenarios: Vec<Scenario> = Scenario::built_in().filter_map(|(_, text)| Scenario::read(text).ok()).collect();
    if cli.json {
        json(&scenarios)?;
        return Ok(Done::Clean);
    }
    for scenario in scenarios {
        show::say(format!("{}\n  {}", scenario.name, scenario.story))?;
    }
    Ok(Done::Clean)
}

/// Never over a file that is there: somebody may have changed it.
fn write(folder: &Path) -> Outcome {
    fs::create_dir_all(folder).map_err(|error| format!("`{}`: {error}", folder.display()))?;
    for (name, text) in Scenario::built_in() {
        let path = folder.join(format!("{name}.toml"));
        let mut file = fs::File::create_new(&path).map_err(|error| format!("`{}`: {error}", path.display()))?;
        std::io::Write::write_all(&mut file, text.as_bytes())?;
    }
    let many = count(Scenario::built_in().count() as u64, "scenario");
    show::say(format!("{many} in {}; play one with `greave drill FILE --as NAME`", folder.display()))?;
    Ok(Done::Clean)
}

/// Tells of the scenarios that are over and were not told yet; how many were told by now.
fn tell(view: &DrillView, shown: usize, now: Timestamp) -> Result<usize, Box<dyn std::error::Error>> {
    let over = view.played.iter().take_while(|played| played.card.is_some()).count();
    for played in view.played.iter().take(over).skip(shown) {
        show::say(page(played, now))?;
    }
    Ok(over)
}

fn page(played: &PlayedView, now: Timestamp) -> String {
    let PlayedView { key, scenario, story, holder, card, before } = played;
    let Some(card) = card else { return String::new() };
    let is_canary = scenario == CANARY;
    let mut lines = vec![
        format!("{} ({key}, played as {}'s): {}", clean(scenario), clean(holder), verdict(card, is_canary)),
        format!("  {}", clean(story)),
    ];
    if is_canary {
        let found = card.found.map_or_else(|| show::styled(ALARM, "not"), |ms| format!("after {}", seconds(ms)));
        lines.push(format!("  scanned    found {found}"));
    }
    lines.push(format!("  found      {}", card.detected.as_ref().map_or_else(|| "nothing".to_owned(), moment)));
    if is_canary {
        lines.push(format!("  answered   {}", if card.passed == 0 { "as any unknown key is" } else { "it passed" }));
    } else {
        lines.push(format!("  contained  {}", contained(card)));
        lines.push(format!("  got out    {}", got_out(card)));
    }
    if card.read > 0 {
        let read = count(card.read, "call");
        lines.push(format!(
            "  read       {read} read at the API, with the gate's own credential; nobody saw the answers"
        ));
    }
    lines.push(format!("  told       {}", told(&card.told)));
    if !is_canary {
        let lifted = card.lifted.map_or_else(|| "by nobody; it fell with the drill".to_owned(), after);
        lines.push(format!("  lifted     {lifted}"));
    }
    lines.extend(card.skipped.iter().map(|skipped| format!("  not played {}", clean(skipped))));
    lines.extend(
        card.broken_off.iter().map(|why| format!("  {}", show::styled(ALARM, format!("broken off: {}", clean(why))))),
    );
    if let Some(BeforeView { at, card: before }) = before {
        let compared = if is_canary { compared_canaries(before, card) } else { compared(before, card) };
        lines.push(format!("  before     {}: {compared}", ago(*at, now)));
    }
    lines.push(String::new());
    lines.join("\n")
}

fn verdict(card: &Card, is_canary: bool) -> String {
    if card.broken_off.is_some() {
        return show::styled(ALARM, "broken off");
    }
    match (card.in_time, &card.contained) {
        (true, None) if is_canary => "found, refused and told".to_owned(),
        (false, _) if is_canary => show::styled(ALARM, "not all of it went well"),
        (true, Some(_)) => "contained in time".to_owned(),
        (true, None) if card.passed < card.calls => "stopped in time, without the watch".to_owned(),
        (true, None) => "nothing stopped it, and it did nothing that is too late".to_owned(),
        (false, Some(_)) => show::styled(ALARM, "contained too late"),
        (false, None) => show::styled(ALARM, "not contained"),
    }
}

fn compared_canaries(before: &Card, now: &Card) -> String {
    let was = match before.told.iter().map(|told| told.ms).min() {
        Some(ms) => format!("somebody was told after {}", seconds(ms)),
        None => "nobody was told".to_owned(),
    };
    let word = match (before.in_time, now.in_time) {
        (true, false) => show::styled(ALARM, "now worse"),
        (false, true) => "now better".to_owned(),
        _ => "as now".to_owned(),
    };
    format!("{was}; {word}")
}

fn moment(moment: &Moment) -> String {
    let Moment { call, ms, after: _, what } = moment;
    format!("at call {call}, after {}: {}", seconds(*ms), clean(what))
}

fn contained(card: &Card) -> String {
    let Some(Moment { call, ms, after, what }) = &card.contained else {
        return match card.watch.as_str() {
            "on" => "not by the watch".to_owned(),
            mode => format!("not at all: the watch is `{mode}`"),
        };
    };
    let at_last = card.strictest.as_ref().filter(|step| *step != what);
    let at_last = at_last.map_or_else(String::new, |step| format!(", at last {step}"));
    format!("at call {call}, after {}, {} ms into that call: {what}{at_last}", seconds(*ms), thousandths(*after))
}

fn got_out(card: &Card) -> String {
    let sensitive = match card.sensitive {
        0 => "nothing sensitive".to_owned(),
        many => show::styled(ALARM, count(many, "sensitive call")),
    };
    format!(
        "{}, {sensitive}; of {} {} passed, {} asked, {} refused",
        count(card.rows, "row"),
        count(card.calls, "call"),
        card.passed,
        card.asked,
        card.refused
    )
}

fn told(told: &[Noticed]) -> String {
    if told.is_empty() {
        return show::styled(ALARM, "nobody");
    }
    let mut words = Vec::new();
    for by in ["webhook", "mail"] {
        let mut of: Vec<&Noticed> = told.iter().filter(|told| told.by == by).collect();
        of.sort_by_key(|told| told.ms);
        let Some(first) = of.first() else { continue };
        let who = first.name.as_ref().map_or_else(String::new, |name| format!(" to {}", clean(name)));
        let taken = match of.iter().filter_map(|told| told.taken).min() {
            Some(taken) => format!("taken after {}", seconds(taken)),
            None => show::styled(ALARM, "nobody took it yet"),
        };
        words.push(format!("{by}{who} after {}, {taken}, {}", seconds(first.ms), count(of.len() as u64, "message")));
    }
    words.join("; ")
}

/// The drill before, and what has become worse since.
fn compared(before: &Card, now: &Card) -> String {
    let call = |card: &Card| card.contained.as_ref().map(|moment| moment.call);
    let was = match call(before) {
        Some(call) => format!("contained at call {call}"),
        None => "not contained".to_owned(),
    };
    let worse = before.in_time && !now.in_time
        || now.sensitive > before.sensitive
        || now.rows > before.rows
        || call(now).unwrap_or(u32::MAX) > call(before).unwrap_or(u32::MAX);
    let better = !worse
        && (before.in_time, before.sensitive, before.rows, call(before))
            != (now.in_time, now.sensitive, now.rows, call(now));
    let word = match (worse, better) {
        (true, _) => show::styled(ALARM, "now worse"),
        (false, true) => "now better".to_owned(),
        (false, false) => "as now".to_owned(),
    };
    format!("{was}, {}, {}; {word}", count(before.rows, "row"), count(before.sensitive, "sensitive call"))
}

fn summary(view: &DrillView) -> Result<(), Box<dyn std::error::Error>> {
    for nothing in &view.not_played {
        show::aside(FAINT, format!("not played: {}", clean(nothing)));
    }
    if view.played.iter().filter(|played| played.card.as_ref().is_some_and(waited)).count() > 1 {
        let one = "how soon people are told of one, `greave drill NAME` says";
        show::aside(FAINT, format!("messages about so many scenarios are held back and grouped by the minute; {one}"));
    }
    let in_time = view.played.iter().filter(|played| played.card.as_ref().is_some_and(|card| card.in_time)).count();
    show::say(format!(
        "{in_time} of {} in time. The ledger has the cards: `greave ledger show`.",
        count(view.played.len() as u64, "scenario")
    ))?;
    Ok(())
}

/// Whether people were told long after there was something to tell.
fn waited(card: &Card) -> bool {
    const LONG_MS: u64 = 5_000;
    let found = card.detected.as_ref().map_or(0, |found| found.ms);
    card.told.iter().map(|told| told.ms).min().is_some_and(|told| told > found + LONG_MS)
}

fn after(ms: u64) -> String {
    format!("after {}", seconds(ms))
}

fn seconds(ms: u64) -> String {
    format!("{}.{} s", ms / 1000, ms % 1000 / 100)
}

fn thousandths(micros: u64) -> String {
    format!("{}.{}", micros / 1000, micros % 1000 / 100)
}

#[cfg(test)]
mod tests;

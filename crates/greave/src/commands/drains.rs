//! `greave drains`: where events go out to, how far each has come, and whether one arrives.

use clap::Subcommand;
use comfy_table::Table;
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Done, Outcome, json as print_json};
use crate::{
    cli::{Cli, example},
    config::{Config, Drain, origin},
    drains::{
        self,
        cursor::{Cursor, Health},
    },
    show::{self, ALARM, WELL, ago, clean, styled},
};

#[derive(Debug, Subcommand)]
pub(crate) enum DrainsCommand {
    /// All drains, how much each has sent, and what fails.
    #[command(after_help = example!("drains list"))]
    List,
    /// Send one event that says of itself that it is a trial, and say what came back. A running
    /// gate is not asked.
    #[command(after_help = example!("drains test", "drains test siem --json"))]
    Test {
        /// The drain; all of them where it is silent.
        name: Option<String>,
    },
}

pub(crate) async fn run(cli: &Cli, command: Option<&DrainsCommand>, now: Timestamp) -> Outcome {
    let config = Config::read(&cli.config)?;
    match command {
        None | Some(DrainsCommand::List) => list(cli, &config, now),
        Some(DrainsCommand::Test { name }) => test(cli, &config, name.as_deref(), now).await,
    }
}

fn list(cli: &Cli, config: &Config, now: Timestamp) -> Outcome {
    let drains = known(config)?;
    let failing = drains.iter().any(|(_, health)| health.as_ref().is_some_and(|health| health.failing_since.is_some()));
    let done = if failing { Done::Findings } else { Done::Clean };
    if cli.json {
        let lines =
            drains.iter().map(|(drain, health)| json!({"name": drain.name, "to": origin(&drain.to), "health": health}));
        print_json(&lines.collect::<Vec<Value>>())?;
        return Ok(done);
    }
    show::print(&table(&drains, now), "nothing goes out: there is no `[[drain]]` in the configuration");
    Ok(done)
}

/// The drains of the configuration, with how each did when it was last written down.
pub(super) fn known(config: &Config) -> std::io::Result<Vec<(&Drain, Option<Health>)>> {
    let folder = drains::folder(config);
    let read = |drain: &Drain| Cursor::read(&folder, &drain.name).map(|cursor| cursor.map(|cursor| cursor.health));
    config.drains.iter().map(|drain| Ok((drain, read(drain)?))).collect()
}

fn table(drains: &[(&Drain, Option<Health>)], now: Timestamp) -> Table {
    let mut table = show::table(["drain", "to", "what", "sent", "last", ""]);
    for (drain, health) in drains {
        let events: Vec<&str> = drain.events.iter().map(|events| events.0.word()).collect();
        let (sent, last) = health.as_ref().map_or_else(
            || ("0".to_owned(), "never".to_owned()),
            |health| (health.sent.to_string(), health.last_sent.map_or_else(|| "never".to_owned(), |at| ago(at, now))),
        );
        let state = health.as_ref().map_or_else(|| "has not run yet".to_owned(), |health| state(health, now));
        table.add_row([drain.name.clone(), clean(&origin(&drain.to)), events.join(" "), sent, last, state]);
    }
    table
}

/// How one does, in words.
pub(super) fn state(health: &Health, now: Timestamp) -> String {
    let mut parts = Vec::new();
    if let Some(since) = health.failing_since {
        let why = health.why.as_deref().unwrap_or("nothing arrives");
        parts.push(styled(ALARM, format!("fails since {}: {}", ago(since, now), clean(why))));
    }
    if health.lost > 0 {
        parts.push(styled(
            ALARM,
            format!("{} files of the record or findings were removed before they were sent", health.lost),
        ));
    }
    if health.refused > 0 {
        parts.push(styled(ALARM, format!("{} events were not taken", health.refused)));
    }
    if parts.is_empty() { styled(WELL, "well") } else { parts.join("; ") }
}

async fn test(cli: &Cli, config: &Config, name: Option<&str>, now: Timestamp) -> Outcome {
    let wanted: Vec<&Drain> = config.drains.iter().filter(|drain| name.is_none_or(|name| drain.name == name)).collect();
    if wanted.is_empty() {
        let why = name.map_or_else(
            || "there is no `[[drain]]` in the configuration".to_owned(),
            |name| format!("there is no drain `{}` in the configuration", clean(name)),
        );
        return Err(why.into());
    }
    let mut done = Done::Clean;
    let mut lines = Vec::new();
    for drain in wanted {
        let mut way = drains::make(drain, config)?;
        let uid = Uuid::now_v7().to_string();
        let event = ocsf::trial(&drains::teller(config), &uid, now);
        let carried = way.carry(&[drains::line(&event)]).await;
        let (arrived, said) = match &carried {
            Ok(said) => (true, said.as_str()),
            Err(undelivered) => (false, undelivered.why()),
        };
        if !arrived {
            done = Done::Findings;
        }
        lines.push(json!({"name": drain.name, "to": way.shown(), "arrived": arrived, "said": said, "uid": uid}));
        if !cli.json {
            let style = if arrived { WELL } else { ALARM };
            let verb = if arrived { "went out" } else { "did not go out" };
            show::say(styled(style, format!("{} ({}): {verb}: {}", drain.name, clean(way.shown()), clean(said))))?;
            if arrived {
                show::say(format!("  look there for metadata.uid {uid}, rule `drain-test`"))?;
            }
        }
    }
    if cli.json {
        print_json(&lines)?;
    }
    Ok(done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::testing::{NOW, plain};

    fn drain(name: &str, to: &str) -> Drain {
        toml::from_str(&format!("name = \"{name}\"\nto = \"{to}\"")).unwrap()
    }

    #[test]
    fn drains_are_listed_with_what_fails_and_without_what_may_be_a_secret() {
        let (file, http, new) = (
            drain("disk", "file:/var/log/greave.jsonl"),
            drain("siem", "https://in.example/s3cret"),
            drain("new", "syslog+tls://log.example"),
        );
        let well = Health { sent: 12, last_sent: Some(NOW), ..Health::default() };
        let ill = Health {
            sent: 3,
            failed: 7,
            lost: 2,
            failing_since: Some(NOW - jiff::SignedDuration::from_mins(20)),
            why: Some("it answers 503".to_owned()),
            ..Health::default()
        };
        let drains = [(&file, Some(well)), (&http, Some(ill)), (&new, None)];
        let text = plain(&show::lines(&mut table(&drains, NOW), Some(140)));
        assert!(!text.contains("s3cret"), "{text}");
        insta::assert_snapshot!("drains", text);
    }
}

//! `greave watch preview`: which keys would have been asked or contained.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use law::{KeyId, Span, Step};
use serde::Serialize;
use watch::Ladder;

use super::{
    super::{Done, Outcome, json},
    replay::{Found, Replay, read},
};
use crate::{
    cli::Cli,
    config::Config,
    show::{self, clean, count, moment},
};

/// What would have been done about one key.
#[derive(Serialize)]
struct Would {
    key: KeyId,
    /// The first time.
    first: Timestamp,
    /// The strictest.
    step: Step,
    times: usize,
    /// Why, at the first time of the strictest.
    why: String,
}

#[derive(Serialize)]
struct Preview {
    since: Timestamp,
    calls: u64,
    keys: Vec<Would>,
}

pub(super) fn run(cli: &Cli, since: Span, now: Timestamp) -> Outcome {
    let ladder = Config::read(&cli.config)?.watch.ladder();
    let since = now.saturating_sub(SignedDuration::from(since)).unwrap_or(Timestamp::MIN);
    let replay = Replay::answering(since, Ladder::new(ladder));
    let Replay { calls, found, .. } = read(cli, None, replay)?;
    let preview = Preview { since, calls, keys: by_key(&found) };
    if cli.json {
        json(&preview)?;
    } else {
        page(&preview)?;
    }
    Ok(if preview.keys.is_empty() { Done::Clean } else { Done::Findings })
}

fn by_key(found: &[Found]) -> Vec<Would> {
    let mut keys: BTreeMap<KeyId, Would> = BTreeMap::new();
    for would in found.iter().flat_map(|found| &found.would).filter(|would| would.step >= Step::StepUp) {
        let (step, why) = (would.step, would.reason.clone());
        match keys.get_mut(&would.key) {
            Some(known) => {
                known.times += 1;
                if step > known.step {
                    (known.step, known.why) = (step, why);
                }
            }
            None => {
                keys.insert(would.key, Would { key: would.key, first: would.from, step, times: 1, why });
            }
        }
    }
    keys.into_values().collect()
}

fn page(preview: &Preview) -> std::io::Result<()> {
    let Preview { since, calls, keys } = preview;
    let looked = format!("{} looked at, from {} on", count(*calls, "call"), moment(*since));
    if keys.is_empty() {
        return show::say(format!("{looked}: no key would have been asked or contained."));
    }
    let asked = keys.iter().filter(|would| would.step == Step::StepUp).count();
    let contained = keys.len() - asked;
    for Would { key, first, step, times, why } in keys {
        show::say(format!("{key}  {step}  {}  {}\n  {}", moment(*first), count(*times as u64, "time"), clean(why)))?;
    }
    show::say(format!(
        "{looked}: {} would have been asked for a second factor where it is sensitive or unusual, {} contained. \
         The record does not say what kind of holder a key has: the answers are those for workloads.",
        count(asked as u64, "key"),
        count(contained as u64, "key")
    ))
}

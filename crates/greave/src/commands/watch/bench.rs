//! `greave watch bench`: traffic whose attacks are known.

use std::{
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use clap::Args;
use flate2::read::MultiGzDecoder;
use trial::{
    DefaultLaw, FixedRate, NewAddress, Report, Rule, Scenario, ScenarioScore, Totals, Watching, generate, play,
};

use super::super::{Done, Outcome, json};
use crate::{
    cli::Cli,
    show::{self, ALARM, aside, clean},
};

#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// A scenario's folder, or a folder of them.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["seeds", "first", "foreign", "write"])]
    pub(crate) scenarios: Option<PathBuf>,
    /// How many scenarios to make.
    #[arg(long, default_value_t = 10, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) seeds: u64,
    /// The first one's seed.
    #[arg(long, default_value_t = 1001, value_name = "SEED")]
    pub(crate) first: u64,
    /// Other APIs, fleets, look-alikes and attacks than those that the watch was built on.
    #[arg(long)]
    pub(crate) foreign: bool,
    /// Write the scenarios into this folder instead of playing them.
    #[arg(long, value_name = "DIR")]
    pub(crate) write: Option<PathBuf>,
}

pub(super) fn run(cli: &Cli, bench: &Bench) -> Outcome {
    if let Some(folder) = &bench.write {
        return write(bench, folder);
    }
    let mut scores = Scores::default();
    if let Some(folder) = &bench.scenarios {
        let folders = scenario_folders(folder)?;
        if folders.is_empty() {
            return Err(format!("`{}` has no folder with a labels.json in it", folder.display()).into());
        }
        for folder in folders {
            let scenario = read(&folder).map_err(|error| format!("`{}`: {error}", folder.display()))?;
            for warning in &scenario.warnings {
                aside(ALARM, format!("`{}`: labels.json, {}", folder.display(), clean(warning)));
            }
            scores.take(&scenario);
        }
    } else {
        for seed in bench.first..bench.first.saturating_add(bench.seeds) {
            scores.take(&made(bench, seed).scenario()?);
        }
    }
    let report = scores.report();
    if cli.json {
        json(&report)?;
    } else {
        page(&report)?;
    }
    let Totals { attacks, in_time, honest_containments, .. } = report.totals;
    Ok(if attacks == in_time && honest_containments == 0 { Done::Clean } else { Done::Findings })
}

fn made(bench: &Bench, seed: u64) -> generate::Generated {
    if bench.foreign { generate::foreign(seed) } else { generate::published(seed) }
}

fn write(bench: &Bench, folder: &Path) -> Outcome {
    for seed in bench.first..bench.first.saturating_add(bench.seeds) {
        let files = made(bench, seed).files()?;
        let folder = folder.join(format!("{}-{seed}", if bench.foreign { "foreign" } else { "published" }));
        fs::create_dir_all(&folder).map_err(|error| format!("`{}`: {error}", folder.display()))?;
        let texts = [
            ("api.json", files.api.as_bytes()),
            ("traffic.jsonl", &files.traffic),
            ("events.jsonl", &files.events),
            ("labels.json", files.labels.as_bytes()),
        ];
        for (name, bytes) in texts {
            fs::write(folder.join(name), bytes).map_err(|error| format!("`{}`: {error}", folder.display()))?;
        }
        show::say(folder.display())?;
    }
    Ok(Done::Clean)
}

/// The folder itself, or the scenarios in it, in the order of their names.
fn scenario_folders(folder: &Path) -> Result<Vec<PathBuf>, String> {
    if folder.join("labels.json").exists() {
        return Ok(vec![folder.to_owned()]);
    }
    let entries = fs::read_dir(folder).map_err(|error| format!("`{}`: {error}", folder.display()))?;
    let mut folders: Vec<PathBuf> = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    folders.retain(|folder| folder.join("labels.json").exists());
    folders.sort();
    Ok(folders)
}

fn read(folder: &Path) -> Result<Scenario, Box<dyn std::error::Error>> {
    let api = bytes(folder, "api.json")?.ok_or("api.json is missing")?;
    let traffic = bytes(folder, "traffic.jsonl")?.ok_or("traffic.jsonl is missing")?;
    let events = bytes(folder, "events.jsonl")?.unwrap_or_default();
    let labels = bytes(folder, "labels.json")?.ok_or("labels.json is missing")?;
    Ok(Scenario::read(&api, &traffic, &events, &labels)?)
}

/// A file, plain or as `.gz`.
fn bytes(folder: &Path, name: &str) -> io::Result<Option<Vec<u8>>> {
    let absent = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
    match fs::read(folder.join(name)) {
        Err(error) if absent(&error) => {}
        read => return read.map(Some),
    }
    match fs::File::open(folder.join(format!("{name}.gz"))) {
        Err(error) if absent(&error) => Ok(None),
        Err(error) => Err(error),
        Ok(file) => {
            let mut bytes = Vec::new();
            MultiGzDecoder::new(file).read_to_end(&mut bytes)?;
            Ok(Some(bytes))
        }
    }
}

/// The watch and what it is measured against, on the same traffic.
#[derive(Default)]
struct Scores {
    watch: Vec<ScenarioScore>,
    law: Vec<ScenarioScore>,
    address: Vec<ScenarioScore>,
    rate: Vec<ScenarioScore>,
}

impl Scores {
    fn take(&mut self, scenario: &Scenario) {
        let score = |mut rule: Box<dyn Rule>| play(scenario, &mut *rule);
        self.watch.push(score(Box::<Watching>::default()));
        self.law.push(score(Box::<DefaultLaw>::default()));
        self.address.push(score(Box::<NewAddress>::default()));
        self.rate.push(score(Box::<FixedRate>::default()));
    }

    fn report(self) -> Report {
        let totals = Totals::of(&self.watch);
        let rules = [("default-law", &self.law), ("new-address", &self.address), ("fixed-rate", &self.rate)];
        let rules = rules.into_iter().map(|(name, scores)| (name, Totals::of(scores))).collect();
        Report { scenarios: self.watch, totals, rules }
    }
}

fn page(report: &Report) -> io::Result<()> {
    let Report { scenarios, totals, rules } = report;
    let of = |(all, in_time): &(usize, usize)| format!("{in_time} of {all}");
    let columns: Vec<&Totals> =
        [totals].into_iter().chain(["default-law", "new-address", "fixed-rate"].map(|name| &rules[name])).collect();
    let mut table = show::table(["", "watch", "default law", "new address", "100 calls/min"]);
    let mut row = |name: &str, cell: &dyn Fn(&Totals) -> String| {
        table.add_row([name.to_owned()].into_iter().chain(columns.iter().map(|totals| cell(totals))));
    };
    row("attacks contained in time", &|totals| of(&(totals.attacks, totals.in_time)));
    for name in totals.by_attack.keys() {
        row(&format!("  {}", clean(name)), &|totals| totals.by_attack.get(name).map_or_else(String::new, of));
    }
    row("honest keys contained", &|totals| totals.honest_containments.to_string());
    row("alerts for 100 keys a week", &|totals| format!("{:.2}", totals.alerts_per_100_keys_week));
    row("  median, 9 of 10, most", &|totals| spread(totals.alerts));
    row("questions for 100 keys a week", &|totals| format!("{:.2}", totals.challenged_per_100_keys_week));
    row("  median, 9 of 10, most", &|totals| spread(totals.challenged));
    show::say(show::lines(&mut table, show::width()))?;
    for scenario in scenarios {
        for attack in scenario.attacks.iter().filter(|attack| !attack.in_time) {
            let line = format!(
                "{}: {} was not contained in time: {} steps went through, {} rows out",
                clean(&scenario.name),
                clean(&attack.id),
                attack.completed_steps,
                attack.rows_out
            );
            aside(ALARM, line);
        }
        for key in &scenario.honest.containments_of {
            aside(ALARM, format!("{}: {} is honest and was contained", clean(&scenario.name), clean(key)));
        }
    }
    Ok(())
}

fn spread(spread: trial::Spread) -> String {
    format!("{:.2}, {:.2}, {:.2}", spread.median, spread.p90, spread.most)
}

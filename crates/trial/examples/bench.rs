//! The watch alone, over generated traffic: what `greave watch bench` plays, without the rules it
//! is measured against, and with the parts of each case that went wrong.
//!
//! ```sh
//! cargo run --release -p trial --example bench -- published 1 30
//! cargo run --release -p trial --example bench -- folder DIR
//! ```

use std::{
    env,
    error::Error,
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use trial::{Scenario, ScenarioScore, Totals, Watching, generate, play};

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = env::args().skip(1);
    let maker = words.next().unwrap_or_default();
    let mut scores = Vec::new();
    let mut out = io::stdout().lock();
    let mut take = |scenario: &Scenario| -> io::Result<()> {
        let score = play(scenario, &mut Watching::default());
        tell(&mut out, &score)?;
        scores.push(score);
        Ok(())
    };
    if maker == "folder" {
        let folder = PathBuf::from(words.next().ok_or("which folder?")?);
        let mut folders: Vec<PathBuf> = fs::read_dir(&folder)?.filter_map(|it| it.ok().map(|it| it.path())).collect();
        folders.push(folder);
        folders.retain(|folder| folder.join("labels.json").exists());
        folders.sort();
        for folder in folders {
            take(&read(&folder).map_err(|error| format!("{}: {error}", folder.display()))?)?;
        }
    } else {
        let mut number = |usual: u64| words.next().map_or(Ok(usual), |word| word.parse());
        let (first, seeds) = (number(1)?, number(30)?);
        for seed in first..first.saturating_add(seeds) {
            let made = if maker == "foreign" { generate::foreign(seed) } else { generate::published(seed) };
            take(&made.scenario()?)?;
        }
    }
    let totals = Totals::of(&scores);
    for (name, (all, in_time)) in &totals.by_attack {
        writeln!(out, "{name}: {in_time} of {all}")?;
    }
    let Totals { attacks, in_time, honest_containments, alerts_per_100_keys_week, challenged, .. } = totals;
    writeln!(out, "in time: {in_time} of {attacks}; honest keys contained: {honest_containments}")?;
    writeln!(out, "alerts for 100 keys a week: {alerts_per_100_keys_week:.2}")?;
    let asked = totals.challenged_per_100_keys_week;
    writeln!(out, "questions: {asked:.2} ({:.2}, {:.2}, {:.2})", challenged.median, challenged.p90, challenged.most)?;
    Ok(())
}

fn read(folder: &Path) -> Result<Scenario, Box<dyn Error>> {
    let file = |name: &str| fs::read(folder.join(name));
    let events = file("events.jsonl").unwrap_or_default();
    Ok(Scenario::read(&file("api.json")?, &file("traffic.jsonl")?, &events, &file("labels.json")?)?)
}

fn tell(out: &mut impl io::Write, score: &ScenarioScore) -> io::Result<()> {
    for attack in score.attacks.iter().filter(|attack| !attack.in_time) {
        let passed = (attack.completed_steps, attack.contain_by, attack.rows_out, attack.calls_before);
        writeln!(out, "{}: {} got through {passed:?}: {:?}", score.name, attack.id, attack.reasons)?;
    }
    for held in &score.honest.held {
        writeln!(out, "{}: {} was asked at {}: {:?}", score.name, held.key, held.at, held.reasons)?;
    }
    if !score.honest.containments_of.is_empty() {
        writeln!(out, "{}: honest and contained: {:?}", score.name, score.honest.containments_of)?;
    }
    Ok(())
}

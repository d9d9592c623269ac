//! The watch alone, over generated traffic: what `greave watch bench` plays, without the rules it
//! is measured against, and with the parts of each case that went wrong.
//!
//! ```sh
//! cargo run --release -p trial --example bench -- published 1 30
//! ```

use std::{
    env,
    error::Error,
    io::{self, Write as _},
};

use trial::{ScenarioScore, Totals, Watching, generate, play};

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = env::args().skip(1);
    let foreign = words.next().is_some_and(|maker| maker == "foreign");
    let mut number = |usual: u64| words.next().map_or(Ok(usual), |word| word.parse());
    let (first, seeds) = (number(1)?, number(30)?);
    let mut scores = Vec::new();
    let mut out = io::stdout().lock();
    for seed in first..first.saturating_add(seeds) {
        let made = if foreign { generate::foreign(seed) } else { generate::published(seed) };
        let score = play(&made.scenario()?, &mut Watching::default());
        tell(&mut out, &score)?;
        scores.push(score);
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

fn tell(out: &mut impl io::Write, score: &ScenarioScore) -> io::Result<()> {
    for attack in score.attacks.iter().filter(|attack| !attack.in_time) {
        writeln!(out, "{}: {} got through: {:?}", score.name, attack.id, attack.reasons)?;
    }
    if !score.honest.containments_of.is_empty() {
        writeln!(out, "{}: honest and contained: {:?}", score.name, score.honest.containments_of)?;
    }
    Ok(())
}

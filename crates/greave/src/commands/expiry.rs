//! `greave expiry`: when keys end, which are past the limit, idle or never exchanged, and how
//! long keys really live.

mod file;
mod plan;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use comfy_table::Cell;
use console::api::{ExpiryReport, Lived, Within};
use jiff::Timestamp;
use law::Span;

use super::{Admin, Done, Outcome, json, sheet::Sheet};
use crate::{
    cli::{Format, ProofArgs, example},
    client::address,
    show::{self, ALARM, BOLD, FAINT, ahead, clean, count, fit, lines, moment, styled},
};

#[derive(Debug, Args)]
pub(crate) struct ExpiryCommand {
    /// How it is written: table, csv, json or jsonl.
    #[arg(long, value_enum)]
    pub(crate) format: Option<Format>,
    #[command(subcommand)]
    pub(crate) command: Option<Expiry>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Expiry {
    /// Propose ends for keys that have none, or one past the limit. Sets nothing.
    ///
    /// The ends are spread over a time and none is in its first 7 days; keys that are not used
    /// end first. Look through the file, change what you know better, then apply it.
    #[command(after_help = example!("expiry plan", "expiry plan --within 180d --output ends.csv"))]
    Plan {
        /// Over so long the ends are spread.
        #[arg(long, default_value = "90d", value_name = "TIME")]
        within: Span,
        /// Write the plan there: as JSON lines where the name ends in `.jsonl`, else as CSV.
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Set the ends that a plan names, all or none, with one code. What is set already stays.
    #[command(after_help = example!("expiry apply ends.csv --as ann"))]
    Apply {
        /// The plan: CSV with the columns `key` and `proposed_end`, or JSON lines with these.
        file: PathBuf,
        #[command(flatten)]
        proof: ProofArgs,
    },
}

pub(crate) async fn run(admin: &Admin, ExpiryCommand { format, command }: &ExpiryCommand) -> Outcome {
    match command {
        Some(Expiry::Plan { within, output }) => plan::plan(admin, *within, output.as_deref()).await?,
        Some(Expiry::Apply { file, proof }) => plan::apply(admin, file, proof).await?,
        None => return report(admin, *format).await,
    }
    Ok(Done::Clean)
}

async fn report(admin: &Admin, format: Option<Format>) -> Outcome {
    let report: ExpiryReport = admin.client.read(&address(&["expiry"])).await?;
    match format.unwrap_or(if admin.json { Format::Json } else { Format::Table }) {
        Format::Table => show::say(page(&report, admin.now, show::width()))?,
        Format::Json => json(&report)?,
        format @ (Format::Csv | Format::Jsonl) => {
            if let Some(mut sheet) = Sheet::begin(format, &["figure", "value"])? {
                for (figure, value) in figures(&report) {
                    sheet
                        .line(&serde_json::json!({"figure": figure, "value": value}), || vec![figure.clone(), value])?;
                }
                sheet.end()?;
            }
        }
    }
    Ok(Done::Clean)
}

/// Every figure with its name; lengths of time in days.
fn figures(report: &ExpiryReport) -> Vec<(String, String)> {
    let ExpiryReport { working, ends, no_end, past_limit, idle, never_used, never_rotated, lived, ages, .. } = report;
    let mut figures = vec![("working".to_owned(), working.to_string())];
    let within = |name: &str, some: &[Within]| -> Vec<(String, String)> {
        some.iter().map(|of| (format!("{name} {}", of.within), of.keys.to_string())).collect()
    };
    figures.extend(within("ends within", ends));
    figures.push(("no end".to_owned(), no_end.to_string()));
    figures.push(("past limit".to_owned(), past_limit.to_string()));
    figures.extend(within("idle", idle));
    figures.extend(never_used.map(|keys| ("never used".to_owned(), keys.to_string())));
    figures.push(("never rotated".to_owned(), never_rotated.to_string()));
    for (name, of) in [("lived", lived), ("age", ages)] {
        let Lived { keys, median, nine_of_ten, longest, parts, longer } = of;
        figures.push((format!("{name}: keys"), keys.to_string()));
        let days = [("median days", median), ("90 % below, days", nine_of_ten), ("longest days", longest)];
        figures
            .extend(days.into_iter().filter_map(|(word, span)| Some((format!("{name}: {word}"), in_days((*span)?)))));
        figures.extend(within(&format!("{name}: up to"), parts));
        figures.push((format!("{name}: longer"), longer.to_string()));
    }
    figures
}

fn in_days(span: Span) -> String {
    format!("{:.1}", f64::from(span.as_secs()) / 86_400.0)
}

fn page(report: &ExpiryReport, now: Timestamp, width: Option<u16>) -> String {
    let ExpiryReport {
        working,
        ends,
        next,
        no_end,
        past_limit,
        longest,
        idle,
        never_used,
        usage_since,
        never_rotated,
        usual,
        lived,
        ages,
    } = report;
    let mut page = vec![styled(BOLD, format!("{} in use", count(*working, "key")))];
    let mut table = show::table(["", "keys", "which"]);
    let mut row = |alarm: bool, what: String, keys: usize, how: String| {
        table.add_row([Cell::new(what), show::alarm_if(alarm && keys > 0, keys), Cell::new(how)]);
    };
    for Within { within, keys } in ends {
        row(false, format!("end within {within}"), *keys, format!("greave keys --ends-within {within}"));
    }
    row(true, "no end is known".to_owned(), *no_end, "greave keys --no-end".to_owned());
    row(true, format!("past the limit of {longest}"), *past_limit, "greave keys --past-limit".to_owned());
    for Within { within, keys } in idle {
        row(true, format!("not used for {within}"), *keys, format!("greave keys --idle {within}"));
    }
    if let Some(keys) = never_used {
        row(false, "never used".to_owned(), *keys, "greave keys --working --sort last-used".to_owned());
    }
    let never = format!("older than {usual}, and none of the holder's ever exchanged");
    row(true, never, *never_rotated, "greave keys --working --sort born".to_owned());
    page.push(lines(&mut table, width));
    page.push(match usage_since {
        Some(since) => styled(FAINT, fit(&format!("Use is known since {} UTC.", moment(*since)), width)),
        None => {
            let told = "How keys were used is not known: the gate does not run, or still reads its record.";
            styled(ALARM, fit(told, width))
        }
    });
    if !next.is_empty() {
        page.push(format!("\n{}", styled(BOLD, "The next ends")));
        let mut table = show::table(["key", "answers", "ends", ""]);
        for ending in next {
            table.add_row([
                show::key(ending.id, ending.name.as_deref(), ending.holder.as_deref()),
                ending.owner.as_deref().map_or_else(|| "nobody".to_owned(), clean),
                ahead(ending.end, now),
                format!("{} UTC", moment(ending.end)),
            ]);
        }
        page.push(lines(&mut table, width));
    }
    page.push(format!("\n{}", styled(BOLD, "How long keys live")));
    let mut table = show::table(["", "keys", "median", "90 % below", "longest"]);
    for (name, Lived { keys, median, nine_of_ten, longest, .. }) in [("that are over", lived), ("in use, so far", ages)]
    {
        let days = |span: &Option<Span>| span.map_or_else(String::new, |span| format!("{} days", in_days(span)));
        table.add_row([name.to_owned(), keys.to_string(), days(median), days(nine_of_ten), days(longest)]);
    }
    page.push(lines(&mut table, width));
    let mut table = show::table(["up to", "over", "in use"]);
    for (one, other) in lived.parts.iter().zip(&ages.parts) {
        table.add_row([one.within.to_string(), one.keys.to_string(), other.keys.to_string()]);
    }
    table.add_row(["longer".to_owned(), lived.longer.to_string(), ages.longer.to_string()]);
    page.push(lines(&mut table, width));
    let born = "A key that the API made counts from when it was first seen here: it may be older.";
    page.push(styled(FAINT, fit(born, width)));
    page.join("\n")
}

#[cfg(test)]
mod tests {
    use console::api::Ending;
    use law::KeyId;

    use super::*;
    use crate::commands::testing::{NOW, at, plain};

    fn report() -> ExpiryReport {
        let within = |some: &[(u32, usize)]| -> Vec<Within> {
            some.iter().map(|(days, keys)| Within { within: Span::days(*days), keys: *keys }).collect()
        };
        let parts = within(&[(1, 0), (7, 1), (30, 2), (90, 9), (180, 4), (365, 1), (730, 0)]);
        let lived = Lived {
            keys: 18,
            median: Some(Span::days(61)),
            nine_of_ten: Some(Span::hours(4000)),
            longest: Some(Span::days(900)),
            parts,
            longer: 1,
        };
        ExpiryReport {
            working: 40,
            ends: within(&[(7, 1), (30, 3), (90, 12)]),
            next: vec![Ending {
                id: KeyId(17),
                name: Some("ci deploy".to_owned()),
                holder: Some("ci".to_owned()),
                owner: None,
                end: at(3 * 86_400),
            }],
            no_end: 25,
            past_limit: 26,
            longest: Span::days(365),
            idle: within(&[(30, 8), (90, 0)]),
            never_used: Some(2),
            usage_since: Some(at(-100 * 86_400)),
            never_rotated: 11,
            usual: Span::days(90),
            ages: lived.clone(),
            lived,
        }
    }

    #[test]
    fn the_report_fits_80_columns_and_says_which_command_shows_the_keys() {
        let text = plain(&page(&report(), NOW, Some(80)));
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        insta::assert_snapshot!("expiry", text);
        let unknown = ExpiryReport { idle: Vec::new(), never_used: None, usage_since: None, ..report() };
        assert!(plain(&page(&unknown, NOW, None)).contains("is not known: the gate does not run"));
    }

    #[test]
    fn every_figure_has_a_name_of_its_own() {
        let figures = figures(&report());
        let names: std::collections::HashSet<&String> = figures.iter().map(|(name, _)| name).collect();
        assert_eq!(names.len(), figures.len());
        assert!(figures.contains(&("lived: median days".to_owned(), "61.0".to_owned())));
    }
}

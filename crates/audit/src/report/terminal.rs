//! For a person at a terminal: one page first, the evidence below.

use std::fmt::{self, Write as _};

use anstyle::{AnsiColor, Style};
use comfy_table::{Cell, Color, ContentArrangement, Table, presets::NOTHING};
use law::{Power, Severity};

use super::{
    Report,
    json::counted,
    words::{clean, of, severity, share, without},
};
use crate::{estate::Known, rules::Finding};

const BOLD: Style = Style::new().bold();
const FAINT: Style = Style::new().dimmed();
const ALARM: Style = AnsiColor::Red.on_default().bold();

/// So many keys stand on the first page.
const FIRST_PAGE: usize = 10;
/// So many findings are shown of each rule; the other formats have all.
const OF_EACH: usize = 5;

pub(super) fn write(report: &Report, width: Option<u16>) -> Result<String, fmt::Error> {
    let mut text = String::new();
    writeln!(text, "{BOLD}{}{BOLD:#}\n", fit(&report.figures.sentence(report.idle), 0, width))?;
    for (question, answer) in answers(report) {
        writeln!(text, "{BOLD}{question}{BOLD:#}")?;
        for line in answer {
            writeln!(text, "  {}", fit(&line, 2, width))?;
        }
    }
    first(report, width, &mut text)?;
    findings(report, width, &mut text)?;
    read(report, width, &mut text)?;
    Ok(text)
}

/// The four questions with their answers, each a few sentences.
pub(super) fn answers(report: &Report) -> [(&'static str, Vec<String>); 4] {
    let figures = &report.figures;
    let keys = figures.keys;
    let powers: Vec<String> = figures
        .by_power
        .iter()
        .filter(|(power, keys)| power.is_sensitive() && *keys > 0)
        .map(|(power, keys): &(Power, usize)| format!("{power} {keys}"))
        .collect();
    let mut what = vec![format!(
        "{} of {} can do what is sensitive with the key alone ({}); {} can do everything, or reach it by one step.",
        figures.sensitive,
        of(keys, "key", "keys"),
        share(figures.sensitive, keys),
        figures.everything
    )];
    if !powers.is_empty() {
        what.push(format!("Keys by power without a second factor: {}.", powers.join(", ")));
    }
    if figures.bypass > 0 {
        what.push(format!(
            "{} of accounts that sign in with a second factor, and ask for none.",
            of(figures.bypass, "of them is", "of them are")
        ));
    }
    let mut who = vec![format!(
        "{}: {} with a second factor, {} without, of {} no input says.",
        of(figures.accounts, "account signs in", "accounts sign in"),
        figures.with_second_factor,
        figures.without_second_factor,
        figures.second_factor_unknown
    )];
    let mint = of(figures.can_mint, "account can make a key today", "accounts can make a key today");
    let unknown = if figures.can_mint_unknown > 0 {
        format!(" Of {} no input says.", figures.can_mint_unknown)
    } else {
        String::new()
    };
    who.push(format!(
        "{mint}, {} of them without a second factor that is known.{unknown}",
        figures.can_mint_without_second_factor
    ));
    who.push(format!(
        "Nobody answers for {}; {} to people who left; {} by several.",
        of(figures.nobody_answers, "key", "keys"),
        of(figures.left, "belongs", "belong"),
        of(figures.shared, "is shared", "are shared")
    ));
    let age = |age: Option<u32>| age.map_or("unknown".to_owned(), |days| format!("{days} days"));
    let when = vec![
        format!(
            "{}, of {} no input says when. {} older than {} days.",
            of(figures.never_ends, "key never ends", "keys never end"),
            figures.end_unknown,
            of(figures.too_old, "is", "are"),
            report.longest
        ),
        format!("Median age {}, greatest {}.", age(figures.median_age), age(figures.greatest_age)),
    ];
    let mut then = vec![format!(
        "{} unused for {} days: disable those first. Of {} no input says when they were used.",
        of(figures.unused, "key is", "keys are"),
        report.idle,
        figures.use_unknown
    )];
    let seen = report.estate.keys.iter().filter(|key| key.seen.is_some());
    match report.estate.logs.iter().map(|log| log.events).reduce(|one, other| one + other) {
        Some(events) => {
            let (seen, made) = seen.fold((0, 0), |(seen, made), key| {
                (seen + 1, made + key.seen.as_ref().map_or(0, |seen| seen.made.len()))
            });
            then.push(format!(
                "{events} events in logs show {} at work; {} made by them.",
                of(seen, "key", "keys"),
                of(made, "further key was", "further keys were")
            ));
        }
        None => then.push("No log is among the inputs that would show what the keys do.".to_owned()),
    }
    [
        ("What can they do?", what),
        ("Who has them, and who could get one?", who),
        ("When do they end, and how old are they?", when),
        ("What then?", then),
    ]
}

fn first(report: &Report, width: Option<u16>, text: &mut String) -> fmt::Result {
    if report.first.is_empty() {
        return Ok(());
    }
    writeln!(text, "\n{BOLD}Close these first{BOLD:#}")?;
    let mut table = table(["", "key", "holder", "2FA", "without a second factor", "why here"]);
    for (first, rank) in report.first.iter().take(FIRST_PAGE).zip(1..) {
        let Some(key) = report.estate.keys.get(first.key) else { continue };
        let factor = report.estate.holders(key).next().map_or(Known::Unknown, |holder| holder.second_factor);
        let reasons = first.reasons.get(1..).unwrap_or_default().join("; ");
        let mut can = Cell::new(without(key));
        if key.surely().is_sensitive() {
            can = can.fg(Color::Red);
        }
        table.add_row([
            Cell::new(rank),
            Cell::new(clean(&key.id)),
            Cell::new(clean(&report.holders(key))),
            Cell::new(factor),
            can,
            Cell::new(clean(&reasons)),
        ]);
    }
    writeln!(text, "{}", lines(&mut table, width))?;
    if let Some(more) = report.first.len().checked_sub(FIRST_PAGE).filter(|more| *more > 0) {
        writeln!(text, "{FAINT}and {more} more: --format csv has them all{FAINT:#}")?;
    }
    writeln!(
        text,
        "{FAINT}{}{FAINT:#}",
        fit("The order is power × exposure × age × use; docs/rules.md explains it.", 0, width)
    )
}

fn findings(report: &Report, width: Option<u16>, text: &mut String) -> fmt::Result {
    writeln!(text, "\n{BOLD}{}{BOLD:#}", counted(report))?;
    for rule in crate::rules::ALL {
        let of_rule: Vec<&Finding> =
            report.findings.iter().filter(|finding| finding.rule == rule.name && finding.accepted.is_none()).collect();
        let Some(worst) = of_rule.iter().map(|finding| finding.severity).max() else { continue };
        let style = if worst >= Severity::High { ALARM } else { BOLD };
        let word = severity(worst);
        let line = fit(&format!("{word} {}: {} ({})", rule.name, rule.title, of_rule.len()), 2, width);
        let rest = line.strip_prefix(word).unwrap_or(&line);
        writeln!(text, "{style}{word}{style:#}{rest}")?;
        for finding in of_rule.iter().take(OF_EACH) {
            let line = format!("{}: {}", clean(&report.subject(finding)), clean(&finding.what));
            writeln!(text, "  {}", fit(&line, 4, width))?;
            if let Some(evidence) = finding.evidence().nth(1).or(finding.evidence().next()) {
                let line = format!("{} ({})", clean(&evidence.what), clean(&evidence.place.to_string()));
                writeln!(text, "    {FAINT}{}{FAINT:#}", fit(&line, 6, width))?;
            }
        }
        if let Some(more) = of_rule.len().checked_sub(OF_EACH).filter(|more| *more > 0) {
            writeln!(text, "  {FAINT}and {more} more{FAINT:#}")?;
        }
        if let Some(first) = of_rule.first() {
            writeln!(text, "  {}", fit(&format!("Mend: {}", clean(&first.mend)), 4, width))?;
        }
    }
    let accepted = report.findings.iter().filter(|finding| finding.accepted.is_some()).count();
    if accepted > 0 {
        writeln!(text, "{FAINT}{accepted} more are accepted in the baseline{FAINT:#}")?;
    }
    Ok(())
}

fn read(report: &Report, width: Option<u16>, text: &mut String) -> fmt::Result {
    writeln!(text, "\n{BOLD}Read{BOLD:#} as of {}", report.as_of.strftime("%Y-%m-%d %H:%M"))?;
    for source in &report.estate.sources {
        writeln!(text, "  {}", fit(&format!("{}: {}, {}", clean(&source.file), source.form, source.holds), 4, width))?;
    }
    for trouble in report.estate.troubles.iter().take(20) {
        writeln!(
            text,
            "  {ALARM}not read:{ALARM:#} {}",
            fit(&clean(&trouble.to_string()), 4, width.map(|width| width.saturating_sub(10)))
        )?;
    }
    if let Some(more) = report.estate.troubles.len().checked_sub(20).filter(|more| *more > 0) {
        writeln!(text, "  and {more} more")?;
    }
    Ok(())
}

fn table<const COLUMNS: usize>(heads: [&str; COLUMNS]) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Dynamic).set_header(heads);
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table
}

fn lines(table: &mut Table, width: Option<u16>) -> String {
    table.set_width(width.unwrap_or(160));
    table.to_string().lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

/// A sentence in lines of the terminal's width, broken between words, set in from the second on.
fn fit(text: &str, indent: usize, width: Option<u16>) -> String {
    let Some(width) = width.map(usize::from).filter(|width| *width > 2 * indent) else { return text.to_owned() };
    let mut fitted = String::with_capacity(text.len());
    let mut taken = indent;
    for word in text.split(' ') {
        let long = word.chars().count();
        if taken > indent && taken + 1 + long > width {
            fitted.push('\n');
            fitted.extend(std::iter::repeat_n(' ', indent));
            taken = indent;
        } else if taken > indent {
            fitted.push(' ');
            taken += 1;
        }
        fitted.push_str(word);
        taken += long;
    }
    fitted
}

//! For a person at a terminal: one page first, the evidence below.

use std::fmt::{self, Write as _};

use anstyle::{AnsiColor, Style};
use law::Severity;
use unicode_width::UnicodeWidthStr as _;

use super::{
    Closing, Lengths, Report,
    answers::answers,
    words::{clean, factor, grouped, holders, of, severity, short, without},
};
use crate::rules::{Finding, Rule};

const BOLD: Style = Style::new().bold();
const FAINT: Style = Style::new().dimmed();
const ALARM: Style = AnsiColor::Red.on_default().bold();

/// So many keys stand on the first page.
const FIRST_PAGE: usize = 10;
/// So many findings are shown of each rule, and troubles of the inputs; the other formats have all.
const OF_EACH: usize = 5;
const TROUBLES: usize = 20;
/// So long may a foreign name be.
const NAME: usize = 60;

pub(super) fn write(report: &Report, width: Option<u16>) -> Result<String, fmt::Error> {
    let mut text = String::new();
    styled(&mut text, BOLD, &fit(&report.figures.sentence(report.idle), 0, width))?;
    for answer in answers(report) {
        text.push('\n');
        styled(&mut text, BOLD, answer.question)?;
        for line in answer.sentences() {
            writeln!(text, "  {}", fit(&clean(&line), 2, width))?;
        }
        if answer.question.starts_with("When") {
            chart(&report.figures.cadence.ages, width, &mut text)?;
        }
    }
    first(report, width, &mut text)?;
    findings(report, width, &mut text)?;
    read(report, width, &mut text)?;
    Ok(text)
}

/// How old the keys are, as bars.
fn chart(lengths: &Lengths, width: Option<u16>, text: &mut String) -> fmt::Result {
    let Some(most) = lengths.parts.iter().map(|part| part.keys).max().filter(|most| *most > 0) else { return Ok(()) };
    let room = usize::from(width.unwrap_or(100)).saturating_sub(34).clamp(8, 40);
    for part in &lengths.parts {
        let bar = "█".repeat((part.keys * room).div_ceil(most));
        let keys = if part.keys == 0 { "-".to_owned() } else { grouped(part.keys) };
        let line = format!("  {:>21}  {bar} {keys}", part.days());
        writeln!(text, "{}", if part.keys == 0 { line.replace("   -", "  -") } else { line })?;
    }
    Ok(())
}

fn first(report: &Report, width: Option<u16>, text: &mut String) -> fmt::Result {
    let closing = report.closing();
    if closing.is_empty() {
        return Ok(());
    }
    text.push('\n');
    styled(text, BOLD, "Close these first")?;
    writeln!(text, "{}", faint(&fit("in the order of power × exposure × age × use", 0, width)))?;
    for (closing, rank) in closing.iter().take(FIRST_PAGE).zip(1..) {
        one(report, closing, rank, width, text)?;
    }
    if let Some(more) = closing.len().checked_sub(FIRST_PAGE).filter(|more| *more > 0) {
        writeln!(text, "{FAINT}and {} more: --format csv has them all{FAINT:#}", grouped(more))?;
    }
    Ok(())
}

fn one(report: &Report, closing: &Closing<'_>, rank: usize, width: Option<u16>, text: &mut String) -> fmt::Result {
    let key = closing.key;
    let id = short(&clean(&key.id), NAME);
    let name = key.name.as_deref().map_or(String::new(), |name| format!(" ({})", short(&clean(name), NAME)));
    let holder = format!("{}, {}", short(&clean(&holders(report, key)), NAME), factor(closing.holder));
    let style = if key.surely().is_sensitive() { ALARM } else { BOLD };
    let head = fit(&format!("{rank:>2}  {id}{name} of {holder}"), 4, width);
    styled(text, BOLD, &head)?;
    writeln!(text, "    {style}{}{style:#}", fit(&without(key), 4, width))?;
    let why = closing.first.reasons.get(1..).unwrap_or_default().join("; ");
    if !why.is_empty() {
        writeln!(text, "    {}", fit(&clean(&why), 4, width))?;
    }
    if let Some(evidence) = closing.evidence() {
        let line = format!("{} ({})", short(&clean(&evidence.what), 4 * NAME), clean(&evidence.place.to_string()));
        writeln!(text, "    {}", faint(&fit(&line, 4, width)))?;
    }
    writeln!(text, "    {}", fit(&format!("Mend: {}", clean(closing.mend())), 4, width))
}

fn findings(report: &Report, width: Option<u16>, text: &mut String) -> fmt::Result {
    let open = report.findings.iter().filter(|finding| finding.accepted.is_none()).count();
    writeln!(text, "\n{BOLD}{}{BOLD:#}{FAINT}, explained in docs/rules.md{FAINT:#}", of(open, "finding", "findings"))?;
    for rule in crate::rules::ALL {
        let of_rule: Vec<&Finding> =
            report.findings.iter().filter(|finding| finding.rule == rule.name && finding.accepted.is_none()).collect();
        if let Some(worst) = of_rule.iter().map(|finding| finding.severity).max() {
            of_one_rule(report, rule, worst, &of_rule, width, text)?;
        }
    }
    let accepted = report.findings.iter().filter(|finding| finding.accepted.is_some()).count();
    if accepted > 0 {
        let told = of(accepted, "more is accepted in the baseline", "more are accepted in the baseline");
        writeln!(text, "{FAINT}{told}{FAINT:#}")?;
    }
    Ok(())
}

fn of_one_rule(
    report: &Report,
    rule: &Rule,
    worst: Severity,
    found: &[&Finding],
    width: Option<u16>,
    text: &mut String,
) -> fmt::Result {
    let style = if worst >= Severity::High { ALARM } else { BOLD };
    let word = severity(worst);
    let line = fit(&format!("{word} {}: {} ({})", rule.name, rule.title, grouped(found.len())), 2, width);
    let rest = line.strip_prefix(word).unwrap_or(&line);
    writeln!(text, "{style}{word}{style:#}{rest}")?;
    for finding in found.iter().take(OF_EACH) {
        let subject = short(&clean(&report.subject(finding)), NAME);
        let mut shown = finding.evidence().skip(1).peekable();
        let place = match (shown.peek(), finding.evidence().next()) {
            (None, Some(evidence)) => format!(" ({})", clean(&evidence.place.to_string())),
            _ => String::new(),
        };
        let line = format!("{subject}: {}{place}", short(&clean(&finding.what), 4 * NAME));
        writeln!(text, "  {}", fit(&line, 4, width))?;
        if let Some(evidence) = shown.next() {
            let line = format!("{} ({})", short(&clean(&evidence.what), 4 * NAME), clean(&evidence.place.to_string()));
            writeln!(text, "    {}", faint(&fit(&line, 6, width)))?;
        }
    }
    if let Some(more) = found.len().checked_sub(OF_EACH).filter(|more| *more > 0) {
        writeln!(text, "  {FAINT}and {} more{FAINT:#}", grouped(more))?;
    }
    // Where each is mended otherwise, one alone would mislead: what they have in common is told.
    let mend = match found.first() {
        Some(first) if found.iter().all(|finding| finding.mend == first.mend) => first.mend.as_str(),
        _ => rule.mend,
    };
    writeln!(text, "  {}", fit(&format!("Mend: {}", clean(mend)), 4, width))
}

fn read(report: &Report, width: Option<u16>, text: &mut String) -> fmt::Result {
    writeln!(text, "\n{BOLD}Read{BOLD:#} as of {}", report.as_of.strftime("%Y-%m-%d %H:%M"))?;
    for source in &report.estate.sources {
        writeln!(text, "  {}", fit(&format!("{}: {}, {}", clean(&source.file), source.form, source.holds), 4, width))?;
    }
    for trouble in report.estate.troubles.iter().take(TROUBLES) {
        let line = fit(&format!("not read: {}", clean(&trouble.to_string())), 4, width);
        let rest = line.strip_prefix("not read:").unwrap_or(&line);
        writeln!(text, "  {ALARM}not read:{ALARM:#}{rest}")?;
    }
    if let Some(more) = report.estate.troubles.len().checked_sub(TROUBLES).filter(|more| *more > 0) {
        writeln!(text, "  and {} more", grouped(more))?;
    }
    Ok(())
}

fn styled(text: &mut String, style: Style, line: &str) -> fmt::Result {
    writeln!(text, "{style}{line}{style:#}")
}

fn faint(line: &str) -> String {
    format!("{FAINT}{line}{FAINT:#}")
}

/// A sentence in lines of the terminal's width, broken between words and within one only where
/// it alone is wider; set in from the second line on. The first line begins so far in, too.
fn fit(text: &str, indent: usize, width: Option<u16>) -> String {
    let Some(width) = width.map(usize::from).filter(|width| *width > 2 * indent) else { return text.to_owned() };
    let mut fitted = String::with_capacity(text.len());
    let mut taken = indent;
    let turn = |fitted: &mut String| {
        fitted.push('\n');
        fitted.extend(std::iter::repeat_n(' ', indent));
        indent
    };
    for (word, first) in text.split(' ').zip(std::iter::once(true).chain(std::iter::repeat(false))) {
        let long = word.width();
        if !first && taken + 1 + long > width && taken > indent {
            taken = turn(&mut fitted);
        } else if !first {
            fitted.push(' ');
            taken += 1;
        }
        if taken + long <= width {
            fitted.push_str(word);
            taken += long;
            continue;
        }
        for letter in word.chars() {
            let letter = letter.encode_utf8(&mut [0; 4]).to_owned();
            if taken + letter.width() > width {
                taken = turn(&mut fitted);
            }
            taken += letter.width();
            fitted.push_str(&letter);
        }
    }
    fitted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_fit_and_only_what_is_too_long_by_itself_is_broken() {
        assert_eq!(fit("one two three", 2, Some(9)), "one two\n  three");
        assert_eq!(fit("aaaaaaaaaaaaaa b", 2, Some(10)), "aaaaaaaa\n  aaaaaa b");
        assert_eq!(fit(" 1  key", 4, Some(20)), " 1  key", "blanks stay");
        assert_eq!(fit("鍵鍵鍵 x", 0, Some(6)), "鍵鍵鍵\nx", "some letters are two wide");
        assert_eq!(fit("as it is", 2, None), "as it is");
    }
}

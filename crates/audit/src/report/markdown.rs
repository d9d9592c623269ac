//! For a ticket or a wiki.

use std::fmt::{self, Write as _};

use super::{
    Report,
    answers::answers,
    words::{clean, factor, grouped, holders, severity, short, without},
};
use crate::rules::{Finding, Section};

/// So many keys are named.
const FIRST: usize = 25;
/// So long may a foreign name be.
const NAME: usize = 120;

pub(super) fn write(report: &Report) -> Result<String, fmt::Error> {
    let mut text = String::new();
    writeln!(text, "# Keys and second factors, {}\n", report.as_of.strftime("%Y-%m-%d"))?;
    writeln!(text, "**{}**\n", report.figures.sentence(report.idle))?;
    for answer in answers(report) {
        let said: Vec<String> = answer.sentences().map(|line| plain(&line)).collect();
        writeln!(text, "- **{}** {}", answer.question, said.join(" "))?;
    }
    let cadence = &report.figures.cadence;
    if cadence.ages.keys > 0 {
        writeln!(
            text,
            "\n| age of the living keys | keys | lifetime of those that are over | keys |\n|---|--:|---|--:|"
        )?;
        for (age, life) in cadence.ages.parts.iter().zip(&cadence.lifetimes.parts) {
            writeln!(text, "| {} | {} | {} | {} |", age.days(), grouped(age.keys), life.days(), grouped(life.keys))?;
        }
    }
    first(report, &mut text)?;
    writeln!(text, "\n## Findings")?;
    for rule in crate::rules::ALL {
        let found: Vec<&Finding> = report.findings.iter().filter(|finding| finding.rule == rule.name).collect();
        if found.is_empty() {
            continue;
        }
        write!(text, "\n### {}\n\n{}", rule.name, capital(rule.title))?;
        if let Some(section) = Section::of(rule.name) {
            writeln!(text, ". {}", section.matters)?;
        }
        writeln!(text)?;
        for finding in found {
            one(report, finding, &mut text)?;
        }
    }
    writeln!(text, "\n## What was read\n")?;
    for source in &report.estate.sources {
        writeln!(text, "- {}: {}, {}", plain(&source.file), source.form, plain(&source.holds))?;
    }
    for stale in &report.stale {
        writeln!(text, "- **baseline:** {}", plain(stale))?;
    }
    for trouble in &report.estate.troubles {
        writeln!(text, "- **not read:** {}", plain(&trouble.to_string()))?;
    }
    Ok(text)
}

fn first(report: &Report, text: &mut String) -> fmt::Result {
    let closing = report.closing();
    if closing.is_empty() {
        return Ok(());
    }
    writeln!(
        text,
        "\n## Close these first\n\nThe order is power × exposure × age × use.\n\n\
         | | key | holder | without a second factor | why here | evidence | mend |\n|--:|---|---|---|---|---|---|"
    )?;
    for (closing, rank) in closing.iter().take(FIRST).zip(1..) {
        let evidence = closing.evidence().map(|evidence| format!("{} ({})", evidence.what, evidence.place));
        writeln!(
            text,
            "| {rank} | {} | {}, {} | {} | {} | {} | {} |",
            plain(&closing.key.id),
            plain(&holders(report, closing.key)),
            factor(closing.holder),
            without(closing.key),
            plain(&closing.first.reasons.get(1..).unwrap_or_default().join("; ")),
            plain(&evidence.unwrap_or_default()),
            plain(closing.mend()),
        )?;
    }
    match closing.len().saturating_sub(FIRST) {
        0 => Ok(()),
        more => writeln!(text, "\nand {} more", grouped(more)),
    }
}

fn one(report: &Report, finding: &Finding, text: &mut String) -> fmt::Result {
    let subject = plain(&report.subject(finding));
    writeln!(text, "- **{}** {subject}: {}", severity(finding.severity), plain(&finding.what))?;
    for evidence in finding.evidence() {
        writeln!(text, "  - {} ({})", plain(&evidence.what), plain(&evidence.place.to_string()))?;
    }
    match &finding.accepted {
        Some(why) => writeln!(text, "  - accepted: {}", plain(why)),
        None => writeln!(text, "  - mend: {}", plain(&finding.mend)),
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

/// Foreign text that makes no markup, no link, no picture and no mention.
fn plain(text: &str) -> String {
    let text = clean(&short(text, 4 * NAME));
    let mut plain = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '<' => plain.push_str("&lt;"),
            '>' => plain.push_str("&gt;"),
            '&' => plain.push_str("&amp;"),
            '@' => plain.push_str("&#64;"),
            '|' => plain.push_str("&#124;"),
            '[' | ']' | '*' | '_' | '#' | '!' | '\\' | '`' | '~' | '$' => {
                plain.push('\\');
                plain.push(letter);
            }
            _ => plain.push(letter),
        }
    }
    // A bare address would become a link of itself.
    plain.replace("://", "&#58;//").replace("www.", "www&#46;").replace("WWW.", "WWW&#46;")
}

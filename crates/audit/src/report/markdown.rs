//! For a ticket or a wiki.

use std::fmt::{self, Write as _};

use super::{
    Report,
    terminal::answers,
    words::{clean, severity, without},
};

pub(super) fn write(report: &Report) -> Result<String, fmt::Error> {
    let mut text = String::new();
    writeln!(text, "# Keys and second factors, {}\n", report.as_of.strftime("%Y-%m-%d"))?;
    writeln!(text, "**{}**\n", report.figures.sentence(report.idle))?;
    for (question, answer) in answers(report) {
        writeln!(text, "- **{question}** {}", answer.join(" "))?;
    }
    writeln!(
        text,
        "\n## Close these first\n\n| | key | holder | without a second factor | why here |\n|---|---|---|---|---|"
    )?;
    for (first, rank) in report.first.iter().take(25).zip(1..) {
        let Some(key) = report.estate.keys.get(first.key) else { continue };
        writeln!(
            text,
            "| {rank} | {} | {} | {} | {} |",
            plain(&key.id),
            plain(&report.holders(key)),
            without(key),
            plain(&first.reasons.join("; "))
        )?;
    }
    if report.first.len() > 25 {
        writeln!(text, "\nand {} more", report.first.len() - 25)?;
    }
    writeln!(text, "\n## Findings\n")?;
    for finding in &report.findings {
        let subject = plain(&report.subject(finding));
        writeln!(
            text,
            "- **{}** [{}](docs/rules.md#{}) {subject}: {}",
            severity(finding.severity),
            finding.rule,
            finding.rule,
            plain(&finding.what)
        )?;
        for evidence in finding.evidence() {
            writeln!(text, "  - {} ({})", plain(&evidence.what), plain(&evidence.place.to_string()))?;
        }
        match &finding.accepted {
            Some(why) => writeln!(text, "  - accepted: {}", plain(why))?,
            None => writeln!(text, "  - mend: {}", plain(&finding.mend))?,
        }
    }
    writeln!(text, "\n## What was read\n")?;
    for source in &report.estate.sources {
        writeln!(text, "- {}: {}, {}", plain(&source.file), source.form, source.holds)?;
    }
    for trouble in &report.estate.troubles {
        writeln!(text, "- not read: {}", plain(&trouble.to_string()))?;
    }
    Ok(text)
}

/// Foreign text that makes no markup.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for letter in clean(text).chars() {
        match letter {
            '<' => plain.push_str("&lt;"),
            '&' => plain.push_str("&amp;"),
            '[' | ']' | '*' | '_' | '#' | '!' | '|' | '\\' => {
                plain.push('\\');
                plain.push(letter);
            }
            _ => plain.push(letter),
        }
    }
    plain
}

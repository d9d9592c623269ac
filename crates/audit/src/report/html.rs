//! One page that stands alone: readable, printable, light and dark.

use std::fmt::{self, Write as _};

use super::{
    Report,
    terminal::answers,
    words::{clean, severity, without},
};
use crate::estate::Known;

const STYLE: &str = "
:root{color-scheme:light dark;--ink:#1b1f24;--faint:#656d76;--paper:#fff;--line:#d8dee4;--alarm:#b3261e;--warn:#8a6100}
@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--faint:#8d96a0;--paper:#0d1117;--line:#30363d;--alarm:#ff7b72;--warn:#e3b341}}
@media print{:root{--ink:#000;--faint:#444;--paper:#fff;--line:#bbb;--alarm:#a00;--warn:#750}details{display:block}}
body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:72rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.6rem;line-height:1.3}h2{font-size:1.2rem;margin-top:2.5rem}.faint{color:var(--faint)}
.four{display:grid;grid-template-columns:repeat(auto-fit,minmax(15rem,1fr));gap:1rem}
.four section{border:1px solid var(--line);border-radius:6px;padding:.5rem 1rem}.four h3{margin:.3rem 0;font-size:1rem}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.9rem}
th,td{text-align:left;vertical-align:top;padding:.35rem .6rem;border-bottom:1px solid var(--line);overflow-wrap:break-word}
.critical,.high{color:var(--alarm);font-weight:600}.warning{color:var(--warn);font-weight:600}li{margin:.3rem 0}
tr,li{break-inside:avoid}
";

pub(super) fn write(report: &Report) -> Result<String, fmt::Error> {
    let mut page = String::new();
    let day = report.as_of.strftime("%Y-%m-%d");
    write!(
        page,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\
         <title>Keys and second factors, {day}</title><style>{STYLE}</style></head><body>\n\
         <p class=\"faint\">Keys and second factors, as of {day}</p>\n<h1>{}</h1>\n<div class=\"four\">\n",
        safe(&report.figures.sentence(report.idle))
    )?;
    for (question, answer) in answers(report) {
        writeln!(page, "<section><h3>{question}</h3>")?;
        for line in answer {
            writeln!(page, "<p>{}</p>", safe(&line))?;
        }
        writeln!(page, "</section>")?;
    }
    writeln!(
        page,
        "</div>\n<h2>Close these first</h2>\n<p class=\"faint\">The order is power × exposure × age × use.</p>\n<div class=\"wide\"><table><thead><tr><th></th><th>key</th><th>holder</th><th>2FA</th><th>without a second factor</th><th>why here</th></tr></thead><tbody>"
    )?;
    for (first, rank) in report.first.iter().take(100).zip(1..) {
        let Some(key) = report.estate.keys.get(first.key) else { continue };
        let factor = report.estate.holders(key).next().map_or(Known::Unknown, |holder| holder.second_factor);
        let class = if key.surely().is_sensitive() { " class=\"high\"" } else { "" };
        writeln!(
            page,
            "<tr><td>{rank}</td><td>{}</td><td>{}</td><td>{factor}</td><td{class}>{}</td><td>{}</td></tr>",
            safe(&key.id),
            safe(&report.holders(key)),
            safe(&without(key)),
            safe(&first.reasons.join("; "))
        )?;
    }
    writeln!(page, "</tbody></table></div>")?;
    if let Some(more) = report.first.len().checked_sub(100).filter(|more| *more > 0) {
        writeln!(page, "<p class=\"faint\">and {more} more</p>")?;
    }
    writeln!(page, "<h2>Findings</h2>")?;
    for rule in crate::rules::ALL {
        let found: Vec<_> = report.findings.iter().filter(|finding| finding.rule == rule.name).collect();
        let Some(worst) = found.iter().map(|finding| finding.severity).max() else { continue };
        let word = severity(worst);
        writeln!(
            page,
            "<details open><summary><span class=\"{word}\">{word}</span> {}: {} ({})</summary><ul>",
            rule.name,
            rule.title,
            found.len()
        )?;
        for finding in found.iter().take(200) {
            write!(page, "<li><b>{}</b>: {}", safe(&report.subject(finding)), safe(&finding.what))?;
            for evidence in finding.evidence() {
                write!(
                    page,
                    "<br><span class=\"faint\">{} ({})</span>",
                    safe(&evidence.what),
                    safe(&evidence.place.to_string())
                )?;
            }
            match &finding.accepted {
                Some(why) => writeln!(page, "<br>Accepted: {}</li>", safe(why))?,
                None => writeln!(page, "<br>Mend: {}</li>", safe(&finding.mend))?,
            }
        }
        writeln!(page, "</ul></details>")?;
    }
    writeln!(page, "<h2>What was read</h2><ul>")?;
    for source in &report.estate.sources {
        writeln!(page, "<li>{}: {}, {}</li>", safe(&source.file), safe(&source.form), safe(&source.holds))?;
    }
    for trouble in &report.estate.troubles {
        writeln!(page, "<li class=\"high\">not read: {}</li>", safe(&trouble.to_string()))?;
    }
    writeln!(page, "</ul></body></html>")?;
    Ok(page)
}

/// Foreign text that makes no markup.
fn safe(text: &str) -> String {
    clean(text)
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

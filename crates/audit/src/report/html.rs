//! One page that stands alone: readable, printable, light and dark, without a script.

use std::fmt::{self, Write as _};

use super::{
    Closing, Report,
    answers::answers,
    chart, picture,
    words::{clean, factor, grouped, holders, of, severity, short, without},
};
use crate::rules::{Finding, Rule, Section};

/// So many keys are named of those to close first, and so many findings of each rule.
const FIRST: usize = 25;
const OF_EACH: usize = 100;
/// So long may a foreign text be; JSON has all of it.
const LONG: usize = 400;

const STYLE: &str = include_str!("page.css");

pub(super) fn write(report: &Report) -> Result<String, fmt::Error> {
    let mut page = String::new();
    let day = report.as_of.strftime("%Y-%m-%d");
    write!(
        page,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\
         <meta name=\"referrer\" content=\"no-referrer\"><meta name=\"generator\" content=\"greave {}\">\
         <title>Keys and second factors, {day}</title>\n<style>{STYLE}</style></head><body>\n\
         <header><p class=\"faint\">Keys and second factors, as of {day}</p>\n<h1>{}</h1></header>\n<main>\n<div class=\"four\">\n",
        env!("CARGO_PKG_VERSION"),
        safe(&report.figures.sentence(report.idle))
    )?;
    for answer in answers(report) {
        writeln!(
            page,
            "<section><h2>{}</h2><p class=\"figure\"><b>{}</b> {}</p>",
            answer.question, answer.figure, answer.counts
        )?;
        for line in &answer.said {
            writeln!(page, "<p>{}</p>", safe(line))?;
        }
        writeln!(page, "</section>")?;
    }
    writeln!(page, "</div>")?;
    picture::write(report, &mut page)?;
    first(report, &mut page)?;
    cadence(report, &mut page)?;
    findings(report, &mut page)?;
    read(report, &mut page)?;
    writeln!(page, "</main></body></html>")?;
    Ok(page)
}

fn first(report: &Report, page: &mut String) -> fmt::Result {
    let closing = report.closing();
    if closing.is_empty() {
        return Ok(());
    }
    writeln!(
        page,
        "<h2 id=\"first\">Close these first</h2>\n<p class=\"faint\">The order is power × exposure × age × use: what a key can do \
         without a second factor, who has it and who answers for it, how old it is, and whether anybody would miss it.</p>\n<ol class=\"first\">"
    )?;
    for closing in closing.iter().take(FIRST) {
        one_first(report, closing, page)?;
    }
    writeln!(page, "</ol>")?;
    match closing.len().saturating_sub(FIRST) {
        0 => Ok(()),
        more => writeln!(page, "<p class=\"faint\">and {} more, which JSON and CSV name</p>", grouped(more)),
    }
}

fn one_first(report: &Report, closing: &Closing<'_>, page: &mut String) -> fmt::Result {
    let key = closing.key;
    let class = if key.surely().is_sensitive() { "high" } else { "warning" };
    let name = key.name.as_deref().map_or(String::new(), |name| format!(" (<bdi>{}</bdi>)", safe(&short(name, 80))));
    write!(
        page,
        "<li><p><b><bdi>{}</bdi></b>{name} of <bdi>{}</bdi>, {} <span class=\"{class}\">{}</span></p><p>{}</p>",
        safe(&short(&key.id, 120)),
        safe(&short(&holders(report, key), 120)),
        factor(closing.holder),
        safe(&without(key)),
        safe(&closing.first.reasons.get(1..).unwrap_or_default().join("; "))
    )?;
    if let Some(evidence) = closing.evidence() {
        write!(
            page,
            "<p class=\"faint\">{} ({})</p>",
            safe(&short(&evidence.what, LONG)),
            safe(&evidence.place.to_string())
        )?;
    }
    writeln!(page, "<p class=\"mend\">{}</p></li>", safe(closing.mend()))
}

fn cadence(report: &Report, page: &mut String) -> fmt::Result {
    let cadence = &report.figures.cadence;
    if cadence.ages.keys == 0 && cadence.lifetimes.keys == 0 {
        return Ok(());
    }
    let days = |days: Option<u32>| days.map_or("unknown".to_owned(), |days| of(days as usize, "day", "days"));
    writeln!(
        page,
        "<h2 id=\"cadence\">How long keys live</h2>\n<p>The median age of the living keys is {}; nine of ten are at most {} old. \
         {} that lasted longer than {} days, and whose holder never exchanged one, as far as the inputs show. Of {} no input says how old they are.</p>\n<div class=\"two\">",
        days(cadence.ages.median),
        days(cadence.ages.nine_of_ten),
        of(cadence.never_exchanged, "is a key", "are keys"),
        report.longest,
        grouped(cadence.age_unknown)
    )?;
    for (id, title, lengths) in [
        ("ages", "Ages of the living keys", &cadence.ages),
        ("lives", "Lifetimes of the keys that are over", &cadence.lifetimes),
    ] {
        if lengths.keys > 0 {
            writeln!(page, "<figure><figcaption>{title}</figcaption>")?;
            chart::bars(id, title, lengths, page)?;
            writeln!(page, "</figure>")?;
        }
    }
    writeln!(page, "</div>")
}

fn findings(report: &Report, page: &mut String) -> fmt::Result {
    writeln!(page, "<h2 id=\"findings\">Findings</h2>")?;
    for rule in crate::rules::ALL {
        let found: Vec<_> = report.findings.iter().filter(|finding| finding.rule == rule.name).collect();
        if !found.is_empty() {
            of_one_rule(report, rule, &found, page)?;
        }
    }
    Ok(())
}

fn of_one_rule(report: &Report, rule: &Rule, found: &[&Finding], page: &mut String) -> fmt::Result {
    let word = severity(found.iter().map(|finding| finding.severity).max().unwrap_or(rule.worst));
    writeln!(
        page,
        "<section class=\"rule\" id=\"{0}\"><h3><span class=\"{word}\">{word}</span> {1}: {2}</h3>",
        rule.name,
        rule.title,
        grouped(found.len())
    )?;
    if let Some(Section { means, matters, mend, blind }) = Section::of(rule.name) {
        writeln!(
            page,
            "<p>{} {}</p><p class=\"faint\"><b>How to mend it.</b> {} <b>What it cannot see.</b> {} (rule <code>{}</code>)</p>",
            marked(means),
            marked(matters),
            marked(mend),
            marked(blind),
            rule.name
        )?;
    }
    writeln!(page, "<ul>")?;
    for finding in found.iter().take(OF_EACH) {
        let word = severity(finding.severity);
        write!(
            page,
            "<li><span class=\"{word}\">{word}</span> <b><bdi>{}</bdi></b>: {}",
            safe(&short(&report.subject(finding), 120)),
            safe(&short(&finding.what, LONG))
        )?;
        for evidence in finding.evidence() {
            write!(
                page,
                "<br><span class=\"faint\">{} ({})</span>",
                safe(&short(&evidence.what, LONG)),
                safe(&evidence.place.to_string())
            )?;
        }
        match &finding.accepted {
            Some(why) => writeln!(page, "<br><i>Accepted: {}</i></li>", safe(why))?,
            None => writeln!(page, "<br><span class=\"mend\">{}</span></li>", safe(&finding.mend))?,
        }
    }
    writeln!(page, "</ul>")?;
    if let Some(more) = found.len().checked_sub(OF_EACH).filter(|more| *more > 0) {
        writeln!(page, "<p class=\"faint\">and {} more, which JSON names</p>", grouped(more))?;
    }
    writeln!(page, "</section>")
}

fn read(report: &Report, page: &mut String) -> fmt::Result {
    writeln!(page, "<h2 id=\"read\">What was read</h2><ul>")?;
    for source in &report.estate.sources {
        writeln!(page, "<li>{}: {}, {}</li>", safe(&short(&source.file, LONG)), source.form, safe(&source.holds))?;
    }
    for stale in &report.stale {
        writeln!(page, "<li class=\"warning\">baseline: {}</li>", safe(&short(stale, LONG)))?;
    }
    for trouble in report.estate.troubles.iter().take(OF_EACH) {
        writeln!(page, "<li class=\"high\">not read: {}</li>", safe(&short(&trouble.to_string(), LONG)))?;
    }
    if let Some(more) = report.estate.troubles.len().checked_sub(OF_EACH).filter(|more| *more > 0) {
        writeln!(page, "<li class=\"high\">and {} more, which JSON names</li>", grouped(more))?;
    }
    writeln!(page, "</ul>")
}

/// A part of our own paper: code and links to other sections are the only markup in it.
fn marked(text: &str) -> String {
    let mut page = String::new();
    for (part, at) in safe(text).split('`').zip(0usize..) {
        if at % 2 == 1 {
            page.push_str("<code>");
            page.push_str(part);
            page.push_str("</code>");
        } else {
            page.push_str(&linked(part));
        }
    }
    page
}

/// `[words](#anchor)` as a link within the page.
fn linked(text: &str) -> String {
    let mut page = String::new();
    let mut rest = text;
    while let Some((before, words, anchor, after)) = rest.split_once('[').and_then(|(before, open)| {
        let (words, link) = open.split_once("](#")?;
        let (anchor, after) = link.split_once(')')?;
        Some((before, words, anchor, after))
    }) {
        page.push_str(before);
        page.push_str(&format!("<a href=\"#{anchor}\">{words}</a>"));
        rest = after;
    }
    page + rest
}

/// Foreign text that makes no markup.
pub(super) fn safe(text: &str) -> String {
    clean(text)
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

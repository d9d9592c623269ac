//! SARIF 2.1.0, for whatever shows findings beside code.

use law::Severity;
use serde_json::{Value, json};

use super::Report;
use crate::rules::{self, Finding, Rule, Section};

pub(super) fn write(report: &Report) -> Result<String, serde_json::Error> {
    let rules: Vec<Value> = rules::ALL
        .iter()
        .map(|rule| {
            json!({
                "id": rule.name,
                "shortDescription": { "text": rule.title },
                "fullDescription": { "text": Section::of(rule.name).map_or(rule.title, |section| section.means) },
                "help": help(rule),
                "defaultConfiguration": { "level": level(rule.worst) },
                "properties": { "security-severity": score(rule.worst) },
            })
        })
        .collect();
    let results: Vec<Value> = report.findings.iter().map(|finding| result(report, finding)).collect();
    let troubles: Vec<Value> = report
        .estate
        .troubles
        .iter()
        .map(|trouble| json!({ "level": "error", "message": { "text": trouble.to_string() }, "locations": [location(&trouble.place.file, trouble.place.line)] }))
        .collect();
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "greave audit", "semanticVersion": env!("CARGO_PKG_VERSION"), "rules": rules } },
            "invocations": [{
                "executionSuccessful": report.estate.troubles.is_empty(),
                "toolExecutionNotifications": troubles,
            }],
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    Ok(serde_json::to_string_pretty(&log)? + "\n")
}

/// The section of `docs/rules.md`, for whoever reads a finding far from it.
fn help(rule: &Rule) -> Value {
    let Some(Section { means, matters, mend, blind }) = Section::of(rule.name) else {
        return json!({ "text": rule.mend });
    };
    let text = format!("{means}\n\nWhy it matters: {matters}\n\nHow to mend it: {mend}\n\nWhat it cannot see: {blind}");
    let markdown = format!(
        "{means}\n\n**Why it matters.** {matters}\n\n**How to mend it.** {mend}\n\n**What it cannot see.** {blind}"
    );
    json!({ "text": text, "markdown": markdown })
}

fn result(report: &Report, finding: &Finding) -> Value {
    let subject = report.subject(finding);
    let mut evidence = finding.evidence();
    let place = evidence.next().map(|first| location(&first.place.file, first.place.line));
    let related: Vec<Value> = evidence
        .map(|more| {
            let mut location = location(&more.place.file, more.place.line);
            if let Some(object) = location.as_object_mut() {
                object.insert("message".to_owned(), json!({ "text": more.what }));
            }
            location
        })
        .collect();
    let mut result = json!({
        "ruleId": finding.rule,
        "ruleIndex": rules::ALL.iter().position(|rule| rule.name == finding.rule),
        "level": level(finding.severity),
        "message": { "text": format!("{subject}: {}. To mend it: {}.", finding.what, finding.mend) },
        "locations": place.into_iter().collect::<Vec<_>>(),
        "relatedLocations": related,
        // The same finding has the same print in the next run, whatever line it stands on then.
        "partialFingerprints": { "greave/v1": format!("{}:{subject}", finding.rule) },
    });
    if let (Some(why), Some(object)) = (&finding.accepted, result.as_object_mut()) {
        object.insert("suppressions".to_owned(), json!([{ "kind": "external", "justification": why }]));
    }
    result
}

fn location(file: &str, line: Option<u64>) -> Value {
    let uri: String = percent_encoding::utf8_percent_encode(file, URI).to_string();
    let region = line.filter(|line| *line > 0).map(|line| json!({ "startLine": line }));
    let mut physical = json!({ "artifactLocation": { "uri": uri } });
    if let (Some(region), Some(object)) = (region, physical.as_object_mut()) {
        object.insert("region".to_owned(), region);
    }
    json!({ "physicalLocation": physical })
}

/// Whatever is not allowed in the path of a URI.
const URI: &percent_encoding::AsciiSet =
    &percent_encoding::NON_ALPHANUMERIC.remove(b'/').remove(b'.').remove(b'-').remove(b'_').remove(b'~');

const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "note",
        Severity::Warning => "warning",
        Severity::High | Severity::Critical => "error",
    }
}

const fn score(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "1.0",
        Severity::Warning => "5.0",
        Severity::High => "8.0",
        Severity::Critical => "9.5",
    }
}

use std::io::Cursor;

use serde_json::Value;

use super::*;
use crate::Audit;

const SECRET: &str = "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY";

fn report() -> Report {
    let rows = format!(
        "name,key,secret,holder,mfa,scopes,expires,created,last_used,owner\n\
         deploy,a,{SECRET},ann,yes,admin,never,2020-01-01,2026-11-01,\n\
         =1+1,{SECRET},{SECRET},bob <b>,no,\"read, export\",,,never,{SECRET}\n\
         x,c,{SECRET},carl,,read,2027-01-01,2026-11-01,2026-11-28,\n"
    );
    let mut audit = Audit::new(Settings::at("2026-11-29T00:00:00Z".parse().unwrap()));
    assert!(audit.read("keys.csv", Cursor::new(rows.into_bytes())));
    audit.read("broken.json", Cursor::new(format!("{{\"secret\": \"{SECRET}\"").into_bytes()));
    audit.finish()
}

fn all() -> [(Format, &'static str); 7] {
    [
        (Format::Terminal, "terminal"),
        (Format::Json, "json"),
        (Format::JsonLines, "jsonl"),
        (Format::Csv, "csv"),
        (Format::Markdown, "markdown"),
        (Format::Sarif, "sarif"),
        (Format::Html, "html"),
    ]
}

#[test]
fn no_format_shows_a_secret_and_each_names_what_was_not_read() {
    let report = report();
    for (format, word) in all() {
        assert_eq!(word.parse(), Ok(format));
        let text = report.write(format, Some(100)).unwrap();
        assert!(!text.contains(SECRET), "{word}");
        if !matches!(format, Format::Csv | Format::JsonLines) {
            assert!(text.contains("broken.json"), "{word}");
        }
        assert!(text.contains('a'), "{word}");
    }
}

#[test]
fn the_sentence_counts_what_matters() {
    let report = report();
    assert!(
        report.figures.sentence(90).starts_with(
            "3 keys work. 1 can switch off protection or mint keys without a second factor. 1 unused for 90 days. 0 belong to people who left."
        ),
        "{}",
        report.figures.sentence(90)
    );
    assert_eq!(report.estate.keys[report.first[0].key].id, "a");
    assert_eq!(report.worst(), Some(Severity::Critical));
}

#[test]
fn foreign_text_makes_no_markup_and_no_formula() {
    let report = report();
    let html = report.write(Format::Html, None).unwrap();
    assert!(html.contains("bob &lt;b&gt;") && !html.contains("bob <b>"));
    assert!(report.write(Format::Csv, None).unwrap().contains(",'=1+1,"));
    assert!(report.write(Format::Markdown, None).unwrap().contains("bob &lt;b&gt;"));
}

#[test]
fn json_says_absent_as_null_and_never_as_never() {
    let report = report();
    let json: Value = serde_json::from_str(&report.write(Format::Json, None).unwrap()).unwrap();
    let key = |id: &str| json["keys"].as_array().unwrap().iter().find(|key| key["id"] == id).unwrap().clone();
    assert_eq!(key("a")["end"], "never");
    assert_eq!(key("a")["order"]["rank"], 1);
    assert_eq!(key("c")["without_second_factor"]["surely"], serde_json::json!(["read"]));
    assert_eq!(key("(masked, line 3)")["born"], Value::Null);
    assert_eq!(json["figures"]["by_power"]["export"], 2);
}

/// Rows that try what foreign text can do to a page.
fn evil() -> Report {
    let long = "n".repeat(5_000);
    let mut rows = String::from("key,name,holder,mfa,scopes,expires,created,last_used,system\n");
    for evil in [
        "<script>alert(1)</script>",
        "</title></svg><img src=x onerror=alert(1)>",
        "\"' onload='x",
        "]]><!--",
        "\u{202e}drowssap",
        "\u{5e9}\u{5dc}\u{5d5}\u{5dd} \u{645}\u{641}\u{62a}\u{627}\u{62d}",
        "[x](javascript:alert(1)) ![y](https://evil.example/p.png) `code` @all https://evil.example www.evil.example",
        "| a | b |",
        "\u{1b}[2J\u{1b}]0;x\u{7}",
        long.as_str(),
    ] {
        let cell = evil.replace('"', "\"\"");
        rows.push_str(&format!("\"{cell}\",\"{cell}\",\"{cell}\",yes,admin,never,2020-01-01,never,\"{cell}\"\n"));
    }
    let mut audit = Audit::new(Settings::at("2026-11-29T00:00:00Z".parse().unwrap()));
    assert!(audit.read("<b>evil</b> \u{1b}[31m.csv", Cursor::new(rows.into_bytes())));
    audit.finish()
}

/// How many columns a line takes, its styles apart.
fn columns(line: &str) -> usize {
    let mut style = false;
    let bare: String = line
        .chars()
        .filter(|letter| {
            style |= *letter == '\u{1b}';
            let seen = !style;
            style &= *letter != 'm';
            seen
        })
        .collect();
    unicode_width::UnicodeWidthStr::width(bare.as_str())
}

#[test]
fn the_terminal_is_no_wider_than_it_may_be() {
    for width in [60, 80, 120, 200] {
        for report in [report(), evil()] {
            let text = report.write(Format::Terminal, Some(width)).unwrap();
            for line in text.lines() {
                assert!(columns(line) <= usize::from(width), "{width}: {line}");
            }
        }
    }
}

#[test]
fn foreign_text_breaks_no_page() {
    let report = evil();
    let html = report.write(Format::Html, None).unwrap();
    for markup in [
        "<script",
        "<img",
        "onerror=alert(1)>",
        "<!--",
        "javascript:alert(1)\"",
        "]]>",
        "<b>evil",
        "\u{1b}",
        "\u{202e}",
    ] {
        assert!(!html.contains(markup), "{markup}");
    }
    for element in ["svg", "table", "section", "figure", "ol", "ul", "li", "p", "text", "title", "bdi", "span", "html"]
    {
        let (opened, closed) = (
            html.matches(&format!("<{element}>")).count() + html.matches(&format!("<{element} ")).count(),
            html.matches(&format!("</{element}>")).count(),
        );
        assert_eq!(opened, closed, "{element}");
    }
    for resource in [" href=\"h", "url(", "@import", "<link", "<script", " style="] {
        assert!(!html.contains(resource), "{resource}");
    }
    assert!(html.contains("<bdi>\u{5e9}"), "what is written from the right stands alone");
    assert!(html.len() < 200_000 && !html.contains(&"n".repeat(500)), "a long name is cut");
    let markdown = report.write(Format::Markdown, None).unwrap();
    for markup in ["<script", "[x](", "![y]", "https://", " www.", "@all", "\u{1b}"] {
        assert!(!markdown.contains(markup), "{markup}");
    }
    for line in markdown.lines().filter(|line| line.starts_with("| ") && line.contains("evil")) {
        assert_eq!(line.matches('|').count(), 8, "{line}");
    }
    let terminal = report.write(Format::Terminal, Some(80)).unwrap();
    assert!(!terminal.contains("\u{1b}[2J") && !terminal.contains("\u{1b}]0") && !terminal.contains('\u{202e}'));
}

#[test]
fn ten_thousand_keys_are_drawn_as_the_worst_ones_and_a_sum() {
    let mut rows = String::from("key,holder,mfa,scopes,created\n");
    for key in 0..10_000 {
        let scope = if key % 100 == 7 { "admin" } else { "read" };
        rows.push_str(&format!("k{key},user{},yes,{scope},2026-11-0{}\n", key / 2, 1 + key % 9));
    }
    let mut audit = Audit::new(Settings::at("2026-11-29T00:00:00Z".parse().unwrap()));
    assert!(audit.read("keys.csv", Cursor::new(rows.into_bytes())));
    let html = audit.finish().write(Format::Html, None).unwrap();
    assert!(html.contains("9,978 more keys") && html.contains("4,978 more accounts"), "{}", &html[..6000]);
    assert!(html.matches("<rect class=\"alarm\"").count() == 22, "the worst ones");
    assert!(html.len() < 300_000, "{}", html.len());
}

#[test]
fn sarif_has_its_rules_and_a_clean_run_is_one_too() {
    let log: Value = serde_json::from_str(&report().write(Format::Sarif, None).unwrap()).unwrap();
    let run = &log["runs"][0];
    for result in run["results"].as_array().unwrap() {
        let at = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(run["tool"]["driver"]["rules"][at]["id"], result["ruleId"]);
    }
    assert_eq!(run["invocations"][0]["executionSuccessful"], false);
    let clean = Audit::new(Settings::at("2026-11-29T00:00:00Z".parse().unwrap())).finish();
    let log: Value = serde_json::from_str(&clean.write(Format::Sarif, None).unwrap()).unwrap();
    assert_eq!(log["runs"][0]["results"], serde_json::json!([]));
}

#[test]
fn where_no_input_lists_keys_nothing_is_said_of_them() {
    let mut audit = Audit::new(Settings::at("2026-11-29T00:00:00Z".parse().unwrap()));
    assert!(audit.read("people.csv", Cursor::new(b"login,mfa\nann,yes\nbob,no\n".to_vec())));
    let report = audit.finish();
    for (format, word) in all() {
        let text = report.write(format, Some(100)).unwrap();
        let silent = ["0 keys work", "0 can switch", "unused for", "Nobody answers", "0 of 0"];
        assert!(!silent.iter().any(|told| text.contains(told)), "{word}: {text}");
        if !matches!(format, Format::Csv | Format::JsonLines | Format::Sarif) {
            assert!(text.contains("No input lists keys: nothing is known of them."), "{word}");
            assert!(word == "json" || text.contains("2 accounts sign in: 1 with a second factor"), "{word}: {text}");
        }
    }
}

#[test]
fn what_no_input_says_is_no_nought() {
    let mut audit = Audit::new(Settings::at("2026-11-29T00:00:00Z".parse().unwrap()));
    assert!(audit.read("keys.csv", Cursor::new(b"name,holder\ndeploy,ann\n")));
    let report = audit.finish();
    assert_eq!(
        report.figures.sentence(90),
        "1 key works. 0 unused for 90 days. 0 belong to people who left. Of 1 nobody can say what they may do."
    );
    let said: Vec<String> = answers::answers(&report).iter().flat_map(answers::Answer::sentences).collect();
    for sentence in [
        "Unknown what the keys can do: no input says.",
        "Unknown how old the living keys are: no input says.",
        "For 1 key no input says who answers.",
        "0 keys are unused for 90 days.",
    ] {
        assert!(said.iter().any(|line| line == sentence), "{sentence} of {said:#?}");
    }
}

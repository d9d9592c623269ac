//! What is used, and no log shows; a log that stops, or has a hole.

use std::collections::BTreeMap;

use law::Severity;

use super::{Evidence, Finding, Rule, Subject, living, place, shown};
use crate::{
    Settings,
    estate::{Estate, Ix, Key, Log},
    moment,
};

pub(super) const RULE: Rule = Rule {
    name: "unwatched",
    title: "what is used and no log shows, and logs that stop",
    mend: "switch the log on for every region and service that the key reaches, and see that it arrives",
    worst: Severity::Warning,
    look,
};

/// A log may lag behind by so many days.
const LAG: u32 = 2;

fn look(estate: &Estate, settings: &Settings) -> Vec<Finding> {
    let latest = estate.logs.iter().map(|log| log.to).max();
    let stopped = estate.logs.iter().filter_map(|log| {
        let days = moment::days(log.to, settings.as_of).filter(|days| *days > LAG && *days * 16 > log.rhythm_hours)?;
        let what = format!("{} ends {days} days before the moment of the audit", named(log));
        let last = Evidence::new(format!("last event {}", log.to), &log.place);
        let others = latest.filter(|latest| moment::days(log.to, *latest).is_some_and(|days| days > LAG));
        let others = others.map(|latest| Evidence::new(format!("other logs go on to {latest}"), &log.place));
        Some(Finding::new(&RULE, Severity::Warning, Subject::Estate, what, last).and(others))
    });
    let holes = estate.logs.iter().filter(|log| !log.gaps.is_empty()).map(|log| {
        let gaps = log.gaps.iter().map(|gap| {
            let hours = (gap.to.as_second() - gap.from.as_second()) / 3600;
            Evidence::new(format!("nothing for {hours} hours from {} on", gap.from), &log.place)
        });
        let usual = match log.rhythm_hours {
            0 => "no hour passes otherwise without an event".to_owned(),
            1 => "otherwise it is silent for an hour at most".to_owned(),
            hours => format!("otherwise it is silent for {hours} hours at most"),
        };
        let what = format!("{} has {}; {usual}", named(log), of(log.gaps.len(), "a hole", "holes"));
        let first = Evidence::new(format!("{} events from {} to {}", log.events, log.from, log.to), &log.place);
        Finding::new(&RULE, Severity::Warning, Subject::Estate, what, first).and(gaps)
    });
    let unseen = living(estate, settings).filter_map(|(ix, key)| {
        let at = key.last_use.at()?;
        let log = estate.logs.iter().find(|log| log.provider == key.provider && log.from <= at && at <= log.to)?;
        if key.seen.is_some() {
            return None;
        }
        let what = format!("was used on {}, and the log of that day does not show it", at.strftime("%Y-%m-%d"));
        let evidence = Evidence::new(format!("the log reaches from {} to {}", log.from, log.to), &log.place);
        Some(Finding::new(&RULE, Severity::Warning, Subject::Key(ix), what, shown(key)).and([evidence]))
    });
    stopped.chain(holes).chain(unseen).chain(without_log(estate, settings)).collect()
}

/// Keys in use that can do what is sensitive, of which no log among the inputs says what they did.
fn without_log(estate: &Estate, settings: &Settings) -> Vec<Finding> {
    let mut dark: BTreeMap<&str, Vec<(Ix, &Key)>> = BTreeMap::new();
    for (ix, key) in living(estate, settings) {
        let used = key.last_use.at().and_then(|at| moment::days(at, settings.as_of));
        let recently = used.is_some_and(|days| days <= settings.idle);
        // Of an access log nobody knows whose keys it would show.
        let has_log = estate
            .logs
            .iter()
            .any(|log| log.provider == key.provider || log.provider == "api" && key.provider == "inventory");
        if recently && key.seen.is_none() && key.surely().is_sensitive() && !has_log {
            dark.entry(key.provider).or_default().push((ix, key));
        }
    }
    // Whoever gave no log at all has not asked for this; it is said, and no more.
    let severity = if estate.logs.is_empty() { Severity::Info } else { Severity::Warning };
    let found = dark.into_iter().map(|(provider, keys)| {
        let whose = match provider {
            "aws" => "of AWS",
            "github" => "of GitHub",
            "greave" => "of Greave",
            _ => "of an inventory",
        };
        let what = format!(
            "{} {whose} can do what is sensitive and {} used in the last {} days, and no log among the inputs shows for what",
            of(keys.len(), "key", "keys"),
            if keys.len() == 1 { "was" } else { "were" },
            settings.idle
        );
        let mut evidence = keys.iter().take(8).map(|(_, key)| {
            Evidence::new(format!("`{}` can {}", key.id, key.surely().intersection(law::Powers::SENSITIVE)), &place(&key.places))
        });
        let first = evidence.next()?;
        let mut finding = Finding::new(&RULE, severity, Subject::Estate, what, first).and(evidence);
        finding.mend = "give the log that shows it, too; where there is none, switch it on".to_owned();
        Some(finding)
    });
    found.flatten().collect()
}

fn named(log: &Log) -> String {
    format!("the {} of `{}`", log.form, log.of)
}

fn of(number: usize, one: &str, many: &str) -> String {
    match number {
        1 if one.starts_with("a ") => one.to_owned(),
        1 => format!("1 {one}"),
        _ => format!("{number} {many}"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{findings, report_of};
    use crate::report::Report;

    /// One line an hour on those days of November.
    fn log(days: impl Iterator<Item = u32>) -> String {
        let line = |day: u32, hour: u32| {
            format!("192.0.2.7 - ann [{day:02}/Nov/2026:{hour:02}:00:00 +0000] \"GET /a HTTP/1.1\" 200 12\n")
        };
        days.flat_map(|day| (0..24).map(move |hour| line(day, hour))).collect()
    }

    fn told(report: &Report) -> Vec<String> {
        findings(report, "unwatched").iter().map(|one| one.what.clone()).collect()
    }

    #[test]
    fn a_log_that_stops_is_found_also_beside_those_that_go_on() {
        let report = report_of(&[("a.log", &log(1..21)), ("b.log", &log(1..29))]);
        assert_eq!(told(&report), ["the access log (combined) of `a.log` ends 8 days before the moment of the audit"]);
        assert!(
            findings(&report, "unwatched")[0]
                .evidence()
                .any(|one| one.what.starts_with("other logs go on to 2026-11-28"))
        );
        // Once a week is its rhythm.
        let weekly: String = [7, 14, 21]
            .into_iter()
            .map(|day| format!("192.0.2.7 - ann [{day:02}/Nov/2026:08:00:00 +0000] \"GET /a HTTP/1.1\" 200 12\n"))
            .collect();
        assert_eq!(told(&report_of(&[("w.log", &weekly)])), Vec::<String>::new());
    }

    #[test]
    fn a_hole_is_found_and_a_log_without_one_is_silent() {
        let report = report_of(&[("a.log", &log((1..10).chain(13..29)))]);
        assert_eq!(
            told(&report),
            ["the access log (combined) of `a.log` has a hole; no hour passes otherwise without an event"]
        );
        assert!(
            findings(&report, "unwatched")[0]
                .evidence()
                .any(|one| one.what == "nothing for 72 hours from 2026-11-10T00:00:00Z on")
        );
        assert!(told(&report_of(&[("a.log", &log(1..29))])).is_empty());
    }

    #[test]
    fn keys_in_use_of_which_no_log_speaks_are_told_once() {
        let keys = "id,standing,without_second_factor,place,reach,last_used\nk1,active,mint,x,mint,2026-11-28T00:00:00Z\nk2,active,mint,x,mint,2026-11-27T00:00:00Z\nk3,active,read,x,read,2026-11-27T00:00:00Z\nk4,active,mint,x,mint,2025-01-01T00:00:00Z\n";
        let wanted = "2 keys of Greave can do what is sensitive and were used in the last 90 days, and no log among the inputs shows for what";
        let report = report_of(&[("keys.csv", keys), ("a.log", &log(1..29))]);
        assert_eq!(told(&report), [wanted]);
        assert_eq!(findings(&report, "unwatched")[0].severity, law::Severity::Warning);
        assert_eq!(
            findings(&report_of(&[("keys.csv", keys)]), "unwatched")[0].severity,
            law::Severity::Info,
            "no log was given"
        );
        let inventory = "key,holder,scopes,last_used\nk1,ann,mint,2026-11-28\n";
        assert!(
            told(&report_of(&[("keys.csv", inventory), ("a.log", &log(1..29))])).is_empty(),
            "nobody knows whose keys it shows"
        );
    }
}

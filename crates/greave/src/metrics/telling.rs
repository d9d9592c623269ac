//! What Prometheus reads of the ways on which people are told.

use std::fmt::Write as _;

use tell::WayHealth;

pub(super) fn text(ways: &[WayHealth]) -> String {
    type Value = fn(&WayHealth) -> u64;
    let metrics: [(&str, &str, &str, Value); 7] = [
        ("greave_tell_delivered_total", "counter", "letters that arrived", |way| way.delivered),
        ("greave_tell_asks_delivered_total", "counter", "of these, those that ask for an answer", |way| {
            way.asks_delivered
        }),
        (
            "greave_tell_asks_lost_total",
            "counter",
            "those that ask for an answer and were given up or dropped",
            |way| way.asks_lost,
        ),
        ("greave_tell_failures_total", "counter", "attempts to tell that failed", |way| way.failed),
        ("greave_tell_given_up_total", "counter", "letters that were given up", |way| way.given_up),
        ("greave_tell_missed_total", "counter", "notices dropped because too many waited", |way| way.missed),
        ("greave_tell_waiting", "gauge", "letters and kept notices that wait", |way| way.waiting as u64),
    ];
    let mut text = String::new();
    for (metric, kind, help, value) in metrics {
        if ways.is_empty() {
            break;
        }
        let _ = writeln!(text, "# HELP {metric} {help}\n# TYPE {metric} {kind}");
        for (place, way) in ways.iter().enumerate() {
            // Two webhooks of one host are two.
            let name: String = way.name.chars().filter(|letter| !matches!(letter, '"' | '\\' | '\n')).collect();
            let _ = writeln!(text, "{metric}{{way=\"{place} {name}\"}} {}", value(way));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use tell::State;

    use super::*;

    #[test]
    fn each_way_has_its_line_and_no_way_is_no_metric() {
        let way = |name: &str, failed| WayHealth {
            name: name.to_owned(),
            state: State::Untried,
            delivered: 1,
            failed,
            given_up: 0,
            missed: 0,
            waiting: 0,
            last_delivered: None,
            asks_delivered: 1,
            asks_lost: 0,
        };
        assert_eq!(text(&[]), "");
        let text = text(&[way("https://hooks.example.com", 3), way("mail \"x\":25", 0)]);
        assert!(text.contains("greave_tell_failures_total{way=\"0 https://hooks.example.com\"} 3\n"), "{text}");
        assert!(text.contains("greave_tell_failures_total{way=\"1 mail x:25\"} 0\n"), "{text}");
    }
}

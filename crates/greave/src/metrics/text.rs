//! The text that Prometheus reads, metric by metric.

use std::fmt::{self, Write as _};

use gateway::Times;

/// What was written of it so far.
#[derive(Default)]
pub(super) struct Text(pub(super) String);

impl Text {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    pub(super) fn counter(&mut self, name: &str, help: &str, value: u64) {
        self.one(name, "counter", help, value);
    }

    pub(super) fn gauge(&mut self, name: &str, help: &str, value: impl fmt::Display) {
        self.one(name, "gauge", help, value);
    }

    pub(super) fn one(&mut self, name: &str, kind: &str, help: &str, value: impl fmt::Display) {
        self.head(name, kind, help);
        let _ = writeln!(self.0, "{name} {value}");
    }

    /// One line for each value of a label. Each is a word of ours: nothing in it is escaped.
    pub(super) fn by<L: fmt::Display>(
        &mut self,
        name: &str,
        kind: &str,
        help: &str,
        label: &str,
        values: impl IntoIterator<Item = (L, u64)>,
    ) {
        self.head(name, kind, help);
        for (value, many) in values {
            let _ = writeln!(self.0, "{name}{{{label}=\"{value}\"}} {many}");
        }
    }

    pub(super) fn histogram(
        &mut self,
        name: &str,
        help: &str,
        label: &str,
        values: impl Iterator<Item = (&'static str, Times)>,
    ) {
        self.head(name, "histogram", help);
        for (value, Times { buckets, count, micros }) in values {
            for (bound, upto) in buckets {
                let bound = Seconds(bound);
                let _ = writeln!(self.0, "{name}_bucket{{{label}=\"{value}\",le=\"{bound}\"}} {upto}");
            }
            let sum = Seconds(micros);
            let _ = writeln!(
                self.0,
                "{name}_bucket{{{label}=\"{value}\",le=\"+Inf\"}} {count}\n\
                 {name}_sum{{{label}=\"{value}\"}} {sum}\n{name}_count{{{label}=\"{value}\"}} {count}"
            );
        }
    }
}

/// Microseconds, as seconds and without losing any.
struct Seconds(u64);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, part) = (self.0 / 1_000_000, self.0 % 1_000_000);
        if part == 0 {
            return write!(f, "{whole}");
        }
        let part = format!("{part:06}");
        write!(f, "{whole}.{}", part.trim_end_matches('0'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_is_written_as_prometheus_reads_it() {
        let mut text = Text::default();
        let times = Times { buckets: vec![(50, 1), (1_000_000, 3), (2_500_000, 3)], count: 4, micros: 61_000_250 };
        text.histogram("greave_x_seconds", "what it takes", "decision", [("permit", times)].into_iter());
        insta::assert_snapshot!(text.0, @r#"
        # HELP greave_x_seconds what it takes
        # TYPE greave_x_seconds histogram
        greave_x_seconds_bucket{decision="permit",le="0.00005"} 1
        greave_x_seconds_bucket{decision="permit",le="1"} 3
        greave_x_seconds_bucket{decision="permit",le="2.5"} 3
        greave_x_seconds_bucket{decision="permit",le="+Inf"} 4
        greave_x_seconds_sum{decision="permit"} 61.00025
        greave_x_seconds_count{decision="permit"} 4
        "#);
    }
}

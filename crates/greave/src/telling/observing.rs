//! The day on which guards begin to bind must surprise nobody: it is told ahead.

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use law::{HolderKind, Law, Mode, Severity};
use serde_json::json;
use tell::Kind;

use super::{letter::Letter, observing};

/// So many days before, the last first.
const AHEAD: [i64; 2] = [1, 3];

/// A day on which observing ends, and how many days before it this is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Near {
    pub(super) day: Date,
    pub(super) before: i64,
}

impl Near {
    /// The next such day, where it is near enough to be told.
    pub(super) fn of(law: &Law, now: Timestamp) -> Option<Self> {
        let cells = HolderKind::ALL.into_iter().flat_map(|kind| law.of(kind).iter().map(|(_, cell)| cell.mode));
        let days = cells.filter(|mode| !mode.enforces(now)).filter_map(|mode| match mode {
            Mode::ObserveUntil(day) => Some(day),
            Mode::Enforce => None,
        });
        let day = days.min()?;
        let left = begin(day)?.duration_since(now);
        let before = AHEAD.into_iter().find(|days| left <= SignedDuration::from_hours(days * 24))?;
        Some(Self { day, before })
    }

    /// When it is told: a notice that is told again after a restart is the same one.
    pub(super) fn at(self) -> Timestamp {
        let at = begin(self.day).and_then(|day| day.checked_sub(SignedDuration::from_hours(self.before * 24)).ok());
        at.unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// The letter: what binds then, and how many of the calls of a week would have been stopped.
    pub(super) fn letter(self, law: &Law, (stopped, calls): (u64, u64), now: Timestamp) -> Letter {
        let Self { day, before } = self;
        let when = if before == 1 { "within a day".to_owned() } else { format!("within {before} days") };
        let severity = if before == 1 { Severity::High } else { Severity::Warning };
        let title = format!("observing ends {when}, on {day} at 00:00 UTC");
        let powers = observing(law, now);
        let mut letter = Letter::new(Kind::ObservingEnds, format!("observing_{day}_{before}"), severity, title)
            .field("day", json!(day))
            .field("powers", json!(powers))
            .field("calls", json!(calls))
            .field("stopped", json!(stopped));
        letter = powers.iter().fold(letter, |letter, power| letter.line(format!("Observes {power}")));
        letter
            .line(format!("Of the {calls} calls of the last 7 days {stopped} would have been asked about or refused."))
            .advice([
                "greave guards preview --since 7d   # whom, by key and operation".to_owned(),
                "greave holders                     # who can answer".to_owned(),
                "A later day in `mode` of the configuration waits for a code: `greave law accept --as NAME`."
                    .to_owned(),
            ])
    }
}

fn begin(day: Date) -> Option<Timestamp> {
    day.to_zoned(TimeZone::UTC).ok().map(|day| day.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_on_which_observing_ends_is_told_three_days_before_and_the_day_before() {
        let law = Law::same_for_all(Law::default_guard, "observe until 2027-01-15".parse().unwrap());
        let near = |at: &str| Near::of(&law, at.parse().unwrap()).map(|near| near.before);
        assert_eq!(near("2027-01-11T23:59:59Z"), None);
        assert_eq!(near("2027-01-12T00:00:00Z"), Some(3));
        assert_eq!(near("2027-01-13T23:59:59Z"), Some(3));
        assert_eq!(near("2027-01-14T00:00:00Z"), Some(1));
        assert_eq!(near("2027-01-15T00:00:00Z"), None);

        let now = "2027-01-14T09:00:00Z".parse().unwrap();
        let near = Near::of(&law, now).unwrap();
        assert_eq!(near.at().to_string(), "2027-01-14T00:00:00Z");
        let letter = near.letter(&law, (12, 3400), now);
        assert_eq!(letter.title, "observing ends within a day, on 2027-01-15 at 00:00 UTC");
        let lines = letter.lines.join("\n");
        assert!(lines.contains("every power until 2027-01-15"), "{lines}");
        assert!(lines.contains("Of the 3400 calls of the last 7 days 12 would"), "{lines}");
        assert!(lines.contains("greave guards preview --since 7d"), "{lines}");
        assert_eq!(letter.details["stopped"], 12);
    }
}

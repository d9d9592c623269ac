//! `greave calls --by …`: how many calls there were, in groups.

use std::{cmp::Reverse, collections::HashMap};

use clap::ValueEnum;
use jiff::{Timestamp, tz::TimeZone};
use law::Who;
use record::{Filter, Joined, VerdictKind};
use serde_json::{Map, Value};

use super::{Calls, Reading, caller};
use crate::{
    cli::Format,
    commands::{Done, json, sheet::Sheet},
    show::{self, FAINT, aside, clean, count, styled},
};

/// What calls are counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum By {
    /// The key.
    Key,
    /// The key's holder at that time.
    Holder,
    /// What kind of caller: key, unknown, session, nobody.
    Who,
    /// The operation.
    Operation,
    /// Each power of the operation.
    Power,
    /// The address.
    Source,
    /// What was decided.
    Decision,
    /// The status of the answer.
    Status,
    /// The hour.
    Hour,
    /// The day.
    Day,
}

/// How long the longest bar is, where there is room for it, and where there is none.
const BAR: usize = 40;
const SHORTEST_BAR: usize = 4;

/// A group, in the words of what it is counted by.
type Group = Vec<String>;

impl Reading {
    /// Counts what is wanted and prints it.
    /// Whether there was any to be counted, too, or a sheet was written all the same.
    pub(super) fn count(
        mut self,
        wanted: &Filter,
        calls: &Calls,
        as_json: bool,
        nobody_writes: bool,
    ) -> Result<(Done, bool), Box<dyn std::error::Error>> {
        // Whoever asks for them has them.
        let with_drills = calls.key.is_some() || calls.by.contains(&By::Who);
        let mut counts = Counts { with_drills, ..Counts::default() };
        while let Some(joined) = self.next() {
            counts.note(&calls.by, wanted, &joined);
        }
        if nobody_writes {
            self.tell_torn();
        }
        for joined in self.joiner.still_open() {
            counts.note(&calls.by, wanted, &joined);
        }
        let heads: Vec<&str> = calls.by.iter().map(|by| by.word()).chain(["calls"]).collect();
        let groups = counts.sorted(&calls.by);
        let done = if self.damaged { Done::Findings } else { Done::Clean };
        let format = calls.format.unwrap_or(if as_json { Format::Json } else { Format::Table });
        if let (Format::Json, None) = (format, calls.format) {
            json(&groups.iter().map(|(group, count)| object(&heads, group, *count)).collect::<Vec<_>>())?;
            return Ok((done, true));
        }
        if let Some(mut sheet) = Sheet::begin(format, &heads)? {
            for (group, count) in &groups {
                let cells = || group.iter().cloned().chain([count.to_string()]).collect();
                sheet.line(&object(&heads, group, *count), cells)?;
            }
            sheet.end()?;
            return Ok((done, true));
        }
        if groups.is_empty() {
            counts.tell_drills();
            return Ok((done, false));
        }
        show::say(page(&calls.by, &groups, show::width()))?;
        let total = if calls.by.contains(&By::Power) { "; one with several powers counts for each" } else { "" };
        aside(FAINT, format!("{}{total}", count(counts.total, "call")));
        counts.tell_drills();
        Ok((done, true))
    }
}

impl By {
    const fn word(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Holder => "holder",
            Self::Who => "who",
            Self::Operation => "operation",
            Self::Power => "power",
            Self::Source => "source",
            Self::Decision => "decision",
            Self::Status => "status",
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }

    const fn is_time(self) -> bool {
        matches!(self, Self::Hour | Self::Day)
    }

    /// What a call is by this: one thing, or each of its powers.
    fn of(self, joined: &Joined) -> Vec<String> {
        let Joined { call, outcome } = joined;
        let time = |format: &str| call.at.to_zoned(TimeZone::UTC).strftime(format).to_string();
        let none = || "-".to_owned();
        vec![match self {
            Self::Key => call.key.map_or_else(none, |_| caller(call)),
            Self::Holder => call.holder.map_or_else(none, |holder| holder.to_string()),
            Self::Who => call.who.word().to_owned(),
            Self::Operation => call.operation.to_string(),
            Self::Power => return call.powers.iter().map(|power| power.word().to_owned()).collect(),
            Self::Source => call.source.to_string(),
            Self::Decision => VerdictKind::of(call.verdict).word().to_owned(),
            Self::Status => outcome.as_ref().map_or_else(none, |outcome| outcome.status.to_string()),
            Self::Hour => time("%Y-%m-%d %H:00"),
            Self::Day => time("%Y-%m-%d"),
        }]
    }
}

#[derive(Default)]
struct Counts {
    groups: HashMap<Group, u64>,
    total: u64,
    /// Whether calls of drills count. They never reached the API, and look like an attack.
    with_drills: bool,
    /// Those that were left out.
    drills: u64,
}

impl Counts {
    fn note(&mut self, by: &[By], wanted: &Filter, joined: &Joined) {
        if !wanted.wants(joined) {
            return;
        }
        if joined.call.who == Who::Drill && !self.with_drills {
            self.drills += 1;
            return;
        }
        self.total += 1;
        let mut groups: Vec<Group> = vec![Vec::new()];
        for by in by {
            let values = by.of(joined);
            groups = groups
                .iter()
                .flat_map(|group| values.iter().map(|value| group.iter().chain([value]).cloned().collect()))
                .collect();
        }
        for group in groups {
            *self.groups.entry(group).or_default() += 1;
        }
    }

    fn tell_drills(&self) {
        if self.drills > 0 {
            let told = count(self.drills, "call");
            aside(FAINT, format!("{told} of drills left out; `--by who` counts them, too"));
        }
    }

    /// The most frequent first; where time is among it, one after the other, and with nothing left out
    /// where it is all there is.
    fn sorted(&self, by: &[By]) -> Vec<(Group, u64)> {
        let mut groups: Vec<(Group, u64)> = self.groups.iter().map(|(group, count)| (group.clone(), *count)).collect();
        if by.iter().any(|by| by.is_time()) {
            groups.sort();
        } else {
            groups.sort_by(|(one, few), (other, many)| Reverse(few).cmp(&Reverse(many)).then_with(|| one.cmp(other)));
        }
        match by {
            [By::Hour] => filled(groups),
            _ => groups,
        }
    }
}

/// Hours without a call, between the first and the last.
fn filled(groups: Vec<(Group, u64)>) -> Vec<(Group, u64)> {
    const MOST: i64 = 24 * 366;
    let hour = |group: &Group| -> Option<i64> {
        let text = group.first()?.replace(' ', "T") + ":00Z";
        text.parse::<Timestamp>().ok().map(|at| at.as_second() / 3600)
    };
    let (Some(first), Some(last)) =
        (groups.first().and_then(|(group, _)| hour(group)), groups.last().and_then(|(group, _)| hour(group)))
    else {
        return groups;
    };
    if last - first > MOST {
        return groups;
    }
    let known: HashMap<i64, u64> = groups.iter().filter_map(|(group, count)| Some((hour(group)?, *count))).collect();
    let word = |hour: i64| {
        let at = Timestamp::from_second(hour * 3600).unwrap_or_default();
        at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:00").to_string()
    };
    (first..=last).map(|hour| (vec![word(hour)], known.get(&hour).copied().unwrap_or(0))).collect()
}

fn object(heads: &[&str], group: &Group, calls: u64) -> Map<String, Value> {
    let values = group.iter().map(|value| Value::from(value.as_str())).chain([Value::from(calls)]);
    heads.iter().map(|head| (*head).to_owned()).zip(values).collect()
}

/// Columns, and a bar for each number in what room a terminal of this width leaves.
fn page(by: &[By], groups: &[(Group, u64)], terminal: Option<u16>) -> String {
    let most = groups.iter().map(|(_, count)| *count).max().unwrap_or(0).max(1);
    let width = |column: usize, head: &str| {
        let cells = groups.iter().filter_map(|(group, _)| group.get(column)).map(|cell| clean(cell).chars().count());
        cells.chain([head.len()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = by.iter().enumerate().map(|(column, by)| width(column, by.word())).collect();
    let digits = most.to_string().len().max("calls".len());
    let taken = widths.iter().map(|width| width + 2).sum::<usize>() + digits + 2;
    let room = terminal.map_or(BAR, |width| usize::from(width).saturating_sub(taken).clamp(SHORTEST_BAR, BAR)) as u64;
    let row = |cells: Vec<String>| {
        cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}  ")).collect::<String>()
    };
    let mut lines =
        vec![styled(FAINT, format!("{}{:>digits$}", row(by.iter().map(|by| by.word().to_owned()).collect()), "calls"))];
    for (group, count) in groups {
        let bar = usize::try_from((count * room).div_ceil(most)).unwrap_or(0);
        let cells = row(group.iter().map(|cell| clean(cell)).collect());
        lines.push(format!("{cells}{count:>digits$}  {}", "█".repeat(bar)).trim_end().to_owned());
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use law::{Power, Verdict};

    use super::*;
    use crate::commands::testing::{self, plain};

    fn counts(by: &[By]) -> Counts {
        let mut counts = Counts::default();
        for number in 0..7 {
            let mut joined = testing::call(number, "DELETE /users/{name}", Verdict::Permit, 200);
            joined.call.powers = [Power::Grant, Power::Destroy].into_iter().take(1 + usize::from(number > 2)).collect();
            joined.call.at += jiff::SignedDuration::from_hours(i64::from(number > 4) * 3);
            counts.note(by, &Filter::default(), &joined);
        }
        counts
    }

    #[test]
    fn calls_are_counted_in_groups_and_hours_without_any_are_shown() {
        let mut text = String::new();
        for by in [&[By::Power][..], &[By::Hour], &[By::Day, By::Power, By::Status]] {
            text += &(plain(&page(by, &counts(by).sorted(by), None)) + "\n\n");
        }
        insta::assert_snapshot!("calls_by", text);
    }

    #[test]
    fn a_bar_stays_within_the_terminal() {
        let by = [By::Operation, By::Day];
        let text = plain(&page(&by, &counts(&by).sorted(&by), Some(60)));
        assert!(text.contains('█') && text.lines().all(|line| line.chars().count() <= 60), "{text}");
    }

    #[test]
    fn calls_of_a_drill_are_counted_for_who_asks_for_them() {
        let mut joined = testing::call(1, "DELETE /users/{name}", Verdict::Permit, 200);
        joined.call.who = Who::Drill;
        let mut counts = Counts::default();
        counts.note(&[By::Key], &Filter::default(), &joined);
        assert_eq!((counts.total, counts.drills), (0, 1));
        counts.with_drills = true;
        counts.note(&[By::Key], &Filter::default(), &joined);
        assert_eq!(counts.sorted(&[By::Key]), [(vec!["drill k17".to_owned()], 1)]);
    }

    #[test]
    fn the_same_as_an_object() {
        let by = [By::Decision, By::Status];
        let groups = counts(&by).sorted(&by);
        let shown = object(&["decision", "status", "calls"], &groups[0].0, groups[0].1);
        assert_eq!(Value::from(shown), serde_json::json!({"decision": "permit", "status": "200", "calls": 7}));
    }
}

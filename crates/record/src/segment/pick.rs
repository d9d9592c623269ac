//! Which rows of a segment a filter wants, by their columns alone: what is left out is never
//! unpacked from its JSON.

use std::{net::IpAddr, ops::Range};

use ipnet::IpNet;
use law::{HolderId, Power, Who};
use parquet::{
    data_type::ByteArray,
    errors::Result,
    file::{metadata::RowGroupMetaData, reader::RowGroupReader, statistics::Statistics},
};

use super::{
    columns::{DECISION, HOLDER, OPERATION, POWERS, SOURCE, STATUS, WHO},
    read::{column, numbers, texts},
};
use crate::{
    Filter, Statuses, VerdictKind,
    filter::{holds, matches_operation},
};

/// What a filter wants of calls that stands in columns; key and time are looked at apart.
#[derive(Clone, Debug)]
pub(crate) struct Columns {
    holder: Option<HolderId>,
    who: Option<Who>,
    operation: Option<String>,
    power: Option<Power>,
    source: Option<IpNet>,
    verdict: Option<VerdictKind>,
    status: Option<Statuses>,
}

impl Columns {
    /// Of a filter; nothing where it wants everything of a key and a time.
    pub(crate) fn of(filter: &Filter) -> Option<Self> {
        let Filter { key: _, holder, who, operation, power, source, verdict, status, since: _, until: _ } =
            filter.clone();
        let is_any = holder.is_some()
            || who.is_some()
            || operation.is_some()
            || power.is_some()
            || source.is_some()
            || verdict.is_some()
            || status.is_some();
        is_any.then_some(Self { holder, who, operation, power, source, verdict, status })
    }

    /// Whether the statistics of the group say that none of its calls is wanted.
    pub(super) fn leave_out(&self, group: &RowGroupMetaData) -> bool {
        let statistics = |place: usize| group.columns().get(place).and_then(|column| column.statistics());
        let numbers = |place: usize, outside: &dyn Fn(i64, i64) -> bool| match statistics(place) {
            Some(Statistics::Int64(known)) => {
                known.min_opt().zip(known.max_opt()).is_some_and(|(least, greatest)| outside(*least, *greatest))
            }
            _ => false,
        };
        let word = |place: usize, word: &str| match statistics(place) {
            Some(Statistics::ByteArray(known)) => known
                .min_opt()
                .zip(known.max_opt())
                .is_some_and(|(least, greatest)| word.as_bytes() < least.data() || greatest.data() < word.as_bytes()),
            _ => false,
        };
        // A call whose outcome stands elsewhere has no status here, and may have any.
        let all_ended = statistics(STATUS).and_then(Statistics::null_count_opt) == Some(0);
        self.status
            .is_some_and(|status| all_ended && numbers(STATUS, &|least, greatest| status.are_outside(least, greatest)))
            || self.holder.is_some_and(|holder| {
                i64::try_from(holder.0)
                    .is_ok_and(|holder| numbers(HOLDER, &|least, greatest| holder < least || greatest < holder))
            })
            || self.verdict.is_some_and(|verdict| word(DECISION, verdict.word()))
            || self.who.is_some_and(|wanted| word(WHO, wanted.word()))
    }

    /// The rows of this range that may be wanted, as ranges in their order.
    pub(super) fn pick(&self, group: &dyn RowGroupReader, rows: Range<usize>) -> Result<Vec<Range<usize>>> {
        let Self { holder, who: caller, operation, power, source, verdict, status } = self;
        let mut wanted = vec![true; rows.len()];
        let mut by_text = |place: usize, wants: &dyn Fn(&str) -> bool| -> Result<()> {
            // What stands in a column is often the same from row to row.
            let mut last: Option<(ByteArray, bool)> = None;
            for (wanted, text) in wanted.iter_mut().zip(texts(&mut column(group, place)?, rows.clone())?) {
                if !*wanted {
                    continue;
                }
                let Some(text) = text else {
                    *wanted = false;
                    continue;
                };
                let known = last.take().filter(|(known, _)| *known == text);
                let (text, wants) = known.unwrap_or_else(|| {
                    let wants = std::str::from_utf8(text.data()).is_ok_and(wants);
                    (text, wants)
                });
                *wanted = wants;
                last = Some((text, wants));
            }
            Ok(())
        };
        if let Some(verdict) = verdict {
            by_text(DECISION, &|text| text == verdict.word())?;
        }
        if let Some(caller) = caller {
            by_text(WHO, &|text| text == caller.word())?;
        }
        if let Some(power) = power {
            by_text(POWERS, &|text| text.split(',').any(|word| word == power.word()))?;
        }
        if let Some(operation) = operation {
            by_text(OPERATION, &|text| matches_operation(operation, text))?;
        }
        if let Some(source) = source {
            by_text(SOURCE, &|text| text.parse::<IpAddr>().is_ok_and(|address| holds(*source, address)))?;
        }
        let mut by_number = |place: usize, wants: &dyn Fn(Option<i64>) -> bool| -> Result<()> {
            let values = numbers(&mut column(group, place)?, rows.clone())?;
            wanted.iter_mut().zip(values).for_each(|(wanted, value)| *wanted &= wants(value));
            Ok(())
        };
        if let Some(holder) = holder {
            by_number(HOLDER, &|value| value.and_then(|value| u64::try_from(value).ok()) == Some(holder.0))?;
        }
        if let Some(status) = status {
            by_number(STATUS, &|value| {
                value.is_none_or(|value| u16::try_from(value).is_ok_and(|value| status.contain(value)))
            })?;
        }
        Ok(ranges(&wanted, rows.start))
    }
}

/// Rows that are wanted and stand side by side.
fn ranges(wanted: &[bool], first: usize) -> Vec<Range<usize>> {
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for place in wanted.iter().enumerate().filter(|(_, wanted)| **wanted).map(|(place, _)| first + place) {
        match ranges.last_mut() {
            Some(last) if last.end == place => last.end += 1,
            _ => ranges.push(place..place + 1),
        }
    }
    ranges
}

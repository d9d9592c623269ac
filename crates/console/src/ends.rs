//! When keys end, and how long they really live.

use std::{cmp::Reverse, collections::HashSet, sync::Arc};

use authority::Key;
use jiff::Timestamp;
use law::{HolderId, Span};

use crate::{
    Desk,
    api::{Ending, ExpiryReport, Lived, Within},
    inventory::Brief,
    listing::{Row, Sheet, before},
};

/// How far ahead ends are counted, how far back use is, and where the lengths of lives are parted.
const AHEAD: [Span; 3] = [Span::days(7), Span::days(30), Span::days(90)];
const BACK: [Span; 2] = [Span::days(30), Span::days(90)];
const PARTS: [Span; 7] =
    [Span::days(1), Span::days(7), Span::days(30), Span::days(90), Span::days(180), Span::days(365), Span::days(730)];

/// So many of the next ends are named.
const NAMED: usize = 20;

/// When keys end, and how long they really live.
pub(crate) fn report(desk: &Desk, now: Timestamp) -> ExpiryReport {
    let mut sheet = Sheet::of(desk, now);
    let rows = sheet.rows(|_| true);
    let (lifetimes, usage_since) = (sheet.lifetimes, sheet.usage_since());
    let working: Vec<&Row> = rows.iter().filter(|row| row.works).collect();
    let of = |wanted: &dyn Fn(&Row) -> bool| working.iter().filter(|row| wanted(row)).count();
    let ends = |row: &Row, within: Span| row.key.end().is_some_and(|end| end <= within.after(now));
    let idle = |row: &Row, since: Timestamp, back: Span| row.unused_since(since) <= before(now, back);

    let lives: Vec<(Option<HolderId>, Span)> = rows.iter().filter_map(|row| lived(row, now)).collect();
    // A holder one of whose keys ended has exchanged one before, as far as anybody can tell.
    let exchanged: HashSet<Option<HolderId>> = lives.iter().map(|(holder, _)| *holder).collect();
    let is_exchanged = |row: &Row| row.key.predecessor().is_some() || exchanged.contains(&row.key.holder());
    let kept = |row: &Row| row.key.born() <= before(now, lifetimes.usual) && !is_exchanged(row);

    let mut next: Vec<&&Row> = working.iter().filter(|row| row.key.end().is_some()).collect();
    next.sort_unstable_by_key(|row| (row.key.end(), row.key.id));
    ExpiryReport {
        working: working.len(),
        ends: AHEAD.map(|within| Within { within, keys: of(&|row| ends(row, within)) }).to_vec(),
        next: next.into_iter().take(NAMED).filter_map(|row| ending(&row.key, &row.brief)).collect(),
        no_end: of(&|row| row.key.end().is_none()),
        past_limit: of(&|row| lifetimes.is_past(&row.key, now)),
        longest: lifetimes.longest,
        idle: usage_since.map_or_else(Vec::new, |since| {
            BACK.map(|within| Within { within, keys: of(&|row| idle(row, since, within)) }).to_vec()
        }),
        never_used: usage_since.map(|_| of(&|row| row.used.last.is_none())),
        usage_since,
        never_rotated: of(&kept),
        usual: lifetimes.usual,
        lived: lengths(lives.into_iter().map(|(_, life)| life).collect()),
        ages: lengths(working.iter().map(|row| Span::between(row.key.born(), now)).collect()),
    }
}

fn ending(key: &Arc<Key>, brief: &Brief) -> Option<Ending> {
    Some(Ending {
        id: key.id,
        name: key.name().map(str::to_owned),
        holder: brief.name.clone(),
        owner: brief.owner.clone(),
        end: key.end()?,
    })
}

/// How long a key lived that lives no more: until it was stopped, or ended by itself, whichever
/// came first.
fn lived(row: &Row, now: Timestamp) -> Option<(Option<HolderId>, Span)> {
    if row.works {
        return None;
    }
    let ended = row.key.end().filter(|end| *end <= now);
    let left = row.brief.left_since.filter(|_| row.brief.keys_stop);
    let over = [row.key.stopped(), ended, left].into_iter().flatten().min()?;
    Some((row.key.holder(), Span::between(row.key.born(), over.max(row.key.born()))))
}

/// How lengths of time are spread.
fn lengths(mut all: Vec<Span>) -> Lived {
    all.sort_unstable();
    // The value below which so many of a hundred lie.
    let at = |percent: usize| {
        let place = (all.len() * percent).div_ceil(100).saturating_sub(1);
        all.get(place).copied()
    };
    let up_to = |most: Span| all.partition_point(|span| *span <= most);
    let mut parts: Vec<Within> = PARTS.map(|within| Within { within, keys: up_to(within) }).to_vec();
    // Each part without those before it, from the end, so that none is counted twice.
    for place in (1..parts.len()).rev() {
        let before = parts.get(place - 1).map_or(0, |part| part.keys);
        if let Some(part) = parts.get_mut(place) {
            part.keys -= before;
        }
    }
    let longer = all.len() - up_to(PARTS.into_iter().min_by_key(|span| Reverse(*span)).unwrap_or_default());
    Lived { keys: all.len(), median: at(50), nine_of_ten: at(90), longest: all.last().copied(), parts, longer }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_spread_without_counting_any_twice() {
        let days = |days: &[u32]| lengths(days.iter().map(|days| Span::days(*days)).collect());
        let Lived { keys, median, nine_of_ten, longest, parts, longer } = days(&[400, 1, 2, 7, 8, 800, 30, 31, 90, 91]);
        assert_eq!((keys, longer), (10, 1));
        assert_eq!(
            (median, nine_of_ten, longest),
            (Some(Span::days(30)), Some(Span::days(400)), Some(Span::days(800)))
        );
        assert_eq!(parts.iter().map(|part| part.keys).collect::<Vec<_>>(), [1, 2, 2, 2, 1, 0, 1]);
        assert_eq!(parts.iter().map(|part| part.keys).sum::<usize>() + longer, keys);
        assert_eq!(days(&[5]).median, Some(Span::days(5)));
        assert_eq!((days(&[]).median, days(&[]).longer), (None, 0));
    }
}

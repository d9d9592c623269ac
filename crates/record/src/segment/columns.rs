//! The columns of a segment: one table says what each is called, what it holds, and how it is
//! taken from an entry.

use std::{borrow::Cow, sync::Arc};

use jiff::Timestamp;
use law::{Ended, Factor, Factors, Outcome, Power, Powers, Verdict, Who};
use parquet::schema::{parser::parse_message_type, types::TypePtr};

use crate::{
    VerdictKind,
    brief::{Brief, Text},
    entry,
};

/// One row: a call with its outcome where both stand in one file of the log; else whatever entry it is.
pub(crate) struct Row<'a> {
    /// The entry's place in the file of the log.
    pub(crate) place: u64,
    pub(crate) kind: u8,
    pub(crate) at: Timestamp,
    /// The JSON of the entry.
    pub(crate) json: &'a [u8],
    pub(crate) call: Option<Brief<'a>>,
    /// What became of it, with its place and its JSON.
    pub(crate) outcome: Option<(u64, &'a [u8], Outcome)>,
}

/// A text of a row.
pub(crate) enum Cell<'a> {
    Word(&'static str),
    /// As it stands in the log.
    Said(&'a [u8]),
    Made(String),
}

impl Cell<'_> {
    pub(crate) const fn bytes(&self) -> &[u8] {
        match self {
            Self::Word(word) => word.as_bytes(),
            Self::Said(bytes) => bytes,
            Self::Made(text) => text.as_bytes(),
        }
    }
}

impl Row<'_> {
    /// What comes first comes first in the file: what is no call, then by key and time.
    pub(crate) fn order(&self) -> (bool, Option<law::KeyId>, Timestamp, u64) {
        (self.call.is_some(), self.call.as_ref().and_then(|call| call.key), self.at, self.place)
    }
}

/// How a column's values are taken from a row.
pub(crate) enum Take {
    Number(fn(&Row<'_>) -> Option<i64>),
    Text(for<'a> fn(&'a Row<'_>) -> Option<Cell<'a>>),
    Id(fn(&Row<'_>) -> Option<[u8; 16]>),
}

pub(crate) struct Column {
    pub(crate) name: &'static str,
    /// As Parquet's own schema language has it.
    kind: &'static str,
    pub(crate) required: bool,
    pub(crate) take: Take,
}

const fn number(name: &'static str, take: fn(&Row<'_>) -> Option<i64>) -> Column {
    Column { name, kind: "", required: false, take: Take::Number(take) }
}

const fn moment(name: &'static str, required: bool, take: fn(&Row<'_>) -> Option<i64>) -> Column {
    Column { name, kind: "(TIMESTAMP(MICROS,true))", required, take: Take::Number(take) }
}

const fn text(name: &'static str, take: for<'a> fn(&'a Row<'_>) -> Option<Cell<'a>>) -> Column {
    Column { name, kind: "(STRING)", required: false, take: Take::Text(take) }
}

const fn json(name: &'static str, take: for<'a> fn(&'a Row<'_>) -> Option<Cell<'a>>) -> Column {
    Column { name, kind: "(JSON)", required: false, take: Take::Text(take) }
}

/// Every column, in the order in which they stand. New ones come at the end.
pub(crate) const COLUMNS: [Column; 28] = [
    Column { required: true, ..text("kind", |row| Some(word(row.kind))) },
    moment("time", true, |row| Some(row.at.as_microsecond())),
    number("key", |row| signed(row.call.as_ref()?.key?.0)),
    number("holder", |row| signed(row.call.as_ref()?.holder?.0)),
    text("who", |row| Some(Cell::Word(who(row.call.as_ref()?.who)))),
    text("operation", |row| Some(said(&row.call.as_ref()?.operation))),
    text("powers", |row| Some(powers(row.call.as_ref()?.powers))),
    text("source", |row| Some(Cell::Made(row.call.as_ref()?.source.to_canonical().to_string()))),
    text("user_agent", |row| row.call.as_ref()?.user_agent.as_ref().map(said)),
    text("factors", |row| Some(factors(row.call.as_ref()?.factors))),
    text("decision", |row| Some(Cell::Word(VerdictKind::of(row.call.as_ref()?.verdict).word()))),
    text("reason", |row| reason(row.call.as_ref()?.verdict)),
    text("law", |row| Some(said(&row.call.as_ref()?.law))),
    number("question", |row| signed(row.call.as_ref()?.challenge?.0)),
    number("approval", |row| signed(row.call.as_ref()?.approval?.0)),
    number("status", |row| Some(outcome(row)?.status.into())),
    number("bytes_in", |row| signed(outcome(row)?.bytes_in)),
    number("bytes_out", |row| signed(outcome(row)?.bytes_out)),
    number("rows", |row| signed(outcome(row)?.rows?)),
    number("minted", |row| signed(outcome(row)?.minted?.0)),
    number("micros", |row| signed(outcome(row)?.micros)),
    text("ended", |row| Some(Cell::Word(ended(outcome(row)?.ended)))),
    Column { name: "id", kind: "(UUID)", required: false, take: Take::Id(id) },
    Column { required: true, ..number("place", |row| signed(row.place)) },
    number("outcome_place", |row| signed(row.outcome.as_ref()?.0)),
    json("call", |row| row.call.is_some().then_some(Cell::Said(row.json))),
    json("outcome", |row| Some(Cell::Said(row.outcome.as_ref()?.1))),
    json("event", |row| (row.call.is_none() && row.outcome.is_none()).then_some(Cell::Said(row.json))),
];

pub(crate) const KIND: usize = 0;
pub(crate) const AT: usize = 1;
pub(crate) const KEY: usize = 2;
pub(crate) const HOLDER: usize = 3;
pub(crate) const WHO: usize = 4;
pub(crate) const OPERATION: usize = 5;
pub(crate) const POWERS: usize = 6;
pub(crate) const SOURCE: usize = 7;
pub(crate) const DECISION: usize = 10;
pub(crate) const STATUS: usize = 15;
pub(crate) const PLACE: usize = 23;
pub(crate) const OUTCOME_PLACE: usize = 24;
pub(crate) const CALL: usize = 25;
pub(crate) const OUTCOME: usize = 26;
pub(crate) const EVENT: usize = 27;

/// The same for Parquet.
pub(crate) fn schema() -> Result<TypePtr, parquet::errors::ParquetError> {
    let line = |column: &Column| {
        let Column { name, kind, required, take } = column;
        let repetition = if *required { "required" } else { "optional" };
        let physical = match take {
            Take::Number(_) => "int64",
            Take::Text(_) => "binary",
            Take::Id(_) => "fixed_len_byte_array(16)",
        };
        format!("{repetition} {physical} {name} {kind};\n")
    };
    parse_message_type(&format!("message calls {{\n{}}}", COLUMNS.iter().map(line).collect::<String>())).map(Arc::new)
}

/// The word for a kind of entry; a newer version's stays a letter.
fn word(kind: u8) -> Cell<'static> {
    entry::word(kind).map_or_else(|| Cell::Made(char::from(kind).to_string()), Cell::Word)
}

fn outcome<'a>(row: &'a Row<'_>) -> Option<&'a Outcome> {
    row.outcome.as_ref().map(|(_, _, outcome)| outcome)
}

fn id(row: &Row<'_>) -> Option<[u8; 16]> {
    let id = row.call.as_ref().map(|call| call.id).or_else(|| outcome(row).map(|outcome| outcome.call))?;
    Some(id.0.into_bytes())
}

fn signed(number: u64) -> Option<i64> {
    i64::try_from(number).ok()
}

fn said<'a>(text: &'a Text<'_>) -> Cell<'a> {
    match &text.0 {
        Cow::Borrowed(text) => Cell::Said(text.as_bytes()),
        Cow::Owned(text) => Cell::Made(text.clone()),
    }
}

/// Every word, so that one can be searched for.
fn powers(powers: Powers) -> Cell<'static> {
    let mut words = powers.iter().map(Power::word);
    match (words.next(), words.next()) {
        (Some(word), None) => Cell::Word(word),
        _ => Cell::Made(powers.iter().map(Power::word).collect::<Vec<_>>().join(",")),
    }
}

fn factors(factors: Factors) -> Cell<'static> {
    let mut words = factors.iter().map(Factor::word);
    match (words.next(), words.next()) {
        (Some(word), None) => Cell::Word(word),
        _ => Cell::Made(factors.to_string()),
    }
}

fn reason(verdict: Verdict) -> Option<Cell<'static>> {
    match verdict {
        Verdict::Permit => None,
        Verdict::WouldAsk(missing) | Verdict::Challenge(missing) => Some(factors(missing)),
        Verdict::WouldRefuse(refusal) | Verdict::Refuse(refusal) => Some(Cell::Word(refusal.code())),
    }
}

pub(crate) const fn who(who: Who) -> &'static str {
    match who {
        Who::Key => "key",
        Who::Unknown => "unknown",
        Who::Session => "session",
        Who::Nobody => "nobody",
        Who::Drill => "drill",
        Who::DrillRead => "drill-read",
    }
}

const fn ended(ended: Ended) -> &'static str {
    match ended {
        Ended::Whole => "whole",
        Ended::ClientGone => "client-gone",
        Ended::UpstreamGone => "upstream-gone",
        Ended::Cut => "cut",
        Ended::LimitReached => "limit-reached",
        Ended::Answered => "answered",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_named_places_are_those_of_the_columns() {
        let places = [KIND, AT, KEY, HOLDER, WHO, OPERATION, POWERS, SOURCE, DECISION, STATUS, PLACE, OUTCOME_PLACE];
        let named = places.into_iter().chain([CALL, OUTCOME, EVENT]).map(|place| COLUMNS[place].name);
        let names = "kind time key holder who operation powers source decision status place outcome_place call outcome \
                     event";
        assert_eq!(named.collect::<Vec<_>>().join(" "), names);
        assert_eq!(schema().unwrap().get_fields().len(), COLUMNS.len());
    }
}

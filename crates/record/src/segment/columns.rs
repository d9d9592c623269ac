//! The columns of a segment: one table says what each is called, what it holds, and how it is
//! taken from an entry.

use std::{borrow::Cow, sync::Arc};

use jiff::Timestamp;
use law::{CallId, Ended, Factor, Factors, Outcome, Power, Powers, Verdict, Who};
use parquet::schema::{parser::parse_message_type, types::TypePtr};

use crate::{VerdictKind, entry};

/// One row: a call with its outcome where both stand in one file of the log; else whatever entry it is.
/// It is small, and its texts stand elsewhere: a hundred thousand of them are sorted at once.
#[derive(Clone, Copy)]
pub(crate) struct Row {
    /// The entry's place in the file of the log.
    pub(crate) place: u64,
    pub(crate) kind: u8,
    pub(crate) at: Timestamp,
    /// Of the call, or of that whose outcome it is.
    pub(crate) id: Option<CallId>,
    pub(crate) call: Option<Told>,
    pub(crate) outcome: Option<Ending>,
}

/// What columns tell of a call.
#[derive(Clone, Copy)]
pub(crate) struct Told {
    pub(crate) who: Who,
    pub(crate) key: Number,
    pub(crate) holder: Number,
    pub(crate) operation: Word,
    pub(crate) powers: Powers,
    pub(crate) source: Word,
    pub(crate) user_agent: Option<Word>,
    pub(crate) factors: Factors,
    pub(crate) verdict: Verdict,
    pub(crate) law: Word,
    pub(crate) question: Number,
    pub(crate) approval: Number,
}

/// What columns tell of an outcome, with its place.
#[derive(Clone, Copy)]
pub(crate) struct Ending {
    pub(crate) place: u64,
    pub(crate) at: Timestamp,
    status: u16,
    bytes_in: Number,
    bytes_out: Number,
    rows: Number,
    minted: Number,
    micros: Number,
    ended: Ended,
}

impl Ending {
    pub(crate) fn of(outcome: &Outcome, place: u64) -> Self {
        let Outcome { call: _, at, status, bytes_in, bytes_out, rows, minted, learned: _, micros, ended } = *outcome;
        Self {
            place,
            at,
            status,
            bytes_in: Some(bytes_in).into(),
            bytes_out: Some(bytes_out).into(),
            rows: rows.into(),
            minted: minted.map(|key| key.0).into(),
            micros: Some(micros).into(),
            ended,
        }
    }
}

/// A number as columns have it: -1 where there is none, or where it is too large.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Number(i64);

impl From<Option<u64>> for Number {
    fn from(number: Option<u64>) -> Self {
        Self(number.and_then(|number| number.try_into().ok()).unwrap_or(-1))
    }
}

impl Number {
    fn there(self) -> Option<i64> {
        (self.0 >= 0).then_some(self.0)
    }
}

/// The number of a text among [`Words`](crate::words::Words).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Word(pub(crate) u32);

impl Row {
    /// What comes first comes first in the file: what is no call, then by key and time.
    pub(crate) fn order(&self) -> (Option<Number>, Timestamp) {
        (self.call.map(|call| call.key), self.at)
    }
}

/// How a column's values are taken from a row.
pub(crate) enum Take {
    Number(fn(&Row) -> Option<i64>),
    /// One of the words of this program.
    Term(fn(&Row) -> Option<Cow<'static, str>>),
    Word(fn(&Row) -> Option<Word>),
    Id(fn(&Row) -> Option<[u8; 16]>),
    /// The JSON of the entry at that place.
    Json(fn(&Row) -> Option<u64>),
}

pub(crate) struct Column {
    pub(crate) name: &'static str,
    /// As Parquet's own schema language has it.
    kind: &'static str,
    pub(crate) required: bool,
    pub(crate) take: Take,
}

const fn number(name: &'static str, take: fn(&Row) -> Option<i64>) -> Column {
    Column { name, kind: "", required: false, take: Take::Number(take) }
}

const fn moment(name: &'static str, required: bool, take: fn(&Row) -> Option<i64>) -> Column {
    Column { name, kind: "(TIMESTAMP(MICROS,true))", required, take: Take::Number(take) }
}

const fn term(name: &'static str, take: fn(&Row) -> Option<Cow<'static, str>>) -> Column {
    Column { name, kind: "(STRING)", required: false, take: Take::Term(take) }
}

const fn word(name: &'static str, take: fn(&Row) -> Option<Word>) -> Column {
    Column { name, kind: "(STRING)", required: false, take: Take::Word(take) }
}

const fn json(name: &'static str, take: fn(&Row) -> Option<u64>) -> Column {
    Column { name, kind: "(JSON)", required: false, take: Take::Json(take) }
}

/// Every column, in the order in which they stand. New ones come at the end.
pub(crate) const COLUMNS: [Column; 28] = [
    Column { required: true, ..term("kind", |row| Some(kind(row.kind))) },
    moment("time", true, |row| Some(row.at.as_microsecond())),
    number("key", |row| row.call?.key.there()),
    number("holder", |row| row.call?.holder.there()),
    term("who", |row| Some(who(row.call?.who).into())),
    word("operation", |row| Some(row.call?.operation)),
    term("powers", |row| Some(powers(row.call?.powers))),
    word("source", |row| Some(row.call?.source)),
    word("user_agent", |row| row.call?.user_agent),
    term("factors", |row| Some(factors(row.call?.factors))),
    term("decision", |row| Some(VerdictKind::of(row.call?.verdict).word().into())),
    term("reason", |row| reason(row.call?.verdict)),
    word("law", |row| Some(row.call?.law)),
    number("question", |row| row.call?.question.there()),
    number("approval", |row| row.call?.approval.there()),
    number("status", |row| Some(row.outcome?.status.into())),
    number("bytes_in", |row| row.outcome?.bytes_in.there()),
    number("bytes_out", |row| row.outcome?.bytes_out.there()),
    number("rows", |row| row.outcome?.rows.there()),
    number("minted", |row| row.outcome?.minted.there()),
    number("micros", |row| row.outcome?.micros.there()),
    term("ended", |row| Some(ended(row.outcome?.ended).into())),
    Column { name: "id", kind: "(UUID)", required: false, take: Take::Id(|row| Some(row.id?.0.into_bytes())) },
    Column { required: true, ..number("place", |row| Number::from(Some(row.place)).there()) },
    number("outcome_place", |row| Number::from(Some(row.outcome?.place)).there()),
    json("call", |row| row.call.map(|_| row.place)),
    json("outcome", |row| Some(row.outcome?.place)),
    json("event", |row| (row.call.is_none() && row.outcome.is_none()).then_some(row.place)),
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
            Take::Term(_) | Take::Word(_) | Take::Json(_) => "binary",
            Take::Id(_) => "fixed_len_byte_array(16)",
        };
        format!("{repetition} {physical} {name} {kind};\n")
    };
    parse_message_type(&format!("message calls {{\n{}}}", COLUMNS.iter().map(line).collect::<String>())).map(Arc::new)
}

/// The word for a kind of entry; a newer version's stays a letter.
fn kind(kind: u8) -> Cow<'static, str> {
    entry::word(kind).map_or_else(|| char::from(kind).to_string().into(), Cow::from)
}

/// Every word, so that one can be searched for.
fn powers(powers: Powers) -> Cow<'static, str> {
    let mut words = powers.iter().map(Power::word);
    match (words.next(), words.next()) {
        (Some(word), None) => word.into(),
        _ => powers.iter().map(Power::word).collect::<Vec<_>>().join(",").into(),
    }
}

fn factors(factors: Factors) -> Cow<'static, str> {
    let mut words = factors.iter().map(Factor::word);
    match (words.next(), words.next()) {
        (Some(word), None) => word.into(),
        _ => factors.to_string().into(),
    }
}

fn reason(verdict: Verdict) -> Option<Cow<'static, str>> {
    match verdict {
        Verdict::Permit => None,
        Verdict::WouldAsk(missing) | Verdict::Challenge(missing) => Some(factors(missing)),
        Verdict::WouldRefuse(refusal) | Verdict::Refuse(refusal) => Some(refusal.code().into()),
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

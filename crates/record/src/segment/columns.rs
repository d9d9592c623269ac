//! The columns of a segment: one table says what each is called, what it holds, and how it is
//! taken from an entry.

use std::{borrow::Cow, sync::Arc};

use jiff::Timestamp;
use law::{CallId, Ended, Factors, Outcome, Power, Powers, Refusal, Verdict, Who};
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
    pub(crate) bytes_out: Number,
    pub(crate) rows: Number,
    minted: Number,
    micros: Number,
    ended: Ended,
}

impl Told {
    /// Whether this one and another came from one place with one program.
    pub(crate) fn is_from_where(&self, other: &Self) -> bool {
        (self.source, self.user_agent) == (other.source, other.user_agent)
    }
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
    pub(crate) fn there(self) -> Option<i64> {
        (self.0 >= 0).then_some(self.0)
    }
}

/// The number of a text among [`Words`](crate::words::Words).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Word(pub(crate) u32);

/// How a column's values are taken from a row.
pub(crate) enum Take {
    Number(fn(&Row) -> Option<i64>),
    Term(fn(&Row) -> Option<Term>),
    Word(fn(&Row) -> Option<Word>),
    Id(fn(&Row) -> Option<[u8; 16]>),
    /// The JSON of the entry at that place.
    Json(fn(&Row) -> Option<u64>),
}

/// What this program has words for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Term {
    Kind(u8),
    Who(Who),
    Powers(Powers),
    Factors(Factors),
    Decision(VerdictKind),
    Refusal(Refusal),
    Ended(Ended),
}

impl Term {
    /// Its words.
    pub(crate) fn text(self) -> Cow<'static, str> {
        match self {
            // A newer version's stays a letter.
            Self::Kind(kind) => entry::word(kind).map_or_else(|| char::from(kind).to_string().into(), Cow::from),
            Self::Who(of) => of.word().into(),
            // Every word, so that one can be searched for.
            Self::Powers(powers) => powers.iter().map(Power::word).collect::<Vec<_>>().join(",").into(),
            Self::Factors(factors) => factors.to_string().into(),
            Self::Decision(kind) => kind.word().into(),
            Self::Refusal(refusal) => refusal.code().into(),
            Self::Ended(of) => of.word().into(),
        }
    }
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

const fn term(name: &'static str, take: fn(&Row) -> Option<Term>) -> Column {
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
    Column { required: true, ..term("kind", |row| Some(Term::Kind(row.kind))) },
    moment("time", true, |row| Some(row.at.as_microsecond())),
    number("key", |row| row.call?.key.there()),
    number("holder", |row| row.call?.holder.there()),
    term("who", |row| Some(Term::Who(row.call?.who))),
    word("operation", |row| Some(row.call?.operation)),
    term("powers", |row| Some(Term::Powers(row.call?.powers))),
    word("source", |row| Some(row.call?.source)),
    word("user_agent", |row| row.call?.user_agent),
    term("factors", |row| Some(Term::Factors(row.call?.factors))),
    term("decision", |row| Some(Term::Decision(VerdictKind::of(row.call?.verdict)))),
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
    term("ended", |row| Some(Term::Ended(row.outcome?.ended))),
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

const fn reason(verdict: Verdict) -> Option<Term> {
    match verdict {
        Verdict::Permit => None,
        Verdict::WouldAsk(missing) | Verdict::Challenge(missing) => Some(Term::Factors(missing)),
        Verdict::WouldRefuse(refusal) | Verdict::Refuse(refusal) => Some(Term::Refusal(refusal)),
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

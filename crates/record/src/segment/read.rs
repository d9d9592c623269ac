//! Reading a segment: all of it, or what may be a key's and of a time. What is not wanted is
//! passed over by statistics and the bloom filter, and never unpacked.

use std::{
    fs::File,
    io::{self, Read as _},
    ops::Range,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use jiff::Timestamp;
use law::KeyId;
use parquet::{
    column::reader::{ColumnReader, ColumnReaderImpl},
    data_type::{ByteArray, DataType},
    errors::{ParquetError, Result},
    file::{
        metadata::{ParquetMetaData, RowGroupMetaData},
        page_index::column_index::ColumnIndexMetaData,
        properties::ReaderProperties,
        reader::{FileReader as _, RowGroupReader},
        serialized_reader::{ReadGroupPredicate, ReadOptionsBuilder, SerializedFileReader},
        statistics::Statistics,
    },
};
use seal::Hasher;

use super::{
    Columns, Entries, Segment,
    columns::{AT, CALL, EVENT, KEY, KIND, OUTCOME, OUTCOME_PLACE, PLACE},
};
use crate::{entry, leaves};

/// What of a segment may be left out. What is not left out need not be wanted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Part {
    /// Calls of other keys.
    pub(crate) key: Option<KeyId>,
    /// Calls before.
    pub(crate) since: Option<Timestamp>,
    /// Calls at this time or later.
    pub(crate) until: Option<Timestamp>,
    /// Calls whose columns say that they are not wanted.
    pub(crate) columns: Option<Arc<Columns>>,
    /// Everything, where the file is not what was sealed.
    pub(crate) only_sealed: bool,
}

impl Part {
    /// No calls at all: what stands before them.
    pub(crate) const fn notes() -> Self {
        // No key has this number: a column of Parquet cannot hold it.
        Self { key: Some(KeyId(u64::MAX)), since: None, until: None, columns: None, only_sealed: false }
    }
}

/// Reads the entries of a segment of the record in this folder.
pub(crate) fn read(folder: &Path, segment: &Segment, part: &Part) -> Result<Entries> {
    let mut file = leaves::open(folder, &segment.file)?;
    if part.only_sealed {
        let mut hasher = Hasher::default();
        io::copy(&mut (&mut file).take(segment.bytes.saturating_add(1)), &mut hasher)?;
        if hasher.finish() != segment.sha256 {
            return Err(damaged("is not what was sealed"));
        }
    }
    read_file(file, segment.notes, part)
}

/// Reads the entries of a segment whose first `notes` rows are no calls.
fn read_file(file: File, notes: u64, part: &Part) -> Result<Entries> {
    // A damaged file must not take down who reads it, wherever the library did not expect it.
    let read = catch_unwind(AssertUnwindSafe(|| {
        let groups = Groups::default();
        let properties = ReaderProperties::builder().set_read_bloom_filter(part.key.is_some()).build();
        let options = ReadOptionsBuilder::new()
            // What is left out here has no index and no bloom filter read.
            .with_predicate(groups.predicate(notes, part))
            .with_page_index()
            .with_reader_properties(properties)
            .build();
        let file = SerializedFileReader::new_with_options(file, options)?;
        let mut entries = Vec::new();
        for (place, (first, wanted)) in groups.kept().into_iter().enumerate() {
            let group = file.get_row_group(place)?;
            let rows = usize::try_from(group.metadata().num_rows()).map_err(|_| damaged("has no rows"))?;
            let notes = usize::try_from(notes.saturating_sub(first)).unwrap_or(rows).min(rows);
            if notes > 0 {
                take(&*group, std::slice::from_ref(&(0..notes)), Kinds::All, &mut entries)?;
            }
            if wanted {
                let pages = part.key.map_or(0..rows, |key| pages_of(file.metadata(), place, rows, key));
                group_entries(&*group, notes.max(pages.start)..pages.end, part, &mut entries)?;
            }
        }
        entries.sort_unstable_by_key(|(place, _)| *place);
        Ok(entries)
    }));
    read.unwrap_or_else(|_| Err(damaged("cannot be unpacked")))
}

/// The groups of rows that are read: the number of each one's first row, and whether calls of it
/// may be wanted.
#[derive(Clone, Default)]
struct Groups(Arc<Mutex<Vec<(u64, bool)>>>);

impl Groups {
    /// Keeps those that have notes, or calls that are wanted as far as statistics say.
    fn predicate(&self, notes: u64, part: &Part) -> ReadGroupPredicate {
        let (groups, part) = (self.clone(), part.clone());
        let mut next = 0;
        Box::new(move |group, _| {
            let first = next;
            next += u64::try_from(group.num_rows()).unwrap_or(0);
            let wanted = !part.columns.as_ref().is_some_and(|columns| columns.leave_out(group))
                && part.key.is_none_or(|key| i64::try_from(key.0).is_ok_and(|key| is_within(group, key)));
            let kept = wanted || first < notes;
            if kept {
                groups.0.lock().unwrap_or_else(PoisonError::into_inner).push((first, wanted));
            }
            kept
        })
    }

    fn kept(&self) -> Vec<(u64, bool)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn damaged(what: &str) -> ParquetError {
    ParquetError::General(format!("the segment is damaged: it {what}"))
}

/// The calls among these rows of a group.
fn group_entries(group: &dyn RowGroupReader, rows: Range<usize>, part: &Part, entries: &mut Entries) -> Result<()> {
    let Some(key) = part.key else {
        return take_between(group, rows, part, entries);
    };
    let Ok(key) = i64::try_from(key.0) else { return Ok(()) };
    if rows.is_empty() || group.get_column_bloom_filter(KEY).is_some_and(|bloom| !bloom.check(&key)) {
        return Ok(());
    }
    let keys = numbers(&mut column(group, KEY)?, rows.clone())?;
    // INVARIANT: calls are sorted by key, those without one first.
    let from = rows.start + keys.partition_point(|other| other.is_none_or(|other| other < key));
    let to = rows.start + keys.partition_point(|other| other.is_none_or(|other| other <= key));
    take_between(group, from..to, part, entries)
}

/// The rows of a group whose pages may hold this key, as the index of its pages says; all of them
/// where it says nothing.
fn pages_of(file: &ParquetMetaData, group: usize, rows: usize, key: KeyId) -> Range<usize> {
    let Ok(key) = i64::try_from(key.0) else { return 0..0 };
    let index = file.column_index().and_then(|groups| groups.get(group)?.get(KEY));
    let pages = file.offset_index().and_then(|groups| groups.get(group)?.get(KEY));
    let (Some(ColumnIndexMetaData::INT64(index)), Some(pages)) = (index, pages) else { return 0..rows };
    let mut found = rows..0;
    for (page, place) in pages.page_locations().iter().enumerate() {
        let may_hold =
            index.min_value(page).zip(index.max_value(page)).is_some_and(|(min, max)| (min..=max).contains(&&key));
        if may_hold {
            let begin = |page: usize| pages.page_locations().get(page).map(|next| next.first_row_index);
            let start = usize::try_from(place.first_row_index).unwrap_or(0);
            let end = begin(page + 1).and_then(|end| usize::try_from(end).ok()).unwrap_or(rows);
            found = found.start.min(start)..found.end.max(end).min(rows);
        }
    }
    found
}

/// Whether the statistics leave it open that this key is in the group.
fn is_within(group: &RowGroupMetaData, key: i64) -> bool {
    let column = group.columns().get(KEY);
    let Some(Statistics::Int64(known)) = column.and_then(|column| column.statistics()) else { return true };
    // No smallest one: there is none at all.
    known.min_opt().is_some_and(|min| *min <= key) && known.max_opt().is_none_or(|max| key <= *max)
}

/// The rows of this range that are of the wanted time. Of one key they are sorted by time.
fn take_between(group: &dyn RowGroupReader, rows: Range<usize>, part: &Part, entries: &mut Entries) -> Result<()> {
    let Part { key, since, until, .. } = part;
    if rows.is_empty() {
        return Ok(());
    }
    if key.is_none() || (since.is_none() && until.is_none()) {
        return take_wanted(group, rows, part, entries);
    }
    let mut reader = column(group, AT)?;
    let times = numbers(&mut reader, rows.clone())?;
    // The column has microseconds, the entry more.
    let (since, until) = (since.map(Timestamp::as_microsecond), until.map(|until| until.as_microsecond() + 1));
    let before = |limit: Option<i64>, none: usize| {
        limit.map_or(none, |limit| times.partition_point(|at| at.is_none_or(|at| at < limit)))
    };
    let (from, to) = (before(since, 0), before(until, times.len()));
    take_wanted(group, rows.start + from..rows.start + to.max(from), part, entries)
}

/// The rows of this range that their columns leave in.
fn take_wanted(group: &dyn RowGroupReader, rows: Range<usize>, part: &Part, entries: &mut Entries) -> Result<()> {
    match &part.columns {
        Some(columns) if !rows.is_empty() => take(group, &columns.pick(group, rows)?, Kinds::Calls, entries),
        _ => take(group, std::slice::from_ref(&rows), Kinds::Calls, entries),
    }
}

/// What rows may be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kinds {
    All,
    /// What stands behind a segment's notes.
    Calls,
}

/// Unpacks these rows, whose ranges stand in their order.
fn take(group: &dyn RowGroupReader, rows: &[Range<usize>], may_be: Kinds, entries: &mut Entries) -> Result<()> {
    if rows.iter().all(Range::is_empty) {
        return Ok(());
    }
    let number = |place: usize| column(group, place).and_then(|mut reader| picked(&mut reader, rows));
    let text = |place: usize| column(group, place).and_then(|mut reader| picked_texts(&mut reader, rows));
    let (places, outcome_places) = (number(PLACE)?, number(OUTCOME_PLACE)?);
    let (calls, outcomes) = (text(CALL)?, text(OUTCOME)?);
    let (kinds, events) = match may_be {
        Kinds::All => (text(KIND)?, text(EVENT)?),
        Kinds::Calls => (vec![None; calls.len()], vec![None; calls.len()]),
    };
    let cells = places.into_iter().zip(outcome_places).zip(kinds).zip(calls).zip(outcomes).zip(events);
    for (((((place, outcome_place), kind), call), outcome), event) in cells {
        let mut put = |place: Option<i64>, kind: u8, json: &ByteArray| {
            let place = place.and_then(|place| u64::try_from(place).ok()).ok_or_else(|| damaged("has no places"))?;
            let mut payload = Vec::with_capacity(1 + json.len());
            payload.push(kind);
            payload.extend_from_slice(json.data());
            entries.push((place, payload));
            Ok::<(), ParquetError>(())
        };
        if let Some(json) = call {
            put(place, entry::CALL, &json)?;
        }
        if let Some(json) = outcome {
            put(outcome_place, entry::OUTCOME, &json)?;
        }
        if let Some(json) = event {
            let kind = kind.as_ref().and_then(|word| entry::letter(word.data()));
            put(place, kind.ok_or_else(|| damaged("has an entry of no kind"))?, &json)?;
        }
    }
    Ok(())
}

pub(super) fn column(group: &dyn RowGroupReader, place: usize) -> Result<ColumnReader> {
    if place >= group.num_columns() {
        return Err(damaged("lacks a column"));
    }
    group.get_column_reader(place)
}

pub(super) fn numbers(reader: &mut ColumnReader, rows: Range<usize>) -> Result<Vec<Option<i64>>> {
    match reader {
        ColumnReader::Int64ColumnReader(reader) => values(reader, rows),
        _ => Err(damaged("has a column of another type")),
    }
}

pub(super) fn texts(reader: &mut ColumnReader, rows: Range<usize>) -> Result<Vec<Option<ByteArray>>> {
    match reader {
        ColumnReader::ByteArrayColumnReader(reader) => values(reader, rows),
        _ => Err(damaged("has a column of another type")),
    }
}

fn picked(reader: &mut ColumnReader, rows: &[Range<usize>]) -> Result<Vec<Option<i64>>> {
    match reader {
        ColumnReader::Int64ColumnReader(reader) => all_values(reader, rows),
        _ => Err(damaged("has a column of another type")),
    }
}

fn picked_texts(reader: &mut ColumnReader, rows: &[Range<usize>]) -> Result<Vec<Option<ByteArray>>> {
    match reader {
        ColumnReader::ByteArrayColumnReader(reader) => all_values(reader, rows),
        _ => Err(damaged("has a column of another type")),
    }
}

/// The values of several ranges, in one go through the column.
fn all_values<T: DataType>(reader: &mut ColumnReaderImpl<T>, rows: &[Range<usize>]) -> Result<Vec<Option<T::T>>> {
    let (mut all, mut place) = (Vec::new(), 0);
    for Range { start, end } in rows {
        all.extend(values(reader, start - place..end - place)?);
        place = *end;
    }
    Ok(all)
}

fn values<T: DataType>(reader: &mut ColumnReaderImpl<T>, rows: Range<usize>) -> Result<Vec<Option<T::T>>> {
    if reader.skip_records(rows.start)? != rows.start {
        return Err(damaged("has fewer rows than it says"));
    }
    let (mut levels, mut values) = (Vec::new(), Vec::new());
    let (read, ..) = reader.read_records(rows.len(), Some(&mut levels), None, &mut values)?;
    if read != rows.len() {
        return Err(damaged("has fewer rows than it says"));
    }
    // A column that must be there has no levels.
    if levels.is_empty() {
        return Ok(values.into_iter().map(Some).collect());
    }
    let mut values = values.into_iter();
    Ok(levels.into_iter().map(|level| if level > 0 { values.next() } else { None }).collect())
}

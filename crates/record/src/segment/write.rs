//! Writing a segment.

use std::{
    borrow::Cow,
    fs::{File, OpenOptions},
    io::{self, BufWriter, Write},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
    sync::Arc,
};

use bytes::{Bytes, BytesMut};
use law::Powers;
use parquet::{
    basic::{Compression, Encoding, ZstdLevel},
    column::writer::ColumnWriter,
    data_type::{ByteArray, FixedLenByteArray},
    errors::{ParquetError, Result},
    file::{
        metadata::SortingColumn,
        properties::{EnabledStatistics, WriterProperties, WriterVersion},
        writer::{SerializedColumnWriter, SerializedFileWriter},
    },
    schema::types::ColumnPath,
};
use seal::{Hasher, tree};

use super::{
    Segment,
    columns::{COLUMNS, Column, KEY, Row, Take, Word, schema},
};
use crate::gather::{Piece, Rows};

/// Rows that share one set of statistics and one bloom filter.
const GROUP: usize = 16 * 1024;
/// Rows that are packed together: what must be unpacked to read one.
const PAGE: usize = 1024;
/// The same of columns with JSON, which take the most room by far, in bytes.
const PAGE_OF_JSON: usize = 48 << 10;
const JSON: [&str; 3] = ["call", "outcome", "event"];
/// Columns whose values hardly ever come twice.
const UNLIKE: [&str; 4] = ["id", "call", "outcome", "event"];
/// Numbers that grow or stay along a key, or that are never alike: their differences take less than
/// what is compressed of them, and whoever reads one builds nothing up to unpack it.
const PACKED: [&str; 7] = ["time", "holder", "bytes_in", "bytes_out", "micros", "place", "outcome_place"];
/// Of these it says nothing which is the least and the greatest: texts by which nothing is sorted
/// have nearly all of them in each group.
const UNRANKED: [&str; 15] = [
    "kind",
    "operation",
    "powers",
    "source",
    "user_agent",
    "factors",
    "reason",
    "law",
    "ended",
    "id",
    "place",
    "outcome_place",
    "call",
    "outcome",
    "event",
];

/// Writes the rows of these numbers, which stand in their order, as the file at `path`, which must not be
/// there, and syncs it. The segment is called `name`.
pub(crate) fn write(path: &Path, name: String, piece: &Piece, rows: &Rows<'_>, numbers: &[usize]) -> Result<Segment> {
    let mut writer = SerializedFileWriter::new(Sink::create(path)?, schema()?, Arc::new(properties()?))?;
    let words: Vec<ByteArray> = rows.words.texts().iter().map(|text| piece.part(text.as_bytes()).into()).collect();
    let mut places = Vec::with_capacity(numbers.len() * 2);
    let mut powers = Powers::default();
    let (mut calls, mut from, mut to) = (0, None, None);
    // Side by side: each column looks at all of them.
    let mut together = Vec::with_capacity(GROUP.min(numbers.len()));
    for numbers in numbers.chunks(GROUP) {
        together.clear();
        together.extend(rows.of(numbers));
        let mut group = writer.next_row_group()?;
        for column in &COLUMNS {
            let mut cells = group.next_column()?.ok_or_else(|| ParquetError::General("a column is missing".into()))?;
            fill(&mut cells, column, piece, &words, &together)?;
            cells.close()?;
        }
        group.close()?;
        for row in &together {
            // What came is older than how it ended, but not every clock goes forward.
            let ended = row.outcome.map_or(row.at, |outcome| outcome.at);
            from = Some(from.map_or(row.at, |from: jiff::Timestamp| from.min(row.at).min(ended)));
            to = Some(to.map_or(row.at.max(ended), |to: jiff::Timestamp| to.max(row.at).max(ended)));
            if let Some(call) = &row.call {
                calls += 1;
                powers = powers.union(call.powers);
            }
            places.push(row.place);
            places.extend(row.outcome.map(|outcome| outcome.place));
        }
    }
    let (sha256, bytes) = writer.into_inner()?.settle()?;
    let leaves = piece.hashes(places.into_iter());
    Ok(Segment {
        file: name,
        bytes,
        sha256,
        root: tree::root(&leaves),
        entries: leaves.len() as u64,
        calls,
        notes: numbers.len() as u64 - calls,
        from: from.unwrap_or_default(),
        to: to.unwrap_or_default(),
        powers,
        stopped: false,
    })
}

fn properties() -> Result<WriterProperties> {
    let path = |name: &str| ColumnPath::from(name);
    let by_key = SortingColumn { column_idx: i32::try_from(KEY).unwrap_or(0), descending: false, nulls_first: true };
    let mut properties = WriterProperties::builder()
        // Its pages are compressed where they lie; those of the first version are copied before.
        .set_writer_version(WriterVersion::PARQUET_2_0)
        .set_encoding(Encoding::PLAIN)
        .set_created_by(format!("greave {}", env!("CARGO_PKG_VERSION")))
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_data_page_row_count_limit(PAGE)
        .set_write_batch_size(PAGE)
        .set_sorting_columns(Some(vec![by_key]))
        .set_column_statistics_enabled(path("key"), EnabledStatistics::Page)
        .set_column_statistics_enabled(path("time"), EnabledStatistics::Page)
        .set_column_bloom_filter_enabled(path("key"), true)
        .set_column_bloom_filter_max_ndv(path("key"), GROUP as u64);
    for name in UNLIKE.into_iter().chain(PACKED) {
        properties = properties.set_column_dictionary_enabled(path(name), false);
    }
    for name in JSON {
        properties = properties.set_column_data_page_size_limit(path(name), PAGE_OF_JSON);
    }
    for name in PACKED {
        properties = properties
            .set_column_encoding(path(name), Encoding::DELTA_BINARY_PACKED)
            .set_column_compression(path(name), Compression::UNCOMPRESSED);
    }
    for name in ["key", "id"] {
        properties = properties.set_column_compression(path(name), Compression::UNCOMPRESSED);
    }
    for name in UNRANKED {
        properties = properties.set_column_statistics_enabled(path(name), EnabledStatistics::None);
    }
    Ok(properties.build())
}

fn fill(
    cells: &mut SerializedColumnWriter<'_>,
    column: &Column,
    piece: &Piece,
    words: &[ByteArray],
    rows: &[Row],
) -> Result<()> {
    let Column { name, required, take, .. } = column;
    let mut levels: Vec<i16> = Vec::with_capacity(if *required { 0 } else { rows.len() });
    let mut level = |there: bool| {
        if !required {
            levels.push(there.into());
        }
    };
    match (take, cells.untyped()) {
        (Take::Number(take), ColumnWriter::Int64ColumnWriter(writer)) => {
            let mut values: Vec<i64> = Vec::with_capacity(rows.len());
            for row in rows {
                let value = take(row);
                level(value.is_some());
                values.extend(value);
            }
            writer.write_batch(&values, (!required).then_some(&levels), None)?;
        }
        (Take::Term(take), ColumnWriter::ByteArrayColumnWriter(writer)) => {
            let mut values: Vec<ByteArray> = Vec::with_capacity(rows.len());
            for row in rows {
                let term = take(row);
                level(term.is_some());
                values.extend(term.map(|term| match term {
                    Cow::Borrowed(term) => ByteArray::from(Bytes::from_static(term.as_bytes())),
                    Cow::Owned(term) => Bytes::from(term).into(),
                }));
            }
            writer.write_batch(&values, (!required).then_some(&levels), None)?;
        }
        (Take::Word(take), ColumnWriter::ByteArrayColumnWriter(writer)) => {
            let mut values: Vec<ByteArray> = Vec::with_capacity(rows.len());
            for row in rows {
                let word = take(row).and_then(|Word(number)| words.get(usize::try_from(number).ok()?));
                level(word.is_some());
                values.extend(word.cloned());
            }
            writer.write_batch(&values, (!required).then_some(&levels), None)?;
        }
        (Take::Json(take), ColumnWriter::ByteArrayColumnWriter(writer)) => {
            let mut values: Vec<ByteArray> = Vec::with_capacity(rows.len());
            for row in rows {
                let place = take(row);
                level(place.is_some());
                values.extend(place.map(|place| ByteArray::from(piece.json(place))));
            }
            writer.write_batch(&values, (!required).then_some(&levels), None)?;
        }
        (Take::Id(take), ColumnWriter::FixedLenByteArrayColumnWriter(writer)) => {
            let mut ids = BytesMut::with_capacity(16 * rows.len());
            for row in rows {
                let id = take(row);
                level(id.is_some());
                id.iter().for_each(|id| ids.extend_from_slice(id));
            }
            let mut ids = ids.freeze();
            let mut values: Vec<FixedLenByteArray> = Vec::with_capacity(rows.len());
            while !ids.is_empty() {
                values.push(ByteArray::from(ids.split_to(16)).into());
            }
            writer.write_batch(&values, (!required).then_some(&levels), None)?;
        }
        _ => return Err(ParquetError::General(format!("the column {name} is of another type"))),
    }
    Ok(())
}

/// A file that is hashed while it is written.
pub(crate) struct Sink {
    file: BufWriter<File>,
    hasher: Hasher,
    bytes: u64,
}

impl Sink {
    /// Makes a file, which must not be there.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        Ok(Self { file: BufWriter::with_capacity(1 << 20, file), hasher: Hasher::default(), bytes: 0 })
    }

    /// Brings it to the disk; its hash and its length.
    pub(crate) fn settle(self) -> io::Result<(seal::Hash, u64)> {
        let file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        Ok((self.hasher.finish(), self.bytes))
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hasher.feed(bytes.get(..written).unwrap_or_default());
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

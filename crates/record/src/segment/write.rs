//! Writing a segment.

use std::{
    collections::HashMap,
    fs::{File, OpenOptions},
    io::{self, BufWriter, Write},
    mem,
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
    sync::Arc,
};

use bytes::BytesMut;
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
    schema::types::{ColumnDescPtr, ColumnPath},
};
use seal::Hasher;
use zstd::bulk::Compressor;

use super::{
    Segment,
    chunk::Chunk,
    columns::{COLUMNS, Column, KEY, Row, Take, Word, schema},
    texts::Texts,
};
use crate::{
    gather::{Ordered, Piece},
    rollup::Rolled,
};

/// How hard it is compressed.
const LEVEL: i32 = 1;
/// Rows that share one set of statistics and one bloom filter.
const GROUP: usize = 16 * 1024;
/// Rows that are packed together: what must be unpacked to read one.
const PAGE: usize = 1024;
/// The same of columns with JSON, which take the most room by far, in bytes.
const PAGE_OF_JSON: usize = 48 << 10;
/// Columns whose values hardly ever come twice.
const UNLIKE: [&str; 1] = ["id"];
/// Numbers that grow or stay along a key, or that are never alike: their differences take less than
/// what is compressed of them, and whoever reads one builds nothing up to unpack it.
const PACKED: [&str; 7] = ["time", "holder", "bytes_in", "bytes_out", "micros", "place", "outcome_place"];
/// Of these it says nothing which is the least and the greatest: what nothing is sorted by has nearly
/// all of its values in each group.
const UNRANKED: [&str; 12] = [
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
];

/// Memory in which segments are put together, one after the other.
#[derive(Default)]
pub(crate) struct Space {
    /// The rows of a group side by side: each column looks at all of them.
    together: Vec<Row>,
    texts: Texts,
    json: Json,
    /// A column of a group.
    bytes: Vec<u8>,
    /// Which entries of the piece are in the segment.
    marks: Vec<bool>,
}

/// Writes the rows that stand in this order as the file at `path`, which must not be
/// there, and syncs it. The segment is called `name`. How the keys were used is counted on the way.
pub(crate) fn write(
    path: &Path,
    name: String,
    piece: &Piece,
    order: &[Ordered],
    rolled: &mut Rolled,
    space: &mut Space,
) -> Result<Segment> {
    let mut writer = SerializedFileWriter::new(Sink::create(path)?, schema()?, Arc::new(properties()?))?;
    let described: Vec<ColumnDescPtr> = writer.schema_descr().columns().to_vec();
    let packed = Compression::ZSTD(ZstdLevel::try_new(LEVEL)?);
    let Space { together, texts, json, bytes: free, marks } = space;
    marks.clear();
    marks.resize(piece.len(), false);
    let mut powers = Powers::default();
    let (mut calls, mut from, mut to) = (0, None, None);
    for order in order.chunks(GROUP) {
        together.clear();
        together.extend(piece.rows(order));
        rolled.count(together, &piece.words);
        let mut group = writer.next_row_group()?;
        for (column, described) in COLUMNS.iter().zip(&described) {
            let mut chunk = |compression| Chunk::new(Arc::clone(described), compression, mem::take(free));
            let chunk = match column.take {
                Take::Term(take) => {
                    texts.terms(together.iter().map(take));
                    let is_ranked = !UNRANKED.contains(&column.name);
                    Some(texts.column(chunk(Compression::UNCOMPRESSED), PAGE, is_ranked)?)
                }
                Take::Word(take) if texts.words(together.iter().map(take), &piece.words) => {
                    Some(texts.column(chunk(Compression::UNCOMPRESSED), PAGE, false)?)
                }
                Take::Json(take) => {
                    Some(json.column(chunk(packed), together.iter().map(|row| piece.json(take(row)?)))?)
                }
                Take::Word(_) | Take::Number(_) | Take::Id(_) => None,
            };
            if let Some(chunk) = chunk {
                *free = chunk.end(&mut group)?;
                continue;
            }
            let mut cells = group.next_column()?.ok_or_else(|| ParquetError::General("a column is missing".into()))?;
            fill(&mut cells, column, piece, together)?;
            cells.close()?;
        }
        group.close()?;
        for row in &*together {
            // What came is older than how it ended, but not every clock goes forward.
            let ended = row.outcome.map_or(row.at, |outcome| outcome.at);
            from = Some(from.map_or(row.at, |from: jiff::Timestamp| from.min(row.at).min(ended)));
            to = Some(to.map_or(row.at.max(ended), |to: jiff::Timestamp| to.max(row.at).max(ended)));
            if let Some(call) = &row.call {
                calls += 1;
                powers = powers.union(call.powers);
            }
            let outcome = row.outcome.map(|outcome| outcome.place);
            [row.place].into_iter().chain(outcome).for_each(|place| piece.mark(marks, place));
        }
    }
    let (sha256, bytes) = writer.into_inner()?.settle()?;
    let (entries, root) = piece.tree(marks);
    Ok(Segment {
        file: name,
        bytes,
        sha256,
        root,
        entries,
        calls,
        notes: order.len() as u64 - calls,
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
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(LEVEL)?))
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

fn fill(cells: &mut SerializedColumnWriter<'_>, column: &Column, piece: &Piece, rows: &[Row]) -> Result<()> {
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
        (Take::Word(take), ColumnWriter::ByteArrayColumnWriter(writer)) => {
            let mut known: HashMap<Word, ByteArray> = HashMap::new();
            let mut values: Vec<ByteArray> = Vec::with_capacity(rows.len());
            for row in rows {
                let word = take(row);
                level(word.is_some());
                let text = |word| piece.words.text(word).map_or(&[][..], |text| text.as_bytes()).to_vec();
                values.extend(word.map(|word| known.entry(word).or_insert_with(|| text(word).into()).clone()));
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

/// Packs columns of JSON.
#[derive(Default)]
struct Json {
    /// One for all pages: it has memory that would have to be made, and set to zero, again and again.
    compressor: Option<Compressor<'static>>,
    there: Vec<u32>,
    /// The values of a page, each behind its length.
    values: Vec<u8>,
    packed: Vec<u8>,
}

impl Json {
    fn column<'a>(&mut self, mut chunk: Chunk, values: impl Iterator<Item = Option<&'a [u8]>>) -> Result<Chunk> {
        for json in values {
            self.there.push(json.is_some().into());
            if let Some(json) = json {
                // No entry of the log has so many bytes.
                let length = u32::try_from(json.len()).unwrap_or(u32::MAX);
                self.values.extend_from_slice(&length.to_le_bytes());
                self.values.extend_from_slice(json);
            }
            if self.values.len() >= PAGE_OF_JSON || self.there.len() >= PAGE {
                self.page(&mut chunk)?;
            }
        }
        if !self.there.is_empty() {
            self.page(&mut chunk)?;
        }
        Ok(chunk)
    }

    fn page(&mut self, chunk: &mut Chunk) -> Result<()> {
        let Self { compressor, there, values, packed } = self;
        let compressor = match compressor {
            Some(compressor) => compressor,
            none => none.insert(Compressor::new(LEVEL)?),
        };
        packed.clear();
        packed.reserve(zstd::zstd_safe::compress_bound(values.len()));
        compressor.compress_to_buffer(values, packed)?;
        chunk.page(there, Encoding::PLAIN, |bytes| {
            let is_less = packed.len() < values.len();
            bytes.extend_from_slice(if is_less { packed } else { values });
            is_less.then_some(values.len())
        })?;
        there.clear();
        values.clear();
        Ok(())
    }
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
        Ok(Self { file: BufWriter::with_capacity(256 << 10, file), hasher: Hasher::default(), bytes: 0 })
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

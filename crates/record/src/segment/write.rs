//! Writing a segment.

use std::{
    fs::{File, OpenOptions},
    io::{self, BufWriter, Write},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
    sync::Arc,
};

use law::Powers;
use parquet::{
    basic::{Compression, ZstdLevel},
    column::writer::ColumnWriter,
    data_type::{ByteArray, FixedLenByteArray},
    errors::{ParquetError, Result},
    file::{
        metadata::SortingColumn,
        properties::{EnabledStatistics, WriterProperties},
        writer::{SerializedColumnWriter, SerializedFileWriter},
    },
    schema::types::ColumnPath,
};
use seal::{Hasher, tree};

use super::{
    Segment,
    columns::{COLUMNS, Column, KEY, Row, Take, schema},
};

/// Rows that share one set of statistics and one bloom filter.
const GROUP: usize = 16 * 1024;
/// Rows that are packed together: what must be unpacked to read one.
const PAGE: usize = 1024;
/// Columns whose values hardly ever come twice.
const UNLIKE: [&str; 7] = ["time", "id", "place", "outcome_place", "call", "outcome", "event"];

/// Writes rows, which it sorts, as the file at `path`, which must not be there, and syncs it.
/// The segment is called `name`.
pub(crate) fn write(path: &Path, name: String, rows: &mut [Row<'_>]) -> Result<Segment> {
    rows.sort_unstable_by_key(Row::order);
    let mut writer = SerializedFileWriter::new(Sink::create(path)?, schema()?, Arc::new(properties()?))?;
    for rows in rows.chunks(GROUP) {
        let mut group = writer.next_row_group()?;
        for column in &COLUMNS {
            let mut cells = group.next_column()?.ok_or_else(|| ParquetError::General("a column is missing".into()))?;
            fill(&mut cells, column, rows)?;
            cells.close()?;
        }
        group.close()?;
    }
    let (sha256, bytes) = writer.into_inner()?.settle()?;

    let mut leaves = Vec::with_capacity(rows.len() * 2);
    let mut powers = Powers::default();
    let (mut calls, mut from, mut to) = (0, None, None);
    let mut note = |place: u64, kind: u8, json: &[u8]| leaves.push((place, seal::Hash::of(&[&[0, kind], json])));
    for row in rows.iter() {
        // What came is older than how it ended, but not every clock goes forward.
        let ended = row.outcome.as_ref().map_or(row.at, |(_, _, outcome)| outcome.at);
        from = Some(from.map_or(row.at, |from: jiff::Timestamp| from.min(row.at).min(ended)));
        to = Some(to.map_or(row.at.max(ended), |to: jiff::Timestamp| to.max(row.at).max(ended)));
        if let Some(call) = &row.call {
            calls += 1;
            powers = powers.union(call.powers);
        }
        match &row.outcome {
            Some((place, json, _)) => {
                note(*place, crate::entry::OUTCOME, json);
                if row.call.is_some() {
                    note(row.place, row.kind, row.json);
                }
            }
            None => note(row.place, row.kind, row.json),
        }
    }
    leaves.sort_unstable_by_key(|(place, _)| *place);
    let leaves: Vec<seal::Hash> = leaves.into_iter().map(|(_, hash)| hash).collect();
    Ok(Segment {
        file: name,
        bytes,
        sha256,
        root: tree::root(&leaves),
        entries: leaves.len() as u64,
        calls,
        notes: rows.len() as u64 - calls,
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
    for name in UNLIKE {
        properties = properties.set_column_dictionary_enabled(path(name), false);
    }
    for name in ["call", "outcome", "event", "id"] {
        properties = properties.set_column_statistics_enabled(path(name), EnabledStatistics::None);
    }
    Ok(properties.build())
}

fn fill(cells: &mut SerializedColumnWriter<'_>, column: &Column, rows: &[Row<'_>]) -> Result<()> {
    let Column { name: _, required, take, .. } = column;
    let mut levels: Vec<i16> = Vec::new();
    let mut level = |there: bool| {
        if !required {
            levels.push(there.into());
        }
    };
    match (take, cells.untyped()) {
        (Take::Number(take), ColumnWriter::Int64ColumnWriter(writer)) => {
            let values: Vec<i64> = rows
                .iter()
                .filter_map(|row| {
                    let value = take(row);
                    level(value.is_some());
                    value
                })
                .collect();
            writer.write_batch(&values, (!required).then_some(&levels), None)?;
        }
        (Take::Text(take), ColumnWriter::ByteArrayColumnWriter(writer)) => {
            let values: Vec<ByteArray> = rows
                .iter()
                .filter_map(|row| {
                    let value = take(row).map(|text| ByteArray::from(text.into_owned()));
                    level(value.is_some());
                    value
                })
                .collect();
            writer.write_batch(&values, (!required).then_some(&levels), None)?;
        }
        (Take::Id(take), ColumnWriter::FixedLenByteArrayColumnWriter(writer)) => {
            let values: Vec<FixedLenByteArray> = rows
                .iter()
                .filter_map(|row| {
                    let value = take(row).map(|id| FixedLenByteArray::from(id.to_vec()));
                    level(value.is_some());
                    value
                })
                .collect();
            writer.write_batch(&values, (!required).then_some(&levels), None)?;
        }
        _ => return Err(ParquetError::General(format!("the column {} is of another type", column.name))),
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

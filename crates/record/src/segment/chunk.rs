//! What a group of rows has of one column, where this program packs it itself: the crate for Parquet
//! takes values one by one, and copies or hashes each.

use std::io::Write;

use bytes::Bytes;
use parquet::{
    basic::{Compression, Encoding, EncodingMask, PageType},
    column::{
        page::{CompressedPage, Page, PageWriter as _},
        writer::ColumnCloseResult,
    },
    errors::{ParquetError, Result},
    file::{
        metadata::{ColumnChunkMetaData, OffsetIndexBuilder, PageEncodingStats},
        statistics::Statistics,
        writer::{SerializedPageWriter, SerializedRowGroupWriter, TrackedWrite},
    },
    schema::types::ColumnDescPtr,
};

/// A column of a group of rows, page by page.
pub(super) struct Chunk {
    column: ColumnDescPtr,
    compression: Compression,
    sink: TrackedWrite<Vec<u8>>,
    has_dictionary: bool,
    /// Where its first page with values stands.
    data: u64,
    /// What it would take if nothing were compressed.
    whole: usize,
    /// How many pages have values of each encoding.
    pages: Vec<(Encoding, i32)>,
    index: OffsetIndexBuilder,
    rows: usize,
    statistics: Option<Statistics>,
}

impl Chunk {
    /// Nothing yet. It is put together in this space.
    pub(super) fn new(column: ColumnDescPtr, compression: Compression, mut space: Vec<u8>) -> Self {
        space.clear();
        Self {
            column,
            compression,
            sink: TrackedWrite::new(space),
            has_dictionary: false,
            data: 0,
            whole: 0,
            pages: Vec::new(),
            index: OffsetIndexBuilder::new(),
            rows: 0,
            statistics: None,
        }
    }

    /// The dictionary, which comes first, with so many values.
    pub(super) fn dictionary(&mut self, values: &[u8], known: u32) -> Result<()> {
        let buf = Bytes::copy_from_slice(values);
        let page = Page::DictionaryPage { buf, num_values: known, encoding: Encoding::PLAIN, is_sorted: false };
        let written = SerializedPageWriter::new(&mut self.sink).write_page(CompressedPage::new(page, values.len()))?;
        (self.data, self.whole, self.has_dictionary) = (written.bytes_written, written.uncompressed_size, true);
        Ok(())
    }

    /// A page of rows that have a value where `there` says 1. `values` appends them, and says how long
    /// they would be where it compressed them.
    pub(super) fn page(
        &mut self,
        there: &[u32],
        encoding: Encoding,
        values: impl FnOnce(&mut Vec<u8>) -> Option<usize>,
    ) -> Result<()> {
        let mut bytes = Vec::new();
        if self.column.max_def_level() > 0 {
            pack(&mut bytes, there, 1);
        }
        let levels = bytes.len();
        let before = values(&mut bytes);
        let length = before.map_or(bytes.len(), |before| levels + before);
        let some = there.iter().filter(|there| **there > 0).count();
        let page = Page::DataPageV2 {
            buf: bytes.into(),
            num_values: count(there.len())?,
            encoding,
            num_nulls: count(there.len() - some)?,
            num_rows: count(there.len())?,
            def_levels_byte_len: count(levels)?,
            rep_levels_byte_len: 0,
            is_compressed: before.is_some(),
            statistics: None,
        };
        let written = SerializedPageWriter::new(&mut self.sink).write_page(CompressedPage::new(page, length))?;
        self.index.append_row_count(count(there.len())?);
        self.index.append_offset_and_size(count(written.offset)?, count(written.compressed_size)?);
        self.whole += written.uncompressed_size;
        self.rows += there.len();
        match self.pages.last_mut() {
            Some((last, pages)) if *last == encoding => *pages += 1,
            _ => self.pages.push((encoding, 1)),
        }
        Ok(())
    }

    /// What is said of its values.
    pub(super) fn ranked(&mut self, statistics: Statistics) {
        self.statistics = Some(statistics);
    }

    /// Puts it into the group. The space is free again.
    pub(super) fn end<W: Write + Send>(self, group: &mut SerializedRowGroupWriter<'_, W>) -> Result<Vec<u8>> {
        let Self { column, compression, sink, has_dictionary, data, whole, pages, index, rows, statistics } = self;
        let bytes = Bytes::from(sink.into_inner()?);
        let dictionary = has_dictionary.then_some((PageType::DICTIONARY_PAGE, Encoding::PLAIN, 1));
        let pages = pages.into_iter().map(|(encoding, count)| (PageType::DATA_PAGE_V2, encoding, count));
        let of = |(page_type, encoding, count)| PageEncodingStats { page_type, encoding, count };
        let pages: Vec<PageEncodingStats> = dictionary.into_iter().chain(pages).map(of).collect();
        let encodings: Vec<Encoding> = pages.iter().map(|page| page.encoding).chain([Encoding::RLE]).collect();
        let mut told = ColumnChunkMetaData::builder(column)
            .set_compression(compression)
            .set_encodings_mask(EncodingMask::new_from_encodings(encodings.iter()))
            .set_page_encoding_stats(pages)
            .set_total_compressed_size(count(bytes.len())?)
            .set_total_uncompressed_size(count(whole)?)
            .set_num_values(count(rows)?)
            .set_dictionary_page_offset(has_dictionary.then_some(0))
            .set_data_page_offset(count(data)?);
        if let Some(statistics) = statistics {
            told = told.set_statistics(statistics);
        }
        let told = ColumnCloseResult {
            bytes_written: bytes.len() as u64,
            rows_written: rows as u64,
            metadata: told.build()?,
            bloom_filter: None,
            column_index: None,
            offset_index: Some(index.build()),
        };
        group.append_column(&bytes, told)?;
        Ok(bytes.into())
    }
}

fn count<T: TryInto<N>, N>(number: T) -> Result<N> {
    number.try_into().map_err(|_| ParquetError::General("a column is too long".to_owned()))
}

/// Numbers of so many bits as Parquet has them (RLE / bit-packing hybrid): what comes eight times and
/// more stands once with its count, others stand side by side, eight at a time.
pub(super) fn pack(bytes: &mut Vec<u8>, numbers: &[u32], bits: u32) {
    let (mut packed, mut at) = (0, 0);
    while let Some(number) = numbers.get(at) {
        let alike = numbers.iter().skip(at).take_while(|other| *other == number).count();
        // What stands side by side is filled up to eights.
        let filling = (at - packed).wrapping_neg() % 8;
        // Numbers without bits are all alike.
        if alike >= filling + 8 || bits == 0 {
            side_by_side(bytes, numbers.get(packed..at + filling).unwrap_or_default(), bits);
            let run = alike - filling;
            varint(bytes, run << 1);
            bytes.extend(number.to_le_bytes().into_iter().take(bits.div_ceil(8) as usize));
            packed = at + alike;
        }
        at += alike;
    }
    side_by_side(bytes, numbers.get(packed..).unwrap_or_default(), bits);
}

fn side_by_side(bytes: &mut Vec<u8>, numbers: &[u32], bits: u32) {
    if numbers.is_empty() {
        return;
    }
    let eights = numbers.len().div_ceil(8);
    varint(bytes, eights << 1 | 1);
    let end = bytes.len() + eights * bits as usize;
    let (mut waiting, mut some) = (0_u64, 0);
    for number in numbers {
        waiting |= u64::from(*number) << some;
        some += bits;
        while some >= 8 {
            bytes.extend(waiting.to_le_bytes().first());
            waiting >>= 8;
            some -= 8;
        }
    }
    bytes.extend(waiting.to_le_bytes().first().filter(|_| some > 0));
    bytes.resize(end, 0);
}

fn varint(bytes: &mut Vec<u8>, mut number: usize) {
    loop {
        let [low, ..] = number.to_le_bytes();
        number >>= 7;
        if number == 0 {
            return bytes.push(low);
        }
        bytes.push(low | 0x80);
    }
}

//! Columns of texts that come again and again, as Parquet has them: a dictionary, and for each row the
//! number of its text in it. Rows have numbers of texts already, so that no text is hashed for it or
//! looked at row by row; the crate for Parquet takes texts alone.

use parquet::{
    basic::Encoding,
    data_type::ByteArray,
    errors::Result,
    file::statistics::{Statistics, ValueStatistics},
};

use super::{
    chunk::{Chunk, pack},
    columns::{Term, Word},
};
use crate::words::Words;

/// A dictionary stands as it is. One that takes more, in bytes, is left to who compresses it.
const MOST: usize = 16 << 10;

/// What the texts of one column are in a group of rows.
#[derive(Default)]
pub(super) struct Texts {
    /// One for each row: 1 where it has a text.
    there: Vec<u32>,
    /// For each row that has a text, its place in the dictionary.
    places: Vec<u32>,
    /// The texts, each behind its length.
    dictionary: Vec<u8>,
    /// How many texts are in the dictionary.
    known: u32,
    least: Option<Box<str>>,
    greatest: Option<Box<str>>,
    /// Of each text of a piece the column and group for which it was put into the dictionary last, and its place there.
    marks: Vec<(u32, u32)>,
    /// Of which column and group this is.
    round: u32,
}

impl Texts {
    fn begin(&mut self) {
        let Self { there, places, dictionary, known, least, greatest, marks: _, round } = self;
        there.clear();
        places.clear();
        dictionary.clear();
        (*known, *least, *greatest) = (0, None, None);
        *round += 1;
    }

    /// Takes a column of words; whether its dictionary is small.
    pub(super) fn words(&mut self, column: impl Iterator<Item = Option<Word>>, words: &Words) -> bool {
        self.begin();
        self.marks.resize(words.texts().len(), (0, 0));
        for word in column {
            let Some(Word(number)) = word else {
                self.there.push(0);
                continue;
            };
            let mark = usize::try_from(number).ok().and_then(|number| self.marks.get_mut(number));
            let Some(mark) = mark else { return false };
            if mark.0 != self.round {
                *mark = (self.round, self.known);
                let text = words.text(Word(number)).map_or("", |text| text);
                put(&mut self.dictionary, &mut self.known, text);
                if self.dictionary.len() > MOST {
                    return false;
                }
            }
            self.there.push(1);
            self.places.push(mark.1);
        }
        true
    }

    /// Takes a column of terms, of which there are few.
    pub(super) fn terms(&mut self, column: impl Iterator<Item = Option<Term>>) {
        self.begin();
        let mut known: Vec<Term> = Vec::new();
        let mut last = None;
        for term in column {
            let Some(term) = term else {
                self.there.push(0);
                continue;
            };
            let place = match last {
                Some((before, place)) if before == term => place,
                _ => match known.iter().zip(0..).find(|(known, _)| **known == term) {
                    Some((_, place)) => place,
                    None => {
                        known.push(term);
                        let text = term.text();
                        if self.least.as_deref().is_none_or(|least| *text < *least) {
                            self.least = Some(Box::from(&*text));
                        }
                        if self.greatest.as_deref().is_none_or(|greatest| *text > *greatest) {
                            self.greatest = Some(Box::from(&*text));
                        }
                        put(&mut self.dictionary, &mut self.known, &text)
                    }
                },
            };
            last = Some((term, place));
            self.there.push(1);
            self.places.push(place);
        }
    }

    /// The column, in pages of so many rows. One whose texts have an order that somebody asks for says
    /// which is the least and the greatest.
    pub(super) fn column(&self, mut chunk: Chunk, rows_of_page: usize, is_ranked: bool) -> Result<Chunk> {
        chunk.dictionary(&self.dictionary, self.known)?;
        let (bits, mut left) = (u32::BITS - self.known.saturating_sub(1).leading_zeros(), &*self.places);
        for there in self.there.chunks(rows_of_page) {
            let some = there.iter().filter(|there| **there > 0).count();
            let (places, rest) = left.split_at_checked(some).unwrap_or_default();
            left = rest;
            chunk.page(there, Encoding::RLE_DICTIONARY, |bytes| {
                bytes.push(u8::try_from(bits).unwrap_or_default());
                pack(bytes, places, bits);
                None
            })?;
        }
        if is_ranked {
            let text = |text: &Option<Box<str>>| text.as_deref().map(ByteArray::from);
            let none = (self.there.len() - self.places.len()) as u64;
            let known = ValueStatistics::new(text(&self.least), text(&self.greatest), None, Some(none), false);
            chunk.ranked(Statistics::ByteArray(known));
        }
        Ok(chunk)
    }
}

/// Puts a text into a dictionary; its place there.
fn put(dictionary: &mut Vec<u8>, known: &mut u32, text: &str) -> u32 {
    // No entry of the log has so many bytes.
    dictionary.extend_from_slice(&u32::try_from(text.len()).unwrap_or_default().to_le_bytes());
    dictionary.extend_from_slice(text.as_bytes());
    *known += 1;
    *known - 1
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;
    use parquet::{
        basic::Compression,
        column::reader::ColumnReader,
        file::{
            properties::WriterProperties,
            reader::{FileReader as _, SerializedFileReader},
            serialized_reader::ReadOptionsBuilder,
            writer::SerializedFileWriter,
        },
        schema::parser::parse_message_type,
    };
    use proptest::prelude::*;

    use super::*;

    fn numbers(texts: &[Option<u16>], words: &mut Words) -> Vec<Option<Word>> {
        texts.iter().map(|text| text.map(|text| words.number(&format!("program {text}")))).collect()
    }

    fn file(texts: &Texts, rows_of_page: usize) -> Bytes {
        let schema = parse_message_type("message texts { optional binary text (STRING); }").unwrap();
        let properties = Arc::new(WriterProperties::builder().build());
        let mut writer = SerializedFileWriter::new(Vec::new(), Arc::new(schema), properties).unwrap();
        let described = Arc::clone(&writer.schema_descr().columns()[0]);
        let mut group = writer.next_row_group().unwrap();
        let chunk = Chunk::new(described, Compression::UNCOMPRESSED, Vec::new());
        texts.column(chunk, rows_of_page, true).unwrap().end(&mut group).unwrap();
        group.close().unwrap();
        writer.into_inner().unwrap().into()
    }

    fn read(file: Bytes, from: usize, rows: usize) -> Vec<Option<String>> {
        let options = ReadOptionsBuilder::new().with_page_index().build();
        let file = SerializedFileReader::new_with_options(file, options).unwrap();
        let group = file.get_row_group(0).unwrap();
        let ColumnReader::ByteArrayColumnReader(mut reader) = group.get_column_reader(0).unwrap() else { panic!() };
        assert_eq!(reader.skip_records(from).unwrap(), from);
        let (mut levels, mut values) = (Vec::new(), Vec::new());
        reader.read_records(rows - from, Some(&mut levels), None, &mut values).unwrap();
        let mut values = values.iter().map(|value| value.as_utf8().unwrap().to_owned());
        levels.into_iter().map(|level| if level > 0 { values.next() } else { None }).collect()
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_whatever_is_alike_and_wherever_a_page_begins(
            runs in prop::collection::vec((prop::option::weighted(0.8, 0_u16..300), 1_usize..30), 1..60),
            rows_of_page in 1_usize..100, from in any::<prop::sample::Index>(),
        ) {
            let texts: Vec<Option<u16>> = runs.into_iter().flat_map(|(text, times)| vec![text; times]).collect();
            let (mut words, mut column) = (Words::default(), Texts::default());
            // One before it leaves nothing behind.
            let other = numbers(&[Some(1), None, Some(400)], &mut words);
            prop_assert!(column.words(other.into_iter(), &words));
            let numbers = numbers(&texts, &mut words);
            prop_assert!(column.words(numbers.into_iter(), &words));
            let from = from.index(texts.len());
            let wanted: Vec<Option<String>> = texts.iter().map(|text| text.map(|text| format!("program {text}"))).collect();
            prop_assert_eq!(&read(file(&column, rows_of_page), from, texts.len()), &wanted[from..]);
        }
    }

    #[test]
    fn a_column_of_nothing_and_one_of_a_single_text_are_read_as_they_are() {
        for (text, times) in [(None, 1), (None, 100), (Some(7), 1), (Some(7), 5), (Some(7), 100)] {
            let (mut words, mut column) = (Words::default(), Texts::default());
            let numbers = numbers(&vec![text; times], &mut words);
            assert!(column.words(numbers.into_iter(), &words));
            assert_eq!(read(file(&column, 8), 0, times), vec![text.map(|text| format!("program {text}")); times]);
        }
    }

    #[test]
    fn a_large_dictionary_is_left_to_who_compresses_it() {
        let texts: Vec<Option<u16>> = (0..2000).map(Some).collect();
        let (mut words, mut column) = (Words::default(), Texts::default());
        let numbers = numbers(&texts, &mut words);
        assert!(!column.words(numbers.into_iter(), &words));
    }
}

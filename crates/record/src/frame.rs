//! Frames: how entries lie in a file, and how to find the next one where bytes are damaged.
//!
//! A frame is `[length: u32 LE][crc32c: u32 LE][payload]`, where the payload is one letter for
//! the kind and the entry as JSON, and the checksum covers the length and the payload.
//!
//! INVARIANT: no frame can be forged inside another one. A length below 2^17 has a last byte of
//! 0 and a last but one of 0 or 1; JSON as serde writes it has no byte below 0x20; so nothing
//! that a caller puts into a string can look like the length of a frame. That is why the scan
//! for the next readable frame may trust what it finds.

use std::{
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom},
    mem,
    ops::Range,
};

/// The longest payload: 64 KiB.
pub(crate) const MAX_PAYLOAD: usize = 64 * 1024;
/// Bytes before the payload.
pub(crate) const HEAD: usize = 8;
/// The shortest payload: a letter and `{}`.
const MIN_PAYLOAD: usize = 3;
/// How much is read at once.
pub(crate) const CHUNK: usize = 256 * 1024;

/// Why an entry does not become a frame.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FrameError {
    #[error("the entry is longer than {MAX_PAYLOAD} bytes")]
    TooLong,
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

/// Appends one frame. The buffer is as before where there is an error.
pub(crate) fn append(buffer: &mut Vec<u8>, kind: u8, entry: &impl serde::Serialize) -> Result<(), FrameError> {
    let start = buffer.len();
    buffer.extend_from_slice(&[0; HEAD]);
    buffer.push(kind);
    let written = serde_json::to_writer(&mut *buffer, entry).map_err(FrameError::Json).and_then(|()| {
        let payload = buffer.get(start + HEAD..).unwrap_or_default();
        let length = u32::try_from(payload.len()).ok().filter(|_| payload.len() <= MAX_PAYLOAD);
        let length = length.ok_or(FrameError::TooLong)?.to_le_bytes();
        let sum = checksum(length, payload).to_le_bytes();
        let [l0, l1, l2, l3] = length;
        let [s0, s1, s2, s3] = sum;
        if let Some(head) = buffer.get_mut(start..start + HEAD) {
            head.copy_from_slice(&[l0, l1, l2, l3, s0, s1, s2, s3]);
        }
        Ok(())
    });
    if written.is_err() {
        buffer.truncate(start);
    }
    written
}

fn checksum(length: [u8; 4], payload: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&length), payload)
}

/// What the bytes from one place on are.
enum Parsed {
    /// A frame whose payload has this length.
    Frame(usize),
    /// What may become a frame when more bytes come.
    Short,
    /// No frame.
    Bad,
}

fn parse(bytes: &[u8]) -> Parsed {
    let Some((head, rest)) = bytes.split_first_chunk::<HEAD>() else {
        return Parsed::Short;
    };
    let [l0, l1, l2, l3, s0, s1, s2, s3] = *head;
    let length = [l0, l1, l2, l3];
    let Some(size) = usize::try_from(u32::from_le_bytes(length)).ok().filter(|size| *size <= MAX_PAYLOAD) else {
        return Parsed::Bad;
    };
    if size < MIN_PAYLOAD || rest.first().is_some_and(|kind| !kind.is_ascii_uppercase()) {
        return Parsed::Bad;
    }
    match rest.get(..size) {
        None => Parsed::Short,
        Some(payload) if checksum(length, payload) == u32::from_le_bytes([s0, s1, s2, s3]) => Parsed::Frame(size),
        Some(_) => Parsed::Bad,
    }
}

/// What comes next in a file. Offsets are those of the file.
pub(crate) enum Step<'a> {
    /// A frame that is whole.
    Frame { offset: u64, payload: &'a [u8] },
    /// Bytes that are no frame, and behind which a readable frame follows.
    Bad { offset: u64, bytes: u64 },
    /// The end for now. `torn` bytes before it are no frame, or not yet one, from `offset` on.
    End { offset: u64, torn: u64 },
}

/// The frames of one file, which may be growing. Holds at most a few hundred KiB of it, and what is
/// to be kept.
pub(crate) struct Frames {
    file: File,
    buffer: Vec<u8>,
    /// Frames stay in the buffer when they were given out.
    keeps: bool,
    /// The place in the buffer up to which it is kept.
    kept: usize,
    /// The place in the file of the buffer's first byte.
    base: u64,
    /// The place in the buffer from which to read on.
    at: usize,
    /// Where the damage began that is being passed over.
    bad_from: Option<u64>,
}

impl Frames {
    /// The frames from this place of the file on.
    pub(crate) fn from(mut file: File, offset: u64) -> io::Result<Self> {
        file.seek(SeekFrom::Start(offset))?;
        Ok(Self { file, buffer: Vec::new(), keeps: false, kept: 0, base: offset, at: 0, bad_from: None })
    }

    /// From here on frames stay in this buffer, one behind the other.
    pub(crate) fn keep_in(&mut self, mut buffer: Vec<u8>) {
        buffer.clear();
        self.turn_to(buffer);
        self.keeps = true;
    }

    /// The frames that were given out since they were to be kept. Those that follow are not.
    pub(crate) fn kept(&mut self) -> Vec<u8> {
        let kept = self.kept;
        let mut buffer = self.turn_to(Vec::new());
        buffer.truncate(kept);
        self.keeps = false;
        buffer
    }

    /// Goes on in an empty buffer.
    fn turn_to(&mut self, mut buffer: Vec<u8>) -> Vec<u8> {
        buffer.extend_from_slice(self.rest(self.at));
        self.base += self.at as u64;
        (self.at, self.kept) = (0, 0);
        mem::replace(&mut self.buffer, buffer)
    }

    /// The last `size` bytes that are kept, and their place among them. They may be changed: nothing
    /// looks at them again.
    pub(crate) fn last(&mut self, size: usize) -> (Range<usize>, &mut [u8]) {
        let place = self.kept.saturating_sub(size)..self.kept;
        (place.clone(), self.buffer.get_mut(place).unwrap_or_default())
    }

    /// The place in the file up to which it has been read.
    pub(crate) fn offset(&self) -> u64 {
        self.base + self.at as u64
    }

    /// The next thing. After [`Step::End`] it may be asked again: the file may have grown.
    pub(crate) fn step(&mut self) -> io::Result<Step<'_>> {
        loop {
            let here = self.offset();
            match parse(self.rest(self.at)) {
                Parsed::Frame(size) => {
                    if let Some(offset) = self.bad_from.take() {
                        return Ok(Step::Bad { offset, bytes: here - offset });
                    }
                    let start = self.at + HEAD;
                    self.at = start + size;
                    if self.keeps {
                        self.kept = self.at;
                    }
                    return Ok(Step::Frame {
                        offset: here,
                        payload: self.buffer.get(start..self.at).unwrap_or_default(),
                    });
                }
                Parsed::Bad => {
                    self.bad_from.get_or_insert(here);
                    self.at += 1;
                }
                Parsed::Short if self.fill()? => {}
                Parsed::Short => match self.frame_behind() {
                    Some(at) => {
                        self.bad_from.get_or_insert(here);
                        self.at = at;
                    }
                    None => {
                        let offset = self.bad_from.unwrap_or(here);
                        return Ok(Step::End { offset, torn: self.base + self.buffer.len() as u64 - offset });
                    }
                },
            }
        }
    }

    fn rest(&self, at: usize) -> &[u8] {
        self.buffer.get(at..).unwrap_or_default()
    }

    /// At the end of the file, what looks like the beginning of a long frame may be damage with
    /// whole frames behind it.
    fn frame_behind(&self) -> Option<usize> {
        (self.at + 1..self.buffer.len()).find(|at| matches!(parse(self.rest(*at)), Parsed::Frame(_)))
    }

    /// Reads on; whether there was more.
    fn fill(&mut self) -> io::Result<bool> {
        self.buffer.drain(self.kept..self.at);
        self.base += (self.at - self.kept) as u64;
        self.at = self.kept;
        // Nothing is set to zero for it before.
        Ok((&self.file).take(CHUNK as u64).read_to_end(&mut self.buffer)? > 0)
    }
}

//! A book of calls whose bytes somebody changed: it is read to its end, nothing comes from
//! nothing, and an entry that is whole is found whatever stands before it.
#![no_main]

use std::{fs, path::PathBuf, sync::LazyLock};

use arbitrary::Arbitrary;
use jiff::Timestamp;
use law::{Call, CallId, Factor, Power, Verdict, Who};
use libfuzzer_sys::fuzz_target;
use record::{Entry, Reader};

/// What stands in the file, piece by piece.
#[derive(Arbitrary, Debug)]
enum Piece {
    /// A frame with a right checksum.
    Frame { kind: u8, payload: Vec<u8> },
    /// An entry that was written.
    Written,
    /// Damage.
    Bytes(Vec<u8>),
}

static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| tempfile::tempdir().expect("a folder for the book").keep());

static CALL: LazyLock<Call> = LazyLock::new(|| Call {
    id: CallId("01890a5d-ac96-774b-bcce-b302099a8057".parse().expect("an id")),
    at: Timestamp::UNIX_EPOCH,
    who: Who::Nobody,
    key: None,
    holder: None,
    operation: "GET /".into(),
    parameters: Vec::new(),
    query: Vec::new(),
    powers: Power::Read.into(),
    source: "192.0.2.9".parse().expect("an address"),
    user_agent: None,
    factors: Factor::Secret.into(),
    verdict: Verdict::Permit,
    law: "0123456789abcdef".into(),
    challenge: None,
    approval: None,
});

fuzz_target!(|data: (bool, Vec<Piece>)| {
    let (has_header, pieces) = data;
    let mut bytes = Vec::new();
    if has_header {
        let head = [&b"greave\r\n"[..], &1_u32.to_le_bytes(), &1_u64.to_le_bytes(), &0_i64.to_le_bytes()].concat();
        bytes.extend_from_slice(&head);
        bytes.extend_from_slice(&crc32c::crc32c(&head).to_le_bytes());
    }
    let mut written = 0;
    for piece in &pieces {
        match piece {
            Piece::Frame { kind, payload } => frame(&mut bytes, *kind, payload),
            Piece::Written => {
                written += 1;
                frame(&mut bytes, b'C', &serde_json::to_vec(&*CALL).expect("a call"));
            }
            Piece::Bytes(damage) => bytes.extend_from_slice(damage),
        }
    }
    fs::write(FOLDER.join("00000001-19700101T000000Z.calls"), &bytes).expect("the book can be written");

    let Ok(reader) = Reader::open(&*FOLDER) else { panic!("the folder can be listed") };
    let most = bytes.len() + 2;
    let read: Vec<_> = reader.take(most + 1).collect();
    assert!(read.len() <= most, "no entry comes from nothing");
    if has_header {
        let found = read.iter().filter(|read| matches!(read, Ok(Entry::Call(call)) if *call == *CALL)).count();
        assert!(found >= written, "{found} of {written} entries were read: {read:?}");
    }
});

fn frame(bytes: &mut Vec<u8>, kind: u8, payload: &[u8]) {
    let payload = [&[kind], payload].concat();
    let length = u32::try_from(payload.len()).expect("a short payload").to_le_bytes();
    bytes.extend_from_slice(&length);
    bytes.extend_from_slice(&crc32c::crc32c_append(crc32c::crc32c(&length), &payload).to_le_bytes());
    bytes.extend_from_slice(&payload);
}

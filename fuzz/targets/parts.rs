//! Whatever stands before and behind it, and however the body is cut: of a part that names a
//! second method the name does not go on whole.
#![no_main]

use http::HeaderValue;
use libfuzzer_sys::fuzz_target;
use wire::second_method::Passing;

const PART: &str = "--aB3x\r\nContent-Disposition: form-data; name=\"_method\"";

fuzz_target!(|data: (bool, &[u8], &[u8], Vec<u8>)| {
    let (is_planted, before, after, cuts) = data;
    let part = if is_planted { PART } else { "" };
    let body = [before, part.as_bytes(), after].concat();
    let kind = HeaderValue::from_static("multipart/form-data; boundary=aB3x");
    let mut passing = Passing::of(Some(&kind)).unwrap();
    let (mut rest, mut gone, mut cuts) = (body.as_slice(), 0, cuts.into_iter());
    while !rest.is_empty() {
        let (piece, behind) = rest.split_at(cuts.next().map_or(rest.len(), usize::from).clamp(1, rest.len()));
        if passing.names(piece) {
            break;
        }
        (gone, rest) = (gone + piece.len(), behind);
    }
    // Its last letter is held back, or more. Where the head is endless, it breaks off before.
    assert!(!is_planted || gone < before.len() + PART.len() - 1, "{gone} of {}", body.len());
});

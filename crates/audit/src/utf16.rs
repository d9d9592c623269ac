//! Text as spreadsheets save it under the name of Unicode: UTF-16, told by its mark.

use std::io::{self, BufRead, Cursor, Read as _};

/// A table of that kind may be so large.
const LARGEST: u64 = 1 << 28;

/// The source as UTF-8: unchanged, unless it begins with the mark of UTF-16.
///
/// # Errors
/// As the source does, and where it is too large or no UTF-16 after all.
pub(crate) fn read(mut source: Box<dyn BufRead>) -> io::Result<Box<dyn BufRead>> {
    let decode: fn([u8; 2]) -> u16 = match source.fill_buf()? {
        [0xff, 0xfe, ..] => u16::from_le_bytes,
        [0xfe, 0xff, ..] => u16::from_be_bytes,
        _ => return Ok(source),
    };
    let mut bytes = Vec::new();
    source.take(LARGEST + 1).read_to_end(&mut bytes)?;
    let broken = |why: &str| io::Error::new(io::ErrorKind::InvalidData, why.to_owned());
    if bytes.len() as u64 > LARGEST {
        return Err(broken("it is UTF-16 and larger than 256 MiB; export it as UTF-8"));
    }
    let (pairs, odd) = bytes.as_chunks::<2>();
    let text = char::decode_utf16(pairs.iter().copied().map(decode).skip(1)).collect::<Result<String, _>>();
    match text {
        Ok(text) if odd.is_empty() => Ok(Box::new(Cursor::new(text.into_bytes()))),
        _ => Err(broken("it begins as UTF-16 and is none, or is cut off; export it as UTF-8")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8]) -> io::Result<String> {
        let mut text = String::new();
        read(Box::new(Cursor::new(bytes.to_vec())))?.read_to_string(&mut text)?;
        Ok(text)
    }

    #[test]
    fn both_orders_are_read_and_what_is_cut_off_is_told() {
        let of = |order: fn(u16) -> [u8; 2]| "\u{feff}Schlüssel\t𝄞".encode_utf16().flat_map(order).collect::<Vec<u8>>();
        for bytes in [of(u16::to_le_bytes), of(u16::to_be_bytes)] {
            assert_eq!(text(&bytes).unwrap(), "Schlüssel\t𝄞");
            assert!(text(&bytes[..bytes.len() - 1]).is_err() && text(&bytes[..bytes.len() - 2]).is_err());
        }
        assert_eq!(text(b"plain").unwrap(), "plain");
    }
}

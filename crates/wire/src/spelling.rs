//! What the spellings of one credential have in common.

use icu_normalizer::DecomposingNormalizerBorrowed;
use zeroize::Zeroizing;

use crate::is_distinctive;

/// What all spellings of a credential have in common that an API might take for one another:
/// upper and lower case and accents (as the usual collations of databases compare text), blanks
/// and letters that do not show anywhere, marks at its edges, the hyphens and braces of a UUID.
///
/// None for what is too short or too plain a word to tell a credential by. What it gives is as
/// secret as the credential.
pub fn folded(value: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let plain = Zeroizing::new(if value.is_ascii() { value.to_vec() } else { decomposed(value) });
    let mut folded = Zeroizing::new(Vec::with_capacity(plain.len()));
    folded.extend(plain.iter().copied().filter(u8::is_ascii_graphic));
    let is_mark = |byte: &u8| !byte.is_ascii_alphanumeric();
    let end = folded.iter().rposition(|byte| !is_mark(byte)).map_or(0, |last| last + 1);
    folded.truncate(end);
    let begin = folded.iter().position(|byte| !is_mark(byte)).unwrap_or(0);
    folded.drain(..begin);
    if !is_distinctive(&folded) {
        return None;
    }
    folded.make_ascii_lowercase();
    if folded.iter().all(|byte| byte.is_ascii_hexdigit() || *byte == b'-') {
        folded.retain(|byte| *byte != b'-');
    }
    Some(folded)
}

/// Letters without their accents, and what only looks otherwise (full width, ligatures) as what
/// it stands for. Bytes that are no UTF-8 are Latin-1, as headers once were.
fn decomposed(value: &[u8]) -> Vec<u8> {
    let latin = || Zeroizing::new(value.iter().map(|byte| char::from(*byte)).collect::<String>());
    let text = str::from_utf8(value).map_or_else(|_| latin(), |text| Zeroizing::new(text.to_owned()));
    DecomposingNormalizerBorrowed::new_nfkd().normalize(&text).into_owned().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_apis_take_for_one_key_is_one() {
        let of = |text: &[u8]| folded(text).map(|folded| String::from_utf8(folded.to_vec()).unwrap());
        let uuid = Some("9f3c1e7a52d84b0686115c9e8b7a6354".to_owned());
        for spelling in [
            "9f3c1e7a-52d8-4b06-8611-5c9e8b7a6354",
            "9F3C1E7A-52D8-4B06-8611-5C9E8B7A6354",
            "9f3c1e7a52d84b0686115c9e8b7a6354",
            "{9f3c1e7a-52d8-4b06-8611-5c9e8b7a6354}",
            " 9f3c1e7a-52d8-4b06-8611-5c9e8b7a6354\u{a0}",
            "9f3c\0\u{200b}1e7a-52d8-4b06-8611-5c9e8b7a6354==",
            "９f3ç1e7a-52d8-4b06-8611-5c9é8b7a6354",
        ] {
            assert_eq!(of(spelling.as_bytes()), uuid, "{spelling}");
        }
        assert_eq!(of(b"\xa09f3\xe71e7a-52d8-4b06-8611-5c9e8b7a6354\x85"), uuid, "as Latin-1");
        assert_eq!(of(b"tok_Ann_7d1f0c9e8b7a"), of(b"TOK_ann_7D1F0C9E8B7A"));
        // What is not alike for any of them.
        assert_ne!(of(b"service-account-1-1"), of(b"service-account-11"));
        assert_ne!(of(b"tok_ann_7d1f0c9e8b7a"), of(b"tokann7d1f0c9e8b7a"));
        for word in ["administrator", "internal service account", "Zürich 1234", "", "\u{a0}"] {
            assert_eq!(of(word.as_bytes()), None, "{word}");
        }
    }
}

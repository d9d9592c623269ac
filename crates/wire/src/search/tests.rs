//! What the search must find, however it is written and cut, and what it must let pass.

use std::{fmt::Write as _, sync::LazyLock};

use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use proptest::prelude::*;

use super::*;

const CREDENTIAL: &str = "sk_live_51Hq/7+x=Zt&9";

fn sought(credential: &str) -> Arc<Sought> {
    Arc::new(Sought::new(&[Secret::new(credential.as_bytes())]).ok().unwrap())
}

fn percent(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() {
            out.push(char::from(byte));
        } else {
            write!(out, "%{byte:02X}").unwrap();
        }
        out
    })
}

fn percent_all(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        write!(out, "%{byte:02x}").unwrap();
        out
    })
}

fn json(text: &str) -> String {
    text.replace('\\', r"\\").replace('"', "\\\"").replace('/', r"\/").replace('&', r"\u0026").replace('_', r"\u005f")
}

fn html(text: &str) -> String {
    text.replace('&', "&amp;").replace('/', "&#x2F;").replace('=', "&#61;")
}

fn utf_16(text: &str) -> String {
    text.chars().fold(String::new(), |mut out, letter| {
        out.push(letter);
        out.push('\0');
        out
    })
}

fn lines(text: &str) -> String {
    text.as_bytes().chunks(9).map(|line| format!("{}\r\n  ", str::from_utf8(line).unwrap())).collect()
}

static WRITINGS: LazyLock<Vec<String>> = LazyLock::new(|| writings(CREDENTIAL));

/// Every way of writing that the search reads.
fn writings(credential: &str) -> Vec<String> {
    let mut once = vec![credential.to_owned(), utf_16(credential)];
    for before in ["", "u", "us:", "user:", "Bearer "] {
        for behind in ["", ":", ":secret"] {
            let text = format!("{before}{credential}{behind}");
            once.extend([STANDARD.encode(&text), URL_SAFE_NO_PAD.encode(&text), lines(&STANDARD.encode(&text))]);
        }
    }
    let wrap = |texts: &[String]| -> Vec<String> {
        texts.iter().flat_map(|text| [percent(text), percent_all(text), json(text), html(text)]).collect()
    };
    let twice = wrap(&once);
    let thrice = wrap(&twice);
    [once, twice, thrice].concat()
}

/// The search over a text that comes in pieces, and the bytes that went on meanwhile.
fn run(sought: &Arc<Sought>, text: &[u8], cuts: &[usize]) -> (bool, Vec<u8>) {
    let mut search = Search::new(Arc::clone(sought));
    let (mut gone, mut waiting) = (Vec::new(), Vec::new());
    let mut begin = 0;
    for end in cuts.iter().copied().chain([text.len()]) {
        let end = end.clamp(begin, text.len());
        waiting.extend_from_slice(&text[begin..end]);
        if search.pass(&text[begin..end]) {
            return (true, gone);
        }
        let goes = waiting.len().saturating_sub(sought.tail());
        gone.extend(waiting.drain(..goes));
        begin = end;
    }
    gone.append(&mut waiting);
    (false, gone)
}

#[test]
fn every_way_of_writing_is_found() {
    let sought = sought(CREDENTIAL);
    for writing in WRITINGS.iter() {
        assert!(sought.is_in(format!("{{\"error\": \"no key {writing}.\"}}").as_bytes()), "{writing}");
    }
}

#[test]
fn what_is_not_the_credential_passes() {
    let sought = sought(CREDENTIAL);
    for text in ["", "sk_live_51Hq", "sk_live_51Hq/7+x=Zt&", "sk_test_51Hq/7+x=Zt&9", "%%%&&&\\\\\\"] {
        assert!(!sought.is_in(text.as_bytes()), "{text}");
    }
}

#[test]
fn what_an_api_takes_for_the_credential_is_found_as_well() {
    let uuid = "9f3c1e7a-52d8-4b06-8a11-0c9e8b7a6354";
    for credential in [uuid.to_owned(), uuid.replace('-', ""), uuid.to_uppercase()] {
        let sought = sought(&credential);
        for writing in [uuid.to_owned(), uuid.to_uppercase(), uuid.replace('-', ""), uuid.replace('-', "%2D")] {
            let text = format!("UNSUPPORTED HEADER BEARER {writing}.");
            assert!(sought.is_in(text.as_bytes()), "{credential} in {writing}");
            let mut search = Search::new(Arc::clone(&sought));
            let found = writing.bytes().position(|byte| search.pass(&[byte])).unwrap();
            assert!(found < sought.tail(), "{writing}");
        }
        assert!(!sought.is_in(b"9f3c1e7a-52d8-4b06-8a11-0c9e8b7a6355"), "{credential}");
    }
    assert!(sought(CREDENTIAL).is_in(b"SK_LIVE_51HQ/7+X=ZT&9"));
    assert!(!sought("company-internal").is_in(b"Company-Internal"), "a plain word is looked for as it is");
}

#[test]
fn a_credential_that_would_be_found_by_chance_is_refused() {
    let new = |text: &str| Sought::new(&[Secret::new(text.as_bytes())]).err();
    assert_eq!(new("short"), Some(Unsearchable::Length));
    assert_eq!(new(&"x".repeat(2049)), Some(Unsearchable::Length));
    for text in ["line\nbreak", " leading-blank", "trailing-blank ", "naïve-credential"] {
        assert_eq!(new(text), Some(Unsearchable::Characters), "{text}");
    }
}

#[test]
fn what_is_held_back_covers_every_way_of_writing() {
    let sought = sought(CREDENTIAL);
    for writing in WRITINGS.iter() {
        let mut search = Search::new(Arc::clone(&sought));
        let found = writing.bytes().position(|byte| search.pass(&[byte])).unwrap();
        assert!(found < sought.tail(), "{writing}");
    }
}

#[test]
fn many_blanks_end_what_has_begun() {
    let begun = |blanks| format!("c2tfbGl2ZV81MU{}hxLzcreD1adCY5", "\n".repeat(blanks));
    assert!(sought(CREDENTIAL).is_in(begun(16).as_bytes()));
    assert!(!sought(CREDENTIAL).is_in(begun(17).as_bytes()));
}

proptest! {
    #[test]
    fn it_is_found_however_a_text_is_cut(
        which in any::<prop::sample::Index>(),
        before in "[ -~]{0,2000}",
        behind in "[ -~]{0,40}",
        mut cuts in prop::collection::vec(0_usize..3000, 0..12),
    ) {
        let sought = sought(CREDENTIAL);
        let writing = which.get(WRITINGS.as_slice());
        // A sign that begins an escape, right before the credential, makes another text of it.
        let text = format!("{before}; {writing} {behind}");
        cuts.sort_unstable();
        let (found, gone) = run(&sought, text.as_bytes(), &cuts);
        prop_assert!(found, "{}", text);
        // Nothing of it went on.
        prop_assert!(gone.len() <= before.len() + 2, "{}", String::from_utf8_lossy(&gone));
    }

    #[test]
    fn what_passes_arrives_whole(text in "[ -~]{0,2000}", mut cuts in prop::collection::vec(0_usize..2000, 0..8)) {
        cuts.sort_unstable();
        let (found, gone) = run(&sought(CREDENTIAL), text.as_bytes(), &cuts);
        prop_assert!(!found);
        prop_assert_eq!(gone, text.into_bytes());
    }
}

proptest! {
    // Each case tries about a thousand writings.
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn any_credential_is_found_in_all_writings(credential in "[A-Za-z0-9_.~+/=:@-]{8,40}") {
        let sought = sought(&credential);
        for writing in writings(&credential) {
            prop_assert!(sought.is_in(format!("<{writing}>").as_bytes()), "{} in {}", credential, writing);
        }
    }
}

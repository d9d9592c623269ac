//! Whatever an answer holds and however it is cut: the credential in it is found, and does not
//! go on; what passes arrives whole. And whatever is
//! sent as a key: only its own form is whole.
#![no_main]

use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use wire::{IssuedForm, Likeness, Search, Secret, Sought};

/// A credential that stands nowhere by chance.
const CREDENTIAL: &str = "q7Zk-Xw9:vT,3+mN/8=";

static SOUGHT: LazyLock<Arc<Sought>> =
    LazyLock::new(|| Arc::new(Sought::new(&[Secret::new(CREDENTIAL.as_bytes())]).ok().unwrap()));

fuzz_target!(|data: (u8, &[u8], &[u8], [u8; 32], Vec<u8>)| {
    let (how, before, after, entropy, cuts) = data;
    let planted: String = match how % 4 {
        0 => String::new(),
        1 => CREDENTIAL.to_owned(),
        2 => CREDENTIAL.bytes().map(|byte| format!("%{byte:02x}")).collect(),
        _ => CREDENTIAL.chars().map(|letter| format!("\\u{:04X}", u32::from(letter))).collect(),
    };
    // What stands right before may take the first letter into an escape of its own.
    let text = [before, b"\n", planted.as_bytes(), after].concat();
    let mut search = Search::new(Arc::clone(&SOUGHT));
    let (mut rest, mut waiting, mut gone, mut found) = (text.as_slice(), Vec::new(), Vec::new(), false);
    let mut cuts = cuts.into_iter();
    while !rest.is_empty() && !found {
        let (piece, behind) = rest.split_at(cuts.next().map_or(rest.len(), usize::from).clamp(1, rest.len()));
        rest = behind;
        waiting.extend_from_slice(piece);
        found = search.pass(piece);
        if !found {
            gone.extend(waiting.drain(..waiting.len().saturating_sub(SOUGHT.tail())));
        }
    }
    assert!(found || planted.is_empty());
    let shows = |text: &[u8]| text.windows(CREDENTIAL.len()).any(|window| window == CREDENTIAL.as_bytes());
    assert!(!shows(&gone));
    if !found {
        gone.append(&mut waiting);
        assert!(gone == text && !shows(&text));
    }

    let form: IssuedForm = "gk_fuzz".parse().unwrap();
    let key = form.key(&entropy);
    assert_eq!(form.likeness(key.expose()), Likeness::Whole);
    if form.likeness(&text) == Likeness::Whole {
        assert_eq!(text.len(), key.expose().len());
    }
    let name = String::from_utf8_lossy(before);
    assert!(IssuedForm::proposed(&name).to_string().parse::<IssuedForm>().is_ok());
});

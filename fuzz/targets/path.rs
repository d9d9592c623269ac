//! Whatever is accepted as a target, every upstream we know reads as one of its readings.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wire::{Doubled, Matrix, PathRules, Target};

#[path = "../../crates/wire/src/path/tests/upstream.rs"]
mod upstream;

fuzz_target!(|data: (u8, &str)| {
    let (bits, sent) = data;
    let rules = rules(bits);
    let Ok(target) = Target::read(sent, &rules) else { return };
    assert_eq!(target.as_sent(), sent);
    if target.is_server() {
        return;
    }
    let readings: Vec<Vec<String>> =
        target.readings().into_iter().map(|reading| reading.into_iter().map(str::to_owned).collect()).collect();
    let seen = upstream::all(target.path(), &rules);
    for seen in &seen {
        assert!(readings.contains(seen), "{seen:?} is none of {readings:?}");
    }
    assert_eq!(readings[0].join("/"), seen[0].join("/"));
    for segment in readings.iter().flatten() {
        assert!(
            segment != "." && segment != ".." && !segment.chars().any(|letter| letter.is_control() || letter == '\\')
        );
    }
});

fn rules(bits: u8) -> PathRules {
    PathRules {
        doubled: [Doubled::Refuse, Doubled::Merge, Doubled::Keep][usize::from(bits & 3) % 3],
        matrix: [Matrix::Refuse, Matrix::Strip, Matrix::Keep][usize::from((bits >> 2) & 3) % 3],
        ignore_case: bits & 16 != 0,
        ignore_trailing_slash: bits & 32 != 0,
    }
}

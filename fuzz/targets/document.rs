//! Any bytes as an OpenAPI document: what is read is found again, and nothing that it does not
//! describe is easier than what it does.
#![no_main]

use catalogue::{Asked, Catalogue, Drift, Found, Lock, Settings};
use law::Powers;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(reading) = Catalogue::read(data, &Settings::default()) else { return };
    for trouble in &reading.troubles {
        assert!(!trouble.what.is_empty() && !trouble.mend.is_empty());
    }
    let catalogue = reading.catalogue;
    for operation in catalogue.operations() {
        let (id, named) = catalogue.named(&operation.name).expect("every operation has its name");
        assert_eq!(catalogue.operation(id).map(|found| &found.name), Some(&named.name));
        assert!(!operation.powers.is_empty(), "`{}` could do nothing", operation.name);
        // The template as a path: every brace a value. It fits this operation or a closer one.
        let path: String = operation.template.split('{').enumerate().fold(String::new(), |path, (place, piece)| {
            let rest = if place == 0 { piece } else { piece.split_once('}').map_or(piece, |(_, rest)| rest) };
            path + if place == 0 { "" } else { "v" } + rest
        });
        let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        judge(&catalogue, &operation.method, &segments);
    }
    judge(&catalogue, "GET", &["nobody", "described", "this", "\u{1}"]);
    judge(&catalogue, "PURGE", &[]);

    let lock = Lock::of(&catalogue, "0");
    let written = lock.write();
    let read = Lock::read(&written).unwrap_or_else(|error| panic!("{error}: {written}"));
    assert!(read == lock, "a lock reads back as it was written");
    assert!(Drift::between(&lock, &catalogue).is_empty());
});

fn judge(catalogue: &Catalogue, method: &str, segments: &[&str]) {
    match catalogue.find(method, segments) {
        Found::Described(found) => {
            assert!(found.powers.is_superset(found.operation.powers));
            for (_, value) in &found.parameters {
                let _ = value.to_string();
            }
        }
        Found::Choice(choice) => {
            let _ =
                choice.select(&Asked { body: Some(b"{}"), content_type: Some("application/json"), ..Asked::default() });
            assert!(!choice.select(&Asked::default()).powers().is_empty());
        }
        found @ Found::Undescribed => assert_eq!(found.powers(), Powers::EVERY),
    }
}

//! Any text as a lock: what is read is written and read again the same.
#![no_main]

use catalogue::Lock;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match Lock::read(text) {
        Ok(lock) => {
            let written = lock.write();
            let again = Lock::read(&written).unwrap_or_else(|error| panic!("{error}: {written}"));
            assert!(again == lock, "{written}");
            assert_eq!(again.write(), written);
        }
        Err(error) => assert!(error.line > 0 && error.column > 0 && !error.what.is_empty()),
    }
});

//! What a stranger says of the trace that their request belongs to.
#![no_main]

use http::{HeaderMap, HeaderValue};
use libfuzzer_sys::fuzz_target;
use wire::{TRACEPARENT, TRACESTATE, TraceContext, traceparent};

fuzz_target!(|data: &[u8]| {
    // Lines are `tracestate` headers, and those that begin with a tab `traceparent`.
    let mut headers = HeaderMap::new();
    for line in data.split(|byte| *byte == b'\n') {
        let (name, line) = match line.strip_prefix(b"\t") {
            Some(line) => (TRACEPARENT, line),
            None => (TRACESTATE, line),
        };
        if let Ok(value) = HeaderValue::from_bytes(line) {
            headers.append(name, value);
        }
    }
    let Some(read) = TraceContext::read(&headers) else { return };
    assert_eq!(headers.get_all(TRACEPARENT).iter().count(), 1, "of two nobody knows which");
    assert!(read.trace != [0; 16] && read.parent != [0; 8] && read.flags < 4);
    state(&read, &headers);

    // What goes on is read again as the same.
    let mut on = HeaderMap::new();
    on.insert(TRACEPARENT, traceparent(&read.trace, &read.parent, read.flags));
    on.extend(read.state.clone().map(|state| (TRACESTATE, state)));
    assert_eq!(TraceContext::read(&on), Some(read));
});

/// What is carried on is short, and nothing stands in it that did not come, or twice.
fn state(read: &TraceContext, headers: &HeaderMap) {
    let Some(state) = &read.state else { return };
    let state = state.to_str().expect("only visible ASCII and spaces are carried on");
    let members: Vec<&str> = state.split(',').collect();
    assert!(state.len() <= 512 && members.len() <= 32, "{state}");
    let mut keys: Vec<&str> = members.iter().map(|member| member.split_once('=').expect("a key").0).collect();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), members.len(), "{state}");
    let came: Vec<&str> = headers
        .get_all(TRACESTATE)
        .iter()
        .flat_map(|value| value.to_str().expect("the rest is not carried on").split(','))
        .map(str::trim)
        .filter(|member| !member.is_empty())
        .collect();
    assert_eq!(came, members);
}

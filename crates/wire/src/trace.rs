//! What a request says of the trace that it belongs to: W3C Trace Context, `traceparent` and
//! `tracestate`, read strictly. One that cannot be read is none: a half-read one would tie a
//! stranger's spans to the wrong trace.

use http::{HeaderMap, HeaderName, HeaderValue};

/// The header that names trace and span.
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// The header that carries what vendors say of it.
pub const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// The longest `tracestate` that is carried on, in bytes (§3.3.1.5 asks for at least 512).
const LONGEST_STATE: usize = 512;

/// Members of a `tracestate` (§3.3.1.1).
const MOST_MEMBERS: usize = 32;

/// The trace that a request belongs to, and the span that sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceContext {
    /// The trace. Never all zeros.
    pub trace: [u8; 16],
    /// The span that sent the request. Never all zeros.
    pub parent: [u8; 8],
    /// The flags that this version knows: sampled, and random.
    pub flags: u8,
    /// What vendors say of it, where it can be carried on.
    pub state: Option<HeaderValue>,
}

/// The flag that says that the caller records its spans.
pub const SAMPLED: u8 = 1;

/// The flags that are known (level 2 knows the second: the trace's id is random).
const KNOWN_FLAGS: u8 = 3;

impl TraceContext {
    /// What these headers say; nothing where it is not exactly one `traceparent` that holds.
    pub fn read(headers: &HeaderMap) -> Option<Self> {
        let mut all = headers.get_all(TRACEPARENT).iter();
        let (Some(only), None) = (all.next(), all.next()) else { return None };
        let (trace, parent, flags) = parent(only.as_bytes())?;
        Some(Self { trace, parent, flags, state: state(headers) })
    }

    /// Whether the caller records its spans.
    pub const fn is_sampled(&self) -> bool {
        self.flags & SAMPLED != 0
    }
}

/// A `traceparent` that says that this span of this trace sends the request.
pub fn traceparent(trace: &[u8; 16], span: &[u8; 8], flags: u8) -> HeaderValue {
    let mut text = String::with_capacity(55);
    text.push_str("00-");
    push_hex(&mut text, trace);
    text.push('-');
    push_hex(&mut text, span);
    text.push('-');
    push_hex(&mut text, &[flags & KNOWN_FLAGS]);
    // INVARIANT: hexadecimal digits and hyphens can stand in any header.
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""))
}

fn push_hex(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        for half in [byte >> 4, byte & 15] {
            text.push(char::from_digit(u32::from(half), 16).unwrap_or('0'));
        }
    }
}

/// `version-trace-parent-flags` (§3.2.2). A newer version may say more behind these.
fn parent(text: &[u8]) -> Option<([u8; 16], [u8; 8], u8)> {
    let (known, more) = text.split_at_checked(55)?;
    let mut parts = known.split(|byte| *byte == b'-');
    let (version, trace, parent, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let [version] = hex::<1>(version)?;
    let is_whole = match version {
        0 => more.is_empty(),
        0xff => false,
        _ => more.is_empty() || more.first() == Some(&b'-'),
    };
    let (trace, parent, [flags]) = (hex::<16>(trace)?, hex::<8>(parent)?, hex::<1>(flags)?);
    let is_named = trace != [0; 16] && parent != [0; 8];
    (is_whole && is_named).then_some((trace, parent, flags & KNOWN_FLAGS))
}

/// Exactly so many bytes in small hexadecimal digits.
fn hex<const BYTES: usize>(text: &[u8]) -> Option<[u8; BYTES]> {
    if text.len() != BYTES * 2 {
        return None;
    }
    let digit = |byte: &u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; BYTES];
    for (byte, pair) in bytes.iter_mut().zip(text.chunks(2)) {
        let [high, low] = pair else { return None };
        *byte = digit(high)? << 4 | digit(low)?;
    }
    Some(bytes)
}

/// The members of all `tracestate` headers as one, where all of them can be carried on (§3.3.1).
/// Looks at no more than can be: who sends more than that is not to keep the gate busy.
fn state(headers: &HeaderMap) -> Option<HeaderValue> {
    let mut keys: Vec<&str> = Vec::new();
    let mut text = String::new();
    for value in headers.get_all(TRACESTATE) {
        for member in value.to_str().ok()?.split(',').map(str::trim).filter(|member| !member.is_empty()) {
            let (key, value) = member.split_once('=')?;
            if !is_key(key) || !is_value(value) || keys.contains(&key) {
                return None;
            }
            keys.push(key);
            if !text.is_empty() {
                text.push(',');
            }
            text.push_str(member);
            if keys.len() > MOST_MEMBERS || text.len() > LONGEST_STATE {
                return None;
            }
        }
    }
    if text.is_empty() { None } else { HeaderValue::try_from(text).ok() }
}

fn is_key(key: &str) -> bool {
    let begins = key.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-*/@".contains(&byte);
    begins && key.len() <= 256 && key.bytes().all(is_letter)
}

fn is_value(value: &str) -> bool {
    !value.is_empty() && value.len() <= 256 && value.bytes().all(|byte| (0x20..=0x7e).contains(&byte))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn headers(some: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in some {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    fn read(parent: &str) -> Option<TraceContext> {
        TraceContext::read(&headers(&[("traceparent", parent)]))
    }

    #[test]
    fn the_standards_own_example_reads_and_is_said_again() {
        let context = read(GOOD).unwrap();
        assert!(context.is_sampled());
        assert_eq!(traceparent(&context.trace, &context.parent, context.flags), GOOD);
        assert_eq!(read("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-the-future").unwrap(), context);
        assert!(!read("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00").unwrap().is_sampled());
    }

    #[test]
    fn what_does_not_hold_is_none() {
        for bad in [
            "",
            "00",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1",
            "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.more",
            "00_4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7_01",
            "00-4bf92f3577b34da6a3ce929d0e0e473-600f067aa0ba902b7-01",
            "0x-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
        assert_eq!(TraceContext::read(&headers(&[("traceparent", GOOD), ("traceparent", GOOD)])), None, "two are none");
    }

    #[test]
    fn a_state_that_does_not_hold_is_left_out_and_the_trace_goes_on() {
        let state = |states: &[&str]| {
            let mut all = vec![("traceparent", GOOD)];
            all.extend(states.iter().map(|state| ("tracestate", *state)));
            TraceContext::read(&headers(&all)).unwrap().state
        };
        assert_eq!(state(&["rojo=00f0,congo=t61", "a@b=1"]).unwrap(), "rojo=00f0,congo=t61,a@b=1");
        let most: Vec<String> = (0..32).map(|number| format!("k{number}=1")).collect();
        assert_eq!(state(&[&most.join(",")]).unwrap(), most.join(","));
        // What comes behind the most is not even looked at: empty members neither, so this ends.
        let endless = (0..20_000).map(|number| format!("k{number}=1")).collect::<Vec<_>>().join(",");
        assert_eq!(state(&[&endless]), None);
        let many: Vec<String> = (0..33).map(|number| format!("k{number}=1")).collect();
        let long = format!("k={}", "x".repeat(257));
        for bad in ["", "rojo", "ROJO=1", "a=1,a=2", "a=", &many.join(","), &long] {
            assert_eq!(state(&[bad]), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_is_read_or_none(text in "[ -~]{0,70}") {
            let _ = read(&text);
        }

        #[test]
        fn what_is_said_is_read(trace in any::<[u8; 16]>(), span in any::<[u8; 8]>(), flags in 0_u8..4) {
            prop_assume!(trace != [0; 16] && span != [0; 8]);
            let said = traceparent(&trace, &span, flags);
            let context = read(said.to_str().unwrap()).unwrap();
            prop_assert_eq!((context.trace, context.parent, context.flags), (trace, span, flags));
        }
    }
}

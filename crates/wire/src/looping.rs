//! Requests that come back: two gates, or a gate and a proxy, whose upstreams are each other.
//!
//! `CDN-Loop` (RFC 8586) is what `Via` cannot be: web servers change what they answer where they
//! see `Via` (nginx compresses nothing then), and whoever forwards must leave this one in.

use http::{HeaderMap, HeaderName, HeaderValue};

const CDN_LOOP: HeaderName = HeaderName::from_static("cdn-loop");

/// The name under which a gate knows again what it has forwarded. It says nothing of the gate.
#[derive(Clone, Debug)]
pub struct Pseudonym(HeaderValue);

impl Pseudonym {
    /// Of a number that nobody else has: drawn anew at each start.
    pub fn new(number: u64) -> Self {
        let name = HeaderValue::try_from(format!("gate-{number:016x}"));
        // INVARIANT: letters, digits and a hyphen are a header's value.
        Self(name.unwrap_or(HeaderValue::from_static("gate")))
    }

    /// Whether a request has passed here before.
    pub fn comes_back(&self, headers: &HeaderMap) -> bool {
        let mut ids = headers.get_all(CDN_LOOP).iter().flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
        ids.any(|id| id.split(|byte| *byte == b';').next().is_some_and(|id| id.trim_ascii() == self.0.as_bytes()))
    }

    /// The request passes here.
    pub fn passes(&self, headers: &mut HeaderMap) {
        headers.append(CDN_LOOP, self.0.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gate_knows_again_what_it_has_forwarded_and_nothing_else() {
        let (own, other) = (Pseudonym::new(1), Pseudonym::new(2));
        let mut headers = HeaderMap::new();
        assert!(!own.comes_back(&headers));
        headers.insert(CDN_LOOP, HeaderValue::from_static("cdn.example; a=\"b, c\""));
        other.passes(&mut headers);
        assert!(other.comes_back(&headers) && !own.comes_back(&headers));
        own.passes(&mut headers);
        assert!(other.comes_back(&headers) && own.comes_back(&headers));

        // As a proxy may write it that makes one line of several.
        for (line, comes) in [
            ("a,gate-0000000000000001 ; x=1,b", true),
            ("gate-0000000000000001", true),
            ("gate-00000000000000011", false),
            ("x; gate-0000000000000001", false),
        ] {
            headers.insert(CDN_LOOP, HeaderValue::from_static(line));
            assert_eq!(own.comes_back(&headers), comes, "{line}");
        }
    }
}

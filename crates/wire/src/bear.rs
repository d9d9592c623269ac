//! The gate's own credential in the place of the caller's.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use zeroize::Zeroizing;

use crate::{Keep, Place, Places, Scheme, Secret, credential::strip};

/// What tells an API who stands before the gate: it hears of the gate alone.
const TOLD: [HeaderName; 4] = [
    header::FORWARDED,
    HeaderName::from_static("x-forwarded-for"),
    HeaderName::from_static("x-forwarded-host"),
    HeaderName::from_static("x-forwarded-proto"),
];

impl Place {
    /// A header with this credential in this place. None in a query or a cookie.
    pub fn bear(&self, credential: &Secret) -> Option<(HeaderName, HeaderValue)> {
        // Why it is exposed: this is the one header that carries it.
        let text = credential.expose();
        let behind = |word: &str| Zeroizing::new([word.as_bytes(), b" ", text].concat());
        let basic = |user: &[u8], password: &[u8]| {
            let pair = Zeroizing::new([user, b":", password].concat());
            Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_slice())).into_bytes())
        };
        let (name, value) = match self {
            Self::Authorization(scheme) => {
                let value = match scheme {
                    Scheme::Bearer => behind("Bearer"),
                    Scheme::Dpop => return None,
                    Scheme::Token => behind("token"),
                    Scheme::ApiKey => behind("ApiKey"),
                    Scheme::Key => behind("Key"),
                    Scheme::BasicUser => basic(text, b""),
                    Scheme::BasicPassword => basic(b"", text),
                    Scheme::Bare => Zeroizing::new(text.to_vec()),
                    // User and password are one credential with a colon between.
                    Scheme::Other(name) if &**name == "basic" => {
                        let colon = text.iter().position(|byte| *byte == b':')?;
                        let (user, password) = text.split_at_checked(colon)?;
                        basic(user, password.get(1..)?)
                    }
                    Scheme::Other(name) => behind(name),
                };
                (header::AUTHORIZATION, value)
            }
            Self::Header(name) => (name.clone(), Zeroizing::new(text.to_vec())),
            Self::Query(_) | Self::Cookie(_) | Self::Path => return None,
        };
        let mut value = HeaderValue::from_bytes(&value).ok()?;
        value.set_sensitive(true);
        Some((name, value))
    }
}

/// Makes a request the gate's own: every credential of the caller's goes out, and what tells
/// of the caller; the gate's comes in. The answer is asked for whole and not compressed, so
/// that it can be searched: a range would show a credential in parts.
///
/// Where the place cannot bear it, there is none in the request.
pub fn replace(headers: &mut HeaderMap, places: &Places, at: &Place, credential: &Secret) {
    strip(headers, places, Keep::Nothing);
    let others = [header::COOKIE, header::HOST, header::RANGE, header::IF_RANGE, header::TE];
    for name in others.iter().chain(&TOLD) {
        headers.remove(name);
    }
    headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    if let Some((name, value)) = at.bear(credential) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn borne(place: &str, credential: &str) -> Option<String> {
        let (name, value) = place.parse::<Place>().unwrap().bear(&Secret::new(credential.as_bytes()))?;
        assert!(value.is_sensitive());
        Some(format!("{name}: {}", value.to_str().unwrap()))
    }

    #[test]
    fn a_credential_stands_as_the_api_takes_it() {
        for (place, header) in [
            ("authorization:bearer", "authorization: Bearer a:b"),
            ("authorization:token", "authorization: token a:b"),
            ("authorization:bare", "authorization: a:b"),
            ("authorization:ssws", "authorization: ssws a:b"),
            ("authorization:basic", "authorization: Basic YTpi"),
            ("authorization:basic-user", "authorization: Basic YTpiOg=="),
            ("authorization:basic-password", "authorization: Basic OmE6Yg=="),
            ("header:x-api-key", "x-api-key: a:b"),
        ] {
            assert_eq!(borne(place, "a:b").as_deref(), Some(header), "{place}");
        }
        for place in ["query:key", "cookie:sid", "authorization:dpop"] {
            assert_eq!(borne(place, "a:b"), None, "{place}");
        }
        assert_eq!(borne("authorization:basic", "no-colon"), None);
    }

    #[test]
    fn nothing_of_the_callers_goes_along() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("authorization", "Basic Z2tfYWJjOg=="),
            ("x-api-key", "gk_abc"),
            ("cookie", "sid=1; other=2"),
            ("host", "gate.internal"),
            ("range", "bytes=0-4"),
            ("if-range", "x"),
            ("te", "trailers"),
            ("trailer", "x-sum"),
            ("accept-encoding", "gzip, br"),
            ("x-forwarded-for", "192.0.2.7"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "gate.internal"),
            ("forwarded", "for=192.0.2.7"),
            ("accept", "*/*"),
        ] {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        let place = "header:x-own".parse().unwrap();
        replace(&mut headers, &Places::well_known(), &place, &Secret::new(b"sk_live_1"));
        let left: Vec<(&str, &[u8])> = headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        assert_eq!(left.len(), 3, "{left:?}");
        assert_eq!(headers["accept"], "*/*");
        assert_eq!(headers["accept-encoding"], "identity");
        assert_eq!(headers["x-own"].as_bytes(), b"sk_live_1");
    }
}

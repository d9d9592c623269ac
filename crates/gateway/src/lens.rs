//! Looking into an answer while it streams by.

use authority::is_name_abroad;
use http::{
    HeaderMap, StatusCode,
    header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE},
    response,
};
use uuid::Uuid;
use wire::looks_like_credential;
use zeroize::Zeroizing;

use crate::{
    rows::{Counter, Pointer},
    seek::Seeker,
};

/// The largest answer that is held back whole, until the credential that it brings is known. Of a
/// longer one pieces go on, each after it was looked through.
pub(crate) const LARGEST: usize = 256 * 1024;

/// What is looked for in an answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Look {
    /// The list whose items are counted.
    pub(crate) list: Option<Pointer>,
    /// The credential that the operation mints.
    pub(crate) minted: Option<Pointer>,
    /// The API's name for it, by which it is revoked there.
    pub(crate) named: Option<Pointer>,
}

/// A key that an answer brings.
pub(crate) struct Made {
    /// The key itself.
    pub(crate) secret: Zeroizing<String>,
    /// What the API calls it, where the answer says so.
    pub(crate) upstream: Option<String>,
}

pub(crate) struct Lens {
    rows: Option<Counter>,
    minted: Option<Minted>,
}

/// Where the credential is looked for.
struct Minted {
    to: Pointer,
    named: Option<Pointer>,
    seen: Sought,
}

enum Sought {
    /// A copy of the answer so far.
    Copied(Zeroizing<Vec<u8>>),
    /// It grew too large: it is looked through as it goes by.
    Streamed(Box<Seeker>),
}

impl Lens {
    /// A lens for an answer that can be looked into: a success, in JSON, not compressed.
    pub(crate) fn new(look: &Look, answer: &response::Parts) -> Option<Self> {
        if look.list.is_none() && look.minted.is_none() || !can_look(answer.status, &answer.headers) {
            return None;
        }
        Some(Self {
            rows: look.list.clone().map(Counter::new),
            minted: look.minted.clone().map(|to| Minted {
                to,
                named: look.named.clone(),
                seen: Sought::Copied(Zeroizing::default()),
            }),
        })
    }

    pub(crate) const fn may_see_credential(&self) -> bool {
        self.minted.is_some()
    }

    pub(crate) fn pass(&mut self, data: &[u8]) {
        if let Some(rows) = &mut self.rows {
            rows.pass(data);
        }
        if let Some(minted) = &mut self.minted {
            minted.pass(data);
        }
    }

    /// A credential that stood in the piece which came last, of an answer that is too large to be
    /// held back whole.
    pub(crate) fn made(&mut self) -> Option<Made> {
        let Some(Minted { seen: Sought::Streamed(seeker), .. }) = &mut self.minted else { return None };
        // What the API calls it is only read where all of it is there.
        seeker.take().filter(|text| is_machine_made(text)).map(|secret| Made { secret, upstream: None })
    }

    /// Whether the last piece of such an answer ended in the middle of what may be one.
    pub(crate) fn is_within(&self) -> bool {
        matches!(&self.minted, Some(Minted { seen: Sought::Streamed(seeker), .. }) if seeker.is_within())
    }

    /// What was seen, once the answer has ended: how many rows, and which new credential.
    pub(crate) fn seen(self) -> (Option<u64>, Option<Made>) {
        (self.rows.and_then(|rows| rows.rows()), self.minted.and_then(Minted::credential))
    }
}

impl Minted {
    fn pass(&mut self, data: &[u8]) {
        match &mut self.seen {
            Sought::Copied(bytes) if bytes.len().saturating_add(data.len()) <= LARGEST => bytes.extend_from_slice(data),
            Sought::Copied(bytes) => {
                let mut seeker = Seeker::new(self.to.clone());
                seeker.pass(bytes);
                seeker.pass(data);
                self.seen = Sought::Streamed(Box::new(seeker));
            }
            Sought::Streamed(seeker) => seeker.pass(data),
        }
    }

    fn credential(self) -> Option<Made> {
        let Sought::Copied(bytes) = self.seen else { return None };
        let value: serde_json::Value = serde_json::from_slice(&bytes).ok()?;
        let text = value.pointer(self.to.text())?.as_str()?;
        let upstream = self.named.and_then(|at| named(&value, &at));
        is_machine_made(text).then(|| Made { secret: Zeroizing::new(text.to_owned()), upstream })
    }
}

/// What the API calls a credential that its answer brings.
pub(crate) fn named(answer: &serde_json::Value, at: &Pointer) -> Option<String> {
    let name = answer.pointer(at.text())?;
    name.as_str().map(str::to_owned).or_else(|| Some(name.as_u64()?.to_string())).filter(|name| is_name_abroad(name))
}

/// What is made known as a key is recognised in every request from then on. A public key, a
/// masked one, or a word that a caller chose and that others send for quite other reasons
/// must not be: theirs would be two credentials. A key that has no such shape is learned
/// when it is used.
pub(crate) fn is_machine_made(text: &str) -> bool {
    let is_mixed = |run: &str| {
        run.len() >= 16
            && run.bytes().any(|byte| byte.is_ascii_digit())
            && !run.bytes().all(|byte| byte.is_ascii_digit())
    };
    // In the alphabet for URLs a hyphen may stand anywhere, and cuts no run.
    let is_url = |byte: &u8| !matches!(byte, b'-' | b'_');
    let has = |kind: fn(&u8) -> bool| text.bytes().any(|byte| kind(&byte));
    let is_base64url = text.bytes().filter(is_url).count() >= 16
        && text.bytes().filter(is_url).all(|byte| byte.is_ascii_alphanumeric())
        && has(u8::is_ascii_digit)
        && has(u8::is_ascii_uppercase)
        && has(u8::is_ascii_lowercase);
    text.bytes().all(|byte| byte.is_ascii_graphic())
        && (is_base64url
            || text.split(|letter: char| !letter.is_ascii_alphanumeric()).any(is_mixed)
            || looks_like_credential(text)
            || Uuid::try_parse(text).is_ok())
}

/// Whether an answer is of a form that can be looked into.
pub(crate) fn can_look(status: StatusCode, headers: &HeaderMap) -> bool {
    status.is_success() && is_plain_json(headers)
}

/// Whether it is not compressed.
pub(crate) fn is_plain(headers: &HeaderMap) -> bool {
    headers.get_all(CONTENT_ENCODING).iter().all(|coding| coding.as_bytes().eq_ignore_ascii_case(b"identity"))
}

/// Whether a client takes an answer that is not compressed: always, unless it says that it does
/// not (RFC 9110, 12.5.3).
pub(crate) fn takes_identity(headers: &HeaderMap) -> bool {
    let mut takes = (None, None);
    for coding in headers.get_all(ACCEPT_ENCODING).iter().flat_map(|list| list.as_bytes().split(|byte| *byte == b',')) {
        let coding = String::from_utf8_lossy(coding).to_ascii_lowercase();
        let (name, weight) = coding.split_once(';').unwrap_or((&coding, ""));
        let refused = weight.trim().strip_prefix("q=").is_some_and(|q| q.trim().parse::<f32>().is_ok_and(|q| q <= 0.0));
        match name.trim() {
            "identity" => takes.0 = Some(!refused),
            "*" => takes.1 = Some(!refused),
            _ => {}
        }
    }
    takes.0.or(takes.1).unwrap_or(true)
}

pub(crate) fn is_plain_json(headers: &HeaderMap) -> bool {
    let json = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).is_some_and(|kind| {
        let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        essence == "application/json" || essence.ends_with("+json")
    });
    is_plain(headers) && json
}

#[cfg(test)]
mod tests {
    use http::Response;

    use super::*;

    fn lens(headers: &[(&str, &str)]) -> Option<Lens> {
        let mut answer = Response::builder();
        for (name, value) in headers {
            answer = answer.header(*name, *value);
        }
        let look = Look { list: Pointer::parse("/keys"), minted: Pointer::parse("/keys/0/token"), named: None };
        Lens::new(&look, &answer.body(()).unwrap().into_parts().0)
    }

    #[test]
    fn rows_and_the_minted_credential_are_seen_in_pieces() {
        let mut lens = lens(&[("content-type", "application/problem+json; charset=utf-8")]).unwrap();
        for piece in br#"{"keys":[{"token":"tok_9f3c1e7a52d84b06"},{}]}"#.chunks(3) {
            lens.pass(piece);
        }
        let (rows, minted) = lens.seen();
        assert_eq!(rows, Some(2));
        assert_eq!(minted.unwrap().secret.as_str(), "tok_9f3c1e7a52d84b06");
    }

    #[test]
    fn a_word_that_is_no_machines_is_no_minted_credential() {
        let minted = |text: &str| {
            let mut lens = lens(&[("content-type", "application/json")]).unwrap();
            lens.pass(serde_json::json!({"keys": [{"token": text}]}).to_string().as_bytes());
            lens.seen().1.map(|made| made.secret.to_string())
        };
        let machines = [
            "0f5b0e6c2d9a4c7f",
            "tok_9f3c1e7a52d84b06",
            "1f0c7a9e-3b52-4d86-9a17-5e2b8c4d6f01",
            "kV3-xQm8ZpTw_bN2cRy7-LsDfG5hJ",
        ];
        for text in machines {
            assert_eq!(minted(text).as_deref(), Some(text));
        }
        let public = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKx1cL5Yw8q9";
        for text in
            ["", "****************************", "2022-11-28", "return=representation", "app-2026.11.3-beta", public]
        {
            assert_eq!(minted(text), None, "{text}");
        }
    }

    #[test]
    fn a_client_takes_what_is_plain_unless_it_says_no() {
        let takes = |accepts: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_ENCODING, accepts.parse().unwrap());
            takes_identity(&headers)
        };
        assert!(takes_identity(&HeaderMap::new()));
        for accepts in ["gzip, br", "", "*", "gzip;q=1.0, *;q=0.5", "identity;q=0.1", "*;q=0, identity;q=0.5"] {
            assert!(takes(accepts), "{accepts}");
        }
        for accepts in ["identity;q=0", "gzip, identity; q=0.0", "gzip, *;q=0"] {
            assert!(!takes(accepts), "{accepts}");
        }
    }

    #[test]
    fn what_is_compressed_or_no_json_is_not_looked_into() {
        assert!(lens(&[("content-type", "application/json"), ("content-encoding", "gzip")]).is_none());
        assert!(lens(&[("content-type", "text/csv")]).is_none());
        assert!(lens(&[]).is_none());
    }

    #[test]
    fn too_large_an_answer_shows_no_credential() {
        let mut lens = lens(&[("content-type", "application/json")]).unwrap();
        lens.pass(br#"{"keys":[{"token":"tok_9f3c1e7a52d84b06"}],"x":""#);
        lens.pass(&vec![b'x'; LARGEST]);
        lens.pass(b"\"}");
        let (rows, minted) = lens.seen();
        assert_eq!(rows, Some(1));
        assert!(minted.is_none());
    }
}

//! Where credentials travel.

use std::{fmt, str::FromStr};

use http::{HeaderName, header};

/// A place in a request where a credential may stand, written `authorization:bearer`,
/// `header:x-api-key`, `query:api_key` or `cookie:session`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// The `Authorization` header, under this scheme.
    Authorization(Scheme),
    /// A header of its own.
    Header(HeaderName),
    /// A parameter of the query. The case of its letters does not matter.
    Query(Box<str>),
    /// A cookie.
    Cookie(Box<str>),
    /// A segment of the path. No configuration names it: keys are only recognised there.
    Path,
}

/// How a credential stands in `Authorization`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// `Bearer KEY`
    Bearer,
    /// `DPoP KEY`
    Dpop,
    /// `token KEY`, also `Token token=KEY`
    Token,
    /// `ApiKey KEY`
    ApiKey,
    /// `Key KEY`
    Key,
    /// The user of `Basic`.
    BasicUser,
    /// The password of `Basic`.
    BasicPassword,
    /// The value alone, without a scheme.
    Bare,
    /// Another scheme, in lower case.
    Other(Box<str>),
}

impl Scheme {
    const NAMED: [Self; 8] = [
        Self::Bearer,
        Self::Dpop,
        Self::Token,
        Self::ApiKey,
        Self::Key,
        Self::BasicUser,
        Self::BasicPassword,
        Self::Bare,
    ];

    /// The scheme that is called so, in any case of letters. `Basic` has two parts and is none.
    pub(crate) fn called(name: &str) -> Self {
        let named = [
            ("bearer", Self::Bearer),
            ("dpop", Self::Dpop),
            ("token", Self::Token),
            ("apikey", Self::ApiKey),
            ("key", Self::Key),
        ];
        let known = named.into_iter().find(|(word, _)| name.eq_ignore_ascii_case(word));
        known.map_or_else(|| Self::Other(name.to_ascii_lowercase().into()), |(_, scheme)| scheme)
    }

    /// The word in files and on pages.
    pub fn word(&self) -> &str {
        match self {
            Self::Bearer => "bearer",
            Self::Dpop => "dpop",
            Self::Token => "token",
            Self::ApiKey => "apikey",
            Self::Key => "key",
            Self::BasicUser => "basic-user",
            Self::BasicPassword => "basic-password",
            Self::Bare => "bare",
            Self::Other(name) => name,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Authorization(scheme) => write!(f, "authorization:{}", scheme.word()),
            Self::Header(name) => write!(f, "header:{name}"),
            Self::Query(name) => write!(f, "query:{name}"),
            Self::Cookie(name) => write!(f, "cookie:{name}"),
            Self::Path => f.write_str("path"),
        }
    }
}

/// A place that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlaceError {
    /// It is not written as places are.
    #[error("`{0}` is no place; write `header:NAME`, `query:NAME`, `cookie:NAME` or `authorization:SCHEME`")]
    Unreadable(String),
    /// A header that no credential for the upstream can stand in.
    #[error("no credential for the upstream stands in `{0}`; name the header that its clients send")]
    NotForCredentials(HeaderName),
}

impl FromStr for Place {
    type Err = PlaceError;

    fn from_str(text: &str) -> Result<Self, PlaceError> {
        let unreadable = || PlaceError::Unreadable(text.to_owned());
        let (kind, name) = text.split_once(':').ok_or_else(unreadable)?;
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(unreadable());
        }
        match kind {
            "header" => Self::header(name.parse().map_err(|_| unreadable())?),
            "query" => Ok(Self::Query(name.into())),
            "cookie" if !name.contains([';', '=', ',', '"']) => Ok(Self::Cookie(name.into())),
            "authorization" => {
                let named = Scheme::NAMED.into_iter().find(|scheme| scheme.word().eq_ignore_ascii_case(name));
                Ok(Self::Authorization(named.unwrap_or_else(|| Scheme::Other(name.to_ascii_lowercase().into()))))
            }
            _ => Err(unreadable()),
        }
    }
}

impl Place {
    /// The place that a header is. An API's document may name `Authorization` as a header like
    /// any other: that is its bare form.
    ///
    /// # Errors
    /// Where the header is spent on the way or means something else.
    pub fn header(name: HeaderName) -> Result<Self, PlaceError> {
        if name == header::AUTHORIZATION {
            return Ok(Self::Authorization(Scheme::Bare));
        }
        let spent = [header::COOKIE, header::HOST, header::CONTENT_LENGTH, header::CONTENT_TYPE];
        if spent.contains(&name) || is_hop_by_hop(&name) {
            return Err(PlaceError::NotForCredentials(name));
        }
        Ok(Self::Header(name))
    }
}

/// How a login's session is told from keys, written `cookie:NAME`, `issuer:URL` or `prefix:TEXT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Session {
    /// A cookie of this name.
    Cookie(Box<str>),
    /// A JWT in `Authorization` whose `iss` is this.
    Issuer(Box<str>),
    /// A token in `Authorization` that begins so.
    Prefix(Box<str>),
}

/// What tells no session.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// It is not written as sessions are.
    #[error("`{0}` is no session; write `cookie:NAME`, `issuer:URL` or `prefix:TEXT`")]
    Unreadable(String),
    /// No token can begin so.
    #[error("no token begins with `{0}`; write the letters that one begins with, without its scheme")]
    NoToken(String),
}

impl FromStr for Session {
    type Err = SessionError;

    fn from_str(text: &str) -> Result<Self, SessionError> {
        let unreadable = || SessionError::Unreadable(text.to_owned());
        let (kind, name) = text.split_once(':').ok_or_else(unreadable)?;
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(unreadable());
        }
        match kind {
            "cookie" if !name.contains([';', '=', ',', '"']) => Ok(Self::Cookie(name.into())),
            "issuer" => Ok(Self::Issuer(name.into())),
            "prefix" if crate::credential::is_token68(name.as_bytes()) => Ok(Self::Prefix(name.into())),
            "prefix" => Err(SessionError::NoToken(name.to_owned())),
            _ => Err(unreadable()),
        }
    }
}

/// Whether a header is for this connection only. `Trailer` is not among them: it announces
/// what follows the body, and bodies pass with their trailers.
pub(crate) fn is_hop_by_hop(name: &HeaderName) -> bool {
    [
        header::CONNECTION,
        header::PROXY_AUTHENTICATE,
        header::PROXY_AUTHORIZATION,
        header::TE,
        header::TRANSFER_ENCODING,
        header::UPGRADE,
    ]
    .contains(name)
        || matches!(name.as_str(), "keep-alive" | "proxy-connection" | "http2-settings")
}

/// Headers by which every request is judged, beside those for one connection.
const JUDGED: [HeaderName; 6] = [
    header::AUTHORIZATION,
    header::CONTENT_ENCODING,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::COOKIE,
    header::HOST,
];

/// Headers that carry keys at many APIs.
const USUAL_HEADERS: [&str; 9] = [
    "x-api-key",
    "api-key",
    "apikey",
    "x-apikey",
    "x-auth-token",
    "x-access-token",
    "x-auth-key",
    "private-token",
    "x-token",
];

/// Query parameters that carry keys at many APIs. `key` is none: too many other things are
/// called so, and it counts where the document or the configuration names it.
const USUAL_PARAMETERS: [&str; 5] = ["api_key", "apikey", "access_token", "token", "private_token"];

/// Every place where credentials of one API travel, and how its sessions are told apart.
///
/// `Authorization` is always one, in all its forms. `Proxy-Authorization` never is: it is
/// meant for the proxy, and ends here.
#[derive(Clone, Debug)]
pub struct Places {
    pub(crate) headers: Vec<HeaderName>,
    pub(crate) parameters: Vec<Box<str>>,
    pub(crate) cookies: Vec<Box<str>>,
    pub(crate) session_cookies: Vec<Box<str>>,
    pub(crate) session_issuers: Vec<Box<str>>,
    pub(crate) session_prefixes: Vec<Box<str>>,
    together: Vec<(Place, Place)>,
}

impl Default for Places {
    fn default() -> Self {
        Self::well_known()
    }
}

impl Places {
    /// The places that many APIs use.
    pub fn well_known() -> Self {
        Self {
            headers: USUAL_HEADERS.into_iter().map(HeaderName::from_static).collect(),
            parameters: USUAL_PARAMETERS.into_iter().map(Box::from).collect(),
            cookies: Vec::new(),
            session_cookies: Vec::new(),
            session_issuers: Vec::new(),
            session_prefixes: Vec::new(),
            together: Vec::new(),
        }
    }

    /// One place more, which the API's document or the operator names.
    #[must_use]
    pub fn with(mut self, place: Place) -> Self {
        match place {
            Place::Authorization(_) | Place::Path => {}
            Place::Header(name) if self.is_header(&name) => {}
            Place::Header(name) => self.headers.push(name),
            Place::Query(name) if self.is_parameter(&name) => {}
            Place::Query(name) => self.parameters.push(name),
            Place::Cookie(name) if self.cookies.contains(&name) => {}
            Place::Cookie(name) => self.cookies.push(name),
        }
        self
    }

    /// Two places whose values the document demands together: they are one key.
    #[must_use]
    pub fn with_pair(mut self, one: Place, other: Place) -> Self {
        self.together.push((one.clone(), other.clone()));
        self.with(one).with(other)
    }

    /// What tells a login's session.
    #[must_use]
    pub fn with_session(self, session: &Session) -> Self {
        match session {
            Session::Cookie(name) => self.with_session_cookie(name),
            Session::Issuer(issuer) => self.with_session_issuer(issuer),
            Session::Prefix(prefix) => self.with_session_prefix(prefix),
        }
    }

    /// A cookie that holds a login's session. The operator's word counts more than the
    /// document's: where both name a cookie, it is a session.
    #[must_use]
    pub fn with_session_cookie(mut self, name: &str) -> Self {
        self.session_cookies.push(name.into());
        self
    }

    /// The issuer (`iss`) of JWTs in `Authorization` that are a login's session.
    ///
    /// The signature is not verified here: the upstream refuses a forged one. That is why a
    /// session never excuses a credential beside it.
    #[must_use]
    pub fn with_session_issuer(mut self, issuer: &str) -> Self {
        self.session_issuers.push(issuer.into());
        self
    }

    /// The beginning of tokens in `Authorization` that are a login's session.
    #[must_use]
    pub fn with_session_prefix(mut self, prefix: &str) -> Self {
        if !prefix.is_empty() {
            self.session_prefixes.push(prefix.into());
        }
        self
    }

    /// Whether values in these two places are one key.
    pub fn belong_together(&self, one: &Place, other: &Place) -> bool {
        self.together.iter().any(|(a, b)| (a == one && b == other) || (a == other && b == one))
    }

    /// Whether requests are judged, or find their way, by such a header or by one that
    /// upstreams take for it: nobody but the client may say it, or leave it away.
    pub fn is_judged_by(&self, name: &HeaderName) -> bool {
        let plain = unify(name.as_str()).unwrap_or_else(|| name.as_str().to_owned());
        let is = |known: &HeaderName| unify(known.as_str()).as_deref().unwrap_or(known.as_str()) == plain;
        JUDGED.iter().chain(&self.headers).any(is)
            || crate::second_method::is_header(&plain)
            || crate::second_path::is_header(&plain)
            || plain.parse().is_ok_and(|plain| is_hop_by_hop(&plain))
    }

    pub(crate) fn is_header(&self, name: &HeaderName) -> bool {
        self.headers.contains(name)
    }

    /// Whether an upstream that writes header names with other separators takes this name for
    /// a place of ours that it is not.
    pub(crate) fn is_twin(&self, name: &HeaderName) -> bool {
        let is_same = |known: &HeaderName| dashed(known.as_str()).eq(dashed(name.as_str()));
        !self.is_header(name) && self.headers.iter().any(is_same)
    }

    /// Whether a parameter of this name is such a place, in any spelling that frameworks take
    /// for it.
    pub(crate) fn is_parameter(&self, name: &str) -> bool {
        let is_known = |name: &str| self.parameters.iter().any(|known| known.eq_ignore_ascii_case(name));
        let is_plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
        is_known(name)
            || !is_plain && {
                let flat = flat(name);
                self.parameters.iter().any(|known| crate::place::flat(known).eq_ignore_ascii_case(&flat))
                    || stems(name).any(is_known)
            }
    }

    pub(crate) fn is_cookie(&self, name: &str) -> bool {
        let is_known = |name: &str| self.cookies.iter().any(|known| **known == *name);
        !self.is_session_cookie(name) && (is_known(name) || name.contains(['.', ' ', '[']) && is_known(&flat(name)))
    }

    pub(crate) fn is_session_cookie(&self, name: &str) -> bool {
        self.session_cookies.iter().any(|known| **known == *name)
    }
}

/// A name as PHP reads it: blanks before it do not count, and what cannot stand in a name is an
/// underscore.
fn flat(name: &str) -> String {
    let name = name.split('\0').next().unwrap_or_default().trim();
    name.chars().map(|letter| if matches!(letter, '.' | ' ' | '[' | '+') { '_' } else { letter }).collect()
}

/// A name as readers of nested names have it: what stands before the bracket, or within the
/// first brackets where nothing stands before.
fn stems(name: &str) -> impl Iterator<Item = &str> {
    let name = name.split('\0').next().unwrap_or_default().trim();
    let before = name.split('[').next().unwrap_or_default().trim();
    let within = name.strip_prefix('[').map(|rest| rest.split([']', '[']).next().unwrap_or_default().trim());
    [Some(before), within].into_iter().flatten()
}

/// The letters of a header's name, with the separators as [`unify`] has them.
fn dashed(name: &str) -> impl Iterator<Item = u8> {
    name.bytes().map(|byte| if matches!(byte, b'_' | b'.') { b'-' } else { byte })
}

/// A header's name with hyphens for the separators that CGI and its heirs cannot tell from
/// them. Nothing where that changes nothing.
pub(crate) fn unify(name: &str) -> Option<String> {
    name.bytes().any(|byte| matches!(byte, b'_' | b'.')).then(|| name.replace(['_', '.'], "-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_read_back_as_written() {
        for text in [
            "authorization:bearer",
            "authorization:basic-user",
            "authorization:ssws",
            "header:x-api-key",
            "query:Key",
            "cookie:sid",
        ] {
            assert_eq!(text.parse::<Place>().unwrap().to_string(), text);
        }
        for text in ["", "x", "header:", "header:a b", "cookie:a=b", "body:x", "query:é"] {
            assert!(matches!(text.parse::<Place>(), Err(PlaceError::Unreadable(_))), "{text}");
        }
    }

    #[test]
    fn sessions_are_told_by_cookie_issuer_and_prefix_and_by_nothing_else() {
        let cases = [
            ("cookie:sid", Session::Cookie("sid".into())),
            ("issuer:https://login.example/", Session::Issuer("https://login.example/".into())),
            ("issuer:directus", Session::Issuer("directus".into())),
            ("prefix:eyJ", Session::Prefix("eyJ".into())),
        ];
        for (text, session) in cases {
            assert_eq!(text.parse(), Ok(session), "{text}");
        }
        for text in
            ["", "sid", "cookie:", "cookie:a=b", "issuer:", "prefix:", "header:x-session", "authorization:bearer"]
        {
            assert!(matches!(text.parse::<Session>(), Err(SessionError::Unreadable(_))), "{text}");
        }
        assert!(matches!("prefix:a:b".parse::<Session>(), Err(SessionError::NoToken(_))));
    }

    #[test]
    fn some_headers_hold_no_credential() {
        for text in ["header:proxy-authorization", "header:cookie", "header:host", "header:connection"] {
            assert!(matches!(text.parse::<Place>(), Err(PlaceError::NotForCredentials(_))), "{text}");
        }
        assert_eq!("header:Authorization".parse(), Ok(Place::Authorization(Scheme::Bare)));
    }

    #[test]
    fn twins_are_told_from_what_the_document_names() {
        let name = |text: &'static str| HeaderName::from_static(text);
        let places = Places::well_known().with(Place::Header(name("api_key"))).with(Place::Header(name("acme_key")));
        assert!(places.is_twin(&name("acme-key")), "whichever of the two is the place");
        assert!(!places.is_twin(&name("api_key")));
        assert!(places.is_twin(&name("x_api_key")));
        assert!(places.is_twin(&name("x.api-key")));
        assert!(!places.is_twin(&name("x-api-key")));
        assert!(!places.is_twin(&name("x_other")));
    }
}

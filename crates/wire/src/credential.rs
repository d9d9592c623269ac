//! Finds the credentials in a request, and takes them out.

use std::borrow::Cow;

use base64::{
    Engine as _,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::URL_SAFE_NO_PAD},
};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use law::Refusal;
use percent_encoding::percent_decode;
use zeroize::Zeroizing;

use crate::{Place, Places, Query, Scheme, Secret, is_distinctive, json, place::is_hop_by_hop};

/// More credentials than this in one request belong to somebody who is trying something.
const MOST_CANDIDATES: usize = 16;

/// How long a value is that may be a credential in a place that nobody named, in bytes.
const POSSIBLE_LENGTH: std::ops::RangeInclusive<usize> = 8..=16 * 1024;

/// How many such values are looked at.
const MOST_POSSIBLE: usize = 256;

/// Behind so many dots of a WebSocket's protocol a key is looked for.
const MOST_DOTS: usize = 16;

/// How many layers of percent signs and escapes are taken off.
const DEPTH: u8 = 3;

/// A shorter text is not taken for base64 of a credential, in bytes.
const LEAST_ENCODED: usize = 12;

/// A value that counts as a credential, because of where it stands.
pub struct Candidate {
    /// Where it stands.
    pub place: Place,
    /// What stands there.
    pub secret: Secret,
}

/// What a request presents.
#[derive(Default)]
pub struct Found {
    /// Credentials: `Authorization` first, then headers, the query, and cookies. `Basic` gives
    /// two, the user and the password: which of them is a key, if any, only a digest tells. A
    /// password that a person chose must not be kept.
    pub candidates: Vec<Candidate>,
    /// A login's sessions. They excuse no credential beside them.
    pub sessions: Vec<Candidate>,
}

/// A value that may be a credential although nobody named its place.
#[derive(Debug, PartialEq, Eq)]
pub struct Possible<'a> {
    /// Where it stands.
    pub place: Place,
    /// The value, for its digest only.
    pub value: Cow<'a, [u8]>,
    /// Whether only a machine makes such a value. One that is not distinctive stands alone in
    /// its place; where it is a known key, chance may have put the same word there.
    pub distinctive: bool,
}

/// The values that may be credentials although nobody named their places.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct PossibleValues<'a> {
    /// At most 256 values of 8 bytes to 16 KiB.
    pub values: Vec<Possible<'a>>,
    /// Whether there were more, which have not been looked at: a key may hide among them.
    pub overflowed: bool,
}

/// What stays when credentials are taken out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Nothing: the caller counts as nobody.
    Nothing,
    /// A login's session.
    Session,
}

/// Finds every credential in the places where they travel.
///
/// # Errors
/// - [`Refusal::BadHeader`] for two `Authorization` headers or one that upstreams would read
///   differently: several tokens after one scheme, `Basic` that is not plain base64, bytes
///   outside ASCII;
/// - [`Refusal::TwoCredentials`] for more than sixteen.
pub fn find(headers: &HeaderMap, query: Query<'_>, places: &Places) -> Result<Found, Refusal> {
    let mut found = Found::default();
    if let Some(value) = authorization(headers)? {
        for candidate in read_authorization(value)? {
            let is_session = is_session(&candidate, places);
            if is_session { &mut found.sessions } else { &mut found.candidates }.push(candidate);
        }
    }
    // Most requests have none of them: a glance at what is there costs less than asking for each.
    if headers.keys().any(|name| places.is_header(name)) {
        for name in &places.headers {
            for value in headers.get_all(name) {
                found.take(Place::Header(name.clone()), value.as_bytes())?;
            }
        }
    }
    for parameter in query.parameters().chain(query.parameters_at_semicolons()) {
        if places.is_parameter(&parameter.name) {
            found.take(Place::Query(parameter.stem().into()), parameter.value.as_bytes())?;
        }
    }
    for (name, value) in cookies(headers) {
        if places.is_cookie(&name) {
            found.take(Place::Cookie(name.into()), value)?;
        } else if places.is_session_cookie(&name) && !value.is_empty() && found.sessions.len() < MOST_CANDIDATES {
            found.sessions.push(Candidate { place: Place::Cookie(name.into()), secret: Secret::new(value) });
        }
    }
    Ok(found)
}

impl Found {
    /// Adds a value unless it is empty or was found in the same place before, as a query that
    /// is read in two ways gives it.
    fn take(&mut self, place: Place, value: &[u8]) -> Result<(), Refusal> {
        let value = value.trim_ascii();
        let is_known = |known: &Candidate| known.place == place && known.secret.expose() == value;
        if value.is_empty() || self.candidates.iter().any(is_known) {
            return Ok(());
        }
        if self.candidates.len() >= MOST_CANDIDATES {
            return Err(Refusal::TwoCredentials);
        }
        self.candidates.push(Candidate { place, secret: Secret::new(value) });
        Ok(())
    }

    /// Whether this value is a credential already, or a session that is told by what it is. A
    /// session's cookie is told by its name alone, and may hold a key.
    fn holds(&self, value: &[u8]) -> bool {
        let told = self.sessions.iter().filter(|session| !matches!(session.place, Place::Cookie(_)));
        self.candidates.iter().chain(told).any(|candidate| candidate.secret.expose() == value)
    }
}

/// The one `Authorization` header, trimmed, unless it is empty.
fn authorization(headers: &HeaderMap) -> Result<Option<&str>, Refusal> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Refusal::BadHeader);
    }
    let text = value.to_str().map_err(|_| Refusal::BadHeader)?.trim_matches(' ');
    if text.contains('\t') {
        return Err(Refusal::BadHeader);
    }
    Ok((!text.is_empty()).then_some(text))
}

fn read_authorization(value: &str) -> Result<Vec<Candidate>, Refusal> {
    let one = |scheme, text: &str| {
        vec![Candidate { place: Place::Authorization(scheme), secret: Secret::new(text.as_bytes()) }]
    };
    let Some((name, rest)) = value.split_once(' ') else {
        // A scheme without anything behind it presents nothing.
        let is_empty = value.eq_ignore_ascii_case("basic") || !matches!(Scheme::called(value), Scheme::Other(_));
        return Ok(if is_empty { Vec::new() } else { one(Scheme::Bare, value) });
    };
    let rest = rest.trim_start_matches(' ');
    let is_single = !rest.contains([' ', ',']);
    if name.eq_ignore_ascii_case("basic") {
        return read_basic(rest);
    }
    match Scheme::called(name) {
        Scheme::Token => match token_parameter(rest) {
            Some(token) => Ok(one(Scheme::Token, token)),
            None if is_single => Ok(one(Scheme::Token, rest)),
            None => Err(Refusal::BadHeader),
        },
        // Schemes that nobody named may have parameters: signatures do.
        other @ Scheme::Other(_) => Ok(one(other, rest)),
        scheme if is_single => Ok(one(scheme, rest)),
        _ => Err(Refusal::BadHeader),
    }
}

/// The value of `token=…` among parameters, without its quotes.
fn token_parameter(rest: &str) -> Option<&str> {
    let mut tokens = rest.split([',', ';']).filter_map(|part| part.trim().strip_prefix("token="));
    let token = tokens.next()?.trim_matches('"');
    // Two of them could be read in two ways.
    (tokens.next().is_none() && !token.is_empty() && !token.contains([' ', '"'])).then_some(token)
}

/// `Basic` is read only where every decoder reads it alike: the plain alphabet, nothing left
/// over. Only the padding may be missing.
fn read_basic(encoded: &str) -> Result<Vec<Candidate>, Refusal> {
    const PLAIN: GeneralPurpose = GeneralPurpose::new(
        &base64::alphabet::STANDARD,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    let decoded = Zeroizing::new(PLAIN.decode(encoded).map_err(|_| Refusal::BadHeader)?);
    let colon = decoded.iter().position(|byte| *byte == b':').ok_or(Refusal::BadHeader)?;
    let (user, password) = decoded.split_at_checked(colon).ok_or(Refusal::BadHeader)?;
    let password = password.get(1..).unwrap_or_default();
    if decoded.iter().any(u8::is_ascii_control) {
        return Err(Refusal::BadHeader);
    }
    let parts = [(Scheme::BasicUser, user), (Scheme::BasicPassword, password)];
    let given = parts.into_iter().filter(|(_, part)| !part.is_empty());
    Ok(given
        .map(|(scheme, part)| Candidate { place: Place::Authorization(scheme), secret: Secret::new(part) })
        .collect())
}

/// Whether what stands in `Authorization` is a login's session, by its beginning or its
/// issuer. It must be one token and nothing else: behind a session's beginning, an upstream
/// may look for a key.
fn is_session(candidate: &Candidate, places: &Places) -> bool {
    if matches!(candidate.place, Place::Authorization(Scheme::BasicUser | Scheme::BasicPassword)) {
        return false;
    }
    let token = candidate.secret.expose();
    if !is_token68(token) {
        return false;
    }
    places.session_prefixes.iter().any(|prefix| token.starts_with(prefix.as_bytes()))
        || !places.session_issuers.is_empty()
            && issuer(token).is_some_and(|issuer| places.session_issuers.iter().any(|known| **known == *issuer))
}

/// One token as RFC 9110, section 11.2, has it: nothing in it separates anything.
pub(crate) fn is_token68(token: &[u8]) -> bool {
    let end = token.iter().rposition(|byte| *byte != b'=').map_or(0, |last| last + 1);
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(byte);
    end > 0 && token.iter().take(end).all(is_part)
}

/// Who says that he issued this JWT.
fn issuer(token: &[u8]) -> Option<String> {
    let mut parts = token.split(|byte| *byte == b'.');
    let (Some(_), Some(claims), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return None;
    };
    let claims = URL_SAFE_NO_PAD.decode(claims).ok()?;
    json::member(str::from_utf8(&claims).ok()?, "iss")
}

/// Every cookie, in order, without the quotes around its value. Names are made readable.
fn cookies(headers: &HeaderMap) -> impl Iterator<Item = (Cow<'_, str>, &[u8])> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b';'))
        .filter_map(split_cookie)
}

/// Name and value of one cookie. Without a `=` it is a value without a name.
fn split_cookie(cookie: &[u8]) -> Option<(Cow<'_, str>, &[u8])> {
    let Some(equals) = cookie.iter().position(|byte| *byte == b'=') else {
        let value = cookie.trim_ascii();
        return (!value.is_empty()).then_some((Cow::Borrowed(""), value));
    };
    let (name, value) = cookie.split_at_checked(equals)?;
    let value = value.get(1..)?.trim_ascii();
    let bare = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value);
    Some((String::from_utf8_lossy(name.trim_ascii()), bare))
}

/// Every other value that may be a credential: so that a key that is known is recognised
/// wherever it stands, alone or among other words, encoded or not. Values that [`find`] has
/// found as candidates are left out, and so are headers that no upstream takes for a
/// credential; what counts as a session's cookie is looked at all the same.
pub fn possible<'a>(headers: &'a HeaderMap, query: Query<'a>, found: &Found) -> PossibleValues<'a> {
    let mut possible = PossibleValues::default();
    for (name, value) in headers {
        let is_read = || *name == header::AUTHORIZATION && is_one_token(value.as_bytes(), found);
        if *name == header::COOKIE || is_ordinary(name) || is_read() {
            continue;
        }
        let place = Place::Header(name.clone());
        possible.read(&place, value.as_bytes().trim_ascii(), found);
        // Browsers can send no other header with a WebSocket: some APIs take a key behind a name and a dot.
        if *name == header::SEC_WEBSOCKET_PROTOCOL {
            for piece in value.as_bytes().split(|byte| separates(*byte)) {
                let dots: Vec<usize> =
                    piece.iter().enumerate().filter(|(_, byte)| **byte == b'.').map(|(at, _)| at).collect();
                possible.overflowed |= dots.len() > MOST_DOTS;
                for at in dots.into_iter().take(MOST_DOTS) {
                    possible.read(&place, piece.get(at + 1..).unwrap_or_default(), found);
                }
            }
        }
    }
    // Some readers of `Basic` decode its halves once more.
    for half in &found.candidates {
        if matches!(half.place, Place::Authorization(Scheme::BasicUser | Scheme::BasicPassword)) {
            possible.read_owned(&half.place, half.secret.expose(), found, DEPTH);
        }
    }
    for (name, value) in cookies(headers) {
        possible.read(&Place::Cookie(name.into()), value, found);
    }
    for parameter in query.parameters().chain(query.parameters_at_semicolons()) {
        let place = Place::Query(parameter.stem().into());
        let (name, value) = (parameter.name, parameter.value);
        match if value.is_empty() { name } else { value } {
            Cow::Borrowed(text) => possible.read(&place, text.as_bytes(), found),
            Cow::Owned(text) => possible.read_owned(&place, text.as_bytes(), found, DEPTH),
        }
    }
    possible
}

/// The same for the segments of a path.
pub fn possible_in_path<'a>(segments: impl Iterator<Item = &'a str>, found: &Found) -> PossibleValues<'a> {
    let mut possible = PossibleValues::default();
    for segment in segments {
        possible.read(&Place::Path, segment.as_bytes(), found);
    }
    possible
}

/// What readers could make of a text, itself among it, where only a machine makes such a thing:
/// behind a scheme, in quotes, percent-encoded, escaped, in base64.
pub fn spellings(text: &[u8]) -> Vec<Cow<'_, [u8]>> {
    let mut possible = PossibleValues::default();
    possible.read(&Place::Path, text, &Found::default());
    possible.values.into_iter().filter(|it| it.distinctive).map(|it| it.value).collect()
}

impl<'a> PossibleValues<'a> {
    /// Takes a value, and all that readers could make of it.
    fn read(&mut self, place: &Place, value: &'a [u8], found: &Found) {
        if value.len() < *POSSIBLE_LENGTH.start() {
            return;
        }
        self.take(place, Cow::Borrowed(value), found);
        for word in words(value) {
            if is_distinctive(word) {
                self.take(place, Cow::Borrowed(word), found);
            }
        }
        self.read_encoded(place, value, found, DEPTH);
    }

    fn read_owned(&mut self, place: &Place, value: &[u8], found: &Found, depth: u8) {
        if value.len() < *POSSIBLE_LENGTH.start() {
            return;
        }
        self.take(place, Cow::Owned(value.to_vec()), found);
        for word in words(value).filter(|word| is_distinctive(word)) {
            self.take(place, Cow::Owned(word.to_vec()), found);
        }
        self.read_encoded(place, value, found, depth);
    }

    /// What stands in a value in another form: percent signs, the escapes of quoted strings,
    /// base64.
    fn read_encoded(&mut self, place: &Place, value: &[u8], found: &Found, depth: u8) {
        let Some(below) = depth.checked_sub(1) else { return };
        if value.contains(&b'%') {
            let decoded: Vec<u8> = percent_decode(value).collect();
            if decoded != value {
                self.read_owned(place, &decoded, found, below);
            }
        }
        if value.contains(&b'\\') {
            let (numbers, letters) = (unescaped(value, true), unescaped(value, false));
            if numbers != letters {
                self.read_owned(place, &letters, found, below);
            }
            self.read_owned(place, &numbers, found, below);
        }
        for piece in encoded_pieces(value).filter(|piece| !found.holds(piece)) {
            let Some(decoded) = from_base64(piece) else { continue };
            for word in std::iter::once(&*decoded).chain(words(&decoded)).filter(|word| is_distinctive(word)) {
                self.take(place, Cow::Owned(word.to_vec()), found);
            }
            self.read_encoded(place, &decoded, found, below);
        }
    }

    fn take(&mut self, place: &Place, value: Cow<'a, [u8]>, found: &Found) {
        let is_known = || self.values.iter().any(|known| known.value == value);
        if !POSSIBLE_LENGTH.contains(&value.len()) || found.holds(&value) || is_known() {
            return;
        }
        if self.values.len() < MOST_POSSIBLE {
            let distinctive = is_distinctive(&value);
            self.values.push(Possible { place: place.clone(), value, distinctive });
        } else {
            self.overflowed = true;
        }
    }
}

/// Whether all of this `Authorization` is one scheme and one token, which was found.
fn is_one_token(value: &[u8], found: &Found) -> bool {
    let mut parts = value.split(|byte| *byte == b' ').filter(|part| !part.is_empty());
    match (parts.next(), parts.next(), parts.next()) {
        // Strictly read, with nothing left over.
        (Some(scheme), Some(_), None) if scheme.eq_ignore_ascii_case(b"basic") => true,
        (Some(scheme), Some(token), None) => {
            scheme.iter().all(u8::is_ascii_alphabetic) && is_token68(token) && found.holds(token)
        }
        (Some(token), None, None) => is_token68(token) && found.holds(token),
        _ => false,
    }
}

/// What is no visible letter of ASCII separates as well: what readers cut off or pass over
/// (a no-break space, NUL, a vertical tab) differs from one to the next, and no key has it.
const fn separates(byte: u8) -> bool {
    !byte.is_ascii_graphic()
        || matches!(byte, b',' | b';' | b'"' | b'\'' | b'&' | b'|' | b'<' | b'>' | b'(' | b')')
        || matches!(byte, b'{' | b'}' | b'[' | b']' | b'\\')
}

/// The words of a value: behind a scheme, in quotes, in a list, behind a name, before a signature.
fn words(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    let pieces = || value.split(|byte| separates(*byte));
    let ends = |byte: &u8| matches!(byte, b'=' | b':' | b'/' | b'?' | b'#' | b'!' | b'~' | b'@' | b'%');
    let whole = pieces().filter(move |piece| piece.len() < value.len());
    let named = pieces().flat_map(move |piece| piece.split(ends).filter(move |part| part.len() < piece.len()));
    let behind = pieces().filter_map(|piece| {
        let separator = piece.iter().position(|byte| matches!(byte, b'=' | b':'))?;
        piece.get(separator + 1..)
    });
    // Signed cookies: the value, a dot, perhaps a moment and a dot, and the signature.
    let signed = pieces().flat_map(move |piece| piece.split(ends)).flat_map(|part| {
        let before = |part: &'_ [u8]| part.iter().rposition(|byte| *byte == b'.');
        let first = before(part).and_then(|at| part.get(..at));
        let second = first.and_then(|first| first.get(..before(first)?));
        [first, second].into_iter().flatten()
    });
    whole.chain(named).chain(behind).chain(signed)
}

/// The pieces of a value that may be base64.
fn encoded_pieces(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| separates(*byte) || *byte == b':').flat_map(|piece| {
        let behind = piece.iter().position(|byte| *byte == b'=').and_then(|at| piece.get(at + 1..));
        [Some(piece), behind].into_iter().flatten()
    })
}

/// What a piece stands for in base64, in either alphabet, padded or not.
fn from_base64(piece: &[u8]) -> Option<Vec<u8>> {
    const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    const PLAIN: GeneralPurpose = GeneralPurpose::new(&base64::alphabet::STANDARD, LENIENT);
    const FOR_URLS: GeneralPurpose = GeneralPurpose::new(&base64::alphabet::URL_SAFE, LENIENT);
    if piece.len() < LEAST_ENCODED || !is_token68(piece) {
        return None;
    }
    PLAIN.decode(piece).or_else(|_| FOR_URLS.decode(piece)).ok()
}

/// A text without the escapes of quoted strings: `\101` is an `A` for some readers of cookies,
/// `\x41` and `\u0041` for readers of JSON and its like; for others `\x` is an `x`, whatever
/// stands behind it.
fn unescaped(value: &[u8], numbers: bool) -> Vec<u8> {
    let mut plain = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'\\' {
            plain.push(*first);
            continue;
        }
        match (rest.split_first(), numbered(rest).filter(|_| numbers)) {
            (_, Some((letter, after))) => {
                match u8::try_from(letter) {
                    Ok(byte) => plain.push(byte),
                    Err(_) => plain.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes()),
                }
                rest = after;
            }
            (Some((next, after)), None) => {
                plain.push(*next);
                rest = after;
            }
            (None, None) => {}
        }
    }
    plain
}

/// The letter that an escape gives by its number, and what follows it.
fn numbered(escape: &[u8]) -> Option<(char, &[u8])> {
    let (begins, digits, radix) = match escape.first()? {
        b'u' => (1, 4, 16),
        b'x' => (1, 2, 16),
        _ => (0, 3, 8),
    };
    let (number, rest) = escape.get(begins..)?.split_at_checked(digits)?;
    let number = number.iter().all(u8::is_ascii_alphanumeric).then_some(number)?;
    let number = u32::from_str_radix(str::from_utf8(number).ok()?, radix).ok()?;
    Some((char::from_u32(number)?, rest))
}

/// Whether a header is spent on HTTP itself, so that no upstream looks for a credential in it.
fn is_ordinary(name: &HeaderName) -> bool {
    let text = name.as_str();
    matches!(
        text,
        "accept"
            | "accept-charset"
            | "accept-encoding"
            | "accept-language"
            | "access-control-request-headers"
            | "access-control-request-method"
            | "cache-control"
            | "content-encoding"
            | "content-length"
            | "content-type"
            | "date"
            | "dnt"
            | "expect"
            | "host"
            | "if-match"
            | "if-modified-since"
            | "if-none-match"
            | "if-range"
            | "if-unmodified-since"
            | "origin"
            | "pragma"
            | "range"
            | "referer"
            | "upgrade-insecure-requests"
            | "user-agent"
            | "via"
    ) || text.starts_with("sec-fetch-")
        || text.starts_with("sec-ch-")
        || is_hop_by_hop(name)
}

/// Takes the credentials out of the headers of a caller who counts as nobody or as a session,
/// so that the upstream cannot see more in the request than the gate did.
///
/// What stands in the query stays, because the target goes on as it was sent: who counts as
/// nobody must not have a candidate there.
pub fn strip(headers: &mut HeaderMap, places: &Places, keep: Keep) {
    let keeps_authorization = keep == Keep::Session
        && authorization(headers).ok().flatten().and_then(|value| read_authorization(value).ok()).is_some_and(
            |candidates| !candidates.is_empty() && candidates.iter().all(|candidate| is_session(candidate, places)),
        );
    if !keeps_authorization {
        headers.remove(header::AUTHORIZATION);
    }
    for name in &places.headers {
        headers.remove(name);
    }
    // What is not named here does not go on behind the body, where nobody could take it out.
    headers.remove(header::TRAILER);
    let goes = |name: &str| places.is_cookie(name) || keep == Keep::Nothing && places.is_session_cookie(name);
    if !cookies(headers).any(|(name, _)| goes(&name)) {
        return;
    }
    let mut kept: Vec<u8> = Vec::new();
    for value in headers.get_all(header::COOKIE) {
        for cookie in value.as_bytes().split(|byte| *byte == b';') {
            if split_cookie(cookie).is_some_and(|(name, _)| goes(&name)) || cookie.trim_ascii().is_empty() {
                continue;
            }
            if !kept.is_empty() {
                kept.extend_from_slice(b"; ");
            }
            kept.extend_from_slice(cookie.trim_ascii());
        }
    }
    headers.remove(header::COOKIE);
    // Pieces of a header's value are a header's value; were they not, the cookies would go.
    if let (false, Ok(value)) = (kept.is_empty(), HeaderValue::from_bytes(&kept)) {
        headers.insert(header::COOKIE, value);
    }
}

#[cfg(test)]
mod tests;

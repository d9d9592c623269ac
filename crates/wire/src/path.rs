//! What a request is aimed at: judged in one reading, forwarded as it was sent.

use std::ops::Range;

use law::Refusal;

use crate::{Query, query::has_broken_percent};

/// How loosely the upstream reads paths. The gate has to be told, because it must read alike.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PathRules {
    /// What two slashes in a row are.
    pub doubled: Doubled,
    /// What `;` and the rest of its segment are.
    pub matrix: Matrix,
    /// Whether the upstream ignores the case of letters.
    pub ignore_case: bool,
    /// Whether the upstream ignores a slash at the end.
    pub ignore_trailing_slash: bool,
}

/// What two slashes in a row are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Doubled {
    /// Nobody knows: refused.
    #[default]
    Refuse,
    /// One slash.
    Merge,
    /// An empty segment. At the beginning they are refused all the same: some readers take
    /// what follows for a host.
    Keep,
}

/// What `;` and the rest of its segment are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Matrix {
    /// Nobody knows: refused, in any encoding.
    #[default]
    Refuse,
    /// Parameters, cut off before the path is matched. An encoded `;` is refused.
    Strip,
    /// A character like any other.
    Keep,
}

/// The target of a request: what was sent, and how it is read.
///
/// `/repos/a/b/contents/src%2Flib.rs?ref=main` has five segments, the last of which is
/// `src/lib.rs`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    sent: Box<str>,
    path: Range<usize>,
    segments: Vec<Segment>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Segment {
    /// Where it stands in what was sent, without matrix parameters that are cut off.
    at: Range<usize>,
    /// Decoded once and twice, where that changes it.
    decoded: Option<Box<Decoded>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Decoded {
    once: String,
    /// Decoded a second time, where that changes it again.
    twice: Option<String>,
    /// With ASCII letters for their lookalikes, where case is ignored and there are some.
    folded: Option<String>,
}

impl Target {
    /// Reads the target of a request, path and query, in origin form (or `*`).
    ///
    /// # Errors
    /// [`Refusal::BadPath`] for whatever could be read in two ways: dot segments in any
    /// encoding, control characters, broken percent signs, backslashes, bytes outside ASCII,
    /// fragments, text that is no UTF-8 when decoded, encoded slashes with nothing or dots
    /// between them, and what [`PathRules`] refuse.
    pub fn read(sent: &str, rules: &PathRules) -> Result<Self, Refusal> {
        if sent == "*" {
            return Ok(Self { sent: sent.into(), path: 0..1, segments: Vec::new() });
        }
        let end = sent.find('?').unwrap_or(sent.len());
        let (path, query) = sent.split_at(end);
        if !path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\' && byte != b'#') {
            return Err(Refusal::BadPath);
        }
        if query.bytes().any(|byte| byte.is_ascii_control() || byte == b' ' || byte == b'#') {
            return Err(Refusal::BadPath);
        }
        let segments = segments(path, rules)?;
        Ok(Self { sent: sent.into(), path: 0..end, segments })
    }

    /// Path and query, byte for byte as they were sent: this is what goes to the upstream.
    pub fn as_sent(&self) -> &str {
        &self.sent
    }

    /// The path as it was sent.
    pub fn path(&self) -> &str {
        self.sent.get(self.path.clone()).unwrap_or_default()
    }

    /// The query.
    pub fn query(&self) -> Query<'_> {
        Query::new(self.sent.get(self.path.end.saturating_add(1)..))
    }

    /// Whether it is `*`: the server itself, which only `OPTIONS` may ask.
    pub fn is_server(&self) -> bool {
        &*self.sent == "*"
    }

    /// The segments, decoded once: the reading that is judged. `/` has none. A slash at the
    /// end gives an empty last segment, unless the rules ignore it. An encoded slash belongs
    /// to its segment.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().map(|segment| match &segment.decoded {
            Some(decoded) => decoded.once.as_str(),
            None => self.segment_as_sent(segment),
        })
    }

    /// The segments as a careless upstream reads them that decodes twice, where that differs.
    pub fn segments_decoded_twice(&self) -> Option<Vec<&str>> {
        let twice = |segment: &Segment| segment.decoded.as_ref().is_some_and(|decoded| decoded.twice.is_some());
        self.segments.iter().any(twice).then(|| {
            let segments = self.segments.iter().map(|segment| match segment.decoded.as_deref() {
                Some(Decoded { twice: Some(twice), .. }) => twice.as_str(),
                Some(Decoded { once, twice: None, .. }) => once.as_str(),
                None => self.segment_as_sent(segment),
            });
            segments.collect()
        })
    }

    /// Every way in which an upstream may read the path; the first is the one that is judged.
    ///
    /// Others appear only where they differ: routed before decoding; decoded before being
    /// split, so that an encoded slash divides; decoded twice; both; and, where case is
    /// ignored, with letters that some readers take for ASCII ones. Whoever matches operations
    /// matches each of them, and refuses with [`Refusal::BadPath`] where they lead to different
    /// operations.
    pub fn readings(&self) -> Vec<Vec<&str>> {
        let judged: Vec<&str> = self.segments().collect();
        if self.segments.iter().all(|segment| segment.decoded.is_none()) {
            return vec![judged];
        }
        let undecoded = self.segments.iter().map(|segment| self.segment_as_sent(segment)).collect();
        let split = split_at_slashes(&judged);
        let mut readings = vec![judged, undecoded];
        readings.extend(split);
        if let Some(twice) = self.segments_decoded_twice() {
            let split = split_at_slashes(&twice);
            readings.push(twice);
            readings.extend(split);
        }
        if self.segments.iter().any(|segment| segment.folded().is_some()) {
            let folded =
                self.segments.iter().zip(self.segments()).map(|(segment, judged)| segment.folded().unwrap_or(judged));
            readings.push(folded.collect());
        }
        readings
    }

    fn segment_as_sent(&self, segment: &Segment) -> &str {
        self.sent.get(segment.at.clone()).unwrap_or_default()
    }
}

impl Segment {
    fn folded(&self) -> Option<&str> {
        self.decoded.as_ref()?.folded.as_deref()
    }
}

/// The segments with their inner slashes taken for separators, where there are any.
fn split_at_slashes<'a>(segments: &[&'a str]) -> Option<Vec<&'a str>> {
    let split: Vec<&str> = segments.iter().flat_map(|segment| segment.split('/')).collect();
    (split.len() != segments.len()).then_some(split)
}

/// A text with ASCII letters for those that some readers who ignore case take for them: the
/// Kelvin sign is a `k`, a long s is an `s`, an i without or with its dot is an `i`. Nothing
/// where there are none.
fn without_lookalikes(text: &str) -> Option<String> {
    let is_lookalike = |letter| matches!(letter, '\u{130}' | '\u{131}' | '\u{17f}' | '\u{212a}');
    text.contains(is_lookalike).then(|| {
        text.chars()
            .map(|letter| match letter {
                '\u{130}' | '\u{131}' => 'i',
                '\u{17f}' => 's',
                '\u{212a}' => 'k',
                other => other,
            })
            .collect()
    })
}

fn segments(path: &str, rules: &PathRules) -> Result<Vec<Segment>, Refusal> {
    let inner = path.strip_prefix('/').ok_or(Refusal::BadPath)?;
    let mut segments = Vec::with_capacity(8);
    let mut start = 1;
    for raw in inner.split('/') {
        let at = start..start + raw.len();
        start = at.end + 1;
        let is_last = at.end == path.len();
        if raw.is_empty() {
            let counts = match (is_last, rules.doubled) {
                // `/` alone, or a slash at the end.
                (true, _) => !segments.is_empty() && !rules.ignore_trailing_slash,
                (false, Doubled::Merge) => false,
                (false, Doubled::Keep) if !segments.is_empty() => true,
                (false, Doubled::Keep | Doubled::Refuse) => return Err(Refusal::BadPath),
            };
            if counts {
                segments.push(Segment { at, decoded: None });
            }
            continue;
        }
        segments.push(segment(raw, at.start, rules)?);
    }
    Ok(segments)
}

/// Reads one segment that begins at `start`.
fn segment(raw: &str, start: usize, rules: &PathRules) -> Result<Segment, Refusal> {
    let matrix = rules.matrix;
    let kept = match raw.find(';') {
        Some(0) if matrix == Matrix::Strip => return Err(Refusal::BadPath),
        Some(cut) if matrix == Matrix::Strip => {
            let (kept, behind) = raw.split_at_checked(cut).ok_or(Refusal::BadPath)?;
            // An upstream that decodes before it cuts sees what stands behind the cut, and
            // where a slash stands there cuts less.
            if decode(behind, Matrix::Keep)?.is_some_and(|decoded| decoded.once.contains('/')) {
                return Err(Refusal::BadPath);
            }
            kept
        }
        _ => raw,
    };
    let mut decoded = decode(kept, matrix)?;
    if rules.ignore_case
        && let Some(decoded) = &mut decoded
    {
        decoded.folded = without_lookalikes(decoded.twice.as_ref().unwrap_or(&decoded.once));
    }
    Ok(Segment { at: start..start + kept.len(), decoded: decoded.map(Box::new) })
}

/// Decodes a segment once and twice, and refuses what either makes of it.
fn decode(raw: &str, matrix: Matrix) -> Result<Option<Decoded>, Refusal> {
    if has_broken_percent(raw) {
        return Err(Refusal::BadPath);
    }
    let Some(once) = decode_percent(raw)? else {
        return if is_clear(raw, matrix) { Ok(None) } else { Err(Refusal::BadPath) };
    };
    if !is_clear(&once, matrix) {
        return Err(Refusal::BadPath);
    }
    let twice = decode_percent(&once)?;
    if let Some(twice) = &twice {
        let divides_alike = twice.matches('/').count() == once.matches('/').count();
        // Nobody honest encodes three times.
        let is_settled = decode_percent(twice)?.is_none();
        if !divides_alike || !is_settled || !is_clear(twice, matrix) {
            return Err(Refusal::BadPath);
        }
    }
    Ok(Some(Decoded { once, twice, folded: None }))
}

/// Decodes percent signs; broken ones stay. Nothing where nothing changes. `%u002e`, which some
/// servers decode and others do not, is refused.
fn decode_percent(text: &str) -> Result<Option<String>, Refusal> {
    if !text.contains('%') {
        return Ok(None);
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    let mut changed = false;
    while let Some(place) = rest.find('%') {
        let (before, after) = rest.split_at(place);
        bytes.extend_from_slice(before.as_bytes());
        if let Some(byte) = after.get(1..3).filter(|digits| is_hex(digits)) {
            bytes.push(u8::from_str_radix(byte, 16).map_err(|_| Refusal::BadPath)?);
            rest = after.get(3..).unwrap_or_default();
            changed = true;
        } else if after.strip_prefix("%u").and_then(|more| more.get(..4)).is_some_and(is_hex) {
            return Err(Refusal::BadPath);
        } else {
            bytes.push(b'%');
            rest = after.get(1..).unwrap_or_default();
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    let decoded = String::from_utf8(bytes).map_err(|_| Refusal::BadPath)?;
    Ok(changed.then_some(decoded))
}

fn is_hex(digits: &str) -> bool {
    digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Whether a decoded segment means the same to every reader.
fn is_clear(segment: &str, matrix: Matrix) -> bool {
    if segment.chars().any(|letter| letter.is_control() || matches!(letter, '\\' | '\u{ff3c}')) {
        return false;
    }
    if matrix != Matrix::Keep && segment.contains(';') {
        return false;
    }
    let is_divided = segment.contains('/');
    // Some readers take the wide forms for the plain ones.
    segment.split(['/', '\u{ff0f}']).all(|piece| !is_dots(piece) && (!is_divided || !piece.is_empty()))
}

/// Whether a piece of a path climbs or stands still, for anybody: `..;x` climbs where matrix
/// parameters are cut off, and `.. ` where spaces are.
fn is_dots(piece: &str) -> bool {
    let name = piece.split(';').next().unwrap_or_default().trim();
    (1..=2).contains(&name.chars().count())
        && name.chars().all(|letter| matches!(letter, '.' | '\u{ff0e}' | '\u{2024}'))
        || name == "\u{2025}"
}

#[cfg(test)]
mod tests;

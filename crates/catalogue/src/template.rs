//! Path templates, and how a request's segments fit them.

use std::fmt;

use crate::decode;

/// Templates with more segments are refused.
const MOST_SEGMENTS: usize = 256;

/// A parsed template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Template {
    pub(crate) segments: Vec<Segment>,
    /// The places of segments that are one parameter, and whole numbers by the document.
    numbers: Vec<usize>,
}

/// One segment of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Segment {
    /// `users`, percent signs decoded.
    Literal(String),
    /// `{id}.json`, `{a}-{b}`, `{name}:cancel`.
    Mixed(Vec<Piece>),
    /// `{id}`.
    Parameter(String),
    /// A parameter that spans one segment or more, and the text around it.
    Span { name: String, before: String, after: String },
}

/// One piece of a mixed segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    Text(String),
    Parameter(String),
}

/// Why a template cannot be matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TemplateError {
    #[error("two of its parameters span segments")]
    TwoSpans,
    #[error("a parameter that spans segments shares its segment with another")]
    MixedSpan,
    #[error("it has more than {MOST_SEGMENTS} segments")]
    TooLong,
}

/// The value of a parameter in a request, as slices of the request's segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParameterValue<'p> {
    segments: &'p [&'p str],
    /// Bytes of the first segment that belong to the template.
    skip: usize,
    /// Bytes of the last segment that belong to the template.
    cut: usize,
}

impl<'p> ParameterValue<'p> {
    /// The value, where it lies in one segment, which is nearly always.
    pub fn as_str(&self) -> Option<&'p str> {
        match self.segments {
            [one] => one.get(self.skip..one.len().checked_sub(self.cut)?),
            _ => None,
        }
    }

    /// The value's segments.
    pub fn parts(&self) -> impl Iterator<Item = &'p str> + use<'p> {
        let (last, skip, cut) = (self.segments.len().saturating_sub(1), self.skip, self.cut);
        self.segments.iter().enumerate().filter_map(move |(place, segment)| {
            let from = if place == 0 { skip } else { 0 };
            let to = if place == last { segment.len().checked_sub(cut)? } else { segment.len() };
            segment.get(from..to)
        })
    }
}

/// The segments with a slash between them.
impl fmt::Display for ParameterValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, part) in self.parts().enumerate() {
            if place > 0 {
                f.write_str("/")?;
            }
            f.write_str(part)?;
        }
        Ok(())
    }
}

impl Template {
    /// Parses `/users/{name}/keys`; `spans` says which parameters may span segments.
    pub(crate) fn parse(text: &str, spans: impl Fn(&str) -> bool) -> Result<Self, TemplateError> {
        let segments: Vec<Segment> = split(text.strip_prefix('/').unwrap_or(text))
            .into_iter()
            .map(|segment| Segment::parse(segment, &spans))
            .collect::<Result<_, _>>()?;
        if segments.len() > MOST_SEGMENTS {
            return Err(TemplateError::TooLong);
        }
        if segments.iter().filter(|segment| matches!(segment, Segment::Span { .. })).count() > 1 {
            return Err(TemplateError::TwoSpans);
        }
        Ok(Self { segments, numbers: Vec::new() })
    }

    /// The same where these parameters are whole numbers. Behind one that spans segments no
    /// place is certain.
    pub(crate) fn with_numbers(mut self, is_number: impl Fn(&str) -> bool) -> Self {
        let certain = self.segments.iter().take_while(|segment| !matches!(segment, Segment::Span { .. }));
        let numbers = certain.enumerate().filter_map(|(place, segment)| match segment {
            Segment::Parameter(name) if is_number(name) => Some(place),
            _ => None,
        });
        self.numbers = numbers.collect();
        self
    }

    /// The places of what is a whole number.
    pub(crate) fn numbers(&self) -> &[usize] {
        &self.numbers
    }

    /// Whether a path that fits has values that the document does not rule out: one that has a
    /// word where a number belongs asks for something else. Lists of numbers are numbers.
    pub(crate) fn allows(&self, path: &[&str]) -> bool {
        self.numbers.iter().all(|place| {
            let value = path.get(*place).copied().unwrap_or_default();
            value.bytes().any(|byte| byte.is_ascii_digit())
                && value.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b','))
        })
    }

    /// Whether a parameter of it is followed by `:` and a verb, such as `{name}:cancel`.
    pub(crate) fn has_custom_method(&self) -> bool {
        let begins = |text: &str| text.starts_with(':');
        match self.segments.last() {
            Some(Segment::Mixed(pieces)) => {
                pieces.iter().skip(1).any(|it| matches!(it, Piece::Text(text) if begins(text)))
            }
            Some(Segment::Span { after, .. }) => begins(after),
            _ => false,
        }
    }

    /// Whether a path that fits ends, where a parameter stands, in `:` and what may be a verb.
    pub(crate) fn may_name_method(&self, path: &[&str]) -> bool {
        let is_value = match self.segments.last() {
            Some(Segment::Parameter(_)) => true,
            Some(Segment::Span { after, .. }) => after.is_empty(),
            _ => false,
        };
        let verb = || path.last().and_then(|last| last.rsplit_once(':')).map(|(_, verb)| verb);
        is_value && verb().is_some_and(|verb| !verb.is_empty() && verb.bytes().all(|byte| byte.is_ascii_alphabetic()))
    }

    /// The values of the parameters in these segments, which fit the template.
    pub(crate) fn values<'c, 'p>(&'c self, path: &'p [&'p str], fold: bool) -> Vec<(&'c str, ParameterValue<'p>)> {
        let mut values = Vec::new();
        let spanned = (path.len() + 1).saturating_sub(self.segments.len());
        let mut from = 0;
        for segment in &self.segments {
            let width = if matches!(segment, Segment::Span { .. }) { spanned } else { 1 };
            let here = path.get(from..from + width).unwrap_or_default();
            from += width;
            match segment {
                Segment::Literal(_) => {}
                Segment::Parameter(name) => {
                    values.push((name.as_str(), ParameterValue { segments: here, skip: 0, cut: 0 }))
                }
                Segment::Span { name, before, after } => {
                    values
                        .push((name.as_str(), ParameterValue { segments: here, skip: before.len(), cut: after.len() }));
                }
                Segment::Mixed(pieces) => {
                    let text = here.first().copied().unwrap_or_default();
                    take_apart(pieces, text, fold, &mut |name, from, to| {
                        values.push((name, ParameterValue { segments: here, skip: from, cut: text.len() - to }));
                    });
                }
            }
        }
        values
    }

    /// Whether a literal of it has capital letters, or others that are no plain ones.
    pub(crate) fn has_capitals(&self) -> bool {
        let is_plain = |text: &str| text.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase());
        !self.segments.iter().all(|segment| match segment {
            Segment::Literal(text) => is_plain(text),
            Segment::Parameter(_) => true,
            Segment::Mixed(_) | Segment::Span { .. } => false,
        })
    }

    /// Whether some path may fit both, as the most careless reader takes it.
    pub(crate) fn may_meet(&self, other: &Self) -> bool {
        let spans = |template: &Self| template.segments.iter().position(|it| matches!(it, Segment::Span { .. }));
        let checked = match (spans(self), spans(other)) {
            (None, None) if self.segments.len() != other.segments.len() => return false,
            (None, None) => self.segments.len(),
            (Some(one), Some(other)) => one.min(other),
            (Some(one), None) | (None, Some(one)) => one,
        };
        self.segments.iter().zip(&other.segments).take(checked).all(|pair| match pair {
            (Segment::Literal(one), Segment::Literal(other)) => one.eq_ignore_ascii_case(other),
            _ => true,
        })
    }

    /// Whether, for a path of so many segments that fits both, this template says at no place
    /// less and at one place more than the other.
    pub(crate) fn beats(&self, other: &Self, length: usize) -> bool {
        let mut more = false;
        for (mine, theirs) in self.ranks(length).zip(other.ranks(length)) {
            if mine > theirs {
                return false;
            }
            more |= mine < theirs;
        }
        more
    }

    /// How loosely each segment of a path is described, from a literal on.
    fn ranks(&self, length: usize) -> impl Iterator<Item = u8> {
        let spanned = (length + 1).saturating_sub(self.segments.len());
        self.segments.iter().flat_map(move |segment| match segment {
            Segment::Literal(_) => std::iter::repeat_n(0, 1),
            Segment::Mixed(_) => std::iter::repeat_n(1, 1),
            Segment::Parameter(_) => std::iter::repeat_n(2, 1),
            Segment::Span { before, after, .. } if before.is_empty() && after.is_empty() => {
                std::iter::repeat_n(4, spanned)
            }
            Segment::Span { .. } => std::iter::repeat_n(3, spanned),
        })
    }
}

impl Segment {
    fn parse(text: &str, spans: &impl Fn(&str) -> bool) -> Result<Self, TemplateError> {
        let mut pieces: Vec<Piece> = Vec::new();
        let mut span = None;
        let mut rest = text;
        while !rest.is_empty() {
            let (literal, hole, after) = next_hole(rest);
            if !literal.is_empty() {
                pieces.push(Piece::Text(decode::percent(literal).map_or_else(|| literal.to_owned(), Into::into)));
            }
            if let Some(hole) = hole
                && let Some((name, marked)) = parameter(hole)
            {
                if marked || spans(&name) {
                    span = Some(name.clone());
                }
                pieces.push(Piece::Parameter(name));
            }
            rest = after;
        }
        if let Some(name) = span {
            let (before, after) = match pieces.as_slice() {
                [Piece::Parameter(_)] => ("", ""),
                [Piece::Text(before), Piece::Parameter(_)] => (before.as_str(), ""),
                [Piece::Parameter(_), Piece::Text(after)] => ("", after.as_str()),
                [Piece::Text(before), Piece::Parameter(_), Piece::Text(after)] => (before.as_str(), after.as_str()),
                _ => return Err(TemplateError::MixedSpan),
            };
            return Ok(Self::Span { name, before: before.to_owned(), after: after.to_owned() });
        }
        Ok(match pieces.as_slice() {
            [] => Self::Literal(String::new()),
            [Piece::Text(text)] => Self::Literal(text.clone()),
            [Piece::Parameter(name)] => Self::Parameter(name.clone()),
            _ => Self::Mixed(pieces),
        })
    }

    /// Whether one segment of a path fits this one, which does not span. A parameter is never empty.
    pub(crate) fn fits(&self, text: &str, fold: bool) -> bool {
        match self {
            Self::Literal(literal) => same(literal, text, fold),
            Self::Parameter(_) => !text.is_empty(),
            Self::Mixed(pieces) => take_apart(pieces, text, fold, &mut |_, _, _| {}),
            Self::Span { .. } => false,
        }
    }

    /// Whether these segments fit this one, which spans.
    pub(crate) fn spans(&self, path: &[&str], fold: bool) -> bool {
        let (Self::Span { before, after, .. }, [first, .., last]) = (self, path) else {
            return match (self, path) {
                (Self::Span { before, after, .. }, [one]) => {
                    one.len() > before.len() + after.len() && begins(one, before, fold) && ends(one, after, fold)
                }
                _ => false,
            };
        };
        first.len() > before.len() && begins(first, before, fold) && last.len() > after.len() && ends(last, after, fold)
    }
}

/// Splits a template at its slashes, those inside braces excepted.
fn split(text: &str) -> Vec<&str> {
    let mut segments = Vec::new();
    let mut from = 0;
    let mut place = 0;
    while let Some(rest) = text.get(place..) {
        let Some(letter) = rest.chars().next() else { break };
        match letter {
            '/' => {
                segments.push(text.get(from..place).unwrap_or_default());
                place += 1;
                from = place;
            }
            '{' => place += hole(rest).map_or(1, |hole| hole.len() + 2),
            other => place += other.len_utf8(),
        }
    }
    segments.push(text.get(from..).unwrap_or_default());
    segments
}

/// The inside of the braces with which a text begins, if they are closed.
fn hole(text: &str) -> Option<&str> {
    let mut depth = 0_usize;
    for (place, letter) in text.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => {
                depth -= 1;
                if depth == 0 {
                    return text.get(1..place);
                }
            }
            _ => {}
        }
    }
    None
}

/// The text before the next parameter, the parameter, the text after it.
fn next_hole(text: &str) -> (&str, Option<&str>, &str) {
    for (place, _) in text.match_indices('{') {
        let (literal, rest) = text.split_at(place);
        if let Some(inside) = hole(rest) {
            return (literal, Some(inside), rest.get(inside.len() + 2..).unwrap_or_default());
        }
    }
    (text, None, "")
}

/// The name of a parameter, and whether its spelling says that it spans segments: `{+path}`,
/// `{path*}`, `{path+}`, `{path...}`, `{path:.*}`, `{name=things/*}`. `{?page}` is no part of the path.
fn parameter(hole: &str) -> Option<(String, bool)> {
    if hole.starts_with(['?', '&']) {
        return None;
    }
    let (name, shape) = hole.split_once(['=', ':']).unwrap_or((hole, ""));
    let marked = shape == "path"
        || shape.contains('/')
        || shape.contains("**")
        || matches!(shape, ".*" | ".+")
        || name.starts_with('+')
        || name.ends_with(['+', '*'])
        || name.ends_with("...");
    let name = name.trim_start_matches(['+', '/', '#', ';', '.']).trim_end_matches(['+', '*', '?', '.']).trim();
    Some((name.to_owned(), marked))
}

/// Fits a text to pieces and tells where each parameter lies: each one as short as can be, the
/// last one what is left.
fn take_apart<'c>(pieces: &'c [Piece], text: &str, fold: bool, tell: &mut impl FnMut(&'c str, usize, usize)) -> bool {
    let mut place = 0;
    // A parameter that is open, and where it began.
    let mut open: Option<(&str, usize)> = None;
    for (number, piece) in pieces.iter().enumerate() {
        let rest = text.get(place..).unwrap_or_default();
        match (piece, open) {
            (Piece::Parameter(name), before) => {
                if let Some((before, from)) = before {
                    tell(before, from, place);
                }
                let Some(first) = rest.chars().next() else { return false };
                open = Some((name, place));
                place += first.len_utf8();
            }
            (Piece::Text(literal), None) => {
                if !begins(rest, literal, fold) {
                    return false;
                }
                place += literal.len();
            }
            (Piece::Text(literal), Some((name, from))) => {
                let at = if number + 1 == pieces.len() {
                    rest.len().checked_sub(literal.len()).filter(|_| ends(rest, literal, fold))
                } else {
                    position(rest, literal, fold)
                };
                let Some(at) = at else { return false };
                tell(name, from, place + at);
                open = None;
                place += at + literal.len();
            }
        }
    }
    match open {
        Some((name, from)) => tell(name, from, text.len()),
        None if place != text.len() => return false,
        None => {}
    }
    true
}

fn same(one: &str, other: &str, fold: bool) -> bool {
    if fold { one.eq_ignore_ascii_case(other) } else { one == other }
}

fn begins(text: &str, with: &str, fold: bool) -> bool {
    text.get(..with.len()).is_some_and(|start| same(start, with, fold))
}

fn ends(text: &str, with: &str, fold: bool) -> bool {
    text.len().checked_sub(with.len()).and_then(|at| text.get(at..)).is_some_and(|end| same(end, with, fold))
}

fn position(text: &str, of: &str, fold: bool) -> Option<usize> {
    if !fold {
        return text.find(of);
    }
    text.char_indices().map(|(place, _)| place).find(|place| begins(text.get(*place..).unwrap_or_default(), of, true))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn template(text: &str) -> Template {
        Template::parse(text, |name| name == "path").unwrap()
    }

    fn values(text: &str, segment: &str) -> Option<Vec<(String, String)>> {
        let template = template(text);
        let path = [segment];
        template.segments[0].fits(segment, false).then(|| {
            let values = template.values(&path, false);
            values.iter().map(|(name, value)| ((*name).to_owned(), value.to_string())).collect()
        })
    }

    #[test]
    fn mixed_segments_are_taken_apart() {
        let pairs = |list: &[(&str, &str)]| {
            Some(list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect::<Vec<_>>())
        };
        assert_eq!(values("/{a}-{b}", "x-y-z"), pairs(&[("a", "x"), ("b", "y-z")]));
        assert_eq!(values("/{name}.json", "a.json.json"), pairs(&[("name", "a.json")]));
        assert_eq!(values("/{a}{b}", "éab"), pairs(&[("a", "é"), ("b", "ab")]));
        assert_eq!(values("/v{n}", "v12"), pairs(&[("n", "12")]));
        assert_eq!(values("/{id}:cancel", "7:cancel"), pairs(&[("id", "7")]));
        assert_eq!(values("/x:verb", "x:verb"), pairs(&[]));
        assert_eq!(values("/f(a='{a}',b={b})", "f(a='1',b=2)"), pairs(&[("a", "1"), ("b", "2")]));
        for (text, segment) in [
            ("/{a}-{b}", "-y"),
            ("/{a}-{b}", "x-"),
            ("/{a}-{b}", "xy"),
            ("/{name}.json", ".json"),
            ("/{id}:cancel", "7:Cancel"),
            ("/{id}:cancel", "7"),
            ("/{id}", ""),
            ("/{a}{b}", "x"),
        ] {
            assert_eq!(values(text, segment), None, "{text} {segment}");
        }
    }

    #[test]
    fn odd_templates_are_read_as_they_are_meant() {
        let span = |name: &str, before: &str, after: &str| Segment::Span {
            name: name.into(),
            before: before.into(),
            after: after.into(),
        };
        for text in ["/{path}", "/{+p}", "/{p*}", "/{p+}", "/{p...}", "/{p:.*}", "/{p:path}", "/{p=a/*/b/*}", "/{p=**}"]
        {
            assert!(matches!(&template(text).segments[..], [Segment::Span { .. }]), "{text}");
        }
        assert_eq!(template("/v1/{p=a/*}:stop").segments[1], span("p", "", ":stop"));
        assert_eq!(template("/users{?page,limit}").segments, [Segment::Literal("users".into())]);
        assert_eq!(template("/a%20b").segments, [Segment::Literal("a b".into())]);
        assert_eq!(template("/{id?}").segments, [Segment::Parameter("id".into())]);
        assert_eq!(template("/{id/b").segments, [Segment::Literal("{id".into()), Segment::Literal("b".into())]);
        assert_eq!(template("/}{").segments, [Segment::Literal("}{".into())]);
        assert_eq!(template("/").segments, [Segment::Literal(String::new())]);
        assert_eq!(Template::parse("/{+a}/{+b}", |_| false), Err(TemplateError::TwoSpans));
        assert_eq!(Template::parse("/{+a}-{b}", |_| false), Err(TemplateError::MixedSpan));
        assert_eq!(Template::parse(&"/a".repeat(1000), |_| false), Err(TemplateError::TooLong));
    }

    #[test]
    fn a_span_takes_what_the_rest_leaves() {
        let template = template("/r/{path}/end");
        let path = ["r", "a/b", "c", "end"];
        let values = template.values(&path, false);
        assert_eq!(values[0].1.to_string(), "a/b/c");
        assert_eq!(values[0].1.as_str(), None);
        let segment = Segment::Span { name: "p".into(), before: "x".into(), after: ":y".into() };
        for (path, fits) in [
            (&["x1:y"][..], true),
            (&["x:y"], false),
            (&["x1", "2:y"], true),
            (&["x", "2:y"], false),
            (&["x1", ":y"], false),
            (&[], false),
        ] {
            assert_eq!(segment.spans(path, false), fits, "{path:?}");
        }
    }

    proptest! {
        #[test]
        fn any_template_and_any_segment_are_taken_apart_without_a_panic(
            text in "[/{}+*:=.?é%a-]{0,24}", segment in "\\PC{0,12}", fold: bool,
        ) {
            if let Ok(template) = Template::parse(&text, |name| name == "a") {
                for piece in &template.segments {
                    if piece.fits(&segment, fold) {
                        let one = Template { segments: vec![piece.clone()], numbers: Vec::new() };
                        for (_, value) in one.values(&[segment.as_str()], fold) {
                            let value = value.as_str().unwrap();
                            prop_assert!(!value.is_empty() && segment.contains(value));
                        }
                    }
                }
            }
        }
    }
}

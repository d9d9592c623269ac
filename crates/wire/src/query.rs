//! The query of a request, and bodies in the form of one.

use std::borrow::Cow;

use percent_encoding::percent_decode;

/// A query or a form body (`application/x-www-form-urlencoded`), without its `?`.
///
/// It goes to the upstream as it came; this only reads it. Duplicates are all seen, because
/// upstreams differ in whether they obey the first or the last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Query<'a>(&'a str);

impl<'a> Query<'a> {
    /// A query as it was sent; the empty one where there is none.
    pub fn new(sent: Option<&'a str>) -> Self {
        Self(sent.unwrap_or_default())
    }

    /// The query as it was sent.
    pub const fn as_sent(self) -> &'a str {
        self.0
    }

    /// The parameters in order, split at `&`; empty ones are left out.
    pub fn parameters(self) -> impl Iterator<Item = Parameter<'a>> {
        self.0.split('&').filter(|raw| !raw.is_empty()).map(Parameter::read)
    }

    /// Whether a `;` stands in it, at which some upstreams split as well.
    pub fn has_semicolon(self) -> bool {
        self.0.contains(';')
    }

    /// The parameters as an upstream reads them that splits at `;` as well as at `&`.
    /// Nothing where no `;` stands in the query, so that both readings can be chained.
    pub fn parameters_at_semicolons(self) -> impl Iterator<Item = Parameter<'a>> {
        let text = if self.has_semicolon() { self.0 } else { "" };
        text.split(['&', ';']).filter(|raw| !raw.is_empty()).map(Parameter::read)
    }
}

/// One parameter of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter<'a> {
    /// Name and value as they were sent.
    pub raw: &'a str,
    /// The name, decoded once; `+` is a space.
    pub name: Cow<'a, str>,
    /// The value, decoded once; `+` is a space. Empty where there is no `=`.
    pub value: Cow<'a, str>,
    /// Whether decoders differ about it: a broken percent sign, bytes that are no UTF-8, bytes
    /// outside ASCII that were not encoded, or control characters. Where an operation depends
    /// on such a parameter, nobody knows what the upstream will do.
    pub doubtful: bool,
}

impl<'a> Parameter<'a> {
    fn read(raw: &'a str) -> Self {
        let (name, value) = raw.split_once('=').unwrap_or((raw, ""));
        let (name, doubtful_name) = decode(name);
        let (value, doubtful_value) = decode(value);
        Self { raw, name, value, doubtful: doubtful_name || doubtful_value }
    }

    /// The name as frameworks with nested parameters read it: without anything from `[` on
    /// and without surrounding spaces.
    pub fn stem(&self) -> &str {
        self.name.split('[').next().unwrap_or_default().trim()
    }
}

/// Decodes a name or a value, and says whether decoders differ about it.
fn decode(sent: &str) -> (Cow<'_, str>, bool) {
    if sent.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'%' && byte != b'+') {
        return (Cow::Borrowed(sent), false);
    }
    let spaced = sent.replace('+', " ");
    let bytes: Cow<'_, [u8]> = percent_decode(spaced.as_bytes()).into();
    let text = String::from_utf8_lossy(&bytes);
    let doubtful = !sent.is_ascii()
        || has_broken_percent(sent)
        || matches!(text, Cow::Owned(_))
        || text.chars().any(|letter| letter.is_control() && !matches!(letter, '\t' | '\n' | '\r'));
    (Cow::Owned(text.into_owned()), doubtful)
}

/// Whether a percent sign stands there without two hexadecimal digits after it.
pub(crate) fn has_broken_percent(sent: &str) -> bool {
    let mut rest = sent.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' && !(is_hex(rest.next()) && is_hex(rest.next())) {
            return true;
        }
    }
    false
}

fn is_hex(byte: Option<u8>) -> bool {
    byte.is_some_and(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pairs(sent: &str) -> Vec<(String, String, bool)> {
        Query::new(Some(sent))
            .parameters()
            .map(|parameter| (parameter.name.into_owned(), parameter.value.into_owned(), parameter.doubtful))
            .collect()
    }

    #[test]
    fn parameters_are_decoded_in_order_and_duplicates_are_seen() {
        let found = pairs("a=1&b=x+y%20z&a=2&c&&=d&%61=3");
        let expected = [("a", "1"), ("b", "x y z"), ("a", "2"), ("c", ""), ("", "d"), ("a", "3")]
            .map(|(n, v)| (n.into(), v.into(), false));
        assert_eq!(found, expected);
        assert_eq!(Query::new(None).parameters().count(), 0);
    }

    #[test]
    fn what_decoders_differ_about_is_doubtful() {
        for sent in ["a=%", "a=%4", "a=%zz", "a=%ff", "%00=1", "a=é", "a=%01"] {
            assert!(pairs(sent)[0].2, "{sent}");
        }
        for sent in ["a=%C3%A9", "a=%25", "a=%0A", "a=1%2B1", "a=[]{}|"] {
            assert!(!pairs(sent)[0].2, "{sent}");
        }
    }

    #[test]
    fn a_semicolon_gives_a_second_reading() {
        let query = Query::new(Some("a=1;api_key=x&b=2"));
        assert_eq!(query.parameters().count(), 2);
        let second: Vec<String> = query.parameters_at_semicolons().map(|p| p.name.into_owned()).collect();
        assert_eq!(second, ["a", "api_key", "b"]);
        assert_eq!(Query::new(Some("a=1&b=2")).parameters_at_semicolons().count(), 0);
    }

    #[test]
    fn nested_names_have_a_stem() {
        assert_eq!(Query::new(Some("api_key%5B%5D=x")).parameters().next().unwrap().stem(), "api_key");
        assert_eq!(Query::new(Some("+api_key=x")).parameters().next().unwrap().stem(), "api_key");
    }

    proptest! {
        #[test]
        fn no_query_panics_and_what_a_client_encodes_is_read_back(sent in ".*", value in "\\PC*") {
            let _ = pairs(&sent);
            let encoded: String = value.bytes().map(|byte| format!("%{byte:02X}")).collect();
            let found = pairs(&format!("name={encoded}"));
            prop_assert_eq!(&found[0].1, &value);
            prop_assert!(!found[0].2);
        }
    }
}

//! Addresses in answers that would lead clients around the gate.

use http::{HeaderMap, HeaderName, HeaderValue, header, uri::Uri};

/// Origins under which the upstream knows itself, and the one under which clients know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origins {
    inner: Vec<Origin>,
    public: Origin,
}

/// A scheme and an authority, in lower case, without the scheme's own port.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Origin {
    scheme: Box<str>,
    authority: Box<str>,
}

/// An origin that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no origin; write a scheme and a host and nothing behind them, such as `https://api.example.com`")]
pub struct OriginError(String);

impl Origins {
    /// Origins of the upstream, such as `http://127.0.0.1:8000`, and the gate's public one.
    /// An upstream that takes its own name from `Host` but not its scheme writes the public
    /// host under `http`: that is one of its origins, too.
    ///
    /// # Errors
    /// Where one of them is no origin of `http` or `https`.
    pub fn new<'a>(inner: impl IntoIterator<Item = &'a str>, public: &str) -> Result<Self, OriginError> {
        let inner = inner.into_iter().map(Origin::read).collect::<Result<_, _>>()?;
        Ok(Self { inner, public: Origin::read(public)? })
    }

    /// Rewrites `Location`, `Content-Location`, `Link` and `Refresh` where they point at the
    /// upstream. The domains of cookies stay.
    pub fn rewrite(&self, headers: &mut HeaderMap) {
        self.rewrite_header(headers, &header::LOCATION, |value| self.translate(value));
        self.rewrite_header(headers, &header::CONTENT_LOCATION, |value| self.translate(value));
        self.rewrite_header(headers, &header::LINK, |value| self.translate_links(value));
        self.rewrite_header(headers, &header::REFRESH, |value| self.translate_refresh(value));
    }

    fn rewrite_header(&self, headers: &mut HeaderMap, name: &HeaderName, translate: impl Fn(&str) -> Option<String>) {
        let header::Entry::Occupied(mut entry) = headers.entry(name) else { return };
        for value in entry.iter_mut() {
            // Each byte as a character and back: addresses may hold bytes that are no UTF-8.
            let text: String = value.as_bytes().iter().copied().map(char::from).collect();
            let bytes =
                translate(&text).and_then(|text| text.chars().map(u8::try_from).collect::<Result<Vec<_>, _>>().ok());
            let translated = bytes.and_then(|bytes| HeaderValue::from_bytes(&bytes).ok());
            if let Some(translated) = translated {
                *value = translated;
            }
        }
    }

    /// The same address at the gate, where it is one of the upstream's.
    fn translate(&self, address: &str) -> Option<String> {
        let (scheme, rest) = match address.trim().split_once("//") {
            Some(("", rest)) => (None, rest),
            Some((scheme, rest)) => (Some(scheme.strip_suffix(':')?), rest),
            None => return None,
        };
        let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at(end);
        let is_inner = self.inner.iter().any(|origin| match scheme {
            Some(scheme) => Origin::new(scheme, authority) == *origin,
            None => Origin::new(&origin.scheme, authority) == *origin,
        });
        let Origin { scheme, authority } = &self.public;
        is_inner.then(|| format!("{scheme}://{authority}{rest}"))
    }

    /// `<address>; rel="next", <address>; rel="last"`.
    fn translate_links(&self, value: &str) -> Option<String> {
        let mut translated = String::with_capacity(value.len());
        let mut changed = false;
        let mut rest = value;
        while let Some((before, after)) = rest.split_once('<') {
            let Some((address, behind)) = after.split_once('>') else { break };
            let new = self.translate(address);
            changed |= new.is_some();
            translated.push_str(before);
            translated.push('<');
            translated.push_str(new.as_deref().unwrap_or(address));
            translated.push('>');
            rest = behind;
        }
        translated.push_str(rest);
        changed.then_some(translated)
    }

    /// `5; url=address`, the address in quotes or not.
    fn translate_refresh(&self, value: &str) -> Option<String> {
        let place = value.to_ascii_lowercase().find("url=")?;
        let (before, address) = value.split_at_checked(place + 4)?;
        let address = address.trim();
        let bare = address.trim_matches(['"', '\'']);
        let quote = if bare == address { "" } else { address.get(..1)? };
        self.translate(bare).map(|new| format!("{before}{quote}{new}{quote}"))
    }
}

impl Origin {
    fn new(scheme: &str, authority: &str) -> Self {
        let scheme = scheme.to_ascii_lowercase();
        let authority = authority.to_ascii_lowercase();
        let own_port = if scheme == "https" { ":443" } else { ":80" };
        let authority = authority.strip_suffix(own_port).unwrap_or(&authority);
        Self { authority: authority.into(), scheme: scheme.into() }
    }

    fn read(text: &str) -> Result<Self, OriginError> {
        let error = || OriginError(text.to_owned());
        let uri: Uri = text.parse().map_err(|_| error())?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else { return Err(error()) };
        let is_bare = uri.path_and_query().is_none_or(|rest| rest.as_str() == "/");
        if !is_bare || !matches!(scheme, "http" | "https") || !crate::head::is_host(authority.as_str()) {
            return Err(error());
        }
        Ok(Self::new(scheme, authority.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewritten(name: HeaderName, value: &str) -> String {
        let origins = Origins::new(
            ["http://127.0.0.1:8000", "http://api.example", "https://Inner.example:443/"],
            "https://api.example",
        );
        let mut headers = HeaderMap::new();
        headers.insert(name.clone(), HeaderValue::from_str(value).unwrap());
        origins.unwrap().rewrite(&mut headers);
        headers[name].to_str().unwrap().to_owned()
    }

    #[test]
    fn what_points_at_the_upstream_points_at_the_gate() {
        let rows = [
            ("http://127.0.0.1:8000/a?b=c#d", "https://api.example/a?b=c#d"),
            ("HTTP://127.0.0.1:8000", "https://api.example"),
            ("//127.0.0.1:8000/a", "https://api.example/a"),
            ("http://api.example/a", "https://api.example/a"),
            ("http://API.example:80/a", "https://api.example/a"),
            ("https://inner.example?x", "https://api.example?x"),
            ("https://inner.example:443/", "https://api.example/"),
        ];
        for (from, to) in rows {
            assert_eq!(rewritten(header::LOCATION, from), to);
            assert_eq!(rewritten(header::CONTENT_LOCATION, from), to);
            assert_eq!(
                rewritten(header::LINK, &format!("<{from}>; rel=\"next\", <{from}>")),
                format!("<{to}>; rel=\"next\", <{to}>")
            );
            assert_eq!(rewritten(header::REFRESH, &format!("5; URL='{from}'")), format!("5; URL='{to}'"));
            assert_eq!(rewritten(header::REFRESH, &format!("0;url={from}")), format!("0;url={to}"));
        }
    }

    #[test]
    fn bytes_outside_ascii_do_not_hide_an_address() {
        let origins = Origins::new(["http://inner"], "https://api.example").unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(header::LOCATION, HeaderValue::from_bytes(b"http://inner/\xff\xc3\xa9").unwrap());
        origins.rewrite(&mut headers);
        assert_eq!(headers[header::LOCATION].as_bytes(), b"https://api.example/\xff\xc3\xa9");
    }

    #[test]
    fn everything_else_stays() {
        for value in [
            "/a/b",
            "a//b",
            "",
            "https://127.0.0.1:8000/",
            "http://127.0.0.1:80001/",
            "http://127.0.0.1:8000.evil.example/",
            "http://127.0.0.1:8000@evil.example/",
            "http://user@127.0.0.1:8000/",
            "http://elsewhere.example/?to=http://127.0.0.1:8000/",
            "http:/127.0.0.1:8000/",
            "<http://127.0.0.1:8000/",
        ] {
            assert_eq!(rewritten(header::LOCATION, value), value);
            assert_eq!(rewritten(header::LINK, value), value);
            assert_eq!(rewritten(header::REFRESH, value), value);
        }
    }

    #[test]
    fn an_origin_has_nothing_behind_its_host() {
        for text in ["", "api.example", "ftp://a", "http://a/b", "http://a?b", "http://u@a", "http://"] {
            assert_eq!(Origins::new([], text), Err(OriginError(text.to_owned())));
        }
    }
}

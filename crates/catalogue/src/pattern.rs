//! Patterns that name operations in the settings.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Names operations by method, template and selector, such as `DELETE /users/{id}`,
/// `* /admin/**` or `POST /#Action=Delete*`.
///
/// `*` stands for anything within one segment, `**` for anything at all; what a parameter is
/// called does not matter. A pattern without `#` names no operation with a selector.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pattern(String);

/// A pattern that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` names no operation; write a method and a path, such as `DELETE /users/{{id}}` or `* /admin/**`")]
pub struct PatternError(String);

impl Pattern {
    /// Whether it names the operation with this name, such as `DELETE /users/{name}`.
    pub fn matches(&self, name: &str) -> bool {
        let name: Vec<Token> = nameless(name).chars().map(Token::Letter).collect();
        glob(&self.tokens(), &name)
    }

    /// Whether it names this one operation and no other: it has no star.
    pub fn singles_out(&self, name: &str) -> bool {
        !self.0.contains('*') && self.matches(name)
    }

    /// Whether it names every operation that the other one names.
    ///
    /// It may say no where a closer look would say yes, never the other way round: a star of
    /// the other's is met by a star of this one that reaches as far, whatever it stands for.
    pub fn covers(&self, other: &Self) -> bool {
        glob(&self.tokens(), &other.tokens())
    }

    fn tokens(&self) -> Vec<Token> {
        let mut tokens = Vec::new();
        let text = nameless(&self.0);
        let mut letters = text.chars().peekable();
        while let Some(letter) = letters.next() {
            tokens.push(match letter {
                '*' if letters.next_if_eq(&'*').is_some() => Token::Anything,
                '*' => Token::Within,
                other => Token::Letter(other),
            });
        }
        tokens
    }

    /// The method and the template, where both are written out.
    pub(crate) fn literal(&self) -> Option<(&str, &str)> {
        self.0.split_once(' ').filter(|_| !self.0.contains(['*', '#', '?']))
    }
}

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let error = || PatternError(text.to_owned());
        let (method, path) = text.trim().split_once(' ').ok_or_else(error)?;
        let path = path.trim_start();
        let known = method == "*" || method.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-');
        if method.is_empty() || !known || !(path.starts_with('/') || path.starts_with("**")) {
            return Err(error());
        }
        Ok(Self(format!("{method} {path}")))
    }
}

impl TryFrom<String> for Pattern {
    type Error = PatternError;

    fn try_from(text: String) -> Result<Self, PatternError> {
        text.parse()
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        pattern.0
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// The text with the names of its parameters taken out.
fn nameless(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut depth = 0_usize;
    for letter in text.chars() {
        match letter {
            '{' => {
                if depth == 0 {
                    out.push('{');
                }
                depth += 1;
            }
            '}' if depth > 0 => {
                depth -= 1;
                if depth == 0 {
                    out.push('}');
                }
            }
            _ if depth > 0 => {}
            other => out.push(other),
        }
    }
    out
}

/// A part of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    Letter(char),
    /// `*`
    Within,
    /// `**`
    Anything,
}

impl Token {
    /// Whether a star may stand for it; whatever a star in the text stands for, the pattern's
    /// must be able to stand for, too.
    const fn is_met_by(self, star: Self) -> bool {
        match star {
            Self::Letter(_) => false,
            Self::Within => {
                matches!(self, Self::Within | Self::Letter(_)) && !matches!(self, Self::Letter('/' | ' ' | '#'))
            }
            Self::Anything => true,
        }
    }
}

/// Whether the text fits the pattern; row by row, so that many stars cost no more than few.
fn glob(pattern: &[Token], text: &[Token]) -> bool {
    let mut row = vec![false; text.len() + 1];
    if let Some(start) = row.first_mut() {
        *start = true;
    }
    for token in pattern {
        let mut next = vec![false; text.len() + 1];
        if let Token::Letter(_) = token {
            for ((was, slot), found) in row.iter().zip(next.iter_mut().skip(1)).zip(text) {
                *slot = *was && found == token;
            }
        } else {
            let mut reached = false;
            for (place, (was, slot)) in row.iter().zip(&mut next).enumerate() {
                let crossed = place.checked_sub(1).and_then(|before| text.get(before));
                reached = *was || reached && crossed.is_some_and(|crossed| crossed.is_met_by(*token));
                *slot = reached;
            }
        }
        row = next;
    }
    row.last().copied().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn matches(pattern: &str, name: &str) -> bool {
        pattern.parse::<Pattern>().unwrap().matches(name)
    }

    #[test]
    fn a_pattern_names_what_it_says_and_no_more() {
        assert!(matches("DELETE /users/{id}", "DELETE /users/{name}"));
        assert!(!matches("DELETE /users/{id}", "DELETE /users/me"));
        assert!(!matches("DELETE /users/{id}", "DELETE /users/{name}/keys"));
        assert!(matches("DELETE /users/*", "DELETE /users/me"));
        assert!(matches("DELETE /users/*", "DELETE /users/{name}"));
        assert!(!matches("DELETE /users/*", "DELETE /users/{name}/keys"));
        assert!(matches("* /admin/**", "POST /admin/a/{b}/c"));
        assert!(!matches("* /admin/**", "POST /public/admin/a"));
        assert!(matches("* **", "GET /#Action=List"));
        assert!(!matches("POST /*", "POST /#Action=List"));
        assert!(matches("POST /#Action=Delete*", "POST /#Action=DeleteUser"));
        assert!(matches("GET /files/{a}-{b}.json", "GET /files/{x}-{y}.json"));
    }

    #[test]
    fn what_names_nothing_is_refused() {
        for text in ["", "DELETE", "/users", "delete /users", "DELETE users", " /users", "DELETE"] {
            assert!(text.parse::<Pattern>().is_err(), "{text}");
        }
        assert_eq!("GET   /a".parse::<Pattern>().unwrap().to_string(), "GET /a");
    }

    #[test]
    fn a_pattern_covers_what_names_no_more() {
        let covers =
            |wide: &str, narrow: &str| wide.parse::<Pattern>().unwrap().covers(&narrow.parse::<Pattern>().unwrap());
        for (wide, narrow) in [
            ("GET /users/{id}", "GET /users/{name}"),
            ("* /users/*", "GET /users/{name}"),
            ("* /**", "GET /users/*"),
            ("* **", "* /a/**"),
            ("GET /a/*", "GET /a/b*"),
            ("GET /a*", "GET /a*c*"),
        ] {
            assert!(covers(wide, narrow), "{wide} {narrow}");
        }
        for (wide, narrow) in [
            ("GET /users/{id}", "* /users/{id}"),
            ("GET /users/*", "GET /users/**"),
            ("GET /users/*", "GET /**"),
            ("GET /a/*", "GET /a*"),
            ("POST /*", "POST /#Action=*"),
            ("GET /a*c", "GET /a*"),
            ("GET /a", "GET /*"),
        ] {
            assert!(!covers(wide, narrow), "{wide} {narrow}");
        }
    }

    #[test]
    fn only_a_pattern_without_stars_singles_an_operation_out() {
        let singles = |pattern: &str| pattern.parse::<Pattern>().unwrap().singles_out("POST /keys/{id}");
        assert!(singles("POST /keys/{key}"));
        for pattern in ["POST /keys/*", "* /keys/{id}", "POST **", "POST /keys"] {
            assert!(!singles(pattern), "{pattern}");
        }
    }

    proptest! {
        #[test]
        fn what_is_covered_is_named(
            wide in "(GET|POST|\\*) /[ab/{}*#]{0,6}", narrow in "(GET|POST|\\*) /[ab/{}*#]{0,6}", name in "(GET|POST) /[ab/{}#]{0,6}",
        ) {
            let (wide, narrow): (Pattern, Pattern) = (wide.parse().unwrap(), narrow.parse().unwrap());
            if wide.covers(&narrow) && narrow.matches(&name) {
                prop_assert!(wide.matches(&name));
            }
        }
    }

    #[test]
    fn many_stars_cost_little() {
        let pattern = format!("GET /{}", "*a".repeat(500));
        assert!(!matches(&pattern, &format!("GET /{}b", "a".repeat(2_000))));
    }
}

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
        let (pattern, name) = (nameless(&self.0), nameless(name));
        let pattern: Vec<char> = pattern.chars().collect();
        let name: Vec<char> = name.chars().collect();
        glob(&pattern, &name)
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

/// Whether the text fits the pattern; row by row, so that many stars cost no more than few.
fn glob(pattern: &[char], text: &[char]) -> bool {
    let mut row = vec![false; text.len() + 1];
    if let Some(start) = row.first_mut() {
        *start = true;
    }
    let mut rest = pattern;
    while let Some((letter, after)) = rest.split_first() {
        rest = after;
        let mut next = vec![false; text.len() + 1];
        if *letter == '*' {
            let all = rest.first() == Some(&'*');
            if all {
                rest = rest.get(1..).unwrap_or_default();
            }
            let mut reached = false;
            for (place, (was, slot)) in row.iter().zip(&mut next).enumerate() {
                let crossed = place.checked_sub(1).and_then(|before| text.get(before)).copied().unwrap_or(' ');
                reached = *was || reached && (all || !matches!(crossed, '/' | ' ' | '#'));
                *slot = reached;
            }
        } else {
            for ((was, slot), found) in row.iter().zip(next.iter_mut().skip(1)).zip(text) {
                *slot = *was && found == letter;
            }
        }
        row = next;
    }
    row.last().copied().unwrap_or(false)
}

#[cfg(test)]
mod tests {
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
    fn many_stars_cost_little() {
        let pattern = format!("GET /{}", "*a".repeat(500));
        assert!(!matches(&pattern, &format!("GET /{}b", "a".repeat(2_000))));
    }
}

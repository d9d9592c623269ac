//! Paths that anybody may call without a credential, beside what the document opens.

/// Paths that anybody may call: single ones (`=/`) and all below a prefix (`/static/`), as far
/// as they lie outside the API itself, whose operations the document alone opens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenPaths {
    paths: Vec<OpenPath>,
    /// Where the API's own paths begin; empty where it has the whole address for itself.
    api: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum OpenPath {
    Exact(String),
    Below(String),
}

/// A text that names no path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no path; write `/static/` for all below it, or `=/login` for one path")]
pub struct OpenPathError(String);

impl OpenPaths {
    /// Reads the operator's words. `api` is where the API's paths begin, such as `/api/v3`.
    ///
    /// # Errors
    /// Where one is no path.
    pub fn new(texts: &[String], api: &str) -> Result<Self, OpenPathError> {
        let read = |text: &String| {
            let (path, exact) = match text.strip_prefix('=') {
                Some(path) => (path, true),
                None => (text.as_str(), false),
            };
            if !path.starts_with('/') || path.contains(['?', '#', '*', '{']) {
                return Err(OpenPathError(text.clone()));
            }
            Ok(if exact { OpenPath::Exact(path.to_owned()) } else { OpenPath::Below(path.to_owned()) })
        };
        let paths = texts.iter().map(read).collect::<Result<_, _>>()?;
        Ok(Self { paths, api: api.trim_end_matches('/').to_owned() })
    }

    /// Whether anybody may call this path, given as it was sent and read by
    /// [`Target`](crate::Target), so that it has no dots, doubled slashes or backslashes in it.
    pub fn contains(&self, path: &str) -> bool {
        let within_api = !self.api.is_empty() && is_below(path, &self.api);
        !within_api
            && self.paths.iter().any(|open| match open {
                OpenPath::Exact(exact) => path == exact,
                OpenPath::Below(prefix) => is_below(path, prefix),
            })
    }
}

/// Whole segments only, where the prefix does not end in a slash.
fn is_below(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| prefix.ends_with('/') || rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(paths: &[&str], api: &str) -> OpenPaths {
        OpenPaths::new(&paths.iter().map(|path| (*path).to_owned()).collect::<Vec<_>>(), api).unwrap()
    }

    #[test]
    fn a_prefix_opens_whole_segments_and_a_single_path_only_itself() {
        let open = open(&["/static/", "/login", "=/"], "");
        for path in ["/static/a.css", "/static/", "/login", "/login/step", "/"] {
            assert!(open.contains(path), "{path}");
        }
        for path in ["/static", "/staticx", "/loginx", "/x", "/xstatic/"] {
            assert!(!open.contains(path), "{path}");
        }
    }

    #[test]
    fn nothing_below_the_api_is_opened_by_a_prefix() {
        let open = open(&["/"], "/hub/api/");
        assert!(open.contains("/hub/login") && open.contains("/hub/apix"));
        assert!(!open.contains("/hub/api") && !open.contains("/hub/api/users"));
    }

    #[test]
    fn what_is_no_path_is_named() {
        for text in ["", "login", "=login", "/a?b", "/a/*", "/{name}"] {
            assert!(OpenPaths::new(&[text.to_owned()], "").is_err(), "{text}");
        }
    }
}

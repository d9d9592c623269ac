//! A second path, named in a header beside the one that was asked for.
//!
//! Servers of the CGI family (gunicorn among them) take a header from a proxy that they trust
//! for the variable of that name, and the gate is such a proxy. So the name of a variable that
//! says what is called moves the path after it was judged. The names are those of RFC 3875,
//! section 4.1, and what servers added to them.

use crate::place::unify;

/// Variables that say what is called, as headers.
const VARIABLES: [&str; 11] = [
    "script-name",
    "script-filename",
    "script-uri",
    "script-url",
    "path-info",
    "path-translated",
    "query-string",
    "request-uri",
    "document-uri",
    "raw-uri",
    "redirect-url",
];

/// Whether a header of this name says what is called, in any spelling that a server could take
/// for the variable. Nobody but a proxy has a reason to send it, and what it would change is
/// not what was judged.
pub fn is_header(name: &str) -> bool {
    let plain = unify(name);
    let plain = plain.as_deref().unwrap_or(name);
    VARIABLES.iter().any(|variable| plain.eq_ignore_ascii_case(variable))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_is_known_in_every_spelling_and_nothing_else_is() {
        for name in ["SCRIPT_NAME", "script_name", "Script-Name", "script.name", "PATH_INFO", "request-uri"] {
            assert!(is_header(name), "{name}");
        }
        for name in ["referer", "path", "x-path", "x_script", "content-location", "api_key", "script-names"] {
            assert!(!is_header(name), "{name}");
        }
    }
}

//! Where the paths begin: `servers` and `basePath`.

use serde_json::{Map, Value};

use super::text::step;
use crate::trouble::Troubles;

/// More base paths are left out: each one is a copy of every path.
const MOST: usize = 16;
/// Longer addresses are left out.
const MOST_BYTES: usize = 4096;

/// The base paths that a list of servers names, without a slash at their end; `None` where it names none.
pub(crate) fn bases(of: &Map<String, Value>, at: &str, troubles: &mut Troubles) -> Option<Vec<String>> {
    let servers = of.get("servers")?;
    let at = format!("{at}/servers");
    let Some(servers) = servers.as_array() else {
        troubles.at(&at, "this is no list of servers", "write a list of objects with `url`");
        return None;
    };
    let mut bases: Vec<String> = Vec::new();
    for (place, server) in servers.iter().enumerate() {
        let Some(url) = server.get("url").and_then(Value::as_str) else {
            troubles.at(&format!("{at}/{place}"), "this server has no `url`", "write its address");
            continue;
        };
        for url in with_variables(url, server) {
            let base = path_of(&url);
            if base.contains(['{', '}']) {
                troubles.once(
                    &format!("{at}/{place}"),
                    format!("the address `{url}` has a variable in its path without a value"),
                    "give the variable a default, or set the base path in the settings",
                );
            } else if !bases.contains(&base) {
                bases.push(base);
            }
        }
    }
    if bases.len() > MOST {
        troubles.at(&at, format!("more than {MOST} base paths"), "set the base path in the settings");
        bases.truncate(MOST);
    }
    (!bases.is_empty()).then_some(bases)
}

/// The base path of a 2.0 document.
pub(crate) fn base_path(of: &Map<String, Value>, troubles: &mut Troubles) -> Option<Vec<String>> {
    match of.get("basePath")? {
        Value::String(base) => Some(vec![path_of(base)]),
        _ => {
            troubles.at(&step("basePath"), "the base path is no text", "write it as `/v1`");
            None
        }
    }
}

/// The path of an address, in the form in which base paths are kept: with a slash before, none behind.
pub(crate) fn path_of(url: &str) -> String {
    let url = url.trim();
    let path = match url.split_once("//") {
        Some((scheme, rest)) if scheme.is_empty() || scheme.ends_with(':') => {
            rest.find('/').and_then(|slash| rest.get(slash..)).unwrap_or_default()
        }
        _ => url,
    };
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let path = path.trim_start_matches("./").trim_matches('/');
    if path.is_empty() || path == "." { String::new() } else { format!("/{path}") }
}

/// The address with its variables replaced: by their default and by each value that they may have.
fn with_variables(url: &str, server: &Value) -> Vec<String> {
    let mut urls = vec![url.to_owned()];
    let variables = server.get("variables").and_then(Value::as_object);
    for (name, variable) in variables.into_iter().flatten() {
        let hole = format!("{{{name}}}");
        let in_path = path_of(url).contains(&hole);
        let text = |value: &Value| match value {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        let others = variable.get("enum").and_then(Value::as_array).into_iter().flatten().filter_map(text);
        let default = variable.get("default").and_then(text);
        // Outside of the path one value is as good as another.
        let values: Vec<String> = default.into_iter().chain(others).take(if in_path { MOST } else { 1 }).collect();
        if !values.is_empty() {
            let replaced = urls.iter().flat_map(|url| values.iter().map(|value| url.replace(&hole, value)));
            // A value may name further variables: what grows without end is no address.
            urls = replaced.filter(|url| url.len() <= MOST_BYTES).take(MOST * 4).collect();
        }
    }
    urls
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn addresses_become_base_paths() {
        for (url, base) in [
            ("https://api.example.com", ""),
            ("https://api.example.com/", ""),
            ("https://api.example.com/v1/", "/v1"),
            ("//api.example.com/v1", "/v1"),
            ("/hub/api", "/hub/api"),
            ("./v2", "/v2"),
            ("v2?x=1#y", "/v2"),
            ("/", ""),
            (".", ""),
            ("", ""),
        ] {
            assert_eq!(path_of(url), base, "{url}");
        }
    }

    #[test]
    fn variables_take_their_default_and_every_other_value() {
        let of = json!({"servers": [
            {"url": "https://{tenant}.example.com/{base}", "variables": {
                "tenant": {"default": "a", "enum": ["a", "b"]}, "base": {"default": "v2", "enum": ["v1", "v2"]}}},
            {"url": "/{lost}"}, {"url": 7}, "no",
        ]});
        let mut troubles = Troubles::default();
        assert_eq!(bases(of.as_object().unwrap(), "", &mut troubles).unwrap(), ["/v2", "/v1"]);
        assert_eq!(troubles.into_list().len(), 3);
    }

    #[test]
    fn servers_of_the_wrong_kind_name_no_base() {
        for of in [json!({"servers": {}}), json!({"servers": []}), json!({"servers": [null]}), json!({})] {
            assert_eq!(bases(of.as_object().unwrap(), "", &mut Troubles::default()), None, "{of}");
        }
    }
}

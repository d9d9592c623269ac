//! Operations that carry other calls: a batch, GraphQL, JSON-RPC. Their description says what
//! carries, and nothing of what is carried.

use std::collections::{HashMap, HashSet};

use crate::{Facts, classify::spelled};

/// What an operation carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carrier {
    /// Other requests to this API.
    Batch,
    GraphQl,
    /// JSON-RPC and what is like it: the body names what is called.
    Rpc,
}

/// Segments that lead to an API and not into it, such as in `/api/v2/batch`.
const LEADS: [&str; 7] = ["api", "apis", "rest", "services", "data", "public", "json"];
/// What holds requests in a body.
const HOLDERS: [&str; 7] = ["requests", "operations", "calls", "batch", "batches", "commands", "subrequests"];
/// What says where a carried request goes.
const PLACES: [&str; 6] = ["url", "path", "uri", "endpoint", "relative url", "reference id"];

impl Carrier {
    /// What the operation carries, by its address and by the fields that its document lists.
    pub(crate) fn of(facts: &Facts) -> Option<Self> {
        if matches!(facts.method.as_str(), "OPTIONS" | "HEAD") {
            return None;
        }
        by_address(facts).or_else(|| by_fields(facts))
    }

    /// What it carries, in words.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Batch => "it carries other requests",
            Self::GraphQl => "it carries GraphQL, whose queries name what is done",
            Self::Rpc => "its body names what is called",
        }
    }

    /// How somebody says what can be done there.
    pub(crate) fn mend(self, operation: &str) -> String {
        match self {
            Self::Batch => {
                format!(
                    "leave it so, or give the powers of all that can be carried in an [[api.override]] of `{operation}`"
                )
            }
            Self::GraphQl => format!(
                "name them in an [[api.selector]] with operation = \"{operation}\", by = \"graphql\" and values such as \
                 \"query.users\" and \"mutation.deleteUser\", or give powers in an [[api.override]]"
            ),
            Self::Rpc => format!(
                "name them in an [[api.selector]] with operation = \"{operation}\", by = {{ json = \"method\" }} and \
                 values such as \"users.delete\", or give powers in an [[api.override]]"
            ),
        }
    }
}

fn by_address(facts: &Facts) -> Option<Carrier> {
    let segments: Vec<String> =
        facts.template.split(['/', '#', '?']).filter(|part| !part.is_empty()).map(str::to_lowercase).collect();
    let (last, before) = segments.split_last()?;
    match last.trim_start_matches(['$', '_']) {
        "graphql" | "gql" => return Some(Carrier::GraphQl),
        "jsonrpc" | "json-rpc" | "json_rpc" | "xmlrpc" | "xml-rpc" | "soap" | "mcp" => return Some(Carrier::Rpc),
        _ => {}
    }
    // `/contacts/batch` is about contacts; `/batch` is about anything.
    let leads = |part: &String| LEADS.contains(&part.as_str()) || is_version(part);
    if facts.method == "GET" || !before.iter().all(leads) {
        return None;
    }
    match last.as_str() {
        "$batch" | "_batch" | "batch" | "_bulk" | "bulk" | "composite" | "multicall" => Some(Carrier::Batch),
        "rpc" => Some(Carrier::Rpc),
        _ => None,
    }
}

fn is_version(part: &str) -> bool {
    part.strip_prefix('v')
        .unwrap_or(part)
        .split('.')
        .all(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

fn by_fields(facts: &Facts) -> Option<Carrier> {
    let mut siblings: HashMap<&[String], HashSet<String>> = HashMap::new();
    for field in &facts.request.fields {
        let Some((name, parents)) = field.path.split_last() else { continue };
        siblings.entry(parents).or_default().insert(spelled(name).join(" "));
    }
    for (parents, names) in siblings {
        let has = |name: &str| names.contains(name);
        let carried = parents.last().is_some_and(|holder| HOLDERS.contains(&holder.to_lowercase().as_str()));
        if carried && (has("method") || has("http method")) && PLACES.iter().any(|place| has(place)) {
            return Some(Carrier::Batch);
        }
        if parents.is_empty() && has("query") && (has("operation name") || names.len() <= 3 && has("variables")) {
            return Some(Carrier::GraphQl);
        }
        if parents.is_empty() && has("jsonrpc") && has("method") {
            return Some(Carrier::Rpc);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Field, Shape};

    fn carrier(method: &str, template: &str, fields: &[&str]) -> Option<Carrier> {
        let field = |path: &&str| Field { path: path.split('.').map(str::to_owned).collect(), ..Field::default() };
        let request = Shape { fields: fields.iter().map(field).collect(), ..Shape::default() };
        Carrier::of(&Facts { method: method.into(), template: template.into(), request, ..Facts::default() })
    }

    #[test]
    fn an_address_for_anything_carries_and_one_for_a_kind_of_thing_does_not() {
        for template in
            ["/$batch", "/batch", "/api/v2/batch", "/v1.0/$batch", "/_bulk", "/services/data/v60.0/composite"]
        {
            assert_eq!(carrier("POST", template, &[]), Some(Carrier::Batch), "{template}");
        }
        for template in
            ["/contacts/batch", "/v1/users/bulk", "/batches", "/{index}/batch", "/batch/{id}", "/bulk-emails"]
        {
            assert_eq!(carrier("POST", template, &[]), None, "{template}");
        }
        assert_eq!(carrier("GET", "/batch", &[]), None, "what reads the batches");
        assert_eq!(carrier("OPTIONS", "/graphql", &[]), None);
    }

    #[test]
    fn graphql_and_rpc_are_known_wherever_they_stand() {
        for method in ["GET", "POST"] {
            assert_eq!(carrier(method, "/api/{tenant}/graphql", &[]), Some(Carrier::GraphQl));
            assert_eq!(carrier(method, "/json-rpc", &[]), Some(Carrier::Rpc));
        }
        assert_eq!(carrier("POST", "/mcp", &[]), Some(Carrier::Rpc));
        assert_eq!(carrier("POST", "/rpc", &[]), Some(Carrier::Rpc));
        assert_eq!(carrier("POST", "/rpc/send_mail", &[]), None, "it names one");
        assert_eq!(carrier("GET", "/soap-dispensers", &[]), None);
    }

    #[test]
    fn a_body_of_requests_carries_and_a_webhook_with_a_method_does_not() {
        let requests = ["requests", "requests.method", "requests.url", "requests.body"];
        assert_eq!(carrier("POST", "/v3/run", &requests), Some(Carrier::Batch));
        assert_eq!(carrier("POST", "/go", &["calls", "calls.httpMethod", "calls.relativeUrl"]), Some(Carrier::Batch));
        assert_eq!(carrier("POST", "/webhooks", &["method", "url", "secret"]), None);
        assert_eq!(carrier("POST", "/checks", &["targets.method", "targets.url"]), None);
        assert_eq!(carrier("POST", "/q", &["query", "variables", "operationName"]), Some(Carrier::GraphQl));
        assert_eq!(carrier("POST", "/search", &["query", "limit", "sort", "variables"]), None);
        assert_eq!(carrier("POST", "/", &["jsonrpc", "id", "method", "params"]), Some(Carrier::Rpc));
    }
}

//! The document of the published attacks' API.

use serde_json::{Map, Value, json};

/// `METHOD PATH | summary | what the answer is`: a list, a thing, a file or a credential.
const SHOP: &str = "
GET /v1/whoami | Show the account of the key | thing
GET /v1/orders | List orders | list
POST /v1/orders | Create an order | thing
GET /v1/orders/{order} | Show an order | thing
PATCH /v1/orders/{order} | Change an order | thing
DELETE /v1/orders/{order} | Delete an order | none
GET /v1/orders/count | Count orders | thing
GET /v1/customers | List customers | list
GET /v1/customers/{customer} | Show a customer | thing
PATCH /v1/customers/{customer} | Change a customer | thing
DELETE /v1/customers/{customer} | Delete a customer | none
GET /v1/customers/count | Count customers | thing
GET /v1/invoices | List invoices | list
GET /v1/invoices/{invoice} | Show an invoice | thing
POST /v1/invoices | Create an invoice | thing
GET /v1/invoices/export | Export all invoices as CSV | file
GET /v1/customers/export | Export all customers as CSV | file
GET /v1/products | List products | list
GET /v1/products/{product} | Show a product | thing
PATCH /v1/products/{product} | Change a product | thing
GET /v1/warehouses | List warehouses | list
GET /v1/shipments | List shipments | list
POST /v1/shipments | Create a shipment | thing
GET /v1/tickets | List tickets | list
GET /v1/reports | List reports | list
GET /v1/webhooks | List webhooks | list
POST /v1/webhooks | Create a webhook | thing
DELETE /v1/webhooks/{webhook} | Delete a webhook | none
GET /v1/users | List users | list
POST /v1/users | Create a user | thing
PUT /v1/users/{user}/role | Assign a role to a user | thing
GET /v1/roles | List roles | list
GET /v1/keys | List API keys | list
POST /v1/keys | Create an API key | credential
DELETE /v1/keys/{key} | Revoke an API key | none
GET /v1/account | Show the account | thing
PUT /v1/account/email | Change the e-mail address of the account, used for password recovery | thing
DELETE /v1/account/two-factor | Disable two-factor authentication | none
POST /v1/exports | Create a bulk export job of all records | thing
GET /v1/exports/{export}/download | Download the file of a bulk export | file
DELETE /v1/exports/{export} | Delete a bulk export job | none
GET /v1/packages | List packages | list
GET /v1/packages/{package} | Show a package | thing
PUT /v1/packages/{package}/versions/{version} | Publish a version of a package | thing
POST /v1/deployments | Deploy a release | thing
GET /v1/deployments/{deployment} | Show a deployment | thing
GET /v2/orders | List orders | list
GET /v2/orders/{order} | Show an order | thing
PATCH /v2/orders/{order} | Change an order | thing
GET /v2/customers | List customers | list
GET /v2/customers/{customer} | Show a customer | thing
GET /v2/products | List products | list
GET /v2/invoices | List invoices | list
";

pub(super) fn shop() -> String {
    document("Shop", SHOP)
}

/// An OpenAPI document from lines.
pub(super) fn document(title: &str, lines: &str) -> String {
    let mut paths: Map<String, Value> = Map::new();
    for line in lines.lines().filter(|line| !line.trim().is_empty()) {
        let mut parts = line.split(" | ");
        let (address, summary, answer) = (parts.next(), parts.next(), parts.next());
        let Some((method, path)) = address.and_then(|address| address.split_once(' ')) else { continue };
        let item = paths.entry(path.to_owned()).or_insert_with(|| json!({"parameters": parameters(path)}));
        let operation = json!({
            "summary": summary.unwrap_or_default(),
            "responses": {"200": {"description": "Done.", "content": content(answer.unwrap_or_default())}}
        });
        if let Some(item) = item.as_object_mut() {
            item.insert(method.to_ascii_lowercase(), operation);
        }
    }
    let scheme = json!({"key": {"type": "http", "scheme": "bearer"}});
    json!({
        "openapi": "3.1.0", "info": {"title": title, "version": "1"},
        "components": {"securitySchemes": scheme}, "security": [{"key": []}], "paths": paths
    })
    .to_string()
}

fn parameters(path: &str) -> Vec<Value> {
    let names = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    names.map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}})).collect()
}

fn content(answer: &str) -> Value {
    let schema = match answer {
        "list" => json!({"type": "array", "items": {"type": "object", "properties": {"id": {"type": "string"}}}}),
        "credential" => json!({"type": "object", "properties": {"id": {"type": "string"}, "key": {"type": "string"}}}),
        "file" => return json!({"text/csv": {"schema": {"type": "string"}}}),
        "none" => return json!({}),
        _ => json!({"type": "object", "properties": {"id": {"type": "string"}, "name": {"type": "string"}}}),
    };
    json!({"application/json": {"schema": schema}})
}

#[cfg(test)]
mod tests {
    use catalogue::{Catalogue, Settings};
    use law::Power;

    #[test]
    fn the_operations_have_the_powers_that_the_attacks_are_about() {
        let reading = Catalogue::read(super::shop().as_bytes(), &Settings::default()).unwrap();
        let has = |name: &str, power| {
            let (_, operation) = reading.catalogue.named(name).unwrap();
            assert!(operation.powers.contains(power), "{name}: {}", operation.powers);
        };
        has("POST /v1/keys", Power::Mint);
        has("POST /v1/users", Power::Grant);
        has("PUT /v1/users/{user}/role", Power::Grant);
        has("PUT /v1/account/email", Power::Disarm);
        has("DELETE /v1/account/two-factor", Power::Disarm);
        has("GET /v1/invoices/export", Power::Export);
        has("POST /v1/exports", Power::Export);
        has("DELETE /v1/orders/{order}", Power::Destroy);
        has("GET /v1/orders", Power::Read);
        let (_, usual) = reading.catalogue.named("GET /v1/orders").unwrap();
        assert!(!usual.powers.is_sensitive());
    }
}

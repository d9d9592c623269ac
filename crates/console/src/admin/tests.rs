//! The admin API and its document say the same.

use std::collections::BTreeSet;

use catalogue::{Catalogue, Settings};
use law::{Power, Powers};

use super::{OPENAPI, routes};

const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

fn catalogue() -> Catalogue {
    let reading = Catalogue::read(OPENAPI.as_bytes(), &Settings::default()).unwrap();
    assert_eq!(reading.troubles.len(), 0, "{:?}", reading.troubles);
    reading.catalogue
}

#[test]
fn every_route_is_described_and_every_described_operation_is_routed() {
    let catalogue = catalogue();
    let described: BTreeSet<String> =
        catalogue.operations().iter().map(|operation| operation.name.to_string()).collect();
    let mut routed =
        BTreeSet::from(["/session", "/leaks/found", "/leaks/github"].map(|path| format!("POST /v1{path}")));
    for (path, methods) in routes() {
        // `MethodRouter` tells its methods only in words.
        let told = format!("{methods:?}");
        for method in METHODS {
            let field = format!("{}: ", method.to_lowercase());
            let (_, of_method) = told.split_once(&field).unwrap();
            if !of_method.starts_with("None") {
                routed.insert(format!("{method} /v1{path}"));
            }
        }
    }
    assert_eq!(described, routed);
}

#[test]
fn what_grants_mints_and_weakens_is_seen_as_that() {
    let catalogue = catalogue();
    let powers = |name: &str| catalogue.named(name).unwrap_or_else(|| panic!("{name}")).1.powers;
    for (name, power) in [
        ("POST /v1/session", Power::Mint),
        ("POST /v1/keys/{key}/enable", Power::Mint),
        ("POST /v1/keys/{key}/disable", Power::Mint),
        ("POST /v1/keys/{key}/forget", Power::Mint),
        ("POST /v1/keys/{key}/name", Power::Mint),
        ("POST /v1/keys/{key}/narrow", Power::Mint),
        ("POST /v1/keys/{key}/widen", Power::Mint),
        ("PATCH /v1/keys/{key}", Power::Mint),
        ("POST /v1/keys/ends", Power::Mint),
        ("POST /v1/keys", Power::Mint),
        ("POST /v1/keys/{key}/revoke", Power::Mint),
        ("POST /v1/keys/{key}/retire", Power::Mint),
        ("POST /v1/upstream/credential", Power::Mint),
        ("POST /v1/canaries", Power::Mint),
        ("POST /v1/drills", Power::Run),
        ("POST /v1/drills/canary", Power::Mint),
        ("POST /v1/keys/imports", Power::Mint),
        ("POST /v1/keys/imports/{import}", Power::Mint),
        ("POST /v1/requests/{request}/grant", Power::Grant),
        ("POST /v1/requests/{request}/collect", Power::Mint),
        ("POST /v1/holders", Power::Grant),
        ("PATCH /v1/holders/{holder}", Power::Grant),
        ("POST /v1/holders/{holder}/invite", Power::Grant),
        ("POST /v1/holders/{holder}/left", Power::Grant),
        ("POST /v1/holders/{holder}/return", Power::Grant),
        ("POST /v1/approvals", Power::Grant),
        ("POST /v1/law/accept", Power::Disarm),
        ("GET /v1/calls", Power::Export),
        ("GET /v1/ledger", Power::Export),
    ] {
        assert!(powers(name).contains(power), "{name} is {}", powers(name));
    }
    for name in ["GET /v1/health", "GET /v1/openapi.yaml", "GET /v1/reach", "GET /v1/explain", "GET /v1/questions"] {
        assert_eq!(powers(name), Powers::from(Power::Read), "{name}");
    }
}

//! The example estate, and what the papers say of the rules.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its estate has failed")]

use std::{fs, path::PathBuf};

use audit::{
    Audit, Settings,
    report::{Format, Report},
    rules,
};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn estate() -> Report {
    let mut audit = Audit::new(Settings::at("2026-11-29T00:00:00Z".parse().unwrap()));
    for name in [
        "aws-account-details.json",
        "aws-credential-report.csv",
        "aws-cloudtrail.json",
        "github-members.json",
        "github-organisation.json",
        "github-tokens.json",
        "inventory.csv",
        "ledger-access.log",
        "openapi.yaml",
    ] {
        assert!(audit.read(name, fs::File::open(root().join("examples/estate").join(name)).unwrap()), "{name}");
    }
    audit.finish()
}

#[test]
fn the_example_estate_tells_its_story() {
    let report = estate();
    let sentence = "16 keys work. 8 can switch off protection or mint keys without a second factor. 3 unused for 90 days. 1 belongs to somebody who left. Of 2 nobody can say what they may do.";
    assert_eq!(report.figures.sentence(report.idle), sentence);
    let found = |rule: &str| {
        report.findings.iter().filter(|one| one.rule == rule).map(|one| report.subject(one)).collect::<Vec<_>>()
    };
    assert_eq!(found("to-administrator"), ["deploy/access-key-1", "helpdesk/access-key-1", "helpdesk/access-key-2"]);
    assert!(
        !found("second-factor-bypassed").contains(&"nadia/access-key-1".to_owned()),
        "hers asks for a second factor"
    );
    assert!(found("second-factor-bypassed").contains(&"odile/access-key-1".to_owned()), "hers only seems to");
    for rule in rules::ALL {
        assert!(!found(rule.name).is_empty(), "{}", rule.name);
    }
    let text = report.write(Format::Json, None).unwrap();
    assert!(!text.contains("never kept"), "a column that is not known is not read");
    assert!(!text.contains("not-a-real-one"), "what stands in a log's URL is not told");
}

#[test]
fn the_json_has_what_its_schema_demands() {
    let schema: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(root().join("docs/audit.schema.json")).unwrap()).unwrap();
    let report: serde_json::Value = serde_json::from_str(&estate().write(Format::Json, None).unwrap()).unwrap();
    let demanded = |schema: &serde_json::Value| -> Vec<String> {
        schema["required"].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect()
    };
    for name in demanded(&schema) {
        assert!(report.get(&name).is_some(), "{name}");
    }
    for list in ["accounts", "keys", "findings", "inputs"] {
        for name in demanded(&schema["properties"][list]["items"]) {
            for item in report[list].as_array().unwrap() {
                assert!(item.get(&name).is_some(), "{list}: {name}");
            }
        }
    }
}

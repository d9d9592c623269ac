//! No secret stands in any form of the report, wherever it stood in an input.

#![expect(clippy::unwrap_used, reason = "what panics here is a failed test")]

use std::{fs, io::Cursor, path::PathBuf};

use audit::{Audit, Settings, report::Format};
use proptest::prelude::*;
use serde_json::Value;

const FORMATS: [Format; 7] =
    [Format::Terminal, Format::Json, Format::JsonLines, Format::Csv, Format::Markdown, Format::Sarif, Format::Html];

/// One line of each list that GitHub gives, as `gh api` writes it.
const GITHUB: [&str; 3] = [
    r#"[{"id":25381,"reason":"deploys","token_id":98716,"token_name":"deploy","token_expired":false,"token_expires_at":"2027-11-16T08:47:09.000-07:00","token_last_used_at":null,"owner":{"login":"octocat","id":1,"type":"User"},"repository_selection":"all","permissions":{"organization":{"members":"write"},"repository":{"contents":"write"}},"access_granted_at":"2026-05-16T08:47:09.000-07:00"}]"#,
    r#"[{"login":"octocat","credential_id":161195,"credential_type":"personal access token","token_last_eight":"71c3fc11","credential_authorized_at":"2025-01-26T19:06:43Z","credential_accessed_at":"2026-01-26T19:06:43Z","authorized_credential_note":"build","scopes":["user","repo"]}]"#,
    r#"[{"id":1,"key":"ssh-rsa AAA...","url":"https://api.github.com/repos/octocat/Hello-World/keys/1","title":"octocat@octomac","verified":true,"created_at":"2024-12-10T15:53:42Z","read_only":false,"added_by":"octocat","last_used":"2026-01-10T15:53:42Z","enabled":true}]"#,
];

const INVENTORY: &str = "key,name,form,holder,kind,owner,owner_left,left,second_factor,owner_second_factor,asks_second_factor,can_mint,born,end,last_use,standing,stopped,scopes,reach,without_second_factor,system,token,secret,password,notes,x\n\
a,b,c,ann,person,bob,no,no,yes,yes,no,yes,2020-01-01,never,2026-11-01,active,no,admin,read,read,s,t,u,v,w,x\n\
d,e,f,carl,service,,no,no,no,no,no,no,2020-01-01,never,never,active,no,\"read, users:write\",,,s,t,u,v,w,x\n";

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Secrets of many shapes, none of them ever one.
fn secret() -> impl Strategy<Value = String> {
    prop_oneof![
        "ghp_[A-Za-z0-9]{36}",
        "github_pat_[A-Z0-9]{22}_[A-Za-z0-9]{20}",
        "glpat-[A-Za-z0-9_]{20}",
        "sk_live_[A-Za-z0-9]{24}",
        "xoxb-[0-9]{11}-[0-9]{11}-[A-Za-z0-9]{24}",
        "AIza[A-Za-z0-9_-]{35}",
        "eyJhbGciOiJIUzI1NiJ9\\.eyJ[A-Za-z0-9]{30}\\.[A-Za-z0-9_-]{43}",
        "hvs\\.[A-Za-z0-9]{24}",
        "([0-9][a-f]){20}",
        "([a-z][0-9][A-Z]){12}",
        "([0-9][A-Z][a-z]){9}/([A-Z][0-9]){3}",
        "https://ann:[a-z]{6}[0-9]{6}@host\\.example/x",
        "Bearer [a-z]{8}[0-9]{8}",
        "-----BEGIN RSA PRIVATE KEY----- [A-Za-z0-9]{40}",
    ]
}

/// The part of a secret that must not be seen.
fn heart(secret: &str) -> &str {
    let at = secret.find("ann:").map_or_else(|| secret.len() / 3, |at| at + 4);
    secret.get(at..(at + 12).min(secret.len())).unwrap_or(secret)
}

/// Every input with the secret in the place of one of its values.
fn planted(secret: &str, at: usize) -> Vec<(String, Vec<u8>)> {
    let estate = root().join("examples/estate");
    let text = |name: &str| fs::read_to_string(estate.join(name)).unwrap();
    let mut inputs = Vec::new();
    for (name, table) in
        [("inventory.csv", INVENTORY.to_owned()), ("aws-credential-report.csv", text("aws-credential-report.csv"))]
    {
        let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(table.as_bytes());
        let mut rows: Vec<Vec<String>> =
            reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect();
        let cells: usize = rows.iter().skip(1).map(Vec::len).sum();
        let cell = rows.iter_mut().skip(1).flatten().nth(at % cells).unwrap();
        secret.clone_into(cell);
        let mut writer = csv::Writer::from_writer(Vec::new());
        for row in rows {
            writer.write_record(row).unwrap();
        }
        inputs.push((name.to_owned(), writer.into_inner().unwrap()));
    }
    let documents = [text("aws-account-details.json"), text("aws-cloudtrail.json")];
    for (json, number) in documents.iter().map(String::as_str).chain(GITHUB).zip(0..) {
        let mut value: Value = serde_json::from_str(json).unwrap();
        let leaves = strings(&mut value).len();
        secret.clone_into(strings(&mut value).swap_remove(at % leaves));
        inputs.push((format!("{number}.json"), value.to_string().into_bytes()));
    }
    let lines: Vec<String> = text("openapi.yaml").lines().map(str::to_owned).collect();
    let open = lines.iter().enumerate().map(|(line, text)| {
        let head = text.split_once(": ").map(|(head, _)| head).filter(|_| line == at % lines.len());
        head.map_or_else(|| text.clone(), |head| format!("{head}: '{secret}'"))
    });
    inputs.push(("openapi.yaml".to_owned(), open.collect::<Vec<_>>().join("\n").into_bytes()));
    let mut line = [
        "192.0.2.7",
        "-",
        "ann",
        "[29/Nov/2026:10:00:00 +0000]",
        "\"GET /v1/users?page=2 HTTP/1.1\"",
        "200",
        "12",
        "\"-\"",
        "\"curl/8\"",
    ]
    .map(str::to_owned);
    let quoted = secret.replace(['"', '\\'], "");
    // What has blanks in it stands in quotes.
    match if quoted.contains(' ') { 3 + at % 2 } else { at % 5 } {
        0 => quoted.clone_into(&mut line[2]),
        1 => line[4] = format!("\"GET /v1/users/{} HTTP/1.1\"", quoted),
        2 => line[4] = format!("\"GET /v1/users?token={} HTTP/1.1\"", quoted),
        3 => line[7] = format!("\"{quoted}\""),
        _ => line[8] = format!("\"{quoted}\""),
    }
    inputs.push(("access.log".to_owned(), format!("{}\n", line.join(" ")).repeat(3).into_bytes()));
    inputs.push(("broken.json".to_owned(), format!("{{\"a\": \"{secret}\"").into_bytes()));
    inputs.push(("unknown.csv".to_owned(), format!("{secret},b\nc,{secret}\n").into_bytes()));
    inputs.push(("unknown.json".to_owned(), format!("[{{\"{secret}\": \"{secret}\"}}]").into_bytes()));
    inputs
}

fn strings(value: &mut Value) -> Vec<&mut String> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(list) => list.iter_mut().flat_map(strings).collect(),
        Value::Object(object) => object.values_mut().flat_map(strings).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_secret_is_seen_wherever_it_stood(secret in secret(), at in 0usize..100_000) {
        let mut audit = Audit::new(Settings::at("2026-11-29T00:00:00Z".parse().unwrap()));
        for (name, bytes) in planted(&secret, at) {
            audit.read(&name, Cursor::new(bytes));
        }
        let report = audit.finish();
        prop_assert!(!report.estate.keys.is_empty());
        for format in FORMATS {
            let text = report.write(format, Some(120)).unwrap();
            // Lines of a terminal are broken, and a page may spell a letter out.
            let text = text.replace("\n", "").replace("    ", "");
            let found = text.find(heart(&secret)).map(|at| text.get(at.saturating_sub(150)..at + 40));
            prop_assert!(found.is_none(), "{format:?}: {found:?}");
        }
    }
}

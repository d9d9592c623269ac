//! Any bytes as a log, and as a part of one: whatever is read makes a report, and a credential
//! that stands beside them in a line never stands in it.
#![no_main]

use std::io::Cursor;

use audit::{Audit, Settings, report::Format};
use libfuzzer_sys::fuzz_target;

const SECRET: &str = "swordfish-9f3b";

fuzz_target!(|data: &[u8]| {
    report(data.to_vec());
    let text = String::from_utf8_lossy(data);
    if text.contains(SECRET) {
        return;
    }
    let line: String = text.chars().filter(|letter| !letter.is_control()).collect();
    let quoted = line.replace(['"', '\\', ' '], "");
    let lines = format!(
        "192.0.2.7 - - [29/Nov/2026:08:00:00 +0000] \"GET /{quoted}?api_key={SECRET} HTTP/1.1\" 200 1 \"-\" \"-\"\n\
         192.0.2.7 - - [29/Nov/2026:08:00:01 +0000] \"GET /a?access_token={SECRET} HTTP/1.1\" 200 1 {line}\n"
    );
    let event = serde_json::json!({"eventTime": "2026-11-29T08:00:00Z", "eventSource": line, "eventName": line,
        "userIdentity": {"type": "IAMUser", "arn": line, "accessKeyId": format!("AKIA{line}")},
        "responseElements": {"accessKey": {"secretAccessKey": SECRET}}});
    let record = serde_json::json!({"@timestamp": 1_795_000_000_000_u64, "action": format!("a.{line}"), "actor": line,
        "programmatic_access_type": line, "hashed_token": line, "token": SECRET});
    for input in [lines, format!("{{\"Records\":[{event}]}}"), format!("[{record}]")] {
        let told = report(input.into_bytes());
        assert!(!told.contains(SECRET), "{told}");
    }
});

fn report(input: Vec<u8>) -> String {
    let moment = "2026-11-29T12:00:00Z".parse().expect("a moment");
    let mut audit = Audit::new(Settings::at(moment));
    audit.read("input", Cursor::new(input));
    audit.finish().write(Format::Json, None).expect("a report can be written")
}

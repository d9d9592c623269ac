use proptest::prelude::*;

use super::*;

const AT: Timestamp = Timestamp::constant(1_767_225_600, 0);

fn teller() -> Teller {
    Teller { version: "0.1.0".into(), gate: "https://api.example.com".into(), api: "api.internal:8443".into() }
}

/// One of each change, as the ledger writes it, with these as what is kept of secrets.
pub(crate) fn every(verifier: &str, digest: &str, kept: &[u8], step: u64) -> Vec<Written> {
    let question = format!(
        r#"{{"key":"k17","binding":"{digest}","operation":"DELETE /users/{{name}}","powers":["destroy","grant"],
        "missing":["person"],"source":"2001:db8::7","known_source":false,"usual_source":false,"until":"2026-01-01T00:10:00Z"}}"#
    );
    let law = "ab".repeat(32);
    let kept = serde_json::to_string(&[kept, kept]).unwrap();
    let scope = r#"{"powers":["read","export"],"operations":["GET /invoices"],"sources":["192.0.2.0/24"]}"#;
    let files = format!(r#"{{"config":"{law}","lock":"{law}","document":"{law}"}}"#);
    let key = format!(r#""verifier":"{verifier}","pepper":1"#);
    let texts = [
        r#""holder-added","id":"h3","name":"odile","kind":"person","owner":null,"deputies":[],"mail":"odile@example.com","administrator":true"#.to_owned(),
        r#""holder-changed","id":"h4","kind":"workload","owner":"h3","deputies":["h5"],"mail":null,"administrator":false"#.into(),
        r#""holder-left","id":"h3","keys_go_on":true"#.into(),
        r#""holder-returned","id":"h3""#.into(),
        format!(r#""invited","holder":"h3","token":"{digest}","until":"2026-01-02T00:00:00Z""#),
        r#""enrolment-contested","holder":"h3""#.into(),
        format!(r#""enrolled","holder":"h3","step":{step},"recovery":{kept}"#),
        format!(r#""proved","holder":"h3","proof":{{"totp":{step}}},"purpose":"sign-in""#),
        r#""proved","holder":"h3","proof":{"recovery":4},"purpose":"issue a key""#.into(),
        r#""authenticator-disabled","holder":"h3""#.into(),
        format!(r#""key-adopted","id":"k17",{key},"place":"authorization:bearer","source":"192.0.2.9","holder":"h3","parent":null,"claim":{{"issuer":"login","name":"sub","value":"ci"}}"#),
        format!(r#""import-began","keys":3,"list":"{law}""#),
        format!(r#""key-imported","id":"k18",{key},"name":"old","holder":"h3","place":"header:x-api-key","scopes":"repo","born":"2024-01-01T00:00:00Z","end":"2027-01-01T00:00:00Z""#),
        format!(r#""key-repeppered","key":"k17",{key}"#),
        r#""key-identified","key":"k17","holder":"h3","two_factor":true,"scopes":"repo","end":null"#.into(),
        r#""key-named","key":"k17","name":"month-end","holder":"h3""#.into(),
        r#""key-end-set","key":"k17","end":"2026-06-01T00:00:00Z""#.into(),
        r#""key-warned","key":"k17","end":"2026-06-01T00:00:00Z","before":"7d""#.into(),
        r#""key-end-put-off","key":"k17","until":"2026-06-08T00:00:00Z""#.into(),
        r#""key-ended","key":"k17","end":"2026-06-08T00:00:00Z""#.into(),
        r#""key-disabled","key":"k17","why":"seen in a paste""#.into(),
        r#""key-enabled","key":"k17""#.into(),
        r#""key-forgotten","key":"k17""#.into(),
        format!(r#""key-narrowed","key":"k17","scope":{scope}"#),
        r#""key-widened","key":"k17""#.into(),
        r#""key-contained","key":"k17","step":"freeze","powers":["grant","mint"],"until":"2026-01-02T00:00:00Z","why":"first-power, new-source""#.into(),
        r#""key-lifted","key":"k17","up_to":"freeze","calm":"2026-01-01T01:00:00Z""#.into(),
        r#""header-closed","key":"k17""#.into(),
        format!(r#""key-issued","id":"k19",{key},"name":"ci","holder":"h4","parent":"k17","scope":{scope},"limits":["spend calls 20/d"],"end":"2026-06-01T00:00:00Z""#),
        r#""key-stands-for","key":"k19","operation":"POST /keys","upstream":"7""#.into(),
        r#""key-revoked","key":"k19","why":"leaked""#.into(),
        r#""key-known-as","key":"k19","upstream":"7""#.into(),
        r#""key-dead-abroad","key":"k19""#.into(),
        r#""key-alive-abroad","key":"k19","why":"the API answered 500""#.into(),
        r#""key-succeeds","key":"k20","of":"k19","grace":"1d""#.into(),
        r#""key-took-over","key":"k20","of":"k19","until":"2026-01-02T00:00:00Z""#.into(),
        r#""key-retired","key":"k19""#.into(),
        format!(r#""key-requested","id":"r2","person":"h3","wish":{{"name":"ci","holder":"h4","scope":{scope},"limits":[],"lifetime":"30d","reason":"the nightly export"}},"until":"2026-01-08T00:00:00Z""#),
        format!(r#""key-request-granted","id":"r2","grant":{{"by":"h5","scope":{scope},"limits":[],"lifetime":"30d","until":"2026-01-08T00:00:00Z"}}"#),
        r#""key-request-denied","id":"r2","why":"too wide""#.into(),
        r#""key-request-collected","id":"r2","key":"k21""#.into(),
        format!(r#""canary-issued","id":"k22",{key},"name":"wiki","holder":"h3""#),
        r#""canary-ended","id":"k22""#.into(),
        r#""upstream-credential-set""#.into(),
        format!(r#""asked","id":"c9","question":{question}"#),
        r#""approved","challenge":"c9","approval":"a4","person":"h3""#.into(),
        r#""denied","challenge":"c9","not_me":true"#.into(),
        r#""spent","challenge":"c9","call":"019b7500-0000-7000-8000-000000000001""#.into(),
        r#""covered","challenge":"c10","approval":"a3""#.into(),
        format!(r#""law-loaded","digest":"{law}","page":"the law\nas a page""#),
        format!(r#""law-waits","digest":"{law}","page":"the law\nas a page","weaker":["person grant"]"#),
        format!(r#""posture-loaded","digest":"{law}","files":{files}"#),
        format!(r#""posture-waits","digest":"{law}","files":{files},"page":"the law\nas a page","weaker":[{{"what":"api.open","from":"none","to":"/login"}}]"#),
        format!(r#""posture-refused","digest":"{law}""#),
        format!(r#""catalogue-obeyed","digest":"{law}","operations":39"#),
        r#""state-restored","taken":"2025-12-31T00:00:00Z","newest_key":"k21""#.into(),
        r#""record-trimmed","what":"calls from a to b, 7 bytes""#.into(),
        r#""record-trimmed","what":"120 calls","part":{"of":"greave/1f/record","number":7}"#.into(),
        format!(r#""drill-begun","key":"k23",{key},"scenario":"a1-smash","holder":"h3","like":"k17","bounds":[{scope}],"end":"2026-01-01T00:15:00Z""#),
        r#""drill-ended","key":"k23","card":{"watch":"on","calls":18,"passed":2,"asked":3,"refused":13,"steps":3,"done":2,"contain_by":2,"in_time":true,"detected":{"call":2,"ms":100,"after":900,"what":"new-source"},"rows":2,"sensitive":0}"#.into(),
        format!(r#""drill-minted","key":"k24",{key},"parent":"k23""#),
        r#""observing-ended","day":"2027-01-15""#.into(),
        r#""shelf-bound""#.into(),
        r#""authenticator-stopped","holder":"h3","recovery_codes":true"#.into(),
    ];
    let bys = [r#""gate""#, r#""operator""#, r#"{"person":"h3"}"#];
    let read = |(text, by): (&String, &str)| {
        let text = format!(r#"{{"by":{by},"change":{text}}}"#);
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    };
    texts.iter().zip(bys.into_iter().cycle()).map(read).collect()
}

fn lines(changes: &[Written]) -> Vec<String> {
    let names = Names::default();
    let line =
        |(seq, written): (u64, &Written)| change(&teller(), names, (seq, AT, &format!("hash-{seq}")), written).line();
    (1..).zip(changes).map(line).collect()
}

fn samples() -> Vec<Written> {
    every("AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA", &"cd".repeat(32), &[7; 32], 58_907_520)
}

/// The page that is held against OCSF's own schema from outside.
#[test]
fn every_change_has_its_event() {
    insta::assert_snapshot!("every_change", lines(&samples()).join("\n"));
}

#[test]
fn no_change_is_forgotten_here() {
    let unknown = serde_json::from_str::<Change>(r#"{"change":"nonsense"}"#).unwrap_err().to_string();
    let known: std::collections::BTreeSet<String> =
        unknown.split('`').skip(1).step_by(2).skip(1).map(str::to_owned).collect();
    let said: std::collections::BTreeSet<String> =
        samples().iter().map(|written| told(Names::default(), &written.change).code.to_owned()).collect();
    assert_eq!(known, said, "the ledger's own word, for each change there is");
}

proptest! {
    #[test]
    fn what_is_kept_of_secrets_stays_in(verifier in any::<[u8; 32]>(), digest in any::<[u8; 32]>(), kept in any::<[u8; 32]>()) {
        use std::fmt::Write as _;
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        // 43 letters of base64url, of which the last has two bits to spare.
        let mut verifier: String = verifier.iter().chain(&verifier).take(42).map(|byte| alphabet[usize::from(*byte) % 64] as char).collect();
        verifier.push('A');
        let digest = digest.iter().fold(String::new(), |mut text, byte| { let _ = write!(text, "{byte:02x}"); text });
        let step = 7_654_321_987_654_321;
        let page = lines(&every(&verifier, &digest, &kept, step)).join("\n");
        let kept = serde_json::to_string(&kept).unwrap();
        for planted in [&verifier, &digest, &kept, &step.to_string()] {
            prop_assert!(!page.contains(planted), "{planted} is told");
        }
        prop_assert!(!page.contains("odile@example.com"), "an address is nobody's business");
    }
}

//! Asking for a key: who may say yes, what they see, and who gets the secret.

use super::{
    backup::issuing,
    wires::{ask, call},
    *,
};

/// Makes a person known and enrols them over the desk's link, as far as the socket can: an
/// administrator's code invites, and the state takes the factor. Gives their recovery codes.
fn enrolled(company: &mut Company, name: &str, administrator: bool) -> Vec<String> {
    let add: Vec<&str> =
        ["holders", "add", name].into_iter().chain(administrator.then_some("--administrator")).collect();
    company.as_ann(&add).says(0, &[]);
    let invited = company.as_ann(&["--json", "holders", "invite", name]).json();
    let link = invited["link"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    let folder = company.path("state");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let authority = opened(&folder).await;
        let seed = authority.new_seed().unwrap();
        let now = Timestamp::now();
        let codes = authority.enrol(&link, &seed, &seed.code(Step::at(now)), now).await.unwrap();
        codes.iter().map(|code| code.show().to_string()).collect()
    })
}

async fn opened(state: &Path) -> std::sync::Arc<authority::Authority> {
    use base64::Engine as _;
    let secret = |name: &str| -> [u8; 32] {
        let text = fs::read_to_string(state.join("secrets").join(name)).unwrap();
        base64::engine::general_purpose::STANDARD.decode(text.trim()).unwrap().try_into().unwrap()
    };
    let hashed = |bytes: &[u8]| {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
        u32::from_be_bytes(digest.as_ref()[..4].try_into().unwrap())
    };
    let (pepper, ledger) = (secret("pepper"), secret("ledger"));
    let key = hashed(store::Signer::new("", &ledger).unwrap().public_key());
    let secrets = authority::Secrets {
        peppers: authority::Peppers::new((authority::PepperId(hashed(&pepper)), &pepper), None),
        master: secret("master").into(),
        signer: store::Signer::new(&format!("greave/{key:08x}/ledger"), &ledger).unwrap(),
    };
    authority::Authority::open(state, secrets, authority::Limits::default(), Timestamp::now()).await.unwrap()
}

fn act(company: &Company, person: &str, codes: &mut Vec<String>, words: &[&str]) -> Ended {
    let code = codes.pop().unwrap();
    run(company.folder.path(), &[words, &["--as", person]].concat(), &format!("{code}\n"))
}

#[test]
fn nobody_says_yes_to_their_own_and_only_who_asked_gets_the_secret() {
    let mut company = issuing();
    let mut bob = enrolled(&mut company, "bob", false);
    let mut eve = enrolled(&mut company, "eve", false);
    company.as_ann(&["holders", "add", "ci", "--kind", "workload", "--owner", "bob", "--deputy", "eve"]).says(0, &[]);
    let wish = ["keys", "request", "--holder", "ci", "--power", "read", "--for", "30d", "--reason", "nightly report"];
    company.run(&wish).says(2, &["needs a person's code"]);
    let with_base = [&wish[..], &["--operation", "GET /api/v1/users", "--as", "eve"]].concat();
    let said = "`GET /api/v1/users` names no operation; without the base of the document's paths: `GET /users`";
    run(company.folder.path(), &with_base, "").says(2, &[said]);
    let asked = act(&company, "eve", &mut eve, &wish);
    asked.says(0, &["r1, for ci waits", "ann, bob may say yes"]);
    act(&company, "bob", &mut bob, &["keys", "request", "--holder", "ann", "--power", "read", "--reason", "x"])
        .says(2, &["`bob` does not answer for `ann`"]);
    company.run(&["keys", "requests"]).says(0, &["r1", "eve", "ci", "open", "nightly report"]);
    let shown = company.run(&["keys", "requests", "r1"]);
    shown.says(0, &["may say yes: ann, bob", "It would reach 2 operations; 0 of them ask", "There is no key like it"]);

    // Who asked, who is nobody, and who gives more than was asked for, get nowhere; no code is spent.
    let approve = ["keys", "approve", "r1"];
    company.run(&approve).says(2, &["needs a person's code"]);
    let mine = run(company.folder.path(), &[&approve[..], &["--as", "eve"]].concat(), "");
    mine.says(2, &["`eve` asked for this key or would have it"]);
    let more = |words: &[&str]| run(company.folder.path(), &[&approve[..], words, &["--as", "bob"]].concat(), "");
    more(&["--power", "write"]).says(2, &["a yes reaches no further than the request"]);
    more(&["--for", "31d"]).says(2, &["the request asks for 30d"]);
    act(&company, "bob", &mut bob, &[&approve[..], &["--operation", "GET /users", "--for", "7d"]].concat())
        .says(0, &["r1, for ci is granted", "greave keys collect r1 --as eve"]);
    act(&company, "bob", &mut bob, &["keys", "collect", "r1"]).says(2, &["`bob` did not ask for this key"]);

    let (gate, told) = Running::start(&company);
    let collected = act(&company, "eve", &mut eve, &["--json", "keys", "collect", "r1"]).json();
    let secret = collected["secret"].as_str().unwrap();
    assert_eq!(call(&told.gate(), secret), Some(200));
    assert_eq!(collected["key"]["holder"], "ci");
    assert_eq!(
        collected["key"]["issued"]["scope"]["operations"][0], "GET /users",
        "what was granted, not what was asked"
    );
    act(&company, "eve", &mut eve, &["keys", "collect", "r1"]).says(2, &["nothing waits to be collected"]);
    for words in [&["keys", "requests"][..], &["ledger", "show"]] {
        assert!(!company.run(words).out.contains(secret), "{words:?}");
    }

    // More than an owner may give waits for an administrator; what keys like it use is told.
    let wider = ["keys", "request", "--holder", "ci", "--power", "read", "--power", "grant", "--power", "destroy"];
    act(&company, "eve", &mut eve, &[&wider[..], &["--reason", "cleaning up"]].concat())
        .says(0, &["; ann may say yes"]);
    let used = [
        "Of the 3 operations asked for, 1 key of the same holder used 1 in 30 days: GET /users",
        "New for this holder",
    ];
    company.run(&["keys", "requests", "r2"]).says(0, &used).says(0, &["DELETE /users/{name}", "used by keys like it"]);
    run(company.folder.path(), &["keys", "approve", "r2", "--as", "bob"], "").says(2, &["`bob` may not answer"]);
    company.run(&["keys", "deny", "r2", "--why", "ask for less"]).says(0, &["r2, for ci is denied"]);
    company.run(&["keys", "requests", "r2"]).says(0, &["no: ask for less"]);
    act(&company, "eve", &mut eve, &["keys", "collect", "r2"]).says(2, &["nothing waits"]);
    let socket = company.path("state/admin.sock");
    assert_eq!(ask(&socket, "GET", "/ledger/verify", &Value::Null).unwrap().status, 200);
    drop(gate);
}

//! Administration on the gate's host: to read and to protect is free, the rest asks a code.

use console::{Door, api};
use http::StatusCode;
use law::{KeyId, Standing};
use serde_json::json;

use crate::support::{Enrolled, House, Program, law, now};

fn proof(person: &Enrolled) -> serde_json::Value {
    json!({"as": person.name, "code": person.code()})
}

/// The body with a person's proof in it.
fn with_proof(body: &serde_json::Value, person: &Enrolled) -> String {
    let mut body = body.clone();
    let fields = body.as_object_mut().unwrap();
    fields.extend(proof(person).as_object().unwrap().clone());
    body.to_string()
}

fn problem(got: &crate::support::Got) -> api::Problem {
    assert_eq!(got.header("content-type"), "application/problem+json", "{}", got.text);
    serde_json::from_str(&got.text).unwrap()
}

#[tokio::test]
async fn what_grants_mints_lifts_or_weakens_asks_a_code_and_the_rest_does_not() {
    let house = House::new().await;
    let key = house.key_of("bob", "secret").await;
    let question = house.asks(key, "one").await.challenge;
    house.desk.authority.load(&authority::Offer::of_law(law("observe until 2027-01-15")), now()).await.unwrap();
    let local = Program::new(house.admin(Door::Local));
    let digest = local.get("/v1/law").await.json()["waiting"]["digest"].as_str().unwrap().to_owned();

    let free = [
        ("POST", "/v1/holders/bob/left", json!({})),
        ("POST", &format!("/v1/keys/{key}/disable"), json!({"why": "a test"})),
    ];
    let asking = [
        ("POST", "/v1/holders".to_owned(), json!({"name": "eve"})),
        ("PATCH", "/v1/holders/bob".to_owned(), json!({"administrator": true})),
        ("POST", "/v1/holders/ann/invite".to_owned(), json!({})),
        ("POST", "/v1/holders/bob/return".to_owned(), json!({})),
        ("POST", format!("/v1/keys/{key}/enable"), json!({})),
        ("POST", format!("/v1/keys/{key}/name"), json!({"name": "deploy", "holder": "ann"})),
        ("POST", format!("/v1/keys/{key}/forget"), json!({})),
        ("POST", "/v1/law/accept".to_owned(), json!({"digest": digest})),
    ];
    for (method, path, body) in free {
        let got = local.call(method, path, &body.to_string()).await;
        assert_eq!(got.status, StatusCode::OK, "{path}: {}", got.text);
    }
    let before = house.desk.authority.store().verify().await.unwrap().len;
    for (method, path, body) in &asking {
        let got = local.call(method, path, &body.to_string()).await;
        assert_eq!((got.status, problem(&got).code.as_str()), (StatusCode::FORBIDDEN, "code-needed"), "{path}");
        let mut wrong = body.clone();
        wrong["as"] = "ann".into();
        wrong["code"] = "000000".into();
        if house.desk.authority.store().verify().await.unwrap().len == before {
            let got = local.call(method, path, &wrong.to_string()).await;
            assert!(matches!(problem(&got).code.as_str(), "wrong-code" | "wait"), "{path}");
        }
    }
    assert_eq!(house.desk.authority.store().verify().await.unwrap().len, before, "nothing has changed");
    crate::support::pass(3600);
    for (method, path, body) in asking {
        let got = local.call(method, &path, &with_proof(&body, &house.ann)).await;
        assert!(got.status.is_success(), "{path}: {}", got.text);
    }
    let got = local.call("POST", "/v1/approvals", &json!({"questions": [question]}).to_string()).await;
    assert_eq!(problem(&got).code, "code-needed");
}

#[tokio::test]
async fn a_successor_lives_as_long_as_the_key_before_it_was_to() {
    let house = House::new().await;
    let form: wire::IssuedForm = "acme".parse().unwrap();
    let mut settings = house.desk.settings.load().as_ref().clone();
    settings.issued = Some(console::IssuedSettings { form });
    house.desk.settings.store(std::sync::Arc::new(settings));
    let local = Program::new(house.admin(Door::Local));
    let made = json!({"holder": "ann", "scope": {"powers": ["read"]}, "lifetime": "30d"});
    let made = local.call("POST", "/v1/keys", &with_proof(&made, &house.ann)).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    crate::support::pass(3600);
    let path = format!("/v1/keys/{}/retire", made.json()["key"]["id"].as_str().unwrap());
    let next = local.call("POST", &path, &with_proof(&json!({}), &house.ann)).await;
    assert_eq!(next.status, StatusCode::CREATED, "{}", next.text);
    let id: KeyId = next.json()["key"]["id"].as_str().unwrap().parse().unwrap();
    let (born, end) = house.desk.authority.view(|state| state.key(id).map(|key| (key.born(), key.end()))).unwrap();
    assert_eq!(law::Span::between(born, end.unwrap()), law::Span::days(30), "not `keys.lifetime`, 90 days");
}

#[tokio::test]
async fn questions_are_answered_with_a_code_of_who_answers_for_the_key() {
    let house = House::new().await;
    let key = house.key_of("bob", "secret").await;
    let mut ticket = house.asks(key, "one").await;
    let (other, third) = (house.asks(key, "two").await, house.asks(key, "three").await);
    let local = Program::new(house.admin(Door::Local));
    let listed: api::QuestionList = serde_json::from_str(&local.get("/v1/questions").await.text).unwrap();
    assert_eq!(listed.questions.len(), 3);
    let shown: api::QuestionDetails =
        serde_json::from_str(&local.get(&format!("/v1/questions/{}", ticket.challenge)).await.text).unwrap();
    assert_eq!(shown.exhibit.unwrap().path, "/users/one");
    assert_eq!(shown.question.answerers, ["bob"]);

    let body = json!({"questions": [ticket.challenge]});
    let got = local.call("POST", "/v1/approvals", &with_proof(&body, &house.ann)).await;
    assert_eq!(problem(&got).code, "not-yours");
    let got = local.call("POST", "/v1/approvals", &with_proof(&json!({"questions": []}), &house.bob)).await;
    assert_eq!(got.status, StatusCode::UNPROCESSABLE_ENTITY);
    let got = local.call("POST", "/v1/approvals", &with_proof(&body, &house.bob)).await;
    assert_eq!(got.status, StatusCode::OK, "{}", got.text);
    assert_eq!(got.json()["questions"][0]["state"], "approved");
    assert_eq!(ticket.answer().await, authority::Answer::Approved);
    let got = local.call("POST", "/v1/approvals", &with_proof(&body, &house.bob)).await;
    assert_eq!((got.status, problem(&got).code.as_str()), (StatusCode::NOT_FOUND, "not-found"));

    let got = local.call("POST", &format!("/v1/questions/{}/deny", other.challenge), "").await;
    assert_eq!(got.json()["state"], "denied");
    let got = local.call("POST", &format!("/v1/questions/{}/not-me", third.challenge), "").await;
    assert_eq!(got.json()["state"], "denied");
    assert_eq!(house.desk.authority.view(|state| state.key(key).unwrap().standing), Standing::Disabled);
}

#[tokio::test]
async fn keys_are_listed_filtered_shown_and_stopped() {
    let house = House::new().await;
    let (anns, bobs) = (house.key_of("ann", "one").await, house.key_of("bob", "two").await);
    let local = Program::new(house.admin(Door::Local));
    let list = async |query: &str| {
        let got = local.get(&format!("/v1/keys{query}")).await;
        let keys: api::KeyList = serde_json::from_str(&got.text).unwrap_or_else(|_| panic!("{}", got.text));
        keys.keys.into_iter().map(|key| key.id).collect::<Vec<KeyId>>()
    };
    assert_eq!(list("").await, [anns, bobs]);
    assert_eq!(list("?holder=bob").await, [bobs]);
    assert_eq!(list(&format!("?holder={}", house.bob.id)).await, [bobs]);
    assert_eq!(list("?query=BEARER").await, [anns, bobs]);
    assert_eq!(list("?query=nothing-like-it").await, [] as [KeyId; 0]);
    assert_eq!(local.get("/v1/keys?holder=nobody").await.status, StatusCode::NOT_FOUND);
    assert_eq!(local.get("/v1/keys?standing=asleep").await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(local.get("/v1/keys?colour=red").await.status, StatusCode::UNPROCESSABLE_ENTITY);

    let shown: api::KeyDetails = serde_json::from_str(&local.get(&format!("/v1/keys/{bobs}")).await.text).unwrap();
    assert_eq!((shown.key.owner.as_deref(), shown.key.owner_enrolled), (Some("bob"), true));
    assert_eq!((shown.key.two_factor, shown.key.answerers.as_slice()), (Some(true), &["bob".to_owned()][..]));
    let mint = shown.powers.iter().find(|of| of.power == law::Power::Mint).unwrap();
    assert_eq!((mint.operations, mint.without_second_factor, mint.guard.as_str()), (1, 0, "person"));
    for path in ["/v1/keys/k99", "/v1/keys/17", "/v1/keys/k99/disable"] {
        let method = if path.ends_with("disable") { "POST" } else { "GET" };
        let body = if method == "POST" { r#"{"why":"x"}"# } else { "" };
        assert_eq!(local.call(method, path, body).await.status, StatusCode::NOT_FOUND, "{path}");
    }

    let got = local.call("POST", &format!("/v1/keys/{bobs}/disable"), r#"{"why":"left on a train"}"#).await;
    assert_eq!(got.json()["standing"], "disabled");
    assert_eq!(list("?standing=disabled").await, [bobs]);
    let entry = &local.get("/v1/ledger?limit=1").await.json()["entries"][0];
    assert_eq!((&entry["change"], &entry["particulars"]["why"]), (&json!("key-disabled"), &json!("left on a train")));
    let got = local.call("POST", &format!("/v1/keys/{bobs}/enable"), &proof(&house.ann).to_string()).await;
    assert_eq!(got.json()["standing"], "active");
}

#[tokio::test]
async fn a_keys_end_is_said_and_what_was_first_seen_today_is_not_past_the_limit() {
    let house = House::new().await;
    let key = house.key_of("bob", "one").await;
    let local = Program::new(house.admin(Door::Local));
    let path = format!("/v1/keys/{key}");
    let change = async |body: &serde_json::Value| local.call("PATCH", &path, &body.to_string()).await;
    let shown: api::KeyDetails = serde_json::from_str(&local.get(&path).await.text).unwrap();
    assert_eq!((shown.key.end, shown.key.past_limit), (None, false));
    assert_eq!(change(&json!({})).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let at = |days: i64| now() + jiff::SignedDuration::from_hours(24 * days);
    let sooner: api::KeyView = serde_json::from_str(&change(&json!({"end": at(30)})).await.text).unwrap();
    assert_eq!((sooner.end, sooner.past_limit), (Some(at(30)), false));
    assert_eq!(problem(&change(&json!({"end": at(31)})).await).code, "code-needed");
    let later = local.call("PATCH", &path, &with_proof(&json!({"end": at(31), "name": "laptop"}), &house.ann)).await;
    assert_eq!((later.status, &later.json()["name"]), (StatusCode::OK, &json!("laptop")), "{}", later.text);
    let too_late = local.call("PATCH", &path, &with_proof(&json!({"end": at(366)}), &house.ann)).await;
    assert!(too_late.text.contains("`keys.longest`"), "{}", too_late.text);
}

#[tokio::test]
async fn holders_are_added_changed_invited_and_leave() {
    let house = House::new().await;
    let local = Program::new(house.admin(Door::Local));
    let robot = json!({"name": "deploy robot", "kind": "workload"});
    let got = local.call("POST", "/v1/holders", &with_proof(&robot, &house.ann)).await;
    assert_eq!((got.status, problem(&got).code.as_str()), (StatusCode::UNPROCESSABLE_ENTITY, "unfit"));
    let robot = json!({"name": "deploy robot", "kind": "workload", "owner": "BOB", "deputies": ["ann"], "mail": "r@x"});
    let got = local.call("POST", "/v1/holders", &with_proof(&robot, &house.ann)).await;
    assert_eq!(got.status, StatusCode::CREATED, "{}", got.text);
    let added: api::HolderView = serde_json::from_str(&got.text).unwrap();
    assert_eq!((added.owner.as_deref(), added.deputies.as_slice()), (Some("bob"), &["ann".to_owned()][..]));
    let got = local.call("POST", "/v1/holders", &with_proof(&robot, &house.ann)).await;
    assert_eq!((got.status, problem(&got).code.as_str()), (StatusCode::CONFLICT, "name-taken"));

    let change = json!({"mail": "", "deputies": []});
    let got = local.call("PATCH", "/v1/holders/deploy%20robot", &with_proof(&change, &house.ann)).await;
    let changed: api::HolderView = serde_json::from_str(&got.text).unwrap();
    assert_eq!(
        (changed.owner.as_deref(), changed.deputies.len(), changed.mail),
        (Some("bob"), 0, None),
        "what is not said stays"
    );

    let got = local.call("POST", "/v1/holders/bob/invite", &proof(&house.ann).to_string()).await;
    let invited: api::Invited = serde_json::from_str(&got.text).unwrap();
    assert!(invited.link.expose().starts_with("http://127.0.0.1:8081/enrol/"));
    assert!(!format!("{invited:?}").contains("enrol"));
    let robots = local.call("POST", "/v1/holders/deploy%20robot/invite", &proof(&house.ann).to_string()).await;
    assert_eq!(robots.status, StatusCode::UNPROCESSABLE_ENTITY, "only a person enrols");

    assert_eq!(local.call("POST", "/v1/holders/bob/left", "").await.json()["left"], true);
    let list: api::HolderList = serde_json::from_str(&local.get("/v1/holders").await.text).unwrap();
    assert_eq!(list.holders.len(), 3);
    assert!(list.holders.iter().any(|holder| holder.name == "bob" && holder.left && !holder.enrolled));
}

#[tokio::test]
async fn administrators_and_deputies_are_taken_away_with_a_code_and_the_last_administrator_stays() {
    let house = House::new().await;
    let local = Program::new(house.admin(Door::Local));
    let change = async |named: &str, change: serde_json::Value, by: Option<&Enrolled>| {
        let body = by.map_or_else(|| change.to_string(), |person| with_proof(&change, person));
        local.call("PATCH", &format!("/v1/holders/{named}"), &body).await
    };
    let gone = || json!({"administrator": false});
    let last = change("ann", gone(), Some(&house.ann)).await;
    assert_eq!((last.status, problem(&last).code.as_str()), (StatusCode::CONFLICT, "last-administrator"));
    let both = change("bob", json!({"administrator": true, "deputies": ["ann"]}), Some(&house.ann)).await;
    assert_eq!((&both.json()["administrator"], &both.json()["deputies"]), (&json!(true), &json!(["ann"])));

    for less in [gone(), json!({"deputies": []})] {
        let got = change("bob", less, None).await;
        assert_eq!((got.status, problem(&got).code.as_str()), (StatusCode::FORBIDDEN, "code-needed"));
    }
    let got = change("bob", json!({"deputies": []}), Some(&house.ann)).await;
    assert_eq!((&got.json()["administrator"], &got.json()["deputies"]), (&json!(true), &json!([])), "what is not said");
    // With another one there, she may go; her own code does it.
    let got = change("ann", gone(), Some(&house.ann)).await;
    assert_eq!((got.status, &got.json()["administrator"]), (StatusCode::OK, &json!(false)), "{}", got.text);
    let got = change("ann", json!({"administrator": true}), Some(&house.ann)).await;
    assert_eq!(problem(&got).code, "not-administrator", "and cannot come back by herself");
    let got = change("bob", gone(), Some(&house.bob)).await;
    assert_eq!(problem(&got).code, "last-administrator");
}

#[tokio::test]
async fn a_holder_called_like_anothers_id_is_not_taken_for_it() {
    let house = House::new().await;
    // The upstream has an account of that name.
    house.key_of(&house.ann.id.to_string(), "secret").await;
    let local = Program::new(house.admin(Door::Local));
    let path = format!("/v1/holders/{}/left", house.ann.id);
    let refused = local.call("POST", &path, "").await;
    assert!(refused.text.contains("`ann` is the last administrator"), "{}", refused.text);
}

#[tokio::test]
async fn once_an_administrator_has_enrolled_the_gate_stays_theirs() {
    let house = House::new().await;
    let local = Program::new(house.admin(Door::Local));
    let left = local.call("POST", "/v1/holders/ann/left", "").await;
    assert_eq!(left.status, StatusCode::CONFLICT, "{}", left.text);
    let got = local.call("POST", "/v1/holders", r#"{"name": "new one", "administrator": true}"#).await;
    assert_eq!((got.status, problem(&got).code.as_str()), (StatusCode::FORBIDDEN, "code-needed"));
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_with_a_reason_and_without_the_code() {
    let house = House::new().await;
    let local = Program::new(house.admin(Door::Local));
    for body in
        [r#"{"as":"ann","code":482913}"#, r#"{"as":"ann","code":["482913"]}"#, r#"{"as":"ann","code":{"482913":1}}"#]
    {
        let got = local.call("POST", "/v1/holders/bob/invite", body).await;
        assert_eq!(got.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(!got.text.contains("482913"), "{}", got.text);
    }
    for (body, status) in [
        ("{", StatusCode::UNPROCESSABLE_ENTITY),
        ("[]", StatusCode::UNPROCESSABLE_ENTITY),
        (r#"{"kind":"person"}"#, StatusCode::UNPROCESSABLE_ENTITY),
        (r#"{"name":"x","kind":"robot"}"#, StatusCode::UNPROCESSABLE_ENTITY),
        (&format!("\"{}\"", "x".repeat(70_000)), StatusCode::PAYLOAD_TOO_LARGE),
    ] {
        assert_eq!(local.call("POST", "/v1/holders", body).await.status, status, "{}", &body[..body.len().min(40)]);
    }
    assert_eq!(local.get("/v1/nothing").await.status, StatusCode::NOT_FOUND);
    let got = local.call("PUT", "/v1/keys", "").await;
    assert_eq!((got.status, problem(&got).code.as_str()), (StatusCode::METHOD_NOT_ALLOWED, "method"));
    let got = local.call("POST", "/v1/holders/bob/invite", r#"{"code":"1"}"#).await;
    assert_eq!(problem(&got).detail, "say whose code it is: add `as`");
}

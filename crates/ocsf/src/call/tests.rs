use law::{ApprovalId, CallId, ChallengeId, Evidence, Factor, Finding, HolderId, KeyId};
use record::{Gap, Reason};
use uuid::Uuid;

use super::*;
use crate::{finding, gap, trial};

const AT: Timestamp = Timestamp::constant(1_767_225_600, 250_000_000);

fn teller() -> Teller {
    Teller { version: "0.1.0".into(), gate: "https://api.example.com".into(), api: "api.internal:8443".into() }
}

fn joined(number: u128, operation: &str, powers: Powers, verdict: Verdict, status: u16) -> Joined {
    let id = CallId(Uuid::from_u128(0x019b_7500_0000_7000_8000_0000_0000_0000 + number));
    let call = Call {
        id,
        at: AT,
        who: Who::Key,
        key: Some(KeyId(17)),
        holder: Some(HolderId(3)),
        operation: operation.into(),
        parameters: vec![("name".into(), "ada".into())],
        query: vec!["page=2".into(), "q".into()],
        powers,
        source: "::ffff:192.0.2.9".parse().unwrap(),
        user_agent: Some("curl/8.5.0".into()),
        factors: Factor::Secret.into(),
        verdict,
        law: "0123456789abcdef".into(),
        challenge: None,
        approval: None,
    };
    let outcome = Outcome {
        call: id,
        at: AT + jiff::SignedDuration::from_millis(12),
        status,
        bytes_in: 3,
        bytes_out: 512,
        rows: Some(30),
        minted: None,
        learned: None,
        micros: 12_345,
        ended: if status < 400 { Ended::Whole } else { Ended::Answered },
    };
    Joined { call, outcome: Some(outcome) }
}

fn every() -> Vec<Joined> {
    let mut approved = joined(2, "DELETE /users/{name}", Power::Destroy.into(), Verdict::Permit, 204);
    (approved.call.challenge, approved.call.approval) = (Some(ChallengeId(9)), Some(ApprovalId(4)));
    let mut open = joined(6, "GET /events", Power::Read.into(), Verdict::Permit, 0);
    open.outcome = None;
    let mut unknown = joined(7, "PROPFIND *", Powers::EVERY, Verdict::Refuse(Refusal::UnknownKey), 401);
    (unknown.call.key, unknown.call.holder, unknown.call.who) = (None, None, Who::Unknown);
    unknown.call.parameters = vec![("path".into(), "/a\u{1b}[2J\n{\"x\":1}".into())];
    let mut minted =
        joined(8, "POST /users/{name}/tokens", Power::Mint.into(), Verdict::WouldAsk(Factor::Person.into()), 201);
    minted.outcome.as_mut().unwrap().minted = Some(KeyId(21));
    let mut cut = joined(9, "PATCH /users/{name}", Power::Write.into(), Verdict::Permit, 200);
    cut.outcome.as_mut().unwrap().ended = Ended::Cut;
    let mut session =
        joined(10, "PUT /users/{name}", Power::Grant.into(), Verdict::WouldRefuse(Refusal::NobodyCanAnswer), 200);
    (session.call.key, session.call.holder, session.call.who) = (None, None, Who::Session);
    session.call.source = "2001:db8::9".parse().unwrap();
    vec![
        joined(1, "GET /users/{name}", Power::Read.into(), Verdict::Permit, 200),
        approved,
        joined(3, "GET /export", Power::Export.into(), Verdict::Challenge(Factor::Person.into()), 401),
        joined(4, "POST /users/{name}", Power::Grant.into(), Verdict::Refuse(Refusal::Denied), 403),
        joined(5, "POST /search", Power::Read.into(), Verdict::Permit, 500),
        open,
        unknown,
        minted,
        cut,
        session,
    ]
}

/// The page that is held against OCSF's own schema from outside.
#[test]
fn every_kind_of_call_has_its_event() {
    let mut lines: Vec<String> =
        every().iter().map(|joined| call(&teller(), Names::default(), joined, Ending::Once).line()).collect();
    lines.push(call(&teller(), Names::default(), &every()[0], Ending::Later).line());
    let seen = |what: &str, call| Evidence { at: AT, call, what: what.to_owned() };
    let found = Finding::new("key-in-query", Severity::High, Some(KeyId(17)), seen("a key travels in the query", None))
        .and(seen("again", Some(every()[0].call.id)));
    lines.push(finding(&teller(), Names::default(), "019b7500-0000-7000-8000-0000000000ff", &found).line());
    lines.push(trial(&teller(), "019b7500-0000-7000-8000-0000000000fe", AT).line());
    let missing = Gap { from: AT, to: AT, reason: Reason::Full, calls: 2, outcomes: 1, refused: 0 };
    lines.push(gap(&teller(), &missing).line());
    insta::assert_snapshot!("every_call", lines.join("\n"));
}

#[test]
fn a_call_is_told_under_one_name_and_a_late_end_under_another() {
    let joined = &every()[0];
    let told = |ending| call(&teller(), Names::default(), joined, ending).uid;
    assert_eq!(told(Ending::Once), joined.call.id.to_string());
    assert_ne!(told(Ending::Once), told(Ending::Later));
}

#[test]
fn what_a_client_wrote_stays_within_its_line() {
    for joined in every() {
        let line = call(&teller(), Names::default(), &joined, Ending::Once).line();
        assert!(!line.contains(['\n', '\r', '\u{1b}']), "{line}");
        assert_eq!(serde_json::from_str::<Value>(&line).unwrap()["class_uid"], 6003);
    }
}

#[test]
fn an_activity_is_what_the_document_says_before_what_the_method_says() {
    let name = |method, powers| activity(method, powers).1;
    assert_eq!(name("GET", Power::Read.into()), "Read");
    assert_eq!(name("GET", Power::Destroy.into()), "Delete");
    assert_eq!(name("GET", Powers::EVERY), "Read", "what is not described tells nothing");
    assert_eq!(name("POST", Power::Export.into()), "Read");
    assert_eq!(name("POST", Powers::NONE), "Create");
    assert_eq!(name("PROPFIND", Powers::EVERY), "Other");
}

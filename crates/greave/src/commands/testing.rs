//! A small made-up company, always at the same moment, for transcripts.

use std::net::IpAddr;

use authority::{Actor, Exhibit};
use console::api::{
    EvidenceLine, ExplainedPower, Explanation, Guarded, HolderView, KeyDetails, KeyRef, KeyView, LastUsed, LawView,
    LedgerEntry, Notified, Observing, ObservingCell, OperationReach, PowerReach, PowerUse, Preview, PreviewLine,
    ProgramUse, QuestionDetails, QuestionState, QuestionView, Reach, SourceUse, SuccessionView, UndescribedUse, Use,
    WaitingLaw, WeakerPart,
};
use jiff::Timestamp;
use law::{
    Call, CallId, ChallengeId, Ended, Factor, Factors, HolderId, HolderKind, KeyId, Law, Outcome, Power, Powers,
    Refusal, Standing, Verdict, Who,
};
use record::Joined;
use serde_json::json;

/// 2026-11-24 10:15:00 UTC.
pub(super) const NOW: Timestamp = Timestamp::constant(1_795_515_300, 0);

/// So many seconds from now.
pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(NOW.as_second() + seconds).unwrap()
}

/// Without colours.
pub(super) fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// 17 is a program's, 18 a person's who is not enrolled, 19 nobody's and disabled, 20 of a vendor whose owner has no code.
pub(super) fn key(number: u64) -> KeyView {
    let whole = KeyView {
        id: KeyId(number),
        name: Some("ci deploy".to_owned()),
        holder_id: Some(HolderId(3)),
        holder: Some("ci".to_owned()),
        kind: HolderKind::Workload,
        holder_left: false,
        owner: Some("ann".to_owned()),
        owner_left: false,
        owner_enrolled: true,
        owner_two_factor: Some(true),
        answerers: vec!["ann".to_owned(), "bob".to_owned()],
        two_factor: None,
        reach: Powers::EVERY.without(Power::Disarm),
        without_second_factor: [Power::Read, Power::Write, Power::Export].into_iter().collect(),
        place: "header authorization, scheme bearer".to_owned(),
        born: at(-40 * 86_400),
        end: Some(at(27 * 86_400)),
        past_limit: false,
        standing: Standing::Active,
        parent_stopped: false,
        stopped_since: None,
        last_used: Some(LastUsed {
            at: at(-180),
            source: address("192.0.2.7"),
            user_agent: Some("deploy/2.1".to_owned()),
        }),
        passed: 12_034,
        stopped: 3,
        scopes: Some("repo admin:org".to_owned()),
        parent: None,
        claim: None,
        issued: None,
        ceilings: Vec::new(),
        stands_for: None,
        abroad: None,
    };
    match number {
        17 => whole,
        18 => KeyView {
            name: Some("laptop".to_owned()),
            holder_id: Some(HolderId(2)),
            holder: Some("carol".to_owned()),
            kind: HolderKind::Person,
            owner: Some("carol".to_owned()),
            owner_enrolled: false,
            owner_two_factor: Some(false),
            answerers: Vec::new(),
            two_factor: Some(false),
            reach: Powers::from(Power::Read).with(Power::Write),
            without_second_factor: Powers::from(Power::Read).with(Power::Write),
            end: None,
            past_limit: true,
            stopped: 0,
            passed: 7,
            ..whole
        },
        19 => KeyView {
            name: None,
            holder_id: None,
            holder: None,
            kind: HolderKind::Person,
            owner: None,
            owner_enrolled: false,
            owner_two_factor: None,
            answerers: Vec::new(),
            reach: Powers::NONE,
            without_second_factor: Powers::NONE,
            standing: Standing::Disabled,
            stopped_since: Some(at(-3600)),
            end: None,
            last_used: None,
            passed: 0,
            stopped: 0,
            ..whole
        },
        _ => KeyView {
            name: None,
            holder_id: Some(HolderId(4)),
            holder: Some("payments".to_owned()),
            kind: HolderKind::Vendor,
            answerers: vec!["ann".to_owned()],
            reach: Powers::NONE,
            without_second_factor: Powers::NONE,
            end: Some(at(-60)),
            parent: Some(KeyId(17)),
            last_used: Some(LastUsed { at: at(-7200), source: address("2001:db8:0:1::"), user_agent: None }),
            ..whole
        },
    }
}

pub(super) fn key_details() -> KeyDetails {
    let power = |power, operations, without_second_factor, guard: &str, enforced, calls| PowerUse {
        power,
        operations,
        without_second_factor,
        guard: guard.to_owned(),
        enforced,
        calls,
    };
    KeyDetails {
        key: key(17),
        first_source: address("192.0.2.7"),
        header_closed: true,
        presentable: Factors::from(Factor::Secret).with(Factor::Person),
        powers: vec![
            power(Power::Read, 12, 12, "secret", true, 11_900),
            power(Power::Spend, 0, 0, "person", true, 0),
            power(Power::Grant, 4, 4, "person", false, 130),
            power(Power::Mint, 2, 0, "person", true, 4),
        ],
        sources: vec![SourceUse {
            source: address("192.0.2.7"),
            first: at(-40 * 86_400),
            last: at(-180),
            calls: 12_030,
        }],
        programs: vec![
            ProgramUse { user_agent: Some("deploy/2.1".to_owned()), last: at(-180), calls: 12_030 },
            ProgramUse { user_agent: None, last: at(-86_400), calls: 4 },
        ],
        undescribed: vec![UndescribedUse { request: "POST /hidden/\u{1b}[2J".to_owned(), calls: 2, last: at(-9000) }],
        children: vec![KeyId(20), KeyId(21)],
        upstream: None,
        predecessor: Some(KeyId(12)),
        successor: Some(SuccessionView { key: KeyId(23), grace: law::Span::days(7), took_over: false }),
    }
}

pub(super) fn holders() -> Vec<HolderView> {
    let person = |id, name: &str| HolderView {
        id: HolderId(id),
        name: name.to_owned(),
        kind: HolderKind::Person,
        owner: None,
        deputies: Vec::new(),
        mail: None,
        administrator: false,
        left: false,
        left_since: None,
        keys_go_on: false,
        two_factor: None,
        enrolled: true,
        enrolled_since: Some(at(-86_400)),
        authenticator_disabled: false,
        authenticator_stopped: None,
        recovery_codes: 8,
        invited_until: None,
        keys: 0,
        keys_working: 0,
    };
    let nobody =
        |id, name: &str| HolderView { enrolled: false, enrolled_since: None, recovery_codes: 0, ..person(id, name) };
    vec![
        HolderView { administrator: true, two_factor: Some(true), keys: 2, keys_working: 2, ..person(1, "ann") },
        HolderView {
            two_factor: Some(false),
            invited_until: Some(at(7200)),
            keys: 1,
            keys_working: 1,
            ..nobody(2, "carol")
        },
        HolderView {
            kind: HolderKind::Workload,
            owner: Some("ann".to_owned()),
            deputies: vec!["bob".to_owned()],
            keys: 3,
            keys_working: 2,
            ..nobody(3, "ci")
        },
        HolderView { recovery_codes: 1, ..person(5, "bob") },
        HolderView { authenticator_disabled: true, ..nobody(6, "dora") },
        HolderView { left: true, ..nobody(7, "eve") },
    ]
}

pub(super) fn question() -> QuestionDetails {
    let KeyView { id, name, holder, place, born, .. } = key(17);
    let powers = Powers::from(Power::Grant).with(Power::Destroy);
    QuestionDetails {
        question: QuestionView {
            id: ChallengeId(9),
            key: KeyRef { id, name, holder, place, born, end: None, past_limit: false },
            operation: "DELETE /users/{name}".to_owned(),
            powers,
            in_words: powers.iter().map(|power| power.in_words().to_owned()).collect(),
            missing: Factors::from(Factor::Person).with(Factor::SecondPerson),
            source: address("198.51.100.9"),
            known_source: false,
            usual_source: false,
            source_since: None,
            asked: at(-120),
            until: at(480),
            state: QuestionState::Open,
            people: 2,
            yes: vec!["bob".to_owned()],
            answerers: vec!["ann".to_owned(), "bob".to_owned()],
            waiting: true,
            told: vec![
                Notified { name: None, by: "webhook".to_owned(), at: at(-119), not_yet: None },
                Notified { name: Some("ann".to_owned()), by: "mail".to_owned(), at: at(-119), not_yet: None },
            ],
            windows: vec![console::api::Window { powers: Power::Destroy.into(), lasts: law::Span::minutes(15) }],
        },
        exhibit: Some(Exhibit {
            method: "DELETE".to_owned(),
            path: "/users/carol".to_owned(),
            query: Some("force=true".to_owned()),
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: Some("{\n  \"reason\": \"has left\"\n}".to_owned()),
            body_bytes: 26,
            body_digest: Some(authority::Digest([0xab; 32])),
            user_agent: Some("deploy/2.1".to_owned()),
        }),
    }
}

/// A call of key 17 that ended.
pub(super) fn call(number: u64, operation: &str, verdict: Verdict, status: u16) -> Joined {
    let id = CallId(serde_json::from_value(json!(format!("019b0000-0000-7000-8000-{number:012}"))).unwrap());
    let started = at(i64::try_from(number).unwrap() - 100);
    let call = Call {
        id,
        at: started,
        who: Who::Key,
        key: Some(KeyId(17)),
        holder: Some(HolderId(3)),
        operation: operation.into(),
        parameters: vec![("name".into(), "carol".to_owned())],
        query: Vec::new(),
        powers: Power::Read.into(),
        source: address("192.0.2.7"),
        user_agent: Some("deploy/2.1".to_owned()),
        factors: Factor::Secret.into(),
        verdict,
        law: "0123456789abcdef".into(),
        challenge: None,
        approval: None,
    };
    let outcome = Outcome {
        call: id,
        at: started,
        status,
        bytes_in: 0,
        bytes_out: 1234,
        rows: None,
        minted: None,
        learned: None,
        micros: 12_345,
        ended: Ended::Whole,
    };
    Joined { call, outcome: Some(outcome) }
}

fn guarded(power: Power, enforced: bool) -> Guarded {
    let mode = if enforced { "enforce" } else { "observe until 2027-01-15" };
    Guarded { power, guard: Law::default_guard(power).to_string(), mode: mode.to_owned(), enforced }
}

pub(super) fn reach() -> Reach {
    let operation = |name: &str, powers: Powers, alone, used: Option<(u64, u64)>| OperationReach {
        operation: name.to_owned(),
        summary: None,
        powers,
        evidence: Vec::new(),
        open: false,
        within: true,
        accepted: true,
        without_second_factor: alone,
        used: used.map(|(passed, stopped)| Use {
            passed,
            stopped,
            days: 3,
            busiest: passed,
            first: at(-9_000),
            last: at(-300),
            bytes_out: passed * 300,
            rows: 0,
        }),
    };
    let operations = vec![
        operation("GET /users", Power::Read.into(), true, Some((120, 0))),
        operation("PATCH /users/{name}", Power::Grant.into(), true, Some((4, 1))),
        operation("DELETE /users/{name}", Powers::from(Power::Grant).with(Power::Destroy), true, None),
        operation("POST /users/{name}/tokens", Power::Mint.into(), false, Some((0, 2))),
        OperationReach { open: true, ..operation("POST /login", Power::Mint.into(), true, None) },
        OperationReach { accepted: false, ..operation("GET /new", Powers::EVERY, false, None) },
    ];
    let power_reach = |power: Power| {
        let having = || operations.iter().filter(|operation| operation.powers.contains(power));
        PowerReach {
            guard: guarded(power, power != Power::Grant),
            operations: having().count(),
            without_second_factor: having().filter(|operation| operation.without_second_factor).count(),
            used: having().filter(|operation| operation.used.is_some()).count(),
        }
    };
    Reach {
        key: None,
        kind: HolderKind::Person,
        powers: Power::ALL.into_iter().map(power_reach).collect(),
        operations,
        undescribed: vec![UndescribedUse { request: "POST /hidden".to_owned(), calls: 3, last: at(-9_000) }],
        since: at(-30 * 86_400),
        record_begins: Some(at(-40 * 86_400)),
        removed_until: None,
        damage: Vec::new(),
    }
}

pub(super) fn explanation() -> Explanation {
    let power = |power: Power, enforced, words: &str| ExplainedPower {
        guard: guarded(power, enforced),
        in_words: power.in_words().to_owned(),
        evidence: vec![EvidenceLine { power, rule: format!("{power}.path"), words: words.to_owned() }],
        holds: false,
    };
    Explanation {
        method: "DELETE".to_owned(),
        path: "/users/carol".to_owned(),
        operation: Some("DELETE /users/{name}".to_owned()),
        summary: Some("Delete a user".to_owned()),
        candidates: Vec::new(),
        nearest: Vec::new(),
        parameters: vec![("name".to_owned(), "carol".to_owned())],
        open: false,
        key: Some(key(17)),
        kind: HolderKind::Workload,
        powers: vec![
            power(Power::Destroy, true, "DELETE removes what the path names"),
            power(Power::Grant, false, "the path names users"),
        ],
        presentable: Factors::from(Factor::Secret).with(Factor::Person),
        verdict: Verdict::Challenge(Factor::Person.into()),
        in_words: "it would wait: ann (or bob) would be asked for a code, for this very request".to_owned(),
        notes: vec!["without a source no earlier yes counts; add `--source ADDRESS`".to_owned()],
    }
}

pub(super) fn preview() -> Preview {
    let line = |number: u64, operation: &str, powers: Powers, now, calls| {
        let KeyView { id, name, holder, .. } = key(number);
        let operation = operation.to_owned();
        let then = Verdict::WouldAsk(Factor::Person.into());
        let (key, first, last) = (Some(id), at(-86_400), at(-600));
        PreviewLine { who: Who::Key, key, name, holder, operation, powers, then, now, calls, first, last }
    };
    let asks = Verdict::Challenge(Factor::Person.into());
    let everybody = PreviewLine {
        who: Who::Session,
        key: None,
        name: None,
        holder: None,
        ..line(17, "GET *", Powers::EVERY, Verdict::Permit, 1)
    };
    let refused = Verdict::Refuse(Refusal::NobodyCanAnswer);
    Preview {
        since: at(-7 * 86_400),
        calls: 412,
        stopped: 18,
        lines: vec![
            line(17, "DELETE /users/{name}", Powers::from(Power::Grant).with(Power::Destroy), asks, 12),
            line(18, "POST /users/{name}/tokens", Power::Mint.into(), refused, 5),
            everybody,
        ],
        damage: Vec::new(),
    }
}

pub(super) fn law_view() -> LawView {
    let mut law = Law::same_for_all(Law::default_guard, law::Mode::Enforce);
    let mode: law::Mode = "observe until 2027-01-15".parse().unwrap();
    for kind in [&mut law.person, &mut law.workload, &mut law.vendor] {
        let guard = Law::default_guard(Power::Mint);
        kind.set(Power::Mint, law::Cell { guard, mode });
    }
    let cell = |kind| ObservingCell { kind, power: Power::Mint, until: "2027-01-15".parse().unwrap() };
    LawView {
        page: law.to_string(),
        digest: "0123456789abcdef".repeat(4),
        loaded: Some(at(-3 * 86_400)),
        posture: None,
        observing: Observing { everything: false, cells: HolderKind::ALL.map(cell).to_vec() },
        waiting: Some(WaitingLaw {
            page: law.to_string(),
            digest: "fedcba9876543210".repeat(4),
            weaker: vec![WeakerPart {
                what: "person grant".to_owned(),
                from: "person; enforce".to_owned(),
                to: "secret; enforce".to_owned(),
            }],
        }),
    }
}

pub(super) fn ledger() -> Vec<LedgerEntry> {
    let entry = |seq, by, change: &str, particulars: serde_json::Value| LedgerEntry {
        seq,
        at: at(-600),
        by,
        change: change.to_owned(),
        particulars: particulars.as_object().unwrap().clone(),
        hash: "ab".repeat(32),
    };
    vec![
        entry(40, Actor::Gate, "key-adopted", json!({"id": "k20", "place": "query key", "holder": null})),
        entry(41, Actor::Operator, "key-disabled", json!({"key": "k20", "why": "seen in a paste\u{1b}[2J"})),
        entry(42, Actor::Person(HolderId(1)), "holder-added", json!({"id": "h5", "name": "bob", "deputies": []})),
        entry(43, Actor::Person(HolderId(99)), "law-loaded", json!({"digest": "ab".repeat(32), "page": "a\nb"})),
    ]
}

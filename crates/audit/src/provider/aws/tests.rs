use std::io::Cursor;

use law::{Power, Powers};
use serde_json::{Value, json};

use crate::{
    Audit, Settings,
    estate::{Key, Known, Moment, Standing},
    report::Report,
};

const HEADS: &str = "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,password_next_rotation,mfa_active,access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,access_key_1_last_used_region,access_key_1_last_used_service,access_key_2_active,access_key_2_last_rotated,access_key_2_last_used_date,access_key_2_last_used_region,access_key_2_last_used_service,cert_1_active,cert_1_last_rotated,cert_2_active,cert_2_last_rotated\n";

/// A row of a user with one key.
pub(super) fn row(user: &str, password: &str, mfa: bool) -> String {
    format!(
        "{user},arn:aws:iam::111122223333:user/{user},2024-01-01T00:00:00+00:00,{password},N/A,N/A,N/A,{mfa},true,2026-09-15T10:00:00+00:00,2026-11-20T10:00:00+00:00,eu-west-1,s3,false,N/A,N/A,N/A,N/A,false,N/A,false,N/A\n"
    )
}

pub(super) fn audit(report: &str, details: Option<Value>) -> Report {
    let mut audit = Audit::new(Settings::at("2026-11-29T00:00:00Z".parse().unwrap()));
    audit.read("report.csv", Cursor::new(format!("{HEADS}{report}").into_bytes()));
    if let Some(details) = details {
        assert!(audit.read("details.json", Cursor::new(details.to_string().into_bytes())));
    }
    audit.finish()
}

pub(super) fn key<'r>(report: &'r Report, id: &str) -> &'r Key {
    report.estate.keys.iter().find(|key| key.id == id).unwrap()
}

pub(super) fn user(name: &str, statements: &Value) -> Value {
    json!({"UserName": name, "Arn": format!("arn:aws:iam::111122223333:user/{name}"), "Path": "/",
        "UserPolicyList": [{"PolicyName": "own", "PolicyDocument": {"Version": "2012-10-17", "Statement": statements}}],
        "GroupList": [], "AttachedManagedPolicies": [], "Tags": []})
}

pub(super) fn role(name: &str, trust: &Value, statements: &Value) -> Value {
    json!({"RoleName": name, "Arn": format!("arn:aws:iam::111122223333:role/{name}"),
        "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": trust}, "InstanceProfileList": [],
        "RolePolicyList": [{"PolicyName": "own", "PolicyDocument": {"Version": "2012-10-17", "Statement": statements}}], "AttachedManagedPolicies": []})
}

pub(super) fn details(users: &[Value], roles: &[Value]) -> Value {
    json!({"UserDetailList": users, "GroupDetailList": [], "RoleDetailList": roles, "Policies": []})
}

pub(super) fn allow(actions: &Value) -> Value {
    json!({"Effect": "Allow", "Action": actions, "Resource": "*"})
}

#[test]
fn the_odd_cases_of_a_credential_report() {
    let report = audit(
        "<root_account>,arn:aws:iam::111122223333:root,2020-01-01T00:00:00+00:00,not_supported,2026-01-01T00:00:00+00:00,not_supported,not_supported,false,true,2020-01-01T00:00:00+00:00,N/A,N/A,N/A,false,N/A,N/A,N/A,N/A,false,N/A,false,N/A\n\
         ann,arn:aws:iam::111122223333:user/ann,2024-01-01T00:00:00+00:00,true,no_information,2024-01-01T00:00:00+00:00,N/A,true,true,2024-01-01T00:00:00+00:00,2026-11-01T00:00:00+00:00,us-east-1,s3,false,2023-01-01T00:00:00+00:00,N/A,N/A,N/A,true,2014-01-01T00:00:00+00:00,false,N/A\n\
         ci,arn:aws:iam::111122223333:user/ci,2012-01-01T00:00:00+00:00,false,N/A,N/A,N/A,false,true,2012-01-01T00:00:00+00:00,N/A,N/A,N/A,true,2026-11-01T00:00:00+00:00,N/A,N/A,N/A,false,N/A,false,N/A\n\
         cut,off\n",
        None,
    );
    let root = key(&report, "<root_account>/access-key-1");
    assert_eq!((root.without.surely, root.last_use), (Powers::EVERY, Moment::Never));
    assert_eq!(key(&report, "ann/access-key-2").standing, Standing::Disabled);
    assert_eq!(key(&report, "ann/certificate-1").form, "signing certificate");
    assert_eq!(key(&report, "ci/access-key-1").last_use, Moment::Unknown, "older than such uses are counted");
    assert_eq!(key(&report, "ci/access-key-2").last_use, Moment::Never);
    assert_eq!(report.estate.keys.len(), 6);
    assert!(report.estate.keys.iter().all(|key| key.form != "access key" || key.end == Moment::Never));
    let account = |name: &str| report.estate.accounts.iter().find(|account| account.name == name).unwrap();
    assert_eq!((account("ann").second_factor, account("ann").last_seen), (Known::Yes, Moment::Never));
    assert_eq!(account("<root_account>").signs_in, Known::Yes);
    let found = |rule: &str| {
        report.findings.iter().filter(|one| one.rule == rule).map(|one| report.subject(one)).collect::<Vec<_>>()
    };
    assert_eq!(found("no-second-factor"), ["aws:111122223333/<root_account>"], "ci cannot sign in");
    assert_eq!(report.estate.troubles.len(), 1);
    assert_eq!(report.estate.troubles[0].place.line, Some(5));
}

#[test]
fn a_key_bypasses_the_second_factor_of_its_user_unless_the_policy_asks_for_one() {
    let deny = |operator: &str| json!({"Effect": "Deny", "NotAction": "sts:GetSessionToken", "Resource": "*", "Condition": {operator: {"aws:MultiFactorAuthPresent": "false"}}});
    let report = audit(
        &["open", "bool", "ifexists", "allow"].map(|name| row(name, "true", true)).concat(),
        Some(details(
            &[
                user("open", &json!([allow(&json!("*"))])),
                user("bool", &json!([allow(&json!("*")), deny("Bool")])),
                user("ifexists", &json!([allow(&json!("*")), deny("BoolIfExists")])),
                user(
                    "allow",
                    &json!([{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}}]),
                ),
            ],
            &[],
        )),
    );
    let without = |name: &str| key(&report, &format!("{name}/access-key-1")).without.surely;
    assert_eq!(
        [without("open"), without("bool"), without("ifexists"), without("allow")],
        [Powers::EVERY, Powers::EVERY, Powers::NONE, Powers::NONE]
    );
    assert!(report.estate.keys.iter().all(|key| key.with.surely == Powers::EVERY));
    assert_eq!(report.figures.bypass, 2);
    assert_eq!(report.figures.can_mint, 4);
    let because = &key(&report, "bool/access-key-1").because[0].what;
    assert!(because.starts_with("user bool, policy own (statement 1): iam:CreateAccessKey"), "{because}");
}

#[test]
fn steps_are_found_with_targets_that_exist() {
    let to_account =
        json!({"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"}, "Action": "sts:AssumeRole"});
    let to_lambda =
        json!({"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"});
    let report = audit(
        &["self", "minter", "assumer", "passer", "nobody", "admin"].map(|name| row(name, "false", false)).concat(),
        Some(details(
            &[
                user(
                    "self",
                    &json!([{"Effect": "Allow", "Action": "iam:AttachUserPolicy", "Resource": "arn:aws:iam::*:user/${aws:username}"}]),
                ),
                user(
                    "minter",
                    &json!([{"Effect": "Allow", "Action": "iam:CreateAccessKey", "Resource": "arn:aws:iam::111122223333:user/adm*"}]),
                ),
                user("assumer", &json!([allow(&json!("sts:AssumeRole"))])),
                user(
                    "passer",
                    &json!([allow(&json!(["iam:PassRole", "lambda:CreateFunction", "lambda:InvokeFunction"]))]),
                ),
                user("nobody", &json!([allow(&json!("s3:GetObject"))])),
                user("admin", &json!([allow(&json!("*"))])),
            ],
            &[
                role("power", &to_account, &json!([allow(&json!("*"))])),
                role("worker", &to_lambda, &json!([allow(&json!("*"))])),
            ],
        )),
    );
    let steps = |name: &str| {
        let key = key(&report, &format!("{name}/access-key-1"));
        let told =
            key.steps.iter().filter(|step| step.sure).map(|step| format!("{}: {}", step.how, step.targets.join(" ")));
        told.collect::<Vec<_>>()
    };
    assert_eq!(steps("self"), ["iam:AttachUserPolicy on itself: self"]);
    assert_eq!(steps("minter"), ["iam:CreateAccessKey for others: admin"]);
    assert_eq!(steps("assumer"), ["sts:AssumeRole: power"]);
    assert_eq!(steps("passer"), ["iam:PassRole to lambda:CreateFunction + lambda:InvokeFunction: worker"]);
    assert!(steps("nobody").is_empty());
    let mut found: Vec<String> =
        report.findings.iter().filter(|one| one.rule == "to-administrator").map(|one| report.subject(one)).collect();
    found.sort();
    assert_eq!(found, ["assumer/access-key-1", "minter/access-key-1", "passer/access-key-1", "self/access-key-1"]);
}

#[test]
fn what_only_looks_like_a_step_stays_silent() {
    let other_account =
        json!({"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::999999999999:root"}, "Action": "sts:AssumeRole"});
    let with_mfa = json!({"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"}, "Action": "sts:AssumeRole", "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}});
    let to_ec2 = json!({"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"});
    let mut bound = user("bound", &json!([allow(&json!("*"))]));
    bound["PermissionsBoundary"] =
        json!({"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": "arn:aws:iam::111122223333:policy/edge"});
    let mut all = details(
        &[
            user("assumer", &json!([allow(&json!("sts:AssumeRole"))])),
            user("passer", &json!([allow(&json!(["iam:PassRole", "lambda:*", "ec2:RunInstances"]))])),
            user("resetter", &json!([allow(&json!(["iam:UpdateLoginProfile", "iam:CreateLoginProfile"]))])),
            user("elsewhere", &json!([{"Effect": "Allow", "Action": "iam:*", "Resource": "arn:aws:s3:::x"}])),
            user("protected", &json!([allow(&json!("*"))])),
            bound,
        ],
        &[
            role("far", &other_account, &json!([allow(&json!("*"))])),
            role("asked", &with_mfa, &json!([allow(&json!("*"))])),
            role("machine", &to_ec2, &json!([allow(&json!("*"))])),
        ],
    );
    all["Policies"] = json!([{"PolicyName": "edge", "Arn": "arn:aws:iam::111122223333:policy/edge", "DefaultVersionId": "v2", "PolicyVersionList": [
        {"VersionId": "v1", "IsDefaultVersion": false, "Document": {"Statement": allow(&json!("*"))}},
        {"VersionId": "v2", "IsDefaultVersion": true, "Document": {"Statement": allow(&json!("s3:Get*"))}}]}]);
    let rows = ["assumer", "passer", "resetter", "elsewhere", "bound"].map(|name| row(name, "false", false)).concat()
        + &row("protected", "true", true);
    let report = audit(&rows, Some(all));
    for name in ["assumer", "passer", "elsewhere", "bound"] {
        assert!(key(&report, &format!("{name}/access-key-1")).steps.is_empty(), "{name}");
    }
    // A new password for one who signs in with a second factor opens nothing; for those without a
    // password one can be made, and those can do something.
    let resetter = key(&report, "resetter/access-key-1");
    assert!(resetter.steps.iter().all(|step| !step.targets.contains(&"protected".to_owned())), "{:?}", resetter.steps);
    assert_eq!(key(&report, "bound/access-key-1").without.surely, Power::Read.into());
    assert_eq!(key(&report, "elsewhere/access-key-1").without.surely, Powers::NONE);
}

#[test]
fn what_no_input_has_is_said_and_not_guessed() {
    let mut ann = user("ann", &json!([]));
    ann["AttachedManagedPolicies"] =
        json!([{"PolicyName": "gone", "PolicyArn": "arn:aws:iam::111122223333:policy/gone"}]);
    let mut known = user("known", &json!([]));
    known["AttachedManagedPolicies"] =
        json!([{"PolicyName": "AdministratorAccess", "PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}]);
    let report = audit(
        &(row("ann", "true", true) + &row("known", "true", true) + &row("bob", "true", true)),
        Some(details(&[ann, known], &[])),
    );
    let without = |name: &str| key(&report, &format!("{name}/access-key-1")).without;
    assert_eq!((without("ann").surely, without("ann").perhaps), (Powers::NONE, Powers::EVERY));
    assert_eq!(without("known").surely, Powers::EVERY);
    assert_eq!((without("bob").surely, without("bob").perhaps), (Powers::NONE, Powers::EVERY), "not in the details");
    assert_eq!(report.figures.bypass, 1);
}

#[test]
fn a_trail_shows_what_a_key_did_and_what_it_did_not() {
    let event = |time: &str, user: &str, key: &str, service: &str, name: &str, error: Option<&str>| {
        let mut event = json!({"eventVersion": "1.08", "eventTime": time, "eventSource": format!("{service}.amazonaws.com"), "eventName": name,
            "sourceIPAddress": "203.0.113.7", "userIdentity": {"type": "IAMUser", "arn": format!("arn:aws:iam::111122223333:user/{user}"), "accessKeyId": key, "userName": user},
            "responseElements": {"accessKey": {"accessKeyId": "AKIAMADE", "userName": "admin", "secretAccessKey": "not here"}}});
        if let Some(error) = error {
            event["errorCode"] = json!(error);
        }
        event
    };
    let events = json!({"Records": [
        event("2026-10-01T00:00:00Z", "ann", "AKIAANN", "s3", "GetObject", None),
        event("2026-11-25T00:00:00Z", "ann", "AKIAANN", "iam", "CreateAccessKey", None),
        event("2026-11-25T00:00:01Z", "ann", "AKIAANN", "cloudtrail", "StopLogging", Some("AccessDenied")),
        event("2026-11-26T00:00:00Z", "ann", "ASIASESSION", "iam", "DeleteUser", None),
        event("2026-11-26T00:00:00Z", "ghost", "AKIAGHOST", "s3", "GetObject", None),
        {"eventTime": 1}]});
    let mut audit = Audit::new(Settings::at("2026-11-29T00:00:00Z".parse().unwrap()));
    let report = format!("{HEADS}{}{}", row("ann", "true", true), row("bob", "true", true));
    assert!(audit.read("report.csv", Cursor::new(report.into_bytes())));
    let users = [user("ann", &json!([allow(&json!("*"))])), user("bob", &json!([allow(&json!("s3:GetObject"))]))];
    assert!(audit.read("details.json", Cursor::new(details(&users, &[]).to_string().into_bytes())));
    assert!(audit.read("trail.json", Cursor::new(events.to_string().into_bytes())));
    let report = audit.finish();
    assert_eq!(report.estate.troubles.len(), 1, "one record is told as broken");

    let ann = key(&report, "ann/access-key-1");
    let seen = ann.seen.as_ref().unwrap();
    assert_eq!((seen.calls, seen.denied, seen.made.as_slice()), (3, 1, &["AKIAMADE of admin".to_owned()][..]));
    assert_eq!(seen.powers, Powers::from(Power::Read).with(Power::Mint), "what was refused was not done");
    assert_eq!(
        (ann.name.as_deref(), ann.last_use),
        (Some("AKIAANN"), Moment::At("2026-11-25T00:00:01Z".parse().unwrap()))
    );
    assert_eq!(key(&report, "AKIAGHOST").without.perhaps, Powers::EVERY, "only the log knows of it");
    let found = |rule: &str| {
        report.findings.iter().filter(|one| one.rule == rule).map(|one| report.subject(one)).collect::<Vec<_>>()
    };
    assert_eq!(found("sensitive-in-use"), ["ann/access-key-1"]);
    assert_eq!(found("more-than-needed"), ["ann/access-key-1"]);
    assert_eq!(
        found("unwatched"),
        ["the estate", "bob/access-key-1"],
        "the log stopped, and does not show bob's call of 20 November"
    );
    let narrow = report.findings.iter().find(|finding| finding.rule == "more-than-needed").unwrap();
    assert!(narrow.mend.contains(r#"["iam:CreateAccessKey","s3:GetObject"]"#), "{}", narrow.mend);
    assert!(!report.write(crate::report::Format::Json, None).unwrap().contains("not here"));
}

/// A key takes a role, and in it another one; what is done there was done with the key.
#[test]
fn sessions_of_roles_are_followed_back_to_the_key_that_began_them() {
    let role = |name: &str| format!("arn:aws:iam::111122223333:role/{name}");
    let at = |hour: u8| format!("2026-11-25T{hour:02}:00:00Z");
    let event = |hour: u8, identity: Value, service: &str, name: &str, answer: Value| {
        json!({"eventTime": at(hour), "eventSource": format!("{service}.amazonaws.com"), "eventName": name,
            "sourceIPAddress": "203.0.113.7", "userIdentity": identity, "responseElements": answer})
    };
    let key_of_ann = || json!({"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/ann", "accessKeyId": "AKIAANN", "userName": "ann"});
    let session = |id: &str, name: &str| {
        json!({"type": "AssumedRole", "arn": format!("arn:aws:sts::111122223333:assumed-role/{name}/x"), "accessKeyId": id,
            "sessionContext": {"sessionIssuer": {"type": "Role", "arn": role(name)}, "attributes": {"mfaAuthenticated": "false"}}})
    };
    let begins = |id: &str| json!({"credentials": {"accessKeyId": id, "sessionToken": "not here"}});
    let service = json!({"type": "AWSService", "invokedBy": "ec2.amazonaws.com"});
    let child = json!({"accessKey": {"accessKeyId": "AKIACHILD", "userName": "bob"}});
    let events = vec![
        event(1, key_of_ann(), "sts", "AssumeRole", begins("ASIAONE")),
        event(2, session("ASIAONE", "one"), "sts", "AssumeRole", begins("ASIATWO")),
        event(3, session("ASIATWO", "two"), "iam", "CreateAccessKey", child),
        event(4, session("ASIATWO", "two"), "s3", "GetObject", Value::Null),
        event(5, service, "sts", "AssumeRole", begins("ASIASERVICE")),
        event(6, session("ASIASERVICE", "machine"), "ec2", "RunInstances", Value::Null),
    ];
    let unknown = event(7, session("ASIAUNKNOWN", "three"), "ec2", "RunInstances", Value::Null);
    // Files of several regions do not lie in the order of time.
    for (backwards, whole) in [(false, true), (true, true), (false, false)] {
        let mut events = events.clone();
        if backwards {
            events.reverse();
        }
        if !whole {
            events.push(unknown.clone());
        }
        let mut audit = Audit::new(Settings::at("2026-11-29T00:00:00Z".parse().unwrap()));
        let report = format!("{HEADS}{}", row("ann", "true", true));
        assert!(audit.read("report.csv", Cursor::new(report.into_bytes())));
        let users = [user("ann", &json!([allow(&json!("sts:AssumeRole"))]))];
        assert!(audit.read("details.json", Cursor::new(details(&users, &[]).to_string().into_bytes())));
        assert!(audit.read("trail.json", Cursor::new(json!({"Records": events}).to_string().into_bytes())));
        let report = audit.finish();
        let ann = key(&report, "ann/access-key-1");
        let seen = ann.seen.as_ref().unwrap();
        assert_eq!((seen.calls, seen.without_second_factor), (4, 4), "backwards: {backwards}");
        assert!(seen.powers.contains(Power::Mint), "what a role did");
        assert_eq!(seen.roles, [role("one"), role("two")]);
        assert_eq!(ann.children.iter().map(|child| child.id.as_str()).collect::<Vec<_>>(), ["AKIACHILD"]);
        assert_eq!(ann.last_use, Moment::At(at(4).parse().unwrap()));
        assert!(report.estate.keys.iter().all(|key| key.id.starts_with("ann/")), "no session is a key");
        let enough = super::needed::narrower(seen);
        assert!(enough.contains("sts:AssumeRole") && !enough.contains("s3:GetObject"), "{enough}");
        let blind = report.estate.blind.iter().filter(|blind| blind.what.contains("how they began")).count();
        assert_eq!(blind, usize::from(!whole), "only a session whose beginning is nowhere cannot be seen");
        assert!(!report.write(crate::report::Format::Json, None).unwrap().contains("not here"));
    }
}

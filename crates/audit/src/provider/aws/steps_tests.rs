//! Every step with a known answer, and what only looks like one.

use serde_json::{Value, json};

use super::{
    tests::{allow, audit, details, key, role, row, user},
    ways::WAYS,
};

const ACCOUNT: &str = "111122223333";

/// What the key of `thief` reaches everything by, as far as that is sure.
fn steps(estate: &Value) -> Vec<String> {
    let users = estate["UserDetailList"].as_array().unwrap();
    let rows: Vec<String> = users.iter().map(|user| row(user["UserName"].as_str().unwrap(), "false", false)).collect();
    let report = audit(&rows.concat(), Some(estate.clone()));
    assert!(report.estate.troubles.is_empty(), "{:?}", report.estate.troubles);
    let key = key(&report, "thief/access-key-1");
    assert!(!key.does_everything());
    key.steps.iter().filter(|step| step.sure && step.everything).map(|step| step.how.clone()).collect()
}

fn arn(what: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:{what}")
}

fn everything() -> Value {
    json!([allow(&json!("*"))])
}

fn serving(service: &str) -> Value {
    json!({"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"})
}

fn trusting(who: &str) -> Value {
    json!({"Effect": "Allow", "Principal": {"AWS": who}, "Action": "sts:AssumeRole"})
}

fn managed(name: &str, now: &Value, old: &Value) -> Value {
    let version = |id: &str, is: bool, statements: &Value| json!({"VersionId": id, "IsDefaultVersion": is, "Document": {"Version": "2012-10-17", "Statement": statements}});
    json!({"PolicyName": name, "Arn": arn(&format!("policy/{name}")), "DefaultVersionId": "v2",
        "PolicyVersionList": [version("v1", false, old), version("v2", true, now)]})
}

fn group(name: &str, statements: &Value) -> Value {
    json!({"GroupName": name, "Arn": arn(&format!("group/{name}")), "AttachedManagedPolicies": [],
        "GroupPolicyList": [{"PolicyName": "own", "PolicyDocument": {"Version": "2012-10-17", "Statement": statements}}]})
}

/// The estate in which everything is there to be reached, with the thief's own statements.
fn estate(statements: &Value) -> Value {
    let mut thief = user("thief", statements);
    thief["GroupList"] = json!(["mates"]);
    thief["AttachedManagedPolicies"] = json!([{"PolicyName": "mine", "PolicyArn": arn("policy/mine")}]);
    let mut all = details(
        &[thief, user("admin", &everything()), user("reader", &json!([allow(&json!("s3:Get*"))]))],
        &[
            role("power", &trusting(&arn("root")), &everything()),
            role("closed", &serving("x.amazonaws.com"), &everything()),
        ],
    );
    all["GroupDetailList"] = json!([group("mates", &json!([])), group("admins", &everything())]);
    all["Policies"] = json!([managed("mine", &json!([allow(&json!("s3:ListBucket"))]), &everything())]);
    all
}

/// Each step by the actions that it takes, and how it is called.
fn known() -> Vec<(Vec<&'static str>, &'static str)> {
    vec![
        (vec!["iam:AttachUserPolicy"], "iam:AttachUserPolicy on itself"),
        (vec!["iam:PutUserPolicy"], "iam:PutUserPolicy on itself"),
        (vec!["iam:AttachGroupPolicy"], "iam:AttachGroupPolicy on a group that it is in"),
        (vec!["iam:PutGroupPolicy"], "iam:PutGroupPolicy on a group that it is in"),
        (vec!["iam:AddUserToGroup"], "iam:AddUserToGroup for itself"),
        (vec!["iam:CreatePolicyVersion"], "iam:CreatePolicyVersion on a policy that it has"),
        (vec!["iam:SetDefaultPolicyVersion"], "iam:SetDefaultPolicyVersion on a policy that it has"),
        (vec!["iam:CreateAccessKey"], "iam:CreateAccessKey for others"),
        (vec!["iam:CreateLoginProfile"], "iam:CreateLoginProfile for others"),
        (vec!["sts:AssumeRole"], "sts:AssumeRole"),
        (vec!["iam:UpdateAssumeRolePolicy"], "iam:UpdateAssumeRolePolicy, then sts:AssumeRole"),
        (
            vec!["iam:CreateUser", "iam:AttachUserPolicy", "iam:CreateAccessKey"],
            "iam:CreateUser, a policy and a key for it",
        ),
        (vec!["iam:CreateRole", "iam:PutRolePolicy"], "iam:CreateRole, a policy for it, then sts:AssumeRole"),
    ]
}

#[test]
fn every_step_is_found_where_it_is_and_not_where_something_forbids_it() {
    for (actions, how) in known() {
        let allowed = allow(&json!(actions));
        let found = |statements: Value| steps(&estate(&statements)).contains(&how.to_owned());
        assert!(found(json!([allowed])), "{how}");
        for action in &actions {
            let deny = json!({"Effect": "Deny", "Action": action.to_lowercase(), "Resource": "*"});
            assert!(!found(json!([allowed, deny])), "{how}, where {action} is denied");
            let rest: Vec<_> = actions.iter().filter(|other| *other != action).collect();
            assert!(!found(json!([allow(&json!(rest))])), "{how}, where {action} is not allowed");
        }
        let mut asked = allowed.clone();
        asked["Condition"] = json!({"Bool": {"aws:MultiFactorAuthPresent": "true"}});
        assert!(!found(json!([asked])), "{how}, with a second factor");
        let mut elsewhere = allowed.clone();
        elsewhere["Resource"] = json!(["arn:aws:iam::*:*/nobody", "arn:aws:s3:::*"]);
        assert!(!found(json!([elsewhere])), "{how}, on others");
        let mut unknown = allowed.clone();
        unknown["Condition"] = json!({"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}});
        assert!(!found(json!([unknown])), "{how}, from some addresses");

        let mut bound = estate(&json!([allowed]));
        bound["UserDetailList"][0]["PermissionsBoundary"] = json!({"PermissionsBoundaryArn": arn("policy/edge")});
        let edge = managed("edge", &json!([allow(&json!(["s3:*", "lambda:*"]))]), &json!([]));
        bound["Policies"].as_array_mut().unwrap().push(edge);
        assert!(!steps(&bound).contains(&how.to_owned()), "{how}, within a boundary");
    }
}

#[test]
fn every_way_to_run_code_needs_its_actions_and_a_role_that_trusts_its_service() {
    for way in WAYS {
        let named = way.actions.join(" + ");
        let how =
            if way.passes { format!("iam:PassRole to {named}") } else { format!("{named} on what runs under it") };
        let mut actions = way.actions.to_vec();
        if way.passes {
            actions.push("iam:PassRole");
        }
        let serve = |service: &str, used: &str, profile: bool| {
            let mut role = role("worker", &serving(service), &everything());
            role["RoleLastUsed"] = json!({"LastUsedDate": used});
            role["InstanceProfileList"] = if profile { json!([{}]) } else { json!([]) };
            role
        };
        let found =
            |statements: Value, role: Value| steps(&details(&[user("thief", &statements)], &[role])).contains(&how);
        let good = || serve(way.service, "2026-11-01T00:00:00Z", true);
        let all = json!([allow(&json!(actions))]);
        assert!(found(all.clone(), good()), "{how}");
        assert!(
            !found(all.clone(), serve("other.amazonaws.com", "2026-11-01T00:00:00Z", true)),
            "{how}: another service"
        );
        if way.profile {
            assert!(!found(all.clone(), serve(way.service, "2026-11-01T00:00:00Z", false)), "{how}: no profile");
        }
        if !way.passes {
            assert!(!found(all.clone(), serve(way.service, "2020-01-01T00:00:00Z", true)), "{how}: nothing runs");
        }
        for action in &actions {
            let deny = json!({"Effect": "Deny", "Action": action, "Resource": "*"});
            assert!(!found(json!([all[0], deny]), good()), "{how}, where {action} is denied");
        }
        if way.passes {
            let pass = |resource: &str, service: &str| {
                json!({"Effect": "Allow", "Action": "iam:PassRole", "Resource": resource,
                    "Condition": {"StringEquals": {"iam:PassedToService": service}}})
            };
            let rest = allow(&json!(way.actions));
            let to = way.service.replace("tasks.apprunner", "apprunner");
            assert!(found(json!([rest, pass(&arn("role/worker"), &to)]), good()), "{how}, to its service");
            assert!(!found(json!([rest, pass(&arn("role/other"), &to)]), good()), "{how}: another role");
            assert!(!found(json!([rest, pass("*", "other.amazonaws.com")]), good()), "{how}: passed to another");
        }
    }
}

#[test]
fn a_role_is_taken_by_those_whom_it_names_and_by_the_account_with_permission() {
    let found = |statements: Value, trust: Value| {
        let report = details(&[user("thief", &statements)], &[role("power", &trust, &everything())]);
        steps(&report).contains(&"sts:AssumeRole".to_owned())
    };
    let assume = || json!([allow(&json!("sts:AssumeRole"))]);
    let me = arn("user/thief");
    assert!(found(json!([]), trusting(&me)), "who is named needs no permission");
    assert!(!found(json!([]), trusting(&arn("root"))), "the account's users need one");
    assert!(found(assume(), trusting(&arn("root"))));
    assert!(found(assume(), trusting(ACCOUNT)));
    assert!(!found(assume(), trusting(&arn("user/other"))));
    assert!(!found(assume(), trusting("arn:aws:iam::999999999999:root")));
    let deny = json!([{"Effect": "Deny", "Action": "sts:*", "Resource": "*"}]);
    assert!(!found(deny, trusting(&me)), "a deny binds who is named, too");
    let mut asked = trusting(&me);
    asked["Condition"] = json!({"Bool": {"aws:MultiFactorAuthPresent": "true"}});
    assert!(!found(json!([]), asked));
    let mut secret = trusting(&arn("root"));
    secret["Condition"] = json!({"StringEquals": {"sts:ExternalId": "x"}});
    assert!(!found(assume(), secret), "only perhaps");
    let mut some = trusting(&arn("root"));
    some["Condition"] = json!({"ArnLike": {"aws:PrincipalArn": arn("user/th*")}});
    assert!(found(assume(), some.clone()));
    some["Condition"] = json!({"ArnLike": {"aws:PrincipalArn": arn("role/*")}});
    assert!(!found(assume(), some));
    let both = json!([trusting(&arn("root")), {"Effect": "Deny", "Principal": {"AWS": me}, "Action": "sts:*"}]);
    assert!(!found(assume(), both), "the role's own deny");
}

#[test]
fn what_a_step_leads_to_is_worked_out_and_not_assumed() {
    // A policy that may only be one of a few.
    let only = |policy: &str| {
        json!([{"Effect": "Allow", "Action": "iam:AttachUserPolicy", "Resource": "*",
            "Condition": {"ArnEquals": {"iam:PolicyARN": policy}}}])
    };
    let has = |estate: &Value| !steps(estate).is_empty();
    assert!(has(&estate(&only("arn:aws:iam::aws:policy/AdministratorAccess"))));
    assert!(!has(&estate(&only(&arn("policy/mine")))));
    // Only users who have a boundary.
    let bound = json!([{"Effect": "Allow", "Action": "iam:PutUserPolicy", "Resource": "*",
        "Condition": {"StringEquals": {"iam:PermissionsBoundary": arn("policy/edge")}}}]);
    assert!(!has(&estate(&bound)));
    // A deny that stays whatever is attached.
    let mut gate = json!([allow(&json!(["iam:AttachUserPolicy"]))]);
    gate.as_array_mut().unwrap().push(json!({"Effect": "Deny", "NotAction": "iam:AttachUserPolicy", "Resource": "*",
        "Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}}));
    assert!(!has(&estate(&gate)));
    // Members of a tag.
    let tagged = json!([{"Effect": "Allow", "Action": "iam:CreateAccessKey", "Resource": "*",
        "Condition": {"StringEquals": {"aws:ResourceTag/team": "core"}}}]);
    assert!(!has(&estate(&tagged)));
    let mut core = estate(&tagged);
    core["UserDetailList"][1]["Tags"] = json!([{"Key": "team", "Value": "core"}]);
    assert!(has(&core));
    // A boundary that can be taken off.
    let mut boxed = estate(&json!([allow(&json!("*"))]));
    boxed["UserDetailList"][0]["PermissionsBoundary"] = json!({"PermissionsBoundaryArn": arn("policy/edge")});
    let mut edge = |actions: Value| {
        let own = boxed["Policies"][0].clone();
        boxed["Policies"] = json!([own, managed("edge", &json!([allow(&actions)]), &json!([]))]);
        steps(&boxed)
    };
    boxed_is(&edge(json!(["s3:*"])), &[]);
    boxed_is(&edge(json!(["s3:*", "iam:DeleteUserPermissionsBoundary"])), &["iam:DeleteUserPermissionsBoundary"]);
    boxed_is(&edge(json!(["s3:*", "iam:CreatePolicyVersion"])), &["iam:CreatePolicyVersion on its boundary"]);
}

fn boxed_is(seen: &[String], wanted: &[&str]) {
    assert_eq!(seen, wanted);
}

#[test]
fn a_third_key_needs_one_to_go() {
    let statements = json!([allow(&json!("iam:CreateAccessKey"))]);
    let two = "admin,arn:aws:iam::111122223333:user/admin,2024-01-01T00:00:00+00:00,false,N/A,N/A,N/A,false,true,2026-09-15T10:00:00+00:00,N/A,N/A,N/A,false,2026-09-15T10:00:00+00:00,N/A,N/A,N/A,false,N/A,false,N/A\n";
    let found = |statements: &Value| {
        let all = details(&[user("thief", statements), user("admin", &everything())], &[]);
        let report = audit(&(row("thief", "false", false) + two), Some(all));
        key(&report, "thief/access-key-1").steps.iter().any(|step| step.everything && step.sure)
    };
    assert!(!found(&statements));
    assert!(found(&json!([allow(&json!(["iam:CreateAccessKey", "iam:DeleteAccessKey"]))])));
}

#[test]
fn an_organisation_binds_its_accounts_and_not_the_one_that_runs_it() {
    use std::io::Cursor;

    use crate::{Audit, Settings, estate::Known};

    let policy = |id: &str, statements: Value, target: &str| {
        json!({"Policy": {"PolicySummary": {"Id": id, "Name": id, "Type": "SERVICE_CONTROL_POLICY",
            "Arn": format!("arn:aws:organizations::999999999999:policy/o-x/service_control_policy/{id}")},
            "Content": json!({"Version": "2012-10-17", "Statement": statements}).to_string()},
            "Targets": [{"TargetId": target, "Type": "ROOT"}]})
    };
    let all = || json!([allow(&json!("*"))]);
    let deny = || json!([{"Effect": "Deny", "Action": "iam:*", "Resource": "*"}]);
    let found = |organisation: Value| {
        let mut audit = Audit::new(Settings::at("2026-11-29T00:00:00Z".parse().unwrap()));
        let estate = details(&[user("thief", &everything())], &[]).to_string();
        let keys = json!({"AccessKeyMetadata": [{"UserName": "thief", "AccessKeyId": "AKIATHIEF", "Status": "Active",
            "CreateDate": "2026-01-01T00:00:00Z"}]});
        for (name, text) in [("d.json", estate), ("o.json", organisation.to_string()), ("k.json", keys.to_string())] {
            assert!(audit.read(name, Cursor::new(text.into_bytes())), "{name}");
        }
        let report = audit.finish();
        let key = key(&report, "AKIATHIEF");
        (key.everything == Known::Yes, key.without.surely.contains(law::Power::Mint))
    };
    assert_eq!(found(json!([policy("p-1", all(), "r-1")])), (true, true));
    assert!(!found(json!([policy("p-1", all(), "r-1"), policy("p-2", deny(), "r-1")])).0);
    assert!(found(json!([policy("p-1", all(), "r-1"), policy("p-2", deny(), "222222222222")])).0);
    assert_eq!(found(json!([policy("p-1", json!([allow(&json!("s3:*"))]), ACCOUNT)])), (false, false));
    // A unit of which nobody says whether the account is in it.
    let unit = || policy("p-2", deny(), "ou-1-a");
    assert!(!found(json!([policy("p-1", all(), "r-1"), unit()])).0);
    let elsewhere = json!({"Account": ACCOUNT, "Parents": [{"Id": "r-1", "Type": "ROOT"}]});
    assert!(found(json!([policy("p-1", all(), "r-1"), unit(), elsewhere])).0);
    let mut own = policy("p-2", deny(), "r-1");
    own["Policy"]["PolicySummary"]["Arn"] = json!(format!("arn:aws:organizations::{ACCOUNT}:policy/o-x/p-2"));
    assert!(found(json!([own])).0, "the account that runs the organisation is not bound");
}

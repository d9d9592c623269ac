//! What must hold of whole judgements.

use std::collections::BTreeSet;

use law::{Power, Powers};
use proptest::prelude::*;

use super::{Context, RULES, classify};
use crate::{Facts, Field, Shape};

fn facts(method: &str, template: &str) -> Facts {
    Facts { method: method.to_owned(), template: template.to_owned(), ..Facts::default() }
}

fn fields(names: &[&str]) -> Shape {
    let field = |name: &&str| Field { path: name.split('.').map(str::to_owned).collect(), ..Field::default() };
    Shape { media: vec!["application/json".to_owned()], list: false, fields: names.iter().map(field).collect() }
}

fn asking(facts: Facts, names: &[&str]) -> Facts {
    Facts { request: fields(names), ..facts }
}

fn answering(facts: Facts, names: &[&str]) -> Facts {
    Facts { answer: fields(names), ..facts }
}

fn judged(facts: &Facts) -> String {
    classify(facts, &Context::default()).powers.to_string()
}

#[test]
fn method_and_path_alone_give_the_powers() {
    for (method, template, powers) in [
        ("GET", "/articles", "read"),
        ("POST", "/articles", "write"),
        ("PATCH", "/articles/{id}", "write"),
        ("DELETE", "/articles/{id}", "destroy"),
        // grant
        ("POST", "/users", "grant"),
        ("DELETE", "/users/{id}", "destroy + grant"),
        ("POST", "/admin/users/{id}/suspend", "grant"),
        ("GET", "/users/{id}", "read"),
        ("PATCH", "/users/{id}", "write"),
        ("PUT", "/teams/{id}/members/{user}", "grant"),
        ("DELETE", "/teams/{id}/members/{user}", "grant"),
        ("DELETE", "/teams/{id}/users/{user}", "grant"),
        ("DELETE", "/roles/{id}", "destroy + grant"),
        ("POST", "/documents/{id}/share", "grant"),
        ("POST", "/v1/{resource}:setIamPolicy", "grant"),
        ("GET", "/roles/{id}/permissions", "read"),
        ("POST", "/admin/accounts/{id}/unsuspend", "grant"),
        ("POST", "/projects/{id}/permissions/settings", "grant"),
        ("POST", "/account/articles/{id}/private/publish", "grant"),
        ("DELETE", "/databases/{id}/users/{user}", "destroy + grant"),
        ("DELETE", "/account", "destroy + grant"),
        ("DELETE", "/classes/{id}/learners/{learner}", "grant"),
        ("POST", "/elements/{id}/security-entries", "grant"),
        // mint
        ("POST", "/api-keys", "mint"),
        ("GET", "/api-keys", "read"),
        ("DELETE", "/user/ssh_keys/{id}", "destroy + mint"),
        ("POST", "/webhooks/{id}/secret/rotate", "mint"),
        ("POST", "/users/{id}/reset_password", "mint"),
        ("POST", "/login", "mint"),
        ("DELETE", "/sessions/{id}", "destroy + mint"),
        ("POST", "/accesstokens", "mint"),
        ("GET", "/oauth2/authorize", "mint"),
        ("PUT", "/users/{id}/credentials/{credential}/label", "write"),
        ("POST", "/tokens/{id}/invalidate", "destroy + mint"),
        ("POST", "/users/forgot-password", "mint"),
        ("POST", "/users/{id}/revokeSignInSessions", "mint"),
        // disarm
        ("DELETE", "/user/2fa", "destroy + disarm"),
        ("PUT", "/orgs/{org}/sso/settings", "disarm"),
        ("DELETE", "/firewalls/{id}/rules/{rule}", "destroy + disarm"),
        ("PUT", "/repos/{repo}/branches/{branch}/protection/status_checks", "disarm"),
        ("PATCH", "/alert-rules/{id}", "disarm"),
        ("POST", "/alerts/{id}/acknowledge", "write"),
        ("PUT", "/account/email", "disarm"),
        ("DELETE", "/audit-logs", "destroy + disarm"),
        ("GET", "/firewalls/{id}", "read"),
        ("DELETE", "/settings/account/two-step", "destroy + disarm"),
        ("PUT", "/settings/allowed-networks", "disarm"),
        ("POST", "/users/{id}/blocking", "disarm"),
        ("POST", "/contacts/{id}/block", "disarm"),
        ("PUT", "/backup-policies/{id}", "disarm"),
        ("DELETE", "/notification-rules/{id}", "destroy + disarm"),
        ("PATCH", "/syslog-servers/{id}", "disarm"),
        // destroy
        ("POST", "/servers/{id}/rebuild", "destroy + run"),
        ("POST", "/volumes/{id}/restore", "destroy"),
        ("POST", "/device/factory-reset", "destroy"),
        ("POST", "/corpus/reset", "destroy"),
        // export
        ("GET", "/audit-logs", "export"),
        ("POST", "/exports", "export"),
        ("GET", "/conversations/{id}/messages", "export"),
        ("GET", "/files/{id}/download", "export"),
        // spend
        ("POST", "/payments", "spend"),
        ("POST", "/charges/{id}/refund", "spend"),
        ("POST", "/phone_numbers", "spend"),
        ("GET", "/orders", "read"),
        // run
        ("POST", "/jobs", "run"),
        ("POST", "/servers/{id}/actions/reboot", "run"),
        ("POST", "/deployments", "run"),
        ("POST", "/pipelines/{id}/cancel", "run"),
        ("GET", "/runs/{id}", "read"),
    ] {
        assert_eq!(judged(&facts(method, template)), powers, "{method} {template}");
    }
}

#[test]
fn words_that_only_look_dangerous_are_plain() {
    for (method, template, powers) in [
        ("POST", "/translations/{lang}/keys", "write"),
        ("PUT", "/metadata/keys/{key}", "write"),
        ("POST", "/keywords", "write"),
        ("PUT", "/push/tokens/{id}", "write"),
        ("DELETE", "/posts/{id}/like", "write"),
        ("DELETE", "/repos/{repo}/star", "write"),
        ("DELETE", "/issues/{id}/assignees", "write"),
        ("POST", "/users/search", "read"),
        ("POST", "/tasks/{id}/mark-as-read", "write"),
        ("POST", "/contacts/groups", "write"),
        ("POST", "/resource-groups/{id}/tags", "write"),
        ("POST", "/sort-order", "write"),
        ("GET", "/users/me/orders", "read"),
        // What was one's own ends.
        ("POST", "/signout", "write"),
        ("DELETE", "/me/saved-episodes/{id}", "write"),
        ("POST", "/auth/logout", "write"),
        ("DELETE", "/logout", "write"),
        ("POST", "/users/{id}/verification-tokens/send", "write"),
        ("POST", "/tokens/verify", "read"),
        ("DELETE", "/testers/{id}/relationships/apps", "write"),
        ("POST", "/searches/run", "write"),
        ("POST", "/users/me/bookmarks", "write"),
    ] {
        assert_eq!(judged(&facts(method, template)), powers, "{method} {template}");
    }
}

#[test]
fn fields_of_the_request_add_powers() {
    let update = || facts("PATCH", "/users/{id}");
    assert_eq!(judged(&asking(update(), &["name", "bio"])), "write");
    assert_eq!(judged(&asking(update(), &["name", "role"])), "grant");
    assert_eq!(judged(&asking(update(), &["is_admin"])), "grant");
    assert_eq!(judged(&asking(update(), &["user", "user.password"])), "mint");
    assert_eq!(judged(&asking(update(), &["email"])), "disarm");
    assert_eq!(judged(&asking(update(), &["twoFactorEnabled"])), "disarm");
    assert_eq!(judged(&asking(facts("POST", "/hooks"), &["url", "config", "config.secret"])), "mint");
    assert_eq!(judged(&asking(facts("POST", "/hooks"), &["url"])), "write");
    assert_eq!(judged(&asking(facts("POST", "/notes"), &["title", "author", "author.role"])), "write");
    assert_eq!(judged(&asking(facts("POST", "/databases"), &["region", "size"])), "spend");
    assert_eq!(judged(&asking(facts("PUT", "/api-keys/{id}"), &["name", "scopes"])), "grant + mint");
    assert_eq!(judged(&asking(facts("PATCH", "/groups/{id}"), &["name", "user_ids"])), "grant");
    assert_eq!(judged(&asking(facts("POST", "/sites"), &["name", "environmentVariables"])), "mint");
    assert_eq!(judged(&asking(facts("POST", "/backups/{id}/restore"), &["overwrite"])), "destroy");
    // The caller's own proof is not set, and what is tried is not kept.
    assert_eq!(judged(&asking(facts("POST", "/transfers/list"), &["client_id", "secret"])), "read");
    assert_eq!(judged(&asking(facts("POST", "/things"), &["client_id", "secret"])), "write");
    assert_eq!(judged(&asking(facts("POST", "/directory/test"), &["bindPassword"])), "write");
}

/// A name and a password that nothing was there for.
#[test]
fn who_comes_in_gets_a_right_and_a_password() {
    for template in ["/register", "/signup", "/auth/register", "/account", "/users"] {
        assert_eq!(judged(&asking(facts("POST", template), &["email", "password"])), "grant + mint", "{template}");
    }
    assert_eq!(judged(&asking(facts("POST", "/login"), &["email", "password"])), "mint");
    assert_eq!(judged(&asking(facts("POST", "/connections"), &["username", "password"])), "mint");
}

#[test]
fn whose_sign_in_name_changes_can_be_somebody_else() {
    let update = |template: &str, names: &[&str]| judged(&asking(facts("PATCH", template), names));
    assert_eq!(update("/Users/{id}", &["displayName", "userName"]), "disarm");
    assert_eq!(update("/account", &["name", "user_email"]), "disarm");
    assert_eq!(update("/customers/{id}", &["name", "email"]), "write");
    assert_eq!(update("/customers/{id}", &["name", "email", "password"]), "mint + disarm");
    assert_eq!(update("/connections/{id}", &["login", "password"]), "mint");
}

/// A list beside other fields is a part of what is sent.
#[test]
fn members_in_a_body_are_members() {
    let mut group = asking(facts("PUT", "/Groups/{id}"), &["displayName", "members", "members.value"]);
    group.request.list = true;
    group.request.fields[1].kind = "array".to_owned();
    assert_eq!(judged(&group), "grant");
}

/// A new thing was nobody's secret before, and a new key has no more than its maker.
#[test]
fn what_is_made_open_is_written_and_what_is_opened_is_granted() {
    assert_eq!(judged(&asking(facts("POST", "/playlists"), &["name", "public"])), "write");
    assert_eq!(judged(&asking(facts("PATCH", "/playlists/{id}"), &["name", "public"])), "grant");
    assert_eq!(judged(&asking(facts("POST", "/drafts/{id}/publish"), &["name", "private"])), "grant");
    assert_eq!(judged(&asking(facts("POST", "/access-tokens"), &["label", "scopes"])), "mint");
    assert_eq!(judged(&asking(facts("PATCH", "/access-tokens/{id}"), &["scopes"])), "grant + mint");
}

#[test]
fn tokens_that_pay_or_prove_an_address_open_nothing() {
    let token = |template: &str, names: &[&str]| judged(&answering(asking(facts("POST", template), names), &["token"]));
    assert_eq!(token("/vault", &["card_number", "cvv"]), "write");
    assert_eq!(token("/jwt/verify", &["token"]), "read");
    assert_eq!(judged(&asking(facts("POST", "/tokens/burn"), &["amount"])), "write");
    let mut file = asking(facts("POST", "/add_password"), &["file", "password"]);
    file.answer.media = vec!["application/pdf".to_owned()];
    assert_eq!(judged(&file), "write");
}

#[test]
fn a_field_that_leaves_no_choice_gives_nothing() {
    let chosen = |values: &[&str]| {
        let mut facts = asking(facts("POST", "/notes"), &["permission"]);
        facts.request.fields[0].values = values.iter().map(|value| (*value).to_owned()).collect();
        judged(&facts)
    };
    assert_eq!(chosen(&["create"]), "write");
    assert_eq!(chosen(&["view", "edit"]), "grant");
    assert_eq!(chosen(&[]), "grant");
    let mut choice = asking(facts("POST", "/notes/batch"), &["action"]);
    choice.request.fields[0].values = vec!["archive".to_owned(), "DELETE".to_owned()];
    assert_eq!(judged(&choice), "destroy");
}

#[test]
fn a_secret_in_the_answer_is_a_credential_and_a_cursor_is_none() {
    assert_eq!(judged(&answering(facts("GET", "/clients/{id}"), &["client_id", "client_secret"])), "mint");
    assert_eq!(judged(&answering(facts("GET", "/orders"), &["items", "next_page_token"])), "read");
    assert_eq!(judged(&answering(facts("POST", "/meetings"), &["id", "token"])), "mint");
    assert_eq!(judged(&answering(facts("GET", "/user/ssh_keys/{id}"), &["id", "title", "key"])), "read");
    assert_eq!(judged(&answering(facts("GET", "/notes"), &["text", "owner", "owner.password"])), "read");
    let mut hidden = answering(facts("GET", "/signing-keys/{id}"), &["id", "private_key"]);
    hidden.answer.fields[1].description = Some("Only returned once, when the key is created.".to_owned());
    assert_eq!(judged(&hidden), "read");
}

#[test]
fn names_and_texts_speak_where_the_path_is_silent() {
    let rpc = |id: &str| Facts { operation_id: Some(id.to_owned()), ..facts("POST", "/") };
    assert_eq!(judged(&rpc("DeleteAccessKey")), "destroy + mint");
    assert_eq!(judged(&rpc("ListUsers")), "read");
    assert_eq!(judged(&rpc("TerminateInstances")), "destroy + run");
    let said = |summary: &str| Facts { summary: Some(summary.to_owned()), ..facts("POST", "/things/{id}/x") };
    assert_eq!(judged(&said("Reset the API key of a user")), "mint");
    assert_eq!(judged(&said("Invite people to the workspace")), "grant");
    let removed = |template: &str, summary: &str| {
        judged(&Facts { summary: Some(summary.to_owned()), ..facts("DELETE", template) })
    };
    assert_eq!(removed("/issues/{id}/labels/{label}", "Delete a label"), "write");
    assert_eq!(removed("/repos/{repo}/labels/{label}", "Delete a label"), "destroy");
    assert_eq!(removed("/lists/{list}/contacts/{id}", "Remove a contact from a list"), "write");
    assert_eq!(removed("/lists/{list}/contacts/{id}", "Delete a contact"), "destroy");
}

#[test]
fn bulk_media_export_unless_json_is_offered_too() {
    let media = |names: &[&str]| Facts {
        answer: Shape { media: names.iter().map(|name| (*name).to_owned()).collect(), ..Shape::default() },
        ..facts("GET", "/reports/{id}")
    };
    assert_eq!(judged(&media(&["text/csv"])), "export");
    assert_eq!(judged(&media(&["application/json", "text/csv"])), "read");
}

/// Spellings by which a thief's operation could look harmless.
#[test]
fn spelling_hides_nothing() {
    for template in
        ["/APIKeys", "/api_keys", "/api-keys", "/ApiKeys", "/apikeys", "/v2/api/keys", "/api_keys.json", "//api-keys/"]
    {
        assert_eq!(judged(&facts("POST", template)), "mint", "{template}");
    }
    for template in ["/users/{id}/2fa", "/users/{id}/two-factor", "/users/{id}/twoFactor", "/users/{id}/MFA"] {
        assert!(classify(&facts("PUT", template), &Context::default()).powers.contains(Power::Disarm), "{template}");
    }
}

#[test]
fn options_does_nothing() {
    assert_eq!(judged(&facts("OPTIONS", "/audit-logs")), "read");
}

#[test]
fn every_rule_has_an_id_of_its_own_under_its_power() {
    let mut seen = BTreeSet::new();
    for (power, rules) in RULES {
        for rule in *rules {
            assert!(rule.id.starts_with(&format!("{power}.")), "{}", rule.id);
            assert!(seen.insert(rule.id), "{}", rule.id);
            assert!(!rule.when.is_empty(), "{}", rule.id);
        }
    }
}

prop_compose! {
    fn any_facts()(
        method in "GET|PUT|POST|PATCH|DELETE|HEAD|LINK",
        template in "(/[a-zA-Z_:{}.-]{0,12}){0,5}",
        operation_id in proptest::option::of("[a-zA-Z_/.]{0,24}"),
        summary in proptest::option::of("(delete|create|get|allow|to|or|the|user|key|of|'s|<p>| ){0,9}"),
        names in proptest::collection::vec("[a-zA-Z_]{0,12}(\\.[a-zA-Z_]{0,12}){0,2}", 0..8),
        list in any::<bool>(),
    ) -> Facts {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let shape = Shape { list, ..fields(&names) };
        Facts { operation_id, summary, request: shape.clone(), answer: shape, ..facts(&method, &template) }
    }
}

proptest! {
    #[test]
    fn every_operation_has_a_power_and_each_power_its_evidence(facts in any_facts()) {
        let powered = classify(&facts, &Context::default());
        prop_assert!(!powered.powers.is_empty());
        let shown: Powers = powered.evidence.iter().map(|(power, _)| *power).collect();
        prop_assert_eq!(shown, powered.powers);
        prop_assert!(powered.evidence.iter().all(|(_, evidence)| !evidence.words.is_empty()));
        prop_assert!(powered.evidence.is_sorted_by_key(|(power, _)| *power));
    }

    #[test]
    fn read_and_write_stand_alone(facts in any_facts()) {
        let powers = classify(&facts, &Context::default()).powers;
        let plain = Powers::EVERY.difference(Powers::SENSITIVE);
        prop_assert!(powers.intersection(plain).is_empty() || powers.iter().count() == 1);
    }

    #[test]
    fn the_same_facts_give_the_same_judgement(facts in any_facts()) {
        prop_assert_eq!(classify(&facts, &Context::default()), classify(&facts, &Context::default()));
    }

    #[test]
    fn what_is_deleted_is_never_only_read(facts in any_facts()) {
        let facts = Facts { method: "DELETE".to_owned(), ..facts };
        prop_assert!(!classify(&facts, &Context::default()).powers.contains(Power::Read));
    }
}

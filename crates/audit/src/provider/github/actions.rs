//! What the events of GitHub's audit log let their actor do, and which permission of a
//! fine-grained token is enough for them.

use law::{Power, Powers};

fn of(powers: &[Power]) -> Powers {
    powers.iter().copied().collect()
}

/// What an event lets its actor do, by its category and verb, or else by the type of operation
/// that GitHub gives it.
pub(super) fn powers(action: &str, operation: Option<&str>) -> Powers {
    use Power::{Destroy, Disarm, Export, Grant, Mint, Read, Run, Spend, Write};
    let (category, verb) = action.split_once('.').unwrap_or((action, ""));
    let says = |words: &[&str]| words.iter().any(|word| verb.contains(word));
    let about = |words: &[&str]| words.iter().any(|word| category.contains(word));
    let removes = says(&["destroy", "delete", "remove", "revoke"]);
    let and_destroys = |powers: Powers| if removes { powers.with(Destroy) } else { powers };

    // What weakens protection, whatever it is about.
    let weakens =
        says(&["disable", "override", "bypass", "dismiss"]) || removes && about(&["protected_branch", "ruleset"]);
    let protects =
        about(&[
            "secret_scanning",
            "two_factor",
            "protected_branch",
            "ruleset",
            "dependabot",
            "code_scanning",
            "advanced_security",
            "ip_allow_list",
            "vulnerability_alert",
            "security_product",
            "saml",
            "sso",
        ]) || says(&["two_factor", "saml", "sso", "oauth_app_restriction", "ip_allow_list", "security", "ssh_cert"]);
    if about(&["audit_log_streaming"]) {
        return of(&[Write, Disarm]);
    }
    if protects && !says(&["sso_response"]) {
        let powers = if weakens || removes { of(&[Write, Disarm]) } else { of(&[Write]) };
        // Whoever changes a rule can loosen it; switching protection on is no weakening.
        let changes =
            says(&["update", "create", "policy", "edit"]) && about(&["protected_branch", "ruleset", "ip_allow_list"]);
        return if changes { powers.with(Disarm) } else { powers };
    }
    match (category, verb) {
        ("git", "push") => return of(&[Write]),
        ("git", _) => return of(&[Read]),
        ("repo", "access") => return of(&[Write, Grant, Export]),
        ("repo", "download_zip") | ("org" | "business", "audit_log_export" | "audit_log_git_event_export") => {
            return of(&[Export]);
        }
        ("repo", "transfer" | "transfer_outgoing") => return of(&[Write, Grant, Destroy]),
        ("hook", _) => return and_destroys(of(&[Write, Export])),
        ("migration", _) => return of(&[Export]),
        _ => {}
    }
    if about(&["secret_scanning_alert"])
        || says(&["secret", "token", "credential"])
        || about(&[
            "personal_access_token",
            "public_key",
            "deploy_key",
            "oauth_access",
            "oauth_authorization",
            "oauth_application",
            "credential_authorization",
            "ssh_certificate",
            "integration_secret",
            "gpg_key",
        ])
    {
        let powers = of(&[Mint]);
        let powers = if about(&["personal_access_token"]) { powers.with(Grant) } else { powers };
        return and_destroys(powers.with(Write));
    }
    if about(&[
        "team",
        "role",
        "membership",
        "integration_installation",
        "repository_invitation",
        "external_group",
        "outside_collaborator",
    ]) || says(&["member", "collaborator", "admin", "invite", "role", "outside", "billing_manager", "permission"])
    {
        return of(&[Write, Grant]);
    }
    if about(&["workflow", "actions", "environment", "codespaces", "runner", "required_workflow"])
        || says(&["runner", "workflow"])
    {
        return and_destroys(of(&[Write, Run]));
    }
    if about(&["billing", "sponsors", "marketplace", "copilot", "payment"]) || says(&["plan", "billing", "seat"]) {
        return of(&[Write, Spend]);
    }
    match operation {
        _ if says(&["destroy", "delete"]) => of(&[Write, Destroy]),
        Some("access" | "authentication") => of(&[Read]),
        Some("remove") => of(&[Write, Destroy]),
        Some(_) => of(&[Write]),
        None if removes => of(&[Write, Destroy]),
        None if says(&["view", "read", "clone", "fetch", "download", "login", "list"]) => of(&[Read]),
        None => of(&[Write]),
    }
}

/// The permission of a fine-grained token that would have been enough, with its level.
pub(super) fn permission(action: &str) -> Option<(&'static str, &'static str)> {
    let (category, verb) = action.split_once('.')?;
    let secret = verb.contains("secret");
    Some(match category {
        "git" if verb == "push" => ("contents", "write"),
        "git" => ("contents", "read"),
        "repo" if secret => ("secrets", "write"),
        "repo" if verb == "download_zip" => ("contents", "read"),
        "repo" | "protected_branch" | "repository_ruleset" | "deploy_key" | "public_key" | "repository_invitation" => {
            ("administration", "write")
        }
        "org" if secret => ("organization_secrets", "write"),
        "org" if verb.contains("member") || verb.contains("collaborator") => ("members", "write"),
        "org" if verb.contains("audit_log") => ("organization_administration", "read"),
        "org" | "ip_allow_list" | "ip_allow_list_entry" => ("organization_administration", "write"),
        "team" => ("members", "write"),
        "hook" => ("repository_hooks or organization_hooks", "write"),
        "environment" => ("environments", "write"),
        "workflows" => ("actions", "write"),
        "pull_request" | "pull_request_review" | "pull_request_review_comment" => ("pull_requests", "write"),
        "issue" | "issues" | "issue_comment" => ("issues", "write"),
        "packages" | "package" => ("packages", "write"),
        "codespaces" => ("codespaces", "write"),
        "discussion" | "discussion_comment" | "discussion_post" => ("discussions", "write"),
        "secret_scanning_alert" => ("secret_scanning_alerts", "write"),
        "repository_vulnerability_alert" => ("vulnerability_alerts", "write"),
        "personal_access_token" => ("organization_personal_access_tokens", "write"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_give_what_their_names_say() {
        use Power::{Destroy, Disarm, Export, Grant, Mint, Read, Run, Spend, Write};
        for (action, wanted) in [
            ("git.clone", &[Read][..]),
            ("git.push", &[Write]),
            ("repo.destroy", &[Write, Destroy]),
            ("repo.create", &[Write]),
            ("repo.access", &[Write, Grant, Export]),
            ("repo.download_zip", &[Export]),
            ("repo.add_member", &[Write, Grant]),
            ("org.invite_member", &[Write, Grant]),
            ("org.remove_member", &[Write, Grant]),
            ("org.disable_two_factor_requirement", &[Write, Disarm]),
            ("org.enable_two_factor_requirement", &[Write]),
            ("org.disable_saml", &[Write, Disarm]),
            ("org.update_actions_secret", &[Write, Mint]),
            ("org.register_self_hosted_runner", &[Write, Run]),
            ("protected_branch.destroy", &[Write, Disarm]),
            ("protected_branch.policy_override", &[Write, Disarm]),
            ("protected_branch.update_required_approving_review_count", &[Write, Disarm]),
            ("repository_ruleset.destroy", &[Write, Disarm]),
            ("hook.create", &[Write, Export]),
            ("hook.destroy", &[Write, Export, Destroy]),
            ("deploy_key.create", &[Write, Mint]),
            ("public_key.delete", &[Write, Mint, Destroy]),
            ("personal_access_token.access_granted", &[Write, Mint, Grant]),
            ("oauth_access.create", &[Write, Mint]),
            ("integration_installation.create", &[Write, Grant]),
            ("team.add_member", &[Write, Grant]),
            ("secret_scanning.disable", &[Write, Disarm]),
            ("secret_scanning.enable", &[Write]),
            ("secret_scanning_push_protection.bypass", &[Write, Disarm]),
            ("repository_secret_scanning.disable", &[Write, Disarm]),
            ("ip_allow_list_entry.create", &[Write, Disarm]),
            ("audit_log_streaming.destroy", &[Write, Disarm]),
            ("workflows.created_workflow_run", &[Write, Run]),
            ("billing.change_billing_type", &[Write, Spend]),
            ("issue.destroy", &[Write, Destroy]),
            ("pull_request.merge", &[Write]),
            ("migration.create", &[Export]),
        ] {
            assert_eq!(powers(action, None), of(wanted), "{action}");
        }
        assert_eq!(powers("something.new", Some("access")), of(&[Read]));
        assert_eq!(powers("something.new", Some("remove")), of(&[Write, Destroy]));
    }
}

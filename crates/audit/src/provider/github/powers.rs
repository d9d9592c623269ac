//! What the permissions of fine-grained tokens and apps, and the scopes of classic tokens, give.

use law::{Power, Powers};

use crate::estate::Reach;

fn of(powers: &[Power]) -> Powers {
    powers.iter().copied().collect()
}

/// A permission of a fine-grained token or an app, with its level: `read`, `write` or `admin`.
pub(super) fn permission(name: &str, level: &str) -> Reach {
    use Power::{Destroy, Disarm, Export, Grant, Mint, Read, Run, Spend, Write};
    if level == "read" {
        return Reach::surely(match name {
            // They reveal what was found.
            "secret_scanning_alerts" => of(&[Read, Mint]),
            "organization_audit_log" | "audit_log" => of(&[Export]),
            _ => of(&[Read]),
        });
    }
    let powers = match name {
        "administration" => of(&[Grant, Destroy, Disarm, Mint]),
        "organization_administration" | "enterprise_administration" => of(&[Grant, Disarm, Spend]),
        "members"
        | "organization_custom_roles"
        | "organization_custom_org_roles"
        | "enterprise_custom_roles"
        | "repository_access"
        | "enterprise_organization_installations"
        | "enterprise_organization_installation_repositories" => of(&[Grant]),
        "organization_personal_access_tokens" | "organization_personal_access_token_requests" => of(&[Grant, Mint]),
        "secrets"
        | "organization_secrets"
        | "dependabot_secrets"
        | "organization_dependabot_secrets"
        | "codespaces_secrets"
        | "organization_codespaces_secrets"
        | "codespaces_user_secrets"
        | "git_ssh_keys"
        | "ssh_keys"
        | "keys"
        | "gpg_keys"
        | "git_signing_ssh_public_keys"
        | "ssh_signing_keys" => of(&[Mint]),
        "actions"
        | "workflows"
        | "workflow"
        | "deployments"
        | "environments"
        | "codespaces"
        | "organization_self_hosted_runners"
        | "actions_variables"
        | "organization_actions_variables" => of(&[Run]),
        "security_events"
        | "vulnerability_alerts"
        | "secret_scanning_alerts"
        | "secret_scanning_push_protection_bypass_requests"
        | "organization_secret_scanning"
        | "repository_advisories"
        // Where a password is reset to.
        | "email_addresses" => of(&[Disarm]),
        "repository_hooks" | "webhooks" | "organization_hooks" => of(&[Export]),
        "contents" | "packages" | "organization_packages" => of(&[Destroy]),
        "plan" | "organization_plan" | "organization_copilot_seat_management" => of(&[Spend]),
        ordinary if ORDINARY.contains(&ordinary) => Powers::NONE,
        // One that is newer than this table.
        _ => return Reach { surely: of(&[Read, Write]), perhaps: Powers::EVERY.difference(of(&[Read, Write])) },
    };
    let powers = powers.union(of(&[Read, Write]));
    Reach::surely(if level == "admin" { powers.union(of(&[Grant, Destroy])) } else { powers })
}

/// Permissions that read and write, and do nothing else. `bench/github_permissions.py` compares
/// the names here with those of GitHub's own document.
const ORDINARY: [&str; 32] = [
    "artifact_metadata",
    "attestations",
    "checks",
    "code_quality",
    "commit_statuses",
    "custom_properties_for_organizations",
    "discussions",
    "enterprise_custom_properties_for_organizations",
    "events",
    "followers",
    "gists",
    "interaction_limits",
    "issues",
    "merge_queues",
    "metadata",
    "organization_announcement_banners",
    "organization_copilot_agent_settings",
    "organization_custom_properties",
    "organization_events",
    "organization_projects",
    "organization_user_blocking",
    "pages",
    "profile",
    "projects",
    "pull_requests",
    "repository_custom_properties",
    "repository_projects",
    "single_file",
    "starring",
    "statuses",
    "team_discussions",
    "watching",
];

/// A scope of a classic token.
pub(super) fn scope(scope: &str) -> Reach {
    use Power::{Destroy, Disarm, Export, Grant, Mint, Read, Run, Spend, Write};
    let powers = match scope {
        // Hooks, collaborators, deploy keys, secrets and workflows of every repository.
        "repo" => of(&[Read, Write, Run, Grant, Mint]),
        "public_repo" => of(&[Read, Write]),
        "repo:status" | "gist" | "user:follow" | "write:discussion" | "project" | "write:packages" => {
            of(&[Read, Write])
        }
        "repo_deployment" | "workflow" | "codespace" | "manage_runners:org" | "manage_runners:enterprise" => {
            of(&[Read, Write, Run])
        }
        "repo:invite" => of(&[Grant]),
        "security_events" => of(&[Read, Disarm]),
        "delete_repo" | "delete:packages" => of(&[Destroy]),
        "admin:org" => of(&[Read, Write, Grant, Disarm, Destroy]),
        "write:org" => of(&[Read, Write, Grant]),
        "admin:repo_hook" | "write:repo_hook" | "admin:org_hook" => of(&[Read, Write, Export]),
        "admin:public_key"
        | "write:public_key"
        | "admin:gpg_key"
        | "write:gpg_key"
        | "admin:ssh_signing_key"
        | "write:ssh_signing_key" => of(&[Mint]),
        "codespace:secrets" => of(&[Mint]),
        "scim:enterprise" => of(&[Read, Write, Grant]),
        "write:network_configurations" => of(&[Read, Write, Disarm]),
        "copilot" => of(&[Read, Write]),
        // Where a password is reset to is among what it writes.
        "user" => of(&[Read, Write, Disarm]),
        "audit_log" | "read:audit_log" => of(&[Export]),
        "manage_billing:copilot" | "manage_billing:enterprise" => of(&[Read, Spend]),
        "admin:enterprise" | "site_admin" => Powers::EVERY,
        "notifications" => of(&[Read]),
        read if read.starts_with("read:") || read.starts_with("user:") => of(&[Read]),
        _ => return Reach::UNDESCRIBED,
    };
    Reach::surely(powers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_is_reading_and_an_unknown_scope_is_perhaps_everything() {
        assert_eq!(permission("contents", "read"), Reach::surely(Power::Read.into()));
        assert!(permission("administration", "write").surely.contains(Power::Disarm));
        assert!(!permission("issues", "write").reckoned().is_sensitive());
        assert_eq!(permission("invented", "write").reckoned(), Powers::EVERY);
        assert_eq!(scope("read:org"), Reach::surely(Power::Read.into()));
        assert!(scope("repo").surely.contains(Power::Mint));
        assert_eq!(scope("invented"), Reach::UNDESCRIBED);
    }
}

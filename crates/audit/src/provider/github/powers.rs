//! What the permissions of fine-grained tokens and apps, and the scopes of classic tokens, give.

use law::{Power, Powers};

use crate::estate::Reach;

fn of(powers: &[Power]) -> Powers {
    powers.iter().copied().collect()
}

/// A permission of a fine-grained token or an app, with its level: `read`, `write` or `admin`.
pub(super) fn permission(name: &str, level: &str) -> Powers {
    use Power::{Destroy, Disarm, Export, Grant, Mint, Read, Run, Spend, Write};
    if level == "read" {
        return match name {
            // They reveal what was found.
            "secret_scanning_alerts" => of(&[Read, Mint]),
            "organization_audit_log" | "audit_log" => of(&[Export]),
            _ => of(&[Read]),
        };
    }
    let powers = match name {
        "administration" => of(&[Grant, Destroy, Disarm, Mint]),
        "organization_administration" | "enterprise_administration" => of(&[Grant, Disarm, Spend]),
        "members"
        | "organization_custom_roles"
        | "organization_custom_org_roles"
        | "enterprise_custom_roles"
        | "repository_access" => of(&[Grant]),
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
        | "repository_advisories" => of(&[Disarm]),
        "repository_hooks" | "webhooks" | "organization_hooks" => of(&[Export]),
        "contents" | "packages" | "organization_packages" => of(&[Destroy]),
        "plan" | "organization_plan" | "organization_copilot_seat_management" => of(&[Spend]),
        _ => Powers::NONE,
    };
    let powers = powers.union(of(&[Read, Write]));
    if level == "admin" { powers.union(of(&[Grant, Destroy])) } else { powers }
}

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
        "user" => of(&[Read, Write]),
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
        assert_eq!(permission("contents", "read"), Power::Read.into());
        assert!(permission("administration", "write").contains(Power::Disarm));
        assert!(!permission("issues", "write").is_sensitive());
        assert_eq!(scope("read:org"), Reach::surely(Power::Read.into()));
        assert!(scope("repo").surely.contains(Power::Mint));
        assert_eq!(scope("invented"), Reach::UNDESCRIBED);
    }
}

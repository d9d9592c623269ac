//! People, what ties them to things, and the fields that say who may do what.

/// What ties a person to a thing.
pub(in crate::classify) const TIES: &[&str] = &[
    "access",
    "access control",
    "access control list",
    "access grant",
    "access level",
    "access request",
    "access right",
    "account assignment",
    "acl",
    "acl rule",
    "assigned role",
    "authority",
    "authorized user",
    "co host",
    "co owner",
    "collaboration",
    "collaborator",
    "composite",
    "default group",
    "delegate",
    "delegation",
    "editor",
    "entitlement",
    "federated identity",
    "grant",
    "group assignment",
    "group member",
    "group membership",
    "guest",
    "guest link",
    "invitation",
    "invite",
    "invite request",
    "invited user",
    "join request",
    "maintainer",
    "member",
    "membership",
    "moderator",
    "owner",
    "ownership",
    "panelist",
    "permission",
    "permission assignment",
    "policy assignment",
    "policy attachment",
    "private link",
    "privilege",
    "public access",
    "public link",
    "public url",
    "role assignment",
    "role mapping",
    "scope mapping",
    "scope request",
    "seat",
    "share",
    "share code",
    "share link",
    "shared link",
    "sharing",
    "sharing link",
    "team member",
    "team membership",
    "teammate",
    "tester",
    "user access",
    "user assignment",
    "user group membership",
    "user link",
    "user role",
    "viewer",
    "visibility",
    "workspace access",
];

/// Lists of addresses and shares of disks, not of people.
pub(in crate::classify) const NETWORK: &[&str] = &[
    "access log",
    "access rule",
    "file share",
    "host share",
    "ip access",
    "ip access control list",
    "ip access list",
    "nas share",
    "network access",
    "network acl",
    "nfs share",
    "smb share",
    "vpc access",
    "web acl",
];

/// Things that carry rights, and stay when a person loses them.
pub(in crate::classify) const OFFICES: &[&str] = &[
    "access policy",
    "admin",
    "administrator",
    "bucket policy",
    "client scope",
    "cluster role",
    "cluster role binding",
    "custom role",
    "iam policy",
    "permission boundary",
    "permission group",
    "permission profile",
    "permission scheme",
    "permission set",
    "policy binding",
    "policy statement",
    "realm role",
    "resource policy",
    "role",
    "role binding",
    "role definition",
    "role policy",
    "service account",
    "sharing rule",
    "sub account",
    "sub user",
    "subaccount",
    "subuser",
    "team",
    "user policy",
];

/// Words for a person who has an account.
pub(in crate::classify) const PEOPLE: &[&str] = &[
    "admin user",
    "employee",
    "identity",
    "login user",
    "operator",
    "principal",
    "staff",
    "staff member",
    "user",
    "user account",
];

/// Words for a group of people.
pub(in crate::classify) const GROUPS: &[&str] = &["access group", "group", "scim group", "user group", "usergroup"];

/// What can be said of a group of people; other groups are of other things.
pub(in crate::classify) const SAID_OF_GROUPS: &[&str] = &[
    "access",
    "account",
    "admin",
    "auth",
    "default",
    "directory",
    "distribution",
    "enterprise",
    "external",
    "iam",
    "identity",
    "member",
    "nested",
    "org",
    "organization",
    "permission",
    "person",
    "public",
    "realm",
    "role",
    "scim",
    "staff",
    "sub",
    "team",
    "tenant",
    "top",
    "user",
    "workspace",
];

/// Where people are together without being made there.
pub(in crate::classify) const TOGETHER: &[&str] =
    &["channel", "group", "permission", "project", "role", "room", "share", "space", "team"];

/// Verbs that change what a person may do at all.
pub(in crate::classify) const STANDING: &[&str] = &[
    "activate",
    "approve",
    "ban",
    "block",
    "deactivate",
    "demote",
    "disable",
    "enable",
    "link",
    "lock",
    "promote",
    "reactivate",
    "restore",
    "suspend",
    "unban",
    "unblock",
    "undelete",
    "unlink",
    "unlock",
    "unsuspend",
];

/// Verbs that change who may do what, whatever their object is.
pub(in crate::classify) const VERBS: &[&str] =
    &["ban", "grant", "impersonate", "invite", "join", "kick", "leave", "share", "unban", "unshare"];

/// What lies below is a right too.
pub(in crate::classify) const INSIDE: &[&str] = &[
    "access control",
    "acl",
    "iam",
    "invitation",
    "membership",
    "permission",
    "permission set",
    "policy binding",
    "role",
    "role assignment",
    "role mapping",
    "shared link",
    "sharing",
];

/// Who may do what, on whatever thing the field stands.
pub(in crate::classify) const FIELDS: &[&str] = &[
    "access control",
    "access level",
    "acl",
    "admin",
    "admin level",
    "administrator",
    "collaborator",
    "collaborator id",
    "group permission",
    "invitee",
    "is admin",
    "is administrator",
    "is owner",
    "is private",
    "is public",
    "is staff",
    "is superuser",
    "member id",
    "new owner",
    "permission",
    "permission level",
    "private",
    "privilege",
    "public",
    "share with",
    "shared link",
    "shared with",
    "sharing",
    "site admin",
    "superuser",
    "user role",
    "visibility level",
];

/// Who may do what, where somebody is named.
pub(in crate::classify) const ROLES: &[&str] = &["access", "role", "role id", "role name", "role type", "share"];

/// Fields that name somebody.
pub(in crate::classify) const SOMEBODY: &[&str] = &[
    "email",
    "email address",
    "first name",
    "login",
    "member id",
    "user",
    "user email",
    "user id",
    "user name",
    "username",
];

/// What an account that is a person's can be told.
pub(in crate::classify) const ACCOUNT_FIELDS: &[&str] = &[
    "active",
    "disabled",
    "enabled",
    "group id",
    "is active",
    "is disabled",
    "is enabled",
    "locked",
    "role",
    "suspended",
];

/// Who somebody is, where the thing is a person or a group of them.
pub(in crate::classify) const PERSON_FIELDS: &[&str] = &[
    "account enabled",
    "activated",
    "active",
    "banned",
    "blocked",
    "client role",
    "deactivated",
    "disabled",
    "enabled",
    "group",
    "group id",
    "invitability level",
    "is active",
    "is blocked",
    "is disabled",
    "is enabled",
    "is restricted",
    "is ultra restricted",
    "locked",
    "manager",
    "manager id",
    "member",
    "member viewability level",
    "owner",
    "realm role",
    "restricted",
    "scope",
    "status",
    "suspended",
    "team",
    "team id",
    "user type",
];

/// Ties that are of networks and disks as often as of people.
pub(in crate::classify) const NETWORK_TOO: &[&str] = &["access", "access control list", "acl", "share"];

/// Below them, a group is not one of people.
pub(in crate::classify) const OTHER_PLACES: &[&str] = &["ad", "campaign", "contact", "product", "resource"];

/// Values that let everybody see.
pub(in crate::classify) const OPEN_VALUES: &[&str] = &["all", "anyone", "everyone", "open", "public", "publicread"];

/// Values that let only some see.
pub(in crate::classify) const CLOSED_VALUES: &[&str] =
    &["company", "internal", "private", "restricted", "secret", "selected", "signed", "unlisted"];

/// Members of them are addresses.
pub(in crate::classify) const MAILING_LISTS: &[&str] =
    &["audience", "campaign", "interest", "list", "newsletter", "segment"];

/// Things that are shared with people and groups of them.
pub(in crate::classify) const SHARED_THINGS: &[&str] = &[
    "album",
    "app",
    "application",
    "article",
    "board",
    "calendar",
    "collection",
    "dashboard",
    "database",
    "document",
    "environment",
    "file",
    "folder",
    "form",
    "page",
    "playlist",
    "project",
    "release",
    "repo",
    "report",
    "repository",
    "resource",
    "site",
    "video",
    "workspace",
];

/// Last words of fields that list people.
pub(in crate::classify) const LISTED: &[&str] = &["admin", "collaborator", "invite", "member", "moderator"];

/// What lies in a person and says what they may do, or who may do it for them.
pub(in crate::classify) const OF_A_PERSON: &[&str] = &["access", "account", "admin", "standing", "state", "status"];

/// What is given the use of shared things.
pub(in crate::classify) const USERS_OF_THINGS: &[&str] =
    &["group", "role", "runner group", "secret", "team", "variable"];

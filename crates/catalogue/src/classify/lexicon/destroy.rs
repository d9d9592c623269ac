//! What goes for good, and what only looks like it.

/// Verbs after which nothing is left.
pub(in crate::classify) const FOR_GOOD: &[&str] = &[
    "anonymize",
    "decommission",
    "deprovision",
    "destroy",
    "erase",
    "expunge",
    "nuke",
    "obliterate",
    "purge",
    "reimage",
    "reinstall",
    "scrub",
    "shred",
    "terminate",
    "truncate",
    "unprovision",
    "wipe",
];

/// Verbs that take things apart and leave both.
pub(in crate::classify) const UNTIES: &[&str] = &[
    "cancel",
    "detach",
    "disable",
    "disassociate",
    "disconnect",
    "dismiss",
    "dissociate",
    "leave",
    "mark",
    "stop",
    "unarchive",
    "unassign",
    "unbind",
    "unblock",
    "unfollow",
    "unlink",
    "unlock",
    "unmute",
    "unpin",
    "unset",
    "unstar",
    "unsubscribe",
    "unwatch",
];

/// What comes and goes with a click.
pub(in crate::classify) const LIGHT: &[&str] = &[
    "assignee",
    "bookmark",
    "cache",
    "favorite",
    "favourite",
    "follow",
    "follower",
    "following",
    "like",
    "multipart upload",
    "mute",
    "pin",
    "reaction",
    "read marker",
    "requested reviewer",
    "star",
    "starred",
    "typing",
    "upload",
    "upload session",
    "upvote",
    "vote",
    "watch",
    "watcher",
];

/// Verbs that leave no doubt that a thing is deleted, and not taken out of something.
pub(in crate::classify) const DELETES: &[&str] = &["delete", "destroy", "erase", "purge", "wipe"];

/// What stands on a thing and belongs to somebody else.
pub(in crate::classify) const REFERENCES: &[&str] = &["author", "category", "discount", "label", "tag", "topic"];

/// What [`REFERENCES`] belong to.
pub(in crate::classify) const OWNERS: &[&str] = &[
    "account",
    "app",
    "board",
    "catalog",
    "group",
    "library",
    "org",
    "organization",
    "project",
    "realm",
    "registry",
    "repo",
    "repository",
    "shop",
    "site",
    "store",
    "team",
    "tenant",
    "user",
    "workspace",
];

/// Verbs that put something else in the place of what was there.
pub(in crate::classify) const RESTORES: &[&str] = &["rebuild", "reset", "restore", "revert", "rollback"];

/// What holds data that a rebuilding wipes.
pub(in crate::classify) const DISKS: &[&str] =
    &["database", "disk", "droplet", "instance", "machine", "server", "virtual machine", "vm", "volume"];

/// Fields that choose what is done.
pub(in crate::classify) const CHOOSE: &[&str] =
    &["action", "action type", "bulk action", "command", "operation", "operation type"];

/// Values of [`CHOOSE`] that delete, without `_`.
pub(in crate::classify) const CHOICES: &[&str] =
    &["delete", "deleteall", "destroy", "erase", "purge", "terminate", "truncate", "wipe"];

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
    "prune",
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
    "deassign",
    "deassociate",
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
    "unassociate",
    "unbind",
    "unblock",
    "unbookmark",
    "unfavorite",
    "unfavourite",
    "unfollow",
    "unlike",
    "unlink",
    "unlock",
    "unmute",
    "unpin",
    "unrepost",
    "unretweet",
    "unsave",
    "unset",
    "unshare",
    "unstar",
    "unsubscribe",
    "untag",
    "unvote",
    "unwatch",
];

/// What comes and goes with a click.
pub(in crate::classify) const LIGHT: &[&str] = &[
    "assignee",
    "blocking",
    "bookmark",
    "cache",
    "downvote",
    "favorite",
    "favorited",
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
    "repost",
    "requested reviewer",
    "retweet",
    "seen",
    "star",
    "starred",
    "typing",
    "unread",
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
pub(in crate::classify) const REFERENCES: &[&str] =
    &["author", "category", "custom tag", "discount", "hashtag", "label", "tag", "topic"];

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

/// That two things belong together.
pub(in crate::classify) const TIED: &[&str] = &["association", "relation", "relationship"];

/// Ties that are things where nothing holds them.
pub(in crate::classify) const BY_THEMSELVES: &[&str] = &[
    "beta tester",
    "collaborator",
    "contributor",
    "delegate",
    "guest",
    "member",
    "moderator",
    "organizer",
    "permission",
    "team member",
    "tester",
];

/// They leave a machine as it came.
pub(in crate::classify) const RESETS: &[&str] = &["factory reset", "hard reset"];

/// A reset leaves nothing in them.
pub(in crate::classify) const EMPTIED: &[&str] =
    &["all data", "collection", "corpus", "data", "database", "dataset", "db", "factory", "index", "storage", "store"];

/// What was done with a click, and is taken back with another.
pub(in crate::classify) const LIGHTLY: &[&str] =
    &["bookmarked", "favorited", "favourited", "followed", "hidden", "liked", "rated", "saved", "tagged", "watched"];

/// What things are in, and outlive.
pub(in crate::classify) const LISTS: &[&str] =
    &["audience", "bookmark", "cart", "favorite", "group", "playlist", "segment", "watchlist", "wishlist"];

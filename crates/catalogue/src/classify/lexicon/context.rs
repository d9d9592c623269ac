//! Words by which a document tells what its people and its callers' proofs are.

/// Parts of names that may prove who calls.
pub(in crate::classify) const PROVING: &[&str] = &["auth", "key", "login", "passw", "pwd", "secret", "token", "user"];

/// Parts of names by which people sign in.
pub(in crate::classify) const SIGN_INS: &[&str] =
    &["log-in", "log_in", "login", "logon", "sign-in", "sign_in", "signin", "signup", "sign-up", "authenticate"];

/// Words for somebody in a path.
pub(in crate::classify) const PEOPLE: &[&str] =
    &["account", "admin", "employee", "member", "operator", "staff", "user"];

/// Parts of names that say what somebody may do.
pub(in crate::classify) const RIGHTS: &[&str] = &["admin", "permission", "privilege", "role"];

/// A document of fewer operations is a part of an API, and says nothing by its silence.
pub(in crate::classify) const PART: usize = 4;

/// Parts of names that say that a group is one of people.
pub(in crate::classify) const IN_GROUPS: &[&str] = &[
    "employee",
    "learner",
    "member",
    "participant",
    "people",
    "permission",
    "person",
    "role",
    "staff",
    "student",
    "user",
];

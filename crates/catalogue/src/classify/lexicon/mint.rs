//! Credentials, what is only called like one, and the fields that hold secrets.

/// What proves who one is, and what opens things.
pub(in crate::classify) const CREDENTIALS: &[&str] = &[
    "access key",
    "access token",
    "account key",
    "api client",
    "api credential",
    "api key",
    "api secret",
    "api token",
    "app client",
    "app password",
    "app secret",
    "application key",
    "application password",
    "auth key",
    "auth token",
    "authorization code",
    "backup code",
    "bearer token",
    "cert",
    "certificate",
    "certificate signing request",
    "client credential",
    "client key",
    "client secret",
    "connection string",
    "consumer key",
    "consumer secret",
    "credential",
    "csr",
    "customer key",
    "deploy key",
    "deploy token",
    "encryption key",
    "file key",
    "gpg key",
    "hmac key",
    "host key",
    "id token",
    "jwt",
    "key",
    "key pair",
    "keypair",
    "keystore",
    "kubeconfig",
    "login link",
    "login profile",
    "magic link",
    "master key",
    "oauth app",
    "oauth application",
    "oauth client",
    "oauth token",
    "oauth2 application",
    "oauth2 client",
    "passcode",
    "passkey",
    "passphrase",
    "password",
    "pat",
    "personal access token",
    "pgp key",
    "private key",
    "public key",
    "recovery code",
    "refresh token",
    "registration token",
    "remote access key",
    "sas token",
    "scratch code",
    "secret",
    "secret key",
    "secret version",
    "service account key",
    "service token",
    "session token",
    "shared secret",
    "signing key",
    "signing secret",
    "ssh key",
    "stream key",
    "token",
    "trust store",
    "truststore",
    "user key",
    "webhook secret",
];

/// Verbs that change the order of things.
pub(in crate::classify) const ORDERS: &[&str] = &["move", "reorder", "sort"];

/// What lies below is a credential's too.
pub(in crate::classify) const HOLDS_CREDENTIALS: &[&str] = &[
    "access key",
    "access token",
    "api key",
    "api token",
    "certificate signing request",
    "credential",
    "csr",
    "key pair",
    "password",
    "secret",
    "ssh key",
];

/// Called a token or a key, and none that opens anything.
pub(in crate::classify) const NO_CREDENTIALS: &[&str] = &[
    "allow credential",
    "bank token",
    "bookmark token",
    "cancellation token",
    "card token",
    "change token",
    "client request token",
    "client token",
    "clone token",
    "consistency token",
    "continuation token",
    "csrf token",
    "cursor token",
    "delta token",
    "device token",
    "dictionary key",
    "foreign key",
    "has password",
    "hashed token",
    "hot key",
    "idempotency key",
    "idempotency token",
    "index key",
    "is password",
    "key result",
    "license key",
    "lock token",
    "media token",
    "next token",
    "object key",
    "page token",
    "pagination token",
    "partition key",
    "password requirement",
    "password rule",
    "password setting",
    "payment token",
    "primary key column",
    "public certificate",
    "public key infrastructure",
    "purchase token",
    "push token",
    "read token",
    "registration id",
    "response token",
    "resume token",
    "revision token",
    "row key",
    "search token",
    "skip token",
    "sort key",
    "sync token",
    "tracking token",
    "translation key",
    "upload token",
    "verification key id",
    "version token",
    "xsrf token",
];

/// Where a `key` is a name and a `token` is a word or a coin.
pub(in crate::classify) const OTHER_KEYS: &[&str] = &[
    "balance",
    "blockchain",
    "cache",
    "card",
    "chat",
    "contract",
    "course",
    "custom",
    "dictionary",
    "erc20",
    "gift",
    "index",
    "keyword",
    "kv",
    "language",
    "locale",
    "metadata",
    "namespace",
    "nft",
    "push",
    "recognition",
    "redis",
    "tag",
    "tokenize",
    "tokenizer",
    "training",
    "translation",
    "wallet",
];

/// Words for signing in and out.
pub(in crate::classify) const SIGN_INS: &[&str] =
    &["impersonation", "log in", "log out", "login", "logout", "oauth token", "sign in", "signin", "token exchange"];

/// What is a session or a sign-in and nothing but that.
pub(in crate::classify) const SESSIONS: &[&str] = &[
    "admin session",
    "auth",
    "auth session",
    "authentication",
    "group session",
    "login session",
    "session",
    "user session",
];

/// Usable secrets, in a part of the thing too.
pub(in crate::classify) const PASSWORDS: &[&str] =
    &["connection string", "passphrase", "password", "private key", "secret access key", "signing secret"];

/// Usable secrets where they are the thing's own.
pub(in crate::classify) const SECRETS: &[&str] = &[
    "access code",
    "access key secret",
    "access secret",
    "account key",
    "activation code",
    "api secret",
    "app secret",
    "authorization code",
    "authorization header",
    "backup code",
    "client secret",
    "connection string",
    "consumer secret",
    "file key",
    "host key",
    "kubeconfig",
    "passcode",
    "passphrase",
    "password",
    "pin code",
    "plaintext",
    "primary master key",
    "private key",
    "recovery code",
    "scratch",
    "scratch code",
    "secret",
    "secret access key",
    "secret key",
    "secret string",
    "secret text",
    "secret value",
    "shared secret",
    "signing secret",
    "ssl key",
    "stream key",
    "tls key",
    "webhook secret",
];

/// Usable tokens where they are the thing's own.
pub(in crate::classify) const TOKENS: &[&str] = &[
    "access token",
    "api key",
    "api token",
    "app key",
    "auth key",
    "auth token",
    "authentication token",
    "authorization token",
    "bearer token",
    "deploy token",
    "id token",
    "join token",
    "jwt",
    "personal access token",
    "refresh token",
    "registration token",
    "reset token",
    "runner token",
    "sas token",
    "secret token",
    "service token",
    "session token",
];

/// Credentials that are secrets themselves; of an SSH key the public half is shown.
pub(in crate::classify) const SHOWABLE: &[&str] = &[
    "access key",
    "access token",
    "account key",
    "api credential",
    "api key",
    "api token",
    "app key",
    "auth key",
    "auth token",
    "authorization",
    "backup code",
    "client credential",
    "connection string",
    "credential",
    "encryption key",
    "file key",
    "jwt",
    "kubeconfig",
    "master key",
    "oauth token",
    "password",
    "personal access token",
    "private key",
    "recovery code",
    "refresh token",
    "registration token",
    "sas token",
    "secret",
    "secret key",
    "secret version",
    "session token",
    "shared key",
    "signing key",
    "stream key",
    "token",
];

/// Usable secrets where the operation is about such a credential.
pub(in crate::classify) const WITH_CREDENTIAL: &[&str] = &["credential", "key", "pem", "secret data", "token", "value"];

/// Public by their nature.
pub(in crate::classify) const PUBLIC: &[&str] = &["gpg key", "host key", "key id", "pgp key", "public key", "ssh key"];

/// Variables that hold secrets for programs.
pub(in crate::classify) const VARIABLES: &[&str] =
    &["config var", "env", "env var", "environment variable", "secret variable", "variable"];

/// What a request sets.
pub(in crate::classify) const SET: &[&str] = &[
    "access token secret",
    "api secret",
    "authorization header",
    "authorized key",
    "client secret",
    "credential",
    "encrypted value",
    "encryption key",
    "key pair",
    "passcode",
    "passphrase",
    "password",
    "private key",
    "recovery key",
    "rescue key",
    "root pass",
    "secret",
    "secret access key",
    "secret key",
    "secret string",
    "secret token",
    "secret value",
    "shared secret",
    "signing secret",
    "ssl key",
    "stream key",
    "tls key",
    "webhook secret",
];

/// Credentials by a word that means other things as often.
pub(in crate::classify) const AMBIGUOUS: &[&str] = &["key", "session", "token"];

/// They are rotated too.
pub(in crate::classify) const ROTATED_TOO: &[&str] =
    &["file", "image", "log", "page", "photo", "picture", "screen", "video"];

/// Verbs that sign in or out.
pub(in crate::classify) const SIGNS: &[&str] = &["authenticate", "impersonate", "login", "logout"];

/// Holders of fields about somebody who is mentioned in passing.
pub(in crate::classify) const SOMEBODY: &[&str] = &[
    "account",
    "author",
    "by",
    "creator",
    "customer",
    "member",
    "owner",
    "person",
    "sender",
    "user",
    "user detail",
    "user info",
];

/// Fields by which a variable says that it can be a secret.
pub(in crate::classify) const HIDES: &[&str] =
    &["encrypted", "hidden", "masked", "protected", "secret", "secured", "sensitive"];

/// What a description says of a secret that is not shown again.
pub(in crate::classify) const NOT_SHOWN: &[&str] = &[
    "always null",
    "be empty",
    "empty string",
    "is empty",
    "masked",
    "never returned",
    "not returned",
    "obfuscated",
    "omitted",
    "once",
    "only available",
    "only present",
    "only returned",
    "only shown",
    "only visible",
    "redacted",
    "write only",
    "write-only",
];

/// Fields by which somebody signs in.
pub(in crate::classify) const PROOFS: &[&str] =
    &["code", "credential", "email", "login", "password", "provider", "token", "user id", "user name", "username"];

/// They are answered whole, not as a list of names.
pub(in crate::classify) const WHOLE: &[&str] =
    &["backup code", "client secret", "connection string", "credential", "kubeconfig", "private key", "recovery code"];

/// Their variables are read by programs, and hold secrets.
pub(in crate::classify) const PROGRAMS: &[&str] = &[
    "app",
    "build",
    "ci",
    "deployment",
    "environment",
    "group",
    "pipeline",
    "pipeline config",
    "project",
    "repo",
    "runner",
    "service",
];

/// What connects to something else.
pub(in crate::classify) const CONNECTIONS: &[&str] = &[
    "connection",
    "connector",
    "data source",
    "datasource",
    "destination",
    "hook",
    "integration",
    "mirror",
    "provider",
    "service",
    "webhook",
];

/// Tokens of something else, in a request.
pub(in crate::classify) const OTHERS_TOKENS: &[&str] =
    &["access token", "api key", "api token", "auth token", "bearer token", "refresh token"];

//! Credentials, what is only called like one, and the fields that hold secrets.

/// What proves who one is, and what opens things.
pub(in crate::classify) const CREDENTIALS: &[&str] = &[
    "access code",
    "access key",
    "access token",
    "account key",
    "account recovery",
    "activation link",
    "api access",
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
    "auth code",
    "auth key",
    "auth token",
    "authorization code",
    "backup code",
    "basic auth",
    "bearer token",
    "ca",
    "cert",
    "certificate",
    "certificate authority",
    "certificate request",
    "certificate signing request",
    "client credential",
    "client key",
    "client registration",
    "client secret",
    "connection string",
    "consumer key",
    "consumer secret",
    "credential",
    "cryptokey",
    "csr",
    "customer key",
    "deploy key",
    "deploy token",
    "device code",
    "door code",
    "emergency code",
    "encryption key",
    "entry code",
    "file key",
    "gpg key",
    "hmac key",
    "host key",
    "id token",
    "invite link",
    "jwk",
    "jwt",
    "key",
    "key pair",
    "key ring",
    "key set",
    "key vault",
    "keypair",
    "keyring",
    "keyset",
    "keystore",
    "keytab",
    "kubeconfig",
    "login code",
    "login link",
    "login profile",
    "login url",
    "magic code",
    "magic link",
    "master key",
    "mnemonic",
    "oauth",
    "oauth app",
    "oauth application",
    "oauth client",
    "oauth consumer",
    "oauth token",
    "oauth2 app",
    "oauth2 application",
    "oauth2 client",
    "oidc client",
    "one time code",
    "pairing code",
    "passcode",
    "passkey",
    "passphrase",
    "passwd",
    "password",
    "password change",
    "password recovery",
    "password reminder",
    "password reset",
    "pat",
    "personal access token",
    "pgp key",
    "pin code",
    "private key",
    "psk",
    "public key",
    "pwd",
    "recovery code",
    "refresh token",
    "registration token",
    "remote access key",
    "reset link",
    "sas",
    "sas token",
    "scratch code",
    "secret",
    "secret key",
    "secret version",
    "seed phrase",
    "service account key",
    "service principal",
    "service token",
    "session token",
    "shared access signature",
    "shared secret",
    "sign in link",
    "signed cookie",
    "signin link",
    "signing key",
    "signing secret",
    "smtp user",
    "ssh key",
    "sshkey",
    "ssl",
    "stream key",
    "sts",
    "token",
    "trust store",
    "truststore",
    "tsigkey",
    "user key",
    "vault item",
    "virtual mfa device",
    "webhook secret",
    "x509",
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
    "activation token",
    "allow credential",
    "asset token",
    "bank token",
    "bookmark token",
    "burn token",
    "cancellation token",
    "card on file token",
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
    "design token",
    "device token",
    "dictionary key",
    "erc20 token",
    "fcm token",
    "foreign key",
    "has password",
    "hashed token",
    "hot key",
    "idempotency key",
    "idempotency token",
    "index key",
    "instance id token",
    "invite code",
    "is password",
    "key result",
    "license key",
    "lock token",
    "media token",
    "network token",
    "next token",
    "nft token",
    "object key",
    "page token",
    "pagination token",
    "partition key",
    "password requirement",
    "password rule",
    "password setting",
    "payment bearer token",
    "payment client secret",
    "payment method token",
    "payment token",
    "primary key column",
    "public certificate",
    "public key infrastructure",
    "purchase token",
    "push token",
    "read token",
    "registration id",
    "registration token count",
    "request token id",
    "response token",
    "resume token",
    "revision token",
    "row key",
    "search token",
    "skip token",
    "sms token",
    "sort key",
    "ssl setting",
    "stock token",
    "sync token",
    "token balance",
    "token holder",
    "token price",
    "token transfer",
    "tracking token",
    "translation key",
    "unsubscribe token",
    "vault token id",
    "verification key id",
    "verification token",
    "version token",
    "wallet token",
    "xsrf token",
];

/// Where a `key` is a name and a `token` is a word or a coin.
pub(in crate::classify) const OTHER_KEYS: &[&str] = &[
    "balance",
    "bitcoin",
    "blockchain",
    "cache",
    "card",
    "chat",
    "coin",
    "contract",
    "course",
    "crypto",
    "cryptocurrency",
    "currency",
    "custom",
    "debit",
    "dictionary",
    "erc20",
    "ethereum",
    "gift",
    "i18n",
    "index",
    "keyword",
    "kv",
    "language",
    "ledger",
    "locale",
    "metadata",
    "minting",
    "namespace",
    "nft",
    "payment",
    "price",
    "push",
    "recognition",
    "redis",
    "stock",
    "swap",
    "symbol",
    "tag",
    "tokenize",
    "tokenizer",
    "trading",
    "training",
    "translation",
    "wallet",
];

/// Words for signing in and out.
pub(in crate::classify) const SIGN_INS: &[&str] = &[
    "impersonation",
    "log in",
    "login",
    "magic link",
    "oauth token",
    "sign in",
    "signin",
    "token exchange",
    "token request",
];

/// What is a session or a sign-in and nothing but that.
pub(in crate::classify) const SESSIONS: &[&str] = &[
    "active session",
    "admin session",
    "all session",
    "anonymous session",
    "auth",
    "auth session",
    "authentication",
    "email session",
    "group session",
    "guest session",
    "login session",
    "magic url session",
    "oauth session",
    "other session",
    "phone session",
    "session",
    "sign in session",
    "signin session",
    "user session",
];

/// Usable secrets, in a part of the thing too.
pub(in crate::classify) const PASSWORDS: &[&str] = &[
    "connection string",
    "passphrase",
    "passwd",
    "password",
    "private key",
    "pwd",
    "runner token",
    "secret access key",
    "secret key",
    "shared secret",
    "signing secret",
];

/// Usable secrets where they are the thing's own.
pub(in crate::classify) const SECRETS: &[&str] = &[
    "access code",
    "access key secret",
    "access secret",
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
    "unlock key",
    "webhook secret",
    "webhook token",
    "worker token",
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
    "admin key",
    "api credential",
    "api key",
    "api token",
    "app key",
    "app password",
    "auth code",
    "auth key",
    "auth token",
    "authorization",
    "backup code",
    "bearer token",
    "client credential",
    "client secret",
    "connection string",
    "credential",
    "deploy token",
    "device code",
    "encryption key",
    "file key",
    "id token",
    "ingest key",
    "jwt",
    "kubeconfig",
    "login link",
    "login url",
    "magic link",
    "master key",
    "oauth token",
    "one time code",
    "otp",
    "password",
    "personal access token",
    "private key",
    "query key",
    "recovery code",
    "recovery key",
    "refresh token",
    "registration token",
    "sas token",
    "sdk key",
    "secret",
    "secret key",
    "secret version",
    "security key",
    "service token",
    "session token",
    "shared access signature",
    "shared key",
    "signing key",
    "storage key",
    "stream key",
    "subscription key",
    "token",
    "tsig key",
    "tsigkey",
    "unlock key",
    "vault item",
    "write key",
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
    "auth secret",
    "authorization header",
    "authorized key",
    "bot token",
    "card pin",
    "certificate key",
    "client key",
    "client secret",
    "connection string",
    "consumer secret",
    "credential",
    "credential json",
    "encrypted value",
    "encryption key",
    "hmac key",
    "host key",
    "key pair",
    "kubeconfig",
    "passcode",
    "passphrase",
    "passwd",
    "password",
    "password1",
    "pem",
    "pin code",
    "pre shared key",
    "preshared key",
    "private key",
    "psk",
    "pwd",
    "recovery key",
    "rescue key",
    "root pass",
    "secret",
    "secret access key",
    "secret key",
    "secret string",
    "secret token",
    "secret value",
    "service account json",
    "shared secret",
    "signing key",
    "signing secret",
    "ssh key",
    "ssl key",
    "stream key",
    "tls key",
    "token secret",
    "trust handshake secret",
    "webhook secret",
    "webhook token",
];

/// Credentials by a word that means other things as often.
pub(in crate::classify) const AMBIGUOUS: &[&str] = &["key", "session", "token"];

/// They are rotated too.
pub(in crate::classify) const ROTATED_TOO: &[&str] =
    &["file", "image", "log", "page", "photo", "picture", "screen", "video"];

/// Verbs that sign in or out.
pub(in crate::classify) const SIGNS: &[&str] = &["authenticate", "impersonate", "login"];

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
    "characters are returned",
    "characters of",
    "empty string",
    "first few",
    "is empty",
    "last 4",
    "last four",
    "masked",
    "never be exposed",
    "never returned",
    "not be returned",
    "not be shown",
    "not returned",
    "obfuscated",
    "omitted",
    "once",
    "only available",
    "only present",
    "only returned",
    "only shown",
    "only the first",
    "only the last",
    "only visible",
    "partially",
    "redacted",
    "will not be returned",
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
pub(in crate::classify) const OTHERS_TOKENS: &[&str] = &[
    "api token",
    "app token",
    "application token",
    "auth token",
    "authentication token",
    "authorization token",
    "bearer token",
    "bot token",
    "client key",
    "oauth token",
    "oauth2 token",
    "personal access token",
    "refresh token",
    "user token",
];

/// Where codes and tokens are given to clients.
pub(in crate::classify) const OAUTH: &[&str] = &["connect", "oauth", "oauth2", "oidc", "openid", "openid connect"];

/// What is said about a credential.
pub(in crate::classify) const ABOUT_IT: &[&str] = &[
    "comment",
    "credential description",
    "display name",
    "friendly name",
    "label",
    "nickname",
    "note",
    "position",
    "priority",
    "tag",
];

/// Verbs after which a credential is another one, and shown.
pub(in crate::classify) const RENEWS: &[&str] =
    &["generate", "regenerate", "reissue", "rekey", "renew", "reset", "roll", "rotate"];

/// Fields with the variables of a program.
pub(in crate::classify) const ENVIRONMENTS: &[&str] =
    &["config var", "env var", "env variable", "environment variable", "secret environment variable"];

/// Secrets that no list shows by name.
pub(in crate::classify) const NEVER_A_NAME: &[&str] = &["api secret", "app secret", "client secret", "consumer secret"];

/// Words for signing out.
pub(in crate::classify) const SIGN_OUTS: &[&str] =
    &["log off", "log out", "logoff", "logout", "sign off", "sign out", "signoff", "signout"];

/// Verbs that only send or try a code.
pub(in crate::classify) const TRIES: &[&str] =
    &["check", "has", "introspect", "resend", "send", "test", "validate", "verify"];

/// Codes that are sent and tried.
pub(in crate::classify) const TRIED: &[&str] = &["code", "otp", "sms code", "token"];

/// Words by which a code proves an address or a number.
pub(in crate::classify) const VERIFICATIONS: &[&str] = &["activation", "verification"];

/// To confirm them, the caller proves once more who calls.
pub(in crate::classify) const CONFIRMED: &[&str] = &["authorisation", "authorization"];

/// They lock a document or are those of somebody else's device.
pub(in crate::classify) const NOT_SET: &[&str] =
    &["default password", "document password", "open password", "owner password", "pdf password", "template password"];

/// Names of a token in what connects to something else.
pub(in crate::classify) const CONNECTING: &[&str] = &["access key", "access token", "api key", "key", "token"];

/// Fields with what stands on a card.
pub(in crate::classify) const CARDS: &[&str] =
    &["card cvv", "card number", "cvc", "cvd", "cvv", "cvv2", "expiry month", "expiry year", "pan"];

/// Fields of what there can be so much of.
pub(in crate::classify) const COINS: &[&str] =
    &["amount", "burn", "contract address", "decimal", "divisibility", "gas", "supply", "total supply"];

/// They are answered whole where there is only one of them.
pub(in crate::classify) const WHOLE_ALONE: &[&str] = &[
    "api key",
    "app key",
    "auth token",
    "encryption key",
    "join token",
    "master key",
    "recovery key",
    "root password",
    "secret key",
    "signing key",
    "stream key",
    "unlock key",
    "vnc password",
];

/// What is confirmed by an authorisation in it.
pub(in crate::classify) const CONFIRMED_IN: &[&str] = &["basket", "consent", "payment", "transfer"];

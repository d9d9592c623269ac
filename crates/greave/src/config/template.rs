//! The file that `greave init` writes: what was given, and what can be said beside it.

use jiff::civil::Date;

/// What goes into a new file.
pub(crate) struct Given<'a> {
    pub(crate) listen: &'a str,
    pub(crate) upstream: &'a str,
    pub(crate) document: &'a str,
    /// What keys begin with that are issued, if any will be.
    pub(crate) prefix: &'a str,
    /// The day from which the guards bind.
    pub(crate) enforce_from: Date,
}

/// A new `greave.toml`.
pub(crate) fn file(given: &Given<'_>) -> String {
    let Given { listen, upstream, document, prefix, enforce_from } = given;
    let (listen, upstream, document, prefix) = (quoted(listen), quoted(upstream), quoted(document), quoted(prefix));
    format!(
        r##"# Greave. After a change: `greave check`, then `kill -HUP` the running gate.
# What is weaker than before in any place waits for a code, as a whole: `greave law accept`.

[gate]
listen   = {listen}
upstream = {upstream}
# public = "https://api.example.com"     # the origin that clients know, where it differs
# host   = "preserve"                    # or "upstream"
# trusted_proxies = ["10.0.0.0/8"]       # whose X-Forwarded-For is believed
# head_timeout = "75s"                  # for the head of a request, and an idle connection
# body_pace = "1 KiB in 30s"             # the slowest that the body of a request may come
# problems = "application/problem+json"  # or "application/json", for clients that know an error by that alone
# metrics = "127.0.0.1:9464"             # Prometheus
# proof = {{ header = "X-From-Gate", secret = "proof" }}   # state/secrets/proof; let the upstream demand it

[api]
document = {document}
# base = "/api/v3"                       # where the paths begin, if not as the document says
# open = ["/login", "/static/"]          # what anybody may call without a credential
# sessions = ["cookie:session"]          # a person's login, told from keys; `issuer:URL`, `prefix:TEXT`, too
# keys = ["header:x-team-token"]         # where keys travel, beside the document's and the usual places
unknown_keys = "learn"                   # or "refuse"

# Whose a key is: read once from the upstream, with the key itself.
# [api.identify]
# path = "/user"
# holder = "/login"
# two_factor = "/two_factor_authentication"
# scopes_header = "X-OAuth-Scopes"
# end_header = "GitHub-Authentication-Token-Expiration"

# How the API is asked about its keys: revoked here is revoked there, too, and `greave reconcile`
# finds keys that live elsewhere. Pointers go into the list's answer, then into each of its items.
# [api.credentials]
# secret = "hub"                         # state/secrets/hub; the gate's own credential where it is silent
# place = "authorization:token"
# made_id = "/id"                        # where an answer that makes a key says what the API calls it
# made_by = ["POST /login"]              # its operations, where it is not the one that adds to the list
# revoke = "DELETE /users/{{holder}}/tokens/{{id}}"
# list = "GET /users/{{holder}}/tokens"
# items = "/api_tokens"
# name = "/note"
# created = "/created"
# expires = "/expires_at"
# last_used = "/last_activity"
# ignore = ["a1"]                        # known to be elsewhere, such as the gate's own

# Tokens that expire (JWT) are one key for each client: verified, and told apart by a claim.
# [[api.issuer]]
# name = "login"
# issuer = "https://login.example.com/"
# audience = "https://api.example.com"
# algorithms = ["ES256"]
# jwks = "https://login.example.com/.well-known/jwks.json"   # or a file beside this one
# identity = "client_id"                 # or "sub", "azp", "/act/sub": what names the key
# holder = "sub"                         # who has it
# type = "at+jwt"
# kind = "key"                           # or "session": a person's login
# counts_as_person = {{ claim = "amr", any = ["mfa", "otp"], within = "15m" }}   # their own second factor, by `auth_time`

# How loosely the upstream reads paths. Refused is what could be read in two ways.
# [api.paths]
# double_slash = "refuse"                # or "merge", "keep"
# semicolon = "refuse"                   # or "strip", "keep"
# case = "sensitive"                     # or "insensitive"
# trailing_slash = "strict"              # or "ignored"
# encoded_slash = "either"               # %2F may divide; "value" where the API never splits at it

# What an operation can do is read from the document and kept in catalogue.lock.
# [[api.override]]
# operation = "POST /reports/*"
# powers = ["export"]

# Where one address serves many acts: what of a request tells them apart.
# [[api.selector]]
# operation = "POST /graphql"
# by = "graphql"                         # or {{ query = "Action" }}, form, query-or-form, json, header
# values = ["query.*", "mutation.deleteUser"]   # judged by their names; or {{ "query.*" = ["read"] }}

# What a key must show, by what the operation can do. Factors: secret, possession, mandate,
# person, second-person. `person` alone is for this very request.
[guard]
read    = "secret"
write   = "secret"
export  = "possession | person within 8h"
run     = "possession | person within 15m"
destroy = "possession + mandate | person within 15m"
spend   = "possession + mandate | person"
grant   = "person"
mint    = "person"
disarm  = "person"
mode    = "observe until {enforce_from}"     # then enforce; `greave guards preview` says whom it will ask

# [guard.workload]                       # where keys of programs differ; [guard.vendor] likewise
# export = "person within 8h"

# Before somebody else's API: the API's own credential stays in the gate, and each client has a
# narrow key that Greave issues: `greave upstream set-credential`, `greave keys issue`.
# [issued]
# prefix = {prefix}
# place = "authorization:bearer"         # where the API takes its credential; or "authorization:basic", "header:x-api-key"
# on_behalf = ["Stripe-Account"]         # by which clients may say in whose name the credential acts
# credential = "upstream"                # state/secrets/upstream or systemd's greave-upstream, where it is kept outside

# How long keys live. `longest` binds keys that are there already, too: an issued one ends then,
# an adopted one is shown as past the limit, counted from when it was first seen.
# [keys]
# lifetime = "90d"                       # of an issued key, where nobody says
# longest = "365d"
# warn = ["14d", "3d", "1d"]             # so long before an end its people are told
# end_unwarned = false                   # a key in use goes on where nobody could be told at two of them

# Who may say yes to `greave keys request`, beside administrators. Where nobody is named: the
# owner of a program, to reading and writing.
# lapse = "7d"                           # a request waits so long for an answer
# collect = "1d"                         # a yes waits so long until the key is collected
# [[keys.approvers]]
# people = ["bob"]
# powers = ["read", "write"]
# longest = "30d"
# holders = ["ci"]                       # for all, where it is silent

# What becomes of the keys of somebody who leaves (`greave holders left NAME`): they stop, or go
# on and are listed (`greave keys --leavers`), so that nothing breaks at once.
# [holders]
# on_leaving = "list"

# Who may report leaked keys, beside `greave scan --report`. Whoever reports a key shows it; it is
# disabled then, and whoever answers for it is told.
# [leaks]
# found = true                           # strangers, at POST /v1/leaks/found of the desk; the answer tells nothing
# public = ["k17"]                       # keys that lie open by their nature: told, not stopped
# github = {{}}                            # GitHub's secret scanning: {{ "ID" = "KEY" }}, as it publishes its keys

[hold]
wait  = "50s"                            # a request without `Prefer: wait=N` waits so long for its person
# most  = "5m"
# lapse = "10m"

[desk]                                   # where people answer
# listen = "127.0.0.1:8081"
# public = "https://greave.example.com"
# trusted_proxies = ["10.0.0.0/8"]       # whose X-Forwarded-For is believed here

# [tell]
# escalate = "3m"
# [[tell.webhook]]
# url = "https://hooks.example.com/greave"
# secret = "webhook"                     # state/secrets/webhook
# [tell.mail]
# server = "mail.example.com"
# from = "Greave <greave@example.com>"

# Every call, finding and change goes out as OCSF 1.8 events (`greave drains`, docs/guide.md).
# [[drain]]
# name = "siem"
# to = "https://splunk.example.com:8088/services/collector/raw"   # or syslog+tls://HOST, file:PATH
# secret = "splunk"                      # state/secrets/splunk
# scheme = "Splunk"                      # before the secret in the header; `Bearer` where it is silent
# events = ["calls", "findings", "ledger"]
# powers = ["export", "mint"]            # of calls, only those with one of these
# min_severity = "warning"

# OpenTelemetry spans, over OTLP/HTTP.
# [trace]
# to = "http://127.0.0.1:4318/v1/traces"
# sample = 0.1                           # of requests that come in no trace

# Calls that are not usual for their key. A new gate only tells what it would do: look at
# `greave watch preview`, then set "on". A milder answer than before waits for a code.
[watch]
mode = "dry-run"                         # "on" contains keys, "off" looks at nothing
# most_an_hour = 10                      # more keys are not contained within an hour
# unanswered = "10m"                     # what looks like a theft and nobody answers for is frozen then
# asks = "24h"                           # how long a step-up lasts
# lasts = "24h"                          # how long a freeze and what is stricter last
# networks = "ip2asn-combined.tsv.gz"    # networks by number, as iptoasn.com has them; else /16 and /32
# [watch.workload]                       # likewise [watch.person], [watch.vendor]
# warning = "step-up"                    # or "note", "tell", "freeze", "pin", "disable"
# high = "freeze"
# [[watch.off]]
# detector = "odd-hour"
# why = "the office works in shifts"
# [[watch.expected]]                     # calls from there are nothing new
# blocks = ["198.51.100.0/24"]
# why = "the machines that build"
# keys = ["k7"]                          # without it, for all keys

[record]
# cap  = "16 GiB"
# keep = {{ read = "90d", sensitive = "400d" }}   # by powers; without it, as long as the cap allows
# seal = "1h"                                   # how often what was called is sealed
"##
    )
}

/// As TOML writes a string.
fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::Config;

    fn new_file() -> String {
        file(&Given {
            listen: "127.0.0.1:8080",
            upstream: "http://127.0.0.1:8000",
            document: "open \"api\".yaml",
            prefix: "gk_open_api",
            enforce_from: "2027-01-15".parse().unwrap(),
        })
    }

    #[test]
    fn a_new_file_is_read_as_it_was_meant() {
        let config = Config::parse(Path::new("/etc/greave/greave.toml"), &new_file()).unwrap();
        assert_eq!(config.api.document, Path::new("/etc/greave/open \"api\".yaml"));
        assert_eq!(config.gate.state, Path::new("/etc/greave/state"));
        let law = config.guard.law();
        for (power, cell) in law.person.iter() {
            assert_eq!(cell.guard, law::Law::default_guard(power), "the template states the defaults");
        }
    }

    #[test]
    fn what_is_commented_out_can_be_switched_on() {
        let whole: String = new_file()
            .lines()
            .map(|line| match line.strip_prefix("# ") {
                Some(setting) if setting.starts_with('[') || setting.split('=').next().is_some_and(is_name) => setting,
                _ => line,
            })
            .map(|line| format!("{line}\n"))
            .collect();
        let config = Config::parse(Path::new("greave.toml"), &whole).unwrap();
        assert!(config.api.identify.is_some() && config.tell.mail.is_some() && config.gate.proof.is_some());
        assert_eq!(config.issued.unwrap().prefix.0.to_string(), "gk_open_api");
    }

    fn is_name(text: &str) -> bool {
        !text.trim().is_empty() && text.trim().bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    }
}

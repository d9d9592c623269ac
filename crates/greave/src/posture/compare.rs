//! The configuration, setting by setting: what would let more through than now.
//!
//! Every struct is taken apart whole, so that a setting that is new must find its place here.
//! Where two values cannot be ranked, a change counts as weaker: a person looks at it.

use std::{collections::BTreeSet, fmt, net::SocketAddr, path::PathBuf};

use authority::{Lifetimes, OnLeaving, Weaker};
use ipnet::IpNet;
use law::{KeyId, Span};

use crate::config::{
    Answers, Api, Approver, Config, CountsAsPerson, Credentials, Desk, Drain, DrainForm, Expected, Gate, Hold, Holders,
    Identify, Issued, Issuer, Keys, Leaks, Mail, Off, Paths, Proof, Record, Size, Tell, Trace, UnknownKeys, Watch,
    Webhook, origin,
};

/// What a configuration makes easier than the one in force. The law is compared by itself.
pub(super) fn settings(from: &Config, to: &Config) -> Vec<Weaker> {
    let Config {
        gate: of_gate,
        api: of_api,
        guard: _,
        hold: of_hold,
        desk: of_desk,
        tell: of_tell,
        record: of_record,
        issued: of_issued,
        keys: of_keys,
        holders: of_holders,
        drains: of_drains,
        trace: of_trace,
        leaks: of_leaks,
        watch: of_watch,
    } = from;
    let mut found = Found::default();
    gate(of_gate, &to.gate, &mut found);
    api(of_api, &to.api, &mut found);
    hold(of_hold, &to.hold, &mut found);
    desk(of_desk, &to.desk, &mut found);
    tell(of_tell, &to.tell, &mut found);
    record(of_record, &to.record, &mut found);
    issued(of_issued.as_ref(), to.issued.as_ref(), &mut found);
    keys(of_keys, &to.keys, &mut found);
    holders(of_holders, &to.holders, &mut found);
    drains(of_drains, &to.drains, &mut found);
    trace(of_trace.as_ref(), to.trace.as_ref(), &mut found);
    leaks(of_leaks, &to.leaks, &mut found);
    watch(of_watch, &to.watch, &mut found);
    lifetimes(from.lifetimes(), to.lifetimes(), &mut found);
    found.0
}

fn gate(from: &Gate, to: &Gate, found: &mut Found) {
    let Gate {
        listen,
        upstream,
        public,
        host,
        // The folder in use is what everything else was found in.
        state: _,
        metrics,
        trusted_proxies,
        workers: _,
        connect_timeout: _,
        answer_timeout: _,
        stop_timeout: _,
        head_timeout,
        body_pace,
        // What it says stays the same.
        problems: _,
        proof: of_proof,
        upstream_authorities,
        client_certificate,
        client_key,
    } = from;
    // Another program of the host could take the port that is left, and what clients send there.
    found.differs("gate.listen", &listen.to_string(), &to.listen.to_string());
    // Whoever stands there gets every credential.
    found.differs("gate.upstream", upstream, &to.upstream);
    // Where answers send clients on to.
    found.differs("gate.public", &maybe(public.as_ref()), &maybe(to.public.as_ref()));
    found.differs("gate.host", &word(host), &word(&to.host));
    found.wider("gate.metrics", *metrics, to.metrics);
    // Trusting more believes forged sources; trusting fewer makes all callers one source.
    found.differs("gate.trusted_proxies", &list(trusted_proxies), &list(&to.trusted_proxies));
    // How long strangers may keep a place, and memory.
    found.longer("gate.head_timeout", *head_timeout, to.head_timeout);
    if to.body_pace.is_slower_than(*body_pace) {
        found.push("gate.body_pace", body_pace, to.body_pace);
    }
    proof(of_proof.as_ref(), to.proof.as_ref(), found);
    let path = |path: &Option<PathBuf>| maybe(path.as_ref().map(|path| path.display()));
    found.differs("gate.upstream_authorities", &path(upstream_authorities), &path(&to.upstream_authorities));
    // What is read there goes to the upstream, also where there was nothing before.
    found.differs("gate.client_certificate", &path(client_certificate), &path(&to.client_certificate));
    found.differs("gate.client_key", &path(client_key), &path(&to.client_key));
}

/// A secret goes out with every request, also where none did before.
fn proof(from: Option<&Proof>, to: Option<&Proof>, found: &mut Found) {
    let said = |Proof { header, secret }: &Proof| format!("{header} with the secret `{secret}`");
    found.differs("gate.proof", &maybe(from.map(said)), &maybe(to.map(said)));
}

fn api(from: &Api, to: &Api, found: &mut Found) {
    let Api {
        // What stands in the two is compared, wherever it stands.
        document: _,
        lock: _,
        base,
        open,
        unknown_keys,
        // With the places that the document names.
        keys: _,
        sessions,
        identity_headers,
        identify: of_identify,
        credentials: of_credentials,
        paths: of_paths,
        issuers,
        // They speak through the lock alone.
        overrides: _,
        selectors,
        multi_segment,
    } = from;
    found.differs("api.base", &maybe(base.as_ref()), &maybe(to.base.as_ref()));
    found.more("api.open", open, &to.open);
    if (*unknown_keys, to.unknown_keys) == (UnknownKeys::Refuse, UnknownKeys::Learn) {
        found.push("api.unknown_keys", "refuse", "learn");
    }
    found.more("api.sessions", sessions, &to.sessions);
    // What is taken out, the upstream does not see: that may be what it goes by.
    found.differs("api.identity_headers", &list(identity_headers), &list(&to.identity_headers));
    identify(of_identify.as_ref(), to.identify.as_ref(), found);
    credentials(of_credentials.as_ref(), to.credentials.as_ref(), found);
    // Whose word names a key or a session, and for whom.
    if *issuers != to.issuers {
        let said = |Issuer { name, issuer, audience, identity, kind, counts_as_person, .. }: &Issuer| {
            let counts = counts_as_person.as_ref().map_or_else(String::new, |CountsAsPerson { claim, any, within }| {
                format!(", their {claim} of {} as their person within {within}", list(any))
            });
            format!("{name}: {}s of {issuer} for {audience} by {identity}{counts}", word(kind))
        };
        found.push("api.issuer", list(issuers.iter().map(said)), list(to.issuers.iter().map(said)));
    }
    paths(*of_paths, to.paths, found);
    if *selectors != to.selectors {
        let said = |rules: &[::catalogue::SelectorRule]| list(rules.iter().map(|rule| &rule.operation));
        found.push("api.selector", said(selectors), said(&to.selectors));
    }
    if *multi_segment != to.multi_segment {
        let said = |rules: &[::catalogue::MultiSegment]| {
            list(rules.iter().map(|rule| format!("{} in {}", rule.parameter, rule.operation)))
        };
        found.push("api.multi_segment", said(multi_segment), said(&to.multi_segment));
    }
}

/// Whose a key is, who is asked for it, and when it ends, hang on it.
fn identify(from: Option<&Identify>, to: Option<&Identify>, found: &mut Found) {
    let said = |Identify { path, holder, two_factor, scopes, scopes_header, end_header }: &Identify| {
        let rest = [two_factor, scopes, scopes_header, end_header].map(|name| maybe(name.as_ref()));
        format!("{path}: {holder}, {}", rest.join(", "))
    };
    found.differs("api.identify", &maybe(from.map(said)), &maybe(to.map(said)));
}

/// A credential goes out with what is asked, and what is ignored is not found.
fn credentials(from: Option<&Credentials>, to: Option<&Credentials>, found: &mut Found) {
    let said = |how: &Credentials| {
        let Credentials {
            secret,
            place,
            made_id,
            made_by,
            revoke,
            list: lists,
            items,
            next,
            id,
            holder,
            name,
            shows,
            hash,
            created,
            expires,
            last_used,
            revoked,
            ignore,
        } = how;
        let all = [
            ("secret", secret),
            ("place", place),
            ("made_id", made_id),
            ("revoke", revoke),
            ("list", lists),
            ("items", items),
            ("next", next),
            ("id", id),
            ("holder", holder),
            ("name", name),
            ("shows", shows),
            ("hash", hash),
            ("created", created),
            ("expires", expires),
            ("last_used", last_used),
            ("revoked", revoked),
        ];
        let said = all.into_iter().filter_map(|(what, value)| Some(format!("{what} {}", value.as_ref()?)));
        let said = said.collect::<Vec<_>>().join(", ");
        format!("{said}; made by {}; ignoring {}", list(made_by), list(ignore))
    };
    found.differs("api.credentials", &maybe(from.map(said)), &maybe(to.map(said)));
}

fn paths(from: Paths, to: Paths, found: &mut Found) {
    let Paths { double_slash, semicolon, case, trailing_slash, encoded_slash } = from;
    let mut strict = |what: &str, strict: &str, from: String, to: String| {
        if to != strict {
            found.differs(what, &from, &to);
        }
    };
    strict("api.paths.double_slash", "refuse", word(&double_slash), word(&to.double_slash));
    strict("api.paths.semicolon", "refuse", word(&semicolon), word(&to.semicolon));
    strict("api.paths.encoded_slash", "either", word(&encoded_slash), word(&to.encoded_slash));
    // How strict the upstream is, the gate cannot make it.
    found.differs("api.paths.case", &word(&case), &word(&to.case));
    found.differs("api.paths.trailing_slash", &word(&trailing_slash), &word(&to.trailing_slash));
}

fn hold(from: &Hold, to: &Hold, found: &mut Found) {
    // How long a request waits that does not say is within what one may ask for.
    let Hold { wait: _, most, lapse, body, memory } = from;
    found.longer("hold.most", *most, to.most);
    found.longer("hold.lapse", *lapse, to.lapse);
    found.larger("hold.body", *body, to.body);
    found.larger("hold.memory", *memory, to.memory);
}

fn desk(from: &Desk, to: &Desk, found: &mut Found) {
    let Desk { listen, public, session, trusted_proxies } = from;
    // Codes are typed there: another program of the host could take the port that is left.
    found.differs("desk.listen", &listen.to_string(), &to.listen.to_string());
    // Where people are sent to type their codes.
    found.differs("desk.public", &maybe(public.as_ref()), &maybe(to.public.as_ref()));
    found.longer("desk.session", *session, to.session);
    // Who guesses codes is told apart by where they come from.
    found.differs("desk.trusted_proxies", &list(trusted_proxies), &list(&to.trusted_proxies));
}

/// Who is told, and who else reads along.
fn tell(from: &Tell, to: &Tell, found: &mut Found) {
    let Tell { escalate, webhook, mail } = from;
    found.longer("tell.escalate", *escalate, to.escalate);
    // An address may hold a credential: only its origin is shown.
    let address = |Webhook { url, secret, kinds, danger_plain_http: _ }: &Webhook| {
        let origin = url.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
        let origin = origin.rsplit('@').next().unwrap_or_default();
        let kinds = kinds.as_ref().map_or_else(|| "all".to_owned(), |kinds| list(kinds.iter().map(|kind| kind.word())));
        format!("{origin} ({kinds}), signed with the secret `{secret}`")
    };
    if *webhook != to.webhook {
        found.push("tell.webhook", list(webhook.iter().map(address)), list(to.webhook.iter().map(address)));
    }
    if *mail != to.mail {
        let said = |mail: &Option<Mail>| {
            let said = |Mail { server, port: _, security, from, user: _, password: _ }: &Mail| {
                format!("{server}, {}, from {from}", word(security))
            };
            maybe(mail.as_ref().map(said))
        };
        found.push("tell.mail", said(mail), said(&to.mail));
    }
}

fn record(from: &Record, to: &Record, found: &mut Found) {
    let Record { roll: _, cap, seal, keep, grace } = from;
    if to.cap < *cap {
        found.push("record.cap", cap, to.cap);
    }
    found.longer("record.seal", *seal, to.seal);
    let shorter = |(power, kept): (law::Power, &Option<Span>)| {
        to.keep.0[power].is_some_and(|now| kept.is_none_or(|before| now < before))
    };
    if keep.0.iter().any(shorter) {
        found.push("record.keep", keep, to.keep);
    }
    found.longer("record.grace", *grace, to.grace);
}

/// What issued keys look like, and under whose name they call.
fn issued(from: Option<&Issued>, to: Option<&Issued>, found: &mut Found) {
    let said = |Issued { prefix, place, credential, on_behalf, longest: _ }: &Issued| {
        let names = on_behalf.iter().map(|name| format!(", in whose name by `{name}`")).collect::<String>();
        format!("{} as {}, with the secret {}{names}", prefix.0, place.0, maybe(credential.as_ref()))
    };
    found.differs("issued", &maybe(from.map(said)), &maybe(to.map(said)));
}

/// How long keys live, wherever that is said.
fn lifetimes(from: Lifetimes, to: Lifetimes, found: &mut Found) {
    let Lifetimes { usual, longest } = from;
    found.longer("keys.lifetime", usual, to.usual);
    found.longer("keys.longest", longest, to.longest);
}

/// Who may say yes to keys. Taking all rules away lets owners, who could not before.
fn keys(from: &Keys, to: &Keys, found: &mut Found) {
    let Keys { lifetime: _, longest: _, warn, end_unwarned, lapse, collect, approvers } = from;
    // More warnings that an end must wait for let keys live on that would have ended.
    if warn.len() < to.warn.len() && warn.len() < 2 {
        found.push("keys.warn", list(warn.iter()), list(to.warn.iter()));
    }
    if *end_unwarned && !to.end_unwarned {
        found.push("keys.end_unwarned", true, false);
    }
    found.longer("keys.lapse", *lapse, to.lapse);
    found.longer("keys.collect", *collect, to.collect);
    if *approvers != to.approvers {
        let said = |Approver { people, powers, longest, holders }: &Approver| {
            let holders = if holders.is_empty() { "all".to_owned() } else { holders.join(" and ") };
            format!("{} to {powers} for {holders}, at most {}", people.join(" and "), maybe(longest.as_ref()))
        };
        found.push("keys.approvers", list(approvers.iter().map(said)), list(to.approvers.iter().map(said)));
    }
}

/// What would be answered more mildly, or is not looked at any more.
fn watch(from: &Watch, to: &Watch, found: &mut Found) {
    let Watch {
        mode,
        person,
        workload,
        vendor,
        leaked,
        most_an_hour,
        most_asked_an_hour,
        unanswered,
        asks,
        lasts,
        off,
        networks,
        expected,
    } = from;
    if to.mode < *mode {
        found.push("watch.mode", mode, to.mode);
    }
    for (what, from, to) in [
        ("watch.person", person, &to.person),
        ("watch.workload", workload, &to.workload),
        ("watch.vendor", vendor, &to.vendor),
    ] {
        let Answers { info, warning, high, critical } = from;
        let said =
            |Answers { info, warning, high, critical }: &Answers| format!("{info}, {warning}, {high}, {critical}");
        if to.info < *info || to.warning < *warning || to.high < *high || to.critical < *critical {
            found.push(what, said(from), said(to));
        }
    }
    if to.leaked < *leaked {
        found.push("watch.leaked", leaked, to.leaked);
    }
    if to.most_an_hour < *most_an_hour {
        found.push("watch.most_an_hour", most_an_hour, to.most_an_hour);
    }
    if to.most_asked_an_hour < *most_asked_an_hour {
        found.push("watch.most_asked_an_hour", most_asked_an_hour, to.most_asked_an_hour);
    }
    found.longer("watch.unanswered", *unanswered, to.unanswered);
    // What ends sooner lets through sooner.
    found.longer("watch.asks", to.asks, *asks);
    found.longer("watch.lasts", to.lasts, *lasts);
    let names = |off: &[Off]| off.iter().map(|off| off.detector.clone()).collect::<Vec<_>>();
    found.more("watch.off", &names(off), &names(&to.off));
    // A table makes some networks wider and others narrower than /16.
    let path = |path: &Option<PathBuf>| maybe(path.as_ref().map(|path| path.display()));
    found.differs("watch.networks", &path(networks), &path(&to.networks));
    let pairs = |expected: &[Expected]| expected.iter().flat_map(Expected::pairs).collect::<Vec<_>>();
    let (known, wanted) = (pairs(expected), pairs(&to.expected));
    if wanted.iter().any(|(block, key)| !known.contains(&(*block, *key)) && !known.contains(&(*block, None))) {
        let said = |(block, key): (IpNet, Option<KeyId>)| match key {
            Some(key) => format!("{block} for {key}"),
            None => format!("{block} for all keys"),
        };
        found.push("watch.expected", list(known.into_iter().map(said)), list(wanted.into_iter().map(said)));
    }
}

/// Keys that would stop go on.
fn holders(from: &Holders, to: &Holders, found: &mut Found) {
    let Holders { on_leaving } = from;
    if (*on_leaving, to.on_leaving) == (OnLeaving::Disable, OnLeaving::List) {
        found.push("holders.on_leaving", "disable", "list");
    }
}

/// What others are told of, and who they are: one that is gone or takes less is an eye that is
/// shut, and a new one reads along.
fn drains(from: &[Drain], to: &[Drain], found: &mut Found) {
    if from == to {
        return;
    }
    let said = |drain: &Drain| {
        let Drain {
            name,
            to,
            events,
            powers,
            min_severity,
            backfill: _,
            form,
            gzip: _,
            secret,
            header,
            scheme,
            facility,
            authorities,
            danger_plain,
        } = drain;
        let origin = origin(to);
        let powers = powers.map_or_else(|| "any power".to_owned(), |powers| powers.to_string());
        let events = list(events.iter().map(|events| events.0));
        let mut text = format!("{name} to {origin} ({events}; {powers}; from {} on)", word(min_severity));
        if let Some(secret) = secret {
            text += &format!(", with the secret `{secret}` in {}", header.as_deref().unwrap_or("authorization"));
        }
        if let Some(authorities) = authorities {
            text += &format!(", believing {}", authorities.display());
        }
        if let Some(scheme) = scheme {
            text += &format!(", after `{scheme}`");
        }
        if let Some(facility) = facility {
            text += &format!(", as {facility}");
        }
        if *form != DrainForm::default() {
            text += &format!(", as one {}", word(form));
        }
        if *danger_plain {
            text += ", unprotected";
        }
        text + &address(to)
    };
    let (before, after) = (list(from.iter().map(said)), list(to.iter().map(said)));
    if before != after {
        found.push("drain", before, after);
    }
}

/// A report stops a key, and nothing else. Where nobody may report any more, keys that leaked go on.
fn leaks(from: &Leaks, to: &Leaks, found: &mut Found) {
    let Leaks { found: strangers, github, public } = from;
    if *strangers && !to.found {
        found.push("leaks.found", "true", "false");
    }
    if github.iter().any(|(id, key)| to.github.get(id) != Some(key)) {
        found.push("leaks.github", list(github.keys()), list(to.github.keys()));
    }
    if !to.public.is_subset(public) {
        found.push("leaks.public", list(public), list(&to.public));
    }
}

/// Who reads along. Where nobody does any more, nothing is weaker: traces are for mending.
fn trace(from: Option<&Trace>, to: Option<&Trace>, found: &mut Found) {
    let said = |trace: &Trace| {
        let Trace { to, sample: _, service: _, gzip: _, secret, header, scheme, authorities, danger_plain } = trace;
        let mut text = origin(to);
        if let Some(secret) = secret {
            text += &format!(", with the secret `{secret}` in {}", header.as_deref().unwrap_or("authorization"));
        }
        if let Some(authorities) = authorities {
            text += &format!(", believing {}", authorities.display());
        }
        if let Some(scheme) = scheme {
            text += &format!(", after `{scheme}`");
        }
        if *danger_plain {
            text += ", unprotected";
        }
        text + &address(to)
    };
    if to.is_some() {
        found.differs("trace", &maybe(from.map(said)), &maybe(to.map(said)));
    }
}

/// What of an address may not be shown, so that another one shows: a few digits that tell no more.
fn address(to: &str) -> String {
    if origin(to) == to {
        return String::new();
    }
    let digest = authority::Digest::of(to.as_bytes()).to_string();
    format!(", address {}", digest.get(..8).unwrap_or_default())
}

/// What was found to be weaker.
#[derive(Default)]
struct Found(Vec<Weaker>);

impl Found {
    fn push(&mut self, what: &str, from: impl fmt::Display, to: impl fmt::Display) {
        self.0.push(Weaker { what: what.to_owned(), from: from.to_string(), to: to.to_string() });
    }

    /// Any change.
    fn differs(&mut self, what: &str, from: &str, to: &str) {
        if from != to {
            self.push(what, from, to);
        }
    }

    fn longer(&mut self, what: &str, from: Span, to: Span) {
        if to > from {
            self.push(what, from, to);
        }
    }

    fn larger(&mut self, what: &str, from: Size, to: Size) {
        if to > from {
            self.push(what, from, to);
        }
    }

    /// What was not there before.
    fn more(&mut self, what: &str, from: &[String], to: &[String]) {
        if to.iter().any(|one| !from.contains(one)) {
            self.push(what, list(from), list(to));
        }
    }

    /// An address that others can reach. This host alone, and no address, are narrower than
    /// any other; all addresses are wider; two others cannot be ranked.
    fn wider(&mut self, what: &str, from: Option<SocketAddr>, to: Option<SocketAddr>) {
        let Some(new) = to.filter(|new| !new.ip().is_loopback()) else { return };
        let within = |old: SocketAddr| {
            let (old, new) = (old.ip(), new.ip());
            new == old || old.is_unspecified() && (old.is_ipv6() || new.is_ipv4())
        };
        if !from.is_some_and(within) {
            self.push(what, maybe(from), new);
        }
    }
}

fn maybe(value: Option<impl fmt::Display>) -> String {
    value.map_or_else(|| "nothing".to_owned(), |value| value.to_string())
}

fn list<T: fmt::Display>(some: impl IntoIterator<Item = T>) -> String {
    // The order of a list says nothing in any of them.
    let texts: BTreeSet<String> = some.into_iter().map(|one| one.to_string()).collect();
    if texts.is_empty() { "none".to_owned() } else { texts.into_iter().collect::<Vec<_>>().join(", ") }
}

/// The word of a choice, as the file writes it.
fn word(choice: &impl fmt::Debug) -> String {
    format!("{choice:?}").to_lowercase()
}

#[cfg(test)]
mod tests;

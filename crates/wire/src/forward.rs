//! Headers on their way to the upstream and back.

use std::{fmt::Write as _, net::IpAddr};

use http::{HeaderMap, HeaderName, HeaderValue, Version, header};

use crate::{
    Origins, Places, TrustedProxies,
    head::is_host,
    place::{is_hop_by_hop, unify},
    second_path,
};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// Beginnings of names by which upstreams are told who calls or what is called: by this gate, and
/// by others that may have stood here before it (Kong, Envoy, Istio, the gateways and proxies of
/// Google, Amazon and Microsoft, Authelia, authentik, Pomerium, Tailscale, Grafana, Next.js).
const IDENTITY_PREFIXES: [&str; 26] = [
    "greave-",
    "x-greave-",
    "x-forwarded-",
    "x-auth-request-",
    "x-original-",
    "x-ssl-client-",
    "ssl-client-",
    "cf-access-authenticated-",
    "tailscale-user-",
    "x-amzn-oidc-",
    "x-anonymous-consumer",
    "x-appengine-",
    "x-authentik-",
    "x-client-verify",
    "x-consumer-",
    "x-envoy-external-",
    "x-envoy-original-",
    "x-goog-authenticated-user-",
    "x-invoke-",
    "x-middleware-",
    "x-ms-client-principal",
    "x-pomerium-",
    "x-remote-",
    "x-vouch-",
    "x-webauth-",
    "x-apigateway-api-userinfo",
];

/// Names by which upstreams are told who calls or what is called, in their order.
const IDENTITY_NAMES: [&str; 41] = [
    "cf-connecting-ip",
    "cf-connecting-ipv6",
    "client-cert",
    "client-cert-chain",
    "client-ip",
    "fastly-client-ip",
    "forwarded",
    "forwarded-for",
    "front-end-https",
    "remote-email",
    "remote-groups",
    "remote-name",
    "remote-user",
    "true-client-ip",
    "x-arr-clientcert",
    "x-authenticated-groups",
    "x-authenticated-scope",
    "x-authenticated-user",
    "x-authenticated-userid",
    "x-azure-clientip",
    "x-azure-socketip",
    "x-client-cert",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-credential-identifier",
    "x-credential-username",
    "x-endpoint-api-userinfo",
    "x-envoy-internal",
    "x-forwarded",
    "x-host",
    "x-jwt-payload",
    "x-matched-path",
    "x-path-info",
    "x-raw-uri",
    "x-real-ip",
    "x-request-uri",
    "x-rewrite-url",
    "x-scheme",
    "x-script-name",
    "x-url-scheme",
    "x-userinfo",
];

/// Headers that a `Connection` header cannot name away, beside those of credentials: what was
/// judged must reach the upstream.
const END_TO_END: [HeaderName; 9] = [
    header::AUTHORIZATION,
    header::CONTENT_ENCODING,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::COOKIE,
    header::HOST,
    header::RANGE,
    header::TRAILER,
    header::USER_AGENT,
];

/// Last words of the names of headers that bear credentials.
const CREDENTIAL_WORDS: [&str; 8] = ["apikey", "auth", "authorization", "cookie", "key", "password", "secret", "token"];

/// What one hop takes, in bytes; for longer ones the string grows.
const HOP: usize = 32;

/// How headers are carried on.
#[derive(Clone, Debug, Default)]
pub struct Forwarding {
    /// The proxies before the gate.
    pub trusted: TrustedProxies,
    /// Names by which this upstream is told who calls, beside the usual ones. A client's are
    /// taken out.
    pub identity: Vec<HeaderName>,
}

impl Forwarding {
    /// Makes a client's headers ready for the upstream: takes out what is for this connection
    /// only, what only the gate may say, and every twin of those and of credential headers;
    /// then says who called, how, and for which host.
    ///
    /// The caller sets the identity headers afterwards, all of them, even empty ones. `https`
    /// says whether the client spoke TLS with the gate.
    ///
    /// What a trusted proxy said about the client goes on, from the client onwards; what the
    /// client itself claims does not.
    pub fn to_upstream(&self, headers: &mut HeaderMap, peer: IpAddr, https: bool, places: &Places) {
        let way = self.trusted.way(peer, headers);
        let is_trusted = self.trusted.trusts(peer);
        let told = |name: &HeaderName| is_trusted.then(|| only(headers, name)).flatten();
        let proto = match told(&X_FORWARDED_PROTO) {
            Some(proto) if proto == "http" || proto == "https" => proto,
            _ => HeaderValue::from_static(if https { "https" } else { "http" }),
        };
        let is_good_host = |host: &HeaderValue| host.to_str().is_ok_and(is_host);
        let host =
            told(&X_FORWARDED_HOST).filter(is_good_host).or_else(|| only(headers, &header::HOST).filter(is_good_host));

        let accepts_trailers = names_trailers(headers);
        take_out(headers, |name| self.is_identity(name) || places.is_twin(name));
        take_out_hop_by_hop(headers, |name| END_TO_END.contains(name) || places.is_header(name));
        self.keep_trailers(headers, places);
        if accepts_trailers {
            headers.insert(header::TE, HeaderValue::from_static("trailers"));
        }

        set(headers, X_FORWARDED_FOR, &forwarded_for(&way));
        let host_text = host.as_ref().and_then(|host| host.to_str().ok());
        set(headers, header::FORWARDED, &forwarded(&way, host_text, proto.to_str().unwrap_or("http")));
        headers.insert(X_FORWARDED_PROTO, proto);
        if let Some(host) = host {
            headers.insert(X_FORWARDED_HOST, host);
        }
    }

    /// Leaves the names of those trailers that may follow: none that an upstream could take for a
    /// credential, or for what only the gate may say, once it stands among the headers. What is
    /// not named does not follow.
    fn keep_trailers(&self, headers: &mut HeaderMap, places: &Places) {
        if !headers.contains_key(header::TRAILER) {
            return;
        }
        let may = |name: &HeaderName| {
            let last = name.as_str().rsplit(['-', '_', '.']).next().unwrap_or_default();
            !self.is_identity(name)
                && !second_path::is_header(name.as_str())
                && !places.is_header(name)
                && !places.is_twin(name)
                && !CREDENTIAL_WORDS.contains(&last)
        };
        let kept: Vec<HeaderName> = names(headers, &header::TRAILER)
            .filter_map(|name| HeaderName::try_from(name).ok())
            .filter(|name| may(name))
            .collect();
        headers.remove(header::TRAILER);
        if !kept.is_empty() {
            let kept: Vec<&str> = kept.iter().map(HeaderName::as_str).collect();
            set(headers, header::TRAILER, &kept.join(", "));
        }
    }

    /// Whether only the gate may say this to the upstream.
    fn is_identity(&self, name: &HeaderName) -> bool {
        let plain = unify(name.as_str());
        let plain = plain.as_deref().unwrap_or(name.as_str());
        IDENTITY_PREFIXES.iter().any(|prefix| plain.starts_with(prefix))
            || IDENTITY_NAMES.binary_search(&plain).is_ok()
            || self
                .identity
                .iter()
                .any(|known| known == name || unify(known.as_str()).as_deref().unwrap_or(known.as_str()) == plain)
    }
}

/// Makes the upstream's headers ready for the client: takes out what is for that connection
/// only, what only the gate may say, and `Alt-Svc`, which would lead clients around the gate;
/// then turns the upstream's own addresses into the gate's.
pub fn to_client(headers: &mut HeaderMap, origins: &Origins) {
    take_out_hop_by_hop(headers, |name| {
        [header::CONTENT_LENGTH, header::CONTENT_TYPE, header::CONTENT_ENCODING, header::TRAILER, header::SET_COOKIE]
            .contains(name)
    });
    take_out(headers, |name| name.as_str().starts_with("greave-") || *name == header::ALT_SVC);
    origins.rewrite(headers);
}

/// The protocol that a client wants to go on with, such as `websocket`. To be asked before
/// [`Forwarding::to_upstream`], which takes the wish out.
///
/// HTTP/2 in plain text is no answer to a wish: inside it, requests would pass unjudged.
pub fn upgrade(version: Version, headers: &HeaderMap) -> Option<HeaderValue> {
    let wish = only(headers, &header::UPGRADE)?;
    let is_named = names(headers, &header::CONNECTION).any(|name| name.eq_ignore_ascii_case("upgrade"));
    let protocol = wish.to_str().ok()?;
    let is_http = protocol.get(..2).is_some_and(|begin| begin.eq_ignore_ascii_case("h2"))
        || protocol.get(..4).is_some_and(|begin| begin.eq_ignore_ascii_case("http"))
        || protocol.get(..3).is_some_and(|begin| begin.eq_ignore_ascii_case("tls"));
    (version == Version::HTTP_11 && is_named && !is_http && !protocol.contains(',')).then_some(wish)
}

/// The value of a header that is there once.
fn only(headers: &HeaderMap, name: &HeaderName) -> Option<HeaderValue> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none()).cloned()
}

/// The names that a header lists.
fn names<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
}

fn names_trailers(headers: &HeaderMap) -> bool {
    names(headers, &header::TE).any(|coding| coding.eq_ignore_ascii_case("trailers"))
}

/// Takes out the headers for one connection, and what `Connection` names unless it is kept.
fn take_out_hop_by_hop(headers: &mut HeaderMap, is_kept: impl Fn(&HeaderName) -> bool) {
    let named: Vec<HeaderName> = names(headers, &header::CONNECTION)
        .filter_map(|name| HeaderName::try_from(name).ok())
        .filter(|name| !is_kept(name))
        .collect();
    take_out(headers, |name| is_hop_by_hop(name) || named.contains(name));
}

fn take_out(headers: &mut HeaderMap, goes: impl Fn(&HeaderName) -> bool) {
    let names: Vec<HeaderName> = headers.keys().filter(|name| goes(name)).cloned().collect();
    for name in names {
        headers.remove(name);
    }
}

fn set(headers: &mut HeaderMap, name: HeaderName, text: &str) {
    if let Ok(value) = HeaderValue::from_str(text) {
        headers.insert(name, value);
    }
}

/// The way as `X-Forwarded-For` has it.
fn forwarded_for(way: &[IpAddr]) -> String {
    let mut text = String::with_capacity(way.len() * HOP);
    for (place, address) in way.iter().enumerate() {
        if place > 0 {
            text.push_str(", ");
        }
        push_address(&mut text, *address);
    }
    text
}

/// An address as everybody writes it. The standard formatting of an IPv4 address takes longer
/// than all the rest of these headers.
fn push_address(text: &mut String, address: IpAddr) {
    match address {
        IpAddr::V4(address) => {
            for (place, octet) in address.octets().into_iter().enumerate() {
                if place > 0 {
                    text.push('.');
                }
                for (unit, least) in [(100, 100), (10, 10), (1, 0)] {
                    if octet >= least {
                        text.push(char::from(b'0' + octet / unit % 10));
                    }
                }
            }
        }
        // Writing to a string cannot fail.
        IpAddr::V6(address) => drop(write!(text, "{address}")),
    }
}

/// The way in the words of RFC 7239: host and scheme stand with the client.
fn forwarded(way: &[IpAddr], host: Option<&str>, proto: &str) -> String {
    let beside = host.map_or(0, str::len) + HOP;
    let mut text = String::with_capacity(way.len() * HOP + beside);
    for (place, address) in way.iter().enumerate() {
        let (before, after) = if address.is_ipv6() { ("for=\"[", "]\"") } else { ("for=", "") };
        if place > 0 {
            text.push_str(", ");
        }
        text.push_str(before);
        push_address(&mut text, *address);
        text.push_str(after);
        if place == 0 {
            if let Some(host) = host {
                text.extend([";host=\"", host, "\""]);
            }
            text.extend([";proto=", proto]);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ProxyHeader;

    #[test]
    fn every_octet_is_written_as_usual() {
        for octet in 0..=255 {
            let address = std::net::Ipv4Addr::new(octet, 0, 255 - octet, octet);
            assert_eq!(forwarded_for(&[address.into()]), address.to_string());
        }
    }

    #[test]
    fn what_other_gateways_say_of_callers_is_the_gates_to_say() {
        assert!(IDENTITY_NAMES.is_sorted());
        for name in [
            "x-consumer-username",
            "X-Credential-Identifier",
            "x-authenticated-userid",
            "x-goog-authenticated-user-email",
            "x-endpoint-api-userinfo",
            "x-amzn-oidc-data",
            "x-ms-client-principal",
            "x_ms_client_principal_id",
            "x-jwt-payload",
            "x-userinfo",
            "x-client-verify",
            "x-azure-clientip",
            "x-envoy-internal",
            "x-envoy-external-address",
            "x-envoy-original-path",
            "x-matched-path",
            "x-invoke-path",
            "x-middleware-subrequest",
            "x-remote-groups",
            "remote-groups",
        ] {
            let sent = sent("192.0.2.1", &[(name, "admin"), ("trailer", name)]);
            assert!(!sent.contains_key(name) && !sent.contains_key("trailer"), "{name}");
        }
        // Half of a credential at some APIs, or the application's own: the operator says which.
        for name in ["x-user-id", "x-auth-user", "x-user", "x-email"] {
            assert!(sent("192.0.2.1", &[(name, "ann")]).contains_key(name), "{name}");
        }
    }

    fn head(lines: &[(&str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(HeaderName::try_from(*name).unwrap(), HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    fn forwarding() -> Forwarding {
        Forwarding {
            trusted: TrustedProxies::new(vec!["10.0.0.0/8".parse().unwrap()], ProxyHeader::XForwardedFor),
            identity: vec![HeaderName::from_static("x-company-user")],
        }
    }

    fn sent(peer: &str, lines: &[(&str, &str)]) -> HeaderMap {
        let mut headers = head(lines);
        forwarding().to_upstream(&mut headers, peer.parse().unwrap(), true, &Places::well_known());
        headers
    }

    #[test]
    fn the_gate_says_who_called() {
        let headers = sent(
            "192.0.2.1",
            &[("host", "api.example"), ("x-forwarded-for", "203.0.113.9"), ("forwarded", "for=1.1.1.1")],
        );
        assert_eq!(headers["x-forwarded-for"], "192.0.2.1");
        assert_eq!(headers["x-forwarded-proto"], "https");
        assert_eq!(headers["x-forwarded-host"], "api.example");
        assert_eq!(headers["forwarded"], "for=192.0.2.1;host=\"api.example\";proto=https");
        assert_eq!(headers["host"], "api.example");
        assert_eq!(headers.get_all("x-forwarded-for").iter().count(), 1);
    }

    #[test]
    fn a_trusted_proxy_is_believed_from_the_client_onwards() {
        let lines = [
            ("host", "inner"),
            ("x-forwarded-for", "6.6.6.6, 2001:db8::1, 10.0.0.2"),
            ("x-forwarded-proto", "http"),
            ("x-forwarded-host", "api.example"),
        ];
        let headers = sent("10.0.0.1", &lines);
        assert_eq!(headers["x-forwarded-for"], "2001:db8::1, 10.0.0.2, 10.0.0.1");
        assert_eq!(headers["x-forwarded-proto"], "http");
        assert_eq!(headers["x-forwarded-host"], "api.example");
        assert_eq!(
            headers["forwarded"],
            "for=\"[2001:db8::1]\";host=\"api.example\";proto=http, for=10.0.0.2, for=10.0.0.1"
        );
        let headers =
            sent("10.0.0.1", &[("host", "inner"), ("x-forwarded-host", "a\", for=x"), ("x-forwarded-proto", "gopher")]);
        assert_eq!(headers["forwarded"], "for=10.0.0.1;host=\"inner\";proto=https");
    }

    #[test]
    fn a_client_cannot_say_what_only_the_gate_may_say() {
        for name in [
            "Greave-Key",
            "greave_key",
            "Greave.Holder",
            "GREAVE-OTP",
            "X_Forwarded_For",
            "X-Forwarded-User",
            "X-Forwarded_Email",
            "X-Real-IP",
            "x_real_ip",
            "X-Original-URL",
            "X-Rewrite-URL",
            "X-Script-Name",
            "X_Request_URI",
            "X-Company-User",
            "x_company_user",
            "x-company_user",
            "Remote-User",
            "Remote_User",
            "X-Auth-Request-User",
            "Client-Cert",
            "SSL_Client_Verify",
            "True-Client-IP",
            "X-Forwarded-Client-Cert",
            "X_API_Key",
            "x-auth_token",
        ] {
            let headers = sent("192.0.2.1", &[(name, "forged"), (name, "again"), ("host", "a")]);
            assert!(headers.values().all(|value| value != "forged" && value != "again"), "{name}: {headers:?}");
        }
        let headers =
            sent("192.0.2.1", &[("X-API-Key", "k"), ("x_other", "1"), ("authorization", "Bearer k"), ("host", "a")]);
        for name in ["x-api-key", "x_other", "authorization"] {
            assert!(headers.contains_key(name), "{name}");
        }
    }

    #[test]
    fn what_is_for_one_connection_stays_on_it() {
        let lines = [
            ("host", "a"),
            ("connection", "keep-alive, X-Mine, close"),
            ("connection", "x-other"),
            ("x-mine", "1"),
            ("x-other", "1"),
            ("keep-alive", "timeout=5"),
            ("proxy-authorization", "Basic x"),
            ("proxy-connection", "keep-alive"),
            ("te", "gzip, Trailers"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "websocket"),
            ("trailer", "x-sum"),
            ("accept", "*/*"),
        ];
        let headers = sent("192.0.2.1", &lines);
        let mut left: Vec<&str> =
            headers.keys().map(HeaderName::as_str).filter(|name| !name.contains("forwarded")).collect();
        left.sort_unstable();
        assert_eq!(left, ["accept", "host", "te", "trailer"]);
        assert_eq!(headers["te"], "trailers");
    }

    #[test]
    fn no_trailer_is_taken_for_a_credential_or_for_what_the_gate_says() {
        let named = "X-Sum, x-api-key, X_Api_Key, authorization, x-team-token, X-Forwarded-For, x_company_user, Stripe-Account, SCRIPT_NAME";
        let headers = sent("192.0.2.1", &[("host", "a"), ("trailer", named), ("trailer", "greave-key, x-end")]);
        assert_eq!(headers["trailer"], "x-sum, stripe-account, x-end");
        assert_eq!(headers.get_all("trailer").iter().count(), 1);
        assert!(!sent("192.0.2.1", &[("host", "a"), ("trailer", "x-api-key")]).contains_key("trailer"));
    }

    #[test]
    fn connection_cannot_name_away_what_was_judged_or_what_the_gate_says() {
        let named = "host, authorization, x-api-key, content-type, content-length, cookie, x-forwarded-for, forwarded, greave-key";
        let lines = [
            ("connection", named),
            ("host", "a"),
            ("authorization", "Bearer k"),
            ("x-api-key", "k"),
            ("content-type", "application/json"),
            ("content-length", "2"),
            ("cookie", "sid=1"),
        ];
        let headers = sent("192.0.2.1", &lines);
        for (name, _) in &lines[1..] {
            assert!(headers.contains_key(*name), "{name}");
        }
        assert_eq!(headers["x-forwarded-for"], "192.0.2.1");
        assert!(!headers.contains_key("connection"), "or the upstream would obey it");
    }

    #[test]
    fn answers_do_not_lead_around_the_gate() {
        let mut headers = head(&[
            ("location", "http://127.0.0.1:8000/a"),
            ("alt-svc", "h3=\":443\""),
            ("greave-key", "k1"),
            ("connection", "x-hop, content-type, set-cookie"),
            ("x-hop", "1"),
            ("content-type", "text/plain"),
            ("set-cookie", "a=b; Domain=127.0.0.1"),
            ("transfer-encoding", "chunked"),
        ]);
        to_client(&mut headers, &Origins::new(["http://127.0.0.1:8000"], "https://api.example").unwrap());
        assert_eq!(
            headers,
            head(&[
                ("location", "https://api.example/a"),
                ("content-type", "text/plain"),
                ("set-cookie", "a=b; Domain=127.0.0.1")
            ])
        );
    }

    #[test]
    fn only_what_is_not_http_is_an_upgrade() {
        let wish = |lines: &[(&str, &str)]| upgrade(Version::HTTP_11, &head(lines));
        assert_eq!(wish(&[("connection", "keep-alive, Upgrade"), ("upgrade", "websocket")]).unwrap(), "websocket");
        for protocol in ["h2c", "H2C", "HTTP/2.0", "TLS/1.0", "websocket, h2c"] {
            assert_eq!(wish(&[("connection", "upgrade, http2-settings"), ("upgrade", protocol)]), None, "{protocol}");
        }
        assert_eq!(wish(&[("upgrade", "websocket")]), None);
        assert_eq!(wish(&[("connection", "upgrade")]), None);
        assert_eq!(wish(&[("connection", "upgrade"), ("upgrade", "websocket"), ("upgrade", "h2c")]), None);
        assert_eq!(upgrade(Version::HTTP_10, &head(&[("connection", "upgrade"), ("upgrade", "websocket")])), None);
    }

    proptest! {
        #[test]
        fn no_spelling_of_an_identity_header_gets_through(
            name in prop::sample::select(vec!["greave-key", "greave-holder", "x-forwarded-for", "x-real-ip", "x-company-user", "x-api-key"]),
            marks in prop::collection::vec(prop::sample::select(vec!['-', '_', '.']), 3),
            upper in any::<bool>(),
            connection in "[a-z, _-]{0,40}",
        ) {
            let mut spelled = String::new();
            let mut marks = marks.into_iter();
            for letter in name.chars() {
                spelled.push(if letter == '-' { marks.next().unwrap() } else { letter });
            }
            prop_assume!(spelled != "x-api-key");
            let spelled = if upper { spelled.to_uppercase() } else { spelled };
            let headers = sent("192.0.2.1", &[("host", "a"), (&spelled, "forged"), ("connection", &connection)]);
            prop_assert!(headers.values().all(|value| value != "forged"));
            prop_assert_eq!(&headers["x-forwarded-for"], "192.0.2.1");
            prop_assert_eq!(&headers["host"], "a");
        }
    }
}

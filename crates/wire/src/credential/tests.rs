use proptest::prelude::*;

use super::*;

const KEY: &str = "zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ";

fn head(lines: &[(&str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(HeaderName::try_from(*name).unwrap(), HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    headers
}

fn show(candidates: &[Candidate]) -> Vec<String> {
    let text = |candidate: &Candidate| String::from_utf8_lossy(candidate.secret.expose()).into_owned();
    candidates.iter().map(|candidate| format!("{} {}", candidate.place, text(candidate))).collect()
}

fn found(lines: &[(&str, &str)], query: &str) -> Vec<String> {
    show(
        &find(&head(lines), Query::new(Some(query)), &places())
            .unwrap_or_else(|refusal| panic!("{refusal}"))
            .candidates,
    )
}

fn refused(lines: &[(&str, &str)]) -> Option<Refusal> {
    find(&head(lines), Query::default(), &places()).err()
}

fn places() -> Places {
    Places::well_known()
        .with("header:X-Vendor-Key".parse().unwrap())
        .with("query:sig".parse().unwrap())
        .with("cookie:api_session".parse().unwrap())
        .with_session_cookie("sid")
        .with_session_issuer("https://login.example")
        .with_session_prefix("sess_")
}

fn jwt(claims: &str) -> String {
    format!("eyJhbGciOiJub25lIn0.{}.c2ln", URL_SAFE_NO_PAD.encode(claims))
}

#[test]
fn authorization_is_read_in_all_its_forms() {
    let rows: &[(&str, &[&str])] = &[
        ("Bearer K", &["authorization:bearer K"]),
        ("bearer   K", &["authorization:bearer K"]),
        ("BEARER K", &["authorization:bearer K"]),
        ("DPoP K", &["authorization:dpop K"]),
        ("token K", &["authorization:token K"]),
        ("Token token=K", &["authorization:token K"]),
        ("Token token=\"K\", nonce=\"n\"", &["authorization:token K"]),
        ("ApiKey id:K", &["authorization:apikey id:K"]),
        ("Key K", &["authorization:key K"]),
        ("SSWS K", &["authorization:ssws K"]),
        ("GenieKey K", &["authorization:geniekey K"]),
        ("AWS4-HMAC-SHA256 Credential=a, Signature=b", &["authorization:aws4-hmac-sha256 Credential=a, Signature=b"]),
        ("K", &["authorization:bare K"]),
        ("PVEAPIToken=u@r!id=K", &["authorization:bare PVEAPIToken=u@r!id=K"]),
        ("Basic dXNlcjpwYXNz", &["authorization:basic-user user", "authorization:basic-password pass"]),
        ("basic Szo=", &["authorization:basic-user K"]),
        ("Basic Szo", &["authorization:basic-user K"]),
        ("Basic Oks=", &["authorization:basic-password K"]),
        ("Basic dTpwOnE=", &["authorization:basic-user u", "authorization:basic-password p:q"]),
        ("Basic Og==", &[]),
        ("", &[]),
        ("Bearer", &[]),
        ("Bearer ", &[]),
    ];
    for (value, expected) in rows {
        assert_eq!(found(&[("authorization", value)], ""), *expected, "`{value}`");
    }
}

#[test]
fn authorization_that_could_be_read_in_two_ways_is_refused() {
    for value in [
        "Bearer a b",
        "Bearer a,b",
        "Bearer a, Bearer b",
        "Bearer\ta",
        "Bearer a\tb",
        "Bearer é",
        "token a b",
        "Token token=a, token=b",
        "Basic",
        "Basic !!!!",
        "Basic dXNl cjpwYXNz",
        "Basic dXNlcjpwYXNz!",
        "Basic dXNlcg==",
        "Basic YTpiCg==",
        "Basic _-__",
        "Basic dXNlcjpwYXNz, Bearer x",
    ] {
        if value == "Basic" {
            assert_eq!(refused(&[("authorization", value)]), None);
        } else {
            assert_eq!(refused(&[("authorization", value)]), Some(Refusal::BadHeader), "`{value}`");
        }
    }
    assert_eq!(refused(&[("authorization", "Bearer a"), ("authorization", "Bearer a")]), Some(Refusal::BadHeader));
}

#[test]
fn every_place_is_looked_into_and_duplicates_are_seen() {
    let lines = [
        ("x-api-key", "A"),
        ("x-api-key", "B"),
        ("X-Vendor-Key", "C"),
        ("authorization", "Bearer D"),
        ("cookie", "a=1; api_session=\"E\"; api_session=F"),
        ("proxy-authorization", "Bearer never"),
    ];
    let query = "api_key=G&API_KEY=H&x=1;access_token=I&sig=J&apikey[]=L&api_key=G&token=";
    assert_eq!(
        found(&lines, query),
        [
            "authorization:bearer D",
            "header:x-api-key A",
            "header:x-api-key B",
            "header:x-vendor-key C",
            "query:api_key G",
            "query:API_KEY H",
            "query:sig J",
            "query:apikey L",
            "query:access_token I",
            "cookie:api_session E",
            "cookie:api_session F",
        ]
    );
    assert!(found(&[], "key=G&monkey=H").is_empty(), "`key` counts only where it is named");
}

#[test]
fn a_flood_of_credentials_is_refused() {
    let query = (0..20).map(|number| format!("api_key={number}")).collect::<Vec<_>>().join("&");
    let refused = find(&HeaderMap::new(), Query::new(Some(&query)), &places()).err();
    assert_eq!(refused, Some(Refusal::TwoCredentials));
}

#[test]
fn a_session_is_told_from_a_key_and_excuses_none() {
    let session = jwt(r#"{"iss":"https://login.example","sub":"1"}"#);
    let lines = [("authorization", format!("Bearer {session}")), ("cookie", "sid=S".into()), ("x-api-key", KEY.into())];
    let lines: Vec<(&str, &str)> = lines.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let found = find(&head(&lines), Query::default(), &places()).unwrap_or_else(|_| panic!());
    assert_eq!(show(&found.sessions), [format!("authorization:bearer {session}"), "cookie:sid S".into()]);
    assert_eq!(show(&found.candidates), [format!("header:x-api-key {KEY}")]);
    for token in [
        jwt(r#"{"iss":"https://login.example.evil"}"#),
        jwt(r#"{"iss":"https://evil","iss":"https://login.example"}"#),
        jwt(r#"{"a":{"iss":"https://login.example"}}"#),
        jwt("not json"),
        "a.b.c".into(),
        "xsess_1".into(),
    ] {
        let found = find(&head(&[("authorization", &format!("Bearer {token}"))]), Query::default(), &places());
        assert!(found.unwrap_or_else(|_| panic!()).sessions.is_empty(), "{token}");
    }
    let basic = head(&[("authorization", "Basic c2Vzc18xOnNlc3NfMg==")]);
    assert!(find(&basic, Query::default(), &places()).unwrap_or_else(|_| panic!()).sessions.is_empty());
}

fn base64(text: &str) -> String {
    base64::engine::general_purpose::STANDARD.encode(text)
}

#[test]
fn behind_a_sessions_beginning_no_key_passes_along() {
    for value in ["X sess_a;token=new", "X sess_a,token=new", "sess_a;token=new", "Bearer sess_a;x", "X sess_a=b=c"] {
        match find(&head(&[("authorization", value)]), Query::default(), &places()) {
            Ok(found) => assert!(found.sessions.is_empty() && found.candidates.len() == 1, "{value}"),
            Err(refusal) => assert_eq!(refusal, Refusal::BadHeader, "{value}"),
        }
    }
    for value in ["Bearer sess_a", "JWT sess_a", "sess_a", "Bearer sess_a-._~+/=="] {
        let found = find(&head(&[("authorization", value)]), Query::default(), &places()).unwrap_or_else(|_| panic!());
        assert!(found.candidates.is_empty() && found.sessions.len() == 1, "{value}");
    }
}

#[test]
fn a_configured_parameter_is_known_in_every_spelling() {
    for query in [
        "api_key=K",
        "API_KEY=K",
        "api[key=K",
        "api.key=K",
        "api+key=K",
        "api%20key=K",
        "%61pi_key=K",
        "[api_key]=K",
        "api_key[]=K",
        "api_key%00x=K",
        "+api_key=K",
    ] {
        let found = find(&HeaderMap::new(), Query::new(Some(query)), &places()).unwrap_or_else(|_| panic!());
        assert_eq!(found.candidates.len(), 1, "{query}");
    }
    for query in ["api=K", "key=K", "[a]=api_key", "apis_key=K"] {
        let found = find(&HeaderMap::new(), Query::new(Some(query)), &places()).unwrap_or_else(|_| panic!());
        assert!(found.candidates.is_empty(), "{query}");
    }
}

#[test]
fn words_are_told_from_what_a_machine_made() {
    let headers = head(&[("x-role", "administrator"), ("x-id", KEY)]);
    let query = Query::new(Some("q=the administrator of all&id=8f14e45fceea167a5a36dedd4bea2543"));
    let values = possible(&headers, query, &Found::default()).values;
    let of = |value: &str| values.iter().find(|it| *it.value == *value.as_bytes()).map(|it| it.distinctive);
    assert_eq!(of("administrator"), Some(false), "where it stands alone");
    assert_eq!(of(KEY), Some(true));
    assert_eq!(of("8f14e45fceea167a5a36dedd4bea2543"), Some(true));
    assert_eq!(values.iter().filter(|it| *it.value == *b"administrator").count(), 1, "and not among other words");
}

fn is_possible(lines: &[(&str, &str)], query: &str) -> bool {
    let headers = head(lines);
    let found = find(&headers, Query::new(Some(query)), &places()).unwrap_or_else(|_| panic!());
    possible(&headers, Query::new(Some(query)), &found).values.iter().any(|possible| *possible.value == *KEY.as_bytes())
}

#[test]
fn a_key_is_possible_wherever_a_thief_puts_it() {
    let bearer = format!("Bearer {KEY}");
    let rows: &[(&str, String)] = &[
        ("x-whatever", KEY.into()),
        ("x-authorization", bearer.clone()),
        ("x-api-key", bearer.clone()),
        ("x-api-key", format!("\"{KEY}\"")),
        ("x-api-key", format!("other, {KEY}")),
        ("x-auth", format!("key={KEY}")),
        ("x-auth", format!("token:{KEY}; v=1")),
        ("sec-websocket-protocol", format!("v1, {KEY}")),
        ("sec-websocket-protocol", format!("realtime, openai-insecure-api-key.{KEY}")),
        ("sec-websocket-protocol", format!("base64url.bearer.authorization.k8s.io.{}", base64(KEY).replace('=', ""))),
        ("x_api_key", KEY.into()),
        ("cookie", format!("jwt={KEY}")),
        ("cookie", format!("a=1;jwt = \"{KEY}\"")),
        ("cookie", format!("jwt={}", KEY.replace('z', "%7a"))),
        ("authorization", format!("Bearer:{KEY}")),
        ("authorization", format!("Digest x={KEY}, y=z")),
        ("x-forwarded-access-token", KEY.into()),
        ("greave-key", KEY.into()),
        ("cookie", KEY.into()),
        ("cookie", format!("a=token={KEY}&b=c")),
        ("cookie", format!("a={{%22key%22:%22{KEY}%22}}")),
        ("cookie", format!("a=\"{}\"", KEY.replace('z', "\\172"))),
        ("cookie", format!("a=\"{}\"", KEY.replace('z', "\\z"))),
        ("cookie", format!("a={}", base64(KEY))),
        ("cookie", format!("a={}", base64(&format!("user:{KEY}")).trim_end_matches('='))),
        ("cookie", format!("a={}", base64(KEY).replace('=', "%3D"))),
        ("x-made-up", format!("Basic {}", base64(&format!("{KEY}:")))),
        ("x-made-up", format!("v=1; k={}", base64(KEY))),
        ("authorization", format!("X sess_a;token={KEY}")),
    ];
    for (name, value) in rows {
        assert!(is_possible(&[(name, value)], ""), "{name}: {value}");
    }
    for query in [
        format!("k={KEY}"),
        format!("a=1;k={KEY}"),
        format!("k={}", KEY.replace('z', "%7A")),
        format!("k[]={KEY}"),
        KEY.to_owned(),
        format!("k=Bearer+{KEY}"),
        format!("k=token:{KEY}"),
        format!("k={}", base64(KEY)),
    ] {
        assert!(is_possible(&[], &query), "{query}");
    }
    for segment in [KEY.to_owned(), format!("bot{}", ""), format!("key={KEY}"), format!("{KEY}:x")] {
        let values = possible_in_path(["v1", &segment].into_iter(), &Found::default()).values;
        assert_eq!(values.iter().any(|it| *it.value == *KEY.as_bytes()), segment.contains(KEY), "{segment}");
    }
    assert!(!is_possible(&[("proxy-authorization", &bearer), ("x-api-key", KEY)], ""), "spent here, or found already");
}

#[test]
fn more_possible_values_than_can_be_looked_at_are_said_to_be_so() {
    let query = (0..300).map(|number| format!("id=value-{number:04}")).collect::<Vec<_>>().join("&");
    let headers = HeaderMap::new();
    let values = possible(&headers, Query::new(Some(&query)), &Found::default());
    assert_eq!(values.values.len(), 256);
    assert!(values.overflowed);
    let few = possible(&headers, Query::new(Some("a=short&b=long enough")), &Found::default());
    assert_eq!((few.values.len(), few.overflowed), (1, false));
}

#[test]
fn stripping_leaves_what_is_no_credential() {
    let lines = [
        ("authorization", "Bearer x"),
        ("x-api-key", "x"),
        ("cookie", "theme=dark; api_session=x; sid=s"),
        ("cookie", "lang=de"),
        ("accept", "*/*"),
    ];
    let mut headers = head(&lines);
    strip(&mut headers, &places(), Keep::Session);
    assert_eq!(headers, head(&[("cookie", "theme=dark; sid=s; lang=de"), ("accept", "*/*")]));
    let mut headers = head(&lines);
    strip(&mut headers, &places(), Keep::Nothing);
    assert_eq!(headers, head(&[("cookie", "theme=dark; lang=de"), ("accept", "*/*")]));
    let session = head(&[("authorization", "Bearer sess_1"), ("cookie", "a=b;  c=d")]);
    let mut headers = session.clone();
    strip(&mut headers, &places(), Keep::Session);
    assert_eq!(headers, session, "what has no credential stays byte for byte");
    let mut headers = head(&[("cookie", "sid=s"), ("authorization", "Bearer sess_1"), ("authorization", "Bearer k")]);
    strip(&mut headers, &places(), Keep::Nothing);
    assert!(headers.is_empty());
}

fn any_place() -> impl Strategy<Value = Place> {
    prop::sample::select(vec![
        "authorization:bearer",
        "authorization:dpop",
        "authorization:token",
        "authorization:apikey",
        "authorization:key",
        "authorization:basic-user",
        "authorization:basic-password",
        "authorization:bare",
        "authorization:ssws",
        "header:x-api-key",
        "header:private-token",
        "header:x-vendor-key",
        "query:api_key",
        "query:access_token",
        "query:sig",
        "cookie:api_session",
    ])
    .prop_map(|text| text.parse().unwrap())
}

/// Puts a key where clients put it.
fn plant(headers: &mut HeaderMap, query: &mut String, place: &Place, key: &str) {
    let mut add = |name: &HeaderName, value: String| headers.append(name, HeaderValue::try_from(value).unwrap());
    let base64 = |text: String| base64::engine::general_purpose::STANDARD.encode(text);
    match place {
        Place::Authorization(Scheme::BasicUser) => {
            add(&header::AUTHORIZATION, format!("Basic {}", base64(format!("{key}:x"))))
        }
        Place::Authorization(Scheme::BasicPassword) => {
            add(&header::AUTHORIZATION, format!("Basic {}", base64(format!("x:{key}"))))
        }
        Place::Authorization(Scheme::Bare) => add(&header::AUTHORIZATION, key.to_owned()),
        Place::Authorization(scheme) => add(&header::AUTHORIZATION, format!("{} {key}", scheme.word())),
        Place::Header(name) => add(name, key.to_owned()),
        Place::Cookie(name) => add(&header::COOKIE, format!("a=b; {name}={key}")),
        Place::Query(name) => {
            let encoded: String = key.bytes().map(|byte| format!("%{byte:02X}")).collect();
            query.push_str(&format!("&{name}={encoded}"));
            false
        }
        Place::Path => false,
    };
}

proptest! {
    #[test]
    fn a_key_in_any_declared_place_is_found_and_stripping_leaves_none(
        place in any_place(), key in "[0-9A-Za-z_-]{8,40}", noise in "[a-z0-9=&;%+]{0,40}", cookie in "[a-z0-9=; ]{0,40}",
    ) {
        let mut headers = head(&[("cookie", &cookie), ("accept", "*/*")]);
        let mut query = noise;
        prop_assume!(!places().session_prefixes.iter().any(|prefix| key.starts_with(&**prefix)));
        plant(&mut headers, &mut query, &place, &key);
        let found = find(&headers, Query::new(Some(&query)), &places()).unwrap_or_else(|_| panic!());
        let is_there = found.candidates.iter().any(|c| c.place == place && c.secret.expose() == key.as_bytes());
        prop_assert!(is_there, "{} in {:?} {}", place, headers, query);
        for keep in [Keep::Nothing, Keep::Session] {
            let mut stripped = headers.clone();
            strip(&mut stripped, &places(), keep);
            let left = find(&stripped, Query::default(), &places()).unwrap_or_else(|_| panic!());
            prop_assert!(left.candidates.is_empty());
            prop_assert!(keep == Keep::Session || left.sessions.is_empty());
            prop_assert_eq!(stripped.get("accept"), headers.get("accept"));
        }
    }

    #[test]
    fn no_head_panics(
        lines in prop::collection::vec((prop::sample::select(vec!["authorization", "cookie", "x-api-key", "x"]), "[ -~é\t]{0,60}"), 0..6),
        query in ".*",
    ) {
        let lines: Vec<(&str, &str)> = lines.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let mut headers = head(&lines);
        if let Ok(found) = find(&headers, Query::new(Some(&query)), &places()) {
            let values = possible(&headers, Query::new(Some(&query)), &found);
            prop_assert!(values.values.len() <= 256);
        }
        strip(&mut headers, &places(), Keep::Nothing);
        let left = find(&headers, Query::default(), &places()).unwrap_or_else(|_| panic!());
        prop_assert!(left.candidates.is_empty() && left.sessions.is_empty());
    }
}

//! A head, line by line: what is checked, found, stripped and carried on.
#![no_main]

use std::net::IpAddr;

use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, Version, header};
use libfuzzer_sys::fuzz_target;
use wire::{Forwarding, Keep, Origins, Places, ProxyHeader, Query, TrustedProxies};

const KEY: &str = "zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ";

fuzz_target!(|data: &[u8]| {
    let Some((method, uri, headers)) = read(data) else { return };
    let places = Places::well_known()
        .with("header:x-vendor-key".parse().unwrap())
        .with("cookie:key".parse().unwrap())
        .with_session_cookie("sid")
        .with_session_issuer("i")
        .with_session_prefix("sess_");
    let query = Query::new(uri.query());

    if wire::head::check(&method, Version::HTTP_11, &headers, &uri).is_ok() {
        assert_eq!(headers.get_all(header::HOST).iter().count(), 1);
        assert!(
            headers.get_all(header::CONTENT_LENGTH).iter().count()
                + headers.get_all(header::TRANSFER_ENCODING).iter().count()
                < 2
        );
        assert!(!method.as_str().eq_ignore_ascii_case("TRACE") && method != Method::CONNECT);
        assert!(!query.parameters().any(|parameter| parameter.name == "_method"));
    }
    let _ = wire::forward::upgrade(Version::HTTP_11, &headers);

    credentials(&headers, query, &places);
    carried_on(headers, &places);
});

fn credentials(headers: &HeaderMap, query: Query<'_>, places: &Places) {
    let Ok(found) = wire::find(headers, query, places) else { return };
    assert!(found.candidates.len() <= 16);
    assert!(found.candidates.iter().chain(&found.sessions).all(|candidate| !candidate.secret.expose().is_empty()));
    let possible = wire::possible(headers, query, &found);
    assert!(possible.values.len() <= 256);
    assert!(possible.values.iter().all(|possible| (8..=16 * 1024).contains(&possible.value.len())));

    // A key that is added to whatever stands there is found.
    let mut with_key = headers.clone();
    with_key.append("x-vendor-key", HeaderValue::from_static(KEY));
    with_key.append(header::COOKIE, HeaderValue::from_static("key=zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ"));
    match wire::find(&with_key, query, places) {
        Ok(found) => {
            let places: Vec<String> = found
                .candidates
                .iter()
                .filter(|candidate| candidate.secret.expose() == KEY.as_bytes())
                .map(|candidate| candidate.place.to_string())
                .collect();
            assert!(places.iter().any(|place| place == "header:x-vendor-key"), "{places:?}");
            assert!(places.iter().any(|place| place == "cookie:key"), "{places:?}");
        }
        Err(refusal) => assert_eq!(refusal, law::Refusal::TwoCredentials),
    }

    for keep in [Keep::Nothing, Keep::Session] {
        let mut stripped = with_key.clone();
        wire::strip(&mut stripped, places, keep);
        let left = wire::find(&stripped, Query::default(), places).expect("what is stripped can be read");
        assert!(left.candidates.is_empty());
        match keep {
            Keep::Nothing => assert!(left.sessions.is_empty()),
            Keep::Session => assert_eq!(left.sessions.len(), found.sessions.len()),
        }
    }
}

fn carried_on(mut headers: HeaderMap, places: &Places) {
    let forwarding = Forwarding {
        trusted: TrustedProxies::new(vec!["10.0.0.0/8".parse().unwrap()], ProxyHeader::XForwardedFor),
        identity: vec![HeaderName::from_static("x-company-user")],
    };
    let before = headers.clone();
    for peer in ["192.0.2.1", "10.0.0.1"] {
        let mut headers = before.clone();
        let peer: IpAddr = peer.parse().unwrap();
        forwarding.to_upstream(&mut headers, peer, false, places);
        let way: Vec<IpAddr> =
            headers["x-forwarded-for"].to_str().unwrap().split(", ").map(|hop| hop.parse().unwrap()).collect();
        assert_eq!(way.last(), Some(&peer));
        assert_eq!(way[0], wire::client_address(peer, &before, &forwarding.trusted));
        assert_eq!(headers.get_all("forwarded").iter().count(), 1);
        for name in headers.keys() {
            let plain = name.as_str().replace(['_', '.'], "-");
            assert!(!plain.starts_with("greave-") && plain != "x-real-ip" && plain != "x-company-user", "{name}");
            assert!(
                !["connection", "upgrade", "transfer-encoding", "proxy-authorization", "keep-alive"]
                    .contains(&name.as_str())
            );
            let is_twin =
                plain != name.as_str() && ["x-forwarded-for", "x-api-key", "x-vendor-key"].contains(&plain.as_str());
            assert!(!is_twin, "{name}");
        }
        for name in [header::HOST, header::AUTHORIZATION, header::CONTENT_TYPE, header::COOKIE] {
            assert_eq!(headers.get_all(&name).iter().count(), before.get_all(&name).iter().count(), "{name}");
        }
    }
    let origins = Origins::new(["http://inner:8000"], "https://api.example").unwrap();
    wire::forward::to_client(&mut headers, &origins);
    for name in [header::LOCATION, header::CONTENT_LOCATION] {
        let leads_inside =
            |value: &HeaderValue| value.as_bytes().to_ascii_lowercase().starts_with(b"http://inner:8000/");
        assert!(!headers.get_all(name).iter().any(leads_inside));
    }
}

/// A method and a target in the first line, a header in every further one.
fn read(data: &[u8]) -> Option<(Method, Uri, HeaderMap)> {
    let mut lines = data.split(|byte| *byte == b'\n');
    let first = lines.next()?;
    let space = first.iter().position(|byte| *byte == b' ')?;
    let method = Method::from_bytes(&first[..space]).ok()?;
    let uri = Uri::try_from(&first[space + 1..]).ok()?;
    let mut headers = HeaderMap::new();
    for line in lines {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let name = HeaderName::from_bytes(&line[..colon]);
        let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii());
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.append(name, value);
        }
    }
    Some((method, uri, headers))
}

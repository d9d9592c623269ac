use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _},
};
use proptest::prelude::*;
use serde_json::json;

use super::*;

const NOW: i64 = 1_800_000_000;

/// The claims of RFC 7515, appendix A: `{"iss":"joe","exp":1300819380,"http://example.com/is_root":true}`.
const JOE: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap()
}

fn rules(algorithms: &[Algorithm]) -> Rules {
    Rules {
        issuer: "https://login.example".to_owned(),
        audience: "https://api.example".to_owned(),
        algorithms: algorithms.to_vec(),
        kind: None,
        identity: "client_id".parse().unwrap(),
        holder: Some("/act/sub".parse().unwrap()),
        second_factor: None,
        leeway: SignedDuration::from_secs(30),
    }
}

fn claims() -> Value {
    json!({
        "iss": "https://login.example", "aud": ["https://api.example", "other"], "sub": "s1", "client_id": "ci",
        "act": {"sub": "ann"}, "exp": NOW + 3600, "iat": NOW, "jti": "1", "scope": "read",
    })
}

fn with(mut value: Value, name: &str, other: Value) -> Value {
    value[name] = other;
    value
}

fn encoded(value: &Value) -> String {
    BASE64.encode(value.to_string())
}

/// An issuer with one key on P-256.
struct Signer {
    pair: EcdsaKeyPair,
}

impl Signer {
    fn new() -> Self {
        Self { pair: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap() }
    }

    fn jwk(&self, id: &str) -> Value {
        let point = self.pair.public_key().as_ref();
        json!({"kty": "EC", "crv": "P-256", "kid": id, "x": BASE64.encode(&point[1..33]), "y": BASE64.encode(&point[33..])})
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let signed = format!("{}.{}", encoded(header), encoded(claims));
        let signature = self.pair.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", BASE64.encode(signature.as_ref()))
    }
}

fn set(keys: &[Value]) -> KeySet {
    KeySet::read(json!({"keys": keys}).to_string().as_bytes()).unwrap()
}

fn header() -> Value {
    json!({"alg": "ES256", "kid": "a", "typ": "at+jwt"})
}

fn verify(token: &str, rules: &Rules, keys: &KeySet) -> Result<Verified, Refused> {
    read(token.as_bytes()).ok_or(Refused::Unreadable)??.verify(rules, keys, now())
}

/// The signature alone, for the vectors of the standards: their claims are nobody's here.
fn verify_signature(token: &str, algorithm: Algorithm, key: Value) -> Result<(), Refused> {
    let (signed, signature) = token.rsplit_once('.').unwrap();
    set(&[key]).verify(None, algorithm, signed.as_bytes(), &BASE64.decode(signature).unwrap())
}

#[test]
fn a_second_factor_counts_where_the_token_says_how_and_when_and_that_was() {
    let signer = Signer::new();
    let keys = set(&[signer.jwk("a")]);
    let rule = SecondFactor { claim: "amr".parse().unwrap(), any: vec!["mfa".to_owned(), "otp".to_owned()] };
    let rules = Rules { second_factor: Some(rule), ..rules(&[Algorithm::Es256]) };
    let shown = |amr: Value, auth_time: Value| {
        let claims = with(with(claims(), "amr", amr), "auth_time", auth_time);
        verify(&signer.sign(&header(), &claims), &rules, &keys).unwrap().second_factor.map(Timestamp::as_second)
    };
    assert_eq!(shown(json!(["pwd", "otp"]), json!(NOW - 60)), Some(NOW - 60));
    assert_eq!(shown(json!("mfa"), json!(NOW - 60)), Some(NOW - 60));
    assert_eq!(shown(json!("mfa"), json!(NOW + 30)), Some(NOW), "clocks may be a little apart");
    for (amr, auth_time) in [
        (json!(["pwd"]), json!(NOW)),
        (json!([]), json!(NOW)),
        (json!("mfa otp"), json!(NOW)),
        (json!([["mfa"]]), json!(NOW)),
        (json!({"mfa": true}), json!(NOW)),
        (Value::Null, json!(NOW)),
        (json!("mfa"), Value::Null),
        (json!("mfa"), json!(NOW.to_string())),
        (json!("mfa"), json!(NOW + 31)),
        (json!("mfa"), json!(1e300)),
    ] {
        assert_eq!(shown(amr.clone(), auth_time.clone()), None, "{amr} {auth_time}");
    }
    let token = signer.sign(&header(), &with(with(claims(), "amr", json!("mfa")), "auth_time", json!(NOW)));
    assert_eq!(verify(&token, &Rules { second_factor: None, ..rules }, &keys).unwrap().second_factor, None);
}

#[test]
fn signatures_of_the_standards_verify() {
    let rsa = json!({"kty": "RSA", "e": "AQAB", "n": "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"});
    let ec = json!({"kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"});
    let okp = json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
    let hobbit = json!({"kty": "RSA", "e": "AQAB", "n": "n4EPtAOCc9AlkeQHPzHStgAbgs7bTZLwUBZdR8_KuKPEHLd4rHVTeT-O-XV2jRojdNhxJWTDvNd7nqQ0VEiZQHz_AJmSCpMaJMRBSFKrKb2wqVwGU_NsYOYL-QtiWN2lbzcEe6XC0dApr5ydQLrHqkHHig3RBordaZ6Aj-oBHqFEHYpPe7Tpe-OfVfHd1E6cS6M1FZcD1NNLYD5lFHpPI9bTwJlsde3uhGqC0ZCuEHg8lhzwOHrtIQbS0FVbb9k3-tVTU4fg_3L_vniUFAKwuCLqKnS2BYwdq_mzSnbLY7h_qixoR7jig3__kRhuaxwUkRz5iaiQkqgc5gHdrNP5zw"});
    let vectors = [
        // RFC 7515, A.2.
        (Algorithm::Rs256, rsa, format!("eyJhbGciOiJSUzI1NiJ9.{JOE}.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw")),
        // RFC 7515, A.3.
        (Algorithm::Es256, ec, format!("eyJhbGciOiJFUzI1NiJ9.{JOE}.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q")),
        // RFC 8037, A.4.
        (Algorithm::Ed25519, okp, "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg".to_owned()),
        // RFC 7520, 4.2.
        (Algorithm::Ps384, hobbit, "eyJhbGciOiJQUzM4NCIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9.SXTigJlzIGEgZGFuZ2Vyb3VzIGJ1c2luZXNzLCBGcm9kbywgZ29pbmcgb3V0IHlvdXIgZG9vci4gWW91IHN0ZXAgb250byB0aGUgcm9hZCwgYW5kIGlmIHlvdSBkb24ndCBrZWVwIHlvdXIgZmVldCwgdGhlcmXigJlzIG5vIGtub3dpbmcgd2hlcmUgeW91IG1pZ2h0IGJlIHN3ZXB0IG9mZiB0by4.cu22eBqkYDKgIlTpzDXGvaFfz6WGoz7fUDcfT0kkOy42miAh2qyBzk1xEsnk2IpN6-tPid6VrklHkqsGqDqHCdP6O8TTB5dDDItllVo6_1OLPpcbUrhiUSMxbbXUvdvWXzg-UD8biiReQFlfz28zGWVsdiNAUf8ZnyPEgVFn442ZdNqiVJRmBqrYRXe8P_ijQ7p8Vdz0TTrxUeT3lm8d9shnr2lfJT8ImUjvAA2Xez2Mlp8cBE5awDzT0qI0n6uiP1aCN_2_jLAeQTlqRHtfa64QQSUmFAAjVKPbByi7xho0uTOcbH510a6GYmJUAfmWjwZ6oD4ifKo8DYM-X72Eaw".to_owned()),
    ];
    for (algorithm, key, token) in &vectors {
        assert_eq!(verify_signature(token, *algorithm, key.clone()), Ok(()), "{algorithm}");
        let tampered = token.replacen("eyJ", "eyK", 1);
        assert_eq!(verify_signature(&tampered, *algorithm, key.clone()), Err(Refused::Signature), "{algorithm}");
        for (other, _, _) in vectors.iter().filter(|(other, ..)| other != algorithm) {
            assert!(verify_signature(token, *other, key.clone()).is_err(), "{algorithm} read as {other}");
        }
    }
    // RFC 7515, A.3, whole: read, and somebody else's.
    let token = &vectors[1].2;
    assert_eq!(read(token.as_bytes()).unwrap().unwrap().issuer(), Some("joe"));
    assert_eq!(verify(token, &rules(&[Algorithm::Es256]), &set(&[vectors[1].1.clone()])), Err(Refused::Issuer));
    let joes = Rules { issuer: "joe".to_owned(), ..rules(&[Algorithm::Es256]) };
    assert_eq!(verify(token, &joes, &set(&[vectors[1].1.clone()])), Err(Refused::Audience));
}

/// RFC 7519, 3.1 and 6.1; RFC 8725, 2.1.
#[test]
fn shared_secrets_and_no_signature_are_never_taken() {
    let hs256 = format!("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.{JOE}.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    let none = format!("eyJhbGciOiJub25lIn0.{JOE}.");
    let signer = Signer::new();
    let joes = Rules { issuer: "joe".to_owned(), ..rules(&[Algorithm::Es256]) };
    for token in [hs256, none] {
        assert_eq!(verify(&token, &joes, &set(&[signer.jwk("a")])), Err(Refused::Algorithm));
    }
    for (word, says) in [("none", "anybody"), ("None", "anybody"), ("HS256", "ES256"), ("es256", "no algorithm")] {
        assert!(word.parse::<Algorithm>().unwrap_err().to_string().contains(says), "{word}");
    }
}

#[test]
fn a_good_token_names_its_key_and_its_holder() {
    let signer = Signer::new();
    let (rules, keys) = (rules(&[Algorithm::Es256]), set(&[signer.jwk("a"), Signer::new().jwk("b")]));
    let verified = verify(&signer.sign(&header(), &claims()), &rules, &keys).unwrap();
    assert_eq!((verified.identity.as_str(), verified.holder.as_deref()), ("ci", Some("ann")));
    assert_eq!(verified.until, Timestamp::from_second(NOW + 3630).unwrap());

    // The next hour's token says the same; one with another scope does not.
    let next = with(with(with(claims(), "exp", json!(NOW + 7200)), "iat", json!(NOW + 1)), "jti", json!("2"));
    assert_eq!(verify(&signer.sign(&header(), &next), &rules, &keys).unwrap().says, verified.says);
    let wider = with(claims(), "scope", json!("read write"));
    assert_ne!(verify(&signer.sign(&header(), &wider), &rules, &keys).unwrap().says, verified.says);
}

#[test]
fn what_is_wrong_with_the_claims_is_named() {
    let signer = Signer::new();
    let (rules, keys) = (rules(&[Algorithm::Es256]), set(&[signer.jwk("a")]));
    let cases = [
        ("iss", json!("https://login.example/"), Refused::Issuer),
        ("iss", json!(["https://login.example"]), Refused::Issuer),
        ("aud", json!("https://api.example/"), Refused::Audience),
        ("aud", json!(["other"]), Refused::Audience),
        ("aud", Value::Null, Refused::Audience),
        ("client_id", json!(17), Refused::NoIdentity),
        ("client_id", json!(""), Refused::NoIdentity),
        ("client_id", json!("a\nb"), Refused::NoIdentity),
        ("client_id", json!("x".repeat(257)), Refused::NoIdentity),
        ("exp", Value::Null, Refused::NoEnd),
        ("exp", json!((NOW + 3600).to_string()), Refused::NoEnd),
        // Milliseconds, as some write by mistake.
        ("exp", json!(NOW * 1000), Refused::NoEnd),
        ("exp", json!(NOW - 30), Refused::Expired),
        ("exp", json!(-1), Refused::Expired),
        ("nbf", json!(NOW + 31), Refused::Early),
        ("nbf", json!("soon"), Refused::Early),
    ];
    for (name, value, refused) in cases {
        let token = signer.sign(&header(), &with(claims(), name, value.clone()));
        assert_eq!(verify(&token, &rules, &keys), Err(refused), "{name} {value}");
    }
    for (name, value) in [("exp", json!(NOW - 29)), ("exp", json!(NOW as f64 + 0.5)), ("nbf", json!(NOW + 30))] {
        let token = signer.sign(&header(), &with(claims(), name, value.clone()));
        assert!(verify(&token, &rules, &keys).is_ok(), "{name} {value}");
    }
}

#[test]
fn the_key_and_the_algorithm_are_the_issuers_choice_and_never_the_tokens() {
    let (signer, thief) = (Signer::new(), Signer::new());
    let (rules, keys) = (rules(&[Algorithm::Es256]), set(&[signer.jwk("a"), Signer::new().jwk("b")]));
    // The thief's own key comes along, by value and by address (RFC 8725, 2.9 and 3.10).
    let brought = json!({"alg": "ES256", "kid": "a", "jwk": thief.jwk("a"), "jku": "http://127.0.0.1/", "x5u": "http://127.0.0.1/"});
    assert_eq!(verify(&thief.sign(&brought, &claims()), &rules, &keys), Err(Refused::Signature));
    for (name, value, refused) in [
        ("kid", json!("c"), Refused::UnknownKey),
        ("kid", json!(["a"]), Refused::UnknownKey),
        ("kid", json!("b"), Refused::Signature),
        ("kid", json!("../a"), Refused::UnknownKey),
        ("alg", json!("ES384"), Refused::Algorithm),
        ("alg", json!("es256"), Refused::Algorithm),
        ("alg", json!(["ES256"]), Refused::Algorithm),
        ("crit", json!(["exp"]), Refused::Critical),
        ("crit", json!([]), Refused::Critical),
    ] {
        let token = signer.sign(&with(header(), name, value.clone()), &claims());
        assert_eq!(verify(&token, &rules, &keys), Err(refused), "{name} {value}");
    }
    // No name: only where there is one key that could be meant.
    let nameless = signer.sign(&json!({"alg": "ES256"}), &claims());
    assert_eq!(verify(&nameless, &rules, &keys), Err(Refused::UnknownKey));
    assert!(verify(&nameless, &rules, &set(&[signer.jwk("a")])).is_ok());
    // The set says what the key is for.
    let bound = set(&[with(signer.jwk("a"), "alg", json!("ES384"))]);
    assert_eq!(verify(&signer.sign(&header(), &claims()), &rules, &bound), Err(Refused::OtherKey));
    // A key of another family under the name that the token gives.
    let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
    let edwards = json!({"kty": "OKP", "crv": "Ed25519", "kid": "a", "x": BASE64.encode(pair.public_key().as_ref())});
    let both = Rules { algorithms: vec![Algorithm::Es256, Algorithm::Ed25519], ..rules.clone() };
    assert_eq!(verify(&signer.sign(&header(), &claims()), &both, &set(&[edwards])), Err(Refused::OtherKey));
}

#[test]
fn a_kind_is_checked_where_one_is_configured() {
    let signer = Signer::new();
    let (rules, keys) = (rules(&[Algorithm::Es256]), set(&[signer.jwk("a")]));
    let rules = Rules { kind: Some("at+jwt".to_owned()), ..rules };
    for (kind, is_good) in [(json!("application/AT+JWT"), true), (json!("JWT"), false), (Value::Null, false)] {
        let token = signer.sign(&with(header(), "typ", kind.clone()), &claims());
        assert_eq!(verify(&token, &rules, &keys).is_ok(), is_good, "{kind}");
    }
}

#[test]
fn what_could_be_read_in_two_ways_is_refused_and_what_is_no_token_is_left_alone() {
    let joined = |header: &str, claims: &str| format!("{}.{}.AAAA", BASE64.encode(header), BASE64.encode(claims));
    for (header, claims) in [
        (r#"{"alg":"ES256","alg":"none"}"#, r#"{"iss":"i"}"#),
        (r#"{"alg":"ES256"}"#, r#"{"iss":"i","iss":"j"}"#),
        (r#"{"alg":"ES256"}"#, r#"{"iss":"i","a":{"b":[{"c":1,"\u0063":2}]}}"#),
        (r#"{"alg":"ES256"}"#, r#"{"iss":"i"} x"#),
        (r#"{"alg":"ES256"}"#, r#"{"iss":"i""#),
    ] {
        assert_eq!(read(joined(header, claims).as_bytes()).map(|it| it.err()), Some(Some(Refused::Unreadable)));
    }
    let long = joined(r#"{"alg":"ES256"}"#, &format!(r#"{{"iss":"{}"}}"#, "i".repeat(LONGEST)));
    assert_eq!(read(long.as_bytes()).map(|it| it.err()), Some(Some(Refused::Unreadable)));
    for other in [
        "",
        "...",
        "ghp_0123456789",
        "eyJhbGciOiJFUzI1NiJ9",
        // Signed by other means than JOSE.
        "eyJ1c2VyX2lkIjoxfQ.ZxYpLw.c2lnbmF0dXJl",
        // Encrypted: five parts.
        "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..48V1_ALb6US04U3b.5eym8TW_c8SuK0lt.XFBoMYUZodetZdvTiFvSkQ",
    ] {
        assert!(read(other.as_bytes()).is_none(), "{other}");
    }
}

#[test]
fn a_signature_has_one_spelling() {
    let signer = Signer::new();
    let (rules, keys) = (rules(&[Algorithm::Es256]), set(&[signer.jwk("a")]));
    let token = signer.sign(&header(), &claims());
    for spelling in
        [format!("{token}="), format!("{token}=="), format!("{token}."), format!("{token}.AAAA"), format!("{token} ")]
    {
        assert_eq!(verify(&spelling, &rules, &keys), Err(Refused::Signature), "{spelling}");
    }
    // 64 bytes leave four bits of the last letter unused.
    let (rest, last) = token.split_at(token.len() - 1);
    for other in ["A", "Q", "g", "w"].into_iter().filter(|other| *other != last) {
        assert_eq!(verify(&format!("{rest}{other}"), &rules, &keys), Err(Refused::Signature));
    }
    for other in ["B", "R", "h", "x", "_"] {
        assert_eq!(verify(&format!("{rest}{other}"), &rules, &keys), Err(Refused::Signature));
    }
}

#[test]
fn a_set_keeps_what_verifies_and_says_what_it_left_out() {
    let signer = Signer::new();
    let short = json!({"kty": "RSA", "kid": "short", "e": "AQAB", "n": BASE64.encode([0xff; 128])});
    let private = with(signer.jwk("private"), "d", json!("AAAA"));
    let off_curve = with(signer.jwk("off"), "x", json!(BASE64.encode([1; 32])));
    let shared = json!({"kty": "oct", "kid": "shared", "k": "AAAA"});
    let encrypts = with(signer.jwk("encrypts"), "use", json!("enc"));
    let odd = json!({"kty": "RSA", "kid": "odd", "e": "AQ", "n": BASE64.encode([0xff; 256])});
    let all = [short, private, off_curve, shared, encrypts, odd, json!("x"), signer.jwk("twin"), signer.jwk("twin")];
    let error = KeySet::read(json!({"keys": all}).to_string().as_bytes()).err().unwrap().to_string();
    for says in [
        "`short` is shorter than 2048",
        "`private` has its secret",
        "`off` is no point",
        "`shared` has",
        "`encrypts` is not",
        "`odd` is no usable",
        "`7` is no object",
    ] {
        assert!(error.contains(says), "{says}: {error}");
    }
    let with_good: Vec<Value> = all.into_iter().chain([signer.jwk("good")]).collect();
    let set = KeySet::read(json!({"keys": with_good}).to_string().as_bytes()).unwrap();
    assert_eq!((set.len(), set.left_out().len()), (1, 9));
    for (text, error) in [
        ("", NoKeySet::Unreadable),
        ("[]", NoKeySet::Unreadable),
        (r#"{"keys":{}}"#, NoKeySet::Unreadable),
        (r#"{"keys":[],"keys":[]}"#, NoKeySet::Unreadable),
        (r#"{"keys":[]}"#, NoKeySet::Empty(Vec::new())),
    ] {
        assert_eq!(KeySet::read(text.as_bytes()).err(), Some(error), "{text}");
    }
    assert_eq!(KeySet::read(&vec![b' '; LONGEST * 64]).err(), Some(NoKeySet::TooLarge));
}

#[test]
fn claims_are_found_by_name_or_pointer() {
    let claims = json!({"sub": "a", "https://x/y": "b", "act": {"sub": "c"}, "list": ["d"]});
    let of = |name: &str| name.parse::<ClaimName>().unwrap().of(claims.as_object().unwrap()).and_then(Value::as_str);
    assert_eq!(of("sub"), Some("a"));
    assert_eq!(of("https://x/y"), Some("b"));
    assert_eq!(of("/https:~1~1x~1y"), Some("b"));
    assert_eq!(of("/act/sub"), Some("c"));
    assert_eq!(of("/list/0"), Some("d"));
    assert_eq!(of("/act"), None);
    assert!("".parse::<ClaimName>().is_err() && "/".parse::<ClaimName>().is_err());
}

proptest! {
    /// Whatever is changed in a token, it is refused.
    #[test]
    fn a_changed_token_does_not_verify(place in 0usize..400, byte in 0u8..128) {
        let signer = Signer::new();
        let (rules, keys) = (rules(&[Algorithm::Es256]), set(&[signer.jwk("a")]));
        let mut token = signer.sign(&header(), &claims()).into_bytes();
        let place = place % token.len();
        prop_assume!(token[place] != byte);
        token[place] = byte;
        prop_assert!(verify(str::from_utf8(&token).unwrap(), &rules, &keys).is_err());
    }

    /// Nothing that is thrown at it is taken, or stops it.
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = KeySet::read(&bytes);
        if let Some(Ok(token)) = read(&bytes) {
            prop_assert!(token.verify(&rules(&[Algorithm::Es256]), &set(&[Signer::new().jwk("a")]), now()).is_err());
        }
    }
}

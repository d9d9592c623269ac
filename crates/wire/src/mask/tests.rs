use proptest::prelude::*;

use super::*;

const KEY: &str = "zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ";

fn json(body: &str) -> String {
    mask(body.as_bytes(), Form::Json, &[], 10_000)
}

fn text(body: &str) -> String {
    mask(body.as_bytes(), Form::Text, &[], 10_000)
}

fn parts(body: &str) -> String {
    mask(body.as_bytes(), Form::of(Some("multipart/form-data; boundary=x"), body.as_bytes()), &[], 10_000)
}

#[test]
fn a_path_is_shown_segment_by_segment() {
    let path = |path: &str| mask(path.as_bytes(), Form::Path, &[&Secret::new(b"s3cr/et!")], 60);
    assert_eq!(path("/api/v1/workflows/aGp5hcuZoy0RbrQh"), "/api/v1/workflows/aGp5hcuZoy0RbrQh");
    assert_eq!(path(&format!("/bot/{KEY}/send//x/")), "/bot/zQWB…[masked]…kxkJ/send//x/");
    assert_eq!(path("/a/s3cr/et!/b"), "/a/[masked]/b");
    assert!(path(&"/a".repeat(40)).starts_with(&format!(
        "{}
",
        "/a".repeat(30)
    )));
}

#[test]
fn json_is_shown_decoded_and_without_its_secrets() {
    let rows = [
        (r#"{"role":"admin","n":1}"#, r#"{"role":"admin","n":1}"#),
        (r#"{"r\u006fle":"\u0061dmin"}"#, r#"{"role":"admin"}"#),
        (r#"{"password":"hunter2","role":"admin"}"#, r#"{"password":"[masked]","role":"admin"}"#),
        (r#"{"pass\u0077ord" : "hunter2"}"#, r#"{"password" : "[masked]"}"#),
        (r#"{"pin":1234,"max_tokens":100,"token":"abc"}"#, r#"{"pin":[masked],"max_tokens":100,"token":"[masked]"}"#),
        (r#"{"secret":{"role":"x","on":true},"b":"y"}"#, r#"{"secret":{"role":"[masked]","on":true},"b":"y"}"#),
        (r#"{"tokens":["a","b"],"c":"d"}"#, r#"{"tokens":["[masked]","[masked]"],"c":"d"}"#),
        (r#"["a","b"]"#, r#"["a","b"]"#),
        (r#"{"a":"say \"hi\"\n"}"#, r#"{"a":"say \"hi\"\n"}"#),
        (r#"{"password":"cut of"#, r#"{"password":"[masked]""#),
        (r#"{"role":"user","role":"admin"}"#, r#"{"role":"user","role":"admin"}"#),
        ("not json", "not json"),
    ];
    for (body, shown) in rows {
        assert_eq!(json(body), shown, "{body}");
    }
    assert_eq!(json(&format!(r#"{{"note":"use {KEY} now"}}"#)), r#"{"note":"use zQWB…[masked]…kxkJ now"}"#);
    assert_eq!(
        json(&format!(r#"{{"url":"https://evil.example/{KEY}/x"}}"#)),
        r#"{"url":"https://evil.example/zQWB…[masked]…kxkJ/x"}"#
    );
}

#[test]
fn a_form_is_shown_decoded_one_parameter_a_line() {
    let shown = mask(b"role=adm%69n&password=x+y&user%5Bsecret%5D=z&note=a%0Ab%26c", Form::Form, &[], 10_000);
    assert_eq!(
        shown,
        "\"role\" = \"admin\"\n\"password\" = \"[masked]\"\n\"user[secret]\" = \"[masked]\"\n\"note\" = \"a\\nb&c\"\n"
    );
}

#[test]
fn text_is_shown_without_what_stands_behind_the_name_of_a_secret() {
    let rows = [
        ("hello world", "hello world"),
        ("password: hunter2!$ role: admin", "password: [masked] role: admin"),
        ("password=hunter2; role=admin", "password=[masked]; role=admin"),
        ("<password>hunter2</password><role>admin</role>", "<password>[masked]</password><role>admin</role>"),
        ("user[password]=x&role=admin", "user[password]=[masked]&role=admin"),
        ("'client_secret' = 'x', 'a' = 'b'", "'client_secret' = '[masked]', 'a' = 'b'"),
        ("the password is long", "the password is long"),
        ("a: b\nc: d\r\n", "a: b\nc: d\n"),
    ];
    for (body, shown) in rows {
        assert_eq!(text(body), shown, "{body}");
    }
    assert_eq!(text(&format!("key {KEY}.")), "key zQWB…[masked]…kxkJ.");
    let multipart = "--x\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\nhunter2\r\n--x\r\n\
                     Content-Disposition: form-data; name=\"role\"\r\n\r\nadmin\r\n--x--\r\n";
    assert_eq!(
        parts(multipart),
        "--x\nContent-Disposition: form-data; name=\"password\"\n\n[masked: 7 bytes]\n--x\n\
         Content-Disposition: form-data; name=\"role\"\n\nadmin\n--x--\n"
    );
}

#[test]
fn whoever_writes_a_body_does_not_choose_what_is_not_shown() {
    // What looks like parts in a body that has none.
    let sql = "--\n/* ; name=\"password\" */\n\nDROP TABLE customers;\n";
    assert_eq!(text(sql), sql);
    assert_eq!(parts(sql), sql);
    // A second name, whose reader may take the first; a head that others end elsewhere.
    let disposition = "Content-Disposition: form-data; name=\"role\"";
    for head in [
        format!("X-Note: a; name=\"password\"\r\n{disposition}"),
        format!("{disposition}\r\nX-Note: a; name=\"password\""),
        format!("{disposition}; name=\"password\""),
        "X-Note: a; name=\"password\"".to_owned(),
        "Content-Disposition: form-data; name=\"password\"\r\r\nX: a".to_owned(),
        "X: a\r\n Content-Disposition: form-data; name=\"password\"".to_owned(),
    ] {
        let body = format!("--x\r\n{head}\r\n\r\nowner\r\n--x--\r\n");
        assert!(parts(&body).contains("owner"), "{body}");
    }
    // Where readers begin a part, none is hidden behind a secret.
    let behind = "--x\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\na --x\r\n\
                  Content-Disposition: form-data; name=\"role\"\r\n\r\nowner\r\n--x--\r\n";
    assert!(parts(behind).contains("owner"), "{}", parts(behind));
    let long = format!("--x\nContent-Disposition: form-data; name=\"pin\"\n\n{}--x--", "a\n".repeat(500));
    assert!(parts(&long).contains("\n[masked: 999 bytes]\n--x--"), "how much is hidden is said: {}", parts(&long));
}

#[test]
fn what_deceives_the_eye_is_written_out() {
    assert_eq!(json("{\"a\":\"x\u{202e}y\u{200b}\\u0007\"}"), r#"{"a":"x\u{202e}y\u{200b}\u{7}"}"#);
    assert_eq!(text("a\u{1b}[2Jb\u{a0}c\u{2028}d"), "a\\u{1b}[2Jb\\u{a0}c\\u{2028}d");
    assert_eq!(text("Jörg 日本 😀"), "Jörg 日本 😀");
    assert_eq!(mask(b"a\xffb", Form::Text, &[], 100), "a\u{fffd}b");
    let pushed = format!("{{\"name\":\"x\",{}\"role\":\"admin\"}}", " ".repeat(5000));
    assert_eq!(json(&pushed), format!("{{\"name\":\"x\",{}[4960 blanks more]\"role\":\"admin\"}}", " ".repeat(40)));
}

#[test]
fn what_is_cut_off_is_counted() {
    let body = format!("{{\"note\":\"{}\",\"role\":\"admin\"}}", "ab ".repeat(100));
    let shown = mask(body.as_bytes(), Form::Json, &[], 50);
    assert!(shown.starts_with("{\"note\":\"ab ab"), "{shown}");
    assert!(shown.ends_with("\n[cut here; 16 bytes more]"), "{shown}");
    assert_eq!(mask(b"", Form::Text, &[], 50), "");
}

#[test]
fn the_form_is_told_by_the_content_type() {
    for (content_type, body, form) in [
        (Some("application/json; charset=utf-8"), "", Form::Json),
        (Some("application/vnd.api+json"), "", Form::Json),
        (Some("application/x-www-form-urlencoded"), "{", Form::Form),
        (Some("text/plain"), "{", Form::Text),
        (Some("multipart/form-data; boundary=x"), "{", Form::Parts("x")),
        (Some("multipart/form-data; boundary=x; xboundary=y"), "{", Form::Text),
        (None, " {", Form::Json),
        (None, "x", Form::Text),
    ] {
        assert_eq!(Form::of(content_type, body.as_bytes()), form);
    }
}

fn any_form() -> impl Strategy<Value = Form<'static>> {
    prop_oneof![Just(Form::Json), Just(Form::Form), Just(Form::Path), Just(Form::Parts("x")), Just(Form::Text)]
}

proptest! {
    #[test]
    fn a_known_secret_is_never_shown(
        secret in "[0-9a-z:,]{9,24}", before in "[ -~]{0,20}", after in "[ -~]{0,20}", form in any_form(), how in 0..4_u8,
    ) {
        let planted: String = match how {
            0 => secret.clone(),
            1 => secret.chars().map(|letter| format!("\\u{:04x}", u32::from(letter))).collect(),
            2 => secret.bytes().map(|byte| format!("%{byte:02X}")).collect(),
            _ => format!("\"{secret}\""),
        };
        let body = match form {
            Form::Json => format!("{{\"{}\":\"{planted}\",\"a\":{secret}}}", before.replace(['"', '\\'], "")),
            Form::Form => format!("{before}&x={planted}&{after}"),
            Form::Path | Form::Parts(_) | Form::Text => format!("{before}{secret}{after}"),
        };
        let shown = mask(body.as_bytes(), form, &[&Secret::new(secret.as_bytes())], 10_000);
        prop_assert!(!shown.contains(&secret), "{}", shown);
    }

    #[test]
    fn no_body_panics_deceives_or_grows(body in prop::collection::vec(any::<u8>(), 0..300), form in any_form(), most in 0..200_usize) {
        let shown = mask(&body, form, &[], most);
        prop_assert!(shown.chars().all(|letter| letter == '\n' || is_plain(letter)));
        prop_assert!(shown.chars().count() <= most + 40);
    }

    #[test]
    fn a_field_that_is_no_secret_is_always_shown(role in "[a-z]{1,12}", noise in "[ -~]{0,30}") {
        let noise: String = noise.replace(['"', '\\'], "");
        let shown = json(&format!("{{\"x\":\"{noise}\",\"role\":\"{role}\"}}"));
        let expected = format!("\"role\":\"{role}\"}}");
        prop_assert!(shown.ends_with(&expected), "{}", shown);
    }
}

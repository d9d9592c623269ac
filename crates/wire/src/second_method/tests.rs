use proptest::prelude::*;

use super::*;

fn read(content_type: &str, body: &str) -> Says {
    in_body(body.as_bytes(), kind(Some(&HeaderValue::from_str(content_type).unwrap())))
}

const FORM: &str = "application/x-www-form-urlencoded";
const MULTIPART: &str = "multipart/form-data; boundary=x";

#[test]
fn a_field_is_known_in_the_spellings_of_all_readers() {
    for name in [
        "_method",
        "_METHOD",
        " _method",
        "_method ",
        ".method",
        " .method",
        "-method",
        "_method\0x",
        "_method[]",
        "_method[x",
        "[_method]",
        "\t_method\n",
        "\u{ff3f}method",
        "__method",
        "http_method",
        "X-HTTP-Method-Override",
        "x_http_method_override",
        "X-HTTP-Method",
        "X-Method-Override",
        "X-HTTP-Verb",
    ] {
        assert!(is_field(name), "{name:?}");
    }
    for name in ["method", "Method", " method ", "payment_method", "method[]", "httpMethod", "_methods", "meth", ""] {
        assert!(!is_field(name), "{name:?}");
    }
    for name in
        ["x-http-method-override", "x_http.method_override", "x-method-override", "x-http-verb", "REQUEST_METHOD"]
    {
        assert!(is_header(name), "{name}");
    }
    for name in ["access-control-request-method", "x-method-name", "x-verbose", "method"] {
        assert!(!is_header(name), "{name}");
    }
}

#[test]
fn only_a_type_spelled_exactly_is_that_type() {
    let kind = |text: &str| kind(Some(&HeaderValue::from_str(text).unwrap()));
    assert_eq!(kind("Application/JSON; charset=UTF-8"), Kind::Json);
    assert_eq!(kind("application/problem+json"), Kind::Json);
    assert_eq!(kind("text/json"), Kind::Json);
    assert_eq!(kind(FORM), Kind::Form);
    assert_eq!(kind("multipart/form-data; boundary=\"a b\""), Kind::Multipart);
    assert_eq!(kind("image/png"), Kind::Opaque);
    assert_eq!(super::kind(None), Kind::Unknown);
    assert_eq!(kind("application/x-www-form-urlencoded; charset=windows-1251"), Kind::Form);
    for crooked in [
        "",
        "; charset=utf-8",
        "application/x-www-form-urlencoded x",
        "application/x-www-form-urlencoded, text/plain",
        "image/png, application/x-www-form-urlencoded",
        "image/png; a=b, application/json",
        "image/json",
        "image/x+json",
        "text/plain; a=/json",
        "multipart/form-data, x; boundary=x",
    ] {
        assert_eq!(kind(crooked), Kind::Unknown, "{crooked}");
    }
    for foreign in [
        "application/json; charset=utf-16",
        "application/json; charset=ibm037",
        "application/x-www-form-urlencoded; Charset = 'UTF-16BE'",
        "application/x-www-form-urlencoded; charset=utf-8; charset=ibm037",
        "multipart/form-data; boundary=x; charset=utf-7",
    ] {
        assert_eq!(kind(foreign), Kind::Foreign, "{foreign}");
    }
    for other in
        ["application/made-up", "application/octet-stream x", "image/", "text/plain; charset=utf-16", "application/xml"]
    {
        assert_eq!(kind(other), Kind::Other, "{other}");
    }
}

#[test]
fn a_body_is_read_in_every_way_that_its_type_allows() {
    let multipart = |name: &str| format!("--x\r\nContent-Disposition: form-data; {name}\r\n\r\nDELETE\r\n--x--\r\n");
    for (content_type, body) in [
        (FORM, "_method=DELETE".to_owned()),
        (FORM, "a=b&%5Fmethod=DELETE".to_owned()),
        (FORM, "a=b;_method=DELETE".to_owned()),
        (FORM, ".method=DELETE".to_owned()),
        (FORM, "_method%00x=DELETE".to_owned()),
        (FORM, "+_method=DELETE".to_owned()),
        (FORM, "_method[]=DELETE".to_owned()),
        ("application/x-www-form-urlencoded x", "_method=DELETE".to_owned()),
        ("application/made-up", "a=b&_method=DELETE".to_owned()),
        ("", "_method=DELETE".to_owned()),
        ("text/json", r#"{"_method":"DELETE"}"#.to_owned()),
        ("application/json", r#"{"a":{"b":1},"\u005fmethod" : "DELETE"}"#.to_owned()),
        ("application/json", r#"[{"_method":"DELETE"}]"#.to_owned()),
        ("application/json", "{_method:'DELETE'}".to_owned()),
        ("application/json", "{'_method':'DELETE'}".to_owned()),
        ("application/made-up", r#"{"_method":"DELETE"}"#.to_owned()),
        ("application/made-up", multipart(r#"name="_method""#)),
        ("application/xml", "<r><_method>DELETE</_method></r>".to_owned()),
        (MULTIPART, multipart(r#"name="_method""#)),
        (MULTIPART, multipart("name=_method")),
        (MULTIPART, multipart("NAME = '_method'")),
        (MULTIPART, multipart(r#"name="\_method""#)),
        (MULTIPART, multipart(r#"name="_me\thod""#)),
        (MULTIPART, multipart("name*0=_me; name*1=thod")),
        (MULTIPART, multipart("name*=UTF-8''%5Fmethod")),
        (MULTIPART, multipart(r#"name="%5Fmethod""#)),
        (MULTIPART, multipart(r#"name="=?utf-8?q?=5Fmethod?=""#)),
        (MULTIPART, multipart("filename=\"x\";\r\n name=\"_method\"")),
        (MULTIPART, multipart(r#"name="_method[]""#)),
        (MULTIPART, multipart(r#"name=".method""#)),
        (MULTIPART, "--x\ncontent-disposition:form-data;name=_method\n\nDELETE\n--x--".to_owned()),
        (MULTIPART, "--x\rcontent-disposition:form-data;name=_method\r\rDELETE\r--x--".to_owned()),
    ] {
        assert_eq!(read(content_type, &body), Says::Method, "{content_type}: {body}");
    }
}

#[test]
fn honest_bodies_say_nothing() {
    let file = "--x\r\nContent-Disposition: form-data; name=\"payment_method\"; filename*=UTF-8''a%20b\r\n\r\n\
                char *name = \"_method\"; a&_method=x\r\n--x--\r\n";
    for (content_type, body) in [
        (FORM, "method=fast&name=x&payment_method=card"),
        ("application/json", r#"{"method":"fast","headers":{"X-HTTP-Method-Override":"PATCH"},"text":"a&_method=b"}"#),
        ("application/json", r#"{"url":"https://a/?_method=x","list":["_method"]}"#),
        ("application/json", "{}"),
        (MULTIPART, file),
        ("text/plain", "the payment_method is a card"),
        ("image/png", "_method=DELETE"),
    ] {
        assert_eq!(read(content_type, body), Says::Nothing, "{content_type}: {body}");
    }
}

#[test]
fn what_is_no_text_is_unreadable_where_text_is_expected() {
    let utf16: Vec<u8> = r#"{"_method":"DELETE"}"#.encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(in_body(&utf16, Kind::Json), Says::Unreadable);
    assert_eq!(in_body(&utf16, Kind::Unknown), Says::Unreadable);
    assert_eq!(in_body(b"\xff\xd8\xff", Kind::Unknown), Says::Unreadable);
    // `_method` in EBCDIC, and in UTF-16.
    assert_eq!(in_body(b"%6D%94%85%A3%88%96%84=%C4", Kind::Form), Says::Unreadable);
    assert_eq!(in_body(b"a=b&%00_%00m%00e%00t%00h%00o%00d=%00D", Kind::Form), Says::Unreadable);
    assert_eq!(in_body(b"a=b", Kind::Foreign), Says::Unreadable);
    assert_eq!(in_body(b"%C3%A9=%E9", Kind::Form), Says::Nothing, "what a value is, is the API's own matter");
    assert_eq!(in_body(b"--x\r\n\r\n\xff\xd8\xff\r\n--x--", Kind::Multipart), Says::Nothing);
}

proptest! {
    #[test]
    fn whatever_stands_around_it_a_name_is_found(before in "[a-z=&\"{}:,\\-\\r\\n ]{0,40}", body in ".*") {
        for kind in [Kind::Form, Kind::Multipart, Kind::Json, Kind::Unknown] {
            let _ = in_body(body.as_bytes(), kind);
        }
        let form = format!("{before}&_method=DELETE");
        prop_assert_eq!(in_body(form.as_bytes(), Kind::Form), Says::Method);
        let part = format!("{before}\r\n\r\n--x\r\nContent-Disposition: form-data; name=\"_method\"\r\n\r\nDELETE");
        prop_assert_eq!(in_body(part.as_bytes(), Kind::Multipart), Says::Method);
    }
}

/// A list of what costs the square of its length where the rest is read again at each name.
#[test]
fn what_says_name_again_and_again_is_read_once() {
    let most = "name=".repeat(MOST_LETTERS);
    assert_eq!(few_letters(&most).matches("name").count(), MOST_LETTERS / "name".len());
    for padding in [most.as_str(), "name=\"\\", "a=%41;"] {
        let head = format!("--x\r\nContent-Disposition: form-data; {padding} name=\"_method\"\r\n\r\nDELETE\r\n--x--");
        assert_eq!(read(MULTIPART, &head), Says::Method, "{padding}");
    }
}

use http::HeaderValue;
use proptest::prelude::*;

use super::*;

const MULTIPART: &str = "multipart/form-data; boundary=x";
const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

/// What of a body goes on, in pieces of this size.
fn goes_on(content_type: &str, body: &[u8], size: usize) -> usize {
    let mut passing = Passing::of(Some(&HeaderValue::from_str(content_type).unwrap())).unwrap();
    let pieces = body.chunks(size).take_while(|piece| !passing.names(piece));
    pieces.map(<[u8]>::len).sum()
}

#[test]
fn a_long_body_goes_on_up_to_the_name_of_a_second_method_however_it_is_cut() {
    let file = "a;name=_method\r\n\r\n--y\r\nContent-Disposition: form-data; name=\"_method\"\r\n\r\n".repeat(9);
    for head in ["Content-Disposition: form-data; name=\"_method\"", "content-disposition:form-data;\r\n NAME=_method"]
    {
        for (before, line) in [("\r\n", "\r\n"), ("\n", "\n"), ("", "\r")] {
            let begin = format!("--x\r\nContent-Disposition: form-data; name=\"f\"\r\n\r\n{file}{before}--x{line}");
            let body = format!("{begin}{head}{line}{line}DELETE{before}--x--{line}");
            for size in 1..100 {
                let gone = goes_on(MULTIPART, body.as_bytes(), size);
                let name = begin.len() + head.find("_method").unwrap();
                assert!(gone < name + "_method".len(), "{size}: {gone} of {}", body.len());
                assert!(gone + size > begin.len(), "the file itself goes on");
            }
        }
    }
}

#[test]
fn an_honest_upload_goes_on_whole() {
    let part = |name: &str, value: &str| {
        format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"_method\"\r\n\r\n{value}\r\n")
    };
    let value = "\0 name=\"_method\"\n\n--\r-x".repeat(20_000);
    let body = part("payment_method", "card") + &part("file", &value) + &part("file2", &value) + "--x--\r\n";
    for size in [1000, 4093, usize::MAX] {
        assert_eq!(goes_on(MULTIPART, body.as_bytes(), size), body.len());
    }
    let endless = format!("--x\r\n{}", "X-Header: a\r\n".repeat(10_000));
    assert!(goes_on(MULTIPART, endless.as_bytes(), 1000) <= LONGEST_HEAD + 1000, "a head has an end");
}

#[test]
fn only_a_body_that_says_what_stands_between_its_parts_is_looked_into_while_it_goes_by() {
    let of = |text: &'static str| Passing::of(Some(&HeaderValue::from_static(text))).is_some();
    for good in [MULTIPART, "multipart/form-data; Boundary=\"a:b\"", "multipart/form-data; charset=utf-8; boundary=x"] {
        assert!(of(good), "{good}");
    }
    for crooked in
        ["multipart/form-data", "multipart/form-data; boundary=x; boundary=y", "multipart/form-data; boundary="]
    {
        assert!(!of(crooked), "{crooked}");
    }
}

#[test]
fn only_one_boundary_that_every_reader_finds_is_one() {
    for good in ["----WebKitFormBoundaryAbCdEf123", "Boundary+0xAbCd", "dart-http-boundary-x1", "alamofire.boundary.7f"]
    {
        assert_eq!(boundary(&format!("multipart/form-data; boundary={good}")), Some(good));
    }
    assert_eq!(boundary("multipart/mixed; type=a; boundary=\"x\"; charset=utf-8"), Some("x"));
    for crooked in [
        "multipart/form-data; xboundary=y; boundary=x",
        "multipart/form-data; boundary=x; xboundary=y",
        "multipart/form-data; a=boundary=y; boundary=x",
        "multipart/form-data; boundary=x; a=Boundary =y",
        "multipart/form-data; boundary=boundary=y",
        "multipart/form-data; boundary=x; boundary*=utf-8''y",
        "multipart/form-data; boundary=x; boundary*0=y",
        "multipart/form-data; boundary*0=x",
        "multipart/x-boundary; boundary=x",
        "multipart/form-data; boundary=x,y",
        "multipart/form-data; a=\"; boundary=y\"; boundary=x",
    ] {
        assert_eq!(boundary(crooked), None, "{crooked}");
    }
}

#[test]
fn a_head_goes_on_to_where_the_strictest_reader_sees_its_end() {
    let named = "Content-Disposition: form-data; name=\"_method\"\r\n\r\nDELETE\r\n--x--\r\n";
    for odd in ["\r\nX: a\n\r\n", "\r\nX: a\r\r\n", "\n\r\n", "\r\n\r\n", "\r\nX: a\n\n--x\n", "\nX: a\r\n\n"] {
        let body = format!("--x{odd}{named}");
        for size in 1..body.len() {
            let gone = goes_on(MULTIPART, body.as_bytes(), size);
            assert!(gone < body.find("_method").unwrap() + "_method".len(), "{odd:?} {size}: {gone}");
        }
    }
}

#[test]
fn a_head_in_more_pieces_than_anybody_sends_does_not_go_on() {
    let body = format!("--x\r\n{}", "a".repeat(4000));
    assert!(goes_on(MULTIPART, body.as_bytes(), 1) < 200);
    assert_eq!(goes_on(MULTIPART, body.as_bytes(), 100), body.len());
    let parts = "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n".repeat(300);
    assert_eq!(goes_on(MULTIPART, parts.as_bytes(), 7), parts.len(), "each has its own");
}

#[test]
fn a_form_or_json_goes_on_up_to_the_value_of_a_second_method_however_it_is_cut() {
    let padded = format!("a=b&{}_method=DELETE", "+".repeat(3 * LONGEST_NAME));
    for (content_type, body) in [
        (FORM, "a=b&_method=DELETE"),
        (FORM, "_method=DELETE"),
        (FORM, "a;%5Fme%74hod=DELETE"),
        (FORM, "_method[x]=DELETE"),
        (FORM, padded.as_str()),
        ("", "_method=DELETE"),
        ("application/x-www-form-urlencoded, x", "a=b&_method=DELETE"),
        (JSON, r#"{"a":{"b":"\\"},"_method":"DELETE"}"#),
        (JSON, r#"{"a":[1,2],"\u005fmethod" : "DELETE"}"#),
        (JSON, r#"[{"_method":"DELETE"}]"#),
        (JSON, "{\n\"x\": \"a\\\"b\", \"X-HTTP-Method-Override\":\n\"DELETE\"}"),
        ("image/x+json", r#"{"_method":"DELETE"}"#),
        ("", r#"{"_method":"DELETE"}"#),
    ] {
        for size in (1..body.len()).chain([usize::MAX]).take(200) {
            let gone = goes_on(content_type, body.as_bytes(), size);
            assert!(gone <= body.find("DELETE").unwrap(), "{content_type} {body:.60} {size}: {gone}");
        }
    }
}

#[test]
fn honest_forms_and_json_go_on_whole() {
    let long = format!(r#"{{"text":"{}","method":"fast"}}"#, "_method=x&\\\"_method\\\":".repeat(9000));
    let binary: Vec<u8> = (0..300_000_u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    for (content_type, body) in [
        (FORM, b"method=fast&payment_method=card&url=https%3A%2F%2Fa%2F%3F_method%3Dx&x=_method".as_slice()),
        (JSON, br#"{"method":"fast","http_method":"GET","a":{"_method":"x"},"b":"_method","_methods":[]}"#),
        (JSON, long.as_bytes()),
        (JSON, br#"["_method", {"a": "_method"}]"#),
        ("", b"just a text that says _method once"),
        ("", &binary),
        (JSON, &binary),
        ("text/plain", b"_method=DELETE"),
        ("application/xml", b"<a name='_method'/>&_method=x"),
        ("image/png", b"_method=DELETE"),
    ] {
        for size in [1, 7, 1000, usize::MAX] {
            assert_eq!(goes_on(content_type, body, size), body.len(), "{content_type} {size}");
        }
    }
}

#[test]
fn nobody_looks_into_what_is_written_in_other_letters() {
    let of = |text: &'static [u8]| Passing::of(Some(&HeaderValue::from_bytes(text).unwrap())).is_some();
    for odd in [
        b"application/x-www-form-urlencoded; charset=ibm037".as_slice(),
        b"application/json; charset=utf-16",
        b"multipart/form-data, x; boundary=x",
        b"multipart/form-data; boundary=x\xff",
    ] {
        assert!(!of(odd), "{}", String::from_utf8_lossy(odd));
    }
    assert!(Passing::of(None).is_some());
}

proptest! {
    #[test]
    fn however_a_long_body_is_cut_the_name_does_not_go_on_whole(
        before in proptest::collection::vec(prop_oneof![
            Just("--x"), Just("\r\n"), Just("\n"), Just("name=\""), Just("x"), Just("\\"), Just("--"),
        ], 0..12),
        cuts in proptest::collection::vec(1_usize..20, 1..60),
    ) {
        let before = before.concat();
        let body = format!("{before}--x\r\nContent-Disposition: form-data; name=\"_method\"\r\n\r\nDELETE");
        let whole = body.find("_method").unwrap() + "_method".len();
        let mut passing = Passing::of(Some(&HeaderValue::from_static(MULTIPART))).unwrap();
        let (mut gone, mut cuts) = (0, cuts.into_iter().cycle());
        while gone < body.len() {
            let end = (gone + cuts.next().unwrap()).min(body.len());
            if passing.names(&body.as_bytes()[gone..end]) {
                break;
            }
            gone = end;
        }
        prop_assert!(gone < whole, "{gone} of {body:?}");
    }

    #[test]
    fn whatever_stands_before_it_a_name_is_found(before in "[a-z=&\"{}:,\\-\\r\\n ]{0,40}") {
        let part = format!("{before}\r\n\r\n--x\r\nContent-Disposition: form-data; name=\"_method\"\r\n\r\nDELETE");
        prop_assert!(goes_on(MULTIPART, part.as_bytes(), 7) < part.len());
        let form = format!("{before}&_method=DELETE");
        prop_assert!(goes_on(FORM, form.as_bytes(), 7) < form.len());
    }
}

use proptest::prelude::*;

use super::*;

mod upstream;

const STRICT: PathRules =
    PathRules { doubled: Doubled::Refuse, matrix: Matrix::Refuse, ignore_case: false, ignore_trailing_slash: false };
const LOOSE: PathRules =
    PathRules { doubled: Doubled::Merge, matrix: Matrix::Strip, ignore_case: true, ignore_trailing_slash: true };
const KEEP: PathRules = PathRules { doubled: Doubled::Keep, matrix: Matrix::Keep, ..STRICT };

fn read(sent: &str, rules: &PathRules) -> Option<Vec<String>> {
    Target::read(sent, rules).ok().map(|target| target.segments().map(str::to_owned).collect())
}

/// What was sent, and how a strict, a loose and a keeping upstream read it. `None`: refused.
type Row =
    (&'static str, Option<&'static [&'static str]>, Option<&'static [&'static str]>, Option<&'static [&'static str]>);

const fn same(sent: &'static str, segments: &'static [&'static str]) -> Row {
    (sent, Some(segments), Some(segments), Some(segments))
}

const fn never(sent: &'static str) -> Row {
    (sent, None, None, None)
}

const SPELLINGS: &[Row] = &[
    // Honest ones.
    same("/", &[]),
    same("/users", &["users"]),
    same("/users?x=/../y", &["users"]),
    same("/users?", &["users"]),
    same("/repos/a/b/contents/src%2Flib.rs", &["repos", "a", "b", "contents", "src/lib.rs"]),
    same("/repos/a/b/contents/src%2flib.rs", &["repos", "a", "b", "contents", "src/lib.rs"]),
    same("/users/j%C3%B6rg", &["users", "jörg"]),
    same("/users/a%20b", &["users", "a b"]),
    same("/users/a+b", &["users", "a+b"]),
    same("/users/a%2Bb", &["users", "a+b"]),
    same("/users/100%25", &["users", "100%"]),
    same("/users/what%3F", &["users", "what?"]),
    same("/users/%23tag", &["users", "#tag"]),
    same("/.well-known/x", &[".well-known", "x"]),
    same("/a..b/c", &["a..b", "c"]),
    same("/a/...", &["a", "..."]),
    same("/a/..b", &["a", "..b"]),
    same("/v1/items:batch", &["v1", "items:batch"]),
    same("/a/@me", &["a", "@me"]),
    same("/a/b,c(d)'e'!*$&=~_-", &["a", "b,c(d)'e'!*$&=~_-"]),
    same("/a/[b]{c}|d^e`\"<>", &["a", "[b]{c}|d^e`\"<>"]),
    same("/us%65rs", &["users"]),
    same("/a/b%2520c", &["a", "b%20c"]),
    same("/users/a%2Fb%2Fc", &["users", "a/b/c"]),
    // Climbing.
    never("/a/../b"),
    never("/a/./b"),
    never("/.."),
    never("/."),
    never("/a/.."),
    never("/a/../"),
    never("/a/%2e%2e/b"),
    never("/a/%2E./b"),
    never("/a/.%2e/b"),
    never("/a/%2e/b"),
    never("/a/%252e%252e/b"),
    never("/a/%252e/b"),
    never("/a/.%252e/b"),
    never("/a/%25252e%25252e/b"),
    never("/a/%25%32%65/b"),
    never("/a/%%32%65/b"),
    never("/a/..%2Fb"),
    never("/a/b%2F.."),
    never("/a/b%2F..%2Fc"),
    never("/a/b%2F.%2Fc"),
    never("/a/..%252Fb"),
    never("/a/..;/b"),
    never("/a/..;x=y/b"),
    never("/a/.;/b"),
    never("/a/..%3B/b"),
    never("/a/%2e%2e;x/b"),
    never("/a/..%20/b"),
    never("/a/%20../b"),
    never("/a/..%09/b"),
    never("/a/%c0%ae%c0%ae/b"),
    never("/a/%25c0%25ae/b"),
    never("/a/%u002e%u002e/b"),
    never("/a/%25u002e%25u002e/b"),
    never("/a/%25uAAAA"),
    never("/a/%EF%BC%8E%EF%BC%8E/b"),
    never("/a/%E2%80%A4%E2%80%A4/b"),
    never("/a/%E2%80%A5/b"),
    never("/a/..%EF%BC%8Fb"),
    // Slashes in disguise.
    never("/a\\b"),
    never("/a/..\\b"),
    never("/a%5Cb"),
    never("/a%5cb"),
    never("/a%255Cb"),
    never("/a%252Fb"),
    never("/a%252fb"),
    never("/a%25252Fb"),
    never("/a%EF%BC%BCb"),
    never("/a/%2Fb"),
    never("/a/b%2F"),
    never("/a/b%2F%2Fc"),
    never("/%2F"),
    never("/%2F/"),
    // Bytes that no path has.
    never("/a%00"),
    never("/a%00/b"),
    never("/a%0a"),
    never("/a%0d%0aX-Y:%20z"),
    never("/a%7f"),
    never("/a%C2%85"),
    never("/a%2500"),
    never("/a%250a"),
    never("/a\tb"),
    never("/a b"),
    never("/a\0b"),
    never("/jörg"),
    never("/a%ff"),
    never("/a%C3"),
    never("/a%ED%A0%80"),
    // Broken percent signs.
    never("/a%"),
    never("/a%2"),
    never("/a%zz"),
    never("/a%2g"),
    never("/a%+1"),
    never("/%"),
    // Not in origin form.
    never(""),
    never("a/b"),
    never("?x"),
    never("http://elsewhere/a"),
    never("*/a"),
    never("/a#b"),
    never("/a?b#c"),
    never("/a?b c"),
    never("/a?b\r\n"),
    // As strict as the upstream is loose.
    ("/a//b", None, Some(&["a", "b"]), Some(&["a", "", "b"])),
    ("//a", None, Some(&["a"]), None),
    ("//elsewhere.example/a", None, Some(&["elsewhere.example", "a"]), None),
    ("//", None, Some(&[]), None),
    ("/a//", None, Some(&["a"]), Some(&["a", "", ""])),
    ("/a/", Some(&["a", ""]), Some(&["a"]), Some(&["a", ""])),
    ("/a/?x", Some(&["a", ""]), Some(&["a"]), Some(&["a", ""])),
    ("/a;x=1/b", None, Some(&["a", "b"]), Some(&["a;x=1", "b"])),
    ("/a/b;jsessionid=1", None, Some(&["a", "b"]), Some(&["a", "b;jsessionid=1"])),
    ("/a;/b", None, Some(&["a", "b"]), Some(&["a;", "b"])),
    ("/;x/b", None, None, Some(&[";x", "b"])),
    ("/a%3Bx/b", None, None, Some(&["a;x", "b"])),
    ("/a%253Bx/b", None, None, Some(&["a%3Bx", "b"])),
    ("/a;%2F..%2Fb", None, None, None),
    ("/a;b%2Fc", None, None, Some(&["a;b/c"])),
    ("/a;%00", None, None, None),
];

#[test]
fn every_spelling_is_read_as_the_table_says() {
    assert!(SPELLINGS.len() >= 100);
    for (sent, strict, loose, keep) in SPELLINGS {
        for (rules, expected) in [(&STRICT, strict), (&LOOSE, loose), (&KEEP, keep)] {
            let read = read(sent, rules);
            let expected = expected.map(|segments| segments.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>());
            assert_eq!(read, expected, "`{sent}` with {rules:?}");
        }
    }
}

#[test]
fn what_was_sent_is_kept_byte_for_byte() {
    let target = Target::read("/a%2Fb/%63?x=%2e&y", &STRICT).unwrap();
    assert_eq!(target.as_sent(), "/a%2Fb/%63?x=%2e&y");
    assert_eq!(target.path(), "/a%2Fb/%63");
    assert_eq!(target.query().as_sent(), "x=%2e&y");
    assert!(!target.is_server());
    assert!(Target::read("*", &STRICT).unwrap().is_server());
}

#[test]
fn every_other_reading_is_offered() {
    let readings = |sent: &str| {
        let target = Target::read(sent, &STRICT).unwrap();
        target.readings().into_iter().map(|reading| reading.join(" ")).collect::<Vec<_>>()
    };
    assert_eq!(readings("/users/me"), ["users me"]);
    assert_eq!(readings("/users/%6De"), ["users me", "users %6De"]);
    assert_eq!(readings("/users/a%2Fkeys"), ["users a/keys", "users a%2Fkeys", "users a keys"]);
    assert_eq!(readings("/users/%256De"), ["users %6De", "users %256De", "users me"]);
    let target = Target::read("/users/%256De", &STRICT).unwrap();
    assert_eq!(target.segments_decoded_twice(), Some(vec!["users", "me"]));
    assert_eq!(Target::read("/users/%6De", &STRICT).unwrap().segments_decoded_twice(), None);
}

#[test]
fn letters_that_look_alike_give_a_reading_where_case_is_ignored() {
    let sent = "/users/to%E2%84%AAen%C5%BF";
    let target = Target::read(sent, &LOOSE).unwrap();
    assert!(target.readings().contains(&vec!["users", "tokens"]));
    assert_eq!(target.segments().last(), Some("to\u{212a}en\u{17f}"));
    assert!(!Target::read(sent, &STRICT).unwrap().readings().contains(&vec!["users", "tokens"]));
}

fn any_rules() -> impl Strategy<Value = PathRules> {
    let doubled = prop_oneof![Just(Doubled::Refuse), Just(Doubled::Merge), Just(Doubled::Keep)];
    let matrix = prop_oneof![Just(Matrix::Refuse), Just(Matrix::Strip), Just(Matrix::Keep)];
    (doubled, matrix, any::<bool>(), any::<bool>()).prop_map(|(doubled, matrix, ignore_case, ignore_trailing_slash)| {
        PathRules { doubled, matrix, ignore_case, ignore_trailing_slash }
    })
}

/// Paths put together from what thieves use.
fn any_path() -> impl Strategy<Value = String> {
    let parts = prop::sample::select(vec![
        "/",
        "/",
        "/",
        "a",
        "users",
        ".",
        "..",
        "%2e",
        "%2E",
        "%252e",
        "%25",
        "25",
        "2e",
        "2F",
        "%2F",
        "%2f",
        "%252F",
        "%5C",
        "\\",
        ";",
        "%3B",
        "x=1",
        "%00",
        "%20",
        " ",
        "%C3%A9",
        "%c0%ae",
        "é",
        "?",
        "#",
        "%",
        "%u002e",
        "32",
        "%65",
        "%EF%BC%8E",
        "*",
        "~",
        "%0a",
    ]);
    prop::collection::vec(parts, 0..10).prop_map(|parts| format!("/{}", parts.concat()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn whatever_is_accepted_every_upstream_reads_as_one_of_the_readings(sent in any_path(), rules in any_rules()) {
        let Ok(target) = Target::read(&sent, &rules) else { return Ok(()) };
        prop_assert_eq!(target.as_sent(), sent.as_str());
        let readings: Vec<Vec<String>> =
            target.readings().iter().map(|reading| reading.iter().map(|s| (*s).to_owned()).collect()).collect();
        let path = target.path();
        let seen = upstream::all(path, &rules);
        for seen in &seen {
            prop_assert!(readings.contains(seen), "`{}` is read as {:?}, not as one of {:?}", sent, seen, readings);
        }
        // However it is read, the pieces between slashes are the same.
        let judged = readings[0].join("/");
        prop_assert_eq!(&judged, &seen[0].join("/"));
    }

    #[test]
    fn no_path_panics(sent in ".*", rules in any_rules()) {
        let _ = Target::read(&sent, &rules).map(|target| target.readings().len());
    }

    #[test]
    fn an_encoded_value_comes_back_as_one_segment(value in "[\\PC&&[^/\\\\;%]]{1,20}") {
        prop_assume!(is_clear(&value, Matrix::Refuse));
        let encoded: String = value.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let segments = read(&format!("/users/{encoded}"), &STRICT).unwrap();
        prop_assert_eq!(segments, vec!["users".to_owned(), value]);
    }
}

//! `greave audit` as somebody uses it: no gate, no state, only files.

use flate2::{Compression, write::GzEncoder};

use super::*;

const KEYS: &str = "\
key,name,holder,kind,owner,mfa,left,can_mint,scopes,created,expires,last_used,status
A-1,month-end,odile,person,,yes,no,yes,admin,2024-02-11,never,2026-11-28,active
A-2,old laptop,tom,person,,no,yes,,\"read, export\",2023-01-20,never,2025-03-02,active
A-3,dashboard,dashboard,service,odile,,,,read,2026-10-01,2027-01-01,2026-11-28,active
A-4,first try,odile,person,,yes,no,yes,read,2022-05-05,2022-08-05,2022-08-01,active
";

fn estate() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("keys.csv"), KEYS).unwrap();
    folder
}

fn audit(folder: &Path, words: &[&str]) -> Ended {
    let words: Vec<&str> = ["audit", "--as-of", "2026-11-29"].iter().chain(words).copied().collect();
    run(folder, &words, "")
}

#[test]
fn the_page_is_one_that_somebody_can_act_upon() {
    let folder = estate();
    let told = audit(folder.path(), &["keys.csv"]);
    assert_eq!((told.code, told.err.as_str()), (1, ""));
    insta::assert_snapshot!("estate", told.out);
    insta::assert_snapshot!("estate_markdown", audit(folder.path(), &["keys.csv", "--format", "markdown"]).out);
    insta::assert_snapshot!("estate_csv", audit(folder.path(), &["keys.csv", "--format", "csv"]).out);
    let json: Value = serde_json::from_str(&audit(folder.path(), &["keys.csv", "--json"]).out).unwrap();
    let some = serde_json::json!({
        "figures": json["figures"], "account": json["accounts"][0], "key": json["keys"][0], "finding": json["findings"][0],
    });
    insta::assert_snapshot!("estate_json", serde_json::to_string_pretty(&some).unwrap());
}

#[test]
fn the_help_teaches() {
    let told = run(tempfile::tempdir().unwrap().path(), &["audit", "--help"], "");
    insta::assert_snapshot!("help", told.out);
}

#[test]
fn two_lists_say_the_same_in_columns_of_their_own() {
    let folder = estate();
    fs::write(folder.path().join("hr.csv"), "Login,Gone,holder\nodile,yes,Paris\ntom,yes,Rome\n").unwrap();
    let maps = ["--map", "hr.csv:holder=Login", "--map", "hr.csv:left=Gone", "--map", "key=key"];
    let json = audit(folder.path(), &[&["keys.csv", "hr.csv", "--json", "--fail-on", "never"], &maps[..]].concat());
    let json: Value = serde_json::from_str(&json.out).unwrap();
    let names: Vec<&str> = json["accounts"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"odile") && !names.contains(&"Paris"), "{names:?}");
    let strange = audit(folder.path(), &["keys.csv", "--map", "hr.csv:holder=Login"]);
    strange.says(2, &["`hr.csv` in --map names no input"]);
}

#[test]
fn the_example_of_the_readme_is_read() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let told = audit(&root, &["examples/estate"]);
    told.says(1, &[" keys work. ", "Close these first", "L-03 (old laptop) of tom, no 2FA", "Mend: "]);
    assert!(!told.out.contains("not read:"), "{}", told.out);
}

#[test]
fn what_cannot_be_read_is_named_and_the_rest_goes_on() {
    let folder = estate();
    fs::write(folder.path().join("cut.json"), "{\"secret\": \"hunter2\",\n \"cut").unwrap();
    fs::write(folder.path().join("serials.csv"), "Serial,Contact of the token\n1,ann\n").unwrap();
    fs::write(folder.path().join("bad.csv"), "key,created,mfa\na,03/04/2026,yes\nb,2026-01-01,perhaps\n").unwrap();
    fs::write(folder.path().join("nothing.csv"), "").unwrap();
    let told = audit(folder.path(), &["keys.csv", "cut.json", "serials.csv", "bad.csv", "nothing.csv", "missing.csv"]);
    assert_eq!(told.code, 1);
    let read: String = told.out.split_inclusive("\nRead as of").nth(1).unwrap().to_owned();
    insta::assert_snapshot!("troubles", read);
    assert!(!told.out.contains("hunter2") && !told.err.contains("hunter2"));
    let told = audit(folder.path(), &["cut.json", "--fail-on", "never"]);
    told.says(2, &["cut.json:2", "nothing could be read"]);
    assert!(told.out.is_empty() && !told.err.contains("hunter2"));
}

#[test]
fn the_exit_code_says_whether_something_is_to_be_mended() {
    let folder = estate();
    fs::write(
        folder.path().join("calm.csv"),
        "key,holder,kind,mfa,scopes,created,expires,last_used,status\nk,ann,person,yes,read,2026-11-01,2026-12-31,2026-11-28,active\n",
    )
    .unwrap();
    let code = |words: &[&str]| audit(folder.path(), words).code;
    assert_eq!(code(&["keys.csv"]), 1);
    assert_eq!(code(&["keys.csv", "--fail-on", "critical"]), 1);
    assert_eq!(code(&["keys.csv", "--fail-on", "never"]), 0);
    assert_eq!(code(&["calm.csv", "--fail-on", "info"]), 0);
    assert_eq!(code(&["calm.csv", "missing.csv", "--fail-on", "never"]), 1, "what was not read is to be looked at");
    audit(folder.path(), &["keys.csv", "--format", "pdf"]).says(2, &["invalid value 'pdf' for", "terminal, json"]);
    audit(folder.path(), &["keys.csv", "--map", "colour=x"]).says(2, &["`colour`", "holder"]);
    audit(folder.path(), &["keys.csv", "--fail-on", "bad"]).says(2, &["info, warning, high, critical"]);
    audit(folder.path(), &[]).says(2, &["<INPUT>"]);
}

#[test]
fn what_is_accepted_does_not_count_until_its_day_and_is_named_then() {
    let folder = estate();
    let accept = |rule: &str, until: &str| {
        format!("[[accept]]\nrule = \"{rule}\"\nsubject = \"*\"\nreason = \"moves in spring\"\nuntil = \"{until}\"\n")
    };
    let baseline = folder.path().join("accepted.toml");
    fs::write(&baseline, accept("*", "2027-03-31")).unwrap();
    audit(folder.path(), &["keys.csv", "--baseline", "accepted.toml"]).says(0, &["more are accepted in the baseline"]);
    let later = run(folder.path(), &["audit", "keys.csv", "--baseline", "accepted.toml", "--as-of", "2027-03-31"], "");
    later.says(1, &["baseline: `*` of `*` was accepted until 2027-03-31; mend it, or accept it anew"]);
    fs::write(&baseline, accept("shared-key", "2027-03-31")).unwrap();
    let told = audit(folder.path(), &["keys.csv", "--baseline", "accepted.toml", "--json"]);
    told.says(1, &["is not found any more; take the entry out"]);
    let json: Value = serde_json::from_str(&told.out).unwrap();
    assert_eq!(json["baseline"].as_array().unwrap().len(), 1);
    fs::write(&baseline, "[[accept]]\nrule = \"*\"\nsubject = \"*\"\nuntil = \"2027-03-31\"\n").unwrap();
    audit(folder.path(), &["keys.csv", "--baseline", "accepted.toml"]).says(2, &["accepted.toml", "reason"]);
}

#[test]
fn inputs_come_from_anywhere() {
    let folder = estate();
    let plain = audit(folder.path(), &["keys.csv", "--json"]).out;
    let same = |told: Ended| {
        let keys = |text: &str| serde_json::from_str::<Value>(text).unwrap()["figures"].clone();
        assert_eq!(keys(&told.out), keys(&plain), "{}", told.err);
    };
    same(run(folder.path(), &["audit", "-", "--as-of", "2026-11-29", "--json"], KEYS));
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(KEYS.as_bytes()).unwrap();
    fs::create_dir_all(folder.path().join("deep/er")).unwrap();
    fs::write(folder.path().join("deep/er/keys.csv.gz"), gzip.finish().unwrap()).unwrap();
    fs::write(folder.path().join("deep/readme.md"), "left alone").unwrap();
    fs::write(folder.path().join("deep/.hidden.csv"), "key,holder\nno,no\n").unwrap();
    std::os::unix::fs::symlink("..", folder.path().join("deep/up")).unwrap();
    same(audit(folder.path(), &["deep", "--json"]));
}

#[test]
fn colours_are_for_terminals_alone() {
    let folder = estate();
    assert!(!audit(folder.path(), &["keys.csv"]).out.contains('\u{1b}'));
    let coloured = |variable: &str| {
        let mut command = greave(folder.path(), &["audit", "keys.csv", "--as-of", "2026-11-29"]);
        let ended: Ended = command.env("CLICOLOR_FORCE", "1").env(variable, "1").output().unwrap().into();
        ended.out.contains('\u{1b}')
    };
    assert!(coloured("ANY"));
    assert!(!coloured("NO_COLOR"));
}

//! The demo as somebody runs it who has nothing but the binary.

#![expect(clippy::unwrap_used, clippy::panic, reason = "what panics here is a failed test")]

use std::{
    io::{BufRead as _, BufReader, Read as _},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

/// A demo that takes longer hangs. Undisturbed it takes less than a second.
const PATIENCE: Duration = Duration::from_secs(120);

/// Starts the demo; whatever it writes goes below this folder.
fn start(folder: &Path, arguments: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_greave"))
        .arg("demo")
        .args(arguments)
        .env("TMPDIR", folder)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Waits for the end; a demo that hangs is killed.
fn end(demo: &mut Child) -> ExitStatus {
    let begun = Instant::now();
    loop {
        if let Some(status) = demo.try_wait().unwrap() {
            return status;
        }
        if begun.elapsed() > PATIENCE {
            demo.kill().unwrap();
            panic!("the demo hangs");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn is_empty(folder: &Path) -> bool {
    folder.read_dir().unwrap().next().is_none()
}

#[test]
fn the_scene_comes_out_as_told_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let mut demo = start(folder.path(), &["--no-wait"]);
    let mut stdout = demo.stdout.take().unwrap();
    let reader = std::thread::spawn(move || {
        let mut text = String::new();
        stdout.read_to_string(&mut text).unwrap();
        text
    });
    let status = end(&mut demo);
    let told = reader.join().unwrap();
    let mut errors = String::new();
    demo.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
    assert_eq!(status.code(), Some(0), "{told}\n{errors}");
    assert_eq!(errors, "", "nothing disturbs the scene");

    let lines: Vec<&str> = told.lines().collect();
    let before = lines.iter().position(|line| line.contains("BEFORE")).unwrap();
    let after = lines.iter().position(|line| line.contains("AFTER")).unwrap();
    for request in ["DELETE /v1/users/odile/two-factor", "POST /v1/keys", "GET /v1/invoices/export"] {
        let answered = |lines: &[&str], status: &str| {
            lines.iter().any(|line| line.trim().starts_with(request) && line.contains(status))
        };
        assert!(answered(&lines[before..after], " 20"), "{request} passes before: {told}");
        assert!(answered(&lines[after..], "401"), "{request} is asked about after: {told}");
    }
    let unbroken = told.split_whitespace().collect::<Vec<_>>().join(" ");
    for sentence in [
        "password: a code is needed",
        "the password alone: welcome",
        "✓ Odile's 2FA is on",
        "greave approve c4 --as odile",
        "4,127 rows, same request",
        "went on by itself",
        "greave deny c1 --not-me",
        "the key is disabled",
        "; 0 failed;",
        "the ledger's chain holds",
    ] {
        assert!(unbroken.contains(sentence), "{sentence} in: {told}");
    }
    assert!(!told.contains('✗') && !told.contains('\u{1b}'), "{told}");
    assert!(lines.iter().all(|line| line.chars().count() < 80), "{told}");
    assert!(is_empty(folder.path()));
}

#[test]
fn whoever_ends_it_early_finds_nothing_left() {
    let folder = tempfile::tempdir().unwrap();
    let mut demo = start(folder.path(), &[]);
    let mut stdout = BufReader::new(demo.stdout.take().unwrap());
    let mut first = String::new();
    while first.trim().is_empty() {
        assert_ne!(stdout.read_line(&mut first).unwrap(), 0, "the demo says something");
    }
    assert!(!is_empty(folder.path()), "the folder is made before the scene begins");
    let signalled = Command::new("kill").args(["-INT", &demo.id().to_string()]).status().unwrap();
    assert!(signalled.success());
    assert_eq!(end(&mut demo).code(), Some(0));
    assert!(is_empty(folder.path()));
}

//! The workshop: what a change must pass, in one command.

mod arrows;

use std::{
    env,
    process::{Command, ExitCode},
};

const HELP: &str = "\
cargo xtask check     format, clippy, tests, licences and bans, the arrows between rooms
cargo xtask lint      the same without the tests
cargo xtask arrows    only the arrows
cargo xtask e2e       the gate before real programs, installed into a scratch folder
cargo xtask fuzz N    every fuzz target for N seconds each
cargo xtask bench     the gate beside other proxies, in one interleaved run
";

fn main() -> ExitCode {
    let mut words = env::args().skip(1);
    let done = match (words.next().as_deref(), words.next()) {
        (Some("check"), None) => lint().and_then(|()| run("cargo", &["test", "--workspace"])),
        (Some("lint"), None) => lint(),
        (Some("arrows"), None) => arrows::check(),
        (Some("e2e"), None) => run("bash", &["e2e/run.sh"]),
        (Some("fuzz"), Some(seconds)) => run("bash", &["fuzz/run.sh", &seconds]),
        (Some("bench"), None) => run("bash", &["bench/run.sh"]),
        _ => Err(HELP.to_owned()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn lint() -> Result<(), String> {
    run("cargo", &["fmt", "--all", "--check"])?;
    arrows::check()?;
    run("cargo", &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])?;
    // The fuzz targets are a workspace of their own, which nothing above compiles.
    run("cargo", &["check", "--manifest-path", "fuzz/Cargo.toml"])?;
    run("cargo", &["deny", "check", "bans", "licenses", "sources"])
}

fn run(program: &str, arguments: &[&str]) -> Result<(), String> {
    let spoken = format!("{program} {}", arguments.join(" "));
    eprintln!("> {spoken}");
    match Command::new(program).args(arguments).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{spoken}` failed: {status}")),
        Err(error) => Err(format!("`{spoken}` cannot be run: {error}")),
    }
}

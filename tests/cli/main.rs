//! The real binary: help, flags, exit codes, what goes where.

use std::io::pipe;
use std::process::{Command as StdCommand, Output, Stdio};

use assert_cmd::Command;
use assert_cmd::cargo::cargo_bin_cmd;

mod docs;
mod explain;
#[path = "../support/json_doc.rs"]
mod json_doc;
mod night;

/// The program in an environment that does not depend on who runs the tests.
fn nightbill(arguments: &str) -> Command {
    let mut command = cargo_bin_cmd!("nightbill");
    command
        .args(arguments.split_whitespace())
        .env("COLUMNS", "100")
        .env("LC_ALL", "C")
        .env_remove("NO_COLOR")
        .env_remove("RUST_BACKTRACE");
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("nightbill prints UTF-8")
}

/// Runs it and checks the exit code.
fn run(arguments: &str, exit_code: i32) -> Output {
    let output = nightbill(arguments).output().expect("the binary starts");
    assert_eq!(
        output.status.code(),
        Some(exit_code),
        "nightbill {arguments}\n{}{}",
        text(&output.stdout),
        text(&output.stderr)
    );
    output
}

fn stdout(arguments: &str) -> String {
    text(&run(arguments, 0).stdout)
}

fn stderr_of_failure(arguments: &str, exit_code: i32) -> String {
    let output = run(arguments, exit_code);
    assert_eq!(
        text(&output.stdout),
        "",
        "nightbill {arguments}: a failure prints nothing on stdout"
    );
    text(&output.stderr)
}

/// Standard error as JSON, line by line.
fn json_lines(stderr: &[u8]) -> Vec<serde_json::Value> {
    text(stderr)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("not JSON: {error}: {line}")))
        .collect()
}

#[test]
fn help() {
    insta::assert_snapshot!("help_short", stdout("-h"));
    insta::assert_snapshot!("help_long", stdout("--help"));
}

#[test]
fn help_of_each_command() {
    for command in [
        "settle",
        "check",
        "verify",
        "explain",
        "timeline",
        "schema",
        "sample",
        "compact",
        "completions",
    ] {
        let shown = stdout(&format!("{command} --help"));
        assert!(shown.contains("\nExamples:\n"), "{command} shows no examples");
        insta::assert_snapshot!(format!("help_{command}"), shown);
    }
}

#[test]
fn help_hides_what_does_not_exist_yet() {
    let shown = format!("{}{}", stdout("--help"), stdout("settle --help"));
    for hidden in [
        "reconcile",
        "simulate",
        "export",
        "plan",
        "status",
        "--correct-from",
        "--accounts ",
    ] {
        assert!(!shown.contains(hidden), "{hidden} is in the help");
    }
    for later in ["reconcile", "simulate", "export", "plan", "status"] {
        let said = stderr_of_failure(later, 2);
        assert!(said.starts_with("error: unrecognized subcommand"), "{said}");
    }
}

#[test]
fn version_names_the_time_zone_data() {
    let version = stdout("--version");
    let expected = format!(
        "nightbill {} (tzdata {})\n",
        env!("CARGO_PKG_VERSION"),
        chrono_tz::IANA_TZDB_VERSION
    );
    assert_eq!(version, expected);
}

#[test]
fn mistakes_in_arguments_end_with_2() {
    let cases = "
        settle
        settle job.toml --day 2024-13-01
        settle job.toml --from 2024-10-12
        settle job.toml --day 2024-10-12 --from 2024-10-12 --to 2024-10-13
        settle job.toml --from 2024-10-14 --to 2024-10-12
        settle job.toml --set timezone
        settle job.toml --threads 0
        settle job.toml --correct-from 2024-10-12
        settle job.toml --accounts 1,2
        schema invoices
        sample out --timezone Mars/Olympus
        --output yaml schema";
    let shown: Vec<String> = cases
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(|arguments| format!("$ nightbill {arguments}\n{}", stderr_of_failure(arguments, 2)))
        .collect();
    insta::assert_snapshot!(shown.join("\n"));
}

#[test]
fn no_arguments_show_the_help_and_end_with_2() {
    let said = stderr_of_failure("", 2);
    assert!(said.contains("Usage: nightbill"), "{said}");
}

#[test]
fn failures_are_documents_too() {
    let output = run("settle job.toml --correct-from 2024-10-12 --output json", 2);
    json_doc::check("settle, failed", &text(&output.stdout));
    assert!(text(&output.stderr).starts_with("error: --correct-from is not available"));
}

#[test]
fn what_prints_no_document() {
    for (plain, exit_code) in [("completions bash", 0), ("--help", 0), ("--version", 0), ("settle", 2)] {
        let json = run(&format!("--output json {plain}"), exit_code);
        let text_only = run(plain, exit_code);
        assert_eq!(text(&json.stdout), text(&text_only.stdout), "{plain}");
        assert_eq!(json.stdout.is_empty(), exit_code == 2, "{plain}");
    }
}

#[test]
fn examples_in_the_documentation_are_as_documented() {
    assert!(json_doc::check_examples() > 0, "docs/json-output.md has examples");
}

#[test]
fn colours_where_asked_for() {
    let coloured = |choice: &str, no_color: &str| {
        let output = nightbill(&format!("{choice} settle job.toml --accounts 1"))
            .env("NO_COLOR", no_color)
            .output()
            .expect("the binary starts");
        text(&output.stderr).contains('\u{1b}')
    };
    assert!(!coloured("", ""), "stderr is no terminal here");
    assert!(coloured("--color always", ""));
    assert!(coloured("--color always", "1"), "an explicit choice outranks NO_COLOR");
    assert!(!coloured("--color never", ""));
}

#[test]
fn logs_as_json() {
    let output = run(
        "--log-format json --log-level info settle job.toml --correct-from 2024-10-12",
        2,
    );
    let events = json_lines(&output.stderr);
    let messages: Vec<&str> = events.iter().filter_map(|event| event["message"].as_str()).collect();
    assert_eq!(
        messages,
        [
            "run begins",
            "--correct-from is not available in this version",
            "run ends"
        ]
    );
    assert_eq!(events[0]["command"], "settle");
    assert_eq!(events[1]["level"], "ERROR");
    assert_eq!(events[2]["exit_code"], 2);
}

#[test]
fn logs_are_silent_by_default() {
    assert_eq!(text(&run("completions bash", 0).stderr), "");
}

#[test]
fn completions_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = stdout(&format!("completions {shell}"));
        for word in ["settle", "check", "sample", "rejects-out"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
}

/// `nightbill … | head -0`: the reader has gone before the first byte.
#[test]
fn a_closed_pipe_ends_quietly() {
    for arguments in [
        &["completions", "bash"][..],
        &["schema"],
        &["--help"],
        &["--version"],
        &["settle", "--help"],
    ] {
        let (reader, writer) = pipe().expect("a pipe");
        drop(reader);
        let output = StdCommand::new(env!("CARGO_BIN_EXE_nightbill"))
            .args(arguments)
            .stdout(Stdio::from(writer))
            .stderr(Stdio::piped())
            .output()
            .expect("the binary starts");
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", text(&output.stderr));
        assert_eq!(text(&output.stderr), "", "{arguments:?}");
    }
}

#[test]
fn schema_shows_every_table() {
    insta::assert_snapshot!("schema", stdout("schema"));
    json_doc::check("schema", &stdout("schema --output json"));
    let one = stdout("schema bills");
    assert!(one.starts_with("bills ") && !one.contains("bill_lines"), "{one}");
}

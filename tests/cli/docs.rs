//! The documents show what the commands print: their blocks are run again. `UPDATE_EXPECT=1` writes them anew.

use std::path::Path;

use super::explain::by_day;
use super::*;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const BLOCK: &str = "```console\n$ ";
/// A line that stands for those that a block leaves out.
const LEFT_OUT: &str = "…";

/// A command, and what a block shows of it.
struct Block<'a> {
    command: &'a str,
    shown: &'a str,
}

fn blocks(document: &str) -> Vec<Block<'_>> {
    let block = |text| {
        let (command, rest): (&str, &str) = str::split_once(text, '\n').expect("a line with a command");
        let (shown, _) = rest.split_once("```").expect("a block ends");
        Block { command, shown }
    };
    document.split(BLOCK).skip(1).map(block).collect()
}

/// Runs the nightbill commands of a document as its reader does, in a directory, and compares what those that `tell` print.
/// Others print seconds, and are run for what they leave to the next ones.
fn check(document: &str, directory: &Path, more_arguments: &str, tell: &[&str], run: &[&str]) {
    let path = Path::new(ROOT).join(document);
    let before = std::fs::read_to_string(&path).expect("the document");
    let mut now = before.clone();
    let mut compared = 0;
    for Block { command, shown } in blocks(&before) {
        let Some((_, arguments)) = command
            .split_once("nightbill ")
            .filter(|(program, _)| !program.contains(' '))
        else {
            continue;
        };
        let name = arguments.split(' ').next().unwrap_or_default();
        if !tell.contains(&name) && !run.contains(&name) {
            continue;
        }
        let output = nightbill(&format!("{arguments} {more_arguments}"))
            .current_dir(directory)
            .env("LC_ALL", "C.UTF-8")
            .env_remove("COLUMNS")
            .output()
            .expect("the binary starts");
        assert!(output.status.success(), "{command}: {}", text(&output.stderr));
        if !tell.contains(&name) {
            assert_eq!(
                shown.trim().is_empty(),
                output.stdout.is_empty(),
                "{document}: {command}"
            );
            continue;
        }
        let printed = left_out_as_in(shown, text(&output.stdout).trim_end());
        now = now.replacen(
            &format!("{BLOCK}{command}\n{shown}"),
            &format!("{BLOCK}{command}\n{printed}"),
            1,
        );
        compared += 1;
    }
    assert!(compared > 0, "{document} shows {tell:?}");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, now).expect("writes the document");
    } else {
        compare(document, &before, &now);
    }
}

/// What was printed, without the lines that a block leaves out.
fn left_out_as_in(shown: &str, printed: &str) -> String {
    let mut lines: Vec<&str> = printed.lines().collect();
    let shown: Vec<&str> = shown.lines().collect();
    if let Some(begin) = shown.iter().position(|line| *line == LEFT_OUT) {
        let end = shown.len() - begin - 1;
        assert!(begin + end < lines.len(), "nothing is left out of {printed}");
        lines.splice(begin..lines.len() - end, [LEFT_OUT]);
    }
    lines.join("\n") + "\n"
}

/// Fails at the first line that differs.
fn compare(document: &str, before: &str, now: &str) {
    let differing = before
        .lines()
        .zip(now.lines())
        .enumerate()
        .find(|(_, (one, other))| one != other);
    if let Some((line, (shown, printed))) = differing {
        panic!(
            "{document}:{}: it shows\n{shown}\nbut nightbill prints\n{printed}\n(UPDATE_EXPECT=1 writes it anew)",
            line + 1
        );
    }
    assert_eq!(
        before.lines().count(),
        now.lines().count(),
        "{document}: UPDATE_EXPECT=1 writes it anew"
    );
}

#[test]
fn explanations_are_as_documented() {
    let output = format!("--set output=file://{}", by_day().display());
    for document in ["docs/explain.md", "README.md"] {
        check(document, Path::new(ROOT), &output, &["explain"], &[]);
    }
}

/// A quarter of the sample: every state that an account can have.
#[test]
fn the_quarter_is_as_documented() {
    let directory = tempfile::TempDir::new().expect("a temporary directory");
    check(
        "docs/timeline.md",
        directory.path(),
        "",
        &["sample", "explain", "timeline"],
        &["settle", "verify"],
    );
}

//! `compact` on the real binary: what it says, a night settled from its files, and what a killed run leaves.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::error;
use super::world::World;
use crate::parquet_rows::visit;

const DAY: &str = "2024-10-12";
const TO: [&str; 6] = ["compact", "job.toml", "--day", DAY, "--to", "rewritten"];

/// A day in two files, one row of it bad.
fn two_files(world: &World) {
    let at = ["2024-10-12T12:00:00+08:00", "2024-10-12T13:00:00+08:00"];
    world.usage(DAY, "a.parquet", &[(at[1], 7, 70, "av", 3_600, Some(921_600))]);
    world.usage(
        DAY,
        "b.parquet",
        &[(at[0], 7, 70, "av", 60, None), (at[0], 7, 70, "av", 0, None)],
    );
}

fn names_below(path: &Path) -> Vec<String> {
    let mut names = Vec::new();
    if path.exists() {
        visit(path, &mut |file| {
            names.push(file.file_name().unwrap().to_string_lossy().into_owned());
        });
    }
    names.sort();
    names
}

#[test]
fn a_night_settled_from_rewritten_files_posts_the_same_tables() {
    let world = World::new();
    two_files(&world);
    world.replace("job.toml", "billing_time", "max_rejected_rows = 1\nbilling_time");
    let said = world.run(&TO);
    assert_eq!(said.code, 0, "{}", said.stderr);
    let text: Vec<&str> = said
        .stdout
        .lines()
        .filter(|line| {
            ["took", "peak", "before", "now"]
                .iter()
                .all(|word| !line.trim_start().starts_with(word))
        })
        .collect();
    insta::assert_snapshot!(text.join("\n"));
    assert_eq!(names_below(&world.path("rewritten")), ["part-0.parquet"]);
    assert_eq!(names_below(&world.path("usage")), ["a.parquet", "b.parquet"]);
    world.settled(DAY);
    let posted = world.table_files();
    fs::remove_dir_all(world.path("out")).unwrap();
    let said = world.settle(&["--day", DAY, "--set", "inputs.usage.url=file:rewritten"]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    let mut again = world.table_files();
    // Rejects name the file and row that they are in.
    let rejects = format!("rejects/batch={DAY}.00/part-0.parquet");
    assert_ne!(again.insert(rejects.clone(), posted[&rejects].clone()), None);
    assert_eq!(again, posted);
}

#[test]
fn the_document_counts_what_was_rewritten() {
    let world = World::new();
    two_files(&world);
    let said = world.run(&[&TO[..], &["--output", "json"]].concat());
    let document: Value = serde_json::from_str(&said.stdout).unwrap();
    let of = |path: &str| document.pointer(path).unwrap().clone();
    assert_eq!(
        (
            of("/rows"),
            of("/seconds"),
            of("/rejected"),
            of("/groups"),
            of("/files_before")
        ),
        (
            3.into(),
            3_660.into(),
            serde_json::json!({ "bad_seconds": 1 }),
            2.into(),
            2.into()
        )
    );
    assert_eq!(of("/files/0/path"), format!("date={DAY}/part-0.parquet"));
    assert_eq!(of("/files/0/rows"), 3);
    assert_eq!(of("/files/0/bytes"), of("/bytes"));
}

#[test]
fn mistakes_exit_2_and_missing_days_3() {
    let world = World::new();
    two_files(&world);
    let cases: [(&[&str], i32, &str); 5] = [
        (
            &["--day", DAY, "--to", "usage"],
            2,
            "cannot rewrite 2024-10-12: file://DIR/usage/ and inputs.usage of the job lie in one another: name a directory \
             of its own, nothing is rewritten in place",
        ),
        (
            &["--day", DAY, "--to", "x/../out/.."],
            2,
            "cannot rewrite 2024-10-12: file://DIR/ and inputs.usage of the job lie in one another: name a directory of \
             its own, nothing is rewritten in place",
        ),
        (
            &["--day", DAY, "--to", "ftp://key:secret@host/x"],
            2,
            "--to: expected a path, or a file:, s3://, gs:// or az:// URL without credentials or query",
        ),
        (
            &["--day", "2024-10-13", "--to", "rewritten"],
            3,
            "cannot rewrite 2024-10-13: no usage files in date=2024-10-13 under file://DIR/usage: there is nothing to rewrite",
        ),
        (
            &["--day", DAY, "--to", "rewritten", "--temp-dir", "none"],
            5,
            "cannot rewrite 2024-10-12: none/nightbill-compact-PID-0: No such file or directory (os error 2)",
        ),
    ];
    for (arguments, code, expected) in cases {
        let said = world.run(&[&["compact", "job.toml"], arguments].concat());
        assert_eq!(said.code, code, "{arguments:?}: {}", said.stderr);
        let found = error(&said);
        let pid = found.find("compact-").map_or(0, |at| at + "compact-".len());
        let digits: String = found[pid..].chars().take_while(char::is_ascii_digit).collect();
        let found = if digits.is_empty() {
            found
        } else {
            found.replacen(&digits, "PID", 1)
        };
        assert_eq!(found, format!("error: {expected}"), "{arguments:?}");
        assert!(names_below(&world.path("rewritten")).is_empty(), "{arguments:?}");
    }
}

/// A run that is stopped leaves the mark that it begins with: nobody bills what is there.
#[test]
fn a_partition_that_is_not_written_to_the_end_is_not_settled() {
    let world = World::new();
    two_files(&world);
    world.replace("job.toml", "billing_time", "max_rejected_rows = 1\nbilling_time");
    assert_eq!(world.run(&TO).code, 0);
    world.write(&format!("rewritten/date={DAY}/_incomplete"), "");
    let from = [
        "--day",
        DAY,
        "--accept-thin-day",
        "--set",
        "inputs.usage.url=file:rewritten",
    ];
    let said = world.settle(&from);
    assert_eq!(said.code, 3);
    assert_eq!(
        error(&said),
        "error: cannot settle 2024-10-12: date=2024-10-12 under file://DIR/rewritten is incomplete: `nightbill compact` is \
         writing it, or was stopped; wait for it, or delete that partition and write it again"
    );
    let said = world.run(&TO);
    assert_eq!(
        (said.code, said.stderr.contains("is there already")),
        (2, true),
        "{}",
        said.stderr
    );
    fs::remove_dir_all(world.path("rewritten")).unwrap();
    assert_eq!(world.run(&TO).code, 0);
    assert_eq!(world.settle(&from).code, 0);
}

/// Killed at any time: the partition is not there, or it is marked, or it is whole.
#[test]
fn a_killed_run_leaves_nothing_that_looks_complete() {
    let world = World::new();
    let sample = world.path("sample");
    let made = world.run(&["sample", "sample", "--rows", "300_000", "--accounts", "50"]);
    assert_eq!(made.code, 0, "{}", made.stderr);
    let mut seen = [0; 3];
    for step in 0..24 {
        let target = world.path(&format!("killed-{step}"));
        let mut run = Command::new(assert_cmd::cargo::cargo_bin("nightbill"))
            .args([
                "compact",
                "job.toml",
                "--day",
                "2024-10-11",
                "--memory",
                "16",
                "--temp-dir",
            ])
            .arg(world.path(""))
            .arg("--to")
            .arg(&target)
            .current_dir(&sample)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(step * 40));
        run.kill().unwrap();
        let ended = run.wait().unwrap();
        let names = names_below(&target);
        let state = match names.as_slice() {
            [] => 0,
            names if names.iter().any(|name| name == "_incomplete") => 1,
            names => {
                assert_eq!(names, ["part-0.parquet"]);
                2
            }
        };
        seen[state] += 1;
        assert!(!ended.success() || state == 2, "a run that ends well is whole");
        if state == 2 {
            // Whole, whether the run came to say so or not.
            let out = world.path(&format!("settled-{step}")).display().to_string();
            let said = world.run(&[
                "settle",
                "sample/job.toml",
                "--day",
                "2024-10-11",
                "--output",
                "json",
                "--set",
                &format!("output=file:{out}"),
                "--set",
                &format!("inputs.usage.url=file:{}", target.display()),
            ]);
            let document: Value = serde_json::from_str(&said.stdout).unwrap();
            assert_eq!(
                document.pointer("/days/0/totals/rows"),
                Some(&Value::from(300_000)),
                "{}",
                said.stderr
            );
            break;
        }
    }
    assert!(seen[0] > 0, "killed before it wrote anything: {seen:?}");
}

/// Sorting takes no more memory for more rows: what does not fit goes to the temporary directory.
#[test]
fn memory_does_not_grow_with_the_day() {
    let world = World::new();
    let peak = |rows: &str| -> u64 {
        let name = format!("sample-{rows}");
        assert_eq!(
            world.run(&["sample", &name, "--rows", rows, "--accounts", "50"]).code,
            0
        );
        let said = world.run(&[
            "compact",
            &format!("{name}/job.toml"),
            "--day",
            "2024-10-11",
            "--to",
            &format!("to-{rows}"),
            "--memory",
            "16",
            "--threads",
            "2",
            "--output",
            "json",
        ]);
        let document: Value = serde_json::from_str(&said.stdout).unwrap();
        let rows = document.pointer("/rows").unwrap().as_u64().unwrap();
        assert!(rows >= 200_000, "{rows}");
        document.pointer("/peak_memory_bytes").unwrap().as_u64().unwrap()
    };
    let (small, large) = (peak("1200000"), peak("4800000"));
    // The larger one has four times the rows, some 300 MB of them.
    assert!(large < small + (60 << 20), "{small} bytes, then {large}");
    assert!(large < 300 << 20, "{large} bytes");
}

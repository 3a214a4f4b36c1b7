//! The commands on the job and the sample data that ship with nightbill.

use std::path::Path;

use tempfile::TempDir;

use super::*;

const JOB: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/jobs/nightly.toml");

/// A ledger of its own for one test.
struct Night {
    output: TempDir,
}

impl Night {
    fn new() -> Self {
        Self {
            output: TempDir::new().expect("a temporary directory"),
        }
    }

    fn arguments(&self, arguments: &str) -> String {
        let output = self.output.path().display();
        format!("settle {JOB} --set output=file://{output} {arguments}")
    }

    fn settle(&self, arguments: &str) -> String {
        stdout(&self.arguments(arguments))
    }

    fn fails(&self, arguments: &str, exit_code: i32) -> String {
        stderr_of_failure(&self.arguments(arguments), exit_code)
    }
}

/// Snapshots without what differs from run to run and from machine to machine.
fn snapshot(name: &str, night: Option<&Night>, shown: &str) {
    let mut settings = insta::Settings::clone_current();
    if let Some(night) = night {
        settings.add_filter(&night.output.path().display().to_string(), "[output]");
    }
    settings.add_filter(env!("CARGO_MANIFEST_DIR"), "[repository]");
    settings.add_filter(r"(stages +).*", "$1[times]");
    settings.add_filter(r"(peak memory +).*", "$1[memory]");
    // As wide as the widest path.
    settings.add_filter(r"[-─]{40,}", "[rule]");
    settings.add_filter(r"by the clock it is \S+", "by the clock it is [now]");
    settings.add_filter(r"of list `list` on \d{4}-\d\d-\d\d", "of list `list` on [today]");
    settings.bind(|| insta::assert_snapshot!(name, shown));
}

#[test]
fn check_says_what_it_understood() {
    snapshot("night_check", None, &stdout(&format!("check {JOB}")));
    json_doc::check("check", &stdout(&format!("check {JOB} --output json")));
}

#[test]
fn a_night_is_settled_once() {
    let night = Night::new();
    snapshot("night_first", Some(&night), &night.settle("--day 2024-10-11"));
    snapshot("night_again", Some(&night), &night.settle("--day 2024-10-11"));
    let json = night.settle("--day 2024-10-11 --output json");
    json_doc::check("settle", &json);
    let document: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(document["days"][0]["outcome"], "unchanged");
}

#[test]
fn several_nights_have_a_row_each() {
    let night = Night::new();
    snapshot(
        "night_several",
        Some(&night),
        &night.settle("--from 2024-10-11 --to 2024-10-14"),
    );
}

#[test]
fn the_document_of_a_night_is_as_documented() {
    let night = Night::new();
    let json = night.settle("--day 2024-10-11 --output json");
    json_doc::check("settle", &json);
    let document: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(document["days"][0]["outcome"], "posted");
    assert_ne!(document["days"][0]["totals"]["rows"], 0);
}

#[test]
fn the_laws_of_settled_nights_hold() {
    let night = Night::new();
    night.settle("--from 2024-10-11 --to 2024-10-12 --quiet");
    let output = night.output.path().display();
    snapshot("night_verify", Some(&night), &stdout(&format!("verify {output} --all")));
    let json = stdout(&format!("verify {JOB} --set output=file://{output} --output json"));
    json_doc::check("verify", &json);
    let document: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(document["holds"], true);
    assert_eq!(document["batches"], serde_json::json!(["2024-10-12.00"]));
}

/// Another night's bills in place of this one's.
#[test]
fn a_broken_law_ends_with_1_and_is_one_document() {
    let (night, other) = (Night::new(), Night::new());
    night.settle("--day 2024-10-11 --quiet");
    other.settle("--day 2024-10-12 --quiet");
    let bills = |night: &Night, day: &str| {
        let batch = night.output.path().join(format!("bills/batch={day}.00"));
        let part = std::fs::read_dir(batch).expect("a batch").next().expect("a part");
        part.expect("an entry").path()
    };
    std::fs::copy(bills(&other, "2024-10-12"), bills(&night, "2024-10-11")).expect("copies");
    let output = run(&format!("verify {} --output json", night.output.path().display()), 1);
    let json = text(&output.stdout);
    json_doc::check("verify", &json);
    let document: serde_json::Value = serde_json::from_str(&json).expect("one JSON document");
    assert_eq!(document["holds"], false);
    assert!(text(&output.stderr).starts_with("error: the ledger breaks its own laws"));
}

#[test]
fn quiet_prints_nothing() {
    let night = Night::new();
    assert_eq!(night.settle("--day 2024-10-11 --quiet"), "");
}

#[test]
fn days_that_cannot_be_settled() {
    let night = Night::new();
    let no_day = night.fails("", 2);
    let not_over = night.fails("--day 2900-01-01", 2);
    let no_partition = night.fails("--day 2024-01-01", 3);
    night.settle("--day 2024-10-11 --quiet");
    let gap = night.fails("--day 2024-10-13", 2);
    let before_the_first = night.fails("--day 2024-10-10", 2);
    snapshot(
        "night_refused",
        Some(&night),
        &[no_day, not_over, no_partition, gap, before_the_first].join("\n"),
    );
}

#[test]
fn days_before_a_failure_are_told_and_kept() {
    let night = Night::new();
    let output = run(&night.arguments("--from 2024-10-14 --to 2024-10-15 --output json"), 3);
    let json = text(&output.stdout);
    json_doc::check("settle, failed", &json);
    let document: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(document["days"][0]["day"], "2024-10-14");
    assert_eq!(document["error"]["exit_code"], 3);
    assert!(text(&output.stderr).contains("settled before that and kept: 2024-10-14"));
    assert!(night.settle("--day 2024-10-14").contains("nothing changed"));
}

/// What is not there stays away however often the command is run again.
#[test]
fn a_missing_dimension_is_missing_input() {
    let night = Night::new();
    let nowhere = "--set inputs.accounts=file:../sample_data/nope.csv";
    let checked = stderr_of_failure(&format!("check {JOB} {nowhere}"), 3);
    let settled = night.fails(&format!("--day 2024-10-11 {nowhere}"), 3);
    assert_eq!(checked, settled);
    snapshot("night_missing_dimension", Some(&night), &checked);
}

#[test]
fn check_warns_of_a_night_without_usage() {
    for nowhere in [
        "file:../sample_data/nope",
        "file:../sample_data/accounts.csv",
        "file:catalog",
    ] {
        let output = run(
            &format!("check {JOB} --set inputs.usage.url={nowhere} --output json"),
            0,
        );
        let document: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(document["usage"]["files"], 0);
        let said = text(&output.stderr);
        assert!(said.starts_with("warning: there is no usage: "), "{nowhere}: {said}");
    }
}

#[test]
fn a_catalog_is_one_file() {
    let directory = TempDir::new().expect("a temporary directory");
    let one = directory.path().join("one");
    std::fs::create_dir(&one).expect("creates");
    let shipped = Path::new(JOB).with_file_name("catalog").join("trtc.toml");
    std::fs::copy(shipped, one.join("trtc.toml")).expect("copies");
    for slash in ["", "/"] {
        let said = stderr_of_failure(&format!("check {JOB} --set catalog={}{slash}", one.display()), 2);
        assert!(
            said.contains("one: is a directory") || said.contains("one/: is a directory"),
            "{said}"
        );
    }
    stdout(&format!("check {JOB} --set catalog={}/trtc.toml", one.display()));
}

/// `file:out` begins where the command is run, as `out` does.
#[test]
fn verify_resolves_file_urls_as_paths() {
    let night = Night::new();
    night.settle("--day 2024-10-11 --quiet");
    let name = night
        .output
        .path()
        .file_name()
        .expect("a name")
        .to_string_lossy()
        .into_owned();
    let around = night.output.path().parent().expect("a parent").to_owned();
    for ledger in [name.clone(), format!("file:{name}"), format!("file:./{name}/")] {
        let output = nightbill(&format!("verify {ledger}"))
            .current_dir(&around)
            .output()
            .expect("the binary starts");
        assert_eq!(output.status.code(), Some(0), "{ledger}: {}", text(&output.stderr));
    }
}

/// As a shell would run it.
#[test]
fn the_next_command_checks_the_ledger() {
    let night = Night::new();
    let output = night.output.path();
    let settled = nightbill(&format!(
        "settle {JOB} --day 2024-10-11 --output json --set output=file:${{NIGHT_OUT}}"
    ))
    .env("NIGHT_OUT", output)
    .output()
    .expect("the binary starts");
    let document: serde_json::Value = serde_json::from_slice(&settled.stdout).expect("JSON");
    let next = document["next"].as_str().expect("a next command");
    let arguments = next.strip_prefix("nightbill ").expect("a command of ours");
    assert_eq!(arguments, format!("verify {JOB} --set 'output=file:${{NIGHT_OUT}}'"));
    let verified = StdCommand::new("sh")
        .args(["-c", &format!("\"$0\" {arguments}"), env!("CARGO_BIN_EXE_nightbill")])
        .env("NIGHT_OUT", output)
        .output()
        .expect("a shell");
    assert!(
        text(&verified.stdout).contains("every law holds"),
        "{}",
        text(&verified.stderr)
    );
}

#[test]
fn mistakes_in_the_job_name_their_place() {
    let directory = TempDir::new().expect("a temporary directory");
    let job = directory.path().join("job.toml");
    let shipped = std::fs::read_to_string(JOB).expect("the shipped job");
    std::fs::write(&job, shipped.replacen("timezone", "timezon", 1)).expect("writes");
    let job = job.display().to_string();
    let shown = [
        stderr_of_failure(&format!("check {job}"), 2),
        stderr_of_failure("check no-such-job.toml", 2),
        stderr_of_failure(&format!("check {JOB} --set catalog=no-such-catalog.toml"), 2),
        stderr_of_failure(&format!("check {JOB} --set output=${{NIGHTBILL_NO_SUCH_VARIABLE}}"), 2),
        stderr_of_failure(&format!("check {JOB} --set lookback=3"), 2),
    ];
    let shown = shown.join("\n").replace(&job, "[job]");
    snapshot("night_mistakes", None, &shown);
}

#[test]
fn the_log_tells_days_and_totals() {
    let night = Night::new();
    let output = run(
        &night.arguments("--day 2024-10-11 --log-format json --log-level info"),
        0,
    );
    let events = json_lines(&output.stderr);
    let of = |message: &str| {
        events
            .iter()
            .find(|event| event["message"] == message)
            .unwrap_or_else(|| panic!("no event {message}: {events:?}"))
    };
    assert_eq!(of("day begins")["day"], "2024-10-11");
    assert_eq!(of("day ends")["outcome"], "posted");
    assert!(of("day ends")["rows"].as_u64().is_some_and(|rows| rows > 0));
    assert_eq!(of("run ends")["exit_code"], 0);
}

/// The money is posted although nobody reads the summary.
#[test]
fn a_closed_pipe_does_not_stop_a_night() {
    let night = Night::new();
    let (reader, writer) = pipe().expect("a pipe");
    drop(reader);
    let status = StdCommand::new(env!("CARGO_BIN_EXE_nightbill"))
        .args(night.arguments("--day 2024-10-11").split_whitespace())
        .stdout(Stdio::from(writer))
        .stderr(Stdio::null())
        .status()
        .expect("the binary starts");
    assert_eq!(status.code(), Some(0));
    assert!(night.settle("--day 2024-10-11").contains("nothing changed"));
}

#[test]
fn thread_count_changes_no_byte() {
    let (one, four) = (Night::new(), Night::new());
    one.settle("--day 2024-10-11 --quiet --threads 1");
    four.settle("--day 2024-10-11 --quiet --threads 4");
    let tables = |night: &Night| {
        let mut files = Vec::new();
        for table in ["usage_daily", "bill_lines", "bills", "deductions", "grants", "accounts"] {
            let batch = night.output.path().join(table).join("batch=2024-10-11.00");
            files.push((table, bytes_below(&batch)));
        }
        files
    };
    assert_eq!(tables(&one), tables(&four));
}

/// Name and content of every file in a directory.
fn bytes_below(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<(String, Vec<u8>)> = std::fs::read_dir(directory)
        .unwrap_or_else(|error| panic!("{}: {error}", directory.display()))
        .map(|entry| {
            let entry = entry.expect("an entry");
            let content = std::fs::read(entry.path()).expect("a file");
            (entry.file_name().to_string_lossy().into_owned(), content)
        })
        .collect();
    files.sort();
    assert!(!files.is_empty(), "{} is empty", directory.display());
    files
}

#[test]
fn a_sample_can_be_settled_as_it_says() {
    let directory = TempDir::new().expect("a temporary directory");
    let out = directory.path().join("sample").display().to_string();
    let json = stdout(&format!("sample {out} --accounts 5 --rows 2_000 --output json"));
    json_doc::check("sample", &json);
    let document: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let next = document["next"].as_str().expect("a next command");
    let shown = stdout(next.strip_prefix("nightbill ").expect("a command of ours"));
    assert!(shown.contains("usage rows"), "{shown}");
    let again = stderr_of_failure(&format!("sample {out}"), 2);
    assert!(again.contains("is not empty"), "{again}");
}

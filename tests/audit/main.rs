//! The finance auditor: ledgers settled by the real binary, read with DuckDB, pandas and pyarrow as their users do, and
//! recomputed from the raw inputs in SQL and Python. The audit itself is `tests/audit/*.py`.
//!
//! Ignored by default: they need Python 3.11 with the packages of `tests/requirements.txt`, named by `NIGHTBILL_PYTHON`.

use std::path::{Path, PathBuf};
use std::process::Output;

use assert_cmd::Command;
use tempfile::TempDir;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Inputs with a job, and where they are settled into.
struct Night {
    dir: TempDir,
    job: PathBuf,
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn succeed(what: &str, output: &Output) -> String {
    assert!(
        output.status.success(),
        "{what} failed\n{}{}",
        text(&output.stdout),
        text(&output.stderr)
    );
    text(&output.stdout)
}

fn nightbill(arguments: &[&str]) -> String {
    let output = Command::cargo_bin("nightbill")
        .unwrap()
        .args(arguments)
        .output()
        .unwrap();
    succeed(&arguments.join(" "), &output)
}

/// Runs a script of `tests/audit`.
fn python(script: &str, arguments: &[&Path]) -> String {
    let python =
        std::env::var("NIGHTBILL_PYTHON").expect("NIGHTBILL_PYTHON names a Python that has tests/requirements.txt");
    let script = Path::new(ROOT).join("tests/audit").join(script);
    let output = Command::new(python)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .arg(&script)
        .args(arguments)
        .output()
        .unwrap();
    succeed(&script.display().to_string(), &output)
}

impl Night {
    /// The job and the data that ship with nightbill.
    fn shipped() -> Self {
        Self {
            dir: TempDir::new().unwrap(),
            job: Path::new(ROOT).join("jobs/nightly.toml"),
        }
    }

    /// Random accounts, packages, payments and 200,000 rows of usage.
    fn sample(seed: u32, from: &str, days: u32, zone: &str) -> Self {
        let dir = TempDir::new().unwrap();
        let inputs = dir.path().join("inputs");
        let (seed, days) = (seed.to_string(), days.to_string());
        let arguments = [
            "--accounts",
            "200",
            "--rows",
            "200000",
            "--files-per-day",
            "2",
            "--quiet",
        ];
        nightbill(
            &[
                &["sample", &inputs.display().to_string()][..],
                &["--seed", &seed, "--from", from, "--days", &days, "--timezone", zone],
                &arguments,
            ]
            .concat(),
        );
        Self {
            job: inputs.join("job.toml"),
            dir,
        }
    }

    fn output(&self) -> PathBuf {
        self.dir.path().join("out")
    }

    /// Settles, verifies and returns what `verify --all` said, as a file.
    fn settled(&self, from: &str, to: &str, settings: &[&str]) -> PathBuf {
        let job = self.job.display().to_string();
        let output = format!("output=\"file://{}\"", self.output().display());
        let mut arguments = vec!["settle", &job, "--from", from, "--to", to, "--quiet", "--set", &output];
        for setting in settings {
            arguments.extend(["--set", setting]);
        }
        nightbill(&arguments);
        let said = nightbill(&[
            "verify",
            &self.output().display().to_string(),
            "--all",
            "--output",
            "json",
        ]);
        let verified = self.dir.path().join("verified.json");
        std::fs::write(&verified, said).unwrap();
        verified
    }

    fn audited(&self, from: &str, to: &str, settings: &[&str]) {
        let verified = self.settled(from, to, settings);
        python("audit.py", &[&self.output(), &self.job, &verified]);
    }
}

#[test]
#[ignore = "needs Python with duckdb and pandas"]
fn the_shipped_night_passes_the_audit() {
    Night::shipped().audited("2024-10-11", "2024-10-14", &[]);
    Night::shipped().audited("2024-10-11", "2024-10-14", &["deduction_period=\"5min\""]);
}

#[test]
#[ignore = "needs Python with duckdb and pandas"]
fn random_nights_pass_the_audit() {
    for seed in 1..=4 {
        let period = ["deduction_period=\"day\"", "deduction_period=\"5min\""][seed as usize % 2];
        Night::sample(seed, "2024-10-11", 5, "Asia/Shanghai").audited("2024-10-11", "2024-10-15", &[period]);
    }
}

/// Contracts, queues, refunds, gifts, registrations and payments at awkward instants, grants that run out in a line.
#[test]
#[ignore = "needs Python with duckdb and pandas"]
fn awkward_dimensions_pass_the_audit() {
    for seed in 11..=14 {
        let period = ["deduction_period=\"day\"", "deduction_period=\"5min\""][seed as usize % 2];
        let night = Night::sample(seed, "2024-10-11", 5, "Asia/Shanghai");
        python("shake.py", &[&night.job, Path::new(&seed.to_string())]);
        night.audited("2024-10-11", "2024-10-15", &[period, "max_rejected_rows=200000"]);
    }
}

/// The first Sunday of November has 25 hours in New York, the second of March 23.
#[test]
#[ignore = "needs Python with duckdb and pandas"]
fn nights_of_long_and_short_days_pass_the_audit() {
    for (seed, from, to) in [(5, "2024-11-02", "2024-11-04"), (6, "2024-03-09", "2024-03-11")] {
        Night::sample(seed, from, 3, "America/New_York").audited(from, to, &["deduction_period=\"5min\""]);
    }
}

#[test]
#[ignore = "needs Python with duckdb and pandas"]
fn no_row_is_lost_whatever_is_wrong_with_it() {
    let night = Night::sample(7, "2024-10-11", 2, "Asia/Shanghai");
    let partition = night.job.with_file_name("usage").join("date=2024-10-12");
    python("bad_rows.py", &[&partition, Path::new("10001")]);
    night.audited("2024-10-11", "2024-10-12", &["max_rejected_rows=20000"]);
}

#[test]
#[ignore = "needs Python with duckdb and pandas"]
fn the_audit_names_what_was_edited() {
    let night = Night::shipped();
    let verified = night.settled("2024-10-11", "2024-10-14", &[]);
    python("mutants.py", &[&night.output(), &night.job, &verified]);
}

//! A ledger on every kind of store: one contract, through the real binary and, where two runs must meet, the library.
//!
//! Locally on disk; S3, Azure and GCS need servers, which `tests/stores/serve.py` starts.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::Barrier;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant as Clock};

use assert_cmd::Command;
use assert_cmd::cargo::cargo_bin_cmd;
use bytes::Bytes;
use nightbill::job::{Job, Override};
use nightbill::settle::{DayOutcome, DayReport, Days, Night, Progress, SettleError, SettleOptions, settle};
use nightbill::store::{Location, Store, StoreError};
use nightbill::units::quantity::{BillingDay, Instant};
use url::Url;

const REPOSITORY: &str = env!("CARGO_MANIFEST_DIR");
const DAY: &str = "2024-10-11";

/// What is told apart about a store.
struct Kind {
    /// The variable with the URL of a bucket for tests.
    bucket: &'static str,
    /// The variable with the server's address.
    endpoint: &'static str,
    /// The variable with what nobody else may know.
    secret: &'static str,
}

const S3: Kind = Kind {
    bucket: "NIGHTBILL_TEST_S3",
    endpoint: "AWS_ENDPOINT",
    secret: "AWS_SECRET_ACCESS_KEY",
};
const AZURE: Kind = Kind {
    bucket: "NIGHTBILL_TEST_AZ",
    endpoint: "AZURE_STORAGE_ENDPOINT",
    secret: "AZURE_STORAGE_ACCOUNT_KEY",
};
const GCS: Kind = Kind {
    bucket: "NIGHTBILL_TEST_GS",
    endpoint: "GOOGLE_BASE_URL",
    secret: "GOOGLE_BEARER_TOKEN",
};

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run this test through tests/stores/serve.py"))
}

/// The sample's inputs in a directory of their own on a store, and a job that settles them there.
struct Site {
    url: String,
    job: PathBuf,
    _directory: tempfile::TempDir,
}

impl Site {
    fn on(kind: &Kind) -> Self {
        static SITES: AtomicU32 = AtomicU32::new(0);
        let nanoseconds = std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos();
        let site = SITES.fetch_add(1, Ordering::Relaxed);
        let bucket = variable(kind.bucket);
        Self::at(
            &format!("{bucket}/night={nanoseconds}-{site}"),
            tempfile::tempdir().unwrap(),
        )
    }

    fn local() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = Url::from_directory_path(directory.path()).unwrap();
        Self::at(url.as_str().trim_end_matches('/'), directory)
    }

    fn at(url: &str, directory: tempfile::TempDir) -> Self {
        let inputs = open(&format!("{url}/in"));
        let sample = Path::new(REPOSITORY).join("sample_data");
        for path in files_below(&sample) {
            let name = path.strip_prefix(&sample).unwrap().to_str().unwrap().to_owned();
            inputs.put(&name, Bytes::from(std::fs::read(&path).unwrap())).unwrap();
        }
        let catalog = std::fs::read(Path::new(REPOSITORY).join("jobs/catalog/trtc.toml")).unwrap();
        inputs.put("trtc.toml", Bytes::from(catalog)).unwrap();
        let job = std::fs::read_to_string(Path::new(REPOSITORY).join("jobs/nightly.toml"))
            .unwrap()
            .replace("file:../sample_data", &format!("{url}/in"))
            .replace("file:../out", &format!("{url}/out"))
            .replace("catalog/trtc.toml", &format!("{url}/in/trtc.toml"));
        assert_eq!(job.matches(url).count(), 13, "every location is on the store:\n{job}");
        let site = Self {
            url: url.to_owned(),
            job: directory.path().join("job.toml"),
            _directory: directory,
        };
        std::fs::write(&site.job, job).unwrap();
        site
    }

    fn output(&self) -> Store {
        open(&format!("{}/out", self.url))
    }

    fn settle(&self) -> Command {
        let mut command = cargo_bin_cmd!("nightbill");
        command
            .arg("settle")
            .arg(&self.job)
            .args(["--day", DAY, "--output", "json"]);
        command
    }

    /// The bytes of every object of the ledger's tables.
    fn tables(&self) -> BTreeMap<String, Bytes> {
        let output = self.output();
        let listed = output.list("").unwrap();
        let tables = listed.iter().filter(|object| !object.path.starts_with('_'));
        tables
            .map(|object| (object.path.clone(), output.get(&object.path).unwrap()))
            .collect()
    }

    /// Settles in this process, where `progress` can hold it up.
    fn settle_here(&self, overrides: &[Override], progress: &dyn Progress) -> Result<Night, SettleError> {
        let day = BillingDay::from_date(DAY.parse().unwrap());
        let options = SettleOptions {
            days: Days::Range(day, day),
            accept_thin_day: false,
            accept_suspensions: false,
            rejects_out: None,
            now: Instant::from_micros(1_800_000_000_000_000),
        };
        settle(&Job::load(&self.job, overrides).unwrap(), &options, progress)
    }
}

fn open(url: &str) -> Store {
    Store::open(&Location::from_url(Url::parse(url).unwrap()).unwrap()).unwrap()
}

fn files_below(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] })
        .collect()
}

fn said(output: &Output) -> String {
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    format!("{}\n{}", text(&output.stdout), text(&output.stderr))
}

/// Runs it to its end and takes its word, `posted` or `unchanged`.
fn outcome(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{}", said(output));
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    document["days"][0]["outcome"].as_str().unwrap().to_owned()
}

/// A night is posted once, holds its laws, and is the same bytes as on local disk.
fn a_night(site: &Site) {
    assert_eq!(outcome(&site.settle().output().unwrap()), "posted");
    assert_eq!(outcome(&site.settle().output().unwrap()), "unchanged");
    let verify = cargo_bin_cmd!("nightbill")
        .arg("verify")
        .arg(&site.job)
        .output()
        .unwrap();
    assert_eq!(verify.status.code(), Some(0), "{}", said(&verify));
    let there = site.output().list("").unwrap();
    assert!(
        !there.iter().any(|object| object.path.starts_with("_staging")),
        "{there:?}"
    );

    let local = Site::local();
    assert_eq!(outcome(&local.settle().output().unwrap()), "posted");
    let (here, there) = (local.tables(), site.tables());
    assert!(here.len() >= 8, "every table has a file: {:?}", here.keys());
    assert!(here.keys().eq(there.keys()), "{:?}\n{:?}", here.keys(), there.keys());
    for (path, bytes) in &here {
        assert!(bytes == &there[path], "{path} differs from the local one");
    }
    assert!(
        rewritten(site) == rewritten(&local),
        "a rewritten day differs from the local one"
    );
}

/// The bytes of the day's usage, rewritten beside the inputs.
fn rewritten(site: &Site) -> Vec<Bytes> {
    let target = format!("{}/rewritten", site.url);
    let compact = cargo_bin_cmd!("nightbill")
        .arg("compact")
        .arg(&site.job)
        .args(["--day", DAY, "--to", &target])
        .output()
        .unwrap();
    assert_eq!(compact.status.code(), Some(0), "{}", said(&compact));
    let store = open(&target);
    let listed = store.list("").unwrap();
    assert_eq!(
        listed.len(),
        1,
        "the mark of an unfinished partition is gone: {listed:?}"
    );
    listed.iter().map(|object| store.get(&object.path).unwrap()).collect()
}

/// Of several runs at once exactly one posts; who did the same work says so and ends well, who did other work loses.
fn one_of_several_runs_posts(site: &Site) {
    std::thread::scope(|scope| {
        let runs: Vec<_> = (0..3)
            .map(|_| scope.spawn(|| site.settle().output().unwrap()))
            .collect();
        let mut outcomes: Vec<String> = runs.into_iter().map(|run| outcome(&run.join().unwrap())).collect();
        outcomes.sort_unstable();
        assert_eq!(outcomes, ["posted", "unchanged", "unchanged"]);
    });

    let other_work = Override {
        key: "max_new_suspensions".to_owned(),
        value: "99".to_owned(),
    };
    let fresh = Override {
        key: "output".to_owned(),
        value: format!("{}/raced", site.url),
    };
    let (same, other) = ([fresh.clone()], [fresh, other_work]);
    let meet = Meet(Barrier::new(2));
    for (second, ends) in [(&same[..], None), (&other[..], Some(4))] {
        open(&format!("{}/raced", site.url)).delete_below("").unwrap();
        let ended = std::thread::scope(|scope| {
            let first = scope.spawn(|| site.settle_here(&same, &meet));
            let second = scope.spawn(|| site.settle_here(second, &meet));
            [first.join().unwrap(), second.join().unwrap()]
        });
        let failed: Vec<u8> = ended
            .iter()
            .filter_map(|end| Some(end.as_ref().err()?.exit_code()))
            .collect();
        assert_eq!(failed, Vec::from_iter(ends), "{ended:?}");
        let outcomes: Vec<DayOutcome> = ended.iter().flatten().map(|night| night.days[0].outcome).collect();
        let posted = outcomes
            .iter()
            .filter(|outcome| **outcome == DayOutcome::Posted)
            .count();
        assert_eq!(posted, 1, "{ended:?}");
    }
}

/// Lets runs go on only when all have seen that the day is not settled.
struct Meet(Barrier);

impl Progress for Meet {
    fn scan_begins(&self, _: BillingDay, _: usize, _: u64) {
        self.0.wait();
    }
    fn rows_read(&self, _: u64) {}
    fn rules_begin(&self, _: BillingDay, _: usize) {}
    fn accounts_settled(&self, _: usize) {}
    fn warning(&self, _: &str) {}
    fn day_ends(&self, _: &DayReport) {}
}

/// A usage file that is written again between the listing and the reading ends the run, with nothing posted.
fn a_changed_object_ends_the_run(site: &Site) {
    let path = format!("usage/date={DAY}/part-0.parquet");
    let inputs = open(&format!("{}/in", site.url));
    let listed = inputs.head(&path).unwrap().unwrap();
    let mut bytes = inputs.get(&path).unwrap().to_vec();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let rewrite = Rewrite {
        inputs: &inputs,
        path: &path,
        bytes: Bytes::from(bytes),
    };
    let error = site.settle_here(&[], &rewrite).unwrap_err();
    assert_eq!(error.exit_code(), 5, "{error}");
    assert!(error.to_string().contains("changed while it was being read"), "{error}");
    assert_eq!(site.tables(), BTreeMap::new());
    let stale = inputs.get_range(&listed, 0..4);
    assert!(matches!(stale, Err(StoreError::Changed { .. })), "{stale:?}");
}

struct Rewrite<'a> {
    inputs: &'a Store,
    path: &'a str,
    bytes: Bytes,
}

impl Progress for Rewrite<'_> {
    fn scan_begins(&self, _: BillingDay, _: usize, _: u64) {
        self.inputs.put(self.path, self.bytes.clone()).unwrap();
    }
    fn rows_read(&self, _: u64) {}
    fn rules_begin(&self, _: BillingDay, _: usize) {}
    fn accounts_settled(&self, _: usize) {}
    fn warning(&self, _: &str) {}
    fn day_ends(&self, _: &DayReport) {}
}

/// What the store does not do is told with exit 5, without secrets, and before anybody gives up waiting.
fn failures_are_told(kind: &Kind, site: &Site) {
    let scheme = site.url.split_once("://").unwrap().0;
    let secret = variable(kind.secret);
    // A secret of the same form that is not the right one.
    let wrong: String = secret.chars().rev().collect::<String>().replace('=', "");
    let wrong = format!("{wrong}{}", "=".repeat(secret.matches('=').count()));
    let missing = format!("output={scheme}://nightbill-no-such-bucket/out");
    let missing_input = format!("inputs.usage.url={scheme}://nightbill-no-such-bucket/usage");
    let mut cases = [
        ("missing bucket", site.settle(), "nightbill-no-such-bucket"),
        ("missing input bucket", site.settle(), "nightbill-no-such-bucket"),
        ("wrong credentials", site.settle(), "in/trtc.toml"),
        ("unreachable", site.settle(), "in/trtc.toml"),
    ];
    cases[0].1.args(["--set", &missing]);
    cases[1].1.args(["--set", &missing_input]);
    cases[2].1.env(kind.secret, &wrong).args(["--log-level", "trace"]);
    // Nobody listens on the discard port.
    cases[3].1.env(kind.endpoint, "http://127.0.0.1:9/nobody");
    for (case, mut command, named) in cases {
        let begun = Clock::now();
        let output = command.output().unwrap();
        let said = said(&output);
        println!("{case}, {:.1?}: {said}", begun.elapsed());
        assert_eq!(output.status.code(), Some(5), "{case}: {said}");
        assert!(said.contains(named), "{case}: {said}");
        assert!(!said.contains(&secret) && !said.contains(&wrong), "{case}: {said}");
        assert!(
            begun.elapsed() < Duration::from_secs(75),
            "{case}: {:?}",
            begun.elapsed()
        );
    }
}

#[test]
fn local_night() {
    a_night(&Site::local());
}

#[test]
fn local_race() {
    one_of_several_runs_posts(&Site::local());
}

#[test]
fn local_change() {
    a_changed_object_ends_the_run(&Site::local());
}

#[test]
#[ignore = "needs S3"]
fn s3_night() {
    a_night(&Site::on(&S3));
}

#[test]
#[ignore = "needs S3"]
fn s3_race() {
    one_of_several_runs_posts(&Site::on(&S3));
}

#[test]
#[ignore = "needs S3"]
fn s3_change() {
    a_changed_object_ends_the_run(&Site::on(&S3));
}

#[test]
#[ignore = "needs S3"]
fn s3_failures() {
    failures_are_told(&S3, &Site::on(&S3));
}

#[test]
#[ignore = "needs S3"]
fn s3_without_create_only_put_is_refused() {
    let site = Site::on(&S3);
    let output = site.settle().env("AWS_CONDITIONAL_PUT", "disabled").output().unwrap();
    assert_eq!(output.status.code(), Some(5), "{}", said(&output));
    assert_eq!(site.output().list("").unwrap(), [], "nothing was posted");
}

#[test]
#[ignore = "needs Azure Blob Storage"]
fn azure_night() {
    a_night(&Site::on(&AZURE));
}

#[test]
#[ignore = "needs Azure Blob Storage"]
fn azure_race() {
    one_of_several_runs_posts(&Site::on(&AZURE));
}

#[test]
#[ignore = "needs Azure Blob Storage"]
fn azure_change() {
    a_changed_object_ends_the_run(&Site::on(&AZURE));
}

#[test]
#[ignore = "needs Azure Blob Storage"]
fn azure_failures() {
    failures_are_told(&AZURE, &Site::on(&AZURE));
}

#[test]
#[ignore = "needs Google Cloud Storage"]
fn gcs_night() {
    a_night(&Site::on(&GCS));
}

#[test]
#[ignore = "needs Google Cloud Storage"]
fn gcs_race() {
    one_of_several_runs_posts(&Site::on(&GCS));
}

#[test]
#[ignore = "needs Google Cloud Storage"]
fn gcs_change() {
    a_changed_object_ends_the_run(&Site::on(&GCS));
}

#[test]
#[ignore = "needs Google Cloud Storage"]
fn gcs_failures() {
    failures_are_told(&GCS, &Site::on(&GCS));
}

//! What a valid job means.

use std::ffi::OsString;
use std::path::Path;

use nightbill::job::{Job, Override, Shape};
use nightbill::rules::account_day::DeductionPeriod;
use nightbill::units::calendar::Calendar;
use nightbill::units::quantity::BillingDay;

/// The keys that a job cannot do without.
const SHORTEST: &str = r#"
catalog = "trtc.toml"
output = "file:out"

[inputs]
usage = "file:usage"
accounts = "accounts.csv"
packages = "packages.csv"
payments = "payments.csv"
"#;

fn parse_with(text: &str, sets: &[(&str, &str)], variables: &[(&str, &str)]) -> Job {
    let sets: Vec<Override> = sets
        .iter()
        .map(|(key, value)| Override {
            key: (*key).to_owned(),
            value: (*value).to_owned(),
        })
        .collect();
    let variable = |name: &str| {
        let found = variables.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| OsString::from(value))
    };
    Job::parse(Path::new("/jobs/night.toml"), text, &sets, variable).unwrap_or_else(|error| panic!("{error}"))
}

fn parse(text: &str) -> Job {
    parse_with(text, &[], &[])
}

fn calendar(zone: chrono_tz::Tz, hour: u32, minute: u32, second: u32) -> Calendar {
    Calendar::new(zone, chrono::NaiveTime::from_hms_opt(hour, minute, second).unwrap())
}

fn day(text: &str) -> BillingDay {
    BillingDay::from_date(text.parse().unwrap())
}

#[test]
fn every_key_of_the_contract_is_accepted() {
    let job = parse(
        r#"
        name = "trtc-nightly"
        timezone = "Europe/Berlin"
        billing_time = "09:30:15"
        catalog = "catalog/trtc.toml"
        output = "file:../out"
        deduction_period = "5min"
        max_rejected_rows = 7
        min_day_ratio = 0.25
        lookback_days = 40
        allow_duplicate_files = true
        max_new_suspensions = 3
        dunning_from = 2024-10-01

        [inputs]
        usage = { url = "s3://bucket/usage", shape = "streams", partition_timezone = "UTC" }
        accounts = "gs://bucket/accounts.parquet"
        packages = { url = "az://container/packages" }
        payments = "file:/data/payments.csv"
        apps = "apps.csv"
        refund_requests = "refund_requests.csv"
        opening = "opening.csv"
        opening_grants = "opening_grants.csv"
        relay = { url = "relay", partition_timezone = "Asia/Tokyo" }
        screenshots = { url = "screenshots" }
        logins = "logins"
        "#,
    );
    assert_eq!(job.path, Path::new("/jobs/night.toml"));
    assert_eq!(job.name, "trtc-nightly");
    assert_eq!(job.calendar, calendar(chrono_tz::Europe::Berlin, 9, 30, 15));
    assert_eq!(job.catalog.to_string(), "file:///jobs/catalog/trtc.toml");
    assert_eq!(job.output.to_string(), "file:///out");
    assert_eq!(job.deduction_period, DeductionPeriod::FiveMinutes);
    assert_eq!(job.max_rejected_rows, 7);
    assert_eq!(job.min_day_ratio_millionths, 250_000);
    assert_eq!(job.lookback_days, 40);
    assert!(job.allow_duplicate_files);
    assert_eq!(job.max_new_suspensions, 3);
    assert_eq!(job.dunning_from, Some(day("2024-10-01")));
    let inputs = job.inputs;
    assert_eq!(inputs.usage.shape, Shape::Streams);
    assert_eq!(inputs.usage.partitions.zone, chrono_tz::UTC);
    assert_eq!(inputs.usage.partitions.location.to_string(), "s3://bucket/usage");
    assert_eq!(inputs.accounts.to_string(), "gs://bucket/accounts.parquet");
    assert_eq!(inputs.packages.to_string(), "az://container/packages");
    assert_eq!(inputs.payments.to_string(), "file:///data/payments.csv");
    assert_eq!(inputs.apps.unwrap().to_string(), "file:///jobs/apps.csv");
    assert_eq!(
        inputs.refund_requests.unwrap().to_string(),
        "file:///jobs/refund_requests.csv"
    );
    assert_eq!(inputs.opening.unwrap().to_string(), "file:///jobs/opening.csv");
    assert_eq!(
        inputs.opening_grants.unwrap().to_string(),
        "file:///jobs/opening_grants.csv"
    );
    let (relay, screenshots, logins) = (
        inputs.relay.unwrap(),
        inputs.screenshots.unwrap(),
        inputs.logins.unwrap(),
    );
    assert_eq!(
        (relay.zone, screenshots.zone),
        (chrono_tz::Asia::Tokyo, chrono_tz::Europe::Berlin)
    );
    assert_eq!(relay.location.to_string(), "file:///jobs/relay");
    assert_eq!(screenshots.location.to_string(), "file:///jobs/screenshots");
    assert_eq!(logins.location.to_string(), "file:///jobs/logins");
}

#[test]
fn what_is_left_out_has_the_values_of_the_contract() {
    let job = parse(SHORTEST);
    assert_eq!(job.name, "night");
    assert_eq!(job.calendar, calendar(chrono_tz::Asia::Shanghai, 10, 0, 0));
    assert_eq!(job.deduction_period, DeductionPeriod::Day);
    assert_eq!(job.max_rejected_rows, 0);
    assert_eq!(job.min_day_ratio_millionths, 200_000);
    assert_eq!(job.lookback_days, 35);
    assert!(!job.allow_duplicate_files);
    assert_eq!(job.max_new_suspensions, 100);
    assert_eq!(job.dunning_from, None);
    assert_eq!(job.inputs.usage.shape, Shape::Seconds);
    assert_eq!(job.inputs.usage.partitions.zone, chrono_tz::Asia::Shanghai);
    assert!(job.inputs.apps.is_none() && job.inputs.logins.is_none());
}

#[test]
fn the_shipped_job_settles_the_sample_data() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("jobs/nightly.toml");
    let job = Job::load(&path, &[]).unwrap_or_else(|error| panic!("{error}"));
    let root = url::Url::from_directory_path(env!("CARGO_MANIFEST_DIR")).unwrap();
    let below = |path: &str| root.join(path).unwrap();
    assert_eq!(job.name, "trtc-nightly");
    assert_eq!(job.calendar, calendar(chrono_tz::Asia::Shanghai, 10, 0, 0));
    assert_eq!(*job.catalog.url(), below("jobs/catalog/trtc.toml"));
    assert_eq!(*job.output.url(), below("out"));
    assert_eq!(*job.inputs.usage.partitions.location.url(), below("sample_data/usage"));
    assert_eq!(*job.inputs.accounts.url(), below("sample_data/accounts.csv"));
    assert_eq!(*job.inputs.opening.unwrap().url(), below("sample_data/opening.csv"));
    assert_eq!(
        *job.inputs.opening_grants.unwrap().url(),
        below("sample_data/opening_grants.csv")
    );
}

#[test]
fn locations_resolve_against_the_job_file() {
    let cases = "
        out                      file:///jobs/out
        ./out                    file:///jobs/out
        ../out                   file:///out
        ../../../out             file:///out
        /data/out                file:///data/out
        a%20b                    file:///jobs/a%2520b
        what?                    file:///jobs/what%3F
        file:out                 file:///jobs/out
        file:../out              file:///out
        FILE:../out              file:///out
        file:/data/out           file:///data/out
        file:///data/../out      file:///out
        file://localhost/out     file:///out
        file:a%20b               file:///jobs/a%20b
        s3://bucket/a/b          s3://bucket/a/b
        s3://bucket              s3://bucket
        S3://bucket/x            s3://bucket/x
        gs://bucket/a/../b       gs://bucket/b
        az://container/x         az://container/x";
    for case in cases.trim().lines() {
        let (text, url) = case.trim().split_once(char::is_whitespace).unwrap();
        let job = parse_with(SHORTEST, &[("output", text)], &[]);
        assert_eq!(job.output.url().as_str(), url.trim(), "{text}");
    }
}

#[test]
fn a_relative_job_file_is_found_from_the_working_directory() {
    let job = Job::parse(Path::new("night.toml"), SHORTEST, &[], |_| None).unwrap();
    let here = url::Url::from_directory_path(std::env::current_dir().unwrap()).unwrap();
    assert_eq!(*job.output.url(), here.join("out").unwrap());
}

#[test]
fn dates_times_and_ratios_are_read_as_they_are_written() {
    let times = [
        "\"10:00\" 10 0 0",
        "\"00:00:00\" 0 0 0",
        "23:59:59 23 59 59",
        "07:30 7 30 0",
    ];
    for case in times {
        let mut words = case.split(' ');
        let text = words.next().unwrap();
        let [hour, minute, second] = [(); 3].map(|()| words.next().unwrap().parse().unwrap());
        let job = parse_with(SHORTEST, &[("billing_time", text)], &[]);
        assert_eq!(
            job.calendar,
            calendar(chrono_tz::Asia::Shanghai, hour, minute, second),
            "{text}"
        );
    }
    for text in ["2024-02-29", "\"2024-02-29\""] {
        let job = parse_with(SHORTEST, &[("dunning_from", text)], &[]);
        assert_eq!(job.dunning_from, Some(day("2024-02-29")), "{text}");
    }
    let ratios = [
        ("0", 0),
        ("1", 1_000_000),
        ("1.0", 1_000_000),
        ("0.000001", 1),
        ("0.2000000", 200_000),
    ];
    for (text, millionths) in ratios {
        let job = parse_with(SHORTEST, &[("min_day_ratio", text)], &[]);
        assert_eq!(job.min_day_ratio_millionths, millionths, "{text}");
    }
}

#[test]
fn set_overrides_the_file_and_makes_missing_tables() {
    let sets = [
        ("name", "bare words are a string"),
        ("lookback_days", "1"),
        ("lookback_days", "2"),
        ("allow_duplicate_files", "true"),
        ("timezone", "UTC"),
        ("inputs.apps.url", "apps.csv"),
        ("inputs.usage.shape", "daily"),
        (
            "inputs.logins",
            "{ url = \"logins\", partition_timezone = \"Asia/Tokyo\" }",
        ),
    ];
    let job = parse_with(SHORTEST, &sets, &[]);
    assert_eq!(job.name, "bare words are a string");
    assert_eq!(job.lookback_days, 2, "the last one wins");
    assert!(job.allow_duplicate_files);
    assert_eq!(job.calendar.zone(), chrono_tz::UTC);
    assert_eq!(job.inputs.apps.unwrap().to_string(), "file:///jobs/apps.csv");
    assert_eq!(job.inputs.usage.shape, Shape::Daily);
    assert_eq!(
        job.inputs.usage.partitions.location.to_string(),
        "file:///jobs/usage",
        "setting a key beside a bare URL keeps the URL"
    );
    assert_eq!(
        job.inputs.usage.partitions.zone,
        chrono_tz::UTC,
        "the job's, overridden"
    );
    assert_eq!(job.inputs.logins.unwrap().zone, chrono_tz::Asia::Tokyo);
}

#[test]
fn a_set_repairs_a_wrong_value_of_the_file() {
    let job = parse_with(
        &format!("lookback_days = \"many\"\n{SHORTEST}"),
        &[("lookback_days", "5")],
        &[],
    );
    assert_eq!(job.lookback_days, 5);
}

#[test]
fn variables_are_used_and_never_shown() {
    let variables = [
        ("BUCKET", "hunter2"),
        ("WHAT", "ledger-hunter2"),
        ("ZONE", "Asia/Tokyo"),
    ];
    let sets = [
        ("output", "s3://${BUCKET}/x/${WHAT}"),
        ("inputs.accounts", "${WHAT}/accounts.csv"),
        ("name", "night of ${WHAT}"),
        ("timezone", "${ZONE}"),
    ];
    let job = parse_with(SHORTEST, &sets, &variables);
    assert_eq!(job.output.url().as_str(), "s3://hunter2/x/ledger-hunter2");
    assert_eq!(
        job.inputs.accounts.url().as_str(),
        "file:///jobs/ledger-hunter2/accounts.csv"
    );
    assert_eq!(job.calendar.zone(), chrono_tz::Asia::Tokyo);
    assert_eq!(job.output.to_string(), "s3://${BUCKET}/x/${WHAT}");
    assert_eq!(job.name, "night of ${WHAT}");
    assert!(!format!("{job:?}").contains("hunter2"));
    assert_eq!(
        job.output
            .hide("PUT https://hunter2.s3.amazonaws.com/x/ledger-hunter2/_batches".to_owned()),
        "PUT https://${BUCKET}.s3.amazonaws.com/x/ledger-${BUCKET}/_batches",
        "what a store says of it"
    );
}

#[test]
fn a_store_that_fails_does_not_show_variables() {
    let directory = tempfile::tempdir().unwrap();
    let secret = directory.path().join("hunter2");
    std::fs::write(&secret, "a file, not a directory").unwrap();
    let secret = secret.to_str().unwrap();
    let job = parse_with(SHORTEST, &[("output", "${LEDGER}/below")], &[("LEDGER", secret)]);
    let store = nightbill::store::Store::open(&job.output).unwrap();
    let error = store.put("x", bytes::Bytes::from_static(b"x")).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
    assert!(error.to_string().starts_with("${LEDGER}/below/x: "), "{error}");
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_not_utf8_is_named() {
    use std::os::unix::ffi::OsStringExt;
    let text = SHORTEST.replace("file:out", "${LEDGER}");
    let variable = |_: &str| Some(OsString::from_vec(vec![b'x', 0xff]));
    let error = Job::parse(Path::new("night.toml"), &text, &[], variable).unwrap_err();
    assert_eq!(
        error.to_string(),
        "night.toml:3:10: output: environment variable LEDGER is not UTF-8\n  help: set LEDGER to UTF-8 text"
    );
}

#[test]
fn a_job_file_without_a_directory_is_refused() {
    let error = Job::parse(Path::new(""), SHORTEST, &[], |_| None).unwrap_err();
    assert_eq!(error.to_string(), ": cannot tell which directory this file is in");
}

#[test]
fn the_digest_is_of_what_was_written() {
    let digest = |text: &str, sets: &[(&str, &str)], secret: &str| parse_with(text, sets, &[("SECRET", secret)]).digest;
    let with_variable = SHORTEST.replace("file:out", "file:${SECRET}");
    let plain = digest(SHORTEST, &[], "");
    assert_eq!(plain.len(), 64);
    assert!(
        plain
            .bytes()
            .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    );
    assert_eq!(plain, digest(SHORTEST, &[], "x"));
    assert_eq!(digest(&with_variable, &[], "a"), digest(&with_variable, &[], "b"));
    let others = [
        digest(&format!("{SHORTEST}\n"), &[], ""),
        digest(SHORTEST, &[("name", "a")], ""),
        digest(SHORTEST, &[("name", "b")], ""),
        digest(SHORTEST, &[("name", "a"), ("name", "b")], ""),
    ];
    for (position, one) in others.iter().enumerate() {
        assert_ne!(*one, plain);
        assert!(!others[..position].contains(one));
    }
}

#[test]
fn a_file_that_cannot_be_read_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("missing.toml");
    let error = Job::load(&missing, &[]).unwrap_err().to_string();
    assert!(
        error.ends_with("missing.toml: cannot be read: No such file or directory (os error 2)"),
        "{error}"
    );
    let binary = directory.path().join("binary.toml");
    std::fs::write(&binary, b"name = \"x\"\nname\xff").unwrap();
    let error = Job::load(&binary, &[]).unwrap_err().to_string();
    assert!(
        error.ends_with("binary.toml:2:5: not UTF-8\n  help: save the file as UTF-8"),
        "{error}"
    );
}

//! Files that DuckDB, pyarrow and polars wrote: `foreign/make.py` says how, `foreign/expected.txt` what is in them.

use std::fs;
use std::path::PathBuf;

use bytes::Bytes;

use super::world::{Outcome, REASONS, Setting, scan_file};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/scan/foreign")
}

fn files(wrong: bool) -> Vec<(String, Bytes)> {
    let mut files: Vec<(String, Bytes)> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), entry.path()))
        .filter(|(name, _)| name.ends_with(".parquet") && name.starts_with("wrong_") == wrong)
        .map(|(name, path)| (name, fs::read(path).unwrap().into()))
        .collect();
    files.sort();
    files
}

fn describe(outcome: &Outcome) -> String {
    let mut lines: Vec<String> = outcome
        .groups
        .iter()
        .map(|((account, app, tier, _), (seconds, rows))| format!("{account} {app} {tier} {seconds} {rows}"))
        .collect();
    // The script sorts tiers by name.
    lines.sort();
    let mut reasons: Vec<String> = REASONS
        .iter()
        .zip(outcome.counts)
        .filter(|(_, count)| *count > 0)
        .map(|(reason, count)| format!("{} {count}", reason.as_str()))
        .collect();
    reasons.sort();
    lines.extend(reasons);
    lines.join("\n") + "\n"
}

#[test]
fn files_of_other_writers_hold_the_same_sums() {
    let expected = fs::read_to_string(folder().join("expected.txt")).unwrap();
    let files = files(false);
    assert_eq!(files.len(), 22, "{files:?}");
    for (name, bytes) in files {
        let outcome = scan_file(Setting::utc(), &bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(describe(&outcome), expected, "{name}");
    }
}

#[test]
fn wrong_types_are_refused_by_name() {
    let messages: Vec<String> = files(true)
        .iter()
        .map(|(name, bytes)| match scan_file(Setting::utc(), bytes) {
            Ok(_) => panic!("{name} was read"),
            Err(error) => format!("{name}: {error}"),
        })
        .collect();
    let expected = "\
wrong_account_id_string.parquet: a.parquet, column account_id: it is Utf8, and an integer is needed
wrong_meter_list.parquet: a.parquet, column meter: it is a group of columns, and a string is needed
wrong_pixels_float.parquet: a.parquet, column pixels: it is Float64, and an integer is needed
wrong_pixels_missing.parquet: a.parquet, column pixels: there is no such column, and an integer is needed: \
write one, null or 0 where there is no video
wrong_sdk_app_id_missing.parquet: a.parquet, column sdk_app_id: there is no such column, and an integer is needed
wrong_seconds_decimal.parquet: a.parquet, column seconds: it is Decimal128(18, 0), and an integer is needed
wrong_seconds_duration.parquet: a.parquet, column seconds: it is Duration(ms), and an integer is needed
wrong_ts_date.parquet: a.parquet, column ts: it is Date32, and a timestamp is needed
wrong_ts_string.parquet: a.parquet, column ts: it is Utf8, and a timestamp is needed";
    assert_eq!(messages.join("\n"), expected);
}

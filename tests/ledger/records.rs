//! Commit records as earlier versions stored them. `records/format-<n>.json` was written by a run of the program when `n` was
//! its format, and is never changed: a ledger may hold such records for good.

use nightbill::ledger::record::CommitRecord;
use nightbill::rules::account_day::DeductionPeriod;
use nightbill::units::quantity::{BillingDay, Instant};

const FORMAT_1: &str = include_str!("records/format-1.json");

#[test]
fn a_record_of_format_1_is_read() {
    let record = CommitRecord::from_json(FORMAT_1.as_bytes()).unwrap();
    assert_eq!((record.format, &*record.batch), (1, "2024-10-12.00"));
    assert_eq!(record.previous.as_ref().unwrap().batch, "2024-10-11.00");
    assert_eq!(record.deduction_period(), Ok(DeductionPeriod::Day));
    // 10:00 in Shanghai on the day after.
    let day = BillingDay::from_date("2024-10-13".parse().unwrap());
    let two_in_utc = day.date().and_hms_opt(2, 0, 0).unwrap().and_utc();
    assert_eq!(
        record.billed_at(),
        Ok(Instant::from_micros(two_in_utc.timestamp_micros()))
    );
    assert_eq!(record.files.len(), 12);
    assert_eq!(String::from_utf8(record.to_json().to_vec()).unwrap(), FORMAT_1);
}

/// A record of another tool, or one that somebody edited, is never read as if it said `day`.
#[test]
fn an_unknown_deduction_period_is_an_error() {
    let text = FORMAT_1.replacen("\"deduction_period\": \"day\"", "\"deduction_period\": \"hourly\"", 1);
    let record = CommitRecord::from_json(text.as_bytes()).unwrap();
    assert_eq!(
        record.deduction_period().unwrap_err(),
        "its deduction_period is \"hourly\", which is neither \"day\" nor \"5min\""
    );
}

#[test]
fn a_key_that_format_1_has_not_is_refused() {
    let text = FORMAT_1.replacen("\"batch\"", "\"reread\": [],\n  \"batch\"", 1);
    let message = CommitRecord::from_json(text.as_bytes()).unwrap_err();
    assert!(
        message.starts_with("not a commit record: unknown field `reread`"),
        "{message}"
    );
}

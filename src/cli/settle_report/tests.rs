//! What a night looks like.

use chrono::NaiveDate;

use super::*;
use crate::cli::json_doc;
use crate::cli::terminal::to_json;
use crate::ledger::record::{BatchId, DecisionTotals, MinuteTotals};
use crate::units::quantity::BillingDay;

fn day(text: &str) -> BillingDay {
    BillingDay::from_date(text.parse::<NaiveDate>().expect("a date"))
}

/// A day that a run posted.
pub(crate) fn posted(date: &str) -> DayReport {
    DayReport {
        day: day(date),
        batch: BatchId::settling(day(date)),
        outcome: DayOutcome::Posted,
        totals: ControlTotals {
            rows: 200_000_171,
            seconds: 200_000_180,
            accepted_rows: 200_000_168,
            accepted_seconds: 200_000_177,
            rejected_rows: 3,
            rejected: [("bad_ts".to_owned(), 2), ("unknown_account".to_owned(), 1)].into(),
            usage_digest: "8f14e45fceea167a".to_owned(),
            measured: Vec::new(),
            accounts: 20_000,
            apps: 50_000,
            lines: 218_884,
            bills: 30_001,
            minutes: MinuteTotals {
                total: 3_400_000,
                free: 1_000_000,
                package: 2_000_000,
                payg: 399_423,
                unbilled: 577,
            },
            decisions: DecisionTotals::default(),
            amount: "1593.70".to_owned(),
            exact: "1593.697770000".to_owned(),
            paid: "100.00".to_owned(),
            closing: "-1493.70".to_owned(),
        },
        stages: vec![
            (Stage::Dimensions, Duration::from_millis(12)),
            (Stage::Scan, Duration::from_millis(2_400)),
            (Stage::Settle, Duration::from_millis(1_234)),
            (Stage::Publish, Duration::from_millis(31)),
        ],
    }
}

fn unchanged(date: &str) -> DayReport {
    DayReport {
        outcome: DayOutcome::Unchanged,
        stages: Vec::new(),
        ..posted(date)
    }
}

fn night(days: Vec<DayReport>) -> Night {
    Night {
        job: "trtc-nightly".to_owned(),
        currency: "USD".to_owned(),
        output: "file:///data/out".to_owned(),
        finished_publishing: false,
        days,
        warnings: vec!["auto_renew is not acted on yet".to_owned()],
    }
}

fn facts() -> RunFacts {
    RunFacts {
        peak_memory_bytes: Some(89_128_960),
        next: "nightbill verify jobs/nightly.toml".to_owned(),
    }
}

fn three_days() -> Night {
    night(vec![
        unchanged("2024-10-11"),
        posted("2024-10-12"),
        posted("2024-10-13"),
    ])
}

#[test]
fn one_posted_day() {
    insta::assert_snapshot!(text(&night(vec![posted("2024-10-12")]), &facts(), Look::PLAIN));
}

#[test]
fn several_days_have_a_row_each_and_a_total() {
    insta::assert_snapshot!(text(&three_days(), &facts(), Look::PLAIN));
}

#[test]
fn a_narrow_terminal_gets_two_tables() {
    let look = Look {
        width: Some(100),
        ..Look::PLAIN
    };
    let shown = text(&three_days(), &facts(), look);
    assert!(shown.lines().all(|line| line.chars().count() <= 100), "{shown}");
    insta::assert_snapshot!(shown);
}

#[test]
fn nothing_new() {
    let mut again = night(vec![unchanged("2024-10-12")]);
    again.finished_publishing = true;
    let both = format!(
        "{}---\n{}",
        text(&again, &facts(), Look::PLAIN),
        text(&night(Vec::new()), &facts(), Look::PLAIN)
    );
    insta::assert_snapshot!(both);
}

#[test]
fn colours_and_lines_where_the_terminal_can() {
    let look = Look {
        colour: true,
        utf8: true,
        width: None,
    };
    insta::assert_snapshot!(text(&three_days(), &facts(), look).escape_debug().to_string());
}

#[test]
fn totals_that_leave_their_range_are_not_invented() {
    let mut huge = posted("2024-10-12");
    huge.totals.amount = Cents::from_units(i64::MAX).to_string();
    assert_eq!(total_amount(&[&huge, &posted("2024-10-13")]), None);
    assert_eq!(
        total_amount(&[&posted("2024-10-12"), &posted("2024-10-13")]),
        Some(Cents::from_units(318_740))
    );
}

#[test]
fn the_document_is_as_documented() {
    let (night, facts) = (three_days(), facts());
    let json = to_json(&SettleDocument::new(&night, &facts));
    json_doc::check("settle", &json);
    insta::assert_snapshot!(json);
}

#[test]
fn the_document_of_a_failure_is_as_documented() {
    let failure = Failure::usage("days settle in order", "settle 2024-10-12 first");
    let done = [posted("2024-10-12")];
    let warnings = vec!["nobody reads these".to_owned()];
    let run = FailedRun::new(&failure, &done, &warnings);
    json_doc::check("settle, failed", &to_json(&run));
    assert_eq!(
        run.done_text(),
        "the run ends early; settled before that and kept: 2024-10-12"
    );
}

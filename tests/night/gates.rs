//! What stops a day before anything is posted, and what lets it pass: days, partitions, files, rows.

use super::error;
use super::world::World;
use crate::parquet_rows;

#[test]
fn missing_data_never_bills_zero() {
    let world = World::new();
    world.an_hour_of_hd("2024-10-12");
    let said = world.settle(&["--day", "2024-10-13"]);
    assert_eq!(said.code, 3);
    assert_eq!(
        error(&said),
        "error: cannot settle 2024-10-13: no usage files in date=2024-10-13 under file://DIR/usage; missing data never \
         bills zero: upload the partition, then run again, or pass --accept-thin-day to settle the day without it"
    );
    assert!(!world.has_batch("2024-10-13.00"));
}

#[test]
fn a_thin_day_needs_a_word() {
    let world = World::new();
    let row = |day: &'static str, second: i64| (day, 7, 70, "av", second, None);
    for day in ["2024-10-12", "2024-10-13"] {
        let at = format!("{day}T12:00:00+08:00");
        let rows: Vec<_> = (1..=20)
            .map(|second| (at.as_str(), 7, 70, "av", second, None))
            .collect();
        world.usage(day, "part-0.parquet", &rows);
        world.settled(day);
    }
    world.usage(
        "2024-10-14",
        "part-0.parquet",
        &[row("2024-10-14T12:00:00+08:00", 1); 3],
    );
    let said = world.settle(&["--day", "2024-10-14"]);
    assert_eq!(said.code, 3);
    assert_eq!(
        error(&said),
        "error: cannot settle 2024-10-14: 3 accepted rows, but the 2 settled days before have 20 on average, and \
         min_day_ratio asks for at least 4; look for missing files, or pass --accept-thin-day"
    );
    let said = world.settle(&["--day", "2024-10-14", "--accept-thin-day"]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    world.verified();
}

#[test]
fn too_many_rejects_post_nothing_and_are_written_down() {
    let world = World::new();
    world.usage(
        "2024-10-12",
        "part-0.parquet",
        &[
            ("2024-10-12T12:00:00+08:00", 7, 70, "av", 60, None),
            ("2024-10-12T12:00:00+08:00", 8, 70, "av", 60, None),
            ("2024-10-12T12:00:00+08:00", 7, -1, "av", 60, None),
            ("2024-10-13T12:00:00+08:00", 7, 70, "av", 60, None),
        ],
    );
    let said = world.settle(&["--day", "2024-10-12", "--rejects-out", "bad.parquet"]);
    assert_eq!(said.code, 3);
    assert_eq!(
        error(&said),
        "error: cannot settle 2024-10-12: 3 rejected rows (misplaced 1, bad_key 1, unknown_account 1), max_rejected_rows \
         is 0; 3 of them are in bad.parquet"
    );
    assert!(!world.has_batch("2024-10-12.00"));
    std::fs::create_dir(world.path("bad")).unwrap();
    std::fs::rename(world.path("bad.parquet"), world.path("bad/bad.parquet")).unwrap();
    let mut rejects: Vec<String> = parquet_rows::rows(&world.path("bad"))
        .iter()
        .map(|row| format!("{} {} {}", row["row"], row["reason"], row["account_id"]))
        .collect();
    rejects.sort();
    assert_eq!(rejects, ["2 unknown_account 8", "3 bad_key 7", "4 misplaced 7"]);

    let said = world.settle(&["--day", "2024-10-12", "--set", "max_rejected_rows=3"]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    assert_eq!(
        world.table("rejects", &["day", "file", "row", "reason", "seconds"]),
        [
            "2024-10-12 date=2024-10-12/part-0.parquet 2 unknown_account 60",
            "2024-10-12 date=2024-10-12/part-0.parquet 3 bad_key 60",
            "2024-10-12 date=2024-10-12/part-0.parquet 4 misplaced 60",
        ]
    );
    world.verified();
}

#[test]
fn a_repeated_upload_is_named() {
    let world = World::new();
    world.an_hour_of_hd("2024-10-12");
    let from = world.path("usage/date=2024-10-12/part-0.parquet");
    std::fs::copy(from, world.path("usage/date=2024-10-12/again.parquet")).unwrap();
    let said = world.settle(&["--day", "2024-10-12"]);
    assert_eq!(said.code, 3);
    assert_eq!(
        error(&said),
        "error: cannot settle 2024-10-12: date=2024-10-12/again.parquet and date=2024-10-12/part-0.parquet have the same \
         content: a repeated upload would be billed twice; remove one, or set allow_duplicate_files = true"
    );
    let said = world.settle(&["--day", "2024-10-12", "--set", "allow_duplicate_files=true"]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    assert_eq!(world.table("usage_daily", &["seconds", "rows"]), ["7200 2"]);
}

#[test]
fn days_settle_in_order_and_not_before_their_billing_time() {
    let world = World::new();
    world.an_hour_of_hd("2024-10-12");
    world.settled("2024-10-12");
    let gap = world.settle(&["--day", "2024-10-14"]);
    assert_eq!(gap.code, 2);
    assert_eq!(
        error(&gap),
        "error: 2024-10-13 is not settled: days settle in order, so begin with --from 2024-10-13"
    );
    let early = world.settle(&["--day", "2024-10-11"]);
    assert_eq!(early.code, 2);
    assert!(
        error(&early).contains("before 2024-10-12, the first settled day"),
        "{}",
        early.stderr
    );
    let future = world.settle(&["--from", "2024-10-13", "--to", "2999-01-01"]);
    assert_eq!(future.code, 2);
    assert!(
        error(&future).contains("its billing time is 2999-01-02T02:00:00Z"),
        "{}",
        future.stderr
    );
}

#[test]
fn an_empty_ledger_needs_a_day() {
    let world = World::new();
    let said = world.settle(&[]);
    assert_eq!(said.code, 2);
    assert_eq!(
        error(&said),
        "error: the ledger is empty: name the first day with --day D, or --from D --to D"
    );
}

#[test]
fn partitions_of_another_zone_are_read_with_their_neighbours() {
    let world = World::new();
    world.replace(
        "job.toml",
        "shape = \"seconds\"",
        "shape = \"seconds\", partition_timezone = \"UTC\"",
    );
    // 2024-10-12 in Shanghai is 2024-10-11T16:00Z to 2024-10-12T16:00Z.
    world.usage(
        "2024-10-11",
        "a.parquet",
        &[
            ("2024-10-11T15:59:59Z", 7, 70, "av", 1, None),
            ("2024-10-11T16:00:00Z", 7, 70, "av", 2, None),
        ],
    );
    let said = world.settle(&["--day", "2024-10-12"]);
    assert_eq!(said.code, 3, "the partition of 2024-10-12 is missing");
    world.usage(
        "2024-10-12",
        "b.parquet",
        &[
            ("2024-10-12T15:59:59Z", 7, 70, "av", 4, None),
            ("2024-10-12T16:00:00Z", 7, 70, "av", 8, None),
        ],
    );
    world.settled("2024-10-12");
    assert_eq!(
        world.table("usage_daily", &["day", "seconds", "rows"]),
        ["2024-10-12 6 2"]
    );
    world.verified();
}

#[test]
fn an_outage_day_is_settled_without_its_partition_on_request() {
    let world = World::new();
    world.an_hour_of_hd("2024-10-12");
    world.settled("2024-10-12");
    let said = world.settle(&["--day", "2024-10-13"]);
    assert_eq!(said.code, 3);
    assert!(error(&said).contains("--accept-thin-day"), "{}", said.stderr);
    let said = world.settle(&["--day", "2024-10-13", "--accept-thin-day"]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    assert_eq!(world.table("bill_lines", &["day"]), ["2024-10-12"]);
    world.verified();
}

#[test]
fn files_that_are_no_usage_are_named_once() {
    let world = World::new();
    world.an_hour_of_hd("2024-10-12");
    for name in [
        "usage/a.txt",
        "usage/b.txt",
        "usage/date=2024-10-12/c.csv",
        "usage/date=oops/d.parquet",
    ] {
        world.write(name, "");
    }
    world.write("usage/_tmp/e.txt", "");
    let said = world.settle(&["--day", "2024-10-12"]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    assert_eq!(
        said.stderr,
        "warning: 4 files in the usage directory are not read, as they are no date=YYYY-MM-DD/…/*.parquet files: a.txt, \
         b.txt, date=2024-10-12/c.csv, …\n"
    );
}

#[test]
fn output_and_inputs_are_apart() {
    let world = World::new();
    world.an_hour_of_hd("2024-10-12");
    for output in ["file:usage", "file:usage/out", "file:."] {
        let said = world.settle(&["--day", "2024-10-12", "--set", &format!("output={output}")]);
        assert_eq!(said.code, 2, "{output}: {}", said.stderr);
        assert!(
            said.stderr.contains("output and inputs.usage lie in one another"),
            "{}",
            said.stderr
        );
    }
}

#[test]
fn a_ledger_keeps_its_zone_and_its_currency() {
    let world = World::new();
    world.an_hour_of_hd("2024-10-12");
    world.settled("2024-10-12");
    world.an_hour_of_hd("2024-10-13");
    let said = world.settle(&["--day", "2024-10-13", "--set", "timezone=UTC"]);
    assert_eq!(said.code, 2);
    assert_eq!(
        error(&said),
        "error: the timezone is UTC, but the ledger in file://DIR/out is kept in Asia/Shanghai: put it back, or name \
         another output"
    );
    world.replace("catalog.toml", "currency = \"USD\"", "currency = \"CNY\"");
    let said = world.settle(&["--day", "2024-10-13"]);
    assert_eq!(said.code, 2);
    assert!(error(&said).contains("the currency is CNY"), "{}", said.stderr);
    assert!(!world.has_batch("2024-10-13.00"));
}

//! Usage that was summed by the day elsewhere.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use super::samples::DAILY;
use super::world::World;

const HOUR: &str = "7 70 2024-10-12 av hd 3600";

fn world() -> World {
    let world = World::new();
    world.replace("job.toml", "shape = \"seconds\"", "shape = \"daily\"");
    world
}

/// Rows of one key add up, and each counts as a row.
#[test]
fn sums_of_a_day_are_billed() {
    let world = world();
    world.rows(
        "usage/date=2024-10-12/eu/a.parquet",
        &DAILY,
        &format!("{HOUR}\n7 70 2024-10-12 delivery tencent_hd 61"),
    );
    world.rows("usage/date=2024-10-12/us/a.parquet", &DAILY, "7 70 2024-10-12 av hd 1");
    world.settled("2024-10-12");
    world.verified();
    assert_eq!(
        world.table("usage_daily", &["sdk_app_id", "day", "item", "tier", "seconds", "rows"]),
        ["70 2024-10-12 av hd 3601 2", "70 2024-10-12 delivery tencent_hd 61 1"]
    );
    assert_eq!(
        world.table(
            "bill_lines",
            &["sdk_app_id", "item", "tier", "seconds", "minutes", "amount"]
        ),
        ["0 delivery tencent_hd 61 2 0.000260000", "70 av hd 3601 61 0.243390000"]
    );
}

#[test]
fn rows_that_break_a_rule_are_rejects() {
    let world = world();
    world.replace("job.toml", "[inputs]", "max_rejected_rows = 100\n\n[inputs]");
    let rows = format!(
        "
        {HOUR}
        7 70 -          av     hd   60
        7 70 2024-10-11 av     hd   60
        - 70 2024-10-12 av     hd   60
        7 0  2024-10-12 av     hd   60
        8 70 2024-10-12 av     hd   60
        7 70 2024-10-12 audio  hd   60
        7 70 2024-10-12 -      hd   60
        7 70 2024-10-12 mau    user 60
        7 70 2024-10-12 av     8k   60
        7 70 2024-10-12 av     -    60
        7 70 2024-10-12 av     hd   0
        7 70 2024-10-12 av     hd   -
        7 70 2024-10-12 av     hd   1000000000001
        "
    );
    world.rows("usage/date=2024-10-12/a.parquet", &DAILY, &rows);
    world.settled("2024-10-12");
    world.verified();
    let mut rejects = world.table("rejects", &["row", "reason", "meter", "seconds"]);
    rejects.sort_by_key(|reject| reject.split(' ').next().unwrap().parse::<i64>().unwrap());
    assert_eq!(
        rejects,
        [
            "2 bad_day av.hd 60",
            "3 misplaced av.hd 60",
            "4 null_key av.hd 60",
            "5 bad_key av.hd 60",
            "6 unknown_account av.hd 60",
            "7 unknown_item audio.hd 60",
            "8 unknown_item .hd 60",
            "9 unknown_item mau.user 60",
            "10 unknown_tier av.8k 60",
            "11 unknown_tier av. 60",
            "12 bad_seconds av.hd 0",
            "13 bad_seconds av.hd null",
            "14 bad_seconds av.hd 1000000000001",
        ]
    );
    assert_eq!(world.table("usage_daily", &["seconds", "rows"]), ["3600 1"]);
}

#[test]
fn files_that_are_something_else_end_the_run() {
    let world = world();
    world.an_hour_of_hd("2024-10-12");
    let said = world.settle(&["--day", "2024-10-12"]);
    assert_eq!(said.code, 3);
    assert!(
        said.stderr
            .contains("date=2024-10-12/part-0.parquet, column day: there is no such column, and a date is needed"),
        "{}",
        said.stderr
    );
}

/// 9.3 million rows of 10^12 s: no sum of a group, thread or day goes beyond 64 bits unnoticed.
#[test]
fn too_many_seconds_end_the_run() {
    let world = world();
    let row = "7 70 2024-10-12 av hd 1000000000000\n";
    for file in 0..10 {
        // Different bytes each, lest they be repeated uploads.
        let rows = format!("{}7 70 2024-10-12 av hd {}\n", row.repeat(930_000), file + 1);
        world.rows(&format!("usage/date=2024-10-12/{file}.parquet"), &DAILY, &rows);
    }
    let said = world.settle(&["--day", "2024-10-12"]);
    assert_eq!(said.code, 3, "{}", said.stderr);
    assert!(
        said.stderr.contains("the sum of seconds is out of range"),
        "{}",
        said.stderr
    );
}

#[test]
fn five_minutes_and_another_zone_are_refused() {
    let world = world();
    world.rows("usage/date=2024-10-12/a.parquet", &DAILY, HOUR);
    world.replace("job.toml", "[inputs]", "deduction_period = \"5min\"\n\n[inputs]");
    let said = world.settle(&["--day", "2024-10-12"]);
    assert_eq!(said.code, 2);
    assert!(
        said.stderr.contains("\"5min\" needs usage with timestamps"),
        "{}",
        said.stderr
    );
    world.replace("job.toml", "deduction_period = \"5min\"\n", "");
    world.replace(
        "job.toml",
        "shape = \"daily\"",
        "shape = \"daily\", partition_timezone = \"UTC\"",
    );
    let said = world.settle(&["--day", "2024-10-12"]);
    assert_eq!(said.code, 2);
    assert!(said.stderr.contains("leave partition_timezone out"), "{}", said.stderr);
}

/// The first block of a language in `docs/daily-usage.md`.
fn documented(language: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/daily-usage.md");
    let text = fs::read_to_string(path).unwrap();
    let begin = format!("```{language}\n");
    let from = text.find(&begin).unwrap() + begin.len();
    let length = text[from..].find("```").unwrap();
    text[from..from + length].to_owned()
}

/// Runs the documented SQL, on DuckDB, over the sample's usage, and settles what it wrote: every table but the number of rows
/// of `usage_daily` is byte for byte that of the sample settled from its seconds.
#[test]
#[ignore = "needs Python with duckdb"]
fn the_documented_sql_gives_the_same_bills() {
    let python = std::env::var("NIGHTBILL_PYTHON").expect(".ci/run names a Python that has duckdb");
    let world = World::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let job = fs::read_to_string(root.join("jobs/nightly.toml")).unwrap();
    let job = job
        .replace(
            "file:../sample_data",
            &format!("file://{}", root.join("sample_data").display()),
        )
        .replace("catalog/trtc.toml", "catalog.toml")
        .replace("file:../out", "file:out");
    let daily = job
        .replace(
            &format!("file://{}", root.join("sample_data/usage").display()),
            "file:daily",
        )
        .replace("shape = \"seconds\"", "shape = \"daily\"")
        .replace(", partition_timezone = \"Asia/Shanghai\"", "");
    assert!(daily.contains("url = \"file:daily\", shape = \"daily\" }"), "{daily}");
    world.write("job.toml", &job);
    world.write("daily.toml", &daily.replace("file:out", "file:out-daily"));
    let sql = documented("sql").replace("'usage/", &format!("'{}/sample_data/usage/", root.display()));
    let ran = Command::new(python)
        .args(["-c", "import sys, duckdb; duckdb.connect().execute(sys.argv[1])", &sql])
        .current_dir(world.path(""))
        .output()
        .unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    for job in ["job.toml", "daily.toml"] {
        let said = world.run(&["settle", job, "--from", "2024-10-11", "--to", "2024-10-14"]);
        assert_eq!(said.code, 0, "{}", said.stderr);
    }
    let tables = |out: &str| -> BTreeMap<String, String> {
        let mut files = world.table_files_of(out);
        files.retain(|path, _| !path.starts_with("usage_daily/"));
        files
    };
    assert_eq!(tables("out"), tables("out-daily"));
    const SUMS: [&str; 6] = ["account_id", "sdk_app_id", "day", "item", "tier", "seconds"];
    assert_eq!(
        world.table_of("out", "usage_daily", &SUMS),
        world.table_of("out-daily", "usage_daily", &SUMS)
    );
    assert_eq!(world.run(&["verify", "daily.toml", "--all"]).code, 0);
}

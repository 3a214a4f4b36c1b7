//! Relay, screenshots and monthly active users: the guide's examples, what counts, what is rejected, and when they are read.

use super::samples::{Kind, LOGINS, RELAY, SCREENSHOTS};
use super::world::World;

/// Account 7 with an hour of usage on the month's last day, and this input.
fn world(input: &str) -> World {
    let world = World::new();
    world.an_hour_of_hd("2024-10-31");
    world.input(input);
    world
}

/// Relays `tasks` streams of 500 kbps at noon of October 12, and settles the month.
fn relayed(tasks: usize, destination: &str) -> World {
    let world = world("relay");
    let rows: String = (0..tasks)
        .map(|task| format!("7 70 task-{task} 2024-10-12T12:00:00+08:00 500 {destination}\n"))
        .collect();
    world.rows("relay/date=2024-10-12/a.parquet", &RELAY, &rows);
    world.settled("2024-10-31");
    world.verified();
    world
}

const LINE: [&str; 9] = [
    "sdk_app_id",
    "day",
    "tier",
    "minutes",
    "quantity",
    "unit",
    "unit_price",
    "per",
    "amount",
];

/// Lines of an item.
fn lines(world: &World, item: &str) -> Vec<String> {
    let lines = world.table("bill_lines", &[&["item"], &LINE[..]].concat());
    let prefix = format!("{item} ");
    lines
        .iter()
        .filter_map(|line| line.strip_prefix(&prefix))
        .map(str::to_owned)
        .collect()
}

/// `[T]` Relay Fees, example 1: 10 streams of 500 kbps to CSS are 5 Mbps, and "this portion of the cost will not need to be
/// paid".
#[test]
fn relay_example_1_5_mbps_to_css_are_free() {
    let world = relayed(10, "css");
    assert_eq!(
        lines(&world, "relay"),
        ["0 2024-10-31 css 0 0.000000 mbps 18.990000 1 0.000000000"]
    );
    assert_eq!(world.bill("relay"), ["0.00"]);
}

/// `[T]` Relay Fees, example 2: 300 streams of 500 kbps to CSS are 150 Mbps, 2848.50 USD.
#[test]
fn relay_example_2_150_mbps_to_css_cost_2848_50() {
    let world = relayed(300, "css");
    assert_eq!(
        lines(&world, "relay"),
        ["0 2024-10-31 css 0 150.000000 mbps 18.990000 1 2848.500000000"]
    );
    assert_eq!(world.bill("relay"), ["2848.50"]);
    let columns = ["bill_id", "period_start", "period_end", "cadence", "issued_at"];
    assert_eq!(
        world.table("bills", &columns)[0],
        "7/2024-10-01/relay 2024-10-01 2024-10-31 monthly 2024-11-01 02:00:00.000000 +00:00"
    );
}

/// `[T]` Relay Fees, example 3: 10 streams of 500 kbps to third parties are 5 Mbps, 94.95 USD.
#[test]
fn relay_example_3_5_mbps_to_third_parties_cost_94_95() {
    let world = relayed(10, "third_party");
    assert_eq!(
        lines(&world, "relay"),
        ["0 2024-10-31 third_party 0 5.000000 mbps 18.990000 1 94.950000000"]
    );
    assert_eq!(world.bill("relay"), ["94.95"]);
}

/// Within a minute a task's largest sample counts; tasks of all apps add up; the largest minute of the month counts.
#[test]
fn a_peak_is_the_largest_minute_of_the_month() {
    let world = world("relay");
    world.rows(
        "relay/date=2024-10-01/a.parquet",
        &RELAY,
        "
        7 70 a 2024-10-01T00:00:00+08:00 3000 third_party
        7 70 a 2024-10-01T00:00:59+08:00 5000 third_party
        7 71 b 2024-10-01T00:00:30+08:00 2000 third_party
        7 71 b 2024-10-01T00:01:00+08:00 6999 third_party
        7 70 c 2024-10-01T00:00:30+08:00 9000 css
        ",
    );
    world.rows(
        "relay/date=2024-10-31/region=eu/a.parquet",
        &RELAY,
        "
        7 70 a 2024-10-31T23:59:59.999+08:00 7001 third_party
        7 70 a 2024-10-31T23:58:59+08:00 0 third_party
        ",
    );
    world.rows(
        "relay/date=2024-11-01/a.parquet",
        &RELAY,
        "7 70 a 2024-11-01T00:00:00+08:00 99999 third_party",
    );
    world.settled("2024-10-31");
    assert_eq!(
        lines(&world, "relay"),
        [
            "0 2024-10-31 css 0 0.000000 mbps 18.990000 1 0.000000000",
            "0 2024-10-31 third_party 0 7.001000 mbps 18.990000 1 132.948990000"
        ]
    );
    world.verified();
}

fn shot(images: &[i64]) -> World {
    let world = world("screenshots");
    for (at, images) in images.iter().enumerate() {
        let day = format!("2024-10-{:02}", at * 10 + 1);
        let app = 70 + at;
        world.rows(
            &format!("screenshots/date={day}/a.parquet"),
            &SCREENSHOTS,
            &format!("7 {app} {day}T12:00:00+08:00 {images}"),
        );
    }
    world.settled("2024-10-31");
    world.verified();
    world
}

/// `[T]` Video Screenshot Upload, example 1: 8 thousand are within the free 10 thousand.
#[test]
fn screenshots_example_1_8_thousand_are_free() {
    let world = shot(&[8_000]);
    assert_eq!(
        lines(&world, "screenshots"),
        ["0 2024-10-31 image 0 0.000000 image 0.030000 1000 0.000000000"]
    );
    assert_eq!(world.bill("screenshots"), ["0.00"]);
}

/// `[T]` Video Screenshot Upload, example 2: 22 thousand are 12 thousand to pay for, 0.36 USD (decision M9).
#[test]
fn screenshots_example_2_22_thousand_cost_0_36() {
    let world = shot(&[10_000, 5_000, 7_000]);
    assert_eq!(
        lines(&world, "screenshots"),
        ["0 2024-10-31 image 0 12000.000000 image 0.030000 1000 0.360000000"]
    );
    assert_eq!(world.bill("screenshots"), ["0.36"]);
}

/// A user counts once per app and month, whatever the day; the account's packages include some.
#[test]
fn users_are_counted_once_per_app_and_month() {
    let world = world("logins");
    world.replace(
        "catalog.toml",
        "\"av.audio\" = \"0.99\"",
        "\"mau.user\" = \"0.05\"\n\"av.audio\" = \"0.99\"",
    );
    world.replace("catalog.toml", "mau = 5_000", "mau = 2");
    world.write(
        "packages.csv",
        "package_id,account_id,apps,plan,purchased_at\np,7,70,call.one_to_one,2024-10-31T12:00:00+08:00\n",
    );
    for (day, users) in [
        ("2024-10-02", ["ann", "bob", "cyd"]),
        ("2024-10-31", ["ann", "dan", "bob"]),
    ] {
        let rows: String = users
            .iter()
            .map(|user| format!("7 70 {user} {day}T12:00:00+08:00\n7 70 {user} {day}T13:00:00+08:00\n7 71 {user} {day}T12:00:00+08:00\n"))
            .collect();
        world.rows(&format!("logins/date={day}/a.parquet"), &LOGINS, &rows);
    }
    world.settled("2024-10-31");
    assert_eq!(
        lines(&world, "mau"),
        [
            "70 2024-10-31 user 0 2.000000 user 0.050000 1 0.100000000",
            "71 2024-10-31 user 0 4.000000 user 0.050000 1 0.200000000"
        ]
    );
    assert_eq!(world.bill("mau"), ["0.30"]);
    world.verified();
}

/// The shipped catalog has no price for users: they are shown, cost nothing, and a warning says so.
#[test]
fn users_without_a_price_are_counted_and_not_billed() {
    let world = world("logins");
    world.rows(
        "logins/date=2024-10-31/a.parquet",
        &LOGINS,
        "7 70 ann 2024-10-31T12:00:00+08:00",
    );
    let said = world.settle(&["--day", "2024-10-31"]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    assert!(
        said.stderr
            .contains("1 lines of 2024-10-31 have a quantity of a tier without a price"),
        "{}",
        said.stderr
    );
    assert_eq!(
        lines(&world, "mau"),
        ["70 2024-10-31 user 0 1.000000 user 0.000000 1 0.000000000"]
    );
    world.verified();
}

/// With `unpriced = "stop"` they end the run.
#[test]
fn users_that_must_be_priced_end_the_run() {
    let world = world("logins");
    world.replace("catalog.toml", "unpriced = \"unbilled\"", "unpriced = \"stop\"");
    world.rows(
        "logins/date=2024-10-31/a.parquet",
        &LOGINS,
        "7 70 ann 2024-10-31T12:00:00+08:00",
    );
    let said = world.settle(&["--day", "2024-10-31"]);
    assert_eq!(said.code, 2);
    assert!(
        said.stderr.contains("mau.user has no price on 2024-10-31 in price list list, and account 7 (app 70) is to pay for a quantity of 1.000000"),
        "{}",
        said.stderr
    );
}

/// SPEC 3.7: not when `payg = off`.
#[test]
fn nothing_is_billed_without_pay_as_you_go() {
    let world = world("relay");
    world.replace(
        "accounts.csv",
        "7,2024-01-01T00:00:00+08:00,on",
        "7,2024-01-01T00:00:00+08:00,off",
    );
    world.rows(
        "relay/date=2024-10-12/a.parquet",
        &RELAY,
        "7 70 a 2024-10-12T12:00:00+08:00 500 third_party",
    );
    world.settled("2024-10-31");
    assert_eq!(lines(&world, "relay"), Vec::<String>::new());
    world.verified();
}

/// On other days than the month's last one nothing of them is read, whatever it is.
#[test]
fn other_days_read_none_of_it() {
    let world = World::new();
    world.input("relay");
    world.an_hour_of_hd("2024-10-30");
    world.an_hour_of_hd("2024-10-31");
    world.write("relay/date=2024-10-30/a.parquet", "no Parquet");
    world.settled("2024-10-30");
    let said = world.settle(&["--day", "2024-10-31"]);
    assert_eq!(said.code, 3, "{}", said.stderr);
    assert!(
        said.stderr
            .contains("cannot settle 2024-10-31: inputs.relay: date=2024-10-30/a.parquet"),
        "{}",
        said.stderr
    );
}

/// Partitions of UTC dates: the month's first hours are in the partition of the day before it.
#[test]
fn the_month_is_the_jobs_whatever_the_partitions_zone() {
    let world = world("screenshots");
    world.replace(
        "job.toml",
        "screenshots = \"file:screenshots\"",
        "screenshots = { url = \"file:screenshots\", partition_timezone = \"UTC\" }",
    );
    let first = "7 70 2024-10-01T00:00:00+08:00 10000\n7 70 2024-09-30T23:59:59+08:00 500000";
    world.rows("screenshots/date=2024-09-30/a.parquet", &SCREENSHOTS, first);
    let last = "7 70 2024-10-31T23:59:59+08:00 1\n7 70 2024-11-01T00:00:00+08:00 500000";
    world.rows("screenshots/date=2024-10-31/a.parquet", &SCREENSHOTS, last);
    world.settled("2024-10-31");
    assert_eq!(
        lines(&world, "screenshots"),
        ["0 2024-10-31 image 0 1000.000000 image 0.030000 1000 0.030000000"]
    );
}

const REJECT: [&str; 7] = ["day", "file", "row", "reason", "account_id", "sdk_app_id", "ts"];

/// Every reason, the first that holds; they belong to the batch of the month's last day.
#[test]
fn rows_that_break_a_rule_are_rejects_of_the_months_last_day() {
    let world = world("relay");
    world.input("screenshots");
    world.input("logins");
    world.replace("job.toml", "[inputs]", "max_rejected_rows = 100\n\n[inputs]");
    world.rows(
        "relay/date=2024-10-12/a.parquet",
        &RELAY,
        "
        7 70 a -                         500 css
        7 70 a 2024-10-13T00:00:00+08:00 500 css
        - 70 a 2024-10-12T12:00:00+08:00 500 css
        7 -  a 2024-10-12T12:00:00+08:00 500 css
        7 70 - 2024-10-12T12:00:00+08:00 500 css
        0 70 a 2024-10-12T12:00:00+08:00 500 css
        7 70 '' 2024-10-12T12:00:00+08:00 500 css
        8 70 a 2024-10-12T12:00:00+08:00 500 nowhere
        7 70 a 2024-10-12T12:00:00+08:00 -1  nowhere
        7 70 a 2024-10-12T12:00:00+08:00 500 -
        7 70 a 2024-10-12T12:00:00+08:00 -1  css
        7 70 a 2024-10-12T12:00:00+08:00 -   css
        7 70 a 2024-10-12T12:00:00+08:00 0   css
        ",
    );
    world.rows(
        "screenshots/date=2024-10-12/a.parquet",
        &SCREENSHOTS,
        "
        7 70 2024-10-12T12:00:00+08:00 -1
        7 70 2024-10-12T12:00:00+08:00 -
        7 70 2024-10-12T12:00:00+08:00 0
        ",
    );
    world.rows(
        "logins/date=2024-10-12/a.parquet",
        &LOGINS,
        "7 70 - 2024-10-12T12:00:00+08:00",
    );
    world.settled("2024-10-31");
    world.verified();
    let mut reasons: Vec<String> = world
        .table("rejects", &["file", "reason"])
        .iter()
        .map(|line| line.replace("/date=2024-10-12/a.parquet", ""))
        .collect();
    reasons.sort();
    let expected = [
        "logins null_key",
        "relay bad_kbps",
        "relay bad_kbps",
        "relay bad_key",
        "relay bad_key",
        "relay bad_ts",
        "relay misplaced",
        "relay null_key",
        "relay null_key",
        "relay null_key",
        "relay unknown_account",
        "relay unknown_destination",
        "relay unknown_destination",
        "screenshots bad_images",
        "screenshots bad_images",
    ];
    assert_eq!(reasons, expected);
    let rejects = world.table("rejects", &REJECT);
    let tenth =
        "2024-10-31 relay/date=2024-10-12/a.parquet 10 unknown_destination 7 70 2024-10-12 04:00:00.000000 +00:00";
    assert!(rejects.iter().any(|reject| reject == tenth), "{rejects:?}");
    let record = std::fs::read_to_string(world.path("out/_batches/2024-10-31.00.json")).unwrap();
    let record: serde_json::Value = serde_json::from_str(&record).unwrap();
    let relay = &record["totals"]["measured"][0];
    let figures = ["files", "rows", "accepted_rows", "rejected_rows"].map(|key| relay[key].as_i64().unwrap());
    assert_eq!((relay["input"].as_str(), figures), (Some("relay"), [1, 13, 1, 12]));
    assert_eq!(record["totals"]["rejected_rows"], 0, "usage has none");
    assert_eq!(record["inputs"][1]["input"], "relay");
    assert_eq!(record["inputs"][1]["day_rows"], 13);
}

/// More of them than the job tolerates, over all inputs, end the run.
#[test]
fn too_many_rejects_end_the_run() {
    let world = world("screenshots");
    world.rows(
        "screenshots/date=2024-10-12/a.parquet",
        &SCREENSHOTS,
        "7 70 2024-10-12T12:00:00+08:00 -1",
    );
    let said = world.settle(&["--day", "2024-10-31"]);
    assert_eq!(said.code, 3, "{}", said.stderr);
    assert!(
        said.stderr.contains("1 rejected rows (bad_images 1)"),
        "{}",
        said.stderr
    );
    assert!(!world.has_batch("2024-10-31.00"));
}

/// Files of the same bytes are a repeated upload here too.
#[test]
fn two_files_with_the_same_bytes_end_the_run() {
    let world = world("screenshots");
    for day in ["2024-10-12", "2024-10-13"] {
        let path = format!("screenshots/date={day}/a.parquet");
        world.rows(&path, &SCREENSHOTS, "7 70 2024-10-12T12:00:00+08:00 5");
    }
    let said = world.settle(&["--day", "2024-10-31"]);
    assert_eq!(said.code, 3);
    assert!(said.stderr.contains("have the same content"), "{}", said.stderr);
}

/// Settled again: unchanged while the files add up to the same, whatever they are called.
#[test]
fn a_settled_month_is_compared_with_what_is_there() {
    let world = world("logins");
    let path = "logins/date=2024-10-12/a.parquet";
    world.rows(path, &LOGINS, "7 70 ann 2024-10-12T12:00:00+08:00");
    world.settled("2024-10-31");
    let unchanged = world.settle(&["--day", "2024-10-31"]);
    assert_eq!(unchanged.code, 0, "{}", unchanged.stderr);
    std::fs::rename(world.path(path), world.path("logins/date=2024-10-12/b.parquet")).unwrap();
    let renamed = world.settle(&["--day", "2024-10-31"]);
    assert_eq!(renamed.code, 0, "{}", renamed.stderr);
    world.rows(
        "logins/date=2024-10-13/c.parquet",
        &LOGINS,
        "7 70 bob 2024-10-13T12:00:00+08:00",
    );
    let changed = world.settle(&["--day", "2024-10-31"]);
    assert_eq!(changed.code, 2);
    assert!(
        changed
            .stderr
            .contains("the logins file date=2024-10-12/b.parquet is new or has changed"),
        "{}",
        changed.stderr
    );
}

/// 42 and "42" are one user, and so are ids beyond 63 bits; task ids likewise.
#[test]
fn integers_and_their_digits_are_one_user() {
    let world = world("logins");
    let numbers = [
        ("account_id", Kind::Int),
        ("sdk_app_id", Kind::Int),
        ("user_id", Kind::Number),
        ("ts", Kind::Time),
    ];
    let rows = |users: &str| -> String {
        users
            .split(' ')
            .map(|user| format!("7 70 {user} 2024-10-12T12:00:00+08:00\n"))
            .collect()
    };
    world.rows(
        "logins/date=2024-10-12/a.parquet",
        &numbers,
        &rows("42 18446744073709551615 18446744073709551614"),
    );
    world.rows(
        "logins/date=2024-10-12/b.parquet",
        &LOGINS,
        &rows("42 18446744073709551615 042"),
    );
    world.settled("2024-10-31");
    assert_eq!(lines(&world, "mau")[0].split(' ').nth(4), Some("4.000000"));
}

/// A month of which no partition is there bills nothing (SPEC 3.7), but a wrong address looks the same.
#[test]
fn an_input_without_any_file_is_warned_of() {
    let world = world("relay");
    world.an_hour_of_hd("2024-10-30");
    let warned = |day: &str| {
        let said = world.settle(&["--day", day]);
        assert_eq!(said.code, 0, "{}", said.stderr);
        said.stderr
            .contains("inputs.relay has no file for the days that the batch of 2024-10-31 bills")
    };
    assert!(!warned("2024-10-30"), "that batch bills nothing of it");
    assert!(warned("2024-10-31"));
    assert!(lines(&world, "relay").is_empty());
}

/// An input that no item of the catalog charges for is said to be for nothing.
#[test]
fn an_input_without_an_item_is_warned_of() {
    let world = world("relay");
    world.replace("catalog.toml", "kind = \"peak\"", "kind = \"count\"");
    world.replace(
        "catalog.toml",
        "tiers = [\"css\", \"third_party\"]\ninterval_seconds = 60\nfree_if_at_most = { css = 100 }\n",
        "tiers = [\"css\"]\n",
    );
    world.replace("catalog.toml", "\"relay.third_party\"", "# \"relay.third_party\"");
    let said = world.settle(&["--day", "2024-10-31"]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    assert!(said.stderr.contains("inputs.relay is not billed"), "{}", said.stderr);
}

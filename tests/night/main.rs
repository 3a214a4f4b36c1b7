//! The night end to end, on the real binary: bills, the no-op, balances, periods, determinism; explanations, faults, gates and laws in their modules.

mod compact;
mod daily;
mod explain;
mod faults;
mod gates;
mod guide;
#[expect(dead_code, reason = "the examples are checked by tests/cli/main.rs")]
#[path = "../support/json_doc.rs"]
mod json_doc;
mod laws;
mod money;
mod monthly;
#[path = "../support/parquet_rows.rs"]
mod parquet_rows;
mod products;
mod samples;
mod world;

use world::World;

/// The line of stderr that says why a run ended.
fn error(said: &world::Said) -> String {
    said.stderr
        .lines()
        .filter(|line| line.starts_with("error:"))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn a_day_is_billed_and_the_laws_hold() {
    let world = World::new();
    world.an_hour_of_hd("2024-10-12");
    world.settled("2024-10-12");
    assert_eq!(
        world.table("bills", &["bill_id", "exact", "amount", "issued_at", "corrects"]),
        ["7/2024-10-12/av 0.239400000 0.24 2024-10-13 02:00:00.000000 +00:00 null"]
    );
    assert_eq!(
        world.table(
            "bill_lines",
            &[
                "minutes",
                "free_minutes",
                "payg_minutes",
                "unit_price",
                "amount",
                "price_list"
            ]
        ),
        ["60 0 60 3.990000 0.239400000 list"]
    );
    assert_eq!(
        world.table(
            "accounts",
            &["account_id", "opening", "paid", "charged", "closing", "state"]
        ),
        ["7 0.00 0.00 0.24 -0.24 overdue"]
    );
    world.verified();
}

#[test]
fn settling_again_changes_nothing_and_says_so() {
    let world = World::new();
    world.an_hour_of_hd("2024-10-12");
    world.settled("2024-10-12");
    let before = world.table_files();
    let said = world.settle(&["--day", "2024-10-12"]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    assert!(said.stdout.contains("2024-10-12 was settled before"), "{}", said.stdout);
    assert!(said.stdout.contains("nothing changed"), "{}", said.stdout);
    assert_eq!(before, world.table_files());
}

#[test]
fn a_file_rewritten_with_the_same_sums_is_unchanged_and_one_with_others_is_not() {
    let world = World::new();
    world.an_hour_of_hd("2024-10-12");
    world.settled("2024-10-12");
    let noon = "2024-10-12T12:00:00+08:00";
    let one = "2024-10-12T13:00:00+08:00";
    world.usage(
        "2024-10-12",
        "part-0.parquet",
        &[
            (one, 7, 70, "av", 1_800, Some(100)),
            (noon, 7, 70, "av", 1_800, Some(100)),
        ],
    );
    let said = world.settle(&["--day", "2024-10-12"]);
    assert_eq!(said.code, 2, "two rows are not one row: {}", said.stdout);
    world.an_hour_of_hd("2024-10-12");
    let said = world.settle(&["--day", "2024-10-12"]);
    assert_eq!(said.code, 0, "another etag, the same sums: {}", said.stderr);
    world.usage("2024-10-12", "late.parquet", &[(one, 7, 70, "av", 60, Some(100))]);
    let said = world.settle(&["--day", "2024-10-12"]);
    assert_eq!(said.code, 2);
    assert_eq!(
        error(&said),
        "error: 2024-10-12 is settled, and the usage file date=2024-10-12/late.parquet is new or has changed since; this \
         version cannot post corrections, so nothing was posted: put the inputs back, or leave the day out"
    );
}

#[test]
fn a_purchase_that_came_late_is_a_change() {
    let world = World::new();
    world.an_hour_of_hd("2024-10-12");
    world.settled("2024-10-12");
    world.replace(
        "packages.csv",
        "refunded_at\n",
        "refunded_at\np1,7,70,live.lite,2024-10-12T09:00:00+08:00,,\n",
    );
    let said = world.settle(&["--day", "2024-10-12"]);
    assert_eq!(said.code, 2);
    assert!(
        error(&said).contains("dated facts of account 7 have changed"),
        "{}",
        said.stderr
    );
    world.replace(
        "packages.csv",
        "2024-10-12T09:00:00+08:00",
        "2024-10-13T10:00:00.000001+08:00",
    );
    let said = world.settle(&["--day", "2024-10-12"]);
    assert_eq!(
        said.code, 0,
        "bought after the billing time: as if absent: {}",
        said.stderr
    );
}

#[test]
fn what_was_used_of_a_package_that_comes_to_light_late_counts() {
    let world = World::new();
    world.an_hour_of_hd("2024-10-12");
    world.settled("2024-10-12");
    world.replace(
        "packages.csv",
        "refunded_at\n",
        "refunded_at\np1,7,70,live.lite,2024-10-01T09:00:00+08:00,,\n",
    );
    world.replace("opening_grants.csv", "10000\n", "10000\np1,99999\n");
    world.an_hour_of_hd("2024-10-13");
    world.settled("2024-10-13");
    let grants = world.table("grants", &["grant_id", "opening", "used", "balance"]);
    assert_eq!(grants.last().unwrap(), "p1 99999.00 99999.00 1.00");
    assert_eq!(
        world.table("bill_lines", &["day", "package_minutes", "payg_minutes"]),
        ["2024-10-12 0 60", "2024-10-13 0 60"],
        "one quota minute is too little for HD"
    );
    world.verified();
}

#[test]
fn a_tier_without_a_price_stops_the_run_unless_told_otherwise() {
    let world = World::new();
    world.usage(
        "2024-10-12",
        "a.parquet",
        &[("2024-10-12T12:00:00+08:00", 7, 70, "screen_recording", 60, Some(1))],
    );
    let said = world.settle(&["--day", "2024-10-12"]);
    assert_eq!(said.code, 2);
    assert_eq!(
        error(&said),
        "error: cannot settle 2024-10-12: screen_recording.hd has no price on 2024-10-12 in price list list, and account 7 \
         (app 70) used 1 minutes of it beyond its grants; give it a price, or set unpriced = \"unbilled\" on the item"
    );
    assert!(!world.has_batch("2024-10-12.00"));
    assert!(
        !world.path("out/_staging").exists() || std::fs::read_dir(world.path("out/_staging")).unwrap().count() == 0
    );
}

#[test]
fn an_account_with_a_balance_must_not_vanish() {
    let world = World::new();
    world.an_hour_of_hd("2024-10-12");
    world.settled("2024-10-12");
    world.write("accounts.csv", "account_id,registered_at\n8,2024-01-01T00:00:00Z\n");
    world.write("opening_grants.csv", "grant_id,used\n");
    world.usage(
        "2024-10-13",
        "a.parquet",
        &[("2024-10-13T12:00:00+08:00", 8, 80, "av", 60, None)],
    );
    let said = world.settle(&["--day", "2024-10-13"]);
    assert_eq!(said.code, 3);
    assert!(
        error(&said).contains("account 7 has a balance in the ledger"),
        "{}",
        said.stderr
    );
    assert!(!world.has_batch("2024-10-13.00"));
}

#[test]
fn balances_chain_over_days_and_payments_count_once() {
    let world = World::new();
    world.replace(
        "job.toml",
        "opening_grants =",
        "opening = \"file:opening.csv\"\nopening_grants =",
    );
    world.write("opening.csv", "account_id,balance\n7,5.00\n");
    world.write(
        "payments.csv",
        "payment_id,account_id,paid_at,amount\n\
         before,7,2024-10-11T23:59:59+08:00,100\n\
         first,7,2024-10-12T00:00:00+08:00,1\n\
         sharp,7,2024-10-13T10:00:00+08:00,2\n\
         next,7,2024-10-13T10:00:01+08:00,4\n",
    );
    world.an_hour_of_hd("2024-10-12");
    world.an_hour_of_hd("2024-10-13");
    world.settled("2024-10-12");
    world.settled("2024-10-13");
    assert_eq!(
        world.table(
            "accounts",
            &["day", "opening", "paid", "charged", "closing", "paid_total"]
        ),
        [
            "2024-10-12 5.00 3.00 0.24 7.76 3.00",
            "2024-10-13 7.76 4.00 0.24 11.52 7.00"
        ]
    );
    world.verified();
}

#[test]
fn five_minute_deduction_keeps_its_periods() {
    let world = World::new();
    world.replace("job.toml", "output =", "deduction_period = \"5min\"\noutput =");
    // [T] FAQ: 30, 20 and 40 seconds in three periods.
    world.usage(
        "2024-10-12",
        "a.parquet",
        &[
            ("2024-10-12T00:00:00+08:00", 7, 70, "av", 30, None),
            ("2024-10-12T00:05:00+08:00", 7, 70, "av", 20, None),
            ("2024-10-12T00:14:59+08:00", 7, 70, "av", 40, None),
        ],
    );
    world.settled("2024-10-12");
    assert_eq!(
        world.table("usage_periods", &["period", "seconds"]),
        ["0 30", "1 20", "2 40"]
    );
    assert_eq!(world.table("bill_lines", &["seconds", "minutes"]), ["90 2"]);
    world.verified();
}

#[test]
fn threads_files_and_ranges_change_no_byte() {
    let days = ["2024-10-12", "2024-10-13"];
    let make = || {
        let world = World::new();
        let mut accounts = "account_id,registered_at,payg\n".to_owned();
        for account in 7..200 {
            accounts.push_str(&format!("{account},2024-01-01T00:00:00+08:00,on\n"));
        }
        world.write("accounts.csv", &accounts);
        world
    };
    let usage = |world: &World, split: bool| {
        for day in days {
            let at = format!("{day}T12:00:00+08:00");
            let mut rows: Vec<_> = (7..200)
                .map(|account| (at.as_str(), account, account * 10, "av", account, Some(1_000_000)))
                .collect();
            if split {
                rows.reverse();
                let (one, two) = rows.split_at(50);
                world.usage(day, "one.parquet", one);
                world.usage(day, "two.parquet", two);
            } else {
                world.usage(day, "all.parquet", &rows);
            }
        }
    };
    let one_by_one = make();
    usage(&one_by_one, false);
    for day in days {
        let said = one_by_one.settle(&["--day", day, "--threads", "1"]);
        assert_eq!(said.code, 0, "{}", said.stderr);
    }
    let at_once = make();
    usage(&at_once, true);
    let said = at_once.settle(&["--from", days[0], "--to", days[1], "--threads", "3"]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    assert!(!one_by_one.table_files().is_empty());
    assert_eq!(one_by_one.table_files(), at_once.table_files());
}

#[test]
fn an_unpublished_batch_is_verified_where_it_is_staged_and_published_by_the_next_run() {
    let world = World::new();
    world.an_hour_of_hd("2024-10-12");
    world.settled("2024-10-12");
    let published = world.table_files();
    // As a crash after the commit leaves it: everything staged, nothing at its final name.
    let record = std::fs::read(world.path("out/_batches/2024-10-12.00.json")).unwrap();
    let record: serde_json::Value = serde_json::from_slice(&record).unwrap();
    for file in record["files"].as_array().unwrap() {
        let at = |key: &str| world.path(&format!("out/{}", file[key].as_str().unwrap()));
        std::fs::create_dir_all(at("staged").parent().unwrap()).unwrap();
        std::fs::rename(at("path"), at("staged")).unwrap();
    }
    std::fs::remove_file(world.path("out/_batches/2024-10-12.00.published")).unwrap();
    assert!(world.table_files().is_empty());
    let said = world.run(&["verify", "job.toml"]);
    assert_eq!(said.code, 0, "{}{}", said.stdout, said.stderr);
    assert!(
        said.stdout.contains("2024-10-12.00 is committed and not published yet"),
        "{}",
        said.stdout
    );
    let said = world.settle(&["--day", "2024-10-12"]);
    assert!(said.stdout.contains("finished publishing"), "{}", said.stdout);
    assert_eq!(published, world.table_files());
    world.verified();
}

/// B is used and expires; a purchase that comes late pushes it back in its queue, so that it is valid again.
#[test]
fn a_grant_that_comes_back_keeps_what_was_used_of_it() {
    let world = World::new();
    world.replace("job.toml", "[inputs]", "min_day_ratio = 0\n[inputs]");
    let header = "package_id,account_id,apps,plan,purchased_at\n";
    let b = "B,7,70,rtc_engine.lite,2024-10-01T12:00:00+08:00\n";
    world.write("packages.csv", &format!("{header}{b}"));
    let mut date: chrono::NaiveDate = "2024-10-01".parse().unwrap();
    for _ in 0..33 {
        world.an_hour_of_hd(&date.to_string());
        date = date.succ_opt().unwrap();
    }
    let said = world.settle(&["--from", "2024-10-01", "--to", "2024-11-01"]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    let used = |world: &World, batch: &str| {
        let rows = parquet_rows::rows(&world.path(&format!("out/grants/batch={batch}.00")));
        let listed = rows.iter().find(|row| row["grant_id"] == "B");
        listed.map(|row| row["used"].clone())
    };
    // 60 minutes of HD take 240 a day; October is served by B, since the free minutes are used up.
    assert_eq!(used(&world, "2024-10-31").as_deref(), Some("7440.00"));
    assert_eq!(used(&world, "2024-11-01"), None, "expired");
    world.write(
        "packages.csv",
        &format!("{header}A,7,70,rtc_engine.lite,2024-10-01T11:00:00+08:00\n{b}"),
    );
    let said = world.settle(&["--day", "2024-11-02"]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    // The free cycle of November serves first.
    assert_eq!(used(&world, "2024-11-02").as_deref(), Some("7440.00"));
    world.verified();
}

//! What goes wrong around a night: exports with missing rows, openings that are not old, files that move, records that vanish.

use std::fs;

use super::error;
use super::world::World;

const PACKAGES: &str = "package_id,account_id,apps,plan,purchased_at\n";

/// An hour of HD on each of three days, the first two settled.
fn two_of_three_days(world: &World) {
    for day in ["2024-10-12", "2024-10-13", "2024-10-14"] {
        world.an_hour_of_hd(day);
    }
    for day in ["2024-10-12", "2024-10-13"] {
        world.settled(day);
    }
}

#[test]
fn a_package_that_vanishes_while_it_runs_is_told_and_keeps_what_was_used_of_it() {
    let world = World::new();
    let package = "P,7,70,rtc_engine.lite,2024-10-12T08:00:00+08:00\n";
    world.write("packages.csv", &format!("{PACKAGES}{package}"));
    two_of_three_days(&world);
    world.write("packages.csv", PACKAGES);
    let said = world.settle(&["--day", "2024-10-14"]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    assert!(
        said.stderr
            .contains("1 package (P of account 7) that the ledger lists and that are not over are not in the packages"),
        "{}",
        said.stderr
    );
    world.write("packages.csv", &format!("{PACKAGES}{package}"));
    world.an_hour_of_hd("2024-10-15");
    world.settled("2024-10-15");
    let used: Vec<String> = world
        .table("grants", &["grant_id", "used"])
        .into_iter()
        .filter(|row| row.starts_with('P'))
        .collect();
    assert_eq!(
        used,
        ["P 240.00", "P 480.00", "P 720.00"],
        "240 a day, none on the day without it"
    );
    world.verified();
}

#[test]
fn a_package_may_vanish_once_it_is_over() {
    let world = World::new();
    world.write(
        "packages.csv",
        &format!("{PACKAGES}T,7,70,call.trial,2024-10-06T08:00:00+08:00\n"),
    );
    world.an_hour_of_hd("2024-10-12");
    world.an_hour_of_hd("2024-10-13");
    world.settled("2024-10-12");
    assert_eq!(
        world.table("grants", &["grant_id", "status"]),
        ["T expired", "free:7:2024-10-01 exhausted"]
    );
    world.write("packages.csv", PACKAGES);
    world.settled("2024-10-13");
}

#[test]
fn openings_are_of_before_the_first_settled_day() {
    let world = World::new();
    two_of_three_days(&world);
    world.replace("accounts.csv", "7,2024", "5,2024-10-13T00:00:00+08:00,off\n7,2024");
    world.write(
        "opening_grants.csv",
        "grant_id,used\nfree:7:2024-10-01,10000\nfree:5:2024-10-13,1\n",
    );
    let said = world.settle(&["--day", "2024-10-14"]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    assert!(
        said.stderr
            .contains("opening or opening_grants name 1 account (5) that registered since the first settled day"),
        "{}",
        said.stderr
    );
}

#[test]
fn an_opening_of_last_months_cycle_is_told() {
    let world = World::new();
    world.an_hour_of_hd("2024-10-12");
    world.write("opening_grants.csv", "grant_id,used\nfree:7:2024-09-01,10000\n");
    let said = world.settle(&["--day", "2024-10-12"]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    assert!(
        said.stderr
            .contains("1 rows of opening_grants name a free cycle that does not contain 2024-10-12"),
        "{}",
        said.stderr
    );
}

/// A package of before the first day whose row comes late still starts with what `opening_grants` says.
#[test]
fn an_opening_grant_that_comes_late_counts() {
    let world = World::new();
    two_of_three_days(&world);
    world.write(
        "packages.csv",
        &format!("{PACKAGES}P,7,70,rtc_engine.lite,2024-10-05T08:00:00+08:00\n"),
    );
    world.write(
        "opening_grants.csv",
        "grant_id,used\nfree:7:2024-10-01,10000\nP,49000\n",
    );
    world.settled("2024-10-14");
    // Listed from the batch on that saw it first.
    let stands = world.table("grants", &["grant_id", "opening", "used", "balance"]);
    assert_eq!(
        stands.first().map(String::as_str),
        Some("P 49000.00 49240.00 760.00"),
        "{stands:?}"
    );
    world.verified();
}

#[test]
fn payments_that_vanish_are_told() {
    let world = World::new();
    let header = "payment_id,account_id,paid_at,amount\n";
    world.write("payments.csv", &format!("{header}p,7,2024-10-12T12:00:00+08:00,100\n"));
    two_of_three_days(&world);
    world.write("payments.csv", header);
    let said = world.settle(&["--day", "2024-10-14"]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    assert!(
        said.stderr.contains("1 accounts have fewer payments on 2024-10-14"),
        "{}",
        said.stderr
    );
}

#[test]
fn files_that_are_renamed_or_merged_change_nothing() {
    let world = World::new();
    two_of_three_days(&world);
    let partition = world.path("usage/date=2024-10-12");
    fs::rename(partition.join("part-0.parquet"), partition.join("compacted.parquet")).unwrap();
    let said = world.settle(&["--day", "2024-10-12"]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    assert!(said.stdout.contains("nothing changed"), "{}", said.stdout);
    assert!(said.stderr.contains("part-0.parquet, which is gone"), "{}", said.stderr);
}

#[test]
fn late_usage_of_a_settled_day_is_told() {
    let world = World::new();
    two_of_three_days(&world);
    world.usage(
        "2024-10-12",
        "late.parquet",
        &[("2024-10-12T12:00:00+08:00", 7, 70, "av", 60, None)],
    );
    let said = world.settle(&["--day", "2024-10-14"]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    assert!(
        said.stderr
            .contains("date=2024-10-12/late.parquet came or changed after its day was settled"),
        "{}",
        said.stderr
    );
}

#[test]
fn warnings_are_told_although_the_run_ends_early() {
    let world = World::new();
    world.write(
        "packages.csv",
        &format!(
            "{PACKAGES}L,7,70,rtc_engine.lite,2024-01-12T08:00:00+08:00\n\
             P,7,70,rtc_engine.starter,2024-10-12T08:00:00+08:00\n"
        ),
    );
    world.an_hour_of_hd("2024-10-12");
    let said = world.settle(&["--from", "2024-10-12", "--to", "2024-10-13"]);
    assert_eq!(said.code, 3);
    assert!(
        said.stderr
            .contains("1 purchase (P of account 7: rtc_engine.starter is for new customers)"),
        "{}",
        said.stderr
    );
    assert!(world.has_batch("2024-10-12.00"));
}

#[test]
fn a_lost_commit_record_is_a_gap() {
    let world = World::new();
    two_of_three_days(&world);
    world.settled("2024-10-14");
    fs::remove_file(world.path("out/_batches/2024-10-13.00.json")).unwrap();
    let said = world.settle(&["--day", "2024-10-14"]);
    assert_eq!(said.code, 3);
    assert_eq!(
        error(&said),
        "error: _batches/2024-10-13.00.json: is gone, while later days are settled; put the commit record back"
    );
}

#[test]
fn an_edited_commit_record_is_seen_by_the_next() {
    let world = World::new();
    two_of_three_days(&world);
    let path = "out/_batches/2024-10-12.00.json";
    world.replace(path, "\"name\": \"test\"", "\"name\": \"tset\"");
    let said = world.run(&["verify", "job.toml"]);
    assert_eq!(said.code, 1);
    assert!(
        said.stdout
            .contains("_batches/2024-10-12.00.json is not as 2024-10-13.00 knew it"),
        "{}",
        said.stdout
    );
}

#[test]
fn rejects_that_cannot_be_written_down_are_still_counted() {
    let world = World::new();
    world.usage(
        "2024-10-12",
        "a.parquet",
        &[("2024-10-12T12:00:00+08:00", 8, 80, "av", 60, None)],
    );
    let said = world.settle(&["--day", "2024-10-12", "--rejects-out", "no/such/dir/x.parquet"]);
    assert_eq!(said.code, 3);
    assert!(
        error(&said).contains("1 rejected rows (unknown_account 1)"),
        "{}",
        said.stderr
    );
    assert!(
        error(&said).contains("they could not be written to no/such/dir/x.parquet"),
        "{}",
        said.stderr
    );
}

#[test]
fn a_package_that_was_used_is_not_bought_later() {
    let world = World::new();
    world.write(
        "packages.csv",
        &format!("{PACKAGES}P,7,70,rtc_engine.lite,2024-10-12T08:00:00+08:00\n"),
    );
    two_of_three_days(&world);
    world.write(
        "packages.csv",
        &format!("{PACKAGES}P,7,70,rtc_engine.lite,2024-10-15T08:00:00+08:00\n"),
    );
    let said = world.settle(&["--day", "2024-10-14"]);
    assert_eq!(said.code, 3);
    assert_eq!(
        error(&said),
        "error: cannot settle 2024-10-14: package P of account 7 is in the ledger since before 2024-10-14, but its \
         purchased_at is 2024-10-14 or later: put it back, or give the new purchase an id of its own"
    );
    assert!(!world.has_batch("2024-10-14.00"));
}

#[test]
fn the_first_commit_record_is_missed_too() {
    let world = World::new();
    two_of_three_days(&world);
    fs::remove_file(world.path("out/_batches/2024-10-12.00.json")).unwrap();
    let said = world.settle(&["--day", "2024-10-14"]);
    assert_eq!(said.code, 3);
    assert!(
        error(&said).contains("_batches/2024-10-12.00.json: is gone"),
        "{}",
        said.stderr
    );
}

#[test]
fn a_settled_day_is_compared_under_the_period_that_it_was_settled_with() {
    let world = World::new();
    two_of_three_days(&world);
    world.an_hour_of_hd("2024-10-12");
    let said = world.settle(&["--day", "2024-10-12", "--set", "deduction_period=5min"]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    assert!(said.stdout.contains("nothing changed"), "{}", said.stdout);
}

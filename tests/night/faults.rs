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
fn a_package_must_not_vanish_while_it_runs() {
    let world = World::new();
    let package = "P,7,70,rtc_engine.lite,2024-10-12T08:00:00+08:00\n";
    world.write("packages.csv", &format!("{PACKAGES}{package}"));
    two_of_three_days(&world);
    world.write("packages.csv", PACKAGES);
    let said = world.settle(&["--day", "2024-10-14"]);
    assert_eq!(said.code, 3);
    assert_eq!(
        error(&said),
        "error: cannot settle 2024-10-14: package P of account 7 is in the ledger and not over, but it is not in the \
         packages dimension; put its row back (a refund is a row with refunded_at)"
    );
    assert!(!world.has_batch("2024-10-14.00"));
    world.write("packages.csv", &format!("{PACKAGES}{package}"));
    world.settled("2024-10-14");
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
    assert_eq!(said.code, 3);
    assert_eq!(
        error(&said),
        "error: account 5 registered on or after 2024-10-12, the first settled day, but opening or opening_grants names \
         it: they hold what stood before that day; take its rows out"
    );
}

#[test]
fn an_opening_of_last_months_cycle_is_refused() {
    let world = World::new();
    world.an_hour_of_hd("2024-10-12");
    world.write("opening_grants.csv", "grant_id,used\nfree:7:2024-09-01,10000\n");
    let said = world.settle(&["--day", "2024-10-12"]);
    assert_eq!(said.code, 3);
    assert_eq!(
        error(&said),
        "error: opening_grants names free:7:2024-09-01, which is not the free cycle that contains 2024-10-12; name the \
         running cycle of the account"
    );
    assert!(!world.has_batch("2024-10-12.00"));
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
    let rows = world::rows_of(&world, "2024-10-14.00", "P");
    assert_eq!(rows, ["49000.00 49240.00 760.00"]);
    world.verified();
}

mod world {
    use super::World;

    /// opening, used and balance of a grant in a batch.
    pub(super) fn rows_of(world: &World, batch: &str, grant: &str) -> Vec<String> {
        let rows = crate::parquet_rows::rows(&world.path(&format!("out/grants/batch={batch}")));
        let rows = rows.iter().filter(|row| row["grant_id"] == grant);
        rows.map(|row| format!("{} {} {}", row["opening"], row["used"], row["balance"]))
            .collect()
    }
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
            .contains("date=2024-10-12/late.parquet came or changed after the day was settled"),
        "{}",
        said.stderr
    );
}

#[test]
fn warnings_are_told_although_the_run_ends_early() {
    let world = World::new();
    world.write(
        "packages.csv",
        &format!("{PACKAGES}P,7,70,rtc_engine.lite,2024-10-12T08:00:00+08:00\n"),
    );
    world.an_hour_of_hd("2024-10-12");
    let said = world.settle(&["--from", "2024-10-12", "--to", "2024-10-13"]);
    assert_eq!(said.code, 3);
    assert!(
        said.stderr.contains("1 package bought on 2024-10-12"),
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

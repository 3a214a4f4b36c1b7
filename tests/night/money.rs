//! Money over time, end to end: balances that fall, packages that renew and are given back, and what the ledger remembers.

use std::fs;

use super::error;
use super::world::World;

const PACKAGES: &str = "package_id,account_id,apps,plan,purchased_at,gift,auto_renew,refunded_at,refunded_amount\n";

/// Accounts of every kind: 7 pays as it goes and never pays; 8 pays late; 9 renews a package; 10 gives one back and has
/// another refunded outside; 11 violates the terms; 12 has a trial that ends.
fn town() -> World {
    let world = World::new();
    world.write(
        "accounts.csv",
        "account_id,registered_at,payg,credit_limit,violation_at\n\
         7,2024-01-01T00:00:00+08:00,on,,\n\
         8,2024-01-01T00:00:00+08:00,on,0.50,\n\
         9,2024-01-01T00:00:00+08:00,auto,,\n\
         10,2024-01-01T00:00:00+08:00,auto,,\n\
         11,2024-01-01T00:00:00+08:00,auto,,2024-10-14T12:00:00+08:00\n\
         12,2024-01-01T00:00:00+08:00,auto,,\n",
    );
    world.write(
        "packages.csv",
        &format!(
            "{PACKAGES}R,9,90,rtc_engine.lite,2024-09-14T09:00:00+08:00,,true,,\n\
             A,10,100,rtc_engine.standard,2024-10-12T09:00:00+08:00,,,,\n\
             B,10,101,rtc_engine.lite,2024-10-12T09:00:00+08:00,,,2024-10-14T09:00:00+08:00,20.00\n\
             T,12,120,call.trial,2024-10-07T09:00:00+08:00,,,,\n"
        ),
    );
    world.write(
        "payments.csv",
        "payment_id,account_id,paid_at,amount\n\
         a,8,2024-10-14T09:59:59.999+08:00,0.10\n\
         b,8,2024-10-16T10:00:00+08:00,3.00\n\
         c,9,2024-10-12T00:00:00+08:00,100.00\n\
         d,10,2024-10-12T08:00:00+08:00,600.00\n",
    );
    world.write(
        "opening_grants.csv",
        "grant_id,used\nfree:7:2024-10-01,10000\nfree:8:2024-10-01,10000\n",
    );
    world.write(
        "refund_requests.csv",
        "package_id,requested_at\nA,2024-10-14T08:59:59+08:00\nR+1,2024-10-15T08:00:00+08:00\n",
    );
    world.replace(
        "job.toml",
        "opening_grants = ",
        "refund_requests = \"file:refund_requests.csv\"\nopening_grants = ",
    );
    for day in DAYS {
        let noon = format!("{day}T12:00:00+08:00");
        world.usage(
            day,
            "part-0.parquet",
            &[
                (&noon, 7, 70, "av", 3_600, Some(921_600)),
                (&noon, 8, 80, "av", 7_200, Some(2_073_600)),
                (&noon, 12, 120, "av", 60, Some(0)),
            ],
        );
    }
    world
}

const DAYS: [&str; 7] = [
    "2024-10-12",
    "2024-10-13",
    "2024-10-14",
    "2024-10-15",
    "2024-10-16",
    "2024-10-17",
    "2024-10-18",
];

fn of_account(rows: Vec<String>, account: &str) -> Vec<String> {
    let key = format!("{account} ");
    rows.into_iter().filter(|row| row.starts_with(&key)).collect()
}

#[test]
fn days_one_by_one_and_at_once_give_the_same_files() {
    let (one_by_one, at_once) = (town(), town());
    for day in DAYS {
        one_by_one.settled(day);
    }
    let said = at_once.settle(&["--from", DAYS[0], "--to", DAYS[6]]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    let files = one_by_one.table_files();
    assert_eq!(
        files.keys().filter(|path| path.starts_with("_carried/")).count(),
        DAYS.len()
    );
    assert_eq!(files, at_once.table_files());
    at_once.verified();
}

#[test]
fn what_becomes_of_the_town() {
    let world = town();
    let said = world.settle(&["--from", DAYS[0], "--to", DAYS[6]]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    let states = world.table("accounts", &["account_id", "day", "state", "closing", "suspended_at"]);
    let never = of_account(states.clone(), "7");
    assert_eq!(never[0], "7 2024-10-12 overdue -0.24 null");
    assert_eq!(
        never[1],
        "7 2024-10-13 suspended -0.48 2024-10-14 02:00:00.000000 +00:00"
    );
    // Two hours of FHD a day are 1.08: below the limit of 0.50 at the first billing time, on the 13th at 10:00. 24 hours
    // later, one millisecond before the deadline, 0.10 arrive, which is too little; 3.00 come on the 16th.
    assert_eq!(
        of_account(states, "8"),
        [
            "8 2024-10-12 overdue -1.08 null",
            "8 2024-10-13 suspended -2.06 2024-10-14 02:00:00.000000 +00:00",
            "8 2024-10-14 suspended -3.14 2024-10-14 02:00:00.000000 +00:00",
            "8 2024-10-15 overdue -1.22 null",
            "8 2024-10-16 suspended -2.30 2024-10-17 02:00:00.000000 +00:00",
            "8 2024-10-17 suspended -3.38 2024-10-17 02:00:00.000000 +00:00",
            "8 2024-10-18 suspended -4.46 2024-10-17 02:00:00.000000 +00:00",
        ]
    );
    assert_eq!(
        world.table(
            "renewals",
            &["package_id", "account_id", "apps", "plan", "purchased_at", "price"]
        ),
        ["R+1 9 90 rtc_engine.lite 2024-10-13 16:00:00.000000 +00:00 49.50"]
    );
    // 499 x (31 - 2) / 31, and the renewal of R, given back in full days held.
    assert_eq!(
        world.table("refunds", &["package_id", "approved", "amount", "reason"]),
        ["A true 466.80 null", "R+1 true 46.30 null"]
    );
    let lines = world.table(
        "bill_lines",
        &["item", "day", "account_id", "sdk_app_id", "tier", "quantity", "amount"],
    );
    let lines: Vec<String> = lines
        .into_iter()
        .filter(|line| line.starts_with("package") || line.starts_with("refund"))
        .collect();
    assert_eq!(
        lines,
        [
            "package 2024-10-12 10 100 rtc_engine.standard 1.000000 499.000000000",
            "package 2024-10-12 10 101 rtc_engine.lite 1.000000 49.500000000",
            "package 2024-10-14 9 90 rtc_engine.lite 1.000000 49.500000000",
            "refund 2024-10-13 10 100 A -1.000000 -466.800000000",
            "refund 2024-10-14 10 101 B -1.000000 -20.000000000",
            "refund 2024-10-14 9 90 R+1 -1.000000 -46.300000000",
        ]
    );
    let flags = world.table("flags", &["account_id", "sdk_app_id", "flag", "since", "actions"]);
    assert!(
        flags.contains(
            &"11 0 violation 2024-10-14 04:00:00.000000 +00:00 stop_rooms;block_console;block_api;block_recordings"
                .to_owned()
        ),
        "{flags:#?}"
    );
    assert!(
        flags.contains(&"12 120 package_expired 2024-10-13 16:00:00.000000 +00:00 deny_service".to_owned()),
        "{flags:#?}"
    );
    world.verified();
}

#[test]
fn too_many_suspensions_post_nothing_and_name_the_accounts() {
    let world = town();
    world.replace("job.toml", "\n[inputs]", "max_new_suspensions = 1\n\n[inputs]");
    let range = ["--from", DAYS[0], "--to", DAYS[1]];
    let said = world.settle(&range);
    assert_eq!(said.code, 3);
    assert_eq!(
        error(&said),
        "error: cannot settle 2024-10-13: it would newly suspend or remove 2 accounts, max_new_suspensions is 1: 7, 8; look \
         whether payments are missing, then raise the limit or pass --accept-suspensions"
    );
    assert!(world.has_batch("2024-10-12.00") && !world.has_batch("2024-10-13.00"));
    let said = world.settle(&["--day", DAYS[1], "--accept-suspensions"]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    let said = world.settle(&["--day", DAYS[2]]);
    assert_eq!(said.code, 0, "nobody is newly suspended: {}", said.stderr);
}

/// Suspended after a day, removed sixty days later: the package that it had is void, also when it is long over, so the
/// next of its queue begins on its own day.
#[test]
fn what_a_removal_made_void_stays_so() {
    let world = World::new();
    let catalog = fs::read_to_string(world.path("catalog.toml")).unwrap();
    world.write(
        "catalog.toml",
        &catalog.replace("removal_days = 60", "removal_days = 2"),
    );
    world.write(
        "packages.csv",
        &format!(
            "{PACKAGES}P,7,70,call.trial,2024-10-12T09:00:00+08:00,,,,\n\
             Q,7,70,call.trial,2024-10-16T12:00:00+08:00,,,,\n"
        ),
    );
    let days: Vec<String> = (12..=20).map(|day| format!("2024-10-{day}")).collect();
    for day in &days {
        world.an_hour_of_hd(day);
        world.settled(day);
    }
    let states = world.table("accounts", &["day", "state"]);
    assert_eq!(states[3], "2024-10-15 removed");
    let grants = world.table("grants", &["grant_id", "valid_from", "valid_to", "status"]);
    let of = |id: &str| -> Vec<String> {
        let mut rows: Vec<String> = grants.iter().filter(|row| row.starts_with(id)).cloned().collect();
        rows.dedup();
        rows
    };
    assert_eq!(
        of("P"),
        ["P 2024-10-12 2024-10-18 exhausted", "P 2024-10-12 2024-10-18 void"]
    );
    assert_eq!(of("Q"), ["Q 2024-10-16 2024-10-22 exhausted"], "on the 20th too");
    world.verified();
}

/// `verify` looks at the last batch and the one before, however many there are: it holds without the tables of all others.
#[test]
fn verify_reads_two_batches_of_any_number() {
    let world = town();
    let said = world.settle(&["--from", DAYS[0], "--to", DAYS[6]]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    for day in &DAYS[..5] {
        let of_batch = |path: &&String| path.contains(&format!("/batch={day}.00/"));
        for path in world.table_files().keys().filter(of_batch) {
            fs::remove_file(world.path("out").join(path)).unwrap();
        }
    }
    let verified = world.run(&["verify", "out"]);
    assert_eq!(verified.code, 0, "{}{}", verified.stdout, verified.stderr);
    // Without the one before as well, it cannot say that the law holds.
    let before = format!("out/accounts/batch={}.00/part-0.parquet", DAYS[5]);
    fs::remove_file(world.path(&before)).unwrap();
    for arguments in [&["verify", "out"][..], &["verify", "out", "--all"]] {
        let said = world.run(arguments);
        assert_eq!(said.code, 1, "{}{}", said.stdout, said.stderr);
        assert!(said.stdout.contains("is missing"), "{}", said.stdout);
    }
}

#[test]
fn a_timeline_tells_what_was_and_what_comes() {
    let world = town();
    let said = world.settle(&["--from", DAYS[0], "--to", DAYS[6]]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    let timeline = |account: &str| {
        let said = world.run(&["timeline", "job.toml", "--account", account]);
        assert_eq!(said.code, 0, "{}", said.stderr);
        said.stdout
    };
    insta::assert_snapshot!("timeline_of_a_late_payer", timeline("8"));
    insta::assert_snapshot!("timeline_of_a_violation", timeline("11"));
    insta::assert_snapshot!("timeline_of_nothing", timeline("9"));
    let said = world.run(&["timeline", "job.toml", "--account", "99"]);
    assert_eq!(said.code, 2);
    assert_eq!(error(&said), "error: account 99 is not in accounts");
}

/// What is known already comes without being paid any more: payments, those of one instant at once, and a violation.
#[test]
fn a_timeline_knows_what_is_dated_later() {
    let world = town();
    world.settled(DAYS[0]);
    world.write(
        "payments.csv",
        "payment_id,account_id,paid_at,amount\n\
         a,8,2024-10-15T00:00:00+08:00,100.00\n\
         b,8,2024-10-16T00:00:00+08:00,-200.00\n\
         c,8,2024-10-16T00:00:00+08:00,200.00\n\
         d,9,2024-10-12T00:00:00+08:00,100.00\n",
    );
    let to_come = |account: &str| {
        let said = world.run(&["timeline", "job.toml", "--account", account]);
        assert_eq!(said.code, 0, "{}", said.stderr);
        let (_, to_come) = said.stdout.split_once("nothing more is paid\n").unwrap();
        let to_come = to_come.split("\n\n").next().unwrap();
        to_come.lines().map(|line| line.trim().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(
        to_come("8"),
        [
            "suspended 2024-10-14 10:00 unless 0.58 USD arrive",
            "active 2024-10-15 00:00"
        ]
    );
    assert_eq!(to_come("9"), ["nothing"]);
    assert_eq!(to_come("11"), ["violation 2024-10-14 12:00"]);
}

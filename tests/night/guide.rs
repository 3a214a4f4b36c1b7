//! What the purchase guide says of first and last days, end to end. Its examples with figures are `tests/examples/main.rs`.

use super::world::World;

const MINUTES: [&str; 5] = [
    "day",
    "free_minutes",
    "package_minutes",
    "payg_minutes",
    "unbilled_minutes",
];

/// Account 7 has used up the free minutes of the cycle that begins on that day, and has a package or none.
fn world(cycle: &str, package: &str) -> World {
    let world = World::new();
    world.write(
        "accounts.csv",
        "account_id,registered_at,free_anchor\n7,2024-01-01T00:00:00+08:00,2024-01-15\n",
    );
    world.write("opening_grants.csv", &format!("grant_id,used\nfree:7:{cycle},10000\n"));
    world.write(
        "packages.csv",
        &format!("package_id,account_id,apps,plan,purchased_at\n{package}\n"),
    );
    world
}

/// Ten minutes of audio in app 70 on each day, and the days' lines.
fn ten_minutes_on(world: &World, days: &[&str]) -> Vec<String> {
    for day in days {
        let noon = format!("{day}T12:00:00+08:00");
        world.usage(day, "a.parquet", &[(&noon, 7, 70, "av", 600, None)]);
        world.settled(day);
    }
    world.verified();
    world.table("bill_lines", &MINUTES)
}

/// `[T]` RTC-Engine Packages Limited-time Promotion: "until December 31, 2024". The package of app 71 serves app 70, but
/// never entitles it to pay as it goes.
#[test]
fn the_promotion_ends_with_december_31() {
    let world = world("2024-12-15", "p1,7,71,rtc_engine.lite,2024-12-10T12:00:00+08:00");
    assert_eq!(
        ten_minutes_on(&world, &["2024-12-31", "2025-01-01"]),
        ["2024-12-31 0 10 0 0", "2025-01-01 0 0 0 10"]
    );
}

/// `[T]` deduction guide: usage of the purchase day is deducted, none of the day before.
#[test]
fn a_package_begins_with_its_purchase_day() {
    let world = world("2024-09-15", "p1,7,70,rtc_engine.lite,2024-10-13T23:59:59+08:00");
    assert_eq!(
        ten_minutes_on(&world, &["2024-10-12", "2024-10-13"]),
        ["2024-10-12 0 0 0 10", "2024-10-13 0 0 0 0", "2024-10-13 0 10 0 0"],
        "the line without minutes is the purchase"
    );
}

/// `[T]` deduction guide: until 23:59:59 on the day before the same date of the following month.
#[test]
fn a_package_ends_on_the_day_before_the_same_date() {
    let world = world("2024-09-15", "p1,7,70,rtc_engine.lite,2024-09-13T12:00:00+08:00");
    assert_eq!(
        ten_minutes_on(&world, &["2024-10-12", "2024-10-13"]),
        ["2024-10-12 0 10 0 0", "2024-10-13 0 0 0 10"]
    );
    assert_eq!(
        world.table("grants", &["grant_id", "valid_from", "valid_to", "status"])[2],
        "p1 2024-09-13 2024-10-12 expired"
    );
}

/// The same date of February is its last day.
#[test]
fn a_package_of_january_31_ends_on_february_28_of_a_leap_year() {
    let world = world("2024-02-15", "p1,7,70,rtc_engine.lite,2024-01-31T12:00:00+08:00");
    assert_eq!(
        ten_minutes_on(&world, &["2024-02-28", "2024-02-29"]),
        ["2024-02-28 0 10 0 0", "2024-02-29 0 0 0 10"]
    );
}

/// `[T]` Free Minutes: "November 15 to December 14"; nothing is carried over.
#[test]
fn free_minutes_of_november_15_are_new_on_december_15() {
    let world = world("2024-09-15", "");
    world.write(
        "accounts.csv",
        "account_id,registered_at\n7,2024-11-15T23:00:00+08:00\n",
    );
    world.write("opening_grants.csv", "grant_id,used\nfree:7:2024-11-15,9996\n");
    assert_eq!(
        ten_minutes_on(&world, &["2024-12-14", "2024-12-15"]),
        ["2024-12-14 4 0 0 6", "2024-12-15 10 0 0 0"]
    );
    assert_eq!(
        world.table(
            "grants",
            &["grant_id", "valid_from", "valid_to", "used", "balance", "status"]
        ),
        [
            "free:7:2024-11-15 2024-11-15 2024-12-14 10000.00 0.00 expired",
            "free:7:2024-12-15 2024-12-15 2025-01-14 10.00 9990.00 active"
        ]
    );
}

/// A contract prices from its first day on; what it does not name, and the day before, cost what its base says.
#[test]
fn contract_prices_begin_on_their_first_day() {
    let world = world("2024-09-15", "");
    world.replace(
        "catalog.toml",
        "[[ratios]]                        # [T] Billing Explanation",
        "[[price_list]]\nid = \"acme\"\nbase = \"list\"\nfrom = 2024-10-13\nprices = { \"av.audio\" = \"0.50\" }\n\n\
         [[ratios]]                        # [T] Billing Explanation",
    );
    world.write(
        "accounts.csv",
        "account_id,registered_at,free_anchor,price_list,payg\n7,2024-01-01T00:00:00+08:00,2024-01-15,acme,on\n",
    );
    for day in ["2024-10-12", "2024-10-13"] {
        let noon = format!("{day}T12:00:00+08:00");
        let hour = |pixels| (noon.as_str(), 7, 70, "av", 3_600, pixels);
        world.usage(day, "a.parquet", &[hour(None), hour(Some(921_600))]);
        world.settled(day);
    }
    world.verified();
    assert_eq!(
        world.table("bill_lines", &["day", "tier", "unit_price", "amount", "price_list"]),
        [
            "2024-10-12 audio 0.990000 0.059400000 list",
            "2024-10-12 hd 3.990000 0.239400000 list",
            "2024-10-13 audio 0.500000 0.030000000 acme",
            "2024-10-13 hd 3.990000 0.239400000 list",
        ]
    );
    assert_eq!(
        world.table("bills", &["bill_id", "exact", "amount"]),
        ["7/2024-10-12/av 0.298800000 0.30", "7/2024-10-13/av 0.269400000 0.27"]
    );
}

//! Other products are other catalogs: daily and monthly items of every kind that may be both.

use super::samples::{LOGINS, RELAY, SCREENSHOTS};
use super::world::World;

/// Two days of account 7, the second a month's last one.
fn world() -> World {
    let world = World::new();
    world.write("catalog.toml", include_str!("products/catalog.toml"));
    world.write(
        "accounts.csv",
        "account_id,registered_at,payg,products\n7,2024-01-01T00:00:00+08:00,on,css;lcic\n",
    );
    world.write("opening_grants.csv", "grant_id,used\n");
    world.write(
        "packages.csv",
        "package_id,account_id,apps,plan,purchased_at\np,7,70,lcic.monthly,2024-10-20T12:00:00+08:00\n",
    );
    for input in ["relay", "screenshots", "logins"] {
        world.input(input);
    }
    for day in ["2024-10-30", "2024-10-31"] {
        let noon = format!("{day}T12:00:00+08:00");
        let row = |app, meter, seconds, pixels| (noon.as_str(), 7, app, meter, seconds, pixels);
        let usage = [
            row(70, "classroom", 301, Some(100)),
            row(71, "classroom", 59, None),
            row(70, "transcoding", 61, Some(921_600)),
            row(71, "transcoding", 60, Some(921_600)),
        ];
        world.usage(day, "a.parquet", &usage);
    }
    relay(&world);
    world.rows(
        "screenshots/date=2024-10-01/a.parquet",
        &SCREENSHOTS,
        "7 70 2024-10-01T09:00:00+08:00 1000",
    );
    world.rows(
        "screenshots/date=2024-10-30/a.parquet",
        &SCREENSHOTS,
        "7 70 2024-10-30T09:00:00+08:00 80",
    );
    world.rows(
        "screenshots/date=2024-10-31/a.parquet",
        &SCREENSHOTS,
        "7 71 2024-10-31T09:00:00+08:00 151",
    );
    world.rows(
        "logins/date=2024-10-05/a.parquet",
        &LOGINS,
        "7 70 ann 2024-10-05T09:00:00+08:00\n7 70 bob 2024-10-05T09:00:00+08:00\n7 71 ann 2024-10-05T09:00:00+08:00",
    );
    world
}

fn relay(world: &World) {
    world.rows(
        "relay/date=2024-10-03/a.parquet",
        &RELAY,
        "7 70 a 2024-10-03T09:00:00+08:00 4000 partner\n7 70 a 2024-10-03T09:00:00+08:00 250 domestic",
    );
    world.rows(
        "relay/date=2024-10-30/a.parquet",
        &RELAY,
        "
        7 70 a 2024-10-30T09:00:00+08:00 300  domestic
        7 70 b 2024-10-30T09:04:59+08:00 201  domestic
        7 70 a 2024-10-30T09:00:00+08:00 700  overseas
        7 70 b 2024-10-30T09:04:59+08:00 800  overseas
        ",
    );
    world.rows(
        "relay/date=2024-10-31/a.parquet",
        &RELAY,
        "7 70 a 2024-10-31T09:00:00+08:00 500 domestic\n7 70 a 2024-10-31T09:00:00+08:00 600 overseas",
    );
}

#[test]
fn another_product_needs_no_other_program() {
    let world = world();
    for day in ["2024-10-30", "2024-10-31"] {
        world.settled(day);
    }
    world.verified();
    let columns = ["period_start", "period_end", "item", "cadence", "exact", "amount"];
    // The package comes with the subscriptions.
    let bills: Vec<String> = world
        .table("bills", &columns)
        .into_iter()
        .filter(|bill| !bill.contains(" package "))
        .collect();
    assert_eq!(
        bills,
        [
            "2024-10-01 2024-10-31 backhaul monthly 37.800000000 37.80",
            "2024-10-01 2024-10-31 members monthly 0.100000000 0.10",
            "2024-10-01 2024-10-31 storage monthly 0.492400000 0.49",
            "2024-10-30 2024-10-30 bandwidth daily 1.500300000 1.50",
            "2024-10-30 2024-10-30 classroom daily 0.007000000 0.01",
            "2024-10-30 2024-10-30 snapshots daily 0.000000000 0.00",
            "2024-10-30 2024-10-30 transcoding daily 0.015000000 0.02",
            "2024-10-31 2024-10-31 bandwidth daily 0.540000000 0.54",
            "2024-10-31 2024-10-31 classroom daily 0.019000000 0.02",
            "2024-10-31 2024-10-31 snapshots daily 0.200000000 0.20",
            "2024-10-31 2024-10-31 transcoding daily 0.015000000 0.02",
        ]
    );
    let columns = ["day", "item", "tier", "sdk_app_id", "quantity", "unit"];
    let lines = world.table("bill_lines", &columns);
    for line in [
        "2024-10-30 bandwidth domestic 0 0.501000 mbps",
        "2024-10-30 bandwidth overseas 0 1.500000 mbps",
        "2024-10-31 bandwidth domestic 0 0.000000 mbps",
        "2024-10-31 bandwidth overseas 0 0.600000 mbps",
        "2024-10-31 backhaul overseas 0 0.800000 mbps",
        "2024-10-31 backhaul partner 0 4.000000 mbps",
        "2024-10-30 snapshots picture 0 0.000000 image",
        "2024-10-31 snapshots picture 0 100.000000 image",
        "2024-10-31 storage picture 0 1231.000000 image",
        "2024-10-31 members member 70 1.000000 user",
        "2024-10-31 members member 71 1.000000 user",
        "2024-10-31 transcoding hd 0 3.000000 minute",
    ] {
        assert!(
            lines.iter().any(|found| found == line),
            "{line} is not among {lines:#?}"
        );
    }
}

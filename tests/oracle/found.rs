//! What random worlds have found, each as a case of its own.

use super::guide_account::{at, course, flags, grants, guide_world, package};
use super::rows::LineRow;
use super::scenario::{Login, World};

/// A running and a queued package; 3.99 are owed from March 2, 10:00, and the account is removed on the 5th, 10:00.
fn removed_with_a_queue() -> World {
    let mut world = guide_world();
    world.setting.catalog.products[0].removal_days = 2;
    world.life().account.payg = "auto".to_owned();
    world.life().packages = vec![
        package("p1", "live.lite", &[1], "2024-02-20 00:00:00"),
        package("p2", "live.lite", &[1], "2024-02-21 00:00:00"),
    ];
    world
        .nights("2024-03-01", 6)
        .uses("2024-03-01", 1, "recording.hd", 60_000);
    world
}

/// Seeds 4, 9, 27 and 49: the package that waited in its queue ended with the removal, not after its days to come.
#[test]
fn a_package_made_void_while_it_waits_has_ended_by_then() {
    let nights = course(&removed_with_a_queue());
    let expected = [
        "0 removed 2024-03-05 10:00:00 -",
        "1 package_expired 2024-03-05 00:00:00 -",
    ];
    assert_eq!(flags(&nights[3]), expected);
    assert_eq!(
        grants(&nights[3]),
        ["p1 2024-02-20..2024-03-19 void", "p2 2024-03-20..2024-04-19 void"]
    );
}

/// Seed 42: what was refunded while it waited is nothing that a later removal could make void; seed 13: nor does it count as
/// the last one to end.
#[test]
fn a_package_refunded_while_it_waits_is_not_there_to_be_removed() {
    let mut world = removed_with_a_queue();
    world.life().packages[1].refunded_at = Some(at("2024-03-01 12:00:00"));
    let nights = course(&world);
    assert_eq!(
        grants(&nights[3]),
        ["p1 2024-02-20..2024-03-19 void", "p2 2024-03-20..2024-04-19 refunded"]
    );
    assert!(flags(&nights[3]).contains(&"1 package_expired 2024-03-05 00:00:00 -".to_owned()));
}

/// Seeds 63, 84, 93 and 107: two packages of one family in a month, as every renewal makes them, give its quota once.
#[test]
fn apps_share_one_quota_of_users_of_a_family() {
    let mut world = guide_world();
    world.setting.catalog.plans[1].mau = 1;
    world.life().packages = vec![
        package("p1", "live.lite", &[], "2024-02-10 00:00:00"),
        package("p2", "live.lite", &[], "2024-03-01 00:00:00"),
    ];
    world.nights("2024-03-31", 1);
    for app in [2, 3] {
        world.life().logins.push(Login {
            at: at("2024-03-20 12:00:00"),
            app,
            user: "user".to_owned(),
        });
    }
    let nights = course(&world);
    let excess = |line: &LineRow| (line.app, line.quantity.clone());
    let excess: Vec<_> = nights[0].lines.iter().map(excess).collect();
    assert_eq!(excess, [(2, "0.000000".to_owned()), (3, "1.000000".to_owned())]);
}

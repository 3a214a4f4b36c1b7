//! The overdue policy of [O] as timelines: 24 hours of grace, 60 days until removal, and the instants around them.

use super::guide_account::{at, course, flags, grants, guide_world, local, package};
use super::rows::{AccountRow, NightRows};
use super::scenario::World;

/// 3.99 are charged for March 1, 2024, at 10:00 on the 2nd.
pub fn owing(nights: usize) -> World {
    let mut world = guide_world();
    world
        .nights("2024-03-01", nights)
        .uses("2024-03-01", 1, "av.hd", 60_000);
    world
}

pub fn account(rows: &NightRows) -> &AccountRow {
    rows.account.as_ref().expect("a known account")
}

pub fn states(world: &World) -> Vec<&'static str> {
    course(world).iter().map(|rows| account(rows).state).collect()
}

#[test]
fn overdue_suspended_and_removed_at_their_instants() {
    let nights = course(&owing(63));
    let first = account(&nights[0]);
    assert_eq!(
        (first.state, first.overdue_since.map(local), first.suspend_at.map(local)),
        (
            "overdue",
            Some("2024-03-02 10:00:00".to_owned()),
            Some("2024-03-03 10:00:00".to_owned())
        )
    );
    assert_eq!(flags(&nights[0]), ["0 overdue 2024-03-02 10:00:00 2024-03-03 10:00:00"]);
    assert_eq!(
        flags(&nights[1]),
        ["0 suspended 2024-03-03 10:00:00 2024-05-02 10:00:00"]
    );
    assert_eq!(
        nights[1].flags[0].actions,
        "stop_rooms;block_console;block_api;block_recordings"
    );
    assert_eq!(
        nights[1].flags[0].stop_rooms_by,
        Some(at("2024-03-03 10:00:00")),
        "at once"
    );
    assert_eq!(account(&nights[60]).state, "suspended");
    assert_eq!(flags(&nights[61]), ["0 removed 2024-05-02 10:00:00 -"]);
    assert_eq!(
        account(&nights[61]).remove_at.map(local).as_deref(),
        Some("2024-05-02 10:00:00")
    );
}

/// [O]: before September 4, 2023 rooms were dismissed within 48 hours.
#[test]
fn rooms_had_48_hours_before_the_policy_changed() {
    let mut world = guide_world();
    world.nights("2023-09-01", 3).uses("2023-09-01", 1, "av.hd", 60_000);
    let nights = course(&world);
    assert_eq!(nights[1].flags[0].since, at("2023-09-03 10:00:00"));
    assert_eq!(nights[1].flags[0].stop_rooms_by, Some(at("2023-09-05 10:00:00")));
    assert_eq!(
        nights[2].flags[0].stop_rooms_by,
        Some(at("2023-09-05 10:00:00")),
        "by the policy at since"
    );
}

/// [O]: "If the recharge is done within 24 hours, Tencent Real-Time Communication will not face suspension".
#[test]
fn a_payment_around_the_suspension() {
    let suspension = at("2024-03-03 10:00:00");
    for (paid_at, amount, expected) in [
        (suspension - 1_000, "3.99", ["overdue", "active", "active"]),
        (suspension, "3.99", ["overdue", "active", "active"]),
        (suspension + 1_000, "3.99", ["overdue", "suspended", "active"]),
        (suspension, "3.98", ["overdue", "suspended", "suspended"]),
    ] {
        let mut world = owing(3);
        world.pays(paid_at, amount);
        assert_eq!(states(&world), expected, "{} {amount}", local(paid_at));
    }
    // Late in the file, it counts at the billing time before: at the deadline itself.
    let mut world = owing(3);
    world.pays(suspension, "3.99");
    world.life().payments[0].from_night = 2;
    assert_eq!(states(&world), ["overdue", "suspended", "active"]);
}

#[test]
fn a_payment_around_the_removal_keeps_or_loses_the_package() {
    let removal = at("2024-03-05 10:00:00");
    for (paid_at, expected) in [
        (removal - 1_000, "active"),
        (removal, "active"),
        (removal + 1_000, "void"),
    ] {
        let mut world = owing(6);
        world.setting.catalog.products[0].removal_days = 2;
        world.life().packages = vec![package("p1", "live.lite", &[2], "2024-02-20 00:00:00")];
        world.pays(paid_at, "10");
        let nights = course(&world);
        let status = format!("p1 2024-02-20..2024-03-19 {expected}");
        assert_eq!(grants(&nights[5]), [status], "{}", local(paid_at));
        assert_eq!(account(&nights[5]).state, "active");
    }
}

#[test]
fn a_violation_outranks_what_goes_on_beneath_it() {
    let mut world = owing(3);
    world.life().account.violation_at = Some(at("2024-03-03 09:59:59"));
    world.pays(at("2024-03-04 09:00:00"), "100");
    let nights = course(&world);
    let states: Vec<_> = nights.iter().map(|rows| account(rows).state).collect();
    assert_eq!(states, ["overdue", "violation", "violation"]);
    assert_eq!(account(&nights[1]).suspended_at, Some(at("2024-03-03 10:00:00")));
    assert_eq!(account(&nights[2]).suspended_at, None);
    assert_eq!(
        flags(&nights[2]),
        ["0 violation 2024-03-03 09:59:59 2024-05-02 09:59:59"]
    );
}

#[test]
fn nobody_leaves_active_before_dunning_begins() {
    let mut world = owing(4);
    world.setting.dunning_from = Some(super::guide_account::date("2024-03-04"));
    assert_eq!(states(&world), ["active", "active", "overdue", "suspended"]);
}

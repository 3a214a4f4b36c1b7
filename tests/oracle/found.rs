//! What random worlds have found, each as a case of its own.

use super::guide_account::{at, course, flags, grants, guide_world, package};
use super::rows::LineRow;
use super::scenario::{Change, Login, Plan, Product, World};

/// A running and a queued package; 5.99 are owed from March 2, 10:00, and the account is removed on the 5th, 10:00.
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

/// Seeds 40, 67 and 73: what was refunded while it waited behind a package of another product is over from that day on.
#[test]
fn a_package_refunded_while_it_waits_has_ended_then() {
    let mut world = guide_world();
    let catalog = &mut world.setting.catalog;
    catalog.products.push(Product {
        id: "lcic".to_owned(),
        ..catalog.products[0].clone()
    });
    catalog.plans.push(Plan {
        id: "live.class".to_owned(),
        product: "lcic".to_owned(),
        ..catalog.plans[1].clone()
    });
    world.life().account.payg = "auto".to_owned();
    world.life().opening_balance = "1000.00".to_owned();
    world.life().packages = vec![
        package("p1", "live.lite", &[1], "2024-02-20 00:00:00"),
        package("p2", "live.class", &[1], "2024-02-21 00:00:00"),
    ];
    world.life().packages[1].refunded_at = Some(at("2024-03-02 12:00:00"));
    world.nights("2024-03-01", 2);
    let nights = course(&world);
    assert_eq!(flags(&nights[0]), [""; 0]);
    assert_eq!(flags(&nights[1]), ["1 package_expired 2024-03-02 00:00:00 -"]);
    assert_eq!(nights[1].flags[0].product, "lcic");
}

/// Seeds 124 and 153: decision 91, gifts are no purchases.
#[test]
fn gifts_are_no_purchases_where_purchases_are_limited() {
    let mut world = guide_world();
    let limited = &mut world.setting.catalog.plans[1];
    limited.max_purchases = Some(2);
    limited.new_customers_of = vec!["rtc_engine.pro".to_owned()];
    world.life().opening_balance = "1000.00".to_owned();
    world.life().packages = vec![
        package("first", "live.lite", &[1], "2024-02-11 00:00:00"),
        package("gift", "live.lite", &[2], "2024-02-10 00:00:00"),
        package("other", "rtc_engine.pro", &[1], "2024-02-10 00:00:00"),
    ];
    world.life().packages[0].auto_renew = true;
    let renewals = |world: &World| -> Vec<String> {
        let nights = course(world);
        let renewals = nights[0].renewals.iter();
        renewals.map(|renewal| renewal.package.clone()).collect()
    };
    world.nights("2024-03-10", 1);
    assert_eq!(renewals(&world), [""; 0], "bought, both count");
    world.life().packages[1].gift = true;
    assert_eq!(renewals(&world), [""; 0], "the other one still counts");
    world.life().packages[2].gift = true;
    assert_eq!(renewals(&world), ["first+1"]);
}

/// Seeds 230, 341, 486, 510, 547, 558 and 606: decision 113, a removal has ended what is refunded after it.
#[test]
fn a_refund_of_a_void_package_moves_nobody() {
    let refunds = [
        (
            0,
            "2024-03-05 10:00:00",
            [
                "02-20..2024-03-19 refunded",
                "03-05..2024-04-04 void",
                "04-05..2024-05-04 void",
            ],
        ),
        (
            0,
            "2024-03-05 10:00:01",
            [
                "02-20..2024-03-19 void",
                "03-20..2024-04-19 void",
                "04-20..2024-05-19 void",
            ],
        ),
        (
            1,
            "2024-03-05 10:00:00",
            [
                "02-20..2024-03-19 void",
                "03-20..2024-04-19 refunded",
                "03-20..2024-04-19 void",
            ],
        ),
        (
            1,
            "2024-03-05 10:00:01",
            [
                "02-20..2024-03-19 void",
                "03-20..2024-04-19 void",
                "04-20..2024-05-19 void",
            ],
        ),
    ];
    for (place, refunded_at, expected) in refunds {
        let mut world = removed_with_a_queue();
        let packages = &mut world.life().packages;
        packages.push(package("p3", "live.lite", &[1], "2024-02-22 00:00:00"));
        packages[place].refunded_at = Some(at(refunded_at));
        let nights = course(&world);
        let expected: Vec<String> = (1..)
            .zip(expected)
            .map(|(number, dates)| format!("p{number} 2024-{dates}"))
            .collect();
        assert_eq!(grants(&nights[4]), expected, "p{} refunded {refunded_at}", place + 1);
    }
}

/// Seeds 42, 50, 93 and 140: decision 85, with a credit limit that was raised in time nothing happens at the deadline.
#[test]
fn a_raised_credit_limit_counts_at_the_deadline() {
    for (credit_limit, state, status) in [("5.99", "active", "active"), ("5.98", "removed", "void")] {
        let mut world = removed_with_a_queue();
        world.setting.catalog.products[0].removal_days = 0;
        world.life().changes.push(Change {
            from_night: 1,
            price_list: "list".to_owned(),
            payg: "auto".to_owned(),
            credit_limit: credit_limit.to_owned(),
            products: vec!["trtc".to_owned()],
            renews: true,
        });
        let nights = course(&world);
        assert_eq!(nights[0].account.as_ref().map(|account| account.state), Some("overdue"));
        assert_eq!(nights[1].account.as_ref().map(|account| account.state), Some(state));
        assert_eq!(nights[1].grants[0].status, status);
    }
}

/// An instant in UTC.
fn utc(text: &str) -> i64 {
    at(text) + 8 * 3_600 * 1_000_000
}

/// Seed 533: void by the billing time, a package entitles to nothing on the day after, also where that day is skipped and
/// the removal came after it.
#[test]
fn a_void_package_entitles_to_nothing_on_a_day_that_the_zone_skips() {
    let mut world = guide_world();
    world.setting.zone = chrono_tz::Pacific::Apia;
    world.setting.partition_zone = chrono_tz::Pacific::Apia;
    world.setting.billing_time = (23, 45);
    world.setting.catalog.products[0].removal_days = 2;
    world.life().account.payg = "auto".to_owned();
    world.life().packages = vec![package("p1", "live.lite", &[2], "2011-12-30 17:59:59")];
    world.life().account.registered_at = utc("2011-01-01 00:00:00");
    world.nights("2011-12-26", 4);
    // Overdue then, suspended a day later, and removed on December 30, 10:42 UTC, which is the 31st there.
    world.pays(utc("2011-12-27 10:42:00"), "-1");
    let noon = utc("2011-12-27 22:00:00");
    let row = world.usage_row(noon, 2, "av.hd", 60);
    world.life().usage[1].push(row);
    let nights = course(&world);
    let names: Vec<_> = nights[3].flags.iter().map(|flag| (flag.app, flag.flag)).collect();
    assert_eq!(names, [(0, "removed"), (2, "free_exhausted")]);
    assert_eq!(grants(&nights[3]), ["p1 2011-12-29..2012-01-28 void"]);
}

/// Owing 1.00 from March 2, and removed two days after the suspension, on March 5, by when `p1`, to be renewed, is over.
fn removed_while_a_renewal_is_due(paid_out_at: &str) -> World {
    let mut world = guide_world();
    world.setting.catalog.products[0].removal_days = 2;
    world.life().account.payg = "auto".to_owned();
    world.life().packages = vec![package("p1", "live.lite", &[1], "2024-02-05 00:00:00")];
    world.life().packages[0].auto_renew = true;
    world
        .nights("2024-03-01", 5)
        .uses("2024-03-05", 1, "av.audio", 60)
        .pays(at(paid_out_at), "-1");
    world
}

/// Seeds 2064 and 2364: decision 115, what the batch of March 4 renews at 10:00 on the 5th the account did not have when it was
/// removed at 5:00, though it begins at midnight; nor does it wait for what was made void then.
#[test]
fn a_removal_before_the_batch_that_renews_leaves_the_renewal() {
    let mut world = removed_while_a_renewal_is_due("2024-03-02 05:00:00");
    world.pays(at("2024-03-05 06:00:00"), "1000");
    let renewal = "p1+1 2024-03-05..2024-04-04 active";
    for (follower, expected) in [
        ("2024-03-05 05:00:01", vec![renewal]),
        ("2024-02-06 00:00:00", vec![renewal, "p2 2024-03-05..2024-04-04 void"]),
    ] {
        let mut world = world.clone();
        if expected.len() > 1 {
            let waiting = package("p2", "live.lite", &[1], follower);
            world.life().packages.push(waiting);
        }
        let nights = course(&world);
        assert_eq!(nights[3].renewals.len(), 1);
        assert_eq!(flags(&nights[3]), [""; 0]);
        assert_eq!(grants(&nights[4]), expected);
        assert_eq!(nights[4].deductions[0].grant, "p1+1");
    }
}

/// The same where both happen at the billing time: the deadline comes before the charges, the renewal after them.
#[test]
fn a_removal_at_the_billing_time_that_renews_leaves_the_renewal() {
    let mut world = removed_while_a_renewal_is_due("2024-03-02 10:00:00");
    let mut refunded = package("p2", "rtc_engine.pro", &[3], "2024-02-20 00:00:00");
    refunded.refunded_at = Some(at("2024-03-04 12:00:00"));
    refunded.refunded_amount = "1000.00".to_owned();
    let removed = package("p3", "live.lite", &[2], "2024-02-20 00:00:00");
    world.life().packages.extend([refunded, removed]);
    let nights = course(&world);
    let states: Vec<_> = nights.iter().filter_map(|rows| rows.account.as_ref()).collect();
    let states: Vec<_> = states.iter().map(|account| account.state).collect();
    assert_eq!(states, ["overdue", "suspended", "suspended", "active", "active"]);
    let expected = [
        "p1+1 2024-03-05..2024-04-04 active",
        "p2 2024-02-20..2024-03-19 refunded",
        "p3 2024-02-20..2024-03-19 void",
    ];
    assert_eq!(grants(&nights[4]), expected);
}

/// Seed 2135: decision 116, a package that was removed on its first day has no users to give, even where the batch that bills
/// them is the one that sees the removal.
#[test]
fn users_of_a_package_that_was_removed_on_its_first_day() {
    for (bought, excess) in [("2024-03-30 23:59:59", "0.000000"), ("2024-03-31 00:00:00", "1.000000")] {
        let mut world = guide_world();
        world.setting.catalog.products[0].removal_days = 2;
        world.life().packages = vec![package("p1", "live.lite", &[], bought)];
        // Removed on March 31, 12:00.
        world.nights("2024-03-28", 4).pays(at("2024-03-28 12:00:00"), "-1");
        world.life().logins.push(Login {
            at: at("2024-03-31 12:00:00"),
            app: 1,
            user: "user".to_owned(),
        });
        world.uses("2024-03-31", 1, "av.audio", 60);
        let nights = course(&world);
        let users = nights[3].lines.iter().find(|line| line.item == "mau");
        assert_eq!(
            users.map(|line| line.quantity.as_str()),
            Some(excess),
            "bought {bought}"
        );
        // The day itself is still deducted (decision 87).
        assert_eq!(nights[3].deductions[0].grant, "p1");
    }
}

//! Every boundary of SPEC 3.9, through the nights of the crate and of the reference: what an instant is before, and what it
//! is not.

use super::arrears::{account, owing, states};
use super::guide_account::{at, course, date, flags, grants, guide_world, local, package};
use super::scenario::World;

const MILLISECOND: i64 = 1_000;

/// A package of 50 minutes for app 2 that is valid all the while.
fn with_a_package(mut world: World) -> World {
    world.life().packages = vec![package("p1", "live.lite", &[2], "2024-02-20 00:00:00")];
    world
}

/// A package for app 3 that is given back outside at an instant, for what is owed.
fn with_a_credit(mut world: World, refunded_at: &str) -> World {
    let mut refunded = package("p2", "rtc_engine.pro", &[3], "2024-02-20 00:00:00");
    refunded.refunded_at = Some(at(refunded_at));
    refunded.refunded_amount = "3.99".to_owned();
    world.life().packages.push(refunded);
    world
}

/// Status of the package at the end.
fn status_at_last(world: &World) -> String {
    let nights = course(world);
    nights.last().expect("a night").grants[0].status.clone()
}

/// 3.99 are owed from March 2, 10:00; `suspend_at` is March 3, 10:00, `remove_at` two days later: billing times all.
fn owing_for_two_days(nights: usize) -> World {
    let mut world = owing(nights);
    world.setting.catalog.products[0].removal_days = 2;
    world
}

/// Payments come before what else is at their instant: the charges of a billing time, and deadlines.
#[test]
fn payments_around_each_deadline() {
    for (deadline, shift, expected) in [
        // The charge that would make the account overdue, at the billing time of March 1.
        ("2024-03-02 10:00:00", -1, "active active active active active"),
        ("2024-03-02 10:00:00", 0, "active active active active active"),
        ("2024-03-02 10:00:00", 1, "overdue active active active active"),
        // suspend_at.
        ("2024-03-03 10:00:00", -1, "overdue active active active active"),
        ("2024-03-03 10:00:00", 0, "overdue active active active active"),
        ("2024-03-03 10:00:00", 1, "overdue suspended active active active"),
        // remove_at.
        ("2024-03-05 10:00:00", -1, "overdue suspended suspended active active"),
        ("2024-03-05 10:00:00", 0, "overdue suspended suspended active active"),
        ("2024-03-05 10:00:00", 1, "overdue suspended suspended removed active"),
    ] {
        for unit in [1, MILLISECOND] {
            let mut world = owing_for_two_days(5);
            world.pays(at(deadline) + shift * unit, "3.99");
            assert_eq!(
                states(&world).join(" "),
                expected,
                "{deadline} and {shift} times {unit} us"
            );
            // A cent less ends nothing.
            world.life().payments[0].amount = "3.98".to_owned();
            let arrears = "overdue suspended suspended removed removed";
            assert_eq!(
                states(&world).join(" "),
                arrears,
                "{deadline} and {shift} times {unit} us"
            );
        }
    }
}

/// "balance < -credit_limit makes an active account overdue", ">= makes it active".
#[test]
fn a_balance_at_the_credit_limit() {
    for (credit_limit, paid, expected) in [
        ("3.99", "0.00", "active active"),
        ("3.98", "0.00", "overdue suspended"),
        ("3.98", "0.01", "overdue active"),
        ("1.00", "2.99", "overdue active"),
        ("1.00", "2.98", "overdue suspended"),
        ("0", "3.99", "overdue active"),
    ] {
        let mut world = owing(2);
        world.life().account.credit_limit = credit_limit.to_owned();
        world.pays(at("2024-03-02 12:00:00"), paid);
        assert_eq!(states(&world).join(" "), expected, "{credit_limit} and {paid}");
    }
}

/// "payments, summed per instant": a microsecond of arrears is enough to lose all where there is no time of grace.
#[test]
fn payments_of_one_instant_and_of_the_next() {
    for (shift, expected) in [(-1, "active"), (0, "active"), (1, "void")] {
        let mut world = with_a_package(guide_world());
        world.nights("2024-03-01", 2);
        let product = &mut world.setting.catalog.products[0];
        (product.grace_hours, product.removal_days) = (0, 0);
        let noon = at("2024-03-02 12:00:00");
        world.pays(noon, "-1").pays(noon + shift, "1");
        assert_eq!(
            status_at_last(&world),
            expected,
            "paid {shift} us after it was paid out"
        );
    }
}

/// "deadlines at an instant after its payments; at the billing time at last the sum of the batch's bills": a credit of that
/// batch comes too late for a deadline at its billing time.
#[test]
fn credits_at_deadlines() {
    for (refunded_at, expected, status) in [
        ("2024-03-01 12:00:00", "active active active active", "active"),
        ("2024-03-02 12:00:00", "overdue active active active", "active"),
        ("2024-03-03 12:00:00", "overdue suspended active active", "active"),
        ("2024-03-04 12:00:00", "overdue suspended suspended active", "void"),
        ("2024-03-05 12:00:00", "overdue suspended suspended removed", "void"),
    ] {
        let world = with_a_credit(with_a_package(owing_for_two_days(4)), refunded_at);
        assert_eq!(states(&world).join(" "), expected, "{refunded_at}");
        assert_eq!(status_at_last(&world), status, "{refunded_at}");
    }
    // The suspension of that instant is passed: who is in arrears again has all of the grace time.
    let mut world = with_a_credit(owing_for_two_days(2), "2024-03-02 12:00:00");
    world.nights("2024-03-01", 3).uses("2024-03-01", 1, "av.hd", 60_000);
    world.uses("2024-03-03", 1, "av.hd", 60_000);
    let nights = course(&world);
    assert_eq!(
        account(&nights[2]).suspend_at.map(local).as_deref(),
        Some("2024-03-05 10:00:00")
    );
}

/// "what arrived late for an earlier window counts first, as one amount at the previous billing time": before its deadlines.
#[test]
fn late_payments_count_at_the_billing_time_before() {
    for (from_night, expected) in [
        (0, "active active active active active"),
        // At March 2, 10:00: the account was overdue, and is at once active again.
        (1, "overdue active active active active"),
        // At March 3, 10:00, the instant of `suspend_at`, which the batch before has passed.
        (2, "overdue suspended active active active"),
        (3, "overdue suspended suspended active active"),
        // At March 5, 10:00, the instant of `remove_at`, likewise.
        (4, "overdue suspended suspended removed active"),
    ] {
        let mut world = with_a_package(owing_for_two_days(5));
        world.pays(at("2024-03-01 12:00:00"), "3.99");
        world.life().payments[0].from_night = from_night;
        assert_eq!(
            states(&world).join(" "),
            expected,
            "in the file from night {from_night}"
        );
        let status = if from_night == 4 { "void" } else { "active" };
        assert_eq!(status_at_last(&world), status, "in the file from night {from_night}");
    }
}

/// "before it nobody leaves active": `dunning_from` is the first instant of its day.
#[test]
fn dunning_begins_with_the_first_instant_of_its_day() {
    for (paid_out_at, since) in [
        (-1, "2024-03-03 10:00:00"),
        (0, "2024-03-03 00:00:00"),
        (1, "2024-03-03 00:00:00"),
    ] {
        let mut world = guide_world();
        world.nights("2024-03-01", 3);
        world.setting.dunning_from = Some(date("2024-03-03"));
        let start = at("2024-03-03 00:00:00");
        world.pays(start + paid_out_at, "-1");
        let nights = course(&world);
        let account = account(&nights[2]);
        let text = account.overdue_since.map(local);
        assert_eq!(
            text.as_deref(),
            Some(since),
            "paid out {paid_out_at} us after the start"
        );
    }
}

/// "`violation_at` reached": at the billing time it is, a microsecond later it is not; its removal days end nothing.
#[test]
fn violations_begin_at_their_instant_and_never_end() {
    for (shift, expected) in [
        (-1, "violation violation violation violation"),
        (0, "violation violation violation violation"),
        (1, "overdue violation violation violation"),
    ] {
        let mut world = owing_for_two_days(4);
        world.life().account.violation_at = Some(at("2024-03-02 10:00:00") + shift);
        assert_eq!(
            states(&world).join(" "),
            expected,
            "violation {shift} us after the billing time"
        );
    }
    // Its deadline is March 3, 12:00; the account is paid up, so nothing goes on beneath.
    let mut world = with_a_package(owing_for_two_days(4));
    world.pays(at("2024-03-01 12:00:00"), "100");
    world.life().account.violation_at = Some(at("2024-03-01 12:00:00"));
    let nights = course(&world);
    for rows in &nights {
        assert_eq!(account(rows).remove_at, None);
        assert_eq!(flags(rows), ["0 violation 2024-03-01 12:00:00 2024-03-03 12:00:00"]);
    }
    assert_eq!(grants(&nights[3]), ["p1 2024-02-20..2024-03-19 active"]);
}

/// "the grants it has then": bought, or refunded, a microsecond before the removal, at it and after it.
#[test]
fn what_is_bought_or_refunded_around_the_removal() {
    let removal = at("2024-03-05 10:00:00");
    for (shift, bought, refunded) in [(-1, "void", "refunded"), (0, "void", "refunded"), (1, "active", "void")] {
        let mut world = owing_for_two_days(5);
        world.life().packages = vec![
            package("p1", "live.lite", &[2], "2024-02-20 00:00:00"),
            package("p2", "live.lite", &[3], "2024-02-20 00:00:00"),
        ];
        world.life().packages[0].purchased_at = removal + shift;
        world.life().packages[1].refunded_at = Some(removal + shift);
        let nights = course(&world);
        let statuses: Vec<&str> = nights[4].grants.iter().map(|grant| grant.status.as_str()).collect();
        assert_eq!(statuses, [bought, refunded], "{shift} us after the removal");
    }
}

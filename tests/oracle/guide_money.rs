//! The guide's worked examples of monthly items, packages and refunds.

use super::guide_account::{at, bills, course, grants, guide_world, package};
use super::scenario::{RelaySample, Request, Screenshots, World};

// ---------------------------------------------------------------- by the month

/// So many tasks of 500 Kbps each, in one minute of October 2024.
fn relayed(tasks: i64, destination: &str) -> World {
    let mut world = guide_world();
    world.nights("2024-10-31", 1);
    for task in 0..tasks {
        world.life().relay.push(RelaySample {
            at: at("2024-10-12 20:00:00") + task,
            app: 1,
            task: format!("task {task}"),
            kbps: 500,
            destination: destination.to_owned(),
        });
    }
    world
}

#[test]
fn relay_to_css_of_5_mbps_costs_nothing() {
    assert_eq!(bills(&course(&relayed(10, "css"))[0]), ["relay 0.000000000 0.00"]);
}

#[test]
fn relay_to_css_of_150_mbps_costs_2848_50() {
    assert_eq!(
        bills(&course(&relayed(300, "css"))[0]),
        ["relay 2848.500000000 2848.50"]
    );
}

#[test]
fn relay_to_third_parties_of_5_mbps_costs_94_95() {
    assert_eq!(
        bills(&course(&relayed(10, "third_party"))[0]),
        ["relay 94.950000000 94.95"]
    );
}

/// Free are 10,000 a month; the guide's "20 x 0.03" contradicts the 12,000 that it computes (decision M9).
#[test]
fn screenshots_of_8_and_22_thousand_cost_nothing_and_0_36() {
    for (images, bill) in [(8_000, "0.000000000 0.00"), (22_000, "0.360000000 0.36")] {
        let mut world = guide_world();
        world.nights("2024-10-31", 1);
        world.life().screenshots = vec![Screenshots {
            at: at("2024-10-01 00:00:00"),
            app: 1,
            images,
        }];
        assert_eq!(bills(&course(&world)[0]), [format!("screenshots {bill}")]);
    }
}

// ---------------------------------------------------------------- packages

/// [T]: bought on March 1 with auto-renewal; 499 are deducted again. Here on the day after the last valid one, April 1.
#[test]
fn a_package_of_499_is_billed_renewed_and_billed_again() {
    let mut world = guide_world();
    let mut bought = package("p1", "rtc_engine.standard", &[1], "2023-03-01 08:00:00");
    bought.auto_renew = true;
    world.life().packages = vec![bought];
    world.nights("2023-03-01", 32).pays(at("2023-03-01 08:00:00"), "998");
    let nights = course(&world);
    assert_eq!(bills(&nights[0]), ["package 499.000000000 499.00"]);
    let renewal = &nights[30].renewals[0];
    assert_eq!(
        (renewal.package.as_str(), renewal.purchased_at),
        ("p1+1", at("2023-04-01 00:00:00"))
    );
    assert_eq!(bills(&nights[31]), ["package 499.000000000 499.00"]);
    assert_eq!(grants(&nights[31]), ["p1+1 2023-04-01..2023-04-30 active"]);
    // A cent less, and it is not renewed.
    world.life().payments[0].amount = "997.99".to_owned();
    assert!(course(&world)[30].renewals.is_empty());
}

/// [R]: 499 x (31 - 5) / 31 = 418.51.
#[test]
fn a_standard_package_refunded_within_the_fifth_day_gives_back_418_51() {
    let mut world = guide_world();
    world.life().packages = vec![package("p1", "rtc_engine.standard", &[1], "2023-03-01 08:00:00")];
    world.nights("2023-03-01", 7);
    for (requested, amount, reason) in [
        ("2023-03-06 07:59:59", "418.51", None),
        ("2023-03-06 08:00:00", "418.51", None),
        ("2023-03-06 08:00:01", "0.00", Some("too_late")),
        ("2023-03-01 08:00:00", "482.90", None),
        ("2023-03-01 07:59:59", "0.00", Some("not_purchased")),
    ] {
        world.life().requests = vec![Request {
            package: "p1".to_owned(),
            requested_at: at(requested),
        }];
        let nights = course(&world);
        let refunds: Vec<_> = nights.iter().flat_map(|rows| &rows.refunds).collect();
        assert_eq!(
            (refunds[0].amount.as_str(), refunds[0].reason),
            (amount, reason),
            "{requested}"
        );
        assert_eq!(refunds.len(), 1);
    }
}

//! Every boundary of SPEC 3.11, through the nights of the crate and of the reference.

use super::guide_account::{at, course, guide_world, package};
use super::scenario::{RefundKind, Request, World};

const MICROSECOND: i64 = 1;
const SECOND: i64 = 1_000_000;
const DAY: i64 = 24 * 3_600 * SECOND;
/// 3.11: a package can be given back for so long.
const FIVE_DAYS: i64 = 5 * DAY;

fn bought_at() -> i64 {
    at("2023-03-01 12:00:00")
}

/// A package for app 1, bought with the first of nine nights by an account that can pay for it.
fn bought(plan: &str) -> World {
    let mut world = guide_world();
    world.life().opening_balance = "10000.00".to_owned();
    world.life().packages = vec![package("p1", plan, &[1], "2023-03-01 12:00:00")];
    world.nights("2023-03-01", 9);
    world
}

fn request(world: &mut World, package: &str, requested_at: i64) {
    world.life().requests.push(Request {
        package: package.to_owned(),
        requested_at,
    });
}

/// What became of the requests of a package, `<night> <amount>` or `<night> <reason>`.
fn decisions(world: &World, package: &str) -> Vec<String> {
    let nights = course(world);
    let rows = nights.iter().enumerate();
    let rows = rows.flat_map(|(night, rows)| rows.refunds.iter().map(move |refund| (night, refund)));
    rows.filter(|(_, refund)| refund.package == package)
        .map(|(night, refund)| format!("{night} {}", refund.reason.unwrap_or(&refund.amount)))
        .collect()
}

/// Of the package alone, requested so long after its purchase.
fn after(plan: &str, held: i64) -> String {
    let mut world = bought(plan);
    request(&mut world, "p1", bought_at() + held);
    let decisions = decisions(&world, "p1");
    assert_eq!(decisions.len(), 1, "each request is decided once");
    let (_, decision) = decisions[0].split_once(' ').expect("night and decision");
    decision.to_owned()
}

/// "more than 5 x 24 h after purchase".
#[test]
fn five_days_sharp_and_later() {
    for (plan, price) in [("rtc_engine.standard", "418.51"), ("live.lite", "299.00")] {
        for (held, expected) in [
            (FIVE_DAYS - SECOND, price),
            (FIVE_DAYS - MICROSECOND, price),
            (FIVE_DAYS, price),
            (FIVE_DAYS + MICROSECOND, "too_late"),
            (FIVE_DAYS + 1_000 * MICROSECOND, "too_late"),
            (FIVE_DAYS + SECOND, "too_late"),
        ] {
            assert_eq!(after(plan, held), expected, "{plan} held {held} us");
        }
    }
}

/// "days held = started 24 h periods, at least 1": 499 x (31 - days) / 31, rounded down; full ones have no days.
#[test]
fn days_held_begin_after_24_hours_sharp() {
    for (held, prorated) in [
        (0, "482.90"),
        (MICROSECOND, "482.90"),
        (DAY - MICROSECOND, "482.90"),
        (DAY, "482.90"),
        (DAY + MICROSECOND, "466.80"),
        (2 * DAY, "466.80"),
        (2 * DAY + MICROSECOND, "450.70"),
        (3 * DAY, "450.70"),
        (3 * DAY + SECOND, "434.61"),
        (4 * DAY, "434.61"),
        (4 * DAY + MICROSECOND, "418.51"),
        (FIVE_DAYS, "418.51"),
    ] {
        assert_eq!(after("rtc_engine.standard", held), prorated, "held {held} us");
        assert_eq!(after("live.lite", held), "299.00", "held {held} us");
    }
}

/// Requested before it was bought; "the first batch that knows it": at the billing time of March 2, and a microsecond after.
#[test]
fn requests_around_the_purchase_and_the_billing_time() {
    let billing_time = at("2023-03-03 10:00:00");
    for (requested_at, expected) in [
        (bought_at() - SECOND, "0 not_purchased"),
        (bought_at() - MICROSECOND, "0 not_purchased"),
        (bought_at(), "0 482.90"),
        (billing_time - MICROSECOND, "1 466.80"),
        (billing_time, "1 466.80"),
        (billing_time + MICROSECOND, "2 466.80"),
    ] {
        let mut world = bought("rtc_engine.standard");
        request(&mut world, "p1", requested_at);
        assert_eq!(decisions(&world, "p1"), [expected], "requested at {requested_at}");
    }
    // Known before the package is, it is refused for good.
    let mut world = bought("rtc_engine.standard");
    world.life().packages[0].purchased_at = at("2023-03-02 10:00:00") + MICROSECOND;
    request(&mut world, "p1", at("2023-03-02 10:00:00"));
    assert_eq!(decisions(&world, "p1"), ["0 not_purchased"]);
}

/// "used", whatever is left: 50 minutes for audio, of which nothing, a minute, all but one or all are used. Bought with none
/// to give, or too few for a dearer tier, a package is never used.
#[test]
fn the_first_minute_that_is_used_is_one_too_many() {
    for (minutes, tier, seconds, expected) in [
        (50, "av.audio", 0, "3 299.00"),
        (50, "av.audio", 1, "3 used"),
        (50, "av.audio", 60, "3 used"),
        (50, "av.audio", 49 * 60, "3 used"),
        (50, "av.audio", 50 * 60, "3 used"),
        (50, "av.audio", 51 * 60, "3 used"),
        (0, "av.audio", 60, "3 299.00"),
        (3, "av.hd", 60, "3 299.00"),
        (4, "av.hd", 60, "3 used"),
        // No ratio names the tier.
        (50, "recording.hd", 60, "3 299.00"),
    ] {
        let mut world = bought("live.lite");
        world.setting.catalog.plans[1].minutes = minutes;
        if seconds > 0 {
            world.uses("2023-03-02", 1, tier, seconds);
        }
        request(&mut world, "p1", at("2023-03-04 12:00:00"));
        assert_eq!(
            decisions(&world, "p1"),
            [expected],
            "{seconds} s of {tier} from {minutes} minutes"
        );
    }
}

/// "after that day's deduction (usage on that day counts as use)": the batch of March 4 decides.
#[test]
fn usage_of_the_day_that_decides_counts() {
    for (day, app, expected) in [
        ("2023-03-03", 1, "3 used"),
        ("2023-03-04", 1, "3 used"),
        ("2023-03-05", 1, "3 299.00"),
        ("2023-03-04", 2, "3 299.00"),
    ] {
        let mut world = bought("live.lite");
        world.uses(day, app, "av.audio", 60);
        request(&mut world, "p1", at("2023-03-04 12:00:00"));
        assert_eq!(decisions(&world, "p1"), [expected], "app {app} on {day}");
    }
}

/// "one_at_a_time: another of the account approved in this batch", in order of request, then package; the next batch is another.
#[test]
fn one_refund_in_a_batch() {
    let noon = at("2023-03-03 12:00:00");
    let next = at("2023-03-04 10:00:00") + MICROSECOND;
    for (first, second, expected) in [
        (noon, noon, ["2 299.00", "2 one_at_a_time"]),
        (noon, noon - MICROSECOND, ["2 one_at_a_time", "2 299.00"]),
        (noon, noon + MICROSECOND, ["2 299.00", "2 one_at_a_time"]),
        (noon, next - MICROSECOND, ["2 299.00", "2 one_at_a_time"]),
        (noon, next, ["2 299.00", "3 299.00"]),
    ] {
        let mut world = bought("live.lite");
        world
            .life()
            .packages
            .push(package("p2", "live.lite", &[2], "2023-03-01 12:00:00"));
        request(&mut world, "p1", first);
        request(&mut world, "p2", second);
        let decisions = [decisions(&world, "p1"), decisions(&world, "p2")].concat();
        assert_eq!(decisions, expected, "requested at {first} and {second}");
    }
}

/// A reason, and what brings it about.
type Obstacle = (&'static str, fn(&mut World));

/// In the order of 3.11.
const OBSTACLES: [Obstacle; 10] = [
    ("not_billed_here", |world| {
        let first = at("2023-03-01 00:00:00");
        world.life().packages[0].purchased_at = first - MICROSECOND;
        let requested_at = &mut world.life().requests[0].requested_at;
        if *requested_at < bought_at() {
            // Before this purchase too.
            *requested_at = first - 2 * MICROSECOND;
        }
    }),
    ("not_purchased", |world| {
        world.life().requests[0].requested_at = bought_at() - MICROSECOND;
    }),
    ("gift", |world| world.life().packages[0].gift = true),
    ("violation", |world| {
        world.life().account.violation_at = Some(bought_at())
    }),
    ("already_refunded", |world| {
        world.life().packages[0].refunded_at = Some(bought_at());
    }),
    ("void", |world| {
        // Removed on March 3, 10:00.
        world.life().opening_balance = "-10000.00".to_owned();
        let product = &mut world.setting.catalog.products[0];
        (product.grace_hours, product.removal_days) = (0, 1);
    }),
    ("not_refundable", |world| {
        world.setting.catalog.plans[1].refund = RefundKind::None;
    }),
    ("too_late", |world| {
        world.life().requests[0].requested_at = bought_at() + FIVE_DAYS + MICROSECOND;
    }),
    ("used", |world| {
        world.uses("2023-03-02", 1, "av.audio", 60);
    }),
    ("one_at_a_time", |world| {
        let mut other = package("p0", "rtc_engine.standard", &[2], "2023-03-01 12:00:00");
        other.purchased_at = bought_at();
        world.life().packages.push(other);
        let requested_at = world.life().requests[0].requested_at - MICROSECOND;
        request(world, "p0", requested_at);
    }),
];

/// With one obstacle alone its own reason is given; with all that follow it too, still.
#[test]
fn every_reason_alone_and_before_those_that_follow() {
    let without = |obstacles: &[Obstacle]| {
        let mut world = bought("live.lite");
        request(&mut world, "p1", bought_at() + 4 * DAY);
        obstacles.iter().rev().for_each(|(_, obstruct)| obstruct(&mut world));
        let decisions = decisions(&world, "p1");
        assert_eq!(decisions.len(), 1, "{decisions:?}");
        decisions[0].split_once(' ').expect("night and decision").1.to_owned()
    };
    assert_eq!(without(&[]), "299.00");
    for (place, (reason, _)) in OBSTACLES.iter().enumerate() {
        assert_eq!(without(&OBSTACLES[place..=place]), *reason, "alone");
        assert_eq!(without(&OBSTACLES[place..]), *reason, "with those that follow");
    }
}

/// The start of the first settled day, and a microsecond before it.
#[test]
fn bought_with_the_first_settled_day_or_before_it() {
    let first = at("2023-03-01 00:00:00");
    for (purchased_at, expected) in [(first - MICROSECOND, "0 not_billed_here"), (first, "0 299.00")] {
        let mut world = bought("live.lite");
        world.life().packages[0].purchased_at = purchased_at;
        request(&mut world, "p1", bought_at());
        assert_eq!(decisions(&world, "p1"), [expected]);
    }
}

/// The instant of the billing time decides on violations and on refunds made outside.
#[test]
fn what_is_known_at_the_billing_time_refuses() {
    let billing_time = at("2023-03-04 10:00:00");
    for (shift, of_violation, of_refund) in [
        (-1, "2 violation", "2 already_refunded"),
        (0, "2 violation", "2 already_refunded"),
        (1, "2 299.00", "2 299.00"),
    ] {
        let mut world = bought("live.lite");
        request(&mut world, "p1", at("2023-03-03 12:00:00"));
        let mut refunded = world.clone();
        world.life().account.violation_at = Some(billing_time + shift);
        assert_eq!(decisions(&world, "p1"), [of_violation], "{shift}");
        refunded.life().packages[0].refunded_at = Some(billing_time + shift);
        assert_eq!(decisions(&refunded, "p1"), [of_refund], "{shift}");
    }
}

/// Removed on March 3, 10:00: of what was bought then nothing is given back, of what was bought later everything.
#[test]
fn what_was_bought_around_a_removal() {
    let removal = at("2023-03-03 10:00:00");
    for (shift, expected) in [(-1, "2 void"), (0, "2 void"), (1, "2 299.00")] {
        let mut world = bought("live.lite");
        world.life().opening_balance = "-10000.00".to_owned();
        let product = &mut world.setting.catalog.products[0];
        (product.grace_hours, product.removal_days) = (0, 1);
        world.life().packages[0].purchased_at = removal + shift;
        request(&mut world, "p1", removal + DAY - MICROSECOND);
        assert_eq!(
            decisions(&world, "p1"),
            [expected],
            "bought {shift} us after the removal"
        );
    }
}

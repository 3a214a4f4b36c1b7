//! Refund requests (SPEC 3.11): every reason in its order, every boundary.

use crate::book::day;
use crate::world::{World, at};
use nightbill::catalog::book::RefundKind;

/// `<package> approved <amount>`, or `<package> <reason>`.
fn decisions(world: &World) -> Vec<String> {
    world
        .settle()
        .refunds
        .iter()
        .map(|decision| match decision.outcome {
            Ok(amount) => format!("{} approved {amount}", decision.request.package),
            Err(reason) => format!("{} {}", decision.request.package, reason.as_str()),
        })
        .collect()
}

/// Package and request of June 15, 2024 in Shanghai, whose billing time is 02:00 UTC on the 16th; what becomes of it.
fn check(table: &str) {
    for line in table.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (facts, expected) = line.split_once(" = ").unwrap();
        let (package, request) = facts.split_once(" | ").unwrap();
        let mut world = World::new()
            .package(&format!("p {package}"))
            .request(&format!("p {request}"));
        world.first_settled_day = day("2024-06-10");
        assert_eq!(decisions(&world), [format!("p {expected}")], "{line}");
    }
}

/// `[R]`: "If it has been more than 5 days (excluding 5 days) since the monthly package was purchased".
#[test]
fn five_days_sharp_and_a_second_later() {
    check(
        "
        rtc_engine.lite 1 2024-06-11T00:00:00Z | 2024-06-15T23:59:59Z        = approved 99.00
        rtc_engine.lite 1 2024-06-11T00:00:00Z | 2024-06-16T00:00:00Z        = approved 99.00
        rtc_engine.lite 1 2024-06-11T00:00:00Z | 2024-06-16T00:00:00.000001Z = too_late
        rtc_engine.lite 1 2024-06-11T00:00:00Z | 2024-06-16T00:00:01Z        = too_late
        ",
    );
}

#[test]
fn bought_before_the_first_day_or_after_the_request() {
    check(
        "
        rtc_engine.lite 1 2024-06-09T15:59:59.999Z gift | 2024-06-12T00:00:00Z        = not_billed_here
        rtc_engine.lite 1 2024-06-09T16:00:00Z          | 2024-06-12T00:00:00Z        = approved 99.00
        rtc_engine.lite 1 2024-06-12T00:00:00Z gift     | 2024-06-11T23:59:59.999Z    = not_purchased
        rtc_engine.lite 1 2024-06-12T00:00:00Z          | 2024-06-12T00:00:00Z        = approved 99.00
        rtc_engine.lite 1 2024-06-17T00:00:00Z          | 2024-06-12T00:00:00Z        = not_purchased
        ",
    );
}

#[test]
fn gifts_and_refunds_made_outside() {
    check(
        "
        rtc_engine.lite 1 2024-06-12T00:00:00Z gift refunded=2024-06-13T00:00:00Z            | 2024-06-15T00:00:00Z = gift
        rtc_engine.lite 1 2024-06-12T00:00:00Z refunded=2024-06-16T02:00:00Z amount=1        | 2024-06-15T00:00:00Z = already_refunded
        rtc_engine.lite 1 2024-06-12T00:00:00Z refunded=2024-06-16T02:00:00.000001Z amount=1 | 2024-06-15T00:00:00Z = approved 99.00
        ",
    );
}

#[test]
fn plans_that_give_nothing_back() {
    let mut world = World::new()
        .package("p rtc_engine.lite 1 2024-06-12T00:00:00Z")
        .request("p 2024-06-18T00:00:00Z")
        .on("2024-06-18");
    world.book.plans[0].refund = RefundKind::None;
    assert_eq!(decisions(&world), ["p not_refundable"]);
}

#[test]
fn a_violation_at_the_billing_time_refuses_all() {
    let world = World::new()
        .package("p rtc_engine.lite 1 2024-06-12T00:00:00Z refunded=2024-06-13T00:00:00Z")
        .request("p 2024-06-15T00:00:00Z");
    assert_eq!(
        decisions(&world.clone().violated("2024-06-16T02:00:00Z")),
        ["p violation"]
    );
    assert_eq!(
        decisions(&world.violated("2024-06-16T02:00:00.000001Z")),
        ["p already_refunded"]
    );
}

/// A removal since the batch before counts; it precedes what the batch decides.
#[test]
fn what_a_removal_has_made_void_is_not_given_back() {
    let world = World::new()
        .opening_balance("-1")
        .package("p rtc_engine.lite 1 2024-08-13T00:00:00Z")
        .until("2024-08-15")
        .request("p 2024-08-16T02:00:00Z");
    assert_eq!(decisions(&world), ["p void"]);
}

/// Usage on the day of the decision counts as use, also of a package that is over by then.
#[test]
fn used_packages_are_not_given_back() {
    let world = World::new()
        .package("p rtc_engine.lite 1 2024-06-12T00:00:00Z")
        .request("p 2024-06-15T00:00:00Z");
    assert_eq!(decisions(&world.clone().used(1, "av.audio", 1)), ["p used"]);
    assert_eq!(decisions(&world.clone().used(2, "av.audio", 1)), ["p approved 99.00"]);
    assert_eq!(decisions(&world.opening_grant("p", "0", "0.01")), ["p used"]);
    let trial = World::new()
        .package("p call.trial 1 2024-06-12T00:00:00Z")
        .opening_grant("p", "0", "0.01")
        .request("p 2024-06-15T00:00:00Z")
        .on("2024-06-25");
    assert_eq!(decisions(&trial), ["p used"]);
}

/// `[T]`: "one package … at a time". Refused ones leave room for later ones.
#[test]
fn one_refund_at_a_time() {
    let world = World::new()
        .package("a rtc_engine.lite 1 2024-06-12T00:00:00Z gift")
        .package("b rtc_engine.lite 2 2024-06-12T00:00:00Z")
        .package("c rtc_engine.lite 3 2024-06-12T00:00:00Z")
        .package("d rtc_engine.lite 4 2024-06-12T00:00:00Z")
        .request("d 2024-06-14T00:00:00Z")
        .request("c 2024-06-13T00:00:01Z")
        .request("b 2024-06-13T00:00:01Z")
        .request("a 2024-06-13T00:00:00Z");
    assert_eq!(
        decisions(&world),
        ["a gift", "b approved 99.00", "c one_at_a_time", "d one_at_a_time"]
    );
    assert_eq!(decisions(&world.next_day()), [""; 0], "each is decided once");
}

/// Known at the billing time or not; a renewal that nobody has made was not purchased.
#[test]
fn the_first_batch_that_knows_a_request_decides_it() {
    let world = World::new()
        .package("p rtc_engine.lite 1 2024-06-12T00:00:00Z")
        .request("p 2024-06-16T02:00:00.000001Z")
        .request("p+1 2024-06-16T02:00:00Z");
    assert_eq!(decisions(&world), ["p+1 not_purchased"]);
    assert_eq!(decisions(&world.next_day()), ["p approved 99.00"]);
}

/// `[R]` Refund Example, through the day: billed under `refund`, over on the day after, and the next of its queue begins.
#[test]
fn an_approved_refund_is_credited_and_ends_the_package() {
    let mut world = World::new()
        .on("2023-03-05")
        .package("p rtc_engine.standard 1 2023-03-01T00:00:00Z")
        .package("q rtc_engine.lite 1 2023-03-02T00:00:00Z")
        .request("p 2023-03-05T23:59:59Z");
    world.first_settled_day = day("2023-03-01");
    world.account.registered_at = at("2023-01-01T00:00:00Z");
    world.book.plans[1].refund = RefundKind::Prorated;
    world.book.plans[1].price = Some(nightbill::units::quantity::Cents::from_units(49_900));
    assert_eq!(decisions(&world), ["p approved 418.51"]);
    assert_eq!(world.bills(), ["refund -418.510000000 -418.51"]);
    assert_eq!(
        world.grants(),
        [
            "p 2023-03-01 2023-03-31 used 0.00 of 500000.00 refunded",
            "q 2023-03-06 2023-04-05 used 0.00 of 50000.00 queued",
        ]
    );
    let next = world.next_day().used(1, "av.audio", 60);
    assert_eq!(next.deductions(), ["1 av.audio q 1 x 1.00 = 1.00"]);
    assert_eq!(next.bills(), ["av 0.000000000 0.00"], "credited once");
    assert_eq!(
        next.grants()[0],
        "p 2023-03-01 2023-03-31 used 0.00 of 500000.00 refunded"
    );
}

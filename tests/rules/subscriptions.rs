//! Purchases, renewals and credits (SPEC 3.8).

use nightbill::rules::subscriptions::Limit;

use crate::book::day;
use crate::world::World;

/// `<app> <plan> <quantity> x <price> = <amount>`.
fn purchases(world: &World) -> Vec<String> {
    world
        .settle()
        .purchases
        .iter()
        .map(|line| {
            let plan = &world.book.plans[line.plan.index()].id;
            format!(
                "{} {plan} {} x {} = {}",
                line.app, line.quantity, line.unit_price, line.amount
            )
        })
        .collect()
}

/// `<id> <apps> <plan> <purchased_at>`.
fn renewals(world: &World) -> Vec<String> {
    world
        .settle()
        .renewals
        .iter()
        .map(|renewal| {
            let apps: Vec<String> = renewal.apps.iter().map(ToString::to_string).collect();
            let plan = &world.book.plans[renewal.plan.index()].id;
            format!("{} [{}] {plan} {}", renewal.id, apps.join(";"), renewal.purchased_at)
        })
        .collect()
}

/// One line per app and plan; gifts and plans without a price are not billed, purchases of other days neither.
#[test]
fn purchases_are_billed_on_their_day() {
    let world = World::new()
        .package("a rtc_engine.lite 1 2024-06-14T16:00:00Z")
        .package("b rtc_engine.lite 1 2024-06-15T15:59:59.999Z")
        .package("c rtc_engine.lite 1;2 2024-06-15T00:00:00Z")
        .package("d rtc_engine.lite - 2024-06-15T00:00:00Z")
        .package("e conference.lite 1 2024-06-15T00:00:00Z")
        .package("f conference.lite 2 2024-06-15T00:00:00Z gift")
        .package("g call.trial 1 2024-06-15T00:00:00Z")
        .package("h conference.lite 3 2024-06-14T15:59:59.999Z")
        .package("i conference.lite 3 2024-06-15T16:00:00Z");
    assert_eq!(
        purchases(&world),
        [
            "0 rtc_engine.lite 2.000000 x 99.000000 = 198.000000000",
            "1 rtc_engine.lite 2.000000 x 99.000000 = 198.000000000",
            "1 conference.lite 1.000000 x 99.000000 = 99.000000000",
        ]
    );
    assert_eq!(world.bills(), ["package 495.000000000 495.00"]);
}

/// `refunded_at` on the day, with what was given back; a line for each package.
#[test]
fn refunds_made_outside_are_credited_on_their_day() {
    let world = World::new()
        .package("b rtc_engine.lite 1 2024-05-20T00:00:00Z refunded=2024-06-14T16:00:00Z amount=10")
        .package("a rtc_engine.lite - 2023-06-01T00:00:00Z refunded=2024-06-15T15:59:59.999Z amount=0.5")
        .package("c rtc_engine.lite 2 2024-06-01T00:00:00Z refunded=2024-06-15T16:00:00Z amount=7");
    let lines: Vec<String> = world
        .settle()
        .credits
        .iter()
        .map(|line| format!("{} {} {} {}", line.app, line.package, line.unit_price, line.amount))
        .collect();
    assert_eq!(lines, ["0 a 0.500000 -0.500000000", "1 b 10.000000 -10.000000000"]);
    assert_eq!(world.bills(), ["refund -10.500000000 -10.50"]);
}

/// Bought on May 16, it ends on June 15; renewed at the start of the 16th when balance and credit limit reach its price.
fn due() -> World {
    World::new()
        .package("p rtc_engine.lite 1;2 2024-05-16T00:00:00Z renew")
        .opening_balance("99")
}

const RENEWED: &str = "p+1 [1;2] rtc_engine.lite 2024-06-15T16:00:00Z";

#[test]
fn a_package_is_renewed_when_the_account_can_pay_for_it() {
    assert_eq!(renewals(&due()), [RENEWED]);
    assert_eq!(renewals(&due().opening_balance("98.99")), [""; 0]);
    assert_eq!(
        renewals(&due().opening_balance("98.99").credit_limit("0.01")),
        [RENEWED]
    );
    assert_eq!(renewals(&due().on("2024-06-14")), [""; 0]);
    assert_eq!(renewals(&due().on("2024-06-16")), [""; 0]);
    assert_eq!(renewals(&due().violated("2024-06-16T02:00:00Z")), [""; 0]);
    assert_eq!(renewals(&due().opening_balance("-1").credit_limit("100")), [RENEWED]);
    // The charges of the day come first.
    assert_eq!(renewals(&due().package("q call.group 5 2024-06-15T00:00:00Z")), [""; 0]);
    assert_eq!(
        renewals(
            &due()
                .package("q call.group 5 2024-06-15T00:00:00Z")
                .opening_balance("198")
        ),
        [RENEWED]
    );
    // An account in arrears is not active, whatever was paid late.
    let overdue = due().on("2024-06-14").opening_balance("-1").next_day();
    assert_eq!(renewals(&overdue), [""; 0]);
    assert_eq!(renewals(&overdue.paid("2024-06-16T02:00:00Z", "100")), [RENEWED]);
}

#[test]
fn what_is_followed_refunded_or_given_is_not_renewed() {
    let after = |package: &str| renewals(&due().package(package));
    assert_eq!(after("q rtc_engine.lite 1;2 2024-06-01T00:00:00Z"), [""; 0]);
    assert_eq!(
        after("q rtc_engine.lite 1;2 2024-06-16T02:00:00Z"),
        [""; 0],
        "known at the billing time"
    );
    assert_eq!(after("q rtc_engine.lite 1;2 2024-06-16T02:00:00.000001Z"), [RENEWED]);
    assert_eq!(
        after("q rtc_engine.lite 1 2024-06-01T00:00:00Z"),
        [RENEWED],
        "another queue"
    );
    assert_eq!(
        after("q rtc_engine.lite 1;2 2024-06-01T00:00:00Z refunded=2024-06-10T00:00:00Z"),
        [RENEWED]
    );
    let only = |package: &str| renewals(&World::new().opening_balance("99").package(package));
    assert_eq!(only("p rtc_engine.lite 1;2 2024-05-16T00:00:00Z renew gift"), [""; 0]);
    assert_eq!(only("p rtc_engine.lite 1;2 2024-05-16T00:00:00Z"), [""; 0]);
    assert_eq!(
        only("p dashboard.standard 1 2024-05-16T00:00:00Z renew"),
        [""; 0],
        "no price"
    );
    assert_eq!(
        only("p rtc_engine.lite 1;2 2024-05-16T00:00:00Z renew refunded=2024-06-16T02:00:00Z"),
        [""; 0]
    );
    assert_eq!(renewals(&due().removed("2024-06-01T00:00:00Z")), [""; 0]);
}

/// In order of purchase, as far as the money goes: a cheaper one is renewed where a dearer one was not.
#[test]
fn several_renewals_share_the_balance() {
    let mut world = World::new()
        .package("b rtc_engine.lite 1 2024-05-16T00:00:00Z renew")
        .package("a rtc_engine.standard 2 2024-05-16T00:00:00Z renew")
        .package("c call.group 3 2024-05-16T01:00:00Z renew");
    world.book.plans[1].price = Some(nightbill::units::quantity::Cents::from_units(20_000));
    let made = |balance: &str| -> Vec<String> {
        let renewed = renewals(&world.clone().opening_balance(balance));
        renewed
            .iter()
            .map(|line| line.split(' ').next().unwrap().to_owned())
            .collect()
    };
    assert_eq!(made("398"), ["a+1", "b+1", "c+1"]);
    assert_eq!(made("397.99"), ["a+1", "b+1"]);
    assert_eq!(made("298.99"), ["a+1"]);
    assert_eq!(made("199"), ["b+1", "c+1"]);
}

/// Billed by the next batch, valid from then on, renewed again under the first id.
#[test]
fn a_renewal_is_a_package_like_any_other() {
    let world = due().opening_balance("250").next_day();
    assert_eq!(
        purchases(&world),
        ["0 rtc_engine.lite 1.000000 x 99.000000 = 99.000000000"]
    );
    let used = world.clone().used(1, "av.audio", 60);
    assert_eq!(used.deductions(), ["1 av.audio p+1 1 x 1.00 = 1.00"]);
    assert_eq!(
        used.grants(),
        ["p+1 2024-06-16 2024-07-15 used 1.00 of 50000.00 active"]
    );
    let second = used.until("2024-07-15");
    assert_eq!(renewals(&second), ["p+2 [1;2] rtc_engine.lite 2024-07-15T16:00:00Z"]);
    let third = second.until("2024-08-15");
    assert_eq!(renewals(&third), [""; 0], "the money is spent");
    // A refund of a renewal, by its own id.
    let requested = world.request("p+1 2024-06-16T03:00:00Z");
    let refunded = requested.settle();
    assert_eq!(
        refunded.refunds[0].outcome.map(|amount| amount.to_string()),
        Ok("99.00".to_owned())
    );
    assert_eq!(refunded.balance.charged, nightbill::units::quantity::Cents::ZERO);
}

/// Switching it off on the purchase, the only row that there is, ends the chain.
#[test]
fn auto_renewal_is_switched_off_on_the_purchase() {
    let mut world = due().opening_balance("300").until("2024-07-15");
    assert_eq!(renewals(&world).len(), 1);
    world.packages[0].auto_renew = false;
    assert_eq!(renewals(&world), [""; 0]);
}

/// Old renewals are not carried for ever, but the last of a chain says how many there were.
#[test]
fn the_last_renewal_of_a_chain_is_kept() {
    let world = due().opening_balance("1000").until("2025-05-10");
    let kept: Vec<&str> = world
        .opening
        .carried
        .renewals
        .iter()
        .map(|renewal| &*renewal.id)
        .collect();
    assert_eq!(kept, ["p+9", "p+10"], "10 x 99 is all that the account had");
    let later = world.until("2026-06-20");
    let kept: Vec<&str> = later
        .opening
        .carried
        .renewals
        .iter()
        .map(|renewal| &*renewal.id)
        .collect();
    assert_eq!(kept, ["p+10"]);
}

#[test]
fn limits_are_warned_of_and_not_renewed_against() {
    let mut world = due().opening_balance("1000");
    world.book.plans[0].max_purchases = Some(2);
    assert_eq!(renewals(&world), [RENEWED]);
    let second = world.until("2024-07-15");
    assert_eq!(renewals(&second), [""; 0], "bought once and renewed once");
    let breaches = |world: &World| -> Vec<(String, Limit)> {
        let day = world.settle();
        day.breaches
            .iter()
            .map(|breach| (breach.package.to_owned(), breach.limit))
            .collect()
    };
    let third = second.package("q rtc_engine.lite 3 2024-07-15T00:00:00Z");
    assert_eq!(breaches(&third), [("q".to_owned(), Limit::MaxPurchases(2))]);
    assert_eq!(purchases(&third).len(), 1, "billed all the same");

    let mut world = due();
    world.book.plans[0].new_customers_of = vec![crate::book::plan_id(&world.book, "rtc_engine.standard")];
    assert_eq!(renewals(&world), [RENEWED]);
    let old = world
        .clone()
        .package("s rtc_engine.standard 9 2024-05-16T00:00:00.000001Z");
    assert_eq!(renewals(&old), [""; 0]);
    assert_eq!(breaches(&old.clone().on("2024-05-16")), [], "it was bought after");
    let gift = world.package("s rtc_engine.standard 9 2024-05-16T00:00:00Z gift");
    assert_eq!(renewals(&gift), [RENEWED], "a gift is no purchase");
    let mut early = old.package("r rtc_engine.lite 8 2024-05-17T00:00:00Z").on("2024-05-17");
    early.first_settled_day = day("2024-01-01");
    assert_eq!(breaches(&early), [("r".to_owned(), Limit::NewCustomers)]);
}

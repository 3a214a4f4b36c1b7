//! Flags (SPEC 3.10): what raises them, what keeps them, what they say.

use nightbill::catalog::book::{OnExpiry, Policy};
use nightbill::rules::facts::Payg;

use crate::book::day;
use crate::world::World;

/// `<app> <product> <flag> <since>`, then deadline and `rooms=` where there are any, and the actions.
fn flags(world: &World) -> Vec<String> {
    world
        .settle()
        .flags
        .iter()
        .map(|flag| {
            let product = &world.book.products[flag.product.index()].id;
            let mut text = format!("{} {product} {} {}", flag.app, flag.kind.as_str(), flag.since);
            if let Some(deadline) = flag.deadline {
                text += &format!(" by {deadline}");
            }
            if let Some(rooms) = flag.stop_rooms_by {
                text += &format!(" rooms {rooms}");
            }
            format!("{text} {}", flag.actions(&world.book).join(";"))
        })
        .collect()
}

/// Policies from June 1 and from June 17, 2024 (Shanghai).
fn world() -> World {
    let mut world = World::new();
    let policy = |from: &str, hours| Policy {
        from: day(from),
        on_overdue: vec!["keep_running".to_owned()],
        on_suspended: vec!["stop_rooms".to_owned(), "block_api".to_owned()],
        on_removed: vec!["delete".to_owned()],
        on_stopped: vec!["deny".to_owned()],
        stop_rooms_within_hours: hours,
    };
    world.book.products[0].policies = vec![policy("2024-06-01", 48), policy("2024-06-17", 0)];
    world.account.products = &[nightbill::catalog::book::ProductId(0)];
    world
}

#[test]
fn account_flags_are_its_state() {
    let world = world().opening_balance("-1");
    assert_eq!(
        flags(&world),
        ["0 trtc overdue 2024-06-16T02:00:00Z by 2024-06-17T02:00:00Z keep_running"]
    );
    assert_eq!(
        flags(&world.until("2024-06-16")),
        [
            "0 trtc suspended 2024-06-17T02:00:00Z by 2024-08-16T02:00:00Z rooms 2024-06-17T02:00:00Z stop_rooms;block_api"
        ]
    );
    assert_eq!(
        flags(&world.until("2024-08-15")),
        ["0 trtc removed 2024-08-16T02:00:00Z delete"]
    );
    assert_eq!(
        flags(&world.violated("2024-06-16T01:00:00Z")),
        [
            "0 trtc violation 2024-06-16T01:00:00Z by 2024-08-15T01:00:00Z rooms 2024-06-18T01:00:00Z stop_rooms;block_api"
        ]
    );
}

/// One per product; a product without a policy then has no actions.
#[test]
fn every_product_of_the_account_has_its_flag() {
    let mut world = world().opening_balance("-1");
    world.account.products = &[
        nightbill::catalog::book::ProductId(0),
        nightbill::catalog::book::ProductId(1),
    ];
    assert_eq!(
        flags(&world),
        [
            "0 lcic overdue 2024-06-16T02:00:00Z by 2024-06-17T02:00:00Z ",
            "0 trtc overdue 2024-06-16T02:00:00Z by 2024-06-17T02:00:00Z keep_running",
        ]
    );
}

const EXHAUSTED: &str = "1 trtc free_exhausted 2024-06-14T16:00:00Z deny";

#[test]
fn unbilled_minutes_raise_free_exhausted_until_the_app_is_entitled() {
    let world = world().used(1, "av.audio", 60).used(1, "delivery.tencent_hd", 60);
    assert_eq!(flags(&world), [EXHAUSTED], "not for the line of the whole account");
    let next = world.next_day();
    assert_eq!(flags(&next), [EXHAUSTED], "kept, since the same day");
    assert_eq!(flags(&next.clone().used(1, "av.audio", 60)), [EXHAUSTED]);
    // Entitled on the 17th, the day after.
    let bought = |at: &str| flags(&next.clone().package(&format!("p rtc_engine.lite 1 {at}")));
    assert_eq!(bought("2024-06-17T02:00:00Z"), [""; 0], "known at the billing time");
    assert_eq!(bought("2024-06-17T02:00:00.000001Z"), [EXHAUSTED]);
    assert_eq!(
        flags(&next.clone().package("p rtc_engine.lite 2 2024-06-17T00:00:00Z")),
        [EXHAUSTED]
    );
    assert_eq!(flags(&next.clone().payg(Payg::On)), [""; 0]);
    // The day that raises it looks ahead as well.
    assert_eq!(
        flags(&world.package("p rtc_engine.lite 1 2024-06-16T00:00:00Z")),
        [""; 0]
    );
}

#[test]
fn a_free_cycle_that_begins_ends_free_exhausted() {
    let world = world().with_free_minutes("2024-06-18").used(1, "av.audio", 60);
    assert_eq!(flags(&world), [EXHAUSTED]);
    assert_eq!(flags(&world.until("2024-06-16")), [EXHAUSTED]);
    assert_eq!(flags(&world.until("2024-06-17")), [""; 0]);
    assert_eq!(flags(&world.until("2024-06-18")), [""; 0]);
}

/// Bought on May 16: its last day is June 15.
#[test]
fn package_expired_begins_on_the_day_after_the_last_one() {
    let world = world().package("p rtc_engine.lite 1 2024-05-16T00:00:00Z");
    let expired = "1 trtc package_expired 2024-06-15T16:00:00Z deny";
    assert_eq!(flags(&world.clone().on("2024-06-14")), [""; 0]);
    assert_eq!(flags(&world), [expired], "none is valid on the 16th");
    assert_eq!(flags(&world.clone().on("2026-06-15")), [expired]);
    assert_eq!(flags(&world.clone().payg(Payg::On)), [""; 0]);
    assert_eq!(
        flags(&world.clone().package("q call.group 1 2024-06-01T00:00:00Z")),
        [""; 0],
        "any of the product"
    );
    assert_eq!(
        flags(&world.clone().package("q call.group - 2024-06-01T00:00:00Z")),
        [""; 0],
        "account-wide"
    );
    assert_eq!(
        flags(&world.clone().package("q call.group 2 2024-06-01T00:00:00Z")),
        [expired]
    );
    assert_eq!(
        flags(&world.clone().package("q class.basic 1 2024-06-01T00:00:00Z")),
        [expired]
    );
    let mut free = world.clone();
    free.book.plans[0].on_expiry = OnExpiry::Free;
    assert_eq!(flags(&free), [""; 0]);
    // The last one to end decides.
    assert_eq!(
        flags(&free.package("q call.trial 1 2024-06-09T00:00:00Z").on("2024-06-20")),
        [expired],
        "p and q end on June 15, q was bought last"
    );
}

/// A refund ends it on its day, a removal on that of `remove_at`; a renewal made by the batch goes on.
#[test]
fn package_expired_after_refunds_removals_and_renewals() {
    let refunded = world().package("p rtc_engine.lite - 2024-06-01T00:00:00Z refunded=2024-06-10T00:00:00Z");
    assert_eq!(flags(&refunded), ["0 trtc package_expired 2024-06-09T16:00:00Z deny"]);
    let removed = world()
        .package("p rtc_engine.lite 1 2024-06-01T00:00:00Z")
        .removed("2024-06-10T00:00:00Z");
    assert_eq!(flags(&removed), ["1 trtc package_expired 2024-06-09T16:00:00Z deny"]);
    let requested = world()
        .package("p rtc_engine.lite 1 2024-06-14T00:00:00Z")
        .request("p 2024-06-15T00:00:00Z");
    assert_eq!(flags(&requested), ["1 trtc package_expired 2024-06-15T16:00:00Z deny"]);
    assert_eq!(
        flags(&requested.until("2024-06-20")),
        ["1 trtc package_expired 2024-06-15T16:00:00Z deny"]
    );
    let renewed = world()
        .package("p rtc_engine.lite 1 2024-05-16T00:00:00Z renew")
        .opening_balance("99");
    assert_eq!(flags(&renewed), [""; 0]);
    assert_eq!(flags(&renewed.next_day()), [""; 0]);
}

#[test]
fn disabled_apps_have_a_flag_for_every_product() {
    let world = world()
        .disabled(3, "2024-06-16T02:00:00Z")
        .disabled(4, "2024-06-16T02:00:00.000001Z");
    assert_eq!(flags(&world), ["3 trtc disabled 2024-06-16T02:00:00Z deny"]);
}

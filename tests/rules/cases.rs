//! Tables of cases: who is billed, at which price, what a batch knows, how grants and the balance stand.

use nightbill::rules::error::RuleError;
use nightbill::rules::facts::Payg;

use crate::book::{plan_id, tier_id};
use crate::world::{World, cents};

/// One package or none, whether the rest of app 1, app 2 and the account line (app 0) is billed.
#[test]
fn entitlement() {
    for (packages, apps) in [
        (vec![], "none"),
        (vec!["p rtc_engine.lite 1 2024-06-15T00:00:00Z"], "1 0"),
        (vec!["p rtc_engine.lite 1;2 2024-06-15T00:00:00Z"], "1 2 0"),
        (vec!["p rtc_engine.lite 3 2024-06-15T00:00:00Z"], "0"),
        (vec!["p rtc_engine.lite - 2024-06-15T00:00:00Z"], "1 2 0"),
        (vec!["p rtc_engine.lite 1 2024-06-15T00:00:00Z gift"], "1 0"),
        (vec!["p call.trial - 2024-06-15T00:00:00Z"], "none"),
        (vec!["p class.basic - 2024-06-15T00:00:00Z"], "none"),
        (vec!["p dashboard.standard - 2024-06-15T00:00:00Z"], "none"),
        // the last day, and the day after it
        (vec!["p rtc_engine.lite 1 2024-05-16T00:00:00Z"], "1 0"),
        (vec!["p rtc_engine.lite 1 2024-05-15T00:00:00Z"], "none"),
        // bought on the day after, before the billing time
        (vec!["p rtc_engine.lite 1 2024-06-15T17:00:00Z"], "none"),
        // refunded on the day, and on the day after
        (
            vec!["p rtc_engine.lite 1 2024-06-14T00:00:00Z refunded=2024-06-15T03:00:00Z"],
            "none",
        ),
        (
            vec!["p rtc_engine.lite 1 2024-06-14T00:00:00Z refunded=2024-06-15T17:00:00Z"],
            "1 0",
        ),
        // queued behind a refunded one that ends today, behind one that does not
        (
            vec![
                "p rtc_engine.lite 2 2024-06-14T00:00:00Z refunded=2024-06-15T03:00:00Z",
                "q rtc_engine.lite 2 2024-06-14T00:00:01Z",
            ],
            "2 0",
        ),
    ] {
        let mut world = World::new();
        for package in &packages {
            world = world.package(package);
        }
        // No package names recording or delivery, so all minutes are left over.
        let world = world
            .used(1, "recording.hd", 60)
            .used(2, "recording.hd", 60)
            .used(1, "delivery.tencent_hd", 60);
        let part = |app: &str| {
            let billed = apps.split(' ').any(|one| one == app);
            if billed { "payg 1" } else { "unbilled 1" }
        };
        let expected = [
            format!("1 recording.hd 1 {}", part("1")),
            format!("2 recording.hd 1 {}", part("2")),
            format!("0 delivery.tencent_hd 1 {}", part("0")),
        ];
        assert_eq!(world.lines(), expected, "{packages:?}");
        let off = world.clone().payg(Payg::Off);
        assert!(off.settle().lines.iter().all(|line| line.payg_minutes.get() == 0));
        let on = world.payg(Payg::On);
        assert!(on.settle().lines.iter().all(|line| line.payg_minutes.get() == 1));
    }
}

/// A package unlocks its own product, and a void one nothing.
#[test]
fn entitlement_goes_by_product_and_ends_with_removal() {
    let world = World::new()
        .package("p class.basic - 2024-06-15T00:00:00Z")
        .used(1, "class.user", 60)
        .used(1, "av.audio", 101 * 60);
    assert_eq!(
        world.lines(),
        ["1 av.audio 101 package 100 unbilled 1", "1 class.user 1 payg 1"]
    );
    assert_eq!(
        world.removed("2024-06-15T01:00:00Z").lines(),
        ["1 av.audio 101 unbilled 101", "1 class.user 1 unbilled 1"]
    );
}

/// A used-up package still unlocks: what it leaves is billed.
#[test]
fn used_up_packages_entitle() {
    let world = World::new()
        .package("p conference.lite 1 2024-06-15T00:00:00Z")
        .opening_grant("p", "0", "10")
        .used(1, "av.audio", 60);
    assert_eq!(world.lines(), ["1 av.audio 1 payg 1"]);
    assert_eq!(
        world.grants(),
        ["p 2024-06-15 2024-07-14 used 10.00 of 10.00 exhausted"]
    );
}

/// The contract names only what it changes; a later entry replaces the earlier one as a whole.
#[test]
fn contract_prices_on_their_first_day() {
    for (day, audio, hd) in [
        ("2024-08-31", "0.990000 list", "3.990000 list"),
        ("2024-09-01", "0.990000 list", "2.500000 acme"),
        ("2024-10-31", "0.990000 list", "2.500000 acme"),
        ("2024-11-01", "0.500000 acme", "3.990000 list"),
    ] {
        let mut world = World::new().on(day).payg(Payg::On);
        world.account.price_list = nightbill::catalog::book::PriceListId(1);
        let world = world.used(1, "av.audio", 60).used(1, "av.hd", 60);
        let day = world.settle();
        let shown = day.lines.iter().map(|line| {
            let list = &world.book.price_lists[line.price_list.unwrap().index()].id;
            format!("{} {list}", line.unit_price)
        });
        assert_eq!(shown.collect::<Vec<_>>(), [audio, hd]);
    }
}

/// The guide has a ratio and no price for screen recording. A day before every price list is a missing price too.
#[test]
fn a_tier_without_price_stops_the_run_only_when_it_must_be_priced() {
    let world = World::new().used(1, "screen_recording.fhd", 120);
    assert_eq!(world.lines(), ["1 screen_recording.fhd 2 unbilled 2"]);
    let line = world.settle().lines[0];
    assert_eq!((line.unit_price.units(), line.price_list), (0, None));

    let covered = world.clone().with_free_minutes("2024-06-01").payg(Payg::On);
    assert_eq!(covered.lines(), ["1 screen_recording.fhd 2 free 2"]);

    let mut billed = world.payg(Payg::On);
    billed.account.price_list = nightbill::catalog::book::PriceListId(1);
    let error = billed.try_settle(None).unwrap_err();
    assert_eq!(
        error.to_string(),
        "screen_recording.fhd has no price on 2024-06-15 in price list acme, and account 7 (app 1) used 2 minutes of \
         it beyond its grants; give it a price, or set unpriced = \"unbilled\" on the item"
    );
    let screen_recording = billed
        .book
        .item_of(tier_id(&billed.book, "screen_recording.fhd"))
        .id
        .clone();
    for item in billed.book.items.iter_mut().filter(|item| item.id == screen_recording) {
        item.unpriced = nightbill::catalog::book::Unpriced::Unbilled;
    }
    assert_eq!(billed.lines(), ["1 screen_recording.fhd 2 unbilled 2"]);
    assert_eq!(billed.bills(), ["screen_recording 0.000000000 0.00"]);

    let early = World::new().on("2020-12-31").payg(Payg::On).used(1, "av.audio", 60);
    assert!(matches!(early.try_settle(None), Err(RuleError::Unpriced { .. })));
}

/// Bills are in item order, and only their sum is rounded: two apps' 0.0039 are 0.0078, not 0.00 twice.
#[test]
fn one_bill_per_item_rounded_once() {
    let world = World::new()
        .payg(Payg::On)
        .used(1, "recording.hd", 60)
        .used(1, "delivery.tencent_hd", 60)
        .used(1, "av.hd", 60)
        .used(2, "av.hd", 60);
    assert_eq!(
        world.bills(),
        [
            "av 0.007980000 0.01",
            "recording 0.005990000 0.01",
            "delivery 0.000130000 0.00"
        ]
    );
    assert_eq!(world.settle().balance.charged, cents("0.02"));
}

/// After a removal nothing is restored, the running free cycle neither; the next cycle is a new grant.
#[test]
fn void_free_minutes_serve_nothing_until_the_next_cycle() {
    let world = World::new()
        .with_free_minutes("2024-06-01")
        .removed("2024-06-10T00:00:00Z")
        .used(1, "av.audio", 60);
    assert_eq!(world.lines(), ["1 av.audio 1 unbilled 1"]);
    assert_eq!(
        world.grants(),
        ["free:7:2024-06-01 2024-06-01 2024-06-30 used 0.00 of 10000.00 void"]
    );
    assert_eq!(world.on("2024-07-01").lines(), ["1 av.audio 1 free 1"]);
}

/// On the guide's days: all of the purchase day, nothing of the day before, nothing after the last day.
#[test]
fn a_package_serves_from_its_purchase_day_to_its_last() {
    // 23:59 in Shanghai on June 14.
    let world = World::new()
        .package("p rtc_engine.lite 1 2024-06-14T15:59:00Z")
        .used(1, "av.audio", 60);
    for (day, line) in [
        ("2024-06-13", "1 av.audio 1 unbilled 1"),
        ("2024-06-14", "1 av.audio 1 package 1"),
        ("2024-07-13", "1 av.audio 1 package 1"),
        ("2024-07-14", "1 av.audio 1 unbilled 1"),
    ] {
        assert_eq!(world.clone().on(day).lines(), [line], "{day}");
    }
}

/// An app's package serves every app on the days of the promotion, and unlocks pay-as-you-go for its own only.
#[test]
fn first_and_last_day_of_the_scope_promotion() {
    let world = World::new()
        .package("early rtc_engine.lite 1 2024-10-01T00:00:00Z")
        .package("late rtc_engine.lite 1 2024-12-20T00:00:00Z")
        .used(2, "av.audio", 60)
        .used(2, "recording.audio", 60);
    for (day, audio) in [
        ("2024-10-11", "unbilled 1"),
        ("2024-10-12", "package 1"),
        ("2024-12-31", "package 1"),
        ("2025-01-01", "unbilled 1"),
    ] {
        let expected = [
            format!("2 av.audio 1 {audio}"),
            "2 recording.audio 1 unbilled 1".to_owned(),
        ];
        assert_eq!(world.clone().on(day).lines(), expected, "{day}");
    }
    let other_plan = World::new()
        .on("2024-10-12")
        .package("p call.group 1 2024-10-01T00:00:00Z")
        .used(2, "av.audio", 60);
    assert_eq!(other_plan.lines(), ["2 av.audio 1 unbilled 1"]);
}

/// Only free minutes and account-wide grants serve account-rounded lines.
#[test]
fn app_0_lines_are_served_by_account_wide_grants_alone() {
    for (apps, line) in [("1", "payg 1"), ("-", "package 1")] {
        let mut world = World::new().used(1, "delivery.tencent_hd", 60);
        let delivery = tier_id(&world.book, "delivery.tencent_hd");
        world.book.ratio_tables[2].ratios[delivery.index()] = world.book.ratio_tables[0].ratios[delivery.index()];
        let world = world.package(&format!("p rtc_engine.lite {apps} 2024-06-15T00:00:00Z"));
        assert_eq!(world.lines(), [format!("0 delivery.tencent_hd 1 {line}")]);
        let free = world.with_free_minutes("2024-06-01");
        assert_eq!(free.lines(), ["0 delivery.tencent_hd 1 free 1"]);
    }
}

/// Rows of `grants` after the day: the first status that holds, with all that is known at the billing time.
#[test]
fn grants_after_the_day() {
    let world = World::new()
        .with_free_minutes("2024-06-01")
        .package("a rtc_engine.lite 1 2024-06-01T00:00:00Z")
        .package("b rtc_engine.standard 1 2024-06-02T00:00:00Z")
        .package("c conference.lite 2 2024-05-16T00:00:00Z")
        .package("d conference.lite 3 2024-06-15T00:00:00Z refunded=2024-06-16T02:00:00Z")
        .package("e conference.lite 4 2024-06-15T00:00:00Z refunded=2024-06-16T02:00:00.000001Z")
        .package("f conference.lite 5 2024-05-15T00:00:00Z")
        .package("g conference.lite 6 2024-06-15T17:00:00Z")
        .package("h dashboard.standard 1 2024-06-15T00:00:00Z")
        .package("i conference.lite 7 2024-06-01T00:00:00Z refunded=2024-06-02T00:00:00Z")
        .package("x conference.lite 8 2024-05-16T00:00:00Z refunded=2024-06-02T00:00:00Z");
    assert_eq!(
        world.grants(),
        [
            "a 2024-06-01 2024-06-30 used 0.00 of 50000.00 active",
            "b 2024-07-01 2024-07-31 used 0.00 of 500000.00 queued",
            "c 2024-05-16 2024-06-15 used 0.00 of 10.00 expired",
            "d 2024-06-15 2024-07-14 used 0.00 of 10.00 refunded",
            "e 2024-06-15 2024-07-14 used 0.00 of 10.00 active",
            "free:7:2024-06-01 2024-06-01 2024-06-30 used 0.00 of 10000.00 active",
            "h 2024-06-15 2024-07-14 used 0.00 of 0.00 exhausted",
            "i 2024-06-01 2024-06-30 used 0.00 of 10.00 refunded",
            "x 2024-05-16 2024-06-15 used 0.00 of 10.00 refunded",
        ]
    );
}

#[test]
fn grants_go_on_from_where_they_stood() {
    let world = World::new()
        .with_free_minutes("2024-06-01")
        .package("p rtc_engine.lite 1 2024-06-01T00:00:00Z")
        .opening_grant("p", "100", "49998.5")
        .opening_grant("free:7:2024-06-01", "9000", "9999.99")
        .used(1, "av.audio", 180);
    assert_eq!(world.lines(), ["1 av.audio 3 package 1 payg 2"]);
    let day = world.settle();
    let shown = |grant: &nightbill::rules::account_day::GrantState<'_>| {
        format!("{} {} {} {}", grant.grant, grant.opening, grant.used, grant.balance)
    };
    let grants: Vec<String> = day.grants.iter().map(shown).collect();
    assert_eq!(
        grants,
        ["free:7:2024-06-01 9000.00 9999.99 0.01", "p 100.00 49999.50 0.50"]
    );
    assert_eq!(
        (day.grants[1].plan, day.grants[1].apps),
        (Some(plan_id(&world.book, "rtc_engine.lite")), world.packages[0].apps)
    );
}

#[test]
fn more_used_than_a_grant_holds_is_an_error() {
    let world = World::new()
        .package("p conference.lite 1 2024-06-15T00:00:00Z")
        .opening_grant("p", "10.01", "10.01");
    assert_eq!(
        world.try_settle(None).unwrap_err().to_string(),
        "account 7: 10.01 minutes are used of grant p, which holds 10.00; correct opening_grants, or the minutes in \
         the catalog"
    );
}

/// Opening 5.00; the day is billed at 2024-06-16T02:00:00Z, the ledger began with 2024-01-01 (Shanghai).
#[test]
fn payments_count_from_the_first_settled_day_to_the_billing_time() {
    for (paid_at, paid) in [
        ("2023-12-31T15:59:59.999999Z", "0.00"),
        ("2023-12-31T16:00:00Z", "10.00"),
        ("2024-06-16T02:00:00Z", "10.00"),
        ("2024-06-16T02:00:00.000001Z", "0.00"),
    ] {
        let mut world = World::new().paid(paid_at, "10").payg(Payg::On).used(1, "av.hd", 60_000);
        world.opening.balance = cents("5");
        let balance = world.settle().balance;
        assert_eq!(balance.opening, cents("5"));
        assert_eq!(balance.paid, cents(paid), "{paid_at}");
        assert_eq!(balance.charged, cents("3.99"));
        assert_eq!(balance.closing, cents("1.01").plus(cents(paid)).unwrap());
    }
}

/// What earlier batches counted is not counted again; what came late for them is; money can go out.
#[test]
fn paid_is_what_no_earlier_batch_counted() {
    let mut world = World::new()
        .paid("2024-06-01T00:00:00Z", "100")
        .paid("2024-06-15T04:00:00Z", "20")
        .paid("2024-06-15T05:00:00Z", "-1.50");
    world.opening.balance = cents("70");
    world.opening.paid_total = cents("90");
    let balance = world.settle().balance;
    assert_eq!((balance.paid, balance.paid_total), (cents("28.50"), cents("118.50")));
    assert_eq!(balance.closing, cents("98.50"));
}

#[test]
fn sums_and_dates_out_of_range_are_errors() {
    let world = World::new()
        .paid("2024-06-01T00:00:00Z", "92233720368547758.07")
        .paid("2024-06-01T00:00:01Z", "0.01");
    assert_eq!(
        world.try_settle(None).unwrap_err().to_string(),
        "account 7: money is out of range"
    );
    let minutes = World::new().payg(Payg::On).used(1, "av.audio", i64::MAX);
    assert_eq!(
        minutes.try_settle(None).unwrap_err().to_string(),
        "account 7: quantity is out of range"
    );
    let mut registered = World::new();
    registered.account.registered_at = nightbill::units::quantity::Instant::from_micros(i64::MIN);
    assert!(matches!(
        registered.try_settle(None),
        Err(RuleError::OutsideCalendar { .. })
    ));
}

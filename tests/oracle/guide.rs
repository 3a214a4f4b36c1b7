//! The guide's worked examples: the reference must give the figures of [T] and [R], and the crate what the reference
//! gives.

use super::guide_account::{
    at, bills, course, date, grants, grants_on, guide_world, minutes, one_day, package, try_one_day,
};
use super::rows::{LineRow, Unpriced};
use super::scenario::Payment;

#[test]
fn six_users_of_whom_one_listens_cost_4_14() {
    let usage = [("av.hd", 3_600), ("av.2k", 14_400), ("av.audio", 3_600)];
    let rows = one_day(&guide_world(), "2022-03-01", &usage);
    assert_eq!(bills(&rows), ["av 4.136400000 4.14"]);
}

#[test]
fn four_anchors_and_two_listeners_cost_1_26() {
    let usage = [("av.hd", 18_000), ("av.audio", 3_600)];
    assert_eq!(
        bills(&one_day(&guide_world(), "2022-03-01", &usage)),
        ["av 1.256400000 1.26"]
    );
}

#[test]
fn four_recordings_cost_1_62_and_have_84_and_167_minutes_by_day() {
    let mut world = guide_world();
    world
        .nights("2022-02-11", 4)
        .uses("2022-02-11", 1, "recording.audio", 5_000)
        .uses("2022-02-12", 1, "recording.audio", 10_000)
        .uses("2022-02-13", 1, "recording.hd", 3_500)
        .uses("2022-02-14", 1, "recording.fhd", 1_800)
        .uses("2022-02-14", 1, "recording.2k_plus", 540);
    let nights = course(&world);
    let lines = nights.iter().flat_map(|rows| &rows.lines);
    let seen: Vec<_> = lines.map(|line| (line.tier.as_str(), line.minutes)).collect();
    let expected = [("audio", 84), ("audio", 167), ("hd", 59), ("2k_plus", 9), ("fhd", 30)];
    assert_eq!(seen, expected);
    let account = nights[3].account.as_ref().expect("a known account");
    assert_eq!(account.closing, "-1.62", "0.13 + 0.25 + 0.35 + 0.89");
}

#[test]
fn delivery_and_mixing_before_rounding() {
    let usage = [
        ("delivery.third_party_audio", 600),
        ("delivery.tencent_fhd", 600),
        ("mix.audio", 1_800),
        ("mix.h264_2k", 1_200),
    ];
    let rows = one_day(&guide_world(), "2022-03-01", &usage);
    let amount = |line: &LineRow| format!("{} {} {}", line.app, line.tier, line.amount);
    let amounts: Vec<String> = rows.lines.iter().map(amount).collect();
    let expected = [
        "0 tencent_fhd 0.002900000",
        "0 third_party_audio 0.001300000",
        "1 audio 0.059700000",
        "1 h264_2k 0.519800000",
    ];
    assert_eq!(amounts, expected);
    assert_eq!(bills(&rows), ["delivery 0.004200000 0.00", "mix 0.579500000 0.58"]);
}

#[test]
fn account_rounded_seconds_are_summed_over_apps_first() {
    let mut world = guide_world();
    world.nights("2022-03-01", 1);
    for app in 1..=3 {
        world
            .uses("2022-03-01", app, "delivery.tencent_fhd", 30)
            .uses("2022-03-01", app, "av.audio", 30);
    }
    let rows = course(&world).remove(0);
    let lines = rows.lines.iter();
    let lines: Vec<_> = lines.map(|line| (line.app, line.seconds, line.minutes)).collect();
    assert_eq!(lines, [(0, 90, 2), (1, 30, 1), (2, 30, 1), (3, 30, 1)]);
    assert_eq!(rows.usage.len(), 6);
}

#[test]
fn free_minutes_of_november_15_are_valid_until_december_14() {
    let mut world = guide_world();
    world.life().account.registered_at = at("2022-11-15 09:00:00");
    for (day, free) in [
        ("2022-11-15", "free:7:2022-11-15 2022-11-15..2022-12-14 active"),
        ("2022-12-14", "free:7:2022-11-15 2022-11-15..2022-12-14 expired"),
        ("2022-12-15", "free:7:2022-12-15 2022-12-15..2023-01-14 active"),
        ("2025-01-01", "free:7:2024-12-15 2024-12-15..2025-01-14 active"),
    ] {
        assert_eq!(grants_on(&world, day), [free]);
    }
    world.setting.catalog.free[0].cycles = Some(2);
    assert_eq!(grants_on(&world, "2023-01-14").len(), 1);
    assert_eq!(grants_on(&world, "2023-01-15").len(), 0);
}

#[test]
fn free_cycles_are_counted_from_an_anchor_at_a_month_end() {
    let mut world = guide_world();
    world.life().account.registered_at = at("2023-01-01 00:00:00");
    world.life().account.free_anchor = Some(date("2023-01-31"));
    assert_eq!(grants_on(&world, "2023-01-30").len(), 0);
    for (day, cycle) in [
        ("2023-02-27", "2023-01-31..2023-02-27 expired"),
        ("2023-02-28", "2023-02-28..2023-03-30 active"),
        ("2023-03-31", "2023-03-31..2023-04-29 active"),
        ("2023-04-30", "2023-04-30..2023-05-30 active"),
    ] {
        let grants = grants_on(&world, day);
        assert!(grants[0].ends_with(cycle), "{grants:?}");
    }
}

#[test]
fn faq_table_of_cumulative_seconds() {
    let mut world = guide_world();
    world.setting.five_minutes = true;
    world.life().packages = vec![package("p1", "rtc_engine.pro", &[1], "2022-02-20 00:00:00")];
    world.nights("2022-03-01", 1);
    for (seconds, covered) in [(&[30][..], 1), (&[30, 20], 1), (&[30, 20, 40], 2)] {
        let mut world = world.clone();
        for (period, seconds) in (0..).zip(seconds) {
            let in_period = at("2022-03-01 00:00:00") + period * 300_000_000;
            let row = world.usage_row(in_period, 1, "av.audio", *seconds);
            world.life().usage[0].push(row);
        }
        let rows = course(&world).remove(0);
        assert_eq!(minutes(&rows), [(1, 0, covered, 0, 0)]);
        assert_eq!(rows.deductions.len(), 1);
    }
}

#[test]
fn packages_of_the_deduction_guide_follow_one_another() {
    let mut world = guide_world();
    world.life().packages = vec![
        package("p1", "live.lite", &[1], "2023-03-01 13:00:00"),
        package("p2", "live.lite", &[1], "2023-03-10 00:00:00"),
        package("other_app", "live.lite", &[2], "2023-03-10 00:00:00"),
        package("trial", "call.trial", &[1], "2023-03-10 00:00:00"),
    ];
    let expected = [
        "other_app 2023-03-10..2023-04-09 active",
        "p1 2023-03-01..2023-03-31 active",
        "p2 2023-04-01..2023-04-30 queued",
        "trial 2023-03-10..2023-03-16 active",
    ];
    assert_eq!(grants_on(&world, "2023-03-10"), expected);
    assert_eq!(
        grants_on(&world, "2023-02-28"),
        [""; 0],
        "bought after the billing time of the day"
    );
    // Refunded in the middle: the next one starts on the day of the refund.
    world.life().packages[0].refunded_at = Some(at("2023-03-12 10:00:01"));
    assert!(grants_on(&world, "2023-03-11").contains(&"p2 2023-04-01..2023-04-30 queued".to_owned()));
    assert!(grants_on(&world, "2023-03-12").contains(&"p1 2023-03-01..2023-03-31 refunded".to_owned()));
    assert!(grants_on(&world, "2023-03-12").contains(&"p2 2023-03-12..2023-04-11 active".to_owned()));
}

#[test]
fn a_package_refunded_while_it_waits_takes_no_time_in_the_queue() {
    let mut world = guide_world();
    world.life().packages = vec![
        package("p1", "live.lite", &[1], "2023-03-01 13:00:00"),
        package("p2", "live.lite", &[1], "2023-03-02 00:00:00"),
        package("p3", "live.lite", &[1], "2023-03-02 00:00:00"),
    ];
    world.life().packages[1].refunded_at = Some(at("2023-03-05 00:00:00"));
    let expected = [
        "p1 2023-03-01..2023-03-31 active",
        "p2 2023-04-01..2023-04-30 refunded",
        "p3 2023-04-01..2023-04-30 queued",
    ];
    assert_eq!(grants_on(&world, "2023-03-06"), expected);
}

/// Found by seeds 33 and 46: what a removal made void holds up nothing that is bought later (SPEC 3.3, 3.9), and
/// its dates stay what the queue made them (SPEC 4).
#[test]
fn void_packages_hold_up_nothing_that_is_bought_after_the_removal() {
    let mut world = guide_world();
    world.setting.catalog.products[0].removal_days = 1;
    world.life().packages = vec![
        package("p1", "live.lite", &[1], "2023-03-01 13:00:00"),
        package("p2", "live.lite", &[1], "2023-03-02 00:00:00"),
        package("p3", "live.lite", &[1], "2023-03-20 00:00:00"),
        package("p4", "live.lite", &[1], "2023-03-21 00:00:00"),
    ];
    // 598.00 are charged at 10:00 on the 2nd and 3rd; suspended on the 3rd, removed on the 4th.
    world
        .nights("2023-03-01", 22)
        .uses("2023-03-02", 1, "av.hd", 30)
        .uses("2023-03-22", 1, "av.hd", 600)
        .pays(at("2023-03-19 12:00:00"), "5000");
    let nights = course(&world);
    let expected = [
        "p1 2023-03-01..2023-03-31 void",
        "p2 2023-04-01..2023-04-30 void",
        "p3 2023-03-20..2023-04-19 active",
        "p4 2023-04-20..2023-05-19 queued",
    ];
    assert_eq!(grants(&nights[21]), expected);
    let given = nights[21].deductions.iter();
    let given: Vec<_> = given.map(|row| (row.grant.as_str(), row.quota.as_str())).collect();
    assert_eq!(given, [("p3", "40.00")]);
}

#[test]
fn a_promotion_opens_the_whole_account_from_its_first_day_to_its_last() {
    let mut world = guide_world();
    world.life().packages = vec![
        package("p1", "rtc_engine.pro", &[2], "2024-10-01 00:00:00"),
        package("p2", "rtc_engine.pro", &[2], "2024-12-05 00:00:00"),
    ];
    for (day, covered) in [
        ("2024-10-11", 0),
        ("2024-10-12", 1),
        ("2024-12-31", 1),
        ("2025-01-01", 0),
    ] {
        let rows = one_day(&world, day, &[("av.hd", 60)]);
        assert_eq!(minutes(&rows), [(1, 0, covered, 1 - covered, 0)], "{day}");
    }
    // What it unlocks stays with the app that it is bound to.
    world.life().account.payg = "auto".to_owned();
    let rows = one_day(&world, "2024-10-12", &[("av.hd", 60 * 251), ("recording.hd", 60)]);
    assert_eq!(minutes(&rows), [(1, 0, 250, 0, 1), (1, 0, 0, 0, 1)]);
}

#[test]
fn a_contract_prices_from_its_first_day_what_it_names() {
    let mut world = guide_world();
    world.life().account.price_list = "acme".to_owned();
    for (day, hd) in [
        ("2024-08-31", ("3.990000", "list")),
        ("2024-09-01", ("2.500000", "acme")),
    ] {
        let rows = one_day(&world, day, &[("av.hd", 60), ("av.audio", 60)]);
        let priced = |line: &LineRow| (line.unit_price.clone(), line.price_list.clone());
        let expected = [("0.990000", "list"), hd].map(|(price, list)| (price.to_owned(), Some(list.to_owned())));
        assert_eq!(rows.lines.iter().map(priced).collect::<Vec<_>>(), expected, "{day}");
    }
}

#[test]
fn free_first_then_package_then_pay_and_minutes_are_indivisible() {
    let mut world = guide_world();
    world.life().account.registered_at = at("2024-03-01 00:00:00");
    world.setting.catalog.free[0].minutes = 10;
    world.life().account.payg = "auto".to_owned();
    let usage = [("av.hd", 20 * 60), ("recording.audio", 3 * 60)];
    // 10 free minutes: 2 minutes of HD at 4; the 2 left give one of audio recording at 1.5.
    let rows = one_day(&world, "2024-03-02", &usage);
    assert_eq!(minutes(&rows), [(1, 2, 0, 0, 18), (1, 1, 0, 0, 2)]);
    // 50 package minutes: 12 minutes of HD; a paid package bound to the app unlocks the rest.
    world.life().packages = vec![package("p1", "live.lite", &[1], "2024-03-02 23:59:59")];
    let rows = one_day(&world, "2024-03-02", &usage);
    assert_eq!(minutes(&rows), [(1, 2, 12, 6, 0), (1, 1, 0, 2, 0)]);
    let quota = rows.deductions.iter();
    let quota: Vec<_> = quota.map(|row| (row.grant.as_str(), row.quota.as_str())).collect();
    let expected = [
        ("free:7:2024-03-01", "8.00"),
        ("p1", "48.00"),
        ("free:7:2024-03-01", "1.50"),
    ];
    assert_eq!(quota, expected);
    // Bought after midnight it does not.
    world.life().packages = vec![package("p1", "live.lite", &[1], "2024-03-03 00:00:00")];
    let rows = one_day(&world, "2024-03-02", &usage);
    assert_eq!(minutes(&rows), [(1, 2, 0, 0, 18), (1, 1, 0, 0, 2)]);
}

#[test]
fn a_tier_without_price_stops_or_is_unbilled_only_when_it_would_be_paid() {
    let mut world = guide_world();
    let usage = [("screen_recording.hd", 61)];
    let Err(Unpriced { tier, quantity, .. }) = try_one_day(&world, "2022-03-01", &usage) else {
        panic!("screen recording has no price");
    };
    assert_eq!((tier.as_str(), quantity.as_str()), ("hd", "2"));
    world.setting.catalog.items[3].unpriced_is_unbilled = true;
    assert_eq!(minutes(&one_day(&world, "2022-03-01", &usage)), [(1, 0, 0, 0, 2)]);
    world.setting.catalog.items[3].unpriced_is_unbilled = false;
    world.life().account.payg = "auto".to_owned();
    let rows = one_day(&world, "2022-03-01", &usage);
    assert_eq!(minutes(&rows), [(1, 0, 0, 0, 2)]);
    assert_eq!(
        (rows.lines[0].unit_price.as_str(), &rows.lines[0].price_list),
        ("0.000000", &None)
    );
}

#[test]
fn payments_count_from_the_first_settled_day_to_the_billing_time() {
    let mut world = guide_world();
    world.life().opening_balance = "1.00".to_owned();
    let payment = |time: &str, shift: i64, amount: &str| Payment {
        paid_at: at(time) + shift,
        amount: amount.to_owned(),
        from_night: 0,
        until_night: None,
    };
    world.life().payments = vec![
        payment("2022-03-01 00:00:00", -1, "1000.00"),
        payment("2022-03-01 00:00:00", 0, "10.00"),
        payment("2022-03-02 10:00:00", 0, "0.50"),
        payment("2022-03-02 10:00:00", 1, "2000.00"),
        payment("2022-03-01 12:00:00", 0, "-3.00"),
    ];
    let rows = one_day(&world, "2022-03-01", &[("av.hd", 60_000)]);
    let account = rows.account.expect("a known account");
    let shown = [
        account.opening,
        account.paid,
        account.charged,
        account.closing,
        account.paid_total,
    ];
    assert_eq!(shown, ["1.00", "7.50", "3.99", "4.51", "7.50"]);
}

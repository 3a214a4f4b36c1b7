//! Which grant serves first, and why others do not (SPEC 3.4).

use nightbill::rules::facts::Payg;
use nightbill::rules::recorder::{Outcome, PassedOver};

use crate::world::{Kept, World};

/// The grants that serve one app's audio on the day, in their order: each has 10 minutes but for the free 10,000.
fn served_by(world: World) -> String {
    let world = world.payg(Payg::On).used(1, "av.audio", 60 * 1_000_000);
    let day = world.settle();
    let grants: Vec<String> = day.deductions.iter().map(|row| row.grant.to_string()).collect();
    grants.join(" ")
}

#[test]
fn free_minutes_go_first_then_the_narrowest_scope() {
    let world = World::new()
        .package("wide conference.lite - 2024-06-01T00:00:00Z")
        .package("two conference.lite 1;2 2024-06-02T00:00:00Z")
        .package("one conference.lite 1 2024-06-03T00:00:00Z")
        .package("other conference.lite 2 2024-06-03T00:00:00Z")
        .with_free_minutes("2024-06-14");
    assert_eq!(served_by(world), "free:7:2024-06-14 one two wide");
}

#[test]
fn then_the_soonest_to_expire_the_earliest_purchase_the_id() {
    let world = World::new()
        .package("month conference.lite 1 2024-06-09T00:00:00Z")
        .package("week call.trial 1 2024-06-15T00:00:00Z");
    assert_eq!(served_by(world), "week month", "the trial ends on June 21");
    let world = World::new()
        .package("b conference.lite 1 2024-06-09T03:00:00Z")
        .package("z class.basic 1 2024-06-09T02:00:00Z")
        .package("a rtc_engine.lite 1 2024-06-09T03:00:00Z");
    assert_eq!(served_by(world), "z a b");
}

/// A promoted package ranks as account-wide, after one of two apps, though it is bound to one.
#[test]
fn promoted_packages_rank_as_account_wide() {
    let world = World::new()
        .package("promoted rtc_engine.lite 1 2024-10-01T00:00:00Z")
        .package("two conference.lite 1;2 2024-10-02T00:00:00Z");
    assert_eq!(served_by(world.clone().on("2024-10-11")), "promoted two");
    assert_eq!(served_by(world.on("2024-10-12")), "two promoted");
}

/// A rest smaller than the ratio stays for cheaper tiers of later lines; app 0 lines come last.
#[test]
fn a_rest_below_the_ratio_stays_for_cheaper_tiers() {
    let world = World::new()
        .with_free_minutes("2024-06-01")
        .opening_grant("free:7:2024-06-01", "0", "9989.5")
        .used(1, "av.hd", 180)
        .used(1, "delivery.tencent_hd", 60)
        .used(2, "av.audio", 60)
        .used(2, "recording.audio", 60)
        .used(2, "delivery.tencent_audio", 60 * 60);
    assert_eq!(
        world.deductions(),
        [
            "1 av.hd free:7:2024-06-01 2 x 4.00 = 8.00",
            "2 av.audio free:7:2024-06-01 1 x 1.00 = 1.00",
            "2 recording.audio free:7:2024-06-01 1 x 1.50 = 1.50",
        ]
    );
    let world = world.opening_grant("unused", "0", "0");
    assert_eq!(
        world.lines(),
        [
            "1 av.hd 3 free 2 unbilled 1",
            "2 av.audio 1 free 1",
            "2 recording.audio 1 free 1",
            "0 delivery.tencent_audio 60 unbilled 60",
            "0 delivery.tencent_hd 1 unbilled 1",
        ]
    );
}

/// By period an app that comes early gets the minutes that by day go to the first app.
#[test]
fn periods_decide_who_gets_the_last_minutes() {
    let world = World::new()
        .package("p conference.lite - 2024-06-15T00:00:00Z")
        .used_in_period(1, "av.audio", 100, 8 * 60)
        .used_in_period(2, "av.audio", 3, 90)
        .used_in_period(2, "av.audio", 4, 4 * 60 + 30);
    assert_eq!(
        world.lines(),
        ["1 av.audio 8 package 8", "2 av.audio 6 package 2 payg 4"],
        "by day"
    );
    let world = world.in_five_minutes();
    assert_eq!(
        world.lines(),
        ["1 av.audio 8 package 4 payg 4", "2 av.audio 6 package 6"],
        "by period"
    );
    assert_eq!(
        world.deductions(),
        ["1 av.audio p 4 x 1.00 = 4.00", "2 av.audio p 6 x 1.00 = 6.00"]
    );
}

/// One row per line and grant, though the grants took turns with another line.
#[test]
fn deductions_of_a_line_are_summed_over_periods() {
    let world = World::new()
        .package("a conference.lite 1 2024-06-14T00:00:00Z")
        .package("b rtc_engine.lite - 2024-06-14T00:00:00Z")
        .used_in_period(1, "av.audio", 0, 6 * 60)
        .used_in_period(1, "av.audio", 1, 6 * 60)
        .used_in_period(1, "av.audio", 2, 6 * 60)
        .used_in_period(2, "av.audio", 0, 60)
        .used_in_period(2, "av.audio", 2, 60)
        .in_five_minutes();
    assert_eq!(
        world.deductions(),
        [
            "1 av.audio a 10 x 1.00 = 10.00",
            "1 av.audio b 8 x 1.00 = 8.00",
            "2 av.audio b 2 x 1.00 = 2.00",
        ]
    );
}

/// Every reason, on one line that nobody serves in full.
#[test]
fn every_reason_is_told() {
    let world = World::new()
        .with_free_minutes("2024-06-01")
        .package("a conference.lite 1 2024-06-09T00:00:00Z")
        .package("b call.group 1 2024-06-02T00:00:00Z refunded=2024-06-15T03:00:00Z")
        .package("c conference.lite 1 2024-06-10T00:00:00Z")
        .package("d class.basic 1 2024-06-16T02:00:00Z")
        .package("e rtc_engine.lite 1 2024-05-15T00:00:00Z")
        .package("f rtc_engine.lite 2 2024-06-15T00:00:00Z")
        .package("g dashboard.standard 1 2024-06-15T00:00:00Z")
        .package("h rtc_engine.lite 1;2 2024-05-14T00:00:00Z")
        .package("i rtc_engine.lite 1;2;3 2024-04-01T00:00:00Z")
        .package("j rtc_engine.lite - 2024-06-16T02:00:00.000001Z")
        .opening_grant("free:7:2024-06-01", "0", "9997")
        .removed("2024-05-14T01:00:00Z")
        .used(1, "av.hd", 60 * 60);
    let mut kept = Kept::default();
    let day = world.try_settle(Some(&mut kept)).unwrap();
    let told: Vec<String> = kept
        .0
        .iter()
        .map(|step| match step.outcome {
            Outcome::Served { minutes, after, .. } => format!("{} served {minutes}, leaves {after}", step.grant),
            Outcome::PassedOver(reason) => format!("{} {}", step.grant, text(reason)),
        })
        .collect();
    assert_eq!(
        told,
        [
            "free:7:2024-06-01 3.00 left, 4.00 a minute",
            "e expired on 2024-06-14",
            "b refunded on 2024-06-15",
            "a served 2, leaves 2.00",
            "f out of scope",
            "g tier not deductible",
            "d not valid before 2024-06-16",
            "c queued until 2024-07-09",
            "h void",
        ]
    );
    assert_eq!(world.settle(), day, "the recorder changes nothing");
}

fn text(reason: PassedOver) -> String {
    match reason {
        PassedOver::Void => "void".to_owned(),
        PassedOver::Refunded { on } => format!("refunded on {on}"),
        PassedOver::Queued { from } => format!("queued until {from}"),
        PassedOver::NotYetValid { from } => format!("not valid before {from}"),
        PassedOver::Expired { on } => format!("expired on {on}"),
        PassedOver::OutOfScope => "out of scope".to_owned(),
        PassedOver::TierNotDeductible => "tier not deductible".to_owned(),
        PassedOver::BalanceBelowRatio { balance, ratio } => format!("{balance} left, {ratio} a minute"),
    }
}

/// Looked at are grants until the line's minutes are placed.
#[test]
fn nothing_is_told_once_the_minutes_are_placed() {
    let world = World::new()
        .with_free_minutes("2024-06-01")
        .package("p rtc_engine.lite 1 2024-06-10T00:00:00Z")
        .used(1, "av.audio", 60);
    let mut kept = Kept::default();
    world.try_settle(Some(&mut kept)).unwrap();
    assert_eq!(kept.0.len(), 1);
    assert_eq!(kept.0[0].grant, "free:7:2024-06-01");
}

use super::super::month::DayBills;
use super::*;
use crate::units::quantity::{BillingDay, Minutes, Ratio, SdkAppId, Seconds};

fn story(free: i64, package: i64, payg: i64, unbilled: i64) -> DurationStory {
    DurationStory {
        rounded_by: "app",
        parts: Vec::new(),
        seconds: Seconds::ZERO,
        minutes: Minutes::new(free + package + payg + unbilled),
        periods: Vec::new(),
        steps: Vec::new(),
        free_minutes: Minutes::new(free),
        package_minutes: Minutes::new(package),
        payg_minutes: Minutes::new(payg),
        unbilled_minutes: Minutes::new(unbilled),
        rest: None,
    }
}

#[test]
fn a_bar_is_full_and_shows_every_part() {
    let shown = |stories: &[&DurationStory]| -> Vec<String> {
        let parts = coverage(stories).into_iter();
        parts
            .map(|part| format!("{} {}+{}", part.class, part.x, part.width))
            .collect()
    };
    assert_eq!(shown(&[&story(1, 0, 9_999, 0)]), ["free 0+4", "payg 0+1000"]);
    assert_eq!(
        shown(&[&story(1, 1, 0, 1), &story(1, 0, 0, 0)]),
        ["free 0+500", "package 500+250", "unbilled 750+250"]
    );
    assert!(shown(&[&story(0, 0, 0, 0)]).is_empty());
}

fn grant(before: &str, after: &str) -> (GrantStory, Vec<Draw>) {
    let (before, after) = (Quota::parse(before).unwrap(), Quota::parse(after).unwrap());
    let used = before.minus(after).unwrap();
    let draw = Draw {
        app: SdkAppId::new(1).unwrap(),
        item: "av".to_owned(),
        tier: "hd".to_owned(),
        from: None,
        minutes: Minutes::ZERO,
        ratio: Ratio::ZERO,
        quota: used,
        before,
        after,
    };
    let grant = GrantStory {
        grant: "p".to_owned(),
        kind: "package",
        plan: None,
        apps: Vec::new(),
        promoted: false,
        valid_from: None,
        valid_to: None,
        quota: None,
        before: Some(before),
        used,
        after: Some(after),
        status: None,
        draws: Vec::new(),
        idle_because: None,
    };
    (grant, vec![draw])
}

#[test]
fn the_axis_of_a_waterfall_is_cut_where_little_was_taken_of_much() {
    let shown = |before, after| {
        let (grant, draws) = grant(before, after);
        let fall = waterfall(&grant, &draws).unwrap();
        format!(
            "{} to {}: {}+{}",
            fall.low, fall.high, fall.falls[0].rest, fall.falls[0].width
        )
    };
    assert_eq!(shown("50000", "49970"), "49,962.5 to 50,000: 200+800");
    assert_eq!(shown("100", "25"), "0 to 100: 250+750");
    assert_eq!(shown("10", "0"), "0 to 10: 0+1000");
    let (grant, draws) = grant("10", "10");
    assert_eq!(waterfall(&grant, &draws), None);
}

fn month_of(days: &[(i32, &[(&str, i64)])]) -> Month {
    let first = BillingDay::from_epoch_days(0).unwrap();
    let day = |(day, amounts): &(i32, &[(&str, i64)])| DayBills {
        day: BillingDay::from_epoch_days(*day - 1).unwrap(),
        amounts: amounts
            .iter()
            .map(|(item, cents)| ((*item).to_owned(), Cents::from_units(*cents)))
            .collect(),
    };
    Month {
        first,
        days: days.iter().map(day).collect(),
    }
}

/// Charges stand on 0, credits hang from it; days that are not settled are gaps.
#[test]
fn a_month_with_a_credit() {
    let month = month_of(&[(1, &[("av", 150)]), (3, &[("av", 20), ("mix", 0), ("refund", -50)])]);
    let chart = daily(&month, str::to_uppercase).unwrap();
    let blocks: Vec<String> = chart
        .days
        .iter()
        .flat_map(|bar| bar.blocks.iter().map(move |block| (bar.number, block)))
        .map(|(number, block)| format!("{number} {} {} {}+{}", block.item, block.amount, block.y, block.height))
        .collect();
    assert_eq!(
        blocks,
        ["1 AV 1.50 192+577", "3 AV 0.20 692+77", "3 REFUND -0.50 769+192"]
    );
    let totals: Vec<Option<&str>> = chart.days.iter().map(|bar| bar.total.as_deref()).collect();
    assert_eq!(totals, [Some("1.50"), None, Some("-0.30")]);
    let ticks: Vec<String> = chart
        .ticks
        .iter()
        .map(|tick| format!("{} {}", tick.y, tick.label))
        .collect();
    assert_eq!(ticks, ["0 2.00", "1000 -0.60", "769 0.00"]);
    let legend: Vec<&str> = chart.legend.iter().map(|one| one.item.as_str()).collect();
    assert_eq!(
        (legend, chart.zero, chart.total.as_str()),
        (vec!["AV", "REFUND"], 769, "1.20")
    );
}

#[test]
fn a_month_without_charges_has_no_chart() {
    assert_eq!(daily(&month_of(&[(1, &[("av", 0)]), (2, &[])]), str::to_owned), None);
    assert_eq!(daily(&month_of(&[]), str::to_owned), None);
}

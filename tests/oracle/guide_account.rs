//! The account of the guide's worked examples, and short ways to say what it does.

use chrono::NaiveDate;

use super::compare::assert_agreement;
use super::rows::{NightRows, Stop};
use super::scenario::{
    Account, Catalog, FreeMinutes, Item, Night, Opening, Package, Plan, PriceListEntry, Promotion, RatioTable,
    Scenario, Usage, Validity,
};
use super::spec::settle;

pub const PRICES: &[(&str, &[(&str, &str)])] = &[
    (
        "av",
        &[("audio", "0.99"), ("hd", "3.99"), ("fhd", "8.99"), ("2k", "15.99")],
    ),
    (
        "recording",
        &[
            ("audio", "1.49"),
            ("hd", "5.99"),
            ("fhd", "13.49"),
            ("2k_plus", "53.99"),
        ],
    ),
    ("mix", &[("audio", "1.99"), ("h264_2k", "25.99")]),
    ("screen_recording", &[("hd", "")]),
    ("delivery", &[("tencent_fhd", "0.29"), ("third_party_audio", "0.13")]),
];

pub fn date(text: &str) -> NaiveDate {
    text.parse().expect("a date")
}

/// A local time in Shanghai, eight hours ahead of UTC.
pub fn at(text: &str) -> i64 {
    let local = chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").expect("a time");
    local.and_utc().timestamp_micros() - 8 * 3_600 * 1_000_000
}

pub fn named(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

pub fn guide_catalog() -> Catalog {
    let item = |(id, tiers): &(&str, &[(&str, &str)])| Item {
        id: (*id).to_owned(),
        product: "trtc".to_owned(),
        per: 1000,
        account_rounded: *id == "delivery",
        tiers: tiers.iter().map(|(tier, _)| (*tier).to_owned()).collect(),
        unpriced_is_unbilled: false,
    };
    let prices = PRICES.iter().flat_map(|(item, tiers)| {
        let priced = tiers.iter().filter(|(_, price)| !price.is_empty());
        priced.map(move |(tier, price)| (format!("{item}.{tier}"), (*price).to_owned()))
    });
    let av = [("av.audio", "1"), ("av.hd", "4"), ("av.fhd", "9"), ("av.2k", "16")];
    let mut free_2023 = named(&av);
    free_2023.extend(named(&[
        ("recording.audio", "1.5"),
        ("mix.h264_2k", "26.3"),
        ("delivery.tencent_fhd", "0.29"),
    ]));
    let table = |id: &str, minutes| RatioTable {
        id: id.to_owned(),
        minutes,
    };
    let plan = |id: &str, minutes, paid, validity| Plan {
        id: id.to_owned(),
        product: "trtc".to_owned(),
        family: id.split('.').next().expect("a family").to_owned(),
        minutes,
        paid,
        ratios: Some("package".to_owned()),
        validity,
    };
    Catalog {
        products: vec!["trtc".to_owned()],
        items: PRICES.iter().map(item).collect(),
        price_lists: vec![
            PriceListEntry {
                id: "list".to_owned(),
                base: None,
                from: date("2021-01-01"),
                prices: prices.collect(),
            },
            PriceListEntry {
                id: "acme".to_owned(),
                base: Some("list".to_owned()),
                from: date("2024-09-01"),
                prices: named(&[("av.hd", "2.50")]),
            },
        ],
        ratios: vec![table("package", named(&av)), table("free_2023", free_2023)],
        free: vec![FreeMinutes {
            registered_from: Some(date("2022-01-01")),
            registered_before: None,
            minutes: 10_000,
            ratios: "free_2023".to_owned(),
            cycles: None,
        }],
        plans: vec![
            plan("call.trial", 100, false, Validity::Days(7)),
            plan("live.lite", 50, true, Validity::Months(1)),
            plan("rtc_engine.pro", 1_000, true, Validity::Months(1)),
        ],
        promotions: vec![Promotion {
            plans: vec!["rtc_engine.pro".to_owned()],
            from: date("2024-10-12"),
            until: date("2024-12-31"),
        }],
    }
}

/// An account of 2021, which has no free minutes, and pays as it goes.
pub fn guide_scenario() -> Scenario {
    Scenario {
        name: "guide".to_owned(),
        zone: chrono_tz::Asia::Shanghai,
        billing_time: (10, 0),
        five_minutes: false,
        first_settled_day: date("2022-01-01"),
        catalog: guide_catalog(),
        account: Account {
            id: 7,
            registered_at: at("2021-12-01 12:00:00"),
            free_anchor: None,
            price_list: "list".to_owned(),
            payg: "on".to_owned(),
        },
        packages: Vec::new(),
        payments: Vec::new(),
        opening: Opening {
            balance: "0.00".to_owned(),
            paid_total: "0.00".to_owned(),
            grants: Vec::new(),
        },
        nights: Vec::new(),
    }
}

pub fn package(id: &str, plan: &str, apps: &[i64], bought: &str) -> Package {
    Package {
        id: id.to_owned(),
        apps: apps.to_vec(),
        plan: plan.to_owned(),
        purchased_at: at(bought),
        gift: false,
        refunded_at: None,
    }
}

/// Usage of app 1 as `item.tier` and seconds.
pub fn night(day: &str, seconds: &[(&str, i64)]) -> Night {
    let usage = |(name, seconds): &(&str, i64)| {
        let (item, tier) = name.split_once('.').expect("item.tier");
        Usage {
            app: 1,
            item: item.to_owned(),
            tier: tier.to_owned(),
            period: 0,
            seconds: *seconds,
            rows: 1,
        }
    };
    Night {
        day: date(day),
        usage: seconds.iter().map(usage).collect(),
    }
}

/// What the reference says, after the rules have said the same.
pub fn try_settle(scenario: &Scenario, night: &Night) -> Result<NightRows, Stop> {
    let nights = vec![night.clone()];
    assert_agreement(&Scenario {
        nights,
        ..scenario.clone()
    });
    settle(scenario, night, &scenario.opening)
}

pub fn settled(scenario: &Scenario, night: &Night) -> NightRows {
    try_settle(scenario, night).expect("every tier has a price")
}

pub fn bills(rows: &NightRows) -> Vec<String> {
    rows.bills
        .iter()
        .map(|bill| format!("{} {} {}", bill.item, bill.exact, bill.amount))
        .collect()
}

/// `id valid_from..valid_to status` of the grants on the day.
pub fn grants(scenario: &Scenario, day: &str) -> Vec<String> {
    let rows = settled(scenario, &night(day, &[]));
    let text = |grant: &super::rows::GrantRow| {
        format!(
            "{} {}..{} {}",
            grant.grant, grant.valid_from, grant.valid_to, grant.status
        )
    };
    rows.grants.iter().map(text).collect()
}

pub fn minutes(rows: &NightRows) -> Vec<(i64, i128, i128, i128, i128)> {
    let split = |line: &super::rows::LineRow| {
        (
            line.app,
            line.free_minutes,
            line.package_minutes,
            line.payg_minutes,
            line.unbilled_minutes,
        )
    };
    rows.lines.iter().map(split).collect()
}

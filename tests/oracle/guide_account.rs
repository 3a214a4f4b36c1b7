//! The account of the guide's worked examples, and short ways to say what it does.

use chrono::{Datelike, NaiveDate};

use super::compare::assert_agreement;
use super::rows::{GrantRow, LineRow, NightRows, Unpriced};
use super::scenario::{
    Account, Catalog, FreeMinutes, Item, Kind, Life, Meter, Package, Payment, Plan, Policy, PriceListEntry, Product,
    Promotion, RatioTable, RefundKind, Setting, Usage, Validity, World,
};
use super::spec::settle;
use super::standing::{Night, Standing};

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
    ("relay", &[("css", "18.99"), ("third_party", "18.99")]),
    ("screenshots", &[("image", "0.03")]),
    ("mau", &[("user", "")]),
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
    let priced = |(item, tiers): &(&'static str, &'static [(&'static str, &'static str)])| {
        let (item, priced) = (*item, tiers.iter().filter(|(_, price)| !price.is_empty()));
        let priced = priced.map(move |(tier, price)| (format!("{item}.{tier}"), (*price).to_owned()));
        priced.collect::<Vec<_>>()
    };
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
    Catalog {
        products: vec![trtc()],
        meters: PRICES[..5].iter().map(|(id, tiers)| meter(id, tiers)).collect(),
        items: PRICES.iter().map(|(id, tiers)| item(id, tiers)).collect(),
        price_lists: vec![
            PriceListEntry {
                id: "list".to_owned(),
                base: None,
                from: date("2021-01-01"),
                prices: PRICES.iter().flat_map(priced).collect(),
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
            plan("call.trial", 100, None, Validity::Days(7)),
            plan("live.lite", 50, Some("299"), Validity::Months(1)),
            plan("rtc_engine.standard", 500_000, Some("499"), Validity::Months(1)),
            plan("rtc_engine.pro", 1_000, Some("1499"), Validity::Months(1)),
        ],
        promotions: vec![Promotion {
            plans: vec!["rtc_engine.pro".to_owned()],
            from: date("2024-10-12"),
            until: date("2024-12-31"),
        }],
    }
}

/// [O]: 24 hours of grace, 60 days until removal; since September 4, 2023 rooms are dismissed at once.
fn trtc() -> Product {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let policy = |from: &str, hours| Policy {
        from: date(from),
        on_overdue: words(&["keep_running"]),
        on_suspended: words(&["stop_rooms", "block_console", "block_api", "block_recordings"]),
        on_removed: words(&["delete_resources"]),
        on_stopped: words(&["deny_service"]),
        stop_rooms_within_hours: hours,
    };
    Product {
        id: "trtc".to_owned(),
        grace_hours: 24,
        removal_days: 60,
        policies: vec![policy("2021-01-01", 48), policy("2023-09-04", 0)],
    }
}

fn item(id: &str, tiers: &[(&str, &str)]) -> Item {
    Item {
        id: id.to_owned(),
        product: "trtc".to_owned(),
        per: if ["relay", "mau"].contains(&id) { 1 } else { 1_000 },
        kind: match id {
            "relay" => Kind::Peak {
                interval_seconds: 60,
                free_if_at_most: named(&[("css", "100")]),
            },
            "screenshots" => Kind::Count {
                free_quantity: 10_000,
                round_up_to: 1_000,
            },
            "mau" => Kind::Unique,
            _ => Kind::Duration {
                account_rounded: id == "delivery",
            },
        },
        tiers: tiers.iter().map(|(tier, _)| (*tier).to_owned()).collect(),
        unpriced_is_unbilled: id == "mau",
        is_daily: !["relay", "screenshots", "mau"].contains(&id),
    }
}

/// A pixel for each tier, from none.
fn meter(id: &str, tiers: &[(&str, &str)]) -> Meter {
    let tiers = (0..).zip(tiers).map(|(pixels, (tier, _))| (pixels, (*tier).to_owned()));
    Meter {
        id: id.to_owned(),
        item: id.to_owned(),
        tiers: tiers.collect(),
    }
}

fn plan(id: &str, minutes: i64, price: Option<&str>, validity: Validity) -> Plan {
    let family = id.split('.').next().expect("a family");
    let of_rtc_engine = family == "rtc_engine";
    Plan {
        id: id.to_owned(),
        product: "trtc".to_owned(),
        family: family.to_owned(),
        price: price.map(str::to_owned),
        minutes,
        mau: if of_rtc_engine { 0 } else { 100 },
        paid: price.is_some(),
        ratios: Some("package".to_owned()),
        validity,
        max_purchases: None,
        new_customers_of: Vec::new(),
        refund: match price {
            Some(_) if of_rtc_engine => RefundKind::Prorated,
            Some(_) => RefundKind::Full,
            None => RefundKind::None,
        },
        free_on_expiry: of_rtc_engine,
    }
}

/// An account of 2021, which has no free minutes, and pays as it goes.
pub fn guide_world() -> World {
    let account = Account {
        id: 7,
        registered_at: at("2021-12-01 12:00:00"),
        free_anchor: None,
        price_list: "list".to_owned(),
        payg: "on".to_owned(),
        credit_limit: "0".to_owned(),
        products: vec!["trtc".to_owned()],
        violation_at: None,
    };
    World {
        name: "guide".to_owned(),
        setting: Setting {
            zone: chrono_tz::Asia::Shanghai,
            partition_zone: chrono_tz::Asia::Shanghai,
            billing_time: (10, 0),
            five_minutes: false,
            by_the_day: false,
            first_day: date("2022-01-01"),
            nights: 1,
            dunning_from: None,
            max_new_suspensions: 100,
            catalog: guide_catalog(),
        },
        lives: vec![Life {
            account,
            packages: Vec::new(),
            payments: Vec::new(),
            requests: Vec::new(),
            apps: Vec::new(),
            opening_balance: "0.00".to_owned(),
            opening_grants: Vec::new(),
            usage: Vec::new(),
            relay: Vec::new(),
            screenshots: Vec::new(),
            logins: Vec::new(),
            changes: Vec::new(),
        }],
        broken: Vec::new(),
    }
}

impl World {
    pub fn life(&mut self) -> &mut Life {
        &mut self.lives[0]
    }

    /// From this day on, for so many nights, of which nothing is used yet.
    pub fn nights(&mut self, first_day: &str, nights: usize) -> &mut Self {
        self.setting.first_day = date(first_day);
        self.setting.nights = nights;
        self.life().usage = vec![Vec::new(); nights];
        self
    }

    /// An app uses `item.tier` for so many seconds, at noon.
    pub fn uses(&mut self, day: &str, app: i64, what: &str, seconds: i64) -> &mut Self {
        let noon = at(&format!("{day} 12:00:00"));
        let row = self.usage_row(noon, app, what, seconds);
        let night = (date(day) - self.setting.first_day).num_days();
        self.life().usage[usize::try_from(night).expect("a night of the world")].push(row);
        self
    }

    pub fn usage_row(&self, at: i64, app: i64, what: &str, seconds: i64) -> Usage {
        let (item, tier) = what.split_once('.').expect("item.tier");
        let tiers = &self.setting.catalog.item(item).tiers;
        let pixels = tiers
            .iter()
            .position(|known| known == tier)
            .expect("a tier of the item");
        Usage {
            at,
            app,
            meter: item.to_owned(),
            seconds,
            pixels: Some(i64::try_from(pixels).expect("few tiers")),
        }
    }

    pub fn pays(&mut self, paid_at: i64, amount: &str) -> &mut Self {
        self.life().payments.push(Payment {
            paid_at,
            amount: amount.to_owned(),
            from_night: 0,
            until_night: None,
        });
        self
    }
}

pub fn package(id: &str, plan: &str, apps: &[i64], bought: &str) -> Package {
    Package {
        id: id.to_owned(),
        apps: apps.to_vec(),
        plan: plan.to_owned(),
        purchased_at: at(bought),
        gift: false,
        auto_renew: false,
        refunded_at: None,
        refunded_amount: "0.00".to_owned(),
    }
}

/// What the reference says of every night, after the crate has posted the same.
pub fn course(world: &World) -> Vec<NightRows> {
    try_course(world).expect("every tier has a price")
}

/// The same, or the tier that has no price.
pub fn try_course(world: &World) -> Result<Vec<NightRows>, Unpriced> {
    assert_agreement(world);
    let mut standing = Standing::opening(&world.lives[0]);
    (0..world.setting.nights)
        .map(|night| {
            settle(
                &Night::new(&world.setting, &world.lives[0].on(night), night),
                &mut standing,
            )
        })
        .collect()
}

/// One day by itself, on which app 1 uses so many seconds of each `item.tier`.
pub fn one_day(world: &World, day: &str, seconds: &[(&str, i64)]) -> NightRows {
    try_one_day(world, day, seconds).expect("every tier has a price")
}

pub fn try_one_day(world: &World, day: &str, seconds: &[(&str, i64)]) -> Result<NightRows, Unpriced> {
    let mut world = world.clone();
    world.nights(day, 1);
    for (what, seconds) in seconds {
        world.uses(day, 1, what, *seconds);
    }
    Ok(try_course(&world)?.remove(0))
}

pub fn bills(rows: &NightRows) -> Vec<String> {
    let bills = rows.bills.iter();
    bills
        .map(|bill| format!("{} {} {}", bill.item, bill.exact, bill.amount))
        .collect()
}

/// `id valid_from..valid_to status`.
pub fn grants(rows: &NightRows) -> Vec<String> {
    let text = |grant: &GrantRow| {
        format!(
            "{} {}..{} {}",
            grant.grant, grant.valid_from, grant.valid_to, grant.status
        )
    };
    rows.grants.iter().map(text).collect()
}

/// The grants of one day by itself.
pub fn grants_on(world: &World, day: &str) -> Vec<String> {
    grants(&one_day(world, day, &[]))
}

/// App and parts of the metered lines, in the order of the table.
pub fn minutes(rows: &NightRows) -> Vec<(i64, i128, i128, i128, i128)> {
    let split = |line: &LineRow| {
        (
            line.app,
            line.free_minutes,
            line.package_minutes,
            line.payg_minutes,
            line.unbilled_minutes,
        )
    };
    let metered = rows.lines.iter().filter(|line| line.unit == "minute");
    metered.map(split).collect()
}

/// The flags that are up, as `app flag since deadline`, instants as local time in Shanghai.
pub fn flags(rows: &NightRows) -> Vec<String> {
    let flags = rows.flags.iter();
    flags
        .map(|flag| {
            format!(
                "{} {} {} {}",
                flag.app,
                flag.flag,
                local(flag.since),
                flag.deadline.map_or("-".to_owned(), local)
            )
        })
        .collect()
}

/// `2024-10-12 10:00:00` in Shanghai.
pub fn local(micros: i64) -> String {
    let shifted = chrono::DateTime::from_timestamp_micros(micros + 8 * 3_600 * 1_000_000);
    let shifted = shifted.expect("an instant of our times");
    assert!(shifted.year() > 1980, "micros, not seconds");
    shifted.format("%Y-%m-%d %H:%M:%S").to_string()
}

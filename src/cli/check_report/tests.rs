//! A small job and catalog as values, and what `check` says of them.

use std::path::PathBuf;

use chrono::{NaiveDate, NaiveTime};

use super::*;
use crate::catalog::book::{
    Cadence, FreeRule, Item, ItemId, ItemKind, Meter, MeterTier, OnExpiry, Plan, PlanId, Policy, PriceList,
    PriceListEntry, PriceListId, Product, ProductId, RatioTable, RatioTableId, RefundKind, Round, ScopePromotion, Tier,
    TierId, Unpriced, Validity,
};
use crate::cli::check_text::text;
use crate::cli::json_doc;
use crate::cli::terminal::{Look, to_json};
use crate::job::{Inputs, PartitionedInput, UsageInput};
use crate::store::Object;
use crate::units::calendar::Calendar;
use crate::units::quantity::{Cents, Minutes, Quantity, Ratio, UnitPrice};

fn day(text: &str) -> BillingDay {
    BillingDay::from_date(text.parse::<NaiveDate>().expect("a date"))
}

fn location(url: &str) -> Location {
    Location::from_url(url.parse().expect("a URL")).expect("a known scheme")
}

fn job() -> Job {
    let zone = chrono_tz::Asia::Shanghai;
    let billing_time = NaiveTime::from_hms_opt(10, 0, 0).expect("a time");
    Job {
        path: PathBuf::from("jobs/nightly.toml"),
        digest: "ab".repeat(32),
        name: "trtc-nightly".to_owned(),
        calendar: Calendar::new(zone, billing_time),
        catalog: location("file:///w/jobs/catalog/trtc.toml"),
        output: location("s3://billing/out"),
        deduction_period: DeductionPeriod::Day,
        max_rejected_rows: 1_000,
        min_day_ratio_millionths: 200_000,
        lookback_days: 35,
        allow_duplicate_files: false,
        max_new_suspensions: 100,
        dunning_from: None,
        inputs: Inputs {
            usage: UsageInput {
                partitions: PartitionedInput {
                    location: location("file:///w/sample_data/usage"),
                    zone,
                },
                shape: Shape::Seconds,
            },
            accounts: location("file:///w/sample_data/accounts.csv"),
            packages: location("file:///w/sample_data/packages.csv"),
            payments: location("file:///w/sample_data/payments.csv"),
            apps: None,
            refund_requests: None,
            opening: Some(location("file:///w/sample_data/opening.csv")),
            opening_grants: None,
            relay: Some(PartitionedInput {
                location: location("gs://relay/samples"),
                zone,
            }),
            screenshots: None,
            logins: None,
        },
    }
}

fn item(id: &str, kind: ItemKind, first_tier: u16, tier_count: u16) -> Item {
    Item {
        id: id.to_owned(),
        product: ProductId(0),
        name: id.to_uppercase(),
        cadence: match kind {
            ItemKind::Duration => Cadence::Daily,
            _ => Cadence::Monthly,
        },
        round: Round::App,
        per: match kind {
            ItemKind::Peak { .. } => 1,
            _ => 1000,
        },
        kind,
        first_tier: TierId(first_tier),
        tier_count,
        unpriced: Unpriced::Stop,
    }
}

fn tier(item: u16, name: &str) -> Tier {
    Tier {
        item: ItemId(item),
        name: name.to_owned(),
    }
}

fn price(text: &str) -> Option<UnitPrice> {
    Some(UnitPrice::parse(text).expect("a price"))
}

fn ratio(text: &str) -> Option<Ratio> {
    Some(Ratio::parse(text).expect("a ratio"))
}

fn entry(from: &str, base: Option<u16>, prices: [Option<UnitPrice>; 5]) -> PriceListEntry {
    PriceListEntry {
        from: day(from),
        base: base.map(PriceListId),
        prices: prices.to_vec(),
    }
}

fn plan(id: &str) -> Plan {
    Plan {
        id: id.to_owned(),
        product: ProductId(0),
        family: "rtc_engine".to_owned(),
        price: Some(Cents::from_units(49_900)),
        minutes: Minutes::new(500_000),
        mau: 0,
        paid: true,
        ratios: Some(RatioTableId(0)),
        validity: Validity::Months(1),
        max_purchases: None,
        new_customers_of: Vec::new(),
        refund: RefundKind::Prorated,
        on_expiry: OnExpiry::Free,
    }
}

/// Tiers: av.audio, av.hd, relay.css, screenshots.image, mau.user (no price).
fn book() -> Book {
    let relay = ItemKind::Peak {
        interval_seconds: 60,
        free_if_at_most: vec![(TierId(2), Quantity::from_units(100_000_000))],
    };
    let screenshots = ItemKind::Count {
        free_quantity: 10_000,
        round_up_to: 1_000,
    };
    Book {
        currency: "USD".to_owned(),
        meters: vec![Meter {
            id: "av".to_owned(),
            item: ItemId(0),
            tiers: vec![MeterTier {
                max_pixels: 0,
                tier: TierId(0),
            }],
        }],
        items: vec![
            item("av", ItemKind::Duration, 0, 2),
            item("relay", relay, 2, 1),
            item("screenshots", screenshots, 3, 1),
            Item {
                per: 1,
                ..item("mau", ItemKind::Unique, 4, 1)
            },
        ],
        tiers: vec![
            tier(0, "audio"),
            tier(0, "hd"),
            tier(1, "css"),
            tier(2, "image"),
            tier(3, "user"),
        ],
        price_lists: vec![
            PriceList {
                id: "acme".to_owned(),
                entries: vec![entry("2024-09-01", Some(1), [None, price("2.5"), None, None, None])],
            },
            PriceList {
                id: "list".to_owned(),
                entries: vec![
                    entry(
                        "2021-01-01",
                        None,
                        [price("0.99"), price("3.99"), price("0.4"), price("0.03"), None],
                    ),
                    entry(
                        "2024-10-13",
                        None,
                        [price("1.0125"), price("3.99"), price("0.4"), price("0.03"), None],
                    ),
                ],
            },
        ],
        ratio_tables: vec![
            RatioTable {
                id: "package".to_owned(),
                ratios: vec![ratio("1"), ratio("4"), None, None, None],
            },
            RatioTable {
                id: "free".to_owned(),
                ratios: vec![ratio("1"), ratio("0.25"), None, None, None],
            },
        ],
        free: vec![
            FreeRule {
                registered_from: Some(day("2023-02-21")),
                registered_before: None,
                minutes: Minutes::new(10_000),
                ratios: RatioTableId(1),
                cycles: None,
            },
            FreeRule {
                registered_from: None,
                registered_before: Some(day("2023-02-21")),
                minutes: Minutes::new(10_000),
                ratios: RatioTableId(1),
                cycles: Some(12),
            },
        ],
        plans: vec![
            plan("rtc_engine.standard"),
            Plan {
                price: None,
                paid: false,
                validity: Validity::Days(7),
                max_purchases: Some(3),
                new_customers_of: vec![PlanId(0)],
                refund: RefundKind::None,
                on_expiry: OnExpiry::Stop,
                ..plan("rtc_engine.starter")
            },
        ],
        scope_promotions: vec![ScopePromotion {
            plans: vec![PlanId(0), PlanId(1)],
            from: day("2024-10-12"),
            until: day("2024-12-31"),
        }],
        products: vec![Product {
            id: "trtc".to_owned(),
            grace_hours: 24,
            removal_days: 60,
            policies: vec![Policy {
                from: day("2023-09-04"),
                on_overdue: vec!["keep_running".to_owned()],
                on_suspended: vec!["stop_rooms".to_owned()],
                on_removed: vec!["delete_resources".to_owned()],
                on_stopped: vec!["deny_service".to_owned()],
                stop_rooms_within_hours: 0,
            }],
        }],
    }
}

fn listing() -> Listing {
    let file = |path: &str| Object {
        path: path.to_owned(),
        size: 1_572_864,
        etag: None,
    };
    Listing {
        partitions: [
            (day("2024-10-11"), vec![file("date=2024-10-11/a.parquet")]),
            (
                day("2024-10-12"),
                vec![file("date=2024-10-12/a.parquet"), file("date=2024-10-12/b.parquet")],
            ),
        ]
        .into(),
        ..Listing::default()
    }
}

fn rows(dimension: &str) -> Option<u64> {
    match dimension {
        "accounts" => Some(20_000),
        "packages" => Some(1),
        "payments" | "opening" => Some(0),
        _ => None,
    }
}

fn report(listing: &Listing, today: &str) -> CheckReport {
    let listings = Listings {
        usage: listing.clone(),
        measured: vec![(Input::Relay, listing.clone())],
    };
    CheckReport::new(&job(), &book(), &rows, &listings, day(today))
}

#[test]
fn what_was_understood() {
    insta::assert_snapshot!(text(&report(&listing(), "2024-10-12"), Look::PLAIN));
}

#[test]
fn what_was_understood_as_json() {
    let json = to_json(&report(&listing(), "2024-10-12"));
    json_doc::check("check", &json);
    insta::assert_snapshot!(json);
}

#[test]
fn prices_are_those_of_today() {
    let price_of_audio = |today: &str| report(&listing(), today).catalog.items[0].tiers[0].price.clone();
    assert_eq!(price_of_audio("2020-12-31"), None);
    assert_eq!(price_of_audio("2024-10-12"), Some("0.990000".to_owned()));
    assert_eq!(price_of_audio("2024-10-13"), Some("1.012500".to_owned()));
}

#[test]
fn usage_that_is_not_there_yet() {
    let empty = report(&Listing::default(), "2024-10-12");
    json_doc::check("check", &to_json(&empty));
    let shown = text(&empty, Look::PLAIN);
    assert!(shown.contains("no partition yet"), "{shown}");
    assert!(
        shown.ends_with("\nnext: nightbill settle jobs/nightly.toml\n"),
        "{shown}"
    );
}

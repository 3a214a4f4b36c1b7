//! Dimensions from bytes: what they become, and what every broken rule says.

mod formats;
mod messages;
mod references;
mod tables;

use bytes::Bytes;
use chrono::NaiveTime;

use crate::catalog::book::{
    Book, FreeRule, OnExpiry, Plan, PriceList, PriceListEntry, Product, ProductId, RatioTable, RatioTableId,
    RefundKind, Validity,
};
use crate::units::calendar::Calendar;
use crate::units::quantity::{BillingDay, Cents, Minutes};

use super::{DimensionError, Dimensions};

/// A small catalog: products trtc and lcic, price lists list and acme, two plans, 10,000 free minutes for who
/// registered from 2000 on, three cycles of 500 for the first thirty years.
fn book() -> Book {
    let product = |id: &str| Product {
        id: id.to_owned(),
        grace_hours: 24,
        removal_days: 60,
        policies: Vec::new(),
    };
    let plan = |id: &str, minutes: i64| Plan {
        id: id.to_owned(),
        product: ProductId(0),
        family: "rtc_engine".to_owned(),
        price: Some(Cents::from_units(49_900)),
        minutes: Minutes::new(minutes),
        mau: 0,
        paid: true,
        ratios: Some(RatioTableId(0)),
        validity: Validity::Months(1),
        max_purchases: None,
        new_customers_of: Vec::new(),
        refund: RefundKind::None,
        on_expiry: OnExpiry::Free,
    };
    let list = |id: &str| PriceList {
        id: id.to_owned(),
        entries: vec![PriceListEntry {
            from: day("2021-01-01"),
            base: None,
            prices: Vec::new(),
        }],
    };
    let free = |from, before, minutes, cycles| FreeRule {
        registered_from: from,
        registered_before: before,
        minutes: Minutes::new(minutes),
        ratios: RatioTableId(0),
        cycles,
    };
    Book {
        currency: "USD".to_owned(),
        meters: Vec::new(),
        items: Vec::new(),
        tiers: Vec::new(),
        price_lists: vec![list("list"), list("acme")],
        ratio_tables: vec![RatioTable {
            id: "package".to_owned(),
            ratios: Vec::new(),
        }],
        free: vec![
            free(Some(day("2000-01-01")), None, 10_000, None),
            free(None, Some(day("1999-01-01")), 500, Some(3)),
        ],
        plans: vec![plan("rtc_engine.lite", 20_000), plan("rtc_engine.standard", 500_000)],
        scope_promotions: Vec::new(),
        products: vec![product("trtc"), product("lcic")],
    }
}

fn day(text: &str) -> BillingDay {
    BillingDay::from_date(text.parse().expect("a date"))
}

fn calendar() -> Calendar {
    Calendar::new(
        chrono_tz::Asia::Shanghai,
        NaiveTime::from_hms_opt(10, 0, 0).expect("a time"),
    )
}

/// Accounts 1 and 2, package p1 of account 1.
const ACCOUNTS: &str = "account_id,registered_at\n1,2024-01-31T08:00:00+08:00\n2,2024-01-01 00:00:00\n";
const PACKAGES: &str = "package_id,account_id,plan,purchased_at\np1,1,rtc_engine.lite,2024-10-12T09:00:00+08:00\n";

fn load(files: &[(&'static str, &str, Bytes)]) -> Result<Dimensions, DimensionError> {
    let files = files
        .iter()
        .map(|(dimension, name, bytes)| (*dimension, (*name).to_owned(), bytes.clone()))
        .collect();
    Dimensions::from_files(files, &book(), &calendar())
}

/// One CSV file a dimension, beside [`ACCOUNTS`] and [`PACKAGES`] unless they are among them.
fn load_csv(files: &[(&'static str, &str)]) -> Result<Dimensions, DimensionError> {
    let mut all = files.to_vec();
    for (dimension, csv) in [("accounts", ACCOUNTS), ("packages", PACKAGES)] {
        if !files.iter().any(|(named, _)| *named == dimension) {
            all.push((dimension, csv));
        }
    }
    let all: Vec<_> = all
        .into_iter()
        .map(|(dimension, csv)| (dimension, format!("{dimension}.csv"), Bytes::from(csv.to_owned())))
        .collect();
    Dimensions::from_files(all, &book(), &calendar())
}

/// Everything that dimensions say, account by account.
fn describe(dimensions: &Dimensions) -> String {
    use std::fmt::Write;

    let mut text = String::new();
    for position in 0..u32::try_from(dimensions.index().len()).expect("few accounts") {
        let id = dimensions.index().account_id(position);
        assert_eq!(dimensions.index().position(id), Some(position));
        let account = dimensions.account(position);
        assert_eq!(account.registered_at, dimensions.index().registered_at(position));
        writeln!(
            text,
            "{account:?}\n {:?}\n {:?}\n {:?}\n {:?}\n {:?}\n {:?}",
            dimensions.packages(position),
            dimensions.payments(position),
            dimensions.disabled_apps(position),
            dimensions.refund_requests(position),
            dimensions.opening_balance(position),
            dimensions.opening_grants(position),
        )
        .expect("a string takes everything");
    }
    text
}

fn message(result: Result<Dimensions, DimensionError>) -> String {
    match result {
        Ok(_) => "no error".to_owned(),
        Err(error) => error.to_string(),
    }
}

/// Each case: a dimension, its CSV, and the message.
fn check(cases: &[(&'static str, &str, &str)]) {
    for (dimension, csv, expected) in cases {
        assert_eq!(&message(load_csv(&[(dimension, csv)])), expected, "{dimension}:\n{csv}");
    }
}

//! A small catalog for the unit tests of the rules.

use chrono::{DateTime, Utc};

use crate::catalog::book::{
    Book, Cadence, FreeRule, Item, ItemId, ItemKind, OnExpiry, Plan, PlanId, PriceList, PriceListEntry, Product,
    ProductId, RatioTable, RatioTableId, RefundKind, Round, ScopePromotion, Tier, TierId, Unpriced, Validity,
};

use crate::units::quantity::{BillingDay, Cents, Instant, Minutes, Ratio, UnitPrice};

pub(super) const AV_AUDIO: TierId = TierId(0);
pub(super) const AV_HD: TierId = TierId(1);
pub(super) const DELIVERY_AUDIO: TierId = TierId(2);
pub(super) const DELIVERY_HD: TierId = TierId(3);

/// The plan of this name in [`book`].
pub(super) fn plan(book: &Book, id: &str) -> PlanId {
    let found = book.plans.iter().position(|plan| plan.id == id);
    PlanId(u16::try_from(found.unwrap_or_else(|| panic!("no plan {id}"))).unwrap())
}

pub(super) fn day(text: &str) -> BillingDay {
    BillingDay::from_date(text.parse().unwrap())
}

pub(super) fn at(text: &str) -> Instant {
    Instant::from(text.parse::<DateTime<Utc>>().unwrap())
}

/// Audio and HD calls by app, delivery by account; monthly free minutes, one family of monthly plans, a
/// trial of another.
pub(super) fn book() -> Book {
    let ratio = |text: &str| (text != "-").then(|| Ratio::parse(text).unwrap());
    Book {
        currency: "USD".to_owned(),
        meters: Vec::new(),
        items: vec![item("av", Round::App, 0), item("delivery", Round::Account, 2)],
        tiers: [(0, "audio"), (0, "hd"), (1, "audio"), (1, "hd")]
            .map(|(item, name)| Tier {
                item: ItemId(item),
                name: name.to_owned(),
            })
            .to_vec(),
        price_lists: vec![PriceList {
            id: "list".to_owned(),
            entries: vec![PriceListEntry {
                from: day("2021-01-01"),
                base: None,
                prices: ["0.99", "3.99", "0.02", "0.13"]
                    .map(|price| Some(UnitPrice::parse(price).unwrap()))
                    .to_vec(),
            }],
        }],
        ratio_tables: vec![
            RatioTable {
                id: "free".to_owned(),
                ratios: ["1", "4", "0.02", "0.13"].map(ratio).to_vec(),
            },
            RatioTable {
                id: "package".to_owned(),
                ratios: ["1", "4", "-", "-"].map(ratio).to_vec(),
            },
        ],
        free: vec![
            free_rule(Some("2023-02-21"), None, None),
            free_rule(None, Some("2023-02-21"), Some(12)),
        ],
        plans: vec![
            a_plan("engine.lite", "engine", Validity::Months(1)),
            a_plan("engine.pro", "engine", Validity::Months(1)),
            a_plan("call.trial", "call", Validity::Days(7)),
        ],
        scope_promotions: vec![ScopePromotion {
            plans: vec![PlanId(0)],
            from: day("2024-10-12"),
            until: day("2024-12-31"),
        }],
        products: vec![Product {
            id: "trtc".to_owned(),
            grace_hours: 24,
            removal_days: 60,
            policies: Vec::new(),
        }],
    }
}

fn item(id: &str, round: Round, first_tier: u16) -> Item {
    Item {
        id: id.to_owned(),
        product: ProductId(0),
        name: id.to_owned(),
        kind: ItemKind::Duration,
        cadence: Cadence::Daily,
        round,
        per: 1000,
        first_tier: TierId(first_tier),
        tier_count: 2,
        unpriced: Unpriced::Stop,
    }
}

fn free_rule(from: Option<&str>, before: Option<&str>, cycles: Option<u32>) -> FreeRule {
    FreeRule {
        registered_from: from.map(day),
        registered_before: before.map(day),
        minutes: Minutes::new(10_000),
        ratios: RatioTableId(0),
        cycles,
    }
}

fn a_plan(id: &str, family: &str, validity: Validity) -> Plan {
    Plan {
        id: id.to_owned(),
        product: ProductId(0),
        family: family.to_owned(),
        price: Some(Cents::from_units(10_000)),
        minutes: Minutes::new(1_000),
        mau: 0,
        paid: true,
        ratios: Some(RatioTableId(1)),
        validity,
        max_purchases: None,
        new_customers_of: Vec::new(),
        refund: RefundKind::Prorated,
        on_expiry: OnExpiry::Free,
    }
}

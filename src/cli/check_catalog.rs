//! What `check` understood of the catalog.

use serde::Serialize;

use crate::catalog::book::{
    Book, Cadence, FreeRule, Item, ItemKind, OnExpiry, Plan, PriceList, PriceListId, Product, RefundKind, Round,
    TierId, Unpriced, Validity,
};
use crate::units::quantity::BillingDay;

use super::format::{counted, plain, thousands};

/// The catalog.
#[derive(Debug, Serialize)]
pub(crate) struct CatalogPart {
    pub currency: String,
    pub prices_on: String,
    pub meters: Vec<MeterPart>,
    pub items: Vec<ItemPart>,
    pub price_lists: Vec<PriceListPart>,
    pub ratio_tables: Vec<String>,
    pub free: Vec<FreePart>,
    pub plans: Vec<PlanPart>,
    pub promotions: Vec<PromotionPart>,
    pub products: Vec<ProductPart>,
}

/// A meter and the item that it feeds.
#[derive(Debug, Serialize)]
pub(crate) struct MeterPart {
    pub id: String,
    pub item: String,
}

/// A billed item.
#[derive(Debug, Serialize)]
pub(crate) struct ItemPart {
    pub id: String,
    pub name: String,
    pub product: String,
    pub kind: &'static str,
    pub cadence: &'static str,
    pub round: &'static str,
    pub per: i64,
    pub unit: &'static str,
    pub unpriced: &'static str,
    pub details: Vec<String>,
    pub tiers: Vec<TierPart>,
}

/// A tier with its price in force and its ratios, in the order of the ratio tables.
#[derive(Debug, Serialize)]
pub(crate) struct TierPart {
    pub tier: String,
    pub price: Option<String>,
    pub ratios: Vec<Option<String>>,
}

/// A price list over time.
#[derive(Debug, Serialize)]
pub(crate) struct PriceListPart {
    pub id: String,
    pub entries: Vec<PriceListEntryPart>,
}

/// One entry of a price list.
#[derive(Debug, Serialize)]
pub(crate) struct PriceListEntryPart {
    pub from: String,
    pub base: Option<String>,
    pub prices: usize,
}

/// Free minutes of a range of registration days.
#[derive(Debug, Serialize)]
pub(crate) struct FreePart {
    pub registered_from: Option<String>,
    pub registered_before: Option<String>,
    pub minutes: i64,
    pub ratios: String,
    pub cycles: Option<u32>,
}

/// A plan.
#[derive(Debug, Serialize)]
pub(crate) struct PlanPart {
    pub id: String,
    pub product: String,
    pub family: String,
    pub price: Option<String>,
    pub minutes: i64,
    pub mau: i64,
    pub paid: bool,
    pub validity: String,
    pub refund: &'static str,
    pub on_expiry: &'static str,
    pub max_purchases: Option<u32>,
    pub new_customers_of: Vec<String>,
}

/// A scope promotion.
#[derive(Debug, Serialize)]
pub(crate) struct PromotionPart {
    pub from: String,
    pub until: String,
    pub plans: Vec<String>,
}

/// A product.
#[derive(Debug, Serialize)]
pub(crate) struct ProductPart {
    pub id: String,
    pub grace_hours: i64,
    pub removal_days: i64,
    pub policies_from: Vec<String>,
}

impl CatalogPart {
    /// The catalog, with the prices in force on `today`.
    pub(crate) fn new(book: &Book, today: BillingDay) -> Self {
        Self {
            currency: book.currency.clone(),
            prices_on: today.to_string(),
            meters: book
                .meters
                .iter()
                .map(|meter| MeterPart {
                    id: meter.id.clone(),
                    item: book.items[meter.item.index()].id.clone(),
                })
                .collect(),
            items: book.items.iter().map(|item| item_part(book, item, today)).collect(),
            price_lists: price_lists(book),
            ratio_tables: book.ratio_tables.iter().map(|table| table.id.clone()).collect(),
            free: book.free.iter().map(|rule| free_part(book, rule)).collect(),
            plans: book.plans.iter().map(|plan| plan_part(book, plan)).collect(),
            promotions: book
                .scope_promotions
                .iter()
                .map(|promotion| PromotionPart {
                    from: promotion.from.to_string(),
                    until: promotion.until.to_string(),
                    plans: promotion.plans.iter().map(|plan| book.plan(*plan).id.clone()).collect(),
                })
                .collect(),
            products: book.products.iter().map(product_part).collect(),
        }
    }
}

/// The list of accounts that name none (SPEC 2.3).
const DEFAULT_LIST: &str = "list";

fn default_list(book: &Book) -> Option<PriceListId> {
    let position = book.price_lists.iter().position(|list| list.id == DEFAULT_LIST)?;
    u16::try_from(position).ok().map(PriceListId)
}

fn item_part(book: &Book, item: &Item, today: BillingDay) -> ItemPart {
    let first = item.first_tier.0;
    let list = default_list(book);
    let tiers = (first..first.saturating_add(item.tier_count))
        .map(TierId)
        .map(|tier| TierPart {
            tier: book.tiers[tier.index()].name.clone(),
            price: list
                .and_then(|list| book.price(list, today, tier))
                .map(|(price, _)| price.to_string()),
            ratios: book
                .ratio_tables
                .iter()
                .map(|table| table.ratios[tier.index()].map(|ratio| ratio.to_string()))
                .collect(),
        });
    let (kind, unit) = match item.kind {
        ItemKind::Duration => ("duration", "minute"),
        ItemKind::Peak { .. } => ("peak", "mbps"),
        ItemKind::Count { .. } => ("count", "image"),
        ItemKind::Unique => ("unique", "user"),
    };
    ItemPart {
        id: item.id.clone(),
        name: item.name.clone(),
        product: book.products[item.product.index()].id.clone(),
        kind,
        cadence: match item.cadence {
            Cadence::Daily => "daily",
            Cadence::Monthly => "monthly",
        },
        round: match item.round {
            Round::App => "app",
            Round::Account => "account",
        },
        per: item.per,
        unit,
        unpriced: match item.unpriced {
            Unpriced::Stop => "stop",
            Unpriced::Unbilled => "unbilled",
        },
        details: details(book, item),
        tiers: tiers.collect(),
    }
}

/// What an item's kind says beyond its name.
fn details(book: &Book, item: &Item) -> Vec<String> {
    match &item.kind {
        ItemKind::Duration | ItemKind::Unique => Vec::new(),
        ItemKind::Peak {
            interval_seconds,
            free_if_at_most,
        } => std::iter::once(format!("samples compared every {interval_seconds} s"))
            .chain(free_if_at_most.iter().map(|(tier, most)| {
                let tier = &book.tiers[tier.index()].name;
                format!("{tier} free up to {} Mbps", plain(&most.to_string()))
            }))
            .collect(),
        ItemKind::Count {
            free_quantity,
            round_up_to,
        } => vec![format!(
            "{} free a {}, the rest rounded up to {}",
            thousands(free_quantity),
            match item.cadence {
                Cadence::Daily => "day",
                Cadence::Monthly => "month",
            },
            thousands(round_up_to)
        )],
    }
}

fn price_lists(book: &Book) -> Vec<PriceListPart> {
    let entries = |list: &PriceList| {
        list.entries
            .iter()
            .map(|entry| PriceListEntryPart {
                from: entry.from.to_string(),
                base: entry.base.map(|base| book.price_lists[base.index()].id.clone()),
                prices: entry.prices.iter().flatten().count(),
            })
            .collect()
    };
    book.price_lists
        .iter()
        .map(|list| PriceListPart {
            id: list.id.clone(),
            entries: entries(list),
        })
        .collect()
}

fn free_part(book: &Book, rule: &FreeRule) -> FreePart {
    FreePart {
        registered_from: rule.registered_from.map(|day| day.to_string()),
        registered_before: rule.registered_before.map(|day| day.to_string()),
        minutes: rule.minutes.get(),
        ratios: book.ratio_tables[rule.ratios.index()].id.clone(),
        cycles: rule.cycles,
    }
}

fn plan_part(book: &Book, plan: &Plan) -> PlanPart {
    PlanPart {
        id: plan.id.clone(),
        product: book.products[plan.product.index()].id.clone(),
        family: plan.family.clone(),
        price: plan.price.map(|price| price.to_string()),
        minutes: plan.minutes.get(),
        mau: plan.mau,
        paid: plan.paid,
        validity: match plan.validity {
            Validity::Months(months) => counted(months, "month", "months"),
            Validity::Days(days) => counted(days, "day", "days"),
        },
        refund: match plan.refund {
            RefundKind::None => "none",
            RefundKind::Full => "full",
            RefundKind::Prorated => "prorated",
        },
        on_expiry: match plan.on_expiry {
            OnExpiry::Stop => "stop",
            OnExpiry::Free => "free",
        },
        max_purchases: plan.max_purchases,
        new_customers_of: plan
            .new_customers_of
            .iter()
            .map(|other| book.plan(*other).id.clone())
            .collect(),
    }
}

fn product_part(product: &Product) -> ProductPart {
    ProductPart {
        id: product.id.clone(),
        grace_hours: product.grace_hours,
        removal_days: product.removal_days,
        policies_from: product.policies.iter().map(|policy| policy.from.to_string()).collect(),
    }
}

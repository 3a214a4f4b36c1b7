//! The border: a scenario as the crate's types.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use nightbill::catalog::book::{
    Book, Cadence, FreeRule, Item, ItemId, ItemKind, OnExpiry, Plan, PlanId, PriceList, PriceListEntry, PriceListId,
    Product, ProductId, RatioTable, RatioTableId, RefundKind, Round, ScopePromotion, Tier, TierId, Unpriced, Validity,
};
use nightbill::rules::account_day::{
    AccountDay, AccountFacts, DayContext, Deduction, DeductionPeriod, settle_account_day,
};
use nightbill::rules::calendar::Calendar;
use nightbill::rules::facts::{Account, Opening, OpeningGrant, Package, Payg, Payment, UsageGroup};
use nightbill::rules::quantity::{
    AccountId, BillingDay, Cents, Instant, Minutes, Quota, Ratio, SdkAppId, Seconds, UnitPrice,
};
use nightbill::rules::recorder::{Outcome, Recorder, Step};

use super::results::{rows_of, stop_of};
use super::rows::{NightRows, Stop};
use super::scenario as plain;

/// The crate's answer for one night.
pub fn settle_with_the_crate(
    scenario: &plain::Scenario,
    night: &plain::Night,
    opening: &plain::Opening,
) -> Result<NightRows, Stop> {
    let book = book_of(&scenario.catalog);
    let (hour, minute) = scenario.billing_time;
    let billing_time = chrono::NaiveTime::from_hms_opt(hour, minute, 0).expect("a time of day");
    let calendar = Calendar::new(scenario.zone, billing_time);
    let apps: Vec<Vec<SdkAppId>> = scenario.packages.iter().map(|package| apps_of(&package.apps)).collect();
    let packages: Vec<Package<'_>> = scenario
        .packages
        .iter()
        .zip(&apps)
        .map(|(package, apps)| package_of(&book, package, apps))
        .collect();
    let payments: Vec<Payment> = scenario.payments.iter().map(payment_of).collect();
    let products: Vec<ProductId> = (0..book.products.len()).map(|place| ProductId(small(place))).collect();
    let facts = AccountFacts {
        account: account_of(&book, &scenario.account, &products),
        packages: &packages,
        payments: &payments,
        requests: &[],
        disabled: &[],
        usage: &usage_of(&book, night),
        measured: &[],
        opening: &opening_of(opening),
    };
    let context = DayContext {
        book: &book,
        calendar: &calendar,
        day: day(night.day),
        deduction_period: if scenario.five_minutes {
            DeductionPeriod::FiveMinutes
        } else {
            DeductionPeriod::Day
        },
        first_settled_day: day(scenario.first_settled_day),
        billed_before: None,
        dunning_from: day(scenario.first_settled_day),
    };
    let settled = settle_account_day(context, facts, None);
    let mut told = Told::default();
    let watched = settle_account_day(context, facts, Some(&mut told));
    assert_eq!(watched, settled, "who watches changes nothing");
    if let Ok(settled) = &settled {
        assert_eq!(
            told.minutes,
            deducted_minutes(settled),
            "a recorder is told what grants gave"
        );
    }
    match settled {
        Ok(settled) => Ok(rows_of(&book, &settled)),
        Err(error) => Err(stop_of(error)),
    }
}

/// The minutes that a recorder was told of, by app, tier and grant.
#[derive(Default)]
struct Told {
    minutes: BTreeMap<(SdkAppId, TierId, String), i64>,
}

impl Recorder for Told {
    fn record(&mut self, step: &Step<'_>) {
        if let Outcome::Served { minutes, .. } = step.outcome {
            let key = (step.app, step.tier, step.grant.to_string());
            *self.minutes.entry(key).or_default() += minutes.get();
        }
    }
}

fn deducted_minutes(settled: &AccountDay<'_>) -> BTreeMap<(SdkAppId, TierId, String), i64> {
    let row = |deduction: &Deduction<'_>| {
        let key = (deduction.app, deduction.tier, deduction.grant.to_string());
        (key, deduction.minutes.get())
    };
    settled.deductions.iter().map(row).collect()
}

fn day(date: NaiveDate) -> BillingDay {
    BillingDay::from_date(date)
}

fn small(number: usize) -> u16 {
    u16::try_from(number).expect("catalogs of scenarios are small")
}

fn place<T>(list: &[T], is_it: impl FnMut(&T) -> bool) -> u16 {
    small(list.iter().position(is_it).expect("scenarios name what they define"))
}

fn apps_of(apps: &[i64]) -> Vec<SdkAppId> {
    apps.iter()
        .map(|app| SdkAppId::new(*app).expect("a positive app"))
        .collect()
}

fn cents(text: &str) -> Cents {
    Cents::parse(text).expect("an amount in cents")
}

fn quota(text: &str) -> Quota {
    Quota::parse(text).expect("a quota in hundredths")
}

// ---------------------------------------------------------------- the catalog

fn book_of(catalog: &plain::Catalog) -> Book {
    let tiers = tiers_of(catalog);
    Book {
        currency: "USD".to_owned(),
        meters: Vec::new(),
        items: items_of(catalog),
        price_lists: price_lists_of(catalog, &tiers),
        ratio_tables: catalog
            .ratios
            .iter()
            .map(|table| ratio_table_of(table, &tiers))
            .collect(),
        free: catalog.free.iter().map(|rule| free_rule_of(catalog, rule)).collect(),
        plans: catalog.plans.iter().map(|plan| plan_of(catalog, plan)).collect(),
        scope_promotions: catalog
            .promotions
            .iter()
            .map(|promotion| promotion_of(catalog, promotion))
            .collect(),
        products: catalog.products.iter().map(|id| product_of(id)).collect(),
        tiers: tiers.into_iter().map(|(_, tier)| tier).collect(),
    }
}

/// Every tier with its name `item.tier`, item by item.
fn tiers_of(catalog: &plain::Catalog) -> Vec<(String, Tier)> {
    let mut tiers = Vec::new();
    for (item, plain_item) in catalog.items.iter().enumerate() {
        for name in &plain_item.tiers {
            let tier = Tier {
                item: ItemId(small(item)),
                name: name.clone(),
            };
            tiers.push((format!("{}.{name}", plain_item.id), tier));
        }
    }
    tiers
}

fn items_of(catalog: &plain::Catalog) -> Vec<Item> {
    let mut first_tier = 0;
    let mut items = Vec::new();
    for item in &catalog.items {
        items.push(Item {
            id: item.id.clone(),
            product: ProductId(place(&catalog.products, |product| *product == item.product)),
            name: item.id.clone(),
            kind: ItemKind::Duration,
            cadence: Cadence::Daily,
            round: if item.account_rounded {
                Round::Account
            } else {
                Round::App
            },
            per: item.per,
            first_tier: TierId(small(first_tier)),
            tier_count: small(item.tiers.len()),
            unpriced: if item.unpriced_is_unbilled {
                Unpriced::Unbilled
            } else {
                Unpriced::Stop
            },
        });
        first_tier += item.tiers.len();
    }
    items
}

fn by_tier<T>(tiers: &[(String, Tier)], named: &[(String, String)], parse: impl Fn(&str) -> T) -> Vec<Option<T>> {
    let value_of = |name: &str| {
        named
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| parse(value))
    };
    tiers.iter().map(|(name, _)| value_of(name)).collect()
}

fn price_list_ids(catalog: &plain::Catalog) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    for entry in &catalog.price_lists {
        if !ids.contains(&entry.id) {
            ids.push(entry.id.clone());
        }
    }
    ids
}

fn price_lists_of(catalog: &plain::Catalog, tiers: &[(String, Tier)]) -> Vec<PriceList> {
    let ids = price_list_ids(catalog);
    let entry_of = |entry: &plain::PriceListEntry| PriceListEntry {
        from: day(entry.from),
        base: entry
            .base
            .as_ref()
            .map(|base| PriceListId(place(&ids, |id| id == base))),
        prices: by_tier(tiers, &entry.prices, |price| UnitPrice::parse(price).expect("a price")),
    };
    let list_of = |id: &String| {
        let mut entries: Vec<PriceListEntry> = catalog
            .price_lists
            .iter()
            .filter(|entry| entry.id == *id)
            .map(entry_of)
            .collect();
        entries.sort_by_key(|entry| entry.from);
        PriceList {
            id: id.clone(),
            entries,
        }
    };
    ids.iter().map(list_of).collect()
}

fn ratio_table_of(table: &plain::RatioTable, tiers: &[(String, Tier)]) -> RatioTable {
    let ratios = by_tier(tiers, &table.minutes, |ratio| Ratio::parse(ratio).expect("a ratio"));
    RatioTable {
        id: table.id.clone(),
        ratios,
    }
}

fn ratio_table_id(catalog: &plain::Catalog, id: &str) -> RatioTableId {
    RatioTableId(place(&catalog.ratios, |table| table.id == id))
}

fn free_rule_of(catalog: &plain::Catalog, rule: &plain::FreeMinutes) -> FreeRule {
    FreeRule {
        registered_from: rule.registered_from.map(day),
        registered_before: rule.registered_before.map(day),
        minutes: Minutes::new(rule.minutes),
        ratios: ratio_table_id(catalog, &rule.ratios),
        cycles: rule.cycles,
    }
}

fn plan_of(catalog: &plain::Catalog, plan: &plain::Plan) -> Plan {
    Plan {
        id: plan.id.clone(),
        product: ProductId(place(&catalog.products, |product| *product == plan.product)),
        family: plan.family.clone(),
        // Sold, so that a rule that charges for it here (SPEC 3.8 is not among those compared) would be seen.
        price: plan.paid.then(|| cents("9.99")),
        minutes: Minutes::new(plan.minutes),
        mau: 0,
        paid: plan.paid,
        ratios: plan.ratios.as_ref().map(|id| ratio_table_id(catalog, id)),
        validity: match plan.validity {
            plain::Validity::Months(months) => Validity::Months(months),
            plain::Validity::Days(days) => Validity::Days(days),
        },
        max_purchases: None,
        new_customers_of: Vec::new(),
        refund: RefundKind::Full,
        on_expiry: OnExpiry::Stop,
    }
}

fn promotion_of(catalog: &plain::Catalog, promotion: &plain::Promotion) -> ScopePromotion {
    let plan_id = |id: &String| PlanId(place(&catalog.plans, |plan| plan.id == *id));
    ScopePromotion {
        plans: promotion.plans.iter().map(plan_id).collect(),
        from: day(promotion.from),
        until: day(promotion.until),
    }
}

fn product_of(id: &str) -> Product {
    Product {
        id: id.to_owned(),
        grace_hours: 24,
        removal_days: 60,
        policies: Vec::new(),
    }
}

// ---------------------------------------------------------------- the facts

fn account_of<'a>(book: &Book, account: &plain::Account, products: &'a [ProductId]) -> Account<'a> {
    Account {
        id: AccountId::new(account.id).expect("a positive account"),
        registered_at: Instant::from_micros(account.registered_at),
        free_anchor: account.free_anchor.map(day),
        price_list: PriceListId(place(&book.price_lists, |list| list.id == account.price_list)),
        payg: match account.payg.as_str() {
            "auto" => Payg::Auto,
            "on" => Payg::On,
            "off" => Payg::Off,
            other => panic!("payg is auto, on or off, not {other}"),
        },
        credit_limit: Cents::ZERO,
        products,
        violation_at: None,
    }
}

fn package_of<'a>(book: &Book, package: &'a plain::Package, apps: &'a [SdkAppId]) -> Package<'a> {
    Package {
        id: &package.id,
        apps,
        plan: PlanId(place(&book.plans, |plan| plan.id == package.plan)),
        purchased_at: Instant::from_micros(package.purchased_at),
        gift: package.gift,
        auto_renew: false,
        refunded_at: package.refunded_at.map(Instant::from_micros),
        refunded_amount: Cents::ZERO,
    }
}

fn payment_of(payment: &plain::Payment) -> Payment {
    Payment {
        paid_at: Instant::from_micros(payment.paid_at),
        amount: cents(&payment.amount),
    }
}

fn opening_of(opening: &plain::Opening) -> Opening {
    let grant_of = |grant: &plain::OpeningGrant| OpeningGrant {
        id: grant.id.clone(),
        opening: quota(&grant.opening),
        used: quota(&grant.used),
    };
    Opening {
        balance: cents(&opening.balance),
        paid_total: cents(&opening.paid_total),
        grants: opening.grants.iter().map(grant_of).collect(),
        ..Opening::default()
    }
}

/// Sorted by (app, tier, period), one group per key, as the rules are promised it.
fn usage_of(book: &Book, night: &plain::Night) -> Vec<UsageGroup> {
    let group_of = |usage: &plain::Usage| UsageGroup {
        app: SdkAppId::new(usage.app).expect("a positive app"),
        tier: TierId(place(&book.tiers, |tier| {
            tier.name == usage.tier && book.items[usize::from(tier.item.0)].id == usage.item
        })),
        period: usage.period,
        seconds: Seconds::new(usage.seconds),
        rows: usage.rows,
    };
    let mut groups: Vec<UsageGroup> = night.usage.iter().map(group_of).collect();
    groups.sort_by_key(|group| (group.app, group.tier, group.period));
    groups
}

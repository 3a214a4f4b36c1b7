//! The border: a scenario as the crate's types, and the crate's results as plain rows.

use chrono::NaiveDate;
use nightbill::catalog::book::{
    Book, Cadence, FreeRule, Item, ItemId, ItemKind, OnExpiry, Plan, PlanId, PriceList, PriceListEntry, PriceListId,
    Product, ProductId, RatioTable, RatioTableId, RefundKind, Round, ScopePromotion, Tier, TierId, Unpriced, Validity,
};
use nightbill::rules::account_day::{
    AccountDay, AccountFacts, DayContext, DeductionPeriod, RuleError, settle_account_day,
};
use nightbill::rules::calendar::Calendar;
use nightbill::rules::facts::{Account, Opening, OpeningGrant, Package, Payg, Payment, UsageGroup};
use nightbill::rules::quantity::{
    AccountId, BillingDay, Cents, Instant, Minutes, Quota, Ratio, SdkAppId, Seconds, UnitPrice,
};

use super::rows::{BalanceRow, BillRow, DeductionRow, GrantRow, LineRow, NightRows, Stop, UsageRow};
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
        usage: &usage_of(&book, night),
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
    };
    match settle_account_day(context, facts, None) {
        Ok(settled) => Ok(rows_of(&book, &settled)),
        Err(error) => Err(stop_of(error)),
    }
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
        void: grant.void,
    };
    Opening {
        balance: cents(&opening.balance),
        paid_total: cents(&opening.paid_total),
        grants: opening.grants.iter().map(grant_of).collect(),
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

// ---------------------------------------------------------------- the results

fn names_of(book: &Book, tier: TierId) -> (String, String) {
    let tier = &book.tiers[usize::from(tier.0)];
    (book.items[usize::from(tier.item.0)].id.clone(), tier.name.clone())
}

fn rows_of(book: &Book, settled: &AccountDay<'_>) -> NightRows {
    NightRows {
        usage: usage_rows(book, settled),
        lines: line_rows(book, settled),
        bills: bill_rows(book, settled),
        deductions: deduction_rows(book, settled),
        grants: grant_rows(book, settled),
        balance: BalanceRow {
            opening: settled.balance.opening.to_string(),
            paid: settled.balance.paid.to_string(),
            charged: settled.balance.charged.to_string(),
            closing: settled.balance.closing.to_string(),
            paid_total: settled.balance.paid_total.to_string(),
        },
    }
}

fn usage_rows(book: &Book, settled: &AccountDay<'_>) -> Vec<UsageRow> {
    let row = |line: &nightbill::rules::account_day::UsageLine| {
        let (item, tier) = names_of(book, line.tier);
        UsageRow {
            app: line.app.get(),
            item,
            tier,
            seconds: line.seconds.get().into(),
            rows: line.rows.into(),
        }
    };
    settled.usage.iter().map(row).collect()
}

fn line_rows(book: &Book, settled: &AccountDay<'_>) -> Vec<LineRow> {
    let row = |line: &nightbill::rules::account_day::BillLine| {
        let (item, tier) = names_of(book, line.tier);
        LineRow {
            app: line.app.get(),
            item,
            tier,
            seconds: line.seconds.get().into(),
            minutes: line.minutes.get().into(),
            free_minutes: line.free_minutes.get().into(),
            package_minutes: line.package_minutes.get().into(),
            payg_minutes: line.payg_minutes.get().into(),
            unbilled_minutes: line.unbilled_minutes.get().into(),
            quantity: line.quantity.to_string(),
            unit_price: line.unit_price.to_string(),
            price_list: line
                .price_list
                .map(|list| book.price_lists[usize::from(list.0)].id.clone()),
            amount: line.amount.to_string(),
        }
    };
    settled.lines.iter().map(row).collect()
}

fn bill_rows(book: &Book, settled: &AccountDay<'_>) -> Vec<BillRow> {
    let row = |bill: &nightbill::rules::account_day::Bill| BillRow {
        item: book.items[usize::from(bill.item.0)].id.clone(),
        exact: bill.exact.to_string(),
        amount: bill.amount.to_string(),
    };
    settled.bills.iter().map(row).collect()
}

fn deduction_rows(book: &Book, settled: &AccountDay<'_>) -> Vec<DeductionRow> {
    let row = |deduction: &nightbill::rules::account_day::Deduction<'_>| {
        let (item, tier) = names_of(book, deduction.tier);
        DeductionRow {
            app: deduction.app.get(),
            item,
            tier,
            grant: deduction.grant.to_string(),
            kind: deduction.grant.kind().to_owned(),
            minutes: deduction.minutes.get().into(),
            ratio: deduction.ratio.to_string(),
            quota: deduction.quota.to_string(),
        }
    };
    settled.deductions.iter().map(row).collect()
}

fn grant_rows(book: &Book, settled: &AccountDay<'_>) -> Vec<GrantRow> {
    let row = |state: &nightbill::rules::account_day::GrantState<'_>| GrantRow {
        grant: state.grant.to_string(),
        kind: state.grant.kind().to_owned(),
        plan: state.plan.map(|plan| book.plans[usize::from(plan.0)].id.clone()),
        apps: state.apps.iter().map(|app| app.get()).collect(),
        valid_from: state.valid_from.to_string(),
        valid_to: state.valid_to.to_string(),
        quota: state.quota.to_string(),
        opening: state.opening.to_string(),
        used: state.used.to_string(),
        balance: state.balance.to_string(),
        status: state.status.as_str().to_owned(),
    };
    settled.grants.iter().map(row).collect()
}

fn stop_of(error: RuleError) -> Stop {
    match error {
        RuleError::Unpriced {
            account,
            app,
            day,
            item,
            tier,
            price_list,
            minutes,
        } => Stop::Unpriced {
            account: account.get(),
            app: app.get(),
            day: day.to_string(),
            item,
            tier,
            price_list,
            minutes: minutes.get().into(),
        },
        other => Stop::Other(other.to_string()),
    }
}

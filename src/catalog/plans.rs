//! `[[free]]`, `[[plan]]` and `[[scope_promotion]]`.

use super::book::{FreeRule, OnExpiry, Plan, PlanId, ProductId, RatioTableId, RefundKind, ScopePromotion, Validity};
use super::names::{Names, all, decimal, distinct, free_id};
use crate::config::document::Origin;
use crate::config::fields::{Field, Fields};
use crate::units::quantity::{Cents, Minutes};

const FREE_KEYS: [&str; 5] = ["registered_from", "registered_before", "minutes", "ratios", "cycles"];
const PLAN_KEYS: [&str; 13] = [
    "id",
    "product",
    "family",
    "price",
    "minutes",
    "mau",
    "paid",
    "ratios",
    "validity",
    "max_purchases",
    "new_customers_of",
    "refund",
    "on_expiry",
];
/// A billion minutes are 1900 years: quota in hundredths keeps far within 64 bits.
const LARGEST_MINUTES: i64 = 1_000_000_000;
const LARGEST_MAU: i64 = 1_000_000_000;
/// Ten million of the currency, in cents.
const LARGEST_PLAN_PRICE: Cents = Cents::from_units(1_000_000_000);
const LONGEST_MONTHS: i64 = 120;
const LONGEST_DAYS: i64 = 3_660;
const MOST_CYCLES: i64 = 1_200;
const MOST_PURCHASES: i64 = 1_000_000;

/// What other tables of the catalog define.
pub(super) struct Known<'a> {
    pub products: &'a Names,
    pub ratio_tables: &'a Names,
}

/// The rules of free minutes; no two for one registration day.
pub(super) fn free_rules(root: &Fields<'_>, known: &Known<'_>) -> Option<Vec<FreeRule>> {
    let mut rules: Vec<(FreeRule, Origin)> = Vec::new();
    let mut complete = true;
    for fields in root.tables("free", &FREE_KEYS) {
        match free_rule(&fields, known) {
            Some(rule) => {
                if let Some((_, first)) = rules.iter().find(|(other, _)| overlap(other, &rule)) {
                    let place = fields.notes().place(*first);
                    fields.fail_with(
                        "registration days overlap those of another [[free]]",
                        format!("the other one is {place}"),
                    );
                }
                rules.push((rule, fields.origin()));
            }
            None => complete = false,
        }
    }
    complete.then(|| rules.into_iter().map(|(rule, _)| rule).collect())
}

fn free_rule(fields: &Fields<'_>, known: &Known<'_>) -> Option<FreeRule> {
    let from = fields.optional("registered_from", Field::day);
    let before = fields.optional("registered_before", Field::day);
    if let (Some(Some(from)), Some(Some(before))) = (from, before)
        && from >= before
    {
        fields.fail(format!("no day is from {from} and before {before}"));
    }
    let minutes = fields
        .require("minutes")
        .and_then(|field| field.integer(0, LARGEST_MINUTES));
    let ratios = fields
        .require("ratios")
        .and_then(|field| known.ratio_tables.resolve(&field));
    let cycles = fields.optional("cycles", |field| field.integer_as(1, MOST_CYCLES));
    Some(FreeRule {
        registered_from: from?,
        registered_before: before?,
        minutes: Minutes::new(minutes?),
        ratios: RatioTableId(ratios?),
        cycles: cycles?,
    })
}

fn overlap(one: &FreeRule, other: &FreeRule) -> bool {
    let starts_before_end = |start: &FreeRule, end: &FreeRule| match (start.registered_from, end.registered_before) {
        (Some(from), Some(before)) => from < before,
        _ => true,
    };
    starts_before_end(one, other) && starts_before_end(other, one)
}

/// The plans and their names.
pub(super) fn plans(root: &Fields<'_>, known: &Known<'_>) -> (Names, Option<Vec<Plan>>) {
    let tables = root.tables("plan", &PLAN_KEYS);
    let mut names = Names::new("plan");
    // All names first: `new_customers_of` may refer to plans further down.
    let ids: Vec<Option<String>> = tables
        .iter()
        .map(|fields| {
            let id = fields.require("id")?;
            names.define(&id)?;
            id.meaning().map(str::to_owned)
        })
        .collect();
    let plans = tables
        .iter()
        .zip(ids)
        .map(|(fields, id)| plan(fields, id, &names, known));
    let plans = plans.collect();
    (names, all(plans))
}

fn plan(fields: &Fields<'_>, id: Option<String>, names: &Names, known: &Known<'_>) -> Option<Plan> {
    let product = fields
        .require("product")
        .and_then(|field| known.products.resolve(&field));
    let family = fields.require("family").and_then(|field| free_id(&field));
    let price = fields.optional("price", price);
    let minutes = fields.or("minutes", 0, |field| field.integer(0, LARGEST_MINUTES));
    let mau = fields.or("mau", 0, |field| field.integer(0, LARGEST_MAU));
    let paid = fields.require("paid").and_then(|field| field.boolean());
    let ratios = fields.optional("ratios", |field| known.ratio_tables.resolve(field));
    if let (Some(None), Some(1..)) = (ratios, minutes) {
        fields.fail("missing key `plan.ratios`: the plan has minutes");
    }
    let validity = fields.require("validity").and_then(|field| validity(&field));
    let max_purchases = fields.optional("max_purchases", |field| field.integer_as(1, MOST_PURCHASES));
    let new_customers_of = fields.or("new_customers_of", Vec::new(), |field| plan_ids(field, names));
    let refund = fields
        .require("refund")
        .and_then(|field| refund(&field, fields.get("price").is_some()));
    let on_expiry = fields.or("on_expiry", OnExpiry::Stop, |field| {
        field.choice(&[("stop", OnExpiry::Stop), ("free", OnExpiry::Free)])
    });
    Some(Plan {
        id: id?,
        product: ProductId(product?),
        family: family?,
        price: price?,
        minutes: Minutes::new(minutes?),
        mau: mau?,
        paid: paid?,
        ratios: ratios?.map(RatioTableId),
        validity: validity?,
        max_purchases: max_purchases?,
        new_customers_of: new_customers_of?,
        refund: refund?,
        on_expiry: on_expiry?,
    })
}

fn price(field: &Field<'_>) -> Option<Cents> {
    let price = decimal(field, Cents::parse)?;
    if price < Cents::ZERO || price > LARGEST_PLAN_PRICE {
        field.fail(format!("must be from 0 to 10000000, not {price}"));
        return None;
    }
    Some(price)
}

/// `{ months = 1 }` or `{ days = 7 }`.
fn validity(field: &Field<'_>) -> Option<Validity> {
    let fields = field.table(&["months", "days"])?;
    let months = fields.optional("months", |field| field.integer_as(1, LONGEST_MONTHS))?;
    let days = fields.optional("days", |field| field.integer_as(1, LONGEST_DAYS))?;
    match (months, days) {
        (Some(months), None) => Some(Validity::Months(months)),
        (None, Some(days)) => Some(Validity::Days(days)),
        _ => {
            field.fail_with("needs either months or days", "write { months = 1 } or { days = 7 }");
            None
        }
    }
}

fn refund(field: &Field<'_>, has_price: bool) -> Option<RefundKind> {
    let refund = field.choice(&[
        ("none", RefundKind::None),
        ("full", RefundKind::Full),
        ("prorated", RefundKind::Prorated),
    ])?;
    if refund != RefundKind::None && !has_price {
        field.fail_with(
            "a plan without a price has nothing to give back",
            "write refund = \"none\"",
        );
    }
    Some(refund)
}

fn plan_ids(field: &Field<'_>, names: &Names) -> Option<Vec<PlanId>> {
    distinct(field, |field| names.resolve(field).map(PlanId))
}

/// The times in which packages serve the whole account.
pub(super) fn scope_promotions(root: &Fields<'_>, names: &Names) -> Option<Vec<ScopePromotion>> {
    let promotions = root
        .tables("scope_promotion", &["plans", "from", "until"])
        .iter()
        .map(|fields| {
            let plans = fields.require("plans").and_then(|field| plan_ids(&field, names));
            let from = fields.require("from").and_then(|field| field.day());
            let end = fields.require("until");
            let until = end.as_ref().and_then(Field::day);
            if let (Some(from), Some(until), Some(field)) = (from, until, end)
                && until < from
            {
                field.fail(format!("must not be before its from, {from}"));
            }
            Some(ScopePromotion {
                plans: plans?,
                from: from?,
                until: until?,
            })
        })
        .collect();
    all(promotions)
}

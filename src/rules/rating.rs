//! Rating (SPEC 3.5, 3.6): what grants leave is priced or not billed; lines add up to bills.

use crate::catalog::book::{Book, ItemId, ProductId, TierId, Unpriced};

use super::account_day::{Bill, BillLine, BilledItem, DayContext};
use super::error::{Due, RuleError};
use super::facts::{Account, Payg};
use super::grants::Grant;
use super::recorder::{Fate, Recorder, Rest};
use super::subscriptions::{CreditLine, PurchaseLine};
use crate::units::quantity::{Amount, Minutes, OutOfRange, Quantity, SdkAppId};

/// Prices what grants left of the lines, or marks it unbilled.
///
/// # Errors
/// [`RuleError`] when a tier must be priced and has no price, or an amount leaves its range.
pub(super) fn rate(
    context: DayContext<'_>,
    account: &Account<'_>,
    grants: &[Grant<'_>],
    lines: &mut [BillLine],
    recorder: &mut Option<&mut dyn Recorder>,
) -> Result<(), RuleError> {
    for line in lines {
        let rest = rate_line(context, account, grants, line)?;
        if let (Some(recorder), Some(rest)) = (recorder.as_deref_mut(), rest) {
            recorder.record_rest(&rest);
        }
    }
    Ok(())
}

/// Rates a line; what became of the minutes that grants left, if there are any.
fn rate_line<'a>(
    context: DayContext<'_>,
    account: &Account<'_>,
    grants: &[Grant<'a>],
    line: &mut BillLine,
) -> Result<Option<Rest<'a>>, RuleError> {
    let book = context.book;
    let item = book.item_of(line.tier);
    let out_of_range = |source| RuleError::OutOfRange {
        account: account.id,
        source,
    };
    let price = book.price(account.price_list, context.day, line.tier);
    if let Some((unit_price, price_list)) = price {
        line.unit_price = unit_price;
        line.price_list = Some(price_list);
    }
    let rest = line
        .minutes
        .minus(line.free_minutes)
        .and_then(|rest| rest.minus(line.package_minutes))
        .map_err(out_of_range)?;
    if rest == Minutes::ZERO {
        return Ok(None);
    }
    let entitlement = entitlement(book, account.payg, grants, item.product, line.app);
    let fate = match (price, item.unpriced) {
        _ if !entitlement.is_billed() => entitlement,
        (Some(_), _) => entitlement,
        (None, Unpriced::Unbilled) => Fate::NoPrice,
        (None, Unpriced::Stop) => return Err(RuleError::unpriced(context, account, line, Due::Minutes(rest))),
    };
    match price {
        Some((unit_price, _)) if fate.is_billed() => {
            line.payg_minutes = rest;
            line.quantity = Quantity::from_whole(rest.get()).map_err(out_of_range)?;
            line.amount = Amount::of(line.quantity, unit_price, item.per).map_err(out_of_range)?;
        }
        _ => line.unbilled_minutes = rest,
    }
    Ok(Some(Rest {
        app: line.app,
        tier: line.tier,
        minutes: rest,
        fate,
    }))
}

/// Whether what grants leave of an app's usage is billed, and why. `[T]`: without a paid package the exhaustion of
/// the free minutes suspends the app, so nothing beyond them is charged.
///
/// A package counts on its valid days, used up or not, for the apps that it is bound to: a scope promotion
/// binds it to no other.
fn entitlement<'a>(book: &Book, payg: Payg, grants: &[Grant<'a>], product: ProductId, app: SdkAppId) -> Fate<'a> {
    let entitles = |grant: &&Grant<'a>| {
        let plan = grant.plan.map(|plan| book.plan(plan));
        grant.invalid.is_none() && is_bound(grant, app) && plan.is_some_and(|plan| plan.paid && plan.product == product)
    };
    match payg {
        Payg::On => Fate::PaygOn,
        Payg::Off => Fate::PaygOff,
        Payg::Auto => match grants.iter().find(entitles) {
            Some(grant) => Fate::PaidPackage(grant.id),
            None => Fate::NoPaidPackage,
        },
    }
}

/// Account-rounded lines count every package of the account, whatever app it is bound to.
fn is_bound(grant: &Grant<'_>, app: SdkAppId) -> bool {
    app == SdkAppId::ACCOUNT_WIDE || grant.apps.is_empty() || grant.apps.binary_search(&app).is_ok()
}

/// One bill per item that has lines, in item order. Only the sum of a bill is rounded.
///
/// # Errors
/// [`OutOfRange`] when a sum leaves its range.
pub(super) fn bills(
    book: &Book,
    lines: &[BillLine],
    purchases: &[PurchaseLine],
    credits: &[CreditLine<'_>],
) -> Result<Vec<Bill>, OutOfRange> {
    let usage = lines
        .iter()
        .map(|line| (BilledItem::Usage(item_id(book, line.tier)), line.amount));
    let purchases = purchases.iter().map(|line| (BilledItem::Package, line.amount));
    let credits = credits.iter().map(|line| (BilledItem::Refund, line.amount));
    let mut bills: Vec<Bill> = Vec::new();
    for (item, amount) in usage.chain(purchases).chain(credits) {
        match bills.binary_search_by_key(&item, |bill| bill.item) {
            Ok(found) => {
                let bill = bills.get_mut(found).expect("just found");
                bill.exact = bill.exact.plus(amount)?;
            }
            Err(place) => bills.insert(
                place,
                Bill {
                    item,
                    exact: amount,
                    amount: Default::default(),
                },
            ),
        }
    }
    for bill in &mut bills {
        bill.amount = bill.exact.round_to_cents()?;
    }
    Ok(bills)
}

fn item_id(book: &Book, tier: TierId) -> ItemId {
    book.tiers.get(tier.index()).expect("a tier of the book").item
}

//! Items that are no durations (SPEC 3.7): peaks, counts and distinct users of a day or a month become priced lines.

use crate::catalog::book::{Book, Cadence, Item, ItemKind, TierId, Unpriced};

use super::account_day::{AccountFacts, BillLine, DayContext};
use super::error::{Due, RuleError};
use super::facts::{Measured, Payg};
use super::metering::unplaced;
use super::packages::Placed;
use super::{count, peak, unique};
use crate::units::quantity::{Amount, BillingDay, OutOfRange, Quantity, Seconds};

/// Whether the batch of a day bills an item: daily ones always, monthly ones with the month's last day.
pub fn is_billed_on(item: &Item, day: BillingDay) -> bool {
    match item.cadence {
        Cadence::Daily => true,
        Cadence::Monthly => day.is_last_of_month(),
    }
}

/// First and last day of what an item's bill of a day is about.
pub fn period_of(item: &Item, day: BillingDay) -> (BillingDay, BillingDay) {
    match item.cadence {
        Cadence::Daily => (day, day),
        Cadence::Monthly => (day.first_of_month(), day),
    }
}

/// Priced lines of what was measured, in its order. An account with `payg = off` has none.
///
/// `placed` are the account's packages in their queues.
///
/// # Errors
/// [`RuleError`] when a tier must be priced and has no price, or a number or date leaves its range.
pub(super) fn measured_lines<'a>(
    context: DayContext<'_>,
    facts: AccountFacts<'a>,
    placed: &[Placed<'a>],
) -> Result<Vec<BillLine>, RuleError> {
    let (book, account) = (context.book, facts.account);
    assert!(
        facts
            .measured
            .is_sorted_by(|one, next| (one.app, one.tier) < (next.app, next.tier)),
        "what was measured comes sorted by app and tier, one figure per key"
    );
    if account.payg == Payg::Off || facts.measured.is_empty() {
        return Ok(Vec::new());
    }
    let out_of_range = |source| RuleError::OutOfRange {
        account: account.id,
        source,
    };
    let mut quotas: Vec<(TierId, unique::Quotas<'_>)> = Vec::new();
    let mut lines = Vec::with_capacity(facts.measured.len());
    for one in facts.measured {
        let item = book.item_of(one.tier);
        assert!(is_billed_on(item, context.day), "what is measured is billed on the day");
        if is_unique(book, one.tier) && quotas.iter().all(|(tier, _)| *tier != one.tier) {
            let period = period_of(item, context.day);
            quotas.push((one.tier, unique::Quotas::of_period(book, placed, period)));
        }
        let quotas = quotas.iter_mut().find(|(tier, _)| *tier == one.tier);
        let quantity = quantity(item, one, quotas.map(|(_, quotas)| quotas)).map_err(out_of_range)?;
        lines.push(priced(context, facts, one, quantity)?);
    }
    Ok(lines)
}

fn is_unique(book: &Book, tier: TierId) -> bool {
    book.item_of(tier).kind == ItemKind::Unique
}

/// What of a figure is charged.
fn quantity(item: &Item, measured: &Measured, quotas: Option<&mut unique::Quotas<'_>>) -> Result<Quantity, OutOfRange> {
    if let Some(charged) = measured.charged {
        return Ok(charged);
    }
    let counted = measured.figure;
    match &item.kind {
        ItemKind::Peak { free_if_at_most, .. } => peak::charged(free_if_at_most, measured.tier, counted),
        ItemKind::Count {
            free_quantity,
            round_up_to,
        } => count::charged(counted, *free_quantity, *round_up_to).and_then(Quantity::from_whole),
        ItemKind::Unique => quotas
            .map_or(Ok(counted), |quotas| quotas.excess(measured.app, counted))
            .and_then(Quantity::from_whole),
        ItemKind::Duration => unreachable!("durations are metered, not measured"),
    }
}

/// The line of a quantity, at the price of the day. One without a price costs nothing; where its item says
/// `unpriced = "unbilled"` the quantity is shown all the same.
fn priced(
    context: DayContext<'_>,
    facts: AccountFacts<'_>,
    measured: &Measured,
    quantity: Quantity,
) -> Result<BillLine, RuleError> {
    let (book, account, tier) = (context.book, facts.account, measured.tier);
    let item = book.item_of(tier);
    let mut line = unplaced(measured.app, tier, Seconds::ZERO);
    line.quantity = quantity;
    match book.price(account.price_list, context.day, tier) {
        Some((unit_price, price_list)) => {
            line.unit_price = unit_price;
            line.price_list = Some(price_list);
            line.amount = Amount::of(quantity, unit_price, item.per).map_err(|source| RuleError::OutOfRange {
                account: account.id,
                source,
            })?;
        }
        None if item.unpriced == Unpriced::Stop && quantity > Quantity::ZERO => {
            return Err(RuleError::unpriced(context, &account, &line, Due::Quantity(quantity)));
        }
        None => {}
    }
    Ok(line)
}

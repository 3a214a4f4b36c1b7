//! The balance (SPEC 3.9): opening + payments - bills charged.

use super::account_day::{BalanceState, Bill, DayContext, RuleError};
use super::facts::{Opening, Payment};
use super::quantity::{AccountId, Cents, OutOfRange};

/// The balance after the day's charges.
///
/// Counted are the payments from the start of the first settled day (those before it are in `opening`) to
/// the billing time; `paid` of the day is what no earlier batch counted, late arrivals included.
///
/// # Errors
/// [`RuleError`] when a sum or a date leaves its range.
pub(super) fn balance_after(
    context: DayContext<'_>,
    account: AccountId,
    payments: &[Payment],
    opening: &Opening,
    bills: &[Bill],
) -> Result<BalanceState, RuleError> {
    let out_of_range = |source| RuleError::OutOfRange { account, source };
    let paid_total = paid_until_billing(context, account, payments)?;
    let paid = paid_total.minus(opening.paid_total).map_err(out_of_range)?;
    let charged = sum(bills.iter().map(|bill| bill.amount)).map_err(out_of_range)?;
    let closing = opening
        .balance
        .plus(paid)
        .and_then(|balance| balance.minus(charged))
        .map_err(out_of_range)?;
    Ok(BalanceState {
        opening: opening.balance,
        paid,
        charged,
        closing,
        paid_total,
    })
}

fn paid_until_billing(context: DayContext<'_>, account: AccountId, payments: &[Payment]) -> Result<Cents, RuleError> {
    if payments.is_empty() {
        return Ok(Cents::ZERO);
    }
    let outside = |source| RuleError::OutsideCalendar { account, source };
    let calendar = context.calendar;
    let from = calendar.start_of(context.first_settled_day).map_err(outside)?;
    let to = calendar.billing_instant(context.day).map_err(outside)?;
    let counted = payments
        .iter()
        .filter(|payment| from <= payment.paid_at && payment.paid_at <= to);
    sum(counted.map(|payment| payment.amount)).map_err(|source| RuleError::OutOfRange { account, source })
}

fn sum(mut amounts: impl Iterator<Item = Cents>) -> Result<Cents, OutOfRange> {
    amounts.try_fold(Cents::ZERO, Cents::plus)
}

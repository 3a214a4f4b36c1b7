//! The balance (SPEC 3.9): opening + payments - bills charged, and what it makes of the account on the way.

use crate::catalog::book::Book;

use super::account_day::{BalanceState, Bill, DayContext};
use super::dunning::{Course, CourseError, Terms};
use super::error::RuleError;
use super::facts::{Account, Opening, Payment};
use crate::units::quantity::{AccountId, Cents, Instant, OutOfRange};

/// An account from the billing time of the batch before to that of this one: the payments first, the charges last.
pub(super) struct Balance {
    account: AccountId,
    billed_at: Instant,
    opening: Cents,
    paid: Cents,
    paid_total: Cents,
    course: Course,
}

impl Balance {
    /// Everything that comes before the charges.
    ///
    /// Counted are the payments from the start of the first settled day (those before it are in `opening`) to
    /// the billing time; `paid` of the day is what no earlier batch counted. What arrived late for an earlier
    /// window counts first, as one amount at the billing time before.
    ///
    /// # Errors
    /// [`RuleError`] when a sum or a date leaves its range.
    pub(super) fn before_charges(
        context: DayContext<'_>,
        account: &Account<'_>,
        payments: &[Payment],
        opening: &Opening,
    ) -> Result<Self, RuleError> {
        let id = account.id;
        let out_of_range = |source| RuleError::OutOfRange { account: id, source };
        let outside = |source| RuleError::OutsideCalendar { account: id, source };
        let calendar = context.calendar;
        let billed_at = calendar.billing_instant(context.day).map_err(outside)?;
        let terms = Terms {
            from: calendar.start_of(context.dunning_from).map_err(outside)?,
            ..terms(context.book, account)
        };
        let mut course = Course::new(terms, opening.standing, opening.balance);
        let mut earlier = Cents::ZERO;
        let mut window: Vec<Payment> = Vec::new();
        if !payments.is_empty() {
            let from = calendar.start_of(context.first_settled_day).map_err(outside)?;
            let counted = |payment: &&Payment| from <= payment.paid_at && payment.paid_at <= billed_at;
            for payment in payments.iter().filter(counted) {
                if context.billed_before.is_some_and(|before| payment.paid_at <= before) {
                    earlier = earlier.plus(payment.amount).map_err(out_of_range)?;
                } else {
                    window.push(*payment);
                }
            }
        }
        let late = earlier.minus(opening.paid_total).map_err(out_of_range)?;
        let window = by_instant(window, late, context.billed_before).map_err(out_of_range)?;
        let paid = sum(window.iter().map(|payment| payment.amount)).map_err(out_of_range)?;
        course.pay(&window).map_err(|error| rule_error(id, error))?;
        course.wait_until(billed_at).map_err(|error| rule_error(id, error))?;
        Ok(Self {
            account: id,
            billed_at,
            opening: opening.balance,
            paid,
            paid_total: opening.paid_total.plus(paid).map_err(out_of_range)?,
            course,
        })
    }

    /// How the account came to where it stands before the charges.
    pub(super) fn course(&self) -> &Course {
        &self.course
    }

    /// The charges, and what they make of the account.
    ///
    /// # Errors
    /// [`RuleError`] when a sum or a date leaves its range.
    pub(super) fn charge(mut self, bills: &[Bill]) -> Result<(BalanceState, Course), RuleError> {
        let account = self.account;
        let out_of_range = |source| RuleError::OutOfRange { account, source };
        let charged = sum(bills.iter().map(|bill| bill.amount)).map_err(out_of_range)?;
        self.course
            .charge(self.billed_at, charged)
            .map_err(|error| rule_error(account, error))?;
        let state = BalanceState {
            opening: self.opening,
            paid: self.paid,
            charged,
            closing: self.course.balance(),
            paid_total: self.paid_total,
        };
        Ok((state, self.course))
    }
}

/// The longest grace and removal time among the account's products.
pub fn terms(book: &Book, account: &Account<'_>) -> Terms {
    let products = || {
        account
            .products
            .iter()
            .filter_map(|product| book.products.get(product.index()))
    };
    Terms {
        credit_limit: account.credit_limit,
        grace_hours: products().map(|product| product.grace_hours).max().unwrap_or(0),
        removal_days: products().map(|product| product.removal_days).max().unwrap_or(0),
        from: Instant::from_micros(i64::MIN),
    }
}

/// In time order, summed per instant, what came late first. Without a batch before nothing can be late.
fn by_instant(mut window: Vec<Payment>, late: Cents, before: Option<Instant>) -> Result<Vec<Payment>, OutOfRange> {
    if late != Cents::ZERO {
        window.push(Payment {
            paid_at: before.unwrap_or(Instant::from_micros(i64::MIN)),
            amount: late,
        });
    }
    window.sort_unstable_by_key(|payment| payment.paid_at);
    let mut summed: Vec<Payment> = Vec::with_capacity(window.len());
    for payment in window {
        match summed.last_mut() {
            Some(last) if last.paid_at == payment.paid_at => last.amount = last.amount.plus(payment.amount)?,
            _ => summed.push(payment),
        }
    }
    Ok(summed)
}

fn rule_error(account: AccountId, error: CourseError) -> RuleError {
    match error {
        CourseError::Balance(source) => RuleError::OutOfRange { account, source },
        CourseError::Date => RuleError::OutsideCalendar {
            account,
            source: crate::units::calendar::OutsideCalendar,
        },
    }
}

fn sum(mut amounts: impl Iterator<Item = Cents>) -> Result<Cents, OutOfRange> {
    amounts.try_fold(Cents::ZERO, Cents::plus)
}

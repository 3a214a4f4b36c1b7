//! Packages (SPEC 3.3): how long they are valid, and how they queue.

use crate::catalog::book::{Book, Validity};

use super::calendar::{Calendar, OutsideCalendar};
use super::facts::Package;
use super::quantity::{BillingDay, Instant};

/// A known package in its place in the queue.
#[derive(Debug, Clone, Copy)]
pub(super) struct Placed<'a> {
    /// The purchase.
    pub(super) package: &'a Package<'a>,
    /// Billing day of the purchase.
    pub(super) purchased_on: BillingDay,
    /// Billing day of its refund, if one is known.
    pub(super) refunded_on: Option<BillingDay>,
    /// Void since the account's removal.
    pub(super) void: bool,
    /// First day, as the queue sets it.
    pub(super) valid_from: BillingDay,
    /// Last day, not shortened by a refund or removal.
    pub(super) valid_to: BillingDay,
    /// The day on which the next of its queue may start: it and all before it are done then.
    done: BillingDay,
}

/// What placing packages asks for besides the packages.
#[derive(Clone, Copy)]
pub(super) struct Placing<'c> {
    /// Plans.
    pub(super) book: &'c Book,
    /// Turns instants into days.
    pub(super) calendar: &'c Calendar,
    /// Purchases and refunds after this are as if absent.
    pub(super) known_until: Instant,
}

/// Places the packages that are known, in order of (`purchased_at`, id).
///
/// Packages of one family and the same `apps` take effect one after another `[T]`: "if your application
/// has a package that's still within its validity period and you purchase a new package, the new package
/// will not take effect until the existing one expires".
///
/// # Errors
/// [`OutsideCalendar`] when a date leaves the calendar.
pub(super) fn place<'a>(
    placing: Placing<'_>,
    packages: &'a [Package<'a>],
    is_void: impl Fn(&str) -> bool,
) -> Result<Vec<Placed<'a>>, OutsideCalendar> {
    let mut known: Vec<&Package<'_>> = packages
        .iter()
        .filter(|package| package.purchased_at <= placing.known_until)
        .collect();
    known.sort_unstable_by_key(|package| (package.purchased_at, package.id));
    let mut placed: Vec<Placed<'_>> = Vec::with_capacity(known.len());
    for package in known {
        let forerunner = placed
            .iter()
            .rev()
            .find(|earlier| share_queue(placing.book, earlier.package, package));
        let next = place_after(placing, package, is_void(package.id), forerunner)?;
        placed.push(next);
    }
    Ok(placed)
}

fn share_queue(book: &Book, one: &Package<'_>, other: &Package<'_>) -> bool {
    one.apps == other.apps && (one.plan == other.plan || book.plan(one.plan).family == book.plan(other.plan).family)
}

fn place_after<'a>(
    placing: Placing<'_>,
    package: &'a Package<'a>,
    void: bool,
    forerunner: Option<&Placed<'_>>,
) -> Result<Placed<'a>, OutsideCalendar> {
    let purchased_on = placing.calendar.day_of(package.purchased_at)?;
    let refunded_on = package
        .refunded_at
        .filter(|at| *at <= placing.known_until)
        .map(|at| placing.calendar.day_of(at))
        .transpose()?;
    let valid_from = match forerunner {
        // A removal makes every package void that the account has then, and ends it on that day. So a
        // package that is not void was bought later and finds a void forerunner done.
        Some(earlier) if void || !earlier.void => purchased_on.max(earlier.done),
        _ => purchased_on,
    };
    let valid_to = last_day(valid_from, placing.book.plan(package.plan).validity)?;
    let over = valid_to.checked_add_days(1).ok_or(OutsideCalendar)?;
    // Refunded while it waited, it takes no time in the queue.
    let done = refunded_on.map_or(over, |refunded| refunded.max(valid_from).min(over));
    Ok(Placed {
        package,
        purchased_on,
        refunded_on,
        void,
        valid_from,
        valid_to,
        done,
    })
}

/// The last day of a validity that begins on `first`. `[T]` deduction guide: "from 00:00:00 on the day of
/// purchase to 23:59:59 on the previous day the following month"; where the following month lacks the
/// date, the day before its last one.
fn last_day(first: BillingDay, validity: Validity) -> Result<BillingDay, OutsideCalendar> {
    let after = match validity {
        Validity::Months(months) => first.checked_add_months(months),
        Validity::Days(days) => first.checked_add_days(i64::from(days)),
    };
    after
        .and_then(|after| after.checked_add_days(-1))
        .ok_or(OutsideCalendar)
}

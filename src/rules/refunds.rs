//! Refunds (SPEC 3.11): requests are decided by the first batch that knows them.

use crate::catalog::book::{Book, RefundKind};

use super::account_day::DayContext;
use super::error::Excess;
use super::facts::{Account, Carried, RefundRequest};
use super::packages::Placed;
use crate::units::quantity::{BillingDay, Cents, Instant, OutOfRange, Quota};

/// A row of `refunds`: what became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefundDecision<'a> {
    /// The request.
    pub request: RefundRequest<'a>,
    /// What is given back, or why it is refused.
    pub outcome: Result<Cents, Refusal>,
    /// Of what the amount is a part; None: the whole price is given back, or nothing.
    pub share: Option<Share>,
}

/// The part of a package's validity that a prorated refund pays for: price x (`validity_days` - `days_held`) /
/// `validity_days`, rounded down to cents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// Days from the first to the last on which it is valid.
    pub validity_days: i64,
    /// Started periods of 24 hours since the purchase, at least one.
    pub days_held: i64,
}

/// Why a refund is refused; the first that holds, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Refusal {
    /// Bought before the first settled day.
    NotBilledHere,
    /// Requested before it was bought, or never bought.
    NotPurchased,
    /// `[R]`: "Monthly packages that are not purchased by you, such as event gifts".
    Gift,
    /// The account had violated the terms at the billing time.
    Violation,
    /// Refunded before.
    AlreadyRefunded,
    /// Void since a removal.
    Void,
    /// Its plan is not refundable.
    NotRefundable,
    /// `[R]`: "more than 5 days (excluding 5 days) since the monthly package was purchased".
    TooLate,
    /// `[R]`: "has been used, regardless of whether it has been used up".
    Used,
    /// `[T]`: "one package or feature package … at a time".
    OneAtATime,
}

impl Refusal {
    /// As it stands in `refunds.reason`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotBilledHere => "not_billed_here",
            Self::NotPurchased => "not_purchased",
            Self::Gift => "gift",
            Self::Violation => "violation",
            Self::AlreadyRefunded => "already_refunded",
            Self::Void => "void",
            Self::NotRefundable => "not_refundable",
            Self::TooLate => "too_late",
            Self::Used => "used",
            Self::OneAtATime => "one_at_a_time",
        }
    }
}

/// 24 hours in microseconds.
const DAY: i64 = 86_400_000_000;
/// Up to and including this long after its purchase a package can be given back.
const REFUNDABLE: i64 = 5 * DAY;

/// What deciding asks for.
pub(super) struct Deciding<'p, 'a> {
    pub context: DayContext<'p>,
    pub account: &'p Account<'p>,
    /// The day's billing time.
    pub billed_at: Instant,
    /// The packages that are known, removals since the batch before included.
    pub placed: &'p [Placed<'a>],
    /// What earlier batches decided.
    pub carried: &'p Carried,
}

impl<'a> Deciding<'_, 'a> {
    /// Decides the requests that no earlier batch knew, in order of (`requested_at`, package). `used` says what was used of
    /// a package, on this day too.
    ///
    /// # Errors
    /// [`Excess`] when a sum or a date leaves its range.
    pub(super) fn decide(
        &self,
        requests: &[RefundRequest<'a>],
        used: impl Fn(&str) -> Quota,
    ) -> Result<Vec<RefundDecision<'a>>, Excess> {
        let is_decided = |package: &str| self.carried.refunds.iter().any(|refund| refund.package == package);
        let mut due: Vec<RefundRequest<'a>> = requests
            .iter()
            .filter(|request| request.requested_at <= self.billed_at && !is_decided(request.package))
            .copied()
            .collect();
        due.sort_unstable_by_key(|request| (request.requested_at, request.package));
        let mut decisions: Vec<RefundDecision<'a>> = Vec::with_capacity(due.len());
        for request in due {
            let mut given = self.decide_one(request, &used)?;
            if given.is_ok() && decisions.iter().any(|earlier| earlier.outcome.is_ok()) {
                given = Err(Refusal::OneAtATime);
            }
            decisions.push(RefundDecision {
                request,
                outcome: given.map(|(amount, _)| amount),
                share: given.ok().and_then(|(_, share)| share),
            });
        }
        Ok(decisions)
    }

    fn decide_one(
        &self,
        request: RefundRequest<'_>,
        used: &impl Fn(&str) -> Quota,
    ) -> Result<Result<(Cents, Option<Share>), Refusal>, Excess> {
        let violated = self.account.violation_at.is_some_and(|at| at <= self.billed_at);
        let Some(placed) = self.placed.iter().find(|placed| placed.package.id == request.package) else {
            return Ok(Err(self.refuse_unknown(request, violated)));
        };
        let (package, plan) = (&placed.package, self.context.book.plan(placed.package.plan));
        let held = request.requested_at.micros().checked_sub(package.purchased_at.micros());
        let held = held.ok_or(OutOfRange { what: "time held" })?;
        let reasons = [
            (
                Refusal::NotBilledHere,
                placed.purchased_on < self.context.first_settled_day,
            ),
            (Refusal::NotPurchased, held < 0),
            (Refusal::Gift, package.gift),
            (Refusal::Violation, violated),
            (Refusal::AlreadyRefunded, placed.refunded_on.is_some()),
            (Refusal::Void, placed.void_at.is_some()),
            (Refusal::NotRefundable, plan.refund == RefundKind::None),
            (Refusal::TooLate, held > REFUNDABLE),
            (Refusal::Used, used(package.id) > Quota::ZERO),
        ];
        if let Some((reason, _)) = reasons.into_iter().find(|(_, holds)| *holds) {
            return Ok(Err(reason));
        }
        Ok(Ok(amount(self.context.book, placed, held)?))
    }

    /// A package that nobody has bought by the billing time; or a renewal that ended so long ago that it is not kept.
    fn refuse_unknown(&self, request: RefundRequest<'_>, violated: bool) -> Refusal {
        let named = request.package.rsplit_once('+');
        let was_renewed = named.is_some_and(|(first, number)| {
            let renewals = self.carried.renewals.iter();
            renewals
                .map(|renewal| renewal.first_and_number())
                .any(|(other, last)| other == first && number.parse().is_ok_and(|number: u32| number < last))
        });
        match (was_renewed, violated) {
            (false, _) => Refusal::NotPurchased,
            (true, true) => Refusal::Violation,
            (true, false) => Refusal::TooLate,
        }
    }
}

/// What is given back for a package that was held for so many microseconds.
///
/// `[R]`: "499 x (31-5) / 31 = 418.51": days held are started periods of 24 hours, at least one. Rounded down to cents; the
/// only place that rounds a refund.
fn amount(book: &Book, placed: &Placed<'_>, held: i64) -> Result<(Cents, Option<Share>), OutOfRange> {
    const WHAT: OutOfRange = OutOfRange { what: "refund" };
    let plan = book.plan(placed.package.plan);
    let price = plan.price.unwrap_or_default();
    if plan.refund == RefundKind::Full {
        return Ok((price, None));
    }
    let validity_days = days_between(placed.valid_from, placed.valid_to)
        .checked_add(1)
        .ok_or(WHAT)?;
    let started = held.checked_add(DAY).and_then(|held| held.checked_sub(1)).ok_or(WHAT)?;
    let days_held = started.checked_div(DAY).ok_or(WHAT)?.max(1);
    let left = validity_days.checked_sub(days_held).ok_or(WHAT)?.max(0);
    let cents = i128::from(price.units())
        .checked_mul(i128::from(left))
        .and_then(|product| product.checked_div(i128::from(validity_days)))
        .ok_or(WHAT)?;
    let cents = i64::try_from(cents).map(Cents::from_units).map_err(|_| WHAT)?;
    let share = Share {
        validity_days,
        days_held,
    };
    Ok((cents, Some(share)))
}

fn days_between(first: BillingDay, last: BillingDay) -> i64 {
    i64::from(last.epoch_days()).saturating_sub(i64::from(first.epoch_days()))
}

#[cfg(test)]
mod tests {
    use super::super::facts::Package;
    use super::super::testing::{at, book, day, plan};
    use super::*;

    fn refund_of(purchased_at: &str, requested_at: &str, first: &str, last: &str) -> String {
        let mut book = book();
        let place = plan(&book, "engine.pro");
        book.plans[place.index()].price = Some(Cents::parse("499").unwrap());
        let placed = Placed {
            package: Package {
                id: "p",
                apps: &[],
                plan: place,
                purchased_at: at(purchased_at),
                gift: false,
                auto_renew: false,
                refunded_at: None,
                refunded_amount: Cents::ZERO,
            },
            purchased_on: day(first),
            refunded_on: None,
            void_at: None,
            valid_from: day(first),
            valid_to: day(last),
            ends_on: day(last).checked_add_days(1).unwrap(),
        };
        let held = at(requested_at).micros() - at(purchased_at).micros();
        amount(&book, &placed, held).unwrap().0.to_string()
    }

    /// `[R]` Refund Example: bought on March 1 at 08:00:00, given back on March 6 at 07:59:59.
    #[test]
    fn refund_of_499_after_five_days_is_418_51() {
        let refund = refund_of(
            "2023-03-01T00:00:00Z",
            "2023-03-05T23:59:59Z",
            "2023-03-01",
            "2023-03-31",
        );
        assert_eq!(refund, "418.51");
    }

    /// Started 24-hour periods: held, then 499 x (31 - days) / 31, rounded down.
    #[test]
    fn days_held_are_started_periods_of_24_hours() {
        for (requested_at, expected) in [
            ("2023-03-01T00:00:00Z", "482.90"),
            ("2023-03-01T00:00:00.000001Z", "482.90"),
            ("2023-03-02T00:00:00Z", "482.90"),
            ("2023-03-02T00:00:00.000001Z", "466.80"),
            ("2023-03-05T00:00:00Z", "434.61"),
            ("2023-03-06T00:00:00Z", "418.51"),
        ] {
            let refund = refund_of("2023-03-01T00:00:00Z", requested_at, "2023-03-01", "2023-03-31");
            assert_eq!(refund, expected, "{requested_at}");
        }
    }

    /// The validity days are those of the package's own month; a short trial is over sooner than five days.
    #[test]
    fn validity_days_are_the_packages_own() {
        let of = |last| refund_of("2024-02-01T00:00:00Z", "2024-02-04T12:00:00Z", "2024-02-01", last);
        assert_eq!(of("2024-02-29"), "430.17");
        assert_eq!(of("2024-02-03"), "0.00");
    }
}

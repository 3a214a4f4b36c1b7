//! Packages (SPEC 3.3): how long they are valid, and how they queue.

use std::borrow::Cow;

use crate::catalog::book::{Book, Validity};

use super::facts::{Carried, Package, Renewal};
use crate::units::calendar::{Calendar, OutsideCalendar};
use crate::units::quantity::{BillingDay, Instant, SdkAppId};

/// A known package in its place in the queue.
#[derive(Debug, Clone, Copy)]
pub(super) struct Placed<'a> {
    /// The purchase.
    pub package: Package<'a>,
    /// Billing day of the purchase.
    pub purchased_on: BillingDay,
    /// First day on which a known refund has ended it.
    pub refunded_on: Option<BillingDay>,
    /// Void since the account was removed then.
    pub void_at: Option<Instant>,
    /// First day, as the queue sets it.
    pub valid_from: BillingDay,
    /// Last day, not shortened by a refund or removal.
    pub valid_to: BillingDay,
    /// The first day on which it is over: after its last one, or that of its refund or removal.
    pub ends_on: BillingDay,
}

impl Placed<'_> {
    /// Whether it counts on a day from the billing time on, used up or not: it has begun and is neither over nor void.
    pub(super) fn is_valid_on(&self, day: BillingDay) -> bool {
        self.void_at.is_none() && self.valid_from <= day && day < self.ends_on
    }

    /// Whether it is bound to the app, or to every app of the account.
    pub(super) fn is_bound_to(&self, app: SdkAppId) -> bool {
        self.package.apps.is_empty() || self.package.apps.binary_search(&app).is_ok()
    }
}

#[cfg(test)]
impl<'a> Placed<'a> {
    /// A package with these days, wherever a queue would put it, and maybe an earlier end.
    pub(super) fn at(
        package: Package<'a>,
        (valid_from, valid_to): (BillingDay, BillingDay),
        ends_on: Option<BillingDay>,
    ) -> Self {
        let over = valid_to.checked_add_days(1).unwrap();
        Self {
            package,
            purchased_on: valid_from,
            refunded_on: None,
            void_at: None,
            valid_from,
            valid_to,
            ends_on: ends_on.unwrap_or(over),
        }
    }
}

/// What placing packages asks for besides the packages.
#[derive(Clone, Copy)]
pub(super) struct Placing<'c> {
    /// Plans.
    pub book: &'c Book,
    /// Turns instants into days.
    pub calendar: &'c Calendar,
    /// Purchases and refunds after this are as if absent.
    pub known_until: Instant,
    /// Removals and refunds that are decided.
    pub carried: &'c Carried,
}

/// Purchases and what was renewed of them: packages like any other from then on (SPEC 3.8).
pub(super) fn with_renewals<'a>(packages: &'a [Package<'a>], renewals: &'a [Renewal]) -> Cow<'a, [Package<'a>]> {
    if renewals.is_empty() {
        return Cow::Borrowed(packages);
    }
    let mut all = packages.to_vec();
    for renewal in renewals {
        // Who switches auto-renewal off does so on the purchase, the only row that there is.
        let first = packages
            .iter()
            .find(|package| package.id == renewal.first_and_number().0);
        all.push(renewal.as_package(first.is_some_and(|first| first.auto_renew)));
    }
    Cow::Owned(all)
}

/// Places the packages that are known, in order of (`purchased_at`, id).
///
/// Packages of one family and the same `apps` take effect one after another `[T]`: "if your application
/// has a package that's still within its validity period and you purchase a new package, the new package
/// will not take effect until the existing one expires".
///
/// # Errors
/// [`OutsideCalendar`] when a date leaves the calendar.
pub(super) fn place<'a>(placing: Placing<'_>, packages: &[Package<'a>]) -> Result<Vec<Placed<'a>>, OutsideCalendar> {
    let mut known: Vec<&Package<'a>> = packages
        .iter()
        .filter(|package| package.purchased_at <= placing.known_until)
        .collect();
    known.sort_unstable_by_key(|package| (package.purchased_at, package.id));
    let mut placed: Vec<Placed<'_>> = Vec::with_capacity(known.len());
    for package in known {
        let had_since = had_since(placing, package)?;
        let forerunner = placed
            .iter()
            .rev()
            .filter(|earlier| share_queue(placing.book, &earlier.package, package))
            .find(|earlier| holds_up(earlier, had_since));
        let next = place_after(placing, package, had_since, forerunner)?;
        placed.push(next);
    }
    Ok(placed)
}

/// Whether two packages wait for one another: of one family, bound to the same apps.
pub(super) fn share_queue(book: &Book, one: &Package<'_>, other: &Package<'_>) -> bool {
    one.apps == other.apps && (one.plan == other.plan || book.plan(one.plan).family == book.plan(other.plan).family)
}

/// Whether a package keeps a later one of its queue waiting. One refunded before it began takes no time in the queue. One that
/// is void ended with the removal: it does not delay packages bought after the removal, and a refund of it after the removal
/// does not bring the others forward.
fn holds_up(earlier: &Placed<'_>, later_had_since: Instant) -> bool {
    match earlier.void_at {
        Some(removed) => later_had_since <= removed,
        None => earlier.refunded_on.is_none_or(|refunded| refunded > earlier.valid_from),
    }
}

/// The first instant at which a removal finds a package with the account: that of the purchase. A renewal begins at 00:00,
/// but the batch that makes it does so at its billing time, after the charges, and so after a removal of that instant.
fn had_since(placing: Placing<'_>, package: &Package<'_>) -> Result<Instant, OutsideCalendar> {
    let carried = placing.carried;
    let is_renewal = || carried.renewals.iter().any(|renewal| renewal.id == package.id);
    if carried.removals.is_empty() || !is_renewal() {
        return Ok(package.purchased_at);
    }
    let day = placing.calendar.day_of(package.purchased_at)?;
    let made_by = day.checked_add_days(-1).ok_or(OutsideCalendar)?;
    let made_at = placing.calendar.billing_instant(made_by)?.micros();
    let after_it = made_at.checked_add(1).ok_or(OutsideCalendar)?;
    Ok(package.purchased_at.max(Instant::from_micros(after_it)))
}

fn place_after<'a>(
    placing: Placing<'_>,
    package: &Package<'a>,
    had_since: Instant,
    forerunner: Option<&Placed<'_>>,
) -> Result<Placed<'a>, OutsideCalendar> {
    let purchased_on = placing.calendar.day_of(package.purchased_at)?;
    let refunded_on = refunded_on(placing, package)?;
    let valid_from = match forerunner {
        // Both were there at the removal: their dates stay what the queue made them.
        Some(earlier) if earlier.void_at.is_some() => purchased_on.max(next_day(earlier.valid_to)?),
        Some(earlier) => purchased_on.max(earlier.ends_on),
        None => purchased_on,
    };
    let valid_to = last_day(valid_from, placing.book.plan(package.plan).validity)?;
    let over = next_day(valid_to)?;
    let void_at = void_at(placing, package, had_since, over)?;
    let removed_on = void_at.map(|at| placing.calendar.day_of(at)).transpose()?;
    let ended_early = [refunded_on, removed_on].into_iter().flatten().min();
    Ok(Placed {
        package: *package,
        purchased_on,
        refunded_on,
        void_at,
        valid_from,
        valid_to,
        ends_on: ended_early.map_or(over, |early| early.max(valid_from).min(over)),
    })
}

/// When it was refunded outside, as far as is known.
fn refunded_outside(placing: Placing<'_>, package: &Package<'_>) -> Option<Instant> {
    package.refunded_at.filter(|at| *at <= placing.known_until)
}

/// The day after the batch that approved its refund.
fn approved_to_end_on(placing: Placing<'_>, package: &Package<'_>) -> Option<BillingDay> {
    let mut decided = placing.carried.refunds.iter();
    decided.find(|refund| refund.package == package.id)?.ends_on
}

/// The first day on which a refund has ended the package.
fn refunded_on(placing: Placing<'_>, package: &Package<'_>) -> Result<Option<BillingDay>, OutsideCalendar> {
    let outside = refunded_outside(placing, package);
    let outside = outside.map(|at| placing.calendar.day_of(at)).transpose()?;
    let approved = approved_to_end_on(placing, package);
    Ok([outside, approved].into_iter().flatten().min())
}

/// The removal that made the package void: the first at which the account had it, that is had bought it and it was neither
/// over nor refunded.
fn void_at(
    placing: Placing<'_>,
    package: &Package<'_>,
    had_since: Instant,
    over: BillingDay,
) -> Result<Option<Instant>, OutsideCalendar> {
    for removal in &placing.carried.removals {
        let removed_on = placing.calendar.day_of(*removal)?;
        let is_had = had_since <= *removal;
        let is_refunded = refunded_outside(placing, package).is_some_and(|at| at <= *removal)
            || approved_to_end_on(placing, package).is_some_and(|day| day <= removed_on);
        if is_had && !is_refunded && removed_on < over {
            return Ok(Some(*removal));
        }
    }
    Ok(None)
}

fn next_day(day: BillingDay) -> Result<BillingDay, OutsideCalendar> {
    day.checked_add_days(1).ok_or(OutsideCalendar)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::{at, book, day, plan};
    use crate::units::quantity::Cents;

    /// One package a line: id, plan, apps (or `-`), day of purchase, maybe `refunded=<day>`; after `=` its first and last
    /// day. Purchases are at 09:00 UTC, refunds at 12:00; the batch knows all until 2024-12-31.
    fn check(table: &str) {
        check_removed(&[], table);
    }

    /// The same after removals at 10:00 UTC on these days.
    fn check_removed(removals: &[&str], table: &str) {
        let carried = Carried {
            removals: removals.iter().map(|day| at(&format!("{day}T10:00:00Z"))).collect(),
            ..Carried::default()
        };
        let book = book();
        let calendar = Calendar::new(chrono_tz::UTC, chrono::NaiveTime::MIN);
        let lines: Vec<&str> = table.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let apps: Vec<Vec<SdkAppId>> = lines.iter().map(|line| apps(line)).collect();
        let packages: Vec<Package<'_>> = lines
            .iter()
            .zip(&apps)
            .map(|(line, apps)| {
                let word: Vec<&str> = line.split_whitespace().collect();
                let refunded = word.iter().find_map(|word| word.strip_prefix("refunded="));
                Package {
                    id: word[0],
                    apps,
                    plan: plan(&book, word[1]),
                    purchased_at: at(&format!("{}T09:00:00Z", word[3])),
                    gift: false,
                    auto_renew: false,
                    refunded_at: refunded.map(|day| at(&format!("{day}T12:00:00Z"))),
                    refunded_amount: Cents::ZERO,
                }
            })
            .collect();
        let placing = Placing {
            book: &book,
            calendar: &calendar,
            known_until: calendar.billing_instant(day("2024-12-30")).unwrap(),
            carried: &carried,
        };
        let mut reversed = packages.clone();
        reversed.reverse();
        for order in [&packages, &reversed] {
            let placed = place(placing, order).unwrap();
            for line in &lines {
                let (id, expected) = (line.split_once(' ').unwrap().0, line.split_once(" = ").unwrap().1);
                let found = placed.iter().find(|placed| placed.package.id == id);
                let found = found.map_or("absent".to_owned(), |one| {
                    format!("{} {}", one.valid_from, one.valid_to)
                });
                assert_eq!(found, expected, "{line}");
            }
        }
    }

    fn apps(line: &str) -> Vec<SdkAppId> {
        let apps = line.split_whitespace().nth(2).unwrap();
        let ids = apps.split(';').filter(|app| *app != "-");
        ids.map(|app| SdkAppId::new(app.parse().unwrap()).unwrap()).collect()
    }

    /// `[T]` deduction guide: from the day of purchase to the day before the same date of the following month.
    #[test]
    fn package_validity() {
        check(
            "
            march   engine.lite 1 2023-03-01 = 2023-03-01 2023-03-31
            leap    engine.lite 2 2024-01-31 = 2024-01-31 2024-02-28
            short   engine.lite 3 2023-01-31 = 2023-01-31 2023-02-27
            back    engine.lite 4 2024-02-29 = 2024-02-29 2024-03-28
            year    engine.lite 5 2023-12-15 = 2023-12-15 2024-01-14
            trial   call.trial  1 2024-02-26 = 2024-02-26 2024-03-03
            ",
        );
    }

    /// `[T]`: the new package does not take effect until the existing one expires.
    #[test]
    fn packages_of_a_family_and_app_queue() {
        check(
            "
            a engine.lite 1   2024-01-31 = 2024-01-31 2024-02-28
            b engine.pro  1   2024-02-10 = 2024-02-29 2024-03-28
            c engine.lite 1   2024-02-10 = 2024-03-29 2024-04-28
            d engine.lite 1   2024-06-01 = 2024-06-01 2024-06-30
            e engine.lite 2   2024-02-10 = 2024-02-10 2024-03-09
            f engine.lite 1;2 2024-02-10 = 2024-02-10 2024-03-09
            g engine.lite -   2024-02-10 = 2024-02-10 2024-03-09
            h engine.lite -   2024-02-11 = 2024-03-10 2024-04-09
            i call.trial  1   2024-02-10 = 2024-02-10 2024-02-16
            z engine.lite 3   2024-02-10 = 2024-02-10 2024-03-09
            y engine.lite 3   2024-02-11 = 2024-03-10 2024-04-09
            ",
        );
    }

    /// A refund lets the next one start on its day; dates that are shown stay what the queue made them.
    #[test]
    fn queues_close_up_after_refunds() {
        check(
            "
            a engine.lite 1 2024-03-01 refunded=2024-03-10 = 2024-03-01 2024-03-31
            b engine.lite 1 2024-03-05                     = 2024-03-10 2024-04-09
            c engine.lite 1 2024-03-06 refunded=2024-03-08 = 2024-04-10 2024-05-09
            d engine.lite 1 2024-03-07                     = 2024-04-10 2024-05-09
            e engine.lite 1 2024-03-08 refunded=2024-09-01 = 2024-05-10 2024-06-09
            f engine.lite 1 2024-03-09                     = 2024-06-10 2024-07-09
            g engine.lite 2 2024-03-09 refunded=2024-03-09 = 2024-03-09 2024-04-08
            h engine.lite 2 2024-03-09                     = 2024-03-09 2024-04-08
            ",
        );
    }

    #[test]
    fn what_happens_after_the_billing_time_is_as_if_absent() {
        check(
            "
            a engine.lite 1 2024-12-01 refunded=2024-12-31 = 2024-12-01 2024-12-31
            b engine.lite 1 2024-12-30                     = 2025-01-01 2025-01-31
            c engine.lite 1 2024-12-31                     = absent
            ",
        );
    }

    /// Bought after the removal that made the earlier ones void: it does not wait for them.
    #[test]
    fn void_packages_hold_up_nobody_who_came_later() {
        check_removed(
            &["2024-03-19"],
            "
            a engine.lite 1 2024-03-01                     = 2024-03-01 2024-03-31
            b engine.lite 1 2024-03-02                     = 2024-04-01 2024-04-30
            c engine.lite 1 2024-03-03 refunded=2024-03-04 = 2024-05-01 2024-05-31
            d engine.lite 1 2024-03-20                     = 2024-03-20 2024-04-19
            e engine.lite 1 2024-03-21                     = 2024-04-20 2024-05-19
            ",
        );
    }

    /// Decision 113: the removal at 10:00 had ended them when they were refunded at 12:00, or days later.
    #[test]
    fn a_refund_of_a_void_package_moves_nobody() {
        check_removed(
            &["2024-03-19"],
            "
            a engine.lite 1 2024-03-01 refunded=2024-03-19 = 2024-03-01 2024-03-31
            b engine.lite 1 2024-03-02 refunded=2024-03-25 = 2024-04-01 2024-04-30
            c engine.lite 1 2024-03-03                     = 2024-05-01 2024-05-31
            d engine.lite 2 2024-03-01 refunded=2024-03-18 = 2024-03-01 2024-03-31
            e engine.lite 2 2024-03-02                     = 2024-03-18 2024-04-17
            ",
        );
    }
}

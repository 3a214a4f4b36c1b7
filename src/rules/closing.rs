//! The end of an account's day: what removals, refunds and renewals make of its packages, as known at the billing time.

use std::borrow::Cow;

use super::account_day::{AccountFacts, DayContext, GrantId};
use super::dunning::{Course, Standing};
use super::error::{Excess, RuleError};
use super::facts::{Carried, DecidedRefund, Package, Renewal};
use super::grants::Grant;
use super::packages::{Placed, Placing, place};
use super::refunds::{Deciding, RefundDecision};
use super::subscriptions::{Renewing, renew, still_needed};
use crate::units::calendar::OutsideCalendar;
use crate::units::quantity::{Cents, Instant, Quota};

/// The packages that are known at the billing time, in their queues.
///
/// # Errors
/// [`OutsideCalendar`] when a date leaves the calendar.
pub(super) fn placed<'a>(
    context: DayContext<'_>,
    packages: &[Package<'a>],
    carried: &Carried,
) -> Result<Vec<Placed<'a>>, OutsideCalendar> {
    if packages.is_empty() {
        return Ok(Vec::new());
    }
    let placing = Placing {
        book: context.book,
        calendar: context.calendar,
        known_until: context.calendar.billing_instant(context.day)?,
        carried,
    };
    place(placing, packages)
}

/// What the batch itself decides on an account's packages.
pub(super) struct Closing<'p, 'a> {
    context: DayContext<'p>,
    facts: AccountFacts<'a>,
    packages: &'p [Package<'a>],
    /// The packages, with what is decided so far.
    pub placed: Vec<Placed<'a>>,
    /// What later batches need to know.
    pub carried: Carried,
    pub refunds: Vec<RefundDecision<'a>>,
    pub renewals: Vec<Renewal>,
    pub violation_since: Option<Instant>,
}

impl<'p, 'a> Closing<'p, 'a> {
    /// Nothing is decided yet.
    ///
    /// # Errors
    /// [`RuleError`] when a date leaves the calendar.
    pub(super) fn new(
        context: DayContext<'p>,
        facts: AccountFacts<'a>,
        packages: &'p [Package<'a>],
        placed: Vec<Placed<'a>>,
    ) -> Result<Self, RuleError> {
        let violation_since = match facts.account.violation_at {
            None => None,
            Some(at) => {
                let billed_at = context.calendar.billing_instant(context.day);
                let billed_at = billed_at.map_err(|source| Excess::Date(source).of(facts.account.id))?;
                (at <= billed_at).then_some(at)
            }
        };
        Ok(Self {
            context,
            facts,
            packages,
            placed,
            carried: facts.opening.carried.clone(),
            refunds: Vec::new(),
            renewals: Vec::new(),
            violation_since,
        })
    }

    /// Removals since the batch before make void what the account had then.
    ///
    /// # Errors
    /// [`RuleError`] when a date leaves the calendar.
    pub(super) fn remove(&mut self, course: &Course) -> Result<(), RuleError> {
        let known = self.carried.removals.len();
        for transition in course.transitions() {
            if matches!(transition.to, Standing::Removed(_)) && !self.carried.removals.contains(&transition.at) {
                self.carried.removals.push(transition.at);
            }
        }
        if self.carried.removals.len() > known {
            self.place_again()?;
        }
        Ok(())
    }

    /// Decides the refund requests. What is approved ends its package on the day after.
    ///
    /// # Errors
    /// [`RuleError`] when a sum or a date leaves its range.
    pub(super) fn refund(&mut self, grants: &[Grant<'_>]) -> Result<(), RuleError> {
        if self.facts.requests.is_empty() {
            return Ok(());
        }
        let opening = self.facts.opening;
        let used = |package: &str| {
            let served = grants.iter().find(|grant| grant.id == GrantId::Package(package));
            let before = || opening.grants.iter().find(|grant| grant.id == package);
            served.map_or_else(|| before().map_or(Quota::ZERO, |grant| grant.used), Grant::used)
        };
        let excess = |excess: Excess| excess.of(self.facts.account.id);
        let billed_at = self.context.calendar.billing_instant(self.context.day);
        let deciding = Deciding {
            context: self.context,
            account: &self.facts.account,
            billed_at: billed_at.map_err(|source| excess(source.into()))?,
            placed: &self.placed,
            carried: &self.carried,
        };
        self.refunds = deciding.decide(self.facts.requests, used).map_err(excess)?;
        let tomorrow = self.context.day.checked_add_days(1);
        let tomorrow = tomorrow.ok_or_else(|| excess(OutsideCalendar.into()))?;
        self.carried
            .refunds
            .extend(self.refunds.iter().map(|refund| DecidedRefund {
                package: refund.request.package.to_owned(),
                requested_at: refund.request.requested_at,
                ends_on: refund.outcome.is_ok().then_some(tomorrow),
            }));
        if self.refunds.iter().any(|refund| refund.outcome.is_ok()) {
            self.place_again()?;
        }
        Ok(())
    }

    /// Renews what ends with the day, when the account is active and can pay for it.
    ///
    /// # Errors
    /// [`RuleError`] when a sum or a date leaves its range.
    pub(super) fn renew(&mut self, standing: Standing, closing: Cents) -> Result<(), RuleError> {
        if !self.placed.is_empty() {
            self.renew_packages(standing, closing)
                .map_err(|excess| excess.of(self.facts.account.id))?;
        }
        Ok(())
    }

    fn renew_packages(&mut self, standing: Standing, closing: Cents) -> Result<(), Excess> {
        if standing == Standing::Active && self.violation_since.is_none() {
            self.renewals = renew(Renewing {
                book: self.context.book,
                calendar: self.context.calendar,
                day: self.context.day,
                placed: &self.placed,
                carried: &self.carried,
                funds: closing.plus(self.facts.account.credit_limit)?,
            })?;
        }
        self.carried.renewals.extend(self.renewals.iter().cloned());
        still_needed(&mut self.carried, &self.placed, self.context.day);
        Ok(())
    }

    /// The packages as they stand at the end, with those that this batch renewed.
    ///
    /// # Errors
    /// [`OutsideCalendar`] when a date leaves the calendar.
    pub(super) fn placed_at_last(&self) -> Result<Cow<'_, [Placed<'_>]>, OutsideCalendar> {
        if self.renewals.is_empty() {
            return Ok(Cow::Borrowed(&self.placed));
        }
        let mut packages = self.packages.to_vec();
        packages.extend(self.renewals.iter().map(|renewal| renewal.as_package(true)));
        placed(self.context, &packages, &self.carried).map(Cow::Owned)
    }

    fn place_again(&mut self) -> Result<(), RuleError> {
        let placed = placed(self.context, self.packages, &self.carried);
        self.placed = placed.map_err(|source| Excess::Date(source).of(self.facts.account.id))?;
        Ok(())
    }
}

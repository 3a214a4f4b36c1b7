//! Grants (SPEC 3.2 to 3.4): free minutes and packages as one list in deduction order, and how they stand
//! after the day.

use crate::catalog::book::{Book, PlanId, RatioTableId, TierId};

use super::account_day::{AccountFacts, DayContext, GrantId, GrantState, GrantStatus};
use super::error::RuleError;
use super::facts::{Opening, OpeningGrant};
use super::free_minutes::{FreeCycle, free_cycle};
use super::packages::Placed;
use super::recorder::PassedOver;
use crate::units::calendar::{Calendar, OutsideCalendar};
use crate::units::quantity::{AccountId, BillingDay, Instant, Minutes, OutOfRange, Quota, Ratio, SdkAppId};

/// Prepaid quota on one day: a free cycle or a package.
#[derive(Debug, Clone)]
pub(super) struct Grant<'a> {
    pub id: GrantId<'a>,
    /// None for free minutes.
    pub plan: Option<PlanId>,
    /// The apps it is bound to; empty: account-wide.
    pub apps: &'a [SdkAppId],
    scope: Scope,
    ratios: Option<RatioTableId>,
    purchase: Option<Purchase>,
    valid_from: BillingDay,
    valid_to: BillingDay,
    quota: Quota,
    opening: Quota,
    used: Quota,
    balance: Quota,
    /// Why it gives nothing on the day, whatever the line; None: it is valid.
    pub invalid: Option<PassedOver>,
    void: bool,
    /// Refunded by the billing time, maybe after the day.
    refunded: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Purchase {
    at: Instant,
    on: BillingDay,
}

/// What a grant serves on the day, narrowest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Scope {
    /// This many apps.
    Apps(usize),
    /// Every app, and account-rounded lines.
    Account,
}

/// The account's grants in deduction order: free minutes first, then the narrowest scope, the soonest to
/// expire, the earliest purchase, the id `[T]`. Of the packages those are left out that ended before `ended_since`.
///
/// # Errors
/// [`RuleError`] when a date or a sum leaves its range, or more was used of a grant than it holds.
pub(super) fn grants_in_order<'a>(
    context: DayContext<'_>,
    facts: AccountFacts<'_>,
    placed: &[Placed<'a>],
    ended_since: BillingDay,
) -> Result<Vec<Grant<'a>>, RuleError> {
    let account = facts.account.id;
    let outside = |source| RuleError::OutsideCalendar { account, source };
    let mut grants = Vec::with_capacity(placed.len().saturating_add(1));
    if let Some(cycle) = cycle_on(context, facts, context.day).map_err(outside)? {
        let is_void = is_void(context.calendar, &cycle, &facts.opening.carried.removals).map_err(outside)?;
        grants.push(Grant::of_cycle(account, cycle, is_void, facts.opening)?);
    }
    for package in placed.iter().filter(|package| package.valid_to >= ended_since) {
        grants.push(Grant::of_package(context, account, package, facts.opening)?);
    }
    grants.sort_unstable_by(|one, other| one.order().cmp(&other.order()));
    Ok(grants)
}

/// The account's free cycle that contains a day, if it has one then.
///
/// # Errors
/// [`OutsideCalendar`] when a date leaves the calendar.
pub(super) fn cycle_on<'b>(
    context: DayContext<'b>,
    facts: AccountFacts<'_>,
    day: BillingDay,
) -> Result<Option<FreeCycle<'b>>, OutsideCalendar> {
    let registered_on = context.calendar.day_of(facts.account.registered_at)?;
    let anchor = facts.account.free_anchor.unwrap_or(registered_on);
    free_cycle(context.book, registered_on, anchor, day)
}

/// A removal makes the cycle void that runs then.
fn is_void(calendar: &Calendar, cycle: &FreeCycle<'_>, removals: &[Instant]) -> Result<bool, OutsideCalendar> {
    for removal in removals {
        let removed_on = calendar.day_of(*removal)?;
        if cycle.first_day <= removed_on && removed_on <= cycle.last_day {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What the ledger knows of a grant when the day begins; None when it sees it for the first time.
fn opening_of<'o>(opening: &'o Opening, id: GrantId<'_>) -> Option<&'o OpeningGrant> {
    match id {
        GrantId::Package(id) => opening.grants.iter().find(|grant| grant.id == id),
        GrantId::Free { .. } if opening.grants.is_empty() => None,
        GrantId::Free { .. } => {
            let id = id.to_string();
            opening.grants.iter().find(|grant| grant.id == id)
        }
    }
}

/// Quota, and what of it was used when the day began.
struct Stand {
    quota: Quota,
    opening: Quota,
    used: Quota,
    balance: Quota,
}

impl Stand {
    fn at_start(account: AccountId, id: GrantId<'_>, minutes: Minutes, opening: &Opening) -> Result<Self, RuleError> {
        let out_of_range = |source| RuleError::OutOfRange { account, source };
        let quota = Quota::from_minutes(minutes).map_err(out_of_range)?;
        let before = opening_of(opening, id);
        let used = before.map_or(Quota::ZERO, |grant| grant.used);
        let balance = quota.minus(used).map_err(out_of_range)?;
        if balance < Quota::ZERO {
            return Err(RuleError::Overused {
                account,
                grant: id.to_string(),
                quota,
                used,
            });
        }
        Ok(Self {
            quota,
            opening: before.map_or(Quota::ZERO, |grant| grant.opening),
            used,
            balance,
        })
    }
}

impl<'a> Grant<'a> {
    fn of_cycle(account: AccountId, cycle: FreeCycle<'_>, void: bool, opening: &Opening) -> Result<Self, RuleError> {
        let id = GrantId::Free {
            account,
            first_day: cycle.first_day,
        };
        let stand = Stand::at_start(account, id, cycle.rule.minutes, opening)?;
        Ok(Self {
            id,
            plan: None,
            apps: &[],
            scope: Scope::Account,
            ratios: Some(cycle.rule.ratios),
            purchase: None,
            valid_from: cycle.first_day,
            valid_to: cycle.last_day,
            quota: stand.quota,
            opening: stand.opening,
            used: stand.used,
            balance: stand.balance,
            invalid: void.then_some(PassedOver::Void),
            void,
            refunded: false,
        })
    }

    fn of_package(
        context: DayContext<'_>,
        account: AccountId,
        placed: &Placed<'a>,
        opening: &Opening,
    ) -> Result<Self, RuleError> {
        let package = &placed.package;
        let plan = context.book.plan(package.plan);
        let id = GrantId::Package(package.id);
        let stand = Stand::at_start(account, id, plan.minutes, opening)?;
        let serves_account = package.apps.is_empty() || context.book.is_promoted(package.plan, context.day);
        Ok(Self {
            id,
            plan: Some(package.plan),
            apps: package.apps,
            scope: if serves_account {
                Scope::Account
            } else {
                Scope::Apps(package.apps.len())
            },
            ratios: plan.ratios,
            purchase: Some(Purchase {
                at: package.purchased_at,
                on: placed.purchased_on,
            }),
            valid_from: placed.valid_from,
            valid_to: placed.valid_to,
            quota: stand.quota,
            opening: stand.opening,
            used: stand.used,
            balance: stand.balance,
            invalid: invalid(placed, context.day),
            void: placed.void_at.is_some(),
            refunded: placed.refunded_on.is_some(),
        })
    }

    /// Free minutes have no plan and no purchase and come first.
    fn order(&self) -> (bool, Scope, BillingDay, Option<Purchase>, Option<&'a str>) {
        let package = match self.id {
            GrantId::Free { .. } => None,
            GrantId::Package(id) => Some(id),
        };
        (package.is_some(), self.scope, self.valid_to, self.purchase, package)
    }

    /// What one minute of a line takes, when the grant can give at least that.
    pub(super) fn ratio_for(&self, book: &Book, app: SdkAppId, tier: TierId) -> Result<Ratio, PassedOver> {
        if let Some(reason) = self.invalid {
            return Err(reason);
        }
        let in_scope = match self.scope {
            Scope::Account => true,
            Scope::Apps(_) => self.apps.binary_search(&app).is_ok(),
        };
        if !in_scope {
            return Err(PassedOver::OutOfScope);
        }
        let ratio = self
            .ratios
            .and_then(|table| book.ratio(table, tier))
            .ok_or(PassedOver::TierNotDeductible)?;
        let balance = self.balance;
        if balance.covers(ratio) > Minutes::ZERO {
            Ok(ratio)
        } else {
            Err(PassedOver::BalanceBelowRatio { balance, ratio })
        }
    }

    /// What is left.
    pub(super) fn balance(&self) -> Quota {
        self.balance
    }

    /// What was used so far, before the first settled day too.
    pub(super) fn used(&self) -> Quota {
        self.used
    }

    /// Takes quota out; the caller knows that the balance holds it.
    pub(super) fn take(&mut self, quota: Quota) -> Result<(), OutOfRange> {
        self.used = self.used.plus(quota)?;
        self.balance = self.balance.minus(quota)?;
        assert!(self.balance >= Quota::ZERO, "a grant never gives more than it holds");
        Ok(())
    }

    /// The first that holds, with all facts known at the billing time (SPEC 4).
    fn status(&self, day: BillingDay) -> GrantStatus {
        if self.void {
            GrantStatus::Void
        } else if self.refunded {
            GrantStatus::Refunded
        } else if self.valid_to == day {
            GrantStatus::Expired
        } else if self.valid_from > day {
            GrantStatus::Queued
        } else if self.balance == Quota::ZERO {
            GrantStatus::Exhausted
        } else {
            GrantStatus::Active
        }
    }

    /// Whether it has a row on the day: purchase day <= day <= last day.
    fn is_listed(&self, day: BillingDay) -> bool {
        self.purchase.is_none_or(|purchase| purchase.on <= day) && day <= self.valid_to
    }
}

/// Why a package gives nothing on the day; the first reason that holds.
fn invalid(placed: &Placed<'_>, day: BillingDay) -> Option<PassedOver> {
    if placed.void_at.is_some() {
        return Some(PassedOver::Void);
    }
    // It covers no usage from the day of its refund on.
    if let Some(on) = placed.refunded_on.filter(|on| *on <= day) {
        return Some(PassedOver::Refunded { on });
    }
    if placed.purchased_on > day {
        return Some(PassedOver::NotYetValid {
            from: placed.valid_from,
        });
    }
    if placed.valid_from > day {
        return Some(PassedOver::Queued {
            from: placed.valid_from,
        });
    }
    (placed.valid_to < day).then_some(PassedOver::Expired { on: placed.valid_to })
}

/// Brings the grants up to what is known at the billing time: what the batch itself decided, and removals that came since
/// the batch before, change dates and status, but nothing that the grants gave.
///
/// # Errors
/// [`OutsideCalendar`] when a date leaves the calendar.
pub(super) fn restate(
    calendar: &Calendar,
    grants: &mut [Grant<'_>],
    placed: &[Placed<'_>],
    removals: &[Instant],
) -> Result<(), OutsideCalendar> {
    for grant in grants {
        let GrantId::Package(id) = grant.id else {
            for removal in removals {
                let removed_on = calendar.day_of(*removal)?;
                grant.void |= grant.valid_from <= removed_on && removed_on <= grant.valid_to;
            }
            continue;
        };
        let package = placed.iter().find(|package| package.package.id == id);
        let package = package.expect("what was placed when the day began still is");
        grant.void = package.void_at.is_some();
        grant.refunded = package.refunded_on.is_some();
        (grant.valid_from, grant.valid_to) = (package.valid_from, package.valid_to);
    }
    Ok(())
}

/// The rows of the `grants` table, sorted by id.
pub(super) fn grant_states<'a>(grants: &[Grant<'a>], day: BillingDay) -> Vec<GrantState<'a>> {
    let mut free_id = None;
    let mut states: Vec<GrantState<'a>> = Vec::with_capacity(grants.len());
    for grant in grants.iter().filter(|grant| grant.is_listed(day)) {
        if let GrantId::Free { .. } = grant.id {
            free_id = (grants.len() > 1).then(|| grant.id.to_string());
        }
        states.push(GrantState {
            grant: grant.id,
            plan: grant.plan,
            apps: grant.apps,
            valid_from: grant.valid_from,
            valid_to: grant.valid_to,
            quota: grant.quota,
            opening: grant.opening,
            used: grant.used,
            balance: grant.balance,
            status: grant.status(day),
        });
    }
    let free_id = free_id.as_deref().unwrap_or_default();
    states.sort_unstable_by_key(|state| match state.grant {
        GrantId::Free { .. } => free_id,
        GrantId::Package(id) => id,
    });
    states
}

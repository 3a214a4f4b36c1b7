//! Flags (SPEC 3.10): what enforcement systems read.

use crate::catalog::book::{Book, OnExpiry, Policy, ProductId};

use super::account_day::{AccountFacts, BillLine, DayContext};
use super::balance::terms;
use super::dunning::Standing;
use super::facts::{ExhaustedApp, Payg};
use super::grants::cycle_on;
use super::packages::Placed;
use crate::units::calendar::OutsideCalendar;
use crate::units::quantity::{BillingDay, Instant, Minutes, SdkAppId};

/// A row of `flags`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flag {
    /// The app; 0: the whole account.
    pub app: SdkAppId,
    /// The product.
    pub product: ProductId,
    /// What is the matter.
    pub kind: FlagKind,
    /// When it began.
    pub since: Instant,
    /// When the next stage comes.
    pub deadline: Option<Instant>,
    /// When rooms must be stopped at the latest.
    pub stop_rooms_by: Option<Instant>,
    /// Position of the policy in force at `since` among the product's; None: there was none yet.
    pub policy: Option<usize>,
}

/// What a flag says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FlagKind {
    /// The balance is below the credit limit.
    Overdue,
    /// Service is suspended.
    Suspended,
    /// Resources are removed.
    Removed,
    /// The account violated the terms.
    Violation,
    /// The app ran out of free minutes.
    FreeExhausted,
    /// The app's package ended.
    PackageExpired,
    /// The app was disabled by hand.
    Disabled,
}

impl FlagKind {
    /// As it stands in `flags.flag`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Overdue => "overdue",
            Self::Suspended => "suspended",
            Self::Removed => "removed",
            Self::Violation => "violation",
            Self::FreeExhausted => "free_exhausted",
            Self::PackageExpired => "package_expired",
            Self::Disabled => "disabled",
        }
    }
}

impl Flag {
    /// What enforcement does.
    pub fn actions<'b>(&self, book: &'b Book) -> &'b [String] {
        let policies = book.products.get(self.product.index()).map(|product| &product.policies);
        let policy = policies.zip(self.policy).and_then(|(policies, at)| policies.get(at));
        policy.map_or(&[], |policy| actions_of(policy, self.kind))
    }
}

fn actions_of(policy: &Policy, kind: FlagKind) -> &[String] {
    match kind {
        FlagKind::Overdue => &policy.on_overdue,
        FlagKind::Suspended | FlagKind::Violation => &policy.on_suspended,
        FlagKind::Removed => &policy.on_removed,
        FlagKind::FreeExhausted | FlagKind::PackageExpired | FlagKind::Disabled => &policy.on_stopped,
    }
}

/// What flags follow from, as it stands at the billing time, after the charges.
pub(super) struct Standpoint<'p, 'a> {
    pub context: DayContext<'p>,
    pub facts: AccountFacts<'p>,
    pub standing: Standing,
    /// The packages that are known, renewals of this batch included.
    pub placed: &'p [Placed<'a>],
    pub lines: &'p [BillLine],
}

impl Standpoint<'_, '_> {
    /// The account's flags, by (app, product, flag).
    ///
    /// # Errors
    /// [`OutsideCalendar`] when a date leaves the calendar.
    pub(super) fn flags(&self) -> Result<Vec<Flag>, OutsideCalendar> {
        let mut flags = Vec::new();
        if self.standing != Standing::Active || self.facts.account.violation_at.is_some() {
            self.account_flags(&mut flags)?;
        }
        self.free_exhausted(&mut flags)?;
        if !self.placed.is_empty() && self.facts.account.payg != Payg::On {
            self.package_expired(&mut flags)?;
        }
        if !self.facts.disabled.is_empty() {
            self.disabled(&mut flags)?;
        }
        let name = |product: ProductId| {
            self.context
                .book
                .products
                .get(product.index())
                .map(|product| &product.id)
        };
        flags.sort_by(|one, other| {
            let key = |flag: &Flag| (flag.app, name(flag.product), flag.kind.as_str());
            key(one).cmp(&key(other))
        });
        Ok(flags)
    }

    /// One per product, the account's state.
    fn account_flags(&self, flags: &mut Vec<Flag>) -> Result<(), OutsideCalendar> {
        let account = &self.facts.account;
        let billed_at = self.context.calendar.billing_instant(self.context.day)?;
        let violation = account.violation_at.filter(|at| *at <= billed_at);
        let (kind, since, deadline) = match (violation, self.standing) {
            (Some(at), _) => {
                let hours = terms(self.context.book, account).removal_days.checked_mul(24);
                let deadline = hours
                    .and_then(|hours| at.checked_add_hours(hours))
                    .ok_or(OutsideCalendar)?;
                (FlagKind::Violation, at, Some(deadline))
            }
            (None, Standing::Active) => return Ok(()),
            (None, Standing::Overdue(dates)) => (FlagKind::Overdue, dates.since, Some(dates.suspend_at)),
            (None, Standing::Suspended(dates)) => (FlagKind::Suspended, dates.suspended_at, Some(dates.remove_at)),
            (None, Standing::Removed(dates)) => (FlagKind::Removed, dates.remove_at, None),
        };
        for product in account.products {
            flags.push(self.flag(SdkAppId::ACCOUNT_WIDE, *product, kind, since, deadline)?);
        }
        Ok(())
    }

    /// Raised by a day with unbilled minutes of the app, kept until it is entitled or a new free cycle begins.
    fn free_exhausted(&self, flags: &mut Vec<Flag>) -> Result<(), OutsideCalendar> {
        let (context, opening) = (self.context, self.facts.opening);
        let unbilled = |line: &&BillLine| line.unbilled_minutes > Minutes::ZERO && line.app != SdkAppId::ACCOUNT_WIDE;
        if opening.exhausted.is_empty() && !self.lines.iter().any(|line| unbilled(&line)) {
            return Ok(());
        }
        let mut apps = opening.exhausted.clone();
        let since = context.calendar.start_of(context.day)?;
        for line in self.lines.iter().filter(unbilled) {
            let (app, product) = (line.app, context.book.item_of(line.tier).product);
            if !apps.iter().any(|raised| (raised.app, raised.product) == (app, product)) {
                apps.push(ExhaustedApp { app, product, since });
            }
        }
        let next = next_day(context.day)?;
        if cycle_on(context, self.facts, next)?.is_some_and(|cycle| cycle.first_day == next) {
            return Ok(());
        }
        for raised in apps {
            if !self.is_entitled_on(next, raised.product, raised.app) {
                flags.push(self.flag(raised.app, raised.product, FlagKind::FreeExhausted, raised.since, None)?);
            }
        }
        Ok(())
    }

    /// Whether what grants leave of an app's usage will be billed on a day, as far as is known (SPEC 3.5).
    fn is_entitled_on(&self, day: BillingDay, product: ProductId, app: SdkAppId) -> bool {
        match self.facts.account.payg {
            Payg::On => true,
            Payg::Off => false,
            Payg::Auto => self.placed.iter().any(|placed| {
                let plan = self.context.book.plan(placed.package.plan);
                plan.paid && plan.product == product && placed.is_bound_to(app) && placed.is_valid_on(day)
            }),
        }
    }

    /// An app (0 for account-wide) that had a package of a product and has none any more.
    fn package_expired(&self, flags: &mut Vec<Flag>) -> Result<(), OutsideCalendar> {
        let book = self.context.book;
        let next = next_day(self.context.day)?;
        let mut served: Vec<(SdkAppId, ProductId)> = Vec::new();
        for placed in self.placed {
            let product = book.plan(placed.package.plan).product;
            if placed.package.apps.is_empty() {
                served.push((SdkAppId::ACCOUNT_WIDE, product));
            }
            served.extend(placed.package.apps.iter().map(|app| (*app, product)));
        }
        served.sort_unstable();
        served.dedup();
        for (app, product) in served {
            let serving = || {
                self.placed
                    .iter()
                    .filter(move |placed| book.plan(placed.package.plan).product == product && placed.is_bound_to(app))
            };
            if serving().any(|placed| placed.is_valid_on(next)) {
                continue;
            }
            let mut last = None;
            for placed in serving() {
                let ended = (self.ended_on(placed)?, placed.package.purchased_at, placed.package.id);
                // One that still waits, behind a package of another product, has not ended.
                if ended.0 <= next && last.is_none_or(|(latest, _)| latest < ended) {
                    last = Some((ended, placed.package.plan));
                }
            }
            let Some(((ended_on, ..), plan)) = last else {
                continue;
            };
            if book.plan(plan).on_expiry == OnExpiry::Stop {
                let since = self.context.calendar.start_of(ended_on)?;
                flags.push(self.flag(app, product, FlagKind::PackageExpired, since, None)?);
            }
        }
        Ok(())
    }

    /// The first day on which a package is over, also when it was refunded or made void while it waited in its queue.
    fn ended_on(&self, placed: &Placed<'_>) -> Result<BillingDay, OutsideCalendar> {
        let removed_on = placed.void_at.map(|at| self.context.calendar.day_of(at)).transpose()?;
        let early = [placed.refunded_on, removed_on].into_iter().flatten();
        Ok(early.fold(placed.ends_on, BillingDay::min))
    }

    fn disabled(&self, flags: &mut Vec<Flag>) -> Result<(), OutsideCalendar> {
        let billed_at = self.context.calendar.billing_instant(self.context.day)?;
        for disabled in self
            .facts
            .disabled
            .iter()
            .filter(|disabled| disabled.since <= billed_at)
        {
            for product in self.facts.account.products {
                flags.push(self.flag(disabled.app, *product, FlagKind::Disabled, disabled.since, None)?);
            }
        }
        Ok(())
    }

    fn flag(
        &self,
        app: SdkAppId,
        product: ProductId,
        kind: FlagKind,
        since: Instant,
        deadline: Option<Instant>,
    ) -> Result<Flag, OutsideCalendar> {
        let policies = self
            .context
            .book
            .products
            .get(product.index())
            .map(|product| &product.policies);
        let policies = policies.expect("a product of the book");
        let began_on = self.context.calendar.day_of(since)?;
        let policy = policies.iter().rposition(|policy| policy.from <= began_on);
        let in_force = policy.and_then(|at| policies.get(at));
        let stops_rooms = |policy: &&Policy| actions_of(policy, kind).iter().any(|action| action == STOP_ROOMS);
        let stop_rooms_by = match in_force.filter(stops_rooms) {
            Some(policy) => {
                let by = since.checked_add_hours(policy.stop_rooms_within_hours);
                Some(by.ok_or(OutsideCalendar)?)
            }
            None => None,
        };
        Ok(Flag {
            app,
            product,
            kind,
            since,
            deadline,
            stop_rooms_by,
            policy,
        })
    }
}

/// The action whose time a policy gives.
const STOP_ROOMS: &str = "stop_rooms";

fn next_day(day: BillingDay) -> Result<BillingDay, OutsideCalendar> {
    day.checked_add_days(1).ok_or(OutsideCalendar)
}

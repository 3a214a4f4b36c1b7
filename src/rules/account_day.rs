//! One account, one day: the rules of SPEC section 3 in their order. A pure function of its arguments.

use crate::catalog::book::{Book, Cadence, ItemId, PlanId, PriceListId, TierId};

use super::balance::Balance;
use super::closing::{Closing, placed};
use super::deduction::deduct;
use super::dunning::{Standing, State, Transition};
use super::error::RuleError;
use super::facts::{
    Account, Carried, DisabledApp, Measured, Opening, Package, Payment, RefundRequest, Renewal, UsageGroup,
};
use super::flags::{Flag, Standpoint};
use super::grants::{grant_states, grants_in_order, restate};
use super::measured::measured_lines;
use super::metering::{bill_lines, line_order, portions, usage_lines};
use super::packages::with_renewals;
use super::rating::{bills, rate};
use super::recorder::Recorder;
use super::refunds::RefundDecision;
use super::subscriptions::{Breach, CreditLine, PurchaseLine, breaches, credit_lines, purchase_lines};
use crate::units::calendar::Calendar;
use crate::units::quantity::{
    AccountId, Amount, BillingDay, Cents, Instant, Minutes, Quantity, Quota, Ratio, SdkAppId, Seconds, UnitPrice,
};

/// What stays the same for all accounts of a day.
#[derive(Debug, Clone, Copy)]
pub struct DayContext<'a> {
    /// Prices, ratios and plans.
    pub book: &'a Book,
    /// The job's zone and billing time.
    pub calendar: &'a Calendar,
    /// The billing day.
    pub day: BillingDay,
    /// `deduction_period` of the job.
    pub deduction_period: DeductionPeriod,
    /// The first settled day of the ledger: payments before its start are not counted (SPEC 3.9).
    pub first_settled_day: BillingDay,
    /// The billing time of the batch before; None on the first settled day.
    pub billed_before: Option<Instant>,
    /// The day before which nobody leaves `active`.
    pub dunning_from: BillingDay,
}

/// How often grants are drawn on within a day (SPEC 3.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DeductionPeriod {
    /// Once.
    #[default]
    Day,
    /// Every five minutes of elapsed time.
    FiveMinutes,
}

impl DeductionPeriod {
    /// As it stands in jobs and commit records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::FiveMinutes => "5min",
        }
    }

    /// What [`Self::as_str`] writes, read; None for any other text.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Day, Self::FiveMinutes]
            .into_iter()
            .find(|period| period.as_str() == text)
    }
}

/// What is known of the account. Facts after the day's billing time may be in it: the rules pass them over.
#[derive(Debug, Clone, Copy)]
pub struct AccountFacts<'a> {
    /// The account; registered at or before the day's billing time.
    pub account: Account<'a>,
    /// Its packages, in any order.
    pub packages: &'a [Package<'a>],
    /// Its payments, in any order.
    pub payments: &'a [Payment],
    /// Its refund requests, in any order.
    pub requests: &'a [RefundRequest<'a>],
    /// Its disabled apps, in any order.
    pub disabled: &'a [DisabledApp],
    /// Its usage of the day, sorted by (app, tier, period), one group per key.
    pub usage: &'a [UsageGroup],
    /// What the day bills of items that are no durations, sorted by (app, tier), one figure per key.
    pub measured: &'a [Measured],
    /// Where it stood.
    pub opening: &'a Opening,
}

/// What one account's day adds to the ledger. Lists are in deduction order: app, then catalog order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountDay<'a> {
    /// Usage by app and tier, summed over the periods.
    pub usage: Vec<UsageLine>,
    /// Bill lines of the catalog's items; those of the whole account (app 0) last.
    pub lines: Vec<BillLine>,
    /// Bill lines of the item `package`, by (app, plan).
    pub purchases: Vec<PurchaseLine>,
    /// Bill lines of the item `refund`, by package.
    pub credits: Vec<CreditLine<'a>>,
    /// Bills, in item order, then `package` and `refund`.
    pub bills: Vec<Bill>,
    /// What grants gave, line by line, in the order in which the grants served it.
    pub deductions: Vec<Deduction<'a>>,
    /// The grants after the day, sorted by id.
    pub grants: Vec<GrantState<'a>>,
    /// The balance after the day.
    pub balance: BalanceState,
    /// What the balance has made of the account, beneath a violation.
    pub standing: Standing,
    /// When the account violated the terms, if it is known to have.
    pub violation_since: Option<Instant>,
    /// How it came to that since the batch before, in time order.
    pub transitions: Vec<Transition>,
    /// The flags, by (app, product, flag).
    pub flags: Vec<Flag>,
    /// Refund requests that this batch decides, in the order in which it does.
    pub refunds: Vec<RefundDecision<'a>>,
    /// Packages that this batch renews, in the order in which it does.
    pub renewals: Vec<Renewal>,
    /// Purchases of the day that the plan does not allow; they are billed all the same.
    pub breaches: Vec<Breach<'a>>,
    /// What later batches need to know.
    pub carried: Carried,
}

impl AccountDay<'_> {
    /// The state that `accounts` shows.
    pub fn state(&self) -> State {
        match self.violation_since {
            Some(_) => State::Violation,
            None => self.standing.state(),
        }
    }
}

/// A row of `usage_daily`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UsageLine {
    /// The app, never 0.
    pub app: SdkAppId,
    /// Item and tier.
    pub tier: TierId,
    /// Sum of seconds.
    pub seconds: Seconds,
    /// Number of usage rows.
    pub rows: i64,
}

/// A row of `bill_lines`. minutes = free + package + payg + unbilled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BillLine {
    /// The app, or 0 for account-rounded items.
    pub app: SdkAppId,
    /// Item and tier.
    pub tier: TierId,
    /// Seconds metered.
    pub seconds: Seconds,
    /// Minutes, rounded up.
    pub minutes: Minutes,
    /// Covered by free minutes.
    pub free_minutes: Minutes,
    /// Covered by packages.
    pub package_minutes: Minutes,
    /// Priced.
    pub payg_minutes: Minutes,
    /// Neither covered nor priced.
    pub unbilled_minutes: Minutes,
    /// What is priced; for durations the payg minutes.
    pub quantity: Quantity,
    /// Price of one `per`; 0 where the tier has no price.
    pub unit_price: UnitPrice,
    /// The list that gave the price; None where the tier has no price.
    pub price_list: Option<PriceListId>,
    /// quantity x unit_price / per, exact.
    pub amount: Amount,
}

/// What a bill is for: an item of the catalog, or one of the two that every catalog has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum BilledItem {
    /// An item of the catalog. Its kind gives the unit of its lines, its cadence the bill's period.
    Usage(ItemId),
    /// `package`: purchases and renewals, by the day.
    Package,
    /// `refund`: what is given back for packages, by the day.
    Refund,
}

impl BilledItem {
    /// As it stands in the column `item`.
    pub fn name(self, book: &Book) -> &str {
        match self {
            Self::Usage(item) => book.items.get(item.index()).map_or("", |item| &item.id),
            Self::Package => "package",
            Self::Refund => "refund",
        }
    }

    /// Billed by the day, or by the month with the batch of its last day.
    pub fn cadence(self, book: &Book) -> Cadence {
        match self {
            Self::Usage(item) => book.items.get(item.index()).map_or(Cadence::Daily, |item| item.cadence),
            Self::Package | Self::Refund => Cadence::Daily,
        }
    }
}

/// A row of `bills`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bill {
    /// The item.
    pub item: BilledItem,
    /// Sum of its lines.
    pub exact: Amount,
    /// The same in cents, rounded half away from zero.
    pub amount: Cents,
}

/// A row of `deductions`: what one grant gave to one line over the day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deduction<'a> {
    /// The line's app.
    pub app: SdkAppId,
    /// The line's item and tier.
    pub tier: TierId,
    /// The grant.
    pub grant: GrantId<'a>,
    /// Usage minutes covered.
    pub minutes: Minutes,
    /// Quota minutes per usage minute.
    pub ratio: Ratio,
    /// minutes x ratio.
    pub quota: Quota,
}

/// The identity of a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrantId<'a> {
    /// A cycle of free minutes, written `free:<account_id>:<first day>`.
    Free {
        /// The account.
        account: AccountId,
        /// First day of the cycle.
        first_day: BillingDay,
    },
    /// A package, by its id.
    Package(&'a str),
}

impl GrantId<'_> {
    /// `free` or `package`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Free { .. } => "free",
            Self::Package(_) => "package",
        }
    }
}

impl std::fmt::Display for GrantId<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Free { account, first_day } => write!(f, "free:{account}:{first_day}"),
            Self::Package(id) => f.write_str(id),
        }
    }
}

/// A row of `grants`. quota = used + balance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantState<'a> {
    /// The grant.
    pub grant: GrantId<'a>,
    /// The plan; None for free minutes.
    pub plan: Option<PlanId>,
    /// The apps it is bound to; empty: account-wide.
    pub apps: &'a [SdkAppId],
    /// First day, as the queue sets it.
    pub valid_from: BillingDay,
    /// Last day, not shortened by a refund.
    pub valid_to: BillingDay,
    /// What it gave at first.
    pub quota: Quota,
    /// Used before the first settled day.
    pub opening: Quota,
    /// Used so far, `opening` included.
    pub used: Quota,
    /// What is left.
    pub balance: Quota,
    /// How it stands with all facts known at the billing time.
    pub status: GrantStatus,
}

/// How a grant stands after a day; the first that holds, in this order (SPEC 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum GrantStatus {
    /// Void for good since a removal.
    Void,
    /// Refunded at or before the billing time.
    Refunded,
    /// The day was its last.
    Expired,
    /// It starts later.
    Queued,
    /// Nothing is left.
    Exhausted,
    /// None of these.
    Active,
}

impl GrantStatus {
    /// As it stands in the `grants` table.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Void => "void",
            Self::Refunded => "refunded",
            Self::Expired => "expired",
            Self::Queued => "queued",
            Self::Exhausted => "exhausted",
            Self::Active => "active",
        }
    }
}

/// The money columns of a row of `accounts`. closing = opening + paid - charged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BalanceState {
    /// Closing balance of the batch before.
    pub opening: Cents,
    /// Payments counted by this batch.
    pub paid: Cents,
    /// Sum of the batch's bills.
    pub charged: Cents,
    /// The balance after the charges.
    pub closing: Cents,
    /// All payments counted so far.
    pub paid_total: Cents,
}

/// Packages that ended more than this many days before are not even mentioned to a recorder.
const RECORDED_DAYS_AFTER_END: i64 = 31;

/// Settles one account's day.
///
/// Facts later than the day's billing time are passed over. With a recorder, every grant that was passed
/// over for a line is told, with the reason, and what became of the minutes that grants left; without one that costs
/// nothing. Told are, in deduction order
/// and until the line's minutes are placed, the current free cycle and every package bought by the billing
/// time that had not ended more than 31 days before the day.
///
/// # Errors
/// [`RuleError`] when a tier that must be priced has no price, more was used of a grant than it holds, or
/// a number leaves its range.
pub fn settle_account_day<'a>(
    context: DayContext<'_>,
    facts: AccountFacts<'a>,
    mut recorder: Option<&mut dyn Recorder>,
) -> Result<AccountDay<'a>, RuleError> {
    let (book, day, account) = (context.book, context.day, facts.account.id);
    let out_of_range = |source| RuleError::OutOfRange { account, source };

    let usage = usage_lines(facts.usage).map_err(out_of_range)?;
    let mut lines = bill_lines(book, &usage).map_err(out_of_range)?;
    let portions = portions(book, context.deduction_period, facts.usage, &lines).map_err(out_of_range)?;

    let outside = |source| RuleError::OutsideCalendar { account, source };
    let packages = with_renewals(facts.packages, &facts.opening.carried.renewals);
    let placed = placed(context, &packages, &facts.opening.carried).map_err(outside)?;
    let ended_since = match recorder {
        Some(_) => day.checked_add_days(-RECORDED_DAYS_AFTER_END).unwrap_or(day),
        None => day,
    };
    let mut grants = grants_in_order(context, facts, &placed, ended_since)?;
    let deductions = deduct(book, &portions, &mut lines, &mut grants, &mut recorder).map_err(out_of_range)?;
    rate(context, &facts.account, &grants, &mut lines, &mut recorder)?;

    let balance = Balance::before_charges(context, &facts.account, facts.payments, facts.opening)?;
    let mut closing = Closing::new(context, facts, &packages, placed)?;
    closing.remove(balance.course())?;
    closing.refund(&grants)?;
    lines.extend(measured_lines(context, facts, &closing.placed)?);
    lines.sort_by_key(|line| line_order(line.app, line.tier));
    let purchases = purchase_lines(book, &closing.placed, day).map_err(out_of_range)?;
    let credits = credit_lines(context.calendar, &closing.placed, &closing.refunds, day);
    let credits = credits.map_err(|excess| excess.of(account))?;
    let bills = bills(book, &lines, &purchases, &credits).map_err(out_of_range)?;
    let (balance, course) = balance.charge(&bills)?;
    closing.remove(&course)?;
    restate(
        context.calendar,
        &mut grants,
        &closing.placed,
        &closing.carried.removals,
    )
    .map_err(outside)?;
    let grants = grant_states(&grants, day);
    closing.renew(course.standing(), balance.closing)?;
    let flags = Standpoint {
        context,
        facts,
        standing: course.standing(),
        placed: &closing.placed_at_last().map_err(outside)?,
        lines: &lines,
    };
    Ok(AccountDay {
        flags: flags.flags().map_err(outside)?,
        breaches: breaches(book, &closing.placed, &facts.opening.carried, day),
        usage,
        lines,
        purchases,
        credits,
        bills,
        deductions,
        grants,
        balance,
        standing: course.standing(),
        violation_since: closing.violation_since,
        transitions: course.into_transitions(),
        refunds: closing.refunds,
        renewals: closing.renewals,
        carried: closing.carried,
    })
}

//! Subscriptions (SPEC 3.8): purchases and refunds on bills, limits of plans, renewals.

use crate::catalog::book::{Book, PlanId};

use super::error::Excess;
use super::facts::{Carried, Package, Renewal};
use super::packages::{Placed, share_queue};
use super::refunds::RefundDecision;
use crate::units::calendar::{Calendar, OutsideCalendar};
use crate::units::quantity::{Amount, BillingDay, Cents, Instant, OutOfRange, Quantity, SdkAppId, UnitPrice};

/// A row of `bill_lines` of the item `package`: packages of one plan bought on the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PurchaseLine {
    /// The app that they are bound to, when it is exactly one, else 0.
    pub app: SdkAppId,
    /// The plan, which stands as the tier.
    pub plan: PlanId,
    /// How many.
    pub quantity: Quantity,
    /// The plan's price.
    pub unit_price: UnitPrice,
    /// quantity x unit_price, exact.
    pub amount: Amount,
}

/// A row of `bill_lines` of the item `refund`: quantity -1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CreditLine<'a> {
    /// The app that the package is bound to, when it is exactly one, else 0.
    pub app: SdkAppId,
    /// The package, which stands as the tier.
    pub package: &'a str,
    /// What is given back.
    pub unit_price: UnitPrice,
    /// -unit_price, exact.
    pub amount: Amount,
}

impl CreditLine<'_> {
    /// The quantity of every such line.
    pub const QUANTITY: Quantity = Quantity::from_units(-1_000_000);
}

/// A purchase that its plan does not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Breach<'a> {
    /// The package.
    pub package: &'a str,
    /// The plan.
    pub plan: PlanId,
    /// What it breaks.
    pub limit: Limit,
}

/// What a plan says about who may buy it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// `max_purchases`: so many by the account.
    MaxPurchases(u32),
    /// `new_customers_of`: the account has bought one of those plans before.
    NewCustomers,
}

/// The app that stands on a package's lines: its only one, else 0.
fn app_of(package: &Package<'_>) -> SdkAppId {
    match package.apps {
        [app] => *app,
        _ => SdkAppId::ACCOUNT_WIDE,
    }
}

/// What an account pays for a package: nothing for a gift, or for a plan without a price.
fn price_of(book: &Book, package: &Package<'_>) -> Option<Cents> {
    if package.gift {
        None
    } else {
        book.plan(package.plan).price
    }
}

/// The lines of packages bought on the day, by (app, plan).
///
/// # Errors
/// [`OutOfRange`] when an amount does not fit.
pub(super) fn purchase_lines(
    book: &Book,
    placed: &[Placed<'_>],
    day: BillingDay,
) -> Result<Vec<PurchaseLine>, OutOfRange> {
    let mut lines: Vec<PurchaseLine> = Vec::new();
    for bought in placed.iter().filter(|package| package.purchased_on == day) {
        let Some(price) = price_of(book, &bought.package) else {
            continue;
        };
        let (app, plan) = (app_of(&bought.package), bought.package.plan);
        let one = Quantity::from_whole(1)?;
        match lines.binary_search_by_key(&(app, plan), |line| (line.app, line.plan)) {
            Ok(found) => {
                let line = lines.get_mut(found).expect("just found");
                line.quantity = line.quantity.plus(one)?;
            }
            Err(place) => lines.insert(
                place,
                PurchaseLine {
                    app,
                    plan,
                    quantity: one,
                    unit_price: price.to_unit_price()?,
                    amount: Amount::ZERO,
                },
            ),
        }
    }
    for line in &mut lines {
        line.amount = Amount::of(line.quantity, line.unit_price, 1)?;
    }
    Ok(lines)
}

/// The lines of refunds, by package: those that this batch approved, and those made outside on the day.
///
/// # Errors
/// [`Excess`] when an amount does not fit or a date leaves the calendar.
pub(super) fn credit_lines<'a>(
    calendar: &Calendar,
    placed: &[Placed<'a>],
    refunds: &[RefundDecision<'a>],
    day: BillingDay,
) -> Result<Vec<CreditLine<'a>>, Excess> {
    let mut lines: Vec<CreditLine<'a>> = Vec::new();
    for package in placed.iter().map(|placed| placed.package) {
        let approved = refunds
            .iter()
            .find(|refund| refund.request.package == package.id)
            .and_then(|refund| refund.outcome.ok());
        let outside = match package.refunded_at {
            Some(at) if calendar.day_of(at)? == day => Some(package.refunded_amount),
            _ => None,
        };
        for given in approved.into_iter().chain(outside) {
            let unit_price = given.to_unit_price()?;
            lines.push(CreditLine {
                app: app_of(&package),
                package: package.id,
                unit_price,
                amount: Amount::of(CreditLine::QUANTITY, unit_price, 1)?,
            });
        }
    }
    lines.sort_unstable_by_key(|line| line.package);
    Ok(lines)
}

/// What the account has bought: its purchases without gifts, in order of (`purchased_at`, id), and how often nightbill
/// has renewed one of each chain. The last renewal of a chain says how many there were.
struct Purchases<'p, 'a> {
    book: &'p Book,
    placed: &'p [Placed<'a>],
    carried: &'p Carried,
}

impl<'a> Purchases<'_, 'a> {
    /// How many of a plan.
    fn count(&self, plan: PlanId, counts: impl Fn(&Package<'a>) -> bool) -> u64 {
        let bought = self
            .first_purchases()
            .filter(|package| package.plan == plan && counts(package));
        let renewed = self.carried.renewals.iter();
        let renewed = renewed.filter(|renewal| renewal.plan == plan && is_last(renewal, &self.carried.renewals));
        let renewals: u64 = renewed.map(|renewal| u64::from(renewal.first_and_number().1)).sum();
        length(bought.count()).saturating_add(renewals)
    }

    /// Whether the account has bought one of the plans whose buyers may not buy this one.
    fn is_old_customer(&self, plan: PlanId, counts: impl Fn(&Package<'a>) -> bool) -> bool {
        let excluded = &self.book.plan(plan).new_customers_of;
        !excluded.is_empty()
            && self
                .first_purchases()
                .any(|package| excluded.contains(&package.plan) && counts(package))
    }

    /// Purchases that are neither gifts nor renewals.
    fn first_purchases(&self) -> impl Iterator<Item = &Package<'a>> {
        let packages = self.placed.iter().map(|placed| &placed.package);
        packages.filter(|package| !package.gift && !self.is_renewal(package))
    }

    fn is_renewal(&self, package: &Package<'_>) -> bool {
        self.carried.renewals.iter().any(|renewal| renewal.id == package.id)
    }
}

fn length(length: usize) -> u64 {
    u64::try_from(length).expect("a length fits 64 bits")
}

/// The order in which packages are bought.
fn order<'a>(package: &Package<'a>) -> (Instant, &'a str) {
    (package.purchased_at, package.id)
}

/// Whether a renewal is the last of its chain.
fn is_last(renewal: &Renewal, all: &[Renewal]) -> bool {
    let (first, number) = renewal.first_and_number();
    !all.iter()
        .map(Renewal::first_and_number)
        .any(|(other, later)| other == first && later > number)
}

/// Purchases of the day that their plans do not allow: billed all the same, and warned of.
pub(super) fn breaches<'a>(book: &Book, placed: &[Placed<'a>], carried: &Carried, day: BillingDay) -> Vec<Breach<'a>> {
    let purchases = Purchases { book, placed, carried };
    let mut breaches = Vec::new();
    for bought in placed
        .iter()
        .filter(|placed| placed.purchased_on == day && !placed.package.gift)
    {
        let package = &bought.package;
        if purchases.is_renewal(package) {
            continue;
        }
        let mut add = |limit| {
            breaches.push(Breach {
                package: package.id,
                plan: package.plan,
                limit,
            });
        };
        let so_far = |other: &Package<'_>| order(other) <= order(package);
        if let Some(most) = book.plan(package.plan).max_purchases
            && purchases.count(package.plan, so_far) > u64::from(most)
        {
            add(Limit::MaxPurchases(most));
        }
        if purchases.is_old_customer(package.plan, so_far) {
            add(Limit::NewCustomers);
        }
    }
    breaches
}

/// What renewing asks for.
#[derive(Clone, Copy)]
pub(super) struct Renewing<'p, 'a> {
    pub book: &'p Book,
    pub calendar: &'p Calendar,
    pub day: BillingDay,
    /// The packages that are known, with what this batch decided on them.
    pub placed: &'p [Placed<'a>],
    pub carried: &'p Carried,
    /// Closing balance and credit limit.
    pub funds: Cents,
}

/// The packages that the batch of `day` renews, in order of (`purchased_at`, id), as far as the funds go.
///
/// # Errors
/// [`Excess`] when a sum or a date leaves its range.
pub(super) fn renew(renewing: Renewing<'_, '_>) -> Result<Vec<Renewal>, Excess> {
    let mut renewals: Vec<Renewal> = Vec::new();
    let mut funds = renewing.funds;
    for placed in renewing.placed.iter().filter(|placed| is_due(&renewing, placed)) {
        let package = &placed.package;
        let Some(price) = price_of(renewing.book, package) else {
            continue;
        };
        if funds < price || !is_allowed(&renewing, package.plan, &renewals) {
            continue;
        }
        funds = funds.minus(price)?;
        let next = renewing.day.checked_add_days(1).ok_or(OutsideCalendar)?;
        renewals.push(Renewal {
            id: next_id(package.id, &renewing.carried.renewals),
            apps: package.apps.to_vec(),
            plan: package.plan,
            // Decision: it begins the day after the last valid day, not on the guide's April 2.
            purchased_at: renewing.calendar.start_of(next)?,
        });
    }
    Ok(renewals)
}

/// Whether a package is over after the day and nothing follows it in its queue.
fn is_due(renewing: &Renewing<'_, '_>, placed: &Placed<'_>) -> bool {
    let package = &placed.package;
    let stands = |placed: &Placed<'_>| placed.refunded_on.is_none() && placed.void_at.is_none();
    let follows = |other: &Placed<'_>| {
        stands(other) && order(&other.package) > order(package) && share_queue(renewing.book, &other.package, package)
    };
    package.auto_renew
        && !package.gift
        && placed.valid_to == renewing.day
        && stands(placed)
        && !renewing.placed.iter().any(follows)
}

/// A renewal is a purchase: one that its plan would not allow is not made.
fn is_allowed(renewing: &Renewing<'_, '_>, plan: PlanId, made: &[Renewal]) -> bool {
    let rules = renewing.book.plan(plan);
    if rules.max_purchases.is_none() && rules.new_customers_of.is_empty() {
        return true;
    }
    let purchases = Purchases {
        book: renewing.book,
        placed: renewing.placed,
        carried: renewing.carried,
    };
    let now = length(made.iter().filter(|renewal| renewal.plan == plan).count());
    let count = purchases.count(plan, |_| true).saturating_add(now);
    rules.max_purchases.is_none_or(|most| count < u64::from(most)) && !purchases.is_old_customer(plan, |_| true)
}

/// `<first id>+<n>`.
fn next_id(id: &str, renewals: &[Renewal]) -> String {
    let renewal = renewals.iter().find(|renewal| renewal.id == id);
    let (first, number) = renewal.map_or((id, 0), Renewal::first_and_number);
    let number = number.checked_add(1).expect("months since 1970 fit 32 bits");
    format!("{first}+{number}")
}

/// The renewals that later batches need: those that had not ended more than so many days before, for refunds, explanations
/// and months that are not billed yet, and the last of each chain, which says how many there were.
pub(super) fn still_needed(carried: &mut Carried, placed: &[Placed<'_>], day: BillingDay) {
    const DAYS_AFTER_END: i64 = 62;
    let Some(since) = day.checked_add_days(-DAYS_AFTER_END) else {
        return;
    };
    let ended_long_ago = |renewal: &Renewal| {
        placed
            .iter()
            .any(|placed| placed.package.id == renewal.id && placed.valid_to < since)
    };
    if !carried.renewals.iter().any(ended_long_ago) {
        return;
    }
    let all = carried.renewals.clone();
    carried
        .renewals
        .retain(|renewal| !ended_long_ago(renewal) || is_last(renewal, &all));
}

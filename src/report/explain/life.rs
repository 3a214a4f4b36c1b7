//! What changes over time: packages bought and given back, the account's state, flags, renewals.

use crate::report::numbers::counted;
use crate::rules::facts::{Package, Renewal};
use crate::rules::refunds::{RefundDecision, Refusal};
use crate::rules::subscriptions::{Breach, CreditLine, Limit, PurchaseLine};
use crate::units::quantity::{Cents, Instant, SdkAppId};

use super::error::ExplainError;
use super::life_story::{
    BoughtStory, ChangeStory, DecisionStory, FlagStory, Moment, PurchaseStory, RefundStory, RenewalStory, StandingStory,
};
use super::recompute::Computed;

impl<'a> Computed<'a> {
    /// A package, bought or renewed.
    pub(super) fn package(&self, id: &str) -> Option<Package<'a>> {
        let bought = self.past.packages.iter().find(|package| package.id == id).copied();
        bought.or_else(|| self.renewals().find(|package| package.id == id))
    }

    /// What the ledger renewed, before and by the day's batch.
    fn renewals(&self) -> impl Iterator<Item = Package<'a>> {
        let renewals = self.past.opening.carried.renewals.iter().chain(&self.day.renewals);
        renewals.map(|renewal| renewal.as_package(true))
    }

    fn moment(&self, at: Instant) -> Moment {
        let format = match at.micros().rem_euclid(60_000_000) {
            0 => "%Y-%m-%d %H:%M",
            rest if rest % 1_000_000 == 0 => "%Y-%m-%d %H:%M:%S",
            _ => "%Y-%m-%d %H:%M:%S%.6f",
        };
        Moment {
            utc: at,
            local: self.batch.local(at, format),
        }
    }
}

/// Packages of one plan, bought or renewed on the day.
pub(super) fn purchase(computed: &Computed<'_>, line: &PurchaseLine) -> Result<PurchaseStory, ExplainError> {
    let plan = computed.batch.book.plan(line.plan);
    let mut packages: Vec<Package<'_>> = Vec::new();
    for package in computed.past.packages.iter().copied().chain(computed.renewals()) {
        let app = match package.apps {
            [app] => *app,
            _ => SdkAppId::ACCOUNT_WIDE,
        };
        let bought_on = computed.batch.calendar.day_of(package.purchased_at)?;
        let is_of_line = (app, package.plan) == (line.app, line.plan) && !package.gift;
        if is_of_line && bought_on == computed.batch.id.day {
            packages.push(package);
        }
    }
    packages.sort_unstable_by_key(|package| (package.purchased_at, package.id));
    Ok(PurchaseStory {
        plan: plan.id.clone(),
        price: plan.price.unwrap_or_default(),
        packages: packages.into_iter().map(|package| bought(computed, package)).collect(),
    })
}

fn bought(computed: &Computed<'_>, package: Package<'_>) -> BoughtStory {
    let breaches = computed
        .day
        .breaches
        .iter()
        .filter(|breach| breach.package == package.id);
    BoughtStory {
        package: package.id.to_owned(),
        purchased_at: computed.moment(package.purchased_at),
        apps: package.apps.to_vec(),
        renewed: computed.past.packages.iter().all(|known| known.id != package.id),
        breaches: breaches.map(|breach| breach_words(computed, breach)).collect(),
    }
}

fn breach_words(computed: &Computed<'_>, breach: &Breach<'_>) -> String {
    let plan = computed.batch.book.plan(breach.plan);
    match breach.limit {
        Limit::MaxPurchases(most) => format!("{} may be bought {} at most", plan.id, counted(most, "time", "times")),
        Limit::NewCustomers => format!("{} is for those who never bought a plan of its kind", plan.id),
    }
}

/// A package that was given back.
pub(super) fn refund(computed: &Computed<'_>, line: &CreditLine<'_>) -> RefundStory {
    let package = computed
        .package(line.package)
        .expect("the line is made from the package");
    let plan = computed.batch.book.plan(package.plan);
    let decision = computed
        .day
        .refunds
        .iter()
        .find(|refund| refund.request.package == package.id);
    let approved = decision.and_then(|decision| Some((decision, decision.outcome.ok()?)));
    let (way, at, formula) = match approved {
        Some((decision, amount)) => {
            let way = if decision.share.is_some() { "prorated" } else { "full" };
            (
                way,
                decision.request.requested_at,
                refund_formula(plan.price, decision, amount),
            )
        }
        None => (
            "outside",
            package
                .refunded_at
                .expect("what was not approved was given back outside"),
            format!("{}, the refunded_amount of the package", package.refunded_amount),
        ),
    };
    let share = approved.and_then(|(decision, _)| decision.share);
    RefundStory {
        package: package.id.to_owned(),
        plan: plan.id.clone(),
        apps: package.apps.to_vec(),
        price: plan.price,
        way,
        purchased_at: computed.moment(package.purchased_at),
        refunded_at: computed.moment(at),
        validity_days: share.map(|share| share.validity_days),
        days_held: share.map(|share| share.days_held),
        formula,
    }
}

/// `[R]`: "499 x (31-5) / 31 = 418.51".
fn refund_formula(price: Option<Cents>, decision: &RefundDecision<'_>, amount: Cents) -> String {
    match decision.share {
        Some(share) => format!(
            "{} x ({} - {}) / {} = {amount}, rounded down",
            price.unwrap_or_default(),
            share.validity_days,
            share.days_held,
            share.validity_days
        ),
        None => format!("{amount}, the whole price"),
    }
}

/// The account at the billing time.
pub(super) fn standing(computed: &Computed<'_>) -> Result<StandingStory, ExplainError> {
    let day = computed.day;
    let moment = |at: Instant| computed.moment(at);
    let (overdue, suspended) = (day.standing.overdue(), day.standing.suspended());
    let mut changes: Vec<ChangeStory> = day
        .transitions
        .iter()
        .map(|transition| ChangeStory {
            at: moment(transition.at),
            state: transition.to.state().as_str(),
            balance: transition.balance,
        })
        .collect();
    changes.sort_by_key(|change| change.at.utc);
    let credit_limit = computed.past.account().credit_limit;
    Ok(StandingStory {
        state: day.state().as_str(),
        overdue_since: overdue.map(|dates| moment(dates.since)),
        suspend_at: overdue.map(|dates| moment(dates.suspend_at)),
        suspended_at: suspended.map(|dates| moment(dates.suspended_at)),
        remove_at: suspended.map(|dates| moment(dates.remove_at)),
        violation_since: day.violation_since.map(moment),
        arrears: day.standing.arrears(day.balance.closing, credit_limit)?,
        changes,
    })
}

/// What enforcement reads after the day.
pub(super) fn flags(computed: &Computed<'_>) -> Vec<FlagStory> {
    let book = &computed.batch.book;
    let flags = computed.day.flags.iter();
    flags
        .map(|flag| FlagStory {
            app: flag.app,
            product: book.products[flag.product.index()].id.clone(),
            flag: flag.kind.as_str(),
            since: computed.moment(flag.since),
            deadline: flag.deadline.map(|at| computed.moment(at)),
            stop_rooms_by: flag.stop_rooms_by.map(|at| computed.moment(at)),
            actions: flag.actions(book).to_vec(),
        })
        .collect()
}

/// What the batch decided on requests.
pub(super) fn decisions(computed: &Computed<'_>) -> Vec<DecisionStory> {
    let decided = computed.day.refunds.iter();
    decided
        .map(|refund| DecisionStory {
            package: refund.request.package.to_owned(),
            requested_at: computed.moment(refund.request.requested_at),
            approved: refund.outcome.is_ok(),
            amount: refund.outcome.unwrap_or_default(),
            reason: refund.outcome.err().map(Refusal::as_str),
            because: match refund.outcome {
                Ok(amount) => {
                    let package = computed.package(refund.request.package);
                    let price = package.and_then(|package| computed.batch.book.plan(package.plan).price);
                    refund_formula(price, refund, amount)
                }
                Err(refusal) => refused(refusal).to_owned(),
            },
        })
        .collect()
}

fn refused(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::NotBilledHere => "it was bought before the first settled day",
        Refusal::NotPurchased => "it was not bought yet when its refund was asked for",
        Refusal::Gift => "it was a gift",
        Refusal::Violation => "the account has violated the terms",
        Refusal::AlreadyRefunded => "it was refunded before",
        Refusal::Void => "it is void since the account's removal",
        Refusal::NotRefundable => "its plan gives nothing back",
        Refusal::TooLate => "it was bought more than 5 x 24 hours before",
        Refusal::Used => "minutes of it are used",
        Refusal::OneAtATime => "another package of the account is refunded by this batch",
    }
}

/// What the batch renewed.
pub(super) fn renewals(computed: &Computed<'_>) -> Vec<RenewalStory> {
    let story = |renewal: &Renewal| {
        let plan = computed.batch.book.plan(renewal.plan);
        RenewalStory {
            package: renewal.id.clone(),
            plan: plan.id.clone(),
            apps: renewal.apps.clone(),
            purchased_at: computed.moment(renewal.purchased_at),
            price: plan.price.unwrap_or_default(),
        }
    };
    computed.day.renewals.iter().map(story).collect()
}

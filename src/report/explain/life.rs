//! What changes over time: packages bought and given back, what was measured, the account's state, flags, renewals.

use crate::catalog::book::{Cadence, Item, ItemKind, TierId};
use crate::report::numbers::{counted, plain, thousands};
use crate::rules::account_day::BillLine;
use crate::rules::facts::{Package, Renewal};
use crate::rules::measured::period_of;
use crate::rules::quantity::{Cents, Instant, Quantity, SdkAppId};
use crate::rules::refunds::{RefundDecision, Refusal};
use crate::rules::subscriptions::{Breach, CreditLine, Limit, PurchaseLine};

use super::error::ExplainError;
use super::life_story::{
    BoughtStory, ChangeStory, DecisionStory, FlagStory, MeasuredStory, Moment, PurchaseStory, RefundStory,
    RenewalStory, StandingStory,
};
use super::recompute::Computed;

/// Units of a quantity of one.
const MILLION: i64 = 1_000_000;

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
            package.refunded_amount.to_string(),
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

/// What the posted quantity tells of a peak, a count or distinct users; their figures are not in the ledger.
pub(super) fn measured(computed: &Computed<'_>, line: &BillLine) -> MeasuredStory {
    let item = computed.batch.book.item_of(line.tier);
    let (from, to) = period_of(item, computed.batch.id.day);
    let period = match item.cadence {
        Cadence::Daily => "day",
        Cadence::Monthly => "month",
    };
    let told = Told::of(item, line.tier, line.quantity, period);
    MeasuredStory {
        kind: told.kind,
        from,
        to,
        at_least: told.at_least,
        at_most: told.at_most,
        free: told.free,
        rule: told.rule,
        figure: told.figure,
    }
}

/// The part of the story that the item's kind decides.
struct Told {
    kind: &'static str,
    at_least: String,
    at_most: Option<String>,
    free: Option<String>,
    rule: String,
    figure: String,
}

impl Told {
    fn of(item: &Item, tier: TierId, quantity: Quantity, period: &str) -> Self {
        match &item.kind {
            ItemKind::Peak {
                interval_seconds,
                free_if_at_most,
            } => {
                let free = free_if_at_most.iter().find(|(free, _)| *free == tier);
                Self::peak(*interval_seconds, free.map(|(_, most)| *most), quantity, period)
            }
            ItemKind::Count {
                free_quantity,
                round_up_to,
            } => Self::count(*free_quantity, *round_up_to, quantity, period),
            ItemKind::Unique => Self::unique(quantity, period),
            ItemKind::Duration => unreachable!("durations are metered, not measured"),
        }
    }

    /// `[T]` relay: what "does not exceed 100 Mbps" costs nothing; above it all of it is charged.
    fn peak(interval_seconds: i64, free: Option<Quantity>, quantity: Quantity, period: &str) -> Self {
        let bare = |quantity: Quantity| plain(&quantity.to_string());
        let rule = format!(
            "the {period}'s largest sum over all tasks in an interval of {interval_seconds} s, in Mbps{}",
            free.map_or_else(String::new, |most| format!(
                "; up to and including {} Mbps cost nothing, above them all are charged",
                bare(most)
            ))
        );
        let is_free = quantity == Quantity::ZERO;
        let (at_least, at_most, figure) = match free {
            Some(most) if is_free => (
                "0".to_owned(),
                bare(most),
                format!(
                    "a peak of at most {} Mbps; the ledger does not keep how high it was",
                    bare(most)
                ),
            ),
            _ => (
                bare(quantity),
                bare(quantity),
                format!(
                    "a peak of {} Mbps; the ledger does not keep when it was",
                    bare(quantity)
                ),
            ),
        };
        Self {
            kind: "peak",
            at_least,
            at_most: Some(at_most),
            free: free.map(bare),
            rule,
            figure,
        }
    }

    /// `[T]` screenshots: above the free ones, rounded up.
    fn count(free: i64, round_up_to: i64, quantity: Quantity, period: &str) -> Self {
        let charged = quantity.units() / MILLION;
        let most = charged.saturating_add(free);
        let least = match charged {
            0 => 0,
            _ => most.saturating_sub(round_up_to).saturating_add(1),
        };
        let between = match (charged, least == most) {
            (0, _) => format!("at most {}", thousands(most)),
            (_, true) => format!("exactly {}", thousands(most)),
            (_, false) => format!("from {} to {}", thousands(least), thousands(most)),
        };
        Self {
            kind: "count",
            at_least: least.to_string(),
            at_most: Some(most.to_string()),
            free: Some(free.to_string()),
            rule: format!(
                "all that was counted in the {period}, less {} that are free, rounded up to {}",
                thousands(free),
                thousands(round_up_to)
            ),
            figure: format!("{between} were counted; the ledger keeps what is charged of them"),
        }
    }

    fn unique(quantity: Quantity, period: &str) -> Self {
        let above = plain(&quantity.to_string());
        Self {
            kind: "unique",
            at_least: above.replace(',', ""),
            at_most: None,
            free: None,
            rule: format!(
                "the app's distinct users of the {period}, less those that its packages include: of each family the \
                 largest that was valid on a day of the {period}"
            ),
            figure: format!("{above} were above what packages include; the ledger does not keep how many there were"),
        }
    }
}

/// The account at the billing time.
pub(super) fn standing(computed: &Computed<'_>) -> StandingStory {
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
    StandingStory {
        state: day.state().as_str(),
        overdue_since: overdue.map(|dates| moment(dates.since)),
        suspend_at: overdue.map(|dates| moment(dates.suspend_at)),
        suspended_at: suspended.map(|dates| moment(dates.suspended_at)),
        remove_at: suspended.map(|dates| moment(dates.remove_at)),
        violation_since: day.violation_since.map(moment),
        changes,
    }
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

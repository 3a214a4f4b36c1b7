//! The explanation of what changes over time as plain data: packages bought and given back, monthly items, the account's state.

use serde::Serialize;

use crate::units::quantity::{BillingDay, Cents, Instant, SdkAppId};

use super::serial::{app, apps, optional_text, text};

/// An instant, and what clocks in the job's zone showed then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Moment {
    /// RFC 3339.
    #[serde(serialize_with = "text")]
    pub utc: Instant,
    /// `YYYY-MM-DD HH:MM`, with seconds where there are any.
    pub local: String,
}

/// Packages of one plan that were bought on the day for an app, or for several or all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PurchaseStory {
    /// The plan.
    pub plan: String,
    /// What one costs.
    #[serde(serialize_with = "text")]
    pub price: Cents,
    /// Each of them, in the order of their purchase.
    pub packages: Vec<BoughtStory>,
}

/// A package that was bought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BoughtStory {
    /// Its id.
    pub package: String,
    /// When it was bought.
    pub purchased_at: Moment,
    /// The apps it is bound to; empty: the whole account.
    #[serde(serialize_with = "apps")]
    pub apps: Vec<SdkAppId>,
    /// Whether nightbill renewed it, with the batch of the day before.
    pub renewed: bool,
    /// What its plan does not allow; it is billed all the same.
    pub breaches: Vec<String>,
}

/// A package that was given back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RefundStory {
    /// The package.
    pub package: String,
    /// Its plan.
    pub plan: String,
    /// The apps it is bound to; empty: the whole account.
    #[serde(serialize_with = "apps")]
    pub apps: Vec<SdkAppId>,
    /// What it cost; None: it has no price.
    #[serde(serialize_with = "optional_text")]
    pub price: Option<Cents>,
    /// `full`, `prorated`, or `outside`: given back outside nightbill.
    pub way: &'static str,
    /// When it was bought.
    pub purchased_at: Moment,
    /// When its refund was asked for, or made outside.
    pub refunded_at: Moment,
    /// Prorated: for how many days the package was valid.
    pub validity_days: Option<i64>,
    /// Prorated: started periods of 24 hours from purchase to request, at least one.
    pub days_held: Option<i64>,
    /// How the amount came about: `499.00 x (31 - 5) / 31 = 418.51, rounded down`; outside, where the amount is from.
    pub formula: String,
}

/// A peak, a count or distinct users. The ledger keeps what was charged of a figure, not the figure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MeasuredStory {
    /// `peak`, `count` or `unique`.
    pub kind: &'static str,
    /// First day of what it is about.
    #[serde(serialize_with = "text")]
    pub from: BillingDay,
    /// Last day.
    #[serde(serialize_with = "text")]
    pub to: BillingDay,
    /// The least that the figure can have been, as far as the quantity tells, in units of the line.
    pub at_least: String,
    /// The most; None: nothing tells.
    pub at_most: Option<String>,
    /// What is free, in units of the line; None: nothing is, or it depends on packages.
    pub free: Option<String>,
    /// How the figure became the quantity.
    pub rule: String,
    /// What the quantity says about the figure.
    pub figure: String,
}

/// What the balance has made of the account at the billing time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StandingStory {
    /// `active`, `overdue`, `suspended`, `removed` or `violation`.
    pub state: &'static str,
    /// When the balance fell below the credit limit; None: it is not below.
    pub overdue_since: Option<Moment>,
    /// When it is suspended for that, or was.
    pub suspend_at: Option<Moment>,
    /// When it was suspended.
    pub suspended_at: Option<Moment>,
    /// When it is removed for that, or was.
    pub remove_at: Option<Moment>,
    /// When it violated the terms.
    pub violation_since: Option<Moment>,
    /// What must arrive for the account not to be overdue any more; zero when it is not.
    #[serde(serialize_with = "text")]
    pub arrears: Cents,
    /// How the state came about since the batch before, in time order.
    pub changes: Vec<ChangeStory>,
}

/// A change of state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChangeStory {
    /// When.
    pub at: Moment,
    /// To what.
    pub state: &'static str,
    /// The balance then.
    #[serde(serialize_with = "text")]
    pub balance: Cents,
}

/// What enforcement systems do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FlagStory {
    /// The app; 0: the whole account.
    #[serde(serialize_with = "app")]
    pub app: SdkAppId,
    /// The product.
    pub product: String,
    /// What is the matter.
    pub flag: &'static str,
    /// Since when.
    pub since: Moment,
    /// When the next stage comes.
    pub deadline: Option<Moment>,
    /// When rooms must be stopped at the latest.
    pub stop_rooms_by: Option<Moment>,
    /// What the product's policy says is to be done.
    pub actions: Vec<String>,
}

/// A refund request that the batch decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DecisionStory {
    /// The package.
    pub package: String,
    /// When it was asked for.
    pub requested_at: Moment,
    /// Whether money is given back.
    pub approved: bool,
    /// How much.
    #[serde(serialize_with = "text")]
    pub amount: Cents,
    /// Why it is refused, as in the table `refunds`; None: approved.
    pub reason: Option<&'static str>,
    /// The same in words.
    pub because: String,
}

/// A package that the batch renewed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RenewalStory {
    /// Its id.
    pub package: String,
    /// Its plan.
    pub plan: String,
    /// The apps it is bound to; empty: the whole account.
    #[serde(serialize_with = "apps")]
    pub apps: Vec<SdkAppId>,
    /// When it counts as bought: the start of the next day, whose batch bills it.
    pub purchased_at: Moment,
    /// What it costs.
    #[serde(serialize_with = "text")]
    pub price: Cents,
}

//! What the rules are told about an account: dated facts, usage and where it stood before.
//!
//! Borrowed views: the dimensions keep the facts in a compact form and lend them account by account.

use crate::catalog::book::{PlanId, PriceListId, ProductId, TierId};

use super::dunning::Standing;
use crate::units::quantity::{AccountId, BillingDay, Cents, Instant, Quantity, Quota, SdkAppId, Seconds};

/// An account (SPEC 2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Account<'a> {
    /// Its number.
    pub id: AccountId,
    /// When it registered; a batch whose billing time is earlier does not know it.
    pub registered_at: Instant,
    /// First day of its first free cycle; None: the billing day of `registered_at`.
    pub free_anchor: Option<BillingDay>,
    /// The list that prices it.
    pub price_list: PriceListId,
    /// Whether what grants leave is billed.
    pub payg: Payg,
    /// How far below zero its balance may go.
    pub credit_limit: Cents,
    /// Products, in catalog order, without duplicates.
    pub products: &'a [ProductId],
    /// When it violated the terms, if it did.
    pub violation_at: Option<Instant>,
}

/// Pay-as-you-go: whether what grants leave is billed (SPEC 3.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Payg {
    /// When a paid package unlocks it.
    #[default]
    Auto,
    /// Always.
    On,
    /// Never.
    Off,
}

/// A purchase (SPEC 2.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Package<'a> {
    /// Its id, unique over all accounts.
    pub id: &'a str,
    /// The apps it is bound to, ascending, without duplicates; empty: every app of the account.
    pub apps: &'a [SdkAppId],
    /// What was bought.
    pub plan: PlanId,
    /// When.
    pub purchased_at: Instant,
    /// Given, not sold.
    pub gift: bool,
    /// Renewed when it ends.
    pub auto_renew: bool,
    /// When it was refunded outside nightbill, if it was.
    pub refunded_at: Option<Instant>,
    /// How much was given back then.
    pub refunded_amount: Cents,
}

/// Money that came in, or went out when negative (SPEC 2.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Payment {
    /// When.
    pub paid_at: Instant,
    /// How much.
    pub amount: Cents,
}

/// Usage of one app and tier in one period of the day, summed over rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UsageGroup {
    /// The app, never 0.
    pub app: SdkAppId,
    /// Item and tier.
    pub tier: TierId,
    /// floor((ts - start of the day) / 300 s) with 5-minute deduction, else 0.
    pub period: u16,
    /// Sum of `seconds`.
    pub seconds: Seconds,
    /// Number of usage rows.
    pub rows: i64,
}

/// A figure of an item that is no duration, over its whole day or month (SPEC 3.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measured {
    /// The app of distinct users; 0 for peaks and counts, which are the account's.
    pub app: SdkAppId,
    /// Item and tier.
    pub tier: TierId,
    /// Kilobits a second of a peak, how many were counted, how many distinct users. Never negative.
    pub figure: i64,
    /// What a batch charged of it, where only that is known any more: then it is charged again, whatever the figure.
    pub charged: Option<Quantity>,
}

/// A refund that was asked for (SPEC 2.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefundRequest<'a> {
    /// The package, or a renewal of one.
    pub package: &'a str,
    /// When.
    pub requested_at: Instant,
}

/// An app that was disabled by hand (SPEC 2.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DisabledApp {
    /// The app.
    pub app: SdkAppId,
    /// Since when.
    pub since: Instant,
}

/// Where an account stood when the day began.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Opening {
    /// Closing balance of the batch before.
    pub balance: Cents,
    /// All payments counted so far.
    pub paid_total: Cents,
    /// What was used of its grants.
    pub grants: Vec<OpeningGrant>,
    /// What the balance had made of it.
    pub standing: Standing,
    /// Apps that had run out of free minutes, by (app, product).
    pub exhausted: Vec<ExhaustedApp>,
    /// What earlier batches decided.
    pub carried: Carried,
}

/// What was used of a grant when the day began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpeningGrant {
    /// The grant.
    pub id: String,
    /// What `opening_grants` says was used before the first settled day; part of `used`.
    pub opening: Quota,
    /// All that was used.
    pub used: Quota,
}

/// An app with the flag `free_exhausted`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ExhaustedApp {
    /// The app.
    pub app: SdkAppId,
    /// The product of the item that had unbilled minutes.
    pub product: ProductId,
    /// Start of the day that raised the flag.
    pub since: Instant,
}

/// The ledger's own decisions on an account that later batches reckon with: a snapshot in every batch, so that nobody
/// has to read history.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Carried {
    /// When the account was removed, ascending. What it had then is void for good (SPEC 3.9).
    pub removals: Vec<Instant>,
    /// Refund requests that are decided, by package.
    pub refunds: Vec<DecidedRefund>,
    /// Packages that were renewed here, by (`purchased_at`, id): those that had not ended long ago, and the last of each
    /// first purchase.
    pub renewals: Vec<Renewal>,
}

/// A refund request that an earlier batch decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecidedRefund {
    /// The package.
    pub package: String,
    /// When it was asked for.
    pub requested_at: Instant,
    /// Approved: the first day on which the package is over. None: refused.
    pub ends_on: Option<BillingDay>,
}

/// A package that nightbill renewed (SPEC 3.8): from then on one like any other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renewal {
    /// `<first id>+<n>`.
    pub id: String,
    /// The apps it is bound to, ascending; empty: every app of the account.
    pub apps: Vec<SdkAppId>,
    /// The plan.
    pub plan: PlanId,
    /// Start of the day after the last one of what it follows.
    pub purchased_at: Instant,
}

impl Renewal {
    /// The id of the purchase that the chain began with, and which renewal of it this is.
    pub fn first_and_number(&self) -> (&str, u32) {
        self.id
            .rsplit_once('+')
            .and_then(|(first, number)| Some((first, number.parse().ok()?)))
            .expect("a renewal is named after its first purchase")
    }

    /// As a package; whether it renews again is said where its chain began.
    pub fn as_package(&self, auto_renew: bool) -> Package<'_> {
        Package {
            id: &self.id,
            apps: &self.apps,
            plan: self.plan,
            purchased_at: self.purchased_at,
            gift: false,
            auto_renew,
            refunded_at: None,
            refunded_amount: Cents::ZERO,
        }
    }
}

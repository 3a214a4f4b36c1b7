//! What the rules are told about an account: dated facts, usage and where it stood before.
//!
//! Borrowed views: the dimensions keep the facts in a compact form and lend them account by account.

use crate::catalog::book::{PlanId, PriceListId, ProductId, TierId};

use super::quantity::{AccountId, BillingDay, Cents, Instant, Quota, SdkAppId, Seconds};

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
    /// Void for good since a removal.
    pub void: bool,
}

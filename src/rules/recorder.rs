//! What became of each grant and each rest: told to whoever explains a bill, to nobody in a night's run.

use crate::catalog::book::TierId;

use super::account_day::GrantId;
use crate::units::quantity::{BillingDay, Minutes, Quota, Ratio, SdkAppId};

/// Who is told what happened, in the order in which it happened.
pub trait Recorder {
    /// One step of a line's deduction.
    fn record(&mut self, step: &Step<'_>);

    /// What became of the minutes of a line that grants left; lines without such minutes are not told.
    fn record_rest(&mut self, _rest: &Rest<'_>) {}
}

/// Minutes of a line that no grant covered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rest<'a> {
    /// The line's app.
    pub app: SdkAppId,
    /// The line's item and tier.
    pub tier: TierId,
    /// How many.
    pub minutes: Minutes,
    /// Why they are billed, or not.
    pub fate: Fate<'a>,
}

/// Why the minutes that grants left of a line are billed, or not (SPEC 3.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate<'a> {
    /// Billed: the account's `payg` is `on`.
    PaygOn,
    /// Billed: this paid package of the item's product is valid for the app.
    PaidPackage(GrantId<'a>),
    /// Not billed: the account's `payg` is `off`.
    PaygOff,
    /// Not billed: no paid package of the item's product is valid for the app.
    NoPaidPackage,
    /// Not billed: the tier has no price, and its item says `unpriced = "unbilled"`.
    NoPrice,
}

impl Fate<'_> {
    /// Whether the minutes are priced.
    pub fn is_billed(&self) -> bool {
        matches!(self, Self::PaygOn | Self::PaidPackage(_))
    }
}

/// One grant looked at for one line in one period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step<'a> {
    /// The line's app.
    pub app: SdkAppId,
    /// The line's item and tier.
    pub tier: TierId,
    /// The five-minute period; 0 when deduction is by day.
    pub period: u16,
    /// The grant.
    pub grant: GrantId<'a>,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of a grant that was looked at for a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It served the line.
    Served {
        /// Usage minutes covered.
        minutes: Minutes,
        /// Quota minutes per usage minute.
        ratio: Ratio,
        /// Balance before.
        before: Quota,
        /// Balance after.
        after: Quota,
    },
    /// It was passed over.
    PassedOver(PassedOver),
}

/// Why a grant was passed over; the first that holds, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PassedOver {
    /// Void since the account's removal.
    Void,
    /// Refunded on this day or before.
    Refunded {
        /// The billing day of the refund.
        on: BillingDay,
    },
    /// Bought, but it waits for an earlier one of its queue.
    Queued {
        /// Its first day.
        from: BillingDay,
    },
    /// Not bought yet on that day.
    NotYetValid {
        /// Its first day.
        from: BillingDay,
    },
    /// Its last day is over.
    Expired {
        /// Its last day.
        on: BillingDay,
    },
    /// It does not serve the line's app.
    OutOfScope,
    /// Its ratio table does not name the tier.
    TierNotDeductible,
    /// What is left is less than one minute of this tier takes.
    BalanceBelowRatio {
        /// What is left.
        balance: Quota,
        /// What one minute takes.
        ratio: Ratio,
    },
}

//! Flags (SPEC 3.10): what enforcement systems read.

use crate::catalog::book::{Book, Policy, ProductId};

use super::quantity::{Instant, SdkAppId};

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

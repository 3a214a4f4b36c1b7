//! Why an account's day cannot be settled.

use super::account_day::{BillLine, DayContext};
use super::facts::Account;
use crate::units::calendar::OutsideCalendar;
use crate::units::quantity::{AccountId, BillingDay, Minutes, OutOfRange, Quantity, Quota, SdkAppId};

/// Why a day cannot be settled. Nothing of it may be posted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// A tier must be priced, has no price, and its item says `unpriced = "stop"` (exit 2).
    #[error(
        "{item}.{tier} has no price on {day} in price list {price_list}, and account {account} (app {app}) \
         {due}; give it a price, or set unpriced = \"unbilled\" on the item"
    )]
    Unpriced {
        /// The account.
        account: AccountId,
        /// The line's app.
        app: SdkAppId,
        /// The billing day.
        day: BillingDay,
        /// The item.
        item: String,
        /// The tier.
        tier: String,
        /// The account's price list.
        price_list: String,
        /// What would have to be priced.
        due: Due,
    },
    /// A sum left its range (exit 3).
    #[error("account {account}: {source}")]
    OutOfRange {
        /// The account.
        account: AccountId,
        /// What overflowed.
        source: OutOfRange,
    },
    /// More was used of a grant than it holds: `opening_grants` is wrong, or a catalog shrank the grant (exit 3).
    #[error(
        "account {account}: {used} minutes are used of grant {grant}, which holds {quota}; correct opening_grants, or \
         the minutes in the catalog"
    )]
    Overused {
        /// The account.
        account: AccountId,
        /// The grant.
        grant: String,
        /// What it holds.
        quota: Quota,
        /// What was used of it.
        used: Quota,
    },
    /// A date that follows from the account's facts leaves the calendar (exit 3).
    #[error("account {account}: a date that follows from its facts is {source}")]
    OutsideCalendar {
        /// The account.
        account: AccountId,
        /// The range.
        source: OutsideCalendar,
    },
}

/// What has to be paid for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Due {
    /// Minutes of a duration.
    #[error("used {0} minutes of it beyond its grants")]
    Minutes(Minutes),
    /// Of an item that is no duration.
    #[error("is to pay for a quantity of {0}")]
    Quantity(Quantity),
}

impl RuleError {
    /// An account is to pay for a line of the day that has no price.
    pub(super) fn unpriced(context: DayContext<'_>, account: &Account<'_>, line: &BillLine, due: Due) -> Self {
        let book = context.book;
        let (tier, price_list) = (line.tier.index(), account.price_list.index());
        Self::Unpriced {
            account: account.id,
            app: line.app,
            day: context.day,
            item: book.item_of(line.tier).id.clone(),
            tier: book
                .tiers
                .get(tier)
                .map(|tier| tier.name.clone())
                .expect("a tier of the book"),
            price_list: book
                .price_lists
                .get(price_list)
                .map(|list| list.id.clone())
                .expect("a price list of the book"),
            due,
        }
    }
}

/// A number or a date that leaves its range; of which account, its caller knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Excess {
    Number(OutOfRange),
    Date(OutsideCalendar),
}

impl Excess {
    pub(super) fn of(self, account: AccountId) -> RuleError {
        match self {
            Self::Number(source) => RuleError::OutOfRange { account, source },
            Self::Date(source) => RuleError::OutsideCalendar { account, source },
        }
    }
}

impl From<OutOfRange> for Excess {
    fn from(source: OutOfRange) -> Self {
        Self::Number(source)
    }
}

impl From<OutsideCalendar> for Excess {
    fn from(source: OutsideCalendar) -> Self {
        Self::Date(source)
    }
}

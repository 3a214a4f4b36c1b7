//! Why a day cannot be explained.

use crate::config::ConfigError;
use crate::inputs::catalog::ReadError;
use crate::inputs::dimensions::DimensionError;
use crate::ledger::batch::LedgerError;
use crate::rules::error::RuleError;
use crate::settle::SettleError;
use crate::store::StoreError;
use crate::units::calendar::OutsideCalendar;
use crate::units::quantity::{AccountId, BillingDay, Instant, OutOfRange};

/// Why a day cannot be explained. A difference between ledger and rules is none of these: it is part of the explanation.
#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    /// There is no ledger (exit 2).
    #[error("{output} holds no settled day")]
    NoLedger {
        /// The output directory.
        output: String,
    },
    /// The day is not settled (exit 2).
    #[error("{day} is not settled: the ledger has {first} to {last}")]
    NotSettled {
        /// The day.
        day: BillingDay,
        /// The first settled day.
        first: BillingDay,
        /// The last one.
        last: BillingDay,
    },
    /// Neither the accounts nor the ledger name the account (exit 2).
    #[error("account {0} is unknown: neither the accounts dimension nor the batch of that day has it")]
    UnknownAccount(AccountId),
    /// The account registered after the day was billed (exit 2).
    #[error("account {account} registered at {registered_at}, after {day} was billed at {billed_at}")]
    NotYetRegistered {
        /// The account.
        account: AccountId,
        /// When it registered.
        registered_at: Instant,
        /// The day.
        day: BillingDay,
        /// Its billing time.
        billed_at: Instant,
    },
    /// The ledger has the account, the accounts dimension does not (exit 3).
    #[error("account {0} is in the ledger but not in the accounts dimension; put its row back")]
    AccountGone(AccountId),
    /// The catalog of the day lacks what the account's facts name (exit 3).
    #[error("account {account}: {what} is not in the catalog that the day was settled with")]
    NotInCatalog {
        /// The account.
        account: AccountId,
        /// What is named, with its kind: `plan rtc_engine.max`.
        what: String,
    },
    /// Posted usage that no rule could have come from (exit 3).
    #[error("{table} of batch {batch}: {what}")]
    BadUsage {
        /// The table.
        table: &'static str,
        /// The batch.
        batch: String,
        /// What is wrong.
        what: String,
    },
    /// The rules refuse what is posted (exit 3).
    #[error("{0}; the facts of the account have changed since the day was settled, or the ledger was edited")]
    Rules(RuleError),
    /// A sum left its range (exit 3).
    #[error(transparent)]
    OutOfRange(#[from] OutOfRange),
    /// The page could not be made (exit 1).
    #[error("the page cannot be made: {0}")]
    Page(#[from] minijinja::Error),
    /// Reading the job's inputs or the ledger failed, as in a night.
    #[error(transparent)]
    Settle(#[from] SettleError),
}

impl ExplainError {
    /// The exit code of SPEC section 5.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Page(_) => 1,
            Self::NoLedger { .. }
            | Self::NotSettled { .. }
            | Self::UnknownAccount(_)
            | Self::NotYetRegistered { .. } => 2,
            Self::AccountGone(_)
            | Self::NotInCatalog { .. }
            | Self::BadUsage { .. }
            | Self::Rules(_)
            | Self::OutOfRange(_) => 3,
            Self::Settle(error) => error.exit_code(),
        }
    }
}

macro_rules! as_in_a_night {
    ($($error:ty),*) => {
        $(impl From<$error> for ExplainError {
            fn from(error: $error) -> Self {
                Self::Settle(SettleError::from(error))
            }
        })*
    };
}

as_in_a_night!(
    ConfigError,
    ReadError,
    DimensionError,
    LedgerError,
    StoreError,
    OutsideCalendar
);

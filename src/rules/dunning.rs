//! Overdue, suspended, removed (SPEC 3.9): what the balance makes of an account.

use super::quantity::{Cents, Instant};

/// What the balance has made of an account, with the dates that `accounts` shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Standing {
    /// The balance is not below the credit limit.
    #[default]
    Active,
    /// It is; usage goes on and is billed.
    Overdue(Overdue),
    /// The grace time has passed.
    Suspended(Suspended),
    /// The removal time has passed too: the grants of that moment are void for good.
    Removed(Suspended),
}

/// The dates of an overdue account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overdue {
    /// When the balance fell below the credit limit.
    pub since: Instant,
    /// When the account is suspended.
    pub suspend_at: Instant,
}

/// The dates of a suspended account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Suspended {
    /// Those that it had before.
    pub overdue: Overdue,
    /// When it was suspended.
    pub suspended_at: Instant,
    /// When its resources are removed.
    pub remove_at: Instant,
}

impl Standing {
    /// The state that it shows as, without a violation.
    pub fn state(self) -> State {
        match self {
            Self::Active => State::Active,
            Self::Overdue(_) => State::Overdue,
            Self::Suspended(_) => State::Suspended,
            Self::Removed(_) => State::Removed,
        }
    }

    /// Since when it is overdue, and when it is suspended for that.
    pub fn overdue(self) -> Option<Overdue> {
        match self {
            Self::Active => None,
            Self::Overdue(overdue) => Some(overdue),
            Self::Suspended(suspended) | Self::Removed(suspended) => Some(suspended.overdue),
        }
    }

    /// When it was suspended, and when it is removed for that.
    pub fn suspended(self) -> Option<Suspended> {
        match self {
            Self::Active | Self::Overdue(_) => None,
            Self::Suspended(suspended) | Self::Removed(suspended) => Some(suspended),
        }
    }
}

/// The states of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// In good standing.
    Active,
    /// In arrears, in its grace time.
    Overdue,
    /// In arrears beyond its grace time.
    Suspended,
    /// Its resources are removed.
    Removed,
    /// It violated the terms; outranks the others for good.
    Violation,
}

impl State {
    /// As it stands in `accounts.state`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Overdue => "overdue",
            Self::Suspended => "suspended",
            Self::Removed => "removed",
            Self::Violation => "violation",
        }
    }
}

/// A change of standing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transition {
    /// When.
    pub at: Instant,
    /// To what.
    pub to: Standing,
    /// The balance then.
    pub balance: Cents,
}

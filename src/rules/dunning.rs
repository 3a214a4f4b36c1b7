//! Overdue, suspended, removed (SPEC 3.9): what the balance makes of an account.

use super::facts::Payment;
use crate::units::quantity::{Cents, Instant, OutOfRange};

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
    /// What must arrive for the account to be active again; zero when it is.
    ///
    /// # Errors
    /// [`OutOfRange`] when it leaves its range.
    pub fn arrears(self, balance: Cents, credit_limit: Cents) -> Result<Cents, OutOfRange> {
        match self {
            Self::Active => Ok(Cents::ZERO),
            _ => Ok(Cents::ZERO.minus(balance)?.minus(credit_limit)?.max(Cents::ZERO)),
        }
    }

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

/// What decides on an account's dates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// How far below zero the balance may go.
    pub credit_limit: Cents,
    /// Hours from overdue to suspended.
    pub grace_hours: i64,
    /// Days of 24 hours from suspended to removed.
    pub removal_days: i64,
    /// Before this nobody leaves `active`.
    pub from: Instant,
}

/// An account followed through time: events come in time order, and after each the balance decides.
#[derive(Debug, Clone)]
pub struct Course {
    terms: Terms,
    standing: Standing,
    balance: Cents,
    transitions: Vec<Transition>,
}

impl Course {
    /// From where it stood.
    pub fn new(terms: Terms, standing: Standing, balance: Cents) -> Self {
        Self {
            terms,
            standing,
            balance,
            transitions: Vec::new(),
        }
    }

    /// Payments, ascending, at most one an instant; deadlines before them come first, those at their instant after them.
    ///
    /// # Errors
    /// [`CourseError`] when the balance or a date leaves its range.
    pub fn pay(&mut self, payments: &[Payment]) -> Result<(), CourseError> {
        for payment in payments {
            while let Some(deadline) = self.deadline().filter(|deadline| *deadline < payment.paid_at) {
                self.reach(deadline)?;
            }
            self.balance = self.balance.plus(payment.amount)?;
            self.weigh(payment.paid_at)?;
        }
        Ok(())
    }

    /// Time passes up to and including an instant.
    ///
    /// # Errors
    /// [`CourseError`] when a date leaves its range.
    pub fn wait_until(&mut self, at: Instant) -> Result<(), CourseError> {
        while let Some(deadline) = self.deadline().filter(|deadline| *deadline <= at) {
            self.reach(deadline)?;
        }
        Ok(())
    }

    /// The bills of a batch at its billing time, the last event then; nothing charged is an event too.
    ///
    /// # Errors
    /// [`CourseError`] when the balance or a date leaves its range.
    pub fn charge(&mut self, at: Instant, charged: Cents) -> Result<(), CourseError> {
        self.wait_until(at)?;
        self.balance = self.balance.minus(charged)?;
        self.weigh(at)?;
        // A grace time of 0 hours ends with its beginning.
        self.wait_until(at)
    }

    /// Where the account stands.
    pub fn standing(&self) -> Standing {
        self.standing
    }

    /// Its balance.
    pub fn balance(&self) -> Cents {
        self.balance
    }

    /// How it came to that, in time order.
    pub fn transitions(&self) -> &[Transition] {
        &self.transitions
    }

    /// The same, when there is nothing more to follow.
    pub fn into_transitions(self) -> Vec<Transition> {
        self.transitions
    }

    /// The next instant at which something happens if nobody pays.
    pub fn deadline(&self) -> Option<Instant> {
        match self.standing {
            Standing::Active | Standing::Removed(_) => None,
            Standing::Overdue(dates) => Some(dates.suspend_at),
            Standing::Suspended(dates) => Some(dates.remove_at),
        }
    }

    fn is_below_limit(&self) -> Result<bool, CourseError> {
        Ok(self.balance.plus(self.terms.credit_limit)? < Cents::ZERO)
    }

    /// What the balance makes of the account.
    fn weigh(&mut self, at: Instant) -> Result<(), CourseError> {
        match (self.standing, self.is_below_limit()?) {
            (Standing::Active, true) if at >= self.terms.from => {
                let suspend_at = at.checked_add_hours(self.terms.grace_hours).ok_or(CourseError::Date)?;
                self.turn(at, Standing::Overdue(Overdue { since: at, suspend_at }));
            }
            (Standing::Overdue(_) | Standing::Suspended(_) | Standing::Removed(_), false) => {
                self.turn(at, Standing::Active);
            }
            _ => {}
        }
        Ok(())
    }

    /// A deadline: the balance decides first, for the credit limit may have changed.
    fn reach(&mut self, at: Instant) -> Result<(), CourseError> {
        self.weigh(at)?;
        match self.standing {
            Standing::Active | Standing::Removed(_) => {}
            Standing::Overdue(overdue) => {
                let hours = self.terms.removal_days.checked_mul(24).ok_or(CourseError::Date)?;
                let suspended = Suspended {
                    overdue,
                    suspended_at: at,
                    remove_at: at.checked_add_hours(hours).ok_or(CourseError::Date)?,
                };
                self.turn(at, Standing::Suspended(suspended));
            }
            Standing::Suspended(dates) => self.turn(at, Standing::Removed(dates)),
        }
        Ok(())
    }

    fn turn(&mut self, at: Instant, to: Standing) {
        self.standing = to;
        self.transitions.push(Transition {
            at,
            to,
            balance: self.balance,
        });
    }
}

/// Why a course cannot be followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CourseError {
    /// The balance left 64 bits.
    #[error(transparent)]
    Balance(#[from] OutOfRange),
    /// A date left 64 bits of microseconds.
    #[error("a deadline is out of range")]
    Date,
}

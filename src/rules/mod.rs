//! The billing rules of SPEC section 3. PURE: no IO, no clock, no threads, no hash-map iteration, no
//! floats. One account-day is one function, [`account_day::settle_account_day`].

// Unit tests may unwrap and index: they run this module's code under the same rules otherwise.
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        clippy::as_conversions,
        clippy::float_arithmetic,
        clippy::arithmetic_side_effects
    )
)]

pub mod account_day;
pub mod balance;
mod closing;
mod count;
mod deduction;
pub mod dunning;
pub mod error;
pub mod facts;
pub mod flags;
mod free_minutes;
mod grants;
pub mod measured;
mod metering;
mod packages;
mod peak;
mod rating;
pub mod recorder;
pub mod refunds;
pub mod subscriptions;
#[cfg(test)]
mod testing;
mod unique;

// The rules speak in these.
pub use crate::units::{calendar, quantity};

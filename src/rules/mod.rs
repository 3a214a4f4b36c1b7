//! The billing rules of SPEC section 3. PURE: no IO, no clock, no threads, no hash-map iteration, no
//! floats. One account-day is one function, [`account_day::settle_account_day`].

pub mod account_day;
pub mod calendar;
pub mod facts;
pub mod quantity;
pub mod recorder;

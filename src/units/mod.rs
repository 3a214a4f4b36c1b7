//! The lowest floor: quantities, days and digests, which every other part may use and which know none of them.
//! PURE like the rules: no IO, no clock, no threads, no floats.

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

pub mod calendar;
pub mod digest;
pub mod quantity;

//! What comes in: partitions of usage and the scan over them, other measurements, dimensions, rejects.

pub mod catalog;
pub mod dimensions;
pub mod measured;
pub mod partitions;
pub mod rejects;
pub mod usage;

//! What comes in: partitions of usage and the scan over them, dimensions, rejects.

pub mod catalog;
pub mod dimensions;
pub mod partitions;
pub mod rejects;
pub mod usage;

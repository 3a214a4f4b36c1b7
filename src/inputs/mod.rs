//! What comes in: partitions of usage and the scan over them, other measurements, dimensions, rejects.

pub mod catalog;
pub mod dimensions;
mod distinct;
pub mod measured;
pub mod owners;
pub mod parquet;
pub mod partitions;
pub mod rejects;
pub mod usage;

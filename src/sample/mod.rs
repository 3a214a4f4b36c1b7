//! Made-up but realistic input of any size: usage, monthly items, accounts, packages, payments, and a job to settle them with.
//!
//! The same [`SampleSpec`] gives the same bytes on every machine and with any number of threads.

mod accounts;
mod day;
mod dimensions;
mod examples;
pub mod generate;
mod groups;
mod job_file;
mod layout;
mod monthly;
mod population;
mod random;
mod room_kinds;
mod rooms;
pub mod spec;
mod stories;
mod tables;
mod usage_file;

pub use generate::generate;
pub use spec::{
    JobFile, Layout, SampleError, SampleReport, SampleSpec, Shape, TsEncoding, UsageCompression, UsageEncoding,
};

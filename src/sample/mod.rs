//! Made-up but realistic input of any size: usage, accounts, packages, payments, and a job to settle them with.
//!
//! The same [`SampleSpec`] gives the same bytes on every machine and with any number of threads.

pub mod generate;
pub mod spec;

pub use generate::generate;
pub use spec::{JobFile, Layout, SampleError, SampleReport, SampleSpec, Shape};

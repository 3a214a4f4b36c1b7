//! The usage scan: per-second rows in, sums by account, app, tier and period out.
//!
//! Everything that reads usage files is behind [`scan`]. From the outside in: `scan` plans and shares out the work,
//! `row_group` reads one row group: on dictionary ids where it can (`ids`), else by value, where `decode` has Arrow's
//! arrays and `judge` applies the row rules to batches of rows. `groups` sums what they accept. `daily` reads sums that
//! others made, and `batches` lends its reading of files to inputs that are no usage. The bytes come from
//! `group_bytes`: as `plan` cuts them, read by `ahead` before they are needed where the store is remote. Below them
//! `footer`, `columns`, `pages` and `decompress` stand between decoders and bytes that nobody has vouched for; `bounds`
//! says what is too much.

mod ahead;
pub(in crate::inputs) mod batches;
mod bounds;
mod columns;
mod daily;
mod decode;
mod decompress;
mod duplicates;
mod error;
mod footer;
#[cfg(fuzzing)]
pub mod fuzzing;
mod group_bytes;
mod groups;
mod ids;
mod int96;
mod judge;
mod many;
mod page_checks;
mod page_header;
mod pages;
mod panics;
mod plan;
mod row_group;
mod scan;
mod source;
mod thrift;
mod whole_rows;

pub use daily::scan_daily;
pub use duplicates::find_duplicates;
pub use error::ScanError;
pub use groups::{Group, Groups};
pub use scan::{FileTotals, KnownAccounts, RegisteredBy, Scan, ScanRequest, Way, scan};
pub use source::{RangeReader, ReadAhead};
pub use whole_rows::WholeFile;

//! The usage scan: per-second rows in, sums by account, app, tier and period out.
//!
//! Everything that reads usage files is behind [`scan`], so that a faster one can take its place. From the outside
//! in: `scan` plans and shares out the work, `row_group` reads one row group, `judge` applies the row rules to its
//! batches, `groups` sums what they accept. `daily` reads sums that others made, and `batches` lends its reading of files
//! to inputs that are no usage. Below them `footer`, `columns`, `pages` and `decompress` stand between
//! the Arrow decoders and bytes that nobody has vouched for; `bounds` says what is too much.

pub(in crate::inputs) mod batches;
mod bounds;
mod columns;
mod daily;
mod decode;
mod decompress;
mod duplicates;
mod error;
mod footer;
mod groups;
mod int96;
mod judge;
mod page_checks;
mod page_header;
mod pages;
mod panics;
mod row_group;
mod scan;
mod source;
mod thrift;

pub use daily::scan_daily;
pub use duplicates::find_duplicates;
pub use error::ScanError;
pub use groups::{Group, Groups};
pub use scan::{FileTotals, KnownAccounts, RegisteredBy, Scan, ScanRequest, scan};
pub use source::RangeReader;

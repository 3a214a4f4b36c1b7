//! The usage scan: per-second rows in, sums by account, app, tier and period out.
//!
//! From the outside in: `scan` has a sink for each thread of the Parquet room's driver. A row group is summed on dictionary
//! ids where that can be done (`ids`), else by value: `judge` applies the row rules of SPEC 2.1 to batches of rows. `groups`
//! sums what they accept. `daily` reads sums that others made. `request` is what is asked for and what comes of it.

mod columns;
mod daily;
mod duplicates;
mod error;
mod groups;
mod ids;
mod judge;
mod request;
mod scan;
mod sums;
mod whole;

pub use daily::scan_daily;
pub use duplicates::find_duplicates;
pub use error::ScanError;
pub use groups::{Group, Groups};
pub use request::{FileTotals, Scan, ScanRequest, Way};
pub use scan::scan;
pub use whole::open_whole;

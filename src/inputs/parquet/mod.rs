//! The Parquet room: files that nobody has vouched for, read safely and fast. It knows the format and nothing of billing.
//!
//! An input says which columns it needs ([`columns::Needed`]), opens files with them ([`row_groups::open`]), and reads all row
//! groups on all threads ([`row_groups::read`]) into sinks of its own, batch by batch or in a faster way. From the outside in:
//! `row_groups` shares the work out, `fetched` has the bytes of a row group, `decode` makes values of a column chunk through
//! Arrow's arrays. The bytes come from `group_bytes`, as `plan` cuts them, read by `ahead` before they are needed where the
//! store is remote. `footer`, `columns`, `pages`, `page_header`, `page_checks`, `thrift` and `decompress` stand between decoders
//! and the bytes; `bounds` says what is too much. `whole_rows` reads every column there is, for what is to be rewritten.

mod ahead;
pub(in crate::inputs) mod bounds;
pub(in crate::inputs) mod chunk;
pub(in crate::inputs) mod columns;
pub(in crate::inputs) mod decode;
pub(in crate::inputs) mod decompress;
pub mod error;
pub(in crate::inputs) mod fetched;
pub(in crate::inputs) mod footer;
#[cfg(fuzzing)]
pub mod fuzzing;
mod group_bytes;
mod int96;
pub(in crate::inputs) mod large_pages;
pub(in crate::inputs) mod many;
pub(in crate::inputs) mod page_checks;
pub(in crate::inputs) mod page_header;
pub(in crate::inputs) mod pages;
pub(in crate::inputs) mod panics;
mod plan;
pub(in crate::inputs) mod row_groups;
pub mod source;
mod thrift;
mod whole_rows;

pub use whole_rows::WholeFile;

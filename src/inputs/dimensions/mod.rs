//! Dimensions: accounts, packages, payments and the optional tables (SPEC 2.3 to 2.6), read through polars,
//! checked row by row, kept compactly in account order.
//!
//! `files` finds the bytes; `read` turns them into batches of values, cutting CSV with `csv`, through `frames` (the
//! only part that knows polars, with `types`) and, before Parquet is decoded, `pages`; `fields` turns values into the words of the
//! trade; `accounts`, `packages`, `payments` and `optional` check the rows of a dimension and store them in the
//! columns of `compact`; `load` puts it together.

mod accounts;
mod compact;
mod csv;
mod errors;
mod fields;
mod files;
mod frames;
mod load;
mod optional;
mod packages;
mod pages;
mod payments;
mod read;
mod rows;
#[cfg(test)]
mod tests;
mod types;

pub use accounts::{AccountIndex, RegisteredBy};
pub use errors::{BadRow, DimensionError};
pub use files::DimensionFile;
pub use load::Dimensions;

//! Row groups summed on dictionary ids: the fast way through a usage file.
//!
//! A row group has few distinct accounts, apps, meters, seconds and resolutions. What SPEC 2.1 says about a value is
//! found out once per distinct value; rows are counted by id, in plain arrays, runs at once. From the outside in:
//! `read` drives a row group, `rows` puts its columns together, `cells` counts rows in `lines` and hands sums to `sink`;
//! `keys` and `classes` are the columns, `values` says what a value is worth, `cursor` opens pages, `hybrid`, `delta` and
//! `plain` decode them, `vector` has what vector instructions do.
//!
//! It never decides against a row: what it does not know, or does not like, makes it give up the whole row group, which
//! is then read by value (`row_group`), row by row, to name what is wrong. Corrupt bytes end here in giving up, too.

mod cells;
mod classes;
mod columns;
mod cursor;
mod delta;
mod hybrid;
mod keys;
mod lines;
mod plain;
mod read;
mod rows;
mod sink;
mod values;
mod vector;

pub(super) use read::{Outcome, Scratch, read};

use super::error::Fault;
use super::pages::to_usize;
use crate::store::StoreError;

/// Rows decoded at a time, at most, unless all columns repeat one value.
const BLOCK_ROWS: usize = 2_048;

/// Distinct values of a column, at most: with more, ids are no gain, and the memory that they take is not bounded by
/// the file's bytes.
const MAX_DISTINCT: usize = 1 << 20;

/// Why a row group is not summed here.
#[derive(Debug)]
enum Stop {
    /// It has something that only the way by value can tell.
    GiveUp,
    /// The store failed.
    Store(StoreError),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        match fault {
            // The way by value meets it again, and says where.
            Fault::Bad(_) => Self::GiveUp,
            Fault::Store(error) => Self::Store(error),
        }
    }
}

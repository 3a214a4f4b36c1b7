//! Dimensions: accounts, packages, payments and the optional tables (SPEC 2.3 to 2.6), read through polars,
//! checked row by row, kept compactly in account order.

use crate::catalog::book::Book;
use crate::job::Job;
use crate::rules::calendar::Calendar;
use crate::rules::facts::{Account, Package, Payment};
use crate::rules::quantity::{Cents, Instant, Quota};

/// All dimensions of a job, at most about 200 bytes an account.
pub struct Dimensions {
    // dimensions helper: compact columns, sorted by account
}

/// The accounts' numbers in order, and the position of each.
pub struct AccountIndex {
    // dimensions helper
}

impl AccountIndex {
    /// How many accounts there are.
    pub fn len(&self) -> usize {
        todo!("dimensions helper")
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The position of an account, in account order.
    pub fn position(&self, account_id: i64) -> Option<u32> {
        let _ = account_id;
        todo!("dimensions helper")
    }

    /// The number of the account at a position.
    pub fn account_id(&self, position: u32) -> i64 {
        let _ = position;
        todo!("dimensions helper")
    }

    /// When the account at a position registered.
    pub fn registered_at(&self, position: u32) -> Instant {
        let _ = position;
        todo!("dimensions helper")
    }
}

/// A dimension file as it was read, for the commit record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DimensionFile {
    /// Which dimension: `accounts`, `packages`, …
    pub dimension: &'static str,
    /// Path relative to the dimension's URL (the file's name when the URL is the file).
    pub path: String,
    /// Size in bytes.
    pub size: u64,
    /// The store's version tag.
    pub etag: Option<String>,
    /// Lowercase hex SHA-256 of the bytes.
    pub sha256: String,
    /// Rows, header not counted.
    pub rows: u64,
}

impl Dimensions {
    /// Reads and checks every dimension that the job names. The calendar is used to reject dates outside its
    /// years.
    ///
    /// # Errors
    /// [`DimensionError`]: the first broken rules, each with file, row (header = 1), column and value.
    pub fn load(job: &Job, book: &Book, calendar: &Calendar) -> Result<Self, DimensionError> {
        let _ = (job, book, calendar);
        todo!("dimensions helper")
    }

    /// The accounts' numbers.
    pub fn index(&self) -> &AccountIndex {
        todo!("dimensions helper")
    }

    /// The account at a position.
    pub fn account(&self, position: u32) -> Account<'_> {
        let _ = position;
        todo!("dimensions helper")
    }

    /// The packages of the account at a position, by (`purchased_at`, id).
    pub fn packages(&self, position: u32) -> Vec<Package<'_>> {
        let _ = position;
        todo!("dimensions helper")
    }

    /// The payments of the account at a position, by (`paid_at`, `payment_id`).
    pub fn payments(&self, position: u32) -> Vec<Payment> {
        let _ = position;
        todo!("dimensions helper")
    }

    /// `opening` of the account at a position; zero where the table does not name it.
    pub fn opening_balance(&self, position: u32) -> Cents {
        let _ = position;
        todo!("dimensions helper")
    }

    /// `opening_grants` of the account at a position, by grant id.
    pub fn opening_grants(&self, position: u32) -> Vec<(&str, Quota)> {
        let _ = position;
        todo!("dimensions helper")
    }

    /// Refund requests of the account at a position: package id and `requested_at`, by (`requested_at`, package id).
    pub fn refund_requests(&self, position: u32) -> Vec<(&str, Instant)> {
        let _ = position;
        todo!("dimensions helper")
    }

    /// The files that were read.
    pub fn files(&self) -> &[DimensionFile] {
        todo!("dimensions helper")
    }

    /// Rows of a dimension (`accounts`, `packages`, …), None when the job does not name it.
    pub fn rows(&self, dimension: &str) -> Option<u64> {
        let _ = dimension;
        todo!("dimensions helper")
    }
}

/// Why dimensions cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DimensionError {
    /// Rows break rules (exit 3).
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    BadRows(Vec<BadRow>),
    /// The store failed (exit 5), or a named file is missing.
    #[error(transparent)]
    Store(#[from] crate::store::StoreError),
}

/// A row that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}{}{}: {message}", row.map(|row| format!(", row {row}")).unwrap_or_default(),
    column.as_ref().map(|column| format!(", column {column}")).unwrap_or_default())]
pub struct BadRow {
    /// The file, as the job names it.
    pub file: String,
    /// The row; the header is row 1. None when it is about the whole file.
    pub row: Option<u64>,
    /// The column, if it is about one.
    pub column: Option<String>,
    /// What is wrong with which value, and what to do.
    pub message: String,
}

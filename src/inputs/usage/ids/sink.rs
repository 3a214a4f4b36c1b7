//! Where the sums of a row group go.

use super::super::groups::{Key, Runs, Table};

/// Where sums go when the cells are emptied.
pub(super) struct Sink<'a> {
    table: &'a mut Table,
    runs: &'a Runs,
    sign: Sign,
    /// Rows that went through.
    pub accepted_rows: u64,
    /// Their seconds.
    pub accepted_seconds: i64,
    /// Whether anything went in.
    pub is_used: bool,
}

/// Whether rows are added, or taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    Add,
    TakeBack,
}

impl<'a> Sink<'a> {
    /// A sink that nothing has gone into.
    pub(super) fn new(table: &'a mut Table, runs: &'a Runs, sign: Sign) -> Self {
        Self {
            table,
            runs,
            sign,
            accepted_rows: 0,
            accepted_seconds: 0,
            is_used: false,
        }
    }

    /// Adds sums. They fit, because `MAX_ROWS` rows of at most 86,400 s do.
    pub(super) fn add(&mut self, key: Key, rows: u32, seconds: i64) {
        self.is_used = true;
        self.accepted_rows += u64::from(rows);
        let accepted = self.accepted_seconds.checked_add(seconds);
        self.accepted_seconds = accepted.expect("MAX_ROWS bounds every sum");
        let rows = i64::from(rows);
        let sums = match self.sign {
            Sign::Add => (seconds, rows),
            Sign::TakeBack => (-seconds, -rows),
        };
        self.table.add(key, sums);
        if self.table.is_full() {
            self.runs.push(self.table.drain());
        }
    }
}

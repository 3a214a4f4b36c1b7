//! What the rules make of the day, row by row and column by column against what is posted.

use std::collections::{BTreeMap, VecDeque};

use crate::ledger::posted::EditedFile;
use crate::ledger::tables::Table;

use super::rows::TableRows;
use super::story::Difference;

/// The tables that are compared: all that follow from the rules. Usage is what they begin with, rejects are nobody's.
pub(super) const COMPARED: [Table; 9] = [
    Table::UsageDaily,
    Table::BillLines,
    Table::Bills,
    Table::Deductions,
    Table::Grants,
    Table::Accounts,
    Table::Flags,
    Table::Refunds,
    Table::Renewals,
];

/// Rows of one key; a key has one row, unless a ledger was edited.
#[derive(Debug, Default)]
struct Pair {
    posted: VecDeque<usize>,
    recomputed: VecDeque<usize>,
}

/// Every difference between the posted rows of one account and the recomputed ones, in the order of their keys.
pub(super) fn differences(posted: TableRows<'_>, recomputed: TableRows<'_>) -> Vec<Difference> {
    let table = posted.table;
    let mut pairs: BTreeMap<Vec<Option<String>>, Pair> = BTreeMap::new();
    for row in 0..posted.len() {
        pairs.entry(key(posted, row)).or_default().posted.push_back(row);
    }
    for row in 0..recomputed.len() {
        pairs.entry(key(recomputed, row)).or_default().recomputed.push_back(row);
    }
    let mut differences = Vec::new();
    for (key, mut pair) in pairs {
        let name = named(table, &key);
        loop {
            match (pair.posted.pop_front(), pair.recomputed.pop_front()) {
                (Some(one), Some(other)) => differences.extend(columns((posted, one), (recomputed, other), &name)),
                (None, None) => break,
                (one, other) => differences.push(Difference {
                    table: table.name(),
                    row: name.clone(),
                    column: None,
                    posted: one.map(|row| summary(posted, row)),
                    recomputed: other.map(|row| summary(recomputed, row)),
                }),
            }
        }
    }
    differences
}

/// A file that is not as recorded: an edit, even where the rows of the account, or what can be computed of them, are the same.
pub(super) fn edited(table: Table, file: &EditedFile) -> Difference {
    Difference {
        table: table.name(),
        row: file.path.clone(),
        column: Some("file size"),
        posted: Some(format!("{} bytes", file.size)),
        recomputed: Some(format!("{} bytes in the commit record", file.recorded)),
    }
}

fn columns(posted: (TableRows<'_>, usize), recomputed: (TableRows<'_>, usize), name: &str) -> Vec<Difference> {
    let table = posted.0.table;
    let differing = table.columns().iter().filter_map(|column| {
        let one = posted.0.text(posted.1, column.name);
        let other = recomputed.0.text(recomputed.1, column.name);
        (one != other).then(|| Difference {
            table: table.name(),
            row: name.to_owned(),
            column: Some(column.name),
            posted: one,
            recomputed: other,
        })
    });
    differing.collect()
}

fn key(rows: TableRows<'_>, row: usize) -> Vec<Option<String>> {
    let columns = rows.table.sorted_by().iter();
    columns.map(|column| rows.text(row, column)).collect()
}

/// A row for people: its key columns, without the account, which is the same for all.
fn named(table: Table, key: &[Option<String>]) -> String {
    let columns = table.sorted_by().iter().zip(key);
    let shown: Vec<String> = columns
        .filter(|(column, _)| **column != "account_id")
        .filter_map(|(column, value)| Some(format!("{column} {}", value.as_deref()?)))
        .collect();
    if shown.is_empty() {
        "the account's row".to_owned()
    } else {
        shown.join(", ")
    }
}

/// The columns of a row that are no part of its key.
fn summary(rows: TableRows<'_>, row: usize) -> String {
    let table = rows.table;
    let columns = table
        .columns()
        .iter()
        .filter(|column| !table.sorted_by().contains(&column.name));
    let shown: Vec<String> = columns
        .filter_map(|column| Some(format!("{} {}", column.name, rows.text(row, column.name)?)))
        .collect();
    shown.join(", ")
}

//! What an account was billed day by day, from the first of a month on.

use std::collections::BTreeMap;

use chrono::Datelike;

use crate::ledger::batch::Ledger;
use crate::ledger::posted::Posted;
use crate::ledger::tables::Table;
use crate::units::quantity::{AccountId, BillingDay, Cents, OutOfRange};

use super::error::ExplainError;
use super::rows::TableRows;

/// The settled days of a month up to one of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Month {
    /// The first day of the month, settled or not.
    pub first: BillingDay,
    /// Settled days, ascending.
    pub days: Vec<DayBills>,
}

/// What one day was billed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayBills {
    /// The day; of a bill over several days the last one.
    pub day: BillingDay,
    /// Amounts by item, by the items' ids; only items with bills.
    pub amounts: Vec<(String, Cents)>,
}

/// Reads the bills that were posted for an account in the batches of a month, up to those of `day`. One batch a day at least, of
/// each the bills of that account alone.
///
/// # Errors
/// [`ExplainError`] when a batch is not as recorded, or a sum leaves its range.
pub fn month(ledger: &Ledger, account: AccountId, day: BillingDay) -> Result<Month, ExplainError> {
    let first = BillingDay::from_date(day.date().with_day(1).expect("every month has a first day"));
    let mut days: BTreeMap<BillingDay, BTreeMap<String, Cents>> = BTreeMap::new();
    for batch in ledger
        .batches()
        .iter()
        .filter(|batch| (first..=day).contains(&batch.day))
    {
        days.entry(batch.day).or_default();
        let record = ledger.record(*batch)?;
        let posted = Posted::new(ledger, &record);
        // The day's own rows are compared with the rules, those of the other days are believed.
        let rows = if batch.day == day {
            posted.rows_as_found(Table::Bills, account)?.rows
        } else {
            posted.rows(Table::Bills, account)?
        };
        let rows = TableRows {
            table: Table::Bills,
            batch: &rows,
        };
        for row in 0..rows.len() {
            let Some(billed) = days.get_mut(&rows.day(row, "period_end")) else {
                continue;
            };
            let amount = i64::try_from(rows.units(row, "amount")).map_err(|_| OutOfRange { what: "amount" })?;
            let sum = billed.entry(rows.must(row, "item")).or_default();
            *sum = sum.plus(Cents::from_units(amount))?;
        }
    }
    let days = days.into_iter().map(|(day, amounts)| DayBills {
        day,
        amounts: amounts.into_iter().collect(),
    });
    Ok(Month {
        first,
        days: days.collect(),
    })
}

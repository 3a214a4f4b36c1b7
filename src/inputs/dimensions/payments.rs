//! `payments` (SPEC 2.5): money that came in or went out.
//!
//! Tens of millions of rows: ids are not kept. Duplicates among them are found by sorting 64-bit hashes, and are
//! certain only after a second look at the rows whose hashes are equal; so no chance collision becomes an error.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use rayon::slice::ParallelSliceMut;

use crate::rules::facts::Payment;
use crate::store::StoreError;
use crate::units::quantity::{Cents, Instant};

use super::accounts::{AccountIndex, column};
use super::compact::Starts;
use super::errors::{Complaint, Complaints};
use super::fields::{self, show_text};
use super::files::InputFiles;
use super::optional::account_position;
use super::read::{Column, Kind};
use super::rows::{Context, ReadRows, Row, each_row};

const COLUMNS: &[Column] = &[
    column("payment_id", Kind::Text, true),
    column("account_id", Kind::Integer, true),
    column("paid_at", Kind::Timestamp, true),
    column("amount", Kind::Decimal, true),
];
const PAYMENT_ID: usize = 0;
const ACCOUNT_ID: usize = 1;
const PAID_AT: usize = 2;
const AMOUNT: usize = 3;

/// How many equal hashes are looked at in one pass over the files.
const LOOKED_AT_ONCE: usize = 1_000;

/// Every payment, by (account, `paid_at`, amount): sorted where it was read, for two copies of the largest dimension
/// would be the peak of memory.
#[derive(Debug, Default)]
pub(super) struct Payments {
    starts: Starts,
    rows: Vec<PaymentRow>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct PaymentRow {
    account: u32,
    paid_at: i64,
    amount: i64,
}

impl Payments {
    /// The payments of an account.
    pub(super) fn of(&self, account: u32) -> Vec<Payment> {
        self.rows[self.starts.rows(account)]
            .iter()
            .map(|row| Payment {
                paid_at: Instant::from_micros(row.paid_at),
                amount: Cents::from_units(row.amount),
            })
            .collect()
    }
}

/// Reads the payments of known accounts.
pub(super) fn load(
    input: &InputFiles,
    context: &Context<'_>,
    accounts: &AccountIndex,
    complaints: &mut Complaints,
) -> Result<(Payments, ReadRows), StoreError> {
    let mut rows = Vec::new();
    let mut hashes = Vec::new();
    let read = each_row(input, COLUMNS, complaints, &mut |row| {
        hashes.push(hash(&row.required(PAYMENT_ID, fields::text)?));
        rows.push(parse(row, context, accounts)?);
        Ok(())
    })?;
    complain_of_duplicates(input, &read, hashes, complaints)?;
    rows.par_sort_unstable();
    rows.shrink_to_fit();
    let starts = Starts::new(accounts.len(), rows.iter().map(|row| row.account));
    Ok((Payments { starts, rows }, read))
}

fn parse(row: &Row<'_>, context: &Context<'_>, accounts: &AccountIndex) -> Result<PaymentRow, Complaint> {
    Ok(PaymentRow {
        account: row.read(ACCOUNT_ID, |value| account_position(value, accounts))?,
        paid_at: row.required(PAID_AT, |value| context.bounds.instant(value))?.micros(),
        amount: row.required(AMOUNT, fields::hundredths)?,
    })
}

/// The same in every run, so that errors are too.
fn hash(id: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    hasher.finish()
}

fn complain_of_duplicates(
    input: &InputFiles,
    read: &ReadRows,
    mut hashes: Vec<u64>,
    complaints: &mut Complaints,
) -> Result<(), StoreError> {
    hashes.par_sort_unstable();
    let mut suspects: Vec<u64> = hashes
        .windows(2)
        .filter_map(|pair| (pair[0] == pair[1]).then_some(pair[0]))
        .collect();
    drop(hashes);
    suspects.dedup();
    for suspects in suspects.chunks(LOOKED_AT_ONCE) {
        look_again(input, read, suspects, complaints)?;
    }
    Ok(())
}

fn look_again(
    input: &InputFiles,
    read: &ReadRows,
    suspects: &[u64],
    complaints: &mut Complaints,
) -> Result<(), StoreError> {
    let mut first_of: HashMap<String, u32> = HashMap::new();
    each_row(input, &COLUMNS[..=PAYMENT_ID], complaints, &mut |row| {
        let Ok(Some(id)) = row.read(PAYMENT_ID, fields::text) else {
            return Ok(());
        };
        if suspects.binary_search(&hash(&id)).is_err() {
            return Ok(());
        }
        match first_of.get(id.as_ref()) {
            Some(&first) => {
                let duplicate = read
                    .origins
                    .duplicate("payment_id", &show_text(&id), first, row.ordinal());
                Err(row.complain(PAYMENT_ID, duplicate.message))
            }
            None => {
                first_of.insert(id.into_owned(), row.ordinal());
                Ok(())
            }
        }
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::super::files::InputFile;
    use super::*;

    #[test]
    fn equal_hashes_of_different_ids_are_no_duplicates() {
        let csv = Bytes::from_static(b"payment_id,account_id,paid_at,amount\na,,,\nb,,,\nb,,,\n");
        let input = InputFiles {
            dimension: "payments",
            files: vec![InputFile::in_memory("p.csv".to_owned(), csv).expect("CSV")],
        };
        let mut complaints = Complaints::default();
        let read = each_row(&input, COLUMNS, &mut complaints, &mut |_| Ok(())).expect("in memory");
        complain_of_duplicates(&input, &read, vec![hash("a"), hash("b"), hash("a")], &mut complaints)
            .expect("in memory");
        std::mem::take(&mut complaints).into_result().expect("a is there once");
        complain_of_duplicates(&input, &read, vec![hash("b"), hash("a"), hash("b")], &mut complaints)
            .expect("in memory");
        complaints.into_result().expect_err("b is there twice");
    }
}

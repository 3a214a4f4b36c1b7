//! One account through all batches: what each posted for it. Reads history, so for people who ask, not for nights.

use crate::rules::dunning::Standing;
use crate::units::quantity::{AccountId, Cents, Instant};

use super::batch::{Ledger, LedgerError};
use super::read::{Columns, TableReader, files_of};
use super::record::{BatchId, CommitRecord};
use super::state::{standings, units};
use super::tables::Table;

/// What a batch says of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountNight {
    /// The batch.
    pub batch: BatchId,
    /// Its billing time.
    pub billed_at: Instant,
    /// The balance before.
    pub opening: Cents,
    /// Payments that it counted.
    pub paid: Cents,
    /// What it charged.
    pub charged: Cents,
    /// The balance after.
    pub closing: Cents,
    /// What the balance had made of the account.
    pub standing: Standing,
    /// The state that it shows.
    pub state: String,
}

/// A row of `flags` as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostedFlag {
    /// The app; 0: the whole account.
    pub app: i64,
    /// The product.
    pub product: String,
    /// What is the matter.
    pub flag: String,
    /// Since when.
    pub since: Option<Instant>,
    /// When the next stage comes.
    pub deadline: Option<Instant>,
    /// When rooms must be stopped at the latest.
    pub stop_rooms_by: Option<Instant>,
    /// What enforcement does, `;`-joined.
    pub actions: String,
}

/// What every batch says of an account, in their order; batches that do not know it are left out.
///
/// # Errors
/// [`LedgerError`] when a batch is not as recorded.
pub fn account_nights(ledger: &Ledger, account: AccountId) -> Result<Vec<AccountNight>, LedgerError> {
    let mut nights = Vec::new();
    for batch in ledger.batches() {
        let record = ledger.record(*batch)?;
        let billed_at = record.billed_at().map_err(|message| LedgerError::Damaged {
            path: format!("_batches/{batch}.json"),
            message,
        })?;
        const COLUMNS: &[&str] = &[
            "account_id",
            "opening",
            "paid",
            "charged",
            "closing",
            "state",
            "overdue_since",
            "suspend_at",
            "suspended_at",
            "remove_at",
        ];
        let night = |columns: &Columns<'_>, row: usize| -> Result<AccountNight, LedgerError> {
            let cents = |name| -> Result<Cents, LedgerError> {
                Ok(Cents::from_units(units(columns, columns.decimal(name)?, row)?))
            };
            let standing = standings(columns)?(row);
            let state = columns.text("state")?.value(row).to_owned();
            Ok(AccountNight {
                batch: *batch,
                billed_at,
                opening: cents("opening")?,
                paid: cents("paid")?,
                charged: cents("charged")?,
                closing: cents("closing")?,
                standing: match standing {
                    // Beneath a violation only the date tells.
                    Standing::Suspended(dates) if dates.remove_at <= billed_at => Standing::Removed(dates),
                    standing => standing,
                },
                state,
            })
        };
        nights.extend(rows_of(ledger, &record, Table::Accounts, COLUMNS, account, night)?);
    }
    Ok(nights)
}

/// The account's flags in the last batch.
///
/// # Errors
/// [`LedgerError`] when the batch is not as recorded.
pub fn flags_now(ledger: &Ledger, account: AccountId) -> Result<Vec<PostedFlag>, LedgerError> {
    const COLUMNS: &[&str] = &[
        "account_id",
        "sdk_app_id",
        "product",
        "flag",
        "since",
        "deadline",
        "stop_rooms_by",
        "actions",
    ];
    let Some(last) = ledger.batches().last() else {
        return Ok(Vec::new());
    };
    let flag = |columns: &Columns<'_>, row: usize| -> Result<PostedFlag, LedgerError> {
        let text = |name| columns.text(name).map(|column| column.value(row).to_owned());
        let instant = |name| columns.instants(name).map(|column| column.at(row));
        Ok(PostedFlag {
            app: columns.int64("sdk_app_id")?.value(row),
            product: text("product")?,
            flag: text("flag")?,
            since: instant("since")?,
            deadline: instant("deadline")?,
            stop_rooms_by: instant("stop_rooms_by")?,
            actions: text("actions")?,
        })
    };
    rows_of(ledger, &ledger.record(*last)?, Table::Flags, COLUMNS, account, flag)
}

/// An account's rows of a table of a batch, in the table's order.
fn rows_of<T>(
    ledger: &Ledger,
    record: &CommitRecord,
    table: Table,
    columns: &'static [&'static str],
    account: AccountId,
    row: impl Fn(&Columns<'_>, usize) -> Result<T, LedgerError>,
) -> Result<Vec<T>, LedgerError> {
    let id = account.get();
    let mut files = files_of(record, table);
    files.retain(|file| file.accounts.is_some_and(|(low, high)| low <= id && id <= high));
    let mut reader = TableReader::of_files(ledger.store().clone(), files, columns).only_accounts(id, id);
    let mut rows = Vec::new();
    while let Some(batch) = reader.next_batch()? {
        let path = reader.path().to_owned();
        let columns = Columns {
            batch: &batch,
            path: &path,
        };
        let accounts = columns.int64("account_id")?;
        for at in (0..batch.num_rows()).filter(|at| accounts.value(*at) == id) {
            rows.push(row(&columns, at)?);
        }
    }
    Ok(rows)
}

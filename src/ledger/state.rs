//! Where every account stood at the end of a settled day: the snapshots of its batch, plus what later batches posted for
//! days up to it. Read in account order, never all at once.

mod decisions;

use std::collections::BTreeMap;
use std::vec;

use arrow::array::Decimal128Array;

use crate::catalog::book::Book;
use crate::rules::account_day::GrantStatus;
use crate::rules::dunning::{Overdue, Standing, Suspended};
use crate::rules::facts::{ExhaustedApp, Opening, OpeningGrant};
use crate::units::quantity::{AccountId, BillingDay, Cents, Instant, Quota};

use super::batch::{Ledger, LedgerError};
use super::read::{Columns, TableReader, damaged, files_of};
use super::record::{BatchId, TableFile};
use super::tables::Table;
use decisions::{CarriedRow, FlagRow};

/// An account at the end of a settled day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountState {
    /// The account.
    pub account: AccountId,
    /// Balance, payments, grants, standing, and what earlier batches decided.
    pub opening: Opening,
    /// Digest of the dated facts that its batch knew; 0 for an account that only later batches know.
    pub facts: i64,
    /// Those of its grants whose last day it was.
    pub expired: Vec<String>,
}

/// Account states in account order.
pub struct StateReader {
    accounts: RowStream<AccountRow>,
    grants: RowStream<GrantRow>,
    flags: RowStream<ExhaustedApp>,
    carried: RowStream<CarriedRow>,
    /// One stream for each later batch that posted for days up to the one asked for.
    later: Vec<RowStream<DeductionRow>>,
}

/// The state at the end of `day`; empty when `day` is None (before the first settled day).
///
/// Balances, payments, grants and decisions are those of the last batch of the day (`.00`, or the last posting after it).
/// What batches of later days deducted for days up to `day` is added to `used`; the money of such corrections belongs to
/// the batch that posted it. The book names the plans and products that the tables do.
///
/// # Errors
/// [`LedgerError`] when the day is not settled, its files are not as recorded, or the book lacks a plan that was renewed.
pub fn state_at(ledger: &Ledger, book: &Book, day: Option<BillingDay>) -> Result<StateReader, LedgerError> {
    let store = ledger.store();
    let Some(day) = day else {
        let none = || TableReader::of_files(store.clone(), Vec::new(), &[]);
        return Ok(StateReader {
            accounts: RowStream::new(none(), AccountRow::read),
            grants: RowStream::new(none(), GrantRow::read),
            flags: RowStream::new(none(), FlagRow::reader(book)),
            carried: RowStream::new(none(), CarriedRow::reader(book)),
            later: Vec::new(),
        });
    };
    let of_day = ledger.batches().iter().rev().find(|batch| batch.day == day);
    let base = *of_day.ok_or(LedgerError::NotSettled { day })?;
    let record = ledger.record(base)?;
    let mut later = Vec::new();
    for batch in ledger.batches().iter().filter(|batch| **batch > base) {
        let mut files = files_of(&ledger.record(*batch)?, Table::Deductions);
        files.retain(|file| begins_by(file, day));
        if !files.is_empty() {
            let reader = TableReader::of_files(store.clone(), files, DeductionRow::COLUMNS);
            later.push(RowStream::new(reader, move |columns| DeductionRow::read(columns, day)));
        }
    }
    let snapshot = |table, columns| TableReader::new(store.clone(), &record, table, columns);
    Ok(StateReader {
        accounts: RowStream::new(snapshot(Table::Accounts, AccountRow::COLUMNS), AccountRow::read),
        grants: RowStream::new(snapshot(Table::Grants, GrantRow::COLUMNS), GrantRow::read),
        flags: RowStream::new(snapshot(Table::Flags, FlagRow::COLUMNS), FlagRow::reader(book)),
        carried: RowStream::new(snapshot(Table::Carried, CarriedRow::COLUMNS), CarriedRow::reader(book)),
        later,
    })
}

/// One account as a batch left it: its snapshots, without what later batches posted. None when the batch does not know it.
///
/// # Errors
/// [`LedgerError`] when the batch is not there or its files are not as recorded.
pub fn account_after(
    ledger: &Ledger,
    book: &Book,
    batch: BatchId,
    account: AccountId,
) -> Result<Option<AccountState>, LedgerError> {
    let (record, id) = (ledger.record(batch)?, account.get());
    let reader = |table, columns| {
        let mut files = files_of(&record, table);
        files.retain(|file| holds(file, (id, id)));
        TableReader::of_files(ledger.store().clone(), files, columns).only_accounts(id, id)
    };
    let mut states = StateReader {
        accounts: RowStream::new(reader(Table::Accounts, AccountRow::COLUMNS), move |columns| {
            Ok(only(AccountRow::read(columns)?, id))
        }),
        grants: RowStream::new(reader(Table::Grants, GrantRow::COLUMNS), move |columns| {
            Ok(only(GrantRow::read(columns)?, id))
        }),
        flags: RowStream::new(reader(Table::Flags, FlagRow::COLUMNS), {
            let read = FlagRow::reader(book);
            move |columns| Ok(only(read(columns)?, id))
        }),
        carried: RowStream::new(reader(Table::Carried, CarriedRow::COLUMNS), {
            let read = CarriedRow::reader(book);
            move |columns| Ok(only(read(columns)?, id))
        }),
        later: Vec::new(),
    };
    states.next().transpose()
}

fn only<T>(mut rows: Vec<(i64, T)>, account: i64) -> Vec<(i64, T)> {
    rows.retain(|(other, _)| *other == account);
    rows
}

/// Whether a file may have rows of accounts in a range.
fn holds(file: &TableFile, (first, last): (i64, i64)) -> bool {
    file.accounts.is_some_and(|(low, high)| low <= last && first <= high)
}

/// What earlier batches say of the grants of a range of accounts: for the rare grant that the last snapshot does not have
/// although it is older, because a fact that came late has changed its days. A batch is read once, when it is first asked.
pub struct Listings<'a> {
    ledger: &'a Ledger,
    accounts: (i64, i64),
    /// Only batches before this one are asked.
    before: Option<BatchId>,
    read: BTreeMap<BatchId, BTreeMap<(i64, String), OpeningGrant>>,
}

impl<'a> Listings<'a> {
    /// Of the accounts from `first` to `last`; reads nothing yet.
    pub fn new(ledger: &'a Ledger, first: AccountId, last: AccountId) -> Self {
        Self {
            ledger,
            accounts: (first.get(), last.get()),
            before: None,
            read: BTreeMap::new(),
        }
    }

    /// Asks only batches before this one.
    pub fn before(mut self, batch: BatchId) -> Self {
        self.before = Some(batch);
        self
    }

    /// What the latest batch that lists a grant says of it, looking back to the batches of day `since`; None when none of
    /// them lists it.
    ///
    /// # Errors
    /// [`LedgerError`] when a batch is not as recorded.
    pub fn latest(
        &mut self,
        account: AccountId,
        grant_id: &str,
        since: BillingDay,
    ) -> Result<Option<OpeningGrant>, LedgerError> {
        let ledger = self.ledger;
        let key = (account.get(), grant_id.to_owned());
        let before = self.before;
        let earlier = ledger
            .batches()
            .iter()
            .rev()
            .filter(|batch| before.is_none_or(|bound| **batch < bound));
        for batch in earlier.take_while(|batch| batch.day >= since) {
            if !self.read.contains_key(batch) {
                let grants = self.read_batch(*batch)?;
                self.read.insert(*batch, grants);
            }
            if let Some(grant) = self.read[batch].get(&key) {
                return Ok(Some(grant.clone()));
            }
        }
        Ok(None)
    }

    fn read_batch(&self, batch: BatchId) -> Result<BTreeMap<(i64, String), OpeningGrant>, LedgerError> {
        let (first, last) = self.accounts;
        let mut files = files_of(&self.ledger.record(batch)?, Table::Grants);
        files.retain(|file| holds(file, (first, last)));
        let reader = TableReader::of_files(self.ledger.store().clone(), files, GrantRow::COLUMNS);
        let mut rows = RowStream::new(reader.only_accounts(first, last), GrantRow::read);
        let mut grants = BTreeMap::new();
        while let Some(account) = rows.peek_account()?.filter(|account| *account <= last) {
            while let Some(row) = rows.next_of(account)? {
                if account >= first {
                    grants.insert((account, row.grant.id.clone()), row.grant);
                }
            }
        }
        Ok(grants)
    }
}

/// Whether a file may have rows of days up to `day`. Days are written so that they sort as text.
fn begins_by(file: &TableFile, day: BillingDay) -> bool {
    file.days.as_ref().is_some_and(|(first, _)| *first <= day.to_string())
}

impl Iterator for StateReader {
    type Item = Result<AccountState, LedgerError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

impl StateReader {
    fn read(&mut self) -> Result<Option<AccountState>, LedgerError> {
        let mut next = self.accounts.peek_account()?;
        for later in &mut self.later {
            next = [next, later.peek_account()?].into_iter().flatten().min();
        }
        self.grants.check_orphans(next)?;
        self.flags.check_orphans(next)?;
        self.carried.check_orphans(next)?;
        let Some(id) = next else {
            return Ok(None);
        };
        let account =
            AccountId::new(id).ok_or_else(|| damaged(self.accounts.reader.path(), format!("{id} is no account")))?;
        let mut state = AccountState {
            account,
            opening: Opening::default(),
            facts: 0,
            expired: Vec::new(),
        };
        if let Some(row) = self.accounts.next_of(id)? {
            state.opening.balance = row.closing;
            state.opening.paid_total = row.paid_total;
            state.opening.standing = row.standing;
            state.facts = row.facts;
        }
        while let Some(row) = self.grants.next_of(id)? {
            if row.is_expired {
                state.expired.push(row.grant.id.clone());
            }
            state.opening.grants.push(row.grant);
        }
        while let Some(app) = self.flags.next_of(id)? {
            state.opening.exhausted.push(app);
        }
        while let Some(row) = self.carried.next_of(id)? {
            row.add_to(&mut state.opening.carried);
        }
        state.opening.standing = removed(state.opening.standing, &state.opening.carried.removals);
        for later in &mut self.later {
            while let Some(row) = later.next_of(id)? {
                add_used(&mut state.opening.grants, row)
                    .ok_or_else(|| damaged(later.reader.path(), format!("the quota of account {id} overflows")))?;
            }
        }
        Ok(Some(state))
    }
}

/// Adds what a later batch deducted; a grant that the snapshot does not have was only known later.
fn add_used(grants: &mut Vec<OpeningGrant>, row: DeductionRow) -> Option<()> {
    if let Some(grant) = grants.iter_mut().find(|grant| grant.id == row.grant_id) {
        grant.used = grant.used.plus(row.quota).ok()?;
    } else {
        grants.push(OpeningGrant {
            id: row.grant_id,
            opening: Quota::ZERO,
            used: row.quota,
        });
    }
    Some(())
}

/// A table's rows one by one, in account order.
struct RowStream<T> {
    reader: TableReader,
    decode: Box<Decode<T>>,
    rows: std::iter::Peekable<vec::IntoIter<(i64, T)>>,
    last: i64,
}

/// Turns a batch into rows with their accounts.
type Decode<T> = dyn Fn(&Columns<'_>) -> Result<Vec<(i64, T)>, LedgerError> + Send;

impl<T> RowStream<T> {
    fn new(
        reader: TableReader,
        decode: impl Fn(&Columns<'_>) -> Result<Vec<(i64, T)>, LedgerError> + Send + 'static,
    ) -> Self {
        Self {
            reader,
            decode: Box::new(decode),
            rows: Vec::new().into_iter().peekable(),
            last: i64::MIN,
        }
    }

    /// The account of the next row.
    fn peek_account(&mut self) -> Result<Option<i64>, LedgerError> {
        loop {
            if let Some((account, _)) = self.rows.peek() {
                return Ok(Some(*account));
            }
            let Some(batch) = self.reader.next_batch()? else {
                return Ok(None);
            };
            let columns = Columns {
                batch: &batch,
                path: self.reader.path(),
            };
            let rows = (self.decode)(&columns)?;
            for (account, _) in &rows {
                if *account < self.last {
                    return Err(damaged(
                        columns.path,
                        format!("account {account} stands behind {}", self.last),
                    ));
                }
                self.last = *account;
            }
            self.rows = rows.into_iter().peekable();
        }
    }

    /// Every row belongs to an account: none may come before the next one that there is.
    fn check_orphans(&mut self, next: Option<i64>) -> Result<(), LedgerError> {
        match self.peek_account()? {
            Some(owner) if next.is_none_or(|next| owner < next) => {
                let message = format!("has rows of account {owner}, which accounts does not have");
                Err(damaged(self.reader.path(), message))
            }
            _ => Ok(()),
        }
    }

    /// The next row if it is of this account.
    fn next_of(&mut self, account: i64) -> Result<Option<T>, LedgerError> {
        if self.peek_account()? != Some(account) {
            return Ok(None);
        }
        Ok(self.rows.next().map(|(_, row)| row))
    }
}

/// What the dates of a row of `accounts` say; a removed account as a suspended one.
pub(super) fn standings<'a>(columns: &Columns<'a>) -> Result<impl Fn(usize) -> Standing + use<'a>, LedgerError> {
    let since = columns.instants("overdue_since")?;
    let suspend_at = columns.instants("suspend_at")?;
    let suspended_at = columns.instants("suspended_at")?;
    let remove_at = columns.instants("remove_at")?;
    Ok(move |row| {
        let overdue = since.at(row).zip(suspend_at.at(row));
        let overdue = overdue.map(|(since, suspend_at)| Overdue { since, suspend_at });
        match (overdue, suspended_at.at(row).zip(remove_at.at(row))) {
            (None, _) => Standing::Active,
            (Some(overdue), None) => Standing::Overdue(overdue),
            (Some(overdue), Some((suspended_at, remove_at))) => Standing::Suspended(Suspended {
                overdue,
                suspended_at,
                remove_at,
            }),
        }
    })
}

/// A removed account shows its dates as a suspended one does, and beneath a violation not even its state.
fn removed(standing: Standing, removals: &[Instant]) -> Standing {
    match standing {
        Standing::Suspended(dates) if removals.contains(&dates.remove_at) => Standing::Removed(dates),
        standing => standing,
    }
}

struct AccountRow {
    closing: Cents,
    paid_total: Cents,
    /// Removed accounts as suspended ones.
    standing: Standing,
    facts: i64,
}

impl AccountRow {
    const COLUMNS: &'static [&'static str] = &[
        "account_id",
        "closing",
        "paid_total",
        "overdue_since",
        "suspend_at",
        "suspended_at",
        "remove_at",
        "facts",
    ];

    fn read(columns: &Columns<'_>) -> Result<Vec<(i64, Self)>, LedgerError> {
        let (accounts, facts) = (columns.int64("account_id")?, columns.int64("facts")?);
        let (closing, paid_total) = (columns.decimal("closing")?, columns.decimal("paid_total")?);
        let standing = standings(columns)?;
        let row = |row: usize| -> Result<Self, LedgerError> {
            Ok(Self {
                closing: Cents::from_units(units(columns, closing, row)?),
                paid_total: Cents::from_units(units(columns, paid_total, row)?),
                standing: standing(row),
                facts: facts.value(row),
            })
        };
        (0..accounts.len())
            .map(|at| Ok((accounts.value(at), row(at)?)))
            .collect()
    }
}

struct GrantRow {
    grant: OpeningGrant,
    is_expired: bool,
}

impl GrantRow {
    const COLUMNS: &'static [&'static str] = &["account_id", "grant_id", "opening", "used", "status"];

    fn read(columns: &Columns<'_>) -> Result<Vec<(i64, Self)>, LedgerError> {
        let accounts = columns.int64("account_id")?;
        let (ids, status) = (columns.text("grant_id")?, columns.text("status")?);
        let (opening, used) = (columns.decimal("opening")?, columns.decimal("used")?);
        let row = |row: usize| -> Result<Self, LedgerError> {
            let grant = OpeningGrant {
                id: ids.value(row).to_owned(),
                opening: Quota::from_units(units(columns, opening, row)?),
                used: Quota::from_units(units(columns, used, row)?),
            };
            let is_expired = status.value(row) == GrantStatus::Expired.as_str();
            Ok(Self { grant, is_expired })
        };
        (0..accounts.len())
            .map(|at| Ok((accounts.value(at), row(at)?)))
            .collect()
    }
}

struct DeductionRow {
    grant_id: String,
    quota: Quota,
}

impl DeductionRow {
    const COLUMNS: &'static [&'static str] = &["account_id", "day", "grant_id", "quota"];

    /// The rows of days up to `last`.
    fn read(columns: &Columns<'_>, last: BillingDay) -> Result<Vec<(i64, Self)>, LedgerError> {
        let (accounts, days) = (columns.int64("account_id")?, columns.date("day")?);
        let (ids, quota) = (columns.text("grant_id")?, columns.decimal("quota")?);
        let row = |row: usize| -> Result<Self, LedgerError> {
            Ok(Self {
                grant_id: ids.value(row).to_owned(),
                quota: Quota::from_units(units(columns, quota, row)?),
            })
        };
        (0..accounts.len())
            .filter(|at| days.value(*at) <= last.epoch_days())
            .map(|at| Ok((accounts.value(at), row(at)?)))
            .collect()
    }
}

/// A decimal(18,2) as hundredths.
pub(super) fn units(columns: &Columns<'_>, column: &Decimal128Array, row: usize) -> Result<i64, LedgerError> {
    let units = column.value(row);
    i64::try_from(units).map_err(|_| damaged(columns.path, format!("{units} hundredths are beyond 18 digits")))
}

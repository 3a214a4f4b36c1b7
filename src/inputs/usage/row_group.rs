//! One row group, from its bytes to sums and rejects.

use std::cell::Cell;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::inputs::rejects::RejectKeeper;

use super::bounds::BATCH_ROWS;
use super::columns::{ROLES, Role};
use super::decode::{ColumnDecoder, Values};
use super::error::{Fault, ScanError};
use super::footer::{RowGroup, UsageFile};
use super::group_bytes::{Fetched, GroupBytes};
use super::groups::{Runs, Table};
use super::ids;
use super::judge::{Batch, Judge, Rules, Verdict};
use super::pages::{FaultSlot, LargePagePermit};
use super::panics;
use super::scan::Way;

/// What a row group added.
pub(super) struct Found {
    pub accepted_rows: u64,
    pub accepted_seconds: i64,
    pub rejected_rows: u64,
    pub rejects: RejectKeeper,
    /// How it was read.
    pub way: Way,
}

/// What row groups are read into.
pub(super) struct Sums<'a> {
    /// This thread's table.
    pub table: &'a mut Table,
    /// Where it goes when it is full.
    pub runs: &'a Runs,
    /// How many rejected rows to keep at most.
    pub keep_rejects: usize,
    /// Held by the one thread that reads large pages.
    pub large_pages: &'a Arc<LargePages>,
    /// Told how many rows have been read.
    pub progress: &'a (dyn Fn(u64) + Sync),
}

/// Lets one thread at a time read large pages, so that memory does not grow with threads.
#[derive(Default)]
pub(super) struct LargePages {
    taken: Mutex<bool>,
    freed: std::sync::Condvar,
}

impl LargePages {
    fn lock(&self) -> MutexGuard<'_, bool> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn acquire(&self) {
        let mut taken = self.lock();
        while *taken {
            taken = self.freed.wait(taken).unwrap_or_else(PoisonError::into_inner);
        }
        *taken = true;
    }

    fn release(&self) {
        *self.lock() = false;
        self.freed.notify_one();
    }
}

/// The turn of one row group at large pages: taken at its first one, given back at its end.
pub(super) struct Turn {
    large_pages: Arc<LargePages>,
    mine: Mutex<bool>,
}

impl Turn {
    /// A turn that has not been taken.
    pub(super) fn new(large_pages: &Arc<LargePages>) -> Arc<Self> {
        Arc::new(Self {
            large_pages: Arc::clone(large_pages),
            mine: Mutex::new(false),
        })
    }

    /// What takes it.
    pub(super) fn permit(self: &Arc<Self>) -> LargePagePermit {
        let turn = Arc::clone(self);
        Arc::new(move || turn.take())
    }

    fn take(&self) {
        let mut mine = self.mine.lock().unwrap_or_else(PoisonError::into_inner);
        if !*mine {
            self.large_pages.acquire();
            *mine = true;
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if *self.mine.lock().unwrap_or_else(PoisonError::into_inner) {
            self.large_pages.release();
        }
    }
}

/// Reads a row group: on dictionary ids where the scan asks for it and the row group allows it, else by value. After
/// an error the sums are not to be used.
pub(super) fn read_row_group<'a>(
    file: &UsageFile,
    group: &RowGroup,
    bytes: GroupBytes,
    rules: Rules<'a>,
    sums: Sums<'_>,
    scratch: Option<&mut ids::Scratch<'a>>,
) -> Result<Found, ScanError> {
    // Which column is being decoded, for the message when the decoder panics.
    let column: Cell<Option<Role>> = Cell::new(None);
    let read = || {
        let fetched = Fetched::new(bytes, group)?;
        let mut sums = sums;
        if let Some(scratch) = scratch
            && let ids::Outcome::Done(found) = ids::read(file, group, &fetched, &rules, &mut sums, scratch)?
        {
            return Ok(found);
        }
        read_by_value(file, group, &fetched, rules, sums, &column)
    };
    let outcome = panics::catch(read).unwrap_or_else(|panic| {
        Err(Fault::Bad(format!(
            "it cannot be decoded, the file is corrupt: {panic}"
        )))
    });
    outcome.map_err(|fault| fault.at(file.source.path(), Some(group.ordinal), column.get().map(Role::name)))
}

fn read_by_value(
    file: &UsageFile,
    group: &RowGroup,
    fetched: &Fetched,
    rules: Rules<'_>,
    sums: Sums<'_>,
    column: &Cell<Option<Role>>,
) -> Result<Found, Fault> {
    let turn = Turn::new(sums.large_pages);
    let mut decoders = decoders(file, group, fetched, &turn, column)?;
    let mut judge = Judge::new(rules);
    let mut found = Found {
        accepted_rows: 0,
        accepted_seconds: 0,
        rejected_rows: 0,
        rejects: RejectKeeper::new(sums.keep_rejects),
        way: Way::ByValue,
    };
    let mut done = 0;
    while done < group.rows {
        let rows = usize::try_from(group.rows - done).map_or(BATCH_ROWS, |left| left.min(BATCH_ROWS));
        let mut values = [const { None }; ROLES];
        for ((slot, decoder), role) in values.iter_mut().zip(&mut decoders).zip(Role::ALL) {
            column.set(Some(role));
            *slot = decoder.as_mut().map(|decoder| decoder.next(rows)).transpose()?;
        }
        column.set(None);
        let first_row = group.first_row + done;
        read_batch(file, values, (first_row, rows), &mut judge, sums.table, &mut found)?;
        if sums.table.is_full() {
            sums.runs.push(sums.table.drain());
        }
        let read = u64::try_from(rows).expect("usize has at most 64 bits");
        done += read;
        (sums.progress)(read);
    }
    Ok(found)
}

fn read_batch(
    file: &UsageFile,
    values: [Option<Values>; ROLES],
    (first_row, rows): (u64, usize),
    judge: &mut Judge<'_>,
    table: &mut Table,
    found: &mut Found,
) -> Result<(), Fault> {
    let path = file.source.path();
    let batch = Batch::new(values).map_err(|role| {
        Fault::Bad(format!(
            "column {} was decoded to another type than it has",
            role.name()
        ))
    })?;
    judge.begin(&batch);
    let too_large = || Fault::bad("the sum of seconds is out of range");
    for (row, number) in (0..rows).zip(first_row + 1..) {
        match judge.judge(&batch, row) {
            Verdict::OtherDay => {}
            Verdict::Accepted { key, seconds } => {
                found.accepted_rows += 1;
                found.accepted_seconds = found.accepted_seconds.checked_add(seconds).ok_or_else(too_large)?;
                table.add(key, (seconds, 1));
            }
            Verdict::Rejected(reason) => {
                found.rejected_rows += 1;
                found.rejects.count(reason, batch.seconds(row)).ok_or_else(too_large)?;
                let number = i64::try_from(number).map_err(|_| too_large())?;
                if found.rejects.wants(path, number) {
                    found.rejects.keep(batch.reject(row, path, number, reason));
                }
            }
        }
    }
    Ok(())
}

/// What decodes the needed columns of a row group, by position in the file's roles.
pub(super) fn decoders(
    file: &UsageFile,
    group: &RowGroup,
    fetched: &Fetched,
    turn: &Arc<Turn>,
    column: &Cell<Option<Role>>,
) -> Result<[Option<ColumnDecoder>; ROLES], Fault> {
    let mut decoders = [const { None }; ROLES];
    let all = decoders
        .iter_mut()
        .zip(&file.columns)
        .zip(file.roles.iter().copied())
        .enumerate();
    for (at, ((slot, found), role)) in all {
        let fault = FaultSlot::default();
        let pages = fetched.pages_at(at, turn, Arc::clone(&fault));
        let (Some(found), Some(pages)) = (found, pages) else {
            continue;
        };
        column.set(Some(role));
        *slot = Some(ColumnDecoder::new(found, group.rows, pages, fault)?);
    }
    column.set(None);
    Ok(decoders)
}

//! One row group, from its bytes to sums and rejects.

use std::cell::Cell;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use crate::inputs::rejects::RejectKeeper;

use super::bounds::{BATCH_ROWS, MAX_WHOLE_FETCH_BYTES};
use super::columns::{ROLES, Role};
use super::decode::{ColumnDecoder, Values};
use super::error::{Fault, ScanError};
use super::footer::{RowGroup, UsageFile};
use super::groups::{Runs, Table};
use super::judge::{Batch, Judge, Rules, Verdict};
use super::pages::{Chunk, FaultSlot, LargePagePermit, Pages};
use super::panics;

/// What a row group added.
pub(super) struct Found {
    pub(super) accepted_rows: u64,
    pub(super) accepted_seconds: i64,
    pub(super) rejected_rows: u64,
    pub(super) rejects: RejectKeeper,
}

/// What row groups are read into.
pub(super) struct Sums<'a> {
    /// This thread's table.
    pub(super) table: &'a mut Table,
    /// Where it goes when it is full.
    pub(super) runs: &'a Runs,
    /// How many rejected rows to keep at most.
    pub(super) keep_rejects: usize,
    /// Held by the one thread that reads large pages.
    pub(super) large_pages: &'a Arc<LargePages>,
    /// Told how many rows have been read.
    pub(super) progress: &'a (dyn Fn(u64) + Sync),
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
    pub(super) fn new(large_pages: &Arc<LargePages>) -> Self {
        Self {
            large_pages: Arc::clone(large_pages),
            mine: Mutex::new(false),
        }
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

/// Reads a row group. After an error the sums are not to be used.
pub(super) fn read_row_group(
    file: &UsageFile,
    group: &RowGroup,
    rules: Rules<'_>,
    sums: Sums<'_>,
) -> Result<Found, ScanError> {
    // Which column is being decoded, for the message when the decoder panics.
    let column: Cell<Option<Role>> = Cell::new(None);
    let outcome = panics::catch(|| read(file, group, rules, sums, &column)).unwrap_or_else(|panic| {
        Err(Fault::Bad(format!(
            "it cannot be decoded, the file is corrupt: {panic}"
        )))
    });
    outcome.map_err(|fault| fault.at(file.source.path(), Some(group.ordinal), column.get().map(Role::name)))
}

fn read(
    file: &UsageFile,
    group: &RowGroup,
    rules: Rules<'_>,
    sums: Sums<'_>,
    column: &Cell<Option<Role>>,
) -> Result<Found, Fault> {
    let turn = Arc::new(Turn::new(sums.large_pages));
    let mut decoders = decoders(file, group, &turn, column)?;
    let mut judge = Judge::new(rules);
    let mut found = Found {
        accepted_rows: 0,
        accepted_seconds: 0,
        rejected_rows: 0,
        rejects: RejectKeeper::new(sums.keep_rejects),
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
                table.add(key, seconds);
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
    turn: &Arc<Turn>,
    column: &Cell<Option<Role>>,
) -> Result<[Option<ColumnDecoder>; ROLES], Fault> {
    let windows = fetch(file, group)?;
    let mut decoders = [const { None }; ROLES];
    let all = decoders
        .iter_mut()
        .zip(&file.columns)
        .zip(&group.chunks)
        .zip(windows)
        .zip(file.roles.iter().copied());
    for ((((slot, found), chunk), window), role) in all {
        let (Some(found), Some(chunk)) = (found, chunk) else {
            continue;
        };
        column.set(Some(role));
        let fault = FaultSlot::default();
        let turn = Arc::clone(turn);
        let permit: LargePagePermit = Arc::new(move || turn.take());
        let pages = Pages::new(Arc::clone(&file.source), *chunk, window, Arc::clone(&fault), permit);
        *slot = Some(ColumnDecoder::new(found, group.rows, pages, fault)?);
    }
    column.set(None);
    Ok(decoders)
}

/// The bytes of the needed chunks, adjacent ones fetched together: for each where they start, and what has been
/// fetched. Nothing yet when they are large.
fn fetch(file: &UsageFile, group: &RowGroup) -> Result<[(u64, Bytes); ROLES], Fault> {
    let mut windows = group
        .chunks
        .map(|chunk| (chunk.map_or(0, |chunk| chunk.start), Bytes::new()));
    let mut chunks: Vec<(usize, Chunk)> = group
        .chunks
        .iter()
        .enumerate()
        .filter_map(|(role, chunk)| Some((role, (*chunk)?)))
        .collect();
    let total = chunks
        .iter()
        .try_fold(0_u64, |sum, (_, chunk)| sum.checked_add(chunk.end - chunk.start));
    if total.is_none_or(|total| total > MAX_WHOLE_FETCH_BYTES) {
        return Ok(windows);
    }
    chunks.sort_unstable_by_key(|(_, chunk)| (chunk.start, chunk.end));
    for adjacent in chunks.chunk_by(|(_, before), (_, after)| before.end == after.start) {
        let (Some((_, first)), Some((_, last))) = (adjacent.first(), adjacent.last()) else {
            continue;
        };
        let bytes = file.source.read(first.start..last.end)?;
        for (role, chunk) in adjacent {
            let within = |offset: u64| usize::try_from(offset - first.start).map_err(|_| Fault::bad("too large"));
            if let Some(window) = windows.get_mut(*role) {
                *window = (chunk.start, bytes.slice(within(chunk.start)?..within(chunk.end)?));
            }
        }
    }
    Ok(windows)
}

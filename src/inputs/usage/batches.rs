//! Decoded columns batch by batch, for inputs whose rows are not judged as usage is: read as safely as usage.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::store::Object;

use super::ahead::Ahead;
use super::bounds::{BATCH_ROWS, MAX_ROWS};
use super::error::{Fault, ScanError};
use super::footer::{RowGroup, read_footer, room_for_footers};
use super::group_bytes::{Fetched, GroupBytes};
use super::many::for_each_file;
use super::panics;
use super::plan::Plan;
use super::row_group::{LargePages, Turn, decoders};
use super::source::{RangeReader, Source};

pub(in crate::inputs) use super::columns::{ROLES, Role};
pub(in crate::inputs) use super::decode::{Int, Ints, Strings, Values};
pub(in crate::inputs) use super::error::Fault as BatchFault;
pub(in crate::inputs) use super::footer::UsageFile as OpenFile;
pub(in crate::inputs) use super::judge::{AccountCache, CACHED_ACCOUNTS, CALENDAR_MICROS};

/// Some rows of a file.
pub(in crate::inputs) struct Batch {
    /// Position of the file among those that are read.
    pub file: usize,
    /// Number of the first row in the file, from 1.
    pub first_row: i64,
    pub rows: usize,
    /// By position in the roles that the file was opened with; None where an optional column is absent.
    values: [Option<Values>; ROLES],
}

impl Batch {
    /// Takes the column at this position, which holds integers, times or dates.
    pub(in crate::inputs) fn ints(&mut self, position: usize) -> Result<Ints, Fault> {
        match self.values.get_mut(position).and_then(Option::take) {
            Some(Values::Ints(ints)) => Ok(ints),
            Some(Values::Strings(_)) | None => Err(Fault::bad("a column was decoded to another type than it has")),
        }
    }

    /// Takes the column at this position, whatever it holds.
    pub(in crate::inputs) fn values(&mut self, position: usize) -> Result<Values, Fault> {
        self.values
            .get_mut(position)
            .and_then(Option::take)
            .ok_or_else(|| Fault::bad("a column was not decoded"))
    }
}

/// What one thread does with the batches that it reads.
pub(in crate::inputs) trait Sink: Send {
    /// Takes the next rows, of any file.
    fn take(&mut self, batch: Batch) -> Result<(), Fault>;
}

/// Reads the footers of files of which these columns are needed, in the order of the files.
pub(in crate::inputs) fn open<'a>(
    reader: &Arc<dyn RangeReader>,
    files: impl IntoIterator<Item = &'a Object>,
    roles: &'static [Role],
) -> Result<Vec<OpenFile>, ScanError> {
    let objects: Vec<&Object> = files.into_iter().collect();
    let room = room_for_footers();
    let opened = for_each_file(reader.as_ref(), &objects, |object| {
        read_footer(Source::new(Arc::clone(reader), (*object).clone()), &room, roles)
    });
    // All of them, then the first error: the same one every time.
    let opened = opened.into_iter().collect::<Result<Vec<_>, _>>()?;
    let mut total = 0_u64;
    for (file, object) in opened.iter().zip(objects) {
        total = total
            .checked_add(file.rows)
            .filter(|total| *total <= MAX_ROWS)
            .ok_or_else(|| ScanError::OutOfRange {
                file: object.path.clone(),
                what: "number of rows",
            })?;
    }
    Ok(opened)
}

/// Reads files, given with their positions, on all threads of rayon's pool: each has a sink of its own. The sinks come
/// back in no order.
///
/// # Errors
/// Of the earliest row group that has one, in the order of files and row groups: the same error every time.
pub(in crate::inputs) fn read<S: Sink>(
    files: &[(usize, &OpenFile)],
    new_sink: impl Fn() -> S + Sync,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Vec<S>, ScanError> {
    let tasks: Vec<(usize, &OpenFile, &RowGroup)> = files
        .iter()
        .flat_map(|(at, file)| file.row_groups.iter().map(move |group| (*at, *file, group)))
        .collect();
    let ahead = read_ahead(&tasks);
    let next = AtomicUsize::new(0);
    let large_pages: Arc<LargePages> = Arc::default();
    let found = Mutex::new((Vec::new(), None::<(usize, ScanError)>));
    let lock = || found.lock().unwrap_or_else(PoisonError::into_inner);
    let work = || {
        let mut sink = new_sink();
        loop {
            let task = next.fetch_add(1, Ordering::Relaxed);
            let Some((at, file, group)) = tasks.get(task) else {
                break;
            };
            let parts = ahead.as_ref().map(|ahead| ahead.begin(task));
            let bytes = GroupBytes::new(Arc::clone(&file.source), group, parts);
            let outcome = read_row_group((*at, file, group), bytes, &large_pages, &mut sink, progress);
            let mut found = lock();
            if let Err(error) = outcome
                && found.1.as_ref().is_none_or(|(earliest, _)| task < *earliest)
            {
                found.1 = Some((task, error));
            }
            if found.1.is_some() {
                return;
            }
        }
        lock().0.push(sink);
    };
    let threads = rayon::current_num_threads().min(tasks.len());
    rayon::scope(|scope| (0..threads).for_each(|_| scope.spawn(|_| work())));
    let (sinks, error) = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    match error {
        Some((_, error)) => Err(error),
        None => Ok(sinks),
    }
}

/// Begins to read the row groups ahead, where the store is worth it.
fn read_ahead(tasks: &[(usize, &OpenFile, &RowGroup)]) -> Option<Ahead> {
    let limits = tasks.first()?.1.source.read_ahead()?;
    let parts = tasks.iter().map(|(_, file, group)| {
        let reads = Plan::new(group, Some(limits)).into_reads();
        (Arc::clone(&file.source), reads)
    });
    Some(Ahead::start(limits, parts.collect()))
}

fn read_row_group(
    (at, file, group): (usize, &OpenFile, &RowGroup),
    bytes: GroupBytes,
    large_pages: &Arc<LargePages>,
    sink: &mut impl Sink,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<(), ScanError> {
    // Which column is being decoded, for the message when the decoder panics.
    let column: Cell<Option<Role>> = Cell::new(None);
    let read = || -> Result<(), Fault> {
        let turn = Turn::new(large_pages);
        let fetched = Fetched::new(bytes, group)?;
        let mut decoders = decoders(file, group, &fetched, &turn, &column)?;
        let mut done = 0;
        while done < group.rows {
            let rows = usize::try_from(group.rows - done).map_or(BATCH_ROWS, |left| left.min(BATCH_ROWS));
            let mut values = [const { None }; ROLES];
            for ((slot, decoder), role) in values.iter_mut().zip(&mut decoders).zip(file.roles) {
                column.set(Some(*role));
                *slot = decoder.as_mut().map(|decoder| decoder.next(rows)).transpose()?;
            }
            column.set(None);
            let first_row = i64::try_from(group.first_row + done + 1).map_err(|_| Fault::bad("too many rows"))?;
            sink.take(Batch {
                file: at,
                first_row,
                rows,
                values,
            })?;
            let read = u64::try_from(rows).expect("usize has at most 64 bits");
            done += read;
            progress(read);
        }
        Ok(())
    };
    let outcome = panics::catch(read).unwrap_or_else(|panic| {
        Err(Fault::Bad(format!(
            "it cannot be decoded, the file is corrupt: {panic}"
        )))
    });
    outcome.map_err(|fault| fault.at(file.source.path(), Some(group.ordinal), column.get().map(Role::name)))
}

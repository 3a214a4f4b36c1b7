//! One row group on dictionary ids.

use crate::inputs::owners::AccountCache;
use crate::inputs::parquet::error::Fault;
use crate::inputs::parquet::large_pages::Turn;
use crate::inputs::parquet::row_groups::OpenGroup;

use super::super::columns::COUNT;
use super::super::judge::Rules;
use super::super::sums::Sums;
use super::cells::{Cells, Memory};
use super::columns::{Columns, Stores, Worths};
use super::rows::{Block, count_rows};
use super::sink::{Sign, Sink};
use super::stop::Stop;
use super::values::Tiers;

/// Accounts remembered by a thread; a power of two.
const CACHED_ACCOUNTS: usize = 64 << 10;

/// What became of a row group.
pub(in super::super) enum Outcome {
    /// All of its rows are in the sums: so many of the day, with so many seconds.
    Done { rows: u64, seconds: i64 },
    /// Nothing of it is in the sums: it is to be read by value.
    GaveUp,
}

/// What a thread uses again from row group to row group.
pub(in super::super) struct Scratch<'a> {
    tiers: Tiers,
    accounts: AccountCache<'a>,
    memory: Memory,
    buffers: [Vec<u8>; COUNT],
    block: Block,
}

impl<'a> Scratch<'a> {
    /// For one thread of a scan.
    pub(in super::super) fn new(rules: &Rules<'a>) -> Self {
        Self {
            tiers: Tiers::new(rules.book),
            accounts: AccountCache::new(rules.accounts, CACHED_ACCOUNTS),
            memory: Memory::default(),
            buffers: Default::default(),
            block: Block::default(),
        }
    }
}

/// Reads a row group, unless it has something that must be read by value.
///
/// # Errors
/// Only the store's. What is wrong with the file, reading it by value tells.
pub(in super::super) fn read<'a>(
    open: &OpenGroup<'_>,
    rules: &Rules<'a>,
    sums: &mut Sums<'_>,
    scratch: &mut Scratch<'a>,
) -> Result<Outcome, Fault> {
    let Some(stores) = Stores::of(open.file).filter(|_| u32::try_from(open.group.rows).is_ok()) else {
        return Ok(Outcome::GaveUp);
    };
    let reading = Reading { open, rules, stores };
    match reading.pass(sums, scratch, Sign::Add, open.group.rows) {
        Passed::All {
            accepted_rows,
            accepted_seconds,
        } => {
            (sums.progress)(open.group.rows);
            Ok(Outcome::Done {
                rows: accepted_rows,
                seconds: accepted_seconds,
            })
        }
        Passed::Stopped(Stop::Store(error), _) => Err(Fault::Store(error)),
        Passed::Stopped(Stop::GiveUp, 0) => Ok(Outcome::GaveUp),
        Passed::Stopped(Stop::GiveUp, counted) => match reading.pass(sums, scratch, Sign::TakeBack, counted) {
            Passed::All { .. } => Ok(Outcome::GaveUp),
            Passed::Stopped(Stop::Store(error), _) => Err(Fault::Store(error)),
            Passed::Stopped(Stop::GiveUp, _) => Err(Fault::bad("it changed while it was read")),
        },
    }
}

struct Reading<'r, 'a> {
    open: &'r OpenGroup<'r>,
    rules: &'r Rules<'a>,
    stores: Stores,
}

/// How a pass over rows ended.
enum Passed {
    /// They are in the sums, or have been taken back.
    All { accepted_rows: u64, accepted_seconds: i64 },
    /// It ended early, and so many rows from the first on are in the sums.
    Stopped(Stop, u64),
}

impl<'a> Reading<'_, 'a> {
    /// Goes through the first `rows` rows.
    fn pass(&self, sums: &mut Sums<'_>, scratch: &mut Scratch<'a>, sign: Sign, rows: u64) -> Passed {
        let Scratch {
            tiers,
            accounts,
            memory,
            buffers,
            block,
        } = scratch;
        let turn = Turn::new(self.open.large_pages);
        let worths = Worths {
            stores: &self.stores,
            rules: self.rules,
            tiers,
            accounts,
        };
        let opened = Columns::open(self.open, &turn, buffers, worths);
        let mut columns = match opened {
            Ok(columns) => columns,
            Err(stop) => return Passed::Stopped(stop, 0),
        };
        let sink = Sink::new(sums.table, sums.runs, sign);
        let Some(mut cells) = Cells::new(memory, sink, tiers) else {
            return Passed::Stopped(Stop::GiveUp, 0);
        };
        let (counted, stopped) = count_rows(&mut columns, &mut cells, block, rows);
        let ended = match sign {
            Sign::Add => stopped.and_then(|()| columns.end()),
            Sign::TakeBack => stopped,
        };
        let passed = match ended {
            Ok(()) => {
                let sink = cells.finish(columns.ids());
                Passed::All {
                    accepted_rows: sink.accepted_rows,
                    accepted_seconds: sink.accepted_seconds,
                }
            }
            // As long as all is in the cells, nothing has to be taken back.
            Err(stop) if cells.has_emptied() => {
                cells.finish(columns.ids());
                Passed::Stopped(stop, counted)
            }
            Err(stop) => {
                cells.discard();
                Passed::Stopped(stop, 0)
            }
        };
        columns.close(buffers);
        passed
    }
}

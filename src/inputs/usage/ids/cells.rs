//! Counting by app and tier in a plain array: each app has a line of cells (`lines` draws one).

use crate::catalog::book::TierId;
use crate::units::quantity::SdkAppId;

use super::super::groups::Key;
use super::classes::Sparse;
use super::lines::{RowIds, Rows, Seconds, claim, count_lines, count_long_lines};
use super::sink::Sink;
use super::values::Tiers;
use super::vector::{find_others, least, look_up};
use crate::inputs::parquet::chunk::to_usize;

/// Cells of the array at most; with more, rows are summed one by one.
const MAX_CELLS: usize = 2 << 20;
/// Tiers and a cell for the account: a line of 16 cells is what a processor fetches from memory at once.
const LEAST_LINE_BITS: u32 = 4;
/// Places of the table of tiers, at most; a power of two.
const PLACES: usize = 4_096;
/// The code of tiers that have not been met.
const NO_CODE: u32 = 0;
/// Rows counted before the cells are emptied: no cell overflows.
const MAX_COUNTED: usize = 1 << 31;
/// Rows for each one with unusual seconds, at least: below that seconds are summed.
const MOST_UNUSUAL: usize = 16;

/// The array of cells, which a thread uses again for its next row group. It is all zeros in between.
#[derive(Default)]
pub(super) struct Memory {
    rows: Vec<u32>,
    sums: Vec<u64>,
    touched: Vec<u32>,
}

/// What ids stand for.
#[derive(Clone, Copy)]
pub(super) struct Ids<'a> {
    /// Positions of accounts.
    pub accounts: &'a [u32],
    pub apps: &'a [SdkAppId],
}

/// Counts the rows of a row group.
pub(super) struct Cells<'a> {
    memory: &'a mut Memory,
    sink: Sink<'a>,
    tiers: &'a Tiers,
    /// The code of each tier that has been met, by its place in `tiers`: its cell in an app's line.
    code_of: Box<[u32; PLACES]>,
    /// The tiers of codes, from 1.
    coded: Vec<TierId>,
    line_bits: u32,
    period: u16,
    /// What a row has, unless it is counted otherwise; set by the first row.
    usual: Option<u32>,
    /// Whether seconds are summed row by row, for they differ often.
    is_summing: bool,
    counted: usize,
}

impl<'a> Cells<'a> {
    /// All zeros. None when there are too many tiers.
    pub(super) fn new(memory: &'a mut Memory, sink: Sink<'a>, tiers: &'a Tiers) -> Option<Self> {
        if tiers.len() > PLACES {
            return None;
        }
        Some(Self {
            memory,
            sink,
            tiers,
            code_of: Box::new([NO_CODE; PLACES]),
            coded: Vec::new(),
            line_bits: LEAST_LINE_BITS,
            period: 0,
            usual: None,
            is_summing: false,
            counted: 0,
        })
    }

    /// Empties the cells into the sink, and returns the sink.
    pub(super) fn finish(mut self, ids: Ids<'_>) -> Sink<'a> {
        self.flush(ids);
        self.sink
    }

    /// Zeroes the cells without counting what is in them.
    pub(super) fn discard(mut self) {
        self.empty(|_, _, _, _| {});
    }

    /// Whether sums have gone to the sink already, so that giving the row group up needs a second pass that takes them back.
    pub(super) fn has_emptied(&self) -> bool {
        self.sink.is_used
    }

    /// The code of a tier, given by its place in the table.
    pub(super) fn code(&mut self, ids: Ids<'_>, place: u32) -> Option<u32> {
        let place = to_usize(place);
        match self.code_of.get(place).copied()? {
            NO_CODE => {}
            code => return Some(code),
        }
        let tier = self.tiers.get(place)?;
        let before = match self.coded.iter().position(|coded| *coded == tier) {
            Some(before) => before,
            None => {
                if self.coded.len() + 1 == 1 << self.line_bits {
                    self.flush(ids);
                    self.line_bits += 1;
                }
                self.coded.push(tier);
                self.coded.len() - 1
            }
        };
        let code = u32::try_from(before + 1).ok()?;
        self.code_of[place] = code;
        Some(code)
    }

    /// The codes of places in the table of tiers, given as columns and the rows that they are in. None when a place is
    /// none.
    pub(super) fn put_codes(&mut self, ids: Ids<'_>, columns: &[u32], rows: &Sparse, codes: &mut [u32]) -> Option<()> {
        if self.look_up_codes(columns, rows, codes) {
            return Some(());
        }
        let mut others = rows.others.iter().peekable();
        for (at, column) in columns.iter().enumerate() {
            let other = others.next_if(|(other, _)| *other == at);
            let row = other.map_or(rows.usual, |(_, row)| *row);
            self.code(ids, column.wrapping_add(row))?;
        }
        self.look_up_codes(columns, rows, codes).then_some(())
    }

    /// Whether all of them have a code.
    fn look_up_codes(&self, columns: &[u32], rows: &Sparse, codes: &mut [u32]) -> bool {
        let code_of = |column: u32, row: u32| self.code_of[to_usize(column.wrapping_add(row)) % PLACES];
        // The tiers of the usual row of the table, by column.
        let mut entries = [NO_CODE; 16];
        if self.tiers.columns() > entries.len() {
            let each = codes.iter_mut().zip(columns);
            each.for_each(|(code, column)| *code = code_of(*column, rows.usual));
        } else {
            let row = self
                .code_of
                .iter()
                .skip(to_usize(rows.usual))
                .take(self.tiers.columns());
            entries.iter_mut().zip(row).for_each(|(entry, code)| *entry = *code);
            codes.copy_from_slice(columns);
            look_up(&entries, codes);
        }
        for (at, row) in &rows.others {
            codes[*at] = code_of(columns[*at], *row);
        }
        least(codes) != NO_CODE
    }

    /// The period of the rows that come next.
    pub(super) fn set_period(&mut self, ids: Ids<'_>, period: u16) {
        if period != self.period {
            self.flush(ids);
            self.period = period;
        }
    }

    /// Counts rows of one account, app and tier.
    pub(super) fn count_run(&mut self, ids: Ids<'_>, of: RowIds, seconds: u32, rows: u32) {
        let RowIds { account, app, code } = of;
        let usual = *self.usual.get_or_insert(seconds);
        let has_room = self.make_room(ids, to_usize(rows));
        let line = to_usize(app) << self.line_bits;
        if !has_room || !claim(&mut self.memory.rows[line], &mut self.memory.touched, account, app) {
            let sum = i64::from(rows) * i64::from(seconds);
            self.sink.add(key(ids, &self.coded, self.period, of), rows, sum);
            return;
        }
        let cell = line + to_usize(code);
        self.memory.rows[cell] += rows;
        if self.is_summing {
            self.memory.sums[cell] += u64::from(rows) * u64::from(seconds);
        } else if seconds != usual {
            let more = i64::from(rows) * (i64::from(seconds) - i64::from(usual));
            self.sink.add(key(ids, &self.coded, self.period, of), 0, more);
        }
    }

    /// Counts rows.
    pub(super) fn count(&mut self, ids: Ids<'_>, rows: Rows<'_>) {
        if !self.make_room(ids, rows.apps.len()) {
            self.sum_one_by_one(ids, self.period, rows);
            return;
        }
        let unusual = self.find_unusual(rows);
        let Memory {
            rows: cells, touched, ..
        } = &mut *self.memory;
        let others = match self.line_bits {
            4 => count_lines::<16>(cells, touched, rows),
            5 => count_lines::<32>(cells, touched, rows),
            6 => count_lines::<64>(cells, touched, rows),
            _ => count_long_lines(cells, self.line_bits, touched, rows),
        };
        if self.is_summing {
            self.sum(rows);
        }
        // In the order of rows, so that a row taken back is the row that was added.
        for row in unusual {
            let more = i64::from(rows.seconds.of(row)) - i64::from(self.usual.unwrap_or(0));
            self.sink.add(self.key_of(ids, rows, row), 0, more);
        }
        for row in others {
            let seconds = match (self.is_summing, self.usual) {
                (false, Some(usual)) => usual,
                _ => rows.seconds.of(row),
            };
            self.sink.add(self.key_of(ids, rows, row), 1, i64::from(seconds));
        }
    }

    /// The rows whose seconds are not the usual ones; none when seconds are summed, which many of them make begin.
    fn find_unusual(&mut self, rows: Rows<'_>) -> Vec<usize> {
        if self.is_summing {
            return Vec::new();
        }
        let usual = *self.usual.get_or_insert(rows.seconds.of(0));
        let unusual: Vec<usize> = match rows.seconds {
            Seconds::Each(seconds) if seconds == usual => return Vec::new(),
            Seconds::Each(_) => (0..rows.apps.len()).collect(),
            Seconds::Of(seconds) => {
                let mut unusual = Vec::new();
                find_others(seconds, usual, &mut unusual);
                unusual
            }
        };
        if unusual.len() * MOST_UNUSUAL <= rows.apps.len() {
            return unusual;
        }
        self.is_summing = true;
        self.memory.sums.resize(self.memory.rows.len(), 0);
        for app in &self.memory.touched {
            let line = to_usize(*app) << self.line_bits;
            for cell in line + 1..line + (1 << self.line_bits) {
                self.memory.sums[cell] = u64::from(self.memory.rows[cell]) * u64::from(usual);
            }
        }
        Vec::new()
    }

    /// Adds the seconds of rows that have just been counted.
    fn sum(&mut self, rows: Rows<'_>) {
        let all = rows.accounts.iter().zip(rows.apps).zip(rows.codes);
        for (row, ((account, app), code)) in all.enumerate() {
            let line = to_usize(*app) << self.line_bits;
            if self.memory.rows[line] == account + 1 {
                self.memory.sums[line + to_usize(*code)] += u64::from(rows.seconds.of(row));
            }
        }
    }

    /// Adds rows of a period to the table one by one: when there are too many apps, or periods change all the time.
    pub(super) fn sum_one_by_one(&mut self, ids: Ids<'_>, period: u16, rows: Rows<'_>) {
        for row in 0..rows.apps.len() {
            let of = rows.ids_of(row);
            let seconds = i64::from(rows.seconds.of(row));
            self.sink.add(key(ids, &self.coded, period, of), 1, seconds);
        }
    }

    fn key_of(&self, ids: Ids<'_>, rows: Rows<'_>, row: usize) -> Key {
        key(ids, &self.coded, self.period, rows.ids_of(row))
    }

    /// Makes sure that so many more rows can be counted; false when there are too many apps for that.
    fn make_room(&mut self, ids: Ids<'_>, rows: usize) -> bool {
        let cells = ids.apps.len() << self.line_bits;
        if cells > MAX_CELLS {
            self.flush(ids);
            return false;
        }
        if self.counted + rows > MAX_COUNTED {
            self.flush(ids);
        }
        self.counted += rows;
        if self.memory.rows.len() < cells {
            self.memory.rows.resize(cells, 0);
        }
        if self.is_summing && self.memory.sums.len() < cells {
            self.memory.sums.resize(cells, 0);
        }
        true
    }

    fn flush(&mut self, ids: Ids<'_>) {
        let (coded, period) = (std::mem::take(&mut self.coded), self.period);
        self.empty(|sink, of, rows, seconds| sink.add(key(ids, &coded, period, of), rows, seconds));
        self.coded = coded;
    }

    /// Hands over what has been counted, and leaves zeros.
    fn empty(&mut self, mut take: impl FnMut(&mut Sink<'a>, RowIds, u32, i64)) {
        let Memory { rows, sums, touched } = &mut *self.memory;
        for app in touched.drain(..) {
            let line = to_usize(app) << self.line_bits;
            let cells = &mut rows[line..line + (1 << self.line_bits)];
            let account = cells[0] - 1;
            for (code, count) in (0..).zip(cells.iter()).skip(1) {
                let cell = line + to_usize(code);
                if *count > 0 {
                    let seconds = if self.is_summing {
                        let sum = std::mem::take(&mut sums[cell]);
                        i64::try_from(sum).expect("2^32 rows of a day fit")
                    } else {
                        i64::from(*count) * i64::from(self.usual.unwrap_or(0))
                    };
                    take(&mut self.sink, RowIds { account, app, code }, *count, seconds);
                }
            }
            cells.fill(0);
        }
        self.counted = 0;
    }
}

fn key(ids: Ids<'_>, coded: &[TierId], period: u16, of: RowIds) -> Key {
    Key {
        account: ids.accounts[to_usize(of.account)],
        app: ids.apps[to_usize(of.app)],
        tier: coded[to_usize(of.code) - 1],
        period,
    }
}

#[cfg(test)]
mod tests;

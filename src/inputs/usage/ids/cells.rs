//! Counting by app and tier, or by period and tier, in a plain array: each app or period has a line of cells.

use crate::catalog::book::TierId;
use crate::units::quantity::SdkAppId;

use super::super::groups::Key;
use super::classes::Sparse;
use super::lines::{Rows, Seconds, claim, count_lines, count_long_lines};
use super::sink::Sink;
use super::to_usize;
use super::values::Tiers;
use super::vector::{find_others, least, look_up};

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

/// The array; used again from row group to row group. All zeros in between.
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

/// What lines stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lines {
    /// Apps, in rows of one period.
    Apps { period: u16 },
    /// Periods, in rows of one app.
    Periods { app: u32 },
}

impl Lines {
    /// The app and the period of a line.
    fn app_and_period(self, line: u32) -> (u32, u16) {
        match self {
            Self::Apps { period } => (line, period),
            Self::Periods { app } => (app, u16::try_from(line).expect("periods are of 16 bits")),
        }
    }
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
    lines: Lines,
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
            lines: Lines::Apps { period: 0 },
            usual: None,
            is_summing: false,
            counted: 0,
        })
    }

    /// Empties the cells, and says what went through.
    pub(super) fn finish(mut self, ids: Ids<'_>) -> Sink<'a> {
        self.flush(ids);
        self.sink
    }

    /// Throws away what has not been emptied.
    pub(super) fn discard(mut self) {
        self.empty(|_, _, _, _| {});
    }

    /// Whether anything counted has left the cells.
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

    /// What lines stand for.
    pub(super) fn lines(&self) -> Lines {
        self.lines
    }

    /// What lines stand for in the rows that come next.
    pub(super) fn set_lines(&mut self, ids: Ids<'_>, lines: Lines) {
        if lines != self.lines {
            self.flush(ids);
            self.lines = lines;
        }
    }

    /// Counts rows of one account, line and tier.
    pub(super) fn count_run(&mut self, ids: Ids<'_>, of: (u32, u32, u32), seconds: u32, rows: u32) {
        let (account, line, code) = of;
        let usual = *self.usual.get_or_insert(seconds);
        let has_room = self.make_room(ids, line, to_usize(rows));
        let first = to_usize(line) << self.line_bits;
        if !has_room || !claim(&mut self.memory.rows[first], &mut self.memory.touched, account, line) {
            let sum = i64::from(rows) * i64::from(seconds);
            self.sink.add(key(ids, &self.coded, self.lines, of), rows, sum);
            return;
        }
        let cell = first + to_usize(code);
        self.memory.rows[cell] += rows;
        if self.is_summing {
            self.memory.sums[cell] += u64::from(rows) * u64::from(seconds);
        } else if seconds != usual {
            let more = i64::from(rows) * (i64::from(seconds) - i64::from(usual));
            self.sink.add(key(ids, &self.coded, self.lines, of), 0, more);
        }
    }

    /// Counts rows.
    pub(super) fn count(&mut self, ids: Ids<'_>, rows: Rows<'_>) {
        // Apps are all below the number of apps.
        let last = match self.lines {
            Lines::Apps { .. } => None,
            Lines::Periods { .. } => rows.lines.iter().copied().max(),
        };
        if !self.make_room(ids, last.unwrap_or(0), rows.lines.len()) {
            self.sum_one_by_one(ids, self.lines, rows);
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
            Seconds::Each(_) => (0..rows.lines.len()).collect(),
            Seconds::Of(seconds) => {
                let mut unusual = Vec::new();
                find_others(seconds, usual, &mut unusual);
                unusual
            }
        };
        if unusual.len() * MOST_UNUSUAL <= rows.lines.len() {
            return unusual;
        }
        self.is_summing = true;
        self.memory.sums.resize(self.memory.rows.len(), 0);
        for line in &self.memory.touched {
            let first = to_usize(*line) << self.line_bits;
            for cell in first + 1..first + (1 << self.line_bits) {
                self.memory.sums[cell] = u64::from(self.memory.rows[cell]) * u64::from(usual);
            }
        }
        Vec::new()
    }

    /// Adds the seconds of rows that have just been counted.
    fn sum(&mut self, rows: Rows<'_>) {
        let all = rows.accounts.iter().zip(rows.lines).zip(rows.codes);
        for (row, ((account, line), code)) in all.enumerate() {
            let first = to_usize(*line) << self.line_bits;
            if self.memory.rows[first] == account + 1 {
                self.memory.sums[first + to_usize(*code)] += u64::from(rows.seconds.of(row));
            }
        }
    }

    /// Adds rows to the table one by one: when there are too many apps, or periods change all the time.
    pub(super) fn sum_one_by_one(&mut self, ids: Ids<'_>, lines: Lines, rows: Rows<'_>) {
        for row in 0..rows.lines.len() {
            let of = (rows.accounts[row], rows.lines[row], rows.codes[row]);
            let seconds = i64::from(rows.seconds.of(row));
            self.sink.add(key(ids, &self.coded, lines, of), 1, seconds);
        }
    }

    fn key_of(&self, ids: Ids<'_>, rows: Rows<'_>, row: usize) -> Key {
        let of = (rows.accounts[row], rows.lines[row], rows.codes[row]);
        key(ids, &self.coded, self.lines, of)
    }

    /// Makes sure that so many more rows can be counted, in lines up to the last one; false when there are too many lines for that.
    fn make_room(&mut self, ids: Ids<'_>, last: u32, rows: usize) -> bool {
        let lines = match self.lines {
            Lines::Apps { .. } => ids.apps.len(),
            Lines::Periods { .. } => to_usize(last) + 1,
        };
        let cells = lines << self.line_bits;
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
        let (coded, lines) = (std::mem::take(&mut self.coded), self.lines);
        self.empty(|sink, of, rows, seconds| sink.add(key(ids, &coded, lines, of), rows, seconds));
        self.coded = coded;
    }

    /// Hands over what has been counted, and leaves zeros.
    fn empty(&mut self, mut take: impl FnMut(&mut Sink<'a>, (u32, u32, u32), u32, i64)) {
        let Memory { rows, sums, touched } = &mut *self.memory;
        for line in touched.drain(..) {
            let first = to_usize(line) << self.line_bits;
            let cells = &mut rows[first..first + (1 << self.line_bits)];
            let account = cells[0] - 1;
            for (code, count) in (0..).zip(cells.iter()).skip(1) {
                let cell = first + to_usize(code);
                if *count > 0 {
                    let seconds = if self.is_summing {
                        let sum = std::mem::take(&mut sums[cell]);
                        i64::try_from(sum).expect("2^32 rows of a day fit")
                    } else {
                        i64::from(*count) * i64::from(self.usual.unwrap_or(0))
                    };
                    take(&mut self.sink, (account, line, code), *count, seconds);
                }
            }
            cells.fill(0);
        }
        self.counted = 0;
    }
}

fn key(ids: Ids<'_>, coded: &[TierId], lines: Lines, (account, line, code): (u32, u32, u32)) -> Key {
    let (app, period) = lines.app_and_period(line);
    Key {
        account: ids.accounts[to_usize(account)],
        app: ids.apps[to_usize(app)],
        tier: coded[to_usize(code) - 1],
        period,
    }
}

#[cfg(test)]
mod tests;

//! The rows of a row group, block by block: decoded, put together, counted.

use super::cells::Cells;
use super::classes::Sparse;
use super::columns::Columns;
use super::lines::{RowIds, Rows, Seconds};
use super::stop::{BLOCK_ROWS, Stop};
use super::values::OTHER_DAY;

/// A run shorter than this is decoded like other rows.
const LEAST_RUN: usize = 64;
/// Rows of a run counted at once.
const MOST_RUN: usize = 1 << 20;
/// Periods compared at once.
const RUN_AT_ONCE: usize = 16;
/// Stretches of one period that are shorter than this on average are not worth emptying the cells for.
const LEAST_STRETCH: usize = 8;

/// Decoded rows.
pub(super) struct Block {
    times: Vec<u32>,
    accounts: Vec<u32>,
    apps: Vec<u32>,
    meters: Sparse,
    seconds: Vec<u32>,
    pixels: Vec<u32>,
    /// The codes of tiers.
    codes: Vec<u32>,
    /// Where stretches of one period end.
    ends: Vec<usize>,
}

impl Default for Block {
    fn default() -> Self {
        let rows = || vec![0; BLOCK_ROWS];
        Self {
            times: rows(),
            accounts: rows(),
            apps: rows(),
            meters: Sparse::default(),
            seconds: rows(),
            pixels: rows(),
            codes: rows(),
            ends: Vec::new(),
        }
    }
}

/// What a column has in the rows of a block.
#[derive(Clone, Copy)]
enum Here {
    /// The same in all of them.
    Same(u32),
    /// What has been decoded.
    Decoded,
}

/// Counts the first `rows` rows. Returns how many it has counted, and why it stopped if that is not all of them.
pub(super) fn count_rows(
    columns: &mut Columns<'_, '_>,
    cells: &mut Cells<'_>,
    block: &mut Block,
    rows: u64,
) -> (u64, Result<(), Stop>) {
    let mut counted = 0;
    while counted < rows {
        let left = usize::try_from(rows - counted).unwrap_or(usize::MAX);
        match count_block(columns, cells, block, left) {
            Ok(rows) => counted += u64::try_from(rows).expect("usize has at most 64 bits"),
            Err(stop) => return (counted, Err(stop)),
        }
    }
    (counted, Ok(()))
}

/// Counts a block of at most `left` rows, or nothing of it; returns how many rows it has.
fn count_block(
    columns: &mut Columns<'_, '_>,
    cells: &mut Cells<'_>,
    block: &mut Block,
    left: usize,
) -> Result<usize, Stop> {
    let runs = [
        columns.times.repeated()?,
        columns.accounts.repeated()?,
        columns.apps.repeated()?,
        columns.meters.repeated()?,
        columns.seconds.repeated()?,
        columns.pixels.repeated()?,
    ]
    .map(|run| run.filter(|(_, times)| *times >= LEAST_RUN.min(left)));
    let shortest = runs.iter().flatten().map(|(_, times)| *times).min();
    let most = if runs.iter().all(Option::is_some) {
        MOST_RUN
    } else {
        BLOCK_ROWS
    };
    let rows = most.min(left).min(shortest.unwrap_or(most));

    let [time, account, app, meter, seconds, pixels] = runs.map(|run| match run {
        Some((value, _)) => Here::Same(value),
        None => Here::Decoded,
    });
    macro_rules! decode {
        ($here:ident, $column:ident, $into:ident, $pass:expr) => {
            match $here {
                Here::Same(_) => $pass,
                Here::Decoded => columns.$column.fill(&mut block.$into[..rows])?,
            }
        };
    }
    decode!(time, times, times, columns.times.pass(rows)?);
    decode!(account, accounts, accounts, columns.accounts.pass(rows));
    decode!(app, apps, apps, columns.apps.pass(rows));
    match meter {
        Here::Same(row) => {
            columns.meters.pass(rows)?;
            block.meters.usual = row;
            block.meters.others.clear();
        }
        Here::Decoded => columns.meters.fill_sparse(rows, &mut block.meters)?,
    }
    decode!(seconds, seconds, seconds, columns.seconds.pass(rows)?);
    decode!(pixels, pixels, pixels, columns.pixels.pass(rows)?);
    let put = Put {
        account,
        app,
        tier: block.put_tiers(columns, cells, (meter, pixels), rows)?,
        seconds,
    };
    match time {
        Here::Same(OTHER_DAY) => {}
        Here::Same(period) => {
            cells.set_period(columns.ids(), to_u16(period));
            block.count(columns, cells, put, 0, rows);
        }
        Here::Decoded => block.count_stretches(columns, cells, put, rows),
    }
    Ok(rows)
}

/// Where the parts of a block's rows are.
#[derive(Clone, Copy)]
struct Put {
    account: Here,
    app: Here,
    tier: Here,
    seconds: Here,
}

impl Block {
    /// Puts meters and resolutions together to tiers.
    fn put_tiers(
        &mut self,
        columns: &Columns<'_, '_>,
        cells: &mut Cells<'_>,
        (meter, pixels): (Here, Here),
        rows: usize,
    ) -> Result<Here, Stop> {
        if let (Here::Same(row), Here::Same(column)) = (meter, pixels) {
            return Ok(Here::Same(cells.code(columns.ids(), row + column).ok_or(Stop::GiveUp)?));
        }
        if let Here::Same(column) = pixels {
            self.pixels[..rows].fill(column);
        }
        let put = cells.put_codes(
            columns.ids(),
            &self.pixels[..rows],
            &self.meters,
            &mut self.codes[..rows],
        );
        put.map(|()| Here::Decoded).ok_or(Stop::GiveUp)
    }

    /// Counts rows of a block stretch by stretch of one period.
    fn count_stretches(&mut self, columns: &Columns<'_, '_>, cells: &mut Cells<'_>, put: Put, rows: usize) {
        let (times, mut ends) = (std::mem::take(&mut self.times), std::mem::take(&mut self.ends));
        let here = &times[..rows];
        ends.clear();
        let mut end = 0;
        while end < rows && ends.len() * LEAST_STRETCH <= rows {
            end += leading_run(&here[end..]);
            ends.push(end);
        }
        let is_mixed = end < rows;
        if is_mixed {
            ends.extend((end + 1..rows).filter(|row| here[*row] != here[*row - 1]));
            ends.push(rows);
        }
        let mut start = 0;
        for end in ends.iter().copied() {
            match here[start] {
                OTHER_DAY => {}
                period if is_mixed => {
                    let rows = self.rows(put, start, end);
                    cells.sum_one_by_one(columns.ids(), to_u16(period), rows);
                }
                period => {
                    cells.set_period(columns.ids(), to_u16(period));
                    self.count(columns, cells, put, start, end);
                }
            }
            start = end;
        }
        self.ends = ends;
        self.times = times;
    }

    /// Counts rows of one period.
    fn count(&mut self, columns: &Columns<'_, '_>, cells: &mut Cells<'_>, put: Put, start: usize, end: usize) {
        if let (Here::Same(account), Here::Same(app), Here::Same(code), Here::Same(seconds)) =
            (put.account, put.app, put.tier, put.seconds)
        {
            let rows = u32::try_from(end - start).expect("at most MOST_RUN rows");
            cells.count_run(columns.ids(), RowIds { account, app, code }, seconds, rows);
            return;
        }
        let rows = self.rows(put, start, end);
        cells.count(columns.ids(), rows);
    }

    /// Rows with what is the same in all of them written out.
    fn rows(&mut self, put: Put, start: usize, end: usize) -> Rows<'_> {
        let spread = |here: Here, values: &mut [u32]| {
            if let Here::Same(value) = here {
                values[start..end].fill(value);
            }
        };
        spread(put.account, &mut self.accounts);
        spread(put.app, &mut self.apps);
        spread(put.tier, &mut self.codes);
        Rows {
            accounts: &self.accounts[start..end],
            apps: &self.apps[start..end],
            codes: &self.codes[start..end],
            seconds: match (put.seconds, &self.seconds[start..end]) {
                (Here::Same(seconds), _) => Seconds::Each(seconds),
                // The rest of a run, mostly.
                (Here::Decoded, [first, rest @ ..]) if rest.iter().all(|seconds| seconds == first) => {
                    Seconds::Each(*first)
                }
                (Here::Decoded, seconds) => Seconds::Of(seconds),
            },
        }
    }
}

/// How many of the first values are the same.
fn leading_run(values: &[u32]) -> usize {
    let Some(first) = values.first() else { return 0 };
    // Arrays are compared with vector instructions, values one by one are not.
    let chunks = values.as_chunks::<RUN_AT_ONCE>().0.iter();
    let whole = RUN_AT_ONCE * chunks.take_while(|chunk| **chunk == [*first; RUN_AT_ONCE]).count();
    whole + values[whole..].iter().take_while(|value| *value == first).count()
}

/// Periods are far fewer.
fn to_u16(period: u32) -> u16 {
    u16::try_from(period).expect("a day has a few hundred periods")
}

//! The loops that count rows in the lines of apps.
//!
//! An app's line is 16 cells (32 or 64 with many tiers). Cell 0 says whose rows the line counts: the id of an account, plus
//! one, so that 0 means nobody's yet. Each other cell counts the rows of one code, which stands for one tier. After three
//! rows of account 6 with app 2, two of code 1 and one of code 3:
//!
//! ```text
//! app 0 | 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 |
//! app 1 | 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 |
//! app 2 | 7 2 0 1 0 0 0 0 0 0 0 0 0 0 0 0 |
//! ```
//!
//! A row of app 2 that belongs to another account than 6 cannot be counted there: such rows are rare and are summed one by one.

use crate::inputs::parquet::chunk::to_usize;

/// What tells apart the sums that rows are counted in: ids of this row group.
#[derive(Clone, Copy)]
pub(super) struct RowIds {
    pub account: u32,
    pub app: u32,
    /// The code of the tier.
    pub code: u32,
}

/// Seconds of the rows of a block.
#[derive(Clone, Copy)]
pub(super) enum Seconds<'a> {
    Each(u32),
    Of(&'a [u32]),
}

/// Rows of one period to be counted, as ids by column: row `i` has account `accounts[i]`, app `apps[i]` and tier code
/// `codes[i]`.
#[derive(Clone, Copy)]
pub(super) struct Rows<'a> {
    pub accounts: &'a [u32],
    pub apps: &'a [u32],
    pub codes: &'a [u32],
    pub seconds: Seconds<'a>,
}

impl Rows<'_> {
    /// The ids of a row.
    pub(super) fn ids_of(self, row: usize) -> RowIds {
        RowIds {
            account: self.accounts[row],
            app: self.apps[row],
            code: self.codes[row],
        }
    }
}

impl Seconds<'_> {
    /// The seconds of a row.
    pub(super) fn of(self, row: usize) -> u32 {
        match self {
            Self::Each(seconds) => seconds,
            Self::Of(seconds) => seconds[row],
        }
    }
}

/// Whether an app's line counts rows of this account. The first account that comes takes the line; an app nearly always has
/// only one.
#[inline(never)]
pub(super) fn claim(owner: &mut u32, touched: &mut Vec<u32>, account: u32, app: u32) -> bool {
    if *owner == 0 {
        *owner = account + 1;
        touched.push(app);
    }
    *owner == account + 1
}

/// Counts rows in lines of `N` cells, and returns the rows whose line is another account's.
pub(super) fn count_lines<const N: usize>(cells: &mut [u32], touched: &mut Vec<u32>, rows: Rows<'_>) -> Vec<usize> {
    let lines = cells.as_chunks_mut::<N>().0;
    let mut others = Vec::new();
    let count = rows.apps.len();
    let mut row = 0;
    while row < count {
        row += count_owned(lines, &rows.apps[row..], &rows.accounts[row..], &rows.codes[row..]);
        if row < count {
            let line = &mut lines[to_usize(rows.apps[row])];
            if claim(&mut line[0], touched, rows.accounts[row], rows.apps[row]) {
                line[to_usize(rows.codes[row]) % N] += 1;
            } else {
                others.push(row);
            }
            row += 1;
        }
    }
    others
}

/// Counts rows up to the first whose line is not its account's, and returns how many. The loop is a function of its own and
/// kept small, so that all of its variables stay in registers.
#[inline(never)]
fn count_owned<const N: usize>(lines: &mut [[u32; N]], apps: &[u32], accounts: &[u32], codes: &[u32]) -> usize {
    let (accounts, codes) = (&accounts[..apps.len()], &codes[..apps.len()]);
    for row in 0..apps.len() {
        let line = &mut lines[to_usize(apps[row])];
        // An id is below `MAX_DISTINCT`: this does not wrap.
        if line[0] != accounts[row].wrapping_add(1) {
            return row;
        }
        // Emptied before any can overflow; codes are below `N`.
        let cell = &mut line[to_usize(codes[row]) % N];
        *cell = cell.wrapping_add(1);
    }
    apps.len()
}

/// The same for lines of any length.
pub(super) fn count_long_lines(
    cells: &mut [u32],
    line_bits: u32,
    touched: &mut Vec<u32>,
    rows: Rows<'_>,
) -> Vec<usize> {
    let mut others = Vec::new();
    let each = rows.apps.iter().zip(rows.accounts).zip(rows.codes);
    for (row, ((app, account), code)) in each.enumerate() {
        let line = to_usize(*app) << line_bits;
        if claim(&mut cells[line], touched, *account, *app) {
            cells[line + to_usize(*code)] += 1;
        } else {
            others.push(row);
        }
    }
    others
}

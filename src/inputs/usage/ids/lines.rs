//! The loops that count rows in lines: cell 0 is the account's, with the next cells a code each.

use super::to_usize;

/// Seconds of the rows of a block.
#[derive(Clone, Copy)]
pub(super) enum Seconds<'a> {
    Each(u32),
    Of(&'a [u32]),
}

/// Rows to be counted.
#[derive(Clone, Copy)]
pub(super) struct Rows<'a> {
    pub accounts: &'a [u32],
    pub lines: &'a [u32],
    pub codes: &'a [u32],
    pub seconds: Seconds<'a>,
}

impl Seconds<'_> {
    /// Of a row.
    pub(super) fn of(self, row: usize) -> u32 {
        match self {
            Self::Each(seconds) => seconds,
            Self::Of(seconds) => seconds[row],
        }
    }
}

/// Whether a line is an account's: it is the first one's to come. An app nearly always has one account.
#[inline(never)]
pub(super) fn claim(owner: &mut u32, touched: &mut Vec<u32>, account: u32, line: u32) -> bool {
    if *owner == 0 {
        *owner = account + 1;
        touched.push(line);
    }
    *owner == account + 1
}

/// Counts rows in lines of `N` cells, and returns the rows whose line is another account's.
pub(super) fn count_lines<const N: usize>(cells: &mut [u32], touched: &mut Vec<u32>, rows: Rows<'_>) -> Vec<usize> {
    let cells = cells.as_chunks_mut::<N>().0;
    let mut others = Vec::new();
    let count = rows.lines.len();
    let mut row = 0;
    while row < count {
        row += count_owned(cells, &rows.lines[row..], &rows.accounts[row..], &rows.codes[row..]);
        if row < count {
            let line = &mut cells[to_usize(rows.lines[row])];
            if claim(&mut line[0], touched, rows.accounts[row], rows.lines[row]) {
                line[to_usize(rows.codes[row]) % N] += 1;
            } else {
                others.push(row);
            }
            row += 1;
        }
    }
    others
}

/// Counts rows up to the first whose line is not its account's, and returns how many. Nothing but this in it, so that it
/// needs no memory but that of rows and lines.
#[inline(never)]
fn count_owned<const N: usize>(cells: &mut [[u32; N]], lines: &[u32], accounts: &[u32], codes: &[u32]) -> usize {
    let (accounts, codes) = (&accounts[..lines.len()], &codes[..lines.len()]);
    for row in 0..lines.len() {
        let line = &mut cells[to_usize(lines[row])];
        // An id is below `MAX_DISTINCT`: this does not wrap.
        if line[0] != accounts[row].wrapping_add(1) {
            return row;
        }
        // Emptied before any can overflow; codes are below `N`.
        let cell = &mut line[to_usize(codes[row]) % N];
        *cell = cell.wrapping_add(1);
    }
    lines.len()
}

/// The same for lines of any length.
pub(super) fn count_long_lines(
    cells: &mut [u32],
    line_bits: u32,
    touched: &mut Vec<u32>,
    rows: Rows<'_>,
) -> Vec<usize> {
    let mut others = Vec::new();
    let each = rows.lines.iter().zip(rows.accounts).zip(rows.codes);
    for (row, ((line, account), code)) in each.enumerate() {
        let first = to_usize(*line) << line_bits;
        if claim(&mut cells[first], touched, *account, *line) {
            cells[first + to_usize(*code)] += 1;
        } else {
            others.push(row);
        }
    }
    others
}

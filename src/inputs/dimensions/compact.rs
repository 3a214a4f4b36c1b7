//! Columns that keep millions of rows small.

use std::collections::HashMap;
use std::hash::Hash;
use std::ops::Range;

use rayon::slice::ParallelSliceMut;

/// Texts end to end.
#[derive(Debug, Default)]
pub(super) struct Texts {
    text: String,
    /// Where each ends.
    ends: Vec<usize>,
}

impl Texts {
    /// Adds a text.
    pub(super) fn push(&mut self, text: &str) {
        self.text.push_str(text);
        self.ends.push(self.text.len());
    }

    /// The text at a position.
    pub(super) fn get(&self, position: usize) -> &str {
        let start = position.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[start..self.ends[position]]
    }

    /// The same texts in another order.
    pub(super) fn permuted(&self, order: &[u32]) -> Self {
        let mut permuted = Self {
            text: String::with_capacity(self.text.len()),
            ends: Vec::with_capacity(order.len()),
        };
        for &position in order {
            permuted.push(self.get(index(position)));
        }
        permuted
    }
}

/// Lists, of which equal ones are kept once.
#[derive(Debug)]
pub(super) struct Sets<T> {
    members: Vec<T>,
    ranges: Vec<Range<usize>>,
    ids: HashMap<Vec<T>, u32>,
}

impl<T: Copy + Eq + Hash> Sets<T> {
    /// None yet.
    pub(super) fn new() -> Self {
        Self {
            members: Vec::new(),
            ranges: Vec::new(),
            ids: HashMap::new(),
        }
    }

    /// The number of this list.
    pub(super) fn id_of(&mut self, list: &[T]) -> u32 {
        if let Some(id) = self.ids.get(list) {
            return *id;
        }
        let id = u32::try_from(self.ranges.len()).expect("fewer lists than rows, which are checked");
        let start = self.members.len();
        self.members.extend_from_slice(list);
        self.ranges.push(start..self.members.len());
        self.ids.insert(list.to_vec(), id);
        id
    }

    /// The list of this number.
    pub(super) fn get(&self, id: u32) -> &[T] {
        &self.members[self.ranges[index(id)].clone()]
    }

    /// Forgets what only adding needs.
    pub(super) fn seal(&mut self) {
        self.ids = HashMap::new();
        self.members.shrink_to_fit();
        self.ranges.shrink_to_fit();
    }
}

/// Where each account's rows are, in a table sorted by account of which most accounts have rows.
#[derive(Debug, Default)]
pub(super) struct Starts(Vec<u32>);

impl Starts {
    /// From the rows' accounts, ascending.
    pub(super) fn new(accounts: usize, sorted: impl Iterator<Item = u32>) -> Self {
        let mut starts = vec![0_u32; accounts + 1];
        for account in sorted {
            starts[index(account) + 1] += 1;
        }
        for account in 0..accounts {
            starts[account + 1] += starts[account];
        }
        Self(starts)
    }

    /// The rows of an account.
    pub(super) fn rows(&self, account: u32) -> Range<usize> {
        index(self.0[index(account)])..index(self.0[index(account) + 1])
    }
}

/// Values that few accounts have, sorted by account.
#[derive(Debug)]
pub(super) struct Sparse<T>(Vec<(u32, T)>);

impl<T: Ord + Copy> Sparse<T> {
    /// From values in any order.
    pub(super) fn new(mut values: Vec<(u32, T)>) -> Self {
        values.sort_unstable();
        values.shrink_to_fit();
        Self(values)
    }

    /// The values of an account, ascending.
    pub(super) fn get(&self, account: u32) -> &[(u32, T)] {
        let start = self.0.partition_point(|(other, _)| *other < account);
        let len = self.0[start..].partition_point(|(other, _)| *other == account);
        &self.0[start..start + len]
    }

    /// The only value of an account.
    pub(super) fn one(&self, account: u32) -> Option<T> {
        self.get(account).first().map(|(_, value)| *value)
    }
}

/// The order of rows by a key; ties stay in their order.
pub(super) fn order_by<K: Ord>(rows: usize, key: impl Fn(u32) -> K + Sync) -> Vec<u32> {
    let rows = u32::try_from(rows).expect("the number of rows is checked while reading");
    let mut order: Vec<u32> = (0..rows).collect();
    if !order.is_sorted_by_key(|&row| key(row)) {
        order.par_sort_unstable_by(|&a, &b| key(a).cmp(&key(b)).then(a.cmp(&b)));
    }
    order
}

/// A column in another order.
pub(super) fn permuted<T: Copy>(column: Vec<T>, order: &[u32]) -> Vec<T> {
    order.iter().map(|&row| column[index(row)]).collect()
}

/// A position as an index.
pub(super) fn index(position: u32) -> usize {
    usize::try_from(position).expect("usize has at least 32 bits")
}

/// An index as a position.
pub(super) fn position(index: usize) -> u32 {
    u32::try_from(index).expect("the number of rows is checked while reading")
}

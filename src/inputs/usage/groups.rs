//! Sums by (account, app, tier, period) in memory proportional to the groups, whatever the number of rows.
//!
//! Each thread sums into a small table. A full table becomes a sorted run; runs of like size are merged, so that all
//! runs together hold at most about 4/3 as many groups as there are. What is left is merged as it is read.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use hashbrown::HashMap;

use crate::catalog::book::TierId;
use crate::units::quantity::{SdkAppId, Seconds};

/// Groups in a thread's table before it becomes a run.
const TABLE_GROUPS: usize = 256 << 10;
/// Groups in a block, the unit in which runs are freed while they are merged.
const BLOCK_GROUPS: usize = 4_096;
/// A run is merged with the one before it unless that one is this many times as large.
const RUN_RATIO: usize = 4;

/// Usage of one account, app and tier in one period, summed over all files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Group {
    /// The account's position in the [`AccountIndex`](crate::inputs::dimensions::AccountIndex), which is in account
    /// order.
    pub account: u32,
    /// The app.
    pub app: SdkAppId,
    /// Item and tier.
    pub tier: TierId,
    /// The five-minute period of the day; 0 by day.
    pub period: u16,
    /// Sum of seconds.
    pub seconds: Seconds,
    /// Number of rows.
    pub rows: i64,
}

/// What a group is of; ordered as groups are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key {
    pub account: u32,
    pub app: SdkAppId,
    pub tier: TierId,
    pub period: u16,
}

impl Group {
    fn key(&self) -> Key {
        Key {
            account: self.account,
            app: self.app,
            tier: self.tier,
            period: self.period,
        }
    }

    /// Adds the sums of the same group.
    fn absorb(&mut self, other: &Self) {
        // Proven before the first row is read: a scan has at most MAX_ROWS rows of at most 86,400 s each.
        const FITS: &str = "MAX_ROWS bounds every sum";
        self.seconds = self.seconds.plus(other.seconds).expect(FITS);
        self.rows = self.rows.checked_add(other.rows).expect(FITS);
    }
}

/// Sums of one thread, not in order.
#[derive(Default)]
pub(super) struct Table {
    sums: HashMap<Key, (i64, i64)>,
    last: Option<(Key, (i64, i64))>,
}

impl Table {
    /// Adds seconds and rows; negative ones take back what was added before. Rows of one group mostly follow each
    /// other in sorted files.
    pub(super) fn add(&mut self, key: Key, sums: (i64, i64)) {
        match &mut self.last {
            Some((last, sum)) if *last == key => add(sum, sums),
            _ => {
                self.settle_last();
                self.last = Some((key, sums));
            }
        }
    }

    fn settle_last(&mut self) {
        if let Some((key, sum)) = self.last.take() {
            add(self.sums.entry(key).or_insert((0, 0)), sum);
        }
    }

    /// Whether it is time to [`drain`](Self::drain).
    pub(super) fn is_full(&self) -> bool {
        self.sums.len() >= TABLE_GROUPS
    }

    /// Empties the table into a sorted run.
    pub(super) fn drain(&mut self) -> Run {
        self.settle_last();
        let mut groups: Vec<Group> = self
            .sums
            .drain()
            .map(
                |(
                    Key {
                        account,
                        app,
                        tier,
                        period,
                    },
                    (seconds, rows),
                )| Group {
                    account,
                    app,
                    tier,
                    period,
                    seconds: Seconds::new(seconds),
                    rows,
                },
            )
            .collect();
        groups.sort_unstable_by_key(Group::key);
        groups.into_iter().collect()
    }
}

fn add(sum: &mut (i64, i64), (seconds, rows): (i64, i64)) {
    // As in `Group::absorb`.
    sum.0 = sum.0.checked_add(seconds).expect("MAX_ROWS bounds every sum");
    sum.1 = sum.1.checked_add(rows).expect("MAX_ROWS bounds every sum");
}

/// Groups in order, one per key, in blocks that are freed as they are read.
#[derive(Default)]
pub(super) struct Run {
    blocks: VecDeque<Vec<Group>>,
    read: usize,
    left: usize,
}

impl Run {
    fn peek(&self) -> Option<&Group> {
        self.blocks.front().and_then(|block| block.get(self.read))
    }

    fn push(&mut self, group: Group) {
        match self.blocks.back_mut() {
            Some(block) if block.len() < BLOCK_GROUPS => block.push(group),
            _ => {
                let mut block = Vec::with_capacity(BLOCK_GROUPS);
                block.push(group);
                self.blocks.push_back(block);
            }
        }
        self.left += 1;
    }
}

impl FromIterator<Group> for Run {
    fn from_iter<T: IntoIterator<Item = Group>>(groups: T) -> Self {
        let mut run = Self::default();
        groups.into_iter().for_each(|group| run.push(group));
        run
    }
}

impl Iterator for Run {
    type Item = Group;

    fn next(&mut self) -> Option<Group> {
        let block = self.blocks.front()?;
        let group = *block.get(self.read)?;
        self.read += 1;
        self.left -= 1;
        if self.read == block.len() {
            self.blocks.pop_front();
            self.read = 0;
        }
        Some(group)
    }
}

/// The runs of all threads, the largest first.
#[derive(Default)]
pub(super) struct Runs(Mutex<Vec<Run>>);

impl Runs {
    /// Takes a run, and merges runs of like size.
    pub(super) fn push(&self, run: Run) {
        if run.left == 0 {
            return;
        }
        let mut runs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        runs.push(run);
        while let [.., before, last] = runs.as_slice()
            && before.left < last.left.saturating_mul(RUN_RATIO)
        {
            let pair = runs.len() - 2;
            let merged = Groups {
                runs: runs.split_off(pair),
            }
            .collect();
            runs.push(merged);
        }
    }

    pub(super) fn into_groups(self) -> Groups {
        Groups {
            runs: self.0.into_inner().unwrap_or_else(PoisonError::into_inner),
        }
    }
}

/// Groups in order; at most a few times as large as the groups themselves.
pub struct Groups {
    /// Few: each is at least [`RUN_RATIO`] times as large as the next.
    runs: Vec<Run>,
}

impl Iterator for Groups {
    type Item = Group;

    fn next(&mut self) -> Option<Group> {
        loop {
            let least = self.runs.iter().filter_map(Run::peek).map(Group::key).min()?;
            let mut sum: Option<Group> = None;
            for run in &mut self.runs {
                if run.peek().is_some_and(|group| group.key() == least)
                    && let Some(group) = run.next()
                {
                    match &mut sum {
                        Some(sum) => sum.absorb(&group),
                        None => sum = Some(group),
                    }
                }
            }
            // Of a group whose rows were all taken back nothing is left. While runs are merged a group may have no rows
            // and yet seconds: the rest of its sums is in another run.
            if let Some(sum) = sum
                && (sum.rows, sum.seconds) != (0, Seconds::new(0))
            {
                return Some(sum);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn key(number: u32) -> Key {
        Key {
            account: number / 7,
            app: SdkAppId::new(i64::from(number % 7) + 1).unwrap(),
            tier: TierId(u16::try_from(number % 3).unwrap()),
            period: u16::try_from(number % 2).unwrap(),
        }
    }

    #[test]
    fn a_group_is_32_bytes() {
        assert_eq!(size_of::<Group>(), 32, "30 million of them are to fit a gigabyte");
    }

    #[test]
    fn nothing_is_lost_of_sums_that_come_in_parts() {
        // Key, seconds, rows, a run each: seconds before their rows; rows taken back before they are all there.
        let parts: [&[(u32, i64, i64)]; 3] = [
            &[(1, 76, 0), (2, 5, 1), (1, 1, 1)],
            &[(1, 3, 3), (1, -230, -3), (1, 230, 3)],
            &[(1, 5, 2), (1, -5, -2)],
        ];
        let found = parts.map(|parts| {
            let runs = Runs::default();
            for (number, seconds, rows) in parts {
                let mut table = Table::default();
                table.add(key(*number), (*seconds, *rows));
                runs.push(table.drain());
            }
            let groups = runs
                .into_groups()
                .map(|group| (group.key(), group.seconds.get(), group.rows));
            groups.collect::<Vec<_>>()
        });
        assert_eq!(
            found,
            [vec![(key(1), 77, 1), (key(2), 5, 1)], vec![(key(1), 3, 3)], vec![]]
        );
    }

    #[test]
    fn runs_of_any_size_add_up_in_order_and_stay_few() {
        let runs = Runs::default();
        let mut expected: BTreeMap<Key, (i64, i64)> = BTreeMap::new();
        let mut table = Table::default();
        let mut number = 1_u32;
        for size in (0..200_u32).map(|run| run * run % 977) {
            for _ in 0..size {
                number = number.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let (key, seconds) = (key(number >> 20), i64::from(number % 100) + 1);
                add(expected.entry(key).or_default(), (seconds, 1));
                table.add(key, (seconds, 1));
            }
            runs.push(table.drain());
            let guard = runs.0.lock().unwrap();
            let held: usize = guard.iter().map(|run| run.left).sum();
            assert!(
                held <= expected.len() * 4 / 3 + 1,
                "{held} groups held for {}",
                expected.len()
            );
        }
        let groups: Vec<(Key, (i64, i64))> = runs
            .into_groups()
            .map(|group| (group.key(), (group.seconds.get(), group.rows)))
            .collect();
        assert_eq!(groups, expected.into_iter().collect::<Vec<_>>());
    }
}

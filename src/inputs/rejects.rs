//! Rows of usage and of other partitioned inputs that break a rule: not billed and not lost.

use crate::units::quantity::Instant;

/// Why a row is rejected. The first that holds, in this order (SPEC 2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// `ts` is null or outside the calendar.
    BadTs,
    /// `day` of usage by the day is null or outside the calendar.
    BadDay,
    /// `ts` or `day` is outside the partition's date.
    Misplaced,
    /// `account_id`, `sdk_app_id`, `task_id` or `user_id` is null.
    NullKey,
    /// `account_id` or `sdk_app_id` is not positive or beyond 64 bits signed; `task_id` or `user_id` is empty.
    BadKey,
    /// The account is not known at the day's billing time.
    UnknownAccount,
    /// The catalog has no such meter, or it is null.
    UnknownMeter,
    /// The catalog has no such item of kind duration, or it is null.
    UnknownItem,
    /// The item has no such tier, or it is null.
    UnknownTier,
    /// No item of kind peak has such a tier, or it is null.
    UnknownDestination,
    /// `seconds` is null or not within 1 to 86400; of usage by the day within 1 to 10^12.
    BadSeconds,
    /// `pixels` is negative, or beyond 64 bits signed.
    BadPixels,
    /// `kbps` is null, negative or more than 10^12.
    BadKbps,
    /// `images` is null, negative or more than 10^12.
    BadImages,
}

impl Reason {
    /// Every reason, in order of precedence.
    pub const ALL: [Self; Self::COUNT] = [
        Self::BadTs,
        Self::BadDay,
        Self::Misplaced,
        Self::NullKey,
        Self::BadKey,
        Self::UnknownAccount,
        Self::UnknownMeter,
        Self::UnknownItem,
        Self::UnknownTier,
        Self::UnknownDestination,
        Self::BadSeconds,
        Self::BadPixels,
        Self::BadKbps,
        Self::BadImages,
    ];
    /// How many there are.
    pub const COUNT: usize = 14;

    /// As it stands in the `rejects` table.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BadTs => "bad_ts",
            Self::BadDay => "bad_day",
            Self::Misplaced => "misplaced",
            Self::NullKey => "null_key",
            Self::BadKey => "bad_key",
            Self::UnknownAccount => "unknown_account",
            Self::UnknownMeter => "unknown_meter",
            Self::UnknownItem => "unknown_item",
            Self::UnknownTier => "unknown_tier",
            Self::UnknownDestination => "unknown_destination",
            Self::BadSeconds => "bad_seconds",
            Self::BadPixels => "bad_pixels",
            Self::BadKbps => "bad_kbps",
            Self::BadImages => "bad_images",
        }
    }
}

/// A rejected row. Values are as the file has them, None where null or not representable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// The file, relative to the usage URL; of another input relative to its URL, with its name and a slash before it.
    pub file: String,
    /// Row number in the file, from 1.
    pub row: i64,
    /// Why.
    pub reason: Reason,
    /// `account_id`.
    pub account_id: Option<i64>,
    /// `sdk_app_id`.
    pub sdk_app_id: Option<i64>,
    /// `meter`; the default where the column is absent. `<item>.<tier>` of usage by the day, None of other inputs.
    pub meter: Option<String>,
    /// `ts`.
    pub ts: Option<Instant>,
    /// `seconds`; the default where the column is absent.
    pub seconds: Option<i64>,
    /// `pixels`.
    pub pixels: Option<i64>,
}

/// The rejects of a day.
#[derive(Debug, Clone, Default)]
pub struct Rejects {
    /// How many rows, by position in [`Reason::ALL`].
    pub counts: [u64; Reason::COUNT],
    /// Seconds of the rejected rows whose `seconds` is within 1 to 86400.
    pub seconds: i64,
    /// The rows, sorted by (file, row): all of them up to the larger of the job's limit and 10,000.
    pub rows: Vec<Reject>,
}

impl Rejects {
    /// How many rows were rejected.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }
}

/// How many rejected rows are kept at least.
const KEPT_REJECTS: u64 = 10_000;

/// How many rejected rows of a day are kept, given how many the job tolerates.
pub(super) fn kept_rejects(max_rejected_rows: u64) -> usize {
    usize::try_from(max_rejected_rows.max(KEPT_REJECTS)).unwrap_or(usize::MAX)
}

/// Gathers rejected rows in any order, and keeps those that come first by (file, row).
#[derive(Debug)]
pub(super) struct RejectKeeper {
    counts: Box<[u64; Reason::COUNT]>,
    seconds: i64,
    limit: usize,
    rows: Vec<Reject>,
    /// Whether a row beyond the limit has been dropped, and the last one that was kept then.
    last_kept: Option<(String, i64)>,
}

impl RejectKeeper {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            counts: Box::new([0; Reason::COUNT]),
            seconds: 0,
            limit,
            rows: Vec::new(),
            last_kept: None,
        }
    }

    /// Counts a rejected row. None when the sum of seconds leaves 64 bits.
    pub(super) fn count(&mut self, reason: Reason, seconds: Option<i64>) -> Option<()> {
        for (count, of) in self.counts.iter_mut().zip(Reason::ALL) {
            *count += u64::from(of == reason);
        }
        let billable = seconds.filter(|seconds| (1..=86_400).contains(seconds));
        self.seconds = self.seconds.checked_add(billable.unwrap_or(0))?;
        Some(())
    }

    /// Whether a row may be among those that are kept.
    pub(super) fn wants(&self, file: &str, row: i64) -> bool {
        self.last_kept
            .as_ref()
            .is_none_or(|(last_file, last_row)| (file, row) < (last_file.as_str(), *last_row))
    }

    /// Keeps a row, for now.
    pub(super) fn keep(&mut self, row: Reject) {
        self.rows.push(row);
        if self.rows.len() > self.limit.saturating_mul(2) {
            self.trim();
        }
    }

    /// Takes what another keeper has gathered. None when the sum of seconds leaves 64 bits.
    pub(super) fn absorb(&mut self, other: Self) -> Option<()> {
        for (count, more) in self.counts.iter_mut().zip(*other.counts) {
            *count += more;
        }
        self.seconds = self.seconds.checked_add(other.seconds)?;
        for row in other.rows {
            if self.wants(&row.file, row.row) {
                self.keep(row);
            }
        }
        Some(())
    }

    pub(super) fn finish(mut self) -> Rejects {
        self.trim();
        self.rows
            .sort_unstable_by(|a, b| (&a.file, a.row).cmp(&(&b.file, b.row)));
        Rejects {
            counts: *self.counts,
            seconds: self.seconds,
            rows: self.rows,
        }
    }

    fn trim(&mut self) {
        if self.rows.len() <= self.limit {
            return;
        }
        let last = self.limit.saturating_sub(1);
        let (_, row, _) = self
            .rows
            .select_nth_unstable_by(last, |a, b| (&a.file, a.row).cmp(&(&b.file, b.row)));
        self.last_kept = Some((row.file.clone(), row.row));
        self.rows.truncate(self.limit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reject(file: &str, row: i64) -> Reject {
        Reject {
            file: file.to_owned(),
            row,
            reason: Reason::BadTs,
            account_id: None,
            sdk_app_id: None,
            meter: None,
            ts: None,
            seconds: None,
            pixels: None,
        }
    }

    #[test]
    fn the_first_rows_are_kept_whatever_the_order() {
        let all: Vec<(String, i64)> = (0..50).map(|i| (format!("{}", i % 5), i / 5 + 1)).collect();
        let mut sorted = all.clone();
        sorted.sort();
        for stride in [1, 3, 7, 11, 49] {
            let mut keepers = [RejectKeeper::new(8), RejectKeeper::new(8)];
            for i in 0..all.len() {
                let (file, row) = &all[i * stride % all.len()];
                let keeper = &mut keepers[i % 2];
                keeper.count(Reason::BadTs, Some(2)).unwrap();
                if keeper.wants(file, *row) {
                    keeper.keep(reject(file, *row));
                }
            }
            let [mut one, other] = keepers;
            one.absorb(other).unwrap();
            let rejects = one.finish();
            assert_eq!((rejects.total(), rejects.seconds), (50, 100));
            let kept: Vec<(String, i64)> = rejects.rows.into_iter().map(|row| (row.file, row.row)).collect();
            assert_eq!(kept, sorted[..8], "stride {stride}");
        }
    }

    #[test]
    fn only_billable_seconds_are_summed() {
        let mut keeper = RejectKeeper::new(8);
        for seconds in [None, Some(0), Some(-5), Some(86_400), Some(86_401), Some(1)] {
            keeper.count(Reason::BadSeconds, seconds).unwrap();
        }
        assert_eq!(keeper.finish().seconds, 86_401);
    }
}

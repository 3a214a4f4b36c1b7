//! Usage rows that break a rule: not billed and not lost.

use crate::rules::quantity::Instant;

/// Why a row is rejected. The first that holds, in this order (SPEC 2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// `ts` is null or outside the calendar.
    BadTs,
    /// `ts` is outside the partition's date.
    Misplaced,
    /// `account_id` or `sdk_app_id` is null.
    NullKey,
    /// `account_id` or `sdk_app_id` is not positive, or beyond 64 bits signed.
    BadKey,
    /// The account is not known at the day's billing time.
    UnknownAccount,
    /// The catalog has no such meter, or it is null.
    UnknownMeter,
    /// `seconds` is null or not within 1 to 86400.
    BadSeconds,
    /// `pixels` is negative, or beyond 64 bits signed.
    BadPixels,
}

impl Reason {
    /// Every reason, in order of precedence.
    pub const ALL: [Self; 8] = [
        Self::BadTs,
        Self::Misplaced,
        Self::NullKey,
        Self::BadKey,
        Self::UnknownAccount,
        Self::UnknownMeter,
        Self::BadSeconds,
        Self::BadPixels,
    ];

    /// As it stands in the `rejects` table.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BadTs => "bad_ts",
            Self::Misplaced => "misplaced",
            Self::NullKey => "null_key",
            Self::BadKey => "bad_key",
            Self::UnknownAccount => "unknown_account",
            Self::UnknownMeter => "unknown_meter",
            Self::BadSeconds => "bad_seconds",
            Self::BadPixels => "bad_pixels",
        }
    }
}

/// A rejected row. Values are as the file has them, None where null or not representable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// The file, relative to the usage URL.
    pub file: String,
    /// Row number in the file, from 1.
    pub row: i64,
    /// Why.
    pub reason: Reason,
    /// `account_id`.
    pub account_id: Option<i64>,
    /// `sdk_app_id`.
    pub sdk_app_id: Option<i64>,
    /// `meter`; the default where the column is absent.
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
    pub counts: [u64; 8],
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

//! What to generate, what was generated, and why it could not be.

use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use chrono_tz::Tz;

use crate::units::quantity::BillingDay;

/// Most days of one sample.
pub const MAX_DAYS: u32 = 366;
/// Most accounts of one sample.
pub const MAX_ACCOUNTS: u32 = 50_000_000;
/// Most generated rows of one sample.
pub const MAX_ROWS: u64 = 100_000_000_000;
/// Most usage files of one day.
pub const MAX_FILES_PER_DAY: u32 = 1024;
/// In [`Shape::Groups`], most rows per account and day on average: beyond it keys would repeat.
pub const MAX_GROUPS_PER_ACCOUNT: u64 = 10;

/// What to generate. Start from [`SampleSpec::new`] and change fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampleSpec {
    /// Directory to fill; created when it is missing, refused when it holds anything.
    pub out: PathBuf,
    /// Everything random comes from it.
    pub seed: u64,
    /// The first day.
    pub from: BillingDay,
    /// How many days, 1 to [`MAX_DAYS`].
    pub days: u32,
    /// The zone of the job, of the partitions' dates, and of the evening in which people talk.
    pub zone: Tz,
    /// How many accounts are generated, 1 to [`MAX_ACCOUNTS`].
    pub accounts: u32,
    /// Exactly how many usage rows are generated over all days, at least one a day. The rows of worked examples
    /// come on top.
    pub rows: u64,
    /// What the rows look like.
    pub shape: Shape,
    /// The order of the rows.
    pub layout: Layout,
    /// How usage files are encoded.
    pub encoding: UsageEncoding,
    /// Usage files per day; None: one for each 2 million rows of a day, 1 to 16.
    pub files_per_day: Option<u32>,
    /// Adds `relay`, `screenshots` and `logins` of the generated accounts.
    pub monthly_inputs: bool,
    /// Adds one account per worked example of the purchase guide (its days are 2024-10-11 to 2024-10-14,
    /// Asia/Shanghai: with other days or another zone it is an error).
    pub worked_examples: bool,
    /// Adds one account per story: paid late, suspended, removed and back, violated, renewed, refunded. They want a quarter of
    /// a year, and [`Shape::Rooms`].
    pub stories: bool,
    /// The job file to write beside the input.
    pub job: JobFile,
}

/// What usage rows look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Rooms of participants who come and go: a row per participant and second, as a metering pipeline writes.
    /// Accounts by a Zipf law.
    Rooms,
    /// A row per account, app and tier, 3 an account or so, with many seconds in it: as many accounts as possible
    /// for as few rows as possible, to test how settling scales. Always in the order of [`Layout::Sorted`].
    Groups,
}

/// The order of usage rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// By time; participants in no order inside a second. The worst case that a pipeline writes.
    Time,
    /// By account, app, user, time.
    Sorted,
}

/// How usage files are encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UsageEncoding {
    /// The `ts` column; every other one has a dictionary.
    pub ts: TsEncoding,
    /// Every page.
    pub compression: UsageCompression,
}

/// How the `ts` column of usage files is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TsEncoding {
    /// A dictionary, as most writers have it by default.
    Dictionary,
    /// DELTA_BINARY_PACKED without a dictionary.
    Delta,
    /// PLAIN without a dictionary.
    Plain,
}

/// How the pages of usage files are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UsageCompression {
    /// zstd, level 1.
    Zstd,
    /// LZ4_RAW.
    Lz4,
    /// Not at all.
    None,
}

/// The job file beside the input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobFile {
    /// None.
    None,
    /// `job.toml`, and `catalog.toml` beside it: a copy of the TRTC catalog that ships with nightbill.
    WithTrtcCatalog,
    /// `job.toml` whose `catalog` is this path or URL, as it should stand in the file.
    WithCatalog(String),
}

impl SampleSpec {
    /// A day of 200 accounts and a million rows, settled by `job.toml` in the directory itself.
    pub fn new(out: impl Into<PathBuf>) -> Self {
        Self {
            out: out.into(),
            seed: 1,
            from: first_example_day(),
            days: 1,
            zone: chrono_tz::Asia::Shanghai,
            accounts: 200,
            rows: 1_000_000,
            shape: Shape::Rooms,
            layout: Layout::Time,
            encoding: UsageEncoding {
                ts: TsEncoding::Dictionary,
                compression: UsageCompression::Zstd,
            },
            files_per_day: None,
            monthly_inputs: false,
            worked_examples: false,
            stories: false,
            job: JobFile::WithTrtcCatalog,
        }
    }

    /// What is committed as `sample_data/`: four days of three dozen accounts, and the guide's worked examples.
    pub fn shipped(out: impl Into<PathBuf>) -> Self {
        Self {
            seed: 2024,
            days: 4,
            accounts: 36,
            rows: 320_000,
            worked_examples: true,
            job: JobFile::None,
            ..Self::new(out)
        }
    }
}

/// 2024-10-11, the day before the RTC-Engine promotion starts.
pub(crate) fn first_example_day() -> BillingDay {
    BillingDay::from_date(NaiveDate::from_ymd_opt(2024, 10, 11).expect("a date of the calendar"))
}

/// What was generated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampleReport {
    /// The directory.
    pub out: PathBuf,
    /// The job file, if one was written.
    pub job: Option<PathBuf>,
    /// Usage rows, worked examples included.
    pub usage_rows: u64,
    /// Sum of their `seconds`.
    pub usage_seconds: u64,
    /// Usage files.
    pub usage_files: u64,
    /// Bytes of all files.
    pub bytes: u64,
    /// Accounts, worked examples included.
    pub accounts: u64,
    /// Packages, worked examples included.
    pub packages: u64,
    /// Payments, worked examples included.
    pub payments: u64,
}

/// Why a sample cannot be generated.
#[derive(Debug, thiserror::Error)]
pub enum SampleError {
    /// A field of the spec is out of its range (exit 2).
    #[error("{field} is {value}: give {range}")]
    OutOfRange {
        /// The field.
        field: &'static str,
        /// Its value.
        value: String,
        /// What it may be.
        range: String,
    },
    /// The worked examples are wanted, but not their days, zone or shape (exit 2).
    #[error(
        "the worked examples are usage of rooms on {days} days from {from} in {zone}: ask for those, or leave the examples out"
    )]
    OtherThanExamples {
        /// How many days they are of.
        days: u32,
        /// Their first day.
        from: BillingDay,
        /// Their zone.
        zone: &'static str,
    },
    /// The directory holds something (exit 2).
    #[error("{} is not empty: name a new directory, nothing is overwritten", .0.display())]
    NotEmpty(PathBuf),
    /// The file system failed (exit 5).
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A Parquet file could not be written (exit 5).
    #[error("{}: {source}", path.display())]
    Parquet {
        /// The file.
        path: PathBuf,
        /// Why.
        source: parquet::errors::ParquetError,
    },
}

impl SampleError {
    pub(super) fn io(path: &Path, source: std::io::Error) -> Self {
        Self::Io {
            path: path.to_owned(),
            source,
        }
    }

    pub(super) fn parquet(path: &Path, source: parquet::errors::ParquetError) -> Self {
        Self::Parquet {
            path: path.to_owned(),
            source,
        }
    }
}

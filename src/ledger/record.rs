//! The commit record `_batches/<id>.json`: what a batch read, what it wrote, and what it adds up to (SPEC 5).

mod formats;

use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;
use chrono::{NaiveDate, NaiveTime};
use serde::{Deserialize, Serialize};

use crate::rules::account_day::DeductionPeriod;
use crate::units::calendar::Calendar;
use crate::units::quantity::{BillingDay, Instant};

/// `YYYY-MM-DD.NN`: the billing day that a batch settles, and which posting for it this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BatchId {
    /// The billing day.
    pub day: BillingDay,
    /// 0 for the batch that settles the day.
    pub posting: u32,
}

impl BatchId {
    /// The batch that settles a day.
    pub fn settling(day: BillingDay) -> Self {
        Self { day, posting: 0 }
    }

    /// Parses `YYYY-MM-DD.NN`.
    pub fn parse(text: &str) -> Option<Self> {
        let (day, posting) = text.split_once('.')?;
        let id = Self {
            day: BillingDay::from_date(day.parse().ok()?),
            posting: posting.parse().ok()?,
        };
        // One spelling each: no signs, no missing or needless zeros.
        (id.to_string() == text).then_some(id)
    }
}

impl fmt::Display for BatchId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.day, self.posting)
    }
}

/// The commit record, as its JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommitRecord {
    /// Version of this format: 1.
    pub format: u32,
    /// The batch's id.
    pub batch: String,
    /// The billing day that it settles.
    pub day: String,
    /// nightbill's version.
    pub tool: String,
    /// Version of the compiled-in tz database.
    pub tzdata: String,
    /// What it was posted with.
    pub job: JobDigest,
    /// The files of usage, then of `relay`, `screenshots` and `logins`, each in the order of their paths.
    pub inputs: Vec<InputEntry>,
    /// The dimension files.
    pub dimensions: Vec<DimensionEntry>,
    /// What it adds up to.
    pub totals: ControlTotals,
    /// The record before this one, None for the first.
    pub previous: Option<Previous>,
    /// Every table file, by table and part.
    pub files: Vec<TableFile>,
}

impl CommitRecord {
    /// The version of the format that this program writes.
    pub const FORMAT: u32 = 1;

    /// The record as it is stored: indented JSON, keys in the order of the fields, a newline at the end.
    pub fn to_json(&self) -> Bytes {
        let mut json = serde_json::to_vec_pretty(self).expect("a record has string keys and no floats");
        json.push(b'\n');
        json.into()
    }

    /// Reads a stored record, of this format or an older one.
    ///
    /// # Errors
    /// What is wrong with it, for people.
    pub fn from_json(json: &[u8]) -> Result<Self, String> {
        formats::read(json)
    }

    /// The zone and billing time that its day was billed with.
    ///
    /// # Errors
    /// What is wrong with them, for people.
    pub fn calendar(&self) -> Result<Calendar, String> {
        let job = &self.job;
        let zone = job.timezone.parse();
        let zone = zone.map_err(|_| format!("{} is no time zone", job.timezone))?;
        let time = NaiveTime::parse_from_str(&job.billing_time, BILLING_TIME);
        let time = time.map_err(|_| format!("{} is no billing time", job.billing_time))?;
        Ok(Calendar::new(zone, time))
    }

    /// How often its day drew on grants.
    ///
    /// # Errors
    /// What is wrong with it, for people.
    pub fn deduction_period(&self) -> Result<DeductionPeriod, String> {
        let text = &self.job.deduction_period;
        DeductionPeriod::parse(text)
            .ok_or_else(|| format!("its deduction_period is {text:?}, which is neither \"day\" nor \"5min\""))
    }

    /// The billing time of its day, by the clock that it was billed by.
    ///
    /// # Errors
    /// What is wrong with it, for people.
    pub fn billed_at(&self) -> Result<Instant, String> {
        let day: NaiveDate = self.day.parse().map_err(|_| format!("{} is no day", self.day))?;
        let billed_at = self.calendar()?.billing_instant(BillingDay::from_date(day));
        billed_at.map_err(|error| format!("its day is {error}"))
    }

    /// Whether two runs did the same: the same inputs and rules gave the same rows after the same batch. Where they staged
    /// them, and which build did it, makes no difference.
    pub fn is_same_work(&self, other: &Self) -> bool {
        let neutral = |record: &Self| {
            let mut record = record.clone();
            record.tool.clear();
            record.tzdata.clear();
            for file in &mut record.files {
                file.staged.clear();
            }
            record
        };
        neutral(self) == neutral(other)
    }
}

/// How [`JobDigest::billing_time`] is written.
pub const BILLING_TIME: &str = "%H:%M:%S";

/// Job and catalog by digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobDigest {
    /// `name` of the job.
    pub name: String,
    /// SHA-256 of the job.
    pub digest: String,
    /// SHA-256 of the catalog's text, kept as `_catalog/<sha256>.toml`.
    pub catalog: String,
    /// ISO 4217 code of all money.
    pub currency: String,
    /// IANA name of the billing zone.
    pub timezone: String,
    /// Local time of billing, `HH:MM:SS`.
    pub billing_time: String,
    /// `day` or `5min`.
    pub deduction_period: String,
}

/// A file of a partitioned input that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputEntry {
    /// Which input: `usage`, `relay`, `screenshots` or `logins`.
    pub input: String,
    /// Path relative to the input's URL.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// The store's version tag.
    pub etag: Option<String>,
    /// All rows of the file.
    pub rows: u64,
    /// Its rows that belong to the day.
    pub day_rows: u64,
    /// Accepted rows of the day.
    pub accepted_rows: u64,
    /// Their seconds.
    pub accepted_seconds: i64,
}

/// A dimension file that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DimensionEntry {
    /// Which dimension.
    pub dimension: String,
    /// Path relative to its URL.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// The store's version tag.
    pub etag: Option<String>,
    /// SHA-256 of the bytes.
    pub sha256: String,
    /// Rows, without the header.
    pub rows: u64,
}

/// What a batch adds up to. Money as decimal strings with the columns' scale.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ControlTotals {
    /// Rows of the day: accepted + rejected.
    pub rows: u64,
    /// Seconds of the day: accepted, plus rejected rows' whose `seconds` is within 1 to 86400.
    pub seconds: i64,
    /// Accepted rows.
    pub accepted_rows: u64,
    /// Their seconds.
    pub accepted_seconds: i64,
    /// Rejected rows.
    pub rejected_rows: u64,
    /// Rejected rows by reason; only reasons that occur.
    pub rejected: BTreeMap<String, u64>,
    /// SHA-256 over the day's usage groups (account, app, item, tier, period, seconds, rows) in their order: files that
    /// add up to the same sums have the same digest.
    pub usage_digest: String,
    /// The inputs of items that are no durations, of a batch that bills such items.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub measured: Vec<MeasuredTotals>,
    /// Accounts in the batch.
    pub accounts: u64,
    /// Distinct (account, app) pairs with usage.
    pub apps: u64,
    /// Rows of `bill_lines`.
    pub lines: u64,
    /// Rows of `bills`.
    pub bills: u64,
    /// Minutes by kind.
    pub minutes: MinuteTotals,
    /// What became of accounts and packages.
    pub decisions: DecisionTotals,
    /// Sum of `bills.amount`.
    pub amount: String,
    /// Sum of `bills.exact`.
    pub exact: String,
    /// Sum of `accounts.paid`.
    pub paid: String,
    /// Sum of `accounts.closing`.
    pub closing: String,
}

/// What the files of `relay`, `screenshots` or `logins` came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeasuredTotals {
    /// The input.
    pub input: String,
    /// How many files were read.
    pub files: u64,
    /// All of their rows.
    pub rows: u64,
    /// Accepted rows of what the batch bills: a day, or a month.
    pub accepted_rows: u64,
    /// Its rejected rows.
    pub rejected_rows: u64,
    /// Rejected rows by reason; only reasons that occur.
    pub rejected: BTreeMap<String, u64>,
    /// SHA-256 over what was measured (account, app, item, tier, figure) in its order.
    pub digest: String,
}

impl ControlTotals {
    /// Rejected rows of usage and of all other inputs.
    pub fn all_rejected_rows(&self) -> u64 {
        let others = self.measured.iter().map(|input| input.rejected_rows);
        others.fold(self.rejected_rows, u64::saturating_add)
    }
}

/// Sums over `bill_lines`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MinuteTotals {
    /// All minutes.
    pub total: i64,
    /// Covered by free minutes.
    pub free: i64,
    /// Covered by packages.
    pub package: i64,
    /// Priced.
    pub payg: i64,
    /// Neither.
    pub unbilled: i64,
}

/// What became of accounts and packages since the batch before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DecisionTotals {
    /// Accounts that became overdue.
    pub overdue: u64,
    /// Accounts that were suspended.
    pub suspended: u64,
    /// Accounts that were removed.
    pub removed: u64,
    /// Accounts that became active again.
    pub resumed: u64,
    /// Packages billed: bought on the day, renewals of the night before among them.
    pub purchased: u64,
    /// Packages renewed for the day after.
    pub renewed: u64,
    /// Refund requests approved.
    pub refunded: u64,
    /// Refund requests refused.
    pub refused: u64,
}

/// The record that a batch follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Previous {
    /// Its batch id.
    pub batch: String,
    /// SHA-256 of its bytes.
    pub digest: String,
}

/// A table file of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableFile {
    /// The table.
    pub table: String,
    /// Where it was staged, relative to the output.
    pub staged: String,
    /// Where it belongs, relative to the output: `<table>/batch=<id>/part-<n>.parquet`.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// SHA-256.
    pub sha256: String,
    /// Rows.
    pub rows: u64,
    /// Smallest and largest account, None without rows.
    pub accounts: Option<(i64, i64)>,
    /// First and last day of its rows, None without rows or without a day column.
    pub days: Option<(String, String)>,
}

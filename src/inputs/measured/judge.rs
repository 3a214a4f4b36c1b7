//! The rules that rows of all three inputs share: where a row belongs, and whose it is (SPEC 2.1, 2.2).

use crate::inputs::owners::{AccountCache, CACHED_ACCOUNTS, owner};
use crate::inputs::parquet::decode::{Int, Ints};
use crate::inputs::parquet::error::Fault;
use crate::inputs::parquet::row_groups::{Batch, Sink};
use crate::inputs::rejects::{Reason, Reject, RejectKeeper};
use crate::units::calendar::CALENDAR_MICROS;
use crate::units::quantity::{Instant, SdkAppId};

use super::read::{Input, Pass, Reading};
use crate::inputs::distinct::key::{Ids, Nameless};

/// What rows of a file are judged against.
#[derive(Debug, Clone)]
pub(super) struct FileRules {
    /// The file as the `rejects` table names it.
    pub name: String,
    /// The start of the partition's date, and of the next.
    pub partition: (Instant, Instant),
    /// Whether misplaced rows and those without time are rejects of this batch.
    pub is_of_period: bool,
}

/// The time that a batch bills.
#[derive(Debug, Clone, Copy)]
pub(super) struct Period {
    /// Its start and the start of what comes after: a day, or a month.
    pub whole: (Instant, Instant),
    /// The billing day's.
    pub day: (Instant, Instant),
}

impl Period {
    /// Whether an instant is of the billing day itself.
    pub(super) fn is_of_day(&self, at: Instant) -> bool {
        self.day.0 <= at && at < self.day.1
    }
}

/// The columns that all three inputs have.
pub(super) struct Common {
    pub ts: Ints,
    pub account_id: Ints,
    pub sdk_app_id: Ints,
}

/// Where a row belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Another day or month.
    Elsewhere,
    Here(Instant),
    Rejected(Reason),
}

impl Common {
    /// The first three columns of a batch: every input asks for them in this order.
    pub(super) fn of(batch: &mut Batch) -> Result<Self, Fault> {
        Ok(Self {
            ts: batch.ints(0)?,
            account_id: batch.ints(1)?,
            sdk_app_id: batch.ints(2)?,
        })
    }

    /// The row's time, if it belongs to the period.
    pub(super) fn place(&self, row: usize, file: &FileRules, period: &Period) -> Place {
        let misfit = |reason| match file.is_of_period {
            true => Place::Rejected(reason),
            false => Place::Elsewhere,
        };
        let at = match self.ts.get(row) {
            Int::Value(ts) if (CALENDAR_MICROS.0..CALENDAR_MICROS.1).contains(&ts) => Instant::from_micros(ts),
            _ => return misfit(Reason::BadTs),
        };
        if at < file.partition.0 || at >= file.partition.1 {
            return misfit(Reason::Misplaced);
        }
        if at < period.whole.0 || at >= period.whole.1 {
            return Place::Elsewhere;
        }
        Place::Here(at)
    }

    /// Whose a row is: the account's position and the app.
    pub(super) fn owner(&self, row: usize, accounts: &mut AccountCache<'_>) -> Result<(u32, SdkAppId), Reason> {
        owner(self.account_id.get(row), self.sdk_app_id.get(row), accounts)
    }

    /// Whose a row is that also names a task or a user.
    pub(super) fn owner_of_named(
        &self,
        row: usize,
        names: &Ids,
        accounts: &mut AccountCache<'_>,
    ) -> Result<(u32, SdkAppId), Reason> {
        let nameless = names.lacks(row);
        if self.lacks_owner(row) || nameless == Some(Nameless::Null) {
            return Err(Reason::NullKey);
        }
        if nameless.is_some() {
            return Err(Reason::BadKey);
        }
        self.owner(row, accounts)
    }

    /// Whether account or app are null.
    pub(super) fn lacks_owner(&self, row: usize) -> bool {
        self.account_id.get(row) == Int::Null || self.sdk_app_id.get(row) == Int::Null
    }
}

/// A number of a row: not negative, and at most 10^12, so that no sum of all rows leaves 128 bits.
pub(super) fn figure(column: &Ints, row: usize) -> Option<i64> {
    const LARGEST: i64 = 1_000_000_000_000;
    column.get(row).value().filter(|figure| (0..=LARGEST).contains(figure))
}

/// What one thread counts of rows, by file.
pub(super) struct Tally {
    pub rejects: RejectKeeper,
    /// By position of the file: accepted and rejected rows of the period.
    pub rows: Vec<(u64, u64)>,
    /// False in passes after the first, which must not count again.
    counts: bool,
}

impl Tally {
    pub(super) fn new(files: usize, keep_rejects: usize, counts: bool) -> Self {
        Self {
            rejects: RejectKeeper::new(keep_rejects),
            rows: vec![(0, 0); files],
            counts,
        }
    }

    /// Adds what another thread counted.
    pub(super) fn absorb(&mut self, other: Self) {
        for ((accepted, rejected), more) in self.rows.iter_mut().zip(other.rows) {
            *accepted += more.0;
            *rejected += more.1;
        }
        // Seconds are not summed here, so that nothing can leave 64 bits.
        self.rejects
            .absorb(other.rejects)
            .expect("rejects without seconds add up");
    }

    pub(super) fn accept(&mut self, file: usize) {
        if let Some((accepted, _)) = self.rows.get_mut(file).filter(|_| self.counts) {
            *accepted += 1;
        }
    }

    pub(super) fn reject(
        &mut self,
        (at, file): (usize, &FileRules),
        (row, number): (usize, i64),
        reason: Reason,
        common: &Common,
    ) -> Result<(), Fault> {
        if !self.counts {
            return Ok(());
        }
        if let Some((_, rejected)) = self.rows.get_mut(at) {
            *rejected += 1;
        }
        self.rejects
            .count(reason, None)
            .ok_or_else(|| Fault::bad("too many rejects"))?;
        if self.rejects.wants(&file.name, number) {
            self.rejects.keep(Reject {
                file: file.name.clone(),
                row: number,
                reason,
                account_id: common.account_id.get(row).value(),
                sdk_app_id: common.sdk_app_id.get(row).value(),
                meter: None,
                ts: common.ts.get(row).value().map(Instant::from_micros),
                seconds: None,
                pixels: None,
            });
        }
        Ok(())
    }
}

/// What an input does with its rows.
pub(super) trait Rows {
    /// The columns that only this input has.
    type Columns;
    /// What judging a row that breaks no rule gives.
    type Row;

    /// Takes its columns out of a batch.
    fn columns(&mut self, batch: &mut Batch) -> Result<Self::Columns, Fault>;

    /// Judges a row that is of the period.
    fn judge(
        &self,
        common: &Common,
        columns: &Self::Columns,
        row: usize,
        accounts: &mut AccountCache<'_>,
    ) -> Result<Self::Row, Reason>;

    /// Adds a row that breaks no rule, and what judging it gave.
    fn add(&mut self, at: Instant, columns: &Self::Columns, row: usize, judged: Self::Row) -> Result<(), Fault>;
}

/// One thread's part of an input: it places and judges rows, adds the good ones and counts both.
pub(super) struct Judge<'a, R> {
    reading: &'a Reading<'a>,
    accounts: AccountCache<'a>,
    pub tally: Tally,
    pub rows: R,
}

impl<'a, R: Rows> Judge<'a, R> {
    pub(super) fn new(reading: &'a Reading<'a>, pass: &Pass, rows: R) -> Self {
        Self {
            reading,
            accounts: AccountCache::new(reading.accounts, CACHED_ACCOUNTS),
            tally: reading.tally(pass),
            rows,
        }
    }
}

impl<R: Rows + Send> Sink for Judge<'_, R> {
    fn take(&mut self, mut batch: Batch) -> Result<(), Fault> {
        let common = Common::of(&mut batch)?;
        let columns = self.rows.columns(&mut batch)?;
        let file = &self.reading.rules[batch.file];
        for (row, number) in (0..batch.rows).zip(batch.first_row..) {
            let judged = match common.place(row, file, &self.reading.period) {
                Place::Elsewhere => continue,
                Place::Rejected(reason) => Err(reason),
                Place::Here(at) => {
                    let judged = self.rows.judge(&common, &columns, row, &mut self.accounts);
                    judged.map(|good| (at, good))
                }
            };
            match judged {
                Ok((at, good)) => {
                    self.tally.accept(batch.file);
                    self.rows.add(at, &columns, row, good)?;
                }
                Err(reason) => self.tally.reject((batch.file, file), (row, number), reason, &common)?,
            }
        }
        Ok(())
    }
}

/// A file's name in `rejects`: usage files begin with `date=`, those of other inputs with the input's name.
pub(super) fn name_of(input: Input, path: &str) -> String {
    format!("{}/{path}", input.as_str())
}

//! A run of `settle`: open, plan, and one day after another.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant as Clock};

use crate::catalog::book::Book;
use crate::catalog::parse::parse;
use crate::inputs::catalog::{self, Source};
use crate::inputs::dimensions::Dimensions;
use crate::inputs::dimensions::RegisteredBy;
use crate::inputs::parquet::source::RangeReader;
use crate::inputs::partitions::{self, Listing};
use crate::inputs::rejects::{Reject, Rejects};
use crate::inputs::usage::{self, FileTotals, Scan, ScanRequest, Way};
use crate::job::Job;
use crate::ledger::batch::{BatchWriter, Committed, Facts, Ledger, LedgerError};
use crate::ledger::record::{BILLING_TIME, BatchId, ControlTotals, DimensionEntry, InputEntry, JobDigest};
use crate::ledger::state::state_at;
use crate::ledger::tables::{RowContext, RowsBuilder};
use crate::rules::account_day::{DayContext, DeductionPeriod};
use crate::store::{Object, Store};
use crate::units::calendar::OutsideCalendar;
use crate::units::quantity::{BillingDay, Instant};

use super::error::SettleError;
use super::measured::{self, DayMeasured, MeasuredInputs};
use super::night::{DayMerge, Merged};
use super::not_yet::{SettledShape, not_acted_on};
use super::plan::plan;
use super::unchanged::Found;
use super::{DayOutcome, DayReport, Night, Progress, SettleOptions, Stage, gates, warnings};

/// What a run holds from its first day to its last.
pub(super) struct Run<'a> {
    pub job: &'a Job,
    shape: SettledShape,
    options: &'a SettleOptions,
    pub progress: &'a dyn Progress,
    catalog: Source,
    pub book: Book,
    pub ledger: Ledger,
    pub dimensions: Dimensions,
    usage: Arc<dyn RangeReader>,
    pub listing: Listing,
    pub measured: MeasuredInputs,
    warnings: BTreeSet<String>,
    store_is_checked: Cell<bool>,
}

/// See [`super::settle`].
pub(super) fn run(job: &Job, options: &SettleOptions, progress: &dyn Progress) -> Result<Night, SettleError> {
    let shape = SettledShape::of(job)?;
    let catalog = catalog::read(&job.catalog)?;
    let book = parse(&catalog.path, &catalog.text)?;
    let ledger = Ledger::open(Store::open(&job.output)?)?;
    let finished_publishing = ledger.finish_publishing()?;
    same_ledger(job, &book, &ledger)?;
    no_gap(&ledger)?;
    let settled = ledger.first_settled_day().zip(ledger.last_settled_day());
    let plan = plan(&job.calendar, options.days, settled, options.now)?;
    let mut night = Night {
        job: job.name.clone(),
        currency: book.currency.clone(),
        output: job.output.to_string(),
        finished_publishing,
        days: Vec::new(),
        warnings: Vec::new(),
    };
    if plan.settled.is_empty() && plan.unsettled.is_empty() {
        return Ok(night);
    }
    let begun = Clock::now();
    let dimensions = Dimensions::load(job, &book, &job.calendar)?;
    let dimensions_took = begun.elapsed();
    let usage = Store::open(&job.inputs.usage.partitions.location)?;
    let listing = partitions::list(&usage)?;
    let usage: Arc<dyn RangeReader> = Arc::new(usage);
    let days = [&plan.settled[..], &plan.unsettled].concat();
    let measured = MeasuredInputs::list(job, &book, &days)?;
    let mut run = Run {
        job,
        shape,
        options,
        progress,
        catalog,
        book,
        ledger,
        dimensions,
        usage,
        listing,
        measured,
        warnings: BTreeSet::new(),
        store_is_checked: Cell::new(false),
    };
    run.warn(not_acted_on(job));
    run.warn(measured::without_item(job, &run.book));
    run.warn(run.listing.stray_warning("usage"));
    run.warn(run.measured.stray_warnings());
    run.warn(run.late_usage()?);
    for day in plan.settled {
        night.days.push(run.settled_day(day)?);
    }
    let mut stages = vec![(Stage::Dimensions, dimensions_took)];
    for day in plan.unsettled {
        let report = run.settle_day(day, std::mem::take(&mut stages))?;
        progress.day_ends(&report);
        night.days.push(report);
    }
    night.warnings = run.warnings.into_iter().collect();
    Ok(night)
}

/// Days settle in order, so the ledger has every day from its first to its last.
fn no_gap(ledger: &Ledger) -> Result<(), SettleError> {
    let days: BTreeSet<BillingDay> = ledger.batches().iter().map(|batch| batch.day).collect();
    let next = |day: &BillingDay| day.checked_add_days(1);
    let gone = |path: String| {
        let message = "is gone, while later days are settled; put the commit record back".to_owned();
        Err(SettleError::Ledger(LedgerError::Damaged { path, message }))
    };
    if let Some(first) = ledger.batches().first()
        && let Some(before) = ledger.record(*first)?.previous
    {
        return gone(format!("_batches/{}.json", before.batch));
    }
    match days
        .iter()
        .zip(days.iter().skip(1))
        .find(|(day, after)| next(day) != Some(**after))
    {
        None => Ok(()),
        Some((day, _)) => {
            let missing = next(day).ok_or(OutsideCalendar)?;
            gone(format!("_batches/{}.json", BatchId::settling(missing)))
        }
    }
}

/// A ledger is in one currency, and its days are those of one zone: hours would be billed twice or never, and balances of two
/// currencies added.
fn same_ledger(job: &Job, book: &Book, ledger: &Ledger) -> Result<(), SettleError> {
    let Some(last) = ledger.batches().last() else {
        return Ok(());
    };
    let posted = ledger.record(*last)?.job;
    let zone = job.calendar.zone().name();
    for (what, then, now) in [
        ("timezone", &*posted.timezone, zone),
        ("currency", &*posted.currency, &*book.currency),
    ] {
        if then != now {
            return Err(SettleError::Usage(format!(
                "the {what} is {now}, but the ledger in {} is kept in {then}: put it back, or name another output",
                job.output
            )));
        }
    }
    Ok(())
}

impl Run<'_> {
    /// Tells the user, each warning once.
    fn warn(&mut self, warnings: impl IntoIterator<Item = String>) {
        for warning in warnings {
            if !self.warnings.contains(&warning) {
                self.progress.warning(&warning);
                self.warnings.insert(warning);
            }
        }
    }

    /// A day that the ledger has already: unchanged, or an error.
    fn settled_day(&mut self, day: BillingDay) -> Result<DayReport, SettleError> {
        let batch = BatchId::settling(day);
        let record = self.ledger.record(batch)?;
        match self.look_at_settled(day, &record)? {
            Found::Changed(change) => return Err(SettleError::Changed { day, change }),
            Found::Unchanged { gone } => {
                self.warn(gone.into_iter().map(|path| {
                    format!("{day} was settled from {path}, which is gone; that changes nothing by itself")
                }));
            }
        }
        if record.job.catalog != self.catalog.sha256 {
            self.warn([format!(
                "{day} was settled with another catalog ({}…); what it billed stands",
                record.job.catalog.get(..12).unwrap_or(&record.job.catalog)
            )]);
        }
        Ok(DayReport {
            day,
            batch,
            outcome: DayOutcome::Unchanged,
            totals: record.totals,
            stages: Vec::new(),
        })
    }

    /// Settles and posts a day.
    fn settle_day(&mut self, day: BillingDay, mut stages: Vec<(Stage, Duration)>) -> Result<DayReport, SettleError> {
        let found = gates::files_of_day(self.job, &self.listing, day)?;
        gates::incomplete_partition(self.job, day, &found)?;
        if !self.options.accept_thin_day {
            gates::missing_partition(self.job, day, &found)?;
        }
        let files = found.files;
        let scan_error = |source| SettleError::Scan { day, source };
        if !self.job.allow_duplicate_files {
            usage::find_duplicates(&self.usage, &files).map_err(scan_error)?;
        }
        let (count, bytes) = self.measured.size(self.job, &self.book, day)?;
        let usage_bytes = files.iter().map(|(_, object)| object.size).sum::<u64>();
        self.progress.scan_begins(day, files.len() + count, usage_bytes + bytes);
        let mut clock = Clock::now();
        // Before usage, so that what both need at most is not in memory at once.
        let measured = self.read_measured(day)?;
        self.warn(measured.empty_warnings(day));
        if !measured.totals.is_empty() {
            stages.push((Stage::Measured, lap(&mut clock)));
        }
        let scan = self.scan(day, &files, self.job.deduction_period)?;
        stages.push((Stage::Scan, lap(&mut clock)));

        let context = self.row_context(day)?;
        let rejects: Vec<&Rejects> = std::iter::once(&scan.rejects).chain(&measured.rejects).collect();
        gates::too_many_rejects(self.job, &rejects, context, self.options.rejects_out.as_deref())?;
        if !self.options.accept_thin_day {
            let accepted = scan.files.iter().map(|file| file.accepted_rows).sum();
            gates::thin_day(self.job, &self.ledger, day, accepted)?;
        }

        if !self.store_is_checked.replace(true) {
            self.ledger.check_store()?;
        }
        let batch = BatchId::settling(day);
        let mut writer = self.ledger.begin(batch)?;
        // An error drops the writer, which deletes what it staged.
        let entries = measured.entries.clone();
        let (mut merged, control, file_totals) = self.merge(day, context, (scan, measured), &mut writer)?;
        if !self.options.accept_suspensions {
            gates::too_many_suspensions(self.job, day, std::mem::take(&mut merged.stopped))?;
        }
        stages.push((Stage::Settle, lap(&mut clock)));
        let committed = writer.commit(self.record_facts((&files, &file_totals), entries, control))?;
        stages.push((Stage::Publish, lap(&mut clock)));

        let (outcome, record) = match committed {
            Committed::Posted(record) => (DayOutcome::Posted, record),
            Committed::AlreadyPosted(record) => (DayOutcome::Unchanged, record),
        };
        self.ledger = Ledger::open(self.ledger.store().clone())?;
        self.warn(warnings::of_day(day, &merged));
        Ok(DayReport {
            day,
            batch,
            outcome,
            totals: record.totals,
            stages,
        })
    }

    /// Rejects, then every account, into the writer.
    fn merge(
        &self,
        day: BillingDay,
        context: RowContext<'_>,
        (scan, measured): (Scan, DayMeasured),
        writer: &mut BatchWriter<'_>,
    ) -> Result<(Merged, ControlTotals, Vec<FileTotals>), SettleError> {
        let mut rejects = RowsBuilder::new(context);
        let others = measured.rejects.into_iter().flat_map(|rejects| rejects.rows);
        let all: Vec<Reject> = scan.rejects.rows.iter().cloned().chain(others).collect();
        rejects.push_rejects(&all);
        writer.append(rejects.finish())?;

        let first_settled_day = self.ledger.first_settled_day().unwrap_or(day);
        let merge = DayMerge {
            day: DayContext {
                book: &self.book,
                calendar: &self.job.calendar,
                day,
                deduction_period: self.job.deduction_period,
                first_settled_day,
                billed_before: self.billed_before()?,
                dunning_from: self.job.dunning_from.unwrap_or(first_settled_day),
            },
            rows: context,
            dimensions: &self.dimensions,
            ledger: &self.ledger,
            known_at: context.issued_at,
            lookback_days: self.job.lookback_days,
            progress: self.progress,
        };
        self.progress.rules_begin(day, self.dimensions.index().len());
        let states = state_at(&self.ledger, &self.book, self.ledger.last_settled_day())?;
        let merged = merge.run(scan.groups, measured.figures, states, writer)?;
        let mut control = merged
            .totals
            .control(&scan.rejects, &merged.usage_digest)
            .map_err(|what| SettleError::OutOfRange { day, what })?;
        control.measured = measured.totals;
        Ok((merged, control, scan.files))
    }

    /// Scans a day's files.
    pub(super) fn scan(
        &self,
        day: BillingDay,
        files: &[(BillingDay, Object)],
        deduction_period: DeductionPeriod,
    ) -> Result<Scan, SettleError> {
        let known_at = self.job.calendar.billing_instant(day)?;
        let request = ScanRequest {
            reader: &self.usage,
            files,
            partition_zone: self.job.inputs.usage.partitions.zone,
            calendar: &self.job.calendar,
            day,
            book: &self.book,
            accounts: &RegisteredBy::new(self.dimensions.index(), known_at),
            deduction_period,
            max_rejected_rows: self.job.max_rejected_rows,
            way: Way::default(),
            progress: &|rows| self.progress.rows_read(rows),
        };
        let scan = match self.shape {
            SettledShape::Daily => usage::scan_daily(&request),
            SettledShape::Seconds => usage::scan(&request),
        };
        scan.map_err(|source| SettleError::Scan { day, source })
    }

    /// The billing time of the last settled day, by the clock that it was billed by.
    fn billed_before(&self) -> Result<Option<Instant>, SettleError> {
        let Some(last) = self.ledger.batches().last() else {
            return Ok(None);
        };
        let billed_at = self.ledger.record(*last)?.billed_at();
        Ok(Some(billed_at.map_err(|message| LedgerError::damaged(*last, message))?))
    }

    fn row_context(&self, day: BillingDay) -> Result<RowContext<'_>, SettleError> {
        Ok(RowContext {
            book: &self.book,
            day,
            issued_at: self.job.calendar.billing_instant(day)?,
            deduction_period: self.job.deduction_period,
        })
    }

    /// What the commit record says beside the table files.
    fn record_facts(
        &self,
        (files, totals): (&[(BillingDay, Object)], &[FileTotals]),
        measured: Vec<InputEntry>,
        control: ControlTotals,
    ) -> Facts {
        let inputs = files.iter().zip(totals).map(|((_, object), totals)| InputEntry {
            input: "usage".to_owned(),
            path: object.path.clone(),
            size: object.size,
            etag: object.etag.clone(),
            rows: totals.rows,
            day_rows: totals.day_rows,
            accepted_rows: totals.accepted_rows,
            accepted_seconds: totals.accepted_seconds,
        });
        let dimensions = self.dimensions.files().iter().map(|file| DimensionEntry {
            dimension: file.dimension.to_owned(),
            path: file.path.clone(),
            size: file.size,
            etag: file.etag.clone(),
            sha256: file.sha256.clone(),
            rows: file.rows,
        });
        Facts {
            job: JobDigest {
                name: self.job.name.clone(),
                digest: self.job.digest.clone(),
                catalog: self.catalog.sha256.clone(),
                currency: self.book.currency.clone(),
                timezone: self.job.calendar.zone().name().to_owned(),
                billing_time: self.job.calendar.billing_time().format(BILLING_TIME).to_string(),
                deduction_period: self.job.deduction_period.as_str().to_owned(),
            },
            catalog_text: self.catalog.text.clone(),
            inputs: inputs.chain(measured).collect(),
            dimensions: dimensions.collect(),
            totals: control,
        }
    }
}

/// The time since the last lap.
fn lap(clock: &mut Clock) -> Duration {
    let took = clock.elapsed();
    *clock = Clock::now();
    took
}

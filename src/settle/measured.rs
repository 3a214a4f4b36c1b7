//! `relay`, `screenshots` and `logins` of a batch (SPEC 3.7): listed when a day of the run bills them, and read then only.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::catalog::book::Book;
use crate::inputs::dimensions::RegisteredBy;
use crate::inputs::measured::{Figure, Found, Input, MeasuredRequest, partitions_needed, read};
use crate::inputs::parquet::source::RangeReader;
use crate::inputs::partitions::{self, Listing};
use crate::inputs::rejects::{Reason, Rejects};
use crate::inputs::usage::find_duplicates;
use crate::job::{Job, PartitionedInput};
use crate::ledger::record::{CommitRecord, InputEntry, MeasuredTotals};
use crate::store::{Object, Store};
use crate::units::digest;
use crate::units::quantity::BillingDay;

use super::error::SettleError;
use super::run::Run;

/// The inputs that days of a run need, as the one listing at its start shows them.
#[derive(Default)]
pub(super) struct MeasuredInputs(Vec<MeasuredInput>);

struct MeasuredInput {
    input: Input,
    partitions: PartitionedInput,
    reader: Arc<dyn RangeReader>,
    listing: Listing,
}

/// What a day's batch bills of these inputs.
#[derive(Default)]
pub(super) struct DayMeasured {
    /// Sorted by account, app and tier.
    pub figures: Vec<Figure>,
    /// Of each input that was read.
    pub rejects: Vec<Rejects>,
    pub totals: Vec<MeasuredTotals>,
    /// The files that were read.
    pub entries: Vec<InputEntry>,
}

impl DayMeasured {
    /// Inputs of which the batch bills something and that have no file. A partition that is not there is empty (SPEC 3.7), but
    /// when none is there the address may be wrong, or nothing was delivered.
    pub(super) fn empty_warnings(&self, day: BillingDay) -> Vec<String> {
        let empty = self.totals.iter().filter(|totals| totals.files == 0);
        empty
            .map(|totals| {
                format!(
                    "inputs.{} has no file for the days that the batch of {day} bills: it is billed as zero; when there should \
                     be some, look at its url and its date=YYYY-MM-DD/ partitions",
                    totals.input
                )
            })
            .collect()
    }
}

/// Inputs of the job of which the catalog bills nothing, as warnings.
pub fn without_item(job: &Job, book: &Book) -> Vec<String> {
    let named = Input::ALL.into_iter().filter(|input| input.of_job(job).is_some());
    let unbilled = named.filter(|input| !book.items.iter().any(|item| input.feeds(&item.kind)));
    unbilled
        .map(|input| {
            format!(
                "inputs.{} is not billed: the catalog has no item of the kind that it feeds",
                input.as_str()
            )
        })
        .collect()
}

impl MeasuredInputs {
    /// Lists those inputs of which any of these days bills something.
    pub(super) fn list(job: &Job, book: &Book, days: &[BillingDay]) -> Result<Self, SettleError> {
        let mut inputs = Vec::new();
        for input in Input::ALL {
            let Some(partitions) = input.of_job(job) else { continue };
            let mut is_needed = false;
            for day in days {
                is_needed |= !partitions_needed(book, input, &job.calendar, partitions.zone, *day)?.is_empty();
            }
            if is_needed {
                let store = Store::open(&partitions.location)?;
                inputs.push(MeasuredInput {
                    input,
                    partitions: partitions.clone(),
                    listing: partitions::list(&store)?,
                    reader: Arc::new(store),
                });
            }
        }
        Ok(Self(inputs))
    }

    /// What to say of files that are not read.
    pub(super) fn stray_warnings(&self) -> Vec<String> {
        self.0
            .iter()
            .filter_map(|input| input.listing.stray_warning(input.input.as_str()))
            .collect()
    }

    /// How many files a day's batch reads, and their bytes.
    pub(super) fn size(&self, job: &Job, book: &Book, day: BillingDay) -> Result<(usize, u64), SettleError> {
        let (mut count, mut bytes) = (0, 0);
        for input in &self.0 {
            let files = input.files(job, book, day)?;
            count += files.len();
            bytes += files.iter().map(|(_, object)| object.size).sum::<u64>();
        }
        Ok((count, bytes))
    }
}

impl MeasuredInput {
    /// The files that a day's batch reads, sorted by path.
    fn files(&self, job: &Job, book: &Book, day: BillingDay) -> Result<Vec<(BillingDay, Object)>, SettleError> {
        let mut files = Vec::new();
        for date in partitions_needed(book, self.input, &job.calendar, self.partitions.zone, day)? {
            // The whole month counts, and a partition that is not there is empty (SPEC 3.7).
            let found = self.listing.partitions.get(&date).into_iter().flatten();
            files.extend(found.map(|object| (date, object.clone())));
        }
        files.sort_by(|a, b| a.1.path.cmp(&b.1.path));
        Ok(files)
    }
}

impl Run<'_> {
    /// Reads what a day's batch bills of inputs that are no usage.
    pub(super) fn read_measured(&self, day: BillingDay) -> Result<DayMeasured, SettleError> {
        let mut all = DayMeasured::default();
        for input in &self.measured.0 {
            let files = input.files(self.job, &self.book, day)?;
            if partitions_needed(&self.book, input.input, &self.job.calendar, input.partitions.zone, day)?.is_empty() {
                continue;
            }
            let name = input.input.as_str();
            if !self.job.allow_duplicate_files {
                find_duplicates(&input.reader, &files).map_err(|source| of_input(day, name, source))?;
            }
            let found = self.read_input(day, input, &files)?;
            all.totals.push(self.totals(input.input, files.len(), &found));
            for ((_, object), totals) in files.into_iter().zip(found.files) {
                all.entries.push(InputEntry {
                    input: name.to_owned(),
                    path: object.path,
                    size: object.size,
                    etag: object.etag,
                    rows: totals.rows,
                    day_rows: totals.day_rows,
                    accepted_rows: totals.accepted_rows,
                    accepted_seconds: 0,
                });
            }
            all.figures.extend(found.figures);
            all.rejects.push(found.rejects);
        }
        let order = |figure: &Figure| (figure.account, figure.measured.app, figure.measured.tier);
        all.figures.sort_unstable_by_key(order);
        Ok(all)
    }

    fn read_input(
        &self,
        day: BillingDay,
        input: &MeasuredInput,
        files: &[(BillingDay, Object)],
    ) -> Result<Found, SettleError> {
        let known_at = self.job.calendar.billing_instant(day)?;
        let request = MeasuredRequest {
            input: input.input,
            reader: &input.reader,
            files,
            partition_zone: input.partitions.zone,
            calendar: &self.job.calendar,
            day,
            book: &self.book,
            accounts: &RegisteredBy::new(self.dimensions.index(), known_at),
            max_rejected_rows: self.job.max_rejected_rows,
            progress: &|rows| self.progress.rows_read(rows),
        };
        read(&request).map_err(|source| of_input(day, input.input.as_str(), source))
    }

    fn totals(&self, input: Input, files: usize, found: &Found) -> MeasuredTotals {
        let rejected: BTreeMap<String, u64> = Reason::ALL
            .into_iter()
            .zip(found.rejects.counts)
            .filter(|(_, count)| *count > 0)
            .map(|(reason, count)| (reason.as_str().to_owned(), count))
            .collect();
        MeasuredTotals {
            input: input.as_str().to_owned(),
            files: u64::try_from(files).expect("usize has at most 64 bits"),
            rows: found.files.iter().map(|file| file.rows).sum(),
            accepted_rows: found.files.iter().map(|file| file.accepted_rows).sum(),
            rejected_rows: found.rejects.total(),
            rejected,
            digest: self.figures_digest(&found.figures),
        }
    }

    /// SHA-256 over figures in their order: equal digests mean equal figures, whatever files they came from.
    fn figures_digest(&self, figures: &[Figure]) -> String {
        let mut hash = digest::Hasher::default();
        for figure in figures {
            let measured = figure.measured;
            let (account, tier) = (
                self.dimensions.index().account_id(figure.account),
                &self.book.tiers[measured.tier.index()],
            );
            let item = &self.book.items[tier.item.index()].id;
            let line = format!(
                "{account} {} {item}\n{}\n{}\n",
                measured.app, tier.name, measured.figure
            );
            hash.update(line.as_bytes());
        }
        hash.finish_hex()
    }

    /// Whether the inputs of a settled day still add up to what its batch billed: the first file that is new or has changed,
    /// where they do not; else the files that are gone.
    pub(super) fn look_at_measured(
        &self,
        day: BillingDay,
        record: &CommitRecord,
    ) -> Result<Result<Vec<String>, String>, SettleError> {
        let mut all_gone = Vec::new();
        for input in &self.measured.0 {
            let name = input.input.as_str();
            let files = input.files(self.job, &self.book, day)?;
            let posted = || record.inputs.iter().filter(|file| file.input == name);
            let is_posted = |object: &Object| {
                posted().any(|file| file.path == object.path && file.size == object.size && file.etag == object.etag)
            };
            let gone = posted().filter(|file| !files.iter().any(|(_, object)| object.path == file.path));
            all_gone.extend(gone.map(|file| format!("{name}/{}", file.path)));
            let Some((_, touched)) = files.iter().find(|(_, object)| !is_posted(object)) else {
                continue;
            };
            let found = self.read_input(day, input, &files)?;
            let now = self.totals(input.input, files.len(), &found);
            let then = record.totals.measured.iter().find(|totals| totals.input == name);
            let is_same = then.map_or(now.accepted_rows == 0 && now.rejected_rows == 0, |then| {
                (&then.digest, &then.rejected) == (&now.digest, &now.rejected)
            });
            if !is_same {
                return Ok(Err(format!("the {name} file {} is new or has changed", touched.path)));
            }
        }
        Ok(Ok(all_gone))
    }
}

fn of_input(day: BillingDay, input: &'static str, source: crate::inputs::usage::ScanError) -> SettleError {
    SettleError::Measured { day, input, source }
}

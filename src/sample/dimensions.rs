//! The dimensions' files: CSV to read, Parquet where there are many accounts.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use parquet::arrow::ArrowWriter;
use rayon::prelude::*;

use super::accounts::{Period, add_account};
use super::population::Population;
use super::spec::{SampleError, SampleSpec};
use super::tables::{Facts, csv_header, csv_rows, tables};
use super::usage_file::writer_properties;

/// From so many accounts on, dimensions are Parquet.
const PARQUET_FROM_ACCOUNTS: u32 = 100_000;
/// Accounts are made in chunks of this size, some chunks at a time on all threads, and written in order.
const CHUNK_ACCOUNTS: u32 = 8192;
const CHUNKS_AT_A_TIME: u32 = 16;

/// What went into the dimensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct DimensionTotals {
    pub accounts: u64,
    pub packages: u64,
    pub payments: u64,
    pub bytes: u64,
}

/// How dimensions are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Csv,
    Parquet,
}

impl Format {
    /// The format for so many accounts.
    pub(super) fn of(accounts: u32) -> Self {
        if accounts < PARQUET_FROM_ACCOUNTS {
            Self::Csv
        } else {
            Self::Parquet
        }
    }

    /// The ending of file names.
    pub(super) fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Parquet => "parquet",
        }
    }
}

/// Writes all dimensions: `first` and then the generated accounts. `used_seconds` is the usage of each, or empty
/// where it does not matter.
pub(super) fn write_dimensions(
    spec: &SampleSpec,
    population: &Population,
    period: &Period,
    first: &Facts,
    used_seconds: &[u64],
) -> Result<DimensionTotals, SampleError> {
    let mut files = DimensionFiles::create(spec)?;
    files.write(first)?;
    let chunks = spec.accounts.div_ceil(CHUNK_ACCOUNTS);
    for window in (0..chunks).step_by(CHUNKS_AT_A_TIME as usize) {
        let made: Vec<Facts> = (window..chunks.min(window + CHUNKS_AT_A_TIME))
            .into_par_iter()
            .map(|chunk| {
                let mut facts = Facts::default();
                let start = chunk * CHUNK_ACCOUNTS;
                for position in start..spec.accounts.min(start + CHUNK_ACCOUNTS) {
                    let used = used_seconds.get(position as usize).copied().unwrap_or(36_000);
                    add_account(&mut facts, population, spec.seed, spec.shape, period, position, used);
                }
                facts
            })
            .collect();
        made.iter().try_for_each(|facts| files.write(facts))?;
    }
    files.finish()
}

struct DimensionFiles {
    tables: Vec<TableFile>,
    totals: DimensionTotals,
}

impl DimensionFiles {
    fn create(spec: &SampleSpec) -> Result<Self, SampleError> {
        let format = Format::of(spec.accounts);
        let nothing = Facts::default().batches();
        let tables = tables(spec.stories)
            .iter()
            .zip(&nothing)
            .map(|(name, batch)| {
                TableFile::create(spec.out.join(format!("{name}.{}", format.extension())), format, batch)
            })
            .collect::<Result<_, SampleError>>()?;
        Ok(Self {
            tables,
            totals: DimensionTotals::default(),
        })
    }

    fn write(&mut self, facts: &Facts) -> Result<(), SampleError> {
        self.totals.accounts += facts.accounts.len() as u64;
        self.totals.packages += facts.packages.len() as u64;
        self.totals.payments += facts.payments.len() as u64;
        for (table, batch) in self.tables.iter_mut().zip(facts.batches()) {
            table.write(&batch)?;
        }
        Ok(())
    }

    fn finish(self) -> Result<DimensionTotals, SampleError> {
        let mut totals = self.totals;
        for table in self.tables {
            totals.bytes += table.finish()?;
        }
        Ok(totals)
    }
}

struct TableFile {
    path: PathBuf,
    writer: TableWriter,
}

enum TableWriter {
    Csv(BufWriter<File>),
    Parquet(Box<ArrowWriter<File>>),
}

impl TableFile {
    /// Starts a file with the columns of `batch`.
    fn create(path: PathBuf, format: Format, batch: &RecordBatch) -> Result<Self, SampleError> {
        let file = File::create_new(&path).map_err(|error| SampleError::io(&path, error))?;
        let writer = match format {
            Format::Csv => {
                let mut writer = BufWriter::new(file);
                writer
                    .write_all(csv_header(batch).as_bytes())
                    .map_err(|error| SampleError::io(&path, error))?;
                TableWriter::Csv(writer)
            }
            Format::Parquet => TableWriter::Parquet(Box::new(
                ArrowWriter::try_new(file, batch.schema(), Some(writer_properties()))
                    .map_err(|error| SampleError::parquet(&path, error))?,
            )),
        };
        Ok(Self { path, writer })
    }

    fn write(&mut self, batch: &RecordBatch) -> Result<(), SampleError> {
        match &mut self.writer {
            TableWriter::Csv(writer) => writer
                .write_all(csv_rows(batch).as_bytes())
                .map_err(|error| SampleError::io(&self.path, error)),
            TableWriter::Parquet(writer) => writer
                .write(batch)
                .map_err(|error| SampleError::parquet(&self.path, error)),
        }
    }

    /// Ends the file and says how large it is.
    fn finish(self) -> Result<u64, SampleError> {
        match self.writer {
            TableWriter::Csv(mut writer) => writer.flush().map_err(|error| SampleError::io(&self.path, error))?,
            TableWriter::Parquet(writer) => {
                writer
                    .close()
                    .map_err(|error| SampleError::parquet(&self.path, error))?;
            }
        }
        size_of_file(&self.path)
    }
}

/// How large a file is.
pub(super) fn size_of_file(path: &Path) -> Result<u64, SampleError> {
    let metadata = std::fs::metadata(path).map_err(|error| SampleError::io(path, error))?;
    Ok(metadata.len())
}

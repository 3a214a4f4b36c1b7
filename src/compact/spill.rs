//! Sorted runs in a temporary directory.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::basic::Compression;
use parquet::file::properties::{EnabledStatistics, WriterProperties};

use super::error::CompactError;

/// Rows of a page, and of what is read at a time from each run of a merge.
const RUN_BATCH_ROWS: usize = 4_096;
/// Rows of a row group, which the writer holds encoded.
const RUN_ROW_GROUP_ROWS: usize = 64 * RUN_BATCH_ROWS;

/// A directory of this run alone, deleted with everything in it when it is dropped.
#[derive(Debug)]
pub(super) struct Scratch {
    path: PathBuf,
    files: AtomicU64,
}

impl Scratch {
    /// Makes a directory in `parent`.
    pub(super) fn create(parent: &Path) -> Result<Self, CompactError> {
        for attempt in 0_u32.. {
            let path = parent.join(format!("nightbill-compact-{}-{attempt}", std::process::id()));
            match std::fs::create_dir(&path) {
                Ok(()) => {
                    return Ok(Self {
                        path,
                        files: AtomicU64::new(0),
                    });
                }
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists && attempt < u32::from(u16::MAX) => {}
                Err(error) => return Err(CompactError::temporary(&path, error)),
            }
        }
        unreachable!("the last attempt returns")
    }

    /// The path of a file that is not there yet.
    pub(super) fn file(&self) -> PathBuf {
        self.path
            .join(format!("{}.parquet", self.files.fetch_add(1, Ordering::Relaxed)))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be deleted is the system's to clean up.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

/// A sorted run that is being written: fast to write and read, and cheap to have many of open.
pub(super) struct RunWriter {
    path: PathBuf,
    writer: ArrowWriter<File>,
}

impl RunWriter {
    pub(super) fn create(scratch: &Scratch, schema: &SchemaRef) -> Result<Self, CompactError> {
        let path = scratch.file();
        let file = File::create_new(&path).map_err(|error| CompactError::temporary(&path, error))?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::LZ4_RAW)
            .set_dictionary_enabled(false)
            .set_statistics_enabled(EnabledStatistics::None)
            .set_data_page_row_count_limit(RUN_BATCH_ROWS)
            .set_write_batch_size(RUN_BATCH_ROWS)
            .set_max_row_group_row_count(Some(RUN_ROW_GROUP_ROWS))
            .build();
        let writer = ArrowWriter::try_new(file, schema.clone(), Some(properties))
            .map_err(|error| CompactError::parquet(&path, error))?;
        Ok(Self { path, writer })
    }

    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<(), CompactError> {
        self.writer
            .write(batch)
            .map_err(|error| CompactError::parquet(&self.path, error))
    }

    pub(super) fn finish(self) -> Result<Run, CompactError> {
        self.writer
            .close()
            .map_err(|error| CompactError::parquet(&self.path, error))?;
        Ok(Run { path: self.path })
    }
}

/// A sorted run. Its file goes with it.
#[derive(Debug)]
pub(super) struct Run {
    path: PathBuf,
}

impl Run {
    /// Reads it from the start.
    pub(super) fn open(&self) -> Result<RunReader<'_>, CompactError> {
        let file = File::open(&self.path).map_err(|error| CompactError::temporary(&self.path, error))?;
        let reader = ParquetRecordBatchReaderBuilder::try_new(file)
            .and_then(|builder| builder.with_batch_size(RUN_BATCH_ROWS).build())
            .map_err(|error| CompactError::parquet(&self.path, error))?;
        Ok(RunReader { run: self, reader })
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        // The directory around it is deleted too.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// A run that is being read.
pub(super) struct RunReader<'a> {
    run: &'a Run,
    reader: ParquetRecordBatchReader,
}

impl RunReader<'_> {
    /// The next rows; None at the end.
    pub(super) fn next(&mut self) -> Result<Option<RecordBatch>, CompactError> {
        let batch = self.reader.next().transpose();
        batch.map_err(|error| CompactError::parquet(&self.run.path, error))
    }
}

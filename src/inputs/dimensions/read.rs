//! Bytes of a file to batches of values.
//!
//! CSV comes in pieces that end with a record, Parquet row group by row group in slices: the whole of a CSV file,
//! and the decoded whole of a Parquet file, are never in memory. (The undecoded bytes of one Parquet file are.)

use std::ops::ControlFlow;

use crate::store::StoreError;
use crate::units::digest::{self, sha256_hex};

use super::csv;
use super::errors::{BadRow, did_you_mean};
use super::files::{Format, InputFile};
use super::frames::{self, Batch};

/// Bytes of CSV that are read at once.
#[cfg(not(test))]
const CSV_PIECE: u64 = 16 << 20;
#[cfg(test)]
const CSV_PIECE: u64 = 64;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Integer,
    Text,
    Timestamp,
    Date,
    Boolean,
    Decimal,
}

impl Kind {
    /// With its article.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Integer => "an integer",
            Self::Text => "a string",
            Self::Timestamp => "a timestamp",
            Self::Date => "a date",
            Self::Boolean => "a boolean",
            Self::Decimal => "a decimal or string",
        }
    }
}

/// A column that is read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Whether a file may lack it.
    pub required: bool,
}

/// One value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Value<'a> {
    /// Null, an absent column, or an empty string.
    Null,
    /// A string; in CSV every value.
    Text(&'a str),
    /// An integer of any width.
    Integer(i128),
    /// `units` x 10^-`scale`.
    Decimal { units: i128, scale: usize },
    /// A boolean.
    Boolean(bool),
    /// Days since 1970-01-01.
    Date(i32),
    /// Ticks since 1970-01-01 00:00:00 UTC.
    Timestamp { ticks: i64, per_second: i64 },
}

/// What was read.
pub(super) struct FileRead {
    /// Lowercase hex SHA-256 of the bytes; of those that were read when it was stopped.
    pub sha256: String,
    /// Rows, header not counted.
    pub rows: u64,
}

/// Why a file cannot be read.
#[derive(Debug)]
pub(super) enum ReadError {
    /// The store failed.
    Store(StoreError),
    /// The file is not what it should be.
    Bad(BadRow),
}

impl From<StoreError> for ReadError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Reads a file batch by batch, until its end or until `each` breaks.
pub(super) fn read_file(
    file: &InputFile,
    columns: &[Column],
    each: &mut dyn FnMut(&Batch) -> ControlFlow<()>,
) -> Result<FileRead, ReadError> {
    match file.format {
        Format::Csv => read_csv(file, columns, each),
        Format::Parquet => read_parquet(file, columns, each),
    }
}

/// What is wrong with a file, a row or a column.
pub(super) fn bad(file: &InputFile, row: Option<u64>, column: Option<&str>, message: impl Into<String>) -> ReadError {
    ReadError::Bad(BadRow {
        row,
        column: column.map(str::to_owned),
        ..file.bad(message)
    })
}

/// The position of every column in the file; an error when a required one is missing, or one is there twice.
pub(super) fn positions(
    file: &InputFile,
    columns: &[Column],
    present: &[String],
) -> Result<Vec<Option<usize>>, ReadError> {
    columns
        .iter()
        .map(|column| {
            let mut found = present.iter().enumerate().filter(|(_, name)| *name == column.name);
            match (found.next(), found.next(), column.required) {
                (Some(_), Some(_), _) => Err(bad(file, None, Some(column.name), "is there twice; remove one")),
                (None, _, true) => {
                    let hint = did_you_mean(column.name, present.iter().map(String::as_str));
                    let message = format!("is missing; the columns are {}{hint}", present.join(", "));
                    Err(bad(file, None, Some(column.name), message))
                }
                (found, ..) => Ok(found.map(|(position, _)| position)),
            }
        })
        .collect()
}

/// The first record of a CSV file.
pub(super) struct CsvHeader {
    /// Its fields.
    pub names: Vec<String>,
    /// Where each column that is read is among them.
    pub positions: Vec<Option<usize>>,
}

fn read_csv(
    file: &InputFile,
    columns: &[Column],
    each: &mut dyn FnMut(&Batch) -> ControlFlow<()>,
) -> Result<FileRead, ReadError> {
    let mut hasher = digest::Hasher::default();
    let mut scanner = csv::Scanner::new();
    let mut header: Option<CsvHeader> = None;
    let mut pending: Vec<u8> = Vec::new();
    let mut rows = 0;
    let mut offset = 0;
    let mut ended = false;
    while !ended {
        ended = offset == file.size;
        let piece = file.read(offset..(offset + CSV_PIECE).min(file.size))?;
        hasher.update(&piece);
        let text = without_mark(offset, &piece);
        offset += u64::try_from(piece.len()).expect("a piece is small");
        let bad_csv = |broken: csv::BadCsv| bad(file, Some(broken.row), None, broken.message);
        let cut = if ended {
            scanner.finish().map_err(bad_csv)?.then_some((text.len(), 1))
        } else {
            let cut = scanner.scan(text).map_err(bad_csv)?;
            cut.last.map(|end| (end, cut.records))
        };
        let Some((end, records)) = cut else {
            pending.extend_from_slice(text);
            continue;
        };
        let (records_end, rest) = text.split_at(end);
        pending.extend_from_slice(records_end);
        let first_row = if header.is_some() { rows + 2 } else { 1 };
        let chunk = utf8(file, &pending, first_row)?;
        let (chunk, records) = match &header {
            Some(_) => (chunk, records),
            None => {
                let (first, others) = chunk.split_at(first_record(chunk));
                header = Some(csv_header(file, columns, first)?);
                (others, records - 1)
            }
        };
        let header = header.as_ref().expect("set above");
        if records > 0 {
            let batch = frames::csv_batch(file, header, chunk, records, rows + 2)?;
            rows += records;
            if each(&batch).is_break() {
                break;
            }
        }
        pending.clear();
        pending.extend_from_slice(rest);
    }
    if header.is_none() {
        return Err(bad(file, None, None, "is empty; an empty table still has a header"));
    }
    Ok(FileRead {
        sha256: hasher.finish_hex(),
        rows,
    })
}

/// Without the byte order mark at the start of the file.
fn without_mark(offset: u64, piece: &[u8]) -> &[u8] {
    let mark = if offset == 0 { &b"\xef\xbb\xbf"[..] } else { &[] };
    piece.strip_prefix(mark).unwrap_or(piece)
}

fn first_record(chunk: &str) -> usize {
    let cut = csv::Scanner::new().scan(chunk.as_bytes());
    cut.ok().and_then(|cut| cut.first).unwrap_or(chunk.len())
}

/// The text of some records, the first of which is row `first_row`.
fn utf8<'a>(file: &InputFile, bytes: &'a [u8], first_row: u64) -> Result<&'a str, ReadError> {
    std::str::from_utf8(bytes).map_err(|error| {
        let valid = &bytes[..error.valid_up_to()];
        let before = csv::Scanner::new().scan(valid).map_or(0, |cut| cut.records);
        bad(
            file,
            Some(first_row + before),
            None,
            "is not UTF-8; write the file in UTF-8",
        )
    })
}

fn csv_header(file: &InputFile, columns: &[Column], record: &str) -> Result<CsvHeader, ReadError> {
    let names = csv::fields_of(record);
    let positions = positions(file, columns, &names)?;
    Ok(CsvHeader { names, positions })
}

fn read_parquet(
    file: &InputFile,
    columns: &[Column],
    each: &mut dyn FnMut(&Batch) -> ControlFlow<()>,
) -> Result<FileRead, ReadError> {
    let bytes = file.read(0..file.size)?;
    let sha256 = sha256_hex(&bytes);
    let rows = frames::read_parquet(file, &bytes, columns, each)?;
    Ok(FileRead { sha256, rows })
}

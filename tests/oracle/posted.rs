//! The border on the way back: the crate settles a night, and the tables that it posted are read as text.

use std::fs::File;
use std::path::{Path, PathBuf};

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Int16Type, Int64Type, TimeUnit, TimestampMicrosecondType,
};
use chrono::{Days as ChronoDays, NaiveDate};
use nightbill::job::Job;
use nightbill::rules::quantity::{BillingDay, Instant};
use nightbill::settle::{Days, Night, SettleError, SettleOptions, Unwatched, settle};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::rows::{Cells, NULL, TABLES, instant};

/// Which days to settle, and how.
#[derive(Debug, Clone, Copy)]
pub struct Order {
    pub from: NaiveDate,
    pub to: NaiveDate,
    pub accept_suspensions: bool,
    /// The clock.
    pub now: i64,
}

/// Runs the job of a directory.
pub fn run(job: &Path, order: &Order) -> Result<Night, SettleError> {
    let job = Job::load(job, &[]).unwrap_or_else(|error| panic!("the job and its catalog are valid: {error}"));
    let day = BillingDay::from_date;
    let options = SettleOptions {
        days: Days::Range(day(order.from), day(order.to)),
        accept_thin_day: true,
        accept_suspensions: order.accept_suspensions,
        rejects_out: None,
        now: Instant::from_micros(order.now),
    };
    settle(&job, &options, &Unwatched)
}

/// What the batch of a day posted, in the order of [`TABLES`].
pub fn tables(output: &Path, day: NaiveDate) -> Vec<Vec<Cells>> {
    let batch = format!("batch={day}.00");
    let table = |(name, columns): &(&str, &str)| table(&output.join(name).join(&batch), columns);
    TABLES.iter().map(table).collect()
}

/// The rows of every part, in order.
fn table(directory: &Path, columns: &str) -> Vec<Cells> {
    let entries = std::fs::read_dir(directory).unwrap_or_else(|_| panic!("{} was posted", directory.display()));
    let mut parts: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    parts.sort();
    assert!(
        !parts.is_empty(),
        "every batch writes every table: {}",
        directory.display()
    );
    parts.iter().flat_map(|part| rows(part, columns)).collect()
}

fn rows(part: &Path, columns: &str) -> Vec<Cells> {
    let file = File::open(part).expect("a part that is there");
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).expect("a Parquet file");
    let names: Vec<String> = reader
        .schema()
        .fields()
        .iter()
        .map(|field| field.name().clone())
        .collect();
    assert_eq!(
        names.join(" "),
        columns.split_whitespace().collect::<Vec<_>>().join(" ")
    );
    let mut rows = Vec::new();
    for batch in reader.build().expect("a Parquet file") {
        let batch = batch.expect("whole pages");
        for row in 0..batch.num_rows() {
            rows.push(batch.columns().iter().map(|column| cell(column, row)).collect());
        }
    }
    rows
}

fn cell(column: &ArrayRef, row: usize) -> String {
    if column.is_null(row) {
        return NULL.to_owned();
    }
    match column.data_type() {
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::Int16 => column.as_primitive::<Int16Type>().value(row).to_string(),
        DataType::Boolean => column.as_boolean().value(row).to_string(),
        DataType::Utf8 => column.as_string::<i32>().value(row).to_owned(),
        DataType::Date32 => date(column.as_primitive::<Date32Type>().value(row)).to_string(),
        DataType::Timestamp(TimeUnit::Microsecond, Some(zone)) if zone.as_ref() == "UTC" => {
            instant(column.as_primitive::<TimestampMicrosecondType>().value(row))
        }
        DataType::Decimal128(_, scale) => decimal(column.as_primitive::<Decimal128Type>().value(row), *scale),
        other => panic!("no table has a column of {other}"),
    }
}

fn date(days: i32) -> NaiveDate {
    let epoch = NaiveDate::from_ymd_opt(1970, 1, 1).expect("a date");
    epoch + ChronoDays::new(u64::try_from(days).expect("a day of our times"))
}

fn decimal(units: i128, scale: i8) -> String {
    let places = usize::try_from(scale).expect("decimals");
    let sign = if units < 0 { "-" } else { "" };
    let digits = format!("{:0>width$}", units.abs(), width = places + 1);
    let (whole, decimals) = digits.split_at(digits.len() - places);
    format!("{sign}{whole}.{decimals}")
}

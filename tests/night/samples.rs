//! Files of `relay`, `screenshots` and `logins`, and of usage by the day.

use std::fs::{self, File};
use std::sync::Arc;

use arrow::array::{
    ArrayRef, Date32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray, UInt64Array,
};
use chrono::{DateTime, NaiveDate};
use parquet::arrow::ArrowWriter;

use super::world::World;

/// Values of one row, as text: `-` is null.
pub type Row<'a> = &'a [&'a str];

/// What a column holds.
#[derive(Clone, Copy)]
pub enum Kind {
    Time,
    Date,
    Int,
    /// An unsigned integer.
    Number,
    Text,
}

use Kind::{Date, Int, Text, Time};

pub const RELAY: [(&str, Kind); 6] = [
    ("account_id", Int),
    ("sdk_app_id", Int),
    ("task_id", Text),
    ("ts", Time),
    ("kbps", Int),
    ("destination", Text),
];
pub const SCREENSHOTS: [(&str, Kind); 4] = [("account_id", Int), ("sdk_app_id", Int), ("ts", Time), ("images", Int)];
pub const LOGINS: [(&str, Kind); 4] = [
    ("account_id", Int),
    ("sdk_app_id", Int),
    ("user_id", Text),
    ("ts", Time),
];
pub const DAILY: [(&str, Kind); 6] = [
    ("account_id", Int),
    ("sdk_app_id", Int),
    ("day", Date),
    ("item", Text),
    ("tier", Text),
    ("seconds", Int),
];

impl World {
    /// Names an input in the job.
    pub fn input(&self, name: &str) {
        self.replace(
            "job.toml",
            "[inputs]\n",
            &format!("[inputs]\n{name} = \"file:{name}\"\n"),
        );
    }

    /// Writes a file, its path relative to the world's directory. Rows are lines of columns in the order of `columns`.
    pub fn rows(&self, path: &str, columns: &[(&str, Kind)], text: &str) {
        let rows: Vec<Vec<&str>> = text
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>())
            .filter(|row| !row.is_empty())
            .collect();
        let rows: Vec<Row<'_>> = rows.iter().map(Vec::as_slice).collect();
        let arrays = columns.iter().enumerate().map(|(at, (name, kind))| {
            let values = rows.iter().map(|row| Some(row[at]).filter(|value| *value != "-"));
            (*name, array(*kind, values))
        });
        let batch = RecordBatch::try_from_iter_with_nullable(arrays.map(|(name, array)| (name, array, true))).unwrap();
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
    }

    /// Bills of an item, as `amount`.
    pub fn bill(&self, item: &str) -> Vec<String> {
        let bills = self.table("bills", &["item", "amount"]);
        bills
            .iter()
            .filter_map(|bill| bill.strip_prefix(&format!("{item} ")))
            .map(str::to_owned)
            .collect()
    }
}

fn array<'a>(kind: Kind, values: impl Iterator<Item = Option<&'a str>>) -> ArrayRef {
    let micros = |text: &str| DateTime::parse_from_rfc3339(text).unwrap().timestamp_micros();
    match kind {
        Kind::Time => Arc::new(
            values
                .map(|value| value.map(micros))
                .collect::<TimestampMicrosecondArray>()
                .with_timezone("UTC"),
        ),
        Kind::Date => Arc::new(
            values
                .map(|value| value.map(|text| text.parse::<NaiveDate>().unwrap().to_epoch_days()))
                .collect::<Date32Array>(),
        ),
        Kind::Int => Arc::new(
            values
                .map(|value| value.map(|text| text.parse().unwrap()))
                .collect::<Int64Array>(),
        ),
        Kind::Number => Arc::new(
            values
                .map(|value| value.map(|text| text.parse().unwrap()))
                .collect::<UInt64Array>(),
        ),
        Kind::Text => Arc::new(
            values
                .map(|value| value.map(|text| text.replace("''", "")))
                .collect::<StringArray>(),
        ),
    }
}

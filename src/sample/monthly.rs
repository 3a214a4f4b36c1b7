//! `relay`, `screenshots` and `logins` of a sample: one file of each a day, rows in the order of accounts.
//!
//! One account in four relays streams, one in forty so many that a month's peak is above 100 Mbps; one in five takes
//! screenshots, some 20,000 a month; people log in to every app, the same ones day after day.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, Int64Array, RecordBatch, StringArray, TimestampMillisecondArray};
use parquet::arrow::ArrowWriter;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::day::DaySpan;
use super::population::Population;
use super::random::{Purpose, generator, happens, second_of_day};
use super::spec::SampleError;
use super::usage_file::writer_properties;

/// The inputs, as the job names them and their directories are called.
pub(super) const INPUTS: [&str; 3] = ["relay", "screenshots", "logins"];
/// Rows go to the writers in batches of about this size.
const BATCH_ROWS: usize = 65_536;
/// Streams of an account that has many.
const MANY_TASKS: u32 = 120;
/// People who may log in to an app.
const MOST_USERS: u32 = 60;

/// One sample of a relay task.
struct Relayed {
    account: i64,
    app: i64,
    task: String,
    ts_ms: i64,
    kbps: i32,
    destination: &'static str,
}

/// Some images.
struct Shot {
    account: i64,
    app: i64,
    ts_ms: i64,
    images: i32,
}

/// A login.
struct Login {
    account: i64,
    app: i64,
    user: String,
    ts_ms: i64,
}

#[derive(Default)]
struct Rows {
    relay: Vec<Relayed>,
    screenshots: Vec<Shot>,
    logins: Vec<Login>,
}

/// Writes a day of all three. The bytes of the files.
pub(super) fn write_day(
    out: &Path,
    population: &Population,
    seed: u64,
    span: &DaySpan,
    number: u32,
) -> Result<u64, SampleError> {
    let mut files = Vec::new();
    for input in INPUTS {
        let directory = out.join(input).join(format!("date={}", span.day));
        std::fs::create_dir_all(&directory).map_err(|error| SampleError::io(&directory, error))?;
        files.push(Output::new(directory.join("part-0.parquet")));
    }
    let mut rows = Rows::default();
    for position in 0..population.len() {
        let mut rng = generator(seed, Purpose::Monthly, number, position);
        add_account(&mut rows, population, position, span, &mut rng);
        let is_last = position + 1 == population.len();
        let held = rows.relay.len().max(rows.screenshots.len()).max(rows.logins.len());
        if is_last || held >= BATCH_ROWS {
            for (file, batch) in files.iter_mut().zip(std::mem::take(&mut rows).into_batches()) {
                file.write(&batch)?;
            }
        }
    }
    files.into_iter().try_fold(0, |bytes, file| Ok(bytes + file.finish()?))
}

fn add_account(rows: &mut Rows, population: &Population, position: u32, span: &DaySpan, rng: &mut ChaCha8Rng) {
    let account = Population::account_id(position);
    let apps = population.app_count(position);
    let at = |second: u32| span.start_ms + i64::from(second.min(span.seconds - 1)) * 1_000;
    if position.is_multiple_of(4) {
        let tasks = if position.is_multiple_of(40) {
            MANY_TASKS
        } else {
            rng.random_range(1..=3)
        };
        let (start, minutes) = (second_of_day(rng, span.seconds), rng.random_range(5..20_u32));
        let destination = if happens(rng, 70) { "css" } else { "third_party" };
        for task in 0..tasks {
            let kbps = rng.random_range(500..1_500);
            rows.relay.extend((0..minutes).map(|minute| Relayed {
                account,
                app: Population::app_id(position, task % apps),
                task: format!("{}-{account}-{task}", span.day),
                ts_ms: at(start + minute * 60),
                kbps,
                destination,
            }));
        }
    }
    if position % 5 == 1 {
        for _ in 0..20 {
            rows.screenshots.push(Shot {
                account,
                app: Population::app_id(position, rng.random_range(0..apps)),
                ts_ms: at(second_of_day(rng, span.seconds)),
                images: rng.random_range(10..60),
            });
        }
    }
    for app in 0..apps {
        for _ in 0..rng.random_range(1..10) {
            rows.logins.push(Login {
                account,
                app: Population::app_id(position, app),
                user: format!("user-{}", rng.random_range(0..MOST_USERS)),
                ts_ms: at(second_of_day(rng, span.seconds)),
            });
        }
    }
}

impl Rows {
    /// In the order of [`INPUTS`].
    fn into_batches(self) -> [RecordBatch; 3] {
        let times =
            |values: Vec<i64>| -> ArrayRef { Arc::new(TimestampMillisecondArray::from(values).with_timezone("UTC")) };
        let numbers = |values: Vec<i64>| -> ArrayRef { Arc::new(Int64Array::from(values)) };
        let relay = self.relay;
        let shots = self.screenshots;
        let logins = self.logins;
        let batch = |columns: Vec<(&str, ArrayRef)>| {
            RecordBatch::try_from_iter(columns).expect("columns of one length, with names of their own")
        };
        [
            batch(vec![
                ("account_id", numbers(relay.iter().map(|row| row.account).collect())),
                ("sdk_app_id", numbers(relay.iter().map(|row| row.app).collect())),
                (
                    "task_id",
                    Arc::new(StringArray::from_iter_values(relay.iter().map(|row| &row.task))),
                ),
                ("ts", times(relay.iter().map(|row| row.ts_ms).collect())),
                (
                    "kbps",
                    Arc::new(Int32Array::from_iter_values(relay.iter().map(|row| row.kbps))),
                ),
                (
                    "destination",
                    Arc::new(StringArray::from_iter_values(relay.iter().map(|row| row.destination))),
                ),
            ]),
            batch(vec![
                ("account_id", numbers(shots.iter().map(|row| row.account).collect())),
                ("sdk_app_id", numbers(shots.iter().map(|row| row.app).collect())),
                ("ts", times(shots.iter().map(|row| row.ts_ms).collect())),
                (
                    "images",
                    Arc::new(Int32Array::from_iter_values(shots.iter().map(|row| row.images))),
                ),
            ]),
            batch(vec![
                ("account_id", numbers(logins.iter().map(|row| row.account).collect())),
                ("sdk_app_id", numbers(logins.iter().map(|row| row.app).collect())),
                (
                    "user_id",
                    Arc::new(StringArray::from_iter_values(logins.iter().map(|row| &row.user))),
                ),
                ("ts", times(logins.iter().map(|row| row.ts_ms).collect())),
            ]),
        ]
    }
}

/// A file that is begun with its first batch, which has its schema.
struct Output {
    path: std::path::PathBuf,
    writer: Option<ArrowWriter<File>>,
}

impl Output {
    fn new(path: std::path::PathBuf) -> Self {
        Self { path, writer: None }
    }

    fn write(&mut self, batch: &RecordBatch) -> Result<(), SampleError> {
        let path = &self.path;
        let writer = match &mut self.writer {
            Some(writer) => writer,
            None => {
                let file = File::create_new(path).map_err(|error| SampleError::io(path, error))?;
                let writer = ArrowWriter::try_new(file, batch.schema(), Some(writer_properties()))
                    .map_err(|error| SampleError::parquet(path, error))?;
                self.writer.insert(writer)
            }
        };
        writer.write(batch).map_err(|error| SampleError::parquet(path, error))
    }

    fn finish(self) -> Result<u64, SampleError> {
        let path = &self.path;
        let Some(writer) = self.writer else { return Ok(0) };
        writer.close().map_err(|error| SampleError::parquet(path, error))?;
        let written = std::fs::metadata(path).map_err(|error| SampleError::io(path, error))?;
        Ok(written.len())
    }
}

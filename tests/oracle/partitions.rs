//! The border: rows of the inputs that are partitioned by date, and the Parquet files of them.

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Date32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use chrono::{Datelike, Days, Months, NaiveDate};
use parquet::arrow::ArrowWriter;

use super::metering::{item_and_tier, place_of};
use super::scenario::{FileRow, Input, Life, Login, RelaySample, Screenshots, Setting, Usage, World};
use super::zone::{day_of, start_of};

/// The only file of a partition.
pub const FILE: &str = "part-0.parquet";

/// Writes every partition that has rows, and those of usage of all days that are settled.
pub fn write_partitions(directory: &Path, world: &World) {
    let setting = &world.setting;
    let first = setting.first_day.with_day(1).expect("every month has a first day");
    let end = setting.last_day().with_day(1).expect("every month has a first day") + Months::new(1);
    let of_months = touched_by(setting, first, end);
    for input in [Input::Usage, Input::Relay, Input::Screenshots, Input::Logins] {
        fs::create_dir_all(directory.join(name(input))).expect("a directory of an input");
        let needed = match input {
            Input::Usage => touched_by(setting, setting.first_day, setting.last_day() + Days::new(1)),
            _ => Vec::new(),
        };
        for partition in &of_months {
            if needed.contains(partition) || !rows_of(world, input, *partition).is_empty() {
                write(directory, world, input, *partition);
            }
        }
    }
}

/// 2.1: the partitions that the hours of days touch, from one to before another; and those that have their names.
pub fn touched_by(setting: &Setting, first: NaiveDate, end: NaiveDate) -> Vec<NaiveDate> {
    let (from, until) = (start_of(setting.zone, first), start_of(setting.zone, end));
    let around = (first - Days::new(2))
        .iter_days()
        .take_while(|date| *date < end + Days::new(2));
    around
        .filter(|date| {
            let (begins, ends) = hours_of(setting, *date);
            (first <= *date && *date < end) || (begins < until && from < ends)
        })
        .collect()
}

/// When a partition's date begins, and the next.
fn hours_of(setting: &Setting, partition: NaiveDate) -> (i64, i64) {
    let zone = setting.partition_zone;
    (start_of(zone, partition), start_of(zone, partition + Days::new(1)))
}

fn name(input: Input) -> &'static str {
    match input {
        Input::Usage => "usage",
        Input::Relay => "relay",
        Input::Screenshots => "screenshots",
        Input::Logins => "logins",
    }
}

/// All rows of a partition: account by account, and between them those that break a rule.
pub fn rows_of(world: &World, input: Input, partition: NaiveDate) -> Vec<FileRow> {
    let setting = &world.setting;
    let lives = world.lives.iter();
    let mut rows: Vec<FileRow> = lives
        .flat_map(|life| rows_of_life(setting, life, input, partition))
        .collect();
    let broken = world.broken.iter();
    for broken in broken.filter(|broken| broken.input == input && broken.partition == partition) {
        rows.insert(broken.before.min(rows.len()), broken.row.clone());
    }
    rows
}

fn rows_of_life(setting: &Setting, life: &Life, input: Input, partition: NaiveDate) -> Vec<FileRow> {
    let (start, end) = hours_of(setting, partition);
    let is_here = |at: i64| start <= at && at < end;
    let row = |at, app| FileRow {
        account: Some(life.account.id),
        app: Some(app),
        at: Some(at),
        ..FileRow::default()
    };
    match input {
        Input::Usage => {
            let usage = life.usage.iter().flatten().filter(|usage| is_here(usage.at));
            usage.map(|usage| usage_row(setting, life, usage)).collect()
        }
        Input::Relay => {
            let samples = life.relay.iter().filter(|sample| is_here(sample.at));
            let relay = |sample: &RelaySample| FileRow {
                what: Some(sample.destination.clone()),
                key: Some(sample.task.clone()),
                figure: Some(sample.kbps),
                ..row(sample.at, sample.app)
            };
            samples.map(relay).collect()
        }
        Input::Screenshots => {
            let shots = life.screenshots.iter().filter(|shots| is_here(shots.at));
            let images = |shots: &Screenshots| FileRow {
                figure: Some(shots.images),
                ..row(shots.at, shots.app)
            };
            shots.map(images).collect()
        }
        Input::Logins => {
            let logins = life.logins.iter().filter(|login| is_here(login.at));
            let user = |login: &Login| FileRow {
                key: Some(login.user.clone()),
                ..row(login.at, login.app)
            };
            logins.map(user).collect()
        }
    }
}

/// 2.2: "already aggregated elsewhere", one row for each row of the other shape.
fn usage_row(setting: &Setting, life: &Life, usage: &Usage) -> FileRow {
    let row = FileRow {
        account: Some(life.account.id),
        app: Some(usage.app),
        figure: Some(usage.seconds),
        ..FileRow::default()
    };
    if setting.by_the_day {
        let (item, tier) = item_and_tier(&setting.catalog, place_of(&setting.catalog, usage));
        return FileRow {
            day: Some(day_of(setting.zone, usage.at)),
            what: Some(item),
            tier: Some(tier),
            ..row
        };
    }
    FileRow {
        at: Some(usage.at),
        what: Some(usage.meter.clone()),
        pixels: usage.pixels,
        ..row
    }
}

// ---------------------------------------------------------------- Parquet

fn write(directory: &Path, world: &World, input: Input, partition: NaiveDate) {
    let rows = rows_of(world, input, partition);
    let integers =
        |of: fn(&FileRow) -> Option<i64>| -> ArrayRef { Arc::new(Int64Array::from_iter(rows.iter().map(of))) };
    let texts =
        |of: fn(&FileRow) -> Option<&String>| -> ArrayRef { Arc::new(StringArray::from_iter(rows.iter().map(of))) };
    let instants = || -> ArrayRef {
        let instants = TimestampMicrosecondArray::from_iter(rows.iter().map(|row| row.at));
        Arc::new(instants.with_timezone("UTC"))
    };
    let dates = || -> ArrayRef {
        Arc::new(Date32Array::from_iter(
            rows.iter().map(|row| row.day.map(days_since_1970)),
        ))
    };
    let what = || texts(|row| row.what.as_ref());
    let key = || texts(|row| row.key.as_ref());
    let figure = || integers(|row| row.figure);
    let mut columns: Vec<(&str, ArrayRef)> = vec![
        ("account_id", integers(|row| row.account)),
        ("sdk_app_id", integers(|row| row.app)),
    ];
    columns.extend(match input {
        Input::Usage if world.setting.by_the_day => vec![
            ("day", dates()),
            ("item", what()),
            ("tier", texts(|row| row.tier.as_ref())),
            ("seconds", figure()),
        ],
        Input::Usage => vec![
            ("ts", instants()),
            ("meter", what()),
            ("seconds", figure()),
            ("pixels", integers(|row| row.pixels)),
        ],
        Input::Relay => vec![
            ("task_id", key()),
            ("ts", instants()),
            ("kbps", figure()),
            ("destination", what()),
        ],
        Input::Screenshots => vec![("ts", instants()), ("images", figure())],
        Input::Logins => vec![("user_id", key()), ("ts", instants())],
    });
    // 2: "Unknown extra columns are ignored"; without this one, files of days on which nothing happens were the same.
    let of_partition = format!("of {partition}");
    columns.push((&of_partition, integers(|row| row.account)));
    write_parquet(&directory.join(name(input)).join(format!("date={partition}")), columns);
}

fn days_since_1970(date: NaiveDate) -> i32 {
    date.num_days_from_ce() - NaiveDate::default().num_days_from_ce()
}

fn write_parquet(directory: &Path, columns: Vec<(&str, ArrayRef)>) {
    fs::create_dir_all(directory).expect("a directory of a partition");
    let batch = RecordBatch::try_from_iter(columns).expect("columns of one length");
    let file = File::create(directory.join(FILE)).expect("a file of a partition");
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).expect("a schema for Parquet");
    writer.write(&batch).expect("rows of the schema");
    writer.close().expect("a whole file");
}

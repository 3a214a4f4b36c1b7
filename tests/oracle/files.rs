//! The border: a world's facts and usage as files in a directory.

use std::fmt::{Display, Write};
use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use chrono::NaiveDate;
use parquet::arrow::ArrowWriter;

use super::rows::{Cells, NULL, cells, instant};
use super::scenario::{Life, Setting, Usage, World};
use super::standing::Night;
use super::toml::{catalog_file, job_file};
use super::zone::day_of;

/// The only usage file of a day.
const USAGE_FILE: &str = "part-0.parquet";

/// Writes everything but the payments, which come night by night.
pub fn write_world(directory: &Path, world: &World) {
    let put = |name: &str, text: &str| fs::write(directory.join(name), text).expect("a file in a new directory");
    put("catalog.toml", &catalog_file(&world.setting.catalog));
    put("job.toml", &job_file(&world.setting, "out"));
    put("accounts.csv", &accounts(&world.lives));
    put("packages.csv", &packages(&world.lives));
    put("apps.csv", &apps(&world.lives));
    put("refund_requests.csv", &requests(&world.lives));
    put("opening.csv", &openings(&world.lives));
    put("opening_grants.csv", &opening_grants(&world.lives));
    write_payments(directory, world, 0);
    for night in 0..world.setting.nights {
        write_usage(directory, world, night);
    }
    write_monthly(directory, world);
}

/// The payments that the run of a night finds.
pub fn write_payments(directory: &Path, world: &World, night: usize) {
    let mut text = "payment_id,account_id,paid_at,amount\n".to_owned();
    for life in &world.lives {
        for (number, payment) in life.payments.iter().enumerate() {
            if payment.from_night <= night && payment.until_night.is_none_or(|until| night < until) {
                let account = life.account.id;
                let (at, amount) = (instant(payment.paid_at), &payment.amount);
                let _ = writeln!(text, "{account}-{number},{account},{at},{amount}");
            }
        }
    }
    fs::write(directory.join("payments.csv"), text).expect("a file in a new directory");
}

fn or_empty<T: Display>(value: Option<T>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

fn accounts(lives: &[Life]) -> String {
    let header = "account_id,registered_at,free_anchor,price_list,payg,credit_limit,products,violation_at\n";
    let mut text = header.to_owned();
    for Life { account, .. } in lives {
        let _ = writeln!(
            text,
            "{},{},{},{},{},{},{},{}",
            account.id,
            instant(account.registered_at),
            or_empty(account.free_anchor),
            account.price_list,
            account.payg,
            account.credit_limit,
            account.products.join(";"),
            or_empty(account.violation_at.map(instant)),
        );
    }
    text
}

fn packages(lives: &[Life]) -> String {
    let header = "package_id,account_id,apps,plan,purchased_at,gift,auto_renew,refunded_at,refunded_amount\n";
    let mut text = header.to_owned();
    for life in lives {
        for package in &life.packages {
            let apps: Vec<String> = package.apps.iter().map(i64::to_string).collect();
            let amount = package.refunded_at.map(|_| &package.refunded_amount);
            let _ = writeln!(
                text,
                "{},{},{},{},{},{},{},{},{}",
                package.id,
                life.account.id,
                apps.join(";"),
                package.plan,
                instant(package.purchased_at),
                package.gift,
                package.auto_renew,
                or_empty(package.refunded_at.map(instant)),
                or_empty(amount),
            );
        }
    }
    text
}

fn apps(lives: &[Life]) -> String {
    let mut text = "account_id,sdk_app_id,disabled_at\n".to_owned();
    for life in lives {
        for app in &life.apps {
            let disabled = or_empty(app.disabled_at.map(instant));
            let _ = writeln!(text, "{},{},{disabled}", life.account.id, app.app);
        }
    }
    text
}

fn requests(lives: &[Life]) -> String {
    let mut text = "package_id,requested_at\n".to_owned();
    for request in lives.iter().flat_map(|life| &life.requests) {
        let _ = writeln!(text, "{},{}", request.package, instant(request.requested_at));
    }
    text
}

fn openings(lives: &[Life]) -> String {
    let mut text = "account_id,balance\n".to_owned();
    for life in lives {
        let _ = writeln!(text, "{},{}", life.account.id, life.opening_balance);
    }
    text
}

fn opening_grants(lives: &[Life]) -> String {
    let mut text = "grant_id,used\n".to_owned();
    for (grant, used) in lives.iter().flat_map(|life| &life.opening_grants) {
        let _ = writeln!(text, "{grant},{used}");
    }
    text
}

// ---------------------------------------------------------------- Parquet

fn integers(values: impl Iterator<Item = i64>) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(values))
}

fn texts<'a>(values: impl Iterator<Item = &'a String>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(values))
}

fn instants(values: impl Iterator<Item = i64>) -> ArrayRef {
    Arc::new(TimestampMicrosecondArray::from_iter_values(values).with_timezone("UTC"))
}

fn write_parquet(directory: &Path, columns: Vec<(&str, ArrayRef)>) {
    fs::create_dir_all(directory).expect("a directory of a partition");
    let batch = RecordBatch::try_from_iter(columns).expect("columns of one length");
    let file = File::create(directory.join(USAGE_FILE)).expect("a file of a partition");
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).expect("a schema for Parquet");
    writer.write(&batch).expect("rows of the schema");
    writer.close().expect("a whole file");
}

/// All rows of a night, account by account.
fn rows_of(world: &World, night: usize) -> Vec<(i64, &Usage)> {
    let all = world.lives.iter();
    all.flat_map(|life| life.usage[night].iter().map(|usage| (life.account.id, usage)))
        .collect()
}

fn write_usage(directory: &Path, world: &World, night: usize) {
    let rows = rows_of(world, night);
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("account_id", integers(rows.iter().map(|(account, _)| *account))),
        ("sdk_app_id", integers(rows.iter().map(|(_, usage)| usage.app))),
        ("ts", instants(rows.iter().map(|(_, usage)| usage.at))),
        ("meter", texts(rows.iter().map(|(_, usage)| &usage.meter))),
        ("seconds", integers(rows.iter().map(|(_, usage)| usage.seconds))),
        (
            "pixels",
            Arc::new(Int64Array::from_iter(rows.iter().map(|(_, usage)| usage.pixels))),
        ),
    ];
    write_parquet(&partition(directory, "usage", world.setting.day(night)), columns);
}

fn partition(directory: &Path, input: &str, day: NaiveDate) -> std::path::PathBuf {
    directory.join(input).join(format!("date={day}"))
}

/// The rows of accounts that the night's batch does not know, as the table `rejects` has them.
pub fn rejects(world: &World, night: usize) -> Vec<Cells> {
    let day = world.setting.day(night);
    let unknown: Vec<i64> = world
        .lives
        .iter()
        .filter(|life| !Night::new(&world.setting, life, night).knows_account())
        .map(|life| life.account.id)
        .collect();
    let rows = rows_of(world, night).into_iter().zip(1..);
    rows.filter(|((account, _), _)| unknown.contains(account))
        .map(|((account, usage), number)| {
            cells![
                day,
                format!("date={day}/{USAGE_FILE}"),
                number,
                "unknown_account",
                account,
                usage.app,
                usage.meter,
                instant(usage.at),
                usage.seconds,
                usage
                    .pixels
                    .map_or_else(|| NULL.to_owned(), |pixels| pixels.to_string()),
            ]
        })
        .collect()
}

/// What is billed by the month, in the partitions of its days.
fn write_monthly(directory: &Path, world: &World) {
    for input in ["relay", "screenshots", "logins"] {
        fs::create_dir_all(directory.join(input)).expect("a directory of an input");
    }
    let setting = &world.setting;
    let relay = each_row(world, |life| &life.relay);
    for (day, rows) in by_day(setting, relay, |sample| sample.at) {
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("account_id", integers(rows.iter().map(|(account, _)| *account))),
            ("sdk_app_id", integers(rows.iter().map(|(_, row)| row.app))),
            ("task_id", texts(rows.iter().map(|(_, row)| &row.task))),
            ("ts", instants(rows.iter().map(|(_, row)| row.at))),
            ("kbps", integers(rows.iter().map(|(_, row)| row.kbps))),
            ("destination", texts(rows.iter().map(|(_, row)| &row.destination))),
        ];
        write_parquet(&partition(directory, "relay", day), columns);
    }
    let screenshots = each_row(world, |life| &life.screenshots);
    for (day, rows) in by_day(setting, screenshots, |row| row.at) {
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("account_id", integers(rows.iter().map(|(account, _)| *account))),
            ("sdk_app_id", integers(rows.iter().map(|(_, row)| row.app))),
            ("ts", instants(rows.iter().map(|(_, row)| row.at))),
            ("images", integers(rows.iter().map(|(_, row)| row.images))),
        ];
        write_parquet(&partition(directory, "screenshots", day), columns);
    }
    let logins = each_row(world, |life| &life.logins);
    for (day, rows) in by_day(setting, logins, |row| row.at) {
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("account_id", integers(rows.iter().map(|(account, _)| *account))),
            ("sdk_app_id", integers(rows.iter().map(|(_, row)| row.app))),
            ("user_id", texts(rows.iter().map(|(_, row)| &row.user))),
            ("ts", instants(rows.iter().map(|(_, row)| row.at))),
        ];
        write_parquet(&partition(directory, "logins", day), columns);
    }
}

fn each_row<T>(world: &World, of: impl Fn(&Life) -> &Vec<T>) -> Vec<(i64, &T)> {
    let lives = world.lives.iter();
    lives
        .flat_map(|life| of(life).iter().map(|row| (life.account.id, row)))
        .collect()
}

type ByDay<'a, T> = Vec<(NaiveDate, Vec<(i64, &'a T)>)>;

fn by_day<'a, T>(setting: &Setting, rows: Vec<(i64, &'a T)>, at: impl Fn(&T) -> i64) -> ByDay<'a, T> {
    let mut days: ByDay<'a, T> = Vec::new();
    for row in rows {
        let day = day_of(setting.zone, at(row.1));
        match days.iter_mut().find(|(known, _)| *known == day) {
            Some((_, rows)) => rows.push(row),
            None => days.push((day, vec![row])),
        }
    }
    days
}

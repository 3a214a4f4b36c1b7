//! A small world to settle: a temp directory with a job, the shipped catalog, dimensions as CSV text and usage as rows.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, Int64Array, RecordBatch, StringArray, TimestampMillisecondArray};
use assert_cmd::Command;
use chrono::DateTime;
use parquet::arrow::ArrowWriter;
use sha2::{Digest, Sha256};

use crate::parquet_rows::{rows, visit};

/// One usage row: (ts as RFC 3339, account, app, meter, seconds, pixels).
pub type UsageRow<'a> = (&'a str, i64, i64, &'a str, i64, Option<i32>);

pub struct World {
    dir: tempfile::TempDir,
}

/// What a run of the binary said.
pub struct Said {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl World {
    /// A job with one account, 7, that pays as it goes and has no free minutes left in October 2024.
    pub fn new() -> Self {
        let world = Self {
            dir: tempfile::tempdir().unwrap(),
        };
        let catalog = Path::new(env!("CARGO_MANIFEST_DIR")).join("jobs/catalog/trtc.toml");
        fs::copy(catalog, world.path("catalog.toml")).unwrap();
        world.write("job.toml", JOB);
        world.write(
            "accounts.csv",
            "account_id,registered_at,payg\n7,2024-01-01T00:00:00+08:00,on\n",
        );
        world.write(
            "packages.csv",
            "package_id,account_id,apps,plan,purchased_at,gift,refunded_at\n",
        );
        world.write("payments.csv", "payment_id,account_id,paid_at,amount\n");
        world.write("opening_grants.csv", "grant_id,used\nfree:7:2024-10-01,10000\n");
        world
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn replace(&self, name: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.path(name)).unwrap();
        assert!(text.contains(from), "{name} has no {from:?}");
        self.write(name, &text.replace(from, to));
    }

    /// Writes one usage file of a partition.
    pub fn usage(&self, partition: &str, file: &str, rows: &[UsageRow<'_>]) {
        let path = self.path(&format!("usage/date={partition}/{file}"));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let millis = |text: &str| DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis();
        let columns: Vec<(&str, ArrayRef)> = vec![
            (
                "account_id",
                Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.1))),
            ),
            (
                "sdk_app_id",
                Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.2))),
            ),
            (
                "ts",
                Arc::new(
                    TimestampMillisecondArray::from_iter_values(rows.iter().map(|row| millis(row.0)))
                        .with_timezone("UTC"),
                ),
            ),
            (
                "meter",
                Arc::new(StringArray::from_iter_values(rows.iter().map(|row| row.3))),
            ),
            (
                "seconds",
                Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.4))),
            ),
            ("pixels", Arc::new(Int32Array::from_iter(rows.iter().map(|row| row.5)))),
        ];
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
    }

    /// An hour of HD video of account 7 on a day at noon in Shanghai: 60 minutes, 0.24 USD.
    pub fn an_hour_of_hd(&self, day: &str) {
        self.usage(
            day,
            "part-0.parquet",
            &[(&format!("{day}T12:00:00+08:00"), 7, 70, "av", 3_600, Some(921_600))],
        );
    }

    pub fn run(&self, arguments: &[&str]) -> Said {
        let output = Command::cargo_bin("nightbill")
            .unwrap()
            .current_dir(self.dir.path())
            .env("NO_COLOR", "1")
            .args(arguments)
            .output()
            .unwrap();
        let text = |bytes: &[u8]| {
            String::from_utf8(bytes.to_vec())
                .unwrap()
                .replace(&self.dir.path().display().to_string(), "DIR")
        };
        Said {
            code: output.status.code().unwrap(),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        }
    }

    pub fn settle(&self, arguments: &[&str]) -> Said {
        self.run(&[&["settle", "job.toml"], arguments].concat())
    }

    /// Settles one day, which must work.
    pub fn settled(&self, day: &str) {
        let said = self.settle(&["--day", day]);
        assert_eq!(said.code, 0, "{}{}", said.stdout, said.stderr);
    }

    /// The last batch keeps the laws.
    pub fn verified(&self) {
        let said = self.run(&["verify", "job.toml", "--all"]);
        assert_eq!(said.code, 0, "{}{}", said.stdout, said.stderr);
    }

    /// The chosen columns of a table over all batches, one line a row, sorted.
    pub fn table(&self, table: &str, columns: &[&str]) -> Vec<String> {
        self.table_of("out", table, columns)
    }

    /// The same of the ledger in this directory.
    pub fn table_of(&self, out: &str, table: &str, columns: &[&str]) -> Vec<String> {
        let mut lines: Vec<String> = rows(&self.path(out).join(table))
            .into_iter()
            .map(|row| {
                columns
                    .iter()
                    .map(|column| row[*column].as_str())
                    .collect::<Vec<_>>()
                    .join(" ")
            })
            .collect();
        lines.sort();
        lines
    }

    /// Path and SHA-256 of every table file below `out`.
    pub fn table_files(&self) -> BTreeMap<String, String> {
        self.table_files_of("out")
    }

    /// The same of the ledger in this directory.
    pub fn table_files_of(&self, out: &str) -> BTreeMap<String, String> {
        let mut files = BTreeMap::new();
        let out = self.path(out);
        visit(&out, &mut |path| {
            let relative = path.strip_prefix(&out).unwrap().display().to_string();
            if relative.ends_with(".parquet") && !relative.starts_with("_staging") {
                let digest = Sha256::digest(fs::read(path).unwrap());
                files.insert(relative, digest.iter().map(|byte| format!("{byte:02x}")).collect());
            }
        });
        files
    }

    /// Whether anything was committed.
    pub fn has_batch(&self, batch: &str) -> bool {
        self.path(&format!("out/_batches/{batch}.json")).exists()
    }
}

const JOB: &str = r#"name = "test"
timezone = "Asia/Shanghai"
billing_time = "10:00"
catalog = "catalog.toml"
output = "file:out"

[inputs]
usage = { url = "file:usage", shape = "seconds" }
accounts = "file:accounts.csv"
packages = "file:packages.csv"
payments = "file:payments.csv"
opening_grants = "file:opening_grants.csv"
"#;

//! Schemas, rows and bytes.

use std::fmt::Write;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::TimestampMicrosecondType;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use nightbill::inputs::rejects::{Reason, Reject};
use nightbill::ledger::record::{BatchId, CommitRecord};
use nightbill::ledger::tables::{Rows, RowsBuilder, Table};
use nightbill::rules::account_day::DeductionPeriod;
use nightbill::units::quantity::{Cents, Instant};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use rayon::prelude::*;

use crate::fixture::{
    self, account, account_day, batch, book, context, day, facts, ledger, periods, post, rows, store,
};

#[test]
fn schemas() {
    let mut text = String::new();
    for table in Table::ALL {
        writeln!(text, "{}: {}", table.name(), table.meaning()).unwrap();
        writeln!(text, "  sorted by {}", table.sorted_by().join(", ")).unwrap();
        for column in table.columns() {
            let null = if column.nullable { ", null" } else { "" };
            writeln!(text, "  {} {}{null}: {}", column.name, column.data_type, column.meaning).unwrap();
        }
        for key in table.sorted_by() {
            let known = table.columns().iter().find(|column| column.name == *key);
            let nullable = known.unwrap_or_else(|| panic!("{key} is a column")).nullable;
            // The key of a reject may be what is wrong with it.
            assert!(!nullable || table == Table::Rejects, "{key}");
        }
    }
    insta::assert_snapshot!(text);
}

fn rejects() -> Vec<Reject> {
    let whole = Reject {
        file: "date=2024-10-12/a.parquet".to_owned(),
        row: 7,
        reason: Reason::BadPixels,
        account_id: Some(-1),
        sdk_app_id: Some(1400),
        meter: Some("av".to_owned()),
        ts: Some(Instant::from_micros(1_728_700_000_000_001)),
        seconds: Some(1),
        pixels: Some(-5),
    };
    let empty = Reject {
        row: 8,
        reason: Reason::BadTs,
        account_id: None,
        sdk_app_id: None,
        meter: None,
        ts: None,
        seconds: None,
        pixels: None,
        ..whole.clone()
    };
    vec![empty, whole]
}

/// Two accounts with 5-minute deduction, and two rejects.
fn fixed_rows() -> Rows {
    let book = book();
    let mut builder = RowsBuilder::new(context(&book, day("2024-10-12"), DeductionPeriod::FiveMinutes));
    for id in [11, 1002] {
        let account_day = account_day(id, day("2024-10-12"));
        builder.push_account(account(id), &account_day, &periods(), id).unwrap();
    }
    builder.push_rejects(&rejects());
    builder.finish()
}

fn text_of(batches: &[RecordBatch]) -> String {
    let mut text = String::new();
    for batch in batches {
        let options = FormatOptions::new().with_null("-");
        let plain: Vec<ArrayRef> = batch.columns().iter().map(without_zone).collect();
        let columns: Vec<_> = plain
            .iter()
            .map(|column| ArrayFormatter::try_new(column, &options).unwrap())
            .collect();
        for row in 0..batch.num_rows() {
            let values: Vec<String> = columns.iter().map(|column| column.value(row).to_string()).collect();
            writeln!(text, "  {}", values.join(" | ")).unwrap();
        }
    }
    text
}

/// Named zones would need another crate to be shown.
fn without_zone(column: &ArrayRef) -> ArrayRef {
    match column.as_primitive_opt::<TimestampMicrosecondType>() {
        Some(instants) => Arc::new(instants.clone().with_timezone_opt(None::<&str>)),
        None => Arc::clone(column),
    }
}

/// The published rows of a batch, read back from their files.
fn read_back(directory: &std::path::Path, record: &CommitRecord) -> String {
    let mut text = String::new();
    for file in &record.files {
        let bytes = store(directory).get(&file.path).unwrap();
        let reader = ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap();
        let table = Table::ALL.into_iter().find(|table| table.name() == file.table).unwrap();
        assert_eq!(reader.schema(), &table.schema(), "readers see the schema that we say");
        assert!(reader.schema().metadata().is_empty());
        let batches: Vec<_> = reader.build().unwrap().collect::<Result<_, _>>().unwrap();
        writeln!(text, "{}", file.table).unwrap();
        text.push_str(&text_of(&batches));
    }
    text
}

#[test]
fn rows_of_every_table() {
    let directory = tempfile::tempdir().unwrap();
    let record = post(directory.path(), "2024-10-12.00", fixed_rows());
    insta::assert_snapshot!(read_back(directory.path(), &record));
}

/// The hashes in this snapshot pin every byte. When they change on purpose, say so in the changelog: the same inputs then
/// give other files than before.
#[test]
fn commit_record_and_golden_bytes() {
    let directory = tempfile::tempdir().unwrap();
    post(directory.path(), "2024-10-11.00", Rows::empty());
    let record = post(directory.path(), "2024-10-12.00", fixed_rows());
    let json = record.to_json();
    assert_eq!(CommitRecord::from_json(&json).unwrap(), record);
    assert_eq!(
        store(directory.path()).get("_batches/2024-10-12.00.json").unwrap(),
        json
    );
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(
        r"_staging/2024-10-12.00/[0-9a-f]{16}/",
        "_staging/2024-10-12.00/<attempt>/",
    );
    settings.add_filter(r#""tool": "[^"]+""#, r#""tool": "<version>""#);
    settings.add_filter(r#""tzdata": "[^"]+""#, r#""tzdata": "<version>""#);
    // Holds the attempt of the record before.
    settings.add_filter(r#""digest": "[0-9a-f]{64}"(\n  \})"#, r#""digest": "<sha256>"$1"#);
    settings.bind(|| insta::assert_snapshot!(String::from_utf8(json.to_vec()).unwrap()));
}

#[test]
fn every_table_is_in_every_batch() {
    let directory = tempfile::tempdir().unwrap();
    let record = post(directory.path(), "2024-10-12.00", Rows::empty());
    let files: Vec<_> = record
        .files
        .iter()
        .map(|file| (file.path.as_str(), file.rows))
        .collect();
    let expected: Vec<_> = Table::ALL
        .iter()
        .map(|table| (format!("{}/batch=2024-10-12.00/part-0.parquet", table.name()), 0))
        .collect();
    assert!(
        files
            .iter()
            .copied()
            .eq(expected.iter().map(|(path, rows)| (path.as_str(), *rows)))
    );
    assert_eq!(read_back(directory.path(), &record).lines().count(), Table::ALL.len());
}

/// What a batch of these runs of rows writes, without the attempt.
fn written(runs: impl IntoIterator<Item = Rows>) -> Vec<(String, String)> {
    let directory = tempfile::tempdir().unwrap();
    let ledger = ledger(directory.path());
    let mut writer = ledger.begin(batch("2024-10-12.00")).unwrap();
    for run in runs {
        writer.append(run).unwrap();
    }
    let committed = writer.commit(facts()).unwrap();
    let nightbill::ledger::batch::Committed::Posted(record) = committed else {
        panic!("nobody else posts here");
    };
    record.files.into_iter().map(|file| (file.path, file.sha256)).collect()
}

#[test]
fn bytes_do_not_depend_on_how_accounts_are_cut_or_on_threads() {
    let day = day("2024-10-12");
    let accounts = 20_000_i64;
    let once = written([rows(day, 1..=accounts)]);
    for (threads, chunk) in [(1, 1_000), (3, 777), (8, 9_999)] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let ids: Vec<i64> = (1..=accounts).collect();
        let runs: Vec<Rows> = pool.install(|| {
            let chunks = ids.par_chunks(chunk);
            chunks.map(|ids| rows(day, ids.iter().copied())).collect()
        });
        assert_eq!(
            pool.install(|| written(runs)),
            once,
            "{threads} threads, {chunk} accounts a run"
        );
    }
}

#[test]
fn runs_with_and_without_nulls_give_the_bytes_of_one_run() {
    let rejected = |rejects: &[Reject]| {
        let book = book();
        let mut builder = RowsBuilder::new(context(&book, day("2024-10-12"), DeductionPeriod::Day));
        builder.push_rejects(rejects);
        builder.finish()
    };
    let all = rejects();
    let apart = written([rejected(&all[..1]), rejected(&all[1..])]);
    assert_eq!(written([rejected(&all)]), apart);
}

#[test]
fn a_number_with_too_many_digits_is_refused() {
    let book = book();
    let mut builder = RowsBuilder::new(context(&book, day("2024-10-12"), DeductionPeriod::Day));
    let mut account_day = account_day(1, day("2024-10-12"));
    for (closing, fits) in [
        (10_i64.pow(18) - 1, true),
        (10_i64.pow(18), false),
        (-(10_i64.pow(18)), false),
    ] {
        account_day.balance.closing = Cents::from_units(closing);
        let pushed = builder.push_account(account(1), &account_day, &[], 0);
        assert_eq!(pushed.is_ok(), fits, "{closing}");
        builder = RowsBuilder::new(context(&book, day("2024-10-12"), DeductionPeriod::Day));
    }
}

#[test]
fn batch_ids_have_one_spelling() {
    for text in ["2024-10-12.00", "2024-10-12.07", "2024-02-29.100"] {
        assert_eq!(BatchId::parse(text).unwrap().to_string(), text);
    }
    for text in [
        "2024-10-12",
        "2024-10-12.0",
        "2024-10-12.+1",
        "2024-10-12.001",
        "2024-1-12.00",
        "2023-02-29.00",
        ".00",
        "x",
    ] {
        assert_eq!(BatchId::parse(text), None, "{text}");
    }
    assert!(fixture::batch("2024-10-12.99") < fixture::batch("2024-10-12.100"));
}

//! Each law of SPEC section 4, broken once by editing an output file: `verify` names it.

use std::fs::{self, File};
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Decimal128Array, Int64Array, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Decimal128Type, Int64Type};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use sha2::{Digest, Sha256};

use super::world::World;

/// Account 7 pays as it goes, account 9 has its free minutes; two days.
fn two_days() -> World {
    let world = World::new();
    world.replace("accounts.csv", "7,2024", "9,2024-01-01T00:00:00+08:00,off\n7,2024");
    for day in ["2024-10-12", "2024-10-13"] {
        let at = format!("{day}T12:00:00+08:00");
        world.usage(
            day,
            "a.parquet",
            &[
                (&at, 7, 70, "av", 3_600, Some(921_600)),
                (&at, 9, 90, "av", 600, Some(921_600)),
            ],
        );
        world.settled(day);
    }
    world.verified();
    world
}

fn part(world: &World, table: &str) -> PathBuf {
    world.path(&format!("out/{table}/batch=2024-10-13.00/part-0.parquet"))
}

/// Adds `delta` to a column of the last batch's rows.
fn add(world: &World, table: &str, column: &str, delta: i64) {
    let path = part(world, table);
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(&path).unwrap()).unwrap();
    let schema = reader.schema().clone();
    let batches: Vec<RecordBatch> = reader.build().unwrap().map(Result::unwrap).collect();
    let batch = concat_batches(&schema, &batches).unwrap();
    assert!(batch.num_rows() > 0, "{table} has no rows to edit");
    let position = schema.index_of(column).unwrap();
    let mut columns = batch.columns().to_vec();
    columns[position] = moved(&columns[position], delta);
    let edited = RecordBatch::try_new(schema.clone(), columns).unwrap();
    let mut writer = ArrowWriter::try_new(File::create(&path).unwrap(), schema, None).unwrap();
    writer.write(&edited).unwrap();
    writer.close().unwrap();
}

fn moved(column: &ArrayRef, delta: i64) -> ArrayRef {
    match column.data_type() {
        DataType::Int64 => {
            let values = column.as_primitive::<Int64Type>();
            Arc::new(Int64Array::from_iter_values(
                values.iter().map(|value| value.unwrap() + delta),
            ))
        }
        DataType::Decimal128(precision, scale) => {
            let values = column.as_primitive::<Decimal128Type>();
            let moved = values.iter().map(|value| value.unwrap() + i128::from(delta));
            Arc::new(
                Decimal128Array::from_iter_values(moved)
                    .with_precision_and_scale(*precision, *scale)
                    .unwrap(),
            )
        }
        other => panic!("no test edits {other}"),
    }
}

/// Makes the commit record agree with the file as it is now, so that law 7 holds.
fn record_again(world: &World, table: &str) {
    let bytes = fs::read(part(world, table)).unwrap();
    let digest: String = Sha256::digest(&bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let path = world.path("out/_batches/2024-10-13.00.json");
    let mut record: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    for file in record["files"].as_array_mut().unwrap() {
        if file["table"] == table {
            file["size"] = bytes.len().into();
            file["sha256"] = digest.clone().into();
        }
    }
    fs::write(path, serde_json::to_vec_pretty(&record).unwrap()).unwrap();
}

/// The numbers of the laws that `verify` says are broken.
fn broken(world: &World) -> Vec<u64> {
    let said = world.run(&["verify", "job.toml", "--output", "json"]);
    assert_eq!(said.code, 1, "{}{}", said.stdout, said.stderr);
    let report: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
    let mut laws: Vec<u64> = report["verdicts"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|verdict| verdict["broken"].as_u64().unwrap() > 0)
        .map(|verdict| {
            assert!(
                !verdict["offenders"].as_array().unwrap().is_empty(),
                "offenders are named: {verdict}"
            );
            verdict["law"].as_u64().unwrap()
        })
        .collect();
    laws.sort_unstable();
    laws.dedup();
    laws
}

/// Edits one column; the laws that break, the commit record made to agree.
fn breaks(table: &str, column: &str, delta: i64) -> Vec<u64> {
    let world = two_days();
    add(&world, table, column, delta);
    record_again(&world, table);
    broken(&world)
}

#[test]
fn law_1_minutes_of_a_line() {
    assert_eq!(breaks("bill_lines", "minutes", 1), [1]);
    assert_eq!(breaks("bill_lines", "unbilled_minutes", 1), [1]);
}

#[test]
fn law_2_deductions_of_a_line() {
    assert_eq!(breaks("deductions", "minutes", 1), [2]);
    assert_eq!(breaks("bill_lines", "package_minutes", 1), [1, 2]);
}

#[test]
fn law_3_balance_of_a_grant() {
    assert_eq!(breaks("grants", "balance", 1), [3]);
    assert_eq!(breaks("grants", "quota", -1_000_000_000), [3]);
    assert_eq!(breaks("deductions", "quota", 1), [3]);
    let world = two_days();
    add(&world, "grants", "used", 1);
    add(&world, "grants", "balance", -1);
    record_again(&world, "grants");
    assert_eq!(broken(&world), [3], "used has moved without a deduction");
}

#[test]
fn law_4_amounts_of_lines_and_bills() {
    assert_eq!(breaks("bill_lines", "amount", 1), [4]);
    assert_eq!(breaks("bill_lines", "unit_price", 1), [4]);
    assert_eq!(breaks("bills", "exact", 1), [4]);
    assert_eq!(breaks("bills", "amount", 1), [4, 5]);
}

#[test]
fn law_5_balance_of_an_account() {
    for column in ["opening", "paid", "charged", "closing", "paid_total"] {
        assert_eq!(breaks("accounts", column, 1), [5], "{column}");
    }
    let world = two_days();
    add(&world, "accounts", "opening", 1);
    add(&world, "accounts", "closing", 1);
    record_again(&world, "accounts");
    assert_eq!(broken(&world), [5], "the opening is not the previous closing");
}

#[test]
fn law_6_rows_and_seconds_of_the_day() {
    assert_eq!(breaks("usage_daily", "rows", 1), [6]);
    assert_eq!(breaks("usage_daily", "seconds", -1), [6]);
}

#[test]
fn law_7_files_as_recorded() {
    let world = two_days();
    add(&world, "bill_lines", "minutes", 1);
    assert_eq!(
        broken(&world),
        [1, 7],
        "an edit is seen by its hash, and named by its law too"
    );

    let world = two_days();
    fs::remove_file(part(&world, "bills")).unwrap();
    assert_eq!(broken(&world), [7]);

    let world = two_days();
    let bytes = fs::read(part(&world, "bills")).unwrap();
    fs::write(part(&world, "bills"), &bytes[..bytes.len() / 2]).unwrap();
    assert_eq!(broken(&world), [7]);
}

//! The same table in every form: CSV, typed Parquet, Parquet of strings; in any order.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use bytes::Bytes;
use chrono::DateTime;
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use proptest::prelude::*;

use crate::units::quantity::{BillingDay, Cents};

use super::{describe, load};

#[derive(Debug, Clone)]
enum Cell {
    Null,
    Int(i64),
    Text(String),
    At(i64),
    Day(i32),
    Flag(bool),
    Money(i128),
}

impl Cell {
    fn text(&self) -> Option<String> {
        Some(match self {
            Self::Null => return None,
            Self::Int(number) => number.to_string(),
            Self::Text(text) => text.clone(),
            Self::At(micros) => DateTime::from_timestamp_micros(*micros).expect("in range").to_rfc3339(),
            Self::Day(days) => BillingDay::from_epoch_days(*days).expect("in range").to_string(),
            Self::Flag(flag) => flag.to_string(),
            Self::Money(cents) => Cents::from_units(i64::try_from(*cents).expect("small")).to_string(),
        })
    }
}

/// A table: names, and rows.
#[derive(Debug, Clone)]
struct Table {
    dimension: &'static str,
    names: Vec<&'static str>,
    rows: Vec<Vec<Cell>>,
}

pub(super) fn parquet_of(columns: Vec<(&str, ArrayRef)>, rows_per_group: usize) -> Bytes {
    let batch = RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true)))
        .expect("columns of one length");
    let properties = WriterProperties::builder()
        .set_max_row_group_row_count(Some(rows_per_group))
        .build();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).expect("a schema");
    writer.write(&batch).expect("memory takes it");
    writer.close().expect("memory takes it");
    Bytes::from(bytes)
}

impl Table {
    fn column(&self, position: usize) -> Vec<Cell> {
        self.rows.iter().map(|row| row[position].clone()).collect()
    }

    /// With quotes where they are needed, or everywhere.
    fn csv(&self, quote: bool, line_end: &str) -> Bytes {
        let field = |text: &str| {
            if quote || text.contains(['"', ',', '\n', '\r']) {
                format!("\"{}\"", text.replace('"', "\"\""))
            } else {
                text.to_owned()
            }
        };
        let mut csv = self.names.join(",") + line_end;
        for row in &self.rows {
            let fields: Vec<_> = row
                .iter()
                .map(|cell| cell.text().map_or(String::new(), |text| field(&text)))
                .collect();
            csv += &(fields.join(",") + line_end);
        }
        Bytes::from(csv)
    }

    fn quoted_csv(&self) -> Bytes {
        self.csv(true, "\r\n")
    }

    fn strings(&self) -> Bytes {
        let columns = self.names.iter().enumerate().map(|(position, name)| {
            let texts: StringArray = self.column(position).iter().map(Cell::text).collect();
            (*name, Arc::new(texts) as ArrayRef)
        });
        parquet_of(columns.collect(), 3)
    }

    fn typed(&self) -> Bytes {
        let columns = self
            .names
            .iter()
            .enumerate()
            .map(|(position, name)| (*name, typed(&self.column(position))));
        parquet_of(columns.collect(), 4)
    }
}

fn typed(cells: &[Cell]) -> ArrayRef {
    macro_rules! array {
        ($array:ty, $variant:ident) => {
            cells
                .iter()
                .map(|cell| match cell {
                    Cell::$variant(value) => Some(value.clone()),
                    _ => None,
                })
                .collect::<$array>()
        };
    }
    match cells.iter().find(|cell| !matches!(cell, Cell::Null)) {
        None | Some(Cell::Null | Cell::Int(_)) => Arc::new(array!(Int64Array, Int)),
        Some(Cell::Text(_)) => Arc::new(array!(StringArray, Text)),
        Some(Cell::At(_)) => Arc::new(array!(TimestampMicrosecondArray, At).with_timezone("Asia/Shanghai")),
        Some(Cell::Day(_)) => Arc::new(array!(Date32Array, Day)),
        Some(Cell::Flag(_)) => Arc::new(array!(BooleanArray, Flag)),
        Some(Cell::Money(_)) => Arc::new(
            array!(Decimal128Array, Money)
                .with_precision_and_scale(18, 2)
                .expect("fits"),
        ),
    }
}

fn at() -> impl Strategy<Value = Cell> {
    (946_684_800_000_000_i64..4_000_000_000_000_000).prop_map(Cell::At)
}

fn or_null(cell: impl Strategy<Value = Cell>) -> impl Strategy<Value = Cell> {
    prop_oneof![Just(None), cell.prop_map(Some)].prop_map(|cell| cell.unwrap_or(Cell::Null))
}

fn one_of(texts: &'static [&'static str]) -> impl Strategy<Value = Cell> {
    prop::sample::select(texts).prop_map(|text| Cell::Text(text.to_owned()))
}

fn money(cents: std::ops::Range<i128>) -> impl Strategy<Value = Cell> {
    cents.prop_map(Cell::Money)
}

fn flag() -> impl Strategy<Value = Cell> {
    any::<bool>().prop_map(Cell::Flag)
}

const ACCOUNTS: usize = 12;

fn accounts() -> impl Strategy<Value = Table> {
    let rest = (
        at(),
        or_null((11_000_i32..30_000).prop_map(Cell::Day)),
        or_null(one_of(&["list", "acme"])),
        or_null(one_of(&["auto", "on", "off"])),
        or_null(money(0..1_000_000)),
        or_null(one_of(&["trtc", "lcic", "lcic;trtc", "trtc; lcic;trtc"])),
        or_null(at()),
    );
    prop::collection::vec(rest, ACCOUNTS).prop_map(|rows| Table {
        dimension: "accounts",
        names: vec![
            "account_id",
            "registered_at",
            "free_anchor",
            "price_list",
            "payg",
            "credit_limit",
            "products",
            "violation_at",
        ],
        rows: (1..)
            .zip(rows)
            .map(|(id, (a, b, c, d, e, f, g))| vec![Cell::Int(id * 1_000_003), a, b, c, d, e, f, g])
            .collect(),
    })
}

fn account() -> impl Strategy<Value = Cell> {
    (1..=i64::try_from(ACCOUNTS).expect("small")).prop_map(|id| Cell::Int(id * 1_000_003))
}

fn packages() -> impl Strategy<Value = Table> {
    let purchased = 946_684_800_000_000_i64..4_000_000_000_000_000;
    let refund = (any::<bool>(), 0_i64..1_000_000_000_000, or_null(money(0..50_000)));
    let rest = (
        account(),
        or_null(one_of(&["1400", "1400;1300", "1300; 1400;1300"])),
        one_of(&["rtc_engine.lite", "rtc_engine.standard"]),
        purchased,
        or_null(flag()),
        or_null(flag()),
        refund,
    );
    prop::collection::vec(rest, 0..20).prop_map(|rows| Table {
        dimension: "packages",
        names: vec![
            "package_id",
            "account_id",
            "apps",
            "plan",
            "purchased_at",
            "gift",
            "auto_renew",
            "refunded_at",
            "refunded_amount",
        ],
        rows: rows
            .into_iter()
            .enumerate()
            .map(
                |(number, (account, apps, plan, at, gift, renew, (refunded, after, amount)))| {
                    let id = Cell::Text(format!("p,\"{number}\""));
                    let refund = if refunded {
                        [Cell::At(at + after), amount]
                    } else {
                        [Cell::Null, Cell::Null]
                    };
                    let [refunded_at, amount] = refund;
                    vec![id, account, apps, plan, Cell::At(at), gift, renew, refunded_at, amount]
                },
            )
            .collect(),
    })
}

fn payments() -> impl Strategy<Value = Table> {
    // Few instants, so that several payments fall on one.
    let paid_at = (0_i64..4).prop_map(|day| Cell::At(1_700_000_000_000_000 + day * 86_400_000_000));
    prop::collection::vec((account(), paid_at, money(-100_000..100_000)), 0..40).prop_map(|rows| Table {
        dimension: "payments",
        names: vec!["payment_id", "account_id", "paid_at", "amount"],
        rows: (0..)
            .zip(rows)
            .map(|(id, (account, at, amount))| vec![Cell::Int(id), account, at, amount])
            .collect(),
    })
}

fn loaded(files: &[(&'static str, &str, Bytes)]) -> String {
    describe(&load(files).expect("a table without faults"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn forms_and_order_change_nothing(
        accounts in accounts(),
        packages in packages(),
        payments in payments(),
        seed in any::<u64>(),
    ) {
        let tables = [accounts, packages, payments];
        let expected = loaded(&tables.each_ref().map(|table| (table.dimension, "a.csv", table.csv(false, "\n"))));
        for form in [Table::quoted_csv, Table::typed, Table::strings] {
            let name = |bytes: &Bytes| if bytes.starts_with(b"PAR1") { "a.PARQUET" } else { "a.csv" };
            let files = tables.each_ref().map(|table| {
                let bytes = form(table);
                (table.dimension, name(&bytes), bytes)
            });
            prop_assert_eq!(&loaded(&files), &expected);
        }
        let mut shuffled = tables;
        for table in &mut shuffled {
            let len = table.rows.len();
            let order = |row: usize| (seed ^ u64::try_from(row).unwrap_or(0)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let mut keys: Vec<usize> = (0..len).collect();
            keys.sort_by_key(|row| order(*row));
            table.rows = keys.into_iter().map(|row| table.rows[row].clone()).collect();
        }
        prop_assert_eq!(&loaded(&shuffled.each_ref().map(|table| (table.dimension, "a.csv", table.csv(false, "\n")))), &expected);
    }
}

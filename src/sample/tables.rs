//! The dimensions' rows and columns (SPEC 2.3 to 2.6), as Arrow batches and as CSV text.

use std::fmt::Write as _;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, Decimal128Array, Int64Array, RecordBatch, StringArray,
    TimestampMillisecondArray, new_null_array,
};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Field, Int64Type, Schema, SchemaRef, TimestampMillisecondType,
};

use crate::units::quantity::{BillingDay, Instant};

/// A row of `accounts`; price list and products are left to their defaults.
#[derive(Debug, Clone)]
pub(super) struct AccountRow {
    pub account_id: i64,
    /// Seconds since the epoch.
    pub registered_at: i64,
    pub free_anchor: Option<BillingDay>,
    pub payg: Option<&'static str>,
    pub credit_limit_cents: Option<i64>,
    /// Seconds since the epoch.
    pub violation_at: Option<i64>,
    /// For people; nightbill ignores the column.
    pub note: Option<&'static str>,
}

/// A row of `packages`.
#[derive(Debug, Clone)]
pub(super) struct PackageRow {
    pub package_id: String,
    pub account_id: i64,
    pub apps: Vec<i64>,
    pub plan: &'static str,
    pub purchased_at: i64,
    pub gift: bool,
    pub auto_renew: bool,
    /// When, and how many cents were given back.
    pub refund: Option<(i64, i64)>,
}

/// A row of `payments`.
#[derive(Debug, Clone)]
pub(super) struct PaymentRow {
    pub payment_id: String,
    pub account_id: i64,
    pub paid_at: i64,
    pub amount_cents: i64,
}

/// Dimensions of some accounts, each table in account order.
#[derive(Debug, Clone, Default)]
pub(super) struct Facts {
    pub accounts: Vec<AccountRow>,
    pub packages: Vec<PackageRow>,
    pub payments: Vec<PaymentRow>,
    /// Account and cents.
    pub opening: Vec<(i64, i64)>,
    /// Grant and hundredths of a minute used.
    pub opening_grants: Vec<(String, i64)>,
    /// Account, app, and since when it is disabled; only stories have any.
    pub apps: Vec<(i64, i64, i64)>,
    /// Package, and when its refund was asked for; only stories have any.
    pub refund_requests: Vec<(String, i64)>,
}

/// The dimensions in the order of [`Facts::batches`].
const TABLES: [&str; 7] = [
    "accounts",
    "packages",
    "payments",
    "opening",
    "opening_grants",
    "apps",
    "refund_requests",
];

/// The dimensions of a sample, the first of [`Facts::batches`]: only stories need them all.
pub(super) fn tables(has_stories: bool) -> &'static [&'static str] {
    if has_stories { &TABLES } else { &TABLES[..5] }
}

impl Facts {
    /// One batch for each of [`TABLES`].
    pub(super) fn batches(&self) -> [RecordBatch; 7] {
        [
            self.accounts(),
            self.packages(),
            self.payments(),
            self.opening(),
            self.opening_grants(),
            self.apps(),
            self.refund_requests(),
        ]
    }

    fn apps(&self) -> RecordBatch {
        batch(vec![
            ("account_id", ints(self.apps.iter().map(|row| row.0))),
            ("sdk_app_id", ints(self.apps.iter().map(|row| row.1))),
            ("disabled_at", times(self.apps.iter().map(|row| Some(row.2)))),
        ])
    }

    fn refund_requests(&self) -> RecordBatch {
        batch(vec![
            (
                "package_id",
                texts(self.refund_requests.iter().map(|row| Some(row.0.as_str()))),
            ),
            (
                "requested_at",
                times(self.refund_requests.iter().map(|row| Some(row.1))),
            ),
        ])
    }

    fn accounts(&self) -> RecordBatch {
        let rows = &self.accounts;
        let nothing = |data_type: &DataType| new_null_array(data_type, rows.len());
        batch(vec![
            ("account_id", ints(rows.iter().map(|row| row.account_id))),
            ("registered_at", times(rows.iter().map(|row| Some(row.registered_at)))),
            ("free_anchor", dates(rows.iter().map(|row| row.free_anchor))),
            ("price_list", nothing(&DataType::Utf8)),
            ("payg", texts(rows.iter().map(|row| row.payg))),
            (
                "credit_limit",
                hundredths(rows.iter().map(|row| row.credit_limit_cents)),
            ),
            ("products", nothing(&DataType::Utf8)),
            ("violation_at", times(rows.iter().map(|row| row.violation_at))),
            ("note", texts(rows.iter().map(|row| row.note))),
        ])
    }

    fn packages(&self) -> RecordBatch {
        let rows = &self.packages;
        let apps = rows.iter().map(|row| {
            let apps: Vec<String> = row.apps.iter().map(i64::to_string).collect();
            (!apps.is_empty()).then(|| apps.join(";"))
        });
        batch(vec![
            (
                "package_id",
                texts(rows.iter().map(|row| Some(row.package_id.as_str()))),
            ),
            ("account_id", ints(rows.iter().map(|row| row.account_id))),
            ("apps", texts(apps)),
            ("plan", texts(rows.iter().map(|row| Some(row.plan)))),
            ("purchased_at", times(rows.iter().map(|row| Some(row.purchased_at)))),
            ("gift", flags(rows.iter().map(|row| row.gift))),
            ("auto_renew", flags(rows.iter().map(|row| row.auto_renew))),
            (
                "refunded_at",
                times(rows.iter().map(|row| row.refund.map(|refund| refund.0))),
            ),
            (
                "refunded_amount",
                hundredths(rows.iter().map(|row| row.refund.map(|refund| refund.1))),
            ),
        ])
    }

    fn payments(&self) -> RecordBatch {
        let rows = &self.payments;
        batch(vec![
            (
                "payment_id",
                texts(rows.iter().map(|row| Some(row.payment_id.as_str()))),
            ),
            ("account_id", ints(rows.iter().map(|row| row.account_id))),
            ("paid_at", times(rows.iter().map(|row| Some(row.paid_at)))),
            ("amount", hundredths(rows.iter().map(|row| Some(row.amount_cents)))),
        ])
    }

    fn opening(&self) -> RecordBatch {
        batch(vec![
            ("account_id", ints(self.opening.iter().map(|row| row.0))),
            ("balance", hundredths(self.opening.iter().map(|row| Some(row.1)))),
        ])
    }

    fn opening_grants(&self) -> RecordBatch {
        batch(vec![
            (
                "grant_id",
                texts(self.opening_grants.iter().map(|row| Some(row.0.as_str()))),
            ),
            ("used", hundredths(self.opening_grants.iter().map(|row| Some(row.1)))),
        ])
    }
}

fn ints(values: impl Iterator<Item = i64>) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(values))
}

fn texts<T: AsRef<str>>(values: impl Iterator<Item = Option<T>>) -> ArrayRef {
    Arc::new(values.collect::<StringArray>())
}

fn flags(values: impl Iterator<Item = bool>) -> ArrayRef {
    Arc::new(BooleanArray::from_iter(values.map(Some)))
}

fn dates(values: impl Iterator<Item = Option<BillingDay>>) -> ArrayRef {
    Arc::new(
        values
            .map(|day| day.map(BillingDay::epoch_days))
            .collect::<Date32Array>(),
    )
}

fn times(values: impl Iterator<Item = Option<i64>>) -> ArrayRef {
    let array: TimestampMillisecondArray = values.map(|seconds| seconds.map(|seconds| seconds * 1000)).collect();
    Arc::new(array.with_timezone("UTC"))
}

fn hundredths(values: impl Iterator<Item = Option<i64>>) -> ArrayRef {
    let array: Decimal128Array = values.map(|value| value.map(i128::from)).collect();
    Arc::new(
        array
            .with_precision_and_scale(18, 2)
            .expect("18 and 2 are a precision and a scale"),
    )
}

fn batch(columns: Vec<(&'static str, ArrayRef)>) -> RecordBatch {
    let fields: Vec<Field> = columns
        .iter()
        .map(|(name, array)| Field::new(*name, array.data_type().clone(), true))
        .collect();
    let schema: SchemaRef = Arc::new(Schema::new(fields));
    let arrays = columns.into_iter().map(|(_, array)| array).collect();
    RecordBatch::try_new(schema, arrays).expect("the columns have one length")
}

/// The header line of a batch as CSV.
pub(super) fn csv_header(batch: &RecordBatch) -> String {
    let schema = batch.schema();
    let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    names.join(",") + "\n"
}

/// The rows of a batch as CSV; a null is nothing between two commas.
pub(super) fn csv_rows(batch: &RecordBatch) -> String {
    let mut text = String::new();
    for row in 0..batch.num_rows() {
        for (position, column) in batch.columns().iter().enumerate() {
            if position > 0 {
                text.push(',');
            }
            push_cell(&mut text, column, row);
        }
        text.push('\n');
    }
    text
}

fn push_cell(text: &mut String, column: &ArrayRef, row: usize) {
    if column.is_null(row) {
        return;
    }
    let written = match column.data_type() {
        DataType::Int64 => write!(text, "{}", column.as_primitive::<Int64Type>().value(row)),
        DataType::Boolean => write!(text, "{}", column.as_boolean().value(row)),
        DataType::Date32 => {
            let day = BillingDay::from_epoch_days(column.as_primitive::<Date32Type>().value(row));
            write!(text, "{}", day.expect("made from a day"))
        }
        DataType::Timestamp(..) => {
            let ms = column.as_primitive::<TimestampMillisecondType>().value(row);
            write!(text, "{}", Instant::from_micros(ms * 1000))
        }
        DataType::Decimal128(..) => {
            let value = column.as_primitive::<Decimal128Type>().value(row);
            let sign = if value < 0 { "-" } else { "" };
            let size = value.unsigned_abs();
            write!(text, "{sign}{}.{:02}", size / 100, size % 100)
        }
        DataType::Utf8 => {
            let value = column.as_string::<i32>().value(row);
            assert!(!value.contains([',', '"', '\n']), "{value:?} would have to be quoted");
            text.push_str(value);
            Ok(())
        }
        other => unreachable!("no dimension has a column of {other}"),
    };
    written.expect("a String takes everything");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_read_as_the_contract_writes_them() {
        let facts = Facts {
            packages: vec![PackageRow {
                package_id: "pkg-1-0".to_owned(),
                account_id: 1,
                apps: vec![7, 8],
                plan: "live.pro",
                purchased_at: 1_728_604_800,
                gift: false,
                auto_renew: true,
                refund: Some((1_728_604_801, 89_900)),
            }],
            opening: vec![(1, -5), (2, 100)],
            ..Facts::default()
        };
        let [_, packages, _, opening, ..] = facts.batches();
        assert_eq!(
            csv_header(&packages) + &csv_rows(&packages),
            "package_id,account_id,apps,plan,purchased_at,gift,auto_renew,refunded_at,refunded_amount\n\
             pkg-1-0,1,7;8,live.pro,2024-10-11T00:00:00Z,false,true,2024-10-11T00:00:01Z,899.00\n"
        );
        assert_eq!(csv_rows(&opening), "1,-0.05\n2,1.00\n");
    }
}

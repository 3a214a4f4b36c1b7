//! Column builders of the tables that have rows, one struct per table. Fields stand in the order of the columns.

use std::fmt::Write;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanBuilder, Date32Builder, Decimal128Array, Decimal128Builder, Int16Builder, Int64Builder,
    StringBuilder, TimestampMicrosecondArray, TimestampMicrosecondBuilder, new_null_array,
};
use arrow::datatypes::DataType;

use crate::units::quantity::{AccountId, BillingDay, Instant, OutOfRange, SdkAppId};

use super::columns::ColumnType;

macro_rules! arrays {
    ($($builder:expr),+ $(,)?) => {
        vec![$(Arc::new($builder.finish()) as ArrayRef),+]
    };
}

/// A decimal column that takes no number with more digits than it has.
pub(super) struct DecimalColumn<const PRECISION: u8, const SCALE: i8>(Decimal128Builder);

impl<const PRECISION: u8, const SCALE: i8> Default for DecimalColumn<PRECISION, SCALE> {
    fn default() -> Self {
        let data_type = ColumnType::Decimal(PRECISION, SCALE).arrow();
        Self(Decimal128Builder::new().with_data_type(data_type))
    }
}

impl<const PRECISION: u8, const SCALE: i8> DecimalColumn<PRECISION, SCALE> {
    /// Appends a number of 10^-scale; `what` names it in the error.
    pub(super) fn push(&mut self, what: &'static str, units: impl Into<i128>) -> Result<(), OutOfRange> {
        let units = units.into();
        if units.unsigned_abs() >= 10_u128.pow(u32::from(PRECISION)) {
            return Err(OutOfRange { what });
        }
        self.0.append_value(units);
        Ok(())
    }

    fn finish(&mut self) -> Decimal128Array {
        self.0.finish()
    }
}

/// A column of moments.
pub(super) struct Instants(TimestampMicrosecondBuilder);

impl Default for Instants {
    fn default() -> Self {
        Self(TimestampMicrosecondBuilder::new().with_timezone("UTC"))
    }
}

impl Instants {
    pub(super) fn push(&mut self, at: Option<Instant>) {
        self.0.append_option(at.map(Instant::micros));
    }

    fn finish(&mut self) -> TimestampMicrosecondArray {
        self.0.finish()
    }
}

/// Appends what is displayed, without a string of its own.
pub(super) fn push_text(column: &mut StringBuilder, text: std::fmt::Arguments<'_>) {
    column.write_fmt(text).expect("writing to memory cannot fail");
    column.append_value("");
}

/// Item and tier by name.
#[derive(Clone, Copy)]
pub(super) struct TierNames<'a> {
    pub item: &'a str,
    pub tier: &'a str,
}

/// The columns account_id, sdk_app_id, day, item, tier.
#[derive(Default)]
pub(super) struct LineKey {
    account: Int64Builder,
    app: Int64Builder,
    day: Date32Builder,
    item: StringBuilder,
    tier: StringBuilder,
}

impl LineKey {
    pub(super) fn push(&mut self, account: AccountId, app: SdkAppId, day: BillingDay, names: TierNames<'_>) {
        self.account.append_value(account.get());
        self.app.append_value(app.get());
        self.day.append_value(day.epoch_days());
        self.item.append_value(names.item);
        self.tier.append_value(names.tier);
    }

    fn finish(&mut self) -> Vec<ArrayRef> {
        arrays![self.account, self.app, self.day, self.item, self.tier]
    }
}

#[derive(Default)]
pub(super) struct UsageDaily {
    pub key: LineKey,
    pub seconds: Int64Builder,
    pub rows: Int64Builder,
}

impl UsageDaily {
    pub(super) fn finish(mut self) -> Vec<ArrayRef> {
        let mut arrays = self.key.finish();
        arrays.extend(arrays![self.seconds, self.rows]);
        arrays
    }
}

#[derive(Default)]
pub(super) struct UsagePeriods {
    pub key: LineKey,
    pub period: Int16Builder,
    pub seconds: Int64Builder,
}

impl UsagePeriods {
    pub(super) fn finish(mut self) -> Vec<ArrayRef> {
        let mut arrays = self.key.finish();
        arrays.extend(arrays![self.period, self.seconds]);
        arrays
    }
}

#[derive(Default)]
pub(super) struct BillLines {
    pub bill_id: StringBuilder,
    pub key: LineKey,
    pub seconds: Int64Builder,
    pub minutes: Int64Builder,
    pub free_minutes: Int64Builder,
    pub package_minutes: Int64Builder,
    pub payg_minutes: Int64Builder,
    pub unbilled_minutes: Int64Builder,
    pub quantity: DecimalColumn<18, 6>,
    pub unit: StringBuilder,
    pub unit_price: DecimalColumn<18, 6>,
    pub per: Int64Builder,
    pub amount: DecimalColumn<38, 9>,
    pub currency: StringBuilder,
    pub price_list: StringBuilder,
}

impl BillLines {
    pub(super) fn finish(mut self) -> Vec<ArrayRef> {
        let mut arrays = arrays![self.bill_id];
        arrays.extend(self.key.finish());
        arrays.extend(arrays![
            self.seconds,
            self.minutes,
            self.free_minutes,
            self.package_minutes,
            self.payg_minutes,
            self.unbilled_minutes,
            self.quantity,
            self.unit,
            self.unit_price,
            self.per,
            self.amount,
            self.currency,
            self.price_list,
        ]);
        arrays
    }
}

#[derive(Default)]
pub(super) struct Bills {
    pub bill_id: StringBuilder,
    pub account: Int64Builder,
    pub period_start: Date32Builder,
    pub period_end: Date32Builder,
    pub item: StringBuilder,
    pub cadence: StringBuilder,
    pub exact: DecimalColumn<38, 9>,
    pub amount: DecimalColumn<18, 2>,
    pub currency: StringBuilder,
    pub issued_at: Instants,
}

impl Bills {
    pub(super) fn finish(mut self) -> Vec<ArrayRef> {
        let mut arrays = arrays![
            self.bill_id,
            self.account,
            self.period_start,
            self.period_end,
            self.item,
            self.cadence,
            self.exact,
            self.amount,
            self.currency,
            self.issued_at,
        ];
        let rows = arrays[0].len();
        arrays.push(new_null_array(&DataType::Utf8, rows));
        arrays
    }
}

#[derive(Default)]
pub(super) struct Deductions {
    pub key: LineKey,
    pub grant_id: StringBuilder,
    pub grant_kind: StringBuilder,
    pub minutes: Int64Builder,
    pub ratio: DecimalColumn<9, 2>,
    pub quota: DecimalColumn<18, 2>,
}

impl Deductions {
    pub(super) fn finish(mut self) -> Vec<ArrayRef> {
        let mut arrays = self.key.finish();
        arrays.extend(arrays![
            self.grant_id,
            self.grant_kind,
            self.minutes,
            self.ratio,
            self.quota
        ]);
        arrays
    }
}

#[derive(Default)]
pub(super) struct Grants {
    pub account: Int64Builder,
    pub grant_id: StringBuilder,
    pub kind: StringBuilder,
    pub plan: StringBuilder,
    pub apps: StringBuilder,
    pub valid_from: Date32Builder,
    pub valid_to: Date32Builder,
    pub quota: DecimalColumn<18, 2>,
    pub opening: DecimalColumn<18, 2>,
    pub used: DecimalColumn<18, 2>,
    pub balance: DecimalColumn<18, 2>,
    pub status: StringBuilder,
}

/// Appends apps `;`-joined; null for none, which means every app of the account.
pub(super) fn push_apps(column: &mut StringBuilder, apps: &[SdkAppId]) {
    match apps {
        [] => column.append_null(),
        apps => push_joined(column, apps),
    }
}

/// Appends words `;`-joined.
pub(super) fn push_joined(column: &mut StringBuilder, words: &[impl std::fmt::Display]) {
    for (place, word) in words.iter().enumerate() {
        let separator = if place == 0 { "" } else { ";" };
        write!(column, "{separator}{word}").expect("writing to memory cannot fail");
    }
    column.append_value("");
}

impl Grants {
    pub(super) fn finish(mut self) -> Vec<ArrayRef> {
        arrays![
            self.account,
            self.grant_id,
            self.kind,
            self.plan,
            self.apps,
            self.valid_from,
            self.valid_to,
            self.quota,
            self.opening,
            self.used,
            self.balance,
            self.status,
        ]
    }
}

#[derive(Default)]
pub(super) struct Accounts {
    pub account: Int64Builder,
    pub day: Date32Builder,
    pub opening: DecimalColumn<18, 2>,
    pub paid: DecimalColumn<18, 2>,
    pub charged: DecimalColumn<18, 2>,
    pub closing: DecimalColumn<18, 2>,
    pub paid_total: DecimalColumn<18, 2>,
    pub state: StringBuilder,
    pub overdue_since: Instants,
    pub suspend_at: Instants,
    pub suspended_at: Instants,
    pub remove_at: Instants,
    pub facts: Int64Builder,
}

impl Accounts {
    pub(super) fn finish(mut self) -> Vec<ArrayRef> {
        arrays![
            self.account,
            self.day,
            self.opening,
            self.paid,
            self.charged,
            self.closing,
            self.paid_total,
            self.state,
            self.overdue_since,
            self.suspend_at,
            self.suspended_at,
            self.remove_at,
            self.facts,
        ]
    }
}

#[derive(Default)]
pub(super) struct Rejects {
    pub day: Date32Builder,
    pub file: StringBuilder,
    pub row: Int64Builder,
    pub reason: StringBuilder,
    pub account: Int64Builder,
    pub app: Int64Builder,
    pub meter: StringBuilder,
    pub ts: Instants,
    pub seconds: Int64Builder,
    pub pixels: Int64Builder,
}

impl Rejects {
    pub(super) fn finish(mut self) -> Vec<ArrayRef> {
        arrays![
            self.day,
            self.file,
            self.row,
            self.reason,
            self.account,
            self.app,
            self.meter,
            self.ts,
            self.seconds,
            self.pixels,
        ]
    }
}

#[derive(Default)]
pub(super) struct Flags {
    pub account: Int64Builder,
    pub app: Int64Builder,
    pub product: StringBuilder,
    pub flag: StringBuilder,
    pub since: Instants,
    pub deadline: Instants,
    pub stop_rooms_by: Instants,
    pub actions: StringBuilder,
}

impl Flags {
    pub(super) fn finish(mut self) -> Vec<ArrayRef> {
        arrays![
            self.account,
            self.app,
            self.product,
            self.flag,
            self.since,
            self.deadline,
            self.stop_rooms_by,
            self.actions,
        ]
    }
}

#[derive(Default)]
pub(super) struct Refunds {
    pub package: StringBuilder,
    pub account: Int64Builder,
    pub requested_at: Instants,
    pub approved: BooleanBuilder,
    pub amount: DecimalColumn<18, 2>,
    pub reason: StringBuilder,
}

impl Refunds {
    pub(super) fn finish(mut self) -> Vec<ArrayRef> {
        arrays![
            self.package,
            self.account,
            self.requested_at,
            self.approved,
            self.amount,
            self.reason,
        ]
    }
}

#[derive(Default)]
pub(super) struct Renewals {
    pub package: StringBuilder,
    pub account: Int64Builder,
    pub apps: StringBuilder,
    pub plan: StringBuilder,
    pub purchased_at: Instants,
    pub price: DecimalColumn<18, 2>,
}

impl Renewals {
    pub(super) fn finish(mut self) -> Vec<ArrayRef> {
        arrays![
            self.package,
            self.account,
            self.apps,
            self.plan,
            self.purchased_at,
            self.price,
        ]
    }
}

#[derive(Default)]
pub(super) struct Carried {
    pub account: Int64Builder,
    pub decision: StringBuilder,
    pub package: StringBuilder,
    pub at: Instants,
    pub ends_on: Date32Builder,
    pub apps: StringBuilder,
    pub plan: StringBuilder,
}

impl Carried {
    pub(super) fn finish(mut self) -> Vec<ArrayRef> {
        arrays![
            self.account,
            self.decision,
            self.package,
            self.at,
            self.ends_on,
            self.apps,
            self.plan,
        ]
    }
}

//! The usage of an account's day, and what else was measured, as they are posted and as the rules want them.

use arrow::array::{Array, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{Decimal128Type, Int16Type, Int64Type};

use crate::catalog::book::{Book, ItemKind, TierId};
use crate::ledger::tables::Table;
use crate::rules::account_day::DeductionPeriod;
use crate::rules::facts::{Measured, UsageGroup};
use crate::units::quantity::{Quantity, SdkAppId, Seconds};

use super::error::ExplainError;
use super::found::FoundTables;
use super::past::Batch;

/// Usage groups sorted by (app, tier, period): from `usage_daily`, or from `usage_periods` where grants are drawn on every five
/// minutes; `usage_daily` then says how many rows they are from.
pub(super) fn posted_usage(batch: &Batch, found: &FoundTables) -> Result<Vec<UsageGroup>, ExplainError> {
    let of_table = |table| groups(batch, table, &found.of(table).rows);
    let daily = of_table(Table::UsageDaily)?;
    if batch.deduction_period == DeductionPeriod::Day {
        return Ok(daily);
    }
    let mut periods = of_table(Table::UsagePeriods)?;
    let mut last = None;
    for group in &mut periods {
        let key = (group.app, group.tier);
        if last != Some(key) {
            let of_day = daily.iter().find(|day| (day.app, day.tier) == key);
            group.rows = of_day.map_or(0, |day| day.rows);
        }
        last = Some(key);
    }
    Ok(periods)
}

fn groups(batch: &Batch, table: Table, rows: &RecordBatch) -> Result<Vec<UsageGroup>, ExplainError> {
    let bad = |what: String| ExplainError::BadUsage {
        table: table.name(),
        batch: batch.id.to_string(),
        what,
    };
    let (apps, seconds) = (integers(rows, "sdk_app_id"), integers(rows, "seconds"));
    let (items, tiers) = (texts(rows, "item"), texts(rows, "tier"));
    let mut groups = Vec::with_capacity(rows.num_rows());
    for row in 0..rows.num_rows() {
        let (item, tier) = (items.value(row), tiers.value(row));
        let name = format!("{item}.{tier} of app {}", apps.value(row));
        let group = UsageGroup {
            app: SdkAppId::new(apps.value(row)).ok_or_else(|| bad(format!("{name} is of no app")))?,
            tier: tier_named(&batch.book, item, tier)
                .ok_or_else(|| bad(format!("{name} is not in the catalog of the day")))?,
            period: match table {
                Table::UsagePeriods => period(rows, row).ok_or_else(|| bad(format!("{name} has a negative period")))?,
                _ => 0,
            },
            seconds: Seconds::new(seconds.value(row)),
            rows: match table {
                Table::UsageDaily => integers(rows, "rows").value(row),
                _ => 0,
            },
        };
        if group.seconds <= Seconds::ZERO {
            return Err(bad(format!("{name} has {} seconds", group.seconds)));
        }
        groups.push(group);
    }
    groups.sort_by_key(|group| (group.app, group.tier, group.period));
    let same =
        |one: &UsageGroup, next: &UsageGroup| (one.app, one.tier, one.period) == (next.app, next.tier, next.period);
    match groups
        .iter()
        .zip(groups.iter().skip(1))
        .find(|(one, next)| same(one, next))
    {
        Some((twice, _)) => Err(bad(format!("app {} has a row twice", twice.app))),
        None => Ok(groups),
    }
}

/// What was charged of items that are no durations, sorted by (app, tier): of their figures the ledger keeps nothing else.
pub(super) fn posted_charges(batch: &Batch, found: &FoundTables) -> Result<Vec<Measured>, ExplainError> {
    let rows = &found.of(Table::BillLines).rows;
    let (apps, items, tiers) = (integers(rows, "sdk_app_id"), texts(rows, "item"), texts(rows, "tier"));
    let quantities = column(rows, "quantity").as_primitive::<Decimal128Type>();
    let mut charges = Vec::new();
    for row in 0..rows.num_rows() {
        let Some(tier) = tier_named(&batch.book, items.value(row), tiers.value(row)) else {
            continue;
        };
        if batch.book.item_of(tier).kind == ItemKind::Duration {
            continue;
        }
        let bad = || ExplainError::BadUsage {
            table: Table::BillLines.name(),
            batch: batch.id.to_string(),
            what: format!("{}.{} has a quantity out of range", items.value(row), tiers.value(row)),
        };
        let units = i64::try_from(quantities.value(row)).map_err(|_| bad())?;
        charges.push(Measured {
            app: SdkAppId::new(apps.value(row)).unwrap_or(SdkAppId::ACCOUNT_WIDE),
            tier,
            figure: 0,
            charged: Some(Quantity::from_units(units)),
        });
    }
    charges.sort_by_key(|charge| (charge.app, charge.tier));
    charges.dedup_by_key(|charge| (charge.app, charge.tier));
    Ok(charges)
}

/// The tier of an item, by their names.
pub(super) fn tier_named(book: &Book, item: &str, tier: &str) -> Option<TierId> {
    let position = book
        .tiers
        .iter()
        .position(|known| known.name == tier && book.items[known.item.index()].id == item)?;
    u16::try_from(position).ok().map(TierId)
}

fn period(rows: &RecordBatch, row: usize) -> Option<u16> {
    let periods = column(rows, "period").as_primitive::<Int16Type>();
    u16::try_from(periods.value(row)).ok()
}

fn integers<'a>(rows: &'a RecordBatch, name: &str) -> &'a Int64Array {
    column(rows, name).as_primitive::<Int64Type>()
}

fn texts<'a>(rows: &'a RecordBatch, name: &str) -> &'a StringArray {
    column(rows, name).as_string()
}

fn column<'a>(rows: &'a RecordBatch, name: &str) -> &'a dyn Array {
    rows.column_by_name(name)
        .expect("posted rows have every column of their table")
}

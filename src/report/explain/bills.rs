//! The bills of the day.

use crate::ledger::tables::Table;
use crate::rules::quantity::{Amount, Cents};

use super::recompute::Computed;
use super::story::BillStory;

/// One per item, in catalog order.
pub(super) fn bills(computed: &Computed<'_>) -> Vec<BillStory> {
    let (rows, lines) = (computed.table(Table::Bills), computed.table(Table::BillLines));
    let items = &computed.batch.book.items;
    let mut bills: Vec<BillStory> = (0..rows.len())
        .map(|row| {
            let bill_id = rows.must(row, "bill_id");
            let item = rows.must(row, "item");
            let own = (0..lines.len()).filter(|line| lines.must(*line, "bill_id") == bill_id);
            BillStory {
                lines: own.count(),
                other_lines: 0,
                other_amount: Amount::ZERO,
                item_name: item_name(computed, &item),
                cadence: if rows.must(row, "cadence") == "monthly" {
                    "monthly"
                } else {
                    "daily"
                },
                exact: Amount::from_units(rows.units(row, "exact")),
                amount: cents(rows.units(row, "amount")),
                bill_id,
                item,
            }
        })
        .collect();
    let place = |bill: &BillStory| {
        items
            .iter()
            .position(|item| item.id == bill.item)
            .unwrap_or(items.len())
    };
    bills.sort_by_key(place);
    bills
}

/// What the catalog calls an item; reserved ones have no other name than their id.
pub(super) fn item_name(computed: &Computed<'_>, item: &str) -> String {
    let items = &computed.batch.book.items;
    let found = items.iter().find(|known| known.id == item);
    found.map_or_else(|| item.to_owned(), |known| known.name.clone())
}

fn cents(units: i128) -> Cents {
    Cents::from_units(i64::try_from(units).expect("decimal(18,2) fits 64 bits"))
}

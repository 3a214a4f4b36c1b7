//! The bills of the day.

use crate::catalog::book::Book;
use crate::ledger::tables::Table;
use crate::rules::account_day::BilledItem;
use crate::units::quantity::{Amount, Cents};

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

/// The ids of all items and what people call them: as the catalog does, and the two that every catalog has.
pub(super) fn item_names(book: &Book) -> Vec<(String, String)> {
    let named = |id: &str, name: &str| (id.to_owned(), name.to_owned());
    let items = book.items.iter().map(|item| named(&item.id, &item.name));
    let reserved = [(BilledItem::Package, "Packages"), (BilledItem::Refund, "Refunds")];
    let reserved = reserved.into_iter().map(|(item, name)| named(item.name(book), name));
    items.chain(reserved).collect()
}

/// What people call an item.
pub(super) fn item_name(computed: &Computed<'_>, item: &str) -> String {
    let mut names = item_names(&computed.batch.book).into_iter();
    let found = names.find(|(id, _)| id == item);
    found.map_or_else(|| item.to_owned(), |(_, name)| name)
}

fn cents(units: i128) -> Cents {
    Cents::from_units(i64::try_from(units).expect("decimal(18,2) fits 64 bits"))
}

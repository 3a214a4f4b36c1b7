//! Catalog text -> [`Book`].
//!
//! Bounds, so that no sum of the rules leaves its type: at most 65,535 of each kind of thing (tiers: in all);
//! ids of at most 64 bytes; prices up to 1,000,000 per `per`, plans up to 10,000,000; ratios up to 10,000;
//! minutes and MAU of a plan up to 10^9; days within the years 1970 to 2999.

use std::path::Path;

use super::book::Book;
use super::{items, plans, prices, products};
use crate::config::ConfigError;
use crate::config::document;
use crate::config::fields::{Field, Fields};
use crate::config::notes::Notes;
use crate::config::words::quoted;

const KEYS: [&str; 9] = [
    "currency",
    "meter",
    "item",
    "price_list",
    "ratios",
    "free",
    "plan",
    "scope_promotion",
    "product",
];

/// Reads and validates a catalog.
///
/// `path` is only for messages.
///
/// # Errors
/// [`ConfigError`] naming file, line and column: everything that is wrong, in file order.
pub fn parse(path: &Path, text: &str) -> Result<Book, ConfigError> {
    let tree = document::parse(path, text)?;
    let notes = Notes::new(path, text, Vec::new());
    let book = read(&Fields::root(&notes, &tree, &KEYS));
    notes.finish(book)
}

/// Names are defined before what refers to them is read, whatever the order in the file.
fn read(root: &Fields<'_>) -> Option<Book> {
    let currency = root.require("currency").and_then(|field| currency(&field));
    let (product_names, products) = products::read(root);
    let items = items::read(root, &product_names);
    let meters = items::meters(root, &items);
    let price_lists = prices::price_lists(root, &items);
    let (ratio_names, ratio_tables) = prices::ratio_tables(root, &items);
    let known = plans::Known {
        products: &product_names,
        ratio_tables: &ratio_names,
    };
    let free = plans::free_rules(root, &known);
    let (plan_names, plans) = plans::plans(root, &known);
    let scope_promotions = plans::scope_promotions(root, &plan_names);
    Some(Book {
        currency: currency?,
        meters: meters?,
        items: items.items?,
        tiers: items.tier_list,
        price_lists: price_lists?,
        ratio_tables: ratio_tables?,
        free: free?,
        plans: plans?,
        scope_promotions: scope_promotions?,
        products: products?,
    })
}

fn currency(field: &Field<'_>) -> Option<String> {
    let code = field.meaning()?;
    if code.len() != 3 || !code.bytes().all(|byte| byte.is_ascii_uppercase()) {
        field.fail_with(
            format!("{} is not a currency code", quoted(code)),
            "write the ISO 4217 code, such as \"USD\"",
        );
        return None;
    }
    Some(code.to_owned())
}

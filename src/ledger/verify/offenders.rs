//! Offenders of a law as text: `account_id 17, item av: exact 1.260000000, amount 1.27, …`.

use polars::prelude::*;

/// The first rows, each as `column value` pairs in the frame's order.
pub(super) fn describe(offenders: &DataFrame, at_most: usize) -> PolarsResult<Vec<String>> {
    let keys: Vec<&str> = ["account_id", "day"]
        .into_iter()
        .filter(|key| offenders.get_column_index(key).is_some())
        .collect();
    let sorted = offenders.sort(keys, SortMultipleOptions::default())?;
    (0..sorted.height().min(at_most))
        .map(|row| describe_row(&sorted, row))
        .collect()
}

fn describe_row(frame: &DataFrame, row: usize) -> PolarsResult<String> {
    let mut pairs = Vec::with_capacity(frame.width());
    for column in frame.columns() {
        if matches!(column.name().as_str(), "in_batch" | "in_previous" | "listed") {
            continue;
        }
        let value = column.get(row)?;
        let shown = match value {
            AnyValue::Int128(units) => decimal(units, scale_of(column.name())),
            AnyValue::String(text) => text.to_owned(),
            AnyValue::StringOwned(text) => text.to_string(),
            other => other.to_string(),
        };
        pairs.push(format!("{} {shown}", column.name()));
    }
    Ok(pairs.join(", "))
}

/// Decimals of the columns as SPEC section 4 gives them; 0 for counts.
fn scale_of(column: &str) -> usize {
    match column {
        "exact" | "line_amounts" | "amount" => 9,
        "unit_price" | "quantity" => 6,
        "opening"
        | "paid"
        | "charged"
        | "closing"
        | "paid_total"
        | "previous_closing"
        | "previous_paid_total"
        | "bills"
        | "quota"
        | "used"
        | "balance"
        | "used_before"
        | "billed"
        | "deducted"
        | "deducted_earlier" => 2,
        _ => 0,
    }
}

fn decimal(units: i128, scale: usize) -> String {
    let sign = if units < 0 { "-" } else { "" };
    let digits = format!("{:0width$}", units.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    if scale == 0 {
        format!("{sign}{whole}")
    } else {
        format!("{sign}{whole}.{fraction}")
    }
}

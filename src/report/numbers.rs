//! Numbers for people.

/// A decimal number with thousands separators: `-1234567.89` becomes `-1,234,567.89`.
pub(crate) fn thousands(number: impl ToString) -> String {
    let number = number.to_string();
    let (sign, magnitude) = match number.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", number.as_str()),
    };
    let (whole, fraction) = match magnitude.split_once('.') {
        Some((whole, fraction)) => (whole, format!(".{fraction}")),
        None => (magnitude, String::new()),
    };
    let mut grouped = String::new();
    for (position, digit) in whole.chars().enumerate() {
        if position > 0 && (whole.len() - position).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("{sign}{grouped}{fraction}")
}

/// A count and its noun: `1 file`, `1,024 files`.
pub(crate) fn counted(count: impl ToString, singular: &str, plural: &str) -> String {
    let count = count.to_string();
    let noun = if count == "1" { singular } else { plural };
    format!("{} {noun}", thousands(count))
}

/// A price or an exact amount without idle zeros, but with two decimals at least: `0.990000` becomes `0.99`.
pub(crate) fn money(full: &str) -> String {
    thousands(bare_money(full))
}

/// The same without separators.
pub(crate) fn bare_money(full: &str) -> String {
    match full.split_once('.') {
        Some((whole, fraction)) => format!("{whole}.{:0<2}", fraction.trim_end_matches('0')),
        None => full.to_owned(),
    }
}

/// A number without idle zeros: `4.00` becomes `4`, `0.50` becomes `0.5`.
pub(crate) fn plain(full: &str) -> String {
    thousands(bare(full))
}

/// The same without separators, as programs read it.
pub(crate) fn bare(full: &str) -> &str {
    match full.split_once('.') {
        Some((whole, fraction)) if fraction.bytes().all(|digit| digit == b'0') => whole,
        Some(_) => full.trim_end_matches('0'),
        None => full,
    }
}

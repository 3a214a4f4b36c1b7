//! Numbers, times and tables for people.

use std::time::Duration;

use comfy_table::{Cell, CellAlignment};

pub(crate) use crate::report::numbers::{counted, money, plain, thousands};

use super::terminal::Look;

/// A time: `0.041 s`, `12.3 s`, `3 min 05 s`.
pub(crate) fn duration(time: Duration) -> String {
    let millis = time.as_millis();
    match millis {
        0..1_000 => format!("0.{millis:03} s"),
        1_000..60_000 => format!("{}.{} s", millis / 1_000, millis % 1_000 / 100),
        _ => format!("{} min {:02} s", millis / 60_000, millis % 60_000 / 1_000),
    }
}

/// A size: `512 B`, `85.0 MiB`.
pub(crate) fn bytes(count: u64) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB"];
    if count < 1024 {
        return format!("{count} B");
    }
    let (mut tenths, mut unit) = (u128::from(count) * 10 / 1024, 0);
    while tenths >= 10_240 && unit + 1 < units.len() {
        tenths /= 1024;
        unit += 1;
    }
    format!("{}.{} {}", tenths / 10, tenths % 10, units[unit])
}

/// Where a column's text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// A table without borders: a header, a rule, rows, and perhaps a total under a second rule.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    columns: Vec<(String, Align)>,
    rows: Vec<Vec<String>>,
    total: Option<Vec<String>>,
}

impl Table {
    /// A table of these columns.
    pub(crate) fn new(columns: impl IntoIterator<Item = (impl Into<String>, Align)>) -> Self {
        Self {
            columns: columns.into_iter().map(|(name, align)| (name.into(), align)).collect(),
            rows: Vec::new(),
            total: None,
        }
    }

    /// Adds a row, one text per column.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = impl Into<String>>) {
        self.rows.push(cells.into_iter().map(Into::into).collect());
    }

    /// Sets the total row.
    pub(crate) fn total(&mut self, cells: impl IntoIterator<Item = impl Into<String>>) {
        self.total = Some(cells.into_iter().map(Into::into).collect());
    }

    /// The columns at these positions, as a table of their own.
    pub(crate) fn select(&self, positions: &[usize]) -> Self {
        let pick = |row: &Vec<String>| positions.iter().map(|position| row[*position].clone()).collect();
        Self {
            columns: positions
                .iter()
                .map(|position| self.columns[*position].clone())
                .collect(),
            rows: self.rows.iter().map(pick).collect(),
            total: self.total.as_ref().map(pick),
        }
    }

    /// How many terminal columns it takes.
    pub(crate) fn width(&self) -> usize {
        self.lines().iter().map(|line| line.chars().count()).max().unwrap_or(0)
    }

    /// The table, each line indented by two.
    pub(crate) fn render(&self, look: Look) -> String {
        let lines = self.lines();
        let rule = if look.utf8 { "─" } else { "-" }.repeat(self.width());
        let total_at = self.total.as_ref().map(|_| lines.len() - 1);
        let mut text = String::new();
        for (position, line) in lines.iter().enumerate() {
            if Some(position) == total_at {
                text.push_str(&format!("  {rule}\n"));
            }
            let strong = position == 0 || Some(position) == total_at;
            let line = if strong { look.bold(line) } else { line.clone() };
            text.push_str(&format!("  {line}\n"));
            if position == 0 {
                text.push_str(&format!("  {rule}\n"));
            }
        }
        text
    }

    /// Header, rows, total; one line each, aligned, without trailing blanks.
    fn lines(&self) -> Vec<String> {
        let mut table = comfy_table::Table::new();
        table.load_style(comfy_table::presets::NOTHING).force_no_tty();
        let cells = |row: &[String]| -> Vec<Cell> {
            row.iter()
                .zip(&self.columns)
                .map(|(text, (_, align))| {
                    Cell::new(text).set_alignment(match align {
                        Align::Left => CellAlignment::Left,
                        Align::Right => CellAlignment::Right,
                    })
                })
                .collect()
        };
        let names: Vec<String> = self.columns.iter().map(|(name, _)| name.clone()).collect();
        table.set_header(cells(&names));
        for row in self.rows.iter().chain(&self.total) {
            table.add_row(cells(row));
        }
        for column in table.column_iter_mut() {
            column.set_padding((0, 2));
        }
        table.lines().map(|line| line.trim_end().to_owned()).collect()
    }
}

/// Names and values below each other, the values aligned; each line indented by two.
pub(crate) fn pairs(rows: &[(&str, String)], align: Align) -> String {
    let names = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let values = match align {
        Align::Left => 0,
        Align::Right => rows.iter().map(|(_, value)| value.chars().count()).max().unwrap_or(0),
    };
    rows.iter()
        .map(|(name, value)| format!("  {name:<names$}  {value:>values$}\n"))
        .collect()
}

/// A word as a shell reads it back: in single quotes, unless nothing in it means anything to a shell.
pub(crate) fn shell_word(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:=,+@%".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One case a line: input, then what must come out.
    fn check(cases: &str, show: impl Fn(&str) -> String) {
        for case in cases.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (input, expected) = case.split_once(" -> ").expect("input -> expected");
            assert_eq!(show(input), expected, "of {input}");
        }
    }

    #[test]
    fn numbers() {
        check(
            "0 -> 0
             999 -> 999
             1000 -> 1,000
             -1234567.891234 -> -1,234,567.891234
             200000171 -> 200,000,171
             -100 -> -100",
            |text| thousands(text),
        );
        check(
            "0.990000 -> 0.99
             0.012500 -> 0.0125
             1499.000000 -> 1,499.00
             499 -> 499",
            money,
        );
        check(
            "4.00 -> 4
             0.50 -> 0.5
             100.000000 -> 100
             20 -> 20",
            plain,
        );
        check("1 -> 1 file\n0 -> 0 files\n1024 -> 1,024 files", |text| {
            counted(text, "file", "files")
        });
    }

    #[test]
    fn times_and_sizes() {
        check(
            "0 -> 0.000 s
             41 -> 0.041 s
             1000 -> 1.0 s
             59999 -> 59.9 s
             60000 -> 1 min 00 s
             185400 -> 3 min 05 s",
            |text| duration(Duration::from_millis(text.parse().expect("milliseconds"))),
        );
        check(
            "0 -> 0 B
             1023 -> 1023 B
             1024 -> 1.0 KiB
             1048575 -> 1023.9 KiB
             89128960 -> 85.0 MiB
             18446744073709551615 -> 16777215.9 TiB",
            |text| bytes(text.parse().expect("bytes")),
        );
    }

    #[test]
    fn a_table_with_total() {
        let mut table = Table::new([("day", Align::Left), ("rows", Align::Right), ("note", Align::Left)]);
        table.row(["2024-10-12", "1,000", "first"]);
        table.row(["2024-10-13", "20", ""]);
        table.total(["total", "1,020", ""]);
        insta::assert_snapshot!(table.render(Look::PLAIN));
    }

    #[test]
    fn words_survive_a_shell() {
        let cases = [
            ("output=file:/tmp/out", "output=file:/tmp/out"),
            ("", "''"),
            ("a b", "'a b'"),
            ("${HOME}", "'${HOME}'"),
            ("it's", r"'it'\''s'"),
            ("~", "'~'"),
        ];
        for (word, shown) in cases {
            assert_eq!(shell_word(word), shown);
        }
    }
}

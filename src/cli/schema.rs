//! `nightbill schema`: the tables of the ledger, column by column.

use clap::Args;
use clap::builder::PossibleValuesParser;
use serde::Serialize;

use crate::ledger::tables::Table as LedgerTable;

use super::failure::Failure;
use super::format::{Align, Table};
use super::terminal::{JSON_FORMAT, Look, Terminal};

/// Print the tables of the output: columns, types, and what they mean
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    nightbill schema                      every table\n  \
    nightbill schema bill_lines\n  \
    nightbill schema bills --output json")]
pub(crate) struct SchemaArgs {
    /// Only this table
    #[arg(value_name = "TABLE", value_parser = PossibleValuesParser::new(LedgerTable::ALL.map(LedgerTable::name)))]
    table: Option<String>,
}

/// The JSON document.
#[derive(Debug, Serialize)]
pub(crate) struct SchemaDocument {
    format: u32,
    command: &'static str,
    tables: Vec<TablePart>,
}

#[derive(Debug, Serialize)]
struct TablePart {
    table: &'static str,
    path: String,
    columns: Vec<ColumnPart>,
}

#[derive(Debug, Serialize)]
struct ColumnPart {
    column: &'static str,
    r#type: String,
    nullable: bool,
    meaning: &'static str,
}

/// Prints the tables.
pub(crate) fn run(args: &SchemaArgs, terminal: &Terminal) -> Result<(), Failure> {
    terminal.asked_for(&SchemaDocument::new(args.table.as_deref()), text)
}

impl SchemaDocument {
    /// Every table, or the one of this name.
    fn new(only: Option<&str>) -> Self {
        Self {
            format: JSON_FORMAT,
            command: "schema",
            tables: LedgerTable::ALL
                .into_iter()
                .filter(|table| only.is_none_or(|name| name == table.name()))
                .map(table_part)
                .collect(),
        }
    }
}

fn table_part(table: LedgerTable) -> TablePart {
    TablePart {
        table: table.name(),
        path: format!("{}/batch=<id>/part-<n>.parquet", table.name()),
        columns: table
            .columns()
            .iter()
            .map(|column| ColumnPart {
                column: column.name,
                r#type: column.data_type.to_string(),
                nullable: column.nullable,
                meaning: column.meaning,
            })
            .collect(),
    }
}

fn text(document: &SchemaDocument, look: Look) -> String {
    let shown: Vec<String> = document
        .tables
        .iter()
        .map(|part| {
            let mut table = Table::new(["column", "type", "null", "meaning"].map(|name| (name, Align::Left)));
            for column in &part.columns {
                let nullable = if column.nullable { "null" } else { "" };
                table.row([column.column, &column.r#type, nullable, column.meaning]);
            }
            format!(
                "{}  <output>/{}\n{}",
                look.bold(part.table),
                part.path,
                table.render(look)
            )
        })
        .collect();
    shown.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::json_doc;
    use crate::cli::terminal::to_json;

    #[test]
    fn one_table_as_text() {
        insta::assert_snapshot!(text(&SchemaDocument::new(Some("renewals")), Look::PLAIN));
    }

    #[test]
    fn every_table_is_there_and_every_column_has_a_meaning() {
        let document = SchemaDocument::new(None);
        let names: Vec<&str> = document.tables.iter().map(|part| part.table).collect();
        assert_eq!(names, LedgerTable::ALL.map(LedgerTable::name));
        for part in &document.tables {
            assert!(!part.columns.is_empty(), "{}", part.table);
            for column in &part.columns {
                assert!(!column.meaning.is_empty(), "{}.{}", part.table, column.column);
            }
        }
    }

    #[test]
    fn the_document_is_as_documented() {
        json_doc::check("schema", &to_json(&SchemaDocument::new(None)));
    }
}

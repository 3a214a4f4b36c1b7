//! `nightbill schema`: the tables of the ledger, column by column.

use arrow::datatypes::{DataType, TimeUnit};
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
    column: String,
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
            .schema()
            .fields()
            .iter()
            .map(|field| ColumnPart {
                column: field.name().clone(),
                r#type: type_name(field.data_type()),
                nullable: field.is_nullable(),
                meaning: "",
            })
            .collect(),
    }
}

/// A type as SPEC section 4 writes it.
fn type_name(of: &DataType) -> String {
    match of {
        DataType::Boolean => "bool".to_owned(),
        DataType::Int16 => "i16".to_owned(),
        DataType::Int64 => "i64".to_owned(),
        DataType::Date32 => "date".to_owned(),
        DataType::Utf8 => "string".to_owned(),
        DataType::Decimal128(precision, scale) => format!("decimal({precision},{scale})"),
        DataType::Timestamp(TimeUnit::Microsecond, Some(zone)) => format!("timestamp(us, {zone})"),
        other => other.to_string(),
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
                table.row([column.column.as_str(), &column.r#type, nullable, column.meaning]);
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

//! A look at the page headers of a Parquet file before it is decoded.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bytes::Bytes;
use parquet::column::page::PageReader;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaDataReader};
use parquet::file::serialized_reader::SerializedPageReader;

use super::read::Column;

/// Walks over the page headers of the columns without decoding the pages: each column must have exactly the values
/// that the footer claims. polars believes the headers, and a corrupt one makes it ask for so much memory that the
/// process is aborted, which nothing can catch.
pub(super) fn check_pages(bytes: &Bytes, columns: &[Column]) -> Result<(), String> {
    let walk = || -> Result<(), ParquetError> {
        let metadata = ParquetMetaDataReader::new().parse_and_finish(bytes)?;
        for group in metadata.row_groups() {
            let rows = usize::try_from(group.num_rows())?;
            let wanted = |name: &str| columns.iter().any(|column| column.name == name);
            for chunk in group.columns() {
                if chunk.column_path().parts().first().is_some_and(|name| wanted(name)) {
                    check_pages_of(bytes, chunk, rows)?;
                }
            }
        }
        Ok(())
    };
    match catch_unwind(AssertUnwindSafe(walk)) {
        Ok(checked) => checked.map_err(|error| error.to_string()),
        Err(_) => Err("its bytes make no sense".to_owned()),
    }
}

fn check_pages_of(bytes: &Bytes, chunk: &ColumnChunkMetaData, rows: usize) -> Result<(), ParquetError> {
    let mut pages = SerializedPageReader::new(Arc::new(bytes.clone()), chunk, rows, None)?;
    let mut values = 0_usize;
    while let Some(page) = pages.peek_next_page()? {
        values = page
            .num_levels
            .unwrap_or(0)
            .checked_add(values)
            .filter(|values| *values <= rows)
            .ok_or_else(|| ParquetError::General("a page claims too many values".to_owned()))?;
        pages.skip_next_page()?;
    }
    if values == rows || chunk.column_descr().max_rep_level() > 0 {
        Ok(())
    } else {
        Err(ParquetError::General("a column has too few values".to_owned()))
    }
}

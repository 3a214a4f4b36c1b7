//! Usage files with every column that they have, for what rewrites them.

use std::sync::Arc;

use crate::inputs::parquet::WholeFile;
use crate::inputs::parquet::source::RangeReader;
use crate::store::Object;

use super::columns::COLUMNS;
use super::error::ScanError;

/// Reads the footer of a usage file whose rows are to be read whole.
///
/// # Errors
/// [`ScanError`] as a [`scan`](super::scan()) has it; and when the file has more than 128 columns.
pub fn open_whole(reader: &Arc<dyn RangeReader>, object: &Object) -> Result<WholeFile, ScanError> {
    Ok(WholeFile::open(reader, object, &COLUMNS)?)
}

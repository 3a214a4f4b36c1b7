//! Where a column chunk lies in its file, and what it holds, as the footer says.

use std::sync::{Arc, Mutex};

use parquet::basic::{CompressionCodec, Encoding, Type};

use super::error::Fault;

/// Where a column chunk is, and what it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::inputs) struct Chunk {
    /// First byte in the file.
    pub start: u64,
    /// First byte after it.
    pub end: u64,
    /// Values, nulls included: as many as the row group has rows.
    pub values: u64,
    /// How its pages are compressed.
    pub codec: CompressionCodec,
    /// How its values are stored.
    pub physical: Type,
    /// Whether there are definition levels.
    pub nullable: bool,
}

impl Chunk {
    /// How many bytes of levels a version 1 page begins with. Flat columns have no repetition levels.
    pub(in crate::inputs) fn levels_v1(&self, page: &[u8], encoding: Encoding) -> Result<usize, Fault> {
        if !self.nullable || encoding != Encoding::RLE {
            return Ok(0);
        }
        let cut_off = || Fault::bad("a page's levels are larger than the page");
        let length = page
            .first_chunk::<4>()
            .map(|bytes| to_usize(u32::from_le_bytes(*bytes)));
        let levels = length.and_then(|length| length.checked_add(4)).ok_or_else(cut_off)?;
        if levels > page.len() {
            return Err(cut_off());
        }
        Ok(levels)
    }
}

/// Where a fault goes that has to pass through the parquet crate, whose errors are text.
pub(in crate::inputs) type FaultSlot = Arc<Mutex<Option<Fault>>>;

pub(in crate::inputs) fn to_usize(value: u32) -> usize {
    usize::try_from(value).expect("usize has at least 32 bits")
}

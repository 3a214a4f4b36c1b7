//! The bytes of one row group, in memory or on their way, as pages by column.

use std::sync::Arc;

use bytes::Bytes;

use super::chunk::{Chunk, FaultSlot};
use super::error::Fault;
use super::footer::RowGroup;
use super::group_bytes::GroupBytes;
use super::large_pages::Turn;
use super::pages::Pages;

/// The bytes of a row group, fetched for as many readings of it as it takes.
pub(in crate::inputs) struct Fetched {
    bytes: Arc<GroupBytes>,
    /// By position among the needed columns: the chunk, where it starts, and what has been fetched of it.
    chunks: Vec<(Option<Chunk>, (u64, Bytes))>,
}

impl Fetched {
    /// Fetches the chunks of a row group, unless they are large.
    pub(super) fn new(bytes: GroupBytes, group: &RowGroup) -> Result<Self, Fault> {
        let windows = bytes.chunks(&group.chunks)?;
        Ok(Self {
            chunks: group.chunks.iter().copied().zip(windows).collect(),
            bytes: Arc::new(bytes),
        })
    }

    /// The pages of the needed column at this position; None when the file does not have it.
    pub(in crate::inputs) fn pages(&self, at: usize, turn: &Arc<Turn>, fault: FaultSlot) -> Option<Pages> {
        let (chunk, window) = self.chunks.get(at)?;
        let bytes = Arc::clone(&self.bytes);
        Some(Pages::new(bytes, (*chunk)?, window.clone(), fault, turn.permit()))
    }
}

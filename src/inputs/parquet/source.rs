//! Where the bytes of files come from.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use crate::store::{Object, Store, StoreError};

use super::error::Fault;

/// How remote stores are read: at 30 ms a read, 64 MiB on their way are 2 GB/s, and 64 small files are read in the time of one.
const REMOTE: ReadAhead = ReadAhead {
    reads: 64,
    bytes: 64 << 20,
    gap: 64 << 10,
    read_bytes: 8 << 20,
};
/// Reads byte ranges of listed objects. [`Store`] does, and in-memory files of tests do.
pub trait RangeReader: Send + Sync {
    /// A byte range of a listed object, which must still be the one that was listed.
    ///
    /// # Errors
    /// [`StoreError::Changed`] when it is not, [`StoreError::NotFound`] when it is gone.
    fn get_range(&self, object: &Object, range: Range<u64>) -> Result<Bytes, StoreError>;

    /// How to read ahead. None where a read costs no more than the copying, as it does on local disk: there each
    /// is made when its bytes are needed, by the thread that needs them.
    fn read_ahead(&self) -> Option<ReadAhead> {
        None
    }
}

/// How much is read at a time from a store whose every read waits for a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadAhead {
    /// Reads under way at once.
    pub reads: usize,
    /// Bytes that are under way, or there and not yet asked for; always one read, however large.
    pub bytes: u64,
    /// Bytes between two needed ones that are read and thrown away, when there are not more of them.
    pub gap: u64,
    /// Bytes of one read, unless a column chunk is larger.
    pub read_bytes: u64,
}

impl RangeReader for Store {
    fn get_range(&self, object: &Object, range: Range<u64>) -> Result<Bytes, StoreError> {
        Self::get_range(self, object, range)
    }

    fn read_ahead(&self) -> Option<ReadAhead> {
        self.is_remote().then_some(REMOTE)
    }
}

/// One file.
pub(in crate::inputs) struct Source {
    reader: Arc<dyn RangeReader>,
    object: Object,
}

impl Source {
    pub(in crate::inputs) fn new(reader: Arc<dyn RangeReader>, object: Object) -> Self {
        Self { reader, object }
    }

    /// See [`RangeReader::read_ahead`].
    pub(in crate::inputs) fn read_ahead(&self) -> Option<ReadAhead> {
        self.reader.read_ahead()
    }

    pub(in crate::inputs) fn path(&self) -> &str {
        &self.object.path
    }

    pub(in crate::inputs) fn size(&self) -> u64 {
        self.object.size
    }

    /// The bytes of a range within the file.
    pub(in crate::inputs) fn read(&self, range: Range<u64>) -> Result<Bytes, Fault> {
        assert!(
            range.start <= range.end && range.end <= self.size(),
            "ranges are checked before they are read"
        );
        let length = range.end - range.start;
        if length == 0 {
            return Ok(Bytes::new());
        }
        let bytes = self.reader.get_range(&self.object, range)?;
        if u64::try_from(bytes.len()) != Ok(length) {
            return Err(Fault::Store(StoreError::Changed {
                path: self.object.path.clone(),
            }));
        }
        Ok(bytes)
    }
}

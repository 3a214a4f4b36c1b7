//! Where bytes of usage files come from.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use crate::store::{Object, Store, StoreError};

use super::error::Fault;

/// Reads byte ranges of listed objects. [`Store`] does, and in-memory files of tests do.
pub trait RangeReader: Send + Sync {
    /// A byte range of a listed object, which must still be the one that was listed.
    ///
    /// # Errors
    /// [`StoreError::Changed`] when it is not, [`StoreError::NotFound`] when it is gone.
    fn get_range(&self, object: &Object, range: Range<u64>) -> Result<Bytes, StoreError>;
}

impl RangeReader for Store {
    fn get_range(&self, object: &Object, range: Range<u64>) -> Result<Bytes, StoreError> {
        Self::get_range(self, object, range)
    }
}

/// One usage file.
pub(super) struct Source {
    reader: Arc<dyn RangeReader>,
    object: Object,
}

impl Source {
    pub(super) fn new(reader: Arc<dyn RangeReader>, object: Object) -> Self {
        Self { reader, object }
    }

    pub(super) fn path(&self) -> &str {
        &self.object.path
    }

    pub(super) fn size(&self) -> u64 {
        self.object.size
    }

    /// The bytes of a range within the file.
    pub(super) fn read(&self, range: Range<u64>) -> Result<Bytes, Fault> {
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

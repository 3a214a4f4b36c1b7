//! Local files into the store, piece by piece, so that they need not fit into memory.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use bytes::Bytes;
use object_store::{ObjectStoreExt, PutPayload};

use super::{Store, StoreError};

/// Bytes of a piece: S3 takes at most 10,000 of them, and at least 5 MiB each.
const PIECE_BYTES: u64 = 16 << 20;

impl Store {
    /// Writes a local file as an object, which appears when all of it has arrived; one that is there is replaced.
    ///
    /// # Errors
    /// [`StoreError::Failed`] when the file cannot be read or the store does not take it.
    pub fn put_file(&self, path: &str, file: &Path) -> Result<(), StoreError> {
        let unreadable = |error: std::io::Error| StoreError::Failed {
            path: file.display().to_string(),
            message: error.to_string(),
        };
        let mut from = File::open(file).map_err(unreadable)?;
        let mut piece = || -> Result<Bytes, StoreError> {
            let mut bytes = Vec::new();
            let read = from.by_ref().take(PIECE_BYTES).read_to_end(&mut bytes);
            read.map_err(unreadable)?;
            Ok(Bytes::from(bytes))
        };
        let first = piece()?;
        let second = piece()?;
        if second.is_empty() {
            return self.put(path, first);
        }
        let full = self.full(path)?;
        let failed = |error: &object_store::Error| self.error(path, error);
        let upload = self.waiting.wait(self.objects.put_multipart(&full));
        let mut upload = upload.map_err(|error| failed(&error))?;
        let mut send = |bytes: Bytes| {
            let sent = self.waiting.wait(upload.put_part(PutPayload::from(bytes)));
            sent.map_err(|error| failed(&error))
        };
        let sent = send(first).and_then(|()| {
            let mut next = second;
            while !next.is_empty() {
                send(next)?;
                next = piece()?;
            }
            Ok(())
        });
        let done = sent.and_then(|()| {
            let completed = self.waiting.wait(upload.complete());
            completed.map(|_| ()).map_err(|error| failed(&error))
        });
        if done.is_err() {
            // The error at hand says more than one of giving up would.
            let _ = self.waiting.wait(upload.abort());
        }
        done
    }
}

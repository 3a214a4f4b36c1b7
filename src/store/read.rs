//! Byte ranges of listed objects, which must still be the ones that were listed.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;

use bytes::Bytes;
use object_store::path::Path;
use object_store::{GetOptions, GetRange, GetResultPayload, ObjectMeta, ObjectStoreExt};

use super::{Object, Store, StoreError};

/// The condition that an object is still of the version with this tag, in quotes as HTTP has it. A weak tag never
/// satisfies one (RFC 9110, 13.1.1).
pub(super) fn condition(tag: &str) -> Option<String> {
    (!tag.starts_with("W/")).then(|| format!("\"{tag}\""))
}

impl Store {
    /// Whether every read waits for a network, so that several at a time are faster than one after the other.
    pub fn is_remote(&self) -> bool {
        !self.location.is_local()
    }

    /// A byte range of a listed object. The read is conditional on the version that was listed, and size and etag of
    /// the answer must be those of the listing.
    ///
    /// # Errors
    /// [`StoreError::Changed`] when they are not, [`StoreError::NotFound`] when it is gone,
    /// [`StoreError::Failed`] when the range is not within the object.
    pub fn get_range(&self, object: &Object, range: Range<u64>) -> Result<Bytes, StoreError> {
        if range.start > range.end || range.end > object.size {
            return Err(StoreError::Failed {
                path: self.shown(&object.path),
                message: format!("bytes {range:?} are not within its {} bytes", object.size),
            });
        }
        let full = self.full(&object.path)?;
        let length = range.end - range.start;
        let changed = || StoreError::Changed {
            path: self.shown(&object.path),
        };
        let (metas, bytes) = self
            .waiting
            .wait(self.fetch(&full, object, range))
            .map_err(|error| match error {
                object_store::Error::Precondition { .. } => changed(),
                error => self.error(&object.path, &error),
            })?;
        // A store may ignore the condition. An answer carries the size and etag of the version that its bytes are of.
        let whole = usize::try_from(length) == Ok(bytes.len());
        if whole && metas.iter().all(|meta| object.is_still(meta)) {
            return Ok(bytes);
        }
        Err(changed())
    }

    /// The bytes, and what the store said about the object: once with them, and once after them where a file can
    /// be written in place under the reader.
    pub(super) async fn fetch(
        &self,
        full: &Path,
        object: &Object,
        range: Range<u64>,
    ) -> object_store::Result<(Vec<ObjectMeta>, Bytes)> {
        if range.is_empty() {
            return Ok((vec![self.objects.head(full).await?], Bytes::new()));
        }
        let options = GetOptions {
            if_match: object.etag.as_deref().and_then(condition),
            range: Some(GetRange::Bounded(range)),
            ..GetOptions::default()
        };
        let answer = self.objects.get_opts(full, options).await?;
        let meta = answer.meta.clone();
        let GetResultPayload::File(file, path) = &answer.payload else {
            return Ok((vec![meta], answer.bytes().await?));
        };
        let bytes = read_file(file, &answer.range).map_err(|source| object_store::Error::Generic {
            store: "LocalFileSystem",
            source: format!("cannot read {}: {source}", path.display()).into(),
        })?;
        Ok((vec![meta, self.objects.head(full).await?], bytes))
    }
}

/// The bytes of a range, fewer where the file ends in it. Read straight into memory that nobody filled with zeros before.
fn read_file(mut file: &File, range: &Range<u64>) -> io::Result<Bytes> {
    let length = range.end - range.start;
    let mut bytes = SPARE.take();
    bytes.clear();
    bytes.try_reserve_exact(usize::try_from(length).map_err(io::Error::other)?)?;
    file.seek(SeekFrom::Start(range.start))?;
    file.take(length).read_to_end(&mut bytes)?;
    Ok(Bytes::from_owner(Reused(bytes)))
}

/// Bytes of a memory that is kept for the next read.
const MAX_SPARE_BYTES: usize = 32 << 20;

thread_local! {
    /// Memory that this thread has read into and is done with: the kernel need not fill it with zeros again.
    static SPARE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// What has been read, in memory that goes back to [`SPARE`].
struct Reused(Vec<u8>);

impl AsRef<[u8]> for Reused {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Reused {
    fn drop(&mut self) {
        let bytes = std::mem::take(&mut self.0);
        // Threads that end have no spare memory any more.
        let _ = SPARE.try_with(|spare| {
            let before = spare.take();
            let larger = if before.capacity() < bytes.capacity() {
                bytes
            } else {
                before
            };
            if larger.capacity() <= MAX_SPARE_BYTES {
                spare.set(larger);
            }
        });
    }
}

impl Object {
    /// Whether an answer is about the very object that was listed.
    fn is_still(&self, meta: &ObjectMeta) -> bool {
        let now = Self::new(String::new(), meta);
        now.size == self.size && (now.etag.is_none() || self.etag.is_none() || now.etag == self.etag)
    }
}

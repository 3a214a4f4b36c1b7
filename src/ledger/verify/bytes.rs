//! Table files as bytes. The laws ask for the same files one after another; what is small enough comes from the store once.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use crate::ledger::record::{CommitRecord, TableFile};
use crate::store::{Store, StoreError, at_once};
use crate::units::digest::sha256_hex;

/// How many bytes are kept: the batches of a hundred thousand accounts. Of a larger batch the first files are, and the others
/// are read again by each law, so that memory does not grow with the batch.
const KEPT_BYTES: usize = 64 << 20;
/// Files that are read and hashed at a time, each whole in memory.
const HASHED_AT_ONCE: usize = 4;

/// The table files of a store.
pub(super) struct TableBytes<'a> {
    store: &'a Store,
    most: usize,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    files: BTreeMap<String, Bytes>,
    bytes: usize,
}

impl<'a> TableBytes<'a> {
    pub(super) fn new(store: &'a Store) -> Self {
        Self {
            store,
            most: KEPT_BYTES,
            kept: Mutex::default(),
        }
    }

    /// A file's bytes: the same ones every time, where they are kept.
    pub(super) fn get(&self, path: &str) -> Result<Bytes, StoreError> {
        if let Some(bytes) = lock(&self.kept).files.get(path) {
            return Ok(bytes.clone());
        }
        let bytes = self.store.get(path)?;
        let mut kept = lock(&self.kept);
        if kept.bytes + bytes.len() <= self.most && !kept.files.contains_key(path) {
            kept.bytes += bytes.len();
            kept.files.insert(path.to_owned(), bytes.clone());
        }
        Ok(bytes)
    }

    /// The files that are not as the record says, by path.
    pub(super) fn differences<'r>(
        &self,
        record: &'r CommitRecord,
    ) -> Result<BTreeMap<&'r str, Difference>, StoreError> {
        let found = Mutex::new(BTreeMap::new());
        at_once(HASHED_AT_ONCE, &record.files, |file| {
            let difference = match self.get(&file.path) {
                Ok(bytes) => Difference::of(file, &bytes),
                Err(StoreError::NotFound { .. }) => Some(Difference::Missing),
                Err(error) => return Err(error),
            };
            if let Some(difference) = difference {
                lock(&found).insert(&*file.path, difference);
            }
            Ok(())
        })?;
        Ok(found.into_inner().unwrap_or_else(PoisonError::into_inner))
    }
}

/// How a file is not as its commit record says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Difference {
    Missing,
    Size { found: u64, recorded: u64 },
    Hash,
}

impl Difference {
    fn of(file: &TableFile, bytes: &Bytes) -> Option<Self> {
        let found = bytes.len() as u64;
        if found != file.size {
            let recorded = file.size;
            Some(Self::Size { found, recorded })
        } else {
            (sha256_hex(bytes) != file.sha256).then_some(Self::Hash)
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("is missing"),
            Self::Size { found, recorded } => write!(f, "has {found} bytes, recorded are {recorded}"),
            Self::Hash => f.write_str("has another SHA-256 than recorded"),
        }
    }
}

/// A thread that panicked leaves nothing that could be wrong: what is in the maps was put there whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use url::Url;

    use crate::store::Location;

    use super::*;

    #[test]
    fn what_is_kept_is_read_once_and_no_more_than_fits_is_kept() {
        let directory = tempfile::tempdir().unwrap();
        let url = Url::from_directory_path(directory.path()).unwrap();
        let store = Store::open(&Location::from_url(url).unwrap()).unwrap();
        let files = TableBytes {
            most: 10,
            ..TableBytes::new(&store)
        };
        for (name, text) in [("a", "12345"), ("b", "123456"), ("c", "1234")] {
            store.put(name, text.into()).unwrap();
            assert_eq!(files.get(name).unwrap(), text);
            store.put(name, "changed".into()).unwrap();
        }
        let again = ["a", "b", "c"].map(|name| files.get(name).unwrap());
        assert_eq!(again, ["12345", "changed", "1234"], "b did not fit");
    }
}

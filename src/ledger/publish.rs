//! The second half of the commit protocol: the one put that commits, and the copies that publish (SPEC 5).

use bytes::Bytes;

use crate::store::{Store, StoreError, at_once};
use crate::units::digest::sha256_hex;

use super::batch::LedgerError;
use super::record::{BatchId, CommitRecord, TableFile};

/// Files that are given their names at a time: it is the store that they wait for.
const NAMED_AT_ONCE: usize = 16;

/// Where commit records are.
pub(super) const BATCHES: &str = "_batches";

/// The path of a commit record.
pub(super) fn record_path(id: BatchId) -> String {
    format!("{BATCHES}/{id}.json")
}

/// The path of the mark that all files of a batch have their final names.
pub(super) fn published_path(id: BatchId) -> String {
    format!("{BATCHES}/{id}.published")
}

/// How the put of a commit record ended.
pub(super) enum Put {
    /// The stored record is ours.
    Won,
    /// It is another's; these are its bytes.
    Lost(Bytes),
    /// Nobody knows: the store failed, and may still do what it was asked.
    Unknown(StoreError),
}

/// Puts a commit record where none is. Whatever the store says about a failed put is only a hint, so it is read back: a
/// retried request can meet the object of its first try.
pub(super) fn put_record(store: &Store, id: BatchId, ours: &Bytes) -> Put {
    let path = record_path(id);
    let Err(error) = store.put_new(&path, ours.clone()) else {
        return Put::Won;
    };
    match store.get(&path) {
        Ok(stored) if stored == ours => Put::Won,
        Ok(stored) => Put::Lost(stored),
        Err(_) => Put::Unknown(error),
    }
}

/// Gives every file of a committed batch its final name, says so, and deletes the staged ones. Doing it again, or at the
/// same time as another run, is harmless: the bytes are the same.
pub(super) fn publish(store: &Store, id: BatchId, record: &CommitRecord) -> Result<(), LedgerError> {
    at_once(NAMED_AT_ONCE, &record.files, |file| publish_file(store, id, file))?;
    store.put(&published_path(id), Bytes::new())?;
    if let Some(attempt) = record.files.first().and_then(|file| attempt_of(&file.staged)) {
        // The batch is published; what stays behind costs space and nothing else.
        if let Err(error) = store.delete_below(attempt) {
            tracing::warn!(%error, "staged files of a published batch were not deleted");
        }
    }
    Ok(())
}

fn publish_file(store: &Store, id: BatchId, file: &TableFile) -> Result<(), LedgerError> {
    if is_in_place(store, file)? {
        return Ok(());
    }
    match store.copy(&file.staged, &file.path) {
        Ok(()) => Ok(()),
        // Another run that finishes the same publishing may have been faster.
        Err(StoreError::AlreadyExists { .. } | StoreError::NotFound { .. }) if is_in_place(store, file)? => Ok(()),
        Err(StoreError::NotFound { .. }) => Err(LedgerError::Damaged {
            path: file.staged.clone(),
            message: format!("is gone, and batch {id} still needs it; restore it or {}", file.path),
        }),
        Err(error) => Err(error.into()),
    }
}

fn is_in_place(store: &Store, file: &TableFile) -> Result<bool, LedgerError> {
    match store.head(&file.path)? {
        None => Ok(false),
        // Rare: a crash in the middle of publishing. What stands there must be the batch's own bytes.
        Some(object) if object.size == file.size => match sha256_hex(&store.get(&file.path)?) == file.sha256 {
            true => Ok(true),
            false => Err(LedgerError::Damaged {
                path: file.path.clone(),
                message: "is not the file of its commit record; move it away".to_owned(),
            }),
        },
        Some(object) => Err(LedgerError::Damaged {
            path: file.path.clone(),
            message: format!("has {} bytes, its commit record says {}", object.size, file.size),
        }),
    }
}

/// `_staging/<id>/<attempt>` of a staged path.
fn attempt_of(staged: &str) -> Option<&str> {
    let (end, _) = staged.match_indices('/').nth(2)?;
    Some(&staged[..end])
}

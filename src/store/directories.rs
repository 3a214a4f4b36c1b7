//! Directories: buckets have none, local disks keep empty ones.

use super::{Store, StoreError, at_once};

/// Objects that are deleted at a time: it is the store that they wait for.
const DELETED_AT_ONCE: usize = 16;

impl Store {
    /// Makes an empty directory, so that nobody who deletes empty ones around it takes them from under the next put.
    /// Buckets have no directories.
    ///
    /// # Errors
    /// [`StoreError::Failed`] when the local disk does not do it.
    pub fn create_directory(&self, directory: &str) -> Result<(), StoreError> {
        let (true, Ok(base)) = (self.location.is_local(), self.location.url().to_file_path()) else {
            return Ok(());
        };
        let path = base.join(directory);
        // Another run may delete an empty parent in the moment between its making and the child's.
        let mut made = std::fs::create_dir_all(&path);
        for _ in 0..8 {
            if made.is_ok() {
                break;
            }
            made = std::fs::create_dir_all(&path);
        }
        made.map_err(|error| StoreError::Failed {
            path: self.shown(directory),
            message: error.to_string(),
        })
    }

    /// Deletes every object below `directory`, and on local disk the directories that are empty then, up to the
    /// store's own.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not do it.
    pub fn delete_below(&self, directory: &str) -> Result<(), StoreError> {
        let objects = self.list(directory)?;
        let mut directories: Vec<&str> = Vec::new();
        at_once(DELETED_AT_ONCE, &objects, |object| self.delete(&object.path))?;
        for object in &objects {
            directories.extend(parents(&object.path));
        }
        directories.extend(parents(directory));
        directories.push(directory);
        directories.sort_unstable_by_key(|path| std::cmp::Reverse(path.len()));
        directories.dedup();
        if let (true, Ok(base)) = (self.location.is_local(), self.location.url().to_file_path()) {
            for path in directories {
                // One that is not empty stays: others stage there.
                let _ = std::fs::remove_dir(base.join(path));
            }
        }
        Ok(())
    }
}

/// Every directory that contains `path`, innermost last.
fn parents(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(end, _)| &path[..end])
}

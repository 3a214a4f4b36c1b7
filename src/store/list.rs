//! Listings: one page after the other, or directories beside each other where there are many objects.

use futures::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore};

/// S3 and Google answer a listing with so many objects at a time, Azure with five times as many.
const PAGE_OBJECTS: usize = 1_000;

/// Directories listed at a time.
const DIRECTORIES_AT_ONCE: usize = 16;

/// Every object below a path. On a remote store each page waits for the one before, so when the first does not hold
/// all, the directories right below the path (the partitions of usage) are listed at the same time.
pub(super) async fn list(
    objects: &dyn ObjectStore,
    below: &Path,
    is_remote: bool,
) -> object_store::Result<Vec<ObjectMeta>> {
    let mut pages = objects.list(Some(below));
    let mut metas = Vec::new();
    while let Some(meta) = pages.try_next().await? {
        if is_remote && metas.len() == PAGE_OBJECTS {
            return list_directories(objects, below).await;
        }
        metas.push(meta);
    }
    Ok(metas)
}

async fn list_directories(objects: &dyn ObjectStore, below: &Path) -> object_store::Result<Vec<ObjectMeta>> {
    let top = objects.list_with_delimiter(Some(below)).await?;
    let listings = stream::iter(&top.common_prefixes)
        .map(|directory| objects.list(Some(directory)).try_collect::<Vec<ObjectMeta>>())
        .buffer_unordered(DIRECTORIES_AT_ONCE)
        .try_collect::<Vec<_>>()
        .await?;
    Ok(top.objects.into_iter().chain(listings.into_iter().flatten()).collect())
}
